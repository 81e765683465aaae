//! A first connection against the simulator, over Graph and over EWS, on a clock that the tests move: the backlog is listed a page at a
//! time, and between two pages mail arrives or the process ends.

use std::collections::BTreeMap;

use futures::{FutureExt as _, StreamExt as _};
use ledger::GroupCommit;
use serde_json::Value;
use sim::Sim;
use store::{args, sql};

use super::*;
use crate::connections::ConnectionType;
use crate::connections::store::accounts;
use crate::connections::store::applications::{self, NewApplication};
use crate::connections::store::jira::{self as jira_rows, Kept, NewDestination};
use crate::connections::store::sources::{self, Confirmed};
use crate::connections::testing::{Office, confirmed};
use crate::inbound::act::Worker;
use crate::inbound::room::Room;

pub(crate) const MAILBOX: &str = "support@contoso.test";
const BOTH: [ConnectionType; 2] = [ConnectionType::Graph, ConnectionType::Ews];
/// Between two polls.
const INTERVAL: Duration = Duration::from_mins(1);

/// A mail of a conversation: what it answers, and the second in which it came.
#[derive(Clone, Copy, Debug)]
struct Came {
    parent: Option<usize>,
    second: u32,
}

/// What became of a mail: its end, and the number of its issue.
type End = (String, u32);

/// A mailbox that an application reads, and who handles its mail, one mail at a time.
struct Desk {
    office: Office,
    sim: Sim,
    source: Uuid,
    poller: Poller,
    http: reqwest::Client,
    stop: CancellationToken,
    worker: tokio::task::JoinHandle<()>,
}

impl Poller {
    /// Polls what is due to the end of its round; how many sources.
    pub(crate) async fn poll_due(&self) -> usize {
        let due = rows::claim_due(&self.db, self.owner, self.clock.now(), LEASE, 8).await.unwrap();
        let polled = due.len();
        for source in due {
            self.poll(source, &CancellationToken::new()).await;
        }
        polled
    }
}

impl Desk {
    async fn new(over: ConnectionType, start_kind: &str, start_at: Timestamp) -> Self {
        let sim = Sim::start(sim::Config { enforce_quotas: false, ..sim::Config::default() }).await.unwrap();
        let office = Office::new().await;
        let source = connect(&office, &sim, over, start_kind, start_at).await;
        let shell = &office.console.shell;
        let clock: Arc<dyn Clock> = office.console.clock.clone();
        let ledger = office.state.ledger.clone();
        let (work, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        let poller = Poller {
            db: shell.db.clone(),
            ledger: ledger.clone(),
            connections: Arc::clone(&office.state.connections),
            clock: Arc::clone(&clock),
            bus: shell.bus.clone(),
            work: Arc::clone(&work),
            wake: Arc::new(Notify::new()),
            interval: INTERVAL,
            owner: Uuid::now_v7(),
        };
        let worker = Worker {
            journal: GroupCommit::start(shell.db.clone(), ledger.clone(), Arc::clone(&clock), |_| {}),
            db: shell.db.clone(),
            ledger,
            connections: Arc::clone(&office.state.connections),
            blobs: office.messages.blobs.clone(),
            clock,
            bus: shell.bus.clone(),
            wake: work,
            owner: poller.owner,
            workers: 1,
            room: Room::default(),
        };
        let worker = tokio::spawn(worker.run(stop.clone()));
        Self { office, sim, source, poller, http: reqwest::Client::new(), stop, worker }
    }

    async fn end(self) {
        self.stop.cancel();
        self.worker.await.unwrap();
        self.sim.stop().await;
    }

    fn control(&self, path: &str) -> String {
        format!("{}{path}", self.sim.ready().control.trim_end_matches('/'))
    }

    /// A mail comes, so many seconds after the begin.
    async fn deliver(&self, number: usize, came: Came) {
        let answers = came.parent.map(|parent| format!("In-Reply-To: <{}>\r\n", message_id(parent)));
        let raw = format!(
            "From: Ada <ada@customer.example>\r\nTo: {MAILBOX}\r\nSubject: Mail {number}\r\nMessage-ID: <{}>\r\n{}\r\nHelp.\r\n",
            message_id(number),
            answers.unwrap_or_default()
        );
        let at = begin() + SignedDuration::from_secs(came.second.into());
        let request = self.http.post(self.control(&format!("/mailboxes/{MAILBOX}/messages")));
        let request =
            request.query(&[("received_at", at.to_string())]).header("content-type", "message/rfc822");
        let answer = request.body(raw).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// The next poll's one page: the process is asked to stop while it reads.
    async fn page(&self) {
        self.poll(&self.poller, true).await;
    }

    /// A poll to the end of its round.
    async fn round(&self) {
        self.poll(&self.poller, false).await;
    }

    async fn poll(&self, poller: &Poller, stops: bool) {
        self.office.console.clock.advance(INTERVAL);
        let due = rows::claim_due(&poller.db, poller.owner, poller.clock.now(), LEASE, 8).await.unwrap();
        let stop = CancellationToken::new();
        if stops {
            stop.cancel();
        }
        for source in due {
            assert_eq!(source.id, self.source);
            poller.poll(source, &stop).await;
        }
        let (state, fault): (String, Option<String>) = poller
            .db
            .fetch_one(sql!("SELECT state, fault FROM source WHERE id = $1"), args![self.source])
            .await
            .unwrap();
        assert_eq!(state, "online", "{fault:?}");
    }

    async fn place(&self) -> String {
        let (cursor,): (Option<String>,) = self
            .poller
            .db
            .fetch_one(sql!("SELECT cursor_value FROM source WHERE id = $1"), args![self.source])
            .await
            .unwrap();
        cursor.unwrap_or_default()
    }

    /// Waits until so many mails are at their end; what became of each, by Message-ID.
    async fn handled(&self, count: usize) -> BTreeMap<String, End> {
        let waited = async {
            loop {
                let ended: Vec<(String, Option<String>, Option<String>)> = self
                    .poller
                    .db
                    .fetch_all(
                        sql!("SELECT message_id_hash, ending, issue_key FROM message WHERE state IN ('ended', 'held')"),
                        args![],
                    )
                    .await
                    .unwrap();
                if ended.len() >= count {
                    return ended;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let ended =
            tokio::time::timeout(Duration::from_secs(60), waited).await.expect("the mails are handled");
        assert_eq!(ended.len(), count, "none twice");
        let number = |key: &str| key.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        ended
            .into_iter()
            .map(|(hash, ending, key)| (hash, (ending.unwrap_or_default(), key.as_deref().map_or(0, number))))
            .collect()
    }

    fn of<'a>(&self, ends: &'a BTreeMap<String, End>, number: usize) -> &'a End {
        let hash = self.poller.ledger.keys.message_id(&message_id(number));
        ends.get(&hash).unwrap_or_else(|| panic!("mail {number} has no end"))
    }

    /// The issues that there are in Jira.
    async fn issues(&self) -> usize {
        let told = self.http.get(self.control("/jira/issues")).send().await.unwrap();
        let issues: Vec<Value> = told.json().await.unwrap();
        issues.len()
    }

    /// How often EWS was asked for this since it was asked last.
    async fn asked(&self, operation: &str) -> usize {
        let url = self.control("/ews/requests");
        let told: Vec<Value> = self.http.get(&url).send().await.unwrap().json().await.unwrap();
        self.http.delete(&url).send().await.unwrap();
        told.iter().filter(|asked| asked["operation"] == operation).count()
    }

    /// Holds that each mail became an issue or, where its conversation has one, a comment of it.
    fn check(&self, ends: &BTreeMap<String, End>, mails: &[Came]) {
        for (number, came) in mails.iter().enumerate() {
            let mut root = number;
            while let Some(parent) = mails[root].parent {
                root = parent;
            }
            let (ending, issue) = self.of(ends, number);
            let wanted = if came.parent.is_some() { "comment" } else { "issue" };
            assert_eq!((ending.as_str(), *issue), (wanted, self.of(ends, root).1), "mail {number}: {came:?}");
        }
    }
}

fn begin() -> Timestamp {
    "2026-03-02T08:00:00Z".parse().unwrap()
}

fn message_id(number: usize) -> String {
    format!("mail-{number}@customer.example")
}

/// A confirmed source whose mailbox and Jira are the simulator's, reached with the application's own permission.
pub(crate) async fn connect(
    office: &Office,
    sim: &Sim,
    over: ConnectionType,
    start_kind: &str,
    start_at: Timestamp,
) -> Uuid {
    let (ready, now, workspace) = (sim.ready(), office.now(), office.workspace());
    let connections = &office.state.connections;
    let [registration, account, jira, source] = [(); 4].map(|()| Uuid::now_v7());
    let secret = connections.sealer.seal(
        &store::Place::new("app_registration", "secret_sealed", registration),
        ready.client_secret.as_bytes(),
    );
    let token =
        connections.sealer.seal(&crate::connections::jira_site::place(jira), ready.jira_token.as_bytes());
    let user = ready.users.iter().find(|user| user.upn == MAILBOX).unwrap();
    let mut tx = connections.db.begin().await.unwrap();
    let entra = (ready.entra.as_str(), ready.client_id.as_str(), ready.tenant_id.as_str());
    accounts::put_registration(&mut tx, workspace, registration, entra, Some(secret), None, now)
        .await
        .unwrap();
    tx.execute(
        sql!("UPDATE app_registration SET graph_url = $1, ews_url = $2 WHERE id = $3"),
        args![&ready.graph, &ready.ews, registration],
    )
    .await
    .unwrap();
    let application = NewApplication {
        id: account,
        workspace,
        registration,
        tenant: &ready.tenant_id,
        client_id: &ready.client_id,
        name: "Postroom",
        scopes: "Mail.ReadWrite full_access_as_app",
        now,
    };
    assert!(applications::insert(&mut tx, &application).await.unwrap());
    let kept = Kept {
        id: jira,
        workspace,
        name: "Contoso".to_owned(),
        kind: "cloud_token",
        base_url: ready.jira.clone(),
        api_version: 3,
        username: ready.jira_user.clone(),
        token_sealed: Some(token),
        account_id: None,
        display_name: None,
        upload_limit: None,
        tested_at: Some(now),
        now,
    };
    jira_rows::insert(&mut tx, kept).await.unwrap();
    let new = NewDestination { workspace, connection: jira, key: "SUP", name: "Support", highest: 0, now };
    let destination = jira_rows::destination(&mut tx, &new).await.unwrap();
    let mailbox =
        sources::add_mailbox(&mut tx, workspace, &ready.tenant_id, &user.oid.to_string(), MAILBOX, now)
            .await
            .unwrap();
    let new = Confirmed {
        connection_type: over.word(),
        folder_id: "inbox".to_owned(),
        start_kind: start_kind.to_owned(),
        start_at,
        handled: "leave".to_owned(),
        ..confirmed(workspace, account, mailbox, destination, now)
    };
    sources::insert(&mut tx, source, new).await.unwrap();
    tx.commit().await.unwrap();
    source
}

/// Conversations of more than two pages: a quiet hour, then more mails in one second than there are on a page, whose replies, and
/// replies to these, came in the same second; then replies to them.
fn conversations() -> Vec<Came> {
    let quiet = (0..40).zip(0..).map(|(n, second)| Came { parent: (n % 4 == 3).then(|| n - 3), second });
    let burst = (40..110).map(|n| {
        let parent = match n % 10 {
            // Of one that is itself an answer.
            5 => Some(n - 4),
            digit => (digit % 2 == 1).then(|| n - 1),
        };
        Came { parent, second: 1000 }
    });
    let after = (50..90).zip(2000..).map(|(parent, second)| Came { parent: Some(parent), second });
    quiet.chain(burst).chain(after).collect()
}

/// Promise: an open list of messages is told of mail that was read, however long it is until something becomes of it.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_list_is_told_of_mail_that_waits() {
    let mut desk = Desk::new(ConnectionType::Graph, "everything", Timestamp::UNIX_EPOCH).await;
    // Nobody handles it.
    desk.stop.cancel();
    std::mem::replace(&mut desk.worker, tokio::spawn(async {})).await.unwrap();
    let mut topics = Box::pin(desk.poller.bus.topics());
    desk.deliver(0, Came { parent: None, second: 0 }).await;
    desk.round().await;
    let told: Vec<String> = std::iter::from_fn(|| topics.next().now_or_never().flatten()).collect();
    assert!(told.iter().any(|topic| topic == "messages"), "{told:?}");
    desk.round().await;
    let told: Vec<String> = std::iter::from_fn(|| topics.next().now_or_never().flatten()).collect();
    assert!(!told.iter().any(|topic| topic == "messages"), "nothing new: {told:?}");
    drop(topics);
    desk.end().await;
}

/// Promise: a backlog of several pages is handled oldest first while it is listed, over EWS as over Graph, and a reply becomes a comment
/// also where it came in one second with its parent, whatever page and order the mailbox lists them in.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_is_handled_oldest_first_and_replies_find_their_parents() {
    for over in BOTH {
        let desk = Desk::new(over, "everything", Timestamp::UNIX_EPOCH).await;
        let mails = conversations();
        for (number, came) in mails.iter().enumerate() {
            desk.deliver(number, *came).await;
        }
        desk.page().await;
        assert!(desk.place().await.starts_with("listed:"), "{over}");
        // What is on the page is handled before the next one is asked for, all but its last second.
        desk.handled(40).await;
        desk.page().await;
        desk.page().await;
        assert!(desk.place().await.starts_with("listed:"), "{over}: more than two pages");
        desk.round().await;
        let ends = desk.handled(mails.len()).await;
        desk.check(&ends, &mails);
        let roots: Vec<usize> = (0..mails.len()).filter(|n| mails[*n].parent.is_none()).collect();
        assert_eq!(desk.issues().await, roots.len());
        let by_issue = |n: &usize| desk.of(&ends, *n).1;
        let mut made = roots.clone();
        made.sort_by_key(by_issue);
        assert!(made.is_sorted_by_key(|n| mails[*n].second), "{over}: {made:?}");
        desk.end().await;
    }
}

/// Promise: a source that begins at a date lists what came since, oldest first, and handles nothing older.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_since_a_date_leaves_out_what_is_older() {
    for over in BOTH {
        let desk = Desk::new(over, "since", begin() + SignedDuration::from_secs(30)).await;
        for (number, second) in (0..60).zip(0..) {
            desk.deliver(number, Came { parent: None, second }).await;
        }
        desk.page().await;
        assert!(desk.place().await.is_empty(), "{over}: the thirty fit on a page");
        let ends = desk.handled(30).await;
        assert!((30..60).all(|number| desk.of(&ends, number).0 == "issue"), "{over}: {ends:?}");
        desk.round().await;
        let ends = desk.handled(60).await;
        assert!((0..30).all(|number| desk.of(&ends, number).0 == "ignored"), "{over}: {ends:?}");
        assert_eq!(desk.issues().await, 30);
        desk.end().await;
    }
}

/// Promise: mail that arrives while a backlog is listed, also among what was listed already, is neither lost nor handled twice: the delta
/// begins at a place before the listing, and what it tells again is recognised by its id and not even fetched.
#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_while_a_backlog_is_listed_is_handled_once() {
    for over in BOTH {
        let desk = Desk::new(over, "everything", Timestamp::UNIX_EPOCH).await;
        let alone = |second| Came { parent: None, second };
        let mut mails: Vec<Came> = (0..120).map(|n| alone(10 * n)).collect();
        for (number, came) in mails.iter().enumerate() {
            desk.deliver(number, *came).await;
        }
        desk.page().await;
        // A new mail, an answer to one that was handled, and an old one that somebody moves in where the listing has been.
        mails.extend([alone(5000), Came { parent: Some(3), second: 5001 }, alone(15)]);
        for (number, came) in mails.iter().enumerate().skip(120) {
            desk.deliver(number, *came).await;
        }
        while desk.place().await.starts_with("listed:") {
            desk.page().await;
        }
        desk.handled(122).await;
        desk.asked("").await;
        // After the listing.
        mails.push(alone(5002));
        desk.deliver(123, mails[123]).await;
        desk.round().await;
        let ends = desk.handled(mails.len()).await;
        desk.check(&ends, &mails);
        if over == ConnectionType::Ews {
            assert_eq!(
                desk.asked("GetItem").await,
                1,
                "the old one and the newest, and nothing that is known"
            );
        }
        desk.round().await;
        assert_eq!(desk.handled(mails.len()).await, ends);
        assert_eq!(desk.issues().await, mails.len() - 1, "all but the answer");
        desk.end().await;
    }
}

/// Promise: a process that ends in the middle of the listing, with the source in its hands, is followed by one that goes on where the
/// other stood, and nothing is handled twice.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_process_goes_on_with_the_listing() {
    for over in BOTH {
        let desk = Desk::new(over, "everything", Timestamp::UNIX_EPOCH).await;
        let mails = conversations();
        for (number, came) in mails.iter().enumerate() {
            desk.deliver(number, *came).await;
        }
        desk.page().await;
        desk.page().await;
        let place = desk.place().await;
        desk.office.console.clock.advance(INTERVAL);
        let (db, now) = (&desk.poller.db, desk.office.now());
        let held = rows::claim_due(db, desk.poller.owner, now, LEASE, 8).await.unwrap();
        assert_eq!(held.len(), 1);
        desk.asked("").await;

        let next = Poller { owner: Uuid::now_v7(), ..desk.poller.clone() };
        let mut tx = db.begin().await.unwrap();
        rows::release_sources(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(desk.place().await, place);
        desk.poll(&next, false).await;
        if over == ConnectionType::Ews {
            assert!(desk.asked("FindItem").await <= 3, "not from the beginning");
        }
        // The other one wakes up: what it read counts no more.
        let late = desk.poller.round(&held[0], &CancellationToken::new()).await;
        assert!(matches!(late, Err(Broken::Lost)), "{late:?}");
        let ends = desk.handled(mails.len()).await;
        desk.check(&ends, &mails);
        desk.end().await;
    }
}
