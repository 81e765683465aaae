//! Search by JQL: bounded queries only, pages by an opaque token, an index that may lag.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::{Query, State};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::JiraState;
use super::super::answer::{Answer, JsonBody, Refusal, number, ok, text, texts};
use super::super::caller::Caller;
use super::super::jql::{self, Scope};
use super::super::show::FieldSet;
use super::super::site::Issue;
use super::{Parameters, linked, list};

/// Most issues of a page when only ids and keys are asked for, and otherwise.
const PAGE_OF_KEYS: usize = 5_000;
const PAGE_OF_FIELDS: usize = 100;
/// Most searches whose further pages are kept, and how long.
const CURSORS: usize = 500;
const CURSOR_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
const RECONCILE_LIMIT: usize = 50;
const PROPERTY_LIMIT: usize = 5;

/// Searches that have further pages: the ids as they stood at the first page.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    last: u64,
    kept: VecDeque<Cursor>,
}

#[derive(Debug)]
struct Cursor {
    number: u64,
    jql: String,
    ids: Arc<[u64]>,
    at: Timestamp,
}

impl Cursors {
    fn keep(&mut self, jql: &str, ids: Arc<[u64]>, now: Timestamp) -> u64 {
        self.last += 1;
        while self.kept.len() >= CURSORS {
            self.kept.pop_front();
        }
        self.kept.push_back(Cursor { number: self.last, jql: jql.to_owned(), ids, at: now });
        self.last
    }

    fn find(&self, number: u64, jql: &str, now: Timestamp) -> Option<Arc<[u64]>> {
        let cursor = self.kept.iter().find(|cursor| cursor.number == number)?;
        let is_live = now.duration_since(cursor.at) < CURSOR_LIFE;
        (cursor.jql == jql && is_live).then(|| Arc::clone(&cursor.ids))
    }
}

fn token(number: u64, offset: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("page:{number}:{offset}"))
}

fn read_token(token: &str) -> Option<(u64, usize)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (number, offset) = text.strip_prefix("page:")?.split_once(':')?;
    Some((number.parse().ok()?, offset.parse().ok()?))
}

fn bad_token() -> Refusal {
    Refusal::bad("The provided next page token is invalid or expired.")
}

struct Wanted {
    jql: String,
    most: usize,
    token: Option<String>,
    set: FieldSet,
    properties: Vec<String>,
    reconcile: Vec<u64>,
}

/// `GET search/jql`.
pub(crate) async fn get(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    Query(parameters): Parameters,
) -> Answer {
    let most = match parameters.get("maxResults").map(|most| most.trim()) {
        None | Some("") => None,
        Some(most) => {
            Some(most.parse().map_err(|_| Refusal::bad("The maxResults parameter is not a number."))?)
        }
    };
    let reconcile: Result<Vec<u64>, _> =
        list(&parameters, "reconcileIssues").into_iter().map(str::parse).collect();
    let wanted = Wanted {
        jql: parameters.get("jql").cloned().unwrap_or_default(),
        most: page_size(most)?,
        token: parameters.get("nextPageToken").filter(|token| !token.is_empty()).cloned(),
        set: FieldSet::read(list(&parameters, "fields"), FieldSet::id_only()),
        properties: list(&parameters, "properties").into_iter().map(str::to_owned).collect(),
        reconcile: reconcile.map_err(|_| Refusal::bad("reconcileIssues takes numeric issue ids."))?,
    };
    answer(&state, &caller, &wanted)
}

/// `POST search/jql`.
pub(crate) async fn post(State(state): State<Arc<JiraState>>, caller: Caller, body: JsonBody) -> Answer {
    let body = body.object(&[
        "expand",
        "fields",
        "fieldsByKeys",
        "jql",
        "maxResults",
        "nextPageToken",
        "properties",
        "reconcileIssues",
    ])?;
    let names = texts(&body, "fields")?.unwrap_or_default();
    let reconcile = match body.get("reconcileIssues") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(ids)) => ids
            .iter()
            .map(|id| id.as_u64().ok_or_else(|| Refusal::payload("reconcileIssues takes numeric issue ids")))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(Refusal::payload("reconcileIssues is a list of numbers")),
    };
    let wanted = Wanted {
        jql: text(&body, "jql")?.unwrap_or_default().to_owned(),
        most: page_size(number(&body, "maxResults")?)?,
        token: text(&body, "nextPageToken")?.filter(|token| !token.is_empty()).map(str::to_owned),
        set: FieldSet::read(names.iter().map(String::as_str), FieldSet::id_only()),
        properties: texts(&body, "properties")?.unwrap_or_default(),
        reconcile,
    };
    answer(&state, &caller, &wanted)
}

fn page_size(given: Option<i64>) -> Result<usize, Refusal> {
    let given = given.unwrap_or(50);
    if given < 1 {
        return Err(Refusal::bad("The maxResults parameter must be between 1 and 5000."));
    }
    Ok(usize::try_from(given).unwrap_or(PAGE_OF_KEYS).min(PAGE_OF_KEYS))
}

fn answer(state: &JiraState, caller: &Caller, wanted: &Wanted) -> Answer {
    if wanted.properties.len() > PROPERTY_LIMIT {
        return Err(Refusal::bad("At most 5 issue properties can be requested."));
    }
    if wanted.reconcile.len() > RECONCILE_LIMIT {
        return Err(Refusal::bad("At most 50 issues can be reconciled."));
    }
    let now = state.now();
    let (number, offset, ids) = if let Some(token) = &wanted.token {
        let (number, offset) = read_token(token).ok_or_else(bad_token)?;
        let ids = state.cursors().find(number, &wanted.jql, now).ok_or_else(bad_token)?;
        (Some(number), offset, ids)
    } else {
        let found = search(state, caller, &wanted.jql, &wanted.reconcile, now)?;
        (None, 0, found.iter().map(|issue| issue.id).collect())
    };
    let is_short = wanted.set.is_key_only() && wanted.properties.is_empty();
    let most = if is_short { wanted.most } else { wanted.most.min(PAGE_OF_FIELDS) };
    let end = offset.saturating_add(most).min(ids.len());
    let page = ids.get(offset..end).ok_or_else(bad_token)?;
    let (issues, others) = {
        let site = state.site();
        // Hidden from the page: what was deleted since. The rest is shown as the index has it.
        let shown = |id: &u64| {
            let indexed = if wanted.reconcile.contains(id) { None } else { site.indexed(*id, now) };
            indexed.or_else(|| site.issue(*id)).cloned()
        };
        let issues: Vec<Arc<Issue>> = page.iter().filter_map(shown).collect();
        let others = linked(&site, &issues);
        (issues, others)
    };
    let show = caller.show();
    let shown: Vec<Value> =
        issues.iter().map(|issue| show.issue(issue, &wanted.set, &wanted.properties, &others)).collect();
    let mut body = json!({"issues": shown, "isLast": end >= ids.len()});
    if end < ids.len() {
        let number = number.unwrap_or_else(|| state.cursors().keep(&wanted.jql, Arc::clone(&ids), now));
        body["nextPageToken"] = Value::String(token(number, end));
    }
    Ok(ok(&body))
}

/// The issues that answer a query, in order.
fn search(
    state: &JiraState,
    caller: &Caller,
    text: &str,
    reconcile: &[u64],
    now: Timestamp,
) -> Result<Vec<Arc<Issue>>, Refusal> {
    let query = jql::read(text).map_err(Refusal::bad)?;
    let Some(filter) = &query.filter else {
        return Err(Refusal::bad(
            "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.",
        ));
    };
    let (condition, issues) = {
        let site = state.site();
        let scope = Scope { directory: &caller.directory, site: &site, caller: &caller.user, now };
        let condition = jql::resolve(filter, &scope).map_err(Refusal::bad)?;
        let ids = jql::candidates(&condition, &site).unwrap_or_else(|| site.ids().collect());
        let seen = |id: u64| {
            let found = if reconcile.contains(&id) { site.issue(id) } else { site.indexed(id, now) };
            found.cloned()
        };
        let issues: Vec<Arc<Issue>> = ids.into_iter().filter_map(seen).collect();
        (condition, issues)
    };
    let mut found: Vec<Arc<Issue>> =
        issues.into_iter().filter(|issue| jql::fits(&condition, issue)).collect();
    jql::sort(&mut found, &query.order, &caller.directory).map_err(Refusal::bad)?;
    Ok(found)
}

/// `POST search/approximate-count`.
pub(crate) async fn count(State(state): State<Arc<JiraState>>, caller: Caller, body: JsonBody) -> Answer {
    let body = body.object(&["jql"])?;
    let query = text(&body, "jql")?.unwrap_or_default();
    let found = search(&state, &caller, query, &[], state.now())?;
    Ok(ok(&json!({"count": found.len()})))
}

/// The search that was removed: 410.
pub(crate) async fn removed(_caller: Caller) -> Answer {
    Err(Refusal::removed_search())
}
