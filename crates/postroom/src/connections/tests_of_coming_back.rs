//! After a day, a week and thirty days offline, and after a claims challenge: what a person has to do until the mail that waited
//! goes on.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::json;
use store::testing::TestFolder;
use store::{Clock, SystemClock};

use crate::config::Config;
use crate::demo::browser::{Browser, Page};
use crate::demo::connect::{self, Wishes};
use crate::serve::{self, Running};

const MAILBOX: &str = "support@contoso.test";

/// The machine's clock, moved on by what the test lets pass.
#[derive(Debug, Default)]
struct MovedClock(AtomicI64);

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + SignedDuration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

struct World {
    sim: sim::Sim,
    running: Running,
    browser: Browser,
    clock: Arc<MovedClock>,
    _folder: TestFolder,
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
        let clock = Arc::new(MovedClock::default());
        let running = serve::start_at(config, clock.clone()).await.unwrap();
        let mut browser = Browser::new(connect::http().unwrap());
        connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
        Self { sim, running, browser, clock, _folder: folder }
    }

    async fn lever(&self, path: &str, body: serde_json::Value) {
        let url = format!("{}{path}", self.sim.ready().control.trim_end_matches('/'));
        let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    }

    /// Lets time pass for everybody.
    fn pass(&self, time: SignedDuration) {
        self.sim.clock().advance(time);
        self.clock.0.fetch_add(time.as_secs(), Ordering::SeqCst);
    }

    async fn open(&mut self, path: &str) -> Page {
        let page = self.browser.open(&self.running.url.join(path).unwrap()).await.unwrap();
        assert!(page.status.is_success(), "{path}: {}", page.html);
        page
    }

    /// The list of sources, once it holds `words`.
    async fn list_with(&mut self, words: &str) -> Page {
        let wanted = async {
            loop {
                self.running.poll_now();
                let list = self.open("/sources").await;
                if list.html.contains(words) {
                    break list;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wanted)
            .await
            .unwrap_or_else(|_| panic!("the list never says {words}"))
    }

    /// Summaries of all issues, in the order in which they were made.
    async fn summaries(&self) -> Vec<String> {
        let url = format!("{}/jira/issues", self.sim.ready().control.trim_end_matches('/'));
        let told: serde_json::Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        let issues = told["issues"].as_array().or(told.as_array()).unwrap_or_else(|| panic!("{told}"));
        let mut all: Vec<(u64, String)> = issues
            .iter()
            .map(|issue| {
                let key = issue["key"].as_str().unwrap();
                let number = key.rsplit('-').next().unwrap().parse().unwrap();
                let summary = issue["fields"]["summary"].as_str().or(issue["summary"].as_str()).unwrap();
                (number, summary.to_owned())
            })
            .collect();
        all.sort_unstable();
        all.into_iter().map(|(_, summary)| summary).collect()
    }

    async fn until_issues(&mut self, count: usize) -> Vec<String> {
        let wanted = async {
            loop {
                self.running.poll_now();
                let all = self.summaries().await;
                if all.len() >= count {
                    break all;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(60), wanted).await {
            Ok(all) => all,
            Err(_) => {
                let made = self.summaries().await;
                let (list, mails) = (self.open("/sources").await, self.open("/messages").await);
                panic!("not {count} issues, but {made:?}; {}; {}", list.said(), mails.said());
            }
        }
    }
}

/// Promise: after a day, a week or thirty days offline a source goes on from its cursor, and nothing needs a person but the sign-in
/// itself; not even where Microsoft has forgotten the cursor meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_alone_brings_a_source_back() {
    let mut world = World::new().await;
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    let console = world.running.url.clone();
    let signed_in = connect::sign_in(&mut world.browser, &console, &wishes).await.unwrap();
    connect::confirm(&mut world.browser, &console, signed_in, &wishes).await.unwrap();
    let list = world.list_with(">online<").await;
    let source = source_in(&list);
    world.sim.deliver(MAILBOX, mail("before", 0)).unwrap();
    let mut expected = world.until_issues(1).await;

    for (name, days, cursor_lost) in [("day", 1, false), ("week", 7, false), ("month", 30, true)] {
        world.lever("/revoke", json!({ "upn": MAILBOX, "access_tokens": true })).await;
        world.list_with("AADSTS50173").await;
        // Half of the mail comes early, half late in the time away.
        for number in 0..3 {
            world.sim.deliver(MAILBOX, mail(name, number)).unwrap();
            world.pass(SignedDuration::from_secs(60));
        }
        world.pass(SignedDuration::from_hours(24 * days));
        for number in 3..6 {
            world.sim.deliver(MAILBOX, mail(name, number)).unwrap();
            world.pass(SignedDuration::from_secs(60));
        }
        if cursor_lost {
            world.lever("/delta/reset", json!({ "mailbox": MAILBOX })).await;
        }
        assert_eq!(
            world.summaries().await.len(),
            expected.len(),
            "after a {name}: handled before the sign-in"
        );

        // The console's own session is over by then; the person signs in there, and at Microsoft.
        world.browser = Browser::new(connect::http().unwrap());
        let page = world.open("/sign-in").await;
        let form = page.form(&["email", "password"]).unwrap();
        let form = form.with("email", connect::OWNER).with("password", connect::PASSWORD);
        assert!(world.browser.submit(&form).await.unwrap().status.is_success());
        let page = world.open(&source).await;
        let action = format!("{source}/sign-in");
        let again = page
            .forms
            .iter()
            .find(|form| form.action.path() == action)
            .cloned()
            .unwrap_or_else(|| panic!("no button to sign in again: {}", page.html));
        let page = world.browser.submit(&again).await.unwrap();
        connect::through_microsoft(&mut world.browser, &console, page, &wishes).await.unwrap();

        expected.extend((0..6).map(|number| subject(name, number)));
        // Mails of different conversations are under way at once: which issue is made first is not said.
        let mut made = world.until_issues(expected.len()).await;
        made.sort_unstable();
        expected.sort_unstable();
        assert_eq!(made, expected, "after a {name}: everything once");
        world.list_with(">online<").await;
    }
    world.running.stop().await;
    world.sim.stop().await;
}

/// Promise: Postroom opts in to continuous access evaluation. What Graph asks for in the middle is answered by itself where it can be;
/// where it takes a person, the source says so at once, and the sign-in that mends it carries what Graph asks for.
#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_answered_or_carried_to_the_sign_in() {
    let mut world = World::new().await;
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    let console = world.running.url.clone();
    let signed_in = connect::sign_in(&mut world.browser, &console, &wishes).await.unwrap();
    connect::confirm(&mut world.browser, &console, signed_in, &wishes).await.unwrap();
    let source = source_in(&world.list_with(">online<").await);

    world.lever("/challenge", json!({ "upn": MAILBOX })).await;
    world.sim.deliver(MAILBOX, mail("challenge", 0)).unwrap();
    world.until_issues(1).await;
    let list = world.open("/sources").await;
    assert!(list.html.contains(">online<"), "nobody was needed: {}", list.html);

    world.lever("/challenge", json!({ "upn": MAILBOX, "needs_person": true })).await;
    world.sim.deliver(MAILBOX, mail("challenge", 1)).unwrap();
    world.list_with("Sign in again").await;
    let page = world.open(&source).await;
    let action = format!("{source}/sign-in");
    let again = page.forms.iter().find(|form| form.action.path() == action).cloned().unwrap();
    let page = world.browser.submit(&again).await.unwrap();
    let there = page.link("go on to microsoft").unwrap();
    let claims = there.query_pairs().find(|(name, _)| name == "claims").unwrap().1.into_owned();
    let claims: serde_json::Value = serde_json::from_str(&claims).unwrap();
    assert_eq!(claims["access_token"]["xms_cc"]["values"], json!(["cp1"]), "{claims}");
    assert!(
        claims["access_token"].as_object().unwrap().len() > 1,
        "what Graph asked for is missing: {claims}"
    );
    connect::through_microsoft(&mut world.browser, &console, page, &wishes).await.unwrap();
    world.until_issues(2).await;
    world.list_with(">online<").await;
    world.running.stop().await;
    world.sim.stop().await;
}

fn source_in(list: &Page) -> String {
    list.links
        .iter()
        .find(|(_, url)| url.path().starts_with("/sources/") && url.path().len() > 40)
        .map_or_else(|| panic!("{}", list.html), |(_, url)| url.path().to_owned())
}

fn subject(name: &str, number: u32) -> String {
    format!("Waited a {name}, number {number}")
}

fn mail(name: &str, number: u32) -> String {
    format!(
        "From: anna@contoso.test\r\nTo: {MAILBOX}\r\nMessage-ID: <{name}-{number}@contoso.test>\r\nSubject: {}\r\n\r\nHelp.\r\n",
        subject(name, number)
    )
}
