//! Jira sites: the list, the form that connects one or changes a connection, ping, removal. A connection is tested before it
//! is kept.

use axum::extract::{Form, Path, Query, State as Shared};
use axum::response::Response;
use fault::Fault;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use store::{Place, StoreError};
use url::Url;
use uuid::Uuid;

use super::jira_checks::{Found, check_site};
use super::jira_watch;
use super::pages::{ConnectJiraPage, JiraPage, JiraRow, ProjectRow};
use super::ping::{self, Check, Report};
use super::routes::{State, flash_to, moment};
use super::store::events::{self, Event, Object};
use super::store::jira::{self as rows, JiraConnection, Kept, Removal};
use super::tell;
use crate::access::{Admin, Viewer, audit};
use crate::notices;
use crate::web::components::{Action, FaultView, Health, Icon, Menu};
use crate::web::form::{Choice, Field, Fields};
use crate::web::times::counted;
use crate::web::{self, Flash, Frame, Problem, Section};

/// Tests a connection and records what was found.
pub async fn ping_on_record(
    state: &State,
    workspace: Uuid,
    id: Uuid,
    actor: &str,
) -> Result<Option<Report>, StoreError> {
    let connections = &state.connections;
    if rows::one(&connections.db, workspace, id).await?.is_none() {
        return Ok(None);
    }
    let (report, found) = jira_watch::check(connections, id).await;
    let mut tx = connections.db.begin().await?;
    jira_watch::keep(&mut tx, id, &report, found.as_ref()).await?;
    ping::record(&mut tx, workspace, Object::Jira, id, actor, &report).await?;
    tx.commit().await?;
    if found.is_some() {
        connections.forget();
    }
    if report.is_good() {
        state.engine.work.notify_one();
    }
    state.shell.bus.tell("jira");
    Ok(Some(report))
}

/// Keeps what a test found out.
pub async fn learn(tx: &mut store::Tx, id: Uuid, found: &Found) -> Result<(), StoreError> {
    let limit = found.upload_limit.and_then(|bytes| i64::try_from(bytes).ok());
    rows::learned(tx, id, found.myself.id(), &found.myself.display_name, limit).await
}

/// `?ping=` of the list.
#[derive(Debug, Default, Deserialize)]
pub struct Shown {
    /// Whose last ping is shown.
    ping: Option<Uuid>,
}

/// GET /jira
pub async fn list(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Query(shown): Query<Shown>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let projects = rows::projects(&connections.db, viewer.workspace()).await?;
    let mut listed = Vec::new();
    for row in rows::all(&connections.db, viewer.workspace()).await? {
        let result = match shown.ping {
            Some(id) if id == row.id => ping::last(connections, id).await?,
            _ => None,
        };
        let its: Vec<_> = projects.iter().filter(|project| project.jira_connection_id == row.id).collect();
        listed.push(jira_row(&viewer, row, &its, result.as_ref()));
    }
    let mut frame = viewer.frame(Section::Jira, "Jira").live("jira");
    if !listed.is_empty() {
        frame = frame.with(Action::go("Connect Jira", "/jira/new").with_icon(Icon::Plus));
    }
    web::page(&JiraPage { frame, rows: listed, empty: JiraPage::nothing() })
}

fn jira_row(
    viewer: &Viewer,
    row: JiraConnection,
    projects: &[&rows::Project],
    result: Option<&Report>,
) -> JiraRow {
    let id = row.id;
    let fault = row.fault.as_deref().and_then(stored_fault);
    let sources: i64 = projects.iter().map(|project| project.sources).sum();
    let remove = viewer.post("Remove", format!("/jira/{id}/remove")).danger(format!(
        "The connection to {} and its sealed token are removed. Nothing in Jira is changed.",
        row.base_url
    ));
    let mut menu = vec![Action::go("Change address or token", format!("/jira/{id}/edit"))];
    if sources == 0 {
        menu.push(remove);
    }
    JiraRow {
        id: id.to_string(),
        kind: kind_in_words(&row.kind).to_owned(),
        base_url: row.base_url.clone(),
        user: row.display_name.clone().unwrap_or_else(|| row.username.clone()),
        health: Health::of_row(&row.state).unwrap_or(Health::Degraded),
        beside: row.checked_at.map_or_else(String::new, |at| format!("tested {}", moment(viewer, at).words)),
        fault: fault.map(|fault| {
            let change = Action::go("Change address or token", format!("/jira/{id}/edit"));
            FaultView::of(&fault, Some(moment(viewer, row.state_since))).with(change)
        }),
        ping: Some(viewer.post("Ping", format!("/jira/{id}/ping")).icon_only(Icon::Ping).in_place()),
        menu: Menu::more(format!("More for {}", row.name), menu),
        result: result.map(|report| report.view(viewer.times(), "/jira")),
        projects: projects
            .iter()
            .map(|project| ProjectRow {
                key: project.project_key.clone(),
                name: project.project_name.clone(),
                health: Health::of_row(&project.state).unwrap_or(Health::Degraded),
                text: project
                    .fault
                    .as_deref()
                    .and_then(stored_fault)
                    .map_or_else(String::new, |f| f.sentence()),
                sources: u64::try_from(project.sources).unwrap_or(0),
            })
            .collect(),
        name: row.name,
    }
}

/// A fault from its column.
pub fn stored_fault(text: &str) -> Option<Fault> {
    serde_json::from_str(text).ok().map(Fault::from_record)
}

fn kind_in_words(kind: &str) -> &'static str {
    if kind == "data_center_token" { "Data Center, personal access token" } else { "Cloud, API token" }
}

/// POST /jira/{id}/ping
pub async fn ping(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    ping_on_record(&state, admin.workspace(), id, &admin.user().email)
        .await?
        .ok_or_else(|| Problem::not_found("Jira connection"))?;
    Ok(routes_redirect(&format!("/jira?ping={id}#row-{id}")))
}

fn routes_redirect(to: &str) -> Response {
    super::routes::see_other(to)
}

/// What is posted to the form.
#[derive(Debug, Default, Deserialize)]
pub struct Posted {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    base_url: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    token: Token,
}

/// A token as it is posted: never shown.
#[derive(Default, Deserialize)]
#[serde(from = "String")]
struct Token(SecretString);

impl From<String> for Token {
    fn from(token: String) -> Self {
        Self(SecretString::from(token.trim().to_owned()))
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

fn fields(posted: &Posted, is_change: bool) -> Fields {
    let kind = if posted.kind == "data_center_token" { "data_center_token" } else { "cloud_token" };
    let token = Field::secret("token", "API token")
        .hint("Cloud: made at id.atlassian.com under Security. Data Center: a personal access token.")
        .autocomplete("new-password");
    Fields::new(vec![
        Field::radio(
            "kind",
            "Kind",
            vec![
                Choice::new("cloud_token", "Jira Cloud")
                    .hint("An API token together with its user's address."),
                Choice::new("data_center_token", "Jira Data Center")
                    .hint("A personal access token; no user is needed."),
            ],
        )
        .value(kind),
        Field::url("base_url", "Address of the site")
            .value(&posted.base_url)
            .placeholder("https://example.atlassian.net")
            .autocomplete("url"),
        Field::line("username", "User")
            .optional()
            .value(&posted.username)
            .hint("The address that the token belongs to. Leave it empty for Data Center.")
            .autocomplete("username"),
        if is_change { token.optional() } else { token },
    ])
}

fn form_page(
    viewer: &Viewer,
    fields: Fields,
    tested: Option<&Report>,
    fault: Option<&Fault>,
    change: Option<Uuid>,
) -> Result<Response, Problem> {
    let title = if change.is_some() { "Change a Jira connection" } else { "Connect Jira" };
    let action = change.map_or_else(|| "/jira/new".to_owned(), |id| format!("/jira/{id}/edit"));
    let frame: Frame = viewer.frame(Section::Jira, title);
    web::page(&ConnectJiraPage {
        frame,
        ping: tested.map(|report| report.view(viewer.times(), action.clone())),
        action,
        fields,
        fault: fault.map(|fault| FaultView::of(fault, None)),
        is_change: change.is_some(),
    })
}

/// GET /jira/new
pub async fn new(admin: Admin) -> Result<Response, Problem> {
    form_page(&admin, fields(&Posted::default(), false), None, None, None)
}

/// GET /jira/{id}/edit
pub async fn edit(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let row = rows::one(&state.connections.db, admin.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("Jira connection"))?;
    let posted =
        Posted { kind: row.kind, base_url: row.base_url, username: row.username, token: Token::default() };
    form_page(&admin, fields(&posted, true), None, None, Some(id))
}

/// POST /jira/new
pub async fn connect(
    admin: Admin,
    Shared(state): Shared<State>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    keep(&admin, &state, posted, None).await
}

/// POST /jira/{id}/edit
pub async fn change(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let row = rows::one(&state.connections.db, admin.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("Jira connection"))?;
    keep(&admin, &state, posted, Some(row)).await
}

/// Brings an address of a site into one form: no trailing slash, no `/rest`, no pages of the browser.
pub fn site_address(text: &str) -> Result<Url, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("The address is missing: write for example https://example.atlassian.net.".to_owned());
    }
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let mut url = Url::parse(&whole).map_err(|error| {
        format!("This is no address ({error}): write for example https://example.atlassian.net.")
    })?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return Err(
            "The address begins with https://: write for example https://example.atlassian.net.".to_owned()
        );
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("The address holds a user or a password: write them into their own fields.".to_owned());
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().to_owned();
    let kept = ["/rest/", "/browse/", "/secure/", "/jira/software", "/jira/your-work", "/jira/projects"]
        .iter()
        .filter_map(|page| path.find(page))
        .min()
        .map_or(path.as_str(), |at| &path[..at]);
    let kept = kept.trim_end_matches("/rest").trim_end_matches('/').to_owned();
    url.set_path(&kept);
    Ok(url)
}

async fn keep(
    admin: &Admin,
    state: &State,
    posted: Posted,
    before: Option<rows::JiraConnection>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let change = before.as_ref().map(|before| before.id);
    let is_change = change.is_some();
    let mut form = fields(&posted, is_change);
    let base_url = match site_address(&posted.base_url) {
        Ok(url) => url.as_str().trim_end_matches('/').to_owned(),
        Err(error) => {
            form.fail("base_url", error);
            String::new()
        }
    };
    let data_center = posted.kind == "data_center_token";
    let username = posted.username.trim();
    if !data_center && username.is_empty() {
        form.fail("username", "Jira Cloud takes a token together with its user: write the user's address.");
    }
    let given = posted.token.0.clone();
    let token = if given.expose_secret().is_empty() {
        match &before {
            Some(before) if is_same_origin(&before.base_url, &base_url) => {
                Some(stored_token(state, before.id).await?)
            }
            // Its own field says what is wrong with it.
            Some(_) if base_url.is_empty() => None,
            // What was entrusted to one server is not shown to another because somebody changed the address.
            Some(_) => {
                form.fail(
                    "token",
                    "The address is another server's, which the stored token was not given to: paste the token again.",
                );
                None
            }
            None => {
                form.fail("token", "The token is missing: paste the one that you made for Postroom.");
                None
            }
        }
    } else {
        Some(given.clone())
    };
    if !form.failed()
        && let Some(there) = rows::of_site(&connections.db, admin.workspace(), &base_url).await?
        && change != Some(there)
    {
        form.fail(
            "base_url",
            "This site is connected already: change that connection instead of making a second one.",
        );
    }
    let (false, Some(token)) = (form.failed(), token) else {
        return form_page(admin, form, None, None, change);
    };
    let kind = if data_center { "data_center_token" } else { "cloud_token" };
    let api_version: i64 = if data_center { 2 } else { 3 };
    let client = match connections.jira_client(kind, &base_url, api_version, username, token) {
        Ok(client) => client,
        Err(fault) => return form_page(admin, form, None, Some(&fault), change),
    };
    let (checks, found) = check_site(&client).await;
    let report = Report { at: connections.clock.now(), checks };
    let wrong = report.checks.iter().find_map(Check::fault);
    let (None, Some(found)) = (&wrong, found) else {
        let fault = wrong.unwrap_or_else(|| Fault::own("jira.unknown", "the test did not come to an end"));
        form.fail(field_of(&fault), format!("{fault}. {}", fault.entry.mend));
        return form_page(admin, form, Some(&report), Some(&fault), change);
    };
    if let Some(server) = &found.server
        && server.is_cloud() == data_center
        && !server.deployment_type.is_empty()
    {
        form.fail(
            "kind",
            format!("The site says that it is Jira {}: choose that kind.", server.deployment_type),
        );
        return form_page(admin, form, Some(&report), None, change);
    }
    let id = change.unwrap_or_else(Uuid::now_v7);
    let name = found
        .server
        .as_ref()
        .and_then(|server| server.server_title.clone())
        .filter(|title| !title.is_empty());
    let sealed = (!given.expose_secret().is_empty())
        .then(|| connections.sealer.seal(&place(id), given.expose_secret().as_bytes()));
    let now = connections.clock.now();
    let kept = Kept {
        id,
        workspace: admin.workspace(),
        name: name.unwrap_or_else(|| host_of(&base_url)),
        kind,
        base_url: base_url.clone(),
        api_version,
        username: username.to_owned(),
        token_sealed: sealed,
        account_id: found.myself.id().map(str::to_owned),
        display_name: Some(found.myself.display_name.clone()),
        upload_limit: found.upload_limit.and_then(|bytes| i64::try_from(bytes).ok()),
        now,
    };
    let mut tx = connections.db.begin().await?;
    if is_change {
        rows::update(&mut tx, kept).await?;
        tell::jira_works(&mut tx, id, now).await?;
    } else {
        rows::insert(&mut tx, kept).await?;
    }
    let what = if is_change { "change Jira connection" } else { "connect Jira" };
    audit::record(&mut tx, &admin.actor(), what, &base_url, &format!("as {}", found.myself.display_name))
        .await?;
    let text = if is_change { "address or token changed" } else { "connected" };
    let event =
        Event { object: Object::Jira, id, kind: "changed", text, actor: &admin.user().email, detail: None };
    events::add(&mut tx, admin.workspace(), now, &event).await?;
    ping::record(&mut tx, admin.workspace(), Object::Jira, id, &admin.user().email, &report).await?;
    tx.commit().await?;
    connections.forget();
    state.engine.work.notify_one();
    state.shell.bus.tell("jira");
    let text = format!("Jira is connected as {}.", found.myself.display_name);
    Ok(flash_to(admin, &Flash::done(text), "/jira"))
}

/// The field that a fault of the test belongs to.
fn field_of(fault: &Fault) -> &'static str {
    match (fault.entry.id, fault.status) {
        ("jira.token" | "jira.scope" | "jira.captcha" | "jira.forbidden", _) => "token",
        (_, None | Some(300..=399 | 404)) => "base_url",
        _ => "",
    }
}

/// Whether two addresses are the same server's: scheme, host and port.
pub(super) fn is_same_origin(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin() == other.origin(),
        _ => false,
    }
}

fn host_of(base_url: &str) -> String {
    Url::parse(base_url)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_else(|| base_url.to_owned())
}

/// Where a connection's token is sealed to.
pub fn place(id: Uuid) -> Place {
    Place::new("jira_connection", "token_sealed", id)
}

async fn stored_token(state: &State, id: Uuid) -> Result<SecretString, Problem> {
    let sealed =
        rows::token(&state.connections.db, id).await?.ok_or_else(|| Problem::not_found("Jira connection"))?;
    let plain = state.connections.sealer.open(&place(id), &sealed).map_err(StoreError::from)?;
    Ok(SecretString::from(String::from_utf8_lossy(&plain).into_owned()))
}

/// POST /jira/{id}/remove
pub async fn remove(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let row = rows::one(&connections.db, admin.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("Jira connection"))?;
    let mut tx = connections.db.begin().await?;
    match rows::remove(&mut tx, admin.workspace(), id).await? {
        Removal::Done => {}
        Removal::Nowhere => return Err(Problem::not_found("Jira connection")),
        Removal::Used => {
            return Err(Problem::conflict(
                format!("Message Sources send mail to {}, so it stays.", row.base_url),
                "Let these sources send their mail elsewhere, then remove the connection.",
            )
            .with(Action::go("Message Sources", "/sources")));
        }
        Removal::Awaited(mails) => {
            let mails = counted(mails, "mail is", "mails are");
            return Err(Problem::conflict(
                format!("{mails} on the way to {} or held, so it stays.", row.base_url),
                "Wait until they have their end and discard or retry what is held, then remove the connection.",
            )
            .with(Action::go("Messages that are held", "/messages?filter=held")));
        }
    }
    notices::ended_quietly(&mut tx, id, connections.clock.now()).await?;
    audit::record(&mut tx, &admin.actor(), "remove Jira connection", &row.base_url, "").await?;
    tx.commit().await?;
    connections.forget();
    state.shell.bus.tell("jira");
    Ok(flash_to(&admin, &Flash::done(format!("{} is no longer connected.", row.base_url)), "/jira"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: what people paste from the browser's address line becomes the site's address.
    #[test]
    fn addresses_become_sites() {
        for (typed, site) in [
            ("example.atlassian.net", "https://example.atlassian.net/"),
            (" https://example.atlassian.net/ ", "https://example.atlassian.net/"),
            ("https://example.atlassian.net/browse/SUP-1?x=y#z", "https://example.atlassian.net/"),
            ("https://example.atlassian.net/jira/software/projects/SUP", "https://example.atlassian.net/"),
            ("https://jira.example.com/context/secure/Dashboard.jspa", "https://jira.example.com/context"),
            ("https://jira.example.com/context/rest/api/2", "https://jira.example.com/context"),
            ("http://127.0.0.1:8081/rest", "http://127.0.0.1:8081/"),
        ] {
            assert_eq!(site_address(typed).unwrap().as_str(), site, "{typed}");
        }
        for wrong in ["", "ftp://x", "https://me:secret@example.com", "https://"] {
            let error = site_address(wrong).unwrap_err();
            assert!(error.ends_with('.') && !error.contains("secret"), "{wrong}: {error}");
        }
    }
}
