//! What Postroom is in a tenant after an administrator signed in: its Enterprise Application, with name, application id and the page
//! of its permissions.
//!
//! [`learn`] is called after a sign-in is kept. The id_token says whether the person is an administrator, where the app registration asks
//! for that (`groupMembershipClaims`); the directory tells the rest, where the token may read it, and the token itself tells the name.
//! Nothing waits for any of them.

use microsoft::AccessTokens;
use microsoft::graph::enterprise as directory;
use microsoft::signin::{self, IdClaims};
use store::StoreError;
use uuid::Uuid;

use super::store::accounts::{self, Account};
use super::store::enterprise::{self as rows, Enterprise};
use super::{Connections, scopes};
use crate::web::components::Action;

/// Learns what can be learned from a sign-in that is kept. A refusal of the directory is no fault.
pub async fn learn(
    connections: &Connections,
    workspace: Uuid,
    account: Uuid,
    claims: &IdClaims,
) -> Result<(), StoreError> {
    let db = &connections.db;
    let Some(account) = accounts::account(db, workspace, account).await? else { return Ok(()) };
    let is_administrator = claims.is_administrator();
    let Asked { told, called } = ask(connections, &account).await;
    let wanted = accounts::wanted(db, account.id).await?;
    let consent = told.as_ref().and_then(|(_, grants)| {
        directory::is_by_administrator(grants, &account.object_id, &scopes::of_resource(&wanted))
    });
    let now = connections.clock.now();
    let mut tx = db.begin().await?;
    rows::set_administrator(&mut tx, account.id, is_administrator).await?;
    if let Some(by_administrator) = consent {
        accounts::set_consent(&mut tx, account.id, if by_administrator { "admin" } else { "user" }).await?;
    }
    if told.is_some() || is_administrator == Some(true) {
        let found = told.map(|(found, _)| found);
        let new = Enterprise {
            tenant_id: account.tenant_id.clone(),
            object_id: found.as_ref().map(|found| found.id.clone()).unwrap_or_default(),
            name: found.map(|found| found.display_name).or(called).unwrap_or_default(),
            signed_in_by: account.username.clone(),
            seen_at: now.as_microsecond(),
        };
        rows::put(&mut tx, account.app_registration_id, &new, now).await?;
    }
    tx.commit().await
}

/// What is told with the account's token.
struct Asked {
    /// What the directory tells; none where it does not.
    told: Option<(directory::EnterpriseApplication, Vec<directory::Grant>)>,
    /// How the tenant calls the application, as the token has it.
    called: Option<String>,
}

/// Asks the directory with the account's token.
async fn ask(connections: &Connections, account: &Account) -> Asked {
    let mut called = None;
    let asked = async {
        let registration = connections.registration(account.app_registration_id).await?;
        let token = connections.tokens(account.id).await?.get().await?;
        called = signin::application_name(&token);
        let (http, graph) = (&connections.http, &registration.graph_url);
        let found = directory::enterprise_application(http, graph, &token, &registration.client_id).await?;
        let grants = directory::grants(http, graph, &token, &found).await.unwrap_or_default();
        Ok::<_, fault::Fault>((found, grants))
    };
    let told = match asked.await {
        Ok(told) => Some(told),
        Err(fault) => {
            tracing::debug!(%fault, code = %fault.code, "the directory does not tell of the Enterprise Application");
            None
        }
    };
    Asked { told, called }
}

/// An Enterprise Application as pages show it.
#[derive(Clone, Debug)]
pub struct EnterpriseView {
    /// As the tenant calls it; empty where nobody told.
    pub name: String,
    /// The application id.
    pub client_id: String,
    /// Its id in the tenant; empty where that is not known.
    pub object_id: String,
    /// The tenant.
    pub tenant: String,
    /// Which administrator's sign-in it is known by; empty where none is known.
    pub by: String,
    /// The page of its permissions, in the portal of the registration's cloud.
    pub permissions: Action,
}

/// What pages show of the Enterprise Application in an account's tenant; none after the sign-in of somebody who is known to be no
/// administrator. Where the directory told no name, it is called as the registration is.
pub async fn of_account(
    connections: &Connections,
    account: &Account,
) -> Result<Option<EnterpriseView>, StoreError> {
    let db = &connections.db;
    let known = rows::one(db, account.app_registration_id, &account.tenant_id).await?;
    if known.is_none() && rows::administrator(db, account.id).await? == Some(false) {
        return Ok(None);
    }
    let row = super::store::registrations::by_id(db, account.app_registration_id).await?;
    let Ok(registration) = connections.registration(account.app_registration_id).await else {
        return Ok(None);
    };
    let known = known.unwrap_or_else(|| Enterprise {
        tenant_id: account.tenant_id.clone(),
        object_id: String::new(),
        name: String::new(),
        signed_in_by: String::new(),
        seen_at: 0,
    });
    let name = row.map(|row| row.name).unwrap_or_default();
    Ok(Some(view(known, &registration.client_id, &name, registration.place().cloud)))
}

/// How a page shows one.
pub(super) fn view(
    known: Enterprise,
    client_id: &str,
    registered_as: &str,
    cloud: super::cloud::Cloud,
) -> EnterpriseView {
    let object_id = Some(known.object_id.as_str()).filter(|id| !id.is_empty());
    let page = cloud.enterprise_permissions_page(client_id, object_id);
    let named = |name: &str| (!name.trim().is_empty()).then(|| name.trim().to_owned());
    EnterpriseView {
        name: named(&known.name).or_else(|| named(registered_as)).unwrap_or_default(),
        client_id: client_id.to_owned(),
        tenant: known.tenant_id,
        by: known.signed_in_by,
        permissions: Action::leave("Its permissions in the portal", page),
        object_id: known.object_id,
    }
}
