//! A Message Source or a Message Outbound over EWS: what it needs before the page where it is made.

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
    /// The list that it belongs to: address and name.
    pub list: (&'static str, &'static str),
    /// Where it is posted to.
    pub action: String,
    /// Until when EWS works, and where.
    pub warning: &'static str,
    /// What happens, and does not happen, after it.
    pub then: &'static str,
    /// Why it does not go on, and what mends it.
    pub fault: Option<FaultView>,
    /// `account`, `ews_url`.
    pub fields: Fields,
}
