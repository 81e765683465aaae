//! Bytes of a message to a [`Mail`].

use crate::guard::guarded;
use crate::mail::{Limits, Mail, Problem, Unreadable};
use crate::parts::same;
use crate::verdicts::judge;
use crate::{bodies, ids, structure, words};

/// Most problems kept for one mail.
const MAX_PROBLEMS: usize = 50;

/// Reads a message within the default [`Limits`].
///
/// Whatever is in `bytes`, this ends with a mail, with [`Mail::problems`] for what is not in order, or with a reason
/// why there is none.
pub fn parse(bytes: &[u8]) -> Result<Mail, Unreadable> {
    parse_within(bytes, &Limits::default())
}

/// As [`parse`], within bounds of the caller's choice.
pub fn parse_within(bytes: &[u8], limits: &Limits) -> Result<Mail, Unreadable> {
    if bytes.len() > limits.size {
        return Err(Unreadable::TooLarge { size: bytes.len(), limit: limits.size });
    }
    if bytes.iter().all(|b| b.is_ascii_whitespace() || *b == 0) {
        return Err(Unreadable::Empty);
    }
    guarded(|| read(bytes, limits)).unwrap_or_else(|panic| Err(Unreadable::Reader(panic)))
}

fn read(bytes: &[u8], limits: &Limits) -> Result<Mail, Unreadable> {
    let mut problems = Vec::new();
    let parts = structure::split(bytes, limits, &mut problems);
    let fields = &parts[0].fields;
    if fields.is_empty() {
        // Text without a header is still something a person wrote. A file of another kind is not.
        if bytes.contains(&0) {
            return Err(Unreadable::NoMessage);
        }
        problems.push(Problem::new("the message", "it has no header; all of it was read as the body"));
    }
    let contents = bodies::read(bytes, &parts, limits, &mut problems);
    let headers = fields.decoded();
    let authors = fields.addresses("From", &mut problems);
    let from = authors.first().cloned();
    let sender = fields.addresses("Sender", &mut problems).into_iter().next();
    let sender = sender.filter(|sender| from.as_ref().is_none_or(|from| !same(from, sender)));
    if from.is_none() {
        problems.push(Problem::new("header From", "the mail does not say who wrote it"));
    }
    if let (Some(value), None) = (fields.first("Date"), fields.date()) {
        let shown: String = value.chars().take(60).collect();
        problems.push(Problem::new("header Date", format!("`{shown}` is no date")));
    }
    let mail = Mail {
        message_id: fields.first("Message-ID").and_then(ids::message_id),
        in_reply_to: ids::in_reply_to(&fields.joined("In-Reply-To").unwrap_or_default()),
        references: ids::references(&fields.joined("References").unwrap_or_default()),
        subject: words::unstructured(fields.first("Subject").unwrap_or_default()),
        verdicts: judge(&headers, from.as_ref(), &authors, sender.as_ref()),
        sender,
        from,
        reply_to: fields.addresses("Reply-To", &mut problems),
        to: fields.addresses("To", &mut problems),
        cc: fields.addresses("Cc", &mut problems),
        bcc: fields.addresses("Bcc", &mut problems),
        date: fields.date(),
        headers,
        text: contents.text,
        text_format: contents.text_format,
        html: contents.html,
        attachments: contents.attachments,
        problems: limited(problems),
    };
    Ok(mail)
}

fn limited(mut problems: Vec<Problem>) -> Vec<Problem> {
    if problems.len() > MAX_PROBLEMS {
        let more = problems.len() - MAX_PROBLEMS;
        problems.truncate(MAX_PROBLEMS);
        problems.push(Problem::new("the message", format!("{more} more problems of the same kind")));
    }
    problems
}

#[cfg(test)]
mod tests;
