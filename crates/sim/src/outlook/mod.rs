//! An Outlook-like page over the simulated mailboxes: pick a mailbox, read, write, move, delete. Plain forms, no script, no
//! sign-in; it plays every person of the tenant, and people outside.
//!
//! - `read` mailboxes, folders, messages; `write` the form for a new mail and what becomes of it

mod read;
mod write;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use http::{Response, StatusCode};

use crate::exchange::Exchange;
use crate::exchange::ids;
use crate::exchange::mailbox::{Mailbox, Store};
use crate::page::{self, Page};

const SERVICE: &str = "Outlook";

/// The service.
pub(crate) fn router(exchange: Arc<Exchange>) -> Router {
    Router::new()
        .route("/", get(read::mailboxes))
        .route("/mailboxes/{upn}", get(read::inbox))
        .route("/mailboxes/{upn}/folders/{folder}", get(read::folder))
        .route("/mailboxes/{upn}/messages/{id}", get(read::message))
        .route("/mailboxes/{upn}/messages/{id}/body", get(read::body))
        .route("/mailboxes/{upn}/messages/{id}/source", get(read::source))
        .route("/mailboxes/{upn}/messages/{id}/parts/{number}", get(read::part))
        .route("/mailboxes/{upn}/messages/{id}/change", post(read::change))
        .route("/outside", get(read::outside))
        .route("/write", get(write::form).post(write::send))
        .route(page::STYLE, get(page::style))
        .route("/simulated/icon.svg", get(page::icon))
        .route("/favicon.ico", get(page::icon))
        .fallback(nowhere)
        .layer(DefaultBodyLimit::max(64 * 1024 * 1024))
        .with_state(exchange)
}

fn show(status: StatusCode, title: &str, head: &str, content: &str, narrow: bool) -> Response<Body> {
    Page { status, service: SERVICE, title, head, narrow, content, forms: "" }.response()
}

/// The links at the top.
fn head(upn: Option<&str>) -> String {
    let write = match upn {
        Some(upn) => format!("/write?from={}", encoded(upn)),
        None => "/write".to_owned(),
    };
    format!(
        "<p><a href=\"/\">Mailboxes</a></p><p><a href=\"{write}\" data-testid=\"new-mail\">New mail</a></p>"
    )
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn fault(status: StatusCode, text: &str) -> Response<Body> {
    let content = format!(
        "<div class=\"card\"><h1>That did not work</h1><p class=\"bad\" role=\"alert\">{}</p></div>",
        page::escape(text)
    );
    show(status, "That did not work", &head(None), &content, true)
}

async fn nowhere() -> Response<Body> {
    fault(StatusCode::NOT_FOUND, "This page does not exist.")
}

/// The key of a message by either id.
fn find(mailbox: &Mailbox, store: &Store, id: &str) -> Option<u64> {
    let parsed = ids::message(id)?;
    let (ids::MessageId::Immutable { mailbox: of, .. } | ids::MessageId::Ordinary { mailbox: of, .. }) =
        parsed;
    (of == mailbox.number).then(|| store.key(parsed)).flatten()
}
