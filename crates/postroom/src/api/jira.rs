//! Jira connections over the API.

use axum::extract::{Path, State as Shared};
use axum::{Extension, Json};
use uuid::Uuid;

use super::State;
use super::caller::Caller;
use super::problem::{Refused, fault};
use super::sources::ping_shape;
use crate::cli::shapes::{Jira as Shape, JiraConnections, JiraProject, Ping};
use crate::connections::jira_kind::{self, JiraKind};
use crate::connections::store::jira::{self as rows, JiraConnection, Project};
use crate::connections::{health, jira_switch};

fn gone() -> Refused {
    Refused::not_found("Jira connection")
}

fn id(text: &str) -> Result<Uuid, Refused> {
    Uuid::parse_str(text).map_err(|_| gone())
}

fn shape(row: &JiraConnection, projects: &[Project]) -> Shape {
    let standing = health::of_jira(row);
    let end = jira_kind::end_of(row).map(|(_, at)| at);
    let its = projects.iter().filter(|project| project.jira_connection_id == row.id);
    Shape {
        id: row.id.to_string(),
        name: row.name.clone(),
        kind: JiraKind::of(row).word().to_owned(),
        site: row.base_url.clone(),
        cloud_id: Some(row.cloud_id.clone()).filter(|id| !id.is_empty()),
        signed_in_as: row.display_name.clone(),
        version: Some(row.server.clone()).filter(|server| !server.is_empty()),
        state: health::word(standing.health).to_owned(),
        since: Some(standing.since),
        last_success_at: standing.last_success,
        next_try_at: standing.next_try,
        secret_ends_at: end,
        secret_end_is_known: row.secret_ends_at.is_some(),
        projects: its
            .map(|project| JiraProject {
                key: project.project_key.clone(),
                state: project.state.clone(),
                sources: u64::try_from(project.sources).unwrap_or(0),
            })
            .collect(),
        fault: standing.troubles.first().map(|trouble| fault(&trouble.fault)),
    }
}

async fn the_row(state: &State, caller: &Caller, connection: &str) -> Result<JiraConnection, Refused> {
    rows::one(&state.connections.db, caller.actor().workspace, id(connection)?).await?.ok_or_else(gone)
}

/// GET /api/v1/jira
pub(super) async fn list(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<JiraConnections>, Refused> {
    let (db, workspace) = (&state.connections.db, caller.actor().workspace);
    let projects = rows::projects(db, workspace).await?;
    let all = rows::all(db, workspace).await?;
    Ok(Json(JiraConnections { connections: all.iter().map(|row| shape(row, &projects)).collect() }))
}

/// POST /api/v1/jira/{id}/ping
pub(super) async fn ping(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(connection): Path<String>,
) -> Result<Json<Ping>, Refused> {
    let actor = caller.actor();
    let report =
        jira_switch::ping_on_record(&state.of_connections(), actor.workspace, id(&connection)?, &actor.name)
            .await?
            .ok_or_else(gone)?;
    Ok(Json(ping_shape(&report)))
}

async fn set_paused(
    state: &State,
    caller: &Caller,
    connection: &str,
    paused: bool,
) -> Result<Json<Shape>, Refused> {
    let row = the_row(state, caller, connection).await?;
    jira_switch::set_paused(&state.of_connections(), caller.actor(), &row, paused).await?;
    let projects = rows::projects(&state.connections.db, caller.actor().workspace).await?;
    Ok(Json(shape(&the_row(state, caller, connection).await?, &projects)))
}

/// POST /api/v1/jira/{id}/pause
pub(super) async fn pause(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(connection): Path<String>,
) -> Result<Json<Shape>, Refused> {
    set_paused(&state, &caller, &connection, true).await
}

/// POST /api/v1/jira/{id}/resume
pub(super) async fn resume(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(connection): Path<String>,
) -> Result<Json<Shape>, Refused> {
    set_paused(&state, &caller, &connection, false).await
}
