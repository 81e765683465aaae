//! What signing in promises.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode, header};
use sqlx::FromRow;
use store::{args, sql};

use crate::web::testing::TestConsole;

const PASSWORD: &str = "four unrelated words";

/// Promise: before there is an owner, every page says how there will be one; the link makes one and works once.
#[tokio::test]
async fn the_first_owner_comes_by_a_link_that_works_once() {
    for console in TestConsole::all().await {
        let mut stranger = console.browser();
        assert_eq!(stranger.get("/messages/1").await.location(), "/setup");
        assert!(stranger.get("/setup").await.body.contains("Postroom prints it when it starts"));
        let link = console.owner_link().await.unwrap();
        let done = stranger.sign_up(&link, "Owner@Contoso.test").await;
        assert_eq!(done.location(), "/", "{}", done.body);
        assert!(stranger.get("/settings").await.body.contains("owner@contoso.test"));
        assert_eq!(console.browser().get(&link).await.status, StatusCode::GONE);
        assert_eq!(console.owner_link().await, None, "there is an owner now");
    }
}

/// Promise: a link that has expired, was replaced or is made up opens nothing and says what to do.
#[tokio::test]
async fn links_that_do_not_work_say_so() {
    let console = TestConsole::new().await;
    let first = console.owner_link().await.unwrap();
    let second = console.owner_link().await.unwrap();
    let replaced = console.browser().get(&first).await;
    assert_eq!(replaced.status, StatusCode::GONE);
    assert!(replaced.body.contains("Start Postroom again"), "{}", replaced.body);
    assert_eq!(console.browser().get("/setup?token=made-up").await.status, StatusCode::NOT_FOUND);

    // Open when it expires: what is posted then is refused too.
    let mut slow = console.browser();
    let form = slow.get(&second).await;
    console.clock.advance(Duration::from_secs(24 * 3600 + 1));
    let expired = console.browser().get(&second).await;
    assert_eq!(expired.status, StatusCode::GONE);
    assert!(expired.body.contains("expired"), "{}", expired.body);
    let fields =
        [("token", &*form.field("token")), ("name", "A"), ("email", "a@b.c"), ("password", PASSWORD)];
    let posted = slow.post("/setup", &form.field("csrf"), &fields).await;
    assert_eq!(posted.status, StatusCode::GONE);
}

#[derive(FromRow)]
struct Secret {
    hash: Vec<u8>,
}

/// Promise: neither a link's token nor a session's id nor a password is in the database.
#[tokio::test]
async fn secrets_are_stored_as_hashes() {
    let console = TestConsole::new().await;
    let owner = console.owner().await;
    let session = &owner.cookies["postroom-session"];
    let rows: Vec<Secret> =
        console.shell.db.fetch_all(sql!("SELECT id_hash AS hash FROM session"), args![]).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_ne!(rows[0].hash, session.as_bytes());
    assert_ne!(rows[0].hash, hex::decode(session).unwrap());
    assert_eq!(rows[0].hash, super::session::hash(session));
}

/// Promise: what is posted without the session's token, or from another site, changes nothing.
#[tokio::test]
async fn forms_prove_where_they_come_from() {
    let console = TestConsole::new().await;
    let mut owner = console.owner().await;
    let token = owner.token("/settings").await;
    assert_eq!(owner.post("/test/admin", &token, &[]).await.body, "changed");
    for wrong in ["", "00", &"0".repeat(128)] {
        let answer = owner.post("/test/admin", wrong, &[]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains("load the page again"), "{}", answer.body);
    }
    // The right token, from another site.
    let request = Request::post("/test/admin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site")
        .body(Body::from(format!("csrf={token}")))
        .unwrap();
    assert_eq!(owner.send(request).await.status, StatusCode::FORBIDDEN);
    // Another session's token.
    let mut other = console.browser();
    other.sign_in("owner@contoso.test", PASSWORD).await;
    let others = other.token("/settings").await;
    assert_eq!(owner.post("/test/admin", &others, &[]).await.status, StatusCode::FORBIDDEN);
}

/// Promise: signing in makes a new session; an id that somebody planted in the browser is never taken over.
#[tokio::test]
async fn signing_in_makes_a_new_session() {
    for console in TestConsole::all().await {
        let first = console.owner().await;
        let mut victim = console.browser();
        victim.cookies.insert("postroom-session".into(), "a".repeat(64));
        let done = victim.sign_in("owner@contoso.test", PASSWORD).await;
        assert_eq!(done.location(), "/", "{}", done.body);
        assert_ne!(victim.cookies["postroom-session"], "a".repeat(64));
        assert_ne!(victim.cookies["postroom-session"], first.cookies["postroom-session"]);
        let mut planted = console.browser();
        planted.cookies.insert("postroom-session".into(), "a".repeat(64));
        assert_eq!(planted.get("/").await.location(), "/sign-in");
    }
}

/// Promise: signing out, a day of rest and a month in any case end a session.
#[tokio::test]
async fn sessions_end() {
    let console = TestConsole::new().await;
    let mut owner = console.owner().await;
    let mut copy = owner.clone();
    let token = owner.token("/settings").await;
    assert_eq!(owner.post("/sign-out", &token, &[]).await.location(), "/sign-in");
    assert_eq!(
        copy.get("/settings").await.location(),
        "/sign-in?next=%2Fsettings",
        "its id opens nothing any more"
    );

    let mut idle = console.browser();
    idle.sign_in("owner@contoso.test", PASSWORD).await;
    console.clock.advance(Duration::from_hours(23));
    assert_eq!(idle.get("/").await.status, StatusCode::OK);
    console.clock.advance(Duration::from_hours(23));
    assert_eq!(idle.get("/").await.status, StatusCode::OK, "use keeps it");
    console.clock.advance(Duration::from_secs(24 * 3600 + 1));
    assert_eq!(idle.get("/").await.location(), "/sign-in");

    let mut busy = console.browser();
    busy.sign_in("owner@contoso.test", PASSWORD).await;
    for _ in 0..31 {
        assert_eq!(busy.get("/").await.status, StatusCode::OK);
        console.clock.advance(Duration::from_mins(23 * 60 + 30));
    }
    assert_eq!(busy.get("/").await.location(), "/sign-in");
}

/// Promise: a page that stood open while its session ended says so when it is used, and changes nothing.
#[tokio::test]
async fn a_stale_page_says_that_its_session_has_ended() {
    let console = TestConsole::new().await;
    let mut owner = console.owner().await;
    let token = owner.token("/settings").await;
    console.clock.advance(Duration::from_hours(25));
    let answer = owner.post("/test/admin", &token, &[]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(
        answer.body.contains("Your session has ended") && answer.body.contains("href=\"/sign-in\""),
        "{}",
        answer.body
    );
}

/// Promise: guessing is slowed down in clear words, also for addresses that nobody has, and time heals.
#[tokio::test]
async fn guessing_is_slowed_down() {
    let console = TestConsole::new().await;
    console.owner().await;
    for email in ["owner@contoso.test", "nobody@contoso.test"] {
        let mut guesser = console.browser();
        for _ in 0..6 {
            let answer = guesser.sign_in(email, "wrong wrong wrong").await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(answer.body.contains("do not belong together"), "the same words for every reason");
        }
        let answer = guesser.sign_in(email, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(
            answer.body.contains("Too many wrong tries") && answer.headers.contains_key(header::RETRY_AFTER)
        );
    }
    console.clock.advance(Duration::from_secs(901));
    assert_eq!(console.browser().sign_in("owner@contoso.test", PASSWORD).await.location(), "/");
}

/// Promise: an invited person has the role of the invitation, and a role allows what it says and no more.
#[tokio::test]
async fn roles_allow_what_they_say() {
    for console in TestConsole::all().await {
        let mut owner = console.owner().await;
        for (role, admin, decide) in [
            ("viewer", StatusCode::FORBIDDEN, StatusCode::FORBIDDEN),
            ("admin", StatusCode::OK, StatusCode::FORBIDDEN),
        ] {
            let token = owner.token("/settings").await;
            let page = owner.post("/settings/invite", &token, &[("role", role)]).await;
            let link = page
                .body
                .split("data-copy=\"http://127.0.0.1:7080")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap();
            let mut person = console.browser();
            person.sign_up(link, &format!("{role}@contoso.test")).await;
            let token = person.token("/settings").await;
            assert_eq!(person.get("/").await.status, StatusCode::OK);
            let refused = person.post("/test/admin", &token, &[]).await;
            assert_eq!(refused.status, admin, "{role}");
            assert_eq!(person.post("/test/owner", &token, &[]).await.status, decide, "{role}");
            assert_eq!(
                person.post("/settings/invite", &token, &[("role", "owner")]).await.status,
                StatusCode::FORBIDDEN
            );
            if admin == StatusCode::FORBIDDEN {
                assert!(refused.body.contains("Ask an owner"), "{}", refused.body);
            }
        }
        let token = owner.token("/settings").await;
        assert_eq!(owner.post("/test/owner", &token, &[]).await.body, "decided");
    }
}

/// Promise: changing a password needs the old one, ends all other sessions, and stands in the audit log.
#[tokio::test]
async fn a_new_password_ends_other_sessions() {
    for console in TestConsole::all().await {
        let mut owner = console.owner().await;
        let mut elsewhere = console.browser();
        elsewhere.sign_in("owner@contoso.test", PASSWORD).await;
        let before = owner.cookies["postroom-session"].clone();
        let token = owner.token("/settings").await;
        let wrong = owner
            .post("/settings/password", &token, &[("old", "not mine at all"), ("new", "another one of mine")])
            .await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            wrong.body.contains("This is not your password") && !wrong.body.contains("another one of mine")
        );
        let done = owner
            .post("/settings/password", &token, &[("old", PASSWORD), ("new", "another one of mine")])
            .await;
        assert_eq!(done.location(), "/settings", "{}", done.body);
        assert_ne!(owner.cookies["postroom-session"], before);
        assert_eq!(elsewhere.get("/").await.location(), "/sign-in");
        let log = owner.get("/settings/audit").await;
        assert!(
            log.body.contains("change password") && log.body.contains("owner@contoso.test"),
            "{}",
            log.body
        );
        assert_eq!(
            console.browser().sign_in("owner@contoso.test", "another one of mine").await.location(),
            "/"
        );
    }
}

/// Promise: who forgot their password gets a new one by a link that works once; their sessions end, and only an owner or
/// the machine's own command line makes such a link.
#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_link() {
    for console in TestConsole::all().await {
        let mut owner = console.owner().await;
        let who = super::Actor {
            workspace: console.shell.workspace,
            user: None,
            name: "command line".into(),
            at: store::Clock::now(&*console.clock),
        };
        let making = super::link::new_password(&console.shell, &who, "Owner@contoso.test", &mut rand::rng());
        let link = making.await.unwrap().unwrap().replace("http://127.0.0.1:7080", "");
        let nobody = super::link::new_password(&console.shell, &who, "x@y.z", &mut rand::rng());
        assert_eq!(nobody.await.unwrap(), None);

        let mut browser = console.browser();
        let form = browser.get(&link).await;
        let (csrf, token) = (form.field("csrf"), form.field("token"));
        let setup = browser.get(&format!("/setup?token={token}")).await;
        assert_eq!(setup.status, StatusCode::NOT_FOUND, "it makes no user");
        let short = browser.post("/new-password", &csrf, &[("token", &token), ("password", "short")]).await;
        assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
        let chosen = [("token", &*token), ("password", "another one of mine")];
        assert_eq!(browser.post("/new-password", &csrf, &chosen).await.location(), "/sign-in");
        assert_eq!(browser.post("/new-password", &csrf, &chosen).await.status, StatusCode::GONE);
        assert_eq!(owner.get("/").await.location(), "/sign-in", "the sessions before have ended");
        assert_eq!(browser.sign_in("owner@contoso.test", "another one of mine").await.location(), "/");
        let log = browser.get("/settings/audit").await.body;
        assert!(log.contains("command line") && log.contains("make password link"), "{log}");
    }
}

/// Promise: a sign-up with mistakes names each beside its field, keeps what was typed, and shows no password.
#[tokio::test]
async fn mistakes_are_named_beside_their_fields() {
    let console = TestConsole::new().await;
    let link = console.owner_link().await.unwrap();
    let mut browser = console.browser();
    let form = browser.get(&link).await;
    let fields =
        [("token", &*form.field("token")), ("name", "Anna"), ("email", "no address"), ("password", "short")];
    let answer = browser.post("/setup", &form.field("csrf"), &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("It has 5 characters; 12 are the fewest."), "{}", answer.body);
    assert!(answer.body.contains("write it as name@company.com") && answer.body.contains("value=\"Anna\""));
    assert!(!answer.body.contains("short\""));
    assert!(console.owner_link().await.is_some(), "nobody was made");
}

/// Promise: after signing in one goes on to the page asked for, never to another site.
#[tokio::test]
async fn signing_in_goes_on_to_the_page_asked_for() {
    let console = TestConsole::new().await;
    console.owner().await;
    for (next, goes) in [("/settings", "/settings"), ("//evil.example/", "/")] {
        let mut browser = console.browser();
        let token = browser.token("/sign-in").await;
        let fields = [("email", "owner@contoso.test"), ("password", PASSWORD), ("next", next)];
        assert_eq!(browser.post("/sign-in", &token, &fields).await.location(), goes);
    }
}
