//! What follows from an attempt to mark mails: for each of them, and for their source. Pure.
//!
//! A mailbox that does not take marks (no right, the folder for handled mail gone) says so for all of them: the source tells it, nothing
//! is given up, and one batch now and then finds out whether it is over. What one mail is refused for while others are marked is its own,
//! and ends on record.

use fault::{Class, Fault};
use jiff::{SignedDuration, Timestamp};
use microsoft::Changed;

use super::judge;
use super::store::{DueMark, MarkStanding, Marked, Outcome};
use crate::notices::decide::LONG;

/// A mark that fails this often for a reason of its own is given up, on record.
pub const ATTEMPTS: i64 = 8;

/// What follows for the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    Nothing,
    /// Marks wait until then; the source says why by itself.
    Wait {
        /// Not before.
        until: Timestamp,
    },
    /// The mailbox does not take the marks.
    Fails {
        /// Why.
        fault: Fault,
        /// Not before.
        until: Timestamp,
        /// Whether people are told: a person must act, or it has not passed by itself for long.
        is_told: bool,
    },
    /// It takes them again.
    Works,
}

/// What follows from an attempt.
#[derive(Clone, Debug)]
pub struct Judged {
    /// For each mail.
    pub outcomes: Vec<Outcome>,
    /// For the source.
    pub then: Then,
    /// Why mails stay unmarked for good.
    pub given_up: Vec<Fault>,
}

/// Whether only a person can mend it.
pub fn needs_person(fault: &Fault) -> bool {
    matches!(fault.entry.class, Class::Administrator | Class::Configuration)
}

/// Judges what the mailbox said of each mail of a batch. `roll` lies in 0..1.
pub fn judge(
    batch: &[DueMark],
    results: &[Result<Changed, Fault>],
    standing: &MarkStanding,
    now: Timestamp,
    roll: f64,
) -> Judged {
    let faults = || results.iter().filter_map(|result| result.as_ref().err());
    let is_any_done = results.iter().any(|result| matches!(result, Ok(Changed::Done { .. })));
    // What a person has to mend comes first, then what passes by itself.
    let refused = faults().find(|fault| needs_person(fault));
    let sign_in = faults().find(|fault| fault.entry.class == Class::SignIn);
    let passing = faults().find(|fault| fault.entry.class == Class::Transient);
    let slowly =
        |fault: &Fault| judge::after(now, judge::until_next_poll(fault, standing.mark_failures, roll));
    let then = match (refused, sign_in, passing) {
        _ if is_any_done && standing.mark_fault.is_some() => Then::Works,
        _ if is_any_done => Then::Nothing,
        // The source is not read either, and says so: one fault is told once.
        (Some(fault), _, _) if !standing.is_read() => Then::Wait { until: slowly(fault) },
        (Some(fault), _, _) => Then::Fails { fault: fault.clone(), until: slowly(fault), is_told: true },
        (None, Some(fault), _) => Then::Wait { until: slowly(fault) },
        // It says nothing of what somebody has to mend: that stays told as it is until marks go through.
        (None, None, Some(fault)) if standing.waits_for_person() => {
            Then::Wait { until: judge::after(now, judge::wait(fault, standing.mark_failures)) }
        }
        (None, None, Some(fault)) => {
            let since = Timestamp::from_microsecond(standing.mark_since).unwrap_or(now);
            let is_long = standing.mark_fault.is_some() && now.duration_since(since) >= LONG;
            let until = judge::after(now, judge::wait(fault, standing.mark_failures));
            Then::Fails { fault: fault.clone(), until, is_told: is_long && standing.is_read() }
        }
        (None, None, None) => Then::Nothing,
    };
    // Where the source waits, its mails need not wait by themselves, only behind those that were not tried.
    let is_waiting = !matches!(then, Then::Nothing | Then::Works);
    let mut given_up = Vec::new();
    let outcomes = batch
        .iter()
        .zip(results)
        .map(|(mark, result)| match result {
            Ok(Changed::Done { id }) => {
                let moved_to = (id.as_str() != mark.native_id).then(|| id.as_str().to_owned());
                Outcome { moved_to, ..outcome(mark, Marked::Done, 0) }
            }
            Ok(Changed::Gone) => outcome(mark, Marked::Gone, 0),
            Err(fault) => {
                // While the mailbox takes no mark at all, nobody knows whether it would have taken this one.
                let is_own = fault.entry.class == Class::Poison || (needs_person(fault) && !is_waiting);
                let may_end = fault.entry.class == Class::Poison || standing.mark_fault.is_none();
                if is_own && may_end && mark.mark_attempts + 1 >= ATTEMPTS {
                    given_up.push(fault.clone());
                    return outcome(mark, Marked::Failed, 1);
                }
                let until = if is_waiting && fault.entry.class != Class::Poison {
                    now
                } else {
                    let wait = judge::wait(fault, mark.mark_attempts + 2).max(SignedDuration::from_secs(2));
                    judge::after(now, wait)
                };
                outcome(mark, Marked::Later(until), i64::from(is_own))
            }
        })
        .collect();
    Judged { outcomes, then, given_up }
}

/// Every mail waits until then: the mailbox could not be asked at all.
pub fn put_off(batch: &[DueMark], until: Timestamp) -> Judged {
    let outcomes = batch.iter().map(|mark| outcome(mark, Marked::Later(until), 0)).collect();
    Judged { outcomes, then: Then::Wait { until }, given_up: Vec::new() }
}

/// Every mail has left the mailbox, as was found out before.
pub fn gone(batch: &[DueMark]) -> Judged {
    let outcomes = batch.iter().map(|mark| outcome(mark, Marked::Gone, 0)).collect();
    Judged { outcomes, then: Then::Nothing, given_up: Vec::new() }
}

/// What became of a mark, with so many attempts more.
fn outcome(mark: &DueMark, marked: Marked, counted: i64) -> Outcome {
    Outcome {
        id: mark.id,
        asked_by: mark.native_id.clone(),
        marked,
        attempts: mark.mark_attempts + counted,
        moved_to: None,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_790_000_000).unwrap()
    }

    fn due(attempts: i64) -> DueMark {
        DueMark {
            id: Uuid::now_v7(),
            source_id: Uuid::nil(),
            native_id: "m".to_owned(),
            k: "k".to_owned(),
            issue_key: None,
            mark_attempts: attempts,
            handled: "read".to_owned(),
            handled_target: String::new(),
            has_id: 1,
        }
    }

    fn standing(fails_since: Option<i64>) -> MarkStanding {
        standing_of(fails_since.map(|since| (since, "network.timeout")))
    }

    /// How it stands where marks have failed for so many seconds because of this fault, and that was told.
    fn standing_of(failing: Option<(i64, &str)>) -> MarkStanding {
        let record = failing.map(|(_, id)| serde_json::to_string(&fault(id).to_record()).unwrap());
        MarkStanding {
            workspace_id: Uuid::nil(),
            mark_state: if failing.is_some() { "degraded" } else { "online" }.to_owned(),
            mark_since: now().as_microsecond() - failing.map_or(0, |(since, _)| since) * 1_000_000,
            mark_fault: record,
            mark_failures: i64::from(failing.is_some()),
            reads: 1,
            connection_type: "graph".to_owned(),
        }
    }

    fn fault(id: &str) -> Fault {
        let fault = Fault::own(id, "");
        assert_eq!(fault.entry.id, id);
        fault
    }

    fn done() -> Changed {
        Changed::Done { id: "m".into() }
    }

    fn of(attempts: &[i64], results: &[Result<Changed, Fault>], standing: &MarkStanding) -> Judged {
        let batch: Vec<DueMark> = attempts.iter().map(|attempts| due(*attempts)).collect();
        judge(&batch, results, standing, now(), 0.5)
    }

    fn is_later(outcome: &Outcome) -> bool {
        matches!(outcome.marked, Marked::Later(_))
    }

    /// Promise: what keeps a mailbox from taking any mark is told, tried again slowly, and gives no mail up, however long it lasts.
    #[test]
    fn a_mailbox_that_takes_no_mark_is_told_and_tried_slowly() {
        for id in ["graph.access_denied", "graph.folder_gone", "graph.mailbox_full"] {
            for (attempts, standing) in [(0, standing(None)), (50, standing(Some(90_000)))] {
                let refused = || Err(fault(id));
                let judged = of(&[attempts, attempts], &[refused(), refused()], &standing);
                let Then::Fails { fault, until, is_told: true } = &judged.then else { panic!("{judged:?}") };
                assert_eq!(fault.entry.id, id);
                let wait = until.duration_since(now()).as_secs();
                assert!((300..=3_600).contains(&wait), "{wait}");
                assert!(judged.outcomes.iter().all(is_later) && judged.given_up.is_empty());
            }
        }
    }

    /// Promise: as soon as one mark goes through, the trouble is over; a mail that is refused alone is given up in the end, on record.
    #[test]
    fn what_others_are_marked_beside_is_a_mails_own() {
        let refused = || Err(fault("graph.access_denied"));
        let judged = of(&[3, 0], &[refused(), Ok(done())], &standing(Some(60)));
        assert_eq!(judged.then, Then::Works);
        assert!(is_later(&judged.outcomes[0]) && matches!(judged.outcomes[1].marked, Marked::Done));
        assert_eq!(judged.outcomes[0].attempts, 4);
        let judged = of(&[ATTEMPTS - 1, 0], &[refused(), Ok(done())], &standing(None));
        assert_eq!((judged.then.clone(), judged.given_up.len()), (Then::Nothing, 1));
        assert!(matches!(judged.outcomes[0].marked, Marked::Failed));
        let poison = of(&[ATTEMPTS - 1], &[Err(fault("graph.corrupt_item"))], &standing(Some(60)));
        assert_eq!(
            (poison.then, poison.given_up.len()),
            (Then::Nothing, 1),
            "it says nothing of the mailbox"
        );
        let gone = of(&[0], &[Ok(Changed::Gone)], &standing(Some(60)));
        assert_eq!(gone.then, Then::Nothing, "a mail that is gone proves nothing");
    }

    /// Promise: what passes by itself is told only once it has lasted, and what the source tells by itself is not told twice.
    #[test]
    fn what_passes_by_itself_disturbs_nobody() {
        let lost = || [Err(fault("network.timeout"))];
        for (standing, told) in
            [(standing(None), false), (standing(Some(600)), false), (standing(Some(1_900)), true)]
        {
            let Then::Fails { is_told, until, .. } = of(&[0], &lost(), &standing).then else {
                panic!("fails")
            };
            assert_eq!(is_told, told);
            assert!(until.duration_since(now()) <= SignedDuration::from_secs(60));
        }
        let ended = of(&[0], &[Err(fault("graph.token"))], &standing(None));
        assert!(matches!(ended.then, Then::Wait { .. }));
        let offline = MarkStanding { reads: 0, ..standing(None) };
        assert!(matches!(of(&[0], &[Err(fault("graph.access_denied"))], &offline).then, Then::Wait { .. }));
    }

    /// Promise: what passes by itself soon after a refusal, or long after it, does not take the place of what somebody has to mend: that
    /// stays told with its reason, is tried again soon, and gives no mail up.
    #[test]
    fn what_passes_by_itself_leaves_a_refusal_told() {
        for passing in ["network.timeout", "graph.unavailable", "graph.throttled"] {
            for since in [5, 600, 90_000] {
                let standing = standing_of(Some((since, "graph.access_denied")));
                let judged = of(&[50, 0], &[Err(fault(passing)), Err(fault(passing))], &standing);
                let Then::Wait { until } = judged.then else { panic!("{passing}: {:?}", judged.then) };
                assert!(until > now() && until.duration_since(now()).as_secs() <= 60, "{passing}: {until}");
                assert!(judged.outcomes.iter().all(is_later) && judged.given_up.is_empty());
                assert!(judged.outcomes.iter().zip([50, 0]).all(|(one, before)| one.attempts == before));
            }
        }
        // One that waits for a person beside one that passes: the mend is told.
        let both = [Err(fault("network.timeout")), Err(fault("graph.folder_gone"))];
        let judged = of(&[0, 0], &both, &standing_of(Some((5, "graph.access_denied"))));
        assert!(
            matches!(&judged.then, Then::Fails { fault, is_told: true, .. } if fault.entry.id == "graph.folder_gone")
        );
    }

    /// Promise: a source that is not read, because its mailbox refuses everything, gives no mark up, however often it was tried: the
    /// marks are made when it is read again, or over the other transport.
    #[test]
    fn a_source_that_is_not_read_gives_no_mark_up() {
        let offline = MarkStanding { reads: 0, ..standing(None) };
        for id in ["graph.access_denied", "ews.not_allowed"] {
            let judged = of(&[ATTEMPTS - 1, 50], &[Err(fault(id)), Err(fault(id))], &offline);
            assert!(matches!(judged.then, Then::Wait { .. }), "{id}: {judged:?}");
            assert!(judged.outcomes.iter().all(is_later) && judged.given_up.is_empty(), "{id}: {judged:?}");
            assert_eq!(judged.outcomes[0].attempts, ATTEMPTS - 1, "{id}: it is not the mail's own");
        }
    }
}
