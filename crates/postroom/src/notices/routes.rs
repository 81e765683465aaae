//! The addresses of notices.

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};

use super::send::Sender;
use super::{settings, show};
use crate::web::Shell;

/// What the pages of notices need.
#[derive(Clone, Debug)]
pub struct State {
    /// The console.
    pub shell: Shell,
    /// Tries channels out.
    pub sender: Sender,
}

impl FromRef<State> for Shell {
    fn from_ref(state: &State) -> Self {
        state.shell.clone()
    }
}

/// The routes.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/notices", get(show::show))
        .route("/notices/seen", post(show::seen))
        .route("/notices/channels/new", get(settings::new).post(settings::add))
        .route("/notices/channels/{id}/test", post(settings::test))
        .route("/notices/channels/{id}/pause", post(settings::pause))
        .route("/notices/channels/{id}/resume", post(settings::resume))
        .route("/notices/channels/{id}/remove", post(settings::remove))
        .with_state(state)
}
