//! The doctor finds what is wrong, says what to do, and changes nothing.

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use secrecy::SecretString;
use store::testing::TestFolder;
use store::{DataFolder, Db, MasterKey, Sealer, StoreUrl, SystemClock};

use super::*;

/// A peer that answers like the servers of Microsoft and Jira do to strangers.
async fn peer() -> String {
    let router = Router::new()
        .route("/organizations/v2.0/.well-known/openid-configuration", get(|| async { "{}" }))
        .route("/v1.0/me", get(|| async { StatusCode::UNAUTHORIZED }))
        .route("/rest/api/3/serverInfo", get(|| async { "{}" }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn environment(folder: &Path, microsoft: &str, jira: &str) -> Environment {
    Environment::of([
        ("POSTROOM_DATA_FOLDER", folder.display().to_string()),
        ("POSTROOM_MICROSOFT_LOGIN_URL", microsoft.to_owned()),
        ("POSTROOM_MICROSOFT_GRAPH_URL", microsoft.to_owned()),
        ("POSTROOM_JIRA_BASE_URL", jira.to_owned()),
        ("POSTROOM_JIRA_USER", "u".to_owned()),
        ("POSTROOM_JIRA_TOKEN", "canary".to_owned()),
    ])
}

fn find<'f>(findings: &'f [Finding], check: &str) -> &'f Finding {
    findings
        .iter()
        .find(|finding| finding.check == check)
        .unwrap_or_else(|| panic!("no {check} in {findings:?}"))
}

async fn installation(folder: &Path) -> MasterKey {
    let owned = DataFolder::open(folder).expect("taken");
    let db = Db::open(&StoreUrl::Sqlite(owned.database())).await.expect("opened");
    db.migrate(|_| {}).await.expect("migrated");
    let key = MasterKey::load_or_create(&DataFolder::master_key_in(folder), true).expect("made");
    Sealer::load(&db, &key, &SystemClock).await.expect("sealed");
    db.close().await;
    key
}

/// Promise: before the first start nothing is wrong, and looking makes nothing.
#[tokio::test]
async fn a_fresh_machine_is_well() {
    let folder = TestFolder::new();
    let data = folder.path().join("data");
    let peer = peer().await;
    let findings = examine(None, &environment(&data, &peer, &peer), &SystemClock).await;
    assert!(findings.iter().all(|finding| finding.grade != Grade::Bad), "{findings:#?}");
    for check in ["sign-in", "Microsoft Graph", "Jira", "clock"] {
        assert_eq!(find(&findings, check).grade, Grade::Good, "{check}");
    }
    assert!(!data.exists());
    assert!(!format!("{findings:?}").contains("canary"));
}

/// Promise: an installation that has run is well, and a lost or wrong key is found before the service needs it.
#[tokio::test]
async fn a_lost_or_wrong_key_is_found() {
    let folder = TestFolder::new();
    installation(folder.path()).await;
    let peer = peer().await;
    let environment = environment(folder.path(), &peer, &peer);
    let findings = examine(None, &environment, &SystemClock).await;
    assert_eq!(find(&findings, "master key").grade, Grade::Good, "{findings:#?}");
    assert_eq!(find(&findings, "database").grade, Grade::Good, "{findings:#?}");

    let file = DataFolder::master_key_in(folder.path());
    std::fs::remove_file(&file).expect("removed");
    let findings = examine(None, &environment, &SystemClock).await;
    let lost = find(&findings, "master key");
    assert_eq!(lost.grade, Grade::Bad);
    assert!(lost.mend.as_deref().is_some_and(|mend| mend.contains("put that file back")), "{lost:?}");
    assert!(!file.exists(), "the doctor made a key");

    MasterKey::load_or_create(&file, true).expect("another key");
    let findings = examine(None, &environment, &SystemClock).await;
    assert!(find(&findings, "master key").text.contains("does not fit"), "{findings:#?}");
}

/// Promise: a server that cannot be reached or is another is found, with what to do.
#[tokio::test]
async fn unreachable_and_wrong_servers_are_found() {
    let folder = TestFolder::new();
    let peer = peer().await;
    let findings = examine(
        None,
        &environment(folder.path(), "http://127.0.0.1:9", &format!("{peer}/elsewhere")),
        &SystemClock,
    )
    .await;
    let sign_in = find(&findings, "sign-in");
    assert!(sign_in.text.starts_with("127.0.0.1 cannot be reached"), "{sign_in:?}");
    assert!(sign_in.mend.is_some());
    let jira = find(&findings, "Jira");
    assert!(jira.text.contains("answers 404"), "{jira:?}");
}

/// Promise: faulty settings are findings like others.
#[tokio::test]
async fn faulty_settings_are_findings() {
    let environment = Environment::of([("POSTROOM_INBOUND_WORKERS", "0")]);
    let findings = examine(None, &environment, &SystemClock).await;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].text, "variable POSTROOM_INBOUND_WORKERS: inbound.workers: 0 is out of range");
    assert_eq!(findings[0].mend.as_deref(), Some("write a number from 1 to 256"));
}

/// Promise: a database that cannot be reached is found without its password.
#[tokio::test]
async fn an_unreachable_database_is_found() {
    let folder = TestFolder::new();
    let config = Config {
        database: crate::config::Database {
            url: Some(SecretString::from("postgres://u:canary@127.0.0.1:9/d")),
        },
        data_folder: folder.path().to_owned(),
        ..Config::defaults()
    };
    let mut findings = Vec::new();
    place::examine(&config, &mut findings).await;
    let database = find(&findings, "database");
    assert_eq!(database.grade, Grade::Bad);
    assert!(database.mend.as_deref().is_some_and(|mend| mend.contains("[database] url")), "{database:?}");
    assert!(!format!("{findings:?}").contains("canary"));
}
