//! *Create*: a Message Source over Exchange Web Services, with the warning that it needs. The account is signed in already; EWS
//! takes one more permission, which an administrator approves. Where that is there, it goes on to the page that confirms.

use axum::extract::{Form, State as Shared};
use axum::response::Response;
use fault::Fault;
use http::StatusCode;
use microsoft::signin;
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use super::connection_type::{self, ConnectionType};
use super::pages::CreateEwsPage;
use super::routes::{State, see_other};
use super::store::accounts::{self, Account};
use super::store::applications;
use crate::access::Admin;
use crate::web::components::{Action, FaultView};
use crate::web::form::{Choice, Field, Fields};
use crate::web::{self, Problem, Section};

/// What is posted.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Posted {
    #[serde(default)]
    account: String,
    #[serde(default)]
    ews_url: String,
}

fn fields(accounts: &[Account], posted: &Posted) -> Fields {
    let choices: Vec<Choice> =
        accounts.iter().map(|account| Choice::new(account.id.to_string(), &account.username)).collect();
    let first = accounts.first().map(|account| account.id.to_string()).unwrap_or_default();
    let chosen = if posted.account.is_empty() { &first } else { &posted.account };
    Fields::new(vec![
        Field::select("account", "Account", choices)
            .value(chosen)
            .hint("Who reads the mailbox; a shared one is named on the next page. Others sign in on Message Sources first."),
        Field::url("ews_url", "Exchange server")
            .optional()
            .value(&posted.ews_url)
            .placeholder("https://mail.example.com/EWS/Exchange.asmx")
            .hint("Only for a server of your own, which must take tokens of this tenant (hybrid modern authentication). Empty: Exchange Online."),
    ])
}

fn page(
    admin: &Admin,
    accounts: &[Account],
    fields: Fields,
    fault: Option<FaultView>,
) -> Result<Response, Problem> {
    let is_wrong = fault.is_some() || fields.failed();
    let frame = admin.frame(Section::Sources, "Create a Message Source over EWS");
    let page = CreateEwsPage {
        frame,
        warning: connection_type::WARNING,
        fault,
        fields,
        nobody: accounts.is_empty(),
    };
    let mut response = web::page(&page)?;
    if is_wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// GET /sources/create-ews
pub async fn show(admin: Admin, Shared(state): Shared<State>) -> Result<Response, Problem> {
    let accounts = accounts::signed_in(&state.connections.db, admin.workspace()).await?;
    let fields = fields(&accounts, &Posted::default());
    page(&admin, &accounts, fields, None)
}

/// POST /sources/create-ews
pub async fn submit(
    admin: Admin,
    Shared(state): Shared<State>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let accounts = accounts::signed_in(&state.connections.db, admin.workspace()).await?;
    let mut fields = fields(&accounts, &posted);
    let id = Uuid::parse_str(&posted.account).ok();
    let Some(account) = accounts.iter().find(|account| Some(account.id) == id) else {
        fields.fail("account", "Choose an account of the list.");
        return page(&admin, &accounts, fields, None);
    };
    let own = posted.ews_url.trim();
    if !own.is_empty() && !is_server(own) {
        fields.fail(
            "ews_url",
            "Write the whole https address, such as https://mail.example.com/EWS/Exchange.asmx.",
        );
        return page(&admin, &accounts, fields, None);
    }
    if let Err(fault) = try_out(&state, account, own).await {
        let mut view = FaultView::of(&fault, None);
        if let Some(link) = approval(&state, account, own, &fault).await {
            view = view
                .with(Action::leave("Approve as an administrator", link.as_str()).primary())
                .with(Action::copy("Copy link for the administrator", link.as_str()));
        }
        return page(&admin, &accounts, fields, Some(view));
    }
    let mut to = format!("/sources/new?account={}&over=ews", account.id);
    if !own.is_empty() {
        let encoded: String = url::form_urlencoded::byte_serialize(own.as_bytes()).collect();
        to = format!("{to}&ews_url={encoded}");
    }
    Ok(see_other(&to))
}

/// Whether a token may be sent there.
fn is_server(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        url.scheme() == "https" && url.has_host() && url.username().is_empty() && url.password().is_none()
    })
}

/// Whether the account reaches its own mailbox over EWS; an application, the first of its mailboxes.
async fn try_out(state: &State, account: &Account, own: &str) -> Result<(), Fault> {
    let named = applications::mailboxes(&state.connections.db, account.id)
        .await
        .map_err(|error| Fault::own("own.store", &error.to_string()))?;
    let (native_id, address) = match named.first() {
        Some(first) => (first, first),
        None => (&account.object_id, &account.username),
    };
    let mailbox =
        state.connections.mailbox_over(ConnectionType::Ews, account.id, native_id, address, own).await?;
    mailbox.folder("inbox").await.map(drop)
}

/// The page at Microsoft where an administrator approves EWS, where that is what is missing.
async fn approval(state: &State, account: &Account, own: &str, fault: &Fault) -> Option<Url> {
    if !matches!(fault.entry.id, "entra.admin_approval" | "entra.consent_required") {
        return None;
    }
    let registration = state.connections.registration(account.app_registration_id).await.ok()?;
    let ews_url = state.connections.ews_url_of(account.id, own).await.ok()?;
    Some(signin::admin_consent_address(
        &registration.login_url,
        &account.tenant_id,
        &registration.client_id,
        &[&connection_type::ews_scope(&ews_url)],
        &registration.redirect_uri,
        "ews",
    ))
}
