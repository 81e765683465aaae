//! Access tokens of a service account on Jira Cloud: its client id and secret are exchanged for a token that lasts an hour and has no
//! refresh token (OAuth 2.0 client credentials; facts: Atlassian's service accounts). A token lives in memory alone, and is
//! replaced before it ends.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use fault::{Failure, Fault, JiraAnswer, Network, NetworkKind};
use http::HeaderValue;
use http::header::ACCEPT;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::answer::{ERROR_BODY, led_on, sources};
use crate::client;
use crate::pace::retry_after;

/// A token is replaced so long before its end, at the latest after half its life.
const BEFORE_ITS_END: Duration = Duration::from_mins(5);
/// What a token lasts where the endpoint does not say.
const USUAL_LIFE: Duration = Duration::from_mins(60);
/// No token is believed to last longer: whatever the endpoint says, a new one costs one call a day.
const LONGEST_LIFE: Duration = Duration::from_hours(24);
/// After a refusal nobody asks again for so long: each call would bring the same answer, and count against the account.
const REST: Duration = Duration::from_secs(5);

/// What a service account signs in with.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// Where a token is asked for, for example `https://auth.atlassian.com/oauth/token`.
    pub token_url: Url,
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: SecretString,
}

/// A token in use, as it is told to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInUse {
    /// How long it still lasts.
    pub lasts: Duration,
    /// The scopes that it was given, where the endpoint says so.
    pub scopes: Vec<String>,
}

#[derive(Debug)]
struct Held {
    header: HeaderValue,
    /// Replaced from then on.
    renew_at: Instant,
    ends_at: Instant,
    scopes: Vec<String>,
}

/// The tokens of one service account. One at a time asks for a new one; the others wait for it only where none lasts.
#[derive(Debug)]
pub(crate) struct ServiceTokens {
    credentials: ClientCredentials,
    held: std::sync::Mutex<Option<Held>>,
    /// Held by whoever asks: what was refused last, and until when nobody asks again.
    asking: Mutex<Option<(Instant, Fault)>>,
}

#[derive(Deserialize)]
struct Given {
    #[serde(deserialize_with = "secret")]
    access_token: SecretString,
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    scope: Option<String>,
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

impl ServiceTokens {
    pub(crate) fn new(credentials: ClientCredentials) -> Self {
        Self { credentials, held: std::sync::Mutex::default(), asking: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The header of the token that is held, if it is not to be replaced yet.
    fn fresh(&self) -> Option<HeaderValue> {
        let held = self.held();
        held.as_ref().filter(|held| Instant::now() < held.renew_at).map(|held| held.header.clone())
    }

    /// The header of the token that is held, if it has not ended: good until then, if only a new one cannot be had.
    fn lasting(&self) -> Option<HeaderValue> {
        let held = self.held();
        held.as_ref().filter(|held| Instant::now() < held.ends_at).map(|held| held.header.clone())
    }

    /// The header of a token that lasts.
    pub(crate) async fn header(
        &self,
        http: &reqwest::Client,
        timeout: Duration,
    ) -> Result<HeaderValue, Fault> {
        if let Some(header) = self.fresh() {
            return Ok(header);
        }
        let mut asking = match self.asking.try_lock() {
            Ok(asking) => asking,
            // Somebody asks already, and may ask for long.
            Err(_) => match self.lasting() {
                Some(header) => return Ok(header),
                None => self.asking.lock().await,
            },
        };
        // Whoever asked before may have got one, or a refusal that is good for all who waited.
        if let Some(header) = self.fresh() {
            return Ok(header);
        }
        if let Some((until, fault)) = &*asking
            && Instant::now() < *until
        {
            return self.lasting().ok_or_else(|| fault.clone());
        }
        match self.ask(http, timeout).await {
            Ok(held) => {
                let header = held.header.clone();
                *self.held() = Some(held);
                *asking = None;
                Ok(header)
            }
            Err(fault) => {
                // The rest begins with the answer: an endpoint that hangs takes longer to fail than the rest lasts.
                *asking = Some((Instant::now() + REST, fault.clone()));
                self.lasting().ok_or(fault)
            }
        }
    }

    /// Jira has refused this token: it is not given again.
    pub(crate) fn refused(&self, header: &HeaderValue) {
        let mut held = self.held();
        if held.as_ref().is_some_and(|held| held.header == *header) {
            *held = None;
        }
    }

    /// The token in use, if there is one.
    pub(crate) fn in_use(&self) -> Option<TokenInUse> {
        let held = self.held();
        let held = held.as_ref()?;
        let lasts = held.ends_at.saturating_duration_since(Instant::now());
        Some(TokenInUse { lasts, scopes: held.scopes.clone() })
    }

    async fn ask(&self, http: &reqwest::Client, timeout: Duration) -> Result<Held, Fault> {
        const OPERATION: &str = "token of the service account";
        let ClientCredentials { token_url, client_id, client_secret } = &self.credentials;
        let host = token_url.host_str().unwrap_or_default().to_owned();
        let failed = |error: &reqwest::Error| {
            let detail = sources(error);
            let kind = NetworkKind::of(&Failure {
                is_timeout: error.is_timeout(),
                is_connect: error.is_connect(),
                is_body: error.is_body() || error.is_decode(),
                io: fault::innermost_io(error),
                words: &detail,
            });
            Fault::network(&Network { kind, host: &host, detail: &detail })
        };
        let asked = serde_json::json!({
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret.expose_secret(),
        });
        let begun = Instant::now();
        let mut answer = http
            .post(token_url.clone())
            .header(ACCEPT, "application/json")
            .timeout(timeout)
            .json(&asked)
            .send()
            .await
            .map_err(|error| failed(&error))?;
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        if (300..400).contains(&status) {
            return Err(led_on(OPERATION, status, answer.url(), &headers));
        }
        let (body, _) =
            client::body(&mut answer, &headers, ERROR_BODY).await.map_err(|error| failed(&error))?;
        let refused = |status: u16| {
            let body = String::from_utf8_lossy(&body[..body.len().min(ERROR_BODY)]);
            Fault::jira_credentials(&JiraAnswer {
                status,
                body: &body,
                retry_after: retry_after(&headers),
                trace_id: headers.get("atl-traceid").and_then(|id| id.to_str().ok()),
                operation: OPERATION,
                ..JiraAnswer::default()
            })
        };
        if !(200..300).contains(&status) {
            return Err(refused(status));
        }
        let Ok(given) = serde_json::from_slice::<Given>(&body) else {
            if body.trim_ascii_start().starts_with(b"<") {
                return Err(refused(status));
            }
            let detail = "the answer of the token endpoint is not what it promises";
            return Err(Fault::network(&Network { kind: NetworkKind::Body, host: &host, detail }));
        };
        let header = HeaderValue::from_str(&format!("Bearer {}", given.access_token.expose_secret()));
        let Ok(mut header) = header else { return Err(refused(401)) };
        header.set_sensitive(true);
        let life = given.expires_in.map_or(USUAL_LIFE, Duration::from_secs).min(LONGEST_LIFE);
        // The clock of a token starts when it is made, which is after it was asked for.
        let ends_at = begun + life;
        let scopes = given.scope.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        Ok(Held { header, renew_at: ends_at - BEFORE_ITS_END.min(life / 2), ends_at, scopes })
    }
}

#[cfg(test)]
mod tests;
