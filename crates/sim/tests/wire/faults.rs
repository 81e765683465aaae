//! Faults on command as a caller meets them.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;
use sim::Config;

use crate::client::{MAIL, SUPPORT, encoded, world, world_with};

/// 429 in its three forms, 503, and an end after the count.
#[tokio::test]
async fn statuses_with_and_without_a_wait() {
    let world = world().await;
    let token = world.access(SUPPORT, MAIL).await;
    for (wait, expected) in
        [(json!(7), "7"), (json!(null), ""), (json!("http-date:90"), "Tue, 24 Nov 2026 10:01:30 GMT")]
    {
        let rule =
            json!({"service": "graph", "kind": "status", "status": 429, "retry_after": wait, "count": 1});
        world.post_lever("/faults", rule).await;
        let answer = world.get(&token, "/me").await;
        assert_eq!((answer.status, answer.code()), (StatusCode::TOO_MANY_REQUESTS, "ApplicationThrottled"));
        assert_eq!(answer.header("retry-after"), expected);
        assert_eq!(world.get(&token, "/me").await.status, StatusCode::OK);
    }
    world
        .post_lever(
            "/faults",
            json!({"service": "graph", "kind": "status", "status": 503, "code": "MailboxInfoStale"}),
        )
        .await;
    assert_eq!(world.get(&token, "/me").await.code(), "MailboxInfoStale");
    world.lever(Method::DELETE, "/faults", json!(null)).await;
    assert_eq!(world.get(&token, "/me").await.status, StatusCode::OK);
}

/// After the effect: the answer says no, the work is done.
#[tokio::test]
async fn a_504_after_the_effect() {
    let world = world().await;
    let token = world.access(SUPPORT, MAIL).await;
    let id = world.mail(SUPPORT, "one");
    let path = format!("/me/messages/{}", encoded(&id));
    world
        .post_lever(
            "/faults",
            json!({"service": "graph", "method": "PATCH", "kind": "status_after_effect", "count": 1}),
        )
        .await;
    let answer = world.graph(&token, Method::PATCH, &path, Some(json!({"isRead": true}))).await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(world.truth(SUPPORT).await[0]["is_read"], true);
    world
        .post_lever(
            "/faults",
            json!({"service": "graph", "method": "PATCH", "kind": "status", "status": 504, "count": 1}),
        )
        .await;
    world.graph(&token, Method::PATCH, &path, Some(json!({"isRead": false}))).await;
    assert_eq!(world.truth(SUPPORT).await[0]["is_read"], true, "before the effect nothing is done");
}

/// A reset closes the connection without an answer, before or after the work.
#[tokio::test]
async fn a_reset_before_and_after_the_effect() {
    let world = world().await;
    let token = world.access(SUPPORT, MAIL).await;
    let id = world.mail(SUPPORT, "one");
    let url = format!("{}/v1.0/me/messages/{}", world.ready().graph, encoded(&id));
    let patch = async |read: bool| {
        world.http.patch(&url).bearer_auth(&token).json(&json!({"isRead": read})).send().await
    };
    for (kind, expected) in [("reset_before", false), ("reset_after_effect", true)] {
        world
            .post_lever("/faults", json!({"service": "graph", "method": "PATCH", "kind": kind, "count": 1}))
            .await;
        assert!(patch(true).await.is_err(), "{kind}: there is no answer");
        assert_eq!(world.truth(SUPPORT).await[0]["is_read"], expected, "{kind}");
    }
    assert!(patch(false).await.is_ok());
}

/// Faults reach into batches, for one inner request alone.
#[tokio::test]
async fn a_fault_inside_a_batch() {
    let world = world().await;
    let token = world.access(SUPPORT, MAIL).await;
    let ids: Vec<String> = ["a", "b", "c"].iter().map(|subject| world.mail(SUPPORT, subject)).collect();
    let rule = json!({"service": "graph", "method": "PATCH", "path": "/messages/", "kind": "status", "retry_after": 9, "count": 1});
    world.post_lever("/faults", rule).await;
    let requests: Vec<_> = ids
        .iter()
        .enumerate()
        .map(|(n, id)| {
            json!({"id": n.to_string(), "method": "PATCH", "url": format!("/me/messages/{}", encoded(id)),
            "headers": {"Content-Type": "application/json"}, "body": {"isRead": true}})
        })
        .collect();
    let answer = world.graph(&token, Method::POST, "/$batch", Some(json!({"requests": requests}))).await;
    assert_eq!(answer.status, StatusCode::OK);
    let all = answer.json["responses"].as_array().expect("answers");
    let failed: Vec<_> = all.iter().filter(|one| one["status"] == 429).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["headers"]["Retry-After"], "9");
    let read = world.truth(SUPPORT).await.iter().filter(|message| message["is_read"] == true).count();
    assert_eq!(read, 2);
}

/// The round trip and added latency are waited for.
#[tokio::test]
async fn latency_is_waited_for() {
    let world = world().await;
    let token = world.access(SUPPORT, MAIL).await;
    world.post_lever("/latency", json!({"ms": 40})).await;
    world
        .post_lever("/faults", json!({"service": "graph", "kind": "latency", "delay_ms": 60, "count": 1}))
        .await;
    let begun = Instant::now();
    world.get(&token, "/me").await;
    assert!(begun.elapsed() >= Duration::from_millis(100));
}

/// The recording has every exchange and no secret.
#[tokio::test]
async fn a_recording_has_no_secrets() {
    let path = std::env::temp_dir().join(format!("sim-record-{}.jsonl", uuid::Uuid::new_v4()));
    let world = world_with(Config { record: Some(path.clone()), ..Config::default() }).await;
    let answer = world.sign_in(SUPPORT, MAIL).await;
    let token = answer.json["access_token"].as_str().expect("a token").to_owned();
    world.get(&token, "/me/messages").await;
    let secret = world.ready().client_secret.clone();
    world.sim.stop().await;
    let text = std::fs::read_to_string(&path).expect("the recording");
    std::fs::remove_file(&path).expect("the recording goes");
    assert!(!text.contains(&token) && !text.contains(&secret) && !text.contains("Password-1"));
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let graph = lines.iter().find(|line| line["service"] == "graph").expect("a request to Graph");
    assert_eq!((graph["path"].as_str(), graph["status"].as_u64()), (Some("/v1.0/me/messages"), Some(200)));
    assert!(graph["response_body"]["value"].is_array());
}
