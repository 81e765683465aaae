//! The pages of outbounds.

use askama::Template;

use crate::connections::pages::{Expiry, GrantedView, Setting, SourceRow};
use crate::web::Frame;
use crate::web::components::{Action, Empty, FaultView, Health, PingView, Timeline};
use crate::web::form::Fields;
use crate::web::times::Moment;

/// Message Outbounds. A row is one of the list of sources: its folder is the name beside the address.
#[derive(Clone, Debug, Template)]
#[template(path = "outbounds/list.html")]
pub(super) struct OutboundsPage {
    /// The frame.
    pub(super) frame: Frame,
    /// The outbounds.
    pub(super) rows: Vec<SourceRow>,
    /// What an empty list says.
    pub(super) empty: Empty,
}

/// One outbound.
#[derive(Clone, Debug, Template)]
#[template(path = "outbounds/one.html")]
pub(super) struct OutboundPage {
    /// The frame: title is the mailbox's address.
    pub(super) frame: Frame,
    /// Its health.
    pub(super) health: Health,
    /// Since when.
    pub(super) since: Moment,
    /// What is wrong, what comes first first.
    pub(super) faults: Vec<FaultView>,
    /// The result of a ping.
    pub(super) ping: Option<PingView>,
    /// The last mail that was sent.
    pub(super) last_sent: Option<Moment>,
    /// The last time that it worked.
    pub(super) last_success: Option<Moment>,
    /// What it is tried again with, while it does not work.
    pub(super) next_try: Option<String>,
    /// What happened.
    pub(super) timeline: Timeline,
    /// What will end.
    pub(super) expires: Vec<Expiry>,
    /// Settings.
    pub(super) settings: Vec<Setting>,
    /// Where they are changed.
    pub(super) edit: Option<Action>,
    /// What takes something away.
    pub(super) dangers: Vec<Action>,
}

/// A new outbound, or another name for one.
#[derive(Clone, Debug, Template)]
#[template(path = "outbounds/form.html")]
pub(super) struct OutboundForm {
    /// The frame.
    pub(super) frame: Frame,
    /// Until when EWS works, where it is over that.
    pub(super) warning: Option<&'static str>,
    /// Where it is posted to.
    pub(super) action: String,
    /// Whom Postroom is signed in as.
    pub(super) account: String,
    /// What was granted to them: said where a sign-in goes on to.
    pub(super) granted: Option<GrantedView>,
    /// `mailbox`, `from_name`.
    pub(super) fields: Fields,
    /// What the button says.
    pub(super) button: &'static str,
}
