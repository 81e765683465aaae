//! Tests of the site through its router: each rule of the facts, and every version 3 answer held against the
//! published OpenAPI document where the shared data is present.

mod documents;
mod gate;
mod limits;
mod pages;
mod rules;
mod search;
mod spec;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{JiraSettings, JiraState, control_router, router};
use crate::clock::Clock;

/// A site in memory and a client of it.
pub(super) struct Peer {
    pub(super) state: Arc<JiraState>,
    pub(super) clock: Clock,
    router: Router,
    authorization: Option<String>,
}

/// An answer.
pub(super) struct Seen {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
    pub(super) text: String,
    pub(super) bytes: Vec<u8>,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

pub(super) const EMAIL: &str = "postroom@contoso.test";

impl Peer {
    pub(super) fn new() -> Self {
        Self::with(JiraSettings::default())
    }

    pub(super) fn with(settings: JiraSettings) -> Self {
        let clock = Clock::standing("2026-11-24T10:00:00Z".parse::<Timestamp>().expect("a moment"));
        let token = settings.service_user().1.to_owned();
        let state = JiraState::new(settings, clock.clone());
        state.set_base_url(&"http://jira.test/".parse().expect("a url"));
        let router = router(Arc::clone(&state))
            .merge(Router::new().nest("/control", control_router(Arc::clone(&state))));
        let mut peer = Self { state, clock, router, authorization: None };
        peer.sign_in(EMAIL, &token);
        peer
    }

    pub(super) fn sign_in(&mut self, email: &str, token: &str) {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{email}:{token}"));
        self.authorization = Some(format!("Basic {pair}"));
    }

    pub(super) fn bear(&mut self, token: &str) {
        self.authorization = Some(format!("Bearer {token}"));
    }

    pub(super) fn sign_out(&mut self) {
        self.authorization = None;
    }

    pub(super) fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    pub(super) async fn send(&self, request: http::request::Builder, body: Vec<u8>) -> Seen {
        let mut request = request;
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let request: Request<Body> = request.body(Body::from(body)).expect("a request");
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let response = self.router.clone().oneshot(request).await.expect("the router never fails");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes().to_vec();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let path = uri.path();
        let at_site = path.strip_prefix("/ex/jira/").and_then(|rest| rest.find('/').map(|at| &rest[at..]));
        let at_site = at_site.unwrap_or(path);
        if (at_site.starts_with("/rest/api/3/") || at_site.starts_with("/rest/servicedeskapi/"))
            && body != Value::Null
            // The gateway's own refusals are no answers of Jira.
            && body.get("code").is_none()
        {
            spec::check(&method, at_site, parts.status, &body);
        }
        Seen { status: parts.status, headers: parts.headers, body, text, bytes }
    }

    pub(super) async fn get(&self, path: &str) -> Seen {
        self.send(Request::builder().method(Method::GET).uri(path), Vec::new()).await
    }

    pub(super) async fn delete(&self, path: &str) -> Seen {
        self.send(Request::builder().method(Method::DELETE).uri(path), Vec::new()).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Seen {
        self.write(Method::POST, path, &body).await
    }

    pub(super) async fn put(&self, path: &str, body: Value) -> Seen {
        self.write(Method::PUT, path, &body).await
    }

    async fn write(&self, method: Method, path: &str, body: &Value) -> Seen {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        self.send(request, body.to_string().into_bytes()).await
    }

    /// Creates an issue in SUP and gives its key.
    pub(super) async fn issue(&self, summary: &str) -> String {
        self.issue_with(json!({"summary": summary})).await
    }

    pub(super) async fn issue_with(&self, fields: Value) -> String {
        let mut all = json!({"project": {"key": "SUP"}, "issuetype": {"id": "10001"}, "summary": "x"});
        for (name, value) in fields.as_object().expect("fields") {
            all[name] = value.clone();
        }
        let seen = self.post("/rest/api/3/issue", json!({"fields": all})).await;
        assert_eq!(seen.status, StatusCode::CREATED, "{}", seen.text);
        seen.body["key"].as_str().expect("a key").to_owned()
    }

    pub(super) async fn upload(&self, path: &str, files: &[(&str, &str, &[u8])], token: bool) -> Seen {
        let mut body = Vec::new();
        for (name, kind, content) in files {
            body.extend_from_slice(
                format!(
                    "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
                     Content-Type: {kind}\r\n\r\n"
                )
                .as_bytes(),
            );
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--cut--\r\n");
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("content-type", "multipart/form-data; boundary=cut");
        if token {
            request = request.header("x-atlassian-token", "no-check");
        }
        self.send(request, body).await
    }
}

/// A document with one paragraph.
pub(super) fn doc(text: &str) -> Value {
    json!({"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": text}]}]})
}

/// Where the shared data lies; `None` (and a word about it) when it is not here.
pub(super) fn shared(path: &str) -> Option<String> {
    let root = std::env::var("POSTROOM_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    let found = std::fs::read_to_string(format!("{root}/{path}")).ok();
    if found.is_none() {
        #[allow(clippy::print_stdout, reason = "a skipped check is told")]
        {
            println!("skipped: {path} (shared data not present)");
        }
    }
    found
}
