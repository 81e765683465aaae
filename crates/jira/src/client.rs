//! The client: one request out, one answer in, with everything that all calls share.

#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fault::Fault;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};
use reqwest::multipart::Form;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

use crate::answer::{Asked, CallError, ERROR_BODY, Effect, led_on};
use crate::pace::{Advice, Lane, Pace};
use crate::service::{ServiceTokens, TokenInUse};
use crate::site::{ApiVersion, Auth, Settings, Site};

/// Not like a browser's: Data Center's protection against forged requests reacts to those.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("Postroom/", env!("CARGO_PKG_VERSION")));
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A Jira, ready to be called. Share one per connection: the pace only holds for calls that go through it.
pub struct Client {
    http: reqwest::Client,
    /// Base address without a slash at its end.
    base: String,
    /// Base address with `/rest/api/{version}/`.
    api: String,
    host: String,
    version: ApiVersion,
    authorization: Authorization,
    settings: Settings,
    pace: Pace,
    slots: Semaphore,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("api", &self.api).finish_non_exhaustive()
    }
}

/// What requests are signed with.
enum Authorization {
    /// The same for all.
    Fixed(HeaderValue),
    /// The token holds what no header may.
    Unsendable,
    /// A token that comes and goes.
    Service(Box<ServiceTokens>),
}

/// What a call sends.
pub(crate) enum Sent {
    Nothing,
    Json(Bytes),
    /// Built anew for each attempt by the caller; sent once. The number is its size in bytes, for the time-out.
    Form(Form, u64),
}

/// One call.
pub(crate) struct Call<'a> {
    /// Its name in logs and errors; with the method it names the endpoint for the pace.
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    /// Path after `/rest/api/{version}/`, escaped, with its query.
    pub(crate) path: String,
    /// Whether the path stands after the base address instead.
    pub(crate) is_beside: bool,
    /// Whether it changes anything. POST that only asks is a read.
    pub(crate) writes: bool,
    /// The issue that is written to, where the limit per issue applies.
    pub(crate) issue: Option<&'a str>,
    pub(crate) sent: Sent,
    /// Whether a redirect is an answer rather than an error.
    pub(crate) redirect_is_answer: bool,
}

impl<'a> Call<'a> {
    pub(crate) fn get(operation: &'static str, path: String) -> Self {
        Self {
            operation,
            method: Method::GET,
            path,
            is_beside: false,
            writes: false,
            issue: None,
            sent: Sent::Nothing,
            redirect_is_answer: false,
        }
    }

    /// A POST that only asks.
    pub(crate) fn ask(operation: &'static str, path: String, body: Bytes) -> Self {
        Self { method: Method::POST, sent: Sent::Json(body), ..Self::get(operation, path) }
    }

    /// A call that changes something.
    pub(crate) fn write(operation: &'static str, method: Method, path: String, body: Bytes) -> Self {
        Self { method, writes: true, sent: Sent::Json(body), ..Self::get(operation, path) }
    }

    /// Of another API of the site: the path stands after its base address.
    pub(crate) fn beside(self) -> Self {
        Self { is_beside: true, ..self }
    }

    pub(crate) fn on_issue(self, issue: &'a str) -> Self {
        Self { issue: Some(issue), ..self }
    }

    fn lane(&self) -> Lane<'_> {
        Lane { endpoint: self.operation, method: &self.method, issue: self.issue }
    }

    fn asked(&self) -> Asked {
        Asked { operation: self.operation, writes: self.writes }
    }
}

/// An answer that is a success.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Client {
    /// A client for a site. `http` must not follow redirects: an answer that came by one is refused, because the token
    /// would travel along.
    pub fn new(http: reqwest::Client, site: Site, settings: Settings) -> Self {
        let Site { base_url, api_version, auth } = site;
        let base = base_url.as_str().split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
        let authorization = match auth {
            Auth::Service(credentials) => Authorization::Service(Box::new(ServiceTokens::new(credentials))),
            fixed => fixed.header().map_or(Authorization::Unsendable, Authorization::Fixed),
        };
        Self {
            http,
            base: base.to_owned(),
            api: format!("{base}/rest/api/{}/", api_version.digit()),
            host: host_of(&base_url),
            version: api_version,
            authorization,
            pace: Pace::new(settings.pace.clone()),
            slots: Semaphore::new(settings.concurrency.max(1)),
            settings,
        }
    }

    /// The version of the API that is spoken.
    pub fn api_version(&self) -> ApiVersion {
        self.version
    }

    /// How calls are paced.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Gets a token for a service account where there is none that lasts; other ways of signing in need none.
    pub async fn sign_in(&self) -> Result<Option<TokenInUse>, Fault> {
        self.authorization().await?;
        Ok(self.token_in_use())
    }

    /// The token of the service account that is in use; none for other ways of signing in, and before the first call.
    pub fn token_in_use(&self) -> Option<TokenInUse> {
        match &self.authorization {
            Authorization::Service(tokens) => tokens.in_use(),
            Authorization::Fixed(_) | Authorization::Unsendable => None,
        }
    }

    /// Waits until a new issue could be written, at most for [`Settings::wait_at_most`]. Called before an intent is
    /// committed, so that the time in the queue is not taken from the lease.
    pub async fn ready(&self) {
        self.authorized_soon().await;
        let lane = Lane { endpoint: crate::issues::CREATE, method: &Method::POST, issue: None };
        self.pace.until_free(lane, self.settings.wait_at_most).await;
    }

    /// As [`Client::ready`], for a write to an issue that is there: its own limit may be longer to wait for.
    pub async fn ready_for(&self, issue: &str) {
        self.authorized_soon().await;
        let lane = Lane { endpoint: "add comment", method: &Method::POST, issue: Some(issue) };
        self.pace.until_free(lane, self.settings.wait_at_most).await;
    }

    /// A token that has to be replaced is replaced now, if that does not take too long; a call that needs it says what is wrong with
    /// that.
    async fn authorized_soon(&self) {
        tokio::time::timeout(self.settings.wait_at_most, self.authorization()).await.ok();
    }

    /// Sends a call and reads the answer as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, CallError> {
        let asked = call.asked();
        let answer = self.send(call).await?;
        self.read_as(asked, &answer)
    }

    /// The body of a read's answer.
    pub(crate) fn read<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        answer: &Answer,
    ) -> Result<T, CallError> {
        self.read_as(Asked { operation, writes: false }, answer)
    }

    fn read_as<T: DeserializeOwned>(&self, asked: Asked, answer: &Answer) -> Result<T, CallError> {
        serde_json::from_slice(&answer.body).map_err(|error| {
            if answer.body.trim_ascii_start().starts_with(b"<") {
                // What stands in front of Jira answers as if all were well: nobody knows what became of the call.
                let body = &answer.body[..answer.body.len().min(ERROR_BODY)];
                let refused = asked.refused(answer.status, &answer.headers, body);
                return CallError { effect: asked.in_doubt(), ..refused };
            }
            let what = format!("the answer ({}) is not what the API promises: {error}", answer.status);
            asked.unreadable(&self.host, &what)
        })
    }

    /// Sends a call. Reads are tried again after a fault that passes; writes never.
    pub(crate) async fn send(&self, mut call: Call<'_>) -> Result<Answer, CallError> {
        let mut attempt = 0;
        let mut renewed = false;
        loop {
            let sent = match &call.sent {
                // Only JSON and nothing can be sent a second time; forms are writes and never are.
                Sent::Json(body) => Sent::Json(body.clone()),
                Sent::Nothing => Sent::Nothing,
                Sent::Form(..) => std::mem::replace(&mut call.sent, Sent::Nothing),
            };
            let (error, passes) = match self.once(&call, sent).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            // A token of a service account may be refused before its time. A new one is tried once: nothing was done. A form is
            // gone by now.
            let may_repeat = !call.writes || matches!(call.sent, Sent::Json(_));
            if self.is_service() && is_refused_token(&error) && !renewed && may_repeat {
                renewed = true;
                continue;
            }
            attempt += 1;
            if call.writes || !passes || attempt > self.settings.read_retries {
                return Err(error);
            }
            // A pause that the server asked for is kept by the pace.
            tokio::time::sleep(Duration::from_millis(150) * 3_u32.pow(attempt.min(5))).await;
        }
    }

    /// One attempt. The second part of an error says whether it may pass by itself.
    async fn once(&self, call: &Call<'_>, sent: Sent) -> Result<Answer, (CallError, bool)> {
        let asked = call.asked();
        if matches!(self.authorization, Authorization::Unsendable) {
            let error =
                asked.refused(401, &HeaderMap::new(), b"the token holds characters that no header may");
            return Err((error, false));
        }
        let lane = call.lane();
        let waiting = Instant::now();
        self.pace
            .turn(lane, self.settings.wait_at_most)
            .await
            .map_err(|long| (asked.must_wait(long.wait, long.for_issue), false))?;
        let left =
            self.settings.wait_at_most.saturating_sub(waiting.elapsed()).max(Duration::from_millis(100));
        let Ok(Ok(slot)) = tokio::time::timeout(left, self.slots.acquire()).await else {
            return Err((asked.must_wait(Duration::from_secs(1), false), false));
        };
        // A pause may have begun while this call waited for a slot.
        if let Some(wait) = self.pace.pause() {
            return Err((asked.must_wait(wait, false), false));
        }

        let authorization = self.authorization().await.map_err(|fault| {
            // Nothing was sent to Jira: a status that somebody else said tells nothing of what was asked for.
            let passes = fault.entry.class == fault::Class::Transient;
            let fault = Fault { status: None, ..fault };
            (CallError { fault, effect: Effect::None }, passes)
        })?;
        let url = if call.is_beside {
            format!("{}/{}", self.base, call.path)
        } else {
            format!("{}{}", self.api, call.path)
        };
        let mut request = self
            .http
            .request(call.method.clone(), &url)
            .header(AUTHORIZATION, authorization.clone())
            .header(ACCEPT, JSON)
            .header(USER_AGENT, AGENT);
        let mut timeout = self.settings.request_timeout;
        request = match sent {
            Sent::Nothing => request,
            Sent::Json(body) => request.header(CONTENT_TYPE, JSON).body(body),
            Sent::Form(form, size) => {
                // At least 64 KiB a second is expected of an upload.
                timeout += Duration::from_secs(size >> 16);
                request.header("X-Atlassian-Token", "no-check").multipart(form)
            }
        };
        let begin = Instant::now();
        let failed = |error: &reqwest::Error| {
            let error = asked.failed(error, &self.host);
            tracing::info!(
                operation = call.operation,
                took_ms = took(begin),
                fault = %error.fault,
                detail = error.fault.detail,
                "Jira did not answer"
            );
            (error, true)
        };
        let mut response = request.timeout(timeout).send().await.map_err(|error| failed(&error))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let advice = Advice::read(&headers);
        self.pace.answered(lane, status, &advice);
        let trace = headers
            .get("atl-traceid")
            .or_else(|| headers.get("x-arequestid"))
            .and_then(|id| id.to_str().ok());

        if host_of(response.url()) != self.host {
            return Err((asked.redirected(status, response.url(), asked.in_doubt()), false));
        }
        let anonymous = headers
            .get("x-seraph-loginreason")
            .and_then(|reason| reason.to_str().ok())
            .is_some_and(|reason| reason.contains("AUTHENTICATED_FAILED"));
        let redirect = (300..400).contains(&status);
        if redirect && !call.redirect_is_answer {
            let fault = led_on(call.operation, status, response.url(), &headers);
            return Err((CallError { fault, effect: Effect::None }, false));
        }
        let good = (response.status().is_success() || (redirect && call.redirect_is_answer)) && !anonymous;
        let limit = if good { self.settings.response_limit } else { ERROR_BODY };
        let read =
            if redirect { Ok((Bytes::new(), false)) } else { body(&mut response, &headers, limit).await };
        drop(slot);
        tracing::debug!(operation = call.operation, status, took_ms = took(begin), trace, "Jira answered");
        if good {
            let (body, cut) = read.map_err(|error| failed(&error))?;
            if cut {
                let what = format!("the answer is larger than {limit} bytes");
                return Err((asked.unreadable(&self.host, &what), false));
            }
            return Ok(Answer { status, headers, body });
        }
        // An error without its body is still an error.
        let (body, _) = read.unwrap_or_default();
        // Signed in as nobody: what the status says was said to nobody.
        let said = if anonymous && !(400..500).contains(&status) { 401 } else { status };
        let mut error = asked.refused(said, &headers, &body);
        if let Authorization::Service(tokens) = &self.authorization
            && is_refused_token(&error)
        {
            tokens.refused(&authorization);
        }
        if said != status && call.writes {
            // Whoever we were taken for, it may have been done.
            error.effect = Effect::Unknown;
        }
        tracing::info!(
            operation = call.operation,
            status,
            took_ms = took(begin),
            trace,
            fault = %error.fault,
            "Jira refused"
        );
        Err((error, status == 429 || status >= 500))
    }

    fn is_service(&self) -> bool {
        matches!(self.authorization, Authorization::Service(_))
    }

    async fn authorization(&self) -> Result<HeaderValue, Fault> {
        match &self.authorization {
            Authorization::Fixed(header) => Ok(header.clone()),
            // Boxed: every call would carry the room that asking for a token takes.
            Authorization::Service(tokens) => {
                Box::pin(tokens.header(&self.http, self.settings.request_timeout)).await
            }
            Authorization::Unsendable => {
                Err(Fault::own("jira.token", "the token holds characters that no header may"))
            }
        }
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

/// Whether Jira did not take the token, and did nothing.
fn is_refused_token(error: &CallError) -> bool {
    error.fault.entry.id == "jira.token" && error.effect == Effect::None
}

fn took(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Reads a body up to `limit`; says whether there was more.
pub(crate) async fn body(
    response: &mut reqwest::Response,
    headers: &HeaderMap,
    limit: usize,
) -> Result<(Bytes, bool), reqwest::Error> {
    let first = response.chunk().await?.unwrap_or_default();
    if first.len() > limit {
        return Ok((first.slice(..limit), true));
    }
    let Some(second) = response.chunk().await? else { return Ok((first, false)) };
    let announced =
        headers.get("content-length").and_then(|n| n.to_str().ok()?.parse::<usize>().ok()).unwrap_or(0);
    // What is announced is believed up to a megabyte.
    let mut all = BytesMut::with_capacity(announced.min(1 << 20).max(first.len() + second.len()));
    all.extend_from_slice(&first);
    let mut next = Some(second);
    while let Some(chunk) = next {
        if all.len() + chunk.len() > limit {
            all.extend_from_slice(&chunk[..limit.saturating_sub(all.len())]);
            return Ok((all.freeze(), true));
        }
        all.extend_from_slice(&chunk);
        next = response.chunk().await?;
    }
    Ok((all.freeze(), false))
}
