//! What the structure of a page says of its lines: marks of programs, held against what stands in the elements that bear
//! them.

use std::ops::Range;

use super::clients::Mark;
use super::footers::{Announced, announcement};
use super::lines::{Sign, begins_announced, quoted};
use super::page::Page;
use super::{headers, intro};
use crate::html::tree::Id;

/// Most lines of a sentence that announces a quote, blank ones not counted, and the most bytes of them.
const MOST_OF_INTRO: usize = 8;
const LONGEST_INTRO: usize = 800;
/// Lines at the beginning of an element in which its header block is looked for.
const MOST_OF_HEAD: usize = 12;

/// A sign and the rule behind it, where structure says anything.
pub(super) type Signed = Option<(Sign, &'static str)>;

/// What the structure of a page says.
#[derive(Debug, Default)]
pub(super) struct Signs {
    /// One a line of the page.
    pub(super) lines: Vec<Signed>,
    /// The blocks without any mark of a program that are quotes by what stands above them.
    pub(super) quotes: Vec<Id>,
}

/// Reads the signs of a page.
pub(super) fn of(page: &Page) -> Signs {
    let texts: Vec<&str> = (0..page.lines.len()).map(|line| page.text(line)).collect();
    let mut reader = Reader { page, texts: &texts, signs: vec![None; texts.len()], quotes: Vec::new() };
    for (n, line) in page.lines.iter().enumerate() {
        if line.tip {
            reader.signs[n] = Some((Sign::Banner, "Exchange's tip about a first contact"));
        }
    }
    let mut n = 0;
    while n < page.marked.len() {
        reader.mark(n);
        n += 1;
        // What is said of all lines up to the end need not be said again.
        if reader.signs.last().is_some_and(|sign| matches!(sign, Some((Sign::Rest, _)))) {
            let rest = reader.signs.iter().rposition(|sign| !matches!(sign, Some((Sign::Rest, _))));
            let begin = rest.map_or(0, |last| last + 1);
            while n < page.marked.len() && page.marked[n].lines.start >= begin {
                n += 1;
            }
        }
    }
    Signs { lines: reader.signs, quotes: reader.quotes }
}

struct Reader<'a> {
    page: &'a Page,
    texts: &'a [&'a str],
    signs: Vec<Signed>,
    quotes: Vec<Id>,
}

impl Reader<'_> {
    fn mark(&mut self, n: usize) {
        let marked = &self.page.marked[n];
        let (mark, rule) = marked.known;
        let lines = self.shown(marked.lines.clone());
        // Within what is quoted nothing else counts.
        let taken = self.signs.get(marked.lines.start).copied().flatten();
        if matches!(taken, Some((Sign::Quoted { .. } | Sign::Rest | Sign::Forwarded, _))) {
            return;
        }
        // What shows nothing says nothing, but for the line break that stands where a signature begins.
        if lines.is_empty() || (mark != Mark::SignatureStart && !self.shows(&lines)) {
            return;
        }
        let sign = match mark {
            Mark::Cite | Mark::Quoted => Some(self.quoted_or_forwarded(&lines, true)),
            Mark::Bar => Some(self.quoted_or_forwarded(&lines, false)),
            Mark::Indent => {
                let announced = self.is_announced(&lines);
                if announced {
                    self.quotes.push(marked.node);
                }
                announced.then(|| self.quoted_or_forwarded(&lines, true))
            }
            Mark::Wrapper => return self.wrapper(n, lines, rule),
            Mark::Container => {
                (!self.is_answered_within(&lines)).then(|| self.quoted_or_forwarded(&lines, true))
            }
            Mark::Boundary => return self.put(lines.start..self.texts.len(), Sign::Rest, rule),
            Mark::HeaderBox => {
                let end = lines.end.max((lines.start + 1).min(self.texts.len()));
                // The anchor of Outlook holds the first line only.
                let head = lines.start..if rule.contains("_MailOriginal") {
                    (end + MOST_OF_HEAD).min(self.texts.len())
                } else {
                    end.min(lines.start + MOST_OF_HEAD)
                };
                if headers::is_labelled(&self.texts[head]) {
                    self.put(lines.start..self.texts.len(), Sign::Rest, rule);
                }
                return;
            }
            Mark::Intro => {
                let forwarded = self.first(&lines).and_then(announcement) == Some(Announced::Forwarded);
                let labelled = headers::block(&self.texts[lines.clone()]).is_some();
                (!forwarded && !labelled && self.is_short(&lines)).then_some(Sign::Intro)
            }
            Mark::Forwarded => Some(Sign::Forwarded),
            Mark::Signature => Some(Sign::Signature),
            Mark::SignatureStart => Some(Sign::SignatureStart),
            Mark::Footer => Some(Sign::Footer),
        };
        let Some(sign) = sign else { return };
        // Blank lines at the ends of a quote are quoted, too.
        let lines = match sign {
            Sign::Quoted { .. } | Sign::Forwarded => {
                marked.lines.start..marked.lines.end.min(self.texts.len())
            }
            _ => lines,
        };
        // An anchor or a line break only shows where the signature begins.
        let lines = if sign == Sign::SignatureStart { lines.start..lines.start + 1 } else { lines };
        if sign == Sign::SignatureStart && !self.texts[lines.start].is_empty() {
            return;
        }
        self.put(lines, sign, rule);
    }

    fn put(&mut self, mut lines: Range<usize>, sign: Sign, rule: &'static str) {
        if matches!(sign, Sign::Quoted { .. } | Sign::Rest) {
            lines.start = self.head_above(lines.start);
        }
        for line in lines {
            let taken = self.signs[line];
            let quotes = matches!(sign, Sign::Quoted { .. } | Sign::Rest | Sign::Forwarded);
            if taken.is_none() || quotes {
                self.signs[line] = Some((sign, rule));
            }
        }
    }

    /// Some programs open the element that holds a quote behind the first lines of its header block. Gives where the block
    /// begins.
    fn head_above(&self, begin: usize) -> usize {
        let end = self.texts.len().min(begin + MOST_OF_HEAD);
        (1..=4usize.min(begin))
            .map(|above| begin - above)
            .take_while(|&from| self.signs[from].is_none())
            .filter(|&from| headers::block(&self.texts[from..end]).is_some_and(|count| from + count > begin))
            .last()
            .unwrap_or(begin)
    }

    /// These lines without blank ones at their ends.
    fn shown(&self, lines: Range<usize>) -> Range<usize> {
        let lines = lines.start.min(self.texts.len())..lines.end.min(self.texts.len());
        let is_shown = |&n: &usize| self.page.shows(n);
        match (lines.clone().find(is_shown), lines.clone().rfind(is_shown)) {
            (Some(first), Some(last)) => first..last + 1,
            // Nothing shows: a line break that says something by its name is one line.
            _ => lines.start..lines.end.min(lines.start + 1),
        }
    }

    /// Whether anything can be seen on these lines.
    fn shows(&self, lines: &Range<usize>) -> bool {
        lines.clone().any(|n| self.page.shows(n))
    }

    fn first(&self, lines: &Range<usize>) -> Option<&str> {
        self.texts[lines.clone()].iter().find(|text| !text.is_empty()).copied()
    }

    fn quoted_or_forwarded(&self, lines: &Range<usize>, sure: bool) -> Sign {
        match self.first(lines).and_then(announcement) {
            Some(Announced::Forwarded) => Sign::Forwarded,
            _ => Sign::Quoted { sure },
        }
    }

    /// Few enough lines for a sentence that announces something.
    fn is_short(&self, lines: &Range<usize>) -> bool {
        let texts = self.texts[lines.clone()].iter().filter(|text| !text.is_empty());
        let (count, length) = texts.fold((0, 0), |(count, length), text| (count + 1, length + text.len()));
        count <= MOST_OF_INTRO && length <= LONGEST_INTRO
    }

    /// Whether a sentence right above these lines, or their own first line, announces them.
    fn is_announced(&self, lines: &Range<usize>) -> bool {
        let mut from = lines.start;
        let mut shown = 0;
        while from > 0 && shown < 4 {
            from -= 1;
            if self.texts[from].is_empty() {
                continue;
            }
            shown += 1;
            let above = &self.texts[from..lines.start];
            let whole = |count: usize| above[count..].iter().all(|text| text.is_empty());
            if intro::at(above).is_some_and(|intro| whole(intro.lines))
                || headers::block(above).is_some_and(whole)
                || (shown == 1 && announcement(self.texts[from]).is_some())
            {
                return true;
            }
        }
        let end = lines.end.min(lines.start + MOST_OF_HEAD);
        begins_announced(&self.texts[lines.start..end]) || intro::begins(self.texts[lines.start])
    }

    /// Whether the person answered within a container: lines with quote marks and others, and no header block above them.
    fn is_answered_within(&self, lines: &Range<usize>) -> bool {
        let head = &self.texts[lines.start..lines.end.min(lines.start + MOST_OF_HEAD)];
        if (0..head.len().min(4)).any(|n| headers::block(&head[n..]).is_some()) {
            return false;
        }
        let marked = self.texts[lines.clone()].iter().filter(|text| quoted(text).is_some()).count();
        marked >= 2
    }

    /// An element that holds a sentence and the quote that it announces. Answers may stand between and below the quotes in
    /// it; where it holds no quote of its own, it is one.
    fn wrapper(&mut self, n: usize, lines: Range<usize>, rule: &'static str) {
        let inner = self.page.marked[n + 1..].iter().take_while(|inner| inner.lines.start < lines.end);
        let quote = inner
            .filter(|inner| matches!(inner.known.0, Mark::Cite | Mark::Bar | Mark::Indent | Mark::Wrapper))
            .map(|inner| inner.lines.clone())
            .find(|quote| self.shows(quote));
        let forwarded = self.first(&lines).and_then(announcement) == Some(Announced::Forwarded);
        if forwarded {
            return self.put(lines, Sign::Forwarded, rule);
        }
        let begins = quote.as_ref().map_or(lines.end, |quote| quote.start);
        let before = self.shown(lines.start..begins);
        let has_words = before.clone().any(|n| !self.texts[n].is_empty());
        let announces = !has_words || (self.is_short(&before) && self.announces(&before));
        match (announces, quote) {
            // Its words announce what stands in it, or below it.
            (true, Some(_)) if !has_words => {}
            (true, Some(_)) => self.put(before, Sign::Intro, rule),
            (true, None) if has_words => self.put(before, Sign::Intro, rule),
            _ => self.put(lines, Sign::Quoted { sure: true }, rule),
        }
    }

    /// Whether these lines end as a sentence that announces a quote does, or are one in a language that is not known here.
    fn announces(&self, lines: &Range<usize>) -> bool {
        let texts: Vec<&str> =
            self.texts[lines.clone()].iter().filter(|text| !text.is_empty()).copied().collect();
        let Some(last) = texts.last() else { return false };
        let ends = last.ends_with([':', '：', '-', '>']) || last.ends_with("---");
        let told = texts.iter().any(|text| text.contains('@') || text.bytes().any(|b| b.is_ascii_digit()));
        let announced = texts.iter().any(|text| announcement(text).is_some());
        let labelled = headers::block(&texts).is_some();
        !labelled
            && ((ends && told)
                || announced
                || intro::at(&texts).is_some_and(|intro| intro.lines == texts.len()))
    }
}
