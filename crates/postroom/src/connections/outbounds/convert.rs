//! Moving an outbound from EWS to Graph. There are no ids of mail to move, since nothing is remembered of what was sent by its id in
//! the mailbox; but Graph takes permissions of its own. Where the account lacks them, a person signs in once more, or an
//! administrator approves, and then it is moved without another press.

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use fault::Fault;
use microsoft::Mailbox as _;
use store::StoreError;
use uuid::Uuid;

use crate::access::{Actor, Admin, audit};
use crate::connections::connection_type::ConnectionType;
use crate::connections::goal::Goal;
use crate::connections::routes::{State, flash_to};
use crate::connections::sign_in::{self, Asked, Purpose, Who};
use crate::connections::store::accounts::{self, Account};
use crate::connections::store::events::{self, Event, Object};
use crate::connections::store::outbounds::{self as rows, Outbound};
use crate::connections::{Connections, application, scopes, tell};
use crate::web::{Flash, Problem};

/// Why an outbound was not moved.
#[derive(Clone, Debug)]
pub enum NotMoved {
    /// It sends over Graph already, or is not there any more.
    NotOverEws,
    /// The account was not let into mail of Graph yet: somebody signs in for that.
    NeedsSignIn,
    /// Graph does not open the mailbox.
    Refused(Fault),
}

impl NotMoved {
    /// In words, with what mends it.
    pub fn problem(&self, outbound: &Outbound) -> Problem {
        match self {
            Self::NotOverEws => Problem::conflict(
                format!("{} sends over Graph already.", outbound.mailbox),
                "There is nothing to do.",
            ),
            Self::NeedsSignIn => Problem::conflict(
                format!(
                    "{} may not use mail of Graph yet, so {} still sends over EWS.",
                    outbound.username, outbound.mailbox
                ),
                "Press Move to Graph on the outbound's page: it asks to sign in, and moves when that is done.",
            ),
            Self::Refused(fault) => Problem::conflict(
                format!("Graph does not take this mailbox, so it still sends over EWS: {}", fault.sentence()),
                fault.entry.mend,
            ),
        }
    }
}

/// Whether an account may send from this mailbox over Graph. An application has no scopes of its own: it is tried.
fn may_send(account: &Account, outbound: &Outbound, is_application: bool) -> bool {
    let is_own = outbound.mailbox_native_id == account.object_id;
    let granted = |scope| scopes::is_granted(&account.scopes, scope);
    let may_draft = granted(scopes::SHARED) || (is_own && granted(scopes::MAIL));
    let may_send = granted(scopes::SEND_SHARED) || (is_own && granted(scopes::SEND));
    is_application || (may_draft && may_send)
}

/// Moves an outbound to Graph, if Graph opens the mailbox.
pub async fn move_to_graph(
    connections: &Connections,
    actor: &Actor,
    outbound: &Outbound,
) -> Result<Result<(), NotMoved>, StoreError> {
    if ConnectionType::of_word(&outbound.connection_type) == ConnectionType::Graph {
        return Ok(Err(NotMoved::NotOverEws));
    }
    let Some(account) = accounts::account(&connections.db, actor.workspace, outbound.account_id).await?
    else {
        return Ok(Err(NotMoved::NotOverEws));
    };
    let is_application = application::is_application(connections, account.id).await?;
    if !may_send(&account, outbound, is_application) {
        return Ok(Err(NotMoved::NeedsSignIn));
    }
    let opened = async {
        let graph = connections.graph_mailbox(account.id, &outbound.mailbox_native_id).await?;
        graph.folder("drafts").await
    };
    if let Err(fault) = opened.await {
        return Ok(Err(NotMoved::Refused(fault)));
    }
    let now = connections.clock.now();
    let mut tx = connections.db.begin().await?;
    if !rows::to_graph(&mut tx, actor.workspace, outbound.id, now).await? {
        tx.rollback().await?;
        return Ok(Err(NotMoved::NotOverEws));
    }
    let event = Event {
        object: Object::Outbound,
        id: outbound.id,
        kind: "converted",
        text: "sends over Graph from now on",
        actor: &actor.name,
        detail: None,
    };
    events::add(&mut tx, actor.workspace, now, &event).await?;
    if outbound.send_state == "online" {
        tell::outbound_works(&mut tx, outbound.id, now).await?;
    }
    audit::record(&mut tx, actor, "move outbound to Graph", &outbound.mailbox, &outbound.username).await?;
    tx.commit().await?;
    connections.forget();
    Ok(Ok(()))
}

fn moved(state: &State, admin: &Admin, outbound: &Outbound) -> Response {
    state.shell.bus.tell("sources");
    let flash = Flash::done(format!(
        "{} sends over Graph from now on. Ping it: you get a test mail.",
        outbound.mailbox
    ));
    flash_to(admin, &flash, &format!("/outbounds/{}", outbound.id))
}

/// POST /outbounds/{id}/convert
pub async fn submit(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let outbound = state.outbound(admin.workspace(), id).await?;
    let connections = &state.connections;
    match move_to_graph(connections, &admin.actor(), &outbound).await? {
        Ok(()) => Ok(moved(&state, &admin, &outbound)),
        Err(NotMoved::NeedsSignIn) => {
            let account = state.account(admin.workspace(), outbound.account_id).await?;
            let is_shared = outbound.mailbox_native_id != account.object_id;
            let wanted = sign_in::wanted_to_send_over_graph(connections, &account, is_shared).await?;
            let asked = Asked::of(&wanted).to(Goal::MoveOutbound { id });
            sign_in::begin(Who::Admin(admin), &state, Purpose::Validate(account), asked, None).await
        }
        Err(refused) => Err(refused.problem(&outbound)),
    }
}

/// Somebody has signed in so that an outbound can be moved: it is.
pub async fn finish(admin: &Admin, state: &State, id: Uuid) -> Result<Response, Problem> {
    let outbound = state.outbound(admin.workspace(), id).await?;
    match move_to_graph(&state.connections, &admin.actor(), &outbound).await? {
        Ok(()) => Ok(moved(state, admin, &outbound)),
        Err(refused) => Err(refused.problem(&outbound)),
    }
}
