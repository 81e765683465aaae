//! Mail in, mail out, without any I/O.
//!
//! - [`parse`] reads the bytes of a message as it came over the wire; [`from_parts`] reads the same message as a
//!   mailbox API tells it in fields. Both give a [`Mail`], alike in everything that rules look at ([`differences`] says
//!   where they are not).
//! - [`Verdicts`] on a mail say whether a machine sent it, by which rule and on what evidence.
//! - [`Trust`] says whether its author is who the mail says, from what the receiving Exchange stamped ([`trust`]).
//! - [`Rich`] is the small document tree that HTML and plain text are read into and that every output format is written
//!   from: [`Mail::rich`], [`Rich::from_html`], [`Rich::from_text`], [`Rich::to_text`].
//! - [`Reply`] takes a body apart: what a person wrote, and what was quoted, signed and added ([`Cutting`] says what goes).
//! - [`compose`] writes MIME.
//!
//! Begin with `mail.rs` (what a mail is), then `parse.rs` (how bytes become one: `structure.rs` finds the parts,
//! `content.rs` decodes them, `bodies.rs` chooses bodies and attachments) and `html/` (how a page becomes a document).
//!
//! Every byte read here was written by a stranger. Nothing in this crate panics on input, recurses without a bound or
//! grows faster than its input; [`Limits`] names the bounds.

mod addresses;
mod bodies;
mod charset;
pub mod compose;
mod content;
mod differences;
mod fields;
mod guard;
mod html;
mod ids;
mod mail;
mod names;
mod parse;
mod parts;
mod plain;
mod reply;
pub mod rich;
mod structure;
mod text;
pub mod trust;
mod typed;
mod verdicts;
mod words;

pub use differences::{Difference, differences};
pub use ids::{message_id, references};
pub use mail::{Address, Attachment, Header, Limits, Mail, Problem, TextFormat, Unreadable};
pub use parse::{parse, parse_within};
pub use parts::{Body, Parts, from_parts};
pub use reply::{
    CutError, CutExpression, CutReach, CutSettings, Cutting, Kind as CutKind, Occasion, Piece as CutPiece,
    Reply, Stays,
};
pub use rich::{Block, Cell, Image, ImageSource, Inline, Marks, Rich, Row};
pub use trust::{Trust, TrustClass, TrustSettings};
pub use verdicts::{Automatic, OWN_STAMP_HEADER, Reason, Verdicts};
