//! What a source promises where one of its mails lets whole pages fail, with the simulated Microsoft and Jira.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use store::{args, sql};

use super::tests_of_reading::World;
use super::tests_with_sim::{MAILBOX, open};

impl World {
    /// Waits until the source's pages carry ids alone, or come whole.
    async fn until_by_ids(&self, wanted: bool) {
        let there = async {
            loop {
                let (since,): (Option<i64>,) = self
                    .running
                    .db
                    .fetch_one(sql!("SELECT by_ids_since FROM source"), args![])
                    .await
                    .unwrap();
                if since.is_some() == wanted {
                    return;
                }
                self.running.poll_now();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), there)
            .await
            .unwrap_or_else(|_| panic!("ids alone: not {wanted}"));
    }

    /// Mails that Graph was asked for one by one since the last time.
    async fn fetched_alone(&self) -> u64 {
        let counters = self.control(Method::GET, "/counters", &json!({})).await;
        self.control(Method::DELETE, "/counters", &json!({})).await;
        let operations = counters["graph"]["by_operation"].as_object().cloned().unwrap_or_default();
        let alone = |name: &str| name.starts_with("GET ") && name.ends_with("/messages/{}");
        operations.iter().filter(|(name, _)| alone(name)).filter_map(|(_, count)| count.as_u64()).sum()
    }

    /// Puts a mail where the source does not look; its id.
    async fn aside(&self, raw: &'static str) -> String {
        let control = self.sim.ready().control.trim_end_matches('/');
        let url = format!("{control}/mailboxes/{MAILBOX}/messages?folder=archive");
        let answer = reqwest::Client::new().post(url).body(raw).send().await.unwrap();
        let told: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        told["immutable_id"].as_str().unwrap().to_owned()
    }

    /// It is time to see whether pages come whole.
    async fn try_whole_pages(&self) {
        self.running.db.execute(sql!("UPDATE source SET whole_pages_at = 0"), args![]).await.unwrap();
    }

    async fn next_try(&self) -> i64 {
        let (at,): (i64,) =
            self.running.db.fetch_one(sql!("SELECT whole_pages_at FROM source"), args![]).await.unwrap();
        at
    }
}

/// Promise: a corrupt mail that lets whole pages fail is got around by ids, which is on record with its reason; whole pages are tried
/// again and, once they are past it, read from then on: no mail is fetched by itself any more, none was lost and none handled twice.
#[tokio::test(flavor = "multi_thread")]
async fn whole_pages_come_back() {
    let mut world = World::new().await;
    world.connect().await;
    world.deliver("before");
    world.in_jira("before").await;
    let mailbox = format!("/mailboxes/{MAILBOX}");
    let aside = world.aside("From: a@customer.example\r\nSubject: corrupt\r\n\r\nx\r\n").await;
    world.control(Method::POST, &format!("{mailbox}/damage"), &json!({ "id": aside, "as": "item" })).await;
    world.control(Method::POST, &format!("{mailbox}/move"), &json!({ "id": aside, "folder": "inbox" })).await;
    world.until_by_ids(true).await;
    world.fetched_alone().await;
    world.deliver("beside");
    world.in_jira("beside").await;
    assert!(world.fetched_alone().await > 0, "each mail is fetched by itself");
    let (id,): (uuid::Uuid,) =
        world.running.db.fetch_one(sql!("SELECT id FROM source"), args![]).await.unwrap();
    let page = open(&mut world.browser, &world.running, &format!("/sources/{id}")).await.html;
    assert!(page.contains("A page of mail fails as a whole") && page.contains("ids alone since"), "{page}");
    assert_eq!(world.state_of_source().await, "online");

    // Still in the folder: it is tried, and put off.
    world.try_whole_pages().await;
    let put_off = async {
        while world.next_try().await == 0 {
            world.running.poll_now();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), put_off).await.expect("it is tried and put off");
    world.until_by_ids(true).await;
    world.deliver("between");
    world.in_jira("between").await;

    // Whoever looked after it has moved it away.
    world
        .control(Method::POST, &format!("{mailbox}/move"), &json!({ "id": aside, "folder": "archive" }))
        .await;
    world.try_whole_pages().await;
    world.until_by_ids(false).await;
    world.fetched_alone().await;
    for subject in ["after", "and after"] {
        world.deliver(subject);
        world.in_jira(subject).await;
    }
    assert_eq!(world.fetched_alone().await, 0, "pages carry the mails themselves");
    let page = open(&mut world.browser, &world.running, &format!("/sources/{id}")).await.html;
    assert!(page.contains("Pages of mail come whole again") && !page.contains("ids alone since"), "{page}");
    let mut subjects = world.subjects().await;
    subjects.retain(|subject| subject != "corrupt");
    subjects.sort_unstable();
    assert_eq!(subjects, ["after", "and after", "before", "beside", "between"], "each once");
    world.running.stop().await;
    world.sim.stop().await;
}
