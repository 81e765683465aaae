//! What a `Received` field says of a hop: which server took the mail, and from which address.

use std::net::IpAddr;

/// Most letters read of a field.
const MAX_FIELD: usize = 4_000;

/// A hop.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Received {
    /// The server that took the mail, in lower case.
    pub(super) by: Option<String>,
    /// The address it took it from, as it saw it: in brackets behind the name that the other side gave.
    pub(super) address: Option<IpAddr>,
    /// Whether it says at all from where: a server that hands mail on within itself does not.
    pub(super) has_from: bool,
}

impl Received {
    pub(super) fn parse(value: &str) -> Self {
        let mut hop = Self::default();
        let mut depth = 0_usize;
        let mut word = String::new();
        let mut takes_by = false;
        // What stands behind `from` is the name that the other side gave, whatever word it is.
        let mut takes_name = false;
        let mut is_first = true;
        let mut chars = value.chars().take(MAX_FIELD).chain([' ']);
        let mut comment = String::new();
        while let Some(c) = chars.next() {
            match c {
                '\\' if depth > 0 => {
                    chars.next();
                }
                '(' => {
                    depth += 1;
                    if depth == 1 {
                        comment.clear();
                    } else {
                        comment.push(' ');
                    }
                }
                ')' if depth > 0 => {
                    depth -= 1;
                    // The last address in brackets before `by`: what stands further ahead may be the other side's own words.
                    if depth == 0 && !takes_by {
                        hop.address = address_in(&comment).or(hop.address);
                    }
                }
                // What stands in a comment within a comment is nobody's address.
                c if depth == 1 => comment.push(c),
                _ if depth > 1 => {}
                c if c.is_whitespace() || c == ';' => {
                    if takes_by && !word.is_empty() {
                        hop.by = Some(word.trim_end_matches('.').to_lowercase());
                        return hop;
                    }
                    if !word.is_empty() {
                        if takes_name {
                            takes_name = false;
                        } else if is_first && word.eq_ignore_ascii_case("from") {
                            (takes_name, hop.has_from) = (true, true);
                        } else {
                            takes_by |= word.eq_ignore_ascii_case("by");
                        }
                        is_first = false;
                    }
                    word.clear();
                    if c == ';' {
                        return hop;
                    }
                }
                c => word.push(c),
            }
        }
        hop
    }

    /// Whether one of Exchange Online's servers took it.
    pub(super) fn is_of_exchange_online(&self) -> bool {
        let Some(host) = &self.by else { return false };
        let labels: Vec<&str> = host.rsplit('.').collect();
        // `….PROD.OUTLOOK.COM`, `….mail.protection.outlook.com`, and the same of the national clouds.
        matches!(
            labels.as_slice(),
            [_, "outlook", _, ..] | ["us", "office365", _, ..] | ["mil", "apps", _, ..]
        )
    }
}

/// The address in a comment: one in square brackets before all others. What the other side called itself (`helo=…`, `HELO …`) is
/// none, nor is anything that has a name before it or a person.
fn address_in(comment: &str) -> Option<IpAddr> {
    let mut is_called = false;
    let mut plain = None;
    for word in comment.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';')) {
        if word.is_empty() {
            continue;
        }
        let names_it = word.eq_ignore_ascii_case("helo") || word.eq_ignore_ascii_case("ehlo");
        let is_other = std::mem::replace(&mut is_called, names_it) || names_it || word.contains(['=', '@']);
        if is_other {
            continue;
        }
        let inner = word.strip_prefix('[').and_then(|word| word.split_once(']')).map(|(inner, _)| inner);
        let text = inner.unwrap_or(word);
        let bare = match text.get(..5) {
            Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => &text[5..],
            _ => text,
        };
        let Ok(address) = bare.parse::<IpAddr>() else { continue };
        if inner.is_some() {
            return Some(address);
        }
        plain = plain.or(Some(address));
    }
    plain
}

/// Whether an address is of no open network.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => {
            v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "from AM0PR01.eurprd01.prod.outlook.com (2603:10a6:208::14) by DB8PR01.eurprd01.prod.outlook.com with HTTPS; Tue, 24 Nov 2026 09:31:00 +0000",
        Some("db8pr01.eurprd01.prod.outlook.com"),
        Some("2603:10a6:208::14"),
        true
    )]
    #[case(
        "from mail.example.org (192.0.2.25) by AM7EUR03FT032.mail.protection.outlook.com (10.152.16.3) with Microsoft SMTP Server",
        Some("am7eur03ft032.mail.protection.outlook.com"),
        Some("192.0.2.25"),
        true
    )]
    #[case(
        "from x (HELO 203.0.113.9) ([192.0.2.66]) by mx.evil.example (Postfix); x",
        Some("mx.evil.example"),
        Some("192.0.2.66"),
        false
    )]
    #[case::called_by(
        "from by (192.0.2.66) by edge.contoso.test; x",
        Some("edge.contoso.test"),
        Some("192.0.2.66"),
        false
    )]
    #[case::called_from(
        "from from (192.0.2.66) by edge.contoso.test; x",
        Some("edge.contoso.test"),
        Some("192.0.2.66"),
        false
    )]
    #[case::nested(
        "from x (x.example [192.0.2.66] (may be forged)) by b.test; x",
        Some("b.test"),
        Some("192.0.2.66"),
        false
    )]
    #[case::nested_words(
        "from x ([192.0.2.66] (203.0.113.9)) by b.test; x",
        Some("b.test"),
        Some("192.0.2.66"),
        false
    )]
    #[case::helo(
        "from x (192.0.2.66 helo=203.0.113.9) by b.test; x",
        Some("b.test"),
        Some("192.0.2.66"),
        false
    )]
    #[case::helo_alone(
        "from x (192.0.2.66) (EHLO [203.0.113.9]) by b.test; x",
        Some("b.test"),
        Some("192.0.2.66"),
        false
    )]
    #[case::ipv6("from x ([IPv6:2001:db8::1]) by b.test; x", Some("b.test"), Some("2001:db8::1"), false)]
    #[case("by 2002:a05:6102 with SMTP id a6", Some("2002:a05:6102"), None, false)]
    #[case("from a by outlook.com; x", Some("outlook.com"), None, false)]
    #[case("from a by mail.outlook.com.evil.example; x", Some("mail.outlook.com.evil.example"), None, false)]
    #[case("from (by b.outlook.com", None, None, false)]
    #[case("", None, None, false)]
    fn hops_are_read(
        #[case] value: &str,
        #[case] by: Option<&str>,
        #[case] address: Option<&str>,
        #[case] exchange: bool,
    ) {
        let hop = Received::parse(value);
        assert_eq!(hop.by.as_deref(), by);
        assert_eq!(hop.address, address.map(|address| address.parse().unwrap()));
        assert_eq!(hop.is_of_exchange_online(), exchange);
    }
}
