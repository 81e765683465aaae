//! Faults on command: rules that say which requests fail, and how.
//!
//! A rule names a service, a method and a pattern of the path; each may be left out. All of EWS has one path: there the
//! operation counts as its last segment (`/EWS/Exchange.asmx/SendItem`). `count` ends a rule after so many
//! hits, `probability` lets chance decide. What happens *after the effect* happens when the service has done its
//! work: the caller learns nothing of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::chance::Chance;

/// The services that listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Sign-in.
    Entra,
    /// Microsoft Graph.
    Graph,
    /// Exchange Web Services.
    Ews,
    /// Jira.
    Jira,
    /// The Outlook-like pages.
    Outlook,
    /// The control address.
    Control,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Entra, Self::Graph, Self::Ews, Self::Jira, Self::Outlook, Self::Control];

    /// The name in the control API and in recordings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::Graph => "graph",
            Self::Ews => "ews",
            Self::Jira => "jira",
            Self::Outlook => "outlook",
            Self::Control => "control",
        }
    }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Answers `status` and does nothing.
    Status,
    /// Does the work, then answers `status`.
    StatusAfterEffect,
    /// Closes the connection without an answer and does nothing.
    ResetBefore,
    /// Does the work, then closes the connection without an answer.
    ResetAfterEffect,
    /// Answers later by `delay_ms`.
    Latency,
    /// Answers a page of somebody who stands in front, with `status` (200 when absent), and does nothing.
    Page,
    /// Leads on to `location` (a sign-in page when absent), and does nothing.
    Redirect,
}

/// A rule as the control API takes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The service; all when absent.
    #[serde(default)]
    pub service: Option<Service>,
    /// The HTTP method; all when absent.
    #[serde(default)]
    pub method: Option<String>,
    /// A regular expression over the path without its query, with EWS's operation behind it; all when absent.
    #[serde(default)]
    pub path: Option<String>,
    /// What goes wrong.
    pub kind: Kind,
    /// The status of `status` and `status_after_effect`; 429 and 504 when absent.
    #[serde(default)]
    pub status: Option<u16>,
    /// `Retry-After`: seconds, `"http-date"` (two seconds ahead), `"http-date:<seconds>"`; no header when absent.
    #[serde(default)]
    pub retry_after: Option<Value>,
    /// The error code in the body (`error.code` of Graph, `error` of the token endpoint, the response code of EWS).
    #[serde(default)]
    pub code: Option<String>,
    /// The message in the body.
    #[serde(default)]
    pub message: Option<String>,
    /// `BackOffMilliseconds` in the faults of EWS; not told when absent.
    #[serde(default)]
    pub back_off_ms: Option<u64>,
    /// Whether the answer has no body: a refusal without a word.
    #[serde(default)]
    pub empty: bool,
    /// How often the rule applies; for ever when absent.
    #[serde(default)]
    pub count: Option<u64>,
    /// How likely it applies, from 0 to 1; always when absent.
    #[serde(default)]
    pub probability: Option<f64>,
    /// The delay of `latency` in milliseconds.
    #[serde(default)]
    pub delay_ms: Option<u64>,
    /// The whole body, as it is, in the place of the usual one.
    #[serde(default)]
    pub body: Option<String>,
    /// Further headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Where `redirect` leads to.
    #[serde(default)]
    pub location: Option<String>,
}

/// What a request meets.
#[derive(Debug, Default)]
pub(crate) struct Blow {
    pub(crate) delay: Duration,
    pub(crate) strike: Option<Strike>,
}

#[derive(Debug)]
pub(crate) enum Strike {
    Answer { response: Response<Bytes>, after_effect: bool },
    Reset { after_effect: bool },
}

struct Armed {
    id: u64,
    rule: Rule,
    path: Option<Regex>,
    hits: u64,
}

/// The rules in force.
#[derive(Default)]
pub(crate) struct Faults(Mutex<(u64, Vec<Armed>)>);

impl Faults {
    fn lock(&self) -> MutexGuard<'_, (u64, Vec<Armed>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule; the id to remove it by. Refuses what could never apply.
    pub(crate) fn add(&self, rule: Rule) -> Result<u64, String> {
        let path = match &rule.path {
            Some(pattern) => {
                Some(Regex::new(pattern).map_err(|error| format!("path is no regular expression: {error}"))?)
            }
            None => None,
        };
        if let Some(method) = &rule.method {
            Method::from_bytes(method.as_bytes()).map_err(|_| format!("method {method:?} is none"))?;
        }
        if let Some(status) = rule.status
            && !(400..=599).contains(&status)
            && !(rule.kind == Kind::Page && status == 200)
        {
            return Err(format!("status {status} is no failure: 400 to 599 are"));
        }
        if let Some(probability) = rule.probability
            && !(0.0..=1.0).contains(&probability)
        {
            return Err(format!("probability {probability} is not between 0 and 1"));
        }
        for (name, value) in &rule.headers {
            if HeaderName::from_bytes(name.as_bytes()).is_err() || HeaderValue::from_str(value).is_err() {
                return Err(format!("{name:?} is no header"));
            }
        }
        retry_after(rule.retry_after.as_ref(), Timestamp::UNIX_EPOCH)?;
        let mut state = self.lock();
        state.0 += 1;
        let id = state.0;
        state.1.push(Armed { id, rule, path, hits: 0 });
        Ok(id)
    }

    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut state = self.lock();
        let before = state.1.len();
        state.1.retain(|armed| armed.id != id);
        state.1.len() < before
    }

    pub(crate) fn clear(&self) {
        self.lock().1.clear();
    }

    /// The rules with their ids and hits.
    pub(crate) fn list(&self) -> Vec<Value> {
        let state = self.lock();
        state
            .1
            .iter()
            .map(|armed| {
                let mut value = serde_json::to_value(&armed.rule).unwrap_or_default();
                value["id"] = armed.id.into();
                value["hits"] = armed.hits.into();
                value
            })
            .collect()
    }

    /// What a request meets. Latencies add up; the first other rule that applies strikes.
    pub(crate) fn meet(
        &self,
        service: Service,
        method: &Method,
        path: &str,
        chance: &Chance,
        now: Timestamp,
    ) -> Blow {
        self.meet_if(service, method, path, chance, now, |_| true)
    }

    /// As [`meet`](Self::meet) for a request inside a batch, which has no connection of its own to lose.
    pub(crate) fn meet_inside(&self, method: &Method, path: &str, chance: &Chance, now: Timestamp) -> Blow {
        self.meet_if(Service::Graph, method, path, chance, now, |kind| {
            matches!(kind, Kind::Status | Kind::StatusAfterEffect)
        })
    }

    fn meet_if(
        &self,
        service: Service,
        method: &Method,
        path: &str,
        chance: &Chance,
        now: Timestamp,
        takes: impl Fn(Kind) -> bool,
    ) -> Blow {
        let mut blow = Blow::default();
        let mut state = self.lock();
        if state.1.is_empty() {
            return blow;
        }
        for armed in &mut state.1 {
            let rule = &armed.rule;
            if !takes(rule.kind)
                || rule.service.is_some_and(|wanted| wanted != service)
                || rule.method.as_deref().is_some_and(|wanted| !wanted.eq_ignore_ascii_case(method.as_str()))
                || armed.path.as_ref().is_some_and(|pattern| !pattern.is_match(path))
                || rule.count.is_some_and(|count| armed.hits >= count)
                || (rule.kind != Kind::Latency && blow.strike.is_some())
                || !chance.happens(rule.probability.unwrap_or(1.0))
            {
                continue;
            }
            armed.hits += 1;
            match rule.kind {
                Kind::Latency => blow.delay += Duration::from_millis(rule.delay_ms.unwrap_or(1_000)),
                Kind::ResetBefore => blow.strike = Some(Strike::Reset { after_effect: false }),
                Kind::ResetAfterEffect => blow.strike = Some(Strike::Reset { after_effect: true }),
                Kind::Status => {
                    blow.strike = Some(Strike::Answer {
                        response: refusal(service, rule, 429, now),
                        after_effect: false,
                    });
                }
                Kind::Page | Kind::Redirect => {
                    blow.strike = Some(Strike::Answer { response: in_front(rule), after_effect: false });
                }
                Kind::StatusAfterEffect => {
                    blow.strike = Some(Strike::Answer {
                        response: refusal(service, rule, 504, now),
                        after_effect: true,
                    });
                }
            }
        }
        blow
    }
}

/// The value of `Retry-After`.
fn retry_after(wanted: Option<&Value>, now: Timestamp) -> Result<Option<String>, String> {
    match wanted {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(seconds)) => match seconds.as_u64() {
            Some(seconds) => Ok(Some(seconds.to_string())),
            None => Err(format!("retry_after {seconds} is no whole number of seconds")),
        },
        Some(Value::String(text)) => {
            let ahead = match text.strip_prefix("http-date") {
                Some("") => Some(2),
                Some(rest) => rest.strip_prefix(':').and_then(|seconds| seconds.parse::<u32>().ok()),
                None => None,
            };
            let Some(ahead) = ahead else {
                return Err(format!("retry_after {text:?} is neither seconds nor \"http-date\""));
            };
            let at = now.saturating_add(SignedDuration::from_secs(i64::from(ahead))).unwrap_or(now);
            Ok(Some(http_date(at)))
        }
        Some(other) => Err(format!("retry_after {other} is neither seconds nor \"http-date\"")),
    }
}

/// A moment as HTTP headers write it.
pub(crate) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// What a service answers with this status, and with what else the rule says.
fn refusal(service: Service, rule: &Rule, usual: u16, now: Timestamp) -> Response<Bytes> {
    let status =
        StatusCode::from_u16(rule.status.unwrap_or(usual)).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let mut response = if rule.empty {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        response
    } else {
        usual_words(service, rule, status, now)
    };
    further(&mut response, rule, now);
    response
}

/// The body that a service would give with this status.
fn usual_words(service: Service, rule: &Rule, status: StatusCode, now: Timestamp) -> Response<Bytes> {
    let code = rule.code.as_deref();
    let message = rule.message.as_deref();
    if service == Service::Ews {
        return crate::ews::failure(status, code, message, rule.back_off_ms);
    }
    if let Some(body) = &rule.body {
        let mut response = Response::new(Bytes::from(body.clone()));
        *response.status_mut() = status;
        let kind = if body.trim_start().starts_with('<') { "text/html" } else { "application/json" };
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        return response;
    }
    let body = match service {
        Service::Graph => {
            let (usual_code, usual_message) = match status.as_u16() {
                401 => ("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."),
                403 => ("ErrorAccessDenied", "Access is denied. Check credentials and try again."),
                404 => ("ErrorItemNotFound", "The specified object was not found in the store."),
                410 => ("SyncStateNotFound", "The sync state generation is not found."),
                429 => ("ApplicationThrottled", "Application is over its MailboxConcurrency limit."),
                503 => ("serviceNotAvailable", "The service is temporarily unavailable."),
                504 => ("GatewayTimeout", "The service did not answer in time."),
                _ => ("UnknownError", "An unknown error has occurred."),
            };
            let date = now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            json!({"error": {"code": code.unwrap_or(usual_code), "message": message.unwrap_or(usual_message),
                "innerError": {"date": date}}})
        }
        Service::Entra => {
            let usual_code = if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
                "temporarily_unavailable"
            } else {
                "invalid_request"
            };
            let stamp = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
            let text = message.unwrap_or("AADSTS90033: A transient error has occurred. Please try again.");
            json!({"error": code.unwrap_or(usual_code), "error_description": text, "error_codes": [90033],
                "timestamp": stamp})
        }
        _ => json!({"errorMessages": [message.unwrap_or("The simulator was told to fail.")], "errors": {}}),
    };
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// `Retry-After`, and whatever headers the rule names.
fn further(response: &mut Response<Bytes>, rule: &Rule, now: Timestamp) {
    let headers = response.headers_mut();
    if let Ok(Some(value)) = retry_after(rule.retry_after.as_ref(), now)
        && let Ok(value) = HeaderValue::from_str(&value)
    {
        headers.insert(header::RETRY_AFTER, value);
    }
    for (name, value) in &rule.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        {
            headers.insert(name, value);
        }
    }
}

/// What somebody answers who stands in front of the service: a page, or the way to one.
fn in_front(rule: &Rule) -> Response<Bytes> {
    const SIGN_IN: &str = "<!DOCTYPE html><html><head><title>Log in - Simulated</title></head><body><form action=\"/login.jsp\">\
        <input name=\"os_username\"><input type=\"password\" name=\"os_password\"></form></body></html>";
    let is_page = rule.kind == Kind::Page;
    let body = if is_page { rule.body.clone().unwrap_or_else(|| SIGN_IN.to_owned()) } else { String::new() };
    let mut response = Response::new(Bytes::from(body));
    let status = if is_page { rule.status.unwrap_or(200) } else { 302 };
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    if !is_page {
        let to = rule.location.as_deref().unwrap_or("/login.jsp?os_destination=%2F");
        if let Ok(to) = HeaderValue::from_str(to) {
            response.headers_mut().insert(header::LOCATION, to);
        }
    }
    further(&mut response, rule, Timestamp::UNIX_EPOCH);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(value: Value) -> Rule {
        serde_json::from_value(value).expect("a rule")
    }

    /// A rule hits what it names, as often as it says.
    #[test]
    fn a_rule_applies_to_what_it_names_and_ends_after_its_count() {
        let faults = Faults::default();
        let chance = Chance::new(1);
        faults
            .add(rule(json!({"service": "graph", "method": "POST", "path": "/move$", "kind": "status",
                "status": 503, "count": 2})))
            .expect("is a rule");
        let now = Timestamp::UNIX_EPOCH;
        let meet = |service, method: &Method, path: &str| faults.meet(service, method, path, &chance, now);
        assert!(meet(Service::Jira, &Method::POST, "/x/move").strike.is_none());
        assert!(meet(Service::Graph, &Method::GET, "/x/move").strike.is_none());
        assert!(meet(Service::Graph, &Method::POST, "/x/copy").strike.is_none());
        for _ in 0..2 {
            assert!(meet(Service::Graph, &Method::POST, "/x/move").strike.is_some());
        }
        assert!(meet(Service::Graph, &Method::POST, "/x/move").strike.is_none());
    }

    /// `Retry-After` in both forms, and absent.
    #[test]
    fn retry_after_takes_both_forms_or_none() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().expect("a moment");
        assert_eq!(retry_after(None, now), Ok(None));
        assert_eq!(retry_after(Some(&json!(7)), now), Ok(Some("7".to_owned())));
        let date = Ok(Some("Tue, 24 Nov 2026 10:00:02 GMT".to_owned()));
        assert_eq!(retry_after(Some(&json!("http-date")), now), date);
        assert!(retry_after(Some(&json!("soon")), now).is_err());
    }

    /// A refusal comes without a word where a rule says so, and with Exchange's diagnostics.
    #[test]
    fn a_refusal_may_have_no_word_and_diagnostics() {
        let faults = Faults::default();
        let why = "2000003;reason=\"The audience claim value is invalid 'aud'.\"";
        for service in ["graph", "ews"] {
            faults
                .add(rule(json!({"service": service, "kind": "status", "status": 401, "empty": true, "headers": {"x-ms-diagnostics": why}})))
                .expect("is a rule");
        }
        for service in [Service::Graph, Service::Ews] {
            let blow = faults.meet(service, &Method::POST, "/x", &Chance::new(1), Timestamp::UNIX_EPOCH);
            let Some(Strike::Answer { response, after_effect: false }) = blow.strike else {
                panic!("{service:?} answers nothing")
            };
            assert_eq!((response.status().as_u16(), response.body().len()), (401, 0), "{service:?}");
            assert_eq!(response.headers()["x-ms-diagnostics"], why, "{service:?}");
        }
    }

    /// What could never apply is refused with the reason.
    #[test]
    fn a_rule_that_cannot_apply_is_refused() {
        let faults = Faults::default();
        assert!(faults.add(rule(json!({"kind": "status", "path": "("}))).is_err());
        assert!(faults.add(rule(json!({"kind": "status", "status": 200}))).is_err());
        assert!(faults.add(rule(json!({"kind": "latency", "probability": 2.0}))).is_err());
        assert!(
            faults
                .add(rule(json!({"kind": "status", "headers": {"x-ms-diagnostics": "two\nlines"}})))
                .is_err()
        );
    }
}
