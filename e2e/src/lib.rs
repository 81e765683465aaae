//! End-to-end tests: `postroom serve` and `postroom sim` as processes of their own, as an operator runs them.
//!
//! [`process`] starts and kills them, [`control`] talks to the simulator (faults, mail, ground truth), [`truth`] compares the
//! ground truth of mailbox and Jira: nothing lost, nothing doubled, replies in their parents' issues. [`openapi`] checks
//! recorded traffic against the published schemas. The tests themselves are in `tests/`.

pub mod control;
pub mod mails;
pub mod openapi;
pub mod process;
pub mod truth;
