//! What changes when a source goes over from EWS to Graph: every message gets the other id as an alias *before*, and is asked for
//! by it from the switch on (design §4, *Messages*).

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, Place, StoreError, Tx, args, sql, sql_rows};
use uuid::Uuid;

use crate::record::{Incoming, Summary};
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
}

impl Ledger {
    /// The EWS ids of a mailbox after this one, in order, so many at most. A message that was moved has several.
    pub async fn ews_ids(
        &self,
        db: &Db,
        mailbox_id: Uuid,
        after: &str,
        most: usize,
    ) -> Result<Vec<EwsId>, StoreError> {
        db.fetch_all(
            sql!(
                "SELECT value, message_id FROM message_alias WHERE mailbox_id = $1 AND kind = 'ews' AND value > $2
                 ORDER BY value LIMIT $3"
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

    /// Adds ids of Graph to messages. One that means a message already stays with it.
    pub async fn add_graph_ids(
        &self,
        tx: &mut Tx,
        mailbox_id: Uuid,
        ids: &[(Uuid, String)],
    ) -> Result<(), StoreError> {
        tx.execute_rows(
            sql_rows! {
                head: "INSERT INTO message_alias (mailbox_id, kind, value, message_id) VALUES ",
                row: "($:UUID, $, $, $:UUID)",
                tail: " ON CONFLICT (mailbox_id, kind, value) DO NOTHING",
            },
            rows(ids.iter().map(|(message, value)| args![mailbox_id, "graph", value, *message])),
            args![],
        )
        .await
        .map(drop)
    }

    /// Messages of a source that will be asked for in the mailbox and have no id of Graph.
    pub async fn without_graph_id(
        &self,
        db: &Db,
        mailbox_id: Uuid,
        source_id: Uuid,
    ) -> Result<Vec<Pending>, StoreError> {
        let found: Vec<PendingRow> = db
            .fetch_all(
                sql!(
                    "SELECT m.id, m.received_at, m.summary_sealed FROM message m
                     WHERE m.source_id = $1 AND (m.state <> 'ended' OR m.mark = 'due')
                       AND m.id NOT IN (SELECT a.message_id FROM message_alias a
                         WHERE a.mailbox_id = $2 AND a.kind = 'graph')
                     ORDER BY m.received_at, m.id"
                ),
                args![source_id, mailbox_id],
            )
            .await?;
        let mut pending = Vec::with_capacity(found.len());
        for row in found {
            let place = Place::new("message", "summary_sealed", row.id);
            let plain = self.sealer.open(&place, &row.summary_sealed).ok();
            let summary = plain.and_then(|plain| serde_json::from_slice(&plain).ok()).unwrap_or_default();
            let received_at = Timestamp::from_microsecond(row.received_at).unwrap_or(Timestamp::UNIX_EPOCH);
            pending.push(Pending { id: row.id, received_at, summary });
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
        let taken: HashMap<String, Uuid> = db
            .fetch_rows::<EwsId>(
                sql_rows! {
                    head: "WITH v(value) AS (VALUES ",
                    row: "($:TEXT)",
                    tail: ") SELECT a.value, a.message_id FROM v JOIN message_alias a
                      ON a.mailbox_id = $1 AND a.kind = 'graph' AND a.value = v.value",
                },
                rows(ids.iter().map(|id| args![id])),
                args![mailbox_id],
            )
            .await?
            .into_iter()
            .map(|row| (row.value, row.message_id))
            .collect();
        Ok(taken.into_keys().collect())
    }

    /// From now on the source's messages are asked for by their ids of Graph. Whoever is about to fetch the MIME of one by its
    /// old id loses the claim: nothing of it was written yet, and its next claim knows the new id.
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
                "UPDATE message SET native_id = a.value FROM message_alias a
                 WHERE a.mailbox_id = message.mailbox_id AND a.kind = 'graph' AND a.message_id = message.id
                   AND message.source_id = $1"
            ),
            args![source_id],
        )
        .await
    }
}
