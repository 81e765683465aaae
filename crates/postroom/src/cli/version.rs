//! `postroom version`

use clap::Args;

use super::{Failure, say, say_json};

/// The version of this program.
pub(super) const NUMBER: &str = env!("CARGO_PKG_VERSION");

#[derive(Debug, Args)]
pub(super) struct VersionArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &VersionArgs) -> Result<(), Failure> {
    let platform = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let schema = store::Migration::all(store::Kind::Sqlite).last().map_or(0, |migration| migration.version);
    if args.json {
        return say_json(&serde_json::json!({ "version": NUMBER, "platform": platform, "schema": schema }));
    }
    Ok(say(&format!("postroom {NUMBER} ({platform}, database schema {schema})"))?)
}
