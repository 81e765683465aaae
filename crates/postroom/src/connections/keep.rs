//! Keeps what was confirmed of a source: its mailbox, its destination and the source itself, in one transaction.

use std::sync::Arc;

use fault::Fault;
use jiff::Timestamp;
use microsoft::{Folder, Mailbox};
use uuid::Uuid;

use super::destination;
use super::offer::Reading;
use super::routes::State;
use super::start_day;
use super::store::accounts::Account;
use super::store::events::{self, Event, Object};
use super::store::jira as jira_rows;
use super::store::sources::{self, Confirmed, Source};
use crate::access::{Admin, audit};
use crate::profiles::store as profiles;
use crate::web::Problem;

/// What was chosen, once it holds.
pub(super) struct Chosen {
    pub(super) folder: Folder,
    pub(super) mailbox: Arc<dyn Mailbox>,
    pub(super) connection: Uuid,
    pub(super) project: jira::Project,
    pub(super) issue_type: jira::IssueType,
    pub(super) start_kind: String,
    pub(super) start_at: Timestamp,
    pub(super) start_zone: String,
    pub(super) handled: String,
    pub(super) handled_target: String,
    pub(super) handled_name: String,
    pub(super) in_shadow: bool,
    /// The profile; none is the standard one.
    pub(super) profile: Option<Uuid>,
}

/// What came of keeping.
pub(super) enum Kept {
    /// Done, in a sentence.
    Source(String),
    /// Not done: the field and why.
    Refused(&'static str, String),
}

pub(super) async fn keep(
    admin: &Admin,
    state: &State,
    account: &Account,
    change: Option<&Source>,
    reading: &Reading,
    chosen: Chosen,
) -> Result<Kept, Problem> {
    let connections = &state.connections;
    let highest = match highest_key(state, &chosen).await {
        Ok(highest) => highest,
        Err(fault) => {
            let error = if is_data_center(state, &chosen).await && fault.status == Some(404) {
                "Mail does not go to Jira Data Center yet: choose a project of a Jira Cloud site.".to_owned()
            } else {
                format!("Its newest issue cannot be read: {}", fault.sentence())
            };
            return Ok(Kept::Refused("project", error));
        }
    };
    let (now, workspace) = (connections.clock.now(), admin.workspace());
    let address = &reading.address;
    let mut tx = connections.db.begin().await?;
    let mailbox = if let Some(source) = change {
        source.mailbox_id
    } else {
        let tenant = &account.tenant_id;
        match sources::mailbox(&mut tx, tenant, &reading.native_id, address).await? {
            Some(known) if known.workspace_id != workspace => {
                let error = format!(
                    "{address} belongs to another workspace of this installation: disconnect it there first."
                );
                return Ok(Kept::Refused("mailbox", error));
            }
            Some(known) => known.id,
            None => {
                sources::add_mailbox(&mut tx, workspace, tenant, &reading.native_id, address, now).await?
            }
        }
    };
    let new = jira_rows::NewDestination {
        workspace,
        connection: chosen.connection,
        key: &chosen.project.key,
        name: &chosen.project.name,
        highest,
        now,
    };
    let destination = jira_rows::destination(&mut tx, &new).await?;
    let confirmed = Confirmed {
        workspace,
        account: account.id,
        mailbox,
        connection_type: reading.over.word(),
        ews_url: reading.ews_url.clone(),
        folder_id: chosen.folder.id.as_str().to_owned(),
        folder_name: chosen.folder.path.clone(),
        destination,
        issue_type_id: chosen.issue_type.id.clone(),
        issue_type_name: chosen.issue_type.name.clone(),
        start_kind: chosen.start_kind,
        start_at: chosen.start_at,
        start_zone: chosen.start_zone,
        handled: chosen.handled,
        handled_target: chosen.handled_target,
        handled_name: chosen.handled_name,
        in_shadow: chosen.in_shadow,
        now,
    };
    let (id, what, text) = match change {
        Some(source) => {
            sources::update(&mut tx, source.id, &confirmed).await?;
            (source.id, "change source", "settings changed")
        }
        None => match sources::of_folder(&mut tx, mailbox, &confirmed.folder_id).await? {
            Some((_, None)) => {
                let error =
                    "This folder is read by a source already: change that one instead of making a second.";
                return Ok(Kept::Refused("folder", error.to_owned()));
            }
            Some((id, Some(_))) => {
                sources::revive(&mut tx, id, confirmed.clone()).await?;
                (
                    id,
                    "create source",
                    if chosen.in_shadow {
                        "confirmed again; reading begins in shadow mode"
                    } else {
                        "confirmed again; reading begins"
                    },
                )
            }
            None => {
                let id = Uuid::now_v7();
                sources::insert(&mut tx, id, confirmed.clone()).await?;
                (
                    id,
                    "create source",
                    if chosen.in_shadow {
                        "confirmed; reading begins in shadow mode"
                    } else {
                        "confirmed; reading begins"
                    },
                )
            }
        },
    };
    profiles::give(&mut tx, id, chosen.profile, now).await?;
    let detail = format!(
        "{}, to {} as {}, starts with {}, handled mail: {}{}",
        confirmed.folder_name,
        chosen.project.key,
        confirmed.issue_type_name,
        start_day::in_words(&confirmed.start_kind, confirmed.start_at, &confirmed.start_zone),
        confirmed.handled,
        if confirmed.in_shadow { ", in shadow mode" } else { "" }
    );
    audit::record(&mut tx, &admin.actor(), what, address, &detail).await?;
    let event = Event {
        object: Object::Source,
        id,
        kind: "confirmed",
        text,
        actor: &admin.user().email,
        detail: None,
    };
    events::add(&mut tx, workspace, now, &event).await?;
    tx.commit().await?;
    connections.forget();
    state.engine.poll.notify_one();
    state.engine.work.notify_one();
    state.engine.push.notify_one();
    state.shell.bus.tell("sources");
    let verb = if change.is_some() { "goes on" } else { "is read from now on" };
    let goes_to = if confirmed.in_shadow {
        format!(
            "in shadow mode: what would become of its mail in {} is decided, and nothing is written",
            chosen.project.key
        )
    } else {
        format!("its mail goes to {}", chosen.project.key)
    };
    // What is older is left alone: the boundary is said as it was kept.
    let from = match confirmed.start_kind.as_str() {
        "since" if change.is_none() => {
            let from = start_day::moment(confirmed.start_at, &confirmed.start_zone);
            format!(" It starts with mail since {from}.")
        }
        _ => String::new(),
    };
    Ok(Kept::Source(format!("{address}, {} {verb}; {goes_to}.{from}", confirmed.folder_name)))
}

async fn is_data_center(state: &State, chosen: &Chosen) -> bool {
    let client = state.connections.jira(chosen.connection).await;
    client.is_ok_and(|client| client.api_version() == jira::ApiVersion::V2)
}

async fn highest_key(state: &State, chosen: &Chosen) -> Result<i64, Fault> {
    let client = state.connections.jira(chosen.connection).await?;
    destination::highest_key(&client, &chosen.project.key).await
}
