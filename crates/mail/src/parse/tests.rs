//! Whole messages: what is read, and that anything is survived.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::{Attachment, Rich, TextFormat};

fn read(raw: &str) -> Mail {
    parse(raw.as_bytes()).expect("readable")
}

/// A message with the given parts between delimiters `b`.
fn multipart(kind: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--b\r\n{part}\r\n")).collect::<Vec<_>>().concat();
    format!("From: a@x.example\r\nContent-Type: multipart/{kind}; boundary=b\r\n\r\n{parts}--b--\r\n")
}

const TEXT: &str = "Content-Type: text/plain; charset=utf-8\r\n\r\nplain";
const HTML: &str = "Content-Type: text/html; charset=utf-8\r\n\r\n<p>page <img src=\"cid:i@x\"></p>";
const IMAGE: &str = "Content-Type: image/png; name=i.png\r\nContent-ID: <i@x>\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=";

fn files(mail: &Mail) -> Vec<(&str, &str, bool)> {
    mail.attachments
        .iter()
        .map(|a: &Attachment| (a.name.as_str(), a.content_type.as_str(), a.inline))
        .collect()
}

#[rstest]
#[case::empty(b"", Unreadable::Empty)]
#[case::blank(b" \r\n\r\n\t", Unreadable::Empty)]
#[case::other_file(b"\x7fELF\x02\x01\x00\x00\x00", Unreadable::NoMessage)]
fn what_is_no_mail_has_a_reason(#[case] bytes: &[u8], #[case] reason: Unreadable) {
    assert_eq!(parse(bytes), Err(reason));
}

#[test]
fn a_mail_beyond_the_size_limit_is_refused_with_both_numbers() {
    let limits = Limits { size: 10, ..Limits::default() };
    let error = parse_within(&[b'a'; 11], &limits).expect_err("too large");
    assert_eq!(error, Unreadable::TooLarge { size: 11, limit: 10 });
    assert!(error.to_string().contains("11 bytes long; at most 10"));
}

#[test]
fn text_without_a_header_is_read_as_a_body() {
    let mail = read("just some words");
    assert_eq!(mail.text.as_deref(), Some("just some words"));
    assert!(mail.problems.iter().any(|p| p.text.contains("no header")));
}

#[test]
fn one_content_in_two_forms_is_one_body() {
    let mail = read(&multipart("alternative", &[TEXT, HTML]));
    assert_eq!(mail.text.as_deref(), Some("plain"));
    assert_eq!(mail.html.as_deref(), Some("<p>page <img src=\"cid:i@x\"></p>"));
    assert_eq!(mail.attachments, vec![]);
}

#[test]
fn a_related_image_is_inline_because_the_page_shows_it() {
    let mail = read(&multipart("related", &[HTML, IMAGE]));
    assert_eq!(files(&mail), [("i.png", "image/png", true)]);
    assert_eq!(mail.attachments[0].content_id.as_deref(), Some("i@x"));
    assert_eq!(mail.attachments[0].size, 5);
    assert_eq!(
        mail.attachments[0].sha256,
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    );
    assert_eq!(files(&read(&multipart("mixed", &[TEXT, IMAGE]))), [("i.png", "image/png", false)]);
}

#[test]
fn the_root_of_a_related_is_the_part_that_start_names() {
    let page = "Content-Type: text/html\r\nContent-ID: <page@x>\r\n\r\n<p>page</p>";
    let raw = multipart("related; start=\"<page@x>\"", &[IMAGE, page]);
    assert_eq!(read(&raw).html.as_deref(), Some("<p>page</p>"));
}

#[test]
fn several_texts_are_one_body_in_reading_order() {
    let mail = read(&multipart("mixed", &[TEXT, IMAGE, "\r\nfooter"]));
    assert_eq!(mail.text.as_deref(), Some("plain\n\nfooter"));
    let mail = read(&multipart("mixed", &[HTML, "\r\nfooter < list"]));
    assert_eq!(mail.text.as_deref(), Some("page [image]\n\nfooter < list"));
    assert_eq!(mail.html.as_deref(), Some("<p>page <img src=\"cid:i@x\"></p>\n<div>footer &lt; list</div>"));
}

#[test]
fn a_named_text_is_a_file_unless_it_is_all_there_is() {
    let named = "Content-Type: text/plain; name=log.txt\r\n\r\nlog";
    let mail = read(&multipart("mixed", &[TEXT, named]));
    assert_eq!((mail.text.as_deref(), files(&mail)), (Some("plain"), vec![("log.txt", "text/plain", false)]));
    assert_eq!(read(&multipart("mixed", &[named, IMAGE])).text.as_deref(), Some("log"));
    let attached = "Content-Type: text/plain; name=log.txt\r\nContent-Disposition: attachment\r\n\r\nlog";
    assert_eq!(read(&multipart("mixed", &[attached])).text, None);
}

#[test]
fn a_nested_message_is_an_attachment_with_its_own_bytes() {
    let inner = "Subject: The\r\n inner / one\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nx\r\n--i--";
    let mail = read(&multipart("mixed", &[TEXT, &format!("Content-Type: message/rfc822\r\n\r\n{inner}")]));
    assert_eq!(files(&mail), [("The inner - one.eml", "message/rfc822", false)]);
    assert_eq!(&mail.attachments[0].content[..], inner.as_bytes());
    assert_eq!(mail.text.as_deref(), Some("plain"));
}

#[test]
fn signed_reported_and_other_odd_parts_are_attachments() {
    let signature = "Content-Type: application/pkcs7-signature; name=smime.p7s\r\n\r\nx";
    let mail = read(&multipart("signed", &[TEXT, signature]));
    assert_eq!(
        (mail.text.as_deref(), files(&mail)),
        (Some("plain"), vec![("smime.p7s", "application/pkcs7-signature", false)])
    );
    let tnef = "Content-Type: application/ms-tnef\r\n\r\nx";
    let calendar = "Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR";
    let mail = read(&multipart("mixed", &[TEXT, tnef, calendar]));
    assert_eq!(
        files(&mail),
        [("winmail.dat", "application/ms-tnef", false), ("invitation.ics", "text/calendar", false)]
    );
    let opaque = "From: a@x\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nx";
    assert_eq!(files(&read(opaque)), [("smime.p7m", "application/pkcs7-mime", false)]);
    let mail = read(&multipart("alternative", &[TEXT, HTML, calendar]));
    assert_eq!(
        (mail.text.as_deref(), files(&mail)),
        (Some("plain"), vec![("invitation.ics", "text/calendar", false)])
    );
}

#[test]
fn a_flowed_body_says_so_and_reads_as_paragraphs() {
    let mail = read("From: a@x\r\nContent-Type: text/plain; format=flowed\r\n\r\na long \r\nline\r\n");
    assert_eq!((mail.text.as_deref(), mail.text_format), (Some("a long \nline\n"), TextFormat::Flowed));
    assert_eq!(mail.rich(), Rich::from_text("a long line"));
}

#[test]
fn damage_is_told_and_what_is_left_is_read() {
    let broken = "From: a@x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\naGVs*bG8=\r\n";
    let mail = read(broken);
    assert_eq!(mail.text.as_deref(), Some("hello"));
    assert_eq!(mail.problems.len(), 1);
    let mail = read("From: a@x\r\nDate: yesterday\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\u{e9}");
    assert_eq!(mail.problems.iter().map(|p| p.place.as_str()).collect::<Vec<_>>(), ["header Date"]);
}

#[test]
fn raw_bytes_in_a_header_are_read_in_the_character_set_of_the_body() {
    let raw = b"From: a@x\r\nSubject: \xcf\xf0\xe8\xe2\xe5\xf2\r\nContent-Type: text/plain; charset=windows-1251\r\n\r\nx";
    assert_eq!(parse(raw).expect("readable").subject, "Привет");
}

#[test]
fn hostile_sizes_stay_bounded() {
    let fields = format!("From: a@x\r\n{}\r\nbody", "X: y\r\n".repeat(50_000));
    assert_eq!(read(&fields).headers.len(), 2_000);
    let long = format!("From: a@x\r\nSubject: {}\r\n\r\nbody", "s".repeat(1 << 20));
    assert!(read(&long).subject.len() <= Limits::default().header_size);
    let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(50_000);
    assert_eq!(read(&nested).attachments.len(), 1);
    let limits = Limits { body: 1_000, ..Limits::default() };
    let many = multipart("mixed", &vec![TEXT; 900]);
    let mail = parse_within(many.as_bytes(), &limits).expect("readable");
    assert!(mail.text.is_some_and(|text| text.len() < 3_000));
    assert!(mail.problems.len() <= MAX_PROBLEMS + 1);
}

/// What must hold of any mail that was read from `bytes`.
fn sound(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(mail) = parse(bytes) else { return Ok(()) };
    prop_assert_eq!(mail.rich().check(), Ok(()));
    let held: usize = mail.attachments.iter().map(|a| a.content.len()).sum();
    prop_assert!(held <= bytes.len() * 2 + 1_024);
    for attachment in &mail.attachments {
        prop_assert!(!attachment.name.is_empty() && attachment.name.len() <= 180);
    }
    prop_assert!(!mail.subject.chars().any(char::is_control));
    prop_assert!(mail.problems.len() <= MAX_PROBLEMS + 1);
    Ok(())
}

const PIECES: [&str; 24] = [
    "From: a@x\r\n",
    "Subject: =?utf-8?Q?",
    "?=",
    "\r\n",
    "\r\n\r\n",
    "Content-Type: multipart/mixed; boundary=b\r\n",
    "Content-Type: multipart/alternative;\r\n boundary=\r\n \"c\"\r\n",
    "Content-Type: multipart/digest; boundary=b\r\n",
    "Content-Type: message/rfc822\r\n",
    "Content-Type: text/html; charset=utf-16\r\n",
    "Content-Type: text/plain; charset=utf-7; format=flowed\r\n",
    "Content-Transfer-Encoding: base64\r\n",
    "Content-Transfer-Encoding: quoted-printable\r\n",
    "Content-Transfer-Encoding: x-uuencode\r\n",
    "Content-Disposition: attachment; filename*0*=utf-8''%C3; filename*1=\"",
    "--b\r\n",
    "--c\r\n",
    "--b--\r\n",
    "--c--",
    "begin 644 x\r\n%:&5L\r\n",
    "<div><table><tr><td>",
    "=\r\n=ZZ",
    "\u{0}\u{FFFE}\u{202E}",
    " folded\r\n",
];

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        sound(&bytes)?;
    }

    #[test]
    fn any_arrangement_of_mail_is_survived(order in prop::collection::vec(0..PIECES.len(), 0..60)) {
        let raw: String = order.into_iter().map(|n| PIECES[n]).collect();
        sound(raw.as_bytes())?;
    }

    #[test]
    fn a_mutated_mail_is_survived(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30),
        cut in any::<prop::sample::Index>(),
    ) {
        let inner = multipart("related", &[HTML, IMAGE]);
        let inner = inner.split_once("\r\n").map_or("", |(_, rest)| rest).replace("--b", "--r").replace("=b", "=r");
        let mut bytes = multipart("mixed", &[TEXT, &inner, IMAGE]).into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        sound(&bytes)?;
    }
}
