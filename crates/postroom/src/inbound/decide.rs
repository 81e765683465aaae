//! From a mail to a plan: gathers the facts, lets `rules` decide, and gives the plan's steps their operation keys. What is known of a
//! mail's conversation is gathered by [`super::threads`].

use fault::Fault;
use ledger::load::Relative;
use ledger::{Keys, Ledger, Message, Slot, Step, StepState};
use mail::Mail;
use rules::{Decision, Outcome, Parent, ParentEnd, Plan, Profile};
use store::{Clock, Db};
use uuid::Uuid;

use super::effects::Body;
use super::threads;
use crate::connections::Target;
use crate::profiles::Profiles;

/// Where facts come from.
pub struct Facts<'a> {
    /// The database.
    pub db: &'a Db,
    /// The ledger.
    pub ledger: &'a Ledger,
    /// Profiles, and what rules know of Jira.
    pub profiles: &'a Profiles,
    /// The clock.
    pub clock: &'a dyn Clock,
}

/// How many of the Message-IDs that a mail names are looked up, the nearest first.
const ANCESTORS: usize = 40;

/// Decides a message. `gone_issue` is known to be deleted or hidden (I11).
pub async fn decide(
    facts: &Facts<'_>,
    message: &Message,
    target: &Target,
    mail: &Mail,
    body: &Body,
    gone_issue: Option<&str>,
) -> Result<Decision, Fault> {
    let place = Place {
        workspace: message.workspace_id,
        jira_connection: target.destination.jira_connection,
        mailbox: Some(message.mailbox_id),
        message: Some(message.id),
        before: None,
    };
    let known = known(facts, place, target, (mail, body), message.received_at, gone_issue).await?;
    let destination = &target.destination;
    let jira = Site { client: &destination.client, place };
    by_profile(facts, jira, target.profile, mail, &body.rich, known).await
}

/// What deciding may know of a mail that goes to this target, apart from Jira's projects.
pub async fn known(
    facts: &Facts<'_>,
    place: Place,
    target: &Target,
    (mail, body): (&Mail, &Body),
    received_at: jiff::Timestamp,
    gone_issue: Option<&str>,
) -> Result<rules::Facts, Fault> {
    let parents = parents(facts, place, mail, gone_issue).await?;
    let at = threads::At { place, mailbox: &target.origin.mailbox, received_at, conversation: None };
    Ok(rules::Facts {
        destination: target.issues.clone(),
        threads: threads::of_ledger(facts, at, mail, &parents, gone_issue).await?,
        parents,
        upload_limit: target.destination.upload_limit,
        body_is_cut: body.plain.cut,
        source: target.origin.clone(),
        received: rules::Received::at(target.zone.to_datetime(received_at)),
        projects: Vec::new(),
    })
}

/// The Jira that mail would go to.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// Its client.
    pub client: &'a jira::Client,
    /// Where the mail is, and the row of the Jira's connection.
    pub place: Place,
}

/// Decides by a profile, with what its rules need to know of Jira.
pub async fn by_profile(
    facts: &Facts<'_>,
    jira: Site<'_>,
    profile: Option<Uuid>,
    mail: &Mail,
    rich: &mail::Rich,
    mut known: rules::Facts,
) -> Result<Decision, Fault> {
    let profile = facts.profiles.get(facts.db, profile).await?;
    by_rules(facts, jira, &profile, mail, rich, &mut known).await
}

/// The same by a profile that need not be stored.
pub async fn by_rules(
    facts: &Facts<'_>,
    jira: Site<'_>,
    profile: &Profile,
    mail: &Mail,
    rich: &mail::Rich,
    known: &mut rules::Facts,
) -> Result<Decision, Fault> {
    if let Some(wanted) = rules::wanted(mail, rich, profile, known) {
        let project = wanted.project.as_deref().unwrap_or(&known.destination.project_key);
        let otherwise = match &wanted.project {
            Some(_) => &known.destination.issue_type_name,
            None => &known.destination.issue_type_id,
        };
        let kind = wanted.issue_type.as_deref();
        let projects = &facts.profiles.projects;
        let connection = jira.place.jira_connection;
        known.projects.extend(projects.known(jira.client, connection, project, kind, otherwise).await?);
    }
    threads::ask(facts, jira, mail, profile, known).await?;
    Ok(rules::decide(mail, rich, profile, known))
}

/// Where a mail is, and where it would be answered.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Workspace.
    pub workspace: Uuid,
    /// The Jira that its source writes to.
    pub jira_connection: Uuid,
    /// The mailbox that it lies in, where that is known already.
    pub mailbox: Option<Uuid>,
    /// Its row, where it has one.
    pub message: Option<Uuid>,
    /// Only what had its end before then counts, where a past mail is tried: nothing is written for it.
    pub before: Option<jiff::Timestamp>,
}

/// What the ledger knows of the mails that this one names, the nearest first. An issue counts only on the Jira that is written
/// to: the same id is another issue on another site.
pub async fn parents(
    facts: &Facts<'_>,
    place: Place,
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
        .relatives(facts.db, place.workspace, &ids)
        .await
        .map_err(|error| Fault::own("own.store", &error.to_string()))?;
    Ok(named
        .into_iter()
        .filter_map(|id| {
            let hash = facts.ledger.keys.message_id(id);
            let mine: Vec<&Relative> =
                relatives.iter().filter(|relative| relative.message_id_hash == hash).collect();
            let (mine, reused) = of_its_owner(mine, place);
            let end = end_of(mine.into_iter(), place, gone_issue)?;
            Some(Parent { message_id: id.clone(), end, reused })
        })
        .collect())
}

/// Of the mails with one Message-ID in one mailbox those of the sender who used it first, and whether others did so later: whoever
/// takes the Message-ID of another's mail shall not draw the answers to it.
fn of_its_owner(mine: Vec<&Relative>, place: Place) -> (Vec<&Relative>, bool) {
    // The oldest first; in this mailbox where it is there at all.
    let here = |relative: &&&Relative| Some(relative.mailbox_id) == place.mailbox;
    let Some(first) = mine.iter().find(here).or(mine.first()) else { return (mine, false) };
    // Of the oldest rows nobody knows who sent them: that is somebody of their own, too.
    let owner = first.sender_hash.clone();
    let before = mine.len();
    let mine: Vec<&Relative> = mine.into_iter().filter(|relative| relative.sender_hash == owner).collect();
    let reused = mine.len() < before;
    (mine, reused)
}

/// What became of a mail. One Message-ID can stand for several (one to two mailboxes): the one with an issue on this Jira that is not
/// gone counts, of those the one in the same mailbox, of those the oldest: whoever sends another mail under a known Message-ID and a
/// forged name draws no answers. `None`: it is not known.
pub(super) fn end_of<'a>(
    mine: impl Iterator<Item = &'a Relative>,
    place: Place,
    gone_issue: Option<&str>,
) -> Option<ParentEnd> {
    let is_here = |relative: &Relative| relative.jira_connection_id == Some(place.jira_connection);
    // The first of the best: they come the oldest first.
    let relative = mine.min_by_key(|relative| {
        let has_issue = relative.issue_id.is_some();
        let is_gone = has_issue && relative.issue_id.as_deref() == gone_issue;
        let rank = (
            has_issue && is_here(relative) && !is_gone,
            has_issue,
            Some(relative.mailbox_id) == place.mailbox,
        );
        std::cmp::Reverse(rank)
    })?;
    Some(match (&relative.issue_id, &relative.issue_key) {
        (Some(_), Some(key)) if !is_here(relative) => ParentEnd::Elsewhere { key: key.clone() },
        (Some(issue), Some(key)) if gone_issue == Some(issue) => ParentEnd::IssueGone { key: key.clone() },
        (Some(issue), Some(key)) => ParentEnd::Issue { id: issue.clone(), key: key.clone() },
        _ => ParentEnd::NoIssue,
    })
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
                rules::Step::Transition { .. } => Slot::Transition,
                rules::Step::Link { .. } => Slot::Link,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a reply never goes to an issue of another Jira, however alike ids and keys are; and of several mails with one
    /// Message-ID, the one in the reply's own mailbox counts.
    #[test]
    fn a_parent_counts_only_where_the_reply_is_written_to() {
        let [here, elsewhere, mailbox, other] = [1, 2, 3, 4].map(Uuid::from_u128);
        let place = Place {
            workspace: Uuid::nil(),
            jira_connection: here,
            mailbox: Some(mailbox),
            message: None,
            before: None,
        };
        let relative = |mailbox_id, jira, issue: Option<&str>| Relative {
            sender_hash: None,
            message_id_hash: "hash".to_owned(),
            mailbox_id,
            jira_connection_id: jira,
            issue_id: issue.map(str::to_owned),
            issue_key: issue.map(|id| format!("SUP-{id}")),
        };
        let end = |known: &[Relative], gone| end_of(known.iter(), place, gone);
        let issue = |id: &str| Some(ParentEnd::Issue { id: id.to_owned(), key: format!("SUP-{id}") });
        let foreign = relative(mailbox, Some(elsewhere), Some("7"));
        assert_eq!(end(&[], None), None);
        assert_eq!(
            end(std::slice::from_ref(&foreign), None),
            Some(ParentEnd::Elsewhere { key: "SUP-7".to_owned() })
        );
        // The site was removed since: nobody knows whose number it is.
        assert_eq!(
            end(&[relative(mailbox, None, Some("7"))], None),
            Some(ParentEnd::Elsewhere { key: "SUP-7".to_owned() })
        );
        let ours = relative(other, Some(here), Some("8"));
        assert_eq!(end(&[ours.clone(), foreign.clone()], None), issue("8"));
        let nearer = relative(mailbox, Some(here), Some("9"));
        assert_eq!(end(&[nearer.clone(), ours.clone()], None), issue("9"));
        let bare = relative(mailbox, None, None);
        assert_eq!(end(&[bare.clone(), ours, bare.clone()], None), issue("8"));
        assert_eq!(end(&[bare], None), Some(ParentEnd::NoIssue));
        let again = relative(mailbox, Some(here), Some("10"));
        assert_eq!(end(&[nearer.clone(), again.clone()], None), issue("9"), "the oldest counts");
        assert_eq!(end(&[nearer.clone(), again], Some("9")), issue("10"), "unless it is gone");
        assert_eq!(end(&[nearer], Some("9")), Some(ParentEnd::IssueGone { key: "SUP-9".to_owned() }));
    }

    /// Promise: whoever uses the Message-ID of another's mail draws none of the answers to it, in its mailbox or in another.
    #[test]
    fn a_message_id_belongs_to_who_used_it_first() {
        let [here, mailbox, other] = [1, 3, 4].map(Uuid::from_u128);
        let place = Place {
            workspace: Uuid::nil(),
            jira_connection: here,
            mailbox: Some(mailbox),
            message: None,
            before: None,
        };
        let relative = |mailbox_id, sender: Option<&str>, issue: &str| Relative {
            message_id_hash: "hash".to_owned(),
            mailbox_id,
            jira_connection_id: Some(here),
            issue_id: Some(issue.to_owned()),
            issue_key: Some(format!("SUP-{issue}")),
            sender_hash: sender.map(str::to_owned),
        };
        let found = |known: &[Relative]| {
            let (mine, reused) = of_its_owner(known.iter().collect(), place);
            (end_of(mine.into_iter(), place, None), reused)
        };
        let issue = |id: &str| Some(ParentEnd::Issue { id: id.to_owned(), key: format!("SUP-{id}") });
        let (ada, again) = (relative(mailbox, Some("ada"), "1"), relative(mailbox, Some("ada"), "2"));
        let mallory = relative(mailbox, Some("mallory"), "9");
        assert_eq!(found(&[ada.clone(), mallory.clone()]), (issue("1"), true));
        assert_eq!(found(&[ada.clone(), mallory.clone(), again.clone()]), (issue("1"), true));
        // One that only says that it is from Ada draws no answers either.
        assert_eq!(found(&[ada.clone(), again]), (issue("1"), false));
        // Where it was seen in another mailbox only later, the one in this mailbox is the owner's.
        assert_eq!(found(&[relative(other, Some("mallory"), "9"), ada.clone()]), (issue("1"), true));
        assert_eq!(found(&[ada.clone(), relative(other, Some("mallory"), "9")]), (issue("1"), true));
        // Of old rows nobody knows who sent them; the first one counts all the same.
        assert_eq!(found(&[relative(mailbox, None, "1"), mallory.clone()]), (issue("1"), true));
        assert_eq!(found(&[ada, relative(mailbox, None, "2"), mallory]), (issue("1"), true));
    }
}
