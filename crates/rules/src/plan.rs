//! The documents that deciding returns. They are stored, so they carry a version ([`Plan::FORMAT`]).

use serde::{Deserialize, Serialize};

/// A plan with the reasons behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What to do.
    pub plan: Plan,
    /// Why.
    pub trace: Trace,
}

/// The frozen list of steps for one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What the message becomes when all steps are done.
    pub outcome: Outcome,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Whether a rule chose the project, so that the source's own does not count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub routed: bool,
}

impl Plan {
    /// The newest version of this document that is known here; a node claims nothing newer than it knows.
    pub const FORMAT: i64 = 3;

    /// The version that this plan needs: 3 where an issue is opened again or linked, 2 where a rule sets fields, else 1. A node that
    /// knows less would leave that out unseen, or not know the step; it holds such a plan for a person instead.
    pub fn format(&self) -> i64 {
        if self.steps.iter().any(|step| matches!(step, Step::Transition { .. } | Step::Link { .. })) {
            3
        } else if self.sets_fields() {
            2
        } else {
            1
        }
    }

    /// Whether rules set fields of a new issue.
    pub fn sets_fields(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::CreateIssue { fields, .. } if !fields.is_empty()))
    }
}

/// What a message becomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Outcome {
    /// A new issue.
    Issue,
    /// A comment on an issue.
    Comment {
        /// Jira's numeric id, as text.
        issue_id: String,
        /// For example `SUP-12`.
        issue_key: String,
    },
    /// Nothing, by a named rule.
    Ignored {
        /// The rule's id.
        rule: String,
        /// In words.
        reason: String,
    },
    /// Set aside for a person.
    Held {
        /// In words, with the mend.
        reason: String,
    },
}

/// One effect in Jira.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Step {
    /// Create the issue.
    CreateIssue {
        /// For example `SUP`.
        project_key: String,
        /// Jira's id of the type.
        issue_type_id: String,
        /// As the mail's subject says, or a rule; the writer shortens it to what Jira takes.
        summary: String,
        /// What rules set.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fields: Vec<SetField>,
    },
    /// Add the comment.
    AddComment,
    /// Attach a file.
    Attach(Attach),
    /// Write the description again, now that the inline images have ids.
    ShowImages,
    /// Open the issue of the comment again.
    Transition {
        /// Jira's id of the transition.
        id: String,
        /// Its name.
        name: String,
        /// The id of the status that the issue was in; in another one it is left alone.
        from: String,
        /// The id of the status that it leads to.
        to: String,
        /// That status's name.
        status: String,
    },
    /// Link the new issue with an older one.
    Link {
        /// The name of the link.
        link_type: String,
        /// Jira's numeric id of the older one, as text.
        issue_id: String,
        /// Its key.
        issue_key: String,
    },
}

/// A field with its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetField {
    /// Jira's id of the field.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// The value.
    pub value: FieldValue,
}

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldValue {
    /// As Jira takes it.
    Json(serde_json::Value),
    /// A text of many lines, to be written as the site wants it: a document on Cloud, markup on Data Center.
    Document(String),
}

/// A file to attach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attach {
    /// Where its bytes are.
    pub part: Part,
    /// First 16 hexadecimal digits of the content's SHA-256.
    pub hash: String,
    /// 0 for the first file of this content in this mail, 1 for the second …
    pub n: u32,
    /// The file name.
    pub name: String,
    /// The media type.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
}

/// Where the bytes of a file are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The mail's attachment of this index.
    Attachment(usize),
    /// The mail's whole body, since the text in Jira is cut.
    Body,
}

/// The recorded reasons behind a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The profile's name.
    pub profile: String,
    /// In the order in which it was thought.
    pub lines: Vec<TraceLine>,
}

/// A rule that was tried, or a thing that was noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceLine {
    /// The rule's id, for example `reply-to-known-mail`.
    pub rule: String,
    /// Whether it matched.
    pub matched: bool,
    /// What was seen and what followed, in words.
    pub why: String,
}
