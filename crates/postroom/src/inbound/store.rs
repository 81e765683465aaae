//! The inbound half's SQL: sources that are due, their cursors and health, and marks.

use fault::Fault;
use jiff::{SignedDuration, Timestamp};
use ledger::record::IdKind;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql, sql_rows};
use uuid::Uuid;

use super::mark_judge::{self, Judged, Then};
use crate::connections::jira_site::stored_fault;
use crate::connections::{ConnectionType, tell};

/// A source whose time has come, claimed.
#[derive(Clone, Debug, FromRow)]
pub struct DueSource {
    /// Row id.
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// Mailbox row.
    pub mailbox_id: Uuid,
    /// Tenant.
    pub tenant_id: String,
    /// The mailbox's id in the tenant.
    pub mailbox_native_id: String,
    /// `graph` or `ews`.
    pub connection_type: String,
    /// Folder.
    pub folder_id: String,
    /// `now`, `since` or `everything`.
    pub start_kind: String,
    /// The start point, microseconds.
    pub start_at: i64,
    /// The cursor.
    pub cursor_value: Option<String>,
    /// Failed polls in a row.
    pub failures: i64,
    /// Health before this poll.
    pub state: String,
    /// The last poll with an answer, microseconds.
    pub last_success_at: Option<i64>,
    /// How often it was woken so far.
    pub wakes: i64,
    /// Since when its pages carry ids alone, microseconds.
    pub by_ids_since: Option<i64>,
    /// When whole pages are tried again, microseconds.
    pub whole_pages_at: i64,
    /// The claim's number.
    pub fence: i64,
}

impl DueSource {
    /// Which ids its pages bring.
    pub fn ids(&self) -> IdKind {
        ConnectionType::of_word(&self.connection_type).ids()
    }

    /// Whether its pages carry ids alone, and it is time to see whether they come whole.
    pub fn may_try_whole_pages(&self, now: Timestamp) -> bool {
        self.by_ids_since.is_some() && self.whole_pages_at <= now.as_microsecond()
    }
}

#[derive(FromRow)]
struct Id {
    id: Uuid,
}

fn micros(span: SignedDuration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX / 2)
}

/// Claims sources that are due.
pub async fn claim_due(
    db: &Db,
    owner: Uuid,
    now: Timestamp,
    lease: SignedDuration,
    limit: usize,
) -> Result<Vec<DueSource>, StoreError> {
    let now = now.as_microsecond();
    // Reading is cheap and mostly finds nothing: the write transaction is opened only when there is something to claim.
    let due: Vec<Id> = db
        .fetch_all(
            sql!(
                "SELECT id FROM source WHERE next_poll_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)
                   AND paused_at IS NULL AND confirmed_at IS NOT NULL ORDER BY next_poll_at LIMIT $2"
            ),
            args![now, i64::try_from(limit).unwrap_or(i64::MAX)],
        )
        .await?;
    let mut claimed = Vec::new();
    for Id { id } in due {
        let mut tx = db.begin().await?;
        let source: Option<DueSource> = tx
            .fetch_optional(
                sql!(
                    "UPDATE source SET lease_owner = $1, lease_until = $2, fence = fence + 1
                     WHERE id = $3 AND next_poll_at <= $4 AND (lease_until IS NULL OR lease_until <= $4)
                       AND paused_at IS NULL AND confirmed_at IS NOT NULL
                     RETURNING id, workspace_id, mailbox_id, connection_type, folder_id, start_kind, start_at, cursor_value, failures, state,
                       last_success_at, wakes, by_ids_since, whole_pages_at, fence, (SELECT tenant_id FROM mailbox WHERE mailbox.id = source.mailbox_id) AS tenant_id,
                       (SELECT native_id FROM mailbox WHERE mailbox.id = source.mailbox_id) AS mailbox_native_id"
                ),
                args![owner, now + micros(lease), id, now],
            )
            .await?;
        tx.commit().await?;
        claimed.extend(source);
    }
    Ok(claimed)
}

/// Moves the cursor, in the transaction that stores the page. `false`: the claim is somebody else's, roll back.
pub async fn move_cursor(
    tx: &mut Tx,
    source: &DueSource,
    cursor: &str,
    complete: bool,
    new_mail: bool,
    now: Timestamp,
    lease: SignedDuration,
) -> Result<bool, StoreError> {
    let at = now.as_microsecond();
    let moved = tx
        .execute(
            sql!(
                "UPDATE source SET cursor_value = $1, lease_until = $2,
                   round = round + CASE WHEN $3 THEN 1 ELSE 0 END,
                   round_begun_at = CASE WHEN $3 THEN NULL ELSE coalesce(round_begun_at, $4) END,
                   round_ended_at = CASE WHEN $3 THEN $4 ELSE round_ended_at END,
                   last_mail_at = CASE WHEN $5 THEN $4 ELSE last_mail_at END
                 WHERE id = $6 AND fence = $7"
            ),
            args![cursor, at + micros(lease), complete, at, new_mail, source.id, source.fence],
        )
        .await?;
    Ok(moved == 1)
}

/// The place is one of ids alone, in the transaction that moves it there. Where it was not yet, that is on record with its reason.
pub async fn pages_of_ids(
    tx: &mut Tx,
    source: &DueSource,
    why: Option<&Fault>,
    now: Timestamp,
    whole_at: Timestamp,
) -> Result<(), StoreError> {
    let begun = tx
        .execute(
            sql!(
                "UPDATE source SET by_ids_since = $1, whole_pages_at = $2
                 WHERE id = $3 AND fence = $4 AND by_ids_since IS NULL"
            ),
            args![now, whole_at, source.id, source.fence],
        )
        .await?;
    if begun == 0 {
        return Ok(());
    }
    let why_text = why.map_or_else(String::new, |fault| format!(": {fault}"));
    let text = format!(
        "a page of mail fails as a whole because of one mail in it{why_text}. Ids alone are listed and each mail is fetched by itself; \
         whole pages are tried again within an hour, then at least once a day"
    );
    let record = why.and_then(|fault| serde_json::to_string(&fault.to_record()).ok());
    event(tx, source.workspace_id, source.id, now, "by_ids", &text, record.as_ref()).await
}

/// A round of whole pages is complete, in the transaction that moves the place. `true`: until now they were pages of ids.
pub async fn pages_are_whole(tx: &mut Tx, source: &DueSource, now: Timestamp) -> Result<bool, StoreError> {
    let ended = tx
        .execute(
            sql!(
                "UPDATE source SET by_ids_since = NULL WHERE id = $1 AND fence = $2 AND by_ids_since IS NOT NULL"
            ),
            args![source.id, source.fence],
        )
        .await?;
    if ended == 1 {
        let text = "pages of mail come whole again";
        event(tx, source.workspace_id, source.id, now, "whole_pages", text, None).await?;
    }
    Ok(ended == 1)
}

/// When whole pages are tried again.
pub async fn try_whole_pages(db: &Db, source: &DueSource, at: Timestamp) -> Result<(), StoreError> {
    db.execute(
        sql!("UPDATE source SET whole_pages_at = $1 WHERE id = $2 AND fence = $3"),
        args![at, source.id, source.fence],
    )
    .await?;
    Ok(())
}

/// The place of a source whose backlog has not been looked at: it is listed oldest first, before the first round.
pub use crate::connections::store::sources::BACKLOG;

/// Renews the claim of a source (its id and the claim's number). `false`: it is somebody else's.
pub async fn renew(
    db: &Db,
    (id, fence): (Uuid, i64),
    now: Timestamp,
    lease: SignedDuration,
) -> Result<bool, StoreError> {
    let renewed = db
        .execute(
            sql!(
                "UPDATE source SET lease_until = $1 WHERE id = $2 AND fence = $3 AND lease_until IS NOT NULL"
            ),
            args![now.as_microsecond() + micros(lease), id, fence],
        )
        .await?;
    Ok(renewed == 1)
}

/// A round came to its end, with so many new mails. Whoever was told that the source stands still is told that it goes on.
/// `true`: it was woken while the round lasted, and is due again at once.
pub async fn poll_succeeded(
    db: &Db,
    source: &DueSource,
    now: Timestamp,
    next: Timestamp,
    new: u64,
) -> Result<bool, StoreError> {
    let mut tx = db.begin().await?;
    let after: Option<(i64,)> = tx
        .fetch_optional(
            sql!(
                "UPDATE source SET last_poll_at = $1, last_success_at = $1, lease_until = NULL, failures = 0,
                   next_poll_at = CASE WHEN wakes = $5 THEN CAST($2 AS BIGINT) ELSE CAST($1 AS BIGINT) END,
                   state_since = CASE WHEN state = 'online' THEN state_since ELSE $1 END, state = 'online', fault = NULL
                 WHERE id = $3 AND fence = $4 RETURNING wakes"
            ),
            args![now, next, source.id, source.fence, source.wakes],
        )
        .await?;
    let Some((wakes,)) = after else {
        // Somebody has signed in, paused or moved the source meanwhile: what this poll found is not of now.
        tx.rollback().await?;
        return Ok(false);
    };
    if source.state != "online" {
        event(
            &mut tx,
            source.workspace_id,
            source.id,
            now,
            "online",
            "works again; it goes on where it stood",
            None,
        )
        .await?;
    }
    tell::source_works(&mut tx, source.id, new, now).await?;
    tx.commit().await?;
    Ok(wakes != source.wakes)
}

/// A poll failed.
pub async fn poll_failed(
    db: &Db,
    source: &DueSource,
    now: Timestamp,
    next: Timestamp,
    fault: &Fault,
    needs_person: bool,
) -> Result<(), StoreError> {
    let state = if needs_person { "offline" } else { "degraded" };
    let record = serde_json::to_string(&fault.to_record()).unwrap_or_default();
    let mut tx = db.begin().await?;
    let ours = tx.execute(
        sql!(
            "UPDATE source SET last_poll_at = $1, next_poll_at = $2, lease_until = NULL, failures = failures + 1,
               state_since = CASE WHEN state = $3 THEN state_since ELSE $1 END, state = $3, fault = $4
             WHERE id = $5 AND fence = $6"
        ),
        args![now, next, state, &record, source.id, source.fence],
    )
    .await?;
    if ours == 0 {
        return tx.rollback().await;
    }
    if source.state != state {
        event(&mut tx, source.workspace_id, source.id, now, state, &fault.to_string(), Some(&record)).await?;
    }
    tell::source_fails(&mut tx, source.id, fault, now).await?;
    tx.commit().await
}

/// Adds a line to a connection's timeline.
pub async fn event(
    tx: &mut Tx,
    workspace_id: Uuid,
    source_id: Uuid,
    now: Timestamp,
    kind: &str,
    text: &str,
    fault: Option<&String>,
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO connection_event (id, workspace_id, object_kind, object_id, at, kind, text, fault)
             VALUES ($1, $2, 'source', $3, $4, $5, $6, $7)"
        ),
        args![Uuid::now_v7(), workspace_id, source_id, now, kind, text, fault.cloned()],
    )
    .await?;
    Ok(())
}

/// A handled mail that is to be marked.
#[derive(Clone, Debug, FromRow)]
pub struct DueMark {
    /// Message row.
    pub id: Uuid,
    /// Source.
    pub source_id: Uuid,
    /// The transport's id.
    pub native_id: String,
    /// Its key.
    pub k: String,
    /// The issue it is in.
    pub issue_key: Option<String>,
    /// Attempts so far.
    pub mark_attempts: i64,
    /// `leave`, `read`, `category` or `move`.
    pub handled: String,
    /// Category or folder.
    pub handled_target: String,
    /// 1: the id is one that the source's transport knows. A mail that had left the mailbox before its source was moved to Graph has
    /// none.
    pub has_id: i64,
}

/// What became of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked {
    /// It is there.
    Done,
    /// The mail is gone.
    Gone,
    /// Given up.
    Failed,
    /// Tried again then.
    Later(Timestamp),
}

/// Marks that are due, oldest first. In shadow mode nothing is written to the mailbox: they wait, as those do whose source does not
/// take marks at the moment.
pub async fn due_marks(db: &Db, now: Timestamp, limit: usize) -> Result<Vec<DueMark>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT m.id, m.source_id, m.native_id, m.k, m.issue_key, m.mark_attempts, s.handled, s.handled_target,
               CAST(CASE WHEN EXISTS (SELECT 1 FROM message_alias a WHERE a.mailbox_id = m.mailbox_id AND a.kind = s.connection_type
                 AND a.value = m.native_id) THEN 1 ELSE 0 END AS BIGINT) AS has_id
             FROM message m JOIN source s ON s.id = m.source_id
             WHERE m.mark = 'due' AND m.mark_not_before <= $1 AND s.marks_not_before <= $1 AND s.shadow_at IS NULL
             ORDER BY m.mark_not_before LIMIT $2"
        ),
        args![now, i64::try_from(limit).unwrap_or(i64::MAX)],
    )
    .await
}

/// What became of the mark of a mail.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Message row.
    pub id: Uuid,
    /// The transport's id that it was asked for by. Where it has another one by now, this outcome does not count.
    pub asked_by: String,
    /// What became of it.
    pub marked: Marked,
    /// Attempts so far.
    pub attempts: i64,
    /// The id that a move gave it.
    pub moved_to: Option<String>,
}

/// How marking stands for a source, as its row tells.
#[derive(Clone, Debug, FromRow)]
pub struct MarkStanding {
    /// Workspace.
    pub workspace_id: Uuid,
    /// `online` or `degraded`.
    pub mark_state: String,
    /// Since when it fails, microseconds.
    pub mark_since: i64,
    /// Why, a fault's record; none while it works.
    pub mark_fault: Option<String>,
    /// Failed attempts in a row.
    pub mark_failures: i64,
    /// 1: the source is read as it should be.
    pub reads: i64,
    /// `graph` or `ews`.
    pub connection_type: String,
}

impl MarkStanding {
    /// Whether the source is read as it should be: else it tells why by itself.
    pub fn is_read(&self) -> bool {
        self.reads == 1
    }

    /// Whether people were told of something that somebody has to mend.
    pub fn waits_for_person(&self) -> bool {
        let told = self.mark_fault.as_deref().filter(|_| self.mark_state != "online");
        told.and_then(stored_fault).is_some_and(|fault| mark_judge::needs_person(&fault))
    }
}

/// How marking stands for a source.
pub async fn mark_standing(db: &Db, source: Uuid) -> Result<Option<MarkStanding>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT s.workspace_id, s.mark_state, s.mark_since, s.mark_fault, s.mark_failures, s.connection_type,
               CAST(CASE WHEN s.state = 'online' AND a.state = 'online' AND s.paused_at IS NULL AND s.removed_at IS NULL
                 THEN 1 ELSE 0 END AS BIGINT) AS reads
             FROM source s LEFT JOIN account a ON a.id = s.account_id WHERE s.id = $1"
        ),
        args![source],
    )
    .await
}

/// Stores what became of marks, and what follows for their source. What concerns people is told.
pub async fn marked(
    db: &Db,
    source: Uuid,
    standing: &MarkStanding,
    judged: Judged,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    store_outcomes(&mut tx, judged.outcomes).await?;
    let same_transport = tx
        .execute(
            sql!(
                "UPDATE source SET marks_not_before = marks_not_before WHERE id = $1 AND connection_type = $2"
            ),
            args![source, &standing.connection_type],
        )
        .await?;
    if same_transport == 0 {
        // Moved to Graph meanwhile: what EWS said of marks is of no account any more.
        return tx.commit().await;
    }
    if let Some(fault) = judged.given_up.first() {
        let fault = fault.clone().of_marking();
        give_up(&mut tx, source, standing, judged.given_up.len(), &fault, now).await?;
    }
    match judged.then {
        Then::Nothing => {}
        Then::Wait { until } => {
            tx.execute(sql!("UPDATE source SET marks_not_before = $1 WHERE id = $2"), args![until, source])
                .await?;
        }
        Then::Fails { fault, until, is_told } => {
            let fault = fault.of_marking();
            marks_fail(&mut tx, source, standing, &fault, (until, is_told), now).await?;
        }
        Then::Works => marks_work(&mut tx, source, standing, "handled mail is marked again", now).await?,
    }
    tx.commit().await
}

/// Sources whose mailbox did not take the marks, and which have nothing left to be marked: their mails are gone, or it was settled
/// otherwise. Nothing is wrong with them any more.
pub async fn rid_of_marks(db: &Db, now: Timestamp) -> Result<Vec<Uuid>, StoreError> {
    let all: Vec<Id> = db
        .fetch_all(
            sql!(
                "SELECT s.id FROM source s WHERE s.mark_fault IS NOT NULL
                   AND NOT EXISTS (SELECT 1 FROM message m WHERE m.source_id = s.id AND m.mark = 'due')"
            ),
            args![],
        )
        .await?;
    let all: Vec<Uuid> = all.into_iter().map(|row| row.id).collect();
    let why = "no handled mail is left that could not be marked";
    for source in &all {
        if let Some(standing) = mark_standing(db, *source).await? {
            let mut tx = db.begin().await?;
            marks_work(&mut tx, *source, &standing, why, now).await?;
            tx.commit().await?;
        }
    }
    Ok(all)
}

/// Nothing is wrong with the marks of a source any more.
async fn marks_work(
    tx: &mut Tx,
    source: Uuid,
    standing: &MarkStanding,
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE source SET mark_state = 'online', mark_since = 0, mark_fault = NULL, mark_failures = 0,
                   marks_not_before = 0 WHERE id = $1 AND mark_fault IS NOT NULL"
            ),
            args![source],
        )
        .await?;
    if changed == 1 && standing.mark_state != "online" {
        event(tx, standing.workspace_id, source, now, "marks_work", why, None).await?;
    }
    tell::marks_work(tx, source, now).await
}

/// The mailbox does not take the marks: not before then (and `is_told` whether that is said).
async fn marks_fail(
    tx: &mut Tx,
    source: Uuid,
    standing: &MarkStanding,
    fault: &Fault,
    (until, is_told): (Timestamp, bool),
    now: Timestamp,
) -> Result<(), StoreError> {
    let record = serde_json::to_string(&fault.to_record()).unwrap_or_default();
    // Once told it stays told, until marks go through.
    let state = if is_told { "degraded" } else { standing.mark_state.as_str() };
    tx.execute(
        sql!(
            "UPDATE source SET mark_since = CASE WHEN mark_fault IS NULL THEN $1 ELSE mark_since END, mark_state = $2,
               mark_fault = $3, mark_failures = mark_failures + 1, marks_not_before = $4 WHERE id = $5"
        ),
        args![now, state, &record, until, source],
    )
    .await?;
    if !is_told {
        return Ok(());
    }
    if standing.mark_state != state {
        let text = format!("handled mail cannot be marked: {fault}");
        event(tx, standing.workspace_id, source, now, "marks_fail", &text, Some(&record)).await?;
    }
    tell::marks_fail(tx, source, fault, now).await
}

/// Mails stay unmarked for good: their source says so.
async fn give_up(
    tx: &mut Tx,
    source: Uuid,
    standing: &MarkStanding,
    count: usize,
    fault: &Fault,
    now: Timestamp,
) -> Result<(), StoreError> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    tx.execute(
        sql!("UPDATE source SET marks_given_up = marks_given_up + $1 WHERE id = $2"),
        args![count, source],
    )
    .await?;
    let text = match count {
        1 => format!("a handled mail could not be marked and stays as it is: {fault}"),
        many => format!("{many} handled mails could not be marked and stay as they are: {fault}"),
    };
    let record = serde_json::to_string(&fault.to_record()).ok();
    event(tx, standing.workspace_id, source, now, "mark_given_up", &text, record.as_ref()).await
}

async fn store_outcomes(tx: &mut Tx, outcomes: Vec<Outcome>) -> Result<(), StoreError> {
    let [mut rows, mut aliases, mut moved] = [(); 3].map(|()| store::Rows::new());
    for Outcome { id, asked_by, marked: outcome, attempts, moved_to } in outcomes {
        if let Some(to) = moved_to {
            aliases.push(args![id, &asked_by, &to]);
            moved.push(args![id, &asked_by, to]);
        }
        let (mark, not_before) = match outcome {
            Marked::Done => ("done", 0),
            Marked::Gone => ("gone", 0),
            Marked::Failed => ("failed", 0),
            Marked::Later(until) => ("due", until.as_microsecond()),
        };
        rows.push(args![id, mark, attempts, not_before, asked_by]);
    }
    tx.execute_rows(
        sql_rows! {
            head: "WITH v(id, mark, attempts, not_before, native_id) AS (VALUES ",
            row: "($:UUID, $:TEXT, $:BIGINT, $:BIGINT, $:TEXT)",
            tail: ") UPDATE message SET mark = v.mark, mark_attempts = v.attempts, mark_not_before = v.not_before
              FROM v WHERE message.id = v.id AND message.native_id = v.native_id AND message.mark = 'due'",
        },
        rows,
        args![],
    )
    .await?;
    // Known by its new id before the next poll lists it where it lies now.
    tx.execute_rows(
        sql_rows! {
            head: "WITH v(id, native_id, moved_to) AS (VALUES ",
            row: "($:UUID, $:TEXT, $:TEXT)",
            tail: ") INSERT INTO message_alias (mailbox_id, kind, value, message_id)
              SELECT m.mailbox_id, s.connection_type, v.moved_to, m.id
              FROM v JOIN message m ON m.id = v.id AND m.native_id = v.native_id JOIN source s ON s.id = m.source_id
              WHERE 1 = 1 ON CONFLICT (mailbox_id, kind, value) DO NOTHING",
        },
        aliases,
        args![],
    )
    .await?;
    tx.execute_rows(
        sql_rows! {
            head: "WITH v(id, native_id, moved_to) AS (VALUES ",
            row: "($:UUID, $:TEXT, $:TEXT)",
            tail: ") UPDATE message SET native_id = v.moved_to FROM v
              WHERE message.id = v.id AND message.native_id = v.native_id",
        },
        moved,
        args![],
    )
    .await?;
    Ok(())
}

/// The claims on sources of the process before are void: no other process can use this database.
pub async fn release_sources(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE source SET lease_until = NULL, fence = fence + 1 WHERE lease_until IS NOT NULL"),
        args![],
    )
    .await?;
    tx.execute(
        sql!("UPDATE account SET refresh_lease_until = NULL WHERE refresh_lease_until IS NOT NULL"),
        args![],
    )
    .await?;
    Ok(())
}
