//! The ledger: the only truth about what has been done.
//!
//! Design §4 as a crate. Begin with [`carry`]: how a plan is carried out so that nothing is done twice; then [`state`],
//! the life of a step as a pure function, and [`record`], how a page of mail gets in ([`same`] tells which mail is which where no
//! id does, [`ids`] adds the ids of another transport, [`release`] says when it may be decided and in which order, [`removed`] is about
//! mail whose source goes, [`foreign`] about
//! keys of other systems, [`kin`] about mails that belong together though neither answers the other). [`claim`] hands work out under leases, [`commit`] makes changes durable (many at a time, on one
//! fsync), [`lane`] keeps conversations in order, [`key`] makes mails and effects recognisable for ever, [`token`] does so
//! for the answers to our own mail, [`failpoint`] lists where a
//! test may kill the process.
//!
//! Nothing here knows Microsoft or Jira: what a step is comes from an [`carry::Effect`].

pub mod carry;
pub mod claim;
pub mod commit;
pub mod failpoint;
pub mod foreign;
pub mod ids;
pub mod key;
pub mod kin;
pub mod lane;
pub mod load;
pub mod record;
pub mod release;
pub mod removed;
pub mod same;
pub mod state;
pub mod token;
pub mod work;

use std::sync::Arc;

use jiff::SignedDuration;

pub use carry::{Carried, Effect, Journal, NotCommitted, Sight, Timing, Work, Written, carry_out};
pub use commit::GroupCommit;
pub use key::{Keys, MessageKey, Op, Slot, SlotKind};
pub use state::StepState;
pub use work::{Change, Content, Ending, Fate, Message, NewPlan, Remote, Stage, Step};

/// What every part of the ledger needs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// The keys of mails and effects.
    pub keys: Keys,
    /// Seals what is stored of mails.
    pub sealer: Arc<store::Sealer>,
    /// Quarantine, lease, request time.
    pub timing: Timing,
    /// How long a held message keeps its lane closed.
    pub held_release: SignedDuration,
}

/// Rows for a statement over many.
fn rows(each: impl Iterator<Item = store::Args>) -> store::Rows {
    let mut rows = store::Rows::new();
    each.for_each(|row| rows.push(row));
    rows
}
