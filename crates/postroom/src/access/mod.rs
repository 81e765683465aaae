//! Who may use the console: users, sign-in, sessions, roles and the audit log.
//!
//! Begin with [`roles`]: a handler that receives a [`Viewer`], an [`Admin`] or an [`Owner`] runs only for one; who forgets
//! to ask for it gets no person, no form token and no page frame. [`session`] keeps who is signed in, [`csrf`] what their
//! forms prove, [`throttle`] slows guessing down, [`link`] makes links that work once: the first owner's, printed when
//! Postroom starts ([`link::first_owner`]), and invitations. [`audit::record`] is called in the transaction of every
//! change.
//!
//! Actions, one file each: [`set_up`] (a one-time link becomes a user), [`new_password`] (one for who
//! forgot theirs), [`sign_in`], [`settings`].

pub mod audit;
pub(crate) mod csrf;
pub mod link;
mod new_password;
pub mod pages;
mod password;
pub mod roles;
pub(crate) mod session;
mod set_up;
mod settings;
mod sign_in;
#[cfg(test)]
mod tests;
mod throttle;
mod users;

use axum::Router;
use axum::routing::{get, post};

pub use audit::Actor;
pub(crate) use roles::SignedIn;
pub use roles::{Admin, Owner, Role, User, Viewer};
pub(crate) use set_up::bound;
pub use throttle::Throttle;

use crate::web::Shell;

/// The routes of this feature.
pub(crate) fn routes(shell: Shell) -> Router {
    Router::new()
        .route("/setup", get(set_up::show).post(set_up::submit))
        .route("/sign-in", get(sign_in::show).post(sign_in::submit))
        .route("/sign-out", post(sign_in::leave))
        .route("/settings", get(settings::show))
        .route("/settings/theme", post(settings::theme))
        .route("/settings/password", post(settings::password))
        .route("/settings/invite", post(settings::invite))
        .route("/settings/password-link", post(settings::password_link))
        .route("/new-password", get(new_password::show).post(new_password::submit))
        .route("/settings/audit", get(settings::audit))
        .with_state(shell)
}
