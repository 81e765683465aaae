//! Sign-in: what it gives, and what it refuses with which code.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Answer, MAIL, REDIRECT, SUPPORT, parameter, world};

fn codes(answer: &Answer) -> Vec<u64> {
    answer.json["error_codes"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect()
}

/// What a token says, unverified.
fn claims_of(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("a payload");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

fn refused(answer: &Answer, status: u16, error: &str, code: u64) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    assert_eq!(answer.json["error"], error, "{}", answer.text);
    assert_eq!(codes(answer), [code], "{}", answer.text);
    for name in ["error_description", "timestamp", "trace_id", "correlation_id", "error_uri"] {
        assert!(answer.json[name].is_string(), "{name} is missing: {}", answer.text);
    }
    let description = answer.json["error_description"].as_str().unwrap_or_default();
    assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
    assert!(
        description.contains(" Trace ID: ") && description.contains(" Correlation ID: "),
        "{description}"
    );
}

/// Code, PKCE, nonce and keys: the id_token verifies against the published keys.
#[tokio::test]
async fn a_sign_in_gives_tokens_that_verify() {
    let world = world().await;
    let to = world.walk(&world.authorize_url(&[]), SUPPORT).await;
    assert!(to.as_str().starts_with(REDIRECT));
    assert_eq!(parameter(&to, "state").as_deref(), Some("a state & more"));
    let code = parameter(&to, "code").expect("a code");
    let answer = world.redeem(&code, &[("client_info", "1")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store, no-cache");
    assert_eq!(answer.json["token_type"], "Bearer");
    assert!(answer.json["refresh_token"].is_string() && answer.json["client_info"].is_string());
    assert_eq!(answer.json["expires_in"], 3599);
    assert_eq!(answer.json["scope"], "User.Read Mail.ReadWrite Mail.Send openid profile");

    let base = format!("{}/{}", world.ready().entra, world.ready().tenant_id);
    let discovery = world.get_page(&format!("{base}/v2.0/.well-known/openid-configuration")).await;
    let keys = world.get_page(discovery.json["jwks_uri"].as_str().expect("an address")).await;
    let key = &keys.json["keys"][0];
    let (n, e) = (key["n"].as_str().expect("n"), key["e"].as_str().expect("e"));
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[&world.ready().client_id]);
    validation.set_issuer(&[discovery.json["issuer"].as_str().expect("an issuer")]);
    // The simulator's clock is not the machine's.
    validation.validate_exp = false;
    let id_token = answer.json["id_token"].as_str().expect("an id_token");
    let claims = jsonwebtoken::decode::<Value>(
        id_token,
        &DecodingKey::from_rsa_components(n, e).expect("a key"),
        &validation,
    )
    .expect("the id_token verifies")
    .claims;
    let user = world.ready().users.iter().find(|user| user.upn == SUPPORT).expect("a user");
    assert_eq!(claims["nonce"], "a-nonce");
    assert_eq!(claims["preferred_username"], SUPPORT);
    assert_eq!(claims["oid"], user.oid.to_string());
    assert_eq!(claims["tid"], world.ready().tenant_id.as_str());
    assert_eq!(claims["ver"], "2.0");
}

/// A code is good for one use, one verifier, one redirect URI, ten minutes.
#[tokio::test]
async fn a_code_is_bound_and_used_once() {
    let world = world().await;
    let code = async || {
        let to = world.walk(&world.authorize_url(&[]), SUPPORT).await;
        parameter(&to, "code").expect("a code")
    };
    let first = code().await;
    refused(
        &world.redeem(&first, &[("code_verifier", "another-verifier-that-is-long-enough-for-it-123")]).await,
        400,
        "invalid_grant",
        501_481,
    );
    refused(&world.redeem(&first, &[("code_verifier", "")]).await, 400, "invalid_grant", 501_481);
    refused(
        &world.redeem(&first, &[("redirect_uri", "http://localhost:8400/other")]).await,
        400,
        "invalid_request",
        50_011,
    );
    assert_eq!(world.redeem(&first, &[]).await.status, StatusCode::OK);
    refused(&world.redeem(&first, &[]).await, 400, "invalid_grant", 54_005);
    let late = code().await;
    world.sim.clock().advance(SignedDuration::from_mins(11));
    refused(&world.redeem(&late, &[]).await, 400, "invalid_grant", 70_008);
    refused(&world.redeem("1.nonsense", &[]).await, 400, "invalid_request", 9_002_313);
}

/// The client proves who it is, in the body or with Basic.
#[tokio::test]
async fn the_client_is_checked() {
    let world = world().await;
    let scope = ("scope", "https://graph.microsoft.com/.default");
    let grant = ("grant_type", "client_credentials");
    refused(
        &world.token(&[grant, scope, ("client_secret", "wrong")]).await,
        401,
        "invalid_client",
        7_000_215,
    );
    refused(&world.token(&[grant, scope, ("client_secret", "")]).await, 401, "invalid_client", 7_000_218);
    refused(
        &world.token(&[grant, scope, ("client_id", "00000000-0000-0000-0000-000000000001")]).await,
        400,
        "unauthorized_client",
        700_016,
    );
    refused(&world.token(&[("grant_type", "password"), scope]).await, 400, "unsupported_grant_type", 70_003);
    refused(&world.token(&[scope]).await, 400, "invalid_request", 900_144);
    refused(&world.token(&[grant, ("scope", "Mail.ReadWrite")]).await, 400, "invalid_scope", 70_011);
    let url = format!("{}/{}/oauth2/v2.0/token", world.ready().entra, world.ready().tenant_id);
    let basic = world
        .http
        .post(&url)
        .basic_auth(&world.ready().client_id, Some(&world.ready().client_secret))
        .form(&[grant, scope])
        .send()
        .await
        .expect("an answer");
    assert_eq!(basic.status(), StatusCode::OK);
    // Both readings of what becomes of an application that names no tenant; one that is not multi-tenant is refused in either.
    let sent = [
        ("client_id", world.ready().client_id.as_str()),
        ("client_secret", world.ready().client_secret.as_str()),
        grant,
        scope,
    ];
    let nowhere = async |none: &str| {
        let answer = world.http.post(url.replace(&world.ready().tenant_id, none)).form(&sent).send().await;
        Answer::of(answer.expect("an answer")).await
    };
    for none in ["common", "organizations"] {
        refused(&nowhere(none).await, 400, "invalid_request", 50_059);
    }
    world.post_lever("/tokens", json!({ "guesses_tenants": true })).await;
    for none in ["common", "organizations"] {
        let guessed = nowhere(none).await;
        let token = guessed.json["access_token"].as_str().unwrap_or_else(|| panic!("{}", guessed.text));
        assert_eq!(claims_of(token)["tid"], world.ready().tenant_id);
    }
    world.post_lever("/registrations", json!({ "multi_tenant": false })).await;
    assert_eq!(nowhere("organizations").await.json["error_codes"][0], 50_194);
    world.post_lever("/registrations", json!({ "multi_tenant": true })).await;
    world.post_lever("/tokens", json!({ "guesses_tenants": false })).await;
    refused(&nowhere("organizations").await, 400, "invalid_request", 50_059);
    let elsewhere =
        world.http.post(url.replace(&world.ready().tenant_id, "absent.test")).form(&[grant]).send().await;
    let body: Value = elsewhere.expect("an answer").json().await.expect("JSON");
    assert_eq!(body["error_codes"][0], 90_002);
}

/// Faults that must not be redirected stay on a page; all others go back to the app.
#[tokio::test]
async fn faults_go_where_they_belong() {
    let world = world().await;
    for (name, value, code) in [
        ("redirect_uri", "https://evil.example/callback", "AADSTS50011"),
        ("redirect_uri", "http://localhost.evil.example/callback", "AADSTS50011"),
        ("client_id", "nobody", "AADSTS700016"),
        ("client_id", "", "AADSTS900144"),
    ] {
        let page = world.get_page(&world.authorize_url(&[(name, value)])).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(page.text.contains(code), "{code}: {}", page.text);
    }
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("scope", "Mail.Nonsense", "invalid_client"),
        ("code_challenge", "short", "invalid_request"),
        ("prompt", "none", "login_required"),
    ] {
        let answer = world.get_page(&world.authorize_url(&[(name, value)])).await;
        let to = url::Url::parse(answer.header("location")).expect("a redirect");
        assert_eq!(parameter(&to, "error").as_deref(), Some(error), "{to}");
        assert_eq!(parameter(&to, "state").as_deref(), Some("a state & more"));
    }
}

/// A refresh gives a new token; the old one stays good until the grant is revoked.
#[tokio::test]
async fn refresh_tokens_rotate_and_are_revoked() {
    let world = world().await;
    let first =
        world.sign_in(SUPPORT, MAIL).await.json["refresh_token"].as_str().expect("a token").to_owned();
    let refresh = async |token: &str, scope: &str| {
        world.token(&[("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)]).await
    };
    let second = refresh(&first, MAIL).await;
    assert_eq!(second.status, StatusCode::OK, "{}", second.text);
    assert_ne!(second.json["refresh_token"], first.as_str());
    assert_eq!(refresh(&first, MAIL).await.status, StatusCode::OK);
    refused(&refresh(&first, "Contacts.Read").await, 400, "invalid_grant", 65_001);
    let two = "Mail.ReadWrite https://outlook.office365.com/EWS.AccessAsUser.All";
    refused(&refresh(&first, two).await, 400, "invalid_scope", 28_000);
    refused(&refresh("nonsense", MAIL).await, 400, "invalid_grant", 70_000);

    world.post_lever("/revoke", json!({"upn": SUPPORT})).await;
    let gone = refresh(&first, MAIL).await;
    refused(&gone, 400, "invalid_grant", 50_173);
    assert!(gone.json["error_description"].as_str().is_some_and(|text| text.contains("TokensValidFrom")));
    world.sim.clock().advance(SignedDuration::from_secs(5));
    let again =
        world.sign_in(SUPPORT, MAIL).await.json["refresh_token"].as_str().expect("a token").to_owned();
    assert_eq!(refresh(&again, MAIL).await.status, StatusCode::OK);
    world.post_lever("/restore", json!({})).await;
    assert_eq!(refresh(&first, MAIL).await.status, StatusCode::OK);
    world.sim.clock().advance(SignedDuration::from_hours(91 * 24));
    refused(&refresh(&first, MAIL).await, 400, "invalid_grant", 700_082);
}

/// Without offline_access there is no refresh token, without openid no id_token.
#[tokio::test]
async fn only_what_was_asked_for_is_given() {
    let world = world().await;
    let answer = world.sign_in(SUPPORT, "Mail.Read").await;
    assert!(answer.json["refresh_token"].is_null() && answer.json["id_token"].is_null(), "{}", answer.text);
    assert!(answer.json["access_token"].is_string());
}

/// Consent is remembered; cancelling is told as 65004; the second sign-in of a browser asks for nothing.
#[tokio::test]
async fn consent_is_asked_once() {
    let world = world().await;
    let picker = world.get_page(&world.authorize_url(&[])).await;
    let password = world.step(&picker, "account", &[("account", SUPPORT)]).await;
    let wrong = world.step(&password, "password", &[("passwd", "wrong")]).await;
    assert!(wrong.text.contains("AADSTS50126"));
    let consent = world.step(&password, "password", &[("passwd", "Password-1")]).await;
    assert!(consent.text.contains("Read and write access to your mail"), "{}", consent.text);
    assert!(!consent.text.contains("consent_org"), "no checkbox for others than administrators");
    let cancelled = world.step(&consent, "consent", &[("decision", "cancel")]).await;
    let to = url::Url::parse(cancelled.header("location")).expect("a redirect");
    assert_eq!(parameter(&to, "error").as_deref(), Some("access_denied"));
    assert!(parameter(&to, "error_description").is_some_and(|text| text.starts_with("AADSTS65004")));
    // Signed in still, but not consented.
    world.walk(&world.authorize_url(&[]), SUPPORT).await;
    let silent = world.get_page(&world.authorize_url(&[])).await;
    assert!(silent.status.is_redirection(), "one account, consented: nothing to ask");
    let none = world.get_page(&world.authorize_url(&[("prompt", "none")])).await;
    let to = url::Url::parse(none.header("location")).expect("a redirect");
    assert!(parameter(&to, "code").is_some());
    let picker = world.get_page(&world.authorize_url(&[("prompt", "select_account")])).await;
    assert!(picker.text.contains("Pick an account"));
    let hinted = world.get_page(&world.authorize_url(&[("login_hint", "anna@contoso.test")])).await;
    assert!(hinted.text.contains("Enter password") && hinted.text.contains("anna@contoso.test"));
}

/// Where users may not consent, they see the approval page; an administrator's checkbox lets everybody in.
#[tokio::test]
async fn an_administrator_consents_for_all() {
    let world = world().await;
    world.post_lever("/consent", json!({"user_consent": "barred"})).await;
    let picker = world.get_page(&world.authorize_url(&[])).await;
    let password = world.step(&picker, "account", &[("account", SUPPORT)]).await;
    let approval = world.step(&password, "password", &[("passwd", "Password-1")]).await;
    assert!(approval.text.contains("AADSTS90094") && approval.text.contains("Need admin approval"));
    let denied = world.step(&approval, "consent", &[("decision", "accept")]).await;
    assert!(denied.text.contains("AADSTS90094"), "a form made by hand does not help");
    let back = world.step(&approval, "consent", &[("decision", "back")]).await;
    let to = url::Url::parse(back.header("location")).expect("a redirect");
    assert!(parameter(&to, "error_description").is_some_and(|text| text.starts_with("AADSTS90094")));

    *world.cookie.lock().expect("a lock") = None;
    let picker = world.get_page(&world.authorize_url(&[])).await;
    let password = world.step(&picker, "account", &[("account", "admin@contoso.test")]).await;
    let consent = world.step(&password, "password", &[("passwd", "Password-1")]).await;
    assert!(consent.text.contains("consent_org"));
    let done = world.step(&consent, "consent", &[("decision", "accept"), ("consent_org", "on")]).await;
    assert!(done.status.is_redirection());
    assert_eq!(world.sign_in(SUPPORT, MAIL).await.status, StatusCode::OK);
}

/// form_post hands the answer over in a form.
#[tokio::test]
async fn form_post_is_a_form() {
    let world = world().await;
    world.walk(&world.authorize_url(&[]), SUPPORT).await;
    let page = world.get_page(&world.authorize_url(&[("response_mode", "form_post")])).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains(&format!("action=\"{REDIRECT}\"")) && page.text.contains("name=\"code\""));
    assert!(page.header("content-security-policy").contains("form-action 'self' http://localhost:8400"));
}

/// A single-tenant app is refused on common, and any app in an unknown tenant.
#[tokio::test]
async fn tenants_are_told_apart() {
    let world = world().await;
    world.post_lever("/registrations", json!({"multi_tenant": false})).await;
    let url = world.authorize_url(&[]).replace(&world.ready().tenant_id, "common");
    assert!(world.get_page(&url).await.text.contains("AADSTS50194"));
    let discovery = world
        .get_page(&format!("{}/common/v2.0/.well-known/openid-configuration", world.ready().entra))
        .await;
    assert!(discovery.json["issuer"].as_str().is_some_and(|issuer| issuer.ends_with("/{tenantid}/v2.0")));
    let absent = world
        .get_page(&format!("{}/absent.test/v2.0/.well-known/openid-configuration", world.ready().entra))
        .await;
    assert_eq!((absent.status.as_u16(), absent.json["error"].as_str()), (400, Some("invalid_tenant")));
    world.post_lever("/registrations", json!({"disabled": true})).await;
    let answer = world
        .token(&[("grant_type", "client_credentials"), ("scope", "https://graph.microsoft.com/.default")])
        .await;
    refused(&answer, 400, "unauthorized_client", 7_000_112);
}

/// A refusal on command reaches the refresh.
#[tokio::test]
async fn refusals_on_command() {
    let world = world().await;
    let token =
        world.sign_in(SUPPORT, MAIL).await.json["refresh_token"].as_str().expect("a token").to_owned();
    world.post_lever("/refuse", json!({"upn": SUPPORT, "code": 53_003, "suberror": "message_only"})).await;
    let answer =
        world.token(&[("grant_type", "refresh_token"), ("refresh_token", &token), ("scope", MAIL)]).await;
    refused(&answer, 400, "invalid_grant", 53_003);
    assert_eq!(answer.json["suberror"], "message_only");
    let counters = world.lever(Method::GET, "/counters", json!(null)).await;
    assert!(counters["entra"]["requests"].as_u64().is_some_and(|requests| requests > 3));
}
