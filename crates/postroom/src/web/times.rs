//! Times for people: relative, with the exact one on hover and in the page's source.

use askama::Template;
use askama::filters::HtmlSafe;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A moment as a page shows it. The script keeps the words fresh.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(
    ext = "html",
    source = "<time datetime=\"{{ iso }}\" title=\"{{ exact }}\"{% if relative %} data-ago{% endif %}>{{ words }}</time>"
)]
pub struct Moment {
    /// RFC 3339, UTC.
    pub iso: String,
    /// In the workspace's time zone, to the second.
    pub exact: String,
    /// What is shown.
    pub words: String,
    /// Whether the words depend on now.
    pub relative: bool,
}

impl HtmlSafe for Moment {}

/// Now, and where: what times are shown against.
#[derive(Clone, Debug)]
pub struct Times {
    /// Now.
    pub now: Timestamp,
    /// The workspace's time zone.
    pub zone: TimeZone,
}

impl Times {
    /// As `2 min ago` or `in 14 s`.
    pub fn ago(&self, at: Timestamp) -> Moment {
        self.moment(at, relative(at.duration_since(self.now)), true)
    }

    /// As `09:12` today, `13 March` this year, `13 March 2025` before.
    pub fn on(&self, at: Timestamp) -> Moment {
        let (then, now) =
            (at.to_zoned_datetime(self.zone.clone()), self.now.to_zoned_datetime(self.zone.clone()));
        let words = if then.date() == now.date() {
            then.strftime("%H:%M").to_string()
        } else if then.year() == now.year() {
            then.strftime("%-d %B").to_string()
        } else {
            then.strftime("%-d %B %Y").to_string()
        };
        self.moment(at, words, false)
    }

    /// To the second, for tables of steps.
    pub fn exact(&self, at: Timestamp) -> Moment {
        let zoned = at.to_zoned_datetime(self.zone.clone());
        self.moment(at, zoned.strftime("%-d %b %H:%M:%S").to_string(), false)
    }

    fn moment(&self, at: Timestamp, words: String, relative: bool) -> Moment {
        let zoned = at.to_zoned_datetime(self.zone.clone());
        // Shown to the second: what the script computes from it may differ by less than one.
        let iso = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        Moment { iso, exact: zoned.strftime("%-d %B %Y %H:%M:%S %Z").to_string(), words, relative }
    }
}

/// A span in words; the script (`assets/postroom.js`) says the same.
fn relative(span: SignedDuration) -> String {
    let seconds = span.as_secs();
    let (amount, unit) = match seconds.unsigned_abs() {
        s @ 0..60 => (s, "s"),
        s @ 60..3_600 => (s / 60, "min"),
        s @ 3_600..86_400 => (s / 3_600, "h"),
        s @ 86_400..5_184_000 => (s / 86_400, if s / 86_400 == 1 { "day" } else { "days" }),
        s @ 5_184_000..63_072_000 => (s / 2_592_000, "months"),
        s => (s / 31_536_000, "years"),
    };
    match seconds {
        -4..=4 => "now".to_owned(),
        5.. => format!("in {amount} {unit}"),
        _ => format!("{amount} {unit} ago"),
    }
}

/// How long something took, for people.
pub fn took(span: std::time::Duration) -> String {
    match span.as_millis() {
        ms @ 0..1_000 => format!("{ms} ms"),
        _ if span.as_secs() < 60 => format!("{:.1} s", span.as_secs_f64()),
        _ => format!("{} min {} s", span.as_secs() / 60, span.as_secs() % 60),
    }
}

/// A number with its thousands set apart.
pub fn thousands(number: impl std::borrow::Borrow<u64>) -> String {
    let digits = number.borrow().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with its noun: `1 mail`, `2,000 mails`. What cannot be counted (a negative number of a row) counts as none.
pub fn counted(number: impl TryInto<u64>, one: &str, many: &str) -> String {
    match number.try_into().unwrap_or(0) {
        1 => format!("1 {one}"),
        number => format!("{} {many}", thousands(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times() -> Times {
        Times { now: "2026-03-13T10:00:00Z".parse().unwrap(), zone: TimeZone::get("Europe/Berlin").unwrap() }
    }

    /// Promise: relative in words, exact in the source, in the workspace's time zone.
    #[test]
    fn moments_are_relative_and_exact() {
        let moment = times().ago("2026-03-13T09:58:00Z".parse().unwrap());
        assert_eq!(moment.words, "2 min ago");
        assert_eq!(moment.iso, "2026-03-13T09:58:00Z");
        assert_eq!(moment.exact, "13 March 2026 10:58:00 CET");
        assert_eq!(times().on("2026-03-13T08:12:00Z".parse().unwrap()).words, "09:12");
        assert_eq!(times().on("2025-12-01T08:12:00Z".parse().unwrap()).words, "1 December 2025");
    }

    /// Promise: every span has words with a unit, also the odd ones.
    #[test]
    fn spans_have_units() {
        for (seconds, words) in [
            (0, "now"),
            (14, "in 14 s"),
            (-59, "59 s ago"),
            (-3_600, "1 h ago"),
            (-86_400, "1 day ago"),
            (-86_400 * 3, "3 days ago"),
            (86_400 * 128, "in 4 months"),
            (-86_400 * 800, "2 years ago"),
        ] {
            assert_eq!(relative(SignedDuration::from_secs(seconds)), words);
        }
        assert_eq!(thousands(1_234_567_u64), "1,234,567");
        assert_eq!(thousands(12_u64), "12");
    }

    /// Promise: a number has the noun that fits it, whatever type a row counts in.
    #[test]
    fn a_number_has_the_noun_that_fits() {
        let mails = |number: i64| counted(number, "mail", "mails");
        assert_eq!(
            [0, 1, 2, 1_200, -1].map(mails),
            ["0 mails", "1 mail", "2 mails", "1,200 mails", "0 mails"]
        );
        assert_eq!(counted(1_usize, "source is", "sources are"), "1 source is");
        assert_eq!(counted(21_u64, "mail", "mails"), "21 mails");
    }
}
