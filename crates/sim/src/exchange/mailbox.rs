//! One mailbox: folders, messages, and a log of changes for each folder, which deltas read.
//!
//! Every change gets the next number of the mailbox. A folder's log has each message once, at its last change, and a
//! tombstone for each that left. A delta token is a place in that log together with the mailbox's epoch; a reset
//! begins a new epoch, and tokens of the old one are refused.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use super::ews_ids::ItemId;
use super::ids;
use super::ingest::Content;

/// Well-known folders: number, name, display name, number of the parent.
const WELL_KNOWN: [(u32, &str, &str, u32); 18] = [
    (1, "msgfolderroot", "Top of Information Store", 0),
    (2, "inbox", "Inbox", 1),
    (3, "drafts", "Drafts", 1),
    (4, "sentitems", "Sent Items", 1),
    (5, "deleteditems", "Deleted Items", 1),
    (6, "junkemail", "Junk Email", 1),
    (7, "archive", "Archive", 1),
    (8, "outbox", "Outbox", 1),
    (9, "conversationhistory", "Conversation History", 1),
    (10, "recoverableitemsdeletions", "Deletions", 0),
    (11, "clutter", "Clutter", 1),
    (12, "scheduled", "Scheduled", 1),
    (13, "searchfolders", "Finder", 0),
    (14, "syncissues", "Sync Issues", 1),
    (15, "conflicts", "Conflicts", 14),
    (16, "localfailures", "Local Failures", 14),
    (17, "serverfailures", "Server Failures", 14),
    (18, "quarantine", "Quarantine", 0),
];

/// Numbers of the folders that the simulator itself uses.
pub(crate) const ROOT: u32 = 1;
pub(crate) const INBOX: u32 = 2;
pub(crate) const DRAFTS: u32 = 3;
pub(crate) const SENT: u32 = 4;
pub(crate) const DELETED: u32 = 5;
pub(crate) const RECOVERABLE: u32 = 10;

/// A folder.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) well_known: Option<&'static str>,
    pub(crate) parent: u32,
    pub(crate) unread: usize,
    /// Received time in microseconds and key: the order of lists.
    order: BTreeSet<(i64, u64)>,
    log: BTreeMap<u64, Entry>,
}

/// A line of a folder's log.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry {
    Here(u64),
    Gone { key: u64, generation: u32 },
}

/// A message.
#[derive(Debug)]
#[allow(clippy::struct_field_names, reason = "message_id is the header field's own name")]
pub(crate) struct Message {
    pub(crate) key: u64,
    pub(crate) folder: u32,
    /// How often it was moved; part of the ordinary id.
    pub(crate) generation: u32,
    /// Its place in its folder's log.
    pub(crate) changed: u64,
    /// The number of the change that brought it into its folder.
    pub(crate) arrived: u64,
    /// The number of the last change to more than its read flag.
    pub(crate) altered: u64,
    pub(crate) damage: Damage,
    pub(crate) content: Arc<Content>,
    pub(crate) message_id: String,
    pub(crate) conversation: Uuid,
    pub(crate) received: Timestamp,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) is_read: bool,
    pub(crate) is_draft: bool,
    pub(crate) categories: Vec<String>,
    pub(crate) importance: String,
    /// `flag` as JSON text.
    pub(crate) flag: String,
    pub(crate) inference: String,
    /// Extended properties by id. Names count letter by letter.
    pub(crate) extended: BTreeMap<String, String>,
}

/// What of a message cannot be read any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Damage {
    /// It is whole.
    #[default]
    None,
    /// Only its MIME cannot be made.
    Mime,
    /// Nothing of its content can be read. EWS says so of this item alone, whatever was asked for together with it (Microsoft's
    /// page on `ResponseCode`: `ErrorItemCorrupt`, leave its content out and ask again); pages of Graph that ask for content
    /// fail as a whole.
    Item,
    /// The other reading, which nothing documents: as `Item`, and requests of EWS for the content of several items fail as a
    /// whole, in a SOAP fault.
    Batch,
}

/// The flag of a message that has none.
pub(crate) const NO_FLAG: &str = "{\"flagStatus\":\"notFlagged\"}";

/// What a message begins with.
#[derive(Debug)]
pub(crate) struct Begin {
    pub(crate) folder: u32,
    pub(crate) received: Timestamp,
    pub(crate) is_read: bool,
    pub(crate) is_draft: bool,
    pub(crate) extended: BTreeMap<String, String>,
    pub(crate) categories: Vec<String>,
}

impl Begin {
    pub(crate) fn arrived(folder: u32, received: Timestamp) -> Self {
        Self {
            folder,
            received,
            is_read: false,
            is_draft: false,
            extended: BTreeMap::new(),
            categories: Vec::new(),
        }
    }
}

/// A mailbox. Everything in it is behind one lock, which is never held across a wait.
pub(crate) struct Mailbox {
    /// The first four bytes of the owner's object id; part of every item id.
    pub(crate) number: u32,
    pub(crate) owner: Uuid,
    pub(crate) upn: String,
    pub(crate) name: String,
    store: Mutex<Store>,
}

/// The content of a mailbox.
pub(crate) struct Store {
    pub(crate) mailbox: u32,
    pub(crate) folders: BTreeMap<u32, Folder>,
    pub(crate) messages: HashMap<u64, Message>,
    /// The number of the last change.
    pub(crate) last_change: u64,
    /// Counts delta resets.
    pub(crate) epoch: u64,
    /// Counts resets of the sync states of EWS.
    pub(crate) sync_epoch: u64,
    next_key: u64,
    next_folder: u32,
    conversations: HashMap<String, Uuid>,
}

impl Mailbox {
    pub(crate) fn new(owner: Uuid, upn: &str, name: &str) -> Self {
        let number = u32::from_be_bytes([0, 1, 2, 3].map(|index| owner.as_bytes()[index]));
        let folders = WELL_KNOWN
            .iter()
            .map(|(number, well_known, name, parent)| {
                (*number, Folder::new(*number, (*name).to_owned(), Some(well_known), *parent))
            })
            .collect();
        Self {
            number,
            owner,
            upn: upn.to_owned(),
            name: name.to_owned(),
            store: Mutex::new(Store {
                mailbox: number,
                folders,
                messages: HashMap::new(),
                last_change: 0,
                epoch: 0,
                sync_epoch: 0,
                next_key: 1,
                next_folder: 100,
                conversations: HashMap::new(),
            }),
        }
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Folder {
    fn new(number: u32, name: String, well_known: Option<&'static str>, parent: u32) -> Self {
        Self { number, name, well_known, parent, unread: 0, order: BTreeSet::new(), log: BTreeMap::new() }
    }

    pub(crate) fn total(&self) -> usize {
        self.order.len()
    }

    /// Hidden ones do not appear in folder lists.
    pub(crate) fn is_hidden(&self) -> bool {
        self.number > RECOVERABLE && self.well_known.is_some()
    }

    /// The log after a place.
    pub(crate) fn log_after(&self, place: u64) -> impl Iterator<Item = (u64, Entry)> + '_ {
        self.log.range(place + 1..).map(|(place, entry)| (*place, *entry))
    }

    /// Keys, newest first.
    pub(crate) fn newest_first(&self) -> impl DoubleEndedIterator<Item = u64> + '_ {
        self.order.iter().rev().map(|(_, key)| *key)
    }
}

impl Message {
    pub(crate) fn immutable_id(&self, mailbox: u32) -> String {
        ids::immutable(mailbox, self.key)
    }

    pub(crate) fn id(&self, mailbox: u32, immutable: bool) -> String {
        if immutable {
            self.immutable_id(mailbox)
        } else {
            ids::ordinary(mailbox, self.key, self.folder, self.generation)
        }
    }

    /// The id of EWS.
    pub(crate) fn ews_id(&self, mailbox: u32) -> ItemId {
        ItemId { mailbox, key: self.key, folder: self.folder, generation: self.generation }
    }

    /// The change key: it tells every version apart.
    pub(crate) fn change_key(&self) -> String {
        let mut bytes = [0_u8; 22];
        bytes[..6].copy_from_slice(&[9, 0, 0, 0, 0x16, 0]);
        bytes[6..14].copy_from_slice(&self.key.to_be_bytes());
        bytes[14..].copy_from_slice(&self.changed.to_be_bytes());
        STANDARD.encode(bytes)
    }

    /// What a change can touch beside the read flag, to see whether it did.
    fn beside_read(&self) -> impl PartialEq + use<> {
        (
            Arc::as_ptr(&self.content).addr(),
            self.message_id.clone(),
            self.is_draft,
            self.categories.clone(),
            self.importance.clone(),
            self.flag.clone(),
            self.inference.clone(),
            self.extended.clone(),
        )
    }
}

impl Store {
    fn next_change(&mut self) -> u64 {
        self.last_change += 1;
        self.last_change
    }

    /// A folder by well-known name (letter case aside) or id.
    pub(crate) fn folder(&self, id: &str) -> Option<&Folder> {
        if let Some((mailbox, number)) = ids::read_folder(id) {
            return self.folders.get(&number).filter(|_| mailbox == self.mailbox);
        }
        self.folders
            .values()
            .find(|folder| folder.well_known.is_some_and(|name| name.eq_ignore_ascii_case(id)))
    }

    /// Adds a folder; `None` when the parent has one of that name.
    pub(crate) fn add_folder(&mut self, parent: u32, name: &str) -> Option<u32> {
        let is_taken = self
            .folders
            .values()
            .any(|folder| folder.parent == parent && folder.name.eq_ignore_ascii_case(name));
        if is_taken {
            return None;
        }
        let number = self.next_folder;
        self.next_folder += 1;
        self.folders.insert(number, Folder::new(number, name.to_owned(), None, parent));
        Some(number)
    }

    /// Deletes a folder with what is in and below it.
    pub(crate) fn remove_folder(&mut self, number: u32) {
        let below: Vec<u32> = self
            .folders
            .values()
            .filter(|folder| folder.parent == number)
            .map(|folder| folder.number)
            .collect();
        for child in below {
            self.remove_folder(child);
        }
        let keys: Vec<u64> =
            self.folders.get(&number).map(|f| f.newest_first().collect()).unwrap_or_default();
        for key in keys {
            self.remove(key);
        }
        self.folders.remove(&number);
    }

    /// The key that an id of EWS means now. One from before a move means nothing any more.
    pub(crate) fn ews_key(&self, id: ItemId) -> Option<u64> {
        self.key(ids::MessageId::Ordinary {
            mailbox: id.mailbox,
            key: id.key,
            folder: id.folder,
            generation: id.generation,
        })
    }

    /// Gives a folder another name or parent; false when the parent has another of that name.
    pub(crate) fn rename_folder(&mut self, number: u32, parent: u32, name: &str) -> bool {
        let is_taken = self.folders.values().any(|folder| {
            folder.number != number && folder.parent == parent && folder.name.eq_ignore_ascii_case(name)
        });
        if !is_taken && let Some(folder) = self.folders.get_mut(&number) {
            name.clone_into(&mut folder.name);
            folder.parent = parent;
        }
        !is_taken
    }

    /// Whether a folder is another one or below it.
    pub(crate) fn is_within(&self, number: u32, above: u32) -> bool {
        let mut at = number;
        for _ in 0..self.folders.len() {
            if at == above {
                return true;
            }
            match self.folders.get(&at) {
                Some(folder) => at = folder.parent,
                None => return false,
            }
        }
        false
    }

    /// The key that a message id means now. An ordinary id from before a move means nothing any more.
    pub(crate) fn key(&self, id: ids::MessageId) -> Option<u64> {
        match id {
            ids::MessageId::Immutable { key, .. } => self.messages.contains_key(&key).then_some(key),
            ids::MessageId::Ordinary { key, folder, generation, .. } => self
                .messages
                .get(&key)
                .is_some_and(|message| message.folder == folder && message.generation == generation)
                .then_some(key),
        }
    }

    /// The bytes of the messages in a folder.
    pub(crate) fn size_of_folder(&self, number: u32) -> usize {
        let inside = self.messages.values().filter(|message| message.folder == number);
        inside.map(|message| message.content.raw.len()).sum()
    }

    /// Stores a message.
    pub(crate) fn add(&mut self, content: Content, message_id: String, begin: Begin, now: Timestamp) -> u64 {
        let key = self.next_key;
        self.next_key += 1;
        let conversation = self.conversation(&content, &message_id);
        let number = self.next_change();
        let message = Message {
            key,
            folder: begin.folder,
            generation: 0,
            changed: number,
            arrived: number,
            altered: number,
            damage: Damage::None,
            importance: content.importance.to_owned(),
            message_id,
            conversation,
            received: begin.received,
            created: now,
            modified: now,
            is_read: begin.is_read,
            is_draft: begin.is_draft,
            categories: begin.categories,
            flag: NO_FLAG.to_owned(),
            inference: "focused".to_owned(),
            extended: begin.extended,
            content: Arc::new(content),
        };
        self.enter(&message);
        self.messages.insert(key, message);
        key
    }

    fn enter(&mut self, message: &Message) {
        if let Some(folder) = self.folders.get_mut(&message.folder) {
            folder.order.insert((message.received.as_microsecond(), message.key));
            folder.log.insert(message.changed, Entry::Here(message.key));
            folder.unread += usize::from(!message.is_read);
        }
    }

    fn leave(&mut self, key: u64) {
        let number = self.next_change();
        let Some(message) = self.messages.get(&key) else { return };
        if let Some(folder) = self.folders.get_mut(&message.folder) {
            folder.order.remove(&(message.received.as_microsecond(), key));
            folder.log.remove(&message.changed);
            folder.log.insert(number, Entry::Gone { key, generation: message.generation });
            folder.unread -= usize::from(!message.is_read);
        }
    }

    /// Changes a message where it is.
    pub(crate) fn change(&mut self, key: u64, now: Timestamp, change: impl FnOnce(&mut Message)) {
        let number = self.next_change();
        let Some(message) = self.messages.get_mut(&key) else { return };
        let (before, was_read, beside) = (message.changed, message.is_read, message.beside_read());
        change(message);
        message.changed = number;
        if message.beside_read() != beside {
            message.altered = number;
        }
        message.modified = now;
        let (folder, is_read) = (message.folder, message.is_read);
        if let Some(folder) = self.folders.get_mut(&folder) {
            folder.log.remove(&before);
            folder.log.insert(number, Entry::Here(key));
            folder.unread = folder.unread + usize::from(!is_read) - usize::from(!was_read);
        }
    }

    /// Moves a message into another folder. The ordinary id changes, the immutable one stays.
    pub(crate) fn relocate(&mut self, key: u64, folder: u32, now: Timestamp) {
        self.leave(key);
        let number = self.next_change();
        let Some(mut message) = self.messages.remove(&key) else { return };
        message.folder = folder;
        message.generation += 1;
        message.changed = number;
        message.arrived = number;
        message.altered = number;
        message.modified = now;
        self.enter(&message);
        self.messages.insert(key, message);
    }

    /// Makes a copy in a folder.
    pub(crate) fn copy(&mut self, key: u64, folder: u32, now: Timestamp) -> Option<u64> {
        let number = self.next_change();
        let from = self.messages.get(&key)?;
        let copy = Message {
            key: self.next_key,
            folder,
            generation: 0,
            changed: number,
            arrived: number,
            altered: number,
            damage: from.damage,
            content: Arc::clone(&from.content),
            message_id: from.message_id.clone(),
            conversation: from.conversation,
            received: from.received,
            created: now,
            modified: now,
            is_read: from.is_read,
            is_draft: from.is_draft,
            categories: from.categories.clone(),
            importance: from.importance.clone(),
            flag: from.flag.clone(),
            inference: from.inference.clone(),
            extended: from.extended.clone(),
        };
        self.next_key += 1;
        let key = copy.key;
        self.enter(&copy);
        self.messages.insert(key, copy);
        Some(key)
    }

    /// Removes a message for good.
    pub(crate) fn remove(&mut self, key: u64) {
        self.leave(key);
        self.messages.remove(&key);
    }

    /// The conversation that a message joins: that of a message it answers, else that of an earlier mail of the same
    /// subject when it says that it is an answer, else a new one.
    fn conversation(&mut self, content: &Content, message_id: &str) -> Uuid {
        let own = message_id.trim_matches(['<', '>']);
        let (topic, is_answer) = topic(&content.subject);
        let subject_key = format!("subject:{topic}");
        let known = content.references.iter().find_map(|id| self.conversations.get(id));
        let by_subject = is_answer.then(|| self.conversations.get(&subject_key)).flatten();
        let conversation = known.or(by_subject).copied().unwrap_or_else(|| {
            Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}/{}/{own}", self.mailbox, self.next_key).as_bytes())
        });
        for id in content.references.iter().map(String::as_str).chain([own]) {
            self.conversations.entry(id.to_owned()).or_insert(conversation);
        }
        if !topic.is_empty() {
            self.conversations.insert(subject_key, conversation);
        }
        conversation
    }
}

/// The subject without the marks of answers and forwards, in lower case, and whether there was one.
fn topic(subject: &str) -> (String, bool) {
    let mut rest = subject.trim();
    let mut is_answer = false;
    while let Some((mark, after)) = rest.split_once(':') {
        if !["re", "aw", "fw", "fwd", "wg", "sv", "tr"].contains(&mark.trim().to_ascii_lowercase().as_str()) {
            break;
        }
        is_answer = true;
        rest = after.trim_start();
    }
    (rest.to_lowercase(), is_answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::ingest;
    use bytes::Bytes;

    fn add(store: &mut Store, head: &str) -> u64 {
        let content = ingest::read(Bytes::from(format!("{head}\r\n\r\nx")));
        let id = content.message_id.clone();
        store.add(content, id, Begin::arrived(INBOX, Timestamp::UNIX_EPOCH), Timestamp::UNIX_EPOCH)
    }

    /// Answers join the conversation of what they answer, or of their subject.
    #[test]
    fn answers_join_their_conversation() {
        let mailbox = Mailbox::new(Uuid::from_u128(7), "a@contoso.test", "A");
        let mut store = mailbox.store();
        let first = add(&mut store, "Subject: One\r\nMessage-ID: <1@x.example>");
        let reply = add(
            &mut store,
            "Subject: other words\r\nMessage-ID: <2@x.example>\r\nIn-Reply-To: <1@x.example>",
        );
        let by_subject = add(&mut store, "Subject: AW: Re: one\r\nMessage-ID: <3@x.example>");
        let apart = add(&mut store, "Subject: One\r\nMessage-ID: <4@x.example>");
        let of = |key| store.messages[&key].conversation;
        assert_eq!(of(first), of(reply));
        assert_eq!(of(first), of(by_subject));
        assert_ne!(of(first), of(apart));
    }

    /// A move leaves a tombstone, keeps the immutable id and makes the ordinary one void.
    #[test]
    fn a_move_keeps_the_immutable_id_only() {
        let mailbox = Mailbox::new(Uuid::from_u128(7), "a@contoso.test", "A");
        let mut store = mailbox.store();
        let key = add(&mut store, "Subject: One");
        let (stays, goes) = {
            let message = &store.messages[&key];
            (message.immutable_id(store.mailbox), message.id(store.mailbox, false))
        };
        store.relocate(key, DELETED, Timestamp::UNIX_EPOCH);
        let key_of = |id: &str| ids::message(id).and_then(|id| store.key(id));
        assert_eq!(key_of(&stays), Some(key));
        assert_eq!(key_of(&goes), None);
        let inbox = &store.folders[&INBOX];
        assert_eq!((inbox.total(), inbox.unread), (0, 0));
        assert!(matches!(inbox.log_after(0).last(), Some((_, Entry::Gone { .. }))));
        assert_eq!((store.folders[&DELETED].total(), store.folders[&DELETED].unread), (1, 1));
    }
}
