//! Mail on its way: the stamp of the receiving Exchange, delivery between mailboxes, sending.
//!
//! What Exchange Online puts on top of a mail from outside: `Received`, `Authentication-Results` (without an
//! authserv-id, with `compauth`), `X-MS-Exchange-Organization-AuthAs`. Mail inside the tenant has `AuthAs: Internal`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::{BufMut, Bytes, BytesMut};
use jiff::Timestamp;
use serde::Deserialize;

use super::ingest::{self, Content};
use super::mailbox::{Begin, INBOX, Mailbox, SENT};
use super::{Exchange, SentOutside};
use crate::tenant::{DOMAIN, Tenant};

/// What the receiving Exchange found out about the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sender {
    /// Signed in to the tenant.
    Internal,
    /// From outside, and who it says.
    Pass,
    /// From outside, and not who it says.
    Fail,
}

/// How a delivered mail begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery {
    pub(crate) folder: u32,
    pub(crate) received: Timestamp,
    pub(crate) is_read: bool,
    pub(crate) sender: Sender,
}

impl Delivery {
    pub(crate) fn now(now: Timestamp, sender: Sender) -> Self {
        Self { folder: INBOX, received: now, is_read: false, sender }
    }
}

/// The host that delivers, in headers.
const HOST: &str = "SIMP281MB0001.SIMP281.PROD.OUTLOOK.TEST";

impl Exchange {
    /// Who a mail that arrives over the internet would be taken for: its author is believed unless it claims to be from
    /// inside the tenant, which is taken as mail sent inside.
    pub(crate) fn usual_sender(&self, raw: &[u8]) -> Sender {
        let from = from_address(raw);
        if Tenant::own_address(&from).is_some_and(|address| self.mailbox(&address).is_some()) {
            Sender::Internal
        } else {
            Sender::Pass
        }
    }

    /// Puts a mail into a mailbox as the receiving Exchange does.
    pub(crate) fn deliver(&self, mailbox: &Mailbox, raw: &[u8], delivery: Delivery) -> u64 {
        let head = ingest::headers(raw);
        let has_id =
            head.iter().any(|(name, value)| name.eq_ignore_ascii_case("message-id") && !value.is_empty());
        let made_id = (!has_id).then(|| format!("<{}@{HOST}>", self.core.chance.uuid()));
        let stamp = stamp(mailbox, raw, delivery, made_id.as_deref());
        let mut whole = BytesMut::with_capacity(stamp.len() + raw.len());
        whole.put_slice(stamp.as_bytes());
        whole.put_slice(raw);
        let content = ingest::read(whole.freeze());
        let message_id = id_of(&content, made_id);
        let begin = Begin {
            is_read: delivery.is_read,
            ..Begin::arrived(delivery.folder, seconds(delivery.received))
        };
        mailbox.store().add(content, message_id, begin, self.core.now())
    }

    /// Sends raw bytes in the name of a mailbox: to mailboxes of the tenant at once, outside into the record of what
    /// left. `save` keeps a copy in Sent Items. `outside` are the recipients when the bytes do not have them (`Bcc`).
    pub(crate) fn send(&self, mailbox: &Mailbox, raw: &Bytes, save: bool) -> Result<(), SendFault> {
        let content = ingest::read(raw.clone());
        let recipients: Vec<String> = content
            .to
            .iter()
            .chain(&content.cc)
            .chain(&content.bcc)
            .map(|person| person.address.clone())
            .collect();
        if recipients.is_empty() {
            return Err(SendFault::NoRecipients);
        }
        if recipients.len() > 500 {
            return Err(SendFault::TooManyRecipients);
        }
        if let Some(wrong) = recipients.iter().find(|address| !is_address(address)) {
            return Err(SendFault::WrongRecipient(wrong.clone()));
        }
        let now = self.core.now();
        if save {
            self.store(mailbox, raw.clone(), Begin { is_read: true, ..Begin::arrived(SENT, seconds(now)) });
        }
        self.carry(raw, &recipients, Sender::Internal);
        Ok(())
    }

    /// Carries bytes to their recipients.
    pub(crate) fn carry(&self, raw: &[u8], recipients: &[String], sender: Sender) {
        let now = self.core.now();
        let shown = without_bcc(raw);
        let mut done: Vec<String> = Vec::new();
        for address in recipients {
            let own = Tenant::own_address(address);
            match own.as_deref().and_then(|address| self.mailbox(address)) {
                Some(mailbox) if done.contains(&mailbox.upn) => {}
                Some(mailbox) => {
                    done.push(mailbox.upn.clone());
                    self.deliver(mailbox, &shown, Delivery::now(now, sender));
                }
                None => {
                    self.keep_outside(SentOutside {
                        to: address.clone(),
                        at: now,
                        raw: Bytes::copy_from_slice(&shown),
                    });
                }
            }
        }
    }

    /// Stores bytes without a stamp: drafts and what was sent.
    pub(crate) fn store(&self, mailbox: &Mailbox, raw: Bytes, begin: Begin) -> u64 {
        let content = ingest::read(raw);
        let made = content.message_id.is_empty().then(|| format!("<{}@{HOST}>", self.core.chance.uuid()));
        let message_id = id_of(&content, made);
        mailbox.store().add(content, message_id, begin, self.core.now())
    }

    /// A Message-ID for a new mail, with brackets.
    pub(crate) fn new_message_id(&self) -> String {
        format!("<{}@{HOST}>", self.core.chance.uuid().simple().to_string().to_uppercase())
    }
}

/// Why a mail is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SendFault {
    NoRecipients,
    TooManyRecipients,
    WrongRecipient(String),
}

fn id_of(content: &Content, made: Option<String>) -> String {
    match made {
        Some(made) => made,
        None => content.message_id.clone(),
    }
}

/// Exchange keeps whole seconds.
pub(crate) fn seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// Something before and after the sign, no spaces.
pub(crate) fn is_address(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !text.contains(|c: char| c.is_whitespace() || c == '<' || c == '>')
    })
}

/// The address of the author, as the first `From` has it.
fn from_address(raw: &[u8]) -> String {
    let head = ingest::headers(raw);
    let from = head
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("from"))
        .map_or("", |(_, value)| value.as_str());
    let inside = from.rsplit_once('<').map_or(from, |(_, rest)| rest);
    inside.split(['>', ' ', ',']).find(|text| text.contains('@')).unwrap_or_default().to_owned()
}

/// The header lines that the receiving Exchange puts on top.
fn stamp(mailbox: &Mailbox, raw: &[u8], delivery: Delivery, made_id: Option<&str>) -> String {
    let address = from_address(raw);
    let domain = address.rsplit_once('@').map_or("unknown.invalid", |(_, domain)| domain);
    // Only what can stand in a header line.
    let domain: String =
        domain.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')).collect();
    let date = delivery.received.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
    let mut out = String::with_capacity(700);
    let _ = write!(
        out,
        "Received: from SIMP281CA0001.SIMP281.PROD.OUTLOOK.TEST by\r\n {HOST} with HTTPS; {date}\r\n"
    );
    match delivery.sender {
        Sender::Internal => {
            let _ = write!(
                out,
                "Authentication-Results: dkim=none (message not signed)\r\n header.d=none;dmarc=none action=none header.from={domain};\r\n"
            );
        }
        Sender::Pass => {
            let _ = write!(
                out,
                "Authentication-Results: spf=pass (sender IP is 192.0.2.25)\r\n smtp.mailfrom={domain}; dkim=pass (signature was verified)\r\n header.d={domain};dmarc=pass action=none\r\n header.from={domain};compauth=pass reason=100\r\n"
            );
        }
        Sender::Fail => {
            let _ = write!(
                out,
                "Authentication-Results: spf=fail (sender IP is 198.51.100.66)\r\n smtp.mailfrom={domain}; dkim=none (message not signed)\r\n header.d=none;dmarc=fail action=oreject\r\n header.from={domain};compauth=fail reason=000\r\n"
            );
        }
    }
    let auth_as = if delivery.sender == Sender::Internal { "Internal" } else { "Anonymous" };
    let _ = write!(
        out,
        "X-MS-Exchange-Organization-AuthAs: {auth_as}\r\nX-MS-Exchange-Organization-AuthSource:\r\n {HOST}\r\nX-MS-Exchange-Organization-SCL: -1\r\nX-MS-Exchange-Transport-EndToEndLatency: 00:00:00.4210000\r\nReturn-Path: {}\r\n",
        if is_address(&address) && address.is_ascii() { address.as_str() } else { "<>" }
    );
    if let Some(id) = made_id {
        let _ = write!(out, "Message-ID: {id}\r\n");
    }
    let _ = write!(out, "X-MS-Exchange-Organization-Network-Message-Id:\r\n {}\r\n", mailbox.owner);
    out
}

/// The bytes without their `Bcc` field.
fn without_bcc(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    let mut skips = false;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        if line == b"\r\n" || line == b"\n" {
            break;
        }
        let folds = line[0] == b' ' || line[0] == b'\t';
        skips = if folds { skips } else { line.len() >= 4 && line[..4].eq_ignore_ascii_case(b"bcc:") };
        if !skips {
            out.extend_from_slice(line);
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}

/// Extended properties that Exchange keeps of every message: Message-ID, message class, References, In-Reply-To.
pub(crate) fn built_in_properties(content: &Content, message_id: &str) -> BTreeMap<&'static str, String> {
    let mut out =
        BTreeMap::from([("String 0x1035", message_id.to_owned()), ("String 0x1a", content.class.clone())]);
    let header = |name: &str| {
        content.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    };
    if let Some(value) = header("references") {
        out.insert("String 0x1039", value);
    }
    if let Some(value) = header("in-reply-to") {
        out.insert("String 0x1042", value);
    }
    out
}

/// Whether an address belongs to the tenant's domain.
pub(crate) fn is_inside(address: &str) -> bool {
    address.rsplit_once('@').is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(DOMAIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recipients of a blind copy are not told to others.
    #[test]
    fn a_blind_copy_is_not_told() {
        let raw = b"To: a@x.example\r\nBcc: b@x.example,\r\n c@x.example\r\nSubject: s\r\n\r\nBcc: stays\r\n";
        assert_eq!(without_bcc(raw), b"To: a@x.example\r\nSubject: s\r\n\r\nBcc: stays\r\n");
    }

    /// The author's address is found in the forms that mail has.
    #[test]
    fn the_author_is_found() {
        for from in ["a@x.example", "A <a@x.example>", "\"A, B\" <a@x.example> (c)"] {
            assert_eq!(from_address(format!("From: {from}\r\n\r\n").as_bytes()), "a@x.example");
        }
        assert_eq!(from_address(b"no header"), "");
    }
}
