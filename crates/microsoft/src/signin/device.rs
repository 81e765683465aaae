//! The device code flow (RFC 8628), the last resort: a person enters a short code at Microsoft on any machine. Many tenants bar
//! it by Conditional Access, and the app registration must allow public client flows.
//!
//! [`begin`] gives the code to show; [`poll`] asks once whether it was entered, and says how long to wait until the next time.

use std::fmt;
use std::time::Duration;

use fault::Fault;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::discovery::Discovery;
use super::token::{Again, Seconds, identify, post, tokens};
use super::{Application, Tokens};

/// Polled this often where the answer does not say (RFC 8628 §3.2).
const INTERVAL: u64 = 5;
/// Added to the interval when the service asks to slow down (RFC 8628 §3.5).
const SLOWER: Duration = Duration::from_secs(5);
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A code that waits to be entered.
#[derive(Clone)]
pub struct Waiting {
    /// What a person types in.
    pub user_code: String,
    /// Where they type it in.
    pub verification_uri: Url,
    /// Microsoft's own sentence about the two, in the language of the tenant.
    pub message: String,
    /// What [`poll`] shows; to be kept sealed.
    pub device_code: SecretString,
    /// How long the code holds.
    pub expires_in: Duration,
    /// How long to wait before the first [`poll`].
    pub interval: Duration,
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// What a [`poll`] found.
#[derive(Debug)]
pub enum Polled {
    /// Nobody has entered the code yet: ask again after this long, and never earlier.
    Wait(Duration),
    /// Somebody has; the identity is verified.
    SignedIn(Box<Tokens>),
}

#[derive(Deserialize)]
struct Body {
    device_code: String,
    user_code: String,
    #[serde(alias = "verification_url")]
    verification_uri: Url,
    expires_in: Seconds,
    #[serde(default)]
    interval: Option<Seconds>,
    #[serde(default)]
    message: String,
}

/// Asks for a code. `scopes` name one resource, beside `openid profile offline_access`.
pub async fn begin(
    http: &reqwest::Client,
    discovery: &Discovery,
    app: &Application,
    scopes: &[&str],
    now: Timestamp,
) -> Result<Waiting, Fault> {
    let endpoint = discovery.device_authorization_endpoint.as_ref().ok_or_else(|| {
        Fault::own("entra.discovery", "it names no device_authorization_endpoint: sign in with a browser")
    })?;
    let scope = scopes.join(" ");
    // RFC 8628 §3.1: a client proves itself here as at the token endpoint; the audience of an assertion is that one.
    let body: Body =
        post(http, endpoint, discovery, app, &[("scope", &scope)], Again::Transient, now).await?;
    Ok(Waiting {
        user_code: body.user_code,
        verification_uri: body.verification_uri,
        message: body.message,
        device_code: SecretString::from(body.device_code),
        expires_in: body.expires_in.duration(),
        interval: body.interval.unwrap_or(Seconds::Number(INTERVAL)).duration(),
    })
}

/// Asks once whether the code was entered. `interval` is what [`begin`] or the last poll said. A fault ends the sign-in, except
/// one that passes: then ask again after the interval.
pub async fn poll(
    http: &reqwest::Client,
    discovery: &Discovery,
    app: &Application,
    device_code: &SecretString,
    interval: Duration,
    scopes: &[&str],
    now: Timestamp,
) -> Result<Polled, Fault> {
    let form = [
        ("grant_type", GRANT),
        ("device_code", device_code.expose_secret()),
        ("claims", super::CONTINUOUS_ACCESS),
    ];
    let endpoint = &discovery.token_endpoint;
    let mut body: super::token::Body =
        match post(http, endpoint, discovery, app, &form, Again::Unseen, now).await {
            Ok(body) => body,
            Err(fault) if fault.entry.id == "entra.device_code_slow_down" => {
                return Ok(Polled::Wait(interval.saturating_add(SLOWER)));
            }
            Err(fault) if fault.entry.id == "entra.device_code_pending" => return Ok(Polled::Wait(interval)),
            Err(fault) => return Err(fault),
        };
    let Some(id_token) = body.id_token.take() else {
        return Err(Fault::own("entra.id_token", "the answer has no id_token (scope openid)"));
    };
    // There is no nonce: the code that was shown stands in its place.
    let id = identify(http, &id_token, discovery, app, None, now).await?;
    Ok(Polled::SignedIn(Box::new(tokens(body, scopes, Some(id)))))
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::super::tests::{CLIENT, TENANT, app, keys_of_tests, now, signed_id_token};
    use super::super::{Credential, discover};
    use super::*;
    use crate::testing::{Server, answered, client};

    fn refused(error: &str, number: u32) -> http::Response<axum::body::Body> {
        answered(
            400,
            &[],
            json!({ "error": error, "error_codes": [number], "error_description": format!("AADSTS{number}: words") })
                .to_string(),
        )
    }

    /// Answers as Entra does; `polls` say what the token endpoint says to each poll, in order.
    async fn service(polls: &'static [&'static str]) -> Server {
        Server::start(move |asked, before| {
            let login = format!("http://{}", asked.header("host"));
            if asked.target.contains("openid-configuration") {
                return answered(200, &[], json!({
                    "issuer": format!("{login}/{TENANT}/v2.0"), "authorization_endpoint": format!("{login}/a"),
                    "token_endpoint": format!("{login}/token"), "jwks_uri": format!("{login}/keys"),
                    "device_authorization_endpoint": format!("{login}/devicecode"),
                }).to_string());
            }
            if asked.target == "/devicecode" {
                return answered(200, &[], json!({
                    "device_code": "canary-device", "user_code": "ABC-DEF", "expires_in": 900, "interval": 5,
                    "verification_uri": "https://microsoft.com/devicelogin", "message": "To sign in, open …",
                }).to_string());
            }
            if asked.target == "/keys" {
                return answered(200, &[], keys_of_tests().to_string());
            }
            match polls[(before - 2).min(polls.len() - 1)] {
                "pending" => refused("authorization_pending", 70_016),
                "slow_down" => answered(400, &[], json!({ "error": "slow_down" }).to_string()),
                "declined" => answered(400, &[], json!({ "error": "authorization_declined" }).to_string()),
                "expired" => refused("expired_token", 70_019),
                "wrong" => refused("bad_verification_code", 70_018),
                _ => answered(200, &[], json!({
                    "token_type": "Bearer", "scope": "openid profile Mail.ReadWrite", "expires_in": 3599,
                    "access_token": "opaque", "refresh_token": "next", "id_token": signed_id_token(&login, None),
                }).to_string()),
            }
        })
        .await
    }

    const SCOPES: [&str; 4] = ["openid", "profile", "offline_access", "Mail.ReadWrite"];

    #[tokio::test]
    async fn a_code_is_shown_waited_for_and_redeemed() {
        let server = service(&["pending", "slow_down", "pending", "in"]).await;
        let (http, app) = (client(), app(TENANT));
        let discovery = discover(&http, &server.url, TENANT).await.expect("endpoints");
        let waiting = begin(&http, &discovery, &app, &SCOPES, now()).await.expect("a code");
        assert_eq!(waiting.user_code, "ABC-DEF");
        assert_eq!(waiting.verification_uri.as_str(), "https://microsoft.com/devicelogin");
        assert_eq!((waiting.expires_in.as_secs(), waiting.interval.as_secs()), (900, 5));
        assert!(!format!("{waiting:?}").contains("canary"));

        let mut interval = waiting.interval;
        let mut waits = Vec::new();
        let tokens = loop {
            let polled = poll(&http, &discovery, &app, &waiting.device_code, interval, &SCOPES, now())
                .await
                .expect("polled");
            match polled {
                Polled::Wait(next) => {
                    interval = next;
                    waits.push(next.as_secs());
                }
                Polled::SignedIn(tokens) => break tokens,
            }
        };
        assert_eq!(waits, [5, 10, 10]);
        let id = tokens.id.expect("known");
        assert_eq!((id.tid.as_str(), id.oid.as_str()), (TENANT, "o-1"));
        assert_eq!(tokens.refresh.as_ref().map(ExposeSecret::expose_secret), Some("next"));

        let asked = server.asked();
        assert_eq!(asked[1].method, Method::POST);
        let form: Vec<(String, String)> =
            url::form_urlencoded::parse(asked[2].body.as_bytes()).into_owned().collect();
        for (name, value) in [
            ("grant_type", GRANT),
            ("device_code", "canary-device"),
            ("client_id", CLIENT),
            ("client_secret", "s3cret value"),
        ] {
            assert!(form.contains(&(name.to_owned(), value.to_owned())), "{name}: {form:?}");
        }
    }

    #[tokio::test]
    async fn each_end_of_the_flow_is_a_fault_of_its_own() {
        for (polls, id) in [
            (&["declined"] as &'static [&'static str], "entra.device_code_declined"),
            (&["expired"], "entra.device_code_over"),
            (&["wrong"], "entra.device_code_wrong"),
        ] {
            let server = service(polls).await;
            let (http, app) = (client(), app(TENANT));
            let discovery = discover(&http, &server.url, TENANT).await.expect("endpoints");
            let waiting = begin(&http, &discovery, &app, &SCOPES, now()).await.expect("a code");
            let interval = waiting.interval;
            let fault = poll(&http, &discovery, &app, &waiting.device_code, interval, &SCOPES, now())
                .await
                .expect_err("over");
            assert_eq!(fault.entry.id, id, "{polls:?}");
            assert_eq!(server.asked().len(), 3, "asked once");
        }
    }

    #[tokio::test]
    async fn a_service_without_the_flow_is_said_so() {
        let http = client();
        let mut app = app(TENANT);
        app.credential = Credential::None;
        let discovery = super::super::discovery::for_tests("https://login.microsoftonline.com", TENANT);
        let fault = begin(&http, &discovery, &app, &SCOPES, now()).await.expect_err("none");
        assert_eq!(fault.entry.id, "entra.discovery");
    }
}
