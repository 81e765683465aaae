//! Writing: items made and changed, and sending.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::answer::{Fault, Outcome, Part, Refusal};
use super::shape::{Field, Property};
use super::xml::Node;
use super::{Call, Place, attachments, show};
use crate::exchange::class;
use crate::exchange::compose::Letter;
use crate::exchange::ids::is_same_property;
use crate::exchange::ingest::{self, Person};
use crate::exchange::mailbox::{Begin, DRAFTS, Mailbox, Message, NO_FLAG, SENT};
use crate::exchange::transport::{SendFault, seconds};
use crate::tenant::Right;

/// What a request changes of a message.
#[derive(Default)]
struct Edit {
    letter: Letter,
    /// Whether the bytes are to be written anew.
    rewrites: bool,
    is_read: Option<bool>,
    categories: Option<Vec<String>>,
    flag: Option<String>,
    importance: Option<String>,
    /// Extended properties with their values; without one they go.
    extended: Vec<(String, Option<String>)>,
    /// `PR_MESSAGE_FLAGS`, which decides whether a new item is a draft.
    message_flags: Option<i64>,
}

fn no_set() -> Refusal {
    Refusal::new("ErrorInvalidPropertySet", "Set action is invalid for property.")
}

/// The header field that asks for a receipt.
fn receipt(name: &str) -> Option<&'static str> {
    match name {
        "IsReadReceiptRequested" => Some("Disposition-Notification-To"),
        "IsDeliveryReceiptRequested" => Some("Return-Receipt-To"),
        _ => None,
    }
}

fn person(node: &Node) -> Result<Person, Refusal> {
    let address = node.text_of("EmailAddress").unwrap_or_default();
    if address.is_empty() {
        return Err(Refusal::new("ErrorInvalidRecipients", "At least one recipient is not valid."));
    }
    Ok(Person::new(node.text_of("Name").unwrap_or_default(), address))
}

fn people(node: &Node) -> Result<Vec<Person>, Refusal> {
    node.children.iter().map(person).collect()
}

impl Edit {
    fn of_message(message: &Message) -> Self {
        let mut letter = Letter::of_raw(&message.content.raw);
        letter.message_id.clone_from(&message.message_id);
        Self { letter, ..Self::default() }
    }

    /// Sets what an element of a message says.
    fn set(&mut self, value: &Node) -> Result<(), Refusal> {
        let text = value.text.trim();
        let is_false = matches!(text, "false" | "0");
        let says_nothing =
            ["ReminderIsSet", "IsResponseRequested", "IsReadReceiptRequested", "IsDeliveryReceiptRequested"]
                .contains(&value.name.as_str())
                && is_false
                && receipt(&value.name).is_none_or(|header| {
                    !self.letter.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(header))
                });
        // How long before it is of no account while no reminder is set.
        if says_nothing || value.name == "ReminderMinutesBeforeStart" {
            return Ok(());
        }
        self.rewrites |= !["IsRead", "Categories", "Flag", "Importance", "ExtendedProperty", "ItemClass"]
            .contains(&value.name.as_str());
        match value.name.as_str() {
            "IsRead" => self.is_read = Some(matches!(text, "true" | "1")),
            "Categories" => {
                self.categories =
                    Some(value.children.iter().map(|name| name.text.trim().to_owned()).collect());
            }
            "Importance" => self.importance = Some(text.to_ascii_lowercase()),
            "Flag" => {
                let status = match value.text_of("FlagStatus") {
                    Some("Flagged") => "flagged",
                    Some("Complete") => "complete",
                    _ => "notFlagged",
                };
                self.flag = Some(serde_json::json!({"flagStatus": status}).to_string());
            }
            "ExtendedProperty" => self.set_extended(value)?,
            "Subject" => self.letter.subject = value.text.chars().take(255).collect(),
            "Body" => {
                self.letter.is_html = value.attribute("BodyType") == Some("HTML");
                self.letter.body.clone_from(&value.text);
            }
            "ToRecipients" => self.letter.to = people(value)?,
            "CcRecipients" => self.letter.cc = people(value)?,
            "BccRecipients" => self.letter.bcc = people(value)?,
            "ReplyTo" => self.letter.reply_to = people(value)?,
            "From" => self.letter.from = Some(person(value.child("Mailbox").ok_or_else(no_set)?)?),
            // The one who sends is the mailbox.
            "Sender" | "Culture" => {}
            "InternetMessageId" if !text.is_empty() => text.clone_into(&mut self.letter.message_id),
            "InReplyTo" => self.letter.in_reply_to = Some(text.to_owned()).filter(|text| !text.is_empty()),
            "References" => self.letter.references = Some(text.to_owned()).filter(|text| !text.is_empty()),
            "Sensitivity" => {
                self.letter.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("sensitivity"));
                let word = match text {
                    "Confidential" => "Company-Confidential",
                    "Normal" => "",
                    other => other,
                };
                if !word.is_empty() {
                    self.letter.headers.push(("Sensitivity".to_owned(), word.to_owned()));
                }
            }
            "IsReadReceiptRequested" | "IsDeliveryReceiptRequested" => {
                let header = receipt(&value.name).unwrap_or_default();
                self.letter.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(header));
                if let (true, Some(from)) = (matches!(text, "true" | "1"), &self.letter.from) {
                    self.letter.headers.push((header.to_owned(), format!("<{}>", from.address)));
                }
            }
            "ItemClass" if text.eq_ignore_ascii_case("IPM.Note") => {}
            _ => return Err(no_set()),
        }
        Ok(())
    }

    fn set_extended(&mut self, value: &Node) -> Result<(), Refusal> {
        let property = Property::read(value.child("ExtendedFieldURI").ok_or_else(no_set)?)?;
        if property.is_array() {
            return Err(Refusal::new(
                "ErrorUnsupportedMapiPropertyType",
                "Properties with several values are not kept here.",
            ));
        }
        let text = value
            .child("Value")
            .ok_or_else(|| {
                Refusal::new("ErrorInvalidExtendedPropertyValue", "The extended property has no value.")
            })?
            .text
            .clone();
        if !fits(&property.id, text.trim()) {
            return Err(Refusal::new(
                "ErrorInvalidExtendedPropertyValue",
                "The value of the extended property does not fit its type.",
            ));
        }
        self.extend(&property, Some(text));
        Ok(())
    }

    /// Sets or removes an extended property. Some of them are header fields.
    fn extend(&mut self, property: &Property, value: Option<String>) {
        if let Some(name) = &property.header {
            self.letter.headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
            if let Some(value) = value {
                self.letter.headers.push((name.clone(), value));
            }
            self.rewrites = true;
            return;
        }
        let is = |id: &str| is_same_property(&property.id, id);
        if is("Integer 0xe07") {
            self.message_flags = value.and_then(|text| text.trim().parse().ok());
        } else if is("String 0x1035") {
            self.letter.message_id = value.unwrap_or_default();
            self.rewrites = true;
        } else if is("String 0x1039") {
            self.letter.references = value;
            self.rewrites = true;
        } else if is("String 0x1042") {
            self.letter.in_reply_to = value;
            self.rewrites = true;
        } else {
            self.extended.push((property.id.clone(), value));
        }
    }

    /// Puts everything but the bytes on a message.
    fn mark(self, message: &mut Message) {
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
        for (id, value) in self.extended {
            // Graph may have written the same property in another spelling: there is one.
            let own = message.extended.keys().find(|own| is_same_property(own, &id)).cloned();
            match value {
                Some(value) => {
                    message.extended.insert(own.unwrap_or(id), value);
                }
                None => {
                    message.extended.remove(&own.unwrap_or(id));
                }
            }
        }
    }
}

/// Whether a text is a value of a property's type.
fn fits(id: &str, text: &str) -> bool {
    match id.split(' ').next() {
        Some("Integer" | "Short" | "Long" | "Currency") => text.parse::<i64>().is_ok(),
        Some("Boolean") => matches!(text, "true" | "false" | "1" | "0"),
        Some("Double" | "Float" | "ApplicationTime") => text.parse::<f64>().is_ok(),
        Some("SystemTime") => super::moment(text).is_some(),
        Some("CLSID") => uuid::Uuid::parse_str(text).is_ok(),
        Some("Binary") => STANDARD.decode(text).is_ok(),
        _ => true,
    }
}

/// Whether the actor may write as the author of the bytes: as himself, or with a right to send for somebody else.
pub(crate) fn check_author(call: &Call<'_>, raw: &Bytes) -> Result<(), Refusal> {
    let content = ingest::read(raw.clone());
    let Some(from) = content.from else { return Ok(()) };
    let tenant = &call.exchange.tenant;
    let may = from.address.eq_ignore_ascii_case(&call.actor.user.upn)
        || (tenant.user(&from.address).is_some()
            && [Right::SendAs, Right::SendOnBehalf]
                .into_iter()
                .any(|right| tenant.has_right(call.actor.user, &from.address, right)));
    if may {
        return Ok(());
    }
    Err(Refusal::new(
        "ErrorSendAsDenied",
        "The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account.",
    ))
}

impl From<SendFault> for Refusal {
    fn from(fault: SendFault) -> Self {
        match fault {
            SendFault::NoRecipients | SendFault::WrongRecipient(_) => {
                Self::new("ErrorInvalidRecipients", "At least one recipient is not valid.")
            }
            SendFault::TooManyRecipients => {
                Self::new("ErrorExceededMaxRecipientLimit", "The message has more than 500 recipients.")
            }
        }
    }
}

/// The bytes of a `MimeContent`.
fn mime(node: &Node) -> Result<Bytes, Refusal> {
    let text: String = node.text.chars().filter(|character| !character.is_whitespace()).collect();
    let raw = STANDARD.decode(text).map_err(|_| {
        Refusal::new("ErrorMimeContentInvalidBase64String", "The MIME content is not a valid base64 string.")
    })?;
    if raw.is_empty() {
        return Err(Refusal::new("ErrorMimeContentInvalid", "The MIME content is invalid."));
    }
    Ok(Bytes::from(raw))
}

/// CreateItem.
pub(crate) fn create(call: &Call<'_>) -> Outcome {
    let disposition = call.node.attribute("MessageDisposition");
    let saved = call.node.child("SavedItemFolderId").map(|target| call.target(target)).transpose();
    let one = |item: &Node| -> Part {
        let saved = saved.as_ref().map_err(Clone::clone)?;
        let Some(disposition) = disposition else {
            return Err(Refusal::new(
                "ErrorMessageDispositionRequired",
                "Message disposition is required for messages.",
            ));
        };
        if !["Message", "Item"].contains(&item.name.as_str()) {
            return Err(Refusal::new(
                "ErrorInvalidItemForOperationCreateItem",
                "The item class is not one that is kept here.",
            ));
        }
        let mailbox = saved.as_ref().map_or(call.actor.mailbox, |(mailbox, _)| *mailbox);
        let (raw, edit) = write(call, mailbox, item)?;
        if disposition == "SendOnly" {
            check_author(call, &raw)?;
            call.exchange.send(mailbox, &raw, false)?;
            return Ok("<m:Items/>".to_owned());
        }
        let sends = disposition == "SendAndSaveCopy";
        let folder = match saved {
            Some((_, Place { folder: 0, .. })) => {
                return Err(Refusal::new("ErrorItemSave", "The save operation did not succeed."));
            }
            Some((_, place)) => place.folder,
            None if sends => SENT,
            None => DRAFTS,
        };
        if sends {
            check_author(call, &raw)?;
            call.exchange.send(mailbox, &raw, false)?;
        }
        // MSGFLAG_UNSENT is the bit 8; without the property a saved item is a draft.
        let is_draft = !sends && edit.message_flags.is_none_or(|flags| flags & 8 != 0);
        let is_read = edit.is_read.unwrap_or_else(|| edit.message_flags.is_none_or(|flags| flags & 1 != 0));
        let begin = Begin { is_read, is_draft, ..Begin::arrived(folder, seconds(call.now)) };
        let key = call.exchange.store(mailbox, raw, begin);
        let mut store = mailbox.store();
        store.change(key, call.now, |message| edit.mark(message));
        if sends {
            return Ok("<m:Items/>".to_owned());
        }
        let message = store.messages.get(&key).ok_or_else(Refusal::no_item)?;
        Ok(format!("<m:Items>{}</m:Items>", show::bare(&store, message)))
    };
    Ok(call.batch("Items")?.iter().map(one).collect())
}

/// The bytes of a new item, and what is marked on it.
fn write(call: &Call<'_>, mailbox: &Mailbox, item: &Node) -> Result<(Bytes, Edit), Refusal> {
    let given = item.child("MimeContent").map(mime).transpose()?;
    let mut edit = Edit {
        letter: match &given {
            Some(raw) => Letter::of_raw(raw),
            None => Letter {
                message_id: call.exchange.new_message_id(),
                from: Some(Person::new(&mailbox.name, &mailbox.upn)),
                ..Letter::default()
            },
        },
        rewrites: given.is_none(),
        ..Edit::default()
    };
    for value in item.children.iter().filter(|child| child.name != "MimeContent") {
        if value.name == "Attachments" {
            edit.letter.files.extend(attachments::files(&value.children)?);
            edit.rewrites = true;
        } else {
            edit.set(value)?;
        }
    }
    if edit.rewrites
        && let Some(importance) = &edit.importance
    {
        edit.letter.importance.clone_from(importance);
    }
    let raw = match given {
        Some(raw) if !edit.rewrites => raw,
        _ => edit.letter.to_mime(call.now),
    };
    Ok((raw, edit))
}

/// The field that an element of a message is.
fn is_element_of(name: &str, field: &Field) -> bool {
    match field {
        Field::Uri(uri) => uri.split_once(':').is_some_and(|(_, own)| own == name),
        Field::Extended(_) => name == "ExtendedProperty",
        Field::Header(_) => false,
    }
}

/// UpdateItem.
pub(crate) fn update(call: &Call<'_>) -> Outcome {
    let resolution = call.node.attribute("ConflictResolution").unwrap_or_default();
    let sends = match call.node.attribute("MessageDisposition") {
        None => {
            return Ok(vec![
                Err(Refusal::new(
                    "ErrorMessageDispositionRequired",
                    "Message disposition is required for messages.",
                ));
                call.batch("ItemChanges")?.len()
            ]);
        }
        Some(disposition) => disposition != "SaveOnly",
    };
    let one = |change: &Node| -> Part {
        let node = change.children.first().ok_or_else(Refusal::no_item)?;
        let (mailbox, id) = call.item(node)?;
        let key = {
            let mut store = mailbox.store();
            let key = store.ews_key(id).ok_or_else(Refusal::no_item)?;
            let message = store.messages.get(&key).ok_or_else(Refusal::no_item)?;
            match node.attribute("ChangeKey").filter(|key| !key.is_empty()) {
                _ if resolution == "AlwaysOverwrite" => {}
                None => {
                    return Err(Refusal::new(
                        "ErrorChangeKeyRequiredForWriteOperations",
                        "The ChangeKey is required for this operation.",
                    ));
                }
                Some(own) if STANDARD.decode(own).is_err() => {
                    return Err(Refusal::new("ErrorInvalidChangeKey", "The change key is invalid."));
                }
                Some(own) if resolution == "NeverOverwrite" && own != message.change_key() => {
                    return Err(Refusal::new(
                        "ErrorIrresolvableConflict",
                        "The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.",
                    ));
                }
                Some(_) => {}
            }
            let mut edit = Edit::of_message(message);
            let updates = change.child("Updates").map(|updates| updates.children.as_slice());
            for update in updates.unwrap_or_default() {
                apply(&mut edit, message, update)?;
            }
            let content =
                edit.rewrites.then(|| std::sync::Arc::new(ingest::read(edit.letter.to_mime(call.now))));
            let message_id = edit.letter.message_id.clone();
            store.change(key, call.now, |message| {
                if let Some(content) = content {
                    message.content = content;
                    message.message_id = message_id;
                }
                edit.mark(message);
            });
            key
        };
        if sends {
            send_draft(
                call,
                mailbox,
                key,
                call.node.attribute("MessageDisposition") != Some("SendOnly"),
                SENT,
            )?;
            return Ok("<m:Items/><m:ConflictResults><t:Count>0</t:Count></m:ConflictResults>".to_owned());
        }
        let store = mailbox.store();
        let message = store.messages.get(&key).ok_or_else(Refusal::no_item)?;
        Ok(format!(
            "<m:Items>{}</m:Items><m:ConflictResults><t:Count>0</t:Count></m:ConflictResults>",
            show::bare(&store, message)
        ))
    };
    Ok(call.batch("ItemChanges")?.iter().map(one).collect())
}

/// Applies one change description.
fn apply(edit: &mut Edit, message: &Message, update: &Node) -> Result<(), Refusal> {
    let field = Field::among(update)?;
    let of_sent = ["message:ToRecipients", "message:CcRecipients", "message:BccRecipients", "message:From"];
    if let Field::Uri(uri) = &field
        && !message.is_draft
        && of_sent.contains(&uri.as_str())
    {
        return Err(Refusal::new(
            "ErrorInvalidPropertyUpdateSentMessage",
            "The property cannot be updated on a message that was sent.",
        ));
    }
    if update.name == "DeleteItemField" {
        return remove(edit, &field);
    }
    let own = class::element(&message.content.class);
    let item = update.children.iter().find(|child| ["Message", "Item", own].contains(&child.name.as_str()));
    let item = item.ok_or_else(|| Refusal::new("ErrorObjectTypeChanged", "The object type changed."))?;
    let [value] = item.children.as_slice() else {
        return Err(Refusal::new(
            "ErrorIncorrectUpdatePropertyCount",
            "An object within a change description must contain one and only one property to modify.",
        ));
    };
    if !is_element_of(&value.name, &field) {
        return Err(Refusal::new(
            "ErrorUpdatePropertyMismatch",
            "Property for update does not match property in object.",
        ));
    }
    if let Field::Extended(property) = &field
        && let Some(own) = value.child("ExtendedFieldURI")
        && Property::read(own)?.id != property.id
    {
        return Err(Refusal::new(
            "ErrorUpdatePropertyMismatch",
            "Property for update does not match property in object.",
        ));
    }
    if update.name == "AppendToItemField" {
        return append(edit, value);
    }
    edit.set(value)
}

fn append(edit: &mut Edit, value: &Node) -> Result<(), Refusal> {
    edit.rewrites = true;
    match value.name.as_str() {
        "Body" => edit.letter.body.push_str(&value.text),
        "ToRecipients" => edit.letter.to.extend(people(value)?),
        "CcRecipients" => edit.letter.cc.extend(people(value)?),
        "BccRecipients" => edit.letter.bcc.extend(people(value)?),
        "ReplyTo" => edit.letter.reply_to.extend(people(value)?),
        _ => {
            return Err(Refusal::new(
                "ErrorInvalidPropertyAppend",
                "Append action is not supported for this property.",
            ));
        }
    }
    Ok(())
}

fn remove(edit: &mut Edit, field: &Field) -> Result<(), Refusal> {
    let uri = match field {
        Field::Extended(property) => {
            edit.extend(property, None);
            return Ok(());
        }
        Field::Header(_) => "",
        Field::Uri(uri) => uri.as_str(),
    };
    edit.rewrites |= !["item:Categories", "item:Flag", "item:Importance"].contains(&uri);
    match uri {
        "item:Categories" => edit.categories = Some(Vec::new()),
        "item:Flag" => edit.flag = Some(NO_FLAG.to_owned()),
        "item:Importance" => edit.importance = Some("normal".to_owned()),
        "item:Subject" => edit.letter.subject.clear(),
        "item:Body" => edit.letter.body.clear(),
        "item:InReplyTo" => edit.letter.in_reply_to = None,
        "message:References" => edit.letter.references = None,
        "message:ToRecipients" => edit.letter.to.clear(),
        "message:CcRecipients" => edit.letter.cc.clear(),
        "message:BccRecipients" => edit.letter.bcc.clear(),
        "message:ReplyTo" => edit.letter.reply_to.clear(),
        _ => {
            return Err(Refusal::new(
                "ErrorInvalidPropertyDelete",
                "Delete action is not supported for this property.",
            ));
        }
    }
    Ok(())
}

/// Sends a message that is there; what is saved of it goes to a folder under a new id.
fn send_draft(call: &Call<'_>, mailbox: &Mailbox, key: u64, saves: bool, folder: u32) -> Result<(), Refusal> {
    let raw = {
        let store = mailbox.store();
        let message = store.messages.get(&key).ok_or_else(Refusal::no_item)?;
        if !message.is_draft {
            return Err(Refusal::new(
                "ErrorInvalidItemForOperationSendItem",
                "The item is not one that can be sent.",
            ));
        }
        message.content.raw.clone()
    };
    check_author(call, &raw)?;
    call.exchange.send(mailbox, &raw, false)?;
    let mut store = mailbox.store();
    if saves {
        store.change(key, call.now, |message| {
            message.is_draft = false;
            message.is_read = true;
        });
        store.relocate(key, folder, call.now);
    } else {
        store.remove(key);
    }
    Ok(())
}

/// SendItem.
pub(crate) fn send(call: &Call<'_>) -> Outcome {
    let saves = matches!(call.node.attribute("SaveItemToFolder"), Some("true" | "1"));
    let saved = call.node.child("SavedItemFolderId").map(|target| call.target(target)).transpose();
    if !saves && call.node.child("SavedItemFolderId").is_some() {
        return Err(Fault::new("ErrorInvalidSendItemSaveSettings", "The save settings are invalid."));
    }
    let one = |node: &Node| -> Part {
        let saved = saved.as_ref().map_err(Clone::clone)?;
        let (mailbox, id) = call.item(node)?;
        let key = {
            let store = mailbox.store();
            let key = store.ews_key(id).ok_or_else(Refusal::no_item)?;
            let message = store.messages.get(&key).ok_or_else(Refusal::no_item)?;
            match node.attribute("ChangeKey").filter(|key| !key.is_empty()) {
                None => {
                    return Err(Refusal::new(
                        "ErrorChangeKeyRequired",
                        "The ChangeKey is required for this operation.",
                    ));
                }
                Some(own) if STANDARD.decode(own).is_err() => {
                    return Err(Refusal::new("ErrorInvalidChangeKey", "The change key is invalid."));
                }
                Some(own) if own != message.change_key() => {
                    return Err(Refusal::new(
                        "ErrorStaleObject",
                        "The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.",
                    ));
                }
                Some(_) => {}
            }
            key
        };
        let folder = match saved {
            Some((to, place)) if to.number == mailbox.number && place.folder != 0 => place.folder,
            Some(_) => {
                return Err(Refusal::new("ErrorItemSave", "The save operation did not succeed."));
            }
            None => SENT,
        };
        send_draft(call, mailbox, key, saves, folder)?;
        Ok(String::new())
    };
    Ok(call.batch("ItemIds")?.iter().map(one).collect())
}
