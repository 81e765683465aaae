//! One message in a worker's hands: its row, its steps, and the changes that are committed to them.

use fault::Fault;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::key::{MessageKey, Op, Slot};
use crate::state::StepState;

/// A claimed message. `fence` proves that the claim is still ours: every change is made only while it is.
#[derive(Clone, Debug)]
pub struct Message {
    /// Row id.
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// Mailbox.
    pub mailbox_id: Uuid,
    /// The source that owns it.
    pub source_id: Uuid,
    /// `K`.
    pub key: MessageKey,
    /// The id by which the transport knows it now.
    pub native_id: String,
    /// When the mailbox received it.
    pub received_at: Timestamp,
    /// What is stored of its content.
    pub content: Content,
    /// Where its plan writes: kept with it, since a source can be given another project while a plan is under way. None before
    /// there is a plan.
    pub destination_id: Option<Uuid>,
    /// Whether it has a plan already.
    pub has_plan: bool,
    /// Generation of the plan.
    pub generation: i64,
    /// The stage of the last attempt.
    pub stage: Stage,
    /// Attempts in that stage that ended in a fault of the message's own.
    pub attempts: i64,
    /// The claim's number.
    pub fence: i64,
}

/// A claim: the message and the claim's number.
pub type Claim = (Uuid, i64);

impl Message {
    /// By what the claim on it is told from an earlier or a later one.
    pub fn claim(&self) -> Claim {
        (self.id, self.fence)
    }
}

/// What is stored of a message's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The page JSON suffices.
    Page,
    /// MIME is needed and not fetched yet.
    AwaitingMime,
    /// MIME is stored.
    Mime,
    /// MIME was needed, but the mail was gone when it was fetched: the page JSON must do, and the trace says so.
    Gone,
    /// No content is stored (before the start point, or erased).
    Erased,
}

/// Where a message is in its life; attempts count within one stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Content is fetched and read.
    Read,
    /// A plan is made.
    Decide,
    /// The plan is carried out.
    Act,
}

/// A remote object that an effect made, as it is stored with the step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// The other side's id.
    pub id: String,
    /// A name people know it by (an issue key), where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A second id that later steps need (a media id).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<String>,
}

/// A step in a worker's hands.
#[derive(Clone, Debug)]
pub struct Step {
    /// Row id.
    pub id: Uuid,
    /// Its place in the plan.
    pub position: i64,
    /// What it is.
    pub slot: Slot,
    /// Its operation key.
    pub op: Op,
    /// Where it is.
    pub state: StepState,
    /// When the last intent was committed.
    pub intent_at: Option<Timestamp>,
    /// Where a probe begins (highest issue number, highest attachment id … seen before the intent).
    pub mark: i64,
    /// Writes begun.
    pub attempts: i64,
    /// What it made.
    pub remote: Option<Remote>,
    /// The last fault, for the trace.
    pub fault: Option<Fault>,
}

/// How a message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It became this issue.
    Issue {
        /// Numeric id, as text.
        id: String,
        /// For example `SUP-12`.
        key: String,
    },
    /// It became this comment.
    Comment {
        /// Numeric id of the issue, as text.
        issue_id: String,
        /// Key of the issue.
        issue_key: String,
        /// The comment's id.
        comment_id: String,
    },
    /// A named rule ignored it.
    Ignored {
        /// The rule.
        rule: String,
        /// In words.
        reason: String,
    },
    /// Set aside for a person.
    Held {
        /// Which stage or rule did.
        by: String,
        /// In words, with the mend.
        reason: String,
    },
}

/// What becomes of the message row in a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Work goes on under the same claim, whose lease is renewed.
    GoesOn,
    /// The claim is given back; it may be claimed again from then on.
    Released {
        /// Not before.
        not_before: Timestamp,
    },
    /// It has its end (the claim is given back).
    Ended(Ending),
}

/// A new plan with its steps.
#[derive(Clone, Debug)]
pub struct NewPlan {
    /// Revision, counted from 0 within the generation.
    pub revision: i64,
    /// The plan document, serialised.
    pub body: Vec<u8>,
    /// Its version.
    pub format: i64,
    /// The trace document, serialised.
    pub trace: Vec<u8>,
}

/// One durable change to a message and its steps; all of it or nothing.
#[derive(Clone, Debug)]
pub struct Change {
    /// The message after the change (stage, attempts, generation and content are written).
    pub message: Message,
    /// What becomes of it.
    pub fate: Fate,
    /// A plan to store; its steps are those in `steps`, inserted.
    pub plan: Option<NewPlan>,
    /// Steps as they are after the change: updated, or inserted with a plan.
    pub steps: Vec<Step>,
    /// The highest issue number seen in a project: destination and number.
    pub highest: Option<(Uuid, i64)>,
    /// Remote objects adopted for good: destination, kind, remote id, op.
    pub adopted: Vec<(Uuid, &'static str, String, Op)>,
}

impl Change {
    /// A change of the message alone.
    pub fn of(message: &Message, fate: Fate) -> Self {
        Self {
            message: message.clone(),
            fate,
            plan: None,
            steps: Vec::new(),
            highest: None,
            adopted: Vec::new(),
        }
    }

    /// The same with these steps.
    #[must_use]
    pub fn with_steps(mut self, steps: Vec<Step>) -> Self {
        self.steps = steps;
        self
    }
}
