//! Encoded words (RFC 2047) and other text in header fields.

use mail_parser::decoders::base64::base64_decode;

use crate::charset;

/// Longest payload of an encoded word that is read, in bytes. The RFC allows 75; senders write whole subjects in one.
const LONGEST_WORD: usize = 4_000;

/// A header field's value as people read it: one line, encoded words decoded, no control characters.
///
/// Text that holds no encoded word comes out as it went in, so that values which were decoded before stay as they are.
pub(crate) fn unstructured(value: &str) -> String {
    one_line(&decode(value))
}

/// `text` on one line: control characters and line breaks become single spaces, white space around it goes.
pub(crate) fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    for c in text.chars() {
        if c == '\u{FEFF}' || is_direction_override(c) {
            continue;
        }
        if c == '\t' || c == ' ' || c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            space = !out.is_empty();
        } else {
            if space {
                out.push(' ');
                space = false;
            }
            out.push(c);
        }
    }
    out
}

/// Characters that make text look other than it is: bidirectional embeddings, overrides and isolates.
pub(crate) fn is_direction_override(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Replaces every encoded word. White space between two encoded words goes, and bytes of neighbours in the same
/// character set are joined before they are decoded, as senders cut characters in two.
pub(crate) fn decode(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut pending: Option<(String, Vec<u8>)> = None;
    let mut rest = value;
    while let Some(at) = rest.find("=?") {
        let Some((word, length)) = encoded_word(&rest[at..]) else {
            flush(&mut pending, &mut out);
            out.push_str(&rest[..at + 2]);
            rest = &rest[at + 2..];
            continue;
        };
        let between = &rest[..at];
        if pending.is_none() || !between.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
            flush(&mut pending, &mut out);
            out.push_str(between);
        }
        match &mut pending {
            Some((charset, bytes)) if charset.eq_ignore_ascii_case(word.charset) => bytes.extend(word.bytes),
            _ => {
                flush(&mut pending, &mut out);
                pending = Some((word.charset.to_owned(), word.bytes));
            }
        }
        rest = &rest[at + length..];
    }
    flush(&mut pending, &mut out);
    out.push_str(rest);
    out
}

fn flush(pending: &mut Option<(String, Vec<u8>)>, out: &mut String) {
    if let Some((charset, bytes)) = pending.take() {
        out.push_str(&charset::decode(&bytes, Some(&charset)).0);
    }
}

struct Word<'a> {
    charset: &'a str,
    bytes: Vec<u8>,
}

/// The encoded word that `text` begins with and its length in bytes. Longer words than the 75 characters of the RFC and
/// spaces in them are tolerated, as is a missing language.
fn encoded_word(text: &str) -> Option<(Word<'_>, usize)> {
    let inner = text.strip_prefix("=?")?;
    let (charset, rest) = head(inner, 60)?;
    let (encoding, rest) = head(rest, 1)?;
    let window = &rest.as_bytes()[..rest.len().min(LONGEST_WORD)];
    let end = window.windows(2).position(|pair| pair == b"?=")?;
    let payload = &rest[..end];
    if payload.contains('?') || payload.contains("=?") {
        return None;
    }
    let charset = charset.split('*').next().unwrap_or(charset);
    if charset.is_empty() || charset.contains(char::is_whitespace) {
        return None;
    }
    let bytes = match encoding {
        // Raw 8-bit text within an encoded word is against the rules and was decoded with the whole field: put it back
        // into the word's own character set, with which all of the word is decoded next.
        "Q" | "q" => {
            match encoding_rs::Encoding::for_label(charset.as_bytes()).filter(|_| !payload.is_ascii()) {
                Some(known) => quoted(&known.encode(payload).0),
                None => quoted(payload.as_bytes()),
            }
        }
        "B" | "b" => base64(payload),
        _ => return None,
    };
    Some((Word { charset, bytes }, text.len() - rest.len() + end + 2))
}

fn head(text: &str, longest: usize) -> Option<(&str, &str)> {
    let window = text.as_bytes();
    let end = window.iter().take(longest + 1).position(|&b| b == b'?')?;
    Some((&text[..end], &text[end + 1..]))
}

fn quoted(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'=')
            .then(|| bytes.get(at + 1..at + 3).and_then(|pair| hex::decode(pair).ok()))
            .flatten();
        match (hex, bytes[at]) {
            (Some(byte), _) => {
                out.extend(byte);
                at += 3;
                continue;
            }
            (None, b'_') => out.push(b' '),
            (None, byte) => out.push(byte),
        }
        at += 1;
    }
    out
}

fn base64(payload: &str) -> Vec<u8> {
    base64_decode(payload.as_bytes()).unwrap_or_else(|| crate::content::base64_leniently(payload.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("plain subject", "plain subject")]
    #[case("=?iso-8859-1?Q?Gr=FC=DFe_an_alle?=", "Grüße an alle")]
    #[case("=?utf-8?B?R3LDvMOfZQ==?= rest", "Grüße rest")]
    #[case("=?utf-8?B?R3LDvA==?= =?utf-8?B?w59l?=", "Grüße")]
    #[case("=?utf-8?B?R3LD?=\r\n =?utf-8?B?vMOfZQ==?=", "Grüße")]
    #[case("=?utf-8*de?Q?a?=", "a")]
    #[case("=?utf-8?X?a?=", "=?utf-8?X?a?=")]
    #[case("=?utf-8?Q?unfinished", "=?utf-8?Q?unfinished")]
    #[case("a =? b =?utf-8?Q?c?=", "a =? b c")]
    #[case("=?utf-8?Q?with space?=", "with space")]
    #[case("=?iso-8859-1?Q?Frösche=F6?=", "Fröscheö")]
    #[case("two\r\n lines\u{7}and a bell", "two lines and a bell")]
    fn header_text_reads_as_people_see_it(#[case] value: &str, #[case] want: &str) {
        assert_eq!(unstructured(value), want);
    }

    proptest! {
        #[test]
        fn any_value_gives_one_clean_line(value in any::<String>()) {
            let line = unstructured(&value);
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert_eq!(one_line(&line), line);
        }
    }
}
