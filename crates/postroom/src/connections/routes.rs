//! The addresses of connections.

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use ledger::Ledger;
use uuid::Uuid;

use super::store::accounts::{self, Account};
use super::store::jira::{self, JiraConnection};
use super::store::outbounds::{self as senders, Outbound};
use super::store::sources::{self, Source};
use super::{
    Connections, alarm, application, confirm, consent, convert, create_ews, device_code, jira_form,
    jira_list, jira_one, jira_site, jira_switch, list, outbounds, push, registration_credentials,
    registration_pages, registration_set_up_page, sign_in, sign_in_link, source, switch,
};
use crate::access::Viewer;
use crate::jobs::Engine;
use crate::web::components::Action;
use crate::web::times::Moment;
use crate::web::{Flash, Problem, Shell};

/// What the pages of connections need.
#[derive(Clone, Debug)]
pub struct State {
    /// The console.
    pub shell: Shell,
    /// Mailboxes and Jira.
    pub connections: Arc<Connections>,
    /// What is known of mail.
    pub ledger: Ledger,
    /// What runs in the background.
    pub engine: Arc<Engine>,
}

impl State {
    /// An account of a workspace, or the page that says that it is not there.
    pub async fn account(&self, workspace: Uuid, id: Uuid) -> Result<Account, Problem> {
        let found = accounts::account(&self.connections.db, workspace, id).await?;
        found.ok_or_else(|| Problem::not_found("account"))
    }

    /// A source of a workspace, or the page that says that it is not there.
    pub async fn source(&self, workspace: Uuid, id: Uuid) -> Result<Source, Problem> {
        let found = sources::one(&self.connections.db, workspace, id).await?;
        found.ok_or_else(|| {
            Problem::not_found("Message Source")
                .with(Action::go("Go to Message Sources", "/sources").primary())
        })
    }

    /// A Jira connection of a workspace, or the page that says that it is not there.
    pub async fn jira_connection(&self, workspace: Uuid, id: Uuid) -> Result<JiraConnection, Problem> {
        let found = jira::one(&self.connections.db, workspace, id).await?;
        found.ok_or_else(|| Problem::not_found("Jira connection"))
    }

    /// An outbound of a workspace, or the page that says that it is not there.
    pub async fn outbound(&self, workspace: Uuid, id: Uuid) -> Result<Outbound, Problem> {
        let found = senders::one(&self.connections.db, workspace, id).await?;
        found.ok_or_else(|| {
            let list = Action::go("Go to Message Outbounds", "/outbounds").primary();
            Problem::not_found("Message Outbound").with(list)
        })
    }
}

impl FromRef<State> for Shell {
    fn from_ref(state: &State) -> Self {
        state.shell.clone()
    }
}

/// The routes.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/oauth/callback", get(sign_in::come_back))
        .route("/oauth/admin-consent", get(sign_in::come_back))
        .route("/approvals/{id}", get(consent::page::show))
        .route("/approvals/{id}/give-up", post(consent::page::give_up))
        .route("/approvals/{id}/sign-in", post(consent::page::sign_in))
        .route("/accounts/{id}/wait", post(consent::page::wait))
        .route("/applications/new", get(application::new).post(application::make))
        .route("/applications/{id}", get(application::show))
        .route("/applications/{id}/check", post(application::check_now))
        .route("/applications/{id}/mailboxes", post(application::change))
        .route("/device-sign-ins", post(device_code::begin))
        .route("/device-sign-ins/{id}", get(device_code::show))
        .route("/sign-in-link", get(sign_in_link::open).post(sign_in_link::sign_in))
        .route("/sign-in-links/new", get(sign_in_link::new).post(sign_in_link::submit))
        .route("/sign-in-links/{id}/revoke", post(sign_in_link::revoke))
        .route("/sources", get(list::show))
        .route("/sources/sign-in", post(sign_in::begin_new))
        .route("/sources/create-ews", get(create_ews::show_source).post(create_ews::submit_source))
        .route("/sources/new", get(confirm::show).post(confirm::submit))
        .route("/sources/{id}", get(source::show))
        .route("/sources/{id}/edit", get(confirm::edit).post(confirm::submit_edit))
        .route("/sources/{id}/ping", post(switch::ping))
        .route("/sources/{id}/sign-in", post(sign_in::begin_validate_source))
        .route("/sources/{id}/pause", post(switch::pause))
        .route("/sources/{id}/resume", post(switch::resume))
        .route("/sources/{id}/convert", post(convert::submit))
        .route("/sources/{id}/convert/cancel", post(convert::submit_cancel))
        .route("/sources/{id}/try-now", post(switch::try_now))
        .route("/sources/{id}/shadow", post(switch::shadow))
        .route("/sources/{id}/push", post(push::switch::submit))
        .route("/sources/{id}/alarm", get(alarm::show).post(alarm::submit))
        .route("/sources/{id}/remove", post(switch::remove))
        .route("/accounts/{id}", get(sign_in::signed_in))
        .route("/accounts/{id}/sign-in", post(sign_in::begin_validate))
        .route("/accounts/{id}/replace", post(sign_in::begin_replace))
        .route("/accounts/{id}/remove", post(switch::remove_account))
        .route("/outbounds", get(outbounds::list::show))
        .route("/outbounds/sign-in", post(sign_in::begin_outbound))
        .route("/outbounds/new", get(outbounds::create::show).post(outbounds::create::submit))
        .route("/outbounds/create-ews", get(create_ews::show_outbound).post(create_ews::submit_outbound))
        .route("/outbounds/{id}", get(outbounds::one::show))
        .route("/outbounds/{id}/edit", get(outbounds::create::edit).post(outbounds::create::submit_edit))
        .route("/outbounds/{id}/ping", post(outbounds::switch::ping))
        .route("/outbounds/{id}/sign-in", post(sign_in::begin_validate_outbound))
        .route("/outbounds/{id}/pause", post(outbounds::switch::pause))
        .route("/outbounds/{id}/resume", post(outbounds::switch::resume))
        .route("/outbounds/{id}/convert", post(outbounds::convert::submit))
        .route("/outbounds/{id}/try-now", post(outbounds::switch::try_now))
        .route("/outbounds/{id}/remove", post(outbounds::switch::remove))
        .merge(registrations())
        .route("/jira", get(jira_list::show))
        .route("/jira/new", get(jira_form::new).post(jira_site::connect))
        .route("/jira/{id}", get(jira_one::show))
        .route("/jira/{id}/edit", get(jira_form::edit).post(jira_site::change))
        .route("/jira/{id}/ping", post(jira_switch::ping))
        .route("/jira/{id}/try-now", post(jira_switch::try_now))
        .route("/jira/{id}/pause", post(jira_switch::pause))
        .route("/jira/{id}/resume", post(jira_switch::resume))
        .route("/jira/{id}/remove", post(jira_switch::remove))
        .with_state(state)
}

/// The routes of app registrations.
fn registrations() -> Router<State> {
    Router::new()
        .route("/registrations", get(registration_pages::list))
        .route("/registrations/new", get(registration_pages::new).post(registration_pages::make))
        .route("/registrations/set-up", get(registration_set_up_page::show))
        .route("/registrations/{id}", get(registration_pages::show))
        .route("/registrations/{id}/edit", get(registration_pages::edit).post(registration_pages::change))
        .route("/registrations/{id}/prefer", post(registration_pages::prefer))
        .route("/registrations/{id}/remove", post(registration_pages::remove))
        .route("/registrations/{id}/test-of-file", post(registration_credentials::test_of_file))
        .route(
            "/registrations/{id}/credentials/new",
            get(registration_credentials::new).post(registration_credentials::add),
        )
        .route("/registrations/{id}/credentials/{credential}/test", post(registration_credentials::test))
        .route("/registrations/{id}/credentials/{credential}/remove", post(registration_credentials::remove))
}

/// Goes on to another page after a form.
pub fn see_other(to: &str) -> Response {
    let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// Goes on to another page, which says once what was done.
pub fn flash_to(viewer: &Viewer, flash: &Flash, to: &str) -> Response {
    let mut response = see_other(to);
    if let Ok(cookie) = HeaderValue::from_str(&flash.cookie(viewer.secure_cookies()).to_string()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// A time of a row, relative to now.
pub fn moment(viewer: &Viewer, micros: i64) -> Moment {
    viewer.times().ago(time(micros))
}

/// A time of a row.
pub fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}
