//! What lies in a folder: counted, and listed oldest first.

use fault::Fault;
use jiff::Timestamp;
use serde::Deserialize;

use super::call::Ask;
use super::message::SELECT;
use super::sync::{LARGEST_PAGE, is_heavy, of_folder, read_listing};
use super::{GraphMailbox, query_value};
use crate::backlog::Place;
use crate::budget::Priority;
use crate::mailbox::{Cursor, FolderId, Page, SyncError};
use crate::network;

/// Messages on a page, tried in this order where one is too heavy.
const SIZES: [usize; 3] = [50, 10, 1];

#[derive(Deserialize)]
struct Counted {
    #[serde(rename = "@odata.count")]
    count: u64,
}

impl GraphMailbox {
    pub(super) async fn list_older(
        &self,
        folder: &FolderId,
        since: Option<Timestamp>,
        after: Option<&Cursor>,
    ) -> Result<Page, SyncError> {
        let place = Place::read(since, after)?;
        let path = format!("{}/messages", self.folder_path(folder.as_str()));
        let filter = place.from.map(from_on).unwrap_or_default();
        let mut sizes = SIZES.into_iter().peekable();
        let mut size = SIZES[0];
        loop {
            size = sizes.next().unwrap_or(size);
            let query = format!(
                "$select={SELECT}&$orderby=receivedDateTime%20asc{filter}&$top={size}&$skip={}",
                place.skip
            );
            let ask = Ask {
                limit: LARGEST_PAGE,
                ..Ask::get("list backlog", self.address(&path, &query)?, Priority::Backlog)
            };
            match self.ask(&ask).await {
                Ok(body) => {
                    let (items, goes_on) =
                        read_listing(body).map_err(|detail| network::unreadable(self.host(), &detail))?;
                    let cursor = place.after(items.len(), items.iter().map(|item| item.received_at)).cursor();
                    return Ok(Page { items, removed: Vec::new(), cursor, complete: !goes_on });
                }
                Err(refused) if is_heavy(&refused) && sizes.peek().is_some() => {
                    tracing::info!(fault = %refused.fault, "the page is too heavy, asking for a smaller one");
                }
                Err(refused) => return Err(SyncError::Fault(of_folder(refused.fault))),
            }
        }
    }

    pub(super) async fn count_messages(
        &self,
        folder: &FolderId,
        since: Option<Timestamp>,
    ) -> Result<u64, Fault> {
        let Some(since) = since else {
            return Ok(self.look_at_folder(folder.as_str()).await?.total);
        };
        let path = format!("{}/messages", self.folder_path(folder.as_str()));
        let url = self.address(&path, &format!("$select=id&$top=1&$count=true{}", from_on(since)))?;
        let ask = Ask::get("count messages", url, Priority::Live);
        let body = self.ask(&ask).await.map_err(|refused| of_folder(refused.fault))?;
        let counted: Counted = serde_json::from_slice(&body).map_err(|error| {
            network::unreadable(self.host(), &format!("a count that cannot be read: {error}"))
        })?;
        Ok(counted.count)
    }
}

/// The filter of what was received then or later. Graph tells whole seconds, so the second that was told is asked for.
fn from_on(time: Timestamp) -> String {
    let second = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    format!("&$filter={}", query_value(&format!("receivedDateTime ge {second}")))
}
