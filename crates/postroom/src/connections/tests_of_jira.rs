//! Jira connections against the simulated Atlassian: set-up by kind, replacing a secret, faults row by row, pausing, ends, ping.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use store::{args, sql};
use uuid::Uuid;

use super::jira_switch;
use super::store::jira::{self, JiraConnection};
use super::testing::{Connected, Office};
use crate::inbound::effects::PROPERTY;
use crate::notices::testing_told;

/// The owner at a browser: made at first, signed in again afterwards.
async fn owner_of(office: &Office) -> crate::web::testing::Browser<'_> {
    if office.console.owner_link().await.is_some() {
        return office.console.owner().await;
    }
    let mut browser = office.console.browser();
    browser.sign_in("owner@contoso.test", "four unrelated words").await;
    browser
}

struct World {
    sim: sim::Sim,
    office: Office,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
        let office = Office::with_atlassian(&sim.ready().jira).await;
        Self { sim, office, http: reqwest::Client::new() }
    }

    async fn lever(&self, path: &str, body: Value) {
        let url = format!("{}{path}", self.sim.ready().control.trim_end_matches('/'));
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    }

    async fn mend(&self) {
        let url = format!("{}/faults", self.sim.ready().control.trim_end_matches('/'));
        self.http.delete(url).send().await.unwrap();
    }

    async fn rows(&self) -> Vec<JiraConnection> {
        jira::all(&self.office.console.shell.db, self.office.workspace()).await.unwrap()
    }

    /// What the form of a kind is filled in with.
    fn fields(&self, kind: &'static str) -> Vec<(&'static str, String)> {
        let ready = self.sim.ready();
        let (site, user, secret) = match kind {
            "cloud_service" => (&ready.jira, ready.jira_client_id.clone(), &ready.jira_client_secret),
            "cloud_scoped" => (&ready.jira, ready.jira_user.clone(), &ready.jira_scoped_token),
            "cloud_token" => (&ready.jira, ready.jira_user.clone(), &ready.jira_token),
            _ => (&ready.jira_data_center, String::new(), &ready.jira_access_token),
        };
        vec![
            ("kind", kind.to_owned()),
            ("base_url", site.clone()),
            ("username", user),
            ("token", secret.clone()),
        ]
    }

    async fn post(&self, to: &str, fields: &[(&'static str, String)]) -> crate::web::testing::Answer {
        let mut owner = owner_of(&self.office).await;
        let token = owner.token("/jira").await;
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        owner.post(to, &token, &fields).await
    }

    /// A connection of a kind that works.
    async fn connect(&self, kind: &'static str) -> JiraConnection {
        let done = self.post("/jira/new", &self.fields(kind)).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{kind}: {}", done.body);
        let row = self.rows().await.into_iter().find(|row| row.kind == kind).unwrap();
        assert_eq!(done.location(), format!("/jira/{}", row.id));
        row
    }

    async fn one(&self, id: Uuid) -> JiraConnection {
        jira::one(&self.office.console.shell.db, self.office.workspace(), id).await.unwrap().unwrap()
    }

    async fn ping(&self, id: Uuid) -> super::ping::Report {
        jira_switch::ping_on_record(&self.office.state, self.office.workspace(), id, "test")
            .await
            .unwrap()
            .unwrap()
    }

    async fn page(&self, id: Uuid) -> String {
        owner_of(&self.office).await.get(&format!("/jira/{id}")).await.body
    }

    /// A source whose mail goes to SUP of this connection.
    async fn source(&self, jira: Uuid) -> Connected {
        let there = self.office.connect().await;
        let db = &self.office.console.shell.db;
        db.execute(
            sql!("UPDATE destination SET jira_connection_id = $1 WHERE id = $2"),
            args![jira, there.destination],
        )
        .await
        .unwrap();
        Connected { jira, ..there }
    }
}

/// Promise: each kind is set up by its form, tested first, its secret sealed, and its cloud id found by itself; the page says what is
/// known and never the secret.
#[tokio::test]
async fn each_kind_is_set_up() {
    let world = World::new().await;
    let ready = world.sim.ready().clone();
    for (kind, secret, user) in [
        ("cloud_service", &ready.jira_client_secret, ready.jira_client_id.as_str()),
        ("data_center_token", &ready.jira_access_token, ""),
    ] {
        let row = world.connect(kind).await;
        assert_eq!((row.username.as_str(), row.display_name.as_deref()), (user, Some("Postroom")));
        assert_eq!(row.cloud_id.is_empty(), kind == "data_center_token", "{row:?}");
        assert_eq!(row.api_version, if kind == "data_center_token" { 2 } else { 3 });
        let page = world.page(row.id).await;
        assert!(page.contains("online") && !page.contains(secret.as_str()), "{page}");
        let token = jira::token(&world.office.console.shell.db, row.id).await.unwrap().unwrap();
        assert!(!String::from_utf8_lossy(&token).contains(secret.as_str()));
    }
    // One connection a site: the other ways take its place, and ask for their own secret.
    let service = world.rows().await.into_iter().find(|row| row.kind == "cloud_service").unwrap();
    let edit = format!("/jira/{}/edit", service.id);
    let mut without = world.fields("cloud_scoped");
    without[3].1.clear();
    let refused = world.post(&edit, &without).await;
    assert!(refused.body.contains("Another way of signing in"), "{}", refused.body);
    for kind in ["cloud_scoped", "cloud_token"] {
        let done = world.post(&edit, &world.fields(kind)).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        let row = world.one(service.id).await;
        assert_eq!((row.kind.as_str(), row.cloud_id.is_empty()), (kind, kind == "cloud_token"));
        let page = world.page(row.id).await;
        assert!(page.contains("at the latest"), "an API token ends within a year: {page}");
    }
    let form = owner_of(&world.office).await.get("/jira/new?kind=cloud_service").await.body;
    for part in ["read:jira-work", "Modify reporter", "Client secret", "choose another way"] {
        assert!(form.contains(part), "{part} is missing: {form}");
    }
    let choose = owner_of(&world.office).await.get("/jira/new").await.body;
    assert!(choose.contains("service account") && choose.contains("Data Center"), "{choose}");
    world.sim.stop().await;
}

/// Promise: what does not work is not kept, and the form says which other way does.
#[tokio::test]
async fn what_does_not_work_is_not_kept() {
    let world = World::new().await;
    let ready = world.sim.ready().clone();
    let with = |kind, at: usize, value: &str| {
        let mut fields = world.fields(kind);
        fields[at].1 = value.to_owned();
        fields
    };
    for (fields, says) in [
        (with("cloud_service", 3, "wrong"), "gives no token for the service account"),
        (with("cloud_token", 3, &ready.jira_scoped_token), "This token has scopes"),
        (with("cloud_scoped", 3, &ready.jira_token), "This token has no scopes"),
        (with("cloud_token", 3, "wrong"), "does not accept the token"),
        (with("data_center_token", 1, &ready.jira), "The site says that it is Jira Cloud"),
        (with("cloud_token", 2, ""), "together with its user"),
    ] {
        let refused = world.post("/jira/new", &fields).await;
        assert_eq!(refused.status, StatusCode::OK);
        assert!(refused.body.contains(says), "{says}: {}", refused.body);
        assert!(!refused.body.contains(fields[3].1.as_str()) || fields[3].1 == "wrong", "a secret is shown");
    }
    let mut odd = world.fields("cloud_scoped");
    odd.push(("cloud_id", "00000000-0000-0000-0000-000000000000".to_owned()));
    let refused = world.post("/jira/new", &odd).await;
    assert!(refused.body.contains("knows no Jira site with this cloud id"), "{}", refused.body);
    assert!(world.rows().await.is_empty());
    world.sim.stop().await;
}

/// Promise: a secret is replaced without a gap: one that does not work changes nothing, one that does takes the old one's place.
#[tokio::test]
async fn a_secret_is_replaced_without_a_gap() {
    let world = World::new().await;
    let row = world.connect("cloud_token").await;
    let db = world.office.console.shell.db.clone();
    let sealed = async || jira::token(&db, row.id).await.unwrap().unwrap();
    let before = sealed().await;
    let edit = format!("/jira/{}/edit", row.id);
    let mut wrong = world.fields("cloud_token");
    wrong[3].1 = "a token that was mistyped".to_owned();
    let refused = world.post(&edit, &wrong).await;
    assert!(refused.body.contains("does not accept the token"), "{}", refused.body);
    assert_eq!((sealed().await == before, world.one(row.id).await.state.as_str()), (true, "online"));
    world.ping(row.id).await;
    assert_eq!(world.one(row.id).await.state, "online", "the old one is in use");
    let ends =
        (world.office.now() + jiff::SignedDuration::from_hours(24 * 100)).strftime("%Y-%m-%d").to_string();
    let mut right = world.fields("cloud_token");
    right.push(("ends", ends));
    let done = world.post(&edit, &right).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    assert!(sealed().await != before);
    let now = world.one(row.id).await;
    assert!(now.secret_ends_at.is_some() && now.secret_ends_by == "hand", "{now:?}");
    assert!(world.page(row.id).await.contains("was replaced: the new one was tested first"));
    // Its settings alone change nothing of the secret.
    right[3].1.clear();
    assert_eq!(world.post(&edit, &right).await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.one(row.id).await.secret_put_at, now.secret_put_at);
    world.sim.stop().await;
}

/// Promise: whatever stops a connection is told by its entry, with state and owner, in a notice where somebody must act; once it is over
/// the connection works again and says so.
#[tokio::test]
async fn faults_row_by_row() {
    let world = World::new().await;
    let page = "<html><body>blocked by the proxy</body></html>";
    let of_jira = |mut rule: Value| {
        rule["service"] = json!("jira");
        ("/faults", rule)
    };
    let rows = [
        ("cloud_token", ("/jira/tokens", json!({"revoke": true})), "jira.token", "offline"),
        ("cloud_token", of_jira(json!({"kind": "status", "status": 503})), "jira.unavailable", "degraded"),
        ("cloud_token", of_jira(json!({"kind": "reset_before"})), "network.reset", "degraded"),
        ("cloud_token", of_jira(json!({"kind": "page"})), "jira.login_page", "offline"),
        ("cloud_token", of_jira(json!({"kind": "redirect"})), "jira.login_page", "offline"),
        (
            "cloud_token",
            of_jira(json!({"kind": "redirect", "location": "https://new.example.com/x"})),
            "jira.moved",
            "offline",
        ),
        (
            "cloud_token",
            of_jira(json!({"kind": "page", "status": 403, "body": page})),
            "jira.page",
            "offline",
        ),
        (
            "cloud_token",
            of_jira(
                json!({"kind": "status", "status": 403, "headers": {"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE"}}),
            ),
            "jira.captcha",
            "offline",
        ),
        (
            "data_center_token",
            of_jira(json!({"kind": "page", "path": "^/dc/"})),
            "jira.login_page",
            "offline",
        ),
        (
            "cloud_service",
            ("/jira/service-account", json!({"refuse": true, "end_tokens": true})),
            "jira.client_credentials",
            "offline",
        ),
        (
            "cloud_service",
            ("/jira/service-account", json!({"scopes": ["read:jira-work"]})),
            "jira.scope",
            "offline",
        ),
    ];
    let mut kind_now = "";
    let mut id = Uuid::nil();
    for (kind, (lever, wrong), entry, state) in rows {
        if kind != kind_now {
            for row in world.rows().await {
                world.post(&format!("/jira/{}/remove", row.id), &[]).await;
            }
            id = world.connect(kind).await.id;
            kind_now = kind;
        }
        let told_before = testing_told(&world.office).await.len();
        world.lever(lever, wrong.clone()).await;
        world.office.console.clock.advance(Duration::from_mins(11));
        super::jira_watch::check_due(&world.office.state.connections).await;
        let row = world.one(id).await;
        let fault = row.fault.as_deref().and_then(super::jira_site::stored_fault);
        assert_eq!(fault.as_ref().map(|fault| fault.entry.id), Some(entry), "{wrong}: {row:?}");
        assert_eq!(row.state, state, "{wrong}");
        let report = world.ping(id).await;
        let pinged = report.checks.iter().find_map(super::ping::Check::fault).expect("the ping says so, too");
        assert_eq!(pinged.entry.id, entry, "{wrong}");
        let body = world.page(id).await;
        assert!(
            body.contains(state) && body.contains(&fault.unwrap().entry.cause.replace('\'', "&#39;")),
            "{wrong}: {body}"
        );
        let told = testing_told(&world.office).await;
        let expected = usize::from(state == "offline");
        assert_eq!(told.len() - told_before, expected, "{wrong}: {told:?}");
        world.mend().await;
        world.lever("/jira/tokens", json!({"revoke": false})).await;
        let scopes = ["read:jira-user", "read:jira-work", "write:jira-work", "read:servicedesk-request"];
        world.lever("/jira/service-account", json!({"refuse": false, "scopes": scopes})).await;
        // What was refused rests for some seconds; nobody waits longer.
        let works = async {
            while world.one(id).await.state != "online" {
                world.office.console.clock.advance(Duration::from_mins(11));
                super::jira_watch::check_due(&world.office.state.connections).await;
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), works).await.expect("it works again by itself");
        let told = testing_told(&world.office).await;
        assert_eq!(told.len() - told_before, expected * 2, "{wrong}: told that it is back: {told:?}");
    }
    world.sim.stop().await;
}

/// Promise: while a connection is paused nothing is claimed for it, nobody looks at it and nothing is told of it; resumed, it goes on.
#[tokio::test]
async fn a_paused_connection_rests() {
    for office in Office::all().await {
        let there = office.connect().await;
        office.record(there, &["first"]).await;
        let db = office.console.shell.db.clone();
        let claim = async || {
            let mut tx = db.begin().await.unwrap();
            let claimed = office.state.ledger.claim(&mut tx, Uuid::now_v7(), office.now(), 9).await.unwrap();
            tx.rollback().await.unwrap();
            claimed.len()
        };
        assert_eq!(claim().await, 1);
        let mut owner = owner_of(&office).await;
        let token = owner.token("/jira").await;
        let mut press = async |what: &str| {
            let done = owner.post(&format!("/jira/{}/{what}", there.jira), &token, &[]).await;
            assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        };
        // It had met a refusal, too: resumed, nobody waits for the next try.
        let next = office.now() + jiff::SignedDuration::from_hours(2);
        for stopped in [
            sql!("UPDATE destination SET not_before = $1"),
            sql!("UPDATE message SET not_before = $1 WHERE state = 'ready'"),
        ] {
            db.execute(stopped, args![next]).await.unwrap();
        }
        press("pause").await;
        assert_eq!(claim().await, 0, "nothing is written while it is paused");
        office.console.clock.advance(Duration::from_mins(30));
        super::jira_watch::check_due(&office.state.connections).await;
        let row = jira::one(&db, office.workspace(), there.jira).await.unwrap().unwrap();
        assert_eq!((row.state.as_str(), row.paused_at.is_some()), ("online", true), "nobody looked");
        assert!(testing_told(&office).await.is_empty());
        let page = owner_of(&office).await.get("/jira").await.body;
        assert!(page.contains("paused") && page.contains("Resume"), "{page}");
        let sources = owner_of(&office).await.get("/sources").await.body;
        assert!(sources.contains("is paused: mail is read, and waits"), "{sources}");
        press("resume").await;
        assert_eq!(claim().await, 1, "it goes on");
        super::jira_watch::check_due(&office.state.connections).await;
        assert_eq!(testing_told(&office).await.len(), 0, "nobody answers: that passes by itself");
        let row = jira::one(&db, office.workspace(), there.jira).await.unwrap().unwrap();
        assert_eq!(row.state, "degraded", "somebody looked");
    }
}

/// Promise: a site that cannot be asked from here is no obstacle where its cloud id is known: typed, or kept from before.
#[tokio::test]
async fn a_known_cloud_id_needs_no_way_to_the_site() {
    let world = World::new().await;
    let cloud_id = world.connect("cloud_service").await.cloud_id;
    let mut fields = world.fields("cloud_service");
    fields[1].1 = super::testing::NOWHERE.to_owned();
    let refused = world.post("/jira/new", &fields).await;
    assert_eq!(refused.status, StatusCode::OK, "nobody tells the id");
    fields.push(("cloud_id", cloud_id.clone()));
    let done = world.post("/jira/new", &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let row = world.rows().await.into_iter().find(|row| row.base_url == super::testing::NOWHERE).unwrap();
    let report = world.ping(row.id).await;
    let reachable = &report.checks[0];
    assert_eq!((reachable.name.as_str(), reachable.is_good(), reachable.fault()), ("Reachable", false, None));
    assert!(reachable.text.contains("cannot be asked from here; the gateway is"), "{reachable:?}");
    assert_eq!(world.one(row.id).await.state, "online");
    fields.pop();
    let done = world.post(&format!("/jira/{}/edit", row.id), &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    assert_eq!(world.one(row.id).await.cloud_id, cloud_id);
    world.sim.stop().await;
}

/// Promise: a gateway that knows no such site says nothing of a project in it.
#[tokio::test]
async fn a_wrong_cloud_id_is_no_missing_project() {
    let world = World::new().await;
    let row = world.connect("cloud_service").await;
    let connections = &world.office.state.connections;
    let known = async |cloud_id: &str, key: &str| {
        let way = super::registry::JiraWay {
            kind: super::jira_kind::JiraKind::Service,
            base_url: &row.base_url,
            cloud_id,
            api_version: 3,
            username: &row.username,
        };
        let secret = world.sim.ready().jira_client_secret.clone();
        let client = connections.jira_client(way, secret.into()).unwrap();
        let projects = crate::profiles::projects::Projects::default();
        projects.known(&client, row.id, key, None, "Task").await
    };
    assert!(known(&row.cloud_id, "SUP").await.unwrap().is_some());
    assert!(known(&row.cloud_id, "NOPE").await.unwrap().is_none());
    let fault = known("00000000-0000-0000-0000-000000000000", "SUP").await.unwrap_err();
    assert_eq!(fault.entry.id, "jira.cloud_id");
    world.sim.stop().await;
}

/// Promise: what a test with the old secret found says nothing of the new one.
#[tokio::test]
async fn a_test_of_the_old_secret_ends_with_it() {
    let world = World::new().await;
    let before = world.connect("cloud_token").await;
    let connections = &world.office.state.connections;
    world.lever("/jira/tokens", json!({"revoke": true})).await;
    let (report, _) = super::jira_watch::check(connections, before.id).await;
    world.lever("/jira/tokens", json!({"revoke": false})).await;
    world.office.console.clock.advance(Duration::from_secs(1));
    let done = world.post(&format!("/jira/{}/edit", before.id), &world.fields("cloud_token")).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    for (read, state) in [(before.clone(), "online"), (world.one(before.id).await, "offline")] {
        let mut tx = connections.db.begin().await.unwrap();
        let kept = super::jira_watch::keep(&mut tx, &read, &report, (None, None)).await.unwrap();
        assert_eq!(kept, state == "offline");
        if kept {
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await.unwrap();
        }
        assert_eq!(world.one(before.id).await.state, state);
    }
    world.sim.stop().await;
}

/// Promise: once the connection works again, the projects that it had stopped are online without a new mail; what is a project's own
/// trouble stays until mail goes there.
#[tokio::test]
async fn projects_come_back_with_their_site() {
    let world = World::new().await;
    let row = world.connect("cloud_token").await;
    let there = world.source(row.id).await;
    let connections = &world.office.state.connections;
    let destination = connections.destination(there.destination).await.unwrap();
    let stop = async |id: &'static str| {
        let fault = fault::Fault::own(id, "told by a mail");
        connections.stop_destination(&destination, &fault, world.office.now(), true).await;
    };
    let project = async || {
        let all = jira::projects(&connections.db, world.office.workspace()).await.unwrap();
        let its = all.into_iter().find(|project| project.jira_connection_id == row.id).unwrap();
        (its.state, its.fault.is_some())
    };
    stop("jira.token").await;
    assert_eq!(
        (project().await, world.one(row.id).await.state.as_str()),
        (("offline".into(), true), "offline")
    );
    let done = world.post(&format!("/jira/{}/edit", row.id), &world.fields("cloud_token")).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    assert_eq!(project().await, ("online".into(), false));
    let source = owner_of(&world.office).await.get(&format!("/sources/{}", there.source)).await.body;
    assert!(!source.contains("does not accept the token"), "{source}");
    stop("jira.token").await;
    world.office.console.clock.advance(Duration::from_mins(11));
    super::jira_watch::check_due(connections).await;
    assert_eq!(project().await, ("online".into(), false));
    stop("jira.forbidden").await;
    world.ping(row.id).await;
    assert_eq!(project().await, ("offline".into(), true));
    world.sim.stop().await;
}

/// Promise: sources that were removed keep no connection; the mail that came through them stays.
#[tokio::test]
async fn removed_sources_keep_no_connection() {
    for office in Office::all().await {
        let there = office.connect().await;
        let mail = office.record(there, &["Printer on fire"]).await[0];
        let mut owner = owner_of(&office).await;
        let token = owner.token("/jira").await;
        let remove = format!("/jira/{}/remove", there.jira);
        let stays = owner.post(&remove, &token, &[]).await;
        assert_eq!(stays.status, StatusCode::CONFLICT, "{}", stays.body);
        let db = &office.console.shell.db;
        let removed = sql!("UPDATE source SET removed_at = $1, paused_at = $1");
        db.execute(removed, args![office.now()]).await.unwrap();
        let gone = owner.post(&remove, &token, &[]).await;
        assert_eq!(gone.status, StatusCode::SEE_OTHER, "{}", gone.body);
        assert!(jira::all(db, office.workspace()).await.unwrap().is_empty());
        let page = owner.get(&format!("/messages/{mail}")).await;
        assert!(page.status == StatusCode::OK && page.body.contains("Printer on fire"), "{}", page.body);
    }
}

/// Promise: the end of a token is told at 30, 7 and 1 days, once each, also where only the latest day is known; a token of Data Center
/// tells its day itself.
#[tokio::test]
async fn the_end_of_a_token_is_told() {
    for office in Office::all().await {
        let there = office.connect().await;
        let db = office.console.shell.db.clone();
        let watch = crate::notices::watch::Watch::new(
            office.console.shell.clone(),
            Arc::clone(&office.state.connections),
        );
        let told = async || {
            watch.look().await.unwrap();
            let all = testing_told(&office).await;
            all.into_iter()
                .filter(|(kind, ..)| kind == "expiry")
                .map(|(.., text)| text)
                .filter(|text| text.contains("token"))
                .collect::<Vec<_>>()
        };
        assert!(told().await.is_empty());
        office.console.clock.advance(Duration::from_hours(24 * 340));
        let undated = told().await;
        assert_eq!(undated.len(), 1, "{undated:?}");
        assert!(undated[0].contains("nobody entered when this one ends"), "{undated:?}");
        let ends = office.now() + jiff::SignedDuration::from_hours(24 * 5);
        db.execute(
            sql!("UPDATE jira_connection SET secret_ends_at = $1, secret_ends_by = 'hand' WHERE id = $2"),
            args![ends, there.jira],
        )
        .await
        .unwrap();
        assert_eq!(told().await.len(), 2);
        assert_eq!(told().await.len(), 2, "once each");
        office.console.clock.advance(Duration::from_hours(24 * 4 + 1));
        let all = told().await;
        assert_eq!(all.len(), 3, "{all:?}");
    }
    let world = World::new().await;
    let ends = world.office.now() + jiff::SignedDuration::from_hours(24 * 20);
    world.lever("/jira/personal-tokens", json!({ "ends": ends.to_string() })).await;
    let row = world.connect("data_center_token").await;
    assert_eq!(row.secret_ends_by, "jira");
    assert_eq!(row.secret_ends_at.map(|at| at / 1_000_000), Some(ends.as_second()));
    let page = world.page(row.id).await;
    assert!(page.contains("as Jira says") && page.contains("Personal access token"), "{page}");
    world.sim.stop().await;
}

/// Promise: a ping has its lines in order, says what each project lacks, proves that a property is read back, and writes nothing;
/// a mailbox that Jira itself sends from is told at its source.
#[tokio::test]
async fn a_ping_goes_through_all_and_writes_nothing() {
    let world = World::new().await;
    let row = world.connect("cloud_service").await;
    let there = world.source(row.id).await;
    let report = world.ping(row.id).await;
    let names: Vec<&str> = report.checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "Reachable",
            "Access token",
            "Signed in",
            "Cloud id",
            "Version",
            "Clock",
            "Attachments",
            "Service Management",
            "SUP: permissions",
            "SUP: reading back"
        ]
    );
    let text = |report: &super::ping::Report, name: &str| {
        report.checks.iter().find(|check| check.name == name).unwrap().text.clone()
    };
    assert!(text(&report, "SUP: reading back").contains("has made no issue here yet"));
    assert!(text(&report, "SUP: permissions").contains("Modify reporter, Manage watchers"));

    let client = world.office.state.connections.jira(row.id).await.unwrap();
    let by_hand = client.create_issue(&issue("SUP", &[])).await.unwrap();
    let report = world.ping(row.id).await;
    assert!(text(&report, "SUP: reading back").contains("has made no issue here yet"), "{by_hand:?}");
    let properties = [(PROPERTY, json!({"op": "o", "v": 1}))];
    let made = client.create_issue(&issue("SUP", &properties)).await.unwrap();
    let before = world.issue(&made.key).await;
    world.lever("/jira/projects/SUP/email", json!({"email": "Support@contoso.test"})).await;
    let taken = json!({"project": "SUP", "missing": ["MODIFY_REPORTER"]});
    world.lever("/jira/permissions", taken).await;
    let report = world.ping(row.id).await;
    let back = text(&report, "SUP: reading back");
    assert!(back.contains(&made.key) && back.contains("is read back"), "{back}");
    assert!(text(&report, "SUP: permissions").contains("Not: Modify reporter"), "{report:?}");
    assert_eq!(text(&report, "SUP: Jira's own mail"), "is sent from Support@contoso.test");
    assert_eq!(world.issue(&made.key).await, before, "nothing was written");
    for page in ["/sources".to_owned(), format!("/sources/{}", there.source)] {
        let page = owner_of(&world.office).await.get(&page).await.body;
        assert!(page.contains("each mail becomes two issues"), "{page}");
    }
    assert!(world.page(row.id).await.contains("Jira sends from this address itself"));

    world.lever("/jira/permissions", json!({"project": "SUP", "missing": ["ADD_COMMENTS"]})).await;
    let report = world.ping(row.id).await;
    let lacking = report.checks.iter().find(|check| check.name == "SUP: permissions").unwrap();
    assert_eq!(lacking.fault().unwrap().entry.id, "jira.forbidden");
    assert!(lacking.fault().unwrap().detail.contains("Add comments"));
    assert_eq!(world.one(row.id).await.state, "online", "what a project lacks is the project's");
    world.sim.stop().await;
}

fn issue<'a>(project: &'a str, properties: &'a [(&'a str, Value)]) -> ::jira::NewIssue<'a> {
    ::jira::NewIssue {
        project_key: project,
        issue_type_id: "10001",
        summary: "one of our own".to_owned(),
        description: "",
        properties,
    }
}

impl World {
    /// The truth of an issue.
    async fn issue(&self, key: &str) -> Value {
        let url = format!("{}/jira/issues", self.sim.ready().control.trim_end_matches('/'));
        let all: Vec<Value> = self.http.get(url).send().await.unwrap().json().await.unwrap();
        all.into_iter().find(|issue| issue["key"] == key).unwrap()
    }
}
