//! Message Outbounds: the mailboxes that mail is sent from.
//!
//! [`list`] and [`one`] show them, [`create`] makes one of an account that is signed in with the right to send, [`switch`]
//! pauses and removes, [`ping`] tests down to a mail to the person who asked, [`check`] looks at each now and then, so that
//! what broke is known before somebody needs it. [`convert`] moves one from EWS to Graph.

pub mod check;
pub mod convert;
pub mod create;
pub mod list;
pub mod one;
mod pages;
pub mod ping;
pub mod switch;
#[cfg(test)]
mod tests;

pub use check::check_due;
