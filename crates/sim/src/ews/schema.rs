//! The schema of requests, as far as the operations here go: which elements, in which order, with which attributes.
//!
//! Exchange validates every request against its schema before it looks at anything else, and refuses a breach with
//! `ErrorSchemaValidation`. The rules below are written in a line for each type:
//! `Type @Attribute!kind @Attribute?kind = Element:Type Other:Type? (One:Type|Two:Type)+`. Elements come in this order;
//! `?` may be left out, `*` and `+` may come several times; kinds in lower case are texts. The children of an operation
//! are in the namespace of messages, all others in that of types.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::xml::{Node, Ns};

const RULES: &str = include_str!("schema.txt");

/// How often something may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Often {
    Once,
    Optional,
    Any,
    Some,
}

#[derive(Debug)]
struct Part {
    choices: Vec<(&'static str, &'static str)>,
    often: Often,
}

#[derive(Debug)]
struct Attribute {
    name: &'static str,
    needed: bool,
    kind: &'static str,
}

#[derive(Debug, Default)]
struct Rule {
    attributes: Vec<Attribute>,
    parts: Vec<Part>,
    /// The kind of its text, when it has no elements.
    text: Option<&'static str>,
}

static TYPES: LazyLock<HashMap<&'static str, Rule>> = LazyLock::new(|| {
    let lines = RULES.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    lines.filter_map(rule).collect()
});

/// Lists of elements that stand for one another.
fn group(name: &str) -> Option<&'static [(&'static str, &'static str)]> {
    const PATH: &[(&str, &str)] = &[
        ("FieldURI", "FieldURI"),
        ("IndexedFieldURI", "IndexedFieldURI"),
        ("ExtendedFieldURI", "ExtendedFieldURI"),
        ("ExceptionFieldURI", "any"),
    ];
    const SEARCH: &[(&str, &str)] = &[
        ("And", "Several"),
        ("Or", "Several"),
        ("Not", "Not"),
        ("IsEqualTo", "Comparison"),
        ("IsNotEqualTo", "Comparison"),
        ("IsGreaterThan", "Comparison"),
        ("IsGreaterThanOrEqualTo", "Comparison"),
        ("IsLessThan", "Comparison"),
        ("IsLessThanOrEqualTo", "Comparison"),
        ("Contains", "Contains"),
        ("Exists", "Exists"),
        ("Excludes", "Excludes"),
    ];
    const ITEM: &[(&str, &str)] = &[
        ("Item", "Message"),
        ("Message", "Message"),
        ("SharingMessage", "any"),
        ("CalendarItem", "any"),
        ("Contact", "any"),
        ("DistributionList", "any"),
        ("MeetingMessage", "any"),
        ("MeetingRequest", "any"),
        ("MeetingResponse", "any"),
        ("MeetingCancellation", "any"),
        ("Task", "any"),
        ("PostItem", "any"),
        ("ReplyToItem", "any"),
        ("ForwardItem", "any"),
        ("ReplyAllToItem", "any"),
        ("SuppressReadReceipt", "any"),
    ];
    match name {
        "%Path" => Some(PATH),
        "%Search" => Some(SEARCH),
        "%Item" => Some(ITEM),
        _ => None,
    }
}

fn often(text: &'static str) -> (&'static str, Often) {
    for (end, often) in [('?', Often::Optional), ('*', Often::Any), ('+', Often::Some)] {
        if let Some(rest) = text.strip_suffix(end) {
            return (rest, often);
        }
    }
    (text, Often::Once)
}

/// Reads a line. A line that is wrong here is found by a test.
fn rule(line: &'static str) -> Option<(&'static str, Rule)> {
    let (head, tail) = line.split_once('=')?;
    let mut words = head.split_whitespace();
    let name = words.next()?;
    let mut rule = Rule::default();
    for word in words {
        let at = word.find(['!', '?'])?;
        let needed = word[at..].starts_with('!');
        rule.attributes.push(Attribute { name: word[1..at].trim(), needed, kind: &word[at + 1..] });
    }
    for word in tail.split_whitespace() {
        let (word, often) = often(word);
        if let Some(choices) = group(word) {
            rule.parts.push(Part { choices: choices.to_vec(), often });
        } else if let Some(inside) = word.strip_prefix('(').and_then(|word| word.strip_suffix(')')) {
            let mut choices = Vec::new();
            for one in inside.split('|') {
                choices.push(one.split_once(':')?);
            }
            rule.parts.push(Part { choices, often });
        } else if let Some(choice) = word.split_once(':') {
            rule.parts.push(Part { choices: vec![choice], often });
        } else {
            rule.text = Some(word);
        }
    }
    Some((name, rule))
}

/// A breach of the schema: what, and where in the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    pub(crate) what: String,
    pub(crate) at: usize,
}

/// Whether this operation is among those that are served.
pub(crate) fn is_served(operation: &str) -> bool {
    TYPES.contains_key(format!("m:{operation}").as_str())
}

/// Checks an operation's element.
pub(crate) fn check(operation: &Node) -> Result<(), Breach> {
    match TYPES.get(format!("m:{}", operation.name).as_str()) {
        Some(rule) => check_element(operation, rule, Ns::Messages),
        None => Ok(()),
    }
}

/// The last of the folders' names, in the order of the schema, that an Exchange server of one's own knows.
const LAST_OF_OWN_SERVERS: &str = "favorites";

/// Checks the names of folders against the shorter list that Exchange servers of one's own have.
pub(crate) fn check_for_own_server(operation: &Node) -> Result<(), Breach> {
    let id = operation.attribute("Id").filter(|_| operation.name == "DistinguishedFolderId");
    let all = TYPES.get("DistinguishedFolderId").and_then(|rule| rule.attributes.first());
    if let (Some(id), Some(all)) = (id, all.and_then(|known| known.kind.strip_prefix("one:"))) {
        let at = |name: &str| all.split(',').position(|known| known == name);
        if at(id) > at(LAST_OF_OWN_SERVERS) {
            let what = format!(
                "The 'Id' attribute is invalid - The value '{id}' is invalid - it is not in the list of 'DistinguishedFolderIdNameType'."
            );
            return Err(Breach { what, at: operation.at });
        }
    }
    operation.children.iter().try_for_each(check_for_own_server)
}

/// Checks an element of the header.
pub(crate) fn check_header(header: &Node) -> Result<(), Breach> {
    match TYPES.get(format!("h:{}", header.name).as_str()) {
        Some(rule) => check_element(header, rule, Ns::Types),
        None => Ok(()),
    }
}

fn check_element(node: &Node, rule: &Rule, children: Ns) -> Result<(), Breach> {
    let breach = |what: String| Breach { what, at: node.at };
    for (name, value) in &node.attributes {
        let Some(known) = rule.attributes.iter().find(|known| known.name == name) else {
            return Err(breach(format!("The '{name}' attribute is not declared.")));
        };
        check_text(known.kind, value).map_err(|reason| {
            breach(format!("The '{name}' attribute is invalid - The value '{value}' is invalid - {reason}"))
        })?;
    }
    for known in rule.attributes.iter().filter(|known| known.needed) {
        if node.attribute(known.name).is_none() {
            return Err(breach(format!("The required attribute '{}' is missing.", known.name)));
        }
    }
    if let Some(kind) = rule.text {
        return check_leaf(node, kind);
    }
    if !node.text.trim().is_empty() {
        return Err(breach(format!(
            "The element '{}' in namespace '{}' cannot contain text.",
            node.name,
            node.ns.uri()
        )));
    }
    let mut at = 0;
    for part in &rule.parts {
        let mut count = 0;
        while let Some(child) = node.children.get(at) {
            let Some((_, kind)) =
                part.choices.iter().find(|(name, _)| child.ns == children && child.name == *name)
            else {
                break;
            };
            check_kind(child, kind)?;
            at += 1;
            count += 1;
            if matches!(part.often, Often::Once | Often::Optional) {
                break;
            }
        }
        if count == 0 && matches!(part.often, Often::Once | Often::Some) {
            return Err(expected(node, node.children.get(at), part, children));
        }
    }
    match node.children.get(at) {
        None => Ok(()),
        Some(child) => Err(Breach {
            what: format!(
                "The element '{}' in namespace '{}' has invalid child element '{}' in namespace '{}'.",
                node.name,
                node.ns.uri(),
                child.name,
                child.ns.uri()
            ),
            at: child.at,
        }),
    }
}

fn expected(node: &Node, found: Option<&Node>, part: &Part, ns: Ns) -> Breach {
    let names: Vec<String> =
        part.choices.iter().map(|(name, _)| format!("'{name}' in namespace '{}'", ns.uri())).collect();
    let begin = match found {
        Some(child) => {
            format!("has invalid child element '{}' in namespace '{}'", child.name, child.ns.uri())
        }
        None => "has incomplete content".to_owned(),
    };
    Breach {
        what: format!(
            "The element '{}' in namespace '{}' {begin}. List of possible elements expected: {}.",
            node.name,
            node.ns.uri(),
            names.join(", ")
        ),
        at: found.map_or(node.at, |child| child.at),
    }
}

fn check_kind(node: &Node, kind: &str) -> Result<(), Breach> {
    if kind == "any" {
        return Ok(());
    }
    match TYPES.get(kind) {
        Some(rule) => check_element(node, rule, Ns::Types),
        None if node.attributes.is_empty() => check_leaf(node, kind),
        None => Err(Breach {
            what: format!("The '{}' attribute is not declared.", node.attributes[0].0),
            at: node.at,
        }),
    }
}

fn check_leaf(node: &Node, kind: &str) -> Result<(), Breach> {
    if let Some(child) = node.children.first() {
        return Err(Breach {
            what: format!(
                "The element '{}' in namespace '{}' cannot contain child element '{}' because the parent element's content model is text only.",
                node.name,
                node.ns.uri(),
                child.name
            ),
            at: child.at,
        });
    }
    check_text(kind, &node.text).map_err(|reason| Breach {
        what: format!(
            "The '{}' element is invalid - The value '{}' is invalid according to its datatype - {reason}",
            node.name,
            node.text.chars().take(100).collect::<String>()
        ),
        at: node.at,
    })
}

/// Whether a text is of a kind.
fn check_text(kind: &str, text: &str) -> Result<(), String> {
    let trimmed = text.trim();
    let is_right = match kind {
        "text" => true,
        "filled" => !text.is_empty(),
        "bool" => matches!(trimmed, "true" | "false" | "1" | "0"),
        "int" => trimmed.parse::<i32>().is_ok(),
        "changes" => trimmed.parse::<i32>().is_ok_and(|number| (1..=512).contains(&number)),
        "time" => super::moment(trimmed).is_some(),
        "tag" => trimmed
            .strip_prefix("0x")
            .or_else(|| trimmed.strip_prefix("0X"))
            .is_some_and(|hex| (1..=4).contains(&hex.len()) && hex.bytes().all(|b| b.is_ascii_hexdigit())),
        "guid" => trimmed.len() == 36 && uuid::Uuid::parse_str(trimmed).is_ok(),
        "base64" => trimmed.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || matches!(byte, b'+' | b'/' | b'=')
        }),
        "uri" => super::shape::is_field(trimmed),
        list => match list.strip_prefix("one:") {
            Some(values) => values.split(',').any(|value| value == trimmed),
            None => false,
        },
    };
    if is_right { Ok(()) } else { Err(reason(kind).to_owned()) }
}

fn reason(kind: &str) -> &'static str {
    match kind {
        "bool" => "The string is not a valid Boolean value.",
        "int" => "The string is not a valid Int32 value.",
        "changes" => "It is not between 1 and 512.",
        "time" => "The string is not a valid XsdDateTime value.",
        "filled" => "The actual length is less than the MinLength value.",
        "tag" | "guid" => "The Pattern constraint failed.",
        "base64" => "The string is not a valid base64 value.",
        _ => "The Enumeration constraint failed.",
    }
}

#[cfg(test)]
mod tests {
    use super::super::xml;
    use super::*;

    fn checked(operation: &str) -> Result<(), Breach> {
        let text = operation.replacen(
            ' ',
            &format!(" xmlns:m=\"{}\" xmlns:t=\"{}\" ", xml::MESSAGES, xml::TYPES),
            1,
        );
        check(&xml::read(text.as_bytes()).expect("is XML"))
    }

    /// Every line is a rule, and every type that is named is there.
    #[test]
    fn the_rules_are_whole() {
        let lines = RULES.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).count();
        assert_eq!(TYPES.len(), lines, "a line is wrong or comes twice");
        let simple =
            |kind: &str| kind == "any" || kind.starts_with("one:") || kind.starts_with(char::is_lowercase);
        for (name, rule) in TYPES.iter() {
            for (_, kind) in rule.parts.iter().flat_map(|part| &part.choices) {
                assert!(simple(kind) || TYPES.contains_key(kind), "{name} names {kind}");
            }
            for kind in rule.attributes.iter().map(|attribute| attribute.kind).chain(rule.text) {
                assert!(simple(kind), "{name} has an attribute or text of the kind {kind}");
            }
        }
    }

    /// Order, what is missing, what is too much, and values.
    #[test]
    fn breaches_are_found() {
        let shape = "<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>";
        let ids = "<m:ItemIds><t:ItemId Id=\"x\"/></m:ItemIds>";
        assert_eq!(checked(&format!("<m:GetItem >{shape}{ids}</m:GetItem>")), Ok(()));
        for wrong in [
            format!("<m:GetItem >{ids}{shape}</m:GetItem>"),
            format!("<m:GetItem >{shape}</m:GetItem>"),
            format!("<m:GetItem >{shape}{ids}{ids}</m:GetItem>"),
            format!("<m:GetItem Traversal=\"Shallow\">{shape}{ids}</m:GetItem>"),
            format!("<m:GetItem >{shape}<m:ItemIds/></m:GetItem>"),
            format!("<m:GetItem >{shape}{}</m:GetItem>", ids.replace("t:", "m:")),
            format!("<m:GetItem >{}{ids}</m:GetItem>", shape.replace("IdOnly", "Everything")),
            format!("<m:GetItem >{shape}<m:ItemIds><t:ItemId/></m:ItemIds></m:GetItem>"),
        ] {
            assert!(checked(&wrong).is_err(), "{wrong}");
        }
    }
}
