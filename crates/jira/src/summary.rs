//! The one line that names an issue.

/// Jira's limit for a summary, in characters.
pub const SUMMARY_LIMIT: usize = 255;

/// What stands where a mail has no subject.
const NONE: &str = "(no subject)";

/// A subject as Jira takes it: one line of at most 255 characters, white space squeezed, without control or invisible
/// formatting characters, and never empty.
pub fn summary(subject: &str) -> String {
    let mut out = String::with_capacity(subject.len().min(SUMMARY_LIMIT * 4));
    let mut units = 0;
    let mut gap = false;
    for c in subject.chars() {
        if c.is_whitespace() || c.is_control() {
            gap = units > 0;
            continue;
        }
        if is_invisible(c) {
            continue;
        }
        let needed = c.len_utf16() + usize::from(gap);
        if units + needed > SUMMARY_LIMIT {
            // One place is kept for the sign that it goes on.
            while units >= SUMMARY_LIMIT {
                units -= out.pop().map_or(units, char::len_utf16);
            }
            out.truncate(out.trim_end().len());
            out.push('…');
            return out;
        }
        if gap {
            out.push(' ');
            gap = false;
        }
        out.push(c);
        units += needed;
    }
    if out.is_empty() { NONE.to_owned() } else { out }
}

/// Bidirectional overrides, zero-width marks and the like, which only disguise a subject. The joiners stay: scripts and
/// emoji need them.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{SUMMARY_LIMIT, summary};

    #[test]
    fn keeps_what_people_read() {
        assert_eq!(summary("  Printer\r\n\ton fire  "), "Printer on fire");
        assert_eq!(summary(" \u{200b}\n"), "(no subject)");
        assert_eq!(summary("a\u{202e}b"), "ab");
        assert_eq!(summary(&"x".repeat(255)), "x".repeat(255));
        assert_eq!(summary(&"x".repeat(256)), format!("{}…", "x".repeat(254)));
        assert_eq!(summary(&format!("{} y", "x".repeat(254))), format!("{}…", "x".repeat(254)));
    }

    proptest! {
        #[test]
        fn is_one_short_line_for_any_subject(subject in prop::collection::vec(any::<char>(), 0..400)) {
            let subject: String = subject.into_iter().collect();
            let line = summary(&subject);
            prop_assert!(!line.trim().is_empty());
            prop_assert!(line.encode_utf16().count() <= SUMMARY_LIMIT);
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert_eq!(summary(&line), line.clone());
        }
    }
}
