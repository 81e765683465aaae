//! Messages: what came, what became of it and why. The pages are in [`pages`].

pub mod pages;
