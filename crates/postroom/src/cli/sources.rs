//! `postroom sources`

use clap::{Args, Subcommand};

use super::client::{Client, Reach};
use super::shapes::{Ping, Sources};
use super::table::{cell, table, time};
use super::{Failure, say, say_json};
use crate::config::{Config, ConfigError};

#[derive(Debug, Args)]
pub(super) struct SourcesArgs {
    #[command(subcommand)]
    command: SourcesCommand,
    #[command(flatten)]
    reach: Reach,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum SourcesCommand {
    /// List them with their health
    List,
    /// Try one out: who am I, which mailbox, which folder, what is allowed
    Ping {
        /// The source's id, from the list
        id: String,
    },
}

pub(super) async fn run(
    args: SourcesArgs,
    settings: impl FnOnce() -> Result<Config, ConfigError>,
) -> Result<(), Failure> {
    let client = Client::new(&args.reach, settings)?;
    match args.command {
        SourcesCommand::List => list(&client, args.json).await,
        SourcesCommand::Ping { id } => ping(&client, &id, args.json).await,
    }
}

async fn list(client: &Client, json: bool) -> Result<(), Failure> {
    let found: Sources = client.get("/api/v1/sources").await?;
    if json {
        return say_json(&found);
    }
    if found.sources.is_empty() {
        return Ok(say(
            "No Message Source yet. Open the console, go to Messaging > Message Sources, and sign in with Microsoft.",
        )?);
    }
    let mut rows = table(&["Mailbox", "Folder", "State", "Since", "Project", "Last mail", "Waiting", "Id"]);
    for source in &found.sources {
        rows.add_row([
            cell(&source.mailbox, 50),
            cell(&source.folder, 30),
            source.state.clone(),
            time(source.since),
            cell(source.project.as_deref().unwrap_or("–"), 30),
            time(source.last_mail_at),
            source.waiting.to_string(),
            source.id.clone(),
        ]);
    }
    say(&rows.to_string())?;
    for source in &found.sources {
        if let Some(fault) = &source.fault {
            say(&format!("{}: {} ({}). {}", source.mailbox, fault.cause, fault.code, fault.mend))?;
        }
    }
    Ok(())
}

async fn ping(client: &Client, id: &str, json: bool) -> Result<(), Failure> {
    let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
    let ping: Ping = client.post(&format!("/api/v1/sources/{id}/ping")).await?;
    if json {
        say_json(&ping)?;
    } else {
        for check in &ping.checks {
            let mark = if check.ok { "ok  " } else { "FAIL" };
            say(&format!("{mark}  {}  {}  ({} ms)", check.name, cell(&check.text, 200), check.took_ms))?;
            if let Some(fault) = &check.fault {
                say(&format!("      {} ({}). {}", fault.cause, fault.code, fault.mend))?;
            }
        }
    }
    if ping.ok {
        return Ok(());
    }
    Err(Failure::NeedsPerson("the source does not work; the checks above say what to do".to_owned()))
}
