//! SQL statements as values that know where they were written, registered when the program is linked.

use crate::Kind;
use crate::rows::RowsStatement;

/// One statement, with its text for each database; made with [`sql!`](crate::sql).
#[derive(Debug)]
pub struct Statement {
    /// The text for SQLite.
    pub sqlite: &'static str,
    /// The text for PostgreSQL.
    pub postgres: &'static str,
    /// The source file that wrote it.
    pub file: &'static str,
    /// The line in that file.
    pub line: u32,
}

impl Statement {
    /// The text for one kind of database.
    pub fn text(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Sqlite => self.sqlite,
            Kind::Postgres => self.postgres,
        }
    }
}

/// A statement that is part of the program; collected from every crate that is linked in.
#[derive(Debug)]
pub enum Registration {
    /// An ordinary statement.
    Plain(&'static Statement),
    /// A statement with a number of rows.
    Rows(&'static RowsStatement),
}

inventory::collect!(Registration);

impl Registration {
    /// Every statement of the program.
    pub fn all() -> impl Iterator<Item = &'static Registration> {
        inventory::iter::<Registration>.into_iter()
    }

    /// The texts to prepare for one kind of database, each with where it was written.
    pub fn texts(&self, kind: Kind) -> Vec<(String, String)> {
        match self {
            Self::Plain(statement) => {
                vec![(format!("{}:{}", statement.file, statement.line), statement.text(kind).to_owned())]
            }
            Self::Rows(statement) => [1, 2]
                .into_iter()
                .map(|rows| {
                    (
                        format!("{}:{} ({rows} rows)", statement.file, statement.line),
                        statement.write(kind, rows),
                    )
                })
                .collect(),
        }
    }
}

/// A statement in one text for both databases, `sql!("SELECT … WHERE id = $1")`, or, where they differ,
/// `sql! { sqlite: "…", postgres: "…" }`. Gives a `&'static Statement`.
#[macro_export]
macro_rules! sql {
    (sqlite: $sqlite:expr, postgres: $postgres:expr $(,)?) => {{
        static STATEMENT: $crate::Statement = $crate::Statement {
            sqlite: $sqlite,
            postgres: $postgres,
            file: ::core::file!(),
            line: ::core::line!(),
        };
        $crate::inventory::submit! { $crate::Registration::Plain(&STATEMENT) }
        &STATEMENT
    }};
    ($text:expr $(,)?) => {
        $crate::sql! { sqlite: $text, postgres: $text }
    };
}
