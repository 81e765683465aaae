//! Sends one mail from an outbound. The draft is the token: it is made first, and the same draft is sent once. A request whose
//! answer was lost is never repeated (O3 of design §4).

use std::time::Duration;

use bytes::Bytes;
use fault::{Class, Fault};
use mail::Address;
use mail::compose;
use microsoft::{Draft, Find, NativeId};
use store::StoreError;
use tokio::time::Instant;

use crate::connections::store::outbounds::{self as rows, Outbound};
use crate::connections::{Connections, tell};

/// How long an outbound that failed is left alone.
const AGAIN: jiff::SignedDuration = jiff::SignedDuration::from_mins(1);

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
        Ok(made) => made,
        Err(fault) => return (Err(NotSent::Draft(fault)), took),
    };
    let begun = Instant::now();
    let sent = mailbox.send_draft(&id).await;
    took.send = begun.elapsed();
    let result = match sent {
        Ok(()) => Ok(Sent::Done),
        // Without a definite refusal nobody knows.
        Err(fault) if fault.entry.class == Class::Transient && fault.status != Some(429) => {
            tracing::warn!(%fault, mailbox = %outbound.mailbox, "whether a mail went is not known; it is not sent again");
            Ok(Sent::InDoubt)
        }
        Err(fault) => Err(NotSent::Send(fault)),
    };
    (result, took)
}

type Made = (std::sync::Arc<dyn microsoft::Mailbox>, NativeId);

async fn make_draft(
    connections: &Connections,
    outbound: &Outbound,
    draft: &compose::Draft,
    stamp: &str,
    is_repeated: bool,
) -> Result<Made, Fault> {
    let mailbox = connections.mailbox_for(outbound.account_id, &outbound.mailbox_native_id).await?;
    if is_repeated {
        let left = mailbox.find(&Find::Stamp { value: stamp.to_owned() }).await?;
        if let Some(id) = left.into_iter().next() {
            return Ok((mailbox, id));
        }
    }
    let draft = Draft { mime: Bytes::from(compose::write(draft)), stamp: Some(stamp.to_owned()) };
    let id = mailbox.create_draft(&draft).await?;
    Ok((mailbox, id))
}

/// Records how an outbound is after it was used: `sent` is whether a mail went. What concerns people is told.
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
        Err(fault) => {
            let state = if fault.entry.class == Class::Transient { "degraded" } else { "offline" };
            let record = serde_json::to_string(&fault.to_record()).unwrap_or_default();
            let next = now.saturating_add(AGAIN).unwrap_or(now);
            if rows::fails(&mut tx, outbound.id, state, &record, next, now).await? {
                tell::outbound_event(&mut tx, outbound, state, &fault.to_string(), Some(record), now).await?;
            }
            tell::outbound_fails(&mut tx, outbound.id, fault, now).await?;
        }
    }
    tx.commit().await
}
