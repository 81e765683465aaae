//! A Message Source over EWS: what it needs before the page that confirms.

use askama::Template;

use crate::web::Frame;
use crate::web::components::FaultView;
use crate::web::form::Fields;

/// The form.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/create_ews.html")]
pub struct CreateEwsPage {
    /// The frame.
    pub frame: Frame,
    /// Until when EWS works, and where.
    pub warning: &'static str,
    /// Why it does not go on, and what mends it.
    pub fault: Option<FaultView>,
    /// `account`, `ews_url`.
    pub fields: Fields,
    /// Whether nobody is signed in yet.
    pub nobody: bool,
}
