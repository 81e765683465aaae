//! The kinds of lines.

use super::footers::{self, Announced};
use super::{headers, intro};

/// How far below its first line a sentence that announces a quote may end.
const REACH_OF_INTRO: usize = 12;

/// A line of a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    /// What the page's structure says of it, and the rule that says so.
    pub(super) sign: Option<(Sign, &'static str)>,
    /// It shows an image.
    pub(super) image: bool,
    /// It is a rule across the page.
    pub(super) rule: bool,
}

impl<'a> Line<'a> {
    /// A line of a plain text.
    pub(super) fn plain(text: &'a str) -> Self {
        Self { text, sign: None, image: false, rule: false }
    }

    pub(super) fn is_blank(&self) -> bool {
        !self.image && !self.rule && self.text.trim().is_empty()
    }
}

/// What structure says of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Quoted; whether there is no doubt.
    Quoted {
        sure: bool,
    },
    /// Part of a forwarded mail, by the words of the program that forwarded it.
    Forwarded,
    /// The quote goes on to the end of the page.
    Rest,
    Intro,
    Signature,
    SignatureStart,
    Footer,
    Banner,
}

/// A run of lines of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) look: Look,
    /// Its first line.
    pub(super) first: usize,
    /// How many lines, at least one.
    pub(super) count: usize,
    /// The rule by which it is known.
    pub(super) rule: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Blank,
    Text,
    /// An image and no text.
    Image,
    /// Quoted; whether there is no doubt what it is: it begins with words that announce a quote, or its program marks it.
    Quoted {
        announced: bool,
        forwarded: bool,
    },
    /// A sentence that announces a quote.
    Intro,
    /// `-----Original Message-----`, with or without a header block behind it.
    Original {
        forwarded: bool,
    },
    /// `From:`, `Sent:`, `To:`, `Subject:`; whether it says all that the header of a mail does.
    Headers {
        whole: bool,
    },
    /// Quoted up to the end of the page.
    Rest,
    /// `-- `
    SignatureMark,
    /// A signature that its program marks.
    Signature,
    /// A line of strokes.
    Strokes,
    Footer,
    /// A line of a list or a virus scanner; see [`Addition`](super::disclaimers::Addition) for this and the next.
    Added,
    Disclaimer,
    Banner,
    Company,
}

/// What stands behind the marks of a quote; `None` where it is not one.
pub(super) fn quoted(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    let mut any = false;
    while let Some(behind) = rest.strip_prefix('>') {
        any = true;
        rest = behind.trim_start();
    }
    any.then_some(rest)
}

/// The units of a body. What something on the way added is told from text by whoever needs to know.
pub(super) fn units(lines: &[Line<'_>]) -> Vec<Unit> {
    let texts: Vec<&str> = lines.iter().map(|line| line.text).collect();
    // Where the next line stands of which structure says something: no sentence goes on over it.
    let mut reach = vec![lines.len(); lines.len()];
    let mut next = lines.len();
    for (n, line) in lines.iter().enumerate().rev() {
        reach[n] = next;
        if line.sign.is_some() || line.rule {
            next = n;
        }
    }
    // Whether a sentence that announces a quote may end on this line or one of the next; most lines need no closer look.
    let mut may_announce = vec![false; lines.len()];
    let mut end = usize::MAX;
    for (n, text) in texts.iter().enumerate().rev() {
        if intro::may_end(text) {
            end = n;
        }
        may_announce[n] = end <= n + REACH_OF_INTRO;
    }
    let reader = Reader { lines, texts: &texts, may_announce };
    let mut units: Vec<Unit> = Vec::new();
    let mut at = 0;
    let mut others = Others::default();
    let mut said = false;
    while at < lines.len() {
        let unit = reader.unit(at, reach[at], others);
        others = match unit.look {
            Look::Intro => Others { bars: true, initials: true },
            Look::Blank | Look::Quoted { .. } => others,
            _ => Others { bars: false, ..others },
        };
        at += unit.count;
        units.push(unit);
        // What stands below such a block is not looked at line by line: nothing in it changes what becomes of it.
        if said && matches!(unit.look, Look::Headers { .. }) && at < lines.len() {
            units.push(Unit { look: Look::Rest, first: at, count: lines.len() - at, rule: unit.rule });
            break;
        }
        said |= matches!(unit.look, Look::Text | Look::Image);
    }
    units
}

/// Which marks of a quote count besides `>`.
#[derive(Clone, Copy, Debug, Default)]
struct Others {
    /// `|`, right behind the sentence that announces a quote.
    bars: bool,
    /// `AB>`, the initials of whoever wrote it, anywhere behind such a sentence.
    initials: bool,
}

impl Others {
    fn mark(self, line: &str) -> bool {
        let line = line.trim_start();
        let letters = line.bytes().take_while(u8::is_ascii_uppercase).count();
        (self.bars && line.starts_with('|'))
            || (self.initials
                && (1..=2).contains(&letters)
                && line[letters..].starts_with('>')
                && !line[letters + 1..].starts_with(|c: char| c.is_alphanumeric()))
    }
}

struct Reader<'a> {
    lines: &'a [Line<'a>],
    texts: &'a [&'a str],
    may_announce: Vec<bool>,
}

impl Reader<'_> {
    fn unit(&self, at: usize, reach: usize, others: Others) -> Unit {
        let line = &self.lines[at];
        let unit = |look, count, rule| Unit { look, first: at, count, rule };
        if let Some((sign, rule)) = line.sign {
            return self.signed(at, sign, rule);
        }
        if line.rule {
            return unit(Look::Strokes, 1, "rule across the page");
        }
        if line.text.trim().is_empty() {
            return unit(if line.image { Look::Image } else { Look::Blank }, 1, "");
        }
        let rest = &self.texts[at..reach];
        if let Some((look, count)) = marked(rest, others) {
            return unit(look, count, "quote marks");
        }
        if self.may_announce[at]
            && let Some(intro) = intro::at(rest)
        {
            let behind = (at + intro.lines..self.lines.len()).find(|&n| !self.lines[n].is_blank());
            let leads_to_quote = behind.is_some_and(|n| {
                let line = &self.lines[n];
                matches!(line.sign, Some((Sign::Quoted { .. } | Sign::Forwarded | Sign::Rest, _)))
                    || quoted(line.text).is_some()
                    || Others { bars: true, initials: true }.mark(line.text)
            });
            if intro.sure || leads_to_quote {
                return unit(Look::Intro, intro.lines, "sentence that announces a quote");
            }
        }
        if let Some(announced) = footers::announcement(line.text) {
            let forwarded = announced == Announced::Forwarded;
            return unit(Look::Original { forwarded }, 1, "line that announces a mail");
        }
        if let Some(headers::Block { count, whole }) = headers::read(rest) {
            return unit(Look::Headers { whole }, count, "header block");
        }
        if let Some(count) = headers::notes_block(rest) {
            return unit(Look::Headers { whole: true }, count, "header block of Notes");
        }
        if footers::is_signature_mark(line.text) {
            return unit(Look::SignatureMark, 1, "signature mark");
        }
        if footers::is_strokes(line.text) {
            return unit(Look::Strokes, 1, "strokes");
        }
        if footers::is_footer(line.text) {
            return unit(Look::Footer, 1, "line of a mail program");
        }
        unit(Look::Text, 1, "")
    }

    fn signed(&self, at: usize, sign: Sign, rule: &'static str) -> Unit {
        let rest = &self.lines[at..];
        let same = rest.iter().take_while(|line| line.sign.is_some_and(|(other, _)| other == sign)).count();
        let (look, count) = match sign {
            Sign::Quoted { sure } => {
                let announced = sure || begins_announced(&self.texts[at..at + same]);
                (Look::Quoted { announced, forwarded: false }, same)
            }
            Sign::Forwarded => (Look::Quoted { announced: true, forwarded: true }, same),
            Sign::Rest => (Look::Rest, rest.len()),
            Sign::Intro => (Look::Intro, same),
            Sign::Signature => (Look::Signature, same),
            Sign::SignatureStart => (Look::SignatureMark, 1),
            Sign::Footer => (Look::Footer, same),
            Sign::Banner => (Look::Banner, same),
        };
        Unit { look, first: at, count, rule }
    }
}

/// The end of a quoted line that was too long for some program on the way, which broke it without marking what it broke off.
fn is_remainder(above: &str, line: &str) -> bool {
    let above = above.trim_end();
    quoted(above).is_some()
        && above.chars().count() >= 68
        && !above.ends_with(['.', '?', '!', ':', '。'])
        && line.starts_with(char::is_lowercase)
        && line.chars().count() <= 72
}

/// Lines that begin with marks of a quote.
fn marked(lines: &[&str], others: Others) -> Option<(Look, usize)> {
    let is_quoted = |line: &str| quoted(line).is_some() || others.mark(line);
    let goes_on = |n: &usize| is_quoted(lines[*n]) || (*n > 0 && is_remainder(lines[*n - 1], lines[*n]));
    let count = if is_quoted(lines[0]) { (0..lines.len()).take_while(goes_on).count() } else { 0 };
    if count == 0 {
        return None;
    }
    let inner: Vec<&str> = lines[..count.min(12)].iter().map(|line| quoted(line).unwrap_or(line)).collect();
    let forwarded = first_shown(&inner).and_then(footers::announcement) == Some(Announced::Forwarded);
    Some((Look::Quoted { announced: begins_announced(&inner), forwarded }, count))
}

fn first_shown<'a>(lines: &[&'a str]) -> Option<&'a str> {
    lines.iter().find(|line| !line.trim().is_empty()).copied()
}

/// Whether these lines begin with words that announce a quote.
pub(super) fn begins_announced(lines: &[&str]) -> bool {
    let Some(begin) = lines.iter().position(|line| !line.trim().is_empty()) else { return false };
    let lines = &lines[begin..];
    intro::at(lines).is_some() || footers::announcement(lines[0]).is_some() || headers::block(lines).is_some()
}
