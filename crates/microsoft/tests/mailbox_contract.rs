//! The contract of a mailbox, against the simulator.
#![allow(missing_docs, reason = "a test")]

mod contract;

use std::sync::Arc;
use std::time::Duration;

use contract::{Bench, Levers, Truth};
use fault::Fault;
use futures::future::BoxFuture;
use jiff::Timestamp;
use microsoft::graph::{GraphMailbox, User};
use microsoft::signin::{self, Application, Credential};
use microsoft::{AccessTokens, Budget};
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

struct Control {
    http: reqwest::Client,
    base: String,
    /// Graph's address of the mailbox's folders, by which people's doings are played, and the token for it.
    folders: String,
    token: SecretString,
}

impl Control {
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
                    id: text(message, "immutable_id"),
                    is_read: message["is_read"].as_bool().expect("told"),
                    categories: serde_json::from_value(message["categories"].clone()).expect("a list"),
                    folder: text(message, "folder"),
                })
                .collect()
        })
    }

    fn forget(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.post("/delta/reset", json!({ "mailbox": MAILBOX })))
    }

    fn throttle(&self, times: u32) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let rule = json!({
                "service": "graph", "kind": "status", "status": 429, "retry_after": 0, "count": times,
                "code": "ApplicationThrottled",
            });
            self.post("/faults", rule).await;
        })
    }

    fn strike(&self, status: u16, after_effect: bool, times: u32) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let kind = if after_effect { "status_after_effect" } else { "status" };
            let rule = json!({ "service": "graph", "kind": kind, "status": status, "count": times });
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

/// A simulator of its own for each test, reached with application permission.
async fn with_graph<F>(test: impl FnOnce(Arc<Bench>) -> F)
where
    F: Future<Output = ()>,
{
    let clock = sim::clock::Clock::default();
    let config = sim::Config { seed: 7, clock: clock.clone(), ..sim::Config::default() };
    let sim = sim::Sim::start(config).await.expect("a simulator");
    let ready = serde_json::to_value(sim.ready()).expect("JSON");
    let told = |name: &str| ready[name].as_str().expect("told").trim_end_matches('/').to_owned();
    let http =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let app = Application {
        client_id: told("client_id"),
        credential: Credential::Secret(SecretString::from(told("client_secret"))),
        tenant: told("tenant_id"),
        redirect_uri: "http://localhost/return".parse().expect("a URL"),
    };
    let login = told("entra").parse().expect("a URL");
    let discovery = signin::discover(&http, &login, &app.tenant).await.expect("endpoints");
    let scope = "https://graph.microsoft.com/.default";
    let token =
        signin::as_application(&http, &discovery, &app, scope, clock.now()).await.expect("a token").access;
    let users = ready["users"].as_array().expect("users");
    let user = users.iter().find(|user| user["upn"] == MAILBOX).expect("the mailbox's user");
    let oid = user["oid"].as_str().expect("an id");
    let folders = format!("{}/v1.0/users/{oid}/mailFolders", told("graph"));
    let levers =
        Arc::new(Control { http: http.clone(), base: told("control"), folders, token: token.clone() });
    let mailbox = GraphMailbox::new(
        http,
        told("graph").parse().expect("a URL"),
        User::Id(oid.to_owned()),
        Arc::new(Token(token)),
        Arc::new(Budget::graph()),
        Duration::from_secs(10),
    );
    test(Arc::new(Bench { mailbox: Arc::new(mailbox), levers })).await;
    sim.stop().await;
}

macro_rules! contract {
    ($($name:ident),* $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            with_graph(|bench| async move { contract::$name(&bench).await }).await;
        }
    )*};
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
    the_mailbox_tells_about_itself,
);
