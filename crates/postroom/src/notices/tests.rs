//! Notices from the change of a row to the other side's door, on every database.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use fault::Fault;
use futures::{FutureExt as _, StreamExt as _};
use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use uuid::Uuid;

use super::channels::webhook;
use super::decide::WINDOW;
use super::send::place;
use super::store::{self as rows, NewChannel, Notice};
use super::watch::Watch;
use crate::access::Actor;
use crate::connections::goal::{Goal, Way};
use crate::connections::store::accounts::{self, SignedIn};
use crate::connections::store::sources;
use crate::connections::testing::Office;
use crate::connections::{sign_in, switch, tell};

/// What came to somebody's webhook.
#[derive(Clone)]
pub(super) struct Came {
    all: Arc<Mutex<Vec<(HeaderMap, serde_json::Value)>>>,
    refuses: Arc<Mutex<Option<StatusCode>>>,
    /// Takes what comes and answers as if it had not: an answer that is lost.
    loses: Arc<Mutex<bool>>,
    /// How many came so far.
    pub(super) count: tokio::sync::watch::Sender<usize>,
}

impl Came {
    pub(super) fn take(&self) -> Vec<(HeaderMap, serde_json::Value)> {
        std::mem::take(&mut self.all.lock().unwrap())
    }
}

async fn hook(State(came): State<Came>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if let Some(status) = *came.refuses.lock().unwrap() {
        return status;
    }
    let body = serde_json::from_slice(&body).expect("JSON");
    came.all.lock().unwrap().push((headers, body));
    came.count.send_modify(|count| *count += 1);
    if *came.loses.lock().unwrap() { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::ACCEPTED }
}

/// Somebody's webhook on this machine.
pub(super) async fn listen() -> (Came, String) {
    let came = Came {
        all: Arc::default(),
        refuses: Arc::default(),
        loses: Arc::default(),
        count: tokio::sync::watch::Sender::new(0),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new().route("/hook", post(hook)).with_state(came.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (came, address)
}

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn add_channel(office: &Office, kind: &'static str, address: &str) -> Uuid {
    let id = Uuid::now_v7();
    let sealer = &office.state.connections.sealer;
    let new = NewChannel {
        id,
        workspace: office.workspace(),
        kind,
        name: kind.to_owned(),
        shown: "127.0.0.1".to_owned(),
        target_sealed: sealer.seal(&place("target_sealed", id), address.as_bytes()),
        secret_sealed: (kind == "webhook").then(|| sealer.seal(&place("secret_sealed", id), KEY.as_bytes())),
        now: office.now(),
    };
    let mut tx = office.console.shell.db.begin().await.unwrap();
    rows::add_channel(&mut tx, new).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn fails(office: &Office, source: Uuid, entry: &str) {
    let mut tx = office.console.shell.db.begin().await.unwrap();
    tell::source_fails(&mut tx, source, &Fault::own(entry, ""), office.now()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn works(office: &Office, source: Uuid, new: u64) {
    let mut tx = office.console.shell.db.begin().await.unwrap();
    tell::source_works(&mut tx, source, new, office.now()).await.unwrap();
    tx.commit().await.unwrap();
}

fn later(office: &Office, seconds: u64) {
    office.console.clock.advance(std::time::Duration::from_secs(seconds));
}

async fn notices(office: &Office) -> Vec<Notice> {
    rows::newest(&office.console.shell.db, office.workspace(), jiff::Timestamp::MAX, 100).await.unwrap()
}

/// Promise: offline is told once, signed, in all shapes; that it is back is told with how many mails waited.
#[tokio::test]
async fn offline_and_back_are_told_once() {
    for office in Office::all().await {
        let connected = office.connect().await;
        let (came, address) = listen().await;
        let webhook = add_channel(&office, "webhook", &address).await;
        let teams = add_channel(&office, "teams", &address).await;
        for _ in 0..3 {
            fails(&office, connected.source, "own.not_signed_in").await;
        }
        assert_eq!(notices(&office).await.len(), 1);
        later(&office, 2);
        assert_eq!(rows::channels_due(&office.console.shell.db, office.now()).await.unwrap().len(), 2);
        assert!(office.sender.send_due(webhook).await.unwrap());
        assert!(!office.sender.send_due(webhook).await.unwrap(), "nothing is due any more");
        let (headers, body) = came.take().pop().unwrap();
        assert_eq!(body["type"], "postroom.notices");
        assert_eq!(body["data"]["notices"][0]["kind"], "offline");
        assert_eq!(body["data"]["notices"][0]["object"]["name"], "support@contoso.test");
        let text = body["data"]["notices"][0]["text"].as_str().unwrap();
        assert!(text.contains("Sign in"), "{text}");
        let url = body["data"]["notices"][0]["url"].as_str().unwrap();
        assert!(url.starts_with("http://127.0.0.1:7080/sources/"), "{url}");
        assert!(headers["webhook-signature"].to_str().unwrap().starts_with("v1,"));
        assert!(office.sender.send_due(teams).await.unwrap());
        assert_eq!(came.take()[0].1["type"], "message");

        later(&office, 60);
        works(&office, connected.source, 41).await;
        later(&office, 2);
        assert!(office.sender.send_due(webhook).await.unwrap());
        let (_, body) = came.take().pop().unwrap();
        assert_eq!(body["data"]["notices"][0]["kind"], "back");
        assert!(body["data"]["notices"][0]["text"].as_str().unwrap().contains("41 mails"));
        let all = notices(&office).await;
        assert_eq!(all.len(), 2);
        assert!(all[1].ended_at.is_some());
    }
}

/// Promise: what mends a fault outside of Postroom goes along through every channel: the page in the portal of the cloud, and the
/// command.
#[tokio::test]
async fn the_page_and_the_command_go_along() {
    let office = Office::new().await;
    let connected = office.connect().await;
    let (came, address) = listen().await;
    let mut channels = Vec::new();
    for kind in ["webhook", "slack", "teams"] {
        channels.push(add_channel(&office, kind, &address).await);
    }
    let place = fault::Place {
        cloud: fault::Cloud::Dod,
        mailbox: Some("support@contoso.test".to_owned()),
        ..fault::Place::default()
    };
    let fault = Fault::own("graph.no_mailbox", "").at(&place);
    let mut tx = office.console.shell.db.begin().await.unwrap();
    tell::source_fails(&mut tx, connected.source, &fault, office.now()).await.unwrap();
    tx.commit().await.unwrap();
    later(&office, 2);
    for channel in channels {
        assert!(office.sender.send_due(channel).await.unwrap());
        let came = came.take();
        let body = came[0].1.to_string();
        for part in [
            "https://portal.apps.mil/adminportal/home",
            "Connect-ExchangeOnline -ExchangeEnvironmentName O365USGovDoD",
            "Get-Mailbox -Identity support@contoso.test",
        ] {
            assert!(body.contains(part), "{part} is missing: {body}");
        }
    }
}

/// Promise: what is over before it was sent is not sent, and neither is that it is over.
#[tokio::test]
async fn what_is_over_is_not_sent() {
    for office in Office::all().await {
        let connected = office.connect().await;
        let (came, address) = listen().await;
        let channel = add_channel(&office, "webhook", &address).await;
        fails(&office, connected.source, "own.not_signed_in").await;
        works(&office, connected.source, 0).await;
        later(&office, 5);
        assert!(!office.sender.send_due(channel).await.unwrap());
        assert!(came.take().is_empty());
        assert_eq!(notices(&office).await.len(), 2, "the console keeps both");
    }
}

/// Promise: an account that fails is told for each of its sources in one message.
#[tokio::test]
async fn what_falls_together_goes_together() {
    for office in Office::all().await {
        let connected = office.connect().await;
        let (came, address) = listen().await;
        let channel = add_channel(&office, "slack", &address).await;
        let db = &office.console.shell.db;
        let (now, workspace) = (office.now(), office.workspace());
        let mut tx = db.begin().await.unwrap();
        let mut more = crate::connections::testing::confirmed(
            workspace,
            connected.account,
            connected.mailbox,
            connected.destination,
            now,
        );
        more.folder_id = "other-id".to_owned();
        more.folder_name = "Invoices".to_owned();
        sources::insert(&mut tx, Uuid::now_v7(), more).await.unwrap();
        let fault = Fault::own("own.not_signed_in", "");
        tell::account_fails(&mut tx, connected.account, &fault, now).await.unwrap();
        tx.commit().await.unwrap();
        // The polls that fail of it tell nothing more.
        fails(&office, connected.source, "own.not_signed_in").await;
        later(&office, 2);
        assert!(office.sender.send_due(channel).await.unwrap());
        let came = came.take();
        assert_eq!(came.len(), 1);
        assert_eq!(came[0].1["text"], "Postroom: 2 offline");
        assert!(came[0].1.to_string().contains("support@contoso.test (Invoices)"), "{}", came[0].1);
    }
}

/// Promise: a channel that refuses is tried again, later each time, and the console shows its answer.
#[tokio::test]
async fn a_refusal_is_tried_again() {
    for office in Office::all().await {
        let connected = office.connect().await;
        let (came, address) = listen().await;
        let channel = add_channel(&office, "webhook", &address).await;
        *came.refuses.lock().unwrap() = Some(StatusCode::SERVICE_UNAVAILABLE);
        fails(&office, connected.source, "own.not_signed_in").await;
        later(&office, 2);
        assert!(!office.sender.send_due(channel).await.unwrap());
        let mut browser = office.console.owner().await;
        let page = browser.get("/notices").await;
        for part in ["does not work", "HTTP 503", "1 on the way", "is offline"] {
            assert!(page.body.contains(part), "{part}: {}", page.body);
        }
        *came.refuses.lock().unwrap() = None;
        assert!(!office.sender.send_due(channel).await.unwrap(), "not before its time");
        later(&office, 10);
        assert!(office.sender.send_due(channel).await.unwrap());
        assert_eq!(came.take().len(), 1);
    }
}

/// Promise: a message is repeated as it was, under the same id: what was raised meanwhile goes in a message of its own, so that a
/// receiver that has the first one and leaves its repeat out misses nothing.
#[tokio::test]
async fn a_repeat_takes_nothing_new_along() {
    for office in Office::all().await {
        let connected = office.connect().await;
        let (came, address) = listen().await;
        let channel = add_channel(&office, "webhook", &address).await;
        let named = |body: &serde_json::Value| -> Vec<String> {
            let told = body["data"]["notices"].as_array().unwrap().iter();
            told.map(|notice| notice["object"]["kind"].as_str().unwrap().to_owned()).collect()
        };
        *came.loses.lock().unwrap() = true;
        fails(&office, connected.source, "own.not_signed_in").await;
        later(&office, 2);
        assert!(!office.sender.send_due(channel).await.unwrap());
        let (first, body) = came.take().pop().unwrap();
        assert_eq!(named(&body), ["source"]);
        // Another trouble while the first message is on its way again.
        let mut tx = office.console.shell.db.begin().await.unwrap();
        let fault = Fault::own("jira.token", "");
        tell::destination_fails(&mut tx, connected.destination, &fault, office.now()).await.unwrap();
        tx.commit().await.unwrap();
        *came.loses.lock().unwrap() = false;
        later(&office, 11);
        assert!(office.sender.send_due(channel).await.unwrap());
        assert!(office.sender.send_due(channel).await.unwrap());
        assert!(!office.sender.send_due(channel).await.unwrap());
        let came = came.take();
        let [(again, repeated), (other, fresh)] = came.as_slice() else { panic!("{came:?}") };
        assert_eq!(again["webhook-id"], first["webhook-id"]);
        assert_eq!(repeated["data"]["notices"], body["data"]["notices"]);
        assert_ne!(other["webhook-id"], first["webhook-id"]);
        assert_eq!(named(fresh), ["jira"]);
        assert!(notices(&office).await.iter().all(|notice| (notice.sent, notice.due) == (1, 0)));
    }
}

/// Promise: a sign-in whose two halves take their time is nobody's trouble; one that was given up is told, until somebody signs in or
/// removes it.
#[tokio::test]
async fn a_sign_in_on_its_way_is_no_trouble() {
    for office in Office::all().await {
        let registration = office.register().await;
        let (db, workspace) = (&office.console.shell.db, office.workspace());
        let watch = Watch::new(office.console.shell.clone(), Arc::clone(&office.state.connections));
        let half = async |username: &str| {
            let signed_in = office.signed_in(registration, username);
            let id = signed_in.id;
            let fault = serde_json::to_string(&Fault::own("own.not_signed_in", "").to_record()).unwrap();
            let mut tx = db.begin().await.unwrap();
            accounts::put_basic(&mut tx, signed_in, "Mail.ReadWrite", &fault).await.unwrap();
            tx.commit().await.unwrap();
            id
        };
        let rest = async |id: Uuid, username: &str| {
            let actor = Actor { workspace, user: None, name: "anna".to_owned(), at: office.now() };
            let signed_in = SignedIn { id, ..office.signed_in(registration, username) };
            let mut tx = db.begin().await.unwrap();
            sign_in::record(&mut tx, &actor, signed_in, "Mail.ReadWrite", None).await.unwrap();
            tx.commit().await.unwrap();
        };
        let kinds = async || -> Vec<String> {
            let mut all: Vec<String> = notices(&office).await.into_iter().map(|notice| notice.kind).collect();
            all.sort();
            all
        };
        let slow = half("slow@contoso.test").await;
        for _ in 0..8 {
            later(&office, 60);
            watch.look().await.unwrap();
        }
        rest(slow, "slow@contoso.test").await;
        watch.look().await.unwrap();
        assert!(kinds().await.is_empty(), "eight minutes at Microsoft's pages: {:?}", kinds().await);

        let given_up = half("given-up@contoso.test").await;
        let forgotten = half("forgotten@contoso.test").await;
        later(&office, 16 * 60);
        watch.look().await.unwrap();
        assert_eq!(kinds().await, ["offline", "offline"]);
        rest(given_up, "given-up@contoso.test").await;
        assert_eq!(kinds().await, ["back", "offline", "offline"]);
        let open = rows::open(db, workspace).await.unwrap();
        assert_eq!(open.iter().map(|open| open.object_id).collect::<Vec<_>>(), [forgotten]);
        let mut owner = office.console.owner().await;
        let token = owner.token("/sources").await;
        let removed = owner.post(&format!("/accounts/{forgotten}/remove"), &token, &[]).await;
        assert!(removed.status.is_redirection(), "{}", removed.body);
        assert!(rows::open(db, workspace).await.unwrap().is_empty());
        watch.look().await.unwrap();
        assert_eq!(kinds().await.len(), 3, "whoever removes it knows");
    }
}

/// Promise: what is told of an account that is gone, however it went, does not stay open.
#[tokio::test]
async fn an_account_that_is_gone_is_not_waited_for() {
    for office in Office::all().await {
        let registration = office.register().await;
        let account = office.sign_in(registration, "anna@contoso.test").await;
        let (db, workspace) = (&office.console.shell.db, office.workspace());
        let watch = Watch::new(office.console.shell.clone(), Arc::clone(&office.state.connections));
        let mut tx = db.begin().await.unwrap();
        tell::account_fails(&mut tx, account, &Fault::own("entra.grant_revoked", ""), office.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        watch.look().await.unwrap();
        assert_eq!(rows::open(db, workspace).await.unwrap().len(), 1, "it is there");
        db.execute(store::sql!("DELETE FROM account WHERE id = $1"), store::args![account]).await.unwrap();
        watch.look().await.unwrap();
        assert!(rows::open(db, workspace).await.unwrap().is_empty());
    }
}

/// Promise: whatever fails and however often, of whatever kind and of how many connections, a channel gets at most five messages in any
/// ten minutes, every trouble that lasts is told in the end, and none twice.
#[tokio::test]
async fn many_troubles_of_every_kind_are_no_storm() {
    for office in Office::all().await {
        let connected = office.connect().await;
        let (came, address) = listen().await;
        let channel = add_channel(&office, "webhook", &address).await;
        let db = &office.console.shell.db;
        let (now, workspace) = (office.now(), office.workspace());
        let mut sources = vec![connected.source];
        let mut tx = db.begin().await.unwrap();
        for n in 0..20 {
            let mut more = crate::connections::testing::confirmed(
                workspace,
                connected.account,
                connected.mailbox,
                connected.destination,
                now,
            );
            more.folder_id = format!("folder-{n}");
            more.folder_name = format!("Folder {n}");
            let id = Uuid::now_v7();
            sources::insert(&mut tx, id, more).await.unwrap();
            sources.push(id);
        }
        tx.commit().await.unwrap();
        let entries = ["own.not_signed_in", "entra.admin_approval", "graph.folder_gone", "graph.busy"];
        let (mut at, mut told): (Vec<jiff::Timestamp>, Vec<(String, String)>) = (Vec::new(), Vec::new());
        let mut send = async || {
            if office.sender.send_due(channel).await.unwrap() {
                at.push(office.now());
            }
            for (_, body) in came.take() {
                for notice in body["data"]["notices"].as_array().unwrap() {
                    told.push((notice["id"].as_str().unwrap().to_owned(), notice["kind"].to_string()));
                }
            }
        };
        // An hour in which each source fails in its own rhythm, and comes back; so does the project.
        for round in 0..300_usize {
            for (n, source) in sources.iter().enumerate() {
                if round % (7 + n) == n {
                    fails(&office, *source, entries[(round + n) % entries.len()]).await;
                } else if round % (11 + n) == n {
                    works(&office, *source, 1).await;
                }
            }
            if round % 25 == 3 || round % 25 == 14 {
                let (mut tx, project) = (db.begin().await.unwrap(), connected.destination);
                let now = office.now();
                if round % 25 == 3 {
                    let fault = Fault::own("jira.token", "");
                    tell::destination_fails(&mut tx, project, &fault, now).await.unwrap();
                } else {
                    tell::destination_works(&mut tx, project, now).await.unwrap();
                }
                tx.commit().await.unwrap();
            }
            later(&office, 12);
            send().await;
        }
        // Now all of them stay away.
        for source in &sources {
            works(&office, *source, 0).await;
            fails(&office, *source, "own.not_signed_in").await;
        }
        for _ in 0..60 {
            later(&office, 30);
            send().await;
        }
        for first in &at {
            let window = at.iter().filter(|at| *at >= first && at.duration_since(*first) < WINDOW);
            assert!(window.count() <= super::decide::MOST, "{at:?}");
        }
        let mut ids: Vec<&String> = told.iter().map(|(id, _)| id).collect();
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count, "a notice is told once");
        assert!(told.iter().any(|(_, kind)| kind.contains("approval_needed")), "{told:?}");
        let (waiting,): (i64,) = db
            .fetch_one(
                store::sql!(
                    "SELECT count(*) FROM notice n JOIN notice_delivery d ON d.notice_id = n.id
                     WHERE n.ended_at IS NULL AND n.kind = 'offline' AND d.state <> 'sent'"
                ),
                store::args![],
            )
            .await
            .unwrap();
        let open = rows::open(db, workspace).await.unwrap();
        let open =
            open.iter().filter(|open| open.kind == "offline" && sources.contains(&open.object_id)).count();
        assert_eq!((open, waiting), (sources.len(), 0), "each that stays away is told");
    }
}

/// Promise: however often something goes off and on, a channel gets at most five messages in ten minutes, and what waited goes
/// together.
#[tokio::test]
async fn there_is_no_storm() {
    let office = Office::new().await;
    let connected = office.connect().await;
    let (came, address) = listen().await;
    let channel = add_channel(&office, "webhook", &address).await;
    for _ in 0..40 {
        fails(&office, connected.source, "own.not_signed_in").await;
        later(&office, 2);
        office.sender.send_due(channel).await.unwrap();
        works(&office, connected.source, 0).await;
        later(&office, 2);
        office.sender.send_due(channel).await.unwrap();
    }
    let sent = came.take().len();
    assert_eq!(sent, 4, "two times off and on are told at once, the rest only if it lasts");
    fails(&office, connected.source, "own.not_signed_in").await;
    office.console.clock.advance(std::time::Duration::from_secs(16 * 60));
    assert!(office.sender.send_due(channel).await.unwrap(), "it stayed away");
    assert!(SignedDuration::from_mins(16) > WINDOW);
}

/// Promise: two senders never send the same twice.
#[tokio::test]
async fn one_sender_at_a_time() {
    for office in Office::all().await {
        let connected = office.connect().await;
        let (came, address) = listen().await;
        let channel = add_channel(&office, "webhook", &address).await;
        fails(&office, connected.source, "own.not_signed_in").await;
        later(&office, 2);
        let (one, two) = tokio::join!(office.sender.send_due(channel), office.sender.send_due(channel));
        // Whichever came first: one of them sends, the other leaves it alone.
        assert!(one.unwrap() ^ two.unwrap());
        assert_eq!(came.take().len(), 1);
    }
}

/// Promise: an address of a private network is refused, in the form and when it is reached.
#[tokio::test]
async fn private_addresses_are_refused() {
    let office = Office::new().await;
    let mut browser = office.console.owner().await;
    let token = browser.token("/notices/channels/new?kind=webhook").await;
    let fields = [("name", "Inside"), ("address", "https://10.0.0.1/canary-path")];
    let refused = browser.post("/notices/channels/new?kind=webhook", &token, &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("allow_hosts") && !refused.body.contains("canary"), "{}", refused.body);
    let channel = add_channel(&office, "webhook", "https://localhost:9/x").await;
    let row = rows::channel(&office.console.shell.db, office.workspace(), channel).await.unwrap().unwrap();
    let answer = office.sender.test(&row).await.unwrap();
    assert!(!answer.good && answer.text.contains("private network"), "{answer:?}");
}

/// Promise: a channel is added, shows its key once and its address never, and its test shows the answer.
#[tokio::test]
async fn a_channel_is_added_and_tested() {
    let office = Office::new().await;
    let (came, address) = listen().await;
    let mut browser = office.console.owner().await;
    let empty = browser.get("/notices").await;
    assert!(empty.body.contains("nobody is told while nobody looks"), "{}", empty.body);
    let token = browser.token("/notices/channels/new?kind=webhook").await;
    let fields = [("name", "Operations"), ("address", &*address)];
    let added = browser.post("/notices/channels/new?kind=webhook", &token, &fields).await;
    assert!(added.body.contains(webhook::PREFIX), "{}", added.body);
    let channels = rows::channels(&office.console.shell.db, office.workspace()).await.unwrap();
    let id = channels[0].id;
    browser.post(&format!("/notices/channels/{id}/test"), &token, &[]).await;
    let page = browser.get("/notices").await;
    for part in ["Operations", "works", "HTTP 202", "took the test notice"] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(!page.body.contains("/hook") && !page.body.contains(webhook::PREFIX), "{}", page.body);
    let (headers, body) = came.take().pop().unwrap();
    assert_eq!(body["type"], "postroom.test");
    assert!(headers.contains_key("webhook-id"));
    browser.post(&format!("/notices/channels/{id}/remove"), &token, &[]).await;
    assert!(rows::channels(&office.console.shell.db, office.workspace()).await.unwrap().is_empty());
}

/// Promise: the channels on the page of notices are live: open pages hear of each change of one and of each answer that it gave, and
/// replace the part that they stand in.
#[tokio::test]
async fn channels_are_live() {
    let office = Office::new().await;
    let connected = office.connect().await;
    let (came, address) = listen().await;
    let mut browser = office.console.owner().await;
    let mut topics = Box::pin(office.console.shell.bus.topics());
    let mut heard = || {
        let mut all = Vec::new();
        while let Some(Some(topic)) = topics.next().now_or_never() {
            all.push(topic);
        }
        all.iter().any(|topic| topic == "notices")
    };
    let token = browser.token("/notices/channels/new?kind=webhook").await;
    let fields = [("name", "Operations"), ("address", &*address)];
    browser.post("/notices/channels/new?kind=webhook", &token, &fields).await;
    assert!(heard(), "it was added");
    let id = rows::channels(&office.console.shell.db, office.workspace()).await.unwrap()[0].id;
    for (what, shown) in [("test", "works"), ("pause", "paused"), ("resume", "works")] {
        browser.post(&format!("/notices/channels/{id}/{what}"), &token, &[]).await;
        assert!(heard(), "{what}");
        let page = browser.get("/notices").await.body;
        let (before, row) = page.split_once(&format!("id=\"row-{id}\"")).expect("its row");
        assert!(row.contains(shown), "{shown}: {page}");
        let part = &before[before.rfind("data-live=").expect("a live part")..];
        assert!(part.starts_with("data-live=\"notices sources\"") && !part.contains("</table>"), "{part}");
    }
    *came.refuses.lock().unwrap() = Some(StatusCode::BAD_GATEWAY);
    fails(&office, connected.source, "own.not_signed_in").await;
    // What falls together goes together: it waits a little.
    later(&office, 60);
    heard();
    assert!(!office.sender.send_due(id).await.unwrap());
    assert!(heard(), "a notice was not taken");
    let page = browser.get("/notices").await.body;
    assert!(page.contains("does not work") && page.contains("HTTP 502"), "{page}");
    browser.post(&format!("/notices/channels/{id}/remove"), &token, &[]).await;
    assert!(heard(), "it was removed");
}

/// Promise: mail goes through no outbound that does not work, and best through one that is not concerned.
#[test]
fn mail_takes_the_way_that_works() {
    use crate::connections::store::outbounds::Outbound;
    let outbound = |name: &str, state: &str| Outbound {
        id: Uuid::now_v7(),
        workspace_id: Uuid::nil(),
        account_id: Uuid::nil(),
        app_registration_id: Uuid::nil(),
        username: name.to_owned(),
        account_kind: "user".to_owned(),
        scopes: String::new(),
        account_state: "online".to_owned(),
        account_since: 0,
        account_fault: None,
        signed_in_at: 0,
        refreshed_at: None,
        mailbox_id: Uuid::nil(),
        mailbox_native_id: String::new(),
        mailbox: name.to_owned(),
        ews_url: String::new(),
        connection_type: "graph".to_owned(),
        from_name: String::new(),
        paused_at: None,
        state: state.to_owned(),
        state_since: 0,
        fault: None,
        failures: 0,
        next_check_at: 0,
        last_success_at: None,
        last_sent_at: None,
        send_state: "online".to_owned(),
        send_since: 0,
        send_fault: None,
        send_failures: 0,
        send_next_at: 0,
    };
    let now = jiff::Timestamp::from_second(1_790_000_000).unwrap();
    let all =
        [outbound("a@x.test", "offline"), outbound("b@x.test", "online"), outbound("c@x.test", "online")];
    let chosen = |named: &[&str]| super::send::choose(&all, named, now).map(|one| one.mailbox.clone());
    assert_eq!(chosen(&[]), Some("b@x.test".to_owned()));
    assert_eq!(chosen(&["b@x.test"]), Some("c@x.test".to_owned()));
    assert!(super::send::choose(&all[..1], &[], now).is_none());

    // Refused to send: nothing but a mail shows that it is let again, so where no other works it is tried, and not too often.
    let refused = |next: i64| Outbound {
        send_state: "offline".to_owned(),
        send_next_at: now.as_microsecond() + next,
        ..outbound("d@x.test", "online")
    };
    let both = [refused(-1), outbound("b@x.test", "online")];
    assert_eq!(super::send::choose(&both, &[], now).map(|one| one.mailbox.as_str()), Some("b@x.test"));
    let due = [all[0].clone(), refused(-1)];
    assert_eq!(super::send::choose(&due, &[], now).map(|one| one.mailbox.as_str()), Some("d@x.test"));
    assert!(super::send::choose(&[refused(1)], &[], now).is_none());
    let paused = Outbound { paused_at: Some(1), ..refused(-1) };
    assert!(super::send::choose(&[paused], &[], now).is_none());
    let signed_out = Outbound { account_state: "offline".to_owned(), ..refused(-1) };
    assert!(super::send::choose(&[signed_out], &[], now).is_none());
}

/// Promise: what nobody raised is found by looking, an end that is near is told once, and a removed source is not waited for.
#[tokio::test]
async fn looking_finds_what_nobody_raised() {
    for office in Office::all().await {
        let connected = office.connect().await;
        let db = &office.console.shell.db;
        let watch = Watch::new(office.console.shell.clone(), Arc::clone(&office.state.connections));
        watch.look().await.unwrap();
        assert!(notices(&office).await.is_empty());
        let fault = serde_json::to_string(&Fault::own("own.not_signed_in", "").to_record()).unwrap();
        db.execute(
            store::sql!("UPDATE account SET state = 'offline', fault = $1 WHERE id = $2"),
            store::args![fault, connected.account],
        )
        .await
        .unwrap();
        for _ in 0..2 {
            watch.look().await.unwrap();
        }
        let all = notices(&office).await;
        assert_eq!((all.len(), all[0].kind.as_str()), (1, "offline"));
        // The application itself has no sign-in that ends when it is not used.
        let kind = async |kind: &str| {
            let of_account = store::sql!("UPDATE account SET kind = $1 WHERE id = $2");
            db.execute(of_account, store::args![kind, connected.account]).await.unwrap();
        };
        kind("app").await;
        // 61 days later the unused sign-in ends in 29.
        office.console.clock.advance(std::time::Duration::from_secs(61 * 24 * 3600));
        watch.look().await.unwrap();
        assert_eq!(notices(&office).await.len(), 1);
        kind("user").await;
        for _ in 0..2 {
            watch.look().await.unwrap();
        }
        let all = notices(&office).await;
        assert_eq!((all.len(), all[0].kind.as_str()), (2, "expiry"));
        assert!(all[0].title.contains("29 days"), "{}", all[0].title);
        let mut tx = db.begin().await.unwrap();
        sources::remove(&mut tx, office.workspace(), connected.source, office.now()).await.unwrap();
        tx.commit().await.unwrap();
        watch.look().await.unwrap();
        let open = rows::open(db, office.workspace()).await.unwrap();
        assert!(open.iter().all(|open| open.object_id != connected.source), "{open:?}");
        assert!(
            open.iter().any(|open| open.object_id == connected.account),
            "the account still needs a person"
        );
    }
}

/// Promise: each kind of end (a sign-in, EWS, a secret) is told at 30, 7 and 1 days, once each, of sources, outbounds and app registrations.
#[tokio::test]
async fn each_end_is_told_at_thirty_seven_and_one_day() {
    let end: Timestamp = "2027-04-01T00:00:00Z".parse().unwrap();
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    for office in Office::all().await {
        let connected = office.connect().await;
        let (registration,): (Uuid,) = office
            .console
            .shell
            .db
            .fetch_one(
                store::sql!("SELECT app_registration_id FROM account WHERE id = $1"),
                store::args![connected.account],
            )
            .await
            .unwrap();
        let sender = office.sign_in(registration, "post@contoso.test").await;
        office.connect_outbound(sender, "post@contoso.test").await;
        let db = &office.console.shell.db;
        for (statement, at) in [
            (store::sql!("UPDATE source SET connection_type = 'ews', updated_at = $1"), end - days(90)),
            (store::sql!("UPDATE outbound SET connection_type = 'ews', updated_at = $1"), end - days(90)),
            (store::sql!("UPDATE account SET signed_in_at = $1, refreshed_at = $1"), end - days(90)),
            (store::sql!("UPDATE app_registration SET secret_expires_at = $1"), end),
        ] {
            db.execute(statement, store::args![at]).await.unwrap();
        }
        let watch = Watch::new(office.console.shell.clone(), Arc::clone(&office.state.connections));
        for (left, told) in [(31, 0), (30, 1), (8, 1), (7, 2), (2, 2), (1, 3), (0, 3)] {
            let pause = (end - days(left)).duration_since(office.now());
            office.console.clock.advance(std::time::Duration::try_from(pause).expect("time goes on"));
            for _ in 0..2 {
                watch.look().await.unwrap();
            }
            let mut titles: Vec<String> = notices(&office)
                .await
                .into_iter()
                .filter(|notice| notice.kind == "expiry")
                .map(|notice| notice.title.split(" ends in ").next().unwrap_or_default().to_owned())
                .collect();
            titles.sort_unstable();
            let mut wanted = Vec::new();
            for what in ["EWS in Exchange Online", "Sign-in"] {
                wanted.extend(
                    ["Sending from post@contoso.test", "support@contoso.test"]
                        .map(|of| format!("{what} of {of}")),
                );
            }
            let of_secret = titles.iter().find(|title| title.starts_with("Client secret of")).cloned();
            assert_eq!(of_secret.is_some(), told > 0, "{left} days before: {titles:?}");
            wanted.extend(of_secret);
            let mut wanted: Vec<String> = wanted.into_iter().flat_map(|one| vec![one; told]).collect();
            wanted.sort_unstable();
            assert_eq!(titles, wanted, "{left} days before");
        }
    }
}

/// Promise: a notice of an account that nothing uses yet leads to the list in which it stands: that of outbounds where somebody signed in
/// to send, whoever finds it first.
#[tokio::test]
async fn an_unused_account_is_told_where_it_stands() {
    for office in Office::all().await {
        let registration = office.register().await;
        let db = &office.console.shell.db;
        let watch = Watch::new(office.console.shell.clone(), Arc::clone(&office.state.connections));
        let fault = Fault::own("entra.grant_revoked", "");
        let record = serde_json::to_string(&fault.to_record()).unwrap();
        for (name, goal, list) in [
            ("reads", Goal::Account, "/sources"),
            ("sends", Goal::Outbound(Way::graph()), "/outbounds"),
            ("sends-over-ews", Goal::Outbound(Way::ews("")), "/outbounds"),
        ] {
            let (seen, refused) = (office.sign_in(registration, name).await, format!("{name}-refused"));
            let refused = office.sign_in(registration, &refused).await;
            for account in [seen, refused] {
                db.execute(
                    store::sql!("UPDATE account SET goal = $1 WHERE id = $2"),
                    store::args![goal.stored(), account],
                )
                .await
                .unwrap();
            }
            let mut tx = db.begin().await.unwrap();
            tell::account_fails(&mut tx, refused, &fault, office.now()).await.unwrap();
            tx.commit().await.unwrap();
            db.execute(
                store::sql!(
                    "UPDATE account SET state = 'offline', fault = $1, state_since = $2 WHERE id = $3"
                ),
                store::args![&record, office.now(), seen],
            )
            .await
            .unwrap();
            later(&office, 20 * 60);
            watch.look().await.unwrap();
            for account in [seen, refused] {
                let (href,): (String,) = db
                    .fetch_one(
                        store::sql!("SELECT href FROM notice WHERE object_id = $1 AND kind = 'offline'"),
                        store::args![account],
                    )
                    .await
                    .unwrap();
                assert_eq!(href, list, "{name}");
            }
        }
    }
}

/// Promise: what was told of an account alone ends when a connection speaks for it.
#[tokio::test]
async fn a_connection_speaks_for_its_account() {
    for office in Office::all().await {
        let connected = office.connect().await;
        let db = &office.console.shell.db;
        let watch = Watch::new(office.console.shell.clone(), Arc::clone(&office.state.connections));
        let registration =
            accounts::registration(db, office.workspace()).await.unwrap().expect("there is one");
        let account = office.sign_in(registration, "late").await;
        let fault = serde_json::to_string(&Fault::own("own.not_signed_in", "").to_record()).unwrap();
        db.execute(
            store::sql!("UPDATE account SET state = 'offline', fault = $1, state_since = $2 WHERE id = $3"),
            store::args![fault, office.now(), account],
        )
        .await
        .unwrap();
        later(&office, 20 * 60);
        watch.look().await.unwrap();
        let all = notices(&office).await;
        assert_eq!((all.len(), all[0].kind.as_str()), (1, "offline"));
        db.execute(
            store::sql!("UPDATE account SET state = 'online', fault = NULL WHERE id = $1"),
            store::args![account],
        )
        .await
        .unwrap();
        db.execute(
            store::sql!("UPDATE source SET account_id = $1 WHERE id = $2"),
            store::args![account, connected.source],
        )
        .await
        .unwrap();
        watch.look().await.unwrap();
        assert!(rows::open(db, office.workspace()).await.unwrap().is_empty());
    }
}

/// An alarm at any hour, after three hours.
async fn set_alarm(office: &Office, source: Uuid) {
    let alarm = rows::AlarmRow {
        source_id: source,
        hours: 3,
        begins: 0,
        ends: 1440,
        days: 0x7f,
        zone: "UTC".to_owned(),
    };
    let mut tx = office.console.shell.db.begin().await.unwrap();
    rows::set_alarm(&mut tx, &alarm).await.unwrap();
    tx.commit().await.unwrap();
}

/// A poll came to its end, and so many mails were new.
async fn polled(office: &Office, source: Uuid, new: u64) {
    let db = &office.console.shell.db;
    db.execute(
        store::sql!(
            "UPDATE source SET last_success_at = $1,
               last_mail_at = CASE WHEN $2 THEN CAST($1 AS BIGINT) ELSE last_mail_at END WHERE id = $3"
        ),
        store::args![office.now(), new > 0, source],
    )
    .await
    .unwrap();
    works(office, source, new).await;
}

async fn set_paused(office: &Office, source: Uuid, paused: bool) {
    let (db, workspace) = (&office.console.shell.db, office.workspace());
    let actor = Actor { workspace, user: None, name: "anna".to_owned(), at: office.now() };
    let row = sources::one(db, workspace, source).await.unwrap().unwrap();
    assert!(switch::set_paused(&office.state, &actor, &row, paused).await.unwrap());
}

fn kinds(all: &[Notice]) -> Vec<&str> {
    all.iter().map(|notice| notice.kind.as_str()).collect()
}

/// Promise: a source that is silent through the hours in which mail is to be expected is told of once, until mail comes; that it comes
/// is told in words of its own, since nothing was broken.
#[tokio::test]
async fn silence_is_told() {
    for office in Office::all().await {
        let source = office.connect().await.source;
        let watch = Watch::new(office.console.shell.clone(), Arc::clone(&office.state.connections));
        set_alarm(&office, source).await;
        later(&office, 2 * 3600);
        polled(&office, source, 0).await;
        watch.look().await.unwrap();
        later(&office, 2 * 3600);
        watch.look().await.unwrap();
        assert!(notices(&office).await.is_empty(), "of the last two hours nobody knows yet");
        polled(&office, source, 0).await;
        for _ in 0..2 {
            watch.look().await.unwrap();
        }
        assert_eq!(kinds(&notices(&office).await), ["silence"]);
        polled(&office, source, 1).await;
        let all = notices(&office).await;
        assert_eq!(kinds(&all), ["back", "silence"]);
        assert_eq!(all[0].title, "support@contoso.test: mail comes again");
        assert!(!all[0].text.contains("works again"), "it worked all the time: {}", all[0].text);
    }
}

/// Promise: time in which nobody looked is no silence: after a pause the alarm rings only once a poll has found nothing, and it rings
/// for a silence that was told of before the pause, too.
#[tokio::test]
async fn a_pause_is_no_silence() {
    for office in Office::all().await {
        let source = office.connect().await.source;
        let watch = Watch::new(office.console.shell.clone(), Arc::clone(&office.state.connections));
        set_alarm(&office, source).await;
        polled(&office, source, 1).await;
        for told in 0..2 {
            set_paused(&office, source, true).await;
            watch.look().await.unwrap();
            later(&office, 5 * 24 * 3600);
            set_paused(&office, source, false).await;
            watch.look().await.unwrap();
            let open = rows::open(&office.console.shell.db, office.workspace()).await.unwrap();
            assert!(open.is_empty(), "nobody has looked since it was resumed: {open:?}");
            later(&office, 60);
            polled(&office, source, 0).await;
            for _ in 0..2 {
                watch.look().await.unwrap();
            }
            let silences = vec!["silence"; told + 1];
            assert_eq!(kinds(&notices(&office).await), silences, "no mail in five days is a silence");
        }
    }
}

/// Promise: a process that starts after days takes nothing for silence before the first poll.
#[tokio::test]
async fn a_standstill_of_ours_is_no_silence() {
    for office in Office::all().await {
        let source = office.connect().await.source;
        set_alarm(&office, source).await;
        polled(&office, source, 1).await;
        later(&office, 4 * 3600);
        polled(&office, source, 0).await;
        later(&office, 5 * 24 * 3600);
        let watch = Watch::new(office.console.shell.clone(), Arc::clone(&office.state.connections));
        watch.look().await.unwrap();
        assert!(notices(&office).await.is_empty(), "nothing was read since it began");
        later(&office, 5);
        polled(&office, source, 3).await;
        watch.look().await.unwrap();
        assert!(notices(&office).await.is_empty(), "mail had come meanwhile");
        later(&office, 4 * 3600);
        polled(&office, source, 0).await;
        watch.look().await.unwrap();
        assert_eq!(kinds(&notices(&office).await), ["silence"]);
    }
}

/// Promise: a trouble and a silence that end with the same poll are told of once.
#[tokio::test]
async fn what_ends_together_is_told_once() {
    for office in Office::all().await {
        let source = office.connect().await.source;
        let (came, address) = listen().await;
        let channel = add_channel(&office, "webhook", &address).await;
        let watch = Watch::new(office.console.shell.clone(), Arc::clone(&office.state.connections));
        set_alarm(&office, source).await;
        later(&office, 4 * 3600);
        polled(&office, source, 0).await;
        watch.look().await.unwrap();
        later(&office, 2);
        assert!(office.sender.send_due(channel).await.unwrap());
        fails(&office, source, "own.not_signed_in").await;
        later(&office, 2);
        assert!(office.sender.send_due(channel).await.unwrap());
        came.take();
        polled(&office, source, 3).await;
        let all = notices(&office).await;
        assert_eq!(kinds(&all), ["back", "offline", "silence"]);
        assert_eq!(all[0].title, "support@contoso.test is back");
        assert!(all[0].text.contains("3 mails"), "{}", all[0].text);
        assert!(rows::open(&office.console.shell.db, office.workspace()).await.unwrap().is_empty());
        later(&office, 2);
        assert!(office.sender.send_due(channel).await.unwrap());
        let told = came.take();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].1["data"]["notices"].as_array().unwrap().len(), 1, "{}", told[0].1);
    }
}

/// Promise: the console says on every page that something needs a person, until somebody has seen it.
#[tokio::test]
async fn the_console_says_so_on_every_page() {
    let office = Office::new().await;
    let connected = office.connect().await;
    fails(&office, connected.source, "own.not_signed_in").await;
    let mut browser = office.console.owner().await;
    let page = browser.get("/jira").await;
    assert!(page.body.contains("A connection needs a person"), "{}", page.body);
    let token = page.field("csrf");
    let seen = browser.post("/notices/seen", &token, &[]).await;
    assert!(seen.status.is_redirection());
    assert!(!browser.get("/jira").await.body.contains("A connection needs a person"));
    let key = SecretString::from(KEY);
    assert!(!format!("{key:?}").contains("MfKQ"));
}
