//! Marking handled mail in the mailbox: off the critical path, in batches, and never a truth (a person who reads a mail in
//! Outlook changes nothing). Marking again is harmless; a mail that is gone counts as marked (I10).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use ledger::failpoint;
use microsoft::{Change, Changed};
use store::{Clock, Db};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::judge;
use super::store::{self as rows, DueMark, Marked, Outcome};
use crate::connections::Connections;

/// Changes in one request: what Graph's `$batch` takes.
const BATCH: usize = 20;
/// A mark that fails this often for a reason of its own is given up, on record.
const ATTEMPTS: i64 = 8;

/// Marks mail. Cheap to clone.
#[derive(Clone)]
pub struct Marker {
    /// The database.
    pub db: Db,
    /// Mailboxes.
    pub connections: Arc<Connections>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Marker {
    /// Marks what is due, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let marked = match self.pass().await {
                Ok(marked) => marked,
                Err(error) => {
                    tracing::warn!(%error, "handled mail cannot be marked now, trying again");
                    0
                }
            };
            // A full batch means that more is waiting.
            if marked < BATCH {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_secs(1)) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
    }

    /// One pass; returns how many marks were tried.
    pub async fn pass(&self) -> Result<usize, store::StoreError> {
        let now = self.clock.now();
        let due = rows::due_marks(&self.db, now, BATCH * 4).await?;
        let tried = due.len();
        let mut by_source: BTreeMap<Uuid, Vec<DueMark>> = BTreeMap::new();
        for mark in due {
            by_source.entry(mark.source_id).or_default().push(mark);
        }
        for (source, marks) in by_source {
            for batch in marks.chunks(BATCH) {
                self.mark(source, batch).await?;
            }
        }
        Ok(tried)
    }

    async fn mark(&self, source: Uuid, batch: &[DueMark]) -> Result<(), store::StoreError> {
        failpoint::hit("I10");
        let now = self.clock.now();
        let mailbox = match self.connections.mailbox_of(source).await {
            Ok(mailbox) => mailbox,
            Err(fault) => {
                let until = judge::after(now, judge::wait(&fault, 4));
                let later = batch.iter().map(|mark| outcome(mark, Marked::Later(until), 0)).collect();
                return rows::marked(&self.db, later).await;
            }
        };
        let changes: Vec<Change> = batch.iter().map(change).collect();
        let results = mailbox.change(&changes).await;
        let mut outcomes = Vec::with_capacity(batch.len());
        for (mark, result) in batch.iter().zip(results) {
            outcomes.push(match result {
                Ok(Changed::Done { id }) => {
                    let moved_to = (id.as_str() != mark.native_id).then(|| id.as_str().to_owned());
                    Outcome { moved_to, ..outcome(mark, Marked::Done, 0) }
                }
                Ok(Changed::Gone) => outcome(mark, Marked::Gone, 0),
                Err(fault) if fault.entry.class == fault::Class::Poison && mark.mark_attempts + 1 >= ATTEMPTS => {
                    tracing::warn!(message = %mark.id, %fault, "a handled mail cannot be marked; it stays as it is");
                    outcome(mark, Marked::Failed, 1)
                }
                Err(fault) => {
                    let counted = i64::from(fault.entry.class == fault::Class::Poison);
                    let wait = judge::wait(&fault, mark.mark_attempts + 2).max(SignedDuration::from_secs(2));
                    outcome(mark, Marked::Later(judge::after(now, wait)), counted)
                }
            });
        }
        rows::marked(&self.db, outcomes).await
    }
}

/// What became of a mark, with so many attempts more.
fn outcome(mark: &DueMark, marked: Marked, counted: i64) -> Outcome {
    Outcome {
        id: mark.id,
        asked_by: mark.native_id.clone(),
        marked,
        attempts: mark.mark_attempts + counted,
        moved_to: None,
    }
}

/// What is to be done to one mail: the stamp always (the second ledger, I15), the rest as the source says.
fn change(mark: &DueMark) -> Change {
    let stamp = serde_json::json!({ "k": mark.k, "issue": mark.issue_key }).to_string();
    Change {
        id: mark.native_id.as_str().into(),
        mark_read: mark.handled == "read",
        categories: if mark.handled == "category" { vec![mark.handled_target.clone()] } else { Vec::new() },
        stamp: Some(stamp),
        move_to: (mark.handled == "move").then(|| mark.handled_target.as_str().into()),
        delete: false,
    }
}
