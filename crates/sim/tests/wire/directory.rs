//! The directory on Graph, rights on mailboxes, and subscriptions.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::post;
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::client::{SUPPORT, World, world};

const ADMIN: &str = "admin@contoso.test";

/// Each resource needs its own permission.
#[tokio::test]
async fn the_directory_needs_its_permissions() {
    let world = world().await;
    let client = world.ready().client_id.clone();
    let plain = world.access(ADMIN, "User.Read").await;
    let by_app_id = format!("/applications(appId='{client}')");
    let principal = format!("/servicePrincipals(appId='{client}')");
    for path in [by_app_id.as_str(), principal.as_str(), "/applications", "/oauth2PermissionGrants"] {
        let refused = world.get(&plain, path).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (403, "Authorization_RequestDenied"), "{path}");
    }
    let organization = world.get(&plain, "/organization").await;
    assert_eq!(organization.json["value"][0]["displayName"], "Contoso", "{}", organization.text);
    assert_eq!(organization.json["value"][0]["verifiedDomains"][0]["name"], "contoso.test");
    assert!(organization.json["value"][0]["tenantType"].is_null());

    let scope = "Application.Read.All DelegatedPermissionGrant.Read.All";
    let token = world.access(ADMIN, scope).await;
    let own = world.get(&token, &format!("{by_app_id}?$select=appId,passwordCredentials")).await;
    assert_eq!(own.status, StatusCode::OK, "{}", own.text);
    assert_eq!(own.json["appId"], client.as_str());
    assert!(own.json["displayName"].is_null(), "only what was selected");
    let ends = own.json["passwordCredentials"][0]["endDateTime"].as_str().expect("an end");
    assert!(ends.starts_with("2028-11-2"), "{ends}");
    assert!(own.json["passwordCredentials"][0]["secretText"].is_null());
    let filtered = world.get(&token, &format!("/servicePrincipals?$filter=appId eq '{client}'")).await;
    let object = filtered.json["value"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(world.get(&token, &principal).await.json["id"], object.as_str());
    let roles = world.get(&token, &format!("/servicePrincipals/{object}/appRoleAssignments")).await;
    let ids: Vec<&str> = roles.json["value"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|own| own["appRoleId"].as_str())
        .collect();
    assert!(ids.contains(&"e2a3a72e-5f79-4c64-b1b1-878b674786c9"), "{ids:?}");
    let grants = world.get(&token, &format!("/oauth2PermissionGrants?$filter=clientId eq '{object}'")).await;
    let all = grants.json["value"].as_array().expect("a list");
    assert!(all.iter().any(|own| own["consentType"] == "AllPrincipals" && own["scope"] == "User.Read"));
    assert!(all.iter().any(|own| own["consentType"] == "Principal" && own["principalId"].is_string()));
    assert_eq!(
        world.get(&token, "/applications/00000000-0000-0000-0000-000000000001").await.status.as_u16(),
        404
    );
}

/// Full access opens a shared mailbox; sending from it takes a right of its own.
#[tokio::test]
async fn rights_on_a_mailbox_are_told_apart() {
    let world = world().await;
    world.post_lever("/people", json!({"upn": SUPPORT, "disabled": true})).await;
    let bruno = world.access("bruno@contoso.test", "Mail.ReadWrite.Shared Mail.Send.Shared").await;
    let inbox = format!("/users/{SUPPORT}/mailFolders/inbox");
    assert_eq!(world.get(&bruno, &inbox).await.code(), "ErrorAccessDenied");
    let give = async |rights: &[&str], grant: bool| {
        let wish =
            json!({"mailbox": SUPPORT, "user": "bruno@contoso.test", "grant": grant, "rights": rights});
        world.post_lever("/delegates", wish).await
    };
    give(&["full_access"], true).await;
    assert_eq!(world.get(&bruno, &inbox).await.status, StatusCode::OK);
    let send = async || {
        let message = json!({"message": {"subject": "s", "body": {"contentType": "Text", "content": "x"},
            "from": {"emailAddress": {"address": SUPPORT}},
            "toRecipients": [{"emailAddress": {"address": "ada@customer.example"}}]}});
        world.graph(&bruno, Method::POST, &format!("/users/{SUPPORT}/sendMail"), Some(message)).await
    };
    assert_eq!(send().await.code(), "ErrorSendAsDenied");
    give(&["send_on_behalf"], true).await;
    assert_eq!(send().await.status, StatusCode::ACCEPTED);
    give(&["send_on_behalf"], false).await;
    give(&["send_as"], true).await;
    assert_eq!(send().await.status, StatusCode::ACCEPTED);
}

/// What listens for notices: it echoes tokens as told, and hands on what it gets.
struct Listener {
    url: String,
    got: mpsc::UnboundedReceiver<Value>,
    /// Statuses of the next answers; 202 when there is none.
    answers: Arc<Mutex<Vec<u16>>>,
}

#[derive(Clone)]
struct Ear {
    got: mpsc::UnboundedSender<Value>,
    answers: Arc<Mutex<Vec<u16>>>,
}

async fn hear(
    State(ear): State<Ear>,
    Query(query): Query<std::collections::HashMap<String, String>>,
    body: String,
) -> http::Response<String> {
    let reply = |status: u16, kind: &str, body: String| {
        http::Response::builder().status(status).header("content-type", kind).body(body).expect("an answer")
    };
    if let Some(token) = query.get("validationToken") {
        let echo = if query.contains_key("deaf") { "something else" } else { token };
        let kind = if query.contains_key("html") { "text/html" } else { "text/plain" };
        return reply(200, kind, echo.to_owned());
    }
    let status = ear.answers.lock().expect("a lock").pop().unwrap_or(202);
    if status < 300 {
        ear.got.send(serde_json::from_str(&body).expect("JSON")).ok();
    }
    reply(status, "text/plain", String::new())
}

impl Listener {
    async fn open() -> Self {
        let (sender, got) = mpsc::unbounded_channel();
        let answers = Arc::new(Mutex::new(Vec::new()));
        let ear = Ear { got: sender, answers: Arc::clone(&answers) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/notices", listener.local_addr().expect("an address"));
        let router = Router::new().route("/notices", post(hear)).with_state(ear);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, got, answers }
    }

    /// The next notice.
    async fn next(&mut self) -> Value {
        let waited = tokio::time::timeout(Duration::from_secs(20), self.got.recv()).await;
        waited.expect("a notice in time").expect("a notice")
    }
}

fn wish(world: &World, url: &str, resource: &str) -> Value {
    let ends = world.sim.clock().now().saturating_add(SignedDuration::from_hours(24)).expect("a time");
    json!({"changeType": "created", "notificationUrl": url, "lifecycleNotificationUrl": url, "resource": resource,
        "expirationDateTime": ends.to_string(), "clientState": "a secret", "latestSupportedTlsVersion": "v1_2"})
}

/// A subscription is made with a handshake, delivers new mail, is renewed and deleted.
#[tokio::test]
async fn new_mail_is_told() {
    let world = world().await;
    let mut listener = Listener::open().await;
    let token = world.access(SUPPORT, "Mail.ReadWrite").await;
    let resource = "me/mailFolders('inbox')/messages";
    let subscribe = async |wish: Value| world.graph(&token, Method::POST, "/subscriptions", Some(wish)).await;
    for bad in ["?deaf=1", "?html=1"] {
        let refused = subscribe(wish(&world, &format!("{}{bad}", listener.url), resource)).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "ValidationError"), "{bad}");
    }
    let plain = subscribe(wish(&world, "http://elsewhere.example/x", resource)).await;
    assert_eq!(plain.status.as_u16(), 400, "{}", plain.text);
    let mut long = wish(&world, &listener.url, resource);
    long["expirationDateTime"] = "2026-12-24T10:00:00Z".into();
    assert_eq!(subscribe(long).await.status.as_u16(), 400);

    let made = subscribe(wish(&world, &listener.url, resource)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let id = made.json["id"].as_str().expect("an id").to_owned();
    assert_eq!(made.json["applicationId"], world.ready().client_id.as_str());
    assert_eq!(subscribe(wish(&world, &listener.url, resource)).await.status.as_u16(), 409);

    // The first two answers ask for another try.
    listener.answers.lock().expect("a lock").extend([503, 500]);
    let mail = world.mail(SUPPORT, "told");
    let notice = listener.next().await;
    let item = &notice["value"][0];
    assert_eq!((&item["changeType"], &item["clientState"]), (&json!("created"), &json!("a secret")));
    assert_eq!(item["subscriptionId"], id.as_str());
    assert_eq!(item["tenantId"], world.ready().tenant_id.as_str());
    assert_eq!(item["resourceData"]["id"], mail.as_str());
    assert_eq!(item["resourceData"]["@odata.type"], "#Microsoft.Graph.Message");
    let path = format!("/{}", item["resource"].as_str().expect("a resource"));
    assert_eq!(world.get(&token, &path).await.json["subject"], "told");

    let one = format!("/subscriptions/{id}");
    let renewed = json!({"expirationDateTime": "2026-11-24T10:05:00Z"});
    let renewed = world.graph(&token, Method::PATCH, &one, Some(renewed)).await;
    assert_eq!(renewed.json["expirationDateTime"], "2026-11-24T10:45:00.0000000Z", "{}", renewed.text);
    world.sim.clock().advance(SignedDuration::from_mins(31));
    let event = &listener.next().await["value"][0];
    assert_eq!(event["lifecycleEvent"], "reauthorizationRequired");
    assert_eq!(event["clientState"], "a secret");
    let reauthorized = world.graph(&token, Method::POST, &format!("{one}/reauthorize"), None).await;
    assert_eq!(reauthorized.status, StatusCode::NO_CONTENT);
    world.post_lever("/subscriptions/lifecycle", json!({"event": "missed"})).await;
    assert_eq!(listener.next().await["value"][0]["lifecycleEvent"], "missed");
    assert_eq!(world.get(&token, "/subscriptions").await.json["value"].as_array().map(Vec::len), Some(1));
    world.sim.clock().advance(SignedDuration::from_mins(15));
    let fresh = world.access(SUPPORT, "Mail.ReadWrite").await;
    let over = world
        .graph(&fresh, Method::PATCH, &one, Some(json!({"expirationDateTime": "2026-11-24T12:00:00Z"})))
        .await;
    assert_eq!(over.status.as_u16(), 404, "a subscription that has ended is gone");
}

/// Nobody subscribes to a shared mailbox with delegated rights; an app does.
#[tokio::test]
async fn shared_mailboxes_take_an_app() {
    let world = world().await;
    let mut listener = Listener::open().await;
    let anna = world.access("anna@contoso.test", "Mail.ReadWrite.Shared").await;
    let resource = format!("users/{SUPPORT}/mailFolders('inbox')/messages");
    let body = wish(&world, &listener.url, &resource);
    let refused = world.graph(&anna, Method::POST, "/subscriptions", Some(body.clone())).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (403, "ExtensionError"), "{}", refused.text);
    let app = world.app_token().await;
    let made = world.graph(&app, Method::POST, "/subscriptions", Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    world.post_lever("/subscriptions/quirks", json!({"drop": true})).await;
    world.mail(SUPPORT, "dropped");
    let count = async |name: &str| {
        let all = world.lever(Method::GET, "/subscriptions", json!(null)).await;
        all[0][name].as_u64()
    };
    let dropped = async {
        while count("dropped").await != Some(1) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), dropped).await.expect("the notice is dropped in time");
    // A lifecycle notice goes out all the same.
    world.post_lever("/subscriptions/lifecycle", json!({"event": "missed"})).await;
    assert_eq!(listener.next().await["value"][0]["lifecycleEvent"], "missed");
    world.post_lever("/subscriptions/quirks", json!({"twice": true})).await;
    world.mail(SUPPORT, "told");
    let (first, second) = (listener.next().await, listener.next().await);
    assert_eq!(first, second);
    assert_eq!(first["value"].as_array().map(Vec::len), Some(1), "{first}");
    assert_eq!(count("failed").await, Some(0));
    world.post_lever("/subscriptions/lifecycle", json!({"event": "subscriptionRemoved"})).await;
    assert_eq!(listener.next().await["value"][0]["lifecycleEvent"], "subscriptionRemoved");
    assert_eq!(world.get(&app, "/subscriptions").await.json["value"], json!([]));
}
