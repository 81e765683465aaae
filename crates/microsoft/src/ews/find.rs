//! Finding messages: FindItem over one folder or, since EWS has no search over all, over each.

use std::fmt::Write as _;

use fault::Fault;
use jiff::Timestamp;

use super::call::{Ask, Refused, SMALL};
use super::envelope::Told;
use super::items::shape;
use super::xml::{Element, escaped};
use super::{EwsMailbox, STAMP};
use crate::again::Again;
use crate::budget::Priority;
use crate::mailbox::{Find, NativeId};

/// Folders searched in one request.
const FOLDERS: usize = 100;

/// A search in one folder.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// The restriction, as XML; none where all is meant.
    pub(super) restriction: String,
    /// By the time of receipt: `Ascending` or `Descending`.
    pub(super) order: Option<&'static str>,
    pub(super) offset: usize,
    pub(super) count: usize,
}

/// What a search found.
#[derive(Debug)]
pub(super) struct Hits {
    pub(super) told: Told,
    /// How many there are altogether.
    pub(super) total: u64,
    /// Whether these are the last.
    pub(super) complete: bool,
}

impl Hits {
    fn of(told: Told) -> Self {
        let root = told.message().child("RootFolder");
        let attribute = |name: &str| root.and_then(|root| root.attribute(name)).map(str::trim);
        Self {
            total: attribute("TotalItemsInView").and_then(|total| total.parse().ok()).unwrap_or(0),
            complete: attribute("IncludesLastItemInRange").is_none_or(|text| text != "false"),
            told,
        }
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = &Element> {
        let items = self.told.message().at(&["RootFolder", "Items"]);
        items.map(|items| items.children.iter()).into_iter().flatten()
    }
}

/// What was received then or later. Exchange tells whole seconds, so the second that was told is asked for.
pub(super) fn received_from(time: Option<Timestamp>) -> String {
    time.map_or_else(String::new, |time| {
        format!(
            "<t:IsGreaterThanOrEqualTo><t:FieldURI FieldURI=\"item:DateTimeReceived\"/><t:FieldURIOrConstant>\
             <t:Constant Value=\"{}\"/></t:FieldURIOrConstant></t:IsGreaterThanOrEqualTo>",
            time.strftime("%Y-%m-%dT%H:%M:%SZ")
        )
    })
}

fn equals(path: &str, value: &str) -> String {
    format!(
        "<t:IsEqualTo>{path}<t:FieldURIOrConstant><t:Constant Value=\"{}\"/></t:FieldURIOrConstant></t:IsEqualTo>",
        escaped(value)
    )
}

fn restriction(by: &Find) -> String {
    match by {
        Find::MessageId(id) => {
            let bare = id.trim().trim_start_matches('<').trim_end_matches('>');
            equals("<t:FieldURI FieldURI=\"message:InternetMessageId\"/>", &format!("<{bare}>"))
        }
        Find::Stamp { value } => equals(STAMP, value),
    }
}

impl EwsMailbox {
    /// Searches folders; one result each.
    pub(super) async fn search(
        &self,
        folders: &[&str],
        search: &Search,
        properties: &[&str],
        priority: Priority,
    ) -> Vec<Result<Hits, Refused>> {
        let mut rest = String::new();
        if !search.restriction.is_empty() {
            let _ = write!(rest, "<m:Restriction>{}</m:Restriction>", search.restriction);
        }
        if let Some(order) = search.order {
            let _ = write!(
                rest,
                "<m:SortOrder><t:FieldOrder Order=\"{order}\"><t:FieldURI FieldURI=\"item:DateTimeReceived\"/>\
                 </t:FieldOrder></m:SortOrder>"
            );
        }
        let shape = shape("ItemShape", "", properties);
        let told = self
            .ask(Ask {
                operation: "FindItem",
                parts: folders.iter().map(|folder| self.folder_id(folder)).collect(),
                body: &|folders| {
                    format!(
                        "<m:FindItem Traversal=\"Shallow\">{shape}<m:IndexedPageItemView MaxEntriesReturned=\"{}\" \
                         Offset=\"{}\" BasePoint=\"Beginning\"/>{rest}<m:ParentFolderIds>{folders}</m:ParentFolderIds>\
                         </m:FindItem>",
                        search.count, search.offset
                    )
                },
                priority,
                limit: SMALL,
                again: Again::Freely,
            })
            .await;
        told.into_iter().map(|told| told.map(Hits::of)).collect()
    }

    pub(super) async fn find_ids(&self, by: &Find) -> Result<Vec<NativeId>, Fault> {
        let folders = self.list_folders().await?;
        let names: Vec<&str> = folders.iter().map(|folder| folder.id.as_str()).collect();
        let mut found = Vec::new();
        for names in names.chunks(FOLDERS) {
            found.extend(self.find_in(names, by, Priority::Backlog).await?);
        }
        Ok(found)
    }

    /// The ids in these folders. A folder that is gone meanwhile has none.
    pub(super) async fn find_in(
        &self,
        folders: &[&str],
        by: &Find,
        priority: Priority,
    ) -> Result<Vec<NativeId>, Fault> {
        // More messages with one id are not told apart by listing more.
        let search = Search { restriction: restriction(by), count: 50, ..Search::default() };
        let mut found = Vec::new();
        for hits in self.search(folders, &search, &[], priority).await {
            match hits {
                Ok(hits) => {
                    let ids = hits.elements().filter_map(|item| item.child("ItemId")?.attribute("Id"));
                    found.extend(ids.map(NativeId::from));
                }
                Err(refused) if refused.is_gone() || refused.fault.entry.id == "graph.folder_gone" => {}
                Err(refused) => return Err(refused.fault),
            }
        }
        Ok(found)
    }
}
