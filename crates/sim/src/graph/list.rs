//! Reading: folders, lists of messages, one message, its MIME.

use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::{Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::call::Call;
use super::filter::{self, Filter, Subject, Worth};
use super::show::{self, Form, Select};
use super::{Target, find};
use crate::exchange::ids;
use crate::exchange::mailbox::{Damage, Folder, Message, ROOT, Store};
use crate::exchange::transport::built_in_properties;

/// A message under a filter.
pub(crate) struct Filtered<'a> {
    pub(crate) store: &'a Store,
    pub(crate) message: &'a Message,
}

impl Subject for Filtered<'_> {
    fn worth(&self, path: &str) -> Option<Worth> {
        let message = self.message;
        let content = &message.content;
        let text = |text: &str| Some(Worth::Text(text.to_owned()));
        match path {
            "id" => text(&message.id(self.store.mailbox, false)),
            "isread" => Some(Worth::Bool(message.is_read)),
            "isdraft" => Some(Worth::Bool(message.is_draft)),
            "hasattachments" => Some(Worth::Bool(content.has_attachments)),
            "subject" => text(&content.subject),
            "internetmessageid" => text(&message.message_id),
            "conversationid" => text(&show::conversation_id(message)),
            "parentfolderid" => text(&ids::folder(self.store.mailbox, message.folder)),
            "importance" => text(&message.importance),
            "inferenceclassification" => text(&message.inference),
            "receiveddatetime" => Some(Worth::Time(message.received)),
            "sentdatetime" => Some(Worth::Time(content.sent.unwrap_or(message.received))),
            "createddatetime" => Some(Worth::Time(message.created)),
            "lastmodifieddatetime" => Some(Worth::Time(message.modified)),
            "bodypreview" | "body/content" => text(&content.body),
            "flag/flagstatus" => {
                let flag: Value = serde_json::from_str(&message.flag).unwrap_or_default();
                text(flag["flagStatus"].as_str().unwrap_or_default())
            }
            "from/emailaddress/address" | "sender/emailaddress/address" => {
                text(content.from.as_ref().map_or("", |from| &from.address))
            }
            "from/emailaddress/name" | "sender/emailaddress/name" => {
                text(content.from.as_ref().map_or("", |from| &from.name))
            }
            _ => None,
        }
    }

    fn members(&self, path: &str) -> Option<Vec<Vec<(&'static str, String)>>> {
        let content = &self.message.content;
        let people = |people: &[crate::exchange::ingest::Person]| {
            let one = |person: &crate::exchange::ingest::Person| {
                vec![
                    ("emailaddress/address", person.address.clone()),
                    ("emailaddress/name", person.name.clone()),
                ]
            };
            Some(people.iter().map(one).collect())
        };
        match path {
            "categories" => {
                Some(self.message.categories.iter().map(|name| vec![("", name.clone())]).collect())
            }
            "torecipients" => people(&content.to),
            "ccrecipients" => people(&content.cc),
            "singlevalueextendedproperties" => {
                let own = self.message.extended.iter().map(|(id, value)| (id.clone(), value.clone()));
                let built_in = built_in_properties(content, &self.message.message_id);
                let all = own.chain(built_in.into_iter().map(|(id, value)| (id.to_owned(), value)));
                // A property set has its own letter case with every client; the name behind it counts letter by letter.
                let spelled = all.flat_map(|(id, value)| {
                    ids::spellings(&id).into_iter().map(move |id| vec![("id", id), ("value", value.clone())])
                });
                Some(spelled.collect())
            }
            _ => None,
        }
    }
}

struct FilteredFolder<'a>(&'a Folder, u32);

impl Subject for FilteredFolder<'_> {
    fn worth(&self, path: &str) -> Option<Worth> {
        let number = |number: usize| Some(Worth::Number(i64::try_from(number).unwrap_or(i64::MAX)));
        match path {
            "displayname" => Some(Worth::Text(self.0.name.clone())),
            "id" => Some(Worth::Text(ids::folder(self.1, self.0.number))),
            "totalitemcount" => number(self.0.total()),
            "unreaditemcount" => number(self.0.unread),
            "ishidden" => Some(Worth::Bool(self.0.is_hidden())),
            _ => None,
        }
    }

    fn members(&self, _path: &str) -> Option<Vec<Vec<(&'static str, String)>>> {
        None
    }
}

/// Reads `$filter`.
pub(crate) fn read_filter(call: &Call) -> Result<Option<Filter>, Refusal> {
    let Some(text) = call.option("filter").filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    Filter::read(text).map(Some).map_err(|reason| {
        Refusal::new(400, "BadRequest", format!("Invalid filter clause: {reason} in '{text}'."))
    })
}

/// The folders below `parent`.
pub(crate) fn folders(target: &Target<'_>, call: &Call, parent: Option<&str>) -> Outcome {
    let filter = read_filter(call)?;
    let top = call.number("top", 1, 1_000)?.unwrap_or(10);
    let skip = call.number("skip", 0, usize::MAX)?.unwrap_or(0);
    let store = target.mailbox.store();
    let parent = match parent {
        Some(id) => store.folder(id).ok_or_else(Refusal::no_folder)?.number,
        None => ROOT,
    };
    let with_hidden =
        call.option("includehiddenfolders").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let mut found: Vec<&Folder> = Vec::new();
    for folder in store.folders.values().filter(|folder| folder.parent == parent) {
        let is_meant = match &filter {
            Some(filter) => filter
                .matches(&FilteredFolder(folder, store.mailbox))
                .map_err(|name| Refusal::no_property(&name))?,
            None => true,
        };
        if is_meant && (with_hidden || !folder.is_hidden()) {
            found.push(folder);
        }
    }
    found.sort_by_key(|folder| folder.name.to_lowercase());
    let value: Vec<Value> =
        found.iter().skip(skip).take(top).map(|folder| show::folder(&store, folder)).collect();
    let context = format!("{}/v1.0/$metadata#users('{}')/mailFolders", target.base, target.mailbox.owner);
    let mut body = json!({"@odata.context": context, "value": value});
    if call.option("count").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        body["@odata.count"] = found.len().into();
    }
    if skip + top < found.len() {
        body["@odata.nextLink"] = next_link(target, call, skip + top).into();
    }
    Ok(Answer::value(200, &body))
}

/// One folder.
pub(crate) fn folder(target: &Target<'_>, call: &Call, id: &str) -> Outcome {
    let store = target.mailbox.store();
    let found = store.folder(id).ok_or_else(|| {
        if ids::read_folder(id).is_none() && id.len() > 40 {
            Refusal::malformed_id()
        } else {
            Refusal::no_folder()
        }
    })?;
    let mut body = show::folder(&store, found);
    let extended = show::extended_of_folder(&store, found, call);
    if !extended.is_empty() {
        body["singleValueExtendedProperties"] = extended.into();
    }
    let context =
        format!("{}/v1.0/$metadata#users('{}')/mailFolders/$entity", target.base, target.mailbox.owner);
    body["@odata.context"] = context.into();
    Ok(Answer::value(200, &body))
}

/// The same request, further on.
fn next_link(target: &Target<'_>, call: &Call, skip: usize) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in call.options.iter().filter(|(name, _)| name != "skip") {
        query.append_pair(&format!("${name}"), value);
    }
    query.append_pair("$skip", &skip.to_string());
    let path: Vec<String> = call
        .path
        .iter()
        .map(|segment| percent_encoding::utf8_percent_encode(segment, super::SEGMENT).to_string())
        .collect();
    format!("{}/v1.0/{}?{}", target.base, path.join("/"), query.finish().replace("%24", "$"))
}

/// The messages of a folder, or of the whole mailbox.
pub(crate) fn messages(target: &Target<'_>, call: &Call, folder: Option<&str>) -> Outcome {
    let select = Select::of(call)?;
    let filter = read_filter(call)?;
    let order = call.option("orderby").map(filter::order).unwrap_or_default();
    if let Some(filter) = &filter
        && !order.is_empty()
        && !filter::is_efficient(filter, &order)
    {
        let message = "The restriction or sort order is too complex for this operation.";
        return Err(Refusal::new(400, "InefficientFilter", message));
    }
    let search = call.option("search").map(|text| text.trim_matches('"').to_lowercase());
    if search.is_some() && (filter.is_some() || !order.is_empty()) {
        let message = "The query parameter '$search' is not supported with '$filter' or '$orderby'.";
        return Err(Refusal::new(400, "SearchWithFilter", message));
    }
    let top = call.number("top", 1, 1_000)?.unwrap_or_else(|| call.prefer.page_size.unwrap_or(10).min(1_000));
    let skip = call.number("skip", 0, usize::MAX)?.unwrap_or(0);
    let store = target.mailbox.store();
    let keys: Vec<u64> = if let Some(id) = folder {
        store.folder(id).ok_or_else(Refusal::no_folder)?.newest_first().collect()
    } else {
        let mut all: Vec<(i64, u64)> =
            store.messages.values().map(|message| (message.received.as_microsecond(), message.key)).collect();
        all.sort_unstable_by(|one, other| other.cmp(one));
        all.into_iter().map(|(_, key)| key).collect()
    };
    let mut found: Vec<&Message> = Vec::with_capacity(if filter.is_some() { 16 } else { keys.len() });
    for message in keys.iter().filter_map(|key| store.messages.get(key)) {
        let subject = Filtered { store: &store, message };
        let is_meant = match (&filter, &search) {
            (Some(filter), _) => filter.matches(&subject).map_err(|name| Refusal::no_property(&name))?,
            (None, Some(words)) => is_found(message, words),
            (None, None) => true,
        };
        if is_meant {
            found.push(message);
        }
    }
    sort(&store, &mut found, &order)?;
    let context = match folder {
        Some(_) => format!(
            "users('{}')/mailFolders('{}')/messages",
            target.mailbox.owner,
            folder.unwrap_or_default()
        ),
        None => format!("users('{}')/messages", target.mailbox.owner),
    };
    let mut out = String::with_capacity(4096 * top.min(found.len()).max(1));
    let _ = write!(
        out,
        "{{\"@odata.context\":{}",
        Value::from(format!("{}/v1.0/$metadata#{context}", target.base))
    );
    if call.option("count").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        let _ = write!(out, ",\"@odata.count\":{}", found.len());
    }
    out.push_str(",\"value\":[");
    for (index, message) in found.iter().skip(skip).take(top).enumerate() {
        if select.breaks_on(message) {
            return Err(Refusal::corrupt(target.quirks.names_corrupt));
        }
        if index > 0 {
            out.push(',');
        }
        show::message(&mut out, &store, message, &select, Form::of(call));
    }
    out.push(']');
    if skip + top < found.len() {
        let _ = write!(out, ",\"@odata.nextLink\":{}", Value::from(next_link(target, call, skip + top)));
    }
    out.push('}');
    Ok(Answer::json(200, out))
}

fn is_found(message: &Message, words: &str) -> bool {
    let content = &message.content;
    let from =
        content.from.as_ref().map(|from| format!("{} {}", from.name, from.address)).unwrap_or_default();
    let all = format!("{} {from} {}", content.subject, content.body).to_lowercase();
    words.split_whitespace().all(|word| {
        let word = word.split_once(':').map_or(word, |(_, word)| word);
        all.contains(word)
    })
}

fn sort(store: &Store, found: &mut [&Message], order: &[(String, bool)]) -> Result<(), Refusal> {
    for (path, descends) in order.iter().rev() {
        if path == "receiveddatetime" {
            // Nothing says in which order the messages of one second come: newest first, so that nobody relies on the other one.
            found.sort_by_key(|message| {
                (message.received, if *descends { message.key } else { u64::MAX - message.key })
            });
        } else {
            let worth = |message: &&Message| match (Filtered { store, message }).worth(path) {
                Some(Worth::Text(text)) => Some(text.to_lowercase()),
                Some(Worth::Time(at)) => Some(show::moment(at)),
                Some(Worth::Bool(value)) => Some(value.to_string()),
                _ => None,
            };
            if found.first().is_some_and(|first| worth(first).is_none()) {
                return Err(Refusal::no_property(path));
            }
            found.sort_by_cached_key(worth);
        }
        if *descends {
            found.reverse();
        }
    }
    Ok(())
}

/// How many messages a folder has.
pub(crate) fn count(target: &Target<'_>, call: &Call, folder: Option<&str>) -> Outcome {
    let filter = read_filter(call)?;
    let store = target.mailbox.store();
    let folder = folder
        .map(|id| store.folder(id).map(|found| found.number).ok_or_else(Refusal::no_folder))
        .transpose()?;
    let mut number = 0_usize;
    for message in
        store.messages.values().filter(|message| folder.is_none_or(|folder| message.folder == folder))
    {
        let is_meant = match &filter {
            Some(filter) => filter
                .matches(&Filtered { store: &store, message })
                .map_err(|name| Refusal::no_property(&name))?,
            None => true,
        };
        number += usize::from(is_meant);
    }
    Ok(Answer::bytes("text/plain", Bytes::from(number.to_string())))
}

/// One message.
pub(crate) fn message(target: &Target<'_>, call: &Call, id: &str) -> Outcome {
    let select = Select::of(call)?;
    let store = target.mailbox.store();
    let key = find(&store, id)?;
    if store.messages.get(&key).is_some_and(|message| select.breaks_on(message)) {
        return Err(Refusal::corrupt_item());
    }
    Ok(answer_with(target, &store, key, &select, call, 200))
}

/// A message as the answer to a change.
pub(crate) fn answer_with(
    target: &Target<'_>,
    store: &Store,
    key: u64,
    select: &Select,
    call: &Call,
    status: u16,
) -> Answer {
    let Some(message) = store.messages.get(&key) else { return Answer::empty(404) };
    let context =
        format!("{}/v1.0/$metadata#users('{}')/messages/$entity", target.base, target.mailbox.owner);
    Answer::json(status, show::single(&context, store, message, select, Form::of(call)))
        .with("etag", show::etag(message))
}

/// The bytes of a message.
pub(crate) fn mime(target: &Target<'_>, id: &str) -> Outcome {
    let store = target.mailbox.store();
    let key = find(&store, id)?;
    let message = store.messages.get(&key).ok_or_else(Refusal::no_item)?;
    if message.damage != Damage::None {
        let text = "The MIME content of the item cannot be made.";
        return Err(Refusal::new(500, "ErrorMimeContentConversionFailed", text));
    }
    Ok(Answer::bytes("text/plain", message.content.raw.clone()))
}
