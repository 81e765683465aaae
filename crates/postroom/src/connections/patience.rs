//! Whether an account's sign-in may be asked for again, as the catalogue of faults says: an ended grant not until somebody
//! has signed in again, what an administrator can clear every 5 to 60 minutes, a loop not for a quarter of an hour. However
//! many sources and outbounds use the account, it is asked for once. Pure; kept per process, beside the tokens.

use fault::{Fault, Pause, Retry};
use jiff::{SignedDuration, Timestamp};

/// What an account's last refreshes have come to.
#[derive(Debug, Default)]
pub(super) struct Patience {
    failures: u32,
    not_before: Option<Timestamp>,
}

impl Patience {
    /// The fault that stands in the way; `None`: ask. `stored` is the account's fault as its row has it: it is gone once
    /// somebody has signed in again, on whichever node.
    pub(super) fn holds_back(&self, stored: Option<Fault>, now: Timestamp) -> Option<Fault> {
        let stored = stored?;
        if stored.retry() == Retry::AfterSignIn {
            return Some(stored);
        }
        let left = self.not_before?.duration_since(now);
        let left = left.is_positive().then(|| left.unsigned_abs())?;
        Some(Fault { retry_after: Some(left), ..stored })
    }

    /// A refresh failed; `roll` lies in 0..1.
    pub(super) fn failed(&mut self, fault: &Fault, now: Timestamp, roll: f64) {
        let pause = match fault.pause(self.failures, roll) {
            // Whoever needs the token comes back in its own time.
            Pause::For(_) if fault.retry() == Retry::Soon && fault.retry_after.is_none() => None,
            Pause::For(pause) => SignedDuration::try_from(pause).ok(),
            Pause::UntilSignIn | Pause::Forever => None,
        };
        self.failures = self.failures.saturating_add(1);
        self.not_before = pause.and_then(|pause| now.saturating_add(pause).ok());
    }

    /// It works, or a person asks for another try now.
    pub(super) fn begin_anew(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn fault(id: &str) -> Fault {
        Fault::own(id, "")
    }

    #[test]
    fn an_ended_grant_is_asked_for_again_only_after_a_sign_in() {
        let mut patience = Patience::default();
        patience.failed(&fault("entra.grant_revoked"), NOW, 0.5);
        let held = patience.holds_back(Some(fault("entra.grant_revoked")), at(90 * 24 * 3_600));
        assert_eq!(held.unwrap().entry.id, "entra.grant_revoked");
        // A new process knows it from the row.
        assert!(Patience::default().holds_back(Some(fault("entra.grant_revoked")), NOW).is_some());
        assert!(patience.holds_back(None, NOW).is_none(), "somebody has signed in");
    }

    #[test]
    fn what_an_administrator_can_clear_is_asked_for_slowly_and_at_once_when_a_person_says_so() {
        // Blocked, or asked for what an exception takes away: either clears without a sign-in.
        for id in ["entra.conditional_access", "entra.device", "entra.mfa_required"] {
            let mut patience = Patience::default();
            let blocked = || Some(fault(id));
            assert!(patience.holds_back(blocked(), NOW).is_none(), "a new process may ask once");
            patience.failed(&fault(id), NOW, 0.0);
            let held = patience.holds_back(blocked(), at(60)).unwrap();
            assert_eq!(held.retry_after, Some(Duration::from_secs(240)));
            assert!(patience.holds_back(blocked(), at(300)).is_none());
            for _ in 0..10 {
                patience.failed(&fault(id), NOW, 1.0);
            }
            assert!(patience.holds_back(blocked(), at(3_599)).is_some());
            assert!(patience.holds_back(blocked(), at(3_600)).is_none());
            patience.begin_anew();
            assert!(patience.holds_back(blocked(), NOW).is_none());
        }
    }

    #[test]
    fn a_loop_rests_and_what_passes_waits_only_as_long_as_it_was_asked_to() {
        let mut patience = Patience::default();
        patience.failed(&fault("entra.loop"), NOW, 0.0);
        assert!(patience.holds_back(Some(fault("entra.loop")), at(899)).is_some());
        assert!(patience.holds_back(Some(fault("entra.loop")), at(900)).is_none());
        patience.failed(&fault("network.timeout"), NOW, 1.0);
        assert!(patience.holds_back(Some(fault("network.timeout")), NOW).is_none());
        let throttled = Fault { retry_after: Some(Duration::from_secs(120)), ..fault("entra.throttled") };
        patience.failed(&throttled, NOW, 0.0);
        assert!(patience.holds_back(Some(fault("entra.throttled")), at(119)).is_some());
        assert!(patience.holds_back(Some(fault("entra.throttled")), at(120)).is_none());
    }
}
