//! Limits as a caller meets them.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use sim::Config;

use crate::client::{MAIL, SUPPORT, world, world_with};

/// The fifth request at once is refused with a wait; a single one goes through.
#[tokio::test]
async fn the_fifth_at_once_is_refused() {
    let world = world().await;
    let token = world.access(SUPPORT, MAIL).await;
    world.post_lever("/latency", json!({"ms": 300})).await;
    let calls = (0..8).map(|_| world.get(&token, "/me/mailFolders/inbox"));
    let answers = futures::future::join_all(calls).await;
    let refused: Vec<_> =
        answers.iter().filter(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS).collect();
    assert_eq!(refused.len(), 4);
    assert_eq!(refused[0].code(), "ApplicationThrottled");
    assert_eq!(refused[0].header("retry-after"), "1");
    assert_eq!(world.get(&token, "/me/mailFolders/inbox").await.status, StatusCode::OK);
}

/// Without quotas nothing is refused.
#[tokio::test]
async fn limits_can_be_turned_off() {
    let config = Config { enforce_quotas: false, latency: Duration::from_millis(100), ..Config::default() };
    let world = world_with(config).await;
    let token = world.access(SUPPORT, MAIL).await;
    let answers = futures::future::join_all((0..8).map(|_| world.get(&token, "/me/mailFolders/inbox"))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
}

/// The requests inside a batch count one by one, and are refused one by one.
#[tokio::test]
async fn a_batch_counts_what_is_in_it() {
    let world = world().await;
    let token = world.access(SUPPORT, MAIL).await;
    let requests: Vec<_> = (0..20)
        .map(|id| json!({"id": id.to_string(), "method": "GET", "url": "/me/mailFolders/inbox"}))
        .collect();
    let batch = json!({"requests": requests});
    for _ in 0..500 {
        let answer = world.graph(&token, Method::POST, "/$batch", Some(batch.clone())).await;
        assert!(
            answer.json["responses"].as_array().is_some_and(|all| all.iter().all(|one| one["status"] == 200))
        );
    }
    let answer = world.graph(&token, Method::POST, "/$batch", Some(batch)).await;
    assert_eq!(answer.status, StatusCode::OK);
    let inner = &answer.json["responses"][0];
    assert_eq!(inner["status"], 429);
    assert_eq!(inner["headers"]["Retry-After"], "600");
    assert_eq!(inner["body"]["error"]["code"], "ApplicationThrottled");
    assert_eq!(world.get(&token, "/me/messages").await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        world.get(&token, "/me").await.status,
        StatusCode::OK,
        "the profile is no part of the mailbox"
    );
}
