//! Comments of issues.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::JiraState;
use super::super::answer::{Answer, JsonBody, Refusal, no_content, ok, with_status};
use super::super::caller::Caller;
use super::super::document::Document;
use super::super::fields::{document, is_too_long};
use super::super::site::{Comment, Issue, Sequence, Site};
use super::{Names, Parameters, expands, find, name, page, properties};

/// Most comments of one issue; one more is answered 413.
const COMMENT_LIMIT: usize = 5_000;

/// A comment that has been read and not yet stored.
pub(crate) struct NewComment {
    body: Document,
    visibility: Option<Value>,
    properties: BTreeMap<String, Value>,
}

fn read(state: &JiraState, caller: &Caller, given: &Map<String, Value>) -> Result<NewComment, Refusal> {
    let has_media = |media: &str| state.has_media(media);
    let body = given.get("body").unwrap_or(&Value::Null);
    let body = match document(body, caller.version, &has_media) {
        Ok(Some(body)) => body,
        Ok(None) => return Err(Refusal::comment_body("the body is missing or empty")),
        Err((message, _)) if is_too_long(message) => return Err(Refusal::field("comment", message)),
        Err((message, detail)) if message == "ATTACHMENT_VALIDATION_ERROR" => {
            return Err(Refusal::field("comment", message).because(detail.unwrap_or_default()));
        }
        Err((message, detail)) => {
            return Err(Refusal::comment_body(detail.unwrap_or_else(|| message.to_owned())));
        }
    };
    let visibility = match given.get("visibility") {
        None | Some(Value::Null) => None,
        Some(visibility) => {
            let kind = visibility.get("type").and_then(Value::as_str);
            if !matches!(kind, Some("role" | "group")) {
                return Err(Refusal::field("visibility", "The visibility type must be 'role' or 'group'."));
            }
            Some(visibility.clone())
        }
    };
    Ok(NewComment { body, visibility, properties: properties::read_list(given.get("properties"))? })
}

/// Reads comments out of `update` operations.
pub(crate) fn read_all(
    state: &JiraState,
    caller: &Caller,
    given: &[Value],
) -> Result<Vec<NewComment>, Refusal> {
    given
        .iter()
        .map(|comment| match comment {
            Value::Object(comment) => read(state, caller, comment),
            _ => Err(Refusal::comment_body("a comment is an object")),
        })
        .collect()
}

/// Stores a comment and gives its id.
pub(crate) fn attach(site: &mut Site, issue: u64, comment: NewComment, author: &str, now: Timestamp) -> u64 {
    let id = site.next_id(Sequence::Comment);
    let comment = Comment {
        id,
        author: author.to_owned(),
        update_author: author.to_owned(),
        body: comment.body,
        visibility: comment.visibility,
        properties: comment.properties,
        created: now,
        updated: now,
    };
    site.write(issue, now, |issue| {
        issue.comments.push(Arc::new(comment));
        issue.updated = now;
    });
    site.note_comment(id, issue);
    id
}

fn rendered(state: &JiraState, caller: &Caller, comment: &Comment, wanted: bool) -> Option<String> {
    let image = |media: &str| state.image_address(media).map(|path| format!("{}{path}", caller.base));
    wanted.then(|| comment.body.to_html(&image))
}

/// `POST issue/{issue}/comment`.
pub(crate) async fn add(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    names: Names,
    Query(parameters): Parameters,
    body: JsonBody,
) -> Answer {
    let issue = find(&state.site(), &names)?;
    if state.gate().has_taken(issue.key.split('-').next().unwrap_or_default(), "ADD_COMMENTS") {
        let name = &caller.user.display_name;
        let message = format!("{name}, you do not have the permission to comment on this issue.");
        return Err(Refusal::field("comment", message));
    }
    let comment = read(&state, &caller, &body.open_object()?)?;
    if issue.comments.len() >= COMMENT_LIMIT {
        let message = "The issue has reached the maximum number of comments.";
        return Err(Refusal::message(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    let stored = {
        let mut site = state.site();
        let id = attach(&mut site, issue.id, comment, &caller.user.account_id, state.now());
        site.comment(id).map(|(_, comment)| Arc::clone(comment)).ok_or_else(Refusal::no_issue)?
    };
    let html = rendered(&state, &caller, &stored, expands(&parameters, "renderedBody"));
    Ok(with_status(StatusCode::CREATED, &caller.show().comment(issue.id, &stored, html, false)))
}

/// `GET issue/{issue}/comment`: oldest first, or as `orderBy` says.
pub(crate) async fn list(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    names: Names,
    Query(parameters): Parameters,
) -> Answer {
    let issue = find(&state.site(), &names)?;
    let (start, most) = page(&parameters, 100, 5_000)?;
    let newest_first = match parameters.get("orderBy").map(|order| order.trim()) {
        None | Some("" | "created" | "+created") => false,
        Some("-created") => true,
        Some(other) => return Err(Refusal::bad(format!("The orderBy value '{other}' is not supported."))),
    };
    let mut all: Vec<&Arc<Comment>> = issue.comments.iter().collect();
    if newest_first {
        all.reverse();
    }
    let (with_html, with_properties) =
        (expands(&parameters, "renderedBody"), expands(&parameters, "properties"));
    let show = caller.show();
    let comments: Vec<Value> = all
        .into_iter()
        .skip(start)
        .take(most)
        .map(|comment| {
            let html = rendered(&state, &caller, comment, with_html);
            show.comment(issue.id, comment, html, with_properties)
        })
        .collect();
    Ok(ok(
        &json!({"startAt": start, "maxResults": most, "total": issue.comments.len(), "comments": comments}),
    ))
}

/// A comment of the issue, or 404.
fn comment(issue: &Issue, names: &Names) -> Result<Arc<Comment>, Refusal> {
    let wanted = name(names, "comment");
    let found =
        wanted.parse::<u64>().ok().and_then(|id| issue.comments.iter().find(|comment| comment.id == id));
    found.cloned().ok_or_else(|| {
        let message = format!("Can not find a comment for the id: {wanted}.");
        Refusal::message(StatusCode::NOT_FOUND, message)
    })
}

/// `GET issue/{issue}/comment/{comment}`.
pub(crate) async fn get(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    names: Names,
    Query(parameters): Parameters,
) -> Answer {
    let issue = find(&state.site(), &names)?;
    let comment = comment(&issue, &names)?;
    let html = rendered(&state, &caller, &comment, expands(&parameters, "renderedBody"));
    let with_properties = expands(&parameters, "properties");
    Ok(ok(&caller.show().comment(issue.id, &comment, html, with_properties)))
}

/// `PUT issue/{issue}/comment/{comment}`.
pub(crate) async fn update(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    names: Names,
    body: JsonBody,
) -> Answer {
    let issue = find(&state.site(), &names)?;
    let old = comment(&issue, &names)?;
    let new = read(&state, &caller, &body.open_object()?)?;
    let now = state.now();
    let changed = Arc::new(Comment {
        id: old.id,
        author: old.author.clone(),
        update_author: caller.user.account_id.clone(),
        body: new.body,
        visibility: new.visibility.or_else(|| old.visibility.clone()),
        properties: old.properties.clone().into_iter().chain(new.properties).collect(),
        created: old.created,
        updated: now,
    });
    let stored = Arc::clone(&changed);
    state.site().write(issue.id, now, |issue| {
        issue.updated = now;
        if let Some(place) = issue.comments.iter_mut().find(|comment| comment.id == stored.id) {
            *place = stored;
        }
    });
    Ok(ok(&caller.show().comment(issue.id, &changed, None, false)))
}

/// `DELETE issue/{issue}/comment/{comment}`.
pub(crate) async fn delete(State(state): State<Arc<JiraState>>, _caller: Caller, names: Names) -> Answer {
    let mut site = state.site();
    let issue = find(&site, &names)?;
    let comment = comment(&issue, &names)?;
    let now = state.now();
    site.forget_comment(comment.id);
    site.write(issue.id, now, |issue| {
        issue.updated = now;
        issue.comments.retain(|own| own.id != comment.id);
    });
    Ok(no_content())
}

/// `POST comment/list`: at most 1000 ids; what does not exist is left out.
pub(crate) async fn by_ids(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    Query(parameters): Parameters,
    body: JsonBody,
) -> Answer {
    let body = body.object(&["ids"])?;
    let Some(Value::Array(ids)) = body.get("ids") else {
        return Err(Refusal::payload("ids is a list of numbers"));
    };
    let ids: Option<Vec<u64>> = ids.iter().map(Value::as_u64).collect();
    let mut ids = ids.ok_or_else(|| Refusal::payload("ids is a list of numbers"))?;
    if ids.is_empty() || ids.len() > 1000 {
        return Err(Refusal::bad("The number of comment IDs must be between 1 and 1000."));
    }
    ids.sort_unstable();
    ids.dedup();
    let found: Vec<(u64, Arc<Comment>)> = {
        let site = state.site();
        ids.iter()
            .filter_map(|id| site.comment(*id).map(|(issue, comment)| (issue, Arc::clone(comment))))
            .collect()
    };
    let (with_html, with_properties) =
        (expands(&parameters, "renderedBody"), expands(&parameters, "properties"));
    let show = caller.show();
    let values: Vec<Value> = found
        .iter()
        .map(|(issue, comment)| {
            let html = rendered(&state, &caller, comment, with_html);
            show.comment(*issue, comment, html, with_properties)
        })
        .collect();
    Ok(ok(
        &json!({"startAt": 0, "maxResults": 1000, "total": values.len(), "isLast": true, "values": values}),
    ))
}
