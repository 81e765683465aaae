//! The token endpoint: a code redeemed, tokens refreshed (RFC 6749 §4.1.3, §6; Entra's authorization code flow).

use std::time::Duration;

use fault::{EntraError, Fault, Retry};
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::claims::{CONTINUOUS_ACCESS, to_send};
use super::discovery::{Discovery, PAUSES, TIMEOUT};
use super::identity::{Doubt, Expected, verify};
use super::{Application, IdClaims, Tokens};
use crate::answer::{self, Unread, asked_to_wait, header};
use crate::network;

/// Token answers are a few kilobytes; an account in very many groups has larger ones.
const LARGEST: usize = 1 << 20;

#[derive(Deserialize)]
pub(super) struct Body {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    pub(super) id_token: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    expires_in: Option<Seconds>,
}

/// Some versions of the service write numbers as text.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Seconds {
    Number(u64),
    Text(String),
}

impl Seconds {
    pub(super) fn duration(&self) -> Duration {
        Duration::from_secs(match self {
            Self::Number(seconds) => *seconds,
            Self::Text(text) => text.parse().unwrap_or(0),
        })
    }
}

/// Which failures are worth another try at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// All that pass: doing it twice is harmless.
    Transient,
    /// Only those where the request has not been looked at: a code can be used once.
    Unseen,
}

/// Redeems the code of a return. `nonce` and `verifier` are those of [`super::begin`]; `scopes` name one resource (besides
/// the OpenID Connect ones, of which `openid` and `profile` must be there: without them nobody knows who signed in).
#[allow(
    clippy::too_many_arguments,
    reason = "what the flow has kept, one by one; a struct would be built for this call alone"
)]
pub async fn redeem(
    http: &reqwest::Client,
    discovery: &Discovery,
    app: &Application,
    code: &str,
    verifier: &SecretString,
    nonce: &str,
    scopes: &[&str],
    now: Timestamp,
) -> Result<Tokens, Fault> {
    let scope = scopes.join(" ");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", app.redirect_uri.as_str()),
        ("code_verifier", verifier.expose_secret()),
        ("scope", &scope),
        ("claims", CONTINUOUS_ACCESS),
    ];
    let mut body: Body =
        post(http, &discovery.token_endpoint, discovery, app, &form, Again::Unseen, now).await?;
    let Some(id_token) = body.id_token.take() else {
        return Err(Fault::own("entra.id_token", "the answer has no id_token (scope openid)"));
    };
    let id = identify(http, &id_token, discovery, app, Some(nonce), now).await?;
    Ok(tokens(body, scopes, Some(id)))
}

/// Who signed in, verified. `nonce` is none only where the flow has none.
pub(super) async fn identify(
    http: &reqwest::Client,
    token: &str,
    discovery: &Discovery,
    app: &Application,
    nonce: Option<&str>,
    now: Timestamp,
) -> Result<IdClaims, Fault> {
    let expected = &Expected { discovery, app, nonce, now };
    let keys = expected.discovery.keys(http).await?;
    match verify(token, &keys, expected) {
        Ok(id) => return Ok(id),
        Err(Doubt::Refused(fault)) => return Err(fault),
        Err(Doubt::UnknownKey(kid)) => {
            tracing::info!(kid, "an id_token names a new key, fetching the keys again");
        }
    }
    let keys = expected.discovery.fetch_keys(http).await?;
    verify(token, &keys, expected).map_err(|doubt| match doubt {
        Doubt::Refused(fault) => fault,
        Doubt::UnknownKey(kid) => Fault::own(
            "entra.id_token",
            &format!("it is signed with the key {kid}, which the tenant does not have"),
        ),
    })
}

/// Renews the tokens of an account. The old refresh token stays valid for now: repeating this is harmless.
pub async fn refresh(
    http: &reqwest::Client,
    discovery: &Discovery,
    app: &Application,
    refresh_token: &SecretString,
    scopes: &[&str],
    now: Timestamp,
) -> Result<Tokens, Fault> {
    refresh_with_claims(http, discovery, app, refresh_token, scopes, None, now).await
}

/// As [`refresh`], with what a claims challenge asked for (JSON).
pub async fn refresh_with_claims(
    http: &reqwest::Client,
    discovery: &Discovery,
    app: &Application,
    refresh_token: &SecretString,
    scopes: &[&str],
    challenge: Option<&str>,
    now: Timestamp,
) -> Result<Tokens, Fault> {
    let (scope, claims) = (scopes.join(" "), to_send(challenge));
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.expose_secret()),
        ("scope", &scope),
        ("claims", &claims),
    ];
    let body = post(http, &discovery.token_endpoint, discovery, app, &form, Again::Transient, now).await?;
    Ok(tokens(body, scopes, None))
}

/// A token of the application itself (application permission): no person, no refresh token; asked for again when it ends. The
/// discovery must be that of the tenant. `scope` names the resource: `https://graph.microsoft.com/.default`,
/// `https://outlook.office365.com/.default`, or those of another cloud.
pub async fn as_application(
    http: &reqwest::Client,
    discovery: &Discovery,
    app: &Application,
    scope: &str,
    now: Timestamp,
) -> Result<Tokens, Fault> {
    as_application_with_claims(http, discovery, app, scope, None, now).await
}

/// As [`as_application`], with what a claims challenge asked for (JSON).
pub async fn as_application_with_claims(
    http: &reqwest::Client,
    discovery: &Discovery,
    app: &Application,
    scope: &str,
    challenge: Option<&str>,
    now: Timestamp,
) -> Result<Tokens, Fault> {
    let claims = to_send(challenge);
    let form = [("grant_type", "client_credentials"), ("scope", scope), ("claims", &claims)];
    let body = post(http, &discovery.token_endpoint, discovery, app, &form, Again::Transient, now).await?;
    Ok(tokens(body, &[scope], None))
}

pub(super) fn tokens(body: Body, asked: &[&str], id: Option<IdClaims>) -> Tokens {
    let scopes = match body.scope {
        Some(scope) => scope.split_whitespace().map(str::to_owned).collect(),
        // RFC 6749 §5.1: it may be left out where it is what was asked for.
        None => asked.iter().map(|scope| (*scope).to_owned()).collect(),
    };
    Tokens {
        access: SecretString::from(body.access_token),
        expires_in: body.expires_in.as_ref().map_or(Duration::ZERO, Seconds::duration),
        refresh: body.refresh_token.filter(|token| !token.is_empty()).map(SecretString::from),
        id,
        scopes,
    }
}

/// Posts a form as this application, with its credential, and tries again for a moment where that is harmless.
pub(super) async fn post<T: DeserializeOwned>(
    http: &reqwest::Client,
    url: &Url,
    discovery: &Discovery,
    app: &Application,
    form: &[(&str, &str)],
    again: Again,
    now: Timestamp,
) -> Result<T, Fault> {
    let mut pauses = PAUSES.into_iter();
    loop {
        // Anew for each try: an assertion is used once.
        let proof = app.credential.fields(&app.client_id, &discovery.token_endpoint, now);
        let mut whole = vec![("client_id", app.client_id.as_str())];
        whole.extend_from_slice(form);
        whole.extend(proof.iter().map(|(name, value)| (*name, value.expose_secret())));
        let fault = match post_once(http, url, &whole).await {
            Ok(body) => return Ok(body),
            Err(fault) => fault,
        };
        let may_try = fault.entry.retry == Retry::Soon
            && match again {
                Again::Transient => true,
                Again::Unseen => {
                    matches!(fault.status, Some(429 | 503))
                        || matches!(fault.entry.id, "network.connect" | "network.refused" | "network.dns")
                }
            };
        match pauses.next() {
            Some(pause) if may_try && fault.retry_after.is_none_or(|asked| asked <= pause) => {
                tokio::time::sleep(pause).await;
            }
            _ => return Err(fault),
        }
    }
}

async fn post_once<T: DeserializeOwned>(
    http: &reqwest::Client,
    url: &Url,
    form: &[(&str, &str)],
) -> Result<T, Fault> {
    let host = url.host_str().unwrap_or_default();
    let client_request_id = Uuid::new_v4();
    let response = http
        .post(url.clone())
        .timeout(TIMEOUT)
        .header("accept", "application/json")
        .header("client-request-id", client_request_id.to_string())
        .header("return-client-request-id", "true")
        .form(form)
        .send()
        .await
        .map_err(|error| network::failed(&error, host))?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = Zeroizing::new(answer::body(response, LARGEST).await.map_err(|unread| match unread {
        Unread::Failed(error) => network::failed(&error, host),
        Unread::TooLarge => network::unreadable(host, "the answer of the token endpoint is too large"),
    })?);
    let request_id = header(&headers, "x-ms-request-id").unwrap_or_default();
    tracing::debug!(host, status, request_id, %client_request_id, "token endpoint answered");
    if status != 200 {
        let fault = entra_fault(status, &headers, &body);
        tracing::info!(
            host, status, request_id, %client_request_id, code = %fault.code,
            trace_id = fault.ids.trace, correlation_id = fault.ids.correlation, "token endpoint refused"
        );
        return Err(fault);
    }
    // Where the parser stumbles it may quote what it read: only the place is told.
    serde_json::from_slice(&body).map_err(|error| {
        network::no_answer(
            host,
            &body,
            &format!("the token answer breaks off at line {}, column {}", error.line(), error.column()),
        )
    })
}

/// The fault of an answer of the sign-in service that is no success.
pub(super) fn entra_fault(status: u16, headers: &HeaderMap, body: &[u8]) -> Fault {
    let mut error = EntraError::read(status, body);
    error.retry_after = asked_to_wait(headers);
    error.trace_id = error.trace_id.or_else(|| header(headers, "x-ms-request-id").map(str::to_owned));
    Fault::entra(&error)
}
