//! One Message Outbound: state on top, then what happened, what will end, settings.

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use uuid::Uuid;

use super::list;
use super::pages::OutboundPage;
use crate::access::{Role, Viewer};
use crate::connections::connection_type::ConnectionType;
use crate::connections::known_ends::KnownEnds;
use crate::connections::list::is_mended_by_moving;
use crate::connections::routes::State;
use crate::connections::source::{ends, timeline_of};
use crate::connections::store::outbounds::{self as rows, Outbound};
use crate::connections::{expiry, health, ping};
use crate::web::components::{Action, FaultView, Icon};
use crate::web::{self, Problem, Section};

/// GET /outbounds/{id}
pub async fn show(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let outbound = rows::one(&state.connections.db, viewer.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("Message Outbound"))?;
    let standing = health::of_outbound(&outbound);
    let admin = viewer.may(Role::Admin);
    let mut frame = viewer.frame(Section::Outbounds, &outbound.mailbox).live("sources notices approvals");
    if admin {
        frame = frame
            .with(viewer.post("Ping", format!("/outbounds/{id}/ping")).with_icon(Icon::Ping))
            .with(viewer.post("Validate", format!("/outbounds/{id}/sign-in")).with_icon(Icon::Validate));
    }
    let shown = standing.troubles.first();
    let graph_is_offered = shown.is_some_and(|shown| is_mended_by_moving(&shown.fault));
    let fault = shown.map(|trouble| {
        let view = FaultView::of(&trouble.fault, Some(viewer.times().on(trouble.since)));
        match list::mend(&viewer, &outbound, trouble).filter(|_| admin) {
            Some(action) => view.with(action),
            None => view,
        }
    });
    let last = ping::last(&state.connections, id).await?;
    let ago = |at| viewer.times().ago(at);
    let known = KnownEnds::of(&state.connections, viewer.workspace()).await?.of_outbound(&outbound);
    web::page(&OutboundPage {
        frame,
        health: standing.health,
        since: ago(standing.since),
        fault,
        ping: last.map(|report| report.view(viewer.times(), String::new())),
        last_sent: standing.last_mail.map(ago),
        last_success: standing.last_success.map(ago),
        next_try: standing.next_try.map(ago),
        timeline: timeline_of(&state, &viewer, [outbound.id, outbound.account_id]).await?,
        expires: ends(&viewer, &expiry::forecast(&known)),
        settings: vec![
            ("Sent as".to_owned(), outbound.username.clone()),
            ("Mailbox".to_owned(), outbound.mailbox.clone()),
            (
                "Name".to_owned(),
                if outbound.from_name.is_empty() { "none".to_owned() } else { outbound.from_name.clone() },
            ),
            ("Connection type".to_owned(), way_in_words(&outbound)),
        ],
        edit: admin.then(|| Action::go("Change", format!("/outbounds/{id}/edit")).with_icon(Icon::Settings)),
        dangers: if admin {
            list::actions(&viewer, &outbound, graph_is_offered).into_iter().skip(1).collect()
        } else {
            Vec::new()
        },
    })
}

/// How it is reached; a server of one's own by its address.
fn way_in_words(outbound: &Outbound) -> String {
    let over = ConnectionType::of_word(&outbound.connection_type);
    if outbound.ews_url.is_empty() { over.to_string() } else { format!("{over}, {}", outbound.ews_url) }
}
