//! Who is asking: Basic with address and API token, or Bearer with a personal access token. Handlers take a
//! [`Caller`] and so cannot forget; the few that anonymous visitors may read take a [`Visitor`].

use std::sync::Arc;

use axum::extract::FromRequestParts;
use base64::Engine as _;
use http::request::Parts;
use http::{HeaderMap, header};

use super::JiraState;
use super::answer::Refusal;
use super::settings::JiraUser;
use super::site::Directory;

/// The version of the API that the path names: documents in 3, wiki markup in 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Two,
    Three,
}

impl Version {
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Two => 2,
            Self::Three => 3,
        }
    }
}

/// A signed-in user and what every handler needs with it.
pub(crate) struct Caller {
    pub(crate) user: JiraUser,
    pub(crate) directory: Arc<Directory>,
    pub(crate) version: Version,
    /// Site address without a slash at the end.
    pub(crate) base: Arc<str>,
}

/// Somebody who may be nobody. Wrong credentials make an anonymous visitor, as on Jira.
pub(crate) struct Visitor {
    pub(crate) user: Option<JiraUser>,
    pub(crate) failed: bool,
    pub(crate) directory: Arc<Directory>,
    pub(crate) version: Version,
    pub(crate) base: Arc<str>,
}

enum Credentials {
    None,
    Wrong,
    Good(JiraUser),
}

impl FromRequestParts<Arc<JiraState>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<JiraState>) -> Result<Self, Refusal> {
        let directory = state.directory();
        match credentials(&parts.headers, &directory, state.tokens_revoked()) {
            Credentials::None => Err(Refusal::sign_in_missing()),
            Credentials::Wrong => Err(Refusal::sign_in_failed()),
            Credentials::Good(user) => {
                Ok(Self { user, directory, version: version(parts), base: state.base() })
            }
        }
    }
}

impl FromRequestParts<Arc<JiraState>> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<JiraState>) -> Result<Self, Refusal> {
        let directory = state.directory();
        let (user, failed) = match credentials(&parts.headers, &directory, state.tokens_revoked()) {
            Credentials::None => (None, false),
            Credentials::Wrong => (None, true),
            Credentials::Good(user) => (Some(user), false),
        };
        Ok(Self { user, failed, directory, version: version(parts), base: state.base() })
    }
}

fn version(parts: &Parts) -> Version {
    parts.extensions.get::<Version>().copied().unwrap_or(Version::Three)
}

fn credentials(headers: &HeaderMap, directory: &Directory, revoked: bool) -> Credentials {
    let Some(given) = headers.get(header::AUTHORIZATION) else { return Credentials::None };
    let Ok(given) = given.to_str() else { return Credentials::Wrong };
    let (scheme, rest) = given.split_once(' ').unwrap_or((given, ""));
    let rest = rest.trim();
    let found = if scheme.eq_ignore_ascii_case("basic") {
        base64::engine::general_purpose::STANDARD.decode(rest).ok().and_then(|pair| {
            let pair = String::from_utf8(pair).ok()?;
            let (email, token) = pair.split_once(':')?;
            let user = directory.users.iter().find(|user| user.email.eq_ignore_ascii_case(email))?;
            user.token.as_deref().is_some_and(|own| own == token).then(|| user.clone())
        })
    } else if scheme.eq_ignore_ascii_case("bearer") {
        let user = directory.users.iter().find(|user| user.access_token.as_deref() == Some(rest));
        user.cloned()
    } else {
        None
    };
    match found {
        Some(user) if !revoked => Credentials::Good(user),
        _ => Credentials::Wrong,
    }
}
