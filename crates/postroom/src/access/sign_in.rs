//! Signing in and out.

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use http::{HeaderValue, StatusCode, header};
use jiff::SignedDuration;
use secrecy::SecretString;
use serde::Deserialize;

use super::audit::{self, Actor};
use super::pages::SignInPage;
use super::session::Secrets;
use super::set_up::bound;
use super::{csrf, password, session, users};
use crate::web::form::{Field, Fields, secret};
use crate::web::{Client, Flash, Problem, Shell, page};

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(super) struct Posted {
    #[serde(default)]
    next: String,
    #[serde(default)]
    email: String,
    #[serde(default, deserialize_with = "secret")]
    password: SecretString,
}

/// `GET /sign-in`
pub(super) async fn show(
    client: Client,
    State(shell): State<Shell>,
    jar: CookieJar,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    if matches!(client.0.signed_in, Ok(Some(_))) {
        return Ok(Redirect::to(own_path(&asked.next)).into_response());
    }
    if !users::is_any(&shell.db).await? {
        return Ok(Redirect::to("/setup").into_response());
    }
    form(&client, &shell, jar, &asked.next, fields(""))
}

/// `POST /sign-in`
pub(super) async fn submit(
    client: Client,
    State(shell): State<Shell>,
    jar: CookieJar,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let now = shell.clock.now();
    let email = users::normal(&posted.email);
    let mut fields = fields(&email);
    if let Some(wait) = shell.throttle.wait(&email, client.address(), now) {
        fields.fail("", format!("Too many wrong tries. The next one is taken in {}.", in_words(wait)));
        let mut response = form(&client, &shell, jar, &posted.next, fields)?;
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        if let Ok(seconds) = HeaderValue::from_str(&(wait.as_secs() + 1).to_string()) {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        return Ok(response);
    }
    // Counted before it is judged, so that tries made at once count too; taken back when it is right.
    shell.throttle.wrong(&email, client.address(), now);
    let account = users::by_email(&shell.db, &email).await?;
    let hash = account.as_ref().map(|account| account.password_hash.clone());
    let right = password::verify(posted.password, hash).await?;
    let Some(account) = account.filter(|_| right) else {
        fields.fail(
            "",
            "Address and password do not belong together. Check both; capitals count in the password.",
        );
        let mut response = form(&client, &shell, jar, &posted.next, fields)?;
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(response);
    };
    shell.throttle.right(&email, client.address());

    let mut tx = shell.db.begin().await?;
    session::sweep(&mut tx, now).await?;
    // A session that this browser still had ends: its id is not carried into the new one.
    if let Ok(Some(old)) = &client.0.signed_in {
        session::end(&mut tx, &old.session).await?;
    }
    let secrets = Secrets::fresh(&mut rand::rng());
    let id = session::begin(&mut tx, account.id, now, secrets).await?;
    let who = Actor { workspace: account.workspace_id, user: Some(account.id), name: email.clone(), at: now };
    audit::record(&mut tx, &who, "sign in", &email, "").await?;
    tx.commit().await?;
    let secure = shell.is_https();
    let jar = jar.add(session::cookie(&id, secure)).add(csrf::visit_gone(secure));
    Ok((jar, Redirect::to(own_path(&posted.next))).into_response())
}

/// `POST /sign-out`
pub(super) async fn leave(
    client: Client,
    State(shell): State<Shell>,
    jar: CookieJar,
) -> Result<Response, Problem> {
    if let Ok(Some(signed_in)) = &client.0.signed_in {
        let mut tx = shell.db.begin().await?;
        session::end(&mut tx, &signed_in.session).await?;
        tx.commit().await?;
    }
    let secure = shell.is_https();
    let jar = jar.add(session::cookie("", secure)).add(Flash::done("You are signed out.").cookie(secure));
    Ok((jar, Redirect::to("/sign-in")).into_response())
}

fn fields(email: &str) -> Fields {
    Fields::new(vec![
        Field::email("email", "Email").value(email).autocomplete("username"),
        Field::secret("password", "Password").autocomplete("current-password"),
    ])
}

fn form(
    client: &Client,
    shell: &Shell,
    jar: CookieJar,
    next: &str,
    fields: Fields,
) -> Result<Response, Problem> {
    let (jar, csrf) = bound(jar, &client.0, shell.is_https());
    let mut frame = client.frame("Sign in");
    frame.csrf = csrf;
    let response = page(&SignInPage { frame, next: own_path(next).to_owned(), fields })?;
    Ok((jar, response).into_response())
}

/// Where to go on to: a path of ours, never another site (`//host`, `/\host`).
fn own_path(next: &str) -> &str {
    let own = next.starts_with('/')
        && !next[1..].starts_with(['/', '\\'])
        && !next.chars().any(|char| char.is_control() || char == '\\');
    if own { next } else { "/" }
}

fn in_words(wait: SignedDuration) -> String {
    match wait.as_secs() + 1 {
        seconds @ ..=90 => format!("{seconds} s"),
        seconds => format!("{} min", (seconds + 59) / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: signing in never sends anybody to another site.
    #[test]
    fn only_own_paths_are_followed() {
        for (next, goes) in [
            ("/sources?state=offline", "/sources?state=offline"),
            ("//evil.example/", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/\t/evil.example", "/"),
            ("", "/"),
        ] {
            assert_eq!(own_path(next), goes);
        }
    }
}
