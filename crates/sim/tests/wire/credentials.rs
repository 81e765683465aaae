//! Credentials other than a secret, the device code flow, and fences around an app's mailboxes.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::{Answer, MAIL, SUPPORT, World, begin, between, world};

const GRAPH: &str = "https://graph.microsoft.com/.default";

/// A key and its certificate.
struct Own {
    key: KeyPair,
    pem: String,
    der: Vec<u8>,
}

impl Own {
    fn made() -> Self {
        let key = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der: Pkcs8V1Der<'_> = key.as_der().expect("DER");
        let for_certificate = rcgen::KeyPair::try_from(der.as_ref()).expect("an RSA key");
        let mut params = rcgen::CertificateParams::new(vec!["postroom.example".to_owned()]).expect("names");
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        let certificate = params.self_signed(&for_certificate).expect("signed");
        Self { key, pem: certificate.pem(), der: certificate.der().to_vec() }
    }

    fn sign(&self, head: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(head), part(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        let done = if head["alg"] == "PS256" {
            self.key.sign(&RSA_PSS_SHA256, &random, signed.as_bytes(), &mut signature)
        } else {
            self.key.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature)
        };
        done.expect("signed");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn head(&self) -> Value {
        let print = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.der);
        json!({"alg": "PS256", "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(print)})
    }
}

fn claims(world: &World, id: &str) -> Value {
    let now = world.sim.clock().now().as_second();
    let audience = format!("{}/{}/oauth2/v2.0/token", world.ready().entra, world.ready().tenant_id);
    json!({"aud": audience, "iss": world.ready().client_id, "sub": world.ready().client_id, "jti": id,
        "nbf": now, "iat": now, "exp": now + 600})
}

async fn ask(world: &World, assertion: &str) -> Answer {
    world
        .token(&[
            ("grant_type", "client_credentials"),
            ("scope", GRAPH),
            ("client_secret", ""),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
        ])
        .await
}

fn code(answer: &Answer) -> i64 {
    answer.json["error_codes"][0].as_i64().unwrap_or(0)
}

/// An assertion counts with its certificate, for its audience, in its time, and where wished once.
#[tokio::test]
async fn an_assertion_is_judged() {
    let world = world().await;
    let own = Own::made();
    let good = own.sign(&own.head(), &claims(&world, "1"));
    assert_eq!(code(&ask(&world, &good).await), 700_027, "the certificate is not registered yet");
    let made = world.post_lever("/registrations/certificates", json!({"pem": own.pem})).await;
    assert_eq!(made["ends"], "2027-01-01T00:00:00Z");
    let answer = ask(&world, &good).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);

    let print = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &own.der);
    let older = json!({"alg": "RS256", "typ": "JWT", "x5t": URL_SAFE.encode(print)});
    assert_eq!(ask(&world, &own.sign(&older, &claims(&world, "2"))).await.status, StatusCode::OK);

    let stranger = Own::made();
    let forged = stranger.sign(&own.head(), &claims(&world, "3"));
    assert_eq!(code(&ask(&world, &forged).await), 700_027);
    let changed = |name: &str, value: Value| {
        let mut all = claims(&world, "4");
        all[name] = value;
        own.sign(&own.head(), &all)
    };
    let now = begin().as_second();
    for (assertion, wanted) in [
        (changed("aud", json!("https://login.microsoftonline.com/x/oauth2/v2.0/token")), 700_023),
        (changed("sub", json!("00000000-0000-0000-0000-000000000001")), 700_021),
        (changed("exp", json!(now + 3_600)), 700_024),
        (changed("exp", json!(now - 301)), 700_024),
        (changed("nbf", json!(now + 400)), 700_024),
        (changed("jti", json!(null)), 50_027),
        ("no.jwt".to_owned(), 50_027),
    ] {
        let answer = ask(&world, &assertion).await;
        assert_eq!(code(&answer), wanted, "{}", answer.text);
    }
    world.post_lever("/registrations", json!({"single_assertions": true})).await;
    assert_eq!(ask(&world, &good).await.status, StatusCode::OK, "the first use since");
    assert_eq!(code(&ask(&world, &good).await), 50_013);
    world.sim.clock().advance(SignedDuration::from_hours(24 * 60));
    let late = ask(&world, &own.sign(&own.head(), &claims(&world, "5"))).await;
    assert_eq!(code(&late), 700_027);
    assert!(late.text.contains("The key used is expired"), "{}", late.text);
    world.post_lever("/registrations/certificates", json!({"remove": made["key_id"]})).await;
}

async fn post(world: &World, url: &str, fields: &[(&str, &str)]) -> Answer {
    let response = world.http.post(url).form(fields).send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.expect("a body");
    let json = serde_json::from_str(&text).unwrap_or_default();
    Answer { status, headers, text, json }
}

/// Codes for a device, and the poll of it.
async fn device(world: &World) -> (String, String) {
    let url = format!("{}/{}/oauth2/v2.0/devicecode", world.ready().entra, world.ready().tenant_id);
    let answer = post(world, &url, &[("client_id", &world.ready().client_id), ("scope", MAIL)]).await;
    assert_eq!((&answer.json["expires_in"], &answer.json["interval"]), (&json!(900), &json!(5)));
    assert!(answer.json["message"].as_str().is_some_and(|text| text.contains("/devicelogin")));
    let text = |name: &str| answer.json[name].as_str().expect("a text").to_owned();
    (text("device_code"), text("user_code"))
}

async fn poll(world: &World, code: &str) -> Answer {
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    world.token(&[("grant_type", grant), ("device_code", code)]).await
}

/// Enters the user code and walks up to the last question.
async fn walk(world: &World, user_code: &str) -> Answer {
    let cookies = std::cell::RefCell::new(String::new());
    let send = async |url: String, fields: &[(&str, &str)]| {
        let request = world.http.post(url).header("cookie", cookies.borrow().as_str()).form(fields);
        let response = request.send().await.expect("an answer");
        if let Some(cookie) = response.headers().get("set-cookie").and_then(|value| value.to_str().ok()) {
            let pair = cookie.split(';').next().unwrap_or_default().to_owned();
            cookies.replace(pair);
        }
        response.text().await.expect("a page")
    };
    let mut text = send(format!("{}/devicelogin", world.ready().entra), &[("otc", user_code)]).await;
    for _ in 0..4 {
        let Some(flow) = between(&text, "name=\"flow\" value=\"", "\"").map(str::to_owned) else { break };
        let action = between(&text, "action=\"", "\"").expect("an address").to_owned();
        if action.ends_with("/login/device") {
            break;
        }
        let field = match action.rsplit('/').next() {
            Some("account") => ("account", SUPPORT),
            Some("password") => ("passwd", "Password-1"),
            _ => ("decision", "accept"),
        };
        text = send(format!("{}{action}", world.ready().entra), &[("flow", flow.as_str()), field]).await;
    }
    *world.cookie.lock().expect("a lock") = Some(cookies.borrow().clone());
    let headers = reqwest::header::HeaderMap::new();
    Answer { status: StatusCode::OK, headers, text, json: Value::Null }
}

/// The device waits, is told to slow down, and gets tokens once.
#[tokio::test]
async fn a_device_signs_in() {
    let world = world().await;
    let (code, user_code) = device(&world).await;
    let waiting = poll(&world, &code).await;
    assert_eq!((waiting.status.as_u16(), &waiting.json["error"]), (400, &json!("authorization_pending")));
    assert_eq!(poll(&world, &code).await.json["error"], "slow_down");
    world.sim.clock().advance(SignedDuration::from_secs(5));
    assert_eq!(poll(&world, &code).await.json["error"], "authorization_pending");
    assert!(walk(&world, "WRONGCODE").await.text.contains("AADSTS70018"));
    let question = walk(&world, &user_code.to_ascii_lowercase()).await;
    assert!(question.text.contains("Are you trying to sign in to Postroom?"), "{}", question.text);
    let done = world.step(&question, "device", &[("decision", "continue")]).await;
    assert!(done.text.contains("You have signed in to the Postroom application"), "{}", done.text);
    let answer = poll(&world, &code).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(answer.json["refresh_token"].is_string() && answer.json["id_token"].is_string());
    assert_eq!(poll(&world, &code).await.json["error"], "bad_verification_code");
}

/// A device is declined, too late, or barred by the tenant's policy.
#[tokio::test]
async fn a_device_is_kept_out() {
    let world = world().await;
    let (code, user_code) = device(&world).await;
    let question = walk(&world, &user_code).await;
    world.step(&question, "device", &[("decision", "cancel")]).await;
    assert_eq!(poll(&world, &code).await.json["error"], "authorization_declined");
    let (code, user_code) = device(&world).await;
    world.post_lever("/policies", json!({"blocks_device_code": true})).await;
    assert!(walk(&world, &user_code).await.text.contains("AADSTS53003"));
    assert_eq!(poll(&world, &code).await.json["error"], "authorization_pending");
    world.sim.clock().advance(SignedDuration::from_secs(901));
    let late = poll(&world, &code).await;
    assert_eq!((&late.json["error"], code_of(&late)), (&json!("expired_token"), 70_019));
}

fn code_of(answer: &Answer) -> i64 {
    code(answer)
}

/// A client without credentials is let in by the device code flow only where that is allowed.
#[tokio::test]
async fn public_flows_need_their_switch() {
    let world = world().await;
    let (code, user_code) = device(&world).await;
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let fields = [("grant_type", grant), ("device_code", code.as_str()), ("client_secret", "")];
    assert_eq!(code_of(&world.token(&fields).await), 7_000_218);
    world.post_lever("/registrations", json!({"public_flows": true})).await;
    let question = walk(&world, &user_code).await;
    world.step(&question, "device", &[("decision", "continue")]).await;
    assert_eq!(world.token(&fields).await.status, StatusCode::OK);
    world.post_lever("/registrations", json!({"secrets": []})).await;
    assert_eq!(
        code_of(&world.token(&[("grant_type", "refresh_token"), ("refresh_token", "x")]).await),
        700_025
    );
}

/// A fence: the policy is felt after its lag, and says so in its own words; Exchange's own grants are added.
#[tokio::test]
async fn fences_keep_an_app_to_its_mailboxes() {
    let world = world().await;
    let app = world.app_token().await;
    let read = async |upn: &str| {
        let answer = world.get(&app, &format!("/users/{upn}/messages")).await;
        let message = answer.json["error"]["message"].as_str().unwrap_or_default().to_owned();
        (answer.status.as_u16(), answer.code().to_owned(), message)
    };
    let billing = "billing@contoso.test";
    let policy = json!({"kind": "restrict_access", "mailboxes": [SUPPORT], "lag_seconds": 3600});
    world.post_lever("/fences", policy).await;
    assert_eq!(read(billing).await.0, 200, "the lag");
    world.sim.clock().advance(SignedDuration::from_secs(3_590));
    let app = world.app_token().await;
    world.sim.clock().advance(SignedDuration::from_secs(10));
    let read = async |upn: &str| {
        let answer = world.get(&app, &format!("/users/{upn}/messages")).await;
        let message = answer.json["error"]["message"].as_str().unwrap_or_default().to_owned();
        (answer.status.as_u16(), answer.code().to_owned(), message)
    };
    assert_eq!(read(SUPPORT).await.0, 200);
    let refused = read(billing).await;
    assert_eq!(refused, (403, "ErrorAccessDenied".to_owned(), "Access to OData is disabled.".to_owned()));
    let role = json!({"kind": "rbac", "roles": ["Application Mail.ReadWrite"], "mailboxes": [billing]});
    world.post_lever("/fences", role).await;
    assert_eq!(read(billing).await.0, 200, "Exchange's own grant is not restricted by the policy");

    world.post_lever("/restore", json!({})).await;
    world.post_lever("/enterprise-applications", json!({"roles": []})).await;
    let role = json!({"kind": "rbac", "roles": ["Application Mail.ReadWrite"], "mailboxes": [SUPPORT]});
    world.post_lever("/fences", role).await;
    let app = world.app_token().await;
    assert_eq!(world.get(&app, &format!("/users/{SUPPORT}/messages")).await.status, StatusCode::OK);
    let outside = world.get(&app, &format!("/users/{billing}/messages")).await;
    assert_eq!((outside.status.as_u16(), outside.code()), (403, "ErrorAccessDenied"));
    assert!(outside.text.contains("Access is denied"), "{}", outside.text);
}
