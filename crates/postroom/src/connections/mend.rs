//! What mends a source or an outbound, as buttons; and the line of a list that says its trouble. Both are mailboxes that an account
//! reaches, so what is wrong with signing in or with the mailbox is mended alike.

use fault::{Class, Fault, Here, Retry};
use uuid::Uuid;

use super::connection_type::ConnectionType;
use super::goal::Way;
use super::health::{self, Side, Trouble};
use super::pages::Said;
use super::store::outbounds::Outbound;
use super::store::sources::Source;
use crate::access::{Role, Viewer};
use crate::web::components::{Action, Icon, Tone, happened, ways};

/// A source or an outbound, as its buttons name it.
#[derive(Clone, Copy, Debug)]
pub struct Mailbox<'a> {
    /// Its list's address.
    list: &'static str,
    /// What it is, in a word.
    word: &'static str,
    id: Uuid,
    account: Uuid,
    registration: Uuid,
    over: ConnectionType,
    /// The address of an Exchange server of its own, or empty.
    ews_url: &'a str,
}

impl<'a> From<&'a Source> for Mailbox<'a> {
    fn from(source: &'a Source) -> Self {
        Self {
            list: "/sources",
            word: "source",
            id: source.id,
            account: source.account_id,
            registration: source.app_registration_id,
            over: ConnectionType::of_word(&source.connection_type),
            ews_url: &source.ews_url,
        }
    }
}

impl<'a> From<&'a Outbound> for Mailbox<'a> {
    fn from(outbound: &'a Outbound) -> Self {
        Self {
            list: "/outbounds",
            word: "outbound",
            id: outbound.id,
            account: outbound.account_id,
            registration: outbound.app_registration_id,
            over: ConnectionType::of_word(&outbound.connection_type),
            ews_url: &outbound.ews_url,
        }
    }
}

impl Mailbox<'_> {
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

    /// The page of Postroom on which an entry of the catalogue is mended.
    fn here(self, here: Here) -> Option<Action> {
        match here {
            // An address of its own stays with the connection as long as that is there.
            Here::EwsAddress if !self.ews_url.is_empty() => Some(Action::go(
                "Create it again over EWS",
                format!("{}/create-ews?account={}", self.list, self.account),
            )),
            Here::Registration | Here::EwsAddress => {
                let page = format!("/registrations/{}", self.registration);
                Some(Action::go("Its app registration", page).with_icon(Icon::Settings))
            }
            // They read nothing.
            Here::AnotherFolder | Here::HandledMail if self.list == "/outbounds" => None,
            Here::HandledMail => {
                let edit = format!("{}/{}/edit", self.list, self.id);
                Some(Action::go("Choose another folder", edit).with_icon(Icon::Settings))
            }
            Here::AnotherFolder => {
                let way = match self.over {
                    ConnectionType::Ews => Way::ews(self.ews_url),
                    ConnectionType::Graph => Way::graph(),
                };
                let form = format!("/sources/new?{}", way.query(self.account));
                Some(Action::go("A source for another folder", form).with_icon(Icon::Plus))
            }
        }
    }

    /// The buttons that mend a trouble of signing in, of the mailbox or of sending: first the one thing to do, then what else helps;
    /// none for one that passes by itself.
    pub fn mend(self, viewer: &Viewer, trouble: &Trouble) -> Vec<Action> {
        let fault = &trouble.fault;
        if is_mended_by_moving(fault) {
            return vec![self.to_graph(viewer).primary(), self.try_now(viewer)];
        }
        if health::needs_approval(fault) {
            // Its page has the link for the administrator, and Microsoft is asked once a minute from then on.
            let ask = viewer.post("Ask the administrator", format!("/accounts/{}/wait", self.account));
            return vec![ask.field(self.word, self.id.to_string())];
        }
        if trouble.at == Side::Sending {
            // Only a mail that goes shows that it is let.
            return vec![self.post(viewer, "Ping: sends you a test mail", "ping").with_icon(Icon::Ping)];
        }
        let sign_in = || self.post(viewer, "Sign in again", "sign-in").primary();
        let here = fault.entry.here.and_then(|here| self.here(here));
        match fault.entry.class {
            // Whatever it is, nothing is asked for before somebody has signed in.
            _ if fault.retry() == Retry::AfterSignIn => std::iter::once(sign_in()).chain(here).collect(),
            // An administrator may have cleared it, and then nobody has to sign in.
            Class::SignIn => std::iter::once(sign_in()).chain(here).chain([self.try_now(viewer)]).collect(),
            Class::Administrator | Class::Configuration => {
                here.into_iter().chain([self.try_now(viewer)]).collect()
            }
            Class::Transient | Class::Poison => Vec::new(),
        }
    }
}

/// Whether EWS is barred to a connection, so that a move to Graph mends it.
pub fn is_mended_by_moving(fault: &Fault) -> bool {
    matches!(fault.entry.id, "ews.disabled" | "ews.not_allowed")
}

/// The troubles of a connection, each with the buttons that `mend` has for it, if whoever looks may press them. A page offers the move to
/// Graph once: with the first trouble that it mends, and with none where `graph_is_offered` elsewhere.
pub fn with_mends<'a>(
    viewer: &Viewer,
    troubles: &'a [Trouble],
    mut graph_is_offered: bool,
    mend: impl Fn(&Trouble) -> Vec<Action>,
) -> impl Iterator<Item = (&'a Trouble, Vec<Action>)> {
    let admin = viewer.may(Role::Admin);
    troubles.iter().map(move |trouble| {
        let moves = is_mended_by_moving(&trouble.fault);
        let is_elsewhere = moves && graph_is_offered;
        graph_is_offered |= moves;
        (trouble, if admin && !is_elsewhere { mend(trouble) } else { Vec::new() })
    })
}

/// The line that a list shows of a trouble; `more` is said at its end.
pub fn said(viewer: &Viewer, trouble: &Trouble, more: &str, mends: Vec<Action>) -> Said {
    let fault = &trouble.fault;
    let passes = fault.entry.class == Class::Transient;
    let mend = if passes { "" } else { fault.entry.mend };
    let happened = happened(fault);
    let text = [happened.as_str(), mend, more].into_iter().filter(|part| !part.is_empty());
    let mut mends = mends.into_iter();
    Said {
        tone: if passes { Tone::Warn } else { Tone::Bad },
        since: Some(viewer.times().on(trouble.since)),
        text: text.collect::<Vec<_>>().join(" "),
        code: fault.code.clone(),
        action: mends.next(),
        ways: mends.chain(ways(fault)).collect(),
    }
}
