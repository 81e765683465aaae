//! Messages, folders, users and attachments as Graph's JSON.
//!
//! What the bytes of a message decide is JSON text already; a page copies it. Only what can change is written anew.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::Refusal;
use super::call::Call;
use crate::exchange::ingest::Content;
use crate::exchange::mailbox::{Damage, Folder, Message, Store};
use crate::exchange::parts::{self, Attachment};
use crate::exchange::transport::built_in_properties;
use crate::exchange::{class, ids};
use crate::tenant::User;

/// The properties of a message in the order that Graph gives them.
const PROPERTIES: [&str; 30] = [
    "createdDateTime",
    "lastModifiedDateTime",
    "changeKey",
    "categories",
    "receivedDateTime",
    "sentDateTime",
    "hasAttachments",
    "internetMessageId",
    "subject",
    "bodyPreview",
    "importance",
    "parentFolderId",
    "conversationId",
    "conversationIndex",
    "isDeliveryReceiptRequested",
    "isReadReceiptRequested",
    "isRead",
    "isDraft",
    "webLink",
    "inferenceClassification",
    "body",
    "sender",
    "from",
    "toRecipients",
    "ccRecipients",
    "bccRecipients",
    "replyTo",
    "flag",
    // These come only when they are asked for.
    "internetMessageHeaders",
    "uniqueBody",
];
const USUAL: usize = 28;

/// Which properties are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Select {
    wanted: Vec<&'static str>,
    /// Filters of `$expand=singleValueExtendedProperties`: the ids asked for.
    extended: Option<Vec<String>>,
    attachments: bool,
    /// Whether nothing was selected, so that all comes that usually does.
    is_usual: bool,
}

impl Select {
    /// Reads `$select` and `$expand`.
    pub(crate) fn of(call: &Call) -> Result<Self, Refusal> {
        Self::read(call.option("select"), call.option("expand"))
    }

    pub(crate) fn read(select: Option<&str>, expand: Option<&str>) -> Result<Self, Refusal> {
        let mut wanted = Vec::new();
        for name in select.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match PROPERTIES.iter().find(|own| own.eq_ignore_ascii_case(name)) {
                Some(own) if !wanted.contains(own) => wanted.push(*own),
                Some(_) => {}
                None if name.eq_ignore_ascii_case("id") => {}
                None if name == "*" => wanted.extend(&PROPERTIES[..USUAL]),
                None => return Err(Refusal::no_property(name)),
            }
        }
        let is_usual = select.is_none_or(|select| select.trim().is_empty());
        if is_usual {
            wanted = PROPERTIES[..USUAL].to_vec();
        }
        let expand = expand.unwrap_or_default();
        let lower = expand.to_ascii_lowercase();
        let extended = lower.contains("singlevalueextendedproperties").then(|| quoted_ids(expand));
        let attachments = lower.contains("attachments");
        if !expand.is_empty() && extended.is_none() && !attachments {
            let name = expand.split('(').next().unwrap_or(expand);
            return Err(Refusal::no_property(name));
        }
        Ok(Self { wanted, extended, attachments, is_usual })
    }
}

/// Properties that need nothing of a message's content.
const ROW_PROPERTIES: [&str; 13] = [
    "createdDateTime",
    "lastModifiedDateTime",
    "changeKey",
    "receivedDateTime",
    "parentFolderId",
    "isRead",
    "isDraft",
    "inferenceClassification",
    "internetMessageId",
    "conversationId",
    "categories",
    "importance",
    "flag",
];

impl Select {
    /// Whether a message is asked for that cannot be read: what a corrupt item does to whoever wants its content.
    pub(crate) fn breaks_on(&self, message: &Message) -> bool {
        let reads_content = self.extended.is_some()
            || self.attachments
            || self.wanted.iter().any(|name| !ROW_PROPERTIES.contains(name));
        reads_content && matches!(message.damage, Damage::Item | Damage::Batch)
    }
}

/// The literals after `id eq`.
fn quoted_ids(expand: &str) -> Vec<String> {
    let lower = expand.to_ascii_lowercase();
    let mut out = Vec::new();
    let mut from = 0;
    while let Some(at) = lower[from..].find("id eq '") {
        let begin = from + at + "id eq '".len();
        let Some(end) = expand[begin..].find('\'') else { break };
        out.push(expand[begin..begin + end].to_owned());
        from = begin + end;
    }
    out
}

/// A moment as Graph writes it.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn quote(out: &mut String, text: &str) {
    out.push_str(&Value::from(text).to_string());
}

/// The entity tag of a message.
pub(crate) fn etag(message: &Message) -> String {
    format!("W/\"{}\"", message.change_key())
}

/// The conversation id as Graph writes it.
pub(crate) fn conversation_id(message: &Message) -> String {
    format!("AAQkAGI1AAAv{}=", URL_SAFE_NO_PAD.encode(message.conversation.as_bytes()))
}

fn conversation_index(message: &Message) -> String {
    let mut bytes = vec![1_u8];
    bytes.extend_from_slice(&message.created.as_second().to_be_bytes()[3..]);
    bytes.extend_from_slice(message.conversation.as_bytes());
    STANDARD.encode(bytes)
}

/// How bodies and ids are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form<'a> {
    pub(crate) immutable: bool,
    pub(crate) body: Option<&'a str>,
    /// Whether `@odata.type` is written, as in deltas.
    pub(crate) typed: bool,
}

impl<'a> Form<'a> {
    pub(crate) fn of(call: &'a Call) -> Self {
        Self { immutable: call.prefer.immutable, body: call.prefer.body.as_deref(), typed: false }
    }
}

/// Writes a message as a JSON object without its closing brace, so that more can follow.
fn begin_message(out: &mut String, store: &Store, message: &Message, select: &Select, form: Form<'_>) {
    out.push('{');
    // A type that is derived from the one that was asked for is told always.
    let (kind, meeting) = class::graph_type(&message.content.class);
    if form.typed || meeting.is_some() {
        let _ = write!(out, "\"@odata.type\":\"#microsoft.graph.{kind}\",");
    }
    let _ = write!(out, "\"@odata.etag\":\"W/\\\"{}\\\"\",\"id\":\"", message.change_key());
    out.push_str(&message.id(store.mailbox, form.immutable));
    out.push('"');
    for name in &select.wanted {
        let _ = write!(out, ",\"{name}\":");
        property(out, store, message, name, form);
    }
    // What a derived type has beside the properties of a message comes where nothing is selected.
    if let Some(meeting) = meeting.filter(|_| select.is_usual) {
        let _ = write!(
            out,
            ",\"meetingMessageType\":\"{meeting}\",\"isOutOfDate\":false,\"isDelegated\":false,\"isAllDay\":false,\"type\":\"singleInstance\""
        );
    }
    if let Some(wanted) = &select.extended {
        extended(out, message, wanted);
    }
}

/// Writes a message as a JSON object.
pub(crate) fn message(out: &mut String, store: &Store, message: &Message, select: &Select, form: Form<'_>) {
    begin_message(out, store, message, select, form);
    if select.attachments {
        let listed: Vec<Value> = parts::of_raw(&message.content.raw, &message.content.body)
            .iter()
            .enumerate()
            .map(|(index, file)| attachment(store, message, index, file, Some(&message.content.raw), None))
            .collect();
        let _ = write!(out, ",\"attachments\":{}", Value::Array(listed));
    }
    out.push('}');
}

/// A single message as an answer has it, with its context.
pub(crate) fn single(context: &str, store: &Store, one: &Message, select: &Select, form: Form<'_>) -> String {
    let mut out = String::from("{\"@odata.context\":");
    quote(&mut out, context);
    out.push(',');
    let mut body = String::new();
    message(&mut body, store, one, select, form);
    out.push_str(&body[1..]);
    out
}

fn property(out: &mut String, store: &Store, message: &Message, name: &str, form: Form<'_>) {
    let content: &Content = &message.content;
    match name {
        "createdDateTime" => quote(out, &moment(message.created)),
        "lastModifiedDateTime" => quote(out, &moment(message.modified)),
        "changeKey" => quote(out, &message.change_key()),
        "categories" => out.push_str(&Value::from(message.categories.clone()).to_string()),
        "receivedDateTime" => quote(out, &moment(message.received)),
        "sentDateTime" => quote(out, &moment(content.sent.unwrap_or(message.received))),
        "internetMessageId" => quote(out, &message.message_id),
        "importance" => quote(out, &message.importance),
        "parentFolderId" => quote(out, &ids::folder(store.mailbox, message.folder)),
        "conversationId" => quote(out, &conversation_id(message)),
        "conversationIndex" => quote(out, &conversation_index(message)),
        "isRead" => out.push_str(if message.is_read { "true" } else { "false" }),
        "isDraft" => out.push_str(if message.is_draft { "true" } else { "false" }),
        "webLink" => {
            let id = message.id(store.mailbox, form.immutable);
            let id = percent_encoding::utf8_percent_encode(&id, percent_encoding::NON_ALPHANUMERIC);
            let link =
                format!("https://outlook.office365.com/owa/?ItemID={id}&exvsurl=1&viewmodel=ReadMessageItem");
            quote(out, &link);
        }
        "inferenceClassification" => quote(out, &message.inference),
        "flag" => out.push_str(&message.flag),
        "body" | "uniqueBody" => body(out, content, form),
        other => out.push_str(content.property(other).unwrap_or("null")),
    }
}

fn body(out: &mut String, content: &Content, form: Form<'_>) {
    let (kind, text) = match form.body {
        Some("text") if content.is_html => ("text", parts::text_of_html(&content.body)),
        Some("html") if !content.is_html => {
            let text = parts::escape(&content.body).replace("\r\n", "\n").replace('\n', "<br>\r\n");
            ("html", parts::with_charset(&format!("<div class=\"PlainText\">{text}</div>")))
        }
        _ => {
            out.push_str(content.property("body").unwrap_or("null"));
            return;
        }
    };
    out.push_str(&json!({"contentType": kind, "content": text}).to_string());
}

fn extended(out: &mut String, message: &Message, wanted: &[String]) {
    let built_in = built_in_properties(&message.content, &message.message_id);
    let found: Vec<Value> = wanted
        .iter()
        .filter_map(|id| {
            let own = message.extended.iter().find(|(own, _)| ids::is_same_property(own, id));
            let of_exchange =
                || built_in.iter().find(|(own, _)| ids::is_same_property(own, id)).map(|(_, value)| value);
            let value = own.map(|(_, value)| value).or_else(of_exchange)?;
            Some(json!({"id": id, "value": value}))
        })
        .collect();
    if !found.is_empty() {
        let _ = write!(out, ",\"singleValueExtendedProperties\":{}", Value::Array(found));
    }
}

/// An attachment; with its bytes when `raw` is given.
pub(crate) fn attachment(
    store: &Store,
    message: &Message,
    index: usize,
    file: &Attachment,
    raw: Option<&Bytes>,
    item: Option<Value>,
) -> Value {
    let id = ids::attachment(store.mailbox, message.key, u32::try_from(index).unwrap_or(u32::MAX));
    let kind = if file.is_item { "itemAttachment" } else { "fileAttachment" };
    let mut value = json!({
        "@odata.type": format!("#microsoft.graph.{kind}"),
        "id": id,
        "lastModifiedDateTime": moment(message.created),
        "name": file.name,
        "contentType": if file.is_item { Value::Null } else { file.content_type.as_str().into() },
        // Exchange counts what it keeps beside the bytes.
        "size": file.size + 150,
        "isInline": file.is_inline,
    });
    if !file.is_item {
        value["@odata.mediaContentType"] = file.content_type.as_str().into();
        value["contentId"] = file.content_id.as_deref().map_or(Value::Null, Value::from);
        value["contentLocation"] = Value::Null;
        if let Some(raw) = raw {
            value["contentBytes"] = STANDARD.encode(parts::content(raw, file)).into();
        }
    } else if let Some(item) = item {
        value["item"] = item;
    }
    value
}

/// The message inside an item attachment.
pub(crate) fn inner_message(content: &Content) -> Value {
    let property = |name: &str| -> Value {
        content.property(name).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    let (kind, _) = class::graph_type(&content.class);
    let mut item = json!({"@odata.type": format!("#microsoft.graph.{kind}"), "internetMessageId": content.message_id,
        "sentDateTime": content.sent.map(moment), "importance": content.importance});
    for name in [
        "subject",
        "body",
        "sender",
        "from",
        "toRecipients",
        "ccRecipients",
        "bccRecipients",
        "replyTo",
        "hasAttachments",
        "bodyPreview",
        "internetMessageHeaders",
    ] {
        item[name] = property(name);
    }
    item
}

/// A folder.
pub(crate) fn folder(store: &Store, folder: &Folder) -> Value {
    let children =
        store.folders.values().filter(|child| child.parent == folder.number && !child.is_hidden()).count();
    let parent = if folder.parent == 0 { folder.number } else { folder.parent };
    json!({
        "id": ids::folder(store.mailbox, folder.number),
        "displayName": folder.name,
        "parentFolderId": ids::folder(store.mailbox, parent),
        "childFolderCount": children,
        "unreadItemCount": folder.unread,
        "totalItemCount": folder.total(),
        "sizeInBytes": 0,
        "isHidden": folder.is_hidden(),
    })
}

/// The extended properties of a folder that `$expand` asks for: what a folder has of them here is its size.
pub(crate) fn extended_of_folder(store: &Store, folder: &Folder, call: &Call) -> Vec<Value> {
    quoted_ids(call.option("expand").unwrap_or_default())
        .into_iter()
        .filter(|id| ids::is_same_property(id, ids::FOLDER_SIZE))
        .map(|_| json!({"id": ids::FOLDER_SIZE, "value": store.size_of_folder(folder.number).to_string()}))
        .collect()
}

/// A user.
pub(crate) fn user(user: &User) -> Value {
    let (given, family) = user.name.split_once(' ').unwrap_or((&user.name, ""));
    json!({
        "businessPhones": [], "displayName": user.name, "givenName": given, "jobTitle": null,
        "mail": if user.mailbox { Value::from(user.upn.as_str()) } else { Value::Null },
        "mobilePhone": null, "officeLocation": null, "preferredLanguage": "en-US", "surname": family,
        "userPrincipalName": user.upn, "id": user.oid,
    })
}
