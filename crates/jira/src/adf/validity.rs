//! Properties that hold for every document: valid against the published schema and the rules beyond it, within the limit,
//! and nothing of its text lost or moved.

use mail::{Block, Cell, Image, ImageSource, Inline, Marks, Rich, Row};
use proptest::prelude::*;
use serde_json::Value;

use super::{LEAST_LIMIT, Options, Shown, Written, text, write};

/// Files are shown where their size is known, else their name is; what is elsewhere is left out.
pub(super) fn shown(image: &Image) -> Shown {
    match &image.source {
        ImageSource::Cid(cid) if image.width.is_some() => Shown::Media {
            id: cid.clone(),
            width: image.width.unwrap_or_default(),
            height: image.height.unwrap_or_default(),
            alt: image.alt.clone(),
        },
        ImageSource::Cid(cid) => Shown::Text(format!("[image: {cid}]")),
        ImageSource::Remote(_) => Shown::Nothing,
    }
}

/// Where data that is not part of the project lies.
fn shared() -> String {
    std::env::var("POSTROOM_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned())
}

/// The published schema, from the shared data; `None` where it is not there.
fn schema() -> Option<jsonschema::Validator> {
    let shared = shared();
    let Ok(file) = std::fs::read(format!("{shared}/specs/jira/adf-full.json")) else {
        eprintln!("skipped: the published ADF schema (shared data not present)");
        return None;
    };
    let schema: Value = serde_json::from_slice(&file).unwrap();
    let schema = jsonschema::draft4::new(&schema).unwrap();
    let bare_text =
        serde_json::json!({"version": 1, "type": "doc", "content": [{"type": "text", "text": "x"}]});
    assert!(!schema.is_valid(&bare_text), "a judge that lets everything pass is none");
    Some(schema)
}

/// What the table of facts asks beyond the schema.
fn check_table(node: &Value, inside: &[&str]) -> Result<(), String> {
    let kind = node["type"].as_str().unwrap_or_default();
    let parent = inside.last().copied().unwrap_or_default();
    let forbidden: &[&str] = match parent {
        "listItem" => &["table", "blockquote", "panel", "heading", "rule", "expand", "nestedExpand"],
        "blockquote" => &["heading", "table", "blockquote", "rule", "expand", "nestedExpand"],
        "tableCell" | "tableHeader" => &["table", "expand"],
        "expand" => &["expand"],
        "nestedExpand" => &["expand", "nestedExpand", "table"],
        _ => &["nestedExpand"],
    };
    if forbidden.contains(&kind) {
        return Err(format!("{kind} in {parent}"));
    }
    let children = node["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    if ["listItem", "tableCell", "tableHeader", "blockquote", "expand", "nestedExpand"].contains(&kind)
        && children.is_empty()
    {
        return Err(format!("empty {kind}"));
    }
    if kind == "text" {
        let text = node["text"].as_str().unwrap_or_default();
        let code = inside.contains(&"codeBlock");
        if text.is_empty() || text.chars().any(|c| c.is_control() && c != '\t' && !(code && c == '\n')) {
            return Err(format!("text {text:?}"));
        }
        let marks: Vec<&str> =
            node["marks"].as_array().into_iter().flatten().filter_map(|m| m["type"].as_str()).collect();
        if code && !marks.is_empty()
            || marks.contains(&"code") && marks.iter().any(|m| *m != "code" && *m != "link")
        {
            return Err(format!("marks {marks:?}"));
        }
    }
    for pair in children.windows(2) {
        if pair[0]["type"] == "text" && pair[1]["type"] == "text" && pair[0]["marks"] == pair[1]["marks"] {
            return Err("texts that could be one".to_owned());
        }
    }
    let inside: Vec<&str> = inside.iter().copied().chain([kind]).collect();
    children.iter().try_for_each(|child| check_table(child, &inside))
}

fn check(schema: Option<&jsonschema::Validator>, got: &Written, limit: usize) -> Result<(), TestCaseError> {
    prop_assert!(got.serialized.len() <= limit.max(LEAST_LIMIT), "{} bytes of {limit}", got.serialized.len());
    let document = got.json();
    prop_assert!(document.is_object(), "no JSON: {}", got.serialized);
    if let Err(fault) = check_table(&document, &[]) {
        return Err(TestCaseError::fail(format!("{fault}: {}", got.serialized)));
    }
    if let Some(schema) = schema
        && let Err(error) = schema.validate(&document)
    {
        return Err(TestCaseError::fail(format!("{error}: {}", got.serialized)));
    }
    Ok(())
}

fn marks() -> impl Strategy<Value = Marks> {
    let link = prop_oneof![
        4 => Just(None),
        2 => Just(Some("https://example.com/\"x\"?a=1".to_owned())),
        1 => "[ -~]{0,20}".prop_map(Some),
    ];
    let color = prop_oneof![4 => Just(None), 2 => "#[0-9a-fA-F]{6}".prop_map(Some), 1 => "[#a-z0-9]{0,8}".prop_map(Some)];
    (any::<[bool; 7]>(), color, link).prop_map(
        |([strong, em, underline, strike, code, sub, sup], color, link)| Marks {
            strong,
            em,
            underline,
            strike,
            code: code && strong,
            sub,
            sup,
            color,
            link,
        },
    )
}

fn inline() -> impl Strategy<Value = Inline> {
    prop_oneof![
        6 => (prop_oneof![prop::collection::vec(any::<char>(), 0..12).prop_map(String::from_iter), "[a-z ]{0,60}".boxed()], marks())
            .prop_map(|(text, marks)| Inline::Text { text, marks }),
        1 => Just(Inline::Break),
        1 => (any::<bool>(), "[a-z\"\\u{0}]{0,6}", prop::option::of(0_u32..3000)).prop_map(|(cid, source, width)| {
            let source = if cid { ImageSource::Cid(source.clone()) } else { ImageSource::Remote(source.clone()) };
            Inline::Image(Image { source, alt: "a\u{7}\"".to_owned(), width, height: width })
        }),
    ]
}

fn block() -> impl Strategy<Value = Block> {
    let inlines = || prop::collection::vec(inline(), 0..6);
    let leaf = prop_oneof![
        6 => inlines().prop_map(Block::Paragraph),
        1 => (0_u8..9, inlines()).prop_map(|(level, content)| Block::Heading { level, content }),
        1 => "[a-z\\n\\t\\u{0}]{0,30}".prop_map(Block::Code),
        1 => Just(Block::Rule),
    ];
    leaf.prop_recursive(7, 60, 4, |inner| {
        let blocks = || prop::collection::vec(inner.clone(), 0..4);
        let cell = (any::<bool>(), 0_u16..4, 0_u16..5, blocks())
            .prop_map(|(header, colspan, rowspan, blocks)| Cell { header, colspan, rowspan, blocks });
        let row = prop::collection::vec(cell, 0..3).prop_map(|cells| Row { cells });
        prop_oneof![
            (prop::option::of(0_u32..50), prop::collection::vec(blocks(), 0..4))
                .prop_map(|(start, items)| Block::List { start, items }),
            blocks().prop_map(Block::Quote),
            prop::collection::vec(row, 0..3).prop_map(Block::Table),
        ]
    })
}

/// The letters of a document in their order, to see that nothing is lost or moved.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

fn own_letters(blocks: &[Block], out: &mut String) {
    for block in blocks {
        match block {
            Block::Paragraph(content) | Block::Heading { content, .. } => {
                for inline in content {
                    inline_letters(inline, out);
                }
            }
            Block::List { items, .. } => items.iter().for_each(|item| own_letters(item, out)),
            Block::Quote(inner) => own_letters(inner, out),
            Block::Code(text) => out.push_str(&letters(text)),
            Block::Table(rows) => {
                rows.iter().flat_map(|row| &row.cells).for_each(|cell| own_letters(&cell.blocks, out));
            }
            Block::Rule => {}
        }
    }
}

fn inline_letters(inline: &Inline, out: &mut String) {
    match inline {
        Inline::Text { text, .. } => out.push_str(&letters(text)),
        Inline::Image(image) => match shown(image) {
            Shown::Text(text) => out.push_str(&letters(&text)),
            // Without an id there is nothing to show.
            Shown::Media { id, .. } if !id.chars().any(super::is_allowed) => out.push_str("imagea"),
            Shown::Media { .. } | Shown::Nothing => {}
        },
        Inline::Break => {}
    }
}

#[test]
fn any_document_is_valid_within_the_limit_and_keeps_its_text_in_order() {
    let schema = schema();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let input = (prop::collection::vec(block(), 0..6), prop_oneof![Just(32_767_usize), 1_000_usize..6_000]);
    runner
        .run(&input, |(blocks, limit)| {
            let rich = Rich { blocks };
            let got = write(&rich, &Options { limit, whole_is_in: "mail.html", image: &shown });
            check(schema.as_ref(), &got, limit)?;
            if !got.cut {
                let mut expected = String::new();
                own_letters(&rich.blocks, &mut expected);
                prop_assert_eq!(letters(&text(&got.json())), expected);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn any_html_becomes_a_valid_document() {
    let schema = schema();
    let tag = "(p|div|b|i|a href='https://e.com/x'|a href=javascript:x|ul|ol start=3|li|table|tr|td|td colspan=3|th|blockquote|pre|h1|br|hr|img src=cid:a@b width=9|span style='color:#123456'|sub|code|font color=red)";
    let piece = prop_oneof![
        3 => tag.prop_map(|tag| format!("<{tag}>")),
        2 => "(p|div|b|i|a|ul|ol|li|table|tr|td|blockquote|pre|h1|span|code)".prop_map(|tag| format!("</{tag}>")),
        3 => "[a-z &;<\\u{0}\\u{202e}é]{0,30}".prop_map(|text| text),
    ];
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(
            &(prop::collection::vec(piece, 0..80), prop_oneof![Just(32_767_usize), 1_000_usize..4_000]),
            |(pieces, limit)| {
                let rich = Rich::from_html(&pieces.concat());
                let got = write(&rich, &Options { limit, whole_is_in: "mail.html", image: &shown });
                check(schema.as_ref(), &got, limit)
            },
        )
        .unwrap();
}

#[test]
fn every_real_mail_becomes_a_valid_document() {
    let schema = schema();
    let shared = shared();
    let mut folders = vec![std::path::PathBuf::from(format!("{shared}/corpora/mail"))];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(bytes) = std::fs::read(&path) else { continue };
            let Ok(mail) = mail::parse(&bytes) else { continue };
            let rich = mail.rich();
            for limit in [32_767, 2_500] {
                let got = write(&rich, &Options { limit, whole_is_in: "mail.html", image: &shown });
                if let Err(error) = check(schema.as_ref(), &got, limit) {
                    panic!("{}: {error}", path.display());
                }
            }
            let line = crate::summary(&mail.subject);
            assert!(
                !line.is_empty() && line.encode_utf16().count() <= crate::SUMMARY_LIMIT,
                "{}",
                path.display()
            );
            let (text, _) = crate::wiki::write_within(&rich, crate::TEXT_LIMIT, "mail.html");
            assert!(text.len() <= crate::TEXT_LIMIT, "{}", path.display());
            seen += 1;
        }
    }
    if seen == 0 {
        eprintln!("skipped: real mails (shared data not present)");
    }
}
