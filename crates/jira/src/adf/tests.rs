use mail::{Block, Cell, Image, ImageSource, Inline, Marks, Rich, Row};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{LEAST_LIMIT, Options, Shown, Written, text, write};

fn nothing(_: &Image) -> Shown {
    Shown::Nothing
}

fn shown(image: &Image) -> Shown {
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

fn written(blocks: Vec<Block>) -> Value {
    write(&Rich { blocks }, &Options { limit: crate::TEXT_LIMIT, whole_is_in: "mail.html", image: &shown })
        .json()
}

fn content(blocks: Vec<Block>) -> Value {
    written(blocks)["content"].take()
}

fn say(text: &str) -> Inline {
    Inline::Text { text: text.to_owned(), marks: Marks::default() }
}

fn p(text: &str) -> Block {
    Block::Paragraph(vec![say(text)])
}

fn picture(cid: &str, width: Option<u32>) -> Inline {
    Inline::Image(Image {
        source: ImageSource::Cid(cid.to_owned()),
        alt: "a".to_owned(),
        width,
        height: width,
    })
}

fn table(blocks: Vec<Block>) -> Block {
    Block::Table(vec![Row { cells: vec![Cell { header: false, colspan: 1, rowspan: 1, blocks }] }])
}

fn para(text: &str) -> Value {
    json!({"type": "paragraph", "content": [{"type": "text", "text": text}]})
}

#[test]
fn an_image_splits_its_paragraph_or_stands_as_text_or_is_left_out() {
    let remote = Inline::Image(Image {
        source: ImageSource::Remote("https://x/y".to_owned()),
        alt: String::new(),
        width: None,
        height: None,
    });
    let paragraph =
        vec![say("before "), picture("uuid", Some(40)), say("after"), picture("b.png", None), remote];
    assert_eq!(
        content(vec![Block::Paragraph(paragraph)]),
        json!([
            para("before "),
            {"type": "mediaSingle", "attrs": {"layout": "center"}, "content": [
                {"type": "media", "attrs": {"type": "file", "id": "uuid", "collection": "", "width": 40, "height": 40, "alt": "a"}}]},
            para("after[image: b.png]"),
        ])
    );
}

#[test]
fn a_table_in_a_list_is_lifted_out_of_it_and_the_numbers_go_on() {
    let list = Block::List {
        start: Some(3),
        items: vec![vec![p("a")], vec![p("b"), table(vec![p("t")]), p("c")], vec![p("d")]],
    };
    let kinds: Vec<(String, Value)> = content(vec![list])
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["type"].as_str().unwrap().to_owned(), node["attrs"]["order"].clone()))
        .collect();
    let expected = [
        ("orderedList", json!(3)),
        ("table", json!(null)),
        ("paragraph", json!(null)),
        ("orderedList", json!(5)),
    ];
    assert_eq!(kinds, expected.map(|(kind, order)| (kind.to_owned(), order)));
}

#[test]
fn a_plain_quote_is_a_quote_and_one_with_more_in_it_is_folded_up() {
    assert_eq!(
        content(vec![Block::Quote(vec![p("q")])]),
        json!([{"type": "blockquote", "content": [para("q")]}])
    );
    let inner =
        Block::Quote(vec![p("deep"), Block::Quote(vec![p("deeper"), Block::Quote(vec![p("deepest")])])]);
    assert_eq!(
        content(vec![Block::Quote(vec![p("said"), inner, table(vec![])])]),
        json!([{"type": "expand", "attrs": {"title": "Quoted text"}, "content": [
            para("said"),
            {"type": "nestedExpand", "attrs": {"title": "Quoted text"}, "content": [
                para("deep"),
                {"type": "blockquote", "content": [para("deeper"), para("deepest")]},
            ]},
            {"type": "table", "content": [{"type": "tableRow", "content": [
                {"type": "tableCell", "content": [{"type": "paragraph"}]}]}]},
        ]}])
    );
}

#[test]
fn a_table_in_a_cell_becomes_its_text() {
    let cell = content(vec![table(vec![p("a"), table(vec![p("b"), p("c")])])]);
    assert_eq!(cell[0]["content"][0]["content"][0]["content"], json!([para("a"), para("b"), para("c")]));
}

#[test]
fn a_heading_in_a_list_or_quote_is_bold_text() {
    let heading = || Block::Heading { level: 2, content: vec![say("h")] };
    let bold = json!({"type": "paragraph", "content": [{"type": "text", "text": "h", "marks": [{"type": "strong"}]}]});
    let got = content(vec![
        heading(),
        Block::List { start: None, items: vec![vec![heading()]] },
        Block::Quote(vec![heading(), Block::Rule]),
    ]);
    assert_eq!(got[0]["attrs"], json!({"level": 2}));
    assert_eq!(got[1]["content"][0]["content"][0], bold);
    assert_eq!(got[2]["content"][0], bold);
}

#[test]
fn an_item_begins_with_text_even_where_it_holds_only_a_list() {
    let list = Block::List {
        start: None,
        items: vec![vec![Block::List { start: None, items: vec![vec![p("x")]] }]],
    };
    assert_eq!(content(vec![list])[0]["content"][0]["content"][0], json!({"type": "paragraph"}));
}

#[test]
fn code_keeps_only_its_link_and_sub_wins_over_sup() {
    let every = Marks {
        strong: true,
        em: true,
        underline: true,
        strike: true,
        code: true,
        sub: true,
        sup: true,
        color: Some("#c00000".to_owned()),
        link: Some("https://example.com/".to_owned()),
    };
    let marks = |marks: Marks| {
        let mut got = content(vec![Block::Paragraph(vec![Inline::Text { text: "x".to_owned(), marks }])]);
        got[0]["content"][0]["marks"].take()
    };
    let link = json!({"type": "link", "attrs": {"href": "https://example.com/"}});
    assert_eq!(marks(every.clone()), json!([{"type": "code"}, link.clone()]));
    assert_eq!(
        marks(Marks { code: false, ..every }),
        json!([{"type": "strong"}, {"type": "em"}, {"type": "underline"}, {"type": "strike"},
               {"type": "subsup", "attrs": {"type": "sub"}},
               {"type": "textColor", "attrs": {"color": "#c00000"}}, link])
    );
    let bad = Marks {
        link: Some("javascript:alert(1)".to_owned()),
        color: Some("red".to_owned()),
        ..Marks::default()
    };
    assert_eq!(marks(bad), json!(null));
}

#[test]
fn texts_alike_are_merged_and_what_jira_does_not_take_is_gone() {
    let paragraph = vec![Inline::Break, say("a\u{0}\u{1b}b"), say("\u{fffe}c\nd"), Inline::Break, say(" ")];
    assert_eq!(content(vec![Block::Paragraph(paragraph), p(" \u{a0}")]), json!([para("abc d")]));
    assert_eq!(content(vec![]), json!([{"type": "paragraph"}]));
}

#[test]
fn a_long_document_is_cut_between_blocks_and_says_where_the_whole_is() {
    let blocks: Vec<Block> = (0..2_000).map(|n| p(&format!("line {n} of a long mail"))).collect();
    let got = write(&Rich { blocks }, &Options { limit: 32_767, whole_is_in: "mail.html", image: &nothing });
    assert!(got.cut);
    assert!(got.serialized.len() <= 32_767 && got.serialized.len() > 32_000, "{}", got.serialized.len());
    assert!(
        text(&got.json()).ends_with("of a long mail\nThe rest of this mail is in the attachment mail.html.")
    );
}

#[test]
fn a_long_text_is_cut_after_a_word_and_characters_of_many_bytes_stay_whole() {
    for word in ["word ", "слово ", "\u{1f600}", "\"\\"] {
        let got = write(
            &Rich { blocks: vec![p(&word.repeat(20_000))] },
            &Options { limit: 32_767, whole_is_in: "m", image: &nothing },
        );
        assert!(got.cut && got.serialized.len() <= 32_767, "{word}");
        assert!(got.serialized.len() > 32_700, "{word}: {}", got.serialized.len());
        assert!(!text(&got.json()).contains('\u{fffd}'));
    }
}

#[test]
fn one_huge_cell_item_quote_or_code_is_cut_inside() {
    let long: Vec<Block> = (0..3_000).map(|n| p(&format!("line {n}"))).collect();
    let lines = (0..10_000).fold(String::new(), |text, n| text + &format!("line {n}\n"));
    for block in [
        table(long.clone()),
        Block::List { start: None, items: vec![long.clone()] },
        Block::Quote(long.clone()),
        Block::Quote(vec![Block::Quote(long.clone())]),
        Block::Code(lines),
        Block::List {
            start: Some(1),
            items: vec![vec![Block::List { start: None, items: vec![vec![p("x")], long] }]],
        },
    ] {
        let got = write(
            &Rich { blocks: vec![block] },
            &Options { limit: 32_767, whole_is_in: "m", image: &nothing },
        );
        assert!(got.cut && got.serialized.len() <= 32_767);
        assert!(got.serialized.len() > 32_000, "{}", got.serialized.len());
    }
}

#[test]
fn no_depth_can_overflow_the_stack_and_no_text_is_lost_in_it() {
    let mut block = p("ground");
    for n in 0..3_000 {
        block = match n % 3 {
            0 => Block::Quote(vec![block]),
            1 => Block::List { start: None, items: vec![vec![block]] },
            _ => table(vec![block]),
        };
    }
    let rich = Rich { blocks: vec![block] };
    let got = write(&rich, &Options { limit: 32_767, whole_is_in: "m", image: &nothing });
    assert_eq!(text(&got.json()).trim_start_matches(['-', ' ', '\n', '\t']), "ground");
    // Dropping three thousand levels by recursion is the tree's own affair; take it apart level by level here.
    let mut stack = rich.blocks;
    while let Some(block) = stack.pop() {
        match block {
            Block::Quote(inner) => stack.extend(inner),
            Block::List { items, .. } => stack.extend(items.into_iter().flatten()),
            Block::Table(rows) => stack.extend(rows.into_iter().flat_map(|r| r.cells).flat_map(|c| c.blocks)),
            _ => {}
        }
    }
}

#[test]
fn reads_a_document_as_text() {
    let document = json!({"version": 1, "type": "doc", "content": [
        {"type": "paragraph", "content": [
            {"type": "text", "text": "a"}, {"type": "hardBreak"}, {"type": "mention", "attrs": {"id": "1", "text": "@B"}},
            {"type": "emoji", "attrs": {"shortName": ":x:"}}, {"type": "unheard-of"}]},
        {"type": "bulletList", "content": [{"type": "listItem", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "i"}]}]}]},
        {"type": "table", "content": [{"type": "tableRow", "content": [
            {"type": "tableCell", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "l"}]}]},
            {"type": "tableCell", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "r"}]}]}]}]},
    ]});
    assert_eq!(text(&document), "a\n@B:x:\n- i\nl\tr");
    assert_eq!(text(&json!("h1. wiki")), "h1. wiki");
    assert_eq!(text(&json!([1, null])), "");
}

/// The published schema, from the shared data; `None` where it is not there.
fn schema() -> Option<jsonschema::Validator> {
    let shared = std::env::var("POSTROOM_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    let Ok(file) = std::fs::read(format!("{shared}/specs/jira/adf-full.json")) else {
        eprintln!("skipped: the published ADF schema (shared data not present)");
        return None;
    };
    let schema: Value = serde_json::from_slice(&file).unwrap();
    Some(jsonschema::draft4::new(&schema).unwrap())
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
    let mut inlines = |content: &[Inline]| {
        for inline in content {
            match inline {
                Inline::Text { text, .. } => out.push_str(&letters(text)),
                Inline::Image(image) => {
                    if let Shown::Text(text) = shown(image) {
                        out.push_str(&letters(&text));
                    } else if let Shown::Media { id, .. } = shown(image)
                        && !id.chars().any(|c| super::is_allowed(c))
                    {
                        out.push_str("imagea");
                    }
                }
                Inline::Break => {}
            }
        }
    };
    for block in blocks {
        match block {
            Block::Paragraph(content) | Block::Heading { content, .. } => inlines(content),
            _ => match block {
                Block::List { items, .. } => items.iter().for_each(|item| own_letters(item, out)),
                Block::Quote(inner) => own_letters(inner, out),
                Block::Code(text) => out.push_str(&letters(text)),
                Block::Table(rows) => {
                    rows.iter().flat_map(|row| &row.cells).for_each(|cell| own_letters(&cell.blocks, out));
                }
                _ => {}
            },
        }
    }
}

#[test]
fn any_document_is_valid_within_the_limit_and_keeps_its_text_in_order() {
    let schema = schema();
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 400, ..ProptestConfig::default() });
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
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 400, ..ProptestConfig::default() });
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
