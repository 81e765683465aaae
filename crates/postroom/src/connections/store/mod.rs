//! The SQL of connections, by topic: accounts and sign-ins, app registrations, sources, Jira sites, the timeline.

pub mod accounts;
pub mod applications;
pub mod approvals;
pub mod devices;
pub mod events;
pub mod jira;
pub mod links;
pub mod registrations;
pub mod sources;
