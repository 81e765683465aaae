//! A mail as conditions and templates see it. The names are those of [`crate::vocabulary`].

use std::sync::Arc;

use mail::{Address, Attachment, Mail, Rich};
use serde::Serialize;

use crate::plan::Outcome;

/// Bytes of a body that conditions see.
const TEXT: usize = 256 << 10;
/// Entries of a list that conditions see: what is beyond no rule decides by, and the cost of a condition is bounded by it.
pub(crate) const ENTRIES: usize = 200;
/// Header fields in which a mail says to whom it was addressed; Graph and Exchange show the primary address for an alias in
/// their own fields, so these are asked as well.
const ADDRESSED: [&str; 7] =
    ["To", "Cc", "Resent-To", "Resent-Cc", "Delivered-To", "X-Original-To", "X-Envelope-To"];

/// Everything that a condition or a template may name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct View {
    mail: MailView,
    source: Origin,
    issue: Issue,
    received: Received,
    tag: String,
    /// Lower-cased name and value of each field, for the functions.
    #[serde(skip)]
    pub(crate) headers: Arc<Vec<(String, String)>>,
    /// Addresses without plus parts, for `sent_to`.
    #[serde(skip)]
    pub(crate) addressed: Arc<Vec<String>>,
}

/// Where a mail came through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Origin {
    /// The source's name.
    pub name: String,
    /// The mailbox's address.
    pub mailbox: String,
    /// The folder's path.
    pub folder: String,
}

/// When a mail came, in the installation's time zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Received {
    /// Such as `2026-11-28`.
    pub date: String,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// `monday` to `sunday`.
    pub weekday: String,
}

impl Received {
    /// From the time on the clock in the installation's zone.
    pub fn at(moment: jiff::civil::DateTime) -> Self {
        let weekday = match moment.weekday() {
            jiff::civil::Weekday::Monday => "monday",
            jiff::civil::Weekday::Tuesday => "tuesday",
            jiff::civil::Weekday::Wednesday => "wednesday",
            jiff::civil::Weekday::Thursday => "thursday",
            jiff::civil::Weekday::Friday => "friday",
            jiff::civil::Weekday::Saturday => "saturday",
            jiff::civil::Weekday::Sunday => "sunday",
        };
        Self {
            date: moment.date().to_string(),
            hour: i64::from(moment.hour()),
            minute: i64::from(moment.minute()),
            weekday: weekday.to_owned(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct MailView {
    subject: String,
    text: String,
    message_id: String,
    is_answer: bool,
    from: AddressView,
    sender: AddressView,
    reply_to: Vec<AddressView>,
    to: Vec<AddressView>,
    cc: Vec<AddressView>,
    recipients: Vec<AddressView>,
    attachments: Vec<AttachmentView>,
    automatic: String,
    trust: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct AddressView {
    address: String,
    name: String,
    local: String,
    tag: String,
    domain: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct AttachmentView {
    name: String,
    extension: String,
    r#type: String,
    size: i64,
    inline: bool,
    sha256: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct Issue {
    known: bool,
    key: String,
    project: String,
}

impl View {
    /// What there is to see of a mail that would become `outcome` without any rule.
    pub fn of(mail: &Mail, rich: &Rich, source: &Origin, received: &Received, outcome: &Outcome) -> Self {
        let source = Origin { mailbox: source.mailbox.to_lowercase(), ..source.clone() };
        let addressed = addressed(mail);
        let tag = addressed
            .iter()
            .map(|address| AddressView::of(address, None))
            .find(|view| !view.tag.is_empty() && view.bare() == source.mailbox)
            .map(|view| view.tag)
            .unwrap_or_default();
        let to = list(&mail.to);
        let cc = list(&mail.cc);
        let recipients = to.iter().chain(&cc).take(ENTRIES).cloned().collect();
        let one = |address: Option<&Address>| address.map(AddressView::from).unwrap_or_default();
        Self {
            mail: MailView {
                subject: mail.subject.clone(),
                text: text(rich),
                message_id: mail.message_id.clone().unwrap_or_default(),
                is_answer: !mail.in_reply_to.is_empty() || !mail.references.is_empty(),
                from: one(mail.from.as_ref()),
                sender: one(mail.sender.as_ref()),
                reply_to: list(&mail.reply_to),
                to,
                cc,
                recipients,
                attachments: mail.attachments.iter().take(ENTRIES).map(AttachmentView::from).collect(),
                automatic: mail
                    .verdicts
                    .automatic
                    .as_ref()
                    .map(|automatic| automatic.rule().to_owned())
                    .unwrap_or_default(),
                trust: mail.verdicts.trust.class.name().to_owned(),
            },
            source,
            issue: Issue::of(outcome),
            received: received.clone(),
            tag,
            headers: Arc::new(
                mail.headers
                    .iter()
                    .map(|header| (header.name.to_ascii_lowercase(), header.value.clone()))
                    .collect(),
            ),
            addressed: Arc::new(
                addressed.iter().map(|address| AddressView::of(address, None).bare()).collect(),
            ),
        }
    }
}

impl Issue {
    fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Comment { issue_key, .. } => Self {
                known: true,
                key: issue_key.clone(),
                project: issue_key
                    .rsplit_once('-')
                    .map(|(project, _)| project.to_owned())
                    .unwrap_or_default(),
            },
            _ => Self::default(),
        }
    }
}

impl AddressView {
    fn of(address: &str, name: Option<&str>) -> Self {
        let address = address.trim();
        let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
        let (local, tag) = local.split_once('+').unwrap_or((local, ""));
        Self {
            address: address.to_lowercase(),
            name: name.unwrap_or_default().to_owned(),
            local: local.to_lowercase(),
            tag: tag.to_owned(),
            domain: domain.to_lowercase(),
        }
    }

    /// The address without its plus part.
    fn bare(&self) -> String {
        format!("{}@{}", self.local, self.domain)
    }
}

impl From<&Address> for AddressView {
    fn from(address: &Address) -> Self {
        Self::of(&address.address, address.name.as_deref())
    }
}

impl From<&Attachment> for AttachmentView {
    fn from(attachment: &Attachment) -> Self {
        Self {
            name: attachment.name.clone(),
            extension: attachment
                .name
                .rsplit_once('.')
                .map(|(_, ending)| ending.to_lowercase())
                .unwrap_or_default(),
            r#type: attachment.content_type.clone(),
            size: i64::try_from(attachment.size).unwrap_or(i64::MAX),
            inline: attachment.inline,
            sha256: attachment.sha256.clone(),
        }
    }
}

fn list(addresses: &[Address]) -> Vec<AddressView> {
    addresses.iter().take(ENTRIES).map(AddressView::from).collect()
}

/// Every address that the mail says it was sent to, by its fields and by its own header.
pub fn addressed(mail: &Mail) -> Vec<String> {
    let listed = mail.to.iter().chain(&mail.cc).chain(&mail.bcc).map(|address| address.address.clone());
    let written = mail
        .headers
        .iter()
        .filter(|header| ADDRESSED.iter().any(|name| header.name.eq_ignore_ascii_case(name)))
        .flat_map(|header| addresses_in(&header.value));
    let mut all: Vec<String> = Vec::new();
    for address in listed.chain(written).take(5 * ENTRIES) {
        if !all.contains(&address) {
            all.push(address);
        }
    }
    all
}

/// The bare addresses that stand in a header field's value: words with an `@`, whatever brackets and commas are around them.
fn addresses_in(value: &str) -> Vec<String> {
    value
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '<' | '>' | '(' | ')' | '"'))
        .filter(|word| {
            word.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        })
        .map(str::to_owned)
        .take(ENTRIES)
        .collect()
}

/// The body as text. From the document, so that a mail reads alike whichever way it was fetched: a page of Graph has no plain
/// text beside its HTML.
fn text(rich: &Rich) -> String {
    let mut text = rich.to_text();
    let mut end = TEXT.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}
