//! Holds what was posted against what is offered.

use jiff::Timestamp;
use rules::Profile;
use uuid::Uuid;

use super::form::Filled;
use super::{About, Posted};
use crate::connections::connection_type::ConnectionType;
use crate::connections::keep::Chosen;
use crate::connections::offer::Offer;
use crate::connections::routes::{State, time};
use crate::connections::{jira_checks, ping, scopes, start_day};

/// Holds what was posted against what is offered; `None`: the errors stand beside the fields.
pub(super) async fn judge(
    state: &State,
    about: &About,
    posted: &Posted,
    offer: &Offer,
    filled: &mut Filled,
) -> Option<Chosen> {
    // EWS has one permission for all mailboxes that the person has rights on.
    if !offer.reading.is_own
        && about.over == ConnectionType::Graph
        && !scopes::is_granted(&about.account.scopes, scopes::SHARED)
        && about.change.is_none()
    {
        filled.fail(
            "mailbox",
            "Reading a mailbox of somebody else takes one more permission: on Message Sources choose Create, Shared mailbox, \
             and sign in once more.",
        );
    }
    let folder = offer.folder_of(posted).cloned();
    if folder.is_none() && offer.folders.is_ok() {
        if about.change.is_some() {
            // Mailbox and folder are what the source has read: they stay.
            filled.fail(
                "folder",
                "The folder of this source is not in the mailbox any more. Restore it in Outlook, or remove this source and make one for \
                 another folder.",
            );
        } else if posted.folder_path.trim().is_empty() {
            filled.fail("folder", "This folder is not in the mailbox: choose one of the tree.");
        } else {
            filled.fail(
                "folder_path",
                "The mailbox has no folder of that path: write the names from the top, for example Inbox/Invoices, or leave this \
                 empty and choose above.",
            );
        }
    }
    let start = start(state, about, posted, filled);
    let handled = handled(posted, offer, filled);
    let chosen = offer.chosen();
    if chosen.is_none() && offer.project_problem.is_none() {
        filled.fail("project", "Choose the project that new issues go to.");
    }
    let issue_type = offer.type_named(&posted.issue_type).cloned();
    if let (Some((_, project)), None, Some(Ok(_))) = (chosen, &issue_type, &offer.types) {
        filled.fail(
            "issue_type",
            format!("{} has no issue type of that name: choose one of the list.", project.key),
        );
    }
    let profile = offer.profile(&posted.profile);
    if profile.is_err() {
        filled.fail("profile", "This profile was removed meanwhile: choose another one.");
    }
    if let (Some((connection, project)), Some(issue_type)) = (chosen, &issue_type) {
        let rules = state.connections.profiles.get(&state.connections.db, profile.unwrap_or_default()).await;
        match rules {
            Ok(rules) => fit(state, connection, project, issue_type, &rules, filled).await,
            Err(fault) => filled.fail("profile", fault.sentence()),
        }
    }
    if filled.failed() {
        return None;
    }
    let ((connection, project), (start_kind, start_at, start_zone), (handled, handled_target, handled_name)) =
        (chosen?, start?, handled?);
    Some(Chosen {
        folder: folder?,
        mailbox: offer.mailbox.clone()?,
        connection,
        project: project.clone(),
        issue_type: issue_type?,
        start_kind,
        start_at,
        start_zone,
        handled,
        handled_target,
        handled_name,
        // What is read already has a button of its own for it.
        in_shadow: about.change.is_none() && posted.shadow == "on",
        profile: profile.unwrap_or_default(),
    })
}

/// Says now what would fail later: missing permissions, fields that the project requires.
async fn fit(
    state: &State,
    connection: Uuid,
    project: &jira::Project,
    issue_type: &jira::IssueType,
    profile: &Profile,
    filled: &mut Filled,
) {
    let client = match state.connections.jira(connection).await {
        Ok(client) => client,
        Err(fault) => return filled.fail("project", fault.sentence()),
    };
    let (checks, fields) = tokio::join!(
        jira_checks::check_project(&client, &project.key, Some(&issue_type.id)),
        client.create_fields(&project.key, &issue_type.id),
    );
    if let Some(fault) = checks.iter().find_map(ping::Check::fault) {
        filled.fail("project", format!("{fault} ({}). {}", fault.detail, fault.entry.mend));
    }
    match fields {
        Ok(fields) => {
            const OURS: [&str; 6] =
                ["project", "issuetype", "summary", "description", "reporter", "attachment"];
            let missing: Vec<&str> = fields
                .iter()
                .filter(|field| field.required && !field.has_default_value && !OURS.contains(&field.id()))
                .filter(|field| !profile.may_set(field.id(), &field.name))
                .map(|field| field.name.as_str())
                .collect();
            if !missing.is_empty() {
                filled.fail(
                    "issue_type",
                    format!(
                        "Issues of this type need {}, which a mail does not say. Make it optional in Jira, give it a default, or \
                         choose another type.",
                        missing.join(", ")
                    ),
                );
            }
        }
        Err(error) => {
            filled.fail("issue_type", format!("Its fields cannot be read: {}", error.fault.sentence()));
        }
    }
}

/// Where the source begins: how, the boundary, and the time zone in which it was chosen.
fn start(
    state: &State,
    about: &About,
    posted: &Posted,
    filled: &mut Filled,
) -> Option<(String, Timestamp, String)> {
    if let Some(source) = &about.change {
        return Some((source.start_kind.clone(), time(source.start_at), source.start_zone.clone()));
    }
    let here = super::zone_here(state);
    let now = state.connections.clock.now();
    match posted.start.as_str() {
        "now" => Some(("now".to_owned(), whole_second(now), here)),
        "everything" => Some(("everything".to_owned(), Timestamp::UNIX_EPOCH, here)),
        "since" => {
            let Some((name, zone)) = start_day::zone(&posted.zone) else {
                filled.fail(
                    "zone",
                    "There is no time zone of this name: write for example Europe/Berlin or UTC.",
                );
                return None;
            };
            let Some(at) = start_day::midnight(&posted.since, &zone) else {
                filled.fail(
                    "since",
                    "The date is missing: write it as year-month-day, for example 2026-03-01.",
                );
                return None;
            };
            if at > now {
                filled.fail("since", "The date lies in the future: choose New mail only to begin now.");
                return None;
            }
            Some(("since".to_owned(), at, name))
        }
        _ => {
            filled.fail("start", "Choose where reading begins.");
            None
        }
    }
}

/// Exchange tells to the second when a mail was received: one that comes in the second of the confirmation is not before it.
fn whole_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// What becomes of handled mail: the word, the target as the mailbox knows it, and its name.
fn handled(posted: &Posted, offer: &Offer, filled: &mut Filled) -> Option<(String, String, String)> {
    let target = posted.handled_target.trim();
    match posted.handled.as_str() {
        word @ ("leave" | "read") => Some((word.to_owned(), String::new(), String::new())),
        "category" => {
            if target.is_empty() || target.len() > 255 {
                filled.fail("handled_target", "Write the category's name, for example Handled by Postroom.");
                return None;
            }
            Some(("category".to_owned(), target.to_owned(), target.to_owned()))
        }
        "move" => {
            let folder = offer.folder_called(target);
            let chosen = offer.chosen_folder.as_ref().map(|folder| &folder.id);
            match folder {
                Some(folder) if Some(&folder.id) == chosen => {
                    filled.fail("handled_target", "This is the folder that is read: choose another one.");
                    None
                }
                Some(folder) => Some(("move".to_owned(), folder.id.as_str().to_owned(), folder.path.clone())),
                None => {
                    filled.fail(
                        "handled_target",
                        "The mailbox has no folder of that name: make it in Outlook first, or write its path, for example \
                         Inbox/Handled.",
                    );
                    None
                }
            }
        }
        _ => {
            filled.fail("handled", "Choose what becomes of handled mail.");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: mail that is received in the second in which its source is confirmed is read. Exchange leaves out the fraction.
    #[test]
    fn the_second_of_the_confirmation_counts() {
        let confirmed: Timestamp = "2026-11-28T20:07:31.84Z".parse().unwrap();
        let received: Timestamp = "2026-11-28T20:07:31Z".parse().unwrap();
        assert!(received >= whole_second(confirmed));
        assert!("2026-11-28T20:07:30Z".parse::<Timestamp>().unwrap() < whole_second(confirmed));
    }
}
