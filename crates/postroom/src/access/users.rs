//! Users and their rows.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

use super::roles::{Role, User};

#[derive(FromRow)]
struct Count {
    n: i64,
}

/// Whether there is any user.
pub(super) async fn is_any(db: &Db) -> Result<bool, StoreError> {
    let count: Count = db.fetch_one(sql!("SELECT count(*) AS n FROM console_user"), args![]).await?;
    Ok(count.n > 0)
}

/// The same inside a transaction.
pub(super) async fn is_any_in(tx: &mut Tx) -> Result<bool, StoreError> {
    let count: Count = tx.fetch_one(sql!("SELECT count(*) AS n FROM console_user"), args![]).await?;
    Ok(count.n > 0)
}

/// An address as it is compared.
pub(super) fn normal(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Whether it can be an address: something at a host, without spaces.
pub(super) fn is_address(email: &str) -> bool {
    email.len() <= 254
        && !email.chars().any(|char| char.is_whitespace() || char.is_control())
        && email
            .split_once('@')
            .is_some_and(|(local, host)| !local.is_empty() && !host.is_empty() && !host.contains('@'))
}

/// A user with the hash of their password.
#[derive(FromRow)]
pub(super) struct Account {
    pub(super) id: Uuid,
    pub(super) workspace_id: Uuid,
    pub(super) password_hash: String,
}

/// The user who signs in with this address.
pub(super) async fn by_email(db: &Db, email: &str) -> Result<Option<Account>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT id, workspace_id, password_hash FROM console_user WHERE email = $1 AND disabled_at IS NULL"
        ),
        args![normal(email)],
    )
    .await
}

/// The stored hash of a user's password.
pub(super) async fn password_hash(db: &Db, id: Uuid) -> Result<String, StoreError> {
    #[derive(FromRow)]
    struct Hash {
        password_hash: String,
    }
    let row: Hash =
        db.fetch_one(sql!("SELECT password_hash FROM console_user WHERE id = $1"), args![id]).await?;
    Ok(row.password_hash)
}

/// Stores another password and gives the address that is signed in with.
pub(super) async fn set_password(tx: &mut Tx, id: Uuid, hash: &str) -> Result<String, StoreError> {
    let (email,): (String,) = tx
        .fetch_one(
            sql!("UPDATE console_user SET password_hash = $1 WHERE id = $2 RETURNING email"),
            args![hash, id],
        )
        .await?;
    Ok(email)
}

/// Adds a user. An address that is taken gives a duplicate.
pub(super) async fn add(
    tx: &mut Tx,
    workspace: Uuid,
    user: &User,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let added = tx
        .execute(
            sql!(
                "INSERT INTO console_user (id, workspace_id, email, name, password_hash, role, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (email) DO NOTHING"
            ),
            args![user.id, workspace, normal(&user.email), &user.name, password_hash, user.role.word(), now],
        )
        .await?;
    Ok(added == 1)
}

/// A user in the list.
#[derive(FromRow)]
pub(super) struct Listed {
    pub(super) id: Uuid,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) role: String,
    pub(super) last_seen_at: Option<i64>,
}

/// All users of a workspace.
pub(super) async fn list(db: &Db, workspace: Uuid) -> Result<Vec<Listed>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT id, email, name, role,
               (SELECT max(last_seen_at) FROM session WHERE session.user_id = console_user.id) AS last_seen_at
             FROM console_user WHERE workspace_id = $1 AND disabled_at IS NULL ORDER BY created_at"
        ),
        args![workspace],
    )
    .await
}

impl Listed {
    /// The role, if the row names one.
    pub(super) fn role(&self) -> Result<Role, StoreError> {
        Role::of_row(&self.role)
            .ok_or_else(|| StoreError::corrupt("console_user", "role", self.id, "is none of the roles"))
    }
}
