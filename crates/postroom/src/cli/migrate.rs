//! `postroom migrate`

use std::io::IsTerminal;

use anyhow::Context;
use clap::Args;
use indicatif::ProgressBar;
use store::{DataFolder, Db, Kind, Migration, StoreUrl};

use super::{Failure, say, say_json};
use crate::config::Config;

#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    /// Only tell what would be done
    #[arg(long)]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: MigrateArgs, config: &Config) -> Result<(), Failure> {
    let url = config.store_url();
    if let StoreUrl::Sqlite(path) = &url
        && args.check
        && !path.exists()
    {
        return tell(
            &args,
            0,
            0,
            Migration::all(Kind::Sqlite).last().map_or(0, |migration| migration.version),
        );
    }
    // The embedded database belongs to one process: while the service runs, it is not ours to change.
    let _folder = match &url {
        StoreUrl::Sqlite(_) if !args.check => {
            Some(DataFolder::open(&config.data_folder).map_err(anyhow::Error::from)?)
        }
        _ => None,
    };
    let db = Db::open(&url).await.map_err(anyhow::Error::from)?;
    let before = db.schema_found().await.map_err(anyhow::Error::from)?;
    if !args.check {
        let bar = if std::io::stderr().is_terminal() && !args.json {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        db.migrate(|progress| {
            bar.set_message(format!("{} of {}: {}", progress.step, progress.steps, progress.name));
            bar.tick();
        })
        .await
        .context("the database was left as it was")?;
        bar.finish_and_clear();
    }
    let (found, known) = (db.schema_found().await.map_err(anyhow::Error::from)?, db.schema_known());
    db.close().await;
    tell(&args, before, found, known)
}

fn tell(args: &MigrateArgs, before: i64, found: i64, known: i64) -> Result<(), Failure> {
    if args.json {
        return say_json(&serde_json::json!({ "before": before, "schema": found, "needed": known }));
    }
    let line = match (args.check, before == known) {
        (_, true) => format!("The database has schema {known}; nothing to do."),
        (true, false) => format!("The database has schema {before}; this version needs {known}."),
        (false, false) => format!("The database went from schema {before} to {found}."),
    };
    Ok(say(&line)?)
}
