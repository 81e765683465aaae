//! Codes that wait to be entered on another machine.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

/// A code.
#[derive(Clone, Debug, FromRow)]
pub struct Device {
    /// Row id.
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// App registration.
    pub app_registration_id: Uuid,
    /// The account that is signed in again; none: whoever enters the code.
    pub account_id: Option<Uuid>,
    /// What is asked for, separated by spaces.
    pub wanted: String,
    /// What a person types in.
    pub user_code: String,
    /// Where they type it in.
    pub address: String,
    /// What Microsoft is asked with, sealed.
    pub code_sealed: Vec<u8>,
    /// How long to wait between two questions.
    pub interval_seconds: i64,
    /// Its end, microseconds.
    pub expires_at: i64,
    /// `waiting`, `signed_in`, `failed` or `ended`.
    pub state: String,
    /// Why it failed: a fault's record, as JSON.
    pub fault: Option<String>,
    /// Who signed in.
    pub signed_in_account_id: Option<Uuid>,
    /// Who began it.
    pub begun_by: String,
    /// What it is for, as its row keeps it.
    pub goal: String,
    /// The wait for an administrator that it came to.
    pub approval_id: Option<Uuid>,
}

/// Keeps a code that waits.
pub async fn insert(tx: &mut Tx, new: &Device, now: Timestamp, poll_at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO device_sign_in (id, workspace_id, app_registration_id, account_id, wanted, user_code, address, code_sealed,
               interval_seconds, poll_at, expires_at, state, begun_by, created_at, goal)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'waiting', $12, $13, $14)"
        ),
        args![
            new.id,
            new.workspace_id,
            new.app_registration_id,
            new.account_id,
            &new.wanted,
            &new.user_code,
            &new.address,
            new.code_sealed.clone(),
            new.interval_seconds,
            poll_at,
            new.expires_at,
            &new.begun_by,
            now,
            &new.goal
        ],
    )
    .await?;
    Ok(())
}

/// One of a workspace.
pub async fn one(db: &Db, workspace: Uuid, id: Uuid) -> Result<Option<Device>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT id, workspace_id, app_registration_id, account_id, wanted, user_code, address, code_sealed, interval_seconds,
               expires_at, state, fault, signed_in_account_id, begun_by, goal, approval_id FROM device_sign_in WHERE workspace_id = $1 AND id = $2"
        ),
        args![workspace, id],
    )
    .await
}

/// Those whose turn it is to be asked for.
pub async fn due(db: &Db, now: Timestamp) -> Result<Vec<Device>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT id, workspace_id, app_registration_id, account_id, wanted, user_code, address, code_sealed, interval_seconds,
               expires_at, state, fault, signed_in_account_id, begun_by, goal, approval_id FROM device_sign_in
             WHERE state = 'waiting' AND poll_at <= $1 ORDER BY poll_at LIMIT 20"
        ),
        args![now],
    )
    .await
}

/// When the next one is to be asked for, microseconds.
pub async fn next(db: &Db) -> Result<Option<i64>, StoreError> {
    let (next,): (Option<i64>,) = db
        .fetch_one(sql!("SELECT min(poll_at) FROM device_sign_in WHERE state = 'waiting'"), args![])
        .await?;
    Ok(next)
}

/// Takes one's turn: of several nodes one asks, and not again before `until`.
pub async fn claim(db: &Db, id: Uuid, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
    let claimed = db
        .execute(
            sql!(
                "UPDATE device_sign_in SET poll_at = $1 WHERE id = $2 AND state = 'waiting' AND poll_at <= $3"
            ),
            args![until, id, now],
        )
        .await?;
    Ok(claimed == 1)
}

/// When Microsoft is asked next.
pub async fn ask_at(db: &Db, id: Uuid, next: Timestamp) -> Result<(), StoreError> {
    db.execute(
        sql!("UPDATE device_sign_in SET poll_at = $1 WHERE id = $2 AND state = 'waiting'"),
        args![next, id],
    )
    .await
    .map(drop)
}

/// Microsoft wants to be asked less often.
pub async fn slow_down(db: &Db, id: Uuid, seconds: i64, next: Timestamp) -> Result<(), StoreError> {
    db.execute(
        sql!("UPDATE device_sign_in SET interval_seconds = $1, poll_at = $2 WHERE id = $3"),
        args![seconds, next, id],
    )
    .await
    .map(drop)
}

/// It is over. `false`: it was over already.
pub async fn end(
    tx: &mut Tx,
    id: Uuid,
    state: &str,
    fault: Option<String>,
    account: Option<Uuid>,
) -> Result<bool, StoreError> {
    let ended = tx
        .execute(
            sql!(
                "UPDATE device_sign_in SET state = $1, fault = $2, signed_in_account_id = $3 WHERE id = $4 AND state = 'waiting'"
            ),
            args![state, fault, account, id],
        )
        .await?;
    Ok(ended == 1)
}

/// It came to a wait for an administrator.
pub async fn waits_in(tx: &mut Tx, id: Uuid, approval: Uuid) -> Result<(), StoreError> {
    tx.execute(sql!("UPDATE device_sign_in SET approval_id = $1 WHERE id = $2"), args![approval, id]).await?;
    Ok(())
}
