//! Application permission: the form that connects, and the account's page.

use askama::Template;

use crate::web::Frame;
use crate::web::components::{Action, PingView};
use crate::web::form::Fields;
use crate::web::times::Moment;

/// The form.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/application_form.html")]
pub struct ApplicationFormPage {
    /// The frame.
    pub frame: Frame,
    /// The list that it will stand in, and its name.
    pub list: (&'static str, &'static str),
    /// `outbound` where it is to send.
    pub purpose: &'static str,
    /// The fields.
    pub fields: Fields,
}

/// The account's page.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/application.html")]
pub struct ApplicationPage {
    /// The frame.
    pub frame: Frame,
    /// The list that it stands in, and its name.
    pub list: (&'static str, &'static str),
    /// The tenant's id.
    pub tenant: String,
    /// The client id.
    pub client_id: String,
    /// The mailboxes inside the fence.
    pub mailboxes: Vec<String>,
    /// The one outside; empty where none is named.
    pub control: String,
    /// What is said about the fence.
    pub said: &'static str,
    /// Whether it is proven.
    pub good: bool,
    /// When it was checked.
    pub checked: Option<Moment>,
    /// Until when that may be an old answer.
    pub cached_until: Option<Moment>,
    /// What the last check found.
    pub ping: Option<PingView>,
    /// How it is fenced.
    pub set_up: Action,
    /// Where it goes on.
    pub next: Vec<Action>,
    /// Changes the mailboxes.
    pub fields: Option<Fields>,
    /// Where the fields are posted to.
    pub action: String,
}
