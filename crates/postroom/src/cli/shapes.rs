//! What the commands and the service exchange: the JSON of the REST API under `/api/v1`.
//!
//! The service builds these, the commands read them. Every field that may be missing is optional and is left out when it
//! is, so that a command reads the answer of a newer or an older service. Times are RFC 3339 in UTC.

use fault::PageLink;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `GET /api/v1/health`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Health {
    /// The service's version.
    pub version: String,
    /// Whether it can work.
    pub ready: bool,
    /// Why not, by part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

/// An entry of the fault catalogue as the API shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FaultShape {
    /// The code that the other side gave, or the entry's name.
    pub code: String,
    /// What is wrong.
    pub cause: String,
    /// Whether the code is not in the catalogue, and the rest the best guess by its class.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_guess: bool,
    /// What to do.
    pub mend: String,
    /// Who must act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Where to read on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The portal's page on which it is mended, in the portal of the connection's cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<PageLink>,
    /// The pages where there are several, because nobody knows which: `page` is none of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<PageLink>,
    /// The command that mends or examines it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// All faults of a connection: of an older service the first alone.
pub(super) fn all_faults<'a>(first: Option<&'a FaultShape>, all: &'a [FaultShape]) -> Vec<&'a FaultShape> {
    if all.is_empty() { first.into_iter().collect() } else { all.iter().collect() }
}

/// One of `GET /api/v1/sources`: `{"sources": […]}`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Source {
    /// Its id.
    pub id: String,
    /// The mailbox's address.
    pub mailbox: String,
    /// The folder's name.
    pub folder: String,
    /// `graph` or `ews`.
    #[serde(default)]
    pub connection_type: String,
    /// `online`, `degraded`, `offline`, `admin_approval_needed`, `not_confirmed` or `paused`.
    pub state: String,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When it is tried again, while it does not work; none where that is after a new sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try_at: Option<Timestamp>,
    /// Where its mail goes, such as `SUP (Support)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The last time that it was asked for mail with an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<Timestamp>,
    /// When the newest mail arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_mail_at: Option<Timestamp>,
    /// Mails that have no end yet.
    #[serde(default)]
    pub waiting: u64,
    /// Why it is not online: what comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultShape>,
    /// All that keeps it from being online, what comes first first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultShape>,
    /// How Microsoft's announcements of new mail stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<Push>,
}

/// A source's push.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// `on`, `making`, `off`, or `deaf` (replaced by polling).
    pub state: String,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Why it is off, in a word: `shared_mailbox`, `ews`, `address`, `refused`, `unreachable` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same for people.
    #[serde(default)]
    pub text: String,
    /// The subscription's end, unless it is renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// When a mail was announced last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_notice_at: Option<Timestamp>,
    /// Announcements since the subscription was made.
    #[serde(default)]
    pub notices: u64,
}

/// `GET /api/v1/sources`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sources {
    /// All of them.
    pub sources: Vec<Source>,
}

/// `POST /api/v1/sources/{id}/ping`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ping {
    /// Whether every check that was tried was good.
    pub ok: bool,
    /// What was checked, in its order.
    pub checks: Vec<PingCheck>,
}

/// One check of a ping.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PingCheck {
    /// What was checked.
    pub name: String,
    /// Whether it was good.
    pub ok: bool,
    /// Why it is neither good nor bad: `unknown`, `not_tried`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<String>,
    /// What was found.
    #[serde(default)]
    pub text: String,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub took_ms: u64,
    /// What was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultShape>,
}

/// One of `GET /api/v1/messages?state=&limit=`: `{"messages": […]}`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// When it arrived.
    pub received_at: Timestamp,
    /// The sender's address.
    #[serde(default)]
    pub from: String,
    /// The subject.
    #[serde(default)]
    pub subject: String,
    /// `recorded`, `ready`, `acting`, `held` or `ended`.
    pub state: String,
    /// `issue`, `comment`, `rejected`, `held` or `ignored`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<String>,
    /// The issue that it became or that it is a comment of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `GET /api/v1/messages`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Messages {
    /// Newest first.
    pub messages: Vec<Message>,
}

/// `GET /api/v1/messages/{id}`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MessageDetail {
    /// The message as it is listed.
    #[serde(flatten)]
    pub message: Message,
    /// What was decided and why, in its order.
    #[serde(default)]
    pub trace: Vec<TraceLine>,
    /// What was done elsewhere, in its order.
    #[serde(default)]
    pub steps: Vec<StepShape>,
}

/// A line of a trace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TraceLine {
    /// What was looked at.
    pub rule: String,
    /// What came of it.
    pub text: String,
}

/// One effect in another system.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepShape {
    /// What it does, such as `create issue`.
    pub slot: String,
    /// `planned`, `intent`, `in_doubt`, `done` or `held`.
    pub state: String,
    /// What it made there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultShape>,
}

/// What the service answers instead of what was asked, with a status of 400 or above.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApiProblem {
    /// What happened. One sentence.
    pub what: String,
    /// What to do. One sentence.
    pub mend: String,
}

/// `POST /api/v1/sign-in-links`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignInLink {
    /// The link, with its token: shown once.
    pub link: String,
    /// Its end.
    pub until: Timestamp,
}

/// One of `GET /api/v1/outbounds`: `{"outbounds": […]}`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outbound {
    /// Its id.
    pub id: String,
    /// The mailbox's address.
    pub mailbox: String,
    /// The account that sends.
    pub account: String,
    /// The name beside the address.
    #[serde(default)]
    pub from_name: String,
    /// `graph` or `ews`.
    pub connection_type: String,
    /// The address of an Exchange server of one's own; empty: that of the app registration.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ews_url: String,
    /// `online`, `degraded`, `offline`, `admin_approval_needed` or `paused`.
    pub state: String,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When it is tried again, while it does not work; none where that is after a new sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try_at: Option<Timestamp>,
    /// The last time that it worked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<Timestamp>,
    /// When a mail was sent last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sent_at: Option<Timestamp>,
    /// Why it is not online: what comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultShape>,
    /// All that keeps it from being online, what comes first first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultShape>,
}

/// `GET /api/v1/outbounds`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outbounds {
    /// All of them.
    pub outbounds: Vec<Outbound>,
}

/// One of `GET /api/v1/jira`: `{"connections": […]}`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Jira {
    /// Its id.
    pub id: String,
    /// As people know it.
    pub name: String,
    /// `cloud_service`, `cloud_scoped`, `cloud_token` or `data_center_token`.
    pub kind: String,
    /// The site's address.
    pub site: String,
    /// The id by which Atlassian's gateway knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_id: Option<String>,
    /// Whom Postroom is signed in as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in_as: Option<String>,
    /// Which Jira it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `online`, `degraded`, `offline` or `paused`.
    pub state: String,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The last time that it worked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<Timestamp>,
    /// When it is tried again, while it does not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try_at: Option<Timestamp>,
    /// When its secret ends, at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ends_at: Option<Timestamp>,
    /// Whether that is known, and not only at the latest.
    #[serde(default)]
    pub secret_end_is_known: bool,
    /// The projects that mail goes to.
    pub projects: Vec<JiraProject>,
    /// Why it is not online.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultShape>,
}

/// A project of a Jira connection that mail goes to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JiraProject {
    /// Its key.
    pub key: String,
    /// `online`, `degraded` or `offline`.
    pub state: String,
    /// Sources that send mail to it.
    pub sources: u64,
}

/// `GET /api/v1/jira`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JiraConnections {
    /// All of them.
    pub connections: Vec<Jira>,
}

/// One of `GET /api/v1/applications`: `{"applications": […]}`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Application {
    /// Its id.
    pub id: String,
    /// As people know it.
    pub name: String,
    /// The tenant's id.
    pub tenant: String,
    /// The app's client id.
    pub client_id: String,
    /// The mailboxes inside the fence.
    pub mailboxes: Vec<String>,
    /// The one outside, with which the fence is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_mailbox: Option<String>,
    /// `holds`, `open`, `unclear` or `unchecked`.
    pub fence: String,
    /// The same in sentences.
    pub said: String,
    /// When it was checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    /// Until when that may be an old answer, which Exchange keeps for up to two hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_until: Option<Timestamp>,
}

/// `GET /api/v1/applications`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Applications {
    /// All of them.
    pub applications: Vec<Application>,
}

/// `POST /api/v1/applications/{id}/check`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApplicationCheck {
    /// What is known now.
    pub application: Application,
    /// What was tried, in its order.
    pub check: Ping,
}

/// One of `GET /api/v1/notices?limit=`: `{"notices": […]}`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notice {
    /// Its id.
    pub id: String,
    /// `offline`, `approval_needed`, `degraded`, `silence`, `push`, `expiry`, `approval_given` or `back`.
    pub kind: String,
    /// What it is about.
    pub object: String,
    /// In a line.
    pub title: String,
    /// In sentences.
    pub text: String,
    /// The fault that it tells of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultShape>,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// When what it tells of was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When somebody saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Timestamp>,
    /// Channels that took it.
    #[serde(default)]
    pub sent: u64,
    /// Channels that it is on its way to.
    #[serde(default)]
    pub due: u64,
    /// Channels that it could not be delivered to.
    #[serde(default)]
    pub failed: u64,
}

/// `GET /api/v1/notices`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notices {
    /// Newest first.
    pub notices: Vec<Notice>,
}

/// One of `GET /api/v1/notices/channels`: `{"channels": […]}`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NoticeChannel {
    /// Its id.
    pub id: String,
    /// `webhook`, `slack`, `teams` or `mail`.
    pub kind: String,
    /// As people call it.
    pub name: String,
    /// The host or the addresses.
    pub to: String,
    /// Whether it is paused.
    #[serde(default)]
    pub paused: bool,
    /// Whether the last message was taken; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub works: Option<bool>,
    /// What the other side answered last.
    #[serde(default)]
    pub answer: String,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
}

/// `GET /api/v1/notices/channels`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NoticeChannels {
    /// All of them.
    pub channels: Vec<NoticeChannel>,
}

/// `POST /api/v1/notices/channels/{id}/test`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NoticeTest {
    /// Whether the other side took it.
    pub ok: bool,
    /// What it answered.
    pub answer: String,
}

/// `GET /api/v1/sources/{id}/conversion`, and what beginning and cancelling it answer
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Conversion {
    /// The mailbox's address.
    pub mailbox: String,
    /// `running`, `done`, `failed` or `cancelled`.
    pub state: String,
    /// Ids in all; none before they are counted.
    pub total: u64,
    /// Of these, asked for.
    pub done: u64,
    /// Ids that were translated.
    pub translated: u64,
    /// Mails that were found by Message-ID, time and text.
    #[serde(default)]
    pub matched: u64,
    /// Mails that had left the mailbox before they were handled or marked.
    #[serde(default)]
    pub gone: u64,
    /// Mails that could not be told from others, and are held.
    #[serde(default)]
    pub held: u64,
    /// Mails that were recorded over Graph already.
    #[serde(default)]
    pub known: u64,
    /// In a sentence, once it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Why it waits, or has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    /// When it is tried again, while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try_at: Option<Timestamp>,
}

/// `POST /api/v1/erasures`: what is to be erased.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErasureWish {
    /// The address.
    pub address: String,
    /// Whether mail of others that names it goes, too.
    #[serde(default)]
    pub named: bool,
}

/// `POST /api/v1/erasures/{id}/confirm`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErasureConfirmation {
    /// The address once more.
    pub address: String,
}

/// An erasure of an address: first counted, then, when it is confirmed, done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Erasure {
    /// Its id.
    pub id: String,
    /// `counting`, `counted`, `erasing` or `done`.
    pub state: String,
    /// The address's domain; the address itself is not told.
    pub domain: String,
    /// Whether mail of others that names the address goes, too.
    pub named_too: bool,
    /// Who asked for it.
    pub asked_by: String,
    /// When.
    pub begun_at: Timestamp,
    /// When it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Messages that are known.
    pub total: u64,
    /// Of these, looked at.
    pub seen: u64,
    /// Mails that the address sent.
    pub own: u64,
    /// Mails of others that name it.
    pub named: u64,
    /// Of both, those that wait for a person.
    pub held: u64,
    /// Mails that are on their way to Jira and are left.
    pub left_open: u64,
    /// Mails that could not be read.
    pub unread: u64,
    /// Issues that hold what was written to Jira.
    #[serde(default)]
    pub issues: Vec<String>,
    /// Where the address stands on.
    #[serde(default)]
    pub standing: Vec<String>,
    /// The same in sentences.
    #[serde(default)]
    pub report: Vec<String>,
}

/// `GET /api/v1/erasures`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Erasures {
    /// Newest first.
    pub erasures: Vec<Erasure>,
}

/// What was done, where there is nothing more to say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Done {
    /// True.
    pub done: bool,
}
