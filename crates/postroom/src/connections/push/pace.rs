//! When a source is polled next, given what its push is worth. Polling is the guarantee, push only wakes it: the interval grows
//! while notices come, within limits, and is the usual one as soon as anything is doubtful. Pure but for [`after_round`].

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use store::{Db, StoreError};
use uuid::Uuid;

use super::store::{self as rows, Pulse};
use crate::connections::routes::time;

/// How much longer than usual a poll may wait while push works.
const STRETCH: u32 = 6;
/// But never longer than this.
const LONGEST: Duration = Duration::from_mins(5);
/// Graph may announce a mail before it lists it: for so long after a notice the usual interval holds.
const FRESH: SignedDuration = SignedDuration::from_secs(60);
/// The clocks of Exchange and of this machine may differ by so much: mail that came closer to the subscription's begin is not held
/// against it.
const SKEW: SignedDuration = SignedDuration::from_secs(30);

/// How a poll went.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// New mails that came since the subscription was made.
    pub fresh: usize,
    /// When the source was polled before with an answer.
    pub before: Option<Timestamp>,
}

/// From when on new mail must be announced.
pub fn announced_from(pulse: &Pulse) -> Option<Timestamp> {
    (pulse.live == 1).then(|| time(pulse.made_at).saturating_add(SKEW).unwrap_or(Timestamp::MAX))
}

/// When to poll next.
pub fn next(pulse: &Pulse, now: Timestamp, interval: Duration) -> Timestamp {
    let after = |span: Duration| {
        let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
        now.saturating_add(span).unwrap_or(Timestamp::MAX)
    };
    let is_fresh = pulse.last_notice_at.is_some_and(|at| now.duration_since(time(at)) < FRESH);
    // A subscription that has not announced anything yet has to prove itself.
    let is_trusted = pulse.live == 1
        && pulse.notices > 0
        && pulse.unheard == 0
        && time(pulse.expires_at) > now
        && !is_fresh;
    if is_trusted { after((interval * STRETCH).min(LONGEST).max(interval)) } else { after(interval) }
}

/// A round is complete: what it found is held against the notices, and the next poll's time is told.
pub async fn after_round(
    db: &Db,
    source: Uuid,
    round: Round,
    now: Timestamp,
    interval: Duration,
) -> Result<Timestamp, StoreError> {
    if round.fresh > 0
        && let Some(before) = round.before
    {
        let since = before.saturating_sub(FRESH).unwrap_or(Timestamp::MIN);
        rows::found(db, source, i64::try_from(round.fresh).unwrap_or(i64::MAX), since, now).await?;
    }
    Ok(next(&rows::pulse(db, source).await?, now, interval))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn pulse() -> Pulse {
        Pulse {
            live: 1,
            made_at: at(0).as_microsecond(),
            expires_at: at(9_000).as_microsecond(),
            notices: 2,
            last_notice_at: Some(at(100).as_microsecond()),
            unheard: 0,
        }
    }

    /// Promise: the interval grows only while push has shown that it works, and never beyond five minutes.
    #[rstest]
    #[case::works(pulse(), 10, 60)]
    #[case::works_slowly(pulse(), 120, 300)]
    #[case::polled_seldom_anyway(pulse(), 900, 900)]
    #[case::announced_nothing_yet(Pulse { notices: 0, last_notice_at: None, ..pulse() }, 10, 10)]
    #[case::announced_just_now(Pulse { last_notice_at: Some(at(950).as_microsecond()), ..pulse() }, 10, 10)]
    #[case::unheard(Pulse { unheard: 1, ..pulse() }, 10, 10)]
    #[case::off(Pulse { live: 0, ..pulse() }, 10, 10)]
    #[case::ended(Pulse { expires_at: at(1_000).as_microsecond(), ..pulse() }, 10, 10)]
    #[case::none(Pulse::default(), 10, 10)]
    fn the_interval_grows_while_push_works(#[case] pulse: Pulse, #[case] interval: u64, #[case] wait: i64) {
        assert_eq!(next(&pulse, at(1_000), Duration::from_secs(interval)), at(1_000 + wait));
    }

    /// Promise: mail from before the subscription is not held against it.
    #[test]
    fn only_later_mail_must_be_announced() {
        assert_eq!(announced_from(&pulse()), Some(at(30)));
        assert_eq!(announced_from(&Pulse::default()), None);
    }
}
