//! `postroom sources`

use std::time::Duration;

use clap::{Args, Subcommand};
use url::form_urlencoded;

use super::client::{Client, Reach, in_path};
use super::shapes::{Conversion, Ping, SignInLink, Source, Sources, all_faults};
use super::table::{cell, fault_lines, table, time};
use super::{Failure, say, say_json};
use crate::config::{Config, ConfigError};
use crate::web::times::counted;

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
    /// Show one: health, push, what is wrong
    Show {
        /// The source's id, from the list
        id: String,
    },
    /// Move one from EWS to Graph; no mail is handled twice
    Convert(ConvertArgs),
    /// Try one out: who am I, which mailbox, which folder, what is allowed
    Ping {
        /// The source's id, from the list
        id: String,
    },
    /// Make a link by which a mailbox's owner signs in, without an account of the console
    SignInLink(SignInLinkArgs),
}

#[derive(Debug, Args)]
struct ConvertArgs {
    /// The source's id, from the list
    id: String,
    /// Begin, and do not wait for the end
    #[arg(long, conflicts_with = "cancel")]
    no_wait: bool,
    /// Give up a move that is under way: the source stays with EWS
    #[arg(long)]
    cancel: bool,
}

#[derive(Debug, Args)]
struct SignInLinkArgs {
    /// The new mailbox's address; without it its owner chooses
    #[arg(long, value_name = "ADDRESS", conflicts_with = "source")]
    mailbox: Option<String>,
    /// A source, by its id from the list, whose account signs in again
    #[arg(long, value_name = "ID")]
    source: Option<String>,
    /// Another account takes its place
    #[arg(long, requires = "source")]
    replace: bool,
    /// For a Message Outbound: to send from the new mailbox, not to read it
    #[arg(long, conflicts_with = "source")]
    send: bool,
    /// Also shared mailboxes
    #[arg(long, conflicts_with = "source")]
    shared: bool,
    /// What for: its owner reads this
    #[arg(long, default_value = "")]
    reason: String,
    /// How long it works
    #[arg(long, default_value = "1d", value_parser = ["1h", "8h", "1d", "7d"])]
    lasts: String,
}

pub(super) async fn run(
    args: SourcesArgs,
    settings: impl FnOnce() -> Result<Config, ConfigError>,
) -> Result<(), Failure> {
    let client = Client::new(&args.reach, settings)?;
    match args.command {
        SourcesCommand::List => list(&client, args.json).await,
        SourcesCommand::Show { id } => show(&client, &id, args.json).await,
        SourcesCommand::Convert(wish) => convert(&client, &wish, args.json).await,
        SourcesCommand::Ping { id } => ping(&client, &id, args.json).await,
        SourcesCommand::SignInLink(wish) => sign_in_link(&client, wish, args.json).await,
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
        for fault in all_faults(source.fault.as_ref(), &source.faults) {
            say(&fault_lines(&format!("{}: ", source.mailbox), fault))?;
        }
    }
    Ok(())
}

/// How often the service is asked how far a move is.
const EVERY: Duration = Duration::from_millis(300);

async fn convert(client: &Client, wish: &ConvertArgs, json: bool) -> Result<(), Failure> {
    let path = format!("/api/v1/sources/{}", in_path(&wish.id));
    let mut now: Conversion = if wish.cancel {
        client.post(&format!("{path}/conversion/cancel")).await?
    } else {
        client.post(&format!("{path}/convert")).await?
    };
    let mut said = String::new();
    while now.state == "running" && !wish.no_wait {
        let line = progress(&now);
        if line != said && !json {
            say(&line)?;
        }
        said = line;
        tokio::time::sleep(EVERY).await;
        now = client.get(&format!("{path}/conversion")).await?;
    }
    if json {
        say_json(&now)?;
    }
    match now.state.as_str() {
        "failed" => Err(Failure::NeedsPerson(format!(
            "{} stays with EWS. {} {}",
            cell(&now.mailbox, 50),
            now.what.unwrap_or_default(),
            now.mend.unwrap_or_default()
        ))),
        _ if json => Ok(()),
        "cancelled" => Ok(say(&format!("{} stays with EWS.", cell(&now.mailbox, 50)))?),
        "done" => Ok(say(&format!("{} {}.", cell(&now.mailbox, 50), now.outcome.unwrap_or_default()))?),
        _ => Ok(say(&progress(&now))?),
    }
}

/// How far a move is, or why it waits.
fn progress(conversion: &Conversion) -> String {
    let mut line = match conversion.total {
        0 => "counting ids".to_owned(),
        total => format!("{} of {}", conversion.done, counted(total, "id", "ids")),
    };
    if let Some(what) = &conversion.what {
        line = format!("{line}; waiting until {}: {what}", time(conversion.next_try_at));
    }
    line
}

async fn show(client: &Client, id: &str, json: bool) -> Result<(), Failure> {
    let source: Source = client.get(&format!("/api/v1/sources/{}", in_path(id))).await?;
    if json {
        return say_json(&source);
    }
    let mut lines = vec![
        ("Mailbox", cell(&source.mailbox, 100)),
        ("Folder", cell(&source.folder, 100)),
        ("Connection type", source.connection_type.clone()),
        ("State", format!("{} since {}", source.state, time(source.since))),
        ("Project", cell(source.project.as_deref().unwrap_or("none"), 100)),
        ("Last asked", time(source.last_success_at)),
        ("Last mail", time(source.last_mail_at)),
        ("Waiting", source.waiting.to_string()),
    ];
    if let Some(push) = &source.push {
        lines.push(("Push", cell(&push.text, 400)));
    }
    if source.next_try_at.is_some() {
        lines.push(("Next try", time(source.next_try_at)));
    }
    for fault in all_faults(source.fault.as_ref(), &source.faults) {
        lines.push(("Fault", format!("{} ({}). {}", fault.cause, fault.code, fault.mend)));
    }
    for (name, value) in lines {
        say(&format!("{name:<16} {value}"))?;
    }
    Ok(())
}

async fn ping(client: &Client, id: &str, json: bool) -> Result<(), Failure> {
    let ping: Ping = client.post(&format!("/api/v1/sources/{}/ping", in_path(id))).await?;
    say_ping(&ping, json, "the source does not work; the checks above say what to do")
}

/// Prints what a ping found; `otherwise` is why the command fails where something is wrong.
pub(super) fn say_ping(ping: &Ping, json: bool, otherwise: &str) -> Result<(), Failure> {
    if json {
        say_json(ping)?;
    } else {
        for check in &ping.checks {
            let mark = match check.open.as_deref() {
                _ if check.ok => "ok  ",
                Some("not_tried") => "-   ",
                Some(_) => "?   ",
                None => "FAIL",
            };
            say(&format!("{mark}  {}  {}  ({} ms)", check.name, cell(&check.text, 200), check.took_ms))?;
            if let Some(fault) = &check.fault {
                say(&fault_lines("      ", fault))?;
            }
        }
    }
    if ping.ok {
        return Ok(());
    }
    Err(Failure::NeedsPerson(otherwise.to_owned()))
}

async fn sign_in_link(client: &Client, wish: SignInLinkArgs, json: bool) -> Result<(), Failure> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("lasts", &wish.lasts).append_pair("reason", &wish.reason);
    for (name, value) in [("mailbox", &wish.mailbox), ("source", &wish.source)] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    for (name, on) in [("replace", wish.replace), ("send", wish.send), ("shared", wish.shared)] {
        if on {
            query.append_pair(name, "true");
        }
    }
    let made: SignInLink = client.post(&format!("/api/v1/sign-in-links?{}", query.finish())).await?;
    if json {
        return say_json(&made);
    }
    say(&format!("Send this to the mailbox's owner; it works once, until {}:", time(Some(made.until))))?;
    Ok(say(&made.link)?)
}
