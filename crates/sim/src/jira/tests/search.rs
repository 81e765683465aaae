//! Search: bounds, pages, lag, bulk fetch.

use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Peer;

const SEARCH: &str = "/rest/api/3/search/jql";

fn keys(body: &Value) -> Vec<&str> {
    body["issues"].as_array().into_iter().flatten().filter_map(|issue| issue["key"].as_str()).collect()
}

/// An unbounded query and a spoilt token are refused with the recorded words.
#[tokio::test]
async fn bounds_and_bad_requests() {
    let peer = Peer::new();
    for jql in ["", "ORDER BY created DESC"] {
        let seen = peer.post(SEARCH, json!({"jql": jql})).await;
        assert_eq!(seen.status, StatusCode::BAD_REQUEST);
        assert_eq!(
            seen.body["errorMessages"][0],
            "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
        );
    }
    let seen = peer.post(SEARCH, json!({"jql": "project = SUP", "nextPageToken": "bad"})).await;
    assert_eq!(seen.body["errorMessages"][0], "The provided next page token is invalid or expired.");
    for body in [
        json!({"jql": "project = SUP", "startAt": 0}),
        json!({"jql": "project = SUP", "maxResults": 0}),
        json!({"jql": "project = SUP", "properties": ["1", "2", "3", "4", "5", "6"]}),
        json!({"jql": "project = NO"}),
        json!({"jql": "issue.property[mailhandler].messageId = \"x\""}),
        json!({"jql": "key = SUP-9"}),
    ] {
        assert_eq!(peer.post(SEARCH, body.clone()).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
}

/// Ids alone by default; fields, properties and pages on demand, and a token serves its query only.
#[tokio::test]
async fn pages() {
    let peer = Peer::new();
    for number in 0..7 {
        peer.issue_with(json!({"summary": format!("n{number}"), "labels": ["mid-1"]})).await;
    }
    let seen = peer.post(SEARCH, json!({"jql": "labels = \"mid-1\""})).await;
    assert_eq!(seen.body["issues"][0], json!({"id": "10006"}));
    assert_eq!(seen.body["isLast"], true);
    let mut all: Vec<String> = Vec::new();
    let mut body = json!({"jql": "project = SUP ORDER BY key", "maxResults": 3, "fields": ["summary"]});
    loop {
        let seen = peer.post(SEARCH, body.clone()).await;
        all.extend(keys(&seen.body).into_iter().map(str::to_owned));
        if all.len() == 3 {
            peer.issue("late").await;
        }
        match seen.body.get("nextPageToken") {
            Some(token) => body["nextPageToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!(all, ["SUP-1", "SUP-2", "SUP-3", "SUP-4", "SUP-5", "SUP-6", "SUP-7"]);
    let first = peer.get(&format!("{SEARCH}?jql=project%3DSUP&maxResults=2&fields=key")).await;
    assert_eq!(keys(&first.body), ["SUP-8", "SUP-7"]);
    let token = first.body["nextPageToken"].clone();
    let other = peer.post(SEARCH, json!({"jql": "project = BILL", "nextPageToken": token})).await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST);
    peer.advance(8 * 24 * 3600);
    let late = peer.post(SEARCH, json!({"jql": "project=SUP", "nextPageToken": token})).await;
    assert_eq!(late.status, StatusCode::BAD_REQUEST);
    let count = peer.post("/rest/api/3/search/approximate-count", json!({"jql": "project = SUP"})).await;
    assert_eq!(count.body, json!({"count": 8}));
}

/// While the index lags, new issues are absent and changed ones old, unless reconciled by id.
#[tokio::test]
async fn the_index_lags() {
    let peer = Peer::new();
    peer.issue_with(json!({"labels": ["old"]})).await;
    peer.state.set_index_lag(SignedDuration::from_secs(30));
    peer.put("/rest/api/3/issue/SUP-1", json!({"fields": {"labels": ["new"]}})).await;
    peer.issue_with(json!({"labels": ["new"]})).await;
    let search = async |jql: &str, reconcile: Value| {
        let body = json!({"jql": jql, "fields": ["labels"], "reconcileIssues": reconcile});
        let seen = peer.post(SEARCH, body).await;
        keys(&seen.body).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(search("labels = new", json!([])).await, Vec::<String>::new());
    assert_eq!(search("labels = old", json!([])).await, ["SUP-1"]);
    assert_eq!(search("labels = new", json!([10_000, 10_001])).await, ["SUP-2", "SUP-1"]);
    assert_eq!(peer.get("/rest/api/3/issue/SUP-2").await.status, StatusCode::OK, "reads do not lag");
    peer.advance(31);
    assert_eq!(search("labels = new", json!([])).await, ["SUP-2", "SUP-1"]);
    assert_eq!(search("labels = old", json!([])).await, Vec::<String>::new());
    peer.issue_with(json!({"labels": ["third"]})).await;
    assert_eq!(search("labels = third", json!([])).await, Vec::<String>::new());
    peer.state.set_index_lag(SignedDuration::ZERO);
    assert_eq!(search("labels = third", json!([])).await, ["SUP-3"], "no lag lets everything appear");
}

/// Bulk fetch: by key or id, ascending, unknown ones absent, a hundred at most.
#[tokio::test]
async fn bulk_fetch() {
    let peer = Peer::new();
    for number in 0..3 {
        peer.issue(&format!("{number}")).await;
    }
    let path = "/rest/api/3/issue/bulkfetch";
    let body = json!({"issueIdsOrKeys": ["SUP-3", "10000", "SUP-77", "SUP-1"], "fields": ["summary"],
        "properties": ["mailhandler"]});
    let seen = peer.post(path, body).await;
    assert_eq!(keys(&seen.body), ["SUP-1", "SUP-3"]);
    assert_eq!(seen.body["issues"][0]["properties"], json!({}));
    let many: Vec<String> = (0..101).map(|number| format!("SUP-{number}")).collect();
    assert_eq!(peer.post(path, json!({"issueIdsOrKeys": many})).await.status, StatusCode::BAD_REQUEST);
    let unknown = peer.post(path, json!({"issueIdsOrKeys": ["SUP-1"], "startAt": 1})).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
}
