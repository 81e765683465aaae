//! Watches for approvals: asks Microsoft with the token of whoever waits, at most once a minute, and at once when an administrator
//! came back from the consent link. A refresh that asks for the mail scopes is refused (AADSTS65001) until they are approved.

use std::sync::Arc;
use std::time::Duration;

use fault::{Class, Retry};
use jiff::{SignedDuration, Timestamp};
use store::StoreError;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::begin::EVERY;
use super::is_missing;
use crate::access::Actor;
use crate::connections::Connections;
use crate::connections::convert as source_convert;
use crate::connections::goal::Goal;
use crate::connections::outbounds::convert;
use crate::connections::store::approvals::{self as rows, Approval};
use crate::connections::store::events::{self, Event, Object};
use crate::connections::store::{accounts, outbounds, sources};
use crate::web::live::Bus;

/// The longest that nobody looks into the database: other nodes write into it too.
const LOOK: Duration = Duration::from_secs(60);
/// Where something else stands in the way, Microsoft is asked again after so long.
const SLOWLY: SignedDuration = SignedDuration::from_mins(5);
/// After a fault of the database.
const PAUSE: Duration = Duration::from_secs(5);

/// What watches.
#[derive(Clone, Debug)]
pub struct Watcher {
    /// Mailboxes and Jira.
    pub connections: Arc<Connections>,
    /// Tells open pages.
    pub bus: Bus,
    /// Rung when somebody begins to wait, or an administrator came back.
    pub wake: Arc<Notify>,
    /// Rung when sources should be polled.
    pub poll: Arc<Notify>,
    /// Rung when a source waits to be moved to Graph.
    pub conversions: Arc<Notify>,
}

impl Watcher {
    /// Watches until it is stopped.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let pause = match self.once().await {
                Ok(_) => self.until_next().await,
                Err(error) => {
                    tracing::error!(%error, "approvals cannot be looked up");
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
        let pause = Duration::try_from(next.duration_since(self.connections.clock.now()));
        pause.unwrap_or(Duration::ZERO).min(LOOK)
    }

    /// Asks for all whose turn it is; gives how many are approved.
    pub async fn once(&self) -> Result<usize, StoreError> {
        let connections = &self.connections;
        let mut approved = 0;
        for approval in rows::due(&connections.db, connections.clock.now()).await? {
            let now = connections.clock.now();
            let until = now.saturating_add(EVERY).unwrap_or(Timestamp::MAX);
            if rows::claim(&connections.db, approval.id, now, until).await? {
                approved += usize::from(self.ask(&approval).await?);
            }
        }
        Ok(approved)
    }

    /// What was waited for and needs nobody goes on by itself.
    async fn finish(&self, approval: &Approval) -> Result<(), StoreError> {
        let goal = Goal::of_stored(&approval.goal);
        let actor = Actor {
            workspace: approval.workspace_id,
            user: None,
            name: "Postroom".to_owned(),
            at: self.connections.clock.now(),
        };
        let (connections, workspace) = (&self.connections, approval.workspace_id);
        match goal {
            Goal::MoveSource { id } => match sources::one(&connections.db, workspace, id).await? {
                Some(source) if source.connection_type == "ews" => {
                    source_convert::put_on_record(connections, &actor, &source).await?;
                    self.conversions.notify_one();
                    Ok(())
                }
                _ => Ok(()),
            },
            Goal::MoveOutbound { id } => {
                let Some(outbound) = outbounds::one(&connections.db, workspace, id).await? else {
                    return Ok(());
                };
                if let Err(refused) = convert::move_to_graph(connections, &actor, &outbound).await? {
                    // It says so on its own page when it is tried there.
                    tracing::warn!(outbound = %id, ?refused, "approved, but it cannot be moved to Graph");
                }
                Ok(())
            }
            // What is there is tried again by itself; what is not is for a person to make.
            Goal::ValidateSource { .. }
            | Goal::ValidateOutbound { .. }
            | Goal::Account
            | Goal::Source(_)
            | Goal::Outbound(_) => Ok(()),
        }
    }

    async fn ask(&self, approval: &Approval) -> Result<bool, StoreError> {
        let connections = &self.connections;
        let Some(account) = approval.account_id else { return Ok(false) };
        let asked: Vec<&str> = approval.scopes.split_ascii_whitespace().collect();
        let result = match connections.tokens(account).await {
            Ok(tokens) => tokens.ask_for(&asked).await,
            Err(fault) => Err(fault),
        };
        let now = connections.clock.now();
        match result {
            Ok(()) => {
                let mut tx = connections.db.begin().await?;
                rows::end(&mut tx, approval.id, "approved", now).await?;
                // Who was refused and is let in now was let in by an administrator: the person did nothing.
                accounts::set_consent(&mut tx, account, "admin").await?;
                accounts::wake_sources(&mut tx, account, now).await?;
                let event = Event {
                    object: Object::Account,
                    id: account,
                    kind: "approved",
                    text: "an administrator has approved",
                    actor: "",
                    detail: None,
                };
                events::add(&mut tx, approval.workspace_id, now, &event).await?;
                tx.commit().await?;
                // What was refused before is asked for at once.
                connections.ask_anew(account).await;
                tracing::info!(%account, "an administrator has approved what Postroom asks for");
                self.finish(approval).await?;
                self.poll.notify_one();
                self.bus.tell("sources");
                self.bus.tell("approvals");
                Ok(true)
            }
            // Still not approved, or Microsoft does not answer: the next minute tells.
            Err(fault) if is_missing(&fault) || fault.entry.class == Class::Transient => {
                self.bus.tell("approvals");
                Ok(false)
            }
            // Something else stands in the way that clears without a new sign-in: a secret that has ended, a policy. Whoever waits
            // goes on waiting.
            Err(fault) if fault.retry() != Retry::AfterSignIn => {
                tracing::info!(%account, %fault, code = %fault.code, "an approval cannot be looked for now");
                let until = now.saturating_add(SLOWLY).unwrap_or(Timestamp::MAX);
                rows::later(&connections.db, approval.id, until).await?;
                self.bus.tell("approvals");
                Ok(false)
            }
            // The sign-in itself has ended: there is nothing left to watch with.
            Err(fault) => {
                tracing::warn!(%account, %fault, code = %fault.code, "an approval can no longer be watched for");
                let record = serde_json::to_string(&fault.to_record()).unwrap_or_default();
                let mut tx = connections.db.begin().await?;
                rows::end(&mut tx, approval.id, "ended", now).await?;
                accounts::fail(&mut tx, account, &record, now).await?;
                tx.commit().await?;
                self.bus.tell("sources");
                self.bus.tell("approvals");
                Ok(false)
            }
        }
    }
}
