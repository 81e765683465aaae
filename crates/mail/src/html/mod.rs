//! HTML mail to [`Rich`].
//!
//! `tree.rs` parses within bounds, `style.rs` reads what matters of inline styles, `walk.rs` goes over the tree and
//! tells `build.rs` what it finds, `tables.rs` tells layout from data, `run.rs` collapses white space and cuts running
//! text into paragraphs.

mod build;
pub(crate) mod fragment;
mod run;
mod style;
mod tables;
pub(crate) mod tree;
mod walk;

pub(crate) use style::{Style, pixels};
pub(crate) use walk::{is_block, is_dropped};

use std::collections::HashSet;

use crate::guard::guarded;
use crate::rich::{Rich, cut_notice};

/// Deepest nesting of quotes, lists and tables in a [`Rich`]; what nests deeper is put at this depth.
pub(crate) const MAX_DEPTH: usize = 12;
/// Longest link target and image address, in bytes.
const MAX_LINK: usize = 2_000;

impl Rich {
    /// A document from the HTML of a mail.
    ///
    /// Scripts, styles, hidden elements and tracking pixels are dropped; layout tables become paragraphs; links lead
    /// only to `http`, `https`, `mailto` and `tel`. Any input gives a document that passes [`Rich::check`], in time and
    /// space bounded by its length.
    pub fn from_html(html: &str) -> Self {
        let read = guarded(|| Self::from_tree(&tree::Tree::parse(html)));
        // Should the parser itself fail, the words are still there.
        read.unwrap_or_else(|_| Self::from_text(&bare_words(html)))
    }

    /// A document from a page that was parsed.
    pub(crate) fn from_tree(tree: &tree::Tree) -> Self {
        let (mut blocks, cut) = walk::blocks(tree);
        if cut || tree.cut {
            blocks.push(cut_notice());
        }
        Self { blocks }
    }
}

/// What is left of a page without its tags.
fn bare_words(html: &str) -> String {
    let mut out = String::with_capacity(html.len().min(crate::rich::MAX_TEXT));
    let mut within = false;
    for c in html.chars() {
        match c {
            '<' => within = true,
            '>' if within => {
                within = false;
                out.push(' ');
            }
            c if !within => out.push(c),
            _ => {}
        }
    }
    out
}

/// The Content-IDs that a page refers to, without angle brackets.
pub(crate) fn referenced_ids(html: &str) -> HashSet<String> {
    let bytes = html.as_bytes();
    let mut out = HashSet::new();
    let mut at = 0;
    for (colon, _) in html.match_indices(':') {
        if colon < at + 3 || !bytes[colon - 3..colon].eq_ignore_ascii_case(b"cid") {
            continue;
        }
        let start = colon + 1;
        let length = bytes[start..]
            .iter()
            .take(MAX_LINK)
            .position(|b| matches!(b, b'"' | b'\'' | b'>' | b')') || b.is_ascii_whitespace())
            .unwrap_or_else(|| (bytes.len() - start).min(MAX_LINK));
        if let Some(id) = html.get(start..start + length).and_then(content_id) {
            out.insert(id);
        }
        at = start + length;
    }
    out
}

/// The Content-ID in the part of a `cid:` address after the colon: percent escapes undone, entities too.
fn content_id(written: &str) -> Option<String> {
    let plain = written.replace("&amp;", "&");
    let out = crate::typed::percent_decoded(&plain);
    let id = String::from_utf8_lossy(&out);
    let id = id.trim().trim_matches(['<', '>']);
    let id: String = id.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect();
    (!id.is_empty() && id.len() <= MAX_LINK).then_some(id)
}

/// A link target that may be kept: `http`, `https`, `mailto` or `tel`, without control characters and white space.
/// What is kept once is kept unchanged a second time.
pub(crate) fn safe_link(href: &str) -> Option<String> {
    let href = href.trim();
    if href.is_empty() || href.len() > MAX_LINK {
        return None;
    }
    // Browsers pass over line breaks and tabs within an address, and writers of mail break long ones.
    let mut link = String::with_capacity(href.len());
    for c in href.chars() {
        match c {
            '\t' | '\n' | '\r' => {}
            ' ' => link.push_str("%20"),
            c if c.is_control() || c.is_whitespace() || crate::words::is_direction_override(c) => {
                return None;
            }
            c => link.push(c),
        }
    }
    if link.len() > MAX_LINK {
        return None;
    }
    let (scheme, rest) = link.split_once(':')?;
    let scheme = scheme.to_ascii_lowercase();
    let fine = match scheme.as_str() {
        "http" | "https" => url::Url::parse(&link).is_ok_and(|url| url.has_host()),
        "mailto" => rest.contains('@') && !rest.starts_with('@'),
        "tel" => rest.bytes().any(|b| b.is_ascii_digit()),
        _ => false,
    };
    fine.then(|| format!("{scheme}:{rest}"))
}

/// Text without what is no text: control characters other than tab, characters that show nothing or turn the direction
/// of what follows, and code points that are no characters.
pub(crate) fn clean_text(text: &str) -> String {
    text.chars().filter(|&c| is_text(c)).map(|c| if c == '\u{A0}' { ' ' } else { c }).collect()
}

pub(crate) fn is_text(c: char) -> bool {
    match c {
        '\t' => true,
        '\u{AD}'
        | '\u{34F}'
        | '\u{200B}'
        | '\u{2060}'
        | '\u{FEFF}'
        | '\u{FFF9}'..='\u{FFFB}'
        | '\u{2028}'
        | '\u{2029}' => false,
        c if c.is_control() || crate::words::is_direction_override(c) => false,
        // The last two code points of every plane, and U+FDD0 to U+FDEF.
        c => (c as u32) & 0xFFFE != 0xFFFE && !('\u{FDD0}'..='\u{FDEF}').contains(&c),
    }
}

#[cfg(test)]
mod tests;
