//! What a new Message Source shall do: the form that confirms it, the dry run beside it, and changing it later.
//!
//! [`Offer`] is what can be chosen (folders from the mailbox, projects and issue types from Jira, asked live); `judge` holds
//! what was posted against it. A source reads nothing before it is kept here.

use axum::extract::{Form, Path, Query, State as Shared};
use axum::response::Response;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use uuid::Uuid;

use super::connection_type::ConnectionType;
use super::dry_run;
use super::jira_checks;
use super::keep::{Chosen, Kept, keep};
use super::offer::{self, Offer, Reading};
use super::pages::{ConfirmPage, DryRun};
use super::routes::{State, flash_to, time};
use super::store::accounts::{self, Account};
use super::store::applications;
use super::store::sources::{self, Source};
use super::{scopes, start_counts};
use crate::access::Admin;
use crate::web::components::FaultView;
use crate::web::form::{Choice, Field, Fields};
use crate::web::{self, Flash, Problem, Section};

/// What is posted.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Posted {
    #[serde(default)]
    pub(super) mailbox: String,
    #[serde(default)]
    pub(super) folder: String,
    #[serde(default)]
    pub(super) start: String,
    #[serde(default)]
    pub(super) since: String,
    #[serde(default)]
    pub(super) project: String,
    #[serde(default)]
    pub(super) issue_type: String,
    #[serde(default)]
    pub(super) handled: String,
    #[serde(default)]
    pub(super) handled_target: String,
    #[serde(default, rename = "do")]
    pub(super) wanted: String,
}

/// `?account=&over=&ews_url=` of the form.
#[derive(Debug, Deserialize)]
pub struct Of {
    account: Uuid,
    /// `ews`, or nothing.
    #[serde(default)]
    over: String,
    /// The address of an Exchange server of one's own.
    #[serde(default)]
    ews_url: String,
}

/// What the form is about.
struct About {
    account: Account,
    /// For an application: the mailboxes that it may be used for.
    mailboxes: Vec<String>,
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
        Ok(Self { account, mailboxes, over, ews_url, change: None })
    }
}

/// The form's four parts.
struct Filled {
    from: Fields,
    start: Fields,
    to: Fields,
    after: Fields,
}

impl Filled {
    fn fail(&mut self, name: &str, error: impl Into<String>) {
        let part = match name {
            "mailbox" | "folder" => &mut self.from,
            "start" | "since" => &mut self.start,
            "project" | "issue_type" => &mut self.to,
            _ => &mut self.after,
        };
        part.fail(name, error);
    }

    fn failed(&self) -> bool {
        [&self.from, &self.start, &self.to, &self.after].into_iter().any(Fields::failed)
    }
}

/// GET /sources/new?account=
pub async fn show(
    admin: Admin,
    Shared(state): Shared<State>,
    Query(of): Query<Of>,
) -> Result<Response, Problem> {
    let about = About::new(&state, &admin, of).await?;
    let posted = Posted { start: "now".to_owned(), handled: "read".to_owned(), ..Posted::default() };
    let offer = Offer::load(&state, &admin, reading(&about, &posted), &posted).await?;
    let filled = fill(&about, &posted, &offer);
    page(&admin, &about, filled, &offer, None)
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
    page(&admin, &about, filled, &offer, None)
}

/// POST /sources/new?account=
pub async fn submit(
    admin: Admin,
    Shared(state): Shared<State>,
    Query(of): Query<Of>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let about = About::new(&state, &admin, of).await?;
    take(&admin, &state, about, posted).await
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
        start: fixed.start,
        since: fixed.since,
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
        over: ConnectionType::of_word(&source.connection_type),
        ews_url: source.ews_url.clone(),
        change: Some(source),
    })
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
        start: source.start_kind.clone(),
        since: time(source.start_at).strftime("%Y-%m-%d").to_string(),
        project,
        issue_type: source.issue_type_name.clone(),
        handled: source.handled.clone(),
        handled_target: source.handled_name.clone(),
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

fn fill(about: &About, posted: &Posted, offer: &Offer) -> Filled {
    let mut filled = Filled {
        from: Fields::new(from_fields(about, posted, offer)),
        start: Fields::new(start_fields(about, posted, offer)),
        to: Fields::new(vec![
            Field::select("project", "Project", offer.project_choices()).value(offer.chosen_value()),
            Field::select("issue_type", "Issue type", offer.type_choices()).value(
                offer.type_named(&posted.issue_type).map_or_else(String::new, |kind| kind.name.clone()),
            ),
        ]),
        after: Fields::new(vec![
            Field::radio("handled", "Handled mail", ConfirmPage::handled_choices()).value(&posted.handled),
            ConfirmPage::handled_target().value(&posted.handled_target),
        ]),
    };
    if let Err(fault) = &offer.folders {
        let what = if offer.reading.is_own { "The mailbox" } else { "This mailbox" };
        filled.fail("mailbox", format!("{what} cannot be opened: {}", fault.sentence()));
    }
    if let Some(problem) = &offer.project_problem {
        filled.fail("project", problem.clone());
    }
    if let Some(Err(fault)) = &offer.types {
        filled.fail("issue_type", format!("Its issue types cannot be read: {}", fault.sentence()));
    }
    filled
}

fn from_fields(about: &About, posted: &Posted, offer: &Offer) -> Vec<Field> {
    if let Some(source) = &about.change {
        let only = |value: &str, label: &str| vec![Choice::new(value, label)];
        return vec![
            Field::select("mailbox", "Mailbox", only(&source.mailbox, &source.mailbox))
                .value(&source.mailbox),
            Field::select("folder", "Folder", only(&source.folder_id, &source.folder_name))
                .value(&source.folder_id)
                .hint("Another folder is another source."),
        ];
    }
    let folders: Vec<Choice> = match &offer.folders {
        Ok(folders) => folders
            .iter()
            .map(|folder| {
                Choice::new(folder.id.as_str(), format!("{} ({} mails)", folder.path, folder.total))
            })
            .collect(),
        Err(_) => vec![Choice::new("inbox", "Inbox")],
    };
    let chosen = offer.folder(&posted.folder).map_or("inbox", |folder| folder.id.as_str());
    if let Some(first) = about.mailboxes.first() {
        let choices = about.mailboxes.iter().map(|own| Choice::new(own, own)).collect();
        return vec![
            Field::select("mailbox", "Mailbox", choices)
                .value(if posted.mailbox.is_empty() { first } else { &posted.mailbox })
                .hint("Those that the application may be used for. With another one, choose it and try on the newest mails."),
            Field::select("folder", "Folder", folders).value(chosen),
        ];
    }
    vec![
        Field::email("mailbox", "Mailbox")
            .value(if posted.mailbox.is_empty() { &about.account.username } else { &posted.mailbox })
            .hint(format!(
                "{}, or the address of a shared mailbox that it has full access to.",
                about.account.username
            )),
        Field::select("folder", "Folder", folders).value(chosen),
    ]
}

fn start_fields(about: &About, posted: &Posted, offer: &Offer) -> Vec<Field> {
    if let Some(source) = &about.change {
        let words = match source.start_kind.as_str() {
            "everything" => "Everything".to_owned(),
            "since" => format!("Mail since {}", posted.since),
            _ => format!("Mail that came after {}", time(source.start_at).strftime("%Y-%m-%d %H:%M UTC")),
        };
        return vec![
            Field::select("start", "Starts with", vec![Choice::new(&source.start_kind, words)])
                .value(&source.start_kind)
                .hint("It stays as it was confirmed: the mail before it has its end already."),
        ];
    }
    let lying = offer.folder(&posted.folder).map(|folder| folder.total);
    vec![
        Field::radio("start", "Start with", ConfirmPage::start_choices(lying)).value(&posted.start),
        Field::date("since", "Since").optional().value(&posted.since).hint(format!(
            "For the second choice. Midnight in the workspace's time zone.{}",
            start_counts::in_words(offer.counts.as_ref())
        )),
    ]
}

fn page(
    admin: &Admin,
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
    web::page(&ConfirmPage {
        frame: admin.frame(Section::Sources, title),
        action,
        account: about.account.username.clone(),
        lying: offer.chosen_folder.as_ref().map(|folder| folder.total),
        from: filled.from,
        start: filled.start,
        to: filled.to,
        after: filled.after,
        dry_run,
        is_change,
    })
}

/// Holds what was posted against what is offered; `None`: the errors stand beside the fields.
async fn judge(
    admin: &Admin,
    state: &State,
    about: &About,
    posted: &Posted,
    offer: &Offer,
    filled: &mut Filled,
) -> Option<Chosen> {
    // EWS has one permission for all mailboxes that the person has rights on.
    if !offer.reading.is_own
        && about.over == ConnectionType::Graph
        && !scopes::is_granted(&about.account.scopes, scopes::SHARED)
        && about.change.is_none()
    {
        filled.fail(
            "mailbox",
            "Reading a mailbox of somebody else takes one more permission: on Message Sources choose Create, Shared mailbox, \
             and sign in once more.",
        );
    }
    let folder = offer.folder(&posted.folder).cloned();
    if folder.is_none() && offer.folders.is_ok() {
        filled.fail("folder", "This folder is not in the mailbox: choose one of the list.");
    }
    let start = start(admin, state, about, posted, filled);
    let handled = handled(posted, offer, filled);
    let chosen = offer.chosen();
    if chosen.is_none() && offer.project_problem.is_none() {
        filled.fail("project", "Choose the project that new issues go to.");
    }
    let issue_type = offer.type_named(&posted.issue_type).cloned();
    if let (Some((_, project)), None, Some(Ok(_))) = (chosen, &issue_type, &offer.types) {
        filled.fail(
            "issue_type",
            format!("{} has no issue type of that name: choose one of the list.", project.key),
        );
    }
    if let (Some((connection, project)), Some(issue_type)) = (chosen, &issue_type) {
        fit(state, connection, project, issue_type, filled).await;
    }
    if filled.failed() {
        return None;
    }
    let ((connection, project), (start_kind, start_at), (handled, handled_target, handled_name)) =
        (chosen?, start?, handled?);
    Some(Chosen {
        folder: folder?,
        mailbox: offer.mailbox.clone()?,
        connection,
        project: project.clone(),
        issue_type: issue_type?,
        start_kind,
        start_at,
        handled,
        handled_target,
        handled_name,
    })
}

/// Says now what would fail later: missing permissions, fields that the project requires.
async fn fit(
    state: &State,
    connection: Uuid,
    project: &jira::Project,
    issue_type: &jira::IssueType,
    filled: &mut Filled,
) {
    let client = match state.connections.jira(connection).await {
        Ok(client) => client,
        Err(fault) => return filled.fail("project", fault.sentence()),
    };
    let (checks, fields) = tokio::join!(
        jira_checks::check_project(&client, &project.key, Some(&issue_type.id)),
        client.create_fields(&project.key, &issue_type.id),
    );
    if let Some(fault) = checks.iter().find_map(super::ping::Check::fault) {
        filled.fail("project", format!("{fault} ({}). {}", fault.detail, fault.entry.mend));
    }
    match fields {
        Ok(fields) => {
            const OURS: [&str; 6] =
                ["project", "issuetype", "summary", "description", "reporter", "attachment"];
            let missing: Vec<&str> = fields
                .iter()
                .filter(|field| field.required && !field.has_default_value && !OURS.contains(&field.id()))
                .map(|field| field.name.as_str())
                .collect();
            if !missing.is_empty() {
                filled.fail(
                    "issue_type",
                    format!(
                        "Issues of this type need {}, which a mail does not say. Make it optional in Jira, give it a default, or \
                         choose another type.",
                        missing.join(", ")
                    ),
                );
            }
        }
        Err(error) => {
            filled.fail("issue_type", format!("Its fields cannot be read: {}", error.fault.sentence()));
        }
    }
}

fn start(
    admin: &Admin,
    state: &State,
    about: &About,
    posted: &Posted,
    filled: &mut Filled,
) -> Option<(String, Timestamp)> {
    if let Some(source) = &about.change {
        return Some((source.start_kind.clone(), time(source.start_at)));
    }
    let now = state.connections.clock.now();
    match posted.start.as_str() {
        "now" => Some(("now".to_owned(), now)),
        "everything" => Some(("everything".to_owned(), Timestamp::UNIX_EPOCH)),
        "since" => {
            let Ok(day) = posted.since.trim().parse::<Date>() else {
                filled.fail(
                    "since",
                    "The date is missing: write it as year-month-day, for example 2026-03-01.",
                );
                return None;
            };
            let midnight =
                day.to_zoned_datetime(admin.times().zone.clone()).ok().map(|zoned| zoned.timestamp());
            match midnight {
                Some(at) if at <= now => Some(("since".to_owned(), at)),
                _ => {
                    filled.fail("since", "The date lies in the future: choose New mail only to begin now.");
                    None
                }
            }
        }
        _ => {
            filled.fail("start", "Choose where reading begins.");
            None
        }
    }
}

/// What becomes of handled mail: the word, the target as the mailbox knows it, and its name.
fn handled(posted: &Posted, offer: &Offer, filled: &mut Filled) -> Option<(String, String, String)> {
    let target = posted.handled_target.trim();
    match posted.handled.as_str() {
        word @ ("leave" | "read") => Some((word.to_owned(), String::new(), String::new())),
        "category" => {
            if target.is_empty() || target.len() > 255 {
                filled.fail("handled_target", "Write the category's name, for example Handled by Postroom.");
                return None;
            }
            Some(("category".to_owned(), target.to_owned(), target.to_owned()))
        }
        "move" => {
            let folder = offer.folder_called(target);
            let chosen = offer.chosen_folder.as_ref().map(|folder| &folder.id);
            match folder {
                Some(folder) if Some(&folder.id) == chosen => {
                    filled.fail("handled_target", "This is the folder that is read: choose another one.");
                    None
                }
                Some(folder) => Some(("move".to_owned(), folder.id.as_str().to_owned(), folder.path.clone())),
                None => {
                    filled.fail(
                        "handled_target",
                        "The mailbox has no folder of that name: make it in Outlook first, or write its path, for example \
                         Inbox/Handled.",
                    );
                    None
                }
            }
        }
        _ => {
            filled.fail("handled", "Choose what becomes of handled mail.");
            None
        }
    }
}

async fn take(admin: &Admin, state: &State, about: About, posted: Posted) -> Result<Response, Problem> {
    let offer = Offer::load(state, admin, reading(&about, &posted), &posted).await?;
    let mut filled = fill(&about, &posted, &offer);
    let chosen = judge(admin, state, &about, &posted, &offer, &mut filled).await;
    if posted.wanted == "dry_run" {
        let dry_run = match &chosen {
            Some(chosen) => Some(try_on_newest(admin, state, chosen).await),
            None => None,
        };
        return page(admin, &about, filled, &offer, dry_run);
    }
    let Some(chosen) = chosen else { return page(admin, &about, filled, &offer, None) };
    match keep(admin, state, &about.account, about.change.as_ref(), &offer.reading, chosen).await? {
        Kept::Source(text) => Ok(flash_to(admin, &Flash::done(text), "/sources")),
        Kept::Refused(field, error) => {
            filled.fail(field, error);
            page(admin, &about, filled, &offer, None)
        }
    }
}

async fn try_on_newest(admin: &Admin, state: &State, chosen: &Chosen) -> DryRun {
    let target = dry_run::Target {
        workspace: admin.workspace(),
        destination: rules::Destination {
            project_key: chosen.project.key.clone(),
            issue_type_id: chosen.issue_type.id.clone(),
            issue_type_name: chosen.issue_type.name.clone(),
        },
        upload_limit: None,
        start: (chosen.start_kind != "everything").then_some(chosen.start_at),
    };
    let rows = dry_run::newest(
        &state.connections,
        &state.ledger,
        chosen.mailbox.as_ref(),
        &chosen.folder.id,
        &target,
        admin.times(),
    );
    match rows.await {
        Ok(rows) => DryRun::Rows(rows),
        Err(fault) => DryRun::Failed(FaultView::of(&fault, None)),
    }
}
