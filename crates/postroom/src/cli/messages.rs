//! `postroom messages`

use clap::{Args, Subcommand, ValueEnum};

use super::client::{Client, Reach, in_path};
use super::shapes::{MessageDetail, Messages};
use super::table::{cell, fault_lines, table, time};
use super::{Failure, say, say_json};
use crate::config::{Config, ConfigError};

#[derive(Debug, Args)]
pub(super) struct MessagesArgs {
    #[command(subcommand)]
    command: MessagesCommand,
    #[command(flatten)]
    reach: Reach,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum MessagesCommand {
    /// List messages, newest first
    List {
        /// Only those in this state
        #[arg(long)]
        state: Option<State>,
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Write the list as a file to standard output, however long it is
    Export(ExportArgs),
    /// Write a mail as it came to standard output: its MIME, or what the mailbox told of it
    Source {
        /// The message's id, from the list
        id: String,
    },
    /// One message with its trace and what was done in Jira
    Show {
        /// The message's id, from the list
        id: String,
    },
    /// Take a held message up again
    Retry {
        /// The message's id, from the list
        id: String,
    },
    /// End a held message: it becomes neither issue nor comment
    Discard {
        /// The message's id, from the list
        id: String,
    },
}

#[derive(Debug, Args)]
struct ExportArgs {
    /// How it is written
    #[arg(long, default_value = "csv")]
    format: Format,
    /// Only those of this filter of the console
    #[arg(long)]
    filter: Option<Filter>,
    /// Only those with these words in subject, sender or issue
    #[arg(long, value_name = "WORDS", default_value = "")]
    search: String,
    /// Only those of this source, by its id
    #[arg(long, value_name = "ID", default_value = "")]
    source: String,
}

/// How a list is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For spreadsheets; what they would take for a formula is a text
    Csv,
    /// One array
    Json,
}

/// The console's filters.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Filter {
    /// Without an end yet
    Open,
    /// Waits for a person
    Held,
    /// Became an issue
    Issues,
    /// Became a comment
    Comments,
    /// Ignored or rejected
    Ignored,
}

/// Where a message can be.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    /// Found, its round of the mailbox not complete
    Recorded,
    /// Waits to be handled
    Ready,
    /// Has a plan that is being carried out
    Acting,
    /// Waits for a person
    Held,
    /// Has its end
    Ended,
}

pub(super) async fn run(
    args: MessagesArgs,
    settings: impl FnOnce() -> Result<Config, ConfigError>,
) -> Result<(), Failure> {
    let client = Client::new(&args.reach, settings)?;
    match args.command {
        MessagesCommand::List { state, limit } => list(&client, state, limit, args.json).await,
        MessagesCommand::Export(wish) => export(&client, &wish).await,
        MessagesCommand::Source { id } => {
            let path = format!("/api/v1/messages/{}/source", in_path(&id));
            client.download(&path, &mut std::io::stdout()).await
        }
        MessagesCommand::Show { id } => show(&client, &id, args.json).await,
        MessagesCommand::Retry { id } => decide(&client, &id, "retry", args.json).await,
        MessagesCommand::Discard { id } => decide(&client, &id, "discard", args.json).await,
    }
}

async fn list(client: &Client, state: Option<State>, limit: u32, json: bool) -> Result<(), Failure> {
    let state = state.and_then(|state| state.to_possible_value());
    let state = state.as_ref().map_or("", |state| state.get_name());
    let found: Messages = client.get(&format!("/api/v1/messages?state={state}&limit={limit}")).await?;
    if json {
        return say_json(&found);
    }
    if found.messages.is_empty() {
        return Ok(say("No such messages.")?);
    }
    let mut rows = table(&["Received", "From", "Subject", "End", "Issue", "Why", "Id"]);
    for message in &found.messages {
        rows.add_row([
            time(Some(message.received_at)),
            cell(&message.from, 40),
            cell(&message.subject, 60),
            message.ending.clone().unwrap_or_else(|| message.state.clone()),
            message.issue.clone().unwrap_or_else(|| "–".to_owned()),
            cell(message.reason.as_deref().unwrap_or("–"), 60),
            message.id.clone(),
        ]);
    }
    Ok(say(&rows.to_string())?)
}

fn word(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

async fn export(client: &Client, wish: &ExportArgs) -> Result<(), Failure> {
    let filter = wish.filter.as_ref().map(word).unwrap_or_default();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("format", &word(&wish.format))
        .append_pair("filter", &filter)
        .append_pair("q", &wish.search)
        .append_pair("source", &wish.source)
        .finish();
    client.download(&format!("/api/v1/messages/export?{query}"), &mut std::io::stdout()).await
}

async fn decide(client: &Client, id: &str, what: &str, json: bool) -> Result<(), Failure> {
    let now: MessageDetail = client.post(&format!("/api/v1/messages/{}/{what}", in_path(id))).await?;
    if json {
        return say_json(&now);
    }
    let done = if what == "retry" { "is taken up again" } else { "is discarded" };
    Ok(say(&format!("{} {done}.", cell(&now.message.subject, 200)))?)
}

async fn show(client: &Client, id: &str, json: bool) -> Result<(), Failure> {
    let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
    let found: MessageDetail = client.get(&format!("/api/v1/messages/{id}")).await?;
    if json {
        return say_json(&found);
    }
    let message = &found.message;
    say(&format!("Received  {}", time(Some(message.received_at))))?;
    say(&format!("From      {}", cell(&message.from, 200)))?;
    say(&format!("Subject   {}", cell(&message.subject, 400)))?;
    say(&format!("End       {}", message.ending.as_deref().unwrap_or(&message.state)))?;
    if let Some(issue) = &message.issue {
        say(&format!("Issue     {issue}"))?;
    }
    if let Some(reason) = &message.reason {
        say(&format!("Why       {}", cell(reason, 400)))?;
    }
    if !found.trace.is_empty() {
        say("\nTrace")?;
        for line in &found.trace {
            say(&format!("  {}: {}", line.rule, cell(&line.text, 400)))?;
        }
    }
    if !found.steps.is_empty() {
        say("\nSteps")?;
        for step in &found.steps {
            say(&format!("  {}  {}  {}", step.slot, step.state, step.remote.as_deref().unwrap_or("")))?;
            if let Some(fault) = &step.fault {
                say(&fault_lines("    ", fault))?;
            }
        }
    }
    Ok(())
}
