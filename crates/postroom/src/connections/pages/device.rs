//! A code that is entered on another machine.

use askama::Template;

use crate::web::Frame;
use crate::web::components::{Action, FaultView};
use crate::web::times::Moment;

/// The page.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/device.html")]
pub struct DevicePage {
    /// The frame.
    pub frame: Frame,
    /// The list that it belongs to, and its name.
    pub list: (&'static str, &'static str),
    /// Whether it waits.
    pub waits: bool,
    /// Where the code is entered.
    pub address: String,
    /// The code.
    pub code: String,
    /// Copies it.
    pub copy: Action,
    /// Opens Microsoft's page.
    pub open: Action,
    /// Its end.
    pub until: Moment,
    /// Why it failed.
    pub fault: Option<FaultView>,
    /// The page of the wait for an administrator that it came to.
    pub approval: Option<Action>,
    /// Who signed in; empty before.
    pub username: String,
    /// Where it goes on.
    pub next: Option<Action>,
    /// Begins again.
    pub again: Option<Action>,
}
