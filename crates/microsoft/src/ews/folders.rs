//! The mailbox's folders.

use std::collections::{HashMap, HashSet};

use fault::Fault;

use super::EwsMailbox;
use super::call::{Ask, Refused, SMALL};
use super::envelope::Told;
use super::items::shape;
use super::sync::of_folder;
use super::xml::Element;
use crate::again::Again;
use crate::budget::Priority;
use crate::mailbox::{Folder, FolderId};
use crate::network;

/// Folders on a page, and altogether.
const PAGE: usize = 500;
const MOST: usize = 5_000;
/// What is asked of a folder.
const PROPERTIES: [&str; 5] = [
    "folder:ParentFolderId",
    "folder:FolderClass",
    "folder:DisplayName",
    "folder:TotalCount",
    "folder:UnreadCount",
];
/// `PidTagMessageSizeExtended`: the bytes in a folder.
const SIZE: &str = "<t:ExtendedFieldURI PropertyTag=\"0x0e08\" PropertyType=\"Long\"/>";
/// Names that mean a folder whatever the mailbox's language; `DistinguishedFolderIdNameType` has them all.
pub(super) const WELL_KNOWN: [&str; 9] = [
    "inbox",
    "junkemail",
    "sentitems",
    "drafts",
    "deleteditems",
    "outbox",
    ARCHIVE,
    "msgfolderroot",
    "recoverableitemsdeletions",
];
/// Of these, the ones that every server knows and lists name, and those together with [`ARCHIVE`].
const NAMED_BY_ALL: usize = 6;
const NAMED: usize = 7;
/// What *Archive* in Outlook moves mail to. Only Exchange Online has the name in its schema: to servers of one's own, whose
/// enumeration ends before it, a request that names it is invalid as a whole. (It is not the online archive, a mailbox of its own
/// whose folders' names begin with `archive…`.)
const ARCHIVE: &str = "archive";

fn id_in<'a>(folder: &'a Element, name: &str) -> Option<&'a str> {
    folder.child(name)?.attribute("Id")
}

/// The folder that an element describes.
fn folder(element: &Element, parent: Option<&Folder>, well_known: Option<String>) -> Option<Folder> {
    let name = element.text_of("DisplayName").unwrap_or_default().to_owned();
    let number = |name: &str| element.text_of(name).and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    Some(Folder {
        id: FolderId::from(id_in(element, "FolderId")?),
        path: parent.map_or_else(|| name.clone(), |parent| format!("{}/{name}", parent.path)),
        parent: parent.map(|parent| parent.id.clone()),
        name,
        total: number("TotalCount"),
        unread: number("UnreadCount"),
        well_known,
    })
}

/// Whether mail lies in it: calendars and contacts are folders too.
fn is_for_mail(element: &Element) -> bool {
    let class = element.text_of("FolderClass").unwrap_or_default();
    class.is_empty()
        || class.eq_ignore_ascii_case("IPF.Note")
        || class.to_ascii_uppercase().starts_with("IPF.NOTE.")
}

impl EwsMailbox {
    async fn get_folders(&self, names: &[&str]) -> Vec<Result<Told, Refused>> {
        let shape = shape("FolderShape", "", &PROPERTIES);
        self.ask(Ask {
            operation: "GetFolder",
            parts: names.iter().map(|name| self.folder_id(name)).collect(),
            body: &|ids| format!("<m:GetFolder>{shape}<m:FolderIds>{ids}</m:FolderIds></m:GetFolder>"),
            priority: Priority::Live,
            limit: SMALL,
            again: Again::Freely,
        })
        .await
    }

    pub(super) async fn look_at_folder(&self, id: &str) -> Result<Folder, Fault> {
        let told = self.get_folders(&[id]).await.pop();
        let told = told.ok_or_else(|| network::unreadable(self.host(), "a folder without an answer"))?;
        let told = told.map_err(|refused| of_folder(of_name(id, refused)))?;
        let well_known = WELL_KNOWN[..NAMED].iter().find(|name| name.eq_ignore_ascii_case(id));
        told.message()
            .child("Folders")
            .and_then(|folders| {
                folder(folders.children.first()?, None, well_known.map(|name| (*name).to_owned()))
            })
            .ok_or_else(|| network::unreadable(self.host(), "a folder that cannot be read"))
    }

    /// How many bytes lie in a folder; none where Exchange does not tell.
    pub(super) async fn size_of_folder(&self, id: &str) -> Result<Option<u64>, Fault> {
        let told = self
            .ask(Ask {
                operation: "GetFolder",
                parts: vec![self.folder_id(id)],
                body: &|ids| {
                    format!(
                        "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>{SIZE}\
                         </t:AdditionalProperties></m:FolderShape><m:FolderIds>{ids}</m:FolderIds></m:GetFolder>"
                    )
                },
                priority: Priority::Live,
                limit: SMALL,
                again: Again::Freely,
            })
            .await
            .pop();
        let told = told.ok_or_else(|| network::unreadable(self.host(), "a folder without an answer"))?;
        let told = told.map_err(of_folder)?;
        let properties = told.message().all("ExtendedProperty");
        let size = properties.first().and_then(|property| property.text_of("Value"));
        Ok(size.and_then(|size| size.trim().parse().ok()))
    }

    pub(super) async fn list_folders(&self) -> Result<Vec<Folder>, Fault> {
        let mut known: HashMap<String, String> = HashMap::new();
        // Apart, and at the same time: what one server knows and another does not must not cost the tree.
        let (named, archive) =
            futures::join!(self.get_folders(&WELL_KNOWN[..NAMED_BY_ALL]), self.get_folders(&[ARCHIVE]));
        for (name, told) in WELL_KNOWN[..NAMED].iter().zip(named.into_iter().chain(archive)) {
            match told {
                Ok(told) => {
                    let id = told.message().all("FolderId").first().and_then(|id| id.attribute("Id"));
                    known.extend(id.map(|id| (id.to_owned(), (*name).to_owned())));
                }
                Err(refused) => {
                    let fault = of_folder(of_name(name, refused));
                    if fault.entry.id != "graph.folder_gone" {
                        return Err(fault);
                    }
                    // Not every mailbox has an archive, and not every server a name for it.
                    tracing::debug!(name, "no such folder");
                }
            }
        }
        let mut elements = Vec::new();
        let mut pages = Vec::new();
        let mut offset = 0;
        loop {
            let told = self.find_folders(offset).await?;
            let root = told.message().child("RootFolder");
            let count = root.and_then(|root| root.child("Folders")).map_or(0, |list| list.children.len());
            let is_last = root
                .and_then(|root| root.attribute("IncludesLastItemInRange"))
                .is_none_or(|text| text.trim() != "false");
            offset += count;
            pages.push(told);
            if is_last || count == 0 {
                break;
            }
            if offset >= MOST {
                tracing::warn!(folders = offset, "the mailbox has more folders than are listed");
                break;
            }
        }
        for told in &pages {
            let list = told.message().at(&["RootFolder", "Folders"]);
            elements.extend(list.map(|list| list.children.iter()).into_iter().flatten());
        }
        Ok(in_order(&elements, &known))
    }

    async fn find_folders(&self, offset: usize) -> Result<Told, Fault> {
        let shape = shape("FolderShape", "", &PROPERTIES);
        let told = self
            .ask_one(Ask {
                operation: "FindFolder",
                parts: vec![self.folder_id("msgfolderroot")],
                body: &|root| {
                    format!(
                        "<m:FindFolder Traversal=\"Deep\">{shape}<m:IndexedPageFolderView \
                         MaxEntriesReturned=\"{PAGE}\" Offset=\"{offset}\" BasePoint=\"Beginning\"/>\
                         <m:ParentFolderIds>{root}</m:ParentFolderIds></m:FindFolder>"
                    )
                },
                priority: Priority::Live,
                limit: SMALL,
                again: Again::Freely,
            })
            .await;
        told.map_err(of_folder)
    }
}

/// Whether a server refuses a folder's name because it does not know it.
fn is_unknown_name(name: &str, refused: &Refused) -> bool {
    name.eq_ignore_ascii_case(ARCHIVE) && &*refused.code == "ErrorSchemaValidation"
}

/// A refusal where this folder was named: one whose name the server does not know is not there.
pub(super) fn of_name(name: &str, refused: Refused) -> Refused {
    match fault::entry("graph.folder_gone") {
        Some(entry) if is_unknown_name(name, &refused) => {
            Refused { fault: Fault { entry, ..refused.fault }, ..refused }
        }
        _ => refused,
    }
}

/// Folders for mail, parents before children, each with its path.
fn in_order(elements: &[&Element], known: &HashMap<String, String>) -> Vec<Folder> {
    let mut children: HashMap<&str, Vec<&Element>> = HashMap::new();
    let ids: HashSet<&str> = elements.iter().filter_map(|element| id_in(element, "FolderId")).collect();
    // Whose parent is not in the list lies at the top.
    for element in elements {
        let parent = id_in(element, "ParentFolderId").filter(|id| ids.contains(id)).unwrap_or_default();
        children.entry(parent).or_default().push(element);
    }
    let mut folders = Vec::new();
    let mut open: Vec<(String, Option<Folder>)> = vec![(String::new(), None)];
    let mut seen = HashSet::new();
    while let Some((parent, above)) = open.pop() {
        for element in children.get(parent.as_str()).into_iter().flatten() {
            let Some(id) = id_in(element, "FolderId") else { continue };
            let Some(folder) = folder(element, above.as_ref(), known.get(id).cloned()) else { continue };
            if seen.insert(id) {
                open.push((id.to_owned(), Some(folder.clone())));
                if is_for_mail(element) {
                    folders.push(folder);
                }
            }
        }
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::super::xml;
    use super::*;

    #[test]
    fn parents_come_before_children_and_calendars_not_at_all() {
        let one = |id: &str, parent: &str, name: &str, class: &str| {
            format!(
                "<t:Folder><t:FolderId Id=\"{id}\"/><t:ParentFolderId Id=\"{parent}\"/><t:FolderClass>{class}</t:FolderClass>\
                 <t:DisplayName>{name}</t:DisplayName><t:TotalCount>3</t:TotalCount><t:UnreadCount>1</t:UnreadCount></t:Folder>"
            )
        };
        let text = format!(
            "<a>{}{}{}{}</a>",
            one("c", "i", "Aufträge", ""),
            one("i", "root", "Posteingang", "IPF.Note"),
            one("k", "root", "Kalender", "IPF.Appointment"),
            one("x", "x", "Kreis", "IPF.Note")
        );
        let root = xml::read(&text).expect("a document");
        let elements: Vec<&Element> = root.children.iter().collect();
        let known = HashMap::from([("i".to_owned(), "inbox".to_owned())]);
        let folders = in_order(&elements, &known);
        let told: Vec<_> =
            folders.iter().map(|folder| (folder.path.as_str(), folder.well_known.as_deref())).collect();
        assert_eq!(told, [("Posteingang", Some("inbox")), ("Posteingang/Aufträge", None)]);
        assert_eq!((folders[0].total, folders[0].unread), (3, 1));
        assert_eq!((&folders[0].parent, &folders[1].parent), (&None, &Some(FolderId::from("i"))));
    }
}
