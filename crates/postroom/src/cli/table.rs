//! Tables for people.

use std::fmt::Write as _;

use comfy_table::{Table, presets};
use jiff::Timestamp;

use super::shapes::FaultShape;

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

/// What is wrong and what mends it: a line that begins with `lead`, and lines for the portal's page and the command.
pub(super) fn fault_lines(lead: &str, fault: &FaultShape) -> String {
    let guess = if fault.is_guess { "Postroom does not know this code, and guesses: " } else { "" };
    let mut text = format!("{lead}{guess}{} ({}). {}", fault.cause, fault.code, fault.mend);
    let indent = " ".repeat(lead.chars().take_while(|c| *c == ' ').count() + 2);
    for page in fault.page.iter().chain(&fault.pages) {
        let _ = write!(text, "\n{indent}{}: {}", cell(&page.title, 80), cell(&page.address, 400));
    }
    if let Some(command) = &fault.command {
        let _ = write!(text, "\n{indent}Command: {}", cell(command, 600));
    }
    text
}

/// A time to the second, or a dash.
pub(super) fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "–".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}
