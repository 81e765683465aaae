//! The worker: claims messages, takes each through read and decide to a frozen plan, and carries the plan out.

#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use fault::Fault;
use jiff::{SignedDuration, Timestamp};
use ledger::carry::{Carried, Effect, Journal, NotCommitted, Work};
use ledger::load::StoredContent;
use ledger::{
    Change, Content, Ending, Fate, GroupCommit, Ledger, Message, NewPlan, Stage, StepState, carry_out,
    failpoint,
};
use mail::Mail;
use rules::{Decision, Outcome, Plan, Trace};
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
use super::room::{self, Room, Taken};
use super::shadow;
use crate::connections::{Connections, Destination, Target};
use crate::web::live::Bus;

/// Claims are made for at least this many at a time while there is a backlog: one transaction for all of them.
const CLAIM: usize = 32;

/// How often a message may be decided anew under one claim, before a person looks.
const ANEW: usize = 5;

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
    /// Messages in hand at once, at least 1. More than some would only wait for Jira's pace.
    pub workers: usize,
    /// Room in memory for those that are large.
    pub room: Room,
}

/// A message with what is stored of it.
struct Loaded {
    message: Message,
    content: Option<StoredContent>,
    deadline: Instant,
}

/// Where a message goes.
enum Aim {
    /// It has a plan, which is for this destination.
    Plan(Arc<Destination>),
    /// It is decided now.
    New(Target),
}

/// Why a message could not be decided.
struct Undecided {
    /// The destination whose Jira was asked, where that is what failed.
    asked: Option<Arc<Destination>>,
    fault: Fault,
}

impl From<Fault> for Undecided {
    fn from(fault: Fault) -> Self {
        Self { asked: None, fault }
    }
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

/// Whether asking again for a mail's MIME is of no use: it is gone, or Exchange cannot convert it. What the status says is not
/// enough: 404 is told of a mailbox and of a wrong address, too.
fn cannot_be_had(fault: &Fault) -> bool {
    fault.entry.class == fault::Class::Poison
}

/// Whether the account may write to the issues of a project: what Jira refuses nevertheless, it refuses for one issue.
async fn may_write_in(destination: &Destination) -> bool {
    const WRITES: [&str; 2] = ["ADD_COMMENTS", "CREATE_ATTACHMENTS"];
    let held = destination.client.permissions(&destination.project_key, &WRITES).await;
    held.is_ok_and(|held| WRITES.iter().all(|key| held.has(key)))
}

impl Worker {
    /// Works until `stop`; then finishes what is in hand.
    pub async fn run(self, stop: CancellationToken) {
        let hands = Arc::new(Semaphore::new(self.workers));
        let bulk = CLAIM.min(self.workers);
        let tracker = TaskTracker::new();
        let mut failures = 0_u32;
        while !stop.is_cancelled() {
            let free = hands.available_permits();
            if free < bulk {
                // Claims in bulk: one transaction for many.
                tokio::select! {
                    permits = hands.acquire_many(u32::try_from(bulk).unwrap_or(1)) => drop(permits),
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
        let mut contents = self.ledger.small_contents(&self.db, &ids, room::LARGE).await?;
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
        // A plan goes where it was made for; what the source says now is for mail without one.
        let aim = match (message.has_plan, message.destination_id) {
            (true, Some(id)) => self.connections.destination(id).await.map(Aim::Plan),
            (true, None) => self.connections.destination_of(message.source_id).await.map(Aim::Plan),
            (false, _) => self.connections.target_of(message.source_id).await.map(Aim::New),
        };
        let aim = match aim {
            Ok(aim) => aim,
            Err(fault) => return self.give_back(&mut message, &fault, 0).await,
        };
        // What a large mail takes of memory is taken until the mail is done with.
        let (content, _page_room) = match content {
            Some(content) => (content, None),
            None => self.load_alone(&mut message).await?,
        };
        let (stored, _mime_room) = self.fetch_mime(&mut message, content).await?;
        let Some((mail, body)) = self.read(&message, stored).await? else { return Ok(()) };
        let (work, effect) = match aim {
            Aim::Plan(destination) => self.resume(message, deadline, destination, mail, body).await?,
            Aim::New(target) => self.plan(message, deadline, target, mail, body).await?,
        };
        self.carry(work, effect).await
    }

    /// The content of a message that is too large to be loaded along with others.
    async fn load_alone(&self, message: &mut Message) -> Result<(StoredContent, Option<Taken>), Stop> {
        let loaded = async {
            let Some(bytes) = self.ledger.content_size(&self.db, message.id).await? else { return Ok(None) };
            let Some(taken) = self.room.take(bytes, self.patience()).await else { return Ok(Some(None)) };
            let content = self.ledger.contents(&self.db, &[message.id]).await?.remove(&message.id);
            Ok::<_, store::StoreError>(content.map(|content| Some((content, taken))))
        };
        match loaded.await {
            Ok(Some(Some((content, taken)))) => Ok((content, Some(taken))),
            Ok(Some(None)) => Err(self.no_room(message).await),
            Ok(None) => {
                let reason = "its content is not stored any more; look for it in the mailbox";
                self.hold(message, "read", reason).await?;
                Err(Stop::Over)
            }
            Err(error) => {
                self.give_back(message, &Fault::own("own.store", &error.to_string()), 0).await?;
                Err(Stop::Over)
            }
        }
    }

    /// How long a mail waits for room: the claim must not run out meanwhile.
    fn patience(&self) -> Duration {
        self.ledger.timing.lease / 3
    }

    /// Gives the message back, since others fill the memory.
    async fn no_room(&self, message: &mut Message) -> Stop {
        tracing::info!("others fill the room for large mails, coming back to this one");
        let until = judge::after(self.clock.now(), SignedDuration::from_secs(1));
        match self.release(message, until).await {
            Ok(()) => Stop::Over,
            Err(stop) => stop,
        }
    }

    /// MIME that is needed is fetched before anything else is done.
    async fn fetch_mime(
        &self,
        message: &mut Message,
        content: StoredContent,
    ) -> Result<(Stored, Option<Taken>), Stop> {
        let mut taken = None;
        let mut stored = Stored {
            page: content.page.to_vec(),
            mime: None,
            without_mime: (message.content == Content::Gone).then(|| read::NOT_HAD.to_owned()),
        };
        match message.content {
            Content::AwaitingMime => {
                let Some(fetching) = self.room.fetch(self.patience()).await else {
                    return Err(self.no_room(message).await);
                };
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
                        taken = self.room.try_take(mime.len());
                        if taken.is_some() {
                            stored.mime = Some(mime);
                        } else {
                            // It is kept; where there is no room for it, it does not stay in memory until there is.
                            drop((mime, fetching));
                            taken = Some(self.load_mime(message, &mut stored).await?);
                        }
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
                        stored.without_mime = Some(fault.to_string());
                    }
                    Err(fault) => {
                        self.give_back(message, &fault, 0).await?;
                        return Err(Stop::Over);
                    }
                }
            }
            Content::Mime => taken = Some(self.load_mime(message, &mut stored).await?),
            Content::Page | Content::Gone | Content::Erased => {}
        }
        Ok((stored, taken))
    }

    /// MIME from the content store, once there is room for it.
    async fn load_mime(&self, message: &mut Message, stored: &mut Stored) -> Result<Taken, Stop> {
        let name = format!("mime-{}", message.id);
        let loaded = async {
            let Some(bytes) = self.blobs.size(&name).await? else { return Ok(None) };
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            let Some(taken) = self.room.take(bytes, self.patience()).await else { return Ok(Some(None)) };
            Ok::<_, store::BlobError>(self.blobs.get(&name).await?.map(|mime| Some((mime, taken))))
        };
        let reason = match loaded.await {
            Ok(Some(Some((mime, taken)))) => {
                stored.mime = Some(mime);
                return Ok(taken);
            }
            Ok(Some(None)) => return Err(self.no_room(message).await),
            Ok(None) => {
                "its stored content is gone from the object store; restore it, or discard the message"
                    .to_owned()
            }
            Err(error) => {
                format!("its stored content cannot be read ({error}); restore it, or discard the message")
            }
        };
        self.hold(message, "read", &reason).await?;
        Err(Stop::Over)
    }

    async fn read(&self, message: &Message, stored: Stored) -> Result<Option<(Arc<Mail>, Arc<Body>)>, Stop> {
        // Large mail is read beside the runtime's workers, so that it never stands in the way of the small ones.
        let large = stored.mime.as_ref().map_or(stored.page.len(), bytes::Bytes::len) > room::LARGE;
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

    /// Where facts come from.
    fn facts(&self) -> Facts<'_> {
        Facts {
            db: &self.db,
            ledger: &self.ledger,
            profiles: &self.connections.profiles,
            clock: &*self.clock,
        }
    }

    async fn plan(
        &self,
        mut message: Message,
        deadline: Instant,
        target: Target,
        mail: Arc<Mail>,
        body: Arc<Body>,
    ) -> Result<(Work, MailEffect), Stop> {
        let facts = self.facts();
        let decided = match decide::decide(&facts, &message, &target, &mail, &body, None).await {
            Ok(decided) => decided,
            Err(fault) => {
                let undecided = Undecided { asked: Some(Arc::clone(&target.destination)), fault };
                self.cannot_decide(&mut message, undecided).await?;
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
        let destination = match self.routed(&message, &target, &decided.plan).await {
            Ok(destination) => destination,
            Err(fault) => {
                self.give_back(&mut message, &fault, 0).await?;
                return Err(Stop::Over);
            }
        };
        self.freeze(message, deadline, destination, mail, body, decided, 0).await
    }

    /// Where a plan writes: the source's own project, or the one that a rule chose.
    async fn routed(
        &self,
        message: &Message,
        target: &Target,
        plan: &Plan,
    ) -> Result<Arc<Destination>, Fault> {
        let project = plan.steps.iter().find_map(|step| match step {
            rules::Step::CreateIssue { project_key, .. } => Some(project_key),
            _ => None,
        });
        match project {
            Some(project) if *project != target.destination.project_key => {
                self.connections.destination_beside(&target.destination, message.workspace_id, project).await
            }
            _ => Ok(Arc::clone(&target.destination)),
        }
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
        message.destination_id = Some(destination.id);
        message.stage = Stage::Act;
        message.attempts = 0;
        let steps = decide::steps(&self.ledger.keys, &message, &plan);
        let new = NewPlan {
            revision,
            format: plan.format(),
            body: serde_json::to_vec(&plan).unwrap_or_default(),
            trace: serde_json::to_vec::<Trace>(&trace).unwrap_or_default(),
        };
        let effect = MailEffect::new(destination, mail, body, plan);
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
        // Nothing was written yet, and the source writes elsewhere by now: what is new goes there, on record.
        if matches!(plan.outcome, Outcome::Issue) && steps.iter().all(|step| step.state == StepState::Planned)
        {
            match self.connections.target_of(message.source_id).await {
                // What a rule chose holds as long as the Jira is the same.
                Ok(target)
                    if target.destination.id != destination.id
                        && !(plan.routed
                            && target.destination.jira_connection == destination.jira_connection) =>
                {
                    tracing::info!(from = %destination.project_key, to = %target.destination.project_key, "deciding anew");
                    message.generation += 1;
                    return self.plan(message, deadline, target, mail, body).await;
                }
                Ok(_) => {}
                Err(fault) => {
                    self.give_back(&mut message, &fault, 0).await?;
                    return Err(Stop::Over);
                }
            }
        }
        let effect = MailEffect::new(destination, mail, body, plan);
        Ok((Work { message, steps, fresh_intent: false, deadline }, effect))
    }

    async fn carry(&self, mut work: Work, effect: MailEffect) -> Result<(), Stop> {
        let carried = carry_out(&mut work, &effect, &self.journal, self.ledger.timing).await;
        let destination = Arc::clone(&effect.destination);
        match carried {
            Carried::Ended(ending) => {
                if self.connections.destination_works(&destination).await {
                    self.tell_of_jira();
                }
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
        // What rules set may be gone from Jira: what is known of the project is asked anew, and the rules with it.
        if !existing && fault.status == Some(400) && effect.plan.sets_fields() {
            self.connections.profiles.projects.forget(destination.jira_connection, &destination.project_key);
            match self.decide_again(&work, &effect, None).await {
                Ok((decision, destination)) if decision.plan != effect.plan => {
                    tracing::info!(%fault, "Jira refused what a rule sets, deciding anew");
                    return self.go_on_with(work, effect, decision, destination).await;
                }
                Ok(_) => {}
                Err(undecided) => return self.cannot_decide(&mut work.message, undecided).await,
            }
        }
        let writes_to_issue =
            matches!(work.steps[index].slot, ledger::Slot::Comment | ledger::Slot::Attachment { .. });
        if writes_to_issue && fault.entry.id == "jira.forbidden" && may_write_in(&destination).await {
            // Not the project: its other mail goes on.
            let reason = format!(
                "{fault}. The account may comment and attach in {}, so it is this issue: look at its status and its security level. Retry \
                 it when that is mended, or discard it.",
                destination.project_key
            );
            return self.hold(&work.message, "act", &reason).await;
        }
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
                // The id says something on its own Jira only.
                let gone = decide::gone_issue(&effect.plan, &work.steps);
                match self.decide_again(&work, &effect, gone.as_deref()).await {
                    Ok((decision, destination)) => self.go_on_with(work, effect, decision, destination).await,
                    Err(undecided) => self.cannot_decide(&mut work.message, undecided).await,
                }
            }
        }
    }

    /// Decides a message once more, with what its source says now. `gone_issue` is known to be deleted or hidden on the Jira that
    /// the plan was for.
    async fn decide_again(
        &self,
        work: &Work,
        effect: &MailEffect,
        gone_issue: Option<&str>,
    ) -> Result<(Decision, Arc<Destination>), Undecided> {
        let target = self.connections.target_of(work.message.source_id).await?;
        let facts = self.facts();
        let gone =
            gone_issue.filter(|_| target.destination.jira_connection == effect.destination.jira_connection);
        let decision = decide::decide(&facts, &work.message, &target, &effect.mail, &effect.body, gone)
            .await
            .map_err(|fault| Undecided { asked: Some(Arc::clone(&target.destination)), fault })?;
        let destination = self.routed(&work.message, &target, &decision.plan).await?;
        Ok((decision, destination))
    }

    /// Carries another plan out in place of the one that cannot be. What was attached is gone with its issue: a new generation
    /// begins from nothing.
    async fn go_on_with(
        &self,
        mut work: Work,
        effect: MailEffect,
        decision: Decision,
        destination: Arc<Destination>,
    ) -> Result<(), Stop> {
        let MailEffect { mail, body, anew, .. } = effect;
        if anew >= ANEW {
            let reason = "Jira refused it, or the issue was gone, wherever it was decided to go, one time after the other; look at Jira, and retry it or discard it";
            return self.hold(&work.message, "act", reason).await;
        }
        work.message.generation += 1;
        let (work, mut effect) =
            self.freeze(work.message, work.deadline, destination, mail, body, decision, 0).await?;
        effect.anew = anew + 1;
        Box::pin(self.carry(work, effect)).await
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
                self.tell_of_jira();
                until
            }
            _ => judge::after(now, judge::wait(fault, failures)),
        };
        self.release(message, until).await
    }

    /// A fault while a message is decided: one of Jira's stops the destination that was asked, as a refused write does.
    async fn cannot_decide(&self, message: &mut Message, undecided: Undecided) -> Result<(), Stop> {
        let Undecided { asked, fault } = undecided;
        let is_of_jira = fault.entry.id.starts_with("jira.") || fault.entry.id.starts_with("network.");
        match asked.filter(|_| is_of_jira) {
            Some(asked) => self.stop_destination(message, &asked, &fault, asked.failures()).await,
            None => self.give_back(message, &fault, 0).await,
        }
    }

    /// Open pages show at once that a destination has stopped, or goes on.
    fn tell_of_jira(&self) {
        for topic in ["jira", "sources", "notices"] {
            self.bus.tell(topic);
        }
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
        if !message.has_plan && message.content == Content::Gone {
            // Asked for once more, so that the plan says why it is without.
            message.content = Content::AwaitingMime;
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
