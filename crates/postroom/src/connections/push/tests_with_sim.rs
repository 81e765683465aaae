//! Push against the simulator: the whole program, on a clock that both share and that the tests move.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};
use store::testing::TestFolder;
use store::{Clock, args, sql};
use tokio::sync::Notify;
use uuid::Uuid;

use super::decide::State;
use super::keeper::Keeper;
use super::possible::Why;
use super::store::{self as rows, Row};
use crate::config::{Config, Tls};
use crate::demo::browser::Browser;
use crate::demo::connect::{self, Wishes};
use crate::serve::{self, Running};

const MAILBOX: &str = "support@contoso.test";

/// The simulator's clock as the program's: one lever moves both.
#[derive(Debug)]
struct SharedClock(sim::clock::Clock);

impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

struct World {
    sim: sim::Sim,
    config: Box<Config>,
    running: Running,
    browser: Browser,
    source: Uuid,
    _folder: TestFolder,
}

impl World {
    /// A mailbox that is connected; its folder is polled every so often.
    async fn new(poll: Duration) -> Self {
        Self::with(poll, false).await
    }

    /// The same, everything over https where `tls`.
    async fn with(poll: Duration, tls: bool) -> Self {
        let folder = TestFolder::new();
        let tls = tls.then(|| certify(&folder));
        // Over https the registration names the whole address.
        let port = own_port();
        let sim_config = sim::Config {
            public_host: Some("localhost".to_owned()),
            redirect_uris: vec![format!("https://localhost:{port}/oauth/callback")],
            tls: tls.clone().map(|tls| (tls.cert, tls.key)),
            ..sim::Config::default()
        };
        let sim = sim::Sim::start(sim_config).await.unwrap();
        let ready = sim.ready();
        let mut config = Config::defaults();
        config.data_folder = folder.path().join("data");
        config.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        config.microsoft.login_url = ready.entra.parse().unwrap();
        config.microsoft.graph_url = ready.graph.parse().unwrap();
        config.microsoft.client_id = Some(ready.client_id.clone());
        config.microsoft.client_secret = Some(SecretString::from(ready.client_secret.clone()));
        config.microsoft.tenant = ready.tenant_id.clone();
        config.jira.base_url = Some(ready.jira.parse().unwrap());
        config.jira.user = Some(ready.jira_user.clone());
        config.jira.token = Some(SecretString::from(ready.jira_token.clone()));
        config.inbound.poll_interval = poll;
        let mut http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30));
        if let Some(tls) = &tls {
            let pem = std::fs::read(&tls.cert).unwrap();
            http = http.add_root_certificate(reqwest::Certificate::from_pem(&pem).unwrap());
            config.microsoft.ca_file = Some(tls.cert.clone());
        }
        config.server.tls = tls;
        let clock = Arc::new(SharedClock(sim.clock().clone()));
        let running = serve::start_at(config.clone(), clock).await.unwrap();
        let mut browser = Browser::new(http.build().unwrap());
        connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
        let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
        let page = connect::sign_in(&mut browser, &running.url, &wishes).await.unwrap();
        connect::confirm(&mut browser, &running.url, page, &wishes).await.unwrap();
        let (source,): (Uuid,) = running.db.fetch_one(sql!("SELECT id FROM source"), args![]).await.unwrap();
        Self { sim, config: Box::new(config), running, browser, source, _folder: folder }
    }

    async fn restart(mut self) -> Self {
        self.running.stop().await;
        let clock = Arc::new(SharedClock(self.sim.clock().clone()));
        self.running = serve::start_at((*self.config).clone(), clock).await.unwrap();
        self
    }

    async fn end(self) {
        self.running.stop().await;
        self.sim.stop().await;
    }

    async fn row(&self) -> Option<Row> {
        rows::one(&self.running.db, self.source).await.unwrap()
    }

    /// Waits until the row is as wanted; the keeper is rung all the while.
    async fn until(&self, what: &str, is_so: impl Fn(&Row) -> bool) -> Row {
        let waited = async {
            loop {
                self.running.keep_now();
                if let Some(row) = self.row().await.filter(|row| is_so(row)) {
                    return row;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let Ok(row) = tokio::time::timeout(Duration::from_secs(30), waited).await else {
            panic!("{what}: {:#?}", self.row().await);
        };
        row
    }

    async fn is_on(&self) -> Row {
        self.until("push is on", |row| row.state() == State::On).await
    }

    async fn lever(&self, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.sim.ready().control.trim_end_matches('/'));
        let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap_or_default()
    }

    /// The subscriptions that Graph has.
    async fn subscriptions(&self) -> Vec<Value> {
        let url = format!("{}/subscriptions", self.sim.ready().control.trim_end_matches('/'));
        reqwest::get(url).await.unwrap().json().await.unwrap()
    }

    /// Waits until Graph has as many.
    async fn until_subscriptions(&self, count: usize) -> Vec<Value> {
        let waited = async {
            loop {
                self.running.keep_now();
                let all = self.subscriptions().await;
                if all.len() == count {
                    return all;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waited).await.expect("Graph has as many subscriptions")
    }

    fn deliver(&self, subject: &str) {
        let raw = format!("From: anna@contoso.test\r\nTo: {MAILBOX}\r\nSubject: {subject}\r\n\r\nHelp.\r\n");
        self.sim.deliver(MAILBOX, raw).unwrap();
    }

    fn advance(&self, by: SignedDuration) {
        self.sim.clock().advance(by);
    }

    /// Waits until so many mails have become issues.
    async fn until_handled(&self, count: i64) {
        let waited = async {
            loop {
                let (handled,): (i64,) = self
                    .running
                    .db
                    .fetch_one(sql!("SELECT count(*) FROM message WHERE issue_key IS NOT NULL"), args![])
                    .await
                    .unwrap();
                if handled == count {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waited).await.expect("the mails become issues");
    }

    async fn page(&mut self) -> String {
        let url = self.running.url.join(&format!("/sources/{}", self.source)).unwrap();
        let page = self.browser.open(&url).await.unwrap();
        if page.url.path() != "/sign-in" {
            return page.html;
        }
        // After days the console's own session is over.
        let form = page.form(&["email", "password"]).unwrap();
        let form = form.with("email", connect::OWNER).with("password", connect::PASSWORD);
        assert!(self.browser.submit(&form).await.unwrap().status.is_success());
        self.browser.open(&url).await.unwrap().html
    }

    async fn press(&mut self, path: &str, value: Option<&str>) {
        let url = self.running.url.join(&format!("/sources/{}", self.source)).unwrap();
        let page = self.browser.open(&url).await.unwrap();
        let is_it = |form: &&crate::demo::browser::Form| {
            form.action.path().ends_with(path)
                && value.is_none_or(|value| form.fields.iter().any(|(_, given)| given == value))
        };
        let form =
            page.forms.iter().find(is_it).unwrap_or_else(|| panic!("no {path}: {}", page.html)).clone();
        let after = self.browser.submit(&form).await.unwrap();
        assert!(after.status.is_success(), "{}", after.html);
    }
}

/// A certificate for this machine that only those trust who are told to.
fn certify(folder: &TestFolder) -> Tls {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let tls = Tls { cert: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    std::fs::write(&tls.cert, made.cert.pem()).unwrap();
    std::fs::write(&tls.key, made.signing_key.serialize_pem()).unwrap();
    tls
}

fn ends(subscription: &Value) -> Timestamp {
    subscription["expirationDateTime"].as_str().unwrap().parse().unwrap()
}

/// Promise: announced mail becomes an issue at once, however seldom the folder is polled; what Graph says of the subscription itself
/// is followed: authorised anew, read from the cursor, made anew.
#[tokio::test(flavor = "multi_thread")]
async fn announced_mail_is_read_at_once() {
    let mut world = World::new(Duration::from_hours(1)).await;
    let row = world.is_on().await;
    let all = world.subscriptions().await;
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!(all[0]["id"].as_str(), row.remote_id.as_deref());
    assert_eq!(all[0]["changeType"], "created");
    let life = ends(&all[0]).duration_since(world.sim.clock().now());
    assert!(life > SignedDuration::from_hours(69) && life <= SignedDuration::from_hours(70), "{life}");
    world.deliver("Printer on fire");
    world.until_handled(1).await;
    let row = world.until("the notice is on record", |row| row.notices > 0).await;
    assert!(row.last_notice_at.is_some() && row.unheard == 0);
    let page = world.page().await;
    assert!(page.contains("on, renewed before") && page.contains("Push is on"), "{page}");

    // Nothing was announced, and Graph says so: everything since the cursor is read.
    world.lever("/subscriptions/quirks", json!({ "drop": true })).await;
    world.deliver("Printer smokes");
    world.lever("/subscriptions/lifecycle", json!({ "event": "missed" })).await;
    world.until_handled(2).await;
    world.lever("/subscriptions/quirks", json!({})).await;

    let before = world.row().await.unwrap();
    world.lever("/subscriptions/lifecycle", json!({ "event": "reauthorizationRequired" })).await;
    let asked = |row: &Row| row.fence > before.fence && row.asked.is_empty();
    let row = world.until("it is authorised anew", asked).await;
    assert_eq!((row.remote_id.as_ref(), row.next_at), (before.remote_id.as_ref(), before.next_at));
    assert_eq!(world.subscriptions().await.len(), 1);

    let before = world.row().await.unwrap().remote_id;
    world.lever("/subscriptions/lifecycle", json!({ "event": "subscriptionRemoved" })).await;
    let row =
        world.until("another one is made", |row| row.state() == State::On && row.remote_id != before).await;
    let all = world.subscriptions().await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["id"].as_str(), row.remote_id.as_deref());
    world.deliver("Printer is out");
    world.until_handled(3).await;
    world.end().await;
}

/// Promise: a subscription is renewed in time, over and over; one that Graph has forgotten meanwhile is made anew.
#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_are_renewed_in_time() {
    let world = World::new(Duration::from_secs(1)).await;
    let mut row = world.is_on().await;
    let id = row.remote_id.clone();
    for _ in 0..3 {
        let before = row.expires_at;
        world.advance(SignedDuration::from_hours(51));
        row = world.until("renewed", |row| row.expires_at > before).await;
        let all = world.subscriptions().await;
        assert_eq!((all.len(), all[0]["id"].as_str()), (1, id.as_deref()));
        assert!(ends(&all[0]).duration_since(world.sim.clock().now()) > SignedDuration::from_hours(69));
    }
    // Down for longer than the subscription lives.
    let world = {
        let sim_clock = world.sim.clock().clone();
        let stopped = world;
        sim_clock.advance(SignedDuration::from_hours(24 * 5));
        stopped.restart().await
    };
    let row = world.until("another one is made", |row| row.state() == State::On && row.remote_id != id).await;
    let all = world.subscriptions().await;
    assert_eq!((all.len(), all[0]["id"].as_str()), (1, row.remote_id.as_deref()));
    world.deliver("Still here");
    world.until_handled(1).await;
    world.end().await;
}

/// Promise: a renewal that keeps failing is told on the page and in the forecast of its last day, and heals by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_fails_is_told() {
    let mut world = World::new(Duration::from_secs(1)).await;
    let before = world.is_on().await;
    let down = json!({"service": "graph", "method": "PATCH", "path": "/subscriptions/", "kind": "status", "status": 400, "code": "BadRequest"});
    world.lever("/faults", down).await;
    world.advance(SignedDuration::from_hours(51));
    let row = world.until("the renewal fails", |row| row.failures > 0).await;
    assert_eq!(
        (row.state(), row.remote_id.as_ref()),
        (State::On, before.remote_id.as_ref()),
        "it is still there"
    );
    let page = world.page().await;
    assert!(page.contains("renewing it has failed so far") && page.contains("Subscription"), "{page}");
    let told = async || -> Vec<(String, String)> {
        let all = sql!("SELECT kind, title FROM notice WHERE kind = 'expiry'");
        world.running.db.fetch_all(all, args![]).await.unwrap()
    };
    let waited = async {
        while told().await.is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waited).await.expect("a notice of its last day");
    let all = told().await;
    assert!(
        all.len() == 1 && all[0].1.starts_with("Subscription of support@contoso.test ends in"),
        "{all:?}"
    );

    let url = format!("{}/faults", world.sim.ready().control.trim_end_matches('/'));
    assert!(reqwest::Client::new().delete(url).send().await.unwrap().status().is_success());
    world.advance(SignedDuration::from_hours(13));
    world.until("renewed", |row| row.failures == 0 && row.expires_at > before.expires_at).await;
    world.end().await;
}

/// Promise: a subscription that lives and announces nothing is made anew once, then replaced by polling; no mail waits for that. People
/// are told, and told again when it announces.
#[tokio::test(flavor = "multi_thread")]
async fn a_deaf_subscription_is_replaced_by_polling() {
    let mut world = World::new(Duration::from_secs(1)).await;
    let first = world.is_on().await;
    world.lever("/subscriptions/quirks", json!({ "drop": true })).await;
    let mut handled = 0;
    for round in 0..2 {
        world.advance(SignedDuration::from_secs(90));
        for n in 0..3 {
            world.deliver(&format!("Silent {round} {n}"));
            handled += 1;
            world.until_handled(handled).await;
        }
        world.until("they are counted", |row| row.unheard == 3 || row.times_deaf > round).await;
        world.advance(SignedDuration::from_mins(3));
        if round == 0 {
            let again = world.until("made anew", |row| row.times_deaf == 1 && row.state() == State::On).await;
            assert_ne!(again.remote_id, first.remote_id);
            assert_eq!(world.subscriptions().await.len(), 1);
        }
    }
    let row = world.until("given up", |row| row.state() == State::Deaf).await;
    assert_eq!((row.times_deaf, row.remote_id.as_deref()), (2, None));
    world.until_subscriptions(0).await;
    world.deliver("Found by polling");
    world.until_handled(handled + 1).await;
    let page = world.page().await;
    assert!(page.contains("announced nothing") && page.contains("Push is replaced by polling"), "{page}");
    let notices = async || -> Vec<(String, i64)> {
        let all = sql!(
            "SELECT kind, CAST(CASE WHEN ended_at IS NULL THEN 0 ELSE 1 END AS BIGINT) FROM notice ORDER BY raised_at"
        );
        world.running.db.fetch_all(all, args![]).await.unwrap()
    };
    assert_eq!(notices().await, [("push".to_owned(), 0)]);

    world.lever("/subscriptions/quirks", json!({})).await;
    world.press("/push", Some("on")).await;
    world.is_on().await;
    world.deliver("Announced");
    world.until_handled(handled + 2).await;
    world.until("it is trusted again", |row| row.times_deaf == 0 && row.notices > 0).await;
    let notices: Vec<(String, i64)> = world
        .running
        .db
        .fetch_all(
            sql!("SELECT kind, CAST(CASE WHEN ended_at IS NULL THEN 0 ELSE 1 END AS BIGINT) FROM notice ORDER BY id"),
            args![],
        )
        .await
        .unwrap();
    assert_eq!(notices[0], ("push".to_owned(), 1), "{notices:?}");
    assert!(notices.iter().any(|(kind, _)| kind == "back"), "{notices:?}");
    world.end().await;
}

/// Promise: a pause ends the subscription and a resumption makes one, a removal ends it for good.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_ends_the_subscription() {
    let mut world = World::new(Duration::from_secs(1)).await;
    world.is_on().await;
    world.press("/pause", None).await;
    let row = world.until("off", |row| row.state() == State::Off).await;
    assert_eq!(row.why(), Why::Paused);
    world.until_subscriptions(0).await;
    world.press("/resume", None).await;
    world.is_on().await;
    assert_eq!(world.subscriptions().await.len(), 1);
    world.press("/remove", None).await;
    world.until_subscriptions(0).await;
    // Graph has let go of it a moment before that is written down.
    let forgotten = async {
        loop {
            let (left,): (i64,) =
                world.running.db.fetch_one(sql!("SELECT count(*) FROM push_leaving"), args![]).await.unwrap();
            if left == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), forgotten).await.expect("nothing is left to end");
    world.end().await;
}

/// Promise: one subscription, whatever becomes of the process: after a restart it is the same, after a lost answer it is found, with
/// two nodes there are not two, and a new public address moves it.
#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_subscription_whatever_happens() {
    let world = World::new(Duration::from_secs(1)).await;
    let id = world.is_on().await.remote_id;
    let mut world = world.restart().await;
    world.running.keep_now();
    let row = world.is_on().await;
    assert_eq!(row.remote_id, id);
    assert_eq!(world.subscriptions().await.len(), 1);

    // As if the process had been killed after Graph made it and before that was stored.
    let lost = sql!("UPDATE push SET state = 'making', remote_id = NULL, next_at = 0 WHERE source_id = $1");
    world.running.db.execute(lost, args![world.source]).await.unwrap();
    let row = world.is_on().await;
    assert_eq!(row.remote_id, id, "it is found by its address");
    assert_eq!(world.subscriptions().await.len(), 1);

    // As if the database were older: a subscription leads here that nobody knows.
    let older = sql!(
        "UPDATE push SET state = 'off', why = '', remote_id = NULL, path_hash = NULL, next_at = 0 WHERE source_id = $1"
    );
    world.running.db.execute(older, args![world.source]).await.unwrap();
    let row = world.is_on().await;
    assert_ne!(row.remote_id, id);
    assert_eq!(world.subscriptions().await.len(), 1, "the unknown one is cleared away");

    let make = sql!("UPDATE push SET state = 'off', why = '', next_at = 0 WHERE source_id = $1");
    world.running.db.execute(make, args![world.source]).await.unwrap();
    let keeper = || Keeper {
        connections: Arc::clone(&world.running.connections),
        bus: crate::web::live::Bus::new(),
        wake: Arc::new(Notify::new()),
        poll: Arc::new(Notify::new()),
    };
    let (one, two) = (keeper(), keeper());
    let (first, second) = tokio::join!(one.once(), two.once());
    first.unwrap();
    second.unwrap();
    world.is_on().await;
    assert_eq!(world.subscriptions().await.len(), 1);

    let id = world.row().await.unwrap().remote_id;
    world.config.server.listen.set_port(0);
    let world = world.restart().await;
    let row = world.until("moved", |row| row.state() == State::On && row.remote_id != id).await;
    let all = world.until_subscriptions(1).await;
    assert!(all[0]["notificationUrl"].as_str().unwrap().starts_with(row.base.as_str()));
    assert_eq!(row.base, world.running.url.as_str());
    world.deliver("At the new address");
    world.until_handled(1).await;
    world.end().await;
}

/// Promise: where Exchange refuses, or Microsoft cannot reach us, push is off with the reason, mail is polled, and it is tried again.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_off_with_its_reason() {
    let mut world = World::new(Duration::from_secs(1)).await;
    world.is_on().await;
    for (status, code, why, words) in [
        (403, "ExtensionError", Why::Refused, "Exchange does not let Postroom subscribe"),
        (400, "ValidationError", Why::Unreachable, "Microsoft could not reach the public address"),
        (404, "ResourceNotFound", Why::Failing, "could not be set up"),
    ] {
        let refuse = json!({"service": "graph", "method": "POST", "path": "/subscriptions$", "kind": "status",
            "status": status, "code": code, "count": 1});
        world.lever("/faults", refuse).await;
        world.lever("/subscriptions/lifecycle", json!({ "event": "subscriptionRemoved" })).await;
        let row = world.until(code, |row| row.state() == State::Off && row.failures > 0).await;
        assert_eq!(row.why(), why);
        let page = world.page().await;
        assert!(page.contains(words) && page.contains("Try push again"), "{code}: {page}");
        world.advance(SignedDuration::from_mins(6));
        world.is_on().await;
    }
    world.deliver("All the same");
    world.until_handled(1).await;
    world.end().await;
}

/// Promise: over https, as Microsoft calls: handshake, notice and what follows.
#[tokio::test(flavor = "multi_thread")]
async fn notices_come_over_https() {
    let world = World::with(Duration::from_hours(1), true).await;
    let row = world.is_on().await;
    let all = world.subscriptions().await;
    assert_eq!(all.len(), 1);
    assert!(all[0]["notificationUrl"].as_str().unwrap().starts_with("https://localhost:"), "{}", all[0]);
    assert!(row.base.starts_with("https://"));
    world.deliver("Encrypted");
    world.until_handled(1).await;
    world.end().await;
}

/// A port that nobody else takes: below those that the system hands out, and another one in each process and each call.
fn own_port() -> u16 {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    loop {
        let call = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let place = (std::process::id().wrapping_mul(7).wrapping_add(call)) % 20_000;
        let port = u16::try_from(10_000 + place).unwrap();
        if std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
