//! The service: opens the data folder, the database and the keys, starts the background work and the console, and stops all
//! of it in order.
//!
//! Begin with [`start`]. Whatever cannot be opened ends in one sentence that says what to do; nothing is half started.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::ConnectInfo;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use jiff::SignedDuration;
use ledger::{Keys, Ledger, Timing};
use secrecy::SecretString;
use store::{Blobs, Clock, DataFolder, Db, MasterKey, Sealer, StoreUrl, SystemClock, args, sql};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;
use uuid::Uuid;

use crate::config::{Config, Tls};
use crate::connections::{self, Connections, Reach, push};
use crate::jobs::{Engine, Parts};
use crate::notices::watch::Watch;
use crate::notices::{self, Sender};
use crate::web::Shell;
use crate::{access, api, messages, overview, profiles, retention, telemetry, web};

/// A running service.
pub struct Running {
    /// Where the console is reached.
    pub url: Url,
    /// The link that makes the owner, while there is none.
    pub setup_link: Option<Url>,
    /// The database.
    pub db: Db,
    /// Mailboxes and Jira.
    pub connections: Arc<Connections>,
    sealer: Sealer,
    /// Cancelled when the program must stop by itself.
    pub program: CancellationToken,
    engine: Arc<Engine>,
    notices: TaskTracker,
    servers: Vec<JoinHandle<()>>,
    stop: CancellationToken,
    socket: Option<PathBuf>,
    // Holds the lock on the folder until everything else is closed.
    _folder: DataFolder,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

/// Runs the service until Ctrl-C or SIGTERM, or until the disk fails.
pub async fn run(config: Config) -> Result<()> {
    let running = start(config).await?;
    tracing::info!(url = %running.url, "Postroom is running");
    if let Some(link) = &running.setup_link {
        announce(&format!("Make the owner's account with this link; it works once:\n\n  {link}\n"));
    }
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let failed = tokio::select! {
        _ = tokio::signal::ctrl_c() => false,
        _ = terminate.recv() => false,
        () = running.program.cancelled() => true,
    };
    if failed {
        // I14: not one more write after a failed fsync.
        anyhow::bail!("the disk that holds the database failed; check it, then start Postroom again");
    }
    tracing::info!("stopping: work in hand is finished first");
    running.stop().await;
    Ok(())
}

#[allow(clippy::print_stderr, reason = "the link is for the person at the terminal; it is not a log line")]
fn announce(text: &str) {
    eprintln!("{text}");
}

impl Running {
    /// Stops in order: no new requests, work in hand finished, database closed.
    pub async fn stop(self) {
        self.stop.cancel();
        self.engine.stop().await;
        // A message under way comes to its end by its own time-out.
        if tokio::time::timeout(std::time::Duration::from_secs(20), self.notices.wait()).await.is_err() {
            tracing::warn!("notices did not come to an end in time; they go on at the next start");
        }
        for server in self.servers {
            // Open pages keep their event stream; they are not waited for.
            server.abort();
        }
        if let Some(socket) = &self.socket {
            let _ = std::fs::remove_file(socket);
        }
        self.db.close().await;
    }

    /// Opens what is sealed.
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Rings the poller: sources that are due are looked at now.
    pub fn poll_now(&self) {
        self.engine.poll.notify_one();
    }

    /// Rings the keeper of subscriptions: they are looked at now.
    pub fn keep_now(&self) {
        self.engine.push.notify_one();
    }
}

/// Starts the service.
pub async fn start(config: Config) -> Result<Running> {
    Box::pin(start_at(config, Arc::new(SystemClock))).await
}

/// The same with another clock: what takes days is tried in seconds.
pub async fn start_at(config: Config, clock: Arc<dyn Clock>) -> Result<Running> {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let folder = DataFolder::open(&config.data_folder)?;
    let db = open_database(&config.store_url()).await?;
    let master = master_key(&config, &db).await?;
    let (sealer, identity) = Sealer::load(&db, &master, clock.as_ref()).await?;
    let workspace = ensure_workspace(&db, clock.as_ref()).await?;
    let owner = Uuid::now_v7();

    let listener = TcpListener::bind(config.server.listen)
        .await
        .map_err(|error| bind_error(&error, config.server.listen))?;
    let bound = listener.local_addr()?;
    let public_url = config.public_url(bound);

    let http = http_client(&config)?;
    let connections = Arc::new(Connections::new(
        db.clone(),
        sealer.clone(),
        Arc::clone(&clock),
        http,
        Reach {
            graph_url: config.microsoft.graph_url.clone(),
            ews_url: config.microsoft.ews_url.clone(),
            redirect_uri: public_url.join("/oauth/callback")?,
            request_timeout: config.inbound.request_timeout,
            push: config.inbound.push,
            jira_gateway: config.jira.gateway_url.clone(),
            jira_auth: config.jira.auth_url.clone(),
        },
        owner,
    ));
    connections::bootstrap(&connections, workspace, &config).await?;

    let blobs = Blobs::open(folder.path().join("blobs"), sealer.clone())?;
    let ledger = Ledger {
        keys: Keys::new(identity),
        sealer: Arc::new(sealer.clone()),
        timing: Timing {
            quarantine: SignedDuration::try_from(config.inbound.quarantine)?,
            lease: config.inbound.lease,
            request: config.inbound.request_timeout,
        },
        held_release: SignedDuration::from_mins(15),
    };

    let mut shell = Shell::new(db.clone(), Arc::clone(&clock), public_url.clone(), workspace);
    shell.trusted_proxies = config.server.trusted_proxy.as_slice().into();
    shell.metrics = telemetry::metrics_handle();
    telemetry::count_unknown_faults();
    let program = CancellationToken::new();
    let engine = Arc::new(
        Engine::start(Parts {
            db: db.clone(),
            ledger: ledger.clone(),
            connections: Arc::clone(&connections),
            blobs: blobs.clone(),
            clock: Arc::clone(&clock),
            bus: shell.bus.clone(),
            poll_interval: config.inbound.poll_interval,
            workers: config.inbound.workers,
            periods: config.retention,
            owner,
            program: program.clone(),
            readiness: shell.readiness.clone(),
        })
        .await?,
    );

    let sender = Sender::new(
        shell.clone(),
        Arc::clone(&connections),
        config.certificates()?,
        &config.notices.allow_hosts,
    )
    .context("the client for notices cannot be made")?;
    let features = features(&shell, &connections, &ledger, &blobs, &engine, &sender);
    let setup_link = access::link::first_owner(&shell, &mut rand::rng())
        .await?
        .map(|link| Url::parse(&link))
        .transpose()?;
    let door = push::routes::Door { connections: Arc::clone(&connections), ear: Arc::clone(&engine.ear) };
    let router = web::router_with(
        &shell,
        features,
        vec![
            api::router(api_state(&shell, &connections, &ledger, &blobs, &engine, &sender)),
            push::routes::router(door),
        ],
    );
    let stop = CancellationToken::new();
    let notices = start_notices(sender.clone(), &stop);
    let mut servers = vec![serve_tcp(listener, config.server.tls.as_ref(), router, stop.clone())?];
    let socket = DataFolder::socket_in(folder.path());
    let local = api::local_router(api_state(&shell, &connections, &ledger, &blobs, &engine, &sender));
    let socket = match serve_socket(&socket, local, stop.clone()) {
        Ok(server) => {
            servers.push(server);
            Some(socket)
        }
        Err(error) => {
            tracing::warn!(%error, socket = %socket.display(), "no local socket; the command line needs --url and a token");
            None
        }
    };
    Ok(Running {
        url: public_url,
        setup_link,
        db,
        connections,
        sealer,
        program,
        engine,
        notices,
        servers,
        stop,
        socket,
        _folder: folder,
    })
}

/// Sends notices and watches for what no change of a row tells.
fn start_notices(sender: Sender, stop: &CancellationToken) -> TaskTracker {
    let tracker = TaskTracker::new();
    let watch = Watch::new(sender.shell.clone(), Arc::clone(&sender.connections));
    tracker.spawn(sender.run(stop.clone()));
    tracker.spawn(watch.run(stop.clone()));
    tracker.close();
    tracker
}

fn features(
    shell: &Shell,
    connections: &Arc<Connections>,
    ledger: &Ledger,
    blobs: &Blobs,
    engine: &Arc<Engine>,
    sender: &Sender,
) -> Vec<Router> {
    let state = connections::routes::State {
        shell: shell.clone(),
        connections: Arc::clone(connections),
        ledger: ledger.clone(),
        engine: Arc::clone(engine),
    };
    let messages = messages::routes::State {
        shell: shell.clone(),
        connections: Arc::clone(connections),
        ledger: ledger.clone(),
        blobs: blobs.clone(),
        engine: Arc::clone(engine),
    };
    vec![
        overview::router(state.clone()),
        connections::routes::router(state),
        notices::routes::router(notices::routes::State { shell: shell.clone(), sender: sender.clone() }),
        profiles::routes::router(messages.clone()),
        retention::page::router(messages.clone()),
        messages::routes::router(messages),
    ]
}

fn api_state(
    shell: &Shell,
    connections: &Arc<Connections>,
    ledger: &Ledger,
    blobs: &Blobs,
    engine: &Arc<Engine>,
    sender: &Sender,
) -> api::State {
    api::State {
        shell: shell.clone(),
        connections: Arc::clone(connections),
        ledger: ledger.clone(),
        blobs: blobs.clone(),
        engine: Arc::clone(engine),
        sender: sender.clone(),
    }
}

/// Opens the database and brings its schema up to date.
pub async fn open_database(url: &StoreUrl) -> Result<Db> {
    let db = Db::open(url).await?;
    db.migrate(|done| {
        tracing::info!(step = done.step, of = done.steps, what = done.name, "bringing the schema up to date");
    })
    .await?;
    Ok(db)
}

/// The master key: from the configuration, else from the data folder, where it is made at the first start only.
pub async fn master_key(config: &Config, db: &Db) -> Result<MasterKey> {
    if let Some((text, origin)) = &config.master_key {
        let text: &SecretString = text;
        return Ok(MasterKey::from_base64(text, origin)?);
    }
    let path = DataFolder::master_key_in(&config.data_folder);
    let may_create = !Sealer::is_sealed(db).await?;
    Ok(MasterKey::load_or_create(&path, may_create)?)
}

async fn ensure_workspace(db: &Db, clock: &dyn Clock) -> Result<Uuid> {
    let mut tx = db.begin().await?;
    let found: Option<(Uuid,)> =
        tx.fetch_optional(sql!("SELECT id FROM workspace ORDER BY created_at LIMIT 1"), args![]).await?;
    let id = match found {
        Some((id,)) => id,
        None => {
            let id = Uuid::now_v7();
            tx.execute(
                sql!("INSERT INTO workspace (id, name, time_zone, created_at) VALUES ($1, $2, $3, $4)"),
                args![id, "Postroom", "UTC", clock.now()],
            )
            .await?;
            id
        }
    };
    tx.commit().await?;
    Ok(id)
}

/// The client for Microsoft and Jira: no redirects (a token never goes to another host), company authorities trusted.
pub fn http_client(config: &Config) -> Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("Postroom/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(std::time::Duration::from_secs(10))
        .timeout(config.inbound.request_timeout)
        .pool_max_idle_per_host(32);
    for certificate in config.certificates()? {
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().context("the client for Microsoft and Jira cannot be made")
}

fn bind_error(error: &std::io::Error, address: SocketAddr) -> anyhow::Error {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "{address} is in use by another program: stop it, or set [server] listen to another port"
        ),
        std::io::ErrorKind::PermissionDenied => anyhow::anyhow!(
            "this user may not listen on {address}: set [server] listen to a port above 1023, or grant the right"
        ),
        _ => anyhow::anyhow!(
            "cannot listen on {address} ({error}): set [server] listen to an address of this machine"
        ),
    }
}

fn serve_tcp(
    listener: TcpListener,
    tls: Option<&Tls>,
    router: Router,
    stop: CancellationToken,
) -> Result<JoinHandle<()>> {
    Ok(match tls {
        None => tokio::spawn(async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            let serving = axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned());
            if let Err(error) = serving.await {
                tracing::error!(%error, "the console stopped");
            }
        }),
        Some(tls) => {
            let listener = TlsListener { inner: listener, acceptor: acceptor(tls)? };
            let router = router.layer(axum::middleware::map_request(tell_peer));
            let service = router.into_make_service_with_connect_info::<TlsPeer>();
            tokio::spawn(async move {
                let serving = axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned());
                if let Err(error) = serving.await {
                    tracing::error!(%error, "the console stopped");
                }
            })
        }
    })
}

/// The other end of a TLS connection.
#[derive(Clone, Copy, Debug)]
struct TlsPeer(SocketAddr);

impl Connected<IncomingStream<'_, TlsListener>> for TlsPeer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// Tells the pages whom they talk to, as a plain listener does.
async fn tell_peer(mut request: axum::extract::Request) -> axum::extract::Request {
    if let Some(ConnectInfo(TlsPeer(peer))) = request.extensions().get::<ConnectInfo<TlsPeer>>().copied() {
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    request
}

fn acceptor(tls: &Tls) -> Result<TlsAcceptor> {
    use rustls_pki_types::pem::PemObject;
    use rustls_pki_types::{CertificateDer, PrivateKeyDer};
    let chain = CertificateDer::pem_file_iter(&tls.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| {
            format!("[server] tls_cert: {} holds no readable certificate", tls.cert.display())
        })?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .with_context(|| format!("[server] tls_key: {} holds no readable private key", tls.key.display()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("[server] tls_cert and tls_key do not belong together")?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Accepts TLS connections; a failed handshake is the other side's affair.
pub struct TlsListener {
    inner: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, peer) = Listener::accept(&mut self.inner).await;
            let handshake =
                tokio::time::timeout(std::time::Duration::from_secs(10), self.acceptor.accept(stream));
            match handshake.await {
                Ok(Ok(stream)) => return (stream, peer),
                Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
                Err(_) => tracing::debug!(%peer, "TLS handshake timed out"),
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

/// The command line's way in: whoever can open the socket owns the data folder.
fn serve_socket(path: &std::path::Path, router: Router, stop: CancellationToken) -> Result<JoinHandle<()>> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(tokio::spawn(async move {
        let serving =
            axum::serve(listener, router.into_make_service()).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::error!(%error, "the local socket stopped");
        }
    }))
}
