//! When the same is worth another try. Pure: the caller brings the number of failures and the roll of the die.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Fault;

/// How an entry of the catalogue is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// It passes by itself: seconds, then up to a minute; or what the other side asks for.
    Soon,
    /// It clears without a new sign-in once somebody has acted, or once a longer pause is over: 5 minutes to an hour.
    Slow,
    /// The other side counts each try against us: a quarter of an hour at the least.
    Rest,
    /// The grant has ended: nothing is asked for until somebody has signed in again.
    AfterSignIn,
    /// The same would fail again.
    Never,
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Try again after this long.
    For(Duration),
    /// Ask for nothing until somebody has signed in again.
    UntilSignIn,
    /// Do not try the same again.
    Forever,
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
/// A pause that the other side asks for is believed up to here.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

impl Retry {
    /// Least, first and greatest pause; `None` where there is no next try.
    fn span(self) -> Option<(Duration, Duration, Duration)> {
        match self {
            Self::Soon => Some((SECOND / 2, 2 * SECOND, MINUTE)),
            Self::Slow => Some((5 * MINUTE, 10 * MINUTE, HOUR)),
            Self::Rest => Some((15 * MINUTE, 30 * MINUTE, 2 * HOUR)),
            Self::AfterSignIn | Self::Never => None,
        }
    }
}

impl Fault {
    /// How it is tried again: as its entry says, except that a guess never ends a connection for good.
    pub fn retry(&self) -> Retry {
        match self.entry.retry {
            Retry::AfterSignIn if self.is_guess => Retry::Slow,
            retry => retry,
        }
    }

    /// The pause after this fault. `failures` came before it in a row; `roll` lies in 0..1 and spreads the tries of many
    /// connections (full jitter: anything between the least pause and a ceiling that doubles). What the other side asks for
    /// is the least.
    pub fn pause(&self, failures: u32, roll: f64) -> Pause {
        let retry = self.retry();
        let Some((least, first, greatest)) = retry.span() else {
            return match retry {
                Retry::AfterSignIn => Pause::UntilSignIn,
                _ => Pause::Forever,
            };
        };
        let ceiling = first.saturating_mul(1 << failures.min(16)).min(greatest);
        let asked = self.retry_after.map(|asked| asked.min(LONGEST));
        if let Some(asked) = asked.filter(|asked| *asked >= least) {
            return Pause::For(asked);
        }
        let roll = if roll.is_finite() { roll.clamp(0.0, 1.0) } else { 1.0 };
        Pause::For(least + ceiling.saturating_sub(least).mul_f64(roll))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(id: &str) -> Fault {
        let fault = Fault::own(id, "");
        assert_eq!(fault.entry.id, id);
        fault
    }

    fn seconds(fault: &Fault, failures: u32, roll: f64) -> f64 {
        match fault.pause(failures, roll) {
            Pause::For(pause) => pause.as_secs_f64(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_passes_is_tried_soon_and_ever_less_often_without_end() {
        let fault = fault("network.timeout");
        let ceilings: Vec<f64> = (0..8).map(|failures| seconds(&fault, failures, 1.0)).collect();
        assert_eq!(ceilings, [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]);
        for failures in [0, 3, 40, u32::MAX] {
            assert!((seconds(&fault, failures, 0.0) - 0.5).abs() < 1e-9, "full jitter reaches down");
        }
    }

    #[test]
    fn what_an_administrator_can_clear_is_tried_slowly() {
        for id in ["entra.conditional_access", "entra.account_disabled", "entra.app_disabled", "ews.disabled"]
        {
            for failures in [0, 1, 2, 5, 1_000] {
                for roll in [0.0, 0.3, 1.0, f64::NAN, -4.0, 9.0] {
                    let pause = seconds(&fault(id), failures, roll);
                    assert!((300.0..=3_600.0).contains(&pause), "{id} {failures} {roll}: {pause}");
                }
            }
        }
    }

    #[test]
    fn a_loop_is_given_a_quarter_of_an_hour_and_an_ended_grant_no_request_at_all() {
        for failures in [0, 1, 9] {
            assert!(seconds(&fault("entra.loop"), failures, 0.0) >= 900.0);
        }
        for id in ["entra.grant_revoked", "entra.grant_expired", "entra.device_deleted", "own.not_signed_in"]
        {
            assert_eq!(fault(id).pause(0, 0.5), Pause::UntilSignIn, "{id}");
        }
        assert_eq!(fault("graph.corrupt_item").pause(0, 0.5), Pause::Forever);
        let guess = Fault { is_guess: true, ..fault("entra.grant_invalid") };
        assert!(seconds(&guess, 0, 0.0) >= 300.0, "a code that nobody knows may clear by itself");
    }

    #[test]
    fn what_the_other_side_asks_for_is_the_least() {
        let asked = |id: &str, seconds: u64| {
            let mut fault = fault(id);
            fault.retry_after = Some(Duration::from_secs(seconds));
            fault
        };
        assert_eq!(asked("graph.throttled", 1_847).pause(0, 0.0), Pause::For(Duration::from_secs(1_847)));
        assert!(seconds(&asked("entra.loop", 1), 0, 0.0) >= 900.0, "too short for a loop");
        assert_eq!(asked("graph.throttled", u64::MAX).pause(0, 0.0), Pause::For(LONGEST));
    }
}
