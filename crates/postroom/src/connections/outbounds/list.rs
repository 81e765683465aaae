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
use crate::connections::health::{self, NextTry};
use crate::connections::known_ends::KnownEnds;
use crate::connections::list as sources_list;
use crate::connections::mend::{self, Mailbox, is_mended_by_moving};
use crate::connections::pages::{ORGANISATION_BOX, SourceRow};
use crate::connections::ping::{self, Report};
use crate::connections::routes::State;
use crate::connections::sign_in;
use crate::connections::store::accounts::{self, Account};
use crate::connections::store::outbounds::{self as rows, Outbound};
use crate::web::components::{Action, Empty, Health, Icon, Menu};
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
    let unused = accounts::unused(&connections.db, viewer.workspace()).await?;
    for account in accounts::signed_in(&connections.db, viewer.workspace()).await? {
        let waits = waiting.iter().any(|approval| approval.account_id == Some(account.id));
        // It may be read with already: to send it waits for its form all the same.
        let is_shown = !waits || account.state == "online";
        if is_shown && Goal::of_stored(&account.goal).is_outbound() {
            let is_unused = unused.iter().any(|one| one.id == account.id);
            list.push(sources_list::account_row(&viewer, &account, is_unused, &ends));
        }
    }
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
        create.push(Action::go("Sign-in link for its owner", "/sign-in-links/new?for=outbound"));
        create.push(viewer.post("Sign in by a code", "/device-sign-ins").field("send", "on"));
        create.push(Action::go("Application permission", "/applications/new?for=outbound"));
        create.push(Action::go("Over EWS (legacy)", "/outbounds/create-ews"));
        frame = frame.with(Menu::named("Create", create));
        if !list.is_empty() {
            frame = frame.with(sign_in());
        }
    }
    let empty = Empty {
        title: "No mail is sent yet".to_owned(),
        text: format!(
            "Sign in with the Microsoft account that sends. On the next pages you choose the mailbox; nothing is sent before you press \
             Ping, which mails you a test. {ORGANISATION_BOX}"
        ),
        action: admin.then(sign_in),
    };
    let page = OutboundsPage { frame, rows: list, empty };
    match sign_in::login_url(&state, &viewer).await {
        Some(login) => web::page_leading_to(&page, &login),
        None => web::page(&page),
    }
}

/// What can be done to an outbound, for its menu. A page offers the move to Graph once: `graph_is_offered` says that it does already.
pub(super) fn actions(viewer: &Viewer, outbound: &Outbound, graph_is_offered: bool) -> Vec<Action> {
    let id = outbound.id;
    let mut actions = vec![
        Action::go("Change settings", format!("/outbounds/{id}/edit")).with_icon(Icon::Settings),
        Mailbox::from(outbound).pause(viewer, outbound.paused_at.is_some()),
    ];
    if ConnectionType::of_word(&outbound.connection_type) == ConnectionType::Ews && !graph_is_offered {
        actions.push(Mailbox::from(outbound).to_graph(viewer));
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
    let troubles = mend::with_mends(viewer, &standing.troubles, false, |trouble| {
        Mailbox::from(outbound).mend(viewer, trouble)
    });
    // A line of the row has it: what mends comes first, then what ends.
    let at_the_end = (!mended).then(|| Mailbox::from(outbound).to_graph(viewer));
    let beside = match (standing.health, standing.last_mail) {
        (Health::Paused, _) => format!("since {}", viewer.times().on(standing.since).words),
        (Health::Online, None) => "no mail sent yet".to_owned(),
        (Health::Online, Some(at)) => format!("last mail sent {}", viewer.times().ago(at).words),
        (_, _) => match standing.next() {
            Some(next @ NextTry::At(_)) => format!("trying again {}", next.words(viewer.times())),
            Some(next) => format!("tried again {}", next.words(viewer.times())),
            None => String::new(),
        },
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
        said: troubles
            .map(|(trouble, action)| mend::said(viewer, trouble, "", action))
            .chain(ending::said(viewer, ends, outbound.account_id, &known, at_the_end.as_ref()))
            .collect(),
        ping: admin.then(|| {
            viewer
                .post("Ping: sends you a test mail", format!("/outbounds/{id}/ping"))
                .icon_only(Icon::Ping)
                .in_place()
        }),
        validate: admin.then(|| Mailbox::from(outbound).validate(viewer)),
        menu: Menu::more(
            format!("More for {}", outbound.mailbox),
            if admin { actions(viewer, outbound, mended || known.is_ews_online) } else { Vec::new() },
        ),
        result: result.map(|report| report.view(viewer.times(), "/outbounds")),
    }
}
