//! Mail told in fields is the mail told in bytes.

use super::*;
use crate::{differences, parse};

const RAW: &str = "Return-Path: <anna@x.example>\r\n\
From: =?utf-8?Q?Anna_M=C3=BCller?= <Anna@x.example>\r\n\
Sender: Anna <anna@X.example>\r\n\
To: \"Support\" <support@contoso.test>, b@y.example\r\n\
Cc: c@y.example\r\n\
Reply-To: desk@x.example\r\n\
Subject: =?utf-8?B?R3LDvMOfZQ==?= from\r\n Anna\r\n\
Message-ID: <2@x.example>\r\n\
In-Reply-To: <1@contoso.test>\r\n\
References: <0@contoso.test>,\r\n <1@contoso.test>\r\n\
Date: Mon, 23 Nov 2026 10:00:00 +0100\r\n\
Content-Type: text/html; charset=utf-8\r\n\r\n\
<p>Hello <b>you</b></p>";

fn told() -> Parts {
    let address = |name: &str, address: &str| Address::new(Some(name), address).expect("an address");
    Parts {
        headers: vec![
            ("Message-ID".into(), "<2@x.example>".into()),
            ("In-Reply-To".into(), "<1@contoso.test>".into()),
            ("References".into(), "<0@contoso.test>, <1@contoso.test>".into()),
            ("Date".into(), "Mon, 23 Nov 2026 10:00:00 +0100".into()),
        ],
        subject: Some("Grüße from Anna".into()),
        from: Some(address("Anna Müller", "Anna@x.example")),
        sender: Some(address("Anna Müller", "Anna@x.example")),
        to: vec![address("Support", "support@contoso.test"), address("b@y.example", "b@y.example")],
        cc: vec![address("c@y.example", "c@y.example")],
        reply_to: vec![address("desk@x.example", "desk@x.example")],
        message_id: Some("<2@x.example>".into()),
        body: Body::Html("<p>Hello <b>you</b></p>".into()),
        ..Parts::default()
    }
}

#[test]
fn both_ways_give_the_same_mail() {
    let parsed = parse(RAW.as_bytes()).expect("readable");
    let told = from_parts(told());
    assert_eq!(differences(&parsed, &told), vec![]);
    assert_eq!(parsed.date, told.date);
    assert_eq!(told.references, ["0@contoso.test", "1@contoso.test"]);
    assert_eq!(told.sender, None, "a sender that is the author is none");
}

#[test]
fn a_difference_names_its_field() {
    let one = from_parts(told());
    let other =
        from_parts(Parts { subject: Some("Another".into()), body: Body::Text("Hello you".into()), ..told() });
    let fields: Vec<String> = differences(&one, &other).into_iter().map(|d| d.field).collect();
    assert_eq!(fields, ["subject", "rich"]);
}

#[test]
fn ids_come_from_properties_where_headers_are_not_told() {
    let mail = from_parts(Parts {
        message_id: Some("<2@x.example>".into()),
        in_reply_to: Some("<1@x.example>".into()),
        references: Some("<0@x.example> <1@x.example>".into()),
        ..Parts::default()
    });
    assert_eq!(mail.message_id.as_deref(), Some("2@x.example"));
    assert_eq!(mail.in_reply_to, ["1@x.example"]);
    assert_eq!(mail.references, ["0@x.example", "1@x.example"]);
}

#[test]
fn verdicts_come_from_told_headers() {
    let mail = from_parts(Parts {
        headers: vec![("auto-submitted".into(), "auto-replied".into())],
        ..Parts::default()
    });
    assert_eq!(mail.verdicts.automatic.map(|a| a.rule()), Some("auto-submitted"));
}

#[test]
fn too_many_headers_are_cut_and_told() {
    let headers = (0..5_000).map(|n| (format!("X-{n}"), "v".into())).collect();
    let mail = from_parts(Parts { headers, ..Parts::default() });
    assert_eq!(mail.headers.len(), 2_000);
    assert_eq!(mail.problems.len(), 1);
}

#[test]
fn a_flowed_body_is_known_by_the_header() {
    let mail = from_parts(Parts {
        headers: vec![("Content-Type".into(), "text/plain; charset=utf-8; format=flowed".into())],
        body: Body::Text("a long \nline".into()),
        ..Parts::default()
    });
    assert_eq!(mail.rich(), crate::Rich::from_text("a long line"));
}
