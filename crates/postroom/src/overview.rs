//! The first page: what needs a person, how the sources and outbounds are, what came of today's mail. Its view is in [`crate::web::overview`].

use axum::Router;
use axum::extract::State as Shared;
use axum::response::Response;
use axum::routing::get;
use fault::Class;
use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, args, sql};
use uuid::Uuid;

use crate::access::Viewer;
use crate::connections::health::{self, Standing, Trouble};
use crate::connections::known_ends::KnownEnds;
use crate::connections::mend::{self, Mailbox};
use crate::connections::routes::{State, moment, time};
use crate::connections::store::outbounds::{self, Outbound};
use crate::connections::store::sources::{self, Source};
use crate::connections::{ending, list};
use crate::web::components::{Action, FaultView};
use crate::web::overview::{Needed, Numbers, OutboundLine, OverviewView, SourceLine};
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
    let ends = KnownEnds::of(&state.connections, viewer.workspace()).await?;
    let mut needed = Vec::new();
    let mut lines = Vec::new();
    for source in &all {
        let standing = health::of_source(source);
        let waiting = u64::try_from(source.waiting).unwrap_or(0);
        let href = format!("/sources/{}", source.id);
        let view = |trouble: &Trouble, is_first: bool| {
            // How many mails wait is said once.
            list::fault_view(&viewer, source, trouble, if is_first { waiting } else { 0 })
        };
        needed.extend(needed_by(&viewer, &standing, (&source.mailbox, &href), view, |trouble| {
            list::mend(&viewer, source, trouble)
        }));
        lines.push(SourceLine {
            mailbox: source.mailbox.clone(),
            href,
            health: standing.health,
            target: source.project_key.clone().unwrap_or_default(),
            news: news(&viewer, source, &ends),
            today: today(db, source.id, midnight).await?,
            waiting,
        });
    }
    let mut sending = Vec::new();
    for outbound in outbounds::all(db, viewer.workspace()).await? {
        let standing = health::of_outbound(&outbound);
        let href = format!("/outbounds/{}", outbound.id);
        let object = format!("Sending from {}", outbound.mailbox);
        let view =
            |trouble: &Trouble, _| FaultView::of(&trouble.fault, Some(viewer.times().on(trouble.since)));
        needed.extend(needed_by(&viewer, &standing, (&object, &href), view, |trouble| {
            Mailbox::from(&outbound).mend(&viewer, trouble)
        }));
        sending.push(OutboundLine {
            news: news_of_outbound(&viewer, &outbound, &ends),
            mailbox: outbound.mailbox,
            href,
            health: standing.health,
            account: outbound.username,
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
        outbounds: sending,
    })
}

/// What of a connection needs a person: all but what passes by itself. `view` shows a trouble, and knows whether it is the first.
fn needed_by(
    viewer: &Viewer,
    standing: &Standing,
    (object, href): (&str, &str),
    view: impl Fn(&Trouble, bool) -> FaultView,
    mend: impl Fn(&Trouble) -> Vec<Action>,
) -> Vec<Needed> {
    mend::with_mends(viewer, &standing.troubles, false, mend)
        .filter(|(trouble, _)| trouble.fault.entry.class != Class::Transient)
        .enumerate()
        .map(|(place, (trouble, mends))| {
            let fault = view(trouble, place == 0).with_all(mends);
            Needed { object: object.to_owned(), href: href.to_owned(), fault }
        })
        .collect()
}

fn news(viewer: &Viewer, source: &Source, ends: &KnownEnds) -> String {
    let mail = match source.last_mail_at {
        Some(at) => format!("last mail {}", moment(viewer, at).words),
        None => "no mail yet".to_owned(),
    };
    with_ends(mail, &ending::in_short(&ends.of_source(source), viewer.times().now))
}

fn news_of_outbound(viewer: &Viewer, outbound: &Outbound, ends: &KnownEnds) -> String {
    let mail = match outbound.last_sent_at {
        Some(at) => format!("last mail sent {}", moment(viewer, at).words),
        None => "no mail sent yet".to_owned(),
    };
    with_ends(mail, &ending::in_short(&ends.of_outbound(outbound), viewer.times().now))
}

fn with_ends(mail: String, ends: &str) -> String {
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
            sql!(
                "SELECT count(*) AS count FROM message WHERE source_id = $1 AND recorded_at >= $2
                   AND (ended_by IS NULL OR ended_by <> 'before-start')"
            ),
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
