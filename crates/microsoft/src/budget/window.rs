//! A sliding window that counts, in steps of a second.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// What falls within this long is counted together, as if all of it had happened at the end.
const STEP: Duration = Duration::from_secs(1);

pub(super) struct Window {
    span: Duration,
    total: u64,
    steps: VecDeque<Step>,
}

struct Step {
    first: Instant,
    last: Instant,
    amount: u64,
}

impl Window {
    pub(super) fn new(span: Duration) -> Self {
        Self { span, total: 0, steps: VecDeque::new() }
    }

    fn forget(&mut self, now: Instant) {
        while let Some(step) = self.steps.front()
            && step.last + self.span <= now
        {
            self.total -= step.amount;
            self.steps.pop_front();
        }
    }

    pub(super) fn used(&mut self, now: Instant) -> u64 {
        self.forget(now);
        self.total
    }

    pub(super) fn add(&mut self, amount: u64, now: Instant) {
        if amount == 0 {
            return;
        }
        self.total += amount;
        match self.steps.back_mut() {
            Some(step) if now < step.first + STEP => {
                step.last = now;
                step.amount += amount;
            }
            _ => self.steps.push_back(Step { first: now, last: now, amount }),
        }
    }

    /// When `amount` fits under `ceiling`; `None` if it does now. What is larger than the ceiling fits into an empty window.
    pub(super) fn free_at(&mut self, amount: u64, ceiling: u64, now: Instant) -> Option<Instant> {
        let used = self.used(now);
        let mut over = used.saturating_add(amount).saturating_sub(ceiling).min(used);
        let mut at = None;
        for step in &self.steps {
            if over == 0 {
                break;
            }
            over = over.saturating_sub(step.amount);
            at = Some(step.last + self.span);
        }
        if amount == 0 { None } else { at }
    }
}
