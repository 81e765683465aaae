//! What a new Message Source shall do: the form that confirms it, the dry run beside it, and changing it later.
//!
//! [`Offer`] is what can be chosen (folders from the mailbox, projects and issue types from Jira, asked live); `form` is filled in
//! with it, `judge` holds what was posted against it. A source reads nothing before it is kept here.

mod folder_tree;
mod form;
mod judge;

use axum::extract::{Form, Path, Query, State as Shared};
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use self::form::{Filled, fill};
use self::judge::judge;
use super::connection_type::ConnectionType;
use super::dry_run;
use super::goal::{Goal, Way};
use super::keep::{Chosen, Kept, keep};
use super::offer::{self, Offer, Reading};
use super::pages::{ConfirmPage, DryRun};
use super::routes::{State, flash_to, time};
use super::sign_in;
use super::start_day;
use super::store::accounts::{self, Account};
use super::store::applications;
use super::store::sources::{self, Source};
use crate::access::Admin;
use crate::inbound::decide::Place;
use crate::web::components::FaultView;
use crate::web::{self, Flash, Problem, Section};

/// What is posted.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Posted {
    #[serde(default)]
    pub(in crate::connections) mailbox: String,
    #[serde(default)]
    pub(in crate::connections) folder: String,
    /// The folder's path, written in place of a choice.
    #[serde(default)]
    pub(in crate::connections) folder_path: String,
    #[serde(default)]
    pub(in crate::connections) start: String,
    #[serde(default)]
    pub(in crate::connections) since: String,
    /// The time zone whose midnight that day begins with.
    #[serde(default)]
    pub(in crate::connections) zone: String,
    #[serde(default)]
    pub(in crate::connections) project: String,
    #[serde(default)]
    pub(in crate::connections) issue_type: String,
    #[serde(default)]
    pub(in crate::connections) profile: String,
    #[serde(default)]
    pub(in crate::connections) handled: String,
    #[serde(default)]
    pub(in crate::connections) handled_target: String,
    /// `on`: it begins in shadow mode.
    #[serde(default)]
    pub(in crate::connections) shadow: String,
    #[serde(default, rename = "do")]
    pub(in crate::connections) wanted: String,
}

/// `?account=&over=&ews_url=&mailbox=` of the form.
#[derive(Debug, Deserialize)]
pub struct Of {
    account: Uuid,
    /// `ews`, or nothing.
    #[serde(default)]
    over: String,
    /// The address of an Exchange server of one's own.
    #[serde(default)]
    ews_url: String,
    /// The mailbox that stands in it at first; empty: the account's own.
    #[serde(default)]
    mailbox: String,
}

/// What the form is about.
struct About {
    account: Account,
    /// For an application: the mailboxes that it may be used for.
    mailboxes: Vec<String>,
    /// Mailboxes of the tenant that are known here, to choose from.
    known: Vec<String>,
    over: ConnectionType,
    ews_url: String,
    /// The source that is changed.
    change: Option<Source>,
}

impl About {
    /// A source that is to be made.
    async fn new(state: &State, admin: &Admin, of: Of) -> Result<Self, Problem> {
        let account = account(state, admin, of.account).await?;
        let over = ConnectionType::of_word(&of.over);
        let ews_url = if over == ConnectionType::Ews { of.ews_url } else { String::new() };
        let mailboxes = applications::mailboxes(&state.connections.db, of.account).await?;
        let known = sources::addresses(&state.connections.db, admin.workspace(), &account.tenant_id).await?;
        Ok(Self { account, mailboxes, known, over, ews_url, change: None })
    }
}

/// GET /sources/new?account=, with the mailbox where it is known
pub async fn show(
    admin: Admin,
    Shared(state): Shared<State>,
    Query(of): Query<Of>,
) -> Result<Response, Problem> {
    let mailbox = of.mailbox.clone();
    let about = About::new(&state, &admin, of).await?;
    let posted = Posted {
        mailbox,
        start: "now".to_owned(),
        zone: zone_here(&state),
        handled: "read".to_owned(),
        ..Posted::default()
    };
    let offer = Offer::load(&state, &admin, reading(&about, &posted), &posted).await?;
    let filled = fill(&about, &posted, &offer);
    page(&admin, &state, &about, filled, &offer, None).await
}

/// GET /sources/{id}/edit
pub async fn edit(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let about = changed(&state, &admin, id).await?;
    let posted = about.change.as_ref().map(stored).unwrap_or_default();
    let offer = Offer::load(&state, &admin, reading(&about, &posted), &posted).await?;
    let filled = fill(&about, &posted, &offer);
    page(&admin, &state, &about, filled, &offer, None).await
}

/// POST /sources/new?account=
pub async fn submit(
    admin: Admin,
    Shared(state): Shared<State>,
    Query(of): Query<Of>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let about = About::new(&state, &admin, of).await?;
    let zone = if posted.zone.trim().is_empty() { zone_here(&state) } else { posted.zone };
    take(&admin, &state, about, Posted { zone, ..posted }).await
}

/// POST /sources/{id}/edit
pub async fn submit_edit(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let about = changed(&state, &admin, id).await?;
    // Mailbox, folder and start point are what was read: they are not for changing.
    let fixed = about.change.as_ref().map(stored).unwrap_or_default();
    let posted = Posted {
        mailbox: fixed.mailbox,
        folder: fixed.folder,
        folder_path: String::new(),
        start: fixed.start,
        since: fixed.since,
        zone: fixed.zone,
        ..posted
    };
    take(&admin, &state, about, posted).await
}

async fn account(state: &State, admin: &Admin, id: Uuid) -> Result<Account, Problem> {
    accounts::account(&state.connections.db, admin.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("account"))
}

async fn changed(state: &State, admin: &Admin, id: Uuid) -> Result<About, Problem> {
    let source = sources::one(&state.connections.db, admin.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("Message Source"))?;
    let account = account(state, admin, source.account_id).await?;
    Ok(About {
        account,
        mailboxes: Vec::new(),
        known: Vec::new(),
        over: ConnectionType::of_word(&source.connection_type),
        ews_url: source.ews_url.clone(),
        change: Some(source),
    })
}

/// The installation's time zone.
fn zone_here(state: &State) -> String {
    state.shell.zone.iana_name().unwrap_or("UTC").to_owned()
}

/// A source's settings as its form would post them.
fn stored(source: &Source) -> Posted {
    let project = match (&source.jira_connection_id, &source.project_key) {
        (Some(jira), Some(key)) => offer::project_value(*jira, key),
        _ => String::new(),
    };
    Posted {
        mailbox: source.mailbox.clone(),
        folder: source.folder_id.clone(),
        folder_path: String::new(),
        start: source.start_kind.clone(),
        since: start_day::day(time(source.start_at), &source.start_zone),
        zone: source.start_zone.clone(),
        project,
        issue_type: source.issue_type_name.clone(),
        profile: source.profile_id.map(|id| id.to_string()).unwrap_or_default(),
        handled: source.handled.clone(),
        handled_target: source.handled_name.clone(),
        shadow: String::new(),
        wanted: String::new(),
    }
}

/// Which mailbox the form speaks of.
fn reading(about: &About, posted: &Posted) -> Reading {
    if let Some(source) = &about.change {
        return Reading {
            account: about.account.id,
            native_id: source.mailbox_native_id.clone(),
            address: source.mailbox.clone(),
            is_own: source.mailbox_native_id == about.account.object_id,
            over: about.over,
            ews_url: about.ews_url.clone(),
        };
    }
    let typed = posted.mailbox.trim();
    if let Some(first) = about.mailboxes.first() {
        let chosen = about.mailboxes.iter().find(|own| own.eq_ignore_ascii_case(typed)).unwrap_or(first);
        return Reading {
            account: about.account.id,
            native_id: chosen.clone(),
            address: chosen.clone(),
            is_own: false,
            over: about.over,
            ews_url: about.ews_url.clone(),
        };
    }
    if typed.is_empty() || typed.eq_ignore_ascii_case(&about.account.username) {
        Reading {
            account: about.account.id,
            native_id: about.account.object_id.clone(),
            address: about.account.username.clone(),
            is_own: true,
            over: about.over,
            ews_url: about.ews_url.clone(),
        }
    } else {
        Reading {
            account: about.account.id,
            native_id: typed.to_lowercase(),
            address: typed.to_owned(),
            is_own: false,
            over: about.over,
            ews_url: about.ews_url.clone(),
        }
    }
}

async fn page(
    admin: &Admin,
    state: &State,
    about: &About,
    filled: Filled,
    offer: &Offer,
    dry_run: Option<DryRun>,
) -> Result<Response, Problem> {
    let is_change = about.change.is_some();
    let title = if is_change { "Change a Message Source" } else { "Confirm a Message Source" };
    let action = match &about.change {
        Some(source) => format!("/sources/{}/edit", source.id),
        None => {
            let mut to = format!("/sources/new?account={}", about.account.id);
            if about.over == ConnectionType::Ews {
                to.push_str("&over=ews");
            }
            if !about.ews_url.is_empty() {
                let encoded: String =
                    url::form_urlencoded::byte_serialize(about.ews_url.as_bytes()).collect();
                to.push_str("&ews_url=");
                to.push_str(&encoded);
            }
            to
        }
    };
    // Over Graph the account's page said it before; a sign-in for EWS goes on to here at once.
    let granted = if about.over == ConnectionType::Ews && !is_change {
        let goal = Goal::Source(Way::ews(&about.ews_url));
        sign_in::granted_for(&state.connections, &about.account, &goal).await?
    } else {
        None
    };
    web::page(&ConfirmPage {
        frame: admin.frame(Section::Sources, title),
        action,
        account: about.account.username.clone(),
        granted,
        lying: offer.chosen_folder.as_ref().map(|folder| folder.total),
        junk: offer
            .folders
            .as_ref()
            .ok()
            .filter(|_| !is_change)
            .and_then(|folders| folder_tree::junk(folders)),
        from: filled.from,
        start: filled.start,
        to: filled.to,
        after: filled.after,
        dry_run,
        is_change,
    })
}

async fn take(admin: &Admin, state: &State, about: About, posted: Posted) -> Result<Response, Problem> {
    let offer = Offer::load(state, admin, reading(&about, &posted), &posted).await?;
    let mut filled = fill(&about, &posted, &offer);
    if posted.wanted == "folders" {
        return page(admin, state, &about, filled, &offer, None).await;
    }
    let chosen = judge(state, &about, &posted, &offer, &mut filled).await;
    if posted.wanted == "dry_run" {
        let dry_run = match &chosen {
            Some(chosen) => Some(try_on_newest(admin, state, &about, &offer.reading, chosen).await?),
            None => None,
        };
        return page(admin, state, &about, filled, &offer, dry_run).await;
    }
    let Some(chosen) = chosen else { return page(admin, state, &about, filled, &offer, None).await };
    match keep(admin, state, &about.account, about.change.as_ref(), &offer.reading, chosen).await? {
        Kept::Source(text) => Ok(flash_to(admin, &Flash::done(text), "/sources")),
        Kept::Refused(field, error) => {
            filled.fail(field, error);
            page(admin, state, &about, filled, &offer, None).await
        }
    }
}

async fn try_on_newest(
    admin: &Admin,
    state: &State,
    about: &About,
    reading: &Reading,
    chosen: &Chosen,
) -> Result<DryRun, Problem> {
    let mailbox = match &about.change {
        Some(source) => Some(source.mailbox_id),
        None => {
            let (db, tenant) = (&state.connections.db, &about.account.tenant_id);
            sources::known_mailbox(db, admin.workspace(), tenant, &reading.native_id, &reading.address)
                .await?
        }
    };
    let client = match state.connections.jira(chosen.connection).await {
        Ok(client) => client,
        Err(fault) => return Ok(DryRun::Failed(FaultView::of(&fault, None))),
    };
    let target = dry_run::Target {
        place: Place {
            workspace: admin.workspace(),
            jira_connection: chosen.connection,
            mailbox,
            message: None,
            before: None,
        },
        ids: reading.over.ids(),
        destination: rules::Destination {
            project_key: chosen.project.key.clone(),
            issue_type_id: chosen.issue_type.id.clone(),
            issue_type_name: chosen.issue_type.name.clone(),
        },
        upload_limit: None,
        start: (chosen.start_kind != "everything").then_some(chosen.start_at),
        client,
        profile: chosen.profile,
        origin: rules::Origin {
            name: format!("{} · {}", reading.address, chosen.folder.path),
            mailbox: reading.address.clone(),
            folder: chosen.folder.path.clone(),
        },
        zone: admin.times().zone.clone(),
    };
    let rows = dry_run::newest(
        &state.connections,
        &state.ledger,
        chosen.mailbox.as_ref(),
        &chosen.folder.id,
        &target,
        admin.times(),
    );
    Ok(match rows.await {
        Ok(rows) => DryRun::Rows(rows),
        Err(fault) => DryRun::Failed(FaultView::of(&fault, None)),
    })
}
