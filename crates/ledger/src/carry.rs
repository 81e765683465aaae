//! Carrying out a plan: the one piece of code that writes to other systems, for the inbound half and later the outbound
//! half alike.
//!
//! [`carry_out`] walks through the steps of a message. For each it commits the intent, writes, and commits the result,
//! and after a crash, a lost reply or a take-over it probes before anything is written again. What a step *is*, and how to
//! look for it, comes from an [`Effect`]; where the commits go, from a [`Journal`]; when, from a [`Timing`].

use std::time::Duration;

use fault::Fault;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use uuid::Uuid;

use crate::failpoint::{self, Wanted};
use crate::key::Op;
use crate::state::{self, Event, Next, StepState};
use crate::work::{Change, Ending, Fate, Message, Remote, Step};

/// The shortest pause between two tries to renew a claim.
const RENEWAL_PAUSE: Duration = Duration::from_millis(20);

/// Makes changes durable. When `commit` returns `Ok`, the change survives a power cut.
pub trait Journal: Send + Sync {
    /// Commits one change.
    fn commit(&self, change: Change) -> BoxFuture<'_, Result<(), NotCommitted>>;
    /// The database's time.
    fn now(&self) -> Timestamp;
}

/// A change that did not become durable. Nothing may be written to another system on its strength.
#[derive(Debug, thiserror::Error)]
pub enum NotCommitted {
    /// Somebody else holds the claim by now.
    #[error("the lease ran out and another worker took the message over")]
    LeaseLost,
    /// The committer has ended: the process is stopping.
    #[error("Postroom is stopping")]
    Stopped,
    /// The database refused.
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// What an effect knows about itself: how to write it and how to find it again.
pub trait Effect: Send + Sync {
    /// Where a later probe has to begin, taken before the intent is committed.
    fn mark(&self, step: &Step) -> i64;
    /// Waits until the request could start at once (pace, quotas), so that the lease is looked at after the wait.
    fn ready<'a>(&'a self, step: &'a Step, done: &'a [Step]) -> BoxFuture<'a, ()>;
    /// The remote write. `done` are the steps before it, with what they made.
    fn write<'a>(&'a self, step: &'a Step, done: &'a [Step]) -> BoxFuture<'a, Written>;
    /// Looks whether the effect is there.
    fn probe<'a>(&'a self, step: &'a Step, done: &'a [Step]) -> BoxFuture<'a, Result<Sight, Fault>>;
    /// How the message ends when all steps are done.
    fn ending(&self, steps: &[Step]) -> Ending;
    /// What the change that records `step` as done should carry beside it.
    fn also(&self, step: &Step) -> Also;
}

/// Beside a step's result.
#[derive(Debug, Default)]
pub struct Also {
    /// The highest issue number seen, by destination.
    pub highest: Option<(Uuid, i64)>,
    /// Remote objects adopted for good.
    pub adopted: Vec<(Uuid, &'static str, String, Op)>,
}

/// The answer to a write.
#[derive(Debug)]
pub enum Written {
    /// Confirmed.
    Done(Remote),
    /// Refused, or never sent: there is no effect.
    NotDone(Fault),
    /// Refused for good, and the message is whole without it: the step is done with, and keeps why.
    GivenUp(Fault),
    /// It may have had an effect.
    Lost(Fault),
}

/// The answer to a probe.
#[derive(Debug)]
pub enum Sight {
    /// It is there.
    Seen(Remote),
    /// It is not there.
    NotSeen,
    /// It cannot be told; in words, for the person who decides.
    CannotTell(String),
}

/// The times of a claim.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Q of design §4.
    pub quarantine: SignedDuration,
    /// How long a claim holds after each commit.
    pub lease: Duration,
    /// The longest that one remote request takes.
    pub request: Duration,
}

/// How far `carry_out` came.
#[derive(Debug)]
pub enum Carried {
    /// All steps are done and the message has its end.
    Ended(Ending),
    /// In doubt until then; the claim is given back.
    Waiting {
        /// When to look again.
        until: Timestamp,
        /// Why it is in doubt.
        fault: Option<Fault>,
    },
    /// A step was refused. The step is `planned` again; the caller judges (revise, retry, stop the destination, hold). The
    /// claim is still ours.
    Refused {
        /// The step's index.
        index: usize,
        /// Why.
        fault: Fault,
    },
    /// A probe could not be made. The claim is still ours.
    CouldNotProbe {
        /// The step's index.
        index: usize,
        /// Why.
        fault: Fault,
    },
    /// A person must look at a step in doubt; the message is held.
    Held(String),
    /// Not committed; nothing was written since.
    NotCommitted(NotCommitted),
}

/// A message with its steps, being carried out.
#[derive(Debug)]
pub struct Work {
    /// The message.
    pub message: Message,
    /// Its steps, by position.
    pub steps: Vec<Step>,
    /// Steps before this index whose `intent` was committed by this very worker and not yet written (the first intent is
    /// committed together with the plan).
    pub fresh_intent: bool,
    /// The claim holds until then.
    pub deadline: Instant,
}

impl Work {
    /// Turns the first step into a fresh intent, to be committed with the plan.
    pub fn intend_first(&mut self, effect: &dyn Effect, now: Timestamp) {
        if let Some(first) = self.steps.first_mut()
            && first.state == StepState::Planned
        {
            intend(first, effect, now);
            self.fresh_intent = true;
        }
    }
}

fn intend(step: &mut Step, effect: &dyn Effect, now: Timestamp) {
    step.mark = effect.mark(step);
    step.state = StepState::Intent;
    step.intent_at = Some(now);
    step.attempts += 1;
}

/// Carries out what is left of a plan. See the module's head.
pub async fn carry_out(
    work: &mut Work,
    effect: &dyn Effect,
    journal: &dyn Journal,
    timing: Timing,
) -> Carried {
    match walk(work, effect, journal, timing).await {
        Ok(carried) => carried,
        Err(error) => Carried::NotCommitted(error),
    }
}

async fn walk(
    work: &mut Work,
    effect: &dyn Effect,
    journal: &dyn Journal,
    timing: Timing,
) -> Result<Carried, NotCommitted> {
    let mut index = 0;
    while index < work.steps.len() {
        let state = work.steps[index].state;
        match state {
            StepState::Done => index += 1,
            StepState::Held => return Ok(Carried::Held("a step waits for a person".to_owned())),
            StepState::Planned => {
                intend(&mut work.steps[index], effect, journal.now());
                commit(work, &[index], Fate::GoesOn, Also::default(), journal, timing).await?;
                work.fresh_intent = true;
            }
            StepState::Intent if work.fresh_intent => {
                work.fresh_intent = false;
                if let Some(carried) = write(work, index, effect, journal, timing).await? {
                    return Ok(carried);
                }
            }
            StepState::Intent => {
                // Somebody before us was about to write and did not tell how it went.
                advance(&mut work.steps[index], Event::Found, journal.now(), timing);
                commit(work, &[index], Fate::GoesOn, Also::default(), journal, timing).await?;
            }
            StepState::InDoubt { .. } => {
                if let Some(carried) = probe(work, index, effect, journal, timing).await? {
                    return Ok(carried);
                }
            }
        }
    }
    let ending = effect.ending(&work.steps);
    commit(work, &[], Fate::Ended(ending.clone()), Also::default(), journal, timing).await?;
    Ok(Carried::Ended(ending))
}

async fn write(
    work: &mut Work,
    index: usize,
    effect: &dyn Effect,
    journal: &dyn Journal,
    timing: Timing,
) -> Result<Option<Carried>, NotCommitted> {
    let points = failpoint::of(work.steps[index].slot.kind());
    pause(failpoint::hit(points.before.1)).await;
    let (done, rest) = work.steps.split_at(index);
    effect.ready(&rest[0], done).await;
    pause(failpoint::hit("I12")).await;
    if Instant::now() + timing.request > work.deadline {
        // The claim would not outlast the request, or is somebody else's by now: renew it, or learn that it is gone.
        commit(work, &[index], Fate::GoesOn, Also::default(), journal, timing).await?;
    }
    let Work { message, steps, deadline, .. } = work;
    let (done, rest) = steps.split_at(index);
    let writing = effect.write(&rest[0], done);
    let writing = if failpoint::armed(points.sent.1) {
        Box::pin(die_while_sending(writing, points.sent.1))
    } else {
        writing
    };
    let written = keep_claim(writing, message, deadline, journal, timing).await?;
    pause(failpoint::hit(points.replied.1)).await;
    let step = &mut work.steps[index];
    match written {
        Written::Done(remote) => {
            step.remote = Some(remote);
            advance(step, Event::Wrote, journal.now(), timing);
            finish_step(work, index, effect, journal, timing).await
        }
        Written::GivenUp(fault) => {
            tracing::warn!(op = %step.op, slot = %step.slot, %fault, "a step is left out");
            step.remote = None;
            step.fault = Some(fault);
            advance(step, Event::Wrote, journal.now(), timing);
            end_step(work, index, effect, journal, timing).await
        }
        Written::NotDone(fault) => {
            advance(step, Event::NotDone, journal.now(), timing);
            step.fault = Some(fault.clone());
            commit(work, &[index], Fate::GoesOn, Also::default(), journal, timing).await?;
            Ok(Some(Carried::Refused { index, fault }))
        }
        Written::Lost(fault) => {
            tracing::info!(op = %step.op, slot = %step.slot, %fault, "reply lost, looking whether it took effect");
            advance(step, Event::Lost, journal.now(), timing);
            step.fault = Some(fault);
            commit(work, &[index], Fate::GoesOn, Also::default(), journal, timing).await?;
            Ok(None)
        }
    }
}

/// Waits for a write and renews the claim meanwhile: an upload may take longer than the lease. Where the claim is lost, or cannot
/// be renewed in time, the write is broken off, because whoever takes the message over counts the quarantine from then on. What
/// is broken off stays in `intent`, so that it is looked for before anything is written again.
async fn keep_claim(
    mut writing: BoxFuture<'_, Written>,
    message: &Message,
    deadline: &mut Instant,
    journal: &dyn Journal,
    timing: Timing,
) -> Result<Written, NotCommitted> {
    let mut refused = None;
    loop {
        let ends = *deadline;
        let renewal = async {
            // Half of what is left where a renewal failed or the claim was young no longer, so that there is time for another.
            let left = ends.saturating_duration_since(Instant::now());
            tokio::time::sleep((timing.lease / 3).min(left / 2).max(RENEWAL_PAUSE)).await;
            let asked = Instant::now();
            (asked, journal.commit(Change::of(message, Fate::GoesOn)).await)
        };
        tokio::select! {
            written = &mut writing => return Ok(written),
            (asked, renewed) = renewal => match renewed {
                Ok(()) => *deadline = asked + timing.lease,
                Err(NotCommitted::Store(error)) => {
                    tracing::warn!(%error, "the claim could not be renewed during a write, trying again");
                    refused = Some(NotCommitted::Store(error));
                }
                Err(lost) => return Err(lost),
            },
            () = tokio::time::sleep_until(ends) => {
                tracing::warn!("the claim ran out during a write, which is broken off");
                return Err(refused.unwrap_or(NotCommitted::LeaseLost));
            }
        }
    }
}

async fn probe(
    work: &mut Work,
    index: usize,
    effect: &dyn Effect,
    journal: &dyn Journal,
    timing: Timing,
) -> Result<Option<Carried>, NotCommitted> {
    let (done, rest) = work.steps.split_at(index);
    let sight = effect.probe(&rest[0], done).await;
    let step = &mut work.steps[index];
    match sight {
        Err(fault) => Ok(Some(Carried::CouldNotProbe { index, fault })),
        Ok(Sight::Seen(remote)) => {
            tracing::info!(op = %step.op, slot = %step.slot, remote = %remote.id, "found what the lost reply was about");
            step.remote = Some(remote);
            advance(step, Event::Seen, journal.now(), timing);
            finish_step(work, index, effect, journal, timing).await
        }
        Ok(Sight::NotSeen) => match advance(step, Event::NotSeen, journal.now(), timing) {
            Next::Wait(until) => {
                let fault = step.fault.clone();
                commit(
                    work,
                    &[index],
                    Fate::Released { not_before: until },
                    Also::default(),
                    journal,
                    timing,
                )
                .await?;
                Ok(Some(Carried::Waiting { until, fault }))
            }
            _ => Ok(None),
        },
        Ok(Sight::CannotTell(why)) => {
            advance(step, Event::CannotTell, journal.now(), timing);
            let ending = Ending::Held { by: "doubt".to_owned(), reason: why.clone() };
            commit(work, &[index], Fate::Ended(ending), Also::default(), journal, timing).await?;
            Ok(Some(Carried::Held(why)))
        }
    }
}

/// Commits a finished step together with what comes next (the next intent, or the message's end), so that a plain mail
/// costs two commits: plan with intent, result with end.
async fn finish_step(
    work: &mut Work,
    index: usize,
    effect: &dyn Effect,
    journal: &dyn Journal,
    timing: Timing,
) -> Result<Option<Carried>, NotCommitted> {
    work.steps[index].fault = None;
    end_step(work, index, effect, journal, timing).await
}

/// The same for a step whose fault stays.
async fn end_step(
    work: &mut Work,
    index: usize,
    effect: &dyn Effect,
    journal: &dyn Journal,
    timing: Timing,
) -> Result<Option<Carried>, NotCommitted> {
    let also = effect.also(&work.steps[index]);
    let next = index + 1;
    if next == work.steps.len() {
        let ending = effect.ending(&work.steps);
        commit(work, &[index], Fate::Ended(ending.clone()), also, journal, timing).await?;
        return Ok(Some(Carried::Ended(ending)));
    }
    if work.steps[next].state == StepState::Planned {
        intend(&mut work.steps[next], effect, journal.now());
        commit(work, &[index, next], Fate::GoesOn, also, journal, timing).await?;
        work.fresh_intent = true;
    } else {
        commit(work, &[index], Fate::GoesOn, also, journal, timing).await?;
    }
    Ok(None)
}

fn advance(step: &mut Step, event: Event, now: Timestamp, timing: Timing) -> Next {
    match state::step(step.state, event, now, timing.quarantine) {
        Ok((state, next)) => {
            step.state = state;
            next
        }
        Err(illegal) => {
            // Never guess about an effect: what cannot be is set aside.
            tracing::error!(op = %step.op, %illegal, "illegal step transition");
            step.state = StepState::Held;
            Next::Stop
        }
    }
}

async fn commit(
    work: &mut Work,
    changed: &[usize],
    fate: Fate,
    also: Also,
    journal: &dyn Journal,
    timing: Timing,
) -> Result<(), NotCommitted> {
    let asked = Instant::now();
    journal
        .commit(Change {
            message: work.message.clone(),
            fate,
            plan: None,
            steps: changed.iter().map(|index| work.steps[*index].clone()).collect(),
            highest: also.highest,
            adopted: also.adopted,
        })
        .await?;
    work.deadline = asked + timing.lease;
    Ok(())
}

async fn pause(wanted: Wanted) {
    if let Wanted::Sleep(ms) = wanted {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

/// Lets the request reach the other side and dies before the answer is read.
async fn die_while_sending(writing: BoxFuture<'_, Written>, name: &'static str) -> Written {
    tokio::pin!(writing);
    let early = tokio::time::timeout(Duration::from_millis(25), &mut writing).await;
    failpoint::hit(name);
    match early {
        // The answer came faster than that: it is dropped unread if the process dies, which it did above.
        Ok(written) => written,
        Err(_) => writing.await,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::key::{MessageKey, Slot};
    use crate::work::{Content, Stage};

    const TIMING: Timing = Timing {
        quarantine: SignedDuration::from_secs(120),
        lease: Duration::from_secs(60),
        request: Duration::from_secs(30),
    };

    /// Answers each commit as it is told to and remembers when it came.
    struct Ledger<F> {
        answer: F,
        began: Instant,
        commits: Mutex<Vec<Duration>>,
    }

    impl<F: Fn(Duration) -> Result<(), NotCommitted> + Send + Sync> Journal for Ledger<F> {
        fn commit(&self, _: Change) -> BoxFuture<'_, Result<(), NotCommitted>> {
            let at = self.began.elapsed();
            self.commits.lock().unwrap().push(at);
            let answer = (self.answer)(at);
            Box::pin(async move { answer })
        }

        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    /// An upload that takes as long as it is told to.
    struct Upload {
        takes: Duration,
        arrived: Arc<AtomicBool>,
    }

    impl Effect for Upload {
        fn mark(&self, _: &Step) -> i64 {
            0
        }

        fn ready<'a>(&'a self, _: &'a Step, _: &'a [Step]) -> BoxFuture<'a, ()> {
            Box::pin(async {})
        }

        fn write<'a>(&'a self, _: &'a Step, _: &'a [Step]) -> BoxFuture<'a, Written> {
            Box::pin(async {
                tokio::time::sleep(self.takes).await;
                self.arrived.store(true, Ordering::SeqCst);
                Written::Done(Remote { id: "1".to_owned(), ..Remote::default() })
            })
        }

        fn probe<'a>(&'a self, _: &'a Step, _: &'a [Step]) -> BoxFuture<'a, Result<Sight, Fault>> {
            Box::pin(async { Ok(Sight::NotSeen) })
        }

        fn ending(&self, _: &[Step]) -> Ending {
            Ending::Ignored { rule: "test".to_owned(), reason: String::new() }
        }

        fn also(&self, _: &Step) -> Also {
            Also::default()
        }
    }

    /// Carries out one upload; how it ended, when the commits came, and whether the upload came to its end.
    async fn upload(
        takes: Duration,
        answer: impl Fn(Duration) -> Result<(), NotCommitted> + Send + Sync,
    ) -> (Carried, Vec<Duration>, bool) {
        let message = Message {
            id: Uuid::nil(),
            workspace_id: Uuid::nil(),
            mailbox_id: Uuid::nil(),
            source_id: Uuid::nil(),
            destination_id: None,
            key: MessageKey("k".to_owned()),
            native_id: "1".to_owned(),
            received_at: Timestamp::UNIX_EPOCH,
            content: Content::Mime,
            has_plan: true,
            generation: 0,
            stage: Stage::Act,
            attempts: 0,
            fence: 1,
        };
        let step = Step {
            id: Uuid::nil(),
            position: 0,
            slot: Slot::Attachment { hash: "00".to_owned(), n: 0 },
            op: Op("op".to_owned()),
            state: StepState::Planned,
            intent_at: None,
            mark: 0,
            attempts: 0,
            remote: None,
            fault: None,
        };
        let arrived = Arc::new(AtomicBool::new(false));
        let effect = Upload { takes, arrived: Arc::clone(&arrived) };
        let ledger = Ledger { answer, began: Instant::now(), commits: Mutex::default() };
        let mut work =
            Work { message, steps: vec![step], fresh_intent: false, deadline: Instant::now() + TIMING.lease };
        let carried = carry_out(&mut work, &effect, &ledger, TIMING).await;
        let commits = ledger.commits.lock().unwrap().clone();
        (carried, commits, arrived.load(Ordering::SeqCst))
    }

    fn full() -> NotCommitted {
        NotCommitted::Store(store::StoreError::DiskFull {
            place: "test".to_owned(),
            detail: "full".to_owned(),
        })
    }

    /// Promise: while a write lasts, however long, the claim is ours at every moment: nobody else writes the same beside it.
    #[tokio::test(start_paused = true)]
    async fn the_claim_is_kept_while_a_write_lasts() {
        let (carried, commits, arrived) = upload(Duration::from_secs(1_000), |_| Ok(())).await;
        assert!(matches!(carried, Carried::Ended(_)), "{carried:?}");
        assert!(arrived);
        for pair in commits.windows(2) {
            assert!(pair[1] <= pair[0] + TIMING.lease / 2, "no renewal between {pair:?}");
        }
        assert!(commits.len() > 1_000 / 60, "{commits:?}");
    }

    /// A quick write costs no renewal: the intent, and the result with the end.
    #[tokio::test(start_paused = true)]
    async fn a_quick_write_costs_no_renewal() {
        let (_, commits, _) = upload(Duration::from_secs(2), |_| Ok(())).await;
        assert_eq!(commits.len(), 2, "{commits:?}");
    }

    /// Promise: whoever lost the claim sends nothing more, since the one who has it counts the quarantine from its own beginning.
    #[tokio::test(start_paused = true)]
    async fn a_write_whose_claim_is_lost_is_broken_off() {
        let lost = |at| if at > Duration::from_secs(50) { Err(NotCommitted::LeaseLost) } else { Ok(()) };
        let (carried, commits, arrived) = upload(Duration::from_secs(1_000), lost).await;
        assert!(matches!(carried, Carried::NotCommitted(NotCommitted::LeaseLost)), "{carried:?}");
        assert!(
            !arrived && commits.last().is_some_and(|last| *last < Duration::from_secs(75)),
            "{commits:?}"
        );
    }

    /// Promise: a full disk for a moment breaks no upload off; one for longer than the claim holds does, before it ends.
    #[tokio::test(start_paused = true)]
    async fn a_claim_that_cannot_be_renewed_ends_the_write_in_time() {
        let (from, to) = (Duration::from_secs(10), Duration::from_secs(55));
        let passes = |at| if at > from && at < to { Err(full()) } else { Ok(()) };
        let (carried, _, arrived) = upload(Duration::from_secs(300), passes).await;
        assert!(matches!(carried, Carried::Ended(_)) && arrived, "{carried:?}");
        let stays = |at| if at > from { Err(full()) } else { Ok(()) };
        let (carried, commits, arrived) = upload(Duration::from_secs(300), stays).await;
        assert!(matches!(carried, Carried::NotCommitted(NotCommitted::Store(_))), "{carried:?}");
        assert!(!arrived && commits.last().is_some_and(|last| *last <= TIMING.lease), "{commits:?}");
    }
}
