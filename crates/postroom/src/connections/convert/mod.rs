//! Moving a source from EWS to Graph, so that no mail is handled twice and none is lost.
//!
//! [`begin`] puts the move on record; [`job::Converter`] does it in the background, and goes on by itself after a kill or while Graph
//! does not answer. The source is read over EWS until the switch, and [`cancel`] leaves it there.
//!
//! 1. The source's claim is taken, so that nothing is recorded by an old id meanwhile; it is renewed beside the work, however slow
//!    Graph is.
//! 2. Every id of EWS that the ledger has of this mailbox is translated, and the other one becomes an alias, a batch a
//!    transaction. What is still to be handled or marked and cannot be translated is looked for by Message-ID, time and text
//!    ([`open_mails`]).
//! 3. One transaction switches: type, folder ids, the ids that messages are asked for by, an empty cursor, and what could not be
//!    told is held. Graph then lists the folder from its beginning into the same keys; what had no other id is recognised there
//!    ([`ledger::record`]). A removed source of the same folder over Graph is taken over.
//!
//! Whoever kills it anywhere has it begun again: aliases that are there stay and are not asked for twice.

pub mod job;
mod open_mails;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_with_sim;

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use ledger::failpoint;
use store::StoreError;
use uuid::Uuid;

use super::connection_type::ConnectionType;
use super::goal::Goal;
use super::routes::{State, flash_to};
use super::sign_in::{self, Asked, Purpose, Who};
use super::store::accounts::Account;
use super::store::conversion::{self as rows, Conversion};
use super::store::events::{self, Event, Object};
use super::store::sources::Source;
use super::{Connections, application, scopes};
use crate::access::{Actor, Admin, audit};
use crate::web::times::counted;
use crate::web::{Flash, Problem};

/// What a move has come to, in a sentence or two.
pub fn sentence(conversion: &Conversion) -> String {
    let translated = counted(conversion.translated, "id", "ids");
    let mut text = format!("reads over Graph from now on; {translated} translated");
    for (mails, one, many) in [
        (conversion.matched, "matched by Message-ID, time and text", "matched by Message-ID, time and text"),
        (
            conversion.gone,
            "left the mailbox before it was handled or marked",
            "left the mailbox before they were handled or marked",
        ),
        (conversion.known, "known over Graph already", "known over Graph already"),
    ] {
        if mails > 0 {
            text = format!("{text}, {}", counted(mails, one, many));
        }
    }
    if conversion.held > 0 {
        let held = counted(
            conversion.held,
            "could not be told apart from others and is held: retry or discard it",
            "could not be told apart from others and are held: retry or discard them",
        );
        text = format!("{text}. {held} on the list of messages");
    }
    text
}

/// Whether a source's account may read its mailbox over Graph. An application has no scopes of its own: it is tried.
async fn may_read(connections: &Connections, account: &Account, source: &Source) -> Result<bool, StoreError> {
    let granted = |scope| scopes::is_granted(&account.scopes, scope);
    let is_own = source.mailbox_native_id == account.object_id;
    let may = granted(scopes::SHARED) || (is_own && granted(scopes::MAIL));
    Ok(may || application::is_application(connections, account.id).await?)
}

/// POST /sources/{id}/convert
pub async fn submit(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let source = state.source(admin.workspace(), id).await?;
    let connections = &state.connections;
    let account = state.account(admin.workspace(), source.account_id).await?;
    let is_over_ews = ConnectionType::of_word(&source.connection_type) == ConnectionType::Ews;
    if !is_over_ews || may_read(connections, &account, &source).await? {
        return moving(&admin, &state, &source).await;
    }
    // Let into EWS alone: Graph is asked for first, and then the move begins without another press.
    let needed = scopes::asked(source.mailbox_native_id != account.object_id);
    let more = scopes::to_refresh(&account.scopes).into_iter().filter(|scope| !needed.contains(scope));
    let wanted: Vec<&str> = needed.iter().copied().chain(more).collect();
    let asked = Asked::of(&wanted).to(Goal::MoveSource { id });
    sign_in::begin(Who::Admin(admin), &state, Purpose::Validate(account), asked, None).await
}

/// Somebody has signed in so that a source can be moved: it begins.
pub async fn finish(admin: &Admin, state: &State, id: Uuid) -> Result<Response, Problem> {
    let source = state.source(admin.workspace(), id).await?;
    moving(admin, state, &source).await
}

async fn moving(admin: &Admin, state: &State, source: &Source) -> Result<Response, Problem> {
    begin(state, &admin.actor(), source).await?;
    let flash = Flash::done(format!(
        "{} is being moved to Graph. This page says how far it is; nothing has to be waited for.",
        source.mailbox
    ));
    Ok(flash_to(admin, &flash, &format!("/sources/{}", source.id)))
}

/// POST /sources/{id}/convert/cancel
pub async fn submit_cancel(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let source = state.source(admin.workspace(), id).await?;
    cancel(&state, &admin.actor(), &source).await?;
    let flash = Flash::done(format!("{} stays with EWS; nothing is lost of what was done.", source.mailbox));
    Ok(flash_to(&admin, &flash, &format!("/sources/{id}")))
}

/// Begins to move a source from EWS to Graph, if its account was let into mail of Graph. One that is on its way already goes on.
pub async fn begin(state: &State, actor: &Actor, source: &Source) -> Result<(), Problem> {
    if ConnectionType::of_word(&source.connection_type) == ConnectionType::Graph {
        return Err(Problem::conflict(
            format!("{} is read over Graph already.", source.mailbox),
            "There is nothing to do.",
        ));
    }
    let account = state.account(actor.workspace, source.account_id).await?;
    if !may_read(&state.connections, &account, source).await? {
        return Err(Problem::conflict(
            format!(
                "{} may not use mail of Graph yet, so {} is still read over EWS.",
                account.username, source.mailbox
            ),
            "Press Move to Graph on the source's page: it asks to sign in, and moves when that is done.",
        ));
    }
    put_on_record(&state.connections, actor, source).await?;
    failpoint::hit("C0");
    state.engine.conversions.notify_one();
    tell(state, source.id);
    Ok(())
}

/// Puts the move of a source on record: it is taken up in the background.
pub async fn put_on_record(
    connections: &Connections,
    actor: &Actor,
    source: &Source,
) -> Result<(), StoreError> {
    let now = connections.clock.now();
    let mut tx = connections.db.begin().await?;
    if rows::begin(&mut tx, actor, source.id, now).await? {
        let event = Event {
            object: Object::Source,
            id: source.id,
            kind: "converting",
            text: "is being moved to Graph",
            actor: &actor.name,
            detail: None,
        };
        events::add(&mut tx, actor.workspace, now, &event).await?;
        audit::record(&mut tx, actor, "begin to move source to Graph", &source.mailbox, &source.folder_name)
            .await?;
    }
    tx.commit().await
}

/// Gives up moving a source; it stays with EWS. What was translated stays known, and is not asked for again.
pub async fn cancel(state: &State, actor: &Actor, source: &Source) -> Result<(), Problem> {
    let connections = &state.connections;
    let now = connections.clock.now();
    let mut tx = connections.db.begin().await?;
    if !rows::cancel(&mut tx, source.id, now).await? {
        return Err(Problem::conflict(
            format!("{} is not being moved (any more).", source.mailbox),
            "Look at its page: it may be read over Graph already.",
        ));
    }
    let event = Event {
        object: Object::Source,
        id: source.id,
        kind: "conversion_cancelled",
        text: "stays with EWS: the move to Graph was cancelled",
        actor: &actor.name,
        detail: None,
    };
    events::add(&mut tx, actor.workspace, now, &event).await?;
    audit::record(&mut tx, actor, "cancel move to Graph", &source.mailbox, &source.folder_name).await?;
    tx.commit().await?;
    tell(state, source.id);
    Ok(())
}

fn tell(state: &State, source: Uuid) {
    state.shell.bus.tell("sources");
    state.shell.bus.tell(&format!("source-{source}"));
}
