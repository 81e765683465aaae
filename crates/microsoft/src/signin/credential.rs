//! How the app registration proves itself at the token endpoint: a secret, or an assertion signed with a certificate's key
//! (`private_key_jwt`; Microsoft identity platform, certificate credentials).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;
use uuid::Uuid;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// How long an assertion lasts. Entra takes at most ten minutes; this leaves room for a clock that is off.
const LASTS: SignedDuration = SignedDuration::from_mins(5);
/// The kind of assertion that is sent (RFC 7523 §2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What the app registration proves itself with.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Nothing: a public client.
    None,
    /// The client secret's value.
    Secret(SecretString),
    /// A certificate with its private key.
    Certificate(Certificate),
}

impl Credential {
    /// The fields that a request to `token_endpoint` carries; an assertion is made anew for each.
    pub(super) fn fields(
        &self,
        client_id: &str,
        token_endpoint: &Url,
        now: Timestamp,
    ) -> Vec<(&'static str, SecretString)> {
        match self {
            Self::None => Vec::new(),
            Self::Secret(secret) => vec![("client_secret", secret.clone())],
            Self::Certificate(certificate) => vec![
                ("client_assertion_type", SecretString::from(ASSERTION_TYPE)),
                ("client_assertion", certificate.assertion(client_id, token_endpoint, now)),
            ],
        }
    }
}

/// A certificate of the app registration, with its private key. Cheap to clone; `Debug` shows no key.
#[derive(Clone)]
pub struct Certificate(Arc<Held>);

struct Held {
    key: KeyPair,
    subject: String,
    not_before: Timestamp,
    not_after: Timestamp,
    thumbprint: [u8; 32],
    /// As portals and Graph name it.
    sha1: Vec<u8>,
}

/// Why a certificate cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// No certificate in the text.
    #[error(
        "there is no certificate in the text: paste the PEM that begins with -----BEGIN CERTIFICATE-----"
    )]
    NoCertificate,
    /// A certificate that is not X.509.
    #[error("the certificate cannot be read ({0}): export it again as PEM")]
    Unreadable(String),
    /// No key in the text.
    #[error(
        "there is no private key in the text: paste the PEM that begins with -----BEGIN PRIVATE KEY-----"
    )]
    NoKey,
    /// The key has a passphrase.
    #[error(
        "the private key is locked with a passphrase: unlock it first (openssl pkey -in key.pem -out open.pem)"
    )]
    Locked,
    /// Another kind of key, or one that is too small.
    #[error(
        "the private key is not an RSA key of 2048 to 8192 bits, which Microsoft asks for: make a new one"
    )]
    NotRsa,
    /// The key belongs to another certificate.
    #[error("the private key belongs to another certificate: put in the two that were made together")]
    Mismatch,
}

impl Certificate {
    /// From PEM texts. `cert_pem` may hold a chain (the certificate that the key belongs to is taken), and either text may hold
    /// both.
    pub fn from_pem(cert_pem: &str, key_pem: &SecretString) -> Result<Self, CertificateError> {
        let key = read_key(key_pem.expose_secret())?;
        let mut found = None;
        for der in CertificateDer::pem_slice_iter(cert_pem.as_bytes()) {
            let der = der.map_err(|error| CertificateError::Unreadable(error.to_string()))?;
            let (_, certificate) = X509Certificate::from_der(&der)
                .map_err(|error| CertificateError::Unreadable(error.to_string()))?;
            let of_key =
                certificate.public_key().subject_public_key.data.as_ref() == key.public_key().as_ref();
            if of_key {
                return Ok(Self(Arc::new(Held {
                    subject: certificate.subject().to_string(),
                    not_before: timestamp(certificate.validity().not_before.timestamp())?,
                    not_after: timestamp(certificate.validity().not_after.timestamp())?,
                    thumbprint: sha256(&der),
                    sha1: digest(&SHA1_FOR_LEGACY_USE_ONLY, &der).as_ref().to_vec(),
                    key,
                })));
            }
            found = Some(());
        }
        Err(if found.is_some() { CertificateError::Mismatch } else { CertificateError::NoCertificate })
    }

    /// From when on it holds.
    pub fn not_before(&self) -> Timestamp {
        self.0.not_before
    }

    /// Until when it holds; to be announced before.
    pub fn not_after(&self) -> Timestamp {
        self.0.not_after
    }

    /// Whom it names, for display.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// SHA-1 of the certificate (DER), by which portals and Graph name it; it proves nothing.
    pub fn thumbprint_sha1(&self) -> &[u8] {
        &self.0.sha1
    }

    /// SHA-256 of the certificate (DER) as 64 capital hexadecimal digits, as `openssl x509 -fingerprint -sha256` tells it.
    pub fn thumbprint_sha256(&self) -> String {
        use std::fmt::Write as _;
        self.0.thumbprint.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02X}");
            text
        })
    }

    /// A signed assertion for one request: PS256, `x5t#S256`, audience the token endpoint, an id of its own.
    pub(super) fn assertion(&self, client_id: &str, token_endpoint: &Url, now: Timestamp) -> SecretString {
        let header = json!({
            "alg": "PS256",
            "typ": "JWT",
            "x5t#S256": URL_SAFE_NO_PAD.encode(self.0.thumbprint),
        });
        let claims = json!({
            "aud": token_endpoint.as_str(),
            "iss": client_id,
            "sub": client_id,
            "jti": Uuid::new_v4().to_string(),
            "nbf": now.as_second(),
            "iat": now.as_second(),
            "exp": now.as_second() + LASTS.as_secs(),
        });
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let mut signature = vec![0; self.0.key.public_modulus_len()];
        self.0
            .key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .expect("an RSA key of 2048 bits or more signs a text, the buffer is as long as its modulus");
        SecretString::from(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The public key (PKCS #1, DER), to check an assertion with.
    #[cfg(test)]
    pub(super) fn public_key(&self) -> Vec<u8> {
        self.0.key.public_key().as_ref().to_vec()
    }
}

fn read_key(pem: &str) -> Result<KeyPair, CertificateError> {
    if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(CertificateError::Locked);
    }
    match PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| CertificateError::NoKey)? {
        PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err(CertificateError::NotRsa),
    }
    .map_err(|_| CertificateError::NotRsa)
}

fn timestamp(seconds: i64) -> Result<Timestamp, CertificateError> {
    Timestamp::from_second(seconds).map_err(|error| CertificateError::Unreadable(error.to_string()))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
    sum
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.0.subject)
            .field("not_after", &self.0.not_after)
            .field("thumbprint_sha256", &self.thumbprint_sha256())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::HashSet;

    use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;

    const CLIENT: &str = "11111111-2222-3333-4444-555555555555";

    /// A certificate for tests (PEM), with its key (PEM, PKCS #8).
    pub(in super::super) fn generated() -> (String, SecretString) {
        let key = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der: Pkcs8V1Der<'_> = key.as_der().expect("DER");
        let key = rcgen::KeyPair::try_from(der.as_ref()).expect("an RSA key");
        let mut params =
            rcgen::CertificateParams::new(vec!["postroom.example.org".to_owned()]).expect("names");
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 3, 1);
        (params.self_signed(&key).expect("signed").pem(), SecretString::from(key.serialize_pem()))
    }

    fn parts(assertion: &str) -> (Value, Value, Vec<u8>, String) {
        let [header, claims, signature] =
            assertion.split('.').collect::<Vec<_>>().try_into().expect("three parts");
        let json = |part: &str| {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
        };
        let signature_bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        (json(header), json(claims), signature_bytes, format!("{header}.{claims}"))
    }

    #[test]
    fn an_assertion_is_what_entra_asks_for_and_its_signature_holds() {
        let (cert, key) = generated();
        let certificate = Certificate::from_pem(&cert, &key).expect("read");
        let endpoint: Url = "https://login.microsoftonline.com/t/oauth2/v2.0/token".parse().expect("a URL");
        let now = Timestamp::from_second(1_790_000_000).expect("a time");
        let mut ids = HashSet::new();
        for _ in 0..3 {
            let assertion = certificate.assertion(CLIENT, &endpoint, now);
            let (header, claims, signature, signed) = parts(assertion.expose_secret());
            let der = CertificateDer::from_pem_slice(cert.as_bytes()).expect("PEM");
            assert_eq!(
                header,
                json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(sha256(&der)) })
            );
            assert_eq!((&claims["iss"], &claims["sub"]), (&json!(CLIENT), &json!(CLIENT)));
            assert_eq!(claims["aud"], endpoint.as_str());
            let (from, until) = (claims["nbf"].as_i64().expect("nbf"), claims["exp"].as_i64().expect("exp"));
            assert_eq!(from, now.as_second());
            assert!((60..=600).contains(&(until - from)));
            assert!(ids.insert(claims["jti"].as_str().expect("an id").to_owned()), "used once");
            let key = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, certificate.public_key());
            key.verify(signed.as_bytes(), &signature).expect("the signature holds");
        }
    }

    #[test]
    fn a_certificate_tells_its_end_and_its_thumbprint_and_never_its_key() {
        let (cert, key) = generated();
        let certificate = Certificate::from_pem(&cert, &key).expect("read");
        assert_eq!(certificate.not_after().to_string(), "2027-03-01T00:00:00Z");
        assert_eq!(certificate.not_before().to_string(), "2026-01-01T00:00:00Z");
        let thumbprint = certificate.thumbprint_sha256();
        assert!(thumbprint.len() == 64 && thumbprint.chars().all(|c| c.is_ascii_hexdigit()), "{thumbprint}");
        let shown = format!("{:?}", Credential::Certificate(certificate));
        assert!(shown.contains(&thumbprint), "{shown}");
        let secret_line = key.expose_secret().lines().nth(3).expect("a line of the key");
        assert!(!shown.contains(secret_line) && !shown.contains("PRIVATE"), "{shown}");
    }

    #[test]
    fn the_certificate_of_the_key_is_taken_from_a_chain_and_one_file_may_hold_both() {
        let ((other, _), (cert, key)) = (generated(), generated());
        let chain = format!("{other}{cert}");
        let taken = Certificate::from_pem(&chain, &key).expect("found in the chain");
        let alone = Certificate::from_pem(&cert, &key).expect("read");
        assert_eq!(taken.thumbprint_sha256(), alone.thumbprint_sha256());
        let both = format!("{cert}{}", key.expose_secret());
        let one = Certificate::from_pem(&both, &SecretString::from(both.clone())).expect("one file");
        assert_eq!(one.thumbprint_sha256(), alone.thumbprint_sha256());
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let ((other, _), (cert, key)) = (generated(), generated());
        let of = |cert: &str, key: &SecretString| Certificate::from_pem(cert, key).expect_err("refused");
        assert_eq!(of(&other, &key), CertificateError::Mismatch);
        assert_eq!(of("", &key), CertificateError::NoCertificate);
        assert_eq!(of(&cert, &SecretString::from("hello")), CertificateError::NoKey);
        let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert_eq!(of(&cert, &SecretString::from(locked)), CertificateError::Locked);
        let curve = rcgen::KeyPair::generate().expect("a key").serialize_pem();
        assert_eq!(of(&cert, &SecretString::from(curve)), CertificateError::NotRsa);
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(of(broken, &key), CertificateError::Unreadable(_)));
    }
}
