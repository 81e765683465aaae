//! The worker against the simulated Jira, with a clock that the tests move: what becomes of mail whose source, issue or site changed
//! while it was on its way.

mod profiles;
mod threads;
mod traps;

use std::time::Duration;

use fault::{EwsAnswer, GraphAnswer};
use serde_json::{Value, json};
use sim::Sim;
use store::{args, sql};

use super::*;
use crate::connections::store::jira::{self as jira_rows, Kept, NewDestination};
use crate::connections::store::sources;
use crate::connections::testing::{Connected, Office, confirmed};

/// Past the pause of a destination that needs a person, and past the quarantine.
const LATER: Duration = Duration::from_secs(121);

struct Desk {
    office: Office,
    there: Connected,
    sim: Sim,
    worker: Worker,
    http: reqwest::Client,
}

impl Desk {
    async fn new() -> Self {
        let sim = Sim::start(sim::Config { enforce_quotas: false, ..sim::Config::default() }).await.unwrap();
        let office = Office::new().await;
        let there = office.connect().await;
        let shell = &office.console.shell;
        let clock: Arc<dyn Clock> = office.console.clock.clone();
        let ledger = office.state.ledger.clone();
        let worker = Worker {
            journal: GroupCommit::start(shell.db.clone(), ledger.clone(), Arc::clone(&clock), |_| {}),
            db: shell.db.clone(),
            ledger,
            connections: Arc::clone(&office.state.connections),
            blobs: office.messages.blobs.clone(),
            clock,
            bus: shell.bus.clone(),
            wake: Arc::new(Notify::new()),
            owner: Uuid::now_v7(),
            workers: 8,
            room: Room::default(),
        };
        Self { office, there, sim, worker, http: reqwest::Client::new() }
    }

    /// A connection to the simulated Jira under this address.
    async fn site(&self, base_url: &str) -> Uuid {
        let (id, ready) = (Uuid::now_v7(), self.sim.ready());
        let connections = &self.office.state.connections;
        let place = crate::connections::jira_site::place(id);
        let kept = Kept {
            id,
            workspace: self.office.workspace(),
            name: base_url.to_owned(),
            kind: "cloud_token",
            base_url: base_url.to_owned(),
            api_version: 3,
            username: ready.jira_user.clone(),
            token_sealed: Some(connections.sealer.seal(&place, ready.jira_token.as_bytes())),
            account_id: None,
            display_name: None,
            upload_limit: None,
            tested_at: Some(self.office.now()),
            now: self.office.now(),
        };
        let mut tx = self.worker.db.begin().await.unwrap();
        jira_rows::insert(&mut tx, kept).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// The same under its own address.
    async fn own_site(&self) -> Uuid {
        self.site(&self.sim.ready().jira).await
    }

    /// The source's mail goes to this project from now on.
    async fn point(&self, jira: Uuid, project: &str) -> Uuid {
        let (workspace, now) = (self.office.workspace(), self.office.now());
        let new =
            NewDestination { workspace, connection: jira, key: project, name: project, highest: 0, now };
        let mut tx = self.worker.db.begin().await.unwrap();
        let destination = jira_rows::destination(&mut tx, &new).await.unwrap();
        let to = confirmed(workspace, self.there.account, self.there.mailbox, destination, now);
        sources::update(&mut tx, self.there.source, &to).await.unwrap();
        tx.commit().await.unwrap();
        self.office.state.connections.forget();
        destination
    }

    async fn mail(&self, subject: &str, answers: Option<&str>) -> Uuid {
        self.office.record_one(self.there, subject, answers).await
    }

    /// Handles whatever can be claimed now.
    async fn pass(&self) {
        loop {
            let batch = self.worker.claim(50).await.unwrap();
            if batch.is_empty() {
                return;
            }
            for loaded in batch {
                self.worker.handle(loaded).await;
            }
        }
    }

    async fn later(&self) {
        self.office.console.clock.advance(LATER);
        self.pass().await;
    }

    fn control(&self, path: &str) -> String {
        format!("{}{path}", self.sim.ready().control.trim_end_matches('/'))
    }

    async fn fault(&self, rule: Value) {
        let answer = self.http.post(self.control("/faults")).json(&rule).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    async fn keys(&self) -> Vec<String> {
        let answer = self.http.get(self.control("/jira/issues")).send().await.unwrap();
        let told: Value = answer.json().await.unwrap();
        let issues = told.as_array().or_else(|| told["issues"].as_array()).unwrap().clone();
        let mut keys: Vec<String> =
            issues.iter().map(|issue| issue["key"].as_str().unwrap().to_owned()).collect();
        keys.sort();
        keys
    }

    /// State, end, issue and generation.
    async fn end(&self, id: Uuid) -> (String, String, String, i64) {
        self.worker
            .db
            .fetch_one(
                sql!(
                    "SELECT state, coalesce(ending, '') AS ending, coalesce(issue_key, '') AS issue_key, generation
                     FROM message WHERE id = $1"
                ),
                args![id],
            )
            .await
            .unwrap()
    }
}

fn ended(ending: &str, key: &str, generation: i64) -> (String, String, String, i64) {
    ("ended".to_owned(), ending.to_owned(), key.to_owned(), generation)
}

/// A reply of Jira that is lost after the effect, and a look for it that is refused: the step stays in doubt.
async fn lose(desk: &Desk, write: &str, look: (&str, &str)) {
    let lost = json!({ "service": "jira", "method": "POST", "path": write, "kind": "status_after_effect", "status": 504, "count": 1 });
    desk.fault(lost).await;
    let (method, path) = look;
    let refused = json!({ "service": "jira", "method": method, "path": path, "kind": "status", "status": 403, "count": 1 });
    desk.fault(refused).await;
}

/// Promise: a mail that was about to become an issue in one project becomes that one issue, whatever its source is told meanwhile;
/// and what is known of one project's numbers stays apart from another's.
#[tokio::test(flavor = "multi_thread")]
async fn another_project_for_a_source_doubles_no_issue() {
    let desk = Desk::new().await;
    let site = desk.own_site().await;
    desk.point(site, "SUP").await;
    let first = desk.mail("first", None).await;
    lose(&desk, "/issue$", ("POST", "/issue/bulkfetch$")).await;
    desk.pass().await;
    assert_eq!((desk.end(first).await.0.as_str(), desk.keys().await), ("acting", vec!["SUP-1".to_owned()]));

    let billing = desk.point(site, "BILL").await;
    let second = desk.mail("second", None).await;
    desk.later().await;
    desk.later().await;
    assert_eq!(desk.end(first).await, ended("issue", "SUP-1", 0));
    assert_eq!(desk.end(second).await, ended("issue", "BILL-1", 0));
    assert_eq!(desk.keys().await, ["BILL-1", "SUP-1"]);
    let (highest,): (i64,) = desk
        .worker
        .db
        .fetch_one(sql!("SELECT highest_key FROM destination WHERE id = $1"), args![billing])
        .await
        .unwrap();
    assert_eq!(highest, 1, "the mark of one project is a number of that project");
}

/// Promise: a plan of which nothing was written goes where its source writes now: whoever mends a source whose project refuses by
/// giving it another one is not left with mail that still waits for the old one.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_wrote_nothing_follows_its_source() {
    let desk = Desk::new().await;
    let site = desk.own_site().await;
    desk.point(site, "SUP").await;
    let id = desk.mail("refused", None).await;
    desk.fault(
        json!({ "service": "jira", "method": "POST", "path": "/issue$", "kind": "status", "status": 403, "count": 1 }),
    )
    .await;
    desk.pass().await;
    assert_eq!(desk.end(id).await.0, "acting");
    desk.point(site, "BILL").await;
    desk.later().await;
    assert_eq!(desk.end(id).await, ended("issue", "BILL-1", 1));
    assert_eq!(desk.keys().await, ["BILL-1"]);
}

/// Promise: a reply to a mail whose issue is on another Jira becomes an issue of its own and never a comment on whatever issue has
/// that number here.
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_goes_to_no_issue_of_another_site() {
    let desk = Desk::new().await;
    let (here, elsewhere) =
        (desk.own_site().await, desk.site(&desk.sim.ready().jira.replace("127.0.0.1", "localhost")).await);
    desk.point(here, "SUP").await;
    let parent = desk.mail("parent", None).await;
    desk.pass().await;
    assert_eq!(desk.end(parent).await, ended("issue", "SUP-1", 0));
    let here_too = desk.mail("reply", Some("parent")).await;
    desk.pass().await;
    assert_eq!(desk.end(here_too).await, ended("comment", "SUP-1", 0));
    desk.point(elsewhere, "BILL").await;
    let reply = desk.mail("reply elsewhere", Some("parent")).await;
    desk.pass().await;
    assert_eq!(desk.end(reply).await, ended("issue", "BILL-1", 0));
}

/// Promise: an issue that is deleted while a comment on it is in doubt is found out about, and the mail becomes an issue of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_comment_in_doubt_on_a_deleted_issue_is_decided_anew() {
    let desk = Desk::new().await;
    let site = desk.own_site().await;
    desk.point(site, "SUP").await;
    desk.mail("parent", None).await;
    desk.pass().await;
    let reply = desk.mail("reply", Some("parent")).await;
    lose(&desk, "/comment$", ("GET", "/comment$")).await;
    desk.pass().await;
    assert_eq!(desk.end(reply).await.0, "acting");
    let gone = desk.http.delete(desk.control("/jira/issues/SUP-1")).send().await.unwrap();
    assert!(gone.status().is_success());
    desk.later().await;
    desk.later().await;
    assert_eq!(desk.end(reply).await, ended("issue", "SUP-2", 1));
    assert_eq!(desk.keys().await, ["SUP-2"]);
}

/// Promise: one issue that takes no comment holds the mail that answers to it and stops nothing else; where the account may not comment
/// in the project at all, the project stops and no mail is held.
#[tokio::test(flavor = "multi_thread")]
async fn an_issue_that_takes_no_comment_stops_only_its_own_mail() {
    let desk = Desk::new().await;
    let site = desk.own_site().await;
    desk.point(site, "SUP").await;
    desk.mail("parent", None).await;
    desk.pass().await;
    let reply = desk.mail("reply", Some("parent")).await;
    desk.fault(
        json!({ "service": "jira", "method": "POST", "path": "/comment$", "kind": "status", "status": 403, "count": 1 }),
    )
    .await;
    desk.pass().await;
    assert_eq!(desk.end(reply).await.0, "held");
    let other = desk.mail("other", None).await;
    desk.pass().await;
    assert_eq!(desk.end(other).await, ended("issue", "SUP-2", 0));

    let taken = json!({"project": "SUP", "missing": ["ADD_COMMENTS"]});
    desk.http.post(desk.control("/jira/permissions")).json(&taken).send().await.unwrap();
    let reply = desk.mail("another reply", Some("parent")).await;
    desk.pass().await;
    assert_eq!(desk.end(reply).await.0, "ready", "it waits for its project");
    let given = json!({"project": "SUP", "missing": []});
    desk.http.post(desk.control("/jira/permissions")).json(&given).send().await.unwrap();
    // What an administrator has to mend is tried again slowly.
    desk.office.console.clock.advance(Duration::from_hours(1));
    desk.pass().await;
    assert_eq!(desk.end(reply).await, ended("comment", "SUP-1", 0));
}

/// Promise: attachments are given up only where the mail itself is gone or cannot be converted. A mailbox that is not found, a wrong
/// address and an answer without a word are waited for.
#[test]
fn only_a_mail_of_its_own_fault_goes_on_without_attachments() {
    let graph = |status, code: &str| {
        let codes: &[&str] = if code.is_empty() { &[] } else { &[code] };
        Fault::graph(&GraphAnswer { status, codes, ..GraphAnswer::default() })
    };
    let ews = |status, code| Fault::ews(&EwsAnswer { status, code, ..EwsAnswer::default() });
    for gone in [
        graph(404, "ErrorItemNotFound"),
        graph(500, "ErrorItemCorrupt"),
        ews(200, "ErrorItemNotFound"),
        ews(200, "ErrorMimeContentConversionFailed"),
        Fault::own("graph.mime_too_large", "70 MB"),
    ] {
        assert!(cannot_be_had(&gone), "{gone}");
    }
    for waits in [
        graph(404, "ErrorNonExistentMailbox"),
        graph(404, "MailboxNotEnabledForRESTAPI"),
        graph(404, "ResourceNotFound"),
        graph(404, ""),
        graph(404, "SomethingUnheardOf"),
        graph(503, ""),
        ews(404, ""),
        ews(200, "ErrorNonExistentMailbox"),
    ] {
        assert!(!cannot_be_had(&waits), "{waits}");
    }
    let pause = judge::wait(&graph(404, ""), 2);
    assert!(pause <= SignedDuration::from_mins(1), "{pause}");
}

/// Promise: a mail whose page is large is not loaded along with others, but alone and when there is room for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_page_is_loaded_alone_and_when_there_is_room() {
    let mut desk = Desk::new().await;
    desk.worker.ledger.timing.lease = Duration::from_millis(300);
    let site = desk.own_site().await;
    desk.point(site, "SUP").await;
    let id = desk.mail("large", None).await;
    let page = json!({
        "id": "native-large", "subject": "large", "receivedDateTime": desk.office.now().to_string(),
        "from": { "emailAddress": { "name": "Anna", "address": "anna@contoso.test" } },
        "body": { "contentType": "text", "content": "all work and no play. ".repeat(20_000) },
    });
    let place = store::Place::new("message_content", "page_sealed", id);
    let sealed = desk.worker.ledger.sealer.seal(&place, &serde_json::to_vec(&page).unwrap());
    let replace = sql!("UPDATE message_content SET page_sealed = $1 WHERE message_id = $2");
    desk.worker.db.execute(replace, args![sealed, id]).await.unwrap();

    let all = desk.worker.room.try_take(usize::MAX).unwrap();
    let batch = desk.worker.claim(50).await.unwrap();
    assert!(batch.len() == 1 && batch[0].content.is_none());
    for loaded in batch {
        desk.worker.handle(loaded).await;
    }
    assert_eq!(desk.end(id).await.0, "ready", "it waits for room, uncounted");
    let attempts: (i64,) = desk
        .worker
        .db
        .fetch_one(sql!("SELECT attempts FROM message WHERE id = $1"), args![id])
        .await
        .unwrap();
    assert_eq!(attempts, (0,));
    drop(all);
    desk.worker.ledger.timing.lease = Duration::from_mins(1);
    desk.later().await;
    assert_eq!(desk.end(id).await, ended("issue", "SUP-1", 0));
}
