//! One log line per request.
//!
//! It says: method, route template (never the path's values, the query or the body), status, how long until the answer
//! began, the user's id, the request's id. It never says: cookies, tokens, addresses of people, what was asked or
//! answered. A problem's inside follows in a line of its own under the same request id.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use uuid::Uuid;

use super::RequestId;
use crate::web::{Problem, Shell};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Who was signed in; set on the response for the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct LoggedUser(pub(super) Uuid);

pub(super) async fn request(State(shell): State<Shell>, mut request: Request, next: Next) -> Response {
    let id = given_id(&shell, &request).unwrap_or_else(|| Uuid::now_v7().simple().to_string());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    request.extensions_mut().insert(RequestId(id.clone()));
    let begun = tokio::time::Instant::now();

    let mut response = next.run(request).await;

    let status = response.status().as_u16();
    let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let user = response.extensions().get::<LoggedUser>().map(|user| user.0.to_string()).unwrap_or_default();
    tracing::info!(
        target: "postroom::http",
        %method, route, status, took_ms, user, request = id,
        "{method} {route} {status} {took_ms} ms"
    );
    metrics::counter!("postroom_http_requests_total", "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    metrics::histogram!("postroom_http_seconds", "route" => route).record(begun.elapsed().as_secs_f64());
    if let Some(problem) = response.extensions().get::<Arc<Problem>>()
        && !problem.inside.is_empty()
    {
        if problem.status.is_server_error() {
            tracing::error!(target: "postroom::http", request = id, status, "{}", problem.inside);
        } else {
            tracing::info!(target: "postroom::http", request = id, status, "{}", problem.inside);
        }
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

/// The id that a trusted proxy gave the request.
fn given_id(shell: &Shell, request: &Request) -> Option<String> {
    let believed = shell.believes(request.extensions());
    let id = request.headers().get(HEADER).filter(|_| believed)?.to_str().ok()?;
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    (plain && (8..=64).contains(&id.len())).then(|| id.to_owned())
}
