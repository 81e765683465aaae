use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use jiff::Timestamp;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::*;
use crate::testing::{Server, answered, client};

pub(super) const TENANT: &str = "6babcaad-604b-40ac-a9d7-9fd97c0b779f";
pub(super) const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
const NOW: i64 = 1_790_000_000;

static KEYS: LazyLock<[KeyPair; 2]> =
    LazyLock::new(|| [0, 1].map(|_| KeyPair::generate(KeySize::Rsa2048).expect("a key")));

fn jwk(key: &KeyPair, kid: &str) -> Value {
    // PKCS #1: SEQUENCE { INTEGER modulus (257 bytes with its sign), INTEGER 65537 }.
    let der = key.public_key().as_ref();
    json!({ "kty": "RSA", "use": "sig", "kid": kid, "n": URL_SAFE_NO_PAD.encode(&der[9..265]), "e": "AQAB" })
}

fn jwt(key: &KeyPair, header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{header}.{claims}");
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("signed");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn claims(login: &str) -> Value {
    json!({
        "aud": CLIENT, "iss": format!("{login}/{TENANT}/v2.0"), "tid": TENANT, "oid": "o-1", "sub": "s-1",
        "exp": NOW + 3_600, "nbf": NOW - 10, "nonce": "n-1", "preferred_username": "anna@contoso.test", "name": "Anna",
    })
}

pub(super) fn app(tenant: &str) -> Application {
    Application {
        client_id: CLIENT.to_owned(),
        credential: Credential::Secret(SecretString::from("s3cret value")),
        tenant: tenant.to_owned(),
        redirect_uri: "https://postroom.example.org/signin/return".parse().expect("a URL"),
    }
}

/// The keys that [`signed_id_token`] signs with, as a tenant publishes them.
pub(super) fn keys_of_tests() -> Value {
    json!({ "keys": [{ "kty": "EC", "kid": "ec" }, jwk(&KEYS[0], "k-0")] })
}

/// An id_token of that tenant.
pub(super) fn signed_id_token(login: &str, nonce: Option<&str>) -> String {
    let mut claims = claims(login);
    claims["nonce"] = nonce.map_or(Value::Null, |nonce| json!(nonce));
    jwt(&KEYS[0], &json!({ "alg": "RS256", "kid": "k-0" }), &claims)
}

pub(super) fn now() -> Timestamp {
    Timestamp::from_second(NOW).expect("a time")
}

/// A sign-in service that hands out this id_token.
async fn service(tenant: &'static str, token: impl Fn(&str) -> String + Send + Sync + 'static) -> Server {
    Server::start(move |asked, _| {
        let login = format!("http://{}", asked.header("host"));
        let issuer = if tenant == TENANT { TENANT } else { "{tenantid}" };
        let body = if asked.target.contains("openid-configuration") {
            json!({
                "issuer": format!("{login}/{issuer}/v2.0"),
                "authorization_endpoint": format!("{login}/{tenant}/oauth2/v2.0/authorize"),
                "token_endpoint": format!("{login}/{tenant}/oauth2/v2.0/token"),
                "jwks_uri": format!("{login}/{tenant}/discovery/v2.0/keys"),
            })
        } else if asked.target.contains("/keys") {
            keys_of_tests()
        } else {
            json!({
                "token_type": "Bearer", "scope": "openid profile Mail.ReadWrite", "expires_in": 3599,
                "access_token": "opaque", "refresh_token": "next", "id_token": token(&login),
            })
        };
        answered(200, &[], body.to_string())
    })
    .await
}

async fn sign_in(server: &Server, tenant: &str, nonce: &str) -> Result<Tokens, Fault> {
    let http = client();
    let discovery = discover(&http, &server.url, tenant).await?;
    let now = Timestamp::from_second(NOW).expect("a time");
    let scopes = ["openid", "profile", "offline_access", "Mail.ReadWrite"];
    let verifier = SecretString::from("the verifier");
    redeem(&http, &discovery, &app(tenant), "the code", &verifier, nonce, &scopes, now).await
}

#[test]
fn the_code_challenge_is_that_of_rfc_7636() {
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

#[tokio::test]
async fn a_sign_in_sends_what_the_flow_needs_and_learns_who_it_was() {
    let server =
        service("common", |login| jwt(&KEYS[0], &json!({ "alg": "RS256", "kid": "k-0" }), &claims(login)))
            .await;
    let tokens = sign_in(&server, "common", "n-1").await.expect("signed in");
    let id = tokens.id.expect("known");
    assert_eq!((id.tid.as_str(), id.oid.as_str(), id.sub.as_str()), (TENANT, "o-1", "s-1"));
    assert_eq!(id.preferred_username.as_deref(), Some("anna@contoso.test"));
    assert_eq!(id.is_administrator(), None, "the token does not tell roles");
    assert_eq!(tokens.expires_in, Duration::from_secs(3_599));
    assert_eq!(tokens.refresh.as_ref().map(ExposeSecret::expose_secret), Some("next"));
    assert_eq!(tokens.scopes, ["openid", "profile", "Mail.ReadWrite"]);

    let asked = server.asked();
    assert_eq!(asked[0].target, "/common/v2.0/.well-known/openid-configuration");
    let form: Vec<(String, String)> =
        url::form_urlencoded::parse(asked[1].body.as_bytes()).into_owned().collect();
    let told = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(told("grant_type"), Some("authorization_code"));
    assert_eq!(told("client_secret"), Some("s3cret value"));
    assert_eq!(told("code_verifier"), Some("the verifier"));
    assert_eq!(told("redirect_uri"), Some("https://postroom.example.org/signin/return"));
    assert_eq!(told("scope"), Some("openid profile offline_access Mail.ReadWrite"));
    assert_eq!(told("claims"), Some(CONTINUOUS_ACCESS));
}

#[tokio::test]
async fn an_id_token_that_is_not_what_it_should_be_is_refused() {
    type Change = fn(&mut Value);
    let wrong: &[(&str, Change)] = &[
        ("another application", |claims| claims["aud"] = json!("99999999-2222-3333-4444-555555555555")),
        ("several audiences", |claims| claims["aud"] = json!([CLIENT, "x"])),
        ("another issuer", |claims| claims["iss"] = json!("https://evil.test/v2.0")),
        ("another tenant in the issuer", |claims| {
            claims["tid"] = json!("00000000-604b-40ac-a9d7-9fd97c0b779f");
        }),
        ("no tenant", |claims| claims["tid"] = Value::Null),
        ("another nonce", |claims| claims["nonce"] = json!("n-2")),
        ("no nonce", |claims| claims["nonce"] = Value::Null),
        ("expired", |claims| claims["exp"] = json!(NOW - 121)),
        ("not yet valid", |claims| claims["nbf"] = json!(NOW + 121)),
        ("an absurd time", |claims| claims["exp"] = json!(i64::MAX)),
        ("no account", |claims| claims["oid"] = Value::Null),
    ];
    for (what, change) in wrong {
        let change = *change;
        let server = service(TENANT, move |login| {
            let mut claims = claims(login);
            change(&mut claims);
            jwt(&KEYS[0], &json!({ "alg": "RS256", "kid": "k-0" }), &claims)
        })
        .await;
        let fault = sign_in(&server, TENANT, "n-1").await.expect_err(what);
        assert_eq!(fault.entry.id, "entra.id_token", "{what}: {}", fault.detail);
    }
}

#[tokio::test]
async fn a_signature_that_is_not_the_tenants_is_refused() {
    type Make = fn(&str) -> String;
    let wrong: &[(&str, Make)] = &[
        ("another key under the same name", |login| {
            jwt(&KEYS[1], &json!({ "alg": "RS256", "kid": "k-0" }), &claims(login))
        }),
        ("a key that is not there", |login| {
            jwt(&KEYS[1], &json!({ "alg": "RS256", "kid": "k-9" }), &claims(login))
        }),
        ("a key of another kind", |login| {
            jwt(&KEYS[0], &json!({ "alg": "RS256", "kid": "ec" }), &claims(login))
        }),
        ("no key named", |login| jwt(&KEYS[0], &json!({ "alg": "RS256" }), &claims(login))),
        ("no signature", |login| {
            let [head, body] = [json!({ "alg": "none", "kid": "k-0" }), claims(login)]
                .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
            format!("{head}.{body}.")
        }),
        ("a shared secret", |login| jwt(&KEYS[0], &json!({ "alg": "HS256", "kid": "k-0" }), &claims(login))),
        ("changed claims", |login| {
            let token = jwt(&KEYS[0], &json!({ "alg": "RS256", "kid": "k-0" }), &claims(login));
            let mut other = claims(login);
            other["oid"] = json!("o-2");
            let parts: Vec<&str> = token.split('.').collect();
            format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(other.to_string()), parts[2])
        }),
        ("no token at all", |_| "x".to_owned()),
    ];
    for (what, make) in wrong {
        let server = service(TENANT, *make).await;
        let fault = sign_in(&server, TENANT, "n-1").await.expect_err(what);
        assert_eq!(fault.entry.id, "entra.id_token", "{what}: {}", fault.detail);
    }
}

#[tokio::test]
async fn a_new_key_is_fetched_once() {
    let fetched = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&fetched);
    let server = Server::start(move |asked, _| {
        let login = format!("http://{}", asked.header("host"));
        let body = if asked.target.contains("openid-configuration") {
            json!({
                "issuer": format!("{login}/{TENANT}/v2.0"), "authorization_endpoint": format!("{login}/a"),
                "token_endpoint": format!("{login}/token"), "jwks_uri": format!("{login}/keys"),
            })
        } else if asked.target == "/keys" {
            // The key is rolled over between the first and the second look.
            let number = counter.fetch_add(1, Ordering::SeqCst).min(1);
            json!({ "keys": [jwk(&KEYS[number], &format!("k-{number}"))] })
        } else {
            let id_token = jwt(&KEYS[1], &json!({ "alg": "RS256", "kid": "k-1" }), &claims(&login));
            json!({ "access_token": "a", "expires_in": "3599", "id_token": id_token })
        };
        answered(200, &[], body.to_string())
    })
    .await;
    let tokens = sign_in(&server, TENANT, "n-1").await.expect("signed in");
    assert_eq!(fetched.load(Ordering::SeqCst), 2);
    assert_eq!(tokens.expires_in, Duration::from_secs(3_599), "a number written as text");
}

#[tokio::test]
async fn the_tenant_of_the_registration_must_be_that_of_the_account() {
    let server = service("organizations", |login| {
        let mut claims = claims(login);
        let consumers = "9188040d-6c67-4c5b-b112-36a304b66dad";
        claims["tid"] = json!(consumers);
        claims["iss"] = json!(format!("{login}/{consumers}/v2.0"));
        jwt(&KEYS[0], &json!({ "alg": "RS256", "kid": "k-0" }), &claims)
    })
    .await;
    let fault = sign_in(&server, "organizations", "n-1").await.expect_err("a personal account");
    assert_eq!(fault.entry.id, "entra.id_token");
}

#[tokio::test]
async fn a_refusal_is_told_by_its_number_and_without_secrets() {
    let server = Server::start(|asked, _| {
        let login = format!("http://{}", asked.header("host"));
        if asked.target.contains("openid-configuration") {
            return answered(200, &[], json!({
                "issuer": format!("{login}/{TENANT}/v2.0"), "authorization_endpoint": format!("{login}/a"),
                "token_endpoint": format!("{login}/token"), "jwks_uri": format!("{login}/keys"),
            }).to_string());
        }
        answered(400, &[], json!({
            "error": "invalid_grant", "error_codes": [50173], "trace_id": "t-1", "correlation_id": "c-1",
            "error_description": "AADSTS50173: The provided grant has expired due to it being revoked. refresh_token=canary",
        }).to_string())
    })
    .await;
    let http = client();
    let discovery = discover(&http, &server.url, TENANT).await.expect("found");
    let old = SecretString::from("canary-refresh-token");
    let fault = refresh(&http, &discovery, &app(TENANT), &old, &["Mail.ReadWrite"], now())
        .await
        .expect_err("revoked");
    assert_eq!((fault.entry.id, fault.code.as_str()), ("entra.grant_revoked", "AADSTS50173"));
    assert_eq!((fault.ids.trace.as_deref(), fault.ids.correlation.as_deref()), (Some("t-1"), Some("c-1")));
    assert!(!format!("{fault:?}").contains("canary"), "{fault:?}");
    assert_eq!(server.asked().len(), 2, "what will not pass is not tried again");
}

#[tokio::test]
async fn a_refresh_is_tried_again_where_the_fault_passes_and_a_code_only_where_it_was_not_looked_at() {
    for (status, refreshes, redeems) in [(503, true, true), (500, true, false), (429, true, true)] {
        let server = Server::start(move |asked, before| {
            let login = format!("http://{}", asked.header("host"));
            if asked.target.contains("openid-configuration") {
                return answered(200, &[], json!({
                    "issuer": format!("{login}/{TENANT}/v2.0"), "authorization_endpoint": format!("{login}/a"),
                    "token_endpoint": format!("{login}/token"), "jwks_uri": format!("{login}/keys"),
                }).to_string());
            }
            if before == 1 {
                return answered(status, &[("retry-after", "0")], "");
            }
            answered(200, &[], r#"{"access_token":"a","refresh_token":"r2","expires_in":60}"#)
        })
        .await;
        let http = client();
        let discovery = discover(&http, &server.url, TENANT).await.expect("found");
        let result = if refreshes && status != 500 && redeems {
            // The answer has no id_token: seeing that fault means that the second try came through.
            let verifier = SecretString::from("v");
            let now = Timestamp::from_second(NOW).expect("a time");
            redeem(&http, &discovery, &app(TENANT), "c", &verifier, "n", &["openid"], now).await.map(|_| ())
        } else {
            let old = SecretString::from("r1");
            let tokens = refresh(&http, &discovery, &app(TENANT), &old, &["Mail.ReadWrite"], now()).await;
            tokens.map(|tokens| assert_eq!(tokens.scopes, ["Mail.ReadWrite"]))
        };
        match result {
            Ok(()) => assert_eq!(status, 500),
            Err(fault) => assert_eq!(fault.entry.id, "entra.id_token", "{status}"),
        }
        assert_eq!(server.asked().len(), 3, "{status}");
    }
}

fn begun(hint: Option<Hint>, claims: Option<&str>, seed: u64) -> (Begun, Vec<(String, String)>) {
    let discovery = discovery::for_tests("https://login.microsoftonline.com", "common");
    let mut rng = StdRng::seed_from_u64(seed);
    let begun =
        begin_with_claims(&discovery, &app("common"), &["openid", "Mail.ReadWrite"], hint, claims, &mut rng);
    let query = begun.url.query_pairs().into_owned().collect();
    (begun, query)
}

#[test]
fn the_address_to_sign_in_at_carries_proof_and_one_kind_of_hint() {
    let told = |query: &[(String, String)], name: &str| {
        query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    };
    let (one, query) = begun(Some(Hint::SelectAccount), None, 1);
    assert_eq!(told(&query, "state").as_deref(), Some(one.state.as_str()));
    assert_eq!(told(&query, "nonce").as_deref(), Some(one.nonce.as_str()));
    assert_eq!(told(&query, "code_challenge"), Some(challenge(one.verifier.expose_secret())));
    assert_eq!(told(&query, "code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(told(&query, "scope").as_deref(), Some("openid Mail.ReadWrite"));
    assert_eq!(
        (told(&query, "prompt").as_deref(), told(&query, "login_hint")),
        (Some("select_account"), None)
    );
    assert!((43..=128).contains(&one.verifier.expose_secret().len()), "RFC 7636 §4.1");
    assert!(!one.url.as_str().contains(one.verifier.expose_secret()));
    assert_eq!(told(&query, "claims").as_deref(), Some(CONTINUOUS_ACCESS), "each sign-in opts in");

    let asked = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;
    let (other, query) = begun(Some(Hint::LoginHint("anna@contoso.test".into())), Some(asked), 2);
    assert_eq!(
        (told(&query, "prompt"), told(&query, "login_hint").as_deref()),
        (None, Some("anna@contoso.test"))
    );
    let claims: Value = serde_json::from_str(&told(&query, "claims").expect("claims")).expect("JSON");
    assert_eq!(claims["access_token"]["nbf"]["value"], "1");
    assert_eq!(claims["access_token"]["xms_cc"]["values"], json!(["cp1"]));
    assert_ne!((one.state, one.nonce), (other.state, other.nonce));
}

#[test]
fn scopes_are_compared_without_letter_case_and_resource() {
    let granted = ["https://graph.microsoft.com/mail.readwrite".to_owned(), "User.Read".to_owned()];
    let asked = ["openid", "profile", "offline_access", "Mail.ReadWrite", "user.read", "Mail.Send"];
    assert_eq!(missing_scopes(&asked, &granted), ["Mail.Send"]);
    assert!(missing_scopes(&["https://graph.microsoft.com/.default"], &[]).is_empty());
    assert_eq!(missing_scopes(&["https://outlook.office365.com/EWS.AccessAsUser.All"], &granted).len(), 1);
}

#[test]
fn nothing_secret_is_shown() {
    let (begun, _) = begun(None, None, 3);
    let shown = format!("{begun:?} {:?}", app("common"));
    for secret in [begun.verifier.expose_secret(), begun.state.as_str(), begun.nonce.as_str(), "s3cret"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

/// Promise: an administrator is known by a role that can consent for the tenant, not by any role.
#[tokio::test]
async fn an_administrator_is_known_by_the_roles_of_the_token() {
    const EVERYBODY: &str = "b79fbf4d-3ef9-4689-8143-76b194e85509";
    const EXCHANGE: &str = "29232cdf-9323-42fd-ade2-1d097af3e4de";
    const CLOUD_APPLICATION: &str = "158C047A-c907-4556-b7ef-446551a6b5f7";
    for (roles, expected) in [
        (json!([EVERYBODY]), Some(false)),
        (json!([EVERYBODY, EXCHANGE]), Some(false)),
        (json!([EVERYBODY, CLOUD_APPLICATION]), Some(true)),
        (Value::Null, None),
    ] {
        let server = service("common", move |login| {
            let mut claims = claims(login);
            claims["wids"] = roles.clone();
            jwt(&KEYS[0], &json!({ "alg": "RS256", "kid": "k-0" }), &claims)
        })
        .await;
        let id = sign_in(&server, "common", "n-1").await.expect("signed in").id.expect("known");
        assert_eq!(id.is_administrator(), expected, "{:?}", id.directory_roles);
    }
}
