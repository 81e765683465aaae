//! Who is signed in, what was granted and what is missing.

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use store::StoreError;
use uuid::Uuid;

use super::asked::wanted_again;
use super::begin::account;
use super::login_url;
use crate::access::Viewer;
use crate::connections::goal::Goal;
use crate::connections::pages::SignedInPage;
use crate::connections::routes::{State, see_other};
use crate::connections::store::accounts::{self as rows, Account};
use crate::connections::store::sources;
use crate::connections::{application, enterprise, scopes};
use crate::web::components::Action;
use crate::web::times::counted;
use crate::web::{self, Problem, Section};

/// GET /accounts/{id}
pub async fn signed_in(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let account = account(&state, &viewer, id).await?;
    if application::is_application(connections, id).await? {
        return Ok(see_other(&format!("/applications/{id}")));
    }
    let used = sources_of(&state, &viewer, id).await?;
    let wanted = wanted_again(connections, &account).await?;
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let (granted, missing) = scopes::in_words(&account.scopes, &wanted);
    let lost = scopes::consequences(&account.scopes, &wanted).into_iter().map(str::to_owned).collect();
    let next = if used == 0 {
        Action::go("Choose folder and project", next_page(&account)).primary()
    } else {
        Action::go(format!("Back to its {}", counted(used, "source", "sources")), "/sources").primary()
    };
    let consent = match rows::consent(&connections.db, id).await?.as_str() {
        "admin" => "An administrator's consent covers it.",
        "user" => "The person's own consent covers it.",
        _ => {
            "Whether the person's own consent or an administrator's covers it is not known: the directory tells that only to apps \
             with Application.Read.All and DelegatedPermissionGrant.Read.All."
        }
    };
    let enterprise = enterprise::of_account(connections, &account).await?;
    let links = if viewer.may(crate::access::Role::Admin) {
        vec![
            Action::go("Let its owner sign in by a link", format!("/sign-in-links/new?account={id}")),
            viewer.post("Replace by another account", format!("/accounts/{id}/replace")),
            viewer.post("Sign in by a code", "/device-sign-ins").field("account", id.to_string()),
        ]
    } else {
        Vec::new()
    };
    let frame = viewer.frame(Section::Sources, "Signed in");
    let page = SignedInPage {
        frame,
        username: account.username,
        display_name: account.display_name,
        tenant: account.tenant_id,
        granted,
        missing,
        lost,
        consent,
        enterprise,
        links,
        next,
    };
    match login_url(&state, &viewer).await {
        Some(login) => web::page_leading_to(&page, &login),
        None => web::page(&page),
    }
}

/// Where a source is made of an account: over Graph, unless it was let into EWS alone.
pub fn next_page(account: &Account) -> String {
    let is_ews_alone =
        !scopes::of_ews(&account.scopes).is_empty() && !scopes::is_granted(&account.scopes, scopes::MAIL);
    if is_ews_alone {
        format!("/sources/create-ews?account={}", account.id)
    } else {
        Goal::Account.page(account.id)
    }
}

pub(super) async fn sources_of(state: &State, viewer: &Viewer, account: Uuid) -> Result<usize, StoreError> {
    let all = sources::all(&state.connections.db, viewer.workspace()).await?;
    Ok(all.iter().filter(|source| source.account_id == account).count())
}
