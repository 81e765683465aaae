//! Outlook's limits for an app and a mailbox: 10,000 requests in 10 minutes, 4 at once, 150 MB up in 5 minutes. Requests
//! that are refused count as well.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

const REQUESTS: u64 = 10_000;
const REQUESTS_SECONDS: i64 = 600;
const UPLOAD: u64 = 150 * 1024 * 1024;
const UPLOAD_SECONDS: i64 = 300;
const AT_ONCE: usize = 4;

/// App (client id) and mailbox number.
pub(crate) type Key = (String, u32);

/// Why a request has to wait, and for how many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exceeded {
    pub(crate) message: &'static str,
    pub(crate) seconds: i64,
}

#[derive(Debug, Default)]
struct Spent {
    /// Second, requests, bytes up.
    slots: VecDeque<(i64, u64, u64)>,
    requests: u64,
    at_once: usize,
}

type Book = Arc<Mutex<HashMap<Key, Spent>>>;

/// The limits of all apps and mailboxes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Throttle(Book);

/// A place among the requests under way, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    book: Book,
    key: Key,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(spent) = lock(&self.book).get_mut(&self.key) {
            spent.at_once = spent.at_once.saturating_sub(1);
        }
    }
}

fn lock(book: &Book) -> MutexGuard<'_, HashMap<Key, Spent>> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Throttle {
    /// Counts a request and takes a place for it.
    pub(crate) fn enter(&self, key: Key, upload: usize, now: Timestamp) -> Result<Place, Exceeded> {
        let second = now.as_second();
        let mut book = lock(&self.0);
        let spent = book.entry(key.clone()).or_default();
        while let Some((at, requests, _)) = spent.slots.front().copied() {
            if at + REQUESTS_SECONDS > second {
                break;
            }
            spent.requests -= requests;
            spent.slots.pop_front();
        }
        let upload = upload as u64;
        match spent.slots.back_mut() {
            Some((at, requests, bytes)) if *at >= second => {
                *requests += 1;
                *bytes += upload;
            }
            _ => spent.slots.push_back((second, 1, upload)),
        }
        spent.requests += 1;
        if spent.requests > REQUESTS {
            let oldest = spent.slots.front().map_or(second, |(at, ..)| *at);
            let seconds = (oldest + REQUESTS_SECONDS - second).max(1);
            return Err(Exceeded {
                message: "Application is over its request limit for this mailbox.",
                seconds,
            });
        }
        if upload > 0 {
            let recent = spent.slots.iter().filter(|(at, ..)| at + UPLOAD_SECONDS > second);
            let total: u64 = recent.clone().map(|(.., bytes)| *bytes).sum();
            if total > UPLOAD {
                let oldest = recent.clone().find(|(.., bytes)| *bytes > 0).map_or(second, |(at, ..)| *at);
                let seconds = (oldest + UPLOAD_SECONDS - second).max(1);
                return Err(Exceeded {
                    message: "Application is over its upload limit for this mailbox.",
                    seconds,
                });
            }
        }
        if spent.at_once >= AT_ONCE {
            return Err(Exceeded {
                message: "Application is over its MailboxConcurrency limit.",
                seconds: 1,
            });
        }
        spent.at_once += 1;
        drop(book);
        Ok(Place { book: Arc::clone(&self.0), key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn key(mailbox: u32) -> Key {
        ("app".to_owned(), mailbox)
    }

    /// The fifth at once is refused, for one mailbox only, until a place is given back.
    #[test]
    fn four_at_once_for_a_mailbox() {
        let throttle = Throttle::default();
        let now = Timestamp::UNIX_EPOCH;
        let mut places: Vec<Place> =
            (0..4).map(|_| throttle.enter(key(1), 0, now).expect("a place")).collect();
        assert_eq!(throttle.enter(key(1), 0, now).map(drop).map_err(|e| e.seconds), Err(1));
        assert!(throttle.enter(key(2), 0, now).is_ok());
        places.pop();
        assert!(throttle.enter(key(1), 0, now).is_ok());
    }

    /// Ten thousand in ten minutes; then the wait is told, and over when told.
    #[test]
    fn ten_thousand_in_ten_minutes() {
        let throttle = Throttle::default();
        let begin = Timestamp::UNIX_EPOCH;
        for _ in 0..REQUESTS {
            throttle.enter(key(1), 0, begin).expect("a place");
        }
        let later = begin + SignedDuration::from_secs(100);
        let exceeded = throttle.enter(key(1), 0, later).expect_err("over the limit");
        assert_eq!(exceeded.seconds, 500);
        let after = later + SignedDuration::from_secs(exceeded.seconds);
        assert!(throttle.enter(key(1), 0, after).is_ok());
    }

    /// 150 MB up in five minutes; reading goes on.
    #[test]
    fn a_hundred_and_fifty_megabytes_up() {
        let throttle = Throttle::default();
        let now = Timestamp::UNIX_EPOCH;
        for _ in 0..3 {
            throttle.enter(key(1), 50 * 1024 * 1024, now).expect("a place");
        }
        assert_eq!(throttle.enter(key(1), 1, now).map(drop).map_err(|e| e.seconds), Err(300));
        assert!(throttle.enter(key(1), 0, now).is_ok());
    }
}
