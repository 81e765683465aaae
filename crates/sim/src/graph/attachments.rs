//! Attachments: list, one, bytes; added to and taken from drafts.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::call::Call;
use super::show;
use super::{Target, find};
use crate::exchange::compose::{self, Letter};
use crate::exchange::ids;
use crate::exchange::ingest;
use crate::exchange::mailbox::{Message, Store};
use crate::exchange::parts::{self, Attachment};

fn no_attachment() -> Refusal {
    Refusal::new(404, "ErrorItemNotFound", "The specified object was not found in the store.")
}

fn listed(store: &Store, key: u64) -> (Bytes, Vec<Attachment>) {
    match store.messages.get(&key) {
        Some(message) => {
            let raw = message.content.raw.clone();
            let files = parts::of_raw(&raw, &message.content.body);
            (raw, files)
        }
        None => (Bytes::new(), Vec::new()),
    }
}

/// Cuts an attachment to what `$select` asks for.
fn cut(value: Value, select: Option<&str>) -> Value {
    let Some(select) = select.filter(|select| !select.trim().is_empty()) else { return value };
    let names: Vec<&str> = select.split(',').map(str::trim).collect();
    let Value::Object(object) = value else { return value };
    let kept = object
        .into_iter()
        .filter(|(name, _)| {
            name == "id"
                || name.starts_with('@')
                || names.iter().any(|wanted| {
                    // A property of the derived type is asked for with its type in front.
                    wanted.rsplit('/').next().is_some_and(|wanted| wanted.eq_ignore_ascii_case(name))
                })
        })
        .collect();
    Value::Object(kept)
}

/// All attachments of a message.
pub(crate) fn list(target: &Target<'_>, call: &Call, id: &str) -> Outcome {
    let store = target.mailbox.store();
    let key = find(&store, id)?;
    let (raw, files) = listed(&store, key);
    let Some(message) = store.messages.get(&key) else { return Err(Refusal::no_item()) };
    let select = call.option("select");
    let wants_bytes = select.is_none_or(|select| select.to_ascii_lowercase().contains("contentbytes"));
    let expands = expands_item(call);
    let value: Vec<Value> = files
        .iter()
        .enumerate()
        .map(|(index, file)| {
            let item = (expands && file.is_item).then(|| inner(&raw, file));
            cut(show::attachment(&store, message, index, file, wants_bytes.then_some(&raw), item), select)
        })
        .collect();
    let context = format!(
        "{}/v1.0/$metadata#users('{}')/messages('{id}')/attachments",
        target.base, target.mailbox.owner
    );
    Ok(Answer::value(200, &json!({"@odata.context": context, "value": value})))
}

fn expands_item(call: &Call) -> bool {
    call.option("expand").is_some_and(|expand| expand.to_ascii_lowercase().contains("itemattachment/item"))
}

fn inner(raw: &Bytes, file: &Attachment) -> Value {
    show::inner_message(&ingest::read(parts::content(raw, file)))
}

/// One attachment, or its bytes.
pub(crate) fn one(target: &Target<'_>, call: &Call, id: &str, attachment: &str, bytes: bool) -> Outcome {
    let store = target.mailbox.store();
    let key = find(&store, id)?;
    let (raw, files) = listed(&store, key);
    let (of, index) = ids::read_attachment(attachment).ok_or_else(Refusal::malformed_id)?;
    let file = files.get(index as usize).filter(|_| of == key).ok_or_else(no_attachment)?;
    if bytes {
        let kind = if file.is_item { "message/rfc822" } else { "application/octet-stream" };
        return Ok(Answer::bytes(kind, parts::content(&raw, file)));
    }
    let Some(message) = store.messages.get(&key) else { return Err(Refusal::no_item()) };
    let item = (expands_item(call) && file.is_item).then(|| inner(&raw, file));
    let mut value = show::attachment(&store, message, index as usize, file, Some(&raw), item);
    value["@odata.context"] = format!(
        "{}/v1.0/$metadata#users('{}')/messages('{id}')/attachments/$entity",
        target.base, target.mailbox.owner
    )
    .into();
    Ok(Answer::value(200, &cut(value, call.option("select"))))
}

/// Adds a file to a draft.
pub(crate) fn add(target: &Target<'_>, call: &Call, id: &str) -> Outcome {
    let body = Value::Object(call.object()?);
    let file = compose::file(&body).map_err(|(code, message)| {
        Refusal::new(if code == "RequestEntityTooLarge" { 413 } else { 400 }, code, message)
    })?;
    let mut store = target.mailbox.store();
    let key = find(&store, id)?;
    change_files(target.now, &mut store, key, |files| files.push(file))?;
    let (raw, files) = listed(&store, key);
    let message = store.messages.get(&key).ok_or_else(Refusal::no_item)?;
    let index = files.len().saturating_sub(1);
    let file = files.get(index).ok_or_else(no_attachment)?;
    let value = show::attachment(&store, message, index, file, Some(&raw), None);
    Ok(Answer::value(201, &value))
}

/// Takes a file from a draft.
pub(crate) fn remove(target: &Target<'_>, id: &str, attachment: &str) -> Outcome {
    let mut store = target.mailbox.store();
    let key = find(&store, id)?;
    let (of, index) = ids::read_attachment(attachment).ok_or_else(Refusal::malformed_id)?;
    let count = listed(&store, key).1.len();
    if of != key || index as usize >= count {
        return Err(no_attachment());
    }
    change_files(target.now, &mut store, key, |files| {
        if (index as usize) < files.len() {
            files.remove(index as usize);
        }
    })?;
    Ok(Answer::empty(204))
}

/// How many attachments a message has.
pub(crate) fn count(store: &Store, key: u64) -> usize {
    listed(store, key).1.len()
}

/// The draft with this key; a message that is none is refused.
pub(crate) fn draft(store: &Store, key: u64) -> Result<&Message, Refusal> {
    let message = store.messages.get(&key).ok_or_else(Refusal::no_item)?;
    if message.is_draft {
        return Ok(message);
    }
    let message = "Attachments can be changed on drafts only.";
    Err(Refusal::new(400, "ErrorInvalidOperation", message))
}

/// Changes the files of a draft.
pub(crate) fn change_files(
    now: Timestamp,
    store: &mut Store,
    key: u64,
    change: impl FnOnce(&mut Vec<compose::File>),
) -> Result<(), Refusal> {
    let message = draft(store, key)?;
    let mut letter = Letter::of_raw(&message.content.raw);
    letter.message_id.clone_from(&message.message_id);
    change(&mut letter.files);
    let content = std::sync::Arc::new(ingest::read(letter.to_mime(now)));
    store.change(key, now, |message| message.content = content);
    Ok(())
}
