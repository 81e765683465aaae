//! Faults until the catalogue's constructors for Jira are there; then this file goes.
use fault::*;
use std::time::Duration;
#[allow(dead_code)]
pub(crate) struct JiraAnswer<'a> {
    pub status: u16,
    pub body: &'a str,
    pub retry_after: Option<Duration>,
    pub rate_limit_reason: Option<String>,
    pub login_reason: Option<String>,
    pub trace_id: Option<String>,
    pub operation: &'static str,
}
#[derive(Debug, Clone, Copy)]
pub(crate) enum NetworkKind {
    Timeout,
    Connect,
    Tls,
    Reset,
    Dns,
    Body,
}
pub(crate) struct Network<'a> {
    pub kind: NetworkKind,
    pub host: &'a str,
    pub detail: &'a str,
}
static E: Entry = Entry {
    id: "jira.refused",
    cause: "Jira refused the request",
    class: Class::Transient,
    who: Who::Operator,
    mend: "Look at the detail.",
    link: None,
};
static N: Entry = Entry {
    id: "network.failed",
    cause: "Jira did not answer",
    class: Class::Transient,
    who: Who::Nobody,
    mend: "It is tried again.",
    link: None,
};
pub(crate) trait FaultExt {
    fn jira(a: &JiraAnswer<'_>) -> Fault;
    fn network(n: &Network<'_>) -> Fault;
}
impl FaultExt for Fault {
    fn jira(a: &JiraAnswer<'_>) -> Fault {
        Fault {
            entry: &E,
            code: a.status.to_string(),
            detail: format!("{}: {}", a.operation, a.body.chars().take(500).collect::<String>()),
            status: Some(a.status),
            retry_after: a.retry_after,
            ids: Ids { trace: a.trace_id.clone(), correlation: None },
        }
    }
    fn network(n: &Network<'_>) -> Fault {
        Fault {
            entry: &N,
            code: format!("{:?}", n.kind),
            detail: format!("{}: {}", n.host, n.detail),
            status: None,
            retry_after: None,
            ids: Ids::default(),
        }
    }
}
