//! Subscriptions: what a caller wants to be told, the handshake with his address, and the notices themselves.
//!
//! A subscription is kept only after its addresses have echoed a token. From then on a task of its own looks, after
//! every request that may have changed a mailbox, for changes since it looked last, and posts them; whoever does not take
//! a notice is asked again for a while. Nothing is sent anywhere but to the addresses that a subscription names.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use super::access;
use super::answer::{Answer, Outcome, Refusal};
use super::call::{Call, segments};
use super::{GraphState, no_method, no_resource};
use crate::entra::grants::Access;
use crate::exchange::Exchange;
use crate::exchange::ids;
use crate::exchange::mailbox::{Entry, Store};

/// Longest life of a subscription to messages.
const LONGEST: SignedDuration = SignedDuration::from_mins(10_080);
/// Shortest: less is raised to this.
const SHORTEST: SignedDuration = SignedDuration::from_mins(45);
/// Before the end, the client is asked to renew.
const ASKED_BEFORE: SignedDuration = SignedDuration::from_mins(15);
/// How long an address has for the handshake and for a notice.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a notice is tried, and how long is waited after the first time; the wait doubles.
const TRIES: u32 = 8;
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// Active subscriptions of a mailbox, all apps together.
const MOST_OF_MAILBOX: usize = 1_000;
/// Most changes in one notice.
const MOST_IN_NOTICE: usize = 100;
/// How often the task looks without being called, for what the clock brings.
const LOOKS_EVERY: Duration = Duration::from_millis(250);

/// What a caller is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Created,
    Updated,
    Deleted,
}

impl Change {
    fn read(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "created" => Some(Self::Created),
            "updated" => Some(Self::Updated),
            "deleted" => Some(Self::Deleted),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}

/// What befalls a subscription itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Lifecycle {
    ReauthorizationRequired,
    SubscriptionRemoved,
    Missed,
}

impl Lifecycle {
    fn name(self) -> &'static str {
        match self {
            Self::ReauthorizationRequired => "reauthorizationRequired",
            Self::SubscriptionRemoved => "subscriptionRemoved",
            Self::Missed => "missed",
        }
    }
}

/// A subscription.
#[derive(Clone, Debug)]
struct Subscription {
    id: Uuid,
    client_id: String,
    tenant: Uuid,
    creator: Option<Uuid>,
    mailbox: Uuid,
    /// None: all messages of the mailbox.
    folder: Option<u32>,
    changes: BTreeSet<Change>,
    resource: String,
    notification_url: String,
    lifecycle_url: Option<String>,
    client_state: Option<String>,
    tls: Option<String>,
    expires: Timestamp,
    /// Notices name messages by immutable ids.
    immutable: bool,
    /// The mailbox's change up to which all is told.
    seen: u64,
    /// Whether the client was asked to renew.
    asked: bool,
    counts: Counts,
}

/// What became of a subscription's notices.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    delivered: u64,
    failed: u64,
    dropped: u64,
}

/// Faults of the delivery, on command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DeliveryQuirks {
    /// Notices vanish, though the subscription lives.
    pub(crate) drop: bool,
    /// Notices come late, in milliseconds.
    pub(crate) delay_ms: u64,
    /// Each notice comes twice.
    pub(crate) twice: bool,
}

/// All subscriptions.
#[derive(Default)]
pub(crate) struct Subscriptions {
    all: Mutex<Vec<Subscription>>,
    quirks: Mutex<DeliveryQuirks>,
}

/// A notice to be posted.
struct Notice {
    subscription: Uuid,
    url: String,
    body: String,
    /// Whether it tells of changes, rather than of the subscription itself.
    tells_changes: bool,
}

impl Subscriptions {
    fn lock(&self) -> MutexGuard<'_, Vec<Subscription>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn quirks(&self) -> DeliveryQuirks {
        *self.quirks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how notices are delivered from now on.
    pub(crate) fn set_quirks(&self, quirks: DeliveryQuirks) {
        *self.quirks.lock().unwrap_or_else(PoisonError::into_inner) = quirks;
    }

    /// The subscriptions as the control address tells them.
    pub(crate) fn list(&self) -> Vec<Value> {
        let all = self.lock();
        all.iter()
            .map(|own| {
                let mut value = shown(own);
                value["delivered"] = own.counts.delivered.into();
                value["failed"] = own.counts.failed.into();
                value["dropped"] = own.counts.dropped.into();
                value
            })
            .collect()
    }

    fn count(&self, subscription: Uuid, count: impl FnOnce(&mut Counts)) {
        if let Some(own) = self.lock().iter_mut().find(|own| own.id == subscription) {
            count(&mut own.counts);
        }
    }

    /// The notices that are due, and marks them as told.
    fn due(&self, exchange: &Exchange, now: Timestamp) -> Vec<Notice> {
        let mut all = self.lock();
        all.retain(|own| own.expires > now);
        let mut out = Vec::new();
        for own in &mut *all {
            if !own.asked && own.expires.duration_since(now) <= ASKED_BEFORE {
                own.asked = true;
                out.extend(lifecycle_notice(own, Lifecycle::ReauthorizationRequired));
            }
            let Some(mailbox) = exchange.mailbox(&own.mailbox.to_string()) else { continue };
            let store = mailbox.store();
            if store.last_change <= own.seen {
                continue;
            }
            let items = changes(own, &store);
            own.seen = store.last_change;
            for part in items.chunks(MOST_IN_NOTICE) {
                out.push(Notice {
                    subscription: own.id,
                    url: own.notification_url.clone(),
                    body: json!({"value": part}).to_string(),
                    tells_changes: true,
                });
            }
        }
        out
    }

    /// What befalls subscriptions on command; how many.
    fn befall(&self, id: Option<Uuid>, event: Lifecycle) -> (usize, Vec<Notice>) {
        let mut all = self.lock();
        let chosen = |own: &Subscription| id.is_none_or(|id| own.id == id);
        let notices =
            all.iter().filter(|own| chosen(own)).filter_map(|own| lifecycle_notice(own, event)).collect();
        let count = all.iter().filter(|own| chosen(own)).count();
        if event == Lifecycle::SubscriptionRemoved {
            all.retain(|own| !chosen(own));
        }
        (count, notices)
    }
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.7fZ").to_string()
}

fn shown(own: &Subscription) -> Value {
    json!({
        "id": own.id,
        "resource": own.resource,
        "applicationId": own.client_id,
        "changeType": own.changes.iter().map(|change| change.name()).collect::<Vec<_>>().join(","),
        "clientState": own.client_state,
        "notificationUrl": own.notification_url,
        "notificationQueryOptions": null,
        "lifecycleNotificationUrl": own.lifecycle_url,
        "expirationDateTime": moment(own.expires),
        "creatorId": own.creator.map_or_else(|| own.client_id.clone(), |user| user.to_string()),
        "includeResourceData": null,
        "latestSupportedTlsVersion": own.tls,
        "encryptionCertificate": null,
        "encryptionCertificateId": null,
        "notificationUrlAppId": null,
    })
}

fn lifecycle_notice(own: &Subscription, event: Lifecycle) -> Option<Notice> {
    let url = own.lifecycle_url.clone()?;
    let body = json!({"value": [{
        "subscriptionId": own.id,
        "subscriptionExpirationDateTime": moment(own.expires),
        "tenantId": own.tenant,
        "clientState": own.client_state,
        "lifecycleEvent": event.name(),
    }]});
    Some(Notice { subscription: own.id, url, body: body.to_string(), tells_changes: false })
}

/// What changed for a subscription since it was told last, oldest first.
fn changes(own: &Subscription, store: &Store) -> Vec<Value> {
    let mut found: Vec<(u64, Change, String, String)> = Vec::new();
    for folder in store.folders.values() {
        if own.folder.is_some_and(|wanted| wanted != folder.number) {
            continue;
        }
        for (place, entry) in folder.log_after(own.seen) {
            match entry {
                Entry::Here(key) => {
                    let Some(message) = store.messages.get(&key) else { continue };
                    let change = if message.arrived > own.seen { Change::Created } else { Change::Updated };
                    let id = message.id(store.mailbox, own.immutable);
                    found.push((place, change, id, format!("W/\"{place}\"")));
                }
                Entry::Gone { key, generation } => {
                    let id = if own.immutable {
                        ids::immutable(store.mailbox, key)
                    } else {
                        ids::ordinary(store.mailbox, key, folder.number, generation)
                    };
                    found.push((place, Change::Deleted, id, format!("W/\"{place}\"")));
                }
            }
        }
    }
    found.retain(|(_, change, ..)| own.changes.contains(change));
    found.sort_by_key(|(place, ..)| *place);
    found
        .into_iter()
        .map(|(_, change, id, etag)| {
            let resource = format!("Users/{}/Messages/{id}", own.mailbox);
            json!({
                "subscriptionId": own.id,
                "subscriptionExpirationDateTime": moment(own.expires),
                "changeType": change.name(),
                "resource": resource,
                "resourceData": {"@odata.type": "#Microsoft.Graph.Message", "@odata.id": resource,
                    "@odata.etag": etag, "id": id},
                "clientState": own.client_state,
                "tenantId": own.tenant,
            })
        })
        .collect()
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidRequest", message)
}

/// Whether the simulator may post there: https, or http on this machine.
fn check_url(text: &str, name: &str) -> Result<(), Refusal> {
    let Ok(url) = Url::parse(text) else {
        return Err(invalid(format!("{name} '{text}' is not a valid URL.")));
    };
    let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_local => Ok(()),
        _ => Err(invalid(format!("{name} must use the HTTPS protocol."))),
    }
}

fn expiry(text: &str, now: Timestamp) -> Result<Timestamp, Refusal> {
    let at: Timestamp = text.parse().map_err(|_| {
        invalid(format!("Cannot convert the value '{text}' to the expected type 'Edm.DateTimeOffset'."))
    })?;
    if at <= now {
        return Err(invalid("Subscription expiration must be in the future."));
    }
    if at.duration_since(now) > LONGEST {
        return Err(invalid(format!(
            "Subscription expiration can only be {} minutes in the future.",
            LONGEST.as_secs() / 60
        )));
    }
    let least = now.saturating_add(SHORTEST).unwrap_or(now);
    Ok(at.max(least))
}

impl GraphState {
    /// `POST /subscriptions`: the only operation that talks to somebody else before it answers.
    pub(super) async fn subscribe(&self, parts: &Parts, body: Bytes) -> Outcome {
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let access = access::check(&self.grants, &parts.headers, self.login(), self.now())?;
        let call = Call::new(parts.method.clone(), target, &parts.headers, body, false)?;
        let wanted = self.wanted(&call, &access)?;
        for url in [Some(&wanted.notification_url), wanted.lifecycle_url.as_ref()].into_iter().flatten() {
            self.shake_hands(url).await?;
        }
        let mut all = self.subscriptions.lock();
        check_room(&all, &wanted)?;
        let mut value = shown(&wanted);
        value["@odata.context"] = format!("{}/v1.0/$metadata#subscriptions/$entity", self.base()).into();
        all.push(wanted);
        Ok(Answer::value(201, &value))
    }

    /// Reads what is asked for, and whether the caller may have it.
    fn wanted(&self, call: &Call, access: &Access) -> Result<Subscription, Refusal> {
        let body = call.object()?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let needed = |name: &str| {
            text(name)
                .ok_or_else(|| invalid(format!("The request is missing the required property '{name}'.")))
        };
        let changes: Option<BTreeSet<Change>> = needed("changeType")?.split(',').map(Change::read).collect();
        let changes = changes.ok_or_else(|| invalid("The value of changeType is not supported."))?;
        if body.get("includeResourceData") == Some(&Value::Bool(true)) {
            return Err(invalid("Resource data in notices is not simulated: leave includeResourceData out."));
        }
        let notification_url = needed("notificationUrl")?.to_owned();
        check_url(&notification_url, "notificationUrl")?;
        let lifecycle_url = text("lifecycleNotificationUrl").map(str::to_owned);
        if let Some(url) = &lifecycle_url {
            check_url(url, "lifecycleNotificationUrl")?;
        }
        let client_state = text("clientState").map(str::to_owned);
        if client_state.as_ref().is_some_and(|state| state.chars().count() > 128) {
            return Err(invalid("The clientState is longer than 128 characters."));
        }
        let resource = needed("resource")?.to_owned();
        let (mailbox, folder) = self.subscribed_to(&resource, access)?;
        let seen = mailbox.store().last_change;
        let wanted = Subscription {
            id: self.core.chance.uuid(),
            client_id: access.client_id.to_string(),
            tenant: access.tenant,
            creator: access.user,
            mailbox: mailbox.owner,
            folder,
            changes,
            resource,
            notification_url,
            lifecycle_url,
            client_state,
            tls: text("latestSupportedTlsVersion").map(str::to_owned),
            expires: expiry(needed("expirationDateTime")?, self.now())?,
            immutable: call.prefer.immutable,
            seen,
            asked: false,
            counts: Counts::default(),
        };
        check_room(&self.subscriptions.lock(), &wanted)?;
        Ok(wanted)
    }

    /// The mailbox and folder of a resource, if the caller may be told of it.
    fn subscribed_to(
        &self,
        resource: &str,
        access: &Access,
    ) -> Result<(&Arc<crate::exchange::mailbox::Mailbox>, Option<u32>), Refusal> {
        let unsupported = || invalid(format!("The resource '{resource}' is not supported."));
        let path = resource.split('?').next().unwrap_or(resource);
        let parts = segments(path);
        let lower: Vec<String> = parts.iter().map(|part| part.to_ascii_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let (who, rest, at) = match lower.as_slice() {
            ["me", rest @ ..] => (None, rest, 1),
            ["users", _, rest @ ..] => (parts.get(1).map(String::as_str), rest, 2),
            _ => return Err(unsupported()),
        };
        let folder = match rest {
            ["messages"] => None,
            ["mailfolders", _, "messages"] => parts.get(at + 1).map(String::as_str),
            _ => return Err(unsupported()),
        };
        let owner = access::user(&self.exchange, access, who)?;
        if access.user.is_some_and(|user| user != owner.oid) {
            // Shared mailboxes can be read with delegated rights, but not subscribed to.
            let reason = "Operation: Create; Exception: [Status Code: Forbidden; Reason: Access is denied. Check credentials and try again.]";
            return Err(Refusal::new(403, "ExtensionError", reason));
        }
        let mailbox = access::mailbox(&self.exchange, access, who, access::Need::Read)?;
        let folder = match folder {
            Some(id) => {
                let store = mailbox.store();
                Some(store.folder(id).ok_or_else(Refusal::no_folder)?.number)
            }
            None => None,
        };
        Ok((mailbox, folder))
    }

    /// Lets an address prove that it wants notices: it echoes a token.
    async fn shake_hands(&self, url: &str) -> Result<(), Refusal> {
        let failed = |reason: &str| {
            let message = format!("Subscription validation request failed. {reason}");
            Refusal::new(400, "ValidationError", message)
        };
        let token = format!(
            "Validation: Testing client application reachability for subscription Request-Id: {}",
            self.core.chance.uuid()
        );
        let mut address = Url::parse(url).map_err(|_| failed("The address is none."))?;
        address.query_pairs_mut().append_pair("validationToken", &token);
        let request = self.http.post(address).header("content-type", "text/plain; charset=utf-8").body("");
        let exchange = async {
            let response = request.send().await?;
            let status = response.status();
            let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
            let is_text = kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/plain"));
            Ok::<_, reqwest::Error>((status, is_text, response.text().await?))
        };
        let (status, is_text, text) = match tokio::time::timeout(PATIENCE, exchange).await {
            Err(_) => return Err(failed("Subscription validation request timed out.")),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the handshake of a subscription failed");
                return Err(failed("The request to the notification endpoint could not be sent."));
            }
            Ok(Ok(answer)) => answer,
        };
        if status != reqwest::StatusCode::OK {
            return Err(failed("Notification endpoint must respond with 200 OK to validation request."));
        }
        if !is_text || text.trim() != token {
            return Err(failed(
                "Validation: the response must be the validation token, decoded, as text/plain.",
            ));
        }
        Ok(())
    }

    /// Operations on subscriptions that are there. A caller sees those that his app made, and a person only his own.
    pub(super) fn subscriptions(&self, call: &Call, access: &Access, lower: &[&str]) -> Outcome {
        let mut all = self.subscriptions.lock();
        let is_mine = |own: &Subscription| {
            own.client_id == *access.client_id && own.tenant == access.tenant && own.creator == access.user
        };
        let now = self.now();
        all.retain(|own| own.expires > now);
        let context = format!("{}/v1.0/$metadata#subscriptions", self.base());
        if lower.len() == 1 {
            if call.method != Method::GET {
                return Err(no_method(call));
            }
            let values: Vec<Value> = all.iter().filter(|own| is_mine(own)).map(shown).collect();
            return Ok(Answer::value(200, &json!({"@odata.context": context, "value": values})));
        }
        let id = call.path.get(1).map_or("", String::as_str);
        let found = all.iter().position(|own| own.id.to_string().eq_ignore_ascii_case(id) && is_mine(own));
        let Some(at) = found else {
            return Err(Refusal::new(404, "ResourceNotFound", "The object was not found."));
        };
        match (call.method.as_str(), lower.get(2)) {
            ("GET", None) => {
                let mut value = shown(&all[at]);
                value["@odata.context"] = format!("{context}/$entity").into();
                Ok(Answer::value(200, &value))
            }
            ("DELETE", None) => {
                all.remove(at);
                Ok(Answer::empty(204))
            }
            ("PATCH", None) => {
                let body = call.object()?;
                renew(&mut all[at], &body, now)?;
                let mut value = shown(&all[at]);
                value["@odata.context"] = format!("{context}/$entity").into();
                Ok(Answer::value(200, &value))
            }
            ("POST", Some(&"reauthorize")) => Ok(Answer::empty(204)),
            (_, None) => Err(no_method(call)),
            (_, Some(other)) => Err(no_resource(other)),
        }
    }

    /// Lets something befall subscriptions; how many there were.
    pub(crate) fn befall(self: &Arc<Self>, id: Option<Uuid>, event: Lifecycle) -> usize {
        let (count, notices) = self.subscriptions.befall(id, event);
        for notice in notices {
            self.post(notice);
        }
        count
    }

    /// Posts notices until the simulator ends.
    pub(crate) async fn notify(self: Arc<Self>, end: CancellationToken) {
        loop {
            tokio::select! {
                () = end.cancelled() => return,
                () = self.core.changed.notified() => {}
                () = tokio::time::sleep(LOOKS_EVERY) => {}
            }
            for notice in self.subscriptions.due(&self.exchange, self.now()) {
                self.post(notice);
            }
        }
    }

    fn post(self: &Arc<Self>, notice: Notice) {
        let state = Arc::clone(self);
        tokio::spawn(async move {
            let end = state.core.end.clone();
            tokio::select! {
                () = end.cancelled() => {}
                () = state.deliver(notice) => {}
            }
        });
    }

    async fn deliver(&self, notice: Notice) {
        let quirks = self.subscriptions.quirks();
        if quirks.drop && notice.tells_changes {
            self.subscriptions.count(notice.subscription, |counts| counts.dropped += 1);
            return;
        }
        tokio::time::sleep(Duration::from_millis(quirks.delay_ms)).await;
        let times = if quirks.twice { 2 } else { 1 };
        for _ in 0..times {
            let mut wait = FIRST_WAIT;
            let mut is_taken = false;
            for _ in 0..TRIES {
                let request = self.http.post(&notice.url).header("content-type", "application/json");
                let sent = tokio::time::timeout(PATIENCE, request.body(notice.body.clone()).send()).await;
                is_taken = matches!(sent, Ok(Ok(response)) if response.status().is_success());
                if is_taken {
                    break;
                }
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
            self.subscriptions.count(notice.subscription, |counts| {
                if is_taken {
                    counts.delivered += 1;
                } else {
                    counts.failed += 1;
                }
            });
        }
    }
}

fn renew(own: &mut Subscription, body: &Map<String, Value>, now: Timestamp) -> Result<(), Refusal> {
    for (name, value) in body {
        match (name.as_str(), value) {
            ("expirationDateTime", Value::String(text)) => own.expires = expiry(text, now)?,
            ("notificationUrl", Value::String(url)) if *url == own.notification_url => {}
            ("lifecycleNotificationUrl", _) if own.lifecycle_url.is_none() => {
                return Err(invalid("lifecycleNotificationUrl cannot be added to a subscription later."));
            }
            _ => return Err(invalid(format!("The property '{name}' cannot be updated."))),
        }
    }
    own.asked = false;
    Ok(())
}

/// Whether there is room for one more, and none like it.
fn check_room(all: &[Subscription], wanted: &Subscription) -> Result<(), Refusal> {
    let is_same = |own: &Subscription| {
        own.client_id == wanted.client_id
            && own.tenant == wanted.tenant
            && own.creator == wanted.creator
            && own.mailbox == wanted.mailbox
            && own.folder == wanted.folder
            && own.changes == wanted.changes
    };
    if all.iter().any(is_same) {
        let message = "Subscription already exists for this resource and changeType.";
        return Err(Refusal::new(409, "Conflict", message));
    }
    if all.iter().filter(|own| own.mailbox == wanted.mailbox).count() >= MOST_OF_MAILBOX {
        return Err(Refusal::new(403, "ExtensionError", "The mailbox has too many subscriptions."));
    }
    Ok(())
}
