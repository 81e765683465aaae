//! Plain text becomes the document a reader sees in it.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn paragraph(text: &str) -> Block {
    Block::Paragraph(vec![Inline::Text { text: text.into(), marks: Marks::default() }])
}

fn links(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for block in Rich::from_text(text).blocks {
        let Block::Paragraph(content) = block else { continue };
        for inline in content {
            if let Inline::Text { text, marks: Marks { link: Some(link), .. } } = inline {
                out.push((text, link));
            }
        }
    }
    out
}

#[test]
fn blank_lines_part_paragraphs_and_quotes_nest() {
    let rich = Rich::from_text("one\n\n\n> two\n>> three\n> > four\n\nfive");
    assert_eq!(
        rich.blocks,
        vec![
            paragraph("one"),
            Block::Quote(vec![
                paragraph("two"),
                Block::Quote(vec![Block::Paragraph(vec![
                    Inline::Text { text: "three".into(), marks: Marks::default() },
                    Inline::Break,
                    Inline::Text { text: "four".into(), marks: Marks::default() },
                ])]),
            ]),
            paragraph("five"),
        ]
    );
}

#[test]
fn lines_that_look_like_items_stay_lines() {
    assert_eq!(Rich::from_text("- a\n- b").to_text(), "- a\n- b\n");
}

#[rstest]
#[case("see https://x.example/a_(b).", "https://x.example/a_(b)", "https://x.example/a_(b)")]
#[case("(https://x.example/)", "https://x.example/", "https://x.example/")]
#[case("www.x.example, ok", "www.x.example", "http://www.x.example")]
#[case("write to anna@x.example.", "anna@x.example", "mailto:anna@x.example")]
#[case("<HTTPS://X.example>", "HTTPS://X.example", "https://X.example")]
fn addresses_become_links(#[case] text: &str, #[case] shown: &str, #[case] target: &str) {
    assert_eq!(links(text), vec![(shown.to_owned(), target.to_owned())]);
}

#[rstest]
#[case("javascript:alert(1)")]
#[case("http:// x")]
#[case("a@b")]
#[case("file:///etc/passwd")]
fn what_is_no_address_stays_text(#[case] text: &str) {
    assert_eq!(links(text), vec![]);
}

#[test]
fn endless_brackets_after_an_address_take_linear_time() {
    assert_eq!(
        links(&format!("http://x.example/{}", ")".repeat(500_000))),
        [("http://x.example/".to_owned(), "http://x.example/".to_owned())]
    );
}

#[test]
fn flowed_lines_join_and_fixed_lines_do_not() {
    let text = "a long \nline\n\n> quoted \n> on\nplain\n-- \nAnna\n";
    assert_eq!(unflow(text, TextFormat::Flowed), "a long line\n\n> quoted on\nplain\n-- \nAnna\n");
    assert_eq!(unflow("ab \ncd", TextFormat::FlowedDelSp), "abcd\n");
    assert_eq!(unflow(text, TextFormat::Fixed), text);
}

#[test]
fn a_text_beyond_the_bound_is_cut_and_says_so() {
    let rich = Rich::from_text(&"word ".repeat(MAX_TEXT));
    assert!(rich.to_text().len() < MAX_TEXT + 200);
    assert_eq!(rich.blocks.last(), Some(&cut_notice()));
}

proptest! {
    #[test]
    fn any_text_gives_a_sound_document(text in any::<String>()) {
        prop_assert_eq!(Rich::from_text(&text).check(), Ok(()));
        prop_assert_eq!(Rich::from_text_in(&text, TextFormat::Flowed).check(), Ok(()));
    }

    #[test]
    fn any_quoting_gives_a_sound_document(text in "[> \na.@:/-]{0,200}") {
        prop_assert_eq!(Rich::from_text(&text).check(), Ok(()));
    }

    #[test]
    fn no_word_is_lost(words in prop::collection::vec("[a-z]{1,8}", 1..30)) {
        let shown = Rich::from_text(&words.join("\n")).to_text();
        let seen: Vec<&str> = shown.split_whitespace().collect();
        prop_assert_eq!(seen, words);
    }

    #[test]
    fn text_as_html_shows_the_same(text in "[a-z<>&\"' \n]{0,100}") {
        let direct: Vec<String> = Rich::from_html(&to_html(&text)).to_text().split_whitespace().map(ToOwned::to_owned).collect();
        let plain: Vec<String> = text.split_whitespace().map(ToOwned::to_owned).collect();
        prop_assert_eq!(direct, plain);
    }
}
