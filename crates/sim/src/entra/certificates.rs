//! Certificates as credentials: reading them, and judging the assertions that are signed with their keys
//! (private_key_jwt).
//!
//! An assertion names its certificate by `x5t#S256` (PS256, RS256) or by `x5t`, the older SHA-1 thumbprint, which some
//! libraries still send.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::Value;
use uuid::Uuid;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::errors::TokenError;

/// The value of `client_assertion_type`.
pub(crate) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion may live.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);
/// How far two clocks may differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// Most assertions that are remembered.
const MOST_REMEMBERED: usize = 10_000;

/// A certificate of a registration.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    pub(crate) key_id: Uuid,
    pub(crate) name: String,
    pub(crate) sha1: Vec<u8>,
    sha256: Vec<u8>,
    pub(crate) begins: Timestamp,
    pub(crate) ends: Timestamp,
    /// The RSA public key.
    key: Vec<u8>,
}

impl Certificate {
    /// Reads the first certificate of a PEM text.
    pub(crate) fn read(pem: &str) -> Result<Self, String> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| format!("this is no certificate in PEM: {error}"))?;
        let (_, certificate) = X509Certificate::from_der(&der)
            .map_err(|error| format!("this is no X.509 certificate: {error}"))?;
        let key = certificate.public_key();
        if key.algorithm.algorithm.to_id_string() != "1.2.840.113549.1.1.1" {
            return Err("the certificate's key is no RSA key, which is all that is taken here".to_owned());
        }
        let moment = |seconds: i64| {
            Timestamp::from_second(seconds).map_err(|_| "the certificate's time is out of range".to_owned())
        };
        let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, &der).as_ref().to_vec();
        Ok(Self {
            key_id: Uuid::new_v5(&Uuid::NAMESPACE_OID, &sha1),
            name: certificate.subject().to_string(),
            sha256: digest(&SHA256, &der).as_ref().to_vec(),
            begins: moment(certificate.validity().not_before.timestamp())?,
            ends: moment(certificate.validity().not_after.timestamp())?,
            key: key.subject_public_key.data.to_vec(),
            sha1,
        })
    }

    /// As the control address tells it.
    pub(crate) fn shown(&self) -> Value {
        serde_json::json!({"key_id": self.key_id, "name": self.name, "thumbprint": self.thumbprint(),
            "begins": self.begins.to_string(), "ends": self.ends.to_string()})
    }

    /// The SHA-1 thumbprint as portals show it.
    pub(crate) fn thumbprint(&self) -> String {
        hex::encode_upper(&self.sha1)
    }
}

/// The ids of assertions that were taken, with the time at which each ends.
#[derive(Default)]
pub(crate) struct Assertions(Mutex<HashMap<String, Timestamp>>);

impl Assertions {
    /// Remembers an id; false when it was known.
    fn first_use(&self, id: String, ends: Timestamp, now: Timestamp) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_REMEMBERED {
            known.retain(|_, ends| *ends > now);
            if known.len() >= MOST_REMEMBERED {
                known.clear();
            }
        }
        known.insert(id, ends).is_none()
    }
}

/// What an assertion is judged by.
pub(crate) struct Judge<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) certificates: &'a [Certificate],
    /// What its audience may be.
    pub(crate) audiences: &'a [String],
    /// Where each assertion is good for one use: those that were used.
    pub(crate) used: Option<&'a Assertions>,
    pub(crate) now: Timestamp,
}

fn part(text: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

fn malformed() -> TokenError {
    TokenError::of(50_027).saying("JWT token is invalid or malformed.")
}

impl Judge<'_> {
    fn refused(&self, reason: &str, thumbprint: &str) -> TokenError {
        TokenError::of(700_027).saying(&format!(
            "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - {reason}, Thumbprint of key used by client: '{thumbprint}', Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '{}'. Review the documentation at https://learn.microsoft.com/graph/deployments to determine the corresponding service endpoint.]",
            self.client_id
        ))
    }

    /// Whether the assertion proves the client.
    pub(crate) fn judge(&self, assertion: &str) -> Result<(), TokenError> {
        let (signed, signature) = assertion.rsplit_once('.').ok_or_else(malformed)?;
        let (head, claims) = signed.split_once('.').ok_or_else(malformed)?;
        let head = part(head).ok_or_else(malformed)?;
        let claims = part(claims).ok_or_else(malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
        self.check_signature(&head, signed, &signature)?;
        self.check_claims(&claims)
    }

    fn check_signature(&self, head: &Value, signed: &str, signature: &[u8]) -> Result<(), TokenError> {
        // MSAL for Python pads its thumbprints, and is taken at its word.
        let bytes = |name: &str| {
            let text = head[name].as_str()?.trim_end_matches('=');
            URL_SAFE_NO_PAD.decode(text).ok()
        };
        let (by_sha256, by_sha1) = (bytes("x5t#S256"), bytes("x5t"));
        let found = self.certificates.iter().find(|own| match (&by_sha256, &by_sha1) {
            (Some(print), _) => own.sha256 == *print,
            (None, Some(print)) => own.sha1 == *print,
            (None, None) => {
                head["kid"].as_str().is_some_and(|kid| kid.eq_ignore_ascii_case(&own.thumbprint()))
            }
        });
        let Some(certificate) = found else {
            let print = by_sha1.or(by_sha256).map(hex::encode_upper).unwrap_or_default();
            return Err(self.refused("The key was not found.", &print));
        };
        let print = certificate.thumbprint();
        let verified = match head["alg"].as_str() {
            Some("PS256") => UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, &certificate.key)
                .verify(signed.as_bytes(), signature),
            Some("RS256") => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &certificate.key)
                .verify(signed.as_bytes(), signature),
            _ => return Err(self.refused("The algorithm is none of PS256 and RS256.", &print)),
        };
        if verified.is_err() {
            let reason = "The key was found, but use of the key to verify the signature failed.";
            return Err(self.refused(reason, &print));
        }
        if !(certificate.begins..certificate.ends).contains(&self.now) {
            let reason = format!(
                "The key used is expired., Found key 'Start={}, End={}'",
                certificate.begins.strftime("%m/%d/%Y %H:%M:%S"),
                certificate.ends.strftime("%m/%d/%Y %H:%M:%S"),
            );
            return Err(self.refused(&reason, &print));
        }
        Ok(())
    }

    fn check_claims(&self, claims: &Value) -> Result<(), TokenError> {
        let is_client =
            |name: &str| claims[name].as_str().is_some_and(|id| id.eq_ignore_ascii_case(self.client_id));
        if !is_client("iss") || !is_client("sub") {
            return Err(TokenError::of(700_021));
        }
        let audience = match &claims["aud"] {
            Value::Array(list) => list.first().and_then(Value::as_str),
            other => other.as_str(),
        };
        if !audience.is_some_and(|own| self.audiences.iter().any(|wanted| wanted == own)) {
            return Err(TokenError::of(700_023));
        }
        // A moment may have a fraction of a second, and MSAL's have.
        let moment = |name: &str| {
            let since = SignedDuration::try_from_secs_f64(claims[name].as_f64()?).ok()?;
            Timestamp::UNIX_EPOCH.checked_add(since).ok()
        };
        let ends = moment("exp").ok_or_else(malformed)?;
        let begins = moment("nbf").or_else(|| moment("iat")).unwrap_or(self.now);
        let is_early = begins.duration_since(self.now) > SKEW;
        let is_late = self.now.duration_since(ends) > SKEW;
        let is_long = ends.duration_since(begins) > LONGEST;
        if is_early || is_late || is_long {
            let text = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S%.7fZ").to_string();
            return Err(TokenError::of(700_024).saying(&format!(
                "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, expiry time of assertion {}. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials.",
                text(self.now), text(begins), text(ends),
            )));
        }
        let id = claims["jti"].as_str().filter(|id| !id.is_empty()).ok_or_else(malformed)?;
        if let Some(used) = self.used
            && !used.first_use(format!("{} {id}", self.client_id), ends, self.now)
        {
            return Err(TokenError::of(50_013).saying("Assertion is invalid: it was used before."));
        }
        Ok(())
    }
}
