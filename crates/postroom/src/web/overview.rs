//! The first page: what needs a person, how the sources and outbounds are, what came of today's mail.

use askama::Template;

use super::Frame;
use super::components::{Action, FaultView, Health};

/// One step of the first run.
#[derive(Clone, Debug)]
pub struct FirstStep {
    /// What to do.
    pub title: &'static str,
    /// A sentence more.
    pub text: &'static str,
    /// Whether it is done.
    pub done: bool,
    /// The button; shown for the first step that is not done.
    pub action: Option<Action>,
}

/// Something that needs a person.
#[derive(Clone, Debug)]
pub struct Needed {
    /// What it is about: a source, an outbound, a Jira connection.
    pub object: String,
    /// Its page.
    pub href: String,
    /// The fault.
    pub fault: FaultView,
}

/// A source in the overview.
#[derive(Clone, Debug)]
pub struct SourceLine {
    /// The mailbox's address.
    pub mailbox: String,
    /// Its page.
    pub href: String,
    /// Its health.
    pub health: Health,
    /// Where its mail goes, for example `SUP`.
    pub target: String,
    /// What is new, for example the last mail's time; rendered as given.
    pub news: String,
    /// Mails today.
    pub today: u64,
    /// Mails that wait.
    pub waiting: u64,
}

/// An outbound in the overview.
#[derive(Clone, Debug)]
pub struct OutboundLine {
    /// The mailbox's address.
    pub mailbox: String,
    /// Its page.
    pub href: String,
    /// Its health.
    pub health: Health,
    /// The account that sends.
    pub account: String,
    /// What is new, for example the last mail's time; rendered as given.
    pub news: String,
}

/// What became of mail since midnight, workspace's time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers {
    /// Became an issue.
    pub issues: u64,
    /// Became a comment.
    pub comments: u64,
    /// Ignored by a named rule.
    pub ignored: u64,
    /// Rejected with a reason.
    pub rejected: u64,
    /// Have no end yet.
    pub waiting: u64,
    /// Held for a person, of any day.
    pub held: u64,
}

/// The overview.
#[derive(Clone, Debug, Template)]
#[template(path = "web/overview.html")]
pub struct OverviewView {
    /// The frame.
    pub frame: Frame,
    /// The first run's steps; empty once it is over.
    pub first_run: Vec<FirstStep>,
    /// What needs a person, the gravest first.
    pub needed: Vec<Needed>,
    /// Today's numbers.
    pub numbers: Numbers,
    /// All sources.
    pub sources: Vec<SourceLine>,
    /// All outbounds.
    pub outbounds: Vec<OutboundLine>,
}

impl OverviewView {
    /// The usual steps of a first run. `jira`, `mailbox` and `mail` are whether each is done.
    pub fn first_steps(jira: bool, mailbox: bool, mail: bool) -> Vec<FirstStep> {
        vec![
            FirstStep {
                title: "Connect Jira",
                text: "The site that mail becomes issues in. You need its address and an API token.",
                done: jira,
                action: Some(Action::go("Connect Jira", "/jira/new").primary()),
            },
            FirstStep {
                title: "Sign in to a mailbox",
                text: "With the Microsoft account that reads it. It reads nothing before you have confirmed what.",
                done: mailbox,
                action: Some(Action::go("Go to Message Sources", "/sources").primary()),
            },
            FirstStep {
                title: "Send a mail",
                text: "To that mailbox. Seconds later it is an issue, and here stands what was decided and why.",
                done: mail,
                action: Some(Action::go("Look at Messages", "/messages")),
            },
        ]
    }

    /// The first step that is not done.
    fn next_step(&self) -> usize {
        self.first_run.iter().position(|step| !step.done).unwrap_or(usize::MAX)
    }
}
