//! Writing MIME.

use aws_lc_rs::digest;
use bytes::Bytes;
use jiff::Timestamp;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address as Written;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::mime::{BodyPart, MimePart};

use crate::{Address, words};

/// A mail to be written.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The author.
    pub from: Option<Address>,
    /// Recipients.
    pub to: Vec<Address>,
    /// Recipients of a copy.
    pub cc: Vec<Address>,
    /// Where answers are wanted.
    pub reply_to: Vec<Address>,
    /// The subject.
    pub subject: String,
    /// The plain text body.
    pub text: Option<String>,
    /// The HTML body.
    pub html: Option<String>,
    /// Message-IDs that this mail answers, without brackets.
    pub in_reply_to: Vec<String>,
    /// Message-IDs of the conversation, oldest first, without brackets.
    pub references: Vec<String>,
    /// The mail's own Message-ID, without brackets. The caller makes it: nothing here is random.
    pub message_id: String,
    /// When it is sent. The caller knows the time.
    pub date: Timestamp,
    /// Further header fields, such as [`crate::OWN_STAMP_HEADER`]. Values lose control characters, so that no field can
    /// be smuggled in; names that are no field names are left out.
    pub headers: Vec<(String, String)>,
    /// Attachments.
    pub attachments: Vec<DraftAttachment>,
}

/// A file in a mail to be written.
#[derive(Clone, Debug)]
pub struct DraftAttachment {
    /// Its file name.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// The id by which the HTML refers to it (`cid:`), without brackets; it is then shown inline.
    pub content_id: Option<String>,
    /// Its bytes.
    pub content: Bytes,
}

/// The mail as bytes, with CRLF between lines. The same draft always gives the same bytes.
pub fn write(draft: &Draft) -> Vec<u8> {
    let mut message = MessageBuilder::new();
    message = message.date(Date::new(draft.date.as_second()));
    message = message.message_id(MessageId::new(id(&draft.message_id)));
    if let Some(from) = &draft.from {
        message = message.from(written(from));
    }
    for (name, list) in [("To", &draft.to), ("Cc", &draft.cc), ("Reply-To", &draft.reply_to)] {
        if !list.is_empty() {
            message = message.header(name, Written::new_list(list.iter().map(written).collect()));
        }
    }
    message = message.subject(words::one_line(&draft.subject));
    for (name, list) in [("In-Reply-To", &draft.in_reply_to), ("References", &draft.references)] {
        if !list.is_empty() {
            message = message.header(name, MessageId::new_list(list.iter().map(|one| id(one))));
        }
    }
    for (name, value) in &draft.headers {
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
        if is_name {
            let value = words::one_line(value);
            message = if value.is_ascii() {
                message.header(name.clone(), Raw::new(value))
            } else {
                message.header(name.clone(), Text::new(value))
            };
        }
    }
    let mut out = Vec::new();
    message.body(body(draft)).serialize(&mut out);
    out
}

fn body(draft: &Draft) -> MimePart<'_> {
    let (inline, attached): (Vec<&DraftAttachment>, Vec<&DraftAttachment>) =
        draft.attachments.iter().partition(|a| a.content_id.is_some() && draft.html.is_some());
    let text = draft.text.as_deref().map(|text| MimePart::new("text/plain", BodyPart::Text(text.into())));
    let html = draft.html.as_deref().map(|html| {
        let page = MimePart::new("text/html", BodyPart::Text(html.into()));
        if inline.is_empty() {
            return page;
        }
        let parts = std::iter::once(page).chain(inline.into_iter().map(attachment)).collect();
        multipart(draft, "related", parts)
    });
    let body = match (text, html) {
        (Some(text), Some(html)) => multipart(draft, "alternative", vec![text, html]),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => MimePart::new("text/plain", BodyPart::Text("".into())),
    };
    if attached.is_empty() {
        return body;
    }
    let parts = std::iter::once(body).chain(attached.into_iter().map(attachment)).collect();
    multipart(draft, "mixed", parts)
}

fn attachment(one: &DraftAttachment) -> MimePart<'_> {
    let is_type = one.content_type.split_once('/').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty())
        && one.content_type.bytes().all(|b| b.is_ascii_alphanumeric() || b"/+.-_".contains(&b));
    let kind = if is_type { one.content_type.as_str() } else { "application/octet-stream" };
    let name = crate::names::safe(Some(&one.name), "attachment", kind);
    let kind = ContentType::new(kind.to_owned()).attribute("name", name.clone());
    let part = MimePart::new(kind, BodyPart::Binary(one.content.as_ref().into()));
    match &one.content_id {
        Some(cid) => {
            let disposition = ContentType::new("inline").attribute("filename", name);
            part.header("Content-Disposition", disposition).cid(id(cid))
        }
        None => part.attachment(name),
    }
}

/// A multipart whose boundary follows from the Message-ID and cannot occur in a body by chance.
fn multipart<'a>(draft: &Draft, kind: &str, parts: Vec<MimePart<'a>>) -> MimePart<'a> {
    let seed = format!("{kind} {}", draft.message_id);
    let digest = hex::encode(digest::digest(&digest::SHA256, seed.as_bytes()));
    let boundary = format!("={kind}_{}", &digest[..32]);
    MimePart::new(
        ContentType::new(format!("multipart/{kind}")).attribute("boundary", boundary),
        BodyPart::Multipart(parts),
    )
}

fn written(address: &Address) -> Written<'_> {
    let clean: String =
        address.address.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect();
    Written::new_address(address.name.as_deref().map(words::one_line), clean)
}

fn id(id: &str) -> String {
    id.chars().filter(|c| !c.is_control() && !c.is_whitespace() && !matches!(c, '<' | '>')).collect()
}

#[cfg(test)]
mod tests;
