//! What deciding may know about the world, as a snapshot that is recorded with the plan.

use serde::{Deserialize, Serialize};

use crate::threads::ThreadFacts;
use crate::view::{Origin, Received};

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
    /// Where the mail came through.
    #[serde(default)]
    pub source: Origin,
    /// When it came.
    #[serde(default)]
    pub received: Received,
    /// The projects that rules may name, with what is known of them. Empty where no rule sets anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<Project>,
    /// What is known of its place among other mails.
    #[serde(default)]
    pub threads: ThreadFacts,
}

/// What is known of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// For example `SUP`.
    pub key: String,
    /// The types of issues that may be made there.
    pub issue_types: Vec<IssueType>,
}

/// A type of issues in a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueType {
    /// Jira's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The fields of the screen that new issues are made with.
    pub fields: Vec<FieldFacts>,
}

/// A field of a screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldFacts {
    /// Such as `priority` or `customfield_10010`.
    pub id: String,
    /// As people see it.
    pub name: String,
    /// Whether Jira refuses an issue without it and has no value of its own for it.
    pub required: bool,
    /// What it takes.
    pub kind: FieldKind,
    /// The values it takes, where it takes certain ones only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<Allowed>,
}

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// A line of text.
    Text,
    /// A text of many lines.
    Document,
    /// A number.
    Number,
    /// A day.
    Date,
    /// One of certain values.
    Option,
    /// Several of certain values.
    Options,
    /// Words.
    Labels,
    /// Something that rules cannot set yet.
    Other,
}

/// A value that a field takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// Jira's id.
    pub id: String,
    /// As people see it.
    pub name: String,
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
    /// Whether a later mail of another sender bears its Message-ID too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reused: bool,
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
