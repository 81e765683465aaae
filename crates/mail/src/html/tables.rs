//! Layout tables and data tables.
//!
//! Most tables in mail only place things on the page. A table counts as data when it has header cells or visible
//! borders, or when it looks like a grid of short values; everything else is unwrapped.

use super::style::Style;
use super::tree::{Id, Tree};

/// A cell of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct CellAt {
    pub(super) id: Id,
    pub(super) header: bool,
    pub(super) colspan: u16,
    pub(super) rowspan: u16,
}

/// A table's rows, and what else is in it.
#[derive(Debug, Default)]
pub(super) struct Grid {
    pub(super) rows: Vec<Vec<CellAt>>,
    pub(super) captions: Vec<Id>,
}

/// Most columns that a span may cover; the writers' formats know no more.
const MAX_SPAN: u16 = 100;

/// The rows of a table.
pub(super) fn grid(tree: &Tree, table: Id) -> Grid {
    let mut out = Grid::default();
    for child in tree.children(table) {
        match tree.name(child) {
            "thead" | "tbody" | "tfoot" => {
                let head = tree.name(child) == "thead";
                for row in tree.children(child).filter(|&row| tree.name(row) == "tr") {
                    out.rows.push(cells(tree, row, head));
                }
            }
            "tr" => out.rows.push(cells(tree, child, false)),
            "caption" => out.captions.push(child),
            _ => {}
        }
    }
    // A span cannot reach below the last row.
    let count = out.rows.len();
    for (n, row) in out.rows.iter_mut().enumerate() {
        for cell in row {
            let left = u16::try_from(count - n).unwrap_or(u16::MAX);
            cell.rowspan = cell.rowspan.min(left);
        }
    }
    out
}

fn cells(tree: &Tree, row: Id, head: bool) -> Vec<CellAt> {
    let cells = tree.children(row).filter(|&cell| matches!(tree.name(cell), "td" | "th"));
    cells
        .map(|id| {
            let span = |name: &str| {
                let number = tree.attribute(id, name).and_then(|value| value.trim().parse::<u16>().ok());
                number.unwrap_or(1).clamp(1, MAX_SPAN)
            };
            CellAt {
                id,
                header: head || tree.name(id) == "th",
                colspan: span("colspan"),
                rowspan: span("rowspan"),
            }
        })
        .collect()
}

/// Whether a table holds data rather than layout.
pub(super) fn is_data(tree: &Tree, table: Id, grid: &Grid) -> bool {
    if matches!(tree.attribute(table, "role").map(str::trim), Some("presentation" | "none")) {
        return false;
    }
    let widths: Vec<usize> =
        grid.rows.iter().map(|row| row.iter().map(|c| usize::from(c.colspan)).sum()).collect();
    let columns = widths.iter().copied().max().unwrap_or(0);
    let rows = grid.rows.iter().filter(|row| !row.is_empty()).count();
    let most_cells = grid.rows.iter().map(Vec::len).max().unwrap_or(0);
    if most_cells < 2 || columns < 2 {
        return false;
    }
    let mut measured = Measured::default();
    for cell in grid.rows.iter().flatten() {
        measured.cell(tree, cell.id);
    }
    if measured.nested || measured.filled == 0 {
        return false;
    }
    if grid.rows.iter().flatten().any(|cell| tree.name(cell.id) == "th") {
        return true;
    }
    let bordered = tree.attribute(table, "border").is_some_and(|b| !matches!(b.trim(), "0" | ""))
        || tree
            .attribute(table, "class")
            .is_some_and(|c| c.contains("MsoTableGrid") || c.contains("MsoTable15Grid"))
        || measured.bordered * 2 >= measured.cells;
    if bordered {
        return rows >= 2 || measured.filled >= 2;
    }
    // A grid of short values: the same number of columns in every row, hardly any empty cell, no pictures.
    let even = widths.iter().filter(|&&w| w > 0).all(|&w| w == columns);
    even && rows >= 3
        && measured.images == 0
        && measured.blocks == 0
        && measured.filled * 4 >= measured.cells * 3
        && measured.longest <= 120
}

#[derive(Default)]
struct Measured {
    cells: usize,
    filled: usize,
    bordered: usize,
    images: usize,
    /// Blocks that no value has: headings, lists, several paragraphs.
    blocks: usize,
    longest: usize,
    nested: bool,
}

impl Measured {
    fn cell(&mut self, tree: &Tree, cell: Id) {
        self.cells += 1;
        if tree.attribute(cell, "style").is_some_and(|style| Style::parse(style).border) {
            self.bordered += 1;
        }
        let (mut length, mut paragraphs) = (0, 0);
        for id in tree.descendants(cell) {
            match tree.name(id) {
                "table" => {
                    self.nested = true;
                    return;
                }
                "img" => self.images += 1,
                "h1" | "h2" | "h3" | "ul" | "ol" | "blockquote" | "hr" => self.blocks += 1,
                "p" => paragraphs += 1,
                _ => {}
            }
            if let super::tree::Data::Text(text) = &tree.node(id).data {
                length += text.split_whitespace().map(|word| word.chars().count() + 1).sum::<usize>();
            }
        }
        self.blocks += usize::from(paragraphs > 1);
        self.filled += usize::from(length > 0);
        self.longest = self.longest.max(length);
    }
}
