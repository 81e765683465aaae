//! From what another system answered to a [`Fault`]. Branching is on status, `error`, `error_codes` and codes, never on the words
//! of a description.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::{Fault, Ids, entra, ews, graph, jira, network, scrub};

/// Entra's error body (facts: Microsoft identity platform, token error response), with the HTTP status.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct EntraError {
    /// HTTP status; 0 for an error that came in a redirect.
    #[serde(skip)]
    pub status: u16,
    /// OAuth error.
    #[serde(default)]
    pub error: String,
    /// In words; ends in trace and correlation ids.
    #[serde(default)]
    pub error_description: String,
    /// AADSTS numbers.
    #[serde(default)]
    pub error_codes: Vec<u32>,
    /// Finer than `error`.
    #[serde(default)]
    pub suberror: Option<String>,
    /// For Microsoft's support.
    #[serde(default)]
    pub trace_id: Option<String>,
    /// For Microsoft's support.
    #[serde(default)]
    pub correlation_id: Option<String>,
    /// To be sent along with the next interactive sign-in.
    #[serde(default)]
    pub claims: Option<String>,
    /// From `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

/// A Graph answer that is not a success.
#[derive(Clone, Debug, Default)]
pub struct GraphAnswer<'a> {
    /// HTTP status.
    pub status: u16,
    /// The codes of the body, outermost first; the deepest one that the catalogue knows decides.
    pub codes: &'a [&'a str],
    /// Its message.
    pub message: &'a str,
    /// From `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The server's id of the request.
    pub request_id: Option<&'a str>,
    /// Ours.
    pub client_request_id: Option<&'a str>,
    /// Whether `WWW-Authenticate` carried a claims challenge.
    pub claims_challenge: bool,
}

/// An answer of Exchange Web Services that is not a success.
#[derive(Clone, Debug, Default)]
pub struct EwsAnswer<'a> {
    /// HTTP status; 200 for a fault inside a response message.
    pub status: u16,
    /// `ResponseCode`; empty where there is none.
    pub code: &'a str,
    /// `MessageText`.
    pub message: &'a str,
    /// `X-EWS-Policy-Reason`.
    pub policy_reason: Option<&'a str>,
    /// `x-ms-diagnostics`.
    pub diagnostics: Option<&'a str>,
    /// `BackOffMilliseconds`, or `Retry-After`.
    pub back_off: Option<Duration>,
    /// The server's id of the request.
    pub request_id: Option<&'a str>,
    /// Ours.
    pub client_request_id: Option<&'a str>,
}

/// A Jira answer that is not a success.
#[derive(Clone, Debug, Default)]
pub struct JiraAnswer<'a> {
    /// HTTP status.
    pub status: u16,
    /// The body, as it came: JSON, HTML or text.
    pub body: &'a str,
    /// From `Retry-After`.
    pub retry_after: Option<Duration>,
    /// `RateLimit-Reason`.
    pub rate_limit_reason: Option<&'a str>,
    /// `X-Seraph-LoginReason` or `X-Authentication-Denied-Reason`.
    pub login_reason: Option<&'a str>,
    /// `Atl-Traceid`.
    pub trace_id: Option<&'a str>,
    /// What was asked, for example `create issue`.
    pub operation: &'a str,
}

/// Something that went wrong on the way.
#[derive(Clone, Debug)]
pub struct Network<'a> {
    /// What.
    pub kind: NetworkKind,
    /// The other side's host.
    pub host: &'a str,
    /// The library's words.
    pub detail: &'a str,
}

/// What went wrong on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkKind {
    /// The name cannot be resolved.
    Dns,
    /// No connection.
    Connect,
    /// The encryption failed.
    Tls,
    /// No answer in time.
    Timeout,
    /// The connection broke.
    Reset,
    /// The answer was cut off.
    Body,
}

impl Fault {
    /// From an error of Entra's token or authorize endpoint.
    pub fn entra(error: &EntraError) -> Self {
        let known =
            error.error_codes.iter().find_map(|code| entra::by_number(*code).map(|entry| (entry, *code)));
        let (entry, code) = match known {
            Some((entry, code)) => (entry, format!("AADSTS{code}")),
            None => (
                match error.suberror.as_deref() {
                    Some("consent_required") => &entra::CONSENT_REQUIRED,
                    Some("user_password_expired") => &entra::PASSWORD_EXPIRED,
                    _ => entra::by_error(&error.error, error.status),
                },
                error.error_codes.first().map_or_else(|| error.error.clone(), |code| format!("AADSTS{code}")),
            ),
        };
        Self {
            code: scrub(&code),
            detail: scrub(&error.error_description),
            status: (error.status != 0).then_some(error.status),
            retry_after: error.retry_after,
            ids: Box::new(Ids { trace: error.trace_id.clone(), correlation: error.correlation_id.clone() }),
            ..Self::of(entry)
        }
    }

    /// From a Graph answer.
    pub fn graph(answer: &GraphAnswer<'_>) -> Self {
        let known =
            answer.codes.iter().rev().find_map(|code| graph::by_code(code).map(|entry| (entry, *code)));
        let (entry, code) = match known {
            Some((entry, code)) => (entry, scrub(code)),
            None => (
                graph::by_status(answer.status),
                answer.codes.last().map_or_else(|| format!("HTTP {}", answer.status), |code| scrub(code)),
            ),
        };
        let entry = if answer.claims_challenge { &graph::CLAIMS } else { entry };
        Self {
            code,
            detail: scrub(answer.message),
            status: Some(answer.status),
            retry_after: answer.retry_after,
            ids: Box::new(Ids {
                trace: answer.request_id.map(str::to_owned),
                correlation: answer.client_request_id.map(str::to_owned),
            }),
            ..Self::of(entry)
        }
    }

    /// From an answer of Exchange Web Services.
    pub fn ews(answer: &EwsAnswer<'_>) -> Self {
        let (policy, diagnostics) =
            (answer.policy_reason.unwrap_or_default(), answer.diagnostics.unwrap_or_default());
        let by_status = || ews::by_status(answer.status, policy, diagnostics);
        let entry =
            if policy.is_empty() { ews::by_code(answer.code).unwrap_or_else(by_status) } else { by_status() };
        let code =
            if answer.code.is_empty() { format!("HTTP {}", answer.status) } else { scrub(answer.code) };
        let said = [answer.message, policy, diagnostics].into_iter().filter(|text| !text.is_empty());
        Self {
            code,
            detail: scrub(&said.collect::<Vec<_>>().join("; ")),
            status: Some(answer.status),
            retry_after: answer.back_off,
            ids: Box::new(Ids {
                trace: answer.request_id.map(str::to_owned),
                correlation: answer.client_request_id.map(str::to_owned),
            }),
            ..Self::of(entry)
        }
    }

    /// From a Jira answer.
    pub fn jira(answer: &JiraAnswer<'_>) -> Self {
        let (text, fields) = jira_text(answer.body);
        let denied = answer.login_reason.unwrap_or_default();
        let entry = jira::by_answer(
            answer.status,
            &text,
            &fields,
            denied.contains("AUTHENTICATED_FAILED"),
            denied.contains("CAPTCHA"),
        );
        let reason = answer.rate_limit_reason.map(|reason| format!(", {reason}")).unwrap_or_default();
        Self {
            code: format!("HTTP {}{}", answer.status, scrub(&reason)),
            detail: scrub(&format!("{}: {text}", answer.operation)),
            status: Some(answer.status),
            retry_after: answer.retry_after,
            ids: Box::new(Ids { trace: answer.trace_id.map(str::to_owned), correlation: None }),
            ..Self::of(entry)
        }
    }

    /// From something that went wrong on the way.
    pub fn network(network: &Network<'_>) -> Self {
        let (entry, code) = match network.kind {
            NetworkKind::Dns => (&network::DNS, "DNS"),
            NetworkKind::Connect => (&network::CONNECT, "connect"),
            NetworkKind::Tls => (&network::TLS, "TLS"),
            NetworkKind::Timeout => (&network::TIMEOUT, "time-out"),
            NetworkKind::Reset => (&network::RESET, "connection reset"),
            NetworkKind::Body => (&network::BODY, "answer cut off"),
        };
        Self {
            code: code.to_owned(),
            detail: scrub(&format!("{}: {}", network.host, network.detail)),
            ..Self::of(entry)
        }
    }
}

/// All messages of a Jira body joined, and the names of the fields it complains about.
fn jira_text(body: &str) -> (String, Vec<String>) {
    let Ok(json) = serde_json::from_str::<Value>(body) else {
        let text = if body.trim_start().starts_with('<') { "(a page instead of an answer)" } else { body };
        return (text.to_owned(), Vec::new());
    };
    let mut said: Vec<String> = Vec::new();
    let texts = json.get("errorMessages").and_then(Value::as_array).into_iter().flatten();
    said.extend(texts.filter_map(Value::as_str).map(str::to_owned));
    for key in ["message", "errorMessage", "detail", "error"] {
        said.extend(json.get(key).and_then(Value::as_str).map(str::to_owned));
    }
    let mut fields = Vec::new();
    if let Some(errors) = json.get("errors").and_then(Value::as_object) {
        for (field, error) in errors {
            fields.push(field.clone());
            said.push(format!("{field}: {}", error.as_str().unwrap_or_default()));
        }
    }
    (said.join("; "), fields)
}
