//! The same mail, told in fields by a mailbox API instead of in bytes.

use jiff::Timestamp;

use crate::fields::{Fields, RawField};
use crate::mail::TextFormat;
use crate::verdicts::judge;
use crate::{Address, Limits, Mail, Problem, ids, words};

/// A mail as a mailbox API tells it (for Graph: the `message` resource with `internetMessageHeaders` and `body`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// All header fields with their values, topmost first (`internetMessageHeaders`).
    pub headers: Vec<(String, String)>,
    /// The subject; used where the header fields have none.
    pub subject: Option<String>,
    /// The author.
    pub from: Option<Address>,
    /// Who sent it for the author. Exchange repeats the author here, which then counts as none.
    pub sender: Option<Address>,
    /// Recipients.
    pub to: Vec<Address>,
    /// Recipients of a copy.
    pub cc: Vec<Address>,
    /// Recipients of a blind copy.
    pub bcc: Vec<Address>,
    /// Where answers are wanted.
    pub reply_to: Vec<Address>,
    /// The Message-ID, with or without brackets (`internetMessageId`).
    pub message_id: Option<String>,
    /// The In-Reply-To field where the header fields are not told (extended property 0x1042).
    pub in_reply_to: Option<String>,
    /// The References field where the header fields are not told (extended property 0x1039).
    pub references: Option<String>,
    /// When the sender says it was sent (`sentDateTime`); used where there is no Date field.
    pub sent_at: Option<Timestamp>,
    /// When the mailbox received it. Kept for callers; a mail itself does not know it.
    pub received_at: Option<Timestamp>,
    /// The body.
    pub body: Body,
}

/// A body as a mailbox API tells it: one, in one form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// None.
    #[default]
    None,
    /// HTML.
    Html(String),
    /// Plain text.
    Text(String),
}

/// A [`Mail`] from fields. Gives the same as [`crate::parse`] does for the same mail in everything that rules see;
/// attachments are not among the fields, so there are none.
pub fn from_parts(parts: Parts) -> Mail {
    let limits = Limits::default();
    let mut problems = Vec::new();
    let mut raw: Vec<RawField> = Vec::new();
    for (name, value) in parts.headers {
        if raw.len() == limits.headers {
            problems.push(Problem::new(
                "the header",
                format!("it has more than {} fields; the rest was left out", limits.headers),
            ));
            break;
        }
        raw.push(RawField::told(&name, &value, &limits, &mut problems));
    }
    let fields = Fields::new(raw);
    let told = |field: Option<String>| field.map(|value| words::one_line(&value)).unwrap_or_default();

    let authors = fields.addresses("From", &mut problems);
    let from = parts.from.or_else(|| authors.first().cloned());
    let sender = parts.sender.or_else(|| fields.addresses("Sender", &mut problems).into_iter().next());
    let sender = sender.filter(|sender| from.as_ref().is_none_or(|from| !same(from, sender)));
    let or_field = |given: Vec<Address>, name: &str, problems: &mut Vec<Problem>| {
        if given.is_empty() { fields.addresses(name, problems) } else { given }
    };
    let to = or_field(parts.to, "To", &mut problems);
    let cc = or_field(parts.cc, "Cc", &mut problems);
    let bcc = or_field(parts.bcc, "Bcc", &mut problems);
    let reply_to = or_field(parts.reply_to, "Reply-To", &mut problems);

    let in_reply_to = match fields.joined("In-Reply-To") {
        Some(value) => ids::in_reply_to(&value),
        None => ids::in_reply_to(&told(parts.in_reply_to)),
    };
    let references = match fields.joined("References") {
        Some(value) => ids::references(&value),
        None => ids::references(&told(parts.references)),
    };
    let subject = match fields.first("Subject") {
        Some(value) => words::unstructured(value),
        None => words::unstructured(&parts.subject.unwrap_or_default()),
    };
    let message_id = fields
        .first("Message-ID")
        .and_then(ids::message_id)
        .or_else(|| parts.message_id.as_deref().and_then(ids::message_id));
    let date = fields.date().or(parts.sent_at);
    // The body comes without its own header; where it is all there is, the message's header speaks for it.
    let text_format = match (&parts.body, fields.typed("Content-Type")) {
        (Body::Text(_), Some(kind)) if kind.kind == "text/plain" => TextFormat::of(&kind),
        _ => TextFormat::Fixed,
    };
    let headers = fields.decoded();
    let (text, html) = match parts.body {
        Body::None => (None, None),
        Body::Html(html) => {
            (None, Some(crate::content::bounded(html, limits.body, "the HTML body", &mut problems)))
        }
        Body::Text(text) => {
            (Some(crate::content::bounded(text, limits.body, "the text body", &mut problems)), None)
        }
    };
    Mail {
        verdicts: judge(&headers, from.as_ref(), &authors, sender.as_ref()),
        message_id,
        in_reply_to,
        references,
        subject,
        sender,
        from,
        reply_to,
        to,
        cc,
        bcc,
        date,
        headers,
        text: text.map(crate::content::unix_lines),
        text_format,
        html,
        attachments: Vec::new(),
        problems,
    }
}

/// Whether two addresses name the same mailbox, letter case aside.
pub(crate) fn same(one: &Address, other: &Address) -> bool {
    one.address.eq_ignore_ascii_case(&other.address)
}

#[cfg(test)]
mod tests;
