//! `postroom jira`

use clap::{Args, Subcommand};

use super::client::{Client, Reach, in_path};
use super::shapes::{Jira, JiraConnections, Ping};
use super::sources::say_ping;
use super::table::{cell, fault_lines, table, time};
use super::{Failure, say, say_json};
use crate::config::{Config, ConfigError};
use crate::connections::jira_kind::JiraKind;

#[derive(Debug, Args)]
pub(super) struct JiraArgs {
    #[command(subcommand)]
    command: JiraCommand,
    #[command(flatten)]
    reach: Reach,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum JiraCommand {
    /// List them with their health, and when their secrets end
    List,
    /// Try one out: reachable, signed in as, version, clock, files, permissions of each project, reading back
    Ping {
        /// The connection's id, from the list
        id: String,
    },
    /// Write nothing there until it is resumed; mail waits
    Pause {
        /// The connection's id, from the list
        id: String,
    },
    /// Write there again, the oldest mail first
    Resume {
        /// The connection's id, from the list
        id: String,
    },
}

pub(super) async fn run(
    args: JiraArgs,
    settings: impl FnOnce() -> Result<Config, ConfigError>,
) -> Result<(), Failure> {
    let client = Client::new(&args.reach, settings)?;
    match args.command {
        JiraCommand::List => list(&client, args.json).await,
        JiraCommand::Ping { id } => {
            let ping: Ping = client.post(&format!("/api/v1/jira/{}/ping", in_path(&id))).await?;
            say_ping(&ping, args.json, "the Jira connection does not work; the checks above say what to do")
        }
        JiraCommand::Pause { id } => switch(&client, &id, "pause", args.json).await,
        JiraCommand::Resume { id } => switch(&client, &id, "resume", args.json).await,
    }
}

async fn switch(client: &Client, id: &str, what: &str, json: bool) -> Result<(), Failure> {
    let jira: Jira = client.post(&format!("/api/v1/jira/{}/{what}", in_path(id))).await?;
    if json {
        return say_json(&jira);
    }
    Ok(say(&format!("{}: {}", cell(&jira.name, 50), jira.state))?)
}

async fn list(client: &Client, json: bool) -> Result<(), Failure> {
    let found: JiraConnections = client.get("/api/v1/jira").await?;
    if json {
        return say_json(&found);
    }
    if found.connections.is_empty() {
        return Ok(say(
            "No Jira connection yet. Open the console, go to Jira, and choose how Postroom shall sign in.",
        )?);
    }
    let mut rows = table(&["Name", "Kind", "As", "State", "Since", "Projects", "Secret ends", "Id"]);
    for jira in &found.connections {
        let projects: Vec<&str> = jira.projects.iter().map(|project| project.key.as_str()).collect();
        let ends = match jira.secret_ends_at {
            Some(_) if !jira.secret_end_is_known => format!("by {}", time(jira.secret_ends_at)),
            ends => time(ends),
        };
        rows.add_row([
            cell(&jira.name, 50),
            JiraKind::of_word(&jira.kind).map_or_else(|| jira.kind.clone(), |kind| kind.short().to_owned()),
            cell(jira.signed_in_as.as_deref().unwrap_or("–"), 40),
            jira.state.clone(),
            time(jira.since),
            cell(&projects.join(", "), 40),
            ends,
            jira.id.clone(),
        ]);
    }
    say(&rows.to_string())?;
    for jira in &found.connections {
        if let Some(fault) = &jira.fault {
            say(&fault_lines(&format!("{}: ", jira.name), fault))?;
        }
    }
    Ok(())
}
