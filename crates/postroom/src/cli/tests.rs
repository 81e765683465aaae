//! Commands that are understood, and a service that is reached or said not to be.

use clap::CommandFactory;
use store::testing::TestFolder;

use super::client::Client;
use super::shapes::FaultShape;
use super::shapes::{Health, MessageDetail, Sources};
use super::table::{cell, fault_lines};
use super::*;

/// Promise: the command line is consistent, and every command of the guide is there.
#[test]
fn commands_are_understood() {
    Cli::command().debug_assert();
    for line in [
        "postroom serve --config a.toml",
        "postroom demo --once --json --mail dir --data d",
        "postroom sim --port-graph 8081 --tls-cert c --tls-key k --latency-ms 50 --no-quotas --seed 7 --record f",
        "postroom doctor --json",
        "postroom setup microsoft --read --send --shared --json",
        "postroom applications list --json",
        "postroom applications check 0190",
        "postroom sources list --json",
        "postroom jira list --json",
        "postroom jira ping 1 --json",
        "postroom sources ping 0199 --url https://p.example --token t",
        "postroom sources sign-in-link --mailbox support@contoso.test --lasts 8h --json",
        "postroom sources sign-in-link --source 0199 --replace",
        "postroom sources sign-in-link --mailbox post@contoso.test --send",
        "postroom messages list --state held --limit 10",
        "postroom messages show 0199 --json",
        "postroom migrate --check",
        "postroom version",
    ] {
        let parsed = Cli::try_parse_from(line.split(' '));
        assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
    }
    for line in [
        "postroom sources sign-in-link --source 0199 --send",
        "postroom demo --json",
        "postroom sim --tls-cert c",
        "postroom messages list --limit 0",
    ] {
        assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
}

/// Promise: a token given on the command line is in no debug form.
#[test]
fn tokens_are_not_shown() {
    let cli = Cli::try_parse_from(["postroom", "sources", "list", "--token", "canary"]).expect("understood");
    assert!(!format!("{cli:?}").contains("canary"));
}

/// A service on a socket, as `serve` has one.
#[cfg(unix)]
fn service(folder: &TestFolder) -> Client {
    use axum::Router;
    use axum::routing::{get, post};
    use http::StatusCode;
    let router = Router::new()
        .route("/api/v1/health", get(|| async { r#"{"version":"9","ready":true,"new":1}"# }))
        .route(
            "/api/v1/sources",
            get(|| async { r#"{"sources":[{"id":"1","mailbox":"a@b","folder":"Inbox","state":"online"}]}"# }),
        )
        .route(
            "/api/v1/messages/{id}",
            get(|| async {
                (
                    StatusCode::NOT_FOUND,
                    r#"{"what":"There is no such message.","mend":"Look for it in its list."}"#,
                )
            }),
        )
        .route("/api/v1/sources/{id}/ping", post(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "oh") }));
    let path = folder.path().join("postroom.sock");
    let listener = tokio::net::UnixListener::bind(&path).expect("bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    Client::at_socket(path)
}

/// Promise: answers are read, also those of a newer service; refusals come as the service's own words.
#[cfg(unix)]
#[tokio::test]
async fn a_service_is_reached_over_its_socket() {
    let folder = TestFolder::new();
    let client = service(&folder);
    let health: Health = client.get("/api/v1/health").await.expect("answered");
    assert!(health.ready && health.version == "9");
    let sources: Sources = client.get("/api/v1/sources").await.expect("answered");
    assert_eq!(sources.sources[0].mailbox, "a@b");
    let refused = client.get::<MessageDetail>("/api/v1/messages/7").await.expect_err("none");
    assert_eq!(refused.to_string(), "There is no such message. Look for it in its list.");
    assert_eq!(refused.code(), 1);
    let refused = client.post::<super::shapes::Ping>("/api/v1/sources/7/ping").await.expect_err("broken");
    assert!(refused.to_string().contains("look at its log"), "{refused}");
}

/// Promise: without a service the person is told how to have one, with an exit code of its own.
#[tokio::test]
async fn a_missing_service_is_told() {
    let folder = TestFolder::new();
    let client = Client::at_socket(folder.path().join("postroom.sock"));
    let failure = client.get::<Health>("/api/v1/health").await.expect_err("nobody");
    assert!(failure.to_string().contains("postroom serve"), "{failure}");
    assert_eq!(failure.code(), 4);
}

/// Promise: an error ends with what to do, not with a cause that was told before.
#[test]
fn the_mend_stands_at_the_end() {
    let refused = store::DataFolder::open("/proc/self/postroom").expect_err("not writable");
    let failure = Failure::from(anyhow::Error::from(refused).context("the service does not start"));
    let told = failure.to_string();
    assert!(told.starts_with("the service does not start: the data folder /proc/self/postroom"), "{told}");
    assert!(told.ends_with("or set data_folder"), "{told}");
}

/// Promise: text from mail cannot move the terminal's cursor, turn its direction or fill it.
#[test]
fn text_from_mail_is_harmless_on_a_terminal() {
    assert_eq!(cell("a\u{1b}[2J\r\nb\u{202e}c", 20), "a [2J  b c");
    assert_eq!(cell("äöüß", 3), "äö…");
}

/// Promise: a fault on the terminal leads to its page and brings its command, a line each; what the other side wrote moves no
/// cursor.
#[test]
fn a_fault_leads_to_its_page_on_a_terminal() {
    let place = fault::Place { cloud: fault::Cloud::GccHigh, ..fault::Place::default() };
    let fault = fault::Fault::own("graph.no_licence", "").at(&place.with_mailbox("a@b.us"));
    let shape = FaultShape {
        code: "HTTP 401".to_owned(),
        cause: "C".to_owned(),
        is_guess: true,
        mend: "M.".to_owned(),
        who: None,
        link: None,
        page: fault.page(),
        pages: Vec::new(),
        command: fault.command().map(|command| format!("{command}\u{1b}[2J")),
    };
    assert_eq!(
        fault_lines("  ", &shape),
        "  Postroom does not know this code, and guesses: C (HTTP 401). M.\n    \
         Licenses (Microsoft 365 admin center): https://portal.office365.us/adminportal/home\n    \
         Command: Connect-ExchangeOnline -ExchangeEnvironmentName O365USGovGCCHigh; Get-Mailbox -Identity a@b.us [2J"
    );
}
