//! What would become of the newest mails of a folder: the same pure functions as in the live flow, and nothing written.

use std::sync::Arc;

use fault::Fault;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ledger::Ledger;
use mail::Mail;
use microsoft::message;
use microsoft::{FolderId, Item, Mailbox};
use rules::Outcome;

use uuid::Uuid;

use super::Connections;
use super::pages::DryRunRow;
use crate::inbound::decide::{self, Facts, Place, Site};
use crate::inbound::effects::{placeholder, write_body};
use crate::inbound::read;
use crate::web::components::MailState;
use crate::web::times::Times;

/// How many mails are looked at.
pub const NEWEST: usize = 5;

/// Where the mail would go.
#[derive(Clone, Debug)]
pub struct Target {
    /// Workspace, Jira and mailbox.
    pub place: Place,
    /// Project and type.
    pub destination: rules::Destination,
    /// The largest file that Jira takes.
    pub upload_limit: Option<u64>,
    /// Older mail is left alone.
    pub start: Option<Timestamp>,
    /// The client of that Jira.
    pub client: Arc<jira::Client>,
    /// The profile; none is the standard one.
    pub profile: Option<Uuid>,
    /// The source, as rules may name it.
    pub origin: rules::Origin,
    /// The workspace's time zone.
    pub zone: TimeZone,
}

/// Decides the newest mails of a folder, newest first.
pub async fn newest(
    connections: &Connections,
    ledger: &Ledger,
    mailbox: &dyn Mailbox,
    folder: &FolderId,
    target: &Target,
    times: &Times,
) -> Result<Vec<DryRunRow>, Fault> {
    let mut rows = Vec::new();
    for item in mailbox.newest(folder, NEWEST).await? {
        rows.push(row(connections, ledger, &item, target, times).await?);
    }
    Ok(rows)
}

async fn row(
    connections: &Connections,
    ledger: &Ledger,
    item: &Item,
    target: &Target,
    times: &Times,
) -> Result<DryRunRow, Fault> {
    let received = times.ago(item.received_at);
    let mail = match read::read_page(&item.raw) {
        Ok(mail) => mail,
        Err(error) => {
            return Ok(DryRunRow {
                received,
                from: String::new(),
                subject: String::new(),
                end: MailState::Held,
                why: error.to_string(),
            });
        }
    };
    let (end, mut why) = decide(connections, ledger, &mail, item.received_at, target).await?;
    if message::read(&item.raw).is_ok_and(|read| read.needs_mime())
        && matches!(end, MailState::Issue | MailState::Comment)
    {
        why.push_str("; its attachments come along");
    }
    if target.start.is_some_and(|start| item.received_at < start) {
        why = format!("older than the start point, so it is left alone; one like it: {why}");
    }
    let from = mail
        .from
        .as_ref()
        .map_or_else(String::new, |from| from.name.clone().unwrap_or_else(|| from.address.clone()));
    Ok(DryRunRow { received, from, subject: mail.subject, end, why })
}

async fn decide(
    connections: &Connections,
    ledger: &Ledger,
    mail: &Mail,
    received_at: Timestamp,
    target: &Target,
) -> Result<(MailState, String), Fault> {
    let rich = mail.rich();
    let facts = Facts { db: &connections.db, ledger, profiles: &connections.profiles };
    let parents = decide::parents(&facts, target.place, mail, None).await?;
    let known = rules::Facts {
        destination: target.destination.clone(),
        parents,
        upload_limit: target.upload_limit,
        body_is_cut: write_body(&rich, mail, &placeholder(mail)).cut,
        source: target.origin.clone(),
        received: rules::Received::at(target.zone.to_datetime(received_at)),
        projects: Vec::new(),
    };
    let jira = Site { client: &target.client, connection: target.place.jira_connection };
    let decision = decide::by_profile(&facts, jira, target.profile, mail, &rich, known).await?;
    let end = match &decision.plan.outcome {
        Outcome::Issue => MailState::Issue,
        Outcome::Comment { .. } => MailState::Comment,
        Outcome::Ignored { .. } => MailState::Ignored,
        Outcome::Held { .. } => MailState::Held,
    };
    let matched = decision.trace.lines.iter().filter(|line| line.matched);
    let why = matched.map(|line| format!("{}: {}", line.rule, line.why)).collect::<Vec<_>>().join("; ");
    Ok((end, why))
}
