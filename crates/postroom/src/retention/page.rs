//! *Settings › Data that is kept*: how long each kind stays, and the erasing of an address with its report.

use askama::Template;
use axum::Form;
use axum::Router;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use super::address::address_of;
use super::erase::{self, Confirmed, Erasure};
use super::{Periods, forget, report};
use crate::access::{Owner, Role, Viewer};
use crate::connections::routes::{flash_to, moment, see_other, time};
use crate::messages::routes::State;
use crate::web::form::{Field, Fields};
use crate::web::times::{Moment, counted, thousands};
use crate::web::{self, Flash, Frame, Problem, Section};

/// Erasures that the page shows.
const MANY: u16 = 20;
/// Where the page is.
const HERE: &str = "/settings/data";

/// A kind of data and how long it stays.
#[derive(Clone, Debug)]
struct Kept {
    what: &'static str,
    how_long: String,
    key: &'static str,
}

/// An erasure with its report.
#[derive(Clone, Debug)]
struct Report {
    id: String,
    state: String,
    title: &'static str,
    domain: String,
    seen: u64,
    total: u64,
    progress: String,
    begun: Moment,
    actor: String,
    sentences: Vec<String>,
    issues: String,
    confirm: bool,
    give_up: bool,
    error: &'static str,
}

impl Report {
    fn is_running(&self) -> bool {
        !self.progress.is_empty()
    }
}

#[derive(Template)]
#[template(path = "retention/page.html")]
struct DataPage {
    frame: Frame,
    kept: Vec<Kept>,
    now: String,
    may_erase: bool,
    fields: Fields,
    reports: Vec<Report>,
}

/// The routes.
pub fn router(state: State) -> Router {
    Router::new()
        .route(HERE, get(show).post(begin))
        .route("/settings/data/{id}/erase", get(back).post(confirm))
        .route("/settings/data/{id}/give-up", post(give_up))
        .with_state(state)
}

#[derive(Debug, Default, Deserialize)]
struct Posted {
    #[serde(default)]
    address: String,
    #[serde(default)]
    named: String,
}

async fn show(viewer: Viewer, Shared(state): Shared<State>) -> Result<Response, Problem> {
    render(&viewer, &state, fields("", true), None).await
}

fn fields(address: &str, named_too: bool) -> Fields {
    let named = Field::tick("named", "Also mail of others that names the address")
        .value(if named_too { "on" } else { "" })
        .hint("In header fields, in the text or in reasons. What stands inside of attached files is not looked at.");
    Fields::new(vec![
        Field::line("address", "Address").value(address).hint("Such as ann@example.com."),
        named,
    ])
}

/// POST /settings/data: counts what would be erased.
async fn begin(
    owner: Owner,
    Shared(state): Shared<State>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let named_too = !posted.named.is_empty();
    let Some(address) = address_of(&posted.address) else {
        let mut fields = fields(&posted.address, named_too);
        fields.fail("address", "This is not an address: write one, such as ann@example.com.");
        let mut response = render(&owner, &state, fields, None).await?;
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(response);
    };
    let mut tx = state.connections.db.begin().await?;
    erase::begin(&mut tx, &state.ledger, &owner.actor(), &address, named_too).await?;
    tx.commit().await?;
    state.engine.remove.notify_one();
    let flash =
        Flash::done("It is counted what would be erased. Look at the numbers below before you confirm.");
    Ok(flash_to(&owner, &flash, HERE))
}

/// POST /settings/data/{id}/erase: erases what was counted.
async fn confirm(
    owner: Owner,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let address = address_of(&posted.address).unwrap_or_default();
    let flash = match erase::confirm(&state.connections.db, &state.ledger, &owner.actor(), id, &address)
        .await?
    {
        Confirmed::Yes => {
            state.engine.remove.notify_one();
            Flash::done("The address is being erased. The report says how far it has come.")
        }
        Confirmed::OtherAddress => {
            let mut response = render(&owner, &state, fields("", true), Some(id)).await?;
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(response);
        }
        Confirmed::NotNow => Flash::failed("It does not wait for that any more: look at the report below."),
    };
    Ok(flash_to(&owner, &flash, HERE))
}

/// GET /settings/data/{id}/erase: a page that came back with an error brings itself up to date, or is loaded again.
async fn back(_: Viewer) -> Response {
    see_other(HERE)
}

/// POST /settings/data/{id}/give-up: nothing is erased.
async fn give_up(
    owner: Owner,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let flash = if erase::give_up(&state.connections.db, owner.workspace(), id).await? {
        Flash::done("Nothing was erased.")
    } else {
        Flash::failed("It does not wait any more: look at the report below.")
    };
    state.shell.bus.tell("erasures");
    Ok(flash_to(&owner, &flash, HERE))
}

async fn render(
    viewer: &Viewer,
    state: &State,
    fields: Fields,
    refused: Option<Uuid>,
) -> Result<Response, Problem> {
    let db = &state.connections.db;
    let (all, with_content, oldest) = forget::kept(db, viewer.workspace()).await?;
    let oldest =
        oldest.map_or_else(String::new, |at| format!(", the oldest of {}", time(at).strftime("%Y-%m-%d")));
    let erasures = erase::latest(db, viewer.workspace(), MANY).await?;
    web::page(&DataPage {
        frame: viewer.frame(Section::Settings, "Data that is kept").live("erasures"),
        kept: kept(state.engine.periods),
        now: format!(
            "{} known; of {} the content is kept{oldest}.",
            counted(all, "mail is", "mails are"),
            thousands(with_content)
        ),
        may_erase: viewer.may(Role::Owner),
        fields,
        reports: erasures.iter().map(|erasure| shown(viewer, erasure, refused)).collect(),
    })
}

fn kept(periods: Periods) -> Vec<Kept> {
    let how_long = |period: Option<jiff::SignedDuration>, after: &str| match period {
        Some(period) => {
            let days = u64::try_from(period.as_hours() / 24).unwrap_or(0);
            format!("{} after {after}", counted(days, "day", "days"))
        }
        None => "for good".to_owned(),
    };
    vec![
        Kept {
            what: "The mail itself: text, attachments, header fields",
            how_long: how_long(periods.content, "its end"),
            key: "retention.content_days",
        },
        Kept {
            what: "Sender, subject, and why it was decided so",
            how_long: how_long(periods.summary, "its end"),
            key: "retention.summary_days",
        },
        Kept {
            what: "What happened to connections, and notices",
            how_long: how_long(periods.timeline, "they happened"),
            key: "retention.timeline_days",
        },
        Kept {
            what: "That a mail was handled, and the issue it became",
            how_long: "for good, so that no mail is handled twice".to_owned(),
            key: "",
        },
        Kept {
            what: "Mail that is held, or on its way",
            how_long: "until it has its end".to_owned(),
            key: "",
        },
        Kept { what: "The audit log", how_long: "for good".to_owned(), key: "" },
    ]
}

fn shown(viewer: &Viewer, erasure: &Erasure, refused: Option<Uuid>) -> Report {
    let number = |number: i64| u64::try_from(number).unwrap_or(0);
    let state = erasure.state.clone();
    let may = viewer.may(Role::Owner);
    Report {
        id: erasure.id.to_string(),
        title: match state.as_str() {
            "counting" => "Being counted",
            "counted" => "Counted",
            "erasing" => "Being erased",
            _ => "Erased",
        },
        domain: erasure.domain.clone(),
        seen: number(erasure.seen),
        total: number(erasure.total).max(number(erasure.seen)).max(1),
        progress: report::progress(erasure),
        begun: moment(viewer, erasure.begun_at),
        actor: erasure.actor.clone(),
        sentences: report::sentences(erasure),
        issues: if matches!(state.as_str(), "counted" | "done") {
            erasure.issues().join(", ")
        } else {
            String::new()
        },
        confirm: may && state == "counted",
        give_up: may && matches!(state.as_str(), "counting" | "counted"),
        error: if refused == Some(erasure.id) {
            "This is not the address that was counted: write it as before, or erase nothing."
        } else {
            ""
        },
        state,
    }
}
