//! The control address: levers for tests, demos and rehearsals. It has no protection; it listens on loopback.
//!
//! - `POST /faults` a [`Rule`], `GET /faults`, `DELETE /faults`, `DELETE /faults/{id}`
//! - `POST /mailboxes/{upn}/messages?folder=&received_at=&read=&sender=internal|pass|fail` raw mail → ids;
//!   `GET /mailboxes/{upn}/messages` the ground truth; `GET /sent-outside` what left the tenant
//! - `POST /delta/reset {"mailbox"?}`; `POST /delta/quirks {"empty_pages","repeated_items"}`
//! - `POST /revoke {"upn","access_tokens"?}`, `POST /refuse {"upn"?,"code","suberror"?,"claims"?}`, `POST /restore`
//! - `POST /consent {"user_consent":"allowed"|"barred"}`, `DELETE /consents`
//! - `POST /tokens {"lifetime_seconds"?,"expire"?}`; `POST /delegates {"mailbox","user","grant"}`
//! - `POST /registrations/redirect-uris {"uri"}`, `POST /registrations {"multi_tenant"?,"disabled"?,"secrets"?,"roles"?}`
//! - `GET /clock`, `POST /clock {"advance_seconds"}`; `GET /counters`, `DELETE /counters`
//! - `POST /latency {"ms"}`, `POST /quotas {"enforce"}`, `POST /shutdown`, `GET /ready`
//! - `/jira/…` see [`crate::jira::control_router`]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::routing::{delete, get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Ready;
use crate::core::Core;
use crate::entra::EntraState;
use crate::entra::errors::TokenError;
use crate::exchange::Exchange;
use crate::exchange::ids;
use crate::exchange::mailbox::Message;
use crate::exchange::transport::{Delivery, Sender};
use crate::faults::Rule;
use crate::graph::{GraphState, Quirks};
use crate::jira::JiraState;

/// What the levers move.
pub(crate) struct Control {
    pub(crate) core: Arc<Core>,
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) entra: Arc<EntraState>,
    pub(crate) graph: Arc<GraphState>,
    pub(crate) jira: Arc<JiraState>,
    pub(crate) ready: Ready,
}

type At = State<Arc<Control>>;
type Answer = Result<Response<Body>, Refusal>;

/// What is wrong with a request, in words.
struct Refusal(StatusCode, String);

impl axum::response::IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        json_answer(self.0, &json!({"error": self.1}))
    }
}

fn refuse<T>(status: StatusCode, text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(status, text.into()))
}

fn json_answer(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn done() -> Response<Body> {
    json_answer(StatusCode::OK, &json!({}))
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    let text: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(text).map_err(|error| {
        Refusal(StatusCode::BAD_REQUEST, format!("the body is not what is expected here: {error}"))
    })
}

/// The service.
pub(crate) fn router(control: Arc<Control>) -> Router {
    let jira = crate::jira::control_router(Arc::clone(&control.jira));
    Router::new()
        .route("/", get(ready))
        .route("/ready", get(ready))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/faults/{id}", delete(remove_fault))
        .route("/mailboxes/{upn}/messages", get(messages).post(deliver))
        .route("/sent-outside", get(sent_outside))
        .route("/delta/reset", post(reset_delta))
        .route("/delta/quirks", post(set_quirks))
        .route("/revoke", post(revoke))
        .route("/refuse", post(refuse_user))
        .route("/restore", post(restore))
        .route("/consent", post(set_consent))
        .route("/consents", delete(forget_consents))
        .route("/tokens", post(set_tokens))
        .route("/delegates", post(delegate))
        .route("/registrations", post(change_registration))
        .route("/registrations/redirect-uris", post(add_redirect_uri))
        .route("/clock", get(clock).post(move_clock))
        .route("/counters", get(counters).delete(clear_counters))
        .route("/latency", post(set_latency))
        .route("/quotas", post(set_quotas))
        .route("/shutdown", post(shut_down))
        .with_state(control)
        .merge(jira)
        .fallback(nowhere)
        .layer(axum::extract::DefaultBodyLimit::disable())
}

async fn nowhere() -> Refusal {
    Refusal(StatusCode::NOT_FOUND, "the control address has no such lever".to_owned())
}

async fn ready(State(control): At) -> Answer {
    Ok(json_answer(StatusCode::OK, &serde_json::to_value(&control.ready).unwrap_or_default()))
}

async fn faults(State(control): At) -> Answer {
    Ok(json_answer(StatusCode::OK, &Value::Array(control.core.faults.list())))
}

async fn add_fault(State(control): At, body: Bytes) -> Answer {
    let rule: Rule = read(&body)?;
    match control.core.faults.add(rule) {
        Ok(id) => Ok(json_answer(StatusCode::CREATED, &json!({"id": id}))),
        Err(reason) => refuse(StatusCode::BAD_REQUEST, reason),
    }
}

async fn clear_faults(State(control): At) -> Answer {
    control.core.faults.clear();
    Ok(done())
}

async fn remove_fault(State(control): At, Path(id): Path<u64>) -> Answer {
    if control.core.faults.remove(id) {
        Ok(done())
    } else {
        refuse(StatusCode::NOT_FOUND, format!("there is no fault {id}"))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct How {
    folder: Option<String>,
    received_at: Option<Timestamp>,
    read: Option<bool>,
    sender: Option<Sender>,
}

async fn deliver(State(control): At, Path(upn): Path<String>, Query(how): Query<How>, body: Bytes) -> Answer {
    let Some(mailbox) = control.exchange.mailbox(&upn) else {
        return refuse(StatusCode::NOT_FOUND, format!("there is no mailbox {upn}"));
    };
    let folder = how.folder.as_deref().unwrap_or("inbox");
    let Some(number) = mailbox.store().folder(folder).map(|folder| folder.number) else {
        return refuse(StatusCode::NOT_FOUND, format!("{upn} has no folder {folder}"));
    };
    let delivery = Delivery {
        folder: number,
        received: how.received_at.unwrap_or_else(|| control.core.now()),
        is_read: how.read.unwrap_or(false),
        sender: how.sender.unwrap_or_else(|| control.exchange.usual_sender(&body)),
    };
    let key = control.exchange.deliver(mailbox, &body, delivery);
    let store = mailbox.store();
    let shown = store.messages.get(&key).map(|message| {
        json!({"id": message.id(store.mailbox, false), "immutable_id": message.immutable_id(store.mailbox),
            "internet_message_id": message.message_id})
    });
    Ok(json_answer(StatusCode::CREATED, &shown.unwrap_or_default()))
}

async fn messages(State(control): At, Path(upn): Path<String>) -> Answer {
    let Some(mailbox) = control.exchange.mailbox(&upn) else {
        return refuse(StatusCode::NOT_FOUND, format!("there is no mailbox {upn}"));
    };
    let store = mailbox.store();
    let mut all: Vec<&Message> = store.messages.values().collect();
    all.sort_by_key(|message| message.key);
    let all: Vec<Value> = all
        .into_iter()
        .map(|message| {
            let folder = store.folders.get(&message.folder);
            json!({
                "id": message.id(store.mailbox, false),
                "immutable_id": message.immutable_id(store.mailbox),
                "folder": folder.map(|folder| folder.well_known.unwrap_or(&folder.name)),
                "folder_id": ids::folder(store.mailbox, message.folder),
                "internet_message_id": message.message_id,
                "subject": message.content.subject,
                "from": message.content.from.as_ref().map(|from| from.address.as_str()),
                "is_read": message.is_read,
                "is_draft": message.is_draft,
                "categories": message.categories,
                "extended_properties": message.extended,
                "received_at": message.received.to_string(),
                "has_attachments": message.content.has_attachments,
            })
        })
        .collect();
    Ok(json_answer(StatusCode::OK, &Value::Array(all)))
}

async fn sent_outside(State(control): At) -> Answer {
    let all: Vec<Value> = control
        .exchange
        .sent_outside()
        .iter()
        .map(|sent| json!({"to": sent.to, "at": sent.at.to_string(), "mime_base64": STANDARD.encode(&sent.raw)}))
        .collect();
    Ok(json_answer(StatusCode::OK, &Value::Array(all)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    mailbox: Option<String>,
}

async fn reset_delta(State(control): At, body: Bytes) -> Answer {
    let reset: Reset = read(&body)?;
    match &reset.mailbox {
        Some(upn) => match control.exchange.mailbox(upn) {
            Some(mailbox) => mailbox.store().epoch += 1,
            None => return refuse(StatusCode::NOT_FOUND, format!("there is no mailbox {upn}")),
        },
        None => control.exchange.all().iter().for_each(|mailbox| mailbox.store().epoch += 1),
    }
    Ok(done())
}

async fn set_quirks(State(control): At, body: Bytes) -> Answer {
    let quirks: Quirks = read(&body)?;
    control.graph.set_quirks(quirks);
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    upn: String,
    access_tokens: Option<bool>,
}

fn user_of(control: &Control, upn: &str) -> Result<uuid::Uuid, Refusal> {
    match control.exchange.tenant.user(upn) {
        Some(user) => Ok(user.oid),
        None => refuse(StatusCode::NOT_FOUND, format!("there is no user {upn}")),
    }
}

async fn revoke(State(control): At, body: Bytes) -> Answer {
    let revoke: Revoke = read(&body)?;
    let user = user_of(&control, &revoke.upn)?;
    control.entra.grants.revoke(user, control.core.now(), revoke.access_tokens.unwrap_or(true));
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refuse {
    upn: Option<String>,
    code: u32,
    error: Option<String>,
    suberror: Option<String>,
    claims: Option<String>,
}

async fn refuse_user(State(control): At, body: Bytes) -> Answer {
    let refuse: Refuse = read(&body)?;
    let user = refuse.upn.as_deref().map(|upn| user_of(&control, upn)).transpose()?;
    let mut error = TokenError::of(refuse.code);
    if let Some(text) = refuse.error {
        error.error = text;
    }
    error.suberror = refuse.suberror;
    error.claims = refuse.claims;
    control.entra.grants.refuse(user, error);
    Ok(done())
}

async fn restore(State(control): At) -> Answer {
    control.entra.grants.restore();
    control.entra.bar_user_consent(false);
    control.exchange.tenant.change_registration(None, |registration| registration.disabled = false);
    Ok(done())
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum UserConsent {
    Allowed,
    Barred,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Consent {
    user_consent: UserConsent,
}

async fn set_consent(State(control): At, body: Bytes) -> Answer {
    let consent: Consent = read(&body)?;
    control.entra.bar_user_consent(matches!(consent.user_consent, UserConsent::Barred));
    Ok(done())
}

async fn forget_consents(State(control): At) -> Answer {
    if let Some(registration) = control.exchange.tenant.first_registration() {
        control.entra.grants.forget_consents(&registration.client_id);
    }
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tokens {
    lifetime_seconds: Option<i64>,
    #[serde(default)]
    expire: bool,
}

async fn set_tokens(State(control): At, body: Bytes) -> Answer {
    let tokens: Tokens = read(&body)?;
    if let Some(seconds) = tokens.lifetime_seconds {
        control.entra.set_access_lifetime(seconds);
    }
    if tokens.expire {
        control.entra.grants.expire_access(control.core.now());
    }
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delegate {
    mailbox: String,
    user: String,
    grant: bool,
}

async fn delegate(State(control): At, body: Bytes) -> Answer {
    let wish: Delegate = read(&body)?;
    user_of(&control, &wish.mailbox)?;
    user_of(&control, &wish.user)?;
    control.exchange.tenant.delegate(&wish.mailbox, &wish.user, wish.grant);
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    client_id: Option<String>,
    multi_tenant: Option<bool>,
    disabled: Option<bool>,
    secrets: Option<Vec<String>>,
    roles: Option<Vec<String>>,
}

async fn change_registration(State(control): At, body: Bytes) -> Answer {
    let change: Change = read(&body)?;
    let found = control.exchange.tenant.change_registration(change.client_id.as_deref(), |registration| {
        registration.multi_tenant = change.multi_tenant.unwrap_or(registration.multi_tenant);
        registration.disabled = change.disabled.unwrap_or(registration.disabled);
        if let Some(secrets) = change.secrets {
            registration.secrets = secrets;
        }
        if let Some(roles) = change.roles {
            registration.roles = roles.into_iter().collect();
        }
    });
    if found {
        Ok(done())
    } else {
        refuse(StatusCode::NOT_FOUND, "there is no app registration with this client id")
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RedirectUri {
    client_id: Option<String>,
    uri: String,
}

async fn add_redirect_uri(State(control): At, body: Bytes) -> Answer {
    let wish: RedirectUri = read(&body)?;
    let Ok(url) = url::Url::parse(&wish.uri) else {
        return refuse(StatusCode::BAD_REQUEST, format!("{:?} is no address", wish.uri));
    };
    let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
    if url.scheme() != "https" && !is_local {
        return refuse(StatusCode::BAD_REQUEST, "a redirect URI has https, except on localhost");
    }
    let found = control.exchange.tenant.change_registration(wish.client_id.as_deref(), |registration| {
        registration.redirect_uris.insert(wish.uri.clone());
    });
    if found {
        Ok(done())
    } else {
        refuse(StatusCode::NOT_FOUND, "there is no app registration with this client id")
    }
}

async fn clock(State(control): At) -> Answer {
    Ok(json_answer(StatusCode::OK, &json!({"now": control.core.now().to_string()})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    advance_seconds: i64,
}

async fn move_clock(State(control): At, body: Bytes) -> Answer {
    let wish: Move = read(&body)?;
    control.core.clock.advance(SignedDuration::from_secs(wish.advance_seconds));
    clock(State(control)).await
}

async fn counters(State(control): At) -> Answer {
    let mut all = control.core.counters.list();
    if let Some(jira) = all.get_mut("jira") {
        jira["issues"] = control.jira.site().all().count().into();
    }
    Ok(json_answer(StatusCode::OK, &Value::Object(all)))
}

async fn clear_counters(State(control): At) -> Answer {
    control.core.counters.clear();
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Latency {
    ms: u64,
}

async fn set_latency(State(control): At, body: Bytes) -> Answer {
    let latency: Latency = read(&body)?;
    control.core.set_latency(Duration::from_millis(latency.ms));
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Quotas {
    enforce: bool,
}

async fn set_quotas(State(control): At, body: Bytes) -> Answer {
    let quotas: Quotas = read(&body)?;
    control.core.enforce_quotas(quotas.enforce);
    control.jira.enforce_quotas(quotas.enforce);
    Ok(done())
}

async fn shut_down(State(control): At) -> Answer {
    let core = Arc::clone(&control.core);
    // The answer leaves first: connections end gracefully.
    tokio::spawn(async move {
        core.recorder.iter().for_each(crate::record::Recorder::flush);
        core.end.cancel();
    });
    Ok(done())
}
