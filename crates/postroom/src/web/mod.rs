//! The console's outside: router, middleware, layout, pieces of pages, errors, assets and live updates.
//!
//! Begin with [`router`]: features hand in their routers, it puts around them what all share. [`Shell`] is the state that
//! every page needs; [`page()`] renders one; [`Problem`] is what a handler returns instead. [`components`] and [`form`] are
//! the pieces, [`times`] the words for time, [`live`] the stream of topics. Who may do what is in [`crate::access`]: a
//! handler receives a `Viewer`, `Admin` or `Owner`, or does not run.
//!
//! A feature's router keeps its own state and implements `FromRef<ItsState> for Shell`:
//!
//! ```ignore
//! async fn show(viewer: Viewer, State(shell): State<Shell>) -> Result<Response, Problem> {
//!     let frame = viewer.frame(Section::Sources, "Message Sources").live("sources");
//!     web::page(&SourcesPage { frame, … })
//! }
//! ```

pub mod assets;
pub mod chart;
pub mod components;
pub mod form;
mod frame;
mod health;
pub mod live;
pub(crate) mod middleware;
pub mod overview;
mod page;
mod problem;
mod shell;
mod states;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod times;
pub mod tree;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

pub use frame::{Flash, Frame, Piece, Section, THEME_COOKIE, Theme};
pub use health::Readiness;
pub use middleware::{Client, Peer, RequestId};
pub use page::{Leave, ProblemPage, file, mail_frame, page, page_leading_to};
pub use problem::Problem;
pub use shell::Shell;

use crate::access::{self, Viewer};

/// The whole console: what features hand in, and around it what all share.
pub fn router(shell: &Shell, features: Vec<Router>) -> Router {
    router_with(shell, features, Vec::new())
}

/// The same with routes for machines (the API of the command line, webhooks), which know no sessions, no CSRF tokens and
/// no pages: who calls them is theirs to prove.
pub fn router_with(shell: &Shell, features: Vec<Router>, machines: Vec<Router>) -> Router {
    let own = Router::new().route("/live", get(live_stream)).route("/metrics", get(health::metrics));
    let mut pages = own.with_state(shell.clone()).merge(access::routes(shell.clone()));
    for feature in features {
        pages = pages.merge(feature);
    }
    let pages = middleware::around_pages(pages, shell);
    let mut all = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/assets/{file}", get(assets::serve))
        .with_state(shell.clone());
    for machine in machines {
        all = all.merge(machine);
    }
    middleware::around_all(all.merge(pages), shell)
}

async fn live_stream(viewer: Viewer, State(shell): State<Shell>) -> Response {
    live::stream(&shell.bus, &viewer).into_response()
}
