//! `$batch`: up to twenty requests in one. Each counts against its mailbox by itself, and is refused by itself; the outer
//! 200 says nothing about the inner ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Map, Value, json};

use super::GraphState;
use super::answer::{Answer, Outcome, Refusal, RequestIds};
use super::call::Call;
use crate::entra::grants::Access;
use crate::faults::Strike;

/// Most requests in one batch.
const MOST: usize = 20;

struct Part {
    id: String,
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Bytes,
    depends_on: Vec<String>,
}

/// Answers a batch.
pub(crate) fn batch(state: &GraphState, call: &Call, access: &Arc<Access>, ids: &RequestIds) -> Outcome {
    let body = call.object()?;
    let Some(Value::Array(requests)) = body.get("requests") else {
        return Err(Refusal::bad("Invalid batch payload format."));
    };
    if requests.len() > MOST {
        return Err(Refusal::bad("Number of batch request steps exceeds the maximum value of 20."));
    }
    let parts: Vec<Part> = requests.iter().map(part).collect::<Result<_, _>>()?;
    let names: BTreeSet<&str> = parts.iter().map(|part| part.id.as_str()).collect();
    if names.len() < parts.len() {
        return Err(Refusal::bad("Request Id is duplicated. All batch request steps must have unique ids."));
    }
    if parts
        .iter()
        .any(|part| part.depends_on.iter().any(|id| !names.contains(id.as_str()) || *id == part.id))
    {
        return Err(Refusal::bad("A batch request step depends on a step that is not in the batch."));
    }
    let mut statuses: BTreeMap<String, u16> = BTreeMap::new();
    let mut answers: Vec<Value> = Vec::with_capacity(parts.len());
    let mut waiting: Vec<Part> = parts;
    while !waiting.is_empty() {
        let (ready, later): (Vec<Part>, Vec<Part>) =
            waiting.into_iter().partition(|part| part.depends_on.iter().all(|id| statuses.contains_key(id)));
        if ready.is_empty() {
            return Err(Refusal::bad("The batch request steps depend on each other in a circle."));
        }
        for part in ready {
            let has_failed =
                part.depends_on.iter().any(|id| statuses.get(id).is_some_and(|status| *status >= 400));
            let answer = if has_failed {
                let refusal =
                    Refusal::new(424, "FailedDependency", "A request that this one depends on has failed.");
                refusal.into_answer(ids, state.now())
            } else {
                one(state, &part, access, ids)
            };
            statuses.insert(part.id.clone(), answer.status);
            answers.push(shown(&part.id, &answer));
        }
        waiting = later;
    }
    // The order of the answers is none: callers go by the ids.
    if state.core.chance.happens(0.5) {
        answers.reverse();
    }
    let mut answer = Answer::value(200, &json!({"responses": answers}));
    answer.content_type = "application/json";
    Ok(answer)
}

fn part(value: &Value) -> Result<Part, Refusal> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("id").is_empty() || text("url").is_empty() {
        return Err(Refusal::bad("A batch request step needs an id and a url."));
    }
    let method = Method::from_bytes(text("method").to_ascii_uppercase().as_bytes())
        .ok()
        .filter(|method| {
            [Method::GET, Method::POST, Method::PATCH, Method::PUT, Method::DELETE].contains(method)
        })
        .ok_or_else(|| Refusal::bad("A batch request step has no valid method."))?;
    let mut headers = HeaderMap::new();
    for (name, value) in value.get("headers").and_then(Value::as_object).into_iter().flatten() {
        if let (Ok(name), Some(Ok(value))) =
            (HeaderName::from_bytes(name.as_bytes()), value.as_str().map(HeaderValue::from_str))
        {
            headers.insert(name, value);
        }
    }
    let body = match value.get("body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(Value::String(text)) => {
            Bytes::from(STANDARD.decode(text).unwrap_or_else(|_| text.clone().into_bytes()))
        }
        Some(body) => {
            if !headers.contains_key(http::header::CONTENT_TYPE) {
                return Err(Refusal::bad(
                    "Write request with id does not contain Content-Type header or the body is not of that type.",
                ));
            }
            Bytes::from(body.to_string())
        }
    };
    let depends_on = value.get("dependsOn").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Ok(Part {
        id: text("id").to_owned(),
        method,
        url: text("url").to_owned(),
        headers,
        body,
        depends_on: depends_on.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}

fn one(state: &GraphState, part: &Part, access: &Arc<Access>, ids: &RequestIds) -> Answer {
    let now = state.now();
    let path = part.url.split('?').next().unwrap_or_default();
    let path = format!("/v1.0/{}", path.trim_start_matches('/').trim_start_matches("v1.0/"));
    state.core.counters.count_inside(&part.method, &path);
    let blow = state.core.faults.meet_inside(&part.method, &path, &state.core.chance, now);
    let outcome = || -> Outcome {
        let call = Call::new(part.method.clone(), &part.url, &part.headers, part.body.clone(), true)?;
        if call.path.first().is_some_and(|first| first.eq_ignore_ascii_case("$batch")) {
            return Err(Refusal::bad("A batch cannot be in a batch."));
        }
        let _place = state.enter(
            &call.path,
            Some(&access.client_id),
            access.user,
            upload(&part.method, &part.body),
        )?;
        state.route(&call, access)
    };
    match blow.strike {
        Some(Strike::Answer { response, after_effect }) => {
            if after_effect {
                drop(outcome());
            }
            let headers: Vec<(&'static str, String)> = response
                .headers()
                .get("retry-after")
                .and_then(|value| value.to_str().ok())
                .map(|value| ("retry-after", value.to_owned()))
                .into_iter()
                .collect();
            let mut answer = Answer::json(response.status().as_u16(), String::new());
            answer.headers = headers;
            answer.content_type = "application/json";
            answer.body = response.into_body();
            answer
        }
        _ => outcome().unwrap_or_else(|refusal| refusal.into_answer(ids, now)),
    }
}

/// What counts as sent up.
pub(crate) fn upload(method: &Method, body: &Bytes) -> usize {
    if [Method::POST, Method::PATCH, Method::PUT].contains(method) { body.len() } else { 0 }
}

fn shown(id: &str, answer: &Answer) -> Value {
    let mut headers = Map::new();
    headers.insert("Cache-Control".to_owned(), "private".into());
    if !answer.content_type.is_empty() {
        headers.insert("Content-Type".to_owned(), answer.content_type.into());
    }
    for (name, value) in &answer.headers {
        let name = match *name {
            "retry-after" => "Retry-After",
            "location" => "Location",
            "etag" => "ETag",
            other => other,
        };
        headers.insert(name.to_owned(), value.as_str().into());
    }
    let mut out = json!({"id": id, "status": answer.status, "headers": headers});
    if !answer.body.is_empty() {
        let is_json = answer.content_type.starts_with("application/json");
        let body = is_json.then(|| serde_json::from_slice(&answer.body).ok()).flatten();
        out["body"] = body.unwrap_or_else(|| STANDARD.encode(&answer.body).into());
    }
    out
}
