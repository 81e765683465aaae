//! A one-time link lets a user who forgot their password choose a new one.

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::audit::{self, Actor};
use super::link::{self, Found, Purpose};
use super::pages::NewPasswordPage;
use super::set_up::{bound, no_link};
use super::{password, session, users};
use crate::web::form::{Field, Fields, secret};
use crate::web::{Client, Flash, Problem, Shell, page};

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    token: String,
}

#[derive(Deserialize)]
pub(super) struct Posted {
    token: String,
    #[serde(default, deserialize_with = "secret")]
    password: SecretString,
}

/// `GET /new-password?token=…`
pub(super) async fn show(
    client: Client,
    State(shell): State<Shell>,
    jar: CookieJar,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    match link::find(&shell.db, &asked.token, shell.clock.now()).await? {
        Found::Works(Purpose::NewPassword(_)) => form(&client, &shell, jar, &asked.token, fields()),
        Found::Works(_) => no_link(&client, &shell, &asked.token, Found::Unknown).await,
        found => no_link(&client, &shell, &asked.token, found).await,
    }
}

/// `POST /new-password`: all sessions of the user end; they sign in with what they chose.
pub(super) async fn submit(
    client: Client,
    State(shell): State<Shell>,
    jar: CookieJar,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let now = shell.clock.now();
    let user = match link::find(&shell.db, &posted.token, now).await? {
        Found::Works(Purpose::NewPassword(user)) => user,
        Found::Works(_) => return no_link(&client, &shell, &posted.token, Found::Unknown).await,
        found => return no_link(&client, &shell, &posted.token, found).await,
    };
    if let Some(wrong) = password::wrong(posted.password.expose_secret(), "") {
        let mut fields = fields();
        fields.fail("password", wrong);
        let mut response = form(&client, &shell, jar, &posted.token, fields)?;
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(response);
    }
    let hash = password::hash(posted.password).await?;
    let mut tx = shell.db.begin().await?;
    if !link::spend(&mut tx, &posted.token, now).await? {
        tx.rollback().await?;
        return no_link(&client, &shell, &posted.token, Found::Used).await;
    }
    let email = users::set_password(&mut tx, user, &hash).await?;
    session::end_all(&mut tx, user).await?;
    let who = Actor { workspace: shell.workspace, user: Some(user), name: email.clone(), at: now };
    audit::record(&mut tx, &who, "change password", &email, "by one-time link; all sessions ended").await?;
    tx.commit().await?;
    shell.throttle.right(&email, None);
    let said = Flash::done("Your password is changed. Sign in with it.");
    Ok((jar.add(said.cookie(shell.is_https())), Redirect::to("/sign-in")).into_response())
}

fn fields() -> Fields {
    Fields::new(vec![
        Field::secret("password", "New password").hint(password::RULE).autocomplete("new-password"),
    ])
}

fn form(
    client: &Client,
    shell: &Shell,
    jar: CookieJar,
    token: &str,
    fields: Fields,
) -> Result<Response, Problem> {
    let (jar, csrf) = bound(jar, &client.0, shell.is_https());
    let mut frame = client.frame("Choose a new password");
    frame.csrf = csrf;
    let response = page(&NewPasswordPage { frame, token: token.to_owned(), fields })?;
    Ok((jar, response).into_response())
}
