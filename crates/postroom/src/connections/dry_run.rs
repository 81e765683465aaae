//! What would become of the newest mails of a folder: the same pure functions as in the live flow, and nothing written.

use std::collections::HashMap;
use std::sync::Arc;

use fault::Fault;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ledger::Ledger;
use ledger::load::Handled;
use ledger::record::IdKind;
use mail::Mail;
use microsoft::message;
use microsoft::{FolderId, Item, Mailbox};
use rules::Outcome;

use uuid::Uuid;

use super::Connections;
use super::pages::DryRunRow;
use crate::inbound::decide::{self, Facts, Place, Site};
use crate::inbound::effects::{placeholder, write_body};
use crate::inbound::{read, threads};
use crate::web::components::MailState;
use crate::web::times::Times;

/// How many mails are looked at.
pub const NEWEST: usize = 5;

/// Where the mail would go.
#[derive(Clone, Debug)]
pub struct Target {
    /// Workspace, Jira and mailbox.
    pub place: Place,
    /// By which ids its mail is known.
    pub ids: IdKind,
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
    let items = mailbox.newest(folder, NEWEST).await?;
    let known = known(connections, &items, target).await?;
    let mut rows = Vec::new();
    for item in &items {
        let before = known.get(item.id.as_str());
        rows.push(row(connections, ledger, item, before, target, times).await?);
    }
    Ok(rows)
}

/// What the ledger knows of them already: such mail is not handled a second time.
async fn known(
    connections: &Connections,
    items: &[Item],
    target: &Target,
) -> Result<HashMap<String, Handled>, Fault> {
    let Some(mailbox) = target.place.mailbox else { return Ok(HashMap::new()) };
    let ids: Vec<String> = items.iter().map(|item| item.id.as_str().to_owned()).collect();
    Ledger::handled(&connections.db, mailbox, target.ids, &ids)
        .await
        .map_err(|error| Fault::own("own.store", &error.to_string()))
}

/// What became of a mail that is known, and why nothing more will.
fn of_known(before: &Handled) -> (MailState, String) {
    let end = MailState::of_row(&before.state, before.ending.as_deref()).unwrap_or(MailState::Waiting);
    let why = match (&before.issue_key, before.ended_by.as_deref()) {
        (Some(key), _) if matches!(end, MailState::Issue | MailState::Comment) => {
            format!("handled already: {key}")
        }
        (_, Some(rule)) if end == MailState::Ignored => {
            let reason = before.reason.as_deref().unwrap_or_default();
            format!("recorded already and left alone ({rule}): {reason}")
        }
        (_, _) if end == MailState::Held => {
            format!("recorded already and held: {}", before.reason.as_deref().unwrap_or_default())
        }
        _ => "recorded already: its turn comes, or it is on its way".to_owned(),
    };
    (end, why)
}

async fn row(
    connections: &Connections,
    ledger: &Ledger,
    item: &Item,
    before: Option<&Handled>,
    target: &Target,
    times: &Times,
) -> Result<DryRunRow, Fault> {
    let received = times.ago(item.received_at);
    let mail = match read::read_page(&item.raw) {
        Ok(mail) => mail,
        Err(error) => {
            let (end, why) = before.map_or_else(|| (MailState::Held, error.to_string()), of_known);
            return Ok(DryRunRow { received, from: String::new(), subject: String::new(), end, why });
        }
    };
    let from = mail
        .from
        .as_ref()
        .map_or_else(String::new, |from| from.name.clone().unwrap_or_else(|| from.address.clone()));
    if let Some(before) = before {
        let (end, why) = of_known(before);
        return Ok(DryRunRow { received, from, subject: mail.subject, end, why });
    }
    let (end, mut why) = decide(connections, ledger, &mail, item, target).await?;
    if message::read(&item.raw).is_ok_and(|read| read.needs_mime())
        && matches!(end, MailState::Issue | MailState::Comment)
    {
        why.push_str("; its attachments come along");
    }
    if target.start.is_some_and(|start| item.received_at < start) {
        why = format!("older than the start point, so it is left alone; one like it: {why}");
    }
    Ok(DryRunRow { received, from, subject: mail.subject, end, why })
}

async fn decide(
    connections: &Connections,
    ledger: &Ledger,
    mail: &Mail,
    item: &Item,
    target: &Target,
) -> Result<(MailState, String), Fault> {
    let rich = mail.rich();
    let facts =
        Facts { db: &connections.db, ledger, profiles: &connections.profiles, clock: &*connections.clock };
    let parents = decide::parents(&facts, target.place, mail, None).await?;
    let conversation = match (target.place.mailbox, &item.conversation_id) {
        (Some(mailbox), Some(id)) => ledger
            .conversation_hash(&connections.db, mailbox, id)
            .await
            .map_err(|error| Fault::own("own.store", &error.to_string()))?,
        _ => None,
    };
    let at = threads::At {
        place: target.place,
        mailbox: &target.origin.mailbox,
        received_at: item.received_at,
        conversation,
    };
    let known = rules::Facts {
        threads: threads::of_ledger(&facts, at, mail, &parents, None).await?,
        destination: target.destination.clone(),
        parents,
        upload_limit: target.upload_limit,
        body_is_cut: write_body(&rich, mail, &placeholder(mail)).cut,
        source: target.origin.clone(),
        received: rules::Received::at(target.zone.to_datetime(item.received_at)),
        projects: Vec::new(),
    };
    let jira = Site { client: &target.client, place: target.place };
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a mail that is known is shown with what became of it, and not as a new one.
    #[test]
    fn what_is_known_is_shown_as_that() {
        let some = |text: &str| Some(text.to_owned());
        let handled =
            |state: &str, ending: Option<&str>, ended_by: Option<&str>, key: Option<&str>| Handled {
                native_id: "a".to_owned(),
                state: state.to_owned(),
                ending: ending.map(str::to_owned),
                ended_by: ended_by.map(str::to_owned),
                reason: some("it came before"),
                issue_key: key.map(str::to_owned),
            };
        for (before, end, words) in [
            (
                handled("ended", Some("issue"), None, Some("SUP-12")),
                MailState::Issue,
                "handled already: SUP-12",
            ),
            (
                handled("ended", Some("comment"), None, Some("SUP-3")),
                MailState::Comment,
                "handled already: SUP-3",
            ),
            (
                handled("ended", Some("ignored"), Some("before-start"), None),
                MailState::Ignored,
                "recorded already and left alone (before-start): it came before",
            ),
            (
                handled("held", Some("held"), Some("read"), None),
                MailState::Held,
                "recorded already and held: it came before",
            ),
            (
                handled("acting", None, None, Some("SUP-4")),
                MailState::Acting,
                "recorded already: its turn comes, or it is on its way",
            ),
            (
                handled("ready", None, None, None),
                MailState::Waiting,
                "recorded already: its turn comes, or it is on its way",
            ),
        ] {
            assert_eq!(of_known(&before), (end, words.to_owned()));
        }
    }
}
