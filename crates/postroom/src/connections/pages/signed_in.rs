//! Back from Microsoft: signed in, signed in as somebody else, or not.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::connections::enterprise::EnterpriseView;
use crate::connections::store::uses::Uses;
use crate::web::Frame;
use crate::web::components::{Action, FaultView};

/// Who is signed in, what was granted and what not: on the account's page, and on the form that a sign-in goes on to.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/granted.html")]
pub struct GrantedView {
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
}

impl HtmlSafe for GrantedView {}

/// Signed in.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/signed_in.html")]
pub struct SignedInPage {
    /// The frame.
    pub frame: Frame,
    /// Who it is, and what was granted.
    pub granted: GrantedView,
    /// What puts another account in its place.
    pub links: Vec<Action>,
    /// The list in which it stands, and its name.
    pub list: (&'static str, &'static str),
    /// Where it goes on: to the form of what it is for, and back to what uses it.
    pub next: Vec<Action>,
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
    /// What the account is used for.
    pub uses: Uses,
    /// The list in which that stands.
    pub list: &'static str,
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
