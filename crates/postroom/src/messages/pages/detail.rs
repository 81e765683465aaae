//! One message: its end, its steps, why, and the mail itself.

use askama::Template;

use crate::web::Frame;
use crate::web::components::{Action, FaultView, MailState, StepState};
use crate::web::times::Moment;

/// A step of the plan.
#[derive(Clone, Debug)]
pub struct StepLine {
    /// What it does: *Create issue*, *Attach invoice.pdf*.
    pub what: String,
    /// Where it stands.
    pub state: StepState,
    /// When it came there.
    pub at: Option<Moment>,
    /// What came of it: an issue's key, a comment's id, why it is in doubt.
    pub result: String,
    /// Where that is; empty where nowhere.
    pub href: String,
}

/// A rule that was tried.
#[derive(Clone, Debug)]
pub struct RuleLine {
    /// Its name.
    pub name: String,
    /// Whether it matched.
    pub matched: bool,
    /// Why, or why not: the evidence.
    pub why: String,
}

/// Which view of the mail is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// As its sender meant it to look, beside what Jira got.
    Mail,
    /// Its text, with what was cut off.
    Text,
    /// As it came.
    Source,
}

/// What Jira got.
#[derive(Clone, Debug)]
pub struct Jira {
    /// The issue's key, with what it is: `SUP-12`, `comment on SUP-12`.
    pub title: String,
    /// Where it is.
    pub href: String,
    /// The text as it was written there.
    pub text: String,
}

/// A message.
#[derive(Clone, Debug, Template)]
#[template(path = "messages/detail.html")]
pub struct MessagePage {
    /// The frame: title is the subject.
    pub frame: Frame,
    /// Where it stands.
    pub state: MailState,
    /// What became of it, a sentence.
    pub end: String,
    /// The issue's key; empty where there is none.
    pub issue: String,
    /// The issue's address.
    pub issue_href: String,
    /// Why it is held, with retry and discard.
    pub fault: Option<FaultView>,
    /// Other things to do: run again, mark as handled.
    pub actions: Vec<Action>,
    /// From, to, received, source: name and value.
    pub facts: Vec<(String, String)>,
    /// When it came.
    pub received: Moment,
    /// The steps, in order.
    pub steps: Vec<StepLine>,
    /// Rules in the order they were tried.
    pub rules: Vec<RuleLine>,
    /// More of the trace: reasons, each a line.
    pub reasons: Vec<String>,
    /// Which view is open.
    pub shown: Shown,
    /// The message's address, on which `?show=` opens another view.
    pub href: String,
    /// The address of the frame with the mail; empty when its content is gone.
    pub mail_href: String,
    /// The address of the mail as it came, as a download; empty when its content is gone.
    pub source_href: String,
    /// The mail's text, or its source, for those views.
    pub text: String,
    /// What Jira got.
    pub jira: Option<Jira>,
    /// Header fields, topmost first.
    pub headers: Vec<(String, String)>,
    /// Attachments: name, size, address (as a download).
    pub attachments: Vec<(String, String, String)>,
    /// What could not be read of it.
    pub problems: Vec<String>,
}

impl MessagePage {
    fn is_shown(&self, word: &str) -> bool {
        matches!(
            (self.shown, word),
            (Shown::Mail, "mail") | (Shown::Text, "text") | (Shown::Source, "source")
        )
    }
}
