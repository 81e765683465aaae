//! What an access token says of the application: what Entra granted it (`roles`) and what the tenant calls it (`app_displayname`, which
//! tokens for Graph carry; Entra, access token claims reference).
//!
//! Tokens are opaque to their bearer: a resource may encrypt its own, or write them otherwise one day. So nothing is decided with this
//! but what is said about the application, and a token that cannot be read says nothing. Roles that Exchange grants (RBAC for
//! Applications) stand in no token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct Roles {
    #[serde(default)]
    roles: Vec<String>,
}

#[derive(Deserialize)]
struct Name {
    app_displayname: String,
}

/// The application permissions that Entra granted on the token's resource; none where the token cannot be read.
pub fn roles(token: &SecretString) -> Option<Vec<String>> {
    claims(token).map(|claims: Roles| claims.roles)
}

/// What the tenant calls the application; none where the token does not tell.
pub fn application_name(token: &SecretString) -> Option<String> {
    claims(token).map(|claims: Name| claims.app_displayname.trim().to_owned()).filter(|name| !name.is_empty())
}

fn claims<T: DeserializeOwned>(token: &SecretString) -> Option<T> {
    let mut parts = token.expose_secret().split('.');
    let (_, body, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if signature.is_empty() || parts.next().is_some() {
        return None;
    }
    let body = URL_SAFE_NO_PAD.decode(body).ok()?;
    serde_json::from_slice(&body).ok()
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
            assert_eq!(application_name(opaque), None);
        }
    }

    /// Promise: an application is called as its tenant calls it where the token tells, and a token that tells nothing names nobody.
    #[test]
    fn the_name_is_read_where_it_is_told() {
        let told = token(r#"{"appid":"a","app_displayname":" Postroom "}"#);
        assert_eq!(application_name(&told).as_deref(), Some("Postroom"));
        for untold in [r#"{"appid":"a"}"#, r#"{"app_displayname":""}"#, r#"{"app_displayname":7}"#] {
            assert_eq!(application_name(&token(untold)), None, "{untold}");
        }
    }
}
