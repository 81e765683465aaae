//! Messages over the API.

use axum::extract::{Path, Query, State as Shared};
use axum::response::Response;
use axum::{Extension, Json};
use http::StatusCode;
use ledger::{Slot, StepState};
use rules::Trace;
use serde::Deserialize;
use uuid::Uuid;

use super::State;
use super::caller::Caller;
use super::problem::{Refused, fault};
use crate::cli::shapes::{Message, MessageDetail, Messages, StepShape, TraceLine};
use crate::connections::routes::time;
use crate::messages::detail::found_again;
use crate::messages::hold::{self, Done};
use crate::messages::store::{self as rows, Filter, Place, Row, Whole};
use crate::messages::{export, opened, show_mail};

/// Messages in an answer, at most.
const MOST: u16 = 1_000;

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    state: String,
    limit: Option<u16>,
}

fn id(text: &str) -> Result<Uuid, Refused> {
    Uuid::parse_str(text).map_err(|_| Refused::not_found("message"))
}

/// GET /api/v1/messages?state=&limit=
pub(super) async fn list(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Query(asked): Query<Asked>,
) -> Result<Json<Messages>, Refused> {
    let limit = asked.limit.unwrap_or(50).clamp(1, MOST);
    let (db, workspace) = (&state.connections.db, caller.actor().workspace);
    // States and the console's filters: either is what somebody may mean.
    let rows = match asked.state.as_str() {
        state @ ("recorded" | "ready" | "acting" | "ended") => {
            rows::list_state(db, workspace, state, limit).await?
        }
        "" | "all" => rows::list_older(db, workspace, (Filter::All, None), Place::NEWEST, limit).await?,
        word => {
            let filter = Filter::of_word(word);
            if filter == Filter::All {
                return Err(Refused::new(
                    StatusCode::BAD_REQUEST,
                    "The API knows no such state.",
                    "Ask for recorded, ready, acting, held, ended, open, issues, comments or ignored.",
                ));
            }
            rows::list_older(db, workspace, (filter, None), Place::NEWEST, limit).await?
        }
    };
    let messages = rows.into_iter().map(|row| listed(&state, row)).collect();
    Ok(Json(Messages { messages }))
}

/// GET /api/v1/messages/export?format=csv|json&filter=&q=
pub(super) async fn export(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Query(asked): Query<export::Asked>,
) -> Result<Response, Refused> {
    Ok(export::of(&state.of_messages(), caller.actor(), &asked).await?)
}

/// GET /api/v1/messages/{id}/source
pub(super) async fn source(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(message): Path<String>,
) -> Result<Response, Refused> {
    let id = id(&message)?;
    Ok(show_mail::source_file(&state.of_messages(), caller.actor().workspace, id).await?)
}

fn listed(state: &State, row: Row) -> Message {
    let summary = opened::summary(&state.ledger, row.id, &row.summary_sealed);
    Message {
        id: row.id.to_string(),
        received_at: time(row.received_at),
        from: summary.from,
        subject: summary.subject,
        state: row.state,
        ending: row.ending,
        issue: row.issue_key,
        reason: row.reason,
    }
}

fn of_whole(state: &State, message: &Whole) -> Message {
    let summary = opened::summary(&state.ledger, message.id, &message.summary_sealed);
    Message {
        id: message.id.to_string(),
        received_at: time(message.received_at),
        from: summary.from,
        subject: summary.subject,
        state: message.state.clone(),
        ending: message.ending.clone(),
        issue: message.issue_key.clone(),
        reason: message.reason.clone(),
    }
}

/// GET /api/v1/messages/{id}
pub(super) async fn one(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(message): Path<String>,
) -> Result<Json<MessageDetail>, Refused> {
    detail(&state, &caller, id(&message)?).await.map(Json)
}

async fn detail(state: &State, caller: &Caller, id: Uuid) -> Result<MessageDetail, Refused> {
    let db = &state.connections.db;
    let message =
        rows::one(db, caller.actor().workspace, id).await?.ok_or_else(|| Refused::not_found("message"))?;
    let plan = state.ledger.plan(db, id).await?;
    let trace: Trace = plan.and_then(|plan| serde_json::from_slice(&plan.trace).ok()).unwrap_or_default();
    let steps = state.ledger.steps(db, id).await?;
    let found_again = found_again(&message, rows::sightings(db, id).await?);
    Ok(MessageDetail {
        message: of_whole(state, &message),
        trace: trace
            .lines
            .into_iter()
            .map(|line| {
                let text = if line.matched { line.why } else { format!("did not match: {}", line.why) };
                TraceLine { rule: line.rule, text }
            })
            .chain(
                found_again.into_iter().map(|text| TraceLine { rule: ledger::ids::KNOWN.to_owned(), text }),
            )
            .collect(),
        steps: steps
            .iter()
            .map(|step| StepShape {
                slot: match &step.slot {
                    Slot::Issue => "create issue".to_owned(),
                    Slot::Comment => "add comment".to_owned(),
                    Slot::Description => "show images".to_owned(),
                    Slot::Transition => "open issue again".to_owned(),
                    Slot::Link => "link issues".to_owned(),
                    Slot::Attachment { .. } => "attach file".to_owned(),
                },
                state: match step.state {
                    StepState::Planned => "planned",
                    StepState::Intent => "intent",
                    StepState::InDoubt { .. } => "in_doubt",
                    StepState::Done => "done",
                    StepState::Held => "held",
                }
                .to_owned(),
                remote: step
                    .remote
                    .as_ref()
                    .map(|remote| remote.key.clone().unwrap_or_else(|| remote.id.clone())),
                fault: step.fault.as_ref().map(fault),
            })
            .collect(),
    })
}

async fn done(state: &State, caller: &Caller, id: Uuid, done: Done) -> Result<Json<MessageDetail>, Refused> {
    match done {
        Done::Yes => detail(state, caller, id).await.map(Json),
        Done::Nowhere => Err(Refused::not_found("message")),
        Done::SourceRemoved => Err(Refused::new(
            StatusCode::CONFLICT,
            "The message's source was removed, so nothing was changed.",
            hold::SOURCE_REMOVED,
        )),
        Done::InShadow => Err(Refused::new(
            StatusCode::CONFLICT,
            "Its source is in shadow mode, in which nothing is written.",
            "End shadow mode on the source's page, then retry the mail; or discard it.",
        )),
        Done::NotHeld => Err(Refused::new(
            StatusCode::CONFLICT,
            "The message is not held, so nothing was changed.",
            "Look at it: somebody was faster, or it has its end.",
        )),
    }
}

/// POST /api/v1/messages/{id}/retry
pub(super) async fn retry(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(message): Path<String>,
) -> Result<Json<MessageDetail>, Refused> {
    let id = id(&message)?;
    let what = hold::retry(&state.of_messages(), caller.actor(), id).await?;
    done(&state, &caller, id, what).await
}

/// POST /api/v1/messages/{id}/discard
pub(super) async fn discard(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(message): Path<String>,
) -> Result<Json<MessageDetail>, Refused> {
    let id = id(&message)?;
    let what = hold::discard(&state.of_messages(), caller.actor(), id).await?;
    done(&state, &caller, id, what).await
}
