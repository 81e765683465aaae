//! The simulator's clock: the real one plus an offset that the control address moves, or one that stands still.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// A wall clock that can be moved. Clones share the same time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The moment at which the clock stands; `None` for one that runs.
    fixed: Option<Timestamp>,
    offset_microseconds: AtomicI64,
}

impl Default for Clock {
    fn default() -> Self {
        Self::running()
    }
}

impl Clock {
    /// A clock that runs with the machine's.
    pub fn running() -> Self {
        Self(Arc::new(Inner { fixed: None, offset_microseconds: AtomicI64::new(0) }))
    }

    /// A clock that stands at `at` until it is advanced.
    pub fn standing(at: Timestamp) -> Self {
        Self(Arc::new(Inner { fixed: Some(at), offset_microseconds: AtomicI64::new(0) }))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        let base = self.0.fixed.unwrap_or_else(machine_time);
        let offset = SignedDuration::from_micros(self.0.offset_microseconds.load(Ordering::Relaxed));
        base.saturating_add(offset).unwrap_or(base)
    }

    /// Moves the clock forwards, or backwards with a negative duration.
    pub fn advance(&self, by: SignedDuration) {
        let microseconds = i64::try_from(by.as_micros()).unwrap_or(0);
        self.0.offset_microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
fn machine_time() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clones are one clock: a lever moves the time of every service.
    #[test]
    fn clones_move_together() {
        let clock = Clock::standing(Timestamp::UNIX_EPOCH);
        let other = clock.clone();
        clock.advance(SignedDuration::from_secs(90));
        assert_eq!(other.now().as_second(), 90);
        other.advance(SignedDuration::from_secs(-30));
        assert_eq!(clock.now().as_second(), 60);
    }
}
