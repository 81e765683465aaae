//! The kinds of lines.

use super::{footers, headers, intro};

/// A run of lines of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) look: Look,
    /// Its first line.
    pub(super) first: usize,
    /// How many lines, at least one.
    pub(super) count: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Blank,
    Text,
    /// Quoted; whether it begins with words that announce a quote, so that there is no doubt what it is.
    Quoted {
        announced: bool,
    },
    /// A sentence that announces a quote.
    Intro,
    /// `-----Original Message-----`, with or without a header block behind it.
    Original,
    /// `From:`, `Sent:`, `To:`, `Subject:`
    Headers,
    /// `-- `
    SignatureMark,
    /// A line of strokes.
    Strokes,
    Footer,
}

/// What stands behind the marks of a quote, and how many there are; `None` where it is not one.
pub(super) fn quoted(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    let mut any = false;
    while let Some(behind) = rest.strip_prefix('>') {
        any = true;
        rest = behind.trim_start();
    }
    any.then_some(rest)
}

pub(super) fn units(lines: &[&str]) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut at = 0;
    let mut announced_by_stroke = false;
    while at < lines.len() {
        let (look, count) = unit(lines, at, announced_by_stroke);
        // Some programs quote with `|`; it counts only right behind the sentence that announces a quote.
        announced_by_stroke = match look {
            Look::Intro => true,
            Look::Blank | Look::Quoted { .. } => announced_by_stroke,
            _ => false,
        };
        units.push(Unit { look, first: at, count });
        at += count;
    }
    units
}

fn unit(lines: &[&str], at: usize, bars: bool) -> (Look, usize) {
    let line = lines[at];
    if line.trim().is_empty() {
        return (Look::Blank, 1);
    }
    let is_quoted = |line: &&str| quoted(line).is_some() || (bars && line.trim_start().starts_with('|'));
    if is_quoted(&line) {
        let count = lines[at..].iter().take_while(|line| is_quoted(line)).count();
        let inner: Vec<&str> =
            lines[at..at + count.min(12)].iter().map(|line| quoted(line).unwrap_or(line)).collect();
        let begin = inner.iter().position(|line| !line.is_empty()).unwrap_or(0);
        let announced = intro::at(&inner[begin..]).is_some()
            || footers::is_announcement(inner[begin])
            || headers::block(&inner[begin..]).is_some();
        return (Look::Quoted { announced }, count);
    }
    let rest = &lines[at..];
    if let Some(intro) = intro::at(rest) {
        let behind = rest[intro.lines..].iter().find(|line| !line.trim().is_empty());
        let leads_to_quote =
            behind.is_some_and(|line| quoted(line).is_some() || line.trim_start().starts_with('|'));
        if intro.sure || leads_to_quote {
            return (Look::Intro, intro.lines);
        }
    }
    if footers::is_announcement(line) {
        return (Look::Original, 1);
    }
    if let Some(count) = headers::block(rest) {
        return (Look::Headers, count);
    }
    if footers::is_signature_mark(line) {
        return (Look::SignatureMark, 1);
    }
    if footers::is_strokes(line) {
        return (Look::Strokes, 1);
    }
    if footers::is_footer(line) {
        return (Look::Footer, 1);
    }
    (Look::Text, 1)
}
