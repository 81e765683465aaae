//! Parts are found where they are, and broken structure is told, not guessed over.

use super::*;

fn kinds(raw: &str) -> (Vec<(String, String)>, Vec<String>) {
    let mut problems = Vec::new();
    let parts = split(raw.as_bytes(), &Limits::default(), &mut problems);
    let shown = parts
        .iter()
        .map(|p| {
            (
                p.content_type.kind.clone(),
                String::from_utf8_lossy(&raw.as_bytes()[p.body.clone()]).into_owned(),
            )
        })
        .collect();
    (shown, problems.into_iter().map(|p| p.text).collect())
}

fn leaves(raw: &str) -> Vec<String> {
    let (parts, _) = kinds(raw);
    parts.into_iter().filter(|(kind, _)| !kind.starts_with("multipart/")).map(|(_, body)| body).collect()
}

#[test]
fn parts_end_before_the_line_break_of_their_delimiter() {
    let raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\ntwo\r\n--b--\r\nepilogue";
    assert_eq!(leaves(raw), ["one", "two"]);
    assert_eq!(leaves(&raw.replace("\r\n", "\n")), ["one", "two"]);
    assert_eq!(leaves(&raw.replace("\r\n", "\r")), ["one", "two"]);
    assert_eq!(kinds(raw).1, Vec::<String>::new());
}

#[test]
fn a_boundary_folded_after_its_equals_sign_is_found() {
    let raw = "Content-Type: multipart/mixed;\r\n boundary=\r\n \"b\"\r\n\r\n--b\r\n\r\none\r\n--b--\r\n";
    assert_eq!(leaves(raw), ["one"]);
}

#[test]
fn a_boundary_that_begins_like_another_is_kept_apart() {
    let raw = "Content-Type: multipart/mixed; boundary=Mail-1\n\n--Mail-1\nContent-Type: multipart/mixed; boundary=Mail-12\n\n--Mail-12\n\none\n--Mail-12\n\ntwo\n--Mail-12--\n--Mail-1\n\nthree\n--Mail-1--\n";
    assert_eq!(leaves(raw), ["one", "two", "three"]);
}

#[test]
fn a_delimiter_within_a_line_is_text() {
    let raw = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsee --b here\n --b\n--b\n\ntwo\n--b--\n";
    assert_eq!(leaves(raw), ["see --b here\n --b", "two"]);
}

#[test]
fn an_inner_multipart_that_never_ends_is_ended_by_the_outer() {
    let raw = "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\none\n--o\n\ntwo\n--o--\n";
    assert_eq!(leaves(raw), ["one", "two"]);
}

#[test]
fn a_wrong_boundary_is_replaced_and_told() {
    let raw = "Content-Type: multipart/mixed; boundary=wrong\n\n--right\nContent-Type: text/plain\n\none\n--right--\n";
    assert_eq!(leaves(raw), ["one"]);
    assert_eq!(kinds(raw).1.len(), 1);
}

#[test]
fn a_message_that_is_cut_off_is_told() {
    let raw = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none";
    assert_eq!(leaves(raw), ["one"]);
    assert_eq!(kinds(raw).1, ["it ends before its last part does; it may be cut off"]);
}

#[test]
fn a_digest_holds_messages() {
    let raw = "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\ny\n--b--\n";
    assert_eq!(kinds(raw).0[1], ("message/rfc822".into(), "Subject: x\n\ny".into()));
}

#[test]
fn depth_and_number_of_parts_are_bounded() {
    let level = |n: usize| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n");
    let deep = (0..5_000).map(level).collect::<Vec<_>>().concat();
    let mut problems = Vec::new();
    let parts = split(deep.as_bytes(), &Limits::default(), &mut problems);
    assert!(parts.len() <= 42, "{}", parts.len());
    assert!(problems.iter().any(|p| p.text.contains("nest deeper")));

    let many = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\nx\n".repeat(5_000));
    let mut problems = Vec::new();
    assert_eq!(split(many.as_bytes(), &Limits::default(), &mut problems).len(), 1_000);
    assert!(problems.iter().any(|p| p.text.contains("more than 1000 parts")));
}

#[test]
fn an_envelope_line_and_a_byte_order_mark_are_passed_over() {
    let mut problems = Vec::new();
    let raw = b"\xEF\xBB\xBF\r\nFrom anna@x Mon Nov 23 10:00:00 2026\nSubject: x\n\nbody";
    let parts = split(raw, &Limits::default(), &mut problems);
    assert_eq!(parts[0].fields.first("Subject"), Some("x"));
    assert_eq!(problems, vec![]);
}

#[test]
fn a_line_that_lost_its_indent_belongs_to_the_field_above() {
    let mut problems = Vec::new();
    let raw = b"Subject: one\ntwo three\nFrom: a@x\n\nbody";
    let parts = split(raw, &Limits::default(), &mut problems);
    assert_eq!(parts[0].fields.first("Subject"), Some("one two three"));
    assert_eq!(parts[0].fields.first("From"), Some("a@x"));
    assert_eq!(problems.len(), 1);
}

#[test]
fn text_with_a_colon_is_no_header() {
    let mut problems = Vec::new();
    let raw = b"Subject: one\nHello there\nNote: see below\n";
    let parts = split(raw, &Limits::default(), &mut problems);
    assert_eq!(parts[0].fields.first("Subject"), Some("one"));
    assert_eq!(&raw[parts[0].body.clone()], b"Hello there\nNote: see below\n");
    assert_eq!(problems.len(), 1);
}

#[test]
fn many_stray_lines_are_one_problem() {
    let mut problems = Vec::new();
    let raw = format!("Subject: one\n{}\nbody", "stray\nX-A: b\n".repeat(1_000));
    split(raw.as_bytes(), &Limits::default(), &mut problems);
    assert_eq!(problems.len(), 1);
}
