//! Places where a test may kill the process, make a write fail or make it sleep: one at every row of design §4.
//!
//! Compiled to nothing without the feature `failpoints`. With it, the variable `POSTROOM_FAILPOINTS` arms them:
//! `I4.issue=exit`, `I13=fail*3` (three times), `I12.issue=sleep:3000`, several separated by `;`. A number after `@` says at
//! which hit it begins (`I3=exit@5`). A number alone (`C.batch=1`) stands in place of a constant, so that a test need not be large.

use crate::key::SlotKind;

/// A row of the crash table of design §4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Row {
    /// Before the page is stored.
    I1,
    /// While the page is stored: rows written, not committed.
    I2,
    /// Claimed, no intent yet.
    I3,
    /// Intent committed, request not sent.
    I4,
    /// Request sent, reply lost (issue).
    I5,
    /// Reply received, result not committed (issue).
    I6,
    /// The same for a comment.
    I7,
    /// The same for an attachment.
    I8,
    /// The same for an edit, a transition and a link.
    I9,
    /// Jira done, mail not marked.
    I10,
    /// Our issue is moved, deleted or hidden.
    I11,
    /// A node sleeps through its lease.
    I12,
    /// Disk full when the intent is committed.
    I13,
    /// fsync error.
    I14,
}

impl Row {
    /// Every row; a test holds that each has a failpoint and each failpoint a test.
    pub const ALL: [Self; 14] = [
        Self::I1,
        Self::I2,
        Self::I3,
        Self::I4,
        Self::I5,
        Self::I6,
        Self::I7,
        Self::I8,
        Self::I9,
        Self::I10,
        Self::I11,
        Self::I12,
        Self::I13,
        Self::I14,
    ];
}

/// The three moments of a remote write at which a process can die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OfStep {
    /// Intent committed, nothing sent.
    pub before: (Row, &'static str),
    /// Request under way, no reply read.
    pub sent: (Row, &'static str),
    /// Reply read, result not committed.
    pub replied: (Row, &'static str),
}

/// The failpoints of a kind of step. The match has no wildcard: a new kind does not compile without its own.
pub const fn of(kind: SlotKind) -> OfStep {
    match kind {
        SlotKind::Issue => OfStep {
            before: (Row::I4, "I4.issue"),
            sent: (Row::I5, "I5.issue"),
            replied: (Row::I6, "I6.issue"),
        },
        SlotKind::Comment => OfStep {
            before: (Row::I7, "I7.comment.before"),
            sent: (Row::I7, "I7.comment.sent"),
            replied: (Row::I7, "I7.comment.replied"),
        },
        SlotKind::Attachment => OfStep {
            before: (Row::I8, "I8.attachment.before"),
            sent: (Row::I8, "I8.attachment.sent"),
            replied: (Row::I8, "I8.attachment.replied"),
        },
        SlotKind::Description => OfStep {
            before: (Row::I9, "I9.description.before"),
            sent: (Row::I9, "I9.description.sent"),
            replied: (Row::I9, "I9.description.replied"),
        },
        SlotKind::Transition => OfStep {
            before: (Row::I9, "I9.transition.before"),
            sent: (Row::I9, "I9.transition.sent"),
            replied: (Row::I9, "I9.transition.replied"),
        },
        SlotKind::Link => OfStep {
            before: (Row::I9, "I9.link.before"),
            sent: (Row::I9, "I9.link.sent"),
            replied: (Row::I9, "I9.link.replied"),
        },
    }
}

/// The failpoints outside of steps.
pub const OTHERS: [(Row, &str); 8] = [
    (Row::I1, "I1"),
    (Row::I2, "I2"),
    (Row::I3, "I3"),
    (Row::I10, "I10"),
    (Row::I11, "I11"),
    (Row::I12, "I12"),
    (Row::I13, "I13"),
    (Row::I14, "I14"),
];

/// The failpoints of moving a source to another transport: it is on record and nothing is done; the ids of a batch are translated
/// and not kept; they are kept; what a part of the search for open mails without another id found is kept; all of them were looked
/// for; everything is switched and not committed; it is committed and nobody knows.
pub const CONVERSION: [&str; 7] = ["C0", "C1.asked", "C1", "C2.part", "C2", "C3", "C4"];

/// What an armed failpoint wants its place to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Go on.
    Nothing,
    /// Fail as the row says (disk full, fsync error, issue gone).
    Fail,
    /// Sleep that many milliseconds, then go on.
    Sleep(u64),
}

/// A place of that name is reached. Kills the process if the failpoint says so.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn hit(_name: &str) -> Wanted {
    Wanted::Nothing
}

/// Whether a failpoint of that name is armed (it need not be due yet).
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn armed(_name: &str) -> bool {
    false
}

/// A number that a test sets in place of a constant.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn number(_name: &str) -> Option<u64> {
    None
}

#[cfg(feature = "failpoints")]
pub use armed::{armed, hit, number};

#[cfg(feature = "failpoints")]
mod armed {
    use std::collections::HashMap;
    use std::sync::{Mutex, OnceLock, PoisonError};

    use super::Wanted;

    #[derive(Clone, Copy, Debug)]
    enum Action {
        Exit,
        Fail,
        Sleep(u64),
        /// Not a place but a number.
        Number(u64),
    }

    #[derive(Debug)]
    struct Armed {
        action: Action,
        skip: u64,
        times: u64,
    }

    fn table() -> &'static Mutex<HashMap<String, Armed>> {
        static TABLE: OnceLock<Mutex<HashMap<String, Armed>>> = OnceLock::new();
        TABLE.get_or_init(|| Mutex::new(parse(&std::env::var("POSTROOM_FAILPOINTS").unwrap_or_default())))
    }

    fn parse(text: &str) -> HashMap<String, Armed> {
        let mut armed = HashMap::new();
        for entry in text.split(';').filter(|entry| !entry.trim().is_empty()) {
            let (name, mut action) =
                entry.trim().split_once('=').expect("a failpoint is written name=action");
            let mut skip = 0;
            let mut times = u64::MAX;
            if let Some((rest, from)) = action.split_once('@') {
                skip = from.parse::<u64>().expect("a number after @").saturating_sub(1);
                action = rest;
            }
            if let Some((rest, count)) = action.split_once('*') {
                times = count.parse().expect("a number after *");
                action = rest;
            }
            let action = match action.split_once(':') {
                None if action == "exit" => Action::Exit,
                None if action == "fail" => Action::Fail,
                None if action.parse::<u64>().is_ok() => Action::Number(action.parse().unwrap_or_default()),
                Some(("sleep", ms)) => Action::Sleep(ms.parse().expect("milliseconds after sleep:")),
                _ => panic!("unknown failpoint action `{action}`"),
            };
            armed.insert(name.to_owned(), Armed { action, skip, times });
        }
        armed
    }

    /// See the other `hit`.
    pub fn hit(name: &str) -> Wanted {
        let mut table = table().lock().unwrap_or_else(PoisonError::into_inner);
        let Some(armed) = table.get_mut(name) else { return Wanted::Nothing };
        if armed.skip > 0 {
            armed.skip -= 1;
            return Wanted::Nothing;
        }
        if armed.times == 0 {
            return Wanted::Nothing;
        }
        armed.times -= 1;
        tracing::warn!(failpoint = name, action = ?armed.action, "failpoint reached");
        match armed.action {
            // As SIGKILL: no destructor, no flush.
            Action::Exit => std::process::abort(),
            Action::Fail => Wanted::Fail,
            Action::Sleep(ms) => Wanted::Sleep(ms),
            Action::Number(_) => Wanted::Nothing,
        }
    }

    /// See the other `number`.
    pub fn number(name: &str) -> Option<u64> {
        match table().lock().unwrap_or_else(PoisonError::into_inner).get(name)?.action {
            Action::Number(number) => Some(number),
            _ => None,
        }
    }

    /// See the other `armed`.
    pub fn armed(name: &str) -> bool {
        table().lock().unwrap_or_else(PoisonError::into_inner).contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_failpoint() {
        let mut rows: Vec<Row> = OTHERS.iter().map(|(row, _)| *row).collect();
        for kind in SlotKind::ALL {
            let of = of(kind);
            rows.extend([of.before.0, of.sent.0, of.replied.0]);
        }
        for row in Row::ALL {
            assert!(rows.contains(&row), "{row:?} has no failpoint");
        }
    }
}
