//! A simulated Jira Cloud site.
//!
//! Begin at [`JiraState`], the site in memory, and [`router`], its REST API (versions 3 and 2) and its pages.
//! [`control_router`] is for tests and demos: ground truth, index lag, revoked tokens, projects.
//!
//! - `settings` what a site starts with; `site` what it holds; `document` rich text in both forms
//! - `caller` who asks; `answer` how it refuses; `limits` the rate limits
//! - `fields` reading of what is written; `show` writing of what is read; `adf`, `wiki`, `html` the text forms
//! - `gate` the gateway, its scopes and the tokens of service accounts; `caller` tells the entrances apart, of which one is a Data Center
//! - `jql` the query language; `routes` the operations by topic; `pages` what a person sees; `control` the levers
//!
//! Behaviour follows the recorded answers and documents of real Jira Cloud, also where it is inconvenient:
//! no idempotency, an index that may lag, anonymous answers to wrong credentials.

mod adf;
mod answer;
mod caller;
mod control;
mod document;
mod fields;
mod gate;
mod html;
mod jql;
mod limits;
mod pages;
mod routes;
mod settings;
mod show;
mod site;
#[cfg(test)]
mod tests;
mod wiki;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

pub use control::control_router;
pub use settings::{
    CustomField, CustomKind, IssueType, JiraProject, JiraSettings, JiraUser, standard_issue_types,
};

use crate::clock::Clock;
use answer::Refusal;
use gate::Gate;
use limits::{Exceeded, Limits};
use routes::search::Cursors;
use site::{Directory, Site};

/// One simulated Jira site: its content, its switches and its clock.
pub struct JiraState {
    clock: Clock,
    title: String,
    upload_limit: u64,
    seed: Uuid,
    base: RwLock<Arc<str>>,
    directory: RwLock<Arc<Directory>>,
    site: Mutex<Site>,
    limits: Mutex<Limits>,
    cursors: Mutex<Cursors>,
    gate: Mutex<Gate>,
    counter: AtomicU64,
    revoked: AtomicBool,
    quotas: AtomicBool,
    gaps: AtomicBool,
}

impl std::fmt::Debug for JiraState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JiraState").field("base", &self.base()).finish_non_exhaustive()
    }
}

impl JiraState {
    /// A site with the given start state. Its address is `http://127.0.0.1` until
    /// [`set_base_url`](Self::set_base_url) tells the real one.
    pub fn new(settings: JiraSettings, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            clock,
            title: settings.title,
            upload_limit: settings.upload_limit,
            seed: Uuid::new_v5(&Uuid::NAMESPACE_OID, &settings.seed.to_be_bytes()),
            base: RwLock::new(Arc::from("http://127.0.0.1")),
            directory: RwLock::new(Arc::new(Directory {
                users: settings.users,
                projects: settings.projects,
                custom_fields: settings.custom_fields,
            })),
            site: Mutex::new(Site::new()),
            limits: Mutex::default(),
            cursors: Mutex::default(),
            gate: Mutex::default(),
            counter: AtomicU64::new(0),
            revoked: AtomicBool::new(false),
            quotas: AtomicBool::new(settings.enforce_quotas),
            gaps: AtomicBool::new(settings.gaps),
        })
    }

    /// Tells the site its own address, which stands in `self` links, redirects and `serverInfo`.
    pub fn set_base_url(&self, base: &Url) {
        let text = base.as_str().trim_end_matches('/');
        *self.base.write().unwrap_or_else(PoisonError::into_inner) = Arc::from(text);
    }

    /// Revokes every token (each request with one is then refused), or makes them valid again.
    pub fn revoke_tokens(&self, revoke: bool) {
        self.revoked.store(revoke, Ordering::Relaxed);
    }

    /// Turns rate limits on or off.
    pub fn enforce_quotas(&self, enforce: bool) {
        self.quotas.store(enforce, Ordering::Relaxed);
    }

    /// Whether a refused create uses up an issue number.
    pub fn leave_gaps(&self, gaps: bool) {
        self.gaps.store(gaps, Ordering::Relaxed);
    }

    /// How far the search index runs behind the issues from now on.
    pub fn set_index_lag(&self, lag: SignedDuration) {
        self.site().set_lag(lag);
    }

    /// Adds a project; false when the key is taken.
    pub fn add_project(&self, key: &str, name: &str) -> bool {
        let mut directory = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        if directory.project(key).is_some() {
            return false;
        }
        let id = directory.projects.iter().map(|project| project.id).max().unwrap_or(9_999) + 1;
        Arc::make_mut(&mut directory).projects.push(JiraProject::new(id, key, name));
        true
    }

    /// Deletes a project with its issues; false when there is none with the key.
    pub fn remove_project(&self, key: &str) -> bool {
        let now = self.now();
        let mut directory = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        let Some(id) = directory.project(key).map(|project| project.id) else { return false };
        Arc::make_mut(&mut directory).projects.retain(|project| project.id != id);
        drop(directory);
        let mut site = self.site();
        for issue in site.ids_in_project(id) {
            site.remove(issue, now);
        }
        true
    }

    /// Makes a custom field required or not; false when there is none with the id.
    pub fn require_field(&self, id: &str, required: bool) -> bool {
        let mut directory = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        match Arc::make_mut(&mut directory).custom_fields.iter_mut().find(|field| field.id() == id) {
            Some(field) => {
                field.required = required;
                true
            }
            None => false,
        }
    }

    /// Deletes an issue as somebody at Jira might; false when there is none.
    pub fn delete_issue(&self, key: &str) -> bool {
        let now = self.now();
        let mut site = self.site();
        let id = site.find(key).map(|issue| issue.id);
        id.is_some_and(|id| site.remove(id, now))
    }

    /// Moves an issue to another project as somebody at Jira might: it gets a key there and answers to its old one too. The new key;
    /// none where there is no such issue or project.
    pub fn move_issue(&self, key: &str, project: &str) -> Option<String> {
        let now = self.now();
        let directory = self.directory();
        let to = directory.project(project)?;
        let mut site = self.site();
        let id = site.find(key)?.id;
        let moved = format!("{}-{}", to.key, site.next_number(to.id));
        site.relocate(id, to.id, &moved, now);
        Some(moved)
    }

    /// Ground truth: every issue with its text, properties, comments and attachments, in order of creation.
    pub fn issues(&self) -> Vec<Value> {
        control::issues(self)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn base(&self) -> Arc<str> {
        Arc::clone(&self.base.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn cursors(&self) -> MutexGuard<'_, Cursors> {
        self.cursors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id by which Atlassian's gateway knows the site.
    pub fn cloud_id(&self) -> String {
        Uuid::new_v5(&self.seed, b"cloud").to_string()
    }

    /// The address that the site sends a project's mail from; false when there is no such project.
    pub fn set_project_email(&self, key: &str, email: &str) -> bool {
        let mut directory = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        match Arc::make_mut(&mut directory).projects.iter_mut().find(|project| project.key == key) {
            Some(project) => {
                email.clone_into(&mut project.email);
                true
            }
            None => false,
        }
    }

    pub(crate) fn tokens_revoked(&self) -> bool {
        self.revoked.load(Ordering::Relaxed)
    }

    pub(crate) fn leaves_gaps(&self) -> bool {
        self.gaps.load(Ordering::Relaxed)
    }

    /// A fresh id that looks random and is the same in every run with the same seed.
    pub(crate) fn fresh_id(&self) -> Uuid {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        Uuid::new_v5(&self.seed, &number.to_be_bytes())
    }

    /// The ticket that a media address carries. It is bound to the file.
    pub(crate) fn media_ticket(&self, media: Uuid) -> String {
        Uuid::new_v5(&self.seed, media.as_bytes()).simple().to_string()
    }

    /// Whether the site has a file with this media id.
    pub(crate) fn has_media(&self, media: &str) -> bool {
        Uuid::parse_str(media).is_ok_and(|media| self.site().attachment_by_media(media).is_some())
    }

    /// The address of the picture with this media id, for pages and rendered fields.
    pub(crate) fn image_address(&self, media: &str) -> Option<String> {
        let media = Uuid::parse_str(media).ok()?;
        let site = self.site();
        site.attachment_by_media(media).filter(|file| routes::attachments::is_picture(&file.mime_type))?;
        Some(format!("/media/file/{media}/binary?token={}", self.media_ticket(media)))
    }
}

/// The REST API and the pages of the site.
pub fn router(state: Arc<JiraState>) -> Router {
    Router::new()
        .merge(routes::router(&state))
        .merge(pages::router())
        .fallback(no_endpoint)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&state), stamp))
        .with_state(state)
}

async fn no_endpoint(method: Method, uri: http::Uri) -> Refusal {
    Refusal::no_endpoint(&method, &uri)
}

async fn no_method(method: Method, uri: http::Uri) -> Refusal {
    Refusal::no_method(&method, &uri)
}

/// Puts the trace headers on every answer.
async fn stamp(State(state): State<Arc<JiraState>>, request: Request, next: Next) -> Response {
    let trace = state.fresh_id();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    put(headers, "atl-traceid", &trace.simple().to_string());
    put(headers, "x-arequestid", &Uuid::new_v5(&trace, b"request").to_string());
    response
}

/// Counts the request against the rate limits, refuses it when quotas are on, and tells what is left.
async fn limit(
    State(state): State<Arc<JiraState>>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let now = state.now();
    let enforce = state.quotas.load(Ordering::Relaxed);
    let issue = written_issue(&state, path.as_str(), &request);
    let verdict = state.limits.lock().unwrap_or_else(PoisonError::into_inner).take(
        request.method(),
        path.as_str(),
        issue.as_deref(),
        now,
        enforce,
    );
    let mut response = match &verdict.exceeded {
        Some(exceeded) => too_many(*exceeded, now),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    put(headers, "x-ratelimit-limit", &verdict.limit.to_string());
    put(headers, "x-ratelimit-remaining", &verdict.remaining.to_string());
    if verdict.remaining * 5 < verdict.limit {
        put(headers, "x-ratelimit-nearlimit", "true");
    } else {
        put(headers, "x-ratelimit-nearlimit", "false");
    }
    response
}

/// The id of the issue that a request writes to.
fn written_issue(state: &JiraState, template: &str, request: &Request) -> Option<String> {
    if request.method() == Method::GET {
        return None;
    }
    let mut segments = request.uri().path().split('/');
    if template.contains("/issue/{issue}") {
        let key = segments.skip_while(|segment| *segment != "issue").nth(1)?;
        return state.site().find(key).map(|issue| issue.id.to_string());
    }
    if template.contains("/comment/{comment}/properties") {
        let comment = segments.by_ref().skip_while(|segment| *segment != "comment").nth(1)?.parse().ok()?;
        return state.site().comment(comment).map(|(issue, _)| issue.to_string());
    }
    None
}

fn too_many(exceeded: Exceeded, now: Timestamp) -> Response {
    let seconds = (exceeded.wait + 999) / 1000;
    let reset = now.saturating_add(SignedDuration::from_millis(exceeded.wait)).unwrap_or(now);
    let body = json!({"errorMessages": ["Rate limit exceeded."], "errors": {}});
    let mut response = answer::with_status(StatusCode::TOO_MANY_REQUESTS, &body).into_response();
    let headers = response.headers_mut();
    put(headers, "retry-after", &seconds.max(1).to_string());
    put(headers, "x-ratelimit-reset", &reset.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    put(headers, "ratelimit-reason", exceeded.reason);
    response
}

fn put(headers: &mut http::HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
