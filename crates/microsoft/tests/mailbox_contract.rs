//! The contract of a mailbox, against the simulator.
#![allow(missing_docs, reason = "a test")]

mod contract;

use std::sync::Arc;
use std::time::Duration;

use contract::{Bench, Levers, Truth, Write};
use fault::Fault;
use futures::future::BoxFuture;
use jiff::Timestamp;
use microsoft::ews::{EwsMailbox, Whose};
use microsoft::graph::{GraphMailbox, IdKind, Translated, User};
use microsoft::signin::{self, Application, Credential};
use microsoft::{AccessTokens, Budget, Change, Find, Mailbox, NativeId, SyncError, Transport, message};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

const MAILBOX: &str = "support@contoso.test";

struct Token(SecretString);

impl AccessTokens for Token {
    fn get(&self) -> BoxFuture<'_, Result<SecretString, Fault>> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn refused(&self, _: &SecretString) -> BoxFuture<'_, Result<SecretString, Fault>> {
        self.get()
    }
}

/// How a transport is named on the control address.
trait Named {
    fn service(&self) -> &'static str;
    fn id(&self) -> &'static str;
}

impl Named for Transport {
    fn service(&self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::Ews => "ews",
        }
    }

    fn id(&self) -> &'static str {
        match self {
            Self::Graph => "immutable_id",
            Self::Ews => "ews_id",
        }
    }
}

struct Control {
    transport: Transport,
    http: reqwest::Client,
    base: String,
    /// Graph's address of the mailbox's folders, by which people's doings are played, and the token for it.
    folders: String,
    token: SecretString,
}

impl Control {
    /// Method and path of a write, as the simulator's rules name them. `None`: there is no such request.
    fn path_of(&self, write: Write, whole: bool) -> Option<(&'static str, &'static str)> {
        match (self.transport, write) {
            // All changes of Graph are parts of a batch.
            (Transport::Graph, Write::Mark | Write::Move | Write::Delete) if whole => {
                Some(("POST", "/\\$batch$"))
            }
            (Transport::Graph, Write::Mark | Write::StampDraft) => Some(("PATCH", "/messages/[^/]+$")),
            (Transport::Graph, Write::Move) => Some(("POST", "/move$")),
            (Transport::Graph, Write::Delete) => Some(("DELETE", "/messages/[^/]+$")),
            (Transport::Graph, Write::SaveDraft) => Some(("POST", "/messages$")),
            (Transport::Graph, Write::SendDraft) => Some(("POST", "/send$")),
            (Transport::Ews, Write::Mark) => Some(("POST", "/UpdateItem$")),
            (Transport::Ews, Write::Move) => Some(("POST", "/MoveItem$")),
            (Transport::Ews, Write::Delete) => Some(("POST", "/DeleteItem$")),
            (Transport::Ews, Write::SaveDraft) => Some(("POST", "/CreateItem$")),
            // Saved together with the draft.
            (Transport::Ews, Write::StampDraft) => None,
            (Transport::Ews, Write::SendDraft) => Some(("POST", "/SendItem$")),
        }
    }

    async fn post(&self, path: &str, body: Value) {
        let answer = self.http.post(format!("{}{path}", self.base)).json(&body).send().await.expect("sent");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }
}

impl Levers for Control {
    fn deliver_at<'a>(&'a self, message: &'a str, received_at: Option<Timestamp>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let url = format!("{}/mailboxes/{MAILBOX}/messages", self.base);
            let at = received_at.map(|at| ("received_at", at.to_string()));
            let request = self
                .http
                .post(url)
                .query(at.as_slice())
                .header("content-type", "message/rfc822")
                .body(message.to_owned());
            let answer = request.send().await.expect("sent");
            assert!(answer.status().is_success(), "{}", answer.status());
        })
    }

    fn truth(&self) -> BoxFuture<'_, Vec<Truth>> {
        Box::pin(async move {
            let url = format!("{}/mailboxes/{MAILBOX}/messages", self.base);
            let all: Vec<Value> =
                self.http.get(url).send().await.expect("sent").json().await.expect("a list");
            let text = |message: &Value, field: &str| message[field].as_str().unwrap_or_default().to_owned();
            all.iter()
                .map(|message| Truth {
                    id: text(message, self.transport.id()),
                    is_read: message["is_read"].as_bool().expect("told"),
                    categories: serde_json::from_value(message["categories"].clone()).expect("a list"),
                    folder: text(message, "folder"),
                    message_id: text(message, "internet_message_id"),
                    properties: message["extended_properties"]
                        .as_object()
                        .expect("told")
                        .values()
                        .map(|value| value.as_str().unwrap_or_default().to_owned())
                        .collect(),
                })
                .collect()
        })
    }

    fn forget(&self) -> BoxFuture<'_, ()> {
        let path = match self.transport {
            Transport::Graph => "/delta/reset",
            Transport::Ews => "/ews/sync/reset",
        };
        Box::pin(self.post(path, json!({ "mailbox": MAILBOX })))
    }

    fn throttle(&self, times: u32) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match self.transport {
                Transport::Graph => {
                    let rule = json!({
                        "service": "graph", "kind": "status", "status": 429, "retry_after": 0, "count": times,
                        "code": "ApplicationThrottled",
                    });
                    self.post("/faults", rule).await;
                }
                // In each of the forms that Exchange has for it.
                Transport::Ews => {
                    for form in ["fault", "inner", "status"].into_iter().cycle().take(times as usize) {
                        self.post("/ews/answers", json!({ "as": form, "back_off_ms": 20, "count": 1 })).await;
                    }
                }
            }
        })
    }

    fn damage<'a>(&'a self, id: &'a NativeId) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let body = json!({ "id": id.as_str(), "as": "batch" });
            self.post(&format!("/mailboxes/{MAILBOX}/damage"), body).await;
        })
    }

    fn lose(&self, write: Write, whole: bool) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            let Some(path) = self.path_of(write, whole) else { return false };
            let kind = if whole { "reset_after_effect" } else { "status_after_effect" };
            let service = self.transport.service();
            self.post(
                "/faults",
                json!({ "service": service, "path": path.1, "method": path.0, "kind": kind, "status": 504 }),
            )
            .await;
            true
        })
    }

    fn refuse(&self, write: Write) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match self.transport {
                Transport::Graph => {
                    let (method, path) = self.path_of(write, false).expect("Graph has it");
                    let rule = json!({ "service": "graph", "path": path, "method": method, "kind": "status", "status": 403 });
                    self.post("/faults", rule).await;
                }
                // As Exchange says it: an answer for each part, with a code.
                Transport::Ews => {
                    let (_, path) = self.path_of(write, false).expect("EWS has it");
                    let operation = path.trim_matches(['/', '$']);
                    let command =
                        json!({ "as": "item", "operation": operation, "code": "ErrorAccessDenied" });
                    self.post("/ews/answers", command).await;
                }
            }
        })
    }

    fn find(&self) -> BoxFuture<'_, u64> {
        Box::pin(async move {
            let url = |path: &str| format!("{}{path}", self.base);
            let rules: Vec<Value> =
                self.http.get(url("/faults")).send().await.expect("sent").json().await.expect("a list");
            let commands: Vec<Value> =
                self.http.get(url("/ews/answers")).send().await.expect("sent").json().await.expect("a list");
            for path in ["/faults", "/ews/answers"] {
                self.http.delete(url(path)).send().await.expect("sent");
            }
            let hits = rules.iter().filter_map(|rule| rule["hits"].as_u64()).sum::<u64>();
            hits + commands.len() as u64
        })
    }

    fn strike(&self, status: u16, after_effect: bool, times: u32) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let kind = if after_effect { "status_after_effect" } else { "status" };
            let service = self.transport.service();
            let rule = json!({ "service": service, "kind": kind, "status": status, "count": times });
            self.post("/faults", rule).await;
        })
    }

    fn folder<'a>(&'a self, name: &'a str, is_there: bool) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let token = self.token.expose_secret();
            let request = if is_there {
                self.http.post(&self.folders).json(&json!({ "displayName": name }))
            } else {
                let url = format!("{}?$top=100", self.folders);
                let listed = self.http.get(url).bearer_auth(token).send().await.expect("sent");
                let listed: Value = listed.json().await.expect("a list");
                let all = listed["value"].as_array().expect("a list");
                let folder = all.iter().find(|folder| folder["displayName"] == name).expect("is there");
                self.http.delete(format!("{}/{}", self.folders, folder["id"].as_str().expect("an id")))
            };
            let answer = request.bearer_auth(token).send().await.expect("sent");
            assert!(answer.status().is_success(), "{}", answer.status());
        })
    }
}

/// A simulator and what is told of it.
struct World {
    sim: sim::Sim,
    ready: Value,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let sim =
            sim::Sim::start(sim::Config { seed: 7, ..sim::Config::default() }).await.expect("a simulator");
        let ready = serde_json::to_value(sim.ready()).expect("JSON");
        let http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { sim, ready, http }
    }

    fn told(&self, name: &str) -> String {
        self.ready[name].as_str().expect("told").trim_end_matches('/').to_owned()
    }

    /// A token of the application itself.
    async fn token(&self, scope: &str) -> SecretString {
        let app = Application {
            client_id: self.told("client_id"),
            credential: Credential::Secret(SecretString::from(self.told("client_secret"))),
            tenant: self.told("tenant_id"),
            redirect_uri: "http://localhost/return".parse().expect("a URL"),
        };
        let login = self.told("entra").parse().expect("a URL");
        let discovery = signin::discover(&self.http, &login, &app.tenant).await.expect("endpoints");
        // A secret, unlike a certificate, is proven without a clock.
        let now = Timestamp::UNIX_EPOCH;
        signin::as_application(&self.http, &discovery, &app, scope, now).await.expect("a token").access
    }

    /// The id of the mailbox's user.
    fn oid(&self) -> &str {
        let users = self.ready["users"].as_array().expect("users");
        let user = users.iter().find(|user| user["upn"] == MAILBOX).expect("the mailbox's user");
        user["oid"].as_str().expect("an id")
    }

    async fn graph(&self) -> GraphMailbox {
        GraphMailbox::new(
            self.http.clone(),
            self.told("graph").parse().expect("a URL"),
            User::Id(self.oid().to_owned()),
            Arc::new(Token(self.token(GRAPH).await)),
            Arc::new(Budget::graph()),
            Duration::from_secs(10),
        )
    }

    async fn ews(&self) -> EwsMailbox {
        EwsMailbox::new(
            self.http.clone(),
            &self.told("ews").parse().expect("a URL"),
            Whose::Impersonated(MAILBOX.to_owned()),
            Arc::new(Token(self.token(EWS).await)),
            Arc::new(Budget::ews()),
            Duration::from_secs(10),
        )
    }

    async fn bench(&self, transport: Transport) -> Bench {
        let mailbox: Arc<dyn Mailbox> = match transport {
            Transport::Graph => Arc::new(self.graph().await),
            Transport::Ews => Arc::new(self.ews().await),
        };
        let levers = Control {
            transport,
            http: self.http.clone(),
            base: self.told("control"),
            folders: format!("{}/v1.0/users/{}/mailFolders", self.told("graph"), self.oid()),
            token: self.token(GRAPH).await,
        };
        Bench { mailbox, levers: Arc::new(levers) }
    }
}

const GRAPH: &str = "https://graph.microsoft.com/.default";
const EWS: &str = "https://outlook.office365.com/.default";

/// A simulator of its own for each test and each transport, reached with application permission.
macro_rules! contract {
    ($($name:ident),* $(,)?) => {
        mod graph {
            $(#[tokio::test]
            async fn $name() {
                let world = super::World::new().await;
                super::contract::$name(&world.bench(super::Transport::Graph).await).await;
                world.sim.stop().await;
            })*
        }

        mod ews {
            $(#[tokio::test]
            async fn $name() {
                let world = super::World::new().await;
                super::contract::$name(&world.bench(super::Transport::Ews).await).await;
                world.sim.stop().await;
            })*
        }
    };
}

contract!(
    a_folder_is_listed_completely,
    a_message_is_fetched,
    a_message_is_marked,
    messages_are_moved,
    what_is_gone_is_no_fault,
    a_forgotten_place_is_a_reset,
    a_short_refusal_is_waited_out,
    a_short_outage_is_waited_out,
    ids_alone_lead_around_a_page,
    a_backlog_is_listed_oldest_first,
    a_draft_is_saved_and_sent,
    a_folder_that_is_gone_is_told,
    marks_whose_answer_is_lost_are_made_once,
    a_move_whose_answer_is_lost_is_made_once,
    a_deletion_whose_answer_is_lost_is_made_once,
    a_draft_whose_answer_is_lost_is_saved_once,
    a_mail_whose_answer_is_lost_is_sent_once,
    a_write_that_is_refused_leaves_no_doubt,
    a_move_to_a_folder_that_is_gone_is_told,
    a_corrupt_message_costs_itself_only,
    the_mailbox_tells_about_itself,
);

/// What is recorded over EWS is known over Graph afterwards: each id has its counterpart, and the same mail lies behind both.
#[tokio::test]
async fn ids_of_ews_are_those_of_graph_once_translated() {
    let world = World::new().await;
    let bench = world.bench(Transport::Ews).await;
    for number in 0..30 {
        bench.levers.deliver(&contract::mail(number)).await;
    }
    let (ews, graph) = (world.ews().await, world.graph().await);
    let listed = ews.newest(&"inbox".into(), 30).await.expect("the newest");
    let mut ids: Vec<NativeId> = listed.iter().map(|item| item.id.clone()).collect();
    ids.push("bm9ib2R5".into());
    let told = graph.translate_ids(&ids, IdKind::Ews, IdKind::RestImmutable).await.expect("translated");
    assert_eq!(told.len(), ids.len());
    assert!(matches!(told.last(), Some(Translated::Unknown(_))), "one that is no id of this mailbox");
    for (item, told) in listed.iter().zip(&told) {
        let Translated::Id(id) = told else { panic!("{told:?}") };
        let counterpart = graph.message(id).await.expect("an answer").expect("is there");
        assert_eq!(counterpart.internet_message_id, item.internet_message_id);
        assert_eq!(counterpart.received_at, item.received_at);
        assert_eq!(counterpart.conversation_id, item.conversation_id, "a conversation stays one");
        let (over_ews, over_graph) =
            (message::read(&item.raw).expect("reads"), message::read(&counterpart.raw).expect("reads"));
        assert_eq!(over_ews.headers, over_graph.headers);
        assert_eq!(
            (over_ews.needs_mime(), over_ews.subject, over_ews.from, over_ews.to),
            (over_graph.needs_mime(), over_graph.subject, over_graph.from, over_graph.to)
        );
    }
    world.sim.stop().await;
}

/// *Archive* is found by its name where the server knows it. A server of one's own does not and takes a request that names it for
/// invalid: there the folder is one among others in the tree, mail is moved there by its id, and the name means no folder.
#[tokio::test]
async fn the_archive_is_found_by_its_name_where_the_server_knows_it() {
    let world = World::new().await;
    let bench = world.bench(Transport::Ews).await;
    let inbox = "inbox".into();
    let moved = async |to: &str| {
        bench.levers.deliver(&contract::mail(1)).await;
        let id = bench.mailbox.newest(&inbox, 1).await.expect("the newest")[0].id.clone();
        let change = Change {
            id,
            mark_read: false,
            categories: Vec::new(),
            stamp: Some("stamped".to_owned()),
            move_to: Some(to.into()),
            delete: false,
        };
        bench.mailbox.change(&[change]).await.remove(0)
    };
    let archive = async || {
        let folders = bench.mailbox.folders().await.expect("the tree");
        folders.into_iter().find(|folder| folder.name == "Archive").expect("is in it")
    };
    assert_eq!(archive().await.well_known.as_deref(), Some("archive"));
    assert!(moved("archive").await.is_ok());

    let base = world.told("control");
    let own = json!({ "own": true });
    let answer = world.http.post(format!("{base}/ews/server")).json(&own).send().await.expect("sent");
    assert!(answer.status().is_success());
    let there = archive().await;
    assert_eq!((there.well_known, there.total), (None, 1));
    assert!(moved(there.id.as_str()).await.is_ok());
    assert_eq!(archive().await.total, 2);
    assert_eq!(bench.mailbox.folder("archive").await.expect_err("no name").entry.id, "graph.folder_gone");
    assert_eq!(moved("archive").await.expect_err("no name").entry.id, "graph.folder_gone");
    assert_eq!(
        bench.mailbox.find(&Find::Stamp { value: "stamped".to_owned() }).await.expect("found").len(),
        3
    );
    world.sim.stop().await;
}

/// A tenant that switches EWS off, or does not list the application, is told as such, with the way to Graph.
#[tokio::test]
async fn a_tenant_without_ews_is_told_the_way_to_graph() {
    let world = World::new().await;
    let bench = world.bench(Transport::Ews).await;
    let base = world.told("control");
    for (policy, entry) in [
        (json!({ "enabled": false }), "ews.disabled"),
        (json!({ "enabled": true, "allowed_app_ids": [] }), "ews.not_allowed"),
    ] {
        let answer = world.http.post(format!("{base}/ews/policy")).json(&policy).send().await.expect("sent");
        assert!(answer.status().is_success());
        let Err(SyncError::Fault(fault)) = bench.mailbox.sync(&"inbox".into(), None).await else {
            panic!("a fault")
        };
        assert_eq!(fault.entry.id, entry);
        assert!(fault.entry.mend.contains("Graph"));
    }
    world.sim.stop().await;
}
