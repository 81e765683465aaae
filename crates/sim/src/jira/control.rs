//! The levers for tests and demos: ground truth, index lag, revoked tokens, projects, required fields.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use http::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::JiraState;
use super::answer::{no_content, ok, with_status};
use super::show::moment;

/// Routes under `/jira` of the control address.
///
/// - `GET /jira/issues`: ground truth, see [`JiraState::issues`]
/// - `DELETE /jira/issues/{key}`: somebody deletes an issue
/// - `POST /jira/issues/{key}/move {"project"}`: somebody moves it to another project
/// - `POST /jira/lag {"seconds":n}`: the search index runs behind (fractions are allowed)
/// - `POST /jira/tokens {"revoke":true|false}`: every token stops, or works again
/// - `POST /jira/projects {"key","name"}`, `DELETE /jira/projects/{key}`
/// - `POST /jira/fields {"id","required"}`: a custom field becomes required, or optional
/// - `POST /jira/projects/{key}/email {"email"}`: the address that the site sends the project's mail from
/// - `POST /jira/permissions {"project","missing":[…]}`: permissions that somebody takes away; none gives all back
/// - `POST /jira/service-account {"refuse"?,"new"?,"scopes"?:[…],"end_tokens"?}`: client id and secret are refused (or taken again), are
///   new and so refused for a while; what tokens may do; every access token ends
/// - `POST /jira/personal-tokens {"ends"}`: when they end, or `null`
/// - `POST /jira/quotas {"enforce":true|false}`, `POST /jira/gaps {"leave":true|false}`
pub fn control_router(state: Arc<JiraState>) -> Router {
    Router::new()
        .route("/jira/issues", get(ground_truth))
        .route("/jira/issues/{key}", delete(delete_issue))
        .route("/jira/issues/{key}/move", post(move_issue))
        .route("/jira/lag", post(set_lag))
        .route("/jira/tokens", post(set_tokens))
        .route("/jira/projects", get(projects).post(add_project))
        .route("/jira/projects/{key}", delete(delete_project))
        .route("/jira/projects/{key}/email", post(set_project_email))
        .route("/jira/permissions", post(set_permissions))
        .route("/jira/service-account", post(set_service_account))
        .route("/jira/personal-tokens", post(set_personal_tokens))
        .route("/jira/fields", post(set_field))
        .route("/jira/quotas", post(set_quotas))
        .route("/jira/gaps", post(set_gaps))
        .with_state(state)
}

/// Every issue as it is, whatever the index shows.
pub(crate) fn issues(state: &JiraState) -> Vec<Value> {
    let directory = state.directory();
    let all: Vec<_> = state.site().all().cloned().collect();
    all.iter()
        .map(|issue| {
            let project = directory.project(&issue.project.to_string()).map(|project| project.key.clone());
            let kind = directory.issue_type(&issue.issue_type).map(|kind| kind.name.clone());
            let comments: Vec<Value> = issue
                .comments
                .iter()
                .map(|comment| {
                    json!({"id": comment.id.to_string(), "body": comment.body.to_adf(),
                        "text": comment.body.to_text(), "properties": comment.properties,
                        "created": moment(comment.created)})
                })
                .collect();
            let attachments: Vec<Value> = issue
                .attachments
                .iter()
                .map(|file| {
                    json!({"id": file.id.to_string(), "filename": file.filename, "size": file.content.len(),
                        "mime_type": file.mime_type, "media_id": file.media.to_string()})
                })
                .collect();
            let links: Vec<Value> = issue
                .links
                .iter()
                .map(|link| json!({"type": super::site::LINK_TYPES[link.kind].1, "issue": link.other.to_string()}))
                .collect();
            let statuses: Vec<&str> = issue
                .history
                .iter()
                .flat_map(|entry| &entry.items)
                .filter(|change| change.field == "status")
                .map(|change| change.to_string.as_str())
                .collect();
            json!({
                "id": issue.id.to_string(),
                "key": issue.key,
                "project": project,
                "issue_type": kind,
                "summary": issue.summary,
                "description": issue.description.as_ref().map(super::document::Document::to_adf),
                "text": issue.description.as_ref().map(super::document::Document::to_text),
                "labels": issue.labels,
                "status": issue.status.name(),
                "priority": issue.priority,
                "reporter": issue.reporter,
                "properties": issue.properties,
                "comments": comments,
                "attachments": attachments,
                "links": links,
                "statuses": statuses,
                "created": moment(issue.created),
                "updated": moment(issue.updated),
            })
        })
        .collect()
}

async fn ground_truth(State(state): State<Arc<JiraState>>) -> Response {
    ok(&Value::Array(issues(&state)))
}

fn missing(what: &str) -> Response {
    with_status(StatusCode::NOT_FOUND, &json!({"error": format!("{what} does not exist")}))
}

async fn delete_issue(State(state): State<Arc<JiraState>>, Path(key): Path<String>) -> Response {
    if state.delete_issue(&key) { no_content() } else { missing(&format!("issue {key}")) }
}

#[derive(Deserialize)]
struct To {
    project: String,
}

async fn move_issue(
    State(state): State<Arc<JiraState>>,
    Path(key): Path<String>,
    Json(to): Json<To>,
) -> Response {
    match state.move_issue(&key, &to.project) {
        Some(moved) => ok(&json!({"key": moved})),
        None => missing(&format!("issue {key} or project {}", to.project)),
    }
}

#[derive(Deserialize)]
struct Lag {
    seconds: f64,
}

async fn set_lag(State(state): State<Arc<JiraState>>, Json(lag): Json<Lag>) -> Response {
    let seconds = if lag.seconds.is_finite() { lag.seconds.clamp(0.0, 31_536_000.0) } else { 0.0 };
    state.set_index_lag(SignedDuration::try_from_secs_f64(seconds).unwrap_or_default());
    no_content()
}

#[derive(Deserialize)]
struct Tokens {
    revoke: bool,
}

async fn set_tokens(State(state): State<Arc<JiraState>>, Json(tokens): Json<Tokens>) -> Response {
    state.revoke_tokens(tokens.revoke);
    no_content()
}

#[derive(Deserialize)]
struct NewProject {
    key: String,
    name: Option<String>,
}

async fn projects(State(state): State<Arc<JiraState>>) -> Response {
    let directory = state.directory();
    let all = directory.projects.iter();
    ok(&all
        .map(|project| json!({"id": project.id.to_string(), "key": project.key, "name": project.name}))
        .collect())
}

async fn add_project(State(state): State<Arc<JiraState>>, Json(project): Json<NewProject>) -> Response {
    let key = project.key.trim();
    let is_valid = key.len() <= 10
        && key.bytes().next().is_some_and(|first| first.is_ascii_uppercase())
        && key.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    if !is_valid {
        let error = "a project key is 1 to 10 capital letters, digits and underscores, a letter first";
        return with_status(StatusCode::BAD_REQUEST, &json!({"error": error}));
    }
    if state.add_project(key, project.name.as_deref().unwrap_or(key)) {
        with_status(StatusCode::CREATED, &json!({"key": key}))
    } else {
        with_status(StatusCode::CONFLICT, &json!({"error": format!("project {key} exists")}))
    }
}

async fn delete_project(State(state): State<Arc<JiraState>>, Path(key): Path<String>) -> Response {
    if state.remove_project(&key) { no_content() } else { missing(&format!("project {key}")) }
}

#[derive(Deserialize)]
struct FieldRule {
    id: String,
    required: bool,
}

async fn set_field(State(state): State<Arc<JiraState>>, Json(rule): Json<FieldRule>) -> Response {
    if state.require_field(&rule.id, rule.required) {
        no_content()
    } else {
        missing(&format!("field {}", rule.id))
    }
}

#[derive(Deserialize)]
struct Quotas {
    enforce: bool,
}

async fn set_quotas(State(state): State<Arc<JiraState>>, Json(quotas): Json<Quotas>) -> Response {
    state.enforce_quotas(quotas.enforce);
    no_content()
}

#[derive(Deserialize)]
struct Gaps {
    leave: bool,
}

async fn set_gaps(State(state): State<Arc<JiraState>>, Json(gaps): Json<Gaps>) -> Response {
    state.leave_gaps(gaps.leave);
    no_content()
}

#[derive(Deserialize)]
struct Email {
    email: String,
}

async fn set_project_email(
    State(state): State<Arc<JiraState>>,
    Path(key): Path<String>,
    Json(wanted): Json<Email>,
) -> Response {
    if state.set_project_email(&key, &wanted.email) {
        no_content()
    } else {
        missing(&format!("project {key}"))
    }
}

#[derive(Deserialize)]
struct Taken {
    project: String,
    missing: Vec<String>,
}

async fn set_permissions(State(state): State<Arc<JiraState>>, Json(taken): Json<Taken>) -> Response {
    state.gate().take(&taken.project, taken.missing);
    no_content()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceAccount {
    #[serde(default)]
    refuse: Option<bool>,
    #[serde(default)]
    new: bool,
    #[serde(default)]
    scopes: Option<Vec<String>>,
    #[serde(default)]
    end_tokens: bool,
}

async fn set_service_account(
    State(state): State<Arc<JiraState>>,
    Json(wanted): Json<ServiceAccount>,
) -> Response {
    let now = state.now();
    let mut gate = state.gate();
    if let Some(refuse) = wanted.refuse {
        gate.refuse(refuse);
    }
    if wanted.new {
        gate.is_new(now);
    }
    if let Some(scopes) = wanted.scopes {
        gate.set_scopes(scopes);
    }
    if wanted.end_tokens {
        gate.end_tokens();
    }
    no_content()
}

#[derive(Deserialize)]
struct PersonalTokens {
    ends: Option<jiff::Timestamp>,
}

async fn set_personal_tokens(
    State(state): State<Arc<JiraState>>,
    Json(wanted): Json<PersonalTokens>,
) -> Response {
    state.gate().end_personal_tokens_at(wanted.ends);
    no_content()
}
