//! The button on a source's page that turns push off or on, and has it tried again after it was given up.

use axum::extract::{Form, Path, State as Shared};
use axum::response::Response;
use serde::Deserialize;
use store::StoreError;
use uuid::Uuid;

use super::decide::State as Standing;
use super::store::{self as rows, Row};
use crate::access::{Actor, Admin, Viewer, audit};
use crate::connections::routes::{State, flash_to};
use crate::connections::store::events::{self, Event, Object};
use crate::connections::store::sources::Source;
use crate::notices;
use crate::web::components::{Action, Icon};
use crate::web::{Flash, Problem};

/// What the button posts.
#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    /// `on` or `off`.
    #[serde(default)]
    push: String,
}

/// The button; none where turning it would change nothing.
pub fn button(viewer: &Viewer, source: Uuid, row: Option<&Row>) -> Option<Action> {
    let row = row?;
    let post = |label: &str, word: &str| {
        viewer.post(label, format!("/sources/{source}/push")).with_icon(Icon::Clock).field("push", word)
    };
    match (row.switched_off_at, row.state()) {
        (Some(_), _) => Some(post("Turn push on", "on")),
        (None, Standing::On | Standing::Making) => Some(post("Turn push off", "off")),
        (None, Standing::Deaf) => Some(post("Try push again", "on")),
        (None, Standing::Off) if !row.why().is_structural() => Some(post("Try push again", "on")),
        (None, Standing::Off) => None,
    }
}

/// Turns push of a source off or on, on record. `false`: it was so already.
pub async fn set(state: &State, actor: &Actor, source: &Source, on: bool) -> Result<bool, StoreError> {
    let now = state.connections.clock.now();
    rows::ensure(&state.connections.db, now).await?;
    let mut tx = state.connections.db.begin().await?;
    let changed = rows::switch(&mut tx, actor.workspace, source.id, on, now).await?;
    if changed {
        let (what, text) = if on {
            ("turn push on", "push is turned on, and is tried now")
        } else {
            ("turn push off", "push is turned off; the folder is polled")
        };
        audit::record(&mut tx, actor, what, &source.mailbox, &source.folder_name).await?;
        let event = Event {
            object: Object::Source,
            id: source.id,
            kind: "push",
            text,
            actor: &actor.name,
            detail: None,
        };
        events::add(&mut tx, actor.workspace, now, &event).await?;
        if !on {
            notices::push_is_moot(&mut tx, source.id, now).await?;
        }
    }
    tx.commit().await?;
    state.engine.push.notify_one();
    state.shell.bus.tell(&format!("source-{}", source.id));
    Ok(changed)
}

/// POST /sources/{id}/push
pub async fn submit(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Problem> {
    let source = state.source(admin.workspace(), id).await?;
    let on = wanted.push == "on";
    set(&state, &admin.actor(), &source, on).await?;
    let text = if on {
        format!("Push of {} is tried now; this page shows what comes of it.", source.mailbox)
    } else {
        format!("Push of {} is off: the folder is polled.", source.mailbox)
    };
    Ok(flash_to(&admin, &Flash::done(text), &format!("/sources/{id}")))
}
