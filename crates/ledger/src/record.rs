//! Getting mail in: a page's messages and the new cursor in one transaction.
//!
//! A message that is known by any of its ids is left as it is; what is new gets its key, its lane and its content. The
//! cursor moves only together with them, so it never passes mail that is not here.
//!
//! Ids of EWS change with a move, and each transport has ids of its own: what is known under another id only is found by
//! Message-ID, the time at which the mailbox received it and its text ([`crate::same`]), and gets the new id as one more alias.
//! What that leaves in doubt is held. The first source that records a message owns it; that another found it is kept as a
//! sighting.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use store::{Place, Rows, StoreError, Tx, args, sql, sql_rows};
use uuid::Uuid;

use crate::lane::{self, Wanted};
use crate::removed::{self, Listed};
use crate::same::{self, Looks, Same};
use crate::work::Content;
use crate::{Ledger, rows};

/// Which transport an id is of: the `kind` of an alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// Graph's immutable id, which survives moves.
    Graph,
    /// The id of EWS, which a move changes.
    Ews,
}

impl IdKind {
    /// As it is stored.
    pub const fn column(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::Ews => "ews",
        }
    }
}

/// A mailbox, as the ledger names it.
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// Row id.
    pub id: Uuid,
    /// Which ids the page brings.
    pub ids: IdKind,
    /// Tenant.
    pub tenant: String,
    /// The mailbox's id in the tenant.
    pub native_id: String,
}

/// A message as a page brings it.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The transport's id.
    pub native_id: String,
    /// Message-ID, without angle brackets.
    pub message_id: Option<String>,
    /// The mailbox's conversation.
    pub conversation: Option<String>,
    /// What its subject says that the conversation is about, in one spelling, where the page tells it.
    pub topic: Option<String>,
    /// Message-IDs it refers to, nearest last.
    pub references: Vec<String>,
    /// When the mailbox received it.
    pub received_at: Timestamp,
    /// Hash of its text ([`crate::Keys::body`]), where it is needed to tell alike mails apart and the page tells it.
    pub body: Option<String>,
    /// What lists show of it.
    pub summary: Summary,
    /// The page JSON.
    pub page: Vec<u8>,
    /// Whether its MIME is needed before anything else.
    pub needs_mime: bool,
    /// Ended at once by this rule, with the reason: nothing of it is kept but that.
    pub ignored: Option<(&'static str, &'static str)>,
    /// Held at once by this stage, for this reason. What is to be ignored is ignored.
    pub held: Option<(&'static str, &'static str)>,
    /// The message that this one is, known by an id that is gone: a move over EWS. See [`Ledger::alike`].
    pub was: Option<Uuid>,
}

/// What lists show of a message; sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Subject.
    pub subject: String,
    /// The author's address.
    pub from: String,
    /// The author's name.
    pub name: String,
    /// Message-ID, without angle brackets.
    #[serde(default)]
    pub message_id: Option<String>,
}

/// What a page led to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Messages that were not known.
    pub new: usize,
    /// Of these, how many ended at once.
    pub ignored: usize,
    /// Of these, how many are held at once.
    pub held: usize,
    /// Messages that were known.
    pub known: usize,
}

/// Why a mail is held that may be one that is known: nothing else is known to tell.
const DOUBTFUL: (&str, &str) = (
    "record",
    "a mail with the same Message-ID and time is known under an id of the other connection type, with another text, so nobody can \
     tell whether this one was handled. Look for both in the list of messages: discard this one if it is the same mail, retry it \
     if it is another",
);
/// The same for mails without a Message-ID.
const DOUBTFUL_WITHOUT_ID: (&str, &str) = (
    "record",
    "it has no Message-ID, and a mail of the same time is known under an id of the other connection type, so nobody can tell whether \
     this one was handled. Look for both in the list of messages: discard this one if it is the same mail, retry it if it is \
     another",
);

#[derive(FromRow)]
struct AliasRow {
    value: String,
    message_id: Uuid,
    source_id: Uuid,
    /// Whether a removed source may have left it behind.
    may_be_left: i64,
}

impl Incoming {
    /// That it is a message which is known.
    fn listed_as(&self, message_id: Uuid) -> Listed {
        Listed {
            message_id,
            native_id: self.native_id.clone(),
            page: self.page.clone(),
            summary: self.summary.clone(),
            wanted: self.ignored.is_none(),
        }
    }
}

#[derive(FromRow)]
struct KnownRow {
    id: Uuid,
    source_id: Uuid,
    hash: Option<String>,
    received_at: i64,
    body_hash: Option<String>,
    /// Whether the id that it is asked for by is of EWS.
    by_ews: i64,
}

#[derive(FromRow)]
struct LaneRow {
    key_hash: String,
    lane: String,
}

impl KnownRow {
    fn looks(&self) -> Looks {
        Looks { message_id: self.hash.clone(), received_at: self.received_at, body: self.body_hash.clone() }
    }
}

impl Ledger {
    /// Records a page for the source. The caller moves the cursor in the same transaction.
    pub async fn record(
        &self,
        tx: &mut Tx,
        workspace_id: Uuid,
        mailbox: &Mailbox,
        source_id: Uuid,
        page: Vec<Incoming>,
        now: Timestamp,
    ) -> Result<Recorded, StoreError> {
        // An item may repeat within a page: the last one counts.
        let mut seen = HashSet::new();
        let mut items: Vec<Incoming> =
            page.into_iter().rev().filter(|item| seen.insert(item.native_id.clone())).collect();
        items.reverse();
        let found = items.len();
        let known: Vec<AliasRow> = tx
            .fetch_rows(
                sql_rows! {
                    head: "WITH v(value) AS (VALUES ",
                    row: "($:TEXT)",
                    tail: ") SELECT a.value, a.message_id, m.source_id,
                        CAST(CASE WHEN m.state = 'held' OR (m.state = 'ended' AND m.ended_by = $3) THEN 1 ELSE 0 END AS BIGINT)
                          AS may_be_left
                      FROM v JOIN message_alias a ON a.mailbox_id = $1 AND a.kind = $2 AND a.value = v.value
                      JOIN message m ON m.id = a.message_id",
                },
                rows(items.iter().map(|item| args![&item.native_id])),
                args![mailbox.id, mailbox.ids.column(), removed::RULE],
            )
            .await?;
        let mut sightings: HashSet<Uuid> =
            known.iter().filter(|row| row.source_id != source_id).map(|row| row.message_id).collect();
        let known: HashMap<String, AliasRow> =
            known.into_iter().map(|row| (row.value.clone(), row)).collect();
        let mut left = Vec::new();
        items.retain(|item| {
            let Some(row) = known.get(&item.native_id) else { return true };
            if row.may_be_left != 0 {
                left.push(item.listed_as(row.message_id));
            }
            false
        });
        left.extend(self.recognise(tx, workspace_id, mailbox, source_id, &mut items, &mut sightings).await?);
        if !left.is_empty() {
            let taken = self.take_up(tx, source_id, &left).await?;
            sightings.retain(|message| !taken.contains(message));
        }
        Self::sighted(tx, source_id, &sightings, now).await?;
        let mut recorded = Recorded { known: found - items.len(), ..Recorded::default() };
        if items.is_empty() {
            return Ok(recorded);
        }
        let lanes = self.lanes(tx, workspace_id, mailbox, &items).await?;
        let (mut messages, mut aliases, mut contents) = (Rows::new(), Rows::new(), Rows::new());
        for (item, lane) in items.iter().zip(lanes) {
            let key = self.keys.message(&mailbox.tenant, &mailbox.native_id, &item.native_id);
            let ties = self.ties(mailbox, item);
            let id = Uuid::now_v7();
            let summary = serde_json::to_vec(&item.summary).unwrap_or_default();
            let sealed = self.sealer.seal(&Place::new("message", "summary_sealed", id), &summary);
            let content = match (&item.ignored, item.needs_mime) {
                (Some(_), _) => Content::Erased,
                (None, true) => Content::AwaitingMime,
                (None, false) => Content::Page,
            };
            let (state, ending, rule, reason, ended_at) = match (item.ignored, item.held) {
                (Some((rule, reason)), _) => ("ended", Some("ignored"), Some(rule), Some(reason), Some(now)),
                (None, Some((by, reason))) => ("held", Some("held"), Some(by), Some(reason), Some(now)),
                (None, None) => ("recorded", None, None, None, None),
            };
            messages.push(args![
                id,
                workspace_id,
                mailbox.id,
                source_id,
                key.0,
                &item.native_id,
                item.message_id.as_deref().map(|id| self.keys.message_id(id)),
                self.answers(&item.references),
                item.body.as_deref(),
                lane,
                item.received_at,
                now,
                sealed,
                content.column(),
                state,
                ending,
                rule,
                reason,
                ended_at,
                ties.conversation,
                ties.topic,
                ties.sender,
                ties.root,
                ties.parent,
            ]);
            aliases.push(args![mailbox.id, mailbox.ids.column(), &item.native_id, id]);
            if content != Content::Erased {
                let place = Place::new("message_content", "page_sealed", id);
                contents.push(args![id, 1_i64, self.sealer.seal(&place, &item.page)]);
            }
            recorded.new += 1;
            recorded.ignored += usize::from(item.ignored.is_some());
            recorded.held += usize::from(item.ignored.is_none() && item.held.is_some());
        }
        tx.execute_rows(
            sql_rows! {
                head: "INSERT INTO message (id, workspace_id, mailbox_id, source_id, k, native_id, message_id_hash, answers, body_hash, lane,
                  received_at, recorded_at, summary_sealed, content, state, ending, ended_by, reason, ended_at,
                  conversation_hash, topic_hash, sender_hash, root_hash, parent_hash, generation,
                  stage, attempts, not_before, lease_until, fence, mark, mark_attempts, mark_not_before) VALUES ",
                row: "($:UUID, $:UUID, $:UUID, $:UUID, $, $, $, $, $, $, $:BIGINT, $:BIGINT, $:BYTEA, $, $, $, $, $, $:BIGINT, $:TEXT, $:TEXT, $:TEXT, $:TEXT, $:TEXT, 0, 'read', 0, 0, 0, 0, 'none', 0, 0)",
                tail: "",
            },
            messages,
            args![],
        )
        .await?;
        tx.execute_rows(
            sql_rows! {
                head: "INSERT INTO message_alias (mailbox_id, kind, value, message_id) VALUES ",
                row: "($:UUID, $, $, $:UUID)",
                tail: "",
            },
            aliases,
            args![],
        )
        .await?;
        tx.execute_rows(
            sql_rows! {
                head: "INSERT INTO message_content (message_id, format, page_sealed) VALUES ",
                row: "($:UUID, $:BIGINT, $:BYTEA)",
                tail: "",
            },
            contents,
            args![],
        )
        .await?;
        Ok(recorded)
    }

    /// Takes out what is known under another id only, gives it this one too, and returns it; what nobody can tell is held.
    async fn recognise(
        &self,
        tx: &mut Tx,
        workspace_id: Uuid,
        mailbox: &Mailbox,
        source_id: Uuid,
        items: &mut Vec<Incoming>,
        sightings: &mut HashSet<Uuid>,
    ) -> Result<Vec<Listed>, StoreError> {
        if items.is_empty() || (mailbox.ids == IdKind::Graph && !Self::has_ews_ids(tx, mailbox.id).await?) {
            return Ok(Vec::new());
        }
        let mut found = self.alike_by_message_id(tx, workspace_id, mailbox.id, items).await?;
        found.extend(Self::alike_without_message_id(tx, workspace_id, mailbox.id, items).await?);
        let mut once = HashSet::new();
        found.retain(|row| once.insert(row.id));
        // One that has an id of its own is another mail, however alike they are; over EWS, unless that id is gone.
        let taken = match mailbox.ids {
            IdKind::Ews => found.iter().filter(|row| row.by_ews != 0).map(|row| row.id).collect(),
            IdKind::Graph => Self::with_graph_id(tx, mailbox.id, &found).await?,
        };
        let moved: HashSet<Uuid> = items.iter().filter_map(|item| item.was).collect();
        found.retain(|row| !taken.contains(&row.id) && !moved.contains(&row.id));
        let known: Vec<Looks> = found.iter().map(KnownRow::looks).collect();
        let looks: Vec<Looks> = items
            .iter()
            // What was moved is known already: it may stand for no other one.
            .map(|item| if item.was.is_some() { self.looks_like_none(item) } else { self.looks(item) })
            .collect();
        let mut told = same::tell(&looks, &known).into_iter();
        let (mut aliases, mut named, mut listed) = (Rows::new(), Rows::new(), Vec::new());
        items.retain_mut(|item| {
            let same = told.next().unwrap_or(Same::Other);
            let id = match (item.was, same) {
                (Some(id), _) => id,
                (None, Same::Is(one)) => {
                    if found[one].source_id != source_id {
                        sightings.insert(found[one].id);
                    }
                    found[one].id
                }
                (None, Same::Other) => return true,
                (None, Same::Doubtful) => {
                    item.held = Some(if item.message_id.is_some() { DOUBTFUL } else { DOUBTFUL_WITHOUT_ID });
                    return true;
                }
            };
            listed.push(item.listed_as(id));
            aliases.push(args![mailbox.id, mailbox.ids.column(), &item.native_id, id]);
            named.push(args![id, &item.native_id]);
            false
        });
        self.add_ids(tx, mailbox.ids, aliases, named).await?;
        Ok(listed)
    }

    /// What an item is recognised by.
    pub fn looks(&self, item: &Incoming) -> Looks {
        Looks {
            message_id: item.message_id.as_deref().map(|id| self.keys.message_id(id)),
            received_at: item.received_at.as_microsecond(),
            body: item.body.clone(),
        }
    }

    fn looks_like_none(&self, item: &Incoming) -> Looks {
        Looks { received_at: i64::MIN, ..self.looks(item) }
    }

    async fn alike_by_message_id(
        &self,
        tx: &mut Tx,
        workspace_id: Uuid,
        mailbox_id: Uuid,
        items: &[Incoming],
    ) -> Result<Vec<KnownRow>, StoreError> {
        let looked_for = items.iter().filter_map(|item| {
            Some(args![self.keys.message_id(item.message_id.as_deref()?), item.received_at])
        });
        tx.fetch_rows(
            sql_rows! {
                head: "WITH v(hash, received_at) AS (VALUES ",
                row: "($:TEXT, $:BIGINT)",
                tail: ") SELECT DISTINCT m.id, m.source_id, m.message_id_hash AS hash, m.received_at, m.body_hash,
                    CAST(CASE WHEN EXISTS (SELECT 1 FROM message_alias a WHERE a.mailbox_id = $2 AND a.kind = 'ews'
                      AND a.value = m.native_id) THEN 1 ELSE 0 END AS BIGINT) AS by_ews
                  FROM v JOIN message m ON m.workspace_id = $1 AND m.message_id_hash = v.hash AND m.received_at = v.received_at
                  WHERE m.mailbox_id = $2 ORDER BY m.id",
            },
            rows(looked_for),
            args![workspace_id, mailbox_id],
        )
        .await
    }

    async fn alike_without_message_id(
        tx: &mut Tx,
        workspace_id: Uuid,
        mailbox_id: Uuid,
        items: &[Incoming],
    ) -> Result<Vec<KnownRow>, StoreError> {
        let looked_for =
            items.iter().filter(|item| item.message_id.is_none()).map(|item| args![item.received_at]);
        tx.fetch_rows(
            sql_rows! {
                head: "WITH v(received_at) AS (VALUES ",
                row: "($:BIGINT)",
                tail: ") SELECT DISTINCT m.id, m.source_id, m.message_id_hash AS hash, m.received_at, m.body_hash,
                    CAST(CASE WHEN EXISTS (SELECT 1 FROM message_alias a WHERE a.mailbox_id = $2 AND a.kind = 'ews'
                      AND a.value = m.native_id) THEN 1 ELSE 0 END AS BIGINT) AS by_ews
                  FROM v JOIN message m ON m.workspace_id = $1 AND m.received_at = v.received_at
                  WHERE m.mailbox_id = $2 AND m.message_id_hash IS NULL ORDER BY m.id",
            },
            rows(looked_for),
            args![workspace_id, mailbox_id],
        )
        .await
    }

    /// That this source found messages that others own.
    async fn sighted(
        tx: &mut Tx,
        source_id: Uuid,
        messages: &HashSet<Uuid>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        tx.execute_rows(
            sql_rows! {
                head: "INSERT INTO message_sighting (message_id, source_id, seen_at) VALUES ",
                row: "($:UUID, $:UUID, $:BIGINT)",
                tail: " ON CONFLICT (message_id, source_id) DO NOTHING",
            },
            rows(messages.iter().map(|message| args![*message, source_id, now])),
            args![],
        )
        .await
        .map(drop)
    }

    async fn has_ews_ids(tx: &mut Tx, mailbox_id: Uuid) -> Result<bool, StoreError> {
        let one: Option<(i64,)> = tx
            .fetch_optional(
                sql!("SELECT CAST(1 AS BIGINT) FROM message_alias WHERE mailbox_id = $1 AND kind = 'ews' LIMIT 1"),
                args![mailbox_id],
            )
            .await?;
        Ok(one.is_some())
    }

    /// Which of these have an id of Graph.
    async fn with_graph_id(
        tx: &mut Tx,
        mailbox_id: Uuid,
        found: &[KnownRow],
    ) -> Result<HashSet<Uuid>, StoreError> {
        let with: Vec<(Uuid,)> = tx
            .fetch_rows(
                sql_rows! {
                    head: "WITH v(id) AS (VALUES ",
                    row: "($:UUID)",
                    tail: ") SELECT DISTINCT v.id FROM v JOIN message_alias a
                      ON a.mailbox_id = $1 AND a.kind = 'graph' AND a.message_id = v.id",
                },
                rows(found.iter().map(|row| args![row.id])),
                args![mailbox_id],
            )
            .await?;
        Ok(with.into_iter().map(|(id,)| id).collect())
    }

    /// Adds ids to messages that are known (`aliases`: mailbox, kind, id, message), and has a message asked for by its new id
    /// (`named`: message, id) where its source speaks this transport.
    async fn add_ids(&self, tx: &mut Tx, kind: IdKind, aliases: Rows, named: Rows) -> Result<(), StoreError> {
        tx.execute_rows(
            sql_rows! {
                head: "INSERT INTO message_alias (mailbox_id, kind, value, message_id) VALUES ",
                row: "($:UUID, $, $, $:UUID)",
                tail: " ON CONFLICT (mailbox_id, kind, value) DO NOTHING",
            },
            aliases,
            args![],
        )
        .await?;
        tx.execute_rows(
            sql_rows! {
                head: "WITH v(id, native_id) AS (VALUES ",
                row: "($:UUID, $:TEXT)",
                tail: ") UPDATE message SET native_id = v.native_id FROM v WHERE message.id = v.id
                  AND EXISTS (SELECT 1 FROM source s WHERE s.id = message.source_id AND s.connection_type = $1)",
            },
            named,
            args![kind.column()],
        )
        .await?;
        Ok(())
    }

    async fn lanes(
        &self,
        tx: &mut Tx,
        workspace_id: Uuid,
        mailbox: &Mailbox,
        items: &[Incoming],
    ) -> Result<Vec<String>, StoreError> {
        let wanted: Vec<Wanted> = items
            .iter()
            .map(|item| {
                let mut keys: Vec<String> = Vec::new();
                keys.extend(item.message_id.as_deref().map(|id| self.keys.message_id(id)));
                keys.extend(
                    item.conversation.as_deref().map(|id| self.keys.conversation(&mailbox.native_id, id)),
                );
                keys.extend(item.references.iter().rev().map(|id| self.keys.message_id(id)));
                keys.truncate(lane::MAX_KEYS);
                let mut fresh = self.keys.message(&mailbox.tenant, &mailbox.native_id, &item.native_id).0;
                fresh.truncate(24);
                Wanted { fresh, keys }
            })
            .collect();
        let distinct: HashSet<&String> = wanted.iter().flat_map(|wanted| &wanted.keys).collect();
        let stored: Vec<LaneRow> = tx
            .fetch_rows(
                sql_rows! {
                    head: "WITH v(key_hash) AS (VALUES ",
                    row: "($:TEXT)",
                    tail: ") SELECT l.key_hash, l.lane FROM v JOIN lane_key l ON l.workspace_id = $1 AND l.key_hash = v.key_hash",
                },
                rows(distinct.into_iter().map(|key| args![key])),
                args![workspace_id],
            )
            .await?;
        let stored: HashMap<String, String> =
            stored.into_iter().map(|row| (row.key_hash, row.lane)).collect();
        let assigned = lane::assign(&wanted, &stored);
        for (from, to) in &assigned.merges {
            tx.execute(
                sql!("UPDATE message SET lane = $1 WHERE lane = $2 AND state IN ('recorded', 'ready', 'acting', 'held')"),
                args![to, from],
            )
            .await?;
            tx.execute(
                sql!("UPDATE lane_key SET lane = $1 WHERE workspace_id = $2 AND lane = $3"),
                args![to, workspace_id, from],
            )
            .await?;
        }
        let keys = rows(assigned.keys.iter().map(|(key, lane)| args![workspace_id, key, lane]));
        tx.execute_rows(
            sql_rows! {
                head: "INSERT INTO lane_key (workspace_id, key_hash, lane) VALUES ",
                row: "($:UUID, $, $)",
                tail: " ON CONFLICT (workspace_id, key_hash) DO NOTHING",
            },
            keys,
            args![],
        )
        .await?;
        Ok(assigned.lanes)
    }
}
