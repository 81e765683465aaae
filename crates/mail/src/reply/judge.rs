//! What becomes of each line.

use super::Kind;
use super::footers::{MOST_OF_SIGNATURE, WIDEST_OF_SIGNATURE};
use super::lines::{Look, Unit};

/// One fate a line: `None` where it stays.
pub(super) fn fates(lines: &[&str], units: &[Unit]) -> Vec<Option<Kind>> {
    let mut verdict = Verdict { fates: vec![None; lines.len()], lines, units };
    verdict.quotes();
    verdict.signatures();
    verdict.footers();
    if verdict.fates.iter().zip(lines).all(|(fate, line)| fate.is_some() || line.trim().is_empty()) {
        // Nothing would be left: then it is not what it seemed to be.
        return vec![None; lines.len()];
    }
    verdict.fates
}

struct Verdict<'a> {
    fates: Vec<Option<Kind>>,
    lines: &'a [&'a str],
    units: &'a [Unit],
}

impl Verdict<'_> {
    fn cut(&mut self, from: usize, to: usize, kind: Kind) {
        for unit in &self.units[from..to] {
            for fate in &mut self.fates[unit.first..unit.first + unit.count] {
                fate.get_or_insert(kind);
            }
        }
    }

    /// The first unit at or after `at` that is not blank.
    fn next(&self, at: usize) -> Option<usize> {
        (at..self.units.len()).find(|&n| self.units[n].look != Look::Blank)
    }

    /// Whether a person wrote something in these units: text that is no signature.
    fn says_something(&self, from: usize, to: usize) -> bool {
        let mut at = from;
        while at < to {
            match self.units[at].look {
                Look::Text => return true,
                Look::SignatureMark => match self.signature(at) {
                    Some(end) => at = end,
                    None => at += 1,
                },
                _ => at += 1,
            }
        }
        false
    }

    /// Where the signature that begins with the mark at `at` ends.
    fn signature(&self, at: usize) -> Option<usize> {
        let ends = |unit: &Unit| {
            matches!(
                unit.look,
                Look::Intro | Look::Headers | Look::Original | Look::Quoted { .. } | Look::SignatureMark
            )
        };
        let end = (at + 1..self.units.len()).find(|&n| ends(&self.units[n])).unwrap_or(self.units.len());
        let inner = self.units[at + 1..end].iter().filter(|unit| unit.look != Look::Blank);
        let (mut count, mut widest) = (0, 0);
        for unit in inner {
            count += unit.count;
            widest = widest.max(self.lines[unit.first].chars().count());
        }
        (count <= MOST_OF_SIGNATURE && widest <= WIDEST_OF_SIGNATURE).then_some(end)
    }

    fn quotes(&mut self) {
        let total = self.units.len();
        let mut at = 0;
        let mut own_text = false;
        while at < total {
            match self.units[at].look {
                Look::Text => {
                    own_text = true;
                    at += 1;
                }
                Look::SignatureMark => at = self.signature(at).unwrap_or(at + 1),
                Look::Original | Look::Headers => {
                    if own_text {
                        return self.cut(self.strokes_before(at), total, Kind::Quote);
                    }
                    // Nothing but a forward: its text is what the mail is about.
                    self.cut(at, at + 1, Kind::Quote);
                    at += 1;
                }
                Look::Intro => match self.behind_intro(at, own_text) {
                    Some(next) => at = next,
                    None => return,
                },
                Look::Quoted { announced } => {
                    let rest_is_silent = !self.says_something(at + 1, total);
                    let others = (at + 1..total).any(|n| matches!(self.units[n].look, Look::Quoted { .. }));
                    if own_text && (rest_is_silent && (announced || !others || !self.answered_between(at))) {
                        return self.cut(at, total_without_tail(self, at), Kind::Quote);
                    }
                    own_text = true;
                    at += 1;
                }
                Look::Blank | Look::Strokes | Look::Footer => at += 1,
            }
        }
    }

    /// Whether a person's words stand between this quote and a later one.
    fn answered_between(&self, at: usize) -> bool {
        let last = (at + 1..self.units.len()).rfind(|&n| matches!(self.units[n].look, Look::Quoted { .. }));
        last.is_some_and(|last| self.says_something(at + 1, last))
    }

    /// What follows the sentence that announces a quote. Returns where to go on; `None` where everything is decided.
    fn behind_intro(&mut self, at: usize, own_text: bool) -> Option<usize> {
        let total = self.units.len();
        let Some(quote) = self.next(at + 1) else {
            self.cut(self.strokes_before(at), total, Kind::Quote);
            return None;
        };
        if !matches!(self.units[quote].look, Look::Quoted { .. }) {
            if own_text {
                // Programs that do not mark what they quote: everything below is it.
                self.cut(self.strokes_before(at), total, Kind::Quote);
                return None;
            }
            self.cut(at, at + 1, Kind::Quote);
            return Some(at + 1);
        }
        let mut end = quote;
        while let Some(n) = self.next(end)
            && matches!(self.units[n].look, Look::Quoted { .. })
        {
            end = n + 1;
        }
        let answered_below = self.says_something(end, total);
        if !answered_below {
            self.cut(self.strokes_before(at), total_without_tail(self, end), Kind::Quote);
            return None;
        }
        let later_quotes = (end..total).any(|n| matches!(self.units[n].look, Look::Quoted { .. }));
        if own_text || later_quotes {
            // Answers stand between the lines: they make no sense without them.
            self.cut(at, at + 1, Kind::Quote);
        } else {
            self.cut(at, end, Kind::Quote);
        }
        Some(end)
    }

    /// Strokes right above belong to what is cut.
    fn strokes_before(&self, at: usize) -> usize {
        let mut from = at;
        while from > 0 && matches!(self.units[from - 1].look, Look::Blank | Look::Strokes) {
            from -= 1;
        }
        from
    }

    fn signatures(&mut self) {
        for at in 0..self.units.len() {
            if self.units[at].look == Look::SignatureMark
                && self.fates[self.units[at].first].is_none()
                && let Some(end) = self.signature(at)
            {
                self.cut(at, end, Kind::Signature);
            }
        }
    }

    /// Footers and strokes at the end of what is left.
    fn footers(&mut self) {
        for at in (0..self.units.len()).rev() {
            let unit = self.units[at];
            if self.fates[unit.first].is_some() || unit.look == Look::Blank {
                continue;
            }
            if !matches!(unit.look, Look::Footer | Look::Strokes | Look::SignatureMark) {
                // A signature below strokes is one where the strokes are long and little follows.
                break;
            }
            self.cut(at, at + 1, Kind::Footer);
        }
    }
}

/// Up to the end, but a signature at the end is told as one.
fn total_without_tail(verdict: &Verdict<'_>, from: usize) -> usize {
    let total = verdict.units.len();
    (from..total)
        .find(|&n| verdict.units[n].look == Look::SignatureMark && verdict.signature(n) == Some(total))
        .unwrap_or(total)
}
