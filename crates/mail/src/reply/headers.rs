//! The block of header lines that Outlook and forwards put over the mail that is answered.

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
            "le",
            "poslano",
            "נשלח",
            "تاريخ",
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
        ],
    ),
    (
        Role::ReplyTo,
        &["reply-to", "antwort an", "répondre à", "responder a", "risposta", "beantwoorden", "svara till"],
    ),
];

/// How many lines at the beginning of `lines` are such a block.
pub(super) fn block(lines: &[&str]) -> Option<usize> {
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
        && lines.get(end + 1).is_some_and(|line| line.trim().is_empty())
    {
        end += 1;
    }
    Some(end)
}

fn role(line: &str) -> Option<Role> {
    let line = line.trim().trim_start_matches(['*', '_', '|', ' ']);
    let (label, _) = line.split_once([':', '：'])?;
    if label.len() > 40 {
        return None;
    }
    let label = label.trim_matches(|c: char| c == '*' || c == '_' || c.is_whitespace()).to_lowercase();
    LABELS.iter().find(|(_, labels)| labels.contains(&label.as_str())).map(|(role, _)| *role)
}
