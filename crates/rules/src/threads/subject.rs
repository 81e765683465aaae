//! What a subject says of a conversation: its topic without the marks of answers, and the keys of issues.

/// Marks of answers, in small letters.
const ANSWERS: &[&str] = &[
    "re",
    "aw",
    "antw",
    "antwort",
    "sv",
    "vs",
    "res",
    "odp",
    "ynt",
    "yan",
    "rif",
    "r",
    "ats",
    "atb",
    "bls",
    "vá",
    "rép",
    "răsp",
    "απ",
    "σχετ",
    "отв",
    "ответ",
    "回复",
    "答复",
    "回覆",
    "返信",
    "답장",
    "회신",
    "השב",
    "رد",
    "trả lời",
];
/// Marks of forwarded mail, in small letters.
const FORWARDS: &[&str] = &[
    "fw",
    "fwd",
    "wg",
    "tr",
    "rv",
    "enc",
    "pd",
    "vl",
    "vb",
    "doorst",
    "i",
    "ilt",
    "i̇lt",
    "továbbítás",
    "πρθ",
    "пересл",
    "转发",
    "轉寄",
    "転送",
    "전달",
    "הועבר",
    "إعادة توجيه",
];
/// What gateways and Jira write in front.
const STAMPS: &[&str] = &["ext", "extern", "external", "externe", "jira"];
/// Keys that are read of one subject.
const KEYS: usize = 5;
/// Letters of a mark with its count, such as `Re[12]`.
const MARK: usize = 20;

/// What stands in front of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Front {
    Answer,
    Forward,
    Stamp,
}

/// The topic of a conversation: the subject without the marks of answers and forwards, keys of issues and the stamps of gateways in
/// front of it, letter case and width of spaces aside.
pub fn topic(subject: &str) -> String {
    let mut rest = subject.trim();
    while let Some((_, after)) = front(rest) {
        rest = after;
    }
    rest.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// Whether the subject says that the mail is an answer. A forwarded answer is none.
pub fn is_answer(subject: &str) -> bool {
    let mut rest = subject.trim();
    while let Some((front, after)) = front(rest) {
        match front {
            Front::Answer => return true,
            Front::Forward => return false,
            Front::Stamp => rest = after,
        }
    }
    false
}

fn front(text: &str) -> Option<(Front, &str)> {
    bracketed(text).or_else(|| marked(text)).map(|(front, after)| (front, after.trim_start()))
}

/// `[EXT]`, `[SUP-12]`, `(SUP-12)`
fn bracketed(text: &str) -> Option<(Front, &str)> {
    let (close, inner) = match text.chars().next()? {
        '[' => (']', &text[1..]),
        '(' => (')', &text[1..]),
        _ => return None,
    };
    let (inner, after) = inner.split_once(close)?;
    let inner = inner.trim();
    (STAMPS.contains(&inner.to_lowercase().as_str()) || is_key(inner)).then_some((Front::Stamp, after))
}

/// `Re:`, `AW :`, `Re[2]:`, `SUP-12:`
fn marked(text: &str) -> Option<(Front, &str)> {
    let at = text.find([':', '：'])?;
    let (mark, after) = text.split_at(at);
    let after = after.trim_start_matches([':', '：']);
    if mark.chars().count() > MARK.max(12) {
        return None;
    }
    if is_key(mark.trim()) {
        return Some((Front::Stamp, after));
    }
    // `Re[2]`, `Re (3)`, `Re^2`
    let bare =
        mark.trim_end_matches(|c: char| c.is_ascii_digit() || "[]()^ ".contains(c)).trim().to_lowercase();
    let is = |marks: &[&str]| marks.contains(&bare.as_str());
    let front = if is(ANSWERS) {
        Front::Answer
    } else if is(FORWARDS) {
        Front::Forward
    } else if is(STAMPS) {
        Front::Stamp
    } else {
        return None;
    };
    Some((front, after))
}

/// Whether a text is a key of an issue and nothing else.
pub fn is_key(text: &str) -> bool {
    let Some((project, number)) = text.rsplit_once('-') else { return false };
    let mut letters = project.bytes();
    (2..=255).contains(&project.len())
        && letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_')
        && (1..=9).contains(&number.len())
        && number.bytes().all(|digit| digit.is_ascii_digit())
        && !number.starts_with('0')
}

/// The keys that a subject names, in capital letters, each once: first those that stand as marks (`[SUP-12]`, `(SUP-12)`, `SUP-12:`),
/// then those in the midst of words.
pub fn keys(subject: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let (mut marks, mut words) = (Vec::new(), Vec::new());
    let mut at = 0;
    for piece in subject.split_inclusive(|c: char| !is_word(c)) {
        let word = piece.trim_end_matches(|c: char| !is_word(c));
        let next = piece[word.len()..].chars().next();
        let before = subject[..at].chars().next_back();
        at += piece.len();
        if !is_key(word) {
            continue;
        }
        let key = word.to_ascii_uppercase();
        let is_mark =
            matches!((before, next), (Some('['), Some(']')) | (Some('('), Some(')')) | (_, Some(':' | '：')));
        if is_mark { marks.push(key) } else { words.push(key) }
    }
    let mut all: Vec<String> = Vec::new();
    for key in marks.into_iter().chain(words) {
        if all.len() < KEYS && !all.contains(&key) {
            all.push(key);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Promise: whatever mail programs, gateways and Jira put in front, a conversation keeps its topic.
    #[test]
    fn a_conversation_keeps_its_topic() {
        for subject in [
            "Printer on fire",
            "Re: Printer on fire",
            "AW: Re: printer  on FIRE",
            "RE[2]: Printer on fire",
            "Re (3): Printer on fire",
            "SV: VS: Printer on fire",
            "回复：Printer on fire",
            "[EXT] Re: [EXT] Printer on fire",
            "External: Printer on fire",
            "Re: [SUP-12] Printer on fire",
            "[JIRA] (SUP-12) Printer on fire",
            "SUP-12: Printer on fire",
            "Fwd: WG: Printer on fire",
        ] {
            assert_eq!(topic(subject), "printer on fire", "{subject}");
        }
        for other in ["Printer", "PO: Printer on fire", "[team] Printer on fire", "Printer on fire: again"] {
            assert_ne!(topic(other), "printer on fire", "{other}");
        }
        assert_eq!(topic("Re:"), "");
    }

    /// Promise: a forward and a subject that only looks like an answer are none.
    #[test]
    fn an_answer_says_so_first() {
        for subject in ["Re: a", "[EXT] AW: a", "Re: Fwd: a", "Odp: a", "Re[4]: a"] {
            assert!(is_answer(subject), "{subject}");
        }
        for subject in ["a", "Fwd: Re: a", "Report: a", "Re", "", "Recall: Re: a"] {
            assert!(!is_answer(subject), "{subject}");
        }
    }

    /// Promise: keys are found however they stand there, those that stand as marks first, and what only looks like one is none.
    #[test]
    fn keys_are_found_in_their_order() {
        for (subject, expected) in [
            ("[SUP-12] Printer", vec!["SUP-12"]),
            ("Re: sup-12: Printer", vec!["SUP-12"]),
            ("[JIRA] (SUP-12) Printer", vec!["SUP-12"]),
            ("Printer, as in BILL-3, [SUP-12]", vec!["SUP-12", "BILL-3"]),
            ("SUP-12 SUP-12 sup-13", vec!["SUP-12", "SUP-13"]),
            ("SUP-012 SUP- -12 X-1 SUP-12-3 aSUP_1-2é-3 12-12", vec![]),
            ("PRE_1-77.", vec!["PRE_1-77"]),
            ("A1-1 A2-1 A3-1 A4-1 A5-1 A6-1", vec!["A1-1", "A2-1", "A3-1", "A4-1", "A5-1"]),
        ] {
            assert_eq!(keys(subject), expected, "{subject}");
        }
    }

    proptest! {
        /// Promise: any subject has a topic, and marks in front of one never change it.
        #[test]
        fn any_subject_is_read(subject in "\\PC{0,80}", mark in prop::sample::select(ANSWERS)) {
            let plain = topic(&subject);
            prop_assert_eq!(topic(&format!("{mark}: {subject}")), plain);
            prop_assert!(keys(&subject).len() <= KEYS);
            let _ = is_answer(&subject);
        }
    }
}
