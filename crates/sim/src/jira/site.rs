//! What the site holds: the directory (users, projects, fields), the issues, and the indexes over them.
//!
//! The directory is a snapshot behind an `Arc`, replaced when a project or field changes. Issues are behind
//! `Arc`s too, so that a search takes references under the lock and evaluates outside it. Every writing
//! goes through [`Site::write`], which keeps what the search index still shows while it lags behind.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::document::Document;
use super::settings::{CustomField, IssueType, JiraProject, JiraUser};

/// First id of issues, comments, attachments, links and history entries.
const FIRST_ID: u64 = 10_000;

/// The issue priorities, id and name, highest first.
pub(crate) const PRIORITIES: [(&str, &str); 5] =
    [("1", "Highest"), ("2", "High"), ("3", "Medium"), ("4", "Low"), ("5", "Lowest")];

/// Issue link types: id, name, inward and outward wording.
pub(crate) const LINK_TYPES: [(&str, &str, &str, &str); 4] = [
    ("10000", "Blocks", "is blocked by", "blocks"),
    ("10001", "Cloners", "is cloned by", "clones"),
    ("10002", "Duplicate", "is duplicated by", "duplicates"),
    ("10003", "Relates", "relates to", "relates to"),
];

/// A workflow status. The workflow lets every status follow every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    ToDo,
    InProgress,
    Done,
}

impl Status {
    pub(crate) const ALL: [Self; 3] = [Self::ToDo, Self::InProgress, Self::Done];

    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::ToDo => "10000",
            Self::InProgress => "3",
            Self::Done => "10001",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ToDo => "To Do",
            Self::InProgress => "In Progress",
            Self::Done => "Done",
        }
    }

    /// Id of the transition that leads here.
    pub(crate) fn transition(self) -> &'static str {
        match self {
            Self::ToDo => "11",
            Self::InProgress => "21",
            Self::Done => "31",
        }
    }

    /// Status category: id, key, colour, name.
    pub(crate) fn category(self) -> (u64, &'static str, &'static str, &'static str) {
        match self {
            Self::ToDo => (2, "new", "blue-gray", "To Do"),
            Self::InProgress => (4, "indeterminate", "yellow", "In Progress"),
            Self::Done => (3, "done", "green", "Done"),
        }
    }
}

/// Users, projects and fields: what changes rarely and is looked up always.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    pub(crate) users: Vec<JiraUser>,
    pub(crate) projects: Vec<JiraProject>,
    pub(crate) custom_fields: Vec<CustomField>,
}

impl Directory {
    pub(crate) fn user(&self, account_id: &str) -> Option<&JiraUser> {
        self.users.iter().find(|user| user.account_id == account_id)
    }

    /// A project by key (any case) or id.
    pub(crate) fn project(&self, key_or_id: &str) -> Option<&JiraProject> {
        self.projects.iter().find(|project| {
            project.key.eq_ignore_ascii_case(key_or_id) || project.id.to_string() == key_or_id
        })
    }

    pub(crate) fn issue_type(&self, id: &str) -> Option<&IssueType> {
        self.projects.iter().flat_map(|project| &project.issue_types).find(|kind| kind.id == id)
    }
}

/// An issue with everything that hangs on it.
#[derive(Clone, Debug)]
#[allow(clippy::struct_field_names, reason = "issue_type is Jira's word")]
pub(crate) struct Issue {
    pub(crate) id: u64,
    pub(crate) key: String,
    pub(crate) project: u64,
    pub(crate) issue_type: String,
    pub(crate) summary: String,
    pub(crate) description: Option<Document>,
    pub(crate) environment: Option<Document>,
    pub(crate) priority: String,
    pub(crate) labels: Vec<String>,
    pub(crate) creator: String,
    pub(crate) reporter: Option<String>,
    pub(crate) assignee: Option<String>,
    pub(crate) status: Status,
    pub(crate) due: Option<String>,
    pub(crate) custom: BTreeMap<String, CustomValue>,
    pub(crate) properties: BTreeMap<String, Value>,
    pub(crate) comments: Vec<Arc<Comment>>,
    pub(crate) attachments: Vec<Arc<Attachment>>,
    pub(crate) watchers: Vec<String>,
    pub(crate) links: Vec<Link>,
    pub(crate) remote_links: Vec<RemoteLink>,
    pub(crate) history: Vec<Arc<History>>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) resolved: Option<Timestamp>,
}

/// Value of a custom field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CustomValue {
    Plain(Value),
    Rich(Document),
}

#[derive(Clone, Debug)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) author: String,
    pub(crate) update_author: String,
    pub(crate) body: Document,
    pub(crate) visibility: Option<Value>,
    pub(crate) properties: BTreeMap<String, Value>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    pub(crate) id: u64,
    pub(crate) media: Uuid,
    pub(crate) filename: String,
    pub(crate) mime_type: String,
    pub(crate) content: Bytes,
    pub(crate) author: String,
    pub(crate) created: Timestamp,
}

/// A link between two issues as one of them sees it.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) id: u64,
    /// Position in [`LINK_TYPES`].
    pub(crate) kind: usize,
    /// Whether this issue is the outward one's source, that is, shows `outwardIssue`.
    pub(crate) outward: bool,
    pub(crate) other: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct RemoteLink {
    pub(crate) id: u64,
    pub(crate) global_id: Option<String>,
    pub(crate) body: Map<String, Value>,
}

/// One entry of an issue's change history.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) id: u64,
    pub(crate) author: String,
    pub(crate) created: Timestamp,
    pub(crate) items: Vec<Change>,
}

/// One changed field in a history entry. Ids (`from`, `to`) are empty where the field has none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub(crate) field: String,
    pub(crate) field_id: String,
    pub(crate) custom: bool,
    pub(crate) from: String,
    pub(crate) from_string: String,
    pub(crate) to: String,
    pub(crate) to_string: String,
}

/// An issue as stored, with the older states that the lagging index still shows.
#[derive(Debug)]
struct Entry {
    current: Arc<Issue>,
    written: Timestamp,
    lag: SignedDuration,
    older: Vec<(Timestamp, SignedDuration, Arc<Issue>)>,
}

/// All issues of the site and the indexes over them.
#[derive(Debug)]
pub(crate) struct Site {
    issues: BTreeMap<u64, Entry>,
    keys: HashMap<String, u64>,
    by_project: HashMap<u64, BTreeSet<u64>>,
    /// By the label in small letters, every issue that has or had it: a superset, checked again by its users.
    by_label: HashMap<String, BTreeSet<u64>>,
    numbers: HashMap<u64, u64>,
    comments: HashMap<u64, u64>,
    attachments: HashMap<u64, u64>,
    media: HashMap<Uuid, (u64, u64)>,
    links: HashMap<u64, (u64, u64)>,
    last_id: [u64; 6],
    lag: SignedDuration,
}

/// The separate number sequences of the site.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sequence {
    Issue,
    Comment,
    Attachment,
    Link,
    RemoteLink,
    History,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self {
            issues: BTreeMap::new(),
            keys: HashMap::new(),
            by_project: HashMap::new(),
            by_label: HashMap::new(),
            numbers: HashMap::new(),
            comments: HashMap::new(),
            attachments: HashMap::new(),
            media: HashMap::new(),
            links: HashMap::new(),
            last_id: [FIRST_ID - 1; 6],
            lag: SignedDuration::ZERO,
        }
    }

    /// The next id of a sequence.
    pub(crate) fn next_id(&mut self, sequence: Sequence) -> u64 {
        let last = &mut self.last_id[sequence as usize];
        *last += 1;
        *last
    }

    /// The next issue number of a project.
    pub(crate) fn next_number(&mut self, project: u64) -> u64 {
        let number = self.numbers.entry(project).or_insert(0);
        *number += 1;
        *number
    }

    /// How far the search index runs behind from now on. A shorter lag also lets what is waiting appear.
    pub(crate) fn set_lag(&mut self, lag: SignedDuration) {
        self.lag = lag;
    }

    /// Puts a new issue in.
    pub(crate) fn insert(&mut self, issue: Issue, now: Timestamp) {
        self.keys.insert(issue.key.clone(), issue.id);
        self.by_project.entry(issue.project).or_default().insert(issue.id);
        for label in &issue.labels {
            self.by_label.entry(label.to_lowercase()).or_default().insert(issue.id);
        }
        let id = issue.id;
        let entry = Entry { current: Arc::new(issue), written: now, lag: self.lag, older: Vec::new() };
        self.issues.insert(id, entry);
    }

    /// Changes an issue. `None` if there is none with that id.
    pub(crate) fn write<R>(
        &mut self,
        id: u64,
        now: Timestamp,
        change: impl FnOnce(&mut Issue) -> R,
    ) -> Option<R> {
        let lag = self.lag;
        let entry = self.issues.get_mut(&id)?;
        if lag > SignedDuration::ZERO || !entry.older.is_empty() {
            entry.older.push((entry.written, entry.lag, Arc::clone(&entry.current)));
            // Only the newest of the states that the index has reached is ever shown again.
            let reached = |&(written, own, _): &(Timestamp, SignedDuration, Arc<Issue>)| {
                written.saturating_add(own.min(lag)).is_ok_and(|at| at <= now)
            };
            if let Some(newest) = entry.older.iter().rposition(reached) {
                entry.older.drain(..newest);
            }
        }
        entry.written = now;
        entry.lag = lag;
        let issue = Arc::make_mut(&mut entry.current);
        let result = change(issue);
        for label in &issue.labels {
            self.by_label.entry(label.to_lowercase()).or_default().insert(id);
        }
        Some(result)
    }

    pub(crate) fn issue(&self, id: u64) -> Option<&Arc<Issue>> {
        self.issues.get(&id).map(|entry| &entry.current)
    }

    /// Finds an issue by key (any case) or by id.
    pub(crate) fn find(&self, key_or_id: &str) -> Option<&Arc<Issue>> {
        if let Ok(id) = key_or_id.parse() {
            return self.issue(id);
        }
        let id = self.keys.get(key_or_id).or_else(|| self.keys.get(&key_or_id.to_ascii_uppercase()))?;
        self.issue(*id)
    }

    /// The issue as the search index shows it at `now`; `None` while the index has not reached it.
    pub(crate) fn indexed(&self, id: u64, now: Timestamp) -> Option<&Arc<Issue>> {
        let entry = self.issues.get(&id)?;
        let reached = |written: Timestamp, own: SignedDuration| {
            written.saturating_add(own.min(self.lag)).is_ok_and(|at| at <= now)
        };
        if reached(entry.written, entry.lag) {
            return Some(&entry.current);
        }
        entry.older.iter().rev().find(|(written, own, _)| reached(*written, *own)).map(|(_, _, issue)| issue)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        self.issues.keys().copied()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Issue>> + '_ {
        self.issues.values().map(|entry| &entry.current)
    }

    pub(crate) fn ids_in_project(&self, project: u64) -> Vec<u64> {
        self.by_project.get(&project).map(|ids| ids.iter().copied().collect()).unwrap_or_default()
    }

    /// Issues that have or had the label, given in small letters.
    pub(crate) fn ids_with_label(&self, label: &str) -> Vec<u64> {
        self.by_label.get(label).map(|ids| ids.iter().copied().collect()).unwrap_or_default()
    }

    pub(crate) fn count_in_project(&self, project: u64) -> usize {
        self.by_project.get(&project).map_or(0, BTreeSet::len)
    }

    /// Removes an issue with everything on it, and its links from the issues they lead to.
    pub(crate) fn remove(&mut self, id: u64, now: Timestamp) -> bool {
        let Some(entry) = self.issues.remove(&id) else { return false };
        let issue = entry.current;
        // Its own key and those that it had before it was moved.
        self.keys.retain(|_, of| *of != id);
        if let Some(ids) = self.by_project.get_mut(&issue.project) {
            ids.remove(&id);
        }
        for comment in &issue.comments {
            self.comments.remove(&comment.id);
        }
        for attachment in &issue.attachments {
            self.attachments.remove(&attachment.id);
            self.media.remove(&attachment.media);
        }
        for link in &issue.links {
            self.links.remove(&link.id);
            self.write(link.other, now, |other| other.links.retain(|seen| seen.id != link.id));
        }
        true
    }

    /// Gives an issue another project and key; its old keys lead to it as before.
    pub(crate) fn relocate(&mut self, id: u64, project: u64, key: &str, now: Timestamp) {
        let Some(before) = self.issue(id).map(|issue| issue.project) else { return };
        if let Some(ids) = self.by_project.get_mut(&before) {
            ids.remove(&id);
        }
        self.by_project.entry(project).or_default().insert(id);
        self.keys.insert(key.to_owned(), id);
        self.write(id, now, |issue| {
            issue.project = project;
            key.clone_into(&mut issue.key);
            issue.updated = now;
        });
    }

    pub(crate) fn note_comment(&mut self, comment: u64, issue: u64) {
        self.comments.insert(comment, issue);
    }

    pub(crate) fn forget_comment(&mut self, comment: u64) {
        self.comments.remove(&comment);
    }

    /// A comment by its id alone, with the id of its issue.
    pub(crate) fn comment(&self, id: u64) -> Option<(u64, &Arc<Comment>)> {
        let issue = *self.comments.get(&id)?;
        let comments = &self.issue(issue)?.comments;
        let position = comments.binary_search_by_key(&id, |comment| comment.id).ok()?;
        Some((issue, &comments[position]))
    }

    pub(crate) fn note_attachment(&mut self, attachment: u64, media: Uuid, issue: u64) {
        self.attachments.insert(attachment, issue);
        self.media.insert(media, (issue, attachment));
    }

    /// An attachment by id, with the id of its issue.
    pub(crate) fn attachment(&self, id: u64) -> Option<(u64, &Arc<Attachment>)> {
        let issue = *self.attachments.get(&id)?;
        let attachments = &self.issue(issue)?.attachments;
        attachments.iter().find(|attachment| attachment.id == id).map(|found| (issue, found))
    }

    pub(crate) fn attachment_by_media(&self, media: Uuid) -> Option<&Arc<Attachment>> {
        let (_, attachment) = self.media.get(&media)?;
        self.attachment(*attachment).map(|(_, found)| found)
    }

    pub(crate) fn forget_attachment(&mut self, attachment: u64, media: Uuid) {
        self.attachments.remove(&attachment);
        self.media.remove(&media);
    }

    pub(crate) fn note_link(&mut self, link: u64, between: (u64, u64)) {
        self.links.insert(link, between);
    }

    pub(crate) fn take_link(&mut self, link: u64) -> Option<(u64, u64)> {
        self.links.remove(&link)
    }

    pub(crate) fn link(&self, link: u64) -> Option<(u64, u64)> {
        self.links.get(&link).copied()
    }
}
