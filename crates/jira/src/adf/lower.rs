//! From [`Rich`] to nodes that may stand where they are put.
//!
//! What may hold what is Jira's rule, not ours (facts: the published schema, which is stricter than HTML everywhere):
//! list items hold no tables, quotes or headings; quotes hold no tables, headings or quotes; cells hold no tables. What may
//! not stay where it is, is lifted: it splits the list or quote that it stands in, and the order of reading is kept. Where
//! there is nothing to lift it to, its text stays in place of it. Quotes that hold quotes or tables become a part that is
//! folded up under "Quoted text".
//!
//! Recursion ends at [`DEEPEST`]; what lies deeper is flattened by a walk with a stack of its own, so no document can
//! overflow ours.

use mail::{Block, Image, Inline, Marks, Rich, Row};

use super::Shown;
use super::marks::{allowed, is_allowed, is_noncharacter};
use super::node::{Cell, Node, Piece};

/// Blocks deeper than this are flattened. The readers of mail stop at 12.
const DEEPEST: usize = 24;
/// Lists nest this deep; deeper ones continue on the last level.
const DEEPEST_LIST: usize = 6;
/// Longest alternative text of an image, in characters.
const ALT: usize = 200;
/// A wider span than this is no table for people.
const WIDEST_SPAN: u16 = 100;

/// The nearest thing around a block that is neither list nor quote.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Home {
    Document,
    Expand,
    NestedExpand,
    Cell { in_expand: bool },
}

#[derive(Clone, Copy)]
struct Place {
    home: Home,
    lists: usize,
    in_quote: bool,
    depth: usize,
}

impl Place {
    fn deeper(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }

    fn home(home: Home, depth: usize) -> Self {
        Self { home, lists: 0, in_quote: false, depth }
    }
}

/// A node that stays, or one that is lifted out of the list or quote around it.
enum Put {
    Here(Node),
    Out(Node),
}

struct Lowering<'a> {
    image: &'a dyn Fn(&Image) -> Shown,
}

/// The nodes of a document, in reading order.
pub(super) fn lower(rich: &Rich, image: &dyn Fn(&Image) -> Shown) -> Vec<Node> {
    let place = Place::home(Home::Document, 0);
    settle(Lowering { image }.blocks(&rich.blocks, place))
}

/// At home everything stays.
fn settle(put: Vec<Put>) -> Vec<Node> {
    put.into_iter()
        .map(|put| match put {
            Put::Here(node) | Put::Out(node) => node,
        })
        .collect()
}

impl Lowering<'_> {
    fn blocks(&self, blocks: &[Block], place: Place) -> Vec<Put> {
        let mut out = Vec::with_capacity(blocks.len());
        if place.depth >= DEEPEST {
            out.extend(self.flat(blocks).into_iter().map(Put::Here));
            return out;
        }
        for block in blocks {
            self.block(block, place, &mut out);
        }
        out
    }

    fn block(&self, block: &Block, place: Place, out: &mut Vec<Put>) {
        let bare = place.lists > 0 || place.in_quote;
        match block {
            Block::Paragraph(content) => {
                self.running(content, None, false, &mut |node| out.push(Put::Here(node)));
            }
            Block::Heading { level, content } => {
                let level = if bare { None } else { Some((*level).clamp(1, 6)) };
                self.running(content, level, bare, &mut |node| out.push(Put::Here(node)));
            }
            Block::Code(text) => out.extend(code(text).map(Put::Here)),
            Block::Rule if bare => out.push(Put::Here(Node::Paragraph(vec![plain("———")]))),
            Block::Rule => out.push(Put::Here(Node::Rule)),
            Block::List { start, items } => self.list(*start, items, place, out),
            Block::Quote(inner) => self.quote(inner, place, out),
            Block::Table(rows) => match place.home {
                Home::Document | Home::Expand => {
                    let table = self.table(rows, place);
                    out.extend(table.map(|table| if bare { Put::Out(table) } else { Put::Here(table) }));
                }
                Home::NestedExpand | Home::Cell { .. } => {
                    let flat = self.flat(std::slice::from_ref(block));
                    out.extend(flat.into_iter().map(Put::Here));
                }
            },
        }
    }

    fn list(&self, start: Option<u32>, items: &[Vec<Block>], place: Place, out: &mut Vec<Put>) {
        if place.lists >= DEEPEST_LIST {
            for item in items {
                out.extend(self.blocks(item, place.deeper()));
            }
            return;
        }
        let inside = Place { lists: place.lists + 1, ..place.deeper() };
        let mut number = start;
        let mut first = start;
        let mut list: Vec<Vec<Node>> = Vec::new();
        let close = |list: &mut Vec<Vec<Node>>, first: Option<u32>, out: &mut Vec<Put>| {
            if !list.is_empty() {
                out.push(Put::Here(Node::List { start: first, items: std::mem::take(list) }));
            }
        };
        for item in items {
            let mut current = Vec::new();
            let mut lifted = false;
            for put in self.blocks(item, inside) {
                match put {
                    Put::Here(node) if !lifted => current.push(node),
                    // What follows a lifted block of the same item follows it outside of the list.
                    Put::Here(node) => out.push(Put::Here(node)),
                    Put::Out(node) => {
                        if !lifted {
                            push_item(&mut list, std::mem::take(&mut current));
                            close(&mut list, first, out);
                            lifted = true;
                        }
                        out.push(Put::Out(node));
                    }
                }
            }
            push_item(&mut list, current);
            number = number.map(|number| number.saturating_add(1));
            if lifted {
                first = number;
            }
        }
        close(&mut list, first, out);
    }

    fn quote(&self, inner: &[Block], place: Place, out: &mut Vec<Put>) {
        if place.in_quote {
            out.extend(self.blocks(inner, place.deeper()));
            return;
        }
        let lifted = |node: Node| if place.lists > 0 { Put::Out(node) } else { Put::Here(node) };
        let folded = match place.home {
            Home::Document => Some((Home::Expand, false)),
            Home::Expand | Home::Cell { in_expand: false } => Some((Home::NestedExpand, true)),
            Home::NestedExpand | Home::Cell { in_expand: true } => None,
        };
        if let Some((home, nested)) = folded
            && is_intricate(inner)
        {
            let content = settle(self.blocks(inner, Place::home(home, place.depth + 1)));
            if !content.is_empty() {
                out.push(lifted(Node::Expand { nested, content }));
            }
            return;
        }
        let mut content = Vec::new();
        let inside = Place { lists: 0, in_quote: true, ..place.deeper() };
        let close = |content: &mut Vec<Node>, out: &mut Vec<Put>| {
            if !content.is_empty() {
                out.push(lifted(Node::Quote(std::mem::take(content))));
            }
        };
        for put in self.blocks(inner, inside) {
            match put {
                Put::Here(node) => content.push(node),
                Put::Out(node) => {
                    close(&mut content, out);
                    out.push(lifted(node));
                }
            }
        }
        close(&mut content, out);
    }

    fn table(&self, rows: &[Row], place: Place) -> Option<Node> {
        let home = Home::Cell { in_expand: place.home != Home::Document };
        let height = rows.iter().filter(|row| !row.cells.is_empty()).count();
        let rows: Vec<Vec<Cell>> = rows
            .iter()
            .filter(|row| !row.cells.is_empty())
            .enumerate()
            .map(|(y, row)| {
                row.cells
                    .iter()
                    .map(|cell| {
                        let mut content =
                            settle(self.blocks(&cell.blocks, Place::home(home, place.depth + 1)));
                        if content.is_empty() {
                            content.push(Node::Paragraph(Vec::new()));
                        }
                        let left = u16::try_from(height - y).unwrap_or(u16::MAX);
                        Cell {
                            header: cell.header,
                            colspan: cell.colspan.clamp(1, WIDEST_SPAN),
                            rowspan: cell.rowspan.clamp(1, left.min(WIDEST_SPAN)),
                            content,
                        }
                    })
                    .collect()
            })
            .collect();
        (!rows.is_empty()).then_some(Node::Table(rows))
    }

    /// A paragraph or heading, split where an image stands.
    fn running(&self, content: &[Inline], level: Option<u8>, strong: bool, put: &mut dyn FnMut(Node)) {
        let mut pieces = Vec::new();
        for inline in content {
            match inline {
                Inline::Text { text, marks } => {
                    let mut marks = allowed(marks);
                    marks.strong |= strong && !marks.code;
                    push_text(&mut pieces, text, marks);
                }
                Inline::Break => pieces.push(Piece::Break),
                Inline::Image(image) => match (self.image)(image) {
                    Shown::Nothing => {}
                    Shown::Text(text) => push_text(&mut pieces, &text, Marks::default()),
                    Shown::Media { id, width, height, alt } => {
                        let id = clean(&id, usize::MAX);
                        let alt = clean(&alt, ALT);
                        if id.is_empty() {
                            push_text(&mut pieces, &format!("[image: {alt}]"), Marks::default());
                            continue;
                        }
                        close(std::mem::take(&mut pieces), level, put);
                        put(Node::Media { id, width: width.max(1), height: height.max(1), alt });
                    }
                },
            }
        }
        close(pieces, level, put);
    }

    /// The text of blocks, in reading order, as paragraphs: for what is too deep or has no place. Walks with its own stack.
    fn flat(&self, blocks: &[Block]) -> Vec<Node> {
        let mut out = Vec::new();
        let mut stack: Vec<&Block> = blocks.iter().rev().collect();
        while let Some(block) = stack.pop() {
            match block {
                Block::Paragraph(content) | Block::Heading { content, .. } => {
                    self.running(content, None, false, &mut |node| out.push(node));
                }
                Block::Code(text) => out.extend(code(text)),
                Block::Rule => {}
                Block::Quote(inner) => stack.extend(inner.iter().rev()),
                Block::List { items, .. } => stack.extend(items.iter().flatten().rev()),
                Block::Table(rows) => {
                    stack.extend(rows.iter().flat_map(|row| &row.cells).flat_map(|cell| &cell.blocks).rev());
                }
            }
        }
        out
    }
}

/// Whether a quote holds what a blockquote may not. Looks with its own stack.
fn is_intricate(blocks: &[Block]) -> bool {
    let mut stack: Vec<&Block> = blocks.iter().collect();
    while let Some(block) = stack.pop() {
        match block {
            Block::Quote(_) | Block::Table(_) => return true,
            Block::List { items, .. } => stack.extend(items.iter().flatten()),
            Block::Paragraph(_) | Block::Heading { .. } | Block::Code(_) | Block::Rule => {}
        }
    }
    false
}

/// An item begins with text: Jira's editor does not take one that begins with a list.
fn push_item(list: &mut Vec<Vec<Node>>, mut content: Vec<Node>) {
    if content.is_empty() {
        return;
    }
    if matches!(content.first(), Some(Node::List { .. })) {
        content.insert(0, Node::Paragraph(Vec::new()));
    }
    list.push(content);
}

/// Ends a paragraph: no line breaks at its ends, and none at all where it shows nothing.
fn close(mut pieces: Vec<Piece>, level: Option<u8>, put: &mut dyn FnMut(Node)) {
    while pieces.last().is_some_and(shows_nothing) {
        pieces.pop();
    }
    let leading = pieces.iter().take_while(|piece| shows_nothing(piece)).count();
    pieces.drain(..leading);
    if pieces.is_empty() {
        return;
    }
    put(match level {
        Some(level) => Node::Heading { level, content: pieces },
        None => Node::Paragraph(pieces),
    });
}

fn shows_nothing(piece: &Piece) -> bool {
    match piece {
        Piece::Break => true,
        Piece::Text { text, .. } => text.chars().all(char::is_whitespace),
    }
}

fn plain(text: &str) -> Piece {
    Piece::Text { text: text.to_owned(), marks: Marks::default() }
}

/// Appends text, merged with text of the same look before it.
fn push_text(pieces: &mut Vec<Piece>, text: &str, marks: Marks) {
    let clean = text.chars().filter_map(|c| match c {
        '\n' | '\r' | '\u{2028}' | '\u{2029}' => Some(' '),
        c => is_allowed(c).then_some(c),
    });
    if let Some(Piece::Text { text, marks: before }) = pieces.last_mut()
        && *before == marks
    {
        text.extend(clean);
        return;
    }
    let text: String = clean.collect();
    if !text.is_empty() {
        pieces.push(Piece::Text { text, marks });
    }
}

fn clean(text: &str, longest: usize) -> String {
    text.chars().filter(|c| is_allowed(*c) && *c != '\t').take(longest).collect()
}

fn code(text: &str) -> Option<Node> {
    let text: String =
        text.chars().filter(|&c| c == '\n' || c == '\t' || !(c.is_control() || is_noncharacter(c))).collect();
    let text = text.trim_end();
    (!text.trim().is_empty()).then(|| Node::Code(text.to_owned()))
}
