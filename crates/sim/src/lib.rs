//! Microsoft 365 and Jira in a box: a peer with state, quotas and faults on command, for the demo, the tests, the
//! benchmarks, and for operators who rehearse an outage.

pub mod clock;
pub mod jira;
