//! Settings: theme, own password, users, invitations, the audit log.

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use http::StatusCode;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::audit;
use super::link::{self, Purpose};
use super::pages::{AuditPage, AuditRow, Invitation, SettingsPage, UserRow};
use super::roles::{Owner, Role, Viewer};
use super::session::Secrets;
use super::{csrf, password as passwords, session, users};
use crate::web::components::Pager;
use crate::web::form::{Field, Fields, secret};
use crate::web::{Flash, Problem, Section, Shell, Theme, page};

/// Rows of the audit log on the settings page, and on a page of its own.
const FEW: u16 = 8;
const MANY: u16 = 100;

/// `GET /settings`
pub(super) async fn show(viewer: Viewer, State(shell): State<Shell>) -> Result<Response, Problem> {
    render(&viewer, &shell, password_fields(), None).await
}

#[derive(Deserialize)]
pub(super) struct PostedTheme {
    theme: String,
}

/// `POST /settings/theme`
pub(super) async fn theme(viewer: Viewer, jar: CookieJar, Form(posted): Form<PostedTheme>) -> Response {
    let theme = Theme::of_word(&posted.theme);
    (jar.add(theme.cookie(viewer.secure_cookies())), Redirect::to("/settings")).into_response()
}

#[derive(Deserialize)]
pub(super) struct PostedPassword {
    #[serde(default, deserialize_with = "secret")]
    old: SecretString,
    #[serde(default, deserialize_with = "secret")]
    new: SecretString,
}

/// `POST /settings/password`
pub(super) async fn password(
    viewer: Viewer,
    State(shell): State<Shell>,
    jar: CookieJar,
    Form(posted): Form<PostedPassword>,
) -> Result<Response, Problem> {
    let (user, now) = (viewer.user(), shell.clock.now());
    let mut fields = password_fields();
    if let Some(wait) = shell.throttle.wait(&user.email, None, now) {
        fields
            .fail("old", format!("Too many wrong tries. The next one is taken in {} s.", wait.as_secs() + 1));
    } else {
        let hash = users::password_hash(&shell.db, user.id).await?;
        if passwords::verify(posted.old, Some(hash)).await? {
            shell.throttle.right(&user.email, None);
        } else {
            shell.throttle.wrong(&user.email, None, now);
            fields.fail("old", "This is not your password.");
        }
    }
    if let Some(wrong) = passwords::wrong(posted.new.expose_secret(), &user.email) {
        fields.fail("new", wrong);
    }
    if fields.failed() {
        let mut response = render(&viewer, &shell, fields, None).await?;
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(response);
    }
    let hash = passwords::hash(posted.new).await?;
    let mut tx = shell.db.begin().await?;
    users::set_password(&mut tx, user.id, &hash).await?;
    session::end_all(&mut tx, user.id).await?;
    let secrets = Secrets::fresh(&mut rand::rng());
    let id = session::begin(&mut tx, user.id, now, secrets).await?;
    audit::record(&mut tx, &viewer.actor(), "change password", &user.email, "all other sessions ended")
        .await?;
    tx.commit().await?;
    let secure = shell.is_https();
    let said = Flash::done("Your password is changed. Wherever else you were signed in, you no longer are.");
    let jar = jar.add(session::cookie(&id, secure)).add(said.cookie(secure));
    Ok((jar, Redirect::to("/settings")).into_response())
}

#[derive(Deserialize)]
pub(super) struct PostedInvitation {
    role: String,
}

/// `POST /settings/invite`: shows the link once, so it answers with the page itself.
pub(super) async fn invite(
    owner: Owner,
    State(shell): State<Shell>,
    Form(posted): Form<PostedInvitation>,
) -> Result<Response, Problem> {
    let role = Role::of_row(&posted.role)
        .ok_or_else(|| Problem::invalid("There is no such role.", "Choose viewer, admin or owner."))?;
    let now = shell.clock.now();
    let mut tx = shell.db.begin().await?;
    let token = csrf::secret(&mut rand::rng());
    link::keep(&mut tx, &token, Purpose::Invitation(role), now, link::INVITATION).await?;
    audit::record(&mut tx, &owner.actor(), "invite user", role.word(), "one-time link, 7 days").await?;
    tx.commit().await?;
    let until = owner.times().on(now.saturating_add(link::INVITATION).unwrap_or(Timestamp::MAX));
    let text = format!("Give this link to whom you invite as {}.", role.word());
    let invitation = Invitation { link: link::address(&shell, &token), text, until };
    render(&owner, &shell, password_fields(), Some(invitation)).await
}

#[derive(Deserialize)]
pub(super) struct PostedEmail {
    email: String,
}

/// `POST /settings/password-link`: for a user who forgot their password; shown once as well.
pub(super) async fn password_link(
    owner: Owner,
    State(shell): State<Shell>,
    Form(posted): Form<PostedEmail>,
) -> Result<Response, Problem> {
    let actor = owner.actor();
    let making = link::new_password(&shell, &actor, &posted.email, &mut rand::rng());
    let link = making.await?.ok_or_else(|| Problem::not_found("user"))?;
    let until =
        owner.times().ago(shell.clock.now().saturating_add(link::OWNER_LINK).unwrap_or(Timestamp::MAX));
    let text = format!("Give this link to {}: it lets them choose a new password.", posted.email);
    render(&owner, &shell, password_fields(), Some(Invitation { link, text, until })).await
}

#[derive(Deserialize)]
pub(super) struct Before {
    before: Option<i64>,
}

/// `GET /settings/audit`
pub(super) async fn audit(
    viewer: Viewer,
    State(shell): State<Shell>,
    Query(Before { before }): Query<Before>,
) -> Result<Response, Problem> {
    let from = before.and_then(|before| Timestamp::from_microsecond(before).ok()).unwrap_or(Timestamp::MAX);
    let rows = audit::newest(&shell.db, viewer.workspace(), from, MANY).await?;
    let older = (rows.len() == usize::from(MANY)).then(|| rows.last()).flatten();
    let pager = Pager {
        shown: String::new(),
        newer: before.map(|_| "/settings/audit".to_owned()),
        older: older.map(|row| format!("/settings/audit?before={}", row.at)),
    };
    let frame = viewer.frame(Section::Settings, "Audit log");
    page(&AuditPage { frame, rows: audit_rows(&viewer, rows), pager })
}

fn audit_rows(viewer: &Viewer, rows: Vec<audit::Row>) -> Vec<AuditRow> {
    rows.into_iter()
        .map(|row| AuditRow {
            at: viewer.times().exact(Timestamp::from_microsecond(row.at).unwrap_or(Timestamp::UNIX_EPOCH)),
            actor: row.actor,
            action: row.action,
            object: row.object,
            detail: row.detail,
        })
        .collect()
}

fn password_fields() -> Fields {
    Fields::new(vec![
        Field::secret("old", "Your password now").autocomplete("current-password"),
        Field::secret("new", "New password").hint(passwords::RULE).autocomplete("new-password"),
    ])
}

async fn render(
    viewer: &Viewer,
    shell: &Shell,
    password: Fields,
    invitation: Option<Invitation>,
) -> Result<Response, Problem> {
    let mut rows = Vec::new();
    for user in users::list(&shell.db, viewer.workspace()).await? {
        let role = user.role()?.word();
        let last_seen = user.last_seen_at.and_then(|at| Timestamp::from_microsecond(at).ok());
        rows.push(UserRow {
            is_you: user.id == viewer.user().id,
            password_link: (viewer.may(Role::Owner) && user.id != viewer.user().id).then(|| {
                viewer
                    .post("Make a link for a new password", "/settings/password-link")
                    .field("email", &user.email)
            }),
            role,
            last_seen: last_seen.map(|at| viewer.times().ago(at)),
            name: user.name,
            email: user.email,
        });
    }
    let audit = audit::newest(&shell.db, viewer.workspace(), Timestamp::MAX, FEW).await?;
    let frame = viewer.frame(Section::Settings, "Settings");
    page(&SettingsPage {
        theme: frame.theme,
        frame,
        password,
        users: rows,
        may_invite: viewer.may(Role::Owner),
        invitation,
        audit: audit_rows(viewer, audit),
    })
}
