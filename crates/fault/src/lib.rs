//! The catalogue of faults: one place that turns what another system answered into what happened, who must act and what
//! to do about it.
//!
//! Begin with [`Fault`]: every error that leaves `microsoft`, `jira` or the program's own checks is one. It points to an
//! [`Entry`] of the catalogue (stable id, cause, class, who, mend, link) and carries what this occurrence adds: the code as
//! the other side wrote it, a detail for people who dig, ids for support, and when to try again.

mod entra;
mod ews;
mod graph;
mod jira;
mod make;
mod network;
mod own;
mod scrub;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use make::{EntraError, EwsAnswer, GraphAnswer, JiraAnswer, Network, NetworkKind};
pub use scrub::scrub;

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
    /// What happened, as a sentence without codes.
    pub cause: &'static str,
    /// The class.
    pub class: Class,
    /// Who must act.
    pub who: Who,
    /// What they do, as an imperative sentence.
    pub mend: &'static str,
    /// Where to read on or to do it, where there is such a place.
    pub link: Option<&'static str>,
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
}

/// When the same is worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// By itself, with back-off; after this time if the other side named one.
    Soon(Option<Duration>),
    /// By itself, but rarely: a person must act, and may have.
    Slowly,
    /// Never: the same would fail again.
    Never,
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
        }
    }

    /// One of Postroom's own, by its entry's id. An id that the catalogue does not have becomes `own.configuration`.
    pub fn own(id: &str, detail: &str) -> Self {
        let mut fault = Self::of(entry(id).unwrap_or(&own::CONFIGURATION));
        fault.detail = scrub(detail);
        fault
    }

    /// What happened, who must act, and what to do, in sentences.
    pub fn sentence(&self) -> String {
        let code = if self.code.is_empty() { String::new() } else { format!(" ({})", self.code) };
        match self.entry.who {
            Who::Nobody => format!("{}{code}. {}", self.entry.cause, self.entry.mend),
            who => format!("{}{code}. For {}: {}", self.entry.cause, who.named(), self.entry.mend),
        }
    }

    /// When the same is worth another try.
    pub fn retries(&self) -> Retry {
        match self.entry.class {
            Class::Transient => Retry::Soon(self.retry_after),
            Class::SignIn | Class::Administrator | Class::Configuration => Retry::Slowly,
            Class::Poison => Retry::Never,
        }
    }

    /// For storing.
    pub fn to_record(&self) -> Record {
        Record {
            entry: self.entry.id.to_owned(),
            code: self.code.clone(),
            detail: self.detail.clone(),
            status: self.status,
            ids: (*self.ids).clone(),
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
