//! Writing a tree within a limit: what does not fit is left out from the end, at the boundary of a block or of a piece of
//! text, and a notice says where the whole is.

use mail::Marks;

use super::Written;
use super::node::{Cell, Node, Piece, blocks, escaped_len, piece_size, size};

const HEAD: &str = r#"{"version":1,"type":"doc","content":"#;

/// Less of a text than this is not worth keeping.
const LEAST_TEXT: usize = 16;

/// Longest name in the notice, in bytes.
const LONGEST_NAME: usize = 120;

/// The document as JSON of at most `limit` bytes. Bytes are never fewer than characters, however those are counted.
pub(super) fn serialise(nodes: Vec<Node>, limit: usize, whole_is_in: &str) -> Written {
    let nodes = if nodes.is_empty() { vec![Node::Paragraph(Vec::new())] } else { nodes };
    let taken: usize = nodes.iter().map(|node| size(node) + 1).sum();
    // Each node counts its comma; the last one's stands for one of the two brackets.
    if HEAD.len() + taken + 2 <= limit {
        return Written { serialized: document(&nodes, taken), cut: false };
    }
    let notice = notice(whole_is_in);
    let room = limit.saturating_sub(HEAD.len() + 2 + size(&notice) + 1);
    let mut kept = fit(nodes, room).kept;
    kept.push(notice);
    Written { serialized: document(&kept, limit), cut: true }
}

fn document(nodes: &[Node], about: usize) -> String {
    let mut out = String::with_capacity(HEAD.len() + about + 2);
    out.push_str(HEAD);
    blocks(&mut out, nodes);
    out.push('}');
    out
}

fn notice(whole_is_in: &str) -> Node {
    let name: String = whole_is_in.chars().filter(|c| !c.is_control()).collect();
    let name = &name[..floor(&name, LONGEST_NAME)];
    let text = format!("The rest of this mail is in the attachment {name}.");
    Node::Paragraph(vec![Piece::Text { text, marks: Marks { em: true, ..Marks::default() } }])
}

/// The largest boundary between characters at or below `at`.
fn floor(text: &str, at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

struct Fit {
    kept: Vec<Node>,
    /// Whether all of it fitted.
    whole: bool,
}

/// As many of the nodes, each with its comma, as fit into `room`; the first that does not is cut itself.
fn fit(nodes: Vec<Node>, mut room: usize) -> Fit {
    let mut kept = Vec::new();
    for node in nodes {
        let taken = size(&node) + 1;
        if taken <= room {
            room -= taken;
            kept.push(node);
            continue;
        }
        kept.extend(part(node, room.saturating_sub(1)));
        return Fit { kept, whole: false };
    }
    Fit { kept, whole: true }
}

/// The beginning of a node that is too large for `room`.
fn part(node: Node, room: usize) -> Option<Node> {
    // What the node takes without its content, brackets counted.
    let around = |empty: &Node| room.checked_sub(size(empty));
    match node {
        Node::Paragraph(content) => {
            // An empty paragraph is written shorter than an emptied one.
            let room = room.checked_sub(size(&Node::Paragraph(Vec::new())) + r#","content":[]"#.len())?;
            some(pieces(content, room)).map(Node::Paragraph)
        }
        Node::Heading { level, content } => {
            let room = around(&Node::Heading { level, content: Vec::new() })?;
            some(pieces(content, room)).map(|content| Node::Heading { level, content })
        }
        Node::List { start, items } => {
            let room = around(&Node::List { start, items: Vec::new() })?;
            let item_around = size(&Node::List { start: None, items: vec![Vec::new()] })
                - size(&Node::List { start: None, items: Vec::new() })
                + 1;
            some(fit_groups(items, room, item_around)).map(|items| Node::List { start, items })
        }
        Node::Quote(content) => {
            let room = around(&Node::Quote(Vec::new()))?;
            some(fit(content, room).kept).map(Node::Quote)
        }
        Node::Expand { nested, content } => {
            let room = around(&Node::Expand { nested, content: Vec::new() })?;
            some(fit(content, room).kept).map(|content| Node::Expand { nested, content })
        }
        Node::Code(text) => {
            let room = around(&Node::Code(String::new()))?;
            let text = &text[..text_within(&text, room, |c| c == '\n')];
            (text.trim().len() >= LEAST_TEXT.min(room))
                .then(|| Node::Code(text.trim_end().to_owned()))
                .filter(|node| !matches!(node, Node::Code(text) if text.is_empty()))
        }
        Node::Table(rows) => table(rows, room),
        Node::Rule | Node::Media { .. } => None,
    }
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

/// Items of a list: whole ones as long as they fit, then the beginning of the next.
fn fit_groups(groups: Vec<Vec<Node>>, mut room: usize, around: usize) -> Vec<Vec<Node>> {
    let mut kept = Vec::new();
    for group in groups {
        let Some(inside) = room.checked_sub(around) else { break };
        let taken: usize = group.iter().map(|node| size(node) + 1).sum();
        let Fit { kept: group, whole } = fit(group, inside);
        if !group.is_empty() {
            kept.push(group);
        }
        if !whole {
            break;
        }
        room = inside.saturating_sub(taken);
    }
    kept
}

/// Whole rows as long as they fit; of the next, the cells that fit and the beginning of the one that does not.
fn table(rows: Vec<Vec<Cell>>, room: usize) -> Option<Node> {
    let mut room = room.checked_sub(size(&Node::Table(Vec::new())))?;
    let row_around = size(&Node::Table(vec![Vec::new()])) - size(&Node::Table(Vec::new())) + 1;
    let mut kept: Vec<Vec<Cell>> = Vec::new();
    'rows: for row in rows {
        let Some(inside) = room.checked_sub(row_around) else { break };
        room = inside;
        let mut cells = Vec::new();
        for cell in row {
            let Cell { header, colspan, rowspan, content } = cell;
            let empty = Cell { header, colspan, rowspan, content: Vec::new() };
            let taken: usize = content.iter().map(|node| size(node) + 1).sum();
            let around = cell_size(empty) + 1;
            let Fit { kept: content, whole } = match room.checked_sub(around) {
                Some(inside) => fit(content, inside),
                None => Fit { kept: Vec::new(), whole: false },
            };
            if !content.is_empty() {
                cells.push(Cell { header, colspan, rowspan, content });
            }
            if !whole {
                if !cells.is_empty() {
                    kept.push(cells);
                }
                break 'rows;
            }
            room = room.saturating_sub(around + taken);
        }
        kept.push(cells);
    }
    // Spans must not reach below the last row that is left.
    let height = kept.len();
    for (y, row) in kept.iter_mut().enumerate() {
        let left = u16::try_from(height - y).unwrap_or(u16::MAX);
        for cell in row {
            cell.rowspan = cell.rowspan.min(left);
        }
    }
    some(kept).map(Node::Table)
}

fn cell_size(cell: Cell) -> usize {
    size(&Node::Table(vec![vec![cell]])) - size(&Node::Table(vec![Vec::new()]))
}

/// Pieces of text, each with its comma, as far as they fit; a text that does not is cut after a word.
fn pieces(all: Vec<Piece>, mut room: usize) -> Vec<Piece> {
    let mut kept = Vec::new();
    for piece in all {
        let taken = piece_size(&piece) + 1;
        if taken <= room {
            room -= taken;
            kept.push(piece);
            continue;
        }
        if let Piece::Text { text, marks } = piece {
            let around = taken - escaped_len(&text);
            let left = room.saturating_sub(around);
            let text = text[..text_within(&text, left, char::is_whitespace)].trim_end();
            if text.len() >= LEAST_TEXT {
                kept.push(Piece::Text { text: text.to_owned(), marks });
            }
        }
        break;
    }
    while matches!(kept.last(), Some(Piece::Break)) {
        kept.pop();
    }
    kept
}

/// How much of a text fits into `room` when escaped: up to the last boundary, unless that would give up more than a
/// fifth of it; then up to the last character.
fn text_within(text: &str, room: usize, is_boundary: impl Fn(char) -> bool) -> usize {
    let mut taken = 0;
    let mut end = 0;
    let mut boundary = 0;
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        taken += escaped_len(&text[at..next]);
        if taken > room {
            break;
        }
        if is_boundary(c) {
            boundary = at;
        }
        end = next;
    }
    if end < text.len() && boundary > end - end / 5 { boundary } else { end }
}
