//! The rules of the Atlassian Document Format as Jira applies them: which node may stand where, which
//! attributes and marks it may carry. Jira refuses some of what the published schema allows, so this list is
//! the narrower one; everything accepted here is valid against the published schema too (a test holds that).

mod nodes;

use serde_json::{Map, Value};

use nodes::{Attrs, Kind, ROOT, Rule, rule};

/// Longest text of a description or comment, counted in characters of the serialised document.
pub(crate) const TEXT_LIMIT: usize = 32_767;

/// Where and why a document is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// Path of the faulty value, for example `/content/2/attrs/level`.
    pub(crate) place: String,
    /// What is wrong with it.
    pub(crate) what: String,
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", if self.place.is_empty() { "/" } else { &self.place }, self.what)
    }
}

/// Checks a whole document.
pub(crate) fn check(document: &Value) -> Result<(), Flaw> {
    let mut checker = Checker { place: String::new() };
    let Value::Object(root) = document else { return checker.flaw("a document is an object") };
    if root.get("type").and_then(Value::as_str) != Some("doc") {
        return checker.flaw("the root must have \"type\": \"doc\"");
    }
    if root.get("version").and_then(Value::as_u64) != Some(1) {
        return checker.flaw("the root must have \"version\": 1");
    }
    checker.keys(root, &["type", "version", "content"])?;
    let Some(Value::Array(content)) = root.get("content") else {
        return checker.flaw("the root must have a content array");
    };
    checker.children(content, ROOT, "doc")
}

struct Checker {
    place: String,
}

impl Checker {
    fn flaw<T>(&self, what: impl Into<String>) -> Result<T, Flaw> {
        Err(Flaw { place: self.place.clone(), what: what.into() })
    }

    fn within<T>(&mut self, step: &str, check: impl FnOnce(&mut Self) -> Result<T, Flaw>) -> Result<T, Flaw> {
        let length = self.place.len();
        self.place.push('/');
        self.place.push_str(step);
        let result = check(self);
        self.place.truncate(length);
        result
    }

    fn keys(&self, object: &Map<String, Value>, allowed: &[&str]) -> Result<(), Flaw> {
        match object.keys().find(|key| !allowed.contains(&key.as_str())) {
            Some(key) => self.flaw(format!("unknown member {key:?}")),
            None => Ok(()),
        }
    }

    fn children(&mut self, content: &[Value], allowed: &[&str], parent: &str) -> Result<(), Flaw> {
        self.within("content", |checker| {
            for (position, child) in content.iter().enumerate() {
                checker.within(&position.to_string(), |checker| checker.node(child, allowed, parent))?;
            }
            Ok(())
        })
    }

    fn node(&mut self, node: &Value, allowed: &[&str], parent: &str) -> Result<(), Flaw> {
        let Value::Object(node) = node else { return self.flaw("a node is an object") };
        let Some(kind) = node.get("type").and_then(Value::as_str) else {
            return self.flaw("a node has a type");
        };
        if !allowed.contains(&kind) {
            return self.flaw(format!("{kind} is not allowed in {parent}"));
        }
        if kind == "text" {
            return self.text(node, parent);
        }
        let Some(rule) = rule(kind) else { return self.flaw(format!("unknown node type {kind}")) };
        let takes_marks = marks_of_node(kind, parent);
        let mut keys = vec!["type"];
        if rule.content.is_some() {
            keys.push("content");
        }
        if takes_marks.is_some() {
            keys.push("marks");
        }
        if !matches!(kind, "mediaGroup") {
            keys.push("attrs");
        }
        self.keys(node, &keys)?;
        self.attributes(kind, node, &rule)?;
        if let Some(marks) = node.get("marks") {
            let sets = takes_marks.unwrap_or(&[]);
            self.within("marks", |checker| checker.marks(marks, sets))?;
        }
        let Some(inside) = rule.content else { return Ok(()) };
        let (least, most) = rule.children;
        match node.get("content") {
            None if least.is_some() => self.flaw(format!("{kind} needs content")),
            None => Ok(()),
            Some(Value::Array(content)) => {
                if content.len() < least.unwrap_or(0) {
                    return self.flaw(format!("{kind} is empty"));
                }
                if content.len() > most {
                    return self.flaw(format!("{kind} has more than {most} children"));
                }
                if kind == "mediaSingle" {
                    return self.media_single(content);
                }
                self.children(content, inside, kind)
            }
            Some(_) => self.flaw("content is an array"),
        }
    }

    fn media_single(&mut self, content: &[Value]) -> Result<(), Flaw> {
        self.within("content", |checker| {
            for (position, child) in content.iter().enumerate() {
                let allowed: &[&str] = if position == 0 { &["media"] } else { &["caption"] };
                checker
                    .within(&position.to_string(), |checker| checker.node(child, allowed, "mediaSingle"))?;
            }
            Ok(())
        })
    }

    fn text(&mut self, node: &Map<String, Value>, parent: &str) -> Result<(), Flaw> {
        self.keys(node, &["type", "text", "marks"])?;
        match node.get("text") {
            Some(Value::String(text)) if !text.is_empty() => {}
            Some(Value::String(_)) => return self.flaw("a text is never empty"),
            _ => return self.flaw("a text node has a text"),
        }
        let Some(marks) = node.get("marks") else { return Ok(()) };
        let sets: &[&[&str]] = if parent == "codeBlock" { &[] } else { &[FORMATTED, CODE] };
        self.within("marks", |checker| checker.marks(marks, sets))
    }

    /// Every mark must be valid, and one of the sets must hold them all.
    fn marks(&mut self, marks: &Value, sets: &[&[&str]]) -> Result<(), Flaw> {
        let Value::Array(marks) = marks else { return self.flaw("marks is an array") };
        let kinds: Vec<&str> =
            marks.iter().filter_map(|mark| mark.get("type").and_then(Value::as_str)).collect();
        if kinds.len() != marks.len() {
            return self.flaw("a mark has a type");
        }
        if !marks.is_empty() && !sets.iter().any(|set| kinds.iter().all(|kind| set.contains(kind))) {
            return self.flaw(format!("marks {} are not allowed here", kinds.join(", ")));
        }
        for (position, mark) in marks.iter().enumerate() {
            self.within(&position.to_string(), |checker| checker.mark(mark))?;
        }
        Ok(())
    }

    fn mark(&mut self, mark: &Value) -> Result<(), Flaw> {
        let Value::Object(mark) = mark else { return self.flaw("a mark is an object") };
        let kind = mark.get("type").and_then(Value::as_str).unwrap_or_default();
        let attrs: Attrs = match kind {
            "subsup" => &[("type", true, Kind::OneOf(&["sub", "sup"]))],
            "textColor" | "backgroundColor" => &[("color", true, Kind::Color)],
            "link" => &[
                ("href", true, Kind::Text),
                ("title", false, Kind::Text),
                ("id", false, Kind::Text),
                ("collection", false, Kind::Text),
                ("occurrenceKey", false, Kind::Text),
            ],
            "annotation" => {
                &[("id", true, Kind::Text), ("annotationType", true, Kind::OneOf(&["inlineComment"]))]
            }
            "border" => &[("size", true, Kind::Between(1.0, 3.0)), ("color", true, Kind::Color)],
            "alignment" => &[("align", true, Kind::OneOf(&["center", "end"]))],
            "indentation" => &[("level", true, Kind::Between(1.0, 6.0))],
            "fontSize" => &[("fontSize", true, Kind::OneOf(&["small"]))],
            _ => &[],
        };
        if attrs.is_empty() {
            return self.keys(mark, &["type"]);
        }
        self.keys(mark, &["type", "attrs"])?;
        let Some(Value::Object(given)) = mark.get("attrs") else {
            return self.flaw(format!("{kind} needs attrs"));
        };
        self.within("attrs", |checker| checker.members(given, attrs, false, kind))
    }

    fn attributes(&mut self, kind: &str, node: &Map<String, Value>, rule: &Rule) -> Result<(), Flaw> {
        let given = match node.get("attrs") {
            None if rule.attrs_required => return self.flaw(format!("{kind} needs attrs")),
            None => return Ok(()),
            Some(Value::Object(given)) => given,
            Some(_) => return self.flaw("attrs is an object"),
        };
        self.within("attrs", |checker| {
            checker.members(given, rule.attrs, true, kind)?;
            let has = |name: &str| given.contains_key(name);
            let value = |name: &str| given.get(name).and_then(Value::as_str);
            match kind {
                "media"
                    if value("type") == Some("external")
                        && (!has("url") || has("id") || has("collection") || has("occurrenceKey")) =>
                {
                    return checker.flaw("external media has a url and no id");
                }
                "media" if value("type") == Some("external") => {}
                "media" if !has("id") || !has("collection") || has("url") => {
                    return checker.flaw("media has an id and a collection");
                }
                "inlineCard" | "blockCard" if has("url") == has("data") => {
                    return checker.flaw(format!("{kind} has either a url or data"));
                }
                "mediaSingle" => {
                    let pixel = value("widthType") == Some("pixel");
                    let width = given.get("width").and_then(Value::as_f64);
                    if pixel && width.is_none() {
                        return checker.flaw("a width in pixels needs a width");
                    }
                    if !pixel && width.is_some_and(|width| width > 100.0) {
                        return checker.flaw("a width in percent is at most 100");
                    }
                }
                _ => {}
            }
            Ok(())
        })
    }

    fn members(
        &mut self,
        given: &Map<String, Value>,
        attrs: Attrs,
        with_local_id: bool,
        owner: &str,
    ) -> Result<(), Flaw> {
        for (name, value) in given {
            if let Some((_, _, kind)) = attrs.iter().find(|(known, _, _)| known == name) {
                self.within(name, |checker| checker.attribute(value, kind, owner))?;
            } else if with_local_id && name == "localId" {
                // A table's localId must not be empty; others may be.
                let kind = if owner == "table" { Kind::Filled } else { Kind::Text };
                self.within(name, |checker| checker.attribute(value, &kind, owner))?;
            } else {
                return self.flaw(format!("unknown member {name:?}"));
            }
        }
        match attrs.iter().find(|(name, required, _)| *required && !given.contains_key(*name)) {
            Some((name, _, _)) => self.flaw(format!("{owner} needs {name}")),
            None => Ok(()),
        }
    }

    fn attribute(&self, value: &Value, kind: &Kind, owner: &str) -> Result<(), Flaw> {
        let (fits, wanted) = match kind {
            Kind::Text => (value.is_string(), "a text".to_owned()),
            Kind::Filled => (value.as_str().is_some_and(|text| !text.is_empty()), "a filled text".to_owned()),
            Kind::Number => (value.is_number(), "a number".to_owned()),
            Kind::Between(low, high) => (
                value.as_f64().is_some_and(|number| number >= *low && number <= *high),
                format!("a number from {low}"),
            ),
            Kind::Flag => (value.is_boolean(), "true or false".to_owned()),
            Kind::OneOf(names) => (
                value.as_str().is_some_and(|text| names.contains(&text)),
                format!("one of {}", names.join(", ")),
            ),
            Kind::Color => (
                value.as_str().is_some_and(|text| {
                    is_hex_color(text)
                        || (owner == "status"
                            && ["neutral", "purple", "blue", "red", "yellow", "green"].contains(&text))
                }),
                "a colour as #rrggbb".to_owned(),
            ),
            Kind::Numbers => {
                (value.as_array().is_some_and(|all| all.iter().all(Value::is_number)), "numbers".to_owned())
            }
            Kind::Anything => (true, String::new()),
        };
        if fits { Ok(()) } else { self.flaw(format!("must be {wanted}")) }
    }
}

const FORMATTED: &[&str] =
    &["link", "em", "strong", "strike", "subsup", "underline", "textColor", "annotation", "backgroundColor"];
const CODE: &[&str] = &["code", "link", "annotation"];

/// Sets of marks that a node other than text may carry in this parent; `None` when it has no marks at all.
fn marks_of_node(kind: &str, parent: &str) -> Option<&'static [&'static [&'static str]]> {
    match (kind, parent) {
        ("paragraph", "doc") => Some(&[&["fontSize", "alignment"], &["fontSize", "indentation"]]),
        ("paragraph", "tableCell" | "tableHeader") => Some(&[&["fontSize", "alignment"]]),
        ("paragraph", "listItem" | "panel" | "expand" | "nestedExpand") => Some(&[&["fontSize"]]),
        ("heading", "doc" | "tableCell" | "tableHeader") => Some(&[&["alignment"], &["indentation"]]),
        ("paragraph" | "heading" | "codeBlock" | "expand" | "nestedExpand" | "table", _) => Some(&[]),
        ("mediaSingle", _) => Some(&[&["link"]]),
        ("media" | "mediaInline", _) => Some(&[&["link", "annotation", "border"]]),
        _ => None,
    }
}

fn is_hex_color(text: &str) -> bool {
    text.len() == 7 && text.starts_with('#') && text[1..].bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The media ids that a document names.
pub(crate) fn media_ids(document: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    walk(document, &mut |node| {
        let kind = node.get("type").and_then(Value::as_str);
        if matches!(kind, Some("media" | "mediaInline"))
            && node.pointer("/attrs/type").and_then(Value::as_str) != Some("external")
            && let Some(id) = node.pointer("/attrs/id").and_then(Value::as_str)
        {
            found.push(id);
        }
    });
    found
}

/// The words of a document, blocks apart by line ends.
pub(crate) fn text(document: &Value) -> String {
    let mut out = String::new();
    walk(document, &mut |node| match node.get("type").and_then(Value::as_str).unwrap_or_default() {
        "text" => out.push_str(node.get("text").and_then(Value::as_str).unwrap_or_default()),
        "hardBreak" => out.push('\n'),
        "mention" | "emoji" | "status" => {
            out.push_str(node.pointer("/attrs/text").and_then(Value::as_str).unwrap_or_default());
        }
        "inlineCard" | "blockCard" => {
            out.push_str(node.pointer("/attrs/url").and_then(Value::as_str).unwrap_or_default());
        }
        "paragraph" | "heading" | "codeBlock" | "rule" | "taskItem" if !out.is_empty() => out.push('\n'),
        _ => {}
    });
    out
}

/// Visits every node, parents first. Depth is bounded by what the JSON reader accepts.
fn walk<'a>(node: &'a Value, visit: &mut dyn FnMut(&'a Value)) {
    visit(node);
    if let Some(Value::Array(content)) = node.get("content") {
        for child in content {
            walk(child, visit);
        }
    }
}
