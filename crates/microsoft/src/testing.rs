//! A server for tests of the wire: it answers as the test says and remembers what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use fault::Fault;
use futures::future::BoxFuture;
use http::{HeaderMap, Method};
use secrecy::SecretString;
use url::Url;

use crate::graph::{GraphMailbox, User};
use crate::{AccessTokens, Budget};

/// What the server was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

type Script = dyn Fn(&Asked, usize) -> Response + Send + Sync;

#[derive(Clone)]
struct Shared {
    script: Arc<Script>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A running server; ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) url: Url,
    shared: Shared,
}

impl Server {
    /// `script` answers a request; it is told how many came before.
    pub(crate) async fn start(script: impl Fn(&Asked, usize) -> Response + Send + Sync + 'static) -> Self {
        let listener =
            tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound")).parse().expect("an address");
        let shared = Shared { script: Arc::new(script), asked: Arc::default() };
        let router = Router::new().fallback(answer).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// Everything it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 24).await.expect("a body");
    let asked = Asked {
        method: parts.method,
        target: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let before = {
        let mut all = shared.asked.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(asked.clone());
        all.len() - 1
    };
    (shared.script)(&asked, before)
}

/// An answer.
pub(crate) fn answered(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut response = Response::builder().status(status).header("content-type", "application/json");
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).expect("an answer")
}

/// A client that follows no redirects.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client")
}

/// Tokens `token-0`, `token-1` …: a refused one is followed by the next.
#[derive(Default)]
pub(crate) struct CountedTokens {
    refused: Mutex<usize>,
    challenges: Mutex<Vec<String>>,
}

impl CountedTokens {
    pub(crate) fn challenges(&self) -> Vec<String> {
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn refused_so_far(&self) -> usize {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AccessTokens for CountedTokens {
    fn get(&self) -> BoxFuture<'_, Result<SecretString, Fault>> {
        let number = self.refused_so_far();
        Box::pin(async move { Ok(SecretString::from(format!("token-{number}"))) })
    }

    fn refused(&self, _: &SecretString) -> BoxFuture<'_, Result<SecretString, Fault>> {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.get()
    }

    fn challenged(&self, token: &SecretString, claims: &str) -> BoxFuture<'_, Result<SecretString, Fault>> {
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner).push(claims.to_owned());
        self.refused(token)
    }
}

/// A mailbox at that server, with its tokens.
pub(crate) fn mailbox(url: &Url) -> (GraphMailbox, Arc<CountedTokens>) {
    let tokens = Arc::new(CountedTokens::default());
    let mailbox = GraphMailbox::new(
        client(),
        url.clone(),
        User::Me,
        Arc::clone(&tokens) as Arc<dyn AccessTokens>,
        Arc::new(Budget::graph()),
        Duration::from_secs(10),
    );
    (mailbox, tokens)
}
