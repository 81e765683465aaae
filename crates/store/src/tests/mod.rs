//! Promises of the whole store, on both databases.

mod databases;
mod schema;
