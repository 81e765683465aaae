//! Plain text; `tests/` holds the tests of pages.

mod forwards;
mod languages;
mod pages;
mod properties;

use proptest::prelude::*;
use rstest::rstest;

use super::{Kind, Reply};

fn kept(text: &str) -> String {
    Reply::of_text(text).kept
}

/// Promise: the usual sentence over a quote is known in the languages of our users.
#[rstest]
#[case("On Tue, 3 Mar 2026 at 10:15, Anna Berg <anna@example.com> wrote:")]
#[case("On Tuesday, March 3, 2026, Anna Berg <anna@example.com>\nwrote:")]
#[case("Am 03.03.2026 um 10:15 schrieb Anna Berg:")]
#[case("Am Di., 3. März 2026 um 10:15 Uhr schrieb Anna Berg <\nanna@example.com>:")]
#[case("Le mar. 3 mars 2026 à 10:15, Anna Berg <anna@example.com> a écrit :")]
#[case("El mar, 3 mar 2026 a las 10:15, Anna Berg (<anna@example.com>) escribió:")]
#[case("Em ter., 3 de mar. de 2026 às 10:15, Anna Berg <anna@example.com> escreveu:")]
#[case("Il giorno mar 3 mar 2026 alle ore 10:15 Anna Berg <anna@example.com> ha scritto:")]
#[case("Op di 3 mrt 2026 om 10:15 schreef Anna Berg <anna@example.com>:")]
#[case("Den tis 3 mars 2026 kl 10:15 skrev Anna Berg <anna@example.com>:")]
#[case("tir. 3. mars 2026 kl. 10:15 skrev Anna Berg <anna@example.com>:")]
#[case("ti 3. maalisk. 2026 klo 10.15 Anna Berg (anna@example.com) kirjoitti:")]
#[case("wt., 3 mar 2026 o 10:15 Anna Berg <anna@example.com> napisał(a):")]
#[case("út 3. 3. 2026 v 10:15 odesílatel Anna Berg <anna@example.com> napsal:")]
#[case("вт, 3 мар. 2026 г. в 10:15, Anna Berg <anna@example.com>:")]
#[case("3 марта 2026 г., в 10:15, Anna Berg <anna@example.com> написал(а):")]
#[case("вт, 3 бер. 2026 р. о 10:15 Anna Berg <anna@example.com> пише:")]
#[case("Anna Berg <anna@example.com> ezt írta (időpont: 2026. márc. 3., K, 10:15):")]
#[case("În mar., 3 mar. 2026 la 10:15, Anna Berg <anna@example.com> a scris:")]
#[case("Στις Τρί 3 Μαρ 2026 στις 10:15, Anna Berg <anna@example.com> έγραψε:")]
#[case("Anna Berg <anna@example.com>, 3 Mar 2026 Sal, 10:15 tarihinde şunu yazdı:")]
#[case("Anna Berg <anna@example.com> 于2026年3月3日周二 10:15写道：")]
#[case("2026年3月3日(火) 10:15 Anna Berg <anna@example.com>:")]
#[case("2026년 3월 3일 (화) 오전 10:15, Anna Berg <anna@example.com>님이 작성:")]
fn quotes_are_announced_in_many_languages(#[case] sentence: &str) {
    let reply = Reply::of_text(&format!("Thank you, it works.\n\n{sentence}\n> Does it work?\n"));
    assert_eq!(reply.kept, "Thank you, it works.");
    assert_eq!(reply.cut.len(), 1);
    assert_eq!(reply.cut[0].kind, Kind::Quote);
    assert!(reply.cut[0].text.ends_with("> Does it work?"), "{:?}", reply.cut);
}

/// Promise: the header block of Outlook is known in the languages of our users.
#[rstest]
#[case("From", "Sent", "To", "Subject")]
#[case("Von", "Gesendet", "An", "Betreff")]
#[case("De", "Envoyé", "À", "Objet")]
#[case("De", "Enviado el", "Para", "Asunto")]
#[case("De", "Enviada em", "Para", "Assunto")]
#[case("Da", "Inviato", "A", "Oggetto")]
#[case("Van", "Verzonden", "Aan", "Onderwerp")]
#[case("Från", "Skickat", "Till", "Ämne")]
#[case("Fra", "Sendt", "Til", "Emne")]
#[case("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe")]
#[case("Od", "Wysłano", "Do", "Temat")]
#[case("Od", "Odesláno", "Komu", "Předmět")]
#[case("От", "Отправлено", "Кому", "Тема")]
#[case("Від", "Надіслано", "Кому", "Тема")]
#[case("Feladó", "Elküldve", "Címzett", "Tárgy")]
#[case("Kimden", "Gönderildi", "Kime", "Konu")]
#[case("发件人", "发送时间", "收件人", "主题")]
#[case("差出人", "送信日時", "宛先", "件名")]
#[case("보낸 사람", "보낸 날짜", "받는 사람", "제목")]
fn header_blocks_are_known(#[case] from: &str, #[case] sent: &str, #[case] to: &str, #[case] subject: &str) {
    let text = format!(
        "Done.\n\n________________________________\n{from}: Anna Berg <anna@example.com>\n{sent}: 2026-03-03 10:15\n{to}: Support\n{subject}: Printer\n\nPlease look at it.\n"
    );
    let reply = Reply::of_text(&text);
    assert_eq!(reply.kept, "Done.");
    assert!(reply.cut[0].text.contains("Please look at it."), "{:?}", reply.cut);
}

/// Promise: answers between the lines keep the lines that they answer.
#[test]
fn interleaved_answers_are_kept_whole() {
    let text = "Hello,\n\nOn 3 Mar 2026, at 10:15, Anna <anna@example.com> wrote:\n> Is it plugged in?\n\nYes.\n\n> Is the light on?\n\nNo.\n";
    let left = kept(text);
    for part in ["Hello,", "> Is it plugged in?", "Yes.", "> Is the light on?", "No."] {
        assert!(left.contains(part), "{part} is missing: {left}");
    }
}

/// Promise: an answer below the quote is kept, the quote is not.
#[test]
fn an_answer_below_is_kept() {
    assert_eq!(kept("Am 03.03.2026 um 10:15 schrieb Anna:\n> Geht es?\n\nJa, danke.\n"), "Ja, danke.");
}

/// Promise: a forward without a word of one's own keeps what is forwarded.
#[test]
fn a_forward_alone_keeps_its_text() {
    let text = "---------- Forwarded message ---------\nFrom: Anna <anna@example.com>\nDate: Tue, 3 Mar 2026\nSubject: Printer\nTo: me\n\nIt burns.\n";
    assert_eq!(kept(text), "It burns.");
}

/// Promise: a person's own sentences and lists are not taken for what they resemble.
#[rstest]
#[case("On 3 March I wrote to you about this:\n\nthe printer does not print.")]
#[case("Sent from the wrong account, sorry.\nAnna")]
#[case("From: Hamburg\nTo: Berlin\nWhen: Monday")]
#[case(
    "The log says\n-- \nand nothing else, which is strange because of the many lines that came before it when we tried the same thing on the other machine last week."
)]
#[case("> only a quote")]
fn own_words_stay(#[case] text: &str) {
    assert_eq!(kept(text), text);
}

/// Promise: the mail programs that quote with initials, and those that break quoted lines without marking the rest, are
/// understood behind a sentence that announces a quote.
#[test]
fn unusual_quote_marks_are_understood() {
    let text =
        "Yes.\n\nOn 3 Mar 2026, at 10:15, Ben <ben@example.com> wrote:\nBH> Does it print,\nBH> or not?\n";
    assert_eq!(kept(text), "Yes.");
    assert_eq!(kept("See:\nC> dir\nSQL> select 1"), "See:\nC> dir\nSQL> select 1");
    let text = "Yes.\n\nOn 3 Mar 2026, at 10:15, Ben <ben@example.com> wrote:\n> This is a line that was so long that some program on the way broke\nit in two.\n> Does it print?\n";
    assert_eq!(kept(text), "Yes.");
}

/// Promise: notices, lines of lists and of companies at the end go, and are told as what they are.
#[test]
fn what_others_add_is_cut() {
    let text = "Yes.\n\nAnna\n\nThis e-mail is confidential. If you are not the\nintended recipient, notify the sender and\ndelete it.\n\nExample AG | Amtsgericht Musterstadt HRB 1234\n\n_______________________________________________\nUsers mailing list\nusers@lists.example.com\nhttps://lists.example.com/mailman/listinfo/users\n";
    let reply = Reply::of_text(text);
    assert_eq!(reply.kept, "Yes.\n\nAnna");
    let kinds: Vec<Kind> = reply.cut.iter().map(|piece| piece.kind).collect();
    assert_eq!(kinds, [Kind::Disclaimer, Kind::Signature, Kind::Footer], "{reply:#?}");
}

/// Promise: the header of Notes is known without colons.
#[test]
fn the_header_of_notes_is_known() {
    let text = "Yes.\n\nBen Holm/Example\n03/03/2026 10:15\n\nTo\nAnna Berg/Example\ncc\n\nSubject\nPrinter\n\nDoes it print?\n";
    assert_eq!(kept(text), "Yes.");
    let text = "Yes.\n\nBen Holm/Example wrote on 03/03/2026 10:15:20 AM:\n\nDoes it print?\n";
    assert_eq!(kept(text), "Yes.");
}

/// Promise: signature and footer are told apart, and both can be shown.
#[test]
fn signature_and_footer_are_cut_and_kept_at_hand() {
    let reply = Reply::of_text("Yes.\n\n-- \nAnna Berg\nExample AG\n");
    assert_eq!(reply.kept, "Yes.");
    assert_eq!(reply.cut[0].kind, Kind::Signature);
    let reply = Reply::of_text("Yes.\n\nSent from my iPhone\n");
    assert_eq!(reply.kept, "Yes.");
    assert_eq!((reply.cut[0].kind, reply.cut[0].text.as_str()), (Kind::Footer, "Sent from my iPhone"));
}

proptest! {
    /// Promise: nothing is lost: every word of the text is either kept or among what was cut.
    #[test]
    fn every_word_is_somewhere(text in "([ a-z>|:@<.\\-]{0,30}\n|On 3 Mar 2026, at 10:15, a@b.c wrote:\n|> x\n|-- \n|From: a@b.c\n|Sent: 1\n|Subject: x\n|To: b\n|Sent from my iPhone\n){0,14}") {
        let reply = Reply::of_text(&text);
        let mut before: Vec<&str> = text.split_whitespace().collect();
        let mut after: Vec<&str> =
            reply.kept.split_whitespace().chain(reply.cut.iter().flat_map(|piece| piece.text.split_whitespace())).collect();
        before.sort_unstable();
        after.sort_unstable();
        prop_assert_eq!(before, after);
        prop_assert!(reply.kept.trim().is_empty() == text.trim().is_empty());
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,400}") {
        let _ = Reply::of_text(&text);
    }
}
