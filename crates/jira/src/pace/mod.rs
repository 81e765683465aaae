//! The pace: keeps all calls of one client together under what the site allows, so that a long backlog drains at the
//! highest rate without being told off, and obeys when it is told off all the same.
//!
//! Three limits of Jira Cloud (facts: Atlassian's rate-limit page of 2026-08-12), each answered with 429:
//! points per hour (pause everything), a burst limit per endpoint and method (a token bucket here, a little under the
//! published rate), and writes per issue (20 in 2 s and 100 in 30 s; a sliding window here). Begin with [`Pace::turn`],
//! which waits for a call's turn, and [`Pace::answered`], which reads the headers of the answer.
//!
//! Time is `tokio::time::Instant`, so that tests can move it.

mod bucket;
mod headers;
#[cfg(test)]
mod tests;
mod window;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::time::Instant;

use headers::Reason;
pub(crate) use headers::{Advice, retry_after};

use bucket::Bucket;
use window::Window;

/// The rates kept to, in calls per second and endpoint. Published (all 2026-08): GET 100, POST 100, PUT 50, DELETE 50;
/// 20 writes in 2 s and 100 in 30 s to one issue.
#[derive(Clone, Debug)]
pub struct PaceSettings {
    /// GET.
    pub get: f64,
    /// POST.
    pub post: f64,
    /// PUT.
    pub put: f64,
    /// DELETE.
    pub delete: f64,
    /// How many calls may follow each other without a gap after a rest.
    pub burst: u32,
    /// Writes to one issue in any 2 s.
    pub issue_short: usize,
    /// Writes to one issue in any 30 s.
    pub issue_long: usize,
    /// Seeds the jitter of pauses that the server gave no length for.
    pub seed: u64,
}

impl Default for PaceSettings {
    fn default() -> Self {
        Self {
            get: 99.0,
            post: 99.0,
            put: 49.5,
            delete: 49.5,
            burst: 40,
            issue_short: 19,
            issue_long: 98,
            seed: rand::random(),
        }
    }
}

impl PaceSettings {
    fn rate(&self, method: &http::Method) -> f64 {
        match *method {
            http::Method::POST => self.post,
            http::Method::PUT => self.put,
            http::Method::DELETE => self.delete,
            _ => self.get,
        }
    }
}

/// What a call is, for the pace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lane<'a> {
    /// The endpoint's name; with the method it names a bucket.
    pub(crate) endpoint: &'static str,
    pub(crate) method: &'a http::Method,
    /// The issue, where the call writes to one.
    pub(crate) issue: Option<&'a str>,
}

/// A call would have to wait longer than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong {
    /// How long.
    pub(crate) wait: Duration,
    /// Whether it is for the issue's sake alone.
    pub(crate) for_issue: bool,
}

/// Windows are cleared of issues at rest when there are this many, then whenever they have doubled.
const MANY_ISSUES: usize = 512;
/// Pauses that the server names no length for begin at this and double (Atlassian: 2 s to 30 s, jitter 0.7 to 1.3).
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What a site has told of its limits, as far as this client has met them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Everything is paused for so long still.
    pub pause: Option<Duration>,
    /// The call that was refused last, with the limit's name, so long ago.
    pub refused: Option<(&'static str, &'static str, Duration)>,
    /// The newest numbers: the call they were told for, what is left, of how many, so long ago.
    pub left: Option<(&'static str, u64, Option<u64>, Duration)>,
}

/// The governor of one client.
#[derive(Debug)]
pub struct Pace {
    settings: PaceSettings,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    paused_until: Option<Instant>,
    /// Counts pauses: a turn reserved before one is not valid after it.
    pauses: u64,
    /// Refusals in a row.
    refusals: u32,
    buckets: HashMap<(&'static str, http::Method), Bucket>,
    issues: HashMap<String, Window>,
    clear_at: usize,
    rng: SmallRng,
    last_refused: Option<(&'static str, &'static str, Instant)>,
    last_left: Option<(&'static str, u64, Option<u64>, Instant)>,
}

impl Pace {
    /// A pace with nothing behind it.
    pub fn new(settings: PaceSettings) -> Self {
        let rng = SmallRng::seed_from_u64(settings.seed);
        let state = State {
            paused_until: None,
            pauses: 0,
            refusals: 0,
            buckets: HashMap::new(),
            issues: HashMap::new(),
            clear_at: MANY_ISSUES,
            rng,
            last_refused: None,
            last_left: None,
        };
        Self { settings, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing here can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When everything is paused: how long still.
    pub fn pause(&self) -> Option<Duration> {
        let now = Instant::now();
        self.state().paused_until.filter(|until| *until > now).map(|until| until - now)
    }

    /// What the site has told of its limits.
    pub fn told(&self) -> Told {
        let pause = self.pause();
        let (state, now) = (self.state(), Instant::now());
        Told {
            pause,
            refused: state
                .last_refused
                .map(|(endpoint, limit, at)| (endpoint, limit, now.duration_since(at))),
            left: state
                .last_left
                .map(|(endpoint, left, of, at)| (endpoint, left, of, now.duration_since(at))),
        }
    }

    /// Waits for the call's turn, or says at once that it will not come in time.
    pub(crate) async fn turn(&self, lane: Lane<'_>, wait_at_most: Duration) -> Result<(), TooLong> {
        let deadline = Instant::now() + wait_at_most;
        loop {
            let (at, pauses) = {
                let mut state = self.state();
                let now = Instant::now();
                let at = state.earliest(&self.settings, lane, now);
                if at > deadline {
                    let elsewhere = state.earliest(&self.settings, Lane { issue: None, ..lane }, now);
                    return Err(TooLong { wait: at - now, for_issue: elsewhere <= deadline });
                }
                state.take(lane, at);
                (at, state.pauses)
            };
            tokio::time::sleep_until(at).await;
            let state = self.state();
            let paused = state.paused_until.is_some_and(|until| until > Instant::now());
            if state.pauses == pauses && !paused {
                return Ok(());
            }
            // A refusal came while this call stood in the queue: it queues again, behind the pause.
        }
    }

    /// Waits, within bounds, until a call to this endpoint could go out; takes nothing.
    pub(crate) async fn until_free(&self, lane: Lane<'_>, wait_at_most: Duration) {
        let deadline = Instant::now() + wait_at_most;
        let at = self.state().earliest(&self.settings, lane, Instant::now());
        tokio::time::sleep_until(at.min(deadline)).await;
    }

    /// What the answer says about the pace; for a refusal (429, or 503 with a time) the pause that was taken on.
    pub(crate) fn answered(&self, lane: Lane<'_>, status: u16, advice: &Advice) -> Option<Duration> {
        let now = Instant::now();
        let mut state = self.state();
        let refused = status == 429 || (status == 503 && advice.retry_after.is_some());
        if let Some(left) = advice.remaining {
            state.last_left = Some((lane.endpoint, left, advice.limit, now));
        }
        if !refused {
            state.refusals = 0;
            if advice.near_limit || advice.remaining == Some(0) {
                // Close to the limit: no more bursts until the bucket has filled again.
                state.bucket(&self.settings, lane).no_burst(now);
            }
            return None;
        }
        state.refusals = state.refusals.saturating_add(1);
        let limit = match advice.reason {
            Some(Reason::Quota) => "the quota of an hour",
            Some(Reason::Burst) => "calls of one kind in a short time",
            Some(Reason::Issue) => "writes to one issue",
            None if status == 503 => "the service asks for a pause",
            None => "a limit that Jira does not name",
        };
        state.last_refused = Some((lane.endpoint, limit, now));
        let pause = if let Some(pause) = advice.retry_after {
            pause
        } else {
            let steps = state.refusals.saturating_sub(1).min(4);
            let full = (FIRST_PAUSE * (1 << steps)).min(LONGEST_PAUSE);
            full.mul_f64(state.rng.random_range(0.7..1.3))
        };
        state.pauses += 1;
        let until = now + pause;
        match (advice.reason, lane.issue) {
            (Some(Reason::Burst), _) => state.bucket(&self.settings, lane).refused(until),
            (Some(Reason::Issue), Some(issue)) => state.window(issue).refused(until),
            // A quota, a service in trouble, or a reason that is not known: everything waits.
            _ => state.paused_until = Some(state.paused_until.map_or(until, |before| before.max(until))),
        }
        Some(pause)
    }
}

impl State {
    fn bucket(&mut self, settings: &PaceSettings, lane: Lane<'_>) -> &mut Bucket {
        self.buckets
            .entry((lane.endpoint, lane.method.clone()))
            .or_insert_with(|| Bucket::new(settings.rate(lane.method), settings.burst))
    }

    fn window(&mut self, issue: &str) -> &mut Window {
        if !self.issues.contains_key(issue) {
            if self.issues.len() >= self.clear_at {
                let now = Instant::now();
                self.issues.retain(|_, window| !window.at_rest(now));
                self.clear_at = (self.issues.len() * 2).max(MANY_ISSUES);
            }
            self.issues.insert(issue.to_owned(), Window::default());
        }
        self.issues.entry(issue.to_owned()).or_default()
    }

    fn earliest(&mut self, settings: &PaceSettings, lane: Lane<'_>, now: Instant) -> Instant {
        let mut at = self.paused_until.map_or(now, |until| until.max(now));
        if let Some(issue) = lane.issue {
            at = self.window(issue).earliest(at, settings.issue_short, settings.issue_long);
        }
        self.bucket(settings, lane).earliest(at)
    }

    fn take(&mut self, lane: Lane<'_>, at: Instant) {
        if let Some(bucket) = self.buckets.get_mut(&(lane.endpoint, lane.method.clone())) {
            bucket.take(at);
        }
        if let Some(window) = lane.issue.and_then(|issue| self.issues.get_mut(issue)) {
            window.take(at);
        }
    }
}
