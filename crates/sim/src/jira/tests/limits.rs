//! Rate limits as a client sees them.

use http::StatusCode;
use serde_json::json;

use super::{Peer, doc};

/// Beyond the burst: 429 with everything a client needs to wait rightly, and it recovers.
#[tokio::test]
async fn a_burst_is_answered_429() {
    let peer = Peer::new();
    peer.state.enforce_quotas(true);
    for _ in 0..100 {
        assert_eq!(peer.get("/rest/api/3/myself").await.status, StatusCode::OK);
    }
    let seen = peer.get("/rest/api/3/myself").await;
    assert_eq!(seen.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!((seen.header("retry-after"), seen.header("ratelimit-reason")), ("1", "jira-burst-based"));
    assert_eq!((seen.header("x-ratelimit-remaining"), seen.header("x-ratelimit-nearlimit")), ("0", "true"));
    assert!(seen.header("x-ratelimit-reset").parse::<jiff::Timestamp>().is_ok());
    assert_eq!(peer.get("/rest/api/3/serverInfo").await.status, StatusCode::OK, "another endpoint is free");
    peer.advance(1);
    assert_eq!(peer.get("/rest/api/3/myself").await.status, StatusCode::OK);
}

/// One issue takes twenty writes in two seconds, whatever they are; nothing of a refused one is done.
#[tokio::test]
async fn writes_to_one_issue_are_paced() {
    let peer = Peer::new();
    peer.state.enforce_quotas(true);
    peer.issue("busy").await;
    for number in 0..20 {
        let seen = peer.post("/rest/api/3/issue/SUP-1/comment", json!({"body": doc("x")})).await;
        assert_eq!(seen.status, StatusCode::CREATED, "{number}");
    }
    let seen = peer.put("/rest/api/3/issue/10000", json!({"fields": {"summary": "no"}})).await;
    assert_eq!(seen.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        (seen.header("ratelimit-reason"), seen.header("retry-after")),
        ("jira-per-issue-on-write", "2")
    );
    assert_eq!(peer.state.issues()[0]["summary"], "busy");
    peer.advance(2);
    let seen = peer.put("/rest/api/3/issue/SUP-1", json!({"fields": {"summary": "yes"}})).await;
    assert_eq!(seen.status, StatusCode::NO_CONTENT);
}
