//! Changing: marks, categories, extended properties, moves, copies, deletes, folders, ids.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::call::Call;
use super::list::answer_with;
use super::show::{self, Select};
use super::{Target, find};
use crate::exchange::compose::{self, Letter};
use crate::exchange::ews_ids::{self, ItemId};
use crate::exchange::ids::{self, MessageId};
use crate::exchange::ingest;
use crate::exchange::mailbox::{DELETED, RECOVERABLE, ROOT, Store};

/// From then on only Mail-Advanced.ReadWrite may change these of a message that is no draft.
const ADVANCED_FROM: i64 = 1_798_675_200;

const SENSITIVE: [&str; 8] = [
    "subject",
    "body",
    "toRecipients",
    "ccRecipients",
    "bccRecipients",
    "replyTo",
    "from",
    "internetMessageId",
];

fn conversion(name: &str) -> Refusal {
    Refusal::new(
        400,
        "RequestBodyRead",
        format!("Cannot convert the value of '{name}' to the expected type."),
    )
}

/// PATCH of a message.
pub(crate) fn patch(target: &Target<'_>, call: &Call, id: &str) -> Outcome {
    let body = call.object()?;
    let now = target.now;
    let mut store = target.mailbox.store();
    let key = find(&store, id)?;
    let Some(message) = store.messages.get(&key) else { return Err(Refusal::no_item()) };
    if call.if_match.as_deref().is_some_and(|wanted| wanted != "*" && wanted != show::etag(message)) {
        let message = "The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.";
        return Err(Refusal::new(412, "ErrorIrresolvableConflict", message));
    }
    let rewrites = body.keys().any(|name| SENSITIVE.contains(&name.as_str()));
    if rewrites && !message.is_draft && now.as_second() >= ADVANCED_FROM && !target.advanced {
        return Err(Refusal::denied());
    }
    let marks = Marks::read(&body)?;
    let mut content = None;
    let mut letter = Letter::of_raw(&message.content.raw);
    letter.message_id.clone_from(&message.message_id);
    let unknown = letter.take(&body).map_err(|(code, message)| Refusal::new(400, code, message))?;
    if let Some(name) = unknown.first() {
        let message = format!(
            "The property '{name}' does not exist on type 'microsoft.graph.message'. Make sure to only use property names that are defined by the type."
        );
        return Err(Refusal::new(400, "RequestBodyRead", message));
    }
    if rewrites {
        content = Some(std::sync::Arc::new(ingest::read(letter.to_mime(now))));
    }
    store.change(key, now, |message| {
        if let Some(content) = content {
            message.content = content;
            message.message_id = letter.message_id;
        }
        marks.apply(message);
    });
    Ok(answer_with(target, &store, key, &Select::of(call)?, call, 200))
}

/// The properties that any message can be given.
#[derive(Default)]
struct Marks {
    is_read: Option<bool>,
    categories: Option<Vec<String>>,
    flag: Option<String>,
    importance: Option<String>,
    inference: Option<String>,
    extended: Vec<(String, String)>,
}

impl Marks {
    fn read(body: &Map<String, Value>) -> Result<Self, Refusal> {
        let mut marks = Self::default();
        for (name, value) in body {
            match name.as_str() {
                "isRead" => marks.is_read = Some(value.as_bool().ok_or_else(|| conversion(name))?),
                "categories" => {
                    let list = value.as_array().ok_or_else(|| conversion(name))?;
                    let texts: Option<Vec<String>> =
                        list.iter().map(|one| one.as_str().map(str::to_owned)).collect();
                    marks.categories = Some(texts.ok_or_else(|| conversion(name))?);
                }
                "flag" => {
                    let status =
                        value.get("flagStatus").and_then(Value::as_str).ok_or_else(|| conversion(name))?;
                    if !["notFlagged", "flagged", "complete"].contains(&status) {
                        return Err(conversion(name));
                    }
                    marks.flag = Some(value.to_string());
                }
                "importance" => marks.importance = Some(one_of(name, value, &["low", "normal", "high"])?),
                "inferenceClassification" => {
                    marks.inference = Some(one_of(name, value, &["focused", "other"])?);
                }
                "singleValueExtendedProperties" => {
                    let list = value.as_array().ok_or_else(|| conversion(name))?;
                    let pairs = compose::extended(value);
                    if pairs.len() != list.len() || pairs.keys().any(|id| !is_property_id(id)) {
                        let message = "The extended property attribute combination is invalid.";
                        return Err(Refusal::new(400, "ErrorInvalidExtendedProperty", message));
                    }
                    marks.extended = pairs.into_iter().collect();
                }
                _ => {}
            }
        }
        Ok(marks)
    }

    fn apply(self, message: &mut crate::exchange::mailbox::Message) {
        if let Some(is_read) = self.is_read {
            message.is_read = is_read;
        }
        if let Some(categories) = self.categories {
            message.categories = categories;
        }
        if let Some(flag) = self.flag {
            message.flag = flag;
        }
        if let Some(importance) = self.importance {
            message.importance = importance;
        }
        if let Some(inference) = self.inference {
            message.inference = inference;
        }
        message.extended.extend(self.extended);
    }
}

fn one_of(name: &str, value: &Value, known: &[&str]) -> Result<String, Refusal> {
    let text = value.as_str().unwrap_or_default();
    known
        .iter()
        .find(|one| one.eq_ignore_ascii_case(text))
        .map(|one| (*one).to_owned())
        .ok_or_else(|| conversion(name))
}

/// `String {guid} Name X`, `Integer {guid} Id 0x8012`, `String 0x1042`.
fn is_property_id(id: &str) -> bool {
    let mut words = id.splitn(4, ' ');
    let kind = words.next().unwrap_or_default();
    let kinds = ["String", "Integer", "Boolean", "Double", "SystemTime", "Binary", "CLSID", "Long", "Short"];
    if !kinds.contains(&kind) {
        return false;
    }
    match (words.next(), words.next(), words.next()) {
        (Some(tag), None, None) => tag.starts_with("0x") && u32::from_str_radix(&tag[2..], 16).is_ok(),
        (Some(set), Some("Name" | "Id"), Some(name)) => {
            uuid::Uuid::parse_str(set).is_ok() && !name.is_empty()
        }
        _ => false,
    }
}

/// Moves or copies a message.
pub(crate) fn relocate(target: &Target<'_>, call: &Call, id: &str, copies: bool) -> Outcome {
    let body = call.object()?;
    let destination = body
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("destinationId"))
        .and_then(|(_, value)| value.as_str())
        .filter(|text| !text.is_empty());
    let Some(destination) = destination else {
        return Err(Refusal::new(
            400,
            "ErrorInvalidParameter",
            "Required parameter destinationId is missing.",
        ));
    };
    let mut store = target.mailbox.store();
    let key = find(&store, id)?;
    let folder = store.folder(destination).ok_or_else(Refusal::no_folder)?.number;
    let moved = if copies {
        store.copy(key, folder, target.now).ok_or_else(Refusal::no_item)?
    } else {
        store.relocate(key, folder, target.now);
        key
    };
    Ok(answer_with(target, &store, moved, &Select::of(call)?, call, 201))
}

/// DELETE: into Deleted Items, from there into the recoverable ones.
pub(crate) fn delete(target: &Target<'_>, id: &str, for_good: bool) -> Outcome {
    let mut store = target.mailbox.store();
    let key = find(&store, id)?;
    let folder = store.messages.get(&key).map(|message| message.folder);
    match folder {
        _ if for_good => store.remove(key),
        Some(RECOVERABLE) => store.remove(key),
        Some(DELETED) => store.relocate(key, RECOVERABLE, target.now),
        _ => store.relocate(key, DELETED, target.now),
    }
    Ok(Answer::empty(204))
}

/// A new folder.
pub(crate) fn create_folder(target: &Target<'_>, call: &Call, parent: Option<&str>) -> Outcome {
    let body = call.object()?;
    let name = body.get("displayName").and_then(Value::as_str).map(str::trim).unwrap_or_default();
    if name.is_empty() {
        return Err(Refusal::new(400, "ErrorInvalidParameter", "Required property displayName is missing."));
    }
    let mut store = target.mailbox.store();
    let parent = match parent {
        Some(id) => store.folder(id).ok_or_else(Refusal::no_folder)?.number,
        None => ROOT,
    };
    let Some(number) = store.add_folder(parent, name) else {
        return Err(Refusal::new(
            409,
            "ErrorFolderExists",
            "A folder with the specified name already exists.",
        ));
    };
    let mut body = store.folders.get(&number).map(|folder| show::folder(&store, folder)).unwrap_or_default();
    let context =
        format!("{}/v1.0/$metadata#users('{}')/mailFolders/$entity", target.base, target.mailbox.owner);
    body["@odata.context"] = context.into();
    Ok(Answer::value(201, &body))
}

/// Renames a folder.
pub(crate) fn rename_folder(target: &Target<'_>, call: &Call, id: &str) -> Outcome {
    let body = call.object()?;
    let mut store = target.mailbox.store();
    let number = store.folder(id).ok_or_else(Refusal::no_folder)?.number;
    if let (Some(name), Some(folder)) =
        (body.get("displayName").and_then(Value::as_str), store.folders.get_mut(&number))
    {
        name.clone_into(&mut folder.name);
    }
    let shown = store.folders.get(&number).map(|folder| show::folder(&store, folder)).unwrap_or_default();
    Ok(Answer::value(200, &shown))
}

/// Deletes a folder. Well-known ones stay.
pub(crate) fn delete_folder(target: &Target<'_>, id: &str) -> Outcome {
    let mut store = target.mailbox.store();
    let folder = store.folder(id).ok_or_else(Refusal::no_folder)?;
    if folder.well_known.is_some() {
        return Err(Refusal::new(
            400,
            "ErrorDeleteDistinguishedFolder",
            "Distinguished folders cannot be deleted.",
        ));
    }
    let number = folder.number;
    store.remove_folder(number);
    Ok(Answer::empty(204))
}

/// translateExchangeIds: between the ids of Graph, EWS and MAPI.
pub(crate) fn translate(target: &Target<'_>, call: &Call) -> Outcome {
    let body = call.object()?;
    let member =
        |name: &str| body.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let Some(Value::Array(inputs)) = member("inputIds") else {
        return Err(Refusal::new(400, "ErrorInvalidParameter", "Required parameter inputIds is missing."));
    };
    if inputs.len() > 1_000 {
        return Err(Refusal::new(
            400,
            "ErrorInvalidParameter",
            "At most 1000 ids can be translated at once.",
        ));
    }
    let kind = |name: &str| -> Result<String, Refusal> {
        let text = member(name).and_then(Value::as_str).unwrap_or_default();
        let known = ["entryId", "ewsId", "immutableEntryId", "restId", "restImmutableEntryId"];
        known.iter().find(|one| one.eq_ignore_ascii_case(text)).map(|one| (*one).to_owned()).ok_or_else(
            || {
                Refusal::new(
                    400,
                    "ErrorInvalidParameter",
                    format!("The value '{text}' of {name} is not valid."),
                )
            },
        )
    };
    let (source, wanted) = (kind("sourceIdType")?, kind("targetIdType")?);
    let store = target.mailbox.store();
    let value: Vec<Value> = inputs
        .iter()
        .map(|input| {
            let given = input.as_str().unwrap_or_default();
            let fail = |code: &str, message: &str| {
                json!({"sourceId": given, "errorDetails": {"code": code, "message": message}})
            };
            match translated(&store, given, &source, &wanted) {
                Ok(Some(id)) => json!({"sourceId": given, "targetId": id}),
                Ok(None) => {
                    fail("ErrorItemNotFound", "The specified object was not found in the store.")
                }
                Err(Malformed) => fail("ErrorInvalidIdMalformed", "Id is malformed."),
            }
        })
        .collect();
    let context = format!("{}/v1.0/$metadata#Collection(microsoft.graph.convertIdResult)", target.base);
    Ok(Answer::value(200, &json!({"@odata.context": context, "value": value})))
}

/// An id that is none of its kind, or of another mailbox.
struct Malformed;

/// The id of another kind that an id means; nothing when what it means is gone.
fn translated(store: &Store, given: &str, source: &str, wanted: &str) -> Result<Option<String>, Malformed> {
    let own = |mailbox: u32| if mailbox == store.mailbox { Ok(()) } else { Err(Malformed) };
    let folder = match source {
        "restId" | "restImmutableEntryId" => ids::read_folder(given),
        "ewsId" => ews_ids::read_folder(given),
        _ => None,
    };
    if let Some((mailbox, number)) = folder {
        own(mailbox)?;
        let id = match wanted {
            "ewsId" => ews_ids::folder(mailbox, number),
            "restId" | "restImmutableEntryId" => ids::folder(mailbox, number),
            // Folders have no entry id here.
            _ => return Err(Malformed),
        };
        return Ok(store.folders.contains_key(&number).then_some(id));
    }
    let key = match source {
        "ewsId" | "entryId" => {
            let read = if source == "ewsId" { ItemId::read } else { ItemId::read_entry };
            let id = read(given).ok_or(Malformed)?;
            own(id.mailbox)?;
            store.ews_key(id)
        }
        "immutableEntryId" => {
            let (mailbox, key) = ews_ids::read_immutable_entry(given).ok_or(Malformed)?;
            own(mailbox)?;
            store.messages.contains_key(&key).then_some(key)
        }
        _ => {
            let id = ids::message(given).ok_or(Malformed)?;
            let (MessageId::Immutable { mailbox, .. } | MessageId::Ordinary { mailbox, .. }) = id;
            own(mailbox)?;
            store.key(id)
        }
    };
    let message = key.and_then(|key| store.messages.get(&key));
    Ok(message.map(|message| match wanted {
        "ewsId" => message.ews_id(store.mailbox).ews(),
        "entryId" => message.ews_id(store.mailbox).entry(),
        "immutableEntryId" => ews_ids::immutable_entry(store.mailbox, message.key),
        kind => message.id(store.mailbox, kind == "restImmutableEntryId"),
    }))
}

/// Whether the advanced permission is needed from this moment on.
#[cfg(test)]
pub(crate) fn advanced_from() -> jiff::Timestamp {
    jiff::Timestamp::from_second(ADVANCED_FROM).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The forms of extended property ids.
    #[test]
    fn property_ids() {
        for good in [
            "String {00020329-0000-0000-C000-000000000046} Name X",
            "String 0x1042",
            "Integer {00020329-0000-0000-c000-000000000046} Id 0x8012",
        ] {
            assert!(is_property_id(good), "{good}");
        }
        for wrong in [
            "X",
            "String",
            "String X",
            "Text 0x1042",
            "String {no} Name X",
            "String {00020329-0000-0000-C000-000000000046} Called X",
        ] {
            assert!(!is_property_id(wrong), "{wrong}");
        }
    }

    /// The day in the facts.
    #[test]
    fn the_advanced_permission_begins_on_its_day() {
        assert_eq!(advanced_from().to_string(), "2026-12-31T00:00:00Z");
    }
}
