//! What the API promises: who may ask, and that it answers as the command line reads.

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use store::{args, sql};
use tower::ServiceExt;
use uuid::Uuid;

use crate::cli::shapes::{
    ApiProblem, Erasure, Erasures, Health, Jira, JiraConnections, Messages, Ping, Source, Sources,
};
use crate::connections::testing::Office;

async fn ask(router: &Router, method: Method, path: &str, token: Option<&str>) -> (StatusCode, String) {
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:7080");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

async fn token(office: &Office, text: &str, role: &str) {
    office
        .console
        .shell
        .db
        .execute(
            sql!(
                "INSERT INTO api_token (id, workspace_id, token_hash, name, role, created_at) VALUES ($1, $2, $3, 'test', $4, $5)"
            ),
            args![Uuid::now_v7(), office.workspace(), digest(&SHA256, text.as_bytes()).as_ref(), role, office.now()],
        )
        .await
        .unwrap();
}

/// Promise: nobody reads without a token or a session, and nothing is changed without a token that may.
#[tokio::test]
async fn who_asks_is_asked() {
    for office in Office::all().await {
        let there = office.connect().await;
        token(&office, "admin-token", "admin").await;
        token(&office, "viewer-token", "viewer").await;
        let router = &office.console.router;
        let pause = format!("/api/v1/sources/{}/pause", there.source);
        let far_too_long = format!("/api/v1/sign-in-links?mailbox={}@contoso.test", "x".repeat(300));
        let send_again = format!("/api/v1/sign-in-links?send=true&source={}", there.source);
        for (method, path, token, status) in [
            (Method::GET, "/api/v1/sources", None, StatusCode::UNAUTHORIZED),
            (Method::GET, "/api/v1/sources", Some("wrong"), StatusCode::UNAUTHORIZED),
            (Method::GET, "/api/v1/sources", Some("viewer-token"), StatusCode::OK),
            (Method::POST, &*pause, None, StatusCode::UNAUTHORIZED),
            (Method::POST, &*pause, Some("viewer-token"), StatusCode::FORBIDDEN),
            (Method::POST, &*pause, Some("admin-token"), StatusCode::OK),
            (Method::POST, "/api/v1/sign-in-links", Some("viewer-token"), StatusCode::FORBIDDEN),
            (Method::POST, "/api/v1/sign-in-links?lasts=9d", Some("admin-token"), StatusCode::BAD_REQUEST),
            (Method::POST, "/api/v1/sign-in-links?lasts=1h", Some("admin-token"), StatusCode::OK),
            (
                Method::POST,
                "/api/v1/sign-in-links?mailbox=box@contoso.test",
                Some("admin-token"),
                StatusCode::OK,
            ),
            (Method::POST, "/api/v1/sign-in-links?mailbox=box", Some("admin-token"), StatusCode::BAD_REQUEST),
            (
                Method::POST,
                "/api/v1/sign-in-links?mailbox=a%20b@contoso.test",
                Some("admin-token"),
                StatusCode::BAD_REQUEST,
            ),
            (Method::POST, &*far_too_long, Some("admin-token"), StatusCode::BAD_REQUEST),
            (Method::POST, "/api/v1/sign-in-links?send=true", Some("admin-token"), StatusCode::OK),
            (Method::POST, &*send_again, Some("admin-token"), StatusCode::BAD_REQUEST),
            (Method::GET, "/api/v1/nothing", Some("admin-token"), StatusCode::NOT_FOUND),
        ] {
            let (found, body) = ask(router, method.clone(), path, token).await;
            assert_eq!(found, status, "{method} {path} {token:?}: {body}");
            if !found.is_success() {
                let problem: ApiProblem = serde_json::from_str(&body).unwrap();
                assert!(problem.mend.ends_with('.'), "{body}");
            }
        }
        let asked: Vec<(String, String)> = office
            .console
            .shell
            .db
            .fetch_all(sql!("SELECT wanted, goal FROM sign_in_link WHERE goal <> ''"), args![])
            .await
            .unwrap();
        let [(wanted, goal)] = asked.as_slice() else { panic!("{asked:?}") };
        assert!(wanted.contains("Mail.Send") && goal.contains("outbound"), "{asked:?}");
        let mut owner = office.console.owner().await;
        assert_eq!(owner.get("/api/v1/sources").await.status, StatusCode::OK, "a session reads");
        let csrf = owner.token("/sources").await;
        let changed = owner.post(&pause, &csrf, &[]).await;
        assert_eq!(changed.status, StatusCode::UNAUTHORIZED, "a session changes nothing");
    }
}

/// Promise: the local socket answers whoever can open it, in the shapes of the command line.
#[tokio::test]
async fn the_socket_answers_in_shapes() {
    let office = Office::new().await;
    let there = office.connect().await;
    office.record(there, &["first", "second"]).await;
    let router = super::local_router(office.api.clone());
    let (_, body) = ask(&router, Method::GET, "/api/v1/health", None).await;
    assert!(serde_json::from_str::<Health>(&body).unwrap().ready);
    let (_, body) = ask(&router, Method::GET, "/api/v1/sources", None).await;
    let sources: Sources = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (sources.sources[0].mailbox.as_str(), sources.sources[0].waiting),
        ("support@contoso.test", 2)
    );
    let path = format!("/api/v1/sources/{}/pause", there.source);
    let (_, body) = ask(&router, Method::POST, &path, None).await;
    assert_eq!(serde_json::from_str::<Source>(&body).unwrap().state, "paused");
    let (_, body) = ask(&router, Method::GET, "/api/v1/messages?state=&limit=1", None).await;
    let messages: Messages = serde_json::from_str(&body).unwrap();
    assert_eq!(messages.messages.iter().map(|m| m.subject.as_str()).collect::<Vec<_>>(), ["second"]);
    let path = format!("/api/v1/messages/{}/retry", messages.messages[0].id);
    let (status, body) = ask(&router, Method::POST, &path, None).await;
    assert_eq!(status, StatusCode::CONFLICT, "{body}");
    let (status, _) = ask(&router, Method::GET, "/api/v1/messages/no-id", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

/// Promise: Jira connections are listed, tested, paused and resumed in shapes, and never with their secret.
#[tokio::test]
async fn jira_connections_answer_in_shapes() {
    let office = Office::new().await;
    let there = office.connect().await;
    let router = super::local_router(office.api.clone());
    let (_, body) = ask(&router, Method::GET, "/api/v1/jira", None).await;
    let all: JiraConnections = serde_json::from_str(&body).unwrap();
    let [jira] = all.connections.as_slice() else { panic!("{body}") };
    assert_eq!((jira.id.as_str(), jira.state.as_str()), (there.jira.to_string().as_str(), "online"));
    assert_eq!((jira.projects[0].key.as_str(), jira.projects[0].sources), ("SUP", 1));
    assert!(!jira.secret_end_is_known && jira.secret_ends_at.is_some(), "an API token ends within a year");
    for (what, state) in [("pause", "paused"), ("pause", "paused"), ("resume", "online")] {
        let path = format!("/api/v1/jira/{}/{what}", there.jira);
        let (status, body) = ask(&router, Method::POST, &path, None).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert_eq!(serde_json::from_str::<Jira>(&body).unwrap().state, state, "{what}");
    }
    let (_, body) = ask(&router, Method::POST, &format!("/api/v1/jira/{}/ping", there.jira), None).await;
    let ping: Ping = serde_json::from_str(&body).unwrap();
    assert!(!ping.checks.is_empty() && !ping.ok, "nobody answers there: {body}");
    for unknown in ["no-id", "00000000-0000-0000-0000-000000000001"] {
        let path = format!("/api/v1/jira/{unknown}/ping");
        assert_eq!(ask(&router, Method::POST, &path, None).await.0, StatusCode::NOT_FOUND);
    }
}

async fn send(router: &Router, path: &str, token: &str, body: &str) -> (StatusCode, String) {
    let request = Request::post(path)
        .header(header::HOST, "127.0.0.1:7080")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

/// Promise: only an owner's token erases, and only what was counted and confirmed with its address; the list and a mail's source are files
/// for whoever may read.
#[tokio::test]
async fn an_erasure_takes_an_owner() {
    for office in Office::all().await {
        let there = office.connect().await;
        let id = office.record(there, &["first"]).await[0];
        for role in ["owner", "admin", "viewer"] {
            token(&office, &format!("{role}-token"), role).await;
        }
        let router = &office.console.router;
        let wish = "{\"address\":\"anna@contoso.test\",\"named\":true}";
        for (who, status) in [("viewer-token", StatusCode::FORBIDDEN), ("admin-token", StatusCode::FORBIDDEN)]
        {
            assert_eq!(send(router, "/api/v1/erasures", who, wish).await.0, status, "{who}");
        }
        let (status, body) = send(router, "/api/v1/erasures", "owner-token", "{\"address\":\"anna\"}").await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        let (status, body) = send(router, "/api/v1/erasures", "owner-token", wish).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let begun: Erasure = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (begun.state.as_str(), begun.domain.as_str(), begun.total),
            ("counting", "contoso.test", 1)
        );
        assert!(!body.contains("anna@contoso.test"), "{body}");
        let path = format!("/api/v1/erasures/{}", begun.id);
        let sure = "{\"address\":\"anna@contoso.test\"}";
        let (status, body) = send(router, &format!("{path}/confirm"), "owner-token", sure).await;
        assert_eq!(status, StatusCode::CONFLICT, "it is not counted yet: {body}");
        assert_eq!(
            send(router, &format!("{path}/give-up"), "admin-token", "").await.0,
            StatusCode::FORBIDDEN
        );
        let (status, body) = send(router, &format!("{path}/give-up"), "owner-token", "").await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let (_, body) = ask(router, Method::GET, "/api/v1/erasures", Some("viewer-token")).await;
        assert!(serde_json::from_str::<Erasures>(&body).unwrap().erasures.is_empty(), "{body}");

        let export = "/api/v1/messages/export?format=json&q=first";
        let (status, body) = ask(router, Method::GET, export, Some("viewer-token")).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert_eq!(serde_json::from_str::<Vec<serde_json::Value>>(&body).unwrap()[0]["subject"], "first");
        let source = format!("/api/v1/messages/{id}/source");
        let (status, body) = ask(router, Method::GET, &source, Some("viewer-token")).await;
        assert!(status == StatusCode::OK && body.contains("native-first"), "{body}");
    }
}
