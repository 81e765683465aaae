//! Outbound: mail that goes out from Message Outbounds.
//!
//! Begin with [`send`]: one mail, drafted first and then sent, and never sent twice. What happens in Jira and becomes mail
//! will be heard, decided and drafted beside it.

pub mod send;
#[cfg(test)]
mod tests_with_sim;

pub use send::{Sent, Used, send};
