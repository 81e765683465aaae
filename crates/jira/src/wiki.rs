//! Wiki markup: what descriptions and comments are under version 2 of the API.
//!
//! Everything that could start a macro, a mention, a link or a remote image is escaped: the text comes from strangers.
//! Structure is kept as far as the markup can hold it: quotes do not nest, cells hold one line.

use std::fmt::Write as _;

use mail::{Block, Cell, Image, ImageSource, Inline, Marks, Rich, Row};

use crate::TEXT_LIMIT;

/// Blocks deeper than this are flattened; the readers of mail stop at 12.
const DEEPEST: usize = 24;
/// Longest list prefix.
const DEEPEST_LIST: usize = 6;

/// Writes a document, without any limit.
pub fn write(rich: &Rich) -> String {
    write_within(rich, usize::MAX, "").0
}

/// Writes a document of at most `limit` bytes ([`TEXT_LIMIT`] for Jira), cut between blocks where it is longer, with a
/// notice that names the attachment which holds the whole. Says whether it was cut.
pub fn write_within(rich: &Rich, limit: usize, whole_is_in: &str) -> (String, bool) {
    let notice =
        format!("_{}_", escaped(&format!("The rest of this mail is in the attachment {whole_is_in}.")));
    let room = limit.saturating_sub(notice.len() + 4);
    let mut out = String::new();
    for (n, block) in rich.blocks.iter().enumerate() {
        let mut one = String::new();
        Writer { out: &mut one }.block(block, &Place::default());
        let one = one.trim_matches('\n');
        if one.is_empty() {
            continue;
        }
        let last = n + 1 == rich.blocks.len();
        let available = if last { limit } else { room };
        if out.len() + one.len() + 2 <= available {
            if !out.is_empty() {
                out.push_str("\n\n");
            }
            out.push_str(one);
            continue;
        }
        let rest = Rich { blocks: vec![block.clone()] }.to_text();
        let left = room.saturating_sub(out.len());
        let beginning = beginning(&rest, left.min(TEXT_LIMIT));
        for part in [beginning.as_str(), notice.as_str()] {
            if !part.is_empty() {
                if !out.is_empty() {
                    out.push_str("\n\n");
                }
                out.push_str(part);
            }
        }
        return (out, true);
    }
    (out, false)
}

/// Plain lines of a block that is too large, as many as fit.
fn beginning(text: &str, room: usize) -> String {
    let mut out = String::new();
    for word in text.split_inclusive(char::is_whitespace) {
        let word = escaped(word);
        if out.len() + word.len() > room {
            break;
        }
        out.push_str(&word);
    }
    out.trim_end().to_owned()
}

#[derive(Clone, Default)]
struct Place {
    /// `*` and `#` of the lists around.
    prefix: String,
    in_quote: bool,
    /// Everything on one line: in a cell, or in an item after its first line.
    one_line: bool,
    depth: usize,
}

struct Writer<'a> {
    out: &'a mut String,
}

impl Writer<'_> {
    fn blocks(&mut self, blocks: &[Block], place: &Place) {
        for (n, block) in blocks.iter().enumerate() {
            if n > 0 && place.one_line {
                self.out.push_str("\\\\ ");
            }
            self.block(block, place);
        }
    }

    fn block(&mut self, block: &Block, place: &Place) {
        if place.depth > DEEPEST {
            return;
        }
        let deeper = Place { depth: place.depth + 1, ..place.clone() };
        match block {
            Block::Paragraph(content) => {
                self.inlines(content, false);
                self.end(place);
            }
            Block::Heading { level, content } => {
                if place.one_line || !place.prefix.is_empty() {
                    self.inlines(content, true);
                } else {
                    let _ = write!(self.out, "h{}. ", (*level).clamp(1, 6));
                    self.inlines(content, false);
                }
                self.end(place);
            }
            Block::List { start, items } => {
                let sign = if start.is_some() { '#' } else { '*' };
                let prefix = if place.prefix.len() < DEEPEST_LIST {
                    format!("{}{sign}", place.prefix)
                } else {
                    place.prefix.clone()
                };
                for item in items {
                    self.item(item, &Place { prefix: prefix.clone(), ..deeper.clone() });
                }
                if place.prefix.is_empty() && !place.one_line {
                    self.out.push('\n');
                }
            }
            Block::Quote(inner) if place.in_quote || place.one_line || !place.prefix.is_empty() => {
                self.blocks(inner, &deeper);
            }
            Block::Quote(inner) => {
                self.out.push_str("{quote}\n");
                self.blocks(inner, &Place { in_quote: true, ..deeper });
                self.out.truncate(self.out.trim_end_matches('\n').len());
                self.out.push_str("\n{quote}\n\n");
            }
            Block::Code(text) if place.one_line => self.text(text, &Marks::default()),
            Block::Code(text) => {
                let text = clean(text, true).replace("{noformat}", "{ noformat}");
                let _ = write!(self.out, "{{noformat}}\n{}\n{{noformat}}\n\n", text.trim_end());
            }
            Block::Table(rows) if place.one_line || !place.prefix.is_empty() => {
                let cells = rows.iter().flat_map(|row| &row.cells).flat_map(|cell| &cell.blocks);
                for block in cells {
                    self.block(block, &deeper);
                    if place.one_line {
                        self.out.push(' ');
                    }
                }
            }
            Block::Table(rows) => self.table(rows, &deeper),
            Block::Rule if place.one_line || !place.prefix.is_empty() => {}
            Block::Rule => self.out.push_str("----\n\n"),
        }
    }

    /// What belongs to an item stands on its line; lists in it follow, with their longer prefix.
    fn item(&mut self, blocks: &[Block], place: &Place) {
        let line = Place { one_line: true, ..place.clone() };
        let mut begun = false;
        for block in blocks {
            if matches!(block, Block::List { .. }) {
                if begun {
                    self.out.push('\n');
                }
                begun = false;
                self.block(block, place);
                continue;
            }
            if begun {
                self.out.push_str("\\\\ ");
            } else {
                let _ = write!(self.out, "{} ", place.prefix);
                begun = true;
            }
            self.block(block, &line);
        }
        if begun {
            self.out.push('\n');
        }
    }

    fn table(&mut self, rows: &[Row], place: &Place) {
        let place = Place { one_line: true, prefix: String::new(), ..place.clone() };
        for row in rows.iter().filter(|row| !row.cells.is_empty()) {
            let sign = |cell: &Cell| if cell.header { "||" } else { "|" };
            for cell in &row.cells {
                self.out.push_str(sign(cell));
                let before = self.out.len();
                self.blocks(&cell.blocks, &place);
                if self.out.len() == before {
                    self.out.push(' ');
                }
            }
            self.out.push_str(row.cells.last().map_or("|", sign));
            self.out.push('\n');
        }
        self.out.push('\n');
    }

    fn end(&mut self, place: &Place) {
        if !place.one_line {
            self.out.push_str("\n\n");
        }
    }

    fn inlines(&mut self, content: &[Inline], strong: bool) {
        for inline in content {
            match inline {
                Inline::Text { text, marks } => {
                    let marks = Marks { strong: marks.strong || strong, ..marks.clone() };
                    self.text(text, &marks);
                }
                Inline::Break => self.out.push_str("\\\\ "),
                Inline::Image(image) => self.image(image),
            }
        }
    }

    fn image(&mut self, image: &Image) {
        let name = match &image.source {
            _ if !image.alt.trim().is_empty() => image.alt.trim(),
            ImageSource::Cid(cid) => cid,
            ImageSource::Remote(_) => return,
        };
        self.out.push_str(&escaped(&format!("[image: {name}]")));
    }

    /// Text with its marks. White space stands outside of them: markup does not open before it.
    fn text(&mut self, text: &str, marks: &Marks) {
        let text = clean(text, false);
        let core = text.trim();
        if core.is_empty() {
            self.out.push_str(&text);
            return;
        }
        let start = text.len() - text.trim_start().len();
        self.out.push_str(&text[..start]);
        let link = marks.link.as_deref().and_then(crate::adf::safe_link);
        let signs: Vec<&str> = [
            (marks.strong, "*"),
            (marks.em, "_"),
            (marks.underline, "+"),
            (marks.strike, "-"),
            (marks.sub, "~"),
            (marks.sup && !marks.sub, "^"),
        ]
        .into_iter()
        .filter_map(|(is, sign)| (is && !marks.code).then_some(sign))
        .collect();
        self.out.extend(signs.iter().copied());
        match &link {
            // A bar or a bracket would end the address.
            Some(link) => {
                let link = link
                    .replace('|', "%7C")
                    .replace('[', "%5B")
                    .replace(']', "%5D")
                    .replace('{', "%7B")
                    .replace('}', "%7D");
                let _ = write!(self.out, "[{}|{link}]", escaped(core));
            }
            None if marks.code => {
                let _ = write!(self.out, "{{{{{}}}}}", escaped(core));
            }
            None => self.out.push_str(&escaped(core)),
        }
        self.out.extend(signs.iter().rev().copied());
        self.out.push_str(&text[start + core.len()..]);
    }
}

fn clean(text: &str, lines: bool) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\n' if lines => Some('\n'),
            '\n' | '\r' => Some(' '),
            c => crate::adf::is_allowed(c).then_some(c),
        })
        .collect()
}

/// Text in which nothing is markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        if matches!(
            c,
            '{' | '}' | '[' | ']' | '!' | '|' | '*' | '_' | '-' | '+' | '^' | '~' | '#' | '\\' | '?'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    // `bq.` and `h1.` are markup at the beginning of a line only; a text that begins so is held back by a space of no width.
    let head = out.split(['.', ' ']).next().unwrap_or_default();
    let is_head = out[head.len()..].starts_with('.')
        && (head == "bq"
            || (head.len() == 2 && head.starts_with('h') && head.ends_with(|c: char| c.is_ascii_digit())));
    if is_head { format!("\u{200b}{out}") } else { out }
}

#[cfg(test)]
mod tests {
    use mail::{Block, Inline, Marks, Rich};
    use proptest::prelude::*;

    use super::{write, write_within};

    fn paragraph(text: &str, marks: Marks) -> Block {
        Block::Paragraph(vec![Inline::Text { text: text.to_owned(), marks }])
    }

    #[test]
    fn nothing_in_a_mail_becomes_markup() {
        let rich =
            Rich { blocks: vec![paragraph("{code} [~admin] !http://x/y.png! |a| *b* \\", Marks::default())] };
        assert_eq!(write(&rich), "\\{code\\} \\[\\~admin\\] \\!http://x/y.png\\! \\|a\\| \\*b\\* \\\\");
        let rich = Rich { blocks: vec![Block::Code("a{noformat}b".to_owned())] };
        assert_eq!(write(&rich), "{noformat}\na{ noformat}b\n{noformat}");
    }

    #[test]
    fn structure_is_kept() {
        let strong = Marks { strong: true, ..Marks::default() };
        let link = Marks { link: Some("https://example.com/a|b".to_owned()), ..Marks::default() };
        let item = vec![
            paragraph("one", Marks::default()),
            Block::List { start: Some(1), items: vec![vec![paragraph("two", Marks::default())]] },
        ];
        let rich = Rich {
            blocks: vec![
                Block::Heading {
                    level: 2,
                    content: vec![Inline::Text { text: "Title".to_owned(), marks: Marks::default() }],
                },
                paragraph(" bold ", strong),
                Block::List { start: None, items: vec![item] },
                Block::Quote(vec![paragraph("said", Marks::default())]),
                paragraph("here", link),
            ],
        };
        assert_eq!(
            write(&rich),
            "h2. Title\n\n *bold* \n\n* one\n*# two\n\n{quote}\nsaid\n{quote}\n\n[here|https://example.com/a%7Cb]"
        );
    }

    proptest! {
        #[test]
        fn what_is_too_long_is_cut_and_says_where_the_whole_is(words in prop::collection::vec("[a-z*|]{1,12}", 1..400)) {
            let rich = Rich { blocks: words.chunks(7).map(|w| paragraph(&w.join(" "), Marks::default())).collect() };
            let (text, cut) = write_within(&rich, 500, "mail.html");
            prop_assert!(text.len() <= 500);
            prop_assert_eq!(cut, text.contains("mail.html"));
            prop_assert!(cut || text == write(&rich));
        }
    }
}
