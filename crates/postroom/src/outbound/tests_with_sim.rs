//! Against the simulator: what an answer that was lost and a mail's own fault come to.

use std::net::{Ipv4Addr, SocketAddr};

use ::mail::Address;
use ::mail::compose::Draft;
use fault::Class;
use secrecy::SecretString;
use serde_json::{Value, json};
use store::testing::TestFolder;
use store::{args, sql};
use uuid::Uuid;

use super::send::{NotSent, record};
use super::{Sent, Used, send};
use crate::config::Config;
use crate::connections::health;
use crate::connections::outbounds::check_due;
use crate::connections::outbounds::ping::on_record;
use crate::connections::store::outbounds::{self as rows, Outbound};
use crate::demo::browser::Browser;
use crate::demo::connect::{self, Wishes};
use crate::serve::{self, Running};
use crate::web::components::Health;

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
    config
}

/// A mail as a notice is one.
fn mail(subject: &str) -> Draft {
    let address = |text: &str| Address { name: None, address: text.to_owned() };
    Draft {
        from: Some(address(MAILBOX)),
        to: vec![address("grace@contoso.test")],
        subject: subject.to_owned(),
        text: Some("Look.".to_owned()),
        message_id: format!("{}@contoso.test", Uuid::now_v7()),
        date: jiff::Timestamp::from_second(1_790_000_000).unwrap(),
        ..Draft::default()
    }
}

async fn outbound(running: &Running) -> Outbound {
    let (workspace,): (Uuid,) =
        running.db.fetch_one(sql!("SELECT id FROM workspace LIMIT 1"), args![]).await.unwrap();
    rows::all(&running.db, workspace).await.unwrap().remove(0)
}

/// The simulator's truth: which folders the mails of that subject lie in.
async fn lie_in(sim: &sim::Sim, subject: &str) -> Vec<String> {
    let control = sim.ready().control.trim_end_matches('/');
    let all: Value =
        reqwest::get(format!("{control}/mailboxes/{MAILBOX}/messages")).await.unwrap().json().await.unwrap();
    let all = all.as_array().unwrap().iter().filter(|mail| mail["subject"] == subject);
    all.map(|mail| mail["folder"].as_str().unwrap_or_default().to_ascii_lowercase()).collect()
}

/// The next request of sending fails so.
async fn fails(sim: &sim::Sim, kind: &str, status: u16, code: &str) {
    fails_so_often(sim, kind, status, code, 1).await;
}

async fn fails_so_often(sim: &sim::Sim, kind: &str, status: u16, code: &str, count: u32) {
    let rule = json!({
        "service": "graph", "method": "POST", "path": "/send$", "kind": kind, "status": status, "code": code, "count": count,
    });
    let control = format!("{}/faults", sim.ready().control.trim_end_matches('/'));
    let told = reqwest::Client::new().post(control).json(&rule).send().await.unwrap();
    assert!(told.status().is_success(), "{}", told.status());
}

/// Promise: a mail that was sent although its answer was lost is done, not sent twice and nobody's trouble; a draft that was refused is
/// sent later, once; and a recipient whom nobody can write to is that mail's fault and not the outbound's.
#[tokio::test(flavor = "multi_thread")]
async fn a_mails_own_fault_is_not_the_outbounds() {
    let folder = TestFolder::new();
    let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
    let running = serve::start(settings(&folder, sim.ready())).await.unwrap();
    let mut browser = Browser::new(connect::http().unwrap());
    connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    let form = connect::sign_in_at(&mut browser, &running.url, "/outbounds", &wishes).await.unwrap();
    browser.submit(&form.form(&["mailbox", "from_name"]).unwrap()).await.unwrap();
    let connections = &running.connections;
    let through = outbound(&running).await;

    // Sent, and the process was killed before it knew.
    let lost = mail("Lost");
    let (result, _) = send(connections, &through, &lost, "stamp-lost", false).await;
    assert_eq!(result.unwrap(), Sent::Done);
    let (result, _) = send(connections, &through, &lost, "stamp-lost", true).await;
    assert_eq!(result.unwrap(), Sent::Done, "it is found, and is no draft any more");
    assert_eq!(lie_in(&sim, "Lost").await, ["sentitems"]);

    // Refused for a time: the draft waits and goes at the second attempt.
    let later = mail("Later");
    fails(&sim, "status", 403, "ErrorAccessDenied").await;
    let (result, _) = send(connections, &through, &later, "stamp-later", false).await;
    assert!(matches!(result, Err(NotSent::Send(_))), "{result:?}");
    assert_eq!(lie_in(&sim, "Later").await, ["drafts"]);
    let (result, _) = send(connections, &through, &later, "stamp-later", true).await;
    assert_eq!(result.unwrap(), Sent::Done);
    assert_eq!(lie_in(&sim, "Later").await, ["sentitems"]);

    // A mail that was saved and never stamped is found by its Message-ID.
    let (result, _) = send(connections, &through, &later, "another-stamp", true).await;
    assert_eq!(result.unwrap(), Sent::Done);
    assert_eq!(lie_in(&sim, "Later").await, ["sentitems"]);

    // Nobody can write to that address.
    let wrong = mail("Wrong");
    fails(&sim, "status", 400, "ErrorInvalidRecipients").await;
    let (result, _) = send(connections, &through, &wrong, "stamp-wrong", false).await;
    let Err(NotSent::Send(fault)) = result else { panic!("{result:?}") };
    assert_eq!((fault.entry.id, fault.entry.class), ("graph.recipient", Class::Poison));
    record(connections, &through, Used::Refused(fault)).await.unwrap();
    let after = outbound(&running).await;
    assert_eq!((after.state.as_str(), after.failures, after.fault), ("online", 0, None));
    let (told,): (i64,) = running.db.fetch_one(sql!("SELECT count(*) FROM notice"), args![]).await.unwrap();
    assert_eq!(told, 0);
    running.stop().await;
    sim.stop().await;
}

async fn notices(running: &Running) -> Vec<String> {
    let all: Vec<(String,)> =
        running.db.fetch_all(sql!("SELECT kind FROM notice ORDER BY raised_at"), args![]).await.unwrap();
    all.into_iter().map(|(kind,)| kind).collect()
}

/// A look at the outbound, as it is due every ten minutes.
async fn look(running: &Running) {
    running.db.execute(sql!("UPDATE outbound SET next_check_at = 0"), args![]).await.unwrap();
    check_due(&running.connections).await;
}

/// Promise: a mailbox that may not send any more is offline until a mail has gone. That its folder of drafts answers brings it back
/// neither in the list nor in a notice; a ping that sends does.
#[tokio::test(flavor = "multi_thread")]
async fn an_outbound_that_may_not_send_is_not_back_by_a_look() {
    let folder = TestFolder::new();
    let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
    let running = serve::start(settings(&folder, sim.ready())).await.unwrap();
    let mut browser = Browser::new(connect::http().unwrap());
    connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    let form = connect::sign_in_at(&mut browser, &running.url, "/outbounds", &wishes).await.unwrap();
    browser.submit(&form.form(&["mailbox", "from_name"]).unwrap()).await.unwrap();
    let through = outbound(&running).await;
    let ping = async || {
        let to = Some("grace@contoso.test");
        let report = on_record(&running.connections, through.workspace_id, through.id, "test", to).await;
        report.unwrap().unwrap()
    };
    assert!(ping().await.is_good());

    fails_so_often(&sim, "status", 403, "ErrorSendAsDenied", 2).await;
    let report = ping().await;
    let bad: Vec<&str> =
        report.checks.iter().filter(|check| check.fault.is_some()).map(|check| check.name.as_str()).collect();
    assert_eq!(bad, ["Right to send"]);
    for _ in 0..2 {
        look(&running).await;
        let after = outbound(&running).await;
        assert_eq!(health::of_outbound(&after).health, Health::Offline);
        assert_eq!(
            (after.state.as_str(), after.send_state.as_str()),
            ("online", "offline"),
            "what was asked answers"
        );
    }
    // A ping that sends nothing brings nothing back either.
    on_record(&running.connections, through.workspace_id, through.id, "test", None).await.unwrap();
    assert_eq!(health::of_outbound(&outbound(&running).await).health, Health::Offline);
    assert_eq!(notices(&running).await, ["offline"]);
    let page = browser.open(&running.url.join("/outbounds").unwrap()).await.unwrap();
    assert!(page.html.contains("ErrorSendAsDenied") && page.html.contains(">offline<"), "{}", page.html);
    // Still refused, and then let.
    assert!(!ping().await.is_good());
    assert!(ping().await.is_good());
    assert_eq!(health::of_outbound(&outbound(&running).await).health, Health::Online);
    assert_eq!(notices(&running).await, ["offline", "back"]);
    running.stop().await;
    sim.stop().await;
}

/// Promise: a test mail whose answer was lost is neither sent nor refused: its line is neither good nor bad, not all checks are good, and
/// no mail counts as sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_mail_in_doubt_is_neither_good_nor_bad() {
    let folder = TestFolder::new();
    let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
    let running = serve::start(settings(&folder, sim.ready())).await.unwrap();
    let mut browser = Browser::new(connect::http().unwrap());
    connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    let form = connect::sign_in_at(&mut browser, &running.url, "/outbounds", &wishes).await.unwrap();
    let list = browser.submit(&form.form(&["mailbox", "from_name"]).unwrap()).await.unwrap();
    fails(&sim, "reset_after_effect", 504, "").await;
    let button = list.forms.iter().find(|form| form.action.path().ends_with("/ping")).cloned().unwrap();
    let page = browser.submit(&button).await.unwrap();
    assert!(page.html.contains("Not everything is known"), "{}", page.html);
    assert!(
        !page.html.contains("All checks are good") && !page.html.contains("Something is wrong"),
        "{}",
        page.html
    );
    let line = page.html.split("<li class=\"").find(|line| line.contains("Right to send")).expect("its line");
    assert!(line.starts_with("warn\"") && line.contains("not known"), "{line}");
    let after = outbound(&running).await;
    assert_eq!((after.last_sent_at, after.state.as_str()), (None, "online"), "nobody knows that a mail went");
    running.stop().await;
    sim.stop().await;
}
