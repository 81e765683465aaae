//! Ping of an outbound, a line per check with its time: token, identity, mailbox, folder, count, right to write, right to send,
//! quota. The rights are tried with one test mail to the person who asked; of the quota stands there what a mailbox's reader is told.

use std::sync::Arc;

use jiff::Timestamp;
use mail::Address;
use mail::compose::Draft;
use microsoft::FolderId;
use store::StoreError;
use tokio::time::Instant;
use uuid::Uuid;

use crate::connections::Connections;
use crate::connections::connection_type::ConnectionType;
use crate::connections::ping::{self, Check, Report};
use crate::connections::store::events::Object;
use crate::connections::store::outbounds::{self as rows, Outbound};
use crate::outbound::{self, Sent, send::NotSent};
use crate::web::times::counted;

/// Tests an outbound. Without an address to send to, nothing is written.
pub async fn ping(connections: &Connections, outbound: &Outbound, to: Option<&str>) -> Report {
    let checks = checks(connections, outbound, to).await;
    Report { at: connections.clock.now(), checks }
}

async fn checks(connections: &Connections, outbound: &Outbound, to: Option<&str>) -> Vec<Check> {
    let over = ConnectionType::of_word(&outbound.connection_type);
    let token = ping::token(connections, over, outbound.account_id, &outbound.ews_url).await;
    let is_over = token.fault.is_some();
    let mut checks = vec![token];
    if is_over {
        return checks;
    }
    let begun = Instant::now();
    let mailbox = match connections.mailbox_of_outbound(outbound).await {
        Ok(mailbox) => mailbox,
        Err(fault) => {
            checks.push(Check::new("Mailbox", Err(fault), begun.elapsed()));
            return checks;
        }
    };
    let drafts = FolderId::from("drafts");
    let mut quota = None;
    for check in mailbox.probe_folder(&drafts).await.checks {
        if check.name == "Quota" {
            quota = Some(Check::new(check.name, check.outcome, check.took));
            continue;
        }
        // Drafts are not read and not marked.
        if !matches!(check.name, "Sign-in" | "Mailbox" | "Folder") {
            continue;
        }
        let mut check = ping::probed(over, &outbound.username, check);
        if check.name == "Sign-in" {
            "Identity".clone_into(&mut check.name);
        }
        checks.push(check);
    }
    if checks.iter().any(|check| check.fault.is_some()) {
        return checks;
    }
    let begun = Instant::now();
    let count = mailbox.count(&drafts, None).await;
    checks.push(Check::new("Count", count.map(|count| counted(count, "draft", "drafts")), begun.elapsed()));
    let Some(to) = to else {
        let text = "not tried; Ping in the console sends a test mail to whoever presses it";
        checks.push(Check::new("Write and send", Ok(text.to_owned()), std::time::Duration::ZERO));
        checks.extend(quota);
        return checks;
    };
    let now = connections.clock.now();
    let draft = test_mail(outbound, to, now);
    let stamp = format!("ping:{}", draft.message_id);
    let (result, took) = outbound::send(connections, outbound, &draft, &stamp, false).await;
    let written = || Check::new("Write", Ok("a draft was saved".to_owned()), took.draft);
    match result {
        Err(NotSent::Draft(fault)) => checks.push(Check::new("Write", Err(fault), took.draft)),
        Err(NotSent::Send(fault)) => {
            checks.push(written());
            checks.push(Check::new("Send", Err(fault), took.send));
        }
        Ok(sent) => {
            checks.push(written());
            let text = match sent {
                Sent::Done => format!("a test mail is on its way to {to}"),
                Sent::InDoubt => format!("no answer came; look whether a test mail arrives at {to}"),
            };
            checks.push(Check::new("Send", Ok(text), took.send));
        }
    }
    checks.extend(quota);
    checks
}

fn test_mail(outbound: &Outbound, to: &str, now: Timestamp) -> Draft {
    let host = outbound.mailbox.rsplit('@').next().unwrap_or("postroom.invalid");
    Draft {
        from: Some(outbound::send::from(outbound)),
        to: vec![Address { name: None, address: to.to_owned() }],
        subject: format!("Postroom: test mail from {}", outbound.mailbox),
        text: Some(format!(
            "This mail tests the Message Outbound {}. Somebody signed in as {to} pressed Ping; there is nothing to do.\n",
            outbound.mailbox
        )),
        message_id: format!("{}@{host}", Uuid::now_v7()),
        date: now,
        headers: vec![
            ("Auto-Submitted".to_owned(), "auto-generated".to_owned()),
            ("X-Auto-Response-Suppress".to_owned(), "All".to_owned()),
        ],
        ..Draft::default()
    }
}

/// Tests an outbound and records what was found.
pub async fn on_record(
    connections: &Arc<Connections>,
    workspace: Uuid,
    id: Uuid,
    actor: &str,
    to: Option<&str>,
) -> Result<Option<Report>, StoreError> {
    let Some(outbound) = rows::one(&connections.db, workspace, id).await? else { return Ok(None) };
    connections.ask_anew(outbound.account_id).await;
    let report = ping(connections, &outbound, to).await;
    let mut tx = connections.db.begin().await?;
    ping::record(&mut tx, workspace, Object::Outbound, id, actor, &report).await?;
    tx.commit().await?;
    let fault = report.checks.iter().find_map(Check::fault);
    let sent = to.is_some() && fault.is_none();
    outbound::send::record(connections, &outbound, fault.as_ref().map_or(Ok(sent), Err)).await?;
    Ok(Some(report))
}
