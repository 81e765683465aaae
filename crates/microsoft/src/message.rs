//! The description of one message, whichever transport wrote it. Pure: the same bytes give the same message at any time, in the
//! live flow and in a replay.
//!
//! Begin with [`read`]: what is stored says itself which transport it is from.

use jiff::Timestamp;

use crate::{ews, graph};

/// A message as the mailbox describes it, without its attachments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The id in the mailbox.
    pub id: String,
    /// Message-ID, mostly in angle brackets.
    pub internet_message_id: Option<String>,
    /// The mailbox's own grouping.
    pub conversation_id: Option<String>,
    /// The folder that it lies in.
    pub parent_folder_id: Option<String>,
    /// The subject.
    pub subject: Option<String>,
    /// The author.
    pub from: Option<Recipient>,
    /// Who sent it for the author; Exchange repeats the author where that is nobody else.
    pub sender: Option<Recipient>,
    /// Where answers are wanted.
    pub reply_to: Vec<Recipient>,
    /// Recipients.
    pub to: Vec<Recipient>,
    /// Recipients of a copy.
    pub cc: Vec<Recipient>,
    /// Recipients of a blind copy.
    pub bcc: Vec<Recipient>,
    /// When the mailbox received it.
    pub received_at: Option<Timestamp>,
    /// When the sender says it was sent.
    pub sent_at: Option<Timestamp>,
    /// Whether Exchange counts attachments. Inline ones do not count.
    pub has_attachments: bool,
    /// A draft that nobody has sent.
    pub is_draft: bool,
    /// Somebody has read it, or marked it so.
    pub is_read: bool,
    /// Categories, in the order in which they are shown.
    pub categories: Vec<String>,
    /// The body, in the one form that the mailbox tells.
    pub body: Option<Body>,
    /// The header fields, topmost first.
    pub headers: Vec<(String, String)>,
    /// What it is where it is not a plain message, for example `#microsoft.graph.eventMessageRequest` or `IPM.Note.SMIME`.
    pub kind: Option<String>,
    /// Its version: Graph's ETag for `If-Match`, the change key of EWS.
    pub etag: Option<String>,
}

/// Somebody with an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The display name.
    pub name: Option<String>,
    /// The address as the mailbox tells it; may be none that mail can be sent to (an Exchange-internal one, or empty).
    pub address: String,
}

/// A body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// HTML.
    Html(String),
    /// Plain text.
    Text(String),
}

/// The description is not that of a message.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is no JSON object.
    #[error("the mailbox's description of the message is no JSON object: {0}")]
    Json(#[from] serde_json::Error),
    /// It is no XML element.
    #[error("the mailbox's description of the message is no XML element: {0}")]
    Xml(String),
    /// It has no id.
    #[error("the mailbox's description of the message has no id")]
    NoId,
}

/// Reads a message's description: Graph's JSON, or the XML of EWS.
pub fn read(raw: &[u8]) -> Result<Message, Unreadable> {
    match raw.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'<') => ews::message::read(raw),
        _ => graph::message::read(raw),
    }
}

impl Message {
    /// The first header field of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(told, _)| told.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether the mailbox tells nothing of the message but that it is there: what is left of one that it cannot read itself.
    pub fn is_bare(&self) -> bool {
        self.body.is_none() && self.headers.is_empty() && self.from.is_none() && self.subject.is_none()
    }

    /// Whether the page does not suffice and the MIME is to be fetched: attachments, inline images, S/MIME, meeting requests,
    /// reports, any structure but plain text, HTML or both; and what the mailbox does not tell the structure of.
    pub fn needs_mime(&self) -> bool {
        // Graph names a type for plain messages too.
        let is_plain =
            self.kind.as_deref().is_none_or(|kind| kind.starts_with('#') && !kind.contains("eventMessage"));
        if self.has_attachments || !is_plain {
            return true;
        }
        match &self.body {
            None => return true,
            // Inline images do not count as attachments.
            Some(Body::Html(html)) if has_cid(html) => return true,
            Some(_) => {}
        }
        if self.headers.is_empty() || self.lost_characters() {
            return true;
        }
        // A mail without the field is plain text (RFC 2045 §5.2).
        let Some(kind) = self.header("Content-Type") else { return false };
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        !matches!(kind.as_str(), "text/plain" | "text/html" | "multipart/alternative")
    }
}

impl Message {
    /// Whether Exchange put replacement characters where the mail names no charset, or a wrong one: its bytes may tell more.
    fn lost_characters(&self) -> bool {
        let lost = |text: &str| text.contains(char::REPLACEMENT_CHARACTER);
        let people = [&self.to, &self.cc, &self.reply_to].into_iter().flatten();
        let mut names =
            people.chain(&self.from).chain(&self.sender).filter_map(|person| person.name.as_deref());
        self.subject.as_deref().is_some_and(lost)
            || names.any(lost)
            || self.body.as_ref().is_some_and(|(Body::Html(text) | Body::Text(text))| lost(text))
    }
}

fn has_cid(html: &str) -> bool {
    let bytes = html.as_bytes();
    html.match_indices(':').any(|(at, _)| at >= 3 && bytes[at - 3..at].eq_ignore_ascii_case(b"cid"))
}
