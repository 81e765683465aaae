//! Slows guessing of passwords down: per address signed in with, and per network address that tries.
//!
//! Kept in memory: a restart forgets it, and each node counts for itself.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Wrong tries that cost nothing.
const FREE: u32 = 5;
/// The longest wait.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);
/// After so long without a try all is forgotten.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(1);
/// The most that is remembered.
const KEPT: usize = 10_000;

/// Who tries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Email(String),
    Client(IpAddr),
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    wrong: u32,
    last: Timestamp,
}

impl Tries {
    /// When the next try is taken.
    fn free_at(&self, free: u32) -> Timestamp {
        let over = self.wrong.saturating_sub(free);
        if over == 0 {
            return self.last;
        }
        let wait = SignedDuration::from_secs(5 << (over - 1).min(10)).min(LONGEST);
        self.last.saturating_add(wait).unwrap_or(Timestamp::MAX)
    }
}

/// The tries so far.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<Key, Tries>>);

impl Throttle {
    /// How long to wait before the next try; none when it may be made now.
    pub(super) fn wait(&self, email: &str, client: Option<IpAddr>, now: Timestamp) -> Option<SignedDuration> {
        let tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys(email, client)
            .filter_map(|(key, free)| tries.get(&key).map(|tries| tries.free_at(free).duration_since(now)))
            .filter(SignedDuration::is_positive)
            .max()
    }

    /// A wrong try.
    pub(super) fn wrong(&self, email: &str, client: Option<IpAddr>, now: Timestamp) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= KEPT {
            tries.retain(|_, tries| now.duration_since(tries.last) < FORGOTTEN);
        }
        for (key, _) in keys(email, client) {
            // Full of fresh ones: somebody tries many addresses. Their network address is in it already.
            if tries.len() >= KEPT && !tries.contains_key(&key) {
                continue;
            }
            let entry = tries.entry(key).or_insert(Tries { wrong: 0, last: now });
            if now.duration_since(entry.last) >= FORGOTTEN {
                entry.wrong = 0;
            }
            entry.wrong = entry.wrong.saturating_add(1);
            entry.last = now;
        }
    }

    /// The right password: this address starts afresh, and the try that was counted before it was judged does not stand against
    /// the network address. What others tried wrong from there does: one's own password does not buy more guesses.
    pub(super) fn right(&self, email: &str, client: Option<IpAddr>) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tries.remove(&Key::Email(email.to_owned()));
        let Some(key) = client.map(Key::Client) else { return };
        if let Some(entry) = tries.get_mut(&key) {
            entry.wrong = entry.wrong.saturating_sub(1);
            if entry.wrong == 0 {
                tries.remove(&key);
            }
        }
    }
}

/// What a try counts against, each with its free tries: a network address may be a whole office's.
fn keys(email: &str, client: Option<IpAddr>) -> impl Iterator<Item = (Key, u32)> {
    std::iter::once((Key::Email(email.to_owned()), FREE))
        .chain(client.map(|client| (Key::Client(client), FREE * 4)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a few mistakes cost nothing, many cost ever more, and time heals.
    #[test]
    fn tries_cost_ever_more() {
        let throttle = Throttle::default();
        let begin = Timestamp::constant(1_790_000_000, 0);
        for _ in 0..FREE {
            assert_eq!(throttle.wait("a@b", None, begin), None);
            throttle.wrong("a@b", None, begin);
        }
        assert_eq!(throttle.wait("a@b", None, begin), None);
        throttle.wrong("a@b", None, begin);
        assert_eq!(throttle.wait("a@b", None, begin), Some(SignedDuration::from_secs(5)));
        for _ in 0..40 {
            throttle.wrong("a@b", None, begin);
        }
        assert_eq!(throttle.wait("a@b", None, begin), Some(LONGEST));
        assert_eq!(throttle.wait("c@d", None, begin), None, "others are not slowed down");
        assert_eq!(throttle.wait("a@b", None, begin + LONGEST), None);
        throttle.right("a@b", None);
        assert_eq!(throttle.wait("a@b", None, begin), None);
    }

    /// Promise: an office whose people sign in from one network address is not slowed down by their right passwords, and a right one
    /// does not take the wrong ones back.
    #[test]
    fn right_passwords_count_against_nobody() {
        let throttle = Throttle::default();
        let now = Timestamp::constant(1_790_000_000, 0);
        let office = Some("192.0.2.7".parse().unwrap());
        let try_once = |email: &str, is_right: bool| {
            throttle.wrong(email, office, now);
            if is_right {
                throttle.right(email, office);
            }
        };
        for n in 0..200 {
            assert_eq!(throttle.wait("anna@b", office, now), None, "after {n} right ones");
            try_once("anna@b", true);
        }
        for n in 0..=FREE * 4 {
            try_once(&format!("{n}@b"), false);
            try_once("anna@b", true);
        }
        assert!(throttle.wait("bert@b", office, now).is_some(), "the wrong ones count as before");
    }

    /// Promise: one network address that tries many users is slowed down, and memory is bounded.
    #[test]
    fn one_client_with_many_names_is_slowed_down() {
        let throttle = Throttle::default();
        let now = Timestamp::constant(1_790_000_000, 0);
        let client = Some("192.0.2.7".parse().unwrap());
        for n in 0..KEPT + 100 {
            throttle.wrong(&format!("{n}@b"), client, now);
        }
        assert!(throttle.wait("new@b", client, now).is_some());
        assert!(throttle.0.lock().unwrap().len() <= KEPT);
    }
}
