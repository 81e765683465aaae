//! What happened, told once for as long as it lasts.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

use crate::notices::decide::Kind;
use crate::notices::raise::Object;

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
                   AND kind IN ('offline', 'degraded', 'approval_needed', 'silence', 'marks')"
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
    kinds: [&'static str; 4],
    now: Timestamp,
) -> Result<Vec<Ended>, StoreError> {
    tx.fetch_all(
        sql!(
            "UPDATE notice SET ended_at = $1 WHERE object_id = $2 AND ended_at IS NULL AND kind IN ($3, $4, $5, $6)
             RETURNING id, kind"
        ),
        args![now, object, kinds[0], kinds[1], kinds[2], kinds[3]],
    )
    .await
}

/// A notice as the page and the API show it.
#[derive(Clone, Debug, FromRow)]
pub struct Notice {
    /// Its row.
    pub id: Uuid,
    /// What is told.
    pub kind: String,
    /// `source`, `outbound`, `account`, `registration`, `jira` or `destination`.
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

impl Notice {
    /// The fault that it tells of.
    pub fn fault(&self) -> Option<fault::Fault> {
        let record = serde_json::from_str(self.fault.as_deref()?).ok()?;
        Some(fault::Fault::from_record(record))
    }
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

/// Whether the open notices of an object are about a source or an outbound, or about an account that was removed.
pub async fn is_about_connection(db: &Db, workspace: Uuid, object: Uuid) -> Result<bool, StoreError> {
    let (count,): (i64,) = db
        .fetch_one(
            sql!(
                "SELECT count(*) FROM notice n WHERE n.workspace_id = $1 AND n.object_id = $2 AND n.ended_at IS NULL
                   AND (n.object_kind IN ('source', 'outbound')
                     OR n.object_kind = 'account' AND NOT EXISTS (SELECT 1 FROM account a WHERE a.id = n.object_id))"
            ),
            args![workspace, object],
        )
        .await?;
    Ok(count > 0)
}
