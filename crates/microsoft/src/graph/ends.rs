//! When the credentials of an app registration end, as Microsoft Graph tells whoever may read applications
//! (`Application.Read.All`).
//!
//! Graph shows of a secret its first three characters, and of a certificate its SHA-1 thumbprint (Microsoft Graph, resource types
//! *passwordCredential* and *keyCredential*): by these a credential is known again.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fault::Fault;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use super::refusal::Refused;
use crate::answer::{self, Unread};
use crate::network;
use crate::signin::Credential;

/// An application with a few credentials is a few kilobytes.
const LARGEST: usize = 1 << 20;
/// So many characters of a secret Graph shows.
const HINT: usize = 3;

/// The ends of an application's credentials. `Debug` shows no part of a secret.
#[derive(Clone, Default)]
pub struct CredentialEnds {
    secrets: Vec<(String, Timestamp)>,
    certificates: Vec<(Vec<u8>, Timestamp)>,
}

impl std::fmt::Debug for CredentialEnds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialEnds")
            .field("secrets", &self.secrets.len())
            .field("certificates", &self.certificates.len())
            .finish()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    #[serde(default)]
    password_credentials: Vec<Password>,
    #[serde(default)]
    key_credentials: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Password {
    hint: Option<String>,
    end_date_time: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    custom_key_identifier: Option<String>,
    end_date_time: Option<Timestamp>,
}

impl CredentialEnds {
    /// Reads an application.
    fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        // An array would pass for an application of which nothing is told.
        let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body)?;
        let told: Told = serde_json::from_value(fields.into())?;
        let secrets = told.password_credentials.into_iter();
        let certificates = told.key_credentials.into_iter();
        Ok(Self {
            secrets: secrets.filter_map(|own| Some((own.hint?, own.end_date_time?))).collect(),
            certificates: certificates
                .filter_map(|own| Some((thumbprint(&own.custom_key_identifier?)?, own.end_date_time?)))
                .collect(),
        })
    }

    /// When a credential ends. Of several secrets that begin alike the first end counts: a warning that comes early does no harm.
    /// A certificate may be taken out of use by Entra before it ends by itself.
    pub fn of(&self, credential: &Credential) -> Option<Timestamp> {
        match credential {
            Credential::None => None,
            Credential::Secret(secret) => {
                let begins: String = secret.expose_secret().chars().take(HINT).collect();
                let own = self.secrets.iter().filter(|(hint, _)| *hint == begins);
                own.map(|(_, at)| *at).min()
            }
            Credential::Certificate(certificate) => {
                let own =
                    self.certificates.iter().filter(|(print, _)| print == certificate.thumbprint_sha1());
                own.map(|(_, at)| (*at).min(certificate.not_after())).min()
            }
        }
    }
}

/// A thumbprint, which comes as base64 of its 20 bytes or as 40 hexadecimal digits.
fn thumbprint(text: &str) -> Option<Vec<u8>> {
    if text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let pairs = (0..40).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok());
        return pairs.collect();
    }
    STANDARD.decode(text).ok()
}

/// Asks Graph for the ends of an application's credentials, with a token of the application or of somebody who may read it.
pub async fn credential_ends(
    http: &reqwest::Client,
    graph_url: &Url,
    client_id: &str,
    token: &SecretString,
    timeout: Duration,
) -> Result<CredentialEnds, Fault> {
    let base = graph_url.as_str().trim_end_matches('/');
    let id = super::encoded(client_id);
    let select = "$select=passwordCredentials,keyCredentials";
    let url: Url = format!("{base}/v1.0/applications(appId='{id}')?{select}")
        .parse()
        .map_err(|error| Fault::own("own.configuration", &format!("graph_url `{base}`: {error}")))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let client_request_id = Uuid::new_v4().to_string();
    let response = http
        .get(url)
        .timeout(timeout)
        .bearer_auth(token.expose_secret())
        .header("client-request-id", &client_request_id)
        .header("return-client-request-id", "true")
        .send()
        .await
        .map_err(|error| network::failed(&error, &host))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = answer::body(response, LARGEST).await;
    if !status.is_success() {
        let body = body.unwrap_or_default();
        return Err(Refused::read(status.as_u16(), &headers, &body, Some(&client_request_id)).fault);
    }
    let body = body.map_err(|unread| match unread {
        Unread::Failed(error) => network::failed(&error, &host),
        Unread::TooLarge => network::unreadable(&host, "the application is larger than anything of its kind"),
    })?;
    CredentialEnds::read(&body).map_err(|error| network::unreadable(&host, &error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Credential {
        Credential::Secret(SecretString::from(text.to_owned()))
    }

    #[test]
    fn a_secret_is_known_by_how_it_begins() {
        let body = br#"{"passwordCredentials":[
            {"hint":"abc","endDateTime":"2027-03-31T00:00:00Z","secretText":null},
            {"hint":"abc","endDateTime":"2026-12-24T00:00:00Z"},
            {"hint":"xyz","endDateTime":"2028-01-01T00:00:00Z"},
            {"hint":null,"endDateTime":"2026-01-01T00:00:00Z"},{"hint":"old"}],"keyCredentials":[]}"#;
        let ends = CredentialEnds::read(body).expect("an application");
        let told = |text| ends.of(&secret(text)).map(|at| at.to_string());
        assert_eq!(told("abc~secret").as_deref(), Some("2026-12-24T00:00:00Z"), "the first of two alike");
        assert_eq!(told("xyz~secret").as_deref(), Some("2028-01-01T00:00:00Z"));
        for unknown in ["Abc", "ab", "old", ""] {
            assert_eq!(told(unknown), None, "{unknown}");
        }
        assert_eq!(ends.of(&Credential::None), None);
        assert!(!format!("{ends:?}").contains("abc"), "no part of a secret is shown");
    }

    #[test]
    fn a_thumbprint_comes_in_two_spellings() {
        let bytes: Vec<u8> = (0..20).collect();
        assert_eq!(thumbprint(&STANDARD.encode(&bytes)), Some(bytes.clone()));
        assert_eq!(thumbprint("000102030405060708090A0b0c0d0e0f10111213"), Some(bytes));
        assert_eq!(thumbprint("no thumbprint"), None);
    }

    #[test]
    fn what_is_no_application_is_an_error_and_what_is_missing_is_not() {
        assert!(CredentialEnds::read(b"[]").is_err());
        let none = CredentialEnds::read(b"{\"id\":\"x\"}").expect("an application without credentials");
        assert_eq!(none.of(&secret("abc")), None);
    }
}
