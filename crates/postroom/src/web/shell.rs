//! What every page needs: the database, the clock, where the console is reached, and who is told what.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use jiff::tz::TimeZone;
use metrics_exporter_prometheus::PrometheusHandle;
use store::{Clock, Db};
use url::Url;
use uuid::Uuid;

use super::health::Readiness;
use super::live::Bus;
use super::times::Times;
use crate::access::Throttle;
use crate::config::Network;

/// The console's state. Cheap to clone. A feature keeps it in a state of its own and implements
/// `FromRef<ItsState> for Shell`; the types of `access` can then be received by its handlers.
#[derive(Clone)]
pub struct Shell {
    /// The database.
    pub db: Db,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Where people reach the console, for example `https://postroom.example.com/`. No path.
    pub public_url: Arc<Url>,
    /// The workspace.
    pub workspace: Uuid,
    /// Its time zone.
    pub zone: TimeZone,
    /// Tells open pages what has changed.
    pub bus: Bus,
    /// The reverse proxies in front: what they forward (`X-Forwarded-For`, `X-Forwarded-Host`, `X-Request-Id`) is believed. Nobody
    /// by default.
    pub trusted_proxies: Arc<[Network]>,
    /// Renders `/metrics`; without it there is no such page.
    pub metrics: Option<PrometheusHandle>,
    /// What keeps the process from being ready, besides the database.
    pub readiness: Readiness,
    /// Slows guessing of passwords down.
    pub throttle: Arc<Throttle>,
}

impl std::fmt::Debug for Shell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shell").field("public_url", &self.public_url.as_str()).finish_non_exhaustive()
    }
}

impl Shell {
    /// A console with the usual settings; change the fields for others.
    pub fn new(db: Db, clock: Arc<dyn Clock>, public_url: Url, workspace: Uuid) -> Self {
        Self {
            db,
            clock,
            public_url: Arc::new(public_url),
            workspace,
            zone: TimeZone::UTC,
            bus: Bus::new(),
            trusted_proxies: Arc::default(),
            metrics: None,
            readiness: Readiness::default(),
            throttle: Arc::default(),
        }
    }

    /// Whether the console is reached over TLS.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// Whether an address is that of a reverse proxy in front.
    pub fn is_proxy(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(address))
    }

    /// Whether a request comes straight from a reverse proxy in front, so that what it forwards is believed.
    pub fn believes(&self, extensions: &http::Extensions) -> bool {
        peer(extensions).is_some_and(|peer| self.is_proxy(peer))
    }

    /// Now, in the workspace's time zone.
    pub fn times(&self) -> Times {
        Times { now: self.clock.now(), zone: self.zone.clone() }
    }

    /// A page's whole address, for what is sent to somebody.
    pub fn address(&self, path: &str) -> String {
        format!("{}/{}", self.public_url.as_str().trim_end_matches('/'), path.trim_start_matches('/'))
    }
}

/// The other end of a request's connection; none on the local socket.
pub(crate) fn peer(extensions: &http::Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
}
