//! The published schemas of EWS, which every answer is held against.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Once;

/// The schema, if the shared data is there.
fn schema() -> Option<PathBuf> {
    let shared = std::env::var("POSTROOM_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    Some(PathBuf::from(shared).join("specs/ews/messages.xsd")).filter(|path| path.exists())
}

#[allow(clippy::print_stdout, reason = "says what was left out")]
fn skip(why: &str) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| println!("skipped: EWS answers against their schema ({why})"));
}

/// Checks the body of an envelope. Says so when it cannot.
pub(crate) fn check(envelope: &str) {
    let Some(schema) = schema() else { return skip("shared data not present") };
    let begin = envelope.find("<s:Body").expect("a body");
    let begin = begin + envelope[begin..].find('>').expect("a tag") + 1;
    let body = &envelope[begin..envelope.rfind("</s:Body>").expect("an end")];
    let child = Command::new("xmllint")
        .arg("--noout")
        .arg("--nonet")
        .arg("--schema")
        .arg(&schema)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else { return skip("xmllint is missing: install libxml2-utils") };
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(body.as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}\n{body}", String::from_utf8_lossy(&output.stderr));
}
