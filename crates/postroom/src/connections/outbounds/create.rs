//! Making an outbound of an account that is signed in, and changing the name beside its address.

use axum::extract::{Form, Path, Query, State as Shared};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use super::pages::OutboundForm;
use crate::access::{Admin, audit};
use crate::connections::routes::{State, flash_to};
use crate::connections::scopes;
use crate::connections::store::accounts::{self, Account};
use crate::connections::store::events::{self, Event, Object};
use crate::connections::store::outbounds::{self as rows, NewOutbound};
use crate::connections::store::sources;
use crate::web::form::{Field, Fields};
use crate::web::{self, Flash, Problem, Section};

/// `?account=` of the form.
#[derive(Debug, Deserialize)]
pub struct Of {
    account: Uuid,
}

/// What is posted.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Posted {
    #[serde(default)]
    mailbox: String,
    #[serde(default)]
    from_name: String,
}

async fn account(state: &State, admin: &Admin, id: Uuid) -> Result<Account, Problem> {
    accounts::account(&state.connections.db, admin.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("account"))
}

fn name_field(posted: &Posted) -> Field {
    Field::line("from_name", "Name beside the address")
        .value(&posted.from_name)
        .hint("What recipients read as the sender. Exchange may show the mailbox's own name instead.")
        .optional()
        .placeholder("Contoso Support")
}

fn fields(account: &Account, posted: &Posted) -> Fields {
    let value = if posted.mailbox.is_empty() { &account.username } else { &posted.mailbox };
    let hint = if scopes::is_granted(&account.scopes, scopes::SEND_SHARED) {
        "The account's own mailbox, or a shared one that it may send as."
    } else {
        "The account's own mailbox. To send from a shared one, sign in again with shared mailboxes allowed."
    };
    Fields::new(vec![Field::email("mailbox", "Mailbox").value(value).hint(hint), name_field(posted)])
}

fn form(admin: &Admin, account: &Account, fields: Fields) -> Result<Response, Problem> {
    let failed = fields.failed();
    let page = OutboundForm {
        frame: admin.frame(Section::Outbounds, "New Message Outbound"),
        action: format!("/outbounds/new?account={}", account.id),
        account: account.username.clone(),
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
    let account = account(&state, &admin, of.account).await?;
    let fields = fields(&account, &Posted::default());
    form(&admin, &account, fields)
}

/// POST /outbounds/new?account=
pub async fn submit(
    admin: Admin,
    Shared(state): Shared<State>,
    Query(of): Query<Of>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let account = account(&state, &admin, of.account).await?;
    let mut filled = fields(&account, &posted);
    let address = posted.mailbox.trim();
    let is_own = address.eq_ignore_ascii_case(&account.username);
    let native_id = if is_own { account.object_id.clone() } else { address.to_lowercase() };
    if !address.contains('@') {
        filled.fail("mailbox", "This is no address: write name@company.com.");
    } else if !may_send(&account, is_own) {
        let error = if is_own {
            "The right to send (Mail.Send) was not granted: sign in again from Message Outbounds."
        } else {
            "The right to send from shared mailboxes (Mail.Send.Shared) was not granted: sign in again with shared mailboxes \
             allowed."
        };
        filled.fail("mailbox", error);
    }
    if posted.from_name.chars().count() > 120 || posted.from_name.chars().any(char::is_control) {
        filled.fail("from_name", "Write a name of up to 120 characters on one line.");
    }
    if filled.failed() {
        return form(&admin, &account, filled);
    }
    let asked = async {
        let mailbox = state.connections.mailbox_for(account.id, &native_id).await?;
        mailbox.folder("drafts").await
    };
    if let Err(fault) = asked.await {
        filled.fail("mailbox", format!("It cannot be used: {}", fault.told()));
        return form(&admin, &account, filled);
    }
    let (now, workspace) = (state.connections.clock.now(), admin.workspace());
    let mut tx = state.connections.db.begin().await?;
    let mailbox = match sources::mailbox(&mut tx, &account.tenant_id, &native_id, address).await? {
        Some(known) if known.workspace_id != workspace => {
            filled.fail("mailbox", format!("{address} belongs to another workspace of this installation."));
            return form(&admin, &account, filled);
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
        connection_type: "graph",
        from_name: posted.from_name.trim().to_owned(),
        now,
    };
    if !rows::insert(&mut tx, &new).await? {
        filled.fail("mailbox", "This mailbox has an outbound already: change that one.");
        return form(&admin, &account, filled);
    }
    audit::record(&mut tx, &admin.actor(), "create outbound", address, &account.username).await?;
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

/// GET /outbounds/{id}/edit
pub async fn edit(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let outbound = rows::one(&state.connections.db, admin.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("Message Outbound"))?;
    let posted = Posted { mailbox: outbound.mailbox.clone(), from_name: outbound.from_name.clone() };
    web::page(&OutboundForm {
        frame: admin.frame(Section::Outbounds, format!("Settings of {}", outbound.mailbox)),
        action: format!("/outbounds/{id}/edit"),
        account: outbound.username,
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
    let outbound = rows::one(&state.connections.db, admin.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("Message Outbound"))?;
    let name = posted.from_name.trim();
    if name.chars().count() > 120 || name.chars().any(char::is_control) {
        return Err(Problem::invalid(
            "The name is too long or holds characters that no name has.",
            "Write a name of up to 120 characters on one line.",
        ));
    }
    let mut tx = state.connections.db.begin().await?;
    rows::rename(&mut tx, admin.workspace(), id, name, state.connections.clock.now()).await?;
    audit::record(&mut tx, &admin.actor(), "change outbound", &outbound.mailbox, name).await?;
    tx.commit().await?;
    Ok(flash_to(&admin, &Flash::done(format!("{} is kept.", outbound.mailbox)), &format!("/outbounds/{id}")))
}
