//! Signing in against a sign-in service in the same process: real HTTP, real signatures, and answers that a test can spoil.

use std::sync::{Arc, LazyLock, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fault::Fault;
use http::StatusCode;
use microsoft::AccessTokens;
use serde_json::{Value, json};
use store::{args, sql};
use tokio::sync::Notify;
use url::Url;
use uuid::Uuid;

use super::store::accounts;
use super::testing::Office;
use super::{Connections, ExchangeTokens};
use crate::web::testing::{Answer, Browser};

const TENANT: &str = "6babcaad-604b-40ac-a9d7-9fd97c0b779f";

/// Where an expired password is changed.
pub(super) const CHANGE_PASSWORD: &str = "https://portal.microsoftonline.com/ChangePassword.aspx";

static KEY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate(KeySize::Rsa2048).expect("a key"));

/// What the service answers with.
#[derive(Clone, Debug)]
pub(super) struct Told {
    login: String,
    pub(super) nonce: String,
    pub(super) oid: &'static str,
    pub(super) scope: &'static str,
    pub(super) refuses: Option<(u32, &'static str)>,
    /// A secret that has ended.
    pub(super) ended: &'static str,
    /// Requests to the token endpoint.
    pub(super) redeemed: usize,
    pub(super) now: i64,
    /// The next answer waits: the first says that it was asked for, the second lets it go.
    pub(super) waits: Option<(Arc<Notify>, Arc<Notify>)>,
    /// The `claims` of the last request to the token endpoint.
    pub(super) claims: String,
    /// The tenant at which a token or a code was asked for last.
    pub(super) tenant: String,
}

pub(super) type Shared = Arc<Mutex<Told>>;

async fn discovery(State(told): State<Shared>, Path(tenant): Path<String>) -> Json<Value> {
    let login = told.lock().unwrap().login.clone();
    let issuer = if tenant == "organizations" { "{tenantid}".to_owned() } else { tenant.clone() };
    Json(json!({
        "issuer": format!("{login}/{issuer}/v2.0"),
        "authorization_endpoint": format!("{login}/{tenant}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{login}/{tenant}/oauth2/v2.0/token"),
        "jwks_uri": format!("{login}/{tenant}/discovery/v2.0/keys"),
        "device_authorization_endpoint": format!("{login}/{tenant}/oauth2/v2.0/devicecode"),
    }))
}

async fn device_code(State(told): State<Shared>, Path(tenant): Path<String>) -> Json<Value> {
    told.lock().unwrap().tenant = tenant;
    Json(json!({
        "device_code": "device-canary", "user_code": "ABCD-EFGH", "expires_in": 900, "interval": 5, "message": "",
        "verification_uri": "https://microsoft.com/devicelogin",
    }))
}

async fn keys() -> Json<Value> {
    // PKCS #1: SEQUENCE { INTEGER modulus (257 bytes with its sign), INTEGER 65537 }.
    let der = KEY.public_key().as_ref();
    let modulus = URL_SAFE_NO_PAD.encode(&der[9..265]);
    Json(json!({ "keys": [{ "kty": "RSA", "use": "sig", "kid": "k", "n": modulus, "e": "AQAB" }] }))
}

async fn token(
    State(told): State<Shared>,
    Path(tenant): Path<String>,
    Form(asked): Form<Vec<(String, String)>>,
) -> Response {
    let told = {
        let mut told = told.lock().unwrap();
        told.tenant = tenant;
        told.redeemed += 1;
        told.claims = asked
            .iter()
            .find(|(name, _)| name == "claims")
            .map_or_else(String::new, |(_, value)| value.clone());
        let now = told.clone();
        told.waits = None;
        now
    };
    if let Some((asked, go)) = &told.waits {
        asked.notify_one();
        go.notified().await;
    }
    let secret = asked.iter().find(|(name, _)| name == "client_secret").map_or("none", |(_, value)| value);
    let ended = (secret == told.ended).then_some((7_000_222, "invalid_client"));
    if let Some((code, error)) = ended.or(told.refuses) {
        let mut body = json!({
            "error": error, "error_description": format!("AADSTS{code}: refused."), "error_codes": [code],
            "trace_id": "t", "correlation_id": "c",
        });
        if code == 50_055 {
            body["password_change_url"] = CHANGE_PASSWORD.into();
        }
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    assert!(asked.iter().any(|(name, _)| name == "scope" || name == "device_code"), "{asked:?}");
    let claims = json!({
        "aud": "client", "iss": format!("{}/{TENANT}/v2.0", told.login), "tid": TENANT, "oid": told.oid,
        "sub": format!("sub-{}", told.oid), "exp": told.now + 3_600, "nonce": told.nonce,
        "preferred_username": format!("{}@contoso.test", told.oid), "name": "Somebody",
    });
    let [head, body] =
        [json!({ "alg": "RS256", "kid": "k" }), claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{head}.{body}");
    let mut signature = vec![0; KEY.public_modulus_len()];
    KEY.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("signed");
    Json(json!({
        "token_type": "Bearer", "scope": told.scope, "expires_in": 3599, "access_token": "access-canary",
        "refresh_token": "refresh-canary", "id_token": format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)),
    }))
    .into_response()
}

/// An office with a sign-in service beside it.
pub(super) async fn office() -> (Office, Shared, Uuid) {
    let office = Office::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let login = format!("http://{}", listener.local_addr().expect("an address"));
    let told = Arc::new(Mutex::new(Told {
        login: login.clone(),
        nonce: String::new(),
        oid: "support",
        scope: "openid profile email User.Read Mail.ReadWrite",
        refuses: None,
        ended: "",
        redeemed: 0,
        now: office.now().as_second(),
        waits: None,
        claims: String::new(),
        tenant: String::new(),
    }));
    let router = Router::new()
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(discovery))
        .route("/{tenant}/discovery/v2.0/keys", get(keys))
        .route("/{tenant}/oauth2/v2.0/token", post(token))
        .route("/{tenant}/oauth2/v2.0/devicecode", post(device_code))
        .with_state(Arc::clone(&told));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let registration = office.register_at(&login).await;
    (office, told, registration)
}

/// What the address of Microsoft's page asks for.
pub(super) fn asked(location: &str, name: &str) -> Option<String> {
    let url = Url::parse(location).expect("an address");
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The second half of a sign-in, which asks for what the first did not: its state, with the service told the nonce.
pub(super) fn second_half(answer: &Answer, told: &Shared) -> String {
    let location = answer.location();
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert!(asked(location, "scope").is_some_and(|scope| scope.contains("Mail.ReadWrite")), "{location}");
    // Who signs in is known by now: nobody picks an account a second time.
    assert!(asked(location, "login_hint").is_some() && asked(location, "prompt").is_none(), "{location}");
    told.lock().unwrap().nonce = asked(location, "nonce").expect("a nonce");
    asked(location, "state").expect("a state")
}

/// Begins a sign-in; gives the state, with the service told the nonce.
pub(super) async fn begin(browser: &mut Browser<'_>, told: &Shared, path: &str) -> String {
    let token = browser.token("/sources").await;
    let leave = browser.post(path, &token, &[]).await;
    let location = if leave.status == StatusCode::SEE_OTHER {
        leave.location().to_owned()
    } else {
        // The page in between, where the account is known.
        assert_eq!(leave.status, StatusCode::OK, "{}", leave.body);
        let link = leave.body.split_once("class=\"button primary\" href=\"").expect("a link").1;
        link.split_once('"').expect("its end").0.replace("&#38;", "&").replace("&amp;", "&")
    };
    assert_eq!(asked(&location, "code_challenge_method").as_deref(), Some("S256"), "{location}");
    told.lock().unwrap().nonce = asked(&location, "nonce").expect("a nonce");
    asked(&location, "state").expect("a state")
}

pub(super) async fn come_back(browser: &mut Browser<'_>, state: &str) -> Answer {
    browser.get(&format!("/oauth/callback?code=the-code&state={state}")).await
}

pub(super) async fn accounts_of(office: &Office) -> Vec<(String, String)> {
    let all = accounts::unused(&office.console.shell.db, office.workspace()).await.unwrap();
    all.into_iter().map(|account| (account.object_id, account.state)).collect()
}

/// Promise: who signs in is shown with what was granted, can go on to the form, and no token is stored or shown openly.
#[tokio::test]
async fn a_sign_in_leads_to_the_form() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    let back = come_back(&mut owner, &state).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.body);
    let path = back.location().to_owned();
    let page = owner.get(&path).await;
    for part in ["support@contoso.test", "Mail.ReadWrite", "/sources/new?account="] {
        assert!(page.body.contains(part), "{part} is missing: {}", page.body);
    }
    let list = owner.get("/sources").await;
    assert!(list.body.contains("not confirmed") && !list.body.contains("canary"), "{}", list.body);
    let (refresh, access): (Vec<u8>, Vec<u8>) = office
        .console
        .shell
        .db
        .fetch_one(sql!("SELECT refresh_sealed, access_sealed FROM account"), args![])
        .await
        .unwrap();
    for sealed in [refresh, access] {
        assert!(!sealed.windows(6).any(|part| part == b"canary"), "a token is stored openly");
    }
}

/// Promise: a state works once, and only in the browser that began the sign-in; a code that came with it is not redeemed.
#[tokio::test]
async fn a_state_is_for_one_return_of_one_browser() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    let mut other = office.console.browser();
    let done = other.sign_in("owner@contoso.test", "four unrelated words").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    assert_eq!(
        come_back(&mut other, &state).await.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "another browser"
    );
    assert_eq!(told.lock().unwrap().redeemed, 0);
    assert_eq!(come_back(&mut owner, &state).await.status, StatusCode::SEE_OTHER);
    assert_eq!(come_back(&mut owner, &state).await.status, StatusCode::UNPROCESSABLE_ENTITY, "a second time");
    assert_eq!(told.lock().unwrap().redeemed, 1);
}

/// Promise: an id_token of another sign-in is refused, and nothing of its tokens is kept.
#[tokio::test]
async fn a_wrong_nonce_keeps_nothing() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    told.lock().unwrap().nonce = "another".to_owned();
    let page = come_back(&mut owner, &state).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("Sign in again"), "{}", page.body);
    assert!(accounts_of(&office).await.is_empty());
}

/// Promise: what Microsoft refuses is said with its code and who must act; a missing approval comes with the link for the
/// administrator.
#[tokio::test]
async fn refusals_are_said_with_their_mend() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    let description = "AADSTS90094%3A+An+administrator+must+consent.";
    let page = owner
        .get(&format!("/oauth/callback?error=access_denied&error_description={description}&state={state}"))
        .await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
    let to = page.location().to_owned();
    let page = owner.get(&to).await;
    for part in ["AADSTS90094", "adminconsent", "An administrator has to approve"] {
        assert!(page.body.contains(part), "{part} is missing: {}", page.body);
    }
}

/// Promise: a permission that was not granted is said at once, with what will not work.
#[tokio::test]
async fn a_missing_permission_is_said() {
    let (office, told, _) = office().await;
    told.lock().unwrap().scope = "openid profile email User.Read";
    let mut owner = office.console.owner().await;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    let state = second_half(&come_back(&mut owner, &state).await, &told);
    let path = come_back(&mut owner, &state).await.location().to_owned();
    let page = owner.get(&path).await;
    assert!(page.body.contains("not granted") && page.body.contains("No mail can be read"), "{}", page.body);
}

/// Promise: validating as somebody else changes nothing until it is confirmed by a sign-in made for that.
#[tokio::test]
async fn a_swapped_account_is_refused_until_confirmed() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    let path = come_back(&mut owner, &state).await.location().to_owned();
    told.lock().unwrap().oid = "billing";
    let state = begin(&mut owner, &told, &format!("{path}/sign-in")).await;
    let page = come_back(&mut owner, &state).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    for part in ["Nothing was changed", "/replace", "support@contoso.test", "billing@contoso.test"] {
        assert!(page.body.contains(part), "{part} is missing: {}", page.body);
    }
    assert_eq!(accounts_of(&office).await, [("support".to_owned(), "online".to_owned())]);
    let state = begin(&mut owner, &told, &format!("{path}/replace")).await;
    let state = second_half(&come_back(&mut owner, &state).await, &told);
    told.lock().unwrap().scope = "openid profile email User.Read Mail.ReadWrite Mail.ReadWrite.Shared";
    let back = come_back(&mut owner, &state).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.body);
    assert_eq!(
        accounts_of(&office).await,
        [("billing".to_owned(), "online".to_owned()), ("support".to_owned(), "online".to_owned())]
    );
}

/// Promise: a grant that was revoked takes the account offline with that reason, and signing in again mends it.
#[tokio::test]
async fn a_revoked_grant_takes_the_account_offline() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    let path = come_back(&mut owner, &state).await.location().to_owned();
    let account = Uuid::parse_str(path.rsplit('/').next().unwrap()).unwrap();
    told.lock().unwrap().refuses = Some((50173, "invalid_grant"));
    office.console.clock.advance(std::time::Duration::from_hours(1));
    let fault: Fault = office.state.connections.tokens(account).await.unwrap().get().await.unwrap_err();
    assert_eq!(fault.entry.id, "entra.grant_revoked");
    let asked = told.lock().unwrap().redeemed;
    for _ in 0..5 {
        office.console.clock.advance(std::time::Duration::from_hours(1));
        // Another process would know it too: what is kept in memory is forgotten.
        office.state.connections.forget();
        let tokens = office.state.connections.tokens(account).await.unwrap();
        assert_eq!(tokens.get().await.unwrap_err().entry.id, "entra.grant_revoked");
    }
    assert_eq!(told.lock().unwrap().redeemed, asked, "an ended grant is not asked for again");
    assert_eq!(accounts_of(&office).await, [("support".to_owned(), "offline".to_owned())]);
    let list = owner.get("/sources").await;
    assert!(list.body.contains("AADSTS50173") && list.body.contains("offline"), "{}", list.body);
    {
        let mut told = told.lock().unwrap();
        (told.refuses, told.now) = (None, office.now().as_second());
    }
    let state = begin(&mut owner, &told, &format!("{path}/sign-in")).await;
    assert_eq!(come_back(&mut owner, &state).await.location(), path);
    assert_eq!(accounts_of(&office).await, [("support".to_owned(), "online".to_owned())]);
}

/// Promise: what an administrator can clear is tried slowly, at once when a person says so, and heals without a new sign-in.
#[tokio::test]
async fn what_an_administrator_clears_heals_by_itself() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    let path = come_back(&mut owner, &state).await.location().to_owned();
    let account = Uuid::parse_str(path.rsplit('/').next().unwrap()).unwrap();
    told.lock().unwrap().refuses = Some((53003, "invalid_grant"));
    office.console.clock.advance(std::time::Duration::from_hours(1));
    let tokens = office.state.connections.tokens(account).await.unwrap();
    assert_eq!(tokens.get().await.unwrap_err().entry.id, "entra.conditional_access");
    let asked = told.lock().unwrap().redeemed;
    office.console.clock.advance(std::time::Duration::from_secs(299));
    assert_eq!(tokens.get().await.unwrap_err().entry.id, "entra.conditional_access");
    assert_eq!(told.lock().unwrap().redeemed, asked, "asked again within five minutes");
    office.state.connections.ask_anew(account).await;
    tokens.get().await.unwrap_err();
    assert_eq!(told.lock().unwrap().redeemed, asked + 1, "a person asked for it");
    told.lock().unwrap().refuses = None;
    office.console.clock.advance(std::time::Duration::from_hours(1));
    tokens.get().await.unwrap();
    assert_eq!(accounts_of(&office).await, [("support".to_owned(), "online".to_owned())]);
}

/// Promise: a refresh that comes to nothing while somebody signs in again does not undo their sign-in.
#[tokio::test]
async fn a_sign_in_is_not_undone_by_a_refresh_that_began_before() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    let path = come_back(&mut owner, &state).await.location().to_owned();
    let account = Uuid::parse_str(path.rsplit('/').next().unwrap()).unwrap();
    office.console.clock.advance(std::time::Duration::from_hours(1));
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    {
        let mut told = told.lock().unwrap();
        told.refuses = Some((50173, "invalid_grant"));
        told.waits = Some((Arc::clone(&asked), Arc::clone(&go)));
        told.now = office.now().as_second();
    }
    let tokens = office.state.connections.tokens(account).await.unwrap();
    let refresh = tokio::spawn(async move { tokens.get().await });
    asked.notified().await;
    told.lock().unwrap().refuses = None;
    let state = begin(&mut owner, &told, &format!("{path}/sign-in")).await;
    assert_eq!(come_back(&mut owner, &state).await.location(), path);
    go.notify_one();
    refresh.await.unwrap().expect("the token of the new sign-in");
    assert_eq!(accounts_of(&office).await, [("support".to_owned(), "online".to_owned())]);
}

/// Promise: an ended grant is not hammered over EWS either, whatever asks; a sign-in is tried at once.
#[tokio::test]
async fn an_ended_grant_is_asked_for_once_over_ews() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    let path = come_back(&mut owner, &state).await.location().to_owned();
    let account = Uuid::parse_str(path.rsplit('/').next().unwrap()).unwrap();
    let of_account = office.state.connections.tokens(account).await.unwrap();
    let scope = "https://outlook.office365.com/EWS.AccessAsUser.All".to_owned();
    let tokens = ExchangeTokens::new(of_account, scope.clone());
    told.lock().unwrap().refuses = Some((50173, "invalid_grant"));
    let asked = told.lock().unwrap().redeemed;
    for _ in 0..5 {
        assert_eq!(tokens.get().await.unwrap_err().entry.id, "entra.grant_revoked");
        office.console.clock.advance(std::time::Duration::from_mins(30));
    }
    assert_eq!(told.lock().unwrap().redeemed, asked + 1, "asked again though nobody has signed in");
    {
        let mut told = told.lock().unwrap();
        (told.refuses, told.now) = (None, office.now().as_second());
    }
    let state = begin(&mut owner, &told, &format!("{path}/sign-in")).await;
    assert_eq!(come_back(&mut owner, &state).await.location(), path);
    tokens.get().await.expect("whoever has signed in again is let in at once");
}

/// Promise: what a server asks for in the middle (a claims challenge) goes along with the refresh.
#[tokio::test]
async fn a_challenge_goes_along_with_the_refresh() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    assert!(told.lock().unwrap().claims.is_empty());
    let path = come_back(&mut owner, &state).await.location().to_owned();
    assert!(told.lock().unwrap().claims.contains("cp1"), "each request opts in");
    let account = Uuid::parse_str(path.rsplit('/').next().unwrap()).unwrap();
    let tokens = office.state.connections.tokens(account).await.unwrap();
    let token = tokens.get().await.unwrap();
    let challenge = r#"{"access_token":{"nbf":{"essential":true,"value":"1790000000"}}}"#;
    tokens.challenged(&token, challenge).await.unwrap();
    let sent: Value = serde_json::from_str(&told.lock().unwrap().claims).unwrap();
    assert_eq!(sent["access_token"]["nbf"]["value"], "1790000000");
    assert_eq!(sent["access_token"]["xms_cc"]["values"], json!(["cp1"]));
}

/// Promise: what one node changes counts on the others within a second or two: a source's shadow mode, and the credentials of an
/// app registration.
#[tokio::test]
async fn changes_of_one_node_reach_the_others() {
    let office = Office::new().await;
    let connected = office.connect().await;
    let here = &office.state.connections;
    let there = Connections::new(
        here.db.clone(),
        here.sealer.clone(),
        Arc::clone(&here.clock),
        here.http.clone(),
        here.reach.clone(),
        Uuid::now_v7(),
    );
    assert!(!there.is_shadow(connected.source).await.unwrap());
    let before = there.tokens(connected.account).await.unwrap();
    assert!(
        Arc::ptr_eq(&before, &there.tokens(connected.account).await.unwrap()),
        "kept while nothing changes"
    );
    let jira = there.jira(connected.jira).await.unwrap();
    assert!(Arc::ptr_eq(&jira, &there.jira(connected.jira).await.unwrap()));

    let later = office.now() + jiff::SignedDuration::from_secs(1);
    for (statement, id) in [
        (sql!("UPDATE source SET shadow_at = $1 WHERE id = $2"), connected.source),
        (sql!("UPDATE account SET signed_in_at = $1 WHERE id = $2"), connected.account),
    ] {
        here.db.execute(statement, args![later, id]).await.unwrap();
    }
    here.db
        .execute(
            sql!("UPDATE jira_connection SET username = $1 WHERE id = $2"),
            args!["other@contoso.test", connected.jira],
        )
        .await
        .unwrap();
    assert!(!Arc::ptr_eq(&before, &there.tokens(connected.account).await.unwrap()), "of an earlier sign-in");
    assert!(!Arc::ptr_eq(&jira, &there.jira(connected.jira).await.unwrap()), "of another user");
    let seen = async {
        while !there.is_shadow(connected.source).await.unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), seen).await.expect("the other node sees it");
}
