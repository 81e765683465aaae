//! Moments in queries: absolute (`2026-11-24`, `"2026/11/24 10:15"`), relative (`-15m`, `"1w 2d"`), in
//! milliseconds, and functions. The site's time zone is UTC; the precision is a minute, as in Jira.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A moment in a query. `wide` says whether only a minute is known, so that `=` and `<=` cover it whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) at: Timestamp,
    pub(crate) wide: SignedDuration,
}

/// Reads a moment.
pub(crate) fn read(text: &str, now: Timestamp) -> Option<Moment> {
    let text = text.trim();
    let minute = SignedDuration::from_mins(1);
    if text.eq_ignore_ascii_case("now") {
        return Some(Moment { at: now, wide: SignedDuration::ZERO });
    }
    if let Some(span) = span(text) {
        return now.checked_add(span).ok().map(|at| Moment { at, wide: SignedDuration::ZERO });
    }
    if text.len() > 9 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let at = Timestamp::from_millisecond(text.parse().ok()?).ok()?;
        return Some(Moment { at, wide: SignedDuration::ZERO });
    }
    let text = text.replace('/', "-");
    let (day, time) = text.split_once([' ', 'T']).unwrap_or((&text, ""));
    let mut parts = day.split('-').map(str::parse::<i16>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    if parts.next().is_some() {
        return None;
    }
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let time = if time.is_empty() {
        Time::midnight()
    } else {
        let (hour, minute) = time.trim().split_once(':')?;
        Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()?
    };
    let at = DateTime::from_parts(date, time).to_zoned_datetime(TimeZone::UTC).ok()?.timestamp();
    Some(Moment { at, wide: minute })
}

/// Reads a period: numbers with `w`, `d`, `h`, `m`, a sign before the first.
pub(crate) fn span(text: &str) -> Option<SignedDuration> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut minutes: i64 = 0;
    let mut any = false;
    for part in rest.split_whitespace() {
        let unit = match part.chars().last()? {
            'w' | 'W' => 7 * 24 * 60,
            'd' | 'D' => 24 * 60,
            'h' | 'H' => 60,
            'm' => 1,
            _ => return None,
        };
        let number: i64 = part[..part.len() - 1].parse().ok().filter(|number| *number >= 0)?;
        minutes = minutes.checked_add(number.checked_mul(unit)?)?;
        any = true;
    }
    let seconds = minutes.checked_mul(60)?;
    any.then(|| SignedDuration::from_secs(if negative { -seconds } else { seconds }))
}

/// Calls a date function; `None` when there is none of that name, or its argument is no period.
pub(crate) fn function(name: &str, arguments: &[String], now: Timestamp) -> Option<Moment> {
    let today = now.to_zoned_datetime(TimeZone::UTC).date();
    let start = |date: Date| date.to_zoned_datetime(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let at = match name.to_ascii_lowercase().as_str() {
        "now" => now,
        "startofday" => start(today)?,
        "endofday" => start(today.tomorrow().ok()?)?.checked_sub(SignedDuration::from_millis(1)).ok()?,
        "startofweek" => {
            let back = i64::from(today.weekday().to_sunday_zero_offset());
            start(today.checked_sub(SignedDuration::from_hours(24 * back)).ok()?)?
        }
        "startofmonth" => start(today.first_of_month())?,
        "startofyear" => start(today.first_of_year())?,
        _ => return None,
    };
    let at = match arguments.first() {
        Some(argument) => at.checked_add(span(argument)?).ok()?,
        None => at,
    };
    Some(Moment { at, wide: SignedDuration::ZERO })
}
