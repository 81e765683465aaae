//! A new issue is linked with the closed one that its mail answers.
//!
//! A link carries no property, and none is needed: there is one of its kind between two issues, or there is none.

use fault::Fault;
use jira::CallError;
use ledger::carry::{Sight, Written};
use ledger::{Remote, Step};

use super::{MailEffect, as_read, written};

impl MailEffect {
    fn planned_link(&self) -> Option<(&str, &str)> {
        self.plan.steps.iter().find_map(|step| match step {
            rules::Step::Link { link_type, issue_id, .. } => Some((link_type.as_str(), issue_id.as_str())),
            _ => None,
        })
    }

    /// Links the new issue with the older one. Where the older one is gone by then there is nothing to link with, and where Jira makes
    /// no such link it is left out: the mail is in its issue all the same.
    pub(super) async fn link(&self, issue: &str) -> Written {
        let Some((link_type, older)) = self.planned_link() else {
            return Written::NotDone(Fault::own("own.plan_unreadable", "the plan has no link to make"));
        };
        let client = &self.destination.client;
        let nothing = || Written::Done(Remote::default());
        match client.link_issues(link_type, issue, older).await {
            Err(error) if error.fault.status == Some(404) => {
                // Of three things one is not there: the new issue, the older one, or a link of that name.
                match (client.standing(issue).await, client.standing(older).await) {
                    (Ok(_), Ok(_)) => Written::GivenUp(Fault {
                        code: link_type.to_owned(),
                        ..Fault::own("jira.link_type", &error.fault.detail)
                    }),
                    (Ok(_), Err(gone)) if gone.fault.status == Some(404) => {
                        tracing::info!("the closed issue is gone by now, the new one stays without a link");
                        nothing()
                    }
                    (Err(other), _) | (_, Err(other)) => {
                        written::<()>(Err(as_read(other)), |()| Remote::default())
                    }
                }
            }
            Err(error) if error.fault.status == Some(400) => Written::GivenUp(error.fault),
            result => written(result, |()| Remote { id: older.to_owned(), ..Remote::default() }),
        }
    }

    /// The links of the new issue: is one to the older one among them?
    pub(super) async fn find_link(&self, done: &[Step]) -> Result<Sight, CallError> {
        let (Some(issue), Some((link_type, older))) = (self.issue(done), self.planned_link()) else {
            return Ok(Sight::NotSeen);
        };
        let links = self.destination.client.links(issue).await?;
        let ours = links
            .iter()
            .any(|link| link.issue == older && link.link_type.to_lowercase() == link_type.to_lowercase());
        Ok(if ours {
            Sight::Seen(Remote { id: older.to_owned(), ..Remote::default() })
        } else {
            Sight::NotSeen
        })
    }
}
