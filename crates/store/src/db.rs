//! One database or the other, behind one face.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, FromRow, Postgres, Sqlite, Transaction};

use crate::statement::{Rows, Statement};
use crate::value::{self, Args};
use crate::{StoreError, Value};

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL address; holds a password, so it has no `Display`.
    Postgres(PostgresUrl),
}

/// A PostgreSQL address whose `Debug` hides the password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl std::fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PostgresUrl(…)")
    }
}

impl PostgresUrl {
    /// An address such as `postgres://postroom@host/postroom`.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The address itself, password and all.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A database. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Db {
    /// Embedded; one connection writes, others read.
    Sqlite {
        /// Readers.
        read: SqlitePool,
        /// The writer.
        write: SqlitePool,
    },
    /// Several nodes.
    Postgres(PgPool),
}

/// A row type that both databases can fill.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> Row for T {}

fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .statement_cache_capacity(300)
        .pragma("trusted_schema", "OFF")
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", "-8000")
}

impl Db {
    /// Opens the database. Makes the file where there is none; changes nothing else.
    pub async fn open(url: &StoreUrl) -> Result<Self, StoreError> {
        match url {
            StoreUrl::Sqlite(path) => {
                let write = SqlitePoolOptions::new()
                    .max_connections(1)
                    .acquire_timeout(Duration::from_secs(30))
                    .connect_with(sqlite_options(path))
                    .await?;
                let read = SqlitePoolOptions::new()
                    .max_connections(4)
                    .acquire_timeout(Duration::from_secs(30))
                    .connect_lazy_with(sqlite_options(path).read_only(true).create_if_missing(false));
                Ok(Self::Sqlite { read, write })
            }
            StoreUrl::Postgres(url) => {
                let options =
                    PgConnectOptions::from_str(url.expose())?.application_name("postroom").statement_cache_capacity(300);
                let pool = PgPoolOptions::new()
                    .max_connections(12)
                    .acquire_timeout(Duration::from_secs(30))
                    .connect_with(options)
                    .await?;
                Ok(Self::Postgres(pool))
            }
        }
    }

    /// Whether this is the embedded database, which one process owns alone.
    pub fn is_embedded(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    /// Begins a transaction that may write. Never hold it across a network call.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// All rows of a query.
    pub async fn fetch_all<T: Row>(&self, statement: &'static Statement, args: Args) -> Result<Vec<T>, StoreError> {
        Ok(match self {
            Self::Sqlite { read, .. } => {
                sqlx::query_as_with(statement.sqlite, value::sqlite(args)?).fetch_all(read).await?
            }
            Self::Postgres(pool) => {
                sqlx::query_as_with(statement.postgres, value::postgres(args)?).fetch_all(pool).await?
            }
        })
    }

    /// The first row of a query, if there is one.
    pub async fn fetch_optional<T: Row>(
        &self,
        statement: &'static Statement,
        args: Args,
    ) -> Result<Option<T>, StoreError> {
        Ok(match self {
            Self::Sqlite { read, .. } => {
                sqlx::query_as_with(statement.sqlite, value::sqlite(args)?).fetch_optional(read).await?
            }
            Self::Postgres(pool) => {
                sqlx::query_as_with(statement.postgres, value::postgres(args)?).fetch_optional(pool).await?
            }
        })
    }

    /// The row of a query that has one.
    pub async fn fetch_one<T: Row>(&self, statement: &'static Statement, args: Args) -> Result<T, StoreError> {
        self.fetch_optional(statement, args).await?.ok_or_else(|| no_row(statement))
    }

    /// All rows of a query over many rows (see [`Rows`]), read outside of a transaction.
    pub async fn fetch_rows<T: Row>(
        &self,
        statement: &'static Rows,
        fixed: Args,
        rows: Vec<Args>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        for (text, args) in chunks(statement, &fixed, rows) {
            found.extend(match self {
                Self::Sqlite { read, .. } => {
                    sqlx::query_as_with(AssertSqlSafe(text), value::sqlite(args)?).fetch_all(read).await?
                }
                Self::Postgres(pool) => {
                    sqlx::query_as_with(AssertSqlSafe(text), value::postgres(args)?).fetch_all(pool).await?
                }
            });
        }
        Ok(found)
    }

    /// One change in a transaction of its own; returns the number of rows.
    pub async fn execute(&self, statement: &'static Statement, args: Args) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let rows = tx.execute(statement, args).await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// Closes all connections; SQLite writes its log back into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// A transaction. Dropped without `commit`, it is rolled back.
#[derive(Debug)]
pub enum Tx {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// On PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// Runs a statement; returns the number of rows it touched.
    pub async fn execute(&mut self, statement: &'static Statement, args: Args) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Sqlite(tx) => sqlx::query_with(statement.sqlite, value::sqlite(args)?)
                .execute(&mut **tx)
                .await?
                .rows_affected(),
            Self::Postgres(tx) => sqlx::query_with(statement.postgres, value::postgres(args)?)
                .execute(&mut **tx)
                .await?
                .rows_affected(),
        })
    }

    /// All rows of a query.
    pub async fn fetch_all<T: Row>(
        &mut self,
        statement: &'static Statement,
        args: Args,
    ) -> Result<Vec<T>, StoreError> {
        Ok(match self {
            Self::Sqlite(tx) => {
                sqlx::query_as_with(statement.sqlite, value::sqlite(args)?).fetch_all(&mut **tx).await?
            }
            Self::Postgres(tx) => {
                sqlx::query_as_with(statement.postgres, value::postgres(args)?).fetch_all(&mut **tx).await?
            }
        })
    }

    /// The first row of a query, if there is one.
    pub async fn fetch_optional<T: Row>(
        &mut self,
        statement: &'static Statement,
        args: Args,
    ) -> Result<Option<T>, StoreError> {
        Ok(match self {
            Self::Sqlite(tx) => {
                sqlx::query_as_with(statement.sqlite, value::sqlite(args)?).fetch_optional(&mut **tx).await?
            }
            Self::Postgres(tx) => {
                sqlx::query_as_with(statement.postgres, value::postgres(args)?).fetch_optional(&mut **tx).await?
            }
        })
    }

    /// The row of a query that has one.
    pub async fn fetch_one<T: Row>(&mut self, statement: &'static Statement, args: Args) -> Result<T, StoreError> {
        self.fetch_optional(statement, args).await?.ok_or_else(|| no_row(statement))
    }

    /// Runs a statement over many rows; returns the number of rows it touched. No rows, no statement.
    pub async fn execute_rows(
        &mut self,
        statement: &'static Rows,
        fixed: Args,
        rows: Vec<Args>,
    ) -> Result<u64, StoreError> {
        let mut touched = 0;
        for (text, args) in chunks(statement, &fixed, rows) {
            touched += match self {
                Self::Sqlite(tx) => sqlx::query_with(AssertSqlSafe(text), value::sqlite(args)?)
                    .execute(&mut **tx)
                    .await?
                    .rows_affected(),
                Self::Postgres(tx) => sqlx::query_with(AssertSqlSafe(text), value::postgres(args)?)
                    .execute(&mut **tx)
                    .await?
                    .rows_affected(),
            };
        }
        Ok(touched)
    }

    /// Runs a statement over many rows and returns what it returns.
    pub async fn fetch_rows<T: Row>(
        &mut self,
        statement: &'static Rows,
        fixed: Args,
        rows: Vec<Args>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        for (text, args) in chunks(statement, &fixed, rows) {
            found.extend(match self {
                Self::Sqlite(tx) => {
                    sqlx::query_as_with(AssertSqlSafe(text), value::sqlite(args)?).fetch_all(&mut **tx).await?
                }
                Self::Postgres(tx) => {
                    sqlx::query_as_with(AssertSqlSafe(text), value::postgres(args)?).fetch_all(&mut **tx).await?
                }
            });
        }
        Ok(found)
    }

    /// Runs text that no statement can be: migrations. Never anything that a person typed.
    pub(crate) async fn raw(&mut self, text: &str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => {
                sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut **tx).await?;
            }
            Self::Postgres(tx) => {
                sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut **tx).await?;
            }
        }
        Ok(())
    }

    /// Makes it durable.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// Undoes it.
    pub async fn rollback(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await?,
            Self::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}

fn no_row(statement: &Statement) -> StoreError {
    StoreError::Other(format!("a row that must exist is missing (statement at {}:{})", statement.file, statement.line))
}

/// Cuts the rows into pieces of few sizes, each with its text and arguments.
fn chunks(statement: &'static Rows, fixed: &[Value], rows: Vec<Args>) -> Vec<(String, Args)> {
    let mut pieces = Vec::new();
    let mut rows = rows.into_iter();
    while rows.len() > 0 {
        let size = Rows::SIZES.into_iter().find(|size| *size <= rows.len()).unwrap_or(1);
        let mut args = Vec::with_capacity(fixed.len() + size * statement.columns());
        args.extend_from_slice(fixed);
        for row in rows.by_ref().take(size) {
            debug_assert_eq!(row.len(), statement.columns(), "{}:{}", statement.file, statement.line);
            args.extend(row);
        }
        pieces.push((statement.text(size), args));
    }
    pieces
}
