//! The control address: levers for tests, demos and rehearsals. It has no protection; it listens on loopback.
//!
//! - `POST /faults` a [`Rule`], `GET /faults`, `DELETE /faults`, `DELETE /faults/{id}`
//! - `POST /mailboxes/{upn}/messages?folder=&received_at=&read=&sender=internal|pass|fail` raw mail → ids;
//!   `GET /mailboxes/{upn}/messages` the ground truth; `GET /sent-outside` what left the tenant
//! - `POST /mailboxes/{upn}/damage {"id","as":"mime"|"item"|"batch"|"none"}` an item whose MIME, or whose content, cannot
//!   be read: `item` costs itself alone over EWS, as documented, `batch` whatever is asked for with it; over Graph it takes its page
//!   along (`names_corrupt` below); `POST /mailboxes/{upn}/move {"id","folder"}` as its owner does, and `POST /mailboxes/{upn}/remove {"id"}` for
//!   good; `GET` and `POST /mailboxes/{upn}/folders {"name","parent"?}`, `PATCH {"name"?,"parent"?}` and
//!   `DELETE /mailboxes/{upn}/folders/{folder}`. A folder is an id, a well-known name, or a path (`Inbox/Orders`)
//! - `GET /ews/policy`, `POST /ews/policy {"enabled"?,"mailbox"?,"allowed_app_ids"?}` as `EwsEnabled` and
//!   `EwsAllowedAppIDs`; at first enabled, with this app listed. `POST /ews/sync/reset {"mailbox"?}`;
//!   `POST /ews/server {"own"}` with the folders' names of Exchange 2013 to 2019
//! - `POST /ews/answers {"as":"status"|"fault"|"inner"|"item","operation"?,"code"?,"message"?,"back_off_ms"?,"item"?,
//!   "count"?}`: 503, a SOAP fault, or a response code inside 200 (`inner` stops the batch, `item` does not);
//!   `GET` and `DELETE /ews/answers`; `GET` and `DELETE /ews/requests` what was asked
//! - `GET` and `POST /ews/quirks {"unanchored"}`: how likely a call that impersonates without the right `X-AnchorMailbox` fails
//! - `POST /delta/reset {"mailbox"?}`; `POST /delta/quirks {"empty_pages","repeated_items","names_corrupt"}`
//! - `GET /subscriptions`, `POST /subscriptions/quirks {"drop"?,"delay_ms"?,"twice"?}` for notices,
//!   `POST /subscriptions/lifecycle {"id"?,"event":"reauthorizationRequired"|"subscriptionRemoved"|"missed"}`
//! - sign-in, consent and the directory: see [`crate::entra::levers`]
//! - `GET /clock`, `POST /clock {"advance_seconds"}`; `GET /counters`, `DELETE /counters`
//! - `POST /latency {"ms"}`, `POST /quotas {"enforce"}`, `POST /shutdown`, `GET /ready`
//! - `/jira/…` see [`crate::jira::control_router`]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::routing::{delete, get, patch, post};
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
use crate::ews::EwsState;
use crate::ews::levers::{Command, PolicyChange, ServerChange};
use crate::exchange::Exchange;
use crate::exchange::ids;
use crate::exchange::mailbox::{Damage, Folder, Mailbox, Message, ROOT, Store};
use crate::exchange::transport::{Delivery, Sender};
use crate::faults::Rule;
use crate::graph::subscriptions::{DeliveryQuirks, Lifecycle};
use crate::graph::{GraphState, Quirks};
use crate::jira::JiraState;

/// What the levers move.
pub(crate) struct Control {
    pub(crate) core: Arc<Core>,
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) entra: Arc<EntraState>,
    pub(crate) graph: Arc<GraphState>,
    pub(crate) ews: Arc<EwsState>,
    pub(crate) jira: Arc<JiraState>,
    pub(crate) ready: Ready,
}

type At = State<Arc<Control>>;
pub(crate) type Answer = Result<Response<Body>, Refusal>;

/// What is wrong with a request, in words.
pub(crate) struct Refusal(StatusCode, String);

impl axum::response::IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        json_answer(self.0, &json!({"error": self.1}))
    }
}

pub(crate) fn refuse<T>(status: StatusCode, text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(status, text.into()))
}

pub(crate) fn json_answer(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(crate) fn done() -> Response<Body> {
    json_answer(StatusCode::OK, &json!({}))
}

pub(crate) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    let text: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(text).map_err(|error| {
        Refusal(StatusCode::BAD_REQUEST, format!("the body is not what is expected here: {error}"))
    })
}

/// The service.
pub(crate) fn router(control: Arc<Control>) -> Router {
    let jira = crate::jira::control_router(Arc::clone(&control.jira));
    let entra = crate::entra::levers::router(Arc::clone(&control.entra));
    Router::new()
        .route("/", get(ready))
        .route("/ready", get(ready))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/faults/{id}", delete(remove_fault))
        .route("/mailboxes/{upn}/messages", get(messages).post(deliver))
        .route("/mailboxes/{upn}/damage", post(damage))
        .route("/mailboxes/{upn}/move", post(move_message))
        .route("/mailboxes/{upn}/remove", post(remove_message))
        .route("/mailboxes/{upn}/folders", get(folders).post(make_folder))
        .route("/mailboxes/{upn}/folders/{*folder}", patch(change_folder).delete(remove_folder))
        .route("/ews/policy", get(ews_policy).post(change_ews_policy))
        .route("/ews/server", post(change_ews_server))
        .route("/ews/quirks", get(ews_quirks).post(set_ews_quirks))
        .route("/ews/sync/reset", post(reset_ews_sync))
        .route("/ews/answers", get(ews_answers).post(add_ews_answer).delete(clear_ews_answers))
        .route("/ews/requests", get(ews_requests).delete(forget_ews_requests))
        .route("/sent-outside", get(sent_outside))
        .route("/delta/reset", post(reset_delta))
        .route("/delta/quirks", post(set_quirks))
        .route("/subscriptions", get(subscriptions))
        .route("/subscriptions/quirks", post(set_delivery))
        .route("/subscriptions/lifecycle", post(befall))
        .route("/clock", get(clock).post(move_clock))
        .route("/counters", get(counters).delete(clear_counters))
        .route("/latency", post(set_latency))
        .route("/quotas", post(set_quotas))
        .route("/shutdown", post(shut_down))
        .with_state(control)
        .merge(jira)
        .merge(entra)
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
    let Some(number) = find_folder(&mailbox.store(), folder).map(|folder| folder.number) else {
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
            "ews_id": message.ews_id(store.mailbox).ews(),
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
                "ews_id": message.ews_id(store.mailbox).ews(),
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

fn mailbox_of<'a>(control: &'a Control, upn: &str) -> Result<&'a Arc<Mailbox>, Refusal> {
    control
        .exchange
        .mailbox(upn)
        .ok_or_else(|| Refusal(StatusCode::NOT_FOUND, format!("there is no mailbox {upn}")))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wound {
    /// Any id of Graph or EWS.
    id: String,
    #[serde(rename = "as")]
    kind: Damage,
}

/// The key of a message by any id of Graph or EWS.
fn key_of(store: &Store, id: &str) -> Option<u64> {
    let by_graph = ids::message(id).and_then(|id| store.key(id));
    by_graph.or_else(|| store.ews_key(crate::exchange::ews_ids::ItemId::read(id)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Relocation {
    /// Any id of Graph or EWS.
    id: String,
    folder: String,
}

async fn move_message(State(control): At, Path(upn): Path<String>, body: Bytes) -> Answer {
    let wish: Relocation = read(&body)?;
    let mailbox = mailbox_of(&control, &upn)?;
    let mut store = mailbox.store();
    let Some(folder) = find_folder(&store, &wish.folder).map(|folder| folder.number) else {
        return refuse(StatusCode::NOT_FOUND, format!("{upn} has no folder {}", wish.folder));
    };
    let Some(key) = key_of(&store, &wish.id) else {
        return refuse(StatusCode::NOT_FOUND, format!("{upn} has no message {}", wish.id));
    };
    store.relocate(key, folder, control.core.now());
    let shown = store.messages.get(&key).map(|message| {
        json!({"id": message.id(store.mailbox, false), "immutable_id": message.immutable_id(store.mailbox),
            "ews_id": message.ews_id(store.mailbox).ews()})
    });
    Ok(json_answer(StatusCode::OK, &shown.unwrap_or_default()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Removal {
    /// Any id of Graph or EWS.
    id: String,
}

async fn remove_message(State(control): At, Path(upn): Path<String>, body: Bytes) -> Answer {
    let wish: Removal = read(&body)?;
    let mut store = mailbox_of(&control, &upn)?.store();
    match key_of(&store, &wish.id) {
        Some(key) => {
            store.remove(key);
            Ok(done())
        }
        None => refuse(StatusCode::NOT_FOUND, format!("{upn} has no message {}", wish.id)),
    }
}

async fn damage(State(control): At, Path(upn): Path<String>, body: Bytes) -> Answer {
    let wound: Wound = read(&body)?;
    let mailbox = mailbox_of(&control, &upn)?;
    let mut store = mailbox.store();
    match key_of(&store, &wound.id).and_then(|key| store.messages.get_mut(&key)) {
        Some(message) => {
            message.damage = wound.kind;
            Ok(done())
        }
        None => refuse(StatusCode::NOT_FOUND, format!("{upn} has no message {}", wound.id)),
    }
}

/// A folder by id, well-known name, or path from the top.
fn find_folder<'a>(store: &'a Store, text: &str) -> Option<&'a Folder> {
    if let Some(folder) = store.folder(text) {
        return Some(folder);
    }
    let mut at = ROOT;
    for name in text.split('/') {
        let mut children = store.folders.values().filter(|folder| folder.parent == at);
        at = children.find(|folder| folder.name.eq_ignore_ascii_case(name))?.number;
    }
    store.folders.get(&at)
}

fn folder_json(store: &Store, folder: &Folder) -> Value {
    json!({
        "id": ids::folder(store.mailbox, folder.number),
        "ews_id": crate::exchange::ews_ids::folder(store.mailbox, folder.number),
        "name": folder.name,
        "well_known": folder.well_known,
        "parent_id": ids::folder(store.mailbox, folder.parent),
        "total": folder.total(),
        "unread": folder.unread,
    })
}

async fn folders(State(control): At, Path(upn): Path<String>) -> Answer {
    let store = mailbox_of(&control, &upn)?.store();
    let all: Vec<Value> = store.folders.values().map(|folder| folder_json(&store, folder)).collect();
    Ok(json_answer(StatusCode::OK, &Value::Array(all)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFolder {
    name: String,
    parent: Option<String>,
}

async fn make_folder(State(control): At, Path(upn): Path<String>, body: Bytes) -> Answer {
    let wish: NewFolder = read(&body)?;
    let mut store = mailbox_of(&control, &upn)?.store();
    let parent = wish.parent.as_deref().unwrap_or("msgfolderroot");
    let Some(parent) = find_folder(&store, parent).map(|folder| folder.number) else {
        return refuse(StatusCode::NOT_FOUND, format!("{upn} has no folder {parent}"));
    };
    let Some(number) = store.add_folder(parent, &wish.name) else {
        return refuse(StatusCode::CONFLICT, format!("there is a folder {} already", wish.name));
    };
    let shown = store.folders.get(&number).map(|folder| folder_json(&store, folder)).unwrap_or_default();
    Ok(json_answer(StatusCode::CREATED, &shown))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FolderChange {
    name: Option<String>,
    parent: Option<String>,
}

async fn change_folder(
    State(control): At,
    Path((upn, folder)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let wish: FolderChange = read(&body)?;
    let mut store = mailbox_of(&control, &upn)?.store();
    let found = find_folder(&store, &folder);
    let Some((number, name, own)) = found.map(|found| (found.number, found.name.clone(), found.parent))
    else {
        return refuse(StatusCode::NOT_FOUND, format!("{upn} has no folder {folder}"));
    };
    let parent = match &wish.parent {
        None => own,
        Some(parent) => match find_folder(&store, parent).map(|folder| folder.number) {
            Some(parent) if !store.is_within(parent, number) => parent,
            _ => return refuse(StatusCode::CONFLICT, format!("{folder} cannot be moved to {parent}")),
        },
    };
    let name = wish.name.unwrap_or(name);
    if store.rename_folder(number, parent, &name) {
        let shown = store.folders.get(&number).map(|folder| folder_json(&store, folder)).unwrap_or_default();
        Ok(json_answer(StatusCode::OK, &shown))
    } else {
        refuse(StatusCode::CONFLICT, format!("there is a folder {name} already"))
    }
}

async fn remove_folder(State(control): At, Path((upn, folder)): Path<(String, String)>) -> Answer {
    let mut store = mailbox_of(&control, &upn)?.store();
    match find_folder(&store, &folder).map(|found| (found.number, found.well_known)) {
        Some((number, None)) => {
            store.remove_folder(number);
            Ok(done())
        }
        Some(_) => refuse(StatusCode::CONFLICT, format!("{folder} is well known and cannot be deleted")),
        None => refuse(StatusCode::NOT_FOUND, format!("{upn} has no folder {folder}")),
    }
}

async fn ews_policy(State(control): At) -> Answer {
    Ok(json_answer(StatusCode::OK, &control.ews.levers.policy()))
}

async fn change_ews_policy(State(control): At, body: Bytes) -> Answer {
    let change: PolicyChange = read(&body)?;
    if let Some(upn) = &change.mailbox {
        mailbox_of(&control, upn)?;
    }
    control.ews.levers.change_policy(change);
    ews_policy(State(control)).await
}

async fn change_ews_server(State(control): At, body: Bytes) -> Answer {
    let change: ServerChange = read(&body)?;
    control.ews.levers.change_server(change);
    Ok(json_answer(StatusCode::OK, &json!({ "own": change.own })))
}

async fn reset_ews_sync(State(control): At, body: Bytes) -> Answer {
    let reset: Reset = read(&body)?;
    match &reset.mailbox {
        Some(upn) => mailbox_of(&control, upn)?.store().sync_epoch += 1,
        None => control.exchange.all().iter().for_each(|mailbox| mailbox.store().sync_epoch += 1),
    }
    Ok(done())
}

async fn ews_quirks(State(control): At) -> Answer {
    Ok(json_answer(StatusCode::OK, &serde_json::to_value(control.ews.levers.quirks()).unwrap_or_default()))
}

async fn set_ews_quirks(State(control): At, body: Bytes) -> Answer {
    control.ews.levers.set_quirks(read(&body)?);
    ews_quirks(State(control)).await
}

async fn ews_answers(State(control): At) -> Answer {
    Ok(json_answer(StatusCode::OK, &control.ews.levers.commands()))
}

async fn add_ews_answer(State(control): At, body: Bytes) -> Answer {
    let command: Command = read(&body)?;
    control.ews.levers.command(command);
    Ok(json_answer(StatusCode::CREATED, &json!({})))
}

async fn clear_ews_answers(State(control): At) -> Answer {
    control.ews.levers.clear_commands();
    Ok(done())
}

async fn ews_requests(State(control): At) -> Answer {
    Ok(json_answer(StatusCode::OK, &control.ews.levers.requests()))
}

async fn forget_ews_requests(State(control): At) -> Answer {
    control.ews.levers.forget_requests();
    Ok(done())
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

async fn subscriptions(State(control): At) -> Answer {
    Ok(json_answer(StatusCode::OK, &Value::Array(control.graph.subscriptions.list())))
}

async fn set_delivery(State(control): At, body: Bytes) -> Answer {
    let quirks: DeliveryQuirks = read(&body)?;
    control.graph.subscriptions.set_quirks(quirks);
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Befall {
    /// All when absent.
    id: Option<uuid::Uuid>,
    event: Lifecycle,
}

async fn befall(State(control): At, body: Bytes) -> Answer {
    let wish: Befall = read(&body)?;
    match control.graph.befall(wish.id, wish.event) {
        0 => refuse(StatusCode::NOT_FOUND, "there is no such subscription"),
        count => Ok(json_answer(StatusCode::OK, &json!({"subscriptions": count}))),
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
