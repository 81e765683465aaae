//! Marking handled mail in the mailbox: off the critical path, in batches, and never a truth (a person who reads a mail in
//! Outlook changes nothing). Marking again is harmless; a mail that is gone counts as marked (I10).
//!
//! A mailbox that does not take the marks keeps nothing from being read: its source says so ([`super::mark_judge`]), and a batch is
//! tried now and then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ledger::failpoint;
use microsoft::Change;
use store::{Clock, Db};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::judge;
use super::mark_judge::{self, Judged, Then};
use super::store::{self as rows, DueMark};
use crate::connections::Connections;
use crate::web::live::Bus;

/// Changes in one request: what Graph's `$batch` takes.
const BATCH: usize = 20;

/// Marks mail. Cheap to clone.
#[derive(Clone)]
pub struct Marker {
    /// The database.
    pub db: Db,
    /// Mailboxes.
    pub connections: Arc<Connections>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Tells open pages.
    pub bus: Bus,
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

    /// One pass; returns how many marks were due.
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
                // Where one batch has to wait, the others would fail of the same.
                if !self.mark(source, batch).await? {
                    break;
                }
            }
        }
        for source in rows::rid_of_marks(&self.db, now).await? {
            tracing::info!(%source, "no handled mail is left that could not be marked");
            self.tell(source);
        }
        Ok(tried)
    }

    /// Marks a batch. `false`: the source's marks wait.
    async fn mark(&self, source: Uuid, batch: &[DueMark]) -> Result<bool, store::StoreError> {
        failpoint::hit("I10");
        let Some(standing) = rows::mark_standing(&self.db, source).await? else { return Ok(false) };
        // Nothing can be asked for without an id.
        let (batch, without): (Vec<DueMark>, Vec<DueMark>) =
            batch.iter().cloned().partition(|mark| mark.has_id != 0);
        if !without.is_empty() {
            rows::marked(&self.db, source, &standing, mark_judge::gone(&without), self.clock.now()).await?;
        }
        if batch.is_empty() {
            return Ok(true);
        }
        let batch = batch.as_slice();
        let judged = match self.connections.mailbox_of(source).await {
            Ok(mailbox) => {
                let changes: Vec<Change> = batch.iter().map(change).collect();
                let results = mailbox.change(&changes).await;
                mark_judge::judge(batch, &results, &standing, self.clock.now(), rand::random())
            }
            Err(fault) => mark_judge::put_off(batch, judge::after(self.clock.now(), judge::wait(&fault, 4))),
        };
        log(source, &judged);
        let goes_on = matches!(judged.then, Then::Nothing | Then::Works);
        let is_news = !goes_on || judged.then == Then::Works || !judged.given_up.is_empty();
        rows::marked(&self.db, source, &standing, judged, self.clock.now()).await?;
        if is_news {
            self.tell(source);
        }
        Ok(goes_on)
    }

    fn tell(&self, source: Uuid) {
        self.bus.tell("sources");
        self.bus.tell(&format!("source-{source}"));
        self.bus.tell("notices");
    }
}

fn log(source: Uuid, judged: &Judged) {
    for fault in &judged.given_up {
        tracing::warn!(%source, %fault, code = %fault.code, detail = fault.detail, "a handled mail cannot be marked; it stays as it is");
    }
    match &judged.then {
        Then::Fails { fault, until, is_told } => {
            tracing::warn!(%source, %fault, code = %fault.code, detail = fault.detail, needs_person = is_told, %until, "handled mail cannot be marked, trying again then");
        }
        Then::Works => tracing::info!(%source, "handled mail is marked again"),
        Then::Nothing | Then::Wait { .. } => {}
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
