//! The values of an item's properties, for comparing and sorting.

use jiff::Timestamp;
use serde_json::Value;

use super::shape::{Field, Property};
use crate::exchange::ids::is_same_property;
use crate::exchange::ingest::{Content, Person};
use crate::exchange::mailbox::{Folder, Message, Store};
use crate::exchange::transport::built_in_properties;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Worth {
    Text(String),
    Number(i64),
    Bool(bool),
    Time(Timestamp),
    /// Any of these.
    Several(Vec<String>),
}

/// The first header field of this name.
pub(crate) fn header<'a>(content: &'a Content, name: &str) -> &'a str {
    content
        .headers
        .iter()
        .find(|(own, _)| own.eq_ignore_ascii_case(name))
        .map_or("", |(_, value)| value.as_str())
}

/// `flagged`, `complete` or `notFlagged`.
pub(crate) fn flag_status(message: &Message) -> String {
    let flag: Value = serde_json::from_str(&message.flag).unwrap_or_default();
    flag["flagStatus"].as_str().unwrap_or("notFlagged").to_owned()
}

/// The header field `Sensitivity` in the words of the schema.
pub(crate) fn sensitivity(content: &Content) -> &'static str {
    match header(content, "sensitivity").to_ascii_lowercase().as_str() {
        "personal" => "Personal",
        "private" => "Private",
        "company-confidential" => "Confidential",
        _ => "Normal",
    }
}

/// Names as Outlook shows them in one line.
pub(crate) fn names(people: &[Person]) -> String {
    people.iter().map(|person| person.name.as_str()).collect::<Vec<_>>().join("; ")
}

/// The subject without the marks of answers and forwards.
pub(crate) fn topic(subject: &str) -> String {
    let mut rest = subject.trim();
    while let Some((mark, after)) = rest.split_once(':') {
        let mark = mark.trim().to_ascii_lowercase();
        if !["re", "aw", "fw", "fwd", "wg", "sv", "tr"].contains(&mark.as_str()) {
            break;
        }
        rest = after.trim_start();
    }
    rest.to_owned()
}

/// The value of an extended property.
pub(crate) fn extended(message: &Message, property: &Property) -> Option<String> {
    if let Some(name) = &property.header {
        let value = header(&message.content, name);
        if !value.is_empty() {
            return Some(value.to_owned());
        }
    }
    let own = message.extended.iter().find(|(id, _)| is_same_property(id, &property.id));
    if let Some((_, value)) = own {
        return Some(value.clone());
    }
    if is_same_property(&property.id, "String 0x7d") {
        let lines: Vec<String> =
            message.content.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        return Some(lines.join("\r\n"));
    }
    if is_same_property(&property.id, "String 0x37") {
        return Some(message.content.subject.clone());
    }
    built_in_properties(&message.content, &message.message_id)
        .into_iter()
        .find(|(id, _)| is_same_property(id, &property.id))
        .map(|(_, value)| value)
}

fn addresses(people: &[Person]) -> Worth {
    Worth::Several(people.iter().flat_map(|person| [person.name.clone(), person.address.clone()]).collect())
}

/// The value of a field; `None` when it has none, an error when it cannot be compared.
pub(crate) fn worth(store: &Store, message: &Message, field: &Field) -> Result<Option<Worth>, ()> {
    let content: &Content = &message.content;
    let text = |text: &str| Ok((!text.is_empty()).then(|| Worth::Text(text.to_owned())));
    let uri = match field {
        Field::Extended(property) => return Ok(extended(message, property).map(Worth::Text)),
        Field::Header(name) => return text(header(content, name)),
        Field::Uri(uri) => uri.as_str(),
    };
    match uri {
        "item:ItemId" => text(&message.ews_id(store.mailbox).ews()),
        "item:ItemClass" => text(&content.class),
        "item:Subject" => text(&content.subject),
        "item:Body" | "item:TextBody" => text(&content.body),
        "item:Sensitivity" => text(sensitivity(content)),
        "item:Importance" => Ok(Some(Worth::Number(match message.importance.as_str() {
            "high" => 2,
            "low" => 0,
            _ => 1,
        }))),
        "item:Categories" => Ok(Some(Worth::Several(message.categories.clone()))),
        "item:InReplyTo" => text(header(content, "in-reply-to")),
        "item:DisplayTo" => text(&names(&content.to)),
        "item:DisplayCc" => text(&names(&content.cc)),
        "item:Size" => Ok(Some(Worth::Number(i64::try_from(content.raw.len()).unwrap_or(i64::MAX)))),
        "item:HasAttachments" => Ok(Some(Worth::Bool(content.has_attachments))),
        "item:IsDraft" => Ok(Some(Worth::Bool(message.is_draft))),
        "item:IsAssociated" => Ok(Some(Worth::Bool(false))),
        "item:DateTimeReceived" => Ok(Some(Worth::Time(message.received))),
        "item:DateTimeSent" => Ok(Some(Worth::Time(content.sent.unwrap_or(message.received)))),
        "item:DateTimeCreated" => Ok(Some(Worth::Time(message.created))),
        "item:LastModifiedTime" => Ok(Some(Worth::Time(message.modified))),
        "message:IsRead" => Ok(Some(Worth::Bool(message.is_read))),
        "message:InternetMessageId" => text(&message.message_id),
        "message:References" => text(header(content, "references")),
        "message:ConversationTopic" => text(&topic(&content.subject)),
        "message:From" => Ok(Some(addresses(content.from.as_slice()))),
        "message:Sender" => Ok(Some(addresses(super::show::sender(content).as_slice()))),
        "message:ToRecipients" => Ok(Some(addresses(&content.to))),
        "message:CcRecipients" => Ok(Some(addresses(&content.cc))),
        "message:BccRecipients" => Ok(Some(addresses(&content.bcc))),
        _ => Err(()),
    }
}

/// The value of a folder's field.
pub(crate) fn folder_worth(folder: &Folder, field: &Field) -> Result<Option<Worth>, ()> {
    let number = |number: usize| Ok(Some(Worth::Number(i64::try_from(number).unwrap_or(i64::MAX))));
    match field {
        Field::Uri(uri) => match uri.as_str() {
            "folder:DisplayName" => Ok(Some(Worth::Text(folder.name.clone()))),
            "folder:FolderClass" => Ok(Some(Worth::Text("IPF.Note".to_owned()))),
            "folder:TotalCount" => number(folder.total()),
            "folder:UnreadCount" => number(folder.unread),
            _ => Err(()),
        },
        Field::Header(_) | Field::Extended(_) => Err(()),
    }
}
