//! Links that work once. The token stands in the link only; the database has its hash.

use aws_lc_rs::digest::{SHA256, digest};
use jiff::{SignedDuration, Timestamp};
use rand::CryptoRng;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

use super::audit::{self, Actor};
use super::csrf;
use super::roles::Role;
use super::users;
use crate::web::Shell;

/// How long the first owner's link works.
pub const OWNER_LINK: SignedDuration = SignedDuration::from_hours(24);
/// How long an invitation works.
pub const INVITATION: SignedDuration = SignedDuration::from_hours(24 * 7);

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The first owner signs up.
    FirstOwner,
    /// A further user signs up in this role.
    Invitation(Role),
    /// This user, who forgot theirs, chooses a new password.
    NewPassword(Uuid),
}

impl Purpose {
    fn word(self) -> String {
        match self {
            Self::FirstOwner => "first owner".to_owned(),
            Self::Invitation(role) => format!("invitation {}", role.word()),
            Self::NewPassword(user) => format!("new password {user}"),
        }
    }

    fn of_row(word: &str) -> Option<Self> {
        if let Some(role) = word.strip_prefix("invitation ") {
            Role::of_row(role).map(Self::Invitation)
        } else if let Some(user) = word.strip_prefix("new password ") {
            user.parse().ok().map(Self::NewPassword)
        } else {
            (word == "first owner").then_some(Self::FirstOwner)
        }
    }

    /// The role of the user that it makes, if it makes one.
    pub fn role(self) -> Option<Role> {
        match self {
            Self::FirstOwner => Some(Role::Owner),
            Self::Invitation(role) => Some(role),
            Self::NewPassword(_) => None,
        }
    }
}

/// Where a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It works.
    Works(Purpose),
    /// Its time is over.
    Expired,
    /// It was used, or replaced by a newer one.
    Used,
    /// It is none of ours.
    Unknown,
}

fn hash(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}

/// The link by which the first owner signs up, to be printed when Postroom starts; none when there is a user. A link
/// printed before stops working.
pub fn first_owner<'a>(
    shell: &'a Shell,
    rng: &mut dyn CryptoRng,
) -> impl Future<Output = Result<Option<String>, StoreError>> + Send + use<'a> {
    let token = csrf::secret(rng);
    async move {
        let now = shell.clock.now();
        let mut tx = shell.db.begin().await?;
        if users::is_any_in(&mut tx).await? {
            return Ok(None);
        }
        tx.execute(
            sql!("UPDATE one_time_link SET used_at = $1 WHERE purpose = 'first owner' AND used_at IS NULL"),
            args![now],
        )
        .await?;
        keep(&mut tx, &token, Purpose::FirstOwner, now, OWNER_LINK).await?;
        tx.commit().await?;
        Ok(Some(address(shell, &token)))
    }
}

/// A link by which a user who forgot their password chooses a new one; none where nobody signs in with this address. For
/// the command line, so that the last owner is never locked out, and for an owner who helps somebody.
pub fn new_password<'a>(
    shell: &'a Shell,
    who: &'a Actor,
    email: &'a str,
    rng: &mut dyn CryptoRng,
) -> impl Future<Output = Result<Option<String>, StoreError>> + Send + use<'a> {
    let token = csrf::secret(rng);
    async move {
        let Some(account) = users::by_email(&shell.db, email).await? else { return Ok(None) };
        let mut tx = shell.db.begin().await?;
        keep(&mut tx, &token, Purpose::NewPassword(account.id), shell.clock.now(), OWNER_LINK).await?;
        audit::record(&mut tx, who, "make password link", &users::normal(email), "one-time link, 24 hours")
            .await?;
        tx.commit().await?;
        Ok(Some(shell.address(&format!("/new-password?token={token}"))))
    }
}

/// A link's whole address.
pub(super) fn address(shell: &Shell, token: &str) -> String {
    shell.address(&format!("/setup?token={token}"))
}

/// Keeps a link with this token.
pub(super) async fn keep(
    tx: &mut Tx,
    token: &str,
    purpose: Purpose,
    now: Timestamp,
    lasts: SignedDuration,
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO one_time_link (token_hash, purpose, created_at, expires_at) VALUES ($1, $2, $3, $4)"
        ),
        args![hash(token), purpose.word(), now, now.saturating_add(lasts).unwrap_or(Timestamp::MAX)],
    )
    .await?;
    Ok(())
}

#[derive(FromRow)]
struct Link {
    purpose: String,
    expires_at: i64,
    used_at: Option<i64>,
}

/// Looks a link up.
pub(super) async fn find(db: &Db, token: &str, now: Timestamp) -> Result<Found, StoreError> {
    let link: Option<Link> = db
        .fetch_optional(
            sql!("SELECT purpose, expires_at, used_at FROM one_time_link WHERE token_hash = $1"),
            args![hash(token)],
        )
        .await?;
    Ok(match link {
        None => Found::Unknown,
        Some(link) if link.used_at.is_some() => Found::Used,
        Some(link) if link.expires_at <= now.as_microsecond() => Found::Expired,
        Some(link) => Purpose::of_row(&link.purpose).map_or(Found::Unknown, Found::Works),
    })
}

/// Uses a link up: of two who try at once, one succeeds.
pub(super) async fn spend(tx: &mut Tx, token: &str, now: Timestamp) -> Result<bool, StoreError> {
    let spent = tx
        .execute(
            sql!(
                "UPDATE one_time_link SET used_at = $1 WHERE token_hash = $2 AND used_at IS NULL AND expires_at > $1"
            ),
            args![now, hash(token)],
        )
        .await?;
    Ok(spent == 1)
}
