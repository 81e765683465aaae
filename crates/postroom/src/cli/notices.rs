//! `postroom notices`

use clap::{Args, Subcommand};

use super::client::{Client, Reach, in_path};
use super::shapes::{NoticeChannels, NoticeTest, Notices};
use super::table::{cell, fault_lines, table, time};
use super::{Failure, say, say_json};
use crate::config::{Config, ConfigError};

#[derive(Debug, Args)]
pub(super) struct NoticesArgs {
    #[command(subcommand)]
    command: NoticesCommand,
    #[command(flatten)]
    reach: Reach,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum NoticesCommand {
    /// List what was told, newest first
    List {
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u16,
    },
    /// Mark all of it as seen
    Seen,
    /// List the channels that notices go through, with what each answered last
    Channels,
    /// Send a test notice through a channel and print what it answers
    Test {
        /// The channel's id, from the list of channels
        id: String,
    },
}

pub(super) async fn run(
    args: NoticesArgs,
    settings: impl FnOnce() -> Result<Config, ConfigError>,
) -> Result<(), Failure> {
    let client = Client::new(&args.reach, settings)?;
    match args.command {
        NoticesCommand::List { limit } => {
            let found: Notices = client.get(&format!("/api/v1/notices?limit={limit}")).await?;
            if args.json { say_json(&found) } else { list(&found) }
        }
        NoticesCommand::Seen => {
            let found: Notices = client.post("/api/v1/notices/seen").await?;
            if args.json { say_json(&found) } else { Ok(say("All notices are marked as seen.")?) }
        }
        NoticesCommand::Channels => {
            let found: NoticeChannels = client.get("/api/v1/notices/channels").await?;
            if args.json { say_json(&found) } else { channels(&found) }
        }
        NoticesCommand::Test { id } => {
            let tested: NoticeTest =
                client.post(&format!("/api/v1/notices/channels/{}/test", in_path(&id))).await?;
            if args.json {
                say_json(&tested)?;
            } else {
                say(&cell(&tested.answer, 300))?;
            }
            if tested.ok {
                return Ok(());
            }
            Err(Failure::NeedsPerson("the channel did not take the test notice".to_owned()))
        }
    }
}

fn list(found: &Notices) -> Result<(), Failure> {
    if found.notices.is_empty() {
        return Ok(say("Nothing has had to be told yet.")?);
    }
    let mut rows = table(&["Raised", "Kind", "Notice", "Over", "Sent"]);
    for notice in &found.notices {
        let sent = match (notice.sent, notice.due, notice.failed) {
            (0, 0, 0) => "console only".to_owned(),
            (sent, 0, 0) => sent.to_string(),
            (sent, due, failed) => format!("{sent}, {due} on the way, {failed} failed"),
        };
        rows.add_row([
            time(Some(notice.raised_at)),
            notice.kind.clone(),
            cell(&notice.title, 70),
            time(notice.ended_at),
            sent,
        ]);
    }
    say(&rows.to_string())?;
    for notice in found.notices.iter().filter(|notice| notice.ended_at.is_none()) {
        if let Some(fault) = &notice.fault {
            say(&fault_lines(&format!("{}: ", cell(&notice.object, 70)), fault))?;
        }
    }
    Ok(())
}

fn channels(found: &NoticeChannels) -> Result<(), Failure> {
    if found.channels.is_empty() {
        return Ok(say("No channel yet: notices stand only in the console. Add one there, under Notices.")?);
    }
    let mut rows = table(&["Name", "Kind", "To", "State", "Last answer", "At", "Id"]);
    for channel in &found.channels {
        let state = match (channel.paused, channel.works) {
            (true, _) => "paused",
            (false, Some(true)) => "works",
            (false, Some(false)) => "does not work",
            (false, None) => "not tried yet",
        };
        rows.add_row([
            cell(&channel.name, 30),
            channel.kind.clone(),
            cell(&channel.to, 40),
            state.to_owned(),
            cell(&channel.answer, 60),
            time(channel.answered_at),
            channel.id.clone(),
        ]);
    }
    Ok(say(&rows.to_string())?)
}
