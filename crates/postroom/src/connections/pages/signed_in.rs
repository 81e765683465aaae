//! Back from Microsoft: signed in, signed in as somebody else, or not.

use askama::Template;

use crate::connections::enterprise::EnterpriseView;
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
    /// Which part of Postroom will not work.
    pub lost: Vec<String>,
    /// Whose consent covers it, where that is known.
    pub consent: &'static str,
    /// What Postroom is in the tenant.
    pub enterprise: Option<EnterpriseView>,
    /// What puts another account in its place.
    pub links: Vec<Action>,
    /// Where it goes on: to the source's form, or back.
    pub next: Action,
}

/// Somebody else than before signed in.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/swap.html")]
pub struct SwapPage {
    /// The frame.
    pub frame: Frame,
    /// The account until now.
    pub before: String,
    /// Who signed in.
    pub now: String,
    /// How many sources are read with the account.
    pub sources: usize,
    /// Signs in as before.
    pub stay: Action,
    /// Confirms the other one.
    pub replace: Action,
}

/// Not signed in.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/sign_in_failed.html")]
pub struct SignInFailedPage {
    /// The frame.
    pub frame: Frame,
    /// Why, and what mends it.
    pub fault: FaultView,
    /// Whether the page leads back to the list.
    pub to_sources: bool,
}
