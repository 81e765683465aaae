//! The pages of messages: the list and one message. Plain structs, filled in by the actions beside them.

mod detail;
mod list;

pub use detail::{Jira, MessagePage, RuleLine, Shown, StepLine};
pub use list::{Filter, MessageRow, MessagesPage};
