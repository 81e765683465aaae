//! Header fields: found, unfolded, decoded.

use mail_parser::HeaderValue;
use mail_parser::parsers::MessageStream;

use crate::guard::guarded;
use crate::typed::Typed;
use crate::{Address, Header, Limits, Problem, addresses, charset, words};

/// A header field, unfolded but not yet decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawField {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl RawField {
    /// A field as an API tells it. What came folded is unfolded.
    pub(crate) fn told(name: &str, value: &str, limits: &Limits, problems: &mut Vec<Problem>) -> Self {
        let name: String =
            name.trim().chars().filter(|c| !c.is_control() && !c.is_whitespace()).take(200).collect();
        let value = unfold(value.as_bytes(), None, &name, limits, problems);
        Self { name, value }
    }
}

/// One line from a folded value: line breaks go, the white space that follows them stays as one space.
///
/// A break directly after `=` leaves nothing behind: mailers fold `boundary=` and `filename=` there, and the value
/// belongs to the name.
pub(crate) fn unfold(
    value: &[u8],
    fallback: Option<&str>,
    name: &str,
    limits: &Limits,
    problems: &mut Vec<Problem>,
) -> String {
    let cut = &value[..value.len().min(limits.header_size)];
    if cut.len() < value.len() {
        problems.push(Problem::new(
            format!("header {name}"),
            format!("it is {} bytes long; only the first {} were read", value.len(), limits.header_size),
        ));
    }
    let text = match std::str::from_utf8(cut) {
        Ok(text) => text.to_owned(),
        // Raw 8-bit text against the rules: the body's character set is the best guess.
        Err(_) if fallback.is_some() => charset::decode(cut, fallback).0,
        Err(_) => charset::decode_unnamed(cut).0,
    };
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\r' && c != '\n' {
            out.push(if c.is_control() && c != '\t' { ' ' } else { c });
            continue;
        }
        while chars.next_if(|next| matches!(next, '\r' | '\n' | ' ' | '\t')).is_some() {}
        while out.ends_with([' ', '\t']) {
            out.pop();
        }
        if !out.ends_with('=') || is_encoded_word_end(&out) {
            out.push(' ');
        }
    }
    out.trim().to_owned()
}

/// `…?=` closes an encoded word; its `=` is no assignment.
fn is_encoded_word_end(text: &str) -> bool {
    text.ends_with("?=")
}

/// The header fields of a message or part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<RawField>);

impl Fields {
    pub(crate) fn new(fields: Vec<RawField>) -> Self {
        Self(fields)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.0
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name))
            .map(|field| field.value.as_str())
    }

    /// The topmost value of this name that is not empty, raw.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.all(name).find(|value| !value.is_empty())
    }

    /// All values of this name in one, raw; `None` when there is no such field.
    pub(crate) fn joined(&self, name: &str) -> Option<String> {
        let all: Vec<&str> = self.all(name).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }

    /// The addresses of all fields of this name.
    pub(crate) fn addresses(&self, name: &str, problems: &mut Vec<Problem>) -> Vec<Address> {
        let mut out = Vec::new();
        for value in self.all(name) {
            out.extend(addresses::parse(name, value, problems));
            if out.len() >= addresses::MAX_ADDRESSES {
                out.truncate(addresses::MAX_ADDRESSES);
                break;
            }
        }
        out
    }

    /// The Date field.
    pub(crate) fn date(&self) -> Option<jiff::Timestamp> {
        let value = format!("{}\n", self.first("Date")?);
        let parsed = guarded(|| MessageStream::new(value.as_bytes()).parse_date()).ok()?;
        let HeaderValue::DateTime(date) = parsed else { return None };
        date.is_valid().then(|| jiff::Timestamp::from_second(date.to_timestamp()).ok()).flatten()
    }

    /// All fields, decoded.
    pub(crate) fn decoded(&self) -> Vec<Header> {
        self.0.iter().map(|f| Header { name: f.name.clone(), value: words::unstructured(&f.value) }).collect()
    }

    /// A field of parameters, such as Content-Type.
    pub(crate) fn typed(&self, name: &str) -> Option<Typed> {
        Some(Typed::parse(self.first(name)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn unfolded(value: &str) -> String {
        unfold(value.as_bytes(), None, "X", &Limits::default(), &mut Vec::new())
    }

    #[rstest]
    #[case("multipart/mixed; boundary=\r\n\t\"abc\"", "multipart/mixed; boundary=\"abc\"")]
    #[case("attachment; filename=\r\n \"a b.txt\"", "attachment; filename=\"a b.txt\"")]
    #[case("attachment; filename=\"a\r\n b.txt\"", "attachment; filename=\"a b.txt\"")]
    #[case("=?utf-8?Q?a?=\r\n =?utf-8?Q?b?=", "=?utf-8?Q?a?= =?utf-8?Q?b?=")]
    #[case("one\r\n\t two\r\n\r\n", "one two")]
    fn folded_values_become_one_line(#[case] value: &str, #[case] want: &str) {
        assert_eq!(unfolded(value), want);
    }

    #[test]
    fn a_field_beyond_the_limit_is_cut_and_told() {
        let mut problems = Vec::new();
        let limits = Limits { header_size: 10, ..Limits::default() };
        assert_eq!(unfold(&[b'a'; 50], None, "X", &limits, &mut problems).len(), 10);
        assert_eq!(problems.len(), 1);
    }
}
