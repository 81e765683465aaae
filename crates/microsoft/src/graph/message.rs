//! The JSON of one message, read. Pure: the same bytes give the same message at any time, in the live flow and in a replay.
//!
//! A field of the wrong kind counts as missing, so that one odd field does not cost the message.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

pub use crate::message::{Body, Message as GraphMessage, Recipient, Unreadable};

/// The fields that pages carry (`$select`).
pub const SELECT: &str = "id,internetMessageId,conversationId,subject,from,sender,toRecipients,ccRecipients,\
     bccRecipients,replyTo,receivedDateTime,sentDateTime,hasAttachments,isDraft,isRead,body,internetMessageHeaders,\
     categories,parentFolderId";

/// A field that may be of the wrong kind.
struct Lenient<T>(Option<T>);

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: serde::de::DeserializeOwned> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &'de RawValue = Deserialize::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).ok()))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound = "")]
struct Wire<'a> {
    #[serde(default)]
    id: Lenient<String>,
    #[serde(default, rename = "@odata.type")]
    kind: Lenient<String>,
    #[serde(default, rename = "@odata.etag")]
    etag: Lenient<String>,
    #[serde(default)]
    internet_message_id: Lenient<String>,
    #[serde(default)]
    conversation_id: Lenient<String>,
    #[serde(default)]
    parent_folder_id: Lenient<String>,
    #[serde(default)]
    subject: Lenient<String>,
    #[serde(default)]
    from: Lenient<WireRecipient>,
    #[serde(default)]
    sender: Lenient<WireRecipient>,
    #[serde(borrow, default)]
    reply_to: Several<'a>,
    #[serde(borrow, default)]
    to_recipients: Several<'a>,
    #[serde(borrow, default)]
    cc_recipients: Several<'a>,
    #[serde(borrow, default)]
    bcc_recipients: Several<'a>,
    #[serde(default)]
    received_date_time: Lenient<String>,
    #[serde(default)]
    sent_date_time: Lenient<String>,
    #[serde(default)]
    has_attachments: Lenient<bool>,
    #[serde(default)]
    is_draft: Lenient<bool>,
    #[serde(default)]
    is_read: Lenient<bool>,
    #[serde(borrow, default)]
    categories: Several<'a>,
    #[serde(default)]
    body: Lenient<WireBody>,
    #[serde(borrow, default)]
    internet_message_headers: Several<'a>,
}

/// A list whose entries are read one by one.
#[derive(Default)]
struct Several<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Several<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &'de RawValue = Deserialize::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).unwrap_or_default()))
    }
}

impl Several<'_> {
    fn each<T: serde::de::DeserializeOwned>(&self) -> impl Iterator<Item = T> {
        self.0.iter().filter_map(|raw| serde_json::from_str(raw.get()).ok())
    }

    fn recipients(&self) -> Vec<Recipient> {
        self.each::<WireRecipient>().filter_map(WireRecipient::read).collect()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRecipient {
    #[serde(default)]
    email_address: Option<WireAddress>,
}

#[derive(Deserialize)]
struct WireAddress {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    address: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireBody {
    #[serde(default)]
    content_type: Option<String>,
    #[serde(default)]
    content: Option<String>,
}

#[derive(Deserialize)]
struct WireHeader {
    name: String,
    #[serde(default)]
    value: Option<String>,
}

impl WireRecipient {
    fn read(self) -> Option<Recipient> {
        let address = self.email_address?;
        let name = address.name.filter(|name| !name.trim().is_empty());
        let address = address.address.unwrap_or_default();
        (name.is_some() || !address.is_empty()).then_some(Recipient { name, address })
    }
}

/// Reads the JSON of one message.
pub fn read(raw: &[u8]) -> Result<GraphMessage, Unreadable> {
    let text = String::from_utf8_lossy(raw);
    let text = mended(&text);
    let wire: Wire<'_> = serde_json::from_str(&text)?;
    let time = |told: Lenient<String>| told.0.and_then(|text| text.parse().ok());
    let id = wire.id.0.filter(|id| !id.is_empty()).ok_or(Unreadable::NoId)?;
    Ok(GraphMessage {
        id,
        internet_message_id: wire.internet_message_id.0,
        conversation_id: wire.conversation_id.0,
        parent_folder_id: wire.parent_folder_id.0,
        subject: wire.subject.0,
        from: wire.from.0.and_then(WireRecipient::read),
        sender: wire.sender.0.and_then(WireRecipient::read),
        reply_to: wire.reply_to.recipients(),
        to: wire.to_recipients.recipients(),
        cc: wire.cc_recipients.recipients(),
        bcc: wire.bcc_recipients.recipients(),
        received_at: time(wire.received_date_time),
        sent_at: time(wire.sent_date_time),
        has_attachments: wire.has_attachments.0.unwrap_or(false),
        is_draft: wire.is_draft.0.unwrap_or(false),
        is_read: wire.is_read.0.unwrap_or(false),
        categories: wire.categories.each().collect(),
        body: wire.body.0.and_then(|body| {
            let content = body.content?;
            let is_html = body.content_type.is_some_and(|kind| kind.eq_ignore_ascii_case("html"));
            Some(if is_html { Body::Html(content) } else { Body::Text(content) })
        }),
        headers: wire
            .internet_message_headers
            .each::<WireHeader>()
            .map(|header| (header.name, header.value.unwrap_or_default()))
            .collect(),
        kind: wire.kind.0,
        etag: wire.etag.0,
    })
}

/// The JSON without half surrogates: Exchange hands on `\ud83d` alone where a mail was cut in the middle of a character, which
/// is no text, and no parser takes it.
pub(super) fn mended(json: &str) -> Cow<'_, str> {
    const REPLACEMENT: &str = "\\ufffd";
    let escape = |at: usize| -> Option<u16> {
        let digits = json.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let bytes = json.as_bytes();
    if !json.contains("\\ud") && !json.contains("\\uD") {
        return Cow::Borrowed(json);
    }
    let (mut out, mut copied, mut at) = (String::new(), 0, 0);
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        match escape(at) {
            Some(0xd800..=0xdbff) if matches!(escape(at + 6), Some(0xdc00..=0xdfff)) => at += 12,
            Some(0xd800..=0xdfff) => {
                out.push_str(&json[copied..at]);
                out.push_str(REPLACEMENT);
                at += 6;
                copied = at;
            }
            Some(_) => at += 6,
            None => at += 2,
        }
    }
    out.push_str(&json[copied.min(json.len())..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn plain() -> Value {
        json!({
            "id": "AAk", "internetMessageId": "<a@example.org>", "subject": "s", "hasAttachments": false,
            "isDraft": false, "receivedDateTime": "2026-11-24T10:00:00Z",
            "from": { "emailAddress": { "name": "Ada", "address": "ada@example.org" } },
            "toRecipients": [{ "emailAddress": { "name": "", "address": "support@contoso.test" } }],
            "body": { "contentType": "html", "content": "<p>x</p>" },
            "internetMessageHeaders": [{ "name": "Content-Type", "value": "text/html; charset=utf-8" }],
        })
    }

    fn with(changes: Value) -> GraphMessage {
        let mut message = plain();
        let Value::Object(changes) = changes else { panic!("an object") };
        for (key, value) in changes {
            message[key] = value;
        }
        read(message.to_string().as_bytes()).expect("reads")
    }

    #[test]
    fn fields_are_read_as_told() {
        let message = with(json!({}));
        assert_eq!(
            message.from,
            Some(Recipient { name: Some("Ada".into()), address: "ada@example.org".into() })
        );
        assert_eq!(message.to, [Recipient { name: None, address: "support@contoso.test".into() }]);
        assert_eq!(message.received_at, "2026-11-24T10:00:00Z".parse().ok());
        assert_eq!(message.header("content-TYPE"), Some("text/html; charset=utf-8"));
    }

    #[rstest]
    #[case::plain(json!({}), false)]
    #[case::text(json!({ "body": { "contentType": "text", "content": "see cid: in RFC 2392" } }), false)]
    #[case::attachments(json!({ "hasAttachments": true }), true)]
    #[case::inline_image(json!({ "body": { "contentType": "HTML", "content": "<img src='CID:x'>" } }), true)]
    #[case::no_headers(json!({ "internetMessageHeaders": [] }), true)]
    #[case::no_body(json!({ "body": null }), true)]
    #[case::meeting(json!({ "@odata.type": "#microsoft.graph.eventMessageRequest" }), true)]
    fn mime_is_fetched_only_where_it_is_needed(#[case] changes: Value, #[case] needed: bool) {
        assert_eq!(with(changes).needs_mime(), needed);
    }

    #[rstest]
    #[case("text/plain", false)]
    #[case("Text/Plain; format=flowed", false)]
    #[case("multipart/alternative; boundary=x", false)]
    #[case("multipart/mixed; boundary=x", true)]
    #[case("multipart/related; boundary=x", true)]
    #[case("multipart/signed; protocol=\"application/pkcs7-signature\"", true)]
    #[case("application/pkcs7-mime; smime-type=enveloped-data", true)]
    #[case("multipart/report; report-type=delivery-status", true)]
    #[case("text/calendar; method=REQUEST", true)]
    #[case("", true)]
    fn structure_decides_about_mime(#[case] kind: &str, #[case] needed: bool) {
        let headers = json!({ "internetMessageHeaders": [{ "name": "content-type", "value": kind }] });
        assert_eq!(with(headers).needs_mime(), needed);
    }

    #[test]
    fn a_field_of_the_wrong_kind_costs_that_field_only() {
        let message = with(json!({
            "subject": 7, "from": "x", "ccRecipients": [{ "emailAddress": { "address": "a@b" } }, 3, null],
            "receivedDateTime": "yesterday", "isDraft": "no", "internetMessageHeaders": [{ "name": 1 }, { "name": "X" }],
        }));
        assert_eq!((message.subject.as_deref(), &message.from, message.received_at), (None, &None, None));
        assert_eq!(message.cc.len(), 1);
        assert_eq!(message.headers, [("X".to_owned(), String::new())]);
    }

    #[test]
    fn half_a_surrogate_does_not_cost_the_mail() {
        let raw = r#"{"id":"x","subject":"a\ud83d b\udc00 \ud83d\ude00 \\ud83d \"\uDBFF\""}"#;
        let message = read(raw.as_bytes()).expect("reads");
        assert_eq!(message.subject.as_deref(), Some("a\u{fffd} b\u{fffd} 😀 \\ud83d \"\u{fffd}\""));
    }

    #[test]
    fn what_is_no_message_is_said_to_be_none() {
        for raw in ["", "[]", "7", "{}", r#"{"id":""}"#, r#"{"id":7}"#, "{\"id\":\"x\""] {
            assert!(read(raw.as_bytes()).is_err(), "{raw}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }

        #[test]
        fn no_escapes_make_it_panic(text in r#"(\\u[dD][89a-fA-F]?|\\|"|\\u|[0-9a-fé😀]){0,40}"#) {
            let raw = format!(r#"{{"id":"x","subject":"{text}"}}"#);
            let _ = read(raw.as_bytes());
        }

        #[test]
        fn every_text_comes_through(subject in any::<String>()) {
            let raw = json!({ "id": "x", "subject": subject }).to_string();
            prop_assert_eq!(read(raw.as_bytes()).expect("reads").subject, Some(subject));
        }
    }
}
