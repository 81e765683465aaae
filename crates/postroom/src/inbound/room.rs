//! Room in memory for the content of mails, whoever holds it: a few mails of 64 MiB must not crowd out the machine, and many small
//! ones must not wait for them longer than it takes.
//!
//! Small mails take no room: [`LARGE`] times the mails in hand is little. What is larger takes room by its size before it is loaded
//! ([`Room::take`]), first come, first served. How large MIME is nobody knows before it is there, so only a few mails are
//! fetched at once ([`Room::fetch`]); what was fetched lies in the content store and is loaded again if there is no room for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Up to so many bytes a mail counts as small.
pub const LARGE: usize = 256 << 10;
/// What all large mails in hand may take, copies included.
const ALL: usize = 512 << 20;
/// How often a mail's bytes are in memory while it is read and written to Jira: as they came, unpacked, and as its parts.
const COPIES: usize = 4;
/// What is counted.
const UNIT: usize = 64 << 10;
/// MIME fetched at once.
const FETCHES: usize = 8;

/// The room. Clones share it.
#[derive(Clone, Debug)]
pub struct Room {
    units: u32,
    free: Arc<Semaphore>,
    fetches: Arc<Semaphore>,
}

/// Room that is taken, until it is dropped. A small mail takes none.
#[derive(Debug)]
pub struct Taken {
    _units: Option<OwnedSemaphorePermit>,
}

impl Default for Room {
    fn default() -> Self {
        Self::of(ALL)
    }
}

impl Room {
    fn of(bytes: usize) -> Self {
        let units = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX).max(1);
        let free = usize::try_from(units).unwrap_or(1);
        Self { units, free: Arc::new(Semaphore::new(free)), fetches: Arc::new(Semaphore::new(FETCHES)) }
    }

    /// How many units a mail takes; one that would take more than there is takes all of it.
    fn weight(&self, bytes: usize) -> u32 {
        if bytes <= LARGE {
            return 0;
        }
        let units = bytes.saturating_mul(COPIES).div_ceil(UNIT);
        u32::try_from(units).unwrap_or(u32::MAX).min(self.units)
    }

    /// Room for a mail of so many bytes, if there is some now.
    pub fn try_take(&self, bytes: usize) -> Option<Taken> {
        match self.weight(bytes) {
            0 => Some(Taken { _units: None }),
            units => {
                let units = Arc::clone(&self.free).try_acquire_many_owned(units).ok()?;
                Some(Taken { _units: Some(units) })
            }
        }
    }

    /// The same, waiting at most so long. Whoever came first is served first, also if it wants much.
    pub async fn take(&self, bytes: usize, at_most: Duration) -> Option<Taken> {
        match self.weight(bytes) {
            0 => Some(Taken { _units: None }),
            units => {
                let wanted = Arc::clone(&self.free).acquire_many_owned(units);
                let units = tokio::time::timeout(at_most, wanted).await.ok()?.ok()?;
                Some(Taken { _units: Some(units) })
            }
        }
    }

    /// The turn to fetch a mail of whatever size, waiting at most so long.
    pub async fn fetch(&self, at_most: Duration) -> Option<OwnedSemaphorePermit> {
        tokio::time::timeout(at_most, Arc::clone(&self.fetches).acquire_owned()).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    /// Promise: what is held in memory has a bound, whatever comes; small mails are never in each other's way.
    #[tokio::test]
    async fn large_mails_share_a_bounded_room() {
        let room = Room::of(64 << 20);
        let first = room.try_take(10 << 20).expect("there is room");
        assert!(room.try_take(10 << 20).is_none(), "40 and 40 are more than 64");
        assert!(room.take(10 << 20, NOW).await.is_none());
        let small: Vec<Taken> = (0..1_000).filter_map(|_| room.try_take(LARGE)).collect();
        assert_eq!(small.len(), 1_000);
        drop(first);
        let one = room.take(6 << 20, NOW).await.expect("there is room again");
        let two = room.take(6 << 20, NOW).await.expect("for two");
        drop((one, two));
        // One that is larger than all there is comes alone, and comes.
        let huge = room.take(1 << 40, NOW).await.expect("alone");
        assert!(room.try_take(LARGE + 1).is_none());
        drop(huge);
        assert!(room.try_take(LARGE + 1).is_some());
    }

    /// Promise: a very large mail gets its turn although smaller ones keep coming.
    #[tokio::test]
    async fn who_wants_much_is_not_passed_by() {
        let room = Room::of(64 << 20);
        let first = room.try_take(4 << 20).expect("there is room");
        let want = room.take(16 << 20, Duration::from_mins(1));
        tokio::pin!(want);
        assert!(futures::poll!(&mut want).is_pending());
        assert!(room.try_take(1 << 20).is_none(), "the one that waits is first");
        drop(first);
        assert!(want.await.is_some());
    }

    /// Promise: only a few mails of unknown size are fetched at once.
    #[tokio::test]
    async fn few_are_fetched_at_once() {
        let room = Room::default();
        let mut turns = Vec::new();
        while let Some(turn) = room.fetch(NOW).await {
            turns.push(turn);
        }
        assert_eq!(turns.len(), FETCHES);
        turns.pop();
        assert!(room.fetch(NOW).await.is_some());
    }
}
