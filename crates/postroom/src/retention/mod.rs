//! How long things are kept, and how everything of one address is erased.
//!
//! Begin with [`Remover`], which runs in the background: what is over its time goes, a batch at a time; [`erase`] is what somebody
//! asked for, with its report. [`forget`] has the SQL of both, [`history`] looks for an address besides mail, [`address`] says whether a
//! text names one; [`page`] is what the console shows, [`report`] says in sentences what was found.
//!
//! Only mail that has its end is touched by time: held mail waits for a person however long, and what is on its way to Jira is not looked
//! at. Keys, ends and operation keys stay (design §4, Memory), so that nothing is acted on twice because it was forgotten. Mail that
//! ended because its source was removed goes after its time as well: a source that lists it again brings its content along.

pub mod address;
pub mod erase;
pub mod forget;
pub mod history;
pub mod page;
pub mod report;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ledger::Ledger;
use store::{Blobs, Clock, Db, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::web::live::Bus;

/// Rows in one transaction: others write between two of them.
const BATCH: u16 = 200;
/// Between two looks.
const LOOK: Duration = Duration::from_hours(1);
/// After a fault of the database, and while an erasure is under way elsewhere.
const PAUSE: Duration = Duration::from_mins(1);

/// How long each kind of data is kept after its end; none: for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Periods {
    /// The mail itself: what the mailbox told of it, and its MIME.
    pub content: Option<SignedDuration>,
    /// Sender and subject, the plan and the reasons for it.
    pub summary: Option<SignedDuration>,
    /// What happened to connections, and notices.
    pub timeline: Option<SignedDuration>,
}

/// What is done in a round, in its order.
#[derive(Clone, Copy, Debug)]
enum What {
    Erasures,
    Contents,
    Summaries,
    Timeline,
    Removals,
}

/// Removes what is over its time, and what somebody asked to be erased. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Remover {
    /// The database.
    pub db: Db,
    /// What is known of mail.
    pub ledger: Ledger,
    /// MIME.
    pub blobs: Blobs,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Tells open pages.
    pub bus: Bus,
    /// How long things are kept.
    pub periods: Periods,
    /// Rung when somebody asks for an erasure.
    pub wake: Arc<Notify>,
    /// Wakes the worker: held mail that ends lets others of its conversation go on.
    pub work: Arc<Notify>,
}

impl Remover {
    /// Removes until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let pause = match self.once(&stop).await {
                // Another node may have been killed in the middle of one.
                Ok(()) if erase::is_under_way(&self.db).await.unwrap_or(true) => PAUSE,
                Ok(()) => LOOK,
                Err(error) => {
                    tracing::error!(%error, "what is over its time cannot be removed now, trying again");
                    PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Removes everything whose time has come, and carries erasures to their end. What fails keeps none of the rest from being done; the
    /// first error is told.
    pub async fn once(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        let mut first = Ok(());
        for what in [What::Erasures, What::Contents, What::Summaries, What::Timeline, What::Removals] {
            while !stop.is_cancelled() {
                match self.batch(what).await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        first = first.and(Err(error));
                        break;
                    }
                }
            }
        }
        first
    }

    async fn batch(&self, what: What) -> Result<bool, StoreError> {
        match what {
            What::Erasures => {
                erase::give_up_old(&self.db, self.clock.now()).await?;
                erase::go_on(self).await
            }
            What::Contents => self.contents().await,
            What::Summaries => self.summaries().await,
            What::Timeline => self.timeline().await,
            What::Removals => self.removals().await,
        }
    }

    fn before(&self, period: Option<SignedDuration>) -> Option<Timestamp> {
        period.map(|period| self.clock.now().saturating_sub(period).unwrap_or(Timestamp::MIN))
    }

    async fn contents(&self) -> Result<bool, StoreError> {
        let Some(before) = self.before(self.periods.content) else { return Ok(false) };
        let ids = forget::contents_over(&self.db, before, BATCH).await?;
        if ids.is_empty() {
            return Ok(false);
        }
        let mut tx = self.db.begin().await?;
        forget::contents(&mut tx, &ids, self.clock.now()).await?;
        tx.commit().await?;
        tracing::info!(mails = ids.len(), "the content of mails is over its time and removed");
        Ok(ids.len() == usize::from(BATCH))
    }

    async fn summaries(&self) -> Result<bool, StoreError> {
        let Some(before) = self.before(self.periods.summary) else { return Ok(false) };
        let ids = forget::summaries_over(&self.db, before, BATCH).await?;
        if ids.is_empty() {
            return Ok(false);
        }
        let mut tx = self.db.begin().await?;
        forget::summaries(&mut tx, &self.ledger, &ids, forget::FORGOTTEN, self.clock.now()).await?;
        tx.commit().await?;
        Ok(ids.len() == usize::from(BATCH))
    }

    async fn timeline(&self) -> Result<bool, StoreError> {
        let Some(before) = self.before(self.periods.timeline) else { return Ok(false) };
        let mut tx = self.db.begin().await?;
        let removed = forget::timeline(&mut tx, before, self.clock.now(), BATCH).await?;
        tx.commit().await?;
        Ok(removed >= u64::from(BATCH))
    }

    /// Takes what nothing names any more out of the content store. What cannot be removed now is tried again.
    async fn removals(&self) -> Result<bool, StoreError> {
        let names = forget::removals(&self.db, BATCH).await?;
        let mut failed = false;
        for name in &names {
            if !forget::is_to_leave(&self.db, name).await? {
                continue;
            }
            match self.blobs.delete(name).await {
                Ok(()) => {
                    if !forget::removed(&self.db, name).await? {
                        forget::fetch_anew(&self.db, name).await?;
                    }
                }
                Err(error) => {
                    failed = true;
                    tracing::warn!(%error, "a content that is over its time cannot be removed now");
                }
            }
        }
        Ok(!failed && names.len() == usize::from(BATCH))
    }
}
