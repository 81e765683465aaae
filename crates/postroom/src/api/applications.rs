//! Application permission over the API: whether the application is kept to its mailboxes.

use axum::extract::{Path, State as Shared};
use axum::{Extension, Json};
use uuid::Uuid;

use super::State;
use super::caller::Caller;
use super::problem::Refused;
use super::sources::ping_shape;
use crate::cli::shapes::{Application as Shape, ApplicationCheck, Applications};
use crate::connections::application;
use crate::connections::routes::time;
use crate::connections::store::accounts::{self, Account};
use crate::connections::store::applications as rows;

fn gone() -> Refused {
    Refused::not_found("application")
}

async fn shape(state: &State, account: &Account) -> Result<Shape, Refused> {
    let db = &state.connections.db;
    let fence = rows::fence(db, account.id).await?.ok_or_else(gone)?;
    let (said, _) = application::words(&fence.state);
    Ok(Shape {
        id: account.id.to_string(),
        name: account.username.clone(),
        tenant: account.tenant_id.clone(),
        client_id: account.object_id.clone(),
        mailboxes: rows::mailboxes(db, account.id).await?,
        control_mailbox: Some(fence.control_mailbox).filter(|address| !address.is_empty()),
        fence: fence.state,
        said: said.to_owned(),
        checked_at: fence.checked_at.map(time),
        cached_until: fence.checked_at.map(application::cached_until),
    })
}

/// GET /api/v1/applications
pub(super) async fn list(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Applications>, Refused> {
    let mut applications = Vec::new();
    for account in accounts::signed_in(&state.connections.db, caller.actor().workspace).await? {
        if application::is_application(&state.connections, account.id).await? {
            applications.push(shape(&state, &account).await?);
        }
    }
    Ok(Json(Applications { applications }))
}

/// POST /api/v1/applications/{id}/check
pub(super) async fn check(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ApplicationCheck>, Refused> {
    let actor = caller.actor();
    let id = Uuid::parse_str(&id).map_err(|_| gone())?;
    let account = accounts::account(&state.connections.db, actor.workspace, id).await?.ok_or_else(gone)?;
    if !application::is_application(&state.connections, id).await? {
        return Err(gone());
    }
    let report = application::check(&state.connections, actor.workspace, &actor.name, id).await?;
    state.shell.bus.tell("sources");
    let application = shape(&state, &account).await?;
    Ok(Json(ApplicationCheck { application, check: ping_shape(&report) }))
}
