//! Lines that mail programs add: marks of a signature, strokes, footers of telephones, announcements of a forward.

use super::lower;

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

/// Words between strokes, as programs write them above the mail that they quote, in a language that is not known here.
pub(super) fn is_framed(line: &str) -> bool {
    let line = line.trim();
    let stroke = |c: char| matches!(c, '-' | '_' | '=' | '—');
    let inner = line.trim_matches(stroke);
    line.len() <= 160
        && line.starts_with("---") | line.starts_with("___") | line.starts_with("===")
        && line.ends_with(stroke)
        && inner.chars().any(char::is_alphabetic)
}

/// What a line announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announced {
    /// The mail that is answered: `-----Original Message-----`. Some programs write it over a forward, too.
    Original,
    /// A forwarded mail: `---------- Forwarded message ---------`, `Begin forwarded message:`.
    Forwarded,
}

/// `-----Original Message-----`, `Begin forwarded message:` and their like.
pub(super) fn announcement(line: &str) -> Option<Announced> {
    const ORIGINAL: &[&str] = &[
        "original message",
        "original appointment",
        "ursprüngliche nachricht",
        "originalnachricht",
        "urspr. nachricht",
        "message d'origine",
        "message initial",
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
        "oprindelig besked",
        "opprinnelig e-post",
        "ursprungligt e-postmeddelande",
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
        "оригинална порука",
        "оригинално съобщение",
        "missatge original",
        "algne teade",
        "algne kiri",
        "sākotnējais ziņojums",
        "pirminis laiškas",
        "pradinis pranešimas",
        "tin nhắn gốc",
        "thư gốc",
        "pesan asli",
        "ข้อความต้นฉบับ",
        "הודעה מקורית",
        "הודעה במקור",
        "الرسالة الأصلية",
        "رسالة أصلية",
        "原邮件",
        "回复的原邮件",
        "original",
        "원본메시지",
        "originele bericht",
        "origineel bericht",
        "oorspronkelijke bericht",
        "messaggio original",
        "mensagem inicial",
        "upprunaleg skilaboð",
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
        "weitergeleitet von",
        "weitergeleitete mail",
        "weitergeleitete e-mail",
        "weitergeleitete originalnachricht",
        "transféré par",
        "message réexpédié",
        "reenviado por",
        "inoltrato da",
        "doorgestuurd door",
        "препратено съобщение",
        "prosleđena poruka",
        "proslijeđena poruka",
        "posredovano sporočilo",
        "preposlaná správa",
        "mesaj redirecționat",
        "mesaj redirecţionat",
        "edastatud kiri",
        "pārsūtītā ziņa",
        "persiųstas laiškas",
        "missatge reenviat",
        "thư đã chuyển tiếp",
        "pesan terusan",
        "ข้อความที่ส่งต่อ",
        "הודעה שהועברה",
        "הודעה מועברת",
        "رسالة معاد توجيهها",
        "轉寄郵件",
        "转发邮件信息",
        "forwarded mail",
    ];
    const SENTENCES: &[&str] = &[
        "begin forwarded message:",
        "anfang der weitergeleiteten nachricht:",
        "anfang der weitergeleiteten e-mail:",
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
        "início da mensagem encaminhada:",
        "aloita välitetty viesti:",
        "inici del missatge reenviat:",
        "továbbított levél kezdete:",
        "iletilen ileti başlangıcı:",
        "începutul mesajului redirecționat:",
        "початок листа, що пересилається:",
    ];
    let bare = line.trim().trim_matches(['*', '_']).trim();
    let framed = bare.starts_with(['-', '_', '=', '—']);
    if bare.len() > 160 || !(framed || bare.ends_with([':', '：'])) {
        return None;
    }
    let text = lower(bare);
    if SENTENCES.contains(&text.as_str()) {
        return Some(Announced::Forwarded);
    }
    let inner = text
        .trim_matches(|c: char| matches!(c, '-' | '_' | '=' | '*' | ':' | '：' | '—') || c.is_whitespace());
    if framed && ORIGINAL.contains(&inner) {
        return Some(Announced::Original);
    }
    (framed && FORWARDED.iter().any(|words| inner.starts_with(words))).then_some(Announced::Forwarded)
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
        "sent with [proton",
        "sent with [spark",
        "sent with shift",
        "sent with mailbird",
        "sent with bluemail",
        "sent via superhuman",
        "sent via bluemail",
        "sent from bluemail",
        "sent from em client",
        "sent from mailspring",
        "sent from spark",
        "sent from canary",
        "sent from hey",
        "sent from webmail",
        "sent from gmail mobile",
        "sent from aol mobile",
        "sent from tutanota",
        "sent from my galaxy",
        "sent by superhuman",
        "sent with sparrow",
        "sent with tuta",
        "sent with [tuta",
        "secured with tuta",
        "get bluemail for",
        "get [bluemail",
        "gesendet von meinem",
        "yahoo mail: search",
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
        "envoyé avec",
        "envoyé par mobile",
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
        "enviado con",
        "enviat des de",
        "enviado de mi",
        "enviado do meu",
        "enviado a partir",
        "enviado pelo",
        "obtener outlook",
        "obter o outlook",
        "inviato da",
        "inviato dal",
        "inviato con",
        "inviato tramite",
        "ottieni outlook",
        "scarica outlook",
        "verzonden met",
        "verzonden vanaf",
        "verstuurd vanaf",
        "download outlook",
        "skickat från",
        "skickat med",
        "skickades från",
        "hämta outlook",
        "sendt fra",
        "sendt med",
        "hent outlook",
        "lähetetty minun",
        "lähetetty iphone",
        "lähetetty ipad",
        "lähetetty laittees",
        "lähetetty samsung",
        "lähetetty puhelimes",
        "lähetetty outlook",
        "lähetetty android",
        "lähetetty galaxy",
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
        "elküldve a",
        "elküldve az",
        "küldve",
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
        "изпратено от моя",
        "nosūtīts no",
        "išsiųsta iš mano",
        "được gửi từ",
        "gửi từ iphone",
        "dikirim dari",
        "ส่งจาก",
        "أرسلت من",
        "تم الإرسال من",
        "mula sa aking",
        "από το iphone",
        "εστάλη από",
        "送自我的",
        "傳送自",
        "发送自",
        "從 yahoo",
        "来自我的",
        "내 iphone에서",
    ];
    const ENDINGS: &[&str] =
        &["from mobile", "から送信", "에서 보냄", "küldve", "gönderildi", "傳送", "发送", "發送"];
    let line = line.trim();
    if line.is_empty() || line.len() > 360 || line.chars().count() > 120 {
        return false;
    }
    let text =
        lower(line.trim_matches(|c: char| {
            matches!(c, '(' | ')' | '<' | '>' | '*' | '_' | '"') || c.is_whitespace()
        }));
    let words = text.split_whitespace().count();
    BEGINNINGS.iter().any(|begin| text.starts_with(begin))
        || (words <= 4 && ENDINGS.iter().any(|end| text.ends_with(end)))
}
