//! Jira's side of the wire: a thin client for the REST API, and the writers that turn a [`mail::Rich`] into what Jira
//! shows.
//!
//! Begin with [`Client`]: one per Jira connection, shared by everything that writes there, because it carries the
//! [`Pace`] that keeps all calls together under the site's rate limits. Its methods are grouped by topic: who and what is
//! there (`discovery`), how it stands with the site (`standing`), issues (`issues`, `issue_state`,
//! `links`), comments (`comments`), files (`attachments`), search (`search`).
//! A service account's tokens are kept by `service`, Atlassian's gateway is found by `gateway`.
//! Every method answers a [`CallError`] when it fails: the fault for people, and the [`Effect`] for the ledger: whether the
//! write can have happened. `adf` writes the Atlassian Document Format that API version 3 takes, `wiki` the wiki markup of
//! version 2.
//!
//! Where a shape or a limit comes from is said at the item; the sources are Atlassian's OpenAPI document of the platform
//! and recorded answers of Jira Cloud.

pub mod adf;
mod answer;
mod attachments;
mod client;
mod comments;
mod discovery;
mod gateway;
mod issue_state;
mod issues;
mod links;
mod pace;
mod search;
mod service;
mod site;
mod standing;
mod summary;
pub mod wiki;
mod wire;

pub use answer::{CallError, Effect};
pub use attachments::{AttachmentRef, same_file_name};
pub use client::Client;
pub use comments::{Comment, CommentRef};
pub use discovery::{AttachmentLimit, CreateField, IssueType, Myself, Permissions, Project, ServerInfo};
pub use gateway::{behind_gateway, cloud_id};
pub use issue_state::{Person, Role, Standing, StatusChange};
pub use issues::{Created, Issue, NewIssue, Status, Transition};
pub use links::Link;
pub use pace::{Pace, PaceSettings, Told};
pub use search::{Found, Search, ago, quoted};
pub use service::{ClientCredentials, TokenInUse};
pub use site::{ApiVersion, Auth, Settings, Site};
pub use standing::{Greeting, PersonalToken, ServiceManagement};
pub use summary::{SUMMARY_LIMIT, summary};

/// What a description or a comment may hold: Jira counts characters, and the sources differ on whether those of the text
/// or of the serialised document; keeping the document itself under it satisfies both.
pub const TEXT_LIMIT: usize = 32_767;

/// The most a property of an issue or a comment may hold, in characters of JSON (Jira's OpenAPI document).
pub const PROPERTY_LIMIT: usize = 32_768;
