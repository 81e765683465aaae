//! The listeners: one port for each service, plain or TLS, with latency, faults, counters and the recording around
//! whatever the service answers.
//!
//! A request is read whole, waits half the round trip, does its work, and is answered after the other half. A reset is
//! a handler that fails: the connection is closed without a byte of an answer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::core::Core;
use crate::faults::{Service, Strike, http_date};
use crate::record::Exchange;

/// Largest request body that is read, in bytes.
const LARGEST_BODY: usize = 160 * 1024 * 1024;

/// What a service decides before the round trip begins: a place that is held until the answer leaves, or a refusal.
pub(crate) type Admission = Result<Option<Box<dyn Send>>, Box<Response<Bytes>>>;

/// Decides about a request when it arrives; the number is the length of its body.
pub(crate) type Admit = Arc<dyn Fn(&Parts, usize) -> Admission + Send + Sync>;

/// A service behind its listener.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) service: Service,
    pub(crate) router: Router,
    pub(crate) admit: Option<Admit>,
    pub(crate) core: Arc<Core>,
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the simulator was told to close this connection")]
struct Cut;

/// Reads certificate chain and key.
pub(crate) fn acceptor(certificate: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| {
        format!("no certificate chain (PEM) can be read from {}", certificate.display())
    })?;
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("no private key (PEM) can be read from {}", key.display()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .with_context(|| format!("the key does not belong to the certificate {}", certificate.display()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Binds a port, 0 for any.
pub(crate) async fn bind(address: SocketAddr, service: Service) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("{} cannot listen on {address}: choose another port, or 0 for any", service.name())
    })
}

/// Takes connections until the simulator ends.
pub(crate) fn listen(listener: TcpListener, door: Door, tls: Option<TlsAcceptor>, tasks: &TaskTracker) {
    let connections = tasks.clone();
    tasks.spawn(async move {
        let end = door.core.end.clone();
        loop {
            let stream = tokio::select! {
                () = end.cancelled() => return,
                taken = listener.accept() => match taken {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        // Out of file handles, usually: the ones in use come back.
                        tracing::warn!(%error, service = door.service.name(), "a connection cannot be taken");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        continue;
                    }
                },
            };
            let (door, tls) = (door.clone(), tls.clone());
            connections.spawn(async move {
                stream.set_nodelay(true).ok();
                match tls {
                    Some(tls) => with_tls(&tls, stream, door).await,
                    None => speak(stream, door).await,
                }
            });
        }
    });
}

async fn with_tls(tls: &TlsAcceptor, stream: TcpStream, door: Door) {
    match tokio::time::timeout(Duration::from_secs(10), tls.accept(stream)).await {
        Ok(Ok(stream)) => speak(stream, door).await,
        Ok(Err(error)) => tracing::debug!(%error, service = door.service.name(), "the TLS handshake failed"),
        Err(_) => tracing::debug!(service = door.service.name(), "the TLS handshake took too long"),
    }
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, door: Door) {
    let end = door.core.end.clone();
    let handler = service_fn(move |request| {
        let door = door.clone();
        async move { door.answer(request).await }
    });
    let connection =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), handler);
    tokio::pin!(connection);
    tokio::select! {
        result = connection.as_mut() => {
            if let Err(error) = result {
                tracing::debug!(%error, "a connection ended");
            }
        }
        () = end.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(Duration::from_secs(2), connection).await.ok();
        }
    }
}

impl Door {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
        let (parts, body) = request.into_parts();
        let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            return Ok(response);
        };
        let body = body.to_bytes();
        let head = self.core.recorder.is_some().then(|| (parts.clone(), body.clone()));
        let outcome = self.work(parts, body).await;
        if let (Some(recorder), Some((parts, sent))) = (&self.core.recorder, head) {
            let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            let nothing = http::HeaderMap::new();
            let (status, headers, received) = match &outcome {
                Some(response) => (response.status().as_u16(), response.headers(), response.body().as_ref()),
                None => (0, &nothing, &[][..]),
            };
            recorder.write(&Exchange {
                service: self.service,
                method: parts.method.as_str(),
                path,
                request_headers: &parts.headers,
                request_body: &sent,
                status,
                response_headers: headers,
                response_body: received,
            });
        }
        outcome.map(|response| response.map(Full::new)).ok_or(Cut)
    }

    /// The answer; `None` closes the connection.
    async fn work(&self, parts: Parts, body: Bytes) -> Option<Response<Bytes>> {
        let core = &self.core;
        if self.service == Service::Control || self.service == Service::Outlook {
            return Some(self.call(parts, body).await);
        }
        let mut path = parts.uri.path().to_owned();
        if self.service == Service::Ews
            && let Some(operation) = crate::ews::operation_of(&body)
        {
            // All of EWS has one path: rules and counters see the operation behind it.
            path = format!("{}/{operation}", path.trim_end_matches('/'));
        }
        core.counters.count(self.service, &parts.method, &path);
        let blow = core.faults.meet(self.service, &parts.method, &path, &core.chance, core.now());
        let place = self.admit.as_ref().map(|admit| admit(&parts, body.len()));
        let half = core.latency() / 2;
        pause(half + blow.delay).await;
        let response = match (place, blow.strike) {
            (_, Some(Strike::Reset { after_effect: false })) => return None,
            (_, Some(Strike::Answer { response, after_effect: false })) => response,
            (Some(Err(refusal)), _) => *refusal,
            (place, strike) => {
                let response = self.call(parts, body).await;
                pause(half).await;
                drop(place);
                return match strike {
                    None => Some(response),
                    Some(Strike::Reset { .. }) => None,
                    Some(Strike::Answer { response, .. }) => Some(response),
                };
            }
        };
        pause(half).await;
        Some(self.dated(response))
    }

    async fn call(&self, parts: Parts, body: Bytes) -> Response<Bytes> {
        let may_change = parts.method != Method::GET;
        let request = Request::from_parts(parts, Body::from(body));
        let response: Result<_, Infallible> = self.router.clone().oneshot(request).await;
        let (parts, body) = match response {
            Ok(response) => response.into_parts(),
            Err(never) => match never {},
        };
        // The bodies are in memory already; reading them back cannot fail.
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        if may_change {
            self.core.changed.notify_one();
        }
        self.dated(Response::from_parts(parts, body))
    }

    fn dated(&self, mut response: Response<Bytes>) -> Response<Bytes> {
        if let Ok(date) = HeaderValue::from_str(&http_date(self.core.now())) {
            response.headers_mut().entry(header::DATE).or_insert(date);
        }
        response
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
