//! Health: how a connection is, from what its rows say. One pure function, [`judge`], for lists, pages, the overview, the API
//! and the command line alike; [`of_source`] lays a source's rows out for it.

use std::collections::HashSet;

use fault::{Fault, Retry};
use jiff::Timestamp;

use super::jira_site::stored_fault;
use super::jira_watch;
use super::routes::time;
use super::store::jira::JiraConnection;
use super::store::outbounds::Outbound;
use super::store::sources::Source;
use crate::web::components::Health;
use crate::web::times::Times;

/// Where a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Signing in.
    Account,
    /// Reading or writing the mailbox.
    Mailbox,
    /// Letting mail go.
    Sending,
    /// Writing to Jira.
    Project,
    /// Marking handled mail.
    Marks,
}

/// What keeps a connection from working.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The fault.
    pub fault: Fault,
    /// Since when.
    pub since: Timestamp,
    /// Where it is.
    pub at: Side,
}

/// How one part of a connection is.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// Which part.
    pub at: Side,
    /// `online`, `degraded` or `offline`.
    pub state: &'a str,
    /// Since when, microseconds.
    pub since: i64,
    /// Its fault's record, as JSON.
    pub fault: Option<&'a str>,
    /// When it is tried again, microseconds; 0 while nothing is waited for.
    pub next: i64,
}

/// What the rows of a connection say.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Whether somebody confirmed what it shall do.
    pub is_confirmed: bool,
    /// When it was paused, microseconds.
    pub paused_at: Option<i64>,
    /// Its parts, in the order in which they are used: account, mailbox, project.
    pub parts: Vec<Part<'a>>,
    /// The newest mail, microseconds.
    pub last_mail: Option<i64>,
    /// The last time that it worked, microseconds.
    pub last_success: Option<i64>,
}

/// How a connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its state.
    pub health: Health,
    /// Since when.
    pub since: Timestamp,
    /// Why it is not online, what comes first first.
    pub troubles: Vec<Trouble>,
    /// The newest mail.
    pub last_mail: Option<Timestamp>,
    /// The last time that it worked.
    pub last_success: Option<Timestamp>,
    /// When it is tried again; none while it works or is paused, and where no time brings it back: see [`Standing::next`].
    pub next_try: Option<Timestamp>,
}

/// What a connection that does not work is tried again with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextTry {
    /// The time comes.
    At(Timestamp),
    /// Somebody signs in: nothing is asked for before.
    SignIn,
    /// A mail has to go: nothing else shows whether it is let.
    Mail,
}

impl NextTry {
    /// In words, for people.
    pub fn words(self, times: &Times) -> String {
        match self {
            Self::At(at) => times.ago(at).words,
            Self::SignIn => "after a new sign-in".to_owned(),
            Self::Mail => "with the next mail, or a ping".to_owned(),
        }
    }
}

impl Standing {
    /// What it is tried again with; none while it works or is paused.
    pub fn next(&self) -> Option<NextTry> {
        if !matches!(self.health, Health::Offline | Health::ApprovalNeeded | Health::Degraded) {
            return None;
        }
        let waits_for_sign_in = self.troubles.iter().any(|trouble| needs_sign_in(&trouble.fault));
        let waits_for_mail = self.troubles.iter().any(|trouble| trouble.at == Side::Sending);
        match self.next_try {
            _ if waits_for_sign_in => Some(NextTry::SignIn),
            Some(at) => Some(NextTry::At(at)),
            None => waits_for_mail.then_some(NextTry::Mail),
        }
    }
}

/// Whether nothing is asked for before somebody has signed in again.
fn needs_sign_in(fault: &Fault) -> bool {
    fault.retry() == Retry::AfterSignIn
}

/// Whether a fault is an administrator's approval that is missing.
pub fn needs_approval(fault: &Fault) -> bool {
    fault.entry.awaits_approval()
}

/// How a connection is.
pub fn judge(facts: &Facts<'_>) -> Standing {
    let parts = &facts.parts;
    let mut troubles: Vec<Trouble> = parts
        .iter()
        .filter(|part| part.state != "online")
        .filter_map(|part| {
            let fault = part.fault.and_then(stored_fault)?;
            Some(Trouble { fault, since: time(part.since), at: part.at })
        })
        .collect();
    // A mailbox that cannot be read, marked or sent from because of the sign-in says the same as the account, and marks the same as the
    // mailbox: once is enough. A project is another system's.
    let mut told = HashSet::new();
    troubles.retain(|trouble| trouble.at == Side::Project || told.insert(trouble.fault.entry.id));
    let any = |state: &str| parts.iter().any(|part| part.state == state);
    let health = if facts.paused_at.is_some() {
        Health::Paused
    } else if !facts.is_confirmed {
        Health::Unconfirmed
    } else if any("offline") {
        if troubles.iter().any(|trouble| needs_approval(&trouble.fault)) {
            Health::ApprovalNeeded
        } else {
            Health::Offline
        }
    } else if any("degraded") {
        Health::Degraded
    } else {
        Health::Online
    };
    let of_state = |state: &'static str| parts.iter().filter(move |part| part.state == state);
    let gravest = match health {
        Health::Offline | Health::ApprovalNeeded => "offline",
        Health::Degraded => "degraded",
        _ => "online",
    };
    let since = match health {
        Health::Paused => facts.paused_at,
        // What is not well is not well since the first part failed; what is well, since the last one came up.
        Health::Offline | Health::ApprovalNeeded | Health::Degraded => {
            of_state(gravest).map(|part| part.since).min()
        }
        Health::Online | Health::Unconfirmed => parts.iter().map(|part| part.since).max(),
    };
    let next_try = match health {
        _ if troubles.iter().any(|trouble| needs_sign_in(&trouble.fault)) => None,
        Health::Offline | Health::ApprovalNeeded | Health::Degraded => {
            of_state(gravest).map(|part| part.next).filter(|next| *next > 0).min().map(time)
        }
        _ => None,
    };
    Standing {
        health,
        since: time(since.unwrap_or_default()),
        troubles,
        last_mail: facts.last_mail.map(time),
        last_success: facts.last_success.map(time),
        next_try,
    }
}

/// How a source is.
pub fn of_source(source: &Source) -> Standing {
    let mut parts = parts_of(source);
    // While nothing is wrong with them, marks say nothing of when it came up.
    if source.mark_state != "online" {
        parts.push(Part {
            at: Side::Marks,
            state: &source.mark_state,
            since: source.mark_since,
            fault: source.mark_fault.as_deref(),
            next: source.marks_not_before,
        });
    }
    of_parts(source, parts)
}

/// How it is with reading a source and writing to its project, whatever becomes of handled mail.
pub fn of_reading(source: &Source) -> Standing {
    of_parts(source, parts_of(source))
}

fn of_parts(source: &Source, parts: Vec<Part<'_>>) -> Standing {
    judge(&Facts {
        is_confirmed: source.confirmed_at.is_some(),
        paused_at: source.paused_at,
        parts,
        last_mail: source.last_mail_at,
        last_success: source.last_success_at,
    })
}

fn parts_of(source: &Source) -> Vec<Part<'_>> {
    let mut parts = vec![
        Part {
            at: Side::Account,
            state: &source.account_state,
            since: source.account_since,
            fault: source.account_fault.as_deref(),
            next: source.next_poll_at,
        },
        Part {
            at: Side::Mailbox,
            state: &source.state,
            since: source.state_since,
            fault: source.fault.as_deref(),
            next: source.next_poll_at,
        },
    ];
    if let Some(state) = &source.destination_state {
        parts.push(Part {
            at: Side::Project,
            state,
            since: source.destination_since.unwrap_or_default(),
            fault: source.destination_fault.as_deref(),
            next: source.destination_not_before.unwrap_or_default(),
        });
    }
    parts
}

/// How a Jira connection is.
pub fn of_jira(jira: &JiraConnection) -> Standing {
    judge(&Facts {
        is_confirmed: true,
        paused_at: jira.paused_at,
        parts: vec![Part {
            at: Side::Project,
            state: &jira.state,
            since: jira.state_since,
            fault: jira.fault.as_deref(),
            next: jira.checked_at.map_or(0, |at| jira_watch::next_look(&jira.state, at)),
        }],
        last_mail: None,
        last_success: jira.last_success_at,
    })
}

/// How an outbound is.
pub fn of_outbound(outbound: &Outbound) -> Standing {
    judge(&Facts {
        is_confirmed: true,
        paused_at: outbound.paused_at,
        parts: vec![
            Part {
                at: Side::Account,
                state: &outbound.account_state,
                since: outbound.account_since,
                fault: outbound.account_fault.as_deref(),
                next: outbound.next_check_at,
            },
            Part {
                at: Side::Mailbox,
                state: &outbound.state,
                since: outbound.state_since,
                fault: outbound.fault.as_deref(),
                next: outbound.next_check_at,
            },
            // No look at the mailbox tries this.
            Part {
                at: Side::Sending,
                state: &outbound.send_state,
                since: outbound.send_since,
                fault: outbound.send_fault.as_deref(),
                next: 0,
            },
        ],
        last_mail: outbound.last_sent_at,
        last_success: outbound.last_success_at,
    })
}

/// The state as the API and the command line name it.
pub fn word(health: Health) -> &'static str {
    match health {
        Health::Online => "online",
        Health::Degraded => "degraded",
        Health::Offline => "offline",
        Health::ApprovalNeeded => "admin_approval_needed",
        Health::Unconfirmed => "not_confirmed",
        Health::Paused => "paused",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn record(id: &str) -> String {
        serde_json::to_string(&Fault::own(id, "").to_record()).unwrap()
    }

    fn part<'a>(at: Side, state: &'a str, since: i64, fault: Option<&'a str>) -> Part<'a> {
        Part { at, state, since, fault, next: since + 60 }
    }

    fn facts(parts: Vec<Part<'_>>) -> Facts<'_> {
        Facts { is_confirmed: true, paused_at: None, parts, last_mail: Some(5), last_success: None }
    }

    /// Promise: each constellation of rows has one state, with the time since when and the next try.
    #[rstest]
    #[case("online", "online", "online", Health::Online, 30, None)]
    #[case("online", "degraded", "online", Health::Degraded, 20, Some(80))]
    #[case("offline", "offline", "online", Health::Offline, 10, Some(70))]
    #[case("online", "degraded", "offline", Health::Offline, 30, Some(90))]
    #[case("degraded", "online", "degraded", Health::Degraded, 10, Some(70))]
    fn rows_have_one_state(
        #[case] account: &str,
        #[case] mailbox: &str,
        #[case] project: &str,
        #[case] health: Health,
        #[case] since: i64,
        #[case] next: Option<i64>,
    ) {
        let fault = record("own.store");
        let standing = judge(&facts(vec![
            part(Side::Account, account, 10, Some(&fault)),
            part(Side::Mailbox, mailbox, 20, Some(&fault)),
            part(Side::Project, project, 30, Some(&fault)),
        ]));
        assert_eq!(standing.health, health);
        assert_eq!(standing.since.as_microsecond(), since);
        assert_eq!(standing.next_try.map(Timestamp::as_microsecond), next);
        assert_eq!(standing.last_mail.map(Timestamp::as_microsecond), Some(5));
        assert_eq!(standing.troubles.is_empty(), health == Health::Online);
    }

    /// Promise: a sign-in that ended is told once, though the poll fails of it as well.
    #[test]
    fn the_same_trouble_is_told_once() {
        let fault = record("own.not_signed_in");
        let both = vec![
            part(Side::Account, "offline", 10, Some(&fault)),
            part(Side::Mailbox, "offline", 11, Some(&fault)),
        ];
        assert_eq!(judge(&facts(both.clone())).troubles.len(), 1);
        // Marks use the same sign-in; a project that says the same words is another system.
        let marks = [both, vec![part(Side::Marks, "offline", 12, Some(&fault))]].concat();
        assert_eq!(judge(&facts(marks.clone())).troubles.len(), 1);
        let project = [marks, vec![part(Side::Project, "offline", 13, Some(&fault))]].concat();
        let sides: Vec<Side> = judge(&facts(project)).troubles.iter().map(|trouble| trouble.at).collect();
        assert_eq!(sides, [Side::Account, Side::Project]);
    }

    /// Promise: what else is wrong with the marks is told beside what is wrong with the sign-in.
    #[test]
    fn another_trouble_is_told_too() {
        let (ended, denied) = (record("entra.grant_revoked"), record("graph.access_denied"));
        let parts = vec![
            part(Side::Account, "offline", 10, Some(&ended)),
            part(Side::Marks, "offline", 12, Some(&denied)),
        ];
        assert_eq!(judge(&facts(parts)).troubles.len(), 2);
    }

    /// Promise: nobody is told a time at which nothing is tried: after an ended sign-in the next try is the new one, and after a refusal
    /// to send the next mail.
    #[test]
    fn no_time_is_told_at_which_nothing_is_tried() {
        let (ended, busy, refused) =
            (record("entra.grant_revoked"), record("own.store"), record("graph.send_as"));
        let next = |parts| judge(&facts(parts)).next();
        let (account, mailbox) = (Side::Account, Side::Mailbox);
        assert_eq!(next(vec![part(account, "offline", 10, Some(&ended))]), Some(NextTry::SignIn));
        let both = vec![
            part(account, "offline", 10, Some(&ended)),
            part(mailbox, "degraded", 20, Some(&busy)),
            Part { next: 0, ..part(Side::Sending, "offline", 30, Some(&refused)) },
        ];
        assert_eq!((next(both.clone()), judge(&facts(both)).next_try), (Some(NextTry::SignIn), None));
        let sending = || Part { next: 0, ..part(Side::Sending, "offline", 30, Some(&refused)) };
        let well = || part(mailbox, "online", 20, None);
        assert_eq!(next(vec![well(), sending()]), Some(NextTry::Mail));
        let degraded = next(vec![part(mailbox, "degraded", 20, Some(&busy))]);
        assert!(matches!(degraded, Some(NextTry::At(at)) if at.as_microsecond() == 80), "{degraded:?}");
        assert_eq!(next(vec![well()]), None);
        let paused = Facts { paused_at: Some(99), ..facts(vec![sending()]) };
        assert_eq!(judge(&paused).next(), None);
    }

    /// Promise: an approval that is missing has a state of its own.
    #[test]
    fn a_missing_approval_is_told_apart() {
        let fault = record("entra.admin_approval");
        let standing = judge(&facts(vec![part(Side::Account, "offline", 10, Some(&fault))]));
        assert_eq!(standing.health, Health::ApprovalNeeded);
    }

    proptest! {
        /// Promise: a paused connection is paused whatever else its rows say, and nothing that is not well goes untold.
        #[test]
        fn pause_wins_and_nothing_is_swallowed(states in prop::collection::vec(0..3_usize, 1..4), paused: bool) {
            let fault = record("own.store");
            let words = ["online", "degraded", "offline"];
            let sides = [Side::Account, Side::Mailbox, Side::Project];
            let parts = states.iter().zip(sides).map(|(state, at)| part(at, words[*state], 7, Some(&fault))).collect();
            let facts = Facts { paused_at: paused.then_some(99), ..facts(parts) };
            let standing = judge(&facts);
            prop_assert_eq!(standing.health == Health::Paused, paused);
            let broken = states.iter().any(|state| *state != 0);
            prop_assert_eq!(broken, !standing.troubles.is_empty());
            if !paused {
                prop_assert_eq!(broken, standing.health != Health::Online);
            }
        }
    }
}
