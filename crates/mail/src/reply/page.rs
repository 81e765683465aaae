//! A page as lines, as a person sees them, and where each stands in the tree.

use std::ops::Range;

use super::clients::{self, Known};
use crate::html::tree::{Data, Id, ROOT, Tree};
use crate::html::{Style, is_block, is_dropped, is_text};

/// Something of the page that shows or breaks a line, and that is kept or cut as a whole.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) node: Id,
    /// Where it stands in the node's text; preformatted text is one leaf a line.
    pub(super) within: Range<usize>,
    pub(super) line: usize,
}

/// A line.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    text: Range<usize>,
    /// It shows an image that is more than a spacer.
    pub(super) image: bool,
    /// It is a rule across the page.
    pub(super) rule: bool,
    /// It holds the link of Exchange's tip about a first contact.
    pub(super) tip: bool,
}

/// An element that some mail program is known by, and the lines it takes.
#[derive(Debug)]
pub(super) struct Marked {
    pub(super) node: Id,
    pub(super) known: Known,
    pub(super) lines: Range<usize>,
}

/// What [`read`] gives.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
    pub(super) lines: Vec<Shown>,
    /// In document order.
    pub(super) leaves: Vec<Leaf>,
    /// In the order in which they begin.
    pub(super) marked: Vec<Marked>,
}

impl Page {
    /// The text of a line: white space collapsed, none at its ends.
    pub(super) fn text(&self, line: usize) -> &str {
        &self.text[self.lines[line].text.clone()]
    }

    /// Whether anything can be seen on a line.
    pub(super) fn shows(&self, line: usize) -> bool {
        let shown = &self.lines[line];
        !shown.text.is_empty() || shown.image || shown.rule
    }
}

/// An element that is open.
struct Open {
    id: Id,
    block: bool,
    preformatted: bool,
    /// Its place among the marked ones.
    marked: Option<usize>,
    /// How many lines there were where it began.
    began: usize,
}

/// Reads the lines of a page. Steps and memory are in proportion to the tree, and nothing recurses.
pub(super) fn read(tree: &Tree) -> Page {
    let mut reader = Reader { tree, page: Page::default(), line: Line::default() };
    let mut path: Vec<Open> = Vec::new();
    let mut at = tree.node(ROOT).first_child;
    while let Some(id) = at {
        if let Some(open) = reader.enter(id, path.last()) {
            path.push(open);
            if let Some(child) = tree.node(id).first_child {
                at = Some(child);
                continue;
            }
            path.pop().into_iter().for_each(|open| reader.leave(&open));
        }
        at = tree.node(id).next;
        while at.is_none()
            && let Some(open) = path.pop()
        {
            reader.leave(&open);
            at = tree.node(open.id).next;
        }
    }
    reader.finish()
}

/// The line under construction.
#[derive(Debug, Default)]
struct Line {
    from: usize,
    /// Something was written or broke the line, so that it is one, if only a blank one.
    solid: bool,
    space: bool,
    image: bool,
    rule: bool,
    tip: bool,
}

struct Reader<'a> {
    tree: &'a Tree,
    page: Page,
    line: Line,
}

impl Reader<'_> {
    /// What stands at `id`; the element, where there may be more below it.
    fn enter(&mut self, id: Id, parent: Option<&Open>) -> Option<Open> {
        let tree = self.tree;
        let preformatted = parent.is_some_and(|open| open.preformatted);
        match &tree.node(id).data {
            Data::Text(text) => {
                self.text(id, text, preformatted);
                return None;
            }
            Data::Element { .. } => {}
            Data::Root | Data::Nothing => return None,
        }
        let name = tree.name(id);
        let style = tree.attribute(id, "style").unwrap_or_default();
        if is_dropped(name) || tree.attribute(id, "hidden").is_some() || is_hidden(style) {
            return None;
        }
        let known = clients::known(tree, id, name);
        let cell = matches!(name, "td" | "th");
        // Cells of a row that hold no block stand side by side.
        let beside = cell && parent.is_some_and(|row| row.began == self.page.lines.len());
        let block = !cell && (is_block(name) || is_more_block(name) || known.is_some());
        if beside && known.is_none() {
            self.line.space = true;
        } else if block || cell || known.is_some() {
            self.end_line();
        }
        let marked = known.map(|known| {
            let from = self.page.lines.len();
            self.page.marked.push(Marked { node: id, known, lines: from..from });
            self.page.marked.len() - 1
        });
        match name {
            "br" => {
                self.leaf(id, 0..0);
                self.line.solid = true;
                self.end_line();
            }
            "hr" => {
                self.end_line();
                self.leaf(id, 0..0);
                (self.line.solid, self.line.rule) = (true, true);
                self.end_line();
            }
            "img" => self.image(id, style),
            "a" if tree.attribute(id, "href").is_some_and(clients::is_sender_tip) => self.line.tip = true,
            _ => {}
        }
        let own = match name {
            "pre" | "listing" | "xmp" | "plaintext" => true,
            _ if style.contains("white-space") => Style::parse(style).pre.unwrap_or(preformatted),
            _ => preformatted,
        };
        Some(Open {
            id,
            block: block || known.is_some(),
            preformatted: own,
            marked,
            began: self.page.lines.len(),
        })
    }

    fn leave(&mut self, open: &Open) {
        if open.block {
            self.end_line();
        }
        if let Some(marked) = open.marked {
            self.page.marked[marked].lines.end = self.page.lines.len();
        }
    }

    fn leaf(&mut self, node: Id, within: Range<usize>) {
        self.page.leaves.push(Leaf { node, within, line: self.page.lines.len() });
    }

    fn image(&mut self, id: Id, style: &str) {
        self.leaf(id, 0..0);
        let style = if style.is_empty() { Style::default() } else { Style::parse(style) };
        let side = |name: &str| self.tree.attribute(id, name).and_then(crate::html::pixels);
        let tiny = |side: Option<u32>| side.is_some_and(|side| side <= 2);
        if !tiny(side("width").or(style.width)) && !tiny(side("height").or(style.height)) {
            (self.line.solid, self.line.image) = (true, true);
        }
    }

    fn text(&mut self, id: Id, text: &str, preformatted: bool) {
        if !preformatted {
            self.leaf(id, 0..text.len());
            self.push(text);
            return;
        }
        let mut from = 0;
        for piece in text.split_inclusive('\n') {
            self.leaf(id, from..from + piece.len());
            from += piece.len();
            self.push(piece);
            self.line.solid = true;
            if piece.ends_with('\n') {
                self.end_line();
            }
        }
    }

    fn push(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                ' ' | '\t' | '\n' | '\r' | '\u{C}' => self.line.space = true,
                '\u{A0}' => (self.line.space, self.line.solid) = (true, true),
                // Marks of direction say nothing, and stand within words that are compared.
                c if is_text(c) && !super::is_direction_mark(c) => {
                    if std::mem::take(&mut self.line.space) && self.page.text.len() > self.line.from {
                        self.page.text.push(' ');
                    }
                    self.page.text.push(c);
                    self.line.solid = true;
                }
                _ => {}
            }
        }
    }

    /// A line ends here, if anything stands on it.
    fn end_line(&mut self) {
        self.line.space = false;
        if self.line.solid {
            let Line { from, image, rule, tip, .. } = std::mem::take(&mut self.line);
            self.page.lines.push(Shown { text: from..self.page.text.len(), image, rule, tip });
            self.line.from = self.page.text.len();
        }
    }

    fn finish(mut self) -> Page {
        self.end_line();
        let lines = self.page.lines.len();
        if lines == 0 && !self.page.leaves.is_empty() {
            self.line.solid = true;
            self.end_line();
        }
        // White space that nothing follows belongs to the last line.
        let last = self.page.lines.len().saturating_sub(1);
        for leaf in self.page.leaves.iter_mut().rev().take_while(|leaf| leaf.line > last) {
            leaf.line = last;
        }
        self.page
    }
}

/// Elements besides those of `is_block` that stand on lines of their own.
pub(super) fn is_more_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "blockquote"
            | "pre"
            | "listing"
            | "xmp"
            | "plaintext"
            | "ul"
            | "ol"
            | "dir"
            | "menu"
            | "table"
            | "dd"
            | "dt"
            | "figure"
            | "details"
            | "fieldset"
    )
}

fn is_hidden(style: &str) -> bool {
    // Few styles hide anything, and reading one costs more than looking for the words that may.
    (style.contains("none") || style.contains("hid") || style.contains("mso-hide") || style.contains("HID"))
        && Style::parse(style).hidden
        || style.contains("NONE") && Style::parse(style).hidden
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn lines(html: &str) -> Vec<String> {
        let page = read(&Tree::parse(html));
        (0..page.lines.len()).map(|line| page.text(line).to_owned()).collect()
    }

    /// Promise: lines are those that a person sees.
    #[rstest]
    #[case("<p>a\n b</p><p>c<br>d</p>", &["a b", "c", "d"])]
    #[case("<div>a<div>b</div>c</div>", &["a", "b", "c"])]
    #[case("<div>a</div><div><br></div><div>b</div>", &["a", "", "b"])]
    #[case("<p>a</p><p>&nbsp;</p><p>b</p>", &["a", "", "b"])]
    #[case("<pre>a\n\n b</pre>c", &["a", "", "b", "c"])]
    #[case("<table><tr><td>From:</td><td>Anna</td></tr><tr><td>To:</td><td>Ben</td></tr></table>", &["From: Anna", "To: Ben"])]
    #[case("<table><tr><td><p>a</p></td><td><p>b</p></td></tr></table>", &["a", "b"])]
    #[case("a<hr>b<script>x</script><span style='display:none'>y</span>", &["a", "", "b"])]
    #[case("<b>Von:</b>\u{200e}&nbsp;<a>Anna</a>", &["Von: Anna"])]
    #[case("  ", &[])]
    fn lines_are_as_seen(#[case] html: &str, #[case] want: &[&str]) {
        assert_eq!(lines(html), want);
    }

    /// Promise: every leaf belongs to a line, and those of a line stand together.
    #[test]
    fn leaves_stand_in_lines() {
        let page = read(&Tree::parse("<div> <p>a <b>b</b></p> <img src=cid:1> c</div> "));
        let of: Vec<usize> = page.leaves.iter().map(|leaf| leaf.line).collect();
        assert!(of.is_sorted(), "{of:?}");
        assert_eq!(page.lines.len(), 2);
        assert!(page.lines[1].image);
        assert!(of.iter().all(|&line| line < 2), "{of:?}");
    }

    /// Promise: an element that a program is known by takes whole lines.
    #[test]
    fn marked_elements_take_whole_lines() {
        let page = read(&Tree::parse("one <span id=OLK_SRC_BODY_SECTION>two<br>three</span> four"));
        assert_eq!(page.marked.len(), 1);
        assert_eq!(page.marked[0].lines, 1..3);
        assert_eq!(page.lines.len(), 4);
    }
}
