//! What was heard and is not yet dealt with. Graph gets its answer first: what follows from a notice is done by [`Listener`], which
//! writes it down and wakes the poller. Many notices of one source are one wake-up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store::StoreError;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::decide::Asked;
use super::store as rows;
use crate::connections::Connections;
use crate::connections::store::named;
use crate::notices;
use crate::web::live::Bus;

/// After a fault of the database.
const PAUSE: Duration = Duration::from_secs(1);

/// What was heard of one source's mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Notices of new mail.
    pub mails: i64,
    /// Notices of what becomes of the subscription.
    pub lifecycle: i64,
    /// What they ask for, the gravest.
    pub asked: Option<Asked>,
}

impl Heard {
    fn add(&mut self, more: Self) {
        self.mails = self.mails.saturating_add(more.mails);
        self.lifecycle = self.lifecycle.saturating_add(more.lifecycle);
        self.asked = self.asked.max(more.asked);
    }
}

/// Where notices are laid down. No more than one entry a source, so a flood fills nothing.
#[derive(Debug, Default)]
pub struct Ear {
    heard: Mutex<BTreeMap<Uuid, Heard>>,
    bell: Notify,
}

impl Ear {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Uuid, Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lays down what was heard of a source.
    pub fn hear(&self, source: Uuid, heard: Heard) {
        self.lock().entry(source).or_default().add(heard);
        self.bell.notify_one();
    }

    fn take(&self) -> BTreeMap<Uuid, Heard> {
        std::mem::take(&mut self.lock())
    }
}

/// Deals with what was heard. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Database and clock.
    pub connections: Arc<Connections>,
    /// Tells open pages.
    pub bus: Bus,
    /// Where notices are laid down.
    pub ear: Arc<Ear>,
    /// Rung when sources should be polled.
    pub poll: Arc<Notify>,
    /// Rung when the keeper has something to do.
    pub keep: Arc<Notify>,
}

impl Listener {
    /// Listens until `stop`; what was heard by then is written down.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = self.ear.bell.notified() => {}
                () = stop.cancelled() => {}
            }
            while let Err(error) = self.once().await {
                tracing::error!(%error, "what Microsoft announced cannot be written down, trying again");
                if stop.is_cancelled() {
                    // Polling finds the mail.
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
            if stop.is_cancelled() {
                return;
            }
        }
    }

    /// Deals with all that was heard so far.
    pub async fn once(&self) -> Result<(), StoreError> {
        let mut all = self.ear.take();
        while let Some((source, heard)) = all.pop_first() {
            if let Err(error) = self.deal(source, heard).await {
                // What was not written down is heard again.
                for (source, heard) in std::iter::once((source, heard)).chain(all) {
                    self.ear.lock().entry(source).or_default().add(heard);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    async fn deal(&self, source: Uuid, heard: Heard) -> Result<(), StoreError> {
        let connections = &self.connections;
        let now = connections.clock.now();
        let mut tx = connections.db.begin().await?;
        let Some(before) = rows::heard(&mut tx, source, heard.mails, heard.asked, now).await? else {
            return tx.rollback().await;
        };
        rows::wake(&mut tx, source, now).await?;
        if heard.mails > 0
            && before.times_deaf > 0
            && let Some(named) = named::source(&mut tx, source).await?
        {
            notices::push_works(&mut tx, &super::object(named), now).await?;
        }
        tx.commit().await?;
        tracing::debug!(%source, mails = heard.mails, lifecycle = heard.lifecycle, "Microsoft announced something");
        self.poll.notify_one();
        if heard.asked.is_some() {
            self.keep.notify_one();
        }
        self.bus.tell(&format!("source-{source}"));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a thousand notices of one source are one entry, and the gravest wish stays.
    #[test]
    fn a_flood_is_one_entry() {
        let (ear, source) = (Ear::default(), Uuid::now_v7());
        for n in 0..1_000 {
            let asked = (n == 500).then_some(Asked::Removed).or(Some(Asked::Reauthorize));
            ear.hear(source, Heard { mails: 1, lifecycle: 1, asked });
        }
        let heard = Heard { mails: 1_000, lifecycle: 1_000, asked: Some(Asked::Removed) };
        assert_eq!(ear.take(), BTreeMap::from([(source, heard)]));
        assert!(ear.take().is_empty());
    }
}
