//! Push on a database of its own, without Graph: who is let in by the address, what a notice does, what is off by itself.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use store::{args, sql};
use tokio::sync::Notify;
use tower::ServiceExt;
use uuid::Uuid;

use super::address;
use super::decide::{LATE, MAKING, State};
use super::keeper::Keeper;
use super::possible::Why;
use super::store::{self as rows, Making, Row};
use super::{Listener, pace};
use crate::connections::testing::{Connected, Office};
use crate::web::testing::PUBLIC;

const KEY: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP0";
const REMOTE: &str = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07";
const STATE: &str = "what every notice carries";

fn keeper(office: &Office) -> Keeper {
    Keeper {
        connections: Arc::clone(&office.state.connections),
        bus: office.console.shell.bus.clone(),
        wake: Arc::new(Notify::new()),
        poll: Arc::new(Notify::new()),
    }
}

fn listener(office: &Office) -> Listener {
    Listener {
        connections: Arc::clone(&office.state.connections),
        bus: office.console.shell.bus.clone(),
        ear: Arc::clone(&office.state.engine.ear),
        poll: Arc::new(Notify::new()),
        keep: Arc::new(Notify::new()),
    }
}

async fn row(office: &Office, source: Uuid) -> Row {
    rows::one(&office.console.shell.db, source).await.unwrap().expect("a row")
}

/// A source whose subscription is being made, with [`KEY`] and [`STATE`].
async fn begin(office: &Office) -> (Connected, i64) {
    let connected = office.connect().await;
    let (db, now, source) = (&office.console.shell.db, office.now(), connected.source);
    rows::ensure(db, now).await.unwrap();
    let owner = Uuid::now_v7();
    let fence = rows::claim(db, owner, source, now, SignedDuration::from_secs(60)).await.unwrap().unwrap();
    let row = row(office, source).await;
    let sealed = office.state.connections.sealer.seal(&super::routes::place(source), STATE.as_bytes());
    let making = Making {
        row: &row,
        fence,
        base: PUBLIC,
        path_hash: address::hash(KEY).unwrap(),
        client_state_sealed: sealed,
        times_deaf: 0,
        now,
        until: now + MAKING,
    };
    let mut tx = db.begin().await.unwrap();
    assert!(rows::making(&mut tx, &making).await.unwrap());
    tx.commit().await.unwrap();
    (connected, fence)
}

/// The same once it is there.
async fn subscribed(office: &Office) -> Connected {
    let (connected, fence) = begin(office).await;
    let (db, now) = (&office.console.shell.db, office.now());
    let ends = (now + SignedDuration::from_hours(70), now + SignedDuration::from_hours(47));
    let mut tx = db.begin().await.unwrap();
    assert!(rows::is_on(&mut tx, connected.source, fence, REMOTE, ends, now).await.unwrap());
    tx.commit().await.unwrap();
    rows::let_go(db, connected.source, fence).await.unwrap();
    connected
}

/// What comes back when Microsoft calls.
async fn call(office: &Office, target: &str, body: String) -> (u16, String, String) {
    let request = http::Request::post(target)
        .header("content-type", "application/json")
        .body(axum::body::Body::from(body))
        .unwrap();
    let response = office.console.router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, kind, String::from_utf8_lossy(&bytes).into_owned())
}

fn notice(remote: &str, state: &str) -> String {
    serde_json::json!({"value": [{"subscriptionId": remote, "clientState": state, "changeType": "created",
        "subscriptionExpirationDateTime": "2026-11-27T11:00:00Z", "resource": "Users/x/Messages/y", "tenantId": "t"}]})
    .to_string()
}

/// Promise: the validation token goes back as plain text while this very subscription is being made, and at no other time.
#[tokio::test]
async fn the_token_is_echoed_only_while_the_subscription_is_made() {
    for office in Office::all().await {
        let at = format!("/push/{KEY}?validationToken=Validation%3A%20%3Cb%3Etest%3C%2Fb%3E");
        assert_eq!(call(&office, &at, String::new()).await.0, 404, "nobody subscribes");
        let (connected, fence) = begin(&office).await;
        let (status, kind, body) = call(&office, &at, String::new()).await;
        assert_eq!((status, body.as_str()), (200, "Validation: <b>test</b>"));
        assert!(kind.starts_with("text/plain"), "{kind}");
        let lifecycle = format!("/push/{KEY}/lifecycle?validationToken=abc");
        assert_eq!(call(&office, &lifecycle, String::new()).await.2, "abc");
        let other = at.replace("abcdef", "ABCDEF");
        let (status, _, body) = call(&office, &other, String::new()).await;
        assert!(status == 404 && !body.contains("test"), "{status} {body}");

        office.console.clock.advance(std::time::Duration::from_secs(61));
        assert_eq!(call(&office, &at, String::new()).await.0, 404, "its time is over");

        let now = office.now();
        let ends = (now + SignedDuration::from_hours(70), now + SignedDuration::from_hours(47));
        let mut tx = office.console.shell.db.begin().await.unwrap();
        assert!(rows::is_on(&mut tx, connected.source, fence, REMOTE, ends, now).await.unwrap());
        tx.commit().await.unwrap();
        let (status, _, body) = call(&office, &at, String::new()).await;
        assert!(status == 404 && !body.contains("test"), "it is made: {status} {body}");
    }
}

/// Promise: a notice that proves itself makes the source due at once; all others are answered alike and do nothing.
#[tokio::test]
async fn only_a_notice_that_proves_itself_wakes_the_poller() {
    for office in Office::all().await {
        let connected = subscribed(&office).await;
        let (db, listener) = (&office.console.shell.db, listener(&office));
        let next = async || -> (i64, i64) {
            db.fetch_one(
                sql!("SELECT next_poll_at, wakes FROM source WHERE id = $1"),
                args![connected.source],
            )
            .await
            .unwrap()
        };
        let later = (office.now() + SignedDuration::from_mins(5)).as_microsecond();
        db.execute(sql!("UPDATE source SET next_poll_at = $1 WHERE id = $2"), args![later, connected.source])
            .await
            .unwrap();

        let (at, elsewhere) = (format!("/push/{KEY}"), format!("/push/{}", KEY.replace("abc", "cba")));
        for (target, body) in [
            (&elsewhere, notice(REMOTE, STATE)),
            (&at, notice(REMOTE, "something else")),
            (&at, notice(REMOTE, "")),
            (&at, notice("another", STATE)),
            (&at, r#"{"value":[{}]}"#.to_owned()),
            (&at, r#"{"value":[]}"#.to_owned()),
        ] {
            let (status, _, said) = call(&office, target, body.clone()).await;
            assert_eq!((status, said.as_str()), (202, ""), "{target} {body}");
            listener.once().await.unwrap();
            assert_eq!(next().await, (later, 0), "{target} {body}");
        }
        assert_eq!(row(&office, connected.source).await.last_notice_at, None);
        assert_eq!(call(&office, &at, "no JSON".to_owned()).await.0, 400);
        assert_eq!(call(&office, &at, " ".repeat((1 << 20) + 1)).await.0, 413);

        assert_eq!(call(&office, &at, notice(&REMOTE.to_uppercase(), STATE)).await.0, 202);
        assert_eq!(next().await, (later, 0), "the answer goes out before anything is done");
        listener.once().await.unwrap();
        let now = office.now().as_microsecond();
        assert_eq!(next().await, (now, 1));
        let row = row(&office, connected.source).await;
        assert_eq!((row.notices, row.last_notice_at), (1, Some(now)));

        // One whose polls fail keeps its own pace: the mailbox may have asked for a pause.
        db.execute(
            sql!("UPDATE source SET next_poll_at = $1, failures = 2 WHERE id = $2"),
            args![later, connected.source],
        )
        .await
        .unwrap();
        call(&office, &at, notice(REMOTE, STATE)).await;
        listener.once().await.unwrap();
        assert_eq!(next().await, (later, 1));
    }
}

/// Promise: what Graph asks for in lifecycle notices is remembered, the gravest; `missed` polls.
#[tokio::test]
async fn lifecycle_notices_are_remembered() {
    for office in Office::all().await {
        let connected = subscribed(&office).await;
        let (at, listener) = (format!("/push/{KEY}/lifecycle"), listener(&office));
        let event = |event: &str| {
            serde_json::json!({"value": [{"subscriptionId": REMOTE, "clientState": STATE, "lifecycleEvent": event}]}).to_string()
        };
        for (word, asked) in [
            ("missed", ""),
            ("reauthorizationRequired", "reauthorize"),
            ("subscriptionRemoved", "removed"),
            ("reauthorizationRequired", "removed"),
        ] {
            assert_eq!(call(&office, &at, event(word)).await.0, 202);
            listener.once().await.unwrap();
            let row = row(&office, connected.source).await;
            assert_eq!((row.asked.as_str(), row.notices), (asked, 0), "{word}");
        }
        let (wakes,): (i64,) = office
            .console
            .shell
            .db
            .fetch_one(sql!("SELECT wakes FROM source WHERE id = $1"), args![connected.source])
            .await
            .unwrap();
        assert_eq!(wakes, 4, "each has the folder read from its cursor");
    }
}

/// Promise: mail that no notice announced is counted, and a notice, also a late one, clears the subscription.
#[tokio::test]
async fn unheard_mail_is_counted_until_a_notice_comes() {
    for office in Office::all().await {
        let connected = subscribed(&office).await;
        let (db, source) = (&office.console.shell.db, connected.source);
        let interval = std::time::Duration::from_secs(10);
        let poll = async |fresh: usize| {
            let before = Some(office.now() - SignedDuration::from_secs(10));
            pace::after_round(db, source, pace::Round { fresh, before }, office.now(), interval)
                .await
                .unwrap()
        };
        office.console.clock.advance(std::time::Duration::from_secs(300));
        poll(2).await;
        assert_eq!((row(&office, source).await.unheard, row(&office, source).await.unheard_at), (2, None));
        poll(1).await;
        let since = office.now().as_microsecond();
        assert_eq!(row(&office, source).await.unheard_at, Some(since));
        office.console.clock.advance(std::time::Duration::from_secs(30));
        poll(1).await;
        let found = row(&office, source).await;
        assert_eq!((found.unheard, found.unheard_at), (4, Some(since)), "since the third");
        let public = PUBLIC.parse().unwrap();
        let deaf_at = |at: Timestamp| super::decide::decide(&found.situation(Ok(()), &public), at);
        assert_eq!(deaf_at(office.now()), super::decide::Action::Rest);
        let then = Timestamp::from_microsecond(since).unwrap() + LATE;
        assert_eq!(deaf_at(then), super::decide::Action::Subscribe(super::decide::Cause::Deaf));

        call(&office, &format!("/push/{KEY}"), notice(REMOTE, STATE)).await;
        listener(&office).once().await.unwrap();
        assert_eq!(row(&office, source).await.unheard, 0);
        // Found by the poll that the notice has woken: announced.
        let next = poll(1).await;
        assert_eq!(row(&office, source).await.unheard, 0);
        assert_eq!(next, office.now() + SignedDuration::from_secs(10), "a notice was just here");
        office.console.clock.advance(std::time::Duration::from_secs(90));
        assert_eq!(poll(0).await, office.now() + SignedDuration::from_secs(60), "push works");
    }
}

/// Promise: one node at a time looks after a source's push, and a claim that was lost changes nothing.
#[tokio::test]
async fn a_row_has_one_keeper() {
    for office in Office::all().await {
        let connected = office.connect().await;
        let (db, now, source) = (&office.console.shell.db, office.now(), connected.source);
        rows::ensure(db, now).await.unwrap();
        let lease = SignedDuration::from_secs(60);
        let first = rows::claim(db, Uuid::now_v7(), source, now, lease).await.unwrap().unwrap();
        assert_eq!(rows::claim(db, Uuid::now_v7(), source, now, lease).await.unwrap(), None);
        let second = rows::claim(db, Uuid::now_v7(), source, now + lease, lease).await.unwrap().unwrap();
        let mut tx = db.begin().await.unwrap();
        assert!(!rows::is_on(&mut tx, source, first, REMOTE, (now, now), now).await.unwrap());
        assert!(rows::is_on(&mut tx, source, second, REMOTE, (now, now), now).await.unwrap());
        tx.commit().await.unwrap();
    }
}

/// Promise: a mailbox that a person reads as another's has no push; nothing is asked of Microsoft, and the page says why.
#[tokio::test]
async fn shared_mailboxes_are_off_by_themselves() {
    for office in Office::all().await {
        // The account is another than the mailbox's owner.
        let connected = office.connect().await;
        keeper(&office).once().await.unwrap();
        let row = row(&office, connected.source).await;
        assert_eq!((row.state(), row.why(), row.failures), (State::Off, Why::Shared, 0));
        let mut browser = office.console.owner().await;
        let page = browser.get(&format!("/sources/{}", connected.source)).await;
        assert!(page.body.contains("off: Microsoft announces mail of another"), "{}", page.body);
        assert!(!page.body.contains("Try push again"), "there is nothing to try: {}", page.body);
    }
}

/// Promise: a source that is removed, whether it is kept or not, leaves a note to end its subscription.
#[tokio::test]
async fn a_removed_source_ends_its_subscription() {
    for office in Office::all().await {
        let connected = subscribed(&office).await;
        let db = &office.console.shell.db;
        let mut browser = office.console.owner().await;
        let path = format!("/sources/{}", connected.source);
        let page = browser.get(&path).await;
        assert!(page.body.contains("on, renewed before"), "{}", page.body);
        let told = browser.get(&format!("/api/v1{path}")).await;
        let told: serde_json::Value = serde_json::from_str(&told.body).unwrap();
        assert_eq!((&told["push"]["state"], &told["push"]["notices"]), (&"on".into(), &0.into()), "{told}");
        assert!(told["push"]["until"].is_string() && !told.to_string().contains(KEY), "{told}");
        let token = browser.token(&path).await;
        let removed = browser.post(&format!("{path}/remove"), &token, &[]).await;
        assert!(removed.status.is_redirection(), "{} {}", removed.status, removed.body);
        let left: Vec<(String, String)> = db
            .fetch_all(sql!("SELECT remote_id, mailbox_native_id FROM push_leaving"), args![])
            .await
            .unwrap();
        assert_eq!(left, [(REMOTE.to_owned(), "oid-support".to_owned())]);
        assert_eq!(call(&office, &format!("/push/{KEY}"), notice(REMOTE, STATE)).await.0, 202);
        listener(&office).once().await.unwrap();
    }
}

/// Promise: a person turns push off and on, on record.
#[tokio::test]
async fn a_person_turns_push_off_and_on() {
    for office in Office::all().await {
        let connected = subscribed(&office).await;
        let mut browser = office.console.owner().await;
        let path = format!("/sources/{}", connected.source);
        let token = browser.token(&path).await;
        let off = browser.post(&format!("{path}/push"), &token, &[("push", "off")]).await;
        assert_eq!(off.location(), path, "{}", off.body);
        keeper(&office).once().await.unwrap();
        let found = row(&office, connected.source).await;
        // Another's mailbox would be a reason too; what a person did is told first.
        assert_eq!((found.state(), found.why()), (State::Off, Why::SwitchedOff));
        let page = browser.get(&path).await;
        assert!(
            page.body.contains("Turn push on") && page.body.contains("turned off for this source"),
            "{}",
            page.body
        );
        let on = browser.post(&format!("{path}/push"), &token, &[("push", "on")]).await;
        assert_eq!(on.location(), path, "{}", on.body);
        keeper(&office).once().await.unwrap();
        assert_eq!(row(&office, connected.source).await.why(), Why::Shared);
    }
}
