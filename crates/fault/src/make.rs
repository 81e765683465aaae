//! From what another system answered to a [`Fault`]. Branching is on status, `error`, `error_codes`, codes and headers, never on
//! the words of a description. There is one exception, within one class and one retry policy: *Access to OData is disabled*
//! chooses the hint about access policies, since Exchange has no code for it.

use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use regex::Regex;
use serde_json::Value;

use crate::scrub::{id, is_tokenish};
use crate::unknown::told;
use crate::{Entry, Extra, Fault, Grant, Ids, entra, ews, graph, jira, network, scrub};

/// The longest `claims` and addresses that are kept.
const LONGEST_EXTRA: usize = 4_096;

/// Entra's error (Microsoft identity platform, token error response), with the HTTP status. [`EntraError::read`] reads a body,
/// [`EntraError::of_return`] the query of a return.
#[derive(Clone, Debug, Default)]
pub struct EntraError {
    /// HTTP status; 0 for an error that came in a redirect.
    pub status: u16,
    /// OAuth error.
    pub error: String,
    /// In words; ends in trace and correlation ids.
    pub error_description: String,
    /// AADSTS numbers.
    pub error_codes: Vec<u32>,
    /// Finer than `error`.
    pub suberror: Option<String>,
    /// For Microsoft's support.
    pub trace_id: Option<String>,
    /// For Microsoft's support.
    pub correlation_id: Option<String>,
    /// To be sent along with the next interactive sign-in.
    pub claims: Option<String>,
    /// Where the password is changed.
    pub password_change_url: Option<String>,
    /// From `Retry-After`.
    pub retry_after: Option<Duration>,
    /// A web page came in place of JSON.
    pub is_page: bool,
}

impl EntraError {
    /// Reads a body, whatever it is. A field of another kind than expected is left out, the others count.
    pub fn read(status: u16, body: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |value: &Value| match value {
            Value::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let codes = json.get("error_codes").and_then(Value::as_array);
        Self {
            status,
            error: text("error").unwrap_or_default(),
            error_description: text("error_description").unwrap_or_default(),
            error_codes: codes.into_iter().flatten().take(16).filter_map(number).collect(),
            suberror: text("suberror"),
            trace_id: text("trace_id"),
            correlation_id: text("correlation_id"),
            claims: text("claims"),
            password_change_url: text("password_change_url"),
            retry_after: None,
            is_page: json.is_null() && looks_like_a_page(body),
        }
    }

    /// An error that came back in an address. A return has no list of numbers: the one that its description begins with
    /// (`AADSTS90094: …`) stands for it, since `access_denied` alone does not tell a person's *no* from an administrator's approval
    /// that is missing.
    pub fn of_return(error: &str, description: &str, suberror: Option<&str>) -> Self {
        let number = description.trim_start().strip_prefix("AADSTS").and_then(|rest| rest.split_once(':'));
        Self {
            error: error.to_owned(),
            error_description: description.to_owned(),
            error_codes: number.and_then(|(number, _)| number.parse().ok()).into_iter().collect(),
            suberror: suberror.map(str::to_owned),
            ..Self::default()
        }
    }
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
    /// `X-EWS-Policy-Reason`: a policy by user agent hits Graph too.
    pub policy_reason: Option<&'a str>,
    /// `x-ms-diagnostics`.
    pub diagnostics: Option<&'a str>,
    /// What else tells one refusal from another.
    pub evidence: Evidence,
}

/// What tells one 401 or 403 of a mail server from another, beside codes and reasons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// `WWW-Authenticate` carried a claims challenge.
    pub claims_challenge: bool,
    /// There was no body at all.
    pub is_empty: bool,
    /// A web page came in place of an answer.
    pub is_page: bool,
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
    /// The connection was turned away.
    Refused,
    /// A proxy wants a sign-in.
    Proxy,
    /// A proxy did not bring the connection about.
    Tunnel,
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
        let numbers = || error.error_codes.iter().copied();
        let known = numbers().find_map(|number| entra::by_number(number).map(|entry| (entry, number)));
        let suberror = error.suberror.as_deref().unwrap_or_default();
        let (entry, code, is_guess) = if let Some((entry, number)) = known {
            (entry, format!("AADSTS{number}"), false)
        } else {
            let said = entra::by_suberror(suberror).or_else(|| entra::by_error(&error.error));
            let entry = match said {
                Some(entry) => entry,
                None if is_foreign(error.status, error.is_page) => &network::PORTAL,
                None => entra::by_status(error.status),
            };
            match numbers().next() {
                Some(number) => (entry, format!("AADSTS{number}"), true),
                None if error.error.is_empty() => (entry, status_code(error.status), false),
                None => (entry, error.error.clone(), said.is_none()),
            }
        };
        told(Self {
            code: id(&code),
            detail: scrub(&error.error_description),
            status: (error.status != 0).then_some(error.status),
            retry_after: error.retry_after,
            ids: Box::new(ids(error.trace_id.as_deref(), error.correlation_id.as_deref())),
            is_guess,
            extra: extra(error, entry),
            ..Self::of(entry)
        })
    }

    /// From a Graph answer.
    pub fn graph(answer: &GraphAnswer<'_>) -> Self {
        let codes = || answer.codes.iter().rev().copied().filter(|code| !code.is_empty());
        let known = codes().find_map(|code| graph::by_code(code).map(|entry| (entry, code)));
        let code = known.map(|known| known.1).or_else(|| codes().next());
        // `UnknownError` is a known way of saying nothing.
        let is_new = |code: &str| !code.eq_ignore_ascii_case("UnknownError");
        let says_nothing = answer.evidence.is_empty || code.is_some_and(|code| !is_new(code));
        let (policy, diagnostics) =
            (answer.policy_reason.unwrap_or_default(), answer.diagnostics.unwrap_or_default());
        let judged = judge(
            answer.status,
            known.map(|known| known.0),
            answer.message,
            (policy, diagnostics),
            Evidence { is_empty: says_nothing, ..answer.evidence },
        );
        told(Self {
            code: code.map_or_else(|| status_code(answer.status), id),
            detail: detail(&[answer.message, policy, diagnostics]),
            status: Some(answer.status),
            retry_after: answer.retry_after,
            ids: Box::new(ids(answer.request_id, answer.client_request_id)),
            is_guess: judged.is_none() && code.is_some_and(is_new),
            ..Self::of(judged.unwrap_or_else(|| graph::by_status(answer.status)))
        })
    }

    /// From an answer of Exchange Web Services, of which no more is known than it says.
    pub fn ews(answer: &EwsAnswer<'_>) -> Self {
        Self::ews_with(answer, Evidence::default())
    }

    /// From an answer of Exchange Web Services.
    pub fn ews_with(answer: &EwsAnswer<'_>, evidence: Evidence) -> Self {
        let (policy, diagnostics) =
            (answer.policy_reason.unwrap_or_default(), answer.diagnostics.unwrap_or_default());
        let known = ews::by_code(answer.code);
        // Exchange's own front puts a page into these.
        let is_own = matches!(answer.status, 300..=399 | 404 | 451);
        let evidence = Evidence { is_page: evidence.is_page && !is_own, ..evidence };
        let judged = judge(answer.status, known, answer.message, (policy, diagnostics), evidence);
        let entry = match judged {
            Some(entry) if entry.id == graph::AUDIENCE.id => &ews::AUDIENCE,
            Some(entry) => entry,
            None => ews::by_status(answer.status),
        };
        told(Self {
            code: if answer.code.is_empty() { status_code(answer.status) } else { id(answer.code) },
            detail: detail(&[answer.message, policy, diagnostics]),
            status: Some(answer.status),
            retry_after: answer.back_off,
            ids: Box::new(ids(answer.request_id, answer.client_request_id)),
            is_guess: judged.is_none() && !answer.code.is_empty(),
            ..Self::of(entry)
        })
    }

    /// From a Jira answer.
    pub fn jira(answer: &JiraAnswer<'_>) -> Self {
        let (text, fields) = jira_text(answer.body);
        let denied = answer.login_reason.unwrap_or_default();
        let is_page = is_page(answer.body);
        let entry = jira::by_answer(jira::Said {
            status: answer.status,
            text: &text,
            fields: &fields,
            login_failed: denied.contains("AUTHENTICATED_FAILED"),
            captcha: denied.contains("CAPTCHA") || denied.contains("AUTHENTICATION_DENIED"),
            is_page,
            is_login: is_page && jira::is_login(answer.body),
        });
        Self::of_jira(entry, answer, &text)
    }

    /// From an answer of Atlassian's token endpoint, where a service account's credentials are exchanged.
    pub fn jira_credentials(answer: &JiraAnswer<'_>) -> Self {
        let (text, _) = jira_text(answer.body);
        let is_page = is_page(answer.body);
        Self::of_jira(jira::by_token_answer(answer.status, is_page), answer, &text)
    }

    /// Jira's address leads on to another one, which is told by `origin`; `path` is only looked at.
    pub fn jira_redirect(operation: &str, status: u16, origin: &str, path: &str) -> Self {
        let entry =
            if jira::is_login(origin) || jira::is_login(path) { &jira::LOGIN_PAGE } else { &jira::MOVED };
        Self {
            code: status_code(status),
            detail: scrub(&format!("{operation}: it leads on to {origin}")),
            status: Some(status),
            ..Self::of(entry)
        }
    }

    fn of_jira(entry: &'static Entry, answer: &JiraAnswer<'_>, text: &str) -> Self {
        let reason = answer.rate_limit_reason.map(|reason| format!(", {reason}")).unwrap_or_default();
        Self {
            code: format!("HTTP {}{}", answer.status, scrub(&reason)),
            detail: scrub(&format!("{}: {text}", answer.operation)),
            status: Some(answer.status),
            retry_after: answer.retry_after,
            ids: Box::new(ids(answer.trace_id, None)),
            ..Self::of(entry)
        }
    }

    /// From something that went wrong on the way.
    pub fn network(network: &Network<'_>) -> Self {
        let (entry, code) = match network.kind {
            NetworkKind::Dns => (&network::DNS, "DNS"),
            NetworkKind::Connect => (&network::CONNECT, "connect"),
            NetworkKind::Refused => (&network::REFUSED, "connection refused"),
            NetworkKind::Proxy => (&network::PROXY, "proxy"),
            NetworkKind::Tunnel => (&network::TUNNEL, "proxy tunnel"),
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

/// The entry of a mail server's refusal: headers say more than codes, codes more than the status (`None`: only that is left).
fn judge(
    status: u16,
    known: Option<&'static Entry>,
    message: &str,
    (policy, diagnostics): (&str, &str),
    evidence: Evidence,
) -> Option<&'static Entry> {
    if evidence.claims_challenge {
        return Some(&graph::CLAIMS);
    }
    if status == 403 && !policy.is_empty() {
        return Some(ews::by_policy(policy));
    }
    if status == 401
        && let Some(entry) = graph::by_diagnostics(diagnostics)
    {
        return Some(entry);
    }
    match known {
        Some(entry)
            if entry.id == graph::ACCESS_DENIED.id && message.contains("Access to OData is disabled") =>
        {
            Some(&graph::ACCESS_POLICY)
        }
        Some(entry) => Some(entry),
        None if is_foreign(status, evidence.is_page) => Some(&network::PORTAL),
        None if status == 401 && evidence.is_empty => Some(&graph::NO_LICENCE),
        None => None,
    }
}

/// Whether a web page in place of an answer means that something else has answered. Microsoft's own front answers 5xx with a page.
fn is_foreign(status: u16, is_page: bool) -> bool {
    is_page && status < 500 && !matches!(status, 0 | 407 | 429)
}

/// Whether a body is a web page (and not SOAP, which begins with a bracket too).
pub fn looks_like_a_page(body: &[u8]) -> bool {
    let begins = body.trim_ascii_start();
    let begins = begins.strip_prefix(b"\xef\xbb\xbf").unwrap_or(begins);
    let begins = String::from_utf8_lossy(&begins[..begins.len().min(512)]).to_ascii_lowercase();
    let html = |text: &str| text.starts_with("<!doctype html") || text.starts_with("<html");
    html(&begins)
        || (begins.starts_with("<!--") || begins.starts_with("<?xml")) && begins.contains("<html")
        || ["<head", "<body", "<script", "<meta"].iter().any(|tag| begins.starts_with(tag))
}

fn status_code(status: u16) -> String {
    if status == 0 { String::new() } else { format!("HTTP {status}") }
}

fn ids(trace: Option<&str>, correlation: Option<&str>) -> Ids {
    let clean = |text: Option<&str>| text.map(id).filter(|text| !text.is_empty());
    Ids { trace: clean(trace), correlation: clean(correlation) }
}

fn detail(said: &[&str]) -> String {
    let said: Vec<&str> = said.iter().copied().filter(|text| !text.is_empty()).collect();
    scrub(&said.join("; "))
}

/// What an error of Entra carries for the next sign-in. It comes from outside: only what looks as it should is kept.
fn extra(error: &EntraError, entry: &Entry) -> Option<Box<Extra>> {
    let fits = |text: &&String| text.len() <= LONGEST_EXTRA && !is_tokenish(text);
    let is_object = |text: &&String| serde_json::from_str::<Value>(text).is_ok_and(|json| json.is_object());
    let is_address = |text: &&String| {
        text.starts_with("https://") && text.chars().all(|c| c.is_ascii_graphic() && !"\"<>'`".contains(c))
    };
    let extra = Extra {
        grant: (entry.id == entra::session::GRANT_REVOKED.id)
            .then(|| grant(&error.error_description))
            .flatten(),
        claims: error.claims.as_ref().filter(fits).filter(is_object).cloned(),
        password_change_url: error.password_change_url.as_ref().filter(fits).filter(is_address).cloned(),
        place: None,
    };
    (extra != Extra::default()).then(|| Box::new(extra))
}

static GRANT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"issued on '?(?<issued>\d{4}-\d\d-\d\dT[0-9:.]+Z)'?.{1,120}?TokensValidFrom.{1,120}?'?(?<from>\d{4}-\d\d-\d\dT[0-9:.]+Z)",
    )
    .expect("the expression is constant and valid")
});

/// The two dates of AADSTS50173. They stand in its words only; they are shown, and decide nothing.
fn grant(description: &str) -> Option<Grant> {
    let found = GRANT.captures(description)?;
    let date = |name: &str| found[name].parse::<Timestamp>().ok();
    Some(Grant { issued: date("issued")?, valid_from: date("from")? })
}

/// Whether a body is a page.
fn is_page(body: &str) -> bool {
    body.trim_start_matches('\u{feff}').trim_start().starts_with('<')
}

/// All messages of a Jira body joined, and the names of the fields it complains about.
fn jira_text(body: &str) -> (String, Vec<String>) {
    let Ok(json) = serde_json::from_str::<Value>(body) else {
        let text = if is_page(body) { "(a page instead of an answer)" } else { body };
        return (text.to_owned(), Vec::new());
    };
    let mut said: Vec<String> = Vec::new();
    let texts = json.get("errorMessages").and_then(Value::as_array).into_iter().flatten();
    said.extend(texts.filter_map(Value::as_str).map(str::to_owned));
    for key in ["message", "errorMessage", "detail", "error", "error_description"] {
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
