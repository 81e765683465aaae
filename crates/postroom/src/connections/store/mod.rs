//! The SQL of connections, by topic: accounts and sign-ins, app registrations and what they are in their tenants, sources, outbounds, what
//! an account is used for, Jira sites, the timeline, what notices call them.

pub mod accounts;
pub mod applications;
pub mod approvals;
pub mod conversion;
pub mod devices;
pub mod enterprise;
pub mod events;
pub mod jira;
pub mod links;
pub mod named;
pub mod outbounds;
pub mod registrations;
pub mod sources;
pub mod uses;
