//! Header fields with parameters, such as Content-Type and Content-Disposition.

use std::collections::BTreeMap;

use crate::{charset, words};

/// Most parameters and pieces of parameters read from one field.
const MAX_PARAMETERS: usize = 500;

/// A value with parameters: `text/plain; charset=utf-8`, `attachment; filename="a.txt"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Typed {
    /// `text/plain`, `attachment`; lower case, without white space and comments.
    pub(crate) kind: String,
    parameters: BTreeMap<String, String>,
}

/// A parameter that comes in pieces or with a character set (RFC 2231).
#[derive(Default)]
struct Extended {
    charset: Option<String>,
    pieces: BTreeMap<u32, Vec<u8>>,
}

impl Typed {
    /// Reads an unfolded value. Missing quotes and semicolons are tolerated, and so are encoded words in values, which
    /// no RFC allows and many mailers write. Where a parameter comes both plain and extended, the extended one counts.
    pub(crate) fn parse(value: &str) -> Self {
        let end = value.find(';').unwrap_or(value.len());
        let kind = without_comments(&value[..end]);
        // `text/plain charset=utf-8`: a missing semicolon.
        let (kind, early) = match kind.trim().split_once(char::is_whitespace) {
            Some((first, rest)) if rest.contains('=') => (first.to_owned(), rest.to_owned()),
            _ => (kind, String::new()),
        };
        let kind: String = kind.chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
        let mut plain = BTreeMap::new();
        let mut extended: BTreeMap<String, Extended> = BTreeMap::new();
        let rest = &value[(end + 1).min(value.len())..];
        for (name, value) in scan(&early).into_iter().chain(scan(rest)) {
            let mut parts = name.split('*');
            let base = parts.next().unwrap_or_default().to_owned();
            let marks: Vec<&str> = parts.collect();
            let (index, encoded) = match marks.as_slice() {
                [] => {
                    plain.entry(base).or_insert(value);
                    continue;
                }
                [""] => (0, true),
                [number] => (number.parse().unwrap_or(u32::MAX), false),
                [number, ..] => (number.parse().unwrap_or(u32::MAX), true),
            };
            let one = extended.entry(base).or_default();
            let mut text = value.as_str();
            if encoded && one.charset.is_none() && index == 0 {
                let mut quoted = value.splitn(3, '\'');
                if let (Some(charset), Some(_), Some(content)) = (quoted.next(), quoted.next(), quoted.next())
                {
                    one.charset = Some(charset.to_owned());
                    text = content;
                }
            }
            let bytes = if encoded { percent_decoded(text) } else { text.as_bytes().to_vec() };
            one.pieces.entry(index).or_insert(bytes);
        }
        let mut parameters: BTreeMap<String, String> =
            plain.into_iter().map(|(name, value)| (name, words::decode(&value))).collect();
        for (name, one) in extended {
            let bytes: Vec<u8> = one.pieces.into_values().flatten().collect();
            let text = charset::decode(&bytes, one.charset.as_deref().filter(|c| !c.is_empty())).0;
            parameters.insert(name, words::decode(&text));
        }
        Self { kind: kind.to_ascii_lowercase(), parameters }
    }

    /// A parameter by its name in lower case; `None` where it is missing or empty.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Names, in lower case, and values, unquoted.
fn scan(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut rest = text;
    while out.len() < MAX_PARAMETERS {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ';');
        let Some(end) = rest.find(['=', ';']) else { break };
        let name = without_comments(&rest[..end]);
        let assigned = rest.as_bytes()[end] == b'=';
        rest = &rest[end + 1..];
        if !assigned {
            continue;
        }
        rest = rest.trim_start();
        let value = if let Some(quoted) = rest.strip_prefix('"') {
            let (value, after) = unquoted(quoted);
            rest = after;
            value
        } else {
            let end = rest.find(';').unwrap_or(rest.len());
            let whole = rest[..end].trim();
            // File names with spaces and without quotes are common; elsewhere a space ends the value.
            let is_name = name.trim().to_ascii_lowercase().contains("name");
            let value =
                if is_name { whole } else { whole.split([' ', '\t', '(']).next().unwrap_or_default() };
            let next_assignment = whole[value.len()..].contains('=');
            rest = if next_assignment { &rest[value.len()..] } else { &rest[end..] };
            value.to_owned()
        };
        let name: String = name.chars().filter(|c| !c.is_whitespace()).collect();
        if !name.is_empty() {
            out.push((name.to_ascii_lowercase(), value));
        }
    }
    out
}

/// A quoted value up to its closing quote, and what follows. A backslash only escapes a quote or a backslash, as
/// mailers write `C:\new` and mean it.
fn unquoted(text: &str) -> (String, &str) {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (out, &text[at + 1..]),
            '\\' => match text[at + 1..].chars().next() {
                Some(next @ ('"' | '\\')) => {
                    out.push(next);
                    chars.next();
                }
                _ => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    (out, "")
}

fn without_comments(text: &str) -> String {
    let mut depth = 0_usize;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out.trim().to_owned()
}

/// Percent escapes undone; damaged ones stay as they are.
pub(crate) fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        if let Some(byte) = pair.and_then(|pair| hex::decode(pair).ok()) {
            out.extend(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("attachment; filename=\"a.txt\"", "a.txt")]
    #[case("attachment; filename=my file.txt", "my file.txt")]
    #[case("attachment; filename = \"a;b.txt\" ; size=3", "a;b.txt")]
    #[case("attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.txt", "Grüße.txt")]
    #[case("attachment; filename*0=\"long \"; filename*1=\"name.txt\"", "long name.txt")]
    #[case("attachment; filename*1=\"name.txt\"; filename*0=\"long \"", "long name.txt")]
    #[case("attachment; filename*0*=iso-8859-1''Gr%FC; filename*1*=%DFe; filename*2=.txt", "Grüße.txt")]
    #[case("attachment; filename*0*=utf-8''%C3; filename*1*=%BC.txt", "ü.txt")]
    #[case("attachment; filename=\"=?utf-8?B?w7wudHh0?=\"", "ü.txt")]
    #[case("attachment; filename=\"plain.txt\"; filename*=utf-8''%C3%BC.txt", "ü.txt")]
    #[case("attachment; filename=\"C:\\new\\\"q\\\".txt\"", "C:\\new\"q\".txt")]
    #[case("attachment; filename=\"open", "open")]
    fn file_names_are_read(#[case] value: &str, #[case] want: &str) {
        let typed = Typed::parse(value);
        assert_eq!((typed.kind.as_str(), typed.parameter("filename")), ("attachment", Some(want)));
    }

    #[rstest]
    #[case("Text/Plain; Charset=UTF-8", "text/plain", Some("UTF-8"))]
    #[case("text/plain (a comment); charset=us-ascii (Plain text)", "text/plain", Some("us-ascii"))]
    #[case("text/plain charset=utf-8", "text/plain", Some("utf-8"))]
    #[case("text/html; charset=utf-8 format=flowed", "text/html", Some("utf-8"))]
    #[case("text / html;; charset=\"utf-8\"", "text/html", Some("utf-8"))]
    #[case("", "", None)]
    fn types_are_read(#[case] value: &str, #[case] kind: &str, #[case] charset: Option<&str>) {
        let typed = Typed::parse(value);
        assert_eq!((typed.kind.as_str(), typed.parameter("charset")), (kind, charset));
    }

    proptest! {
        #[test]
        fn any_value_is_survived(value in any::<String>()) {
            prop_assert!(!Typed::parse(&value).kind.chars().any(char::is_whitespace));
        }
    }
}
