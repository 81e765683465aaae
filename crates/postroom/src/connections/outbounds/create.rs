//! Making an outbound of an account that is signed in, and changing the name beside its address.

use axum::extract::{Form, Path, Query, State as Shared};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use super::pages::OutboundForm;
use crate::access::{Admin, audit};
use crate::connections::connection_type::{self, ConnectionType};
use crate::connections::goal::{Goal, Way};
use crate::connections::routes::{State, flash_to};
use crate::connections::scopes;
use crate::connections::sign_in;
use crate::connections::store::accounts::{self, Account};
use crate::connections::store::applications;
use crate::connections::store::events::{self, Event, Object};
use crate::connections::store::outbounds::{self as rows, NewOutbound};
use crate::connections::store::sources;
use crate::web::form::{Choice, Field, Fields};
use crate::web::{self, Flash, Problem, Section};

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

/// Who sends, and how.
struct About {
    account: Account,
    /// For an application: the mailboxes that it may be used for.
    mailboxes: Vec<String>,
    way: Way,
}

impl About {
    async fn of(state: &State, admin: &Admin, of: Of) -> Result<Self, Problem> {
        let db = &state.connections.db;
        let account = state.account(admin.workspace(), of.account).await?;
        let mailboxes = applications::mailboxes(db, account.id).await?;
        let way = match ConnectionType::of_word(&of.over) {
            ConnectionType::Ews => Way::ews(&of.ews_url),
            ConnectionType::Graph => Way::graph(),
        };
        Ok(Self { account, mailboxes, way })
    }

    fn is_over_ews(&self) -> bool {
        self.way.over == ConnectionType::Ews
    }
}

/// What is posted.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Posted {
    #[serde(default)]
    mailbox: String,
    #[serde(default)]
    from_name: String,
}

fn name_field(posted: &Posted) -> Field {
    Field::line("from_name", "Name beside the address")
        .value(&posted.from_name)
        .hint("What recipients read as the sender. Exchange may show the mailbox's own name instead.")
        .optional()
        .placeholder("Contoso Support")
}

fn fields(about: &About, posted: &Posted) -> Fields {
    if !about.mailboxes.is_empty() {
        let choices = about.mailboxes.iter().map(|own| Choice::new(own, own)).collect();
        let chosen = if posted.mailbox.is_empty() { &about.mailboxes[0] } else { &posted.mailbox };
        let mailbox = Field::select("mailbox", "Mailbox", choices)
            .value(chosen)
            .hint("Those that the application may be used for.");
        return Fields::new(vec![mailbox, name_field(posted)]);
    }
    let value = if posted.mailbox.is_empty() { &about.account.username } else { &posted.mailbox };
    let hint = if about.is_over_ews() || scopes::is_granted(&about.account.scopes, scopes::SEND_SHARED) {
        "The account's own mailbox, or a shared one that it may send as."
    } else {
        "The account's own mailbox. To send from a shared one, sign in again with shared mailboxes allowed."
    };
    Fields::new(vec![Field::email("mailbox", "Mailbox").value(value).hint(hint), name_field(posted)])
}

async fn form(state: &State, admin: &Admin, about: &About, fields: Fields) -> Result<Response, Problem> {
    let failed = fields.failed();
    let goal = Goal::Outbound(about.way.clone());
    let granted = sign_in::granted_for(&state.connections, &about.account, &goal).await?;
    let page = OutboundForm {
        frame: admin.frame(Section::Outbounds, "New Message Outbound"),
        warning: about.is_over_ews().then_some(connection_type::WARNING),
        action: format!("/outbounds/new?{}", about.way.query(about.account.id)),
        account: about.account.username.clone(),
        granted,
        fields,
        button: "Create the outbound",
    };
    let mut response = web::page(&page)?;
    if failed {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// GET /outbounds/new?account=
pub async fn show(
    admin: Admin,
    Shared(state): Shared<State>,
    Query(of): Query<Of>,
) -> Result<Response, Problem> {
    let about = About::of(&state, &admin, of).await?;
    let fields = fields(&about, &Posted::default());
    form(&state, &admin, &about, fields).await
}

/// What is wrong with a mailbox, before it is asked.
fn objection(about: &About, address: &str, is_own: bool) -> Option<&'static str> {
    if !about.mailboxes.is_empty() {
        let is_named = about.mailboxes.iter().any(|named| named.eq_ignore_ascii_case(address));
        return (!is_named).then_some(
            "The application may not be used for this mailbox: add it on the application's page.",
        );
    }
    if !address.contains('@') {
        return Some("This is no address: write name@company.com.");
    }
    // EWS has one permission, for all mailboxes that the person has rights on; the mailbox itself says whether it has them.
    if about.is_over_ews() || may_send(&about.account, is_own) {
        return None;
    }
    Some(if is_own {
        "The right to send (Mail.Send) was not granted: sign in again from Message Outbounds."
    } else {
        "The right to send from shared mailboxes (Mail.Send.Shared) was not granted: on Message Outbounds choose Create, Shared \
         mailbox, and sign in once more."
    })
}

/// POST /outbounds/new?account=
pub async fn submit(
    admin: Admin,
    Shared(state): Shared<State>,
    Query(of): Query<Of>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let about = About::of(&state, &admin, of).await?;
    let (account, way) = (&about.account, &about.way);
    let mut filled = fields(&about, &posted);
    let address = posted.mailbox.trim();
    let is_own = address.eq_ignore_ascii_case(&account.username);
    let native_id = if is_own { account.object_id.clone() } else { address.to_lowercase() };
    if let Some(objection) = objection(&about, address, is_own) {
        filled.fail("mailbox", objection);
    }
    if let Some(objection) = objection_to_name(&posted.from_name) {
        filled.fail("from_name", objection);
    }
    if filled.failed() {
        return form(&state, &admin, &about, filled).await;
    }
    let asked = async {
        let connections = &state.connections;
        let mailbox =
            connections.mailbox_over(way.over, account.id, &native_id, address, &way.ews_url).await?;
        mailbox.folder("drafts").await
    };
    if let Err(fault) = asked.await {
        filled.fail("mailbox", format!("It cannot be used: {}", fault.told()));
        return form(&state, &admin, &about, filled).await;
    }
    let (now, workspace) = (state.connections.clock.now(), admin.workspace());
    let mut tx = state.connections.db.begin().await?;
    let mailbox = match sources::mailbox(&mut tx, &account.tenant_id, &native_id, address).await? {
        Some(known) if known.workspace_id != workspace => {
            filled.fail("mailbox", format!("{address} belongs to another workspace of this installation."));
            return form(&state, &admin, &about, filled).await;
        }
        Some(known) => known.id,
        None => {
            sources::add_mailbox(&mut tx, workspace, &account.tenant_id, &native_id, address, now).await?
        }
    };
    let new = NewOutbound {
        id: Uuid::now_v7(),
        workspace,
        account: account.id,
        mailbox,
        connection_type: way.over.word(),
        ews_url: way.ews_url.clone(),
        from_name: posted.from_name.trim().to_owned(),
        now,
    };
    if !rows::insert(&mut tx, &new).await? {
        filled.fail("mailbox", "This mailbox has an outbound already: change that one.");
        return form(&state, &admin, &about, filled).await;
    }
    // What it signed in for is done.
    accounts::set_goal(&mut tx, account.id, "").await?;
    let detail = format!("{} over {}", account.username, way.over);
    audit::record(&mut tx, &admin.actor(), "create outbound", address, &detail).await?;
    let event = Event {
        object: Object::Outbound,
        id: new.id,
        kind: "confirmed",
        text: "created",
        actor: &admin.user().email,
        detail: None,
    };
    events::add(&mut tx, workspace, now, &event).await?;
    tx.commit().await?;
    state.shell.bus.tell("sources");
    let flash = Flash::done(format!("{address} can send. Ping it: you get a test mail."));
    Ok(flash_to(&admin, &flash, "/outbounds"))
}

fn may_send(account: &Account, is_own: bool) -> bool {
    let granted = |scope| scopes::is_granted(&account.scopes, scope);
    granted(scopes::SEND_SHARED) || (is_own && granted(scopes::SEND))
}

fn objection_to_name(name: &str) -> Option<&'static str> {
    let is_good = name.trim().chars().count() <= 120 && !name.chars().any(char::is_control);
    (!is_good).then_some("Write a name of up to 120 characters on one line.")
}

/// GET /outbounds/{id}/edit
pub async fn edit(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let outbound = state.outbound(admin.workspace(), id).await?;
    let posted = Posted { mailbox: outbound.mailbox.clone(), from_name: outbound.from_name.clone() };
    web::page(&OutboundForm {
        frame: admin.frame(Section::Outbounds, format!("Settings of {}", outbound.mailbox)),
        warning: None,
        action: format!("/outbounds/{id}/edit"),
        account: outbound.username,
        granted: None,
        fields: Fields::new(vec![name_field(&posted)]),
        button: "Keep these settings",
    })
}

/// POST /outbounds/{id}/edit
pub async fn submit_edit(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let outbound = state.outbound(admin.workspace(), id).await?;
    let name = posted.from_name.trim();
    if let Some(mend) = objection_to_name(name) {
        return Err(Problem::invalid("The name is too long or holds characters that no name has.", mend));
    }
    let mut tx = state.connections.db.begin().await?;
    rows::rename(&mut tx, admin.workspace(), id, name, state.connections.clock.now()).await?;
    audit::record(&mut tx, &admin.actor(), "change outbound", &outbound.mailbox, name).await?;
    tx.commit().await?;
    Ok(flash_to(&admin, &Flash::done(format!("{} is kept.", outbound.mailbox)), &format!("/outbounds/{id}")))
}
