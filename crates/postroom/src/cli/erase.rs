//! `postroom erase`

use std::time::Duration;

use clap::Args;

use super::client::{Client, Reach};
use super::shapes::{Done, Erasure, ErasureConfirmation, ErasureWish, Erasures};
use super::table::{cell, table, time};
use super::{Failure, say, say_json};
use crate::config::{Config, ConfigError};

/// Between two looks at how far it has come.
const EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(super) struct EraseArgs {
    /// The address; without it the erasures so far are listed
    address: Option<String>,
    /// Only what the address sent, not mail of others that names it
    #[arg(long, requires = "address")]
    only_sent: bool,
    /// Erase what was counted; without it, it is only counted
    #[arg(long, requires = "address")]
    yes: bool,
    #[command(flatten)]
    reach: Reach,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(
    args: EraseArgs,
    settings: impl FnOnce() -> Result<Config, ConfigError>,
) -> Result<(), Failure> {
    let client = Client::new(&args.reach, settings)?;
    let Some(address) = args.address.clone() else { return list(&client, args.json).await };
    let wish = ErasureWish { address: address.clone(), named: !args.only_sent };
    let begun: Erasure = client.post_json("/api/v1/erasures", &wish).await?;
    let path = format!("/api/v1/erasures/{}", begun.id);
    let counted = wait(&client, begun, "counting", args.json).await?;
    if !args.yes {
        let _: Done = client.post(&format!("{path}/give-up")).await?;
        if args.json {
            return say_json(&counted);
        }
        tell(&counted)?;
        return Ok(say("Nothing was erased. Say --yes to erase it; nothing brings it back.")?);
    }
    let erasing: Erasure =
        client.post_json(&format!("{path}/confirm"), &ErasureConfirmation { address }).await?;
    let done = wait(&client, erasing, "erasing", args.json).await?;
    if args.json { say_json(&done) } else { tell(&done) }
}

async fn list(client: &Client, json: bool) -> Result<(), Failure> {
    let found: Erasures = client.get("/api/v1/erasures").await?;
    if json {
        return say_json(&found);
    }
    if found.erasures.is_empty() {
        return Ok(say("No address was erased yet.")?);
    }
    let mut rows = table(&["Begun", "Asked for by", "An address at", "State", "Mails", "Left", "Id"]);
    for erasure in &found.erasures {
        rows.add_row([
            time(Some(erasure.begun_at)),
            cell(&erasure.asked_by, 40),
            cell(&erasure.domain, 40),
            erasure.state.clone(),
            (erasure.own + erasure.named).to_string(),
            (erasure.left_open + erasure.unread).to_string(),
            erasure.id.clone(),
        ]);
    }
    Ok(say(&rows.to_string())?)
}

async fn wait(client: &Client, mut now: Erasure, while_in: &str, json: bool) -> Result<Erasure, Failure> {
    let path = format!("/api/v1/erasures/{}", now.id);
    let mut said = String::new();
    while now.state == while_in {
        let line = format!("{} of {} messages looked at", now.seen, now.total.max(now.seen));
        if line != said && !json {
            say(&line)?;
        }
        said = line;
        tokio::time::sleep(EVERY).await;
        now = client.get(&path).await?;
    }
    Ok(now)
}

fn tell(erasure: &Erasure) -> Result<(), Failure> {
    for sentence in &erasure.report {
        say(&cell(sentence, 1_000))?;
    }
    if !erasure.issues.is_empty() {
        say(&cell(&erasure.issues.join(", "), 10_000))?;
    }
    Ok(())
}
