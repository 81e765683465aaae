//! The workflow: To Do, In Progress, Done; each can follow each.

use std::sync::Arc;

use axum::extract::{Query, State};
use serde_json::{Value, json};

use super::super::JiraState;
use super::super::answer::{Answer, JsonBody, Refusal, no_content, ok};
use super::super::caller::Caller;
use super::super::site::{Change, Status};
use super::issues::{Update, apply, read_edit, record};
use super::{Names, Parameters, comments, expands, find};

/// `GET issue/{issue}/transitions`.
pub(crate) async fn list(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    names: Names,
    Query(parameters): Parameters,
) -> Answer {
    find(&state.site(), &names)?;
    let show = caller.show();
    let wanted = parameters.get("transitionId");
    let with_fields = expands(&parameters, "transitions.fields");
    let transitions: Vec<Value> = Status::ALL
        .iter()
        .filter(|status| wanted.is_none_or(|wanted| wanted == status.transition()))
        .map(|status| {
            let mut shown = json!({"id": status.transition(), "name": status.name(), "to": show.status(*status),
                "hasScreen": false, "isGlobal": true, "isInitial": false, "isAvailable": true,
                "isConditional": false, "isLooped": false});
            if with_fields {
                shown["fields"] = json!({});
            }
            shown
        })
        .collect();
    Ok(ok(&json!({"expand": "transitions", "transitions": transitions})))
}

/// `POST issue/{issue}/transitions`.
pub(crate) async fn perform(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    names: Names,
    body: JsonBody,
) -> Answer {
    let issue = find(&state.site(), &names)?;
    let mut update = Update::read(body)?;
    let Some(wanted) = update.transition.take() else {
        return Err(Refusal::bad("Missing 'transition' identifier"));
    };
    let Some(status) = Status::ALL.into_iter().find(|status| status.transition() == wanted) else {
        return Err(Refusal::bad(format!("Transition id '{wanted}' is not valid for this issue.")));
    };
    let new_comments = comments::read_all(&state, &caller, &update.take_comments())?;
    let draft = read_edit(&state, &caller, &issue, &update)?;
    let now = state.now();
    let me = &caller.user.account_id;
    let mut site = state.site();
    let changes = site
        .write(issue.id, now, |issue| {
            let mut changes = apply(issue, draft, &caller.directory);
            if issue.status != status {
                let done = |status: Status| if status == Status::Done { ("10000", "Done") } else { ("", "") };
                let (from, to) = (done(issue.status), done(status));
                if from != to {
                    changes.push(change("resolution", from, to));
                }
                let from = (issue.status.id(), issue.status.name());
                changes.push(change("status", from, (status.id(), status.name())));
                issue.status = status;
                issue.resolved = (status == Status::Done).then_some(now);
            }
            issue.properties.extend(update.properties);
            changes
        })
        .ok_or_else(Refusal::no_issue)?;
    record(&mut site, issue.id, me, now, changes);
    for comment in new_comments {
        comments::attach(&mut site, issue.id, comment, me, now);
    }
    Ok(no_content())
}

fn change(field: &str, from: (&str, &str), to: (&str, &str)) -> Change {
    Change {
        field: field.to_owned(),
        field_id: field.to_owned(),
        custom: false,
        from: from.0.to_owned(),
        from_string: from.1.to_owned(),
        to: to.0.to_owned(),
        to_string: to.1.to_owned(),
    }
}
