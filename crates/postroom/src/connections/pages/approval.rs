//! An administrator's approval: who waits for it, and the page that the administrator ends on.

use askama::Template;

use crate::connections::consent::words::Words;
use crate::web::Frame;
use crate::web::components::Action;
use crate::web::times::Moment;

/// Somebody waits.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/approval.html")]
pub struct ApprovalPage {
    /// The frame.
    pub frame: Frame,
    /// The list that it belongs to: address and name.
    pub list: (&'static str, &'static str),
    /// Microsoft's code.
    pub code: String,
    /// Whether it is approved, as far as is known.
    pub approved: bool,
    /// Whether it was given up because the sign-in that it was watched with has ended.
    pub sign_in_ended: bool,
    /// Whether the wait is over.
    pub is_over: bool,
    /// Since when.
    pub since: Moment,
    /// When Microsoft was asked last.
    pub watched: Option<Moment>,
    /// When Microsoft is asked next.
    pub next_look: Option<Moment>,
    /// When an administrator came back from the link.
    pub returned: Option<Moment>,
    /// What is asked for, in words.
    pub asked: Vec<String>,
    /// The portal's page of requests that wait.
    pub requests: String,
    /// The mail, as an address.
    pub mailto: String,
    /// What is said.
    pub said: Words,
    /// The consent link.
    pub link: String,
    /// Where it goes on.
    pub next: Option<Action>,
    /// Signs in again.
    pub again: Option<Action>,
    /// Stops waiting.
    pub give_up: Option<Action>,
}

impl ApprovalPage {
    fn copy(label: &str, text: &str) -> Action {
        Action::copy(label, text)
    }

    fn leave(label: &str, to: &str) -> Action {
        Action::leave(label, to)
    }
}

/// An administrator came back.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/approved.html")]
pub struct ApprovedPage {
    /// The frame.
    pub frame: Frame,
    /// Whether the return says so.
    pub good: bool,
    /// How many wait for it.
    pub waiting: i64,
    /// What Microsoft says against it.
    pub said: String,
    /// The Enterprise Application's page.
    pub enterprise: Option<Action>,
}
