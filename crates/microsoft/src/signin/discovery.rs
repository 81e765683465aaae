//! A tenant's endpoints and keys, from its discovery document (OpenID Connect Discovery 1.0).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fault::Fault;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::identity::Keys;
use super::token::entra_fault;
use crate::answer::{self, Unread};
use crate::network;

/// Discovery documents and key sets are a few kilobytes.
const LARGEST: usize = 1 << 20;
/// The longest that one request to the sign-in service takes.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);
/// Pauses between tries of what can be tried again.
pub(super) const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1_200)];

/// A tenant's endpoints. Cheap to clone; clones share the keys that were fetched.
#[derive(Clone)]
pub struct Discovery {
    /// The issuer of its tokens; with `{tenantid}` in it where the tenant is `common` or `organizations`.
    pub issuer: String,
    /// Where people sign in.
    pub authorization_endpoint: Url,
    /// Where codes and refresh tokens are redeemed.
    pub token_endpoint: Url,
    /// The keys that tokens are signed with.
    pub jwks_uri: Url,
    /// Where people sign out.
    pub end_session_endpoint: Option<Url>,
    /// Where the device code flow begins.
    pub device_authorization_endpoint: Option<Url>,
    /// The tenant as it was asked for.
    pub tenant: String,
    keys: Arc<Mutex<Option<Arc<Keys>>>>,
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discovery")
            .field("tenant", &self.tenant)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    end_session_endpoint: Option<Url>,
    device_authorization_endpoint: Option<Url>,
}

fn wrong(detail: &str) -> Fault {
    Fault::own("entra.discovery", detail)
}

/// Reads the endpoints of a tenant (`common`, `organizations`, a tenant's id or domain). Plain http is accepted only where
/// `login_url` is http itself.
pub async fn discover(http: &reqwest::Client, login_url: &Url, tenant: &str) -> Result<Discovery, Fault> {
    let base = login_url.as_str().trim_end_matches('/');
    let segment =
        utf8_percent_encode(tenant, NON_ALPHANUMERIC).to_string().replace("%2D", "-").replace("%2E", ".");
    let url: Url = format!("{base}/{segment}/v2.0/.well-known/openid-configuration")
        .parse()
        .map_err(|error| wrong(&format!("{base} is no address: {error}")))?;
    let document: Document = get(http, &url).await?;
    check(base, login_url, tenant, document)
}

fn check(base: &str, login_url: &Url, tenant: &str, document: Document) -> Result<Discovery, Fault> {
    let issued_to = document
        .issuer
        .strip_prefix(base)
        .and_then(|rest| rest.strip_prefix('/'))
        .and_then(|rest| rest.trim_end_matches('/').strip_suffix("/v2.0"));
    let is_right = match (issued_to, tenant) {
        (Some(issued_to), "common" | "organizations") => issued_to == "{tenantid}",
        (Some(issued_to), asked) if is_guid(asked) => issued_to.eq_ignore_ascii_case(asked),
        // A domain, or `consumers`: the document names the tenant's id.
        (Some(issued_to), _) => is_guid(issued_to),
        (None, _) => false,
    };
    if !is_right {
        return Err(wrong(&format!(
            "asked {base} for the tenant {tenant}, it names the issuer {}: the sign-in address must be of the host that the \
             issuer names",
            document.issuer
        )));
    }
    let endpoints = [
        Some(&document.authorization_endpoint),
        Some(&document.token_endpoint),
        Some(&document.jwks_uri),
        document.end_session_endpoint.as_ref(),
        document.device_authorization_endpoint.as_ref(),
    ];
    for endpoint in endpoints.into_iter().flatten() {
        let is_safe =
            endpoint.scheme() == "https" || (endpoint.scheme() == "http" && login_url.scheme() == "http");
        if !is_safe || endpoint.host_str().is_none() {
            return Err(wrong(&format!("it names the endpoint {endpoint}, which is not https")));
        }
    }
    Ok(Discovery {
        issuer: document.issuer,
        authorization_endpoint: document.authorization_endpoint,
        token_endpoint: document.token_endpoint,
        jwks_uri: document.jwks_uri,
        end_session_endpoint: document.end_session_endpoint,
        device_authorization_endpoint: document.device_authorization_endpoint,
        tenant: tenant.to_owned(),
        keys: Arc::default(),
    })
}

pub(super) fn is_guid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

impl Discovery {
    /// The keys fetched before, else fetched now.
    pub(super) async fn keys(&self, http: &reqwest::Client) -> Result<Arc<Keys>, Fault> {
        let known = self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(keys) => Ok(keys),
            None => self.fetch_keys(http).await,
        }
    }

    /// The keys as they are now: they change, and a token may be signed with a new one.
    pub(super) async fn fetch_keys(&self, http: &reqwest::Client) -> Result<Arc<Keys>, Fault> {
        let keys: Arc<Keys> = Arc::new(get(http, &self.jwks_uri).await?);
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&keys));
        Ok(keys)
    }
}

/// A JSON document of the sign-in service, tried again while the fault is one that passes.
async fn get<T: DeserializeOwned>(http: &reqwest::Client, url: &Url) -> Result<T, Fault> {
    let mut pauses = PAUSES.into_iter();
    loop {
        match get_once(http, url).await {
            Err(fault) if fault.entry.retry == fault::Retry::Soon => match pauses.next() {
                Some(pause) if fault.retry_after.is_none_or(|asked| asked <= pause) => {
                    tokio::time::sleep(pause).await;
                }
                _ => return Err(fault),
            },
            other => return other,
        }
    }
}

async fn get_once<T: DeserializeOwned>(http: &reqwest::Client, url: &Url) -> Result<T, Fault> {
    let host = url.host_str().unwrap_or_default();
    let response = http
        .get(url.clone())
        .timeout(TIMEOUT)
        .header("accept", "application/json")
        .send()
        .await
        .map_err(|error| network::failed(&error, host))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = answer::body(response, LARGEST).await.map_err(|unread| match unread {
        Unread::Failed(error) => network::failed(&error, host),
        Unread::TooLarge => wrong(&format!("{url} answers with more than {LARGEST} bytes")),
    })?;
    if !status.is_success() {
        let fault = entra_fault(status.as_u16(), &headers, &body);
        // A page that is not there is a wrong address, and not a proxy's.
        let is_lost = status == 404 && fault.entry.id == "network.portal";
        let is_told = fault.entry.id != "entra.unknown" && !is_lost;
        return Err(if is_told { fault } else { wrong(&format!("{url} answers HTTP {}", status.as_u16())) });
    }
    if fault::looks_like_a_page(&body) {
        return Err(network::no_answer(host, &body, ""));
    }
    serde_json::from_slice(&body)
        .map_err(|error| wrong(&format!("{url} answers with something else: {error}")))
}

/// Endpoints as a login address would name them.
#[cfg(test)]
pub(super) fn for_tests(login: &str, tenant: &str) -> Discovery {
    let url = |path: &str| format!("{login}/{tenant}/{path}").parse().expect("an address");
    Discovery {
        issuer: format!("{login}/{{tenantid}}/v2.0"),
        authorization_endpoint: url("oauth2/v2.0/authorize"),
        token_endpoint: url("oauth2/v2.0/token"),
        jwks_uri: url("discovery/v2.0/keys"),
        end_session_endpoint: None,
        device_authorization_endpoint: None,
        tenant: tenant.to_owned(),
        keys: Arc::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "6babcaad-604b-40ac-a9d7-9fd97c0b779f";

    fn checked(login: &str, tenant: &str, issuer: &str, token_endpoint: &str) -> Result<Discovery, Fault> {
        let document = serde_json::from_value(serde_json::json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{login}/{tenant}/oauth2/v2.0/authorize"),
            "token_endpoint": token_endpoint,
            "jwks_uri": format!("{login}/{tenant}/discovery/v2.0/keys"),
        }))
        .expect("a document");
        let login_url = login.parse().expect("a URL");
        check(login, &login_url, tenant, document)
    }

    #[test]
    fn the_issuer_must_be_that_of_the_tenant_and_cloud_that_was_asked() {
        let login = "https://login.microsoftonline.com";
        let token = "https://login.microsoftonline.com/x/oauth2/v2.0/token";
        let template = "https://login.microsoftonline.com/{tenantid}/v2.0";
        let concrete = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
        for (tenant, issuer, is_right) in [
            ("common", template, true),
            ("organizations", template, true),
            (TENANT, &concrete, true),
            ("contoso.com", &concrete, true),
            ("common", &concrete, false),
            (TENANT, template, false),
            ("9188040d-6c67-4c5b-b112-36a304b66dad", &concrete, false),
            (TENANT, &format!("https://login.microsoftonline.us/{TENANT}/v2.0"), false),
            (TENANT, &format!("https://login.microsoftonline.com.evil.test/{TENANT}/v2.0"), false),
        ] {
            assert_eq!(checked(login, tenant, issuer, token).is_ok(), is_right, "{tenant} {issuer}");
        }
    }

    #[test]
    fn an_endpoint_without_encryption_is_refused_unless_the_login_address_has_none_either() {
        let issuer = |login: &str| format!("{login}/{{tenantid}}/v2.0");
        let (https, http) = ("https://login.microsoftonline.com", "http://127.0.0.1:4000");
        assert!(checked(https, "common", &issuer(https), "http://login.microsoftonline.com/token").is_err());
        assert!(checked(http, "common", &issuer(http), "http://127.0.0.1:4000/token").is_ok());
        assert!(checked(http, "common", &issuer(http), "ftp://127.0.0.1/token").is_err());
    }
}
