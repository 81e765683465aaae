//! Whether an issue answers a condition, and the order of the answers.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::site::{Directory, Issue, Site};
use super::resolve::{can_order, no_field, words};
use super::{Condition, Field, MomentField, TextField, Words};

/// Whether the issue answers the condition.
pub(crate) fn fits(condition: &Condition, issue: &Issue) -> bool {
    match condition {
        Condition::All(parts) => parts.iter().all(|part| fits(part, issue)),
        Condition::Any(parts) => parts.iter().any(|part| fits(part, issue)),
        Condition::Not(inner) => !fits(inner, issue),
        Condition::OneOf(field, wanted) => one_of(*field, wanted, issue),
        Condition::Empty(field) => is_empty(*field, issue),
        Condition::Moment(field, from, to) => moment(*field, issue)
            .is_some_and(|at| from.is_none_or(|from| at >= from) && to.is_none_or(|to| at < to)),
        Condition::Number(from, to) => {
            from.is_none_or(|from| issue.id >= from) && to.is_none_or(|to| issue.id <= to)
        }
        Condition::Text(field, phrases) => contains(*field, phrases, issue),
    }
}

/// The ids that can answer, taken from an index, when the condition allows one; `None` means all.
pub(crate) fn candidates(condition: &Condition, site: &Site) -> Option<Vec<u64>> {
    match condition {
        Condition::All(parts) => parts.iter().filter_map(|part| candidates(part, site)).min_by_key(Vec::len),
        Condition::Any(parts) => {
            let mut ids = Vec::new();
            for part in parts {
                ids.extend(candidates(part, site)?);
            }
            ids.sort_unstable();
            ids.dedup();
            Some(ids)
        }
        Condition::OneOf(Field::Id, wanted) => Some(wanted.iter().filter_map(|id| id.parse().ok()).collect()),
        Condition::OneOf(Field::Label, wanted) => {
            let mut ids: Vec<u64> = wanted.iter().flat_map(|label| site.ids_with_label(label)).collect();
            ids.sort_unstable();
            ids.dedup();
            Some(ids)
        }
        Condition::OneOf(Field::Project, wanted) => Some(
            wanted.iter().filter_map(|id| id.parse().ok()).flat_map(|id| site.ids_in_project(id)).collect(),
        ),
        _ => None,
    }
}

fn one_of(field: Field, wanted: &[String], issue: &Issue) -> bool {
    let has = |value: &str| wanted.iter().any(|wanted| wanted == value);
    let has_some = |value: Option<&String>| value.is_some_and(|value| has(value));
    match field {
        Field::Id => has(&issue.id.to_string()),
        Field::Project => has(&issue.project.to_string()),
        Field::IssueType => has(&issue.issue_type),
        Field::Status => has(issue.status.id()),
        Field::StatusCategory => has(&issue.status.category().0.to_string()),
        Field::Priority => has(&issue.priority),
        Field::Label => issue.labels.iter().any(|label| has(&label.to_lowercase())),
        Field::Creator => has(&issue.creator),
        Field::Reporter => has_some(issue.reporter.as_ref()),
        Field::Assignee => has_some(issue.assignee.as_ref()),
        Field::Watcher => issue.watchers.iter().any(|watcher| has(watcher)),
        Field::Resolution => has(if issue.resolved.is_some() { "10000" } else { "unresolved" }),
        Field::Description | Field::Environment | Field::Attachment | Field::Comment => false,
    }
}

fn is_empty(field: Field, issue: &Issue) -> bool {
    match field {
        Field::Label => issue.labels.is_empty(),
        Field::Reporter => issue.reporter.is_none(),
        Field::Assignee => issue.assignee.is_none(),
        Field::Watcher => issue.watchers.is_empty(),
        Field::Resolution => issue.resolved.is_none(),
        Field::Description => issue.description.is_none(),
        Field::Environment => issue.environment.is_none(),
        Field::Attachment => issue.attachments.is_empty(),
        Field::Comment => issue.comments.is_empty(),
        Field::Id
        | Field::Project
        | Field::IssueType
        | Field::Status
        | Field::StatusCategory
        | Field::Priority
        | Field::Creator => false,
    }
}

fn moment(field: MomentField, issue: &Issue) -> Option<Timestamp> {
    match field {
        MomentField::Created => Some(issue.created),
        MomentField::Updated => Some(issue.updated),
        MomentField::Resolved => issue.resolved,
        MomentField::Due => {
            let day: jiff::civil::Date = issue.due.as_ref()?.parse().ok()?;
            day.to_zoned_datetime(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
        }
    }
}

fn contains(field: TextField, phrases: &[Words], issue: &Issue) -> bool {
    let mut texts: Vec<String> = Vec::new();
    if matches!(field, TextField::Summary | TextField::Any) {
        texts.push(issue.summary.clone());
    }
    if matches!(field, TextField::Description | TextField::Any) {
        texts.extend(issue.description.iter().map(super::super::document::Document::to_text));
    }
    if matches!(field, TextField::Environment | TextField::Any) {
        texts.extend(issue.environment.iter().map(super::super::document::Document::to_text));
    }
    if matches!(field, TextField::Comment | TextField::Any) {
        texts.extend(issue.comments.iter().map(|comment| comment.body.to_text()));
    }
    let texts: Vec<Vec<String>> = texts.iter().map(|text| words(text)).collect();
    phrases.iter().all(|phrase| texts.iter().any(|text| has_phrase(text, phrase)))
}

fn has_phrase(text: &[String], phrase: &Words) -> bool {
    text.windows(phrase.words.len().max(1)).any(|window| {
        let last = phrase.words.len().saturating_sub(1);
        window.iter().zip(&phrase.words).enumerate().all(|(position, (word, wanted))| {
            if phrase.is_prefix && position == last { word.starts_with(wanted) } else { word == wanted }
        })
    })
}

/// Sorts as ORDER BY says; without one, and among equals, the newest first.
pub(crate) fn sort(
    issues: &mut [Arc<Issue>],
    order: &[(String, bool)],
    directory: &Directory,
) -> Result<(), String> {
    if let Some((field, _)) = order.iter().find(|(field, _)| !can_order(field)) {
        return Err(no_field(field));
    }
    let fields: Vec<(String, bool)> =
        order.iter().map(|(field, down)| (field.to_ascii_lowercase(), *down)).collect();
    issues.sort_by(|one, other| {
        for (field, descending) in &fields {
            let ordering = compare(field, one, other, directory);
            if ordering != Ordering::Equal {
                return if *descending { ordering.reverse() } else { ordering };
            }
        }
        other.id.cmp(&one.id)
    });
    Ok(())
}

fn compare(field: &str, one: &Issue, other: &Issue, directory: &Directory) -> Ordering {
    let person = |id: Option<&String>| {
        id.and_then(|id| directory.user(id)).map(|user| user.display_name.to_lowercase()).unwrap_or_default()
    };
    match field {
        "created" | "createddate" => one.created.cmp(&other.created),
        "updated" | "updateddate" => one.updated.cmp(&other.updated),
        "resolved" | "resolutiondate" | "resolution" => one.resolved.cmp(&other.resolved),
        "due" | "duedate" => one.due.cmp(&other.due),
        // A lower id is a higher priority, and a higher priority sorts last when ascending.
        "priority" => other.priority.cmp(&one.priority),
        "summary" => one.summary.to_lowercase().cmp(&other.summary.to_lowercase()),
        "status" | "statuscategory" => one.status.name().cmp(other.status.name()),
        "reporter" => person(one.reporter.as_ref()).cmp(&person(other.reporter.as_ref())),
        "assignee" => person(one.assignee.as_ref()).cmp(&person(other.assignee.as_ref())),
        "creator" => person(Some(&one.creator)).cmp(&person(Some(&other.creator))),
        "project" => one.project.cmp(&other.project),
        "issuetype" | "type" => one.issue_type.cmp(&other.issue_type),
        "labels" => one.labels.cmp(&other.labels),
        "key" | "issuekey" | "issue" => (one.project, one.id).cmp(&(other.project, other.id)),
        _ => one.id.cmp(&other.id),
    }
}
