//! Reaching the running service: over the local socket of its data folder, or at `--url` with an API token.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use bytes::Bytes;
use clap::Args;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::DataFolder;
use url::Url;

use super::Failure;
use super::shapes::ApiProblem;
use crate::config::{Config, ConfigError};

/// The longest that the service may take; a ping asks other servers.
const PATIENCE: Duration = Duration::from_mins(2);
/// The longest that a file may take.
const LONG: Duration = Duration::from_hours(6);
/// The most that is read of an answer.
const MOST: usize = 64 * 1024 * 1024;

/// Which service is meant.
#[derive(Clone, Args)]
pub struct Reach {
    /// The console's address, instead of the local socket of the data folder
    #[arg(long, env = "POSTROOM_URL", global = true, value_name = "URL")]
    url: Option<Url>,
    /// The API token for --url; better given as the variable, which other users cannot see
    #[arg(long, env = "POSTROOM_TOKEN", global = true, value_name = "TOKEN", hide_env_values = true)]
    token: Option<SecretString>,
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reach").field("url", &self.url.as_ref().map(Url::as_str)).finish_non_exhaustive()
    }
}

/// A way to the service.
#[derive(Debug)]
pub struct Client(Way);

#[derive(Debug)]
enum Way {
    Socket(PathBuf),
    Web { base: Url, token: Option<SecretString>, http: reqwest::Client },
}

/// What somebody typed as a part of an address.
pub(super) fn in_path(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

impl Client {
    /// The service that is meant; the settings are read only where they are needed.
    pub fn new(
        reach: &Reach,
        settings: impl FnOnce() -> Result<Config, ConfigError>,
    ) -> Result<Self, Failure> {
        match &reach.url {
            None => Ok(Self::at_socket(DataFolder::socket_in(&settings()?.data_folder))),
            Some(base) => {
                let mut builder =
                    reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
                // Settings may name a certificate authority; a machine that only asks may have none at all.
                if let Ok(config) = settings() {
                    let more = config.certificates().map_err(ConfigError::from)?;
                    builder = builder.tls_certs_merge(more);
                }
                let http = builder.build().map_err(anyhow::Error::from)?;
                Ok(Self(Way::Web { base: base.clone(), token: reach.token.clone(), http }))
            }
        }
    }

    /// The service behind a socket.
    pub fn at_socket(path: PathBuf) -> Self {
        Self(Way::Socket(path))
    }

    /// Asks for something; `path` begins with `/api/v1/`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.ask(Method::GET, path).await
    }

    /// Has something done.
    pub async fn post<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.ask(Method::POST, path).await
    }

    /// Has something done that takes more than its address says.
    pub async fn post_json<T: DeserializeOwned>(
        &self,
        path: &str,
        wish: &impl Serialize,
    ) -> Result<T, Failure> {
        let body = serde_json::to_vec(wish).map_err(anyhow::Error::from)?;
        self.ask_with(Method::POST, path, body.into()).await
    }

    /// Writes an answer of whatever length to `into`, as it comes.
    pub async fn download(&self, path: &str, into: &mut impl Write) -> Result<(), Failure> {
        match &self.0 {
            Way::Socket(socket) => download_over_socket(socket, path, into).await,
            Way::Web { base, token, http } => {
                let mut answer =
                    begin_over_web(base, token.as_ref(), http, Method::GET, path, Bytes::new(), LONG).await?;
                let status = answer.status();
                if !status.is_success() {
                    let body = answer.bytes().await.map_err(|_| no_answer(base))?;
                    return Err(refusal(status, &body, path));
                }
                while let Some(chunk) = answer.chunk().await.map_err(|_| broken_off(base))? {
                    into.write_all(&chunk)?;
                }
                Ok(into.flush()?)
            }
        }
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T, Failure> {
        self.ask_with(method, path, Bytes::new()).await
    }

    async fn ask_with<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, Failure> {
        let (status, body) = match &self.0 {
            Way::Socket(socket) => {
                match tokio::time::timeout(PATIENCE, over_socket(socket, method, path, body)).await {
                    Ok(answer) => answer?,
                    Err(_) => return Err(no_answer(&socket.display())),
                }
            }
            Way::Web { base, token, http } => {
                over_web(base, token.as_ref(), http, method, path, body).await?
            }
        };
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| {
                anyhow!("the service's answer to {path} is not understood ({error}); use the same version of Postroom on both sides").into()
            });
        }
        Err(refusal(status, &body, path))
    }
}

fn no_answer(place: &dyn fmt::Display) -> Failure {
    Failure::Unreachable(format!("the service at {place} does not answer; look at its log"))
}

/// What a status of 400 or above means to the person.
fn refusal(status: StatusCode, body: &[u8], path: &str) -> Failure {
    if let Ok(problem) = serde_json::from_slice::<ApiProblem>(body) {
        return anyhow!("{} {}", problem.what, problem.mend).into();
    }
    match status {
        StatusCode::UNAUTHORIZED => {
            anyhow!("the service wants an API token; make one in the console and set POSTROOM_TOKEN").into()
        }
        StatusCode::FORBIDDEN => {
            anyhow!("the API token's role does not allow this; use one of a higher role").into()
        }
        StatusCode::NOT_FOUND => {
            anyhow!("the service has nothing at {path}; look for the id in its list").into()
        }
        other => anyhow!("the service answered {other} to {path}; look at its log").into(),
    }
}

/// An answer that ended before its end.
fn broken_off(place: &dyn fmt::Display) -> Failure {
    Failure::Unreachable(format!(
        "the service at {place} broke off in the middle; what was written is not whole"
    ))
}

/// A request over the socket, with an answer that has begun. The task keeps the connection going until it is dropped.
#[cfg(unix)]
async fn begin_over_socket(
    socket: &Path,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<(http::Response<hyper::body::Incoming>, tokio::task::JoinHandle<Result<(), hyper::Error>>), Failure>
{
    let place = socket.display();
    let stream = tokio::net::UnixStream::connect(socket).await.map_err(|error| {
        Failure::Unreachable(format!(
            "no service runs on this data folder ({place}: {error}); start it with `postroom serve`, or name one with --url"
        ))
    })?;
    let broken = |error: hyper::Error| {
        Failure::Unreachable(format!("the service at {place} broke off ({error}); look at its log"))
    };
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let pump = tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        // The socket's file mode says who may ask; the name in Host says nothing.
        .header(header::HOST, "localhost")
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body))
        .map_err(anyhow::Error::from)?;
    let answer = sender.send_request(request).await.map_err(broken)?;
    Ok((answer, pump))
}

async fn over_socket(
    socket: &Path,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<(StatusCode, Bytes), Failure> {
    let place = socket.display();
    #[cfg(unix)]
    {
        let (answer, pump) = begin_over_socket(socket, method, path, body).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MOST)
            .collect()
            .await
            .map_err(|error| {
                Failure::Unreachable(format!("the service at {place} broke off ({error}); look at its log"))
            })?
            .to_bytes();
        pump.abort();
        Ok((status, body))
    }
    #[cfg(not(unix))]
    {
        let _ = (method, path, body);
        Err(no_socket(&place))
    }
}

async fn download_over_socket(socket: &Path, path: &str, into: &mut impl Write) -> Result<(), Failure> {
    let place = socket.display();
    #[cfg(unix)]
    {
        let begun =
            tokio::time::timeout(PATIENCE, begin_over_socket(socket, Method::GET, path, Bytes::new()));
        let (answer, pump) = begun.await.map_err(|_| no_answer(&place))??;
        let (status, mut body) = (answer.status(), answer.into_body());
        let mut refused = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| broken_off(&place))?;
            let Ok(chunk) = frame.into_data() else { continue };
            if status.is_success() {
                into.write_all(&chunk)?;
            } else if refused.len() + chunk.len() <= MOST {
                refused.extend_from_slice(&chunk);
            }
        }
        pump.abort();
        if !status.is_success() {
            return Err(refusal(status, &refused, path));
        }
        Ok(into.flush()?)
    }
    #[cfg(not(unix))]
    {
        let _ = (path, into);
        Err(no_socket(&place))
    }
}

#[cfg(not(unix))]
fn no_socket(place: &dyn fmt::Display) -> Failure {
    Failure::Unreachable(format!("{place} cannot be used on this system; name the service with --url"))
}

async fn begin_over_web(
    base: &Url,
    token: Option<&SecretString>,
    http: &reqwest::Client,
    method: Method,
    path: &str,
    body: Bytes,
    patience: Duration,
) -> Result<reqwest::Response, Failure> {
    let url = base.join(path).map_err(anyhow::Error::from)?;
    let mut request = http.request(method, url).timeout(patience).header(header::ACCEPT, "application/json");
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json").body(body);
    }
    if let Some(token) = token {
        request = request.bearer_auth(token.expose_secret());
    }
    request.send().await.map_err(|error| {
        Failure::Unreachable(format!(
            "no service answers at {base} ({}); check --url",
            cause(&error.without_url())
        ))
    })
}

async fn over_web(
    base: &Url,
    token: Option<&SecretString>,
    http: &reqwest::Client,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<(StatusCode, Bytes), Failure> {
    let mut answer = begin_over_web(base, token, http, method, path, body, PATIENCE).await?;
    let status = answer.status();
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= MOST => body.extend_from_slice(&chunk),
            Ok(Some(_)) => {
                return Err(anyhow!("the answer of {base} to {path} is too large; ask for less").into());
            }
            Ok(None) => return Ok((status, body.into())),
            Err(_) => return Err(no_answer(base)),
        }
    }
}

/// The innermost cause: the outer ones say only that a request failed.
pub(crate) fn cause(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
