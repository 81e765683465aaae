//! Ping: tests a connection that is signed in, a line per check with its time. Changes nothing on the other side.

use std::sync::Arc;
use std::time::Duration;

use fault::{Fault, Record};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::StoreError;
use tokio::time::Instant;
use uuid::Uuid;

use super::connection_type::ConnectionType;
use super::store::events::{self, Event, Object};
use super::store::{jira, sources};
use super::{Connections, store::sources::Source};
use super::{jira_checks, jira_site};
use crate::web::components::{CheckView, PingView, ways};
use crate::web::times::{Times, counted};

/// One check.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// What was found; empty where something is wrong.
    #[serde(default)]
    pub text: String,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub took_ms: u64,
    /// What is wrong.
    #[serde(default)]
    pub fault: Option<Record>,
}

impl Check {
    /// A check with its outcome.
    pub fn new(name: &str, outcome: Result<String, Fault>, took: Duration) -> Self {
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let (text, fault) = match outcome {
            Ok(text) => (text, None),
            Err(fault) => (String::new(), Some(fault.to_record())),
        };
        Self { name: name.to_owned(), text, took_ms, fault }
    }

    /// What is wrong.
    pub fn fault(&self) -> Option<Fault> {
        self.fault.clone().map(Fault::from_record)
    }

    fn view(&self) -> CheckView {
        let took = format!("{} ms", self.took_ms);
        match self.fault() {
            None => CheckView {
                name: self.name.clone(),
                good: true,
                text: self.text.clone(),
                mend: String::new(),
                ways: Vec::new(),
                took,
            },
            Some(fault) => CheckView {
                name: self.name.clone(),
                good: false,
                text: with_detail(&fault),
                mend: fault.entry.mend.to_owned(),
                ways: ways(&fault),
                took,
            },
        }
    }
}

/// What is wrong in a line: cause, code, and for faults of settings what they are about.
fn with_detail(fault: &Fault) -> String {
    if fault.code.is_empty() && !fault.detail.is_empty() {
        format!("{fault} ({}).", fault.detail)
    } else {
        format!("{fault}.")
    }
}

/// What a ping found.
#[derive(Clone, Debug)]
pub struct Report {
    /// When.
    pub at: Timestamp,
    /// The checks, in their order.
    pub checks: Vec<Check>,
}

impl Report {
    /// Whether every check was good.
    pub fn is_good(&self) -> bool {
        self.checks.iter().all(|check| check.fault.is_none())
    }

    /// In a sentence, for the timeline.
    pub fn sentence(&self) -> String {
        let wrong = self.checks.iter().find_map(|check| check.fault().map(|fault| (check, fault)));
        match wrong {
            None if self.checks.len() == 1 => "ping: the check is good".to_owned(),
            None => format!("ping: all {} checks are good", self.checks.len()),
            Some((check, fault)) => format!("ping: {}: {fault}", check.name),
        }
    }

    /// As a page shows it; `close` is where its button leads.
    pub fn view(&self, times: &Times, close: impl Into<String>) -> PingView {
        PingView {
            at: times.exact(self.at),
            checks: self.checks.iter().map(Check::view).collect(),
            close: close.into(),
        }
    }
}

/// Tests what a source reads and where its mail goes.
pub async fn source(connections: &Connections, source: &Source) -> (Report, Option<jira_checks::Found>) {
    let (mut checks, (jira, found)) =
        tokio::join!(mailbox_checks(connections, source), project_checks(connections, source));
    checks.extend(jira);
    (Report { at: connections.clock.now(), checks }, found)
}

/// Whether there is a token, renewed where it had to be. Graph and each Exchange take one of their own.
pub async fn token(connections: &Connections, over: ConnectionType, account: Uuid, ews_url: &str) -> Check {
    let begun = Instant::now();
    let outcome = async { connections.tokens_over(over, account, ews_url).await?.get().await };
    let outcome = outcome.await.map(|_| "Microsoft gave one that lasts".to_owned());
    Check::new("Token", outcome, begun.elapsed())
}

/// A check of a mailbox. EWS does not say whose token it was given: the sign-in does.
pub fn probed(over: ConnectionType, username: &str, check: microsoft::Check) -> Check {
    let outcome = match check.outcome {
        Ok(_) if over == ConnectionType::Ews && check.name == "Sign-in" => Ok(format!("as {username}")),
        outcome => outcome,
    };
    Check::new(check.name, outcome, check.took)
}

async fn mailbox_checks(connections: &Connections, source: &Source) -> Vec<Check> {
    let over = ConnectionType::of_word(&source.connection_type);
    let token = token(connections, over, source.account_id, &source.ews_url).await;
    if token.fault.is_some() {
        return vec![token];
    }
    let begun = Instant::now();
    let mailbox = match connections.mailbox_of(source.id).await {
        Ok(mailbox) => mailbox,
        Err(fault) => return vec![Check::new("Account", Err(fault), begun.elapsed())],
    };
    let folder = source.folder_id.as_str().into();
    let report = mailbox.probe_folder(&folder).await;
    let found = report.checks.into_iter().map(|check| probed(over, &source.username, check));
    let mut checks: Vec<Check> = std::iter::once(token).chain(found).collect();
    if checks.iter().all(|check| check.fault.is_none()) {
        // What Exchange takes for junk never reaches the folder: whoever misses a mail looks there.
        let begun = Instant::now();
        if let Ok(junk) = mailbox.folder("junkemail").await {
            let lie = counted(junk.total, "message, which is not read", "messages, which are not read");
            let text = format!("{}: {lie}", junk.name);
            checks.push(Check::new("Junk", Ok(text), begun.elapsed()));
        }
    }
    checks
}

async fn project_checks(
    connections: &Connections,
    source: &Source,
) -> (Vec<Check>, Option<jira_checks::Found>) {
    let (Some(connection), Some(project)) = (source.jira_connection_id, &source.project_key) else {
        let fault = Fault::own("own.connection_gone", "the source has no Jira project");
        return (vec![Check::new("Jira", Err(fault), Duration::ZERO)], None);
    };
    let begun = Instant::now();
    let client = match connections.jira(connection).await {
        Ok(client) => client,
        Err(fault) => return (vec![Check::new("Jira", Err(fault), begun.elapsed())], None),
    };
    let (mut checks, found) = jira_checks::check_site(&client).await;
    if found.is_some() {
        checks.extend(jira_checks::check_project(&client, project, Some(&source.issue_type_id)).await);
    }
    (checks, found)
}

/// Tests a source and records what was found. Where all is good, the source and its project are tried at once.
pub async fn source_on_record(
    connections: &Arc<Connections>,
    workspace: Uuid,
    id: Uuid,
    actor: &str,
) -> Result<Option<Report>, StoreError> {
    let Some(row) = sources::one(&connections.db, workspace, id).await? else { return Ok(None) };
    connections.ask_anew(row.account_id).await;
    let (report, found) = source(connections, &row).await;
    let mut tx = connections.db.begin().await?;
    record(&mut tx, workspace, Object::Source, id, actor, &report).await?;
    if let (Some(connection), Some(found)) = (row.jira_connection_id, &found) {
        jira_site::learn(&mut tx, connection, found).await?;
    }
    if report.is_good() {
        sources::poll_now(&mut tx, id, report.at).await?;
        if let Some(connection) = row.jira_connection_id {
            jira::release(&mut tx, connection).await?;
        }
    }
    tx.commit().await?;
    if found.is_some() {
        connections.forget();
    }
    Ok(Some(report))
}

/// Records what a ping found.
pub async fn record(
    tx: &mut store::Tx,
    workspace: Uuid,
    object: Object,
    id: Uuid,
    actor: &str,
    report: &Report,
) -> Result<(), StoreError> {
    let event = Event {
        object,
        id,
        kind: "ping",
        text: &report.sentence(),
        actor,
        detail: serde_json::to_string(&report.checks).ok(),
    };
    events::add(tx, workspace, report.at, &event).await
}

/// What the last ping of an object found.
pub async fn last(connections: &Connections, id: Uuid) -> Result<Option<Report>, StoreError> {
    let Some(last) = events::last_ping(&connections.db, id).await? else { return Ok(None) };
    let checks =
        last.detail.as_deref().and_then(|detail| serde_json::from_str(detail).ok()).unwrap_or_default();
    Ok(Some(Report { at: Timestamp::from_microsecond(last.at).unwrap_or(Timestamp::MIN), checks }))
}
