//! The [`Mailbox`] contract over Microsoft Graph.
//!
//! `call.rs` makes one request (budget, token, time-out, bounded answer, fault); `sync.rs` lists what changed, `backlog.rs`
//! what lies there, `content.rs` fetches, `find.rs` looks for messages, `change.rs` marks in batches, `send.rs` drafts and
//! sends, `attach.rs` adds files to drafts, `folders.rs` and `probe.rs` look around, `translate.rs` turns ids into Graph's, `subscriptions.rs` has Graph tell of new
//! mail, [`enterprise`] asks the directory what the app is in a tenant, `ends.rs` when the app's credentials end. [`message`] reads
//! the JSON of one message, purely.

mod attach;
mod backlog;
mod call;
mod change;
mod content;
mod ends;
pub mod enterprise;
mod find;
mod folders;
pub mod message;
mod probe;
pub(crate) mod refusal;
mod send;
mod subscriptions;
mod sync;
mod translate;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fault::{Fault, Place};
use futures::future::BoxFuture;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::budget::{Budget, Priority};
use crate::mailbox::{
    Attached, Change, Changed, Cursor, Draft, File, Find, Folder, FolderId, Item, Mailbox, NativeId, Page,
    ProbeReport, SyncError, Transport,
};
use crate::tokens::AccessTokens;
pub use ends::{CredentialEnds, credential_ends};
pub use subscriptions::{Denied, Subscription, Wanted};
pub use translate::{IdKind, Translated};

/// The id of our stamp: a named property that Exchange keeps with the message. Its GUID is ours and never changes; the name is
/// case-sensitive.
pub const STAMP: &str = "String {5b0c1d9e-3f7a-4c62-9d1b-7e2a64c0f8a3} Name PostroomStamp";

/// The largest MIME that is fetched, in bytes: a message of 35 MB, Exchange Online's default limit, with room for its encoding.
pub const LARGEST_MIME: usize = 64 << 20;

/// What is percent-encoded in a path segment.
const SEGMENT: AsciiSet =
    NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'=').remove(b'@');

/// Whose mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    /// That of the person whose token it is.
    Me,
    /// Another one, best by its id in the directory: addresses may contain characters that Graph stumbles over.
    Id(String),
}

/// A mailbox reached through Graph. Cheap to clone.
#[derive(Clone)]
pub struct GraphMailbox {
    http: reqwest::Client,
    graph_url: Url,
    user: User,
    tokens: Arc<dyn AccessTokens>,
    budget: Arc<Budget>,
    timeout: Duration,
    largest_mime: usize,
    single: Priority,
    place: Option<Arc<Place>>,
}

impl fmt::Debug for GraphMailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphMailbox")
            .field("graph_url", &self.graph_url.as_str())
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl GraphMailbox {
    /// `graph_url` is the address before `/v1.0`. `http` must follow no redirects: none is meant here, and a token goes to no
    /// other host. `budget` is shared by all that reach the same mailbox; `timeout` is for one request with its answer.
    pub fn new(
        http: reqwest::Client,
        graph_url: Url,
        user: User,
        tokens: Arc<dyn AccessTokens>,
        budget: Arc<Budget>,
        timeout: Duration,
    ) -> Self {
        Self {
            http,
            graph_url,
            user,
            tokens,
            budget,
            timeout,
            largest_mime: LARGEST_MIME,
            single: Priority::Backlog,
            place: None,
        }
    }

    /// With another limit to the MIME of one message, in bytes.
    #[must_use]
    pub fn with_largest_mime(mut self, bytes: usize) -> Self {
        self.largest_mime = bytes;
        self
    }

    /// With the place that its faults are told to have happened at.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(Arc::new(place));
        self
    }

    /// A fault, with the place where it happened.
    fn placed(&self, fault: Fault) -> Fault {
        match &self.place {
            Some(place) => fault.at(place),
            None => fault,
        }
    }

    fn host(&self) -> &str {
        self.graph_url.host_str().unwrap_or_default()
    }

    /// The user's part of a path, with a slash before it and none after.
    fn user_path(&self) -> String {
        match &self.user {
            User::Me => "/me".to_owned(),
            User::Id(id) => format!("/users/{}", encoded(id)),
        }
    }

    /// An address below `/v1.0`; `query` is appended as it is.
    fn address(&self, path: &str, query: &str) -> Result<Url, Fault> {
        let base = self.graph_url.as_str().trim_end_matches('/');
        let question = if query.is_empty() { "" } else { "?" };
        format!("{base}/v1.0{path}{question}{query}").parse().map_err(|error| {
            Fault::own(
                "own.configuration",
                &format!("[microsoft] graph_url `{base}` gives no address: {error}"),
            )
        })
    }

    fn message_path(&self, id: &NativeId) -> String {
        format!("{}/messages/{}", self.user_path(), encoded(id.as_str()))
    }

    fn folder_path(&self, id: &str) -> String {
        format!("{}/mailFolders/{}", self.user_path(), encoded(id))
    }

    /// An address that the mailbox named, taken verbatim, but only on the host that was asked: the token goes along.
    fn followed(&self, link: &str) -> Result<Url, Fault> {
        let foreign = |detail: String| Fault::own("graph.foreign_link", &detail);
        let url: Url = link.parse().map_err(|error| foreign(format!("the link is no address: {error}")))?;
        if url.origin() != self.graph_url.origin() || !url.username().is_empty() || url.password().is_some() {
            let named = url.origin().ascii_serialization();
            return Err(foreign(format!(
                "asked {}, named {named}",
                self.graph_url.origin().ascii_serialization()
            )));
        }
        Ok(url)
    }
}

fn encoded(segment: &str) -> String {
    utf8_percent_encode(segment, &SEGMENT).to_string()
}

/// A value in a query, with `$`, parentheses and commas left readable.
fn query_value(value: &str) -> String {
    const QUERY: AsciiSet =
        SEGMENT.remove(b'$').remove(b'(').remove(b')').remove(b',').remove(b':').remove(b'/');
    utf8_percent_encode(value, &QUERY).to_string()
}

impl Mailbox for GraphMailbox {
    fn transport(&self) -> Transport {
        Transport::Graph
    }

    fn sync<'a>(
        &'a self,
        folder: &'a FolderId,
        cursor: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, SyncError>> {
        Box::pin(self.sync_page(folder, cursor, message::SELECT))
    }

    fn ids<'a>(
        &'a self,
        folder: &'a FolderId,
        cursor: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, SyncError>> {
        Box::pin(self.sync_page(folder, cursor, sync::SELECT_IDS))
    }

    fn older<'a>(
        &'a self,
        folder: &'a FolderId,
        since: Option<Timestamp>,
        after: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, SyncError>> {
        Box::pin(self.list_older(folder, since, after))
    }

    fn count<'a>(
        &'a self,
        folder: &'a FolderId,
        since: Option<Timestamp>,
    ) -> BoxFuture<'a, Result<u64, Fault>> {
        Box::pin(self.count_messages(folder, since))
    }

    fn mime<'a>(&'a self, id: &'a NativeId) -> BoxFuture<'a, Result<Bytes, Fault>> {
        Box::pin(self.fetch_mime(id))
    }

    fn message<'a>(&'a self, id: &'a NativeId) -> BoxFuture<'a, Result<Option<Item>, Fault>> {
        Box::pin(self.fetch_message(id))
    }

    fn newest<'a>(&'a self, folder: &'a FolderId, count: usize) -> BoxFuture<'a, Result<Vec<Item>, Fault>> {
        Box::pin(self.list_newest(folder, count))
    }

    fn find<'a>(&'a self, by: &'a Find) -> BoxFuture<'a, Result<Vec<NativeId>, Fault>> {
        Box::pin(self.find_ids(by))
    }

    fn change<'a>(&'a self, changes: &'a [Change]) -> BoxFuture<'a, Vec<Result<Changed, Fault>>> {
        Box::pin(self.change_all(changes))
    }

    fn create_draft<'a>(&'a self, draft: &'a Draft) -> BoxFuture<'a, Result<NativeId, Fault>> {
        Box::pin(self.save_draft(draft))
    }

    fn attachments<'a>(&'a self, id: &'a NativeId) -> BoxFuture<'a, Result<Vec<Attached>, Fault>> {
        Box::pin(self.list_attachments(id))
    }

    fn attach<'a>(&'a self, draft: &'a NativeId, file: &'a File) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(self.attach_file(draft, file))
    }

    fn send_draft<'a>(&'a self, id: &'a NativeId) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(self.send_saved(id))
    }

    fn is_draft<'a>(&'a self, id: &'a NativeId) -> BoxFuture<'a, Result<Option<bool>, Fault>> {
        Box::pin(self.look_at_draft(id))
    }

    fn folders(&self) -> BoxFuture<'_, Result<Vec<Folder>, Fault>> {
        Box::pin(self.list_folders())
    }

    fn folder<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Folder, Fault>> {
        Box::pin(self.look_at_folder(id))
    }

    fn probe_folder<'a>(&'a self, folder: &'a FolderId) -> BoxFuture<'a, ProbeReport> {
        Box::pin(self.probe_all(folder))
    }

    fn at(&self, priority: Priority) -> Arc<dyn Mailbox> {
        Arc::new(Self { single: priority, ..self.clone() })
    }
}

#[cfg(test)]
mod tests;
