//! The SQL of notices.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

use super::decide::Kind;
use super::raise::Object;

/// A notice to be stored.
#[derive(Debug)]
pub struct NewNotice<'a> {
    /// Its row.
    pub id: Uuid,
    /// What it is about.
    pub object: &'a Object,
    /// What is told.
    pub kind: Kind,
    /// In a line.
    pub title: &'a str,
    /// In sentences.
    pub text: &'a str,
    /// A fault's record, as JSON.
    pub fault: Option<String>,
    /// The same is not stored twice.
    pub dedupe: String,
    /// Now.
    pub now: Timestamp,
}

/// Stores a notice. `false`: the same is there, or an open one of the same kind and object.
pub async fn add(tx: &mut Tx, new: NewNotice<'_>) -> Result<bool, StoreError> {
    let object = new.object;
    let added = tx
        .execute(
            sql!(
                "INSERT INTO notice (id, workspace_id, kind, object_kind, object_id, object_name, dedupe, title, text, href,
                   fault, raised_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING"
            ),
            args![
                new.id,
                object.workspace,
                new.kind.word(),
                object.kind,
                object.id,
                &object.name,
                new.dedupe,
                new.title,
                new.text,
                &object.href,
                new.fault,
                new.now
            ],
        )
        .await?;
    Ok(added == 1)
}

/// When troubles of an object were raised since a time.
pub async fn recent_troubles(
    tx: &mut Tx,
    object: Uuid,
    since: Timestamp,
) -> Result<Vec<Timestamp>, StoreError> {
    let rows: Vec<(i64,)> = tx
        .fetch_all(
            sql!(
                "SELECT raised_at FROM notice WHERE object_id = $1 AND raised_at >= $2
                   AND kind IN ('offline', 'degraded', 'approval_needed', 'silence')"
            ),
            args![object, since],
        )
        .await?;
    Ok(rows.into_iter().filter_map(|(at,)| Timestamp::from_microsecond(at).ok()).collect())
}

/// A notice that was ended.
#[derive(Clone, Debug, FromRow)]
pub struct Ended {
    /// Its row.
    pub id: Uuid,
    /// What it told.
    pub kind: String,
}

/// Ends open notices of these kinds.
pub async fn end(
    tx: &mut Tx,
    object: Uuid,
    kinds: [&'static str; 3],
    now: Timestamp,
) -> Result<Vec<Ended>, StoreError> {
    tx.fetch_all(
        sql!(
            "UPDATE notice SET ended_at = $1 WHERE object_id = $2 AND ended_at IS NULL AND kind IN ($3, $4, $5)
             RETURNING id, kind"
        ),
        args![now, object, kinds[0], kinds[1], kinds[2]],
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
    /// The notice's row.
    pub id: Uuid,
    /// What is told.
    pub kind: String,
    /// `source`, `outbound`, `account` or `destination`.
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

/// Takes what is due through a channel: the attempt is counted before it is made.
pub async fn take_due(tx: &mut Tx, channel: Uuid, now: Timestamp) -> Result<Vec<Due>, StoreError> {
    tx.execute(
        sql!(
            "UPDATE notice_delivery SET attempts = attempts + 1, attempted_at = $1
             WHERE channel_id = $2 AND state = 'due' AND not_before <= $1"
        ),
        args![now, channel],
    )
    .await?;
    tx.fetch_all(
        sql!(
            "SELECT d.id AS delivery_id, d.attempts, n.id, n.kind, n.object_kind, n.object_id, n.object_name, n.title, n.text,
               n.href, n.fault, n.raised_at
             FROM notice_delivery d JOIN notice n ON n.id = d.notice_id
             WHERE d.channel_id = $1 AND d.state = 'due' AND d.attempted_at = $2 AND d.not_before <= $2
             ORDER BY n.raised_at, n.id"
        ),
        args![channel, now],
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

/// A notice as the page and the API show it.
#[derive(Clone, Debug, FromRow)]
pub struct Notice {
    /// Its row.
    pub id: Uuid,
    /// What is told.
    pub kind: String,
    /// `source`, `outbound`, `account` or `destination`.
    pub object_kind: String,
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
    /// When what it tells of was over, microseconds.
    pub ended_at: Option<i64>,
    /// When somebody saw it, microseconds.
    pub seen_at: Option<i64>,
    /// Deliveries that went.
    pub sent: i64,
    /// Deliveries on their way.
    pub due: i64,
    /// Deliveries that were given up.
    pub failed: i64,
}

/// The newest notices before a time.
pub async fn newest(
    db: &Db,
    workspace: Uuid,
    before: Timestamp,
    limit: u16,
) -> Result<Vec<Notice>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT n.id, n.kind, n.object_kind, n.object_name, n.title, n.text, n.href, n.fault, n.raised_at, n.ended_at,
               n.seen_at,
               (SELECT count(*) FROM notice_delivery d WHERE d.notice_id = n.id AND d.state = 'sent') AS sent,
               (SELECT count(*) FROM notice_delivery d WHERE d.notice_id = n.id AND d.state = 'due') AS due,
               (SELECT count(*) FROM notice_delivery d WHERE d.notice_id = n.id AND d.state = 'failed') AS failed
             FROM notice n WHERE n.workspace_id = $1 AND n.raised_at < $2 ORDER BY n.raised_at DESC, n.id DESC LIMIT $3"
        ),
        args![workspace, before, limit],
    )
    .await
}

/// What nobody has seen and is not over, by how grave it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow)]
pub struct Unseen {
    /// All of it.
    pub all: i64,
    /// Of these, what needs a person now.
    pub grave: i64,
}

/// How many notices nobody has seen yet and that are not over.
pub async fn unseen(db: &Db, workspace: Uuid) -> Result<Unseen, StoreError> {
    db.fetch_one(
        sql!(
            "SELECT count(*) AS \"all\",
               CAST(coalesce(sum(CASE WHEN kind IN ('offline', 'approval_needed') THEN 1 ELSE 0 END), 0) AS BIGINT) AS grave
             FROM notice WHERE workspace_id = $1 AND seen_at IS NULL AND ended_at IS NULL
               AND kind NOT IN ('back', 'approval_given')"
        ),
        args![workspace],
    )
    .await
}

/// Somebody has seen all that was raised up to then.
pub async fn see_all(tx: &mut Tx, workspace: Uuid, now: Timestamp) -> Result<u64, StoreError> {
    tx.execute(
        sql!(
            "UPDATE notice SET seen_at = $1 WHERE workspace_id = $2 AND seen_at IS NULL AND raised_at <= $1"
        ),
        args![now, workspace],
    )
    .await
}

/// An open notice.
#[derive(Clone, Debug, FromRow)]
pub struct Open {
    /// What it is about.
    pub object_id: Uuid,
    /// What is told.
    pub kind: String,
    /// When it was raised, microseconds.
    pub raised_at: i64,
}

/// Troubles that are told of and not over.
pub async fn open(db: &Db, workspace: Uuid) -> Result<Vec<Open>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT object_id, kind, raised_at FROM notice WHERE workspace_id = $1 AND ended_at IS NULL
               AND kind IN ('offline', 'degraded', 'approval_needed', 'silence')"
        ),
        args![workspace],
    )
    .await
}

/// Removes what is over and old.
pub async fn forget(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    db.execute(
        sql!(
            "DELETE FROM notice WHERE raised_at < $1
               AND (ended_at IS NOT NULL OR kind IN ('back', 'approval_given', 'expiry'))"
        ),
        args![before],
    )
    .await
}

/// When a source counts as silent.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct AlarmRow {
    /// The source.
    pub source_id: Uuid,
    /// So many hours are too many.
    pub hours: i64,
    /// Minutes since midnight.
    pub begins: i64,
    /// Minutes since midnight.
    pub ends: i64,
    /// A bit for each day, Monday the lowest.
    pub days: i64,
    /// The time zone's name.
    pub zone: String,
}

/// All alarms.
pub async fn alarms(db: &Db, workspace: Uuid) -> Result<Vec<AlarmRow>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT a.source_id, a.hours, a.begins, a.ends, a.days, a.zone FROM silence_alarm a
             JOIN source s ON s.id = a.source_id WHERE s.workspace_id = $1"
        ),
        args![workspace],
    )
    .await
}

/// Sets the alarm of a source.
pub async fn set_alarm(tx: &mut Tx, alarm: &AlarmRow) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO silence_alarm (source_id, hours, begins, ends, days, zone) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (source_id) DO UPDATE SET hours = excluded.hours, begins = excluded.begins, ends = excluded.ends,
               days = excluded.days, zone = excluded.zone"
        ),
        args![alarm.source_id, alarm.hours, alarm.begins, alarm.ends, alarm.days, &alarm.zone],
    )
    .await?;
    Ok(())
}

/// Takes the alarm of a source away.
pub async fn clear_alarm(tx: &mut Tx, source: Uuid) -> Result<(), StoreError> {
    tx.execute(sql!("DELETE FROM silence_alarm WHERE source_id = $1"), args![source]).await?;
    Ok(())
}

/// Whether the open notices of an object are about a source or an outbound.
pub async fn is_about_connection(db: &Db, workspace: Uuid, object: Uuid) -> Result<bool, StoreError> {
    let (count,): (i64,) = db
        .fetch_one(
            sql!(
                "SELECT count(*) FROM notice WHERE workspace_id = $1 AND object_id = $2 AND ended_at IS NULL
                   AND object_kind IN ('source', 'outbound')"
            ),
            args![workspace, object],
        )
        .await?;
    Ok(count > 0)
}
