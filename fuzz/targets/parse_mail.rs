//! Any bytes are a mail or have a reason not to be one, and what is read keeps its promises.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mail::{Limits, Unreadable, parse_within};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { size: 1 << 20, ..Limits::default() };
    match parse_within(bytes, &limits) {
        Ok(mail) => {
            if let Err(error) = mail.rich().check() {
                panic!("{error}");
            }
            let held: usize = mail.attachments.iter().map(|a| a.content.len()).sum();
            assert!(held <= bytes.len() * 2 + 1_024, "{} bytes became {held}", bytes.len());
            assert!(mail.attachments.iter().all(|a| !a.name.is_empty() && !a.name.contains(['/', '\\'])));
            assert!(mail.headers.iter().all(|h| !h.value.chars().any(char::is_control)));
        }
        // A panic within the reader, which it caught: exactly what is looked for here.
        Err(Unreadable::Reader(text)) => panic!("{text}"),
        Err(_) => {}
    }
});
