//! Running text: white space collapsed as browsers do, neighbours with the same marks merged, lines cut into paragraphs.

use crate::rich::{Block, Image, Inline, Marks};

/// Running text under construction.
#[derive(Debug, Default)]
pub(super) struct Run {
    inlines: Vec<Inline>,
    /// A collapsible space that was seen and shows only if text follows on the line.
    space: Option<Marks>,
    /// A block without margins ended: what follows stands on a new line.
    line_ended: bool,
}

impl Run {
    pub(super) fn is_empty(&self) -> bool {
        self.inlines.is_empty()
    }

    /// Adds text whose white space collapses.
    pub(super) fn text(&mut self, text: &str, marks: &Marks) {
        let mut piece = String::new();
        for c in text.chars() {
            if matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{C}') {
                if !piece.is_empty() {
                    self.push(&piece, marks);
                    piece.clear();
                }
                if self.space.is_none() {
                    self.space = Some(marks.clone());
                }
            } else if c == '\u{A0}' || super::is_text(c) {
                piece.push(c);
            }
        }
        if !piece.is_empty() {
            self.push(&piece, marks);
        }
    }

    /// Adds text whose white space and line breaks stand as they are.
    pub(super) fn preformatted(&mut self, text: &str, marks: &Marks) {
        for (n, line) in text.split('\n').enumerate() {
            if n > 0 {
                self.line_break();
            }
            let line: String = line.chars().filter(|&c| c == '\u{A0}' || super::is_text(c)).collect();
            if !line.is_empty() {
                self.push(&line, marks);
            }
        }
    }

    pub(super) fn image(&mut self, image: Image) {
        self.begin(None);
        self.inlines.push(Inline::Image(image));
    }

    pub(super) fn line_break(&mut self) {
        self.space = None;
        if self.line_ended && !self.at_line_start() {
            self.inlines.push(Inline::Break);
        }
        self.line_ended = false;
        self.inlines.push(Inline::Break);
    }

    /// A block without margins begins or ends here.
    pub(super) fn end_line(&mut self) {
        self.space = None;
        self.line_ended = !self.inlines.is_empty();
    }

    fn at_line_start(&self) -> bool {
        matches!(self.inlines.last(), None | Some(Inline::Break))
    }

    /// Makes room for content with these marks: the line break and the space that were due. A space belongs to the
    /// text before or after it that looks as it does, and else stands by itself; so a link or a struck word ends where
    /// it ended. What comes back is to be put before the content.
    fn begin(&mut self, marks: Option<&Marks>) -> &'static str {
        if std::mem::take(&mut self.line_ended) && !self.at_line_start() {
            self.inlines.push(Inline::Break);
        }
        let Some(space) = self.space.take() else { return "" };
        match self.inlines.last_mut() {
            None | Some(Inline::Break) => {}
            Some(Inline::Text { text, marks: before }) if *before == space => text.push(' '),
            Some(_) if marks == Some(&space) => return " ",
            Some(_) => self.inlines.push(Inline::Text { text: " ".into(), marks: space }),
        }
        ""
    }

    fn push(&mut self, piece: &str, marks: &Marks) {
        let space = self.begin(Some(marks));
        match self.inlines.last_mut() {
            Some(Inline::Text { text, marks: before }) if before == marks => {
                text.push_str(space);
                text.push_str(piece);
            }
            _ => self.inlines.push(Inline::Text { text: format!("{space}{piece}"), marks: marks.clone() }),
        }
    }

    /// The paragraphs of the run, which is empty afterwards: blank lines part them, and lines lose the white space at
    /// their ends.
    pub(super) fn take_paragraphs(&mut self) -> Vec<Block> {
        let inlines = std::mem::take(&mut self.inlines);
        (self.space, self.line_ended) = (None, false);
        let mut out = Vec::new();
        let mut paragraph: Vec<Inline> = Vec::new();
        let mut finish = |paragraph: &mut Vec<Inline>| {
            if !paragraph.is_empty() {
                out.push(Block::Paragraph(std::mem::take(paragraph)));
            }
        };
        for line in inlines.split(|inline| *inline == Inline::Break) {
            let line = tidy(line);
            if line.is_empty() {
                finish(&mut paragraph);
                continue;
            }
            if !paragraph.is_empty() {
                paragraph.push(Inline::Break);
            }
            paragraph.extend(line);
        }
        finish(&mut paragraph);
        out
    }
}

/// One line: hard spaces become spaces, white space at both ends goes, neighbours with the same marks become one.
/// Empty when it shows nothing.
fn tidy(line: &[Inline]) -> Vec<Inline> {
    let mut out: Vec<Inline> = Vec::with_capacity(line.len());
    for inline in line {
        match (inline, out.last_mut()) {
            (Inline::Text { text, marks }, Some(Inline::Text { text: before, marks: same }))
                if same == marks =>
            {
                before.push_str(&text.replace('\u{A0}', " "));
            }
            (Inline::Text { text, marks }, _) => {
                out.push(Inline::Text { text: text.replace('\u{A0}', " "), marks: marks.clone() });
            }
            (other, _) => out.push(other.clone()),
        }
    }
    let blank = |c: char| c == ' ' || c == '\t';
    while let Some(Inline::Text { text, .. }) = out.last_mut() {
        text.truncate(text.trim_end_matches(blank).len());
        if !text.is_empty() {
            break;
        }
        out.pop();
    }
    // White space at the beginning is an indent that nothing shows; what is blank throughout is no line.
    let leading = out
        .iter()
        .take_while(|i| matches!(i, Inline::Text { text, .. } if text.trim_matches(blank).is_empty()))
        .count();
    out.drain(..leading);
    if let Some(Inline::Text { text, .. }) = out.first_mut() {
        let indent = text.len() - text.trim_start_matches(blank).len();
        text.drain(..indent);
    }
    out
}
