//! The mail store that Graph, EWS and the Outlook pages share: mailboxes in memory, as Exchange keeps them.
//!
//! [`mailbox`] holds folders, messages and the change logs that deltas read; [`ids`] makes both kinds of item ids of
//! Graph, [`ews_ids`] those of EWS;
//! [`ingest`] turns bytes into what Exchange shows of them, [`class`] tells what kind of item that is; [`compose`] writes mail; [`transport`] carries mail between
//! mailboxes and stamps it as the receiving Exchange does. The raw bytes of a message are its only truth: everything
//! else is read from them.

pub(crate) mod class;
pub(crate) mod compose;
pub(crate) mod ews_ids;
pub(crate) mod ids;
pub(crate) mod ingest;
pub(crate) mod mailbox;
pub(crate) mod parts;
pub(crate) mod transport;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;

use crate::core::Core;
use crate::tenant::Tenant;
use mailbox::Mailbox;

/// Mail to addresses outside the tenant that is kept for looking at.
const KEPT_OUTSIDE: usize = 10_000;

/// A mail that left the tenant.
#[derive(Clone, Debug)]
pub(crate) struct SentOutside {
    pub(crate) to: String,
    pub(crate) at: Timestamp,
    pub(crate) raw: Bytes,
}

/// All mailboxes of the tenant.
pub(crate) struct Exchange {
    pub(crate) core: Arc<Core>,
    pub(crate) tenant: Arc<Tenant>,
    mailboxes: HashMap<String, Arc<Mailbox>>,
    outside: Mutex<Vec<SentOutside>>,
}

impl Exchange {
    pub(crate) fn new(core: Arc<Core>, tenant: Arc<Tenant>) -> Self {
        let mailboxes = tenant
            .users
            .iter()
            .filter(|user| user.mailbox)
            .map(|user| {
                (user.upn.to_ascii_lowercase(), Arc::new(Mailbox::new(user.oid, &user.upn, &user.name)))
            })
            .collect();
        Self { core, tenant, mailboxes, outside: Mutex::default() }
    }

    /// A mailbox by its user's object id or address, letter case aside.
    pub(crate) fn mailbox(&self, user: &str) -> Option<&Arc<Mailbox>> {
        if let Some(mailbox) = self.mailboxes.get(&user.to_ascii_lowercase()) {
            return Some(mailbox);
        }
        let user = self.tenant.user(user)?;
        self.mailboxes.get(&user.upn.to_ascii_lowercase())
    }

    /// A mailbox by the number that item ids have.
    pub(crate) fn numbered(&self, number: u32) -> Option<&Arc<Mailbox>> {
        self.mailboxes.values().find(|mailbox| mailbox.number == number)
    }

    /// The mailboxes in the order of their addresses.
    pub(crate) fn all(&self) -> Vec<&Arc<Mailbox>> {
        let mut all: Vec<_> = self.mailboxes.values().collect();
        all.sort_by(|one, other| one.upn.cmp(&other.upn));
        all
    }

    fn keep_outside(&self, sent: SentOutside) {
        let mut outside = self.outside.lock().unwrap_or_else(PoisonError::into_inner);
        if outside.len() >= KEPT_OUTSIDE {
            outside.remove(0);
        }
        outside.push(sent);
    }

    /// What was sent to addresses outside, oldest first.
    pub(crate) fn sent_outside(&self) -> Vec<SentOutside> {
        self.outside.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
