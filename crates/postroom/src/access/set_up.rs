//! A one-time link becomes a user: the first owner, or somebody invited.

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use uuid::Uuid;

use super::audit::{self, Actor};
use super::link::{self, Found, Purpose};
use super::pages::{NoLinkPage, SetUpPage};
use super::roles::{Role, User};
use super::session::Secrets;
use super::{csrf, password, session, users};
use crate::web::form::{Field, Fields, secret};
use crate::web::middleware::Visitor;
use crate::web::{Client, Flash, Problem, Shell, page};

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    token: String,
}

#[derive(Deserialize)]
pub(super) struct Posted {
    token: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    #[serde(default, deserialize_with = "secret")]
    password: SecretString,
}

/// `GET /setup?token=…`
pub(super) async fn show(
    client: Client,
    State(shell): State<Shell>,
    jar: CookieJar,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    if asked.token.is_empty() && users::is_any(&shell.db).await? {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    match link::find(&shell.db, &asked.token, shell.clock.now()).await? {
        Found::Works(purpose) if purpose.role().is_some() => {
            form(&client, &shell, jar, &asked.token, purpose, fields("", ""))
        }
        found => no_link(&client, &shell, &asked.token, found).await,
    }
}

/// `POST /setup`
pub(super) async fn submit(
    client: Client,
    State(shell): State<Shell>,
    jar: CookieJar,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    use secrecy::ExposeSecret;
    let now = shell.clock.now();
    let (purpose, role) = match link::find(&shell.db, &posted.token, now).await? {
        Found::Works(purpose) => (purpose, purpose.role()),
        found => return no_link(&client, &shell, &posted.token, found).await,
    };
    let Some(role) = role else { return no_link(&client, &shell, &posted.token, Found::Unknown).await };
    let (name, email) = (posted.name.trim(), users::normal(&posted.email));
    let mut fields = fields(name, &email);
    if name.is_empty() || name.chars().count() > 100 {
        fields.fail("name", "Write how you are called, in up to 100 characters.");
    }
    if !users::is_address(&email) {
        fields.fail("email", "This is no address: write it as name@company.com.");
    }
    if let Some(wrong) = password::wrong(posted.password.expose_secret(), &email) {
        fields.fail("password", wrong);
    }
    if fields.failed() {
        return again(&client, &shell, jar, &posted.token, purpose, fields);
    }

    let hash = password::hash(posted.password).await?;
    let user = User { id: Uuid::now_v7(), email: email.clone(), name: name.to_owned(), role };
    let mut tx = shell.db.begin().await?;
    let spent = link::spend(&mut tx, &posted.token, now).await?;
    let too_late = purpose == Purpose::FirstOwner && users::is_any_in(&mut tx).await?;
    if !spent || too_late {
        tx.rollback().await?;
        return no_link(&client, &shell, &posted.token, Found::Used).await;
    }
    if !users::add(&mut tx, shell.workspace, &user, &hash, now).await? {
        tx.rollback().await?;
        fields.fail("email", "Somebody signs in with this address already: sign in, or use another.");
        return again(&client, &shell, jar, &posted.token, purpose, fields);
    }
    let who = Actor { workspace: shell.workspace, user: Some(user.id), name: email.clone(), at: now };
    audit::record(&mut tx, &who, "add user", &email, &format!("role {}, by one-time link", user.role.word()))
        .await?;
    let secrets = Secrets::fresh(&mut rand::rng());
    let id = session::begin(&mut tx, user.id, now, secrets).await?;
    tx.commit().await?;

    let secure = shell.is_https();
    let welcome = Flash::done("Your account is made, and you are signed in.");
    let jar = jar.add(session::cookie(&id, secure)).add(csrf::visit_gone(secure)).add(welcome.cookie(secure));
    Ok((jar, Redirect::to("/")).into_response())
}

fn fields(name: &str, email: &str) -> Fields {
    Fields::new(vec![
        Field::line("name", "Your name").value(name).autocomplete("name"),
        Field::email("email", "Email").value(email).hint("You sign in with it.").autocomplete("username"),
        Field::secret("password", "Password").hint(password::RULE).autocomplete("new-password"),
    ])
}

fn again(
    client: &Client,
    shell: &Shell,
    jar: CookieJar,
    token: &str,
    purpose: Purpose,
    fields: Fields,
) -> Result<Response, Problem> {
    let mut response = form(client, shell, jar, token, purpose, fields)?;
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

fn form(
    client: &Client,
    shell: &Shell,
    jar: CookieJar,
    token: &str,
    purpose: Purpose,
    fields: Fields,
) -> Result<Response, Problem> {
    let (jar, csrf) = bound(jar, &client.0, shell.is_https());
    let title = if purpose == Purpose::FirstOwner { "Make the owner's account" } else { "Make your account" };
    let mut frame = client.frame(title);
    frame.csrf = csrf;
    let role = purpose.role().map_or("", Role::word);
    let response = page(&SetUpPage { frame, token: token.to_owned(), role, fields })?;
    Ok((jar, response).into_response())
}

/// Binds a form to this browser: a cookie, where there is none yet, and the token that belongs to it.
pub(crate) fn bound(jar: CookieJar, visitor: &Visitor, secure: bool) -> (CookieJar, String) {
    let rng = &mut rand::rng();
    if matches!(visitor.signed_in, Ok(Some(_))) || visitor.visit.is_some() {
        return (jar, visitor.csrf.clone());
    }
    let visit = csrf::secret(rng);
    let token = csrf::mask(&csrf::of_visit(&visit), rng);
    (jar.add(csrf::visit_cookie(&visit, secure)), token)
}

pub(super) async fn no_link(
    client: &Client,
    shell: &Shell,
    token: &str,
    found: Found,
) -> Result<Response, Problem> {
    let has_users = users::is_any(&shell.db).await?;
    let (status, problem) = match found {
        _ if token.is_empty() => (StatusCode::OK, ""),
        Found::Expired => (StatusCode::GONE, "This link has expired."),
        Found::Used => (StatusCode::GONE, "This link was used, or a newer one was made since."),
        Found::Unknown | Found::Works(_) => (StatusCode::NOT_FOUND, "This link is not known here."),
    };
    let title = if has_users { "This link does not work" } else { "Postroom has no owner yet" };
    let template = NoLinkPage { frame: client.frame(title), problem: problem.to_owned(), has_users };
    let mut response = page(&template)?;
    *response.status_mut() = status;
    Ok(response)
}
