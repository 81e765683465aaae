//! What a mail is, once read.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::typed::Typed;
use crate::{Rich, Verdicts};

/// A mail as rules, console and Jira see it, whichever way it was fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The Message-ID without angle brackets, white space and comments.
    pub message_id: Option<String>,
    /// Message-IDs this mail answers (In-Reply-To), without angle brackets.
    pub in_reply_to: Vec<String>,
    /// Message-IDs of the conversation (References), oldest first, without angle brackets.
    pub references: Vec<String>,
    /// The subject, decoded and on one line; empty when there is none.
    pub subject: String,
    /// The first author.
    pub from: Option<Address>,
    /// Who sent it on the author's behalf, where the mail names somebody (Sender).
    pub sender: Option<Address>,
    /// Where answers are wanted.
    pub reply_to: Vec<Address>,
    /// Recipients.
    pub to: Vec<Address>,
    /// Recipients of a copy.
    pub cc: Vec<Address>,
    /// Recipients of a blind copy, where the mailbox tells them.
    pub bcc: Vec<Address>,
    /// When the sender says it was sent. A stranger's word: never order or expire anything by it.
    pub date: Option<jiff::Timestamp>,
    /// All header fields, topmost first, unfolded and decoded.
    pub headers: Vec<Header>,
    /// The plain text body.
    pub text: Option<String>,
    /// How lines are to be read in [`Mail::text`].
    pub text_format: TextFormat,
    /// The HTML body.
    pub html: Option<String>,
    /// Everything that is not a body, in reading order.
    pub attachments: Vec<Attachment>,
    /// What this mail is, beyond what it says.
    pub verdicts: Verdicts,
    /// What could not be read in full, in words; empty for a mail in good order.
    pub problems: Vec<Problem>,
}

impl Mail {
    /// The body as a document: the HTML where there is one that shows anything, else the plain text.
    pub fn rich(&self) -> Rich {
        if let Some(html) = &self.html {
            let rich = Rich::from_html(html);
            if !rich.blocks.is_empty() || self.text.is_none() {
                return rich;
            }
        }
        match &self.text {
            Some(text) => Rich::from_text_in(text, self.text_format),
            None => Rich::default(),
        }
    }

    /// The value of the topmost header field of this name, letter case aside.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value.as_str())
    }
}

/// A mail address with its display name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The display name, decoded; `None` where it is missing, empty or only repeats the address.
    pub name: Option<String>,
    /// The address as written, without white space around it.
    pub address: String,
}

/// A header field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The field's name as written.
    pub name: String,
    /// Its value: unfolded, encoded words decoded, no control characters.
    pub value: String,
}

/// How the lines of a plain text body are to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TextFormat {
    /// Lines stand as they are.
    #[default]
    Fixed,
    /// Lines that end in a space go on in the next line (RFC 3676).
    Flowed,
    /// As `Flowed`, and the space at the end is not part of the text (`DelSp=yes`).
    FlowedDelSp,
}

impl TextFormat {
    /// The format that a Content-Type tells.
    pub(crate) fn of(content_type: &Typed) -> Self {
        let says = |name: &str, value: &str| {
            content_type.parameter(name).is_some_and(|told| told.eq_ignore_ascii_case(value))
        };
        match (says("format", "flowed"), says("delsp", "yes")) {
            (true, true) => Self::FlowedDelSp,
            (true, false) => Self::Flowed,
            _ => Self::Fixed,
        }
    }
}

/// A part of a mail that is not a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// A file name that is safe on every system: no path, no control characters, never empty, at most 180 bytes.
    pub name: String,
    /// Media type in lower case, without parameters, such as `image/png`.
    pub content_type: String,
    /// The Content-ID without angle brackets.
    pub content_id: Option<String>,
    /// Whether it is shown within the body: the HTML refers to it, or the sender marked it so.
    pub inline: bool,
    /// Size of the content in bytes, decoded.
    pub size: u64,
    /// SHA-256 of the content, hexadecimal, lower case.
    pub sha256: String,
    /// The content, decoded. Not serialised: a mail read back from JSON has none here.
    #[serde(skip)]
    pub content: Bytes,
}

/// Something that could not be read in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Which part of the mail, in words, such as `header Subject` or `part 3`.
    pub place: String,
    /// What is the matter and what was done about it.
    pub text: String,
}

impl Problem {
    pub(crate) fn new(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place: place.into(), text: text.into() }
    }
}

/// Why nothing at all could be read from the given bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Unreadable {
    /// There are no bytes, or nothing but white space.
    #[error("the message is empty: it has neither header nor body")]
    Empty,
    /// More bytes than the caller allows.
    #[error(
        "the message is {size} bytes long; at most {limit} bytes are read. Raise the size limit to read it"
    )]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Neither a header nor text: a file of another kind.
    #[error("the content is not a mail message: it begins with no header field and is not text")]
    NoMessage,
    /// The reader itself gave up. A defect of Postroom, not of the mail.
    #[error(
        "the message could not be read because of a defect in the reader ({0}); keep the message and report it"
    )]
    Reader(String),
}

/// Bounds on what is read from one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole message. Default 150 MiB, the most that Exchange Online carries.
    pub size: usize,
    /// How deep multiparts may nest. Default 40.
    pub depth: usize,
    /// Parts in all. Default 1,000.
    pub parts: usize,
    /// Header fields of one part. Default 2,000.
    pub headers: usize,
    /// Bytes of one header field. Default 128 KiB.
    pub header_size: usize,
    /// Bytes of a text or HTML body, decoded. Default 16 MiB.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            size: 150 << 20,
            depth: 40,
            parts: 1_000,
            headers: 2_000,
            header_size: 128 << 10,
            body: 16 << 20,
        }
    }
}
