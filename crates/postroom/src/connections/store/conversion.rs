//! The SQL of moving a source from EWS to Graph.

use jiff::{SignedDuration, Timestamp};
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

use crate::access::Actor;

fn until(now: Timestamp, lease: SignedDuration) -> Timestamp {
    now.saturating_add(lease).unwrap_or(Timestamp::MAX)
}

/// How far a move is, and what came of it.
#[derive(Clone, Debug, FromRow)]
pub struct Conversion {
    /// The source.
    pub source_id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// `running`, `done`, `failed` or `cancelled`.
    pub state: String,
    /// Ids in all.
    pub total: i64,
    /// Of these, asked for.
    pub done: i64,
    /// Ids that were translated.
    pub translated: i64,
    /// Mails that were found by Message-ID, time and text.
    pub matched: i64,
    /// Mails that had left the mailbox before they were handled or marked.
    pub gone: i64,
    /// Mails that could not be told, and are held.
    pub held: i64,
    /// Mails that were recorded over Graph already.
    pub known: i64,
    /// Who began it.
    pub user_id: Option<Uuid>,
    /// By name.
    pub actor: String,
    /// Why it waits, or has failed. A sentence.
    pub what: String,
    /// What to do about it. A sentence.
    pub mend: String,
    /// Tries in a row that came to nothing.
    pub failures: i64,
    /// When it is tried next, microseconds.
    pub not_before: i64,
    /// The claim's number.
    pub fence: i64,
    /// When it began, microseconds.
    pub begun_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
}

/// The last move of a source.
pub async fn of_source(db: &Db, source: Uuid) -> Result<Option<Conversion>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT source_id, workspace_id, state, total, done, translated, matched, gone, held, known, user_id, actor, what, mend,
               failures, not_before, fence, begun_at, ended_at FROM conversion WHERE source_id = $1"
        ),
        args![source],
    )
    .await
}

/// All moves that are under way or have failed, for the list of sources.
pub async fn open(db: &Db, workspace: Uuid) -> Result<Vec<Conversion>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT source_id, workspace_id, state, total, done, translated, matched, gone, held, known, user_id, actor, what, mend,
               failures, not_before, fence, begun_at, ended_at FROM conversion WHERE workspace_id = $1 AND state IN ('running', 'failed')"
        ),
        args![workspace],
    )
    .await
}

/// Puts a move on record. `false`: it is under way already.
pub async fn begin(tx: &mut Tx, actor: &Actor, source: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let begun = tx
        .execute(
            sql!(
                "INSERT INTO conversion (source_id, workspace_id, state, total, done, translated, matched, gone, held, known, user_id,
                   actor, what, mend, failures, not_before, lease_until, fence, begun_at, updated_at)
                 VALUES ($1, $2, 'running', 0, 0, 0, 0, 0, 0, 0, $3, $4, '', '', 0, 0, 0, 0, $5, $5)
                 ON CONFLICT (source_id) DO UPDATE SET state = 'running', total = 0, done = 0, translated = 0, matched = 0, gone = 0,
                   held = 0, known = 0, user_id = excluded.user_id, actor = excluded.actor, what = '', mend = '', failures = 0,
                   not_before = 0, lease_until = 0, fence = conversion.fence + 1, begun_at = excluded.begun_at,
                   updated_at = excluded.updated_at, ended_at = NULL
                 WHERE conversion.state <> 'running'"
            ),
            args![source, actor.workspace, actor.user, &actor.name, now],
        )
        .await?;
    Ok(begun == 1)
}

/// Ends a move that is under way; whoever has it in hand loses it. `false`: there is none.
pub async fn cancel(tx: &mut Tx, source: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let cancelled = tx
        .execute(
            sql!(
                "UPDATE conversion SET state = 'cancelled', what = '', mend = '', lease_until = 0, fence = fence + 1, updated_at = $1,
                   ended_at = $1 WHERE source_id = $2 AND state = 'running'"
            ),
            args![now, source],
        )
        .await?;
    Ok(cancelled == 1)
}

/// Claims the move whose turn it is.
pub async fn claim_due(
    db: &Db,
    owner: Uuid,
    now: Timestamp,
    lease: SignedDuration,
) -> Result<Option<Conversion>, StoreError> {
    let due: Option<(Uuid,)> = db
        .fetch_optional(
            sql!(
                "SELECT source_id FROM conversion WHERE state = 'running' AND not_before <= $1 AND lease_until <= $1
                 ORDER BY not_before, begun_at LIMIT 1"
            ),
            args![now],
        )
        .await?;
    let Some((source,)) = due else { return Ok(None) };
    let mut tx = db.begin().await?;
    let claimed = tx
        .fetch_optional(
            sql!(
                "UPDATE conversion SET lease_owner = $1, lease_until = $2, fence = fence + 1
                 WHERE source_id = $3 AND state = 'running' AND not_before <= $4 AND lease_until <= $4
                 RETURNING source_id, workspace_id, state, total, done, translated, matched, gone, held, known, user_id, actor, what,
                   mend, failures, not_before, fence, begun_at, ended_at"
            ),
            args![owner, until(now, lease), source, now],
        )
        .await?;
    tx.commit().await?;
    Ok(claimed)
}

/// When the next move may be claimed, microseconds.
pub async fn next(db: &Db) -> Result<Option<i64>, StoreError> {
    let (next,): (Option<i64>,) = db
        .fetch_one(
            sql!(
                "SELECT min(CASE WHEN lease_until > not_before THEN lease_until ELSE not_before END) FROM conversion
                 WHERE state = 'running'"
            ),
            args![],
        )
        .await?;
    Ok(next)
}

/// The claims of the process before are void: no other process can use this database.
pub async fn restarted(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE conversion SET lease_until = 0, fence = fence + 1 WHERE state = 'running'"),
        args![],
    )
    .await
    .map(drop)
}

/// Takes the claim of a source over EWS, also from a poll under way, whose page then counts for nothing; its number. `None`: it
/// is not there, or not over EWS.
pub async fn claim_source(
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

/// A move in somebody's hands: both claims.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// The source.
    pub source: Uuid,
    /// The number of the source's claim.
    pub source_fence: i64,
    /// The number of the move's claim.
    pub fence: i64,
}

/// Keeps both claims and says how far it is. `false`: one of them is somebody else's, or the move was cancelled; roll back.
pub async fn renew(
    tx: &mut Tx,
    held: Held,
    progress: &Conversion,
    now: Timestamp,
    lease: SignedDuration,
) -> Result<bool, StoreError> {
    let until = until(now, lease);
    let source = tx
        .execute(
            sql!("UPDATE source SET lease_until = $1 WHERE id = $2 AND fence = $3"),
            args![until, held.source, held.source_fence],
        )
        .await?;
    let conversion = tx
        .execute(
            sql!(
                "UPDATE conversion SET lease_until = $1, total = $2, done = $3, translated = $4, matched = $5, what = '', mend = '',
                   failures = 0, updated_at = $6
                 WHERE source_id = $7 AND fence = $8 AND state = 'running'"
            ),
            args![
                until,
                progress.total,
                progress.done,
                progress.translated,
                progress.matched,
                now,
                held.source,
                held.fence
            ],
        )
        .await?;
    Ok(source == 1 && conversion == 1)
}

/// Keeps the claim of a move while it lasts, beside the work: one request to Graph may take longer than the claim. `false`: it is
/// somebody else's, or was given back.
pub async fn keep(
    db: &Db,
    (source, fence): (Uuid, i64),
    now: Timestamp,
    lease: SignedDuration,
) -> Result<bool, StoreError> {
    let kept = db
        .execute(
            sql!(
                "UPDATE conversion SET lease_until = $1
                 WHERE source_id = $2 AND fence = $3 AND state = 'running' AND lease_until > 0"
            ),
            args![until(now, lease), source, fence],
        )
        .await?;
    Ok(kept == 1)
}

/// Gives the source back: it is polled as before.
pub async fn let_source_go(db: &Db, held: Held, now: Timestamp) -> Result<(), StoreError> {
    db.execute(
        sql!("UPDATE source SET lease_until = NULL, next_poll_at = $1 WHERE id = $2 AND fence = $3"),
        args![now, held.source, held.source_fence],
    )
    .await
    .map(drop)
}

/// Gives a move back: it is tried again then, for this reason.
pub async fn wait(
    db: &Db,
    conversion: &Conversion,
    (what, mend): (&str, &str),
    not_before: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    db.execute(
        sql!(
            "UPDATE conversion SET what = $1, mend = $2, failures = failures + 1, not_before = $3, lease_until = 0, updated_at = $4
             WHERE source_id = $5 AND fence = $6 AND state = 'running'"
        ),
        args![what, mend, not_before, now, conversion.source_id, conversion.fence],
    )
    .await
    .map(drop)
}

/// Ends a move in vain. `false`: it is somebody else's.
pub async fn fail(
    tx: &mut Tx,
    conversion: &Conversion,
    (what, mend): (&str, &str),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let failed = tx
        .execute(
            sql!(
                "UPDATE conversion SET state = 'failed', what = $1, mend = $2, lease_until = 0, fence = fence + 1, updated_at = $3,
                   ended_at = $3 WHERE source_id = $4 AND fence = $5 AND state = 'running'"
            ),
            args![what, mend, now, conversion.source_id, conversion.fence],
        )
        .await?;
    Ok(failed == 1)
}

/// The source that has this folder, also a removed one, and when it was removed.
pub async fn reader_of(
    db: &Db,
    mailbox: Uuid,
    folder_id: &str,
) -> Result<Option<(Uuid, Option<i64>)>, StoreError> {
    db.fetch_optional(
        sql!("SELECT id, removed_at FROM source WHERE mailbox_id = $1 AND folder_id = $2"),
        args![mailbox, folder_id],
    )
    .await
}

/// A removed source whose messages were taken over is no more; what happened to it belongs to the other one.
pub async fn absorb(tx: &mut Tx, from: Uuid, to: Uuid) -> Result<bool, StoreError> {
    tx.execute(sql!("UPDATE connection_event SET object_id = $1 WHERE object_id = $2"), args![to, from])
        .await?;
    let gone =
        tx.execute(sql!("DELETE FROM source WHERE id = $1 AND removed_at IS NOT NULL"), args![from]).await?;
    Ok(gone == 1)
}

/// What is switched.
#[derive(Clone, Copy, Debug)]
pub struct Switch<'a> {
    /// Both claims.
    pub held: Held,
    /// The folder as Graph calls it.
    pub folder_id: &'a str,
    /// Category, or the folder that handled mail goes to, as Graph calls it.
    pub handled_target: &'a str,
    /// Now.
    pub now: Timestamp,
}

/// Switches a source to Graph; it is listed from its beginning at once. Marks that EWS did not take are tried at once, too, and what was
/// told of them is over when Graph takes them. `false`: the claim is somebody else's.
pub async fn switch(tx: &mut Tx, to: &Switch<'_>) -> Result<bool, StoreError> {
    let switched = tx
        .execute(
            sql!(
                "UPDATE source SET connection_type = 'graph', ews_url = '', folder_id = $1, handled_target = $2,
                   cursor_value = NULL, by_ids_since = NULL, round_begun_at = NULL, lease_until = NULL, fence = fence + 1, failures = 0, fault = NULL,
                   state_since = CASE WHEN state = 'online' THEN state_since ELSE $3 END, state = 'online',
                   marks_not_before = 0, mark_failures = 0, next_poll_at = $3, updated_at = $3
                 WHERE id = $4 AND fence = $5 AND connection_type = 'ews'"
            ),
            args![to.folder_id, to.handled_target, to.now, to.held.source, to.held.source_fence],
        )
        .await?;
    Ok(switched == 1)
}

/// Ends a move, in the transaction that switches. `false`: it was cancelled, or is somebody else's.
pub async fn finish(tx: &mut Tx, done: &Conversion, now: Timestamp) -> Result<bool, StoreError> {
    let finished = tx
        .execute(
            sql!(
                "UPDATE conversion SET state = 'done', total = $1, done = $2, translated = $3, matched = $4, gone = $5, held = $6,
                   known = $7, what = '', mend = '', lease_until = 0, fence = fence + 1, updated_at = $8, ended_at = $8
                 WHERE source_id = $9 AND fence = $10 AND state = 'running'"
            ),
            args![
                done.total,
                done.done,
                done.translated,
                done.matched,
                done.gone,
                done.held,
                done.known,
                now,
                done.source_id,
                done.fence
            ],
        )
        .await?;
    Ok(finished == 1)
}
