//! What is put around every request, from the outside in: a log line and a request id, security headers, compression;
//! around pages also: who is there, errors dressed as pages, the host's name, a time-out, panics caught, and what every
//! form must prove.

mod dress;
mod forms;
mod headers;
mod hosts;
mod log;
mod visitor;

use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use http::StatusCode;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

pub(crate) use visitor::Visitor;
pub use visitor::{Client, Peer};

use super::{Problem, Shell};

/// The largest body that a page's form may have.
pub(super) const LARGEST_FORM: usize = 1 << 20;
/// How long a page may take; a ping asks several servers, each with a time-out of its own.
const LONGEST: Duration = Duration::from_mins(1);

/// A request's id: in its log line, in the answer's `x-request-id`, and the reference on an error page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// Around everything.
pub(super) fn around_all(router: Router, shell: &Shell) -> Router {
    router
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(shell.clone(), headers::write))
        .layer(from_fn_with_state(shell.clone(), log::request))
}

/// Around pages.
pub(super) fn around_pages(router: Router, shell: &Shell) -> Router {
    router
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(from_fn_with_state(shell.clone(), forms::prove))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, LONGEST))
        .layer(from_fn_with_state(shell.clone(), hosts::check))
        .layer(from_fn(dress::errors))
        .layer(from_fn_with_state(shell.clone(), visitor::find))
}

/// A panic in a handler: the process goes on, the log has the reason.
#[allow(clippy::needless_pass_by_value, reason = "the signature is tower-http's")]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> axum::response::Response {
    use axum::response::IntoResponse;
    let what = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no words");
    Problem::internal(format!("a handler panicked: {what}")).into_response()
}

/// Whether an address is this machine's own.
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}
