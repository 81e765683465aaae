//! `postroom applications`

use clap::{Args, Subcommand};

use super::client::{Client, Reach, in_path};
use super::shapes::{ApplicationCheck, Applications};
use super::sources::say_ping;
use super::table::{cell, table, time};
use super::{Failure, say, say_json};
use crate::config::{Config, ConfigError};

#[derive(Debug, Args)]
pub(super) struct ApplicationsArgs {
    #[command(subcommand)]
    command: ApplicationsCommand,
    #[command(flatten)]
    reach: Reach,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum ApplicationsCommand {
    /// List them with what is known of their fences
    List,
    /// Read each mailbox, and try one outside the fence, which must be refused
    Check {
        /// The application's id, from the list
        id: String,
    },
}

pub(super) async fn run(
    args: ApplicationsArgs,
    settings: impl FnOnce() -> Result<Config, ConfigError>,
) -> Result<(), Failure> {
    let client = Client::new(&args.reach, settings)?;
    match args.command {
        ApplicationsCommand::List => list(&client, args.json).await,
        ApplicationsCommand::Check { id } => check(&client, &id, args.json).await,
    }
}

async fn list(client: &Client, json: bool) -> Result<(), Failure> {
    let found: Applications = client.get("/api/v1/applications").await?;
    if json {
        return say_json(&found);
    }
    if found.applications.is_empty() {
        return Ok(say(
            "No application permission yet. Open the console, go to Message Sources, Create, Application permission.",
        )?);
    }
    let mut rows = table(&["Application", "Mailboxes", "Outside", "Fence", "Checked", "Id"]);
    for one in &found.applications {
        rows.add_row([
            cell(&one.name, 50),
            cell(&one.mailboxes.join(", "), 60),
            cell(one.control_mailbox.as_deref().unwrap_or("–"), 40),
            one.fence.clone(),
            time(one.checked_at),
            one.id.clone(),
        ]);
    }
    Ok(say(&rows.to_string())?)
}

async fn check(client: &Client, id: &str, json: bool) -> Result<(), Failure> {
    let found: ApplicationCheck = client.post(&format!("/api/v1/applications/{}/check", in_path(id))).await?;
    if json {
        say_json(&found)?;
        return if found.check.ok { Ok(()) } else { Err(needed(&found)) };
    }
    let checked = say_ping(&found.check, false, "");
    say(&found.application.said)?;
    if let Some(until) = found.application.cached_until {
        say(&format!(
            "Exchange may have answered from its cache: if the fence was changed in the 2 hours before, check again at {}.",
            time(Some(until))
        ))?;
    }
    match checked {
        Err(Failure::NeedsPerson(_)) => Err(needed(&found)),
        other => other,
    }
}

fn needed(found: &ApplicationCheck) -> Failure {
    Failure::NeedsPerson(format!("{}: the checks above say what to do", cell(&found.application.name, 50)))
}
