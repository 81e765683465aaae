//! The sender: carries deliveries out. One sender a channel at a time (a lease on its row), so that what falls together goes
//! together whatever the number of nodes; the attempt is counted before it is made, and no transaction is open meanwhile.

use std::sync::Arc;
use std::time::Duration;

use fault::{Class, Fault};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use store::{Place, StoreError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;
use uuid::Uuid;

use super::channels::guard::Guard;
use super::channels::{Item, Message, mail, slack, teams, webhook};
use super::decide::{self, Kind, Turn};
use super::store::{self as rows, Channel, Due, Fate};
use crate::connections::Connections;
use crate::connections::health;
use crate::connections::store::outbounds::{self, Outbound};
use crate::outbound::{self, Sent, Used};
use crate::web::Shell;
use crate::web::components::Health;

/// How often the sender looks.
const LOOKS: Duration = Duration::from_millis(500);
/// How long one message may take before another node may send the channel's next.
const LEASE: SignedDuration = SignedDuration::from_secs(90);
/// How long the other side may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// So much of an answer is kept.
const KEPT: usize = 200;

/// Sends notices. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The console: database, clock, address, who is told live.
    pub shell: Shell,
    /// Opens what is sealed; the way to outbounds.
    pub connections: Arc<Connections>,
    /// Which addresses may be reached.
    pub guard: Guard,
    http: reqwest::Client,
}

/// What came of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether the other side took it.
    pub good: bool,
    /// What it said, for people.
    pub text: String,
    /// When it wants to be asked again.
    pub retry_after: Option<SignedDuration>,
    /// Whether the same would fail again.
    pub is_final: bool,
}

impl Answer {
    fn good(text: impl Into<String>) -> Self {
        Self { good: true, text: text.into(), retry_after: None, is_final: true }
    }

    fn bad(text: impl Into<String>) -> Self {
        Self { good: false, text: text.into(), retry_after: None, is_final: false }
    }
}

/// Where a channel's secret is sealed to.
pub fn place(column: &'static str, channel: Uuid) -> Place {
    Place::new("notice_channel", column, channel)
}

impl Sender {
    /// A sender. `certificates` are trusted besides the system's; `allowed` are hosts that may be private.
    pub fn new(
        shell: Shell,
        connections: Arc<Connections>,
        certificates: Vec<reqwest::Certificate>,
        allowed: &[String],
    ) -> Result<Self, reqwest::Error> {
        let guard = Guard::new(allowed);
        // No proxy: through one, the addresses that are looked at are not those that are reached.
        let http = reqwest::Client::builder()
            .user_agent(concat!("Postroom/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .timeout(PATIENCE)
            .dns_resolver(Arc::new(guard.clone()))
            .tls_certs_merge(certificates)
            .build()?;
        Ok(Self { shell, connections, guard, http })
    }

    /// Sends what is due, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let tracker = TaskTracker::new();
        while !stop.is_cancelled() {
            match rows::channels_due(&self.shell.db, self.shell.clock.now()).await {
                Ok(due) => {
                    for channel in due {
                        let sender = self.clone();
                        // A channel that hangs does not keep the others.
                        tracker.spawn(async move {
                            if let Err(error) = sender.send_due(channel).await {
                                tracing::error!(%error, %channel, "notices could not be sent, trying again");
                            }
                        });
                    }
                }
                Err(error) => tracing::error!(%error, "notices cannot be looked for, trying again"),
            }
            tokio::select! {
                () = tokio::time::sleep(LOOKS) => {}
                () = stop.cancelled() => {}
            }
        }
        tracker.close();
        tracker.wait().await;
    }

    /// Sends what is due through one channel, as one message. `false`: nothing went.
    pub async fn send_due(&self, channel: Uuid) -> Result<bool, StoreError> {
        let db = &self.shell.db;
        let now = self.shell.clock.now();
        let mut tx = db.begin().await?;
        let until = now.saturating_add(LEASE).unwrap_or(Timestamp::MAX);
        let Some(channel) = rows::claim_channel(&mut tx, channel, self.connections.owner, until, now).await?
        else {
            return Ok(false);
        };
        let since = now.saturating_sub(decide::WINDOW).unwrap_or(now);
        let sent = rows::sent_since(&mut tx, channel.id, since).await?;
        if let Turn::At(later) = decide::turn(&sent, now) {
            rows::postpone(&mut tx, channel.id, now, later).await?;
            rows::free_channel(&mut tx, channel.id, channel.fence).await?;
            tx.commit().await?;
            return Ok(false);
        }
        let due = rows::take_due(&mut tx, channel.id, Uuid::now_v7(), now).await?;
        if due.is_empty() {
            rows::free_channel(&mut tx, channel.id, channel.fence).await?;
        }
        tx.commit().await?;
        let Some(first) = due.first() else { return Ok(false) };
        let message = Message {
            id: first.message_id,
            at: now,
            is_test: false,
            items: due.iter().map(|due| self.item(due)).collect(),
            url: self.shell.address("/notices"),
        };
        let is_repeated = first.attempts > 1;
        let answer = self.deliver(&channel, &message, is_repeated).await;
        self.settle(&channel, &due, &answer, now).await?;
        Ok(answer.good)
    }

    async fn settle(
        &self,
        channel: &Channel,
        due: &[Due],
        answer: &Answer,
        begun: Timestamp,
    ) -> Result<(), StoreError> {
        let now = self.shell.clock.now();
        let mut tx = self.shell.db.begin().await?;
        for delivery in due {
            let fate = fate(delivery.attempts, answer, now);
            rows::settle(&mut tx, delivery.delivery_id, fate, &answer.text).await?;
        }
        rows::answered(&mut tx, channel.id, answer.good, &answer.text, begun).await?;
        rows::free_channel(&mut tx, channel.id, channel.fence).await?;
        tx.commit().await?;
        if answer.good {
            tracing::info!(channel = %channel.name, notices = due.len(), "notices are sent");
        } else {
            tracing::warn!(channel = %channel.name, answer = %answer.text, "notices could not be sent");
        }
        self.shell.bus.tell("notices");
        Ok(())
    }

    fn item(&self, due: &Due) -> Item {
        let fault =
            due.fault.as_deref().and_then(|text| serde_json::from_str(text).ok()).map(Fault::from_record);
        Item {
            id: due.id,
            kind: Kind::of_row(&due.kind).unwrap_or(Kind::Offline),
            object_kind: due.object_kind.clone(),
            object_id: due.object_id,
            object_name: due.object_name.clone(),
            title: due.title.clone(),
            text: due.text.clone(),
            code: fault.as_ref().map(|fault| fault.code.clone()).unwrap_or_default(),
            pages: fault.as_ref().map(Fault::pages).unwrap_or_default(),
            command: fault.as_ref().and_then(Fault::command),
            entry: fault.map(|fault| fault.entry.id.to_owned()).unwrap_or_default(),
            url: self.shell.address(&due.href),
            raised_at: Timestamp::from_microsecond(due.raised_at).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }

    /// Tries a channel out and records what it answered.
    pub async fn test(&self, channel: &Channel) -> Result<Answer, StoreError> {
        let now = self.shell.clock.now();
        let message = Message {
            id: Uuid::now_v7(),
            at: now,
            is_test: true,
            items: Vec::new(),
            url: self.shell.address("/notices"),
        };
        let answer = self.deliver(channel, &message, false).await;
        let mut tx = self.shell.db.begin().await?;
        rows::answered(&mut tx, channel.id, answer.good, &answer.text, now).await?;
        tx.commit().await?;
        self.shell.bus.tell("notices");
        Ok(answer)
    }

    async fn deliver(&self, channel: &Channel, message: &Message, is_repeated: bool) -> Answer {
        let target = match self.open("target_sealed", channel.id, &channel.target_sealed) {
            Ok(target) => target,
            Err(answer) => return answer,
        };
        if channel.kind == "mail" {
            return self.mail(channel, message, target.expose_secret(), is_repeated).await;
        }
        let body = match channel.kind.as_str() {
            "slack" => slack::body(message),
            "teams" => teams::body(message),
            _ => webhook::body(message),
        };
        let body = body.to_string().into_bytes();
        let headers = match &channel.secret_sealed {
            Some(sealed) => match self.open("secret_sealed", channel.id, sealed) {
                Ok(key) => webhook::headers(message, &key, &body).to_vec(),
                Err(answer) => return answer,
            },
            None => Vec::new(),
        };
        let Ok(url) = Url::parse(target.expose_secret()) else {
            return Answer::bad("the stored address cannot be read: remove the channel and add it again");
        };
        if let Err(refused) = self.guard.judge(&url) {
            return Answer::bad(refused.to_string());
        }
        let mut request =
            self.http.post(url).header(http::header::CONTENT_TYPE, "application/json").body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        match request.send().await {
            Ok(response) => answered(response).await,
            Err(error) => Answer::bad(in_words(&error)),
        }
    }

    fn open(&self, column: &'static str, channel: Uuid, sealed: &[u8]) -> Result<SecretString, Answer> {
        let plain = self.connections.sealer.open(&place(column, channel), sealed);
        plain
            .map(|plain| SecretString::from(String::from_utf8_lossy(&plain).into_owned()))
            .map_err(|error| Answer::bad(format!("its sealed settings cannot be opened ({error})")))
    }

    /// Through an outbound that works; of several, one whose account is not among those that are told of.
    async fn mail(&self, channel: &Channel, message: &Message, target: &str, is_repeated: bool) -> Answer {
        let all = match outbounds::all(&self.shell.db, channel.workspace_id).await {
            Ok(all) => all,
            Err(error) => return Answer::bad(format!("the outbounds cannot be read ({error})")),
        };
        let named: Vec<&str> = message.items.iter().map(|item| item.object_name.as_str()).collect();
        let Some(outbound) = choose(&all, &named, self.shell.clock.now()) else {
            return Answer::bad(
                "no Message Outbound works, so no mail can be sent: add one under Message Outbounds, or another channel",
            );
        };
        let draft = mail::draft(message, outbound::send::from(outbound), mail::addresses(target));
        let stamp = format!("notice:{}", message.id);
        let (result, _) = outbound::send(&self.connections, outbound, &draft, &stamp, is_repeated).await;
        let answer = match &result {
            Ok(Sent::Done) => Answer::good(format!("sent from {}", outbound.mailbox)),
            Ok(Sent::InDoubt) => Answer::good(format!(
                "{} did not answer; the mail may have gone and is not sent twice",
                outbound.mailbox
            )),
            Err(not_sent) => {
                let fault = not_sent.fault();
                Answer {
                    // An address that is refused is refused again.
                    is_final: fault.entry.class == Class::Poison,
                    ..Answer::bad(format!("from {}: {}", outbound.mailbox, fault.sentence()))
                }
            }
        };
        let used = Used::of(&result);
        if let Err(error) = outbound::send::record(&self.connections, outbound, used).await {
            tracing::error!(%error, "how an outbound is could not be stored");
        }
        answer
    }
}

/// What becomes of a delivery after so many attempts.
fn fate(attempts: i64, answer: &Answer, now: Timestamp) -> Fate {
    if answer.good {
        return Fate::Sent;
    }
    match decide::again_after(attempts, answer.retry_after) {
        Some(wait) if !answer.is_final => Fate::Again(now.saturating_add(wait).unwrap_or(now)),
        _ => Fate::Failed,
    }
}

/// The outbound that a notice goes through: it works, and best is not one of those that the notice is about. Where none works, one that
/// was only refused to send: whether it is let again, nothing but a mail shows.
pub(super) fn choose<'o>(all: &'o [Outbound], named: &[&str], now: Timestamp) -> Option<&'o Outbound> {
    let well = |outbound: &&Outbound| health::of_outbound(outbound).health == Health::Online;
    let about = |outbound: &Outbound| {
        named.iter().any(|name| name.contains(&outbound.username) || name.contains(&outbound.mailbox))
    };
    all.iter().filter(well).min_by_key(|outbound| about(outbound)).or_else(|| {
        all.iter().filter(|outbound| may_be_tried(outbound, now)).min_by_key(|one| one.send_next_at)
    })
}

/// Whether a mail may show that an outbound is let send again.
fn may_be_tried(outbound: &Outbound, now: Timestamp) -> bool {
    let is_online = |state: &str| state == "online";
    outbound.paused_at.is_none()
        && is_online(&outbound.account_state)
        && is_online(&outbound.state)
        && !is_online(&outbound.send_state)
        && outbound.send_next_at <= now.as_microsecond()
}

async fn answered(response: reqwest::Response) -> Answer {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(http::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(SignedDuration::from_secs);
    let said = said(response).await;
    let text = if said.is_empty() {
        format!("HTTP {}", status.as_u16())
    } else {
        format!("HTTP {}: {said}", status.as_u16())
    };
    Answer { good: status.is_success(), text, retry_after, is_final: false }
}

/// The beginning of what the other side said, on one line.
async fn said(mut response: reqwest::Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > 4 * KEPT {
            break;
        }
    }
    let text = String::from_utf8_lossy(&body);
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ").chars().take(KEPT).collect()
}

/// Why nothing came back. The address is not repeated: whoever knows it may post to it.
fn in_words(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    let mut deepest = String::new();
    while let Some(next) = cause.source() {
        if let Some(refused) = next.downcast_ref::<super::channels::guard::Refused>() {
            return refused.to_string();
        }
        deepest = next.to_string();
        cause = next;
    }
    if error.is_timeout() {
        return format!("no answer within {} s", PATIENCE.as_secs());
    }
    if deepest.is_empty() {
        "the connection failed".to_owned()
    } else {
        format!("the connection failed: {deepest}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: what was not taken is tried again, what would fail again is given up at once.
    #[test]
    fn what_would_fail_again_is_given_up() {
        let now = Timestamp::UNIX_EPOCH;
        let refused = Answer::bad("a recipient's address is refused");
        assert!(matches!(fate(1, &refused, now), Fate::Again(at) if at > now));
        assert_eq!(fate(1, &Answer { is_final: true, ..refused.clone() }, now), Fate::Failed);
        assert_eq!(fate(99, &refused, now), Fate::Failed);
        assert_eq!(fate(1, &Answer::good("taken"), now), Fate::Sent);
    }
}
