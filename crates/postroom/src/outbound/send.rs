//! Sends one mail from an outbound. The draft is the token: it is made first, and the same draft is sent once. A request whose
//! answer was lost is never repeated (O3 of design §4).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fault::{Class, Fault};
use jiff::Timestamp;
use mail::Address;
use mail::compose;
use microsoft::{Draft, Find, Mailbox, NativeId};
use store::{StoreError, Tx};
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

/// What using an outbound came to.
#[derive(Clone, Debug)]
pub enum Used {
    /// The mailbox answered. Whether it lets mail go was not tried, or is not known.
    Answered,
    /// A mail went.
    Sent,
    /// The mailbox could not be used.
    Unusable(Fault),
    /// The mailbox took a draft and refused to send it.
    Refused(Fault),
}

impl Used {
    /// What sending came to. A lost answer is an answer of the mailbox before, and no mail that is known to have gone.
    pub fn of(result: &Result<Sent, NotSent>) -> Self {
        match result {
            Ok(Sent::Done) => Self::Sent,
            Ok(Sent::InDoubt) => Self::Answered,
            Err(NotSent::Draft(fault)) => Self::Unusable(fault.clone()),
            Err(NotSent::Send(fault)) => Self::Refused(fault.clone()),
        }
    }
}

/// Whether a refusal is of the right to send, which no other answer of the mailbox says anything of. What passes by itself and what the
/// sign-in is refused show in a look at the mailbox as well.
fn is_of_the_right(fault: &Fault) -> bool {
    let is_the_servers = ["graph.", "ews."].iter().any(|side| fault.entry.id.starts_with(side));
    is_the_servers && matches!(fault.entry.class, Class::Administrator | Class::Configuration)
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

/// Records how an outbound is after it was used. What concerns people is told. A fault of one mail says nothing about the outbound, and
/// a mailbox that answers nothing about the right to send: that is back when a mail has gone.
pub async fn record(connections: &Connections, outbound: &Outbound, used: Used) -> Result<(), StoreError> {
    let now = connections.clock.now();
    let mut tx = connections.db.begin().await?;
    match used {
        Used::Answered => works(&mut tx, outbound, false, now).await?,
        Used::Sent => works(&mut tx, outbound, true, now).await?,
        Used::Unusable(fault) | Used::Refused(fault) if fault.entry.class == Class::Poison => {}
        Used::Refused(fault) if is_of_the_right(&fault) => {
            let record = serde_json::to_string(&fault.to_record()).unwrap_or_default();
            let pause = judge::until_next_poll(&fault, outbound.send_failures, rand::random());
            let next = judge::after(now, pause);
            if rows::refuses_to_send(&mut tx, outbound.id, &record, next, now).await? {
                tell::outbound_event(&mut tx, outbound, "offline", &fault.to_string(), Some(record), now)
                    .await?;
            }
            tell::outbound_fails(&mut tx, outbound.id, &fault, now).await?;
        }
        Used::Unusable(fault) | Used::Refused(fault) => {
            let state = if fault.entry.class == Class::Transient { "degraded" } else { "offline" };
            let record = serde_json::to_string(&fault.to_record()).unwrap_or_default();
            let next = judge::after(now, judge::until_next_poll(&fault, outbound.failures, rand::random()));
            if rows::fails(&mut tx, outbound.id, state, &record, next, now).await? {
                tell::outbound_event(&mut tx, outbound, state, &fault.to_string(), Some(record), now).await?;
            }
            tell::outbound_fails(&mut tx, outbound.id, &fault, now).await?;
        }
    }
    tx.commit().await
}

/// The mailbox answered, and maybe a mail went. Nothing is told of as over while sending is refused.
async fn works(tx: &mut Tx, outbound: &Outbound, sent: bool, now: Timestamp) -> Result<(), StoreError> {
    let before = rows::works(tx, outbound.id, sent, now).await?;
    if before.is_refused && !sent {
        return Ok(());
    }
    if before.is_refused || before.is_unusable {
        tell::outbound_event(tx, outbound, "online", "works again", None, now).await?;
    }
    tell::outbound_works(tx, outbound.id, now).await
}
