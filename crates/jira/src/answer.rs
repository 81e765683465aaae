//! What a failed call leaves behind: the fault, read leniently out of whatever Jira answered, and the effect.

use std::time::Duration;

use crate::interim::{FaultExt as _, JiraAnswer, Network, NetworkKind};
use fault::Fault;
use http::HeaderMap;

use crate::pace::retry_after;

/// Whether a write can have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing was done: never sent, refused with 4xx, or the call only reads.
    None,
    /// It may have been done: 5xx, time-out, connection lost after sending, or an answer that cannot be read.
    Unknown,
}

/// A call that failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{fault}")]
pub struct CallError {
    /// What happened, for people.
    pub fault: Fault,
    /// Whether it may have been done, for the ledger.
    pub effect: Effect,
}

/// Most bytes of an error's body that are looked at.
pub(crate) const ERROR_BODY: usize = 64 << 10;

/// A call as the error needs to know it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) operation: &'static str,
    pub(crate) writes: bool,
}

impl Asked {
    /// The effect of a call that was sent, and whose answer is missing or says nothing definite.
    fn in_doubt(self) -> Effect {
        if self.writes { Effect::Unknown } else { Effect::None }
    }

    /// From an answer that is no success.
    pub(crate) fn refused(self, status: u16, headers: &HeaderMap, body: &[u8]) -> CallError {
        let text = String::from_utf8_lossy(body);
        let header = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
                .filter(|value| !value.is_empty())
        };
        let answer = JiraAnswer {
            status,
            body: &text,
            retry_after: retry_after(headers),
            rate_limit_reason: header("ratelimit-reason"),
            login_reason: header("x-seraph-loginreason"),
            trace_id: header("atl-traceid").or_else(|| header("x-arequestid")),
            operation: self.operation,
        };
        let definite = (400..500).contains(&status) && status != 408 || (300..400).contains(&status);
        CallError {
            fault: Fault::jira(&answer),
            effect: if definite { Effect::None } else { self.in_doubt() },
        }
    }

    /// The pace does not let the call out in time; nothing was sent.
    pub(crate) fn must_wait(self, wait: Duration) -> CallError {
        let answer = JiraAnswer {
            status: 429,
            body: "",
            retry_after: Some(wait),
            rate_limit_reason: None,
            login_reason: None,
            trace_id: None,
            operation: self.operation,
        };
        let mut fault = Fault::jira(&answer);
        // Not an answer to this call: it was not sent.
        fault.status = None;
        fault.retry_after = Some(wait);
        if fault.detail.is_empty() {
            "Jira asked to pause; the call was not sent".clone_into(&mut fault.detail);
        }
        CallError { fault, effect: Effect::None }
    }

    /// The request failed on its way.
    pub(crate) fn failed(self, error: &reqwest::Error, host: &str) -> CallError {
        let detail = sources(error);
        let lower = detail.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        let kind = if has(&["dns error", "lookup address", "name or service"]) {
            NetworkKind::Dns
        } else if has(&["certificate", "tls", "handshake"]) {
            NetworkKind::Tls
        } else if error.is_timeout() {
            NetworkKind::Timeout
        } else if error.is_connect() {
            NetworkKind::Connect
        } else if error.is_body() || error.is_decode() {
            NetworkKind::Body
        } else {
            NetworkKind::Reset
        };
        // Only what failed before there was a connection is sure not to have arrived.
        let effect = if error.is_connect() || error.is_builder() { Effect::None } else { self.in_doubt() };
        CallError { fault: Fault::network(&Network { kind, host, detail: &detail }), effect }
    }

    /// The answer is a success, but not one that can be read.
    pub(crate) fn unreadable(self, host: &str, detail: &str) -> CallError {
        let detail = format!("{}: {detail}", self.operation);
        CallError {
            fault: Fault::network(&Network { kind: NetworkKind::Body, host, detail: &detail }),
            effect: self.in_doubt(),
        }
    }
}

/// An error and all that it stems from, without its address: it may carry a query.
fn sources(error: &reqwest::Error) -> String {
    let mut out = String::new();
    let mut source: Option<&dyn std::error::Error> = std::error::Error::source(error);
    if source.is_none() {
        out.push_str(if error.is_timeout() { "no answer in time" } else { "the request failed" });
    }
    while let Some(error) = source {
        if !out.is_empty() {
            out.push_str(": ");
        }
        out.push_str(&error.to_string());
        source = error.source();
    }
    out
}
