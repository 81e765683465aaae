//! Push: Microsoft Graph announces new mail to an address of ours, and the source is polled at once.
//!
//! Polling stays the guarantee ([ADR 0006](../../../../../docs/adr/0006-push-wakes.md)): a notice is never read for what it says,
//! it only wakes the poller, and what was not announced is found by the next poll. Begin with [`decide`], a pure function: what is
//! to be done for a source, given how its push stands. [`possible`] says why there can be none. [`keeper`] does it: subscribes,
//! renews in time, ends. [`routes`] takes notices in and answers at once, [`ear`] keeps what was heard until it is written down and
//! the poller is woken, [`pace`] says how long the next poll may wait, and holds mail that nobody announced against the
//! subscription. [`shown`] has the words for people, [`switch`] the button, [`store`] the SQL.

pub mod address;
pub mod decide;
pub mod ear;
pub mod keeper;
pub mod pace;
pub mod possible;
pub mod routes;
pub mod shown;
pub mod store;
pub mod switch;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_with_sim;

pub use ear::{Ear, Listener};
pub use keeper::Keeper;

use crate::connections::store::named::Named;
use crate::notices;

/// A source as notices name it.
fn object(named: Named) -> notices::Object {
    notices::Object {
        workspace: named.workspace_id,
        kind: "source",
        id: named.id,
        href: format!("/sources/{}", named.id),
        name: named.name,
    }
}
