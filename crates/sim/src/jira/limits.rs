//! Rate limits as the facts give them: a token bucket for each endpoint and method (burst), and two windows
//! of writes for each issue. Counted always, enforced when quotas are on.

use std::collections::{HashMap, VecDeque};

use http::Method;
use jiff::Timestamp;

/// Writes to one issue: at most `.0` within `.1` milliseconds.
const ISSUE_WINDOWS: [(usize, i64); 2] = [(20, 2_000), (100, 30_000)];

/// What the limits say about one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Requests a second that the endpoint allows.
    pub(crate) limit: u32,
    /// How many are left at once.
    pub(crate) remaining: u32,
    /// Set when the request exceeds a limit.
    pub(crate) exceeded: Option<Exceeded>,
}

/// Which limit was exceeded and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exceeded {
    /// `RateLimit-Reason`.
    pub(crate) reason: &'static str,
    /// Milliseconds until a request is let through again.
    pub(crate) wait: i64,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

/// The counters of the site.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    buckets: HashMap<(Method, String), Bucket>,
    issues: HashMap<String, VecDeque<Timestamp>>,
}

impl Limits {
    /// Takes one request into account. `endpoint` is the path template; `issue` is the issue that a write
    /// goes to. A request that exceeds a limit uses nothing up when `enforce` is set.
    pub(crate) fn take(
        &mut self,
        method: &Method,
        endpoint: &str,
        issue: Option<&str>,
        now: Timestamp,
        enforce: bool,
    ) -> Verdict {
        let limit = rate(method, endpoint);
        let key = (method.clone(), endpoint.to_owned());
        let bucket = self.buckets.entry(key).or_insert(Bucket { tokens: f64::from(limit), at: now });
        let passed = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        bucket.tokens = (bucket.tokens + passed * f64::from(limit)).min(f64::from(limit));
        bucket.at = now;
        if bucket.tokens < 1.0 {
            let wait = whole((1.0 - bucket.tokens) / f64::from(limit) * 1000.0) + 1;
            if enforce {
                let exceeded = Some(Exceeded { reason: "jira-burst-based", wait });
                return Verdict { limit, remaining: 0, exceeded };
            }
        }
        if let Some(issue) = issue
            && let Some(wait) = self.write_to(issue, now)
            && enforce
        {
            let exceeded = Some(Exceeded { reason: "jira-per-issue-on-write", wait });
            return Verdict { limit, remaining: 0, exceeded };
        }
        let remaining = match self.buckets.get_mut(&(method.clone(), endpoint.to_owned())) {
            Some(bucket) => {
                bucket.tokens = (bucket.tokens - 1.0).max(0.0);
                u32::try_from(whole(bucket.tokens)).unwrap_or(0)
            }
            None => 0,
        };
        Verdict { limit, remaining, exceeded: None }
    }

    /// Counts a write to an issue; the milliseconds to wait if there were too many.
    fn write_to(&mut self, issue: &str, now: Timestamp) -> Option<i64> {
        if self.issues.len() > 10_000 {
            self.issues.retain(|_, writes| {
                writes.back().is_some_and(|last| now.duration_since(*last).as_millis() < 30_000)
            });
        }
        let writes = self.issues.entry(issue.to_owned()).or_default();
        let longest = ISSUE_WINDOWS[1].1;
        while writes
            .front()
            .is_some_and(|first| now.duration_since(*first).as_millis() >= i128::from(longest))
        {
            writes.pop_front();
        }
        for (most, window) in ISSUE_WINDOWS {
            let within = |at: &&Timestamp| now.duration_since(**at).as_millis() < i128::from(window);
            let count = writes.iter().rev().take_while(within).count();
            if count >= most {
                let oldest = writes[writes.len() - most];
                let passed = i64::try_from(now.duration_since(oldest).as_millis()).unwrap_or(0);
                return Some(window - passed);
            }
        }
        writes.push_back(now);
        None
    }
}

/// Requests a second for an endpoint. Exceptions of the facts: reading one issue and approximate-count 150.
fn rate(method: &Method, endpoint: &str) -> u32 {
    match *method {
        Method::GET if endpoint.ends_with("/issue/{issue}") => 150,
        Method::POST if endpoint.ends_with("/search/approximate-count") => 150,
        Method::PUT | Method::DELETE => 50,
        _ => 100,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the values are small and not negative")]
fn whole(number: f64) -> i64 {
    number.max(0.0).floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + millis).expect("a time in range")
    }

    fn allowed(limits: &mut Limits, method: &Method, endpoint: &str, issue: Option<&str>, now: i64) -> bool {
        limits.take(method, endpoint, issue, at(now), true).exceeded.is_none()
    }

    #[test]
    fn a_second_allows_as_many_as_the_facts_say() {
        for (method, endpoint, rate) in [
            (Method::GET, "/rest/api/3/myself", 100),
            (Method::POST, "/rest/api/3/issue", 100),
            (Method::PUT, "/rest/api/3/issue/{issue}", 50),
            (Method::DELETE, "/rest/api/3/issue/{issue}", 50),
            (Method::GET, "/rest/api/3/issue/{issue}", 150),
        ] {
            let mut limits = Limits::default();
            let passed = (0..200).filter(|_| allowed(&mut limits, &method, endpoint, None, 0)).count();
            assert_eq!(passed, rate, "{method} {endpoint}");
            let verdict = limits.take(&method, endpoint, None, at(0), true);
            assert_eq!(verdict.exceeded.map(|exceeded| exceeded.reason), Some("jira-burst-based"));
            assert!(allowed(&mut limits, &method, endpoint, None, 1000), "refilled after a second");
        }
    }

    #[test]
    fn one_issue_takes_twenty_writes_in_two_seconds_and_a_hundred_in_thirty() {
        let mut limits = Limits::default();
        let endpoint = "/rest/api/3/issue/{issue}/attachments";
        let write = |limits: &mut Limits, now| allowed(limits, &Method::POST, endpoint, Some("SUP-1"), now);
        assert_eq!((0..25).filter(|_| write(&mut limits, 0)).count(), 20);
        assert!(!write(&mut limits, 1999));
        let mut passed = 20;
        for second in 1..13 {
            passed += (0..20).filter(|_| write(&mut limits, second * 2100)).count();
        }
        assert_eq!(passed, 100);
        assert!(
            allowed(&mut limits, &Method::POST, endpoint, Some("SUP-2"), 25_000),
            "another issue is free"
        );
        assert!(write(&mut limits, 30_001));
    }

    #[test]
    fn without_enforcement_nothing_is_refused_and_the_count_still_falls() {
        let mut limits = Limits::default();
        for _ in 0..300 {
            let verdict = limits.take(&Method::POST, "/rest/api/3/issue", None, at(0), false);
            assert_eq!(verdict.exceeded, None);
        }
        assert_eq!(limits.take(&Method::POST, "/rest/api/3/issue", None, at(0), false).remaining, 0);
    }
}
