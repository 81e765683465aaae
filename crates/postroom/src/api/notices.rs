//! Notices and their channels over the API.

use axum::extract::{Path, Query, State as Shared};
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use super::State;
use super::caller::Caller;
use super::problem::{Refused, fault};
use crate::cli::shapes::{Notice as Shape, NoticeChannel, NoticeChannels, NoticeTest, Notices};
use crate::connections::routes::time;
use crate::notices::store::{self as rows, Channel, Notice};

/// Notices in an answer, unless asked otherwise.
const MANY: u16 = 50;

fn shape(notice: &Notice) -> Shape {
    Shape {
        id: notice.id.to_string(),
        kind: notice.kind.clone(),
        object: notice.object_name.clone(),
        title: notice.title.clone(),
        text: notice.text.clone(),
        fault: notice.fault().as_ref().map(fault),
        raised_at: time(notice.raised_at),
        ended_at: notice.ended_at.map(time),
        seen_at: notice.seen_at.map(time),
        sent: u64::try_from(notice.sent).unwrap_or(0),
        due: u64::try_from(notice.due).unwrap_or(0),
        failed: u64::try_from(notice.failed).unwrap_or(0),
    }
}

fn channel_shape(channel: &Channel) -> NoticeChannel {
    NoticeChannel {
        id: channel.id.to_string(),
        kind: channel.kind.clone(),
        name: channel.name.clone(),
        to: channel.shown.clone(),
        paused: channel.paused_at.is_some(),
        works: channel.last_good.map(|good| good == 1),
        answer: channel.last_answer.clone(),
        answered_at: channel.last_at.map(time),
    }
}

/// `?limit=`
#[derive(Debug, Default, Deserialize)]
pub(super) struct Limit {
    limit: Option<u16>,
}

/// GET /api/v1/notices
pub(super) async fn list(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Query(Limit { limit }): Query<Limit>,
) -> Result<Json<Notices>, Refused> {
    let limit = limit.unwrap_or(MANY).clamp(1, 1000);
    let all = rows::newest(&state.connections.db, caller.actor().workspace, Timestamp::MAX, limit).await?;
    Ok(Json(Notices { notices: all.iter().map(shape).collect() }))
}

/// POST /api/v1/notices/seen
pub(super) async fn seen(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Notices>, Refused> {
    let (db, actor) = (&state.connections.db, caller.actor());
    let mut tx = db.begin().await?;
    rows::see_all(&mut tx, actor.workspace, state.shell.clock.now()).await?;
    tx.commit().await?;
    state.shell.bus.tell("notices");
    let all = rows::newest(db, actor.workspace, Timestamp::MAX, MANY).await?;
    Ok(Json(Notices { notices: all.iter().map(shape).collect() }))
}

/// GET /api/v1/notices/channels
pub(super) async fn channels(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<NoticeChannels>, Refused> {
    let all = rows::channels(&state.connections.db, caller.actor().workspace).await?;
    Ok(Json(NoticeChannels { channels: all.iter().map(channel_shape).collect() }))
}

/// POST /api/v1/notices/channels/{id}/test
pub(super) async fn test(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(channel): Path<String>,
) -> Result<Json<NoticeTest>, Refused> {
    let gone = || Refused::not_found("channel");
    let id = Uuid::parse_str(&channel).map_err(|_| gone())?;
    let row = rows::channel(&state.connections.db, caller.actor().workspace, id).await?.ok_or_else(gone)?;
    let answer = state.sender.test(&row).await?;
    state.shell.bus.tell("notices");
    Ok(Json(NoticeTest { ok: answer.good, answer: answer.text }))
}
