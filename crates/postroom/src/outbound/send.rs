//! Sends one mail from an outbound. The draft is the token: it is made first, and the same draft is sent once. A request whose
//! answer was lost is never repeated (O3 of design §4).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fault::{Class, Fault};
use mail::Address;
use mail::compose;
use microsoft::{Draft, Find, Mailbox, NativeId};
use store::StoreError;
use tokio::time::Instant;

use crate::connections::store::outbounds::{self as rows, Outbound};
use crate::connections::{Connections, tell};
use crate::inbound::judge;

/// What became of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The mailbox took it.
    Done,
    /// The answer was lost: it may have gone. It is not sent again.
    InDoubt,
}

/// How long each half took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Took {
    /// Making the draft: the right to write.
    pub draft: Duration,
    /// Sending it: the right to send.
    pub send: Duration,
}

/// Which half did not work.
#[derive(Clone, Debug)]
pub enum NotSent {
    /// No draft could be made.
    Draft(Fault),
    /// The draft could not be sent; it lies in *Drafts*.
    Send(Fault),
}

impl NotSent {
    /// Why.
    pub fn fault(&self) -> &Fault {
        match self {
            Self::Draft(fault) | Self::Send(fault) => fault,
        }
    }
}

/// Whose name and address a mail from this outbound has.
pub fn from(outbound: &Outbound) -> Address {
    let name = Some(outbound.from_name.clone()).filter(|name| !name.is_empty());
    Address { name, address: outbound.mailbox.clone() }
}

/// Sends a mail. `stamp` names it for ever: a draft that an earlier attempt left is used again.
pub async fn send(
    connections: &Connections,
    outbound: &Outbound,
    draft: &compose::Draft,
    stamp: &str,
    is_repeated: bool,
) -> (Result<Sent, NotSent>, Took) {
    let mut took = Took::default();
    let begun = Instant::now();
    let made = make_draft(connections, outbound, draft, stamp, is_repeated).await;
    took.draft = begun.elapsed();
    let (mailbox, id) = match made {
        Ok(Made::Draft(mailbox, id)) => (mailbox, id),
        Ok(Made::SentBefore) => return (Ok(Sent::Done), took),
        Err(fault) => return (Err(NotSent::Draft(fault)), took),
    };
    let begun = Instant::now();
    let sent = mailbox.send_draft(&id).await;
    took.send = begun.elapsed();
    let result = match sent {
        Ok(()) => Ok(Sent::Done),
        Err(fault) if fault.leaves_doubt() => {
            tracing::warn!(%fault, mailbox = %outbound.mailbox, "whether a mail went is not known; it is not sent again");
            Ok(Sent::InDoubt)
        }
        Err(fault) => Err(NotSent::Send(fault)),
    };
    (result, took)
}

/// What is to be sent.
enum Made {
    /// This draft.
    Draft(Arc<dyn Mailbox>, NativeId),
    /// Nothing: an earlier attempt has sent it, and its answer was lost.
    SentBefore,
}

async fn make_draft(
    connections: &Connections,
    outbound: &Outbound,
    draft: &compose::Draft,
    stamp: &str,
    is_repeated: bool,
) -> Result<Made, Fault> {
    let mailbox = connections.mailbox_of_outbound(outbound).await?;
    if is_repeated && let Some(left) = left_behind(&mailbox, draft, stamp).await? {
        return Ok(left);
    }
    let draft = Draft { mime: Bytes::from(compose::write(draft)), stamp: Some(stamp.to_owned()) };
    let id = mailbox.create_draft(&draft).await?;
    Ok(Made::Draft(mailbox, id))
}

/// What an earlier attempt left: found by its stamp, or by its Message-ID where the attempt ended between saving and stamping.
async fn left_behind(
    mailbox: &Arc<dyn Mailbox>,
    draft: &compose::Draft,
    stamp: &str,
) -> Result<Option<Made>, Fault> {
    let by_stamp = Find::Stamp { value: stamp.to_owned() };
    for by in [by_stamp, Find::MessageId(draft.message_id.clone())] {
        let mut left = None;
        for id in mailbox.find(&by).await? {
            match mailbox.is_draft(&id).await? {
                Some(true) => left = left.or(Some(id)),
                Some(false) => return Ok(Some(Made::SentBefore)),
                None => {}
            }
        }
        if let Some(id) = left {
            return Ok(Some(Made::Draft(Arc::clone(mailbox), id)));
        }
    }
    Ok(None)
}

/// Records how an outbound is after it was used: `sent` is whether a mail went. What concerns people is told. A fault of one mail says
/// nothing about the outbound.
pub async fn record(
    connections: &Connections,
    outbound: &Outbound,
    outcome: Result<bool, &Fault>,
) -> Result<(), StoreError> {
    let now = connections.clock.now();
    let mut tx = connections.db.begin().await?;
    match outcome {
        Ok(sent) => {
            if rows::works(&mut tx, outbound.id, sent, now).await? {
                tell::outbound_event(&mut tx, outbound, "online", "works again", None, now).await?;
            }
            tell::outbound_works(&mut tx, outbound.id, now).await?;
        }
        Err(fault) if fault.entry.class == Class::Poison => {}
        Err(fault) => {
            let state = if fault.entry.class == Class::Transient { "degraded" } else { "offline" };
            let record = serde_json::to_string(&fault.to_record()).unwrap_or_default();
            let next = judge::after(now, judge::until_next_poll(fault, outbound.failures, rand::random()));
            if rows::fails(&mut tx, outbound.id, state, &record, next, now).await? {
                tell::outbound_event(&mut tx, outbound, state, &fault.to_string(), Some(record), now).await?;
            }
            tell::outbound_fails(&mut tx, outbound.id, fault, now).await?;
        }
    }
    tx.commit().await
}
