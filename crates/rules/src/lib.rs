//! Deciding: a mail, a profile and the facts about Jira in, a frozen [`Plan`] and a [`Trace`] out.
//!
//! Nothing here does I/O, reads a clock or draws a random number: the same input gives the same plan in the live flow, in
//! a dry run, in a replay and in a test. Begin with [`decide`]; [`plan`] has the documents it returns, [`facts`] what it
//! may know about the world.
//!
//! A mail becomes a comment of the issue that it answers, else a new issue; before either the rules of the [`Profile`] are
//! asked, in order. [`profile`] reads them, [`condition`] and [`template`] are what people write in them, [`vocabulary`] says
//! which names they may use and [`view`] holds the values of a mail; [`fields`] turns what they set into Jira's fields. Which issue
//! a mail belongs to is told by [`threads`].

pub mod condition;
pub mod facts;
pub mod fields;
pub mod plan;
pub mod profile;
pub mod template;
pub mod threads;
pub mod view;
pub mod vocabulary;

mod asked;
mod decide;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_rules;

pub use asked::{Said, Wanted, said, wanted};
pub use decide::decide;
pub use facts::{Allowed, Destination, Facts, FieldFacts, FieldKind, IssueType, Parent, ParentEnd, Project};
pub use plan::{Attach, Decision, FieldValue, Outcome, Part, Plan, SetField, Step, Trace, TraceLine};
pub use profile::{Profile, Refusal};
pub use threads::ThreadFacts;
pub use view::{Origin, Received};
