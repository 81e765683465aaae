//! What a mail is, beyond what it says: whether a machine sent it, by which rule, on what evidence.
//!
//! Sources: RFC 3834 (Auto-Submitted), RFC 3464 and RFC 5321 §4.5.5 (delivery status, null reverse-path), RFC 8098
//! (disposition notifications), RFC 2919 and RFC 2369 (lists), and the fields that common robots set.

use serde::{Deserialize, Serialize};

use crate::trust::{Authors, Trust, TrustSettings};
use crate::{Address, Header};

/// The header field that Postroom writes into every mail it sends, and knows its own mail by when one comes back.
pub const OWN_STAMP_HEADER: &str = "X-Postroom-Op";

/// The verdicts on a mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdicts {
    /// Why the mail counts as sent by a machine; `None` for mail from a person. Where several rules apply, the first of
    /// [`Reason`]'s order.
    pub automatic: Option<Automatic>,
    /// Whether the author is who the mail says, by what the receiving Exchange stamped and the default settings.
    /// [`Trust::of`] tells it by others.
    #[serde(default)]
    pub trust: Trust,
    /// Whether the mail names more than one author.
    #[serde(default)]
    pub several_authors: bool,
}

/// A rule that says a machine sent the mail, with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Automatic {
    /// The rule.
    pub reason: Reason,
    /// The header field that gave it away.
    pub evidence: Header,
}

impl Automatic {
    /// The rule's id, as traces and settings name it, such as `auto-submitted`.
    pub fn rule(&self) -> &'static str {
        self.reason.rule()
    }
}

/// Why a mail counts as sent by a machine, in the order in which the rules are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Postroom sent it itself.
    OwnMail,
    /// A mail could not be delivered, or a mail system reports on a delivery.
    Bounce,
    /// A receipt: somebody read, or deleted unread, a mail (RFC 8098).
    ReadReceipt,
    /// An absence notice.
    OutOfOffice,
    /// The sender's system says that no person sent it (RFC 3834, and older fields of the same meaning).
    AutoSubmitted,
    /// It came through a mailing list.
    MailingList,
    /// It was sent in bulk.
    Bulk,
}

impl Reason {
    /// Every rule, in the order in which they are tried.
    pub const ALL: [Self; 7] = [
        Self::OwnMail,
        Self::Bounce,
        Self::ReadReceipt,
        Self::OutOfOffice,
        Self::AutoSubmitted,
        Self::MailingList,
        Self::Bulk,
    ];

    /// The rule's id.
    pub fn rule(self) -> &'static str {
        match self {
            Self::OwnMail => "own-mail",
            Self::Bounce => "bounce",
            Self::ReadReceipt => "read-receipt",
            Self::OutOfOffice => "out-of-office",
            Self::AutoSubmitted => "auto-submitted",
            Self::MailingList => "mailing-list",
            Self::Bulk => "bulk",
        }
    }
}

/// The verdicts on a mail with these header fields (decoded, topmost first), this author and who sent it for them. `named` are the
/// addresses of all its `From` fields.
pub(crate) fn judge(
    headers: &[Header],
    from: Option<&Address>,
    named: &[Address],
    sender: Option<&Address>,
) -> Verdicts {
    let authors = Authors::among(named, from);
    let trust = Trust::judge(headers, &authors, sender, &TrustSettings::default());
    Verdicts { automatic: automatic(headers, from), trust, several_authors: authors.are_several() }
}

fn automatic(headers: &[Header], from: Option<&Address>) -> Option<Automatic> {
    let fields = Fields(headers);
    Reason::ALL.into_iter().find_map(|reason| {
        let evidence = match reason {
            Reason::OwnMail => fields.first(OWN_STAMP_HEADER),
            Reason::Bounce => bounce(&fields, from),
            Reason::ReadReceipt => read_receipt(&fields),
            Reason::OutOfOffice => out_of_office(&fields),
            Reason::AutoSubmitted => auto_submitted(&fields),
            Reason::MailingList => mailing_list(&fields),
            Reason::Bulk => bulk(&fields),
        };
        evidence.map(|evidence| Automatic { reason, evidence: shortened(evidence) })
    })
}

/// Evidence as it goes into traces: enough of it to be recognised.
fn shortened(evidence: &Header) -> Header {
    Header { name: evidence.name.clone(), value: evidence.value.chars().take(300).collect() }
}

struct Fields<'a>(&'a [Header]);

impl<'a> Fields<'a> {
    fn all(&self, name: &str) -> impl Iterator<Item = &'a Header> {
        self.0.iter().filter(move |header| header.name.eq_ignore_ascii_case(name))
    }

    fn first(&self, name: &str) -> Option<&'a Header> {
        self.all(name).next()
    }

    fn first_that(&self, name: &str, test: impl Fn(&str) -> bool) -> Option<&'a Header> {
        self.all(name).find(|header| test(&token(&header.value)))
    }
}

/// A value up to its first parameter or comment, trimmed, in lower case.
fn token(value: &str) -> String {
    value.split([';', '(']).next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn report_type(fields: &Fields<'_>, wanted: &[&str]) -> Option<usize> {
    let header = fields.first("Content-Type")?;
    let value = header.value.to_ascii_lowercase();
    if token(&value) != "multipart/report" {
        return None;
    }
    let after = value.split("report-type").nth(1)?.trim_start().strip_prefix('=')?;
    let kind = after.trim_start().trim_start_matches('"');
    wanted.iter().position(|want| kind.starts_with(want))
}

fn bounce<'a>(fields: &Fields<'a>, from: Option<&Address>) -> Option<&'a Header> {
    if report_type(fields, &["delivery-status", "feedback-report"]).is_some() {
        return fields.first("Content-Type");
    }
    if let Some(header) = fields.first("X-Failed-Recipients") {
        return Some(header);
    }
    // A null reverse-path is how mail systems say `do not answer`: every notification of RFC 5321 carries it. Absence
    // notices and receipts do as well, and have better names.
    let null_path = fields.first_that("Return-Path", |value| value.is_empty() || value == "<>");
    if null_path.is_some() && read_receipt(fields).is_none() && auto_submitted_reply(fields).is_none() {
        return null_path;
    }
    // An address alone proves nothing: `postmaster` is a person in many a firm. It takes a sign of a machine as well.
    let local = from.map(|from| from.address.split('@').next().unwrap_or_default().to_ascii_lowercase());
    let by_system = local.as_deref().is_some_and(|local| {
        matches!(local, "mailer-daemon" | "mail-daemon" | "postmaster")
            || local.starts_with("microsoftexchange329e71ec88ae4615bbc36ab6ce41109e")
    });
    if by_system {
        let sign = null_path
            .or_else(|| auto_submitted_reply(fields))
            .or_else(|| fields.first_that("Auto-Submitted", |value| value == "auto-generated"))
            .or_else(|| fields.first("X-MS-Exchange-Message-Is-Ndr"))
            .or_else(|| fields.first_that("Subject", is_failure_subject));
        return sign;
    }
    fields.first("X-MS-Exchange-Message-Is-Ndr")
}

/// Subjects that mail systems give to failures. Only looked at when the sender is a mail system.
fn is_failure_subject(subject: &str) -> bool {
    const SIGNS: [&str; 12] = [
        "undeliver",
        "delivery status notification",
        "delivery failure",
        "delivery has failed",
        "delivery notification",
        "failure notice",
        "returned mail",
        "mail delivery",
        "mail system error",
        "delayed",
        "unzustellbar",
        "non remis",
    ];
    SIGNS.iter().any(|sign| subject.contains(sign))
}

fn read_receipt<'a>(fields: &Fields<'a>) -> Option<&'a Header> {
    report_type(fields, &["disposition-notification"])?;
    fields.first("Content-Type")
}

/// `Auto-Submitted: auto-replied`, whose null reverse-path is no sign of a failed delivery.
fn auto_submitted_reply<'a>(fields: &Fields<'a>) -> Option<&'a Header> {
    fields.first_that("Auto-Submitted", |value| value == "auto-replied")
}

fn out_of_office<'a>(fields: &Fields<'a>) -> Option<&'a Header> {
    let absence = |value: &str| matches!(value, "oof" | "vacation" | "out of office" | "out-of-office");
    fields
        .first("X-MS-Exchange-Inbox-Rules-Loop")
        .filter(|_| auto_submitted(fields).is_some())
        .or_else(|| fields.first_that("X-Autoreply", absence))
        .or_else(|| fields.first_that("X-Auto-Response-Type", absence))
        .or_else(|| fields.first("X-Vacation"))
        .or_else(|| {
            auto_submitted_reply(fields).and_then(|_| {
                fields.first_that("Subject", |s| ABSENCE.iter().any(|sign| s.starts_with(sign)))
            })
        })
}

/// How Exchange and others begin the subject of an absence notice. Only looked at when the mail says that it is an
/// automatic reply.
const ABSENCE: [&str; 9] = [
    "out of office",
    "out of the office",
    "automatic reply",
    "auto: ",
    "automatische antwort",
    "abwesenheit",
    "réponse automatique",
    "respuesta automática",
    "risposta automatica",
];

fn auto_submitted<'a>(fields: &Fields<'a>) -> Option<&'a Header> {
    let says_yes = |value: &str| !matches!(value, "" | "no" | "false" | "0");
    fields
        .first_that("Auto-Submitted", |value| !matches!(value, "" | "no"))
        .or_else(|| fields.first_that("X-Autoreply", says_yes))
        .or_else(|| fields.first_that("X-Autorespond", says_yes))
        .or_else(|| fields.first_that("X-Autoresponder", says_yes))
        .or_else(|| fields.first_that("X-Autogenerated", says_yes))
        .or_else(|| fields.first_that("X-Mail-Autoreply", says_yes))
        .or_else(|| fields.first_that("Precedence", |value| matches!(value, "auto_reply" | "auto-reply")))
}

fn mailing_list<'a>(fields: &Fields<'a>) -> Option<&'a Header> {
    // List-Unsubscribe alone is no list: newsletters and help desks set it on mail to one person.
    fields
        .first_that("List-Id", |value| !value.is_empty())
        .or_else(|| fields.first_that("List-Post", |value| !value.is_empty()))
        .or_else(|| fields.first_that("Mailing-List", |value| !value.is_empty()))
        .or_else(|| fields.first_that("X-Mailing-List", |value| !value.is_empty()))
        .or_else(|| fields.first_that("Precedence", |value| value == "list"))
}

fn bulk<'a>(fields: &Fields<'a>) -> Option<&'a Header> {
    fields.first_that("Precedence", |value| matches!(value, "bulk" | "junk"))
}

#[cfg(test)]
mod tests;
