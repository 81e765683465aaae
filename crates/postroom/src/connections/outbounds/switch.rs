//! What is done to an outbound with one press: ping, pause, resume, try now, remove. Each is on record.

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use store::StoreError;
use uuid::Uuid;

use super::{check_due, ping};
use crate::access::{Actor, Admin, audit};
use crate::connections::routes::{State, flash_to, see_other};
use crate::connections::store::events::{self, Event, Object};
use crate::connections::store::outbounds::{self as rows, Outbound};
use crate::notices;
use crate::web::{Flash, Problem};

/// POST /outbounds/{id}/ping
pub async fn ping(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let email = &admin.user().email;
    ping::on_record(&state.connections, admin.workspace(), id, email, Some(email))
        .await?
        .ok_or_else(|| Problem::not_found("Message Outbound"))?;
    state.shell.bus.tell("sources");
    Ok(see_other(&format!("/outbounds?ping={id}#row-{id}")))
}

/// Pauses or resumes an outbound, on record. `false`: it was so already.
pub async fn set_paused(
    state: &State,
    actor: &Actor,
    outbound: &Outbound,
    paused: bool,
) -> Result<bool, StoreError> {
    let now = state.connections.clock.now();
    let mut tx = state.connections.db.begin().await?;
    let changed = rows::set_paused(&mut tx, actor.workspace, outbound.id, paused, now).await?;
    if changed {
        let (what, kind) = if paused { ("pause outbound", "paused") } else { ("resume outbound", "resumed") };
        audit::record(&mut tx, actor, what, &outbound.mailbox, "").await?;
        let event = Event {
            object: Object::Outbound,
            id: outbound.id,
            kind,
            text: kind,
            actor: &actor.name,
            detail: None,
        };
        events::add(&mut tx, actor.workspace, now, &event).await?;
        if paused {
            notices::ended_quietly(&mut tx, outbound.id, now).await?;
        }
    }
    tx.commit().await?;
    state.shell.bus.tell("sources");
    Ok(changed)
}

/// POST /outbounds/{id}/pause
pub async fn pause(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let outbound = state.outbound(admin.workspace(), id).await?;
    set_paused(&state, &admin.actor(), &outbound, true).await?;
    let flash = Flash::done(format!("Nothing is sent from {} until it is resumed.", outbound.mailbox));
    Ok(flash_to(&admin, &flash, "/outbounds"))
}

/// POST /outbounds/{id}/resume
pub async fn resume(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let outbound = state.outbound(admin.workspace(), id).await?;
    set_paused(&state, &admin.actor(), &outbound, false).await?;
    Ok(flash_to(&admin, &Flash::done(format!("{} sends again.", outbound.mailbox)), "/outbounds"))
}

/// POST /outbounds/{id}/try-now
pub async fn try_now(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let outbound = state.outbound(admin.workspace(), id).await?;
    state.connections.ask_anew(outbound.account_id).await;
    let mut tx = state.connections.db.begin().await?;
    rows::check_now(&mut tx, id, state.connections.clock.now()).await?;
    audit::record(&mut tx, &admin.actor(), "try outbound now", &outbound.mailbox, "").await?;
    tx.commit().await?;
    check_due(&state.connections).await;
    Ok(flash_to(&admin, &Flash::done(format!("{} was tried.", outbound.mailbox)), "/outbounds"))
}

/// POST /outbounds/{id}/remove
pub async fn remove(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let outbound = state.outbound(admin.workspace(), id).await?;
    let now = state.connections.clock.now();
    let mut tx = state.connections.db.begin().await?;
    rows::remove(&mut tx, admin.workspace(), id).await?;
    notices::ended_quietly(&mut tx, id, now).await?;
    audit::record(&mut tx, &admin.actor(), "remove outbound", &outbound.mailbox, "").await?;
    tx.commit().await?;
    state.shell.bus.tell("sources");
    let flash = Flash::done(format!("No mail is sent from {} any more.", outbound.mailbox));
    Ok(flash_to(&admin, &flash, "/outbounds"))
}
