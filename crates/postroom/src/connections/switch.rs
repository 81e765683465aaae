//! What is done to a source with one press: ping, pause, resume, try now, remove. Each is on record.

use std::fmt::Write as _;

use axum::extract::{Form, Path, State as Shared};
use axum::response::Response;
use ledger::Ledger;
use serde::Deserialize;
use store::StoreError;
use uuid::Uuid;

use super::ping;
use super::push;
use super::routes::{State, flash_to, see_other};
use super::store::events::{self, Event, Object};
use super::store::sources::Source;
use super::store::{accounts, jira, sources, uses};
use crate::access::{Actor, Admin, audit};
use crate::notices;
use crate::web::times::counted;
use crate::web::{Flash, Problem};

/// POST /sources/{id}/ping
pub async fn ping(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    ping::source_on_record(&state.connections, admin.workspace(), id, &admin.user().email)
        .await?
        .ok_or_else(|| Problem::not_found("Message Source"))?;
    state.engine.poll.notify_one();
    state.engine.work.notify_one();
    state.shell.bus.tell("sources");
    Ok(see_other(&format!("/sources?ping={id}#row-{id}")))
}

/// Pauses or resumes a source, on record. `false`: it was so already.
pub async fn set_paused(
    state: &State,
    actor: &Actor,
    source: &Source,
    paused: bool,
) -> Result<bool, StoreError> {
    let now = state.connections.clock.now();
    let mut tx = state.connections.db.begin().await?;
    let (changed, word, text) = if paused {
        (sources::pause(&mut tx, actor.workspace, source.id, now).await?, "pause source", "paused")
    } else {
        (
            sources::resume(&mut tx, actor.workspace, source.id, now).await?,
            "resume source",
            "resumed; it goes on where it stood",
        )
    };
    if changed {
        audit::record(&mut tx, actor, word, &source.mailbox, &source.folder_name).await?;
        let kind = if paused { "paused" } else { "resumed" };
        let event =
            Event { object: Object::Source, id: source.id, kind, text, actor: &actor.name, detail: None };
        events::add(&mut tx, actor.workspace, now, &event).await?;
        if paused {
            notices::ended_quietly(&mut tx, source.id, now).await?;
        }
    }
    tx.commit().await?;
    state.engine.poll.notify_one();
    state.engine.work.notify_one();
    state.engine.push.notify_one();
    state.shell.bus.tell("sources");
    state.shell.bus.tell(&format!("source-{}", source.id));
    Ok(changed)
}

/// POST /sources/{id}/pause
pub async fn pause(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let source = state.source(admin.workspace(), id).await?;
    set_paused(&state, &admin.actor(), &source, true).await?;
    Ok(flash_to(
        &admin,
        &Flash::done(format!("{} is paused: nothing is read until it is resumed.", source.mailbox)),
        "/sources",
    ))
}

/// POST /sources/{id}/resume
pub async fn resume(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let source = state.source(admin.workspace(), id).await?;
    set_paused(&state, &admin.actor(), &source, false).await?;
    Ok(flash_to(
        &admin,
        &Flash::done(format!("{} is read again; it goes on where it stood.", source.mailbox)),
        "/sources",
    ))
}

/// What the shadow button posts.
#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    /// `on` or `off`.
    #[serde(default)]
    shadow: String,
}

/// POST /sources/{id}/shadow
pub async fn shadow(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Problem> {
    let source = state.source(admin.workspace(), id).await?;
    let (now, on) = (state.connections.clock.now(), wanted.shadow == "on");
    let mut tx = state.connections.db.begin().await?;
    if sources::set_shadow(&mut tx, admin.workspace(), id, on, now).await? {
        let (what, text) = if on {
            ("begin shadow mode", "shadow mode begins: it reads and decides and writes nothing")
        } else {
            ("end shadow mode", "shadow mode ends: new mail is handled again")
        };
        audit::record(&mut tx, &admin.actor(), what, &source.mailbox, &source.folder_name).await?;
        let email = &admin.user().email;
        let event = Event { object: Object::Source, id, kind: "shadow", text, actor: email, detail: None };
        events::add(&mut tx, admin.workspace(), now, &event).await?;
    }
    tx.commit().await?;
    state.connections.forget();
    state.shell.bus.tell("sources");
    let text = if on {
        format!(
            "{} is in shadow mode: its mail is read and decided, and nothing is written. What was begun before goes on when shadow mode ends.",
            source.mailbox
        )
    } else {
        format!(
            "{} handles new mail again, and goes on with what was begun before. What was read in shadow mode stays as it is.",
            source.mailbox
        )
    };
    Ok(flash_to(&admin, &Flash::done(text), &format!("/sources/{id}")))
}

/// POST /sources/{id}/try-now
pub async fn try_now(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let source = state.source(admin.workspace(), id).await?;
    state.connections.ask_anew(source.account_id).await;
    let mut tx = state.connections.db.begin().await?;
    sources::poll_now(&mut tx, id, state.connections.clock.now()).await?;
    if let Some(connection) = source.jira_connection_id {
        jira::release(&mut tx, connection).await?;
    }
    audit::record(&mut tx, &admin.actor(), "try source now", &source.mailbox, "").await?;
    tx.commit().await?;
    state.engine.poll.notify_one();
    state.engine.work.notify_one();
    Ok(flash_to(&admin, &Flash::done(format!("{} is tried now.", source.mailbox)), "/sources"))
}

/// POST /sources/{id}/remove
pub async fn remove(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let source = state.source(admin.workspace(), id).await?;
    let mut tx = state.connections.db.begin().await?;
    let now = state.connections.clock.now();
    push::store::source_removed(&mut tx, id, now).await?;
    sources::remove(&mut tx, admin.workspace(), id, now).await?;
    let left = Ledger::leave(&mut tx, id, now).await?;
    notices::ended_quietly(&mut tx, id, now).await?;
    let detail = match left.ended + left.held {
        0 => source.folder_name.clone(),
        _ => {
            let ended = counted(left.ended, "mail", "mails");
            format!("{}; {ended} ended, {} held", source.folder_name, left.held)
        }
    };
    audit::record(&mut tx, &admin.actor(), "remove source", &source.mailbox, &detail).await?;
    tx.commit().await?;
    state.connections.forget();
    state.engine.push.notify_one();
    // Those behind them in their conversations may go on.
    state.engine.work.notify_one();
    state.shell.bus.tell("sources");
    state.shell.bus.tell("messages");
    let mut text = format!("{} is no longer read.", source.mailbox);
    if left.ended > 0 {
        let mails = counted(left.ended, "mail that was", "mails that were");
        let _ = write!(text, " {mails} not handled yet ended as ignored.");
    }
    if left.held > 0 {
        let are = if left.held == 1 { "is" } else { "are" };
        let _ = write!(text, " {} under way in shadow mode {are} held for you.", left.held);
    }
    Ok(flash_to(&admin, &Flash::done(text), "/sources"))
}

/// POST /accounts/{id}/remove
pub async fn remove_account(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let account = state.account(admin.workspace(), id).await?;
    let mut tx = state.connections.db.begin().await?;
    notices::ended_quietly(&mut tx, id, state.connections.clock.now()).await?;
    if !accounts::remove_unused(&mut tx, admin.workspace(), id).await? {
        let uses = uses::of(&state.connections.db, id).await?;
        return Err(Problem::conflict(
            format!("{} is used for {}, so the sign-in stays.", account.username, uses.words()),
            "Remove these first, or let another account take its place: validate one of them as that person.",
        ));
    }
    audit::record(&mut tx, &admin.actor(), "remove account", &account.username, "").await?;
    tx.commit().await?;
    state.connections.forget();
    state.shell.bus.tell("sources");
    Ok(flash_to(
        &admin,
        &Flash::done(format!("The sign-in of {} was removed.", account.username)),
        "/sources",
    ))
}
