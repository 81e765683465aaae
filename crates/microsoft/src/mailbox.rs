//! The contract of a mailbox.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fault::Fault;
use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::budget::Priority;

macro_rules! opaque {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// As the mailbox writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(value: String) -> Self {
                Self(value)
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                Self(value.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

opaque! {
    /// A message's id in its mailbox: with Graph the immutable id, which survives moves within the mailbox; with EWS the
    /// item's id, which a move changes. Case-sensitive.
    NativeId
}
opaque! {
    /// A folder's id in its mailbox, or one of the well-known names (`inbox`, `junkemail` …).
    FolderId
}
opaque! {
    /// A place in the history of a folder: with Graph the whole address of the next request, with EWS the sync state. Kept and
    /// given back verbatim, to the method that it came from.
    Cursor
}

/// How a mailbox is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Microsoft Graph. A message keeps its id for as long as it is in the mailbox.
    Graph,
    /// Exchange Web Services. A move gives a message another id.
    Ews,
}

/// What changed in a folder since a cursor, one page of it.
#[derive(Debug)]
pub struct Page {
    /// Messages that are new or changed; the order means nothing, and one may come again.
    pub items: Vec<Item>,
    /// Messages that were deleted or moved away.
    pub removed: Vec<NativeId>,
    /// Where to go on.
    pub cursor: Cursor,
    /// Whether this was the last page of the round.
    pub complete: bool,
}

/// One message of a page.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    /// Its id.
    pub id: NativeId,
    /// The page's description of this message, byte for byte as the mailbox wrote it (Graph: JSON).
    pub raw: Vec<u8>,
    /// When the mailbox received it; the epoch where even that is missing (then `is_whole` is false).
    pub received_at: Timestamp,
    /// Message-ID as the mailbox tells it, mostly in angle brackets.
    pub internet_message_id: Option<String>,
    /// The mailbox's own grouping.
    pub conversation_id: Option<String>,
    /// Whether nothing that is needed is missing from `raw`. Otherwise the message is to be fetched by its id.
    pub is_whole: bool,
}

impl Item {
    /// When the mailbox received it, where it tells that.
    pub fn received(&self) -> Option<Timestamp> {
        (self.received_at != Timestamp::UNIX_EPOCH).then_some(self.received_at)
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The raw text is mail: it does not belong into logs.
        f.debug_struct("Item")
            .field("id", &self.id)
            .field("bytes", &self.raw.len())
            .field("received_at", &self.received_at)
            .field("is_whole", &self.is_whole)
            .finish_non_exhaustive()
    }
}

/// Why a folder could not be read on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// The mailbox has forgotten the cursor: read the folder from the beginning, into the same keys.
    #[error("the mailbox does not know this place in the folder any more")]
    Reset,
    /// Anything else.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Find {
    /// A Message-ID, with or without angle brackets.
    MessageId(String),
    /// Our own stamp (see [`Change::stamp`]), by its whole value.
    Stamp {
        /// The value.
        value: String,
    },
}

/// What shall be done to one message. Read, categories and stamp are written together; a move or a deletion follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The message.
    pub id: NativeId,
    /// Mark it as read.
    pub mark_read: bool,
    /// Categories to add; those that are there stay.
    pub categories: Vec<String>,
    /// Our own stamp: an extended property that people do not see and that survives moves.
    pub stamp: Option<String>,
    /// Move it there.
    pub move_to: Option<FolderId>,
    /// Delete it as the mailbox does: into *Deleted Items*, and for good out of there. Wins over a move.
    pub delete: bool,
}

/// What became of a [`Change`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Done; the id under which the message is found now.
    Done {
        /// The id.
        id: NativeId,
    },
    /// The message is not there any more.
    Gone,
}

/// A mail that is to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    /// The whole message (RFC 5322). Its Message-ID is kept, and names it for ever.
    pub mime: Bytes,
    /// Our own stamp (see [`Change::stamp`]), by which the draft and later the sent mail are found.
    pub stamp: Option<String>,
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes are mail: they do not belong into logs.
        f.debug_struct("Draft").field("bytes", &self.mime.len()).field("stamp", &self.stamp).finish()
    }
}

/// A file that goes along with a draft.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// Its name, as people see it.
    pub name: String,
    /// Its media type, for example `application/pdf`.
    pub content_type: String,
    /// The Content-ID, without angle brackets, by which the body shows it (`cid:`). Without one it is an attachment to people.
    pub content_id: Option<String>,
    /// Its content.
    pub content: Bytes,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Name and content are mail: they do not belong into logs.
        f.debug_struct("File")
            .field("content_type", &self.content_type)
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

/// A file of a message as the mailbox lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Its name.
    pub name: String,
    /// Its media type, where it is told.
    pub content_type: Option<String>,
    /// The Content-ID, without angle brackets.
    pub content_id: Option<String>,
    /// Whether it is shown within the body.
    pub is_inline: bool,
    /// Its bytes as Exchange counts them, which are somewhat more than those of its content.
    pub size: u64,
}

/// A folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Its id.
    pub id: FolderId,
    /// Its name, in the mailbox owner's language.
    pub name: String,
    /// Names from the top, joined by `/`. From [`Mailbox::folder`], which looks at one folder only, the name alone.
    pub path: String,
    /// The folder that it lies in; none at the top, and from [`Mailbox::folder`].
    pub parent: Option<FolderId>,
    /// Messages in it.
    pub total: u64,
    /// Of these, unread.
    pub unread: u64,
    /// The well-known name, for example `inbox`.
    pub well_known: Option<String>,
}

impl Folder {
    /// What lies in it, as a probe tells it.
    pub(crate) fn in_words(&self) -> String {
        let messages = if self.total == 1 { "message" } else { "messages" };
        format!("{}: {} {messages}, {} unread", self.name, self.total, self.unread)
    }
}

/// What a probe found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbeReport {
    /// One after another, in the order in which they were made.
    pub checks: Vec<Check>,
}

impl ProbeReport {
    /// Whether every check passed.
    pub fn is_well(&self) -> bool {
        self.checks.iter().all(|check| check.outcome.is_ok())
    }

    /// The first that failed.
    pub fn first_fault(&self) -> Option<&Fault> {
        self.checks.iter().find_map(|check| check.outcome.as_ref().err())
    }
}

/// One check of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was checked, for example `Read mail`.
    pub name: &'static str,
    /// What was found, in words, or the fault.
    pub outcome: Result<String, Fault>,
    /// How long it took.
    pub took: Duration,
}

/// A mailbox. Every method makes its own requests, within the mailbox's [`crate::Budget`], and comes back within a bounded
/// time.
pub trait Mailbox: Send + Sync + fmt::Debug {
    /// How it is reached, and so what its ids are.
    fn transport(&self) -> Transport;

    /// What changed in a folder since the cursor; everything that is there without one.
    fn sync<'a>(
        &'a self,
        folder: &'a FolderId,
        cursor: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, SyncError>>;

    /// The same as [`Mailbox::sync`], but ids alone: the way around a page that fails as a whole because of one corrupt
    /// message. Without a cursor the folder is listed from its beginning.
    ///
    /// No item is whole: each is fetched by [`Mailbox::message`], and where that fails for a reason of the message's own, the
    /// item is recorded as it is. The cursor belongs to this method and to [`Mailbox::sync`]: either goes on from it, and with
    /// Graph both go on with ids alone, since Graph fixes in the first request of a delta what its pages carry. Items that are
    /// known already need not be fetched.
    fn ids<'a>(
        &'a self,
        folder: &'a FolderId,
        cursor: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, SyncError>>;

    /// What lies in a folder, oldest first, a page at a time: for a backlog, whose order a delta does not tell. Begins at
    /// `since`, or with the oldest; goes on after the page whose cursor is `after`, which only this method understands.
    ///
    /// A message may come again on the next page, and those of the last second of a page do; none is passed over when others are
    /// moved away meanwhile. In which order the messages of one second come is not said. What arrives among what was listed
    /// already, such as an old mail that somebody moves in, is not told: for that a round of [`Mailbox::sync`] follows, from the
    /// beginning, which is a place before the listing.
    fn older<'a>(
        &'a self,
        folder: &'a FolderId,
        since: Option<Timestamp>,
        after: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, SyncError>>;

    /// How many messages lie in a folder, of those received at `since` or later where that is given.
    fn count<'a>(
        &'a self,
        folder: &'a FolderId,
        since: Option<Timestamp>,
    ) -> BoxFuture<'a, Result<u64, Fault>>;

    /// The message as RFC 5322 bytes. Exchange rebuilds them: they are not the ones that came over the wire.
    fn mime<'a>(&'a self, id: &'a NativeId) -> BoxFuture<'a, Result<Bytes, Fault>>;

    /// The message, whole; `None` when it is gone.
    fn message<'a>(&'a self, id: &'a NativeId) -> BoxFuture<'a, Result<Option<Item>, Fault>>;

    /// Several messages, whole; one result per id, in the same order, `None` for what is gone. What fails for a reason of its own
    /// costs itself only.
    fn messages<'a>(&'a self, ids: &'a [NativeId]) -> BoxFuture<'a, Vec<Result<Option<Item>, Fault>>> {
        Box::pin(async move {
            let mut told = Vec::with_capacity(ids.len());
            for id in ids {
                told.push(self.message(id).await);
            }
            told
        })
    }

    /// The newest messages of a folder, newest first.
    fn newest<'a>(&'a self, folder: &'a FolderId, count: usize) -> BoxFuture<'a, Result<Vec<Item>, Fault>>;

    /// The ids of the messages that carry this, in all folders.
    fn find<'a>(&'a self, by: &'a Find) -> BoxFuture<'a, Result<Vec<NativeId>, Fault>>;

    /// Carries changes out; one result per change, in the same order.
    ///
    /// What was refused for certain is asked for again for a while. What may have been done (a lost answer:
    /// [`Fault::leaves_doubt`]) is told as that and not repeated inside. Asking for the same again is harmless, but for a deletion:
    /// what lies in *Deleted Items* by then is deleted for good.
    fn change<'a>(&'a self, changes: &'a [Change]) -> BoxFuture<'a, Vec<Result<Changed, Fault>>>;

    /// Saves a mail in *Drafts*, stamped; its id.
    ///
    /// Not repeated inside: after a fault that [leaves doubt](Fault::leaves_doubt) the draft may be there nevertheless. It is found by
    /// its stamp, or, where the fault came between saving and stamping, by its Message-ID.
    fn create_draft<'a>(&'a self, draft: &'a Draft) -> BoxFuture<'a, Result<NativeId, Fault>>;

    /// The files of a message, in the mailbox's order, without their contents: those come with [`Mailbox::mime`].
    fn attachments<'a>(&'a self, id: &'a NativeId) -> BoxFuture<'a, Result<Vec<Attached>, Fault>>;

    /// Adds a file to a draft. Its header fields, its stamp and its id stay.
    ///
    /// Not repeated inside: after a fault that [leaves doubt](Fault::leaves_doubt) the file may be there nevertheless, whole; whoever
    /// asks again first looks whether it is [listed](Mailbox::attachments). With Graph, files of 3 MB and more go up in parts, which go on
    /// where they stood after an answer is lost; in another's mailbox Graph takes none with a person's rights (`graph.upload_refused`).
    fn attach<'a>(&'a self, draft: &'a NativeId, file: &'a File) -> BoxFuture<'a, Result<(), Fault>>;

    /// Sends a draft, which then lies in *Sent Items*. What comes back says that the mailbox took it, not that it arrived.
    ///
    /// Never repeated inside: after a fault that [leaves doubt](Fault::leaves_doubt) the mail may be under way. Whoever asks again first
    /// looks whether it [is still a draft](Mailbox::is_draft).
    fn send_draft<'a>(&'a self, id: &'a NativeId) -> BoxFuture<'a, Result<(), Fault>>;

    /// Whether a message is a draft: one that was sent is none any more. `None` when it is gone.
    fn is_draft<'a>(&'a self, id: &'a NativeId) -> BoxFuture<'a, Result<Option<bool>, Fault>>;

    /// All folders, parents before children.
    fn folders(&self) -> BoxFuture<'_, Result<Vec<Folder>, Fault>>;

    /// One folder, by id or well-known name.
    fn folder<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Folder, Fault>>;

    /// Who am I, which mailbox, which folder, what is allowed. Changes nothing.
    fn probe_folder<'a>(&'a self, folder: &'a FolderId) -> BoxFuture<'a, ProbeReport>;

    /// The probe of the inbox.
    fn probe(&self) -> BoxFuture<'_, ProbeReport> {
        Box::pin(async move { self.probe_folder(&FolderId::from("inbox")).await })
    }

    /// The same mailbox, whose single-message requests ([`Mailbox::mime`], [`Mailbox::message`]) go at this priority. Without
    /// it they go as [`Priority::Backlog`].
    fn at(&self, priority: Priority) -> Arc<dyn Mailbox>;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: what lies in a folder is counted in the noun that fits.
    #[test]
    fn what_lies_in_a_folder_is_counted() {
        let of = |total, unread| {
            let (id, name) = (FolderId::from("f"), "Inbox".to_owned());
            Folder { id, path: name.clone(), name, parent: None, total, unread, well_known: None }.in_words()
        };
        assert_eq!(of(0, 0), "Inbox: 0 messages, 0 unread");
        assert_eq!(of(1, 1), "Inbox: 1 message, 1 unread");
        assert_eq!(of(2, 1), "Inbox: 2 messages, 1 unread");
    }
}
