//! *Create* over Exchange Web Services: a Message Source or a Message Outbound, with the warning that EWS needs.
//!
//! EWS takes one permission of its own, `EWS.AccessAsUser.All` on the server that is asked. An account that has it goes on to the page
//! where the connection is made. Any other is sent to sign in for it, since Microsoft alone knows whether the person may consent, may
//! ask for it (AADSTS90095) or has to send a link (AADSTS90094); who has to wait goes on by themselves once it is approved.

use axum::extract::{Form, Query, State as Shared};
use axum::response::Response;
use fault::{Class, Fault};
use http::StatusCode;
use serde::Deserialize;
use url::{Host, Url};
use uuid::Uuid;

use super::application::{self, Fence};
use super::connection_type::{self, ConnectionType};
use super::consent;
use super::goal::{Goal, Way};
use super::pages::CreateEwsPage;
use super::routes::{State, flash_to, see_other};
use super::scopes;
use super::sign_in::{self, Asked, Purpose, Who};
use super::store::accounts::{self, Account};
use super::store::applications;
use crate::access::Admin;
use crate::web::components::FaultView;
use crate::web::form::{Choice, Field, Fields};
use crate::web::{self, Flash, Problem};

/// The choice of an account that is not signed in yet.
const ANOTHER: &str = "another";

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Source,
    Outbound,
}

impl Kind {
    fn goal(self, ews_url: &str) -> Goal {
        match self {
            Self::Source => Goal::Source(Way::ews(ews_url)),
            Self::Outbound => Goal::Outbound(Way::ews(ews_url)),
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Source => "Create a Message Source over EWS",
            Self::Outbound => "Create a Message Outbound over EWS",
        }
    }

    const fn account_hint(self) -> &'static str {
        match self {
            Self::Source => "Who reads the mailbox; a shared one is named on the next page.",
            Self::Outbound => "Who sends; a shared mailbox is named on the next page.",
        }
    }

    const fn then(self) -> &'static str {
        match self {
            Self::Source => "Nothing is read before you confirm what the source shall do.",
            Self::Outbound => "Nothing is sent before you press Ping, which mails you a test.",
        }
    }
}

/// What is posted, and what the address may fill in.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Posted {
    #[serde(default)]
    account: String,
    #[serde(default)]
    ews_url: String,
}

fn fields(kind: Kind, accounts: &[Account], posted: &Posted) -> Fields {
    let mut choices: Vec<Choice> =
        accounts.iter().map(|account| Choice::new(account.id.to_string(), &account.username)).collect();
    choices.push(Choice::new(ANOTHER, "Another account: sign in with Microsoft"));
    let first = accounts.first().map_or_else(|| ANOTHER.to_owned(), |account| account.id.to_string());
    let chosen = if posted.account.is_empty() { &first } else { &posted.account };
    Fields::new(vec![
        Field::select("account", "Account", choices).value(chosen).hint(kind.account_hint()),
        Field::url("ews_url", "Exchange server")
            .optional()
            .value(&posted.ews_url)
            .placeholder("https://mail.example.com/EWS/Exchange.asmx")
            .hint("Only for a server of your own, which must take tokens of this tenant (hybrid modern authentication). Empty: Exchange Online."),
    ])
}

async fn page(
    admin: &Admin,
    state: &State,
    kind: Kind,
    fields: Fields,
    fault: Option<FaultView>,
) -> Result<Response, Problem> {
    let is_wrong = fault.is_some() || fields.failed();
    let goal = kind.goal("");
    let page = CreateEwsPage {
        frame: admin.frame(goal.section(), kind.title()),
        list: goal.list(),
        action: format!("{}/create-ews", goal.list().0),
        warning: connection_type::WARNING,
        then: kind.then(),
        fault,
        fields,
    };
    // Its form may lead to Microsoft's pages.
    let mut response = match sign_in::login_url(state, admin).await {
        Some(login) => web::page_leading_to(&page, &login)?,
        None => web::page(&page)?,
    };
    if is_wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// The server of one's own that an account was let into, for who comes back to the form: only its origin is known.
async fn server_of(state: &State, account: &Account) -> Option<String> {
    let usual = state.connections.ews_scope_of(account.id, "").await.ok()?;
    let own =
        scopes::of_ews(&account.scopes).into_iter().find(|scope| !scope.eq_ignore_ascii_case(&usual))?;
    Some(format!("{}/EWS/Exchange.asmx", own.rsplit_once('/')?.0))
}

async fn show(admin: &Admin, state: &State, kind: Kind, mut posted: Posted) -> Result<Response, Problem> {
    let accounts = accounts::signed_in(&state.connections.db, admin.workspace()).await?;
    let id = Uuid::parse_str(&posted.account).ok();
    if let Some(account) = accounts.iter().find(|account| Some(account.id) == id)
        && posted.ews_url.is_empty()
    {
        posted.ews_url = server_of(state, account).await.unwrap_or_default();
    }
    let fields = fields(kind, &accounts, &posted);
    page(admin, state, kind, fields, None).await
}

/// GET /sources/create-ews?account=
pub async fn show_source(
    admin: Admin,
    Shared(state): Shared<State>,
    Query(posted): Query<Posted>,
) -> Result<Response, Problem> {
    show(&admin, &state, Kind::Source, posted).await
}

/// GET /outbounds/create-ews?account=
pub async fn show_outbound(
    admin: Admin,
    Shared(state): Shared<State>,
    Query(posted): Query<Posted>,
) -> Result<Response, Problem> {
    show(&admin, &state, Kind::Outbound, posted).await
}

/// POST /sources/create-ews
pub async fn submit_source(
    admin: Admin,
    Shared(state): Shared<State>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    submit(admin, &state, Kind::Source, posted).await
}

/// POST /outbounds/create-ews
pub async fn submit_outbound(
    admin: Admin,
    Shared(state): Shared<State>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    submit(admin, &state, Kind::Outbound, posted).await
}

async fn submit(admin: Admin, state: &State, kind: Kind, posted: Posted) -> Result<Response, Problem> {
    let connections = &state.connections;
    let accounts = accounts::signed_in(&connections.db, admin.workspace()).await?;
    let mut fields = fields(kind, &accounts, &posted);
    let own = posted.ews_url.trim();
    if !own.is_empty() && !is_server(own) {
        fields.fail(
            "ews_url",
            "Write the whole https address, such as https://mail.example.com/EWS/Exchange.asmx.",
        );
        return page(&admin, state, kind, fields, None).await;
    }
    let goal = kind.goal(own);
    if posted.account == ANOTHER {
        let registration = accounts::registration(&connections.db, admin.workspace())
            .await?
            .ok_or_else(sign_in::no_registration)?;
        let asked = match connections.ews_url_at(registration, own).await {
            Ok(url) => Asked::of(&scopes::asked_for_ews(&connection_type::ews_scope(&url))),
            Err(fault) => {
                return page(&admin, state, kind, fields, Some(FaultView::of(&fault, None))).await;
            }
        };
        return sign_in::begin(Who::Admin(admin), state, Purpose::New, asked.to(goal), None).await;
    }
    let id = Uuid::parse_str(&posted.account).ok();
    let Some(account) = accounts.into_iter().find(|account| Some(account.id) == id) else {
        fields.fail("account", "Choose an account of the list.");
        return page(&admin, state, kind, fields, None).await;
    };
    match try_out(state, &account, own).await {
        Ok(()) if !application::is_application(connections, account.id).await? => {
            Ok(see_other(&goal.page(account.id)))
        }
        // What fences an application over Graph does not fence it over EWS.
        Ok(()) => {
            let (workspace, actor) = (admin.workspace(), &admin.user().email);
            let way = Way::ews(own);
            let (_, fence) =
                application::check_with(connections, workspace, actor, account.id, Some(&way)).await?;
            if fence == Some(Fence::Open) {
                let text = "Over EWS the application reaches every mailbox of the tenant: its page says how to fence it.";
                return Ok(flash_to(&admin, &Flash::failed(text), &goal.page(account.id)));
            }
            Ok(see_other(&goal.page(account.id)))
        }
        Err((fault, false)) if consent::is_missing(&fault) || fault.entry.class == Class::SignIn => {
            let wanted = sign_in::wanted_over_ews(connections, account.id, own).await?;
            let asked = Asked::of(&wanted).to(goal);
            sign_in::begin(Who::Admin(admin), state, Purpose::Validate(account), asked, None).await
        }
        Err((fault, _)) => page(&admin, state, kind, fields, Some(FaultView::of(&fault, None))).await,
    }
}

/// Whether a token may be sent there: over https, or without leaving this machine.
fn is_server(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let is_here = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return false,
    };
    (url.scheme() == "https" || url.scheme() == "http" && is_here)
        && url.username().is_empty()
        && url.password().is_none()
}

/// Whether the account reaches its own mailbox over EWS; an application, one of its mailboxes. With a fault, whether it is the
/// application's, for whom nobody can sign in.
async fn try_out(state: &State, account: &Account, own: &str) -> Result<(), (Fault, bool)> {
    let connections = &state.connections;
    let named = applications::mailboxes(&connections.db, account.id)
        .await
        .map_err(|error| (Fault::own("own.store", &error.to_string()), true))?;
    let mailboxes: Vec<(&str, &str)> = if named.is_empty() {
        vec![(&account.object_id, &account.username)]
    } else {
        named.iter().map(|address| (address.as_str(), address.as_str())).collect()
    };
    let mut first = None;
    for (native_id, address) in mailboxes {
        let asked = async {
            let over = ConnectionType::Ews;
            let mailbox = connections.mailbox_over(over, account.id, native_id, address, own).await?;
            mailbox.folder("inbox").await
        };
        match asked.await {
            Ok(_) => return Ok(()),
            Err(fault) => {
                first.get_or_insert(fault);
            }
        }
    }
    let fault = first.unwrap_or_else(|| Fault::own("own.configuration", "the account has no mailbox"));
    Err((fault, !named.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a token leaves this machine over https alone, and to no address that hides another.
    #[test]
    fn a_token_goes_over_https_only() {
        for good in [
            "https://mail.contoso.test/EWS/Exchange.asmx",
            "https://mail.contoso.test:8443",
            "http://127.0.0.1:4000",
            "http://[::1]/EWS/Exchange.asmx",
            "http://localhost:4000",
        ] {
            assert!(is_server(good), "{good}");
        }
        for bad in [
            "http://mail.contoso.test/EWS/Exchange.asmx",
            "http://localhost.contoso.test",
            "https://user:word@mail.contoso.test",
            "ftp://127.0.0.1",
            "mail.contoso.test",
            "https://",
        ] {
            assert!(!is_server(bad), "{bad}");
        }
    }
}
