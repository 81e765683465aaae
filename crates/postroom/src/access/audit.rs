//! The audit log: who changed what, written in the transaction of the change.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The workspace.
    pub workspace: Uuid,
    /// The user; none for the command line and for Postroom itself.
    pub user: Option<Uuid>,
    /// The user's address, or `command line`, `Postroom`.
    pub name: String,
    /// When.
    pub at: Timestamp,
}

/// Records a change. `action` is a verb and a kind (`pause source`), `object` what it was done to (an address, a name),
/// `detail` the rest. None of them may hold a secret.
pub async fn record(
    tx: &mut Tx,
    who: &Actor,
    action: &str,
    object: &str,
    detail: &str,
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO audit (id, workspace_id, at, user_id, actor, action, object, detail)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        ),
        args![Uuid::now_v7(), who.workspace, who.at, who.user, &who.name, action, object, detail],
    )
    .await?;
    Ok(())
}

/// A row of the audit log.
#[derive(Clone, Debug, FromRow)]
pub struct Row {
    /// When, microseconds.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub object: String,
    /// More.
    pub detail: String,
}

/// The newest rows before a time, the newest first.
pub async fn newest(db: &Db, workspace: Uuid, before: Timestamp, limit: u16) -> Result<Vec<Row>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT at, actor, action, object, detail FROM audit WHERE workspace_id = $1 AND at < $2
             ORDER BY at DESC LIMIT $3"
        ),
        args![workspace, before, limit],
    )
    .await
}
