//! Any text becomes a document that passes its own check, read line by line and flowed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mail::{Rich, TextFormat};

fuzz_target!(|text: &str| {
    for format in [TextFormat::Fixed, TextFormat::Flowed, TextFormat::FlowedDelSp] {
        if let Err(error) = Rich::from_text_in(text, format).check() {
            panic!("{error}");
        }
    }
});
