//! Messages: what came, what became of it and why, and what a person does about held ones.
//!
//! Begin with [`list`] (filters in the address, [`search`] over what is sealed) and [`detail`] (one message with its trace and
//! steps); [`show_mail`] is the frame in which a mail is shown, [`hold`] retries and discards, [`bulk`] does so with several at once,
//! [`export`] writes the list into a file. The SQL is in [`store`], the addresses in [`routes`], what pages show in [`pages`].

pub mod bulk;
pub mod detail;
pub mod export;
pub mod hold;
pub mod list;
pub mod opened;
pub mod pages;
pub mod routes;
pub mod search;
pub mod show_mail;
pub mod store;
#[cfg(test)]
mod tests;
