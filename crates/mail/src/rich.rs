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
