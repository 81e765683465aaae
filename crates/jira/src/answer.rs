//! What a failed call leaves behind: the fault, read leniently out of whatever Jira answered, and the effect.

use std::time::Duration;

use fault::{Failure, Fault, JiraAnswer, Network, NetworkKind};
use http::HeaderMap;
use http::header::LOCATION;
use url::Url;

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
    #[source]
    pub fault: Fault,
    /// Whether it may have been done, for the ledger.
    pub effect: Effect,
}

/// The limit on writes to one issue, as Jira names it.
const PER_ISSUE: &str = "jira-per-issue-on-write";

impl CallError {
    /// Whether only writes to this one issue must wait (Jira's limit per issue); everything else goes on.
    pub fn is_only_this_issue(&self) -> bool {
        self.fault.code.ends_with(PER_ISSUE)
    }
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
    pub(crate) fn in_doubt(self) -> Effect {
        if self.writes { Effect::Unknown } else { Effect::None }
    }

    /// From an answer that is no success.
    pub(crate) fn refused(self, status: u16, headers: &HeaderMap, body: &[u8]) -> CallError {
        let text = String::from_utf8_lossy(body);
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let answer = JiraAnswer {
            status,
            body: &text,
            retry_after: retry_after(headers),
            rate_limit_reason: header("ratelimit-reason"),
            login_reason: header("x-authentication-denied-reason").or_else(|| header("x-seraph-loginreason")),
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
    pub(crate) fn must_wait(self, wait: Duration, for_issue: bool) -> CallError {
        let answer = JiraAnswer {
            status: 429,
            body: "Jira asked for a pause before; the call was not sent",
            retry_after: Some(wait),
            rate_limit_reason: for_issue.then_some(PER_ISSUE),
            operation: self.operation,
            ..JiraAnswer::default()
        };
        // Not an answer to this call: it was not sent.
        let fault = Fault { status: None, ..Fault::jira(&answer) };
        CallError { fault, effect: Effect::None }
    }

    /// The request failed on its way.
    pub(crate) fn failed(self, error: &reqwest::Error, host: &str) -> CallError {
        let detail = sources(error);
        let kind = NetworkKind::of(&Failure {
            is_timeout: error.is_timeout(),
            is_connect: error.is_connect(),
            is_body: error.is_body() || error.is_decode(),
            io: fault::innermost_io(error),
            words: &detail,
        });
        // Only what failed before there was a connection is sure not to have arrived.
        let effect = if error.is_connect() || error.is_builder() { Effect::None } else { self.in_doubt() };
        CallError { fault: Fault::network(&Network { kind, host, detail: &detail }), effect }
    }

    /// What was to be sent cannot be: nothing went out, and trying again would change nothing.
    pub(crate) fn unsendable(self, detail: &str) -> CallError {
        let detail = format!("{}: {detail}", self.operation);
        CallError { fault: Fault::own("own.plan_unreadable", &detail), effect: Effect::None }
    }

    /// The address is not Jira's own: it leads elsewhere, and a token is not carried along.
    pub(crate) fn redirected(self, status: u16, to: &Url, effect: Effect) -> CallError {
        // Scheme and host say enough; the rest may hold what is not for a log.
        let origin = to.origin().ascii_serialization();
        CallError { fault: Fault::jira_redirect(self.operation, status, &origin, to.path()), effect }
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

/// An address leads on to another one. Scheme and host of it say enough; the rest may hold what is not for a log.
pub(crate) fn led_on(operation: &str, status: u16, from: &Url, headers: &HeaderMap) -> Fault {
    let to = headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
    let to = from.join(to).unwrap_or_else(|_| from.clone());
    Fault::jira_redirect(operation, status, &to.origin().ascii_serialization(), to.path())
}

/// An error and all that it stems from, without its address: it may carry a query.
pub(crate) fn sources(error: &reqwest::Error) -> String {
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

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use rstest::rstest;

    use super::{Asked, CallError, Effect};

    const WRITE: Asked = Asked { operation: "create issue", writes: true };

    fn refused(status: u16, headers: &[(&str, &str)], body: &str) -> CallError {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect();
        WRITE.refused(status, &headers, body.as_bytes())
    }

    // The bodies are recorded answers of Jira Cloud, or as documented.
    #[rstest]
    #[case(
        400,
        r#"{"errorMessages":[],"errors":{"project":"Specify a valid project ID or key"}}"#,
        "jira.project",
        "valid project ID"
    )]
    #[case(
        400,
        r#"{"errorMessages":[],"errors":{"issuetype":"Specify an issue type"}}"#,
        "jira.issue_type",
        "Specify an issue type"
    )]
    #[case(
        400,
        r#"{"errorMessages":[],"errors":{"customfield_10011":"Team is required."}}"#,
        "jira.required_field",
        "Team is required"
    )]
    #[case(400, r#"{"errorMessages":[],"errors":{"description":"The entered text is too long. It exceeds the allowed limit of 32,767 characters."}}"#, "jira.too_long", "32,767")]
    #[case(
        400,
        r#"{"errorMessages":["There was an error parsing JSON. Check that your request body is valid."]}"#,
        "jira.request",
        "parsing JSON"
    )]
    #[case(
        401,
        "Client must be authenticated to access this resource.",
        "jira.token",
        "must be authenticated"
    )]
    #[case(
        401,
        r#"{"code":401,"message":"Unauthorized; scope does not match"}"#,
        "jira.scope",
        "scope does not match"
    )]
    #[case(
        404,
        r#"{"errorMessages":["Issue does not exist or you do not have permission to see it."],"errors":{}}"#,
        "jira.issue_gone",
        "does not exist"
    )]
    #[case(
        404,
        r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"No endpoint GET /x."}"#,
        "jira.not_found",
        "No endpoint"
    )]
    #[case(
        410,
        r#"{"errorMessages":["The requested API has been removed."],"errors":{}}"#,
        "jira.removed",
        "removed"
    )]
    #[case(413, "", "jira.attachment_size", "create issue")]
    #[case(429, "<html>slow down</html>", "jira.throttled", "page")]
    fn a_refusal_says_what_jira_said_and_that_nothing_was_done(
        #[case] status: u16,
        #[case] body: &str,
        #[case] entry: &str,
        #[case] said: &str,
    ) {
        let error = refused(status, &[("Atl-Traceid", "t1")], body);
        assert_eq!(error.fault.entry.id, entry, "{:?}", error.fault);
        assert!(error.fault.detail.contains(said), "{:?}", error.fault);
        assert_eq!(error.fault.ids.trace.as_deref(), Some("t1"));
        assert_eq!(error.effect, Effect::None);
    }

    #[rstest]
    #[case(500)]
    #[case(502)]
    #[case(503)]
    #[case(504)]
    #[case(408)]
    fn an_answer_that_is_not_definite_leaves_a_write_in_doubt(#[case] status: u16) {
        assert_eq!(refused(status, &[], "<html>").effect, Effect::Unknown);
        let read = Asked { writes: false, ..WRITE }.refused(status, &HeaderMap::new(), b"");
        assert_eq!(read.effect, Effect::None);
    }

    #[test]
    fn failed_sign_in_is_known_by_its_header() {
        let error = refused(403, &[("X-Seraph-LoginReason", "AUTHENTICATED_FAILED")], "");
        assert_eq!(error.fault.entry.id, "jira.token");
        let error = refused(403, &[("X-Authentication-Denied-Reason", "CAPTCHA_CHALLENGE; login-url=x")], "");
        assert_eq!(error.fault.entry.id, "jira.captcha");
    }

    #[test]
    fn a_call_that_was_not_sent_says_when_to_come_back() {
        let error = WRITE.must_wait(std::time::Duration::from_secs(90), false);
        assert_eq!((error.fault.entry.id, error.effect), ("jira.throttled", Effect::None));
        assert_eq!(error.fault.status, None);
        assert_eq!(error.fault.retry_after, Some(std::time::Duration::from_secs(90)));
        assert!(!error.is_only_this_issue());
        assert!(WRITE.must_wait(std::time::Duration::from_secs(9), true).is_only_this_issue());
        let theirs =
            refused(429, &[("RateLimit-Reason", "jira-per-issue-on-write"), ("Retry-After", "2")], "");
        assert!(theirs.is_only_this_issue());
    }
}
