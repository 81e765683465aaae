//! Tables for people.

use comfy_table::{Table, presets};
use jiff::Timestamp;

/// A table with these heads and no lines, which `grep` and `awk` like as well.
pub(super) fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(heads.iter().copied());
    table
}

/// Text from mail in one cell: control characters would move the terminal's cursor or worse.
pub(crate) fn cell(text: &str, most: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() || is_bidi(c) { ' ' } else { c }).collect();
    if clean.chars().count() <= most {
        return clean;
    }
    let cut: String = clean.chars().take(most.saturating_sub(1)).collect();
    format!("{cut}…")
}

/// Characters that turn the direction of what follows.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// A time to the second, or a dash.
pub(super) fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "–".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}
