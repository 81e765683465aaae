//! Microsoft 365 and Jira in a box: a peer with state, quotas and faults on command, for the demo, the tests, the
//! benchmarks, and for operators who rehearse an outage.

mod chance;
pub mod clock;
mod core;
mod counters;
mod entra;
mod ews;
mod exchange;
pub mod faults;
mod graph;
pub mod jira;
mod page;
mod record;
mod serve;
mod tenant;
