//! A console with its features on a database of its own, for tests: nothing runs in the background, and the addresses of
//! Microsoft and Jira lead nowhere unless a test says otherwise.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ledger::record::{IdKind, Incoming, Mailbox, Summary};
use ledger::{Keys, Ledger, Timing};
use secrecy::SecretString;
use store::testing::{TestDb, TestFolder};
use store::{Blobs, Clock, IdentityKey, Sealer, args, sql};
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use super::store::accounts::{self, SignedIn};
use super::store::jira::{self as jira_rows, Kept, NewDestination};
use super::store::outbounds::{self, NewOutbound};
use super::store::sources::{self, Confirmed};
use super::{Connections, Reach, jira_site, push, routes, tokens};
use crate::jobs::{Engine, Parts};
use crate::notices::{self, Sender};
use crate::web::testing::{PUBLIC, TestConsole};
use crate::{api, messages, overview, web};

/// A console with connections, messages and the API.
pub(crate) struct Office {
    pub(crate) console: TestConsole,
    pub(crate) state: routes::State,
    pub(crate) messages: messages::routes::State,
    pub(crate) api: api::State,
    pub(crate) sender: Sender,
    _folder: TestFolder,
}

/// What [`Office::connect`] made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connected {
    pub(crate) account: Uuid,
    pub(crate) jira: Uuid,
    pub(crate) destination: Uuid,
    pub(crate) mailbox: Uuid,
    pub(crate) source: Uuid,
}

/// Who sends most mails of the tests.
pub(crate) const ANNA: &str = "anna@contoso.test";
/// An address where nobody listens.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:1";

impl Office {
    /// One on SQLite.
    pub(crate) async fn new() -> Self {
        Self::on(TestDb::sqlite().await).await
    }

    /// One on every database that this machine has.
    pub(crate) async fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for db in TestDb::all().await {
            all.push(Self::on(db).await);
        }
        all
    }

    /// One whose Atlassian (gateway and sign-in) is there.
    pub(crate) async fn with_atlassian(atlassian: &str) -> Self {
        Self::with(TestDb::sqlite().await, atlassian).await
    }

    async fn on(db: TestDb) -> Self {
        Self::with(db, NOWHERE).await
    }

    async fn with(db: TestDb, atlassian: &str) -> Self {
        let mut console = TestConsole::on(db, PUBLIC).await;
        let shell = console.shell.clone();
        let clock: Arc<dyn Clock> = console.clock.clone();
        let sealer = Sealer::ephemeral();
        let folder = TestFolder::new();
        let blobs = Blobs::open(folder.path().join("blobs"), sealer.clone()).expect("blobs are opened");
        let ledger = Ledger {
            keys: Keys::new(IdentityKey::from_bytes(&[7; 32])),
            sealer: Arc::new(sealer.clone()),
            timing: Timing {
                quarantine: SignedDuration::from_secs(120),
                lease: Duration::from_mins(1),
                request: Duration::from_secs(5),
            },
            held_release: SignedDuration::from_mins(15),
        };
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(5))
            .build()
            .expect("a client is made");
        let connections = Arc::new(Connections::new(
            shell.db.clone(),
            sealer,
            Arc::clone(&clock),
            http,
            Reach {
                graph_url: Url::parse(NOWHERE).expect("an address"),
                ews_url: None,
                redirect_uri: Url::parse(PUBLIC)
                    .and_then(|url| url.join("oauth/callback"))
                    .expect("an address"),
                request_timeout: Duration::from_secs(5),
                push: true,
                jira_gateway: Url::parse(atlassian).expect("an address"),
                jira_auth: Url::parse(atlassian).expect("an address"),
            },
            Uuid::now_v7(),
        ));
        let parts = Parts {
            db: shell.db.clone(),
            ledger: ledger.clone(),
            connections: Arc::clone(&connections),
            blobs: blobs.clone(),
            clock,
            bus: shell.bus.clone(),
            poll_interval: Duration::from_mins(1),
            workers: 8,
            periods: crate::retention::Periods::default(),
            owner: Uuid::now_v7(),
            program: CancellationToken::new(),
            readiness: shell.readiness.clone(),
        };
        let engine = Arc::new(Engine::start(parts).await.expect("the engine starts"));
        // What a test sees is what its own actions did.
        engine.stop().await;
        let state = routes::State {
            shell: shell.clone(),
            connections: Arc::clone(&connections),
            ledger: ledger.clone(),
            engine: Arc::clone(&engine),
        };
        let messages = messages::routes::State {
            shell: shell.clone(),
            connections: Arc::clone(&connections),
            ledger: ledger.clone(),
            blobs: blobs.clone(),
            engine: Arc::clone(&engine),
        };
        let sender =
            Sender::new(shell.clone(), Arc::clone(&state.connections), Vec::new(), &["127.0.0.1".to_owned()])
                .expect("a sender is made");
        let api =
            api::State { shell: shell.clone(), connections, ledger, blobs, engine, sender: sender.clone() };
        let told = notices::routes::State { shell: shell.clone(), sender: sender.clone() };
        let features = vec![
            overview::router(state.clone()),
            routes::router(state.clone()),
            messages::routes::router(messages.clone()),
            crate::retention::page::router(messages.clone()),
            crate::profiles::routes::router(messages.clone()),
            notices::routes::router(told),
        ];
        let door = push::routes::Door {
            connections: Arc::clone(&state.connections),
            ear: Arc::clone(&state.engine.ear),
        };
        let machines = vec![api::router(api.clone()), push::routes::router(door)];
        console.router = web::router_with(&shell, features, machines);
        Self { console, state, messages, api, sender, _folder: folder }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.console.shell.clock.now()
    }

    pub(crate) fn workspace(&self) -> Uuid {
        self.console.shell.workspace
    }

    /// An app registration whose sign-in page is nowhere.
    pub(crate) async fn register(&self) -> Uuid {
        self.register_at(NOWHERE).await
    }

    /// An app registration whose sign-in page is there.
    pub(crate) async fn register_at(&self, login_url: &str) -> Uuid {
        let id = Uuid::now_v7();
        let mut tx = self.console.shell.db.begin().await.expect("begins");
        accounts::put_registration(
            &mut tx,
            self.workspace(),
            id,
            (login_url, "client", "organizations"),
            None,
            None,
            self.now(),
        )
        .await
        .expect("the registration is kept");
        tx.commit().await.expect("commits");
        id
    }

    /// What is kept of somebody who signed in, with an access token for an hour.
    pub(crate) fn signed_in(&self, registration: Uuid, username: &str) -> SignedIn {
        let id = Uuid::now_v7();
        let seal = |column, text: &str| {
            self.state.connections.sealer.seal(&tokens::place(column, id), text.as_bytes())
        };
        SignedIn {
            id,
            workspace: self.workspace(),
            registration,
            tenant: "tenant".to_owned(),
            object_id: format!("oid-{username}"),
            username: username.to_owned(),
            display_name: "Support".to_owned(),
            scopes: "openid Mail.ReadWrite User.Read".to_owned(),
            refresh_sealed: seal("refresh_sealed", "refresh"),
            access: Some((seal("access_sealed", "access"), self.now() + SignedDuration::from_hours(1))),
            now: self.now(),
        }
    }

    /// Somebody who is signed in.
    pub(crate) async fn sign_in(&self, registration: Uuid, username: &str) -> Uuid {
        let account = self.signed_in(registration, username);
        let id = account.id;
        let mut tx = self.console.shell.db.begin().await.expect("begins");
        accounts::put(&mut tx, account).await.expect("the account is kept");
        tx.commit().await.expect("commits");
        id
    }

    /// A Jira connection whose site is at `base_url`.
    pub(crate) async fn connect_jira(&self, base_url: &str) -> Uuid {
        let id = Uuid::now_v7();
        let token = SecretString::from("jira-token");
        let sealed = self
            .state
            .connections
            .sealer
            .seal(&jira_site::place(id), secrecy::ExposeSecret::expose_secret(&token).as_bytes());
        let kept = Kept {
            id,
            workspace: self.workspace(),
            name: "Contoso".to_owned(),
            kind: "cloud_token",
            base_url: base_url.to_owned(),
            api_version: 3,
            username: "bot@contoso.test".to_owned(),
            token_sealed: Some(sealed),
            account_id: Some("bot".to_owned()),
            display_name: Some("Postroom".to_owned()),
            upload_limit: None,
            tested_at: Some(self.now()),
            now: self.now(),
        };
        let mut tx = self.console.shell.db.begin().await.expect("begins");
        jira_rows::insert(&mut tx, kept).await.expect("the connection is kept");
        tx.commit().await.expect("commits");
        id
    }

    /// A confirmed source `support@contoso.test`, Inbox, to SUP; nothing behind it answers.
    pub(crate) async fn connect(&self) -> Connected {
        let registration = self.register().await;
        let account = self.sign_in(registration, "support@contoso.test").await;
        let jira = self.connect_jira(NOWHERE).await;
        let (now, workspace, source) = (self.now(), self.workspace(), Uuid::now_v7());
        let mut tx = self.console.shell.db.begin().await.expect("begins");
        let mailbox =
            sources::add_mailbox(&mut tx, workspace, "tenant", "oid-support", "support@contoso.test", now)
                .await
                .expect("the mailbox is kept");
        let new =
            NewDestination { workspace, connection: jira, key: "SUP", name: "Support", highest: 0, now };
        let destination = jira_rows::destination(&mut tx, &new).await.expect("the destination is kept");
        sources::insert(&mut tx, source, confirmed(workspace, account, mailbox, destination, now))
            .await
            .expect("the source is kept");
        tx.commit().await.expect("commits");
        Connected { account, jira, destination, mailbox, source }
    }

    /// An outbound that this account sends from, with the right to.
    pub(crate) async fn connect_outbound(&self, account: Uuid, address: &str) -> Uuid {
        let (now, workspace, id) = (self.now(), self.workspace(), Uuid::now_v7());
        let db = &self.console.shell.db;
        db.execute(
            sql!("UPDATE account SET scopes = 'openid Mail.ReadWrite Mail.Send' WHERE id = $1"),
            args![account],
        )
        .await
        .expect("the scopes are kept");
        let mut tx = db.begin().await.expect("begins");
        let native = format!("oid-{address}");
        let mailbox = sources::add_mailbox(&mut tx, workspace, "tenant", &native, address, now)
            .await
            .expect("the mailbox is kept");
        let new = NewOutbound {
            id,
            workspace,
            account,
            mailbox,
            connection_type: "graph",
            ews_url: String::new(),
            from_name: "Contoso Post".to_owned(),
            now,
        };
        assert!(outbounds::insert(&mut tx, &new).await.expect("the outbound is kept"));
        let second = NewOutbound { id: Uuid::now_v7(), ..new };
        assert!(!outbounds::insert(&mut tx, &second).await.expect("asked"), "one outbound a mailbox");
        tx.commit().await.expect("commits");
        id
    }

    /// Another source of the same mailbox.
    pub(crate) async fn second_source(&self, of: Connected, folder: &str) -> Uuid {
        let id = Uuid::now_v7();
        let mut tx = self.console.shell.db.begin().await.expect("begins");
        let confirmed = Confirmed {
            folder_id: format!("{folder}-id"),
            folder_name: folder.to_owned(),
            ..confirmed(self.workspace(), of.account, of.mailbox, of.destination, self.now())
        };
        sources::insert(&mut tx, id, confirmed).await.expect("the source is kept");
        tx.commit().await.expect("commits");
        id
    }

    /// Records mails with these subjects, oldest first, a second apart.
    pub(crate) async fn record(&self, to: Connected, subjects: &[&str]) -> Vec<Uuid> {
        let mut ids = Vec::new();
        for (n, subject) in subjects.iter().enumerate() {
            let after = SignedDuration::from_secs(i64::try_from(n).expect("a small number"));
            ids.push(self.record_at(to, subject, self.now() + after, None, (ANNA, &[])).await);
        }
        ids
    }

    /// Records a mail that came now, and answers the one with that subject.
    pub(crate) async fn record_one(&self, to: Connected, subject: &str, answers: Option<&str>) -> Uuid {
        self.record_at(to, subject, self.now(), answers, (ANNA, &[])).await
    }

    /// Records a mail that came now, of that sender and with these in copy.
    pub(crate) async fn record_of(&self, to: Connected, subject: &str, from: &str, cc: &[&str]) -> Uuid {
        self.record_at(to, subject, self.now(), None, (from, cc)).await
    }

    async fn record_at(
        &self,
        to: Connected,
        subject: &str,
        received_at: Timestamp,
        answers: Option<&str>,
        (from, cc): (&str, &[&str]),
    ) -> Uuid {
        let cc: Vec<_> =
            cc.iter().map(|cc| serde_json::json!({ "emailAddress": { "address": cc } })).collect();
        let (db, ledger) = (&self.console.shell.db, &self.state.ledger);
        let at = Mailbox {
            id: to.mailbox,
            ids: IdKind::Graph,
            tenant: "tenant".to_owned(),
            native_id: "oid-support".to_owned(),
        };
        let name = |subject: &str| format!("{}@contoso.test", subject.replace(' ', "-"));
        let mut headers = vec![
            serde_json::json!({ "name": "Subject", "value": subject }),
            serde_json::json!({ "name": "Message-ID", "value": format!("<{}>", name(subject)) }),
        ];
        headers.extend(answers.map(
            |subject| serde_json::json!({ "name": "In-Reply-To", "value": format!("<{}>", name(subject)) }),
        ));
        let page = serde_json::json!({
            "id": format!("native-{subject}"), "subject": subject, "receivedDateTime": received_at.to_string(),
            "from": { "emailAddress": { "name": "Anna", "address": from } }, "ccRecipients": cc,
            "body": { "contentType": "html", "content": "<p>Hello <script>alert(1)</script><b>there</b></p>" },
            "internetMessageHeaders": headers,
        });
        let incoming = Incoming {
            native_id: format!("native-{subject}"),
            message_id: Some(name(subject)),
            conversation: None,
            topic: Some(rules::threads::subject::topic(subject)),
            references: answers.map(name).into_iter().collect(),
            received_at,
            body: None,
            summary: Summary {
                subject: subject.to_owned(),
                from: from.to_owned(),
                name: "Anna".to_owned(),
                message_id: None,
            },
            page: serde_json::to_vec(&page).expect("JSON"),
            needs_mime: false,
            ignored: None,
            held: None,
            was: None,
        };
        let mut tx = db.begin().await.expect("begins");
        ledger
            .record(&mut tx, self.workspace(), &at, to.source, vec![incoming], self.now())
            .await
            .expect("the mail is recorded");
        ledger.release_round(&mut tx, to.source).await.expect("the round ends");
        let (id,): (Uuid,) = tx
            .fetch_one(
                sql!("SELECT message_id FROM message_alias WHERE value = $1"),
                args![format!("native-{subject}")],
            )
            .await
            .expect("the mail is there");
        tx.commit().await.expect("commits");
        id
    }
}

/// What a source shall do.
pub(crate) fn confirmed(
    workspace: Uuid,
    account: Uuid,
    mailbox: Uuid,
    destination: Uuid,
    now: Timestamp,
) -> Confirmed {
    Confirmed {
        workspace,
        account,
        mailbox,
        connection_type: "graph",
        ews_url: String::new(),
        folder_id: "inbox-id".to_owned(),
        folder_name: "Inbox".to_owned(),
        destination,
        issue_type_id: "10001".to_owned(),
        issue_type_name: "Task".to_owned(),
        start_kind: "everything".to_owned(),
        start_at: Timestamp::UNIX_EPOCH,
        start_zone: "UTC".to_owned(),
        handled: "read".to_owned(),
        handled_target: String::new(),
        handled_name: String::new(),
        in_shadow: false,
        now,
    }
}
