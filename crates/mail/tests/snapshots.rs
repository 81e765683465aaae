//! Hand-written mail of the kinds that a help desk gets most, and exactly what is made of it.

use mail::{Mail, parse};

/// What a reviewer wants to see of a mail: everything but its header list.
fn shown(name: &str) -> String {
    let path = format!("{}/tests/mails/{name}.eml", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).expect("the sample");
    let mail = parse(&bytes).expect("readable");
    let rich = mail.rich();
    rich.check().expect("a sound document");
    let blocks: Vec<String> = rich.blocks.iter().map(|b| serde_json::to_string(b).expect("JSON")).collect();
    let short = Mail { headers: Vec::new(), text: None, html: None, ..mail.clone() };
    format!(
        "{}\n\n== text\n{}\n== document\n{}\n\n== document as text\n{}",
        serde_json::to_string_pretty(&short).expect("JSON"),
        mail.text.unwrap_or_default(),
        blocks.join("\n"),
        rich.to_text(),
    )
}

#[test]
fn an_outlook_reply() {
    insta::assert_snapshot!(shown("outlook"));
}

#[test]
fn a_gmail_reply() {
    insta::assert_snapshot!(shown("gmail"));
}

#[test]
fn a_plain_text_reply() {
    insta::assert_snapshot!(shown("plain-reply"));
}

#[test]
fn a_bounce() {
    insta::assert_snapshot!(shown("bounce"));
}

#[test]
fn a_mail_through_a_list() {
    insta::assert_snapshot!(shown("list"));
}
