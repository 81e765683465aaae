//! `postroom demo`

use std::path::PathBuf;

use clap::Args;

use super::Failure;

/// What the demo is asked for.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Sign in, handle every mail to its end without a browser, print what became of each, and leave
    #[arg(long)]
    pub once: bool,
    /// With --once: one JSON object per mail on standard output
    #[arg(long, requires = "once")]
    pub json: bool,
    /// Put the .eml files of this folder into the mailbox instead of the samples
    #[arg(long, value_name = "DIR")]
    pub mail: Option<PathBuf>,
    /// Keep everything in this folder (a fresh one elsewhere is made without it, and removed at the end)
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Do not remove the fresh folder at the end
    #[arg(long, conflicts_with = "data")]
    pub keep: bool,
    /// The console's port; 0 lets the system choose
    #[arg(long, default_value_t = 8070)]
    pub port: u16,
    /// Time that each answer of the simulator takes, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub latency_ms: u64,
    /// Give up when the mails have not come to their ends after this many seconds (with --once)
    #[arg(long, value_name = "SECONDS", default_value_t = 600, requires = "once")]
    pub within: u64,
}

pub(super) async fn run(args: DemoArgs) -> Result<(), Failure> {
    Ok(crate::demo::run(args).await?)
}
