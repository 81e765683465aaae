//! The simulator's subscriptions, and the people of its directory, against the published schemas of Microsoft Graph.

#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::openapi::{Violation, check_component, check_recording};
use e2e::process::Sim;
use percent_encoding::percent_decode_str;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use store::testing::TestFolder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const MAILBOX: &str = "support@contoso.test";

fn specs() -> PathBuf {
    let shared = std::env::var_os("POSTROOM_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")), PathBuf::from);
    shared.join("specs")
}

/// Somebody's address: echoes the token, takes every notice, hands its body on.
async fn listen() -> Result<(String, mpsc::UnboundedReceiver<Value>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/told", listener.local_addr()?);
    let (told, notices) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let told = told.clone();
            tokio::spawn(async move {
                let Some((target, body)) = request(&mut stream).await else { return };
                let token = target.split_once("validationToken=").map(|(_, token)| token.replace('+', " "));
                let answer = match token {
                    Some(token) => {
                        let token = percent_decode_str(&token).decode_utf8_lossy().into_owned();
                        format!(
                            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{token}",
                            token.len()
                        )
                    }
                    None => {
                        let _ = told.send(serde_json::from_slice(&body).unwrap_or_default());
                        "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
                    }
                };
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    Ok((url, notices))
}

/// Target and body of a request.
async fn request(stream: &mut tokio::net::TcpStream) -> Option<(String, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.ok()?;
        read.extend_from_slice(&chunk[..count]);
        let head = read.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = head {
            let text = String::from_utf8_lossy(&read[..end]).into_owned();
            let length = text
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .and_then(|(_, value)| value.trim().parse::<usize>().ok())
                .unwrap_or(0);
            if read.len() >= end + 4 + length {
                let target = text.split(' ').nth(1)?.to_owned();
                return Some((target, read[end + 4..end + 4 + length].to_vec()));
            }
        }
        if count == 0 {
            return None;
        }
    }
}

struct Graph {
    http: Client,
    base: String,
    token: String,
}

impl Graph {
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<(StatusCode, Value)> {
        let mut request = self
            .http
            .request(method, format!("{}/v1.0{path}", self.base))
            .bearer_auth(&self.token)
            .header("prefer", "IdType=\"ImmutableId\"");
        request = match body {
            Some(body) => request.json(&body),
            None => request.header("content-length", "0"),
        };
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or_default()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_follow_the_published_schemas() -> Result<()> {
    if !specs().is_dir() {
        println!("skipped: subscriptions against the published schemas (shared data not present)");
        return Ok(());
    }
    let folder = TestFolder::new();
    let recording = folder.path().join("traffic.jsonl");
    let sim = Sim::start(&["--record", &recording.display().to_string()]).await?;
    sim.control.post("/registrations", &json!({ "roles": ["Mail.ReadWrite", "User.Read.All"] })).await?;
    let http = Client::new();
    let token: Value = http
        .post(format!("{}/{}/oauth2/v2.0/token", sim.ready.entra, sim.ready.tenant_id))
        .form(&[
            ("grant_type", "client_credentials"),
            ("client_id", &sim.ready.client_id),
            ("client_secret", &sim.ready.client_secret),
            ("scope", "https://graph.microsoft.com/.default"),
        ])
        .send()
        .await?
        .json()
        .await?;
    let token = token["access_token"].as_str().context("a token")?.to_owned();
    let graph = Graph { http, base: sim.ready.graph.clone(), token };
    let (url, mut notices) = listen().await?;

    let clock: Value =
        reqwest::get(format!("{}/clock", sim.ready.control.trim_end_matches('/'))).await?.json().await?;
    let now: jiff::Timestamp = clock["now"].as_str().context("a time")?.parse()?;
    let ends = |hours| now.saturating_add(jiff::SignedDuration::from_hours(hours)).map(|at| at.to_string());
    let wish = json!({"changeType": "created", "notificationUrl": url, "lifecycleNotificationUrl": url,
        "resource": format!("users/{MAILBOX}/mailFolders('inbox')/messages"), "expirationDateTime": ends(24)?,
        "clientState": "a secret", "latestSupportedTlsVersion": "v1_2"});
    let (status, made) = graph.ask(Method::POST, "/subscriptions", Some(wish.clone())).await?;
    ensure!(status == StatusCode::CREATED, "{status} {made}");
    let one = format!("/subscriptions/{}", made["id"].as_str().context("an id")?);
    let (status, conflict) = graph.ask(Method::POST, "/subscriptions", Some(wish)).await?;
    ensure!(status == StatusCode::CONFLICT, "{status} {conflict}");
    let renewal = json!({ "expirationDateTime": ends(48)? });
    for (method, path, body, expected) in [
        (Method::GET, "/subscriptions".to_owned(), None, 200),
        (Method::GET, one.clone(), None, 200),
        (Method::PATCH, one.clone(), Some(renewal.clone()), 200),
        (Method::POST, format!("{one}/reauthorize"), None, 204),
    ] {
        let (status, answer) = graph.ask(method.clone(), &path, body).await?;
        ensure!(status.as_u16() == expected, "{method} {path}: {status} {answer}");
    }
    sim.control.deliver(MAILBOX, "From: a@contoso.test\r\nSubject: told\r\n\r\nx".into()).await?;
    sim.control.post("/subscriptions/lifecycle", &json!({ "event": "missed" })).await?;
    let mut came = Vec::new();
    while came.len() < 2 {
        let notice = tokio::time::timeout(Duration::from_secs(20), notices.recv()).await?;
        came.push(notice.context("a notice")?);
    }
    for (method, path, body, expected) in [
        (Method::DELETE, one.clone(), None, 204),
        (Method::GET, one.clone(), None, 404),
        (Method::PATCH, one, Some(renewal), 404),
    ] {
        let (status, answer) = graph.ask(method.clone(), &path, body).await?;
        ensure!(status.as_u16() == expected, "{method} {path}: {status} {answer}");
    }
    let (status, person) = graph.ask(Method::GET, &format!("/users/{MAILBOX}"), None).await?;
    ensure!(status == StatusCode::OK, "{status} {person}");
    sim.stop().await?;

    let report = check_recording(&recording, &specs())?;
    // Graph writes the time of an error without a zone, which its own schema does not allow.
    let is_known = |violation: &&Violation| violation.place.ends_with("/error/innerError/date");
    let wrong: Vec<&Violation> = report.violations.iter().filter(|violation| !is_known(violation)).collect();
    ensure!(wrong.is_empty(), "{wrong:#?}");
    ensure!(report.checked >= 9, "hardly anything was checked: {report:?}");
    for (name, value) in [
        ("microsoft.graph.subscription", &made),
        ("microsoft.graph.user", &person),
        ("microsoft.graph.ODataErrors.ODataError", &conflict),
    ] {
        let mut wrong = check_component(&specs(), name, value)?;
        wrong.retain(|what| !what.contains("/error/innerError/date"));
        ensure!(wrong.is_empty(), "{name}: {wrong:#?}\n{value:#}");
    }
    // The check finds a wrong value; otherwise it guards nothing.
    let mut odd = made;
    odd["expirationDateTime"] = json!(7);
    ensure!(!check_component(&specs(), "microsoft.graph.subscription", &odd)?.is_empty());
    Ok(())
}
