//! Microsoft 365: signing in, and reading and marking mail.
//!
//! - [`signin`] is the authorization code flow with PKCE against Entra ID: discovery, the address to send a person to, the code
//!   redeemed, the id_token verified, tokens refreshed. Begin with `signin/mod.rs`.
//! - [`Mailbox`] is the contract of a mailbox: read a folder from a cursor, fetch MIME, find, mark, move, delete, draft, attach, send,
//!   probe. Every transport implements it and passes the same contract tests. Begin with `mailbox.rs`.
//! - [`graph`] implements it over Microsoft Graph, [`ews`] over Exchange Web Services; [`message`] reads what either tells of a
//!   message, purely.
//! - [`Budget`] governs what a mailbox is asked: its quotas, the pauses it asks for, and who goes first.
//!
//! Nothing here stores anything: tokens come from [`AccessTokens`], which the program implements, and every failure is a
//! [`fault::Fault`].

mod again;
mod answer;
mod backlog;
mod budget;
pub mod ews;
pub mod graph;
mod mailbox;
pub mod message;
mod network;
mod quota;
mod retry_after;
pub mod signin;
#[cfg(test)]
mod testing;
mod tokens;

pub use budget::{Budget, Charge, Limits, Permit, Priority};
pub use mailbox::{
    Attached, Change, Changed, Check, Cursor, Draft, File, Find, Folder, FolderId, Item, Mailbox, NativeId,
    Page, ProbeReport, SyncError, Transport,
};
pub use retry_after::retry_after;
pub use tokens::AccessTokens;
