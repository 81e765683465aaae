//! Writing mail: from the JSON of a message resource or from a form to MIME, and back for changes to drafts.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::MimePart;
use serde_json::Value;

use super::ingest::{self, Person};
use super::parts;

/// A file in a mail.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) content_id: Option<String>,
    pub(crate) is_inline: bool,
    pub(crate) content: Bytes,
}

/// A mail being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Letter {
    pub(crate) message_id: String,
    pub(crate) from: Option<Person>,
    pub(crate) to: Vec<Person>,
    pub(crate) cc: Vec<Person>,
    pub(crate) bcc: Vec<Person>,
    pub(crate) reply_to: Vec<Person>,
    pub(crate) subject: String,
    pub(crate) is_html: bool,
    pub(crate) body: String,
    pub(crate) importance: String,
    pub(crate) in_reply_to: Option<String>,
    pub(crate) references: Option<String>,
    /// Further header fields.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) files: Vec<File>,
}

/// Why a message resource cannot be written: error code and message.
pub(crate) type Refused = (&'static str, String);

fn refused<T>(code: &'static str, message: impl Into<String>) -> Result<T, Refused> {
    Err((code, message.into()))
}

fn person(value: &Value) -> Result<Person, Refused> {
    let address = value.get("emailAddress").unwrap_or(value);
    let mail = address.get("address").and_then(Value::as_str).unwrap_or_default();
    let name = address.get("name").and_then(Value::as_str).unwrap_or_default();
    if mail.trim().is_empty() && name.trim().is_empty() {
        return refused("ErrorInvalidRecipients", "At least one recipient is not valid.");
    }
    Ok(Person::new(name, mail))
}

fn people(value: &Value, name: &str) -> Result<Vec<Person>, Refused> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(list) => list.iter().map(person).collect(),
        _ => refused("RequestBodyRead", format!("'{name}' is not a collection.")),
    }
}

impl Letter {
    /// Takes the properties of a message resource that are there; others stay. Returns the names it did not know.
    pub(crate) fn take(&mut self, message: &serde_json::Map<String, Value>) -> Result<Vec<String>, Refused> {
        let mut unknown = Vec::new();
        for (name, value) in message {
            match name.as_str() {
                "subject" => self.subject = value.as_str().unwrap_or_default().chars().take(255).collect(),
                "body" => {
                    let kind = value.get("contentType").and_then(Value::as_str).unwrap_or("text");
                    self.is_html = kind.eq_ignore_ascii_case("html");
                    value
                        .get("content")
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                        .clone_into(&mut self.body);
                }
                "toRecipients" => self.to = people(value, name)?,
                "ccRecipients" => self.cc = people(value, name)?,
                "bccRecipients" => self.bcc = people(value, name)?,
                "replyTo" => self.reply_to = people(value, name)?,
                "from" | "sender" if value.is_null() => {}
                "from" => self.from = Some(person(value)?),
                "importance" => value.as_str().unwrap_or("normal").clone_into(&mut self.importance),
                "internetMessageId" => {
                    if let Some(id) = value.as_str().filter(|id| !id.is_empty()) {
                        id.clone_into(&mut self.message_id);
                    }
                }
                "internetMessageHeaders" => self.headers = custom_headers(value)?,
                "attachments" => {
                    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
                    self.files = list.iter().map(file).collect::<Result<_, _>>()?;
                }
                "singleValueExtendedProperties" => self.thread(value),
                "sender"
                | "isRead"
                | "isDraft"
                | "categories"
                | "flag"
                | "inferenceClassification"
                | "isReadReceiptRequested"
                | "isDeliveryReceiptRequested"
                | "parentFolderId" => {}
                other if other.starts_with('@') || other.contains("@odata.") => {}
                other => unknown.push(other.to_owned()),
            }
        }
        Ok(unknown)
    }

    /// The extended properties for threading become header fields.
    fn thread(&mut self, value: &Value) {
        for (id, value) in extended(value) {
            match id.as_str() {
                "String 0x1042" => self.in_reply_to = Some(value),
                "String 0x1039" => self.references = Some(value),
                "String 0x1035" => self.message_id = value,
                _ => {}
            }
        }
    }

    /// Reads a letter back from its bytes.
    pub(crate) fn of_raw(raw: &Bytes) -> Self {
        let content = ingest::read(raw.clone());
        let header = |name: &str| {
            content
                .headers
                .iter()
                .find(|(own, _)| own.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.clone())
        };
        let files = parts::of_raw(raw, &content.body)
            .into_iter()
            .map(|attachment| File {
                content: parts::content(raw, &attachment),
                name: attachment.name,
                content_type: attachment.content_type,
                content_id: attachment.content_id,
                is_inline: attachment.is_inline,
            })
            .collect();
        Self {
            message_id: content.message_id.clone(),
            from: content.from.clone(),
            to: content.to.clone(),
            cc: content.cc.clone(),
            bcc: content.bcc.clone(),
            reply_to: content.reply_to.clone(),
            subject: content.subject.clone(),
            is_html: content.is_html,
            body: content.body.clone(),
            importance: content.importance.to_owned(),
            in_reply_to: header("in-reply-to"),
            references: header("references"),
            headers: content.headers.iter().filter(|(name, _)| !is_written_anew(name)).cloned().collect(),
            files,
        }
    }

    /// Writes MIME.
    pub(crate) fn to_mime(&self, now: Timestamp) -> Bytes {
        let list = |people: &[Person]| {
            Address::new_list(
                people
                    .iter()
                    .map(|person| {
                        let name = (person.name != person.address).then(|| line(&person.name));
                        Address::new_address(name, line(&person.address))
                    })
                    .collect(),
            )
        };
        let mut builder = MessageBuilder::new()
            .message_id(line(self.message_id.trim_matches(['<', '>'])))
            .date(now.as_second())
            .subject(line(&self.subject));
        if let Some(from) = &self.from {
            builder = builder.from(list(std::slice::from_ref(from)));
        }
        if !self.to.is_empty() {
            builder = builder.to(list(&self.to));
        }
        if !self.cc.is_empty() {
            builder = builder.cc(list(&self.cc));
        }
        if !self.bcc.is_empty() {
            builder = builder.bcc(list(&self.bcc));
        }
        if !self.reply_to.is_empty() {
            builder = builder.reply_to(list(&self.reply_to));
        }
        if let Some(id) = &self.in_reply_to {
            builder = builder.header("In-Reply-To", Raw::new(line(id)));
        }
        if let Some(ids) = &self.references {
            builder = builder.header("References", Raw::new(line(ids)));
        }
        if matches!(self.importance.as_str(), "high" | "low") {
            builder = builder.header("Importance", Raw::new(self.importance.clone()));
        }
        for (name, value) in &self.headers {
            builder = builder.header(line(name), Raw::new(line(value)));
        }
        builder = if self.is_html {
            builder.html_body(self.body.as_str())
        } else {
            builder.text_body(self.body.as_str())
        };
        for file in &self.files {
            let kind = line(&file.content_type);
            let content = file.content.to_vec();
            builder = match &file.content_id {
                Some(id) if file.is_inline => {
                    // As `MessageBuilder::inline` does it, with the file's name, which mail programs keep.
                    let shown = ContentType::new("inline").attribute("filename", line(&file.name));
                    let part =
                        MimePart::new(kind, content).header("Content-Disposition", shown).cid(line(id));
                    builder.attachments.get_or_insert_default().push(part);
                    builder
                }
                _ => builder.attachment(kind, line(&file.name), content),
            };
        }
        // Writing into memory does not fail.
        Bytes::from(builder.write_to_vec().unwrap_or_default())
    }
}

/// Whether a header field is written from what a letter has beside its header fields.
fn is_written_anew(name: &str) -> bool {
    const WRITTEN: [&str; 14] = [
        "from",
        "to",
        "cc",
        "bcc",
        "reply-to",
        "subject",
        "message-id",
        "date",
        "mime-version",
        "in-reply-to",
        "references",
        "importance",
        "x-priority",
        "content-",
    ];
    let name = name.to_ascii_lowercase();
    WRITTEN.iter().any(|written| name == *written || (written.ends_with('-') && name.starts_with(written)))
}

/// One line: header fields cannot be broken out of.
fn line(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0')).collect()
}

fn custom_headers(value: &Value) -> Result<Vec<(String, String)>, Refused> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .map(|header| {
            let name = header.get("name").and_then(Value::as_str).unwrap_or_default();
            let value = header.get("value").and_then(Value::as_str).unwrap_or_default();
            if name.len() > 2 && name.is_ascii() && name[..2].eq_ignore_ascii_case("x-") {
                Ok((name.to_owned(), value.to_owned()))
            } else {
                refused(
                    "InvalidInternetMessageHeader",
                    format!("The internet message header name '{name}' should start with 'x-' or 'X-'."),
                )
            }
        })
        .collect()
}

/// Reads a `fileAttachment` or `itemAttachment` resource with its bytes.
pub(crate) fn file(value: &Value) -> Result<File, Refused> {
    let kind = value.get("@odata.type").and_then(Value::as_str).unwrap_or("#microsoft.graph.fileAttachment");
    if !kind.to_ascii_lowercase().ends_with("fileattachment") {
        return refused("ErrorInvalidRequest", format!("Attachments of the type '{kind}' cannot be added."));
    }
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let Some(name) = text("name") else {
        return refused("ErrorRequiredPropertyMissing", "Required property is missing. Property name: Name");
    };
    let Ok(content) = STANDARD.decode(text("contentBytes").unwrap_or_default()) else {
        return refused(
            "RequestBodyRead",
            "Cannot convert the literal of 'contentBytes' to the expected type 'Edm.Binary'.",
        );
    };
    if content.len() > 3 * 1024 * 1024 {
        return refused(
            "RequestEntityTooLarge",
            "The attachment is larger than 3 MB; an upload session is needed.",
        );
    }
    Ok(File {
        name: name.to_owned(),
        content_type: text("contentType").unwrap_or("application/octet-stream").to_owned(),
        content_id: text("contentId").map(str::to_owned),
        is_inline: value.get("isInline").and_then(Value::as_bool).unwrap_or(false),
        content: Bytes::from(content),
    })
}

/// The pairs of a `singleValueExtendedProperties` list.
pub(crate) fn extended(value: &Value) -> BTreeMap<String, String> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .filter_map(|property| {
            let id = property.get("id")?.as_str()?;
            let value = property.get("value")?.as_str()?;
            Some((id.to_owned(), value.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What is written reads back: fields, threading, files.
    #[test]
    fn a_letter_reads_back() {
        let mut letter = Letter { message_id: "<1@contoso.test>".to_owned(), ..Letter::default() };
        let message = json!({
            "subject": "Grüße", "body": {"contentType": "HTML", "content": "<p>hi</p>"},
            "toRecipients": [{"emailAddress": {"address": "a@x.example", "name": "Ä"}}],
            "singleValueExtendedProperties": [{"id": "String 0x1042", "value": "<0@x.example>"}],
            "internetMessageHeaders": [{"name": "X-Own", "value": "yes\r\nBcc: evil@x.example"}],
            "attachments": [{"@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt",
                "contentType": "text/plain", "contentBytes": "aGk="}]
        });
        let unknown = letter.take(message.as_object().expect("an object")).expect("is a message");
        assert!(unknown.is_empty());
        let back = Letter::of_raw(&letter.to_mime(Timestamp::UNIX_EPOCH));
        assert_eq!((back.subject.as_str(), back.is_html), ("Grüße", true));
        assert_eq!(back.to, vec![Person::new("Ä", "a@x.example")]);
        assert!(back.bcc.is_empty());
        assert_eq!(back.in_reply_to.as_deref(), Some("<0@x.example>"));
        assert_eq!(back.files.len(), 1);
        assert_eq!(back.files[0].content.as_ref(), b"hi");
    }

    /// A header field that Graph does not take is refused with its code.
    #[test]
    fn other_header_fields_are_refused() {
        let message = json!({"internetMessageHeaders": [{"name": "In-Reply-To", "value": "<0@x.example>"}]});
        let refused = Letter::default().take(message.as_object().expect("an object"));
        assert_eq!(refused.map_err(|(code, _)| code), Err("InvalidInternetMessageHeader"));
    }
}
