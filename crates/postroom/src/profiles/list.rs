//! The list of profiles, and a profile's end.

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use rules::Profile;
use uuid::Uuid;

use super::pages::{ProfileRow, ProfilesPage};
use super::store::{self as rows, Row};
use crate::access::{Admin, Role, Viewer, audit};
use crate::connections::routes::{flash_to, moment};
use crate::messages::routes::State;
use crate::web::components::{Action, Empty, Icon, Menu};
use crate::web::times::counted;
use crate::web::{self, Flash, Problem, Section};

/// GET /profiles
pub async fn show(viewer: Viewer, Shared(state): Shared<State>) -> Result<Response, Problem> {
    let all = rows::all(&state.connections.db, viewer.workspace()).await?;
    let may = viewer.may(Role::Admin);
    let add = may.then(|| Action::go("New profile", "/profiles/new").with_icon(Icon::Plus).primary());
    let empty = all.is_empty().then(|| Empty {
        title: "Every source is handled by the standard profile".to_owned(),
        text: "A reply joins its issue, automatic mail is ignored, other mail becomes a new issue. Rules of your own choose project, \
               type and fields, ignore mail or hold it."
            .to_owned(),
        action: add.clone(),
    });
    let page = ProfilesPage {
        frame: viewer.frame(Section::Profiles, "Profiles").live("profiles"),
        rows: all.into_iter().map(|profile| row(&viewer, profile)).collect(),
        add: add.filter(|_| empty.is_none()),
        empty,
    };
    web::page(&page)
}

fn row(viewer: &Viewer, profile: Row) -> ProfileRow {
    let rules = Profile::parse(&profile.document).map_or(0, |profile| profile.rules.len());
    let sources = usize::try_from(profile.sources).unwrap_or(0);
    let mut actions = Vec::new();
    if viewer.may(Role::Admin) && sources == 0 {
        let remove =
            viewer.post("Remove", format!("/profiles/{}/remove", profile.id)).with_icon(Icon::Bin).danger(
                "The profile and all its versions are removed. Mail that was handled by it keeps its trace.",
            );
        actions.push(remove);
    }
    ProfileRow {
        id: profile.id.to_string(),
        what: format!("{}, {}", counted(rules, "rule", "rules"), counted(sources, "source", "sources")),
        version: profile.version,
        author: profile.author,
        saved: moment(viewer, profile.saved_at),
        menu: Menu::more(&profile.name, actions),
        name: profile.name,
    }
}

/// POST /profiles/{id}/remove
pub async fn remove(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let db = &state.connections.db;
    let profile = rows::one(db, admin.workspace(), id).await?.ok_or_else(|| Problem::not_found("profile"))?;
    let mut tx = db.begin().await?;
    let removed = rows::remove(&mut tx, admin.workspace(), id).await?;
    if removed {
        audit::record(&mut tx, &admin.actor(), "remove profile", &profile.name, "").await?;
    }
    tx.commit().await?;
    state.shell.bus.tell("profiles");
    let flash = if removed {
        Flash::done(format!("The profile {} is removed.", profile.name))
    } else {
        Flash::failed(format!(
            "{} handles the mail of a source: give that source another profile first (Message Sources, Edit).",
            profile.name
        ))
    };
    Ok(flash_to(&admin, &flash, "/profiles"))
}
