//! Erasing an address over the API: counted first, done when it is confirmed. The address is in bodies alone, never in an address of the web
//! that somebody logs.

use axum::extract::{Path, State as Shared};
use axum::{Extension, Json};
use http::StatusCode;
use uuid::Uuid;

use super::State;
use super::caller::Caller;
use super::problem::Refused;
use crate::access::Role;
use crate::cli::shapes::{Done, Erasure as Shape, ErasureConfirmation, ErasureWish, Erasures};
use crate::connections::routes::time;
use crate::retention::address::address_of;
use crate::retention::erase::{self, Confirmed, Erasure};
use crate::retention::report;

/// Erasures in an answer.
const MOST: u16 = 100;

fn id(text: &str) -> Result<Uuid, Refused> {
    Uuid::parse_str(text).map_err(|_| Refused::not_found("erasure"))
}

fn shape(erasure: &Erasure) -> Shape {
    let number = |number: i64| u64::try_from(number).unwrap_or(0);
    Shape {
        id: erasure.id.to_string(),
        state: erasure.state.clone(),
        domain: erasure.domain.clone(),
        named_too: erasure.named_too != 0,
        asked_by: erasure.actor.clone(),
        begun_at: time(erasure.begun_at),
        ended_at: erasure.ended_at.map(time),
        total: number(erasure.total),
        seen: number(erasure.seen),
        own: number(erasure.own),
        named: number(erasure.named),
        held: number(erasure.held),
        left_open: number(erasure.left_open),
        unread: number(erasure.unread),
        issues: erasure.issues(),
        standing: erasure.standing(),
        report: report::sentences(erasure),
    }
}

fn only_owners(caller: &Caller) -> Result<(), Refused> {
    if caller.role() >= Role::Owner {
        return Ok(());
    }
    Err(Refused::new(
        StatusCode::FORBIDDEN,
        "Only an owner can erase an address.",
        "Use a token of the role owner, or the command line on the machine itself.",
    ))
}

/// GET /api/v1/erasures
pub(super) async fn list(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Erasures>, Refused> {
    let all = erase::latest(&state.connections.db, caller.actor().workspace, MOST).await?;
    Ok(Json(Erasures { erasures: all.iter().map(shape).collect() }))
}

async fn found(state: &State, caller: &Caller, id: Uuid) -> Result<Json<Shape>, Refused> {
    let one = erase::one(&state.connections.db, caller.actor().workspace, id).await?;
    one.as_ref().map(|one| Json(shape(one))).ok_or_else(|| Refused::not_found("erasure"))
}

/// GET /api/v1/erasures/{id}
pub(super) async fn one(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(erasure): Path<String>,
) -> Result<Json<Shape>, Refused> {
    found(&state, &caller, id(&erasure)?).await
}

/// POST /api/v1/erasures
pub(super) async fn begin(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Json(wish): Json<ErasureWish>,
) -> Result<Json<Shape>, Refused> {
    only_owners(&caller)?;
    let Some(address) = address_of(&wish.address) else {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            "This is not an address.",
            "Write one, such as ann@example.com.",
        ));
    };
    let mut tx = state.connections.db.begin().await?;
    let id = erase::begin(&mut tx, &state.ledger, caller.actor(), &address, wish.named).await?;
    tx.commit().await?;
    state.engine.remove.notify_one();
    found(&state, &caller, id).await
}

/// POST /api/v1/erasures/{id}/confirm
pub(super) async fn confirm(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(erasure): Path<String>,
    Json(sure): Json<ErasureConfirmation>,
) -> Result<Json<Shape>, Refused> {
    only_owners(&caller)?;
    let id = id(&erasure)?;
    let address = address_of(&sure.address).unwrap_or_default();
    match erase::confirm(&state.connections.db, &state.ledger, caller.actor(), id, &address).await? {
        Confirmed::Yes => {
            state.engine.remove.notify_one();
            found(&state, &caller, id).await
        }
        Confirmed::OtherAddress => Err(Refused::new(
            StatusCode::CONFLICT,
            "This is not the address that was counted.",
            "Send the same address as before, or begin anew.",
        )),
        Confirmed::NotNow => Err(Refused::new(
            StatusCode::CONFLICT,
            "It does not wait for a confirmation.",
            "Look at its state: it is counted first, and confirmed once.",
        )),
    }
}

/// POST /api/v1/erasures/{id}/give-up
pub(super) async fn give_up(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(erasure): Path<String>,
) -> Result<Json<Done>, Refused> {
    only_owners(&caller)?;
    if erase::give_up(&state.connections.db, caller.actor().workspace, id(&erasure)?).await? {
        state.shell.bus.tell("erasures");
        return Ok(Json(Done { done: true }));
    }
    Err(Refused::new(
        StatusCode::CONFLICT,
        "It does not wait for a confirmation.",
        "Look at its state: what is confirmed cannot be given up.",
    ))
}
