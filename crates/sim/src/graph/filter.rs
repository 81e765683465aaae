//! `$filter` and `$orderby`: the part of OData that Outlook resources understand.

use jiff::Timestamp;

/// Longest filter, in bytes.
const LONGEST: usize = 16 * 1024;
/// Deepest nesting.
const DEEPEST: usize = 40;

/// What a property is worth.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Worth {
    Null,
    Bool(bool),
    Number(i64),
    Text(String),
    Time(Timestamp),
}

/// What is filtered: gives the worth of a property (path in lower case) and the pairs of collections.
pub(crate) trait Subject {
    /// `None` when there is no such property.
    fn worth(&self, path: &str) -> Option<Worth>;
    /// The members of a collection, each as (path in lower case, text).
    fn members(&self, path: &str) -> Option<Vec<Vec<(&'static str, String)>>>;
}

/// A filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare {
        path: String,
        order: Order,
        to: Worth,
    },
    Contains {
        how: How,
        path: String,
        text: String,
    },
    Any {
        path: String,
        variable: String,
        inside: Box<Filter>,
    },
    /// A property that is a Boolean itself.
    Holds(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Contains,
    StartsWith,
    EndsWith,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    Comma,
    Colon,
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        match character {
            ' ' | '\t' | '\r' | '\n' => rest = &rest[1..],
            '(' | ')' | ',' | ':' => {
                out.push(match character {
                    '(' => Token::Open,
                    ')' => Token::Close,
                    ',' => Token::Comma,
                    _ => Token::Colon,
                });
                rest = &rest[1..];
            }
            '\'' => {
                let (text, after) = literal(&rest[1..])?;
                out.push(Token::Text(text));
                rest = after;
            }
            _ => {
                // A moment has colons within.
                let is_moment = rest.as_bytes().iter().take(4).all(u8::is_ascii_digit)
                    && rest.as_bytes().get(4) == Some(&b'-');
                let end = rest
                    .find(|c: char| {
                        c.is_whitespace() || matches!(c, '(' | ')' | ',' | '\'') || (c == ':' && !is_moment)
                    })
                    .unwrap_or(rest.len());
                out.push(Token::Word(rest[..end].to_owned()));
                rest = &rest[end..];
            }
        }
    }
    Ok(out)
}

/// A text in quotation marks, two of which stand for one.
fn literal(text: &str) -> Result<(String, &str), String> {
    let mut out = String::new();
    let mut rest = text;
    loop {
        let Some(at) = rest.find('\'') else { return Err("a text has no closing quotation mark".to_owned()) };
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                out.push('\'');
                rest = after;
            }
            None => return Ok((out, rest)),
        }
    }
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Filter {
    /// Reads a filter; the reason when it is none.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err("the filter is too long".to_owned());
        }
        let mut reader = Reader { tokens: tokens(text)?, at: 0 };
        let filter = reader.either(0)?;
        if reader.at < reader.tokens.len() {
            return Err(format!("something follows the filter at its part {}", reader.at + 1));
        }
        Ok(filter)
    }

    /// The properties in the order in which they occur, in lower case.
    pub(crate) fn paths(&self) -> Vec<&str> {
        match self {
            Self::And(one, other) | Self::Or(one, other) => [one.paths(), other.paths()].concat(),
            Self::Not(inside) => inside.paths(),
            Self::Compare { path, .. }
            | Self::Contains { path, .. }
            | Self::Any { path, .. }
            | Self::Holds(path) => {
                vec![path]
            }
        }
    }

    /// Whether the subject is meant; the name of a property that there is not.
    pub(crate) fn matches(&self, subject: &dyn Subject) -> Result<bool, String> {
        let worth = |path: &str| subject.worth(path).ok_or_else(|| path.to_owned());
        match self {
            Self::And(one, other) => Ok(one.matches(subject)? && other.matches(subject)?),
            Self::Or(one, other) => Ok(one.matches(subject)? || other.matches(subject)?),
            Self::Not(inside) => Ok(!inside.matches(subject)?),
            Self::Holds(path) => Ok(worth(path)? == Worth::Bool(true)),
            Self::Compare { path, order, to } => Ok(compare(&worth(path)?, *order, to)),
            Self::Contains { how, path, text } => {
                let Worth::Text(own) = worth(path)? else { return Ok(false) };
                let (own, text) = (own.to_lowercase(), text.to_lowercase());
                Ok(match how {
                    How::Contains => own.contains(&text),
                    How::StartsWith => own.starts_with(&text),
                    How::EndsWith => own.ends_with(&text),
                })
            }
            Self::Any { path, variable, inside } => {
                let members = subject.members(path).ok_or_else(|| path.clone())?;
                for member in members {
                    if inside.matches(&Member { variable, pairs: &member })? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }
}

/// A member of a collection under the name of its variable. Ids and values count letter by letter.
struct Member<'a> {
    variable: &'a str,
    pairs: &'a [(&'static str, String)],
}

impl Subject for Member<'_> {
    fn worth(&self, path: &str) -> Option<Worth> {
        let rest = path.strip_prefix(self.variable)?;
        let name = rest.strip_prefix('/').unwrap_or(rest);
        self.pairs.iter().find(|(own, _)| *own == name).map(|(_, text)| Worth::Text(text.clone()))
    }

    fn members(&self, _path: &str) -> Option<Vec<Vec<(&'static str, String)>>> {
        None
    }
}

fn compare(own: &Worth, order: Order, to: &Worth) -> bool {
    let ordering = match (own, to) {
        (Worth::Null, Worth::Null) => Some(std::cmp::Ordering::Equal),
        (Worth::Bool(own), Worth::Bool(to)) => Some(own.cmp(to)),
        (Worth::Number(own), Worth::Number(to)) => Some(own.cmp(to)),
        (Worth::Text(own), Worth::Text(to)) => Some(own.cmp(to)),
        (Worth::Time(own), Worth::Time(to)) => Some(own.as_second().cmp(&to.as_second())),
        (Worth::Time(own), Worth::Text(to)) => {
            to.parse::<Timestamp>().ok().map(|to| own.as_second().cmp(&to.as_second()))
        }
        _ => None,
    };
    match (order, ordering) {
        (Order::NotEqual, ordering) => ordering.is_none_or(std::cmp::Ordering::is_ne),
        (_, None) => false,
        (Order::Equal, Some(ordering)) => ordering.is_eq(),
        (Order::Greater, Some(ordering)) => ordering.is_gt(),
        (Order::GreaterEqual, Some(ordering)) => ordering.is_ge(),
        (Order::Less, Some(ordering)) => ordering.is_lt(),
        (Order::LessEqual, Some(ordering)) => ordering.is_le(),
    }
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<Token, String> {
        let token = self.peek().cloned().ok_or("the filter ends too early")?;
        self.at += 1;
        Ok(token)
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word));
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, token: &Token) -> Result<(), String> {
        let next = self.next()?;
        if next == *token { Ok(()) } else { Err(format!("{token:?} is expected, not {next:?}")) }
    }

    fn either(&mut self, depth: usize) -> Result<Filter, String> {
        if depth > DEEPEST {
            return Err("the filter is nested too deeply".to_owned());
        }
        let mut filter = self.both(depth)?;
        while self.takes("or") {
            filter = Filter::Or(Box::new(filter), Box::new(self.both(depth)?));
        }
        Ok(filter)
    }

    fn both(&mut self, depth: usize) -> Result<Filter, String> {
        let mut filter = self.one(depth)?;
        while self.takes("and") {
            filter = Filter::And(Box::new(filter), Box::new(self.one(depth)?));
        }
        Ok(filter)
    }

    fn one(&mut self, depth: usize) -> Result<Filter, String> {
        if depth > DEEPEST {
            return Err("the filter is nested too deeply".to_owned());
        }
        if self.takes("not") {
            return Ok(Filter::Not(Box::new(self.one(depth + 1)?)));
        }
        match self.next()? {
            Token::Open => {
                let filter = self.either(depth + 1)?;
                self.expect(&Token::Close)?;
                Ok(filter)
            }
            Token::Word(word) => self.named(&word, depth),
            other => Err(format!("a property is expected, not {other:?}")),
        }
    }

    fn named(&mut self, word: &str, depth: usize) -> Result<Filter, String> {
        let lower = word.to_ascii_lowercase();
        if self.peek() == Some(&Token::Open) {
            self.at += 1;
            if let Some(path) = lower.strip_suffix("/any") {
                let Token::Word(variable) = self.next()? else {
                    return Err("any has no variable".to_owned());
                };
                self.expect(&Token::Colon)?;
                let inside = self.either(depth + 1)?;
                self.expect(&Token::Close)?;
                let variable = variable.to_ascii_lowercase();
                return Ok(Filter::Any { path: path.to_owned(), variable, inside: Box::new(inside) });
            }
            let how = match lower.as_str() {
                "contains" => How::Contains,
                "startswith" => How::StartsWith,
                "endswith" => How::EndsWith,
                _ => return Err(format!("{word} is no function that is known")),
            };
            let Token::Word(path) = self.next()? else { return Err(format!("{word} has no property")) };
            self.expect(&Token::Comma)?;
            let Token::Text(text) = self.next()? else { return Err(format!("{word} has no text")) };
            self.expect(&Token::Close)?;
            // `contains(…) eq true` is the long form.
            if self.takes("eq") && !self.takes("true") {
                return Err(format!("{word} is compared with true only"));
            }
            return Ok(Filter::Contains { how, path: path.to_ascii_lowercase(), text });
        }
        let order = match self.peek() {
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "eq" => Some(Order::Equal),
                "ne" => Some(Order::NotEqual),
                "gt" => Some(Order::Greater),
                "ge" => Some(Order::GreaterEqual),
                "lt" => Some(Order::Less),
                "le" => Some(Order::LessEqual),
                _ => None,
            },
            _ => None,
        };
        let Some(order) = order else { return Ok(Filter::Holds(lower)) };
        self.at += 1;
        let to = match self.next()? {
            Token::Text(text) => Worth::Text(text),
            Token::Word(word) => worth(&word)?,
            other => return Err(format!("a value is expected, not {other:?}")),
        };
        Ok(Filter::Compare { path: lower, order, to })
    }
}

fn worth(word: &str) -> Result<Worth, String> {
    match word.to_ascii_lowercase().as_str() {
        "true" => return Ok(Worth::Bool(true)),
        "false" => return Ok(Worth::Bool(false)),
        "null" => return Ok(Worth::Null),
        _ => {}
    }
    if let Ok(number) = word.parse() {
        return Ok(Worth::Number(number));
    }
    let day = format!("{word}T00:00:00Z");
    word.parse().or_else(|_| day.parse()).map(Worth::Time).map_err(|_| format!("{word} is no value"))
}

/// The properties of `$orderby` with whether they descend.
pub(crate) fn order(text: &str) -> Vec<(String, bool)> {
    text.split(',')
        .map(|part| {
            let mut words = part.split_whitespace();
            let path = words.next().unwrap_or_default().to_ascii_lowercase();
            (path, words.next().is_some_and(|word| word.eq_ignore_ascii_case("desc")))
        })
        .filter(|(path, _)| !path.is_empty())
        .collect()
}

/// Whether a filter may go with an order: the properties of the order come first in the filter.
pub(crate) fn is_efficient(filter: &Filter, order: &[(String, bool)]) -> bool {
    let mut paths = Vec::new();
    for path in filter.paths() {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    order.iter().enumerate().all(|(at, (path, _))| paths.get(at).is_some_and(|own| own == path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Mail;

    impl Subject for Mail {
        fn worth(&self, path: &str) -> Option<Worth> {
            match path {
                "isread" => Some(Worth::Bool(false)),
                "subject" => Some(Worth::Text("It's one".to_owned())),
                "receiveddatetime" => "2026-11-24T10:00:00Z".parse().ok().map(Worth::Time),
                "from/emailaddress/address" => Some(Worth::Text("a@x.example".to_owned())),
                _ => None,
            }
        }

        fn members(&self, path: &str) -> Option<Vec<Vec<(&'static str, String)>>> {
            (path == "singlevalueextendedproperties")
                .then(|| vec![vec![("id", "String {X} Name P".to_owned()), ("value", "7".to_owned())]])
        }
    }

    /// The filters that clients send.
    #[test]
    fn filters_match() {
        for (filter, expected) in [
            ("isRead eq false", true),
            ("isRead ne false", false),
            ("subject eq 'It''s one' and isRead eq false", true),
            ("receivedDateTime ge 2026-11-24T10:00:00Z", true),
            ("receivedDateTime gt 2026-11-24T10:00:00Z or not (isRead eq true)", true),
            ("receivedDateTime lt 2026-11-24", false),
            ("startswith(subject,'it')", true),
            ("contains(subject, 'two')", false),
            ("from/emailAddress/address eq 'a@x.example'", true),
            ("singleValueExtendedProperties/Any(ep: ep/id eq 'String {X} Name P' and ep/value eq '7')", true),
            (
                "singleValueExtendedProperties/Any(ep: ep/id eq 'String {x} Name P' and ep/value eq '7')",
                false,
            ),
        ] {
            let read = Filter::read(filter).expect(filter);
            assert_eq!(read.matches(&Mail), Ok(expected), "{filter}");
        }
        assert_eq!(Filter::read("nothing eq 1").expect("a filter").matches(&Mail), Err("nothing".to_owned()));
        for wrong in
            ["", "isRead eq", "(isRead eq true", "subject eq 'x", "isRead eq true true", "f(subject,'x')"]
        {
            assert!(Filter::read(wrong).is_err(), "{wrong}");
        }
    }

    /// With an order, its properties must lead the filter.
    #[test]
    fn an_order_must_lead_the_filter() {
        let efficient = |filter, by| is_efficient(&Filter::read(filter).expect("a filter"), &order(by));
        assert!(efficient(
            "receivedDateTime ge 2026-01-01T00:00:00Z and isRead eq false",
            "receivedDateTime desc"
        ));
        assert!(!efficient("isRead eq false", "receivedDateTime desc"));
        assert!(!efficient(
            "isRead eq false and receivedDateTime ge 2026-01-01T00:00:00Z",
            "receivedDateTime desc"
        ));
    }

    proptest! {
        /// No text makes it panic, however deep.
        #[test]
        fn any_text_is_read_or_refused(text in "(isRead|eq|and|or|not|\\(|\\)|'|[a-zé]|[0-9]|:|,| ){0,60}") {
            let _ = Filter::read(&text).map(|filter| filter.matches(&Mail));
        }
    }

    /// Depth is bounded.
    #[test]
    fn deep_filters_are_refused() {
        let deep = format!("{}isRead eq true{}", "(".repeat(5_000), ")".repeat(5_000));
        assert!(Filter::read(&deep).is_err());
        assert!(Filter::read(&"not ".repeat(2_000)).is_err());
    }
}
