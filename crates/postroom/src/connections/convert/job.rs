//! What moves sources in the background: one at a time, resumed after a kill, tried again while Graph does not answer.

use std::sync::Arc;
use std::time::Duration;

use fault::{Class, Fault, Pause};
use jiff::{SignedDuration, Timestamp};
use ledger::ids::{Double, Unmatched};
use ledger::{Ledger, failpoint};
use microsoft::graph::{GraphMailbox, IdKind, Translated};
use microsoft::{Folder, FolderId, Mailbox as _, NativeId};
use store::StoreError;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::open_mails::{self, NotSought};
use super::sentence;
use crate::access::{Actor, audit};
use crate::connections::Connections;
use crate::connections::store::conversion::{self as rows, Conversion, Held, Switch};
use crate::connections::store::events::{self, Event, Object};
use crate::connections::store::sources::{self, Source};
use crate::inbound::store as inbound;
use crate::web::live::Bus;

/// The longest that nobody looks into the database: other nodes write into it too.
const LOOK: Duration = Duration::from_secs(30);
/// After a fault of the database.
const PAUSE: Duration = Duration::from_secs(5);

/// How much a move does at a time, and how it keeps its claims.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Ids in one request and one transaction.
    pub batch: usize,
    /// Message-IDs that are looked for before what was found is kept.
    pub part: usize,
    /// How long source and move are claimed without a sign of life.
    pub lease: SignedDuration,
    /// How often such a sign is given beside the work.
    pub sign: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let number = |name, otherwise: u32| {
            failpoint::number(name).and_then(|number| u32::try_from(number).ok()).unwrap_or(otherwise)
        };
        let size = |name, otherwise| usize::try_from(number(name, otherwise)).unwrap_or(1).max(1);
        let lease = number("C.lease", 120);
        Self {
            batch: size("C.batch", 500),
            part: size("C.parts", 10),
            lease: SignedDuration::from_secs(lease.into()),
            sign: Duration::from_secs(lease.into()) / 3,
        }
    }
}

/// What moves sources. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Converter {
    /// What is known of mail.
    pub ledger: Ledger,
    /// Mailboxes.
    pub connections: Arc<Connections>,
    /// Tells open pages.
    pub bus: Bus,
    /// Rung when a move begins.
    pub wake: Arc<Notify>,
    /// Rings the poller.
    pub poll: Arc<Notify>,
    /// Rings the worker.
    pub work: Arc<Notify>,
    /// How much it does at a time.
    pub pace: Pace,
}

/// Why a move did not come to its end.
#[derive(Debug)]
enum Stopped {
    /// Graph does not take it now, or for good.
    Fault(Fault),
    /// It cannot go on: what, and the mend.
    Failed(String, String),
    /// One of the claims is gone: cancelled, paused, resumed, another node, a stop.
    Lost,
    /// The database.
    Store(StoreError),
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<NotSought> for Stopped {
    fn from(error: NotSought) -> Self {
        match error {
            NotSought::Fault(fault) => Self::Fault(fault),
            NotSought::Store(error) => Self::Store(error),
        }
    }
}

/// What is claimed while a source is moved.
#[derive(Clone, Copy, Debug)]
enum Claim {
    /// The move: no other node has it in hand.
    Move,
    /// The source: nobody polls it.
    Source,
}

/// What a folder is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// It is read.
    Read,
    /// Handled mail goes there.
    Handled,
}

/// The folders as Graph calls them.
struct Folders {
    read: FolderId,
    handled_target: String,
    /// A removed source of the same folder, whose messages are taken over.
    removed: Option<Uuid>,
}

impl Converter {
    /// Moves what is to be moved, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let pause = match self.once(&stop).await {
                Ok(true) => Duration::ZERO,
                Ok(false) => self.until_next().await,
                Err(error) => {
                    tracing::error!(%error, "moves to Graph cannot be looked up");
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

    async fn until_next(&self) -> Duration {
        let Ok(Some(next)) = rows::next(&self.connections.db).await else { return LOOK };
        let next = Timestamp::from_microsecond(next).unwrap_or(Timestamp::UNIX_EPOCH);
        let pause = Duration::try_from(next.duration_since(self.now()));
        pause.unwrap_or(Duration::ZERO).min(LOOK)
    }

    fn now(&self) -> Timestamp {
        self.connections.clock.now()
    }

    /// Takes the move whose turn it is as far as it goes. `false`: there is none.
    pub async fn once(&self, stop: &CancellationToken) -> Result<bool, StoreError> {
        let connections = &self.connections;
        let claimed =
            rows::claim_due(&connections.db, connections.owner, self.now(), self.pace.lease).await?;
        let Some(mut conversion) = claimed else { return Ok(false) };
        let source = conversion.source_id;
        let mut held = None;
        let claim = self.keep_claim(Claim::Move, source, conversion.fence);
        let moved = self.move_over(&mut conversion, &mut held, stop).await;
        drop(claim);
        if let Err(stopped) = moved {
            self.stopped(&conversion, stopped).await?;
            if let Some(held) = held {
                // It is read over EWS as before.
                rows::let_source_go(&connections.db, held, self.now()).await?;
            }
        }
        connections.forget();
        self.poll.notify_one();
        self.work.notify_one();
        self.tell(source);
        Ok(true)
    }

    /// Renews a claim beside the work, until it is dropped: a request to a slow Graph may take longer than the claim.
    fn keep_claim(&self, claim: Claim, source: Uuid, fence: i64) -> AbortOnDropHandle<()> {
        let (connections, pace) = (Arc::clone(&self.connections), self.pace);
        AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                tokio::time::sleep(pace.sign).await;
                let (db, now) = (&connections.db, connections.clock.now());
                let kept = match claim {
                    Claim::Move => rows::keep(db, (source, fence), now, pace.lease).await,
                    Claim::Source => inbound::renew(db, (source, fence), now, pace.lease).await,
                };
                match kept {
                    Ok(true) => {}
                    // Somebody else has it: the work finds out when it keeps what it found.
                    Ok(false) => return,
                    Err(error) => tracing::warn!(%error, "the claim of a move could not be renewed"),
                }
            }
        }))
    }

    fn tell(&self, source: Uuid) {
        self.bus.tell("sources");
        self.bus.tell(&format!("source-{source}"));
    }

    async fn stopped(&self, conversion: &Conversion, stopped: Stopped) -> Result<(), StoreError> {
        let (db, now) = (&self.connections.db, self.now());
        let (what, mend) = match stopped {
            Stopped::Store(error) => return Err(error),
            Stopped::Lost => {
                // Paused, resumed or restarted meanwhile: it goes on. Cancelled: nothing is changed by this.
                return rows::wait(db, conversion, ("", ""), now, now).await;
            }
            Stopped::Failed(what, mend) => (what, mend),
            Stopped::Fault(fault) => {
                let failures = u32::try_from(conversion.failures).unwrap_or(u32::MAX);
                let what = format!("Graph does not take this mailbox: {}", fault.told());
                tracing::warn!(%fault, code = %fault.code, source = %conversion.source_id, "a source cannot be moved to Graph now");
                if fault.entry.class == Class::Transient
                    && let Pause::For(pause) = fault.pause(failures, rand::random())
                {
                    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::from_mins(1));
                    let at = now.saturating_add(pause).unwrap_or(Timestamp::MAX);
                    return rows::wait(db, conversion, (&what, fault.entry.mend), at, now).await;
                }
                (what, fault.entry.mend.to_owned())
            }
        };
        let mut tx = db.begin().await?;
        if rows::fail(&mut tx, conversion, (&what, &mend), now).await? {
            let text = format!("stays with EWS for now: {what} {mend}");
            let event = Event {
                object: Object::Source,
                id: conversion.source_id,
                kind: "conversion_failed",
                text: &text,
                actor: "",
                detail: None,
            };
            events::add(&mut tx, conversion.workspace_id, now, &event).await?;
        }
        tx.commit().await
    }

    async fn move_over(
        &self,
        conversion: &mut Conversion,
        held: &mut Option<Held>,
        stop: &CancellationToken,
    ) -> Result<(), Stopped> {
        let connections = &self.connections;
        let gone =
            || Stopped::Failed("The source was removed.".to_owned(), "There is nothing to do.".to_owned());
        let source = sources::one(&connections.db, conversion.workspace_id, conversion.source_id)
            .await?
            .ok_or_else(gone)?;
        let graph = connections.graph_mailbox(source.account_id, &source.mailbox_native_id).await?;
        let folders = self.folders(&source, &graph).await?;
        let claim =
            rows::claim_source(&connections.db, connections.owner, source.id, self.now(), self.pace.lease)
                .await?;
        let claims =
            Held { source: source.id, source_fence: claim.ok_or_else(gone)?, fence: conversion.fence };
        *held = Some(claims);
        let _kept = self.keep_claim(Claim::Source, source.id, claims.source_fence);
        let mut doubles = self.translate(&source, &graph, conversion, claims, stop).await?;
        let mut pending = self.ledger.without_graph_id(&connections.db, source.id).await?;
        pending.retain(|mail| doubles.iter().all(|double| double.message != mail.id));
        // A part at a time, so that what was found is not looked for again after a fault.
        let (groups, mut unmatched) = open_mails::grouped(pending);
        for part in groups.chunks(self.pace.part) {
            if stop.is_cancelled() {
                return Err(Stopped::Lost);
            }
            let sought =
                open_mails::look_for(&connections.db, &self.ledger, &graph, source.mailbox_id, part).await?;
            conversion.matched += number(sought.found.len());
            doubles.extend(self.keep(&source, conversion, claims, &sought.found).await?);
            unmatched.doubtful.extend(sought.unmatched.doubtful);
            unmatched.gone.extend(sought.unmatched.gone);
            failpoint::hit("C2.part");
        }
        failpoint::hit("C2");
        unmatched.doubles = doubles;
        self.switch(&source, conversion, claims, &folders, &unmatched).await
    }

    /// Translates every id, a batch a transaction; tells what turned out to be one mail recorded twice.
    async fn translate(
        &self,
        source: &Source,
        graph: &GraphMailbox,
        conversion: &mut Conversion,
        held: Held,
        stop: &CancellationToken,
    ) -> Result<Vec<Double>, Stopped> {
        let db = &self.connections.db;
        let (all, open) = self.ledger.count_ews_ids(db, source.mailbox_id).await?;
        conversion.total = i64::try_from(all).unwrap_or(i64::MAX);
        conversion.done = i64::try_from(all.saturating_sub(open)).unwrap_or(0);
        let (mut after, mut doubles) = (String::new(), Vec::new());
        self.keep(source, conversion, held, &[]).await?;
        loop {
            if stop.is_cancelled() {
                return Err(Stopped::Lost);
            }
            let batch = self.ledger.ews_ids(db, source.mailbox_id, &after, self.pace.batch).await?;
            let Some(last) = batch.last() else { return Ok(doubles) };
            after.clone_from(&last.value);
            let ids: Vec<NativeId> = batch.iter().map(|id| NativeId::from(id.value.as_str())).collect();
            let answers = graph.translate_ids(&ids, IdKind::Ews, IdKind::RestImmutable).await?;
            failpoint::hit("C1.asked");
            let mut found = Vec::with_capacity(batch.len());
            for (id, answer) in batch.iter().zip(answers) {
                match answer {
                    Translated::Id(other) => found.push((id.message_id, other.as_str().to_owned())),
                    Translated::Unknown(why) => {
                        tracing::debug!(message = %id.message_id, why, "an id is not translated");
                    }
                }
            }
            conversion.done = (conversion.done + number(batch.len())).min(conversion.total);
            conversion.translated += number(found.len());
            doubles.extend(self.keep(source, conversion, held, &found).await?);
            failpoint::hit("C1");
            self.tell(source.id);
        }
    }

    /// Adds ids while the claims are ours, and says how far the move is.
    async fn keep(
        &self,
        source: &Source,
        conversion: &Conversion,
        held: Held,
        ids: &[(Uuid, String)],
    ) -> Result<Vec<Double>, Stopped> {
        let mut tx = self.connections.db.begin().await?;
        if !rows::renew(&mut tx, held, conversion, self.now(), self.pace.lease).await? {
            return Err(Stopped::Lost);
        }
        let doubles = self.ledger.add_graph_ids(&mut tx, source.mailbox_id, ids).await?;
        tx.commit().await?;
        Ok(doubles)
    }

    async fn switch(
        &self,
        source: &Source,
        conversion: &mut Conversion,
        held: Held,
        folders: &Folders,
        unmatched: &Unmatched,
    ) -> Result<(), Stopped> {
        let now = self.now();
        let mut tx = self.connections.db.begin().await?;
        if let Some(removed) = folders.removed {
            self.ledger.take_over(&mut tx, removed, source.id).await?;
            if !rows::absorb(&mut tx, removed, source.id).await? {
                // It was taken into use again meanwhile: the next try says so.
                return Err(Stopped::Lost);
            }
        }
        let switch =
            Switch { held, folder_id: folders.read.as_str(), handled_target: &folders.handled_target, now };
        conversion.done = conversion.total;
        conversion.gone = number(unmatched.gone.len());
        conversion.known = number(unmatched.doubles.len());
        let settled = self.ledger.settle_unmatched(&mut tx, unmatched, now).await?;
        conversion.held = i64::try_from(settled).unwrap_or(i64::MAX);
        if !rows::switch(&mut tx, &switch).await? || !rows::finish(&mut tx, conversion, now).await? {
            return Err(Stopped::Lost);
        }
        self.ledger.ask_by_graph_ids(&mut tx, source.id).await?;
        let text = sentence(conversion);
        let event = Event {
            object: Object::Source,
            id: source.id,
            kind: "converted",
            text: &text,
            actor: &conversion.actor,
            detail: None,
        };
        events::add(&mut tx, conversion.workspace_id, now, &event).await?;
        let actor = Actor {
            workspace: conversion.workspace_id,
            user: conversion.user_id,
            name: conversion.actor.clone(),
            at: now,
        };
        audit::record(&mut tx, &actor, "move source to Graph", &source.mailbox, &source.folder_name).await?;
        failpoint::hit("C3");
        tx.commit().await?;
        failpoint::hit("C4");
        tracing::info!(source = %source.id, "the source is read over Graph from now on");
        Ok(())
    }

    async fn folders(&self, source: &Source, graph: &GraphMailbox) -> Result<Folders, Stopped> {
        let read = folder(graph, &source.folder_id, &source.folder_name, Use::Read).await?;
        let handled_target = if source.handled == "move" {
            let target = folder(graph, &source.handled_target, &source.handled_name, Use::Handled).await?;
            target.as_str().to_owned()
        } else {
            source.handled_target.clone()
        };
        let reader = rows::reader_of(&self.connections.db, source.mailbox_id, read.as_str()).await?;
        let removed = match reader {
            None => None,
            Some((id, Some(_))) => Some(id),
            Some((_, None)) => {
                return Err(Stopped::Failed(
                    format!("{} of {} has a source over Graph already.", source.folder_name, source.mailbox),
                    "Remove one of the two: what either has read stays known, so nothing is handled twice."
                        .to_owned(),
                ));
            }
        };
        Ok(Folders { read, handled_target, removed })
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A folder by its id of EWS, else by the path that it had, else by its name.
async fn folder(graph: &GraphMailbox, ews_id: &str, name: &str, is_for: Use) -> Result<FolderId, Stopped> {
    let ids = [NativeId::from(ews_id)];
    let translated = graph.translate_ids(&ids, IdKind::Ews, IdKind::RestImmutable).await?;
    if let Some(Translated::Id(id)) = translated.first() {
        match graph.folder(id.as_str()).await {
            Ok(found) => return Ok(found.id),
            // Another one may have taken its place.
            Err(fault) if fault.entry.id == "graph.folder_gone" => {}
            Err(fault) => return Err(fault.into()),
        }
    }
    let all = graph.folders().await?;
    let wanted = name.to_lowercase();
    let by_path = all.iter().filter(|folder| folder.path.to_lowercase() == wanted);
    // A path is that of one folder; several may have one name.
    let mut named: Vec<&Folder> = by_path.collect();
    if named.is_empty() {
        named = all.iter().filter(|folder| folder.name.to_lowercase() == wanted).collect();
    }
    match (named.as_slice(), is_for) {
        ([found], _) => Ok(found.id.clone()),
        ([], Use::Read) => Err(Stopped::Failed(
            format!("Graph shows no folder {name} in this mailbox."),
            "Look in Outlook whether it was renamed or removed; then make a new source over Graph and remove this one."
                .to_owned(),
        )),
        ([], Use::Handled) => Err(Stopped::Failed(
            format!("Graph shows no folder {name}, where handled mail goes, in this mailbox."),
            "Look in Outlook whether it was renamed or removed. Choose in the source's settings what becomes of handled mail, then \
             move the source again."
                .to_owned(),
        )),
        (_, Use::Read) => Err(Stopped::Failed(
            format!("This mailbox has several folders {name}, and Graph does not say which one this is."),
            "Rename the folder that is read so that its name is its own, then move the source again.".to_owned(),
        )),
        (_, Use::Handled) => Err(Stopped::Failed(
            format!(
                "This mailbox has several folders {name}, and Graph does not say to which one handled mail goes."
            ),
            "Rename the folder in Outlook so that its name is its own, or choose in the source's settings what becomes of handled mail, \
             then move the source again."
                .to_owned(),
        )),
    }
}
