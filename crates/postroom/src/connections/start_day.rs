//! The day with which a source begins: its midnight in a time zone, which is named wherever that is shown. Pure.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The time zone of this name, with its name as the time zone database writes it.
pub(super) fn zone(written: &str) -> Option<(String, TimeZone)> {
    let written = written.trim();
    let zone = TimeZone::get(written).ok().filter(|_| !written.is_empty())?;
    Some((zone.iana_name().unwrap_or(written).to_owned(), zone))
}

/// The midnight that a day which was written begins with; where clocks leave it out, the first moment of the day.
pub(super) fn midnight(written: &str, zone: &TimeZone) -> Option<Timestamp> {
    let day: Date = written.trim().parse().ok()?;
    day.to_zoned_datetime(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

/// The day that a moment is on there, as a form writes it.
pub(super) fn day(at: Timestamp, name: &str) -> String {
    at.to_zoned_datetime(zone(name).map_or(TimeZone::UTC, |(_, zone)| zone)).strftime("%Y-%m-%d").to_string()
}

/// A moment there, to the second where it has any, with the zone.
pub(super) fn moment(at: Timestamp, name: &str) -> String {
    let (name, zone) = zone(name).unwrap_or_else(|| ("UTC".to_owned(), TimeZone::UTC));
    let zoned = at.to_zoned_datetime(zone);
    let clock = if zoned.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    let told = zoned.strftime(&format!("%-d %B %Y, {clock} %Z")).to_string();
    // Its short name alone says little: there are several of most.
    if name == "UTC" { told } else { format!("{told} ({name})") }
}

/// Where a source begins, in words.
pub(super) fn in_words(kind: &str, at: Timestamp, zone: &str) -> String {
    match kind {
        "everything" => "everything that lay in the folder".to_owned(),
        "since" => format!("mail since {}", moment(at, zone)),
        _ => format!("mail that came after {}", moment(at, zone)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Promise: the boundary that is stored is the one that is shown: the midnight of that day, in that zone, by its name.
    #[rstest]
    #[case("2026-03-01", "Europe/Berlin", "2026-02-28T23:00:00Z", "1 March 2026, 00:00 CET (Europe/Berlin)")]
    #[case("2026-07-01", "europe/berlin", "2026-06-30T22:00:00Z", "1 July 2026, 00:00 CEST (Europe/Berlin)")]
    #[case(
        "2026-03-01",
        "America/New_York",
        "2026-03-01T05:00:00Z",
        "1 March 2026, 00:00 EST (America/New_York)"
    )]
    #[case("2026-03-01", "UTC", "2026-03-01T00:00:00Z", "1 March 2026, 00:00 UTC")]
    // Clocks go from 23:59 to 01:00 there.
    #[case("2026-04-24", "Africa/Cairo", "2026-04-23T22:00:00Z", "24 April 2026, 01:00 EEST (Africa/Cairo)")]
    fn a_day_begins_where_it_is_said_to(
        #[case] written: &str,
        #[case] named: &str,
        #[case] stored: Timestamp,
        #[case] shown: &str,
    ) {
        let (name, zone) = zone(named).expect("a zone");
        assert_eq!(midnight(written, &zone), Some(stored));
        assert_eq!(moment(stored, &name), shown);
        assert_eq!(day(stored, &name), written);
        assert_eq!(in_words("since", stored, &name), format!("mail since {shown}"));
    }

    /// Promise: what is no time zone or no day is not taken for one.
    #[test]
    fn what_is_none_is_none() {
        for none in ["", " ", "Mars/Base", "CEST!"] {
            assert!(zone(none).is_none(), "{none}");
        }
        assert_eq!(midnight("never", &TimeZone::UTC), None);
        let at: Timestamp = "2026-03-13T10:00:05Z".parse().expect("a moment");
        assert_eq!(in_words("now", at, "UTC"), "mail that came after 13 March 2026, 10:00:05 UTC");
    }
}
