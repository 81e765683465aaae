//! Postroom, the program: one library and one binary, cut by feature.
//!
//! `main.rs` hands over to [`cli`]; `serve` there is the service. A feature folder reads alike: its `mod.rs` says in prose
//! what it is and where to begin, then come the steps or actions, one file each, then `store.rs` with its SQL. Features meet
//! through each other's `mod.rs`, never through tables.
//!
//! - [`config`]: settings, their defaults, and what is wrong with them
//! - [`telemetry`]: logs and numbers
//! - [`doctor`]: what is wrong with an installation, each finding with its mend
//! - [`cli`]: the command line

pub mod config;
pub mod access;
pub mod messages;
pub mod web;
