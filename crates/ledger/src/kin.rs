//! Mails that belong together though neither answers the other: both answer a third one, which need never have been here, or the
//! mailbox groups them. And who wrote in an issue before.
//!
//! The ledger only tells what it has; whether two mails are of one matter is decided by whoever asks.

use sqlx::FromRow;
use store::{Db, StoreError, args, sql, sql_rows};
use uuid::Uuid;

use crate::record::{Incoming, Mailbox};
use crate::{Ledger, rows};

/// What a mail's row keeps of its conversation, hashed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ties {
    /// The mailbox's conversation.
    pub conversation: Option<String>,
    /// The topic of its subject.
    pub topic: Option<String>,
    /// The sender's address.
    pub sender: Option<String>,
    /// The oldest of the mails that it answers.
    pub root: Option<String>,
    /// The nearest of them, where it is another.
    pub parent: Option<String>,
}

/// A mail of the same mailbox that may be of the same conversation and is in an issue.
#[derive(Clone, Debug, FromRow)]
pub struct KinRow {
    /// The hash of the Message-ID that it answers, where it was found by one.
    pub answers: Option<String>,
    /// The Jira connection that its issue is on.
    pub jira_connection_id: Option<Uuid>,
    /// The issue that it is in.
    pub issue_id: Option<String>,
    /// The issue's key.
    pub issue_key: Option<String>,
    /// Hash of its topic.
    pub topic_hash: Option<String>,
    /// Hash of its sender's address.
    pub sender_hash: Option<String>,
}

/// Where mails of the same conversation are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// In this mailbox: the same mail in two mailboxes is two matters.
    pub mailbox: Uuid,
    /// Of what had its end before then, microseconds.
    pub before: i64,
    /// Not this one.
    pub besides: Uuid,
    /// So many, the newest.
    pub at_most: i64,
}

impl Ledger {
    /// What the row of a mail that a page brings keeps of its conversation.
    pub(crate) fn ties(&self, mailbox: &Mailbox, item: &Incoming) -> Ties {
        let hash = |id: &String| self.keys.message_id(id);
        let root = item.references.first().map(hash);
        let from = item.summary.from.trim();
        Ties {
            conversation: item
                .conversation
                .as_deref()
                .map(|id| self.keys.conversation(&mailbox.native_id, id)),
            topic: item.topic.as_deref().map(|topic| self.keys.topic(topic)),
            sender: (!from.is_empty()).then(|| self.keys.address(from)),
            parent: item.references.last().map(hash).filter(|parent| Some(parent) != root.as_ref()),
            root,
        }
    }

    /// Mails of a mailbox that answer one of these (by the hashes of their Message-IDs) and are in an issue, the newest first.
    pub async fn that_answer(
        db: &Db,
        look: Look,
        message_id_hashes: &[String],
    ) -> Result<Vec<KinRow>, StoreError> {
        db.fetch_rows(
            sql_rows! {
                head: "WITH v(hash) AS (VALUES ",
                row: "($:TEXT)",
                tail: ") SELECT v.hash AS answers, d.jira_connection_id, m.issue_id, m.issue_key, m.topic_hash, m.sender_hash, m.received_at
                  FROM v JOIN message m ON m.mailbox_id = $1 AND m.root_hash = v.hash
                  LEFT JOIN destination d ON d.id = m.destination_id WHERE m.issue_id IS NOT NULL AND m.ended_at < $2 AND m.id <> $3
                  UNION ALL
                  SELECT v.hash AS answers, d.jira_connection_id, m.issue_id, m.issue_key, m.topic_hash, m.sender_hash, m.received_at
                  FROM v JOIN message m ON m.mailbox_id = $1 AND m.parent_hash = v.hash
                  LEFT JOIN destination d ON d.id = m.destination_id WHERE m.issue_id IS NOT NULL AND m.ended_at < $2 AND m.id <> $3
                  ORDER BY received_at DESC LIMIT $4",
            },
            rows(message_id_hashes.iter().map(|hash| args![hash])),
            args![look.mailbox, look.before, look.besides, look.at_most],
        )
        .await
    }

    /// Mails of the mailbox's conversation with this hash that are in an issue, the newest first.
    pub async fn of_conversation(
        db: &Db,
        look: Look,
        conversation_hash: &str,
    ) -> Result<Vec<KinRow>, StoreError> {
        db.fetch_all(
            sql!(
                "SELECT CAST(NULL AS TEXT) AS answers, d.jira_connection_id, m.issue_id, m.issue_key, m.topic_hash, m.sender_hash
                 FROM message m LEFT JOIN destination d ON d.id = m.destination_id
                 WHERE m.mailbox_id = $1 AND m.conversation_hash = $2 AND m.issue_id IS NOT NULL AND m.ended_at < $3 AND m.id <> $4
                 ORDER BY m.received_at DESC, m.id DESC LIMIT $5"
            ),
            args![look.mailbox, conversation_hash, look.before, look.besides, look.at_most],
        )
        .await
    }

    /// The mailbox and the conversation, hashed, that a mail was recorded in.
    pub async fn recorded_in(db: &Db, message: Uuid) -> Result<Option<(Uuid, Option<String>)>, StoreError> {
        db.fetch_optional(
            sql!("SELECT mailbox_id, conversation_hash FROM message WHERE id = $1"),
            args![message],
        )
        .await
    }

    /// A conversation of a mailbox, hashed as it would be recorded.
    pub async fn conversation_hash(
        &self,
        db: &Db,
        mailbox: Uuid,
        conversation: &str,
    ) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> =
            db.fetch_optional(sql!("SELECT native_id FROM mailbox WHERE id = $1"), args![mailbox]).await?;
        Ok(row.map(|(native_id,)| self.keys.conversation(&native_id, conversation)))
    }

    /// Whether a mail of this sender (by the hash of the address) is in this issue of a Jira.
    pub async fn wrote_in(
        db: &Db,
        workspace: Uuid,
        jira_connection: Uuid,
        issue: &str,
        sender_hash: &str,
    ) -> Result<bool, StoreError> {
        let one: Option<(i64,)> = db
            .fetch_optional(
                sql!(
                    "SELECT CAST(1 AS BIGINT) FROM message m JOIN destination d ON d.id = m.destination_id
                     WHERE m.issue_id = $1 AND m.workspace_id = $2 AND d.jira_connection_id = $3 AND m.sender_hash = $4 LIMIT 1"
                ),
                args![issue, workspace, jira_connection, sender_hash],
            )
            .await?;
        Ok(one.is_some())
    }
}
