//! What a mailbox may be asked, and when: the quotas of the service, the pauses it asks for, and who goes first.
//!
//! One [`Budget`] per mailbox, shared by everything that talks to it. Whoever wants to ask takes a [`Permit`] with
//! [`Budget::acquire`]; the request is charged when the permit is given, whatever becomes of it, as the service counts too.
//! Permits are given strictly by [`Priority`], first come first served within one.

mod window;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::sync::Notify;
use tokio::time::Instant;

use window::Window;

/// What waits in vain this long in the lowest priority goes on as backlog, so that a busy mailbox is still marked.
const PATIENCE_OF_SLACK: Duration = Duration::from_secs(15);
/// The shortest and the longest pause where the service names none.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(5));
/// The longest pause that is believed where the service names one.
const LONGEST_ASKED: Duration = Duration::from_hours(1);

/// Who goes first, and how much of the quota is theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Mail that has just come, and people who wait in front of a page: all of the quota.
    Live,
    /// Catching up: four fifths.
    Backlog,
    /// Marks and stamps, which can wait: seven tenths.
    Slack,
}

/// The limits of a service, per app and mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests in `request_span`.
    pub requests: u64,
    /// The span that requests are counted over.
    pub request_span: Duration,
    /// Requests at once.
    pub at_once: usize,
    /// Bytes sent up in `upload_span`.
    pub upload_bytes: u64,
    /// The span that bytes are counted over.
    pub upload_span: Duration,
}

impl Limits {
    /// Microsoft Graph, Outlook service: 10,000 requests in 10 minutes, 4 at once, 150 MB up in 5 minutes (Graph's
    /// service-specific throttling limits).
    pub const GRAPH: Self = Self {
        requests: 10_000,
        request_span: Duration::from_mins(10),
        at_once: 4,
        upload_bytes: 150_000_000,
        upload_span: Duration::from_mins(5),
    };

    /// Exchange Web Services, which name no number of requests: 27 at once over all that use the mailbox (`EWSMaxConcurrency`),
    /// of which a mail handler takes five; the rest is Graph's, as restraint of our own. Beyond that the service asks for pauses.
    pub const EWS: Self = Self { at_once: 5, ..Self::GRAPH };
}

/// What one request costs. A batch costs what its parts cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Requests as the service counts them.
    pub requests: u64,
    /// Of these, running at once.
    pub at_once: usize,
    /// Bytes sent up.
    pub upload_bytes: u64,
}

impl Charge {
    /// One request that sends nothing up.
    pub const ONE: Self = Self { requests: 1, at_once: 1, upload_bytes: 0 };
}

/// The governor of one mailbox.
pub struct Budget {
    limits: Limits,
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    requests: Window,
    uploads: Window,
    running: usize,
    waiting: BTreeSet<(Priority, u64)>,
    next_ticket: u64,
    paused_until: Option<Instant>,
    throttled_in_a_row: u32,
    rng: SmallRng,
}

enum Verdict {
    Go,
    /// Not before this.
    At(Instant),
    /// When something changes.
    Later,
}

impl Budget {
    /// A budget with these limits; `seed` only spreads the pauses of several mailboxes.
    pub fn new(limits: Limits, seed: u64) -> Self {
        Self {
            limits,
            state: Mutex::new(State {
                requests: Window::new(limits.request_span),
                uploads: Window::new(limits.upload_span),
                running: 0,
                waiting: BTreeSet::new(),
                next_ticket: 0,
                paused_until: None,
                throttled_in_a_row: 0,
                rng: SmallRng::seed_from_u64(seed),
            }),
            changed: Notify::new(),
        }
    }

    /// The budget of a mailbox that is reached through Graph.
    pub fn graph() -> Self {
        Self::new(Limits::GRAPH, rand::random())
    }

    /// The budget of a mailbox that is reached through EWS.
    pub fn ews() -> Self {
        Self::new(Limits::EWS, rand::random())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a request of this cost may go out. Gives up when that takes longer than `patience`; the error is how long
    /// it is worth waiting before the next try.
    pub async fn acquire(
        self: &Arc<Self>,
        charge: Charge,
        priority: Priority,
        patience: Duration,
    ) -> Result<Permit, Duration> {
        let asked_at = Instant::now();
        let deadline = asked_at + patience;
        let mut place = Place::take(self, priority);
        loop {
            // Registered before looking, so that no change is missed between looking and waiting.
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let now = Instant::now();
            if place.priority == Priority::Slack && now >= asked_at + PATIENCE_OF_SLACK {
                place.move_up(Priority::Backlog);
            }
            let verdict = self.state().judge(&self.limits, charge, (place.priority, place.ticket), now);
            let look_again = match verdict {
                Verdict::Go => {
                    drop(place);
                    return Ok(Permit {
                        budget: Arc::clone(self),
                        at_once: charge.at_once.min(self.limits.at_once),
                    });
                }
                Verdict::At(at) if at > deadline => return Err(at - now),
                Verdict::At(at) => at,
                Verdict::Later if now >= deadline => return Err(Duration::from_secs(1)),
                Verdict::Later => deadline,
            };
            let look_again = if place.priority == Priority::Slack {
                look_again.min(asked_at + PATIENCE_OF_SLACK)
            } else {
                look_again
            };
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(look_again) => {}
            }
        }
    }

    /// The service asked for a pause. Nothing goes out before it is over; where it named no time, pauses grow from 2 s to
    /// 300 s with every refusal in a row.
    pub fn throttled(&self, asked: Option<Duration>) {
        let now = Instant::now();
        {
            let mut state = self.state();
            let pausing = state.paused_until.is_some_and(|until| until > now);
            let pause = match asked {
                // A number without reason must not silence the mailbox for days.
                Some(asked) => asked.min(LONGEST_ASKED),
                // Answers to what was under way when the pause began say nothing new.
                None if pausing => return,
                None => {
                    let (shortest, longest) = PAUSES;
                    let doubled = shortest.saturating_mul(1 << state.throttled_in_a_row.min(16));
                    doubled.min(longest).mul_f64(state.rng.random_range(0.7..=1.0))
                }
            };
            if !pausing {
                state.throttled_in_a_row = state.throttled_in_a_row.saturating_add(1);
            }
            let until = now.checked_add(pause).unwrap_or(now + Duration::from_hours(24));
            state.paused_until = Some(state.paused_until.map_or(until, |before| before.max(until)));
        }
        self.changed.notify_waiters();
    }

    /// The service answered as it should: pauses begin small again.
    pub fn answered(&self) {
        self.state().throttled_in_a_row = 0;
    }

    /// How long the mailbox has asked not to be asked.
    pub fn pause(&self) -> Option<Duration> {
        let until = self.state().paused_until?;
        until.checked_duration_since(Instant::now()).filter(|pause| !pause.is_zero())
    }

    /// Requests charged within the span that the service counts over.
    pub fn used(&self) -> u64 {
        self.state().requests.used(Instant::now())
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("limits", &self.limits)
            .field("used", &self.used())
            .finish_non_exhaustive()
    }
}

impl State {
    fn judge(&mut self, limits: &Limits, charge: Charge, place: (Priority, u64), now: Instant) -> Verdict {
        if let Some(until) = self.paused_until {
            if until > now {
                return Verdict::At(until);
            }
            self.paused_until = None;
        }
        if self.waiting.first() != Some(&place) {
            return Verdict::Later;
        }
        let share = |whole: u64| match place.0 {
            Priority::Live => whole,
            Priority::Backlog => whole / 5 * 4,
            Priority::Slack => whole / 10 * 7,
        };
        let free_at = [
            self.requests.free_at(charge.requests, share(limits.requests), now),
            self.uploads.free_at(charge.upload_bytes, share(limits.upload_bytes), now),
        ];
        if let Some(at) = free_at.into_iter().flatten().max() {
            return Verdict::At(at);
        }
        let at_once = charge.at_once.min(limits.at_once);
        if self.running + at_once > limits.at_once {
            return Verdict::Later;
        }
        self.requests.add(charge.requests, now);
        self.uploads.add(charge.upload_bytes, now);
        self.running += at_once;
        Verdict::Go
    }
}

/// A place in the queue; given up when dropped.
struct Place<'a> {
    budget: &'a Budget,
    priority: Priority,
    ticket: u64,
}

impl<'a> Place<'a> {
    fn take(budget: &'a Budget, priority: Priority) -> Self {
        let mut state = budget.state();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.waiting.insert((priority, ticket));
        drop(state);
        Self { budget, priority, ticket }
    }

    fn move_up(&mut self, priority: Priority) {
        let mut state = self.budget.state();
        state.waiting.remove(&(self.priority, self.ticket));
        state.waiting.insert((priority, self.ticket));
        drop(state);
        self.priority = priority;
        self.budget.changed.notify_waiters();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.budget.state().waiting.remove(&(self.priority, self.ticket));
        self.budget.changed.notify_waiters();
    }
}

/// Leave to make one request; to be held until its answer is read.
#[derive(Debug)]
#[must_use = "the request counts as running only while the permit is held"]
pub struct Permit {
    budget: Arc<Budget>,
    at_once: usize,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.budget.state();
        state.running = state.running.saturating_sub(self.at_once);
        drop(state);
        self.budget.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
