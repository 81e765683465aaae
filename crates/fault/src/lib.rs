//! The catalogue of faults: one place that turns what another system answered into what happened, who must act and what
//! to do about it.
//!
//! Begin with [`Fault`]: every error that leaves `microsoft`, `jira` or the program's own checks is one. It points to an
//! [`Entry`] of the catalogue (stable id, cause, class, who, mend, link) and carries what this occurrence adds: the code as
//! the other side wrote it, a detail for people who dig, ids for support, the [`Place`] where it happened, and when to try again. [`Fault::pause`] is the
//! retry policy. The catalogue's pages are `entra/`, `graph.rs`, `ews.rs`, `jira.rs`, `network.rs` and `own.rs`; `docs/faults.md`
//! is written from them.

mod cloud;
mod entra;
mod ews;
mod graph;
mod here;
mod jira;
mod make;
mod network;
mod own;
mod page;
mod place;
mod retry;
mod scrub;
mod unknown;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use cloud::Cloud;
pub use here::Here;
pub use make::{
    EntraError, Evidence, EwsAnswer, GraphAnswer, JiraAnswer, Network, NetworkKind, looks_like_a_page,
};
pub use network::{Failure, innermost_io};
pub use page::{Page, PageLink};
pub use place::Place;
pub use retry::{Pause, Retry};
pub use scrub::scrub;
pub use unknown::on_unknown;

/// What kind of fault it is, and so how the program goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Passes by itself; tried again with back-off.
    Transient,
    /// The account's owner signs in again.
    SignIn,
    /// An administrator of the other side acts (tenant or Jira); tried again slowly.
    Administrator,
    /// Our own settings or the app registration are wrong.
    Configuration,
    /// This one item is at fault; it is set aside and the queue moves on.
    Poison,
}

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Nobody: Postroom tries again by itself.
    Nobody,
    /// The person who signed the mailbox in.
    MailboxOwner,
    /// The administrator of the Microsoft tenant.
    EntraAdministrator,
    /// The administrator of the Jira site.
    JiraAdministrator,
    /// Whoever runs Postroom.
    Operator,
}

/// An entry of the catalogue; the same for every occurrence.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Stable identifier, for example `entra.grant_revoked`.
    pub id: &'static str,
    /// The AADSTS numbers that lead here.
    pub numbers: &'static [u32],
    /// The Graph error codes and EWS response codes that lead here.
    pub codes: &'static [&'static str],
    /// What happened, as a sentence without codes; it serves as the title too.
    pub cause: &'static str,
    /// The class.
    pub class: Class,
    /// Who must act.
    pub who: Who,
    /// How it is tried again; [`Retry::AfterSignIn`] where it does not clear without a new sign-in.
    pub retry: Retry,
    /// What they do, as an imperative sentence.
    pub mend: &'static str,
    /// Where to read on, where there is such a place.
    pub link: Option<&'static str>,
    /// The page of Postroom on which it is mended.
    pub here: Option<Here>,
    /// The portal's page on which it is mended.
    pub page: Option<Page>,
    /// The command that mends or examines it (Exchange Online PowerShell). `MAILBOX`, `ACCOUNT`, `CLIENT_ID` and other capitals
    /// are to be replaced.
    pub command: Option<&'static str>,
    /// The same where a person is signed in and not the application itself, if that takes another.
    pub command_of_person: Option<&'static str>,
}

impl Entry {
    /// What most entries leave out.
    pub(crate) const BLANK: Self = Self {
        id: "",
        numbers: &[],
        codes: &[],
        cause: "",
        class: Class::Transient,
        who: Who::Nobody,
        retry: Retry::Soon,
        mend: "",
        link: None,
        here: None,
        page: None,
        command: None,
        command_of_person: None,
    };

    /// Where more is said of it: its own page, or the reference of the system that told it. What goes wrong on the way has none before the
    /// other side is known: [`Fault::read_more`].
    pub fn read_more(&self) -> Option<&'static str> {
        let reference = || match self.id.split_once('.')?.0 {
            "entra" => Some("https://learn.microsoft.com/entra/identity-platform/reference-error-codes"),
            "graph" => Some("https://learn.microsoft.com/graph/errors"),
            "ews" => Some(
                "https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode",
            ),
            _ => None,
        };
        self.link.or_else(reference)
    }

    /// Whether it means that an administrator's consent is missing (`admin approval needed`).
    pub fn awaits_approval(&self) -> bool {
        matches!(
            self.id,
            "entra.consent_required"
                | "entra.consent_refused"
                | "entra.admin_approval"
                | "entra.admin_request"
                | "entra.admin_consent"
        )
    }

    /// Whether it means that the refresh token itself is worth nothing any more, whichever resource it was used for.
    pub fn ends_grant(&self) -> bool {
        matches!(
            self.id,
            "entra.grant_revoked"
                | "entra.grant_expired"
                | "entra.session_invalid"
                | "entra.spa_redirect"
                | "entra.device_deleted"
                | "entra.account_deleted"
        )
    }
}

/// Ids by which the other side's support finds the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    /// Entra `trace_id`, Graph `request-id`, Jira `Atl-Traceid`.
    pub trace: Option<String>,
    /// Entra `correlation_id`, or the `client-request-id` that we sent.
    pub correlation: Option<String>,
}

/// One occurrence of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The catalogue's entry.
    pub entry: &'static Entry,
    /// The code as the other side wrote it, for example `AADSTS50173`; empty where it gave none.
    pub code: String,
    /// What the other side said, shortened and free of secrets; for *Details*, never to branch on.
    pub detail: String,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// When to try again, where the other side said so.
    pub retry_after: Option<Duration>,
    /// Ids for support.
    pub ids: Box<Ids>,
    /// The code is not in the catalogue: the entry is the best guess by status and class.
    pub is_guess: bool,
    /// What only some faults carry.
    pub extra: Option<Box<Extra>>,
}

/// What only some faults carry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extra {
    /// AADSTS50173: when the sign-in was made, and from when on sign-ins hold.
    #[serde(default)]
    pub grant: Option<Grant>,
    /// JSON to be sent as `claims` with the next interactive sign-in.
    #[serde(default)]
    pub claims: Option<String>,
    /// Where the password is changed (https only).
    #[serde(default)]
    pub password_change_url: Option<String>,
    /// Where it happened, for what is mended in a portal or by a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// The two dates of a grant that was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// When the sign-in was made.
    pub issued: Timestamp,
    /// Microsoft's `TokensValidFrom`: what was signed in before is over.
    pub valid_from: Timestamp,
}

/// A fault as it is stored: the entry by its id, so that a newer catalogue tells it in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The entry's id.
    pub entry: String,
    /// As in [`Fault`].
    #[serde(default)]
    pub code: String,
    /// As in [`Fault`].
    #[serde(default)]
    pub detail: String,
    /// As in [`Fault`].
    #[serde(default)]
    pub status: Option<u16>,
    /// As in [`Fault`].
    #[serde(default)]
    pub ids: Ids,
    /// As in [`Fault`].
    #[serde(default)]
    pub is_guess: bool,
    /// As in [`Fault`].
    #[serde(default)]
    pub extra: Option<Extra>,
}

/// Every entry of the catalogue.
pub fn catalogue() -> impl Iterator<Item = &'static Entry> {
    [entra::ALL, graph::ALL, ews::ALL, jira::ALL, network::ALL, own::ALL].into_iter().flatten().copied()
}

/// The entry with this id.
pub fn entry(id: &str) -> Option<&'static Entry> {
    catalogue().find(|entry| entry.id == id)
}

impl Who {
    /// As a person is named in a sentence.
    pub fn named(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::MailboxOwner => "the owner of the mailbox",
            Self::EntraAdministrator => "the Microsoft 365 administrator",
            Self::JiraAdministrator => "the Jira administrator",
            Self::Operator => "whoever runs Postroom",
        }
    }
}

impl Fault {
    /// A fault with an entry of the catalogue and nothing else known.
    pub(crate) fn of(entry: &'static Entry) -> Self {
        Self {
            entry,
            code: String::new(),
            detail: String::new(),
            status: None,
            retry_after: None,
            ids: Box::default(),
            is_guess: false,
            extra: None,
        }
    }

    /// One of Postroom's own, by its entry's id. An id that the catalogue does not have becomes `own.configuration`.
    pub fn own(id: &str, detail: &str) -> Self {
        let mut fault = Self::of(entry(id).unwrap_or(&own::CONFIGURATION));
        fault.detail = scrub(detail);
        fault
    }

    /// Where more is said of it; of what goes wrong on the way, which addresses have to be let through. None where the other side is a
    /// server of one's own.
    pub fn read_more(&self) -> Option<&'static str> {
        let host = || self.detail.split_once(':').map_or(self.detail.as_str(), |(host, _)| host);
        // An answer in the other side's place is told of Microsoft's services alone; Jira's has entries of its own.
        let on_the_way = || match self.status {
            Some(_) if self.entry.id.starts_with("network.") => Some(network::ADDRESSES[0].1),
            _ => network::addresses_of(host()),
        };
        self.entry.read_more().or_else(on_the_way)
    }

    /// What happened, who must act, and what to do, in sentences.
    pub fn sentence(&self) -> String {
        let code = if self.code.is_empty() { String::new() } else { format!(" ({})", self.code) };
        let guess = if self.is_guess { "Postroom does not know this code and guesses: " } else { "" };
        let dates = self.dates().map(|dates| format!(" {dates}")).unwrap_or_default();
        let (cause, mend) = (self.entry.cause, self.entry.mend);
        match self.entry.who {
            Who::Nobody => format!("{guess}{cause}{code}.{dates} {mend}"),
            who => format!("{guess}{cause}{code}.{dates} For {}: {mend}", who.named()),
        }
    }

    /// Of a revoked grant: when it was made and when it was revoked, as a sentence.
    pub fn dates(&self) -> Option<String> {
        let grant = self.extra.as_ref()?.grant?;
        let told = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M UTC").to_string();
        Some(format!(
            "The sign-in was made on {}; on {} everything signed in before was ended.",
            told(grant.issued),
            told(grant.valid_from)
        ))
    }

    /// Whether a write that ended with this may have been done nevertheless: its answer was lost, or says nothing for certain.
    /// Whoever asks again looks first, or writes what may be written twice.
    pub fn leaves_doubt(&self) -> bool {
        let is = |entries: &[&Entry]| entries.iter().any(|entry| entry.id == self.entry.id);
        match self.status {
            // There was no answer, or none that can be read. What never got as far as the other side was not done.
            None => is(&[&network::TIMEOUT, &network::RESET, &network::BODY, &network::PORTAL]),
            // A time-out of the other side's own.
            Some(408) => true,
            Some(300..=499) => false,
            // It names what it refuses for, or asks for a pause before it has begun.
            Some(500..) => {
                let told = [
                    &graph::THROTTLED,
                    &graph::CONFLICT,
                    &graph::MAILBOX_STALE,
                    &graph::PLACE_FORGOTTEN,
                    &ews::CROWDED,
                    &ews::CHANGE_KEY,
                ];
                self.entry.class == Class::Transient && !is(&told)
            }
            // A code inside of a success: only those that tell of an end in the middle.
            Some(_) => is(&[&graph::UNAVAILABLE, &graph::UNKNOWN, &network::PORTAL]),
        }
    }

    /// As it was met by marking handled mail. Mail is marked where it lies: the folder that is missing is the one that it is moved to, and
    /// not the one that is read.
    #[must_use]
    pub fn of_marking(mut self) -> Self {
        if self.entry.id == graph::FOLDER_GONE.id {
            self.entry = &graph::HANDLED_FOLDER_GONE;
        }
        self
    }

    /// For storing.
    pub fn to_record(&self) -> Record {
        Record {
            entry: self.entry.id.to_owned(),
            code: self.code.clone(),
            detail: self.detail.clone(),
            status: self.status,
            ids: (*self.ids).clone(),
            is_guess: self.is_guess,
            extra: self.extra.as_deref().cloned(),
        }
    }

    /// From storage. An entry that this version does not know becomes `own.configuration`, with the id as its code.
    pub fn from_record(record: Record) -> Self {
        let known = entry(&record.entry);
        let code = if known.is_none() && record.code.is_empty() { record.entry } else { record.code };
        Self {
            entry: known.unwrap_or(&own::CONFIGURATION),
            code,
            detail: record.detail,
            status: record.status,
            retry_after: None,
            ids: Box::new(record.ids),
            is_guess: record.is_guess,
            extra: record.extra.map(Box::new),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry.cause)?;
        if !self.code.is_empty() {
            write!(f, " ({})", self.code)?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests;
