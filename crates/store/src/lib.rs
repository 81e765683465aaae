//! One SQL text for SQLite and PostgreSQL, migrations, sealing and blobs. No feature's SQL lives here: statements stand
//! beside what uses them.
//!
//! Begin with [`Db`] and [`Tx`]; [`sql!`] and [`sql_rows!`] register statements, [`args!`] lists their arguments.
//! [`Sealer`] keeps secrets and mail unreadable at rest, [`Blobs`] keeps what is too large for a row, [`DataFolder`] is
//! the folder that one process owns.

pub mod clock;
mod db;
mod error;
mod migrate;
mod statement;
mod value;

#[doc(hidden)]
pub use inventory;

pub use clock::{Clock, SystemClock, TestClock};
pub use db::{Db, PostgresUrl, Row, StoreUrl, Tx};
pub use error::StoreError;
pub use statement::{Rows, Statement, rows, statements};
pub use value::{Args, IntoValue, Value};
