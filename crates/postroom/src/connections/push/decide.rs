//! What is to be done about a source's push. Pure: what its row says, whether push is possible, and the time are arguments.

use jiff::{SignedDuration, Timestamp};

use super::possible::Why;

/// How long a subscription is asked for. Graph lets one to messages live for just under seven days, and let it live for 4,230
/// minutes in the past; this is less than either.
pub const LIFE: SignedDuration = SignedDuration::from_hours(70);
/// How long Graph has to ask our address to echo its token, and to answer; afterwards it is looked whether the subscription is there.
pub const MAKING: SignedDuration = SignedDuration::from_secs(60);
/// So many new mails in a row that no notice announced are suspicious.
pub const UNHEARD: i64 = 3;
/// For so long their notices may still come: Graph delivers most within a minute.
pub const LATE: SignedDuration = SignedDuration::from_mins(2);
/// A subscription that was given up as deaf is tried again after this.
pub const DEAF_FOR: SignedDuration = SignedDuration::from_hours(24);

/// How push stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There is no subscription.
    Off,
    /// One is being made: its intent is stored, what Graph made of it is not.
    Making,
    /// There is one.
    On,
    /// Twice there was one that announced nothing: the source is polled.
    Deaf,
}

impl State {
    /// As rows and the API name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Making => "making",
            Self::On => "on",
            Self::Deaf => "deaf",
        }
    }

    /// The state that a row names.
    pub fn of_word(word: &str) -> Self {
        [Self::Making, Self::On, Self::Deaf]
            .into_iter()
            .find(|state| state.word() == word)
            .unwrap_or(Self::Off)
    }
}

/// What Graph has asked for in a lifecycle notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// To authorise the subscription anew.
    Reauthorize,
    /// To make another one: it was removed.
    Removed,
}

impl Asked {
    /// As rows name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reauthorize => "reauthorize",
            Self::Removed => "removed",
        }
    }

    /// What a row names.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Reauthorize, Self::Removed].into_iter().find(|asked| asked.word() == word)
    }
}

/// How push of a source stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// Whether it is possible, and why not.
    pub possible: Result<(), Why>,
    /// The state.
    pub state: State,
    /// Why there is none.
    pub why: Why,
    /// Account, mailbox, folder and public address are still those that it was made for.
    pub fits: bool,
    /// The subscription's end.
    pub expires: Timestamp,
    /// When it is renewed, or tried again.
    pub next_at: Timestamp,
    /// What Graph has asked for.
    pub asked: Option<Asked>,
    /// New mails in a row that no notice announced.
    pub unheard: i64,
    /// Since when they are too many.
    pub unheard_at: Option<Timestamp>,
    /// How often in a row it was found deaf.
    pub times_deaf: i64,
}

/// Why another subscription is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// There is none.
    Missing,
    /// Microsoft has removed it, or it has ended.
    Lost,
    /// It was made for something else than what the source reads now, or for another address of ours.
    Changed,
    /// It announced nothing.
    Deaf,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Rest,
    /// No push, for this reason; a subscription that is there is ended.
    TurnOff(Why),
    /// A new subscription; one that is there is ended.
    Subscribe(Cause),
    /// Look whether a subscription was made whose answer was lost.
    Settle,
    /// Move its end.
    Renew,
    /// Authorise it anew.
    Reauthorize,
    /// Poll instead.
    GiveUp,
}

/// Decides.
pub fn decide(now_is: &Situation, now: Timestamp) -> Action {
    let due = now >= now_is.next_at;
    if let Err(why) = now_is.possible {
        let is_so = now_is.state == State::Off && now_is.why == why;
        return if is_so { Action::Rest } else { Action::TurnOff(why) };
    }
    // What kept it from being possible is over, or it would be another subscription than the deaf one: that waits for nothing.
    let at_once = match now_is.state {
        State::Off => now_is.why.is_structural(),
        State::Deaf => !now_is.fits,
        State::Making | State::On => false,
    };
    match now_is.state {
        State::Off | State::Deaf if due || at_once => Action::Subscribe(Cause::Missing),
        State::Making if due => Action::Settle,
        State::Off | State::Deaf | State::Making => Action::Rest,
        State::On => keep(now_is, now, due),
    }
}

/// What is to be done with a subscription that is there.
fn keep(now_is: &Situation, now: Timestamp, due: bool) -> Action {
    if now_is.asked == Some(Asked::Removed) || now >= now_is.expires {
        Action::Subscribe(Cause::Lost)
    } else if !now_is.fits {
        Action::Subscribe(Cause::Changed)
    } else if is_deaf(now_is, now) {
        if now_is.times_deaf == 0 { Action::Subscribe(Cause::Deaf) } else { Action::GiveUp }
    } else if due {
        // Renewing authorises it too, and the two must not come close together.
        Action::Renew
    } else if now_is.asked == Some(Asked::Reauthorize) {
        Action::Reauthorize
    } else {
        Action::Rest
    }
}

fn is_deaf(now_is: &Situation, now: Timestamp) -> bool {
    let waited = now_is.unheard_at.is_some_and(|since| now.duration_since(since) >= LATE);
    now_is.unheard >= UNHEARD && waited
}

/// When a subscription is renewed that lives from `now` to `expires`: after two thirds of its life, give or take a twentieth, so
/// that many do not fall together. `roll` lies in 0..1.
pub fn renew_at(now: Timestamp, expires: Timestamp, roll: f64) -> Timestamp {
    let life = expires.duration_since(now).as_secs_f64().max(0.0);
    let share = 2.0 / 3.0 + (roll - 0.5) / 10.0;
    let after = SignedDuration::try_from_secs_f64(life * share).unwrap_or(SignedDuration::ZERO);
    now.saturating_add(after).unwrap_or(expires)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    /// One that is on, to be renewed at 200 and to end at 300.
    fn on() -> Situation {
        Situation {
            possible: Ok(()),
            state: State::On,
            why: Why::Nothing,
            fits: true,
            expires: at(300),
            next_at: at(200),
            asked: None,
            unheard: 0,
            unheard_at: None,
            times_deaf: 0,
        }
    }

    fn off(why: Why) -> Situation {
        Situation { state: State::Off, why, ..on() }
    }

    /// Promise: each situation has its one next step.
    #[rstest]
    #[case::quiet(on(), 100, Action::Rest)]
    #[case::renewal_is_due(on(), 200, Action::Renew)]
    #[case::renewal_failed_too_long(on(), 300, Action::Subscribe(Cause::Lost))]
    #[case::reauthorization_is_asked(Situation { asked: Some(Asked::Reauthorize), ..on() }, 100, Action::Reauthorize)]
    #[case::renewing_does_both(Situation { asked: Some(Asked::Reauthorize), ..on() }, 200, Action::Renew)]
    #[case::removed(Situation { asked: Some(Asked::Removed), ..on() }, 100, Action::Subscribe(Cause::Lost))]
    #[case::another_account(Situation { fits: false, ..on() }, 100, Action::Subscribe(Cause::Changed))]
    #[case::paused(Situation { possible: Err(Why::Paused), ..on() }, 100, Action::TurnOff(Why::Paused))]
    #[case::paused_while_making(
        Situation { possible: Err(Why::Paused), state: State::Making, ..on() }, 100, Action::TurnOff(Why::Paused))]
    #[case::off_and_not_possible(Situation { possible: Err(Why::Shared), ..off(Why::Shared) }, 100, Action::Rest)]
    #[case::off_for_another_reason(
        Situation { possible: Err(Why::Ews), ..off(Why::Paused) }, 100, Action::TurnOff(Why::Ews))]
    #[case::resumed(off(Why::Paused), 100, Action::Subscribe(Cause::Missing))]
    #[case::never_tried(off(Why::Nothing), 200, Action::Subscribe(Cause::Missing))]
    #[case::refused_a_while_ago(off(Why::Refused), 100, Action::Rest)]
    #[case::refused_long_ago(off(Why::Refused), 200, Action::Subscribe(Cause::Missing))]
    #[case::under_way(Situation { state: State::Making, ..on() }, 100, Action::Rest)]
    #[case::answer_lost(Situation { state: State::Making, ..on() }, 200, Action::Settle)]
    #[case::two_unheard(Situation { unheard: 2, unheard_at: None, ..on() }, 199, Action::Rest)]
    #[case::unheard_but_maybe_late(Situation { unheard: 3, unheard_at: Some(at(60)), ..on() }, 179, Action::Rest)]
    #[case::unheard(Situation { unheard: 3, unheard_at: Some(at(60)), ..on() }, 180, Action::Subscribe(Cause::Deaf))]
    #[case::unheard_again(
        Situation { unheard: 3, unheard_at: Some(at(60)), times_deaf: 1, ..on() }, 180, Action::GiveUp)]
    #[case::deaf(Situation { state: State::Deaf, times_deaf: 2, ..on() }, 100, Action::Rest)]
    #[case::deaf_for_long(
        Situation { state: State::Deaf, times_deaf: 2, ..on() }, 200, Action::Subscribe(Cause::Missing))]
    #[case::deaf_and_the_address_changed(
        Situation { state: State::Deaf, fits: false, ..on() }, 100, Action::Subscribe(Cause::Missing))]
    #[case::deaf_and_paused(
        Situation { possible: Err(Why::Paused), state: State::Deaf, ..on() }, 100, Action::TurnOff(Why::Paused))]
    fn each_situation_has_its_step(#[case] situation: Situation, #[case] now: i64, #[case] step: Action) {
        assert_eq!(decide(&situation, at(now)), step);
    }

    /// Promise: a renewal is due after two thirds of the life, give or take a twentieth.
    #[test]
    fn renewals_are_spread() {
        let days = |roll| {
            renew_at(at(0), at(0) + LIFE, roll).duration_since(at(0)).as_secs_f64() / LIFE.as_secs_f64()
        };
        assert!(
            (days(0.0) - 0.6167).abs() < 0.001 && (days(1.0) - 0.7167).abs() < 0.001,
            "{} {}",
            days(0.0),
            days(1.0)
        );
        // A fifth of the life and more is left for a renewal that fails at first.
        assert!(
            LIFE - SignedDuration::try_from_secs_f64(days(1.0) * LIFE.as_secs_f64()).unwrap()
                > SignedDuration::from_hours(14)
        );
    }

    proptest! {
        /// Promise: where push is not possible nothing is ever asked of Graph but to end what is there.
        #[test]
        fn what_is_not_possible_is_not_tried(state in 0..4_usize, due: bool, unheard in 0..5_i64, fits: bool) {
            let state = [State::Off, State::Making, State::On, State::Deaf][state];
            let situation = Situation { possible: Err(Why::Shared), state, unheard, fits, ..on() };
            let action = decide(&situation, at(if due { 250 } else { 50 }));
            prop_assert!(matches!(action, Action::TurnOff(Why::Shared)), "{action:?}");
        }
    }
}
