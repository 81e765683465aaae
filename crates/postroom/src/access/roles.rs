//! Roles as types: a handler receives who may run it.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};
use url::form_urlencoded;
use uuid::Uuid;

use super::audit::Actor;
use super::users;
use crate::web::components::{Action, Does};
use crate::web::middleware::Visitor;
use crate::web::times::Times;
use crate::web::{Frame, Problem, Section, Shell};

/// What a user may do. Each may do what those before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Looks at everything but secrets.
    Viewer,
    /// Changes connections, sources and held mail.
    Admin,
    /// Also decides who may use the console.
    Owner,
}

impl Role {
    /// The role as its row names it, and as people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// The role that a row names.
    pub fn of_row(word: &str) -> Option<Self> {
        Some(match word {
            "viewer" => Self::Viewer,
            "admin" => Self::Admin,
            "owner" => Self::Owner,
            _ => return None,
        })
    }
}

/// A person who uses the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Row id.
    pub id: Uuid,
    /// What they sign in with.
    pub email: String,
    /// How they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// A session that is open.
#[derive(Clone)]
pub(crate) struct SignedIn {
    pub(crate) user: User,
    pub(crate) workspace: Uuid,
    pub(crate) csrf: String,
    pub(crate) session: Vec<u8>,
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn").field("user", &self.user.id).finish_non_exhaustive()
    }
}

/// Somebody who is signed in, in whatever role.
#[derive(Clone, Debug)]
pub struct Viewer {
    signed_in: Arc<SignedIn>,
    visitor: Visitor,
}

impl Viewer {
    /// Who it is.
    pub fn user(&self) -> &User {
        &self.signed_in.user
    }

    /// Their workspace.
    pub fn workspace(&self) -> Uuid {
        self.signed_in.workspace
    }

    /// Whether they may do what this role may.
    pub fn may(&self, role: Role) -> bool {
        self.user().role >= role
    }

    /// Now, in the workspace's time zone; for the words on a page.
    pub fn times(&self) -> &Times {
        &self.visitor.times
    }

    /// For the audit log.
    pub fn actor(&self) -> Actor {
        Actor {
            workspace: self.workspace(),
            user: Some(self.user().id),
            name: self.user().email.clone(),
            at: self.visitor.times.now,
        }
    }

    /// A page's frame.
    pub fn frame(&self, section: Section, title: impl Into<String>) -> Frame {
        self.visitor.frame(section, title)
    }

    /// A button that posts a form of this session.
    pub fn post(&self, label: impl Into<String>, to: impl Into<String>) -> Action {
        Action::new(label, Does::Post { to: to.into(), csrf: self.visitor.csrf.clone(), fields: Vec::new() })
    }

    /// The CSRF token for a form that a template writes itself.
    pub fn csrf(&self) -> &str {
        &self.visitor.csrf
    }

    /// The session's hash: binds something under way (a sign-in at Microsoft) to this browser.
    pub fn session_hash(&self) -> &[u8] {
        &self.signed_in.session
    }

    /// Whether cookies go over TLS only.
    pub fn secure_cookies(&self) -> bool {
        self.visitor.secure
    }
}

/// Somebody who may change connections, sources and held mail.
#[derive(Clone, Debug)]
pub struct Admin(Viewer);

/// Somebody who may decide who uses the console.
#[derive(Clone, Debug)]
pub struct Owner(Viewer);

impl Deref for Admin {
    type Target = Viewer;

    fn deref(&self) -> &Viewer {
        &self.0
    }
}

impl Deref for Owner {
    type Target = Viewer;

    fn deref(&self) -> &Viewer {
        &self.0
    }
}

impl<S> FromRequestParts<S> for Viewer
where
    S: Send + Sync,
    Shell: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let visitor = parts.extensions.get::<Visitor>().cloned();
        let Some(visitor) = visitor else {
            return Err(Problem::internal("a page outside of the console's router").into_response());
        };
        match visitor.signed_in.clone() {
            Ok(Some(signed_in)) => Ok(Self { signed_in, visitor }),
            Ok(None) => Err(nobody(&Shell::from_ref(state), parts).await),
            Err(error) => Err(Problem::from(error).into_response()),
        }
    }
}

/// Sends who is not signed in to where they can; before there is an owner, to the page that says how there will be one.
async fn nobody(shell: &Shell, parts: &Parts) -> Response {
    if parts.method != Method::GET || !wants_page(&parts.headers) {
        return Problem::new(
            StatusCode::UNAUTHORIZED,
            "Nobody is signed in here.",
            "Sign in, then try again.",
        )
        .into_response();
    }
    match users::is_any(&shell.db).await {
        Ok(false) => Redirect::to("/setup").into_response(),
        Ok(true) => {
            let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
            let next = form_urlencoded::byte_serialize(path.as_bytes()).collect::<String>();
            let to = if path == "/" { "/sign-in".to_owned() } else { format!("/sign-in?next={next}") };
            Redirect::to(&to).into_response()
        }
        Err(error) => Problem::from(error).into_response(),
    }
}

fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_none_or(|accept| accept.contains("text/html") || accept.contains("*/*"))
}

macro_rules! at_least {
    ($type:ident, $role:ident, $words:literal) => {
        impl<S> FromRequestParts<S> for $type
        where
            S: Send + Sync,
            Shell: FromRef<S>,
        {
            type Rejection = Response;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
                let viewer = Viewer::from_request_parts(parts, state).await?;
                if viewer.may(Role::$role) {
                    Ok(Self(viewer))
                } else {
                    Err(Problem::forbidden($words).into_response())
                }
            }
        }
    };
}

at_least!(Admin, Admin, "admin");
at_least!(Owner, Owner, "owner");

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: each role may do what those before may, and no more.
    #[test]
    fn roles_are_ordered() {
        assert!(Role::Owner > Role::Admin && Role::Admin > Role::Viewer);
        for role in [Role::Viewer, Role::Admin, Role::Owner] {
            assert_eq!(Role::of_row(role.word()), Some(role));
        }
        assert_eq!(Role::of_row("root"), None);
    }
}
