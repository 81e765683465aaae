//! Keys of another system: found in the subject by a regular expression, and their issue by a search in Jira.

use regex::{Regex, RegexBuilder};

/// Bytes that a compiled expression may take.
const PATTERN: usize = 1 << 20;
/// Bytes of a query.
const QUERY: usize = 2 << 10;
/// Letters of a key.
const KEY: usize = 100;
/// What the key stands for in a query.
const NAME: &str = "key";

/// One kind of foreign keys.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// The line at which it begins in the document, from 1.
    pub line: usize,
    /// How its keys look in a subject.
    pub pattern: Regex,
    /// The query that finds their issue.
    pub jql: Jql,
    /// Addresses or domains whose mail counts, in small letters; none: everybody's who is verified.
    pub from: Vec<String>,
}

impl PartialEq for Foreign {
    fn eq(&self, other: &Self) -> bool {
        let of = |one: &Self| (one.line, one.pattern.as_str().to_owned(), one.jql.clone(), one.from.clone());
        of(self) == of(other)
    }
}

impl Eq for Foreign {}

/// A query with a place for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jql(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// The key, within these quotation marks, or within none.
    Key(Option<char>),
}

/// Reads a regular expression.
///
/// # Errors
/// Why it is none, in words.
pub fn pattern(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text).size_limit(PATTERN).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        other => {
            let words = other.to_string();
            words.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    })
}

impl Foreign {
    /// The key that a subject names: what the first group of the expression has caught, else all of it.
    pub fn key(&self, subject: &str) -> Option<String> {
        let found = self.pattern.captures(subject)?;
        let key = found.iter().skip(1).flatten().next().or_else(|| found.get(0))?.as_str().trim();
        // Jira reads wildcards and other signs in a text that `~` looks for: no key has any.
        let is_one = key.starts_with(|c: char| c.is_alphanumeric() || c == '#')
            && key.chars().count() <= KEY
            && key.chars().all(|c| c.is_alphanumeric() || "-_#/.:".contains(c));
        is_one.then(|| key.to_owned())
    }

    /// Whether mail of this address counts.
    pub fn is_from(&self, address: &str) -> bool {
        let address = address.trim().to_lowercase();
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        self.from.is_empty()
            || self.from.iter().any(|one| *one == address || one.trim_start_matches('@') == domain)
    }
}

impl Jql {
    /// Reads a query.
    ///
    /// # Errors
    /// What is wrong with it, and what to write instead.
    pub fn read(text: &str) -> Result<Self, (String, &'static str)> {
        const MEND: &str = "Write `{{ key }}` where the key belongs, as in `cf[10050] ~ \"{{ key }}\"`";
        if text.len() > QUERY {
            return Err((
                format!("the query is {} bytes long; at most {QUERY} are read", text.len()),
                "Make it shorter",
            ));
        }
        let (mut pieces, mut plain, mut quote, mut rest) = (Vec::new(), String::new(), None, text);
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("{{") {
                let Some((name, after)) = after.split_once("}}") else {
                    return Err(("a `{{` is never closed".to_owned(), MEND));
                };
                if name.trim() != NAME {
                    return Err((format!("`{}` is not known in a query", name.trim()), MEND));
                }
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
                pieces.push(Piece::Key(quote));
                rest = after;
                continue;
            }
            plain.push(c);
            rest = &rest[c.len_utf8()..];
            match (quote, c) {
                // What a backslash stands before is none of its own.
                (Some(_), '\\') => {
                    let escaped = rest.chars().next();
                    plain.extend(escaped);
                    rest = &rest[escaped.map_or(0, char::len_utf8)..];
                }
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), c) if c == open => quote = None,
                _ => {}
            }
        }
        pieces.push(Piece::Text(plain));
        if quote.is_some() {
            return Err(("a quotation mark is never closed".to_owned(), "Close it"));
        }
        if !pieces.iter().any(|piece| matches!(piece, Piece::Key(_))) {
            return Err(("the query does not look for the key".to_owned(), MEND));
        }
        Ok(Self(pieces))
    }

    /// The query for a key. Whatever the key is, it stays one text within the query.
    pub fn of(&self, key: &str) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Key(Some(_)) => escape(key, &mut out),
                Piece::Key(None) => {
                    out.push('"');
                    escape(key, &mut out);
                    out.push('"');
                }
            }
        }
        out
    }
}

fn escape(key: &str, out: &mut String) {
    for c in key.chars() {
        match c {
            '"' | '\'' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn foreign(expression: &str, from: &[&str]) -> Foreign {
        Foreign {
            line: 1,
            pattern: pattern(expression).expect("an expression"),
            jql: Jql::read("summary ~ \"{{ key }}\"").expect("a query"),
            from: from.iter().map(|one| (*one).to_owned()).collect(),
        }
    }

    #[test]
    fn a_key_is_found_in_a_subject() {
        let ticket = foreign(r"Ticket#(\d+)|\[INC(\d+)\]", &[]);
        for (subject, key) in [
            ("Re: Ticket#4711 printer", Some("4711")),
            ("[INC0815] printer", Some("0815")),
            ("Ticket# printer", None),
        ] {
            assert_eq!(ticket.key(subject).as_deref(), key, "{subject}");
        }
        assert_eq!(foreign(r"INC\d+", &[]).key("about INC7").as_deref(), Some("INC7"));
        assert_eq!(foreign(".*", &[]).key(&"x".repeat(KEY + 1)), None);
        for (subject, key) in [
            ("a-B_1/2.3:#é", Some("a-B_1/2.3:#é")),
            ("47*", None),
            ("?", None),
            ("a b", None),
            ("x~", None),
            ("-1", None),
        ] {
            assert_eq!(foreign("(?s).*", &[]).key(subject).as_deref(), key, "{subject}");
        }
        assert!(pattern("(").is_err() && pattern(r"(\w{500}){500}").is_err());
    }

    #[test]
    fn a_sender_is_told_by_address_or_domain() {
        let some = foreign("x", &["ticket@a.example", "@b.example", "c.example"]);
        for (address, counts) in [
            ("Ticket@A.example", true),
            ("other@a.example", false),
            ("x@b.example", true),
            ("x@c.example", true),
            ("x@evil-c.example", false),
            ("", false),
        ] {
            assert_eq!(some.is_from(address), counts, "{address}");
        }
    }

    #[test]
    fn what_is_no_query_is_refused() {
        for (text, what) in [
            ("summary ~ \"x\"", "does not look for the key"),
            ("summary ~ \"{{ key }}", "quotation mark is never closed"),
            ("summary ~ {{ subject }}", "`subject` is not known"),
            ("summary ~ {{ key", "never closed"),
        ] {
            let (said, _) = Jql::read(text).expect_err(text);
            assert!(said.contains(what), "{text}: {said}");
        }
        assert!(Jql::read(&format!("{} {{{{ key }}}}", "x".repeat(QUERY))).is_err());
        let jql = Jql::read("cf[1] ~ \"{{ key }}\" OR labels = {{key}} OR text ~ 'a\\'{{ key }}'")
            .expect("a query");
        assert_eq!(jql.of("a\"b"), "cf[1] ~ \"a\\\"b\" OR labels = \"a\\\"b\" OR text ~ 'a\\'a\\\"b'");
    }

    /// The texts of a query, unescaped, and the query without them.
    fn taken_apart(query: &str) -> (Vec<String>, String) {
        let (mut texts, mut frame, mut letters) = (Vec::new(), String::new(), query.chars());
        while let Some(c) = letters.next() {
            frame.push(c);
            if c != '"' && c != '\'' {
                continue;
            }
            let mut text = String::new();
            loop {
                match letters.next().expect("closed") {
                    '\\' => text.extend(letters.next()),
                    end if end == c => break,
                    other => text.push(other),
                }
            }
            texts.push(text);
        }
        (texts, frame)
    }

    proptest! {
        /// Promise: whatever a subject brings in as a key, the query says nothing else than it was written to say.
        #[test]
        fn a_key_stays_within_its_quotation_marks(key in "[\\PC\"'\\\\]{1,40}") {
            let jql = Jql::read("a ~ \"{{ key }}\" AND b = {{ key }} AND c = 'x{{ key }}'").expect("a query");
            let (texts, frame) = taken_apart(&jql.of(&key));
            prop_assert_eq!(texts, vec![key.clone(), key.clone(), format!("x{key}")]);
            prop_assert_eq!(frame, "a ~ \" AND b = \" AND c = '");
        }

        #[test]
        fn any_text_is_a_query_or_refused(text in "\\PC{0,80}") {
            let _ = Jql::read(&text);
        }
    }
}
