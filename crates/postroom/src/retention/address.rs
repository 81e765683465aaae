//! An address in a text: found as people mean it, whatever its case, and never as a part of another one.

/// What stands in the place of an address that was erased.
pub const ERASED: &str = "(erased address)";

/// An address as it is compared: without case and blanks. None where it is no address.
pub fn address_of(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (local, domain) = text.rsplit_once('@')?;
    let good = !local.is_empty()
        && !domain.is_empty()
        && text.len() <= 320
        && !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"'));
    good.then_some(text)
}

/// The part behind the `@`.
pub fn domain_of(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// Whether a text names the address.
pub fn names(text: &str, address: &str) -> bool {
    next(text, address, 0).is_some()
}

/// The text with [`ERASED`] in the place of the address; none where it does not name it.
pub fn without(text: &str, address: &str) -> Option<String> {
    let (mut cleaned, mut from) = (String::new(), 0);
    while let Some((begin, end)) = next(text, address, from) {
        cleaned.push_str(&text[from..begin]);
        cleaned.push_str(ERASED);
        from = end;
    }
    if from == 0 {
        return None;
    }
    cleaned.push_str(&text[from..]);
    Some(cleaned)
}

/// The next place at or after `from` where the address stands: its first byte and the one behind it.
fn next(text: &str, address: &str, from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    while let Some(found) = text[at..].find('@') {
        let sign = at + found;
        at = sign + 1;
        if let Some(place) = around(text, address, sign).filter(|(begin, _)| *begin >= from) {
            return Some(place);
        }
    }
    None
}

/// The place of the address around this `@`, where it stands there.
fn around(text: &str, address: &str, sign: usize) -> Option<(usize, usize)> {
    let (local, domain) = address.rsplit_once('@')?;
    let mut begin = sign;
    for wanted in local.chars().rev() {
        let found = text[..begin].chars().next_back()?;
        if !same(found, wanted) {
            return None;
        }
        begin -= found.len_utf8();
    }
    let mut end = sign + 1;
    for wanted in domain.chars() {
        let found = text[end..].chars().next()?;
        if !same(found, wanted) {
            return None;
        }
        end += found.len_utf8();
    }
    // `joann@` is not `ann@`, `example.com.au` is not `example.com`; a full stop behind a sentence belongs to the sentence. An escape
    // of JSON ends in a letter that belongs to no address.
    let before = text[..begin].chars().next_back();
    let escaped =
        text[..begin].ends_with("\\n") || text[..begin].ends_with("\\t") || text[..begin].ends_with("\\r");
    if before.is_some_and(in_local) && !escaped {
        return None;
    }
    // `o'ann@` is somebody else; a quotation mark stands behind no letter.
    if before == Some('\'') && text[..begin - 1].chars().next_back().is_some_and(char::is_alphanumeric) {
        return None;
    }
    let mut behind = text[end..].chars();
    match (behind.next(), behind.next()) {
        (Some(one), _) if one.is_alphanumeric() || one == '-' => None,
        (Some('.'), Some(two)) if two.is_alphanumeric() => None,
        _ => Some((begin, end)),
    }
}

fn same(found: char, wanted: char) -> bool {
    found == wanted || found.to_lowercase().eq(wanted.to_lowercase())
}

/// What the part before the `@` may have besides letters and digits (RFC 5322, `atext` and the dot), without what encloses
/// addresses in texts: quotation marks, `=`, `'`, `/`, `|` and braces.
fn in_local(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '.' | '_' | '%' | '+' | '-' | '!' | '#' | '$' | '&' | '*' | '?' | '^' | '~')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: an address is compared as people mean it, and what is none erases nothing.
    #[test]
    fn an_address_is_known_by_what_it_means() {
        assert_eq!(address_of(" Ann@Example.COM "), Some("ann@example.com".to_owned()));
        for wrong in ["", "ann", "@example.com", "ann@", "a b@example.com", "a@x, b@x", "<a@x>"] {
            assert_eq!(address_of(wrong), None, "{wrong}");
        }
    }

    /// Promise: an address is found wherever it stands, and nobody else's is taken for it.
    #[test]
    fn nobody_elses_address_is_taken_for_it() {
        let ann = "ann@example.com";
        for text in [
            "ann@example.com",
            "Ann <ANN@Example.com>",
            "write to ann@example.com.",
            "mailto:ann@example.com?subject=x",
            "{\"address\":\"ann@example.com\"}",
            "line\\nann@example.com",
            "joann@example.com, ann@example.com",
            "'ann@example.com'",
        ] {
            assert!(names(text, ann), "{text}");
        }
        for text in [
            "joann@example.com",
            "jo.ann@example.com",
            "jo+ann@example.com",
            "o'ann@example.com",
            "ann@example.com.au",
            "ann@example.community",
            "ann@example.org",
            "ann at example.com",
            "@example.com",
            "nn@example.com",
        ] {
            assert!(!names(text, ann), "{text}");
            assert_eq!(without(text, ann), None, "{text}");
        }
        assert_eq!(
            without("from Ann@Example.com to joann@example.com, cc ann@example.com", ann).as_deref(),
            Some("from (erased address) to joann@example.com, cc (erased address)")
        );
        assert_eq!(without("ÄNN@example.com", "änn@example.com").as_deref(), Some("(erased address)"));
    }
}
