//! What is done to a Jira connection with one press: ping, try now, pause, resume, remove. Each is on record.

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use store::StoreError;
use uuid::Uuid;

use super::ping::{self, Report};
use super::routes::{State, flash_to, see_other};
use super::store::events::{self, Event, Object};
use super::store::jira::{self as rows, JiraConnection, Removal};
use super::{jira_ping, jira_watch};
use crate::access::{Actor, Admin, audit};
use crate::notices;
use crate::web::components::Action;
use crate::web::times::counted;
use crate::web::{Flash, Problem};

/// Tests a connection and records what was found.
pub async fn ping_on_record(
    state: &State,
    workspace: Uuid,
    id: Uuid,
    actor: &str,
) -> Result<Option<Report>, StoreError> {
    let connections = &state.connections;
    let Some(row) = rows::one(&connections.db, workspace, id).await? else { return Ok(None) };
    let (report, learned) = jira_ping::check(connections, workspace, &row).await?;
    let mut tx = connections.db.begin().await?;
    if jira_watch::keep(&mut tx, &row, &jira_ping::of_site(&report), (None, Some(&learned))).await? {
        jira_ping::keep(&mut tx, &row, &learned).await?;
        ping::record(&mut tx, workspace, Object::Jira, id, actor, &report).await?;
        tx.commit().await?;
    } else {
        // Changed meanwhile, and tested when that was kept: what was found is of how it was.
        tx.rollback().await?;
    }
    connections.forget();
    state.engine.work.notify_one();
    state.shell.bus.tell("jira");
    Ok(Some(report))
}

/// POST /jira/{id}/ping
pub async fn ping(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    ping_on_record(&state, admin.workspace(), id, &admin.user().email)
        .await?
        .ok_or_else(|| Problem::not_found("Jira connection"))?;
    Ok(see_other(&format!("/jira?ping={id}#row-{id}")))
}

/// POST /jira/{id}/try-now
pub async fn try_now(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let row = state.jira_connection(admin.workspace(), id).await?;
    let report = ping_on_record(&state, admin.workspace(), id, &admin.user().email).await?;
    let text = match report.as_ref().and_then(|report| report.checks.iter().find_map(ping::Check::fault)) {
        Some(fault) => Flash::failed(format!("{} was tried: {fault}.", row.name)),
        None => Flash::done(format!("{} was tried, and works.", row.name)),
    };
    Ok(flash_to(&admin, &text, &format!("/jira/{id}")))
}

/// Pauses or resumes a connection, on record. `false`: it was so already.
pub async fn set_paused(
    state: &State,
    actor: &Actor,
    row: &JiraConnection,
    paused: bool,
) -> Result<bool, StoreError> {
    let now = state.connections.clock.now();
    let mut tx = state.connections.db.begin().await?;
    if !paused {
        // Projects before their site, as whoever stops one does.
        rows::release(&mut tx, row.id).await?;
    }
    let changed = rows::set_paused(&mut tx, actor.workspace, row.id, paused, now).await?;
    if changed {
        let (what, kind) =
            if paused { ("pause Jira connection", "paused") } else { ("resume Jira connection", "resumed") };
        audit::record(&mut tx, actor, what, &row.base_url, "").await?;
        let event =
            Event { object: Object::Jira, id: row.id, kind, text: kind, actor: &actor.name, detail: None };
        events::add(&mut tx, actor.workspace, now, &event).await?;
        if paused {
            notices::ended_quietly(&mut tx, row.id, now).await?;
            for project in rows::destinations(&mut tx, row.id).await? {
                notices::ended_quietly(&mut tx, project, now).await?;
            }
        }
    }
    tx.commit().await?;
    state.engine.work.notify_one();
    state.shell.bus.tell("jira");
    Ok(changed)
}

/// POST /jira/{id}/pause
pub async fn pause(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let row = state.jira_connection(admin.workspace(), id).await?;
    set_paused(&state, &admin.actor(), &row, true).await?;
    let text = format!(
        "No new mail is begun for {} until it is resumed; what is under way is finished. Mail waits; none is lost.",
        row.name
    );
    Ok(flash_to(&admin, &Flash::done(text), &format!("/jira/{id}")))
}

/// POST /jira/{id}/resume
pub async fn resume(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let row = state.jira_connection(admin.workspace(), id).await?;
    set_paused(&state, &admin.actor(), &row, false).await?;
    let flash = Flash::done(format!("{} takes mail again, the oldest first.", row.name));
    Ok(flash_to(&admin, &flash, &format!("/jira/{id}")))
}

/// POST /jira/{id}/remove
pub async fn remove(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let row = state.jira_connection(admin.workspace(), id).await?;
    let mut tx = connections.db.begin().await?;
    match rows::remove(&mut tx, admin.workspace(), id).await? {
        Removal::Done => {}
        Removal::Nowhere => return Err(Problem::not_found("Jira connection")),
        Removal::Used => {
            return Err(Problem::conflict(
                format!("Message Sources send mail to {}, so it stays.", row.base_url),
                "Let these sources send their mail elsewhere, then remove the connection.",
            )
            .with(Action::go("Message Sources", "/sources")));
        }
        Removal::Awaited(mails) => {
            let mails = counted(mails, "mail is", "mails are");
            return Err(Problem::conflict(
                format!("{mails} on the way to {} or held, so it stays.", row.base_url),
                "Wait until they have their end and discard or retry what is held, then remove the connection.",
            )
            .with(Action::go("Messages that are held", "/messages?filter=held")));
        }
    }
    notices::ended_quietly(&mut tx, id, connections.clock.now()).await?;
    audit::record(&mut tx, &admin.actor(), "remove Jira connection", &row.base_url, "").await?;
    tx.commit().await?;
    connections.forget();
    state.shell.bus.tell("jira");
    Ok(flash_to(&admin, &Flash::done(format!("{} is no longer connected.", row.base_url)), "/jira"))
}
