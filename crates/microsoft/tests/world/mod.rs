//! A simulator, and its mailbox reached in each way: over Graph and over EWS, as the application, as its owner, and as somebody
//! who was given rights on it. What is exchanged over EWS is recorded, and held against the published schemas at the end.

mod control;
mod person;
mod recorded;

use std::sync::Arc;
use std::time::Duration;

use fault::Fault;
use futures::future::BoxFuture;
use jiff::Timestamp;
use microsoft::ews::{EwsMailbox, Whose};
use microsoft::graph::{GraphMailbox, User};
use microsoft::signin::{self, Application, Credential};
use microsoft::{AccessTokens, Budget, Mailbox, Transport};
use secrecy::SecretString;
use serde_json::Value;

use crate::contract::{Access, Bench};
use crate::envelopes::Folder;
use control::Control;

/// The mailbox of all tests.
pub(crate) const MAILBOX: &str = "support@contoso.test";
/// Who has Full Access to it, and may send as it.
pub(crate) const DELEGATE: &str = "anna@contoso.test";

struct Token(SecretString);

impl AccessTokens for Token {
    fn get(&self) -> BoxFuture<'_, Result<SecretString, Fault>> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn refused(&self, _: &SecretString) -> BoxFuture<'_, Result<SecretString, Fault>> {
        self.get()
    }
}

/// A simulator and what is told of it.
pub(crate) struct World {
    pub(crate) sim: sim::Sim,
    pub(crate) http: reqwest::Client,
    ready: Value,
    folder: Folder,
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = Folder::make();
        let record = Some(folder.path().join(recorded::FILE));
        let config = sim::Config { seed: 7, record, ..sim::Config::default() };
        let sim = sim::Sim::start(config).await.expect("a simulator");
        let ready = serde_json::to_value(sim.ready()).expect("JSON");
        let http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { sim, http, ready, folder }
    }

    /// Ends it. Whatever was exchanged over EWS must have been valid, either way.
    pub(crate) async fn end(self) {
        let Self { sim, folder, .. } = self;
        sim.stop().await;
        recorded::check(folder.path());
    }

    pub(crate) fn told(&self, name: &str) -> String {
        self.ready[name].as_str().expect("told").trim_end_matches('/').to_owned()
    }

    fn user(&self, upn: &str) -> &Value {
        let users = self.ready["users"].as_array().expect("users");
        users.iter().find(|user| user["upn"] == upn).expect("a user of this name")
    }

    fn app(&self) -> Application {
        Application {
            client_id: self.told("client_id"),
            credential: Credential::Secret(SecretString::from(self.told("client_secret"))),
            tenant: self.told("tenant_id"),
            redirect_uri: "http://localhost/return".parse().expect("a URL"),
        }
    }

    async fn discovery(&self) -> signin::Discovery {
        let login = self.told("entra").parse().expect("a URL");
        signin::discover(&self.http, &login, &self.told("tenant_id")).await.expect("endpoints")
    }

    /// A token for that transport, of whom the way of access means.
    async fn token(&self, transport: Transport, access: Access) -> SecretString {
        let (who, scopes): (&str, &[&str]) = match (access, transport) {
            (Access::Application, Transport::Graph) => return self.own_token(GRAPH).await,
            (Access::Application, Transport::Ews) => return self.own_token(EWS).await,
            (Access::Own, Transport::Graph) => (MAILBOX, &["User.Read", "Mail.ReadWrite", "Mail.Send"]),
            (Access::Shared, Transport::Graph) => {
                (DELEGATE, &["User.Read", "Mail.ReadWrite.Shared", "Mail.Send.Shared"])
            }
            (Access::Own, Transport::Ews) => (MAILBOX, &[EWS_OF_A_PERSON]),
            (Access::Shared, Transport::Ews) => (DELEGATE, &[EWS_OF_A_PERSON]),
        };
        self.token_of(who, scopes).await
    }

    /// A token of the application itself.
    async fn own_token(&self, scope: &str) -> SecretString {
        // A secret, unlike a certificate, is proven without a clock.
        let now = Timestamp::UNIX_EPOCH;
        let told = signin::as_application(&self.http, &self.discovery().await, &self.app(), scope, now).await;
        told.expect("a token").access
    }

    /// The id of the mailbox's user.
    fn oid(&self) -> &str {
        self.user(MAILBOX)["oid"].as_str().expect("an id")
    }

    pub(crate) async fn graph(&self, access: Access) -> GraphMailbox {
        self.graph_within(access, Arc::new(Budget::graph())).await
    }

    async fn graph_within(&self, access: Access, budget: Arc<Budget>) -> GraphMailbox {
        let user = match access {
            Access::Own => User::Me,
            Access::Application | Access::Shared => User::Id(self.oid().to_owned()),
        };
        GraphMailbox::new(
            self.http.clone(),
            self.told("graph").parse().expect("a URL"),
            user,
            Arc::new(Token(self.token(Transport::Graph, access).await)),
            budget,
            PATIENCE,
        )
    }

    pub(crate) async fn ews(&self, access: Access) -> EwsMailbox {
        self.ews_within(access, Arc::new(Budget::ews())).await
    }

    async fn ews_within(&self, access: Access, budget: Arc<Budget>) -> EwsMailbox {
        let mailbox = MAILBOX.to_owned();
        let whose = match access {
            Access::Application => Whose::Impersonated(mailbox),
            Access::Own => Whose::Own(mailbox),
            Access::Shared => Whose::Shared(mailbox),
        };
        EwsMailbox::new(
            self.http.clone(),
            &self.told("ews").parse().expect("a URL"),
            whose,
            Arc::new(Token(self.token(Transport::Ews, access).await)),
            budget,
            PATIENCE,
        )
    }

    pub(crate) async fn bench(&self, transport: Transport, access: Access) -> Bench {
        let (mailbox, budget): (Arc<dyn Mailbox>, _) = match transport {
            Transport::Graph => {
                let budget = Arc::new(Budget::graph());
                (Arc::new(self.graph_within(access, Arc::clone(&budget)).await), budget)
            }
            Transport::Ews => {
                let budget = Arc::new(Budget::ews());
                (Arc::new(self.ews_within(access, Arc::clone(&budget)).await), budget)
            }
        };
        let levers = Control {
            transport,
            http: self.http.clone(),
            base: self.told("control"),
            folders: format!("{}/v1.0/users/{}/mailFolders", self.told("graph"), self.oid()),
            token: self.own_token(GRAPH).await,
        };
        Bench { mailbox, levers: Arc::new(levers), access, budget }
    }
}

/// For one request: the machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);
const GRAPH: &str = "https://graph.microsoft.com/.default";
const EWS: &str = "https://outlook.office365.com/.default";
const EWS_OF_A_PERSON: &str = "https://outlook.office365.com/EWS.AccessAsUser.All";
