//! Message Sources over the API.

use axum::extract::{Path, State as Shared};
use axum::{Extension, Json};
use http::StatusCode;
use jiff::Timestamp;
use uuid::Uuid;

use super::State;
use super::caller::Caller;
use super::problem::{Refused, fault};
use crate::cli::shapes::{Conversion, Ping, PingCheck, Source as Shape, Sources};
use crate::connections::routes::time;
use crate::connections::store::conversion;
use crate::connections::store::sources::{self, Source};
use crate::connections::{convert, health, ping as pinged, push, switch};

fn id(text: &str) -> Result<Uuid, Refused> {
    Uuid::parse_str(text).map_err(|_| Refused::not_found("Message Source"))
}

async fn shape(state: &State, source: &Source) -> Result<Shape, Refused> {
    let pushed = push::store::one(&state.connections.db, source.id).await?;
    Ok(shape_with(source, pushed.as_ref()))
}

fn shape_with(source: &Source, pushed: Option<&push::store::Row>) -> Shape {
    let standing = health::of_source(source);
    let at = |micros: Option<i64>| -> Option<Timestamp> { micros.map(time) };
    let name = |key: &String| match source.project_name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => format!("{key} ({name})"),
        None => key.clone(),
    };
    Shape {
        id: source.id.to_string(),
        mailbox: source.mailbox.clone(),
        folder: source.folder_name.clone(),
        connection_type: source.connection_type.clone(),
        state: health::word(standing.health).to_owned(),
        since: Some(standing.since),
        next_try_at: standing.next_try,
        project: source.project_key.as_ref().map(name),
        last_success_at: at(source.last_success_at),
        last_mail_at: at(source.last_mail_at),
        waiting: u64::try_from(source.waiting).unwrap_or(0),
        fault: standing.troubles.first().map(|trouble| fault(&trouble.fault)),
        faults: standing.troubles.iter().map(|trouble| fault(&trouble.fault)).collect(),
        push: Some(push::shown::shape(pushed)),
    }
}

/// GET /api/v1/sources
pub(super) async fn list(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Sources>, Refused> {
    let all = sources::all(&state.connections.db, caller.actor().workspace).await?;
    let pushed = push::store::all(&state.connections.db).await?;
    let of = |id: Uuid| pushed.iter().find(|row| row.source_id == id);
    Ok(Json(Sources { sources: all.iter().map(|source| shape_with(source, of(source.id))).collect() }))
}

/// GET /api/v1/sources/{id}
pub(super) async fn one(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(source): Path<String>,
) -> Result<Json<Shape>, Refused> {
    let row = sources::one(&state.connections.db, caller.actor().workspace, id(&source)?)
        .await?
        .ok_or_else(|| Refused::not_found("Message Source"))?;
    Ok(Json(shape(&state, &row).await?))
}

/// POST /api/v1/sources/{id}/ping
pub(super) async fn ping(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(source): Path<String>,
) -> Result<Json<Ping>, Refused> {
    let actor = caller.actor();
    let report = pinged::source_on_record(&state.connections, actor.workspace, id(&source)?, &actor.name)
        .await?
        .ok_or_else(|| Refused::not_found("Message Source"))?;
    state.engine.poll.notify_one();
    state.engine.work.notify_one();
    state.shell.bus.tell("sources");
    Ok(Json(ping_shape(&report)))
}

/// What a ping found.
pub(super) fn ping_shape(report: &pinged::Report) -> Ping {
    let checks = report
        .checks
        .iter()
        .map(|check| PingCheck {
            name: check.name.clone(),
            ok: check.is_good(),
            open: check.open.map(|open| match open {
                pinged::Open::Unknown => "unknown".to_owned(),
                pinged::Open::NotTried => "not_tried".to_owned(),
            }),
            text: check.text.clone(),
            took_ms: check.took_ms,
            fault: check.fault().as_ref().map(fault),
        })
        .collect();
    Ping { ok: report.is_good(), checks }
}

async fn set_paused(
    state: &State,
    caller: &Caller,
    source: &str,
    paused: bool,
) -> Result<Json<Shape>, Refused> {
    let (db, actor, source) = (&state.connections.db, caller.actor(), id(source)?);
    let gone = || Refused::not_found("Message Source");
    let row = sources::one(db, actor.workspace, source).await?.ok_or_else(gone)?;
    switch::set_paused(&state.of_connections(), actor, &row, paused).await?;
    let row = sources::one(db, actor.workspace, source).await?.ok_or_else(gone)?;
    Ok(Json(shape(state, &row).await?))
}

/// POST /api/v1/sources/{id}/pause
pub(super) async fn pause(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(source): Path<String>,
) -> Result<Json<Shape>, Refused> {
    set_paused(&state, &caller, &source, true).await
}

/// POST /api/v1/sources/{id}/resume
pub(super) async fn resume(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(source): Path<String>,
) -> Result<Json<Shape>, Refused> {
    set_paused(&state, &caller, &source, false).await
}

async fn the_source(state: &State, caller: &Caller, source: &str) -> Result<Source, Refused> {
    sources::one(&state.connections.db, caller.actor().workspace, id(source)?)
        .await?
        .ok_or_else(|| Refused::not_found("Message Source"))
}

async fn conversion_of(state: &State, source: &Source) -> Result<Json<Conversion>, Refused> {
    let found = conversion::of_source(&state.connections.db, source.id).await?;
    let found = found.ok_or_else(|| {
        Refused::new(
            StatusCode::NOT_FOUND,
            "This source was never moved to Graph.",
            "Begin with `postroom sources convert` and its id.",
        )
    })?;
    let number = |number: i64| u64::try_from(number).unwrap_or(0);
    let some = |text: &String| (!text.is_empty()).then(|| text.clone());
    let waits = found.state == "running" && !found.what.is_empty();
    Ok(Json(Conversion {
        mailbox: source.mailbox.clone(),
        total: number(found.total),
        done: number(found.done),
        translated: number(found.translated),
        matched: number(found.matched),
        gone: number(found.gone),
        held: number(found.held),
        known: number(found.known),
        outcome: (found.state == "done").then(|| convert::sentence(&found)),
        what: some(&found.what),
        mend: some(&found.mend),
        next_try_at: waits.then(|| time(found.not_before)),
        state: found.state,
    }))
}

/// POST /api/v1/sources/{id}/convert
pub(super) async fn begin_conversion(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(source): Path<String>,
) -> Result<Json<Conversion>, Refused> {
    let source = the_source(&state, &caller, &source).await?;
    convert::begin(&state.of_connections(), caller.actor(), &source).await?;
    conversion_of(&state, &source).await
}

/// GET /api/v1/sources/{id}/conversion
pub(super) async fn show_conversion(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(source): Path<String>,
) -> Result<Json<Conversion>, Refused> {
    let source = the_source(&state, &caller, &source).await?;
    conversion_of(&state, &source).await
}

/// POST /api/v1/sources/{id}/conversion/cancel
pub(super) async fn cancel_conversion(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(source): Path<String>,
) -> Result<Json<Conversion>, Refused> {
    let source = the_source(&state, &caller, &source).await?;
    convert::cancel(&state.of_connections(), caller.actor(), &source).await?;
    conversion_of(&state, &source).await
}
