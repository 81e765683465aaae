//! Watchers, links between issues, and links to elsewhere.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::IntoResponse;
use http::StatusCode;
use serde_json::{Value, json};

use super::super::JiraState;
use super::super::answer::{Answer, JsonBody, Refusal, no_content, ok, with_status};
use super::super::caller::Caller;
use super::super::fields::id_of;
use super::super::site::{LINK_TYPES, Link, RemoteLink, Sequence};
use super::{Names, Parameters, comments, find, name};

/// `GET issue/{issue}/watchers`.
pub(crate) async fn watchers(State(state): State<Arc<JiraState>>, caller: Caller, names: Names) -> Answer {
    let issue = find(&state.site(), &names)?;
    let show = caller.show();
    let all: Vec<Value> = issue.watchers.iter().map(|watcher| show.user_by_id(watcher)).collect();
    Ok(ok(&json!({"self": show.address(&format!("issue/{}/watchers", issue.key)),
        "isWatching": issue.watchers.contains(&caller.user.account_id), "watchCount": all.len(),
        "watchers": all})))
}

/// `POST issue/{issue}/watchers`: the body is an account id as a JSON text, or nothing for oneself.
pub(crate) async fn watch(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    names: Names,
    body: JsonBody,
) -> Answer {
    let issue = find(&state.site(), &names)?;
    let Value::String(who) = &body.0 else {
        return Err(Refusal::payload("the body is an account id as a text"));
    };
    let who = if who.is_empty() { &caller.user.account_id } else { who };
    if caller.directory.user(who).is_none() {
        return Err(Refusal::bad(format!("The user with account id '{who}' does not exist.")));
    }
    if *who != caller.user.account_id && !caller.user.admin {
        let message = "You do not have permission to manage the watcher list.";
        return Err(Refusal::message(StatusCode::FORBIDDEN, message));
    }
    state.site().write(issue.id, state.now(), |issue| {
        if !issue.watchers.contains(who) {
            issue.watchers.push(who.clone());
        }
    });
    Ok(no_content())
}

/// `DELETE issue/{issue}/watchers?accountId=`.
pub(crate) async fn unwatch(
    State(state): State<Arc<JiraState>>,
    _caller: Caller,
    names: Names,
    Query(parameters): Parameters,
) -> Answer {
    let issue = find(&state.site(), &names)?;
    let Some(who) = parameters.get("accountId") else {
        return Err(Refusal::bad("The query parameter 'accountId' is required."));
    };
    state.site().write(issue.id, state.now(), |issue| issue.watchers.retain(|watcher| watcher != who));
    Ok(no_content())
}

/// `GET issueLinkType`.
pub(crate) async fn types(caller: Caller) -> Answer {
    let show = caller.show();
    let all: Vec<Value> = (0..LINK_TYPES.len()).map(|position| show.link_type(position)).collect();
    Ok(ok(&json!({"issueLinkTypes": all})))
}

/// `POST issueLink`: 201 with no body.
pub(crate) async fn create(State(state): State<Arc<JiraState>>, caller: Caller, body: JsonBody) -> Answer {
    let mut body = body.object(&["comment", "inwardIssue", "outwardIssue", "type"])?;
    let kind = body.get("type").unwrap_or(&Value::Null);
    let (id, title) = (id_of(kind), kind.get("name").and_then(Value::as_str));
    let found = LINK_TYPES.iter().position(|(own, known, ..)| {
        id.as_deref() == Some(*own) || title.is_some_and(|title| title.eq_ignore_ascii_case(known))
    });
    let Some(position) = found else {
        let shown = title.map(str::to_owned).or(id).unwrap_or_default();
        let message = format!("No issue link type with name '{shown}' found.");
        return Err(Refusal::message(StatusCode::NOT_FOUND, message));
    };
    let new_comments = comments::read_all(
        &state,
        &caller,
        body.remove("comment").filter(|comment| !comment.is_null()).as_slice(),
    )?;
    let now = state.now();
    let mut site = state.site();
    let side = |side: &str| {
        let given = body.get(side)?;
        let wanted = given.get("key").and_then(Value::as_str).map(str::to_owned).or_else(|| id_of(given))?;
        site.find(&wanted).map(|issue| issue.id)
    };
    let (inward, outward) = (
        side("inwardIssue").ok_or_else(Refusal::no_issue)?,
        side("outwardIssue").ok_or_else(Refusal::no_issue)?,
    );
    if inward == outward {
        return Err(Refusal::bad("You cannot link an issue to itself."));
    }
    let link = site.next_id(Sequence::Link);
    // The inward issue reads "blocks B": it shows the outward one.
    for (issue, other, is_outward) in [(inward, outward, true), (outward, inward, false)] {
        site.write(issue, now, |issue| {
            issue.links.push(Link { id: link, kind: position, outward: is_outward, other });
            issue.updated = now;
        });
    }
    site.note_link(link, (inward, outward));
    for comment in new_comments {
        comments::attach(&mut site, outward, comment, &caller.user.account_id, now);
    }
    Ok(StatusCode::CREATED.into_response())
}

fn no_link(wanted: &str) -> Refusal {
    Refusal::message(StatusCode::NOT_FOUND, format!("No issue link with id '{wanted}' exists."))
}

/// `GET issueLink/{link}`.
pub(crate) async fn get(State(state): State<Arc<JiraState>>, caller: Caller, names: Names) -> Answer {
    let wanted = name(&names, "link");
    let id: u64 = wanted.parse().map_err(|_| no_link(wanted))?;
    let site = state.site();
    let (inward, outward) = site.link(id).ok_or_else(|| no_link(wanted))?;
    let (inward, outward) = (site.issue(inward).cloned(), site.issue(outward).cloned());
    drop(site);
    let (Some(inward), Some(outward)) = (inward, outward) else { return Err(no_link(wanted)) };
    let show = caller.show();
    let link = outward.links.iter().find(|link| link.id == id);
    let kind = show.link_type(link.map_or(0, |link| link.kind));
    Ok(ok(&json!({"id": wanted, "self": show.address(&format!("issueLink/{wanted}")), "type": kind,
        "inwardIssue": show.linked_issue(&inward), "outwardIssue": show.linked_issue(&outward)})))
}

/// `DELETE issueLink/{link}`.
pub(crate) async fn delete(State(state): State<Arc<JiraState>>, _caller: Caller, names: Names) -> Answer {
    let wanted = name(&names, "link");
    let now = state.now();
    let mut site = state.site();
    let id: u64 = wanted.parse().map_err(|_| no_link(wanted))?;
    let (one, other) = site.take_link(id).ok_or_else(|| no_link(wanted))?;
    for issue in [one, other] {
        site.write(issue, now, |issue| issue.links.retain(|link| link.id != id));
    }
    Ok(no_content())
}

/// `GET issue/{issue}/remotelink[?globalId=]`.
pub(crate) async fn remote_links(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    names: Names,
    Query(parameters): Parameters,
) -> Answer {
    let issue = find(&state.site(), &names)?;
    let show = caller.show();
    match parameters.get("globalId") {
        None => Ok(ok(&issue.remote_links.iter().map(|link| show.remote_link(&issue.key, link)).collect())),
        Some(wanted) => {
            let found = issue.remote_links.iter().find(|link| link.global_id.as_ref() == Some(wanted));
            let missing = || {
                let message = format!("No remote issue link with global ID '{wanted}' exists.");
                Refusal::message(StatusCode::NOT_FOUND, message)
            };
            found.map(|link| ok(&show.remote_link(&issue.key, link))).ok_or_else(missing)
        }
    }
}

/// `POST issue/{issue}/remotelink`: 201 when new, 200 when the global id was there.
pub(crate) async fn put_remote_link(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    names: Names,
    body: JsonBody,
) -> Answer {
    let body = body.open_object()?;
    let object = body.get("object").unwrap_or(&Value::Null);
    for part in ["title", "url"] {
        if object.get(part).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(Refusal::field(part, format!("'{part}' is required.")));
        }
    }
    let global_id = match body.get("globalId") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) if id.chars().count() <= 255 => Some(id.clone()),
        Some(_) => {
            return Err(Refusal::field("globalId", "The global ID must be at most 255 characters long."));
        }
    };
    let known = ["application", "globalId", "object", "relationship"];
    let kept =
        body.into_iter().filter(|(key, value)| known.contains(&key.as_str()) && !value.is_null()).collect();
    let now = state.now();
    let mut site = state.site();
    let issue = find(&site, &names)?;
    let old = issue.remote_links.iter().find(|link| global_id.is_some() && link.global_id == global_id);
    let is_new = old.is_none();
    let id = old.map_or_else(|| site.next_id(Sequence::RemoteLink), |link| link.id);
    let link = RemoteLink { id, global_id, body: kept };
    site.write(issue.id, now, |issue| match issue.remote_links.iter_mut().find(|own| own.id == id) {
        Some(place) => *place = link,
        None => issue.remote_links.push(link),
    });
    let address = caller.show().address(&format!("issue/{}/remotelink/{id}", issue.key));
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(with_status(status, &json!({"id": id, "self": address})))
}

fn no_remote_link(wanted: &str) -> Refusal {
    Refusal::message(StatusCode::NOT_FOUND, format!("No remote issue link with id '{wanted}' exists."))
}

/// `GET issue/{issue}/remotelink/{link}`.
pub(crate) async fn remote_link(State(state): State<Arc<JiraState>>, caller: Caller, names: Names) -> Answer {
    let issue = find(&state.site(), &names)?;
    let wanted = name(&names, "link");
    let found = issue.remote_links.iter().find(|link| link.id.to_string() == wanted);
    found.map(|link| ok(&caller.show().remote_link(&issue.key, link))).ok_or_else(|| no_remote_link(wanted))
}

/// `DELETE issue/{issue}/remotelink/{link}`.
pub(crate) async fn delete_remote_link(
    State(state): State<Arc<JiraState>>,
    _caller: Caller,
    names: Names,
) -> Answer {
    let wanted = name(&names, "link");
    let now = state.now();
    let mut site = state.site();
    let issue = find(&site, &names)?;
    if !issue.remote_links.iter().any(|link| link.id.to_string() == wanted) {
        return Err(no_remote_link(wanted));
    }
    site.write(issue.id, now, |issue| issue.remote_links.retain(|link| link.id.to_string() != wanted));
    Ok(no_content())
}
