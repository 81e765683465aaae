//! Mail of a source that is removed.
//!
//! What has a plan is carried to its end: it may be in Jira already. What has none ends on record, and begins again as soon as a
//! source lists it: the same folder connected anew, or another one of the mailbox. What is held waits for a person, and passes
//! to the source that lists it, so that a retry has somebody to read and decide it.

use std::collections::HashSet;

use jiff::Timestamp;
use store::{Rows, StoreError, Tx, args, sql, sql_rows};
use uuid::Uuid;

use crate::Ledger;

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
    /// Whether the source would handle it, were it new.
    pub(crate) wanted: bool,
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
        tx: &mut Tx,
        source_id: Uuid,
        listed: &[Listed],
    ) -> Result<HashSet<Uuid>, StoreError> {
        let mut rows = Rows::new();
        for Listed { message_id, native_id, wanted } in listed {
            rows.push(args![*message_id, native_id, i64::from(*wanted)]);
        }
        let taken: Vec<(Uuid,)> = tx
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
                      RETURNING message.id",
                },
                rows,
                args![source_id, RULE],
            )
            .await?;
        Ok(taken.into_iter().map(|(id,)| id).collect())
    }
}
