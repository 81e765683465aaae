//! What a source promises while it reads, over Graph and over EWS, with the simulated Microsoft and Jira: how soon waiting mail is in
//! Jira, and that shadow mode writes nothing.

use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};
use store::testing::TestFolder;
use store::{args, sql};

use super::connection_type::ConnectionType;
use super::goal::Way;
use super::tests_with_sim::{MAILBOX, open, settings};
use crate::demo::browser::{Browser, Form, Page};
use crate::demo::connect::{self, Wishes};
use crate::serve::{self, Running};

/// What the issue asks for.
const SOON: Duration = Duration::from_secs(5);

pub(super) struct World {
    pub(super) sim: sim::Sim,
    pub(super) running: Running,
    pub(super) browser: Browser,
    over: ConnectionType,
    _folder: TestFolder,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::over(ConnectionType::Graph).await
    }

    /// A console whose mailboxes are reached so.
    async fn over(over: ConnectionType) -> Self {
        let folder = TestFolder::new();
        let sim =
            sim::Sim::start(sim::Config { enforce_quotas: false, ..sim::Config::default() }).await.unwrap();
        let mut config = settings(&folder, sim.ready());
        config.microsoft.ews_url = Some(sim.ready().ews.parse().unwrap());
        let running = serve::start(config).await.unwrap();
        let mut browser = Browser::new(connect::http().unwrap());
        connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
        Self { sim, running, browser, over, _folder: folder }
    }

    pub(super) fn deliver(&self, subject: &str) {
        let raw = format!(
            "From: anna@contoso.test\r\nTo: {MAILBOX}\r\nSubject: {subject}\r\nMessage-ID: <{}@contoso.test>\r\n\r\nHelp.\r\n",
            subject.replace(' ', "-")
        );
        self.sim.deliver(MAILBOX, raw).unwrap();
    }

    /// Signs in and confirms; when the confirmation was sent.
    pub(super) async fn connect(&mut self) -> Instant {
        let page = self.sign_in().await;
        let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
        connect::confirm(&mut self.browser, &self.running.url, page, &wishes).await.unwrap()
    }

    /// Signs in, up to the page that leads to the confirmation or is it.
    async fn sign_in(&mut self) -> Page {
        let (url, wishes) = (&self.running.url, Wishes::everything(MAILBOX, "SUP", "Task"));
        match self.over {
            ConnectionType::Graph => connect::sign_in(&mut self.browser, url, &wishes).await.unwrap(),
            ConnectionType::Ews => {
                connect::begin_over_ews(&mut self.browser, url, "/sources", "", &wishes).await.unwrap()
            }
        }
    }

    pub(super) async fn control(&self, method: reqwest::Method, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.sim.ready().control.trim_end_matches('/'));
        let answer = reqwest::Client::new().request(method, url).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
    }

    pub(super) async fn subjects(&self) -> Vec<String> {
        let issues = self.control(reqwest::Method::GET, "/jira/issues", &json!({})).await;
        let issues = issues.get("issues").cloned().unwrap_or(issues);
        let all = issues.as_array().cloned().unwrap_or_default();
        all.iter().map(|issue| issue["summary"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Waits until this is an issue.
    pub(super) async fn in_jira(&self, subject: &str) {
        let there = async {
            while !self.subjects().await.iter().any(|issue| issue.contains(subject)) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), there)
            .await
            .unwrap_or_else(|_| panic!("{subject} is not in Jira"));
    }

    pub(super) async fn state_of_source(&self) -> String {
        let (state,): (String,) =
            self.running.db.fetch_one(sql!("SELECT state FROM source"), args![]).await.unwrap();
        state
    }

    /// How long ago somebody signed in.
    async fn since_sign_in(&self) -> Duration {
        let (at,): (i64,) =
            self.running.db.fetch_one(sql!("SELECT max(signed_in_at) FROM account"), args![]).await.unwrap();
        let at = jiff::Timestamp::from_microsecond(at).unwrap();
        Duration::try_from(store::Clock::now(&store::SystemClock).duration_since(at)).unwrap()
    }

    /// Waits until this many messages are in a state.
    pub(super) async fn until_messages(&self, state: &str, count: i64) {
        let there = async {
            loop {
                let (found,): (i64,) = self
                    .running
                    .db
                    .fetch_one(sql!("SELECT count(*) FROM message WHERE state = $1"), args![state])
                    .await
                    .unwrap();
                if found == count {
                    return;
                }
                self.running.poll_now();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), there)
            .await
            .unwrap_or_else(|_| panic!("{count} {state}"));
    }

    pub(super) async fn button(&mut self, ending: &str) -> Form {
        let list = open(&mut self.browser, &self.running, "/sources").await;
        let of_source = |form: &&Form| {
            let path = form.action.path();
            path.ends_with(ending) && path.matches('/').count() == 3
        };
        list.forms.iter().find(of_source).cloned().unwrap()
    }

    pub(super) async fn press(&mut self, ending: &str) -> Page {
        let form = self.button(ending).await;
        self.browser.submit(&form).await.unwrap()
    }
}

/// Promise: from a fresh sign-in to the first waiting mail in Jira it takes 5 seconds at most: when a mailbox is connected, and when a
/// sign-in that Microsoft had ended is made anew.
#[rstest]
#[case::graph(ConnectionType::Graph)]
#[case::ews(ConnectionType::Ews)]
#[tokio::test(flavor = "multi_thread")]
async fn waiting_mail_is_in_jira_soon_after_a_sign_in(#[case] over: ConnectionType) {
    let mut world = World::over(over).await;
    world.deliver("waiting before");
    let begun = world.connect().await;
    world.in_jira("waiting before").await;
    let first = begun.elapsed();

    let revoke = json!({ "upn": MAILBOX, "access_tokens": true });
    world.control(reqwest::Method::POST, "/revoke", &revoke).await;
    let offline = async {
        while world.state_of_source().await != "offline" {
            world.running.poll_now();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), offline).await.expect("the source goes offline");
    world.deliver("waiting meanwhile");
    let page = world.press("/sign-in").await;
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    let url = world.running.url.clone();
    let page = connect::through_microsoft(&mut world.browser, &url, page, &wishes).await.unwrap();
    assert!(page.status.is_success(), "{}", page.html);
    world.in_jira("waiting meanwhile").await;
    let again = world.since_sign_in().await;
    eprintln!(
        "over {over}, from the confirmation to the first waiting mail in Jira: {first:?}; from a new sign-in: {again:?}"
    );
    assert!(first <= SOON && again <= SOON, "{over}: {first:?}, {again:?}");
    world.running.stop().await;
    world.sim.stop().await;
}

/// Promise: in shadow mode nothing is written, neither to Jira nor to the mailbox: not for new mail, not for a plan that was begun
/// before, not by a retry of a held mail, and no mark that is due. When it ends, what was begun before goes on.
#[rstest]
#[case::graph(ConnectionType::Graph)]
#[case::ews(ConnectionType::Ews)]
#[tokio::test(flavor = "multi_thread")]
async fn shadow_mode_writes_nothing(#[case] over: ConnectionType) {
    let mut world = World::over(over).await;
    world.connect().await;
    world.control(reqwest::Method::POST, "/jira/tokens", &json!({ "revoke": true })).await;
    world.deliver("begun before");
    world.until_messages("acting", 1).await;
    let shadow = world.button("/shadow").await;
    let page = world.browser.submit(&shadow).await.unwrap();
    assert!(page.html.contains("Shadow mode") || page.html.contains("shadow mode"), "{}", page.html);
    world.control(reqwest::Method::POST, "/jira/tokens", &json!({ "revoke": false })).await;
    world.press("/ping").await;
    world.deliver("read in shadow");
    world.until_messages("ended", 1).await;
    // A mail that is held, and a mark that is due.
    let held = sql!(
        "UPDATE message SET state = 'held', ending = 'held', ended_by = 'act', reason = 'test', lease_until = 0, fence = fence + 1 WHERE state = 'acting'"
    );
    world.running.db.execute(held, args![]).await.unwrap();
    let due = sql!("UPDATE message SET mark = 'due', mark_not_before = 0 WHERE state = 'ended'");
    world.running.db.execute(due, args![]).await.unwrap();
    let (id,): (uuid::Uuid,) = world
        .running
        .db
        .fetch_one(sql!("SELECT id FROM message WHERE state = 'held'"), args![])
        .await
        .unwrap();
    let page = open(&mut world.browser, &world.running, &format!("/messages/{id}")).await;
    assert!(page.html.contains("shadow mode"), "{}", page.html);
    assert!(page.forms.iter().all(|form| !form.action.path().ends_with("/retry")), "no Retry is offered");
    // Several passes of poller, worker and marker: another mail comes through all of it.
    world.deliver("read later");
    world.until_messages("ended", 2).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(world.subjects().await, Vec::<String>::new());
    let messages =
        world.control(reqwest::Method::GET, &format!("/mailboxes/{MAILBOX}/messages"), &json!({})).await;
    for mail in messages.as_array().unwrap() {
        assert_eq!((&mail["is_read"], &mail["categories"]), (&json!(false), &json!([])), "{mail}");
        assert_eq!(mail["extended_properties"], json!({}), "{mail}");
    }
    // It ends: the held one can be retried, and the mark is made.
    world.press("/shadow").await;
    let page = open(&mut world.browser, &world.running, &format!("/messages/{id}")).await;
    let retry =
        page.forms.iter().find(|form| form.action.path().ends_with("/retry")).cloned().expect("Retry");
    world.browser.submit(&retry).await.unwrap();
    world.in_jira("begun before").await;
    let marked = async {
        loop {
            let messages = world
                .control(reqwest::Method::GET, &format!("/mailboxes/{MAILBOX}/messages"), &json!({}))
                .await;
            let read = messages.as_array().unwrap().iter().filter(|mail| mail["is_read"] == true).count();
            if read >= 2 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), marked).await.expect("what is due is marked");
    world.running.stop().await;
    world.sim.stop().await;
}

/// Promise: a source that is confirmed in shadow mode writes nothing from its first mail on; the form keeps the tick meanwhile.
#[rstest]
#[case::graph(ConnectionType::Graph)]
#[case::ews(ConnectionType::Ews)]
#[tokio::test(flavor = "multi_thread")]
async fn shadow_mode_begins_with_the_first_mail(#[case] over: ConnectionType) {
    let mut world = World::over(over).await;
    world.deliver("lay there before");
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    let mut page = world.sign_in().await;
    if page.url.path() != "/sources/new" {
        let (_, at) = page.links.iter().find(|(_, url)| url.path() == "/sources/new").unwrap().clone();
        page = world.browser.open(&at).await.unwrap();
    }
    let form = page.form(&["mailbox", "project", "start"]).unwrap();
    let page = world.browser.submit(&form.with("shadow", "on").with("do", "folders")).await.unwrap();
    connect::confirm(&mut world.browser, &world.running.url, page, &wishes).await.unwrap();
    world.until_messages("ended", 1).await;
    let (ended_by,): (String,) =
        world.running.db.fetch_one(sql!("SELECT ended_by FROM message"), args![]).await.unwrap();
    assert_eq!(ended_by, "shadow-mode");
    assert_eq!(world.subjects().await, Vec::<String>::new());
    let list = open(&mut world.browser, &world.running, "/sources").await;
    assert!(list.html.contains("Shadow mode: mail is read and decided"), "{}", list.html);
    world.running.stop().await;
    world.sim.stop().await;
}

/// Promise: the dry run of a new source shows mail that was handled before as that, with its issue, and other mail as new.
#[rstest]
#[case::graph(ConnectionType::Graph)]
#[case::ews(ConnectionType::Ews)]
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_knows_what_was_handled(#[case] over: ConnectionType) {
    let mut world = World::over(over).await;
    world.connect().await;
    world.deliver("handled before");
    world.in_jira("handled before").await;
    world.until_messages("ended", 1).await;
    world.press("/pause").await;
    world.deliver("not seen yet");
    let (account,): (uuid::Uuid,) =
        world.running.db.fetch_one(sql!("SELECT id FROM account"), args![]).await.unwrap();
    let way = Way { over, ..Way::default() };
    let at = format!("/sources/new?{}", way.query(account));
    let page = open(&mut world.browser, &world.running, &at).await;
    let form = page.form(&["mailbox", "project", "start"]).unwrap();
    let form = form.choosing("project", "SUP").unwrap().choosing("issue_type", "Task").unwrap();
    let tried = world.browser.submit(&form.with("start", "everything").with("do", "dry_run")).await.unwrap();
    for part in ["handled already: SUP-1", "not seen yet", "becomes a Task in SUP"] {
        assert!(tried.html.contains(part), "{part} is missing: {}", tried.html);
    }
    assert_eq!(tried.html.matches("becomes a Task").count(), 1, "{}", tried.html);
    world.running.stop().await;
    world.sim.stop().await;
}
