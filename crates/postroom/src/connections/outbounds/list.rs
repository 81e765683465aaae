//! The list of Message Outbounds.

use axum::extract::{Query, State as Shared};
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::pages::OutboundsPage;
use crate::access::{Role, Viewer};
use crate::connections::connection_type::ConnectionType;
use crate::connections::consent::listed;
use crate::connections::ending;
use crate::connections::goal::{Goal, Way};
use crate::connections::health::{self, Trouble};
use crate::connections::known_ends::KnownEnds;
use crate::connections::list::is_mended_by_moving;
use crate::connections::pages::{Said, SourceRow};
use crate::connections::ping::{self, Report};
use crate::connections::routes::State;
use crate::connections::sign_in;
use crate::connections::store::accounts::{self, Account};
use crate::connections::store::outbounds::{self as rows, Outbound};
use crate::web::components::{Action, Empty, Health, Icon, Menu, Tone, happened, ways};
use crate::web::{self, Problem, Section};

/// `?ping=` of the list.
#[derive(Debug, Default, Deserialize)]
pub struct Shown {
    ping: Option<Uuid>,
}

/// GET /outbounds
pub async fn show(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Query(shown): Query<Shown>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let mut list = Vec::new();
    let ends = KnownEnds::of(connections, viewer.workspace()).await?;
    let mut spoken_for = Vec::new();
    for outbound in rows::all(&connections.db, viewer.workspace()).await? {
        let result = match shown.ping {
            Some(id) if id == outbound.id => ping::last(connections, id).await?,
            _ => None,
        };
        let row = row(&viewer, &outbound, &ends, result.as_ref());
        if row.health == Health::ApprovalNeeded {
            spoken_for.push(outbound.account_id);
        }
        list.push(row);
    }
    let waiting = listed::waiting(&state, &viewer).await?;
    for approval in listed::beside(&waiting, true, &spoken_for) {
        list.push(listed::row(&state, &viewer, approval).await);
    }
    let admin = viewer.may(Role::Admin);
    let sign_in =
        || viewer.post("Sign in with Microsoft", "/outbounds/sign-in").with_icon(Icon::Grid).primary();
    let mut frame = viewer.frame(Section::Outbounds, "Message Outbounds").live("sources notices approvals");
    if admin {
        let may_send = accounts::that_may_send(&connections.db, viewer.workspace()).await?;
        let of_account =
            |account: Account| Action::go(account.username, Goal::Outbound(Way::graph()).page(account.id));
        let mut create: Vec<Action> = may_send.into_iter().map(of_account).collect();
        create.push(viewer.post("Shared mailbox", "/outbounds/sign-in").field("shared", "on"));
        create.push(Action::go("Application permission", "/applications/new"));
        create.push(Action::go("Over EWS (legacy)", "/outbounds/create-ews"));
        frame = frame.with(Menu::named("Create", create));
        if !list.is_empty() {
            frame = frame.with(sign_in());
        }
    }
    let empty = Empty {
        title: "No mail is sent yet".to_owned(),
        text: "Sign in with the Microsoft account that sends. On the next pages you choose the mailbox; nothing is sent before \
               you press Ping, which mails you a test."
            .to_owned(),
        action: admin.then(sign_in),
    };
    let page = OutboundsPage { frame, rows: list, empty };
    match sign_in::login_url(&state, &viewer).await {
        Some(login) => web::page_leading_to(&page, &login),
        None => web::page(&page),
    }
}

/// The button that mends a trouble.
pub(super) fn mend(viewer: &Viewer, outbound: &Outbound, trouble: &Trouble) -> Option<Action> {
    let id = outbound.id;
    if is_mended_by_moving(&trouble.fault) {
        return Some(to_graph(viewer, outbound).primary());
    }
    if health::needs_approval(&trouble.fault) {
        return Some(
            viewer
                .post("Ask the administrator", format!("/accounts/{}/wait", outbound.account_id))
                .field("outbound", id.to_string()),
        );
    }
    match trouble.fault.entry.class {
        // Whatever it is, nothing is asked for before somebody has signed in.
        _ if trouble.fault.retry() == fault::Retry::AfterSignIn => {
            Some(viewer.post("Sign in again", format!("/outbounds/{id}/sign-in")).primary())
        }
        fault::Class::SignIn => {
            Some(viewer.post("Sign in again", format!("/outbounds/{id}/sign-in")).primary())
        }
        fault::Class::Administrator | fault::Class::Configuration => {
            Some(viewer.post("Try now", format!("/outbounds/{id}/try-now")).with_icon(Icon::Retry))
        }
        fault::Class::Transient | fault::Class::Poison => None,
    }
}

fn said(viewer: &Viewer, outbound: &Outbound, trouble: &Trouble) -> Said {
    let entry = trouble.fault.entry;
    let passes = entry.class == fault::Class::Transient;
    let mut text = happened(&trouble.fault);
    if !passes {
        text.push(' ');
        text.push_str(entry.mend);
    }
    Said {
        tone: if passes { Tone::Warn } else { Tone::Bad },
        since: Some(viewer.times().on(trouble.since)),
        text,
        code: trouble.fault.code.clone(),
        action: viewer.may(Role::Admin).then(|| mend(viewer, outbound, trouble)).flatten(),
        ways: ways(&trouble.fault),
    }
}

/// The button that moves an outbound over EWS to Graph.
fn to_graph(viewer: &Viewer, outbound: &Outbound) -> Action {
    viewer.post("Move to Graph", format!("/outbounds/{}/convert", outbound.id))
}

/// What can be done to an outbound, for its menu. A page offers the move to Graph once: `graph_is_offered` says that it does already.
pub(super) fn actions(viewer: &Viewer, outbound: &Outbound, graph_is_offered: bool) -> Vec<Action> {
    let id = outbound.id;
    let mut actions = vec![
        Action::go("Change settings", format!("/outbounds/{id}/edit")).with_icon(Icon::Settings),
        if outbound.paused_at.is_some() {
            viewer.post("Resume", format!("/outbounds/{id}/resume")).with_icon(Icon::Play)
        } else {
            viewer.post("Pause", format!("/outbounds/{id}/pause")).with_icon(Icon::Paused)
        },
    ];
    if ConnectionType::of_word(&outbound.connection_type) == ConnectionType::Ews && !graph_is_offered {
        actions.push(to_graph(viewer, outbound));
    }
    actions.push(viewer.post("Remove", format!("/outbounds/{id}/remove")).with_icon(Icon::Bin).danger(
        format!(
            "No mail is sent from {} any more. The mailbox stays as it is, and so does the sign-in of {}.",
            outbound.mailbox, outbound.username
        ),
    ));
    actions
}

fn row(viewer: &Viewer, outbound: &Outbound, ends: &KnownEnds, result: Option<&Report>) -> SourceRow {
    let id = outbound.id;
    let standing = health::of_outbound(outbound);
    let admin = viewer.may(Role::Admin);
    let known = ends.of_outbound(outbound);
    let mended = standing.troubles.iter().any(|trouble| is_mended_by_moving(&trouble.fault));
    // A line of the row has it: what mends comes first, then what ends.
    let at_the_end = (!mended).then(|| to_graph(viewer, outbound));
    let beside = match (standing.health, standing.last_mail) {
        (Health::Paused, _) => format!("since {}", viewer.times().on(standing.since).words),
        (Health::Online, None) => "no mail sent yet".to_owned(),
        (Health::Online, Some(at)) => format!("last mail sent {}", viewer.times().ago(at).words),
        (_, _) => standing
            .next_try
            .map_or_else(String::new, |next| format!("trying again {}", viewer.times().ago(next).words)),
    };
    SourceRow {
        id: id.to_string(),
        mailbox: outbound.mailbox.clone(),
        href: format!("/outbounds/{id}"),
        folder: outbound.from_name.clone(),
        connection_type: ConnectionType::of_word(&outbound.connection_type).name(),
        target: outbound.username.clone(),
        health: standing.health,
        last_mail: None,
        beside,
        said: standing
            .troubles
            .iter()
            .map(|trouble| said(viewer, outbound, trouble))
            .chain(ending::said(viewer, ends, outbound.account_id, &known, at_the_end.as_ref()))
            .collect(),
        ping: admin.then(|| {
            viewer
                .post("Ping: sends you a test mail", format!("/outbounds/{id}/ping"))
                .icon_only(Icon::Ping)
                .in_place()
        }),
        validate: admin.then(|| {
            viewer
                .post("Validate: sign in again", format!("/outbounds/{id}/sign-in"))
                .icon_only(Icon::Validate)
        }),
        menu: Menu::more(
            format!("More for {}", outbound.mailbox),
            if admin { actions(viewer, outbound, mended || known.is_ews_online) } else { Vec::new() },
        ),
        result: result.map(|report| report.view(viewer.times(), "/outbounds")),
    }
}
