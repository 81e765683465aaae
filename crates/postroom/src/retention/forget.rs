//! The SQL of forgetting: contents, summaries with plans and reasons, timelines; and contents that are still to leave the store.

use jiff::{SignedDuration, Timestamp};
use ledger::Ledger;
use ledger::record::Summary;
use store::{Db, Place, Rows, StoreError, Tx, args, sql, sql_rows};
use uuid::Uuid;

/// What stands in the place of a subject whose time is over.
pub const FORGOTTEN: &str = "(no longer kept)";
/// What stands in the place of a subject that was erased with an address.
pub const ERASED: &str = "(erased)";
/// By which rule a mail ends that was held, or left behind by a removed source, when its address is erased: nobody takes it up again.
pub const RULE: &str = "erased";

fn ids_of(rows: Vec<(Uuid,)>) -> Vec<Uuid> {
    rows.into_iter().map(|(id,)| id).collect()
}

fn rows_of(ids: &[Uuid]) -> Rows {
    let mut rows = Rows::new();
    for id in ids {
        rows.push(args![*id]);
    }
    rows
}

/// Messages that ended before a time and whose content is kept.
pub async fn contents_over(db: &Db, before: Timestamp, limit: u16) -> Result<Vec<Uuid>, StoreError> {
    let rows = db
        .fetch_all(
            sql!(
                "SELECT id FROM message WHERE state = 'ended' AND content <> 'erased' AND ended_at < $1 ORDER BY ended_at LIMIT $2"
            ),
            args![before, limit],
        )
        .await?;
    Ok(ids_of(rows))
}

/// Messages that ended before a time and whose sender and subject are kept.
pub async fn summaries_over(db: &Db, before: Timestamp, limit: u16) -> Result<Vec<Uuid>, StoreError> {
    let rows = db
        .fetch_all(
            sql!(
                "SELECT id FROM message WHERE state = 'ended' AND forgotten_at IS NULL AND ended_at < $1 ORDER BY ended_at LIMIT $2"
            ),
            args![before, limit],
        )
        .await?;
    Ok(ids_of(rows))
}

/// Removes the content of these messages, where they have their end. Their MIME leaves the content store after the commit.
pub async fn contents(tx: &mut Tx, ids: &[Uuid], now: Timestamp) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let gone: Vec<(Uuid,)> = tx
        .fetch_rows(
            sql_rows! {
                head: "WITH v(id) AS (VALUES ",
                row: "($:UUID)",
                tail: ") UPDATE message SET content = 'erased' FROM v
                  WHERE message.id = v.id AND message.state = 'ended' AND message.content <> 'erased' RETURNING message.id",
            },
            rows_of(ids),
            args![],
        )
        .await?;
    let gone = ids_of(gone);
    if gone.is_empty() {
        return Ok(());
    }
    tx.execute_rows(
        sql_rows! {
            head: "WITH v(id) AS (VALUES ",
            row: "($:UUID)",
            tail: ") DELETE FROM message_content WHERE message_id IN (SELECT id FROM v)",
        },
        rows_of(&gone),
        args![],
    )
    .await?;
    let mut names = Rows::new();
    for id in &gone {
        names.push(args![format!("mime-{id}"), now]);
    }
    tx.execute_rows(
        sql_rows! {
            head: "INSERT INTO blob_removal (name, since) VALUES ",
            row: "($:TEXT, $:BIGINT)",
            tail: " ON CONFLICT (name) DO NOTHING",
        },
        names,
        args![],
    )
    .await?;
    Ok(())
}

/// Removes sender, subject, plan and reasons of these messages, where they have their end. What they became stays.
pub async fn summaries(
    tx: &mut Tx,
    ledger: &Ledger,
    ids: &[Uuid],
    subject: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let summary = Summary { subject: subject.to_owned(), ..Summary::default() };
    let summary = serde_json::to_vec(&summary).unwrap_or_default();
    for id in ids {
        let sealed = ledger.sealer.seal(&Place::new("message", "summary_sealed", *id), &summary);
        let changed = tx
            .execute(
                sql!(
                    "UPDATE message SET summary_sealed = $1, reason = NULL, forgotten_at = $2 WHERE id = $3 AND state = 'ended'"
                ),
                args![sealed, now, *id],
            )
            .await?;
        if changed == 0 {
            continue;
        }
        let plans: Vec<(Uuid,)> =
            tx.fetch_all(sql!("SELECT id FROM plan WHERE message_id = $1"), args![*id]).await?;
        for (plan,) in plans {
            let nothing = |column| ledger.sealer.seal(&Place::new("plan", column, plan), b"null");
            tx.execute(
                sql!("UPDATE plan SET body_sealed = $1, trace_sealed = $2 WHERE id = $3"),
                args![nothing("body_sealed"), nothing("trace_sealed"), plan],
            )
            .await?;
        }
        tx.execute(sql!("UPDATE step SET fault = NULL WHERE message_id = $1"), args![*id]).await?;
        // Why it was held stands in the log of what people did about it, too.
        tx.execute(
            sql!(
                "UPDATE audit SET detail = '' WHERE object = $1 AND action IN ('retry message', 'discard message')"
            ),
            args![id.to_string()],
        )
        .await?;
    }
    Ok(())
}

/// Removes by what the sender of a message was known again: somebody who may not be known any more takes part in no conversation. A tag
/// that nobody's address has takes its place: that somebody sent it still keeps others from its Message-ID.
pub async fn sender(tx: &mut Tx, id: Uuid, tag: &str) -> Result<(), StoreError> {
    tx.execute(sql!("UPDATE message SET sender_hash = $1 WHERE id = $2 AND state = 'ended'"), args![tag, id])
        .await?;
    Ok(())
}

/// The same, of all messages of one sender that have their end.
pub async fn senders_of(tx: &mut Tx, workspace: Uuid, hash: &str, tag: &str) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE message SET sender_hash = $1 WHERE workspace_id = $2 AND sender_hash = $3 AND state = 'ended'"
        ),
        args![tag, workspace, hash],
    )
    .await?;
    Ok(())
}

/// What is written about a message besides its content: plans, reasons, faults.
pub async fn texts(db: &Db, ledger: &Ledger, id: Uuid) -> Result<Vec<String>, StoreError> {
    let plans: Vec<(Uuid, Vec<u8>, Vec<u8>)> = db
        .fetch_all(sql!("SELECT id, body_sealed, trace_sealed FROM plan WHERE message_id = $1"), args![id])
        .await?;
    let mut texts = Vec::new();
    for (plan, body, trace) in plans {
        for (column, sealed) in [("body_sealed", body), ("trace_sealed", trace)] {
            let plain = ledger.sealer.open(&Place::new("plan", column, plan), &sealed)?;
            texts.push(String::from_utf8_lossy(&plain).into_owned());
        }
    }
    let faults: Vec<(String,)> = db
        .fetch_all(sql!("SELECT fault FROM step WHERE message_id = $1 AND fault IS NOT NULL"), args![id])
        .await?;
    texts.extend(faults.into_iter().map(|(fault,)| fault));
    Ok(texts)
}

/// So long at least it is known which warnings of an end were given: the last of them comes a month after the first.
const WARNED: SignedDuration = SignedDuration::from_hours(180 * 24);

/// Removes what happened before a time: a batch of each kind. Returns the larger number of rows.
pub async fn timeline(tx: &mut Tx, before: Timestamp, now: Timestamp, limit: u16) -> Result<u64, StoreError> {
    let events = tx
        .execute(
            sql!(
                "DELETE FROM connection_event WHERE id IN (SELECT id FROM connection_event WHERE at < $1 ORDER BY at LIMIT $2)"
            ),
            args![before, limit],
        )
        .await?;
    // What still holds is no past, however old. What is good news or a warning has no end: it is told once.
    let warned = before.min(now.saturating_sub(WARNED).unwrap_or(Timestamp::MIN));
    let notices = tx
        .execute(
            sql!(
                "DELETE FROM notice WHERE id IN (SELECT id FROM notice WHERE raised_at < $1
                   AND (ended_at < $1 OR kind IN ('back', 'approval_given') OR (kind = 'expiry' AND raised_at < $2))
                 ORDER BY raised_at LIMIT $3)"
            ),
            args![before, warned, limit],
        )
        .await?;
    Ok(events.max(notices))
}

/// Ends a held message whose address is erased, as ignored. What was written to Jira stays there and is named. `false`: it is not held.
pub async fn end_held(
    tx: &mut Tx,
    id: Uuid,
    issue: Option<(String, String)>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (issue_id, issue_key) = issue.unzip();
    let changed = tx
        .execute(
            sql!(
                "UPDATE message SET state = 'ended', ending = 'ignored', ended_by = $1, reason = NULL, ended_at = $2,
                   issue_id = coalesce($3, issue_id), issue_key = coalesce($4, issue_key), lease_until = 0, fence = fence + 1
                 WHERE id = $5 AND state = 'held'"
            ),
            args![RULE, now, issue_id, issue_key, id],
        )
        .await?;
    Ok(changed == 1)
}

/// Has nobody take up again a message that a removed source left behind. `false`: it has no end, or none any more.
pub async fn end_for_good(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE message SET ended_by = CASE WHEN ended_by = $3 THEN $1 ELSE ended_by END WHERE id = $2 AND state = 'ended'"
            ),
            args![RULE, id, ledger::removed::RULE],
        )
        .await?;
    Ok(changed == 1)
}

/// Contents that are still to leave the store.
pub async fn removals(db: &Db, limit: u16) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> =
        db.fetch_all(sql!("SELECT name FROM blob_removal ORDER BY since LIMIT $1"), args![limit]).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Whether one of them still is to leave: a mail that was taken up again wants its own.
pub async fn is_to_leave(db: &Db, name: &str) -> Result<bool, StoreError> {
    let row: Option<(String,)> =
        db.fetch_optional(sql!("SELECT name FROM blob_removal WHERE name = $1"), args![name]).await?;
    Ok(row.is_some())
}

/// One of them has left it. `false`: its mail was taken up again meanwhile, and what left may have been what it fetched anew.
pub async fn removed(db: &Db, name: &str) -> Result<bool, StoreError> {
    let gone = db.execute(sql!("DELETE FROM blob_removal WHERE name = $1"), args![name]).await?;
    Ok(gone > 0)
}

/// Has a mail that is not over fetch its MIME once more, also where somebody is about to say that it is there.
pub async fn fetch_anew(db: &Db, name: &str) -> Result<(), StoreError> {
    let Some(id) = name.strip_prefix("mime-").and_then(|id| Uuid::parse_str(id).ok()) else { return Ok(()) };
    db.execute(
        sql!(
            "UPDATE message SET content = 'awaiting_mime', fence = fence + 1, lease_until = 0
             WHERE id = $1 AND content IN ('mime', 'awaiting_mime') AND state <> 'ended'"
        ),
        args![id],
    )
    .await?;
    Ok(())
}

/// How many messages there are in a workspace, of how many the content is kept, and since when the oldest of them.
pub async fn kept(db: &Db, workspace: Uuid) -> Result<(u64, u64, Option<i64>), StoreError> {
    let (all, with_content, oldest): (i64, i64, Option<i64>) = db
        .fetch_one(
            sql!(
                "SELECT count(*), coalesce(sum(CASE WHEN content <> 'erased' THEN 1 ELSE 0 END), 0),
                   min(CASE WHEN content <> 'erased' THEN received_at END) FROM message WHERE workspace_id = $1"
            ),
            args![workspace],
        )
        .await?;
    Ok((u64::try_from(all).unwrap_or(0), u64::try_from(with_content).unwrap_or(0), oldest))
}
