//! Signing in with Microsoft: the authorization code flow with PKCE, as Entra ID's v2.0 endpoints do it, and what stands
//! beside it.
//!
//! 1. [`discover`] reads the tenant's endpoints; nothing else names one.
//! 2. [`begin`] makes the address that a person is sent to, with `state`, `nonce` and the PKCE verifier to be kept for the
//!    return.
//! 3. [`redeem`] turns the code of the return into [`Tokens`] and verifies who signed in.
//! 4. [`refresh`] renews them. Each answer brings a new refresh token, which is to be stored before the access token is used.
//!
//! The app registration proves itself with a [`Credential`]: a secret or a certificate. Beside the flow of a person stand
//! [`as_application`] (application permission), [`device`] (a code entered on another machine) and the administrator's consent
//! ([`admin_consent_address`], [`admin_consent_return`]).
//!
//! Scopes that were granted are compared with those that were asked for by [`missing_scopes`]: consent may be partial.

mod admin;
mod claims;
mod credential;
pub mod device;
mod discovery;
mod identity;
mod roles;
mod token;

use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fault::{EntraError, Fault};
use rand::CryptoRng;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

pub use admin::{AdminConsented, admin_consent_address, admin_consent_return};
pub use claims::CONTINUOUS_ACCESS;
pub use credential::{Certificate, CertificateError, Credential};
pub use discovery::{Discovery, discover};
pub use roles::{application_name, roles};
pub use token::{as_application, as_application_with_claims, redeem, refresh, refresh_with_claims};

/// The app registration as this sign-in uses it.
#[derive(Clone, Debug)]
pub struct Application {
    /// Application (client) id.
    pub client_id: String,
    /// What it proves itself with.
    pub credential: Credential,
    /// `common`, `organizations`, a tenant's id or one of its domains.
    pub tenant: String,
    /// As it is registered, letter for letter.
    pub redirect_uri: Url,
}

/// Which account the sign-in page should offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Let the person choose, even when the browser is signed in already.
    SelectAccount,
    /// This one. (Microsoft does not take it together with the choice.)
    LoginHint(String),
}

/// A sign-in that has begun.
#[derive(Clone)]
pub struct Begun {
    /// Where to send the browser.
    pub url: Url,
    /// Comes back unchanged; to be bound to the browser's session and used once.
    pub state: String,
    /// Comes back inside the id_token.
    pub nonce: String,
    /// The PKCE verifier; to be kept sealed until the return.
    pub verifier: SecretString,
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

/// What a sign-in or a refresh gives.
#[derive(Debug)]
pub struct Tokens {
    /// The access token; opaque.
    pub access: SecretString,
    /// How long it lasts from now.
    pub expires_in: Duration,
    /// The next refresh token; only with `offline_access`.
    pub refresh: Option<SecretString>,
    /// Who signed in, verified; none after a refresh.
    pub id: Option<IdClaims>,
    /// The scopes that were granted, as the answer names them.
    pub scopes: Vec<String>,
}

/// Who signed in. An account is known by `tid` and `oid`; the rest is for display and may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdClaims {
    /// The tenant's id.
    pub tid: String,
    /// The account's object id in that tenant.
    pub oid: String,
    /// The sign-in name, mostly an address.
    pub preferred_username: Option<String>,
    /// The display name.
    pub name: Option<String>,
    /// The account's id for this application alone.
    pub sub: String,
    /// Template ids of the person's roles in the directory (`wids`), where the app registration asks for them.
    pub directory_roles: Option<Vec<String>>,
}

/// Roles whose holders can consent to delegated permissions for their whole tenant: Global, Privileged Role, Application and Cloud
/// Application Administrator (Microsoft Entra built-in roles).
const CONSENTING_ROLES: [&str; 4] = [
    "62e90394-69f5-4237-9190-012177145e10",
    "e8611ab8-c189-46e8-94e1-60213ab1f814",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
    "158c047a-c907-4556-b7ef-446551a6b5f7",
];

impl IdClaims {
    /// Whether the person is an administrator who can consent for the tenant; none where the token does not tell roles.
    pub fn is_administrator(&self) -> Option<bool> {
        let roles = self.directory_roles.as_ref()?;
        Some(roles.iter().any(|role| CONSENTING_ROLES.iter().any(|own| own.eq_ignore_ascii_case(role))))
    }
}

/// The address to send a person to. `rng` is the system's, or seeded in tests.
pub fn begin<R: CryptoRng + ?Sized>(
    discovery: &Discovery,
    app: &Application,
    scopes: &[&str],
    hint: Option<Hint>,
    rng: &mut R,
) -> Begun {
    begin_with_claims(discovery, app, scopes, hint, None, rng)
}

/// As [`begin`], with what a claims challenge asked for (JSON; [`fault::Extra::claims`]). Each sign-in opts in to continuous
/// access evaluation ([`CONTINUOUS_ACCESS`]).
pub fn begin_with_claims<R: CryptoRng + ?Sized>(
    discovery: &Discovery,
    app: &Application,
    scopes: &[&str],
    hint: Option<Hint>,
    asked_claims: Option<&str>,
    rng: &mut R,
) -> Begun {
    let mut random = || {
        let mut bytes = [0_u8; 32];
        rng.fill_bytes(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    };
    let (state, nonce, verifier) = (random(), random(), SecretString::from(random()));
    let mut url = discovery.authorization_endpoint.clone();
    {
        let mut query = url.query_pairs_mut();
        query
            .append_pair("client_id", &app.client_id)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", app.redirect_uri.as_str())
            .append_pair("response_mode", "query")
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &challenge(verifier.expose_secret()))
            .append_pair("code_challenge_method", "S256");
        match hint {
            Some(Hint::SelectAccount) => {
                query.append_pair("prompt", "select_account");
            }
            Some(Hint::LoginHint(who)) => {
                query.append_pair("login_hint", &who);
            }
            None => {}
        }
        query.append_pair("claims", &claims::to_send(asked_claims));
    }
    Begun { url, state, nonce, verifier }
}

/// The S256 code challenge of a verifier (RFC 7636 §4.2).
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// The fault of a sign-in that came back with `error` instead of a code (an unverified query: it is only shown).
pub fn came_back_with(error: &str, description: &str) -> Fault {
    Fault::entra(&EntraError::of_return(error, description, None))
}

/// The scopes that were asked for and not granted. Names are compared without letter case and without their resource;
/// `openid`, `profile`, `email` and `offline_access` are left out, since answers do not name them dependably, and so is
/// `.default`, which stands for others.
pub fn missing_scopes(asked: &[&str], granted: &[String]) -> Vec<String> {
    fn bare(scope: &str) -> String {
        let name = if scope.contains("://") { scope.rsplit('/').next().unwrap_or(scope) } else { scope };
        name.to_ascii_lowercase()
    }
    let granted: Vec<String> = granted.iter().map(|scope| bare(scope)).collect();
    asked
        .iter()
        .filter(|scope| {
            let name = bare(scope);
            !matches!(name.as_str(), "openid" | "profile" | "email" | "offline_access" | ".default")
                && !granted.contains(&name)
        })
        .map(|scope| (*scope).to_owned())
        .collect()
}

#[cfg(test)]
mod tests;
