//! One Message Outbound: state on top, then what happened, what will end, settings.

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use uuid::Uuid;

use super::list;
use super::pages::OutboundPage;
use crate::access::{Role, Viewer};
use crate::connections::connection_type;
use crate::connections::known_ends::KnownEnds;
use crate::connections::mend::{self, Mailbox, is_mended_by_moving};
use crate::connections::pages::Setting;
use crate::connections::routes::State;
use crate::connections::source::{account_page, ends, timeline_of};
use crate::connections::{expiry, health, ping};
use crate::web::components::{Action, FaultView, Icon};
use crate::web::{self, Problem, Section};

/// GET /outbounds/{id}
pub async fn show(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let outbound = state.outbound(viewer.workspace(), id).await?;
    let standing = health::of_outbound(&outbound);
    let admin = viewer.may(Role::Admin);
    let mut frame = viewer.frame(Section::Outbounds, &outbound.mailbox).live("sources notices approvals");
    if admin {
        frame = frame
            .with(viewer.post("Ping", format!("/outbounds/{id}/ping")).with_icon(Icon::Ping))
            .with(viewer.post("Validate", format!("/outbounds/{id}/sign-in")).with_icon(Icon::Validate));
    }
    let graph_is_offered = standing.troubles.iter().any(|trouble| is_mended_by_moving(&trouble.fault));
    let faults = mend::with_mends(&viewer, &standing.troubles, false, |trouble| {
        Mailbox::from(&outbound).mend(&viewer, trouble)
    });
    let faults = faults.map(|(trouble, mends)| {
        let view = FaultView::of(&trouble.fault, Some(viewer.times().on(trouble.since)));
        view.with_all(mends)
    });
    let faults = faults.collect();
    let last = ping::last(&state.connections, id).await?;
    let ago = |at| viewer.times().ago(at);
    let known = KnownEnds::of(&state.connections, viewer.workspace()).await?.of_outbound(&outbound);
    web::page(&OutboundPage {
        frame,
        health: standing.health,
        since: ago(standing.since),
        faults,
        ping: last.map(|report| report.view(viewer.times(), String::new())),
        last_sent: standing.last_mail.map(ago),
        last_success: standing.last_success.map(ago),
        next_try: standing.next().map(|next| next.words(viewer.times())),
        timeline: timeline_of(&state, &viewer, [outbound.id, outbound.account_id]).await?,
        expires: ends(&viewer, &expiry::forecast(&known)),
        settings: vec![
            Setting::new("Sent as", &outbound.username)
                .at(account_page(&outbound.account_kind, outbound.account_id)),
            Setting::new("Mailbox", &outbound.mailbox),
            Setting::new("Name", if outbound.from_name.is_empty() { "none" } else { &outbound.from_name }),
            Setting::new(
                "Connection type",
                connection_type::in_words(&outbound.connection_type, &outbound.ews_url),
            ),
        ],
        edit: admin.then(|| Action::go("Change", format!("/outbounds/{id}/edit")).with_icon(Icon::Settings)),
        dangers: if admin {
            list::actions(&viewer, &outbound, graph_is_offered).into_iter().skip(1).collect()
        } else {
            Vec::new()
        },
    })
}
