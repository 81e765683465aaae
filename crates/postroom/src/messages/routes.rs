//! The addresses of messages.

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use ledger::Ledger;
use store::Blobs;

use super::{bulk, detail, export, hold, list, show_mail};
use crate::connections::Connections;
use crate::jobs::Engine;
use crate::web::Shell;

/// What the pages of messages need.
#[derive(Clone, Debug)]
pub struct State {
    /// The console.
    pub shell: Shell,
    /// Mailboxes and Jira.
    pub connections: Arc<Connections>,
    /// What is known of mail.
    pub ledger: Ledger,
    /// MIME.
    pub blobs: Blobs,
    /// What runs in the background.
    pub engine: Arc<Engine>,
}

impl FromRef<State> for Shell {
    fn from_ref(state: &State) -> Self {
        state.shell.clone()
    }
}

/// The routes.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/messages", get(list::show))
        .route("/messages/bulk", get(bulk::back).post(bulk::decide))
        .route("/messages/export", get(export::file))
        .route("/messages/{id}", get(detail::show))
        .route("/messages/{id}/mail", get(show_mail::show))
        .route("/messages/{id}/source", get(show_mail::source))
        .route("/messages/{id}/attachments/{number}", get(show_mail::attachment))
        .route("/messages/{id}/retry", post(hold::retry_page))
        .route("/messages/{id}/discard", post(hold::discard_page))
        .with_state(state)
}
