//! The worker: claims messages, takes each through read and decide to a frozen plan, and carries the plan out.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use fault::Fault;
use jiff::Timestamp;
use ledger::carry::{Carried, Effect, Journal, NotCommitted, Work};
use ledger::load::StoredContent;
use ledger::{
    Change, Content, Ending, Fate, GroupCommit, Ledger, Message, NewPlan, Stage, carry_out, failpoint,
};
use mail::Mail;
use rules::{Decision, Plan, Trace};
use store::{Blobs, Clock, Db};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::decide::{self, Facts};
use super::effects::{Body, MailEffect};
use super::judge::{self, Verdict};
use super::read::{self, Stored};
use super::shadow;
use crate::connections::{Connections, Destination};
use crate::web::live::Bus;

/// Messages in hand at once. More would only wait for Jira's pace.
const IN_HAND: usize = 96;
/// Claims are made for at least this many at a time while there is a backlog: one transaction for all of them.
const CLAIM: usize = 32;

/// The worker's tools. Cheap to clone.
#[derive(Clone)]
pub struct Worker {
    /// The database.
    pub db: Db,
    /// The ledger.
    pub ledger: Ledger,
    /// Where changes go.
    pub journal: GroupCommit,
    /// Mailboxes and Jira.
    pub connections: Arc<Connections>,
    /// MIME.
    pub blobs: Blobs,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Tells open pages.
    pub bus: Bus,
    /// Rung when there is something to do.
    pub wake: Arc<Notify>,
    /// This process.
    pub owner: Uuid,
}

/// A message with what is stored of it.
struct Loaded {
    message: Message,
    content: Option<StoredContent>,
    deadline: Instant,
}

/// Why a message could not be taken further now.
enum Stop {
    /// The lease was lost, or the database refused: the ledger is as it was, somebody comes back to it.
    NotCommitted(NotCommitted),
    /// The message has its end, or was given back.
    Over,
}

impl From<NotCommitted> for Stop {
    fn from(error: NotCommitted) -> Self {
        Self::NotCommitted(error)
    }
}

/// Whether asking again for a mail's MIME is of no use: it is gone, or Exchange cannot convert it.
fn cannot_be_had(fault: &Fault) -> bool {
    fault.status == Some(404) || fault.entry.class == fault::Class::Poison
}

impl Worker {
    /// Works until `stop`; then finishes what is in hand.
    pub async fn run(self, stop: CancellationToken) {
        let hands = Arc::new(Semaphore::new(IN_HAND));
        let tracker = TaskTracker::new();
        let mut failures = 0_u32;
        while !stop.is_cancelled() {
            let free = hands.available_permits();
            if free < CLAIM {
                // Claims in bulk: one transaction for many.
                tokio::select! {
                    permits = hands.acquire_many(u32::try_from(CLAIM).unwrap_or(1)) => drop(permits),
                    () = stop.cancelled() => break,
                }
                continue;
            }
            match self.claim(free).await {
                Ok(batch) if batch.is_empty() => {
                    failures = 0;
                    let until = self.next_due().await;
                    tokio::select! {
                        () = self.wake.notified() => {}
                        () = tokio::time::sleep(until) => {}
                        () = stop.cancelled() => break,
                    }
                }
                Ok(batch) => {
                    failures = 0;
                    failpoint::hit("I3");
                    for loaded in batch {
                        let Ok(permit) = Arc::clone(&hands).try_acquire_owned() else { break };
                        let worker = self.clone();
                        tracker.spawn(async move {
                            worker.handle(loaded).await;
                            drop(permit);
                            worker.wake.notify_one();
                        });
                    }
                }
                Err(error) => {
                    failures += 1;
                    tracing::error!(%error, "no mail can be claimed, trying again");
                    let pause = Duration::from_millis(200 << failures.min(7));
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = stop.cancelled() => break,
                    }
                }
            }
        }
        tracker.close();
        tracker.wait().await;
    }

    async fn next_due(&self) -> Duration {
        let now = self.clock.now();
        let due = async {
            let mut tx = self.db.begin().await?;
            let due = self.ledger.next_due(&mut tx, now).await?;
            tx.rollback().await?;
            Ok::<_, store::StoreError>(due)
        };
        let wait = match due.await {
            Ok(Some(due)) => Duration::try_from(due.duration_since(now)).unwrap_or_default(),
            _ => Duration::from_secs(5),
        };
        wait.clamp(Duration::from_millis(20), Duration::from_secs(5))
    }

    async fn claim(&self, limit: usize) -> Result<Vec<Loaded>, store::StoreError> {
        let asked = Instant::now();
        let mut tx = self.db.begin().await?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let messages = self.ledger.claim(&mut tx, self.owner, self.clock.now(), limit).await?;
        tx.commit().await?;
        let ids: Vec<Uuid> = messages.iter().map(|message| message.id).collect();
        let mut contents = self.ledger.contents(&self.db, &ids).await?;
        let deadline = asked + self.ledger.timing.lease;
        Ok(messages
            .into_iter()
            .map(|message| Loaded { content: contents.remove(&message.id), message, deadline })
            .collect())
    }

    #[tracing::instrument(skip_all, fields(message = %loaded.message.id))]
    async fn handle(&self, loaded: Loaded) {
        let source = loaded.message.source_id;
        match self.take_further(loaded).await {
            Ok(()) | Err(Stop::Over | Stop::NotCommitted(NotCommitted::Stopped)) => {}
            Err(Stop::NotCommitted(NotCommitted::LeaseLost)) => {
                tracing::info!("another worker took the message over");
            }
            Err(Stop::NotCommitted(NotCommitted::Store(error))) => {
                // Nothing was written to Jira on the strength of it; the claim runs out and the message comes back.
                tracing::warn!(%error, "a change was not committed; the message is taken up again when its lease is over");
            }
        }
        self.bus.tell("messages");
        self.bus.tell(&format!("source-{source}"));
    }

    async fn take_further(&self, loaded: Loaded) -> Result<(), Stop> {
        let Loaded { mut message, content, deadline } = loaded;
        if message.stage != Stage::Act && message.attempts > judge::DEATHS {
            let reason = "Postroom stopped ten times while it read this mail; it is set aside so that the others go on. \
                          Retry it when the cause is known, or discard it";
            return self.hold(&message, "read", reason).await;
        }
        let destination = match self.connections.destination_of(message.source_id).await {
            Ok(destination) => destination,
            Err(fault) => return self.give_back(&mut message, &fault, 0).await,
        };
        let Some(content) = content else {
            return self
                .hold(&message, "read", "its content is not stored any more; look for it in the mailbox")
                .await;
        };
        let stored = self.fetch_mime(&mut message, content).await?;
        let Some((mail, body)) = self.read(&message, stored).await? else { return Ok(()) };
        let (work, effect) = if message.has_plan {
            self.resume(message, deadline, destination, mail, body).await?
        } else {
            self.plan(message, deadline, destination, mail, body).await?
        };
        self.carry(work, effect).await
    }

    /// MIME that is needed is fetched before anything else is done.
    async fn fetch_mime(&self, message: &mut Message, content: StoredContent) -> Result<Stored, Stop> {
        let mut stored =
            Stored { page: content.page.to_vec(), mime: None, mime_gone: message.content == Content::Gone };
        match message.content {
            Content::AwaitingMime => {
                let fetched = match self.connections.mailbox_of(message.source_id).await {
                    Ok(mailbox) => mailbox.mime(&message.native_id.as_str().into()).await,
                    Err(fault) => Err(fault),
                };
                match fetched {
                    Ok(mime) => {
                        let name = format!("mime-{}", message.id);
                        if let Err(error) = self.blobs.put(&name, &mime).await {
                            tracing::error!(%error, "the MIME of a mail could not be stored");
                            let fault = Fault::own("own.store", &error.to_string());
                            self.give_back(message, &fault, 0).await?;
                            return Err(Stop::Over);
                        }
                        message.content = Content::Mime;
                        stored.mime = Some(mime);
                    }
                    // Neither its fields nor its MIME: nothing to go by, and nothing to throw away.
                    Err(fault) if cannot_be_had(&fault) && !read::has_content(&stored.page) => {
                        let reason = format!(
                            "the mailbox tells neither its fields nor its MIME. {} Open the mail in Outlook: if it can be read there, retry it; if not, discard it",
                            fault.sentence()
                        );
                        self.hold(message, "read", &reason).await?;
                        return Err(Stop::Over);
                    }
                    // Gone meanwhile, or nothing that Exchange can convert: the JSON must do, and the trace says so.
                    Err(fault) if cannot_be_had(&fault) => {
                        tracing::info!(%fault, "the MIME of a mail cannot be had, going on with the page");
                        message.content = Content::Gone;
                        stored.mime_gone = true;
                    }
                    Err(fault) => {
                        self.give_back(message, &fault, 0).await?;
                        return Err(Stop::Over);
                    }
                }
            }
            Content::Mime => match self.blobs.get(&format!("mime-{}", message.id)).await {
                Ok(Some(mime)) => stored.mime = Some(mime),
                Ok(None) => {
                    let reason = "its stored content is gone from the object store; restore it, or discard the message";
                    self.hold(message, "read", reason).await?;
                    return Err(Stop::Over);
                }
                Err(error) => {
                    let reason = format!(
                        "its stored content cannot be read ({error}); restore it, or discard the message"
                    );
                    self.hold(message, "read", &reason).await?;
                    return Err(Stop::Over);
                }
            },
            Content::Page | Content::Gone | Content::Erased => {}
        }
        Ok(stored)
    }

    async fn read(&self, message: &Message, stored: Stored) -> Result<Option<(Arc<Mail>, Arc<Body>)>, Stop> {
        // Large mail is read beside the runtime's workers, so that it never stands in the way of the small ones.
        let large = stored.mime.as_ref().map_or(stored.page.len(), bytes::Bytes::len) > 256 << 10;
        let read = move || {
            std::panic::catch_unwind(AssertUnwindSafe(|| {
                let mail = read::read(&stored)?;
                let body = Body::of(&mail);
                Ok::<_, read::CannotRead>((Arc::new(mail), Arc::new(body)))
            }))
        };
        let result = if large {
            tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| Err(Box::new(error)))
        } else {
            read()
        };
        let reason = match result {
            Ok(Ok(read)) => return Ok(Some(read)),
            Ok(Err(cannot)) => cannot.to_string(),
            Err(_) => "reading it ran into a defect of Postroom; keep the mail and report it".to_owned(),
        };
        self.hold(message, "read", &reason).await?;
        Ok(None)
    }

    async fn plan(
        &self,
        mut message: Message,
        deadline: Instant,
        destination: Arc<Destination>,
        mail: Arc<Mail>,
        body: Arc<Body>,
    ) -> Result<(Work, MailEffect), Stop> {
        let facts = Facts { db: &self.db, ledger: &self.ledger, connections: &self.connections };
        let decided = match decide::decide(&facts, &message, &destination, &mail, &body).await {
            Ok(decided) => decided,
            Err(fault) => {
                self.give_back(&mut message, &fault, 0).await?;
                return Err(Stop::Over);
            }
        };
        let decided = match self.connections.is_shadow(message.source_id).await {
            Ok(false) => decided,
            Ok(true) => shadow::shadowed(decided),
            Err(fault) => {
                self.give_back(&mut message, &fault, 0).await?;
                return Err(Stop::Over);
            }
        };
        self.freeze(message, deadline, destination, mail, body, decided, 0).await
    }

    /// Commits a plan, together with the intent of its first step or, where there is nothing to do, the end.
    #[allow(clippy::too_many_arguments, reason = "what a plan is made of; each is used once")]
    async fn freeze(
        &self,
        mut message: Message,
        deadline: Instant,
        destination: Arc<Destination>,
        mail: Arc<Mail>,
        body: Arc<Body>,
        decision: Decision,
        revision: i64,
    ) -> Result<(Work, MailEffect), Stop> {
        let Decision { plan, trace } = decision;
        message.has_plan = true;
        message.stage = Stage::Act;
        message.attempts = 0;
        let steps = decide::steps(&self.ledger.keys, &message, &plan);
        let new = NewPlan {
            revision,
            format: Plan::FORMAT,
            body: serde_json::to_vec(&plan).unwrap_or_default(),
            trace: serde_json::to_vec::<Trace>(&trace).unwrap_or_default(),
        };
        let effect = MailEffect { destination, mail, body, plan };
        let mut work = Work { message, steps, fresh_intent: false, deadline };
        let fate = if work.steps.is_empty() { Fate::Ended(effect.ending(&[])) } else { Fate::GoesOn };
        work.intend_first(&effect, self.clock.now());
        let asked = Instant::now();
        let mut change = Change::of(&work.message, fate.clone()).with_steps(work.steps.clone());
        change.plan = Some(new);
        self.journal.commit(change).await?;
        work.deadline = asked + self.ledger.timing.lease;
        if matches!(fate, Fate::Ended(_)) {
            return Err(Stop::Over);
        }
        Ok((work, effect))
    }

    /// Takes a plan up that was begun before: by this process, by one that was killed, or by another node.
    async fn resume(
        &self,
        mut message: Message,
        deadline: Instant,
        destination: Arc<Destination>,
        mail: Arc<Mail>,
        body: Arc<Body>,
    ) -> Result<(Work, MailEffect), Stop> {
        let loaded = async {
            let plan = self.ledger.plan(&self.db, message.id).await?;
            let steps = self.ledger.steps(&self.db, message.id).await?;
            Ok::<_, store::StoreError>((plan, steps))
        };
        let (stored, steps) = match loaded.await {
            Ok((Some(plan), steps)) => (plan, steps),
            Ok((None, _)) => {
                self.hold(&message, "act", "its plan is missing from the database; retry it or discard it")
                    .await?;
                return Err(Stop::Over);
            }
            Err(error) => {
                self.give_back(&mut message, &Fault::own("own.store", &error.to_string()), 0).await?;
                return Err(Stop::Over);
            }
        };
        let plan = if stored.format > Plan::FORMAT {
            None
        } else {
            serde_json::from_slice::<Plan>(&stored.body).ok()
        };
        let Some(plan) = plan else {
            let reason = "its plan was made by a newer version of Postroom; run that version, or retry the mail with this one";
            self.hold(&message, "act", reason).await?;
            return Err(Stop::Over);
        };
        let effect = MailEffect { destination, mail, body, plan };
        Ok((Work { message, steps, fresh_intent: false, deadline }, effect))
    }

    async fn carry(&self, mut work: Work, effect: MailEffect) -> Result<(), Stop> {
        let carried = carry_out(&mut work, &effect, &self.journal, self.ledger.timing).await;
        let destination = Arc::clone(&effect.destination);
        match carried {
            Carried::Ended(ending) => {
                self.connections.destination_works(&destination).await;
                tracing::info!(?ending, "mail handled");
                Ok(())
            }
            Carried::Waiting { until, fault } => {
                tracing::info!(%until, fault = fault.map(|f| f.to_string()), "in doubt, looking again then");
                Ok(())
            }
            Carried::Held(reason) => {
                tracing::warn!(%reason, "mail held");
                Ok(())
            }
            Carried::CouldNotProbe { fault, .. } => {
                let failures = destination.failures();
                self.stop_destination(&mut work.message, &destination, &fault, failures).await
            }
            Carried::Refused { index, fault } => self.judge(work, index, effect, fault).await,
            Carried::NotCommitted(error) => Err(error.into()),
        }
    }

    async fn judge(
        &self,
        mut work: Work,
        index: usize,
        effect: MailEffect,
        fault: Fault,
    ) -> Result<(), Stop> {
        let now = self.clock.now();
        let destination = Arc::clone(&effect.destination);
        let existing = work.steps[index].slot != ledger::Slot::Issue;
        let verdict = judge::refused(&fault, existing, work.message.attempts, destination.failures(), now);
        tracing::info!(%fault, ?verdict, slot = %work.steps[index].slot, "Jira refused");
        match verdict {
            Verdict::StopDestination { .. } => {
                let failures = destination.failures();
                self.stop_destination(&mut work.message, &destination, &fault, failures).await
            }
            Verdict::Wait { at } => self.release(&mut work.message, at).await,
            Verdict::TryAgain { at } => {
                work.message.attempts += 1;
                self.journal.commit(Change::of(&work.message, Fate::Released { not_before: at })).await?;
                Ok(())
            }
            Verdict::Hold => {
                let reason = format!("{} Retry it when that is mended, or discard it.", fault.sentence());
                self.hold(&work.message, "act", &reason).await
            }
            Verdict::DecideAnew => {
                // What was attached there is gone with it: a new generation begins from nothing.
                work.message.generation += 1;
                let facts = Facts { db: &self.db, ledger: &self.ledger, connections: &self.connections };
                let gone = decide::gone_issue(&effect.plan, &work.steps);
                let decided = decide::decide_without(
                    &facts,
                    &work.message,
                    &destination,
                    &effect.mail,
                    &effect.body,
                    gone.as_deref(),
                )
                .await;
                match decided {
                    Ok(decision) => {
                        let (work, effect) = self
                            .freeze(
                                work.message,
                                work.deadline,
                                destination,
                                effect.mail,
                                effect.body,
                                decision,
                                0,
                            )
                            .await?;
                        Box::pin(self.carry(work, effect)).await
                    }
                    Err(fault) => self.give_back(&mut work.message, &fault, 0).await,
                }
            }
        }
    }

    /// A fault of the other side: the destination stops and says so, the message waits uncounted.
    async fn stop_destination(
        &self,
        message: &mut Message,
        destination: &Destination,
        fault: &Fault,
        failures: i64,
    ) -> Result<(), Stop> {
        let now = self.clock.now();
        let until = match judge::refused(fault, false, 0, failures, now) {
            Verdict::StopDestination { until, needs_person } => {
                self.connections.stop_destination(destination, fault, until, needs_person).await;
                until
            }
            _ => judge::after(now, judge::wait(fault, failures)),
        };
        self.release(message, until).await
    }

    /// Gives the message back after a fault that is not its own.
    async fn give_back(&self, message: &mut Message, fault: &Fault, failures: i64) -> Result<(), Stop> {
        tracing::info!(%fault, "waiting for the other side");
        let until = judge::after(self.clock.now(), judge::wait(fault, failures.max(2)));
        self.release(message, until).await
    }

    async fn release(&self, message: &mut Message, not_before: Timestamp) -> Result<(), Stop> {
        if message.stage != Stage::Act {
            // Counted when it was claimed; this was not its fault.
            message.attempts = (message.attempts - 1).max(0);
        }
        self.journal.commit(Change::of(message, Fate::Released { not_before })).await?;
        Ok(())
    }

    async fn hold(&self, message: &Message, by: &str, reason: &str) -> Result<(), Stop> {
        tracing::warn!(by, reason, "mail held");
        let ending = Ending::Held { by: by.to_owned(), reason: reason.to_owned() };
        self.journal.commit(Change::of(message, Fate::Ended(ending))).await?;
        Ok(())
    }
}
