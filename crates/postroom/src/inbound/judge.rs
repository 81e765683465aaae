//! What a fault does: to the message, to its destination, to its source. Pure, so that every row of the table can be tested.
//!
//! A fault of the other side (Jira down, token expired, project gone, quota) holds no mail: it stops the destination, which
//! says so and tries again by itself. A fault of the message's own counts; the third one in the same stage holds it.

use std::time::Duration;

use fault::{Class, Fault, Pause};
use jiff::{SignedDuration, Timestamp};

/// How often a message may fail for a reason of its own before it is held.
pub const OWN_FAULTS: i64 = 3;
/// How often the process may die while it holds a message that has no plan yet, before the message is held (ADR 0003).
pub const DEATHS: i64 = 10;
/// How long a destination that needs a person waits before it is tried again by itself.
const SLOWLY: SignedDuration = SignedDuration::from_secs(60);

/// How Jira names its limit of writes to one issue (`RateLimit-Reason`).
const PER_ISSUE: &str = "jira-per-issue-on-write";

/// What follows from a fault while a plan is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The destination takes no mail until then; the message is given back, uncounted.
    StopDestination {
        /// Not before.
        until: Timestamp,
        /// Whether a person must act (offline) or it passes by itself (degraded).
        needs_person: bool,
    },
    /// The issue that a comment or a file should go to is gone: decide anew, on record (I11).
    DecideAnew,
    /// The message waits until then, uncounted; nothing else does.
    Wait {
        /// Not before.
        at: Timestamp,
    },
    /// The message is tried again then, counted.
    TryAgain {
        /// Not before.
        at: Timestamp,
    },
    /// The message is held.
    Hold,
}

/// Judges a refusal. `attempts` are the message's faults of its own so far in this stage, this one not included;
/// `failures` the destination's in a row.
pub fn refused(fault: &Fault, existing_issue: bool, attempts: i64, failures: i64, now: Timestamp) -> Verdict {
    if fault.code.ends_with(PER_ISSUE) {
        // Jira's limit of writes to one issue: only this message waits, the others go on.
        return Verdict::Wait { at: after(now, wait(fault, 1)) };
    }
    match fault.entry.class {
        Class::Transient => {
            Verdict::StopDestination { until: after(now, wait(fault, failures)), needs_person: false }
        }
        Class::SignIn | Class::Administrator | Class::Configuration => {
            Verdict::StopDestination { until: after(now, SLOWLY), needs_person: true }
        }
        Class::Poison if existing_issue && fault.status == Some(404) => Verdict::DecideAnew,
        Class::Poison if attempts + 1 >= OWN_FAULTS => Verdict::Hold,
        Class::Poison => {
            Verdict::TryAgain { at: after(now, SignedDuration::from_secs(2 << attempts.clamp(0, 8))) }
        }
    }
}

/// How long to wait after the `failures`-th failure in a row: what the other side asked for, else 2, 4, 8 … up to 60 s.
pub fn wait(fault: &Fault, failures: i64) -> SignedDuration {
    let asked = fault.retry_after.and_then(|asked| SignedDuration::try_from(asked).ok());
    asked.unwrap_or_else(|| SignedDuration::from_secs((2_i64 << failures.clamp(0, 5)).min(60)))
}

/// How long a source waits after a poll that failed, `failures` others before it: as the catalogue of faults says. Where only a
/// new sign-in helps there is nothing to ask for; the sign-in makes its sources due at once, and this is only in case that it
/// was missed. `roll` lies in 0..1.
pub fn until_next_poll(fault: &Fault, failures: i64, roll: f64) -> SignedDuration {
    const AT_MOST: SignedDuration = SignedDuration::from_hours(1);
    match fault.pause(u32::try_from(failures).unwrap_or(0), roll) {
        Pause::For(pause) => SignedDuration::try_from(pause).unwrap_or(AT_MOST),
        Pause::UntilSignIn | Pause::Forever => AT_MOST,
    }
}

/// `now` plus a span, never past the end of time.
pub fn after(now: Timestamp, span: SignedDuration) -> Timestamp {
    now.saturating_add(span).unwrap_or(Timestamp::MAX)
}

/// The same for a standard duration.
pub fn after_std(now: Timestamp, span: Duration) -> Timestamp {
    after(now, SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(id: &str, status: Option<u16>, retry_after: Option<Duration>) -> Fault {
        let mut fault = Fault::own(id, "test");
        fault.status = status;
        fault.retry_after = retry_after;
        fault
    }

    fn of_class(class: Class) -> Fault {
        let entry =
            fault::catalogue().find(|entry| entry.class == class).expect("the catalogue has every class");
        fault(entry.id, None, None)
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_fault_of_the_other_side_never_counts_against_a_mail() {
        for class in [Class::Transient, Class::SignIn, Class::Administrator, Class::Configuration] {
            for attempts in [0, 1, 2, 50] {
                let verdict = refused(&of_class(class), false, attempts, 3, NOW);
                assert!(
                    matches!(verdict, Verdict::StopDestination { .. }),
                    "{class:?} {attempts}: {verdict:?}"
                );
            }
        }
    }

    #[test]
    fn the_third_fault_of_its_own_holds_a_mail() {
        let poison = of_class(Class::Poison);
        assert!(matches!(refused(&poison, false, 0, 0, NOW), Verdict::TryAgain { .. }));
        assert!(matches!(refused(&poison, false, 1, 0, NOW), Verdict::TryAgain { .. }));
        assert_eq!(refused(&poison, false, 2, 0, NOW), Verdict::Hold);
    }

    #[test]
    fn a_source_waits_as_its_fault_says() {
        let wait = |id, failures, roll| until_next_poll(&fault(id, None, None), failures, roll).as_secs();
        assert_eq!(wait("network.timeout", 0, 1.0), 2);
        assert_eq!(wait("network.timeout", 40, 1.0), 60);
        assert_eq!((wait("entra.conditional_access", 0, 0.0), wait("ews.disabled", 9, 1.0)), (300, 3_600));
        assert_eq!(wait("entra.grant_revoked", 0, 0.0), 3_600);
        assert!(wait("entra.loop", -1, 0.0) >= 900);
        let asked = fault("graph.throttled", None, Some(Duration::from_secs(77)));
        assert_eq!(until_next_poll(&asked, 3, 0.0).as_secs(), 77);
    }

    #[test]
    fn what_the_other_side_asks_for_is_honoured() {
        let mut transient = of_class(Class::Transient);
        transient.retry_after = Some(Duration::from_secs(1847));
        let Verdict::StopDestination { until, needs_person } = refused(&transient, false, 0, 0, NOW) else {
            panic!("stops the destination");
        };
        assert_eq!((until.as_second(), needs_person), (1847, false));
    }

    #[test]
    fn a_limit_of_one_issue_stops_only_its_own_mail() {
        let mut limit = of_class(Class::Transient);
        limit.code = "HTTP 429, jira-per-issue-on-write".to_owned();
        assert!(matches!(refused(&limit, true, 0, 0, NOW), Verdict::Wait { .. }));
    }

    #[test]
    fn a_gone_issue_leads_to_a_new_decision_only_for_what_was_to_go_into_it() {
        let mut gone = of_class(Class::Poison);
        gone.status = Some(404);
        assert_eq!(refused(&gone, true, 0, 0, NOW), Verdict::DecideAnew);
        assert!(matches!(refused(&gone, false, 0, 0, NOW), Verdict::TryAgain { .. }));
    }
}
