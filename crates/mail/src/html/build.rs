//! Blocks under construction: a stack of what is open, and bounds on what is kept.

use super::MAX_DEPTH;
use super::run::Run;
use crate::rich::{Block, Image, Inline, MAX_TEXT, Marks};

/// Most inlines and blocks of one document.
const MAX_PIECES: usize = 100_000;

#[derive(Debug, Default)]
struct Frame {
    blocks: Vec<Block>,
    run: Run,
}

/// Collects blocks. Everything said to it goes into the innermost open frame.
#[derive(Debug)]
pub(super) struct Builder {
    frames: Vec<Frame>,
    /// How many frames nest in the finished document.
    nesting: usize,
    room: usize,
    pieces: usize,
    pub(super) cut: bool,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self { frames: vec![Frame::default()], nesting: 0, room: MAX_TEXT, pieces: MAX_PIECES, cut: false }
    }

    fn frame(&mut self) -> &mut Frame {
        // The outermost frame is never popped.
        self.frames.last_mut().expect("the document's own frame")
    }

    /// Whether a piece of this many bytes still fits; what does not is dropped, and the document says so.
    fn fits(&mut self, bytes: usize) -> bool {
        if self.room < bytes || self.pieces == 0 {
            self.cut = true;
            return false;
        }
        self.room -= bytes;
        self.pieces -= 1;
        true
    }

    pub(super) fn is_full(&self) -> bool {
        self.cut
    }

    pub(super) fn text(&mut self, text: &str, marks: &Marks, preformatted: bool) {
        let link = marks.link.as_ref().map_or(0, String::len);
        if self.fits(text.len() + link) {
            let run = &mut self.frame().run;
            if preformatted { run.preformatted(text, marks) } else { run.text(text, marks) }
        }
    }

    pub(super) fn line_break(&mut self) {
        if self.fits(1) {
            self.frame().run.line_break();
        }
    }

    pub(super) fn image(&mut self, image: Image) {
        if self.fits(image.alt.len() + 100) {
            self.frame().run.image(image);
        }
    }

    /// A block without margins begins or ends.
    pub(super) fn end_line(&mut self) {
        self.frame().run.end_line();
    }

    /// A block with margins begins or ends.
    pub(super) fn end_paragraph(&mut self) {
        let frame = self.frame();
        if !frame.run.is_empty() {
            let paragraphs = frame.run.take_paragraphs();
            frame.blocks.extend(paragraphs);
        }
        frame.run.end_line();
    }

    /// Adds a finished block.
    pub(super) fn block(&mut self, block: Block) {
        self.end_paragraph();
        if self.fits(1) {
            self.frame().blocks.push(block);
        }
    }

    /// Adds preformatted text as a block of its own.
    pub(super) fn code(&mut self, text: &str) {
        let lines: Vec<String> = text
            .trim_end()
            .split('\n')
            .map(|line| line.chars().filter(|&c| c == '\u{A0}' || super::is_text(c)).collect::<String>())
            .collect();
        let first = lines.iter().position(|line| !line.trim().is_empty());
        let Some(first) = first else { return };
        let text = lines[first..].join("\n").replace('\u{A0}', " ");
        if self.fits(text.len()) {
            self.block(Block::Code(text));
        }
    }

    /// Opens a frame. `nests` says whether its blocks will end up within another block; beyond the allowed depth
    /// nothing is opened and `false` comes back.
    pub(super) fn open(&mut self, nests: bool) -> bool {
        if nests && self.nesting == MAX_DEPTH {
            return false;
        }
        self.nesting += usize::from(nests);
        self.frames.push(Frame::default());
        true
    }

    /// Closes the frame opened last, with the same `nests`, and gives its blocks.
    pub(super) fn close(&mut self, nests: bool) -> Vec<Block> {
        self.end_paragraph();
        self.nesting -= usize::from(nests);
        self.frames.pop().map(|frame| frame.blocks).unwrap_or_default()
    }

    /// Whether another level of nesting is allowed.
    pub(super) fn may_nest(&self) -> bool {
        self.nesting < MAX_DEPTH
    }

    /// Turns paragraphs into headings; other blocks stay what they are.
    pub(super) fn headings(&mut self, level: u8, blocks: Vec<Block>) {
        self.end_paragraph();
        for block in blocks {
            let block = match block {
                // A heading that shows only an image is no heading.
                Block::Paragraph(content) if content.iter().any(|i| matches!(i, Inline::Text { .. })) => {
                    Block::Heading { level, content }
                }
                other => other,
            };
            self.frame().blocks.push(block);
        }
    }

    pub(super) fn finish(mut self) -> (Vec<Block>, bool) {
        self.end_paragraph();
        let cut = self.cut;
        (self.frames.swap_remove(0).blocks, cut)
    }
}
