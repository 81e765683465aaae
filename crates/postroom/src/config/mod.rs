//! Settings: what they are, where they come from, and what is wrong with them.
//!
//! Three layers, each over the one before: `config.default.toml` (in this crate; it *is* the defaults and their
//! documentation), the operator's TOML file, `POSTROOM_*` variables. Begin with [`Config::load`]. `layers.rs` reads the
//! layers into single settings that remember where they were written; `settings.rs` says for each key what it takes;
//! `fault.rs` is what an operator reads when something is wrong: file, line, column, key and the mend.

mod fault;
mod layers;
mod settings;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use store::{DataFolder, StoreUrl};
use url::Url;

pub use fault::{ConfigError, ConfigFault, Origin};
pub use layers::Environment;

use crate::retention::Periods;

/// The defaults, as text.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

/// All settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of this installation.
    pub data_folder: PathBuf,
    /// The console.
    pub server: Server,
    /// The database.
    pub database: Database,
    /// Microsoft 365.
    pub microsoft: Microsoft,
    /// A Jira site to set up at the first start.
    pub jira: Jira,
    /// The inbound flow.
    pub inbound: Inbound,
    /// How long things are kept.
    pub retention: Periods,
    /// Notices.
    pub notices: Notices,
    /// Logs.
    pub log: Log,
    /// The master key, where it is given by the environment rather than by the data folder: base64 and its origin.
    pub master_key: Option<(SecretString, String)>,
    /// The settings file that was read.
    pub file: Option<PathBuf>,
    /// What looks wrong but stops nothing, such as a variable whose name is near that of a setting.
    pub warnings: Vec<String>,
}

/// `[server]`
#[derive(Clone, Debug)]
pub struct Server {
    /// Where the console listens.
    pub listen: SocketAddr,
    /// The address that browsers use; see [`Config::public_url`].
    pub public_url: Option<Url>,
    /// Certificate chain and private key, PEM files, both or none.
    pub tls: Option<Tls>,
    /// Who is believed about the client's address.
    pub trusted_proxy: Vec<Network>,
}

/// The certificate of the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The chain, PEM.
    pub cert: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// An address, or a network of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// Leading bits that count.
    prefix: u8,
}

/// `[database]`
#[derive(Clone, Debug)]
pub struct Database {
    /// None: SQLite in the data folder.
    pub url: Option<SecretString>,
}

/// `[microsoft]`
#[derive(Clone, Debug)]
pub struct Microsoft {
    /// Where people sign in.
    pub login_url: Url,
    /// Microsoft Graph, without `/v1.0`.
    pub graph_url: Url,
    /// Exchange Web Services. None: where the cloud has them.
    pub ews_url: Option<Url>,
    /// The app registration's client id.
    pub client_id: Option<String>,
    /// Its secret.
    pub client_secret: Option<SecretString>,
    /// The secret's last day.
    pub client_secret_expires: Option<jiff::civil::Date>,
    /// `organizations`, `common`, a tenant's id or a domain.
    pub tenant: String,
    /// More certificates to trust, a PEM file.
    pub ca_file: Option<PathBuf>,
}

/// `[jira]`
#[derive(Clone, Debug)]
pub struct Jira {
    /// The site.
    pub base_url: Option<Url>,
    /// The user that the token belongs to.
    pub user: Option<String>,
    /// The API token.
    pub token: Option<SecretString>,
    /// 2 or 3.
    pub api_version: u8,
    /// Atlassian's gateway, over which service accounts and tokens with scopes reach a site.
    pub gateway_url: Url,
    /// Where service accounts get their tokens.
    pub auth_url: Url,
    /// More certificates to trust, a PEM file.
    pub ca_file: Option<PathBuf>,
}

/// `[inbound]`
#[derive(Clone, Debug)]
pub struct Inbound {
    /// How often each folder is asked for new mail.
    pub poll_interval: Duration,
    /// Whether Microsoft is asked to announce new mail where it can reach `public_url`.
    pub push: bool,
    /// Q of design §4: at least `request_timeout`; with several nodes, `lease` and `request_timeout` together.
    pub quarantine: Duration,
    /// How long a claim holds.
    pub lease: Duration,
    /// The longest that one request may take.
    pub request_timeout: Duration,
    /// Mails handled at the same time, at least 1.
    pub workers: usize,
}

/// `[notices]`
#[derive(Clone, Debug)]
pub struct Notices {
    /// Hosts of private networks that webhooks may go to.
    pub allow_hosts: Vec<String>,
}

/// `[log]`
#[derive(Clone, Debug)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// A level, or directives of `tracing_subscriber::EnvFilter`.
    pub level: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people on a terminal, else JSON.
    Auto,
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Reads the defaults, then `file` (or, without one, the first of `postroom.toml` and `/etc/postroom/postroom.toml`
    /// that is there), then the variables. All that is wrong is told at once.
    pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        layers::load(file, environment)
    }

    /// The defaults alone.
    pub fn defaults() -> Self {
        layers::defaults()
    }

    /// Where the database is.
    pub fn store_url(&self) -> StoreUrl {
        match &self.database.url {
            // The settings take only URLs that parse.
            Some(url) => url
                .expose_secret()
                .parse()
                .unwrap_or_else(|_| StoreUrl::Sqlite(DataFolder::database_in(&self.data_folder))),
            None => StoreUrl::Sqlite(DataFolder::database_in(&self.data_folder)),
        }
    }

    /// The address that browsers use, with a trailing slash: the setting, or else the listening address, which
    /// `bound` tells where the port was left to the system.
    pub fn public_url(&self, bound: SocketAddr) -> Url {
        if let Some(url) = &self.server.public_url {
            return url.clone();
        }
        let scheme = if self.server.tls.is_some() { "https" } else { "http" };
        let host = if bound.ip().is_loopback() { "localhost".to_owned() } else { bound.ip().to_string() };
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        Url::parse(&format!("{scheme}://{host}:{}/", bound.port())).expect("scheme, host and port make a URL")
    }

    /// The certificates of both `ca_file` settings, for the HTTP client.
    pub fn certificates(&self) -> Result<Vec<reqwest::Certificate>, ConfigFault> {
        let mut all = Vec::new();
        for (key, file) in
            [("microsoft.ca_file", &self.microsoft.ca_file), ("jira.ca_file", &self.jira.ca_file)]
        {
            let Some(file) = file else { continue };
            let wrong = |what: String| ConfigFault {
                origin: Origin::Value(file.display().to_string()),
                key: key.to_owned(),
                what,
                mend: "name a readable file of certificates in PEM form".to_owned(),
            };
            let pem =
                std::fs::read(file).map_err(|error| wrong(format!("the file cannot be read ({error})")))?;
            let found = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|error| wrong(format!("the file holds no certificates ({error})")))?;
            if found.is_empty() {
                return Err(wrong("the file holds no certificates".to_owned()));
            }
            all.extend(found);
        }
        Ok(all)
    }
}

impl Network {
    /// Whether an address belongs to it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let ((own, own_width), (other, other_width)) = (bits(self.address), bits(address.to_canonical()));
        let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
        own_width == other_width && own & mask == other & mask
    }
}

impl std::str::FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.trim().parse().map_err(|_| ())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(width), |prefix| prefix.trim().parse::<u8>().map_err(|_| ()))?;
        if prefix > width { Err(()) } else { Ok(Self { address, prefix }) }
    }
}
