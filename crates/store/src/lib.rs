//! Postroom's memory: one SQL text for SQLite and PostgreSQL, the migrations of both, sealed secrets and blobs.
//!
//! No feature's SQL lives here; features write their statements with [`sql!`] beside the code that uses them and run
//! them through [`Db`] (reading) or [`Tx`] (writing). Where to begin:
//!
//! - [`Db::open`], [`Db::migrate`], [`Db::begin`] (`db.rs`, `migrate.rs`): one embedded SQLite file with a single write
//!   connection, or a PostgreSQL pool. A transaction is begun by the caller and handed down as an argument.
//! - [`sql!`], [`sql_rows!`], [`args!`] (`statement.rs`, `rows.rs`, `value.rs`): statements are registered when the
//!   program is linked, so that one test prepares every one of them on both databases.
//! - [`StoreError`] (`error.rs`): what went wrong, in the words an operator can act on.
//! - [`DataFolder`] (`folder.rs`): the folder that one process at a time owns.
//! - [`Sealer`] and [`IdentityKey`] (`seal/`): secrets sealed to their table, column and row, under a master key.
//! - [`Blobs`] (`blob.rs`): sealed content that is too large for a row.
//! - [`Clock`] (`clock.rs`): the time is an argument.
//! - `testing` (feature of the same name): a fresh database of each kind for a test, and every statement prepared.
//!
//! Shapes in the database: ids are `Uuid` (BLOB in SQLite), times are `i64` microseconds since 1970 UTC, whole numbers
//! are BIGINT, flags are BIGINT or BOOLEAN, documents are JSON text.

mod blob;
mod clock;
mod db;
mod error;
mod folder;
mod migrate;
mod rows;
mod seal;
mod statement;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod value;

pub use blob::{BlobError, Blobs};
pub use clock::{Clock, SystemClock, TestClock};
pub use db::{Db, Kind, Row, StoreUrl, Tx, UnknownUrl};
pub use error::StoreError;
pub use folder::{DataFolder, FolderError};
pub use migrate::{Migration, Progress};
pub use rows::{Rows, RowsStatement, RowsText};
pub use seal::{IdentityKey, KeyError, MASTER_KEY_LENGTH, MasterKey, Place, SealError, Sealer};
pub use statement::{Registration, Statement};
pub use value::{Args, IntoValue, Value};

/// What the macros need to name from other crates.
#[doc(hidden)]
pub use inventory;
