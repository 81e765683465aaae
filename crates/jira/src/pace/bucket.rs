//! The calls to one endpoint: a token bucket, kept as the time at which the next token is due (GCRA), so that a turn is
//! taken without a timer and callers are served in the order in which they came.

use std::time::Duration;

use tokio::time::Instant;

/// One bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    /// Time between two calls at full rate.
    interval: Duration,
    /// How far calls may run ahead of that.
    allowance: Duration,
    /// When the next call is due if they came evenly.
    due: Option<Instant>,
    /// No call before this.
    paused_until: Option<Instant>,
}

impl Bucket {
    pub(super) fn new(rate: f64, burst: u32) -> Self {
        // A rate of nothing would mean waiting for ever; one call a minute is as slow as a setting can make it.
        let interval = Duration::from_secs_f64(1.0 / rate.clamp(1.0 / 60.0, 1e6));
        Self { interval, allowance: interval * burst.saturating_sub(1), due: None, paused_until: None }
    }

    /// The earliest time from `at` on.
    pub(super) fn earliest(&self, at: Instant) -> Instant {
        let at = self.paused_until.map_or(at, |until| until.max(at));
        match self.due {
            Some(due) => at.max(due.checked_sub(self.allowance).unwrap_or(at)),
            None => at,
        }
    }

    pub(super) fn take(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.max(at)) + self.interval);
    }

    /// Spends what was saved up: from `now` on, calls come evenly until there has been a rest.
    pub(super) fn no_burst(&mut self, now: Instant) {
        let even = now + self.allowance;
        self.due = Some(self.due.map_or(even, |due| due.max(even)));
    }

    /// The server refused: nothing before `until`, and evenly after it.
    pub(super) fn refused(&mut self, until: Instant) {
        self.paused_until = Some(self.paused_until.map_or(until, |before| before.max(until)));
        // Turns that were handed out for the time of the pause are taken again after it.
        self.due = Some(until + self.allowance);
    }
}
