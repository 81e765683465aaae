//! The SQL of messages: lists by filter, one message, and what a person decides about a held one.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, Rows, Statement, StoreError, Tx, args, sql, sql_rows};
use uuid::Uuid;

/// Which messages a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// All.
    #[default]
    All,
    /// Without an end yet.
    Open,
    /// Held for a person.
    Held,
    /// Became an issue.
    Issues,
    /// Became a comment.
    Comments,
    /// Ignored or rejected.
    Ignored,
}

impl Filter {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 6] =
        [Self::All, Self::Held, Self::Issues, Self::Comments, Self::Ignored, Self::Open];

    /// The word in the address; empty for all.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Open => "open",
            Self::Held => "held",
            Self::Issues => "issues",
            Self::Comments => "comments",
            Self::Ignored => "ignored",
        }
    }

    /// The filter of a word; anything else is all.
    pub fn of_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|filter| filter.word() == word).unwrap_or_default()
    }
}

/// Where a page begins: a time and an id, both exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// When it came, microseconds.
    pub received_at: i64,
    /// Its row.
    pub id: Uuid,
}

impl Place {
    /// Before everything there is, from the newest on.
    pub const NEWEST: Self = Self { received_at: i64::MAX, id: Uuid::max() };

    /// In an address.
    pub fn word(self) -> String {
        format!("{}.{}", self.received_at, self.id.simple())
    }

    /// From an address.
    pub fn of_word(word: &str) -> Option<Self> {
        let (received_at, id) = word.split_once('.')?;
        Some(Self { received_at: received_at.parse().ok()?, id: Uuid::parse_str(id).ok()? })
    }
}

/// A message as it is listed.
#[derive(Clone, Debug, FromRow)]
pub struct Row {
    /// Row id.
    pub id: Uuid,
    /// Its source.
    pub source_id: Uuid,
    /// The source's mailbox.
    pub mailbox: String,
    /// When it came, microseconds.
    pub received_at: i64,
    /// Subject and sender, sealed.
    pub summary_sealed: Vec<u8>,
    /// What is stored of it.
    pub content: String,
    /// `recorded`, `ready`, `acting`, `held` or `ended`.
    pub state: String,
    /// Its end.
    pub ending: Option<String>,
    /// By which rule or stage.
    pub ended_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The issue.
    pub issue_key: Option<String>,
    /// The Jira site.
    pub base_url: Option<String>,
}

impl Row {
    /// Where it stands in the order.
    pub fn place(&self) -> Place {
        Place { received_at: self.received_at, id: self.id }
    }
}

macro_rules! older {
    ($only:literal) => {
        sql!(concat!(
            "SELECT m.id, m.source_id, b.address AS mailbox, m.received_at, m.summary_sealed, m.content, m.state, m.ending, m.ended_by,
               m.reason, m.issue_key, j.base_url
             FROM message m JOIN mailbox b ON b.id = m.mailbox_id JOIN source s ON s.id = m.source_id
             LEFT JOIN destination d ON d.id = m.destination_id LEFT JOIN jira_connection j ON j.id = d.jira_connection_id
             WHERE m.workspace_id = $1 AND m.source_id = coalesce($2, m.source_id)
               AND (m.received_at < $3 OR (m.received_at = $3 AND m.id < $4)) ",
            $only,
            " ORDER BY m.received_at DESC, m.id DESC LIMIT $5"
        ))
    };
}

macro_rules! newer {
    ($only:literal) => {
        sql!(concat!(
            "SELECT m.id, m.source_id, b.address AS mailbox, m.received_at, m.summary_sealed, m.content, m.state, m.ending, m.ended_by,
               m.reason, m.issue_key, j.base_url
             FROM message m JOIN mailbox b ON b.id = m.mailbox_id JOIN source s ON s.id = m.source_id
             LEFT JOIN destination d ON d.id = m.destination_id LEFT JOIN jira_connection j ON j.id = d.jira_connection_id
             WHERE m.workspace_id = $1 AND m.source_id = coalesce($2, m.source_id)
               AND (m.received_at > $3 OR (m.received_at = $3 AND m.id > $4)) ",
            $only,
            " ORDER BY m.received_at, m.id LIMIT $5"
        ))
    };
}

fn older(filter: Filter) -> &'static Statement {
    match filter {
        Filter::All => older!(""),
        Filter::Open => older!("AND m.state IN ('recorded', 'ready', 'acting')"),
        Filter::Held => older!("AND m.state = 'held'"),
        Filter::Issues => older!("AND m.ending = 'issue'"),
        Filter::Comments => older!("AND m.ending = 'comment'"),
        Filter::Ignored => older!("AND m.ending IN ('ignored', 'rejected')"),
    }
}

fn newer(filter: Filter) -> &'static Statement {
    match filter {
        Filter::All => newer!(""),
        Filter::Open => newer!("AND m.state IN ('recorded', 'ready', 'acting')"),
        Filter::Held => newer!("AND m.state = 'held'"),
        Filter::Issues => newer!("AND m.ending = 'issue'"),
        Filter::Comments => newer!("AND m.ending = 'comment'"),
        Filter::Ignored => newer!("AND m.ending IN ('ignored', 'rejected')"),
    }
}

/// Messages older than a place, the newest first.
pub async fn list_older(
    db: &Db,
    workspace: Uuid,
    (filter, source): (Filter, Option<Uuid>),
    from: Place,
    limit: u16,
) -> Result<Vec<Row>, StoreError> {
    db.fetch_all(older(filter), args![workspace, source, from.received_at, from.id, limit]).await
}

/// Messages newer than a place, the newest first.
pub async fn list_newer(
    db: &Db,
    workspace: Uuid,
    (filter, source): (Filter, Option<Uuid>),
    from: Place,
    limit: u16,
) -> Result<Vec<Row>, StoreError> {
    let mut rows: Vec<Row> =
        db.fetch_all(newer(filter), args![workspace, source, from.received_at, from.id, limit]).await?;
    rows.reverse();
    Ok(rows)
}

/// Messages in a state, the newest first.
pub async fn list_state(db: &Db, workspace: Uuid, state: &str, limit: u16) -> Result<Vec<Row>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT m.id, m.source_id, b.address AS mailbox, m.received_at, m.summary_sealed, m.content, m.state, m.ending, m.ended_by,
               m.reason, m.issue_key, j.base_url
             FROM message m JOIN mailbox b ON b.id = m.mailbox_id JOIN source s ON s.id = m.source_id
             LEFT JOIN destination d ON d.id = m.destination_id LEFT JOIN jira_connection j ON j.id = d.jira_connection_id
             WHERE m.workspace_id = $1 AND m.state = $2 ORDER BY m.received_at DESC, m.id DESC LIMIT $3"
        ),
        args![workspace, state, limit],
    )
    .await
}

/// These messages in the order in which they came; those that are not there at the end.
pub async fn oldest_first(db: &Db, workspace: Uuid, mut ids: Vec<Uuid>) -> Result<Vec<Uuid>, StoreError> {
    let mut rows = Rows::new();
    for id in &ids {
        rows.push(args![*id]);
    }
    let came: Vec<(Uuid, i64)> = db
        .fetch_rows(
            sql_rows! {
                head: "WITH v(id) AS (VALUES ",
                row: "($:UUID)",
                tail: ") SELECT m.id, m.received_at FROM v JOIN message m ON m.id = v.id WHERE m.workspace_id = $1",
            },
            rows,
            args![workspace],
        )
        .await?;
    let came: HashMap<Uuid, i64> = came.into_iter().collect();
    ids.sort_by_key(|id| (came.get(id).copied().unwrap_or(i64::MAX), *id));
    Ok(ids)
}

/// A source, as a list offers it.
#[derive(Clone, Debug, FromRow)]
pub struct SourceRow {
    /// Row id.
    pub id: Uuid,
    /// Its mailbox.
    pub mailbox: String,
    /// Its folder.
    pub folder_name: String,
    /// When it was removed.
    pub removed_at: Option<i64>,
}

/// The sources.
pub async fn sources(db: &Db, workspace: Uuid) -> Result<Vec<SourceRow>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT s.id, b.address AS mailbox, s.folder_name, s.removed_at FROM source s JOIN mailbox b ON b.id = s.mailbox_id
             WHERE s.workspace_id = $1 ORDER BY b.address, s.folder_name, s.id"
        ),
        args![workspace],
    )
    .await
}

/// How many are held, and how many have no end yet.
pub async fn counts(db: &Db, workspace: Uuid) -> Result<(u64, u64), StoreError> {
    let (held,): (i64,) = db
        .fetch_one(
            sql!("SELECT count(*) FROM message WHERE workspace_id = $1 AND state = 'held'"),
            args![workspace],
        )
        .await?;
    let (open,): (i64,) = db
        .fetch_one(
            sql!("SELECT count(*) FROM message WHERE workspace_id = $1 AND state IN ('ready', 'acting')"),
            args![workspace],
        )
        .await?;
    Ok((u64::try_from(held).unwrap_or(0), u64::try_from(open).unwrap_or(0)))
}

/// How many messages ended in each way since a time.
pub async fn endings_since(
    db: &Db,
    workspace: Uuid,
    since: Timestamp,
) -> Result<Vec<(String, i64)>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT coalesce(ending, 'open') AS ending, count(*) AS mails FROM message
             WHERE workspace_id = $1 AND received_at >= $2 GROUP BY 1"
        ),
        args![workspace, since],
    )
    .await
}

/// One message.
#[derive(Clone, Debug, FromRow)]
pub struct Whole {
    /// Row id.
    pub id: Uuid,
    /// Its source.
    pub source_id: Uuid,
    /// The source's mailbox.
    pub mailbox: String,
    /// The source's folder.
    pub folder_name: String,
    /// When it came, microseconds.
    pub received_at: i64,
    /// When it was recorded, microseconds.
    pub recorded_at: i64,
    /// Subject and sender, sealed.
    pub summary_sealed: Vec<u8>,
    /// What is stored of it.
    pub content: String,
    /// `recorded`, `ready`, `acting`, `held` or `ended`.
    pub state: String,
    /// Its end.
    pub ending: Option<String>,
    /// By which rule or stage.
    pub ended_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When, microseconds.
    pub ended_at: Option<i64>,
    /// The issue.
    pub issue_key: Option<String>,
    /// The comment.
    pub comment_id: Option<String>,
    /// When it is taken up next, microseconds.
    pub not_before: i64,
    /// What became of its mark in the mailbox.
    pub mark: String,
    /// The Jira site.
    pub base_url: Option<String>,
    /// Since when its source is in shadow mode.
    pub shadow_at: Option<i64>,
    /// When its source was removed.
    pub removed_at: Option<i64>,
}

/// One message.
pub async fn one(db: &Db, workspace: Uuid, id: Uuid) -> Result<Option<Whole>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT m.id, m.source_id, b.address AS mailbox, s.folder_name, m.received_at, m.recorded_at, m.summary_sealed,
               m.content, m.state, m.ending, m.ended_by, m.reason, m.ended_at, m.issue_key, m.comment_id, m.not_before,
               m.mark, j.base_url, s.shadow_at, s.removed_at
             FROM message m JOIN mailbox b ON b.id = m.mailbox_id JOIN source s ON s.id = m.source_id
             LEFT JOIN destination d ON d.id = m.destination_id LEFT JOIN jira_connection j ON j.id = d.jira_connection_id
             WHERE m.workspace_id = $1 AND m.id = $2"
        ),
        args![workspace, id],
    )
    .await
}

/// Another source that found a message.
#[derive(Clone, Debug, FromRow)]
pub struct Sighting {
    /// Its mailbox.
    pub mailbox: String,
    /// Its folder.
    pub folder_name: String,
    /// When it found it first, microseconds.
    pub seen_at: i64,
}

/// The sources that found a message which another owns.
pub async fn sightings(db: &Db, message: Uuid) -> Result<Vec<Sighting>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT b.address AS mailbox, s.folder_name, g.seen_at FROM message_sighting g JOIN source s ON s.id = g.source_id
             JOIN mailbox b ON b.id = s.mailbox_id WHERE g.message_id = $1 ORDER BY g.seen_at"
        ),
        args![message],
    )
    .await
}

/// When the steps of a message came where they are, microseconds.
pub async fn step_times(db: &Db, message: Uuid) -> Result<Vec<(Uuid, i64)>, StoreError> {
    db.fetch_all(sql!("SELECT id, updated_at FROM step WHERE message_id = $1"), args![message]).await
}

/// How a held message is taken up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeUp {
    /// Read and decided again, for where its source writes now. What is decided becomes the plan of this generation.
    FromTheBeginning {
        /// Counted on where a plan is there already and none of its steps was begun.
        new_generation: bool,
    },
    /// Its plan goes on. What is done stays done; what is in doubt is looked for first.
    ItsPlan,
}

/// Takes a held message up again. `false`: it is not held (any more), or its source is in shadow mode.
pub async fn release(tx: &mut Tx, workspace: Uuid, id: Uuid, how: TakeUp) -> Result<bool, StoreError> {
    let (state, stage, generations, decides) = match how {
        TakeUp::FromTheBeginning { new_generation } => ("ready", "read", i64::from(new_generation), true),
        TakeUp::ItsPlan => ("acting", "act", 0, false),
    };
    let changed = tx
        .execute(
            sql!(
                "UPDATE message SET state = $1, stage = $2, generation = generation + $3, attempts = 0, not_before = 0,
                   lease_until = 0, fence = fence + 1, ending = NULL, ended_by = NULL, reason = NULL, ended_at = NULL,
                   destination_id = CASE WHEN $6 THEN NULL ELSE destination_id END,
                   content = CASE WHEN $6 AND content = 'gone' THEN 'awaiting_mime' ELSE content END
                 WHERE id = $4 AND workspace_id = $5 AND state = 'held'
                   AND NOT EXISTS (SELECT 1 FROM source s WHERE s.id = message.source_id AND s.shadow_at IS NOT NULL)"
            ),
            args![state, stage, generations, id, workspace, decides],
        )
        .await?;
    Ok(changed == 1)
}

/// Puts a held step in doubt: it is looked for before it is written again.
pub async fn doubt_step(tx: &mut Tx, step: Uuid, until: Timestamp, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE step SET state = 'in_doubt', doubt_until = $1, updated_at = $2 WHERE id = $3 AND state = 'held'"),
        args![until, now, step],
    )
    .await?;
    Ok(())
}

/// Ends a held message as ignored by a person. `false`: it is not held (any more).
pub async fn discard(
    tx: &mut Tx,
    workspace: Uuid,
    id: Uuid,
    reason: &str,
    issue: Option<(String, String)>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (issue_id, issue_key) = issue.unzip();
    let changed = tx
        .execute(
            sql!(
                "UPDATE message SET state = 'ended', ending = 'ignored', ended_by = 'discarded', reason = $1, ended_at = $2,
                   issue_id = coalesce($3, issue_id), issue_key = coalesce($4, issue_key), lease_until = 0, fence = fence + 1
                 WHERE id = $5 AND workspace_id = $6 AND state = 'held'"
            ),
            args![reason, now, issue_id, issue_key, id, workspace],
        )
        .await?;
    Ok(changed == 1)
}
