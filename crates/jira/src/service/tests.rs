//! Tokens of a service account, against a token endpoint and a Jira that say what a test wants.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::ClientCredentials;
use crate::{ApiVersion, Auth, Client, Effect, Settings, Site};

#[derive(Clone)]
struct Atlassian {
    given: Arc<AtomicUsize>,
    asked: Arc<Mutex<Vec<Value>>>,
    /// The status of the token endpoint, and what tokens last.
    endpoint: Arc<Mutex<(u16, u64)>>,
    /// Tokens up to this number are refused by Jira.
    refused: Arc<AtomicUsize>,
    signed: Arc<Mutex<Vec<String>>>,
    /// Rung when a token is asked for.
    rung: Arc<tokio::sync::Notify>,
}

/// The status of an endpoint that never answers.
const HANGS: u16 = 0;

async fn token(State(atlassian): State<Atlassian>, Json(asked): Json<Value>) -> Response {
    atlassian.asked.lock().unwrap().push(asked);
    let (status, lasts) = *atlassian.endpoint.lock().unwrap();
    atlassian.rung.notify_one();
    if status == HANGS {
        std::future::pending::<()>().await;
    }
    if status != 200 {
        let body = json!({"error": "access_denied", "error_description": "Unauthorized"});
        return (StatusCode::from_u16(status).unwrap(), Json(body)).into_response();
    }
    let number = atlassian.given.fetch_add(1, Ordering::SeqCst) + 1;
    Json(json!({"access_token": format!("token-{number}"), "expires_in": lasts, "token_type": "Bearer",
        "scope": "read:jira-work write:jira-work"}))
    .into_response()
}

async fn myself(State(atlassian): State<Atlassian>, headers: HeaderMap) -> Response {
    let signed = headers["authorization"].to_str().unwrap().to_owned();
    let number: usize = signed.rsplit('-').next().unwrap().parse().unwrap();
    atlassian.signed.lock().unwrap().push(signed);
    if number <= atlassian.refused.load(Ordering::SeqCst) {
        return (StatusCode::UNAUTHORIZED, "Client must be authenticated to access this resource.")
            .into_response();
    }
    Json(json!({"accountId": "svc", "displayName": "Service", "active": true})).into_response()
}

async fn start() -> (Atlassian, Arc<Client>) {
    let atlassian = Atlassian {
        given: Arc::default(),
        asked: Arc::default(),
        endpoint: Arc::new(Mutex::new((200, 3600))),
        refused: Arc::default(),
        signed: Arc::default(),
        rung: Arc::default(),
    };
    let router = Router::new()
        .route("/oauth/token", post(token))
        .route("/ex/jira/1/rest/api/3/myself", get(myself))
        .with_state(atlassian.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let credentials = ClientCredentials {
        token_url: format!("http://{address}/oauth/token").parse().unwrap(),
        client_id: "client".to_owned(),
        client_secret: SecretString::from("canary-secret"),
    };
    let site = Site {
        base_url: format!("http://{address}/ex/jira/1").parse().unwrap(),
        api_version: ApiVersion::V3,
        auth: Auth::Service(credentials),
    };
    (atlassian, Arc::new(Client::new(http, site, Settings::default())))
}

#[tokio::test]
async fn one_token_serves_many_calls_and_is_asked_for_once() {
    let (atlassian, client) = start().await;
    assert_eq!(client.token_in_use(), None);
    let calls = (0..8).map(|_| {
        let client = Arc::clone(&client);
        tokio::spawn(async move { client.myself().await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    let asked = atlassian.asked.lock().unwrap().clone();
    let expected =
        json!({"grant_type": "client_credentials", "client_id": "client", "client_secret": "canary-secret"});
    assert_eq!(asked, [expected]);
    assert!(atlassian.signed.lock().unwrap().iter().all(|signed| signed == "Bearer token-1"));
    let used = client.token_in_use().unwrap();
    assert_eq!(used.scopes, ["read:jira-work", "write:jira-work"]);
    assert!(used.lasts > Duration::from_mins(58), "{used:?}");
    assert!(!format!("{client:?} {used:?}").contains("canary"));
}

#[tokio::test]
async fn a_token_is_replaced_before_it_ends() {
    let (atlassian, client) = start().await;
    // Half of a life of nothing is over at once.
    atlassian.endpoint.lock().unwrap().1 = 0;
    client.myself().await.unwrap();
    client.myself().await.unwrap();
    assert_eq!(*atlassian.signed.lock().unwrap(), ["Bearer token-1", "Bearer token-2"]);
}

#[tokio::test]
async fn a_life_that_cannot_be_is_not_believed() {
    let (atlassian, client) = start().await;
    atlassian.endpoint.lock().unwrap().1 = u64::MAX;
    client.myself().await.unwrap();
    let used = client.token_in_use().unwrap();
    assert!(used.lasts <= Duration::from_hours(24), "{used:?}");
}

#[tokio::test]
async fn a_token_that_jira_refuses_before_its_time_is_replaced_once() {
    let (atlassian, client) = start().await;
    client.myself().await.unwrap();
    atlassian.refused.store(1, Ordering::SeqCst);
    client.myself().await.unwrap();
    assert_eq!(*atlassian.signed.lock().unwrap(), ["Bearer token-1", "Bearer token-1", "Bearer token-2"]);
    // One that stays refused is told, after one more try.
    atlassian.refused.store(99, Ordering::SeqCst);
    let error = client.myself().await.unwrap_err();
    assert_eq!((error.fault.entry.id, error.effect), ("jira.token", Effect::None));
    assert_eq!(atlassian.signed.lock().unwrap().len(), 5);
    // And the next call does not begin with a token that is known to be refused.
    atlassian.refused.store(3, Ordering::SeqCst);
    client.myself().await.unwrap();
    assert_eq!(atlassian.signed.lock().unwrap().last().unwrap(), "Bearer token-4");
}

#[tokio::test]
async fn credentials_that_are_refused_are_told_as_that_and_nothing_reaches_jira() {
    let (atlassian, client) = start().await;
    atlassian.endpoint.lock().unwrap().0 = 401;
    for _ in 0..3 {
        let error = client.add_comment("SUP-1", "{}", &[]).await.unwrap_err();
        assert_eq!((error.fault.entry.id, error.effect), ("jira.client_credentials", Effect::None));
        assert!(error.fault.detail.contains("access_denied"), "{:?}", error.fault);
        assert!(!format!("{error:?}").contains("canary"));
    }
    assert_eq!(atlassian.asked.lock().unwrap().len(), 1, "nobody asks again at once");
    assert!(atlassian.signed.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_token_that_still_lasts_bridges_an_endpoint_that_is_down() {
    let (atlassian, client) = start().await;
    // Of three seconds half are over before it ends.
    atlassian.endpoint.lock().unwrap().1 = 3;
    client.myself().await.unwrap();
    atlassian.endpoint.lock().unwrap().0 = 503;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    client.myself().await.unwrap();
    assert_eq!(atlassian.asked.lock().unwrap().len(), 2, "a new one was asked for");
    assert!(atlassian.signed.lock().unwrap().iter().all(|signed| signed == "Bearer token-1"));
}

/// Time passes for an endpoint that hangs.
async fn passes(span: Duration) {
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
}

#[tokio::test]
async fn an_endpoint_that_hangs_is_asked_once_for_all_who_wait() {
    let (atlassian, client) = start().await;
    atlassian.endpoint.lock().unwrap().0 = HANGS;
    let callers = [Arc::clone(&client), Arc::clone(&client)]
        .map(|client| tokio::spawn(async move { client.sign_in().await }));
    atlassian.rung.notified().await;
    assert_eq!(client.token_in_use(), None, "whoever looks does not wait");
    passes(Settings::default().request_timeout + Duration::from_secs(1)).await;
    for caller in callers {
        let caller = tokio::time::timeout(Duration::from_secs(5), caller).await.expect("waits once for all");
        assert_eq!(caller.unwrap().unwrap_err().entry.id, "network.timeout");
    }
    let error = client.add_comment("SUP-1", "{}", &[]).await.unwrap_err();
    assert_eq!((error.fault.entry.id, error.fault.status), ("network.timeout", None));
    assert_eq!(atlassian.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_that_still_lasts_is_used_while_a_new_one_is_asked_for() {
    let (atlassian, client) = start().await;
    atlassian.endpoint.lock().unwrap().1 = 600;
    client.myself().await.unwrap();
    atlassian.rung.notified().await;
    atlassian.endpoint.lock().unwrap().0 = HANGS;
    passes(Duration::from_secs(400)).await;
    let asking = Arc::clone(&client);
    let asking = tokio::spawn(async move { asking.sign_in().await });
    atlassian.rung.notified().await;
    let call = tokio::time::timeout(Duration::from_secs(5), client.myself());
    call.await.expect("nobody waits for a token while one lasts").unwrap();
    asking.abort();
    assert_eq!(atlassian.asked.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_the_token_endpoint_says_is_not_said_of_what_was_asked_for() {
    let (atlassian, client) = start().await;
    atlassian.endpoint.lock().unwrap().0 = 404;
    let error = client.issue_property("SUP-1", "key").await.unwrap_err();
    assert_eq!((error.fault.entry.id, error.fault.status), ("jira.not_found", None));
}
