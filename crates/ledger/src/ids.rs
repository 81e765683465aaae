//! What changes when a source goes over from EWS to Graph: every message gets the other id as an alias *before*, and is asked for
//! by it from the switch on (design §4, *Messages*).

use std::collections::HashSet;

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, Place, StoreError, Tx, args, sql, sql_rows};
use uuid::Uuid;

use crate::record::{Incoming, Summary};
use crate::same::Looks;
use crate::{Ledger, rows};

/// An id of EWS and the message that it means.
#[derive(Clone, Debug, FromRow)]
pub struct EwsId {
    /// The id.
    pub value: String,
    /// The message's row.
    pub message_id: Uuid,
}

/// A message that will still be asked for in the mailbox: it is not handled yet, or not marked.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Row id.
    pub id: Uuid,
    /// When the mailbox received it.
    pub received_at: Timestamp,
    /// What lists show of it.
    pub summary: Summary,
    /// What it is recognised by.
    pub looks: Looks,
}

/// An id of Graph that the ledger has of another message than the one under the id of EWS: one mail, recorded twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Double {
    /// Recorded over EWS.
    pub message: Uuid,
    /// Recorded over Graph, and so the one that counts.
    pub known: Uuid,
}

/// What a conversion makes of messages that have no id of Graph, in the transaction that switches.
#[derive(Clone, Debug, Default)]
pub struct Unmatched {
    /// They have left the mailbox: what is stored of them must do, and no mark is left to be made.
    pub gone: Vec<Uuid>,
    /// Nobody can tell which mail of the mailbox they are.
    pub doubtful: Vec<Uuid>,
    /// The same mail is known already.
    pub doubles: Vec<Double>,
}

/// A message that a mail under a new id of EWS may be: the same Message-ID, received at the same time.
#[derive(Clone, Debug, FromRow)]
pub struct Alike {
    /// The new id.
    pub item: String,
    /// The message's row.
    pub message_id: Uuid,
    /// The id that it is known by. Where a mail still has that id, this is another one.
    pub native_id: String,
}

#[derive(FromRow)]
struct PendingRow {
    id: Uuid,
    received_at: i64,
    summary_sealed: Vec<u8>,
    message_id_hash: Option<String>,
    body_hash: Option<String>,
}

/// The rule by which a message is ignored that turns out to be one that is known.
pub const KNOWN: &str = "already-known";
/// By whom a message is held whose mail cannot be told.
pub const CONVERSION: &str = "conversion";

impl Ledger {
    /// Whether anything of this mailbox is known by an id of EWS.
    pub async fn has_ids_of_ews(&self, db: &Db, mailbox_id: Uuid) -> Result<bool, StoreError> {
        let one: Option<(i64,)> = db
            .fetch_optional(
                sql!("SELECT CAST(1 AS BIGINT) FROM message_alias WHERE mailbox_id = $1 AND kind = 'ews' LIMIT 1"),
                args![mailbox_id],
            )
            .await?;
        Ok(one.is_some())
    }

    /// How many EWS ids of a mailbox there are, and how many of them belong to messages without an id of Graph.
    pub async fn count_ews_ids(&self, db: &Db, mailbox_id: Uuid) -> Result<(u64, u64), StoreError> {
        let (all, open): (i64, i64) = db
            .fetch_one(
                sql!(
                    "SELECT count(*), coalesce(sum(CASE WHEN EXISTS (SELECT 1 FROM message_alias g
                         WHERE g.message_id = a.message_id AND g.kind = 'graph') THEN 0 ELSE 1 END), 0) AS open
                     FROM message_alias a WHERE a.mailbox_id = $1 AND a.kind = 'ews'"
                ),
                args![mailbox_id],
            )
            .await?;
        Ok((u64::try_from(all).unwrap_or(0), u64::try_from(open).unwrap_or(0)))
    }

    /// The EWS ids of a mailbox after this one, in order, so many at most, of messages that have no id of Graph. A message that
    /// was moved has several.
    pub async fn ews_ids(
        &self,
        db: &Db,
        mailbox_id: Uuid,
        after: &str,
        most: usize,
    ) -> Result<Vec<EwsId>, StoreError> {
        db.fetch_all(
            sql!(
                "SELECT a.value, a.message_id FROM message_alias a WHERE a.mailbox_id = $1 AND a.kind = 'ews' AND a.value > $2
                   AND NOT EXISTS (SELECT 1 FROM message_alias g WHERE g.message_id = a.message_id AND g.kind = 'graph')
                 ORDER BY a.value LIMIT $3"
            ),
            args![mailbox_id, after, i64::try_from(most).unwrap_or(i64::MAX)],
        )
        .await
    }

    /// What mails under ids of EWS that are not known may have been before they were moved. Only the mailbox can tell: a mail
    /// that was moved is not there any more under the old id, and of a copy both are there.
    pub async fn alike(
        &self,
        db: &Db,
        workspace_id: Uuid,
        mailbox_id: Uuid,
        items: &[Incoming],
    ) -> Result<Vec<Alike>, StoreError> {
        let looked_for = items.iter().filter_map(|item| {
            let hash = self.keys.message_id(item.message_id.as_deref()?);
            Some(args![&item.native_id, hash, item.received_at])
        });
        db.fetch_rows(
            sql_rows! {
                head: "WITH v(item, hash, received_at) AS (VALUES ",
                row: "($:TEXT, $:TEXT, $:BIGINT)",
                tail: ") SELECT v.item, m.id AS message_id, m.native_id FROM v
                  JOIN message m ON m.workspace_id = $1 AND m.message_id_hash = v.hash AND m.received_at = v.received_at
                  WHERE m.mailbox_id = $2 AND m.native_id <> v.item
                    AND EXISTS (SELECT 1 FROM message_alias a WHERE a.mailbox_id = $2 AND a.kind = 'ews' AND a.value = m.native_id)
                    AND NOT EXISTS (SELECT 1 FROM message_alias k WHERE k.mailbox_id = $2 AND k.kind = 'ews' AND k.value = v.item)
                  ORDER BY m.id",
            },
            rows(looked_for),
            args![workspace_id, mailbox_id],
        )
        .await
    }

    /// Adds ids of Graph to messages. One that means another message stays with that one, and is told.
    pub async fn add_graph_ids(
        &self,
        tx: &mut Tx,
        mailbox_id: Uuid,
        ids: &[(Uuid, String)],
    ) -> Result<Vec<Double>, StoreError> {
        tx.execute_rows(
            sql_rows! {
                head: "INSERT INTO message_alias (mailbox_id, kind, value, message_id) VALUES ",
                row: "($:UUID, $, $, $:UUID)",
                tail: " ON CONFLICT (mailbox_id, kind, value) DO NOTHING",
            },
            rows(ids.iter().map(|(message, value)| args![mailbox_id, "graph", value, *message])),
            args![],
        )
        .await?;
        let doubles: Vec<(Uuid, Uuid)> = tx
            .fetch_rows(
                sql_rows! {
                    head: "WITH v(id, value) AS (VALUES ",
                    row: "($:UUID, $:TEXT)",
                    tail: ") SELECT v.id, a.message_id FROM v JOIN message_alias a
                      ON a.mailbox_id = $1 AND a.kind = 'graph' AND a.value = v.value AND a.message_id <> v.id",
                },
                rows(ids.iter().map(|(message, value)| args![*message, value])),
                args![mailbox_id],
            )
            .await?;
        Ok(doubles.into_iter().map(|(message, known)| Double { message, known }).collect())
    }

    /// Messages of a source that will be asked for in the mailbox and have no id of Graph.
    pub async fn without_graph_id(&self, db: &Db, source_id: Uuid) -> Result<Vec<Pending>, StoreError> {
        let found: Vec<PendingRow> = db
            .fetch_all(
                sql!(
                    "SELECT m.id, m.received_at, m.summary_sealed, m.message_id_hash, m.body_hash FROM message m
                     WHERE m.source_id = $1 AND (m.state <> 'ended' OR m.mark = 'due')
                       AND NOT EXISTS (SELECT 1 FROM message_alias a WHERE a.message_id = m.id AND a.kind = 'graph')
                     ORDER BY m.received_at, m.id"
                ),
                args![source_id],
            )
            .await?;
        let mut pending = Vec::with_capacity(found.len());
        for row in found {
            let place = Place::new("message", "summary_sealed", row.id);
            let plain = self.sealer.open(&place, &row.summary_sealed).ok();
            let summary = plain.and_then(|plain| serde_json::from_slice(&plain).ok()).unwrap_or_default();
            let received_at = Timestamp::from_microsecond(row.received_at).unwrap_or(Timestamp::UNIX_EPOCH);
            let looks =
                Looks { message_id: row.message_id_hash, received_at: row.received_at, body: row.body_hash };
            pending.push(Pending { id: row.id, received_at, summary, looks });
        }
        Ok(pending)
    }

    /// Which of these ids of Graph mean a message already.
    pub async fn taken_graph_ids(
        &self,
        db: &Db,
        mailbox_id: Uuid,
        ids: &[String],
    ) -> Result<HashSet<String>, StoreError> {
        let taken: Vec<(String,)> = db
            .fetch_rows(
                sql_rows! {
                    head: "WITH v(value) AS (VALUES ",
                    row: "($:TEXT)",
                    tail: ") SELECT a.value FROM v JOIN message_alias a
                      ON a.mailbox_id = $1 AND a.kind = 'graph' AND a.value = v.value",
                },
                rows(ids.iter().map(|id| args![id])),
                args![mailbox_id],
            )
            .await?;
        Ok(taken.into_iter().map(|(value,)| value).collect())
    }

    /// Settles what has no id of Graph, in the transaction that switches its source; how many are held. What a plan has begun to
    /// write comes to its end as it is: nothing of it has to be asked for.
    pub async fn settle_unmatched(
        &self,
        tx: &mut Tx,
        unmatched: &Unmatched,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let doubtful = || rows(unmatched.doubtful.iter().map(|id| args![*id]));
        let held = tx
            .execute_rows(
                sql_rows! {
                    head: "WITH v(id) AS (VALUES ",
                    row: "($:UUID)",
                    tail: ") UPDATE message SET state = 'held', ending = 'held', ended_by = $1, reason = $2, ended_at = $3,
                        lease_until = 0, fence = fence + 1
                      FROM v WHERE message.id = v.id AND message.state IN ('recorded', 'ready')",
                },
                doubtful(),
                args![
                    CONVERSION,
                    "its source was moved to Graph before it was handled, and which mail of the mailbox it is cannot be told: it was moved, \
                     and its Message-ID, time and text fit none or several. Open it in Outlook. Retry it to have it handled from what is \
                     stored of it, without attachments where they were not fetched yet; discard it if it was handled elsewhere",
                    now
                ],
            )
            .await?;
        tx.execute_rows(
            sql_rows! {
                head: "WITH v(id) AS (VALUES ",
                row: "($:UUID)",
                tail: ") UPDATE message SET mark = 'failed' FROM v WHERE message.id = v.id AND message.mark = 'due'",
            },
            doubtful(),
            args![],
        )
        .await?;
        tx.execute_rows(
            sql_rows! {
                head: "WITH v(id) AS (VALUES ",
                row: "($:UUID)",
                tail: ") UPDATE message SET mark = 'gone' FROM v WHERE message.id = v.id AND message.mark = 'due'",
            },
            rows(unmatched.gone.iter().map(|id| args![*id])),
            args![],
        )
        .await?;
        // Their MIME is asked for under no id that the other transport knows.
        tx.execute_rows(
            sql_rows! {
                head: "WITH v(id) AS (VALUES ",
                row: "($:UUID)",
                tail: ") UPDATE message SET content = 'gone' FROM v WHERE message.id = v.id AND message.content = 'awaiting_mime'",
            },
            rows(unmatched.gone.iter().chain(&unmatched.doubtful).map(|id| args![*id])),
            args![],
        )
        .await?;
        tx.execute_rows(
            sql_rows! {
                head: "WITH v(id) AS (VALUES ",
                row: "($:UUID)",
                tail: ") UPDATE message SET state = 'ended', ending = 'ignored', ended_by = $1, reason = $2, ended_at = $3,
                    lease_until = 0, fence = fence + 1
                  FROM v WHERE message.id = v.id AND message.state IN ('recorded', 'ready', 'held')
                    AND NOT EXISTS (SELECT 1 FROM step WHERE step.message_id = message.id AND step.state <> 'planned')",
            },
            rows(unmatched.doubles.iter().map(|double| args![double.message])),
            args![
                KNOWN,
                "it is the same mail as one that was recorded over Graph before; what became of it stands there",
                now
            ],
        )
        .await?;
        Ok(held)
    }

    /// The messages of a removed source of the same folder become this one's, and the removed one is no more.
    pub async fn take_over(&self, tx: &mut Tx, from: Uuid, to: Uuid) -> Result<u64, StoreError> {
        tx.execute(
            sql!("DELETE FROM message_sighting WHERE source_id IN ($1, $2) AND message_id IN (SELECT id FROM message WHERE source_id IN ($1, $2))"),
            args![from, to],
        )
        .await?;
        tx.execute(
            sql!(
                "UPDATE message SET source_id = $2, fence = fence + 1, lease_until = 0 WHERE source_id = $1"
            ),
            args![from, to],
        )
        .await
    }

    /// From now on the source's messages are asked for by their ids of Graph. Whoever is about to fetch the MIME of one by its
    /// old id loses the claim: nothing of it was written yet, and its next claim knows the new id. That a mark was not taken under
    /// the old id says nothing of the new one.
    pub async fn ask_by_graph_ids(&self, tx: &mut Tx, source_id: Uuid) -> Result<u64, StoreError> {
        tx.execute(
            sql!(
                "UPDATE message SET fence = fence + 1, lease_until = 0
                 WHERE source_id = $1 AND state = 'ready' AND content = 'awaiting_mime'"
            ),
            args![source_id],
        )
        .await?;
        tx.execute(
            sql!(
                "UPDATE message SET mark_not_before = 0, mark_attempts = 0 WHERE source_id = $1 AND mark = 'due'"
            ),
            args![source_id],
        )
        .await?;
        tx.execute(
            sql!(
                "UPDATE message SET native_id = a.value FROM message_alias a
                 WHERE a.mailbox_id = message.mailbox_id AND a.kind = 'graph' AND a.message_id = message.id
                   AND message.source_id = $1"
            ),
            args![source_id],
        )
        .await
    }
}
