//! What connections promise, in the console and in the database.

use http::StatusCode;
use jiff::SignedDuration;
use ledger::Ledger;
use ledger::record::IdKind;
use store::{args, sql};
use uuid::Uuid;

use super::bootstrap;
use super::store::accounts::{self, NewSignIn};
use super::store::sources::Confirmed;
use super::store::{jira, sources};
use super::testing::{NOWHERE, Office, confirmed};
use crate::config::Config;

async fn begun(office: &Office, registration: Uuid, state: &[u8], browser: &[u8]) {
    let now = office.now();
    let new = NewSignIn {
        state_hash: state.to_vec(),
        workspace: office.workspace(),
        registration,
        browser_hash: browser.to_vec(),
        verifier_sealed: vec![1],
        nonce: "nonce".to_owned(),
        scopes: "openid".to_owned(),
        wanted: "openid".to_owned(),
        stage: "whole",
        goal: String::new(),
        purpose: "new",
        account: None,
        tenant: String::new(),
        link: None,
        approval: None,
        user: Some(Uuid::now_v7()),
        now,
        until: now + SignedDuration::from_mins(10),
    };
    let mut tx = office.console.shell.db.begin().await.unwrap();
    accounts::begin(&mut tx, new).await.unwrap();
    tx.commit().await.unwrap();
}

/// Promise: what comes back from Microsoft is taken once, in time, and only in the browser that began it.
#[tokio::test]
async fn a_state_is_taken_once_in_time_by_its_browser() {
    for office in Office::all().await {
        let (db, workspace) = (&office.console.shell.db, office.workspace());
        let registration = office.register().await;
        begun(&office, registration, b"one", b"mine").await;
        begun(&office, registration, b"two", b"mine").await;
        let take = async |state: &[u8], browser: &[u8]| {
            accounts::take(db, workspace, state, browser, office.now()).await.unwrap().is_some()
        };
        assert!(!take(b"one", b"another's").await, "another browser");
        assert!(!take(b"unknown", b"mine").await, "an unknown state");
        assert!(take(b"one", b"mine").await, "another's try has not used it up");
        assert!(!take(b"one", b"mine").await, "a second time");
        office.console.clock.advance(std::time::Duration::from_secs(601));
        assert!(!take(b"two", b"mine").await, "too late");
    }
}

/// Promise: a callback that nobody began stores nothing, and says what to do.
#[tokio::test]
async fn a_strange_callback_is_refused_in_words() {
    let office = Office::new().await;
    office.register().await;
    let mut owner = office.console.owner().await;
    let page = owner.get("/oauth/callback?state=x&code=secret-code").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.body.contains("Begin the sign-in again") && !page.body.contains("secret-code"),
        "{}",
        page.body
    );
    let found = accounts::unused(&office.console.shell.db, office.workspace()).await.unwrap();
    assert!(found.is_empty(), "{found:?}");
}

/// Promise: a sign-in that cannot begin says why, and that it can be tried again.
#[tokio::test]
async fn a_sign_in_that_cannot_begin_says_why() {
    let office = Office::new().await;
    let mut owner = office.console.owner().await;
    let token = owner.token("/sources").await;
    let page = owner.post("/sources/sign-in", &token, &[]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.body.contains("client_id"), "{}", page.body);
    office.register().await;
    let page = owner.post("/sources/sign-in", &token, &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("Sign in again"), "{}", page.body);
}

/// Promise: a source whose sign-in was ended says so, with the code and the button that mends it.
#[tokio::test]
async fn a_revoked_sign_in_is_shown_with_its_mend() {
    for office in Office::all().await {
        let there = office.connect().await;
        let db = &office.console.shell.db;
        let fault = r#"{"entry":"entra.grant_revoked","code":"AADSTS50173"}"#;
        db.execute(
            sql!("UPDATE account SET state = 'offline', fault = $1, state_since = $2 WHERE id = $3"),
            args![fault, office.now(), there.account],
        )
        .await
        .unwrap();
        let mut owner = office.console.owner().await;
        let page = owner.get("/sources").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        for part in ["offline", "AADSTS50173", "Sign in again", "support@contoso.test", "SUP"] {
            assert!(page.body.contains(part), "{part} is missing: {}", page.body);
        }
        let page = owner.get(&format!("/sources/{}", there.source)).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(page.body.contains("AADSTS50173") && page.body.contains("Sign in again"), "{}", page.body);
    }
}

/// Promise: a source is paused, resumed and removed on record, and what the ledger knows of its mail stays.
#[tokio::test]
async fn sources_are_switched_on_record() {
    for office in Office::all().await {
        let there = office.connect().await;
        office.record(there, &["first"]).await;
        let (db, workspace) = (&office.console.shell.db, office.workspace());
        let mut owner = office.console.owner().await;
        let token = owner.token("/sources").await;
        for (what, paused) in [("pause", true), ("pause", true), ("resume", false)] {
            let done = owner.post(&format!("/sources/{}/{what}", there.source), &token, &[]).await;
            assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
            let source = sources::one(db, workspace, there.source).await.unwrap().unwrap();
            assert_eq!(source.paused_at.is_some(), paused, "{what}");
        }
        let done = owner.post(&format!("/sources/{}/remove", there.source), &token, &[]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        assert!(sources::one(db, workspace, there.source).await.unwrap().is_none());
        assert!(owner.get("/messages").await.body.contains("first"), "the list of messages stays");
        let audit: Vec<(String, String)> =
            db.fetch_all(sql!("SELECT action, actor FROM audit ORDER BY at, id"), args![]).await.unwrap();
        let source: Vec<&str> =
            audit.iter().map(|row| row.0.as_str()).filter(|what| what.contains("source")).collect();
        assert_eq!(source, ["pause source", "resume source", "remove source"]);
        // The same folder again: taken into use anew, not a second time beside.
        let mut tx = db.begin().await.unwrap();
        let found = sources::of_folder(&mut tx, there.mailbox, "inbox-id").await.unwrap().unwrap();
        assert!(found.0 == there.source && found.1.is_some());
        let again = confirmed(workspace, there.account, there.mailbox, there.destination, office.now());
        sources::revive(&mut tx, there.source, again).await.unwrap();
        tx.commit().await.unwrap();
        assert!(sources::one(db, workspace, there.source).await.unwrap().is_some());
    }
}

/// Promise: one who may only look changes nothing.
#[tokio::test]
async fn viewers_change_nothing() {
    let office = Office::new().await;
    let there = office.connect().await;
    let mut owner = office.console.owner().await;
    let token = owner.token("/sources").await;
    office.console.shell.db.execute(sql!("UPDATE console_user SET role = 'viewer'"), args![]).await.unwrap();
    for path in
        ["/sources/sign-in".to_owned(), format!("/sources/{}/pause", there.source), "/jira/new".to_owned()]
    {
        let answer = owner.post(&path, &token, &[]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    let page = owner.get("/sources").await;
    assert!(page.status == StatusCode::OK && !page.body.contains("/pause\""), "{}", page.body);
}

/// Promise: a list without a connection has every way to make one, and explains the box for the organisation before anybody meets it; who
/// may only look is offered none.
#[tokio::test]
async fn an_empty_list_has_every_way() {
    let office = Office::new().await;
    let mut owner = office.console.owner().await;
    for (list, ways) in [
        (
            "/sources",
            vec![
                "/sources/sign-in",
                "name=\"shared\"",
                "/sign-in-links/new",
                "/device-sign-ins",
                "/applications/new",
                "/sources/create-ews",
            ],
        ),
        (
            "/outbounds",
            vec![
                "/outbounds/sign-in",
                "name=\"shared\"",
                "/applications/new?for=outbound",
                "/outbounds/create-ews",
            ],
        ),
    ] {
        let page = owner.get(list).await.body;
        for part in ways.iter().copied().chain(["Create", "Consent on behalf of your organization"]) {
            assert!(page.contains(part), "{list}: {part} is missing: {page}");
        }
    }
    office.console.shell.db.execute(sql!("UPDATE console_user SET role = 'viewer'"), args![]).await.unwrap();
    for list in ["/sources", "/outbounds"] {
        let page = owner.get(list).await.body;
        assert!(!page.contains("/sign-in\"") && !page.contains("Create"), "{list}: {page}");
    }
}

/// Promise: a source that begins in shadow mode is in it from its first mail on, and one that is made again is in it only where that was
/// chosen anew.
#[tokio::test]
async fn a_source_begins_in_shadow_mode() {
    for office in Office::all().await {
        let there = office.connect().await;
        let (db, now) = (&office.console.shell.db, office.now());
        let shadow = async |id: Uuid| {
            sources::one(db, office.workspace(), id)
                .await
                .unwrap()
                .unwrap()
                .shadow_at
                .map(|at| at == now.as_microsecond())
        };
        assert_eq!(shadow(there.source).await, None);
        let new = |in_shadow: bool, folder: &str| Confirmed {
            in_shadow,
            folder_id: folder.to_owned(),
            ..confirmed(office.workspace(), there.account, there.mailbox, there.destination, now)
        };
        let id = Uuid::now_v7();
        let mut tx = db.begin().await.unwrap();
        sources::insert(&mut tx, id, new(true, "another")).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(shadow(id).await, Some(true));
        for in_shadow in [false, true] {
            let mut tx = db.begin().await.unwrap();
            sources::revive(&mut tx, id, new(in_shadow, "another")).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(shadow(id).await, in_shadow.then_some(true));
        }
    }
}

/// Promise: mail that the ledger knows is told with what became of it, on both databases; mail that a removed source left behind begins
/// again, and counts as new.
#[tokio::test]
async fn known_mail_is_told() {
    for office in Office::all().await {
        let there = office.connect().await;
        let db = &office.console.shell.db;
        let ids = office.record(there, &["first", "second", "third"]).await;
        let ended = sql!(
            "UPDATE message SET state = 'ended', ending = $1, ended_by = $2, issue_key = $3 WHERE id = $4"
        );
        db.execute(ended, args!["issue", None::<&str>, "SUP-12", ids[0]]).await.unwrap();
        db.execute(ended, args!["ignored", "source-removed", None::<&str>, ids[1]]).await.unwrap();
        let asked = ["first", "second", "third", "fourth"].map(|subject| format!("native-{subject}"));
        let known = Ledger::handled(db, there.mailbox, IdKind::Graph, &asked).await.unwrap();
        let mut told: Vec<(&str, &str, Option<&str>)> = known
            .values()
            .map(|one| (one.native_id.as_str(), one.state.as_str(), one.issue_key.as_deref()))
            .collect();
        told.sort_unstable();
        assert_eq!(told, [("native-first", "ended", Some("SUP-12")), ("native-third", "ready", None)]);
        assert!(Ledger::handled(db, there.mailbox, IdKind::Ews, &asked).await.unwrap().is_empty());
        assert!(Ledger::handled(db, there.mailbox, IdKind::Graph, &[]).await.unwrap().is_empty());
        let found =
            sources::known_mailbox(db, office.workspace(), "tenant", "x", "Support@contoso.test").await;
        assert_eq!(found.unwrap(), Some(there.mailbox));
        let elsewhere = sources::known_mailbox(db, Uuid::now_v7(), "tenant", "oid-support", "").await;
        assert_eq!(elsewhere.unwrap(), None, "another workspace's");
    }
}

/// Promise: a form with errors keeps what was typed, and says beside each field what is wrong.
#[tokio::test]
async fn forms_keep_what_was_typed() {
    let office = Office::new().await;
    let registration = office.register().await;
    let account = office.sign_in(registration, "support@contoso.test").await;
    let mut owner = office.console.owner().await;
    let token = owner.token("/sources").await;
    let fields = [
        ("mailbox", "shared@contoso.test"),
        ("folder", "inbox"),
        ("start", "since"),
        ("since", "never"),
        ("handled", "category"),
        ("handled_target", ""),
        ("do", "confirm"),
    ];
    office.sign_in(registration, "Billing@contoso.test").await;
    let page = owner.post(&format!("/sources/new?account={account}"), &token, &fields).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for part in [
        "shared@contoso.test",
        // What is known of the tenant can be picked.
        "<option value=\"billing@contoso.test\">",
        "Begin in shadow mode",
        "one more permission",
        "year-month-day",
        "No Jira site is connected yet",
        "name, for example Handled by Postroom",
    ] {
        assert!(page.body.contains(part), "{part} is missing: {}", page.body);
    }
    let fields = [
        ("kind", "cloud_token"),
        ("base_url", NOWHERE),
        ("username", "bot@contoso.test"),
        ("token", "s3cret-token"),
    ];
    let page = owner.post("/jira/new", &token, &fields).await;
    assert!(page.body.contains(NOWHERE) && page.body.contains("bot@contoso.test"), "{}", page.body);
    assert!(page.body.contains("base_url-error") && !page.body.contains("s3cret-token"), "{}", page.body);
    let none = jira::all(&office.console.shell.db, office.workspace()).await.unwrap();
    assert!(none.is_empty(), "a connection that was not tested is not kept");
}

/// Promise: a ping says for each check what is wrong, how long it took and what to do, and stays on record.
#[tokio::test]
async fn a_ping_has_a_line_for_each_check() {
    let office = Office::new().await;
    let there = office.connect().await;
    let mut owner = office.console.owner().await;
    let token = owner.token("/sources").await;
    let done = owner.post(&format!("/sources/{}/ping", there.source), &token, &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    assert_eq!(done.location(), format!("/sources?ping={0}#row-{0}", there.source));
    let page = owner.get(&format!("/sources?ping={}", there.source)).await;
    assert!(page.body.contains("Something is wrong") && page.body.contains("Jira sign-in"), "{}", page.body);
    assert!(page.body.contains(" ms</span>"), "{}", page.body);
    let page = owner.get(&format!("/sources/{}", there.source)).await;
    assert!(page.body.contains("Ping: ") && page.body.contains("owner@contoso.test"), "{}", page.body);
}

/// Promise: a Jira connection that sources use stays; one that none uses goes with its token.
#[tokio::test]
async fn a_used_jira_connection_stays() {
    for office in Office::all().await {
        let there = office.connect().await;
        let unused = office.connect_jira("http://127.0.0.1:2").await;
        let mut owner = office.console.owner().await;
        let token = owner.token("/jira").await;
        let kept = owner.post(&format!("/jira/{}/remove", there.jira), &token, &[]).await;
        assert_eq!(kept.status, StatusCode::CONFLICT, "{}", kept.body);
        let gone = owner.post(&format!("/jira/{unused}/remove"), &token, &[]).await;
        assert_eq!(gone.status, StatusCode::SEE_OTHER, "{}", gone.body);
        let left = jira::all(&office.console.shell.db, office.workspace()).await.unwrap();
        assert_eq!(left.iter().map(|row| row.id).collect::<Vec<_>>(), [there.jira]);
    }
}

/// Promise: a Jira connection stays while mail is on the way to it, also after its source writes elsewhere; what was written there
/// keeps its key.
#[tokio::test]
async fn a_jira_connection_stays_while_mail_is_on_its_way() {
    for office in Office::all().await {
        let there = office.connect().await;
        let db = &office.console.shell.db;
        let id = office.record(there, &["printer is on fire"]).await[0];
        let on_its_way = sql!("UPDATE message SET state = 'acting', destination_id = $1 WHERE id = $2");
        db.execute(on_its_way, args![there.destination, id]).await.unwrap();
        db.execute(sql!("UPDATE source SET destination_id = NULL"), args![]).await.unwrap();
        let mut owner = office.console.owner().await;
        let token = owner.token("/jira").await;
        let remove = format!("/jira/{}/remove", there.jira);
        let kept = owner.post(&remove, &token, &[]).await;
        assert_eq!(kept.status, StatusCode::CONFLICT, "{}", kept.body);
        assert!(kept.body.contains("1 mail is on the way"), "{}", kept.body);
        let ended =
            sql!("UPDATE message SET state = 'ended', ending = 'issue', issue_key = 'SUP-1' WHERE id = $1");
        db.execute(ended, args![id]).await.unwrap();
        // It was the first with a key of another system.
        let first = office.state.ledger.first_with(db, (there.jira, "a query"), Some(id), None, office.now());
        assert_eq!(first.await.unwrap(), ledger::foreign::First::Itself);
        let gone = owner.post(&remove, &token, &[]).await;
        assert_eq!(gone.status, StatusCode::SEE_OTHER, "{}", gone.body);
        let page = owner.get(&format!("/messages/{id}")).await;
        assert!(page.status == StatusCode::OK && page.body.contains("SUP-1"), "{}", page.body);
    }
}

/// Promise: two workspaces never read one mailbox, whichever way it is written.
#[tokio::test]
async fn a_mailbox_has_one_workspace() {
    for office in Office::all().await {
        let there = office.connect().await;
        let mut tx = office.console.shell.db.begin().await.unwrap();
        for (native, address) in [("oid-support", ""), ("support@contoso.test", "Support@Contoso.test")] {
            let found = sources::mailbox(&mut tx, "tenant", native, address).await.unwrap();
            assert_eq!(found.map(|mailbox| mailbox.id), Some(there.mailbox), "{native}");
        }
        assert!(
            sources::mailbox(&mut tx, "other", "oid-support", "support@contoso.test")
                .await
                .unwrap()
                .is_none()
        );
    }
}

/// Promise: every start takes over what the settings say, without making anything twice.
#[tokio::test]
async fn settings_are_taken_over_at_every_start() {
    for office in Office::all().await {
        let mut config = Config::defaults();
        config.microsoft.client_id = Some("client".to_owned());
        config.microsoft.client_secret = Some("first".into());
        config.jira.base_url = Some("https://contoso.example/".parse().unwrap());
        config.jira.user = Some("bot@contoso.test".to_owned());
        config.jira.token = Some("token".into());
        let (connections, workspace) = (&office.state.connections, office.workspace());
        for secret in ["first", "first", "second"] {
            config.microsoft.client_secret = Some(secret.into());
            bootstrap(connections, workspace, &config).await.unwrap();
        }
        let registration = accounts::registration(&connections.db, workspace).await.unwrap().unwrap();
        assert_eq!(connections.registration(registration).await.unwrap().client_id, "client");
        let (count,): (i64,) =
            connections.db.fetch_one(sql!("SELECT count(*) FROM app_registration"), args![]).await.unwrap();
        let sites = jira::all(&connections.db, workspace).await.unwrap();
        assert_eq!((count, sites.len(), sites[0].base_url.as_str()), (1, 1, "https://contoso.example"));
        assert_eq!((sites[0].checked_at, sites[0].last_success_at), (None, None), "nobody has tested it");
        // Another token tells nothing of how it is, either, and is tested at once.
        let stopped = sql!(
            "UPDATE jira_connection SET state = 'offline', fault = 'f', checked_at = 9, last_success_at = 7"
        );
        connections.db.execute(stopped, args![]).await.unwrap();
        config.jira.token = Some("another".into());
        bootstrap(connections, workspace, &config).await.unwrap();
        let site = jira::all(&connections.db, workspace).await.unwrap().remove(0);
        assert_eq!((site.state.as_str(), site.fault.as_deref()), ("offline", Some("f")));
        assert_eq!((site.checked_at, site.last_success_at), (None, Some(7)));
    }
}

/// Promise: a sign-in whose sources were removed is offered for removal and goes, with its tokens; the mail that came through it stays,
/// and so does the way back: the same folder can be connected again with another sign-in.
#[tokio::test]
async fn a_sign_in_goes_when_its_sources_have_gone() {
    for office in Office::all().await {
        let connected = office.connect().await;
        let (db, workspace) = (&office.console.shell.db, office.workspace());
        let mail = office.record(connected, &["Printer on fire"]).await[0];
        let mut owner = office.console.owner().await;
        let token = owner.token("/sources").await;
        let remove = format!("/accounts/{}/remove", connected.account);
        let stays = owner.post(&remove, &token, &[]).await;
        assert_eq!(stays.status, StatusCode::CONFLICT, "it reads a source: {}", stays.body);
        owner.post(&format!("/sources/{}/remove", connected.source), &token, &[]).await;
        let unused = accounts::unused(db, workspace).await.unwrap();
        assert_eq!(unused.iter().map(|account| account.id).collect::<Vec<_>>(), [connected.account]);
        let removed = owner.post(&remove, &token, &[]).await;
        assert_eq!(removed.status, StatusCode::SEE_OTHER, "{}", removed.body);
        assert!(accounts::account(db, workspace, connected.account).await.unwrap().is_none());
        let page = owner.get(&format!("/messages/{mail}")).await;
        assert!(page.body.contains("Printer on fire"), "{}", page.body);
        let fault = office.state.connections.mailbox_of(connected.source).await.unwrap_err();
        assert!(!fault.detail.is_empty(), "nobody reads it: {fault:?}");
        let registration = office.register_at("http://127.0.0.1:2").await;
        let other = office.sign_in(registration, "anna@contoso.test").await;
        let mut tx = db.begin().await.unwrap();
        let again = confirmed(workspace, other, connected.mailbox, connected.destination, office.now());
        sources::revive(&mut tx, connected.source, again).await.unwrap();
        tx.commit().await.unwrap();
        let source = sources::one(db, workspace, connected.source).await.unwrap().unwrap();
        assert_eq!(source.username, "anna@contoso.test");
    }
}

/// Promise: a source's page and the API show all that is wrong with it, no time for a next try that only a sign-in brings, and the page
/// leads to the account that it is read with.
#[tokio::test]
async fn a_source_says_all_that_is_wrong() {
    for office in Office::all().await {
        let there = office.connect().await;
        let db = &office.console.shell.db;
        let ended = r#"{"entry":"entra.grant_revoked","code":"AADSTS50173"}"#;
        db.execute(sql!("UPDATE account SET state = 'offline', fault = $1"), args![ended]).await.unwrap();
        let refused = r#"{"entry":"jira.forbidden","code":""}"#;
        db.execute(
            sql!("UPDATE destination SET state = 'offline', fault = $1, not_before = $2"),
            args![refused, office.now() + jiff::SignedDuration::from_secs(60)],
        )
        .await
        .unwrap();
        let mut owner = office.console.owner().await;
        let page = owner.get(&format!("/sources/{}", there.source)).await.body;
        assert_eq!(page.matches("<div class=\"fault ").count(), 2, "{page}");
        let account = format!("<a href=\"/accounts/{}\">support@contoso.test</a>", there.account);
        for part in ["AADSTS50173", "jira.forbidden", "after a new sign-in", account.as_str()] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let api: serde_json::Value = serde_json::from_str(&owner.get("/api/v1/sources").await.body).unwrap();
        let one = &api["sources"][0];
        assert_eq!(one["faults"].as_array().map(Vec::len), Some(2), "{one}");
        assert_eq!(one["fault"]["code"], "AADSTS50173", "{one}");
        assert!(one.get("next_try_at").is_none(), "{one}");
    }
}
