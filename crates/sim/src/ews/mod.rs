//! Exchange Web Services at `/EWS/Exchange.asmx`: the same mailboxes as Graph's, over SOAP.
//!
//! Begin at [`EwsState::answer`]: token, policy, envelope, schema, impersonation, operation.
//!
//! - `access` who calls and for whom; `levers` what the control address changes; `throttle` the limit of calls at once
//! - `xml` in and out; `schema` (with `schema.txt`) what a request may look like; `answer` messages, faults, statuses
//! - `shape` which properties are wanted, `show` items and folders as XML, `fields` their values for comparing
//! - `folders`, `find`, `sync`, `items`, `write`, `attachments`, `names` the operations
//!
//! Notifications are not served: whoever wants to know what is new synchronizes.

mod access;
mod answer;
mod attachments;
mod fields;
mod find;
mod folders;
mod items;
pub(crate) mod levers;
mod names;
mod schema;
mod shape;
mod show;
mod sync;
mod throttle;
mod write;
mod xml;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::json;

use self::access::Actor;
use self::answer::{Fault, Outcome, Part, Refusal};
use self::levers::{Form, Levers};
use self::xml::{Node, Ns};
use crate::core::Core;
use crate::entra::grants::{Access, Grants};
use crate::exchange::Exchange;
use crate::exchange::ews_ids::{self, ItemId};
use crate::exchange::mailbox::Mailbox;
use crate::serve::Admission;
use throttle::Throttle;

/// Largest request that is read, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;

/// EWS.
pub(crate) struct EwsState {
    core: Arc<Core>,
    exchange: Arc<Exchange>,
    grants: Arc<Grants>,
    pub(crate) levers: Levers,
    throttle: Throttle,
    login: OnceLock<String>,
}

/// What an operation works with.
struct Call<'a> {
    exchange: &'a Exchange,
    actor: Actor<'a>,
    /// The operation's element.
    node: &'a Node,
    now: Timestamp,
}

/// The names that a request was told apart by, for the record.
#[derive(Default)]
struct Seen {
    operation: String,
    mailbox: String,
    impersonates: bool,
    /// Whether it came to a server that does not have the impersonated mailbox, for want of `X-AnchorMailbox`.
    is_astray: bool,
}

/// A folder, as one that is there or as the root above all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    mailbox: u32,
    folder: u32,
}

impl EwsState {
    pub(crate) fn new(core: Arc<Core>, exchange: Arc<Exchange>, grants: Arc<Grants>) -> Self {
        let client_id = exchange.tenant.first_registration().map(|registration| registration.client_id);
        Self {
            levers: Levers::allowing(client_id.as_deref().unwrap_or_default()),
            core,
            exchange,
            grants,
            throttle: Throttle::default(),
            login: OnceLock::new(),
        }
    }

    /// Tells the service the address of the sign-in.
    pub(crate) fn set_login(&self, login: &str) {
        self.login.get_or_init(|| login.to_owned());
    }

    fn login(&self) -> &str {
        self.login.get().map_or("https://login.microsoftonline.com", String::as_str)
    }

    /// Whether one more request may be under way, which is decided when it arrives.
    pub(crate) fn admit(&self, parts: &Parts) -> Admission {
        if !self.core.enforces_quotas() {
            return Ok(None);
        }
        let Some(token) = access::bearer(&parts.headers) else { return Ok(None) };
        let Ok(access) = self.grants.access(token, self.core.now()) else { return Ok(None) };
        let anchor = text(&parts.headers, "x-anchormailbox").unwrap_or_default().to_ascii_lowercase();
        let who = access.user.map_or(anchor, |user| user.to_string());
        match self.throttle.enter(&access.client_id, &who) {
            Some(place) => Ok(Some(Box::new(place))),
            None => Err(Box::new(answer::fault(&Fault::new(
                "ErrorExceededConnectionCount",
                "You have exceeded the available concurrent connections for your account. Try again once your other requests have completed.",
            )))),
        }
    }

    /// Answers one request; how much longer that takes than it would.
    fn answer(&self, parts: &Parts, body: &Bytes) -> (Response<Bytes>, Duration) {
        let mut seen = Seen::default();
        let mut response = self.outcome(parts, body, &mut seen);
        let request = self.core.chance.uuid().to_string();
        let headers = response.headers_mut();
        if let Ok(value) = HeaderValue::from_str(&request) {
            headers.insert("request-id", value);
        }
        let client = parts.headers.get("client-request-id");
        let wants_back = text(&parts.headers, "return-client-request-id")
            .is_some_and(|text| text.eq_ignore_ascii_case("true"));
        if let (Some(id), true) = (client, wants_back) {
            headers.insert("client-request-id", id.clone());
        }
        self.levers.remember(json!({
            "operation": seen.operation,
            "mailbox": seen.mailbox,
            "impersonates": seen.impersonates,
            "anchor": text(&parts.headers, "x-anchormailbox"),
            "user_agent": text(&parts.headers, "user-agent"),
            "client_request_id": text(&parts.headers, "client-request-id"),
            "status": response.status().as_u16(),
            "codes": codes(response.body()),
        }));
        // It is passed on from one server to the other.
        let longer = if seen.is_astray { self.core.latency() } else { Duration::ZERO };
        (response, longer)
    }

    fn outcome(&self, parts: &Parts, body: &Bytes, seen: &mut Seen) -> Response<Bytes> {
        if !parts.uri.path().eq_ignore_ascii_case("/ews/exchange.asmx") {
            return answer::page(StatusCode::NOT_FOUND);
        }
        let tenant = &self.exchange.tenant;
        let access = match access::check(&self.grants, tenant, &parts.headers, self.login(), self.core.now())
        {
            Ok(access) => access,
            Err(response) => return *response,
        };
        let user = access.user.and_then(|oid| tenant.user_by_oid(oid));
        let anchor = text(&parts.headers, "x-anchormailbox");
        let meant = user.map(|user| user.upn.as_str()).or(anchor);
        if let Some(response) = access::policy(&self.levers, &access.client_id, meant) {
            return response;
        }
        if parts.method != Method::POST {
            return answer::page(StatusCode::METHOD_NOT_ALLOWED);
        }
        let kind = text(&parts.headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
        if !kind.trim().to_ascii_lowercase().starts_with("text/xml") {
            return answer::page(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        if body.len() > LARGEST {
            return answer::page(StatusCode::PAYLOAD_TOO_LARGE);
        }
        match self.soap(&access, anchor, body, seen) {
            Ok(response) => response,
            Err(fault) => answer::fault(&fault),
        }
    }

    fn soap(
        &self,
        access: &Access,
        anchor: Option<&str>,
        body: &Bytes,
        seen: &mut Seen,
    ) -> Result<Response<Bytes>, Fault> {
        let breach = |what: &str, at: usize| {
            let (line, column) = line_of(body, at);
            Fault::schema(what, line, column)
        };
        let envelope = xml::read(body).map_err(|error| breach(&error.what, error.at))?;
        let (header, operation) = parts_of(&envelope).map_err(|node| {
            breach(
                &format!(
                    "The element '{}' in namespace '{}' is not what a SOAP envelope has here.",
                    node.name,
                    node.ns.uri()
                ),
                node.at,
            )
        })?;
        seen.operation.clone_from(&operation.name);
        for child in header.iter().flat_map(|header| &header.children).filter(|child| child.ns == Ns::Types) {
            schema::check_header(child).map_err(|found| breach(&found.what, found.at))?;
            if child.name == "RequestServerVersion"
                && !is_version(child.attribute("Version").unwrap_or_default())
            {
                return Err(Fault::new(
                    "ErrorInvalidServerVersion",
                    "The specified server version is invalid.",
                ));
            }
        }
        if operation.ns != Ns::Messages {
            let what = format!(
                "The element 'Body' in namespace '{}' has invalid child element '{}' in namespace '{}'.",
                xml::SOAP,
                operation.name,
                operation.ns.uri()
            );
            return Err(breach(&what, operation.at));
        }
        if !schema::is_served(&operation.name) {
            return Err(Fault::new(
                "ErrorInvalidOperation",
                &format!("The operation {} is not supported.", operation.name),
            ));
        }
        schema::check(operation).map_err(|found| breach(&found.what, found.at))?;
        if self.levers.is_own_server() {
            schema::check_for_own_server(operation).map_err(|found| breach(&found.what, found.at))?;
        }
        let actor = access::actor(&self.exchange, access, header)?;
        seen.mailbox.clone_from(&actor.mailbox.upn);
        seen.impersonates = header
            .is_some_and(|header| header.children.iter().any(|child| child.name == "ExchangeImpersonation"));
        if actor.is_app
            && let Some(response) = access::policy(&self.levers, &access.client_id, Some(&actor.mailbox.upn))
        {
            return Ok(response);
        }
        seen.is_astray = seen.impersonates && !access::leads_to(anchor, actor.user);
        if seen.is_astray && self.core.chance.happens(self.levers.quirks().unanchored) {
            let is_queue = self.core.chance.happens(0.5);
            return Ok(answer::page(if is_queue {
                StatusCode::SERVICE_UNAVAILABLE
            } else {
                StatusCode::INTERNAL_SERVER_ERROR
            }));
        }
        let command = self.levers.take(&operation.name);
        match &command {
            Some(command) if command.form == Form::Status => {
                return Ok(answer::page(StatusCode::SERVICE_UNAVAILABLE));
            }
            Some(command) if command.form == Form::Fault => return Err(Fault(command.refusal())),
            _ => {}
        }
        let call = Call { exchange: &self.exchange, actor, node: operation, now: self.core.now() };
        let parts = match command {
            Some(command) => commanded(&call, &command)?,
            None => dispatch(&call)?,
        };
        Ok(answer::answer(&operation.name, &parts, empty(&operation.name)))
    }
}

/// Carries an operation out as far as an answer on command lets it.
fn commanded(call: &Call<'_>, command: &levers::Command) -> Outcome {
    let batch = call.node.children.iter().find(|child| {
        ["ItemIds", "ItemChanges", "Items", "AttachmentIds", "FolderIds", "Folders"]
            .contains(&child.name.as_str())
    });
    let count = batch.map_or(1, |batch| batch.children.len());
    let at = command.item.min(count.saturating_sub(1));
    let without = |keep: &dyn Fn(usize) -> bool| -> Option<Node> {
        let mut node = call.node.clone();
        let batch = batch?;
        let own = node.children.iter_mut().find(|child| child.name == batch.name)?;
        let mut index = 0;
        own.children.retain(|_| {
            index += 1;
            keep(index - 1)
        });
        (!own.children.is_empty()).then_some(node)
    };
    let is_item = command.form == Form::Item;
    let done = match without(&|index| index < at || (is_item && index > at)) {
        Some(node) => {
            let actor =
                Actor { user: call.actor.user, mailbox: call.actor.mailbox, is_app: call.actor.is_app };
            dispatch(&Call { exchange: call.exchange, actor, node: &node, now: call.now })?
        }
        None => Vec::new(),
    };
    let mut done = done.into_iter();
    let mut parts: Vec<Part> = done.by_ref().take(at).collect();
    parts.push(Err(command.refusal()));
    parts.extend(done);
    while parts.len() < count {
        parts.push(Err(Refusal::new(
            "ErrorBatchProcessingStopped",
            "The request was not processed because an earlier request in the batch stopped it.",
        )));
    }
    Ok(parts)
}

fn dispatch(call: &Call<'_>) -> Outcome {
    match call.node.name.as_str() {
        "GetFolder" => folders::get(call),
        "FindFolder" => folders::find(call),
        "CreateFolder" => folders::create(call),
        "UpdateFolder" => folders::update(call),
        "DeleteFolder" => folders::delete(call),
        "SyncFolderHierarchy" => Ok(vec![sync::hierarchy(call)]),
        "FindItem" => find::find(call),
        "SyncFolderItems" => Ok(vec![sync::items(call)]),
        "GetItem" => items::get(call),
        "UpdateItem" => write::update(call),
        "MoveItem" => items::relocate(call, false),
        "CopyItem" => items::relocate(call, true),
        "DeleteItem" => items::delete(call),
        "CreateItem" => write::create(call),
        "SendItem" => write::send(call),
        "GetAttachment" => attachments::get(call),
        "CreateAttachment" => attachments::create(call),
        "DeleteAttachment" => attachments::delete(call),
        "ResolveNames" => Ok(vec![names::resolve(call)]),
        other => {
            Err(Fault::new("ErrorInvalidOperation", &format!("The operation {other} is not supported.")))
        }
    }
}

/// What the schema wants in a message of an operation even when it is an error.
fn empty(operation: &str) -> &'static str {
    match operation {
        "GetItem" | "UpdateItem" | "MoveItem" | "CopyItem" | "CreateItem" => "<m:Items/>",
        "GetFolder" | "CreateFolder" | "UpdateFolder" => "<m:Folders/>",
        "GetAttachment" | "CreateAttachment" => "<m:Attachments/>",
        _ => "",
    }
}

impl<'a> Call<'a> {
    /// A child that the schema needs.
    fn needed(&self, name: &str) -> Result<&'a Node, Fault> {
        self.node.child(name).ok_or_else(|| Fault::schema(&format!("The element '{name}' is missing."), 1, 1))
    }

    /// A mailbox by the number in an id, if the actor may enter it.
    fn numbered(&self, number: u32) -> Result<&'a Arc<Mailbox>, Refusal> {
        let mailbox = self.exchange.numbered(number).ok_or_else(Refusal::no_item)?;
        if access::may_enter(self.exchange, &self.actor, mailbox) {
            Ok(mailbox)
        } else {
            Err(Refusal::denied())
        }
    }

    /// The folder that a `FolderId` or `DistinguishedFolderId` means. The root above all has the number 0.
    fn place(&self, node: &Node) -> Result<(&'a Arc<Mailbox>, Place), Refusal> {
        let id = node.attribute("Id").unwrap_or_default();
        if node.name == "FolderId" {
            if id.is_empty() {
                return Err(Refusal::new("ErrorInvalidIdEmpty", "Id must be non-empty."));
            }
            let (number, folder) = ews_ids::read_folder(id).ok_or_else(Refusal::malformed_id)?;
            let mailbox = self.exchange.numbered(number).ok_or_else(Refusal::no_folder)?;
            if !access::may_enter(self.exchange, &self.actor, mailbox) {
                return Err(Refusal::denied());
            }
            if folder != 0 && !mailbox.store().folders.contains_key(&folder) {
                return Err(Refusal::no_folder());
            }
            return Ok((mailbox, Place { mailbox: number, folder }));
        }
        let address = node.child("Mailbox").and_then(|mailbox| mailbox.text_of("EmailAddress"));
        let mailbox = match address {
            Some(address) => access::mailbox_of(self.exchange, &self.actor, address)?,
            None => self.actor.mailbox,
        };
        let folder = if id == "root" {
            0
        } else {
            mailbox.store().folder(id).map(|folder| folder.number).ok_or_else(Refusal::no_folder)?
        };
        Ok((mailbox, Place { mailbox: mailbox.number, folder }))
    }

    /// The folder that a target names.
    fn target(&self, node: &Node) -> Result<(&'a Arc<Mailbox>, Place), Refusal> {
        let id = node.children.first().ok_or_else(Refusal::no_folder)?;
        if id.name == "AddressListId" {
            return Err(Refusal::new(
                "ErrorInvalidFolderTypeForOperation",
                "The folder type is invalid for this operation.",
            ));
        }
        self.place(id)
    }

    /// The item that an `ItemId` means.
    fn item(&self, node: &Node) -> Result<(&'a Arc<Mailbox>, ItemId), Refusal> {
        if node.name != "ItemId" {
            // Occurrences are of calendar items, and there are none here.
            return Err(Refusal::no_item());
        }
        self.item_of(node)
    }

    /// The item whose id an element has, whatever its name.
    fn item_of(&self, node: &Node) -> Result<(&'a Arc<Mailbox>, ItemId), Refusal> {
        let text = node.attribute("Id").unwrap_or_default();
        if text.is_empty() {
            return Err(Refusal::new("ErrorInvalidIdEmpty", "Id must be non-empty."));
        }
        let id = ItemId::read(text).ok_or_else(Refusal::malformed_id)?;
        Ok((self.numbered(id.mailbox)?, id))
    }

    /// The ids of a batch.
    fn batch(&self, name: &str) -> Result<&'a [Node], Fault> {
        Ok(self.needed(name)?.children.as_slice())
    }
}

/// Header and operation of an envelope, or the element that does not belong.
fn parts_of(envelope: &Node) -> Result<(Option<&Node>, &Node), &Node> {
    if !envelope.is(Ns::Soap, "Envelope") {
        return Err(envelope);
    }
    let (header, body) = match envelope.children.as_slice() {
        [body] => (None, body),
        [header, body] if header.is(Ns::Soap, "Header") => (Some(header), body),
        _ => return Err(envelope),
    };
    match body.children.as_slice() {
        [operation] if body.is(Ns::Soap, "Body") => Ok((header, operation)),
        _ => Err(body),
    }
}

fn is_version(text: &str) -> bool {
    const NAMED: [&str; 11] = [
        "Exchange2007",
        "Exchange2007_SP1",
        "Exchange2009",
        "Exchange2010",
        "Exchange2010_SP1",
        "Exchange2010_SP2",
        "Exchange2012",
        "Exchange2013",
        "Exchange2013_SP1",
        "Exchange2015",
        "Exchange2016",
    ];
    let is_dated = |text: &str| {
        let mut parts = text.split('_').map(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        parts.by_ref().take(3).all(|is_number| is_number) && parts.next().is_none()
    };
    NAMED.contains(&text) || text.strip_prefix('V').is_some_and(|rest| rest.len() == 10 && is_dated(rest))
}

/// Line and column of a place, from 1.
fn line_of(body: &[u8], at: usize) -> (usize, usize) {
    let before = &body[..at.min(body.len())];
    let line = before.split(|byte| *byte == b'\n').count();
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    (line, column)
}

/// An `xs:dateTime`; one without a zone is in UTC.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| format!("{text}Z").parse().ok())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The response codes in an answer, for the record.
fn codes(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let mut found = Vec::new();
    for rest in text.split("ResponseCode").skip(1).step_by(2) {
        let code = rest.split_once('>').and_then(|(_, rest)| rest.split_once('<')).map(|(code, _)| code);
        if let Some(code) = code {
            found.push(code.to_owned());
        }
    }
    found
}

/// The operation that a request asks for, as far as its first bytes tell: fault rules and counters name it.
pub(crate) fn operation_of(body: &[u8]) -> Option<String> {
    let begin = &body[..body.len().min(64 * 1024)];
    let text = String::from_utf8_lossy(begin);
    let at = text.find("Body")?;
    let rest = &text[at..];
    let rest = &rest[rest.find('>')? + 1..];
    let tag = &rest[rest.find('<')? + 1..];
    let name: String =
        tag.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '-' | '.')).collect();
    let local = name.rsplit(':').next().unwrap_or_default();
    (!local.is_empty()).then(|| local.to_owned())
}

/// The answer of a fault rule: with a code, and for status 500, a SOAP fault; else what the front end answers.
pub(crate) fn failure(
    status: StatusCode,
    code: Option<&str>,
    message: Option<&str>,
    back_off: Option<u64>,
) -> Response<Bytes> {
    if code.is_none() && status != StatusCode::INTERNAL_SERVER_ERROR {
        return answer::page(status);
    }
    let mut fault = Fault::new(
        code.unwrap_or("ErrorServerBusy"),
        message.unwrap_or("The server cannot service this request right now. Try again later."),
    );
    fault.0.back_off = back_off;
    let mut response = answer::fault(&fault);
    *response.status_mut() = status;
    response
}

/// The service.
pub(crate) fn router(state: Arc<EwsState>) -> Router {
    Router::new().fallback(handle).with_state(state)
}

async fn handle(State(state): State<Arc<EwsState>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // The body is in memory already.
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let (response, longer) = state.answer(&parts, &body);
    if !longer.is_zero() {
        tokio::time::sleep(longer).await;
    }
    response.map(Body::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The operation is found whatever prefixes a client uses.
    #[test]
    fn the_operation_is_found_in_any_spelling() {
        let find = |text: &str| operation_of(text.as_bytes());
        assert_eq!(
            find("<s:Envelope><s:Body xmlns:m='x'>\n<m:GetItem></m:GetItem>").as_deref(),
            Some("GetItem")
        );
        assert_eq!(find("<Envelope><Body><FindItem Traversal='Shallow'/>").as_deref(), Some("FindItem"));
        assert_eq!(find("nothing"), None);
    }

    /// Versions of the schema, and dated ones; nothing else.
    #[test]
    fn versions_are_known() {
        assert!(is_version("Exchange2013_SP1") && is_version("V2018_01_08"));
        assert!(!is_version("Exchange2003") && !is_version("V2") && !is_version(""));
    }
}
