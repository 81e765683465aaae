//! Making changes durable, many at a time.
//!
//! Workers hand their [`Change`]s to one committer. It takes whatever is waiting, writes it in one transaction with a few
//! statements of many rows each, and answers everybody after the commit (ADR 0002). A change whose claim is no longer ours
//! touches nothing. A batch that fails is tried again one change at a time, so that only the guilty one fails.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use sqlx::FromRow;
use store::{Args, Clock, Db, Place, Rows, StoreError, Tx, args, sql, sql_rows};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

use crate::carry::{Journal, NotCommitted};
use crate::failpoint::{self, Wanted};
use crate::state::StepState;
use crate::work::{Change, Claim, Ending, Fate};
use crate::{Ledger, rows};

/// How many changes one transaction takes at most.
const BATCH: usize = 128;

/// Under load the committer waits this long for company: one transaction for what would else be several. When little is
/// going on, a change is committed at once.
const COMPANY: Duration = Duration::from_millis(150);
/// Load is when a commit of several changes was made within this time before.
const BUSY: Duration = Duration::from_millis(100);
/// That many changes are several: one mail on its way makes two, one after the other.
const SEVERAL: usize = 3;

type Answer = oneshot::Sender<Result<(), NotCommitted>>;

/// The committer's front. Cheap to clone; the task behind it ends when the last one is dropped.
#[derive(Clone, Debug)]
pub struct GroupCommit {
    queue: mpsc::Sender<(Change, Answer)>,
    clock: Arc<dyn Clock>,
}

impl GroupCommit {
    /// Starts the committer. `watch` is told what became of each transaction: an error that [is fatal](StoreError::is_fatal)
    /// means that the disk failed and the process must stop (I14); a full disk (I13) lasts until a commit succeeds.
    pub fn start(
        db: Db,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        watch: impl Fn(Result<(), &StoreError>) + Send + Sync + 'static,
    ) -> Self {
        let (queue, waiting) = mpsc::channel(1024);
        let task_clock = Arc::clone(&clock);
        tokio::spawn(async move {
            let mut committer = Committer { db, ledger, clock: task_clock, waiting };
            committer.run(&watch).await;
        });
        Self { queue, clock }
    }
}

impl Journal for GroupCommit {
    fn commit(&self, change: Change) -> BoxFuture<'_, Result<(), NotCommitted>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let gone = || NotCommitted::Stopped;
            self.queue.send((change, answer)).await.map_err(|_| gone())?;
            answered.await.map_err(|_| gone())?
        })
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

struct Committer {
    db: Db,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    waiting: mpsc::Receiver<(Change, Answer)>,
}

impl Committer {
    async fn run(&mut self, watch: &(impl Fn(Result<(), &StoreError>) + Send + Sync)) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut last: Option<Instant> = None;
        while self.waiting.recv_many(&mut batch, BATCH).await > 0 {
            if last.is_some_and(|last| last.elapsed() < BUSY) && batch.len() < BATCH {
                tokio::time::sleep(COMPANY).await;
                while batch.len() < BATCH
                    && let Ok(more) = self.waiting.try_recv()
                {
                    batch.push(more);
                }
            }
            last = (batch.len() >= SEVERAL).then(Instant::now);
            let (changes, answers): (Vec<Change>, Vec<Answer>) = batch.drain(..).unzip();
            let committed = self.commit(&changes).await;
            watch(committed.as_ref().map(|_| ()));
            match committed {
                Ok(held) => {
                    for (change, answer) in changes.iter().zip(answers) {
                        let result = if held.contains(&change.message.claim()) {
                            Ok(())
                        } else {
                            Err(NotCommitted::LeaseLost)
                        };
                        let _ = answer.send(result);
                    }
                }
                Err(error) if error.is_fatal() => {
                    for answer in answers {
                        let _ = answer.send(Err(error.clone().into()));
                    }
                }
                Err(error) if changes.len() == 1 => {
                    for answer in answers {
                        let _ = answer.send(Err(error.clone().into()));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, changes = changes.len(), "a batch was refused, committing one by one");
                    for (change, answer) in changes.into_iter().zip(answers) {
                        let claim = change.message.claim();
                        let committed = self.commit(&[change]).await;
                        watch(committed.as_ref().map(|_| ()));
                        let result = match committed {
                            Ok(held) if held.contains(&claim) => Ok(()),
                            Ok(_) => Err(NotCommitted::LeaseLost),
                            Err(error) => Err(NotCommitted::from(error)),
                        };
                        let _ = answer.send(result);
                    }
                }
            }
        }
    }

    async fn commit(&self, changes: &[Change]) -> Result<HashSet<Claim>, StoreError> {
        if failpoint::hit("I13") == Wanted::Fail {
            return Err(StoreError::DiskFull {
                place: "failpoint I13".to_owned(),
                detail: "injected".to_owned(),
            });
        }
        if failpoint::hit("I14") == Wanted::Fail {
            return Err(StoreError::Io {
                place: "failpoint I14".to_owned(),
                detail: "fsync failed, injected".to_owned(),
            });
        }
        let mut tx = self.db.begin().await?;
        let held = self.ledger.apply(&mut tx, changes, self.clock.now()).await?;
        tx.commit().await?;
        Ok(held)
    }
}

#[derive(FromRow)]
struct Held {
    id: Uuid,
    fence: i64,
}

impl Ledger {
    /// Applies changes within a transaction; returns the claims that still held. Changes of others touch nothing. A message may
    /// stand in one batch twice: with the same claim (later changes win), or with one that was lost and the one that holds.
    pub async fn apply(
        &self,
        tx: &mut Tx,
        changes: &[Change],
        now: Timestamp,
    ) -> Result<HashSet<Claim>, StoreError> {
        let lease_until =
            now.as_microsecond() + i64::try_from(self.timing.lease.as_micros()).unwrap_or(i64::MAX / 2);
        let last: HashMap<Claim, &Change> =
            changes.iter().map(|change| (change.message.claim(), change)).collect();
        let messages = rows(last.values().map(|change| message_row(change, now, lease_until)));
        let held: Vec<Held> = tx
            .fetch_rows(
                sql_rows! {
                    head: "WITH v(id, fence, state, ending, ended_by, reason, ended_at, issue_id, issue_key, comment_id,
                        generation, stage, attempts, content, not_before, lease_until, mark, destination_id) AS (VALUES ",
                    row: "($:UUID, $:BIGINT, $:TEXT, $:TEXT, $:TEXT, $:TEXT,
                        $:BIGINT, $:TEXT, $:TEXT, $:TEXT, $:BIGINT,
                        $:TEXT, $:BIGINT, $:TEXT, $:BIGINT, $:BIGINT,
                        $:TEXT, $:UUID)",
                    tail: ") UPDATE message SET state = v.state, ending = v.ending, ended_by = v.ended_by, reason = v.reason,
                        ended_at = v.ended_at, issue_id = v.issue_id, issue_key = v.issue_key, comment_id = v.comment_id,
                        generation = v.generation, stage = v.stage, attempts = v.attempts, content = v.content,
                        not_before = v.not_before, lease_until = v.lease_until, mark = v.mark, destination_id = v.destination_id
                      FROM v WHERE message.id = v.id AND message.fence = v.fence
                      RETURNING message.id, message.fence",
                },
                messages,
                args![],
            )
            .await?;
        let held: HashSet<Claim> = held.into_iter().map(|row| (row.id, row.fence)).collect();
        let ours = || changes.iter().filter(|change| held.contains(&change.message.claim()));
        self.apply_plans(tx, ours(), now).await?;
        let highest: HashMap<Uuid, i64> =
            ours().filter_map(|change| change.highest).fold(HashMap::new(), |mut all, (id, number)| {
                let seen = all.entry(id).or_insert(number);
                *seen = (*seen).max(number);
                all
            });
        for (destination, number) in highest {
            tx.execute(
                sql!("UPDATE destination SET highest_key = $1 WHERE id = $2 AND highest_key < $1"),
                args![number, destination],
            )
            .await?;
        }
        let adopted = rows(
            ours()
                .flat_map(|change| &change.adopted)
                .map(|(destination, kind, remote, op)| args![*destination, *kind, remote, &op.0]),
        );
        tx.execute_rows(
            sql_rows! {
                head: "INSERT INTO adopted (destination_id, kind, remote_id, op) VALUES ",
                row: "($:UUID, $, $, $)",
                tail: " ON CONFLICT (destination_id, kind, remote_id) DO NOTHING",
            },
            adopted,
            args![],
        )
        .await?;
        Ok(held)
    }

    async fn apply_plans<'a>(
        &self,
        tx: &mut Tx,
        changes: impl Iterator<Item = &'a Change>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (mut plans, mut inserted, mut updated) = (Rows::new(), Rows::new(), HashMap::new());
        for change in changes {
            let message = &change.message;
            let Some(plan) = &change.plan else {
                for step in &change.steps {
                    updated.insert(step.id, step);
                }
                continue;
            };
            let id = Uuid::now_v7();
            let seal = |column, plain: &[u8]| self.sealer.seal(&Place::new("plan", column, id), plain);
            plans.push(args![
                id,
                message.workspace_id,
                message.id,
                message.generation,
                plan.revision,
                plan.format,
                seal("body_sealed", &plan.body),
                seal("trace_sealed", &plan.trace),
                now,
            ]);
            for step in &change.steps {
                let (state, doubt_until) = state_columns(step.state);
                inserted.push(args![
                    step.id,
                    id,
                    message.id,
                    step.position,
                    step.slot.to_string(),
                    &step.op.0,
                    state,
                    step.intent_at,
                    doubt_until,
                    step.mark,
                    step.attempts,
                    now,
                ]);
            }
        }
        tx.execute_rows(
            sql_rows! {
                head: "INSERT INTO plan (id, workspace_id, message_id, generation, revision, format, body_sealed, trace_sealed, created_at) VALUES ",
                row: "($:UUID, $:UUID, $:UUID, $:BIGINT, $:BIGINT, $:BIGINT, $:BYTEA, $:BYTEA, $:BIGINT)",
                tail: "",
            },
            plans,
            args![],
        )
        .await?;
        // A revision takes over the steps of its generation: an op exists once.
        tx.execute_rows(
            sql_rows! {
                head: "INSERT INTO step (id, plan_id, message_id, position, slot, op, state, intent_at, doubt_until, mark, attempts, updated_at) VALUES ",
                row: "($:UUID, $:UUID, $:UUID, $:BIGINT, $, $, $, $:BIGINT, $:BIGINT, $:BIGINT, $:BIGINT, $:BIGINT)",
                tail: " ON CONFLICT (op) DO UPDATE SET plan_id = excluded.plan_id, position = excluded.position",
            },
            inserted,
            args![],
        )
        .await?;
        let updates = rows(updated.into_values().map(|step| {
            let (state, doubt_until) = state_columns(step.state);
            args![
                step.id,
                state,
                step.intent_at,
                doubt_until,
                step.mark,
                step.attempts,
                step.remote.as_ref().and_then(|remote| serde_json::to_string(remote).ok()),
                step.fault.as_ref().and_then(|fault| serde_json::to_string(&fault.to_record()).ok()),
                now,
            ]
        }));
        tx.execute_rows(
            sql_rows! {
                head: "WITH v(id, state, intent_at, doubt_until, mark, attempts, remote, fault, updated_at) AS (VALUES ",
                row: "($:UUID, $:TEXT, $:BIGINT, $:BIGINT, $:BIGINT, $:BIGINT, $:TEXT, $:TEXT, $:BIGINT)",
                tail: ") UPDATE step SET state = v.state, intent_at = v.intent_at, doubt_until = v.doubt_until, mark = v.mark,
                    attempts = v.attempts, remote = v.remote, fault = v.fault, updated_at = v.updated_at
                  FROM v WHERE step.id = v.id",
            },
            updates,
            args![],
        )
        .await?;
        Ok(())
    }
}

fn state_columns(state: StepState) -> (&'static str, Option<Timestamp>) {
    match state {
        StepState::Planned => ("planned", None),
        StepState::Intent => ("intent", None),
        StepState::InDoubt { until } => ("in_doubt", Some(until)),
        StepState::Done => ("done", None),
        StepState::Held => ("held", None),
    }
}

fn message_row(change: &Change, now: Timestamp, lease_until: i64) -> Args {
    let message = &change.message;
    let (state, not_before, lease_until) = match &change.fate {
        Fate::GoesOn => (if message.has_plan { "acting" } else { "ready" }, 0, lease_until),
        Fate::Released { not_before } => {
            (if message.has_plan { "acting" } else { "ready" }, not_before.as_microsecond(), 0)
        }
        Fate::Ended(Ending::Held { .. }) => ("held", 0, 0),
        Fate::Ended(_) => ("ended", 0, 0),
    };
    let (ending, by, reason, issue_id, issue_key, comment_id) = match &change.fate {
        Fate::GoesOn | Fate::Released { .. } => (None, None, None, None, None, None),
        Fate::Ended(ending) => match ending {
            Ending::Issue { id, key } => (Some("issue"), None, None, Some(id), Some(key), None),
            Ending::Comment { issue_id, issue_key, comment_id } => {
                (Some("comment"), None, None, Some(issue_id), Some(issue_key), Some(comment_id))
            }
            Ending::Ignored { rule, reason } => (Some("ignored"), Some(rule), Some(reason), None, None, None),
            Ending::Held { by, reason } => (Some("held"), Some(by), Some(reason), None, None, None),
        },
    };
    let mark = if matches!(change.fate, Fate::Ended(Ending::Issue { .. } | Ending::Comment { .. })) {
        "due"
    } else {
        "none"
    };
    args![
        message.id,
        message.fence,
        state,
        ending,
        by.cloned(),
        reason.cloned(),
        ending.map(|_| now),
        issue_id.cloned(),
        issue_key.cloned(),
        comment_id.cloned(),
        message.generation,
        message.stage.column(),
        message.attempts,
        message.content.column(),
        not_before,
        lease_until,
        mark,
        message.destination_id,
    ]
}
