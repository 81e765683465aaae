//! The simulator as its callers meet it: over HTTP, from the sign-in page to the last byte of a mail.

mod client;
mod consent;
mod credentials;
mod directory;
mod entra;
mod envelopes;
mod ews;
mod ews_items;
mod ews_schema;
mod faults;
mod graph;
mod outlook;
mod standing;
mod throttling;
mod uploads;
