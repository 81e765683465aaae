//! The Atlassian Document Format: what descriptions and comments are under version 3 of the API.
//!
//! Begin with [`write()`]. A [`Rich`] is lowered to a tree that the published schema and Jira's own nesting rules allow
//! (`lower`), each node of which knows how many bytes it will take (`node`), and is cut at block and inline boundaries where
//! it would not fit (`cut`). [`text`] reads a document back, for comparing and for showing.

mod cut;
mod lower;
mod marks;
mod node;
mod read;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod validity;

use mail::{Image, Rich};
use serde_json::Value;

pub(crate) use marks::{is_allowed, safe_link};
pub use read::text;

/// How a document is written.
pub struct Options<'a> {
    /// Most characters and bytes of the serialised document; [`TEXT_LIMIT`](crate::TEXT_LIMIT) for Jira.
    pub limit: usize,
    /// The name of the attachment that holds the whole, for the notice where something was cut.
    pub whole_is_in: &'a str,
    /// What becomes of an image.
    pub image: &'a dyn Fn(&Image) -> Shown,
}

/// What becomes of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It is shown, from an uploaded file.
    Media {
        /// The media id ([`attachment_media_id`](crate::Client::attachment_media_id)).
        id: String,
        /// Pixels; Jira shows nothing without.
        width: u32,
        /// Pixels.
        height: u32,
        /// Alternative text; may be empty.
        alt: String,
    },
    /// This text stands for it.
    Text(String),
    /// It does not appear.
    Nothing,
}

/// A document that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The document as JSON text, never longer than the limit.
    pub serialized: String,
    /// Whether something was left out for its length.
    pub cut: bool,
}

impl Written {
    /// The document as a value.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.serialized).unwrap_or_default()
    }
}

/// The smallest limit that is kept to: a notice and an empty document need room. A lower one counts as this.
pub const LEAST_LIMIT: usize = 1_024;

/// Writes a document. The result is valid against the published schema for every input.
pub fn write(rich: &Rich, options: &Options<'_>) -> Written {
    let blocks = lower::lower(rich, options.image);
    cut::serialise(blocks, options.limit.max(LEAST_LIMIT), options.whole_is_in)
}
