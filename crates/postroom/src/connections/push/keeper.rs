//! Keeps one live subscription for every source whose mail Microsoft can announce. It looks at all of them every few seconds, asks
//! [`decide()`] what is to be done, claims the row (one node at a time), and does it: the intent is committed, then Graph is asked,
//! then what it said is committed. A subscription whose making was cut off is found in Graph's list by the key in its address.

use std::sync::Arc;
use std::time::Duration;

use fault::{Class, Fault, Pause};
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use microsoft::FolderId;
use microsoft::graph::{Denied, GraphMailbox, Wanted};
use secrecy::ExposeSecret;
use store::{StoreError, Tx};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use super::decide::{self, Action, Cause, DEAF_FOR, LIFE, MAKING, State, decide};
use super::possible::{self, Why};
use super::routes::place;
use super::store::{self as rows, Making, Row, Without};
use super::{address, object};
use crate::connections::Connections;
use crate::connections::store::events::{self, Event, Object};
use crate::connections::store::named;
use crate::notices;
use crate::web::live::Bus;
use crate::web::times::counted;

/// How often it looks.
const LOOKS: Duration = Duration::from_secs(5);
/// Sources at once.
const AT_ONCE: usize = 4;
/// How long a claim holds: longer than all requests of one step together.
const LEASE: SignedDuration = SignedDuration::from_mins(5);
/// What was refused is tried again after this, twice as late each time, up to [`SELDOM`].
const SOON: SignedDuration = SignedDuration::from_mins(5);
/// The longest between two tries where Exchange or the way in stands against it.
const SELDOM: SignedDuration = SignedDuration::from_hours(12);
/// The longest where it is the sign-in or the service: that may be mended at any time.
const HOURLY: SignedDuration = SignedDuration::from_hours(1);
/// After authorising anew no renewal for so long: Graph wants not both within ten minutes.
const APART: SignedDuration = SignedDuration::from_mins(10);
/// How long a subscription that is to be ended is one node's affair.
const LEAVING: SignedDuration = SignedDuration::from_mins(1);

/// Keeps subscriptions. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Keeper {
    /// Mailboxes, database, clock.
    pub connections: Arc<Connections>,
    /// Tells open pages.
    pub bus: Bus,
    /// Rung when something has changed.
    pub wake: Arc<Notify>,
    /// Rung when sources should be polled.
    pub poll: Arc<Notify>,
}

/// A claim on a row.
struct Held {
    row: Row,
    fence: i64,
    public_url: Url,
}

fn record(fault: &Fault) -> String {
    serde_json::to_string(&fault.to_record()).unwrap_or_default()
}

fn after(now: Timestamp, span: SignedDuration) -> Timestamp {
    now.saturating_add(span).unwrap_or(Timestamp::MAX)
}

/// How long after the `failures`-th failure in a row it is tried again; `fault` is none for what is refused for a reason of its own.
fn later(fault: Option<&Fault>, failures: i64, roll: f64) -> SignedDuration {
    let failures = u32::try_from(failures).unwrap_or(0);
    let doubled = SOON.saturating_mul(1 << failures.min(10));
    let Some(fault) = fault else { return doubled.min(SELDOM) };
    match fault.pause(failures, roll) {
        Pause::For(pause) if fault.entry.class == Class::Transient => {
            SignedDuration::try_from(pause).unwrap_or(HOURLY).min(HOURLY)
        }
        _ => doubled.min(HOURLY),
    }
}

impl Keeper {
    /// Keeps subscriptions until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = self.look() => {}
                // A request under way is given up: what it did is found out at the next start.
                () = stop.cancelled() => return,
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(LOOKS) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    async fn look(&self) {
        if let Err(error) = self.once().await {
            tracing::error!(%error, "subscriptions cannot be looked after, trying again");
        }
    }

    /// Looks once at all sources, and ends what is to be ended.
    pub async fn once(&self) -> Result<(), StoreError> {
        let connections = &self.connections;
        rows::ensure(&connections.db, connections.clock.now()).await?;
        let public_url = public_url(connections)?;
        let mut todo = Vec::new();
        for row in rows::all(&connections.db).await? {
            if self.action(&row, &public_url).await != Action::Rest {
                todo.push(row.source_id);
            }
        }
        futures::stream::iter(todo)
            .for_each_concurrent(AT_ONCE, |source| async move {
                if let Err(error) = self.keep(source).await {
                    tracing::error!(%source, %error, "a subscription could not be looked after, trying again");
                }
            })
            .await;
        self.end_leaving().await
    }

    /// What is to be done for a row.
    async fn action(&self, row: &Row, public_url: &Url) -> Action {
        let connections = &self.connections;
        // Where Graph is matters to an installation that only this machine reaches.
        let graph_url = if possible::is_loopback(public_url) {
            connections.graph_url(row.account_id).await.ok()
        } else {
            None
        };
        let graph_url = graph_url.unwrap_or_else(|| connections.reach.graph_url.clone());
        let possible = row.possible(connections.reach.push, public_url, &graph_url);
        decide(&row.situation(possible, public_url), connections.clock.now())
    }

    /// Claims a row, and does what is to be done for it as it is then.
    async fn keep(&self, source: Uuid) -> Result<(), StoreError> {
        let connections = &self.connections;
        let db = &connections.db;
        let now = connections.clock.now();
        let Some(fence) = rows::claim(db, connections.owner, source, now, LEASE).await? else {
            return Ok(());
        };
        let done = async {
            // As it is under the claim: another node may have done it meanwhile.
            let Some(row) = rows::one(db, source).await?.filter(|row| row.fence == fence) else {
                return Ok(());
            };
            let public_url = public_url(connections)?;
            let action = self.action(&row, &public_url).await;
            tracing::debug!(%source, ?action, "push");
            let held = Held { row, fence, public_url };
            match action {
                Action::Rest => Ok(()),
                Action::TurnOff(why) => self.turn_off(&held, why).await,
                Action::Subscribe(cause) => self.subscribe(&held, cause).await,
                Action::Settle => self.settle(&held).await,
                Action::Renew => self.renew(&held).await,
                Action::Reauthorize => self.reauthorize(&held).await,
                Action::GiveUp => self.give_up(&held).await,
            }
        };
        let done: Result<(), StoreError> = done.await;
        rows::let_go(db, source, fence).await?;
        self.bus.tell(&format!("source-{source}"));
        done
    }

    fn now(&self) -> Timestamp {
        self.connections.clock.now()
    }

    async fn mailbox(&self, row: &Row) -> Result<GraphMailbox, Fault> {
        self.connections.graph_mailbox(row.account_id, &row.mailbox_native_id).await
    }

    /// A line of the source's timeline.
    async fn event(
        &self,
        tx: &mut Tx,
        row: &Row,
        text: &str,
        fault: Option<&Fault>,
    ) -> Result<(), StoreError> {
        let event =
            Event { object: Object::Source, id: row.source_id, kind: "push", text, actor: "", detail: None };
        events::add_with(tx, row.workspace_id, self.now(), &event, fault.map(record)).await
    }

    /// No push, for this reason.
    async fn turn_off(&self, held: &Held, why: Why) -> Result<(), StoreError> {
        let (row, now) = (&held.row, self.now());
        let without = Without {
            state: State::Off,
            why,
            fault: None,
            is_failure: false,
            next: Timestamp::UNIX_EPOCH,
            times_deaf: row.times_deaf,
        };
        let mut tx = self.connections.db.begin().await?;
        rows::leave(&mut tx, row.source_id, now).await?;
        if !rows::is_without(&mut tx, row.source_id, held.fence, &without, now).await? {
            return tx.rollback().await;
        }
        // That there never was any is no event, and a pause has its own.
        if row.state() == State::On && !matches!(why, Why::Paused | Why::SwitchedOff) {
            self.event(&mut tx, row, &format!("push is off: {}", why.words()), None).await?;
        }
        notices::push_is_moot(&mut tx, row.source_id, now).await?;
        tx.commit().await
    }

    /// Makes a subscription; the one that is there is ended.
    async fn subscribe(&self, held: &Held, cause: Cause) -> Result<(), StoreError> {
        let row = &held.row;
        let mailbox = match self.mailbox(row).await {
            Ok(mailbox) => mailbox,
            Err(fault) => return self.not_made(held, Why::Failing, &fault).await,
        };
        let (key, client_state) = {
            let mut rng = rand::rng();
            (address::random(&mut rng), address::random(&mut rng))
        };
        let addresses = address::of_key(&held.public_url, &key);
        let (notification_url, lifecycle_url) = addresses.map_err(|_| no_address(&held.public_url))?;
        let now = self.now();
        let sealed =
            self.connections.sealer.seal(&place(row.source_id), client_state.expose_secret().as_bytes());
        let making = Making {
            row,
            fence: held.fence,
            base: held.public_url.as_str(),
            path_hash: address::hash(key.expose_secret()).unwrap_or_default(),
            client_state_sealed: sealed,
            times_deaf: if cause == Cause::Deaf { row.times_deaf + 1 } else { row.times_deaf },
            now,
            until: after(now, MAKING),
        };
        let mut tx = self.connections.db.begin().await?;
        // The one that Microsoft has removed is gone; ending it once more does no harm.
        rows::leave(&mut tx, row.source_id, now).await?;
        if !rows::making(&mut tx, &making).await? {
            return tx.rollback().await;
        }
        let why = match cause {
            Cause::Missing => None,
            Cause::Lost => Some(
                "Microsoft has ended the subscription that announces new mail; another one is made"
                    .to_owned(),
            ),
            Cause::Changed => {
                Some("push is set up anew: account, folder or public address have changed".to_owned())
            }
            Cause::Deaf => Some(format!(
                "{} came that Microsoft did not announce; the subscription is made anew",
                counted(row.unheard, "mail", "mails")
            )),
        };
        if let Some(text) = why {
            self.event(&mut tx, row, &text, None).await?;
        }
        // Until there is a new one, the poller finds what was not announced.
        rows::wake(&mut tx, row.source_id, now).await?;
        tx.commit().await?;
        self.poll.notify_one();

        // A subscription of the same kind that is still there stands in the way of the new one.
        self.end_leaving().await?;
        let folder = FolderId::from(row.folder_id.as_str());
        let wanted = Wanted {
            folder: &folder,
            notification_url: &notification_url,
            lifecycle_url: &lifecycle_url,
            client_state: &client_state,
            expires: after(self.now(), LIFE),
        };
        let mut made = mailbox.subscribe(&wanted).await;
        let stands_in_the_way = matches!(made, Err(Denied::Exists(_)));
        if stands_in_the_way && self.clear(held, &mailbox, &folder).await? {
            made = mailbox.subscribe(&wanted).await;
        }
        match made {
            Ok(made) => self.made(held, &made.id, made.expires).await,
            Err(Denied::NotAllowed(fault)) => self.not_made(held, Why::Refused, &fault).await,
            Err(Denied::NoEcho(fault)) => self.not_made(held, Why::Unreachable, &fault).await,
            Err(Denied::Exists(fault)) => self.not_made(held, Why::Taken, &fault).await,
            Err(Denied::Fault(fault)) if fault.status.is_some_and(|status| status < 500) => {
                self.not_made(held, Why::Failing, &fault).await
            }
            // It may have been made: looked for when the time for the echo is over.
            Err(Denied::Fault(fault)) => {
                let next = after(self.now(), MAKING.max(later(Some(&fault), row.failures, rand::random())));
                rows::failed(&self.connections.db, row.source_id, held.fence, &record(&fault), next).await
            }
            Err(Denied::Gone) => Ok(()),
        }
    }

    async fn made(&self, held: &Held, id: &str, expires: Timestamp) -> Result<(), StoreError> {
        let (row, now) = (&held.row, self.now());
        let ends = (expires, decide::renew_at(now, expires, rand::random()));
        let mut tx = self.connections.db.begin().await?;
        if !rows::is_on(&mut tx, row.source_id, held.fence, id, ends, now).await? {
            // Paused or removed meanwhile: its end comes by itself, and its notices are not known.
            return tx.rollback().await;
        }
        self.event(&mut tx, row, "push is on: Microsoft announces new mail", None).await?;
        // What came between the last poll and now was announced to nobody.
        rows::wake(&mut tx, row.source_id, now).await?;
        tx.commit().await?;
        tracing::info!(source = %row.source_id, %expires, "subscribed");
        self.poll.notify_one();
        Ok(())
    }

    async fn not_made(&self, held: &Held, why: Why, fault: &Fault) -> Result<(), StoreError> {
        let (row, now) = (&held.row, self.now());
        tracing::info!(source = %row.source_id, %fault, code = %fault.code, why = why.word(), "no subscription");
        let without = Without {
            state: State::Off,
            why,
            fault: Some(record(fault)),
            is_failure: true,
            next: after(
                now,
                later(Some(fault).filter(|_| why == Why::Failing), row.failures, rand::random()),
            ),
            times_deaf: row.times_deaf,
        };
        let mut tx = self.connections.db.begin().await?;
        if !rows::is_without(&mut tx, row.source_id, held.fence, &without, now).await? {
            return tx.rollback().await;
        }
        // Once, not at every try.
        if row.failures == 0 {
            self.event(&mut tx, row, &format!("push is off: {}", why.words()), Some(fault)).await?;
        }
        tx.commit().await
    }

    /// A subscription was asked for and the answer never came: it is in Graph's list, or it was not made.
    async fn settle(&self, held: &Held) -> Result<(), StoreError> {
        let row = &held.row;
        let listed = match self.mailbox(row).await {
            Ok(mailbox) => mailbox.subscriptions().await,
            Err(fault) => Err(fault),
        };
        match listed {
            Err(fault) => {
                let next = after(self.now(), later(Some(&fault), row.failures, rand::random()));
                rows::failed(&self.connections.db, row.source_id, held.fence, &record(&fault), next).await
            }
            Ok(all) => {
                let base = Url::parse(&row.base).unwrap_or_else(|_| held.public_url.clone());
                let ours = all.iter().find(|one| {
                    let address = one.notification_url.as_deref().unwrap_or_default();
                    row.path_hash.is_some() && address::hash_in(&base, address) == row.path_hash
                });
                match ours {
                    Some(one) => self.made(held, &one.id, one.expires).await,
                    None => self.subscribe(held, Cause::Missing).await,
                }
            }
        }
    }

    /// Ends subscriptions to this folder that lead to this installation and that nobody here knows: left over by a database that
    /// was restored, or by a making that was cut off. `false`: there are none.
    async fn clear(
        &self,
        held: &Held,
        mailbox: &GraphMailbox,
        folder: &FolderId,
    ) -> Result<bool, StoreError> {
        let Ok(all) = mailbox.subscriptions().await else { return Ok(false) };
        let resource = mailbox.resource(folder);
        let mut cleared = false;
        for one in all.iter().filter(|one| one.resource.eq_ignore_ascii_case(&resource)) {
            let address = one.notification_url.as_deref().unwrap_or_default();
            let Some(hash) = address::hash_in(&held.public_url, address) else { continue };
            if !rows::is_known(&self.connections.db, &hash).await? {
                cleared |= mailbox.unsubscribe(&one.id).await.is_ok();
            }
        }
        Ok(cleared)
    }

    async fn renew(&self, held: &Held) -> Result<(), StoreError> {
        let (row, now) = (&held.row, self.now());
        let id = row.remote_id.as_deref().unwrap_or_default();
        let renewed = match self.mailbox(row).await {
            Ok(mailbox) => mailbox.renew_subscription(id, after(now, LIFE)).await,
            Err(fault) => Err(Denied::Fault(fault)),
        };
        match renewed {
            Ok(expires) => {
                let ends = (expires, decide::renew_at(now, expires, rand::random()));
                let mut tx = self.connections.db.begin().await?;
                rows::is_on(&mut tx, row.source_id, held.fence, id, ends, now).await?;
                if row.failures > 0 {
                    self.event(&mut tx, row, "the subscription is renewed again", None).await?;
                }
                tx.commit().await?;
                tracing::debug!(source = %row.source_id, %expires, "renewed");
                Ok(())
            }
            Err(denied) => self.not_kept(held, denied).await,
        }
    }

    async fn reauthorize(&self, held: &Held) -> Result<(), StoreError> {
        let row = &held.row;
        let id = row.remote_id.as_deref().unwrap_or_default();
        let done = match self.mailbox(row).await {
            Ok(mailbox) => mailbox.reauthorize_subscription(id).await,
            Err(fault) => Err(Denied::Fault(fault)),
        };
        match done {
            Ok(()) => {
                tracing::debug!(source = %row.source_id, "authorised anew");
                let not_before = after(self.now(), APART);
                rows::reauthorized(&self.connections.db, row.source_id, held.fence, not_before).await
            }
            Err(denied) => self.not_kept(held, denied).await,
        }
    }

    /// A subscription that is there could not be renewed.
    async fn not_kept(&self, held: &Held, denied: Denied) -> Result<(), StoreError> {
        let row = &held.row;
        match denied {
            Denied::Gone => self.subscribe(held, Cause::Lost).await,
            Denied::NotAllowed(fault) => {
                let mut tx = self.connections.db.begin().await?;
                rows::leave(&mut tx, row.source_id, self.now()).await?;
                tx.commit().await?;
                self.not_made(held, Why::Refused, &fault).await
            }
            Denied::Fault(fault) | Denied::Exists(fault) | Denied::NoEcho(fault) => {
                tracing::warn!(source = %row.source_id, %fault, code = %fault.code, "a subscription is not renewed, trying again");
                let next = after(self.now(), later(Some(&fault), row.failures, rand::random()));
                if row.failures == 0 {
                    let mut tx = self.connections.db.begin().await?;
                    let text =
                        "the subscription that announces new mail could not be renewed; it is tried again";
                    self.event(&mut tx, row, text, Some(&fault)).await?;
                    tx.commit().await?;
                }
                rows::failed(&self.connections.db, row.source_id, held.fence, &record(&fault), next).await
            }
        }
    }

    /// Twice in a row it announced nothing: the source is polled at its usual interval, and people are told.
    async fn give_up(&self, held: &Held) -> Result<(), StoreError> {
        let (row, now) = (&held.row, self.now());
        tracing::warn!(source = %row.source_id, unheard = row.unheard, "a subscription announces nothing; polling instead");
        let without = Without {
            state: State::Deaf,
            why: Why::Nothing,
            fault: None,
            is_failure: false,
            next: after(now, DEAF_FOR),
            times_deaf: row.times_deaf + 1,
        };
        let mut tx = self.connections.db.begin().await?;
        rows::leave(&mut tx, row.source_id, now).await?;
        if !rows::is_without(&mut tx, row.source_id, held.fence, &without, now).await? {
            return tx.rollback().await;
        }
        let text = format!(
            "push is replaced by polling: {} came that Microsoft did not announce, though its subscription was alive",
            counted(row.unheard, "mail more", "mails more")
        );
        self.event(&mut tx, row, &text, None).await?;
        if let Some(named) = named::source(&mut tx, row.source_id).await? {
            notices::push_is_deaf(&mut tx, &object(named), now).await?;
        }
        rows::wake(&mut tx, row.source_id, now).await?;
        tx.commit().await?;
        self.bus.tell("notices");
        self.poll.notify_one();
        Ok(())
    }

    /// Ends the subscriptions that are not wanted any more.
    async fn end_leaving(&self) -> Result<(), StoreError> {
        let (db, connections) = (&self.connections.db, &self.connections);
        while let Some(leaving) = rows::take_leaving(db, self.now(), after(self.now(), LEAVING)).await? {
            let ended = match connections.graph_mailbox(leaving.account_id, &leaving.mailbox_native_id).await
            {
                Ok(mailbox) => mailbox.unsubscribe(&leaving.remote_id).await,
                Err(fault) => Err(fault),
            };
            match ended {
                Err(fault) if self.now().as_microsecond() < leaving.ends_at => {
                    tracing::info!(%fault, code = %fault.code, "a subscription is not ended, trying again");
                    let next = after(self.now(), later(Some(&fault), leaving.attempts, rand::random()));
                    rows::leaves_later(db, leaving.id, next.max(after(self.now(), LEAVING))).await?;
                }
                // Ended by this, or by itself meanwhile.
                _ => rows::left(db, leaving.id).await?,
            }
        }
        Ok(())
    }
}

/// Where people, and Microsoft, reach the console.
fn public_url(connections: &Connections) -> Result<Url, StoreError> {
    let redirect = &connections.reach.redirect_uri;
    redirect.join("/").map_err(|_| no_address(redirect))
}

fn no_address(url: &Url) -> StoreError {
    StoreError::corrupt("push", "base", url.as_str(), "no address can be made of it")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: what is refused is tried again more and more seldom, at least twice a day.
    #[test]
    fn refusals_are_tried_again_more_and_more_seldom() {
        let waits: Vec<i64> = (0..12).map(|failures| later(None, failures, 0.5).as_mins()).collect();
        assert_eq!(&waits[..4], &[5, 10, 20, 40]);
        assert_eq!(waits[11], 12 * 60);
        let busy = Fault::own("graph.busy", "");
        assert!(later(Some(&busy), 0, 0.5) <= SOON, "what passes by itself is tried again soon");
        let ended = Fault::own("own.not_signed_in", "");
        assert_eq!(later(Some(&ended), 11, 0.5), HOURLY, "somebody may have signed in");
    }
}
