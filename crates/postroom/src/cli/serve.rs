//! `postroom serve`

use clap::Args;

use super::Failure;
use crate::config::Config;

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The data folder, instead of the one in the settings
    #[arg(long, value_name = "DIR")]
    data: Option<std::path::PathBuf>,
    /// Where the console listens, instead of the address in the settings
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<std::net::SocketAddr>,
}

pub(super) async fn run(args: ServeArgs, mut config: Config) -> Result<(), Failure> {
    if let Some(data) = args.data {
        config.data_folder = data;
    }
    if let Some(listen) = args.listen {
        config.server.listen = listen;
    }
    Ok(crate::serve::run(config).await?)
}
