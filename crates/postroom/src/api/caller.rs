//! Who asks the API, and what they may.
//!
//! An API token is known by its SHA-256 (it is a random number of its own, so there is nothing to guess slowly). A session
//! of the console reads; what changes something takes a token, because a browser sends its cookies wherever it is told to.

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{Request, State as Shared};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::CookieJar;
use http::{Method, StatusCode, header};
use jiff::SignedDuration;
use sqlx::FromRow;
use store::{StoreError, args, sql};
use uuid::Uuid;

use super::State;
use super::problem::Refused;
use crate::access::{Actor, Role, session};

/// The last use of a token is written down at most this often.
const NOTED: SignedDuration = SignedDuration::from_mins(5);

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    actor: Actor,
    role: Role,
}

impl Caller {
    /// For the audit log and to find their workspace.
    pub(super) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What they may do.
    pub(super) fn role(&self) -> Role {
        self.role
    }
}

#[derive(FromRow)]
struct Token {
    id: Uuid,
    workspace_id: Uuid,
    name: String,
    role: String,
    last_used_at: Option<i64>,
}

async fn of_token(state: &State, token: &str) -> Result<Option<Caller>, StoreError> {
    let (db, now) = (&state.shell.db, state.shell.clock.now());
    let hash = digest(&SHA256, token.as_bytes()).as_ref().to_vec();
    let row: Option<Token> = db
        .fetch_optional(
            sql!(
                "SELECT id, workspace_id, name, role, last_used_at FROM api_token
                 WHERE token_hash = $1 AND revoked_at IS NULL"
            ),
            args![hash],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let noted = now.saturating_sub(NOTED).unwrap_or(now).as_microsecond();
    if row.last_used_at.is_none_or(|at| at < noted) {
        db.execute(sql!("UPDATE api_token SET last_used_at = $1 WHERE id = $2"), args![now, row.id]).await?;
    }
    let Some(role) = Role::of_row(&row.role) else { return Ok(None) };
    let actor =
        Actor { workspace: row.workspace_id, user: None, name: format!("API token {}", row.name), at: now };
    Ok(Some(Caller { actor, role }))
}

async fn of_session(state: &State, jar: &CookieJar) -> Result<Option<Caller>, StoreError> {
    let (db, now) = (&state.shell.db, state.shell.clock.now());
    let Some(id) = session::of_jar(jar, state.shell.is_https()) else { return Ok(None) };
    Ok(session::find(db, &id, now).await?.map(|signed_in| Caller {
        actor: Actor {
            workspace: signed_in.workspace,
            user: Some(signed_in.user.id),
            name: signed_in.user.email.clone(),
            at: now,
        },
        role: signed_in.user.role,
    }))
}

fn unauthorized() -> Response {
    let refused = Refused::new(
        StatusCode::UNAUTHORIZED,
        "The API wants to know who asks.",
        "Send an API token in the header Authorization: Bearer.",
    );
    ([(header::WWW_AUTHENTICATE, "Bearer realm=\"Postroom\"")], refused).into_response()
}

pub(super) async fn over_the_web(Shared(state): Shared<State>, mut request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let bearer = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(|token| token.trim().to_owned());
    let caller = match bearer {
        Some(token) => of_token(&state, &token).await,
        None if reads => of_session(&state, &CookieJar::from_headers(request.headers())).await,
        None => Ok(None),
    };
    let caller = match caller {
        Ok(Some(caller)) => caller,
        Ok(None) => return unauthorized(),
        Err(error) => return Refused::from(error).into_response(),
    };
    if !reads && caller.role < Role::Admin {
        return Refused::new(
            StatusCode::FORBIDDEN,
            "This token may only read.",
            "Use a token of the role admin or owner.",
        )
        .into_response();
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

pub(super) async fn over_the_socket(
    Shared(state): Shared<State>,
    mut request: Request,
    next: Next,
) -> Response {
    let actor = Actor {
        workspace: state.shell.workspace,
        user: None,
        name: "command line".to_owned(),
        at: state.shell.clock.now(),
    };
    request.extensions_mut().insert(Caller { actor, role: Role::Owner });
    next.run(request).await
}
