//! One request to Graph: leave from the budget, a token, a time-out, a bounded answer, and a fault where it fails. What may be
//! asked again without harm is; [`Ask::again`] says what.

use std::time::Duration;

use bytes::Bytes;
use fault::{Class, Fault};
use http::Method;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use super::GraphMailbox;
use super::refusal::Refused;
use crate::again::Again;
use crate::answer::{self, Unread, header};
use crate::budget::{Charge, Priority};
use crate::network;

/// How long one call may wait and try again altogether, not counting the last request.
const PATIENCE: Duration = Duration::from_secs(20);
/// Tries of what fails for a reason that passes.
const TRIES: u32 = 4;
/// The first pause between them.
const PAUSE: Duration = Duration::from_millis(500);
/// Error bodies are small.
const LARGEST_REFUSAL: usize = 256 << 10;
/// Answers that are neither pages nor MIME.
pub(super) const SMALL: usize = 8 << 20;

const USER_AGENT: &str = concat!("Postroom/", env!("CARGO_PKG_VERSION"));

/// What to ask for.
pub(super) struct Ask {
    /// For the log.
    pub(super) operation: &'static str,
    pub(super) method: Method,
    pub(super) url: Url,
    /// Beside the immutable ids.
    pub(super) prefer: Option<&'static str>,
    pub(super) body: Option<Bytes>,
    pub(super) content_type: &'static str,
    /// Sent as `Content-Range`.
    pub(super) range: Option<String>,
    /// Whether our token goes along. Not where the address carries a right of its own.
    pub(super) has_token: bool,
    /// Sent as `If-Match`.
    pub(super) if_match: Option<String>,
    pub(super) priority: Priority,
    pub(super) charge: Charge,
    /// The largest answer.
    pub(super) limit: usize,
    /// When it may be asked for again.
    pub(super) again: Again,
}

impl Ask {
    pub(super) fn get(operation: &'static str, url: Url, priority: Priority) -> Self {
        Self {
            operation,
            method: Method::GET,
            url,
            prefer: None,
            body: None,
            content_type: "application/json",
            range: None,
            has_token: true,
            if_match: None,
            priority,
            charge: Charge::ONE,
            limit: SMALL,
            again: Again::Freely,
        }
    }
}

impl GraphMailbox {
    /// Asks, tries again for a while where that helps, and renews a refused token once.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Vec<u8>, Refused> {
        let answer = self.ask_patiently(ask).await;
        answer.map_err(|refused| Refused { fault: self.placed(refused.fault), ..refused })
    }

    async fn ask_patiently(&self, ask: &Ask) -> Result<Vec<u8>, Refused> {
        let begun = Instant::now();
        let mut is_renewed = false;
        let mut tries = 0;
        let mut last: Option<Refused> = None;
        loop {
            let token = if ask.has_token { Some(self.tokens.get().await?) } else { None };
            let left = PATIENCE.saturating_sub(begun.elapsed());
            let permit = match self.budget.acquire(ask.charge, ask.priority, left).await {
                Ok(permit) => permit,
                Err(wait) => return Err(self.too_long(last, wait)),
            };
            let result = self.ask_once(ask, token.as_ref()).await;
            drop(permit);
            let mut refused = match result {
                Ok(body) => {
                    self.budget.answered();
                    return Ok(body);
                }
                Err(refused) => refused,
            };
            let status = refused.fault.status.unwrap_or_default();
            if let Some(token) = token.filter(|_| status == 401 && !is_renewed) {
                is_renewed = true;
                match &refused.claims {
                    Some(claims) => self.tokens.challenged(&token, claims).await?,
                    None => self.tokens.refused(&token).await?,
                };
                continue;
            }
            let asked = refused.fault.retry_after;
            let pauses_all = status == 429 || (asked.is_some() && matches!(status, 503 | 504 | 509));
            if pauses_all {
                self.budget.throttled(asked);
                refused.fault.retry_after = asked.or_else(|| self.budget.pause());
            }
            tries += 1;
            let pause = if pauses_all { Duration::ZERO } else { PAUSE * 2_u32.pow(tries) / 2 };
            // A conflict, a forgotten place or a redirect pass by other means than asking the same again.
            let may_pass = matches!(refused.fault.status, None | Some(408 | 429 | 500..=599));
            let goes_on = refused.fault.entry.class == Class::Transient
                && may_pass
                && !refused.is_too_large
                && ask.again.allows(&refused.fault)
                && tries < TRIES
                && begun.elapsed() + pause < PATIENCE;
            if !goes_on {
                return Err(refused);
            }
            last = Some(refused);
            tokio::time::sleep(pause).await;
        }
    }

    /// The mailbox's budget does not let the request out in time.
    fn too_long(&self, last: Option<Refused>, wait: Duration) -> Refused {
        if let Some(mut last) = last {
            last.fault.retry_after = Some(wait);
            return last;
        }
        let detail = format!("{} requests within the span that the mailbox counts over", self.budget.used());
        Fault { retry_after: Some(wait), ..Fault::own("graph.paused", &detail) }.into()
    }

    async fn ask_once(&self, ask: &Ask, token: Option<&SecretString>) -> Result<Vec<u8>, Refused> {
        let client_request_id = Uuid::new_v4().to_string();
        let prefer = match ask.prefer {
            None => "IdType=\"ImmutableId\"".to_owned(),
            Some(more) => format!("IdType=\"ImmutableId\", {more}"),
        };
        let mut request = self
            .http
            .request(ask.method.clone(), ask.url.clone())
            .timeout(self.timeout)
            .header("user-agent", USER_AGENT)
            .header("prefer", prefer)
            .header("client-request-id", &client_request_id)
            .header("return-client-request-id", "true");
        if let Some(token) = token {
            request = request.bearer_auth(token.expose_secret());
        }
        if let Some(range) = &ask.range {
            request = request.header("content-range", range);
        }
        if let Some(body) = &ask.body {
            request = request.header("content-type", ask.content_type).body(body.clone());
            if body.is_empty() {
                // Graph wants it told, and the library leaves it out.
                request = request.header("content-length", "0");
            }
        }
        if let Some(etag) = &ask.if_match {
            request = request.header("if-match", etag);
        }
        let begun = Instant::now();
        let host = self.host();
        let response = request.send().await.map_err(|error| {
            let fault = network::failed(&error, host);
            tracing::info!(operation = ask.operation, client_request_id, code = %fault.code, "Graph could not be asked");
            fault
        })?;
        let (status, headers) = (response.status(), response.headers().clone());
        let limit = if status.is_success() { ask.limit } else { LARGEST_REFUSAL };
        let body = answer::body(response, limit).await;
        let request_id = header(&headers, "request-id").unwrap_or_default();
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        if status.is_success() {
            let body = body.map_err(|unread| match unread {
                Unread::Failed(error) => Refused::from(network::failed(&error, host)),
                Unread::TooLarge => Refused {
                    is_too_large: true,
                    ..Fault::own("graph.mime_too_large", &format!("{}: over {limit} bytes", ask.operation))
                        .into()
                },
            })?;
            tracing::debug!(
                operation = ask.operation,
                status = status.as_u16(),
                request_id,
                client_request_id,
                took_ms,
                bytes = body.len(),
                "Graph answered"
            );
            return Ok(body);
        }
        let refused = Refused::read(
            status.as_u16(),
            &headers,
            &body.unwrap_or_default(),
            Some(client_request_id.as_str()),
        );
        tracing::info!(
            operation = ask.operation, status = status.as_u16(), request_id, client_request_id, took_ms,
            code = %refused.fault.code, retry_after = ?refused.fault.retry_after, "Graph refused"
        );
        Err(refused)
    }
}
