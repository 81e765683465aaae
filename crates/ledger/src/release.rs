//! Releasing what was recorded, so that it may be decided.
//!
//! Mailboxes tell to the second when a mail came, and list the mails of one second in whatever order. So before they are released,
//! each lane's mails of one second take turns: a mail after those that it answers ([`turns`], a pure function), whichever of them was
//! listed first. Whoever releases a part sees to it that its seconds are complete. What a later round tells of a second takes its turn
//! among what still waits, so that a parent goes before its replies, and after what has begun: a reply that was decided before its
//! parent was told of is not taken back, and none is kept waiting for a parent that may never come.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

use jiff::Timestamp;
use sqlx::FromRow;
use store::{StoreError, Tx, args, sql, sql_rows};
use uuid::Uuid;

use crate::{Ledger, rows};

/// How many of the mails that one answers are kept with it, the nearest first. The nearest is its parent; the others stand in where
/// the parent is missing.
const ANSWERED: usize = 3;

/// A mail among others of its lane and second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tied {
    /// Hash of its Message-ID.
    pub message_id: Option<String>,
    /// Hashes of the Message-IDs that it answers.
    pub answers: Vec<String>,
}

#[derive(FromRow)]
struct TiedRow {
    id: Uuid,
    lane: String,
    received_at: i64,
    hash: Option<String>,
    answers: Option<String>,
    /// The first turn after what has begun; 0 for what waits.
    base: i64,
}

impl TiedRow {
    fn is_of_one_second(&self, other: &Self) -> bool {
        (&self.lane, self.received_at) == (&other.lane, other.received_at)
    }

    fn tied(&self) -> Tied {
        let answers = self.answers.as_deref().unwrap_or_default();
        Tied {
            message_id: self.hash.clone(),
            answers: answers.split_whitespace().map(str::to_owned).collect(),
        }
    }
}

/// The turn of each of these mails, counted from 0: after those that it answers, otherwise in the order in which they are given. Where
/// mails answer each other in a circle, the first of them breaks it.
pub fn turns(tied: &[Tied]) -> Vec<usize> {
    let mut by_id: HashMap<&str, Vec<usize>> = HashMap::new();
    for (n, mail) in tied.iter().enumerate() {
        if let Some(id) = &mail.message_id {
            by_id.entry(id).or_default().push(n);
        }
    }
    let parents_of = |(n, mail): (usize, &Tied)| -> BTreeSet<usize> {
        let parents = mail.answers.iter().filter_map(|id| by_id.get(id.as_str())).flatten().copied();
        parents.filter(|parent| *parent != n).collect()
    };
    let parents: Vec<BTreeSet<usize>> = tied.iter().enumerate().map(parents_of).collect();
    let mut replies: Vec<Vec<usize>> = vec![Vec::new(); tied.len()];
    for (n, parents) in parents.iter().enumerate() {
        for parent in parents {
            replies[*parent].push(n);
        }
    }
    let mut waits_for: Vec<usize> = parents.iter().map(BTreeSet::len).collect();
    let mut left: BTreeSet<usize> = (0..tied.len()).collect();
    let mut free: BinaryHeap<Reverse<usize>> =
        left.iter().filter(|n| waits_for[**n] == 0).map(|n| Reverse(*n)).collect();
    let mut turns = vec![0; tied.len()];
    for turn in 0..tied.len() {
        let next = free.pop().map(|Reverse(n)| n).or_else(|| in_a_circle(&parents, &left));
        let Some(next) = next else { break };
        left.remove(&next);
        turns[next] = turn;
        for reply in &replies[next] {
            waits_for[*reply] = waits_for[*reply].saturating_sub(1);
            if waits_for[*reply] == 0 && left.contains(reply) {
                free.push(Reverse(*reply));
            }
        }
    }
    turns
}

/// The first mail of a circle, where each that is left waits for another one.
fn in_a_circle(parents: &[BTreeSet<usize>], left: &BTreeSet<usize>) -> Option<usize> {
    let mut way = Vec::new();
    let mut at = *left.first()?;
    loop {
        if let Some(begin) = way.iter().position(|n| *n == at) {
            return way[begin..].iter().min().copied();
        }
        way.push(at);
        match parents[at].iter().find(|parent| left.contains(parent)) {
            Some(parent) => at = *parent,
            None => return Some(at),
        }
    }
}

impl Ledger {
    /// What a mail with these references (nearest last) answers, as its row keeps it.
    pub(crate) fn answers(&self, references: &[String]) -> Option<String> {
        let mut nearest: Vec<String> = Vec::new();
        for id in references.iter().rev() {
            let hash = self.keys.message_id(id);
            if nearest.len() < ANSWERED && !nearest.contains(&hash) {
                nearest.push(hash);
            }
        }
        (!nearest.is_empty()).then(|| nearest.join(" "))
    }

    /// A round is complete: what it found may be decided, oldest first.
    pub async fn release_round(&self, tx: &mut Tx, source_id: Uuid) -> Result<u64, StoreError> {
        self.release(tx, source_id, i64::MAX).await
    }

    /// A listing has told everything that was received before then, and that may be decided.
    pub async fn release_before(
        &self,
        tx: &mut Tx,
        source_id: Uuid,
        then: Timestamp,
    ) -> Result<u64, StoreError> {
        self.release(tx, source_id, then.as_microsecond()).await
    }

    async fn release(&self, tx: &mut Tx, source_id: Uuid, before: i64) -> Result<u64, StoreError> {
        // Mails of one second can be told in several rounds: those of a later one come after those that were released before, unless one
        // of these answers what comes now.
        tx.execute(
            sql!(
                "UPDATE message SET turn = turn + (SELECT max(e.turn) + 1 FROM message e
                   WHERE e.lane = message.lane AND e.received_at = message.received_at
                     AND e.state IN ('ready', 'acting', 'held'))
                 WHERE source_id = $1 AND state = 'recorded' AND received_at < $2
                   AND EXISTS (SELECT 1 FROM message e WHERE e.lane = message.lane AND e.received_at = message.received_at
                     AND e.state IN ('ready', 'acting', 'held'))"
            ),
            args![source_id, before],
        )
        .await?;
        let waiting: Vec<TiedRow> = tx
            .fetch_all(
                sql! {
                    sqlite: "SELECT m.id, m.lane, m.received_at, m.message_id_hash AS hash, m.answers, 0 AS base
                      FROM (SELECT DISTINCT lane, received_at FROM message
                        WHERE source_id = $1 AND state = 'recorded' AND received_at < $2) AS fresh
                      JOIN message m ON m.lane = fresh.lane AND m.received_at = fresh.received_at
                      WHERE m.state IN ('ready', 'acting', 'held') AND m.state = 'ready' AND m.lease_until = 0
                      ORDER BY m.lane, m.received_at, m.turn, m.id",
                    // Whoever claims passes these by until this is committed.
                    postgres: "SELECT m.id, m.lane, m.received_at, m.message_id_hash AS hash, m.answers, CAST(0 AS BIGINT) AS base
                      FROM (SELECT DISTINCT lane, received_at FROM message
                        WHERE source_id = $1 AND state = 'recorded' AND received_at < $2) AS fresh
                      JOIN message m ON m.lane = fresh.lane AND m.received_at = fresh.received_at
                      WHERE m.state IN ('ready', 'acting', 'held') AND m.state = 'ready' AND m.lease_until = 0
                      ORDER BY m.lane, m.received_at, m.turn, m.id FOR UPDATE OF m"
                },
                args![source_id, before],
            )
            .await?;
        let recorded: Vec<TiedRow> = tx
            .fetch_all(
                sql!(
                    "WITH tied AS (SELECT lane, received_at FROM message
                       WHERE source_id = $1 AND state = 'recorded' AND received_at < $2
                       GROUP BY lane, received_at HAVING (count(*) > 1 AND count(answers) > 0)
                         OR EXISTS (SELECT 1 FROM message e WHERE e.lane = message.lane AND e.received_at = message.received_at
                           AND e.state IN ('ready', 'acting', 'held') AND e.state = 'ready' AND e.lease_until = 0
                           AND e.answers IS NOT NULL))
                     SELECT m.id, m.lane, m.received_at, m.message_id_hash AS hash, m.answers,
                       coalesce((SELECT max(e.turn) + 1 FROM message e WHERE e.lane = m.lane AND e.received_at = m.received_at
                         AND e.state IN ('ready', 'acting', 'held') AND (e.state <> 'ready' OR e.lease_until > 0)), 0) AS base
                     FROM tied JOIN message m ON m.lane = tied.lane AND m.received_at = tied.received_at
                     WHERE m.source_id = $1 AND m.state = 'recorded' ORDER BY m.lane, m.received_at, m.id"
                ),
                args![source_id, before],
            )
            .await?;
        let mut turned = Vec::new();
        for fresh in recorded.chunk_by(TiedRow::is_of_one_second) {
            let waits = waiting.iter().filter(|one| one.is_of_one_second(&fresh[0]));
            let mails: Vec<&TiedRow> = waits.chain(fresh).collect();
            let each: Vec<Tied> = mails.iter().map(|mail| mail.tied()).collect();
            for (mail, turn) in mails.iter().zip(turns(&each)) {
                let turn = i64::try_from(turn).unwrap_or(i64::MAX);
                turned.push(args![mail.id, fresh[0].base.saturating_add(turn)]);
            }
        }
        tx.execute_rows(
            sql_rows! {
                head: "WITH v(id, turn) AS (VALUES ",
                row: "($:UUID, $:BIGINT)",
                tail: ") UPDATE message SET turn = v.turn FROM v WHERE message.id = v.id AND message.lease_until = 0",
            },
            rows(turned.into_iter()),
            args![],
        )
        .await?;
        tx.execute(
            sql!(
                "UPDATE message SET state = 'ready' WHERE source_id = $1 AND state = 'recorded' AND received_at < $2"
            ),
            args![source_id, before],
        )
        .await
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tied(message_id: &str, answers: &[&str]) -> Tied {
        Tied {
            message_id: Some(message_id.to_owned()),
            answers: answers.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    /// Promise: however the mails of one second are listed, a reply comes after what it answers, through whole conversations.
    #[test]
    fn a_reply_comes_after_what_it_answers() {
        let listed = [tied("c", &["b"]), tied("b", &["a"]), tied("x", &[]), tied("a", &[])];
        assert_eq!(turns(&listed), [3, 2, 0, 1]);
        // The parent is missing; what that one answered is not.
        assert_eq!(turns(&[tied("c", &["gone", "a"]), tied("a", &[])]), [1, 0]);
    }

    /// Promise: what answers nothing here keeps the order in which it was listed.
    #[test]
    fn strangers_keep_their_order() {
        let listed = [tied("a", &["elsewhere"]), tied("b", &[]), Tied::default(), tied("b", &[])];
        assert_eq!(turns(&listed), [0, 1, 2, 3]);
    }

    /// Promise: mails that answer each other or themselves have their turns all the same.
    #[test]
    fn a_circle_is_broken_at_its_first() {
        assert_eq!(turns(&[tied("a", &["b"]), tied("b", &["a"])]), [0, 1]);
        assert_eq!(turns(&[tied("a", &["a"])]), [0]);
        assert_eq!(turns(&[tied("r", &["a"]), tied("a", &["b"]), tied("b", &["a"])]), [1, 0, 2]);
    }

    proptest! {
        /// Promise: each mail has a turn of its own, and where nothing goes in a circle no reply has one before its parent.
        #[test]
        fn turns_are_an_order(
            parents in prop::collection::vec(prop::option::of(0_usize..20), 0..20),
            listed in prop::collection::vec(any::<u32>(), 20),
        ) {
            // A mail answers an earlier one, and all are listed in another order than they were written in.
            let mut order: Vec<usize> = (0..parents.len()).collect();
            order.sort_by_key(|n| listed[*n]);
            let answers = |n: usize| parents[n].filter(|_| n > 0).map(|parent| (parent % n).to_string());
            let mails: Vec<Tied> = order
                .iter()
                .map(|n| Tied { message_id: Some(n.to_string()), answers: answers(*n).into_iter().collect() })
                .collect();
            let turns = turns(&mails);
            let distinct: BTreeSet<usize> = turns.iter().copied().collect();
            prop_assert_eq!(distinct, (0..mails.len()).collect::<BTreeSet<_>>());
            for (mail, turn) in mails.iter().zip(&turns) {
                for parent in &mail.answers {
                    let at = mails.iter().position(|other| other.message_id.as_ref() == Some(parent));
                    prop_assert!(turns[at.expect("written before")] < *turn);
                }
            }
        }
    }
}
