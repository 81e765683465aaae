//! Pages become the documents that their readers saw.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::rich::{Block, Image, ImageSource, Inline, Marks};

fn text(html: &str) -> String {
    let rich = Rich::from_html(html);
    assert_eq!(rich.check(), Ok(()));
    rich.to_text()
}

fn marks_of(html: &str) -> Vec<(String, Marks)> {
    let mut out = Vec::new();
    for block in Rich::from_html(html).blocks {
        if let Block::Paragraph(content) | Block::Heading { content, .. } = block {
            out.extend(content.into_iter().filter_map(|inline| match inline {
                Inline::Text { text, marks } => Some((text, marks)),
                _ => None,
            }));
        }
    }
    out
}

#[rstest]
#[case::white_space("<p>  one \n <b>two</b>\t three </p>", "one two three\n")]
#[case::space_between_marks("<b>one</b> <i>two</i>", "one two\n")]
#[case::no_space_between_marks("<b>on</b><i>e</i>", "one\n")]
#[case::hard_space("one&nbsp;&nbsp;two", "one  two\n")]
#[case::paragraphs("<p>one</p><p>two</p>", "one\n\ntwo\n")]
#[case::lines_of_divs("<div>one</div><div>two</div><div><br></div><div>three</div>", "one\ntwo\n\nthree\n")]
#[case::break_at_the_end("<div>one<br></div><div>two</div>", "one\ntwo\n")]
#[case::two_breaks("one<br><br>two", "one\n\ntwo\n")]
#[case::word_lines(
    "<p class=MsoNormal>one</p><p class=MsoNormal>two</p><p class=MsoNormal><o:p>&nbsp;</o:p></p><p class=MsoNormal>three</p>",
    "one\ntwo\n\nthree\n"
)]
#[case::script("<script>x</script><style>p{}</style><title>t</title>one", "one\n")]
#[case::hidden(
    "<div style='display:none'>x</div><span hidden>y</span><p style='mso-hide:all'>z</p>one",
    "one\n"
)]
#[case::preview("<div style='max-height:0;overflow:hidden'>preview</div>one", "one\n")]
#[case::conditional("<!--[if mso]><p>x</p><![endif]--><![if !mso]>one<![endif]>", "one\n")]
#[case::comment("one<!-- <p>x</p> -->two<!---->three", "onetwothree\n")]
#[case::list("<ul><li>one<li>two<ul><li>deep</ul></ul>", "- one\n- two\n\n  - deep\n")]
#[case::list_in_list("<ul><li>one</li><ul><li>deep</li></ul></ul>", "- one\n\n  - deep\n")]
#[case::numbers("<ol start=3><li>a</li><li></li><li>b</li></ol>", "3. a\n4. b\n")]
#[case::quotes("<blockquote>one<blockquote>two</blockquote></blockquote>", "> one\n>\n> > two\n")]
#[case::empty_quote("one<blockquote> </blockquote>two", "one\n\ntwo\n")]
#[case::code("<pre>\na\n  b\n</pre>", "a\n  b\n")]
#[case::kept_lines("<div style='white-space:pre-wrap'>a\nb</div>", "a\nb\n")]
#[case::heading("<h2>Head</h2>body", "Head\n\nbody\n")]
#[case::rule("one<hr>two", "one\n\n---\n\ntwo\n")]
#[case::separator("<div>one</div><div style='border-top:solid #E1E1E1 1.0pt'>two</div>", "one\n\ntwo\n")]
#[case::word_list(
    "<p class=MsoListParagraph><span style='mso-list:Ignore'>·<span>&nbsp;&nbsp; </span></span>item</p>",
    "• item\n"
)]
#[case::noscript("<noscript>shown</noscript>", "shown\n")]
#[case::entities("a &lt;b&gt; &amp; c &#x1F600;", "a <b> & c \u{1F600}\n")]
#[case::controls("a&#1;b\u{202E}c\u{AD}d", "abcd\n")]
#[case::empty("<html><body><p>&nbsp;</p><div></div></body></html>", "")]
fn a_page_reads_as_it_looked(#[case] html: &str, #[case] want: &str) {
    assert_eq!(text(html), want);
}

#[test]
fn marks_come_from_tags_and_from_styles() {
    let bold = Marks { strong: true, ..Marks::default() };
    let found = marks_of(
        "<b>a</b>b<span style='font-weight:bold'>c</span><b><span style='font-weight:normal'>d</span></b>",
    );
    assert_eq!(
        found,
        vec![
            ("a".into(), bold.clone()),
            ("b".into(), Marks::default()),
            ("c".into(), bold),
            ("d".into(), Marks::default())
        ]
    );
    let found =
        marks_of("<font color=red><u><s><i>a</i></s></u></font><sub>b</sub><sup>c</sup><code>d</code>");
    assert_eq!(
        found[0].1,
        Marks { em: true, underline: true, strike: true, color: Some("#ff0000".into()), ..Marks::default() }
    );
    assert!(found[1].1.sub && found[2].1.sup && found[3].1.code);
}

#[rstest]
#[case("<a href='https://x.example/a b'>l</a>", Some("https://x.example/a%20b"))]
#[case("<a href=' HTTP://x.example\n/a '>l</a>", Some("http://x.example/a"))]
#[case("<a href='mailto:a@x.example?subject=b'>l</a>", Some("mailto:a@x.example?subject=b"))]
#[case("<a href='tel:+491234'>l</a>", Some("tel:+491234"))]
#[case("<a href='javascript:alert(1)'>l</a>", None)]
#[case("<a href='java\nscript:alert(1)'>l</a>", None)]
#[case("<a href='data:text/html,x'>l</a>", None)]
#[case("<a href='#top'>l</a>", None)]
#[case("<a href='/relative'>l</a>", None)]
#[case("<a href='file:///c:/x'>l</a>", None)]
fn links_lead_only_where_they_may(#[case] html: &str, #[case] want: Option<&str>) {
    assert_eq!(marks_of(html)[0].1.link.as_deref(), want);
}

#[test]
fn images_are_kept_and_pixels_are_dropped() {
    let html = "<img src='cid:a%40x' width=20 height='30px' alt='Logo'><img src='https://x.example/b.png' style='width:75pt'>\
        <img src='https://x.example/p.gif' width=1 height=1><img src=cid:spacer height=0>\
        <img src='data:image/png;base64,AAAA'><img src=relative.png><img src='https://x.example/e.png' alt='\u{1F600}'>";
    let rich = Rich::from_html(html);
    let images: Vec<Image> = rich.images().into_iter().cloned().collect();
    assert_eq!(
        images,
        vec![
            Image {
                source: ImageSource::Cid("a@x".into()),
                alt: "Logo".into(),
                width: Some(20),
                height: Some(30)
            },
            Image {
                source: ImageSource::Remote("https://x.example/b.png".into()),
                alt: String::new(),
                width: Some(100),
                height: None
            },
        ]
    );
    assert!(rich.to_text().ends_with("\u{1F600}\n"));
}

#[rstest]
#[case::header("<table><tr><th>a<th>b<tr><td>1<td>2</table>", true)]
#[case::border("<table border=1><tr><td>a<td>b<tr><td>1<td>2</table>", true)]
#[case::word_grid("<table class=MsoTableGrid><tr><td>a<td>b<tr><td>1<td>2</table>", true)]
#[case::cell_borders(
    "<table><tr><td style='border:solid 1pt'>a<td style='border:solid 1pt'>b<tr><td>1<td>2</table>",
    true
)]
#[case::grid("<table><tr><td>a<td>b<tr><td>1<td>2<tr><td>3<td>4</table>", true)]
#[case::role("<table role=presentation border=1><tr><td>a<td>b<tr><td>1<td>2</table>", false)]
#[case::one_column("<table border=1><tr><td>a<tr><td>b</table>", false)]
#[case::nested("<table border=1><tr><td>a<td><table><tr><td>b</table><tr><td>1<td>2</table>", false)]
#[case::one_row("<table><tr><td>a<td>b</table>", false)]
#[case::pictures("<table><tr><td><img src=cid:a>x<td>b<tr><td>1<td>2<tr><td>3<td>4</table>", false)]
#[case::empty("<table border=1><tr><td><td><tr><td><td></table>", false)]
fn layout_is_told_from_data(#[case] html: &str, #[case] data: bool) {
    let found = Rich::from_html(html).blocks.iter().any(|b| matches!(b, Block::Table(_)));
    assert_eq!(found, data);
}

#[test]
fn a_layout_table_becomes_paragraphs_and_loses_no_word() {
    let html = "<table width=600><tr><td><table><tr><td>Dear Anna</td></tr><tr><td>your order</td><td>is here</td></tr></table></td></tr></table>";
    assert_eq!(text(html), "Dear Anna\n\nyour order\nis here\n");
}

#[test]
fn spans_are_kept_within_the_table() {
    let rich =
        Rich::from_html("<table border=1><tr><td rowspan=99 colspan=0>a<td>b<tr><td colspan=9999>c</table>");
    let Some(Block::Table(rows)) = rich.blocks.first() else { panic!("{rich:?}") };
    let spans: Vec<(u16, u16)> = rows.iter().flat_map(|r| &r.cells).map(|c| (c.colspan, c.rowspan)).collect();
    assert_eq!(spans, [(1, 2), (1, 1), (100, 1)]);
}

#[test]
fn ids_that_a_page_refers_to_are_found() {
    let found = referenced_ids(
        "<img src=\"cid:a@x\"><td background='CID:b%40x'><p style=\"background:url(cid:c@x)\">cid:",
    );
    let mut found: Vec<String> = found.into_iter().collect();
    found.sort();
    assert_eq!(found, ["a@x", "b@x", "c@x"]);
}

#[test]
fn endless_ids_take_linear_time() {
    assert!(referenced_ids(&"cid:".repeat(1_000_000)).len() <= 2);
}

#[test]
fn the_words_of_a_page_remain_without_its_tags() {
    assert_eq!(bare_words("<p class='x'>one</p>a > b<br>two"), " one a > b two");
}

#[rstest]
#[case::divs("<div>", "</div>")]
#[case::quotes("<blockquote>", "</blockquote>")]
#[case::lists("<ul><li>", "</li></ul>")]
#[case::tables("<table><tr><td>", "</td></tr></table>")]
#[case::data_tables("<table border=1><tr><td>a<td>", "</td></tr></table>")]
#[case::spans("<span>", "</span>")]
#[case::marks("<b><i>", "</i></b>")]
#[case::fonts("<font color=red><p>", "</font>")]
#[case::headings("<h1><h2>", "")]
#[case::svg("<svg><g>", "")]
#[case::never_closed("<b><p><a href=x>", "")]
#[case::templates("<template>", "</template>")]
fn endless_nesting_is_survived_and_its_text_stays(#[case] open: &str, #[case] close: &str) {
    let html = format!("before{}deep{}after", open.repeat(100_000), close.repeat(100_000));
    let rich = Rich::from_html(&html);
    assert_eq!(rich.check(), Ok(()));
    assert!(rich.to_text().starts_with("before"));
    assert!(rich.to_text().len() < html.len());
}

#[test]
fn hostile_tags_are_survived() {
    for html in [
        format!("one<a {}>two", "x".repeat(2) + &" y z".repeat(300_000)),
        (0..100_000).map(|n| format!(" a{n}=1")).fold("one<a".to_owned(), |all, one| all + &one),
        "<a b=\"".repeat(200_000),
        "<table>".to_owned() + &"<x>y".repeat(100_000),
        (0..50_000).map(|n| format!("<font color=#{n:06x}>x<p>")).collect::<Vec<_>>().concat(),
        "<!--".repeat(200_000),
        "<select><option>".repeat(50_000),
        "one".to_owned() + &"&amp".repeat(300_000),
    ] {
        let rich = Rich::from_html(&html);
        assert_eq!(rich.check(), Ok(()));
    }
}

#[test]
fn a_page_beyond_the_bound_is_cut_and_says_so() {
    let rich = Rich::from_html(&"<p>word word word</p>".repeat(200_000));
    assert_eq!(rich.blocks.last(), Some(&cut_notice()));
    assert!(rich.to_text().len() <= crate::rich::MAX_TEXT * 2);
    let image = format!("<p>a</p><img src=\"data:image/png;base64,{}\"><p>b</p>", "A".repeat(3 << 20));
    assert_eq!(text(&image), "a\n\nb\n");
}

const TAGS: [&str; 44] = [
    "<p>",
    "</p>",
    "<div>",
    "</div>",
    "<b>",
    "</b>",
    "<i>",
    "</i>",
    "<table>",
    "</table>",
    "<tr>",
    "<td>",
    "<th>",
    "<ul>",
    "</ul>",
    "<ol start=2>",
    "<li>",
    "<blockquote>",
    "</blockquote>",
    "<pre>",
    "</pre>",
    "<br>",
    "<hr>",
    "<h1>",
    "</h1>",
    "<a href='https://x.example'>",
    "</a>",
    "<img src='cid:a'>",
    "<img src='https://x.example/a'>",
    "<span style='color:red'>",
    "</span>",
    "<span style='mso-list:Ignore'>",
    "<o:p>",
    "</o:p>",
    "&nbsp;",
    " ",
    "\n",
    "word",
    "<!--",
    "-->",
    "<table border=1>",
    "<caption>",
    "<select>",
    "<svg>",
];

proptest! {
    #[test]
    fn any_string_gives_a_sound_document(html in any::<String>()) {
        prop_assert_eq!(Rich::from_html(&html).check(), Ok(()));
    }

    #[test]
    fn any_soup_of_tags_gives_a_sound_document(order in prop::collection::vec(0..TAGS.len(), 0..120)) {
        let html: String = order.into_iter().map(|n| TAGS[n]).collect();
        prop_assert_eq!(Rich::from_html(&html).check(), Ok(()));
    }

    #[test]
    fn what_is_kept_once_is_kept_unchanged(link in "(https?|mailto|tel):.{0,60}") {
        if let Some(safe) = safe_link(&link) {
            prop_assert_eq!(safe_link(&safe), Some(safe.clone()));
        }
    }
}
