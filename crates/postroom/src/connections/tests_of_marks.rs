//! What a source promises where its mailbox does not take the marks on handled mail, with the simulated Microsoft and Jira.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use store::{args, sql};

use super::tests_of_reading::World;
use super::tests_with_sim::{MAILBOX, open};

impl World {
    /// Waits until the source's marks are in this state.
    async fn until_marks(&self, wanted: &str) {
        let there = async {
            loop {
                let (state,): (String,) =
                    self.running.db.fetch_one(sql!("SELECT mark_state FROM source"), args![]).await.unwrap();
                if state == wanted {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), there)
            .await
            .unwrap_or_else(|_| panic!("marks are not {wanted}"));
    }

    /// Notices: kind, text, whether they are over.
    async fn notices(&self) -> Vec<(String, String, bool)> {
        let all: Vec<(String, String, Option<i64>)> = self
            .running
            .db
            .fetch_all(sql!("SELECT kind, text, ended_at FROM notice ORDER BY raised_at, id"), args![])
            .await
            .unwrap();
        all.into_iter().map(|(kind, text, ended)| (kind, text, ended.is_some())).collect()
    }

    async fn events(&self) -> Vec<String> {
        let all: Vec<(String,)> = self
            .running
            .db
            .fetch_all(sql!("SELECT kind FROM connection_event ORDER BY at, id"), args![])
            .await
            .unwrap();
        all.into_iter().map(|(kind,)| kind).collect()
    }

    async fn page_of_source(&mut self) -> String {
        let (id,): (uuid::Uuid,) =
            self.running.db.fetch_one(sql!("SELECT id FROM source"), args![]).await.unwrap();
        open(&mut self.browser, &self.running, &format!("/sources/{id}")).await.html
    }

    async fn mails(&self) -> Vec<Value> {
        let path = format!("/mailboxes/{MAILBOX}/messages");
        self.control(Method::GET, &path, &json!({})).await.as_array().unwrap().clone()
    }

    /// Waits until so many mails of the mailbox are marked as read.
    async fn until_read(&self, count: usize) {
        let there = async {
            while self.mails().await.iter().filter(|mail| mail["is_read"] == true).count() < count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), there).await.expect("what waited is marked");
    }
}

/// Promise: a mailbox that refuses marks keeps nothing from being read and is told: on the list and on the source's page with how many
/// mails, why and what to do, in the timeline and in a notice. It is tried again slowly; once it takes marks, all that waited is marked
/// and the trouble is over by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_refuses_marks_is_told_and_blocks_nothing() {
    let mut world = World::new().await;
    world.connect().await;
    let refuse = json!({
        "service": "graph", "method": "PATCH", "path": "/messages/[^/]+$", "kind": "status", "status": 403,
        "code": "ErrorAccessDenied",
    });
    world.control(Method::POST, "/faults", &refuse).await;
    world.deliver("first");
    world.in_jira("first").await;
    world.until_marks("degraded").await;
    world.deliver("second");
    world.in_jira("second").await;
    world.until_messages("ended", 2).await;

    assert_eq!(world.state_of_source().await, "online", "reading is not concerned");
    let page = world.page_of_source().await;
    for part in [
        "degraded",
        "2 handled mails could not be marked",
        "may not do this with the mailbox",
        "Full Access",
        "Handled mail cannot be marked",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let list = open(&mut world.browser, &world.running, "/sources").await.html;
    assert!(list.contains("2 handled mails could not be marked") && list.contains("Full Access"), "{list}");
    let notices = world.notices().await;
    let [(kind, text, false)] = notices.as_slice() else { panic!("{notices:?}") };
    assert_eq!(kind, "marks");
    assert!(text.contains("Full Access") && text.contains("handled as before"), "{text}");
    let (wait,): (i64,) = world
        .running
        .db
        .fetch_one(sql!("SELECT marks_not_before - mark_since FROM source"), args![])
        .await
        .unwrap();
    assert!(wait >= 300_000_000, "slowly: {wait}");
    let (counted,): (i64,) = world
        .running
        .db
        .fetch_one(sql!("SELECT count(*) FROM message WHERE mark = 'due'"), args![])
        .await
        .unwrap();
    assert_eq!(counted, 2, "none is given up");

    world.control(Method::DELETE, "/faults", &json!({})).await;
    world.press("/try-now").await;
    world.until_marks("online").await;
    world.until_read(2).await;
    let page = world.page_of_source().await;
    assert!(!page.contains("could not be marked"), "{page}");
    assert!(page.contains("Handled mail is marked again"), "{page}");
    let notices = world.notices().await;
    assert!(notices.iter().any(|(kind, _, over)| kind == "marks" && *over), "{notices:?}");
    assert_eq!(notices.last().map(|(kind, ..)| kind.as_str()), Some("back"), "{notices:?}");
    let events = world.events().await;
    let of_marks: Vec<&str> =
        events.iter().map(String::as_str).filter(|kind| kind.starts_with("mark")).collect();
    assert_eq!(of_marks, ["marks_fail", "marks_work"], "each is on record once");
    world.running.stop().await;
    world.sim.stop().await;
}

/// Promise: where the folder for handled mail is gone, the source says so and leads to its settings; with another choice what waited
/// is marked at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_for_handled_mail_that_is_gone_is_told() {
    let mut world = World::new().await;
    world.connect().await;
    let folders = format!("/mailboxes/{MAILBOX}/folders");
    let made = world.control(Method::POST, &folders, &json!({ "name": "Handled" })).await;
    world.control(Method::DELETE, &format!("{folders}/Handled"), &json!({})).await;
    let moves = sql!("UPDATE source SET handled = 'move', handled_target = $1, handled_name = 'Handled'");
    world.running.db.execute(moves, args![made["id"].as_str().expect("an id")]).await.unwrap();
    world.deliver("to be moved");
    world.in_jira("to be moved").await;
    world.until_marks("degraded").await;
    let page = world.page_of_source().await;
    let list = open(&mut world.browser, &world.running, "/sources").await.html;
    let (notices, text) = (world.notices().await, "choose another folder for handled mail");
    for shown in [&page, &list, &notices[0].1] {
        assert!(shown.contains("The folder that handled mail is moved to is gone"), "{shown}");
        assert!(shown.contains(text) && !shown.contains("remove this source"), "{shown}");
    }
    let (id,): (uuid::Uuid,) =
        world.running.db.fetch_one(sql!("SELECT id FROM source"), args![]).await.unwrap();
    let edit = format!("href=\"/sources/{id}/edit\"");
    for shown in [&page, &list] {
        assert!(shown.contains("1 handled mail could not be marked"), "{shown}");
        let (before, _) = shown.split_once("Choose another folder").expect("a button");
        assert!(before[before.rfind("<a ").expect("a link")..].contains(&edit), "{shown}");
    }
    assert!(world.mails().await.iter().all(|mail| mail["folder"] == "inbox"), "it is not taken for gone");

    let edit = open(&mut world.browser, &world.running, &format!("/sources/{id}/edit")).await;
    let form = edit.form(&["handled", "project"]).unwrap().with("handled", "read").with("do", "confirm");
    let kept = world.browser.submit(&form).await.unwrap();
    assert!(kept.status.is_success() && kept.html.contains("goes on"), "{}", kept.html);
    world.until_marks("online").await;
    world.until_read(1).await;
    world.running.stop().await;
    world.sim.stop().await;
}

/// Promise: where the mails that could not be marked are gone, nothing is wrong any more, and that is said by itself.
#[tokio::test(flavor = "multi_thread")]
async fn marks_that_nobody_needs_any_more_are_over() {
    let mut world = World::new().await;
    world.connect().await;
    let refuse = json!({
        "service": "graph", "method": "PATCH", "path": "/messages/[^/]+$", "kind": "status", "status": 403,
        "code": "ErrorAccessDenied",
    });
    world.control(Method::POST, "/faults", &refuse).await;
    world.deliver("short-lived");
    world.in_jira("short-lived").await;
    world.until_marks("degraded").await;
    let mails = world.mails().await;
    let mail = mails.iter().find(|mail| mail["subject"] == "short-lived").expect("it is there");
    world.control(Method::POST, &format!("/mailboxes/{MAILBOX}/remove"), &json!({ "id": mail["id"] })).await;
    world.control(Method::DELETE, "/faults", &json!({})).await;
    world.press("/try-now").await;
    world.until_marks("online").await;
    assert!(world.page_of_source().await.contains("No handled mail is left that could not be marked"));
    let notices = world.notices().await;
    assert!(notices.iter().all(|(kind, _, over)| kind != "marks" || *over), "{notices:?}");
    world.running.stop().await;
    world.sim.stop().await;
}

/// Promise: a mailbox that is busy soon after it refused marks does not take the place of the refusal: its reason and its mend stay on the
/// page, nobody is told that it is over or begins again, and it is tried again within a minute. When marks go through, it is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_mailbox_after_a_refusal_leaves_the_refusal_told() {
    let mut world = World::new().await;
    world.connect().await;
    let answers = |status: u16, code: &str| json!({ "service": "graph", "method": "PATCH", "path": "/messages/[^/]+$", "kind": "status", "status": status, "code": code });
    world.control(Method::POST, "/faults", &answers(403, "ErrorAccessDenied")).await;
    world.deliver("refused");
    world.in_jira("refused").await;
    world.until_marks("degraded").await;
    let standing = async |world: &World| -> (i64, i64, String) {
        world
            .running
            .db
            .fetch_one(
                sql!("SELECT marks_not_before, mark_since, coalesce(mark_fault, '') FROM source"),
                args![],
            )
            .await
            .unwrap()
    };
    let before = standing(&world).await;
    world.control(Method::DELETE, "/faults", &json!({})).await;
    world.control(Method::POST, "/faults", &answers(503, "serviceNotAvailable")).await;
    world.press("/try-now").await;
    let tried = async {
        loop {
            let (until, since, fault) = standing(&world).await;
            if until != 0 && until != before.0 {
                return (until, since, fault);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (until, since, fault) =
        tokio::time::timeout(Duration::from_secs(40), tried).await.expect("it is tried and put off");
    let now = store::Clock::now(&store::SystemClock).as_microsecond();
    assert!(until - now <= 60_000_000, "soon: {} s", (until - now) / 1_000_000);
    assert_eq!((since, &fault), (before.1, &before.2), "the refusal stands");
    let page = world.page_of_source().await;
    for part in
        ["degraded", "1 handled mail could not be marked", "may not do this with the mailbox", "Full Access"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    let notices = world.notices().await;
    let [(kind, text, false)] = notices.as_slice() else { panic!("{notices:?}") };
    assert!(kind == "marks" && text.contains("Full Access"), "{text}");

    world.control(Method::DELETE, "/faults", &json!({})).await;
    world.press("/try-now").await;
    world.until_marks("online").await;
    world.until_read(1).await;
    let events = world.events().await;
    let of_marks: Vec<&str> =
        events.iter().map(String::as_str).filter(|kind| kind.starts_with("mark")).collect();
    assert_eq!(of_marks, ["marks_fail", "marks_work"], "each is on record once");
    world.running.stop().await;
    world.sim.stop().await;
}
