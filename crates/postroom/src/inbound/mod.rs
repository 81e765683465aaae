//! The inbound half: mail in a mailbox becomes an issue or a comment in Jira.
//!
//! ```text
//! fetch ─▶ record ─▶ read ─▶ decide ─▶ act ─▶ mark
//! ```
//!
//! Begin with [`act`]: the worker that claims messages and takes each through [`read`] (stored bytes to `Mail`), [`decide`]
//! (a pure function, its plan frozen in the ledger) and the ledger's `carry_out` over the [`effects`]. [`fetch`] polls a
//! source and records its pages; [`mark`] marks handled mail, off the critical path ([`mark_judge`]: what follows where
//! that fails). What a fault does to a message, a
//! destination or a source is in [`judge`]; [`shadow`] takes the effects out of a decision, and [`room`]
//! bounds what the mails in hand take of memory.

pub mod act;
pub mod decide;
pub mod effects;
pub mod fetch;
pub mod image_size;
pub mod judge;
pub mod mark;
pub mod mark_judge;
pub mod read;
pub mod room;
pub mod shadow;
pub mod store;
#[cfg(test)]
mod tests_of_parity;
pub mod threads;
