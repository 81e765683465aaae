//! Claiming work with leases, and what a restart does to the claims of the process before.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{StoreError, Tx, args, sql};
use uuid::Uuid;

use crate::Ledger;
use crate::key::MessageKey;
use crate::work::{Content, Message, Stage};

#[derive(FromRow)]
struct Claimed {
    id: Uuid,
    workspace_id: Uuid,
    mailbox_id: Uuid,
    source_id: Uuid,
    destination_id: Option<Uuid>,
    k: String,
    native_id: String,
    received_at: i64,
    content: String,
    state: String,
    generation: i64,
    stage: String,
    attempts: i64,
    fence: i64,
}

impl Ledger {
    /// Claims up to `limit` messages for `owner`, oldest first: those whose lane is free, whose destination takes mail and
    /// whose time has come. `held_release` is how long a held message keeps its lane. A plan is not carried on while its source is
    /// in shadow mode: nothing is written then; nor while its Jira connection is paused. One of a source that was removed is carried to its end.
    pub async fn claim(
        &self,
        tx: &mut Tx,
        owner: Uuid,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<Message>, StoreError> {
        let micros = now.as_microsecond();
        let lease_until = micros + i64::try_from(self.timing.lease.as_micros()).unwrap_or(i64::MAX / 2);
        let held_since = micros - i64::try_from(self.held_release.as_micros()).unwrap_or(i64::MAX / 2);
        let mut rows: Vec<Claimed> = tx
            .fetch_all(
                sql! {
                    sqlite: "UPDATE message SET lease_owner = $1, lease_until = $2, fence = fence + 1,
                        attempts = CASE WHEN stage = 'act' THEN attempts ELSE attempts + 1 END
                      WHERE id IN (
                        SELECT m.id FROM message m
                        WHERE m.state IN ('ready', 'acting') AND m.not_before <= $3 AND m.lease_until <= $3
                          AND EXISTS (SELECT 1 FROM source s JOIN destination d ON d.id = coalesce(m.destination_id, s.destination_id)
                            JOIN jira_connection j ON j.id = d.jira_connection_id
                            WHERE s.id = m.source_id AND s.confirmed_at IS NOT NULL AND d.not_before <= $3 AND j.paused_at IS NULL
                              AND (s.paused_at IS NULL OR (s.removed_at IS NOT NULL AND m.state = 'acting')))
                          AND (m.state = 'ready' OR m.source_id NOT IN (SELECT w.id FROM source w WHERE w.shadow_at IS NOT NULL))
                          AND NOT EXISTS (SELECT 1 FROM message e WHERE e.lane = m.lane
                            AND e.state IN ('ready', 'acting', 'held')
                            AND (e.state <> 'held' OR e.ended_at > $4)
                            AND (e.received_at < m.received_at
                              OR (e.received_at = m.received_at AND (e.turn < m.turn OR (e.turn = m.turn AND e.id < m.id)))))
                        ORDER BY m.received_at, m.turn, m.id LIMIT $5)
                      RETURNING id, workspace_id, mailbox_id, source_id, destination_id, k, native_id, received_at, content, state,
                        generation, stage, attempts, fence",
                    postgres: "UPDATE message SET lease_owner = $1, lease_until = $2, fence = fence + 1,
                        attempts = CASE WHEN stage = 'act' THEN attempts ELSE attempts + 1 END
                      WHERE id IN (
                        SELECT m.id FROM message m
                        WHERE m.state IN ('ready', 'acting') AND m.not_before <= $3 AND m.lease_until <= $3
                          AND EXISTS (SELECT 1 FROM source s JOIN destination d ON d.id = coalesce(m.destination_id, s.destination_id)
                            JOIN jira_connection j ON j.id = d.jira_connection_id
                            WHERE s.id = m.source_id AND s.confirmed_at IS NOT NULL AND d.not_before <= $3 AND j.paused_at IS NULL
                              AND (s.paused_at IS NULL OR (s.removed_at IS NOT NULL AND m.state = 'acting')))
                          AND (m.state = 'ready' OR m.source_id NOT IN (SELECT w.id FROM source w WHERE w.shadow_at IS NOT NULL))
                          AND NOT EXISTS (SELECT 1 FROM message e WHERE e.lane = m.lane
                            AND e.state IN ('ready', 'acting', 'held')
                            AND (e.state <> 'held' OR e.ended_at > $4)
                            AND (e.received_at < m.received_at
                              OR (e.received_at = m.received_at AND (e.turn < m.turn OR (e.turn = m.turn AND e.id < m.id)))))
                        ORDER BY m.received_at, m.turn, m.id LIMIT $5 FOR UPDATE SKIP LOCKED)
                      RETURNING id, workspace_id, mailbox_id, source_id, destination_id, k, native_id, received_at, content, state,
                        generation, stage, attempts, fence"
                },
                args![owner, lease_until, micros, held_since, limit],
            )
            .await?;
        rows.sort_by_key(|row| (row.received_at, row.id));
        rows.into_iter().map(Claimed::into_message).collect()
    }

    /// When the next message may become claimable by time alone, so that the worker need not poll.
    pub async fn next_due(&self, tx: &mut Tx, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        #[derive(FromRow)]
        struct Due {
            due: Option<i64>,
        }
        let micros = now.as_microsecond();
        let row: Due = tx
            .fetch_one(
                sql!(
                    "SELECT min(due) AS due FROM (
                       SELECT CASE WHEN m.lease_until > m.not_before THEN m.lease_until ELSE m.not_before END AS due
                       FROM message m WHERE m.state IN ('ready', 'acting')) AS open WHERE due > $1"
                ),
                args![micros],
            )
            .await?;
        Ok(row.due.and_then(|due| Timestamp::from_microsecond(due).ok()))
    }

    /// A process starts on a database that no other process uses: the claims of the one before it are void, and whatever
    /// is in doubt waits the whole quarantine anew, since that process may have been killed with a request under way.
    pub async fn restarted(&self, tx: &mut Tx, now: Timestamp, alone: bool) -> Result<(), StoreError> {
        let until = now.saturating_add(self.timing.quarantine).unwrap_or(Timestamp::MAX).as_microsecond();
        tx.execute(
            sql!("UPDATE step SET doubt_until = $1 WHERE state = 'in_doubt' AND doubt_until < $1"),
            args![until],
        )
        .await?;
        if alone {
            tx.execute(
                sql!("UPDATE message SET lease_until = 0, fence = fence + 1 WHERE state IN ('ready', 'acting') AND lease_until > 0"),
                args![],
            )
            .await?;
        }
        Ok(())
    }
}

impl Claimed {
    fn into_message(self) -> Result<Message, StoreError> {
        let place = |column: &'static str| {
            StoreError::corrupt("message", column, self.id, "not a value that a message can have")
        };
        Ok(Message {
            received_at: Timestamp::from_microsecond(self.received_at).map_err(|_| place("received_at"))?,
            content: Content::from_column(&self.content).ok_or_else(|| place("content"))?,
            stage: Stage::from_column(&self.stage).ok_or_else(|| place("stage"))?,
            has_plan: self.state == "acting",
            id: self.id,
            workspace_id: self.workspace_id,
            mailbox_id: self.mailbox_id,
            source_id: self.source_id,
            destination_id: self.destination_id,
            key: MessageKey(self.k),
            native_id: self.native_id,
            generation: self.generation,
            attempts: self.attempts,
            fence: self.fence,
        })
    }
}

impl Content {
    /// As the column holds it.
    pub fn column(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::AwaitingMime => "awaiting_mime",
            Self::Mime => "mime",
            Self::Gone => "gone",
            Self::Erased => "erased",
        }
    }

    /// From the column; `None` if no such thing exists.
    pub fn from_column(text: &str) -> Option<Self> {
        [Self::Page, Self::AwaitingMime, Self::Mime, Self::Gone, Self::Erased]
            .into_iter()
            .find(|c| c.column() == text)
    }
}

impl Stage {
    /// As the column holds it.
    pub fn column(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Decide => "decide",
            Self::Act => "act",
        }
    }

    /// From the column; `None` if no such thing exists.
    pub fn from_column(text: &str) -> Option<Self> {
        [Self::Read, Self::Decide, Self::Act].into_iter().find(|s| s.column() == text)
    }
}
