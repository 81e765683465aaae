//! [`Rich`] to plain text.

use std::fmt::Write as _;

use crate::rich::{Block, ImageSource, Inline, Rich, Row};

impl Rich {
    /// The document as plain text: blank lines between blocks, `> ` before quotes, `- ` and `1. ` before list items,
    /// ` | ` between cells, the target of a link behind it where it says something else than the link's text.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        blocks(&self.blocks, &mut out);
        out
    }
}

fn blocks(all: &[Block], out: &mut String) {
    for (n, block) in all.iter().enumerate() {
        if n > 0 {
            out.push('\n');
        }
        match block {
            Block::Paragraph(content) | Block::Heading { content, .. } => {
                inlines(content, out);
                out.push('\n');
            }
            Block::List { start, items } => {
                for (n, item) in items.iter().enumerate() {
                    let mut inner = String::new();
                    blocks(item, &mut inner);
                    let mark = match start {
                        Some(start) => format!("{}. ", u64::from(*start) + n as u64),
                        None => "- ".to_owned(),
                    };
                    let indent = " ".repeat(mark.len());
                    prefixed(&inner, &mark, &indent, out);
                }
            }
            Block::Quote(inner) => {
                let mut text = String::new();
                blocks(inner, &mut text);
                prefixed(&text, "> ", "> ", out);
            }
            Block::Code(text) => {
                out.push_str(text);
                if !text.ends_with('\n') {
                    out.push('\n');
                }
            }
            Block::Table(rows) => table(rows, out),
            Block::Rule => out.push_str("---\n"),
        }
    }
}

fn table(rows: &[Row], out: &mut String) {
    for row in rows {
        for (n, cell) in row.cells.iter().enumerate() {
            if n > 0 {
                out.push_str(" | ");
            }
            let mut text = String::new();
            blocks(&cell.blocks, &mut text);
            let words: Vec<&str> = text.split_whitespace().collect();
            out.push_str(&words.join(" "));
        }
        out.push('\n');
    }
}

fn inlines(content: &[Inline], out: &mut String) {
    for (n, inline) in content.iter().enumerate() {
        match inline {
            Inline::Text { text, marks } => {
                out.push_str(text);
                let Some(link) = &marks.link else { continue };
                // A link in several pieces (bold within it) tells its target once, at its end.
                let goes_on = matches!(content.get(n + 1), Some(Inline::Text { marks, .. }) if marks.link.as_ref() == Some(link));
                if !goes_on && bare(link) != bare(text) {
                    let _ = write!(out, " <{link}>");
                }
            }
            Inline::Break => out.push('\n'),
            Inline::Image(image) => {
                let name = match &image.source {
                    _ if !image.alt.is_empty() => image.alt.as_str(),
                    ImageSource::Cid(_) => "",
                    ImageSource::Remote(_) => "remote",
                };
                out.push_str("[image");
                if !name.is_empty() {
                    out.push_str(": ");
                    out.push_str(name);
                }
                out.push(']');
            }
        }
    }
}

/// What an address and the text that shows it have in common.
fn bare(address: &str) -> String {
    let lower = address.trim().to_lowercase();
    let schemes = ["https://", "http://", "mailto:", "tel:"];
    let rest = schemes.iter().find_map(|scheme| lower.strip_prefix(scheme)).unwrap_or(&lower);
    rest.trim_end_matches('/').to_owned()
}

fn prefixed(text: &str, first: &str, others: &str, out: &mut String) {
    for (n, line) in text.lines().enumerate() {
        let line = format!("{}{line}", if n == 0 { first } else { others });
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(html: &str) -> String {
        Rich::from_html(html).to_text()
    }

    #[test]
    fn a_link_tells_its_target_once_and_only_where_it_says_something_else() {
        assert_eq!(shown("<a href='https://x.example/'>x.example</a>"), "x.example\n");
        assert_eq!(shown("<a href='mailto:a@x.example'>A@x.example</a>"), "A@x.example\n");
        assert_eq!(
            shown("<a href='https://x.example/display'>display</a>"),
            "display <https://x.example/display>\n"
        );
        assert_eq!(shown("<a href='https://x.example'>one <b>two</b></a>"), "one two <https://x.example>\n");
    }

    #[test]
    fn what_nests_is_indented() {
        assert_eq!(
            shown("<blockquote><ol start=9><li>a<p>b</p></li><li>c</li></ol></blockquote>"),
            "> 9. a\n>\n>    b\n> 10. c\n"
        );
    }

    #[test]
    fn a_table_has_a_line_for_each_row() {
        let table = "<table border=1><tr><th>a<th>b<tr><td>1<br>2<td></table>";
        assert_eq!(shown(table), "a | b\n1 2 | \n");
    }

    #[test]
    fn images_are_named() {
        assert_eq!(
            shown("<img src=cid:a alt=Logo><img src=cid:b><img src=https://x.example/c>"),
            "[image: Logo][image][image: remote]\n"
        );
    }
}
