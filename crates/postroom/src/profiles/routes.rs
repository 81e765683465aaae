//! The addresses of profiles.

use axum::Router;
use axum::routing::{get, post};

use super::{edit, list};
use crate::messages::routes::State;

/// The routes. They need what the pages of messages need: a past mail is read beside the rules.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/profiles", get(list::show))
        .route("/profiles/new", get(edit::new).post(edit::add))
        .route("/profiles/{id}", get(edit::show).post(edit::change))
        .route("/profiles/{id}/back", post(edit::back))
        .route("/profiles/{id}/remove", post(list::remove))
        .with_state(state)
}
