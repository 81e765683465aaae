//! The tenant's signing key, and tokens signed with it. One RSA key serves every simulator of a process: making one takes
//! a moment.

use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

static KEY: OnceLock<Result<Signer, String>> = OnceLock::new();

/// Signs tokens.
pub(crate) struct Signer {
    pair: KeyPair,
    kid: String,
}

/// The key of this process.
pub(crate) fn signer() -> anyhow::Result<&'static Signer> {
    let made = KEY.get_or_init(|| {
        let pair = KeyPair::generate(KeySize::Rsa2048)
            .map_err(|error| format!("no RSA key can be made: {error}"))?;
        let modulus = pair.public_key().modulus().big_endian_without_leading_zero().to_vec();
        let kid = URL_SAFE_NO_PAD.encode(&digest(&SHA256, &modulus).as_ref()[..20]);
        Ok(Signer { pair, kid })
    });
    made.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
}

impl Signer {
    /// The public keys as the keys endpoint gives them.
    pub(crate) fn jwks(&self, issuer: &str) -> Value {
        let public = self.pair.public_key();
        json!({"keys": [{
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
            "e": URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
            "issuer": issuer,
        }]})
    }

    /// A JWT signed with RS256. `None` when the library refuses, which it has no reason to.
    pub(crate) fn sign(&self, claims: &Value) -> Option<String> {
        let head = json!({"typ": "JWT", "alg": "RS256", "kid": self.kid});
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&head), encode(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// base64url of SHA-256, as PKCE S256 compares it.
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_that_of_the_standard() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
