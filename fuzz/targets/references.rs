//! Any header value gives clean ids.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mail::{message_id, references};

fuzz_target!(|value: &str| {
    for id in references(value).into_iter().chain(message_id(value)) {
        assert!(!id.is_empty() && id.len() <= 998);
        assert!(!id.chars().any(|c| c.is_whitespace() || c.is_control() || c == '<' || c == '>'));
    }
});
