//! Looks at each Jira connection now and then, so that a token that ended is known before the next mail needs it, and that it works
//! again is known without one. Writes nothing to Jira.

use fault::{Class, Fault};
use jiff::{SignedDuration, Timestamp};
use store::{StoreError, Tx};
use tokio::time::Instant;
use uuid::Uuid;

use super::jira_checks::{Found, check_site};
use super::jira_ping::{self, Learned};
use super::ping::{Check, Report};
use super::store::events::{self, Event, Object};
use super::store::jira::{self as rows, JiraConnection};
use super::{Connections, jira_site, tell};

/// How often a connection is looked at. One whose token is refused no more often: failed sign-ins make Jira lock the user.
const EVERY: SignedDuration = SignedDuration::from_mins(10);
/// How often one is looked at that does not answer as it should.
const SOON: SignedDuration = SignedDuration::from_mins(1);

/// When one is looked at next that was looked at then, both in microseconds.
pub fn next_look(state: &str, checked_at: i64) -> i64 {
    let span = if state == "degraded" { SOON } else { EVERY };
    checked_at.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX))
}

/// Tests a connection: the least of it, so that nobody minds how often.
pub async fn check(connections: &Connections, id: Uuid) -> (Report, Option<Found>) {
    let begun = Instant::now();
    let (checks, found) = match connections.jira(id).await {
        Ok(client) => check_site(&client).await,
        Err(fault) => (vec![Check::new("Jira", Err(fault), begun.elapsed())], None),
    };
    (Report { at: connections.clock.now(), checks }, found)
}

/// What a fault of the connection makes of its state.
pub fn state_of(fault: Option<&Fault>) -> &'static str {
    match fault {
        None => "online",
        Some(fault) if fault.entry.class == Class::Transient => "degraded",
        Some(_) => "offline",
    }
}

/// A connection works: its projects take mail at once, and those that the site had stopped are as they were before.
pub async fn release_projects(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    rows::release(tx, id).await?;
    for (project, record) in rows::stopped(tx, id).await? {
        if jira_site::stored_fault(&record).is_some_and(|fault| tell::is_of_site(&fault)) {
            rows::goes_on(tx, project, &record, now).await?;
        }
    }
    Ok(())
}

/// Keeps what a test found of a connection as it was read before: state, what was learned, who is told. Where all is good, its projects
/// take mail at once. `false`: it was changed meanwhile, the test tells nothing of it, and the transaction is to be rolled back.
pub async fn keep(
    tx: &mut Tx,
    row: &JiraConnection,
    report: &Report,
    (found, learned): (Option<&Found>, Option<&Learned>),
) -> Result<bool, StoreError> {
    let id = row.id;
    let wrong = report.checks.iter().find_map(Check::fault);
    let record = wrong.as_ref().and_then(|fault| serde_json::to_string(&fault.to_record()).ok());
    if wrong.is_none() {
        // Projects before their site, as whoever stops one does: two transactions do not wait for each other.
        release_projects(tx, id, report.at).await?;
    }
    if let Some(learned) = learned {
        jira_ping::keep_of_projects(tx, id, learned).await?;
    }
    let as_read = (id, row.updated_at);
    if !rows::checked_as_of(tx, as_read, state_of(wrong.as_ref()), record, report.at).await? {
        return Ok(false);
    }
    if let Some(found) = found {
        jira_site::learn(tx, id, found).await?;
    }
    match &wrong {
        Some(fault) => tell::jira_fails(tx, id, fault, report.at).await?,
        None => tell::jira_works(tx, id, report.at).await?,
    }
    Ok(true)
}

/// Looks at those whose time has come. `true`: one of them is not as it was.
pub async fn check_due(connections: &Connections) -> bool {
    let mut changed = false;
    let now = connections.clock.now();
    let before = |span| now.saturating_sub(span).unwrap_or(Timestamp::MIN);
    let (usual, shaky) = (before(EVERY), before(SOON));
    let due = match rows::due(&connections.db, usual, shaky).await {
        Ok(due) => due,
        Err(error) => {
            tracing::error!(%error, "no Jira connection can be looked at, trying again");
            return false;
        }
    };
    for (workspace, id) in due {
        let looked = async {
            // Another node may look at it at the same time.
            if !rows::take(&connections.db, id, usual, shaky, now).await? {
                return Ok::<_, StoreError>(());
            }
            let Some(row) = rows::one(&connections.db, workspace, id).await? else { return Ok(()) };
            let (report, found) = check(connections, id).await;
            let state = state_of(report.checks.iter().find_map(Check::fault).as_ref());
            let mut tx = connections.db.begin().await?;
            if !keep(&mut tx, &row, &report, (found.as_ref(), None)).await? {
                return tx.rollback().await;
            }
            if state != row.state {
                let text = report.sentence().replacen("ping: ", "looked at: ", 1);
                let event =
                    Event { object: Object::Jira, id, kind: state, text: &text, actor: "", detail: None };
                events::add(&mut tx, workspace, report.at, &event).await?;
            }
            tx.commit().await?;
            if state != row.state {
                changed = true;
            }
            Ok(())
        };
        if let Err(error) = looked.await {
            tracing::error!(%error, jira = %id, "a Jira connection could not be looked at, trying again");
        }
    }
    changed
}
