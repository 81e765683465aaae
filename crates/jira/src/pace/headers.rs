//! What the headers of an answer say about the pace.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

use crate::wire;

/// The longest pause that is believed; a longer one is asked for again.
const LONGEST: Duration = Duration::from_hours(2);

/// Which limit was hit (`RateLimit-Reason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Points of the app or the tenant: everything waits.
    Quota,
    /// The burst limit of this endpoint and method.
    Burst,
    /// Writes to this issue.
    Issue,
}

/// What an answer advises.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Advice {
    /// When to come back.
    pub(crate) retry_after: Option<Duration>,
    /// Which limit was hit.
    pub(crate) reason: Option<Reason>,
    /// Less than a fifth of the limit is left.
    pub(crate) near_limit: bool,
    /// Calls left.
    pub(crate) remaining: Option<u64>,
    /// Calls that are allowed in all.
    pub(crate) limit: Option<u64>,
}

impl Advice {
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let reason = text("ratelimit-reason").map(str::to_ascii_lowercase).and_then(|reason| {
            if reason.contains("per-issue") {
                Some(Reason::Issue)
            } else if reason.contains("burst") {
                Some(Reason::Burst)
            } else {
                reason.contains("quota").then_some(Reason::Quota)
            }
        });
        let number = |name: &str| text(name).and_then(|number| number.parse().ok());
        Self {
            retry_after: retry_after(headers),
            reason,
            near_limit: text("x-ratelimit-nearlimit").is_some_and(|near| near.eq_ignore_ascii_case("true")),
            remaining: number("x-ratelimit-remaining").or_else(|| structured(headers, "ratelimit", "r")),
            limit: number("x-ratelimit-limit").or_else(|| structured(headers, "ratelimit-policy", "q")),
        }
    }
}

/// `Retry-After` in both its forms, else `X-RateLimit-Reset`. Dates are measured from the answer's own `Date`, so that
/// clocks that differ do no harm.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let until = |at: Timestamp| -> Option<Duration> {
        let now = http_date(text("date")?)?;
        Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
    };
    let asked = match text("retry-after") {
        Some(after) => match after.parse::<f64>() {
            Ok(seconds) if seconds.is_finite() => {
                Some(Duration::from_secs_f64(seconds.clamp(0.0, LONGEST.as_secs_f64())))
            }
            _ => http_date(after).and_then(until),
        },
        None => None,
    };
    asked
        .or_else(|| text("x-ratelimit-reset").and_then(wire::timestamp).and_then(until))
        // Only what is used up has to be waited for.
        .or_else(|| {
            let is_used_up = structured(headers, "ratelimit", "r") == Some(0);
            structured(headers, "ratelimit", "t").filter(|_| is_used_up).map(Duration::from_secs)
        })
        .map(|wait| wait.min(LONGEST))
}

/// A parameter of the structured fields `RateLimit` (`r` left, `t` seconds until the reset) and `RateLimit-Policy` (`q` in all), which
/// Jira may write with `Beta-` before them: `"global-app-quota";r=0;t=1847`. Of several limits the one with the least counts.
fn structured(headers: &HeaderMap, name: &str, parameter: &str) -> Option<u64> {
    let of = |name: &str| {
        let lists = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        let items = lists.flat_map(|list| list.split(','));
        items
            .filter_map(|item| {
                item.split(';').skip(1).find_map(|pair| {
                    let (key, value) = pair.split_once('=')?;
                    (key.trim() == parameter).then(|| value.trim().parse().ok()).flatten()
                })
            })
            .min()
    };
    of(name).or_else(|| of(&format!("beta-{name}")))
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, HeaderName, HeaderValue};
    use rstest::rstest;

    use super::{Advice, Reason};

    fn advice(pairs: &[(&str, &str)]) -> Advice {
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect();
        Advice::read(&headers)
    }

    #[rstest]
    #[case::seconds(&[("Retry-After", "1847")], Some(1847))]
    #[case::date(&[("Retry-After", "Thu, 08 Oct 2026 10:00:30 GMT"), ("Date", "Thu, 08 Oct 2026 10:00:00 GMT")], Some(30))]
    #[case::past(&[("Retry-After", "Thu, 08 Oct 2026 09:00:00 GMT"), ("Date", "Thu, 08 Oct 2026 10:00:00 GMT")], Some(0))]
    #[case::date_alone(&[("Retry-After", "Thu, 08 Oct 2026 10:00:30 GMT")], None)]
    #[case::reset(&[("X-RateLimit-Reset", "2026-10-08T10:00:10Z"), ("Date", "Thu, 08 Oct 2026 10:00:00 GMT")], Some(10))]
    #[case::negative(&[("Retry-After", "-5")], Some(0))]
    #[case::absurd(&[("Retry-After", "99999999999999999999")], Some(7200))]
    #[case::nonsense(&[("Retry-After", "soon")], None)]
    #[case::structured(&[("RateLimit", "\"global-app-quota\";r=0;t=1847")], Some(1847))]
    #[case::structured_beta(&[("Beta-RateLimit", "\"global-app-quota\"; r=0; t=12")], Some(12))]
    #[case::structured_left(&[("RateLimit", "\"global-app-quota\";r=9;t=1847")], None)]
    #[case::header_first(&[("RateLimit", "\"a\";r=0;t=1847"), ("Retry-After", "3")], Some(3))]
    #[case::nothing(&[], None)]
    fn reads_when_to_come_back(#[case] pairs: &[(&str, &str)], #[case] seconds: Option<u64>) {
        assert_eq!(advice(pairs).retry_after, seconds.map(Duration::from_secs));
    }

    #[rstest]
    #[case::named(&[("X-RateLimit-Remaining", "7"), ("X-RateLimit-Limit", "100")], (Some(7), Some(100)))]
    #[case::structured(&[("RateLimit", "\"a\";r=40;t=9, \"b\";r=12;t=3"), ("RateLimit-Policy", "\"a\";q=65000;w=3600")], (Some(12), Some(65_000)))]
    #[case::data_center(&[("X-RateLimit-Remaining", "0"), ("X-RateLimit-Limit", "5"), ("X-RateLimit-FillRate", "1")], (Some(0), Some(5)))]
    #[case::nothing(&[], (None, None))]
    #[case::nonsense(&[("RateLimit", "r=;;=,\"a\";r=x"), ("X-RateLimit-Limit", "many")], (None, None))]
    fn reads_what_is_left(#[case] pairs: &[(&str, &str)], #[case] expected: (Option<u64>, Option<u64>)) {
        let advice = advice(pairs);
        assert_eq!((advice.remaining, advice.limit), expected);
    }

    #[rstest]
    #[case("jira-quota-global-based", Some(Reason::Quota))]
    #[case("jira-quota-tenant-based", Some(Reason::Quota))]
    #[case("jira-burst-based", Some(Reason::Burst))]
    #[case("jira-per-issue-on-write", Some(Reason::Issue))]
    #[case("something-else", None)]
    fn knows_the_limits(#[case] reason: &str, #[case] expected: Option<Reason>) {
        assert_eq!(advice(&[("RateLimit-Reason", reason)]).reason, expected);
    }
}
