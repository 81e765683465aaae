//! Writes to one issue: 20 in 2 s and 100 in 30 s on Jira Cloud, as a sliding window.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Both spans are a little longer than Jira's, because calls may come closer together on their way.
const SHORT: Duration = Duration::from_millis(2_050);
const LONG: Duration = Duration::from_millis(30_500);
/// No more turns are remembered; settings above it are cut to it.
const REMEMBERED: usize = 256;

/// The writes to one issue, oldest first.
#[derive(Debug, Default)]
pub(super) struct Window {
    taken: VecDeque<Instant>,
    paused_until: Option<Instant>,
}

impl Window {
    /// The earliest time from `at` on.
    pub(super) fn earliest(&self, at: Instant, short: usize, long: usize) -> Instant {
        let at = self.paused_until.map_or(at, |until| until.max(at));
        // The n-th last turn must lie a whole span back.
        let after = |count: usize, span: Duration| {
            let count = count.clamp(1, REMEMBERED);
            let nth = self.taken.len().checked_sub(count).and_then(|index| self.taken.get(index));
            nth.map(|taken| *taken + span)
        };
        at.max(after(short, SHORT).unwrap_or(at)).max(after(long, LONG).unwrap_or(at))
    }

    pub(super) fn take(&mut self, at: Instant) {
        if self.taken.len() >= REMEMBERED {
            self.taken.pop_front();
        }
        // Turns are handed out in order, but for a pause that moved one back.
        let place = self.taken.partition_point(|taken| *taken <= at);
        self.taken.insert(place, at);
    }

    pub(super) fn refused(&mut self, until: Instant) {
        self.paused_until = Some(self.paused_until.map_or(until, |before| before.max(until)));
    }

    /// Whether it no longer says anything.
    pub(super) fn at_rest(&self, now: Instant) -> bool {
        self.paused_until.is_none_or(|until| until <= now)
            && self.taken.back().is_none_or(|last| *last + LONG <= now)
    }
}
