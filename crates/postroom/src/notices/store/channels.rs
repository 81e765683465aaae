//! The ways by which notices reach people.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

/// A channel.
#[derive(Clone, Debug, FromRow)]
pub struct Channel {
    /// Its row.
    pub id: Uuid,
    /// Whose it is.
    pub workspace_id: Uuid,
    /// `webhook`, `slack`, `teams` or `mail`.
    pub kind: String,
    /// As people call it.
    pub name: String,
    /// What may be shown of its target.
    pub shown: String,
    /// The target, sealed.
    pub target_sealed: Vec<u8>,
    /// The signing key of a webhook, sealed.
    pub secret_sealed: Option<Vec<u8>>,
    /// When it was paused, microseconds.
    pub paused_at: Option<i64>,
    /// Whether the last attempt was good: 1 or 0.
    pub last_good: Option<i64>,
    /// What the other side answered last.
    pub last_answer: String,
    /// When, microseconds.
    pub last_at: Option<i64>,
    /// The claim's number.
    pub fence: i64,
}

/// All channels.
pub async fn channels(db: &Db, workspace: Uuid) -> Result<Vec<Channel>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT id, workspace_id, kind, name, shown, target_sealed, secret_sealed, paused_at, last_good, last_answer,
               last_at, fence FROM notice_channel WHERE workspace_id = $1 ORDER BY created_at, id"
        ),
        args![workspace],
    )
    .await
}

/// One channel.
pub async fn channel(db: &Db, workspace: Uuid, id: Uuid) -> Result<Option<Channel>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT id, workspace_id, kind, name, shown, target_sealed, secret_sealed, paused_at, last_good, last_answer,
               last_at, fence FROM notice_channel WHERE workspace_id = $1 AND id = $2"
        ),
        args![workspace, id],
    )
    .await
}

/// Channels that are not paused.
pub async fn channels_in_use(tx: &mut Tx, workspace: Uuid) -> Result<Vec<Uuid>, StoreError> {
    let rows: Vec<(Uuid,)> = tx
        .fetch_all(
            sql!("SELECT id FROM notice_channel WHERE workspace_id = $1 AND paused_at IS NULL ORDER BY created_at, id"),
            args![workspace],
        )
        .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// A channel to be stored.
#[derive(Debug)]
pub struct NewChannel {
    /// Its row.
    pub id: Uuid,
    /// Whose it is.
    pub workspace: Uuid,
    /// `webhook`, `slack`, `teams` or `mail`.
    pub kind: &'static str,
    /// As people call it.
    pub name: String,
    /// What may be shown of its target.
    pub shown: String,
    /// The target, sealed.
    pub target_sealed: Vec<u8>,
    /// The signing key of a webhook, sealed.
    pub secret_sealed: Option<Vec<u8>>,
    /// Now.
    pub now: Timestamp,
}

/// Stores a channel.
pub async fn add_channel(tx: &mut Tx, new: NewChannel) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO notice_channel (id, workspace_id, kind, name, shown, target_sealed, secret_sealed, last_answer,
               lease_until, fence, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, '', 0, 0, $8)"
        ),
        args![
            new.id,
            new.workspace,
            new.kind,
            new.name,
            new.shown,
            new.target_sealed,
            new.secret_sealed,
            new.now
        ],
    )
    .await?;
    Ok(())
}

/// Pauses a channel, or takes it into use again; what is due goes on or is dropped.
pub async fn pause_channel(
    tx: &mut Tx,
    workspace: Uuid,
    id: Uuid,
    paused_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE notice_channel SET paused_at = $1 WHERE id = $2 AND workspace_id = $3"),
        args![paused_at, id, workspace],
    )
    .await?;
    if paused_at.is_some() {
        tx.execute(
            sql!(
                "UPDATE notice_delivery SET state = 'dropped', answer = 'the channel was paused'
                 WHERE channel_id = $1 AND state = 'due'"
            ),
            args![id],
        )
        .await?;
    }
    Ok(())
}

/// Removes a channel with its deliveries.
pub async fn remove_channel(tx: &mut Tx, workspace: Uuid, id: Uuid) -> Result<(), StoreError> {
    tx.execute(sql!("DELETE FROM notice_channel WHERE id = $1 AND workspace_id = $2"), args![id, workspace])
        .await?;
    Ok(())
}

/// Channels that something is due through and that nobody sends through now.
pub async fn channels_due(db: &Db, now: Timestamp) -> Result<Vec<Uuid>, StoreError> {
    let rows: Vec<(Uuid,)> = db
        .fetch_all(
            sql!(
                "SELECT DISTINCT c.id FROM notice_delivery d JOIN notice_channel c ON c.id = d.channel_id
                 WHERE d.state = 'due' AND d.not_before <= $1 AND c.paused_at IS NULL AND c.lease_until <= $1"
            ),
            args![now],
        )
        .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Claims a channel for one message.
pub async fn claim_channel(
    tx: &mut Tx,
    id: Uuid,
    owner: Uuid,
    until: Timestamp,
    now: Timestamp,
) -> Result<Option<Channel>, StoreError> {
    tx.fetch_optional(
        sql!(
            "UPDATE notice_channel SET lease_owner = $1, lease_until = $2, fence = fence + 1
             WHERE id = $3 AND lease_until <= $4 AND paused_at IS NULL
             RETURNING id, workspace_id, kind, name, shown, target_sealed, secret_sealed, paused_at, last_good, last_answer,
               last_at, fence"
        ),
        args![owner, until, id, now],
    )
    .await
}

/// Gives a channel free, if it is still ours.
pub async fn free_channel(tx: &mut Tx, id: Uuid, fence: i64) -> Result<bool, StoreError> {
    let freed = tx
        .execute(
            sql!("UPDATE notice_channel SET lease_until = 0 WHERE id = $1 AND fence = $2"),
            args![id, fence],
        )
        .await?;
    Ok(freed == 1)
}

/// What a channel answered last.
pub async fn answered(
    tx: &mut Tx,
    channel: Uuid,
    good: bool,
    answer: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE notice_channel SET last_good = $1, last_answer = $2, last_at = $3 WHERE id = $4"),
        args![i64::from(good), answer, now, channel],
    )
    .await?;
    Ok(())
}
