//! Entity properties of issues and comments: any JSON value under a key. They cannot be searched by JQL.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::JiraState;
use super::super::answer::{Answer, JsonBody, Refusal, no_content, ok};
use super::super::caller::Caller;
use super::super::site::{Comment, Site};
use super::{Names, find, name};

/// Longest key and longest value (as serialised JSON), in characters.
const KEY_LIMIT: usize = 255;
const VALUE_LIMIT: usize = 32_768;

/// Reads the `properties` of a create, an edit or a comment.
pub(crate) fn read_list(given: Option<&Value>) -> Result<BTreeMap<String, Value>, Refusal> {
    let given = match given {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Array(given)) => given,
        Some(_) => return Err(Refusal::payload("properties is a list")),
    };
    let mut read = BTreeMap::new();
    for property in given {
        let Value::Object(property) = property else {
            return Err(Refusal::payload("a property is an object"));
        };
        if let Some(unknown) = property.keys().find(|key| !matches!(key.as_str(), "key" | "value")) {
            return Err(Refusal::payload(format!("unknown member {unknown:?} of a property")));
        }
        let (Some(Value::String(key)), Some(value)) = (property.get("key"), property.get("value")) else {
            return Err(Refusal::payload("a property has a key and a value"));
        };
        check(key, value)?;
        read.insert(key.clone(), value.clone());
    }
    Ok(read)
}

fn check(key: &str, value: &Value) -> Result<(), Refusal> {
    if key.is_empty() || key.chars().count() > KEY_LIMIT {
        return Err(Refusal::bad(format!(
            "The property key must be between 1 and {KEY_LIMIT} characters long."
        )));
    }
    if value.to_string().chars().count() > VALUE_LIMIT {
        return Err(Refusal::bad(format!(
            "The property value must be at most {VALUE_LIMIT} characters long."
        )));
    }
    Ok(())
}

fn no_property(key: &str) -> Refusal {
    Refusal::message(StatusCode::NOT_FOUND, format!("The property with key '{key}' does not exist."))
}

fn keys(properties: &BTreeMap<String, Value>, address: &str) -> Response {
    let keys: Vec<Value> =
        properties.keys().map(|key| json!({"self": format!("{address}/{key}"), "key": key})).collect();
    ok(&json!({"keys": keys}))
}

fn one(properties: &BTreeMap<String, Value>, key: &str) -> Answer {
    let value = properties.get(key).ok_or_else(|| no_property(key))?;
    Ok(ok(&json!({"key": key, "value": value})))
}

fn written(existed: bool) -> Response {
    if existed { StatusCode::OK.into_response() } else { StatusCode::CREATED.into_response() }
}

/// `GET issue/{issue}/properties`.
pub(crate) async fn issue_keys(State(state): State<Arc<JiraState>>, caller: Caller, names: Names) -> Answer {
    let issue = find(&state.site(), &names)?;
    Ok(keys(&issue.properties, &caller.show().address(&format!("issue/{}/properties", issue.id))))
}

/// `GET issue/{issue}/properties/{property}`.
pub(crate) async fn issue_get(State(state): State<Arc<JiraState>>, _caller: Caller, names: Names) -> Answer {
    one(&find(&state.site(), &names)?.properties, name(&names, "property"))
}

/// `PUT issue/{issue}/properties/{property}`: 201 when new, 200 when changed.
pub(crate) async fn issue_put(
    State(state): State<Arc<JiraState>>,
    _caller: Caller,
    names: Names,
    JsonBody(value): JsonBody,
) -> Answer {
    let key = name(&names, "property").to_owned();
    check(&key, &value)?;
    let now = state.now();
    let mut site = state.site();
    let issue = find(&site, &names)?;
    let existed = site.write(issue.id, now, |issue| issue.properties.insert(key, value).is_some());
    Ok(written(existed.unwrap_or(false)))
}

/// `DELETE issue/{issue}/properties/{property}`.
pub(crate) async fn issue_delete(
    State(state): State<Arc<JiraState>>,
    _caller: Caller,
    names: Names,
) -> Answer {
    let key = name(&names, "property");
    let now = state.now();
    let mut site = state.site();
    let issue = find(&site, &names)?;
    match site.write(issue.id, now, |issue| issue.properties.remove(key)).flatten() {
        Some(_) => Ok(no_content()),
        None => Err(no_property(key)),
    }
}

fn comment(site: &Site, names: &Names) -> Result<(u64, Arc<Comment>), Refusal> {
    let wanted = name(names, "comment");
    let found = wanted.parse().ok().and_then(|id| site.comment(id));
    found.map(|(issue, comment)| (issue, Arc::clone(comment))).ok_or_else(|| {
        let message = format!("Can not find a comment for the id: {wanted}.");
        Refusal::message(StatusCode::NOT_FOUND, message)
    })
}

fn change<R>(
    site: &mut Site,
    issue: u64,
    comment: u64,
    now: Timestamp,
    change: impl FnOnce(&mut BTreeMap<String, Value>) -> R,
) -> Option<R> {
    site.write(issue, now, |issue| {
        let place = issue.comments.iter_mut().find(|own| own.id == comment)?;
        Some(change(&mut Arc::make_mut(place).properties))
    })
    .flatten()
}

/// `GET comment/{comment}/properties`.
pub(crate) async fn comment_keys(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    names: Names,
) -> Answer {
    let (_, comment) = comment(&state.site(), &names)?;
    Ok(keys(&comment.properties, &caller.show().address(&format!("comment/{}/properties", comment.id))))
}

/// `GET comment/{comment}/properties/{property}`.
pub(crate) async fn comment_get(
    State(state): State<Arc<JiraState>>,
    _caller: Caller,
    names: Names,
) -> Answer {
    one(&comment(&state.site(), &names)?.1.properties, name(&names, "property"))
}

/// `PUT comment/{comment}/properties/{property}`.
pub(crate) async fn comment_put(
    State(state): State<Arc<JiraState>>,
    _caller: Caller,
    names: Names,
    JsonBody(value): JsonBody,
) -> Answer {
    let key = name(&names, "property").to_owned();
    check(&key, &value)?;
    let now = state.now();
    let mut site = state.site();
    let (issue, found) = comment(&site, &names)?;
    let existed =
        change(&mut site, issue, found.id, now, |properties| properties.insert(key, value).is_some());
    Ok(written(existed.unwrap_or(false)))
}

/// `DELETE comment/{comment}/properties/{property}`.
pub(crate) async fn comment_delete(
    State(state): State<Arc<JiraState>>,
    _caller: Caller,
    names: Names,
) -> Answer {
    let key = name(&names, "property");
    let now = state.now();
    let mut site = state.site();
    let (issue, found) = comment(&site, &names)?;
    match change(&mut site, issue, found.id, now, |properties| properties.remove(key)).flatten() {
        Some(_) => Ok(no_content()),
        None => Err(no_property(key)),
    }
}
