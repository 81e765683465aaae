//! Lines that mail programs add: marks of a signature, strokes, footers of telephones, announcements of a forward.

/// Most lines of a signature behind its mark; what is longer is somebody's text.
pub(super) const MOST_OF_SIGNATURE: usize = 12;
/// Widest line of a signature, in characters.
pub(super) const WIDEST_OF_SIGNATURE: usize = 120;

/// RFC 3676 §4.3, also without its space, which programs strip.
pub(super) fn is_signature_mark(line: &str) -> bool {
    matches!(line.trim_end(), "--" | "—" | "__")
}

/// A line of strokes only.
pub(super) fn is_strokes(line: &str) -> bool {
    let line = line.trim();
    if line == "ᐧ" {
        return true;
    }
    let strokes =
        line.chars().filter(|c| matches!(c, '-' | '_' | '=' | '*' | '#' | '~' | '+' | '—' | '–')).count();
    strokes >= 2
        && line.chars().all(|c| matches!(c, '-' | '_' | '=' | '*' | '#' | '~' | '+' | '—' | '–' | ' '))
}

/// `-----Original Message-----`, `Begin forwarded message:` and their like.
pub(super) fn is_announcement(line: &str) -> bool {
    const ORIGINAL: &[&str] = &[
        "original message",
        "original appointment",
        "ursprüngliche nachricht",
        "originalnachricht",
        "urspr. nachricht",
        "message d'origine",
        "message d’origine",
        "message original",
        "mensaje original",
        "mensagem original",
        "messaggio originale",
        "oorspronkelijk bericht",
        "ursprungligt meddelande",
        "originalmeddelande",
        "opprinnelig melding",
        "original besked",
        "oprindelig meddelelse",
        "alkuperäinen viesti",
        "wiadomość oryginalna",
        "oryginalna wiadomość",
        "původní zpráva",
        "pôvodná správa",
        "исходное сообщение",
        "оригінальне повідомлення",
        "eredeti üzenet",
        "mesaj original",
        "orijinal mesaj",
        "özgün ileti",
        "αρχικό μήνυμα",
        "原始邮件",
        "原始郵件",
        "元のメッセージ",
        "원본 메시지",
        "reply message",
        "izvorna poruka",
        "izvirno sporočilo",
    ];
    const FORWARDED: &[&str] = &[
        "forwarded message",
        "weitergeleitete nachricht",
        "message transféré",
        "mensaje reenviado",
        "mensagem encaminhada",
        "mensagem reencaminhada",
        "messaggio inoltrato",
        "doorgestuurd bericht",
        "vidarebefordrat meddelande",
        "videresendt melding",
        "videresendt besked",
        "välitetty viesti",
        "wiadomość przekazana",
        "přeposlaná zpráva",
        "пересылаемое сообщение",
        "пересланное сообщение",
        "переслане повідомлення",
        "továbbított üzenet",
        "yönlendirilen mesaj",
        "iletilmiş mesaj",
        "προωθημένο μήνυμα",
        "转发的邮件",
        "轉寄的郵件",
        "転送されたメッセージ",
        "전달된 메시지",
        "forwarded by",
    ];
    const SENTENCES: &[&str] = &[
        "begin forwarded message:",
        "anfang der weitergeleiteten nachricht:",
        "début du message transféré :",
        "début du message réexpédié :",
        "inicio del mensaje reenviado:",
        "início da mensagem reencaminhada:",
        "inizio messaggio inoltrato:",
        "begin doorgestuurd bericht:",
        "vidarebefordrat brev:",
        "videresendt melding:",
        "start på videresendt besked:",
        "välitetty viesti alkaa:",
        "začátek přeposílané zprávy:",
        "początek przekazywanej wiadomości:",
        "начало переадресованного сообщения:",
        "转发的邮件：",
        "開始轉寄郵件：",
        "転送されたメッセージ：",
        "전달된 메시지 시작:",
    ];
    let bare = line.trim().trim_matches(['*', '_']).trim();
    if bare.len() > 160 {
        return false;
    }
    let text = bare.to_lowercase();
    if SENTENCES.contains(&text.as_str()) {
        return true;
    }
    let framed = text.starts_with('-') || text.starts_with('_') || text.starts_with('=');
    let inner =
        text.trim_matches(|c: char| matches!(c, '-' | '_' | '=' | '*' | ':' | '：') || c.is_whitespace());
    framed && (ORIGINAL.contains(&inner) || FORWARDED.iter().any(|words| inner.starts_with(words)))
}

/// The footer of a telephone or a mail program.
pub(super) fn is_footer(line: &str) -> bool {
    const BEGINNINGS: &[&str] = &[
        "sent from my",
        "sent from a ",
        "sent from outlook",
        "sent from mail",
        "sent from [mail",
        "sent from windows",
        "sent from yahoo",
        "sent from samsung",
        "sent from mobile",
        "sent from iphone",
        "sent from ipad",
        "sent from blackberry",
        "sent from proton",
        "sent from android",
        "sent from nine",
        "sent from the all-new",
        "sent via mobile",
        "sent via my",
        "sent via blackberry",
        "sent with proton",
        "sent with airmail",
        "sent with spark",
        "sent using",
        "sent by galaxy",
        "sent by my",
        "from my iphone",
        "from my ipad",
        "from my mobile",
        "from my android",
        "get outlook for",
        "get [outlook",
        "get the outlook",
        "envoyé de mon",
        "envoyé depuis",
        "envoyé à partir de",
        "télécharger outlook",
        "obtenez outlook",
        "von meinem",
        "von mobil gesendet",
        "gesendet von",
        "gesendet mit",
        "gesendet aus der",
        "gesendet über",
        "diese nachricht wurde von meinem",
        "holen sie sich outlook",
        "outlook für",
        "enviado desde",
        "enviado de mi",
        "enviado do meu",
        "enviado a partir",
        "enviado pelo",
        "obtener outlook",
        "obter o outlook",
        "inviato da",
        "inviato dal",
        "ottieni outlook",
        "scarica outlook",
        "verzonden met",
        "verzonden vanaf",
        "verstuurd vanaf",
        "download outlook",
        "skickat från",
        "hämta outlook",
        "sendt fra",
        "hent outlook",
        "lähetetty",
        "hanki outlook",
        "wysłane z",
        "wysłano z",
        "pobierz aplikację outlook",
        "pobierz outlook",
        "odesláno z",
        "odoslané z",
        "odoslané zo",
        "získat outlook",
        "отправлено с",
        "отправлено из",
        "надіслано з",
        "скачать outlook",
        "elküldve",
        "iphone-omról",
        "az iphone",
        "trimis de pe",
        "στάλθηκε από",
        "從我的",
        "从我的",
        "發自我的",
        "发自我的",
        "iphoneから送信",
        "ipadから送信",
        "나의 iphone",
        "נשלח מה",
        "poslano z",
        "saadetud minu",
    ];
    const ENDINGS: &[&str] =
        &["from mobile", "から送信", "에서 보냄", "küldve", "gönderildi", "傳送", "发送", "發送"];
    let line = line.trim();
    if line.chars().count() > 120 {
        return false;
    }
    let text = line
        .trim_matches(|c: char| matches!(c, '(' | ')' | '<' | '>' | '*' | '_' | '"') || c.is_whitespace())
        .to_lowercase();
    let words = text.split_whitespace().count();
    BEGINNINGS.iter().any(|begin| text.starts_with(begin))
        || (words <= 4 && ENDINGS.iter().any(|end| text.ends_with(end)))
}
