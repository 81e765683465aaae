//! Atlassian's part in front of the site: access tokens of service accounts, the gateway with its scopes, and which permissions
//! somebody has taken away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::JiraState;
use super::answer::{ok, with_status};
use super::caller::{Credentials, Entrance, credentials};
use super::show::moment;

/// What an access token of a service account lasts.
const LIFE: SignedDuration = SignedDuration::from_mins(60);
/// A service account that was made just now is refused for so long.
const NEW: SignedDuration = SignedDuration::from_secs(70);
/// The scopes that a token has unless somebody says otherwise.
const SCOPES: [&str; 4] = ["read:jira-user", "read:jira-work", "read:servicedesk-request", "write:jira-work"];

/// An access token that was given.
#[derive(Clone, Debug)]
struct Given {
    account: String,
    ends_at: Timestamp,
}

/// What stands in front of a site.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    given: BTreeMap<String, Given>,
    scopes: BTreeSet<String>,
    /// Whether client ids and secrets are refused.
    refuses: bool,
    /// Until when they are refused because they are new.
    new_until: Option<Timestamp>,
    /// Permissions that were taken away, by project.
    taken: BTreeMap<String, BTreeSet<String>>,
    /// When the personal access tokens end.
    personal_ends: Option<Timestamp>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            given: BTreeMap::new(),
            scopes: SCOPES.map(str::to_owned).into(),
            refuses: false,
            new_until: None,
            taken: BTreeMap::new(),
            personal_ends: None,
        }
    }
}

impl Gate {
    /// Whose token it is, while it lasts.
    pub(crate) fn account_of(&self, token: &str, now: Timestamp) -> Option<String> {
        self.given.get(token).filter(|given| given.ends_at > now).map(|given| given.account.clone())
    }

    /// Every access token has come to its end.
    pub(crate) fn end_tokens(&mut self) {
        self.given.clear();
    }

    /// From now on tokens have these scopes.
    pub(crate) fn set_scopes(&mut self, scopes: impl IntoIterator<Item = String>) {
        self.scopes = scopes.into_iter().collect();
    }

    /// Whether client ids and secrets are refused from now on.
    pub(crate) fn refuse(&mut self, refuse: bool) {
        self.refuses = refuse;
    }

    /// The service account was made just now.
    pub(crate) fn is_new(&mut self, now: Timestamp) {
        self.new_until = now.checked_add(NEW).ok();
    }

    /// Takes permissions in a project away; none gives all of them back.
    pub(crate) fn take(&mut self, project: &str, permissions: impl IntoIterator<Item = String>) {
        self.taken.insert(project.to_owned(), permissions.into_iter().collect());
    }

    /// Whether a permission in a project was taken away.
    pub(crate) fn has_taken(&self, project: &str, permission: &str) -> bool {
        self.taken.get(project).is_some_and(|taken| taken.contains(permission))
    }

    /// When personal access tokens end.
    pub(crate) fn end_personal_tokens_at(&mut self, at: Option<Timestamp>) {
        self.personal_ends = at;
    }
}

/// `POST /oauth/token` of Atlassian's sign-in, for the one grant that service accounts have.
pub(crate) async fn token(
    State(state): State<Arc<JiraState>>,
    body: Result<Json<Value>, JsonRejection>,
) -> Response {
    let refused = |status, error: &str, description: &str| {
        with_status(status, &json!({"error": error, "error_description": description}))
    };
    let Ok(Json(body)) = body else {
        return refused(StatusCode::BAD_REQUEST, "invalid_request", "the body is no JSON");
    };
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("grant_type") != "client_credentials" {
        // Recorded.
        let description = "grant_type must be one of [authorization_code|refresh_token|client_credentials]";
        return refused(StatusCode::BAD_REQUEST, "invalid_request", description);
    }
    let directory = state.directory();
    let now = state.now();
    let owner = directory.users.iter().find(|user| {
        user.client.as_ref().is_some_and(|(id, secret)| {
            id.as_str() == text("client_id") && secret.as_str() == text("client_secret")
        })
    });
    let mut gate = state.gate();
    let is_new = gate.new_until.is_some_and(|until| now < until);
    let Some(owner) = owner.filter(|_| !gate.refuses && !is_new) else {
        return refused(StatusCode::UNAUTHORIZED, "access_denied", "Unauthorized");
    };
    let token = format!("eyJSimulated.{}.Token", state.fresh_id().simple());
    let ends_at = now.checked_add(LIFE).unwrap_or(Timestamp::MAX);
    gate.given.insert(token.clone(), Given { account: owner.account_id.clone(), ends_at });
    let scope = gate.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    ok(&json!({"access_token": token, "expires_in": LIFE.as_secs(), "token_type": "Bearer", "scope": scope}))
}

/// `GET /oauth/token/accessible-resources`: the sites that a token is good for.
pub(crate) async fn accessible_resources(State(state): State<Arc<JiraState>>, request: Request) -> Response {
    let found = credentials(&state, request.headers(), &state.directory(), Entrance::Gateway);
    if !matches!(found, Credentials::Good(_)) {
        return unauthorized("Unauthorized");
    }
    let scopes: Vec<String> = state.gate().scopes.iter().cloned().collect();
    ok(&json!([{"id": state.cloud_id(), "url": &*state.base(), "name": state.title, "scopes": scopes,
        "avatarUrl": format!("{}/avatar/site.svg", state.base())}]))
}

fn unauthorized(message: &str) -> Response {
    with_status(StatusCode::UNAUTHORIZED, &json!({"code": 401, "message": message}))
}

/// The gateway: knows the site by its cloud id, whoever asks by the token, and what the token is for by its scopes.
pub(crate) async fn gateway(
    State(state): State<Arc<JiraState>>,
    Path(names): Path<std::collections::HashMap<String, String>>,
    mut request: Request,
    next: Next,
) -> Response {
    if names.get("cloud").map(String::as_str) != Some(state.cloud_id().as_str()) {
        // Recorded.
        let body = json!({"timestamp": moment(state.now()), "status": 404, "error": "Not Found",
            "message": "No message available", "path": request.uri().path()});
        return with_status(StatusCode::NOT_FOUND, &body);
    }
    let found = credentials(&state, request.headers(), &state.directory(), Entrance::Gateway);
    if !matches!(found, Credentials::Good(_)) {
        return unauthorized("Unauthorized");
    }
    let path = request.uri().path();
    let at = path.find("/rest/").map_or("", |at| &path[at..]);
    if let Some(scope) = scope_of(request.method(), at)
        && !state.gate().scopes.contains(scope)
    {
        return unauthorized("Unauthorized; scope does not match");
    }
    request.extensions_mut().insert(Entrance::Gateway);
    next.run(request).await
}

/// The scope that an operation takes; none where anybody may ask.
pub(crate) fn scope_of(method: &Method, path: &str) -> Option<&'static str> {
    if path.starts_with("/rest/servicedeskapi/") {
        return (path != "/rest/servicedeskapi/info").then_some("read:servicedesk-request");
    }
    let rest =
        path.strip_prefix("/rest/api/").and_then(|rest| rest.split_once('/')).map_or("", |(_, rest)| rest);
    let topic = rest.split('/').next().unwrap_or_default();
    let asks = ["search/jql", "issue/bulkfetch", "comment/list", "search/approximate-count"];
    match topic {
        "serverInfo" => None,
        "myself" | "user" => Some("read:jira-user"),
        _ if method == Method::GET || asks.contains(&rest) => Some("read:jira-work"),
        _ => Some("write:jira-work"),
    }
}

/// `GET /rest/servicedeskapi/info`: anybody may ask.
pub(crate) async fn service_management(State(state): State<Arc<JiraState>>) -> Response {
    let base = state.base();
    ok(&json!({
        "_links": {"self": format!("{base}/rest/servicedeskapi/info")},
        "buildChangeSet": "57a0ca5b00000000000000000000000000000000",
        "buildDate": {"epochMillis": 1_795_147_200_000_i64, "friendly": "Friday 12:00 AM",
            "iso8601": "2026-11-20T00:00:00+0000", "jira": "2026-11-20T00:00:00.000+0000"},
        "isLicensedForUse": true,
        "platformVersion": "1001.0.0-SNAPSHOT",
        "version": "1001.0.0-SNAPSHOT",
    }))
}

/// `GET /dc/rest/pat/latest/tokens`: the personal access tokens of whoever asks, without the tokens themselves.
pub(crate) async fn personal_tokens(State(state): State<Arc<JiraState>>, request: Request) -> Response {
    let found = credentials(&state, request.headers(), &state.directory(), Entrance::DataCenter);
    if !matches!(found, Credentials::Good(_)) {
        return page(StatusCode::UNAUTHORIZED, "Unauthorized (401)", "You are not authenticated.");
    }
    let ends = state.gate().personal_ends;
    let mut token = json!({"id": 1, "name": "Postroom", "createdAt": "2026-01-05T08:00:00.000Z"});
    if let Some(ends) = ends {
        token["expiringAt"] = json!(ends.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string());
    }
    ok(&json!([token]))
}

/// What the Data Center face does not have: it answers with a page.
pub(crate) async fn not_on_data_center(mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let cloud_only =
        ["/project/search", "/search/jql", "/search/approximate-count", "/issue/bulkfetch", "/comment/list"];
    if cloud_only.iter().any(|end| path.ends_with(end)) {
        return page(StatusCode::NOT_FOUND, "Dead link", "You have found a dead link.");
    }
    request.extensions_mut().insert(Entrance::DataCenter);
    next.run(request).await
}

fn page(status: StatusCode, title: &str, text: &str) -> Response {
    let body = format!(
        "<!DOCTYPE html><html><head><title>{title} - Simulated</title></head><body><p>{text}</p></body></html>"
    );
    (status, [(header::CONTENT_TYPE, "text/html;charset=UTF-8")], body).into_response()
}
