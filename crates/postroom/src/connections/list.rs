//! The list of Message Sources: a line per source when all is well, a second one where something is to be said.

use axum::extract::{Query, State as Shared};
use axum::response::Response;
use fault::Class;
use serde::Deserialize;
use url::form_urlencoded;
use uuid::Uuid;

use super::connection_type::ConnectionType;
use super::consent::listed;
use super::ending;
use super::goal::{Goal, Way};
use super::health::{self, Side, Standing, Trouble};
use super::jira_one::is_same_address;
use super::jira_site::stored_fault;
use super::known_ends::KnownEnds;
use super::mend::{self, Mailbox, is_mended_by_moving};
use super::pages::{Said, SourceRow, SourcesPage};
use super::ping::{self, Report};
use super::routes::{State, moment, time};
use super::scopes;
use super::sign_in;
use super::store::accounts::{self, Account};
use super::store::conversion::{self, Conversion};
use super::store::sources::{self, Source};
use crate::access::{Role, Viewer};
use crate::web::components::{Action, FaultView, Health, Icon, Menu, Tone, happened, waiting, ways};
use crate::web::times::counted;
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
    let ends = KnownEnds::of(connections, viewer.workspace()).await?;
    for source in &all {
        let result = match shown.ping {
            Some(id) if id == source.id => ping::last(connections, id).await?,
            _ => None,
        };
        let moving = moving.iter().find(|moving| moving.source_id == source.id);
        rows.push(source_row(&viewer, source, moving, &ends, result.as_ref()));
    }
    let waiting = listed::waiting(&state, &viewer).await?;
    for account in accounts::unused(&connections.db, viewer.workspace()).await? {
        // One that works is listed beside what it waits for.
        let waits = waiting.iter().any(|approval| approval.account_id == Some(account.id));
        let is_shown = !waits || account.state == "online";
        // Who signed in to send stands in the list of outbounds.
        if is_shown && !Goal::of_stored(&account.goal).is_outbound() {
            rows.push(account_row(&viewer, &account, true, &ends));
        }
    }
    let waits = |source: &&Source| health::of_source(source).health == Health::ApprovalNeeded;
    let spoken_for: Vec<Uuid> = all.iter().filter(waits).map(|source| source.account_id).collect();
    for approval in listed::beside(&waiting, false, &spoken_for) {
        rows.push(listed::row(&state, &viewer, approval).await);
    }
    let admin = viewer.may(Role::Admin);
    let sign_in =
        || viewer.post("Sign in with Microsoft", "/sources/sign-in").with_icon(Icon::Grid).primary();
    let mut frame = viewer.frame(Section::Sources, "Message Sources").live("sources");
    if admin {
        let create = vec![
            viewer.post("Mailbox of the account", "/sources/sign-in"),
            viewer.post("Shared mailbox", "/sources/sign-in").field("shared", "on"),
            Action::go("Sign-in link for its owner", "/sign-in-links/new"),
            viewer.post("Sign in by a code", "/device-sign-ins"),
            Action::go("Application permission", "/applications/new"),
            Action::go("Over EWS (legacy)", "/sources/create-ews"),
        ];
        frame = frame.with(Menu::named("Create", create));
        // The empty list has the button in its middle.
        if !rows.is_empty() {
            frame = frame.with(sign_in());
        }
    }
    let page = SourcesPage { frame, rows, empty: SourcesPage::nothing(admin.then(sign_in)) };
    match sign_in::login_url(&state, &viewer).await {
        Some(login) => web::page_leading_to(&page, &login),
        None => web::page(&page),
    }
}

/// The buttons that mend a fault of a source, the one thing to do first.
pub fn mend(viewer: &Viewer, source: &Source, trouble: &Trouble) -> Vec<Action> {
    let of = Mailbox::from(source);
    if trouble.at != Side::Project {
        return of.mend(viewer, trouble);
    }
    match (trouble.fault.entry.class, source.jira_connection_id) {
        (Class::Transient, _) => Vec::new(),
        (_, Some(jira))
            if matches!(
                trouble.fault.entry.id,
                "jira.token" | "jira.captcha" | "jira.scope" | "jira.client_credentials"
            ) =>
        {
            vec![Action::go("Replace the token", format!("/jira/{jira}/edit"))]
        }
        _ => vec![of.try_now(viewer)],
    }
}

/// A fault of a source as pages show it, with what it does to its mail; `waiting` mails are said to wait because of it.
pub fn fault_view(viewer: &Viewer, source: &Source, trouble: &Trouble, waiting: u64) -> FaultView {
    let view = FaultView::of(&trouble.fault, Some(viewer.times().on(trouble.since)));
    if trouble.at != Side::Marks {
        return view.waiting(waiting);
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
    let mails = counted(source.unmarked, "handled mail", "handled mails");
    format!("{mails} could not be marked: {why}")
}

fn said(viewer: &Viewer, source: &Source, trouble: &Trouble, mends: Vec<Action>) -> Said {
    let mails = if trouble.at == Side::Project { u64::try_from(source.waiting).unwrap_or(0) } else { 0 };
    let said = mend::said(viewer, trouble, &waiting(mails), mends);
    if trouble.at == Side::Marks {
        return Said { tone: Tone::Warn, text: unmarked(source, &said.text), ..said };
    }
    said
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

/// A source whose Jira is paused says so: it looks well, and its mail waits.
fn before_a_paused_jira(viewer: &Viewer, source: &Source) -> Option<Said> {
    let since = source.jira_paused_at?;
    let jira = source.jira_connection_id?;
    let name = source.jira_name.as_deref().unwrap_or_default();
    Some(Said {
        tone: Tone::Warn,
        since: Some(viewer.times().on(time(since))),
        text: format!("Its Jira connection {name} is paused: mail is read, and waits."),
        code: String::new(),
        action: viewer
            .may(Role::Admin)
            .then(|| viewer.post("Resume Jira", format!("/jira/{jira}/resume")).with_icon(Icon::Play)),
        ways: Vec::new(),
    })
}

/// Whether Jira itself sends mail from the mailbox, so that it may read it, too. Which mailboxes its own mail channels and mail handlers
/// read it does not tell.
pub(super) fn may_be_read_twice(source: &Source) -> Option<String> {
    let address = source.jira_address.as_deref()?;
    is_same_address(address, &source.mailbox).then(|| {
        "Jira sends this project's mail from this address itself. If it reads the mailbox too (project settings, email requests; \
         system, incoming mail), each mail becomes two issues: switch that off in Jira."
            .to_owned()
    })
}

fn read_twice(source: &Source) -> Option<Said> {
    let text = may_be_read_twice(source)?;
    Some(Said { tone: Tone::Warn, since: None, text, code: String::new(), action: None, ways: Vec::new() })
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

/// What can be done to a source, for its menu. A page offers the move to Graph once: `graph_is_offered` says that it does already.
pub fn actions(viewer: &Viewer, source: &Source, graph_is_offered: bool) -> Vec<Action> {
    let id = source.id;
    let mut actions =
        vec![Action::go("Change settings", format!("/sources/{id}/edit")).with_icon(Icon::Settings)];
    actions.push(Mailbox::from(source).pause(viewer, source.paused_at.is_some()));
    actions.push(Action::go("Read another folder of it", another_folder(source)).with_icon(Icon::Plus));
    let shadow =
        |label: &str, word: &str| viewer.post(label, format!("/sources/{id}/shadow")).field("shadow", word);
    actions.push(if source.shadow_at.is_some() {
        shadow("End shadow mode", "off")
    } else {
        shadow("Begin shadow mode: write nothing", "on")
    });
    if ConnectionType::of_word(&source.connection_type) == ConnectionType::Ews && !graph_is_offered {
        actions.push(Mailbox::from(source).to_graph(viewer));
    }
    actions.push(removal(viewer, source));
    actions
}

/// The page where a source of another folder of the same mailbox is confirmed, read by the same account in the same way.
fn another_folder(source: &Source) -> String {
    let way = match ConnectionType::of_word(&source.connection_type) {
        ConnectionType::Ews => Way::ews(&source.ews_url),
        ConnectionType::Graph => Way::graph(),
    };
    let mailbox: String = form_urlencoded::byte_serialize(source.mailbox.as_bytes()).collect();
    format!("{}&mailbox={mailbox}", Goal::Source(way).page(source.account_id))
}

/// The button that removes a source.
pub fn removal(viewer: &Viewer, source: &Source) -> Action {
    let what_ends = "what is on its way to Jira is finished, anything else ends as ignored until a source reads it again.";
    let waiting = match source.waiting {
        0 => String::new(),
        many => format!(" {} no end yet: {what_ends}", counted(many, "mail has", "mails have")),
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
    ends: &KnownEnds,
    result: Option<&Report>,
) -> SourceRow {
    let id = source.id;
    let standing = health::of_source(source);
    let on_the_move = moving.and_then(|moving| on_the_move(viewer, moving));
    let admin = viewer.may(Role::Admin);
    let known = ends.of_source(source);
    let mended = standing.troubles.iter().any(|trouble| is_mended_by_moving(&trouble.fault));
    // A line of the row has it: what mends comes first, then what ends.
    let in_a_line = moving.is_some() || mended;
    // The line of the move has the button, or there is none while it is under way.
    let troubles = mend::with_mends(viewer, &standing.troubles, moving.is_some(), |trouble| {
        mend(viewer, source, trouble)
    });
    let at_the_end = (!in_a_line).then(|| Mailbox::from(source).to_graph(viewer));
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
            .chain(before_a_paused_jira(viewer, source))
            .chain(read_twice(source))
            .chain(troubles.map(|(trouble, action)| said(viewer, source, trouble, action)))
            .chain(ending::said(viewer, ends, source.account_id, &known, at_the_end.as_ref()))
            .collect(),
        ping: admin
            .then(|| viewer.post("Ping", format!("/sources/{id}/ping")).icon_only(Icon::Ping).in_place()),
        validate: admin.then(|| Mailbox::from(source).validate(viewer)),
        menu: Menu::more(
            format!("More for {}", source.mailbox),
            if admin { actions(viewer, source, in_a_line || known.is_ews_online) } else { Vec::new() },
        ),
        result: result.map(|report| report.view(viewer.times(), "/sources")),
    }
}

/// An account that is signed in and not used yet for what it signed in for, as a line of the list of that. Where nothing uses it,
/// `is_unused`, it can be removed.
pub(super) fn account_row(
    viewer: &Viewer,
    account: &Account,
    is_unused: bool,
    ends: &KnownEnds,
) -> SourceRow {
    let id = account.id;
    let goal = Goal::of_stored(&account.goal);
    let admin = viewer.may(Role::Admin);
    let fault = account.fault.as_deref().filter(|_| account.state != "online").and_then(stored_fault);
    let said = match &fault {
        None => Said {
            tone: Tone::Warn,
            since: None,
            text: if goal.is_outbound() {
                "Signed in; nothing is sent before the mailbox is chosen.".to_owned()
            } else {
                "Signed in; it reads nothing before folder and project are chosen.".to_owned()
            },
            code: String::new(),
            action: admin.then(|| Action::go(goal.label(), sign_in::next_page(account)).primary()),
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
        connection_type: if goal.over() == ConnectionType::Graph
            && (scopes::is_granted(&account.scopes, scopes::MAIL)
                || scopes::of_ews(&account.scopes).is_empty())
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
            .chain(ending::said(viewer, ends, id, &ends.of_account(account), None))
            .collect(),
        ping: None,
        validate: admin.then(|| {
            viewer
                .post("Validate: sign in again", format!("/accounts/{id}/sign-in"))
                .icon_only(Icon::Validate)
        }),
        menu: Menu::more(
            format!("More for {}", account.username),
            if admin && is_unused { vec![remove] } else { Vec::new() },
        ),
        result: None,
    }
}
