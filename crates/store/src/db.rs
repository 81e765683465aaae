//! The two databases behind one face: opening, reading, and transactions.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteRow, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, FromRow, Postgres, Sqlite, Transaction};

use crate::rows::{Rows, RowsStatement};
use crate::value::{for_postgres, for_sqlite};
use crate::{Args, Statement, StoreError};

/// How long a statement waits for the write lock or for a connection.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the first connection to a server may take.
const KNOCK: Duration = Duration::from_secs(10);
/// A connection that rested longer than this is tried before it is used.
const RESTED: Duration = Duration::from_secs(15);
/// Prepared statements kept per connection; above the number of statements of the whole program.
const PREPARED: usize = 512;
/// Pages of the log before they go into the file (SQLite's own default is 1,000). Keys are random, so the same pages come
/// again and again: fewer checkpoints write fewer of them twice.
const CHECKPOINT: &str = "4000";
/// The page cache of the connection that writes: 8 MiB (a negative number is in KiB; SQLite's own default is 2 MB).
const WRITER_CACHE: &str = "-8192";

/// The kind of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// SQLite, embedded.
    Sqlite = 0,
    /// PostgreSQL.
    Postgres = 1,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// Where the database is.
#[derive(Clone, Debug)]
pub enum StoreUrl {
    /// A file.
    Sqlite(PathBuf),
    /// `postgres://user:password@host/database`; holds a password.
    Postgres(SecretString),
}

/// A database URL of a kind that Postroom does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database URL begins with {0:?}: write postgres://… or sqlite:<path>")]
pub struct UnknownUrl(String);

impl FromStr for StoreUrl {
    type Err = UnknownUrl;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Ok(Self::Postgres(url.to_owned().into()))
        } else if let Some(path) = url.strip_prefix("sqlite:") {
            Ok(Self::Sqlite(PathBuf::from(path.strip_prefix("//").unwrap_or(path))))
        } else {
            // Only the scheme is repeated: the rest may hold a password.
            Err(UnknownUrl(url.split(':').next().unwrap_or_default().chars().take(20).collect()))
        }
    }
}

/// What a row can be read into: anything with `#[derive(sqlx::FromRow)]`, and tuples such as `(i64,)`.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// An open database; cheap to clone.
#[derive(Clone, Debug)]
pub enum Db {
    /// One connection writes, others read.
    Sqlite {
        /// Connections that only read.
        read: SqlitePool,
        /// The one connection that writes.
        write: SqlitePool,
    },
    /// A pool of connections.
    Postgres(PgPool),
}

/// A transaction that may write. Dropped without [`commit`](Tx::commit), it is undone.
#[derive(Debug)]
pub enum Tx {
    /// Holds the write connection, begun with `BEGIN IMMEDIATE`.
    Sqlite(Transaction<'static, Sqlite>),
    /// Holds one connection of the pool.
    Postgres(Transaction<'static, Postgres>),
}

impl Db {
    /// Opens the database; makes an SQLite file that is not there yet. Runs no migration.
    pub async fn open(url: &StoreUrl) -> Result<Self, StoreError> {
        match url {
            StoreUrl::Sqlite(path) => Self::open_sqlite(path).await,
            StoreUrl::Postgres(url) => Self::open_postgres(url).await,
        }
    }

    async fn open_sqlite(path: &Path) -> Result<Self, StoreError> {
        let place = || format!("{}", path.display());
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(PATIENCE)
            .statement_cache_capacity(PREPARED)
            .disable_statement_logging()
            .pragma("temp_store", "MEMORY")
            .pragma("wal_autocheckpoint", CHECKPOINT)
            .pragma("journal_size_limit", "67108864");
        let write = PoolOptions::<Sqlite>::new()
            .max_connections(1)
            .min_connections(1)
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            // SQLite undoes a whole transaction by itself when the disk is full. The driver's own ROLLBACK then fails, and
            // it believes for ever that a transaction is open: such a connection is replaced. The ping lets a rollback
            // that is merely under way come to its end.
            .before_acquire(|connection, _| {
                Box::pin(async move {
                    if connection.is_in_transaction() {
                        connection.ping().await?;
                    }
                    Ok(!connection.is_in_transaction())
                })
            })
            .connect_with(options.clone().pragma("cache_size", WRITER_CACHE))
            .await
            .map_err(|error| StoreError::from_sqlx(place(), error))?;
        let read = PoolOptions::<Sqlite>::new()
            .max_connections(4)
            .acquire_timeout(PATIENCE)
            .idle_timeout(Some(Duration::from_mins(5)))
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .map_err(|error| StoreError::from_sqlx(place(), error))?;
        Ok(Self::Sqlite { read, write })
    }

    async fn open_postgres(url: &SecretString) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url.expose_secret())
            .map_err(|_| StoreError::Unreachable {
                place: "[database] url".to_owned(),
                detail: "it is not a PostgreSQL URL".to_owned(),
            })?
            .application_name("postroom")
            .statement_cache_capacity(PREPARED)
            .disable_statement_logging();
        let place = format!("{}:{}", options.get_host(), options.get_port());
        // The pool would go on trying; who starts Postroom wants to be told at once.
        let first = tokio::time::timeout(KNOCK, PgConnection::connect_with(&options)).await;
        let first = first.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()));
        first.map_err(|error| StoreError::from_sqlx(&place, error))?.close().await.ok();
        let pool = PgPoolOptions::new()
            .max_connections(10)
            .acquire_timeout(PATIENCE)
            .idle_timeout(Some(Duration::from_mins(5)))
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move { Ok(meta.idle_for < RESTED || connection.ping().await.is_ok()) })
            })
            .connect_lazy_with(options);
        Ok(Self::Postgres(pool))
    }

    /// Which of the two it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Sqlite { .. } => Kind::Sqlite,
            Self::Postgres(_) => Kind::Postgres,
        }
    }

    /// Begins a transaction that may write. On SQLite it waits for the one write connection, so it must be short and no
    /// network call may happen before its end.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        match self {
            Self::Sqlite { write, .. } => write.begin_with("BEGIN IMMEDIATE").await.map(Tx::Sqlite),
            Self::Postgres(pool) => pool.begin().await.map(Tx::Postgres),
        }
        .map_err(|error| StoreError::from_sqlx("begin", error))
    }

    /// Reads all rows, outside any transaction.
    pub async fn fetch_all<T: Row>(
        &self,
        statement: &'static Statement,
        args: Args,
    ) -> Result<Vec<T>, StoreError> {
        match self {
            Self::Sqlite { read, .. } => match for_sqlite(args.0.into_iter()) {
                Ok(args) => sqlx::query_as_with(statement.sqlite, args).fetch_all(read).await,
                Err(error) => Err(error),
            },
            Self::Postgres(pool) => match for_postgres(args.0.into_iter()) {
                Ok(args) => sqlx::query_as_with(statement.postgres, args).fetch_all(pool).await,
                Err(error) => Err(error),
            },
        }
        .map_err(|error| StoreError::at(statement, error))
    }

    /// Reads the first row, if there is one, outside any transaction.
    pub async fn fetch_optional<T: Row>(
        &self,
        statement: &'static Statement,
        args: Args,
    ) -> Result<Option<T>, StoreError> {
        match self {
            Self::Sqlite { read, .. } => match for_sqlite(args.0.into_iter()) {
                Ok(args) => sqlx::query_as_with(statement.sqlite, args).fetch_optional(read).await,
                Err(error) => Err(error),
            },
            Self::Postgres(pool) => match for_postgres(args.0.into_iter()) {
                Ok(args) => sqlx::query_as_with(statement.postgres, args).fetch_optional(pool).await,
                Err(error) => Err(error),
            },
        }
        .map_err(|error| StoreError::at(statement, error))
    }

    /// Reads the one row; [`StoreError::Missing`] when there is none.
    pub async fn fetch_one<T: Row>(
        &self,
        statement: &'static Statement,
        args: Args,
    ) -> Result<T, StoreError> {
        self.fetch_optional(statement, args)
            .await?
            .ok_or_else(|| StoreError::at(statement, sqlx::Error::RowNotFound))
    }

    /// Runs a query of many rows outside any transaction. Their order is the database's own: return the key as well.
    pub async fn fetch_rows<T: Row>(
        &self,
        statement: &'static RowsStatement,
        rows: Rows,
        shared: Args,
    ) -> Result<Vec<T>, StoreError> {
        let kind = self.kind();
        let mut found = Vec::new();
        for (size, values) in pieces(statement, kind, rows, &shared)? {
            let text = AssertSqlSafe(statement.text(kind, size));
            let mut part: Vec<T> = match self {
                Self::Sqlite { read, .. } => match for_sqlite(values.into_iter()) {
                    Ok(args) => sqlx::query_as_with(text, args).fetch_all(read).await,
                    Err(error) => Err(error),
                },
                Self::Postgres(pool) => match for_postgres(values.into_iter()) {
                    Ok(args) => sqlx::query_as_with(text, args).fetch_all(pool).await,
                    Err(error) => Err(error),
                },
            }
            .map_err(|error| at_rows(statement, error))?;
            found.append(&mut part);
        }
        Ok(found)
    }

    /// One change in a transaction of its own; gives the number of rows it changed.
    pub async fn execute(&self, statement: &'static Statement, args: Args) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let changed = tx.execute(statement, args).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Whether it is the embedded database, which one process owns alone.
    pub fn is_embedded(&self) -> bool {
        self.kind() == Kind::Sqlite
    }

    /// The database's time, which all nodes share.
    pub async fn now(&self, tx: &mut Tx) -> Result<Timestamp, StoreError> {
        tx.now().await
    }

    /// Closes all connections; SQLite folds its write-ahead log into the file.
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

impl Tx {
    /// Which database it is on.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Sqlite(_) => Kind::Sqlite,
            Self::Postgres(_) => Kind::Postgres,
        }
    }

    /// Runs a statement; gives the number of rows it changed.
    pub async fn execute(&mut self, statement: &'static Statement, args: Args) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(tx) => match for_sqlite(args.0.into_iter()) {
                Ok(args) => sqlx::query_with(statement.sqlite, args)
                    .execute(&mut **tx)
                    .await
                    .map(|done| done.rows_affected()),
                Err(error) => Err(error),
            },
            Self::Postgres(tx) => match for_postgres(args.0.into_iter()) {
                Ok(args) => sqlx::query_with(statement.postgres, args)
                    .execute(&mut **tx)
                    .await
                    .map(|done| done.rows_affected()),
                Err(error) => Err(error),
            },
        }
        .map_err(|error| StoreError::at(statement, error))
    }

    /// All rows of a statement.
    pub async fn fetch_all<T: Row>(
        &mut self,
        statement: &'static Statement,
        args: Args,
    ) -> Result<Vec<T>, StoreError> {
        match self {
            Self::Sqlite(tx) => match for_sqlite(args.0.into_iter()) {
                Ok(args) => sqlx::query_as_with(statement.sqlite, args).fetch_all(&mut **tx).await,
                Err(error) => Err(error),
            },
            Self::Postgres(tx) => match for_postgres(args.0.into_iter()) {
                Ok(args) => sqlx::query_as_with(statement.postgres, args).fetch_all(&mut **tx).await,
                Err(error) => Err(error),
            },
        }
        .map_err(|error| StoreError::at(statement, error))
    }

    /// The first row of a statement, if there is one.
    ///
    /// Every row is taken from the database, because a statement that writes must run to its end.
    pub async fn fetch_optional<T: Row>(
        &mut self,
        statement: &'static Statement,
        args: Args,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.fetch_all(statement, args).await?.into_iter().next())
    }

    /// The one row of a statement; [`StoreError::Missing`] when there is none.
    pub async fn fetch_one<T: Row>(
        &mut self,
        statement: &'static Statement,
        args: Args,
    ) -> Result<T, StoreError> {
        self.fetch_optional(statement, args)
            .await?
            .ok_or_else(|| StoreError::at(statement, sqlx::Error::RowNotFound))
    }

    /// Runs a statement of many rows; gives the number of rows it changed. `shared` are `$1`, `$2`, … of head and tail.
    pub async fn execute_rows(
        &mut self,
        statement: &'static RowsStatement,
        rows: Rows,
        shared: Args,
    ) -> Result<u64, StoreError> {
        let kind = self.kind();
        let mut changed = 0;
        for (size, values) in pieces(statement, kind, rows, &shared)? {
            let text = AssertSqlSafe(statement.text(kind, size));
            changed += match self {
                Self::Sqlite(tx) => match for_sqlite(values.into_iter()) {
                    Ok(args) => {
                        sqlx::query_with(text, args).execute(&mut **tx).await.map(|done| done.rows_affected())
                    }
                    Err(error) => Err(error),
                },
                Self::Postgres(tx) => match for_postgres(values.into_iter()) {
                    Ok(args) => {
                        sqlx::query_with(text, args).execute(&mut **tx).await.map(|done| done.rows_affected())
                    }
                    Err(error) => Err(error),
                },
            }
            .map_err(|error| at_rows(statement, error))?;
        }
        Ok(changed)
    }

    /// Runs a statement of many rows that returns rows. Their order is the database's own: return the key as well.
    pub async fn fetch_rows<T: Row>(
        &mut self,
        statement: &'static RowsStatement,
        rows: Rows,
        shared: Args,
    ) -> Result<Vec<T>, StoreError> {
        let kind = self.kind();
        let mut found = Vec::new();
        for (size, values) in pieces(statement, kind, rows, &shared)? {
            let text = AssertSqlSafe(statement.text(kind, size));
            let mut part: Vec<T> = match self {
                Self::Sqlite(tx) => match for_sqlite(values.into_iter()) {
                    Ok(args) => sqlx::query_as_with(text, args).fetch_all(&mut **tx).await,
                    Err(error) => Err(error),
                },
                Self::Postgres(tx) => match for_postgres(values.into_iter()) {
                    Ok(args) => sqlx::query_as_with(text, args).fetch_all(&mut **tx).await,
                    Err(error) => Err(error),
                },
            }
            .map_err(|error| at_rows(statement, error))?;
            found.append(&mut part);
        }
        Ok(found)
    }

    /// The database's time, which all nodes share. SQLite counts milliseconds.
    pub async fn now(&mut self) -> Result<Timestamp, StoreError> {
        let statement = crate::sql! {
            sqlite: "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000",
            postgres: "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
        };
        let (micros,): (i64,) = self.fetch_one(statement, Args::default()).await?;
        Timestamp::from_microsecond(micros)
            .map_err(|_| StoreError::at(statement, sqlx::Error::Protocol("the time is out of range".into())))
    }

    /// Makes everything in the transaction durable.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
        .map_err(|error| StoreError::from_sqlx("commit", error))
    }

    /// Undoes everything in the transaction.
    pub async fn rollback(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await,
            Self::Postgres(tx) => tx.rollback().await,
        }
        .map_err(|error| StoreError::from_sqlx("rollback", error))
    }
}

fn at_rows(statement: &RowsStatement, error: sqlx::Error) -> StoreError {
    StoreError::from_sqlx(format!("{}:{}", statement.file, statement.line), error)
}

fn pieces(
    statement: &'static RowsStatement,
    kind: Kind,
    rows: Rows,
    shared: &Args,
) -> Result<Vec<(usize, Vec<crate::Value>)>, StoreError> {
    rows.pieces(statement.width(kind), shared).map_err(|detail| StoreError::Other {
        place: format!("{}:{}", statement.file, statement.line),
        detail,
        source: None,
    })
}
