//! What a person does about a held message: retry or discard. Both on record.

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use ledger::load::StoredPlan;
use ledger::state::{Event, step};
use ledger::{Slot, Step, StepState};
use rules::{Outcome, Plan};
use store::StoreError;
use uuid::Uuid;

use super::routes::State;
use super::store::{self as rows, TakeUp, Whole};
use crate::access::{Actor, Admin, audit};
use crate::connections::routes::flash_to;
use crate::web::{Flash, Problem};

/// Why a held mail is not retried in shadow mode, and what to do.
pub const IN_SHADOW: &str = "Its source is in shadow mode, in which nothing is written. End shadow mode on the source's page, then retry \
                             the mail; or discard it.";

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It was done.
    Yes,
    /// It is not held (any more).
    NotHeld,
    /// Its source is in shadow mode: a retry would write, or end the mail for good without writing.
    InShadow,
    /// Its source was removed: nobody would read and decide it.
    SourceRemoved,
    /// There is no such message.
    Nowhere,
}

/// Why a held mail without a plan is not retried when its source is gone, and what to do.
pub const SOURCE_REMOVED: &str = "Its source was removed, so nobody would read and decide it. Connect the folder again: as soon as this mail \
                                  is read there it belongs to that source, and Retry does what it says. Or discard it.";

/// How a held message would be taken up again.
pub(super) fn take_up(plan: Option<&StoredPlan>, steps: &[Step]) -> TakeUp {
    let begun = steps.iter().any(|step| step.state != StepState::Planned);
    let decided_held = plan.is_some_and(|plan| match serde_json::from_slice::<Plan>(&plan.body) {
        Ok(plan) => matches!(plan.outcome, Outcome::Held { .. }),
        Err(_) => true,
    });
    match plan {
        None => TakeUp::FromTheBeginning { new_generation: false },
        // A plan of which nothing was begun and that says to hold is replaced; its generation has one already.
        Some(_) if decided_held && !begun => TakeUp::FromTheBeginning { new_generation: true },
        Some(_) => TakeUp::ItsPlan,
    }
}

/// Whether there is somebody to take it up: a plan is carried out also when its source was removed, but only a source reads and
/// decides.
pub(super) fn has_somebody(message: &Whole, how: TakeUp) -> bool {
    message.removed_at.is_none() || how == TakeUp::ItsPlan
}

/// Takes a held message up again. Where its plan was begun, the plan goes on: what is done stays done, and what was held in
/// doubt is looked for before it is written. Otherwise it is read and decided anew.
pub async fn retry(state: &State, actor: &Actor, id: Uuid) -> Result<Done, StoreError> {
    let db = &state.connections.db;
    let Some(message) = rows::one(db, actor.workspace, id).await? else { return Ok(Done::Nowhere) };
    if message.state == "held" && message.shadow_at.is_some() {
        return Ok(Done::InShadow);
    }
    let plan = state.ledger.plan(db, id).await?;
    let steps = state.ledger.steps(db, id).await?;
    let how = take_up(plan.as_ref(), &steps);
    if !has_somebody(&message, how) {
        return Ok(if message.state == "held" { Done::SourceRemoved } else { Done::NotHeld });
    }
    let now = state.connections.clock.now();
    let mut tx = db.begin().await?;
    if !rows::release(&mut tx, actor.workspace, id, how).await? {
        return Ok(Done::NotHeld);
    }
    for held in steps.iter().filter(|step| step.state == StepState::Held) {
        let (after, _) = step(held.state, Event::Found, now, state.ledger.timing.quarantine)
            .map_err(|error| StoreError::corrupt("step", "state", held.id, error))?;
        if let StepState::InDoubt { until } = after {
            rows::doubt_step(&mut tx, held.id, until, now).await?;
        }
    }
    audit::record(
        &mut tx,
        actor,
        "retry message",
        &id.to_string(),
        message.reason.as_deref().unwrap_or_default(),
    )
    .await?;
    tx.commit().await?;
    tell(state, &message);
    Ok(Done::Yes)
}

/// What would come of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Possible {
    /// What [`retry`] or [`discard`] would say.
    pub(super) done: Done,
    /// Whether something of it is in Jira already.
    pub(super) is_written: bool,
}

/// What would come of a retry or a discard, without doing it.
pub(super) async fn possible(state: &State, message: &Whole, retry: bool) -> Result<Possible, StoreError> {
    let db = &state.connections.db;
    let steps = state.ledger.steps(db, message.id).await?;
    let is_written = steps.iter().any(|step| step.state == StepState::Done);
    let done = if message.state != "held" {
        Done::NotHeld
    } else if retry && message.shadow_at.is_some() {
        Done::InShadow
    } else if retry
        && !has_somebody(message, take_up(state.ledger.plan(db, message.id).await?.as_ref(), &steps))
    {
        Done::SourceRemoved
    } else {
        Done::Yes
    };
    Ok(Possible { done, is_written })
}

/// The issue that these steps have made already: id and key.
pub(crate) fn written_issue(steps: &[Step]) -> Option<(String, String)> {
    let issue = steps.iter().find(|step| step.slot == Slot::Issue && step.state == StepState::Done)?;
    let remote = issue.remote.as_ref()?;
    Some((remote.id.clone(), remote.key.clone()?))
}

/// Ends a held message as ignored, by the rule `discarded`. What was written to Jira stays there.
pub async fn discard(state: &State, actor: &Actor, id: Uuid) -> Result<Done, StoreError> {
    let db = &state.connections.db;
    let Some(message) = rows::one(db, actor.workspace, id).await? else { return Ok(Done::Nowhere) };
    let steps = state.ledger.steps(db, id).await?;
    let issue = written_issue(&steps);
    let reason = format!("discarded by {}", actor.name);
    let mut tx = db.begin().await?;
    if !rows::discard(&mut tx, actor.workspace, id, &reason, issue, state.connections.clock.now()).await? {
        return Ok(Done::NotHeld);
    }
    let why = message.reason.as_deref().unwrap_or_default();
    audit::record(&mut tx, actor, "discard message", &id.to_string(), why).await?;
    tx.commit().await?;
    tell(state, &message);
    Ok(Done::Yes)
}

fn tell(state: &State, message: &Whole) {
    // A held message keeps its conversation's lane: those behind it may go on now.
    state.engine.work.notify_one();
    state.shell.bus.tell("messages");
    state.shell.bus.tell(&format!("message-{}", message.id));
}

fn answer(admin: &Admin, id: Uuid, done: Done, text: &str) -> Result<Response, Problem> {
    match done {
        Done::Yes => Ok(flash_to(admin, &Flash::done(text), &format!("/messages/{id}"))),
        Done::NotHeld => {
            let flash =
                Flash::failed("The mail is no longer held: somebody was faster, so nothing was changed.");
            Ok(flash_to(admin, &flash, &format!("/messages/{id}")))
        }
        Done::InShadow => Ok(flash_to(admin, &Flash::failed(IN_SHADOW), &format!("/messages/{id}"))),
        Done::SourceRemoved => {
            Ok(flash_to(admin, &Flash::failed(SOURCE_REMOVED), &format!("/messages/{id}")))
        }
        Done::Nowhere => Err(Problem::not_found("message")),
    }
}

/// POST /messages/{id}/retry
pub async fn retry_page(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let done = retry(&state, &admin.actor(), id).await?;
    answer(&admin, id, done, "The mail is taken up again.")
}

/// POST /messages/{id}/discard
pub async fn discard_page(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let done = discard(&state, &admin.actor(), id).await?;
    answer(&admin, id, done, "The mail is discarded: it becomes neither issue nor comment.")
}
