//! What is told when. Pure: what has been told so far and the time are arguments.
//!
//! No storms: notices that fall together go as one message; a channel takes at most [`MOST`] messages in [`WINDOW`], what is
//! more waits and goes together; a connection that goes off and on again all the time is told of twice an hour and then only
//! once it stays away. What is over before it was sent is not sent, and neither is that it is over.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A connection needs a person.
    Offline,
    /// An administrator has to approve.
    ApprovalNeeded,
    /// A connection has been trying again for long.
    Degraded,
    /// No mail for hours.
    Silence,
    /// Microsoft announces no new mail, though it was asked to.
    Push,
    /// The mailbox takes no marks on handled mail.
    Marks,
    /// Something will end.
    Expiry,
    /// The approval is there.
    ApprovalGiven,
    /// It works again.
    Back,
}

impl Kind {
    /// As rows name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::ApprovalNeeded => "approval_needed",
            Self::Degraded => "degraded",
            Self::Silence => "silence",
            Self::Push => "push",
            Self::Marks => "marks",
            Self::Expiry => "expiry",
            Self::ApprovalGiven => "approval_given",
            Self::Back => "back",
        }
    }

    /// The kind that a row names.
    pub fn of_row(word: &str) -> Option<Self> {
        [
            Self::Offline,
            Self::ApprovalNeeded,
            Self::Degraded,
            Self::Silence,
            Self::Push,
            Self::Marks,
            Self::Expiry,
            Self::ApprovalGiven,
            Self::Back,
        ]
        .into_iter()
        .find(|kind| kind.word() == word)
    }

    /// Whether it tells of a trouble that lasts until it is over.
    pub fn lasts(self) -> bool {
        matches!(
            self,
            Self::Offline | Self::ApprovalNeeded | Self::Degraded | Self::Silence | Self::Push | Self::Marks
        )
    }

    /// Whether it tells that something is right again.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Back | Self::ApprovalGiven)
    }
}

/// What falls into this time goes together.
pub const GATHER: SignedDuration = SignedDuration::from_secs(1);
/// A channel takes [`MOST`] messages in this time.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// See [`WINDOW`].
pub const MOST: usize = 5;
/// Troubles of one connection within this time are counted.
pub const RECENT: SignedDuration = SignedDuration::from_hours(1);
/// So many of them are told at once; those after wait whether they last.
const AT_ONCE: usize = 2;
/// How long a connection that goes off and on stays away before it is told again.
const STAYS: SignedDuration = SignedDuration::from_mins(15);
/// A connection that tries again for so long is told of.
pub const LONG: SignedDuration = SignedDuration::from_mins(30);

/// When a notice of a connection may go, given the times of its troubles in the last hour (this one not included).
pub fn goes_at(kind: Kind, recent_troubles: &[Timestamp], now: Timestamp) -> Timestamp {
    let near = |at: &&Timestamp| now.duration_since(**at) < RECENT;
    let wait =
        if kind.lasts() && recent_troubles.iter().filter(near).count() >= AT_ONCE { STAYS } else { GATHER };
    now.saturating_add(wait).unwrap_or(now)
}

/// Whether a channel may send now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Now.
    Now,
    /// Not before; what comes until then goes along.
    At(Timestamp),
}

/// Whether a channel may send now, given when it sent.
pub fn turn(sent: &[Timestamp], now: Timestamp) -> Turn {
    let mut within: Vec<Timestamp> =
        sent.iter().copied().filter(|at| now.duration_since(*at) < WINDOW).collect();
    within.sort_unstable();
    match within.len().checked_sub(MOST) {
        None => Turn::Now,
        Some(over) => Turn::At(within[over].saturating_add(WINDOW).unwrap_or(now)),
    }
}

/// How long to wait after so many attempts that failed; none: it is given up.
pub fn again_after(attempts: i64, asked: Option<SignedDuration>) -> Option<SignedDuration> {
    let usual = match attempts {
        ..=1 => SignedDuration::from_secs(10),
        2 => SignedDuration::from_secs(30),
        3 => SignedDuration::from_mins(2),
        4 => SignedDuration::from_mins(10),
        // An hour each from here: a day in all.
        5..=27 => SignedDuration::from_hours(1),
        _ => return None,
    };
    // What the other side asks for is honoured up to an hour: a notice of tomorrow helps nobody.
    let asked = asked.unwrap_or(SignedDuration::ZERO).min(SignedDuration::from_hours(1));
    Some(usual.max(asked))
}

/// How far back a silence is looked at, in days.
const LOOKS_BACK: i64 = 60;

/// The times in which mail is to be expected.
#[derive(Clone, Debug)]
pub struct Alarm {
    /// So many hours of these times without mail are too many.
    pub hours: i64,
    /// Minutes since midnight.
    pub begins: i64,
    /// Minutes since midnight, after `begins`; 1440 is the day's end.
    pub ends: i64,
    /// A bit for each day, Monday the lowest.
    pub days: i64,
    /// Where.
    pub zone: TimeZone,
}

impl Alarm {
    fn counts(&self, day: Weekday) -> bool {
        self.days & (1 << day.to_monday_zero_offset()) != 0
    }

    /// How much of the times in which mail is to be expected lies between two moments. Looks at [`LOOKS_BACK`] days at
    /// most.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        let first = from.to_zoned_datetime(self.zone.clone()).date();
        let mut sum = SignedDuration::ZERO;
        for n in 0..LOOKS_BACK {
            let Ok(day) = first.checked_add(n.days()) else { break };
            let moment = |minutes: i64| {
                let at =
                    day.to_datetime(jiff::civil::Time::midnight()).checked_add(minutes.minutes()).ok()?;
                self.zone.to_timestamp(at).ok()
            };
            let (Some(begins), Some(ends)) = (moment(self.begins), moment(self.ends)) else { break };
            if begins >= to {
                break;
            }
            let (begins, ends) = (begins.max(from), ends.min(to));
            if self.counts(day.weekday()) && ends > begins {
                sum = sum.saturating_add(ends.duration_since(begins));
            }
        }
        sum
    }

    /// The most hours without mail that an alarm at these times can wait for, so that it rings within the days that are looked at,
    /// whatever the weekday: whole weeks count, and an hour less where clocks are put forward.
    pub fn most_hours(&self) -> i64 {
        let days = i64::from((self.days & 0b111_1111).count_ones());
        // The first day may be half over, and the last one half begun.
        let weeks = (LOOKS_BACK - 2) / 7;
        (weeks * days * (self.ends - self.begins) / 60 - 1).max(0)
    }

    /// Whether it has been silent too long: no mail since then.
    pub fn rings(&self, since: Timestamp, now: Timestamp) -> bool {
        self.hours > 0 && self.between(since, now) >= SignedDuration::from_hours(self.hours)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    /// Promise: the first two troubles of an hour go at once, later ones only once they last; that it is back goes at once.
    #[rstest]
    #[case(Kind::Offline, &[], 1)]
    #[case(Kind::Offline, &[-100], 1)]
    #[case(Kind::Offline, &[-100, -50], 900)]
    #[case(Kind::Offline, &[-4000, -3700], 1)]
    #[case(Kind::Back, &[-100, -50], 1)]
    fn flapping_is_not_a_storm(#[case] kind: Kind, #[case] before: &[i64], #[case] after: i64) {
        let before: Vec<Timestamp> = before.iter().map(|seconds| at(*seconds)).collect();
        assert_eq!(goes_at(kind, &before, at(0)), at(after));
    }

    /// Promise: a channel's sixth message in ten minutes waits until the first has left the window.
    #[test]
    fn a_channel_is_not_flooded() {
        let sent: Vec<Timestamp> = (0..5).map(|n| at(n * 10)).collect();
        assert_eq!(turn(&sent[..4], at(60)), Turn::Now);
        assert_eq!(turn(&sent, at(60)), Turn::At(at(600)));
        assert_eq!(turn(&sent, at(601)), Turn::Now);
    }

    /// Promise: a notice that cannot be delivered is tried for a day, and not longer.
    #[test]
    fn delivery_is_tried_for_a_day() {
        let total: SignedDuration = (1..)
            .map_while(|attempts| again_after(attempts, None))
            .fold(SignedDuration::ZERO, SignedDuration::saturating_add);
        assert!((23..=25).contains(&total.as_hours()), "{total:?}");
        assert_eq!(again_after(1, Some(SignedDuration::from_secs(70))), Some(SignedDuration::from_secs(70)));
    }

    fn office() -> Alarm {
        // Monday to Friday, 8 to 18, Berlin.
        Alarm {
            hours: 4,
            begins: 8 * 60,
            ends: 18 * 60,
            days: 0b1_1111,
            zone: TimeZone::get("Europe/Berlin").unwrap(),
        }
    }

    /// Promise: only hours in which mail is to be expected count, in the time zone that was set.
    #[rstest]
    // Friday 17:00 to Monday 10:00, Berlin (UTC+2): one hour and two.
    #[case("2026-09-18T15:00:00Z", "2026-09-21T08:00:00Z", 3, false)]
    #[case("2026-09-18T15:00:00Z", "2026-09-21T09:00:00Z", 4, true)]
    // The whole weekend is no silence.
    #[case("2026-09-18T16:00:00Z", "2026-09-20T22:00:00Z", 0, false)]
    fn silence_counts_working_hours(
        #[case] since: Timestamp,
        #[case] now: Timestamp,
        #[case] hours: i64,
        #[case] rings: bool,
    ) {
        assert_eq!(office().between(since, now), SignedDuration::from_hours(hours));
        assert_eq!(office().rings(since, now), rings);
    }

    proptest! {
        /// Promise: an alarm that asks for no more hours than it can wait for rings, whenever the silence begins.
        #[test]
        fn every_alarm_can_ring(days in 1_i64..0x80, begins in 0_i64..1440, long in 1_i64..1441, from in 0_i64..40_000_000, berlin: bool) {
            let zone = if berlin { TimeZone::get("Europe/Berlin").unwrap() } else { TimeZone::UTC };
            let mut alarm = Alarm { hours: 0, begins, ends: (begins + long).min(1440), days, zone };
            alarm.hours = alarm.most_hours();
            prop_assume!(alarm.hours > 0);
            prop_assert!(alarm.rings(at(from), at(from + LOOKS_BACK * 24 * 3600)), "{alarm:?}");
        }

        /// Promise: expected time is never more than time, and only grows.
        #[test]
        fn expected_time_is_part_of_time(days in 0_i64..0x80, begins in 0_i64..1440, long in 0_i64..1440, from in 0_i64..1_000_000, long_after in 0_i64..3_000_000) {
            let alarm = Alarm { hours: 1, begins, ends: (begins + long).min(1440), days, zone: TimeZone::UTC };
            let counted = alarm.between(at(from), at(from + long_after));
            prop_assert!(counted <= SignedDuration::from_secs(long_after));
            prop_assert!(counted <= alarm.between(at(from), at(from + long_after + 3600)));
        }

        /// Promise: whatever was sent, at most five messages go in any ten minutes.
        #[test]
        fn never_more_than_the_most(steps in prop::collection::vec(1_i64..300, 1..60)) {
            let (mut sent, mut now) = (Vec::new(), 0);
            for step in steps {
                now += step;
                if turn(&sent, at(now)) == Turn::Now {
                    sent.push(at(now));
                }
            }
            for first in &sent {
                let within = sent.iter().filter(|at| **at >= *first && at.duration_since(*first) < WINDOW).count();
                prop_assert!(within <= MOST);
            }
        }
    }
}
