//! Bytes in, [`Mail`] out: reading real-world mail, the verdicts on it, and the document tree [`Rich`].
pub mod rich;
pub use rich::{Block, Cell, Image, ImageSource, Inline, Marks, Rich, Row};
