//! The tree that is written: nodes of ADF, as far as mail needs them, which write themselves as JSON or count what they
//! would take.

use mail::Marks;

/// A block.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Paragraph(Vec<Piece>),
    Heading {
        level: u8,
        content: Vec<Piece>,
    },
    /// A bullet list, or an ordered one from `start` on.
    List {
        start: Option<u32>,
        items: Vec<Vec<Node>>,
    },
    Quote(Vec<Node>),
    /// A part that is folded up; `nested` within another one or a table.
    Expand {
        nested: bool,
        content: Vec<Node>,
    },
    Code(String),
    Table(Vec<Vec<Cell>>),
    Rule,
    Media {
        id: String,
        width: u32,
        height: u32,
        alt: String,
    },
}

/// A table cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) header: bool,
    pub(super) colspan: u16,
    pub(super) rowspan: u16,
    /// Never empty.
    pub(super) content: Vec<Node>,
}

/// A piece of running text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Text { text: String, marks: Marks },
    Break,
}

/// The title of what is folded up.
pub(super) const QUOTED: &str = "Quoted text";

/// Where JSON goes.
pub(super) trait Sink {
    /// JSON as it is.
    fn raw(&mut self, json: &str);
    /// A text, quoted and escaped.
    fn string(&mut self, text: &str);

    /// A number.
    fn number(&mut self, number: u32) {
        self.raw(&number.to_string());
    }
}

impl Sink for String {
    fn raw(&mut self, json: &str) {
        self.push_str(json);
    }

    fn string(&mut self, text: &str) {
        self.push('"');
        let mut from = 0;
        for (at, byte) in text.bytes().enumerate() {
            if let Some(escape) = escape(byte) {
                self.push_str(&text[from..at]);
                self.push_str(escape);
                from = at + 1;
            }
        }
        self.push_str(&text[from..]);
        self.push('"');
    }
}

/// Counts bytes instead of writing them.
#[derive(Default)]
pub(super) struct Count(pub(super) usize);

impl Sink for Count {
    fn raw(&mut self, json: &str) {
        self.0 += json.len();
    }

    fn string(&mut self, text: &str) {
        self.0 += 2 + escaped_len(text);
    }
}

/// Bytes that a text takes between its quotes.
pub(super) fn escaped_len(text: &str) -> usize {
    text.bytes().map(|byte| escape(byte).map_or(1, str::len)).sum()
}

/// What stands for a byte that JSON does not take as it is. Control characters other than these never get into the tree;
/// should one, a space stands for it.
fn escape(byte: u8) -> Option<&'static str> {
    match byte {
        b'"' => Some("\\\""),
        b'\\' => Some("\\\\"),
        b'\n' => Some("\\n"),
        b'\t' => Some("\\t"),
        0..0x20 => Some(" "),
        _ => None,
    }
}

/// Bytes that a node takes.
pub(super) fn size(node: &Node) -> usize {
    let mut count = Count::default();
    node.write(&mut count);
    count.0
}

/// Bytes that a piece takes.
pub(super) fn piece_size(piece: &Piece) -> usize {
    let mut count = Count::default();
    piece.write(&mut count);
    count.0
}

fn list<T, S: Sink>(sink: &mut S, all: &[T], mut write: impl FnMut(&T, &mut S)) {
    sink.raw("[");
    for (n, one) in all.iter().enumerate() {
        if n > 0 {
            sink.raw(",");
        }
        write(one, sink);
    }
    sink.raw("]");
}

/// Blocks as a JSON array.
pub(super) fn blocks<S: Sink>(sink: &mut S, nodes: &[Node]) {
    list(sink, nodes, Node::write);
}

impl Node {
    pub(super) fn write<S: Sink>(&self, sink: &mut S) {
        match self {
            Self::Paragraph(content) if content.is_empty() => sink.raw(r#"{"type":"paragraph"}"#),
            Self::Paragraph(content) => {
                sink.raw(r#"{"type":"paragraph","content":"#);
                list(sink, content, Piece::write);
                sink.raw("}");
            }
            Self::Heading { level, content } => {
                sink.raw(r#"{"type":"heading","attrs":{"level":"#);
                sink.number(u32::from(*level));
                sink.raw(r#"},"content":"#);
                list(sink, content, Piece::write);
                sink.raw("}");
            }
            Self::List { start, items } => {
                match start {
                    None => sink.raw(r#"{"type":"bulletList","content":"#),
                    Some(start) => {
                        sink.raw(r#"{"type":"orderedList","attrs":{"order":"#);
                        sink.number(*start);
                        sink.raw(r#"},"content":"#);
                    }
                }
                list(sink, items, |item, sink| {
                    sink.raw(r#"{"type":"listItem","content":"#);
                    blocks(sink, item);
                    sink.raw("}");
                });
                sink.raw("}");
            }
            Self::Quote(content) => {
                sink.raw(r#"{"type":"blockquote","content":"#);
                blocks(sink, content);
                sink.raw("}");
            }
            Self::Expand { nested, content } => {
                sink.raw(if *nested {
                    r#"{"type":"nestedExpand","attrs":{"title":"#
                } else {
                    r#"{"type":"expand","attrs":{"title":"#
                });
                sink.string(QUOTED);
                sink.raw(r#"},"content":"#);
                blocks(sink, content);
                sink.raw("}");
            }
            Self::Code(text) => {
                sink.raw(r#"{"type":"codeBlock","content":[{"type":"text","text":"#);
                sink.string(text);
                sink.raw("}]}");
            }
            Self::Table(rows) => {
                sink.raw(r#"{"type":"table","content":"#);
                list(sink, rows, |row, sink| {
                    sink.raw(r#"{"type":"tableRow","content":"#);
                    list(sink, row, Cell::write);
                    sink.raw("}");
                });
                sink.raw("}");
            }
            Self::Rule => sink.raw(r#"{"type":"rule"}"#),
            Self::Media { id, width, height, alt } => {
                sink.raw(r#"{"type":"mediaSingle","attrs":{"layout":"center"},"content":[{"type":"media","attrs":{"type":"file","id":"#);
                sink.string(id);
                sink.raw(r#","collection":"","width":"#);
                sink.number(*width);
                sink.raw(r#","height":"#);
                sink.number(*height);
                if !alt.is_empty() {
                    sink.raw(r#","alt":"#);
                    sink.string(alt);
                }
                sink.raw("}}]}");
            }
        }
    }
}

impl Cell {
    fn write<S: Sink>(&self, sink: &mut S) {
        sink.raw(if self.header { r#"{"type":"tableHeader","# } else { r#"{"type":"tableCell","# });
        if self.colspan > 1 || self.rowspan > 1 {
            sink.raw(r#""attrs":{"colspan":"#);
            sink.number(u32::from(self.colspan.max(1)));
            sink.raw(r#","rowspan":"#);
            sink.number(u32::from(self.rowspan.max(1)));
            sink.raw("},");
        }
        sink.raw(r#""content":"#);
        blocks(sink, &self.content);
        sink.raw("}");
    }
}

impl Piece {
    fn write<S: Sink>(&self, sink: &mut S) {
        match self {
            Self::Break => sink.raw(r#"{"type":"hardBreak"}"#),
            Self::Text { text, marks } => {
                sink.raw(r#"{"type":"text","text":"#);
                sink.string(text);
                if *marks != Marks::default() {
                    sink.raw(r#","marks":"#);
                    write_marks(marks, sink);
                }
                sink.raw("}");
            }
        }
    }
}

fn write_marks<S: Sink>(marks: &Marks, sink: &mut S) {
    let mut sign = "[";
    let plain = [
        (marks.code, r#"{"type":"code"}"#),
        (marks.strong, r#"{"type":"strong"}"#),
        (marks.em, r#"{"type":"em"}"#),
        (marks.underline, r#"{"type":"underline"}"#),
        (marks.strike, r#"{"type":"strike"}"#),
        (marks.sub, r#"{"type":"subsup","attrs":{"type":"sub"}}"#),
        (marks.sup, r#"{"type":"subsup","attrs":{"type":"sup"}}"#),
    ];
    for (_, json) in plain.into_iter().filter(|(is, _)| *is) {
        sink.raw(sign);
        sink.raw(json);
        sign = ",";
    }
    let valued = [
        (&marks.color, r#"{"type":"textColor","attrs":{"color":"#),
        (&marks.link, r#"{"type":"link","attrs":{"href":"#),
    ];
    for (value, json) in valued {
        if let Some(value) = value {
            sink.raw(sign);
            sink.raw(json);
            sink.string(value);
            sink.raw("}}");
            sign = ",";
        }
    }
    sink.raw("]");
}
