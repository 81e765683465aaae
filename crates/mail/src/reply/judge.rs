//! What becomes of each line.

use std::cell::{OnceCell, RefCell};

use super::below::points_below;
use super::disclaimers::{Addition, addition, begin};
use super::footers::{MOST_OF_SIGNATURE, WIDEST_OF_SIGNATURE, is_framed};
use super::lines::{Line, Look, Unit, units};
use super::occasion::Occasion;
use super::settings::{Cutting, Own};
use super::{Kind, Stays};

/// What a signature below strokes is known by: how long these are, how many lines follow, and how wide they are.
const LONG_STROKES: usize = 10;
const FEW_LINES: usize = 5;
const SHORT_LINE: usize = 60;
/// Most lines above and below one that are read with it as a paragraph of plain text.
const MOST_OF_PARAGRAPH: usize = 40;
/// Most times that what is left is judged again, because a line that was cut hid another.
const MOST_ROUNDS: usize = 4;

/// Why a line is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) kind: Kind,
    pub(super) why: Why,
}

/// The rule that cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Known(&'static str),
    Own(Own),
}

/// What becomes of the lines of a body.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// One a line: `None` where it stays.
    pub(super) fates: Vec<Option<Fate>>,
    /// Why a quote that was found was not cut.
    pub(super) stays: Option<Stays>,
}

/// Judges a body. `page` says that each line is a paragraph of its own.
pub(super) fn judge(lines: &[Line<'_>], page: bool, occasion: Occasion, cutting: &Cutting) -> Judged {
    let mut judged = once(lines, page, occasion, cutting);
    for _ in 1..MOST_ROUNDS {
        let left: Vec<usize> = (0..lines.len()).filter(|&n| judged.fates[n].is_none()).collect();
        if left.len() == lines.len() {
            break;
        }
        let again: Vec<Line<'_>> = left.iter().map(|&n| lines[n]).collect();
        let more = once(&again, page, occasion, cutting);
        judged.stays = judged.stays.or(more.stays);
        if more.fates.iter().all(Option::is_none) {
            break;
        }
        for (n, fate) in left.into_iter().zip(more.fates) {
            judged.fates[n] = fate;
        }
    }
    judged
}

fn once(lines: &[Line<'_>], page: bool, occasion: Occasion, cutting: &Cutting) -> Judged {
    let mut own = vec![None; if cutting.has_own() { lines.len() } else { 0 }];
    let mut end = lines.len();
    for (n, line) in lines.iter().enumerate().take(own.len()) {
        own[n] = cutting.own(line.text).map(|own| Fate { kind: Kind::Own, why: Why::Own(own) });
        if let Some(Fate { why: Why::Own(rule), .. }) = own[n]
            && rule.reaches_to_the_end()
        {
            end = n;
            break;
        }
    }
    // Lines that a rule of one's own cuts say nothing to the others.
    let blank = Line::plain("");
    let rest: Vec<Line<'_>> =
        (0..end).map(|n| if own.get(n).is_some_and(Option::is_some) { blank } else { lines[n] }).collect();
    let units = units(&rest);
    let mut verdict = Verdict {
        fates: vec![None; end],
        lines: &rest,
        units: &units,
        occasion,
        cutting,
        forward: None,
        stays: None,
        page,
        looks: RefCell::new(vec![None; units.len()]),
        says: OnceCell::new(),
        last_quote: units.iter().rposition(|unit| matches!(unit.look, Look::Quoted { .. })),
    };
    verdict.quotes();
    // Where the person said nothing, everything is left as it came.
    if verdict.stays != Some(Stays::NothingElse) {
        verdict.signatures();
        verdict.tail();
        verdict.head();
    }
    let Verdict { fates: found, stays, .. } = verdict;
    let mut fates: Vec<Option<Fate>> =
        found.into_iter().enumerate().map(|(n, fate)| own.get(n).copied().flatten().or(fate)).collect();
    fates.resize(lines.len(), own.get(end).copied().flatten());
    if fates.iter().zip(lines).all(|(fate, line)| fate.is_some() || line.is_blank() || line.rule) {
        // Nothing would be left: then it is not what it seemed to be.
        let any = fates.iter().any(Option::is_some);
        return Judged { fates: vec![None; lines.len()], stays: any.then_some(Stays::NothingElse) };
    }
    Judged { fates, stays }
}

struct Verdict<'a> {
    fates: Vec<Option<Fate>>,
    lines: &'a [Line<'a>],
    units: &'a [Unit],
    occasion: Occasion,
    cutting: &'a Cutting,
    /// The unit with which a forwarded mail begins that stays.
    forward: Option<usize>,
    stays: Option<Stays>,
    /// Each line is a paragraph of its own.
    page: bool,
    /// What was found out about units that are text at first sight.
    looks: RefCell<Vec<Option<Look>>>,
    /// Whether a person wrote something from each unit on, once it was asked for.
    says: OnceCell<Vec<bool>>,
    last_quote: Option<usize>,
}

impl Verdict<'_> {
    /// What a unit is at a closer look: text may be something that was added on the way. Taken only where it matters, for it
    /// costs more than all else.
    fn look(&self, at: usize) -> Look {
        if self.units[at].look != Look::Text {
            return self.units[at].look;
        }
        if let Some(look) = self.looks.borrow()[at] {
            return look;
        }
        let text = |n: usize| self.lines[self.units[n].first].text;
        let (mut from, mut to) = (at, at + 1);
        if !self.page {
            let is_text = |n: usize| self.units[n].look == Look::Text;
            while from > 0 && is_text(from - 1) && at - from < MOST_OF_PARAGRAPH {
                from -= 1;
            }
            while to < self.units.len() && is_text(to) && to - at < MOST_OF_PARAGRAPH {
                to += 1;
            }
        }
        let lines: Vec<&str> = (from..to).map(text).collect();
        let of_paragraph = if lines.len() > 1 { addition(&lines.join(" ")) } else { None };
        let begin = match of_paragraph {
            Some(Addition::Disclaimer | Addition::Banner) => from + begin(&lines),
            _ => to,
        };
        let mut looks = self.looks.borrow_mut();
        for n in from..to {
            // Lines of lists and companies stand by themselves.
            let addition = if n >= begin { of_paragraph } else { addition(text(n)) };
            looks[n] = Some(match addition {
                Some(Addition::Disclaimer) => Look::Disclaimer,
                Some(Addition::Banner) => Look::Banner,
                Some(Addition::Line) => Look::Added,
                Some(Addition::Company) => Look::Company,
                None => Look::Text,
            });
        }
        looks[at].unwrap_or(Look::Text)
    }

    /// The rule by which a unit is known.
    fn rule(&self, at: usize) -> &'static str {
        match self.look(at) {
            _ if !self.units[at].rule.is_empty() => self.units[at].rule,
            Look::Disclaimer => "notice of confidentiality",
            Look::Banner => "warning about mail from outside",
            Look::Added => "line of a list or a scanner",
            Look::Company => "company's register",
            _ => "",
        }
    }

    fn cut(&mut self, from: usize, to: usize, kind: Kind, rule: &'static str) {
        for unit in &self.units[from..to] {
            for fate in &mut self.fates[unit.first..unit.first + unit.count] {
                fate.get_or_insert(Fate { kind, why: Why::Known(rule) });
            }
        }
    }

    fn cut_quote(&mut self, from: usize, to: usize, rule: &'static str) {
        if self.cutting.quotes {
            self.cut(from, to, Kind::Quote, rule);
        }
    }

    fn is_cut(&self, at: usize) -> bool {
        self.fates[self.units[at].first].is_some()
    }

    /// The first unit at or after `at` that is not blank.
    fn next(&self, at: usize) -> Option<usize> {
        (at..self.units.len()).find(|&n| self.units[n].look != Look::Blank)
    }

    /// Whether a person wrote something from this unit on: text that is no signature.
    fn says_something(&self, from: usize) -> bool {
        let says = self.says.get_or_init(|| {
            let total = self.units.len();
            let mut says = vec![false; total + 1];
            for n in (0..total).rev() {
                says[n] = match self.units[n].look {
                    // What it is at a closer look matters only where nothing is said below it.
                    Look::Text => says[n + 1] || self.look(n) == Look::Text,
                    Look::Image => true,
                    Look::SignatureMark => says[self.signature(n).unwrap_or(n + 1)],
                    Look::Strokes if self.is_signed_below(n) => false,
                    _ => says[n + 1],
                };
            }
            says
        });
        says[from]
    }

    /// Whether another quote begins at or behind this unit.
    fn quotes_from(&self, from: usize) -> bool {
        self.last_quote.is_some_and(|last| last >= from)
    }

    /// Whether what stands below these strokes can only be a signature: a quote ends above them, and few short lines follow
    /// up to the end.
    fn is_signed_below(&self, at: usize) -> bool {
        let above = (0..at).rev().find(|&n| self.units[n].look != Look::Blank);
        let behind_quote = above.is_some_and(|n| matches!(self.units[n].look, Look::Quoted { .. }));
        let long = self.lines[self.units[at].first].text.trim().len() >= LONG_STROKES;
        if !behind_quote || !long {
            return false;
        }
        let mut rest = self.units[at + 1..].iter().filter(|unit| unit.look != Look::Blank);
        let lines = rest.clone().take(FEW_LINES + 1).count();
        (1..=FEW_LINES).contains(&lines)
            && rest.all(|unit| {
                matches!(unit.look, Look::Text | Look::Footer | Look::Strokes)
                    && self.lines[unit.first].text.chars().count() <= SHORT_LINE
            })
    }

    /// Where the signature that begins with the mark at `at` ends.
    fn signature(&self, at: usize) -> Option<usize> {
        // Where its program marks it, it ends with what is marked.
        if let Some(mut marked) = self.next(at + 1).filter(|&n| self.units[n].look == Look::Signature) {
            while let Some(n) = self.next(marked + 1).filter(|&n| self.units[n].look == Look::Signature) {
                marked = n;
            }
            return Some(marked + 1);
        }
        let ends = |unit: &Unit| {
            matches!(
                unit.look,
                Look::Intro
                    | Look::Headers { .. }
                    | Look::Rest
                    | Look::Original { .. }
                    | Look::Quoted { .. }
                    | Look::SignatureMark
            )
        };
        let end = (at + 1..self.units.len()).find(|&n| ends(&self.units[n])).unwrap_or(self.units.len());
        let mut count = 0;
        for n in at + 1..end {
            let unit = &self.units[n];
            let wide = self.lines[unit.first].text.chars().count() > WIDEST_OF_SIGNATURE;
            if unit.look == Look::Blank
                || ((wide || count == MOST_OF_SIGNATURE) && self.look(n) == Look::Disclaimer)
            {
                continue;
            }
            count += unit.count;
            if wide || count > MOST_OF_SIGNATURE {
                return None;
            }
        }
        Some(end)
    }

    /// Whether the mail that begins at `at` was forwarded rather than answered, so that it is what this mail is about.
    fn is_forward(&self, at: usize) -> bool {
        let says = match self.units[at].look {
            Look::Original { forwarded } | Look::Quoted { forwarded, .. } => forwarded,
            // The form of some web site, or a report, has lines of this kind, too.
            Look::Headers { whole } => !whole,
            _ => false,
        };
        match self.occasion {
            Occasion::Forward => true,
            Occasion::New => says,
            Occasion::Unknown | Occasion::Answer => false,
        }
    }

    /// Whether the person's own words above `at` say that the answers stand below.
    fn answers_stand_below(&self, at: usize) -> bool {
        let own = self.units[..at].iter().filter(|unit| unit.look == Look::Text);
        points_below(own.map(|unit| self.lines[unit.first].text))
    }

    /// Cuts from `at` to the end, unless that would cut answers.
    fn cut_the_rest(&mut self, at: usize, to: usize) {
        if self.answers_stand_below(at) {
            self.stays = Some(Stays::AnswersBelow);
        } else {
            self.cut_quote(self.strokes_before(at), to, self.units[at].rule);
        }
    }

    fn quotes(&mut self) {
        let total = self.units.len();
        let mut at = 0;
        // Something stands above that stays, and a person said it.
        let (mut own_text, mut said) = (false, false);
        while at < total {
            let unit = self.units[at];
            let begins_mail = match unit.look {
                Look::Original { .. } | Look::Headers { .. } | Look::Rest | Look::Intro => true,
                Look::Quoted { announced, .. } => announced,
                _ => false,
            };
            if begins_mail && self.is_forward(at) {
                self.forward = Some(at);
                self.stays = Some(Stays::Forward);
                return;
            }
            match if own_text { unit.look } else { self.look(at) } {
                Look::Text | Look::Image => {
                    (own_text, said) = (true, true);
                    at += 1;
                }
                Look::SignatureMark => at = self.signature(at).unwrap_or(at + 1),
                Look::Original { .. } | Look::Headers { .. } | Look::Rest => {
                    if said || (own_text && unit.look != Look::Rest) {
                        return self.cut_the_rest(at, total);
                    }
                    if self.occasion != Occasion::Unknown || unit.look == Look::Rest {
                        // Nothing but what is quoted.
                        self.stays = Some(Stays::NothingElse);
                        self.forward = Some(at);
                        return;
                    }
                    // Nothing but a forward: its text is what the mail is about.
                    self.cut_quote(at, at + 1, unit.rule);
                    at += 1;
                }
                Look::Intro => match self.behind_intro(at, own_text) {
                    Some(next) => at = next,
                    None => return,
                },
                Look::Quoted { announced, .. } => {
                    // In a mail that answers nothing, quote marks alone may be anything.
                    let believed = announced || self.occasion != Occasion::New;
                    if own_text && believed && !self.says_something(at + 1) {
                        return self.cut_the_rest(at, self.without_tail(at));
                    }
                    if own_text && believed {
                        self.stays = Some(Stays::Interleaved);
                    }
                    own_text = true;
                    at += 1;
                }
                _ => at += 1,
            }
        }
        if !said && self.last_quote.is_some() && self.stays.is_none() {
            self.stays = Some(Stays::NothingElse);
        }
    }

    /// What follows the sentence that announces a quote. Returns where to go on; `None` where everything is decided.
    fn behind_intro(&mut self, at: usize, own_text: bool) -> Option<usize> {
        let total = self.units.len();
        let rule = self.units[at].rule;
        let Some(quote) = self.next(at + 1) else {
            self.cut_quote(self.strokes_before(at), total, rule);
            return None;
        };
        if !matches!(self.units[quote].look, Look::Quoted { .. }) {
            if own_text {
                // Programs that do not mark what they quote: everything below is it.
                self.cut_the_rest(at, total);
                return None;
            }
            self.cut_quote(at, at + 1, rule);
            return Some(at + 1);
        }
        let mut end = quote;
        while let Some(n) = self.next(end)
            && matches!(self.units[n].look, Look::Quoted { .. })
        {
            end = n + 1;
        }
        if !self.says_something(end) {
            self.cut_the_rest(at, self.without_tail(end));
            return None;
        }
        let later_quotes = self.quotes_from(end);
        if own_text || later_quotes {
            // Answers stand between the lines: they make no sense without them.
            self.stays = Some(Stays::Interleaved);
            self.cut_quote(at, at + 1, rule);
        } else {
            self.cut_quote(at, end, rule);
        }
        Some(end)
    }

    /// Strokes right above belong to what is cut, also where they frame some words.
    fn strokes_before(&self, at: usize) -> usize {
        let goes_along = |n: usize| match self.units[n].look {
            Look::Blank | Look::Strokes => true,
            Look::Text => is_framed(self.lines[self.units[n].first].text),
            _ => false,
        };
        let mut from = at;
        while from > 0 && goes_along(from - 1) {
            from -= 1;
        }
        from
    }

    /// Up to the end, but a signature at the end is told as one.
    fn without_tail(&self, from: usize) -> usize {
        let total = self.units.len();
        (from..total)
            .find(|&n| match self.units[n].look {
                Look::SignatureMark => self.signature(n) == Some(total),
                Look::Strokes => self.is_signed_below(n),
                Look::Signature => !self.says_something(n),
                _ => false,
            })
            .unwrap_or(total)
    }

    /// The units above a forwarded mail, or all.
    fn own_end(&self) -> usize {
        self.forward.unwrap_or(self.units.len())
    }

    fn signatures(&mut self) {
        if !self.cutting.signatures {
            return;
        }
        for at in 0..self.own_end() {
            if self.is_cut(at) {
                continue;
            }
            match self.units[at].look {
                Look::SignatureMark => {
                    if let Some(end) = self.signature(at) {
                        self.cut(at, end.min(self.own_end()), Kind::Signature, self.units[at].rule);
                    }
                }
                Look::Strokes if self.is_signed_below(at) => {
                    self.cut(at, self.units.len(), Kind::Signature, "signature below strokes");
                }
                Look::Signature => {
                    // The mark above it is part of it.
                    let mark = (0..at).rev().find(|&n| self.units[n].look != Look::Blank);
                    let marked = mark.filter(|&n| {
                        matches!(self.units[n].look, Look::SignatureMark | Look::Strokes) && !self.is_cut(n)
                    });
                    self.cut(marked.unwrap_or(at), at + 1, Kind::Signature, self.units[at].rule);
                }
                _ => {}
            }
        }
    }

    /// Footers, notices and strokes at the end of what is left.
    fn tail(&mut self) {
        // Addresses above a line of a list, which belong to it if more of it stands above them.
        let mut pending: Option<usize> = None;
        let mut of_list = false;
        // Strokes belong to what stands below them.
        let mut below: Option<(Kind, &'static str)> = None;
        for at in (0..self.own_end()).rev() {
            let unit = self.units[at];
            if self.is_cut(at) || unit.look == Look::Blank {
                continue;
            }
            let look = self.look(at);
            let (kind, wanted) = match look {
                Look::Strokes if below.is_some() => (below.map_or(Kind::Footer, |(kind, _)| kind), true),
                Look::Footer | Look::Strokes | Look::SignatureMark | Look::Added => {
                    (Kind::Footer, self.cutting.footers)
                }
                Look::Disclaimer | Look::Banner => (Kind::Disclaimer, self.cutting.disclaimers),
                Look::Company => (Kind::Signature, self.cutting.signatures),
                Look::Text if of_list && pending.is_none() && self.is_address(at) => {
                    pending = Some(at);
                    continue;
                }
                _ => break,
            };
            if !wanted {
                break;
            }
            if let Some(address) = pending.take() {
                self.cut(address, address + 1, Kind::Footer, "line of a list or a scanner");
            }
            of_list |= look == Look::Added;
            let rule =
                below.filter(|_| unit.look == Look::Strokes).map_or_else(|| self.rule(at), |(_, rule)| rule);
            below = Some((kind, rule));
            self.cut(at, at + 1, kind, rule);
        }
    }

    /// A line that is an address and nothing else.
    fn is_address(&self, at: usize) -> bool {
        let text = self.lines[self.units[at].first].text.trim();
        !text.contains(' ') && (text.contains('@') || text.contains("://"))
    }

    /// Warnings of gateways above what was written.
    fn head(&mut self) {
        if !self.cutting.disclaimers {
            return;
        }
        for at in 0..self.own_end() {
            match self.look(at) {
                Look::Banner if !self.is_cut(at) => {
                    let strokes = (at + 1..self.own_end())
                        .find(|&n| self.units[n].look != Look::Blank)
                        .filter(|&n| self.units[n].look == Look::Strokes);
                    self.cut(at, strokes.map_or(at + 1, |n| n + 1), Kind::Disclaimer, self.rule(at));
                }
                Look::Banner | Look::Blank | Look::Strokes => {}
                _ => return,
            }
        }
    }
}
