//! The buttons that mend a fault of a source or an outbound: first the one thing to do, then what else helps. What is mended outside of
//! Postroom (the portal's page, the command) stands beside them.

use fault::{Class, Fault, Here, Retry};
use uuid::Uuid;

use super::connection_type::ConnectionType;
use super::goal::Way;
use super::health;
use super::store::outbounds::Outbound;
use super::store::sources::Source;
use crate::access::Viewer;
use crate::web::components::{Action, Icon};

/// A connection whose fault is to be mended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mended<'a> {
    /// Its row.
    id: Uuid,
    is_outbound: bool,
    account: Uuid,
    registration: Uuid,
    over: ConnectionType,
    /// The address of an Exchange server of its own, or empty.
    ews_url: &'a str,
}

impl<'a> From<&'a Source> for Mended<'a> {
    fn from(source: &'a Source) -> Self {
        Self {
            id: source.id,
            is_outbound: false,
            account: source.account_id,
            registration: source.app_registration_id,
            over: ConnectionType::of_word(&source.connection_type),
            ews_url: &source.ews_url,
        }
    }
}

impl<'a> From<&'a Outbound> for Mended<'a> {
    fn from(outbound: &'a Outbound) -> Self {
        Self {
            id: outbound.id,
            is_outbound: true,
            account: outbound.account_id,
            registration: outbound.app_registration_id,
            over: ConnectionType::of_word(&outbound.connection_type),
            ews_url: &outbound.ews_url,
        }
    }
}

impl Mended<'_> {
    fn list(&self) -> &'static str {
        if self.is_outbound { "/outbounds" } else { "/sources" }
    }

    /// Where something is done to it.
    fn at(&self, what: &str) -> String {
        format!("{}/{}/{what}", self.list(), self.id)
    }

    /// The page of Postroom on which an entry of the catalogue is mended.
    fn here(&self, here: Here) -> Option<Action> {
        match here {
            // An address of its own stays with the connection as long as that is there.
            Here::EwsAddress if !self.ews_url.is_empty() => Some(Action::go(
                "Create it again over EWS",
                format!("{}/create-ews?account={}", self.list(), self.account),
            )),
            Here::Registration | Here::EwsAddress => {
                let page = format!("/registrations/{}", self.registration);
                Some(Action::go("Its app registration", page).with_icon(Icon::Settings))
            }
            Here::AnotherFolder if self.is_outbound => None,
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
}

/// The buttons that mend a fault of signing in or of the mailbox; none for one that passes by itself.
pub(super) fn buttons<'a>(viewer: &Viewer, of: impl Into<Mended<'a>>, fault: &Fault) -> Vec<Action> {
    let of = of.into();
    let try_now = || viewer.post("Try now", of.at("try-now")).with_icon(Icon::Retry);
    let sign_in = || viewer.post("Sign in again", of.at("sign-in")).primary();
    if matches!(fault.entry.id, "ews.disabled" | "ews.not_allowed") {
        return vec![viewer.post("Move to Graph", of.at("convert")).primary(), try_now()];
    }
    if health::needs_approval(fault) {
        // Its page has the link for the administrator, and Microsoft is asked once a minute from then on.
        let word = if of.is_outbound { "outbound" } else { "source" };
        return vec![
            viewer
                .post("Ask the administrator", format!("/accounts/{}/wait", of.account))
                .field(word, of.id.to_string()),
        ];
    }
    let here = fault.entry.here.and_then(|here| of.here(here));
    match fault.entry.class {
        // Whatever it is, nothing is asked for before somebody has signed in.
        _ if fault.retry() == Retry::AfterSignIn => std::iter::once(sign_in()).chain(here).collect(),
        // An administrator may have cleared it, and then nobody has to sign in.
        Class::SignIn => std::iter::once(sign_in()).chain(here).chain([try_now()]).collect(),
        Class::Administrator | Class::Configuration => here.into_iter().chain([try_now()]).collect(),
        Class::Transient | Class::Poison => Vec::new(),
    }
}
