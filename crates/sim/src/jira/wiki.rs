//! Wiki markup, the text form of version 2: read into a document, and written from one. The subset is what
//! `facts` of version 2 list: headings, emphasis, quotes, lists, tables, code, links, mentions.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// How deep emphasis may nest; deeper marks stay as plain text.
const DEEPEST: usize = 6;

/// Reads wiki markup into a document. Never fails: what is no markup is text.
pub(crate) fn read(text: &str) -> Value {
    let lines: Vec<&str> = text.lines().collect();
    json!({"type": "doc", "version": 1, "content": blocks(&lines, Place::Root)})
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Quote,
    Panel,
}

fn blocks(lines: &[&str], place: Place) -> Vec<Value> {
    let mut out = Vec::new();
    let mut paragraph: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let trimmed = line.trim();
        let fence = ["{noformat", "{code", "{quote", "{panel"].into_iter().find(|open| {
            trimmed.starts_with(open)
                && trimmed[open.len()..].starts_with(['}', ':'])
                && trimmed.ends_with('}')
        });
        if let Some(open) = fence {
            let close = format!("{open}}}");
            let end = (at + 1..lines.len()).find(|&i| lines[i].trim() == close);
            let inner = &lines[at + 1..end.unwrap_or(lines.len())];
            flush(&mut paragraph, &mut out);
            out.extend(fenced(open, trimmed, inner, place));
            at = end.map_or(lines.len(), |end| end + 1);
            continue;
        }
        if trimmed.is_empty() {
            flush(&mut paragraph, &mut out);
        } else if let Some((level, words)) = heading(trimmed) {
            flush(&mut paragraph, &mut out);
            out.push(if place == Place::Quote {
                json!({"type": "paragraph", "content": inline(words)})
            } else {
                json!({"type": "heading", "attrs": {"level": level}, "content": inline(words)})
            });
        } else if trimmed.len() >= 4 && trimmed.bytes().all(|byte| byte == b'-') {
            flush(&mut paragraph, &mut out);
            if place != Place::Quote {
                out.push(json!({"type": "rule"}));
            }
        } else if let Some(words) = trimmed.strip_prefix("bq. ") {
            flush(&mut paragraph, &mut out);
            let inside = json!({"type": "paragraph", "content": inline(words)});
            out.push(match place {
                Place::Root => json!({"type": "blockquote", "content": [inside]}),
                _ => inside,
            });
        } else if trimmed.starts_with('|') && trimmed.len() > 1 && place == Place::Root {
            flush(&mut paragraph, &mut out);
            let end = (at..lines.len()).find(|&i| !lines[i].trim().starts_with('|')).unwrap_or(lines.len());
            let rows: Vec<Value> = lines[at..end].iter().map(|line| row(line.trim())).collect();
            out.push(json!({"type": "table", "content": rows}));
            at = end;
            continue;
        } else if bullet(trimmed).is_some() {
            flush(&mut paragraph, &mut out);
            let end = (at..lines.len()).find(|&i| bullet(lines[i].trim()).is_none()).unwrap_or(lines.len());
            let items: Vec<(&str, &str)> =
                lines[at..end].iter().filter_map(|line| bullet(line.trim())).collect();
            out.extend(lists(&items, 1));
            at = end;
            continue;
        } else {
            paragraph.push(line);
        }
        at += 1;
    }
    flush(&mut paragraph, &mut out);
    out
}

fn flush(paragraph: &mut Vec<&str>, out: &mut Vec<Value>) {
    if paragraph.is_empty() {
        return;
    }
    let mut content = Vec::new();
    for (position, line) in paragraph.drain(..).enumerate() {
        if position > 0 {
            content.push(json!({"type": "hardBreak"}));
        }
        content.extend(inline(line));
    }
    out.push(json!({"type": "paragraph", "content": content}));
}

fn fenced(open: &str, head: &str, inner: &[&str], place: Place) -> Vec<Value> {
    let filled = |blocks: Vec<Value>| {
        if blocks.is_empty() { vec![json!({"type": "paragraph", "content": []})] } else { blocks }
    };
    match open {
        "{quote" => match place {
            Place::Root => {
                vec![json!({"type": "blockquote", "content": filled(blocks(inner, Place::Quote))})]
            }
            _ => blocks(inner, Place::Quote),
        },
        "{panel" if place == Place::Root => {
            let content = filled(blocks(inner, Place::Panel));
            vec![json!({"type": "panel", "attrs": {"panelType": "info"}, "content": content})]
        }
        "{panel" => blocks(inner, Place::Quote),
        _ => {
            let code = inner.join("\n");
            let mut node = json!({"type": "codeBlock", "content": []});
            if !code.is_empty() {
                node["content"] = json!([{"type": "text", "text": code}]);
            }
            let language = head.trim_end_matches('}').split_once(':').map_or("", |(_, rest)| rest);
            let language = language.split('|').next().unwrap_or_default();
            if !language.is_empty() && !language.contains('=') {
                node["attrs"] = json!({"language": language});
            }
            vec![node]
        }
    }
}

fn heading(line: &str) -> Option<(u8, &str)> {
    let rest = line.strip_prefix('h')?;
    let level = rest.bytes().next().filter(u8::is_ascii_digit)? - b'0';
    let words = rest[1..].strip_prefix(". ")?;
    (1..=6).contains(&level).then_some((level, words))
}

/// The marker and the words of a list line: `*`, `-`, `#`, or several for deeper levels.
fn bullet(line: &str) -> Option<(&str, &str)> {
    let (marker, words) = line.split_once(' ')?;
    let all = !marker.is_empty() && marker.bytes().all(|byte| matches!(byte, b'*' | b'#' | b'-'));
    (all && marker.len() <= DEEPEST && (marker.len() == 1 || !marker.contains('-')))
        .then_some((marker, words))
}

/// Lists of the lines whose markers are at least `depth` long.
fn lists(items: &[(&str, &str)], depth: usize) -> Vec<Value> {
    let kind = |marker: &str| {
        if marker.as_bytes().get(depth - 1) == Some(&b'#') { "orderedList" } else { "bulletList" }
    };
    let mut out: Vec<Value> = Vec::new();
    let mut at = 0;
    while at < items.len() {
        let (marker, words) = items[at];
        let deeper = (at + 1..items.len()).find(|&i| items[i].0.len() <= depth).unwrap_or(items.len());
        let mut content = vec![];
        let mut inside = &items[at + 1..deeper];
        if marker.len() > depth {
            inside = &items[at..deeper];
            content.push(json!({"type": "paragraph", "content": []}));
        } else {
            content.push(json!({"type": "paragraph", "content": inline(words)}));
        }
        if !inside.is_empty() {
            content.extend(lists(inside, depth + 1));
        }
        let item = json!({"type": "listItem", "content": content});
        let wanted = kind(marker);
        match out.last_mut() {
            Some(last) if last["type"] == wanted => {
                if let Some(Value::Array(content)) = last.get_mut("content") {
                    content.push(item);
                }
            }
            _ => out.push(json!({"type": wanted, "content": [item]})),
        }
        at = deeper;
    }
    out
}

fn row(line: &str) -> Value {
    let header = line.starts_with("||");
    let separator = if header { "||" } else { "|" };
    let inner = line.trim_start_matches('|').trim_end_matches('|');
    let kind = if header { "tableHeader" } else { "tableCell" };
    let cells: Vec<Value> = inner
        .split(separator)
        .map(|cell| json!({"type": kind, "content": [{"type": "paragraph", "content": inline(cell.trim())}]}))
        .collect();
    json!({"type": "tableRow", "content": cells})
}

fn inline(line: &str) -> Vec<Value> {
    let mut out = Inline { nodes: Vec::new(), plain: String::new() };
    out.read(line, &[], 0);
    out.flush(&[]);
    out.nodes
}

struct Inline {
    nodes: Vec<Value>,
    plain: String,
}

impl Inline {
    fn flush(&mut self, marks: &[Value]) {
        if self.plain.is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.plain);
        self.nodes.push(if marks.is_empty() {
            json!({"type": "text", "text": text})
        } else {
            json!({"type": "text", "text": text, "marks": marks})
        });
    }

    fn with(&mut self, inner: &str, marks: &[Value], mark: Value, depth: usize) {
        self.flush(marks);
        let mut all = marks.to_vec();
        all.push(mark);
        self.read(inner, &all, depth + 1);
        self.flush(&all);
    }

    fn read(&mut self, line: &str, marks: &[Value], depth: usize) {
        let mut hopeless: Vec<char> = Vec::new();
        let mut at = 0;
        let mut before = ' ';
        while let Some(character) = line[at..].chars().next() {
            let rest = &line[at..];
            let next = at + character.len_utf8();
            if rest.starts_with("\\\\") {
                self.flush(marks);
                self.nodes.push(json!({"type": "hardBreak"}));
                at += 2;
                before = ' ';
                continue;
            }
            if character == '\\'
                && let Some(escaped) = line[next..].chars().next().filter(char::is_ascii_punctuation)
            {
                self.plain.push(escaped);
                at = next + escaped.len_utf8();
                before = escaped;
                continue;
            }
            if let Some(inner) =
                rest.strip_prefix("{{").and_then(|rest| rest.split_once("}}")).map(|(inner, _)| inner)
                && !inner.is_empty()
            {
                self.flush(marks);
                self.nodes.push(json!({"type": "text", "text": inner, "marks": [{"type": "code"}]}));
                at += inner.len() + 4;
                before = '}';
                continue;
            }
            if character == '['
                && !has_link(marks)
                && let Some((inside, _)) = line[next..].split_once(']')
                && self.bracket(inside, marks, depth)
            {
                at = next + inside.len() + 1;
                before = ']';
                continue;
            }
            if let Some(mark) = emphasis(character)
                && depth < DEEPEST
                && !hopeless.contains(&character)
                && !before.is_alphanumeric()
                && !marks.contains(&mark)
            {
                match closing(&line[next..], character) {
                    Some(length) => {
                        self.with(&line[next..next + length], marks, mark, depth);
                        at = next + length + 1;
                        before = character;
                        continue;
                    }
                    None => hopeless.push(character),
                }
            }
            self.plain.push(character);
            before = character;
            at = next;
        }
    }

    /// `[words|address]`, `[address]` or `[~accountid:…]`; false when it is none of them.
    fn bracket(&mut self, inside: &str, marks: &[Value], depth: usize) -> bool {
        if let Some(user) = inside.strip_prefix("~accountid:") {
            self.flush(marks);
            self.nodes.push(json!({"type": "mention", "attrs": {"id": user}}));
            return true;
        }
        let (words, address) = inside.split_once('|').unwrap_or((inside, inside));
        let address = address.split('|').next().unwrap_or_default().trim();
        let known =
            ["http://", "https://", "mailto:", "tel:"].iter().any(|scheme| address.starts_with(scheme));
        if !known || words.is_empty() || depth >= DEEPEST {
            return false;
        }
        let words = if inside.contains('|') { words } else { address.trim_start_matches("mailto:") };
        self.with(words, marks, json!({"type": "link", "attrs": {"href": address}}), depth);
        true
    }
}

fn has_link(marks: &[Value]) -> bool {
    marks.iter().any(|mark| mark["type"] == "link")
}

fn emphasis(character: char) -> Option<Value> {
    Some(match character {
        '*' => json!({"type": "strong"}),
        '_' => json!({"type": "em"}),
        '-' => json!({"type": "strike"}),
        '+' => json!({"type": "underline"}),
        '^' => json!({"type": "subsup", "attrs": {"type": "sup"}}),
        '~' => json!({"type": "subsup", "attrs": {"type": "sub"}}),
        _ => return None,
    })
}

/// Length of the text up to the closing `character`, which stands after a non-space and before a non-word.
fn closing(rest: &str, character: char) -> Option<usize> {
    if rest.starts_with(|first: char| first.is_whitespace() || first == character) {
        return None;
    }
    let mut before = ' ';
    for (position, found) in rest.char_indices() {
        let after = rest[position + found.len_utf8()..].chars().next().unwrap_or(' ');
        if found == character
            && !before.is_whitespace()
            && before != '\\'
            && !after.is_alphanumeric()
            && position > 0
        {
            return Some(position);
        }
        before = found;
    }
    None
}

/// Writes a document as wiki markup.
pub(crate) fn write(document: &Value) -> String {
    let mut out = String::new();
    write_blocks(document, &mut out, "");
    out.trim_end().to_owned()
}

fn children(node: &Value) -> &[Value] {
    node.get("content").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn attr<'a>(node: &'a Value, name: &str) -> &'a str {
    node.get("attrs").and_then(|attrs| attrs.get(name)).and_then(Value::as_str).unwrap_or_default()
}

fn write_blocks(parent: &Value, out: &mut String, marker: &str) {
    for node in children(parent) {
        match node.get("type").and_then(Value::as_str).unwrap_or_default() {
            "heading" => {
                let level = node.pointer("/attrs/level").and_then(Value::as_u64).unwrap_or(1);
                let _ = writeln!(out, "h{level}. {}\n", write_inline(node));
            }
            "bulletList" | "taskList" | "decisionList" => write_list(node, out, &format!("{marker}*")),
            "orderedList" => write_list(node, out, &format!("{marker}#")),
            "blockquote" => {
                out.push_str("{quote}\n");
                write_blocks(node, out, "");
                out.push_str("{quote}\n\n");
            }
            "panel" => {
                out.push_str("{panel}\n");
                write_blocks(node, out, "");
                out.push_str("{panel}\n\n");
            }
            "codeBlock" => {
                let language = attr(node, "language");
                let (open, close) = if language.is_empty() {
                    ("{noformat}".to_owned(), "{noformat}")
                } else {
                    (format!("{{code:{language}}}"), "{code}")
                };
                let code: String = children(node).iter().filter_map(|text| text["text"].as_str()).collect();
                let _ = write!(out, "{open}\n{code}\n{close}\n\n");
            }
            "rule" => out.push_str("----\n\n"),
            "table" => {
                for row in children(node) {
                    let mut end = "|";
                    for cell in children(row) {
                        end = if cell["type"] == "tableHeader" { "||" } else { "|" };
                        let mut inner = String::new();
                        write_blocks(cell, &mut inner, "");
                        let _ = write!(out, "{end}{}", inner.trim().replace('\n', " \\\\ "));
                    }
                    out.push_str(end);
                    out.push('\n');
                }
                out.push('\n');
            }
            "mediaSingle" | "mediaGroup" => {
                for media in children(node).iter().filter(|child| child["type"] == "media") {
                    let _ = writeln!(out, "!{}|thumbnail!", attr(media, "alt"));
                }
                out.push('\n');
            }
            "expand" | "nestedExpand" => {
                let _ = writeln!(out, "{{panel:title={}}}", attr(node, "title").replace(['}', '|'], " "));
                write_blocks(node, out, "");
                out.push_str("{panel}\n\n");
            }
            "blockCard" | "embedCard" => out.push_str(&["[", attr(node, "url"), "]\n\n"].concat()),
            _ => out.push_str(&(write_inline(node) + "\n\n")),
        }
    }
}

fn write_list(list: &Value, out: &mut String, marker: &str) {
    for item in children(list) {
        if matches!(item["type"].as_str(), Some("taskItem" | "decisionItem")) {
            let _ = writeln!(out, "{marker} {}", write_inline(item));
            continue;
        }
        let mut words = String::new();
        let mut nested = String::new();
        for block in children(item) {
            match block["type"].as_str().unwrap_or_default() {
                "paragraph" => {
                    if !words.is_empty() {
                        words.push_str(" \\\\ ");
                    }
                    words.push_str(&write_inline(block).replace('\n', " \\\\ "));
                }
                "bulletList" | "taskList" => write_list(block, &mut nested, &format!("{marker}*")),
                "orderedList" => write_list(block, &mut nested, &format!("{marker}#")),
                _ => write_blocks(&json!({"content": [block]}), &mut nested, marker),
            }
        }
        let _ = write!(out, "{marker} {words}\n{nested}");
    }
    if marker.len() == 1 {
        out.push('\n');
    }
}

fn write_inline(node: &Value) -> String {
    let mut out = String::new();
    for child in children(node) {
        match child["type"].as_str().unwrap_or_default() {
            "text" => out.push_str(&write_text(child)),
            "hardBreak" => out.push('\n'),
            "mention" => out.push_str(&["[~accountid:", attr(child, "id"), "]"].concat()),
            "emoji" => {
                let text = attr(child, "text");
                out.push_str(if text.is_empty() { attr(child, "shortName") } else { text });
            }
            "date" => out.push_str(attr(child, "timestamp")),
            "status" => out.push_str(attr(child, "text")),
            "inlineCard" => out.push_str(&["[", attr(child, "url"), "]"].concat()),
            "mediaInline" => out.push_str(&["!", attr(child, "alt"), "|thumbnail!"].concat()),
            _ => {}
        }
    }
    out
}

fn write_text(node: &Value) -> String {
    let text = node["text"].as_str().unwrap_or_default();
    let marks = node.get("marks").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_code = marks.iter().any(|mark| mark["type"] == "code");
    let mut out = if is_code { text.to_owned() } else { escape(text) };
    for mark in marks {
        out = match mark["type"].as_str().unwrap_or_default() {
            "strong" => format!("*{out}*"),
            "em" => format!("_{out}_"),
            "strike" => format!("-{out}-"),
            "underline" => format!("+{out}+"),
            "code" => format!("{{{{{out}}}}}"),
            "subsup" if attr(mark, "type") == "sub" => format!("~{out}~"),
            "subsup" => format!("^{out}^"),
            "link" => format!("[{out}|{}]", attr(mark, "href")),
            "textColor" => format!("{{color:{}}}{out}{{color}}", attr(mark, "color")),
            _ => out,
        };
    }
    out
}

/// Escapes what would start markup.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '{' | '}' | '[' | ']' | '!' | '|' | '*' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}
