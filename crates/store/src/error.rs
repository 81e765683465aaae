//! What can go wrong with the database, in words that an operator can act on.

use std::io;
use std::sync::Arc;

use sqlx::error::ErrorKind;

use crate::Statement;

/// Why the database did not do what was asked. Each says the thing, the place and the mend.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process or transaction holds what is needed; the same work can be tried again.
    #[error(
        "the database is busy ({detail}) at {place}: try again; if it lasts, look for another program that uses it"
    )]
    Busy {
        /// Where in the program.
        place: String,
        /// The database's own words.
        detail: String,
    },
    /// No room left. Heals by itself when there is room.
    #[error("the disk of the database is full ({detail}) at {place}: make room; work resumes by itself")]
    DiskFull {
        /// Where in the program.
        place: String,
        /// The database's own words.
        detail: String,
    },
    /// The database takes no writes.
    #[error(
        "the database cannot be written ({detail}) at {place}: make its folder and files writable for this user"
    )]
    ReadOnly {
        /// Where in the program.
        place: String,
        /// The database's own words.
        detail: String,
    },
    /// A uniqueness, reference or check rule of the schema refused the row.
    #[error("the database refused a row ({detail}) at {place}: another row stands against it")]
    Conflict {
        /// Where in the program.
        place: String,
        /// The database's own words.
        detail: String,
        /// Whether a row with the same key is there already.
        duplicate: bool,
    },
    /// The operating system failed to read or write. What reached the disk is unknown, so the process must stop and
    /// begin again from what is there (never a second fsync).
    #[error(
        "the disk of the database failed ({detail}) at {place}: Postroom stops; check the disk, then start it again"
    )]
    Io {
        /// Where in the program.
        place: String,
        /// The database's own words.
        detail: String,
    },
    /// A stored value cannot be what the program wrote.
    #[error(
        "the database is damaged: table {table}, column {column}, row {row}: {detail}; restore it from a backup"
    )]
    Corrupt {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The row's key, or `?` where it is not known.
        row: String,
        /// What is wrong with the value; never the value itself.
        detail: String,
    },
    /// A newer version of Postroom has used this database.
    #[error(
        "the database has schema {found}, but this version of Postroom knows {known}: install the newer version again"
    )]
    Newer {
        /// The schema found.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// The schema is older than the program needs.
    #[error(
        "the database has schema {found}, but this version of Postroom needs {known}: run `postroom migrate`"
    )]
    Older {
        /// The schema found; 0 is an empty database.
        found: i64,
        /// The schema needed.
        known: i64,
    },
    /// The database server does not answer or refuses the sign-in.
    #[error(
        "the database cannot be reached ({detail}) at {place}: check [database] url and that the server runs"
    )]
    Unreachable {
        /// Where in the program.
        place: String,
        /// The database's own words.
        detail: String,
    },
    /// A row that had to be there is not.
    #[error("the database has no such row at {place}: it was deleted meanwhile")]
    Missing {
        /// Where in the program.
        place: String,
    },
    /// Anything else; a fault of the program.
    #[error("the database refused a statement ({detail}) at {place}: report this as a fault of Postroom")]
    Other {
        /// Where in the program.
        place: String,
        /// The database's own words.
        detail: String,
        /// The error as the driver gave it.
        #[source]
        source: Option<Arc<sqlx::Error>>,
    },
}

impl StoreError {
    /// A stored value cannot be what the program wrote.
    #[allow(clippy::needless_pass_by_value, reason = "ids and messages are given as they are at hand")]
    pub fn corrupt(table: &str, column: &str, row: impl ToString, detail: impl ToString) -> Self {
        Self::Corrupt {
            table: table.into(),
            column: column.into(),
            row: row.to_string(),
            detail: detail.to_string(),
        }
    }

    /// No room: what is under way is undone, and the work waits until there is room.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::DiskFull { .. })
    }

    /// What is on the disk is unknown: the process must stop. (A damaged row concerns that row alone.)
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Io { .. })
    }

    /// The same work can be tried again and may succeed without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::DiskFull { .. } | Self::Unreachable { .. })
    }

    /// A row with the same key is there already.
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Conflict { duplicate: true, .. })
    }

    /// Names the statement that failed.
    pub(crate) fn at(statement: &Statement, error: sqlx::Error) -> Self {
        Self::from_sqlx(format!("{}:{}", statement.file, statement.line), error)
    }

    /// Sorts the driver's error; `place` says where the program was.
    pub(crate) fn from_sqlx(place: impl Into<String>, error: sqlx::Error) -> Self {
        let place = place.into();
        match error {
            sqlx::Error::Database(database) => {
                let detail = database.message().to_owned();
                let code = database.code().map(std::borrow::Cow::into_owned).unwrap_or_default();
                let duplicate = database.kind() == ErrorKind::UniqueViolation;
                let sorted = if database.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
                    Sorted::postgres(&code)
                } else {
                    Sorted::sqlite(&code)
                };
                match sorted {
                    Sorted::Busy => Self::Busy { place, detail },
                    Sorted::Full => Self::DiskFull { place, detail },
                    Sorted::ReadOnly => Self::ReadOnly { place, detail },
                    Sorted::Conflict => Self::Conflict { place, detail, duplicate },
                    Sorted::Io => Self::Io { place, detail },
                    Sorted::Corrupt => Self::corrupt("?", "?", "?", format!("{detail} ({place})")),
                    Sorted::Unreachable => Self::Unreachable { place, detail },
                    Sorted::Other => {
                        Self::Other { place, detail, source: Some(Arc::new(sqlx::Error::Database(database))) }
                    }
                }
            }
            sqlx::Error::RowNotFound => Self::Missing { place },
            sqlx::Error::PoolTimedOut => {
                Self::Busy { place, detail: "no connection became free in time".to_owned() }
            }
            sqlx::Error::Io(error) if error.kind() == io::ErrorKind::StorageFull => {
                Self::DiskFull { place, detail: error.to_string() }
            }
            error @ (sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed) => {
                Self::Unreachable { place, detail: error.to_string() }
            }
            sqlx::Error::WorkerCrashed => {
                Self::Io { place, detail: "the thread of the database connection ended".to_owned() }
            }
            sqlx::Error::ColumnDecode { index, source } => {
                Self::corrupt(&format!("of the statement at {place}"), index.trim_matches('"'), "?", source)
            }
            error => Self::Other { place, detail: error.to_string(), source: Some(Arc::new(error)) },
        }
    }
}

/// The kinds that codes are sorted into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sorted {
    Busy,
    Full,
    ReadOnly,
    Conflict,
    Io,
    Corrupt,
    Unreachable,
    Other,
}

impl Sorted {
    /// SQLite's extended result codes; the low byte is the primary code (<https://www.sqlite.org/rescode.html>).
    fn sqlite(code: &str) -> Self {
        let Ok(code) = code.parse::<u32>() else { return Self::Other };
        match code & 0xff {
            5 | 6 => Self::Busy,
            13 => Self::Full,
            // SQLITE_READONLY, SQLITE_CANTOPEN
            8 | 14 => Self::ReadOnly,
            19 => Self::Conflict,
            10 => Self::Io,
            11 | 26 => Self::Corrupt,
            _ => Self::Other,
        }
    }

    /// SQLSTATE (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
    fn postgres(code: &str) -> Self {
        match code {
            "40001" | "40P01" | "55P03" | "53300" | "57014" => Self::Busy,
            "53100" => Self::Full,
            "25006" => Self::ReadOnly,
            "58030" => Self::Io,
            "XX001" | "XX002" => Self::Corrupt,
            "3D000" | "57P01" | "57P02" | "57P03" => Self::Unreachable,
            _ if code.starts_with("23") => Self::Conflict,
            _ if code.starts_with("08") || code.starts_with("28") => Self::Unreachable,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: the codes that change what the process does next are told apart.
    #[test]
    fn codes_are_sorted() {
        for (code, sorted) in [
            ("5", Sorted::Busy),
            ("517", Sorted::Busy),
            ("13", Sorted::Full),
            ("1032", Sorted::ReadOnly),
            ("1034", Sorted::Io),
            ("2067", Sorted::Conflict),
            ("1555", Sorted::Conflict),
            ("11", Sorted::Corrupt),
            ("1", Sorted::Other),
            ("", Sorted::Other),
        ] {
            assert_eq!(Sorted::sqlite(code), sorted, "{code}");
        }
        for (code, sorted) in [
            ("40001", Sorted::Busy),
            ("53100", Sorted::Full),
            ("23505", Sorted::Conflict),
            ("28P01", Sorted::Unreachable),
            ("58030", Sorted::Io),
            ("42601", Sorted::Other),
        ] {
            assert_eq!(Sorted::postgres(code), sorted, "{code}");
        }
    }

    /// Promise: a full disk heals by itself, a failed one stops the process.
    #[test]
    fn full_is_not_fatal_and_io_is() {
        let full = StoreError::DiskFull { place: "x".into(), detail: "y".into() };
        let io = StoreError::Io { place: "x".into(), detail: "y".into() };
        assert!(full.is_disk_full() && full.is_transient() && !full.is_fatal());
        assert!(io.is_fatal() && !io.is_transient());
    }
}
