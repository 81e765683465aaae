use mail::{Block, Cell, Image, ImageSource, Inline, Marks, Rich, Row};
use serde_json::{Value, json};

use super::validity::shown;
use super::{Options, Shown, text, write};

fn nothing(_: &Image) -> Shown {
    Shown::Nothing
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
