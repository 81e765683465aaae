//! What changed in a folder: SyncFolderItems, whose pages carry ids, and the messages fetched after each.

use super::EwsMailbox;
use super::call::{Ask, Refused, SMALL};
use super::items::{Described, LISTED, item, shape};
use super::xml::escaped;
use crate::again::Again;
use crate::budget::Priority;
use crate::mailbox::{Cursor, FolderId, Item, NativeId, Page, SyncError};
use crate::network;

/// Changes on a page (1 to 512): what is fetched between two commits.
const PAGE: usize = 50;

impl EwsMailbox {
    /// A page of changes, ids alone.
    pub(super) async fn list_changes(
        &self,
        folder: &FolderId,
        cursor: Option<&Cursor>,
    ) -> Result<Page, SyncError> {
        // A cursor that Graph gave leads nowhere here.
        if cursor.is_some_and(|cursor| cursor.as_str().starts_with("http")) {
            return Err(SyncError::Reset);
        }
        let shape = shape("ItemShape", "", &LISTED);
        let state = cursor.map_or_else(String::new, |cursor| {
            format!("<m:SyncState>{}</m:SyncState>", escaped(cursor.as_str()))
        });
        let told = self
            .ask_one(Ask {
                operation: "SyncFolderItems",
                parts: vec![self.folder_id(folder.as_str())],
                body: &|folder| {
                    format!(
                        "<m:SyncFolderItems>{shape}<m:SyncFolderId>{folder}</m:SyncFolderId>{state}\
                         <m:MaxChangesReturned>{PAGE}</m:MaxChangesReturned></m:SyncFolderItems>"
                    )
                },
                priority: if cursor.is_some() { Priority::Live } else { Priority::Backlog },
                limit: SMALL,
                again: Again::Freely,
            })
            .await;
        let told = match told {
            Ok(told) => told,
            Err(refused) if &*refused.code == "ErrorInvalidSyncStateData" => return Err(SyncError::Reset),
            Err(refused) => return Err(SyncError::Fault(of_folder(refused))),
        };
        let message = told.message();
        let unreadable = |what: &str| SyncError::Fault(network::unreadable(self.host(), what));
        let state = message
            .text_of("SyncState")
            .filter(|state| !state.is_empty())
            .ok_or_else(|| unreadable("a page that does not say how it goes on"))?;
        let mut page = Page {
            items: Vec::new(),
            removed: Vec::new(),
            cursor: Cursor::from(state),
            complete: message.text_of("IncludesLastItemInRange").is_none_or(|text| text.trim() != "false"),
        };
        for change in message.child("Changes").map(|changes| changes.children.iter()).into_iter().flatten() {
            match change.name.as_str() {
                "Create" | "Update" => {
                    page.items
                        .extend(change.children.iter().filter_map(|element| item(&told, element, false)));
                }
                "Delete" => page
                    .removed
                    .extend(change.child("ItemId").and_then(|id| id.attribute("Id")).map(NativeId::from)),
                // Somebody has read it, or marked it so: nothing that counts here.
                "ReadFlagChange" => {}
                other => tracing::debug!(change = other, "a change of a kind that is not known is left out"),
            }
        }
        Ok(page)
    }

    /// A page of changes with the messages in it. One that Exchange cannot read itself stays as it was listed, and is not whole.
    pub(super) async fn sync_page(
        &self,
        folder: &FolderId,
        cursor: Option<&Cursor>,
    ) -> Result<Page, SyncError> {
        let mut page = self.list_changes(folder, cursor).await?;
        let priority = if cursor.is_some() { Priority::Live } else { Priority::Backlog };
        page.items = self.fill(page.items, priority).await?;
        Ok(page)
    }

    /// Listed items with their descriptions; those that are gone meanwhile left out.
    pub(super) async fn fill(
        &self,
        listed: Vec<Item>,
        priority: Priority,
    ) -> Result<Vec<Item>, fault::Fault> {
        let ids: Vec<NativeId> = listed.iter().map(|item| item.id.clone()).collect();
        let described = self.describe(&ids, priority).await?;
        let filled = listed.into_iter().zip(described).filter_map(|(listed, described)| match described {
            Described::Item(item) => Some(item),
            Described::Gone => None,
            Described::Unreadable(fault) => {
                tracing::warn!(%fault, code = %fault.code, "a message cannot be described; its id is kept");
                Some(listed)
            }
        });
        Ok(filled.collect())
    }
}

/// Where a folder was asked for, "item not found" means the folder.
pub(super) fn of_folder(refused: Refused) -> fault::Fault {
    match fault::entry("graph.folder_gone") {
        Some(entry) if refused.is_gone() => fault::Fault { entry, ..refused.fault },
        _ => refused.fault,
    }
}
