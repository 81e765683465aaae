//! XML as Exchange writes it, read into a small tree, and text written into XML.
//!
//! Exchange hands on what mail contains, also what XML forbids (control characters as `&#x1;`): that costs the character, not the
//! answer. Depth and size are bounded, entities beyond XML's own five are not expanded, a DTD is refused.

use std::ops::Range;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Error, Reader};

/// How deep elements may nest.
const DEEPEST: usize = 64;
/// Elements in one document at most.
const MOST: usize = 500_000;

/// An element. Names are without their prefix: the two schemas of EWS share none with another meaning at the same place.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    /// The text directly within, of all pieces.
    pub(super) text: String,
    pub(super) children: Vec<Element>,
    /// Where it stands in the document.
    pub(super) span: Range<usize>,
}

impl Element {
    /// The first child of this name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The element at the end of this path of names.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    /// The text of a child.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// An attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All elements of this name within, at whatever depth, in their order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> Vec<&'a Self> {
        let mut found = Vec::new();
        let mut open = vec![self];
        while let Some(element) = open.pop() {
            if element.name == name {
                found.push(element);
            }
            open.extend(element.children.iter().rev());
        }
        found
    }
}

/// Reads a document; the error is what is wrong with it.
pub(super) fn read(text: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut count = 0;
    loop {
        let begin = at(&reader);
        let event = reader.read_event().map_err(|error: Error| error.to_string())?;
        match event {
            Event::Start(start) => {
                count += 1;
                if open.len() >= DEEPEST || count > MOST {
                    return Err("the document is nested too deeply or has too many elements".to_owned());
                }
                open.push(element(&start, begin)?);
            }
            Event::Empty(start) => {
                count += 1;
                let mut element = element(&start, begin)?;
                element.span.end = at(&reader);
                match open.last_mut() {
                    Some(parent) if count <= MOST => parent.children.push(element),
                    Some(_) => return Err("the document has too many elements".to_owned()),
                    None => return Ok(element),
                }
            }
            Event::End(_) => {
                let Some(mut element) = open.pop() else { return Err("an element ends twice".to_owned()) };
                element.span.end = at(&reader);
                match open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None => return Ok(element),
                }
            }
            Event::Text(text) => add(&mut open, &text.xml10_content()),
            Event::CData(text) => add(&mut open, &text.xml10_content()),
            Event::GeneralRef(name) => add(&mut open, &resolved(&name.into_inner()).to_string()),
            Event::DocType(_) => return Err("the document has a DTD".to_owned()),
            Event::Eof => return Err("the document ends early".to_owned()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
}

fn at(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(start: &BytesStart<'_>, begin: usize) -> Result<Element, String> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let name: &str = attribute.key.local_name().into_inner();
        attributes.push((name.to_owned(), unescaped(&attribute.value)));
    }
    let name: &str = start.local_name().into_inner();
    Ok(Element { name: name.to_owned(), attributes, span: begin..begin, ..Element::default() })
}

/// The character that a reference names, between `&` and `;`. What is none becomes the replacement character.
fn resolved(name: &str) -> char {
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let named = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match name.strip_prefix('#') {
            Some(hex) if hex.starts_with(['x', 'X']) => number(&hex[1..], 16),
            Some(decimal) => number(decimal, 10),
            None => None,
        },
    };
    named.filter(|character| is_allowed(*character)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Whether XML 1.0 allows the character at all.
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        match after.split_once(';') {
            Some((name, next)) => {
                out.push(resolved(name));
                rest = next;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Text for writing, between tags or in a double-quoted attribute. What XML forbids becomes the replacement character.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Line ends would be normalised away, in attributes with them all white space.
            '\r' => out.push_str("&#13;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            _ if is_allowed(character) => out.push(character),
            _ => out.push(char::REPLACEMENT_CHARACTER),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_are_found_by_their_names_whatever_their_prefix() {
        let text = r#"<?xml version="1.0"?><s:A xmlns:s="x"><t:B Id="1&amp;2"/><B Id='3'>a<!-- c -->&lt;<![CDATA[<]]></B></s:A>"#;
        let root = read(text).expect("a document");
        assert_eq!((root.name.as_str(), root.children.len()), ("A", 2));
        assert_eq!(root.child("B").and_then(|b| b.attribute("Id")), Some("1&2"));
        assert_eq!(root.children[1].text, "a<<");
        assert_eq!(&text[root.children[0].span.clone()], r#"<t:B Id="1&amp;2"/>"#);
        assert_eq!(root.all("B").len(), 2);
    }

    #[test]
    fn what_xml_forbids_costs_the_character_and_not_the_answer() {
        let root = read("<a>x&#x1;y&#0;&nosuch;&#xd800;z</a>").expect("a document");
        assert_eq!(root.text, "x\u{fffd}y\u{fffd}\u{fffd}\u{fffd}z");
    }

    #[test]
    fn a_bomb_is_no_document() {
        assert!(read(&"<a>".repeat(100)).is_err());
        assert!(read(r#"<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>"#).is_err());
        for text in ["", "text", "<a>", "</a>", "<a></b>", "<a b></a>"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_survives_writing_and_reading(text in any::<String>()) {
            let document = format!("<a b=\"{0}\">{0}</a>", escaped(&text));
            let expected: String =
                text.chars().map(|c| if is_allowed(c) { c } else { char::REPLACEMENT_CHARACTER }).collect();
            let root = read(&document).expect("a document");
            prop_assert_eq!(root.attribute("b"), Some(expected.as_str()));
            prop_assert_eq!(root.text, expected);
        }

        #[test]
        fn no_text_makes_it_panic(text in r#"(<|>|/|a|b="|&#x|&|;|<!\[CDATA\[|\]\]>|<!--|é|1){0,40}"#) {
            let _ = read(&text);
        }
    }
}
