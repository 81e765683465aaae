//! What a profile says about conversations: its `[threads]` table.

use super::foreign::Foreign;

/// How mails of a conversation are kept together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threads {
    /// The line at which the table begins in the document, from 1.
    pub line: usize,
    /// What becomes of an answer whose issue is closed.
    pub closed: Closed,
    /// After so many days something else may.
    pub after_days: Option<u32>,
    /// That.
    pub after: Closed,
    /// What becomes of it by the name of the status, whatever the rest says.
    pub status: Vec<(String, Closed)>,
    /// The name of the transition that opens an issue again, or of the status that it leads to; none: Postroom looks for one.
    pub transition: Option<String>,
    /// The name of the link between a new issue and the closed one.
    pub link: String,
    /// Keys of other systems, in the order in which they are tried.
    pub foreign: Vec<Foreign>,
}

/// What becomes of an answer whose issue is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Closed {
    /// A comment there, as if it were open.
    #[default]
    Comment,
    /// A comment there, and the issue is opened again.
    Reopen,
    /// A new issue, linked with it.
    New,
    /// A person looks.
    Hold,
}

impl Closed {
    /// Every choice, as it is written.
    pub const ALL: [(&str, Self); 4] =
        [("comment", Self::Comment), ("reopen", Self::Reopen), ("new", Self::New), ("hold", Self::Hold)];
}

impl Default for Threads {
    fn default() -> Self {
        Self {
            line: 0,
            closed: Closed::Comment,
            after_days: None,
            after: Closed::New,
            status: Vec::new(),
            transition: None,
            link: "Relates".to_owned(),
            foreign: Vec::new(),
        }
    }
}

impl Threads {
    /// Whether it counts at all that an issue is closed: only then is it asked for.
    pub fn asks_whether_closed(&self) -> bool {
        let late = self.after_days.map(|_| self.after);
        let all = self.status.iter().map(|(_, then)| *then).chain([self.closed]).chain(late);
        all.into_iter().any(|then| then != Closed::Comment)
    }
}
