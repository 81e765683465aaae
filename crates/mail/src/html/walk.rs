//! The walk over a page: what each element means to a document.

use super::build::Builder;
use super::style::{Color, Style, color, pixels};
use super::tables::{Grid, grid, is_data};
use super::tree::{Data, Id, MAX_TREE_DEPTH, ROOT, Tree};
use super::{MAX_LINK, content_id, safe_link};
use crate::rich::{Block, Cell, Image, ImageSource, Marks, Row};
use crate::words;

/// Deepest recursion of the walk. Repairs of broken markup can nest a little deeper than the tree allowed.
const MAX_WALK: u16 = MAX_TREE_DEPTH + 30;

/// The blocks of a page, and whether some were left out.
pub(super) fn blocks(tree: &Tree) -> (Vec<Block>, bool) {
    let mut walk = Walk { tree, out: Builder::new() };
    walk.children(ROOT, &Context::default());
    walk.out.finish()
}

/// What an element hands down to what is in it.
#[derive(Clone, Debug, Default)]
struct Context {
    marks: Marks,
    preformatted: bool,
    depth: u16,
}

struct Walk<'a> {
    tree: &'a Tree,
    out: Builder,
}

impl Walk<'_> {
    fn children(&mut self, id: Id, context: &Context) {
        let mut child = self.tree.node(id).first_child;
        while let Some(id) = child {
            if self.out.is_full() {
                return;
            }
            self.node(id, context);
            child = self.tree.node(id).next;
        }
    }

    fn node(&mut self, id: Id, context: &Context) {
        match &self.tree.node(id).data {
            Data::Text(text) => self.out.text(text, &context.marks, context.preformatted),
            Data::Element { .. } if context.depth >= MAX_WALK => self.flat(id, context),
            Data::Element { .. } => self.element(id, context),
            Data::Root => self.children(id, context),
            Data::Nothing => {}
        }
    }

    /// The text below an element that nests too deep to be told apart.
    fn flat(&mut self, id: Id, context: &Context) {
        for below in self.tree.descendants(id) {
            if let Data::Text(text) = &self.tree.node(below).data {
                self.out.text(text, &context.marks, context.preformatted);
            }
        }
    }

    fn element(&mut self, id: Id, context: &Context) {
        let tree = self.tree;
        let name = tree.name(id);
        if is_dropped(name) || tree.attribute(id, "hidden").is_some() {
            return;
        }
        let style = tree.attribute(id, "style").map(Style::parse).unwrap_or_default();
        if style.hidden {
            return;
        }
        let mut inner = Context { depth: context.depth + 1, ..context.clone() };
        mark(tree, id, name, &style, &mut inner);
        match name {
            "br" => self.out.line_break(),
            "hr" => self.out.block(Block::Rule),
            "img" => self.image(id, &style, context),
            "wbr" | "col" | "colgroup" | "area" | "base" | "meta" | "link" => {}
            "p" => {
                let tight =
                    style.no_margin || tree.attribute(id, "class").is_some_and(|c| c.starts_with("Mso"));
                self.block_of(id, &inner, !tight);
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = name.as_bytes()[1] - b'0';
                // What is bold anyway needs no mark.
                inner.marks.strong = false;
                let blocks = self.nested(false, |walk| walk.children(id, &inner)).unwrap_or_default();
                self.out.headings(level, blocks);
            }
            "blockquote" => match self.nested(true, |walk| walk.children(id, &inner)) {
                Some(blocks) if blocks.is_empty() => self.out.end_paragraph(),
                Some(blocks) => self.out.block(Block::Quote(blocks)),
                None => self.block_of(id, &inner, true),
            },
            "pre" | "listing" | "xmp" | "plaintext" => self.pre(id, &style, inner),
            "ul" | "ol" | "dir" | "menu" => self.list(id, name, &inner),
            "table" => self.table(id, &inner),
            "dd" | "dt" | "figure" | "details" | "fieldset" => self.block_of(id, &inner, true),
            // A line above or below a block parts it from its neighbours, as Outlook does above a quoted mail.
            _ if is_block(name) => self.block_of(id, &inner, style.border),
            _ if style.list_mark => self.list_mark(id, &inner),
            _ => self.children(id, &inner),
        }
    }

    /// The blocks that `content` makes; `None` where nothing may nest any deeper, and then nothing was done.
    fn nested(&mut self, nests: bool, content: impl FnOnce(&mut Self)) -> Option<Vec<Block>> {
        if !self.out.open(nests) {
            return None;
        }
        content(self);
        Some(self.out.close(nests))
    }

    fn block_of(&mut self, id: Id, inner: &Context, margins: bool) {
        let edge = |out: &mut Builder| if margins { out.end_paragraph() } else { out.end_line() };
        edge(&mut self.out);
        self.children(id, inner);
        edge(&mut self.out);
    }

    /// Preformatted text is code, except where a mail program only uses it to show plain text.
    fn pre(&mut self, id: Id, style: &Style, mut inner: Context) {
        let class = self.tree.attribute(id, "class").unwrap_or_default();
        let is_text = style.pre == Some(true) || class.contains("moz-quote-pre") || class.contains("wrap");
        let holds_more = self.tree.descendants(id).any(|below| {
            matches!(self.tree.name(below), "img" | "table" | "blockquote" | "p" | "div" | "ul" | "ol" | "a")
        });
        if is_text || holds_more || inner.marks.link.is_some() {
            inner.preformatted = true;
            return self.block_of(id, &inner, true);
        }
        let mut text = String::new();
        let tree = self.tree;
        let unseen = |below: Id| {
            is_dropped(tree.name(below))
                || tree.attribute(below, "style").is_some_and(|style| Style::parse(style).hidden)
        };
        for below in tree.descendants_but(id, unseen) {
            match &self.tree.node(below).data {
                Data::Text(piece) => text.push_str(piece),
                Data::Element { .. } if self.tree.name(below) == "br" => text.push('\n'),
                _ => {}
            }
        }
        self.out.code(&text.replace("\r\n", "\n").replace('\r', "\n"));
    }

    fn list(&mut self, id: Id, name: &str, inner: &Context) {
        if !self.out.may_nest() {
            return self.block_of(id, inner, true);
        }
        let tree = self.tree;
        let mut items: Vec<Vec<Block>> = Vec::new();
        for child in tree.children(id) {
            let hidden = tree.attribute(child, "style").is_some_and(|style| Style::parse(style).hidden);
            if hidden || self.out.is_full() {
                continue;
            }
            let is_item = tree.name(child) == "li";
            let blocks = self
                .nested(true, |walk| if is_item { walk.item(child, inner) } else { walk.node(child, inner) });
            let blocks = blocks.unwrap_or_default();
            match items.last_mut() {
                _ if blocks.is_empty() => {}
                // A list right within a list belongs to the item before it.
                Some(last) if !is_item => last.extend(blocks),
                _ => items.push(blocks),
            }
        }
        if items.is_empty() {
            return self.out.end_paragraph();
        }
        let start = (name == "ol").then(|| {
            let start = tree.attribute(id, "start").and_then(|value| value.trim().parse().ok());
            start.unwrap_or(1)
        });
        self.out.block(Block::List { start, items });
    }

    fn item(&mut self, id: Id, context: &Context) {
        let style = self.tree.attribute(id, "style").map(Style::parse).unwrap_or_default();
        let mut inner = Context { depth: context.depth.saturating_add(1), ..context.clone() };
        mark(self.tree, id, "li", &style, &mut inner);
        self.children(id, &inner);
    }

    /// The bullet that Word writes before a list item, in a font of its own.
    fn list_mark(&mut self, id: Id, inner: &Context) {
        let text: String = self
            .tree
            .descendants(id)
            .filter_map(|below| match &self.tree.node(below).data {
                Data::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        let shown = match text.trim_matches(|c: char| c.is_whitespace() || c == '\u{A0}') {
            "" => return,
            "·" | "\u{F0B7}" | "§" | "\u{F0A7}" | "Ø" | "\u{F0D8}" | "ü" | "\u{F0FC}" | "v" | "-" | "–"
            | "•" => "•",
            "o" => "◦",
            other => other,
        };
        self.out.text(&format!("{shown} "), &inner.marks, false);
    }

    fn table(&mut self, id: Id, inner: &Context) {
        let grid = grid(self.tree, id);
        self.out.end_paragraph();
        for &caption in &grid.captions {
            self.block_of(caption, inner, true);
        }
        if self.out.may_nest() && is_data(self.tree, id, &grid) {
            self.data(&grid, inner);
        } else {
            self.layout(&grid, inner);
        }
        self.out.end_paragraph();
    }

    fn data(&mut self, grid: &Grid, inner: &Context) {
        let tree = self.tree;
        let mut rows = Vec::with_capacity(grid.rows.len());
        for row in &grid.rows {
            let mut cells = Vec::with_capacity(row.len());
            for cell in row {
                if self.out.is_full() {
                    break;
                }
                let style = tree.attribute(cell.id, "style").map(Style::parse).unwrap_or_default();
                let blocks = if style.hidden {
                    Vec::new()
                } else {
                    let mut context = Context { depth: inner.depth.saturating_add(3), ..inner.clone() };
                    mark(tree, cell.id, "td", &style, &mut context);
                    self.nested(true, |walk| walk.children(cell.id, &context)).unwrap_or_default()
                };
                cells.push(Cell {
                    header: cell.header,
                    colspan: cell.colspan,
                    rowspan: cell.rowspan,
                    blocks,
                });
            }
            if !cells.is_empty() {
                rows.push(Row { cells });
            }
        }
        if rows.iter().flat_map(|row| &row.cells).any(|cell| !cell.blocks.is_empty()) {
            self.out.block(Block::Table(rows));
        }
    }

    /// A layout table: its cells as lines, its rows as paragraphs.
    fn layout(&mut self, grid: &Grid, inner: &Context) {
        for row in &grid.rows {
            for cell in row {
                if self.out.is_full() {
                    return;
                }
                let style = self.tree.attribute(cell.id, "style").map(Style::parse).unwrap_or_default();
                if style.hidden {
                    continue;
                }
                let mut context = Context { depth: inner.depth.saturating_add(3), ..inner.clone() };
                mark(self.tree, cell.id, "td", &style, &mut context);
                self.block_of(cell.id, &context, false);
            }
            self.out.end_paragraph();
        }
    }

    fn image(&mut self, id: Id, style: &Style, context: &Context) {
        let tree = self.tree;
        let attribute = |name: &str| tree.attribute(id, name);
        let alt: String = words::one_line(attribute("alt").unwrap_or_default())
            .chars()
            .filter(|&c| super::is_text(c))
            .take(300)
            .collect();
        let width = attribute("width").and_then(pixels).or(style.width);
        let height = attribute("height").and_then(pixels).or(style.height);
        // Pixels that count who opened the mail, and blank spacers.
        if width.is_some_and(|w| w <= 2) || height.is_some_and(|h| h <= 2) {
            return;
        }
        let src = attribute("src").unwrap_or_default().trim();
        let source = if src.len() > 4 && src.is_char_boundary(4) && src[..4].eq_ignore_ascii_case("cid:") {
            content_id(&src[4..]).map(ImageSource::Cid)
        } else {
            let remote = safe_link(src).filter(|link| link.starts_with("http"));
            remote.filter(|link| link.len() <= MAX_LINK).map(ImageSource::Remote)
        };
        let emoji = alt.chars().count() <= 8 && !alt.is_empty() && alt.chars().all(|c| c as u32 >= 0x203C);
        match source {
            Some(ImageSource::Remote(_)) | None if emoji => self.out.text(&alt, &context.marks, false),
            Some(source) => self.out.image(Image { source, alt, width, height }),
            None => {}
        }
    }
}

/// What never shows.
pub(crate) fn is_dropped(name: &str) -> bool {
    matches!(
        name,
        "head"
            | "title"
            | "script"
            | "style"
            | "template"
            | "iframe"
            | "frame"
            | "frameset"
            | "noframes"
            | "object"
            | "embed"
            | "applet"
            | "svg"
            | "math"
            | "audio"
            | "video"
            | "canvas"
            | "map"
            | "input"
            | "select"
            | "textarea"
            | "datalist"
            | "xml"
            | "rp"
            | "rt"
    )
}

/// What begins a new line.
pub(crate) fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "body"
            | "center"
            | "dl"
            | "div"
            | "figcaption"
            | "footer"
            | "form"
            | "header"
            | "html"
            | "legend"
            | "li"
            | "main"
            | "nav"
            | "section"
            | "summary"
            | "tr"
            | "td"
            | "th"
            | "tbody"
            | "thead"
            | "tfoot"
            | "caption"
            | "option"
            | "optgroup"
            | "hgroup"
            | "search"
    )
}

/// The marks that an element and its style add or take away.
fn mark(tree: &Tree, id: Id, name: &str, style: &Style, context: &mut Context) {
    let marks = &mut context.marks;
    match name {
        "b" | "strong" | "th" => marks.strong = true,
        "i" | "em" | "cite" | "dfn" | "var" => marks.em = true,
        "u" | "ins" => marks.underline = true,
        "s" | "strike" | "del" => marks.strike = true,
        "code" | "tt" | "kbd" | "samp" => marks.code = true,
        "sub" => (marks.sub, marks.sup) = (true, false),
        "sup" => (marks.sub, marks.sup) = (false, true),
        "font" => {
            if let Some(value) = tree.attribute(id, "color") {
                // Old mail writes `color=990000`.
                let value = value.trim();
                marks.color = color(value).or_else(|| color(&format!("#{value}")));
            }
        }
        "a" => {
            if let Some(link) = tree.attribute(id, "href").and_then(safe_link) {
                marks.link = Some(link);
                marks.color = None;
                marks.underline = false;
            }
        }
        _ => {}
    }
    if let Some(strong) = style.strong {
        marks.strong = strong;
    }
    if let Some(em) = style.em {
        marks.em = em;
    }
    if let Some(strike) = style.strike {
        marks.strike |= strike;
    }
    if style.sub || style.sup {
        (marks.sub, marks.sup) = (style.sub, style.sup);
    }
    if let Some(pre) = style.pre {
        context.preformatted = pre;
    }
    // Links are underlined and coloured by whoever shows them.
    if marks.link.is_none() {
        if let Some(underline) = style.underline {
            marks.underline |= underline;
        }
        if let Some(color) = &style.color {
            marks.color = match color {
                Color::Default => None,
                Color::Rgb(color) => Some(color.clone()),
            };
        }
    }
}
