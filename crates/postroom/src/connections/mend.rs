//! What mends a source or an outbound, as buttons; and the line of a list that says its trouble. Both are mailboxes that an account
//! reaches, so what is wrong with signing in or with the mailbox is mended alike.

use fault::{Class, Fault, Retry};
use uuid::Uuid;

use super::health::{self, Side, Trouble};
use super::pages::Said;
use super::store::outbounds::Outbound;
use super::store::sources::Source;
use crate::access::{Role, Viewer};
use crate::web::components::{Action, Icon, Tone, happened, ways};

/// A source or an outbound, as its buttons name it.
#[derive(Clone, Copy, Debug)]
pub struct Mailbox {
    /// Its list's address.
    list: &'static str,
    /// What it is, in a word.
    word: &'static str,
    id: Uuid,
    account: Uuid,
}

impl From<&Source> for Mailbox {
    fn from(source: &Source) -> Self {
        Self { list: "/sources", word: "source", id: source.id, account: source.account_id }
    }
}

impl From<&Outbound> for Mailbox {
    fn from(outbound: &Outbound) -> Self {
        Self { list: "/outbounds", word: "outbound", id: outbound.id, account: outbound.account_id }
    }
}

impl Mailbox {
    fn post(self, viewer: &Viewer, label: &str, what: &str) -> Action {
        viewer.post(label, format!("{}/{}/{what}", self.list, self.id))
    }

    /// The button that moves it from EWS to Graph.
    pub fn to_graph(self, viewer: &Viewer) -> Action {
        self.post(viewer, "Move to Graph", "convert")
    }

    /// The button that tries it at once.
    pub fn try_now(self, viewer: &Viewer) -> Action {
        self.post(viewer, "Try now", "try-now").with_icon(Icon::Retry)
    }

    /// The button that pauses it, or has it go on.
    pub fn pause(self, viewer: &Viewer, is_paused: bool) -> Action {
        if is_paused {
            self.post(viewer, "Resume", "resume").with_icon(Icon::Play)
        } else {
            self.post(viewer, "Pause", "pause").with_icon(Icon::Paused)
        }
    }

    /// The button of a row that signs in again.
    pub fn validate(self, viewer: &Viewer) -> Action {
        self.post(viewer, "Validate: sign in again", "sign-in").icon_only(Icon::Validate)
    }

    /// The button that mends a trouble of signing in, of the mailbox or of sending.
    pub fn mend(self, viewer: &Viewer, trouble: &Trouble) -> Option<Action> {
        let fault = &trouble.fault;
        if is_mended_by_moving(fault) {
            return Some(self.to_graph(viewer).primary());
        }
        if health::needs_approval(fault) {
            // Its page has the link for the administrator, and Microsoft is asked once a minute from then on.
            let ask = viewer.post("Ask the administrator", format!("/accounts/{}/wait", self.account));
            return Some(ask.field(self.word, self.id.to_string()));
        }
        if trouble.at == Side::Sending {
            // Only a mail that goes shows that it is let.
            return Some(self.post(viewer, "Ping: sends you a test mail", "ping").with_icon(Icon::Ping));
        }
        let sign_in = || Some(self.post(viewer, "Sign in again", "sign-in").primary());
        match fault.entry.class {
            // Whatever it is, nothing is asked for before somebody has signed in.
            _ if fault.retry() == Retry::AfterSignIn => sign_in(),
            Class::SignIn => sign_in(),
            Class::Administrator | Class::Configuration => Some(self.try_now(viewer)),
            Class::Transient | Class::Poison => None,
        }
    }
}

/// Whether EWS is barred to a connection, so that a move to Graph mends it.
pub fn is_mended_by_moving(fault: &Fault) -> bool {
    matches!(fault.entry.id, "ews.disabled" | "ews.not_allowed")
}

/// The troubles of a connection, each with the button that `mend` has for it, if whoever looks may press it. A page offers the move to
/// Graph once: with the first trouble that it mends, and with none where `graph_is_offered` elsewhere.
pub fn with_mends<'a>(
    viewer: &Viewer,
    troubles: &'a [Trouble],
    mut graph_is_offered: bool,
    mend: impl Fn(&Trouble) -> Option<Action>,
) -> impl Iterator<Item = (&'a Trouble, Option<Action>)> {
    let admin = viewer.may(Role::Admin);
    troubles.iter().map(move |trouble| {
        let moves = is_mended_by_moving(&trouble.fault);
        let is_elsewhere = moves && graph_is_offered;
        graph_is_offered |= moves;
        (trouble, if admin && !is_elsewhere { mend(trouble) } else { None })
    })
}

/// The line that a list shows of a trouble; `more` is said at its end.
pub fn said(viewer: &Viewer, trouble: &Trouble, more: &str, action: Option<Action>) -> Said {
    let fault = &trouble.fault;
    let passes = fault.entry.class == Class::Transient;
    let mend = if passes { "" } else { fault.entry.mend };
    let happened = happened(fault);
    let text = [happened.as_str(), mend, more].into_iter().filter(|part| !part.is_empty());
    Said {
        tone: if passes { Tone::Warn } else { Tone::Bad },
        since: Some(viewer.times().on(trouble.since)),
        text: text.collect::<Vec<_>>().join(" "),
        code: fault.code.clone(),
        action,
        ways: ways(fault),
    }
}
