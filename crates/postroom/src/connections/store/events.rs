//! The timeline: what happened to a connection.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

/// What an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// An account.
    Account,
    /// A Message Source.
    Source,
    /// A Message Outbound.
    Outbound,
    /// A Jira connection.
    Jira,
}

impl Object {
    /// As its rows name it.
    pub fn column(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Source => "source",
            Self::Outbound => "outbound",
            Self::Jira => "jira",
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// To what.
    pub object: Object,
    /// Its row.
    pub id: Uuid,
    /// A word: `signed_in`, `ping`, `paused` …
    pub kind: &'a str,
    /// A sentence.
    pub text: &'a str,
    /// Who did it; empty for Postroom itself.
    pub actor: &'a str,
    /// More of it, as JSON: the checks of a ping.
    pub detail: Option<String>,
}

/// Adds a line.
pub async fn add(tx: &mut Tx, workspace: Uuid, now: Timestamp, event: &Event<'_>) -> Result<(), StoreError> {
    add_with(tx, workspace, now, event, None).await
}

/// Adds a line with a fault's record, as JSON.
pub async fn add_with(
    tx: &mut Tx,
    workspace: Uuid,
    now: Timestamp,
    event: &Event<'_>,
    fault: Option<String>,
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO connection_event (id, workspace_id, object_kind, object_id, at, kind, text, actor, detail, fault)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        ),
        args![
            Uuid::now_v7(),
            workspace,
            event.object.column(),
            event.id,
            now,
            event.kind,
            event.text,
            event.actor,
            event.detail.clone(),
            fault
        ],
    )
    .await?;
    Ok(())
}

/// A line.
#[derive(Clone, Debug, FromRow)]
pub struct Line {
    /// When, microseconds.
    pub at: i64,
    /// A word.
    pub kind: String,
    /// A sentence.
    pub text: String,
    /// Who; empty for Postroom itself.
    pub actor: String,
    /// A fault's record, as JSON.
    pub fault: Option<String>,
}

/// The newest lines of an object and, for a source, of its account.
pub async fn newest(db: &Db, ids: [Uuid; 2], limit: u16) -> Result<Vec<Line>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT at, kind, text, actor, fault FROM connection_event WHERE object_id IN ($1, $2)
             ORDER BY at DESC, id DESC LIMIT $3"
        ),
        args![ids[0], ids[1], limit],
    )
    .await
}

/// What the last ping of an object found: when, and its checks as JSON.
#[derive(Clone, Debug, FromRow)]
pub struct LastPing {
    /// When, microseconds.
    pub at: i64,
    /// The checks.
    pub detail: Option<String>,
}

/// The last ping of an object.
pub async fn last_ping(db: &Db, id: Uuid) -> Result<Option<LastPing>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT at, detail FROM connection_event WHERE object_id = $1 AND kind = 'ping' ORDER BY at DESC, id DESC LIMIT 1"
        ),
        args![id],
    )
    .await
}
