//! Moving a source from EWS to Graph, so that no mail is handled twice and none is lost.
//!
//! 1. The source's claim is taken, so that nothing is recorded by an old id meanwhile; it is renewed with every batch.
//! 2. Every id of EWS that the ledger has of this mailbox is translated, and the other one becomes an alias, a batch a
//!    transaction. What is still to be handled or marked and cannot be translated is looked for by Message-ID and the time at
//!    which the mailbox received it; what is alike more than once is told, and left.
//! 3. One transaction switches: type, folder ids, the ids that messages are asked for by, and an empty cursor. Graph then lists
//!    the folder from its beginning into the same keys; what had no other id is recognised by Message-ID and time there
//!    ([`ledger::record`]).
//!
//! Whoever kills it anywhere begins again: aliases that are there stay, and until the switch the source is read over EWS.

use std::collections::HashSet;

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use fault::Fault;
use jiff::{SignedDuration, Timestamp};
use ledger::failpoint;
use ledger::ids::Pending;
use microsoft::graph::{GraphMailbox, IdKind, Translated};
use microsoft::{Find, FolderId, Mailbox as _, NativeId};
use uuid::Uuid;

use super::connection_type::ConnectionType;
use super::routes::{State, flash_to};
use super::store::conversion::{self as rows, Switch};
use super::store::events::{self, Event, Object};
use super::store::sources::{self, Source};
use crate::access::{Actor, Admin, audit};
use crate::web::times::thousands;
use crate::web::{Flash, Problem};

/// Ids in one request and one transaction.
const BATCH: usize = 500;
/// How long the source is claimed without a sign of life.
const LEASE: SignedDuration = SignedDuration::from_secs(120);
/// The most ambiguous mails that are told by name.
const NAMED: usize = 20;

/// What a conversion did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    /// Ids that were translated.
    pub translated: u64,
    /// Mails that were found by Message-ID and time.
    pub matched: u64,
    /// Mails that are not handled or not marked yet, and are not in the mailbox any more.
    pub gone: u64,
    /// Of those, the ones that several mails in the mailbox look like: subject and Message-ID.
    pub ambiguous: Vec<String>,
}

impl Converted {
    /// In a sentence or two.
    pub fn sentence(&self) -> String {
        let mut text = format!("reads over Graph from now on; {} ids translated", thousands(self.translated));
        if self.matched > 0 {
            text = format!("{text}, {} mails matched by Message-ID and time", thousands(self.matched));
        }
        if self.gone > 0 {
            text = format!("{text}, {} open mails have left the mailbox", thousands(self.gone));
        }
        if !self.ambiguous.is_empty() {
            let named: Vec<&str> = self.ambiguous.iter().take(NAMED).map(String::as_str).collect();
            text = format!(
                "{text}. {} could not be told apart from others that look the same, and are handled without what only the \
                 mailbox has (attachments, marks): {}",
                self.ambiguous.len(),
                named.join("; ")
            );
        }
        text
    }
}

fn refused(fault: &Fault) -> Problem {
    Problem::conflict(format!("Graph does not take this mailbox: {}", fault.sentence()), fault.entry.mend)
}

fn taken_over() -> Problem {
    Problem::conflict(
        "Somebody else moved, paused or removed this source meanwhile.",
        "Look at it again; if it is still read over EWS, move it once more.",
    )
}

/// POST /sources/{id}/convert
pub async fn submit(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let source = sources::one(&state.connections.db, admin.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("Message Source"))?;
    let converted = convert(&state, &admin.actor(), &source).await?;
    let flash = Flash::done(format!("{} {}.", source.mailbox, converted.sentence()));
    Ok(flash_to(&admin, &flash, "/sources"))
}

/// Moves a source from EWS to Graph.
pub async fn convert(state: &State, actor: &Actor, source: &Source) -> Result<Converted, Problem> {
    if ConnectionType::of_word(&source.connection_type) == ConnectionType::Graph {
        return Err(Problem::conflict(
            format!("{} is read over Graph already.", source.mailbox),
            "There is nothing to do.",
        ));
    }
    let connections = &state.connections;
    let graph = connections
        .graph_mailbox(source.account_id, &source.mailbox_native_id)
        .await
        .map_err(|fault| refused(&fault))?;
    let folders = folders(state, source, &graph).await?;
    let claim = rows::claim(&connections.db, connections.owner, source.id, now(state), LEASE)
        .await?
        .ok_or_else(taken_over)?;
    let done = move_over(state, actor, source, &graph, folders, claim).await;
    if done.is_err() {
        // It is read over EWS as before.
        rows::let_go(&connections.db, source.id, claim, now(state)).await?;
    }
    connections.forget();
    state.engine.poll.notify_one();
    state.engine.work.notify_one();
    state.shell.bus.tell("sources");
    state.shell.bus.tell(&format!("source-{}", source.id));
    done
}

fn now(state: &State) -> Timestamp {
    state.connections.clock.now()
}

/// The folders as Graph calls them.
struct Folders {
    read: FolderId,
    handled_target: String,
}

async fn folders(state: &State, source: &Source, graph: &GraphMailbox) -> Result<Folders, Problem> {
    let read = folder(graph, &source.folder_id, &source.folder_name).await?;
    let handled_target = if source.handled == "move" {
        folder(graph, &source.handled_target, &source.handled_name).await?.as_str().to_owned()
    } else {
        source.handled_target.clone()
    };
    if rows::is_read(&state.connections.db, source.mailbox_id, read.as_str()).await? {
        return Err(Problem::conflict(
            format!("{} of {} has a source over Graph already.", source.folder_name, source.mailbox),
            "Remove this one: what it has read stays known, so nothing is handled twice. A source over Graph that was removed \
             comes back when you confirm it again.",
        ));
    }
    Ok(Folders { read, handled_target })
}

/// A folder by its id of EWS, else by the name or path that it had.
async fn folder(graph: &GraphMailbox, ews_id: &str, name: &str) -> Result<FolderId, Problem> {
    let ids = [NativeId::from(ews_id)];
    let translated = graph
        .translate_ids(&ids, IdKind::Ews, IdKind::RestImmutable)
        .await
        .map_err(|fault| refused(&fault))?;
    if let Some(Translated::Id(id)) = translated.first()
        && let Ok(found) = graph.folder(id.as_str()).await
    {
        return Ok(found.id);
    }
    let all = graph.folders().await.map_err(|fault| refused(&fault))?;
    let wanted = name.to_lowercase();
    let mut named = all
        .iter()
        .filter(|folder| folder.path.to_lowercase() == wanted || folder.name.to_lowercase() == wanted);
    match (named.next(), named.next()) {
        (Some(found), None) => Ok(found.id.clone()),
        (None, _) => Err(Problem::conflict(
            format!("Graph shows no folder {name} in this mailbox."),
            "Look in Outlook whether it was renamed or removed; then make a new source over Graph and remove this one.",
        )),
        (Some(_), Some(_)) => Err(Problem::conflict(
            format!("This mailbox has several folders {name}, and Graph does not say which one this is."),
            "Rename the folder that is read so that its name is its own, then move the source again.",
        )),
    }
}

async fn move_over(
    state: &State,
    actor: &Actor,
    source: &Source,
    graph: &GraphMailbox,
    folders: Folders,
    claim: i64,
) -> Result<Converted, Problem> {
    let connections = &state.connections;
    let mut converted = Converted::default();
    let mut after = String::new();
    loop {
        let batch = state.ledger.ews_ids(&connections.db, source.mailbox_id, &after, BATCH).await?;
        let Some(last) = batch.last() else { break };
        after.clone_from(&last.value);
        let ids: Vec<NativeId> = batch.iter().map(|id| NativeId::from(id.value.as_str())).collect();
        let answers = graph
            .translate_ids(&ids, IdKind::Ews, IdKind::RestImmutable)
            .await
            .map_err(|fault| refused(&fault))?;
        let mut found = Vec::with_capacity(batch.len());
        for (id, answer) in batch.iter().zip(answers) {
            match answer {
                Translated::Id(other) => found.push((id.message_id, other.as_str().to_owned())),
                Translated::Unknown(why) => {
                    tracing::debug!(message = %id.message_id, why, "an id is not translated");
                }
            }
        }
        converted.translated += found.len() as u64;
        add(state, source, claim, &found).await?;
        failpoint::hit("C1");
    }
    for pending in state.ledger.without_graph_id(&connections.db, source.mailbox_id, source.id).await? {
        match look_for(state, source, graph, &pending).await? {
            Found::One(id) => {
                add(state, source, claim, &[(pending.id, id)]).await?;
                converted.matched += 1;
            }
            Found::None => converted.gone += 1,
            Found::Several => converted.ambiguous.push(format!(
                "{} ({})",
                pending.summary.subject,
                pending.summary.message_id.as_deref().unwrap_or("without Message-ID")
            )),
        }
    }
    failpoint::hit("C2");
    let at = now(state);
    let mut tx = connections.db.begin().await?;
    let switch = Switch {
        id: source.id,
        claim,
        folder_id: folders.read.as_str(),
        handled_target: &folders.handled_target,
        now: at,
    };
    if !rows::switch(&mut tx, &switch).await? {
        return Err(taken_over());
    }
    state.ledger.ask_by_graph_ids(&mut tx, source.id).await?;
    let text = converted.sentence();
    let event = Event {
        object: Object::Source,
        id: source.id,
        kind: "converted",
        text: &text,
        actor: &actor.name,
        detail: None,
    };
    events::add(&mut tx, actor.workspace, at, &event).await?;
    audit::record(&mut tx, actor, "move source to Graph", &source.mailbox, &source.folder_name).await?;
    tx.commit().await?;
    Ok(converted)
}

/// Adds ids while the claim is ours.
async fn add(state: &State, source: &Source, claim: i64, ids: &[(Uuid, String)]) -> Result<(), Problem> {
    let mut tx = state.connections.db.begin().await?;
    if !rows::renew(&mut tx, source.id, claim, now(state), LEASE).await? {
        return Err(taken_over());
    }
    state.ledger.add_graph_ids(&mut tx, source.mailbox_id, ids).await?;
    tx.commit().await?;
    Ok(())
}

enum Found {
    One(String),
    None,
    Several,
}

/// A mail by Message-ID and the time at which the mailbox received it, among those that no message has yet.
async fn look_for(
    state: &State,
    source: &Source,
    graph: &GraphMailbox,
    pending: &Pending,
) -> Result<Found, Problem> {
    let Some(message_id) = &pending.summary.message_id else { return Ok(Found::None) };
    let ids = graph.find(&Find::MessageId(message_id.clone())).await.map_err(|fault| refused(&fault))?;
    let names: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
    let taken: HashSet<String> =
        state.ledger.taken_graph_ids(&state.connections.db, source.mailbox_id, &names).await?;
    let mut alike = Vec::new();
    for id in ids.iter().filter(|id| !taken.contains(id.as_str())) {
        let item = graph.message(id).await.map_err(|fault| refused(&fault))?;
        alike.extend(item.filter(|item| item.received_at == pending.received_at).map(|item| item.id));
    }
    Ok(match alike.as_slice() {
        [] => Found::None,
        [one] => Found::One(one.as_str().to_owned()),
        _ => Found::Several,
    })
}
