//! A Message Source: state and timeline on top, then throughput, what will expire, settings.

use askama::Template;

use crate::web::Frame;
use crate::web::chart::Chart;
use crate::web::components::{Action, FaultView, Health, PingView, Timeline, Tone};
use crate::web::times::Moment;

/// Something that will end.
#[derive(Clone, Debug)]
pub struct Expiry {
    /// What: client secret, token's idle limit, EWS itself.
    pub what: String,
    /// When.
    pub at: Option<Moment>,
    /// What then, and what to do before.
    pub text: String,
    /// The button that does it.
    pub action: Option<Action>,
}

/// A setting, as a page shows it.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// The page of what the value names; empty where there is none.
    pub href: String,
}

impl Setting {
    /// A setting.
    pub fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into(), href: String::new() }
    }

    /// Whose value has a page of its own.
    #[must_use]
    pub fn at(self, href: impl Into<String>) -> Self {
        Self { href: href.into(), ..self }
    }
}

/// A move to Graph that is under way or has come to nothing.
#[derive(Clone, Debug)]
pub struct MovingToGraph {
    /// Ids that were asked for, and ids in all; none once it has failed.
    pub progress: Option<(u64, u64)>,
    /// How far it is, or why it waits or failed, and what to do. Sentences.
    pub text: String,
    /// The button that gives it up or begins it again.
    pub action: Option<Action>,
}

impl MovingToGraph {
    /// How it is coloured.
    pub fn tone(&self) -> Tone {
        if self.progress.is_some() { Tone::Quiet } else { Tone::Bad }
    }
}

/// A source.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/source.html")]
pub struct SourcePage {
    /// The frame: title is the mailbox's address.
    pub frame: Frame,
    /// Its health.
    pub health: Health,
    /// Since when.
    pub since: Moment,
    /// Facts beside the state: last mail, last success, waiting. Name and value, the value as given.
    pub facts: Vec<(String, String)>,
    /// The last mail's time.
    pub last_mail: Option<Moment>,
    /// The last poll that went well.
    pub last_success: Option<Moment>,
    /// What is wrong, what comes first first.
    pub faults: Vec<FaultView>,
    /// Its move to Graph.
    pub moving: Option<MovingToGraph>,
    /// The result of a ping.
    pub ping: Option<PingView>,
    /// What happened.
    pub timeline: Timeline,
    /// Mails by hour and by day, each with its table.
    pub charts: Vec<Chart>,
    /// What will end.
    pub expires: Vec<Expiry>,
    /// Settings.
    pub settings: Vec<Setting>,
    /// Where they are changed.
    pub edit: Option<Action>,
    /// What takes something away: pause, delete.
    pub dangers: Vec<Action>,
}
