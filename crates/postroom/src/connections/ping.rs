//! Ping: tests a connection that is signed in, a line per check with its time. Changes nothing on the other side.
//!
//! The lines of a mailbox are the same for a Message Source and a Message Outbound, in the same order, under the names that stand in
//! [`line`]: token, identity, mailbox, folder, count, right to write, right to send (of an outbound alone), quota. [`open`] makes those
//! that both begin with; what comes after is each one's own.

use std::sync::Arc;
use std::time::Duration;

use fault::{Fault, Record};
use jiff::Timestamp;
use microsoft::{FolderId, Mailbox};
use serde::{Deserialize, Serialize};
use store::StoreError;
use tokio::time::Instant;
use uuid::Uuid;

use super::connection_type::ConnectionType;
use super::store::events::{self, Event, Object};
use super::store::{jira, sources};
use super::{Connections, store::sources::Source};
use super::{jira_checks, jira_site};
use crate::web::components::{CheckView, Mark, PingView, ways};
use crate::web::times::{Times, counted};

/// The names of the lines of a mailbox.
pub mod line {
    /// Whether Microsoft gives a token.
    pub const TOKEN: &str = "Token";
    /// Whose it is.
    pub const IDENTITY: &str = "Identity";
    /// Whether the mailbox answers.
    pub const MAILBOX: &str = "Mailbox";
    /// Whether its folder is there.
    pub const FOLDER: &str = "Folder";
    /// How many messages lie there.
    pub const COUNT: &str = "Count";
    /// Whether messages may be changed; of an outbound: made.
    pub const WRITE: &str = "Right to write";
    /// Whether they may be sent.
    pub const SEND: &str = "Right to send";
    /// How full it is.
    pub const QUOTA: &str = "Quota";
}

/// Why a check is neither good nor bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Open {
    /// It was tried, and what came of it is not known.
    Unknown,
    /// Nobody wanted it tried.
    NotTried,
}

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
    /// Why it is neither good nor bad.
    #[serde(default)]
    pub open: Option<Open>,
}

impl Check {
    /// A check with its outcome.
    pub fn new(name: &str, outcome: Result<String, Fault>, took: Duration) -> Self {
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let (text, fault) = match outcome {
            Ok(text) => (text, None),
            Err(fault) => (String::new(), Some(fault.to_record())),
        };
        Self { name: name.to_owned(), text, took_ms, fault, open: None }
    }

    /// A check of which it is not known what came of it.
    pub fn unknown(name: &str, text: String, took: Duration) -> Self {
        Self { open: Some(Open::Unknown), ..Self::new(name, Ok(text), took) }
    }

    /// A check that nobody wanted tried.
    pub fn not_tried(name: &str, text: &str) -> Self {
        Self { open: Some(Open::NotTried), ..Self::new(name, Ok(text.to_owned()), Duration::ZERO) }
    }

    /// Whether it was tried, and good.
    pub fn is_good(&self) -> bool {
        self.fault.is_none() && self.open.is_none()
    }

    /// What is wrong.
    pub fn fault(&self) -> Option<Fault> {
        self.fault.clone().map(Fault::from_record)
    }

    fn view(&self) -> CheckView {
        let fault = self.fault();
        CheckView {
            name: self.name.clone(),
            mark: match (&fault, self.open) {
                (Some(_), _) => Mark::Bad,
                (None, Some(Open::Unknown)) => Mark::Unknown,
                (None, Some(Open::NotTried)) => Mark::NotTried,
                (None, None) => Mark::Good,
            },
            text: fault.as_ref().map_or_else(|| self.text.clone(), with_detail),
            mend: fault.as_ref().map_or_else(String::new, |fault| fault.entry.mend.to_owned()),
            ways: fault.as_ref().map(ways).unwrap_or_default(),
            took: if self.open == Some(Open::NotTried) {
                String::new()
            } else {
                format!("{} ms", self.took_ms)
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
    /// Whether every check that was tried was good.
    pub fn is_good(&self) -> bool {
        self.checks.iter().all(|check| check.is_good() || check.open == Some(Open::NotTried))
    }

    /// In a sentence, for the timeline.
    pub fn sentence(&self) -> String {
        let wrong = self.checks.iter().find_map(|check| check.fault().map(|fault| (check, fault)));
        let unknown = self.checks.iter().find(|check| check.open == Some(Open::Unknown));
        let not_tried = self.checks.iter().any(|check| check.open == Some(Open::NotTried));
        match (wrong, unknown) {
            (Some((check, fault)), _) => format!("ping: {}: {fault}", check.name),
            (None, Some(check)) => format!("ping: {} is not known: {}", check.name, check.text),
            (None, None) if not_tried => "ping: all that was tried is good".to_owned(),
            (None, None) if self.checks.len() == 1 => "ping: the check is good".to_owned(),
            (None, None) => format!("ping: all {} checks are good", self.checks.len()),
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

/// What is tested first, of a source and of an outbound alike.
#[derive(Clone, Copy, Debug)]
pub struct Tested<'a> {
    /// Over what it is reached.
    pub over: ConnectionType,
    /// The account.
    pub account: Uuid,
    /// Its address.
    pub username: &'a str,
    /// The address of an Exchange server of one's own, or empty.
    pub ews_url: &'a str,
    /// The folder that is looked at.
    pub folder: &'a FolderId,
}

/// A mailbox whose folder answers, with what was found out about it meanwhile: it is said at its place.
#[derive(Debug)]
pub struct Opened {
    /// The mailbox.
    pub mailbox: Arc<dyn Mailbox>,
    /// Whether mail can be read.
    newest: Option<Check>,
    /// Whether mail can be marked.
    marked: Option<Check>,
    /// How full it is.
    pub quota: Option<Check>,
}

/// Token, identity, mailbox and folder, each where the one before lets it be tried. The mailbox is there once its folder answers.
pub async fn open(
    connections: &Connections,
    tested: Tested<'_>,
    mailbox: impl Future<Output = Result<Arc<dyn Mailbox>, Fault>>,
) -> (Vec<Check>, Option<Opened>) {
    let mut checks = vec![token(connections, tested).await];
    if !checks[0].is_good() {
        return (checks, None);
    }
    let begun = Instant::now();
    let mailbox = match mailbox.await {
        Ok(mailbox) => mailbox,
        Err(fault) => {
            checks.push(Check::new(line::IDENTITY, Err(fault), begun.elapsed()));
            return (checks, None);
        }
    };
    let mut opened = Opened { mailbox, newest: None, marked: None, quota: None };
    let mut answers = false;
    for found in opened.mailbox.probe_folder(tested.folder).await.checks {
        match found.name {
            "Sign-in" => checks.push(identity(tested, found)),
            "Mailbox" => checks.push(Check::new(line::MAILBOX, found.outcome, found.took)),
            "Folder" => {
                answers = found.outcome.is_ok();
                checks.push(Check::new(line::FOLDER, found.outcome, found.took));
            }
            "Read mail" => opened.newest = Some(Check::new(line::COUNT, found.outcome, found.took)),
            "Mark mail" => opened.marked = Some(Check::new(line::WRITE, found.outcome, found.took)),
            "Quota" => opened.quota = Some(Check::new(line::QUOTA, found.outcome, found.took)),
            // What a transport knows beside these has no place of its own.
            _ => {}
        }
    }
    (checks, answers.then_some(opened))
}

/// Whether there is a token, renewed where it had to be. Graph and each Exchange take one of their own.
async fn token(connections: &Connections, tested: Tested<'_>) -> Check {
    let begun = Instant::now();
    let outcome =
        async { connections.tokens_over(tested.over, tested.account, tested.ews_url).await?.get().await };
    let outcome = outcome.await.map(|_| "Microsoft gave one that lasts".to_owned());
    Check::new(line::TOKEN, outcome, begun.elapsed())
}

/// Whose the token is. EWS does not say whose it was given: the sign-in does.
fn identity(tested: Tested<'_>, found: microsoft::Check) -> Check {
    let outcome = match found.outcome {
        Ok(_) if tested.over == ConnectionType::Ews => Ok(format!("as {}", tested.username)),
        outcome => outcome,
    };
    Check::new(line::IDENTITY, outcome, found.took)
}

/// How many messages lie in the folder, and whether they can be read.
async fn count(opened: &mut Opened, folder: &FolderId) -> Check {
    let begun = Instant::now();
    let newest = opened.newest.take();
    if let Some(refused) = newest.as_ref().filter(|newest| newest.fault.is_some()) {
        return refused.clone();
    }
    let newest = newest.map(|newest| (newest.text, Duration::from_millis(newest.took_ms)));
    let (text, read) = newest.unwrap_or_default();
    let count = opened.mailbox.count(folder, None).await;
    let outcome = count.map(|count| match count {
        0 => text,
        count => format!("{}; {text}", counted(count, "message", "messages")),
    });
    Check::new(line::COUNT, outcome, read + begun.elapsed())
}

async fn mailbox_checks(connections: &Connections, source: &Source) -> Vec<Check> {
    let folder = FolderId::from(source.folder_id.as_str());
    let tested = Tested {
        over: ConnectionType::of_word(&source.connection_type),
        account: source.account_id,
        username: &source.username,
        ews_url: &source.ews_url,
        folder: &folder,
    };
    let (mut checks, opened) = open(connections, tested, connections.mailbox_of(source.id)).await;
    let Some(mut opened) = opened else { return checks };
    checks.push(count(&mut opened, &folder).await);
    checks.extend(opened.marked);
    checks.extend(opened.quota);
    if checks.iter().all(Check::is_good) {
        // What Exchange takes for junk never reaches the folder: whoever misses a mail looks there.
        let begun = Instant::now();
        if let Ok(junk) = opened.mailbox.folder("junkemail").await {
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
    if report.is_good() {
        sources::poll_now(&mut tx, id, report.at).await?;
        // Projects before their site, as whoever stops one does.
        if let Some(connection) = row.jira_connection_id {
            jira::release(&mut tx, connection).await?;
        }
    }
    if let (Some(connection), Some(found)) = (row.jira_connection_id, &found) {
        jira_site::learn(&mut tx, connection, found).await?;
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
