//! Reading back what is stored of messages: content, plans, steps, parents.

use std::collections::{HashMap, HashSet};

use fault::Fault;
use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, Place, StoreError, args, sql, sql_rows};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::key::Op;
use crate::record::IdKind;
use crate::removed;
use crate::state::StepState;
use crate::work::Step;
use crate::{Ledger, rows};

/// The stored content of a message.
#[derive(Debug)]
pub struct StoredContent {
    /// The page JSON.
    pub page: Zeroizing<Vec<u8>>,
    /// The name of the MIME in the object store.
    pub mime_blob: Option<String>,
}

/// A stored plan.
#[derive(Debug)]
pub struct StoredPlan {
    /// Generation.
    pub generation: i64,
    /// Revision.
    pub revision: i64,
    /// Version of the documents.
    pub format: i64,
    /// The plan document.
    pub body: Zeroizing<Vec<u8>>,
    /// The trace document.
    pub trace: Zeroizing<Vec<u8>>,
    /// When it was made.
    pub created_at: i64,
}

/// A mail that another refers to.
#[derive(Clone, Debug, FromRow)]
pub struct Relative {
    /// Hash of its Message-ID.
    pub message_id_hash: String,
    /// The mailbox that it lies in.
    pub mailbox_id: Uuid,
    /// The Jira connection that its issue is on.
    pub jira_connection_id: Option<Uuid>,
    /// The issue it is in.
    pub issue_id: Option<String>,
    /// The issue's key.
    pub issue_key: Option<String>,
    /// Hash of its sender's address, where that is kept.
    pub sender_hash: Option<String>,
}

/// What became of a mail that is known by its id.
#[derive(Clone, Debug, FromRow)]
pub struct Handled {
    /// The id.
    pub native_id: String,
    /// Its row's state.
    pub state: String,
    /// How it ended, once it has.
    pub ending: Option<String>,
    /// By which rule, or at which stage.
    pub ended_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The issue that it is in.
    pub issue_key: Option<String>,
}

#[derive(FromRow)]
struct ContentRow {
    message_id: Uuid,
    page_sealed: Vec<u8>,
    mime_blob: Option<String>,
}

#[derive(FromRow)]
struct PlanRow {
    id: Uuid,
    generation: i64,
    revision: i64,
    format: i64,
    body_sealed: Vec<u8>,
    trace_sealed: Vec<u8>,
    created_at: i64,
}

#[derive(FromRow)]
struct StepRow {
    id: Uuid,
    position: i64,
    slot: String,
    op: String,
    state: String,
    intent_at: Option<i64>,
    doubt_until: Option<i64>,
    mark: i64,
    attempts: i64,
    remote: Option<String>,
    fault: Option<String>,
}

impl Ledger {
    /// Of these ids of a mailbox, those of mail that is known, with what became of it. What ended because its source was removed is left
    /// out: it begins again as soon as a source lists it.
    pub async fn handled(
        db: &Db,
        mailbox_id: Uuid,
        ids: IdKind,
        native_ids: &[String],
    ) -> Result<HashMap<String, Handled>, StoreError> {
        let found: Vec<Handled> = db
            .fetch_rows(
                sql_rows! {
                    head: "WITH v(value) AS (VALUES ",
                    row: "($:TEXT)",
                    tail: ") SELECT a.value AS native_id, m.state, m.ending, m.ended_by, m.reason, m.issue_key
                      FROM v JOIN message_alias a ON a.mailbox_id = $1 AND a.kind = $2 AND a.value = v.value
                      JOIN message m ON m.id = a.message_id
                      WHERE NOT (m.state = 'ended' AND m.ended_by IS NOT NULL AND m.ended_by = $3)",
                },
                rows(native_ids.iter().map(|id| args![id])),
                args![mailbox_id, ids.column(), removed::RULE],
            )
            .await?;
        Ok(found.into_iter().map(|row| (row.native_id.clone(), row)).collect())
    }

    /// The contents of these messages; those without content are missing.
    pub async fn contents(&self, db: &Db, ids: &[Uuid]) -> Result<HashMap<Uuid, StoredContent>, StoreError> {
        let rows: Vec<ContentRow> = db
            .fetch_rows(
                sql_rows! {
                    head: "WITH v(id) AS (VALUES ",
                    row: "($:UUID)",
                    tail: ") SELECT c.message_id, c.page_sealed, c.mime_blob FROM v JOIN message_content c ON c.message_id = v.id",
                },
                rows(ids.iter().map(|id| args![*id])),
                args![],
            )
            .await?;
        self.open_contents(rows)
    }

    /// The same, without those whose page is larger than so many bytes.
    pub async fn small_contents(
        &self,
        db: &Db,
        ids: &[Uuid],
        at_most: usize,
    ) -> Result<HashMap<Uuid, StoredContent>, StoreError> {
        let rows: Vec<ContentRow> = db
            .fetch_rows(
                sql_rows! {
                    head: "WITH v(id) AS (VALUES ",
                    row: "($:UUID)",
                    tail: ") SELECT c.message_id, c.page_sealed, c.mime_blob FROM v JOIN message_content c ON c.message_id = v.id
                      WHERE length(c.page_sealed) <= $1",
                },
                rows(ids.iter().map(|id| args![*id])),
                args![i64::try_from(at_most).unwrap_or(i64::MAX)],
            )
            .await?;
        self.open_contents(rows)
    }

    /// How many bytes the stored page of a message has; none where it is not kept.
    pub async fn content_size(&self, db: &Db, id: Uuid) -> Result<Option<usize>, StoreError> {
        let row: Option<(i64,)> = db
            .fetch_optional(
                sql!("SELECT CAST(length(page_sealed) AS BIGINT) FROM message_content WHERE message_id = $1"),
                args![id],
            )
            .await?;
        Ok(row.map(|(bytes,)| usize::try_from(bytes).unwrap_or(usize::MAX)))
    }

    fn open_contents(&self, rows: Vec<ContentRow>) -> Result<HashMap<Uuid, StoredContent>, StoreError> {
        rows.into_iter()
            .map(|row| {
                let place = Place::new("message_content", "page_sealed", row.message_id);
                let page = self.sealer.open(&place, &row.page_sealed)?;
                Ok((row.message_id, StoredContent { page, mime_blob: row.mime_blob }))
            })
            .collect()
    }

    /// The newest plan of a message.
    pub async fn plan(&self, db: &Db, message_id: Uuid) -> Result<Option<StoredPlan>, StoreError> {
        let row: Option<PlanRow> = db
            .fetch_optional(
                sql!(
                    "SELECT id, generation, revision, format, body_sealed, trace_sealed, created_at FROM plan
                     WHERE message_id = $1 ORDER BY generation DESC, revision DESC LIMIT 1"
                ),
                args![message_id],
            )
            .await?;
        row.map(|row| {
            let place = |column| Place::new("plan", column, row.id);
            Ok(StoredPlan {
                generation: row.generation,
                revision: row.revision,
                format: row.format,
                body: self.sealer.open(&place("body_sealed"), &row.body_sealed)?,
                trace: self.sealer.open(&place("trace_sealed"), &row.trace_sealed)?,
                created_at: row.created_at,
            })
        })
        .transpose()
    }

    /// The steps of a message's newest plan, by position.
    pub async fn steps(&self, db: &Db, message_id: Uuid) -> Result<Vec<Step>, StoreError> {
        let rows: Vec<StepRow> = db
            .fetch_all(
                sql!(
                    "SELECT id, position, slot, op, state, intent_at, doubt_until, mark, attempts, remote, fault FROM step
                     WHERE plan_id = (SELECT id FROM plan WHERE message_id = $1 ORDER BY generation DESC, revision DESC LIMIT 1)
                     ORDER BY position"
                ),
                args![message_id],
            )
            .await?;
        rows.into_iter().map(StepRow::into_step).collect()
    }

    /// Which of these ids of a mailbox's messages are known.
    pub async fn known(
        &self,
        db: &Db,
        mailbox_id: Uuid,
        native_ids: &[String],
    ) -> Result<HashSet<String>, StoreError> {
        let rows: Vec<(String,)> = db
            .fetch_rows(
                sql_rows! {
                    head: "WITH v(value) AS (VALUES ",
                    row: "($:TEXT)",
                    tail: ") SELECT DISTINCT a.value FROM v JOIN message_alias a ON a.mailbox_id = $1 AND a.kind IN ('graph', 'ews') AND a.value = v.value",
                },
                rows(native_ids.iter().map(|id| args![id])),
                args![mailbox_id],
            )
            .await?;
        Ok(rows.into_iter().map(|(value,)| value).collect())
    }

    /// What the ledger knows of mails with these Message-IDs, the oldest first.
    pub async fn relatives(
        &self,
        db: &Db,
        workspace_id: Uuid,
        message_ids: &[String],
    ) -> Result<Vec<Relative>, StoreError> {
        db.fetch_rows(
            sql_rows! {
                head: "WITH v(hash) AS (VALUES ",
                row: "($:TEXT)",
                tail: ") SELECT m.message_id_hash, m.mailbox_id, d.jira_connection_id, m.issue_id, m.issue_key, m.sender_hash FROM v
                  JOIN message m ON m.workspace_id = $1 AND m.message_id_hash = v.hash
                  LEFT JOIN destination d ON d.id = m.destination_id ORDER BY m.received_at, m.id",
            },
            rows(message_ids.iter().map(|id| args![self.keys.message_id(id)])),
            args![workspace_id],
        )
        .await
    }
}

impl StepRow {
    fn into_step(self) -> Result<Step, StoreError> {
        let corrupt =
            |column| StoreError::corrupt("step", column, self.id, "not a value that a step can have");
        let time = |micros: Option<i64>, column| {
            micros.map(|micros| Timestamp::from_microsecond(micros).map_err(|_| corrupt(column))).transpose()
        };
        let doubt_until = time(self.doubt_until, "doubt_until")?;
        let state = match self.state.as_str() {
            "planned" => StepState::Planned,
            "intent" => StepState::Intent,
            "in_doubt" => StepState::InDoubt { until: doubt_until.ok_or_else(|| corrupt("doubt_until"))? },
            "done" => StepState::Done,
            "held" => StepState::Held,
            _ => return Err(corrupt("state")),
        };
        Ok(Step {
            position: self.position,
            slot: self.slot.parse().map_err(|_| corrupt("slot"))?,
            intent_at: time(self.intent_at, "intent_at")?,
            remote: self
                .remote
                .as_deref()
                .map(|text| serde_json::from_str(text).map_err(|_| corrupt("remote")))
                .transpose()?,
            fault: self
                .fault
                .as_deref()
                .and_then(|text| serde_json::from_str(text).ok())
                .map(Fault::from_record),
            state,
            id: self.id,
            op: Op(self.op),
            mark: self.mark,
            attempts: self.attempts,
        })
    }
}
