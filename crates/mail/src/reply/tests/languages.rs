//! Pages in the languages of our users.

use rstest::rstest;

use super::super::{Cutting, Kind, Occasion, Reply};

fn reply(html: &str) -> Reply {
    Reply::of_html(html, Occasion::Unknown, &Cutting::default())
}

/// Promise: the header block of Outlook is known by its words alone, where no structure helps.
#[rstest]
#[case::english("From", "Sent", "To", "Subject")]
#[case::german("Von", "Gesendet", "An", "Betreff")]
#[case::french("De", "Envoyé", "À", "Objet")]
#[case::spanish("De", "Enviado el", "Para", "Asunto")]
#[case::portuguese("De", "Enviada em", "Para", "Assunto")]
#[case::italian("Da", "Inviato", "A", "Oggetto")]
#[case::dutch("Van", "Verzonden", "Aan", "Onderwerp")]
#[case::swedish("Från", "Skickat", "Till", "Ämne")]
#[case::danish("Fra", "Sendt", "Til", "Emne")]
#[case::finnish("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe")]
#[case::polish("Od", "Wysłano", "Do", "Temat")]
#[case::czech("Od", "Odesláno", "Komu", "Předmět")]
#[case::slovak("Od", "Odoslané", "Komu", "Predmet")]
#[case::slovene("Od", "Poslano", "Za", "Zadeva")]
#[case::russian("От", "Отправлено", "Кому", "Тема")]
#[case::ukrainian("Від", "Надіслано", "Кому", "Тема")]
#[case::bulgarian("От", "Изпратено", "До", "Относно")]
#[case::hungarian("Feladó", "Elküldve", "Címzett", "Tárgy")]
#[case::romanian("De la", "Trimis", "Către", "Subiect")]
#[case::greek("Από", "Στάλθηκε", "Προς", "Θέμα")]
#[case::turkish("Kimden", "Gönderildi", "Kime", "Konu")]
#[case::estonian("Saatja", "Saadetud", "Adressaat", "Teema")]
#[case::lithuanian("Nuo", "Išsiųsta", "Kam", "Tema")]
#[case::catalan("De", "Enviat el", "Per a", "Tema")]
#[case::icelandic("Frá", "Dagsetning", "Til", "Efni")]
#[case::indonesian("Dari", "Dikirim", "Kepada", "Subjek")]
#[case::vietnamese("Từ", "Đã gửi", "Đến", "Chủ đề")]
#[case::thai("จาก", "ส่ง", "ถึง", "เรื่อง")]
#[case::hebrew("\u{200f}מאת", "נשלח", "אל", "נושא")]
#[case::arabic("\u{200f}من", "تم الإرسال", "إلى", "الموضوع")]
#[case::chinese("发件人", "发送时间", "收件人", "主题")]
#[case::chinese_traditional("寄件者", "寄件日期", "收件者", "主旨")]
#[case::japanese("差出人", "送信日時", "宛先", "件名")]
#[case::korean("보낸 사람", "보낸 날짜", "받는 사람", "제목")]
fn header_blocks_are_known(#[case] from: &str, #[case] sent: &str, #[case] to: &str, #[case] subject: &str) {
    let html = format!(
        "<div class=WordSection1><p class=MsoNormal>Done.</p><p class=MsoNormal>&nbsp;</p><p class=MsoNormal><b>{from}:</b> Ben Holm &lt;ben@example.com&gt; <br><b>{sent}:</b> 2026-03-03 10:15<br><b>{to}:</b> Anna Berg<br><b>{subject}:</b> Re: 12</p><p class=MsoNormal>Does it print?</p></div>"
    );
    let reply = reply(&html);
    assert_eq!(reply.kept, "Done.");
    assert_eq!(reply.cut[0].kind, Kind::Quote);
    assert!(reply.cut[0].text.contains("Does it print?"));
}

/// Promise: the sentence over a quote is known by its words where the quote is a bare block.
#[rstest]
#[case::english("On 3 March 2026 at 10:15, Ben Holm <ben@example.com> wrote:")]
#[case::german("Am 3. März 2026 um 10:15 schrieb Ben Holm <ben@example.com>:")]
#[case::french("Le 3 mars 2026 à 10:15, Ben Holm <ben@example.com> a écrit :")]
#[case::spanish("El 3 mar 2026, a las 10:15, Ben Holm <ben@example.com> escribió:")]
#[case::portuguese("No dia 03/03/2026, às 10:15, Ben Holm <ben@example.com> escreveu:")]
#[case::italian("Il giorno 3 mar 2026, alle ore 10:15, Ben Holm <ben@example.com> ha scritto:")]
#[case::dutch("Op 3 mrt 2026 om 10:15 heeft Ben Holm <ben@example.com> het volgende geschreven:")]
#[case::swedish("3 mars 2026 kl. 10:15 skrev Ben Holm <ben@example.com>:")]
#[case::danish("Den 3. mar. 2026 kl. 10.15 skrev Ben Holm <ben@example.com>:")]
#[case::norwegian("3. mars 2026 kl. 10:15 skrev Ben Holm <ben@example.com>:")]
#[case::finnish("Ben Holm <ben@example.com> kirjoitti 3.3.2026 kello 10.15:")]
#[case::icelandic("Þann 3. mars 2026 kl. 10:15 skrifaði Ben Holm <ben@example.com>:")]
#[case::polish("W dniu 3.03.2026 o 10:15 Ben Holm <ben@example.com> pisze, napisał:")]
#[case::czech("3. 3. 2026 v 10:15, Ben Holm <ben@example.com> napsal:")]
#[case::slovak("Dňa 3. 3. 2026 o 10:15, Ben Holm <ben@example.com> napísal:")]
#[case::croatian("Dana 3. ožujka 2026. u 10:15, Ben Holm <ben@example.com> napisao:")]
#[case::russian("3 марта 2026 г., в 10:15, Ben Holm <ben@example.com> написал(а):")]
#[case::ukrainian("3 бер. 2026 р. о 10:15 Ben Holm <ben@example.com> пише:")]
#[case::bulgarian("На 3 март 2026 г. в 10:15 Ben Holm <ben@example.com> написа:")]
#[case::hungarian("Ben Holm <ben@example.com> ezt írta (2026. márc. 3., 10:15):")]
#[case::romanian("Pe 3 mar. 2026, la 10:15, Ben Holm <ben@example.com> a scris:")]
#[case::greek("Στις 3 Μαρτίου 2026, 10:15, ο χρήστης Ben Holm <ben@example.com> έγραψε:")]
#[case::turkish("3 Mart 2026 10:15 tarihinde Ben Holm <ben@example.com> şunu yazdı:")]
#[case::estonian("Ben Holm <ben@example.com> kirjutas kuupäeval 3. märts 2026 kell 10:15:")]
#[case::latvian("2026. gada 3. marts 10:15, Ben Holm <ben@example.com> rakstīja:")]
#[case::lithuanian("2026-03-03 10:15, Ben Holm <ben@example.com> rašė:")]
#[case::catalan("El 3 març 2026, a les 10:15, Ben Holm <ben@example.com> va escriure:")]
#[case::vietnamese("Vào 10:15, 3 thg 3, 2026, Ben Holm <ben@example.com> đã viết:")]
#[case::indonesian("Pada 3 Mar 2026, 10.15, Ben Holm <ben@example.com> menulis:")]
#[case::thai("เมื่อ 3 มี.ค. 2026 10:15 Ben Holm <ben@example.com> เขียนว่า:")]
#[case::hebrew("\u{202b}בתאריך 3 במרץ 2026 בשעה 10:15, Ben Holm <ben@example.com> כתב:\u{202c}")]
#[case::arabic("\u{202b}في 3 مارس 2026، 10:15، كتب Ben Holm <ben@example.com>:\u{202c}")]
#[case::chinese("2026年3月3日 10:15，Ben Holm <ben@example.com> 写道：")]
#[case::japanese("2026年3月3日(火) 10:15 Ben Holm <ben@example.com>のメール:")]
#[case::korean("2026년 3월 3일 10:15, Ben Holm <ben@example.com> 작성:")]
fn announcements_are_known(#[case] sentence: &str) {
    let escaped = sentence.replace('<', "&lt;").replace('>', "&gt;");
    let html = format!("<div>Done.</div><div>{escaped}</div><blockquote>Does it print?</blockquote>");
    let reply = reply(&html);
    assert_eq!(reply.kept, "Done.", "{reply:#?}");
    assert!(reply.cut[0].text.contains("Does it print?"));
}

/// Promise: footers of telephones are known.
#[rstest]
#[case("Sent from my iPhone")]
#[case("Von meinem iPhone gesendet")]
#[case("Envoyé de mon iPhone")]
#[case("Enviado desde mi iPhone")]
#[case("Enviado do meu iPhone")]
#[case("Inviato da iPhone")]
#[case("Verstuurd vanaf mijn iPhone")]
#[case("Skickat från min iPhone")]
#[case("Sendt fra min iPhone")]
#[case("Lähetetty iPhonesta")]
#[case("Wysłane z iPhone'a")]
#[case("Odesláno z iPhonu")]
#[case("Отправлено с iPhone")]
#[case("Надіслано з iPhone")]
#[case("iPhone-omról küldve")]
#[case("Trimis de pe iPhone")]
#[case("Στάλθηκε από το iPhone μου")]
#[case("iPhone'umdan gönderildi")]
#[case("发自我的iPhone")]
#[case("從我的 iPhone 傳送")]
#[case("iPhoneから送信")]
#[case("나의 iPhone에서 보냄")]
#[case("נשלח מה-iPhone שלי")]
#[case("أرسلت من الـ iPhone")]
#[case("Gesendet mit der GMX Mail App")]
#[case("Get Outlook for iOS")]
#[case("Holen Sie sich Outlook für Android")]
#[case("Outlook für iOS beziehen")]
fn footers_are_known(#[case] footer: &str) {
    let reply = reply(&format!("<div>Done.</div><div><br></div><div>{footer}</div>"));
    assert_eq!(reply.kept, "Done.");
    assert_eq!(reply.cut[0].kind, Kind::Footer);
    assert_eq!(reply.cut[0].text, footer);
}
