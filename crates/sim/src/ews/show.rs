//! Items, folders and attachments as XML, each property in the place that the schema has for it.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use super::answer::Refusal;
use super::fields;
use super::shape::{BodyKind, FolderShape, Shape};
use super::xml::{element_of, escape};
use crate::exchange::class;
use crate::exchange::ews_ids::{self, AttachmentId};
use crate::exchange::ids::{FOLDER_SIZE, is_same_property};
use crate::exchange::ingest::{Content, Person};
use crate::exchange::mailbox::{Damage, Folder, Message, Store};
use crate::exchange::parts::{self, Attachment};

/// Well-known folders that EWS has no name for.
const NAMELESS: [&str; 2] = ["clutter", "quarantine"];

/// A moment as EWS writes it.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `ItemId` of a message.
pub(crate) fn item_id(store: &Store, message: &Message) -> String {
    format!(
        "<t:ItemId Id=\"{}\" ChangeKey=\"{}\"/>",
        message.ews_id(store.mailbox).ews(),
        message.change_key()
    )
}

/// A message with nothing but its id.
pub(crate) fn bare(store: &Store, message: &Message) -> String {
    let element = class::element(&message.content.class);
    format!("<t:{element}>{}</t:{element}>", item_id(store, message))
}

/// A person, in the element of this name when there is one.
fn mailbox(person: &Person) -> String {
    let mut out = String::from("<t:Mailbox>");
    out.push_str(&element_of("Name", &person.name));
    if !person.address.is_empty() {
        out.push_str(&element_of("EmailAddress", &person.address));
        out.push_str("<t:RoutingType>SMTP</t:RoutingType>");
        let kind = if crate::exchange::transport::is_inside(&person.address) { "Mailbox" } else { "OneOff" };
        let _ = write!(out, "<t:MailboxType>{kind}</t:MailboxType>");
    }
    out.push_str("</t:Mailbox>");
    out
}

fn people(name: &str, people: &[Person]) -> Option<String> {
    if people.is_empty() {
        return None;
    }
    let inside: String = people.iter().map(mailbox).collect();
    Some(format!("<t:{name}>{inside}</t:{name}>"))
}

fn one(name: &str, person: Option<&Person>) -> Option<String> {
    person.map(|person| format!("<t:{name}>{}</t:{name}>", mailbox(person)))
}

/// The sender, who may be another than the author.
pub(crate) fn sender(content: &Content) -> Option<Person> {
    let value: Value = serde_json::from_str(content.property("sender")?).ok()?;
    let address = &value["emailAddress"];
    Some(Person::new(address["name"].as_str()?, address["address"].as_str()?))
}

fn body(name: &str, content: &Content, kind: BodyKind) -> String {
    let is_html = match kind {
        BodyKind::Best => content.is_html,
        BodyKind::Html => true,
        BodyKind::Text => false,
    };
    let text = match (is_html, content.is_html) {
        (true, false) => {
            let text = parts::escape(&content.body).replace("\r\n", "\n").replace('\n', "<br>\r\n");
            parts::with_charset(&format!("<div class=\"PlainText\">{text}</div>"))
        }
        (false, true) => parts::text_of_html(&content.body),
        _ => content.body.clone(),
    };
    let kind = if is_html { "HTML" } else { "Text" };
    format!("<t:{name} BodyType=\"{kind}\">{}</t:{name}>", escape(&text))
}

fn headers(content: &Content, only: Option<&[String]>) -> Option<String> {
    let mut inside = String::new();
    for (name, value) in &content.headers {
        if only.is_none_or(|wanted| wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))) {
            let _ = write!(
                inside,
                "<t:InternetMessageHeader HeaderName=\"{}\">{}</t:InternetMessageHeader>",
                escape(name),
                escape(value)
            );
        }
    }
    (!inside.is_empty()).then(|| format!("<t:InternetMessageHeaders>{inside}</t:InternetMessageHeaders>"))
}

/// The rights of somebody with full access.
const RIGHTS: &str = "<t:EffectiveRights><t:CreateAssociated>true</t:CreateAssociated><t:CreateContents>true</t:CreateContents><t:CreateHierarchy>true</t:CreateHierarchy><t:Delete>true</t:Delete><t:Modify>true</t:Modify><t:Read>true</t:Read><t:ViewPrivateItems>true</t:ViewPrivateItems></t:EffectiveRights>";

fn flag(message: &Message) -> String {
    let status = match fields::flag_status(message).as_str() {
        "flagged" => "Flagged",
        "complete" => "Complete",
        _ => "NotFlagged",
    };
    format!("<t:Flag><t:FlagStatus>{status}</t:FlagStatus></t:Flag>")
}

/// The attachments of a message as GetItem lists them, without their bytes.
fn attachments(store: &Store, message: &Message) -> Option<String> {
    let files = parts::of_raw(&message.content.raw, &message.content.body);
    if files.is_empty() {
        return None;
    }
    let mut inside = String::new();
    for (index, file) in files.iter().enumerate() {
        inside.push_str(&attachment(store.mailbox, message, index, file, "", false));
    }
    Some(format!("<t:Attachments>{inside}</t:Attachments>"))
}

/// An attachment with what comes after its properties; `is_new` tells the item's id as well.
pub(crate) fn attachment(
    mailbox: u32,
    message: &Message,
    index: usize,
    file: &Attachment,
    content: &str,
    is_new: bool,
) -> String {
    let kind = if file.is_item { "ItemAttachment" } else { "FileAttachment" };
    let id = AttachmentId { mailbox, key: message.key, index: u32::try_from(index).unwrap_or(u32::MAX) };
    let mut out = format!("<t:{kind}><t:AttachmentId Id=\"{}\"", id.ews());
    if is_new {
        let _ = write!(
            out,
            " RootItemId=\"{}\" RootItemChangeKey=\"{}\"",
            message.ews_id(mailbox).ews(),
            message.change_key()
        );
    }
    out.push_str("/>");
    out.push_str(&element_of("Name", &file.name));
    if !file.is_item {
        out.push_str(&element_of("ContentType", &file.content_type));
    }
    if let Some(id) = &file.content_id {
        out.push_str(&element_of("ContentId", id));
    }
    // Exchange counts what it keeps beside the bytes.
    let _ = write!(
        out,
        "<t:Size>{}</t:Size><t:LastModifiedTime>{}</t:LastModifiedTime><t:IsInline>{}</t:IsInline>{}{content}</t:{kind}>",
        file.size + 150,
        moment(message.created),
        file.is_inline,
        if file.is_item { "" } else { "<t:IsContactPhoto>false</t:IsContactPhoto>" },
    );
    out
}

/// A message in a shape. What is damaged is refused where its content would be needed.
pub(crate) fn message(store: &Store, message: &Message, shape: &Shape) -> Result<String, Refusal> {
    match message.damage {
        Damage::Item | Damage::Batch if shape.reads_content() => {
            return Err(Refusal::new("ErrorItemCorrupt", "The item is corrupt."));
        }
        Damage::Mime if shape.wants("item:MimeContent") => {
            // What Exchange says of the MIME of an item in truth (and Microsoft's page on `ResponseCode` of GetItem).
            return Err(Refusal::new("ErrorMimeContentConversionFailed", "MIME content conversion failed."));
        }
        _ => {}
    }
    let mut out = String::with_capacity(512);
    let element = class::element(&message.content.class);
    let _ = write!(out, "<t:{element}>");
    for uri in &shape.fields {
        out.push_str(&property(store, message, uri, shape).unwrap_or_default());
    }
    let _ = write!(out, "</t:{element}>");
    Ok(out)
}

fn property(store: &Store, message: &Message, uri: &str, shape: &Shape) -> Option<String> {
    let content: &Content = &message.content;
    let name = uri.split_once(':').map_or(uri, |(_, name)| name);
    let text = |text: &str| Some(element_of(name, text));
    let filled = |text: &str| (!text.is_empty()).then(|| element_of(name, text));
    let yes = |value: bool| Some(format!("<t:{name}>{value}</t:{name}>"));
    match uri {
        "item:MimeContent" => Some(format!(
            "<t:MimeContent CharacterSet=\"UTF-8\">{}</t:MimeContent>",
            STANDARD.encode(&content.raw)
        )),
        "item:ItemId" => Some(item_id(store, message)),
        "item:ParentFolderId" => {
            let folder = store.folders.get(&message.folder)?;
            Some(format!(
                "<t:ParentFolderId Id=\"{}\" ChangeKey=\"{}\"/>",
                ews_ids::folder(store.mailbox, folder.number),
                folder_key(folder)
            ))
        }
        "item:ItemClass" => text(&content.class),
        "item:Subject" => filled(&content.subject),
        "item:Sensitivity" => text(fields::sensitivity(content)),
        "item:Body" => Some(body("Body", content, shape.body)),
        "item:UniqueBody" => Some(body("UniqueBody", content, shape.body)),
        "item:TextBody" => Some(body("TextBody", content, BodyKind::Text)),
        "item:Attachments" => attachments(store, message),
        "item:DateTimeReceived" => text(&moment(message.received)),
        "item:Size" => text(&content.raw.len().to_string()),
        "item:Categories" => (!message.categories.is_empty()).then(|| {
            let inside: String = message.categories.iter().map(|name| element_of("String", name)).collect();
            format!("<t:Categories>{inside}</t:Categories>")
        }),
        "item:Importance" => text(match message.importance.as_str() {
            "high" => "High",
            "low" => "Low",
            _ => "Normal",
        }),
        "item:InReplyTo" => filled(fields::header(content, "in-reply-to")),
        "item:IsSubmitted"
        | "item:IsResend"
        | "item:IsAssociated"
        | "item:ReminderIsSet"
        | "message:IsResponseRequested" => yes(false),
        "item:IsDraft" => yes(message.is_draft),
        "item:IsFromMe" => yes(message.is_draft || message.folder == crate::exchange::mailbox::SENT),
        "item:IsUnmodified" => yes(!message.is_draft),
        "item:InternetMessageHeaders" => {
            headers(content, (!shape.headers.is_empty()).then_some(shape.headers.as_slice()))
        }
        "item:ExtendedProperty" => {
            let found = shape.extended.iter().filter_map(|property| {
                fields::extended(message, property).map(|value| property.element(&value))
            });
            Some(found.collect())
        }
        "item:DateTimeSent" => text(&moment(content.sent.unwrap_or(message.received))),
        "item:DateTimeCreated" => text(&moment(message.created)),
        "item:DisplayCc" => text(&fields::names(&content.cc)),
        "item:DisplayTo" => text(&fields::names(&content.to)),
        "item:DisplayBcc" => filled(&fields::names(&content.bcc)),
        "item:HasAttachments" => yes(content.has_attachments),
        "item:Culture" => text("en-US"),
        "item:EffectiveRights" => Some(RIGHTS.to_owned()),
        "item:LastModifiedName" => text(content.from.as_ref().map_or("Unknown", |from| from.name.as_str())),
        "item:LastModifiedTime" => text(&moment(message.modified)),
        "item:WebClientReadFormQueryString" => {
            let id = message.ews_id(store.mailbox).ews();
            let id = percent_encoding::utf8_percent_encode(&id, percent_encoding::NON_ALPHANUMERIC);
            text(&format!(
                "https://outlook.office365.com/owa/?ItemID={id}&exvsurl=1&viewmodel=ReadMessageItem"
            ))
        }
        "item:ConversationId" => {
            // Graph's conversation id in the alphabet of EWS: Exchange puts `-` for `/` and `_` for `+`.
            let id = URL_SAFE_NO_PAD.encode(message.conversation.as_bytes());
            let id = id.replace('-', "/").replace('_', "+");
            Some(format!("<t:ConversationId Id=\"AAQkAGI1AAAv{id}=\"/>"))
        }
        "item:Flag" => Some(flag(message)),
        "item:InstanceKey" => text(&STANDARD.encode(message.key.to_be_bytes())),
        "item:Preview" => {
            let preview: Value = serde_json::from_str(content.property("bodyPreview")?).ok()?;
            text(preview.as_str()?)
        }
        "message:Sender" => one(name, sender(content).as_ref()),
        "message:From" => one(name, content.from.as_ref()),
        "message:ToRecipients" => people(name, &content.to),
        "message:CcRecipients" => people(name, &content.cc),
        "message:BccRecipients" => people(name, &content.bcc),
        "message:ReplyTo" => people(name, &content.reply_to),
        "message:IsReadReceiptRequested" => yes(content.property("isReadReceiptRequested") == Some("true")),
        "message:IsDeliveryReceiptRequested" => {
            yes(content.property("isDeliveryReceiptRequested") == Some("true"))
        }
        "message:ConversationIndex" => {
            let mut bytes = vec![1_u8];
            bytes.extend_from_slice(&message.created.as_second().to_be_bytes()[3..]);
            bytes.extend_from_slice(message.conversation.as_bytes());
            text(&STANDARD.encode(bytes))
        }
        "message:ConversationTopic" => filled(&fields::topic(&content.subject)),
        "message:InternetMessageId" => filled(&message.message_id),
        "message:IsRead" => yes(message.is_read),
        "message:References" => filled(fields::header(content, "references")),
        _ => None,
    }
}

/// The message inside an item attachment.
pub(crate) fn inner_message(content: &Content, with_mime: bool, kind: BodyKind) -> String {
    let element = class::element(&content.class);
    let mut out = format!("<t:{element}>");
    if with_mime {
        let _ = write!(
            out,
            "<t:MimeContent CharacterSet=\"UTF-8\">{}</t:MimeContent>",
            STANDARD.encode(&content.raw)
        );
    }
    out.push_str(&element_of("ItemClass", &content.class));
    out.push_str(&element_of("Subject", &content.subject));
    out.push_str(&body("Body", content, kind));
    let _ = write!(out, "<t:Size>{}</t:Size>", content.raw.len());
    if let Some(sent) = content.sent {
        out.push_str(&element_of("DateTimeSent", &moment(sent)));
    }
    let _ = write!(out, "<t:HasAttachments>{}</t:HasAttachments>", content.has_attachments);
    for text in [
        one("Sender", sender(content).as_ref()),
        people("ToRecipients", &content.to),
        people("CcRecipients", &content.cc),
        one("From", content.from.as_ref()),
    ] {
        out.push_str(&text.unwrap_or_default());
    }
    if !content.message_id.is_empty() {
        out.push_str(&element_of("InternetMessageId", &content.message_id));
    }
    let _ = write!(out, "</t:{element}>");
    out
}

/// The bytes of a file attachment.
pub(crate) fn file_content(raw: &Bytes, file: &Attachment) -> String {
    format!("<t:Content>{}</t:Content>", STANDARD.encode(parts::content(raw, file)))
}

fn folder_key(folder: &Folder) -> String {
    let mut bytes = [0_u8; 16];
    bytes[..6].copy_from_slice(&[1, 0, 0, 0, 0x16, 0]);
    bytes[6..10].copy_from_slice(&folder.number.to_be_bytes());
    let sum = folder.name.bytes().fold(folder.parent, |sum, byte| sum.rotate_left(5) ^ u32::from(byte));
    bytes[10..14].copy_from_slice(&sum.to_be_bytes());
    STANDARD.encode(bytes)
}

/// `FolderId` of a folder; the root above all has the number 0.
pub(crate) fn folder_id(store: &Store, number: u32) -> String {
    let key = store.folders.get(&number).map_or_else(|| "AQAAABYAAAA=".to_owned(), folder_key);
    format!("<t:FolderId Id=\"{}\" ChangeKey=\"{key}\"/>", ews_ids::folder(store.mailbox, number))
}

/// A folder in a shape.
pub(crate) fn folder(store: &Store, number: u32, shape: &FolderShape) -> String {
    let found = store.folders.get(&number);
    let mut out = String::from("<t:Folder>");
    if shape.wants("FolderId") {
        out.push_str(&folder_id(store, number));
    }
    if shape.wants("ParentFolderId")
        && let Some(folder) = found
    {
        out.push_str(&folder_id(store, folder.parent).replacen("FolderId", "ParentFolderId", 1));
    }
    if shape.wants("FolderClass") && found.is_some() {
        out.push_str("<t:FolderClass>IPF.Note</t:FolderClass>");
    }
    if shape.wants("DisplayName") {
        out.push_str(&element_of("DisplayName", found.map_or("", |folder| folder.name.as_str())));
    }
    if shape.wants("TotalCount") {
        let _ = write!(out, "<t:TotalCount>{}</t:TotalCount>", found.map_or(0, Folder::total));
    }
    if shape.wants("ChildFolderCount") {
        let children = store.folders.values().filter(|child| child.parent == number).count();
        let _ = write!(out, "<t:ChildFolderCount>{children}</t:ChildFolderCount>");
    }
    for property in &shape.extended {
        // What a folder has of these here is its size; others are not set.
        if is_same_property(&property.id, FOLDER_SIZE) && found.is_some() {
            out.push_str(&property.element(&store.size_of_folder(number).to_string()));
        }
    }
    if shape.wants("EffectiveRights") {
        out.push_str(RIGHTS);
    }
    let name = found.map_or(Some("root"), |folder| folder.well_known);
    if shape.wants("DistinguishedFolderId")
        && let Some(name) = name.filter(|name| !NAMELESS.contains(name))
    {
        out.push_str(&element_of("DistinguishedFolderId", name));
    }
    if shape.wants("UnreadCount") {
        let _ = write!(out, "<t:UnreadCount>{}</t:UnreadCount>", found.map_or(0, |folder| folder.unread));
    }
    out.push_str("</t:Folder>");
    out
}
