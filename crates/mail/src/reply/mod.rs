//! What a person wrote in a reply, apart from what programs added: the quoted mail, the lines that announce it, the
//! signature, the mobile footer, the disclaimer.
//!
//! Begin with [`Reply::of`]. A page is read into lines by `page.rs`; `clients.rs` knows the names by which mail programs mark
//! what they quote and sign, and `signs.rs` holds these against what stands there. `lines.rs` tells the kinds of lines apart,
//! by structure where there is any and by their words otherwise, with `intro.rs` (the sentence that announces a quote),
//! `headers.rs` (the header block of Outlook, Notes and forwards), `footers.rs` (lines that programs add) and
//! `disclaimers.rs`. `judge.rs` decides what goes, for pages and plain texts alike; `carve.rs` takes it out of the page.
//! `settings.rs` holds what a profile says about it.
//!
//! It is a decision about words of many languages, so it errs on the side of keeping: where answers stand between quoted
//! lines everything stays, a forward stays whole, and so does a mail of which nothing would be left. What was cut is
//! returned, too, for it must be one click away.

mod below;
mod carve;
mod clients;
mod disclaimers;
mod footers;
mod headers;
mod intro;
mod judge;
mod lines;
mod occasion;
mod page;
mod settings;
mod signs;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use occasion::Occasion;
pub use settings::{CutError, CutExpression, CutReach, CutSettings, Cutting};

use crate::guard::guarded;
use crate::html::{referenced_ids, tree::Tree};
use crate::mail::TextFormat;
use crate::{Mail, Rich, text};
use judge::{Judged, Why, judge};
use lines::{Line, Sign};
use settings::Own;

/// A reply, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// What the person wrote, as text. Without blank lines around it.
    pub kept: String,
    /// What the person wrote, as a document.
    pub rich: Rich,
    /// What the person wrote, as a page: a fragment of a stranger's HTML, to be sanitised before it is shown. `None` where
    /// the body is plain text.
    pub html: Option<String>,
    /// What was cut, in reading order.
    pub cut: Vec<Piece>,
    /// Content-IDs of images that stand only in what was cut. They need not be attached.
    pub cut_images: BTreeSet<String>,
    /// Why a quote that was found was not cut, or not all of it.
    pub stays: Option<Stays>,
}

/// Something that was cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// What it is.
    pub kind: Kind,
    /// The rule by which it was known, for the trace.
    pub rule: Cow<'static, str>,
    /// The text, as it stood there.
    pub text: String,
    /// The same as a fragment of HTML, to be sanitised before it is shown. `None` where the body is plain text.
    pub html: Option<String>,
}

/// Why a piece was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The mail that is answered, and the line that announces it.
    Quote,
    /// From the mark `-- ` on, what a program marks as a signature, and the lines of a company's register.
    Signature,
    /// A line of the mail program, as of a telephone; lines of lists and scanners; strokes that lead to nothing.
    Footer,
    /// A notice of confidentiality, or a warning that the mail came from outside.
    Disclaimer,
    /// What a delimiter or an expression of the profile matched.
    Own,
}

impl Kind {
    /// In words of the console.
    pub fn words(self) -> &'static str {
        match self {
            Self::Quote => "quoted text",
            Self::Signature => "signature",
            Self::Footer => "footer",
            Self::Disclaimer => "disclaimer",
            Self::Own => "cut by a rule of the profile",
        }
    }
}

/// Why a quote was not cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stays {
    /// Answers stand between its lines.
    Interleaved,
    /// The person says that the answers stand in it.
    AnswersBelow,
    /// It is a forwarded mail, which is what this mail is about.
    Forward,
    /// Nothing else would be left.
    NothingElse,
}

impl Stays {
    /// In words of the console.
    pub fn words(self) -> &'static str {
        match self {
            Self::Interleaved => "kept whole: answers stand between the quoted lines",
            Self::AnswersBelow => "kept whole: its author says that the answers stand in the quoted text",
            Self::Forward => "kept whole: a forwarded mail",
            Self::NothingElse => "kept whole: nothing else would be left",
        }
    }
}

impl Reply {
    /// Takes the body of a mail apart: the HTML where there is one that shows anything, else the plain text. Whether it
    /// answers or forwards is read from its subject.
    pub fn of(mail: &Mail, cutting: &Cutting) -> Self {
        let occasion = Occasion::of_subject(&mail.subject);
        if let Some(html) = &mail.html {
            let reply = Self::of_html(html, occasion, cutting);
            if !reply.rich.blocks.is_empty() || mail.text.is_none() {
                return reply;
            }
        }
        match &mail.text {
            Some(text) => Self::of_text_in(text, mail.text_format, occasion, cutting),
            None => Self::default(),
        }
    }

    /// Takes a plain text apart, with what is cut by default. Takes time in proportion to its length.
    pub fn of_text(text: &str) -> Self {
        Self::of_text_in(text, TextFormat::Fixed, Occasion::Unknown, &Cutting::default())
    }

    /// Takes a plain text apart whose lines are to be read in this format.
    pub fn of_text_in(text: &str, format: TextFormat, occasion: Occasion, cutting: &Cutting) -> Self {
        let unflowed = text::unflow(text, format);
        let lines: Vec<&str> = unflowed.lines().map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
        let shown: Vec<Line<'_>> = lines.iter().map(|line| Line::plain(line)).collect();
        let judged = judge(&shown, false, occasion, cutting);
        let mut kept: Vec<&str> = Vec::new();
        let mut cut: Vec<(judge::Fate, Vec<&str>)> = Vec::new();
        let mut before = None;
        for (line, fate) in lines.iter().zip(&judged.fates) {
            match (fate, cut.last_mut()) {
                (None, _) => kept.push(line),
                (Some(fate), Some((last, piece))) if last == fate && before == Some(*fate) => {
                    piece.push(line);
                }
                (Some(fate), _) => cut.push((*fate, vec![line])),
            }
            before = *fate;
        }
        let pieces = cut.into_iter().map(|(fate, piece)| Piece::new(fate, without_blank_ends(&piece), None));
        let kept = without_blank_ends(&kept);
        Self {
            rich: Rich::from_text(&kept),
            kept,
            html: None,
            cut: pieces.filter(|piece| !piece.text.is_empty()).collect(),
            cut_images: BTreeSet::new(),
            stays: judged.stays,
        }
    }

    /// Takes a page apart. Takes time in proportion to its length.
    pub fn of_html(html: &str, occasion: Occasion, cutting: &Cutting) -> Self {
        guarded(|| Self::read_html(html, occasion, cutting)).unwrap_or_else(|_| {
            // Should the reader fail, everything is kept.
            let rich = Rich::from_html(html);
            Self { kept: without_end(rich.to_text()), rich, html: Some(html.to_owned()), ..Self::default() }
        })
    }

    fn read_html(html: &str, occasion: Occasion, cutting: &Cutting) -> Self {
        let mut tree = Tree::parse(html);
        let page = page::read(&tree);
        let signs = signs::of(&page);
        let shown: Vec<Line<'_>> = signs
            .lines
            .iter()
            .enumerate()
            .map(|(n, &sign)| {
                let line = &page.lines[n];
                // A rule may bear a name that says more than that it is one.
                let rule = line.rule && !matches!(sign, Some((Sign::Rest, _)));
                Line { text: page.text(n), sign, image: line.image, rule }
            })
            .collect();
        let Judged { fates, stays } = judge(&shown, true, occasion, cutting);
        if fates.iter().all(Option::is_none) {
            let rich = Rich::from_tree(&tree);
            return Self {
                kept: without_end(rich.to_text()),
                rich,
                html: Some(html.to_owned()),
                stays,
                ..Self::default()
            };
        }
        let is_blank = |line: usize| shown[line].is_blank() && shown[line].sign.is_none();
        let runs = carve::runs(&fates, is_blank);
        let written = carve::carve(&mut tree, &page, &runs, &signs.quotes);
        let left = carve::left(&tree);
        let mut cut_images = BTreeSet::new();
        let mut cut = Vec::with_capacity(runs.len());
        for (run, html) in runs.iter().zip(written) {
            cut_images.extend(referenced_ids(&html));
            let lines: Vec<&str> = shown[run.lines.clone()].iter().map(|line| line.text).collect();
            let text = without_blank_ends(&lines);
            // Blank lines that a program marks as its own are no piece.
            if !text.is_empty() || shown[run.lines.clone()].iter().any(|line| line.image) {
                cut.push(Piece::new(run.fate, text, Some(html)));
            }
        }
        let kept_images = referenced_ids(&left);
        cut_images.retain(|id| !kept_images.contains(id));
        let rich = Rich::from_tree(&tree);
        Self { kept: without_end(rich.to_text()), rich, html: Some(left), cut, cut_images, stays }
    }
}

impl Piece {
    fn new(fate: judge::Fate, text: String, html: Option<String>) -> Self {
        let rule = match fate.why {
            Why::Known(rule) => Cow::Borrowed(rule),
            Why::Own(Own::Delimiter(n)) => Cow::Owned(format!("delimiters[{n}]")),
            Why::Own(Own::Expression(n, _)) => Cow::Owned(format!("expressions[{n}]")),
        };
        Self { kind: fate.kind, rule, text, html }
    }
}

fn without_end(mut text: String) -> String {
    text.truncate(text.trim_end().len());
    text
}

fn without_blank_ends(lines: &[&str]) -> String {
    let is_text = |line: &&str| !line.trim().is_empty();
    let Some(first) = lines.iter().position(is_text) else { return String::new() };
    let last = lines.iter().rposition(is_text).unwrap_or(first);
    lines[first..=last].join("\n")
}

/// A mark that only turns the direction of what follows, as mails in Hebrew and Arabic have before their labels.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{61C}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Lower case as it is compared here: the dot that Turkish leaves over an i goes, apostrophes are all alike.
fn lower(text: &str) -> String {
    let lower = text.to_lowercase();
    if lower.contains(['\u{307}', '’']) {
        return lower.chars().filter(|c| *c != '\u{307}').map(|c| if c == '’' { '\'' } else { c }).collect();
    }
    lower
}
