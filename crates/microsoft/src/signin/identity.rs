//! Who signed in: the id_token, verified against the tenant's keys (OpenID Connect Core §3.1.3.7; Entra's claims reference).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use fault::Fault;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

use super::discovery::{Discovery, is_guid};
use super::{Application, IdClaims};

/// How far this machine's clock and Microsoft's may be apart.
const LEEWAY: SignedDuration = SignedDuration::from_secs(120);
/// The tenant of personal accounts.
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// A tenant's keys (RFC 7517).
#[derive(Debug, Deserialize)]
pub(super) struct Keys {
    keys: Vec<Key>,
}

#[derive(Debug, Deserialize)]
struct Key {
    #[serde(default)]
    kty: String,
    #[serde(default)]
    kid: String,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    /// Entra says which issuer a key belongs to.
    #[serde(default)]
    issuer: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    tid: Option<String>,
    #[serde(default)]
    oid: Option<String>,
    #[serde(default)]
    sub: Option<String>,
    #[serde(default)]
    preferred_username: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    wids: Option<Vec<String>>,
}

/// Why an id_token is not believed.
#[derive(Debug)]
pub(super) enum Doubt {
    /// No key of that name: the keys may have changed.
    UnknownKey(String),
    /// For good.
    Refused(Fault),
}

fn refused(detail: &str) -> Doubt {
    Doubt::Refused(Fault::own("entra.id_token", detail))
}

/// What an id_token must agree with.
pub(super) struct Expected<'a> {
    pub(super) discovery: &'a Discovery,
    pub(super) app: &'a Application,
    /// None where the flow has none (device code).
    pub(super) nonce: Option<&'a str>,
    pub(super) now: Timestamp,
}

/// Verifies signature, audience, issuer, times and nonce.
pub(super) fn verify(token: &str, keys: &Keys, expected: &Expected<'_>) -> Result<IdClaims, Doubt> {
    let header =
        decode_header(token).map_err(|error| refused(&format!("its head cannot be read: {error}")))?;
    // Entra signs with RS256 only. What the token says of itself decides nothing.
    if header.alg != Algorithm::RS256 {
        return Err(refused(&format!("it is signed with {:?}, not RS256", header.alg)));
    }
    let kid = header.kid.ok_or_else(|| refused("it names no key"))?;
    let fits = |key: &&Key| {
        key.kid == kid && key.kty == "RSA" && key.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
    };
    let key = keys.keys.iter().find(fits).ok_or_else(|| Doubt::UnknownKey(kid.clone()))?;
    let decoding = DecodingKey::from_rsa_components(&key.n, &key.e)
        .map_err(|error| refused(&format!("the key {kid} cannot be read: {error}")))?;
    // Times, audience and issuer are checked below, against a clock that is an argument.
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims: Claims = decode(token, &decoding, &validation)
        .map_err(|error| refused(&format!("its signature or its content is wrong: {error}")))?
        .claims;
    judge(claims, key, expected)
}

fn judge(claims: Claims, key: &Key, expected: &Expected<'_>) -> Result<IdClaims, Doubt> {
    let Expected { discovery, app, nonce, now } = expected;
    if claims.aud != app.client_id {
        return Err(refused(&format!("it was made for the application {}", claims.aud)));
    }
    let tid = claims.tid.filter(|tid| is_guid(tid)).ok_or_else(|| refused("it names no tenant"))?;
    let issuer = discovery.issuer.replace("{tenantid}", &tid);
    if claims.iss != issuer {
        return Err(refused(&format!("it was issued by {}, not by {issuer}", claims.iss)));
    }
    if let Some(of_key) = &key.issuer
        && of_key.replace("{tenantid}", &tid) != issuer
    {
        return Err(refused(&format!("it is signed with a key of {of_key}")));
    }
    if is_guid(&app.tenant) && !app.tenant.eq_ignore_ascii_case(&tid) {
        return Err(refused(&format!("the account belongs to the tenant {tid}, not to {}", app.tenant)));
    }
    if app.tenant == "organizations" && tid.eq_ignore_ascii_case(CONSUMERS) {
        return Err(refused("the account is a personal one"));
    }
    let shifted = |seconds: i64, by: SignedDuration| {
        Timestamp::from_second(seconds).and_then(|at| at.saturating_add(by)).unwrap_or(Timestamp::MIN)
    };
    if shifted(claims.exp, LEEWAY) <= *now {
        return Err(refused("it has expired: check this machine's clock"));
    }
    if claims.nbf.is_some_and(|from| shifted(from, -LEEWAY) > *now) {
        return Err(refused("it is not valid yet: check this machine's clock"));
    }
    if let Some(nonce) = nonce {
        let told = claims.nonce.unwrap_or_default();
        if nonce.is_empty() || verify_slices_are_equal(told.as_bytes(), nonce.as_bytes()).is_err() {
            return Err(refused("it belongs to another sign-in (nonce)"));
        }
    }
    Ok(IdClaims {
        tid,
        oid: claims
            .oid
            .filter(|oid| !oid.is_empty())
            .ok_or_else(|| refused("it names no account (scope profile)"))?,
        preferred_username: claims.preferred_username,
        name: claims.name,
        sub: claims.sub.filter(|sub| !sub.is_empty()).ok_or_else(|| refused("it has no subject"))?,
        directory_roles: claims.wids,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::discovery::for_tests;
    use super::*;

    proptest! {
        #[test]
        fn no_text_passes_for_an_id_token(head in r"[ -~]{0,60}", body in r"[ -~]{0,60}", raw in "\\PC{0,120}") {
            use base64::Engine as _;
            use base64::engine::general_purpose::URL_SAFE_NO_PAD;
            let discovery = for_tests("https://login.microsoftonline.com", "common");
            let app = Application {
                client_id: "c".to_owned(),
                credential: super::super::Credential::None,
                tenant: "common".to_owned(),
                redirect_uri: "https://postroom.example.org/return".parse().expect("a URL"),
            };
            let expected = Expected { discovery: &discovery, app: &app, nonce: Some("n"), now: Timestamp::UNIX_EPOCH };
            let keys: Keys = serde_json::from_str(r#"{"keys":[{"kty":"RSA","kid":"k","n":"AQAB","e":"AQAB"}]}"#).expect("keys");
            let made = [
                raw,
                format!("{}.{}.x", URL_SAFE_NO_PAD.encode(&head), URL_SAFE_NO_PAD.encode(&body)),
                format!("{}.{}.x", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","kid":"k"}"#), URL_SAFE_NO_PAD.encode(&body)),
            ];
            for token in made {
                prop_assert!(verify(&token, &keys, &expected).is_err());
            }
        }
    }
}
