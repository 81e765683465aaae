//! Reading a document back as text.

use serde_json::Value;

/// Documents nest less deep than this; what lies deeper is passed over.
const DEEPEST: usize = 120;

/// The text of a document: blocks on lines of their own, items with a dash, cells apart by tabs. A text (version 2 of the
/// API) is itself. Images and what is not known show nothing of their own.
pub fn text(document: &Value) -> String {
    if let Value::String(text) = document {
        return text.clone();
    }
    let mut out = String::new();
    read(document, &mut out, 0);
    out.truncate(out.trim_end().len());
    out
}

fn read(node: &Value, out: &mut String, depth: usize) {
    if depth > DEEPEST {
        return;
    }
    let kind = node.get("type").and_then(Value::as_str).unwrap_or_default();
    let attribute = |name: &str| node.get("attrs").and_then(|attrs| attrs.get(name)).and_then(Value::as_str);
    match kind {
        "text" => out.push_str(node.get("text").and_then(Value::as_str).unwrap_or_default()),
        "hardBreak" => out.push('\n'),
        "mention" | "status" | "date" => {
            out.push_str(attribute("text").or(attribute("timestamp")).unwrap_or_default());
        }
        "emoji" => out.push_str(attribute("text").or(attribute("shortName")).unwrap_or_default()),
        "inlineCard" | "blockCard" | "embedCard" => out.push_str(attribute("url").unwrap_or_default()),
        "listItem" | "taskItem" | "decisionItem" => out.push_str("- "),
        _ => {}
    }
    let is_row = kind == "tableRow";
    for (n, child) in node.get("content").and_then(Value::as_array).into_iter().flatten().enumerate() {
        if is_row && n > 0 {
            out.truncate(out.trim_end_matches('\n').len());
            out.push('\t');
        }
        read(child, out, depth + 1);
    }
    let is_line = matches!(
        kind,
        "paragraph"
            | "heading"
            | "codeBlock"
            | "rule"
            | "tableRow"
            | "taskItem"
            | "decisionItem"
            | "blockCard"
            | "embedCard"
    );
    if is_line && !out.ends_with('\n') && !out.is_empty() {
        out.push('\n');
    }
}
