//! What must be known for telling which issue a mail belongs to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::facts::ParentEnd;

/// What is known of a mail's place among others: from the ledger at once, from Jira as it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadFacts {
    /// When the mailbox received the mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    /// The tokens of ours that the mail carries, the nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<Token>,
    /// Mails that seem to be of the same conversation, without being answered by this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kin: Vec<Kin>,
    /// The issue that is known to be deleted or hidden, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<String>,
    /// What Jira answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<Known>,
}

/// A token that says of itself that it is ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Where it stands.
    pub place: TokenPlace,
    /// The id of the issue that it names; `None`: its signature is not ours.
    pub issue: Option<String>,
}

/// Where a token stands in a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenPlace {
    /// In In-Reply-To.
    InReplyTo,
    /// In References.
    References,
    /// In an address that the mail was sent to.
    Address,
}

impl TokenPlace {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::InReplyTo => "In-Reply-To",
            Self::References => "References",
            Self::Address => "the address that it was sent to",
        }
    }
}

/// A mail that seems to be of the same conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kin {
    /// By what.
    pub tie: Tie,
    /// What became of it.
    pub end: ParentEnd,
    /// Whether its topic is this mail's.
    pub same_topic: bool,
    /// Whether its sender is this mail's sender, or among those whom this mail was sent to: whether the two know of each other.
    pub acquainted: bool,
    /// Whether its sender is this mail's sender.
    #[serde(default)]
    pub same_sender: bool,
}

/// What ties two mails of which neither answers the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tie {
    /// It answers this mail, and came first.
    AnswersThis,
    /// Both answer the same mail, which need never have been here.
    SameAncestor,
    /// The mailbox groups them.
    Conversation,
}

/// Something that must be asked of Jira.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// An issue, by key or id.
    Issue(String),
    /// How this mail's sender takes part in the issue of this id.
    TakesPart(String),
    /// What the issue of this id can be moved on to.
    Moves(String),
    /// The issues that this query finds, and the one that an earlier mail with the same query began.
    Search(String),
}

/// An answer of Jira.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// To [`Question::Issue`]: what it was asked by, and the issue; none where it is not there or not to be seen.
    Issue(String, Option<Issue>),
    /// To [`Question::TakesPart`]: the id, and as what (`reporter` …).
    TakesPart(String, Option<String>),
    /// To [`Question::Moves`]: the id, and the transitions.
    Moves(String, Vec<Move>),
    /// To [`Question::Search`]: the query, and what was found.
    Search(String, Found),
}

impl Known {
    /// Whether it answers this question.
    pub fn answers(&self, question: &Question) -> bool {
        match (self, question) {
            (Self::Issue(of, _), Question::Issue(asked))
            | (Self::TakesPart(of, _), Question::TakesPart(asked))
            | (Self::Moves(of, _), Question::Moves(asked))
            | (Self::Search(of, _), Question::Search(asked)) => of == asked,
            _ => false,
        }
    }
}

/// An issue, as far as it counts here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Jira's numeric id, as text.
    pub id: String,
    /// Its key now.
    pub key: String,
    /// The name of its status.
    pub status: String,
    /// The id of its status.
    pub status_id: String,
    /// Whether that status is of the category `done`.
    pub is_done: bool,
    /// When it was made, where Jira tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// Since when, where Jira tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_at: Option<Timestamp>,
}

/// A transition that an issue can take now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The name of the status that it leads to.
    pub to: String,
    /// That status's id.
    pub to_id: String,
    /// That status's category: `new`, `indeterminate` or `done`.
    pub category: String,
}

/// What a search has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// These issues; of many only some.
    Issues(Vec<Candidate>),
    /// Jira does not take the query: why, in words.
    Refused(String),
    /// Nothing, but an earlier mail with the same query began an issue that the search does not know yet.
    Begun(Candidate),
}

/// An issue that a way led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Jira's numeric id, as text.
    pub id: String,
    /// Its key.
    pub key: String,
}
