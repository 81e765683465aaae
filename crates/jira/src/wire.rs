//! Small shapes that several endpoints share: times, properties, users, and addresses of resources.

use std::fmt::Write as _;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Everything but what RFC 3986 calls unreserved.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One segment of a path, or one value of a query.
pub(crate) fn escaped(segment: &str) -> String {
    // A segment of dots would be folded away as a step in the path, escaped once or not; nothing in Jira is named so.
    if !segment.is_empty() && segment.bytes().all(|b| b == b'.') {
        return "%252E".repeat(segment.len());
    }
    utf8_percent_encode(segment, ESCAPED).to_string()
}

/// Appends `name=value` to a query.
pub(crate) fn push_query(url: &mut String, name: &str, value: &str) {
    let sign = if url.contains('?') { '&' } else { '?' };
    let _ = write!(url, "{sign}{name}={}", escaped(value));
}

/// A time as Jira writes it: `2026-10-08T12:00:00.000+0000`, or RFC 3339.
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text).ok()?.to_timestamp().ok()
}

/// A time that may be missing or unreadable. It then counts as just now and later: what is looked for by age must not be
/// overlooked for want of a date.
pub(crate) fn time_or_latest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value.as_str().and_then(timestamp).unwrap_or(Timestamp::MAX))
}

/// An id that Jira writes as a string here and as a number there.
pub(crate) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(id) => Ok(id),
        Value::Number(id) => Ok(id.to_string()),
        other => Err(serde::de::Error::custom(format!("an id was expected, found {other}"))),
    }
}

/// Properties, which issues carry as an object and comments as an array of `{key, value}`; always an object here.
pub(crate) fn properties<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(list) => {
            let mut map = Map::new();
            for mut entry in list {
                if let Some(Value::String(key)) = entry.get_mut("key").map(Value::take) {
                    map.insert(key, entry.get_mut("value").map(Value::take).unwrap_or_default());
                }
            }
            Value::Object(map)
        }
        Value::Object(map) => Value::Object(map),
        _ => Value::Object(Map::new()),
    })
}

/// An object that may be missing or null.
pub(crate) fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Object(map) => map,
        _ => Map::new(),
    })
}

/// A user: on Cloud known by account id, on Data Center by name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct User {
    pub(crate) account_id: Option<String>,
    pub(crate) name: Option<String>,
}

/// The id of a user that may be missing or null.
pub(crate) fn user_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let user = Option::<User>::deserialize(deserializer)?;
    Ok(user.and_then(|user| user.account_id.or(user.name)))
}

#[cfg(test)]
mod tests {
    use super::{escaped, timestamp};

    #[test]
    fn reads_both_ways_of_writing_a_time() {
        let expected: jiff::Timestamp = "2026-10-08T10:00:00.5Z".parse().unwrap();
        assert_eq!(timestamp("2026-10-08T12:00:00.500+0200"), Some(expected));
        assert_eq!(timestamp("2026-10-08T10:00:00.500Z"), Some(expected));
        assert_eq!(timestamp("yesterday"), None);
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        assert_eq!(escaped("SUP-1"), "SUP-1");
        assert_eq!(escaped("../a b?c#d&e"), "..%2Fa%20b%3Fc%23d%26e");
        assert_eq!(escaped(".."), "%252E%252E");
    }
}
