//! Mail of a source that is removed.
//!
//! What has a plan is carried to its end: it may be in Jira already. What has none ends on record, and begins again as soon as a
//! source lists it: the same folder connected anew, or another one of the mailbox. What is held waits for a person, and passes
//! to the source that lists it, so that a retry has somebody to read and decide it. Where its content is not kept any more, what the
//! source lists takes its place and the MIME is fetched anew.

use std::collections::HashSet;

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Place, Rows, StoreError, Tx, args, sql, sql_rows};
use uuid::Uuid;

use crate::record::Summary;
use crate::{Content, Ledger};

/// The rule by which such mail ends. Known to [`Ledger::record`] and to the migration that ended what older versions left open.
pub const RULE: &str = "source-removed";
/// Why it ended.
const REASON: &str =
    "its source was removed before it was handled; a source that reads this mail again takes it up";
/// Why what was under way is held where its source was in shadow mode.
const IN_SHADOW: &str = "its source was removed in shadow mode while this mail was under way. Retry it to have it carried to its end, \
                         or discard it";

/// What became of the mail of a source that is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Ended, until a source lists it.
    pub ended: u64,
    /// Set aside: its source was in shadow mode, in which nothing is written.
    pub held: u64,
}

/// A known mail that a source lists.
pub(crate) struct Listed {
    /// Its row.
    pub(crate) message_id: Uuid,
    /// The id under which it is listed.
    pub(crate) native_id: String,
    /// The page JSON.
    pub(crate) page: Vec<u8>,
    /// What lists show of it.
    pub(crate) summary: Summary,
    /// Whether the source would handle it, were it new.
    pub(crate) wanted: bool,
}

#[derive(FromRow)]
struct Taken {
    id: Uuid,
    content: String,
    forgotten_at: Option<i64>,
}

impl Ledger {
    /// What becomes of the mail of a source that was just marked as removed, in the same transaction.
    pub async fn leave(tx: &mut Tx, source_id: Uuid, now: Timestamp) -> Result<Left, StoreError> {
        let ended = tx
            .execute(
                sql!(
                    "UPDATE message SET state = 'ended', ending = 'ignored', ended_by = $1, reason = $2, ended_at = $3,
                       lease_until = 0, fence = fence + 1
                     WHERE source_id = $4 AND state IN ('recorded', 'ready')"
                ),
                args![RULE, REASON, now, source_id],
            )
            .await?;
        let held = tx
            .execute(
                sql!(
                    "UPDATE message SET state = 'held', ending = 'held', ended_by = $1, reason = $2, ended_at = $3,
                       lease_until = 0, fence = fence + 1
                     WHERE source_id = $4 AND state = 'acting'
                       AND EXISTS (SELECT 1 FROM source s WHERE s.id = $4 AND s.shadow_at IS NOT NULL)"
                ),
                args![RULE, IN_SHADOW, now, source_id],
            )
            .await?;
        tx.execute(sql!("UPDATE source SET shadow_at = NULL WHERE id = $1"), args![source_id]).await?;
        Ok(Left { ended, held })
    }

    /// Takes up what removed sources left behind; returns what was theirs and belongs to this source now.
    pub(crate) async fn take_up(
        &self,
        tx: &mut Tx,
        source_id: Uuid,
        listed: &[Listed],
    ) -> Result<HashSet<Uuid>, StoreError> {
        let mut rows = Rows::new();
        for Listed { message_id, native_id, wanted, .. } in listed {
            rows.push(args![*message_id, native_id, i64::from(*wanted)]);
        }
        let taken: Vec<Taken> = tx
            .fetch_rows(
                sql_rows! {
                    head: "WITH v(id, native_id, wanted) AS (VALUES ",
                    row: "($:UUID, $:TEXT, $:BIGINT)",
                    tail: ") UPDATE message SET source_id = $1, native_id = v.native_id,
                        state = CASE WHEN message.state = 'ended' THEN 'recorded' ELSE message.state END,
                        ending = CASE WHEN message.state = 'ended' THEN NULL ELSE message.ending END,
                        ended_by = CASE WHEN message.state = 'ended' THEN NULL ELSE message.ended_by END,
                        reason = CASE WHEN message.state = 'ended' THEN NULL ELSE message.reason END,
                        ended_at = CASE WHEN message.state = 'ended' THEN NULL ELSE message.ended_at END
                      FROM v WHERE message.id = v.id AND (
                        (message.state = 'ended' AND message.ended_by = $2 AND v.wanted = 1)
                        OR (message.state = 'held' AND message.source_id <> $1
                          AND EXISTS (SELECT 1 FROM source s WHERE s.id = message.source_id AND s.removed_at IS NOT NULL)))
                      RETURNING message.id, message.content, message.forgotten_at",
                },
                rows,
                args![source_id, RULE],
            )
            .await?;
        let ids = taken.iter().map(|row| row.id).collect();
        for row in &taken {
            let Some(item) = listed.iter().find(|item| item.message_id == row.id) else { continue };
            if row.content == Content::Erased.column() {
                self.restock(tx, item).await?;
            }
            if row.forgotten_at.is_some() {
                self.remember(tx, item).await?;
            }
        }
        Ok(ids)
    }

    /// Gives a mail that is taken up the content that is not kept any more: the page as it is listed now, the MIME when its turn comes.
    async fn restock(&self, tx: &mut Tx, item: &Listed) -> Result<(), StoreError> {
        let id = item.message_id;
        let page = self.sealer.seal(&Place::new("message_content", "page_sealed", id), &item.page);
        tx.execute(
            sql!(
                "INSERT INTO message_content (message_id, format, page_sealed) VALUES ($1, 1, $2)
                 ON CONFLICT (message_id) DO UPDATE SET page_sealed = excluded.page_sealed"
            ),
            args![id, page],
        )
        .await?;
        tx.execute(
            sql!("UPDATE message SET content = $1 WHERE id = $2"),
            args![Content::AwaitingMime.column(), id],
        )
        .await?;
        // What was to leave the content store under this name must not take the new one along.
        tx.execute(sql!("DELETE FROM blob_removal WHERE name = $1"), args![format!("mime-{id}")]).await?;
        Ok(())
    }

    /// What is known of a mail that is taken up is kept from now on, until its time is over once more.
    async fn remember(&self, tx: &mut Tx, item: &Listed) -> Result<(), StoreError> {
        let id = item.message_id;
        // A page of ids alone tells no subject.
        let told = (item.summary != Summary::default()).then(|| {
            let summary = serde_json::to_vec(&item.summary).unwrap_or_default();
            self.sealer.seal(&Place::new("message", "summary_sealed", id), &summary)
        });
        tx.execute(
            sql!(
                "UPDATE message SET summary_sealed = coalesce($1, summary_sealed), forgotten_at = NULL WHERE id = $2"
            ),
            args![told, id],
        )
        .await?;
        Ok(())
    }
}
