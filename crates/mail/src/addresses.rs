//! Address lists in header fields, and addresses that a mailbox API names.

use mail_parser::parsers::MessageStream;
use mail_parser::{Addr, HeaderValue};

use crate::guard::guarded;
use crate::words;
use crate::{Address, Problem};

/// Most addresses read from one message field.
pub(crate) const MAX_ADDRESSES: usize = 2_000;
/// Longest address and longest display name, in bytes and characters.
const MAX_LENGTH: usize = 512;

impl Address {
    /// An address as a mailbox API names it. `None` where there is neither an address nor a name.
    ///
    /// A name that is empty or only repeats the address is no name: Exchange fills in the address where the mail had
    /// none. A single word without an address is the address, as the mail wrote it.
    pub fn new(name: Option<&str>, address: &str) -> Option<Self> {
        let address: String =
            words::one_line(address).trim_matches(['<', '>', ' ']).chars().take(MAX_LENGTH).collect();
        let name =
            name.map(clean_name).filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(&address));
        match name {
            None if address.is_empty() => None,
            // `MAILER-DAEMON`: Exchange tells a word without a domain as a name.
            Some(word) if address.is_empty() && !word.contains(' ') => {
                Some(Self { name: None, address: word })
            }
            name => Some(Self { name, address }),
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => f.write_str(&self.address),
        }
    }
}

fn clean_name(name: &str) -> String {
    let name = words::unstructured(name);
    let mut name = name.as_str();
    // `'Anna'` and `"Anna"`: quotes that a mailer put around the whole name.
    for quote in ['"', '\''] {
        if name.len() > 1 && name.starts_with(quote) && name.ends_with(quote) {
            name = name[1..name.len() - 1].trim();
        }
    }
    name.chars().take(MAX_LENGTH).collect()
}

/// The addresses of a field such as `To`; groups are flattened. `value` is the field's raw, unfolded text.
pub(crate) fn parse(field: &str, value: &str, problems: &mut Vec<Problem>) -> Vec<Address> {
    // The reader stops at a line feed, which an unfolded value does not have.
    let line = format!("{value}\n");
    let parsed = guarded(|| MessageStream::new(line.as_bytes()).parse_address()).unwrap_or_else(|_| {
        problems.push(Problem::new(format!("header {field}"), "its addresses could not be read"));
        HeaderValue::Empty
    });
    let mut out = Vec::new();
    match &parsed {
        HeaderValue::Address(mail_parser::Address::List(list)) => collect(list, &mut out),
        HeaderValue::Address(mail_parser::Address::Group(groups)) => {
            for group in groups {
                collect(&group.addresses, &mut out);
            }
        }
        _ => {}
    }
    if out.len() > MAX_ADDRESSES {
        problems.push(Problem::new(
            format!("header {field}"),
            format!("it names {} addresses; only the first {MAX_ADDRESSES} were read", out.len()),
        ));
        out.truncate(MAX_ADDRESSES);
    }
    out
}

fn collect(list: &[Addr<'_>], out: &mut Vec<Address>) {
    for one in list {
        let address = one.address.as_deref().unwrap_or_default();
        let name = one.name.as_deref();
        // A lone word without `@` is read as a name; mail from `root` or `MAILER-DAEMON` has no more than that.
        let read = match (name, address) {
            (Some(name), "") if !name.trim().is_empty() && !name.trim().contains(char::is_whitespace) => {
                Address::new(None, name)
            }
            _ => Address::new(name, address),
        };
        out.extend(read);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn read(value: &str) -> Vec<String> {
        parse("To", value, &mut Vec::new()).iter().map(ToString::to_string).collect()
    }

    #[rstest]
    #[case("a@x.example", &["a@x.example"])]
    #[case("Anna <a@x.example>, \"B, Bob\" <b@x.example>", &["Anna <a@x.example>", "B, Bob <b@x.example>"])]
    #[case("=?utf-8?Q?J=C3=BCrgen?= <j@x.example>", &["Jürgen <j@x.example>"])]
    #[case("=?utf-8?Q?M=C3=BCller=2C_J?= <j@x.example>", &["Müller, J <j@x.example>"])]
    #[case("a@x.example (Anna)", &["Anna <a@x.example>"])]
    #[case("team: a@x.example, b@x.example;", &["a@x.example", "b@x.example"])]
    #[case("\"a@x.example\" <a@x.example>", &["a@x.example"])]
    #[case("'Anna' <a@x.example>", &["Anna <a@x.example>"])]
    #[case("undisclosed-recipients:;", &[])]
    #[case("MAILER-DAEMON", &["MAILER-DAEMON"])]
    #[case("", &[])]
    fn addresses_are_read(#[case] value: &str, #[case] want: &[&str]) {
        assert_eq!(read(value), want);
    }

    #[test]
    fn too_many_addresses_are_cut_and_told() {
        let value: String = (0..3_000).map(|n| format!("a{n}@x.example, ")).collect::<Vec<_>>().concat();
        let mut problems = Vec::new();
        assert_eq!(parse("To", &value, &mut problems).len(), MAX_ADDRESSES);
        assert_eq!(problems.len(), 1);
    }

    proptest! {
        #[test]
        fn any_field_gives_clean_addresses(value in any::<String>()) {
            for address in parse("To", &words::one_line(&value), &mut Vec::new()) {
                prop_assert!(!address.address.chars().any(char::is_control));
                prop_assert!(address.name.iter().all(|n| !n.is_empty() && !n.chars().any(char::is_control)));
                prop_assert!(!address.address.is_empty() || address.name.is_some());
            }
        }
    }
}
