//! Sign-in links for the owners of mailboxes.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

/// A link.
#[derive(Clone, Debug, FromRow)]
pub struct Link {
    /// Row id.
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// App registration.
    pub app_registration_id: Uuid,
    /// `new`, `validate` or `replace`.
    pub purpose: String,
    /// The account that is validated or replaced.
    pub account_id: Option<Uuid>,
    /// The mailbox's address; empty where the owner chooses.
    pub mailbox: String,
    /// What is asked for, separated by spaces.
    pub wanted: String,
    /// What it is for, as its row keeps it.
    pub goal: String,
    /// What for, in the words of whoever asks.
    pub reason: String,
    /// Who asks.
    pub asked_by: String,
    /// When it was made, microseconds.
    pub created_at: i64,
    /// Its end, microseconds.
    pub expires_at: i64,
    /// When it was opened first, microseconds.
    pub opened_at: Option<i64>,
    /// When somebody signed in with it, microseconds.
    pub used_at: Option<i64>,
    /// When it was taken back, microseconds.
    pub revoked_at: Option<i64>,
    /// Who signed in with it; empty before.
    pub signed_in_as: String,
}

/// A link that is made.
#[derive(Debug)]
pub struct NewLink<'a> {
    /// Row id.
    pub id: Uuid,
    /// Workspace.
    pub workspace: Uuid,
    /// App registration.
    pub registration: Uuid,
    /// SHA-256 of the token, which stands in the link alone.
    pub token_hash: Vec<u8>,
    /// As in [`Link`].
    pub purpose: &'static str,
    /// As in [`Link`].
    pub account: Option<Uuid>,
    /// As in [`Link`].
    pub mailbox: &'a str,
    /// As in [`Link`].
    pub wanted: &'a str,
    /// As in [`Link`].
    pub goal: &'a str,
    /// As in [`Link`].
    pub reason: &'a str,
    /// As in [`Link`].
    pub asked_by: &'a str,
    /// Now.
    pub now: Timestamp,
    /// Its end.
    pub until: Timestamp,
}

/// Keeps a link.
pub async fn insert(tx: &mut Tx, new: NewLink<'_>) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO sign_in_link (id, workspace_id, app_registration_id, token_hash, purpose, account_id, mailbox, wanted, reason,
               asked_by, created_at, expires_at, signed_in_as, goal)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', $13)"
        ),
        args![
            new.id,
            new.workspace,
            new.registration,
            new.token_hash,
            new.purpose,
            new.account,
            new.mailbox,
            new.wanted,
            new.reason,
            new.asked_by,
            new.now,
            new.until,
            new.goal
        ],
    )
    .await?;
    Ok(())
}

/// The link with this token, in whatever state.
pub async fn of_token(db: &Db, token_hash: &[u8]) -> Result<Option<Link>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT id, workspace_id, app_registration_id, purpose, account_id, mailbox, wanted, reason, asked_by, created_at,
               expires_at, opened_at, used_at, revoked_at, signed_in_as, goal FROM sign_in_link WHERE token_hash = $1"
        ),
        args![token_hash],
    )
    .await
}

/// The link that began the sign-in with this state.
pub async fn of_sign_in(db: &Db, state_hash: &[u8]) -> Result<Option<Link>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT l.id, l.workspace_id, l.app_registration_id, l.purpose, l.account_id, l.mailbox, l.wanted, l.reason, l.asked_by,
               l.created_at, l.expires_at, l.opened_at, l.used_at, l.revoked_at, l.signed_in_as, l.goal
             FROM sign_in s JOIN sign_in_link l ON l.id = s.link_id WHERE s.state_hash = $1"
        ),
        args![state_hash],
    )
    .await
}

/// The newest links of a workspace.
pub async fn newest(db: &Db, workspace: Uuid, limit: u16) -> Result<Vec<Link>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT id, workspace_id, app_registration_id, purpose, account_id, mailbox, wanted, reason, asked_by, created_at,
               expires_at, opened_at, used_at, revoked_at, signed_in_as, goal FROM sign_in_link WHERE workspace_id = $1
             ORDER BY created_at DESC, id DESC LIMIT $2"
        ),
        args![workspace, limit],
    )
    .await
}

/// It was opened.
pub async fn opened(db: &Db, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    db.execute(
        sql!("UPDATE sign_in_link SET opened_at = $1 WHERE id = $2 AND opened_at IS NULL"),
        args![now, id],
    )
    .await
    .map(drop)
}

/// Whether it can still be used.
pub async fn is_open(db: &Db, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let (open,): (i64,) = db
        .fetch_one(
            sql!(
                "SELECT count(*) FROM sign_in_link WHERE id = $1 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2"
            ),
            args![id, now],
        )
        .await?;
    Ok(open == 1)
}

/// Uses it up: of two who sign in at once, one succeeds.
pub async fn spend(tx: &mut Tx, id: Uuid, who: &str, now: Timestamp) -> Result<bool, StoreError> {
    let spent = tx
        .execute(
            sql!(
                "UPDATE sign_in_link SET used_at = $1, signed_in_as = $2
                 WHERE id = $3 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $1"
            ),
            args![now, who, id],
        )
        .await?;
    Ok(spent == 1)
}

/// Takes it back, unless it was used.
pub async fn revoke(tx: &mut Tx, workspace: Uuid, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let revoked = tx
        .execute(
            sql!(
                "UPDATE sign_in_link SET revoked_at = $1
                 WHERE workspace_id = $2 AND id = $3 AND used_at IS NULL AND revoked_at IS NULL"
            ),
            args![now, workspace, id],
        )
        .await?;
    Ok(revoked == 1)
}
