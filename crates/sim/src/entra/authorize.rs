//! The authorize request: what it must have, and which faults may be told to the app by redirect.
//!
//! Until client and redirect URI are known to belong together, nothing is redirected: the fault stays on a page.

use std::collections::HashMap;

use url::Url;

use super::errors::TokenError;
use super::grants::Method;
use super::policies::Cloud;
use super::scopes::Asked;
use super::{Authority, EntraState};
use crate::tenant::Registration;

/// How the answer goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Query,
    Fragment,
    FormPost,
}

/// Where the answer goes.
#[derive(Clone, Debug)]
pub(crate) struct ReturnTo {
    pub(crate) redirect_uri: String,
    pub(crate) mode: Mode,
    pub(crate) state: Option<String>,
}

/// A request that can be carried out.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) registration: Registration,
    pub(crate) return_to: ReturnTo,
    pub(crate) asked: Asked,
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: Option<(String, Method)>,
    pub(crate) prompt: Option<String>,
    pub(crate) login_hint: Option<String>,
    pub(crate) claims: Claims,
}

/// What the `claims` parameter asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claims {
    /// The client understands claims challenges (`xms_cc` with `cp1`).
    pub(crate) takes_challenges: bool,
    /// Conditional Access is to be met anew (`capolids`).
    pub(crate) asks_for_policies: bool,
}

impl Claims {
    /// Reads the parameter: a JSON object by resource kind, each claim with `essential`, `value` or `values`.
    pub(crate) fn read(text: Option<&str>) -> Result<Self, TokenError> {
        let Some(text) = text else { return Ok(Self::default()) };
        let invalid = || {
            TokenError::of(9_002_313)
                .saying("Invalid request. The 'claims' parameter is not a valid JSON object.")
        };
        let value: serde_json::Value = serde_json::from_str(text).map_err(|_| invalid())?;
        let access = &value.as_object().ok_or_else(invalid)?.get("access_token");
        let of = |name: &str| access.and_then(|access| access.get(name));
        let client = of("xms_cc").and_then(|claim| claim["values"].as_array());
        Ok(Self {
            takes_challenges: client.is_some_and(|values| values.iter().any(|value| value == "cp1")),
            asks_for_policies: of("capolids").is_some(),
        })
    }
}

/// Why a request is not carried out.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Shown on a page.
    Page(TokenError),
    /// Told to the app.
    Redirect(Box<(ReturnTo, TokenError)>),
}

/// The parameters of a query, each once; the first counts.
pub(crate) fn parameters(query: &str) -> HashMap<String, String> {
    let mut out = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        out.entry(name.into_owned()).or_insert_with(|| value.into_owned());
    }
    out
}

/// Whether the registration has this redirect URI. Compared letter by letter; on localhost any port will do.
pub(crate) fn is_registered(registration: &Registration, uri: &str) -> bool {
    let is_allowed_form = uri.len() <= 256 && !uri.contains(['!', '$', '\'', '(', ')', ',', ';', '#', '*']);
    let Ok(url) = Url::parse(uri) else { return false };
    if !is_allowed_form {
        return false;
    }
    if registration.redirect_uris.contains(uri) {
        return true;
    }
    // This registration has http://localhost and http://127.0.0.1 with every path.
    url.scheme() == "http" && matches!(url.host_str(), Some("localhost" | "127.0.0.1"))
}

impl EntraState {
    /// The client and the place to return to; faults here stay on a page.
    pub(crate) fn return_to(
        &self,
        segment: &str,
        parameters: &HashMap<String, String>,
    ) -> Result<(Authority, Registration, ReturnTo), TokenError> {
        let authority = self.authority(segment)?;
        let cloud = self.cloud(&authority);
        if cloud != Cloud::Global {
            return Err(TokenError::of(90_038).saying(&format!(
                "Tenant '{segment}' request is being redirected to the National Cloud '{}'.",
                cloud.instance()
            )));
        }
        let text = |name: &str| parameters.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let client_id = text("client_id").ok_or_else(|| TokenError::missing("client_id"))?;
        let registration = self.registration(client_id, &authority)?;
        let redirect_uri = text("redirect_uri").ok_or_else(|| TokenError::missing("redirect_uri"))?;
        if !is_registered(&registration, redirect_uri) {
            return Err(TokenError::of(50_011).saying(&format!(
                "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs configured for the application '{client_id}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal."
            )));
        }
        let mode = match text("response_mode").map(str::to_ascii_lowercase).as_deref() {
            None | Some("query") => Mode::Query,
            Some("form_post") => Mode::FormPost,
            Some("fragment") => Mode::Fragment,
            Some(other) => {
                return Err(TokenError::of(9_002_313)
                    .saying(&format!("The response_mode '{other}' is not supported.")));
            }
        };
        let return_to =
            ReturnTo { redirect_uri: redirect_uri.to_owned(), mode, state: parameters.get("state").cloned() };
        Ok((authority, registration, return_to))
    }

    /// Reads an authorize request.
    pub(crate) fn request(
        &self,
        segment: &str,
        parameters: &HashMap<String, String>,
    ) -> Result<(Authority, Request), Fault> {
        let (authority, registration, return_to) =
            self.return_to(segment, parameters).map_err(Fault::Page)?;
        let text = |name: &str| parameters.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let back = |error: TokenError| Fault::Redirect(Box::new((return_to.clone(), error)));
        match text("response_type") {
            Some("code") => {}
            Some(other) => {
                let words = format!("response_type '{other}' is not enabled for the application.");
                return Err(back(TokenError::of(700_054).saying(&words)));
            }
            None => return Err(back(TokenError::missing("response_type"))),
        }
        let scope = text("scope").ok_or_else(|| back(TokenError::missing("scope")))?;
        let asked = Asked::read(scope, self.own_resources()).map_err(back)?;
        let challenge = match (text("code_challenge"), text("code_challenge_method")) {
            (None, None) => None,
            (None, Some(_)) => return Err(back(TokenError::missing("code_challenge"))),
            (Some(challenge), Some("S256")) if is_challenge(challenge) => {
                Some((challenge.to_owned(), Method::S256))
            }
            (Some(challenge), None | Some("plain")) if is_challenge(challenge) => {
                Some((challenge.to_owned(), Method::Plain))
            }
            (Some(_), Some("S256" | "plain") | None) => {
                let words = "The size of the Code_Challenge parameter must be between 43 and 128 characters.";
                return Err(back(TokenError::of(9_002_313).saying(words)));
            }
            (Some(_), Some(other)) => {
                let words = format!("The code_challenge_method '{other}' is not supported.");
                return Err(back(TokenError::of(9_002_313).saying(&words)));
            }
        };
        let prompt = text("prompt").map(str::to_ascii_lowercase);
        if let Some(prompt) = prompt.as_deref()
            && !["login", "none", "consent", "select_account", "create"].contains(&prompt)
        {
            let words = format!("The prompt '{prompt}' is not supported.");
            return Err(back(TokenError::of(9_002_313).saying(&words)));
        }
        let claims = Claims::read(text("claims")).map_err(back)?;
        let request = Request {
            asked,
            scope: scope.to_owned(),
            nonce: text("nonce").map(str::to_owned),
            challenge,
            prompt,
            login_hint: text("login_hint").map(str::to_owned),
            registration,
            return_to,
            claims,
        };
        Ok((authority, request))
    }
}

fn is_challenge(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}
