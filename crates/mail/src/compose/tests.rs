//! What is written is read back.

use super::*;
use crate::parse;

fn draft() -> Draft {
    let address = |name: &str, address: &str| Address::new(Some(name), address).expect("an address");
    Draft {
        from: Some(address("Jürgen, Support", "support@contoso.test")),
        to: vec![address("Anna", "anna@x.example"), address("", "b@y.example")],
        cc: vec![address("", "c@y.example")],
        subject:
            "Grüße: SUP-12, a rather long subject that goes beyond the length of a single line of header"
                .into(),
        text: Some("Hello\nyou".into()),
        html: Some("<p>Hello <img src=\"cid:logo@x\"> you</p>".into()),
        in_reply_to: vec!["1@x.example".into()],
        references: vec!["0@x.example".into(), "1@x.example".into()],
        message_id: "2@contoso.test".into(),
        date: "2026-11-23T10:00:00Z".parse().expect("a time"),
        headers: vec![
            ("X-Postroom-Op".into(), "abc\r\nBcc: evil@x.example".into()),
            ("Bad Name".into(), "x".into()),
        ],
        attachments: vec![
            DraftAttachment {
                name: "logo.png".into(),
                content_type: "image/png".into(),
                content_id: Some("logo@x".into()),
                content: Bytes::from_static(b"\x89PNG"),
            },
            DraftAttachment {
                name: "Bericht ü.txt".into(),
                content_type: "not a type".into(),
                content_id: None,
                content: Bytes::from_static(b"data"),
            },
        ],
        ..Draft::default()
    }
}

#[test]
fn a_draft_comes_back_as_it_went() {
    let draft = draft();
    let mail = parse(&write(&draft)).expect("readable");
    assert_eq!(mail.problems, vec![]);
    assert_eq!(mail.from, draft.from);
    assert_eq!((&mail.to, &mail.cc), (&draft.to, &draft.cc));
    assert_eq!(mail.subject, draft.subject);
    assert_eq!(mail.message_id.as_deref(), Some("2@contoso.test"));
    assert_eq!((&mail.in_reply_to, &mail.references), (&draft.in_reply_to, &draft.references));
    assert_eq!(mail.date, Some(draft.date));
    assert_eq!(mail.text.as_deref().map(str::trim_end), Some("Hello\nyou"));
    assert_eq!(mail.html.as_deref().map(str::trim_end), draft.html.as_deref());
    let files: Vec<(&str, &str, bool, &[u8])> = mail
        .attachments
        .iter()
        .map(|a| (a.name.as_str(), a.content_type.as_str(), a.inline, &a.content[..]))
        .collect();
    assert_eq!(
        files,
        vec![
            ("logo.png", "image/png", true, &b"\x89PNG"[..]),
            ("Bericht ü.txt", "application/octet-stream", false, &b"data"[..]),
        ]
    );
    assert_eq!(mail.attachments[0].content_id.as_deref(), Some("logo@x"));
    assert_eq!(mail.verdicts.automatic.map(|a| a.rule()), Some("own-mail"));
}

#[test]
fn no_field_can_be_smuggled_in() {
    let mail = parse(&write(&draft())).expect("readable");
    assert_eq!(mail.bcc, vec![]);
    assert_eq!(mail.header("X-Postroom-Op"), Some("abc Bcc: evil@x.example"));
    assert_eq!(mail.header("Bad Name"), None);
}

#[test]
fn the_same_draft_gives_the_same_bytes() {
    assert_eq!(write(&draft()), write(&draft()));
}

#[test]
fn a_draft_without_a_body_is_still_a_mail() {
    let mail = parse(&write(&Draft { message_id: "1@x".into(), ..Draft::default() })).expect("readable");
    assert_eq!(mail.rich(), crate::Rich::default());
}
