//! Who is asking: Basic with address and API token, or Bearer with a token. Which of them are good depends on the [`Entrance`].
//! Handlers take a [`Caller`] and so cannot forget; the few that anonymous visitors may read take a [`Visitor`].

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

/// By which address a request came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// The site's own: API tokens without scopes, and personal access tokens.
    #[default]
    Site,
    /// Atlassian's gateway: tokens with scopes, and those of service accounts.
    Gateway,
    /// The site's Data Center face: personal access tokens.
    DataCenter,
}

/// A signed-in user and what every handler needs with it.
pub(crate) struct Caller {
    pub(crate) user: JiraUser,
    pub(crate) directory: Arc<Directory>,
    pub(crate) version: Version,
    pub(crate) entrance: Entrance,
    /// Site address without a slash at the end.
    pub(crate) base: Arc<str>,
}

/// Somebody who may be nobody. Wrong credentials make an anonymous visitor, as on Jira.
pub(crate) struct Visitor {
    pub(crate) user: Option<JiraUser>,
    pub(crate) failed: bool,
    pub(crate) directory: Arc<Directory>,
    pub(crate) version: Version,
    pub(crate) entrance: Entrance,
    pub(crate) base: Arc<str>,
}

/// What a request proves.
pub(crate) enum Credentials {
    None,
    Wrong,
    Good(Box<JiraUser>),
}

impl FromRequestParts<Arc<JiraState>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<JiraState>) -> Result<Self, Refusal> {
        let directory = state.directory();
        let entrance = entrance(parts);
        match credentials(state, &parts.headers, &directory, entrance) {
            Credentials::None => Err(Refusal::sign_in_missing()),
            Credentials::Wrong => Err(Refusal::sign_in_failed()),
            Credentials::Good(user) => Ok(Self {
                user: *user,
                directory,
                version: version(parts),
                entrance,
                base: base(state, entrance),
            }),
        }
    }
}

impl FromRequestParts<Arc<JiraState>> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<JiraState>) -> Result<Self, Refusal> {
        let directory = state.directory();
        let entrance = entrance(parts);
        let (user, failed) = match credentials(state, &parts.headers, &directory, entrance) {
            Credentials::None => (None, false),
            Credentials::Wrong => (None, true),
            Credentials::Good(user) => (Some(*user), false),
        };
        Ok(Self { user, failed, directory, version: version(parts), entrance, base: base(state, entrance) })
    }
}

fn entrance(parts: &Parts) -> Entrance {
    parts.extensions.get::<Entrance>().copied().unwrap_or_default()
}

fn base(state: &JiraState, entrance: Entrance) -> Arc<str> {
    match entrance {
        Entrance::DataCenter => Arc::from(format!("{}/dc", state.base())),
        Entrance::Site | Entrance::Gateway => state.base(),
    }
}

fn version(parts: &Parts) -> Version {
    parts.extensions.get::<Version>().copied().unwrap_or(Version::Three)
}

/// What the headers of a request prove at an entrance.
pub(crate) fn credentials(
    state: &JiraState,
    headers: &HeaderMap,
    directory: &Directory,
    entrance: Entrance,
) -> Credentials {
    let Some(given) = headers.get(header::AUTHORIZATION) else { return Credentials::None };
    let Ok(given) = given.to_str() else { return Credentials::Wrong };
    let (scheme, rest) = given.split_once(' ').unwrap_or((given, ""));
    let rest = rest.trim();
    let is_basic = scheme.eq_ignore_ascii_case("basic");
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    let found = if is_basic && entrance != Entrance::DataCenter {
        base64::engine::general_purpose::STANDARD.decode(rest).ok().and_then(|pair| {
            let pair = String::from_utf8(pair).ok()?;
            let (email, token) = pair.split_once(':')?;
            let user = directory.users.iter().find(|user| user.email.eq_ignore_ascii_case(email))?;
            let own = if entrance == Entrance::Gateway { &user.scoped_token } else { &user.token };
            own.as_deref().is_some_and(|own| own == token).then(|| user.clone())
        })
    } else if is_bearer && entrance == Entrance::Gateway {
        let account = state.gate().account_of(rest, state.now());
        account.and_then(|account| directory.user(&account).cloned())
    } else if is_bearer {
        let user = directory.users.iter().find(|user| user.access_token.as_deref() == Some(rest));
        user.cloned()
    } else {
        None
    };
    match found {
        Some(user) if !state.tokens_revoked() => Credentials::Good(Box::new(user)),
        _ => Credentials::Wrong,
    }
}
