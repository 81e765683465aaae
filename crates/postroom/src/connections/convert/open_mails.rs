//! Mails that are still to be handled or marked and whose id of EWS is not translated: they were moved, or have left the mailbox.
//! Looked for by Message-ID, time and text among what no message has yet.

use std::collections::{BTreeMap, HashSet};

use fault::Fault;
use ledger::Ledger;
use ledger::ids::{Pending, Unmatched};
use ledger::same::{self, Looks, Same};
use microsoft::graph::GraphMailbox;
use microsoft::{Find, Item, Mailbox as _, message};
use store::{Db, StoreError};
use uuid::Uuid;

use crate::inbound::read::visible_text;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Sought {
    /// Messages and their ids of Graph.
    pub(super) found: Vec<(Uuid, String)>,
    /// The others.
    pub(super) unmatched: Unmatched,
}

/// Why it could not be looked for.
#[derive(Debug)]
pub(super) enum NotSought {
    Fault(Fault),
    Store(StoreError),
}

impl From<StoreError> for NotSought {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The mails that have one Message-ID.
#[derive(Debug)]
pub(super) struct Alike {
    message_id: String,
    mails: Vec<Pending>,
}

/// Puts together what has one Message-ID; what has none cannot be looked for, and is in doubt.
pub(super) fn grouped(pending: Vec<Pending>) -> (Vec<Alike>, Unmatched) {
    let mut unmatched = Unmatched::default();
    let mut by_message_id: BTreeMap<String, Vec<Pending>> = BTreeMap::new();
    for mail in pending {
        match &mail.summary.message_id {
            Some(id) => by_message_id.entry(id.clone()).or_default().push(mail),
            // There is nothing to look for it by.
            None => unmatched.doubtful.push(mail.id),
        }
    }
    let groups = by_message_id.into_iter().map(|(message_id, mails)| Alike { message_id, mails });
    (groups.collect(), unmatched)
}

/// Looks for these in the mailbox: one request for each Message-ID, and one for each message that has it.
pub(super) async fn look_for(
    db: &Db,
    ledger: &Ledger,
    graph: &GraphMailbox,
    mailbox: Uuid,
    groups: &[Alike],
) -> Result<Sought, NotSought> {
    let mut sought = Sought::default();
    for Alike { message_id, mails } in groups {
        let ids = graph.find(&Find::MessageId(message_id.clone())).await.map_err(NotSought::Fault)?;
        let names: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
        let taken: HashSet<String> = ledger.taken_graph_ids(db, mailbox, &names).await?;
        let mut items = Vec::new();
        for id in ids.iter().filter(|id| !taken.contains(id.as_str())) {
            items.extend(graph.message(id).await.map_err(NotSought::Fault)?);
        }
        pair(ledger, mails, &items, &mut sought);
    }
    Ok(sought)
}

/// Tells which of these mails, all of one Message-ID, is which message.
fn pair(ledger: &Ledger, mails: &[Pending], items: &[Item], sought: &mut Sought) {
    let known: Vec<Looks> = mails.iter().map(|mail| mail.looks.clone()).collect();
    let looks: Vec<Looks> = items.iter().map(|item| of_item(ledger, &known, item)).collect();
    let told = same::tell(&looks, &known);
    let mut left: Vec<usize> = (0..mails.len()).collect();
    for (item, same) in items.iter().zip(&told) {
        if let Same::Is(one) = same {
            sought.found.push((mails[*one].id, item.id.as_str().to_owned()));
            left.retain(|other| other != one);
        }
    }
    for one in left {
        let received_at = known[one].received_at;
        let may_be =
            |(looks, same): (&Looks, &Same)| *same == Same::Doubtful && looks.received_at == received_at;
        if looks.iter().zip(&told).any(may_be) {
            sought.unmatched.doubtful.push(mails[one].id);
        } else {
            sought.unmatched.gone.push(mails[one].id);
        }
    }
}

fn of_item(ledger: &Ledger, known: &[Looks], item: &Item) -> Looks {
    let text = message::read(&item.raw).ok().and_then(visible_text);
    Looks {
        // It was found by the Message-ID that all of them have, however the mailbox spells it.
        message_id: known.first().and_then(|looks| looks.message_id.clone()),
        received_at: item.received_at.as_microsecond(),
        body: text.map(|text| ledger.keys.body(&text)),
    }
}
