//! The first mail with a key of another system: the others of that key follow it.
//!
//! Jira's search lags behind, and mails of one key can come at once. Whoever finds no issue for a key puts itself down as the first; the
//! next one waits until that has its end, and goes to its issue. A first one that came to nothing gives its place away, and so does one
//! that nobody takes further: its source is paused, or mail of its own conversation is in its way.

use jiff::{SignedDuration, Timestamp};
use sqlx::FromRow;
use store::{Db, StoreError, args, sql};
use uuid::Uuid;

use crate::Ledger;

/// How long a first one without a plan is waited for whose project takes no mail.
const OFFLINE: SignedDuration = SignedDuration::from_mins(10);

/// Who was the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum First {
    /// This mail, from now on.
    Itself,
    /// An earlier one, which is in this issue: id and key.
    Issue(String, String),
    /// An earlier one, which has no end yet.
    Open,
    /// Nobody; nothing was put down.
    Nobody,
}

#[derive(FromRow)]
struct FirstRow {
    message_id: Uuid,
    state: String,
    issue_id: Option<String>,
    issue_key: Option<String>,
    /// Whether somebody takes it further.
    moves: i64,
}

impl Ledger {
    /// Who was the first with this query on a Jira. `itself` is put down where nobody was; without it nothing is written.
    /// `gone_issue` is known to be deleted or hidden: whoever began it is the first no longer.
    pub async fn first_with(
        &self,
        db: &Db,
        (jira_connection, query): (Uuid, &str),
        itself: Option<Uuid>,
        gone_issue: Option<&str>,
        now: Timestamp,
    ) -> Result<First, StoreError> {
        let hash = self.keys.query(query);
        if let Some(itself) = itself {
            db.execute(
                sql!(
                    "INSERT INTO foreign_key (jira_connection_id, query_hash, message_id) VALUES ($1, $2, $3)
                     ON CONFLICT (jira_connection_id, query_hash) DO NOTHING"
                ),
                args![jira_connection, &hash, itself],
            )
            .await?;
        }
        let since = now.saturating_sub(OFFLINE).unwrap_or(Timestamp::MIN);
        // Whoever is claimed moves; the others as a claim would find them. One without a plan that is passed over follows later on.
        let first: Option<FirstRow> = db
            .fetch_optional(
                sql!(
                    "SELECT f.message_id, m.state, m.issue_id, m.issue_key, CAST(CASE
                       WHEN m.lease_until > $3 THEN 1
                       WHEN NOT EXISTS (SELECT 1 FROM source s JOIN destination d ON d.id = coalesce(m.destination_id, s.destination_id)
                         WHERE s.id = m.source_id AND s.confirmed_at IS NOT NULL
                           AND (s.paused_at IS NULL OR (s.removed_at IS NOT NULL AND m.state = 'acting'))
                           AND (m.state = 'ready' OR s.shadow_at IS NULL)
                           AND (m.state = 'acting' OR d.state <> 'offline' OR d.state_since > $4)) THEN 0
                       WHEN m.state = 'ready' AND EXISTS (SELECT 1 FROM message e WHERE e.lane = m.lane
                         AND e.state IN ('ready', 'acting', 'held')
                         AND (e.received_at < m.received_at
                           OR (e.received_at = m.received_at AND (e.turn < m.turn OR (e.turn = m.turn AND e.id < m.id))))) THEN 0
                       ELSE 1 END AS BIGINT) AS moves
                     FROM foreign_key f JOIN message m ON m.id = f.message_id
                     WHERE f.jira_connection_id = $1 AND f.query_hash = $2"
                ),
                args![jira_connection, &hash, now, since],
            )
            .await?;
        let Some(first) = first else { return Ok(First::Nobody) };
        if Some(first.message_id) == itself {
            return Ok(First::Itself);
        }
        let issue = first.issue_id.zip(first.issue_key).filter(|(id, _)| gone_issue != Some(id.as_str()));
        if let Some((id, key)) = issue {
            return Ok(First::Issue(id, key));
        }
        let is_open = !matches!(first.state.as_str(), "ended" | "held") && first.moves == 1;
        let Some(itself) = itself.filter(|_| !is_open) else {
            return Ok(if is_open { First::Open } else { First::Nobody });
        };
        let taken = db
            .execute(
                sql!(
                    "UPDATE foreign_key SET message_id = $1
                     WHERE jira_connection_id = $2 AND query_hash = $3 AND message_id = $4"
                ),
                args![itself, jira_connection, &hash, first.message_id],
            )
            .await?;
        // Somebody else was faster: they are looked at when this one comes back.
        Ok(if taken == 1 { First::Itself } else { First::Open })
    }
}
