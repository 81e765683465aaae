//! What runs in the background: the poller, the worker, the marker, the watcher for approvals, what moves sources to Graph, the
//! keeper of push subscriptions and what removes data after its time, started together and stopped in order.
//!
//! Begin with [`Engine::start`]. A graceful stop lets each finish what is in hand: a poll ends after the page it stores, a
//! message after the step it writes. Whoever is killed instead is taken over by the ledger's leases.

use std::sync::Arc;
use std::time::Duration;

use ledger::{GroupCommit, Ledger};
use store::{Blobs, Clock, Db, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::connections::Connections;
use crate::connections::consent::watch::Watcher;
use crate::connections::convert::job::{Converter, Pace};
use crate::connections::device_code::DevicePoller;
use crate::connections::push::{self, Ear, Keeper, Listener};
use crate::inbound::act::Worker;
use crate::inbound::fetch::Poller;
use crate::inbound::mark::Marker;
use crate::inbound::room::Room;
use crate::retention::{Periods, Remover};
use crate::web::Readiness;
use crate::web::live::Bus;

/// How long a graceful stop waits for work in hand.
const STOP_WITHIN: Duration = Duration::from_secs(25);

/// The running background work.
#[derive(Debug)]
pub struct Engine {
    stop: CancellationToken,
    tracker: TaskTracker,
    /// Rung when a source should be polled now.
    pub poll: Arc<Notify>,
    /// Rung when a message should be looked at now.
    pub work: Arc<Notify>,
    /// Rung when an approval should be looked for now.
    pub approvals: Arc<Notify>,
    /// Rung when a code waits to be entered.
    pub devices: Arc<Notify>,
    /// Rung when a source is to be moved to Graph.
    pub conversions: Arc<Notify>,
    /// Rung when a subscription should be looked at now.
    pub push: Arc<Notify>,
    /// Where Microsoft's announcements are laid down.
    pub ear: Arc<Ear>,
    /// Rung when somebody asks for an erasure.
    pub remove: Arc<Notify>,
    /// How long things are kept.
    pub periods: Periods,
}

/// What the engine is made of.
#[derive(Debug)]
pub struct Parts {
    /// The database.
    pub db: Db,
    /// The ledger.
    pub ledger: Ledger,
    /// Mailboxes and Jira.
    pub connections: Arc<Connections>,
    /// MIME.
    pub blobs: Blobs,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Tells open pages.
    pub bus: Bus,
    /// How often a source is polled.
    pub poll_interval: Duration,
    /// Mails handled at the same time.
    pub workers: usize,
    /// How long things are kept.
    pub periods: Periods,
    /// This process.
    pub owner: Uuid,
    /// Cancelled when the whole program must stop (a failed disk).
    pub program: CancellationToken,
    /// Told when the disk is full, and when it no longer is.
    pub readiness: Readiness,
}

impl Engine {
    /// Starts everything. What the process before left behind is made safe first.
    pub async fn start(parts: Parts) -> Result<Self, StoreError> {
        let alone = parts.db.is_embedded();
        let mut tx = parts.db.begin().await?;
        parts.ledger.restarted(&mut tx, parts.clock.now(), alone).await?;
        if alone {
            crate::inbound::store::release_sources(&mut tx).await?;
            crate::connections::store::conversion::restarted(&mut tx).await?;
            push::store::release(&mut tx).await?;
            crate::retention::erase::restarted(&mut tx).await?;
        }
        tx.commit().await?;
        let stop = CancellationToken::new();
        let tracker = TaskTracker::new();
        let (poll, work) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (program, readiness) = (parts.program, parts.readiness);
        let (approvals, devices) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let devices_poller = DevicePoller {
            connections: Arc::clone(&parts.connections),
            bus: parts.bus.clone(),
            wake: Arc::clone(&devices),
            poll: Arc::clone(&poll),
            approvals: Arc::clone(&approvals),
        };
        let journal = GroupCommit::start(
            parts.db.clone(),
            parts.ledger.clone(),
            Arc::clone(&parts.clock),
            move |committed| match committed {
                Ok(()) => readiness.ready("disk"),
                // I14: after a failed fsync nobody knows what is on the disk. Stop, and never try the fsync again.
                Err(error) if error.is_fatal() => {
                    tracing::error!(%error, "the disk failed; Postroom stops");
                    program.cancel();
                }
                // I13: no intent is committed, so nothing is written to Jira; the next commit that succeeds ends it.
                Err(error @ StoreError::DiskFull { .. }) => readiness.not_ready("disk", error.to_string()),
                Err(_) => {}
            },
        );
        let poller = Poller {
            db: parts.db.clone(),
            ledger: parts.ledger.clone(),
            connections: Arc::clone(&parts.connections),
            clock: Arc::clone(&parts.clock),
            bus: parts.bus.clone(),
            work: Arc::clone(&work),
            wake: Arc::clone(&poll),
            interval: parts.poll_interval,
            owner: parts.owner,
        };
        let conversions = Arc::new(Notify::new());
        let watcher = Watcher {
            connections: Arc::clone(&parts.connections),
            bus: parts.bus.clone(),
            wake: Arc::clone(&approvals),
            poll: Arc::clone(&poll),
            conversions: Arc::clone(&conversions),
        };
        let converter = Converter {
            ledger: parts.ledger.clone(),
            connections: Arc::clone(&parts.connections),
            bus: parts.bus.clone(),
            wake: Arc::clone(&conversions),
            poll: Arc::clone(&poll),
            work: Arc::clone(&work),
            pace: Pace::default(),
        };
        let (keep, ear) = (Arc::new(Notify::new()), Arc::new(Ear::default()));
        let keeper = Keeper {
            connections: Arc::clone(&parts.connections),
            bus: parts.bus.clone(),
            wake: Arc::clone(&keep),
            poll: Arc::clone(&poll),
        };
        let listener = Listener {
            connections: Arc::clone(&parts.connections),
            bus: parts.bus.clone(),
            ear: Arc::clone(&ear),
            poll: Arc::clone(&poll),
            keep: Arc::clone(&keep),
        };
        let marker = Marker {
            bus: parts.bus.clone(),
            db: parts.db.clone(),
            connections: Arc::clone(&parts.connections),
            clock: Arc::clone(&parts.clock),
        };
        let remove = Arc::new(Notify::new());
        let remover = Remover {
            db: parts.db.clone(),
            ledger: parts.ledger.clone(),
            blobs: parts.blobs.clone(),
            clock: Arc::clone(&parts.clock),
            bus: parts.bus.clone(),
            periods: parts.periods,
            wake: Arc::clone(&remove),
            work: Arc::clone(&work),
        };
        let worker = Worker {
            db: parts.db,
            ledger: parts.ledger,
            journal,
            connections: parts.connections,
            blobs: parts.blobs,
            clock: parts.clock,
            bus: parts.bus,
            wake: Arc::clone(&work),
            owner: parts.owner,
            workers: parts.workers,
            room: Room::default(),
        };
        tracker.spawn(poller.run(stop.clone()));
        tracker.spawn(worker.run(stop.clone()));
        tracker.spawn(marker.run(stop.clone()));
        tracker.spawn(watcher.run(stop.clone()));
        tracker.spawn(devices_poller.run(stop.clone()));
        tracker.spawn(converter.run(stop.clone()));
        tracker.spawn(keeper.run(stop.clone()));
        tracker.spawn(listener.run(stop.clone()));
        tracker.spawn(remover.run(stop.clone()));
        tracker.close();
        Ok(Self {
            stop,
            tracker,
            poll,
            work,
            approvals,
            devices,
            conversions,
            push: keep,
            ear,
            remove,
            periods: parts.periods,
        })
    }

    /// Stops everything, letting it finish what is in hand.
    pub async fn stop(&self) {
        self.stop.cancel();
        if tokio::time::timeout(STOP_WITHIN, self.tracker.wait()).await.is_err() {
            tracing::warn!(
                "some work did not come to an end in time; it is taken up again at the next start"
            );
        }
    }
}
