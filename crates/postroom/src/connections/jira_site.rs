//! Setting up a Jira connection, by kind, and changing one: what the [form](super::jira_form) posts. A connection is tested before it is
//! kept; the secret that is there stays in use until a new one has shown that it works.

use axum::extract::{Form, Path, State as Shared};
use axum::response::Response;
use fault::Fault;
use jiff::Timestamp;
use jiff::civil::Date;
use secrecy::{ExposeSecret, SecretString};
use store::{Place, StoreError};
use url::Url;
use uuid::Uuid;

use super::jira_checks::Found;
use super::jira_form::{Around, Posted, fields, form_page, kind_of};
use super::jira_kind::{self, JiraKind};
use super::jira_ping::{self, Learned, Tested};
use super::ping::{self, Check, Report};
use super::registration_credentials::end_of;
use super::registry::JiraWay;
use super::routes::{State, flash_to};
use super::store::events::{self, Event, Object};
use super::store::jira::{self as rows, Details, JiraConnection, Kept};
use super::{jira_watch, tell};
use crate::access::{Admin, audit};
use crate::web::{Flash, Problem};

/// Keeps what a test found out.
pub async fn learn(tx: &mut store::Tx, id: Uuid, found: &Found) -> Result<(), StoreError> {
    let limit = found.upload_limit.and_then(|bytes| i64::try_from(bytes).ok());
    rows::learned(tx, id, found.myself.id(), &found.myself.display_name, limit).await
}

/// A fault from its column.
pub fn stored_fault(text: &str) -> Option<Fault> {
    serde_json::from_str(text).ok().map(Fault::from_record)
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
    let row = state.jira_connection(admin.workspace(), id).await?;
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
    // Jira Cloud is at the root of its host, whatever page is open.
    let is_cloud = url.host_str().is_some_and(|host| host.ends_with(".atlassian.net"));
    let path = if is_cloud { String::new() } else { url.path().to_owned() };
    let kept = ["/rest/", "/browse/", "/secure/", "/jira/software", "/jira/your-work", "/jira/projects"]
        .iter()
        .filter_map(|page| path.find(page))
        .min()
        .map_or(path.as_str(), |at| &path[..at]);
    let kept = kept.trim_end_matches("/rest").trim_end_matches('/').to_owned();
    url.set_path(&kept);
    Ok(url)
}

/// The address of a site, as far as this kind may be reached there: a token for Atlassian is not sent where everybody can read it.
fn address_for(kind: JiraKind, text: &str) -> Result<Url, String> {
    let url = site_address(text)?;
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    if kind.is_cloud() && url.scheme() == "http" && !is_here {
        return Err(format!("Jira Cloud is reached over https only: write https://{host}."));
    }
    Ok(url)
}

/// The day that a secret ends, as somebody typed it.
fn read_end(kind: JiraKind, text: &str, now: Timestamp) -> Result<Option<Timestamp>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let day: Date = text
        .parse()
        .map_err(|_| "This is no day: write it as year-month-day, for example 2027-03-31.".to_owned())?;
    let at = end_of(day);
    if at <= now {
        return Err("This day is over: put a token in that has not ended.".to_owned());
    }
    let latest = now.saturating_add(jira_kind::LONGEST).unwrap_or(Timestamp::MAX);
    let a_day_more = latest.saturating_add(jiff::SignedDuration::from_hours(48)).unwrap_or(Timestamp::MAX);
    if matches!(kind, JiraKind::Scoped | JiraKind::Token) && at > a_day_more {
        return Err("Atlassian lets an API token last a year at most: look at its day again.".to_owned());
    }
    Ok(Some(at))
}

/// What the form asks for, as far as it can be read.
struct Wanted<'a> {
    kind: JiraKind,
    base_url: String,
    username: &'a str,
    secret: SecretString,
    ends: Option<Timestamp>,
}

/// What came of a test.
struct Tried {
    report: Report,
    learned: Learned,
    cloud_id: String,
    fault: Option<Fault>,
    better: Option<JiraKind>,
}

async fn keep(
    admin: &Admin,
    state: &State,
    posted: Posted,
    before: Option<JiraConnection>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let kind = kind_of(&posted);
    let change = before.as_ref().map(|before| before.id);
    let may_keep_secret = before.as_ref().is_some_and(|before| JiraKind::of(before) == kind);
    let mut form = fields(&posted, may_keep_secret);
    let base_url = match address_for(kind, &posted.base_url) {
        Ok(url) => url.as_str().trim_end_matches('/').to_owned(),
        Err(error) => {
            form.fail("base_url", error);
            String::new()
        }
    };
    let username = if kind == JiraKind::DataCenter { "" } else { posted.username.trim() };
    if username.is_empty() {
        match kind {
            JiraKind::Service => {
                form.fail("username", "The client ID is missing: it stands beside the secret.");
            }
            JiraKind::Scoped | JiraKind::Token => form.fail(
                "username",
                "Jira Cloud takes a token together with its user: write the user's address.",
            ),
            JiraKind::DataCenter => {}
        }
    }
    let now = connections.clock.now();
    let ends = read_end(kind, &posted.ends, now).unwrap_or_else(|error| {
        form.fail("ends", error);
        None
    });
    let given = posted.token.0.clone();
    let is_given = !given.expose_secret().is_empty();
    let secret = if is_given {
        Some(given.clone())
    } else {
        match &before {
            Some(before) if may_keep_secret && is_same_origin(&before.base_url, &base_url) => {
                Some(stored_token(state, before.id).await?)
            }
            // Its own field says what is wrong with it.
            Some(_) if base_url.is_empty() => None,
            Some(_) if !may_keep_secret => {
                form.fail(
                    "token",
                    format!("Another way of signing in takes its own {}: paste it.", kind.secret()),
                );
                None
            }
            // What was entrusted to one server is not shown to another because somebody changed the address.
            Some(_) => {
                form.fail(
                    "token",
                    "The address is another server's, which the stored token was not given to: paste the token again.",
                );
                None
            }
            None => {
                let what = kind.secret();
                form.fail(
                    "token",
                    format!("The {what} is missing: paste the one that you made for Postroom."),
                );
                None
            }
        }
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
    let nothing = Around { tested: None, fault: None, change, better: None };
    let (false, Some(secret)) = (form.failed(), secret) else {
        return form_page(admin, kind, form, nothing);
    };
    let wanted = Wanted { kind, base_url, username, secret, ends };
    let tried = try_out(admin, state, &wanted, posted.cloud_id.trim(), before.as_ref()).await?;
    let around =
        Around { tested: Some(&tried.report), fault: tried.fault.as_ref(), change, better: tried.better };
    if let Some(fault) = &tried.fault {
        let error = match tried.better {
            Some(JiraKind::Scoped) => {
                "This token has scopes, so it works through Atlassian's gateway alone: choose Scoped API token for it.".to_owned()
            }
            Some(_) => "This token has no scopes, so it works at the site alone: choose API token for it.".to_owned(),
            // What to do about it stands above.
            None => format!("{fault}."),
        };
        form.fail(if tried.better.is_some() { "token" } else { field_of(fault, kind) }, error);
        return form_page(admin, kind, form, around);
    }
    let Some(found) = &tried.learned.found else {
        form.fail("", "The test did not come to its end: try it again.");
        return form_page(admin, kind, form, around);
    };
    if let Some(server) = &found.server
        && server.is_cloud() != kind.is_cloud()
        && !server.deployment_type.is_empty()
    {
        let product = if server.is_cloud() { "Jira Cloud" } else { "Jira Data Center" };
        form.fail("base_url", format!("The site says that it is {product}: choose a kind of that."));
        return form_page(admin, kind, form, around);
    }
    let sealed = is_given.then_some(&given);
    let id = store_it(admin, state, &wanted, &tried, found, sealed, change).await?;
    state.engine.work.notify_one();
    state.shell.bus.tell("jira");
    let text = format!("Jira is connected as {}.", found.myself.display_name);
    Ok(flash_to(admin, &Flash::done(text), &format!("/jira/{id}")))
}

/// Tests what the form asks for. The connection that is there goes on meanwhile.
async fn try_out(
    admin: &Admin,
    state: &State,
    wanted: &Wanted<'_>,
    cloud_id: &str,
    before: Option<&JiraConnection>,
) -> Result<Tried, Problem> {
    let connections = &state.connections;
    let failed = |fault: Fault, name: &str| {
        let checks = vec![Check::new(name, Err(fault.clone()), std::time::Duration::ZERO)];
        Tried {
            report: Report { at: connections.clock.now(), checks },
            learned: Learned::default(),
            cloud_id: String::new(),
            fault: Some(fault),
            better: None,
        }
    };
    let cloud_id = match found_cloud_id(state, wanted.kind, &wanted.base_url, cloud_id).await {
        Ok(cloud_id) => cloud_id,
        // The id of a site stays the same; the site need not be reachable from here.
        Err(fault) => match before {
            Some(before) if before.base_url == wanted.base_url && !before.cloud_id.is_empty() => {
                before.cloud_id.clone()
            }
            _ => return Ok(failed(fault, jira_ping::line::CLOUD_ID)),
        },
    };
    let client = match connections.jira_client(wanted.way(&cloud_id), wanted.secret.clone()) {
        Ok(client) => client,
        Err(fault) => return Ok(failed(fault, jira_ping::line::REACHABLE)),
    };
    let mut projects = Vec::new();
    if let Some(before) = before {
        let all = rows::projects(&connections.db, admin.workspace()).await?.into_iter();
        let its = all.filter(|project| project.jira_connection_id == before.id && project.sources > 0);
        projects.extend(its.map(|project| project.project_key));
    }
    let tested =
        Tested { kind: wanted.kind, base_url: &wanted.base_url, cloud_id: &cloud_id, projects: &projects };
    let (report, learned) = jira_ping::check_with(connections, &client, &tested).await;
    // What a project lacks is no reason to keep a secret that has ended.
    let fault = jira_ping::of_site(&report).checks.iter().find_map(Check::fault);
    let better = match &fault {
        Some(fault) => better_kind(state, wanted, fault).await,
        None => None,
    };
    Ok(Tried { report, learned, cloud_id, fault, better })
}

impl Wanted<'_> {
    fn way<'a>(&'a self, cloud_id: &'a str) -> JiraWay<'a> {
        JiraWay {
            kind: self.kind,
            base_url: &self.base_url,
            cloud_id,
            api_version: self.kind.api_version(),
            username: self.username,
        }
    }
}

/// The cloud id that the gateway is asked with: the one that was typed, else the one that the site tells.
async fn found_cloud_id(state: &State, kind: JiraKind, base_url: &str, typed: &str) -> Result<String, Fault> {
    if !kind.is_behind_gateway() || !typed.is_empty() {
        return Ok(if kind.is_behind_gateway() { typed.to_owned() } else { String::new() });
    }
    let site = Url::parse(base_url).map_err(|error| Fault::own("own.configuration", &error.to_string()))?;
    let connections = &state.connections;
    jira::cloud_id(&connections.http, &site, connections.reach.request_timeout).await
}

/// A token with scopes is refused at the site, and one without at the gateway, as if it were wrong: whether the other way takes it.
async fn better_kind(state: &State, wanted: &Wanted<'_>, fault: &Fault) -> Option<JiraKind> {
    if !matches!(fault.entry.id, "jira.token" | "jira.not_found" | "jira.issue_gone") {
        return None;
    }
    let other = match wanted.kind {
        JiraKind::Token => JiraKind::Scoped,
        JiraKind::Scoped => JiraKind::Token,
        JiraKind::Service | JiraKind::DataCenter => return None,
    };
    let cloud_id = found_cloud_id(state, other, &wanted.base_url, "").await.ok()?;
    let way = JiraWay { kind: other, ..wanted.way(&cloud_id) };
    let client = state.connections.jira_client(way, wanted.secret.clone()).ok()?;
    client.myself().await.ok().map(|_| other)
}

async fn store_it(
    admin: &Admin,
    state: &State,
    wanted: &Wanted<'_>,
    tried: &Tried,
    found: &Found,
    given: Option<&SecretString>,
    change: Option<Uuid>,
) -> Result<Uuid, Problem> {
    let connections = &state.connections;
    let id = change.unwrap_or_else(Uuid::now_v7);
    let title = found.server.as_ref().and_then(|server| server.server_title.clone());
    let mut name = title.filter(|title| !title.is_empty()).unwrap_or_else(|| host_of(&wanted.base_url));
    // Two sites of one name are told apart by their addresses.
    let others = rows::all(&connections.db, admin.workspace()).await?;
    if others.iter().any(|other| other.name == name && Some(other.id) != change) {
        let address = wanted.base_url.split_once("://").map_or(wanted.base_url.as_str(), |(_, rest)| rest);
        name = format!("{name}, {address}");
    }
    let now = connections.clock.now();
    let kept = Kept {
        id,
        workspace: admin.workspace(),
        name,
        kind: wanted.kind.word(),
        base_url: wanted.base_url.clone(),
        api_version: wanted.kind.api_version(),
        username: wanted.username.to_owned(),
        token_sealed: given
            .map(|secret| connections.sealer.seal(&place(id), secret.expose_secret().as_bytes())),
        account_id: found.myself.id().map(str::to_owned),
        display_name: Some(found.myself.display_name.clone()),
        upload_limit: found.upload_limit.and_then(|bytes| i64::try_from(bytes).ok()),
        tested_at: Some(now),
        now,
    };
    let details = Details {
        cloud_id: tried.cloud_id.clone(),
        ends: wanted.ends,
        server: tried.learned.server.clone().unwrap_or_default(),
    };
    let mut tx = connections.db.begin().await?;
    if change.is_some() {
        // Projects before their site, as whoever stops one does.
        jira_watch::release_projects(&mut tx, id, now).await?;
        jira_ping::keep_of_projects(&mut tx, id, &tried.learned).await?;
        rows::update(&mut tx, kept).await?;
    } else {
        rows::insert(&mut tx, kept).await?;
    }
    rows::put_details(&mut tx, id, details).await?;
    if let Some(ends) = tried.learned.ends {
        rows::secret_ends(&mut tx, id, ends).await?;
    }
    if change.is_some() {
        tell::jira_works(&mut tx, id, now).await?;
    }
    let what = if change.is_some() { "change Jira connection" } else { "connect Jira" };
    let (kind, user) = (wanted.kind.name(), &found.myself.display_name);
    audit::record(&mut tx, &admin.actor(), what, &wanted.base_url, &format!("{kind}, as {user}")).await?;
    let secret = wanted.kind.secret();
    let text = match (change, given) {
        (None, _) => format!("connected as {user}"),
        (Some(_), Some(_)) => format!("the {secret} was replaced: the new one was tested first"),
        (Some(_), None) => "settings changed".to_owned(),
    };
    let event = Event {
        object: Object::Jira,
        id,
        kind: "changed",
        text: &text,
        actor: &admin.user().email,
        detail: None,
    };
    events::add(&mut tx, admin.workspace(), now, &event).await?;
    ping::record(&mut tx, admin.workspace(), Object::Jira, id, &admin.user().email, &tried.report).await?;
    tx.commit().await?;
    connections.forget();
    Ok(id)
}

/// The field that a fault of the test belongs to.
fn field_of(fault: &Fault, kind: JiraKind) -> &'static str {
    match (fault.entry.id, fault.status) {
        ("jira.cloud_id", _) if kind.is_behind_gateway() => "cloud_id",
        ("jira.token" | "jira.scope" | "jira.captcha" | "jira.forbidden" | "jira.client_credentials", _) => {
            "token"
        }
        ("jira.page" | "jira.login_page" | "jira.moved", _) | (_, None | Some(300..=399 | 404)) => "base_url",
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
            (
                "https://example.atlassian.net/jira/servicedesk/projects/SUP/queues",
                "https://example.atlassian.net/",
            ),
            ("https://example.atlassian.net/issues/?jql=x", "https://example.atlassian.net/"),
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

    /// Promise: a token for Jira Cloud is not sent in the clear.
    #[test]
    fn cloud_is_reached_over_https() {
        let of = |kind, text: &str| address_for(kind, text).map(String::from);
        let error = of(JiraKind::Token, "http://example.atlassian.net/browse").unwrap_err();
        assert_eq!(error, "Jira Cloud is reached over https only: write https://example.atlassian.net.");
        assert!(of(JiraKind::Service, "http://10.0.0.1").is_err());
        for (kind, here) in [
            (JiraKind::Token, "http://127.0.0.1:8081"),
            (JiraKind::Scoped, "http://[::1]:8081"),
            (JiraKind::Service, "http://localhost"),
            (JiraKind::DataCenter, "http://jira.example.com"),
        ] {
            assert!(of(kind, here).is_ok(), "{here}");
        }
    }

    /// Promise: the day of a token is read, and a day that cannot be is refused with the mend.
    #[test]
    fn the_day_of_a_token_can_be() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let of = |kind, text: &str| read_end(kind, text, now);
        assert_eq!(of(JiraKind::Token, " "), Ok(None));
        assert_eq!(of(JiraKind::Token, "2027-11-24").unwrap(), Some(end_of("2027-11-24".parse().unwrap())));
        for (kind, text, says) in [
            (JiraKind::Token, "tomorrow", "year-month-day"),
            (JiraKind::Service, "2026-11-23", "is over"),
            (JiraKind::Scoped, "2028-01-01", "a year at most"),
        ] {
            let error = of(kind, text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        assert!(of(JiraKind::DataCenter, "2030-01-01").is_ok(), "Data Center lets tokens last longer");
    }
}
