//! The mailbox's folders.

use std::collections::HashMap;

use fault::Fault;
use serde::Deserialize;
use url::Url;

use super::call::Ask;
use super::change::{BATCH, Part};
use super::sync::of_folder;
use super::{GraphMailbox, query_value};
use crate::again::Again;
use crate::budget::Priority;
use crate::mailbox::{Folder, FolderId};
use crate::network;

/// Folders listed at most.
const MOST: usize = 5_000;
/// How deep folders may nest; Exchange itself stops at 300, people at five.
const DEEPEST: usize = 32;
/// What is asked of a folder.
const SELECT: &str = "id,displayName,parentFolderId,childFolderCount,totalItemCount,unreadItemCount";
/// Names that Graph knows whatever the mailbox's language (`mailFolder` resource).
const WELL_KNOWN: [&str; 7] =
    ["inbox", "junkemail", "archive", "sentitems", "drafts", "deleteditems", "outbox"];

#[derive(Deserialize)]
struct Listing {
    value: Vec<Wire>,
    #[serde(default, rename = "@odata.nextLink")]
    next: Option<String>,
}

/// `PidTagMessageSizeExtended`: the bytes in a folder (v1.0 has no property of its own for it).
const SIZE: &str = "Long 0xe08";

#[derive(Deserialize)]
struct WithSize {
    #[serde(default, rename = "singleValueExtendedProperties")]
    properties: Vec<Property>,
}

#[derive(Deserialize)]
struct Property {
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    child_folder_count: Option<u64>,
    #[serde(default)]
    total_item_count: Option<u64>,
    #[serde(default)]
    unread_item_count: Option<u64>,
}

impl Wire {
    fn under(self, parent: Option<&Folder>, well_known: Option<String>) -> Folder {
        let name = self.display_name.unwrap_or_default();
        Folder {
            path: parent.map_or_else(|| name.clone(), |parent| format!("{}/{name}", parent.path)),
            parent: parent.map(|parent| parent.id.clone()),
            id: FolderId::from(self.id),
            name,
            total: self.total_item_count.unwrap_or(0),
            unread: self.unread_item_count.unwrap_or(0),
            well_known,
        }
    }
}

impl GraphMailbox {
    pub(super) async fn look_at_folder(&self, id: &str) -> Result<Folder, Fault> {
        let url = self.address(&self.folder_path(id), &format!("$select={SELECT}"))?;
        let ask = Ask::get("look at folder", url, Priority::Live);
        let body = self.ask(&ask).await.map_err(|refused| of_folder(refused.fault))?;
        let folder: Wire = serde_json::from_slice(&body).map_err(|error| {
            network::unreadable(self.host(), &format!("a folder that cannot be read: {error}"))
        })?;
        let well_known =
            WELL_KNOWN.iter().find(|name| name.eq_ignore_ascii_case(id)).map(|name| (*name).to_owned());
        Ok(folder.under(None, well_known))
    }

    /// All folders, a level at a time: the first page of [`BATCH`] folders' children is one request, so that a mailbox with hundreds
    /// of them is listed within seconds.
    pub(super) async fn list_folders(&self) -> Result<Vec<Folder>, Fault> {
        let known = self.well_known().await?;
        let query = format!("$select={SELECT}&$top=100");
        let top = self.address(&format!("{}/mailFolders", self.user_path()), &query)?;
        let first = self.listing(top).await?;
        let mut folders: Vec<Folder> = Vec::new();
        let mut open: Vec<Folder> = Vec::new();
        self.take_listing(first, None, &known, &mut folders, &mut open).await?;
        for _ in 0..DEEPEST {
            let level = std::mem::take(&mut open);
            for parents in level.chunks(BATCH) {
                if folders.len() >= MOST {
                    tracing::warn!(folders = folders.len(), "the mailbox has more folders than are listed");
                    return Ok(folders);
                }
                let parts: Vec<Part> = parents
                    .iter()
                    .map(|parent| {
                        let path = self.folder_path(parent.id.as_str());
                        Part::new("GET", format!("{path}/childFolders?{query}"), None)
                    })
                    .collect();
                let answers = self.batch("list folders", Again::Freely, &parts, Priority::Live).await;
                for (parent, answer) in parents.iter().zip(answers) {
                    let body = match answer {
                        Ok(body) => body,
                        // Deleted since its parent was listed.
                        Err(fault) if fault.status == Some(404) => continue,
                        Err(fault) => return Err(fault),
                    };
                    let listing = serde_json::from_value(body).map_err(|error| self.unreadable(&error))?;
                    self.take_listing(listing, Some(parent), &known, &mut folders, &mut open).await?;
                }
            }
        }
        Ok(folders)
    }

    async fn listing(&self, url: Url) -> Result<Listing, Fault> {
        let body = self.ask(&Ask::get("list folders", url, Priority::Live)).await?;
        serde_json::from_slice(&body).map_err(|error| self.unreadable(&error))
    }

    fn unreadable(&self, error: &serde_json::Error) -> Fault {
        network::unreadable(self.host(), &format!("a list of folders that cannot be read: {error}"))
    }

    /// The folders of a listing and of the pages after it; `open` are those with folders inside.
    async fn take_listing(
        &self,
        mut listing: Listing,
        parent: Option<&Folder>,
        known: &HashMap<String, String>,
        folders: &mut Vec<Folder>,
        open: &mut Vec<Folder>,
    ) -> Result<(), Fault> {
        loop {
            for wire in listing.value {
                let has_children = wire.child_folder_count.unwrap_or(0) > 0;
                let well_known = known.get(&wire.id).cloned();
                let folder = wire.under(parent, well_known);
                if has_children {
                    open.push(folder.clone());
                }
                folders.push(folder);
            }
            match listing.next {
                Some(next) if folders.len() < MOST => listing = self.listing(self.followed(&next)?).await?,
                _ => return Ok(()),
            }
        }
    }

    /// How many bytes lie in a folder; none where Exchange does not tell.
    pub(super) async fn size_of_folder(&self, id: &str) -> Result<Option<u64>, Fault> {
        let expand = format!("singleValueExtendedProperties($filter=id eq '{SIZE}')");
        let query = format!("$select=id&$expand={}", query_value(&expand));
        let url = self.address(&self.folder_path(id), &query)?;
        let body = self.ask(&Ask::get("size of folder", url, Priority::Live)).await?;
        let sized: WithSize = serde_json::from_slice(&body).map_err(|error| {
            network::unreadable(self.host(), &format!("a folder's size that cannot be read: {error}"))
        })?;
        Ok(sized.properties.first().and_then(|property| property.value.trim().parse().ok()))
    }

    /// The ids of the well-known folders, in one request. (v1.0 does not name them in the listing.)
    async fn well_known(&self) -> Result<HashMap<String, String>, Fault> {
        let parts: Vec<Part> = WELL_KNOWN
            .iter()
            .map(|name| Part::new("GET", format!("{}?$select=id", self.folder_path(name)), None))
            .collect();
        let mut known = HashMap::new();
        for (name, answer) in
            WELL_KNOWN.iter().zip(self.batch("name folders", Again::Freely, &parts, Priority::Live).await)
        {
            match answer {
                Ok(body) => {
                    if let Some(id) = body.get("id").and_then(serde_json::Value::as_str) {
                        known.insert(id.to_owned(), (*name).to_owned());
                    }
                }
                // Not every mailbox has an archive.
                Err(fault) if fault.status == Some(404) => tracing::debug!(name, "no such folder"),
                Err(fault) => return Err(fault),
            }
        }
        Ok(known)
    }
}
