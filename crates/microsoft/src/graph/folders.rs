//! The mailbox's folders.

use std::collections::HashMap;

use fault::Fault;
use serde::Deserialize;

use super::call::Ask;
use super::change::Part;
use super::sync::of_folder;
use super::{GraphMailbox, encoded};
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
    fn under(self, parent: &str, well_known: Option<String>) -> Folder {
        let name = self.display_name.unwrap_or_default();
        Folder {
            path: if parent.is_empty() { name.clone() } else { format!("{parent}/{name}") },
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
        Ok(folder.under("", well_known))
    }

    pub(super) async fn list_folders(&self) -> Result<Vec<Folder>, Fault> {
        let known = self.well_known().await?;
        let mut folders: Vec<Folder> = Vec::new();
        // Parents are taken from the end, so that children follow them.
        let mut open: Vec<(String, String, usize)> =
            vec![(format!("{}/mailFolders", self.user_path()), String::new(), 0)];
        while let Some((path, parent, depth)) = open.pop() {
            let mut url = self.address(&path, &format!("$select={SELECT}&$top=100"))?;
            loop {
                let body = self.ask(&Ask::get("list folders", url, Priority::Live)).await?;
                let listing: Listing = serde_json::from_slice(&body).map_err(|error| {
                    network::unreadable(
                        self.host(),
                        &format!("a list of folders that cannot be read: {error}"),
                    )
                })?;
                for wire in listing.value {
                    let has_children = wire.child_folder_count.unwrap_or(0) > 0;
                    let well_known = known.get(&wire.id).cloned();
                    let folder = wire.under(&parent, well_known);
                    if has_children && depth < DEEPEST {
                        let children = format!(
                            "{}/mailFolders/{}/childFolders",
                            self.user_path(),
                            encoded(folder.id.as_str())
                        );
                        open.push((children, folder.path.clone(), depth + 1));
                    }
                    folders.push(folder);
                }
                match listing.next {
                    Some(next) if folders.len() < MOST => url = self.followed(&next)?,
                    _ => break,
                }
            }
            if folders.len() >= MOST {
                tracing::warn!(folders = folders.len(), "the mailbox has more folders than are listed");
                break;
            }
        }
        Ok(folders)
    }

    /// The ids of the well-known folders, in one request. (v1.0 does not name them in the listing.)
    async fn well_known(&self) -> Result<HashMap<String, String>, Fault> {
        let parts: Vec<Part> = WELL_KNOWN
            .iter()
            .map(|name| Part::new("GET", format!("{}?$select=id", self.folder_path(name)), None))
            .collect();
        let mut known = HashMap::new();
        for (name, answer) in WELL_KNOWN.iter().zip(self.batch("name folders", &parts, Priority::Live).await)
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
