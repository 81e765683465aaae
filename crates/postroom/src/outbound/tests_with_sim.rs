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
use super::{Sent, send};
use crate::config::Config;
use crate::connections::store::outbounds::{self as rows, Outbound};
use crate::demo::browser::Browser;
use crate::demo::connect::{self, Wishes};
use crate::serve::{self, Running};

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
    let rule = json!({
        "service": "graph", "method": "POST", "path": "/send$", "kind": kind, "status": status, "code": code, "count": 1,
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
    record(connections, &through, Err(&fault)).await.unwrap();
    let after = outbound(&running).await;
    assert_eq!((after.state.as_str(), after.failures, after.fault), ("online", 0, None));
    let (told,): (i64,) = running.db.fetch_one(sql!("SELECT count(*) FROM notice"), args![]).await.unwrap();
    assert_eq!(told, 0);
    running.stop().await;
    sim.stop().await;
}
