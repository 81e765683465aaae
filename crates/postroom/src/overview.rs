//! The first page: what needs a person, how the sources are, what came of today's mail. Its view is in [`crate::web::overview`].

use axum::Router;
use axum::extract::State as Shared;
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, args, sql};
use uuid::Uuid;

use crate::access::{Role, Viewer};
use crate::connections::ending::Credentials;
use crate::connections::outbounds::known_of_source;
use crate::connections::routes::{State, moment, time};
use crate::connections::store::sources::{self, Source};
use crate::connections::{health, list};
use crate::web::overview::{Needed, Numbers, OverviewView, SourceLine};
use crate::web::{self, Problem, Section};

/// The routes.
pub fn router(state: State) -> Router {
    Router::new().route("/", get(show)).with_state(state)
}

/// GET /
async fn show(viewer: Viewer, Shared(state): Shared<State>) -> Result<Response, Problem> {
    let db = &state.connections.db;
    let all = sources::all(db, viewer.workspace()).await?;
    let midnight = midnight(&viewer);
    let numbers = numbers(db, viewer.workspace(), midnight).await?;
    let has_jira = has_jira(db, viewer.workspace()).await?;
    let has_mail = numbers.any;
    let credentials = Credentials::of(db, viewer.workspace()).await?;
    let mut needed = Vec::new();
    let mut lines = Vec::new();
    for source in &all {
        let standing = health::of_source(source);
        for trouble in
            standing.troubles.iter().filter(|trouble| trouble.fault.entry.class != fault::Class::Transient)
        {
            let mut view = list::fault_view(&viewer, source, trouble);
            if viewer.may(Role::Admin)
                && let Some(action) = list::mend(&viewer, source, trouble)
            {
                view = view.with(action);
            }
            needed.push(Needed {
                object: source.mailbox.clone(),
                href: format!("/sources/{}", source.id),
                fault: view,
            });
        }
        lines.push(SourceLine {
            mailbox: source.mailbox.clone(),
            href: format!("/sources/{}", source.id),
            health: standing.health,
            target: source.project_key.clone().unwrap_or_default(),
            news: news(&viewer, source, &credentials),
            today: today(db, source.id, midnight).await?,
            waiting: u64::try_from(source.waiting).unwrap_or(0),
        });
    }
    let first_run = if has_jira && !all.is_empty() && has_mail {
        Vec::new()
    } else {
        OverviewView::first_steps(has_jira, !all.is_empty(), has_mail)
    };
    web::page(&OverviewView {
        frame: viewer.frame(Section::Overview, "Overview").live("sources messages"),
        first_run,
        needed,
        numbers: numbers.numbers,
        sources: lines,
    })
}

fn news(viewer: &Viewer, source: &Source, credentials: &Credentials) -> String {
    let mail = match source.last_mail_at {
        Some(at) => format!("last mail {}", moment(viewer, at).words),
        None => "no mail yet".to_owned(),
    };
    let ends = credentials.in_short(source.account_id, known_of_source(source), viewer.times().now);
    if ends.is_empty() { mail } else { format!("{mail} · {ends}") }
}

/// The last midnight in the workspace's time zone.
fn midnight(viewer: &Viewer) -> Timestamp {
    let times = viewer.times();
    let now = times.zone.to_datetime(times.now);
    times.zone.to_timestamp(now.date().to_datetime(jiff::civil::Time::midnight())).unwrap_or(time(0))
}

struct Today {
    numbers: Numbers,
    any: bool,
}

#[derive(FromRow)]
struct EndRow {
    ending: Option<String>,
    count: i64,
}

#[derive(FromRow)]
struct Count {
    count: i64,
}

async fn numbers(db: &Db, workspace: Uuid, since: Timestamp) -> Result<Today, StoreError> {
    let ends: Vec<EndRow> = db
        .fetch_all(
            sql!(
                "SELECT ending, count(*) AS count FROM message WHERE workspace_id = $1 AND ended_at >= $2 GROUP BY ending"
            ),
            args![workspace, since],
        )
        .await?;
    let open: Count = db
        .fetch_one(
            sql!("SELECT count(*) AS count FROM message WHERE workspace_id = $1 AND state IN ('recorded', 'ready', 'acting')"),
            args![workspace],
        )
        .await?;
    let held: Count = db
        .fetch_one(
            sql!("SELECT count(*) AS count FROM message WHERE workspace_id = $1 AND state = 'held'"),
            args![workspace],
        )
        .await?;
    let any: Vec<(Uuid,)> = db
        .fetch_all(sql!("SELECT id FROM message WHERE workspace_id = $1 LIMIT 1"), args![workspace])
        .await?;
    let of = |name: &str| {
        let count = ends.iter().find(|row| row.ending.as_deref() == Some(name)).map_or(0, |row| row.count);
        u64::try_from(count).unwrap_or(0)
    };
    Ok(Today {
        numbers: Numbers {
            issues: of("issue"),
            comments: of("comment"),
            ignored: of("ignored"),
            rejected: of("rejected"),
            waiting: u64::try_from(open.count).unwrap_or(0),
            held: u64::try_from(held.count).unwrap_or(0),
        },
        any: !any.is_empty(),
    })
}

async fn today(db: &Db, source: Uuid, since: Timestamp) -> Result<u64, StoreError> {
    let row: Count = db
        .fetch_one(
            sql!("SELECT count(*) AS count FROM message WHERE source_id = $1 AND recorded_at >= $2 AND content <> 'erased'"),
            args![source, since],
        )
        .await?;
    Ok(u64::try_from(row.count).unwrap_or(0))
}

async fn has_jira(db: &Db, workspace: Uuid) -> Result<bool, StoreError> {
    let rows: Vec<(Uuid,)> = db
        .fetch_all(sql!("SELECT id FROM jira_connection WHERE workspace_id = $1 LIMIT 1"), args![workspace])
        .await?;
    Ok(!rows.is_empty())
}
