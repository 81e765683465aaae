//! The REST API under `/api/v1`: what the console does, for scripts and for the command line.
//!
//! Two ways in: over the web with an API token (or, for reading, the session of somebody who is signed in), and over the
//! local socket, whose file mode says who may. Begin with [`router`] and [`local_router`]; who asks is found out in `caller`.
//! The shapes are those that the command line reads, in [`crate::cli::shapes`].

mod applications;
mod caller;
mod erasures;
mod jira;
mod links;
mod messages;
mod notices;
mod outbounds;
mod problem;
mod sources;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::{FromRef, State as Shared};
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};
use axum::{Json, Router};
use ledger::Ledger;
use store::Blobs;

use crate::cli::shapes::Health;
use crate::connections::Connections;
use crate::jobs::Engine;
use crate::notices::Sender;
use crate::web::Shell;
use problem::Refused;

/// What the API needs.
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
    /// Tries channels of notices out.
    pub sender: Sender,
}

impl FromRef<State> for Shell {
    fn from_ref(state: &State) -> Self {
        state.shell.clone()
    }
}

impl State {
    fn of_connections(&self) -> crate::connections::routes::State {
        crate::connections::routes::State {
            shell: self.shell.clone(),
            connections: Arc::clone(&self.connections),
            ledger: self.ledger.clone(),
            engine: Arc::clone(&self.engine),
        }
    }

    fn of_messages(&self) -> crate::messages::routes::State {
        crate::messages::routes::State {
            shell: self.shell.clone(),
            connections: Arc::clone(&self.connections),
            ledger: self.ledger.clone(),
            blobs: self.blobs.clone(),
            engine: Arc::clone(&self.engine),
        }
    }
}

/// The API over the web: a token or a session is asked for.
pub fn router(state: State) -> Router {
    routes().layer(from_fn_with_state(state.clone(), caller::over_the_web)).with_state(state)
}

/// The API over the local socket: whoever can open it owns the data folder.
pub fn local_router(state: State) -> Router {
    routes().layer(from_fn_with_state(state.clone(), caller::over_the_socket)).with_state(state)
}

fn routes() -> Router<State> {
    Router::new()
        .route("/api/v1/health", get(health))
        .route("/api/v1/sources", get(sources::list))
        .route("/api/v1/sources/{id}", get(sources::one))
        .route("/api/v1/sources/{id}/ping", post(sources::ping))
        .route("/api/v1/sources/{id}/pause", post(sources::pause))
        .route("/api/v1/sources/{id}/resume", post(sources::resume))
        .route("/api/v1/sign-in-links", post(links::make))
        .route("/api/v1/sources/{id}/convert", post(sources::begin_conversion))
        .route("/api/v1/sources/{id}/conversion", get(sources::show_conversion))
        .route("/api/v1/sources/{id}/conversion/cancel", post(sources::cancel_conversion))
        .route("/api/v1/outbounds", get(outbounds::list))
        .route("/api/v1/outbounds/{id}/ping", post(outbounds::ping))
        .route("/api/v1/outbounds/{id}/pause", post(outbounds::pause))
        .route("/api/v1/outbounds/{id}/resume", post(outbounds::resume))
        .route("/api/v1/applications", get(applications::list))
        .route("/api/v1/applications/{id}/check", post(applications::check))
        .route("/api/v1/outbounds/{id}/convert", post(outbounds::convert))
        .route("/api/v1/jira", get(jira::list))
        .route("/api/v1/jira/{id}/ping", post(jira::ping))
        .route("/api/v1/jira/{id}/pause", post(jira::pause))
        .route("/api/v1/jira/{id}/resume", post(jira::resume))
        .route("/api/v1/notices", get(notices::list))
        .route("/api/v1/notices/seen", post(notices::seen))
        .route("/api/v1/notices/channels", get(notices::channels))
        .route("/api/v1/notices/channels/{id}/test", post(notices::test))
        .route("/api/v1/messages", get(messages::list))
        .route("/api/v1/messages/export", get(messages::export))
        .route("/api/v1/messages/{id}", get(messages::one))
        .route("/api/v1/messages/{id}/source", get(messages::source))
        .route("/api/v1/messages/{id}/retry", post(messages::retry))
        .route("/api/v1/messages/{id}/discard", post(messages::discard))
        .route("/api/v1/erasures", get(erasures::list).post(erasures::begin))
        .route("/api/v1/erasures/{id}", get(erasures::one))
        .route("/api/v1/erasures/{id}/confirm", post(erasures::confirm))
        .route("/api/v1/erasures/{id}/give-up", post(erasures::give_up))
        .route("/api/v1/{*rest}", any(|| async { Refused::nothing_here() }))
}

async fn health(Shared(state): Shared<State>) -> Json<Health> {
    let reasons = match state.connections.db.schema_found().await {
        Ok(_) => Vec::new(),
        Err(error) => vec![format!("database: {error}")],
    };
    Json(Health { version: env!("CARGO_PKG_VERSION").to_owned(), ready: reasons.is_empty(), reasons })
}
