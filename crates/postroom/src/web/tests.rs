//! What every page promises.

use std::net::SocketAddr;
use std::str::FromStr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Request, StatusCode, header};
use store::testing::TestDb;

use super::testing::{PUBLIC, TestConsole};
use super::{Flash, RequestId};
use crate::config::Network;

/// Promise: every answer carries the policy that lets nothing foreign or inline run, and cannot be framed.
#[tokio::test]
async fn every_answer_has_a_strict_policy() {
    let console = TestConsole::new().await;
    let mut owner = console.owner().await;
    for path in
        ["/", "/settings", "/settings/audit", "/nowhere", "/test/fails", "/sign-in", "/setup", "/healthz"]
    {
        let answer = owner.get(path).await;
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        for part in [
            "default-src 'none'",
            "script-src 'self';",
            "style-src 'self';",
            "form-action 'self';",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(answer.headers[header::REFERRER_POLICY], "no-referrer");
        assert_eq!(answer.headers["cross-origin-opener-policy"], "same-origin");
        assert!(!answer.headers.contains_key(header::STRICT_TRANSPORT_SECURITY), "loopback is plain http");
    }
}

/// Promise: mail runs nothing and loads nothing, and only our own pages show it; a form may lead to the login page only
/// where a page says so.
#[tokio::test]
async fn mail_and_forms_that_leave_have_their_own_policies() {
    let console = TestConsole::new().await;
    let mut owner = console.owner().await;
    let policy = |answer: &super::testing::Answer| {
        answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned()
    };
    let mail = policy(&owner.get("/test/mail").await);
    for part in
        ["default-src 'none'", "img-src data:;", "form-action 'none'", "frame-ancestors 'self'", "sandbox"]
    {
        assert!(mail.contains(part), "{mail}");
    }
    assert!(!mail.contains("script-src") && !mail.contains("allow-scripts"), "{mail}");
    let leads = policy(&owner.get("/test/leads").await);
    assert!(leads.contains("form-action 'self' https://login.example.com;"), "{leads}");
}

/// Promise: over TLS browsers are told to stay there, and cookies are bound to the host.
#[tokio::test]
async fn over_tls_cookies_are_bound_to_the_host() {
    let console = TestConsole::on(TestDb::sqlite().await, "https://postroom.example.com/").await;
    let link = crate::access::link::first_owner(&console.shell, &mut rand::rng()).await.unwrap().unwrap();
    let mut browser = console.browser();
    let request = Request::get(&link).header(header::HOST, "postroom.example.com");
    let answer = browser.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.headers.contains_key(header::STRICT_TRANSPORT_SECURITY));
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["__Host-postroom-visit=", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
}

/// Promise: a page that is not there, or is asked for wrongly, says what to do, in the product's look.
#[tokio::test]
async fn errors_say_what_mends_them() {
    let console = TestConsole::new().await;
    let mut owner = console.owner().await;
    for (path, status) in
        [("/nowhere", StatusCode::NOT_FOUND), ("/test/admin", StatusCode::METHOD_NOT_ALLOWED)]
    {
        let answer = owner.get(path).await;
        assert_eq!(answer.status, status);
        assert!(
            answer.body.contains("class=\"lead\"") && answer.body.contains("Sign out"),
            "{}",
            answer.body
        );
    }
    let token = owner.token("/settings").await;
    let large = "x".repeat(2 << 20);
    let answer = owner.post("/test/admin", &token, &[("large", &large)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.body.contains("Send less at once"), "{}", answer.body);
}

/// Promise: a fault of the program shows a reference, and nothing of its inside; the process goes on.
#[tokio::test]
async fn faults_show_a_reference_only() {
    let console = TestConsole::new().await;
    let mut owner = console.owner().await;
    for path in ["/test/panics", "/test/fails"] {
        let answer = owner.get(path).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!answer.body.contains("secret of the inside"));
        let reference = answer.headers["x-request-id"].to_str().unwrap();
        assert!(answer.body.contains(reference), "{}", answer.body);
        assert!(!RequestId(reference.to_owned()).0.is_empty());
    }
    assert_eq!(owner.get("/").await.status, StatusCode::OK);
}

/// Promise: who asks for JSON gets the same words as JSON.
#[tokio::test]
async fn problems_are_json_for_programs() {
    let console = TestConsole::new().await;
    let mut owner = console.owner().await;
    let request =
        Request::get("/nowhere").header(header::ACCEPT, "application/json").body(Body::empty()).unwrap();
    let answer = owner.send(request).await;
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(problem["mend"].as_str().is_some_and(|mend| mend.ends_with('.')), "{problem}");
}

/// Promise: a stranger's name pointed at this machine gets no page; another name for loopback is sent on.
#[tokio::test]
async fn other_hosts_get_no_page() {
    let console = TestConsole::new().await;
    let mut browser = console.browser();
    let to =
        |host: &str| Request::get("/sign-in?next=/x").header(header::HOST, host).body(Body::empty()).unwrap();
    let answer = browser.send(to("evil.example:7080")).await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(answer.body.contains(PUBLIC), "it names the address that works");
    let answer = browser.send(to("localhost:7080")).await;
    assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(answer.location(), "http://127.0.0.1:7080/sign-in?next=/x");
}

/// Promise: the host that a trusted proxy forwards counts; from anybody else it is no way around the check.
#[tokio::test]
async fn only_a_trusted_proxy_says_which_host_was_asked_for() {
    let mut console = TestConsole::new().await;
    console.shell.trusted_proxies = [Network::from_str("10.0.0.0/8").unwrap()].as_slice().into();
    console.router = super::router(&console.shell, Vec::new());
    let mut browser = console.browser();
    for (peer, is_believed) in [([10, 0, 0, 5], true), ([192, 0, 2, 9], false)] {
        let mut request = Request::get("/setup?token=x")
            .header(header::HOST, "inside:8080")
            .header("x-forwarded-host", "127.0.0.1:7080")
            .header("x-request-id", "given-by-a-proxy")
            .body(Body::empty())
            .unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((peer, 4711))));
        let answer = browser.send(request).await;
        assert_eq!(answer.status == StatusCode::MISDIRECTED_REQUEST, !is_believed, "{}", answer.body);
        assert_eq!(answer.headers["x-request-id"] == "given-by-a-proxy", is_believed);
    }
}

/// Promise: up is one thing, ready another, and the reasons are told.
#[tokio::test]
async fn readiness_tells_its_reasons() {
    let console = TestConsole::new().await;
    let mut anybody = console.browser();
    assert_eq!(anybody.get("/healthz").await.status, StatusCode::OK);
    assert_eq!(anybody.get("/readyz").await.status, StatusCode::OK);
    console.shell.readiness.not_ready("disk", "the disk is full: make room");
    let answer = anybody.get("/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("make room"), "{}", answer.body);
    console.shell.readiness.ready("disk");
    assert_eq!(anybody.get("/readyz").await.status, StatusCode::OK);
}

/// Promise: numbers of the inside are for this machine and for people who are signed in.
#[tokio::test]
async fn metrics_are_not_for_strangers() {
    let mut console = TestConsole::new().await;
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    console.shell.metrics = Some(recorder.handle());
    console.router = super::router(&console.shell, Vec::new());
    assert_eq!(console.browser().get("/metrics").await.status, StatusCode::FORBIDDEN);
    let link = console.owner_link().await.unwrap();
    let mut owner = console.browser();
    owner.sign_up(&link, "owner@contoso.test").await;
    assert_eq!(owner.get("/metrics").await.status, StatusCode::OK);
}

/// Promise: a flash message is shown once.
#[tokio::test]
async fn flash_messages_are_shown_once() {
    let console = TestConsole::new().await;
    let mut owner = console.owner().await;
    let first = owner.get("/").await;
    assert!(first.body.contains("Your account is made"), "{}", first.body);
    assert!(!owner.get("/").await.body.contains("Your account is made"));
    let strange = Flash::done("<script>alert(1)</script>").cookie(false);
    owner.cookies.insert(strange.name().to_owned(), strange.value().to_owned());
    assert!(!owner.get("/").await.body.contains("<script>alert"));
}

/// Promise: the stream of topics is for people who are signed in.
#[tokio::test]
async fn the_stream_needs_a_session() {
    let console = TestConsole::new().await;
    let request =
        || Request::get("/live").header(header::ACCEPT, "text/event-stream").body(Body::empty()).unwrap();
    assert_eq!(console.browser().send(request()).await.status, StatusCode::UNAUTHORIZED);
    let owner = console.owner().await;
    let cookies: Vec<String> = owner.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut request = request();
    request.headers_mut().insert(header::COOKIE, cookies.join("; ").parse().unwrap());
    request.headers_mut().insert(header::HOST, "127.0.0.1:7080".parse().unwrap());
    let response = tower::ServiceExt::oneshot(console.router.clone(), request).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut events = response.into_body().into_data_stream();
    let first = futures::StreamExt::next(&mut events).await.unwrap().unwrap();
    assert_eq!(&first[..], b"data: *\n\n");
    console.shell.bus.tell("sources");
    let second = futures::StreamExt::next(&mut events).await.unwrap().unwrap();
    assert_eq!(&second[..], b"data: sources\n\n");
}
