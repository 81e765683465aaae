//! Sessions: who is signed in. The browser holds a random id, the database its hash.
//!
//! A session ends a day after it was last used, a month after it began, when its person signs out, and when they change
//! their password. Its id is made when somebody signs in, never before, and never taken from the browser.

use aws_lc_rs::digest::{SHA256, digest};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use jiff::{SignedDuration, Timestamp};
use rand::CryptoRng;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

use super::csrf;
use super::roles::{Role, SignedIn, User};

/// A session that is not used for so long ends.
pub(crate) const IDLE: SignedDuration = SignedDuration::from_hours(24);
/// A session ends after so long in any case.
pub(crate) const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Its last use is written down at most this often, so that reading a page rarely writes.
const NOTED: SignedDuration = SignedDuration::from_mins(5);

const NAME: &str = "postroom-session";

/// A cookie's name: bound to this host by its prefix where that is possible, which is over TLS.
pub(crate) fn cookie_name(name: &str, secure: bool) -> String {
    if secure { format!("__Host-{name}") } else { name.to_owned() }
}

/// The id that the browser holds.
pub(crate) fn of_jar(jar: &CookieJar, secure: bool) -> Option<String> {
    let id = jar.get(&cookie_name(NAME, secure))?.value();
    (id.len() == 64).then(|| id.to_owned())
}

/// The cookie for a session's id.
pub(crate) fn cookie(id: &str, secure: bool) -> Cookie<'static> {
    let mut cookie = Cookie::build((cookie_name(NAME, secure), id.to_owned()))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .build();
    if id.is_empty() {
        cookie.make_removal();
    }
    cookie
}

/// What is stored of an id.
pub(crate) fn hash(id: &str) -> Vec<u8> {
    digest(&SHA256, id.as_bytes()).as_ref().to_vec()
}

/// A session's secrets before it begins.
pub(crate) struct Secrets {
    id: String,
    csrf: String,
}

impl Secrets {
    /// Fresh ones.
    pub(crate) fn fresh(rng: &mut impl CryptoRng) -> Self {
        Self { id: csrf::secret(rng), csrf: csrf::secret(rng) }
    }
}

/// Begins a session and gives its id.
pub(crate) async fn begin(
    tx: &mut Tx,
    user: Uuid,
    now: Timestamp,
    secrets: Secrets,
) -> Result<String, StoreError> {
    let Secrets { id, csrf } = secrets;
    tx.execute(
        sql!(
            "INSERT INTO session (id_hash, user_id, csrf, created_at, last_seen_at, expires_at)
             VALUES ($1, $2, $3, $4, $4, $5)"
        ),
        args![hash(&id), user, csrf, now, now.saturating_add(LONGEST).unwrap_or(Timestamp::MAX)],
    )
    .await?;
    Ok(id)
}

#[derive(FromRow)]
struct Found {
    user_id: Uuid,
    csrf: String,
    last_seen_at: i64,
    email: String,
    name: String,
    role: String,
    workspace_id: Uuid,
}

/// Who is signed in with this id.
pub(crate) async fn find(db: &Db, id: &str, now: Timestamp) -> Result<Option<SignedIn>, StoreError> {
    let hash = hash(id);
    let idle_since = now.saturating_sub(IDLE).unwrap_or(Timestamp::MIN);
    let found: Option<Found> = db
        .fetch_optional(
            sql!(
                "SELECT session.user_id, session.csrf, session.last_seen_at, console_user.email, console_user.name,
                   console_user.role, console_user.workspace_id
                 FROM session JOIN console_user ON console_user.id = session.user_id
                 WHERE session.id_hash = $1 AND session.expires_at > $2 AND session.last_seen_at > $3
                   AND console_user.disabled_at IS NULL"
            ),
            args![hash.clone(), now, idle_since],
        )
        .await?;
    let Some(found) = found else { return Ok(None) };
    let role = Role::of_row(&found.role)
        .ok_or_else(|| StoreError::corrupt("console_user", "role", found.user_id, "is none of the roles"))?;
    if found.last_seen_at < now.saturating_sub(NOTED).unwrap_or(Timestamp::MIN).as_microsecond() {
        let noted = db
            .execute(
                sql!("UPDATE session SET last_seen_at = $1 WHERE id_hash = $2"),
                args![now, hash.clone()],
            )
            .await;
        if let Err(error) = noted {
            // Reading goes on where writing cannot, as on a full disk.
            tracing::warn!(%error, "a session's last use was not written down");
        }
    }
    Ok(Some(SignedIn {
        user: User { id: found.user_id, email: found.email, name: found.name, role },
        workspace: found.workspace_id,
        csrf: found.csrf,
        session: hash,
    }))
}

/// Ends one session.
pub(crate) async fn end(tx: &mut Tx, hash: &[u8]) -> Result<(), StoreError> {
    tx.execute(sql!("DELETE FROM session WHERE id_hash = $1"), args![hash]).await?;
    Ok(())
}

/// Ends all sessions of a user.
pub(crate) async fn end_all(tx: &mut Tx, user: Uuid) -> Result<u64, StoreError> {
    tx.execute(sql!("DELETE FROM session WHERE user_id = $1"), args![user]).await
}

/// Removes sessions that have ended by themselves.
pub(crate) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
    let idle_since = now.saturating_sub(IDLE).unwrap_or(Timestamp::MIN);
    tx.execute(
        sql!("DELETE FROM session WHERE expires_at <= $1 OR last_seen_at <= $2"),
        args![now, idle_since],
    )
    .await?;
    Ok(())
}
