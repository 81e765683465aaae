//! Messages fetched by their ids: described, as MIME, or for their change keys.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fault::{Class, Fault};
use jiff::Timestamp;

use super::call::{Ask, Refused, SMALL};
use super::envelope::Told;
use super::xml::Element;
use super::{EwsMailbox, item_id, message};
use crate::again::Again;
use crate::budget::Priority;
use crate::mailbox::{Item, NativeId};
use crate::network;

/// Messages fetched at once.
const BATCH: usize = 10;
/// The largest answer with the descriptions of a batch.
const LARGEST_BATCH: usize = 64 << 20;

/// The properties that describe a message: the same that Graph's pages carry.
const PROPERTIES: [&str; 19] = [
    "item:ParentFolderId",
    "item:ItemClass",
    "item:Subject",
    "item:Body",
    "item:DateTimeReceived",
    "item:Categories",
    "item:IsDraft",
    "item:InternetMessageHeaders",
    "item:DateTimeSent",
    "item:HasAttachments",
    "item:ConversationId",
    "message:Sender",
    "message:ToRecipients",
    "message:CcRecipients",
    "message:BccRecipients",
    "message:From",
    "message:InternetMessageId",
    "message:IsRead",
    "message:ReplyTo",
];

/// What a listing tells of each message before it is fetched: nothing of its content, which is what a corrupt one breaks on.
pub(super) const LISTED: [&str; 1] = ["item:DateTimeReceived"];

/// A shape of these properties.
pub(super) fn shape(element: &str, before: &str, properties: &[&str]) -> String {
    let properties = properties.iter().fold(String::new(), |mut out, name| {
        let _ = write!(out, "<t:FieldURI FieldURI=\"{name}\"/>");
        out
    });
    let additional = if properties.is_empty() {
        String::new()
    } else {
        format!("<t:AdditionalProperties>{properties}</t:AdditionalProperties>")
    };
    format!("<m:{element}><t:BaseShape>IdOnly</t:BaseShape>{before}{additional}</m:{element}>")
}

/// Kinds of items that are mail, whatever else lies in a folder.
const MAIL: [&str; 8] = [
    "Message",
    "MeetingMessage",
    "MeetingRequest",
    "MeetingResponse",
    "MeetingCancellation",
    "SharingMessage",
    "PostItem",
    "Item",
];

/// The item that an element describes; none where it is no mail. `is_whole` where the description was asked for in full.
pub(super) fn item(told: &Told, element: &Element, is_fetched: bool) -> Option<Item> {
    if !MAIL.contains(&element.name.as_str()) {
        return None;
    }
    let read = message::of(element).ok()?;
    Some(Item {
        id: NativeId::from(read.id),
        raw: told.raw(element).as_bytes().to_vec(),
        is_whole: is_fetched && read.received_at.is_some() && read.body.is_some(),
        received_at: read.received_at.or(read.sent_at).unwrap_or(Timestamp::UNIX_EPOCH),
        internet_message_id: read.internet_message_id,
        conversation_id: read.conversation_id,
    })
}

/// The items in a response message.
pub(super) fn items_of(told: &Told) -> impl Iterator<Item = &Element> {
    told.message().child("Items").map(|items| items.children.iter()).into_iter().flatten()
}

/// What became of one message that was to be described.
#[derive(Debug)]
pub(super) enum Described {
    Item(Item),
    /// It is not there any more, or no mail.
    Gone,
    /// Exchange cannot read it itself, or only more slowly than anybody waits.
    Unreadable(Fault),
}

impl EwsMailbox {
    /// Describes messages, ten at a time; one result per id, in their order. What fails for a reason of its own costs itself only,
    /// also where it takes its whole batch along.
    pub(super) async fn describe(
        &self,
        ids: &[NativeId],
        priority: Priority,
    ) -> Result<Vec<Described>, Fault> {
        let mut described = Vec::with_capacity(ids.len());
        for batch in ids.chunks(BATCH) {
            let mut told = self.get(batch, priority).await;
            let is_lost = |result: &Result<Told, Refused>| {
                result.as_ref().is_err_and(|refused| !refused.is_gone() && may_be_one_of_many(refused))
            };
            if batch.len() > 1 {
                for (id, result) in batch.iter().zip(&mut told) {
                    if is_lost(result)
                        && let Some(alone) = self.get(std::slice::from_ref(id), priority).await.pop()
                    {
                        // It may have been another message's fault: each is asked for alone.
                        *result = alone;
                    }
                }
            }
            // Where others come, whatever keeps one from coming is its own, a time-out too.
            let others_came = batch.len() > 1 && told.iter().any(Result::is_ok);
            for result in told {
                let is_lost = is_lost(&result);
                described.push(match result {
                    Ok(told) => match items_of(&told).find_map(|element| item(&told, element, true)) {
                        Some(item) => Described::Item(item),
                        None => Described::Gone,
                    },
                    Err(refused) if refused.is_gone() => Described::Gone,
                    Err(refused) if is_its_own(&refused) || (is_lost && others_came) => {
                        Described::Unreadable(refused.fault)
                    }
                    Err(refused) => return Err(refused.fault),
                });
            }
        }
        Ok(described)
    }

    async fn get(&self, ids: &[NativeId], priority: Priority) -> Vec<Result<Told, Refused>> {
        // The body as it is stored: HTML where there is HTML, text where there is only text.
        let shape = shape("ItemShape", "<t:BodyType>Best</t:BodyType>", &PROPERTIES);
        self.ask(Ask {
            operation: "GetItem",
            parts: ids.iter().map(item_id).collect(),
            body: &|ids| format!("<m:GetItem>{shape}<m:ItemIds>{ids}</m:ItemIds></m:GetItem>"),
            priority,
            limit: LARGEST_BATCH,
            again: Again::Freely,
        })
        .await
    }

    pub(super) async fn fetch_message(&self, id: &NativeId) -> Result<Option<Item>, Fault> {
        match self.describe(std::slice::from_ref(id), self.single).await?.pop() {
            Some(Described::Item(item)) => Ok(Some(item)),
            Some(Described::Gone) | None => Ok(None),
            Some(Described::Unreadable(fault)) => Err(fault),
        }
    }

    pub(super) async fn fetch_messages(&self, ids: &[NativeId]) -> Vec<Result<Option<Item>, Fault>> {
        let mut told = Vec::with_capacity(ids.len());
        for batch in ids.chunks(BATCH) {
            match self.describe(batch, self.single).await {
                Ok(described) => told.extend(described.into_iter().map(|described| match described {
                    Described::Item(item) => Ok(Some(item)),
                    Described::Gone => Ok(None),
                    Described::Unreadable(fault) => Err(fault),
                })),
                // It may be these messages' own; otherwise the next ones need not be asked for.
                Err(fault) => {
                    let asked = if may_be_of_messages(&fault) { batch.len() } else { ids.len() - told.len() };
                    told.extend(vec![Err(fault); asked]);
                }
            }
            if told.len() >= ids.len() {
                break;
            }
        }
        told
    }

    pub(super) async fn fetch_mime(&self, id: &NativeId) -> Result<Bytes, Fault> {
        let shape = shape("ItemShape", "<t:IncludeMimeContent>true</t:IncludeMimeContent>", &[]);
        let told = self
            .ask_one(Ask {
                operation: "GetItem",
                parts: vec![item_id(id)],
                body: &|id| format!("<m:GetItem>{shape}<m:ItemIds>{id}</m:ItemIds></m:GetItem>"),
                priority: self.single,
                // It comes in base64, and with line ends.
                limit: self.largest_mime / 2 * 3,
                again: Again::Freely,
            })
            .await?;
        let content = items_of(&told).find_map(|item| item.text_of("MimeContent"));
        let content =
            content.ok_or_else(|| network::unreadable(self.host(), "a message without its MIME"))?;
        let packed: Vec<u8> = content.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let mime = STANDARD
            .decode(packed)
            .map_err(|error| network::unreadable(self.host(), &format!("MIME that is no base64: {error}")))?;
        Ok(Bytes::from(mime))
    }

    /// Looks at messages for what is written back; the element of each, in their order.
    pub(super) async fn look_at(
        &self,
        ids: &[NativeId],
        properties: &[&str],
        priority: Priority,
    ) -> Vec<Result<Told, Refused>> {
        let shape = shape("ItemShape", "", properties);
        let mut told = Vec::with_capacity(ids.len());
        for batch in ids.chunks(BATCH) {
            let some = self
                .ask(Ask {
                    operation: "GetItem",
                    parts: batch.iter().map(item_id).collect(),
                    body: &|ids| format!("<m:GetItem>{shape}<m:ItemIds>{ids}</m:ItemIds></m:GetItem>"),
                    priority,
                    limit: SMALL,
                    again: Again::Freely,
                })
                .await;
            told.extend(some);
        }
        told
    }
}

/// The id of the first item of an answer, with its change key.
pub(super) fn id_of(told: &Told) -> Option<(NativeId, Option<String>)> {
    let id = told.message().all("ItemId").into_iter().next()?;
    let change_key = id.attribute("ChangeKey").filter(|key| !key.is_empty()).map(str::to_owned);
    Some((NativeId::from(id.attribute("Id")?), change_key))
}

/// Whether a message fails for a reason of its own, also where it is asked for alone.
fn is_its_own(refused: &Refused) -> bool {
    // A code of one part that nobody knows, in an answer that came: the others of its batch have answers of their own.
    let is_unknown_code = refused.fault.is_guess && refused.fault.status == Some(200);
    refused.fault.entry.class == Class::Poison || refused.is_too_large || is_unknown_code
}

/// Whether a refusal may be one message's fault although it was told of a whole batch.
fn may_be_one_of_many(refused: &Refused) -> bool {
    is_its_own(refused)
        || &*refused.code == "ErrorBatchProcessingStopped"
        || may_be_of_messages(&refused.fault)
}

/// Whether a fault may come of the messages that were asked for, and not of the mailbox or the way to it.
fn may_be_of_messages(fault: &Fault) -> bool {
    fault.entry.id == "network.timeout" || matches!(fault.status, Some(500 | 504))
}
