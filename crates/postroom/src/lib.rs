//! Postroom, the program: one library and one binary, cut by feature.
//!
//! `main.rs` hands over to [`cli`]; [`serve`] is the service. A feature folder reads alike: its `mod.rs` says in prose what it is
//! and where to begin, then come the steps or actions, one file each, then `store.rs` with its SQL. Features meet through each
//! other's `mod.rs`, never through tables.
//!
//! - [`inbound`]: fetch, record, read, decide, act, mark: the main job
//! - [`connections`]: accounts, sources, outbounds, Jira sites: sign-in, ping, health
//! - [`outbound`]: mail that goes out; [`notices`]: who is told what, and how
//! - [`messages`]: search, trace, hold; [`overview`]: the first page
//! - [`access`]: users, sessions, roles, audit
//! - [`web`]: the console's outside; [`api`]: the same for machines
//! - [`jobs`]: what runs in the background
//! - [`config`], [`telemetry`], [`doctor`], [`cli`], [`serve`], [`demo`]: around it

pub mod access;
pub mod api;
pub mod cli;
pub mod config;
pub mod connections;
pub mod demo;
pub mod doctor;
pub mod inbound;
pub mod jobs;
pub mod messages;
pub mod notices;
pub mod outbound;
pub mod overview;
pub mod profiles;
pub mod retention;
pub mod serve;
pub mod telemetry;
pub mod web;
