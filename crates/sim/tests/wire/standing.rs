//! People and policies that keep a sign-in from going on, and what mends it.

use jiff::SignedDuration;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::{Answer, MAIL, SUPPORT, World, parameter, world};

async fn refresh(world: &World, token: &str, more: &[(&str, &str)]) -> Answer {
    let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", token), ("scope", MAIL)];
    fields.extend_from_slice(more);
    world.token(&fields).await
}

async fn signed_in(world: &World) -> String {
    let answer = world.sign_in(SUPPORT, MAIL).await;
    answer.json["refresh_token"].as_str().unwrap_or_else(|| panic!("no token: {}", answer.text)).to_owned()
}

/// Each standing by its lever: error, code and suberror at the refresh, and the code on the page.
#[tokio::test]
async fn every_standing_has_its_code() {
    let world = world().await;
    let token = signed_in(&world).await;
    for (standing, error, code, suberror) in [
        (json!({"disabled": true}), "invalid_grant", 50_057, Value::Null),
        (json!({"at_risk": true}), "invalid_grant", 53_011, json!("message_only")),
        (json!({"blocked": true}), "invalid_grant", 53_003, json!("message_only")),
        (json!({"mfa": "required"}), "interaction_required", 50_076, json!("basic_action")),
        (json!({"mfa": "enroll"}), "interaction_required", 50_079, json!("basic_action")),
        (
            json!({"password_state": "expired_on_premises"}),
            "invalid_grant",
            50_144,
            json!("user_password_expired"),
        ),
        (json!({"device_deleted": true}), "invalid_grant", 700_003, json!("device_authentication_failed")),
    ] {
        let mut wish = standing.clone();
        wish["upn"] = SUPPORT.into();
        world.post_lever("/people", wish).await;
        let answer = refresh(&world, &token, &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{standing}: {}", answer.text);
        assert_eq!(answer.json["error"], error, "{standing}");
        assert_eq!(answer.json["error_codes"], json!([code]), "{standing}");
        assert_eq!(answer.json["suberror"], suberror, "{standing}");
        let has_claims = [50_076, 50_079, 53_003].contains(&code);
        assert_eq!(answer.json["claims"].is_string(), has_claims, "{standing}: {}", answer.text);
        assert_eq!(answer.json["password_change_url"].is_string(), code == 50_144, "{standing}");
        world.post_lever("/restore", json!({})).await;
        assert_eq!(refresh(&world, &token, &[]).await.status, StatusCode::OK, "{standing}");
    }
}

/// The policies of the tenant, likewise.
#[tokio::test]
async fn every_policy_has_its_code() {
    let world = world().await;
    let token = signed_in(&world).await;
    for (policy, error, code) in [
        (json!({"conditional_access": "block"}), "invalid_grant", 53_003),
        (json!({"conditional_access": "mfa"}), "interaction_required", 50_076),
        (json!({"conditional_access": "device"}), "interaction_required", 53_000),
        (json!({"security_defaults": true}), "interaction_required", 50_079),
        (json!({"cloud": "us_government"}), "invalid_request", 900_382),
    ] {
        world.post_lever("/policies", policy.clone()).await;
        let answer = refresh(&world, &token, &[]).await;
        assert_eq!(answer.json["error"], error, "{policy}: {}", answer.text);
        assert_eq!(answer.json["error_codes"], json!([code]), "{policy}");
        world.post_lever("/restore", json!({})).await;
    }
    world.post_lever("/policies", json!({"sign_in_frequency_seconds": 3600})).await;
    assert_eq!(refresh(&world, &token, &[]).await.status, StatusCode::OK);
    world.sim.clock().advance(SignedDuration::from_secs(3_601));
    let answer = refresh(&world, &token, &[]).await;
    assert_eq!(answer.json["error_codes"], json!([70_043]), "{}", answer.text);
    assert_eq!(answer.json["suberror"], "token_expired");
    let page = world.get_page(&world.authorize_url(&[])).await;
    assert!(page.text.contains("Enter password"), "the browser's session is too old too: {}", page.text);
}

/// The interactive sign-in satisfies what the refresh could not.
#[tokio::test]
async fn the_second_factor_satisfies_the_policy() {
    let world = world().await;
    let token = signed_in(&world).await;
    world.post_lever("/policies", json!({"conditional_access": "mfa"})).await;
    let claims = refresh(&world, &token, &[]).await.json["claims"].as_str().expect("claims").to_owned();
    let page = world.get_page(&world.authorize_url(&[("claims", &claims)])).await;
    assert!(page.text.contains("Approve sign in request"), "{}", page.text);
    let silent = world.get_page(&world.authorize_url(&[("prompt", "none")])).await;
    let to = url::Url::parse(silent.header("location")).expect("a redirect");
    assert_eq!(parameter(&to, "error").as_deref(), Some("interaction_required"));
    let done = world.step(&page, "mfa", &[("mfa", "approve")]).await;
    let to = url::Url::parse(done.header("location")).expect("a redirect");
    let answer = world.redeem(&parameter(&to, "code").expect("a code"), &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let token = answer.json["refresh_token"].as_str().expect("a token");
    assert_eq!(refresh(&world, token, &[]).await.status, StatusCode::OK);
}

/// An expired password is replaced on its page, and the old one is no good any more.
#[tokio::test]
async fn an_expired_password_is_replaced() {
    let world = world().await;
    let token = signed_in(&world).await;
    world.post_lever("/people", json!({"upn": SUPPORT, "password_state": "expired"})).await;
    assert_eq!(refresh(&world, &token, &[]).await.status, StatusCode::OK, "the refresh does not ask");
    *world.cookie.lock().expect("a lock") = None;
    let picker = world.get_page(&world.authorize_url(&[])).await;
    let password = world.step(&picker, "account", &[("account", SUPPORT)]).await;
    let expired = world.step(&password, "password", &[("passwd", "Password-1")]).await;
    assert!(expired.text.contains("AADSTS50055"), "{}", expired.text);
    let same = world.step(&expired, "update", &[("newpasswd", "Password-1")]).await;
    assert!(same.text.contains("not used before"), "{}", same.text);
    let done = world.step(&same, "update", &[("newpasswd", "Password-2")]).await;
    assert!(done.status.is_redirection(), "{}", done.text);
    *world.cookie.lock().expect("a lock") = None;
    let picker = world.get_page(&world.authorize_url(&[])).await;
    let password = world.step(&picker, "account", &[("account", SUPPORT)]).await;
    let old = world.step(&password, "password", &[("passwd", "Password-1")]).await;
    assert!(old.text.contains("AADSTS50126"), "{}", old.text);
}

/// A deleted device ends the browser's session with it; another session is let in.
#[tokio::test]
async fn a_deleted_device_needs_another_session() {
    let world = world().await;
    signed_in(&world).await;
    world.post_lever("/people", json!({"upn": SUPPORT, "device_deleted": true})).await;
    let page = world.get_page(&world.authorize_url(&[])).await;
    assert!(page.text.contains("AADSTS700003") && page.text.contains("Contoso"), "{}", page.text);
    world.sim.clock().advance(SignedDuration::from_secs(1));
    signed_in(&world).await;
}

/// Secrets: several at once, one that has ended, one that was removed.
#[tokio::test]
async fn secrets_come_and_go() {
    let world = world().await;
    let token = async |secret: &str| {
        let scope = ("scope", "https://graph.microsoft.com/.default");
        world.token(&[("grant_type", "client_credentials"), scope, ("client_secret", secret)]).await
    };
    let second =
        world.post_lever("/registrations/secrets", json!({"name": "next", "lasts_seconds": 60})).await;
    let text = second["client_secret"].as_str().expect("a secret").to_owned();
    assert_eq!(token(&text).await.status, StatusCode::OK);
    assert_eq!(token(&world.ready().client_secret).await.status, StatusCode::OK);
    world.sim.clock().advance(SignedDuration::from_secs(60));
    let ended = token(&text).await;
    assert_eq!((ended.status, &ended.json["error"]), (StatusCode::UNAUTHORIZED, &json!("invalid_client")));
    assert_eq!(ended.json["error_codes"], json!([7_000_222]));
    world.post_lever("/registrations/secrets", json!({"remove": second["key_id"]})).await;
    assert_eq!(token(&text).await.json["error_codes"], json!([7_000_215]));
}

/// Graph challenges a client that takes challenges: a refresh is enough, or a person has to come.
#[tokio::test]
async fn graph_challenges_clients_that_take_it() {
    let world = world().await;
    let cp1 = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;
    let to = world.walk(&world.authorize_url(&[("claims", cp1)]), SUPPORT).await;
    let answer = world.redeem(&parameter(&to, "code").expect("a code"), &[]).await;
    let text = |answer: &Answer, name: &str| answer.json[name].as_str().expect("a token").to_owned();
    let (access, token) = (text(&answer, "access_token"), text(&answer, "refresh_token"));
    let plain = text(&refresh(&world, &token, &[]).await, "access_token");

    world.post_lever("/challenge", json!({"upn": SUPPORT})).await;
    let refused = world.get(&access, "/me").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let header = refused.header("www-authenticate");
    assert!(header.contains("error=\"insufficient_claims\"") && header.contains("claims=\""), "{header}");
    assert_eq!(world.get(&plain, "/me").await.status, StatusCode::OK, "who did not opt in is not asked");
    world.sim.clock().advance(SignedDuration::from_secs(1));
    let again = text(&refresh(&world, &token, &[("claims", cp1)]).await, "access_token");
    assert_eq!(world.get(&again, "/me").await.status, StatusCode::OK);

    world.post_lever("/challenge", json!({"upn": SUPPORT, "needs_person": true})).await;
    assert_eq!(world.get(&again, "/me").await.status, StatusCode::UNAUTHORIZED);
    let refused = refresh(&world, &token, &[("claims", cp1)]).await;
    assert_eq!(refused.json["error"], "interaction_required", "{}", refused.text);
    let claims = refused.json["claims"].as_str().expect("claims").to_owned();
    world.sim.clock().advance(SignedDuration::from_secs(1));
    *world.cookie.lock().expect("a lock") = None;
    let picker = world.get_page(&world.authorize_url(&[("claims", &claims)])).await;
    let password = world.step(&picker, "account", &[("account", SUPPORT)]).await;
    let factor = world.step(&password, "password", &[("passwd", "Password-1")]).await;
    let done = world.step(&factor, "mfa", &[("mfa", "approve")]).await;
    let to = url::Url::parse(done.header("location")).expect("a redirect");
    let answer = world.redeem(&parameter(&to, "code").expect("a code"), &[("claims", cp1)]).await;
    let token = text(&answer, "refresh_token");
    assert_eq!(world.get(&text(&answer, "access_token"), "/me").await.status, StatusCode::OK);

    world.post_lever("/revoke", json!({"upn": SUPPORT})).await;
    let refused = world.get(&text(&answer, "access_token"), "/me").await;
    assert!(refused.header("www-authenticate").contains("insufficient_claims"));
    assert_eq!(refresh(&world, &token, &[("claims", cp1)]).await.json["error_codes"], json!([50_173]));
}

/// The same request again and again is told to be a loop.
#[tokio::test]
async fn a_loop_is_detected() {
    let world = world().await;
    let token = signed_in(&world).await;
    world.post_lever("/tokens", json!({"loop_after": 3})).await;
    for _ in 0..3 {
        assert_eq!(refresh(&world, &token, &[]).await.status, StatusCode::OK);
    }
    assert_eq!(refresh(&world, &token, &[]).await.json["error_codes"], json!([50_196]));
    world.sim.clock().advance(SignedDuration::from_mins(5));
    assert_eq!(refresh(&world, &token, &[]).await.status, StatusCode::OK);
}

/// A tenant of another cloud is told by discovery and refused at the sign-in; so is another cloud's resource.
#[tokio::test]
async fn other_clouds_are_told_apart() {
    let world = world().await;
    let scope = "https://graph.microsoft.us/Mail.ReadWrite";
    let answer = world.get_page(&world.authorize_url(&[("scope", scope)])).await;
    let to = url::Url::parse(answer.header("location")).expect("a redirect");
    assert!(parameter(&to, "error_description").is_some_and(|text| text.starts_with("AADSTS500011")));
    world.post_lever("/policies", json!({"cloud": "china"})).await;
    let base = format!("{}/{}", world.ready().entra, world.ready().tenant_id);
    let discovery = world.get_page(&format!("{base}/v2.0/.well-known/openid-configuration")).await;
    assert_eq!(discovery.json["cloud_instance_name"], "partner.microsoftonline.cn");
    assert!(world.get_page(&world.authorize_url(&[])).await.text.contains("AADSTS90038"));
}
