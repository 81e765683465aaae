//! The catalogue of faults: one place that turns what another system answered into what happened, who must act and what
//! to do about it.
//!
//! Begin with [`Fault`]: every error that leaves `microsoft`, `jira` or the program's own checks is one. It points to an
//! [`Entry`] of the catalogue (stable id, cause, class, who, mend, link) and carries what this occurrence adds: the code as
//! the other side wrote it, a detail for people who dig, ids for support, and when to try again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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
    pub ids: Ids,
}
