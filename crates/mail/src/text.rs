//! Plain text to [`Rich`], and the little that text needs on the way to HTML.

use std::sync::LazyLock;

use regex::Regex;

use crate::html::{MAX_DEPTH, clean_text, safe_link};
use crate::mail::TextFormat;
use crate::rich::{Block, Inline, MAX_TEXT, Marks, Rich, cut_notice};

/// Addresses in running text. Linear-time by construction of the `regex` crate.
static LINKS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?x)
        (?P<url> (?i:https?://|www\.) [^\s<>"“”„\u{00A0}]+ )
        | (?P<mail> (?i:mailto:)? [0-9A-Za-z_.+%'-]{1,64} @ (?: [0-9A-Za-z-]{1,63} \. ){1,8} [A-Za-z]{2,24} )
        "#,
    )
    .expect("a fixed pattern")
});

impl Rich {
    /// A document from plain text: blank lines part paragraphs, lines that begin with `>` are quotes (which nest), and
    /// web and mail addresses become links. Lines that look like list items stay lines.
    pub fn from_text(text: &str) -> Self {
        Self::from_text_in(text, TextFormat::Fixed)
    }

    /// As [`Rich::from_text`], for text whose lines are to be read in this format.
    pub fn from_text_in(text: &str, format: TextFormat) -> Self {
        let whole = text.len() <= MAX_TEXT;
        let text = &text[..text.floor_char_boundary(MAX_TEXT)];
        let text = unflow(text, format);
        let mut quotes: Vec<Vec<Block>> = vec![Vec::new()];
        let mut lines: Vec<Vec<Inline>> = Vec::new();
        for line in text.lines() {
            let (depth, rest) = quoted(line);
            let depth = depth.min(MAX_DEPTH);
            if depth != quotes.len() - 1 {
                close_paragraph(&mut quotes, &mut lines);
                while quotes.len() - 1 > depth {
                    close_quote(&mut quotes);
                }
                while quotes.len() - 1 < depth {
                    quotes.push(Vec::new());
                }
            }
            let rest = clean_text(rest);
            let rest = rest.trim_end();
            if rest.trim_start().is_empty() {
                close_paragraph(&mut quotes, &mut lines);
            } else {
                lines.push(linked(rest));
            }
        }
        close_paragraph(&mut quotes, &mut lines);
        while quotes.len() > 1 {
            close_quote(&mut quotes);
        }
        let mut blocks = quotes.pop().unwrap_or_default();
        if !whole {
            blocks.push(cut_notice());
        }
        Self { blocks }
    }
}

fn close_paragraph(quotes: &mut [Vec<Block>], lines: &mut Vec<Vec<Inline>>) {
    if lines.is_empty() {
        return;
    }
    let mut content = Vec::new();
    for line in lines.drain(..) {
        if !content.is_empty() {
            content.push(Inline::Break);
        }
        content.extend(line);
    }
    if let Some(innermost) = quotes.last_mut() {
        innermost.push(Block::Paragraph(content));
    }
}

fn close_quote(quotes: &mut Vec<Vec<Block>>) {
    let inner = quotes.pop().unwrap_or_default();
    if let (false, Some(outer)) = (inner.is_empty(), quotes.last_mut()) {
        outer.push(Block::Quote(inner));
    }
}

/// How deep a line is quoted, and the line without its quote marks. `>> a` and `> > a` are both two deep.
fn quoted(line: &str) -> (usize, &str) {
    let mut depth = 0;
    let mut rest = line;
    loop {
        let inner = rest.strip_prefix(' ').filter(|_| depth > 0).unwrap_or(rest);
        match inner.strip_prefix('>') {
            Some(after) => {
                depth += 1;
                rest = after;
            }
            None => return (depth, rest.strip_prefix(' ').filter(|_| depth > 0).unwrap_or(rest)),
        }
    }
}

/// One line as inlines, its addresses as links.
fn linked(line: &str) -> Vec<Inline> {
    let mut out = Vec::new();
    let mut push = |text: &str, link: Option<String>| {
        if !text.is_empty() {
            out.push(Inline::Text { text: text.to_owned(), marks: Marks { link, ..Marks::default() } });
        }
    };
    let mut plain_from = 0;
    // Most lines hold no address, and looking for these signs costs next to nothing.
    let may_link = line.contains("://") || line.contains('@') || line.contains("ww.") || line.contains("WW.");
    for found in LINKS.captures_iter(if may_link { line } else { "" }) {
        let (shown, target) = if let Some(url) = found.name("url") {
            let shown = without_trailing_marks(url.as_str());
            let scheme =
                if shown.len() > 4 && shown[..4].eq_ignore_ascii_case("www.") { "http://" } else { "" };
            ((url.start(), shown), format!("{scheme}{shown}"))
        } else if let Some(mail) = found.name("mail") {
            let bare = mail.as_str();
            let scheme =
                if bare.len() > 7 && bare.is_char_boundary(7) && bare[..7].eq_ignore_ascii_case("mailto:") {
                    ""
                } else {
                    "mailto:"
                };
            ((mail.start(), bare), format!("{scheme}{bare}"))
        } else {
            continue;
        };
        let Some(target) = safe_link(&target) else { continue };
        push(&line[plain_from..shown.0], None);
        push(shown.1, Some(target));
        plain_from = shown.0 + shown.1.len();
    }
    push(&line[plain_from..], None);
    out
}

/// An address in a sentence, without the sentence's own punctuation at its end; closing brackets belong to it only if
/// it opens them.
fn without_trailing_marks(url: &str) -> &str {
    const PAIRS: [(char, char); 3] = [('(', ')'), ('[', ']'), ('{', '}')];
    // Closing brackets that nothing opens, per kind.
    let mut surplus = PAIRS.map(|(open, close)| {
        let count = |wanted: char| url.chars().filter(|&c| c == wanted).count();
        count(close).saturating_sub(count(open))
    });
    let mut end = url.len();
    for (at, c) in url.char_indices().rev() {
        let kind = PAIRS.iter().position(|(_, close)| *close == c);
        let strip = match kind {
            Some(kind) if surplus[kind] > 0 => {
                surplus[kind] -= 1;
                true
            }
            Some(_) => false,
            None => matches!(
                c,
                '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' | '»' | '›' | '’' | '…'
            ),
        };
        if !strip {
            break;
        }
        end = at;
    }
    &url[..end]
}

/// Joins the lines that a sender of `format=flowed` text broke (RFC 3676), and undoes its space-stuffing.
pub(crate) fn unflow(text: &str, format: TextFormat) -> String {
    let del_sp = match format {
        TextFormat::Fixed => return text.to_owned(),
        TextFormat::Flowed => false,
        TextFormat::FlowedDelSp => true,
    };
    let mut out = String::with_capacity(text.len());
    // The quote depth of the line that is still open, when the last one ended in a space.
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let marks = line.bytes().take_while(|b| *b == b'>').count();
        let content = &line[marks..];
        let content = content.strip_prefix(' ').unwrap_or(content);
        let signature = content == "-- ";
        if open.is_some_and(|depth| depth != marks || signature) {
            out.push('\n');
            open = None;
        }
        if open.is_none() {
            out.extend(std::iter::repeat_n('>', marks));
            if marks > 0 {
                out.push(' ');
            }
        }
        let flows = !signature && content.ends_with(' ');
        out.push_str(if flows && del_sp { &content[..content.len() - 1] } else { content });
        if flows {
            open = Some(marks);
        } else {
            out.push('\n');
            open = None;
        }
    }
    if open.is_some() {
        out.push('\n');
    }
    out
}

/// Plain text as HTML that shows the same lines.
pub(crate) fn to_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    out.push_str("<div>");
    for c in text.trim_end_matches('\n').chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' => out.push_str("<br>"),
            c => out.push(c),
        }
    }
    out.push_str("</div>");
    out
}

#[cfg(test)]
mod tests;
