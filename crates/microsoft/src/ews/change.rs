//! Marking, moving and deleting, twenty messages at a time.
//!
//! Per message: its change key and categories are read first, since a write must name the version that it changes and replaces
//! all categories; then read mark, categories and stamp in one write; then the move or the deletion. A message that is gone counts
//! as such at any stage. A write whose answer was lost is not made again here: whoever asked is told that it may have been done.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fault::Fault;

use super::call::{Ask, Refused, SMALL};
use super::envelope::Told;
use super::folders::of_name;
use super::items::{id_of, items_of};
use super::xml::{Element, escaped};
use super::{EwsMailbox, STAMP, item_id};
use crate::again::Again;
use crate::budget::Priority;
use crate::mailbox::{Change, Changed, Find, FolderId, NativeId};

/// Messages changed in one request.
const BATCH: usize = 20;
const PRIORITY: Priority = Priority::Slack;
/// Kinds of items that can be written to under their own name.
const WRITABLE: [&str; 7] = [
    "Message",
    "MeetingMessage",
    "MeetingRequest",
    "MeetingResponse",
    "MeetingCancellation",
    "SharingMessage",
    "PostItem",
];

/// One change on its way.
struct Work<'a> {
    change: &'a Change,
    id: NativeId,
    change_key: Option<String>,
    /// The kind of item, as its element is named.
    kind: String,
    there: Vec<String>,
    parent: Option<String>,
    end: Option<Result<Changed, Fault>>,
}

impl<'a> Work<'a> {
    fn new(change: &'a Change) -> Self {
        Self {
            change,
            id: change.id.clone(),
            change_key: None,
            kind: "Message".to_owned(),
            there: Vec::new(),
            parent: None,
            end: None,
        }
    }

    fn is_written(&self) -> bool {
        self.change.mark_read || !self.change.categories.is_empty() || self.change.stamp.is_some()
    }

    /// Takes what was read of it.
    fn look(&mut self, item: &Element) {
        let id = item.child("ItemId");
        self.change_key = id.and_then(|id| id.attribute("ChangeKey")).map(str::to_owned);
        self.kind.clone_from(&item.name);
        let names = item.child("Categories").map(|list| list.children.iter()).into_iter().flatten();
        self.there = names.map(|name| name.text.clone()).collect();
        self.parent = item.child("ParentFolderId").and_then(|id| id.attribute("Id")).map(str::to_owned);
    }

    /// Its part of UpdateItem; nothing where nothing is to be written.
    fn written(&self) -> Option<String> {
        let kind = if WRITABLE.contains(&self.kind.as_str()) { self.kind.as_str() } else { "Item" };
        let set = |path: &str, value: &str| {
            format!("<t:SetItemField>{path}<t:{kind}>{value}</t:{kind}></t:SetItemField>")
        };
        let mut updates = String::new();
        // Items that are no messages cannot be read.
        if self.change.mark_read && kind != "Item" {
            updates += &set("<t:FieldURI FieldURI=\"message:IsRead\"/>", "<t:IsRead>true</t:IsRead>");
        }
        let mut categories = self.there.clone();
        for category in &self.change.categories {
            if !categories.iter().any(|there| there.eq_ignore_ascii_case(category)) {
                categories.push(category.clone());
            }
        }
        if categories.len() > self.there.len() {
            let names = categories.iter().fold(String::new(), |mut out, name| {
                let _ = write!(out, "<t:String>{}</t:String>", escaped(name));
                out
            });
            let value = format!("<t:Categories>{names}</t:Categories>");
            updates += &set("<t:FieldURI FieldURI=\"item:Categories\"/>", &value);
        }
        if let Some(stamp) = &self.change.stamp {
            updates += &set(STAMP, &stamped(stamp));
        }
        if updates.is_empty() {
            return None;
        }
        let key = self
            .change_key
            .as_deref()
            .map_or_else(String::new, |key| format!(" ChangeKey=\"{}\"", escaped(key)));
        let id = escaped(self.id.as_str());
        Some(format!(
            "<t:ItemChange><t:ItemId Id=\"{id}\"{key}/><t:Updates>{updates}</t:Updates></t:ItemChange>"
        ))
    }

    fn take(&mut self, result: Result<Told, Refused>) {
        match result {
            Ok(told) => {
                // A move answers with the item as it is now.
                if let Some((id, change_key)) = id_of(&told) {
                    (self.id, self.change_key) = (id, change_key);
                }
            }
            Err(refused) if refused.is_gone() => self.end = Some(Ok(Changed::Gone)),
            Err(refused) => self.end = Some(Err(refused.fault)),
        }
    }
}

/// The stamp as a property of an item.
pub(super) fn stamped(stamp: &str) -> String {
    format!("<t:ExtendedProperty>{STAMP}<t:Value>{}</t:Value></t:ExtendedProperty>", escaped(stamp))
}

/// The request of UpdateItem around its changes.
pub(super) fn update(changes: &str) -> String {
    format!(
        "<m:UpdateItem ConflictResolution=\"AutoResolve\" MessageDisposition=\"SaveOnly\" \
         SuppressReadReceipts=\"true\"><m:ItemChanges>{changes}</m:ItemChanges></m:UpdateItem>"
    )
}

impl EwsMailbox {
    pub(super) async fn change_all(&self, changes: &[Change]) -> Vec<Result<Changed, Fault>> {
        let mut results = Vec::with_capacity(changes.len());
        for chunk in changes.chunks(BATCH) {
            results.extend(self.change_chunk(chunk).await);
        }
        results
    }

    async fn change_chunk(&self, changes: &[Change]) -> Vec<Result<Changed, Fault>> {
        let mut works: Vec<Work<'_>> = changes.iter().map(Work::new).collect();
        self.read_first(&mut works).await;
        self.write(&mut works).await;
        self.move_away(&mut works).await;
        self.delete(&mut works).await;
        for work in &mut works {
            if let Some(id) = self.moved_before(work).await {
                work.end = Some(Ok(Changed::Done { id }));
            }
        }
        works.into_iter().map(|work| work.end.unwrap_or(Ok(Changed::Done { id: work.id }))).collect()
    }

    /// What the writes need to know.
    async fn read_first(&self, works: &mut [Work<'_>]) {
        let meant: Vec<usize> = indices(works, |work| work.is_written() || work.change.delete);
        let ids: Vec<NativeId> = meant.iter().map(|index| works[*index].id.clone()).collect();
        if ids.is_empty() {
            return;
        }
        let told = self.look_at(&ids, &["item:ParentFolderId", "item:Categories"], PRIORITY).await;
        for (index, told) in meant.into_iter().zip(told) {
            match told {
                Ok(told) => {
                    if let Some(item) = items_of(&told).next() {
                        works[index].look(item);
                    }
                }
                Err(refused) => works[index].take(Err(refused)),
            }
        }
    }

    async fn write(&self, works: &mut [Work<'_>]) {
        let (mut meant, mut parts) = (Vec::new(), Vec::new());
        for index in indices(works, |_| true) {
            if let Some(part) = works[index].written() {
                meant.push(index);
                parts.push(part);
            }
        }
        let told = self.ask(Ask { operation: "UpdateItem", body: &update, ..plain(parts) }).await;
        give(works, &meant, told);
    }

    async fn move_away(&self, works: &mut [Work<'_>]) {
        let mut by_folder: BTreeMap<FolderId, Vec<usize>> = BTreeMap::new();
        for index in indices(works, |work| work.change.move_to.is_some() && !work.change.delete) {
            if let Some(folder) = &works[index].change.move_to {
                by_folder.entry(folder.clone()).or_default().push(index);
            }
        }
        for (to, meant) in by_folder {
            let folder = self.folder_id(to.as_str());
            let parts = meant.iter().map(|index| item_id(&works[*index].id)).collect();
            let body = |ids: &str| {
                format!(
                    "<m:MoveItem><m:ToFolderId>{folder}</m:ToFolderId><m:ItemIds>{ids}</m:ItemIds>\
                     <m:ReturnNewItemIds>true</m:ReturnNewItemIds></m:MoveItem>"
                )
            };
            let told = self.ask(Ask { operation: "MoveItem", body: &body, ..plain(parts) }).await;
            let told = told.into_iter().map(|told| told.map_err(|refused| of_name(to.as_str(), refused)));
            give(works, &meant, told.collect());
            // What is not there may be the folder: of the two only a message that is gone is no fault.
            let gone = |index: &&usize| works[**index].end == Some(Ok(Changed::Gone));
            let gone: Vec<usize> = meant.iter().filter(gone).copied().collect();
            if gone.is_empty() {
                continue;
            }
            if let Err(fault) = self.look_at_folder(to.as_str()).await
                && fault.entry.id == "graph.folder_gone"
            {
                for index in gone {
                    works[index].end = Some(Err(fault.clone()));
                }
            }
        }
    }

    /// Into *Deleted Items*, and for good out of there.
    async fn delete(&self, works: &mut [Work<'_>]) {
        let meant = indices(works, |work| work.change.delete);
        if meant.is_empty() {
            return;
        }
        let bin = match self.look_at_folder("deleteditems").await {
            Ok(folder) => folder.id,
            Err(fault) => {
                for index in meant {
                    works[index].end = Some(Err(fault.clone()));
                }
                return;
            }
        };
        let (for_good, away): (Vec<usize>, Vec<usize>) =
            meant.into_iter().partition(|index| works[*index].parent.as_deref() == Some(bin.as_str()));
        for (meant, how) in [(away, "MoveToDeletedItems"), (for_good, "SoftDelete")] {
            let parts = meant.iter().map(|index| item_id(&works[*index].id)).collect();
            let body = |ids: &str| {
                format!(
                    "<m:DeleteItem DeleteType=\"{how}\" SendMeetingCancellations=\"SendToNone\" \
                     AffectedTaskOccurrences=\"SpecifiedOccurrenceOnly\" SuppressReadReceipts=\"true\">\
                     <m:ItemIds>{ids}</m:ItemIds></m:DeleteItem>"
                )
            };
            let told = self.ask(Ask { operation: "DeleteItem", body: &body, ..plain(parts) }).await;
            give(works, &meant, told);
        }
    }

    /// Where a message is that is not there any more because we have moved it: a reply may have been lost, or the same is done
    /// again. It is found by its stamp, in the folder that it was to go to. Otherwise its new id would stay unknown, and it would
    /// be a new mail to whoever reads that folder.
    async fn moved_before(&self, work: &Work<'_>) -> Option<NativeId> {
        let (Some(folder), Some(stamp)) = (&work.change.move_to, &work.change.stamp) else { return None };
        if work.end != Some(Ok(Changed::Gone)) {
            return None;
        }
        let by = Find::Stamp { value: stamp.clone() };
        match self.find_in(&[folder.as_str()], &by, PRIORITY).await.as_deref() {
            Ok([id]) => Some(id.clone()),
            Ok(_) => None,
            Err(fault) => {
                tracing::info!(%fault, "a message is gone, and where to cannot be seen now");
                None
            }
        }
    }
}

/// The changes that are not at their end and are meant.
fn indices(works: &[Work<'_>], is_meant: impl Fn(&Work<'_>) -> bool) -> Vec<usize> {
    let all = works.iter().enumerate();
    all.filter(|(_, work)| work.end.is_none() && is_meant(work)).map(|(index, _)| index).collect()
}

fn give(works: &mut [Work<'_>], meant: &[usize], told: Vec<Result<Told, Refused>>) {
    for (index, told) in meant.iter().zip(told) {
        works[*index].take(told);
    }
}

/// A write whose answer is small.
fn plain(parts: Vec<String>) -> Ask<'static> {
    Ask {
        operation: "",
        parts,
        body: &str::to_owned,
        priority: PRIORITY,
        limit: SMALL,
        again: Again::IfRefused,
    }
}

#[cfg(test)]
mod tests {
    use super::super::xml;
    use super::*;

    fn change() -> Change {
        Change {
            id: "a<1".into(),
            mark_read: false,
            categories: Vec::new(),
            stamp: None,
            move_to: None,
            delete: false,
        }
    }

    #[test]
    fn categories_of_people_stay_and_what_is_there_is_not_written() {
        let change = Change { categories: vec!["Jira".to_owned()], ..change() };
        let mut work = Work::new(&change);
        let item = |names: &str| {
            format!(
                "<t:MeetingRequest><t:ItemId Id=\"x\" ChangeKey=\"k\"/><t:Categories>{names}</t:Categories></t:MeetingRequest>"
            )
        };
        work.look(&xml::read(&item("<t:String>A&amp;B</t:String>")).expect("an item"));
        let written = xml::read(&work.written().expect("one more")).expect("a document");
        assert_eq!(written.child("ItemId").and_then(|id| id.attribute("ChangeKey")), Some("k"));
        let names: Vec<&str> = written.all("String").iter().map(|name| name.text.as_str()).collect();
        assert_eq!(names, ["A&B", "Jira"]);
        assert!(!written.all("MeetingRequest").is_empty(), "under the item's own name");
        work.look(&xml::read(&item("<t:String>jira</t:String>")).expect("an item"));
        assert!(work.written().is_none(), "it is there already");
    }

    #[test]
    fn an_item_that_is_no_message_is_not_marked_as_read() {
        let change = Change { mark_read: true, ..change() };
        let mut work = Work::new(&change);
        assert!(work.written().is_some_and(|part| part.contains("a&lt;1")));
        work.kind = "Item".to_owned();
        assert!(work.written().is_none());
    }
}
