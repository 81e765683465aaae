//! What deciding may know about the world, as a snapshot that is recorded with the plan.

use serde::{Deserialize, Serialize};

/// The facts a plan rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Where new issues of this source go.
    pub destination: Destination,
    /// The mails among In-Reply-To and References that the ledger knows, nearest first.
    pub parents: Vec<Parent>,
    /// The largest file that Jira takes, in bytes, where it is known.
    pub upload_limit: Option<u64>,
    /// Whether the body is longer than Jira takes (so that the whole is attached beside the cut text).
    pub body_is_cut: bool,
}

/// Project and type of new issues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// For example `SUP`.
    pub project_key: String,
    /// Jira's id of the issue type.
    pub issue_type_id: String,
    /// Its name, for the trace.
    pub issue_type_name: String,
}

/// A mail that this one refers to and that the ledger knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// What became of it.
    pub end: ParentEnd,
}

/// What became of a parent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParentEnd {
    /// It is in this issue, as the issue itself or as a comment.
    Issue {
        /// Jira's numeric id, as text.
        id: String,
        /// For example `SUP-12`.
        key: String,
    },
    /// It is in an issue that is deleted or hidden since.
    IssueGone {
        /// The key it had.
        key: String,
    },
    /// It is in an issue of another Jira than the one that this mail's source writes to.
    Elsewhere {
        /// The key it has there.
        key: String,
    },
    /// It has no issue: ignored, rejected or held.
    NoIssue,
}
