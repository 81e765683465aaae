//! The sentence that announces a quote: *On Monday, Anna <anna@example.com> wrote:*, in many languages and over several lines.

use super::{is_direction_mark, lower};

/// Most lines that are read as one sentence, blank ones not counted.
const MOST_LINES: usize = 6;
/// Longest sentence, in bytes.
const LONGEST: usize = 500;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Intro {
    /// How many lines it takes.
    pub(super) lines: usize,
    /// Whether it needs no quote behind it to be believed.
    pub(super) sure: bool,
}

/// Words for *wrote*. Those of more than one word may be broken over lines, never within another word.
const VERBS: &[&str] = &[
    "wrote",
    "writes",
    "schrieb",
    "geschrieben",
    "a écrit",
    "écrit",
    "escribió",
    "escribio",
    "escreveu",
    "ha scritto",
    "scrive",
    "schreef",
    "geschreven",
    "skrev",
    "skrifaði",
    "kirjoitti",
    "napisał(a)",
    "napisał",
    "napisała",
    "napisal(a)",
    "napsal(a)",
    "napsal",
    "napsala",
    "napísal(a)",
    "napísal",
    "írta",
    "ezt írta",
    "a scris",
    "scris",
    "написал",
    "написал(а)",
    "написала",
    "пишет",
    "написав",
    "пише",
    "написа",
    "έγραψε",
    "yazdı",
    "şunu yazdı",
    "napisao",
    "napisala",
    "napisao/la",
    "je napisal",
    "kirjutas",
    "rakstīja",
    "rašė",
    "va escriure",
    "写道",
    "寫道",
    "写到",
    "のメール",
    "書きました",
    "さんは書きました",
    "작성",
    "님이 작성",
    "đã viết",
    "เขียน",
    "menulis",
    "כתב",
    "כתבה",
    "مكتوب",
    "كتب",
    "ha escrito",
    "hat geschrieben",
    "je napisao",
    "је написао",
    "је написала",
    "je napisao/la",
    "napisał(-a)",
    "написа",
    "เขียนว่า",
    "כתב/ה",
    "نوشت",
    "ने लिखा",
    "撰写",
    "撰寫",
    "来信",
    "來信",
    "写信",
    "寫信",
    "のメッセージ",
    "님이 쓴 글",
    "작성하였습니다",
    "님의 메일",
];

/// How such a sentence begins, besides a figure, a name with an address, or a weekday.
const LEADS: &[&str] = &[
    "on",
    "at",
    "am",
    "le",
    "el",
    "em",
    "il",
    "op",
    "den",
    "dnia",
    "w dniu",
    "dne",
    "dňa",
    "pe",
    "în",
    "la",
    "στις",
    "kell",
    "vào",
    "pada",
    "a",
    "u",
    "ke",
    "på",
    "на",
    "в",
    "am",
    "in",
    "tarihinde",
    "在",
    "於",
    "date",
    "from",
    "ב-",
    "في",
    "dana",
    "dne",
    "pada tanggal",
    "tanggal",
    "เมื่อ",
    "בתאריך",
    "در",
    "vào lúc",
    "kuupäeval",
    "el dia",
    "em",
    "il giorno",
    "den",
    "þann",
];

/// Reads the sentence at the beginning of `lines`.
pub(super) fn at(lines: &[&str]) -> Option<Intro> {
    let first = lines.first()?.trim().trim_start_matches(is_direction_mark);
    if first.is_empty() || !(first.contains('@') || first.chars().any(|c| c.is_ascii_digit())) {
        return None;
    }
    if let Some(intro) = dated(first) {
        return Some(intro);
    }
    let mut sentence = String::new();
    let mut taken = 0;
    for (n, line) in lines.iter().enumerate() {
        let line = line.trim().trim_start_matches(is_direction_mark);
        if line.is_empty() {
            // A blank line stands in the sentence only where it is plainly not at its end.
            if n > 0 && !sentence.ends_with(['<', '>']) && !next_begins_with_address(&lines[n..]) {
                return None;
            }
            continue;
        }
        if n > 0 && !has_lead(first) && starts_anew(line) {
            return None;
        }
        taken += 1;
        if !sentence.is_empty() {
            sentence.push(' ');
        }
        sentence.push_str(line);
        if taken > MOST_LINES || sentence.len() > LONGEST {
            return None;
        }
        if let Some(sure) = judged(&sentence) {
            return Some(Intro { lines: n + 1, sure });
        }
    }
    None
}

/// Whether such a sentence may end with this line.
pub(super) fn may_end(line: &str) -> bool {
    let line = line.trim_end();
    let bare = line.trim_end_matches(|c: char| {
        matches!(c, '-' | '*' | '_') || c.is_whitespace() || is_direction_mark(c)
    });
    bare.ends_with([':', '：', '>'])
        || bare.len() < line.len()
        || (line.contains('>') && line.contains('@'))
        || is_dated(line)
}

/// It begins with a year.
fn is_dated(line: &str) -> bool {
    let line = line.trim_start();
    line.len() > 8
        && line.as_bytes()[..4].iter().all(u8::is_ascii_digit)
        && matches!(line.as_bytes()[4], b'-' | b'/')
}

/// Whether a line begins with such a sentence, and goes on with what it announces.
pub(super) fn begins(line: &str) -> bool {
    let line = line.trim().trim_start_matches(is_direction_mark);
    let head = &line[..line.floor_char_boundary(LONGEST / 2)];
    head.match_indices(':').take(8).any(|(at, _)| judged(&head[..=at]) == Some(true))
}

fn next_begins_with_address(lines: &[&str]) -> bool {
    lines
        .iter()
        .map(|line| line.trim())
        .find(|line| !line.is_empty())
        .is_some_and(|line| line.starts_with('<') || line.starts_with("mailto:") || line.starts_with("&lt;"))
}

/// A second sentence of the kind begins here, so that the first was none.
fn starts_anew(line: &str) -> bool {
    has_lead(line) && line.chars().any(|c| c.is_ascii_digit()) && (ends_sentence(line) || has_time(line))
}

/// `2016-03-03 17:21 GMT+01:00 Some One <some@example.com>:`, with or without address and colon.
fn dated(line: &str) -> Option<Intro> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let separator = line.get(4..5).filter(|text| *text == "-" || *text == "/")?;
    if digits(line) != 4 {
        return None;
    }
    let mut parts = line[5..].splitn(2, separator);
    let (month, rest) = (parts.next()?, parts.next()?);
    let day = digits(rest);
    if !(1..=2).contains(&month.len()) || digits(month) != month.len() || !(1..=2).contains(&day) {
        return None;
    }
    let rest = rest[day..].strip_prefix(' ')?.trim();
    if rest.len() > 200 || rest.is_empty() {
        return None;
    }
    let (time, behind) = rest.split_once(' ').unwrap_or((rest, ""));
    let is_time = time.contains(':') && time.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    let has_zone = behind.starts_with("GMT") || behind.starts_with("UTC") || behind.starts_with('+');
    let address = rest.contains('<') && rest.contains('@');
    match (is_time && has_zone, address) {
        (true, _) | (_, true) => {
            // The address may go on in the next line: the sentence ends where it closes.
            if rest.ends_with('<') { None } else { Some(Intro { lines: 1, sure: true }) }
        }
        _ => None,
    }
}

fn ends_sentence(text: &str) -> bool {
    text.ends_with([':', '：'])
}

/// The verb stands right behind the address, and only the colon is missing.
fn ends_behind_address(text: &str) -> bool {
    let Some(at) = text.rfind('>').filter(|at| text.len() - at <= 40) else { return false };
    let behind = lower(text[at + 1..].trim());
    text[..at].contains('@') && has_time(text) && VERBS.contains(&behind.as_str())
}

fn has_lead(text: &str) -> bool {
    // No lead is longer, and whole paragraphs come along here.
    let text = lower(&text[..text.floor_char_boundary(48)]);
    let mut leads = LEADS.iter();
    leads.any(|lead| {
        text.strip_prefix(lead)
            .is_some_and(|rest| rest.starts_with(|c: char| !c.is_alphabetic() || lead.ends_with('-')))
    }) || text.starts_with('在')
        || text.starts_with('於')
}

/// Whether these words announce a quote, and whether that is sure.
fn judged(sentence: &str) -> Option<bool> {
    let bare = sentence.trim_matches(|c: char| c == '-' || c == '*' || c == '_' || c.is_whitespace());
    let framed = sentence.starts_with("--") && sentence.ends_with("--");
    if !framed && !ends_sentence(bare) && !ends_behind_address(bare) {
        return None;
    }
    let text = lower(bare.trim_end_matches([':', '：', ' ']));
    let has_address = text.contains('@');
    let has_time = has_time(&text);
    let begins = has_lead(&text)
        || text.starts_with(|c: char| c.is_ascii_digit())
        || has_address
        || has_time
        || weekday(&text);
    if !begins {
        return None;
    }
    let verb = VERBS.iter().filter_map(|verb| found(&text, verb)).max();
    match verb {
        Some(end) => {
            let last = text[end..].trim_matches(|c: char| !c.is_alphanumeric()).is_empty();
            // Without an address or a time it may be a sentence of the person's own.
            Some((has_address || has_time) && (last || has_address || framed || is_moment(&text[end..])))
        }
        // `2016-10-24 15:36 GMT+02:00 Foo <foo@example.com>:` and its like.
        None => {
            let dated = has_time || text.starts_with(|c: char| c.is_ascii_digit());
            // Without the brackets it may be anything, unless a quote follows.
            (has_address && dated).then(|| text.trim_end().ends_with('>'))
        }
    }
}

/// A date and a time and hardly anything else, as Notes puts behind the verb: ` on 03/03/2026 10:15:20 AM`.
fn is_moment(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    has_time(text) && digits >= 6 && letters <= 16 && text.len() <= 60
}

/// Where the words end in the text, if they stand there as whole words.
fn found(text: &str, words: &str) -> Option<usize> {
    let spaced = words.chars().next().is_some_and(|c| (c as u32) < 0x0e00);
    text.match_indices(words)
        .map(|(at, _)| (at, at + words.len()))
        .filter(|&(start, end)| {
            !spaced
                || !(text[..start].chars().next_back().is_some_and(char::is_alphabetic)
                    || text[end..].chars().next().is_some_and(char::is_alphabetic))
        })
        .map(|(_, end)| end)
        .last()
}

fn has_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.windows(4).any(|w| {
        w[0].is_ascii_digit()
            && (w[1] == b':' || w[1] == b'.')
            && w[2].is_ascii_digit()
            && w[3].is_ascii_digit()
    })
}

fn weekday(text: &str) -> bool {
    const DAYS: &[&str] = &[
        "понедельник",
        "вторник",
        "среда",
        "четверг",
        "пятница",
        "суббота",
        "воскресенье",
        "понеділок",
        "вівторок",
        "середа",
        "четвер",
        "п'ятниця",
        "субота",
        "неділя",
        "pondělí",
        "úterý",
        "středa",
        "čtvrtek",
        "pátek",
        "sobota",
        "neděle",
    ];
    DAYS.iter().any(|day| text.starts_with(day))
}
