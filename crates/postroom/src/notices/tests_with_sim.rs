//! Against the simulator, over Graph and over EWS: an outbound made through the pages sends, and from a refused call to somebody's
//! webhook it takes no longer than five seconds.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rstest::rstest;
use secrecy::SecretString;
use serde_json::json;
use store::testing::TestFolder;
use store::{args, sql};
use tokio::time::Instant;

use super::tests::{Came, listen};
use crate::config::Config;
use crate::connections::connection_type::ConnectionType;
use crate::demo::browser::{Browser, Page};
use crate::demo::connect::{self, Wishes};
use crate::serve;

const MAILBOX: &str = "support@contoso.test";

fn settings(folder: &TestFolder, sim: &sim::Ready) -> Config {
    let mut config = Config::defaults();
    config.data_folder = folder.path().join("data");
    config.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config.microsoft.login_url = sim.entra.parse().unwrap();
    config.microsoft.graph_url = sim.graph.parse().unwrap();
    config.microsoft.client_id = Some(sim.client_id.clone());
    config.microsoft.client_secret = Some(SecretString::from(sim.client_secret.clone()));
    config.microsoft.tenant = sim.tenant_id.clone();
    config.jira.base_url = Some(sim.jira.parse().unwrap());
    config.jira.user = Some(sim.jira_user.clone());
    config.jira.token = Some(SecretString::from(sim.jira_token.clone()));
    config.inbound.poll_interval = Duration::from_secs(1);
    config.notices.allow_hosts = vec!["127.0.0.1".to_owned()];
    config
}

/// How long it may take from a refused call to somebody's webhook.
const SOON: Duration = Duration::from_secs(5);

/// A console whose mailboxes are reached over Graph or EWS, and somebody's webhook.
struct World {
    sim: sim::Sim,
    running: serve::Running,
    browser: Browser,
    came: Came,
    over: ConnectionType,
    _folder: TestFolder,
}

impl World {
    async fn over(over: ConnectionType) -> Self {
        let folder = TestFolder::new();
        let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
        let mut config = settings(&folder, sim.ready());
        config.microsoft.ews_url = Some(sim.ready().ews.parse().unwrap());
        let running = serve::start(config).await.unwrap();
        let mut browser = Browser::new(connect::http().unwrap());
        connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
        let (came, address) = listen().await;
        let new = running.url.join("/notices/channels/new?kind=webhook").unwrap();
        let form = browser.open(&new).await.unwrap().form(&["name", "address"]).unwrap();
        let added = browser.submit(&form.with("name", "Operations").with("address", &address)).await.unwrap();
        assert!(added.html.contains("whsec_"), "{}", added.html);
        Self { sim, running, browser, came, over, _folder: folder }
    }

    /// Signs in, up to the form of a list's connection or the page that leads to it.
    async fn sign_in(&mut self, list: &str) -> Page {
        let (url, wishes) = (&self.running.url, Wishes::everything(MAILBOX, "SUP", "Task"));
        match self.over {
            ConnectionType::Graph => {
                connect::sign_in_at(&mut self.browser, url, list, &wishes).await.unwrap()
            }
            ConnectionType::Ews => {
                connect::begin_over_ews(&mut self.browser, url, list, "", &wishes).await.unwrap()
            }
        }
    }

    async fn make_source(&mut self) {
        let page = self.sign_in("/sources").await;
        let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
        connect::confirm(&mut self.browser, &self.running.url, page, &wishes).await.unwrap();
    }

    async fn make_outbound(&mut self) {
        let form = self.sign_in("/outbounds").await;
        assert_eq!(form.url.path(), "/outbounds/new", "{}", form.html);
        let form = form.form(&["mailbox", "from_name"]).unwrap().with("from_name", "Contoso Support");
        let list = self.browser.submit(&form).await.unwrap();
        assert!(list.html.contains("Contoso Support") && list.html.contains("online"), "{}", list.html);
    }

    /// Pings the only outbound.
    async fn ping(&mut self) -> Page {
        let list = self.browser.open(&self.running.url.join("/outbounds").unwrap()).await.unwrap();
        let ping = list.forms.iter().find(|form| form.action.path().ends_with("/ping")).cloned().unwrap();
        self.browser.submit(&ping).await.unwrap()
    }

    fn control(&self, path: &str) -> String {
        format!("{}{path}", self.sim.ready().control.trim_end_matches('/'))
    }

    /// Microsoft ends the sign-in and the tokens made of it.
    async fn revoke(&self) {
        let revoke = json!({ "upn": MAILBOX, "access_tokens": true });
        let told = reqwest::Client::new().post(self.control("/revoke")).json(&revoke).send().await.unwrap();
        assert!(told.status().is_success(), "{}", told.status());
    }

    /// What the mailbox's service was asked so far.
    async fn asked(&self) -> u64 {
        let counted: serde_json::Value =
            reqwest::get(self.control("/counters")).await.unwrap().json().await.unwrap();
        counted[self.over.word()]["requests"].as_u64().unwrap()
    }

    /// Waits until the webhook is called.
    async fn is_told(&self) {
        let mut arrived = self.came.count.subscribe();
        let waited = tokio::time::timeout(Duration::from_secs(30), arrived.wait_for(|count| *count > 0));
        waited.await.expect("the webhook is called").unwrap();
    }

    /// What was told: of each of these once, and nothing but that they are offline.
    async fn told_of(&self, objects: &[&str]) {
        let first = self.came.take();
        let notices = first[0].1["data"]["notices"].as_array().unwrap();
        assert!(notices.iter().all(|notice| notice["kind"] == "offline"), "{notices:?}");
        assert!(first[0].1.to_string().contains("AADSTS50173"), "{}", first[0].1);
        let rows: Vec<(String,)> = self
            .running
            .db
            .fetch_all(sql!("SELECT object_kind FROM notice ORDER BY object_kind"), args![])
            .await
            .unwrap();
        let told: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
        assert_eq!(told, objects, "each once");
    }

    async fn stop(self) {
        self.running.stop().await;
        self.sim.stop().await;
    }
}

/// Promise: an outbound is made, its ping mails a test; when Microsoft ends the sign-in, the webhook knows within five seconds
/// of the refused call, and once only.
#[rstest]
#[case::graph(ConnectionType::Graph)]
#[case::ews(ConnectionType::Ews)]
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call_is_told_within_five_seconds(#[case] over: ConnectionType) {
    let mut world = World::over(over).await;
    world.make_source().await;
    world.make_outbound().await;
    let pinged = world.ping().await;
    for part in [
        "All checks are good",
        "Token",
        "Identity",
        "Folder",
        "Count",
        "Right to write",
        "Right to send",
        "Quota",
        "test mail is on its way",
    ] {
        assert!(pinged.html.contains(part), "{part} is missing: {}", pinged.html);
    }
    world.revoke().await;
    world.running.poll_now();
    let begun = Instant::now();
    world.is_told().await;
    let took = begun.elapsed();
    eprintln!("over {over}, from the refused call of a source to the notice: {took:?}");
    assert!(took <= SOON, "{over}: {took:?}");
    // The account's sign-in has ended for all that uses it, whichever of them met that.
    world.told_of(&["outbound", "source"]).await;
    world.stop().await;
}

/// Promise: an outbound that stands alone, with no source in the installation, is told of as soon, whether somebody's ping meets the
/// refusal or the look that Postroom takes by itself.
#[rstest]
#[case::graph(ConnectionType::Graph)]
#[case::ews(ConnectionType::Ews)]
#[tokio::test(flavor = "multi_thread")]
async fn an_outbound_alone_is_told_of_as_soon(
    #[case] over: ConnectionType,
    #[values(true, false)] is_pinged: bool,
) {
    let mut world = World::over(over).await;
    world.make_outbound().await;
    let (sources,): (i64,) =
        world.running.db.fetch_one(sql!("SELECT count(*) FROM source"), args![]).await.unwrap();
    assert_eq!(sources, 0);
    world.revoke().await;
    let before = world.asked().await;
    let begun = if is_pinged {
        let begun = Instant::now();
        let pinged = world.ping().await;
        assert!(pinged.html.contains("AADSTS50173"), "{}", pinged.html);
        begun
    } else {
        // It is due, and looked at when it is its turn: from the request that Microsoft refuses on it counts.
        world.running.db.execute(sql!("UPDATE outbound SET next_check_at = 0"), args![]).await.unwrap();
        let refused = async {
            while world.asked().await == before {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), refused).await.expect("it is looked at");
        Instant::now()
    };
    world.is_told().await;
    let took = begun.elapsed();
    let by = if is_pinged { "somebody's ping" } else { "Postroom's own look" };
    eprintln!("over {over}, from {by} at an outbound alone to the notice: {took:?}");
    assert!(took <= SOON, "{over}, {by}: {took:?}");
    world.told_of(&["outbound"]).await;
    world.stop().await;
}

/// The subjects of the mails in somebody's inbox, the oldest first, with who sent each.
async fn mails_of(sim: &sim::Sim, mailbox: &str) -> Vec<(String, String)> {
    let at = format!("{}/mailboxes/{mailbox}/messages", sim.ready().control.trim_end_matches('/'));
    let all: Vec<serde_json::Value> = reqwest::get(at).await.unwrap().json().await.unwrap();
    let text = |mail: &serde_json::Value, field: &str| mail[field].as_str().unwrap_or_default().to_owned();
    all.iter()
        .filter(|mail| mail["folder"] == "inbox")
        .map(|mail| (text(mail, "subject"), text(mail, "from")))
        .collect()
}

/// Waits until so many mails came.
async fn came(sim: &sim::Sim, mailbox: &str, count: usize) -> Vec<(String, String)> {
    let arrived = async {
        loop {
            let mails = mails_of(sim, mailbox).await;
            if mails.len() >= count {
                return mails;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), arrived).await.expect("the mail comes")
}

/// Promise: notices go by mail through an outbound that works; the console says that it is the only way and asks for a second one; a
/// source that stops is told of in one mail, and in one more that it is back, with how many mails waited.
#[tokio::test(flavor = "multi_thread")]
async fn notices_go_by_mail_through_an_outbound_that_works() {
    const SENDER: &str = "anna@contoso.test";
    const READER: &str = "bruno@contoso.test";
    let folder = TestFolder::new();
    let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
    let running = serve::start(settings(&folder, sim.ready())).await.unwrap();
    let mut browser = Browser::new(connect::http().unwrap());
    connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    let signed_in = connect::sign_in(&mut browser, &running.url, &wishes).await.unwrap();
    connect::confirm(&mut browser, &running.url, signed_in, &wishes).await.unwrap();

    // A channel without an outbound: said, and the test says why.
    let new = running.url.join("/notices/channels/new?kind=mail").unwrap();
    let form = browser.open(&new).await.unwrap().form(&["name", "to"]).unwrap();
    browser.submit(&form.with("name", "On call").with("to", READER)).await.unwrap();
    let notices = running.url.join("/notices").unwrap();
    let page = browser.open(&notices).await.unwrap();
    assert!(page.html.contains("no Message Outbound works: none can be sent"), "{}", page.html);

    let sender = Wishes::everything(SENDER, "SUP", "Task");
    let form = connect::sign_in_at(&mut browser, &running.url, "/outbounds", &sender).await.unwrap();
    assert_eq!(form.url.path(), "/outbounds/new", "{}", form.html);
    let form = form.form(&["mailbox", "from_name"]).unwrap().with("from_name", "Contoso Postroom");
    browser.submit(&form).await.unwrap();
    let page = browser.open(&notices).await.unwrap();
    assert!(
        page.html.contains(&format!("all of it is sent as {SENDER}"))
            && page.html.contains("Add a second way below"),
        "{}",
        page.html
    );
    let test = page.forms.iter().find(|form| form.action.path().ends_with("/test")).cloned().unwrap();
    let tested = browser.submit(&test).await.unwrap();
    assert!(tested.html.contains("took the test notice"), "{}", tested.html);
    let first = came(&sim, READER, 1).await;
    assert_eq!(first[0].1, SENDER, "{first:?}");

    // The source's sign-in ends, while mail goes on coming: one mail tells.
    let revoke = json!({ "upn": MAILBOX, "access_tokens": true });
    let control = format!("{}/revoke", sim.ready().control.trim_end_matches('/'));
    let told = reqwest::Client::new().post(control).json(&revoke).send().await.unwrap();
    assert!(told.status().is_success(), "{}", told.status());
    running.poll_now();
    let mails = came(&sim, READER, 2).await;
    assert!(mails[1].0.contains("offline") && mails[1].1 == SENDER, "{mails:?}");
    for subject in ["first", "second"] {
        let mail = format!("From: anna@contoso.test\r\nTo: {MAILBOX}\r\nSubject: {subject}\r\n\r\nHelp.\r\n");
        sim.deliver(MAILBOX, mail.as_str()).unwrap();
    }

    // Signed in again: it is back, with the mails that waited, and nobody was told anything in between.
    connect::sign_in(&mut browser, &running.url, &wishes).await.unwrap();
    running.poll_now();
    let mails = came(&sim, READER, 3).await;
    assert_eq!(mails.len(), 3, "{mails:?}");
    assert!(mails[2].0.contains("back"), "{mails:?}");
    let page = browser.open(&notices).await.unwrap();
    assert!(page.html.contains("2 mails had waited"), "{}", page.html);
    running.stop().await;
    sim.stop().await;
}
