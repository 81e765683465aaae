//! Against the simulator: an outbound made through the pages sends, and from a refused call to somebody's webhook it takes no
//! longer than five seconds.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;
use store::testing::TestFolder;
use store::{args, sql};
use tokio::time::Instant;

use super::tests::listen;
use crate::config::Config;
use crate::demo::browser::Browser;
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

/// Promise: an outbound is made, its ping mails a test; when Microsoft ends the sign-in, the webhook knows within five seconds
/// of the refused call, and once only.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call_is_told_within_five_seconds() {
    let folder = TestFolder::new();
    let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
    let running = serve::start(settings(&folder, sim.ready())).await.unwrap();
    let mut browser = Browser::new(connect::http().unwrap());
    connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    let signed_in = connect::sign_in(&mut browser, &running.url, &wishes).await.unwrap();
    connect::confirm(&mut browser, &running.url, signed_in, &wishes).await.unwrap();

    let form = connect::sign_in_at(&mut browser, &running.url, "/outbounds", &wishes).await.unwrap();
    assert_eq!(form.url.path(), "/outbounds/new", "{}", form.html);
    let form = form.form(&["mailbox", "from_name"]).unwrap().with("from_name", "Contoso Support");
    let list = browser.submit(&form).await.unwrap();
    assert!(list.html.contains("Contoso Support") && list.html.contains("online"), "{}", list.html);
    let ping = list.forms.iter().find(|form| form.action.path().ends_with("/ping")).cloned().unwrap();
    let pinged = browser.submit(&ping).await.unwrap();
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

    let (came, address) = listen().await;
    let new = running.url.join("/notices/channels/new?kind=webhook").unwrap();
    let form = browser.open(&new).await.unwrap().form(&["name", "address"]).unwrap();
    let added = browser.submit(&form.with("name", "Operations").with("address", &address)).await.unwrap();
    assert!(added.html.contains("whsec_"), "{}", added.html);

    let revoke = json!({ "upn": MAILBOX, "access_tokens": true });
    let control = format!("{}/revoke", sim.ready().control.trim_end_matches('/'));
    let told = reqwest::Client::new().post(control).json(&revoke).send().await.unwrap();
    assert!(told.status().is_success(), "{}", told.status());
    running.poll_now();
    let begun = Instant::now();
    let mut arrived = came.count.subscribe();
    let waited = tokio::time::timeout(Duration::from_secs(30), arrived.wait_for(|count| *count > 0));
    waited.await.expect("the webhook is called").unwrap();
    let took = begun.elapsed();
    assert!(took <= Duration::from_secs(5), "{took:?}");
    let first = came.take();
    let notices = first[0].1["data"]["notices"].as_array().unwrap();
    assert!(notices.iter().all(|notice| notice["kind"] == "offline"), "{notices:?}");
    assert!(first[0].1.to_string().contains("AADSTS50173"), "{}", first[0].1);
    let rows: Vec<(String,)> = running
        .db
        .fetch_all(sql!("SELECT object_kind FROM notice ORDER BY object_kind"), args![])
        .await
        .unwrap();
    assert_eq!(rows, [("outbound".to_owned(),), ("source".to_owned(),)], "each once");
    running.stop().await;
    sim.stop().await;
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
