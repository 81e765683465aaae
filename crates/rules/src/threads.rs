//! Which issue a mail belongs to.
//!
//! Begin with [`thread`]: the ways by which a mail finds its issue, in order, each with its line in the trace. What it needs to know
//! of Jira it asks for one by one ([`Question`]): whoever gathers facts calls [`question`], answers, and calls again until there is
//! nothing left to ask. [`subject`] reads what a subject says, [`closed`] is what becomes of an issue that is done, [`foreign`] finds the keys of other systems, [`settings`] what a
//! profile may say about all of it.

pub mod closed;
pub mod facts;
pub mod foreign;
pub mod settings;
pub mod subject;
mod ways;

#[cfg(test)]
mod tests;

pub use facts::{Candidate, Found, Issue, Kin, Known, Move, Question, ThreadFacts, Tie, Token, TokenPlace};
pub use settings::{Closed, Threads};
pub(crate) use ways::{Thread, thread};

use mail::Mail;

use crate::facts::Facts;
use crate::plan::Trace;
use crate::profile::Profile;

/// The next thing that must be known before this mail can be decided; `None` when all is.
pub fn question(mail: &Mail, profile: &Profile, facts: &Facts) -> Option<Question> {
    if mail.verdicts.automatic.is_some() {
        return None;
    }
    thread(&profile.believing(mail), profile, facts, &mut Trace::default()).err()
}
