//! What Entra granted the application itself: the `roles` of its token (Entra, access token claims reference).
//!
//! Tokens are opaque to their bearer: a resource may encrypt its own, or write them otherwise one day. So nothing is decided with this
//! but what is said about the application, and a token that cannot be read says nothing. Roles that Exchange grants (RBAC for
//! Applications) stand in no token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    roles: Vec<String>,
}

/// The application permissions that Entra granted on the token's resource; none where the token cannot be read.
pub fn roles(token: &SecretString) -> Option<Vec<String>> {
    let mut parts = token.expose_secret().split('.');
    let (_, body, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if signature.is_empty() || parts.next().is_some() {
        return None;
    }
    let body = URL_SAFE_NO_PAD.decode(body).ok()?;
    serde_json::from_slice(&body).ok().map(|claims: Claims| claims.roles)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(body: &str) -> SecretString {
        SecretString::from(format!("head.{}.signature", URL_SAFE_NO_PAD.encode(body)))
    }

    /// Promise: the roles of a token are read, none of them is none granted, and a token that is no such thing says nothing.
    #[test]
    fn roles_are_read_where_they_can_be() {
        let both = token(r#"{"aud":"a","roles":["Mail.Send","Application.Read.All"]}"#);
        assert_eq!(roles(&both), Some(vec!["Mail.Send".to_owned(), "Application.Read.All".to_owned()]));
        assert_eq!(roles(&token(r#"{"aud":"a"}"#)), Some(Vec::new()));
        let opaque = ["", "EwBIA8l6BAAU", "a.b", "a.b.c", "a.b.c.d.e"].map(SecretString::from);
        for opaque in opaque.iter().chain([&token("no JSON"), &token(r#"{"roles":"Mail.Send"}"#)]) {
            assert_eq!(roles(opaque), None);
        }
    }
}
