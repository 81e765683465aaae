//! What is promised while an administrator's approval is missing, and to the owner of a mailbox who has a link.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use microsoft::AccessTokens;
use store::{args, sql};
use tokio::sync::Notify;
use uuid::Uuid;

use super::consent::watch::Watcher;
use super::device_code::DevicePoller;
use super::registration_credentials;
use super::store::registrations;
use super::testing::Office;
use super::tests_of_sign_in::{
    CHANGE_PASSWORD, Shared, accounts_of, asked, begin, come_back, office, second_half,
};
use crate::web::testing::Browser;

const BASIC: &str = "openid profile email User.Read";
const WHOLE: &str = "openid profile email User.Read Mail.ReadWrite";

fn watcher(office: &Office) -> Watcher {
    Watcher {
        connections: Arc::clone(&office.state.connections),
        bus: office.console.shell.bus.clone(),
        wake: Arc::new(Notify::new()),
        poll: Arc::new(Notify::new()),
        conversions: Arc::new(Notify::new()),
    }
}

pub(super) fn stopped(state: &str, code: u32) -> String {
    format!("/oauth/callback?error=access_denied&error_description=AADSTS{code}%3A+No.&state={state}")
}

/// Somebody is stopped at the mail scopes; gives the address of the page that says what to do.
async fn stop_at_mail(browser: &mut Browser<'_>, told: &Shared, code: u32) -> String {
    told.lock().unwrap().scope = BASIC;
    let state = begin(browser, told, "/sources/sign-in").await;
    let state = second_half(&come_back(browser, &state).await, told);
    let answer = browser.get(&stopped(&state, code)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert!(answer.location().starts_with("/approvals/"), "{}", answer.location());
    answer.location().to_owned()
}

/// A sign-in is stopped at what it asks for beside `has`; gives the address of the page that says what to do.
async fn stop_at(browser: &mut Browser<'_>, told: &Shared, path: &str, code: u32) -> String {
    let state = begin(browser, told, path).await;
    let state = second_half(&come_back(browser, &state).await, told);
    let answer = browser.get(&stopped(&state, code)).await;
    assert!(answer.location().starts_with("/approvals/"), "{}: {}", answer.location(), answer.body);
    answer.location().to_owned()
}

/// Microsoft ends the sign-in of an account, and Postroom notices.
async fn revoke(office: &Office, told: &Shared, account: &str) {
    told.lock().unwrap().refuses = Some((50_173, "invalid_grant"));
    office.console.clock.advance(Duration::from_hours(1));
    let id = Uuid::parse_str(account.rsplit('/').next().unwrap()).unwrap();
    let tokens = office.state.connections.tokens(id).await.unwrap();
    tokens.get().await.unwrap_err();
    assert_eq!(accounts_of(office).await[0].1, "offline");
    let mut told = told.lock().unwrap();
    (told.refuses, told.now) = (None, office.now().as_second());
}

async fn wanted(office: &Office) -> String {
    let db = &office.console.shell.db;
    let (wanted,): (String,) = db.fetch_one(sql!("SELECT wanted FROM account"), args![]).await.unwrap();
    wanted
}

async fn link_state(office: &Office) -> String {
    let (state,): (String,) =
        office.console.shell.db.fetch_one(sql!("SELECT state FROM approval"), args![]).await.unwrap();
    state
}

/// Promise: whoever is stopped is told what to do, is listed, costs Microsoft at most one request a minute, and comes alive by
/// themselves, at once when the administrator comes back from the link.
#[tokio::test]
async fn whoever_waits_comes_alive_by_themselves() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let page = stop_at_mail(&mut owner, &told, 90_094).await;
    let body = owner.get(&page).await.body;
    for part in ["AADSTS90094", "v2.0/adminconsent", "mailto:", "support@contoso.test", "Mail.ReadWrite"] {
        assert!(body.contains(part), "{part} is missing: {body}");
    }
    let list = owner.get("/sources").await.body;
    assert!(
        list.contains("admin approval needed") && list.contains("Copy link for the administrator"),
        "{list}"
    );
    assert_eq!(accounts_of(&office).await, [("support".to_owned(), "offline".to_owned())]);

    let watcher = watcher(&office);
    told.lock().unwrap().refuses = Some((65_001, "invalid_grant"));
    let before = told.lock().unwrap().redeemed;
    for _ in 0..6 {
        assert_eq!(watcher.once().await.unwrap(), 0);
        office.console.clock.advance(Duration::from_secs(20));
    }
    let asked = told.lock().unwrap().redeemed - before;
    assert!((1..=2).contains(&asked), "{asked} requests in two minutes");

    // The administrator has no account here, and what the address says is only a reason to look.
    let state = link_state(&office).await;
    office.console.clock.advance(Duration::from_secs(6));
    let mut stranger = office.console.browser();
    let strange = stranger.get("/oauth/callback?admin_consent=True&tenant=t&state=guessed").await;
    assert!(!strange.body.contains("Postroom asks Microsoft now"), "{}", strange.body);
    let thanks =
        stranger.get(&format!("/oauth/admin-consent?admin_consent=True&tenant=t&state={state}")).await;
    assert_eq!(thanks.status, StatusCode::OK, "{}", thanks.body);
    assert!(thanks.body.contains("Thank you"), "{}", thanks.body);
    assert_eq!(watcher.once().await.unwrap(), 0, "it was not approved after all");
    {
        let mut told = told.lock().unwrap();
        (told.refuses, told.scope) = (None, WHOLE);
    }
    // Opening the address again and again asks no more often than every few seconds.
    stranger.get(&format!("/oauth/callback?admin_consent=True&tenant=t&state={state}")).await;
    assert_eq!(watcher.once().await.unwrap(), 0);
    office.console.clock.advance(Duration::from_secs(6));
    stranger.get(&format!("/oauth/callback?admin_consent=True&tenant=t&state={state}")).await;
    assert_eq!(watcher.once().await.unwrap(), 1);
    assert_eq!(accounts_of(&office).await, [("support".to_owned(), "online".to_owned())]);
    let body = owner.get(&page).await.body;
    assert!(body.contains("Choose folder and project"), "{body}");
    let list = owner.get("/sources").await.body;
    assert!(!list.contains("admin approval needed") && list.contains("not confirmed"), "{list}");
    let account = body.split_once("/sources/new?account=").unwrap().1.split_once('"').unwrap().0;
    let page = owner.get(&format!("/accounts/{account}")).await.body;
    assert!(
        page.contains("An administrator's consent covers it")
            || page.contains("administrator&#39;s consent covers"),
        "{page}"
    );
}

/// Promise: where not even the basic sign-in is let through, nothing is promised that cannot be kept: the administrator's return
/// says when to sign in.
#[tokio::test]
async fn without_a_token_the_administrators_return_says_it() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    let answer = owner.get(&stopped(&state, 90_095)).await;
    let page = answer.location().to_owned();
    let body = owner.get(&page).await.body;
    assert!(body.contains("reviewers") && body.contains("then sign in"), "{body}");
    // Whoever may consent to nothing is not stopped at these again.
    assert!(body.contains("scope=openid+profile+email+offline_access+"), "{body}");
    let asked = told.lock().unwrap().redeemed;
    assert_eq!(watcher(&office).once().await.unwrap(), 0);
    assert_eq!(told.lock().unwrap().redeemed, asked, "there is nothing to ask with");
    let state = link_state(&office).await;
    let back = format!("/oauth/callback?admin_consent=True&tenant=t&state={state}");
    let thanks = office.console.browser().get(&back).await.body;
    assert!(thanks.contains("signs in once more") && !thanks.contains("asks Microsoft now"), "{thanks}");
    assert!(owner.get("/sources").await.body.contains("Sign in now"));
    assert!(owner.get(&page).await.body.contains("Sign in again"));
    // Whoever signs in after that waits for nothing any more.
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    come_back(&mut owner, &state).await;
    assert!(!owner.get("/sources").await.body.contains("admin approval needed"));
}

/// Promise: a sign-in that ended meanwhile is not watched with, and is said.
#[tokio::test]
async fn an_ended_sign_in_is_not_watched_with() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let path = stop_at_mail(&mut owner, &told, 65_001).await;
    told.lock().unwrap().refuses = Some((50_173, "invalid_grant"));
    office.console.clock.advance(Duration::from_secs(61));
    let watcher = watcher(&office);
    assert_eq!(watcher.once().await.unwrap(), 0);
    let asked = told.lock().unwrap().redeemed;
    office.console.clock.advance(Duration::from_secs(600));
    assert_eq!(watcher.once().await.unwrap(), 0);
    assert_eq!(told.lock().unwrap().redeemed, asked, "nothing is asked with a grant that has ended");
    let list = owner.get("/sources").await.body;
    assert!(list.contains("AADSTS50173") && !list.contains("admin approval needed"), "{list}");
    let page = owner.get(&path).await.body;
    assert!(
        page.contains("The sign-in ended before it was approved") && page.contains("Sign in again"),
        "{page}"
    );
    assert!(!page.contains("has approved") && !page.contains("lets Postroom in"), "{page}");
}

/// Promise: what clears without a new sign-in, as a secret that has ended, does not end the wait: it goes on when it is mended.
#[tokio::test]
async fn a_wait_outlasts_what_somebody_else_mends() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    stop_at_mail(&mut owner, &told, 65_001).await;
    let watcher = watcher(&office);
    for (code, error) in [(7_000_222, "invalid_client"), (53_003, "invalid_grant"), (50_057, "invalid_grant")]
    {
        told.lock().unwrap().refuses = Some((code, error));
        office.console.clock.advance(Duration::from_secs(301));
        let asked = told.lock().unwrap().redeemed;
        assert_eq!(watcher.once().await.unwrap(), 0, "{code}");
        assert!(told.lock().unwrap().redeemed > asked, "{code}: looked");
        let list = owner.get("/sources").await.body;
        assert!(list.contains("admin approval needed"), "{code}: {list}");
    }
    {
        let mut told = told.lock().unwrap();
        told.refuses = None;
        told.scope = "openid profile email User.Read Mail.ReadWrite";
    }
    office.console.clock.advance(Duration::from_secs(301));
    assert_eq!(watcher.once().await.unwrap(), 1, "it comes alive by itself");
}

/// Promise: an account that works is not stopped because more was asked for and not approved.
#[tokio::test]
async fn an_account_that_works_goes_on() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    come_back(&mut owner, &state).await;
    stop_at_mail(&mut owner, &told, 90_094).await;
    assert_eq!(accounts_of(&office).await, [("support".to_owned(), "online".to_owned())]);
}

/// Makes a sign-in link; gives its path.
pub(super) async fn make_link(owner: &mut Browser<'_>, more: &[(&str, &str)]) -> String {
    let token = owner.token("/sign-in-links/new").await;
    let mut fields = vec![("lasts", "1h"), ("reason", "The support mailbox")];
    fields.extend_from_slice(more);
    let made = owner.post("/sign-in-links/new", &token, &fields).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let rest = made.body.split_once("/sign-in-link?token=").expect("a link").1;
    let token: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
    format!("/sign-in-link?token={token}")
}

/// Opens a link as a mailbox's owner does, and goes to Microsoft; gives the state.
pub(super) async fn follow(browser: &mut Browser<'_>, told: &Shared, link: &str) -> String {
    let page = browser.get(link).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let (csrf, token) = (page.field("csrf"), page.field("token"));
    let leave = browser.post("/sign-in-link", &csrf, &[("token", &token)]).await;
    let location = if leave.status == StatusCode::SEE_OTHER {
        leave.location().to_owned()
    } else {
        let link = leave.body.split_once("class=\"button primary\" href=\"").expect("a link").1;
        link.split_once('"').expect("its end").0.replace("&#38;", "&").replace("&amp;", "&")
    };
    told.lock().unwrap().nonce = asked(&location, "nonce").expect("a nonce");
    asked(&location, "state").expect("a state")
}

/// Promise: the owner of a mailbox whose password has expired is led to Microsoft's page where it is changed, and to nothing that is an
/// administrator's; the link works once more after it.
#[tokio::test]
async fn an_owner_whose_password_has_expired_changes_it() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let link = make_link(&mut owner, &[("mailbox", "support@contoso.test")]).await;
    let mut visitor = office.console.browser();
    let change = format!("href=\"{CHANGE_PASSWORD}\"");
    for (code, is_the_password) in [(50_055, true), (50_126, false)] {
        let state = follow(&mut visitor, &told, &link).await;
        told.lock().unwrap().refuses = Some((code, "invalid_grant"));
        let refused = come_back(&mut visitor, &state).await;
        told.lock().unwrap().refuses = None;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        let page = refused.body;
        assert!(page.contains(&format!("AADSTS{code}")), "{page}");
        assert_eq!(page.contains(">Change the password<"), is_the_password, "{page}");
        assert_eq!(page.contains(&change), is_the_password, "{page}");
        assert!(page.contains("pen the link that was sent to you again"), "{page}");
        for others in ["portal.azure", "/sources", "ress Sign in again"] {
            assert!(!page.contains(others), "{others}: {page}");
        }
    }
    let state = follow(&mut visitor, &told, &link).await;
    let done = come_back(&mut visitor, &state).await;
    assert!(done.body.contains("You are signed in as"), "{}", done.body);
}

/// Promise: the owner of a mailbox signs in by a link that says who asks and for what, once, in time, in their own browser, without
/// an account of the console.
#[tokio::test]
async fn a_mailboxs_owner_signs_in_by_a_link() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let link = make_link(&mut owner, &[("mailbox", "support@contoso.test")]).await;
    let mut visitor = office.console.browser();
    let page = visitor.get(&link).await.body;
    for part in [
        "owner@contoso.test",
        "support@contoso.test",
        "The support mailbox",
        "Mail.ReadWrite",
        // Explained before anybody meets it.
        "Consent on behalf of your organization",
    ] {
        assert!(page.contains(part), "{part} is missing: {page}");
    }
    let state = follow(&mut visitor, &told, &link).await;
    let mut thief = office.console.browser();
    thief.get(&link).await;
    let refused = come_back(&mut thief, &state).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "another browser: {}", refused.body);
    assert!(accounts_of(&office).await.is_empty());
    let done = come_back(&mut visitor, &state).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    assert!(
        done.body.contains("You are signed in as") && done.body.contains("support@contoso.test"),
        "{}",
        done.body
    );
    assert_eq!(accounts_of(&office).await, [("support".to_owned(), "online".to_owned())]);
    assert_eq!(visitor.get(&link).await.status, StatusCode::GONE, "it works once");
    // It opens nothing of the console.
    assert_eq!(visitor.get("/sources").await.status, StatusCode::SEE_OTHER);
    let list = owner.get("/sign-in-links/new").await.body;
    assert!(list.contains("used by support@contoso.test"), "{list}");
    let audit: Vec<(String, String)> = office
        .console
        .shell
        .db
        .fetch_all(
            sql!("SELECT action, actor FROM audit WHERE action LIKE '%sign%' ORDER BY at, id"),
            args![],
        )
        .await
        .unwrap();
    let made = ("make sign-in link".to_owned(), "owner@contoso.test".to_owned());
    let used = ("sign in mailbox".to_owned(), "sign-in link of owner@contoso.test".to_owned());
    assert!(audit.contains(&made) && audit.contains(&used), "{audit:?}");
}

/// Promise: a link that was taken back, ran out or never was is refused in the same words, also by a sign-in under way.
#[tokio::test]
async fn links_end() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let link = make_link(&mut owner, &[]).await;
    let mut visitor = office.console.browser();
    let state = follow(&mut visitor, &told, &link).await;
    let list = owner.get("/sign-in-links/new").await;
    let revoke = list.body.split_once("action=\"/sign-in-links/").unwrap().1;
    let path = revoke.split_once("/revoke\"").map(|(id, _)| id).filter(|id| id.len() == 36);
    let path = path.map_or_else(
        || {
            let rest =
                list.body.split("action=\"/sign-in-links/").find(|part| part.contains("/revoke\"")).unwrap();
            rest.split_once("/revoke\"").unwrap().0.to_owned()
        },
        str::to_owned,
    );
    let done = owner.post(&format!("/sign-in-links/{path}/revoke"), &list.field("csrf"), &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    assert_eq!(come_back(&mut visitor, &state).await.status, StatusCode::GONE);
    assert!(accounts_of(&office).await.is_empty(), "nothing was stored");
    let second = make_link(&mut owner, &[]).await;
    office.console.clock.advance(Duration::from_secs(3_601));
    for gone in [second.as_str(), link.as_str(), "/sign-in-link?token=guessed", "/sign-in-link"] {
        let answer = visitor.get(gone).await;
        assert_eq!(answer.status, StatusCode::GONE, "{gone}");
        assert!(answer.body.contains("works once and for a limited time"), "{}", answer.body);
    }
}

pub(super) fn poller(office: &Office) -> DevicePoller {
    DevicePoller {
        connections: Arc::clone(&office.state.connections),
        bus: office.console.shell.bus.clone(),
        wake: Arc::new(Notify::new()),
        poll: Arc::new(Notify::new()),
        approvals: Arc::new(Notify::new()),
    }
}

/// Promise: a code is shown, asked about as often as Microsoft says and no more, and signs in whoever enters it.
#[tokio::test]
async fn a_code_signs_in_whoever_enters_it() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let token = owner.token("/sources").await;
    let begun = owner.post("/device-sign-ins", &token, &[]).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.body);
    let page = begun.location().to_owned();
    let body = owner.get(&page).await.body;
    assert!(body.contains("ABCD-EFGH") && body.contains("microsoft.com/devicelogin"), "{body}");
    assert!(!body.contains("canary"), "{body}");
    let poller = poller(&office);
    told.lock().unwrap().refuses = Some((70_016, "authorization_pending"));
    for _ in 0..5 {
        office.console.clock.advance(Duration::from_secs(1));
        poller.once().await.unwrap();
        poller.once().await.unwrap();
    }
    assert_eq!(told.lock().unwrap().redeemed, 1, "one question in five seconds");
    assert!(owner.get(&page).await.body.contains("ABCD-EFGH"), "it waits still");
    {
        let mut told = told.lock().unwrap();
        (told.refuses, told.now) = (None, office.now().as_second());
    }
    office.console.clock.advance(Duration::from_secs(5));
    poller.once().await.unwrap();
    let body = owner.get(&page).await.body;
    assert!(body.contains("support@contoso.test is signed in"), "{body}");
    assert_eq!(accounts_of(&office).await, [("support".to_owned(), "online".to_owned())]);
    // A code that nobody enters ends by itself.
    let again = owner.post("/device-sign-ins", &token, &[]).await.location().to_owned();
    office.console.clock.advance(Duration::from_secs(901));
    let asked = told.lock().unwrap().redeemed;
    poller.once().await.unwrap();
    assert_eq!(told.lock().unwrap().redeemed, asked, "nothing is asked about a code that is over");
    assert!(owner.get(&again).await.body.contains("Get a new code"));
}

/// Promise: when a secret ends, the other one takes over without anybody acting, and is tried first from then on.
#[tokio::test]
async fn a_secret_that_ends_leaves_no_gap() {
    let (office, told, registration) = office().await;
    let connections = &office.state.connections;
    let mut tx = connections.db.begin().await.unwrap();
    for secret in ["older", "newer"] {
        office.console.clock.advance(Duration::from_secs(1));
        let id = Uuid::now_v7();
        let credential = registrations::NewCredential {
            id,
            workspace: office.workspace(),
            registration,
            kind: "secret",
            sealed: connections.sealer.seal(&registration_credentials::place(id), secret.as_bytes()),
            certificate: String::new(),
            thumbprint: String::new(),
            note: secret.to_owned(),
            expires_at: None,
            now: office.now(),
        };
        assert!(registrations::add_credential(&mut tx, credential, 2).await.unwrap());
    }
    tx.commit().await.unwrap();
    connections.forget();
    told.lock().unwrap().ended = "newer";
    let mut owner = office.console.owner().await;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    let back = come_back(&mut owner, &state).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.body);
    assert_eq!(told.lock().unwrap().redeemed, 2, "the newer first, then the older");
    assert_eq!(accounts_of(&office).await, [("support".to_owned(), "online".to_owned())]);
    // Both ended: that is said, and who must act.
    told.lock().unwrap().refuses = Some((7_000_222, "invalid_client"));
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    let page = come_back(&mut owner, &state).await;
    assert!(page.body.contains("AADSTS7000222"), "{}", page.body);
}

/// Promise: where a consent is taken back under a source that is read, the list has the way to the administrator, and the source goes
/// on by itself once it is given again.
#[tokio::test]
async fn a_consent_that_was_taken_back_is_asked_for_again() {
    let office = Office::new().await;
    let there = office.connect().await;
    let db = &office.console.shell.db;
    let fault = r#"{"entry":"entra.consent_required","code":"AADSTS65001"}"#;
    db.execute(
        sql!("UPDATE account SET state = 'offline', fault = $1 WHERE id = $2"),
        args![fault, there.account],
    )
    .await
    .unwrap();
    let mut owner = office.console.owner().await;
    let list = owner.get("/sources").await;
    let wait = format!("/accounts/{}/wait", there.account);
    assert!(list.body.contains("admin approval needed") && list.body.contains(&wait), "{}", list.body);
    let answer = owner.post(&wait, &list.field("csrf"), &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let page = answer.location().to_owned();
    assert!(owner.get(&page).await.body.contains("adminconsent"));
    let (scopes,): (String,) = db.fetch_one(sql!("SELECT scopes FROM approval"), args![]).await.unwrap();
    assert!(scopes.contains("Mail.ReadWrite") && scopes.contains("offline_access"), "{scopes}");
    // Who waits already keeps the link that was sent.
    let again = owner.post(&wait, &list.field("csrf"), &[]).await;
    assert_eq!(again.location(), page);
    // The source's own line says it; there is no second one.
    let list = owner.get("/sources").await.body;
    assert_eq!(list.matches("class=\"row\"").count(), 1, "{list}");
}

/// Promise: what was asked for once and is not approved stands in the way of no later sign-in, neither while it is waited for nor after it
/// was given up.
#[tokio::test]
async fn what_is_not_approved_stands_in_no_way() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    let account = come_back(&mut owner, &state).await.location().to_owned();
    let online = [("support".to_owned(), "online".to_owned())];
    let page = stop_at(&mut owner, &told, "/outbounds/sign-in", 90_094).await;
    assert_eq!(accounts_of(&office).await, online, "it goes on with what it has");

    // Revoked while it waits: it signs in for what it had, and waits on.
    revoke(&office, &told, &account).await;
    let state = begin(&mut owner, &told, &format!("{account}/sign-in")).await;
    assert_eq!(come_back(&mut owner, &state).await.location(), account);
    assert_eq!(accounts_of(&office).await, online);
    let seen = owner.get(&account).await.body;
    assert!(seen.contains("not granted: send mail from this mailbox"), "what was asked for is told: {seen}");
    let list = owner.get("/outbounds").await;
    assert!(list.body.contains("admin approval needed"), "{}", list.body);

    // Given up: nobody asks for it any more.
    let csrf = list.field("csrf");
    let given_up = owner.post(&format!("{page}/give-up"), &csrf, &[]).await;
    assert_eq!(given_up.location(), "/outbounds");
    assert!(!owner.get("/outbounds").await.body.contains("admin approval needed"));
    assert!(!wanted(&office).await.contains("Mail.Send"));
    revoke(&office, &told, &account).await;
    let state = begin(&mut owner, &told, &format!("{account}/sign-in")).await;
    assert_eq!(come_back(&mut owner, &state).await.location(), account);
    assert_eq!(accounts_of(&office).await, online);
}

/// Promise: an account that was stopped by what it waited for goes on with what it has once that is given up.
#[tokio::test]
async fn who_gives_up_goes_on_with_less() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    let account = come_back(&mut owner, &state).await.location().to_owned();
    revoke(&office, &told, &account).await;
    let page = stop_at(&mut owner, &told, "/outbounds/sign-in", 90_094).await;
    assert_eq!(accounts_of(&office).await, [("support".to_owned(), "offline".to_owned())]);
    let csrf = owner.token("/sources").await;
    owner.post(&format!("{page}/give-up"), &csrf, &[]).await;
    assert_eq!(accounts_of(&office).await, [("support".to_owned(), "online".to_owned())]);
    assert!(!wanted(&office).await.contains("Mail.Send") && wanted(&office).await.contains("Mail.ReadWrite"));
    // Where Microsoft ended the sign-in meanwhile, that is said.
    revoke(&office, &told, &account).await;
    let page = stop_at(&mut owner, &told, "/outbounds/sign-in", 90_094).await;
    told.lock().unwrap().refuses = Some((50_173, "invalid_grant"));
    owner.post(&format!("{page}/give-up"), &csrf, &[]).await;
    // It signed in to send last, so it stands in the list of outbounds.
    let list = owner.get("/outbounds").await.body;
    assert!(list.contains("AADSTS50173") && !list.contains("admin approval needed"), "{list}");
}

/// Promise: where the tenant stops even the basic sign-in, each mailbox waits in a line of its own; who tries again from a page stays in
/// that line, and who signs in ends no other.
#[tokio::test]
async fn unknown_people_wait_apart() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let mut pages = Vec::new();
    for _ in 0..2 {
        let state = begin(&mut owner, &told, "/sources/sign-in").await;
        pages.push(owner.get(&stopped(&state, 90_095)).await.location().to_owned());
    }
    assert_ne!(pages[0], pages[1]);
    let list = owner.get("/sources").await.body;
    assert!(list.contains("Mailbox not known yet"), "{list}");
    assert_eq!(list.matches("class=\"row\"").count(), 2, "{list}");

    let again = format!("{}/sign-in", pages[1]);
    let state = begin(&mut owner, &told, &again).await;
    assert_eq!(owner.get(&stopped(&state, 90_095)).await.location(), pages[1], "the same line");
    assert_eq!(owner.get("/sources").await.body.matches("class=\"row\"").count(), 2);

    // An administrator has approved for all; the second one signs in from its page.
    let db = &office.console.shell.db;
    db.execute(sql!("UPDATE approval SET returned_at = since"), args![]).await.unwrap();
    let state = begin(&mut owner, &told, &again).await;
    assert!(come_back(&mut owner, &state).await.location().starts_with("/accounts/"));
    assert!(owner.get(&pages[1]).await.body.contains("Microsoft lets Postroom in"));
    let first = owner.get(&pages[0]).await.body;
    assert!(first.contains("Sign in to see whether it is approved"), "{first}");
    // Somebody who signs in anew is the one who is left.
    told.lock().unwrap().oid = "billing";
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    come_back(&mut owner, &state).await;
    assert!(owner.get(&pages[0]).await.body.contains("Microsoft lets Postroom in"));
}

/// Promise: somebody who waits for Graph and then asks for EWS waits for both, each with its link and its goal, and each is given up by itself.
#[tokio::test]
async fn waits_of_one_account_stay_apart() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let graph = stop_at_mail(&mut owner, &told, 90_094).await;
    let db = &office.console.shell.db;
    let (account,): (Uuid,) = db.fetch_one(sql!("SELECT id FROM account"), args![]).await.unwrap();
    let csrf = owner.token("/outbounds/create-ews").await;
    let id = account.to_string();
    told.lock().unwrap().refuses = Some((65_001, "invalid_grant"));
    let leave = owner.post("/outbounds/create-ews", &csrf, &[("account", &id), ("ews_url", "")]).await;
    told.lock().unwrap().refuses = None;
    assert_eq!(leave.status, StatusCode::OK, "{}", leave.body);
    let link = leave.body.split_once("class=\"button primary\" href=\"").expect("a link").1;
    let link = link.split_once('"').expect("its end").0.replace("&#38;", "&").replace("&amp;", "&");
    let state = asked(&link, "state").expect("a state");
    let ews = owner.get(&stopped(&state, 90_095)).await.location().to_owned();
    assert!(ews.starts_with("/approvals/") && ews != graph, "{ews}");
    for (page, list, part, other) in [
        (&graph, "/sources", "Mail.ReadWrite", "EWS.AccessAsUser.All"),
        (&ews, "/outbounds", "EWS.AccessAsUser.All", "Mail.ReadWrite"),
    ] {
        let body = owner.get(page).await.body;
        assert!(body.contains(part) && !body.contains(other), "{list}: {body}");
        let body = owner.get(list).await.body;
        assert_eq!(body.matches("class=\"row\"").count(), 1, "{list}: {body}");
    }
    // They share the account's one request a minute, in turn.
    let watcher = watcher(&office);
    told.lock().unwrap().refuses = Some((65_001, "invalid_grant"));
    let before = told.lock().unwrap().redeemed;
    for _ in 0..24 {
        assert_eq!(watcher.once().await.unwrap(), 0);
        office.console.clock.advance(Duration::from_secs(10));
    }
    let asked = told.lock().unwrap().redeemed - before;
    assert!((3..=4).contains(&asked), "{asked} requests in four minutes");
    let watched: Vec<(i64,)> =
        db.fetch_all(sql!("SELECT coalesce(watched_at, 0) FROM approval"), args![]).await.unwrap();
    assert!(watched.len() == 2 && watched.iter().all(|(at,)| *at > 0), "{watched:?}");
    told.lock().unwrap().refuses = None;

    owner.post(&format!("{ews}/give-up"), &csrf, &[]).await;
    assert!(owner.get("/sources").await.body.contains("admin approval needed"));
    let asked = wanted(&office).await;
    assert!(asked.contains("Mail.ReadWrite") && !asked.contains("EWS"), "{asked}");
}

/// Promise: who turned back at Microsoft's page and waits is told what Microsoft said, with the steps of that; a code that somebody makes up
/// is not shown.
#[tokio::test]
async fn who_turned_back_is_told_so() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    told.lock().unwrap().scope = BASIC;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    let state = second_half(&come_back(&mut owner, &state).await, &told);
    let failed = owner.get(&stopped(&state, 65_004)).await;
    assert_eq!(failed.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", failed.body);
    let wait = failed.body.split("action=\"").find(|part| part.split('"').next().unwrap().ends_with("/wait"));
    let wait = wait.expect("a way to wait").split('"').next().unwrap().to_owned();
    let (csrf, asked) = (failed.field("csrf"), failed.field("wanted"));
    let code = failed.field("code");
    assert_eq!(code, "AADSTS65004");
    let page = owner.post(&wait, &csrf, &[("wanted", &asked), ("code", &code)]).await.location().to_owned();
    let body = owner.get(&page).await.body;
    for part in ["AADSTS65004", "turned back at Microsoft", "sign in again and accept", "adminconsent"] {
        assert!(body.contains(part), "{part} is missing: {body}");
    }
    assert!(!body.contains("AADSTS65001"), "{body}");
    let list = owner.get("/sources").await.body;
    assert!(list.contains("admin approval needed") && list.contains("AADSTS65004"), "{list}");
    for made_up in ["AADSTS1<b>", "AADSTS50173", "<b>"] {
        let page =
            owner.post(&wait, &csrf, &[("wanted", &asked), ("code", made_up)]).await.location().to_owned();
        let body = owner.get(&page).await.body;
        // What stands with the account counts then.
        assert!(body.contains("AADSTS65004") && !body.contains(made_up), "{made_up}: {body}");
    }
}

/// Promise: with a multi-tenant registration whose own tenant is named, whoever signs in anew begins where every tenant is let in: in the
/// browser, by a code and with the link for an administrator. A single-tenant one begins at its tenant.
#[tokio::test]
async fn further_tenants_begin_where_all_are_let_in() {
    for (multi_tenant, begins) in [(1_i64, "organizations"), (0, "6babcaad-604b-40ac-a9d7-9fd97c0b779f")] {
        let (office, told, registration) = office().await;
        let db = &office.console.shell.db;
        db.execute(
            sql!("UPDATE app_registration SET tenant = $1, multi_tenant = $2 WHERE id = $3"),
            args!["6babcaad-604b-40ac-a9d7-9fd97c0b779f", multi_tenant, registration],
        )
        .await
        .unwrap();
        office.state.connections.forget();
        let mut owner = office.console.owner().await;
        let state = begin(&mut owner, &told, "/sources/sign-in").await;
        let page = owner.get(&stopped(&state, 90_094)).await.location().to_owned();
        let body = owner.get(&page).await.body;
        assert!(body.contains(&format!("/{begins}/v2.0/adminconsent")), "{body}");
        let set_up = owner.get(&format!("/registrations/set-up?registration={registration}")).await.body;
        assert!(set_up.contains(&format!("/{begins}/v2.0/adminconsent")), "{set_up}");

        let csrf = owner.token("/sources").await;
        let leave = owner.post("/sources/sign-in", &csrf, &[]).await.location().to_owned();
        assert!(leave.contains(&format!("/{begins}/oauth2/v2.0/authorize")), "{leave}");
        told.lock().unwrap().nonce = asked(&leave, "nonce").unwrap();
        let back = come_back(&mut owner, &asked(&leave, "state").unwrap()).await;
        assert!(back.location().starts_with("/accounts/"), "{}", back.body);
        assert_eq!(told.lock().unwrap().tenant, begins, "its code is redeemed where it began");
        let begun = owner.post("/device-sign-ins", &csrf, &[]).await;
        assert!(begun.location().starts_with("/device-sign-ins/"), "{}", begun.body);
        assert_eq!(std::mem::take(&mut told.lock().unwrap().tenant), begins);
        let poller = DevicePoller {
            connections: Arc::clone(&office.state.connections),
            bus: office.console.shell.bus.clone(),
            wake: Arc::new(Notify::new()),
            poll: Arc::new(Notify::new()),
            approvals: Arc::new(Notify::new()),
        };
        office.console.clock.advance(Duration::from_secs(5));
        poller.once().await.unwrap();
        assert_eq!(told.lock().unwrap().tenant, begins);
        // Who is known signs in at their own tenant.
        let again = owner.post(&format!("{}/sign-in", back.location()), &csrf, &[]).await.body;
        assert!(again.contains("6babcaad-604b-40ac-a9d7-9fd97c0b779f/oauth2/v2.0/authorize"), "{again}");
    }
}
