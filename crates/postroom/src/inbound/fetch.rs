//! Polling a source: what changed since the cursor, a page at a time, into the ledger.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use fault::{Class, Fault};
use jiff::{SignedDuration, Timestamp};
use ledger::failpoint;
use ledger::record::{IdKind, Incoming, Mailbox, Recorded, Summary};
use ledger::{Keys, Ledger};
use microsoft::{Cursor, Item, NativeId, Page, Priority, SyncError, message};
use store::{Clock, Db, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::judge;
use super::read::visible_text;
use super::store::{self as rows, DueSource};
use crate::connections::Connections;
use crate::connections::push::{self, pace};
use crate::web::live::Bus;

/// Sources polled at once.
const AT_ONCE: usize = 8;
/// How long a poller owns a source without a sign of life.
const LEASE: SignedDuration = SignedDuration::from_secs(120);
/// A mail that is too large to be described in a page is not read from it.
const LARGEST_PAGE_ITEM: usize = 24 << 20;

/// Polls sources. Cheap to clone.
#[derive(Clone)]
pub struct Poller {
    /// The database.
    pub db: Db,
    /// The ledger.
    pub ledger: Ledger,
    /// Mailboxes.
    pub connections: Arc<Connections>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Tells open pages.
    pub bus: Bus,
    /// Rings the worker.
    pub work: Arc<Notify>,
    /// Rung when a source should be looked at now.
    pub wake: Arc<Notify>,
    /// How often a source is polled.
    pub interval: Duration,
    /// This process.
    pub owner: Uuid,
}

/// A task that ends with its owner.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why a poll ended early.
#[derive(Debug)]
enum Broken {
    Fault(Fault),
    Lost,
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::Fault(Fault::own("own.store", &error.to_string()))
    }
}

/// What a round found.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    recorded: Recorded,
    /// New mails that push should have announced.
    announced: usize,
}

/// Polls in a row that may fail with 500 before one of the mails is suspected: Exchange names a corrupt item in many ways.
const SUSPICIOUS: i64 = 3;

/// Whether a request failed because of one mail in it, and not because of the mailbox or the way to it. What might be either is
/// believed to be the mail's after a while; with a code inside an answer of 200 it is nothing of the way.
fn is_one_mails_fault(fault: &Fault, failures: i64) -> bool {
    let may_be = matches!(fault.status, Some(200 | 500 | 504)) || fault.entry.id == "network.timeout";
    fault.entry.class == Class::Poison || (may_be && failures >= SUSPICIOUS)
}

/// Before when a page of a backlog has told everything: the last second on it may go on on the next page, and the mails of one
/// second come in any order.
fn settled(page: &Page) -> Option<Timestamp> {
    let last = page.items.iter().filter_map(Item::received).max()?;
    Timestamp::from_second(last.as_second()).ok()
}

/// How a round lists the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// Pages with all fields.
    Whole,
    /// Ids alone, around a mail that lets whole pages fail; each mail is fetched by itself.
    Ids,
    /// The folder from its beginning with all fields, to see whether that works again. The place in the listing of ids is kept
    /// meanwhile.
    Trial(Cursor),
}

/// Whole pages are tried again so long after they failed, and then after as long as they have been failing.
const WHOLE_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// At most.
const WHOLE_AT_LAST: SignedDuration = SignedDuration::from_hours(24);

/// When whole pages are tried again, given since when they fail.
fn whole_pages_at(since: Timestamp, now: Timestamp) -> Timestamp {
    judge::after(now, now.duration_since(since).clamp(WHOLE_AFTER, WHOLE_AT_LAST))
}

/// Whether a source's place is one in the listing of its backlog.
fn is_of_backlog(cursor: &str) -> bool {
    cursor == rows::BACKLOG || cursor.starts_with("listed:")
}

impl Poller {
    /// Polls what is due, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let tracker = TaskTracker::new();
        let slots = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
        while !stop.is_cancelled() {
            let free = slots.available_permits();
            let due = match rows::claim_due(&self.db, self.owner, self.clock.now(), LEASE, free).await {
                Ok(due) => due,
                Err(error) => {
                    tracing::error!(%error, "no source can be polled, trying again");
                    Vec::new()
                }
            };
            for source in due {
                let Ok(permit) = Arc::clone(&slots).try_acquire_owned() else { break };
                let (poller, stop) = (self.clone(), stop.clone());
                tracker.spawn(async move {
                    poller.poll(source, &stop).await;
                    drop(permit);
                });
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(Duration::from_secs(1).min(self.interval)) => {}
                () = stop.cancelled() => {}
            }
        }
        tracker.close();
        tracker.wait().await;
    }

    #[tracing::instrument(skip_all, fields(source = %source.id))]
    async fn poll(&self, source: DueSource, stop: &CancellationToken) {
        let claim = self.keep_claim(&source);
        let result = self.round(&source, stop).await;
        drop(claim);
        let now = self.clock.now();
        let outcome = match &result {
            Ok(found) => {
                let recorded = &found.recorded;
                if recorded.new > 0 {
                    tracing::info!(
                        new = recorded.new,
                        ignored = recorded.ignored,
                        held = recorded.held,
                        "round complete"
                    );
                }
                self.succeeded(&source, found, now).await
            }
            Err(Broken::Lost) => return,
            Err(Broken::Fault(fault)) => {
                let needs_person =
                    matches!(fault.entry.class, Class::SignIn | Class::Administrator | Class::Configuration);
                let pause = judge::until_next_poll(fault, source.failures, rand::random());
                tracing::warn!(%fault, code = %fault.code, needs_person, "poll failed");
                rows::poll_failed(&self.db, &source, now, judge::after(now, pause), fault, needs_person).await
            }
        };
        if let Err(error) = outcome {
            tracing::error!(%error, "the outcome of a poll could not be stored; the source is taken up again when its lease is over");
        }
        self.bus.tell("sources");
        self.bus.tell(&format!("source-{}", source.id));
        self.work.notify_one();
    }

    /// A round is complete. Whoever was woken while it lasted polls once more: what woke it may have come after the last page.
    async fn succeeded(&self, source: &DueSource, found: &Found, now: Timestamp) -> Result<(), StoreError> {
        let before = source.last_success_at.and_then(|at| Timestamp::from_microsecond(at).ok());
        let round = pace::Round { fresh: found.announced, before };
        let next = pace::after_round(&self.db, source.id, round, now, self.interval).await?;
        let new = u64::try_from(found.recorded.new).unwrap_or(u64::MAX);
        if rows::poll_succeeded(&self.db, source, now, next, new).await? {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Renews the claim beside the work, until it is dropped: a page over a slow way may take longer than the claim.
    fn keep_claim(&self, source: &DueSource) -> AbortOnDrop {
        let (db, clock, source) = (self.db.clone(), Arc::clone(&self.clock), (source.id, source.fence));
        let every = Duration::try_from(LEASE / 3).unwrap_or(Duration::from_secs(40));
        AbortOnDrop(tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                match rows::renew(&db, source, clock.now(), LEASE).await {
                    Ok(true) => {}
                    // Somebody else has it: the work finds out when it stores its page.
                    Ok(false) => return,
                    Err(error) => tracing::warn!(%error, "the claim of a source could not be renewed"),
                }
            }
        }))
    }

    /// Reads pages until the round is complete.
    async fn round(&self, source: &DueSource, stop: &CancellationToken) -> Result<Found, Broken> {
        let mailbox = self.connections.mailbox_of(source.id).await.map_err(Broken::Fault)?;
        let folder = source.folder_id.as_str().into();
        let stored = source.cursor_value.clone().filter(|value| !value.is_empty());
        let mut cursor = stored.map(Cursor::from);
        let since = (source.start_kind == "since")
            .then(|| Timestamp::from_microsecond(source.start_at).unwrap_or(Timestamp::MIN));
        let mut total = Found::default();
        let mut why_ids = None;
        let announced_from = pace::announced_from(&push::store::pulse(&self.db, source.id).await?);
        let mut resets = 0;
        // What its pages carry was fixed in the first request of the listing that the place is one of.
        let mut way = if source.by_ids_since.is_some() { Way::Ids } else { Way::Whole };
        // Where a mail may be known under an id of another transport only, its text helps to tell which one it is.
        let keys = match source.ids() {
            IdKind::Ews => Some(&self.ledger.keys),
            IdKind::Graph if self.ledger.has_ids_of_ews(&self.db, source.mailbox_id).await? => {
                Some(&self.ledger.keys)
            }
            IdKind::Graph => None,
        };
        loop {
            let is_backlog = cursor.as_ref().is_some_and(|cursor| is_of_backlog(cursor.as_str()));
            let listed = if is_backlog {
                let after = cursor.as_ref().filter(|cursor| cursor.as_str() != rows::BACKLOG);
                mailbox.older(&folder, since, after).await
            } else if way == Way::Ids || source.ids() == IdKind::Ews {
                // EWS lists ids and fetches apart in any case: what is known, such as what we have marked, is not fetched again.
                mailbox.ids(&folder, cursor.as_ref()).await
            } else {
                mailbox.sync(&folder, cursor.as_ref()).await
            };
            let page = match listed {
                Ok(page) => page,
                Err(SyncError::Fault(fault)) if is_backlog && is_one_mails_fault(&fault, source.failures) => {
                    // The round that follows reads what is left, and knows how to get around a corrupt mail.
                    tracing::warn!(%fault, "the backlog cannot be listed to its end; reading the folder instead");
                    cursor = None;
                    continue;
                }
                // What was listed of ids stands, and what whole pages have brought so far is recorded.
                Err(error) if matches!(way, Way::Trial(_)) => {
                    self.pages_still_fail(source, &error).await?;
                    return Ok(total);
                }
                Err(SyncError::Fault(fault))
                    if way == Way::Whole && is_one_mails_fault(&fault, source.failures) =>
                {
                    // Graph fixes in a round's first request what its pages carry, so the folder is listed from its beginning.
                    tracing::warn!(%fault, code = %fault.code, "a page fails as a whole; listing ids alone and fetching each new mail by itself");
                    way = Way::Ids;
                    why_ids = Some(fault);
                    cursor = None;
                    continue;
                }
                Err(SyncError::Reset) if resets < 2 => {
                    // I2: everything is listed again, into the same keys. It may be whole again.
                    tracing::info!("the mailbox forgot our place; reading the folder from the beginning");
                    resets += 1;
                    way = Way::Whole;
                    cursor = None;
                    continue;
                }
                Err(SyncError::Reset) => {
                    return Err(Broken::Fault(Fault::own(
                        "own.delta_resets",
                        "the mailbox resets every listing",
                    )));
                }
                Err(SyncError::Fault(fault)) => return Err(Broken::Fault(fault)),
            };
            let settled = settled(&page);
            let is_news = cursor.is_some() && !is_backlog;
            let from = if is_news { mailbox.at(Priority::Live) } else { Arc::clone(&mailbox) };
            let mut incoming = Vec::with_capacity(page.items.len());
            for item in self.whole(&*from, source, page.items).await? {
                incoming.push(Self::incoming(source, item, keys, self.clock.now()));
            }
            if source.ids() == IdKind::Ews {
                self.recognise_moved(&*mailbox, source, &mut incoming).await?;
            }
            failpoint::hit("I1");
            let must_be_announced = |mail: &&Incoming| {
                mail.ignored.is_none() && announced_from.is_some_and(|from| mail.received_at >= from)
            };
            let announced = incoming.iter().filter(must_be_announced).count();
            let now = self.clock.now();
            let mut tx = self.db.begin().await?;
            let at = Mailbox {
                id: source.mailbox_id,
                ids: source.ids(),
                tenant: source.tenant_id.clone(),
                native_id: source.mailbox_native_id.clone(),
            };
            let recorded =
                self.ledger.record(&mut tx, source.workspace_id, &at, source.id, incoming, now).await?;
            if page.complete {
                self.ledger.release_round(&mut tx, source.id).await?;
            } else if let (true, Some(then)) = (is_backlog, settled) {
                // A backlog comes oldest first, so that each page can be handled while the next is read.
                self.ledger.release_before(&mut tx, source.id, then).await?;
            }
            let is_round = page.complete && !is_backlog;
            let next = match &way {
                // Until a trial has succeeded, a round goes on with ids.
                Way::Trial(kept) if !is_round => kept.as_str(),
                _ if page.complete && is_backlog => "",
                _ => page.cursor.as_str(),
            };
            let ours =
                rows::move_cursor(&mut tx, source, next, is_round, recorded.new > 0, now, LEASE).await?;
            if !ours {
                tracing::info!("another node took the source over");
                return Err(Broken::Lost);
            }
            // Over EWS pages are of ids in any case: none is tried whole.
            if way == Way::Ids && source.ids() == IdKind::Graph {
                rows::pages_of_ids(&mut tx, source, why_ids.as_ref(), now, whole_pages_at(now, now)).await?;
            } else if is_round
                && source.by_ids_since.is_some()
                && rows::pages_are_whole(&mut tx, source, now).await?
            {
                tracing::info!("pages come whole again");
            }
            failpoint::hit("I2");
            tx.commit().await?;
            if recorded.new > 0 {
                // They stand in the list before anything becomes of them, which may take long while Jira does not answer.
                self.bus.tell("messages");
            }
            total.recorded.new += recorded.new;
            total.recorded.ignored += recorded.ignored;
            total.recorded.held += recorded.held;
            total.recorded.known += recorded.known;
            total.announced += announced.min(recorded.new.saturating_sub(recorded.ignored));
            if is_backlog || is_round {
                self.work.notify_one();
            }
            if is_round && way == Way::Ids && source.may_try_whole_pages(now) && !stop.is_cancelled() {
                tracing::info!("trying whole pages again");
                (way, cursor) = (Way::Trial(page.cursor), None);
                continue;
            }
            if is_round {
                return Ok(total);
            }
            self.bus.tell(&format!("source-{}", source.id));
            // Behind the backlog comes what a delta tells: all of the folder once, then what is new.
            cursor = (!(page.complete && is_backlog)).then_some(page.cursor);
            if stop.is_cancelled() {
                return Ok(total);
            }
        }
    }

    /// Whole pages were tried and fail as before: ids are listed on, and it is tried again later.
    async fn pages_still_fail(&self, source: &DueSource, error: &SyncError) -> Result<(), Broken> {
        let now = self.clock.now();
        let since = source.by_ids_since.and_then(|at| Timestamp::from_microsecond(at).ok()).unwrap_or(now);
        let next = whole_pages_at(since, now);
        tracing::info!(%error, %next, "pages fail as a whole as before; listing ids on");
        rows::try_whole_pages(&self.db, source, next).await?;
        Ok(())
    }

    /// The items with all their fields: what a page does not tell is fetched apart, unless it is known already. One that cannot
    /// be told for a reason of its own is recorded as it is, so that it is held and not lost, and the others go on.
    async fn whole(
        &self,
        mailbox: &dyn microsoft::Mailbox,
        source: &DueSource,
        items: Vec<Item>,
    ) -> Result<Vec<Item>, Broken> {
        let partial: Vec<String> =
            items.iter().filter(|item| !item.is_whole).map(|item| item.id.as_str().to_owned()).collect();
        if partial.is_empty() {
            return Ok(items);
        }
        let known = self.ledger.known(&self.db, source.mailbox_id, &partial).await?;
        let is_fetched = |item: &&Item| !item.is_whole && !known.contains(item.id.as_str());
        let asked: Vec<NativeId> = items.iter().filter(is_fetched).map(|item| item.id.clone()).collect();
        let mut told: HashMap<NativeId, _> =
            asked.iter().cloned().zip(mailbox.messages(&asked).await).collect();
        let mut whole = Vec::with_capacity(items.len());
        for item in items {
            if item.is_whole {
                whole.push(item);
                continue;
            }
            match told.remove(&item.id) {
                Some(Ok(Some(told))) => whole.push(told),
                Some(Err(fault)) if is_one_mails_fault(&fault, source.failures) => {
                    tracing::warn!(%fault, mail = %item.id, "the mailbox cannot tell this mail's fields");
                    whole.push(item);
                }
                Some(Err(fault)) => return Err(Broken::Fault(fault)),
                // Known; or gone between the listing and the look: it was never here long enough to be handled.
                Some(Ok(None)) | None => {}
            }
        }
        Ok(whole)
    }

    /// Over EWS a move gives a mail another id: one that was moved away and back is the mail that it was, and a copy is not.
    async fn recognise_moved(
        &self,
        mailbox: &dyn microsoft::Mailbox,
        source: &DueSource,
        incoming: &mut [Incoming],
    ) -> Result<(), Broken> {
        let alike = self.ledger.alike(&self.db, source.workspace_id, source.mailbox_id, incoming).await?;
        let mut found = HashSet::new();
        for candidate in alike {
            let Some(item) = incoming.iter_mut().find(|item| item.native_id == candidate.item) else {
                continue;
            };
            if item.was.is_some() || found.contains(&candidate.message_id) {
                continue;
            }
            let old = candidate.native_id.as_str().into();
            if mailbox.message(&old).await.map_err(Broken::Fault)?.is_none() {
                found.insert(candidate.message_id);
                item.was = Some(candidate.message_id);
            }
        }
        Ok(())
    }

    /// What the ledger records of an item. With `keys` its text is hashed, so that alike mails can be told apart.
    fn incoming(source: &DueSource, item: Item, keys: Option<&Keys>, now: Timestamp) -> Incoming {
        let start = Timestamp::from_microsecond(source.start_at).unwrap_or(Timestamp::MIN);
        let received = item.received();
        let has_start = source.start_kind != "everything";
        let before_start = has_start && received.is_some_and(|received| received < start);
        let read = if item.raw.len() > LARGEST_PAGE_ITEM { None } else { message::read(&item.raw).ok() };
        let (mut summary, mut references, mut needs_mime, mut draft) =
            (Summary::default(), Vec::new(), true, false);
        let mut message_id = item.internet_message_id.as_deref().and_then(mail::message_id);
        let (mut body, mut topic) = (None, None);
        if let Some(read) = read {
            let header = |name: &str| {
                read.headers
                    .iter()
                    .find(|(key, _)| key.eq_ignore_ascii_case(name))
                    .map(|(_, value)| value.as_str())
            };
            if let Some(own) = header("Message-ID").and_then(mail::message_id) {
                message_id = Some(own);
            }
            references = header("References").map(mail::references).unwrap_or_default();
            references.extend(header("In-Reply-To").map(mail::references).unwrap_or_default());
            summary.subject = read.subject.clone().unwrap_or_default();
            topic = Some(rules::threads::subject::topic(&summary.subject));
            if let Some(from) = read.from.as_ref().or(read.sender.as_ref()) {
                summary.from.clone_from(&from.address);
                summary.name = from.name.clone().unwrap_or_default();
            }
            needs_mime = read.needs_mime();
            draft = read.is_draft;
            body = keys.and_then(|keys| visible_text(read).map(|text| keys.body(&text)));
        }
        summary.message_id.clone_from(&message_id);
        let ignored = if before_start {
            Some(("before-start", "it was received before this source's start point"))
        } else if draft {
            Some(("draft", "it is a draft that somebody has not sent"))
        } else {
            None
        };
        // Neither old mail that becomes an issue nor new mail that is ignored: a person looks.
        let held = (has_start && received.is_none()).then_some((
            "record",
            "the mailbox does not tell when it was received, so nobody can say whether it came before this source's start point. \
             Open it in Outlook: retry it if it is to be handled, discard it if not",
        ));
        Incoming {
            native_id: item.id.as_str().to_owned(),
            message_id,
            conversation: item.conversation_id,
            topic,
            references,
            // Listed where it was found, not in 1970.
            received_at: received.unwrap_or(now),
            body,
            summary,
            page: item.raw,
            needs_mime,
            ignored,
            held,
            was: None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests_with_sim;

#[cfg(test)]
mod tests {
    use super::*;

    fn source(start_kind: &str) -> DueSource {
        DueSource {
            id: Uuid::nil(),
            workspace_id: Uuid::nil(),
            mailbox_id: Uuid::nil(),
            tenant_id: "t".to_owned(),
            mailbox_native_id: "m".to_owned(),
            connection_type: "graph".to_owned(),
            folder_id: "f".to_owned(),
            start_kind: start_kind.to_owned(),
            start_at: 1_000_000,
            cursor_value: None,
            last_success_at: None,
            wakes: 0,
            failures: 0,
            state: "online".to_owned(),
            by_ids_since: None,
            whole_pages_at: 0,
            fence: 0,
        }
    }

    /// Promise: whole pages are tried again within the hour, then ever less often, and at least once a day for ever.
    #[test]
    fn whole_pages_are_tried_again_for_ever() {
        let since = Timestamp::from_second(1_800_000_000).expect("in range");
        let after = |hours: i64| since + SignedDuration::from_hours(hours);
        let mut now = since;
        let mut tries = Vec::new();
        for _ in 0..8 {
            now = whole_pages_at(since, now);
            tries.push(now.duration_since(since).as_hours());
        }
        assert_eq!(tries, [1, 2, 4, 8, 16, 32, 56, 80]);
        assert_eq!(whole_pages_at(since, after(2_000)), after(2_024));
    }

    fn item(received_at: Timestamp) -> Item {
        Item {
            id: "id".into(),
            raw: br#"{"id":"id"}"#.to_vec(),
            received_at,
            internet_message_id: None,
            conversation_id: None,
            is_whole: false,
        }
    }

    /// Promise: a mail of which the mailbox tells nothing but its id is not thrown away as older than the start point, and does not
    /// become an issue either: it is held.
    #[test]
    fn a_mail_without_a_time_is_held_and_not_ignored() {
        let now = Timestamp::from_second(1_800_000_000).expect("in range");
        for start in ["now", "since"] {
            let incoming = Poller::incoming(&source(start), item(Timestamp::UNIX_EPOCH), None, now);
            assert_eq!(incoming.ignored, None, "{start}");
            assert!(incoming.held.is_some_and(|(_, reason)| reason.contains("discard")), "{start}");
            assert_eq!(incoming.received_at, now);
        }
        // Where everything is handled, its time does not count.
        let incoming = Poller::incoming(&source("everything"), item(Timestamp::UNIX_EPOCH), None, now);
        assert_eq!((incoming.ignored, incoming.held), (None, None));
        let incoming = Poller::incoming(
            &source("since"),
            item(Timestamp::from_second(0).unwrap() + SignedDuration::from_millis(500)),
            None,
            now,
        );
        assert!(incoming.ignored.is_some() && incoming.held.is_none());
        let incoming = Poller::incoming(&source("since"), item(now), None, now);
        assert_eq!((incoming.ignored, incoming.held), (None, None));
    }
}
