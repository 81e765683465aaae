//! `postroom sim`

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use sim::{Ports, Sim};

use super::{Failure, asked_to_stop, say};

#[derive(Debug, Args)]
pub(super) struct SimArgs {
    /// Where all services listen
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
    host: IpAddr,
    /// Port of the sign-in service; 0 lets the system choose, here and below
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    port_entra: u16,
    /// Port of Microsoft Graph
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    port_graph: u16,
    /// Port of Exchange Web Services
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    port_ews: u16,
    /// Port of Jira
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    port_jira: u16,
    /// Port of the Outlook-like page
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    port_outlook: u16,
    /// Port of the control interface
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    port_control: u16,
    /// Certificate chain (PEM): all services speak https
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key (PEM) of the certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Time that each answer takes, in milliseconds
    #[arg(long, default_value_t = 0, value_name = "MS")]
    latency_ms: u64,
    /// Do not refuse requests over the services' quotas
    #[arg(long)]
    no_quotas: bool,
    /// Seed of everything random; the same seed gives the same ids and tokens
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write all traffic into this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

pub(super) async fn run(args: SimArgs) -> Result<(), Failure> {
    let config = sim::Config {
        host: args.host,
        ports: Ports {
            entra: args.port_entra,
            graph: args.port_graph,
            ews: args.port_ews,
            jira: args.port_jira,
            outlook: args.port_outlook,
            control: args.port_control,
        },
        tls: args.tls_cert.zip(args.tls_key),
        latency: Duration::from_millis(args.latency_ms),
        enforce_quotas: !args.no_quotas,
        seed: args.seed,
        record: args.record,
        ..sim::Config::default()
    };
    let simulator = Sim::start(config).await?;
    // One line, flushed: whoever started us waits for it.
    say(&serde_json::to_string(simulator.ready()).map_err(anyhow::Error::from)?)?;
    tokio::select! {
        () = asked_to_stop() => {}
        () = simulator.finished() => {}
    }
    simulator.stop().await;
    Ok(())
}
