//! Statements: written once where they are used, registered with file and line, and all of them prepared on both
//! databases by one test (`statements_prepare` in `crates/postroom`).

/// A statement as both databases take it.
#[derive(Debug)]
pub struct Statement {
    /// For SQLite.
    pub sqlite: &'static str,
    /// For PostgreSQL.
    pub postgres: &'static str,
    /// Where it stands.
    pub file: &'static str,
    /// Where it stands.
    pub line: u32,
}

/// A statement over many rows: `head`, then the row template once for each row, separated by commas, then `tail`. The template
/// has a `$` for each column and may cast (`CAST($ AS BIGINT)`), which PostgreSQL needs where no column tells the type.
/// Arguments before the rows (in `head`) are written `$1`, `$2` …; their number is `fixed`.
#[derive(Debug)]
pub struct Rows {
    /// Before the rows.
    pub head: &'static str,
    /// One row.
    pub row: &'static str,
    /// After the rows.
    pub tail: &'static str,
    /// Number of `$n` arguments in `head` and `tail`.
    pub fixed: usize,
    /// Where it stands.
    pub file: &'static str,
    /// Where it stands.
    pub line: u32,
}

inventory::collect!(&'static Statement);
inventory::collect!(&'static Rows);

/// Registers a statement. One text serves both databases; where that cannot be, name both:
/// `sql! { sqlite: "…", postgres: "…" }`.
#[macro_export]
macro_rules! sql {
    (sqlite: $sqlite:expr, postgres: $postgres:expr $(,)?) => {{
        static STATEMENT: $crate::Statement =
            $crate::Statement { sqlite: $sqlite, postgres: $postgres, file: file!(), line: line!() };
        $crate::inventory::submit! { &STATEMENT }
        &STATEMENT
    }};
    ($text:expr $(,)?) => { $crate::sql!(sqlite: $text, postgres: $text) };
}

/// Registers a statement over many rows; see [`Rows`].
#[macro_export]
macro_rules! sql_rows {
    (fixed: $fixed:expr, head: $head:expr, row: $row:expr, tail: $tail:expr $(,)?) => {{
        static ROWS: $crate::Rows = $crate::Rows {
            head: $head, row: $row, tail: $tail, fixed: $fixed, file: file!(), line: line!(),
        };
        $crate::inventory::submit! { &ROWS }
        &ROWS
    }};
}

impl Rows {
    /// Columns of a row.
    pub fn columns(&self) -> usize {
        self.row.matches('$').count()
    }

    /// The text for that many rows.
    pub fn text(&self, rows: usize) -> String {
        let mut text = String::with_capacity(self.head.len() + self.tail.len() + rows * (self.row.len() + 16));
        text.push_str(self.head);
        let mut number = self.fixed;
        for row in 0..rows {
            if row > 0 {
                text.push_str(", ");
            }
            for piece in self.row.split_inclusive('$') {
                text.push_str(piece);
                if piece.ends_with('$') {
                    number += 1;
                    text.push_str(&number.to_string());
                }
            }
        }
        text.push_str(self.tail);
        text
    }

    /// The sizes of which texts are made: prepared statements are cached, so there are few of them.
    pub(crate) const SIZES: [usize; 5] = [50, 20, 8, 3, 1];
}

/// Every statement of the program.
pub fn statements() -> impl Iterator<Item = &'static Statement> {
    inventory::iter::<&'static Statement>.into_iter().copied()
}

/// Every statement over many rows.
pub fn rows() -> impl Iterator<Item = &'static Rows> {
    inventory::iter::<&'static Rows>.into_iter().copied()
}
