//! The one small document tree that HTML and plain text are read into and that every output format is written from.
//!
//! `Rich` is deliberately smaller than HTML and close to what Jira can show: blocks that hold inlines, lists, quotes,
//! tables and images. It carries no style but the marks below, no script, and no address other than links and image
//! references.

use serde::{Deserialize, Serialize};

/// A document: blocks in reading order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rich {
    /// Top-level blocks.
    pub blocks: Vec<Block>,
}

/// A block of a document. Nesting depth is limited by the readers (see `html::MAX_DEPTH`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Block {
    /// Running text.
    Paragraph(Vec<Inline>),
    /// A heading, level 1 to 6.
    Heading {
        /// 1 to 6.
        level: u8,
        /// The heading's text.
        content: Vec<Inline>,
    },
    /// A bullet list (`start` is `None`) or an ordered list that begins at `start`.
    List {
        /// First number of an ordered list.
        start: Option<u32>,
        /// Each item is a sequence of blocks.
        items: Vec<Vec<Block>>,
    },
    /// Quoted text; quotes may nest.
    Quote(Vec<Block>),
    /// Preformatted text.
    Code(String),
    /// A data table. Layout tables are unwrapped by the reader and never get here.
    Table(Vec<Row>),
    /// A horizontal rule.
    Rule,
}

/// A table row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Cells from left to right.
    pub cells: Vec<Cell>,
}

/// A table cell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Whether it is a header cell.
    pub header: bool,
    /// Columns it spans, at least 1.
    pub colspan: u16,
    /// Rows it spans, at least 1.
    pub rowspan: u16,
    /// What is in it; may be empty.
    pub blocks: Vec<Block>,
}

/// A piece of running text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Inline {
    /// Text with marks; never empty, and without control characters other than tab.
    Text {
        /// The characters.
        text: String,
        /// How they look.
        marks: Marks,
    },
    /// A forced line break.
    Break,
    /// An image, where it stands in the text.
    Image(Image),
}

/// Marks on text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Bold.
    pub strong: bool,
    /// Italic.
    pub em: bool,
    /// Underlined.
    pub underline: bool,
    /// Struck through.
    pub strike: bool,
    /// Monospaced.
    pub code: bool,
    /// Subscript.
    pub sub: bool,
    /// Superscript.
    pub sup: bool,
    /// Text colour as `#rrggbb`.
    pub color: Option<String>,
    /// Link target; only `http`, `https`, `mailto` and `tel` (the readers drop everything else).
    pub link: Option<String>,
}

/// An image reference. Remote images are kept as a reference that writers show as a link or drop; they never load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Where the bytes are.
    pub source: ImageSource,
    /// Alternative text; may be empty.
    pub alt: String,
    /// Width in CSS pixels, where the mail said so.
    pub width: Option<u32>,
    /// Height in CSS pixels, where the mail said so.
    pub height: Option<u32>,
}

/// Where an image's bytes are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImageSource {
    /// A part of the same mail, by Content-ID without angle brackets.
    Cid(String),
    /// An image on the net (http or https). Never fetched.
    Remote(String),
}

/// Most bytes of text in one document. Far above what Jira shows; what lies beyond is left out with a notice.
pub const MAX_TEXT: usize = 1 << 20;

/// The paragraph that ends a document which was cut.
pub(crate) fn cut_notice() -> Block {
    let text = "[The rest of this message was left out: it is too long.]".to_owned();
    Block::Paragraph(vec![Inline::Text { text, marks: Marks { em: true, ..Marks::default() } }])
}

impl Rich {
    /// All images, in reading order.
    pub fn images(&self) -> Vec<&Image> {
        let mut out = Vec::new();
        images_in(&self.blocks, &mut out);
        out
    }

    /// Whether it shows nothing at all.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Checks what readers promise and writers rely on; the error names the place. Texts are not empty and hold no
    /// control character other than tab, links lead only to allowed schemes, lists have items and items have content,
    /// heading levels are 1 to 6, tables have rows, rows have cells, spans are at least 1, quotes and paragraphs are not
    /// empty, and nothing nests deeper than the readers allow.
    pub fn check(&self) -> Result<(), String> {
        check_blocks(&self.blocks, "document", 0)
    }
}

fn images_in<'a>(blocks: &'a [Block], out: &mut Vec<&'a Image>) {
    let inlines = |content: &'a [Inline], out: &mut Vec<&'a Image>| {
        out.extend(content.iter().filter_map(|inline| match inline {
            Inline::Image(image) => Some(image),
            _ => None,
        }));
    };
    for block in blocks {
        match block {
            Block::Paragraph(content) | Block::Heading { content, .. } => inlines(content, out),
            Block::List { items, .. } => items.iter().for_each(|item| images_in(item, out)),
            Block::Quote(inner) => images_in(inner, out),
            Block::Table(rows) => {
                rows.iter().flat_map(|row| &row.cells).for_each(|cell| images_in(&cell.blocks, out));
            }
            Block::Code(_) | Block::Rule => {}
        }
    }
}

fn check_blocks(blocks: &[Block], place: &str, depth: usize) -> Result<(), String> {
    if depth > crate::html::MAX_DEPTH {
        return Err(format!("{place}: nests deeper than {}", crate::html::MAX_DEPTH));
    }
    for (n, block) in blocks.iter().enumerate() {
        let place = format!("{place}/{n}");
        match block {
            Block::Paragraph(content) => check_inlines(content, &place)?,
            Block::Heading { level, content } => {
                if !(1..=6).contains(level) {
                    return Err(format!("{place}: heading of level {level}"));
                }
                check_inlines(content, &place)?;
            }
            Block::List { items, .. } => {
                if items.is_empty() || items.iter().any(Vec::is_empty) {
                    return Err(format!("{place}: a list without items, or an item without content"));
                }
                for (i, item) in items.iter().enumerate() {
                    check_blocks(item, &format!("{place}/item {i}"), depth + 1)?;
                }
            }
            Block::Quote(inner) => {
                if inner.is_empty() {
                    return Err(format!("{place}: an empty quote"));
                }
                check_blocks(inner, &place, depth + 1)?;
            }
            Block::Code(text) => check_text(text, &place, true)?,
            Block::Table(rows) => {
                if rows.is_empty() || rows.iter().any(|row| row.cells.is_empty()) {
                    return Err(format!("{place}: a table without rows, or a row without cells"));
                }
                for cell in rows.iter().flat_map(|row| &row.cells) {
                    if cell.colspan == 0 || cell.rowspan == 0 {
                        return Err(format!("{place}: a cell that spans nothing"));
                    }
                    check_blocks(&cell.blocks, &format!("{place}/cell"), depth + 1)?;
                }
            }
            Block::Rule => {}
        }
    }
    Ok(())
}

fn check_inlines(content: &[Inline], place: &str) -> Result<(), String> {
    if content.is_empty() {
        return Err(format!("{place}: no content"));
    }
    if matches!(content.first(), Some(Inline::Break)) || matches!(content.last(), Some(Inline::Break)) {
        return Err(format!("{place}: begins or ends with a line break"));
    }
    for inline in content {
        match inline {
            Inline::Text { text, marks } => {
                check_text(text, place, false)?;
                if let Some(link) = &marks.link
                    && crate::html::safe_link(link).as_ref() != Some(link)
                {
                    return Err(format!("{place}: a link that is not allowed"));
                }
                if let Some(color) = &marks.color
                    && !(color.len() == 7
                        && color.starts_with('#')
                        && color[1..].bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
                {
                    return Err(format!("{place}: colour {color}"));
                }
            }
            Inline::Image(image) => {
                let (ImageSource::Cid(source) | ImageSource::Remote(source)) = &image.source;
                if source.is_empty() || source.chars().chain(image.alt.chars()).any(char::is_control) {
                    return Err(format!("{place}: an image without a source, or with control characters"));
                }
            }
            Inline::Break => {}
        }
    }
    Ok(())
}

fn check_text(text: &str, place: &str, lines: bool) -> Result<(), String> {
    if text.is_empty() {
        return Err(format!("{place}: an empty text"));
    }
    match text.chars().find(|&c| c.is_control() && c != '\t' && !(lines && c == '\n')) {
        Some(c) => Err(format!("{place}: control character U+{:04X}", c as u32)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn text(text: &str, marks: Marks) -> Block {
        Block::Paragraph(vec![Inline::Text { text: text.into(), marks }])
    }

    fn plain() -> Block {
        text("a", Marks::default())
    }

    fn cell(colspan: u16) -> Cell {
        Cell { colspan, rowspan: 1, ..Cell::default() }
    }

    #[rstest]
    #[case::empty_paragraph(Block::Paragraph(vec![]))]
    #[case::empty_text(text("", Marks::default()))]
    #[case::control_character(text("a\u{7}", Marks::default()))]
    #[case::line_break_in_text(text("a\nb", Marks::default()))]
    #[case::break_at_the_end(Block::Paragraph(vec![Inline::Break]))]
    #[case::link(text("a", Marks { link: Some("javascript:x".into()), ..Marks::default() }))]
    #[case::color(text("a", Marks { color: Some("red".into()), ..Marks::default() }))]
    #[case::heading(Block::Heading { level: 7, content: vec![Inline::Text { text: "a".into(), marks: Marks::default() }] })]
    #[case::no_items(Block::List { start: None, items: vec![] })]
    #[case::empty_item(Block::List { start: None, items: vec![vec![plain()], vec![]] })]
    #[case::empty_quote(Block::Quote(vec![]))]
    #[case::empty_code(Block::Code(String::new()))]
    #[case::no_rows(Block::Table(vec![]))]
    #[case::no_cells(Block::Table(vec![Row::default()]))]
    #[case::no_span(Block::Table(vec![Row { cells: vec![cell(0)] }]))]
    #[case::too_deep((0..20).fold(plain(), |inner, _| Block::Quote(vec![inner])))]
    fn what_no_writer_could_write_is_refused(#[case] block: Block) {
        assert!(Rich { blocks: vec![block] }.check().is_err());
    }

    #[rstest]
    #[case::nothing(vec![])]
    #[case::text(vec![plain(), Block::Rule])]
    #[case::code(vec![Block::Code("a\n\tb".into())])]
    #[case::empty_cell(vec![Block::Table(vec![Row { cells: vec![cell(2)] }])])]
    #[case::deep(vec![(0..12).fold(plain(), |inner, _| Block::Quote(vec![inner]))])]
    fn what_every_writer_can_write_passes(#[case] blocks: Vec<Block>) {
        assert_eq!(Rich { blocks }.check(), Ok(()));
    }

    #[test]
    fn the_deepest_document_survives_json() {
        let deepest = format!("{}a", "<ul><li><blockquote><table border=1><tr><td>b<td>".repeat(50));
        let rich = Rich::from_html(&deepest);
        let json = serde_json::to_string(&rich).expect("JSON");
        assert_eq!(serde_json::from_str::<Rich>(&json).expect("read back"), rich);
    }
}
