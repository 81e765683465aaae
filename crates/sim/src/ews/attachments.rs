//! Attachments: read, added, removed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::answer::{Outcome, Part, Refusal};
use super::shape::BodyKind;
use super::xml::Node;
use super::{Call, show};
use crate::exchange::compose::{File, Letter};
use crate::exchange::ews_ids::AttachmentId;
use crate::exchange::ingest;
use crate::exchange::mailbox::Damage;
use crate::exchange::parts;

fn no_attachment() -> Refusal {
    Refusal::new("ErrorInvalidAttachmentId", "The specified attachment Id is invalid.")
}

fn id_of(node: &Node) -> Result<AttachmentId, Refusal> {
    AttachmentId::read(node.attribute("Id").unwrap_or_default()).ok_or_else(no_attachment)
}

/// GetAttachment.
pub(crate) fn get(call: &Call<'_>) -> Outcome {
    let shape = call.node.child("AttachmentShape");
    let with_mime = shape.and_then(|shape| shape.flag("IncludeMimeContent")).unwrap_or(false);
    let kind = match shape.and_then(|shape| shape.text_of("BodyType")) {
        Some("HTML") => BodyKind::Html,
        Some("Text") => BodyKind::Text,
        _ => BodyKind::Best,
    };
    let one = |node: &Node| -> Part {
        let id = id_of(node)?;
        let mailbox = call.numbered(id.mailbox)?;
        let store = mailbox.store();
        let message = store.messages.get(&id.key).ok_or_else(Refusal::no_item)?;
        if matches!(message.damage, Damage::Item | Damage::Batch) {
            return Err(Refusal::new("ErrorItemCorrupt", "The item is corrupt."));
        }
        let raw = &message.content.raw;
        let files = parts::of_raw(raw, &message.content.body);
        let index = usize::try_from(id.index).map_err(|_| no_attachment())?;
        let file = files.get(index).ok_or_else(Refusal::no_item)?;
        let content = if file.is_item {
            show::inner_message(&ingest::read(parts::content(raw, file)), with_mime, kind)
        } else {
            show::file_content(raw, file)
        };
        Ok(format!(
            "<m:Attachments>{}</m:Attachments>",
            show::attachment(store.mailbox, message, index, file, &content, false)
        ))
    };
    Ok(call.batch("AttachmentIds")?.iter().map(one).collect())
}

/// The files of `Attachments`.
pub(crate) fn files(nodes: &[Node]) -> Result<Vec<File>, Refusal> {
    nodes.iter().map(file).collect()
}

fn file(node: &Node) -> Result<File, Refusal> {
    if node.name != "FileAttachment" {
        return Err(Refusal::new(
            "ErrorMissingItemForCreateItemAttachment",
            "Only file attachments can be added.",
        ));
    }
    let text: String = node
        .text_of("Content")
        .unwrap_or_default()
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect();
    let content = STANDARD.decode(text).map_err(|_| {
        Refusal::new("ErrorPropertyValidationFailure", "The content is not a valid base64 string.")
    })?;
    Ok(File {
        name: node.text_of("Name").filter(|name| !name.is_empty()).unwrap_or("attachment").to_owned(),
        content_type: node
            .text_of("ContentType")
            .filter(|kind| !kind.is_empty())
            .unwrap_or("application/octet-stream")
            .to_owned(),
        content_id: node.text_of("ContentId").filter(|id| !id.is_empty()).map(str::to_owned),
        is_inline: node.flag("IsInline").unwrap_or(false),
        content: Bytes::from(content),
    })
}

/// CreateAttachment.
pub(crate) fn create(call: &Call<'_>) -> Outcome {
    let parent = call.needed("ParentItemId")?;
    let one = |node: &Node| -> Part {
        let (mailbox, id) = call.item_of(parent)?;
        let new = file(node)?;
        let mut store = mailbox.store();
        let key = store.ews_key(id).ok_or_else(Refusal::no_item)?;
        let message = store.messages.get(&key).ok_or_else(Refusal::no_item)?;
        let before = parts::of_raw(&message.content.raw, &message.content.body).len();
        let mut letter = Letter::of_raw(&message.content.raw);
        letter.message_id.clone_from(&message.message_id);
        letter.files.push(new);
        let content = std::sync::Arc::new(ingest::read(letter.to_mime(call.now)));
        store.change(key, call.now, |message| message.content = content);
        let message = store.messages.get(&key).ok_or_else(Refusal::no_item)?;
        let files = parts::of_raw(&message.content.raw, &message.content.body);
        let index = before.min(files.len().saturating_sub(1));
        let file = files.get(index).ok_or_else(no_attachment)?;
        Ok(format!(
            "<m:Attachments>{}</m:Attachments>",
            show::attachment(store.mailbox, message, index, file, "", true)
        ))
    };
    Ok(call.batch("Attachments")?.iter().map(one).collect())
}

/// DeleteAttachment.
pub(crate) fn delete(call: &Call<'_>) -> Outcome {
    let one = |node: &Node| -> Part {
        let id = id_of(node)?;
        let mailbox = call.numbered(id.mailbox)?;
        let mut store = mailbox.store();
        let message = store.messages.get(&id.key).ok_or_else(Refusal::no_item)?;
        let mut letter = Letter::of_raw(&message.content.raw);
        letter.message_id.clone_from(&message.message_id);
        let index = usize::try_from(id.index).map_err(|_| no_attachment())?;
        if index >= letter.files.len() {
            return Err(Refusal::no_item());
        }
        letter.files.remove(index);
        let content = std::sync::Arc::new(ingest::read(letter.to_mime(call.now)));
        store.change(id.key, call.now, |message| message.content = content);
        let message = store.messages.get(&id.key).ok_or_else(Refusal::no_item)?;
        Ok(format!(
            "<m:RootItemId RootItemId=\"{}\" RootItemChangeKey=\"{}\"/>",
            message.ews_id(store.mailbox).ews(),
            message.change_key()
        ))
    };
    Ok(call.batch("AttachmentIds")?.iter().map(one).collect())
}
