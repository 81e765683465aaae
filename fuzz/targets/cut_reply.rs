//! Any body is taken apart without losing a word of it, as a page and as plain text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mail::{CutSettings, Cutting, Occasion, Reply, Rich, TextFormat};

fn text_of(page: &str) -> String {
    Rich::from_html(page).to_text()
}

fn words(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    words.sort_unstable();
    words
}

fuzz_target!(|body: &str| {
    let settings =
        CutSettings { delimiters: vec!["reply above this line".to_owned()], ..CutSettings::default() };
    let cutting = Cutting::new(&settings).expect("sound settings");
    for occasion in [Occasion::Unknown, Occasion::Answer, Occasion::Forward, Occasion::New] {
        let text = Reply::of_text_in(body, TextFormat::Fixed, occasion, &cutting);
        let cut: Vec<&str> = text.cut.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(words(body), words(&format!("{}\n{}", text.kept, cut.join("\n"))));

        let page = Reply::of_html(body, occasion, &cutting);
        if let Err(error) = page.rich.check() {
            panic!("{error}");
        }
        // As documents, for these leave out what does not show. A cut goes between lines, so that no word is torn; numbers
        // may be those of list items, which a document counts anew.
        let mut parts = text_of(page.html.as_deref().expect("a page"));
        for piece in &page.cut {
            parts.push('\n');
            parts.push_str(&text_of(piece.html.as_deref().expect("a page")));
        }
        let mut left = words(&parts);
        for word in words(&text_of(body)) {
            if word.chars().any(char::is_alphabetic) {
                let at = left.iter().position(|other| *other == word).unwrap_or_else(|| panic!("{word} is lost"));
                left.swap_remove(at);
            }
        }
    }
});
