//! Statements that take many rows at once: the fast way into and over a table.
//!
//! A statement is head, row template and tail; the texts for each of [`SIZES`] are written once and kept, and a call of n
//! rows runs the fewest of them: one for what a busy committer usually has, and few enough for the databases' caches of
//! prepared statements.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use crate::value::{IntoValue, Value};
use crate::{Args, Kind};

/// The numbers of rows that statements are written for: every small one, then powers of two.
pub(crate) const SIZES: [usize; 19] =
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 32, 64, LARGEST];
/// The most rows one statement takes.
pub(crate) const LARGEST: usize = 128;

/// SQLite takes 32,766 parameters in one statement, PostgreSQL 65,535
/// (<https://www.sqlite.org/limits.html>, <https://www.postgresql.org/docs/current/limits.html>).
const MOST_PARAMETERS: usize = 32_766;

/// Head, row template and tail of a statement for one database.
///
/// In `row` a bare `$` stands for the row's next value and `$:TYPE` for the next value cast to `TYPE` on PostgreSQL
/// (SQLite needs no cast). In `head` and `tail`, `$1`, `$2`, … are the values that all rows share.
#[derive(Debug)]
pub struct RowsText {
    /// What stands before the rows.
    pub head: &'static str,
    /// One row, such as `($:UUID, $:BIGINT, $)`.
    pub row: &'static str,
    /// What stands after the rows.
    pub tail: &'static str,
}

/// A statement with any number of rows; made with [`sql_rows!`](crate::sql_rows).
#[derive(Debug)]
pub struct RowsStatement {
    sqlite: RowsText,
    postgres: RowsText,
    /// The source file that wrote it.
    pub file: &'static str,
    /// The line in that file.
    pub line: u32,
    texts: [[OnceLock<Arc<str>>; SIZES.len()]; 2],
}

impl RowsStatement {
    /// For the macro.
    #[doc(hidden)]
    pub const fn new(sqlite: RowsText, postgres: RowsText, file: &'static str, line: u32) -> Self {
        Self { sqlite, postgres, file, line, texts: [const { [const { OnceLock::new() }; SIZES.len()] }; 2] }
    }

    /// The text for `SIZES[size]` rows, written at first use.
    pub(crate) fn text(&self, kind: Kind, size: usize) -> Arc<str> {
        self.texts[kind as usize][size].get_or_init(|| self.write(kind, SIZES[size]).into()).clone()
    }

    /// How many values one row has.
    pub(crate) fn width(&self, kind: Kind) -> usize {
        placeholders(self.parts(kind).row)
    }

    fn parts(&self, kind: Kind) -> &RowsText {
        match kind {
            Kind::Sqlite => &self.sqlite,
            Kind::Postgres => &self.postgres,
        }
    }

    /// Writes the text for `rows` rows. The values of the rows come first, those that all rows share after them.
    ///
    /// SQLite gets anonymous parameters in the rows: it finds a named one (`$7`) by walking a list, which makes binding
    /// thousands of them quadratic.
    pub(crate) fn write(&self, kind: Kind, rows: usize) -> String {
        let parts = self.parts(kind);
        let shared_from = placeholders(parts.row) * rows;
        let mut text =
            String::with_capacity(parts.head.len() + parts.tail.len() + rows * (parts.row.len() + 16));
        write_shared(&mut text, parts.head, shared_from);
        let mut next = 0;
        for row in 0..rows {
            if row > 0 {
                text.push_str(", ");
            }
            write_row(&mut text, parts.row, kind, &mut next);
        }
        write_shared(&mut text, parts.tail, shared_from);
        text
    }
}

/// How many values a row template takes.
fn placeholders(row: &str) -> usize {
    let mut next = 0;
    write_row(&mut String::new(), row, Kind::Sqlite, &mut next);
    next
}

fn write_row(text: &mut String, row: &str, kind: Kind, next: &mut usize) {
    let mut rest = row;
    while let Some(at) = rest.find('$') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        *next += 1;
        let cast = rest.strip_prefix(':').map(|typed| {
            let end = typed.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(typed.len());
            rest = &typed[end..];
            &typed[..end]
        });
        match (kind, cast) {
            (Kind::Sqlite, _) => text.push('?'),
            (Kind::Postgres, None) => {
                let _ = write!(text, "${next}");
            }
            (Kind::Postgres, Some(cast)) => {
                let _ = write!(text, "CAST(${next} AS {cast})");
            }
        }
    }
    text.push_str(rest);
}

/// Copies head or tail, moving `$1` to `$(from + 1)` and so on.
fn write_shared(text: &mut String, part: &str, from: usize) {
    let mut rest = part;
    while let Some(at) = rest.find('$') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        match rest[..end].parse::<usize>() {
            Ok(number) => {
                let _ = write!(text, "${}", from + number);
                rest = &rest[end..];
            }
            Err(_) => text.push('$'),
        }
    }
    text.push_str(rest);
}

/// The values of a number of rows of one width.
#[derive(Debug, Default)]
pub struct Rows {
    values: Vec<Value>,
}

impl Rows {
    /// No rows yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Room for `rows` rows of `width` values.
    pub fn with_capacity(rows: usize, width: usize) -> Self {
        Self { values: Vec::with_capacity(rows * width) }
    }

    /// Adds a row: `rows.push(args![id, name])`.
    pub fn push(&mut self, row: Args) {
        self.values.extend(row.0);
    }

    /// Adds the next value of a row; a row ends when its last value is added.
    pub fn value(&mut self, value: impl IntoValue) {
        self.values.push(value.into_value());
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Cuts the rows into pieces of one of [`SIZES`] each (its index is told), the values followed by the shared ones.
    pub(crate) fn pieces(self, width: usize, shared: &Args) -> Result<Vec<(usize, Vec<Value>)>, String> {
        if width == 0 || !self.values.len().is_multiple_of(width) {
            return Err(format!("{} values do not fill rows of {width}", self.values.len()));
        }
        let most = ((MOST_PARAMETERS - shared.len().min(MOST_PARAMETERS)) / width).clamp(1, LARGEST);
        let mut rows = self.values.len() / width;
        let mut values = self.values.into_iter();
        let mut pieces = Vec::with_capacity(rows / most + 2);
        while rows > 0 {
            let size = SIZES.partition_point(|size| *size <= rows.min(most)) - 1;
            let count = SIZES[size];
            let mut piece = Vec::with_capacity(count * width + shared.len());
            piece.extend(values.by_ref().take(count * width));
            piece.extend(shared.0.iter().cloned());
            pieces.push((size, piece));
            rows -= count;
        }
        Ok(pieces)
    }
}

/// A statement with any number of rows, in one text for both databases,
///
/// ```
/// # use store::sql_rows;
/// let add = sql_rows! {
///     head: "INSERT INTO lane_key (workspace_id, key_hash, lane) VALUES ",
///     row: "($:UUID, $, $)",
///     tail: " ON CONFLICT DO NOTHING RETURNING key_hash",
/// };
/// ```
///
/// or `sql_rows! { sqlite: { head: …, row: …, tail: … }, postgres: { … } }`. How templates are written: [`RowsText`].
/// Run with [`Tx::execute_rows`](crate::Tx::execute_rows) or [`Tx::fetch_rows`](crate::Tx::fetch_rows).
#[macro_export]
macro_rules! sql_rows {
    (sqlite: { head: $sh:expr, row: $sr:expr, tail: $st:expr $(,)? },
     postgres: { head: $ph:expr, row: $pr:expr, tail: $pt:expr $(,)? } $(,)?) => {{
        static STATEMENT: $crate::RowsStatement = $crate::RowsStatement::new(
            $crate::RowsText { head: $sh, row: $sr, tail: $st },
            $crate::RowsText { head: $ph, row: $pr, tail: $pt },
            ::core::file!(),
            ::core::line!(),
        );
        $crate::inventory::submit! { $crate::Registration::Rows(&STATEMENT) }
        &STATEMENT
    }};
    (head: $head:expr, row: $row:expr, tail: $tail:expr $(,)?) => {
        $crate::sql_rows! {
            sqlite: { head: $head, row: $row, tail: $tail },
            postgres: { head: $head, row: $row, tail: $tail },
        }
    };
}
