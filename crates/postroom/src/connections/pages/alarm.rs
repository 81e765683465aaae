//! The alarm of a source that falls silent.

use askama::Template;

use crate::web::Frame;
use crate::web::form::Fields;

/// The form.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/alarm.html")]
pub struct AlarmPage {
    /// The frame.
    pub frame: Frame,
    /// The source's id.
    pub id: String,
    /// Its mailbox.
    pub mailbox: String,
    /// `hours`, `days`, `begins`, `ends`, `zone`.
    pub fields: Fields,
}
