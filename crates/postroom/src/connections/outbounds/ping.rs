//! Ping of an outbound: the lines of every mailbox (see [`ping`](crate::connections::ping)), of its Drafts. The rights to write and to send
//! are tried with one test mail to the person who asked; of the quota stands there what a mailbox's reader is told.

use std::sync::Arc;
use std::time::Duration;

use fault::Fault;
use jiff::Timestamp;
use mail::Address;
use mail::compose::Draft;
use microsoft::FolderId;
use store::StoreError;
use tokio::time::Instant;
use uuid::Uuid;

use crate::connections::Connections;
use crate::connections::connection_type::ConnectionType;
use crate::connections::ping::{self, Check, Report, Tested, line};
use crate::connections::store::events::Object;
use crate::connections::store::outbounds::{self as rows, Outbound};
use crate::outbound::send::NotSent;
use crate::outbound::{self, Sent, Used};
use crate::web::times::counted;

/// Why nothing was sent.
const NOBODY: &str = "not tried; Ping in the console sends a test mail to whoever presses it";

/// Tests an outbound; with what that says about it. Without an address to send to, nothing is written.
pub async fn ping(connections: &Connections, outbound: &Outbound, to: Option<&str>) -> (Report, Used) {
    let (checks, used) = checks(connections, outbound, to).await;
    (Report { at: connections.clock.now(), checks }, used)
}

async fn checks(connections: &Connections, outbound: &Outbound, to: Option<&str>) -> (Vec<Check>, Used) {
    let drafts = FolderId::from("drafts");
    let tested = Tested {
        over: ConnectionType::of_word(&outbound.connection_type),
        account: outbound.account_id,
        username: &outbound.username,
        ews_url: &outbound.ews_url,
        folder: &drafts,
    };
    let (mut checks, opened) =
        ping::open(connections, tested, connections.mailbox_of_outbound(outbound)).await;
    let wrong = checks.iter().find_map(Check::fault);
    let opened = match (opened, wrong) {
        (Some(opened), None) => opened,
        (None, None) => return (checks, Used::Answered),
        (_, Some(fault)) => return (checks, Used::Unusable(fault)),
    };
    let begun = Instant::now();
    let count = opened.mailbox.count(&drafts, None).await;
    let uncounted: Option<Fault> = count.as_ref().err().cloned();
    checks.push(Check::new(
        line::COUNT,
        count.map(|count| counted(count, "draft", "drafts")),
        begun.elapsed(),
    ));
    let used = match to {
        None => {
            checks.push(Check::not_tried(line::WRITE, NOBODY));
            checks.push(Check::not_tried(line::SEND, NOBODY));
            uncounted.map_or(Used::Answered, Used::Unusable)
        }
        Some(to) => try_to_send(connections, outbound, to, &mut checks).await,
    };
    checks.extend(opened.quota);
    (checks, used)
}

/// The right to write and the right to send, with one mail.
async fn try_to_send(
    connections: &Connections,
    outbound: &Outbound,
    to: &str,
    checks: &mut Vec<Check>,
) -> Used {
    let draft = test_mail(outbound, to, connections.clock.now());
    let stamp = format!("ping:{}", draft.message_id);
    let (result, took) = outbound::send(connections, outbound, &draft, &stamp, false).await;
    if let Err(NotSent::Draft(fault)) = &result {
        checks.push(Check::new(line::WRITE, Err(fault.clone()), took.draft));
        return Used::of(&result);
    }
    checks.push(Check::new(line::WRITE, Ok("a draft was saved".to_owned()), took.draft));
    checks.push(sent(&result, to, took.send));
    Used::of(&result)
}

/// What sending came to. A mail whose answer was lost may have gone: nobody but its recipient knows.
fn sent(result: &Result<Sent, NotSent>, to: &str, took: Duration) -> Check {
    match result {
        Ok(Sent::Done) => Check::new(line::SEND, Ok(format!("a test mail is on its way to {to}")), took),
        Ok(Sent::InDoubt) => {
            let text = format!("no answer came; look whether a test mail arrives at {to}");
            Check::unknown(line::SEND, text, took)
        }
        Err(not_sent) => Check::new(line::SEND, Err(not_sent.fault().clone()), took),
    }
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
    let (report, used) = ping(connections, &outbound, to).await;
    let mut tx = connections.db.begin().await?;
    ping::record(&mut tx, workspace, Object::Outbound, id, actor, &report).await?;
    tx.commit().await?;
    outbound::send::record(connections, &outbound, used).await?;
    Ok(Some(report))
}
