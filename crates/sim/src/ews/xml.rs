//! XML in and out: requests become a small tree with namespaces resolved, answers are written as text.
//!
//! What comes in is bounded in size, depth and number of elements; a document type declaration is refused, so that no
//! entity can be defined.

use quick_xml::NsReader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, PrefixDeclaration, ResolveResult};

/// The namespace of SOAP 1.1 envelopes.
pub(crate) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// The namespace of EWS types.
pub(crate) const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
/// The namespace of EWS messages.
pub(crate) const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";
/// The namespace of the details of faults.
pub(crate) const ERRORS: &str = "http://schemas.microsoft.com/exchange/services/2006/errors";

const DEEPEST: usize = 64;
const MOST_ELEMENTS: usize = 100_000;
const MOST_ATTRIBUTES: usize = 32;

/// A namespace that EWS knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ns {
    Soap,
    Types,
    Messages,
    Other,
}

impl Ns {
    fn of(uri: &str) -> Self {
        match uri {
            SOAP => Self::Soap,
            TYPES => Self::Types,
            MESSAGES => Self::Messages,
            _ => Self::Other,
        }
    }

    /// Its address, for messages.
    pub(crate) fn uri(self) -> &'static str {
        match self {
            Self::Soap => SOAP,
            Self::Types => TYPES,
            Self::Messages => MESSAGES,
            Self::Other => "",
        }
    }
}

/// An element.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) ns: Ns,
    pub(crate) name: String,
    /// Attributes without a namespace.
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Node>,
    pub(crate) text: String,
    /// Where it begins in the bytes.
    pub(crate) at: usize,
}

/// Why bytes are no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Unreadable {
    pub(crate) what: String,
    pub(crate) at: usize,
}

impl Node {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The first child of this name, in the namespace of messages or types.
    pub(crate) fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.name == name && child.is_known())
    }

    pub(crate) fn is(&self, ns: Ns, name: &str) -> bool {
        self.ns == ns && self.name == name
    }

    fn is_known(&self) -> bool {
        matches!(self.ns, Ns::Types | Ns::Messages)
    }

    /// The text of a child, trimmed.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }

    /// An `xs:boolean` child.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.text_of(name).map(|text| matches!(text, "true" | "1"))
    }
}

/// Reads a document.
pub(crate) fn read(bytes: &[u8]) -> Result<Node, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|error| Unreadable {
        what: "the request is not UTF-8".to_owned(),
        at: error.valid_up_to(),
    })?;
    let mut reader = NsReader::from_str(text.trim_start_matches('\u{feff}'));
    reader.config_mut().check_end_names = true;
    let mut open: Vec<Node> = Vec::new();
    let mut root: Option<Node> = None;
    let mut elements = 0_usize;
    loop {
        let at = place(&reader);
        let fail = |what: String| Unreadable { what, at };
        let event = reader.read_event().map_err(|error| fail(error.to_string()))?;
        match event {
            Event::Start(start) => {
                elements += 1;
                if open.len() >= DEEPEST || elements > MOST_ELEMENTS {
                    return Err(fail("the request has too many elements".to_owned()));
                }
                if root.is_some() {
                    return Err(fail("there are multiple root elements".to_owned()));
                }
                let node = element(&reader, &start, at)?;
                open.push(node);
            }
            Event::Empty(start) => {
                elements += 1;
                if elements > MOST_ELEMENTS {
                    return Err(fail("the request has too many elements".to_owned()));
                }
                let node = element(&reader, &start, at)?;
                close(node, &mut open, &mut root).map_err(fail)?;
            }
            Event::End(_) => {
                let node = open.pop().ok_or_else(|| fail("an end tag has no start".to_owned()))?;
                close(node, &mut open, &mut root).map_err(fail)?;
            }
            Event::Text(text) => {
                push(&mut open, &text.xml10_content()).map_err(fail)?;
            }
            Event::CData(data) => {
                push(&mut open, &data.xml10_content()).map_err(fail)?;
            }
            Event::GeneralRef(reference) => {
                let text = resolved(&reference).map_err(fail)?;
                push(&mut open, &text).map_err(fail)?;
            }
            Event::DocType(_) => {
                return Err(fail("for security reasons DTD is prohibited in this XML document".to_owned()));
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    if let Some(left) = open.last() {
        return Err(Unreadable {
            what: format!("the element '{}' has no end tag", left.name),
            at: bytes.len(),
        });
    }
    root.ok_or(Unreadable { what: "the root element is missing".to_owned(), at: 0 })
}

fn place(reader: &NsReader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn push(open: &mut [Node], text: &str) -> Result<(), String> {
    match open.last_mut() {
        Some(node) => node.text.push_str(text),
        None if text.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']).is_empty() => {}
        None => return Err("text outside the root element".to_owned()),
    }
    Ok(())
}

fn close(node: Node, open: &mut [Node], root: &mut Option<Node>) -> Result<(), String> {
    match open.last_mut() {
        Some(parent) => parent.children.push(node),
        None if root.is_none() => *root = Some(node),
        None => return Err("there are multiple root elements".to_owned()),
    }
    Ok(())
}

fn resolved(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(character.to_string());
    }
    let name = reference.xml10_content();
    resolve_predefined_entity(&name)
        .map(str::to_owned)
        .ok_or_else(|| format!("reference to undeclared entity '{name}'"))
}

fn element(reader: &NsReader<&[u8]>, start: &BytesStart<'_>, at: usize) -> Result<Node, Unreadable> {
    let fail = |what: String| Unreadable { what, at };
    let (resolution, local) = reader.resolver().resolve_element(start.name());
    let ns = match resolution {
        ResolveResult::Bound(Namespace(uri)) => Ns::of(uri),
        ResolveResult::Unbound => Ns::Other,
        ResolveResult::Unknown(prefix) => {
            return Err(fail(format!("'{prefix}' is an undeclared prefix")));
        }
    };
    let name = local.into_inner().to_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| fail(error.to_string()))?;
        if matches!(
            attribute.key.as_namespace_binding(),
            Some(PrefixDeclaration::Default | PrefixDeclaration::Named(_))
        ) {
            continue;
        }
        if attribute.key.prefix().is_some() {
            continue;
        }
        if attributes.len() >= MOST_ATTRIBUTES {
            return Err(fail("an element has too many attributes".to_owned()));
        }
        let key = attribute.key.into_inner().to_owned();
        let value =
            attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| fail(error.to_string()))?;
        attributes.push((key, value.into_owned()));
    }
    Ok(Node { ns, name, attributes, children: Vec::new(), text: String::new(), at })
}

/// Text as it can stand in an element or an attribute. Characters that XML has no way to write are left out.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            '\t' | '\n' => out.push(character),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            other => out.push(other),
        }
    }
    out
}

/// An element of the types namespace with text.
pub(crate) fn element_of(name: &str, text: &str) -> String {
    format!("<t:{name}>{}</t:{name}>", escape(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Prefixes do not matter, addresses do.
    #[test]
    fn namespaces_count_by_their_address() {
        let one =
            format!("<a:GetItem xmlns:a=\"{MESSAGES}\"><b:X xmlns:b=\"{TYPES}\" Id='1&amp;2'/></a:GetItem>");
        let node = read(one.as_bytes()).expect("is XML");
        assert!(node.is(Ns::Messages, "GetItem") && node.children[0].is(Ns::Types, "X"));
        assert_eq!(node.children[0].attribute("Id"), Some("1&2"));
        let other =
            read(format!("<GetItem xmlns=\"{MESSAGES}\"><t:X xmlns:t=\"urn:t\"/></GetItem>").as_bytes());
        assert!(other.is_ok_and(|node| node.children[0].ns == Ns::Other));
        assert!(read(b"<m:GetItem/>").is_err());
    }

    /// What is no document, what defines entities and what is too deep is refused.
    #[test]
    fn what_could_hurt_is_refused() {
        for wrong in [
            "",
            "x",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
            "<a>&x;</a>",
            "<a b='1' b='2'/>",
        ] {
            assert!(read(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(read("<a>".repeat(80).as_bytes()).is_err());
        let text = read(b"<a>1 &lt; <![CDATA[<2>]]>&#228;</a>").expect("is XML").text;
        assert_eq!(text, "1 < <2>\u{e4}");
    }

    proptest! {
        /// No text makes it panic, and what is escaped reads back.
        #[test]
        fn any_text_is_taken(text in "\\PC{0,60}", wild in "[<>/a-z:= '\"&;!\\[\\]-]{0,60}") {
            let _ = read(wild.as_bytes());
            let node = read(format!("<a b=\"{0}\">{0}</a>", escape(&text)).as_bytes()).expect("is XML");
            prop_assert_eq!(&node.text, &text);
        }
    }
}
