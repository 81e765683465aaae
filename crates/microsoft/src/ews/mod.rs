//! The [`Mailbox`] contract over Exchange Web Services: on-premises Exchange, and Exchange Online until 2027-04-01 where a tenant
//! still lets it. Polling only.
//!
//! Begin with `call.rs`: one operation with a result for each of its parts (budget, token, time-out, bounded answer, fault), in
//! the `envelope.rs` of SOAP, read by `xml.rs`. `sync.rs` lists what changed, `backlog.rs` what lies there, `items.rs` fetches,
//! `find.rs` looks for messages, `change.rs` marks in batches, `send.rs` drafts and sends, `attach.rs` adds files, `folders.rs` and `probe.rs` look
//! around. [`message`] reads the XML of one message, purely.
//!
//! Three things differ from Graph. Pages of changes carry ids alone, so the messages of a page are fetched after it, ten at a time.
//! A move changes an item's id. And ids of folders tell nothing of the mailbox they are in, so a shared mailbox is named with
//! each well-known folder.

mod attach;
mod backlog;
mod call;
mod change;
mod envelope;
mod find;
mod folders;
mod items;
pub mod message;
mod probe;
mod send;
mod sync;
mod xml;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fault::{Fault, Place};
use futures::future::BoxFuture;
use jiff::Timestamp;
use url::Url;

use crate::budget::{Budget, Priority};
use crate::graph::LARGEST_MIME;
use crate::mailbox::{
    Attached, Change, Changed, Cursor, Draft, File, Find, Folder, FolderId, Item, Mailbox, NativeId, Page,
    ProbeReport, SyncError, Transport,
};
use crate::tokens::AccessTokens;
use xml::escaped;

/// Where the service is, below its host.
const SERVICE: &str = "/EWS/Exchange.asmx";

/// Whose mailbox, and by which right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// That of the person whose token it is; its primary address.
    Own(String),
    /// Another one, which that person has rights on; its primary address.
    Shared(String),
    /// The token is the application's, which acts as the owner of this mailbox (`full_access_as_app`); its primary address.
    Impersonated(String),
}

impl Whose {
    /// The mailbox's primary address.
    pub fn address(&self) -> &str {
        match self {
            Self::Own(address) | Self::Shared(address) | Self::Impersonated(address) => address,
        }
    }
}

/// A mailbox reached through EWS. Cheap to clone.
#[derive(Clone)]
pub struct EwsMailbox {
    http: reqwest::Client,
    address: Url,
    whose: Whose,
    tokens: Arc<dyn AccessTokens>,
    budget: Arc<Budget>,
    timeout: Duration,
    largest_mime: usize,
    single: Priority,
    place: Option<Arc<Place>>,
}

impl fmt::Debug for EwsMailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EwsMailbox")
            .field("address", &self.address.as_str())
            .field("whose", &self.whose)
            .finish_non_exhaustive()
    }
}

impl EwsMailbox {
    /// `ews_url` is the address before `/EWS/Exchange.asmx`, or the whole address of an `.asmx` elsewhere. `http` must follow no
    /// redirects: a token goes to no other host. `tokens` are for the resource of EWS, not of Graph. `budget` is shared by all
    /// that reach the same mailbox; `timeout` is for one request with its answer.
    pub fn new(
        http: reqwest::Client,
        ews_url: &Url,
        whose: Whose,
        tokens: Arc<dyn AccessTokens>,
        budget: Arc<Budget>,
        timeout: Duration,
    ) -> Self {
        let mut address = ews_url.clone();
        if !address.path().to_ascii_lowercase().ends_with(".asmx") {
            let path = format!("{}{SERVICE}", address.path().trim_end_matches('/'));
            address.set_path(&path);
        }
        Self {
            http,
            address,
            whose,
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

    fn host(&self) -> &str {
        self.address.host_str().unwrap_or_default()
    }

    /// Whom the application acts as.
    fn impersonated(&self) -> Option<&str> {
        match &self.whose {
            Whose::Impersonated(address) => Some(address),
            Whose::Own(_) | Whose::Shared(_) => None,
        }
    }

    /// A folder in a request.
    fn folder_id(&self, folder: &str) -> String {
        let name = folder.to_ascii_lowercase();
        if !folders::WELL_KNOWN.contains(&name.as_str()) {
            return format!("<t:FolderId Id=\"{}\"/>", escaped(folder));
        }
        match &self.whose {
            Whose::Shared(address) => format!(
                "<t:DistinguishedFolderId Id=\"{name}\"><t:Mailbox><t:EmailAddress>{}</t:EmailAddress></t:Mailbox>\
                 </t:DistinguishedFolderId>",
                escaped(address)
            ),
            Whose::Own(_) | Whose::Impersonated(_) => format!("<t:DistinguishedFolderId Id=\"{name}\"/>"),
        }
    }
}

/// An item in a request.
fn item_id(id: &NativeId) -> String {
    format!("<t:ItemId Id=\"{}\"/>", escaped(id.as_str()))
}

/// Our stamp, as EWS names the property that Graph calls [`crate::graph::STAMP`].
const STAMP: &str = "<t:ExtendedFieldURI PropertySetId=\"5b0c1d9e-3f7a-4c62-9d1b-7e2a64c0f8a3\" \
     PropertyName=\"PostroomStamp\" PropertyType=\"String\"/>";

impl Mailbox for EwsMailbox {
    fn transport(&self) -> Transport {
        Transport::Ews
    }

    fn sync<'a>(
        &'a self,
        folder: &'a FolderId,
        cursor: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, SyncError>> {
        Box::pin(self.sync_page(folder, cursor))
    }

    fn ids<'a>(
        &'a self,
        folder: &'a FolderId,
        cursor: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, SyncError>> {
        Box::pin(self.list_changes(folder, cursor))
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

    fn messages<'a>(&'a self, ids: &'a [NativeId]) -> BoxFuture<'a, Vec<Result<Option<Item>, Fault>>> {
        Box::pin(self.fetch_messages(ids))
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
