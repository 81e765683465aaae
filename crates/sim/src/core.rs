//! What all services share: clock, chance, faults, latency, counters, recording.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::chance::Chance;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::faults::Faults;
use crate::record::Recorder;

/// Shared by all services of one simulator.
pub(crate) struct Core {
    pub(crate) clock: Clock,
    pub(crate) chance: Chance,
    pub(crate) faults: Faults,
    pub(crate) counters: Counters,
    pub(crate) recorder: Option<Recorder>,
    /// Cancelled when the simulator ends.
    pub(crate) end: CancellationToken,
    /// Called after every request that may have changed a mailbox.
    pub(crate) changed: Notify,
    latency_microseconds: AtomicU64,
    quotas: AtomicBool,
}

impl Core {
    pub(crate) fn new(clock: Clock, seed: u64, recorder: Option<Recorder>) -> Self {
        Self {
            clock,
            chance: Chance::new(seed),
            faults: Faults::default(),
            counters: Counters::default(),
            recorder,
            end: CancellationToken::new(),
            changed: Notify::new(),
            latency_microseconds: AtomicU64::new(0),
            quotas: AtomicBool::new(true),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The simulated round trip.
    pub(crate) fn latency(&self) -> Duration {
        Duration::from_micros(self.latency_microseconds.load(Ordering::Relaxed))
    }

    pub(crate) fn set_latency(&self, latency: Duration) {
        let microseconds = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latency_microseconds.store(microseconds, Ordering::Relaxed);
    }

    pub(crate) fn enforces_quotas(&self) -> bool {
        self.quotas.load(Ordering::Relaxed)
    }

    pub(crate) fn enforce_quotas(&self, enforce: bool) {
        self.quotas.store(enforce, Ordering::Relaxed);
    }
}
