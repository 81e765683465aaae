//! One Jira connection: state on top, then the last ping, projects and sources, the limits that the site has told of, what happened,
//! what will end, settings.

use std::time::Duration;

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use jiff::SignedDuration;
use uuid::Uuid;

use super::health::Trouble;
use super::jira_kind::{JiraKind, LONGEST};
use super::jira_list::{actions, mend};
use super::jira_site::stored_fault;
use super::pages::{JiraConnectionPage, ProjectRow, Setting, WriterRow};
use super::routes::{State, moment, time};
use super::source::{ends, timeline_of};
use super::store::jira::{self as rows, JiraConnection, Project};
use super::{expiry, health, known_ends, ping};
use crate::access::{Role, Viewer};
use crate::web::components::{Action, FaultView, Health, Icon};
use crate::web::times::{Times, counted, took};
use crate::web::{self, Problem, Section};

/// GET /jira/{id}
pub async fn show(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let db = &state.connections.db;
    let row = state.jira_connection(viewer.workspace(), id).await?;
    let standing = health::of_jira(&row);
    let admin = viewer.may(Role::Admin);
    let mut frame = viewer.frame(Section::Jira, &row.name).live("jira sources");
    if admin {
        let to = format!("/jira/{id}/try-now");
        frame = frame.with(viewer.post("Ping", to).with_icon(Icon::Ping));
    }
    let waiting = u64::try_from(rows::waiting(db, id).await?).unwrap_or(0);
    let faults =
        super::mend::with_mends(&viewer, &standing.troubles, false, |trouble| mend(&viewer, &row, trouble));
    let faults = faults.map(|(trouble, mends)| {
        FaultView::of(&trouble.fault, Some(viewer.times().on(trouble.since))).waiting(waiting).with_all(mends)
    });
    let faults = faults.collect();
    let all = rows::projects(db, viewer.workspace()).await?;
    let projects: Vec<Project> = all.into_iter().filter(|project| project.jira_connection_id == id).collect();
    let sources: i64 = projects.iter().map(|project| project.sources).sum();
    let writers = rows::writers(db, viewer.workspace(), id).await?;
    let mut forecast = ends(&viewer, &expiry::forecast(&known_ends::of_jira(&row)));
    if admin {
        for end in &mut forecast {
            end.action = Some(Action::go("Put a new one in", format!("/jira/{id}/edit")));
        }
    }
    let last = ping::last(&state.connections, id).await?;
    web::page(&JiraConnectionPage {
        frame,
        health: standing.health,
        since: viewer.times().ago(standing.since),
        faults,
        last_success: standing.last_success.map(|at| viewer.times().ago(at)),
        next_try: standing.next().map(|next| next.words(viewer.times())),
        waiting,
        limits: limits(&state, viewer.times(), id),
        ping: last.map(|report| report.view(viewer.times(), String::new())),
        projects: projects
            .iter()
            .map(|project| project_row(viewer.times(), project, standing.troubles.first()))
            .collect(),
        writers: writers
            .iter()
            .map(|writer| WriterRow {
                href: format!("/sources/{}", writer.id),
                name: format!("{} · {}", writer.mailbox, writer.folder_name),
                project: writer.project_key.clone(),
                issue_type: writer.issue_type_name.clone(),
                is_read_twice: is_same_address(&writer.jira_address, &writer.mailbox),
            })
            .collect(),
        timeline: timeline_of(&state, &viewer, [row.id, row.id]).await?,
        expires: forecast,
        settings: settings(&viewer, &row),
        edit: admin.then(|| Action::go("Change", format!("/jira/{id}/edit")).with_icon(Icon::Settings)),
        dangers: if admin {
            actions(&viewer, &row, sources).into_iter().skip(1).collect()
        } else {
            Vec::new()
        },
        is_used: sources > 0,
    })
}

/// Whether Jira itself sends from the address that a source reads: it may read there, too.
pub(super) fn is_same_address(jira: &str, mailbox: &str) -> bool {
    !jira.is_empty() && jira.eq_ignore_ascii_case(mailbox)
}

fn project_row(times: &Times, project: &Project, of_site: Option<&Trouble>) -> ProjectRow {
    let fault = project.fault.as_deref().filter(|_| project.state != "online").and_then(stored_fault);
    let mut text = match (fault, of_site) {
        (None, _) => String::new(),
        // It stands above already.
        (Some(fault), Some(site)) if fault.entry.id == site.fault.entry.id => "With its site.".to_owned(),
        (Some(fault), _) => fault.sentence(),
    };
    if !text.is_empty() && project.not_before > 0 {
        text = format!("{text} Next try {}.", times.ago(time(project.not_before)).words);
    }
    ProjectRow {
        key: project.project_key.clone(),
        name: project.project_name.clone(),
        health: Health::of_row(&project.state).unwrap_or(Health::Degraded),
        text,
        sources: u64::try_from(project.sources).unwrap_or(0),
    }
}

/// What the site has told of its limits, as far as this process has met them: name and value.
fn limits(state: &State, times: &Times, id: Uuid) -> Vec<(String, String)> {
    let Some(client) = state.connections.jira_in_use(id) else {
        return vec![("Rate limit".to_owned(), "nothing asked since the start".to_owned())];
    };
    let told = client.pace().told();
    let when = |ago: Duration| {
        let ago = SignedDuration::try_from(ago).unwrap_or(SignedDuration::MAX);
        times.ago(times.now.saturating_sub(ago).unwrap_or(times.now)).words
    };
    let mut lines = Vec::new();
    lines.push((
        "Rate limit".to_owned(),
        match told.pause {
            Some(pause) => format!("Jira asked for a pause: {} left", took(pause)),
            None => "no pause".to_owned(),
        },
    ));
    if let Some((call, left, of, ago)) = told.left {
        let of = of.map_or_else(String::new, |of| format!(" of {of}"));
        lines.push(("Calls left".to_owned(), format!("{left}{of}, for “{call}”, {}", when(ago))));
    }
    if let Some((call, limit, ago)) = told.refused {
        lines.push(("Last refused".to_owned(), format!("“{call}”, {}: {limit}", when(ago))));
    }
    if let Some(token) = client.token_in_use() {
        let lasts = counted(token.lasts.as_secs().div_ceil(60), "minute", "minutes");
        lines.push(("Access token".to_owned(), format!("lasts {lasts}, replaced by itself")));
    }
    lines
}

fn settings(viewer: &Viewer, row: &JiraConnection) -> Vec<Setting> {
    let kind = JiraKind::of(row);
    let mut settings = vec![Setting::new("Site", &row.base_url), Setting::new("Kind", kind.name())];
    if let Some(name) = &row.display_name {
        settings.push(Setting::new("Signed in as", name));
    }
    match kind {
        JiraKind::Service => settings.push(Setting::new("Client ID", &row.username)),
        JiraKind::Scoped | JiraKind::Token => settings.push(Setting::new("User", &row.username)),
        JiraKind::DataCenter => {}
    }
    if !row.cloud_id.is_empty() {
        settings.push(Setting::new("Cloud id", &row.cloud_id));
    }
    if !row.server.is_empty() {
        settings.push(Setting::new("Version", &row.server));
    }
    if let Some(limit) = row.upload_limit {
        settings.push(Setting::new("Largest file", format!("{} MiB", limit >> 20)));
    }
    settings.push(Setting::new(
        "Secret",
        format!("kept sealed since {}; never shown", moment(viewer, row.secret_put_at).exact),
    ));
    let latest = || time(row.secret_put_at).saturating_add(LONGEST).unwrap_or(jiff::Timestamp::MAX);
    let ends = match (row.secret_ends_at, row.secret_ends_by.as_str(), kind) {
        (Some(at), "jira", _) => format!("{}, as Jira says", viewer.times().on(time(at)).words),
        (Some(at), ..) => format!("{}, as entered", viewer.times().on(time(at)).words),
        (None, _, JiraKind::Scoped | JiraKind::Token) => {
            format!("not entered; by {} at the latest", viewer.times().on(latest()).words)
        }
        (None, ..) => "not entered".to_owned(),
    };
    settings.push(Setting::new("Ends", ends));
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a mailbox that Jira itself sends from is told, however it is written; where Jira tells none, nothing is.
    #[test]
    fn a_mailbox_that_jira_uses_is_known() {
        assert!(is_same_address("Support@Contoso.test", "support@contoso.test"));
        assert!(!is_same_address("", ""));
        assert!(!is_same_address("jira@contoso.atlassian.net", "support@contoso.test"));
    }
}
