//! The operations of the REST API, one file a topic. The same routes serve versions 3 and 2 (and `latest`,
//! which is 2); the version decides the form of rich text only.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query};
use axum::routing::{any, get, post, put};
use axum::{Extension, Router, middleware};

use super::answer::Refusal;
use super::caller::{Caller, Version};
use super::show::Show;
use super::site::{Issue, Site};
use super::{JiraState, gate, limit};

pub(crate) mod attachments;
mod comments;
mod issues;
mod links;
mod metadata;
mod projects;
mod properties;
pub(crate) mod search;
mod transitions;
mod users;

/// Query parameters as given. Repeated ones: the last counts.
pub(crate) type Parameters = Query<HashMap<String, String>>;

/// Path parameters by name.
pub(crate) type Names = Path<HashMap<String, String>>;

/// All API routes, and the two addresses outside it.
pub(crate) fn router(state: &Arc<JiraState>) -> Router<Arc<JiraState>> {
    Router::new()
        .nest("/rest/api/3", api(state, Version::Three))
        .nest("/rest/api/2", api(state, Version::Two))
        .nest("/rest/api/latest", api(state, Version::Two))
        .route("/rest/servicedeskapi/info", get(gate::service_management))
        .nest("/ex/jira/{cloud}", behind_gateway(state))
        .nest("/dc", data_center(state))
        .route("/oauth/token", post(gate::token))
        .route("/oauth/token/accessible-resources", get(gate::accessible_resources))
        .route("/_edge/tenant_info", get(metadata::tenant_info))
        .route("/media/file/{media}/binary", get(attachments::media))
        .route("/secure/attachment/{attachment}/{name}", get(attachments::download))
}

/// The site behind Atlassian's gateway.
fn behind_gateway(state: &Arc<JiraState>) -> Router<Arc<JiraState>> {
    Router::new()
        .nest("/rest/api/3", api(state, Version::Three))
        .nest("/rest/api/2", api(state, Version::Two))
        .route("/rest/servicedeskapi/info", get(gate::service_management))
        .layer(middleware::from_fn_with_state(Arc::clone(state), gate::gateway))
}

/// The Data Center face of the site, under a context path.
fn data_center(state: &Arc<JiraState>) -> Router<Arc<JiraState>> {
    Router::new()
        .nest("/rest/api/2", api(state, Version::Two))
        .nest("/rest/api/latest", api(state, Version::Two))
        .route("/rest/servicedeskapi/info", get(gate::service_management))
        .route("/rest/pat/latest/tokens", get(gate::personal_tokens))
        .layer(middleware::from_fn(gate::not_on_data_center))
}

fn api(state: &Arc<JiraState>, version: Version) -> Router<Arc<JiraState>> {
    Router::new()
        .merge(directory())
        .merge(issues())
        .route_layer(middleware::from_fn_with_state(Arc::clone(state), limit))
        .layer(Extension(version))
}

/// Users, projects and metadata.
fn directory() -> Router<Arc<JiraState>> {
    Router::new()
        .route("/serverInfo", get(metadata::server_info))
        .route("/myself", get(users::myself))
        .route("/user", get(users::user))
        .route("/user/search", get(users::search))
        .route("/user/assignable/search", get(users::assignable))
        .route("/mypermissions", get(users::permissions))
        .route("/project", get(projects::all))
        .route("/project/search", get(projects::search))
        .route("/project/{project}", get(projects::one))
        .route("/project/{project}/statuses", get(projects::statuses))
        .route("/issue/createmeta", get(projects::createmeta))
        .route("/issue/createmeta/{project}/issuetypes", get(projects::issue_types))
        .route("/issue/createmeta/{project}/issuetypes/{type}", get(projects::create_fields))
        .route("/field", get(metadata::fields))
        .route("/priority", get(metadata::priorities))
        .route("/priority/search", get(metadata::priority_search))
        .route("/issuetype", get(metadata::issue_types))
        .route("/issuetype/{type}", get(metadata::issue_type))
        .route("/status", get(metadata::statuses))
        .route("/statuscategory", get(metadata::status_categories))
        .route("/resolution", get(metadata::resolutions))
        .route("/issueLinkType", get(links::types))
        .route("/attachment/meta", get(attachments::settings))
}

/// Issues and what hangs on them.
fn issues() -> Router<Arc<JiraState>> {
    Router::new()
        .route("/issue", post(issues::create))
        .route("/issue/bulkfetch", post(issues::bulk_fetch))
        .route("/issue/{issue}", get(issues::get).put(issues::edit).delete(issues::delete))
        .route("/issue/{issue}/assignee", put(issues::assign))
        .route("/issue/{issue}/editmeta", get(projects::editmeta))
        .route("/issue/{issue}/changelog", get(issues::changelog))
        .route("/issue/{issue}/comment", get(comments::list).post(comments::add))
        .route(
            "/issue/{issue}/comment/{comment}",
            get(comments::get).put(comments::update).delete(comments::delete),
        )
        .route("/comment/list", post(comments::by_ids))
        .route("/comment/{comment}/properties", get(properties::comment_keys))
        .route(
            "/comment/{comment}/properties/{property}",
            get(properties::comment_get).put(properties::comment_put).delete(properties::comment_delete),
        )
        .route("/issue/{issue}/properties", get(properties::issue_keys))
        .route(
            "/issue/{issue}/properties/{property}",
            get(properties::issue_get).put(properties::issue_put).delete(properties::issue_delete),
        )
        .route("/issue/{issue}/attachments", post(attachments::upload))
        .route("/attachment/{attachment}", get(attachments::get).delete(attachments::delete))
        .route("/attachment/content/{attachment}", get(attachments::content))
        .route("/attachment/thumbnail/{attachment}", get(attachments::content))
        .route("/issue/{issue}/transitions", get(transitions::list).post(transitions::perform))
        .route("/issue/{issue}/watchers", get(links::watchers).post(links::watch).delete(links::unwatch))
        .route("/issue/{issue}/remotelink", get(links::remote_links).post(links::put_remote_link))
        .route("/issue/{issue}/remotelink/{link}", get(links::remote_link).delete(links::delete_remote_link))
        .route("/issueLink", post(links::create))
        .route("/issueLink/{link}", get(links::get).delete(links::delete))
        .route("/search/jql", get(search::get).post(search::post))
        .route("/search/approximate-count", post(search::count))
        .route("/search", any(search::removed))
}

impl Caller {
    /// What answers to this caller are written with.
    pub(crate) fn show(&self) -> Show<'_> {
        Show {
            directory: &self.directory,
            base: &self.base,
            version: self.version,
            viewer: &self.user.account_id,
        }
    }
}

/// An issue by the `{issue}` of the path.
pub(crate) fn find(site: &Site, names: &HashMap<String, String>) -> Result<Arc<Issue>, Refusal> {
    site.find(name(names, "issue")).cloned().ok_or_else(Refusal::no_issue)
}

/// A path parameter; empty when the route has none of that name.
pub(crate) fn name<'a>(names: &'a HashMap<String, String>, which: &str) -> &'a str {
    names.get(which).map_or("", String::as_str)
}

/// The issues that these issues link to.
pub(crate) fn linked(site: &Site, issues: &[Arc<Issue>]) -> HashMap<u64, Arc<Issue>> {
    issues
        .iter()
        .flat_map(|issue| &issue.links)
        .filter_map(|link| site.issue(link.other).map(|other| (link.other, Arc::clone(other))))
        .collect()
}

/// `startAt` and `maxResults`, the latter at most `most`.
pub(crate) fn page(
    parameters: &HashMap<String, String>,
    default: usize,
    most: usize,
) -> Result<(usize, usize), Refusal> {
    let read = |name: &str, default: usize| match parameters.get(name).map(|text| text.trim()) {
        None | Some("") => Ok(default),
        Some(text) => text.parse::<i64>().map(|number| usize::try_from(number).unwrap_or(0)).map_err(|_| {
            Refusal::bad(format!("The value '{text}' of the query parameter '{name}' is not a number."))
        }),
    };
    Ok((read("startAt", 0)?, read("maxResults", default)?.min(most)))
}

/// A comma-separated query parameter.
pub(crate) fn list<'a>(parameters: &'a HashMap<String, String>, name: &str) -> Vec<&'a str> {
    let text = parameters.get(name).map_or("", String::as_str);
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Whether a comma-separated query parameter names `wanted`.
pub(crate) fn expands(parameters: &HashMap<String, String>, wanted: &str) -> bool {
    list(parameters, "expand").contains(&wanted)
}
