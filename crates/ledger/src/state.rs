//! The life of a step as a pure function: state and event in, state and next command out.
//!
//! ```text
//!            intend              wrote
//! planned ─────────▶ intent ───────────────▶ done
//!    ▲                 │ lost / restarted      ▲
//!    │ refused         ▼                       │ found
//!    └──────────── in_doubt ── probe ──────────┘
//!                      │ nothing found, Q over: intend again
//!                      │ cannot be known
//!                      ▼
//!                    held
//! ```
//!
//! The one rule everything rests on: **a write starts only from `intent`, and `intent` is entered from `in_doubt` only
//! when a probe made after the quarantine found nothing.** `tests/model.rs` checks it exhaustively against a model of a
//! remote side that loses replies and delays effects.

use jiff::{SignedDuration, Timestamp};

/// Where a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepState {
    /// Part of a plan, nothing done.
    Planned,
    /// Committed that it will be written now.
    Intent,
    /// A write may or may not have taken effect; nothing is written before `until`, and then only after a probe.
    InDoubt {
        /// End of the quarantine.
        until: Timestamp,
    },
    /// Written or adopted.
    Done,
    /// Set aside for a person.
    Held,
}

/// What happened to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The worker is about to write.
    Intend,
    /// The other side confirmed the effect.
    Wrote,
    /// The other side refused, or the request never left: there is no effect.
    NotDone,
    /// No answer, or one that leaves open whether there is an effect.
    Lost,
    /// The step is found in `intent` by somebody who did not write it (restart, lease taken over).
    Found,
    /// A probe saw the effect.
    Seen,
    /// A probe saw no effect.
    NotSeen,
    /// No probe can tell.
    CannotTell,
}

/// What the worker does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Next {
    /// Send the request (the intent is committed first).
    Write,
    /// Look whether the effect is there.
    Probe,
    /// Leave the step alone until then, then look again.
    Wait(Timestamp),
    /// Go on with the next step.
    GoOn,
    /// Decide by the refusal: retry later, revise, or hold.
    Judge,
    /// A person must look.
    Stop,
}

/// An event that cannot happen in this state: a bug of ours, refused before it does harm.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a step in state {state:?} cannot take {event:?}; nothing was written. Report this as a bug")]
pub struct Illegal {
    state: StepState,
    event: Event,
}

/// The transition. `now` is the database's time, `quarantine` is Q of design §4.
pub fn step(
    state: StepState,
    event: Event,
    now: Timestamp,
    quarantine: SignedDuration,
) -> Result<(StepState, Next), Illegal> {
    use StepState::{Done, Held, InDoubt, Intent, Planned};
    let doubt = || InDoubt { until: now.saturating_add(quarantine).unwrap_or(Timestamp::MAX) };
    Ok(match (state, event) {
        (Planned, Event::Intend) => (Intent, Next::Write),
        (Intent, Event::Wrote) | (InDoubt { .. }, Event::Seen) => (Done, Next::GoOn),
        (Intent, Event::NotDone) => (Planned, Next::Judge),
        // After a restart the quarantine begins anew: the write of a process that was killed may still be under way. What a
        // person releases starts from the doubt as well, never from a blind write.
        (Intent, Event::Lost | Event::Found) | (InDoubt { .. } | Held, Event::Found) => {
            (doubt(), Next::Probe)
        }
        (InDoubt { until }, Event::NotSeen) if now < until => (state, Next::Wait(until)),
        (InDoubt { .. }, Event::NotSeen) => (Planned, Next::Write),
        (InDoubt { .. }, Event::CannotTell) => (Held, Next::Stop),
        (state, event) => return Err(Illegal { state, event }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const Q: SignedDuration = SignedDuration::from_secs(120);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    #[test]
    fn a_lost_reply_is_probed_at_once_and_written_again_only_after_the_quarantine() {
        let (state, next) = step(StepState::Intent, Event::Lost, at(0), Q).expect("legal");
        assert_eq!((state, next), (StepState::InDoubt { until: at(120) }, Next::Probe));
        let (state, next) = step(state, Event::NotSeen, at(119), Q).expect("legal");
        assert_eq!(next, Next::Wait(at(120)));
        let (state, next) = step(state, Event::NotSeen, at(120), Q).expect("legal");
        assert_eq!((state, next), (StepState::Planned, Next::Write));
    }

    #[test]
    fn what_is_done_stays_done() {
        for event in [Event::Intend, Event::Wrote, Event::NotDone, Event::Lost, Event::Found, Event::NotSeen]
        {
            assert!(step(StepState::Done, event, at(0), Q).is_err(), "{event:?}");
        }
    }

    fn any_event() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::Intend),
            Just(Event::Wrote),
            Just(Event::NotDone),
            Just(Event::Lost),
            Just(Event::Found),
            Just(Event::Seen),
            Just(Event::NotSeen),
            Just(Event::CannotTell)
        ]
    }

    proptest! {
        /// Promise 2: between a write that may have happened and the next write lies a probe that was made after the
        /// quarantine and saw nothing.
        #[test]
        fn no_second_write_without_a_late_empty_probe(events in prop::collection::vec((any_event(), 0i64..200), 0..60)) {
            let mut state = StepState::Planned;
            let mut now = 0;
            let mut doubtful_since: Option<i64> = None;
            for (event, passed) in events {
                now += passed;
                let Ok((after, _)) = step(state, event, at(now), Q) else { continue };
                match (state, event) {
                    (StepState::Intent, Event::Lost | Event::Found) => doubtful_since = Some(now),
                    (StepState::InDoubt { .. }, Event::NotSeen) if after == StepState::Planned => {
                        let since = doubtful_since.take().expect("a doubt has a beginning");
                        prop_assert!(now - since >= 120);
                    }
                    (StepState::InDoubt { .. }, Event::Seen) => doubtful_since = None,
                    _ => {}
                }
                if after == StepState::Intent {
                    prop_assert!(doubtful_since.is_none());
                }
                state = after;
            }
        }
    }
}
