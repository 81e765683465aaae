//! The list of Message Sources: a line per source when all is well, a second one where something is to be said.

use std::fmt::Write;

use axum::extract::{Query, State as Shared};
use axum::response::Response;
use fault::{Class, Retry};
use serde::Deserialize;
use uuid::Uuid;

use super::connection_type::ConnectionType;
use super::consent::listed;
use super::ending::{Credentials, known_of_account};
use super::health::{self, Side, Standing, Trouble};
use super::jira_site::stored_fault;
use super::outbounds::known_of_source;
use super::pages::{Said, SourceRow, SourcesPage};
use super::ping::{self, Report};
use super::routes::{State, moment, time};
use super::scopes;
use super::sign_in;
use super::store::accounts::{self, Account};
use super::store::conversion::{self, Conversion};
use super::store::sources::{self, Source};
use crate::access::{Role, Viewer};
use crate::web::components::{Action, FaultView, Health, Icon, Menu, Tone, happened, ways};
use crate::web::times::thousands;
use crate::web::{self, Problem, Section};

/// `?ping=` of the list.
#[derive(Debug, Default, Deserialize)]
pub struct Shown {
    /// Whose last ping is shown.
    ping: Option<Uuid>,
}

/// GET /sources
pub async fn show(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Query(shown): Query<Shown>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let mut rows = Vec::new();
    let all = sources::all(&connections.db, viewer.workspace()).await?;
    let moving = conversion::open(&connections.db, viewer.workspace()).await?;
    let credentials = Credentials::of(&connections.db, viewer.workspace()).await?;
    for source in &all {
        let result = match shown.ping {
            Some(id) if id == source.id => ping::last(connections, id).await?,
            _ => None,
        };
        let moving = moving.iter().find(|moving| moving.source_id == source.id);
        rows.push(source_row(&viewer, source, moving, &credentials, result.as_ref()));
    }
    let waiting = listed::waiting(&state, &viewer).await?;
    for account in accounts::unused(&connections.db, viewer.workspace()).await? {
        if !waiting.iter().any(|approval| approval.account_id == Some(account.id)) {
            rows.push(account_row(&viewer, &account, &credentials));
        }
    }
    let waits = |source: &&Source| health::of_source(source).health == Health::ApprovalNeeded;
    let spoken_for: Vec<Uuid> = all.iter().filter(waits).map(|source| source.account_id).collect();
    for approval in listed::beside(&waiting, false, &spoken_for) {
        rows.push(listed::row(&state, &viewer, approval).await);
    }
    let sign_in =
        || viewer.post("Sign in with Microsoft", "/sources/sign-in").with_icon(Icon::Grid).primary();
    let mut frame = viewer.frame(Section::Sources, "Message Sources").live("sources");
    if !rows.is_empty() && viewer.may(Role::Admin) {
        let create = vec![
            viewer.post("Mailbox of the account", "/sources/sign-in"),
            viewer.post("Shared mailbox", "/sources/sign-in").field("shared", "on"),
            Action::go("Sign-in link for its owner", "/sign-in-links/new"),
            viewer.post("Sign in by a code", "/device-sign-ins"),
            Action::go("Application permission", "/applications/new"),
            Action::go("Over EWS (legacy)", "/sources/create-ews"),
        ];
        frame = frame.with(Menu::named("Create", create)).with(sign_in());
    }
    let page = SourcesPage { frame, rows, empty: SourcesPage::nothing(sign_in()) };
    match sign_in::login_url(&state, &viewer).await {
        Some(login) => web::page_leading_to(&page, &login),
        None => web::page(&page),
    }
}

/// The button that mends a fault of a source.
pub fn mend(viewer: &Viewer, source: &Source, trouble: &Trouble) -> Option<Action> {
    let id = source.id;
    if trouble.at == Side::Project {
        return match (trouble.fault.entry.class, source.jira_connection_id) {
            (Class::Transient, _) => None,
            (_, Some(jira))
                if matches!(trouble.fault.entry.id, "jira.token" | "jira.captcha" | "jira.scope") =>
            {
                Some(Action::go("Replace the token", format!("/jira/{jira}/edit")))
            }
            _ => Some(viewer.post("Try now", format!("/sources/{id}/try-now")).with_icon(Icon::Retry)),
        };
    }
    if trouble.at == Side::Marks && trouble.fault.entry.id == "graph.folder_gone" {
        return Some(
            Action::go("Choose another folder", format!("/sources/{id}/edit")).with_icon(Icon::Settings),
        );
    }
    if matches!(trouble.fault.entry.id, "ews.disabled" | "ews.not_allowed") {
        return Some(to_graph(viewer, source).primary());
    }
    if health::needs_approval(&trouble.fault) {
        // Its page has the link for the administrator, and Microsoft is asked once a minute from then on.
        return Some(
            viewer
                .post("Ask the administrator", format!("/accounts/{}/wait", source.account_id))
                .field("source", id.to_string()),
        );
    }
    match trouble.fault.entry.class {
        // Whatever it is, nothing is asked for before somebody has signed in.
        _ if trouble.fault.retry() == Retry::AfterSignIn => {
            Some(viewer.post("Sign in again", format!("/sources/{id}/sign-in")).primary())
        }
        Class::SignIn => Some(viewer.post("Sign in again", format!("/sources/{id}/sign-in")).primary()),
        Class::Administrator | Class::Configuration => {
            Some(viewer.post("Try now", format!("/sources/{id}/try-now")).with_icon(Icon::Retry))
        }
        Class::Transient | Class::Poison => None,
    }
}

/// A fault of a source as pages show it, with what it does to its mail.
pub fn fault_view(viewer: &Viewer, source: &Source, trouble: &Trouble) -> FaultView {
    let view = FaultView::of(&trouble.fault, Some(viewer.times().on(trouble.since)));
    if trouble.at != Side::Marks {
        return view.waiting(u64::try_from(source.waiting).unwrap_or(0));
    }
    FaultView {
        tone: Tone::Warn,
        what: unmarked(source, &view.what),
        waiting: "Mail is read and handled as before; what waits is marked as soon as the mailbox takes it."
            .to_owned(),
        ..view
    }
}

/// How many handled mails could not be marked, and why.
fn unmarked(source: &Source, why: &str) -> String {
    match source.unmarked {
        1 => format!("1 handled mail could not be marked: {why}"),
        many => {
            let many = thousands(u64::try_from(many).unwrap_or(0));
            format!("{many} handled mails could not be marked: {why}")
        }
    }
}

fn said(viewer: &Viewer, source: &Source, trouble: &Trouble) -> Said {
    let fault = &trouble.fault;
    let transient = fault.entry.class == Class::Transient;
    let mut text = happened(fault);
    if trouble.at == Side::Marks {
        text = unmarked(source, &text);
    }
    if !transient {
        text.push(' ');
        text.push_str(fault.entry.mend);
    }
    if source.waiting > 0 && trouble.at == Side::Project {
        let waiting = thousands(u64::try_from(source.waiting).unwrap_or(0));
        let _ = write!(text, " {waiting} mails are waiting; none is lost.");
    }
    Said {
        tone: if transient || trouble.at == Side::Marks { Tone::Warn } else { Tone::Bad },
        since: Some(viewer.times().on(trouble.since)),
        text,
        code: fault.code.clone(),
        action: viewer.may(Role::Admin).then(|| mend(viewer, source, trouble)).flatten(),
        ways: ways(fault),
    }
}

/// A source in shadow mode says so: it looks well and makes no issues.
fn in_shadow(viewer: &Viewer, source: &Source) -> Option<Said> {
    let since = source.shadow_at?;
    Some(Said {
        tone: Tone::Warn,
        since: Some(viewer.times().on(time(since))),
        text: "Shadow mode: mail is read and decided, and nothing is written to Jira or the mailbox."
            .to_owned(),
        code: String::new(),
        action: viewer.may(Role::Admin).then(|| {
            viewer.post("End shadow mode", format!("/sources/{}/shadow", source.id)).field("shadow", "off")
        }),
        ways: Vec::new(),
    })
}

/// Words beside the state.
fn beside(viewer: &Viewer, source: &Source, standing: &Standing) -> String {
    match standing.health {
        Health::Degraded => match standing.next_try {
            Some(next) if next > viewer.times().now => {
                let again = if source.failures > 1 {
                    format!(" ({} times so far)", source.failures)
                } else {
                    String::new()
                };
                format!("trying again {}{again}", viewer.times().ago(next).words)
            }
            _ => "trying again now".to_owned(),
        },
        Health::Paused => format!("since {}", viewer.times().on(standing.since).words),
        Health::Online if source.last_success_at.is_none() => "reading for the first time".to_owned(),
        Health::Online if source.last_mail_at.is_none() => "no mail yet".to_owned(),
        _ => String::new(),
    }
}

/// The button that moves a source over EWS to Graph.
fn to_graph(viewer: &Viewer, source: &Source) -> Action {
    viewer.post("Move to Graph", format!("/sources/{}/convert", source.id))
}

/// What can be done to a source, for its menu.
pub fn actions(viewer: &Viewer, source: &Source) -> Vec<Action> {
    let id = source.id;
    let mut actions =
        vec![Action::go("Change settings", format!("/sources/{id}/edit")).with_icon(Icon::Settings)];
    actions.push(if source.paused_at.is_some() {
        viewer.post("Resume", format!("/sources/{id}/resume")).with_icon(Icon::Play)
    } else {
        viewer.post("Pause", format!("/sources/{id}/pause")).with_icon(Icon::Paused)
    });
    let shadow =
        |label: &str, word: &str| viewer.post(label, format!("/sources/{id}/shadow")).field("shadow", word);
    actions.push(if source.shadow_at.is_some() {
        shadow("End shadow mode", "off")
    } else {
        shadow("Begin shadow mode: write nothing", "on")
    });
    if ConnectionType::of_word(&source.connection_type) == ConnectionType::Ews {
        actions.push(to_graph(viewer, source));
    }
    actions.push(removal(viewer, source));
    actions
}

/// The button that removes a source.
pub fn removal(viewer: &Viewer, source: &Source) -> Action {
    let what_ends = "what is on its way to Jira is finished, anything else ends as ignored until a source reads it again.";
    let waiting = match source.waiting {
        0 => String::new(),
        1 => format!(" 1 mail has no end yet: {what_ends}"),
        many => {
            format!(" {} mails have no end yet: {what_ends}", thousands(u64::try_from(many).unwrap_or(0)))
        }
    };
    viewer.post("Remove", format!("/sources/{}/remove", source.id)).with_icon(Icon::Bin).danger(format!(
        "{} is no longer read.{waiting} Mail in the mailbox, issues in Jira and the list of messages stay as they are.",
        source.mailbox
    ))
}

/// A source that is being moved to Graph says how far that is.
fn on_the_move(viewer: &Viewer, moving: &Conversion) -> Option<Said> {
    let view = super::source::moving(viewer, moving)?;
    Some(Said {
        tone: view.tone(),
        since: None,
        text: view.text,
        code: String::new(),
        ways: Vec::new(),
        action: view.action,
    })
}

fn source_row(
    viewer: &Viewer,
    source: &Source,
    moving: Option<&Conversion>,
    credentials: &Credentials,
    result: Option<&Report>,
) -> SourceRow {
    let id = source.id;
    let standing = health::of_source(source);
    let on_the_move = moving.and_then(|moving| on_the_move(viewer, moving));
    let admin = viewer.may(Role::Admin);
    SourceRow {
        id: id.to_string(),
        mailbox: source.mailbox.clone(),
        href: format!("/sources/{id}"),
        folder: source.folder_name.clone(),
        connection_type: ConnectionType::of_word(&source.connection_type).name(),
        target: source.project_key.clone().unwrap_or_default(),
        health: standing.health,
        last_mail: source.last_mail_at.map(|at| moment(viewer, at)),
        beside: beside(viewer, source, &standing),
        said: on_the_move
            .into_iter()
            .chain(in_shadow(viewer, source))
            .chain(standing.troubles.iter().map(|trouble| said(viewer, source, trouble)))
            .chain(credentials.said(
                viewer,
                source.account_id,
                known_of_source(source),
                moving.is_none().then(|| to_graph(viewer, source)).as_ref(),
            ))
            .collect(),
        ping: admin
            .then(|| viewer.post("Ping", format!("/sources/{id}/ping")).icon_only(Icon::Ping).in_place()),
        validate: admin.then(|| {
            viewer.post("Validate: sign in again", format!("/sources/{id}/sign-in")).icon_only(Icon::Validate)
        }),
        menu: Menu::more(
            format!("More for {}", source.mailbox),
            if admin { actions(viewer, source) } else { Vec::new() },
        ),
        result: result.map(|report| report.view(viewer.times(), "/sources")),
    }
}

/// An account that is signed in and has no source yet.
fn account_row(viewer: &Viewer, account: &Account, credentials: &Credentials) -> SourceRow {
    let id = account.id;
    let admin = viewer.may(Role::Admin);
    let fault = account.fault.as_deref().filter(|_| account.state != "online").and_then(stored_fault);
    let said = match &fault {
        None => Said {
            tone: Tone::Warn,
            since: None,
            text: "Signed in; it reads nothing before folder and project are chosen.".to_owned(),
            code: String::new(),
            action: admin
                .then(|| Action::go("Choose folder and project", sign_in::next_page(account)).primary()),
            ways: Vec::new(),
        },
        Some(fault) => Said {
            tone: Tone::Bad,
            since: Some(viewer.times().on(time(account.state_since))),
            text: format!("{} {}", happened(fault), fault.entry.mend),
            code: fault.code.clone(),
            action: admin.then(|| viewer.post("Sign in again", format!("/accounts/{id}/sign-in")).primary()),
            ways: ways(fault),
        },
    };
    let remove =
        viewer.post("Remove", format!("/accounts/{id}/remove")).with_icon(Icon::Bin).danger(format!(
            "The sign-in of {} and its sealed tokens are removed. Nothing in the mailbox is changed.",
            account.username
        ));
    SourceRow {
        id: id.to_string(),
        mailbox: account.username.clone(),
        href: format!("/accounts/{id}"),
        folder: String::new(),
        connection_type: if scopes::is_granted(&account.scopes, scopes::MAIL)
            || scopes::of_ews(&account.scopes).is_empty()
        {
            ConnectionType::Graph.name()
        } else {
            ConnectionType::Ews.name()
        },
        target: String::new(),
        health: if fault.is_some() { Health::Offline } else { Health::Unconfirmed },
        last_mail: None,
        beside: format!("signed in {}", moment(viewer, account.signed_in_at).words),
        said: std::iter::once(said)
            .chain(credentials.said(viewer, id, known_of_account(account), None))
            .collect(),
        ping: None,
        validate: admin.then(|| {
            viewer
                .post("Validate: sign in again", format!("/accounts/{id}/sign-in"))
                .icon_only(Icon::Validate)
        }),
        menu: Menu::more(
            format!("More for {}", account.username),
            if admin { vec![remove] } else { Vec::new() },
        ),
        result: None,
    }
}
