//! The page: what was told, newest first, and the channels.

use axum::extract::{Query, State as Shared};
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use store::StoreError;

use super::advice::{self, Used, Ways};
use super::decide::Kind;
use super::pages::{ChannelRow, NoticeRow, NoticesPage};
use super::routes::State;
use super::store::{self as rows, Channel, Notice};
use crate::access::{Admin, Role, Viewer};
use crate::connections::health;
use crate::connections::routes::{flash_to, time};
use crate::connections::store::{outbounds, sources};
use crate::web::components::{Action, Badge, Health, Icon, Menu, Pager, Shape, Tone, ways};
use crate::web::{self, Flash, Problem, Section};

/// Notices on a page.
const MANY: u16 = 50;

/// `?before=`
#[derive(Debug, Default, Deserialize)]
pub struct Before {
    before: Option<i64>,
}

/// GET /notices
pub async fn show(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Query(Before { before }): Query<Before>,
) -> Result<Response, Problem> {
    let (db, workspace) = (&state.shell.db, viewer.workspace());
    let from = before.and_then(|at| Timestamp::from_microsecond(at).ok()).unwrap_or(Timestamp::MAX);
    let notices = rows::newest(db, workspace, from, MANY).await?;
    let channels = rows::channels(db, workspace).await?;
    let admin = viewer.may(Role::Admin);
    let mut frame = viewer.frame(Section::Notices, "Notices").live("notices sources");
    if admin && notices.iter().any(|notice| notice.seen_at.is_none()) {
        frame = frame.with(viewer.post("Mark all as seen", "/notices/seen").with_icon(Icon::Check));
    }
    let older = (notices.len() == usize::from(MANY)).then(|| notices.last()).flatten();
    let pager = Pager {
        shown: String::new(),
        newer: before.map(|_| "/notices".to_owned()),
        older: older.map(|notice| format!("/notices?before={}", notice.raised_at)),
    };
    let add = admin.then(|| {
        let to = |label: &str, kind: &str| Action::go(label, format!("/notices/channels/new?kind={kind}"));
        Menu::named(
            "Add a channel",
            vec![to("Mail", "mail"), to("Slack", "slack"), to("Teams", "teams"), to("Webhook", "webhook")],
        )
    });
    web::page(&NoticesPage {
        frame,
        advice: advice_on(&state, &viewer, &channels).await?.unwrap_or_default(),
        rows: notices.iter().map(|notice| row(&viewer, notice)).collect(),
        pager,
        channels: channels.iter().map(|channel| channel_row(&viewer, channel)).collect(),
        add,
    })
}

async fn advice_on(
    state: &State,
    viewer: &Viewer,
    channels: &[Channel],
) -> Result<Option<String>, StoreError> {
    let (db, workspace) = (&state.shell.db, viewer.workspace());
    let senders = outbounds::all(db, workspace).await?;
    let sources = sources::all_uncounted(db, workspace).await?;
    let works = |outbound: &&outbounds::Outbound| health::of_outbound(outbound).health == Health::Online;
    Ok(advice::advice(&Ways {
        channels: channels
            .iter()
            .filter(|channel| channel.paused_at.is_none())
            .map(|channel| channel.kind.as_str())
            .collect(),
        senders: senders
            .iter()
            .filter(works)
            .map(|one| Used { account: &one.username, registration: one.app_registration_id })
            .collect(),
        readers: sources
            .iter()
            .map(|one| Used { account: &one.username, registration: one.app_registration_id })
            .collect(),
    }))
}

/// How a kind of notice looks.
pub(super) fn badge(kind: Kind) -> Badge {
    let (shape, word, tone) = match kind {
        Kind::Offline => (Shape::Ring, "offline", Tone::Bad),
        Kind::ApprovalNeeded => (Shape::Dashed, "approval needed", Tone::Warn),
        Kind::Degraded => (Shape::Half, "degraded", Tone::Warn),
        Kind::Silence => (Shape::Half, "silent", Tone::Warn),
        Kind::Push => (Shape::Half, "polled", Tone::Warn),
        Kind::Marks => (Shape::Half, "not marked", Tone::Warn),
        Kind::Expiry => (Shape::Half, "ends soon", Tone::Warn),
        Kind::ApprovalGiven => (Shape::Full, "approved", Tone::Good),
        Kind::Back => (Shape::Full, "back", Tone::Good),
    };
    Badge { shape, word, tone }
}

fn row(viewer: &Viewer, notice: &Notice) -> NoticeRow {
    let kind = Kind::of_row(&notice.kind).unwrap_or(Kind::Offline);
    let mut parts = Vec::new();
    for (count, words) in
        [(notice.sent, "sent"), (notice.due, "on the way"), (notice.failed, "not delivered")]
    {
        if count > 0 {
            parts.push(format!("{count} {words}"));
        }
    }
    NoticeRow {
        id: notice.id.to_string(),
        badge: badge(kind),
        title: notice.title.clone(),
        href: notice.href.clone(),
        text: notice.text.clone(),
        // What is over needs no mending.
        ways: notice
            .fault()
            .filter(|_| notice.ended_at.is_none())
            .map_or_else(Vec::new, |fault| ways(&fault)),
        sent: if parts.is_empty() { "here only".to_owned() } else { parts.join(", ") },
        at: viewer.times().ago(time(notice.raised_at)),
        ended: notice.ended_at.map(|at| viewer.times().ago(time(at))),
        is_new: notice.seen_at.is_none() && notice.ended_at.is_none() && !kind.is_good(),
    }
}

/// What a kind of channel is called.
pub(super) fn kind_in_words(kind: &str) -> &'static str {
    match kind {
        "mail" => "Mail",
        "slack" => "Slack",
        "teams" => "Teams",
        _ => "Webhook",
    }
}

fn channel_row(viewer: &Viewer, channel: &Channel) -> ChannelRow {
    let id = channel.id;
    let admin = viewer.may(Role::Admin);
    let badge = match (channel.paused_at, channel.last_good) {
        (Some(_), _) => Badge { shape: Shape::Bars, word: "paused", tone: Tone::Quiet },
        (None, Some(1)) => Badge { shape: Shape::Full, word: "works", tone: Tone::Good },
        (None, Some(_)) => Badge { shape: Shape::Ring, word: "does not work", tone: Tone::Bad },
        (None, None) => Badge { shape: Shape::Dashed, word: "not tried yet", tone: Tone::Warn },
    };
    let mut actions = Vec::new();
    if admin {
        actions.push(if channel.paused_at.is_some() {
            viewer.post("Resume", format!("/notices/channels/{id}/resume")).with_icon(Icon::Play)
        } else {
            viewer.post("Pause", format!("/notices/channels/{id}/pause")).with_icon(Icon::Paused)
        });
        actions.push(
            viewer
                .post("Remove", format!("/notices/channels/{id}/remove"))
                .with_icon(Icon::Bin)
                .danger(format!("{} gets no more notices. Its address and key are removed.", channel.name)),
        );
    }
    ChannelRow {
        id: id.to_string(),
        name: channel.name.clone(),
        kind: kind_in_words(&channel.kind),
        shown: channel.shown.clone(),
        badge,
        answer: channel.last_answer.clone(),
        at: channel.last_at.map(|at| viewer.times().ago(time(at))),
        test: admin
            .then(|| viewer.post("Test", format!("/notices/channels/{id}/test")).with_icon(Icon::Send)),
        menu: Menu::more(format!("More for {}", channel.name), actions),
    }
}

/// POST /notices/seen
pub async fn seen(admin: Admin, Shared(state): Shared<State>) -> Result<Response, Problem> {
    let mut tx = state.shell.db.begin().await?;
    rows::see_all(&mut tx, admin.workspace(), state.shell.clock.now()).await?;
    tx.commit().await?;
    state.shell.bus.tell("notices");
    Ok(flash_to(&admin, &Flash::done("All notices are marked as seen."), "/notices"))
}
