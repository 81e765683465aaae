//! Jira fails while mail comes, against the simulator: the destination stops and says so within five seconds of the mail, somebody's
//! webhook where a person must act; no mail is held for it, and everything resumes by itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};
use store::testing::TestFolder;
use store::{Clock, args, sql};
use tokio::time::Instant;

use super::tests::{Came, listen};
use crate::config::Config;
use crate::demo::browser::Browser;
use crate::demo::connect::{self, Wishes};
use crate::serve;

const MAILBOX: &str = "support@contoso.test";
/// From a mail that Jira does not take to what is said of it.
const SOON: Duration = Duration::from_secs(5);
/// However busy the machine is, it does not take longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// One clock for Postroom, Microsoft and Jira.
#[derive(Debug)]
struct SimClock(sim::clock::Clock);

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

struct World {
    sim: sim::Sim,
    running: serve::Running,
    browser: Browser,
    came: Came,
    http: reqwest::Client,
    mails: usize,
    _folder: TestFolder,
}

/// Looks until it is there, and says how long that took.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> (T, Duration) {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return (found, begun.elapsed());
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: not in {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl World {
    async fn new() -> Self {
        let folder = TestFolder::new();
        let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
        let ready = sim.ready();
        let mut config = Config::defaults();
        config.data_folder = folder.path().join("data");
        config.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        config.microsoft.login_url = ready.entra.parse().unwrap();
        config.microsoft.graph_url = ready.graph.parse().unwrap();
        config.microsoft.client_id = Some(ready.client_id.clone());
        config.microsoft.client_secret = Some(SecretString::from(ready.client_secret.clone()));
        config.microsoft.tenant = ready.tenant_id.clone();
        config.jira.base_url = Some(ready.jira.parse().unwrap());
        config.jira.user = Some(ready.jira_user.clone());
        config.jira.token = Some(SecretString::from(ready.jira_token.clone()));
        config.inbound.poll_interval = Duration::from_secs(1);
        config.notices.allow_hosts = vec!["127.0.0.1".to_owned()];
        let clock = Arc::new(SimClock(sim.clock().clone()));
        let running = serve::start_at(config, clock).await.unwrap();
        let mut browser = Browser::new(connect::http().unwrap());
        connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
        let (came, address) = listen().await;
        let new = running.url.join("/notices/channels/new?kind=webhook").unwrap();
        let form = browser.open(&new).await.unwrap().form(&["name", "address"]).unwrap();
        browser.submit(&form.with("name", "Operations").with("address", &address)).await.unwrap();
        let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
        let page = connect::sign_in(&mut browser, &running.url, &wishes).await.unwrap();
        connect::confirm(&mut browser, &running.url, page, &wishes).await.unwrap();
        Self { sim, running, browser, came, http: reqwest::Client::new(), mails: 0, _folder: folder }
    }

    fn control(&self, path: &str) -> String {
        format!("{}{path}", self.sim.ready().control.trim_end_matches('/'))
    }

    async fn lever(&self, path: &str, body: Value) {
        let answer = self.http.post(self.control(path)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    }

    async fn take_away(&self, path: &str) {
        let answer = self.http.delete(self.control(path)).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    }

    /// Two mails come.
    fn two_mails(&mut self) {
        for _ in 0..2 {
            self.mails += 1;
            let number = self.mails;
            let mail = format!(
                "From: ada@customer.example\r\nTo: {MAILBOX}\r\nSubject: number {number}\r\nMessage-ID: <{number}@customer.example>\r\n\r\nHelp.\r\n"
            );
            self.sim.deliver(MAILBOX, mail.as_str()).unwrap();
        }
        self.running.poll_now();
    }

    async fn page(&mut self, path: &str) -> String {
        self.browser.open(&self.running.url.join(path).unwrap()).await.unwrap().html
    }

    /// The next notice that somebody's webhook gets.
    async fn told(&self) -> (Value, Duration) {
        until("somebody is told", async || {
            let mut all = self.came.take();
            assert!(all.len() <= 1, "told more than once: {all:?}");
            all.pop().map(|(_, message)| message["data"]["notices"].clone())
        })
        .await
    }

    /// All mails that came have become an issue, each one.
    async fn all_are_issues(&self) {
        let issues = until("every mail is an issue", async || {
            self.running.poll_now();
            let issues: Vec<Value> =
                self.http.get(self.control("/jira/issues")).send().await.unwrap().json().await.unwrap();
            (self.count("state = 'ended'").await == self.mails).then_some(issues)
        });
        let mut summaries: Vec<String> =
            issues.await.0.iter().map(|issue| issue["summary"].as_str().unwrap().to_owned()).collect();
        summaries
            .sort_unstable_by_key(|summary| summary.rsplit(' ').next().unwrap().parse::<usize>().unwrap());
        // Those of a project that was taken away are gone with it; none is there twice.
        let all: Vec<String> = (1..=self.mails).map(|number| format!("number {number}")).collect();
        assert!(all.ends_with(&summaries) && summaries.len() >= 2, "{summaries:?}");
    }

    async fn count(&self, which: &str) -> usize {
        let query = match which {
            "state = 'ended'" => sql!("SELECT count(*) FROM message WHERE state = 'ended'"),
            _ => sql!("SELECT count(*) FROM message WHERE state = 'held'"),
        };
        let (count,): (i64,) = self.running.db.fetch_one(query, args![]).await.unwrap();
        usize::try_from(count).unwrap()
    }
}

/// Promise: a token that ended and a project that is gone stop the destination and are told within five seconds; no mail is held for
/// it; once it is mended everything goes on by itself, and that is told with how many mails waited. A Jira that is down is shown as
/// soon, tells nobody, and resumes by itself.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_jira_is_told_within_five_seconds_and_is_over_by_itself() {
    let mut world = World::new().await;
    world.two_mails();
    world.all_are_issues().await;

    for (cause, entry, object, state_at) in
        [("token", "jira.token", "jira", "/jira"), ("project", "jira.project", "destination", "/sources")]
    {
        match cause {
            "token" => world.lever("/jira/tokens", json!({ "revoke": true })).await,
            _ => world.take_away("/jira/projects/SUP").await,
        }
        world.two_mails();
        let (notices, took) = world.told().await;
        eprintln!("{cause}: from the mail to the notice: {took:?}");
        assert!(took <= SOON, "{cause}: {took:?}");
        assert_eq!(notices.as_array().map(Vec::len), Some(1), "{notices}");
        let notice = &notices[0];
        let told = (&notice["kind"], &notice["object"]["kind"], &notice["fault"]);
        assert_eq!(told, (&json!("offline"), &json!(object), &json!(entry)), "{notice}");
        let mend = fault::entry(entry).unwrap().mend;
        assert!(notice["text"].as_str().is_some_and(|text| text.contains(mend)), "{notice}");
        let page = world.page(state_at).await;
        assert!(page.contains("offline"), "{cause}: {page}");
        assert_eq!(world.count("state = 'held'").await, 0, "{cause}");

        match cause {
            "token" => world.lever("/jira/tokens", json!({ "revoke": false })).await,
            _ => world.lever("/jira/projects", json!({ "key": "SUP", "name": "Support" })).await,
        }
        // It is tried again every minute.
        world.sim.clock().advance(SignedDuration::from_secs(61));
        world.all_are_issues().await;
        let (notices, _) = world.told().await;
        assert_eq!(notices[0]["kind"].as_str(), Some("back"), "{notices}");
        assert!(notices.to_string().contains("2 mails had waited"), "{notices}");
        let page = world.page(state_at).await;
        assert!(!page.contains("offline"), "{cause}: {page}");
    }

    world.lever("/faults", json!({ "service": "jira", "kind": "status", "status": 503 })).await;
    world.two_mails();
    let url = world.running.url.clone();
    let browser = &mut world.browser;
    let ((), took) = until("the console shows it", async || {
        let page = browser.open(&url.join("/jira").unwrap()).await.unwrap().html;
        page.contains("degraded").then_some(())
    })
    .await;
    eprintln!("down: from the mail to the list: {took:?}");
    assert!(took <= SOON, "down: {took:?}");
    let sources = world.page("/sources").await;
    assert!(sources.contains("degraded"), "{sources}");
    assert_eq!(world.count("state = 'held'").await, 0);
    world.take_away("/faults").await;
    // Nobody knows whether what was asked of it was done: it is written again only once the quarantine is over.
    world.sim.clock().advance(SignedDuration::from_mins(4));
    world.all_are_issues().await;
    assert!(world.came.take().is_empty(), "what passes by itself disturbs nobody");
    let page = world.page("/jira").await;
    assert!(!page.contains("degraded"), "{page}");
    world.running.stop().await;
    world.sim.stop().await;
}
