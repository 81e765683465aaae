//! Message Outbounds over the API.

use axum::extract::{Path, Query, State as Shared};
use axum::{Extension, Json};
use serde::Deserialize;
use uuid::Uuid;

use super::State;
use super::caller::Caller;
use super::problem::{Refused, fault};
use super::sources::ping_shape;
use crate::cli::shapes::{Outbound as Shape, Outbounds, Ping};
use crate::connections::health;
use crate::connections::outbounds::convert::move_to_graph;
use crate::connections::outbounds::{ping as pinged, switch};
use crate::connections::store::outbounds::{self as rows, Outbound};

fn gone() -> Refused {
    Refused::not_found("Message Outbound")
}

fn id(text: &str) -> Result<Uuid, Refused> {
    Uuid::parse_str(text).map_err(|_| gone())
}

fn shape(outbound: &Outbound) -> Shape {
    let standing = health::of_outbound(outbound);
    Shape {
        id: outbound.id.to_string(),
        mailbox: outbound.mailbox.clone(),
        account: outbound.username.clone(),
        from_name: outbound.from_name.clone(),
        connection_type: outbound.connection_type.clone(),
        ews_url: outbound.ews_url.clone(),
        state: health::word(standing.health).to_owned(),
        since: Some(standing.since),
        next_try_at: standing.next_try,
        last_success_at: standing.last_success,
        last_sent_at: standing.last_mail,
        fault: standing.troubles.first().map(|trouble| fault(&trouble.fault)),
        faults: standing.troubles.iter().map(|trouble| fault(&trouble.fault)).collect(),
    }
}

/// GET /api/v1/outbounds
pub(super) async fn list(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Outbounds>, Refused> {
    let all = rows::all(&state.connections.db, caller.actor().workspace).await?;
    Ok(Json(Outbounds { outbounds: all.iter().map(shape).collect() }))
}

/// `?to=`
#[derive(Debug, Default, Deserialize)]
pub(super) struct To {
    to: Option<String>,
}

/// POST /api/v1/outbounds/{id}/ping
pub(super) async fn ping(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(outbound): Path<String>,
    Query(To { to }): Query<To>,
) -> Result<Json<Ping>, Refused> {
    let actor = caller.actor();
    let to = to.as_deref().map(str::trim).filter(|to| to.contains('@'));
    let report = pinged::on_record(&state.connections, actor.workspace, id(&outbound)?, &actor.name, to)
        .await?
        .ok_or_else(gone)?;
    state.shell.bus.tell("sources");
    Ok(Json(ping_shape(&report)))
}

async fn set_paused(
    state: &State,
    caller: &Caller,
    outbound: &str,
    paused: bool,
) -> Result<Json<Shape>, Refused> {
    let (db, actor, outbound) = (&state.connections.db, caller.actor(), id(outbound)?);
    let row = rows::one(db, actor.workspace, outbound).await?.ok_or_else(gone)?;
    switch::set_paused(&state.of_connections(), actor, &row, paused).await?;
    let row = rows::one(db, actor.workspace, outbound).await?.ok_or_else(gone)?;
    Ok(Json(shape(&row)))
}

/// POST /api/v1/outbounds/{id}/pause
pub(super) async fn pause(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(outbound): Path<String>,
) -> Result<Json<Shape>, Refused> {
    set_paused(&state, &caller, &outbound, true).await
}

/// POST /api/v1/outbounds/{id}/resume
pub(super) async fn resume(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(outbound): Path<String>,
) -> Result<Json<Shape>, Refused> {
    set_paused(&state, &caller, &outbound, false).await
}

/// POST /api/v1/outbounds/{id}/convert
pub(super) async fn convert(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(outbound): Path<String>,
) -> Result<Json<Shape>, Refused> {
    let (connections, actor, outbound) = (&state.connections, caller.actor(), id(&outbound)?);
    let row = rows::one(&connections.db, actor.workspace, outbound).await?.ok_or_else(gone)?;
    if let Err(refused) = move_to_graph(connections, actor, &row).await? {
        return Err(refused.problem(&row).into());
    }
    state.shell.bus.tell("sources");
    let row = rows::one(&connections.db, actor.workspace, outbound).await?.ok_or_else(gone)?;
    Ok(Json(shape(&row)))
}
