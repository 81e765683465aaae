//! Folders: read, list, make, rename, delete.

use std::fmt::Write as _;

use super::answer::{Outcome, Part, Refusal};
use super::find::Restriction;
use super::shape::{Field, FolderShape};
use super::xml::Node;
use super::{Call, fields, show};
use crate::exchange::mailbox::{DELETED, Store};

/// Most folders that one call lists.
const MOST: usize = 1_000;

/// GetFolder.
pub(crate) fn get(call: &Call<'_>) -> Outcome {
    let shape = FolderShape::read(call.needed("FolderShape")?);
    let one = |id: &Node| -> Part {
        let shape = shape.as_ref().map_err(Clone::clone)?;
        let (mailbox, place) = call.place(id)?;
        let store = mailbox.store();
        Ok(format!("<m:Folders>{}</m:Folders>", show::folder(&store, place.folder, shape)))
    };
    Ok(call.batch("FolderIds")?.iter().map(one).collect())
}

/// The folders below one, in the order of the tree.
pub(crate) fn below(store: &Store, parent: u32, deep: bool, out: &mut Vec<u32>) {
    let mut children: Vec<_> = store.folders.values().filter(|folder| folder.parent == parent).collect();
    children.sort_by_key(|folder| (folder.name.to_lowercase(), folder.number));
    for child in children {
        // The tree cannot have a circle, but a bound costs nothing.
        if out.len() > store.folders.len() {
            return;
        }
        out.push(child.number);
        if deep {
            below(store, child.number, true, out);
        }
    }
}

/// FindFolder.
pub(crate) fn find(call: &Call<'_>) -> Outcome {
    let shape = FolderShape::read(call.needed("FolderShape")?);
    let restriction = call.node.child("Restriction").map(Restriction::read).transpose();
    let traversal = call.node.attribute("Traversal").unwrap_or("Shallow");
    let view = call.node.child("IndexedPageFolderView");
    let one = |id: &Node| -> Part {
        let shape = shape.as_ref().map_err(Clone::clone)?;
        let restriction = restriction.as_ref().map_err(Clone::clone)?;
        let (mailbox, place) = call.place(id)?;
        let store = mailbox.store();
        let mut numbers = Vec::new();
        if traversal != "SoftDeleted" {
            below(&store, place.folder, traversal == "Deep", &mut numbers);
        }
        let mut found = Vec::new();
        for number in numbers {
            let Some(folder) = store.folders.get(&number) else { continue };
            let is_meant = match restriction {
                Some(restriction) => restriction.matches(&|field| fields::folder_worth(folder, field))?,
                None => true,
            };
            if is_meant {
                found.push(number);
            }
        }
        let (from, to) = range(view, found.len(), MOST)?;
        let mut inside = String::new();
        for number in &found[from..to] {
            inside.push_str(&show::folder(&store, *number, shape));
        }
        let mut out = String::from("<m:RootFolder");
        if view.is_some() {
            let _ = write!(out, " IndexedPagingOffset=\"{to}\"");
        }
        let _ = write!(
            out,
            " TotalItemsInView=\"{}\" IncludesLastItemInRange=\"{}\"><t:Folders>{inside}</t:Folders></m:RootFolder>",
            found.len(),
            to == found.len()
        );
        Ok(out)
    };
    Ok(call.batch("ParentFolderIds")?.iter().map(one).collect())
}

/// Where a page begins and ends in a list.
pub(crate) fn range(view: Option<&Node>, total: usize, most: usize) -> Result<(usize, usize), Refusal> {
    let Some(view) = view else { return Ok((0, total.min(most))) };
    let number = |name: &str| view.attribute(name).and_then(|text| text.trim().parse::<i64>().ok());
    let offset = usize::try_from(number("Offset").unwrap_or(0)).map_err(|_| {
        Refusal::new(
            "ErrorInvalidIndexedPagingParameters",
            "The indexed paging parameters are invalid: the offset must not be negative.",
        )
    })?;
    let size = match number("MaxEntriesReturned") {
        None => most,
        Some(size) => usize::try_from(size).ok().filter(|size| *size > 0).ok_or_else(|| {
            Refusal::new("ErrorInvalidPagingMaxRows", "The paging size must be greater than zero.")
        })?,
    };
    let size = size.min(most);
    let (from, to) = if view.attribute("BasePoint") == Some("End") {
        let to = total.saturating_sub(offset);
        (to.saturating_sub(size), to)
    } else {
        let from = offset.min(total);
        (from, (from + size).min(total))
    };
    Ok((from, to))
}

/// CreateFolder.
pub(crate) fn create(call: &Call<'_>) -> Outcome {
    let parent = call.target(call.needed("ParentFolderId")?);
    let one = |folder: &Node| -> Part {
        let (mailbox, parent) = parent.as_ref().map_err(Clone::clone)?;
        let name = folder.text_of("DisplayName").unwrap_or_default();
        if name.is_empty() || folder.name != "Folder" {
            return Err(Refusal::new("ErrorFolderSave", "The folder save operation did not succeed."));
        }
        let mut store = mailbox.store();
        let number = store.add_folder(parent.folder, name).ok_or_else(folder_exists)?;
        Ok(format!("<m:Folders>{}</m:Folders>", show::folder(&store, number, &FolderShape::id_only())))
    };
    Ok(call.batch("Folders")?.iter().map(one).collect())
}

fn folder_exists() -> Refusal {
    Refusal::new("ErrorFolderExists", "A folder with the specified name already exists.")
}

/// UpdateFolder: a new name.
pub(crate) fn update(call: &Call<'_>) -> Outcome {
    let one = |change: &Node| -> Part {
        let id = change.children.first().ok_or_else(Refusal::no_folder)?;
        let (mailbox, place) = call.place(id)?;
        let mut store = mailbox.store();
        let parent = store.folders.get(&place.folder).ok_or_else(Refusal::no_folder)?.parent;
        for update in change.child("Updates").map(|updates| updates.children.as_slice()).unwrap_or_default() {
            let name = update.child("Folder").and_then(|folder| folder.text_of("DisplayName"));
            let is_name = Field::among(update)? == Field::Uri("folder:DisplayName".to_owned());
            let Some(name) =
                name.filter(|name| !name.is_empty() && is_name && update.name == "SetFolderField")
            else {
                return Err(Refusal::new("ErrorInvalidPropertySet", "Set action is invalid for property."));
            };
            if !store.rename_folder(place.folder, parent, name) {
                return Err(folder_exists());
            }
        }
        Ok(format!("<m:Folders>{}</m:Folders>", show::folder(&store, place.folder, &FolderShape::id_only())))
    };
    Ok(call.batch("FolderChanges")?.iter().map(one).collect())
}

/// DeleteFolder. Well-known ones stay.
pub(crate) fn delete(call: &Call<'_>) -> Outcome {
    let kind = call.node.attribute("DeleteType").unwrap_or_default();
    let one = |id: &Node| -> Part {
        let (mailbox, place) = call.place(id)?;
        let mut store = mailbox.store();
        let folder = store.folders.get(&place.folder);
        let Some(folder) = folder.filter(|folder| folder.well_known.is_none()) else {
            return Err(Refusal::new(
                "ErrorDeleteDistinguishedFolder",
                "Distinguished folders cannot be deleted.",
            ));
        };
        let (number, name) = (folder.number, folder.name.clone());
        if kind == "MoveToDeletedItems" && !store.is_within(number, DELETED) {
            let mut free = name.clone();
            let mut count = 1;
            while !store.rename_folder(number, DELETED, &free) {
                free = format!("{name}{count}");
                count += 1;
            }
        } else {
            store.remove_folder(number);
        }
        Ok(String::new())
    };
    Ok(call.batch("FolderIds")?.iter().map(one).collect())
}
