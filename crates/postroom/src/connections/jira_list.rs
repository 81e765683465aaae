//! The list of Jira connections: a line for each, a second one only where something is to be said.

use axum::extract::{Query, State as Shared};
use axum::response::Response;
use fault::Class;
use serde::Deserialize;
use uuid::Uuid;

use super::expiry::{self, Forecast};
use super::health::{self, NextTry, Standing, Trouble};
use super::jira_kind::JiraKind;
use super::known_ends;
use super::mend;
use super::pages::{JiraPage, Said, SourceRow};
use super::ping::{self, Report};
use super::routes::State;
use super::store::jira::{self as rows, JiraConnection, Project};
use crate::access::{Role, Viewer};
use crate::web::components::{Action, Health, Icon, Menu, Tone};
use crate::web::{self, Problem, Section};

/// `?ping=` of the list.
#[derive(Debug, Default, Deserialize)]
pub struct Shown {
    /// Whose last ping is shown.
    ping: Option<Uuid>,
}

/// GET /jira
pub async fn show(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Query(shown): Query<Shown>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let projects = rows::projects(&connections.db, viewer.workspace()).await?;
    let mut list = Vec::new();
    for connection in rows::all(&connections.db, viewer.workspace()).await? {
        let result = match shown.ping {
            Some(id) if id == connection.id => ping::last(connections, id).await?,
            _ => None,
        };
        list.push(row(&viewer, &connection, &projects, result.as_ref()));
    }
    let mut frame = viewer.frame(Section::Jira, "Jira connections").live("jira");
    if !list.is_empty() && viewer.may(Role::Admin) {
        frame = frame.with(Action::go("Connect Jira", "/jira/new").with_icon(Icon::Plus));
    }
    web::page(&JiraPage { frame, rows: list, empty: JiraPage::nothing() })
}

/// The buttons that mend a fault of a connection: first the one thing to do.
pub(super) fn mend(viewer: &Viewer, row: &JiraConnection, trouble: &Trouble) -> Vec<Action> {
    if !viewer.may(Role::Admin) || trouble.fault.entry.class == Class::Transient {
        return Vec::new();
    }
    let id = row.id;
    let secret = format!("Replace the {}", JiraKind::of(row).secret());
    let edit = format!("/jira/{id}/edit");
    let try_now = viewer.post("Try now", format!("/jira/{id}/try-now")).with_icon(Icon::Retry);
    match trouble.fault.entry.id {
        "jira.token" | "jira.scope" | "jira.client_credentials" => {
            vec![Action::go(secret, edit).primary(), try_now]
        }
        "jira.cloud_id" | "jira.moved" | "jira.page" | "jira.not_found" => {
            vec![Action::go("Change the address", edit).primary(), try_now]
        }
        _ => vec![try_now],
    }
}

/// What can be done to a connection, for its menu and its page.
pub(super) fn actions(viewer: &Viewer, row: &JiraConnection, sources: i64) -> Vec<Action> {
    let id = row.id;
    let post = |label: &str, what: &str| viewer.post(label, format!("/jira/{id}/{what}"));
    let pause = if row.paused_at.is_some() {
        post("Resume", "resume").with_icon(Icon::Play)
    } else {
        post("Pause", "pause").with_icon(Icon::Paused)
    };
    let mut actions = vec![
        Action::go("Change or replace the secret", format!("/jira/{id}/edit")).with_icon(Icon::Settings),
        pause,
    ];
    if sources == 0 {
        actions.push(post("Remove", "remove").with_icon(Icon::Bin).danger(format!(
            "The connection to {} goes, with its sealed {}. Nothing in Jira is changed: issues and comments stay, and so do the keys that \
             handled mail has here.",
            row.base_url,
            JiraKind::of(row).secret()
        )));
    }
    actions
}

/// What ends soon, as a line; none while it is far.
pub(super) fn ending(viewer: &Viewer, row: &JiraConnection) -> Option<Said> {
    let now = viewer.times().now;
    let nearest: Forecast = expiry::forecast(&known_ends::of_jira(row)).into_iter().next()?;
    let step = nearest.step(now)?;
    let on = viewer.times().on(nearest.at).words;
    let text = if nearest.at <= now {
        format!("{} has ended, {on}.", nearest.what.words())
    } else {
        format!("{} ends in {}, {on}.", nearest.what.words(), expiry::left(nearest.at, now))
    };
    let edit = || {
        Action::go(format!("Replace the {}", JiraKind::of(row).secret()), format!("/jira/{}/edit", row.id))
    };
    Some(Said {
        tone: if step == 1 { Tone::Bad } else { Tone::Warn },
        since: None,
        text,
        code: String::new(),
        action: viewer.may(Role::Admin).then(edit),
        ways: Vec::new(),
    })
}

/// Words beside the state.
fn beside(viewer: &Viewer, standing: &Standing) -> String {
    match (standing.health, standing.last_success) {
        (Health::Paused, _) => format!("since {}", viewer.times().on(standing.since).words),
        (Health::Online, Some(at)) => format!("answered {}", viewer.times().ago(at).words),
        (Health::Online, None) => "not tested yet".to_owned(),
        (_, _) => match standing.next() {
            Some(next @ NextTry::At(_)) => format!("trying again {}", next.words(viewer.times())),
            _ => String::new(),
        },
    }
}

fn row(viewer: &Viewer, row: &JiraConnection, projects: &[Project], result: Option<&Report>) -> SourceRow {
    let id = row.id;
    let standing = health::of_jira(row);
    let admin = viewer.may(Role::Admin);
    let its = projects.iter().filter(|project| project.jira_connection_id == id);
    let sources: i64 = its.clone().map(|project| project.sources).sum();
    let keys: Vec<&str> =
        its.filter(|project| project.sources > 0).map(|project| project.project_key.as_str()).collect();
    let troubles =
        mend::with_mends(viewer, &standing.troubles, false, |trouble| self::mend(viewer, row, trouble));
    SourceRow {
        id: id.to_string(),
        mailbox: row.name.clone(),
        href: format!("/jira/{id}"),
        folder: keys.join(", "),
        connection_type: JiraKind::of(row).short(),
        target: row.display_name.clone().unwrap_or_else(|| row.username.clone()),
        health: standing.health,
        last_mail: None,
        beside: beside(viewer, &standing),
        said: troubles
            .map(|(trouble, action)| mend::said(viewer, trouble, "", action))
            .chain(ending(viewer, row))
            .collect(),
        ping: admin.then(|| viewer.post("Ping", format!("/jira/{id}/ping")).icon_only(Icon::Ping).in_place()),
        validate: None,
        menu: Menu::more(
            format!("More for {}", row.name),
            if admin { actions(viewer, row, sources) } else { Vec::new() },
        ),
        result: result.map(|report| report.view(viewer.times(), "/jira")),
    }
}
