//! `Retry-After`, in both of its forms (RFC 9110 §10.2.3): seconds, or a date.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// How long to wait, from the header's value. A date is judged against `now`, which is best the answer's own `Date`: then
/// this machine's clock does not matter. `None` for a value that is neither form; a date that has passed is zero.
pub fn retry_after(value: &str, now: Option<Timestamp>) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds still mean "long".
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::from(u32::MAX))));
    }
    let until = http_date(value)?;
    let wait = until.duration_since(now?);
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
}

/// An HTTP date: IMF-fixdate, or one of the two old forms that recipients still accept.
pub(crate) fn http_date(value: &str) -> Option<Timestamp> {
    let value = value.trim();
    if let Ok(zoned) = jiff::fmt::rfc2822::parse(value) {
        return Some(zoned.timestamp());
    }
    let naive = DateTime::strptime("%A, %d-%b-%y %H:%M:%S GMT", value)
        .or_else(|_| DateTime::strptime("%a %b %e %H:%M:%S %Y", value))
        .ok()?;
    TimeZone::UTC.to_timestamp(naive).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a timestamp")
    }

    #[test]
    fn both_forms_are_understood() {
        let now = Some(at("1994-11-06T08:49:07Z"));
        for (value, seconds) in [
            ("120", 120),
            (" 0 ", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 30),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 30),
            ("Sun Nov  6 08:49:37 1994", 30),
            ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
        ] {
            assert_eq!(retry_after(value, now), Some(Duration::from_secs(seconds)), "{value}");
        }
    }

    #[test]
    fn what_is_neither_form_is_no_wait_of_our_own_invention() {
        for value in ["", "soon", "-5", "1.5", "12 s", "Sun, 99 Nov 1994 08:49:37 GMT"] {
            assert_eq!(retry_after(value, Some(Timestamp::UNIX_EPOCH)), None, "{value}");
        }
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", None), None);
    }

    #[test]
    fn a_number_too_large_is_a_long_wait_and_no_overflow() {
        assert!(
            retry_after("99999999999999999999999", None)
                .is_some_and(|wait| wait.as_secs() >= u64::from(u32::MAX))
        );
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(value in "\\PC{0,60}", seconds in -1_000_000_000_i64..4_000_000_000) {
            let now = Timestamp::from_second(seconds).expect("in range");
            let _ = retry_after(&value, Some(now));
        }
    }
}
