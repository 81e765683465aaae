//! Takes over what the configuration says about Microsoft and Jira, at every start: the file is the owner of what it names.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use store::{Place, StoreError};
use uuid::Uuid;

use super::Connections;
use super::cloud::Cloud;
use super::jira_site::place as token_place;
use super::registration_credentials::{end_of, place as credential_place};
use super::store::jira::{self, Kept};
use super::store::{accounts, registrations};
use crate::config::Config;

/// Makes or refreshes the app registration and the Jira connection that the configuration names. No network: what is wrong
/// with them shows at the first use, in a ping, and in `postroom doctor`.
pub async fn bootstrap(
    connections: &Connections,
    workspace: Uuid,
    config: &Config,
) -> Result<(), StoreError> {
    registration(connections, workspace, config).await?;
    jira_site(connections, workspace, config).await?;
    connections.forget();
    Ok(())
}

async fn registration(connections: &Connections, workspace: Uuid, config: &Config) -> Result<(), StoreError> {
    release(connections, workspace, config).await?;
    let Some(client_id) = &config.microsoft.client_id else { return Ok(()) };
    let login_url = config.microsoft.login_url.as_str().trim_end_matches('/').to_owned();
    let tenant = &config.microsoft.tenant;
    let now = connections.clock.now();
    let mut tx = connections.db.begin().await?;
    let found = accounts::registration_of(&mut tx, workspace, &login_url, client_id).await?;
    let id = found.as_ref().map_or_else(Uuid::now_v7, |row| row.id);
    let place = Place::new("app_registration", "secret_sealed", id);
    let opened = |sealed: &Vec<u8>| connections.sealer.open(&place, sealed).ok();
    let stored = found.as_ref().and_then(|row| row.secret_sealed.as_ref()).and_then(opened);
    let wanted = config.microsoft.client_secret.as_ref().map(|secret| secret.expose_secret().as_bytes());
    let same_secret = stored.as_ref().map(|secret| secret.as_slice()) == wanted;
    // What Microsoft has told of the same secret stays, where the file says nothing.
    let known = found.as_ref().and_then(|row| row.secret_expires_at).filter(|_| same_secret);
    let ends = match config.microsoft.client_secret_expires {
        Some(day) => Some(end_of(day)),
        None => known.and_then(|at| Timestamp::from_microsecond(at).ok()),
    };
    let same = found.as_ref().is_some_and(|row| {
        row.owner == "file"
            && &row.tenant == tenant
            && row.secret_expires_at == ends.map(Timestamp::as_microsecond)
    });
    if same && same_secret {
        return tx.rollback().await;
    }
    let sealed = wanted.map(|secret| connections.sealer.seal(&place, secret));
    if found.as_ref().is_some_and(|row| row.owner != "file") {
        registrations::take_over(&mut tx, id).await?;
    }
    accounts::put_registration(&mut tx, workspace, id, (&login_url, client_id, tenant), sealed, ends, now)
        .await?;
    tx.commit().await
}

/// A registration that the file named once and does not name any longer is the console's from now on, with its secret.
async fn release(connections: &Connections, workspace: Uuid, config: &Config) -> Result<(), StoreError> {
    let login_url = config.microsoft.login_url.as_str().trim_end_matches('/');
    for row in registrations::all(&connections.db, workspace).await? {
        let is_named =
            row.login_url == login_url && config.microsoft.client_id.as_ref() == Some(&row.client_id);
        if row.owner != "file" || is_named {
            continue;
        }
        let now = connections.clock.now();
        let mut tx = connections.db.begin().await?;
        if let Some(sealed) = &row.secret_sealed
            && let Ok(plain) =
                connections.sealer.open(&Place::new("app_registration", "secret_sealed", row.id), sealed)
        {
            let id = Uuid::now_v7();
            let credential = registrations::NewCredential {
                id,
                workspace,
                registration: row.id,
                kind: "secret",
                sealed: connections.sealer.seal(&credential_place(id), &plain),
                certificate: String::new(),
                thumbprint: String::new(),
                note: "from the settings file".to_owned(),
                expires_at: row.secret_expires_at.and_then(|at| Timestamp::from_microsecond(at).ok()),
                now,
            };
            registrations::add_credential(&mut tx, credential, 2).await?;
        }
        let graph_url = connections.reach.graph_url.as_str().trim_end_matches('/');
        let cloud = connections.about(&row).map_or(Cloud::Custom, |about| about.cloud);
        registrations::release(&mut tx, row.id, cloud.word(), graph_url).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn jira_site(connections: &Connections, workspace: Uuid, config: &Config) -> Result<(), StoreError> {
    let (Some(base_url), Some(token)) = (&config.jira.base_url, &config.jira.token) else { return Ok(()) };
    let base_url = base_url.as_str().trim_end_matches('/').to_owned();
    let username = config.jira.user.clone().unwrap_or_default();
    let kind = if username.is_empty() { "data_center_token" } else { "cloud_token" };
    let api_version = i64::from(config.jira.api_version);
    let found = jira::of_site(&connections.db, workspace, &base_url).await?;
    let before = match found {
        Some(id) => jira::one(&connections.db, workspace, id).await?,
        None => None,
    };
    if let Some(before) = &before
        && before.username == username
        && before.kind == kind
        && before.api_version == api_version
        && is_token_of(connections, before.id, token).await?
    {
        return Ok(());
    }
    let id = found.unwrap_or_else(Uuid::now_v7);
    let name = config.jira.base_url.as_ref().and_then(|url| url.host_str()).unwrap_or(&base_url).to_owned();
    let kept = Kept {
        id,
        workspace,
        name: before.as_ref().map_or(name, |row| row.name.clone()),
        kind,
        base_url,
        api_version,
        username,
        token_sealed: Some(connections.sealer.seal(&token_place(id), token.expose_secret().as_bytes())),
        // Found out by the first ping.
        account_id: None,
        display_name: None,
        upload_limit: None,
        tested_at: None,
        now: connections.clock.now(),
    };
    let mut tx = connections.db.begin().await?;
    if before.is_some() {
        jira::update(&mut tx, kept).await?;
    } else {
        jira::insert(&mut tx, kept).await?;
    }
    tx.commit().await
}

async fn is_token_of(connections: &Connections, id: Uuid, token: &SecretString) -> Result<bool, StoreError> {
    let Some(sealed) = jira::token(&connections.db, id).await? else { return Ok(false) };
    let plain = connections.sealer.open(&token_place(id), &sealed);
    Ok(plain.is_ok_and(|plain| plain.as_slice() == token.expose_secret().as_bytes()))
}
