//! What goes through a channel: one row a notice and channel.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{StoreError, Tx, args, sql};
use uuid::Uuid;

/// A notice goes through a channel from then on.
pub async fn add_delivery(tx: &mut Tx, notice: Uuid, channel: Uuid, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO notice_delivery (id, notice_id, channel_id, state, attempts, not_before, answer)
             VALUES ($1, $2, $3, 'due', 0, $4, '') ON CONFLICT (notice_id, channel_id) DO NOTHING"
        ),
        args![Uuid::now_v7(), notice, channel, at],
    )
    .await?;
    Ok(())
}

/// Deliveries of a notice that nobody has tried yet are not tried any more.
pub async fn drop_unsent(tx: &mut Tx, notice: Uuid) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE notice_delivery SET state = 'dropped', answer = 'over before it was sent'
             WHERE notice_id = $1 AND state = 'due' AND attempts = 0"
        ),
        args![notice],
    )
    .await?;
    Ok(())
}

/// Channels in use that took a notice, or may have.
pub async fn told_channels(tx: &mut Tx, notice: Uuid) -> Result<Vec<Uuid>, StoreError> {
    let rows: Vec<(Uuid,)> = tx
        .fetch_all(
            sql!(
                "SELECT d.channel_id FROM notice_delivery d JOIN notice_channel c ON c.id = d.channel_id
                 WHERE d.notice_id = $1 AND d.state IN ('due', 'sent') AND c.paused_at IS NULL"
            ),
            args![notice],
        )
        .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// When messages went through a channel since a time.
pub async fn sent_since(tx: &mut Tx, channel: Uuid, since: Timestamp) -> Result<Vec<Timestamp>, StoreError> {
    let rows: Vec<(i64,)> = tx
        .fetch_all(
            sql!(
                "SELECT DISTINCT attempted_at FROM notice_delivery
                 WHERE channel_id = $1 AND state = 'sent' AND attempted_at >= $2"
            ),
            args![channel, since],
        )
        .await?;
    Ok(rows.into_iter().filter_map(|(at,)| Timestamp::from_microsecond(at).ok()).collect())
}

/// What is due through a channel does not go before then.
pub async fn postpone(
    tx: &mut Tx,
    channel: Uuid,
    now: Timestamp,
    until: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE notice_delivery SET not_before = $1 WHERE channel_id = $2 AND state = 'due' AND not_before <= $3"
        ),
        args![until, channel, now],
    )
    .await?;
    Ok(())
}

/// A notice that is due through a channel.
#[derive(Clone, Debug, FromRow)]
pub struct Due {
    /// The delivery's row.
    pub delivery_id: Uuid,
    /// Attempts so far, the one that begins included.
    pub attempts: i64,
    /// The message that it goes with, the same at each attempt.
    pub message_id: Uuid,
    /// The notice's row.
    pub id: Uuid,
    /// What is told.
    pub kind: String,
    /// `source`, `outbound`, `account`, `registration`, `jira` or `destination`.
    pub object_kind: String,
    /// Its row.
    pub object_id: Uuid,
    /// As people know it.
    pub object_name: String,
    /// In a line.
    pub title: String,
    /// In sentences.
    pub text: String,
    /// The object's page.
    pub href: String,
    /// A fault's record, as JSON.
    pub fault: Option<String>,
    /// When it was raised, microseconds.
    pub raised_at: i64,
}

/// Takes one message that is due through a channel: the attempt is counted before it is made. A message that was tried before goes
/// first, with what it had then and nothing else; `fresh` is the id of one of what was not tried yet.
pub async fn take_due(
    tx: &mut Tx,
    channel: Uuid,
    fresh: Uuid,
    now: Timestamp,
) -> Result<Vec<Due>, StoreError> {
    let tried: Option<(Uuid,)> = tx
        .fetch_optional(
            sql!(
                "SELECT message_id FROM notice_delivery
                 WHERE channel_id = $1 AND state = 'due' AND not_before <= $2 AND message_id IS NOT NULL
                 ORDER BY not_before, message_id LIMIT 1"
            ),
            args![channel, now],
        )
        .await?;
    let message = match tried {
        Some((message,)) => message,
        None => {
            tx.execute(
                sql!(
                    "UPDATE notice_delivery SET message_id = $1
                     WHERE channel_id = $2 AND state = 'due' AND not_before <= $3 AND message_id IS NULL"
                ),
                args![fresh, channel, now],
            )
            .await?;
            fresh
        }
    };
    tx.execute(
        sql!(
            "UPDATE notice_delivery SET attempts = attempts + 1, attempted_at = $1
             WHERE channel_id = $2 AND state = 'due' AND message_id = $3"
        ),
        args![now, channel, message],
    )
    .await?;
    tx.fetch_all(
        sql!(
            "SELECT d.id AS delivery_id, d.attempts, d.message_id, n.id, n.kind, n.object_kind, n.object_id, n.object_name, n.title, n.text,
               n.href, n.fault, n.raised_at
             FROM notice_delivery d JOIN notice n ON n.id = d.notice_id
             WHERE d.channel_id = $1 AND d.state = 'due' AND d.message_id = $2
             ORDER BY n.raised_at, n.id"
        ),
        args![channel, message],
    )
    .await
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It went.
    Sent,
    /// It is tried again then.
    Again(Timestamp),
    /// It is given up.
    Failed,
}

/// Stores what became of a delivery.
pub async fn settle(tx: &mut Tx, delivery: Uuid, fate: Fate, answer: &str) -> Result<(), StoreError> {
    let (state, not_before) = match fate {
        Fate::Sent => ("sent", None),
        Fate::Again(at) => ("due", Some(at)),
        Fate::Failed => ("failed", None),
    };
    tx.execute(
        sql!(
            "UPDATE notice_delivery SET state = $1, not_before = coalesce($2, not_before), answer = $3
             WHERE id = $4 AND state = 'due'"
        ),
        args![state, not_before, answer, delivery],
    )
    .await?;
    Ok(())
}
