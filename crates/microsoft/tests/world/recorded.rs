//! What was exchanged over EWS, held against the published schemas: every request, every answer, every fault.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::envelopes;

/// The recording's name in its folder.
pub(super) const FILE: &str = "traffic.jsonl";

/// Whether a side of an exchange is XML.
fn is_xml(line: &Value, headers: &str) -> bool {
    line[headers]["content-type"].as_str().is_some_and(|kind| kind.starts_with("text/xml"))
}

pub(super) fn check(folder: &Path) {
    let text = std::fs::read_to_string(folder.join(FILE)).expect("the recording");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a line of the recording")).collect();
    let mut envelopes: BTreeSet<&str> = BTreeSet::new();
    for line in lines.iter().filter(|line| line["service"] == "ews") {
        for (headers, body) in [("request_headers", "request_body"), ("response_headers", "response_body")] {
            if is_xml(line, headers) {
                envelopes.insert(line[body].as_str().expect("recorded whole"));
            }
        }
    }
    if let Some(wrong) = envelopes::faults(envelopes) {
        assert!(wrong.is_empty(), "{wrong}");
    }
}
