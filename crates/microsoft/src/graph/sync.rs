//! Listing a folder: the delta, page by page, and the newest messages.
//!
//! The first address is ours; every further one is the mailbox's own and followed verbatim, but only on the host that was
//! asked. A page is taken apart without being understood: each message keeps its JSON byte for byte.

use std::borrow::Cow;

use fault::Fault;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::GraphMailbox;
use super::call::Ask;
use super::message::{SELECT, mended};
use super::refusal::Refused;
use crate::budget::Priority;
use crate::mailbox::{Cursor, FolderId, Item, NativeId, Page, SyncError};
use crate::network;

/// The largest page, after decompression.
pub(super) const LARGEST_PAGE: usize = 64 << 20;
/// What pages of ids carry: nothing of a message's content, which is what a corrupt one breaks on.
pub(super) const SELECT_IDS: &str = "id,receivedDateTime";
/// Sizes of a page, tried in this order: what is too large, or takes too long, is asked for in smaller pieces.
const SIZES: [&str; 3] = ["odata.maxpagesize=50", "odata.maxpagesize=10", "odata.maxpagesize=1"];
/// Codes by which the mailbox says that it has forgotten our place, beside the status 410.
const FORGOTTEN: [&str; 4] =
    ["syncStateNotFound", "syncStateInvalid", "resyncRequired", "ErrorInvalidSyncStateData"];

/// A page as it comes.
#[derive(Deserialize)]
struct Listing<'a> {
    #[serde(borrow)]
    value: Vec<&'a RawValue>,
    #[serde(default, rename = "@odata.nextLink")]
    next: Option<String>,
    #[serde(default, rename = "@odata.deltaLink")]
    delta: Option<String>,
}

/// What is looked at in a message here; the rest only has to be there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(borrow, default)]
    id: Cow<'a, str>,
    #[serde(default, rename = "@removed")]
    removed: Option<IgnoredAny>,
    #[serde(default)]
    internet_message_id: Option<String>,
    #[serde(default)]
    conversation_id: Option<String>,
    #[serde(borrow, default)]
    received_date_time: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    sent_date_time: Option<Cow<'a, str>>,
    #[serde(default)]
    has_attachments: Option<bool>,
    #[serde(default)]
    is_draft: Option<bool>,
    #[serde(default)]
    body: Option<IgnoredAny>,
    #[serde(default)]
    internet_message_headers: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "is_there")]
    subject: bool,
    #[serde(default, deserialize_with = "is_there")]
    from: bool,
    #[serde(default, deserialize_with = "is_there")]
    to_recipients: bool,
}

/// Whether a field is there at all; `null` is an answer too.
fn is_there<'de, D: serde::Deserializer<'de>>(field: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(field).map(|_| true)
}

/// A row of a page.
#[derive(Debug)]
pub(super) enum Row {
    Item(Item),
    Removed(NativeId),
}

/// Reads a row; `None` where it has no id.
pub(super) fn read_row(raw: &RawValue) -> Option<Row> {
    let text = raw.get();
    let mended = mended(text);
    let head: Head<'_> = serde_json::from_str(&mended).ok()?;
    if head.id.is_empty() {
        return None;
    }
    let id = NativeId::from(&*head.id);
    if head.removed.is_some() {
        return Some(Row::Removed(id));
    }
    let time = |told: &Option<Cow<'_, str>>| told.as_ref().and_then(|text| text.parse::<Timestamp>().ok());
    let received = time(&head.received_date_time);
    let is_whole = received.is_some()
        && head.body.is_some()
        && head.has_attachments.is_some()
        && head.is_draft.is_some()
        && head.internet_message_headers.is_some()
        && head.subject
        && head.from
        && head.to_recipients;
    Some(Row::Item(Item {
        raw: text.as_bytes().to_vec(),
        received_at: received.or_else(|| time(&head.sent_date_time)).unwrap_or(Timestamp::UNIX_EPOCH),
        internet_message_id: head.internet_message_id,
        conversation_id: head.conversation_id,
        is_whole,
        id,
    }))
}

impl GraphMailbox {
    pub(super) async fn sync_page(
        &self,
        folder: &FolderId,
        cursor: Option<&Cursor>,
        select: &str,
    ) -> Result<Page, SyncError> {
        let url = match cursor {
            None => self.address(
                &format!("{}/messages/delta", self.folder_path(folder.as_str())),
                &format!("$select={select}"),
            )?,
            Some(cursor) => match self.followed(cursor.as_str()) {
                Ok(url) => url,
                Err(fault) => {
                    // The address of Graph was changed since: the cursor leads to where no token goes any more.
                    tracing::warn!(%fault, detail = fault.detail, "the cursor leads to another host, reading the folder anew");
                    return Err(SyncError::Reset);
                }
            },
        };
        // A round from a delta link is what has just come; everything else is catching up.
        let is_live = url.query().is_some_and(|query| query.to_ascii_lowercase().contains("deltatoken"));
        let priority = if is_live { Priority::Live } else { Priority::Backlog };
        let mut sizes = SIZES.into_iter().peekable();
        loop {
            let ask = Ask {
                prefer: sizes.next(),
                limit: LARGEST_PAGE,
                ..Ask::get("list changes", url.clone(), priority)
            };
            match self.ask(&ask).await {
                Ok(body) => return self.read_page(body).map_err(SyncError::Fault),
                Err(refused) if is_forgotten(&refused) => return Err(SyncError::Reset),
                Err(refused) if is_heavy(&refused) && sizes.peek().is_some() => {
                    tracing::info!(fault = %refused.fault, "the page is too heavy, asking for a smaller one");
                }
                Err(refused) => return Err(SyncError::Fault(of_folder(refused.fault))),
            }
        }
    }

    fn read_page(&self, body: Vec<u8>) -> Result<Page, Fault> {
        let page = take_apart(body).map_err(|detail| network::unreadable(self.host(), &detail))?;
        // Told now, while the page can still be read again, and not at the next poll.
        self.followed(page.cursor.as_str())?;
        Ok(page)
    }

    pub(super) async fn list_newest(&self, folder: &FolderId, count: usize) -> Result<Vec<Item>, Fault> {
        let count = count.clamp(1, 50);
        let path = format!("{}/messages", self.folder_path(folder.as_str()));
        let url =
            self.address(&path, &format!("$select={SELECT}&$orderby=receivedDateTime%20desc&$top={count}"))?;
        let ask = Ask { limit: LARGEST_PAGE, ..Ask::get("list newest", url, Priority::Live) };
        let body = self.ask(&ask).await.map_err(|refused| of_folder(refused.fault))?;
        let (mut items, _) =
            read_listing(body).map_err(|detail| network::unreadable(self.host(), &detail))?;
        items.truncate(count);
        Ok(items)
    }
}

/// The messages of a listing, and whether it goes on; the error is what is wrong with it.
pub(super) fn read_listing(body: Vec<u8>) -> Result<(Vec<Item>, bool), String> {
    let text = String::from_utf8(body)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    let listing: Listing<'_> =
        serde_json::from_str(&text).map_err(|error| format!("a listing that cannot be read: {error}"))?;
    let rows = listing.value.into_iter().filter_map(read_row);
    let items = rows.filter_map(|row| if let Row::Item(item) = row { Some(item) } else { None });
    Ok((items.collect(), listing.next.is_some()))
}

/// Takes a page apart; the error is what is wrong with it.
fn take_apart(body: Vec<u8>) -> Result<Page, String> {
    // One wrong byte in one mail must not keep the page away.
    let text = String::from_utf8(body)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    let listing: Listing<'_> =
        serde_json::from_str(&text).map_err(|error| format!("a page that is no listing: {error}"))?;
    let (link, complete) = match (listing.next, listing.delta) {
        (Some(next), _) => (next, false),
        (None, Some(delta)) => (delta, true),
        (None, None) => return Err("a page that does not say how it goes on".to_owned()),
    };
    let mut page = Page {
        items: Vec::with_capacity(listing.value.len()),
        removed: Vec::new(),
        cursor: Cursor::from(link),
        complete,
    };
    for raw in listing.value {
        match read_row(raw) {
            Some(Row::Item(item)) => page.items.push(item),
            Some(Row::Removed(id)) => page.removed.push(id),
            None => tracing::error!(bytes = raw.get().len(), "a row of a page has no id and is left out"),
        }
    }
    Ok(page)
}

fn is_forgotten(refused: &Refused) -> bool {
    refused.fault.status == Some(410) || FORGOTTEN.iter().any(|code| refused.says(code))
}

/// Whether a smaller page may help.
pub(super) fn is_heavy(refused: &Refused) -> bool {
    refused.is_too_large || refused.fault.status == Some(504) || refused.fault.entry.id == "network.timeout"
}

/// Where a folder was asked for, "item not found" means the folder.
pub(super) fn of_folder(fault: Fault) -> Fault {
    if fault.entry.id != "graph.item_gone" {
        return fault;
    }
    let Some(entry) = fault::entry("graph.folder_gone") else { return fault };
    Fault { entry, ..fault }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn page(rows: &[String]) -> Result<Page, String> {
        take_apart(format!(r#"{{"value":[{}],"@odata.deltaLink":"l"}}"#, rows.join(",")).into_bytes())
    }

    #[test]
    fn a_row_that_cannot_be_read_costs_that_row_only() {
        let rows = ["7", "null", "{}", r#"{"id":""}"#, r#"{"id":"a"}"#, r#"{"id":"b","subject":"\ud83d"}"#];
        let page = page(&rows.map(str::to_owned)).expect("a page");
        let ids: Vec<&str> = page.items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
        assert!(page.items.iter().all(|item| !item.is_whole && item.received_at == Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn one_wrong_byte_does_not_keep_the_page_away() {
        let mut body = br#"{"value":[{"id":"a","subject":"?"}],"@odata.nextLink":"l"}"#.to_vec();
        let at = body.iter().position(|byte| *byte == b'?').expect("there");
        body[at] = 0xff;
        let page = take_apart(body).expect("a page");
        assert!(!page.complete && page.items.len() == 1);
    }

    #[test]
    fn a_page_that_leads_nowhere_is_no_page() {
        for body in ["", "[]", "{}", r#"{"value":[]}"#, r#"{"value":{},"@odata.deltaLink":"l"}"#] {
            assert!(take_apart(body.as_bytes().to_vec()).is_err(), "{body}");
        }
    }

    proptest! {
        #[test]
        fn every_message_keeps_its_bytes(texts in prop::collection::vec(any::<String>(), 0..8)) {
            let messages: Vec<Value> =
                texts.iter().enumerate().map(|(n, text)| json!({ "id": format!("m{n}"), "subject": text })).collect();
            let rows: Vec<String> = messages.iter().map(|message| format!(" {message} ")).collect();
            let page = page(&rows).expect("a page");
            prop_assert_eq!(page.items.len(), texts.len());
            for (item, row) in page.items.iter().zip(&rows) {
                prop_assert_eq!(std::str::from_utf8(&item.raw).expect("text"), row.trim());
            }
        }

        #[test]
        fn no_page_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = take_apart(body);
        }
    }
}
