//! Any page becomes a document that passes its own check.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mail::Rich;

fuzz_target!(|html: &str| {
    let rich = Rich::from_html(html);
    if let Err(error) = rich.check() {
        panic!("{error}");
    }
    let _ = rich.to_text();
});
