//! SyncFolderItems and SyncFolderHierarchy: what changed since a sync state.
//!
//! States are opaque to callers; here they are JSON in base64. The state of a folder's items is a place in the folder's
//! log; the state of the hierarchy is the list of folders that the caller was told of.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::answer::{Part, Refusal};
use super::folders::below;
use super::shape::{FolderShape, Shape};
use super::{Call, show};
use crate::exchange::ews_ids::{self, ItemId};
use crate::exchange::mailbox::{Entry, ROOT};

/// Most folders that one call tells.
const MOST_FOLDERS: usize = 1_000;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemsState {
    /// Mailbox number.
    m: u32,
    /// Folder number.
    f: u32,
    /// Epoch.
    e: u64,
    /// Place in the log up to which all is told.
    p: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HierarchyState {
    /// Mailbox number.
    m: u32,
    /// Number of the folder above.
    r: u32,
    /// Epoch.
    h: u64,
    /// Folders told: number, parent, sum over the name.
    k: Vec<(u32, u32, u32)>,
}

fn write<T: Serialize>(state: &T) -> String {
    format!("H4sIAAA{}", STANDARD.encode(serde_json::to_vec(state).unwrap_or_default()))
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    let bytes = text.trim().strip_prefix("H4sIAAA").and_then(|text| STANDARD.decode(text).ok());
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(invalid)
}

fn invalid() -> Refusal {
    Refusal::new("ErrorInvalidSyncStateData", "Synchronization state data is corrupt or otherwise invalid.")
}

/// A folder to be synchronized that is not there has a code of its own.
fn no_folder(refusal: Refusal) -> Refusal {
    if refusal.code == "ErrorFolderNotFound" {
        return Refusal::new(
            "ErrorSyncFolderNotFound",
            "The folder specified in the synchronization request could not be found.",
        );
    }
    refusal
}

/// SyncFolderItems.
pub(crate) fn items(call: &Call<'_>) -> Part {
    let shape = Shape::read(call.needed("ItemShape").map_err(|fault| fault.0)?, true)?;
    let target = call.needed("SyncFolderId").map_err(|fault| fault.0)?;
    let (mailbox, place) = call.target(target).map_err(no_folder)?;
    let store = mailbox.store();
    let folder = store.folders.get(&place.folder).ok_or_else(|| no_folder(Refusal::no_folder()))?;
    let given = call.node.text_of("SyncState").filter(|text| !text.is_empty());
    let begin = match given {
        None => 0,
        Some(text) => {
            let state: ItemsState = read(text)?;
            if (state.m, state.f, state.e) != (store.mailbox, folder.number, store.sync_epoch)
                || state.p > store.last_change
            {
                return Err(invalid());
            }
            state.p
        }
    };
    let ignored: Vec<ItemId> = call
        .node
        .child("Ignore")
        .map(|ignore| ignore.children.as_slice())
        .unwrap_or_default()
        .iter()
        .filter_map(|id| ItemId::read(id.attribute("Id")?))
        .collect();
    let most: usize =
        call.node.text_of("MaxChangesReturned").and_then(|text| text.parse().ok()).unwrap_or(512);
    let mut changes = String::new();
    let mut count = 0;
    let mut end = begin;
    let mut log = folder.log_after(begin).peekable();
    while count < most {
        let Some((at, entry)) = log.next() else { break };
        end = at;
        match entry {
            Entry::Here(key) => {
                let Some(message) = store.messages.get(&key) else { continue };
                if ignored.iter().any(|id| id.key == key) {
                    continue;
                }
                if message.arrived <= begin && message.altered <= begin {
                    let _ = write!(
                        changes,
                        "<t:ReadFlagChange>{}<t:IsRead>{}</t:IsRead></t:ReadFlagChange>",
                        show::item_id(&store, message),
                        message.is_read
                    );
                } else {
                    let name = if message.arrived > begin { "Create" } else { "Update" };
                    let shown = show::message(&store, message, &shape)?;
                    let _ = write!(changes, "<t:{name}>{shown}</t:{name}>");
                }
                count += 1;
            }
            // Who begins has been told of nothing that could be gone.
            Entry::Gone { .. } if given.is_none() => {}
            Entry::Gone { key, generation } => {
                let id = ItemId { mailbox: store.mailbox, key, folder: folder.number, generation };
                let _ = write!(changes, "<t:Delete><t:ItemId Id=\"{}\"/></t:Delete>", id.ews());
                count += 1;
            }
        }
    }
    let is_last = log.peek().is_none();
    let state = write(&ItemsState { m: store.mailbox, f: folder.number, e: store.sync_epoch, p: end });
    Ok(format!(
        "<m:SyncState>{state}</m:SyncState><m:IncludesLastItemInRange>{is_last}</m:IncludesLastItemInRange><m:Changes>{changes}</m:Changes>"
    ))
}

fn sum(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5_u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// SyncFolderHierarchy.
pub(crate) fn hierarchy(call: &Call<'_>) -> Part {
    let shape = FolderShape::read(call.needed("FolderShape").map_err(|fault| fault.0)?)?;
    let (mailbox, above) = match call.node.child("SyncFolderId") {
        Some(target) => {
            let (mailbox, place) = call.target(target).map_err(no_folder)?;
            (mailbox, place.folder)
        }
        None => (call.actor.mailbox, ROOT),
    };
    let store = mailbox.store();
    let mut told: Vec<(u32, u32, u32)> = match call.node.text_of("SyncState").filter(|text| !text.is_empty())
    {
        None => Vec::new(),
        Some(text) => {
            let state: HierarchyState = read(text)?;
            if (state.m, state.r, state.h) != (store.mailbox, above, store.sync_epoch) {
                return Err(invalid());
            }
            state.k
        }
    };
    let mut numbers = Vec::new();
    below(&store, above, true, &mut numbers);
    let mut changes = String::new();
    let mut count = 0;
    let mut is_last = true;
    let gone: Vec<u32> =
        told.iter().map(|(number, ..)| *number).filter(|number| !numbers.contains(number)).collect();
    for number in gone {
        let id = ews_ids::folder(store.mailbox, number);
        let _ = write!(changes, "<t:Delete><t:FolderId Id=\"{id}\"/></t:Delete>");
        told.retain(|(own, ..)| *own != number);
        count += 1;
    }
    for number in numbers {
        let Some(folder) = store.folders.get(&number) else { continue };
        let now = (number, folder.parent, sum(&folder.name));
        let before = told.iter().position(|(own, ..)| *own == number);
        if before.is_some_and(|at| told[at] == now) {
            continue;
        }
        if count >= MOST_FOLDERS {
            is_last = false;
            break;
        }
        let name = match before {
            Some(at) => {
                told[at] = now;
                "Update"
            }
            None => {
                told.push(now);
                "Create"
            }
        };
        let _ = write!(changes, "<t:{name}>{}</t:{name}>", show::folder(&store, number, &shape));
        count += 1;
    }
    let state = write(&HierarchyState { m: store.mailbox, r: above, h: store.sync_epoch, k: told });
    Ok(format!(
        "<m:SyncState>{state}</m:SyncState><m:IncludesLastFolderInRange>{is_last}</m:IncludesLastFolderInRange><m:Changes>{changes}</m:Changes>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A state reads back; another kind of state, or any other text, is none.
    #[test]
    fn states_are_told_apart() {
        let text = write(&ItemsState { m: 1, f: 2, e: 3, p: 4 });
        assert!(read::<ItemsState>(&text).is_ok_and(|state| state.p == 4));
        assert_eq!(
            read::<HierarchyState>(&text).map(drop).map_err(|refusal| refusal.code),
            Err("ErrorInvalidSyncStateData".to_owned())
        );
        for wrong in ["", "x", "H4sIAAA", "H4sIAAA!"] {
            assert!(read::<ItemsState>(wrong).is_err());
        }
    }
}
