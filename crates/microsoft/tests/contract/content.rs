//! What a message is made of comes as it was sent: files of every kind, and what cannot be made into MIME any more.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fault::Class;
use mail::Mail;
use microsoft::message;

use super::{Bench, Damage, inbox};

/// Every byte there is, in an order in which line ends stand at odd places.
pub(crate) fn every_byte() -> Vec<u8> {
    (0..=255).chain(b"\r\n.\r\n\n\r--outer--\r\n".iter().copied()).chain((0..=255).rev()).collect()
}

/// Base64 in the lines that mail has.
fn encoded(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let lines = text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("ASCII"));
    lines.collect::<Vec<_>>().join("\r\n")
}

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\nnot really";
/// The mail that another one has inside of it.
const INNER: &str = "From: Bob <bob@example.org>\r\nTo: ada@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\
     Message-ID: <inner-1@example.org>\r\nDate: Mon, 23 Nov 2026 09:00:00 +0000\r\nMIME-Version: 1.0\r\n\
     Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nAußen und innen.\r\n";

fn with_files(number: usize) -> String {
    format!(
        "From: Ada <ada@example.org>\r\nTo: support@contoso.test\r\nSubject: Contract {number}\r\n\
         Message-ID: <contract-{number}@example.org>\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"outer\"\r\n\r\n\
         --outer\r\nContent-Type: multipart/related; boundary=\"inner\"\r\n\r\n\
         --inner\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
         <html><body><p>Schöne Grüße</p><img src=\"cid:picture@example.org\"></body></html>\r\n\
         --inner\r\nContent-Type: image/png; name=\"picture.png\"\r\nContent-ID: <picture@example.org>\r\n\
         Content-Disposition: inline; filename=\"picture.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n\
         --inner--\r\n\
         --outer\r\nContent-Type: application/octet-stream\r\n\
         Content-Disposition: attachment; filename*=utf-8''%C3%9Cbersicht.bin\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n\
         --outer\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n{INNER}\r\n\
         --outer--\r\n",
        encoded(PICTURE),
        encoded(&every_byte()),
    )
}

/// What counts of a file: its kind, its content, and whether it is shown within the body.
fn files(mail: &Mail) -> Vec<(&str, &str, bool, &[u8])> {
    let all = mail.attachments.iter();
    all.map(|file| (file.name.as_str(), file.content_type.as_str(), file.inline, &file.content[..])).collect()
}

/// Files come as they were sent, byte for byte: binary ones, a mail in the mail, a picture in the body; and the mailbox's
/// description of the message says that its MIME is needed for them.
pub(crate) async fn files_come_as_they_were_sent(bench: &Bench) {
    bench.levers.deliver(&with_files(300)).await;
    let newest = bench.mailbox.newest(&inbox(), 1).await.expect("the newest").remove(0);
    let described = message::read(&newest.raw).expect("reads");
    assert!(described.has_attachments && described.needs_mime());
    let mime = bench.mailbox.mime(&newest.id).await.expect("MIME");
    let mail = mail::parse(&mime).expect("a mail");
    assert_eq!(mail.message_id.as_deref(), Some("contract-300@example.org"));
    assert!(mail.html.as_deref().is_some_and(|html| html.contains("Schöne Grüße")));
    let binary = every_byte();
    let told = files(&mail);
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[0], ("picture.png", "image/png", true, PICTURE));
    assert_eq!(mail.attachments[0].content_id.as_deref(), Some("picture@example.org"));
    assert_eq!(told[1], ("Übersicht.bin", "application/octet-stream", false, &binary[..]));
    let (_, kind, is_inline, inner) = told[2];
    assert_eq!((kind, is_inline), ("message/rfc822", false));
    let inner = mail::parse(inner).expect("a mail inside of it");
    assert_eq!((inner.subject.as_str(), inner.message_id.as_deref()), ("Grüße", Some("inner-1@example.org")));
    assert_eq!(inner.text.as_deref().map(str::trim), Some("Außen und innen."));

    let listed = bench.mailbox.attachments(&newest.id).await.expect("a list");
    let mut told: Vec<(&str, bool)> = listed.iter().map(|one| (one.name.as_str(), one.is_inline)).collect();
    told.sort_unstable();
    assert_eq!(told, [("Grüße", false), ("picture.png", true), ("Übersicht.bin", false)]);
}

/// A picture in the body alone does not count as an attachment to the mailbox, and is not passed over all the same.
pub(crate) async fn a_picture_in_the_body_is_not_passed_over(bench: &Bench) {
    let text = with_files(301);
    let begin = text.find("--outer\r\nContent-Type: application").expect("the first file");
    bench.levers.deliver(&format!("{}--outer--\r\n", &text[..begin])).await;
    let newest = bench.mailbox.newest(&inbox(), 1).await.expect("the newest").remove(0);
    let described = message::read(&newest.raw).expect("reads");
    assert!(!described.has_attachments && described.needs_mime(), "{described:?}");
    let mail = mail::parse(&bench.mailbox.mime(&newest.id).await.expect("MIME")).expect("a mail");
    assert_eq!(files(&mail), [("picture.png", "image/png", true, PICTURE)]);
}

/// A message whose MIME alone cannot be made is told in full otherwise: whoever needs the MIME is told that it is this message.
pub(crate) async fn a_message_without_its_mime_is_told_otherwise(bench: &Bench) {
    bench.levers.deliver(&with_files(302)).await;
    let id = bench.mailbox.newest(&inbox(), 1).await.expect("the newest").remove(0).id;
    bench.levers.damage(&id, Damage::OnlyItsMime).await;
    let fault = bench.mailbox.mime(&id).await.expect_err("cannot be made");
    assert_eq!(fault.entry.class, Class::Poison, "{fault:?}");
    let item = bench.mailbox.message(&id).await.expect("an answer").expect("is there");
    let described = message::read(&item.raw).expect("reads");
    assert!(item.is_whole && described.subject.as_deref() == Some("Contract 302"));
    let page = bench.mailbox.sync(&inbox(), None).await.expect("a page");
    assert!(page.items.iter().any(|item| item.id == id && item.is_whole), "its page comes whole");
}
