//! Which marks a text may carry together, and which characters, links and colours are let through.

use mail::Marks;
use url::Url;

/// A longer link is left out (its text stays): it would cost more of the document than it is worth.
const LONGEST_LINK: usize = 2_048;

/// The marks as ADF allows them together: `code` stands alone but for a link; not both of subscript and superscript.
pub(super) fn allowed(marks: &Marks) -> Marks {
    let link = marks.link.as_deref().and_then(safe_link);
    if marks.code {
        return Marks { code: true, link, ..Marks::default() };
    }
    Marks {
        strong: marks.strong,
        em: marks.em,
        underline: marks.underline,
        strike: marks.strike,
        code: false,
        sub: marks.sub,
        sup: marks.sup && !marks.sub,
        color: marks.color.as_deref().and_then(readable_color),
        link,
    }
}

/// The link, if it leads where links may: http, https, mailto, tel.
pub(crate) fn safe_link(link: &str) -> Option<String> {
    let link = link.trim();
    if link.is_empty()
        || link.len() > LONGEST_LINK
        || link.chars().any(|c| c.is_control() || c.is_whitespace())
    {
        return None;
    }
    let (scheme, rest) = link.split_once(':')?;
    let fine = match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => Url::parse(link).is_ok_and(|url| url.has_host()),
        "mailto" | "tel" => !rest.is_empty(),
        _ => false,
    };
    fine.then(|| link.to_owned())
}

/// The colour, if it is one as Jira takes it and can be read on a light and on a dark page: mail names black and white as
/// a matter of course, which would vanish on one of them.
fn readable_color(color: &str) -> Option<String> {
    let digits =
        color.strip_prefix('#').filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let channel = |at: usize| u32::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let brightness = (channel(0)? * 299 + channel(2)? * 587 + channel(4)? * 114) / 1000;
    (40..=225).contains(&brightness).then(|| color.to_ascii_lowercase())
}

/// Whether Jira takes the character in running text. Line breaks are not among them.
pub(crate) fn is_allowed(c: char) -> bool {
    c == '\t' || !(c.is_control() || is_noncharacter(c))
}

/// Code points that Unicode keeps out of interchange.
pub(super) fn is_noncharacter(c: char) -> bool {
    let code = u32::from(c);
    code & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code)
}

#[cfg(test)]
mod tests {
    use super::{readable_color, safe_link};

    #[test]
    fn only_links_of_the_four_kinds_pass() {
        for fine in ["https://example.com/a?b#c", "HTTP://example.com", "mailto:a@example.com", "tel:+491234"]
        {
            assert_eq!(safe_link(fine).as_deref(), Some(fine));
        }
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "//example.com",
            "http://",
            "ftp://a",
            "",
        ] {
            assert_eq!(safe_link(bad), None, "{bad}");
        }
        assert_eq!(safe_link("java\tscript:alert(1)"), None);
    }

    #[test]
    fn colours_that_vanish_on_a_page_are_left_out() {
        assert_eq!(readable_color("#C00000").as_deref(), Some("#c00000"));
        for bad in ["#000000", "#ffffff", "#12345", "red", "#12345g", "#é1234"] {
            assert_eq!(readable_color(bad), None, "{bad}");
        }
    }
}
