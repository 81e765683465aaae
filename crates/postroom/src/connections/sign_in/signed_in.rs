//! Who is signed in, what was granted and what is missing.

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use store::StoreError;
use uuid::Uuid;

use super::asked::wanted_again;
use super::login_url;
use crate::access::{Role, Viewer};
use crate::connections::connection_type::ConnectionType;
use crate::connections::goal::Goal;
use crate::connections::pages::{GrantedView, SignedInPage};
use crate::connections::routes::{State, see_other};
use crate::connections::store::accounts::{self as rows, Account};
use crate::connections::store::uses;
use crate::connections::{Connections, application, enterprise, scopes};
use crate::web::components::Action;
use crate::web::{self, Problem, Section};

/// GET /accounts/{id}
pub async fn signed_in(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let account = state.account(viewer.workspace(), id).await?;
    if application::is_application(connections, id).await? {
        return Ok(see_other(&format!("/applications/{id}")));
    }
    let admin = viewer.may(Role::Admin);
    let uses = uses::of(&connections.db, id).await?;
    let wanted = wanted_again(connections, &account).await?;
    let goal = Goal::of_stored(&account.goal);
    // Somebody who signs in at Message Sources with an account that sends wants a source.
    let is_made = if goal.is_outbound() { uses.outbounds > 0 } else { uses.sources > 0 };
    let back = (!uses.is_none()).then(|| Action::go(format!("Back to its {}", uses.words()), uses.list()));
    let on = Action::go(goal.label(), next_page(&account)).primary();
    let mut next = match back {
        Some(back) if is_made => vec![back.primary()],
        back => std::iter::once(on).chain(back).collect(),
    };
    if admin && uses.sources > 0 {
        next.push(Action::go("Read another folder or mailbox", page_to_read(&account)));
    }
    let granted = granted(connections, &account, &wanted).await?;
    let links = if admin {
        vec![
            Action::go("Let its owner sign in by a link", format!("/sign-in-links/new?account={id}")),
            viewer.post("Replace by another account", format!("/accounts/{id}/replace")),
            viewer.post("Sign in by a code", "/device-sign-ins").field("account", id.to_string()),
        ]
    } else {
        Vec::new()
    };
    let sends = if is_made { uses.sources == 0 } else { goal.is_outbound() };
    let section = if sends { Section::Outbounds } else { Section::Sources };
    let list = if sends { ("/outbounds", "Message Outbounds") } else { ("/sources", "Message Sources") };
    let page = SignedInPage { frame: viewer.frame(section, "Signed in"), granted, links, list, next };
    match login_url(&state, &viewer).await {
        Some(login) => web::page_leading_to(&page, &login),
        None => web::page(&page),
    }
}

/// Who is signed in, what was granted of what was wanted and what not, and what Postroom is in their tenant.
async fn granted(
    connections: &Connections,
    account: &Account,
    wanted: &[String],
) -> Result<GrantedView, StoreError> {
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let (granted, missing) = scopes::in_words(&account.scopes, &wanted);
    let consent = match rows::consent(&connections.db, account.id).await?.as_str() {
        "admin" => "An administrator's consent covers it.",
        "user" => "The person's own consent covers it.",
        _ => {
            "Whether the person's own consent or an administrator's covers it is not known: the directory tells that only to apps \
             with Application.Read.All and DelegatedPermissionGrant.Read.All."
        }
    };
    Ok(GrantedView {
        username: account.username.clone(),
        display_name: account.display_name.clone(),
        tenant: account.tenant_id.clone(),
        granted,
        missing,
        lost: scopes::consequences(&account.scopes, &wanted).into_iter().map(str::to_owned).collect(),
        consent,
        enterprise: enterprise::of_account(connections, account).await?,
    })
}

/// The same where the sign-in goes on to a form at once: held against what is needed there, too. None for an application, which has
/// a page of its own.
pub async fn granted_for(
    connections: &Connections,
    account: &Account,
    goal: &Goal,
) -> Result<Option<GrantedView>, StoreError> {
    if application::is_application(connections, account.id).await? {
        return Ok(None);
    }
    let needed: Vec<String> = match goal {
        Goal::Source(way) | Goal::Outbound(way) if way.over == ConnectionType::Ews => {
            // Where the server is not known, the form says so.
            let scope = connections.ews_scope_of(account.id, &way.ews_url).await.ok();
            scope.iter().flat_map(|scope| scopes::asked_for_ews(scope)).map(str::to_owned).collect()
        }
        goal if goal.is_outbound() => scopes::asked_to_send(false).into_iter().map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let mut wanted = wanted_again(connections, account).await?;
    for scope in needed {
        if !wanted.iter().any(|own| own.eq_ignore_ascii_case(&scope)) {
            wanted.push(scope);
        }
    }
    granted(connections, account, &wanted).await.map(Some)
}

/// Where an account goes on that nothing uses yet: to what its owner signed in for; else a source is made of it.
pub fn next_page(account: &Account) -> String {
    let goal = Goal::of_stored(&account.goal);
    if goal.is_outbound() { goal.page(account.id) } else { page_to_read(account) }
}

/// Where a source is made of an account, the first or another one: the way that it signed in for, else over Graph unless it was let
/// into EWS alone.
fn page_to_read(account: &Account) -> String {
    let goal = Some(Goal::of_stored(&account.goal)).filter(|goal| !goal.is_outbound()).unwrap_or_default();
    let is_ews_alone =
        !scopes::of_ews(&account.scopes).is_empty() && !scopes::is_granted(&account.scopes, scopes::MAIL);
    if goal == Goal::Account && is_ews_alone {
        format!("/sources/create-ews?account={}", account.id)
    } else {
        goal.page(account.id)
    }
}
