//! What can go wrong with the database, in words for the person who runs Postroom.

use std::fmt::Display;

/// A fault of the store. Each says what, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else holds the database for too long.
    #[error("the database is busy ({0}); it is tried again by itself")]
    Busy(String),
    /// No space left.
    #[error("the disk that holds the database is full ({0}); make room, Postroom goes on by itself")]
    DiskFull(String),
    /// Not writable.
    #[error("the database cannot be written ({0}); give the user that runs Postroom write access to the data folder")]
    ReadOnly(String),
    /// An fsync or a write failed: what is on the disk is unknown, so the process must stop (design §4, I14).
    #[error("the disk reported a fault ({0}); Postroom stops, since what is on the disk is unknown. Check the disk, then start it again")]
    Disk(String),
    /// The connection to PostgreSQL is gone.
    #[error("the database does not answer ({0}); check that PostgreSQL runs and that the address is right")]
    Unreachable(String),
    /// A row that must not be there twice is there.
    #[error("the database refused a second row of the same key ({0})")]
    Conflict(String),
    /// A stored value that cannot be.
    #[error("the database holds a value that cannot be: table {table}, column {column}, row {row}; restore it from a backup, or report it")]
    Corrupt {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// The row's key.
        row: String,
    },
    /// Written by a newer version.
    #[error("the database was written by a newer version of Postroom (schema {found}, this version knows {known}); run that version, or restore the backup made before it")]
    Newer {
        /// The newest migration in the database.
        found: i64,
        /// The newest that this program has.
        known: i64,
    },
    /// A migration that has run is not the one this program has.
    #[error("migration {0} in the database is not the one that this version brings; run the version that made the database")]
    OtherMigration(i64),
    /// Anything else.
    #[error("the database refused: {0}")]
    Other(String),
}

impl StoreError {
    /// A value in the database that cannot be.
    pub fn corrupt(table: &'static str, column: &'static str, row: &impl Display) -> Self {
        Self::Corrupt { table, column, row: row.to_string() }
    }

    /// Whether the disk is full: nothing was written, the same is tried again later.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::DiskFull(_))
    }

    /// Whether the process must stop: after a failed fsync nobody knows what is on the disk.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Disk(_))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let text = error.to_string();
        match &error {
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default();
                if database.is_unique_violation() {
                    return Self::Conflict(text);
                }
                match code.as_ref() {
                    // SQLite's extended result codes, base code in the low byte.
                    "13" | "53100" => Self::DiskFull(text),
                    "8" | "264" | "520" | "776" | "1032" | "1288" | "1544" | "25006" => Self::ReadOnly(text),
                    "5" | "6" | "261" | "517" | "262" | "40001" | "40P01" | "55P03" => Self::Busy(text),
                    "58030" => Self::Disk(text),
                    "57P01" | "57P02" | "57P03" => Self::Unreachable(text),
                    code if code.parse::<i64>().is_ok_and(|code| code & 0xff == 10) && code.len() < 5 => {
                        Self::Disk(text)
                    }
                    _ => Self::Other(text),
                }
            }
            sqlx::Error::Io(io) => match io.kind() {
                std::io::ErrorKind::StorageFull => Self::DiskFull(text),
                _ => Self::Unreachable(text),
            },
            sqlx::Error::PoolTimedOut => Self::Busy("no connection became free in time".to_owned()),
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Unreachable(text),
            sqlx::Error::ColumnDecode { index, .. } => {
                Self::Corrupt { table: "(see the statement)", column: "(decoded)", row: format!("{index}: {text}") }
            }
            _ => Self::Other(text),
        }
    }
}
