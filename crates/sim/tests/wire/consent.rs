//! Consent: who may give it, who is asked in his place, and what an administrator sees and does.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Answer, MAIL, REDIRECT, SUPPORT, World, between, parameter, world};

const ADMIN: &str = "admin@contoso.test";

/// Signs in up to the page after the password.
async fn after_password(world: &World, url: &str, upn: &str) -> Answer {
    *world.cookie.lock().expect("a lock") = None;
    let picker = world.get_page(url).await;
    let password = world.step(&picker, "account", &[("account", upn)]).await;
    world.step(&password, "password", &[("passwd", "Password-1")]).await
}

fn returned(answer: &Answer) -> url::Url {
    url::Url::parse(answer.header("location")).unwrap_or_else(|_| panic!("no redirect: {}", answer.text))
}

fn description(to: &url::Url) -> String {
    parameter(to, "error_description").unwrap_or_default()
}

async fn enterprise(world: &World) -> Vec<Value> {
    let all = world.lever(Method::GET, "/enterprise-applications", json!(null)).await;
    all.as_array().expect("a list").clone()
}

/// The policies tell scopes apart: the managed one bars mail but not sending, none bars all.
#[tokio::test]
async fn policies_decide_who_consents() {
    let world = world().await;
    world.post_lever("/policies", json!({"user_consent": "managed"})).await;
    let sending = world.authorize_url(&[("scope", "openid profile offline_access User.Read Mail.Send")]);
    assert!(after_password(&world, &sending, SUPPORT).await.text.contains("Permissions requested"));
    let ews = world.authorize_url(&[("scope", "openid https://outlook.office365.com/EWS.AccessAsUser.All")]);
    assert!(after_password(&world, &ews, SUPPORT).await.text.contains("AADSTS90094"));
    world.post_lever("/policies", json!({"user_consent": "none"})).await;
    assert!(after_password(&world, &sending, SUPPORT).await.text.contains("AADSTS90094"));
}

/// With the workflow on, a user asks, an administrator approves on his page, and the user is in.
#[tokio::test]
async fn a_request_is_filed_and_approved() {
    let world = world().await;
    let policies =
        json!({"user_consent": "managed", "consent_requests": true, "reviewers": ["bruno@contoso.test"]});
    world.post_lever("/policies", policies).await;
    let page = after_password(&world, &world.authorize_url(&[]), SUPPORT).await;
    assert!(page.text.contains("AADSTS90095") && page.text.contains("Approval required"), "{}", page.text);
    let sent = world
        .step(&page, "consent", &[("decision", "request"), ("justification", "Mail of customers <b>")])
        .await;
    assert!(sent.text.contains("Request sent"), "{}", sent.text);
    let to = returned(&world.step(&sent, "consent", &[("decision", "back")]).await);
    assert!(to.as_str().starts_with(REDIRECT));
    assert_eq!(parameter(&to, "error").as_deref(), Some("access_denied"));
    assert!(description(&to).starts_with("AADSTS90095"));
    let filed = world.lever(Method::GET, "/consent-requests", json!(null)).await;
    assert_eq!((filed[0]["user"].as_str(), filed[0]["outcome"].as_str()), (Some(SUPPORT), Some("pending")));

    // A reviewer without a role that may consent sees the request and cannot decide it.
    let portal = format!("{}/portal/requests", world.ready().entra);
    let sign_in = async |upn: &str| {
        *world.cookie.lock().expect("a lock") = None;
        let picker = world.get_page(&portal).await;
        let step = async |page: &Answer, step: &str, fields: &[(&str, &str)]| {
            let flow = between(&page.text, "name=\"flow\" value=\"", "\"").expect("a flow").to_owned();
            let mut all = vec![("flow", flow.as_str())];
            all.extend_from_slice(fields);
            let url = format!("{}/organizations/login/{step}", world.ready().entra);
            let cookie = world.cookie.lock().expect("a lock").clone().unwrap_or_default();
            let request = world.http.post(url).header("cookie", cookie).form(&all);
            request.send().await.expect("an answer")
        };
        let password = step(&picker, "account", &[("account", upn)]).await;
        let text = password.text().await.expect("a page");
        let password =
            Answer { status: StatusCode::OK, headers: picker.headers.clone(), text, json: Value::Null };
        let done = step(&password, "password", &[("passwd", "Password-1")]).await;
        assert_eq!(done.status(), StatusCode::FOUND);
        world.get_page(&portal).await
    };
    let seen = sign_in("bruno@contoso.test").await;
    assert!(seen.text.contains("Mail of customers &lt;b&gt;"), "{}", seen.text);
    assert!(!seen.text.contains("value=\"approve\""));
    let seen = sign_in(ADMIN).await;
    let token = between(&seen.text, "name=\"token\" value=\"", "\"").expect("a token").to_owned();
    let cookie = world.cookie.lock().expect("a lock").clone().expect("a session");
    let decide = async |token: &str| {
        let fields = [("token", token), ("request", "1"), ("decision", "approve")];
        let request = world.http.post(&portal).header("cookie", &cookie).form(&fields);
        request.send().await.expect("an answer").status()
    };
    assert_eq!(decide("forged").await, StatusCode::FORBIDDEN);
    assert_eq!(decide(&token).await, StatusCode::FOUND);
    assert_eq!(decide(&token).await, StatusCode::FORBIDDEN, "a request is decided once");
    assert_eq!(world.sign_in(SUPPORT, MAIL).await.status, StatusCode::OK);
}

/// An administrator of another tenant consents to a multi-tenant app there; a single-tenant app does not exist there.
#[tokio::test]
async fn a_second_tenant_consents_for_itself() {
    let world = world().await;
    let tenants = world.lever(Method::GET, "/tenants", json!(null)).await;
    let fabrikam = tenants[1]["id"].as_str().expect("an id").to_owned();
    assert_eq!(enterprise(&world).await.len(), 1);
    let client = world.ready().client_id.clone();
    let link = |path: &str, tenant: &str, scope: &str| {
        let pairs =
            [("client_id", client.as_str()), ("redirect_uri", REDIRECT), ("state", "s"), ("scope", scope)];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("{}/{tenant}{path}?{query}", world.ready().entra)
    };
    let mail = "https://graph.microsoft.com/Mail.ReadWrite offline_access";
    let v2 = link("/v2.0/adminconsent", &fabrikam, mail);
    // Somebody else's administrator, and somebody who is none.
    let foreign = after_password(&world, &v2, ADMIN).await;
    assert!(foreign.text.contains("AADSTS50020"), "{}", foreign.text);
    assert!(after_password(&world, &v2, "felix@fabrikam.test").await.text.contains("AADSTS90094"));
    let consent = after_password(&world, &v2, "admin@fabrikam.test").await;
    assert!(consent.text.contains("for all users in your organization"), "{}", consent.text);
    let to = returned(&world.step(&consent, "consent", &[("decision", "accept")]).await);
    assert_eq!(parameter(&to, "admin_consent").as_deref(), Some("True"));
    assert_eq!(parameter(&to, "tenant").as_deref(), Some(fabrikam.as_str()));
    assert_eq!(parameter(&to, "state").as_deref(), Some("s"));
    let scope = parameter(&to, "scope");
    assert_eq!(scope.as_deref(), Some("https://graph.microsoft.com/Mail.ReadWrite"));
    let all = enterprise(&world).await;
    let made = all.iter().find(|own| own["tenant"] == fabrikam.as_str()).expect("an application");
    assert_eq!(made["consents"][0], json!({"user": null, "scopes": ["Mail.ReadWrite", "offline_access"]}));

    // The first version grants everything that is configured, application permissions too, and tells no scope.
    let v1 = link("/adminconsent", "organizations", "");
    let consent = after_password(&world, &v1, "admin@fabrikam.test").await;
    assert!(consent.text.contains("Read and write mail in all mailboxes"), "{}", consent.text);
    let to = returned(&world.step(&consent, "consent", &[("decision", "accept")]).await);
    assert_eq!((parameter(&to, "admin_consent").as_deref(), parameter(&to, "scope")), (Some("True"), None));
    assert!(world.get_page(&link("/v2.0/adminconsent", "common", mail)).await.text.contains("AADSTS90019"));

    let grant = [("grant_type", "client_credentials"), ("scope", "https://graph.microsoft.com/.default")];
    let url = format!("{}/{fabrikam}/oauth2/v2.0/token", world.ready().entra);
    let token = async || {
        let id = [("client_id", client.as_str()), ("client_secret", world.ready().client_secret.as_str())];
        let fields: Vec<_> = grant.into_iter().chain(id).collect();
        let answer = world.http.post(&url).form(&fields).send().await.expect("an answer");
        answer.json::<Value>().await.expect("JSON")
    };
    let app = token().await["access_token"].as_str().expect("a token").to_owned();
    let own = world.get(&app, "/users/felix@fabrikam.test/messages").await;
    assert_eq!(own.status, StatusCode::OK, "{}", own.text);
    assert_eq!(world.get(&app, &format!("/users/{SUPPORT}/messages")).await.code(), "ErrorInvalidUser");

    world.post_lever("/registrations", json!({"multi_tenant": false})).await;
    let error = token().await;
    assert_eq!(error["error_codes"][0], 700_016);
    assert!(error["error_description"].as_str().is_some_and(|text| text.contains("'Fabrikam'")));
}

/// A deleted enterprise application takes the grants along; a disabled one and a missing assignment keep people out.
#[tokio::test]
async fn enterprise_applications_rule_the_app() {
    let world = world().await;
    let first =
        world.sign_in(SUPPORT, MAIL).await.json["refresh_token"].as_str().expect("a token").to_owned();
    let refresh = async || {
        world.token(&[("grant_type", "refresh_token"), ("refresh_token", &first), ("scope", MAIL)]).await
    };
    let change = async |change: Value| world.post_lever("/enterprise-applications", change).await;
    change(json!({"enabled": false})).await;
    let answer = refresh().await;
    assert_eq!(
        (&answer.json["error"], &answer.json["error_codes"][0]),
        (&json!("unauthorized_client"), &json!(7_000_112))
    );
    change(json!({"enabled": true, "assignment_required": true})).await;
    assert_eq!(refresh().await.json["error_codes"][0], 50_105);
    let blocked = after_password(&world, &world.authorize_url(&[]), SUPPORT).await;
    assert!(blocked.text.contains("AADSTS50105"), "{}", blocked.text);
    change(json!({"assign": [SUPPORT]})).await;
    assert_eq!(refresh().await.status, StatusCode::OK);
    change(json!({"withdraw": ["Mail.ReadWrite"]})).await;
    assert_eq!(refresh().await.json["error_codes"][0], 65_001);
    change(json!({"delete": true})).await;
    assert_eq!(refresh().await.json["error_codes"][0], 700_016);
    assert_eq!(world.sign_in(SUPPORT, MAIL).await.status, StatusCode::OK, "a new consent makes it anew");
    assert_eq!(enterprise(&world).await.len(), 1);
}

/// A partial consent is told by the scopes of the answer, not by an error.
#[tokio::test]
async fn a_partial_consent_is_told_by_its_scopes() {
    let world = world().await;
    world.post_lever("/policies", json!({"withheld": ["Mail.Send"]})).await;
    let answer = world.sign_in(SUPPORT, MAIL).await;
    assert_eq!(answer.json["scope"], "User.Read Mail.ReadWrite openid profile", "{}", answer.text);
}

/// Application permissions of Graph need a higher role than delegated ones.
#[tokio::test]
async fn roles_limit_what_an_administrator_consents_to() {
    let world = world().await;
    let roles = json!({"upn": "anna@contoso.test", "roles": ["application_administrator"]});
    world.post_lever("/people", roles).await;
    let anna = after_password(&world, &world.authorize_url(&[]), "anna@contoso.test").await;
    assert!(anna.text.contains("consent_org"), "{}", anna.text);
    let all = world.authorize_url(&[]).replace("/oauth2/v2.0/authorize", "/adminconsent");
    assert!(after_password(&world, &all, "anna@contoso.test").await.text.contains("AADSTS90094"));
    world.post_lever("/people", json!({"upn": ADMIN, "roles": []})).await;
    let former = after_password(&world, &world.authorize_url(&[]), ADMIN).await;
    assert!(!former.text.contains("consent_org"), "{}", former.text);
}
