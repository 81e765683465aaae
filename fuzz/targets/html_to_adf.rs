//! Any page, as Jira gets it: a document that is JSON, within the limit, and readable as the tree it says it is.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|page: &str| {
    let rich = mail::Rich::from_html(page);
    for limit in [2_500, jira::TEXT_LIMIT] {
        let written = jira::adf::write(
            &rich,
            &jira::adf::Options { limit, whole_is_in: "mail.html", image: &|_| jira::adf::Shown::Nothing },
        );
        assert!(written.serialized.len() <= limit);
        let json = written.json();
        assert_eq!(json["type"], "doc");
        assert!(json["content"].is_array());
        let _ = jira::adf::text(&json);
    }
});
