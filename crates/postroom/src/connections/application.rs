//! Application permission: the app itself is the account, without a person. It may be used for named mailboxes only, and a check with
//! a mailbox outside proves that Exchange fences it to them (RBAC for Applications, or an application access policy).

use std::time::Duration;

use axum::extract::{Form, Path, Query, State as Shared};
use axum::response::Response;
use fault::Fault;
use futures::StreamExt;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use microsoft::FolderId;
use microsoft::signin::{self, Discovery};
use serde::Deserialize;
use store::StoreError;
use tokio::time::Instant;
use url::form_urlencoded;
use uuid::Uuid;

use super::Connections;
use super::application_grants::{self, Granted};
use super::connection_type::ConnectionType;
use super::goal::{Goal, Way};
use super::pages::{ApplicationFormPage, ApplicationPage};
use super::ping::{self, Check, Report};
use super::registration_pages;
use super::registration_set_up::read_mailboxes;
use super::routes::{State, flash_to, moment, see_other, time};
use super::store::accounts::{self, Account};
use super::store::applications::{self as rows, NewApplication};
use super::store::events::Object;
use super::store::{registrations, uses};
use crate::access::{Admin, Role, Viewer, audit};
use crate::web::components::{Action, Icon};
use crate::web::form::{Choice, Field, Fields};
use crate::web::times::counted;
use crate::web::{self, Flash, Problem, Section};

/// Exchange answers for so long from what it knew of a fence (RBAC for Applications: 30 minutes to 2 hours).
const CACHED: SignedDuration = SignedDuration::from_hours(2);
/// Stands in for granted scopes: application permission reaches any mailbox inside its fence.
const SCOPES: &str = "Mail.ReadWrite Mail.ReadWrite.Shared Mail.Send Mail.Send.Shared";

/// So many mailboxes are asked at the same time.
const AT_ONCE: usize = 4;
/// How long a check may take: less than its page may.
const LONGEST: Duration = Duration::from_secs(40);

/// How EWS refuses an application the mailboxes that it has no role for.
const DENIED: [&str; 2] = ["ErrorImpersonateUserDenied", "ErrorImpersonationDenied"];

/// What the check of a fence found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fence {
    /// A mailbox outside is refused.
    Holds,
    /// Neither was seen.
    Unclear,
    /// A mailbox outside can be read, or Entra grants what opens it: every mailbox of the tenant can be used.
    Open,
}

impl Fence {
    /// As its row names it.
    fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Open => "open",
            Self::Unclear => "unclear",
        }
    }

    /// What reading a mailbox outside says about the fence.
    pub fn of<T>(outcome: &Result<T, Fault>) -> Self {
        match outcome {
            Ok(_) => Self::Open,
            // Exchange refuses, over EWS in words of its own; whoever is not found, or does not answer, proves nothing.
            Err(fault) if fault.status == Some(403) || DENIED.contains(&fault.code.as_str()) => Self::Holds,
            Err(_) => Self::Unclear,
        }
    }
}

/// What the form posts.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Posted {
    #[serde(default)]
    registration: String,
    #[serde(default)]
    tenant: String,
    #[serde(default)]
    mailboxes: String,
    #[serde(default)]
    control: String,
    /// `outbound`, or nothing.
    #[serde(default, rename = "for")]
    purpose: String,
}

/// `?for=` of the form.
#[derive(Debug, Default, Deserialize)]
pub struct For {
    #[serde(default, rename = "for")]
    purpose: String,
}

impl Posted {
    /// What the application is connected for.
    fn goal(&self) -> Goal {
        if self.purpose == "outbound" { Goal::Outbound(Way::graph()) } else { Goal::Source(Way::graph()) }
    }
}

async fn fields(state: &State, viewer: &Viewer, posted: &Posted) -> Result<Fields, Problem> {
    let all = registrations::all(&state.connections.db, viewer.workspace()).await?;
    let chosen = if posted.registration.is_empty() {
        all.first().map(|row| row.id.to_string()).unwrap_or_default()
    } else {
        posted.registration.clone()
    };
    let own = all.iter().find(|row| row.id.to_string() == chosen);
    let tenant = match own {
        Some(row)
            if posted.tenant.is_empty() && !matches!(row.tenant.as_str(), "organizations" | "common") =>
        {
            row.tenant.clone()
        }
        _ => posted.tenant.clone(),
    };
    let choices =
        all.iter().map(|row| Choice::new(row.id.to_string(), registration_pages::name(row))).collect();
    Ok(Fields::new(vec![
        Field::select("registration", "App registration", choices).value(chosen),
        Field::line("tenant", "Tenant")
            .value(tenant)
            .placeholder("contoso.com")
            .hint("Its id or one of its domains: without a person Microsoft must be told which."),
        Field::text("mailboxes", "Mailboxes")
            .value(&posted.mailboxes)
            .hint("The addresses that Postroom may use, and that the fence lets it reach. One a line."),
        Field::email("control", "A mailbox outside the fence")
            .optional()
            .value(&posted.control)
            .hint("Any other mailbox of the tenant. Postroom tries to count its mails, which must be refused. Nothing of it is kept."),
    ]))
}

fn form(viewer: &Viewer, posted: &Posted, fields: Fields) -> Result<Response, Problem> {
    let goal = posted.goal();
    web::page(&ApplicationFormPage {
        frame: viewer.frame(goal.section(), "Connect by application permission"),
        list: goal.list(),
        purpose: if goal.is_outbound() { "outbound" } else { "" },
        fields,
    })
}

/// GET /applications/new?for=
pub async fn new(
    admin: Admin,
    Shared(state): Shared<State>,
    Query(wanted): Query<For>,
) -> Result<Response, Problem> {
    let posted = Posted { purpose: wanted.purpose, ..Posted::default() };
    let fields = fields(&state, &admin, &posted).await?;
    form(&admin, &posted, fields)
}

/// POST /applications/new
pub async fn make(
    admin: Admin,
    Shared(state): Shared<State>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let mut said = fields(&state, &admin, &posted).await?;
    let tenant = posted.tenant.trim().to_ascii_lowercase();
    let control = posted.control.trim().to_owned();
    let mailboxes = match read_mailboxes(&posted.mailboxes) {
        Ok(mailboxes) => {
            if mailboxes.is_empty() {
                said.fail("mailboxes", "Name at least one mailbox, by its address.");
            }
            mailboxes
        }
        Err(wrong) => {
            said.fail("mailboxes", wrong.to_string());
            Vec::new()
        }
    };
    if tenant.is_empty() || matches!(tenant.as_str(), "organizations" | "common" | "consumers") {
        said.fail("tenant", "The tenant is needed: write its id or one of its domains.");
    }
    if mailboxes.iter().any(|inside| inside.eq_ignore_ascii_case(&control)) {
        said.fail("control", "This mailbox is inside the fence: name one that is not.");
    }
    let registration = match Uuid::parse_str(&posted.registration) {
        Ok(id) => registrations::one(&connections.db, admin.workspace(), id).await?,
        Err(_) => None,
    };
    let Some(registration) = registration else {
        said.fail("registration", "Enter an app registration first.");
        return form(&admin, &posted, said);
    };
    if said.failed() {
        return form(&admin, &posted, said);
    }
    // The credential and the tenant are proven before anything is kept.
    let (tenant_id, called) = match prove(connections, registration.id, &tenant).await {
        Ok(proven) => proven,
        Err(fault) => {
            said.fail("tenant", format!("Microsoft gave no token. {}", fault.told()));
            return form(&admin, &posted, said);
        }
    };
    let id = Uuid::now_v7();
    // Where the registration was given no name, it is called as the tenant calls it, and by its client id where nobody tells.
    let called = called.filter(|_| registration.name.is_empty());
    let name = called.unwrap_or_else(|| registration_pages::name(&registration));
    let name = format!("{name} (application)");
    let new = NewApplication {
        id,
        workspace: admin.workspace(),
        registration: registration.id,
        tenant: &tenant_id,
        client_id: &registration.client_id,
        name: &name,
        scopes: SCOPES,
        now: connections.clock.now(),
    };
    let mut tx = connections.db.begin().await?;
    if !rows::insert(&mut tx, &new).await? {
        tx.rollback().await?;
        said.fail(
            "registration",
            "This registration is connected in this tenant already: change its mailboxes.",
        );
        return form(&admin, &posted, said);
    }
    rows::put_mailboxes(&mut tx, id, &mailboxes, &control).await?;
    accounts::set_goal(&mut tx, id, &posted.goal().stored()).await?;
    audit::record(&mut tx, &admin.actor(), "connect application", &name, &mailboxes.join(", ")).await?;
    tx.commit().await?;
    connections.forget();
    check(connections, admin.workspace(), &admin.user().email, id).await?;
    state.shell.bus.tell("sources");
    Ok(see_other(&format!("/applications/{id}")))
}

/// Asks for a token of the application in a tenant; gives the tenant's id, and what the tenant calls the application where it tells.
async fn prove(
    connections: &Connections,
    registration: Uuid,
    tenant: &str,
) -> Result<(String, Option<String>), Fault> {
    let registration = connections.registration(registration).await?;
    let mut proof = registration.proof(&connections.http, tenant).await?;
    let scope = format!("{}/.default", registration.graph_url.as_str().trim_end_matches('/'));
    let tokens = loop {
        let (discovery, app) = (&proof.discovery, &proof.application);
        match signin::as_application(&connections.http, discovery, app, &scope, connections.clock.now()).await
        {
            Err(fault) if proof.next(&fault) => {}
            Err(fault) => return Err(fault.at(&registration.place())),
            Ok(tokens) => break tokens,
        }
    };
    let tenant = tenant_of(&proof.discovery)
        .ok_or_else(|| Fault::own("entra.discovery", "its issuer names no tenant"))?;
    Ok((tenant, signin::application_name(&tokens.access)))
}

/// The tenant's id, from its issuer.
fn tenant_of(discovery: &Discovery) -> Option<String> {
    let id = discovery.issuer.trim_end_matches('/').strip_suffix("/v2.0")?.rsplit('/').next()?;
    Uuid::parse_str(id).ok().map(|id| id.to_string())
}

/// Counts the mails of a mailbox's inbox: the least that proves that it can be read.
async fn reach(connections: &Connections, account: Uuid, address: &str, way: &Way) -> Result<u64, Fault> {
    let mailbox = connections.mailbox_over(way.over, account, address, address, &way.ews_url).await?;
    mailbox.count(&FolderId::from("inbox"), None).await
}

/// What came of asking a mailbox: its address, its answer, how long that took.
type Asked<T> = (String, Result<T, Fault>, Duration);

/// Awaits the answers of mailboxes, [`AT_ONCE`] at a time, until `until`; in their order. Those that did not answer by then, or were not
/// asked any more, have a fault that says so.
async fn ask_all<T>(
    mailboxes: Vec<(String, BoxFuture<'_, Result<T, Fault>>)>,
    until: Instant,
) -> Vec<Asked<T>> {
    let mut asked = Vec::new();
    for (place, (address, answer)) in mailboxes.into_iter().enumerate() {
        asked.push(ask(place, address, answer, until));
    }
    // In order of their answers, so that one that does not answer keeps no place from those behind it.
    let mut answered: Vec<_> = futures::stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
    answered.sort_by_key(|(place, _)| *place);
    answered.into_iter().map(|(_, answered)| answered).collect()
}

async fn ask<T>(
    place: usize,
    address: String,
    answer: BoxFuture<'_, Result<T, Fault>>,
    until: Instant,
) -> (usize, Asked<T>) {
    let begun = Instant::now();
    let answer = if begun < until {
        let answer = tokio::time::timeout_at(until, answer).await;
        answer.unwrap_or_else(|_| Err(not_reached("it did not answer in time")))
    } else {
        Err(not_reached("there was no time left to ask it"))
    };
    (place, (address, answer, begun.elapsed()))
}

fn not_reached(why: &str) -> Fault {
    Fault::own("network.timeout", &format!("{why}; check again"))
}

/// What stands beside a check that is not of Graph.
fn beside(way: &Way) -> &'static str {
    if way.over == ConnectionType::Ews { " over EWS" } else { "" }
}

/// In which ways the application is used, and one more.
async fn ways(connections: &Connections, account: Uuid, more: Option<&Way>) -> Result<Vec<Way>, StoreError> {
    let mut ways = vec![Way::graph()];
    let servers = rows::ews_servers(&connections.db, account).await?;
    ways.extend(servers.iter().map(|server| Way::ews(server)));
    if let Some(more) = more.filter(|more| !ways.contains(more)) {
        ways.push(more.clone());
    }
    Ok(ways)
}

/// Tries each mailbox, and the one outside; on record.
pub async fn check(
    connections: &Connections,
    workspace: Uuid,
    actor: &str,
    account: Uuid,
) -> Result<Report, StoreError> {
    Ok(check_with(connections, workspace, actor, account, None).await?.0)
}

/// The same, in one more way than those in which the application is used: Graph and EWS have permissions of their own, so what fences it
/// over the one does not fence it over the other. Gives what is known of the fence, too, where a mailbox outside is named.
pub async fn check_with(
    connections: &Connections,
    workspace: Uuid,
    actor: &str,
    account: Uuid,
    more: Option<&Way>,
) -> Result<(Report, Option<Fence>), StoreError> {
    let inside = rows::mailboxes(&connections.db, account).await?;
    let control = rows::fence(&connections.db, account).await?.map(|fence| fence.control_mailbox);
    let control = control.filter(|control| !control.is_empty());
    // The one outside goes first: it says the most, and is not to be what there was no time for.
    let all: Vec<String> = control.iter().cloned().chain(inside).collect();
    let registration = match accounts::account(&connections.db, workspace, account).await? {
        Some(row) => connections.registration(row.app_registration_id).await.ok(),
        None => None,
    };
    let until = Instant::now() + LONGEST;
    let mut checks = Vec::new();
    let mut found: Option<(Fence, Option<String>)> = None;
    let mut is_restricted = false;
    let ways = ways(connections, account, more).await?;
    for way in &ways {
        // First, so that what is asked after it is asked with the new token, too.
        let roles = match control {
            Some(_) => {
                let asked = application_grants::roles(connections, account, way);
                tokio::time::timeout_at(until, asked).await.ok().flatten()
            }
            None => None,
        };
        let mut mailboxes: Vec<(String, BoxFuture<'_, Result<u64, Fault>>)> = Vec::new();
        for address in &all {
            mailboxes.push((address.clone(), Box::pin(reach(connections, account, address, way))));
        }
        let mut asked = ask_all(mailboxes, until).await.into_iter();
        let outside = if control.is_some() { asked.next() } else { None };
        for (address, outcome, took) in asked {
            let name = format!("{address}{}", beside(way));
            let outcome =
                outcome.map(|count| format!("can be read; {} in its inbox", counted(count, "mail", "mails")));
            checks.push(Check::new(&name, outcome, took));
        }
        let Some((control, outcome, took)) = outside else { continue };
        let (fence, granted) = application_grants::judge(Fence::of(&outcome), roles.as_deref());
        is_restricted |= matches!(granted, Granted::Restricted(_));
        let record = outcome.as_ref().err().and_then(|fault| serde_json::to_string(&fault.to_record()).ok());
        let mut said = application_grants::told(&control, outcome, &granted);
        if let Some(registration) = &registration {
            said = said.map_err(|fault| fault.at(&registration.place().with_mailbox(&control)));
        }
        checks.push(Check::new(&format!("Fence{}", beside(way)), said, took));
        // One way that is open is enough.
        if found.as_ref().is_none_or(|(worst, _)| fence > *worst) {
            found = Some((fence, record));
        }
    }
    // A policy that restricts what Entra grants over Graph restricts it over EWS, too.
    let is_over_ews = ways.iter().any(|way| way.over == ConnectionType::Ews);
    if let (Some(_), false, false) = (&found, is_restricted, is_over_ews) {
        let begun = Instant::now();
        let asked = application_grants::opens_ews(connections, account);
        if let Ok(Some(role)) = tokio::time::timeout_at(until, asked).await {
            let text = format!("Entra grants the application {role}, which opens every mailbox over EWS");
            let mut fault = Fault::own("own.fence", &text);
            if let Some(registration) = &registration {
                fault = fault.at(&registration.place());
            }
            checks.push(Check::new("Fence over EWS", Err(fault), begun.elapsed()));
            found = Some((Fence::Open, None));
        }
    }
    let report = Report { at: connections.clock.now(), checks };
    let mut tx = connections.db.begin().await?;
    if let Some((fence, record)) = &found {
        rows::checked(&mut tx, account, fence.word(), record.clone(), report.at).await?;
    }
    ping::record(&mut tx, workspace, Object::Account, account, actor, &report).await?;
    tx.commit().await?;
    Ok((report, found.map(|(fence, _)| fence)))
}

/// Until when the answers of a check may be old ones: Exchange keeps for up to two hours what it knows of a fence.
pub fn cached_until(checked_at: i64) -> Timestamp {
    time(checked_at).saturating_add(CACHED).unwrap_or(Timestamp::MAX)
}

/// What is said about the fence.
pub fn words(state: &str) -> (&'static str, bool) {
    match state {
        "holds" => (
            "The fence holds for reading: a mailbox outside it was refused. Sending was not tried; what Entra grants stands with the check.",
            true,
        ),
        "open" => (
            "The application reaches every mailbox of the tenant. Fence it, and take back any permission for mail that Entra grants \
             it beside: the two add up. If you have just fenced it, Exchange may answer from its cache for up to 2 hours: check again \
             then.",
            false,
        ),
        "unclear" => (
            "The mailbox outside was neither read nor refused, so nothing is known about the fence. Name another mailbox of the \
             tenant that exists.",
            false,
        ),
        _ => (
            "Nobody knows whether a fence keeps the application out of other mailboxes: name a mailbox outside it, and check.",
            false,
        ),
    }
}

/// GET /applications/{id}
pub async fn show(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let account = state.account(viewer.workspace(), id).await?;
    let Some(fence) = rows::fence(&connections.db, id).await? else {
        return Ok(see_other(&format!("/accounts/{id}")));
    };
    let admin = viewer.may(Role::Admin);
    let mailboxes = rows::mailboxes(&connections.db, id).await?;
    let (said, good) = words(&fence.state);
    let goal = Goal::of_stored(&account.goal);
    let used = uses::of(&connections.db, id).await?;
    let list = match (used.is_none(), used.list()) {
        (false, "/outbounds") => ("/outbounds", "Message Outbounds"),
        (false, _) => ("/sources", "Message Sources"),
        (true, _) => goal.list(),
    };
    let section = if list.0 == "/outbounds" { Section::Outbounds } else { Section::Sources };
    let next = if admin { next(&account, &goal, used) } else { Vec::new() };
    let mut frame = viewer.frame(section, &account.username).live("sources");
    if admin {
        frame = frame.with(viewer.post("Check", format!("/applications/{id}/check")).with_icon(Icon::Ping));
    }
    web::page(&ApplicationPage {
        frame,
        tenant: account.tenant_id,
        client_id: account.object_id,
        fields: admin.then(|| Fields::new(mailbox_fields(&mailboxes.join("\n"), &fence.control_mailbox))),
        control: fence.control_mailbox,
        said,
        good,
        checked: fence.checked_at.map(|at| moment(&viewer, at)),
        cached_until: fence
            .checked_at
            .map(cached_until)
            .filter(|until| *until > viewer.times().now)
            .map(|until| viewer.times().on(until)),
        ping: ping::last(connections, id).await?.map(|report| report.view(viewer.times(), String::new())),
        set_up: Action::go("The commands for the fence", fence_page(account.app_registration_id, &mailboxes)),
        mailboxes,
        list,
        next,
        action: format!("/applications/{id}/mailboxes"),
    })
}

/// Where it goes on: to what it was connected for first, and back to what uses it.
fn next(account: &Account, goal: &Goal, used: uses::Uses) -> Vec<Action> {
    let read = Action::go("Choose mailbox, folder and project", Goal::Source(Way::graph()).page(account.id));
    let send =
        Action::go(Goal::Outbound(Way::graph()).label(), Goal::Outbound(Way::graph()).page(account.id));
    let back = (!used.is_none()).then(|| Action::go(format!("Back to its {}", used.words()), used.list()));
    let mut next = if goal.is_outbound() { vec![send, read] } else { vec![read, send] };
    next.splice(0..0, back);
    next[0] = next[0].clone().primary();
    next
}

fn mailbox_fields(mailboxes: &str, control: &str) -> Vec<Field> {
    vec![
        Field::text("mailboxes", "Mailboxes").value(mailboxes).hint("One a line."),
        Field::email("control", "A mailbox outside the fence")
            .optional()
            .value(control)
            .hint("Without one nobody knows whether the fence holds."),
    ]
}

/// The page with the commands that fence an application to these mailboxes.
fn fence_page(registration: Uuid, mailboxes: &[String]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("registration", &registration.to_string());
    for wish in ["show", "read", "send", "application"] {
        query.append_pair(wish, "on");
    }
    query.append_pair("mailboxes", &mailboxes.join(", "));
    format!("/registrations/set-up?{}#fence", query.finish())
}

/// POST /applications/{id}/check
pub async fn check_now(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    if !is_application(&state.connections, id).await?
        || accounts::account(&state.connections.db, admin.workspace(), id).await?.is_none()
    {
        return Err(Problem::not_found("application"));
    }
    check(&state.connections, admin.workspace(), &admin.user().email, id).await?;
    state.shell.bus.tell("sources");
    Ok(see_other(&format!("/applications/{id}")))
}

/// POST /applications/{id}/mailboxes
pub async fn change(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let account = state.account(admin.workspace(), id).await?;
    if !is_application(connections, id).await? {
        return Err(Problem::not_found("application"));
    }
    let mailboxes = read_mailboxes(&posted.mailboxes)
        .map_err(|wrong| Problem::invalid("These mailboxes cannot be kept.", wrong.to_string()))?;
    let control = posted.control.trim();
    if mailboxes.is_empty() || mailboxes.iter().any(|inside| inside.eq_ignore_ascii_case(control)) {
        return Err(Problem::invalid(
            "These mailboxes cannot be kept.",
            "Name at least one by its address, and as the one outside the fence one that is not among them.",
        ));
    }
    let mut tx = connections.db.begin().await?;
    rows::put_mailboxes(&mut tx, id, &mailboxes, control).await?;
    audit::record(&mut tx, &admin.actor(), "change application", &account.username, &mailboxes.join(", "))
        .await?;
    tx.commit().await?;
    check(connections, admin.workspace(), &admin.user().email, id).await?;
    Ok(flash_to(
        &admin,
        &Flash::done(
            "The mailboxes are kept and were tried. The scope in Exchange has to be changed as well: the commands for the fence have the \
             line (Set-ManagementScope).",
        ),
        &format!("/applications/{id}"),
    ))
}

/// Whether an account is the application itself.
pub async fn is_application(connections: &Connections, account: Uuid) -> Result<bool, StoreError> {
    rows::is_application(&connections.db, account).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16) -> Result<u64, Fault> {
        let mut fault = Fault::own("own.configuration", "");
        fault.status = Some(status);
        Err(fault)
    }

    /// Promise: mailboxes that do not answer cost those behind them nothing while a place is left, many cost no more than the check may
    /// take, and each that was not reached is named.
    #[tokio::test]
    async fn a_check_ends_in_time_and_names_who_was_not_reached() {
        let addresses: Vec<String> = (0..30).map(|n| format!("box{n}@contoso.test")).collect();
        let ask = async |hanging: usize| {
            let mut mailboxes: Vec<(String, BoxFuture<'_, Result<(), Fault>>)> = Vec::new();
            for (n, address) in addresses.iter().enumerate() {
                let hangs = (1..=hanging).contains(&n);
                let answer = async move { if hangs { std::future::pending().await } else { Ok(()) } };
                mailboxes.push((address.clone(), Box::pin(answer)));
            }
            let told = ask_all(mailboxes, Instant::now() + Duration::from_millis(500)).await;
            assert!(told.iter().map(|(address, ..)| address).eq(&addresses), "in their order");
            told.into_iter()
                .map(|(_, answer, _)| answer.map_or_else(|fault| fault.detail, |()| "reached".to_owned()))
                .collect::<Vec<_>>()
        };
        let all = |told: &[String], what: &str| told.iter().all(|told| told.contains(what));
        let told = ask(AT_ONCE - 1).await;
        assert!(all(&told[1..AT_ONCE], "did not answer in time"), "{told:?}");
        assert!(all(&told[AT_ONCE..], "reached") && told[0] == "reached", "{told:?}");
        let told = ask(AT_ONCE).await;
        assert!(all(&told[1..=AT_ONCE], "did not answer in time"), "{told:?}");
        assert!(all(&told[AT_ONCE + 1..], "no time left"), "{told:?}");
    }

    /// Promise: only a refusal proves a fence; what can be read proves that there is none, and anything else nothing.
    #[test]
    fn only_a_refusal_proves_the_fence() {
        assert_eq!(Fence::of(&Ok(3_u64)), Fence::Open);
        assert_eq!(Fence::of(&refused(403)), Fence::Holds);
        for status in [401, 404, 429, 500, 503] {
            assert_eq!(Fence::of(&refused(status)), Fence::Unclear, "{status}");
        }
        // Over EWS the status is that of every fault: its code is what refuses.
        let mut denied = Fault::own("own.configuration", "");
        (denied.status, denied.code) = (Some(500), "ErrorImpersonateUserDenied".to_owned());
        assert_eq!(Fence::of::<u64>(&Err(denied)), Fence::Holds);
        assert!(Fence::Open > Fence::Unclear && Fence::Unclear > Fence::Holds, "the worst counts");
        assert!(words("holds").1 && !words("open").1 && !words("unchecked").1 && !words("unclear").1);
        assert!(words("open").0.contains("2 hours"));
    }
}
