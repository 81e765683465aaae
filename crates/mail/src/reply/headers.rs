//! The block of header lines that Outlook, Notes and forwards put over the mail that is answered.

use super::{is_direction_mark, lower};

/// What a header line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    From,
    Date,
    To,
    Cc,
    Subject,
    ReplyTo,
}

const LABELS: &[(Role, &[&str])] = &[
    (
        Role::From,
        &[
            "from",
            "von",
            "de",
            "da",
            "van",
            "från",
            "fra",
            "lähettäjä",
            "od",
            "от",
            "від",
            "feladó",
            "de la",
            "από",
            "kimden",
            "gönderen",
            "发件人",
            "寄件者",
            "寄件人",
            "差出人",
            "送信者",
            "보낸 사람",
            "보낸사람",
            "expéditeur",
            "remitente",
            "mittente",
            "remetente",
            "отправитель",
            "מאת",
            "من",
            "frá",
            "saatja",
            "nuo",
            "dari",
            "từ",
            "จาก",
            "expeditor",
            "izvor",
            "nork",
            "از",
            "प्रेषक",
            "od koho",
            "afzender",
            "avsändare",
            "afsender",
            "avsender",
            "sender",
            "pošiljatelj",
            "pošiljalac",
            "відправник",
            "発信者",
            "发件者",
            "보내는 사람",
            "от кого",
        ],
    ),
    (
        Role::Date,
        &[
            "sent",
            "date",
            "gesendet",
            "datum",
            "envoyé",
            "enviado",
            "enviado el",
            "enviada",
            "enviada em",
            "fecha",
            "data",
            "inviato",
            "verzonden",
            "skickat",
            "sendt",
            "dato",
            "lähetetty",
            "päivämäärä",
            "wysłano",
            "wysłane",
            "odesláno",
            "odoslané",
            "отправлено",
            "дата",
            "надіслано",
            "elküldve",
            "dátum",
            "trimis",
            "στάλθηκε",
            "ημερομηνία",
            "tarih",
            "gönderildi",
            "gönderme tarihi",
            "发送时间",
            "日期",
            "寄件日期",
            "送信日時",
            "日時",
            "日付",
            "보낸 날짜",
            "날짜",
            "sent at",
            "message du",
            "nachricht vom",
            "le",
            "poslano",
            "נשלח",
            "تاريخ",
            "sent on",
            "senton",
            "received",
            "verstuurd",
            "verstuurd op",
            "verzonden op",
            "gesendet am",
            "envoyé le",
            "date d'envoi",
            "data de envio",
            "enviados",
            "enviado em",
            "data invio",
            "inviata",
            "data wysłania",
            "data i godzina",
            "изпратено",
            "дата отправки",
            "poslato",
            "poslat",
            "saadetud",
            "kuupäev",
            "nosūtīts",
            "datums",
            "išsiųsta",
            "enviat",
            "enviat el",
            "dikirim",
            "tanggal",
            "đã gửi",
            "ngày",
            "ngày gửi",
            "ส่ง",
            "วันที่",
            "sent date",
            "भेजा गया",
            "ارسال شده",
            "تاریخ",
            "תאריך",
            "أرسلت",
            "تم الإرسال",
            "التاريخ",
            "发送日期",
            "传送日期",
            "傳送時間",
            "발송일",
            "보낸 시간",
            "보낸시간",
            "일시",
            "送信日",
            "送信日付",
            "dagsetning",
            "küldve",
        ],
    ),
    (
        Role::To,
        &[
            "to",
            "an",
            "à",
            "a",
            "para",
            "aan",
            "till",
            "til",
            "vastaanottaja",
            "do",
            "komu",
            "кому",
            "címzett",
            "către",
            "προς",
            "kime",
            "alıcı",
            "收件人",
            "收件者",
            "宛先",
            "받는 사람",
            "받는사람",
            "destinataire",
            "destinatario",
            "naar",
            "za",
            "אל",
            "إلى",
            "pour",
            "per a",
            "adressaat",
            "saaja",
            "kam",
            "kepada",
            "đến",
            "tới",
            "người nhận",
            "ถึง",
            "hona",
            "प्रति",
            "เรียน",
            "ontvanger",
            "mottagare",
            "modtager",
            "mottaker",
            "empfänger",
            "prima",
            "primatelj",
            "받으시는 분",
            "수신",
            "수신인",
            "宛て",
            "传送对象",
            "受信者",
        ],
    ),
    (
        Role::Cc,
        &[
            "cc",
            "kopie",
            "copie",
            "kopia",
            "kopi",
            "kopio",
            "dw",
            "kopie komu",
            "копия",
            "копія",
            "másolatot kap",
            "bilgi",
            "抄送",
            "副本",
            "참조",
            "c/c",
            "bcc",
            "copia",
            "cópia",
            "kópia",
            "kopija",
            "koopia",
            "κοιν.",
            "κοινοποίηση",
            "کپی",
            "สำเนา",
            "tembusan",
            "نسخة",
            "نسخة إلى",
            "עותק",
            "másolat",
            "kopie (cc)",
            "抄送人",
            "副本收件者",
            "copie à",
            "cci",
            "cco",
        ],
    ),
    (
        Role::Subject,
        &[
            "subject",
            "betreff",
            "objet",
            "asunto",
            "assunto",
            "oggetto",
            "onderwerp",
            "ämne",
            "emne",
            "aihe",
            "temat",
            "předmět",
            "predmet",
            "тема",
            "tárgy",
            "subiect",
            "θέμα",
            "konu",
            "主题",
            "主旨",
            "主題",
            "件名",
            "제목",
            "re",
            "zadeva",
            "נושא",
            "الموضوع",
            "sujet",
            "thema",
            "efni",
            "teema",
            "tēma",
            "tema",
            "subjek",
            "perihal",
            "chủ đề",
            "tiêu đề",
            "เรื่อง",
            "หัวเรื่อง",
            "naslov",
            "относно",
            "विषय",
            "موضوع",
            "titel",
            "titre",
            "件 名",
            "标题",
            "標題",
            "제 목",
        ],
    ),
    (
        Role::ReplyTo,
        &["reply-to", "antwort an", "répondre à", "responder a", "risposta", "beantwoorden", "svara till"],
    ),
];

/// A header block at the beginning of some lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// How many lines it takes.
    pub(super) count: usize,
    /// It tells who wrote when and to whom, as only the header of a mail does.
    pub(super) whole: bool,
}

/// How many lines at the beginning of `lines` are such a block.
pub(super) fn block(lines: &[&str]) -> Option<usize> {
    read(lines).map(|block| block.count)
}

/// The block at the beginning of `lines`.
pub(super) fn read(lines: &[&str]) -> Option<Block> {
    let mut roles = vec![role(lines.first()?)?];
    let mut end = 1;
    let mut at = 1;
    let mut loose = 0;
    while at < lines.len() && roles.len() < 12 {
        if let Some(role) = role(lines[at]) {
            roles.push(role);
            end = at + 1;
            loose = 0;
        } else {
            // A long subject goes on in the next line, and some programs put blank lines between.
            loose += 1;
            if loose > 2 {
                break;
            }
        }
        at += 1;
    }
    let has = |wanted: Role| roles.contains(&wanted);
    let kinds = [Role::From, Role::Date, Role::To, Role::Cc, Role::Subject]
        .into_iter()
        .filter(|role| has(*role))
        .count();
    let tells = has(Role::From) && (has(Role::Subject) || has(Role::Date)) && kinds >= 3;
    if !tells {
        return None;
    }
    // The subject may be the last label and go on in one more line, which ends at a blank one.
    if role(lines[end - 1]) == Some(Role::Subject)
        && lines.get(end).is_some_and(|line| !line.trim().is_empty())
        && lines.get(end + 1).is_none_or(|line| line.trim().is_empty())
    {
        end += 1;
    }
    Some(Block { count: end, whole: has(Role::Date) && has(Role::To) })
}

fn role(line: &str) -> Option<Role> {
    let line =
        line.trim().trim_start_matches(|c: char| matches!(c, '*' | '_' | '|' | ' ') || is_direction_mark(c));
    let (label, _) = line.split_once([':', '：'])?;
    // Times and addresses have colons, too.
    if label.len() > 40 || label.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    named(label)
}

fn named(label: &str) -> Option<Role> {
    let label = lower(
        label.trim_matches(|c: char| matches!(c, '*' | '_') || c.is_whitespace() || is_direction_mark(c)),
    );
    LABELS.iter().find(|(_, labels)| labels.contains(&label.as_str())).map(|(role, _)| *role)
}

/// How many lines at the beginning of `lines` are the block that Notes puts above a mail: who and when, then *To*, *cc* and
/// *Subject* without colons, each on a line of its own or in a table.
pub(super) fn notes_block(lines: &[&str]) -> Option<usize> {
    /// Far more lines than it takes.
    const MOST: usize = 24;
    let shown = |n: usize| lines.get(n).map(|line| line.trim()).filter(|line| !line.is_empty());
    let first = shown(0)?;
    if first.len() > 120 {
        return None;
    }
    // Who stands right above when.
    let when = 1;
    if !is_date(shown(when)?) {
        return None;
    }
    let (mut to, mut end) = (false, None);
    for n in when + 1..lines.len().min(when + MOST) {
        let Some(line) = shown(n) else { continue };
        // The label alone, or with its value in the next cell.
        let word = line.split(' ').next().unwrap_or_default();
        match named(line).or_else(|| named(word).filter(|_| line.len() <= 300)) {
            Some(Role::To) if line == word || named(line).is_some() || line.contains(['@', '/']) => to = true,
            Some(Role::Subject) if to => {
                // The subject may stand on the next line.
                let value = if line == word { (n + 1..n + 3).find(|&n| shown(n).is_some()) } else { None };
                end = Some(value.unwrap_or(n) + 1);
                break;
            }
            _ if line.len() > 300 => return None,
            _ => {}
        }
    }
    end
}

/// A line that is a date with a time and hardly anything else.
fn is_date(line: &str) -> bool {
    let digits = line.bytes().filter(u8::is_ascii_digit).count();
    line.len() <= 60
        && digits >= 7
        && line.starts_with(|c: char| c.is_ascii_digit())
        && line.bytes().zip(line.bytes().skip(1)).any(|(one, other)| one.is_ascii_digit() && other == b':')
        && line.contains(['/', '.', '-'])
}

/// Whether these lines are labels with values, whatever their language.
pub(super) fn is_labelled(lines: &[&str]) -> bool {
    let mut labels = 0;
    for line in lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).take(8) {
        let Some((label, value)) = line.split_once([':', '：']) else { continue };
        let short = !label.is_empty() && label.chars().count() <= 24 && label.split(' ').count() <= 4;
        labels += usize::from(short && !value.starts_with("//"));
    }
    labels >= 3
}
