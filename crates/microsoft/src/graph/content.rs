//! Single messages: their JSON, their MIME.

use bytes::Bytes;
use fault::Fault;
use serde_json::value::RawValue;

use super::GraphMailbox;
use super::call::Ask;
use super::message::SELECT;
use super::refusal::Refused;
use super::sync::{Row, read_row};
use crate::mailbox::{Item, NativeId};
use crate::network;

/// One message with its body.
pub(super) const LARGEST_MESSAGE: usize = 64 << 20;

impl GraphMailbox {
    pub(super) async fn fetch_mime(&self, id: &NativeId) -> Result<Bytes, Fault> {
        let url = self.address(&format!("{}/$value", self.message_path(id)), "")?;
        let ask = Ask { limit: self.largest_mime, ..Ask::get("fetch MIME", url, self.single) };
        Ok(Bytes::from(self.ask(&ask).await?))
    }

    pub(super) async fn fetch_message(&self, id: &NativeId) -> Result<Option<Item>, Fault> {
        let url = self.address(&self.message_path(id), &format!("$select={SELECT}"))?;
        let ask = Ask { limit: LARGEST_MESSAGE, ..Ask::get("fetch message", url, self.single) };
        let body = match self.ask(&ask).await {
            Ok(body) => body,
            Err(refused) if is_gone(&refused) => return Ok(None),
            Err(refused) => return Err(refused.fault),
        };
        let text = String::from_utf8(body)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        let raw: &RawValue = serde_json::from_str(&text).map_err(|error| {
            network::unreadable(self.host(), &format!("a message that is no JSON: {error}"))
        })?;
        match read_row(raw) {
            Some(Row::Item(item)) => Ok(Some(item)),
            Some(Row::Removed(_)) => Ok(None),
            None => Err(network::unreadable(self.host(), "a message without an id")),
        }
    }
}

/// Whether the message is not there any more. (A mailbox that is gone answers 404 too, with another code.)
pub(super) fn is_gone(refused: &Refused) -> bool {
    refused.fault.status == Some(404) && refused.fault.entry.id == "graph.item_gone"
}
