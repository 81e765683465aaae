//! The content of a part: transfer encoding and character set undone, however broken.

use std::borrow::Cow;

use mail_parser::parsers::MessageStream;

use crate::structure::{Part, place};
use crate::{Problem, charset};

/// The decoded bytes of a leaf.
pub(crate) fn bytes<'a>(
    raw: &'a [u8],
    part: &Part,
    index: usize,
    problems: &mut Vec<Problem>,
) -> Cow<'a, [u8]> {
    let body = &raw[part.body.clone()];
    let encoding = part.fields.first("Content-Transfer-Encoding").unwrap_or_default();
    let encoding =
        encoding.split([';', '(', ' ']).next().unwrap_or_default().trim_matches('"').to_ascii_lowercase();
    match encoding.as_str() {
        "base64" => {
            let (end, decoded) = MessageStream::new(body).decode_base64_mime(b"");
            if end == usize::MAX {
                problems.push(Problem::new(
                    place(index),
                    "its base64 is damaged; what could be decoded was kept",
                ));
                return Cow::Owned(base64_leniently(body));
            }
            decoded
        }
        "quoted-printable" => {
            let (end, decoded) = MessageStream::new(body).decode_quoted_printable_mime(b"");
            if end == usize::MAX {
                problems.push(Problem::new(
                    place(index),
                    "its quoted-printable is damaged; the damaged places were kept as they are",
                ));
                return Cow::Owned(quoted_printable_leniently(body));
            }
            decoded
        }
        "x-uuencode" | "uuencode" | "x-uue" | "uue" => {
            if let Some(decoded) = uudecode(body) {
                return Cow::Owned(decoded);
            }
            problems.push(Problem::new(place(index), "its uuencoding is damaged; it was kept as it is"));
            Cow::Borrowed(body)
        }
        // `7-bit`, `8bits` and the like are common and mean the same.
        "" | "binary" | "none" | "identity" => Cow::Borrowed(body),
        plain if plain.starts_with(['7', '8']) => Cow::Borrowed(body),
        other => {
            let shown: String = other.chars().take(40).collect();
            problems.push(Problem::new(
                place(index),
                format!("its transfer encoding `{shown}` is unknown; it was kept as it is"),
            ));
            Cow::Borrowed(body)
        }
    }
}

/// The text of a leaf, with line feeds alone between lines.
pub(crate) fn text(
    raw: &[u8],
    part: &Part,
    index: usize,
    limit: usize,
    problems: &mut Vec<Problem>,
) -> String {
    let bytes = bytes(raw, part, index, problems);
    let declared = part.content_type.parameter("charset").map(ToOwned::to_owned);
    let charset = match declared {
        None if part.content_type.kind == "text/html" => html_charset(&bytes),
        other => other,
    };
    let (text, complete) = charset::decode(&bytes, charset.as_deref());
    if !complete {
        let named = charset
            .map_or_else(String::new, |name| format!(" `{}`", name.chars().take(40).collect::<String>()));
        problems.push(Problem::new(
            place(index),
            format!("not every byte is text in its character set{named}; what is not was replaced"),
        ));
    }
    bounded(unix_lines(text), limit, &place(index), problems)
}

/// `text`, cut at `limit` bytes.
pub(crate) fn bounded(mut text: String, limit: usize, place: &str, problems: &mut Vec<Problem>) -> String {
    if text.len() > limit {
        problems.push(Problem::new(
            place,
            format!("its text is {} bytes long; only the first {limit} were read", text.len()),
        ));
        text.truncate(text.floor_char_boundary(limit));
    }
    text
}

/// `text` with line feeds alone between lines.
pub(crate) fn unix_lines(text: String) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text }
}

/// The character set that a page names in its first bytes.
fn html_charset(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(2_048)]).to_ascii_lowercase();
    let meta = head.find("<meta")?;
    let after = &head[meta..][head[meta..].find("charset")? + 7..];
    let value = after.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let name: String = value
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.'))
        .take(40)
        .collect();
    // A page that could be read up to here holds no UTF-16, whatever it says.
    (!name.is_empty() && !name.starts_with("utf-16")).then_some(name)
}

/// Base64 with everything passed over that is none. Whole lines that are no base64, such as the footer that a mailing
/// list writes below an encoded text, are passed over as a whole.
pub(crate) fn base64_leniently(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0_u8);
    for line in body.split(|&b| b == b'\n').map(<[u8]>::trim_ascii) {
        let foreign = line.iter().filter(|b| sextet(**b).is_none() && **b != b'=').count();
        if line.contains(&b' ') || foreign * 10 > line.len().max(10) {
            continue;
        }
        for &byte in line {
            if byte == b'=' {
                // Padding ends a group; more may follow where a sender joined several encodings.
                (bits, count) = (0, 0);
            }
            let Some(value) = sextet(byte) else { continue };
            bits = bits << 6 | u32::from(value);
            count += 6;
            if count >= 8 {
                count -= 8;
                out.push((bits >> count & 0xFF) as u8);
            }
        }
    }
    out
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Quoted-printable with damaged escapes kept as text.
fn quoted_printable_leniently(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    while at < body.len() {
        if body[at] != b'=' {
            out.push(body[at]);
            at += 1;
            continue;
        }
        let rest = &body[at + 1..];
        let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count().min(80);
        if let Some(byte) = rest.get(..2).and_then(|pair| hex::decode(pair).ok()) {
            out.extend(byte);
            at += 3;
        } else if rest[blanks..].starts_with(b"\r\n") {
            at += 1 + blanks + 2;
        } else if rest[blanks..].starts_with(b"\n") || rest[blanks..].starts_with(b"\r") {
            at += 1 + blanks + 1;
        } else {
            out.push(b'=');
            at += 1;
        }
    }
    out
}

fn uudecode(body: &[u8]) -> Option<Vec<u8>> {
    let mut lines = body.split(|&b| b == b'\n').map(<[u8]>::trim_ascii_end);
    lines.by_ref().find(|line| line.starts_with(b"begin "))?;
    let mut out = Vec::with_capacity(body.len() / 4 * 3);
    for line in lines {
        if line == b"end" {
            return Some(out);
        }
        let Some((&first, rest)) = line.split_first() else { continue };
        let length = usize::from(first.wrapping_sub(32) & 63);
        let before = out.len();
        for group in rest.chunks(4) {
            let v = |n: usize| u32::from(group.get(n).map_or(0, |b| b.wrapping_sub(32) & 63));
            let bits = v(0) << 18 | v(1) << 12 | v(2) << 6 | v(3);
            out.extend([(bits >> 16 & 0xFF) as u8, (bits >> 8 & 0xFF) as u8, (bits & 0xFF) as u8]);
        }
        out.truncate(before + length.min(out.len() - before));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn damaged_base64_gives_what_is_left() {
        assert_eq!(base64_leniently(b"aGVs*bG8="), b"hello");
        assert_eq!(base64_leniently(b"aGVsbG8=aGVsbG8="), b"hellohello");
        assert_eq!(base64_leniently(b"aGVsbG8=\r\n_______\r\nlist mailing list\r\n"), b"hello");
    }

    #[test]
    fn damaged_quoted_printable_keeps_the_damage() {
        assert_eq!(quoted_printable_leniently(b"a=ZZb=3Dc=\r\nd=  \ne="), b"a=ZZb=cde=");
    }

    #[test]
    fn uuencoded_content_is_read() {
        assert_eq!(uudecode(b"begin 644 a.txt\n%:&5L;&\\\n`\nend\n").as_deref(), Some(&b"hello"[..]));
    }

    #[test]
    fn a_page_names_its_own_character_set() {
        assert_eq!(html_charset(b"<html><meta charset=\"koi8-r\">").as_deref(), Some("koi8-r"));
        let old = b"<META http-equiv=Content-Type content=\"text/html; charset=iso-8859-2\">";
        assert_eq!(html_charset(old).as_deref(), Some("iso-8859-2"));
        assert_eq!(html_charset(b"<p>charset=x"), None);
    }

    proptest! {
        #[test]
        fn decoders_never_grow_their_input(body in prop::collection::vec(any::<u8>(), 0..2_000)) {
            prop_assert!(base64_leniently(&body).len() <= body.len());
            prop_assert!(quoted_printable_leniently(&body).len() <= body.len());
            prop_assert!(uudecode(&body).map_or(0, |out| out.len()) <= body.len().max(64) * 2);
        }
    }
}
