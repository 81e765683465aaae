//! Bytes of a mail → the properties that Exchange shows of it. Whatever comes, something is shown: what no parser reads
//! becomes a text body of the bytes themselves.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use jiff::Timestamp;
use mail_parser::{Address, Message, MessageParser, PartType};
use serde_json::{Value, json};

use super::{class, parts};

/// Most header lines that are shown.
const MOST_HEADERS: usize = 2_000;
/// Most recipients of a kind that are shown.
const MOST_RECIPIENTS: usize = 1_000;

/// What is read from the bytes of a message, with each property as JSON text.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) raw: Bytes,
    /// The properties in Graph's names that the bytes alone decide.
    pub(crate) properties: Vec<(&'static str, Box<str>)>,
    pub(crate) subject: String,
    pub(crate) from: Option<Person>,
    pub(crate) to: Vec<Person>,
    pub(crate) cc: Vec<Person>,
    pub(crate) bcc: Vec<Person>,
    pub(crate) reply_to: Vec<Person>,
    /// With angle brackets; empty when the bytes have none.
    pub(crate) message_id: String,
    /// Ids of `In-Reply-To` and `References`, without brackets.
    pub(crate) references: Vec<String>,
    pub(crate) sent: Option<Timestamp>,
    pub(crate) has_attachments: bool,
    pub(crate) importance: &'static str,
    pub(crate) is_html: bool,
    pub(crate) body: String,
    pub(crate) headers: Vec<(String, String)>,
    /// What Exchange takes it for.
    pub(crate) class: String,
}

/// A name with an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) address: String,
}

impl Person {
    pub(crate) fn new(name: &str, address: &str) -> Self {
        let name = if name.trim().is_empty() { address } else { name };
        Self { name: name.trim().to_owned(), address: address.trim().to_owned() }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({"emailAddress": {"name": self.name, "address": self.address}})
    }
}

impl Content {
    /// A property as JSON text.
    pub(crate) fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(own, _)| *own == name).map(|(_, text)| &**text)
    }
}

/// Reads a message. Never fails and never panics.
pub(crate) fn read(raw: Bytes) -> Content {
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        let message = MessageParser::default().parse(&raw[..])?;
        Some(Seen::of(&raw, &message))
    }));
    let seen = parsed.ok().flatten().unwrap_or_else(|| Seen::unreadable(&raw));
    seen.content(raw)
}

/// What the parser saw, before it becomes JSON.
#[derive(Default)]
struct Seen {
    headers: Vec<(String, String)>,
    subject: String,
    from: Option<Person>,
    sender: Option<Person>,
    to: Vec<Person>,
    cc: Vec<Person>,
    bcc: Vec<Person>,
    reply_to: Vec<Person>,
    message_id: String,
    sent: Option<Timestamp>,
    is_html: bool,
    body: String,
    plain: String,
    has_attachments: bool,
    class: String,
}

impl Seen {
    fn of(raw: &[u8], message: &Message<'_>) -> Self {
        let people = |address: Option<&Address<'_>>| people(address);
        let (is_html, body) = body(message);
        let plain = if is_html { parts::text_of_html(&body) } else { body.clone() };
        let found = parts::attachments(raw, message, &body);
        let headers = headers(raw);
        let message_id = first(&headers, "message-id").trim().to_owned();
        let from = people(message.from()).into_iter().next();
        Self {
            subject: message.subject().unwrap_or_default().to_owned(),
            sender: people(message.sender()).into_iter().next().or_else(|| from.clone()),
            from,
            to: people(message.to()),
            cc: people(message.cc()),
            bcc: people(message.bcc()),
            reply_to: people(message.reply_to()),
            message_id,
            sent: message.date().and_then(|date| Timestamp::from_second(date.to_timestamp()).ok()),
            is_html,
            body,
            plain,
            has_attachments: found.iter().any(|attachment| !attachment.is_inline),
            class: class::of(message, &headers),
            headers,
        }
    }

    fn unreadable(raw: &[u8]) -> Self {
        let body = String::from_utf8_lossy(raw).replace('\0', "\u{fffd}");
        let class = class::NOTE.to_owned();
        Self { plain: body.clone(), body, headers: headers(raw), class, ..Self::default() }
    }

    fn content(self, raw: Bytes) -> Content {
        let references = [ids(&self.headers, "in-reply-to"), ids(&self.headers, "references")].concat();
        let importance = importance(&self.headers);
        let headers: Vec<Value> =
            self.headers.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        let list = |people: &[Person]| Value::from(people.iter().map(Person::to_json).collect::<Vec<_>>());
        let one = |person: &Option<Person>| person.as_ref().map_or(Value::Null, Person::to_json);
        let kind = if self.is_html { "html" } else { "text" };
        let preview: String =
            self.plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(255).collect();
        let values: Vec<(&'static str, Value)> = vec![
            ("hasAttachments", self.has_attachments.into()),
            ("subject", self.subject.as_str().into()),
            ("bodyPreview", preview.into()),
            ("body", json!({"contentType": kind, "content": self.body})),
            ("sender", one(&self.sender)),
            ("from", one(&self.from)),
            ("toRecipients", list(&self.to)),
            ("ccRecipients", list(&self.cc)),
            ("bccRecipients", list(&self.bcc)),
            ("replyTo", list(&self.reply_to)),
            ("internetMessageHeaders", Value::from(headers)),
            (
                "isReadReceiptRequested",
                (!first(&self.headers, "disposition-notification-to").is_empty()).into(),
            ),
            ("isDeliveryReceiptRequested", (!first(&self.headers, "return-receipt-to").is_empty()).into()),
        ];
        let properties =
            values.into_iter().map(|(name, value)| (name, value.to_string().into_boxed_str())).collect();
        Content {
            raw,
            properties,
            subject: self.subject,
            from: self.from,
            to: self.to,
            cc: self.cc,
            bcc: self.bcc,
            reply_to: self.reply_to,
            message_id: self.message_id,
            references,
            sent: self.sent,
            has_attachments: self.has_attachments,
            importance,
            is_html: self.is_html,
            body: self.body,
            headers: self.headers,
            class: self.class,
        }
    }
}

/// The body that Exchange shows: HTML where there is any, else the texts one after the other.
fn body(message: &Message<'_>) -> (bool, String) {
    let part = |id: &u32| message.parts.get(*id as usize);
    let html: Vec<_> = message.html_body.iter().filter_map(part).collect();
    if html.iter().any(|part| matches!(part.body, PartType::Html(_))) {
        let mut out = String::new();
        for part in html {
            match &part.body {
                PartType::Html(text) => out.push_str(text),
                PartType::Text(text) => {
                    let _ = write!(out, "<pre>{}</pre>", parts::escape(text));
                }
                _ => {}
            }
        }
        return (true, parts::with_charset(&out));
    }
    let texts: Vec<&str> = message
        .text_body
        .iter()
        .filter_map(part)
        .filter_map(|part| match &part.body {
            PartType::Text(text) | PartType::Html(text) => Some(text.as_ref()),
            _ => None,
        })
        .collect();
    (false, texts.join("\r\n"))
}

fn people(address: Option<&Address<'_>>) -> Vec<Person> {
    let Some(address) = address else { return Vec::new() };
    address
        .iter()
        .filter_map(|one| {
            let mail = one.address().unwrap_or_default().trim();
            let name = one.name().unwrap_or_default();
            (!mail.is_empty() || !name.trim().is_empty()).then(|| Person::new(name, mail))
        })
        .take(MOST_RECIPIENTS)
        .collect()
}

/// The header lines at the top, in order, unfolded and otherwise as they are.
pub(crate) fn headers(raw: &[u8]) -> Vec<(String, String)> {
    let mut found: Vec<(String, Vec<u8>)> = Vec::new();
    for line in raw.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || found.len() > MOST_HEADERS {
            break;
        }
        if line[0] == b' ' || line[0] == b'\t' {
            if let Some((_, value)) = found.last_mut() {
                value.extend_from_slice(line);
            }
            continue;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = &line[..colon];
        let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
        if is_name {
            found.push((String::from_utf8_lossy(name).into_owned(), line[colon + 1..].to_vec()));
        }
    }
    found.truncate(MOST_HEADERS);
    found
        .into_iter()
        .map(|(name, value)| (name, String::from_utf8_lossy(&value).trim().replace('\0', "")))
        .collect()
}

fn first<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value.as_str())
}

/// The message ids in a header field, without brackets.
fn ids(headers: &[(String, String)], name: &str) -> Vec<String> {
    first(headers, name)
        .split(['<', '>', ' ', '\t', ','])
        .filter(|id| id.contains('@') || id.len() > 8)
        .map(str::to_owned)
        .take(200)
        .collect()
}

fn importance(headers: &[(String, String)]) -> &'static str {
    let named = first(headers, "importance").to_ascii_lowercase();
    let priority = first(headers, "x-priority");
    match (named.as_str(), priority.chars().next()) {
        ("high", _) | ("", Some('1' | '2')) => "high",
        ("low", _) | ("", Some('4' | '5')) => "low",
        _ => "normal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn content(text: &str) -> Content {
        read(Bytes::from(text.replace('\n', "\r\n")))
    }

    /// The properties are those of the mail.
    #[test]
    fn an_ordinary_mail_is_read() {
        let mail = content(
            "From: =?utf-8?q?Andr=C3=A9?= <a@x.example>\nTo: support@contoso.test\nCc: b@x.example\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\n\
             Message-ID: <1@x.example>\nIn-Reply-To: <0@x.example>\nReferences: <00@x.example>\n <0@x.example>\n\
             Importance: High\nContent-Type: text/html; charset=utf-8\n\n<p>Hello</p>",
        );
        assert_eq!(mail.subject, "Grüße");
        assert_eq!(mail.from, Some(Person::new("André", "a@x.example")));
        assert_eq!(mail.message_id, "<1@x.example>");
        assert_eq!(mail.references, ["0@x.example", "00@x.example", "0@x.example"]);
        assert_eq!(mail.importance, "high");
        assert!(mail.is_html && mail.body.contains("<p>Hello</p>") && mail.body.contains("charset=utf-8"));
        assert_eq!(mail.property("bodyPreview"), Some("\"Hello\""));
        let unfolded =
            mail.headers.iter().find(|(name, _)| name == "References").map(|(_, value)| value.as_str());
        assert_eq!(unfolded, Some("<00@x.example> <0@x.example>"));
    }

    /// An attachment counts, an inline image alone does not.
    #[test]
    fn inline_parts_alone_are_no_attachments() {
        let with = |disposition: &str, body: &str| {
            content(&format!(
                "Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n--b\nContent-Type: \
                 text/html\n\n{body}\n--b\nContent-Type: image/png; name=a.png\nContent-Disposition: \
                 {disposition}; filename=a.png\nContent-ID: <one@x>\nContent-Transfer-Encoding: \
                 base64\n\niVBORw0KGgo=\n--b--\n"
            ))
        };
        assert!(!with("inline", "<img src=\"cid:one@x\">").has_attachments);
        assert!(with("attachment", "<p>see</p>").has_attachments);
    }

    /// Every file of the corpora becomes a message.
    #[test]
    #[allow(clippy::print_stdout, reason = "says what was left out")]
    fn every_mail_of_the_corpora_is_read() {
        let shared = std::env::var("POSTROOM_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
        let mut open = vec![std::path::PathBuf::from(shared).join("corpora")];
        let mut read_files = 0;
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(
                    std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()),
                );
            } else if let Ok(bytes) = std::fs::read(&path) {
                let length = bytes.len();
                let content = read(Bytes::from(bytes));
                assert_eq!(content.raw.len(), length);
                for (name, text) in &content.properties {
                    assert!(serde_json::from_str::<Value>(text).is_ok(), "{name} of {}", path.display());
                }
                read_files += 1;
            }
        }
        if read_files == 0 {
            println!("skipped: mail of the corpora (shared data not present)");
        }
    }

    proptest! {
        /// No bytes make it panic, and every property is JSON.
        #[test]
        fn any_bytes_become_a_message(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let content = read(Bytes::from(bytes));
            for (_, text) in &content.properties {
                prop_assert!(serde_json::from_str::<Value>(text).is_ok());
            }
        }

        /// Neither do lines that look like mail.
        #[test]
        fn lines_like_mail_become_a_message(lines in proptest::collection::vec(
            "(From|To|Subject|Content-Type|Content-Transfer-Encoding|Date|Message-ID|--b|)(: )?[ -~é]{0,40}", 0..30,
        )) {
            let content = read(Bytes::from(format!("Content-Type: multipart/mixed; boundary=b\r\n{}", lines.join("\r\n"))));
            prop_assert!(content.property("body").is_some());
        }
    }
}
