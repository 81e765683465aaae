//! Microsoft Graph v1.0, as far as mail needs it: users, folders, messages, deltas, attachments, sending, batches.
//!
//! Begin at [`GraphState::route`]: every request, also each in a batch, goes through it.
//!
//! - `call` what is asked; `access` who asks and whether he may; `throttle` the limits for an app and a mailbox
//! - `list` reading, `filter` OData's filters, `show` the JSON; `delta` what changed since
//! - `change` marks, moves, folders, ids; `attachments`, and `uploads` of large ones; `send` drafts and sending; `batch` many at once
//! - `directory` registrations, enterprise applications, grants; `subscriptions` notices of what changed
//! - `answer` the form of answers and errors
//!
//! Paths are compared without letter case, ids with it.

mod access;
mod answer;
mod attachments;
mod batch;
mod call;
mod change;
mod delta;
mod directory;
mod filter;
mod list;
mod send;
mod show;
pub(crate) mod subscriptions;
mod throttle;
mod uploads;

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::chance::Chance;
use crate::core::Core;
use crate::entra::grants::{Access, Grants};
use crate::exchange::Exchange;
use crate::exchange::ids::{self, MessageId};
use crate::exchange::mailbox::{Mailbox, Store};
use crate::serve::Admission;
use crate::tenant::User;
use access::Need;
use answer::{Answer, Outcome, Refusal, RequestIds};
use call::Call;
use send::Reply;
use subscriptions::Subscriptions;
use throttle::{Place, Throttle};
use uploads::Uploads;

/// What is encoded in a path segment.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'@').remove(b'=');

/// Oddities of the real service that callers must stand, each with its probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Quirks {
    /// A page of a delta is empty and goes on all the same.
    pub(crate) empty_pages: f64,
    /// A page of a delta begins with the last message of the page before.
    pub(crate) repeated_items: f64,
    /// Whether a page that fails because of a corrupt item says so in its code. Both were seen.
    pub(crate) names_corrupt: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self { empty_pages: 0.01, repeated_items: 0.0, names_corrupt: true }
    }
}

/// Graph.
pub(crate) struct GraphState {
    pub(crate) core: Arc<Core>,
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) subscriptions: Subscriptions,
    uploads: Uploads,
    /// Posts notices of subscriptions.
    http: reqwest::Client,
    throttle: Throttle,
    quirks: RwLock<Quirks>,
    base: OnceLock<String>,
    login: OnceLock<String>,
}

/// What an operation works on.
struct Target<'a> {
    mailbox: &'a Arc<Mailbox>,
    exchange: &'a Exchange,
    chance: &'a Chance,
    uploads: &'a Uploads,
    quirks: Quirks,
    base: &'a str,
    now: Timestamp,
    /// The signed-in user, if it is not the app itself.
    caller: Option<&'a User>,
    /// Whether the token may change what was received.
    advanced: bool,
    /// Whether the token may send as others.
    shared_sending: bool,
}

/// The key of the message with this id.
fn find(store: &Store, id: &str) -> Result<u64, Refusal> {
    let parsed = ids::message(id).ok_or_else(Refusal::malformed_id)?;
    let (MessageId::Immutable { mailbox, .. } | MessageId::Ordinary { mailbox, .. }) = parsed;
    if mailbox != store.mailbox {
        return Err(Refusal::new(400, "ErrorInvalidId", "The id belongs to another mailbox."));
    }
    store.key(parsed).ok_or_else(Refusal::no_item)
}

impl GraphState {
    pub(crate) fn new(
        core: Arc<Core>,
        exchange: Arc<Exchange>,
        grants: Arc<Grants>,
        http: reqwest::Client,
    ) -> Self {
        Self {
            core,
            exchange,
            grants,
            subscriptions: Subscriptions::default(),
            uploads: Uploads::default(),
            http,
            throttle: Throttle::default(),
            quirks: RwLock::default(),
            base: OnceLock::new(),
            login: OnceLock::new(),
        }
    }

    /// Tells the service its own address and that of the sign-in.
    pub(crate) fn set_addresses(&self, base: &str, login: &str) {
        self.base.get_or_init(|| base.to_owned());
        self.login.get_or_init(|| login.to_owned());
    }

    pub(crate) fn set_quirks(&self, quirks: Quirks) {
        *self.quirks.write().unwrap_or_else(PoisonError::into_inner) = quirks;
    }

    fn base(&self) -> &str {
        self.base.get().map_or("https://graph.microsoft.com", String::as_str)
    }

    fn login(&self) -> &str {
        self.login.get().map_or("https://login.microsoftonline.com", String::as_str)
    }

    fn now(&self) -> Timestamp {
        self.core.now()
    }

    /// Counts a request against its mailbox and takes a place there; nothing when limits are off or no mailbox is meant.
    fn enter(
        &self,
        path: &[String],
        client_id: Option<&str>,
        user: Option<Uuid>,
        upload: usize,
    ) -> Result<Option<Place>, Refusal> {
        if !self.core.enforces_quotas() {
            return Ok(None);
        }
        let mailbox = match path.first().map(|first| first.to_ascii_lowercase()).as_deref() {
            Some("me") if path.len() > 1 => user.and_then(|user| self.exchange.mailbox(&user.to_string())),
            Some("users") if path.len() > 2 => path.get(1).and_then(|who| self.exchange.mailbox(who)),
            _ => None,
        };
        let (Some(mailbox), Some(client_id)) = (mailbox, client_id) else { return Ok(None) };
        let key = (client_id.to_owned(), mailbox.number);
        self.throttle.enter(key, upload, self.now()).map(Some).map_err(|exceeded| {
            Refusal::new(429, "ApplicationThrottled", exceeded.message)
                .with("retry-after", exceeded.seconds.to_string())
        })
    }

    /// What is decided when a request arrives, before the round trip.
    pub(crate) fn admit(&self, parts: &Parts, length: usize) -> Admission {
        let Some(token) = access::bearer(&parts.headers) else { return Ok(None) };
        let Ok(access) = self.grants.access(token, self.now()) else { return Ok(None) };
        let target = parts.uri.path();
        let Ok(call) = Call::new(parts.method.clone(), target, &HeaderMap::new(), Bytes::new(), false) else {
            return Ok(None);
        };
        let is_up = [Method::POST, Method::PATCH, Method::PUT].contains(&parts.method);
        let upload = if is_up { length } else { 0 };
        match self.enter(&call.path, Some(&access.client_id), access.user, upload) {
            Ok(place) => Ok(place.map(|place| Box::new(place) as Box<dyn Send>)),
            Err(refusal) => {
                let ids = self.request_ids(&parts.headers);
                Err(Box::new(refusal.into_answer(&ids, self.now()).into_response(&ids)))
            }
        }
    }

    fn request_ids(&self, headers: &HeaderMap) -> RequestIds {
        let request = self.core.chance.uuid().to_string();
        let client =
            headers.get("client-request-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
        RequestIds { client: client.unwrap_or_else(|| request.clone()), request }
    }

    /// Answers one request.
    fn answer(&self, parts: &Parts, body: Bytes) -> Response<Bytes> {
        let ids = self.request_ids(&parts.headers);
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let outcome = || -> Outcome {
            if uploads::is_one(parts) {
                return self.upload(parts, &body);
            }
            let access = access::check(&self.grants, &parts.headers, self.login(), self.now())?;
            let call = Call::new(parts.method.clone(), target, &parts.headers, body, false)?;
            if call.path.len() == 1
                && call.path[0].eq_ignore_ascii_case("$batch")
                && call.method == Method::POST
            {
                return batch::batch(self, &call, &access, &ids);
            }
            let applied = call.prefer.applied.clone();
            let answer = self.route(&call, &access)?;
            Ok(if applied.is_empty() { answer } else { answer.with("preference-applied", applied) })
        };
        outcome().unwrap_or_else(|refusal| refusal.into_answer(&ids, self.now())).into_response(&ids)
    }

    /// Finds the operation of a path.
    fn route(&self, call: &Call, access: &Arc<Access>) -> Outcome {
        let lower: Vec<String> = call.path.iter().map(|segment| segment.to_ascii_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        match lower.as_slice() {
            [first, ..] if directory::is_mine(first) => self.directory(call, access, &lower),
            ["subscriptions", ..] => self.subscriptions(call, access, &lower),
            ["me"] => self.profile(call, access, None),
            ["users"] => self.users(call, access),
            ["users", _] => self.profile(call, access, call.path.get(1).map(String::as_str)),
            ["me", rest @ ..] => self.in_mailbox(call, access, None, rest, 1),
            ["users", _, rest @ ..] => {
                self.in_mailbox(call, access, call.path.get(1).map(String::as_str), rest, 2)
            }
            _ => Err(no_resource(call.path.first().map_or("", String::as_str))),
        }
    }

    fn profile(&self, call: &Call, access: &Access, who: Option<&str>) -> Outcome {
        if call.method != Method::GET {
            return Err(no_method(call));
        }
        let user = match access::user(&self.exchange, access, who) {
            Ok(user) => user,
            Err(_) if who.is_some() => {
                let message = format!(
                    "Resource '{}' does not exist or one of its queried reference-property objects are not present.",
                    who.unwrap_or_default()
                );
                return Err(Refusal::new(404, "Request_ResourceNotFound", message));
            }
            Err(refusal) => return Err(refusal),
        };
        let is_own = access.user == Some(user.oid);
        let names: &[&str] = if is_own {
            &["User.Read", "User.ReadBasic.All", "User.Read.All", "Directory.Read.All"]
        } else {
            &["User.ReadBasic.All", "User.Read.All", "Directory.Read.All"]
        };
        if !names.iter().any(|name| access.scopes.contains(*name)) {
            let message = "Insufficient privileges to complete the operation.";
            return Err(Refusal::new(403, "Authorization_RequestDenied", message));
        }
        let mut value = show::user(user);
        if let (Some(select), Value::Object(object)) = (call.option("select"), &mut value) {
            object.retain(|name, _| select.split(',').any(|wanted| wanted.trim().eq_ignore_ascii_case(name)));
        }
        value["@odata.context"] = format!("{}/v1.0/$metadata#users/$entity", self.base()).into();
        Ok(Answer::value(200, &value))
    }

    fn users(&self, call: &Call, access: &Access) -> Outcome {
        if call.method != Method::GET {
            return Err(no_method(call));
        }
        if !["User.ReadBasic.All", "User.Read.All", "Directory.Read.All"]
            .iter()
            .any(|name| access.scopes.contains(*name))
        {
            let message = "Insufficient privileges to complete the operation.";
            return Err(Refusal::new(403, "Authorization_RequestDenied", message));
        }
        let value: Vec<Value> = self.exchange.tenant.people(access.tenant).map(show::user).collect();
        let context = format!("{}/v1.0/$metadata#users", self.base());
        Ok(Answer::value(200, &json!({"@odata.context": context, "value": value})))
    }

    /// Operations below a mailbox; `at` is where they begin in the path.
    fn in_mailbox(
        &self,
        call: &Call,
        access: &Access,
        who: Option<&str>,
        rest: &[&str],
        at: usize,
    ) -> Outcome {
        let own = |index: usize| call.path.get(at + index).map_or("", String::as_str);
        let method = call.method.as_str();
        let target = |need: Need| -> Result<Target<'_>, Refusal> {
            let mailbox = access::mailbox(&self.exchange, access, who, need)?;
            Ok(Target {
                mailbox,
                exchange: &self.exchange,
                chance: &self.core.chance,
                uploads: &self.uploads,
                quirks: *self.quirks.read().unwrap_or_else(PoisonError::into_inner),
                base: self.base(),
                now: self.now(),
                caller: access.user.and_then(|user| self.exchange.tenant.user_by_oid(user)),
                advanced: access.scopes.iter().any(|scope| scope.starts_with("Mail-Advanced.ReadWrite")),
                shared_sending: access.scopes.contains("Mail.Send.Shared") || access.user.is_none(),
            })
        };
        match (method, rest) {
            ("GET", ["mailfolders"]) => list::folders(&target(Need::Read)?, call, None),
            ("POST", ["mailfolders"]) => change::create_folder(&target(Need::Write)?, call, None),
            ("GET", ["mailfolders", _]) => list::folder(&target(Need::Read)?, call, own(1)),
            ("PATCH", ["mailfolders", _]) => change::rename_folder(&target(Need::Write)?, call, own(1)),
            ("DELETE", ["mailfolders", _]) => change::delete_folder(&target(Need::Write)?, own(1)),
            ("GET", ["mailfolders", _, "childfolders"]) => {
                list::folders(&target(Need::Read)?, call, Some(own(1)))
            }
            ("POST", ["mailfolders", _, "childfolders"]) => {
                change::create_folder(&target(Need::Write)?, call, Some(own(1)))
            }
            ("GET", ["mailfolders", _, "messages", "delta"]) => {
                delta::page(&target(Need::Read)?, call, own(1))
            }
            ("GET", ["mailfolders", _, "messages", "$count"]) => {
                list::count(&target(Need::Read)?, call, Some(own(1)))
            }
            ("GET", ["mailfolders", _, "messages"]) => {
                list::messages(&target(Need::Read)?, call, Some(own(1)))
            }
            ("POST", ["mailfolders", _, "messages"]) => {
                send::create_draft(&target(Need::Write)?, call, Some(own(1)))
            }
            (_, ["mailfolders", _, "messages", _, ..]) => {
                let target = target(if method == "GET" { Need::Read } else { Need::Write })?;
                Self::one_message(&target, call, method, &rest[3..], own(3), at + 3)
            }
            ("GET", ["messages"]) => list::messages(&target(Need::Read)?, call, None),
            ("GET", ["messages", "$count"]) => list::count(&target(Need::Read)?, call, None),
            ("POST", ["messages"]) => send::create_draft(&target(Need::Write)?, call, None),
            ("POST", ["messages", _, "send"]) => send::send_draft(&target(Need::Send)?, own(1)),
            ("POST", ["messages", _, "reply" | "replyall" | "forward"]) => {
                Self::one_message(&target(Need::Send)?, call, method, &rest[1..], own(1), at + 1)
            }
            (_, ["messages", _, ..]) => {
                let target = target(if method == "GET" { Need::Read } else { Need::Write })?;
                Self::one_message(&target, call, method, &rest[1..], own(1), at + 1)
            }
            ("POST", ["sendmail" | "microsoft.graph.sendmail"]) => {
                send::send_mail(&target(Need::Send)?, call)
            }
            ("POST", ["translateexchangeids" | "microsoft.graph.translateexchangeids"]) => {
                change::translate(&target(Need::Read)?, call)
            }
            (_, ["mailfolders" | "messages" | "sendmail" | "translateexchangeids", ..]) => {
                Err(no_method(call))
            }
            _ => Err(no_resource(own(0))),
        }
    }

    /// Operations on a message; `rest` begins with its id, which is at `at` in the path.
    fn one_message(
        target: &Target<'_>,
        call: &Call,
        method: &str,
        rest: &[&str],
        id: &str,
        at: usize,
    ) -> Outcome {
        let own = |index: usize| call.path.get(at + index).map_or("", String::as_str);
        match (method, rest) {
            ("GET", [_]) => list::message(target, call, id),
            ("PATCH", [_]) => change::patch(target, call, id),
            ("DELETE", [_]) => change::delete(target, id, false),
            ("GET", [_, "$value"]) => list::mime(target, id),
            ("POST", [_, "move"]) => change::relocate(target, call, id, false),
            ("POST", [_, "copy"]) => change::relocate(target, call, id, true),
            ("POST", [_, "permanentdelete"]) => change::delete(target, id, true),
            ("GET", [_, "attachments"]) => attachments::list(target, call, id),
            ("POST", [_, "attachments"]) => attachments::add(target, call, id),
            ("POST", [_, "attachments", "createuploadsession"]) => uploads::begin(target, call, id),
            ("GET", [_, "attachments", _]) => attachments::one(target, call, id, own(2), false),
            ("GET", [_, "attachments", _, "$value"]) => attachments::one(target, call, id, own(2), true),
            ("DELETE", [_, "attachments", _]) => attachments::remove(target, id, own(2)),
            ("POST", [_, "createreply"]) => send::reply(target, call, id, Reply::Sender, false),
            ("POST", [_, "createreplyall"]) => send::reply(target, call, id, Reply::All, false),
            ("POST", [_, "createforward"]) => send::reply(target, call, id, Reply::Forward, false),
            ("POST", [_, "reply"]) => send::reply(target, call, id, Reply::Sender, true),
            ("POST", [_, "replyall"]) => send::reply(target, call, id, Reply::All, true),
            ("POST", [_, "forward"]) => send::reply(target, call, id, Reply::Forward, true),
            (_, [_]) => Err(no_method(call)),
            _ => Err(no_resource(own(1))),
        }
    }
}

fn no_resource(segment: &str) -> Refusal {
    Refusal::bad(format!("Resource not found for the segment '{segment}'."))
}

fn no_method(call: &Call) -> Refusal {
    Refusal::new(
        405,
        "Request_BadRequest",
        format!("Specified HTTP method {} is not allowed for the request target.", call.method),
    )
}

/// The service.
pub(crate) fn router(state: Arc<GraphState>) -> Router {
    Router::new().fallback(handle).with_state(state)
}

async fn handle(State(state): State<Arc<GraphState>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // The body is in memory already.
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    // Making a subscription is the one thing that talks to somebody else first.
    let path = parts.uri.path().trim_end_matches('/').to_ascii_lowercase();
    if parts.method == Method::POST && path == "/v1.0/subscriptions" {
        let ids = state.request_ids(&parts.headers);
        let outcome = state.subscribe(&parts, body).await;
        let answer = outcome.unwrap_or_else(|refusal| refusal.into_answer(&ids, state.now()));
        return answer.into_response(&ids).map(Body::from);
    }
    state.answer(&parts, body).map(Body::from)
}
