//! Whether a mail answers or forwards, as its subject says.

use serde::{Deserialize, Serialize};

/// What the writer of a mail did with the mail below his own text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Occasion {
    /// Nothing is known but the body: what is quoted is taken for an answered mail.
    #[default]
    Unknown,
    /// The subject begins with *Re:* in some language: a mail is answered.
    Answer,
    /// The subject begins with *Fwd:* in some language: what stands below is what the mail is about.
    Forward,
    /// The subject says neither: quotes are cut only where they are plainly those of an answered mail.
    New,
}

/// Prefixes of forwards, in lower case.
const FORWARD: &[&str] = &[
    "fw",
    "fwd",
    "wg",
    "tr",
    "rv",
    "enc",
    "i",
    "vb",
    "vl",
    "pd",
    "doorst",
    "ilt",
    "i̇lt",
    "trs",
    "πρθ",
    "转发",
    "轉寄",
    "转寄",
    "転送",
    "전달",
    "пересл",
    "továbbítás",
    "הועבר",
    "إعادة توجيه",
];

/// Prefixes of answers, in lower case.
const ANSWER: &[&str] = &[
    "re",
    "aw",
    "antw",
    "sv",
    "rép",
    "rif",
    "r",
    "res",
    "odp",
    "ynt",
    "vá",
    "αν",
    "απ",
    "σχετ",
    "回复",
    "答复",
    "回覆",
    "返信",
    "답장",
    "회신",
    "отв",
    "bls",
    "atb",
    "תגובה",
    "رد",
    "ang",
];

impl Occasion {
    /// From the subject of a mail. The first prefix counts, which is the last that was put there; marks in brackets
    /// before it, such as `[EXT]`, do not.
    pub fn of_subject(subject: &str) -> Self {
        let mut rest = subject.trim_start();
        while let Some(inner) = rest.strip_prefix('[')
            && let Some(end) = inner.find(']').filter(|end| *end <= 40)
        {
            rest = inner[end + 1..].trim_start();
        }
        let Some((prefix, _)) = rest.split_once([':', '：']) else { return Self::New };
        // `Re[2]:`, `Re (2):`, `RE^2:`
        let prefix = prefix.split(['[', '(', '^']).next().unwrap_or_default().trim().trim_end_matches('.');
        if prefix.len() > 40 {
            return Self::New;
        }
        let prefix = prefix.to_lowercase();
        let prefix = prefix.as_str();
        match () {
            () if FORWARD.contains(&prefix) => Self::Forward,
            () if ANSWER.contains(&prefix) => Self::Answer,
            () => Self::New,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Promise: answers and forwards are told apart by their subjects in the languages of our users.
    #[rstest]
    #[case("RE: Printer", Occasion::Answer)]
    #[case("Re[2]: Printer", Occasion::Answer)]
    #[case("AW: Drucker", Occasion::Answer)]
    #[case("SV: Skrivare", Occasion::Answer)]
    #[case("Odp.: Drukarka", Occasion::Answer)]
    #[case("回复：打印机", Occasion::Answer)]
    #[case("[EXT] [SUP] Fwd: Printer", Occasion::Forward)]
    #[case("FW: RE: Printer", Occasion::Forward)]
    #[case("WG: Drucker", Occasion::Forward)]
    #[case("TR : Imprimante", Occasion::Forward)]
    #[case("RV: Impresora", Occasion::Forward)]
    #[case("ENC: Impressora", Occasion::Forward)]
    #[case("I: Stampante", Occasion::Forward)]
    #[case("İLT: Yazıcı", Occasion::Forward)]
    #[case("转发: 打印机", Occasion::Forward)]
    #[case("Re: Fwd: Printer", Occasion::Answer)]
    #[case("Printer on fire", Occasion::New)]
    #[case("Question: which printer?", Occasion::New)]
    #[case("", Occasion::New)]
    fn subjects_tell(#[case] subject: &str, #[case] want: Occasion) {
        assert_eq!(Occasion::of_subject(subject), want);
    }
}
