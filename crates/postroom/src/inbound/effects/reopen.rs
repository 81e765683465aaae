//! The issue of a comment is opened again: a transition (row I9 of design §4).
//!
//! It is taken only while the issue is in the status that the plan was made for. It leaves a property of its own, and where a site
//! drops that, the history tells: our account led the issue into that status since the intent.

use fault::Fault;
use jira::CallError;
use ledger::carry::{Sight, Written};
use ledger::{Remote, Step};
use serde_json::Value;

use super::{MailEffect, as_read, property, since, written};

/// The property that a transition leaves.
pub(super) const PROPERTY: &str = "postroom.transition";

/// A transition, as the plan has it.
struct Planned<'a> {
    id: &'a str,
    from: &'a str,
    to: &'a str,
}

impl MailEffect {
    fn planned_transition(&self) -> Option<Planned<'_>> {
        self.plan.steps.iter().find_map(|step| match step {
            rules::Step::Transition { id, from, to, .. } => Some(Planned { id, from, to }),
            _ => None,
        })
    }

    /// Takes the transition, unless somebody has moved the issue on meanwhile: theirs stands.
    pub(super) async fn reopen(&self, step: &Step, issue: &str) -> Written {
        let Some(planned) = self.planned_transition() else {
            return Written::NotDone(Fault::own("own.plan_unreadable", "the plan has no transition to take"));
        };
        let client = &self.destination.client;
        match client.standing(issue).await {
            Err(error) => return written::<()>(Err(as_read(error)), |()| Remote::default()),
            Ok(there) if there.status.id != planned.from => {
                tracing::info!(status = %there.status.name, "the issue was moved on meanwhile and is left there");
                return Written::Done(Remote { id: issue.to_owned(), ..Remote::default() });
            }
            Ok(_) => {}
        }
        let result = client.transition_with(issue, planned.id, &[(PROPERTY, property(&step.op))]).await;
        // A workflow that was changed since, or that wants a field filled in: the comment is there, and the issue stays closed.
        if let Err(error) = &result
            && error.fault.status == Some(400)
        {
            return Written::GivenUp(error.fault.clone());
        }
        written(result, |()| Remote { id: issue.to_owned(), ..Remote::default() })
    }

    /// I9: by its property, else by the history.
    pub(super) async fn find_reopened(&self, step: &Step, done: &[Step]) -> Result<Sight, CallError> {
        let (Some(issue), Some(planned)) = (self.issue(done), self.planned_transition()) else {
            return Ok(Sight::NotSeen);
        };
        let seen = || Sight::Seen(Remote { id: issue.to_owned(), ..Remote::default() });
        let client = &self.destination.client;
        let value = client.issue_property(issue, PROPERTY).await?;
        match value.as_ref().and_then(|value| value.get("op")).and_then(Value::as_str) {
            Some(op) if op == step.op.0 => return Ok(seen()),
            // That of an earlier transition: this site keeps them, and ours is not there.
            Some(_) => return Ok(Sight::NotSeen),
            None => {}
        }
        let since = since(step);
        let me = self.own_account().await?;
        let changes = client.status_changes(issue).await?;
        let ours = changes.iter().any(|change| {
            change.to == planned.to
                && change.at >= since
                && change.author.as_ref().is_none_or(|author| *author == me)
        });
        Ok(if ours { seen() } else { Sight::NotSeen })
    }
}
