//! Deciding: a mail, a profile and the facts about Jira in, a frozen [`Plan`] and a [`Trace`] out.
//!
//! Nothing here does I/O, reads a clock or draws a random number: the same input gives the same plan in the live flow, in
//! a dry run, in a replay and in a test. Begin with [`decide`]; [`plan`] has the documents it returns, [`facts`] what it
//! may know about the world.
//!
//! One profile exists so far, [`Profile::standard`]: automatic mail is ignored by a named rule, a reply to a mail we know
//! becomes a comment, anything else becomes an issue.

pub mod facts;
pub mod plan;

mod decide;

#[cfg(test)]
mod tests;

pub use decide::decide;
pub use facts::{Destination, Facts, Parent, ParentEnd};
pub use plan::{Attach, Decision, Outcome, Part, Plan, Step, Trace, TraceLine};

/// How the mail of a source is handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name, as people see it.
    pub name: String,
}

impl Profile {
    /// The profile that every source has until it gets one of its own.
    pub fn standard() -> Self {
        Self { name: "standard".to_owned() }
    }
}
