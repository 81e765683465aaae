//! Stored content to [`Mail`]: pure, so that a dry run and a replay read what the live flow read.

use mail::{Mail, Problem, Unreadable};
use microsoft::message;

/// What is stored of a message.
#[derive(Debug)]
pub struct Stored {
    /// The page JSON, exactly as the mailbox gave it.
    pub page: Vec<u8>,
    /// The MIME, where it was needed and fetched.
    pub mime: Option<bytes::Bytes>,
    /// MIME was needed and cannot be had: why, without a full stop.
    pub without_mime: Option<String>,
}

/// Why there is no MIME, where that is not known any more.
pub const NOT_HAD: &str = "the mailbox could not give the whole mail";

/// Why a stored message cannot be read, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotRead {
    /// The MIME is not a mail.
    #[error(transparent)]
    Mime(#[from] Unreadable),
    /// The page JSON is not what a mailbox sends.
    #[error("the mailbox described this message in a way that cannot be read: {0}")]
    Page(String),
}

/// Reads a mail. MIME wins over the page JSON: it has the attachments.
pub fn read(stored: &Stored) -> Result<Mail, CannotRead> {
    if let Some(mime) = &stored.mime {
        return match (mail::parse(mime), read_page(&stored.page)) {
            (Ok(mail), _) => Ok(mail),
            // Better an issue without attachments than none.
            (Err(unreadable), Ok(mut mail)) => {
                mail.problems
                    .push(problem("the attachments", format!("they could not be read: {unreadable}")));
                Ok(mail)
            }
            (Err(unreadable), Err(_)) => Err(unreadable.into()),
        };
    }
    let mut mail = read_page(&stored.page)?;
    if let Some(why) = &stored.without_mime {
        mail.problems.push(problem("the attachments", format!("{why}; what follows is without them")));
    }
    Ok(mail)
}

fn problem(place: &str, text: String) -> Problem {
    Problem { place: place.to_owned(), text }
}

/// Reads the page JSON alone.
pub fn read_page(page: &[u8]) -> Result<Mail, CannotRead> {
    let message = message::read(page).map_err(|error| CannotRead::Page(error.to_string()))?;
    Ok(mail::from_parts(parts(message)))
}

/// Whether the page JSON tells more than that the message exists.
pub fn has_content(page: &[u8]) -> bool {
    message::read(page).is_ok_and(|message| message.body.is_some() || message.subject.is_some())
}

/// The text of a mail as people see it, in one spelling whichever transport told it; `None` where its body is not told. Alike
/// mails are told apart by it.
pub fn visible_text(message: message::Message) -> Option<String> {
    message.body.as_ref()?;
    let text = mail::from_parts(parts(message)).rich().to_text();
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn parts(message: message::Message) -> mail::Parts {
    let address = |told: message::Recipient| mail::Address::new(told.name.as_deref(), &told.address);
    let list = |told: Vec<message::Recipient>| told.into_iter().filter_map(address).collect();
    mail::Parts {
        headers: message.headers,
        subject: message.subject,
        from: message.from.and_then(address),
        sender: message.sender.and_then(address),
        reply_to: list(message.reply_to),
        to: list(message.to),
        cc: list(message.cc),
        bcc: list(message.bcc),
        message_id: message.internet_message_id,
        sent_at: message.sent_at,
        received_at: message.received_at,
        body: match message.body {
            Some(message::Body::Html(html)) => mail::Body::Html(html),
            Some(message::Body::Text(text)) => mail::Body::Text(text),
            None => mail::Body::None,
        },
        ..mail::Parts::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: where attachments are missing, the mail says why, and not something else that would also explain it.
    #[test]
    fn what_could_not_be_had_is_told_with_its_cause() {
        let page = serde_json::json!({ "id": "1", "subject": "s", "body": { "contentType": "text", "content": "t" } });
        let read_without = |why: Option<&str>| {
            let page = serde_json::to_vec(&page).unwrap();
            read(&Stored { page, mime: None, without_mime: why.map(str::to_owned) }).unwrap().problems
        };
        assert!(read_without(None).is_empty());
        let too_large = fault::Fault::own("graph.mime_too_large", "70 MB").to_string();
        let problems = read_without(Some(&too_large));
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].place, "the attachments");
        assert!(
            problems[0].text.starts_with("The mail is larger than Postroom reads")
                && problems[0].text.ends_with("what follows is without them"),
            "{}",
            problems[0].text
        );
    }
}
