//! Documents: the own rules against the published schema, wiki markup both ways, HTML.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{adf, html, wiki};
use super::{doc, shared};

fn schema() -> Option<jsonschema::Validator> {
    let text = shared("specs/jira/adf-full.json")?;
    let schema: Value = serde_json::from_str(&text).expect("the schema is JSON");
    Some(
        jsonschema::options()
            .with_draft(jsonschema::Draft::Draft4)
            .build(&schema)
            .expect("the schema compiles"),
    )
}

#[allow(clippy::needless_pass_by_value, reason = "reads better where it is called")]
fn root(content: Value) -> Value {
    json!({"type": "doc", "version": 1, "content": content})
}

fn paragraph() -> Value {
    json!({"type": "paragraph", "content": [{"type": "text", "text": "x"}]})
}

/// Each rule of the nesting table: what fits and what does not.
#[test]
fn nesting_rules() {
    let cell = |inner: Value| json!([{"type": "table", "content": [{"type": "tableRow", "content": [{"type": "tableCell", "content": inner}]}]}]);
    let list =
        |inner: Value| json!([{"type": "bulletList", "content": [{"type": "listItem", "content": inner}]}]);
    let quote = |inner: Value| json!([{"type": "blockquote", "content": inner}]);
    let heading = json!({"type": "heading", "attrs": {"level": 1}});
    let table = cell(json!([paragraph()]))[0].clone();
    let marked = |marks: Value| json!([{"type": "paragraph", "content": [{"type": "text", "text": "x", "marks": marks}]}]);
    for good in [
        json!([]),
        json!([{"type": "paragraph"}]),
        cell(json!([paragraph(), heading])),
        list(json!([paragraph(), {"type": "codeBlock"}])),
        quote(json!([paragraph()])),
        json!([{"type": "expand", "attrs": {"title": "t"}, "content": [table]}]),
        marked(json!([{"type": "strong"}, {"type": "textColor", "attrs": {"color": "#aa00FF"}}])),
        marked(json!([{"type": "code"}, {"type": "link", "attrs": {"href": "https://a.test"}}])),
    ] {
        assert_eq!(adf::check(&root(good.clone())), Ok(()), "{good}");
    }
    for bad in [
        cell(json!([])),
        cell(json!([table])),
        list(json!([])),
        list(json!([heading])),
        list(json!([table])),
        quote(json!([heading])),
        quote(quote(json!([paragraph()]))),
        json!([{"type": "heading", "attrs": {"level": 7}}]),
        json!([{"type": "paragraph", "content": [{"type": "text", "text": ""}]}]),
        json!([{"type": "codeBlock", "content": [{"type": "text", "text": "x", "marks": [{"type": "em"}]}]}]),
        json!([{"type": "panel", "attrs": {"panelType": "loud"}, "content": [paragraph()]}]),
        json!([{"type": "expand", "content": [{"type": "expand", "content": [paragraph()]}]}]),
        json!([{"type": "text", "text": "x"}]),
        json!([{"type": "invention"}]),
        json!([{"type": "paragraph", "extra": 1}]),
        marked(json!([{"type": "code"}, {"type": "strong"}])),
        marked(json!([{"type": "textColor", "attrs": {"color": "red"}}])),
        json!([{"type": "mediaSingle", "attrs": {"layout": "center"}, "content": [{"type": "media",
            "attrs": {"type": "file", "id": "x"}}]}]),
    ] {
        assert!(adf::check(&root(bad.clone())).is_err(), "{bad}");
    }
    for bad in [
        json!("text"),
        json!({"type": "doc", "content": []}),
        json!({"type": "doc", "version": 2, "content": []}),
    ] {
        assert!(adf::check(&bad).is_err(), "{bad}");
    }
    let flaw = adf::check(&root(list(json!([paragraph(), heading])))).expect_err("a heading in a list");
    assert_eq!(flaw.to_string(), "/content/0/content/0/content/1: heading is not allowed in listItem");
}

/// Trees of nodes that are often, but not always, valid.
fn node() -> impl Strategy<Value = Value> {
    let marks = prop::sample::subsequence(
        vec![
            json!({"type": "strong"}),
            json!({"type": "code"}),
            json!({"type": "subsup", "attrs": {"type": "sub"}}),
            json!({"type": "link", "attrs": {"href": "https://a.test"}}),
            json!({"type": "alignment", "attrs": {"align": "end"}}),
        ],
        0..3,
    );
    let text = (".{0,3}", marks.clone())
        .prop_map(|(text, marks)| json!({"type": "text", "text": text, "marks": marks}));
    let leaf = prop_oneof![
        text,
        Just(json!({"type": "hardBreak"})),
        Just(json!({"type": "rule"})),
        Just(json!({"type": "text", "text": "x"})),
        Just(json!({"type": "emoji", "attrs": {"shortName": ":x:"}})),
        Just(json!({"type": "media", "attrs": {"type": "file", "id": "1", "collection": ""}})),
        Just(json!({"type": "status", "attrs": {"text": "x", "color": "blue"}})),
        Just(json!({"type": "inlineCard", "attrs": {"url": "https://a.test"}})),
    ];
    let kinds = prop::sample::select(vec![
        "paragraph",
        "heading",
        "bulletList",
        "listItem",
        "orderedList",
        "blockquote",
        "codeBlock",
        "panel",
        "table",
        "tableRow",
        "tableCell",
        "tableHeader",
        "expand",
        "nestedExpand",
        "mediaSingle",
        "mediaGroup",
        "taskList",
        "taskItem",
    ]);
    leaf.prop_recursive(4, 24, 3, move |inner| {
        (kinds.clone(), prop::collection::vec(inner, 0..3), marks.clone(), 0..9_u8).prop_map(
            |(kind, content, marks, level)| {
                let mut node = json!({"type": kind, "content": content});
                if !marks.is_empty() && level > 6 {
                    node["marks"] = Value::from(marks);
                }
                match kind {
                    "heading" => node["attrs"] = json!({"level": level}),
                    "panel" => node["attrs"] = json!({"panelType": "info"}),
                    "mediaSingle" => node["attrs"] = json!({"layout": "center"}),
                    "nestedExpand" => node["attrs"] = json!({"title": "t"}),
                    "taskList" => node["attrs"] = json!({"localId": "l"}),
                    "taskItem" => node["attrs"] = json!({"localId": "l", "state": "TODO"}),
                    _ => {}
                }
                node
            },
        )
    })
}

proptest! {
    /// What the own rules accept, the published schema accepts: they are never the wider ones.
    #[test]
    fn own_rules_are_within_the_schema(content in prop::collection::vec(node(), 0..4)) {
        static SCHEMA: std::sync::OnceLock<Option<jsonschema::Validator>> = std::sync::OnceLock::new();
        let document = root(Value::from(content));
        if adf::check(&document).is_ok() && let Some(schema) = SCHEMA.get_or_init(schema) {
            prop_assert!(schema.is_valid(&document), "{document:#}");
        }
    }

    /// Any wiki text becomes a valid document; nothing panics on the way back or to HTML.
    #[test]
    fn wiki_always_becomes_a_valid_document(
        text in prop::collection::vec("(h[0-9]\\. |bq\\. |[*#-]{1,4} |\\|{1,2}|\\{quote\\}|\\{code:a\\}|\\{panel\\}|----|)[-a*_+^~{}\\[\\]|\\\\! ü]{0,12}", 0..12)
    ) {
        let document = wiki::read(&text.join("\n"));
        prop_assert_eq!(adf::check(&document), Ok(()));
        let again = wiki::read(&wiki::write(&document));
        prop_assert_eq!(adf::check(&again), Ok(()));
        let html = html::render(&document, &|_| None);
        prop_assert!(!html.contains("<script"));
    }
}

/// Words survive the way from a document to wiki markup and back.
#[test]
fn wiki_round_trip() {
    let document = root(json!([
        {"type": "heading", "attrs": {"level": 2}, "content": [{"type": "text", "text": "Title"}]},
        {"type": "paragraph", "content": [
            {"type": "text", "text": "plain {code} [x] "},
            {"type": "text", "text": "bold", "marks": [{"type": "strong"}]},
            {"type": "hardBreak"},
            {"type": "text", "text": "site", "marks": [{"type": "link", "attrs": {"href": "https://a.test"}}]}]},
        {"type": "bulletList", "content": [{"type": "listItem", "content": [
            paragraph(), {"type": "orderedList", "content": [{"type": "listItem", "content": [paragraph()]}]}]}]},
        {"type": "codeBlock", "attrs": {"language": "rust"}, "content": [{"type": "text", "text": "fn x() {}\n\nend"}]},
        {"type": "blockquote", "content": [paragraph()]},
        {"type": "rule"},
        {"type": "table", "content": [{"type": "tableRow", "content": [
            {"type": "tableHeader", "content": [paragraph()]}, {"type": "tableHeader", "content": [paragraph()]}]}]},
    ]));
    assert_eq!(adf::check(&document), Ok(()));
    assert_eq!(wiki::read(&wiki::write(&document)), document);
    assert_eq!(adf::text(&doc("words")), "words");
}
