//! Moving a source against the simulator, on a clock that the tests move: which folder is which, what a person reads where that cannot
//! be told, and a Graph that is slower than the claims last.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::response::Response;
use futures::future::BoxFuture;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use ledger::Ledger;
use serde_json::{Value, json};
use sim::Sim;
use store::{args, sql};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::begin;
use super::job::{Converter, Pace};
use crate::access::Actor;
use crate::connections::ConnectionType;
use crate::connections::store::conversion::{self as rows, Conversion};
use crate::connections::store::sources::{self, Source};
use crate::connections::testing::Office;
use crate::inbound::fetch::Poller;
use crate::inbound::fetch::tests_with_sim::{MAILBOX, connect};

/// How long claims last, as the service has it.
const LEASE: SignedDuration = SignedDuration::from_secs(120);

/// A source over EWS, and who moves it.
struct Desk {
    office: Office,
    sim: Sim,
    source: Uuid,
    poller: Poller,
    http: reqwest::Client,
}

impl Desk {
    async fn new(office: Office) -> Self {
        let sim = Sim::start(sim::Config { enforce_quotas: false, ..sim::Config::default() }).await.unwrap();
        let source = connect(&office, &sim, ConnectionType::Ews, "everything", Timestamp::UNIX_EPOCH).await;
        let shell = &office.console.shell;
        let poller = Poller {
            db: shell.db.clone(),
            ledger: office.state.ledger.clone(),
            connections: Arc::clone(&office.state.connections),
            clock: office.console.clock.clone(),
            bus: shell.bus.clone(),
            work: Arc::new(Notify::new()),
            wake: Arc::new(Notify::new()),
            interval: Duration::from_secs(60),
            owner: Uuid::now_v7(),
        };
        let desk = Self { office, sim, source, poller, http: reqwest::Client::new() };
        let inbox = desk.folder("Inbox").await;
        desk.reads(&inbox.0, "Inbox").await;
        desk
    }

    /// One on every database that this machine has.
    async fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for office in Office::all().await {
            all.push(Box::pin(Self::new(office)).await);
        }
        all
    }

    async fn control(&self, method: Method, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.sim.ready().control.trim_end_matches('/'));
        let answer = self.http.request(method, url).json(body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// A folder's ids of EWS and of Graph, by its path; it is made where it is not there.
    async fn folder(&self, path: &str) -> (String, String) {
        let folders = format!("/mailboxes/{MAILBOX}/folders");
        let all = self.control(Method::GET, &folders, &json!({})).await;
        let all = all.as_array().unwrap();
        let mut parent =
            all.iter().find(|folder| folder["well_known"] == "inbox").unwrap()["parent_id"].clone();
        let mut found = Value::Null;
        for name in path.split('/') {
            let there = all.iter().find(|folder| folder["name"] == name && folder["parent_id"] == parent);
            found = match there {
                Some(folder) => folder.clone(),
                None => {
                    let made = json!({ "name": name, "parent": parent });
                    self.control(Method::POST, &folders, &made).await
                }
            };
            parent = found["id"].clone();
        }
        let id = |name: &str| found[name].as_str().unwrap().to_owned();
        (id("ews_id"), id("id"))
    }

    /// The source reads this folder.
    async fn reads(&self, folder_id: &str, name: &str) {
        let statement = sql!("UPDATE source SET folder_id = $1, folder_name = $2 WHERE id = $3");
        self.office.console.shell.db.execute(statement, args![folder_id, name, self.source]).await.unwrap();
    }

    /// Handled mail goes to this folder.
    async fn moves_handled_to(&self, folder_id: &str, name: &str) {
        let statement =
            sql!("UPDATE source SET handled = 'move', handled_target = $1, handled_name = $2 WHERE id = $3");
        self.office.console.shell.db.execute(statement, args![folder_id, name, self.source]).await.unwrap();
    }

    /// A mail comes; its id of EWS.
    async fn deliver(&self, number: usize) -> String {
        let raw = format!(
            "From: Ada <ada@customer.example>\r\nTo: {MAILBOX}\r\nSubject: Mail {number}\r\nMessage-ID: <slow-{number}@customer.example>\r\n\r\nMail number {number}.\r\n"
        );
        let url = format!(
            "{}/mailboxes/{MAILBOX}/messages?received_at=2026-03-02T08:00:{:02}Z",
            self.sim.ready().control.trim_end_matches('/'),
            number % 60
        );
        let answer =
            self.http.post(url).header("content-type", "message/rfc822").body(raw).send().await.unwrap();
        let told: Value = answer.json().await.unwrap();
        told["ews_id"].as_str().unwrap().to_owned()
    }

    /// So many mails are read over EWS, and then moved away and back, so that no id of theirs is translated.
    async fn moved_mails(&self, count: usize) {
        let mut ids = Vec::new();
        for number in 0..count {
            ids.push(self.deliver(number).await);
        }
        assert_eq!(self.poller.poll_due().await, 1);
        assert_eq!(self.count(sql!("SELECT count(*) FROM message WHERE state = 'ready'")).await, count);
        let path = format!("/mailboxes/{MAILBOX}/move");
        for id in ids {
            let away = self.control(Method::POST, &path, &json!({ "id": id, "folder": "archive" })).await;
            self.control(Method::POST, &path, &json!({ "id": away["ews_id"], "folder": "inbox" })).await;
        }
    }

    async fn count(&self, statement: &'static store::Statement) -> usize {
        let (count,): (i64,) = self.office.console.shell.db.fetch_one(statement, args![]).await.unwrap();
        usize::try_from(count).unwrap()
    }

    async fn graph_ids(&self) -> usize {
        self.count(sql!("SELECT count(*) FROM message_alias WHERE kind = 'graph'")).await
    }

    async fn events(&self, kind: &str) -> Vec<String> {
        let all: Vec<(String,)> = self
            .office
            .console
            .shell
            .db
            .fetch_all(sql!("SELECT text FROM connection_event WHERE kind = $1 ORDER BY at, id"), args![kind])
            .await
            .unwrap();
        all.into_iter().map(|(text,)| text).collect()
    }

    fn converter(&self) -> Converter {
        let bell = || Arc::new(Notify::new());
        Converter {
            ledger: self.office.state.ledger.clone(),
            connections: Arc::clone(&self.office.state.connections),
            bus: self.office.console.shell.bus.clone(),
            wake: bell(),
            poll: bell(),
            work: bell(),
            pace: Pace::default(),
        }
    }

    async fn row(&self) -> Source {
        let db = &self.office.console.shell.db;
        sources::one(db, self.office.workspace(), self.source).await.unwrap().unwrap()
    }

    async fn conversion(&self) -> Conversion {
        rows::of_source(&self.office.console.shell.db, self.source).await.unwrap().unwrap()
    }

    async fn begin(&self) {
        let actor = Actor {
            workspace: self.office.workspace(),
            user: None,
            name: "tester".to_owned(),
            at: self.office.now(),
        };
        begin(&self.office.state, &actor, &self.row().await).await.unwrap();
    }

    /// Begins the move and takes it as far as it goes.
    async fn convert(&self) -> Conversion {
        self.begin().await;
        assert!(self.converter().once(&CancellationToken::new()).await.unwrap());
        self.conversion().await
    }

    /// Holds that the move failed for this reason with this mend, that a person reads both on the source's page and in its timeline, and
    /// that nothing was changed: the source is read over EWS as before.
    async fn failed(&self, what: &str, mend: &str) {
        let failed = self.convert().await;
        assert_eq!((failed.state.as_str(), failed.what.as_str()), ("failed", what), "{failed:?}");
        assert!(failed.mend.contains(mend), "{}", failed.mend);
        let row = self.row().await;
        assert_eq!(row.connection_type, "ews");
        assert_eq!(self.graph_ids().await, 0, "the ledger is as it was");
        let told = self.events("conversion_failed").await;
        let told = told.last().expect("it is on the timeline");
        assert!(told.contains("stays with EWS") && told.contains(what) && told.contains(mend), "{told}");
        let mut owner = self.office.console.owner().await;
        let page = owner.get(&format!("/sources/{}", self.source)).await.body;
        let shown = |text: &str| page.contains(&text.replace('\'', "&#39;")) || page.contains(text);
        assert!(shown(what) && shown(mend), "{page}");
        assert_eq!(self.claimed().await, (None, 0), "both claims are given back");
        self.office.console.clock.advance(Duration::from_secs(61));
        assert_eq!(self.poller.poll_due().await, 1, "it is read over EWS");
        assert_eq!(self.row().await.state, "online");
    }

    /// Until when source and move are claimed.
    async fn claimed(&self) -> (Option<i64>, i64) {
        self.office
            .console
            .shell
            .db
            .fetch_one(
                sql!(
                    "SELECT s.lease_until, c.lease_until AS move_until FROM source s JOIN conversion c ON c.source_id = s.id
                     WHERE s.id = $1"
                ),
                args![self.source],
            )
            .await
            .unwrap()
    }

    /// Waits until both claims last so long from now on.
    async fn until_renewed(&self) {
        let until = self.office.now().saturating_add(LEASE).unwrap().as_microsecond();
        let renewed = async {
            while self.claimed().await != (Some(until), until) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), renewed).await.expect("both claims are renewed");
    }

    async fn stop(self) {
        self.sim.stop().await;
    }
}

/// What happens while Graph looks for a Message-ID; told the how many-th search it is.
type Meanwhile = Arc<dyn Fn(usize) -> BoxFuture<'static, ()> + Send + Sync>;

#[derive(Clone)]
struct Slow {
    own: String,
    graph: String,
    entra: String,
    http: reqwest::Client,
    searches: Arc<AtomicUsize>,
    meanwhile: Meanwhile,
}

async fn passed_on(Shared(slow): Shared<Slow>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().unwrap().as_str().to_owned();
    if parts.method == Method::GET && target.contains("filter=internetMessageId") {
        (slow.meanwhile)(slow.searches.fetch_add(1, Ordering::SeqCst)).await;
    }
    let mut body = to_bytes(body, 1 << 20).await.unwrap();
    let mut to = &slow.graph;
    let is_entra = ["/oauth2/", "/.well-known/", "/discovery/"].iter().any(|part| target.contains(part));
    if is_entra {
        // A token is asked for by the address that Graph is known by here.
        let named = |address: &str| {
            url::form_urlencoded::byte_serialize(address.trim_end_matches('/').as_bytes()).collect::<String>()
        };
        let asked = String::from_utf8(body.to_vec()).unwrap().replace(&named(&slow.own), &named(&slow.graph));
        (to, body) = (&slow.entra, asked.into());
    }
    let mut on = slow.http.request(parts.method, format!("{}{target}", to.trim_end_matches('/')));
    for (name, value) in &parts.headers {
        if name != http::header::HOST && name != http::header::CONTENT_LENGTH {
            on = on.header(name, value);
        }
    }
    let answer = on.body(body).send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut told = answer.bytes().await.unwrap();
    if is_entra {
        // Entra names its endpoints by the address at which it is asked.
        let text = String::from_utf8(told.to_vec()).unwrap();
        told = text.replace(slow.entra.trim_end_matches('/'), &slow.own).into();
    }
    let mut response = Response::new(Body::from(told));
    *response.status_mut() = status;
    for (name, value) in &headers {
        if name != http::header::TRANSFER_ENCODING && name != http::header::CONTENT_LENGTH {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

impl Desk {
    /// Puts a slow Graph in front of the simulator's; gives the count of searches.
    async fn slow_graph(&self, meanwhile: Meanwhile) -> Arc<AtomicUsize> {
        let searches = Arc::new(AtomicUsize::new(0));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let slow = Slow {
            own: address.clone(),
            graph: self.sim.ready().graph.clone(),
            entra: self.sim.ready().entra.clone(),
            http: reqwest::Client::new(),
            searches: Arc::clone(&searches),
            meanwhile,
        };
        let router = axum::Router::new().fallback(passed_on).with_state(slow);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let db = &self.office.console.shell.db;
        db.execute(sql!("UPDATE app_registration SET graph_url = $1, login_url = $1"), args![address])
            .await
            .unwrap();
        self.office.state.connections.forget();
        searches
    }
}

/// Promise: however slow Graph is while open mails are looked for, a single search or all of them together, a move keeps its claims: no
/// other node begins it, and nobody polls the source.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_outlasts_the_claim_keeps_it() {
    for desk in Box::pin(Desk::all()).await {
        let desk = Arc::new(desk);
        desk.moved_mails(23).await;
        let quick = Pace { sign: Duration::from_millis(5), ..Pace::default() };
        let (first, second) =
            (Converter { pace: quick, ..desk.converter() }, Converter { pace: quick, ..desk.converter() });
        let there = Arc::clone(&desk);
        let meanwhile: Meanwhile = Arc::new(move |search| {
            let (desk, second) = (Arc::clone(&there), second.clone());
            Box::pin(async move {
                // The first one alone takes longer than a claim; ten of them take four times as long.
                for _ in 0..if search == 0 { 4 } else { 1 } {
                    desk.office.console.clock.advance(Duration::from_secs(50));
                    desk.until_renewed().await;
                }
                assert!(!second.once(&CancellationToken::new()).await.unwrap(), "another node begins");
                assert_eq!(desk.poller.poll_due().await, 0, "somebody polls the source");
            })
        });
        let searches = desk.slow_graph(meanwhile).await;
        desk.begin().await;
        let before = desk.office.now();
        assert!(first.once(&CancellationToken::new()).await.unwrap());
        assert!(desk.office.now().duration_since(before) > SignedDuration::from_mins(20));
        let done = desk.conversion().await;
        assert_eq!((done.state.as_str(), done.matched, done.gone, done.held), ("done", 23, 0, 0), "{done:?}");
        assert_eq!(searches.load(Ordering::SeqCst), 23, "each was looked for once");
        assert_eq!((desk.graph_ids().await, desk.events("converted").await.len()), (23, 1));
        assert_eq!(desk.row().await.connection_type, "graph");
    }
}

/// Promise: a node that sleeps through its claims while it looks for open mails writes nothing of what it finds when it wakes: another
/// one has the move in hand, or has made it already, and no mail has two ids or none.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lost_its_claim_in_the_middle_of_the_search_writes_nothing() {
    for finishes in [false, true] {
        for desk in Box::pin(Desk::all()).await {
            let desk = Arc::new(desk);
            desk.moved_mails(23).await;
            let asleep = Converter {
                pace: Pace { sign: Duration::from_secs(86_400), ..Pace::default() },
                ..desk.converter()
            };
            let other = desk.converter();
            let there = Arc::clone(&desk);
            let meanwhile: Meanwhile = Arc::new(move |search| {
                let (desk, other) = (Arc::clone(&there), other.clone());
                Box::pin(async move {
                    // In the second part: what the first one found is kept.
                    if search != 14 {
                        return;
                    }
                    desk.office.console.clock.advance(Duration::from_secs(121));
                    if finishes {
                        assert!(other.once(&CancellationToken::new()).await.unwrap());
                    } else {
                        let (db, now) = (&desk.office.console.shell.db, desk.office.now());
                        let node = Uuid::now_v7();
                        rows::claim_due(db, node, now, LEASE).await.unwrap().expect("it is free");
                        rows::claim_source(db, node, desk.source, now, LEASE).await.unwrap().unwrap();
                    }
                })
            });
            desk.slow_graph(meanwhile).await;
            desk.begin().await;
            assert!(asleep.once(&CancellationToken::new()).await.unwrap());
            let now = desk.conversion().await;
            if finishes {
                assert_eq!((now.state.as_str(), now.matched), ("done", 23), "{now:?}");
                assert_eq!(desk.row().await.connection_type, "graph");
            } else {
                assert_eq!((now.state.as_str(), now.failures, now.matched), ("running", 0, 10), "{now:?}");
                assert_eq!(
                    (desk.graph_ids().await, desk.row().await.connection_type),
                    (10, "ews".to_owned())
                );
                let (source, conversion) = desk.claimed().await;
                assert!(source.is_some() && conversion > 0, "the other's claims stand");
                assert!(!asleep.once(&CancellationToken::new()).await.unwrap(), "it is the other's");
                // The other one dies, too: the next one goes on with what is left.
                desk.office.console.clock.advance(Duration::from_secs(121));
                assert!(asleep.once(&CancellationToken::new()).await.unwrap());
                let done = desk.conversion().await;
                assert_eq!((done.state.as_str(), done.matched), ("done", 23), "{done:?}");
            }
            assert_eq!((desk.graph_ids().await, desk.events("converted").await.len()), (23, 1));
            assert_eq!(desk.count(sql!("SELECT count(*) FROM message WHERE state = 'ready'")).await, 23);
        }
    }
}

/// Promise: the folders of a source that is moved are known by their ids, and where Graph does not translate these, by the path that
/// they had, which no other folder has, or by the name, where only one has it.
#[tokio::test(flavor = "multi_thread")]
async fn folders_are_known_by_id_by_path_and_by_name() {
    for desk in Box::pin(Desk::all()).await {
        let (orders, below) = (desk.folder("Orders").await, desk.folder("Inbox/Orders").await);
        let (done, deep) = (desk.folder("Archive/Done").await, desk.folder("Inbox/Deep/Handled").await);
        let cases = [
            ((below.0.as_str(), "Named otherwise"), &below.1, (done.0.as_str(), "Named otherwise"), &done.1),
            (("no id", "inbox/ORDERS"), &below.1, ("no id", "Archive/Done"), &done.1),
            // Another one has this name, below the inbox.
            (("no id", "Orders"), &orders.1, ("no id", "handled"), &deep.1),
        ];
        for ((folder, name), wanted, (target, target_name), wanted_target) in cases {
            desk.reads(folder, name).await;
            desk.moves_handled_to(target, target_name).await;
            let done = desk.convert().await;
            assert_eq!(done.state, "done", "{name}, {target_name}: {done:?}");
            let row = desk.row().await;
            assert_eq!(
                (&row.folder_id, &row.handled_target),
                (wanted, wanted_target),
                "{name}, {target_name}"
            );
            assert_eq!((row.folder_name.as_str(), row.handled_name.as_str()), (name, target_name));
            let back = sql!("UPDATE source SET connection_type = 'ews' WHERE id = $1");
            desk.office.console.shell.db.execute(back, args![desk.source]).await.unwrap();
        }
        desk.stop().await;
    }
}

/// Promise: a folder that Graph does not show keeps the source with EWS, and its page says which one and what to do: another one for the
/// folder that is read than for the one that handled mail goes to. When that is done, the move is made.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_graph_does_not_show_is_told() {
    for desk in Box::pin(Desk::all()).await {
        desk.deliver(1).await;
        let inbox = desk.folder("Inbox").await;
        desk.poller.poll_due().await;
        let gone = desk.folder("Handled").await;
        let path = format!("/mailboxes/{MAILBOX}/folders/Handled");
        desk.control(Method::DELETE, &path, &json!({})).await;
        desk.moves_handled_to(&gone.0, "Handled").await;
        desk.failed(
            "Graph shows no folder Handled, where handled mail goes, in this mailbox.",
            "Choose in the source's settings what becomes of handled mail, then move the source again.",
        )
        .await;
        let read = sql!("UPDATE source SET handled = 'read', handled_target = '', handled_name = ''");
        desk.office.console.shell.db.execute(read, args![]).await.unwrap();
        let done = desk.convert().await;
        assert_eq!((done.state.as_str(), done.translated), ("done", 1), "{done:?}");
        assert_eq!(desk.row().await.folder_id, inbox.1);
        desk.stop().await;
    }
    // The folder that is read.
    for desk in Box::pin(Desk::all()).await {
        desk.deliver(1).await;
        desk.poller.poll_due().await;
        let (inbox, _) = desk.folder("Inbox").await;
        let broken = json!({
            "service": "graph", "method": "POST", "path": "translateExchangeIds$", "kind": "status", "status": 404, "count": 1,
        });
        desk.control(Method::POST, "/faults", &broken).await;
        // EWS knows it by its id, and nothing has the name that it had.
        desk.reads(&inbox, "Invoices").await;
        desk.failed(
            "Graph shows no folder Invoices in this mailbox.",
            "make a new source over Graph and remove this one",
        )
        .await;
        desk.stop().await;
    }
}

/// Promise: where several folders have the name and nothing tells which one it is, nobody guesses: the page says so, and the move is made
/// once a name is a folder's own.
#[tokio::test(flavor = "multi_thread")]
async fn several_folders_of_one_name_are_not_guessed_at() {
    for desk in Box::pin(Desk::all()).await {
        desk.folder("Inbox/Orders").await;
        let other = desk.folder("Archive/Orders").await;
        let (inbox, _) = desk.folder("Inbox").await;
        desk.deliver(1).await;
        desk.poller.poll_due().await;
        desk.moves_handled_to("no id", "Orders").await;
        desk.failed(
            "This mailbox has several folders Orders, and Graph does not say to which one handled mail goes.",
            "Rename the folder in Outlook so that its name is its own",
        )
        .await;
        let rename = format!("/mailboxes/{MAILBOX}/folders/Inbox/Orders");
        desk.control(Method::PATCH, &rename, &json!({ "name": "Old orders" })).await;
        desk.begin().await;
        // Graph is not well for a moment, and says so of a folder that it knows: that is no reason to look for another one.
        let busy = json!({
            "service": "graph", "method": "GET", "path": "/mailFolders/[^/]+$", "kind": "status", "status": 503,
            "count": 4,
        });
        desk.control(Method::POST, "/faults", &busy).await;
        assert!(desk.converter().once(&CancellationToken::new()).await.unwrap());
        let waits = desk.conversion().await;
        assert_eq!((waits.state.as_str(), waits.failures), ("running", 1), "{waits:?}");
        assert!(waits.what.contains("Graph does not take this mailbox"), "{}", waits.what);
        desk.office.console.clock.advance(Duration::from_secs(61));
        assert!(desk.converter().once(&CancellationToken::new()).await.unwrap());
        let done = desk.conversion().await;
        assert_eq!((done.state.as_str(), done.translated), ("done", 1), "{done:?}");
        let row = desk.row().await;
        assert_eq!(row.handled_target, other.1);
        assert_ne!(row.folder_id, inbox);
        desk.stop().await;
    }
    for desk in Box::pin(Desk::all()).await {
        let (orders, _) = (desk.folder("Inbox/Orders").await, desk.folder("Archive/Orders").await);
        desk.deliver(1).await;
        desk.poller.poll_due().await;
        // EWS knows it by its id, which Graph does not translate at the moment.
        let broken = json!({
            "service": "graph", "method": "POST", "path": "translateExchangeIds$", "kind": "status", "status": 404, "count": 1,
        });
        desk.control(Method::POST, "/faults", &broken).await;
        desk.reads(&orders.0, "Orders").await;
        desk.failed(
            "This mailbox has several folders Orders, and Graph does not say which one this is.",
            "Rename the folder that is read so that its name is its own, then move the source again.",
        )
        .await;
        let done = desk.convert().await;
        assert_eq!(done.state, "done", "its id is translated again: {done:?}");
        assert_eq!(desk.row().await.folder_id, orders.1);
        desk.stop().await;
    }
}

/// Promise: a source is not moved onto the folder of another one over Graph: the page says so. When the other one is removed, the move
/// takes over what it has read, nothing of it is lost or recorded twice, and there is one source.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_has_a_source_over_graph_already_is_told() {
    for desk in Box::pin(Desk::all()).await {
        let (ews, graph) = desk.folder("Inbox").await;
        desk.deliver(1).await;
        desk.poller.poll_due().await;
        let (db, workspace) = (&desk.office.console.shell.db, desk.office.workspace());
        // Another source reads the folder over Graph.
        let second = Uuid::now_v7();
        let row = desk.row().await;
        let new = sources::Confirmed {
            connection_type: "graph",
            folder_id: graph.clone(),
            handled: "leave".to_owned(),
            ..crate::connections::testing::confirmed(
                workspace,
                row.account_id,
                row.mailbox_id,
                row.destination_id.expect("a project"),
                desk.office.now(),
            )
        };
        let mut tx = db.begin().await.unwrap();
        sources::insert(&mut tx, second, new).await.unwrap();
        tx.commit().await.unwrap();
        desk.begin().await;
        assert!(desk.converter().once(&CancellationToken::new()).await.unwrap());
        let failed = desk.conversion().await;
        assert_eq!(
            (failed.state.as_str(), failed.what.as_str()),
            ("failed", format!("Inbox of {MAILBOX} has a source over Graph already.").as_str())
        );
        assert!(failed.mend.contains("Remove one of the two"), "{}", failed.mend);
        let mut owner = desk.office.console.owner().await;
        let page = owner.get(&format!("/sources/{}", desk.source)).await.body;
        assert!(
            page.contains("has a source over Graph already") && page.contains("Remove one of the two"),
            "{page}"
        );
        let row = desk.row().await;
        assert_eq!((row.connection_type.as_str(), &row.folder_id), ("ews", &ews));
        assert_eq!((desk.graph_ids().await, desk.claimed().await), (0, (None, 0)), "the ledger is as it was");

        // Both read what comes: it is one mail.
        desk.deliver(2).await;
        desk.office.console.clock.advance(Duration::from_secs(61));
        assert_eq!(desk.poller.poll_due().await, 2);
        let messages = async || desk.count(sql!("SELECT count(*) FROM message")).await;
        assert_eq!(messages().await, 2);
        let mut tx = db.begin().await.unwrap();
        sources::remove(&mut tx, workspace, second, desk.office.now()).await.unwrap();
        Ledger::leave(&mut tx, second, desk.office.now()).await.unwrap();
        tx.commit().await.unwrap();
        let done = desk.convert().await;
        assert_eq!(done.state, "done", "{done:?}");
        assert_eq!(desk.count(sql!("SELECT count(*) FROM source")).await, 1);
        assert_eq!(desk.row().await.folder_id, graph);
        desk.poller.poll_due().await;
        assert_eq!(messages().await, 2, "nothing is recorded twice");
        assert_eq!(
            desk.count(sql!("SELECT count(*) FROM message WHERE state = 'ready'")).await,
            2,
            "nothing is lost"
        );
        let here = sql!("SELECT count(*) FROM message m JOIN source s ON s.id = m.source_id");
        assert_eq!(desk.count(here).await, 2);
        desk.stop().await;
    }
}
