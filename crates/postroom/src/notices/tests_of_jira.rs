//! Jira connections: a token that is refused is told of before a mail needs it, once for the site, and so is that it is back.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use store::{args, sql};
use uuid::Uuid;

use super::testing_told as told;
use super::watch::Watch;
use crate::connections::store::jira::{self, Kept};
use crate::connections::testing::{Connected, Office};
use crate::connections::{jira_site, jira_watch, tell};

fn later(office: &Office, minutes: u64) {
    office.console.clock.advance(Duration::from_mins(minutes));
}

/// Puts the token of the connection right, or wrong, as its row holds it.
async fn put_token(office: &Office, there: Connected, user: &str, token: &str, site: &str) {
    let token = SecretString::from(token.to_owned());
    let sealed =
        office.state.connections.sealer.seal(&jira_site::place(there.jira), token.expose_secret().as_bytes());
    let kept = Kept {
        id: there.jira,
        workspace: office.workspace(),
        name: "Contoso".to_owned(),
        kind: "cloud_token",
        base_url: site.to_owned(),
        api_version: 3,
        username: user.to_owned(),
        token_sealed: Some(sealed),
        account_id: None,
        display_name: Some("Postroom".to_owned()),
        upload_limit: None,
        tested_at: Some(office.now()),
        now: office.now(),
    };
    let mut tx = office.console.shell.db.begin().await.unwrap();
    jira::update(&mut tx, kept).await.unwrap();
    tx.commit().await.unwrap();
    office.state.connections.forget();
}

async fn state_of(office: &Office, id: Uuid) -> String {
    jira::one(&office.console.shell.db, office.workspace(), id).await.unwrap().unwrap().state
}

/// Promise: without a mail, a token that Jira refuses is found within ten minutes and told once; when it works again, that is told with
/// how many mails waited.
#[tokio::test]
async fn a_refused_token_is_found_by_looking() {
    let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
    let (user, good, site) = {
        let ready = sim.ready();
        (ready.jira_user.clone(), ready.jira_token.clone(), ready.jira.clone())
    };
    for office in Office::all().await {
        let there = office.connect().await;
        put_token(&office, there, &user, &good, &site).await;
        let connections = &office.state.connections;
        jira_watch::check_due(connections).await;
        assert!(told(&office).await.is_empty(), "it was tested when it was kept");
        later(&office, 11);
        jira_watch::check_due(connections).await;
        assert_eq!((state_of(&office, there.jira).await.as_str(), told(&office).await.len()), ("online", 0));

        put_token(&office, there, &user, "a token that was revoked", &site).await;
        later(&office, 11);
        jira_watch::check_due(connections).await;
        // Nobody looks twice in the same minutes, and looking again tells nothing new.
        jira_watch::check_due(connections).await;
        later(&office, 11);
        jira_watch::check_due(connections).await;
        let watch = Watch::new(office.console.shell.clone(), std::sync::Arc::clone(connections));
        watch.look().await.unwrap();
        let all = told(&office).await;
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!((all[0].0.as_str(), all[0].1.as_str()), ("offline", "jira"));
        assert!(all[0].2.contains("token"), "{all:?}");
        assert_eq!(state_of(&office, there.jira).await, "offline");

        office.record(there, &["first", "second"]).await;
        put_token(&office, there, &user, &good, &site).await;
        later(&office, 11);
        jira_watch::check_due(connections).await;
        let all = told(&office).await;
        assert_eq!(all.len(), 2, "{all:?}");
        assert_eq!((all[1].0.as_str(), all[1].1.as_str()), ("back", "jira"));
        assert!(all[1].2.contains("2 mails had waited"), "{all:?}");
    }
    sim.stop().await;
}

/// Promise: where writing finds the token refused, the site is told of, once for all its projects, and its state says so; a fault of one
/// project is told of the project.
#[tokio::test]
async fn writing_finds_it_too_and_tells_it_of_the_site() {
    for office in Office::all().await {
        let there = office.connect().await;
        let db = &office.console.shell.db;
        let mut tx = db.begin().await.unwrap();
        let new = jira::NewDestination {
            workspace: office.workspace(),
            connection: there.jira,
            key: "OPS",
            name: "Operations",
            highest: 0,
            now: office.now(),
        };
        let other = jira::destination(&mut tx, &new).await.unwrap();
        let token = fault::Fault::own("jira.token", "");
        for destination in [there.destination, other, there.destination] {
            tell::destination_fails(&mut tx, destination, &token, office.now()).await.unwrap();
        }
        let project = fault::Fault::own("jira.project", "");
        tell::destination_fails(&mut tx, other, &project, office.now()).await.unwrap();
        tx.commit().await.unwrap();
        let mut kinds: Vec<_> =
            told(&office).await.into_iter().map(|(kind, object, _)| (object, kind)).collect();
        kinds.sort();
        let offline = |object: &str| (object.to_owned(), "offline".to_owned());
        assert_eq!(kinds, [offline("destination"), offline("jira")]);
        assert_eq!(state_of(&office, there.jira).await, "offline");
        let mut browser = office.console.owner().await;
        let page = browser.get("/jira").await;
        assert!(
            page.body.contains("offline") && page.body.contains("does not accept the token"),
            "{}",
            page.body
        );

        later(&office, 1);
        let mut tx = db.begin().await.unwrap();
        tell::destination_works(&mut tx, there.destination, office.now()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(state_of(&office, there.jira).await, "online");
        let backs = told(&office)
            .await
            .into_iter()
            .filter(|(kind, object, _)| (kind.as_str(), object.as_str()) == ("back", "jira"));
        assert_eq!(backs.count(), 1);
    }
}

/// Promise: a connection that is removed is not waited for.
#[tokio::test]
async fn a_removed_connection_is_not_waited_for() {
    let office = Office::new().await;
    let id = office.connect_jira(crate::connections::testing::NOWHERE).await;
    let db = &office.console.shell.db;
    let mut tx = db.begin().await.unwrap();
    tell::jira_fails(&mut tx, id, &fault::Fault::own("jira.token", ""), office.now()).await.unwrap();
    tx.commit().await.unwrap();
    let mut browser = office.console.owner().await;
    let token = browser.token("/jira").await;
    browser.post(&format!("/jira/{id}/remove"), &token, &[]).await;
    let open: Vec<(i64,)> =
        db.fetch_all(sql!("SELECT raised_at FROM notice WHERE ended_at IS NULL"), args![]).await.unwrap();
    assert!(open.is_empty());
}

/// Promise: a site that is down is shown at once and told once it has lasted half an hour, and so is that it is back; while somebody has
/// paused it, nothing is told of it or its projects.
#[tokio::test]
async fn a_site_that_is_down_for_long_is_told() {
    for office in Office::all().await {
        let there = office.connect().await;
        let db = &office.console.shell.db;
        let watch =
            Watch::new(office.console.shell.clone(), std::sync::Arc::clone(&office.state.connections));
        let fails = async |entry: &str| {
            let mut tx = db.begin().await.unwrap();
            let fault = fault::Fault::own(entry, "");
            tell::destination_fails(&mut tx, there.destination, &fault, office.now()).await.unwrap();
            tx.commit().await.unwrap();
        };
        fails("jira.unavailable").await;
        watch.look().await.unwrap();
        assert_eq!(
            (state_of(&office, there.jira).await.as_str(), told(&office).await.len()),
            ("degraded", 0)
        );
        for _ in 0..2 {
            later(&office, 16);
            fails("jira.unavailable").await;
            watch.look().await.unwrap();
        }
        watch.look().await.unwrap();
        let all = told(&office).await;
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!((all[0].0.as_str(), all[0].1.as_str()), ("degraded", "jira"));
        let mut tx = db.begin().await.unwrap();
        tell::destination_works(&mut tx, there.destination, office.now()).await.unwrap();
        tx.commit().await.unwrap();
        let all = told(&office).await;
        assert_eq!((all.len(), all[1].0.as_str()), (2, "back"), "{all:?}");

        let mut tx = db.begin().await.unwrap();
        jira::set_paused(&mut tx, office.workspace(), there.jira, true, office.now()).await.unwrap();
        tx.commit().await.unwrap();
        fails("jira.token").await;
        fails("jira.project").await;
        assert_eq!(told(&office).await.len(), 2, "what somebody has paused is nobody's news");
    }
}
