//! What a person wrote in a reply, apart from what the mail program added: the quoted mail, the lines that announce it, the
//! signature, the mobile footer.
//!
//! Begin with [`Reply::of_text`]. `lines.rs` tells the kinds of lines apart, with `intro.rs` (the sentence that announces a
//! quote), `headers.rs` (the header block of Outlook and of forwards) and `footers.rs` (lines that programs add); `judge.rs`
//! decides what goes. It is a decision about words of many languages, so it errs on the side of keeping: where answers
//! stand between quoted lines everything stays, and a mail of which nothing would be left stays whole. What was cut is
//! returned, too, for it must be one click away.

mod footers;
mod headers;
mod intro;
mod judge;
mod lines;
#[cfg(test)]
mod tests;

/// A reply, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// What the person wrote. Without blank lines around it.
    pub kept: String,
    /// What was cut, in reading order.
    pub cut: Vec<Piece>,
}

/// Something that was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Why.
    pub kind: Kind,
    /// The text, as it stood there.
    pub text: String,
}

/// Why a piece was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The mail that is answered, and the line that announces it.
    Quote,
    /// From the mark `-- ` on.
    Signature,
    /// A line of the mail program, as of a telephone; strokes that lead to nothing.
    Footer,
}

impl Kind {
    /// In words of the console.
    pub fn words(self) -> &'static str {
        match self {
            Self::Quote => "quoted text",
            Self::Signature => "signature",
            Self::Footer => "footer",
        }
    }
}

impl Reply {
    /// Takes a plain text apart. Takes time in proportion to its length.
    pub fn of_text(text: &str) -> Self {
        let lines: Vec<&str> = text.lines().map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
        let fates = judge::fates(&lines, &lines::units(&lines));
        let mut kept: Vec<&str> = Vec::new();
        let mut cut: Vec<(Kind, Vec<&str>)> = Vec::new();
        let mut before = None;
        for (line, fate) in lines.iter().zip(&fates) {
            match (fate, cut.last_mut()) {
                (None, _) => kept.push(line),
                (Some(kind), Some((last, piece))) if *last == *kind && before == Some(*kind) => {
                    piece.push(line);
                }
                (Some(kind), _) => cut.push((*kind, vec![line])),
            }
            before = *fate;
        }
        let cut = cut
            .into_iter()
            .map(|(kind, piece)| Piece { kind, text: without_blank_ends(&piece) })
            .filter(|piece| !piece.text.is_empty())
            .collect();
        Self { kept: without_blank_ends(&kept), cut }
    }
}

fn without_blank_ends(lines: &[&str]) -> String {
    let is_text = |line: &&str| !line.trim().is_empty();
    let Some(first) = lines.iter().position(is_text) else { return String::new() };
    let last = lines.iter().rposition(is_text).unwrap_or(first);
    lines[first..=last].join("\n")
}
