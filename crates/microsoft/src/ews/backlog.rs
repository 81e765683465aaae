//! What lies in a folder: counted, listed oldest first, and the newest of it.

use fault::Fault;
use jiff::Timestamp;

use super::EwsMailbox;
use super::find::{Hits, Search, received_from};
use super::items::{LISTED, item};
use super::sync::of_folder;
use crate::backlog::Place;
use crate::budget::Priority;
use crate::mailbox::{Cursor, FolderId, Item, Page, SyncError};

/// Messages on a page.
const PAGE: usize = 50;

impl EwsMailbox {
    async fn listing(
        &self,
        folder: &FolderId,
        search: &Search,
        priority: Priority,
    ) -> Result<(Vec<Item>, Hits), Fault> {
        let mut hits = self.search(&[folder.as_str()], search, &LISTED, priority).await;
        let hits = hits.pop().unwrap_or_else(|| {
            Err(crate::network::unreadable(self.host(), "a search without any result").into())
        });
        let hits = hits.map_err(of_folder)?;
        let items = hits.elements().filter_map(|element| item(&hits.told, element, false)).collect();
        Ok((items, hits))
    }

    pub(super) async fn list_older(
        &self,
        folder: &FolderId,
        since: Option<Timestamp>,
        after: Option<&Cursor>,
    ) -> Result<Page, SyncError> {
        let place = Place::read(since, after)?;
        let search = Search {
            restriction: received_from(place.from),
            order: Some("Ascending"),
            offset: place.skip,
            count: PAGE,
        };
        let (listed, hits) = self.listing(folder, &search, Priority::Backlog).await?;
        // What is no mail is passed over as well.
        let times = hits.elements().filter_map(|item| item.text_of("DateTimeReceived")?.trim().parse().ok());
        let cursor = place.after(hits.elements().count(), times).cursor();
        let items = self.fill(listed, Priority::Backlog).await?;
        Ok(Page { items, removed: Vec::new(), cursor, complete: hits.complete })
    }

    pub(super) async fn count_messages(
        &self,
        folder: &FolderId,
        since: Option<Timestamp>,
    ) -> Result<u64, Fault> {
        if since.is_none() {
            return Ok(self.look_at_folder(folder.as_str()).await?.total);
        }
        let search = Search { restriction: received_from(since), count: 1, ..Search::default() };
        let (_, hits) = self.listing(folder, &search, Priority::Live).await?;
        Ok(hits.total)
    }

    pub(super) async fn list_newest(&self, folder: &FolderId, count: usize) -> Result<Vec<Item>, Fault> {
        let search = Search { order: Some("Descending"), count: count.clamp(1, 50), ..Search::default() };
        let (listed, _) = self.listing(folder, &search, Priority::Live).await?;
        self.fill(listed, Priority::Live).await
    }
}
