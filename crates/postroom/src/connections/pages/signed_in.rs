//! Back from Microsoft: signed in, or not.

use askama::Template;

use crate::web::Frame;
use crate::web::components::{Action, FaultView};

/// Signed in.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/signed_in.html")]
pub struct SignedInPage {
    /// The frame.
    pub frame: Frame,
    /// The account's address.
    pub username: String,
    /// How the person is called.
    pub display_name: String,
    /// The tenant: its name, domain or id.
    pub tenant: String,
    /// What it may do, in words, each a line.
    pub granted: Vec<String>,
    /// What was asked for and not granted.
    pub missing: Vec<String>,
    /// Where it goes on: to the source's form, or back.
    pub next: Action,
}

/// Not signed in.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/sign_in_failed.html")]
pub struct SignInFailedPage {
    /// The frame.
    pub frame: Frame,
    /// Why, and what mends it.
    pub fault: FaultView,
}
