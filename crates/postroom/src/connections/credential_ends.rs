//! When the credentials of an app registration end, read from Microsoft Graph where the app may (`Application.Read.All`). Where it may
//! not, what was entered by hand counts; the end of a certificate stands in the certificate.
//!
//! It is read whenever a credential is tested, and once a day.

use fault::Fault;
use jiff::Timestamp;
use microsoft::graph::credential_ends;
use microsoft::signin;
use secrecy::SecretString;
use store::StoreError;
use uuid::Uuid;

use super::Connections;
use super::store::registrations::{self as rows, Row};

/// Reads the ends of a registration's credentials with a token of the application, and keeps them; gives how many it could tell.
pub async fn learn(connections: &Connections, row: &Row, token: &SecretString) -> Result<usize, Fault> {
    let about = connections.about(row)?;
    let timeout = connections.reach.request_timeout;
    let ends = credential_ends(&connections.http, &about.graph_url, &row.client_id, token, timeout)
        .await
        .map_err(|fault| fault.at(&about.place()))?;
    let from_store = |error: StoreError| Fault::own("own.store", &error.to_string());
    let mut told = 0;
    for credential in rows::credentials(&connections.db, row.id).await.map_err(from_store)? {
        let Some(at) = ends.of(&connections.credential(&credential)?) else { continue };
        told += 1;
        if credential.expires_at != Some(at.as_microsecond()) {
            rows::set_end(&connections.db, credential.id, at).await.map_err(from_store)?;
            tracing::info!(client_id = row.client_id, credential = %credential.id, %at, "Microsoft tells when a credential ends");
        }
    }
    if let Some(secret) = connections.secret_of_file(row)?
        && let Some(at) = ends.of(&secret)
    {
        told += 1;
        rows::set_end_of_file(&connections.db, row.id, at).await.map_err(from_store)?;
    }
    Ok(told)
}

/// The same for every registration of a workspace. What cannot be read stays as it is known.
pub async fn learn_all(connections: &Connections, workspace: Uuid) -> Result<(), StoreError> {
    for row in rows::all(&connections.db, workspace).await? {
        let Some(tenant) = concrete_tenant(connections, &row).await? else { continue };
        let learned = async {
            let token = token(connections, &row, &tenant, connections.clock.now()).await?;
            learn(connections, &row, &token).await
        };
        match learned.await {
            Ok(told) => tracing::debug!(client_id = row.client_id, told, "ends of credentials are read"),
            // Without the permission this is what Graph answers.
            Err(fault) => {
                tracing::debug!(client_id = row.client_id, %fault, code = %fault.code, "ends of credentials cannot be read");
            }
        }
    }
    Ok(())
}

async fn token(
    connections: &Connections,
    row: &Row,
    tenant: &str,
    now: Timestamp,
) -> Result<SecretString, Fault> {
    let registration = connections.registration(row.id).await?;
    let mut proof = registration.proof(&connections.http, tenant).await?;
    let scope = format!("{}/.default", registration.graph_url.as_str().trim_end_matches('/'));
    loop {
        let (discovery, app) = (&proof.discovery, &proof.application);
        match signin::as_application(&connections.http, discovery, app, &scope, now).await {
            Err(fault) if proof.next(&fault) => {}
            result => {
                proof.came_of(&result);
                return result.map(|tokens| tokens.access);
            }
        }
    }
}

/// A tenant that answers for the application: its own, else that of an account that signed in.
pub async fn concrete_tenant(connections: &Connections, row: &Row) -> Result<Option<String>, StoreError> {
    if !matches!(row.tenant.as_str(), "organizations" | "common") {
        return Ok(Some(row.tenant.clone()));
    }
    let accounts = rows::accounts(&connections.db, row.id).await?;
    Ok(accounts.into_iter().map(|account| account.tenant_id).next())
}
