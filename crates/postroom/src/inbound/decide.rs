//! From a mail to a plan: gathers the facts, lets `rules` decide, and gives the plan's steps their operation keys.

use std::sync::Arc;

use fault::Fault;
use ledger::{Keys, Ledger, Message, Slot, Step, StepState};
use mail::Mail;
use rules::{Decision, Outcome, Parent, ParentEnd, Plan, Profile};
use store::Db;
use uuid::Uuid;

use super::effects::Body;
use crate::connections::{Connections, Destination};

/// Where facts come from.
pub struct Facts<'a> {
    /// The database.
    pub db: &'a Db,
    /// The ledger.
    pub ledger: &'a Ledger,
    /// What is known of sources.
    pub connections: &'a Connections,
}

/// How many of the Message-IDs that a mail names are looked up, the nearest first.
const ANCESTORS: usize = 40;

/// Decides a message.
pub async fn decide(
    facts: &Facts<'_>,
    message: &Message,
    destination: &Arc<Destination>,
    mail: &Mail,
    body: &Body,
) -> Result<Decision, Fault> {
    decide_without(facts, message, destination, mail, body, None).await
}

/// Decides a message, knowing that an issue is deleted or hidden (I11).
pub async fn decide_without(
    facts: &Facts<'_>,
    message: &Message,
    destination: &Arc<Destination>,
    mail: &Mail,
    body: &Body,
    gone_issue: Option<&str>,
) -> Result<Decision, Fault> {
    let parents = parents(facts, message.workspace_id, mail, gone_issue).await?;
    let target = facts.connections.target_of(message.source_id).await?;
    let known = rules::Facts {
        destination: target,
        parents,
        upload_limit: destination.upload_limit,
        body_is_cut: body.plain.cut,
    };
    Ok(rules::decide(mail, &body.rich, &Profile::standard(), &known))
}

/// What the ledger knows of the mails that this one names, the nearest first.
pub async fn parents(
    facts: &Facts<'_>,
    workspace: Uuid,
    mail: &Mail,
    gone_issue: Option<&str>,
) -> Result<Vec<Parent>, Fault> {
    let mut named: Vec<&String> = Vec::new();
    for id in mail.in_reply_to.iter().chain(mail.references.iter().rev()) {
        if named.len() < ANCESTORS && !named.contains(&id) && mail.message_id.as_ref() != Some(id) {
            named.push(id);
        }
    }
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = named.iter().map(|id| (*id).clone()).collect();
    let relatives = facts
        .ledger
        .relatives(facts.db, workspace, &ids)
        .await
        .map_err(|error| Fault::own("own.store", &error.to_string()))?;
    Ok(named
        .into_iter()
        .filter_map(|id| {
            let hash = facts.ledger.keys.message_id(id);
            // One Message-ID can stand for several mails (one to two mailboxes): the one with an issue counts.
            let mine = relatives.iter().filter(|relative| relative.message_id_hash == hash);
            let relative = mine.max_by_key(|relative| relative.issue_id.is_some())?;
            let end = match (&relative.issue_id, &relative.issue_key) {
                (Some(issue), Some(key)) if gone_issue == Some(issue) => {
                    ParentEnd::IssueGone { key: key.clone() }
                }
                (Some(issue), Some(key)) => ParentEnd::Issue { id: issue.clone(), key: key.clone() },
                _ => ParentEnd::NoIssue,
            };
            Some(Parent { message_id: id.clone(), end })
        })
        .collect())
}

/// The issue that a plan was about to write into, if it is one that stood before.
pub fn gone_issue(plan: &Plan, steps: &[Step]) -> Option<String> {
    match &plan.outcome {
        Outcome::Comment { issue_id, .. } => Some(issue_id.clone()),
        _ => steps
            .iter()
            .find(|step| step.slot == Slot::Issue)
            .and_then(|step| step.remote.as_ref())
            .map(|remote| remote.id.clone()),
    }
}

/// The steps of a plan with their operation keys.
pub fn steps(keys: &Keys, message: &Message, plan: &Plan) -> Vec<Step> {
    plan.steps
        .iter()
        .enumerate()
        .map(|(position, step)| {
            let slot = match step {
                rules::Step::CreateIssue { .. } => Slot::Issue,
                rules::Step::AddComment => Slot::Comment,
                rules::Step::Attach(attach) => Slot::Attachment { hash: attach.hash.clone(), n: attach.n },
                rules::Step::ShowImages => Slot::Description,
            };
            Step {
                id: Uuid::now_v7(),
                position: i64::try_from(position).unwrap_or(i64::MAX),
                op: keys.op(&message.key, message.generation, &slot),
                slot,
                state: StepState::Planned,
                intent_at: None,
                mark: 0,
                attempts: 0,
                remote: None,
                fault: None,
            }
        })
        .collect()
}
