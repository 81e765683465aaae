//! The SQL of moving a source from EWS to Graph.

use jiff::{SignedDuration, Timestamp};
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

fn until(now: Timestamp, lease: SignedDuration) -> Timestamp {
    now.saturating_add(lease).unwrap_or(Timestamp::MAX)
}

/// Takes the claim of a source over EWS, also from a poll under way, whose page then counts for nothing; its number. `None`: it
/// is not there, or not over EWS.
pub async fn claim(
    db: &Db,
    owner: Uuid,
    source: Uuid,
    now: Timestamp,
    lease: SignedDuration,
) -> Result<Option<i64>, StoreError> {
    let mut tx = db.begin().await?;
    let claim: Option<(i64,)> = tx
        .fetch_optional(
            sql!(
                "UPDATE source SET lease_owner = $1, lease_until = $2, fence = fence + 1
                 WHERE id = $3 AND connection_type = 'ews' AND removed_at IS NULL RETURNING fence"
            ),
            args![owner, until(now, lease), source],
        )
        .await?;
    tx.commit().await?;
    Ok(claim.map(|(fence,)| fence))
}

/// Keeps the claim. `false`: it is somebody else's.
pub async fn renew(
    tx: &mut Tx,
    source: Uuid,
    claim: i64,
    now: Timestamp,
    lease: SignedDuration,
) -> Result<bool, StoreError> {
    let kept = tx
        .execute(
            sql!("UPDATE source SET lease_until = $1 WHERE id = $2 AND fence = $3"),
            args![until(now, lease), source, claim],
        )
        .await?;
    Ok(kept == 1)
}

/// Gives the claim back: the source is polled as before.
pub async fn let_go(db: &Db, source: Uuid, claim: i64, now: Timestamp) -> Result<(), StoreError> {
    db.execute(
        sql!("UPDATE source SET lease_until = NULL, next_poll_at = $1 WHERE id = $2 AND fence = $3"),
        args![now, source, claim],
    )
    .await
    .map(drop)
}

/// Whether a source, also a removed one, has this folder.
pub async fn is_read(db: &Db, mailbox: Uuid, folder_id: &str) -> Result<bool, StoreError> {
    let one: Option<(i64,)> = db
        .fetch_optional(
            sql!("SELECT CAST(1 AS BIGINT) FROM source WHERE mailbox_id = $1 AND folder_id = $2"),
            args![mailbox, folder_id],
        )
        .await?;
    Ok(one.is_some())
}

/// What is switched.
#[derive(Clone, Copy, Debug)]
pub struct Switch<'a> {
    /// The source.
    pub id: Uuid,
    /// The claim's number.
    pub claim: i64,
    /// The folder as Graph calls it.
    pub folder_id: &'a str,
    /// Category, or the folder that handled mail goes to, as Graph calls it.
    pub handled_target: &'a str,
    /// Now.
    pub now: Timestamp,
}

/// Switches a source to Graph; it is listed from its beginning at once. `false`: the claim is somebody else's.
pub async fn switch(tx: &mut Tx, to: &Switch<'_>) -> Result<bool, StoreError> {
    let switched = tx
        .execute(
            sql!(
                "UPDATE source SET connection_type = 'graph', ews_url = '', folder_id = $1, handled_target = $2,
                   cursor_value = NULL, round_begun_at = NULL, lease_until = NULL, fence = fence + 1, failures = 0, fault = NULL,
                   state_since = CASE WHEN state = 'online' THEN state_since ELSE $3 END, state = 'online',
                   next_poll_at = $3, updated_at = $3
                 WHERE id = $4 AND fence = $5 AND connection_type = 'ews'"
            ),
            args![to.folder_id, to.handled_target, to.now, to.id, to.claim],
        )
        .await?;
    Ok(switched == 1)
}
