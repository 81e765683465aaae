//! Notices: who is told what, and how.
//!
//! A notice is a row, written by [`raise`] in the transaction that changes the state it tells of; with it goes a delivery for
//! each channel. [`decide`] says, purely, when a delivery goes, what goes together and what is not worth sending. [`send`]
//! carries deliveries out: one sender a channel at a time, whatever the number of nodes. [`watch`] finds what no change of a
//! row tells: a source that is silent, a connection that has not come right for long, something that will end soon.
//!
//! [`channels`] has one file for each way: webhook, Slack, Teams, mail. The console is a way of its own: [`show`] is the page,
//! [`settings`] the channels and their *Test*. The addresses are in [`routes`], the SQL in [`store`].

mod advice;
pub mod channels;
pub mod decide;
pub mod pages;
pub mod raise;
pub mod routes;
pub mod send;
pub mod settings;
pub mod show;
pub mod store;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_jira;
#[cfg(test)]
mod tests_of_outages;
#[cfg(test)]
mod tests_with_sim;
pub mod watch;
mod words;

pub use decide::Kind;
pub use raise::{
    Object, Over, ended_quietly, is_over, marks_fail, push_is_deaf, push_is_moot, push_works, raise,
};
pub use send::Sender;

/// What was told, the oldest first: kind, what it is about, title.
#[cfg(test)]
pub(crate) async fn testing_told(
    office: &crate::connections::testing::Office,
) -> Vec<(String, String, String)> {
    let all = store::newest(&office.console.shell.db, office.workspace(), jiff::Timestamp::MAX, 100).await;
    all.expect("read").into_iter().rev().map(|one| (one.kind, one.object_kind, one.text)).collect()
}
