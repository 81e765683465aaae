//! Microsoft 365 and Jira in a box: a peer with state, quotas and faults on command, for the demo, the tests, the
//! benchmarks, and for operators who rehearse an outage.
//!
//! Begin at [`Sim::start`]: it opens a listener for each service and tells their addresses in [`Ready`].
//!
//! - `entra` sign-in, consent, tokens; `graph` mail over Microsoft Graph; `ews` the same mailboxes over EWS; `outlook` pages to write and
//!   read mail in; [`jira`] a Jira Cloud site; `control` the levers
//! - `exchange` the mailboxes that Graph and Outlook share; `tenant` people and app registrations
//! - `serve` listeners, latency and the order of things around an answer; [`faults`] what goes wrong on command; `record`
//!   the traffic log; `counters`; [`clock`] the time, which can be moved; `chance` everything that looks random
//!
//! It knows nothing of Postroom's own clients, so that a misreading is not made twice.

mod chance;
pub mod clock;
mod control;
mod core;
mod counters;
mod entra;
mod ews;
mod exchange;
pub mod faults;
mod fences;
mod graph;
pub mod jira;
mod outlook;
mod page;
mod record;
mod serve;
mod tenant;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::clock::Clock;
use crate::core::Core;
use crate::entra::EntraState;
use crate::ews::EwsState;
use crate::exchange::Exchange;
use crate::exchange::transport::Delivery;
use crate::faults::Service;
use crate::graph::GraphState;
use crate::jira::{JiraSettings, JiraState};
use crate::record::Recorder;
use crate::serve::{Admit, Door};
use crate::tenant::Tenant;

pub use crate::tenant::User;

/// Ports of the services; 0 lets the system choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// Sign-in.
    pub entra: u16,
    /// Microsoft Graph.
    pub graph: u16,
    /// Exchange Web Services.
    pub ews: u16,
    /// Jira.
    pub jira: u16,
    /// The Outlook-like pages.
    pub outlook: u16,
    /// The control address.
    pub control: u16,
}

/// How a simulator begins.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where all services listen. Loopback, because the control address has no protection.
    pub host: IpAddr,
    /// The name in addresses, when it is another than `host`.
    pub public_host: Option<String>,
    /// Their ports.
    pub ports: Ports,
    /// Certificate chain and key (PEM files): all services but control speak https.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The round trip that each answer takes.
    pub latency: Duration,
    /// Whether requests over the services' limits are refused.
    pub enforce_quotas: bool,
    /// Seed of everything that looks random.
    pub seed: u64,
    /// A file for all traffic, one JSON object a line.
    pub record: Option<PathBuf>,
    /// Redirect URIs of the app registration, beside those on localhost.
    pub redirect_uris: Vec<String>,
    /// The time of all services.
    pub clock: Clock,
    /// The Jira site. Its seed and quotas are taken from here above.
    pub jira: JiraSettings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            public_host: None,
            ports: Ports::default(),
            tls: None,
            latency: Duration::ZERO,
            enforce_quotas: true,
            seed: 1,
            record: None,
            redirect_uris: Vec::new(),
            clock: Clock::default(),
            jira: JiraSettings::default(),
        }
    }
}

/// Where everything is and how to get in. `postroom sim` prints it as its first line.
#[derive(Clone, Debug, Serialize)]
pub struct Ready {
    /// Login base, as in `https://login.microsoftonline.com`.
    pub entra: String,
    /// Graph base, without `/v1.0`.
    pub graph: String,
    /// EWS base, without `/EWS/Exchange.asmx`.
    pub ews: String,
    /// Base of the Jira site.
    pub jira: String,
    /// The Outlook-like pages.
    pub outlook: String,
    /// The control address.
    pub control: String,
    /// Tenant id.
    pub tenant_id: String,
    /// The app registration.
    pub client_id: String,
    /// Its secret: a made-up one, told on purpose.
    pub client_secret: String,
    /// The people of the tenant, with their passwords.
    pub users: Vec<User>,
    /// Jira user.
    pub jira_user: String,
    /// Jira API token.
    pub jira_token: String,
    /// Its API token with scopes, for the gateway.
    pub jira_scoped_token: String,
    /// Its client id, as a service account.
    pub jira_client_id: String,
    /// Its client secret.
    pub jira_client_secret: String,
    /// Its personal access token, for the Data Center face.
    pub jira_access_token: String,
    /// Base of the Data Center face of the site.
    pub jira_data_center: String,
    /// Key of a project that issues can be made in.
    pub jira_project: String,
}

/// A running simulator. It ends when it is stopped or dropped.
pub struct Sim {
    ready: Ready,
    core: Arc<Core>,
    exchange: Arc<Exchange>,
    tasks: TaskTracker,
}

impl std::fmt::Debug for Sim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sim").field("control", &self.ready.control).finish_non_exhaustive()
    }
}

/// What posts notices of subscriptions. It trusts the simulator's own certificate beside the usual authorities, because
/// whoever listens on this machine may have the same one.
fn notifier(tls: Option<&(PathBuf, PathBuf)>) -> anyhow::Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(10));
    if let Some((certificate, _)) = tls {
        let pem = std::fs::read(certificate)
            .with_context(|| format!("the certificate {} cannot be read", certificate.display()))?;
        builder = builder.tls_certs_merge(reqwest::Certificate::from_pem_bundle(&pem)?);
    }
    builder.build().context("no client for notices can be made")
}

/// The listeners in the order of [`Service::ALL`].
struct Listeners {
    entra: TcpListener,
    graph: TcpListener,
    ews: TcpListener,
    jira: TcpListener,
    outlook: TcpListener,
    control: TcpListener,
}

impl Listeners {
    async fn bind(config: &Config) -> anyhow::Result<Self> {
        let bind = async |port: u16, service: Service| {
            serve::bind(SocketAddr::new(config.host, port), service).await
        };
        let ports = config.ports;
        Ok(Self {
            entra: bind(ports.entra, Service::Entra).await?,
            graph: bind(ports.graph, Service::Graph).await?,
            ews: bind(ports.ews, Service::Ews).await?,
            jira: bind(ports.jira, Service::Jira).await?,
            outlook: bind(ports.outlook, Service::Outlook).await?,
            control: bind(ports.control, Service::Control).await?,
        })
    }
}

impl Sim {
    /// Starts all services.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let tls = match &config.tls {
            Some((certificate, key)) => Some(serve::acceptor(certificate, key)?),
            None => None,
        };
        let recorder = config.record.as_deref().map(Recorder::create).transpose()?;
        let listeners = Listeners::bind(&config).await?;
        let address = |listener: &TcpListener, scheme: &str| -> anyhow::Result<String> {
            let port = listener.local_addr().context("a listener has no address")?.port();
            let host = config.public_host.clone().unwrap_or_else(|| match config.host {
                IpAddr::V6(host) => format!("[{host}]"),
                IpAddr::V4(host) => host.to_string(),
            });
            Ok(format!("{scheme}://{host}:{port}"))
        };
        let scheme = if tls.is_some() { "https" } else { "http" };

        let core = Arc::new(Core::new(config.clock.clone(), config.seed, recorder));
        core.set_latency(config.latency);
        core.enforce_quotas(config.enforce_quotas);
        let tenant = Arc::new(Tenant::contoso(config.seed, &config.redirect_uris, config.clock.now()));
        let settings =
            JiraSettings { enforce_quotas: config.enforce_quotas, seed: config.seed, ..config.jira };
        let (jira_user, jira_token) = settings.service_user();
        let service = settings.users.first();
        let (client_id, client_secret) = service.and_then(|user| user.client.clone()).unwrap_or_default();
        let of_service =
            |token: fn(&crate::jira::JiraUser) -> Option<String>| service.and_then(token).unwrap_or_default();
        let registration = tenant.first_registration().context("the tenant has no app registration")?;
        let ready = Ready {
            entra: address(&listeners.entra, scheme)?,
            graph: address(&listeners.graph, scheme)?,
            ews: address(&listeners.ews, scheme)?,
            jira: address(&listeners.jira, scheme)?,
            outlook: address(&listeners.outlook, scheme)?,
            control: address(&listeners.control, "http")?,
            tenant_id: tenant.id.to_string(),
            client_id: registration.client_id.clone(),
            client_secret: registration.secrets.first().map(|secret| secret.text.clone()).unwrap_or_default(),
            users: tenant.people(tenant.id).cloned().collect(),
            jira_user: jira_user.to_owned(),
            jira_token: jira_token.to_owned(),
            jira_scoped_token: of_service(|user| user.scoped_token.clone()),
            jira_client_id: client_id,
            jira_client_secret: client_secret,
            jira_access_token: of_service(|user| user.access_token.clone()),
            jira_data_center: format!("{}/dc", address(&listeners.jira, scheme)?),
            jira_project: settings.projects.first().map(|project| project.key.clone()).unwrap_or_default(),
        };

        let exchange = Arc::new(Exchange::new(Arc::clone(&core), Arc::clone(&tenant)));
        let grants = Arc::new(entra::grants::Grants::default());
        let entra = Arc::new(EntraState::new(Arc::clone(&core), Arc::clone(&tenant), Arc::clone(&grants))?);
        entra.set_addresses(&ready.entra, &ready.graph, &ready.ews);
        let graph = Arc::new(GraphState::new(
            Arc::clone(&core),
            Arc::clone(&exchange),
            Arc::clone(&grants),
            notifier(config.tls.as_ref())?,
        ));
        graph.set_addresses(&ready.graph, &ready.entra);
        let ews = Arc::new(EwsState::new(Arc::clone(&core), Arc::clone(&exchange), grants));
        ews.set_login(&ready.entra);
        let jira = JiraState::new(settings, config.clock);
        jira.set_base_url(&Url::parse(&ready.jira).context("the Jira address")?);
        let control = Arc::new(control::Control {
            core: Arc::clone(&core),
            exchange: Arc::clone(&exchange),
            entra: Arc::clone(&entra),
            graph: Arc::clone(&graph),
            ews: Arc::clone(&ews),
            jira: Arc::clone(&jira),
            ready: ready.clone(),
        });

        let tasks = TaskTracker::new();
        tasks.spawn(Arc::clone(&graph).notify(core.end.clone()));
        let admit: Admit = {
            let graph = Arc::clone(&graph);
            Arc::new(move |parts, length| graph.admit(parts, length))
        };
        let admit_ews: Admit = {
            let ews = Arc::clone(&ews);
            Arc::new(move |parts, _| ews.admit(parts))
        };
        let open = |listener, service, router, admit| {
            let door = Door { service, router, admit, core: Arc::clone(&core) };
            let tls = if service == Service::Control { None } else { tls.clone() };
            serve::listen(listener, door, tls, &tasks);
        };
        open(listeners.entra, Service::Entra, entra::router(entra), None);
        open(listeners.graph, Service::Graph, graph::router(graph), Some(admit));
        open(listeners.ews, Service::Ews, ews::router(ews), Some(admit_ews));
        open(listeners.jira, Service::Jira, jira::router(jira), None);
        open(listeners.outlook, Service::Outlook, outlook::router(Arc::clone(&exchange)), None);
        open(listeners.control, Service::Control, control::router(control), None);
        tasks.close();
        Ok(Self { ready, core, exchange, tasks })
    }

    /// The addresses and how to get in.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// The clock of all services.
    pub fn clock(&self) -> &Clock {
        &self.core.clock
    }

    /// Puts a mail into a mailbox's inbox as if it had arrived now. Returns its immutable id.
    pub fn deliver(&self, mailbox: &str, raw: impl AsRef<[u8]>) -> anyhow::Result<String> {
        let raw = raw.as_ref();
        let found = self.exchange.mailbox(mailbox);
        let found =
            found.with_context(|| format!("the simulator has no mailbox {mailbox}; `users` lists them"))?;
        let sender = self.exchange.usual_sender(raw);
        let key = self.exchange.deliver(found, raw, Delivery::now(self.core.now(), sender));
        self.core.changed.notify_one();
        Ok(exchange::ids::immutable(found.number, key))
    }

    /// Waits until somebody shuts the simulator down over its control address.
    pub async fn finished(&self) {
        self.core.end.cancelled().await;
    }

    /// Ends all services; the recording is complete afterwards.
    pub async fn stop(self) {
        self.core.end.cancel();
        tokio::time::timeout(Duration::from_secs(3), self.tasks.wait()).await.ok();
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.core.end.cancel();
        self.core.recorder.iter().for_each(Recorder::flush);
    }
}
