//! `postroom outbounds`

use clap::{Args, Subcommand};

use super::client::{Client, Reach, in_path};
use super::shapes::{Outbound, Outbounds, Ping, all_faults};
use super::sources::say_ping;
use super::table::{cell, fault_lines, table, time};
use super::{Failure, say, say_json};
use crate::config::{Config, ConfigError};
use crate::connections::ConnectionType;

#[derive(Debug, Args)]
pub(super) struct OutboundsArgs {
    #[command(subcommand)]
    command: OutboundsCommand,
    #[command(flatten)]
    reach: Reach,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum OutboundsCommand {
    /// List them with their health
    List,
    /// Try one out: token, identity, mailbox, folder, count; with --to also the right to write and to send
    Ping {
        /// The outbound's id, from the list
        id: String,
        /// Send a test mail to this address
        #[arg(long, value_name = "ADDRESS")]
        to: Option<String>,
    },
    /// Move one from EWS to Graph
    Convert {
        /// The outbound's id, from the list
        id: String,
    },
    /// Send nothing until it is resumed
    Pause {
        /// The outbound's id, from the list
        id: String,
    },
    /// Send again
    Resume {
        /// The outbound's id, from the list
        id: String,
    },
}

pub(super) async fn run(
    args: OutboundsArgs,
    settings: impl FnOnce() -> Result<Config, ConfigError>,
) -> Result<(), Failure> {
    let client = Client::new(&args.reach, settings)?;
    match args.command {
        OutboundsCommand::List => list(&client, args.json).await,
        OutboundsCommand::Ping { id, to } => {
            let to = to.map(|to| format!("?to={}", in_path(&to))).unwrap_or_default();
            let ping: Ping = client.post(&format!("/api/v1/outbounds/{}/ping{to}", in_path(&id))).await?;
            say_ping(&ping, args.json, "the outbound does not work; the checks above say what to do")
        }
        OutboundsCommand::Convert { id } => convert(&client, &id, args.json).await,
        OutboundsCommand::Pause { id } => switch(&client, &id, "pause", args.json).await,
        OutboundsCommand::Resume { id } => switch(&client, &id, "resume", args.json).await,
    }
}

async fn switch(client: &Client, id: &str, what: &str, json: bool) -> Result<(), Failure> {
    let outbound: Outbound = client.post(&format!("/api/v1/outbounds/{}/{what}", in_path(id))).await?;
    if json {
        return say_json(&outbound);
    }
    Ok(say(&format!("{}: {}", outbound.mailbox, outbound.state))?)
}

async fn convert(client: &Client, id: &str, json: bool) -> Result<(), Failure> {
    let moved: Outbound = client.post(&format!("/api/v1/outbounds/{}/convert", in_path(id))).await?;
    if json {
        return say_json(&moved);
    }
    Ok(say(&format!("{} sends over Graph from now on.", cell(&moved.mailbox, 50)))?)
}

async fn list(client: &Client, json: bool) -> Result<(), Failure> {
    let found: Outbounds = client.get("/api/v1/outbounds").await?;
    if json {
        return say_json(&found);
    }
    if found.outbounds.is_empty() {
        return Ok(say(
            "No Message Outbound yet. Open the console, go to Messaging > Message Outbounds, and sign in with Microsoft.",
        )?);
    }
    let mut rows = table(&["Mailbox", "Over", "As", "State", "Since", "Last mail sent", "Id"]);
    for outbound in &found.outbounds {
        rows.add_row([
            cell(&outbound.mailbox, 50),
            ConnectionType::of_word(&outbound.connection_type).to_string(),
            cell(&outbound.account, 50),
            outbound.state.clone(),
            time(outbound.since),
            time(outbound.last_sent_at),
            outbound.id.clone(),
        ]);
    }
    say(&rows.to_string())?;
    for outbound in &found.outbounds {
        for fault in all_faults(outbound.fault.as_ref(), &outbound.faults) {
            say(&fault_lines(&format!("{}: ", outbound.mailbox), fault))?;
        }
    }
    Ok(())
}
