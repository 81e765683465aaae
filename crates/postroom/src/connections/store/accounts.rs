//! App registrations, accounts, and sign-ins under way.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

use crate::connections::jira_site::stored_fault;
use crate::connections::scopes;

/// The app registration that new sign-ins use: the one that was chosen for it, or set up, last.
pub async fn registration(db: &Db, workspace: Uuid) -> Result<Option<Uuid>, StoreError> {
    let row: Option<(Uuid,)> = db
        .fetch_optional(
            sql!(
                "SELECT id FROM app_registration WHERE workspace_id = $1
                 ORDER BY preferred_at DESC, updated_at DESC, id DESC LIMIT 1"
            ),
            args![workspace],
        )
        .await?;
    Ok(row.map(|row| row.0))
}

/// A registration as it is stored.
#[derive(Clone, Debug, FromRow)]
pub struct RegistrationRow {
    /// Row id.
    pub id: Uuid,
    /// The tenant that sign-ins begin in.
    pub tenant: String,
    /// The sealed secret.
    pub secret_sealed: Option<Vec<u8>>,
    /// `file` or `console`.
    pub owner: String,
    /// When the secret ends, microseconds.
    pub secret_expires_at: Option<i64>,
}

/// The registration of a client id at a login address.
pub async fn registration_of(
    tx: &mut Tx,
    workspace: Uuid,
    login_url: &str,
    client_id: &str,
) -> Result<Option<RegistrationRow>, StoreError> {
    tx.fetch_optional(
        sql!(
            "SELECT id, tenant, secret_sealed, owner, secret_expires_at FROM app_registration
             WHERE workspace_id = $1 AND login_url = $2 AND client_id = $3"
        ),
        args![workspace, login_url, client_id],
    )
    .await
}

/// Stores a registration of the settings file, new or changed. The file owns it from then on, and new sign-ins use it.
pub async fn put_registration(
    tx: &mut Tx,
    workspace: Uuid,
    id: Uuid,
    (login_url, client_id, tenant): (&str, &str, &str),
    secret_sealed: Option<Vec<u8>>,
    secret_ends: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO app_registration (id, workspace_id, owner, client_id, tenant, login_url, secret_sealed,
               secret_expires_at, created_at, updated_at, preferred_at)
             VALUES ($1, $2, 'file', $3, $4, $5, $6, $7, $8, $8, $8)
             ON CONFLICT (workspace_id, login_url, client_id) DO UPDATE SET tenant = excluded.tenant, owner = excluded.owner,
               graph_url = '', ews_url = '', secret_sealed = excluded.secret_sealed,
               secret_expires_at = excluded.secret_expires_at, updated_at = excluded.updated_at,
               preferred_at = excluded.preferred_at"
        ),
        args![id, workspace, client_id, tenant, login_url, secret_sealed, secret_ends, now],
    )
    .await?;
    Ok(())
}

/// A sign-in that begins.
#[derive(Debug)]
pub struct NewSignIn {
    /// SHA-256 of the state.
    pub state_hash: Vec<u8>,
    /// Workspace.
    pub workspace: Uuid,
    /// App registration.
    pub registration: Uuid,
    /// The browser that begins it.
    pub browser_hash: Vec<u8>,
    /// The PKCE verifier, sealed to the state's hash.
    pub verifier_sealed: Vec<u8>,
    /// The nonce that the id_token must carry.
    pub nonce: String,
    /// What is asked for, separated by spaces.
    pub scopes: String,
    /// What is wanted in the end, separated by spaces.
    pub wanted: String,
    /// `basic` or `whole`.
    pub stage: &'static str,
    /// `new`, `validate` or `replace`.
    pub purpose: &'static str,
    /// What it is for, as its row keeps it.
    pub goal: String,
    /// The account that is validated or replaced.
    pub account: Option<Uuid>,
    /// Where it begins; empty: where the registration's sign-ins begin.
    pub tenant: String,
    /// The link of a mailbox's owner that began it.
    pub link: Option<Uuid>,
    /// The user of the console; none for a link.
    pub user: Option<Uuid>,
    /// Now.
    pub now: Timestamp,
    /// The end.
    pub until: Timestamp,
}

/// Stores a sign-in that begins. Those that ended a day ago go.
pub async fn begin(tx: &mut Tx, new: NewSignIn) -> Result<(), StoreError> {
    let day = jiff::SignedDuration::from_hours(24);
    let old = new.now.saturating_sub(day).unwrap_or(Timestamp::MIN);
    tx.execute(sql!("DELETE FROM sign_in WHERE expires_at < $1"), args![old]).await?;
    tx.execute(
        sql!(
            "INSERT INTO sign_in (state_hash, workspace_id, app_registration_id, browser_hash, verifier_sealed, nonce, scopes,
               purpose, account_id, user_id, created_at, expires_at, wanted, stage, tenant, link_id, goal)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
        ),
        args![
            new.state_hash,
            new.workspace,
            new.registration,
            new.browser_hash,
            new.verifier_sealed,
            new.nonce,
            new.scopes,
            new.purpose,
            new.account,
            new.user,
            new.now,
            new.until,
            new.wanted,
            new.stage,
            new.tenant,
            new.link,
            new.goal
        ],
    )
    .await?;
    Ok(())
}

/// A sign-in that came back.
#[derive(Debug, FromRow)]
pub struct SignIn {
    /// App registration.
    pub app_registration_id: Uuid,
    /// The PKCE verifier, sealed.
    pub verifier_sealed: Vec<u8>,
    /// The nonce.
    pub nonce: String,
    /// What was asked for.
    pub scopes: String,
    /// What is wanted in the end.
    pub wanted: String,
    /// `basic` or `whole`.
    pub stage: String,
    /// `new`, `validate` or `replace`.
    pub purpose: String,
    /// What it is for, as its row keeps it.
    pub goal: String,
    /// The account that is validated or replaced, or that the first stage made.
    pub account_id: Option<Uuid>,
    /// Where it began; empty: where the registration's sign-ins begin.
    pub tenant: String,
}

/// Takes a sign-in that came back: once, in time, in the browser that began it. `None` for everything else.
pub async fn take(
    db: &Db,
    workspace: Uuid,
    state_hash: &[u8],
    browser_hash: &[u8],
    now: Timestamp,
) -> Result<Option<SignIn>, StoreError> {
    let mut tx = db.begin().await?;
    let taken = tx
        .fetch_optional(
            sql!(
                "UPDATE sign_in SET used_at = $1 WHERE state_hash = $2 AND browser_hash = $3 AND workspace_id = $4
                   AND used_at IS NULL AND expires_at > $1
                 RETURNING app_registration_id, verifier_sealed, nonce, scopes, wanted, stage, purpose, goal, account_id, tenant"
            ),
            args![now, state_hash, browser_hash, workspace],
        )
        .await?;
    tx.commit().await?;
    Ok(taken)
}

/// An account.
#[derive(Clone, Debug, FromRow)]
pub struct Account {
    /// Row id.
    pub id: Uuid,
    /// App registration.
    pub app_registration_id: Uuid,
    /// Tenant.
    pub tenant_id: String,
    /// The person's id in it.
    pub object_id: String,
    /// The person's address.
    pub username: String,
    /// The person's name.
    pub display_name: String,
    /// What was granted, separated by spaces.
    pub scopes: String,
    /// When somebody signed in last, microseconds.
    pub signed_in_at: i64,
    /// When the token was renewed last, microseconds.
    pub refreshed_at: Option<i64>,
    /// `online`, `degraded` or `offline`.
    pub state: String,
    /// Since when, microseconds.
    pub state_since: i64,
    /// A fault's record, as JSON.
    pub fault: Option<String>,
    /// What whoever signed in did so for, as its row keeps it.
    pub goal: String,
}

/// One account.
pub async fn account(db: &Db, workspace: Uuid, id: Uuid) -> Result<Option<Account>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT id, app_registration_id, tenant_id, object_id, username, display_name, scopes, signed_in_at, refreshed_at,
               state, state_since, fault, goal FROM account WHERE workspace_id = $1 AND id = $2"
        ),
        args![workspace, id],
    )
    .await
}

/// Accounts that no source and no outbound uses, or uses any more.
pub async fn unused(db: &Db, workspace: Uuid) -> Result<Vec<Account>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT id, app_registration_id, tenant_id, object_id, username, display_name, scopes, signed_in_at, refreshed_at,
               state, state_since, fault, goal FROM account a
             WHERE workspace_id = $1
               AND NOT EXISTS (SELECT 1 FROM source s WHERE s.account_id = a.id AND s.removed_at IS NULL)
               AND NOT EXISTS (SELECT 1 FROM outbound o WHERE o.account_id = a.id)
             ORDER BY username"
        ),
        args![workspace],
    )
    .await
}

/// Accounts that were granted the right to send over Graph.
pub async fn that_may_send(db: &Db, workspace: Uuid) -> Result<Vec<Account>, StoreError> {
    let all = signed_in(db, workspace).await?;
    Ok(all.into_iter().filter(|account| scopes::is_granted(&account.scopes, scopes::SEND)).collect())
}

/// All accounts, by name.
pub async fn signed_in(db: &Db, workspace: Uuid) -> Result<Vec<Account>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT id, app_registration_id, tenant_id, object_id, username, display_name, scopes, signed_in_at, refreshed_at,
               state, state_since, fault, goal FROM account WHERE workspace_id = $1 ORDER BY username, id"
        ),
        args![workspace],
    )
    .await
}

/// Who signed in, with sealed tokens.
#[derive(Debug)]
pub struct SignedIn {
    /// The row's id: a known person's, or a new one.
    pub id: Uuid,
    /// Workspace.
    pub workspace: Uuid,
    /// App registration.
    pub registration: Uuid,
    /// Tenant.
    pub tenant: String,
    /// The person's id in it.
    pub object_id: String,
    /// The person's address.
    pub username: String,
    /// The person's name.
    pub display_name: String,
    /// What was granted.
    pub scopes: String,
    /// The refresh token.
    pub refresh_sealed: Vec<u8>,
    /// The access token for Graph with its end; none where the sign-in was for another resource.
    pub access: Option<(Vec<u8>, Timestamp)>,
    /// Now.
    pub now: Timestamp,
}

/// The row of a person, if there is one.
pub async fn row_of(
    db: &Db,
    workspace: Uuid,
    tenant: &str,
    object_id: &str,
) -> Result<Option<Uuid>, StoreError> {
    let row: Option<(Uuid,)> = db
        .fetch_optional(
            sql!("SELECT id FROM account WHERE workspace_id = $1 AND tenant_id = $2 AND object_id = $3"),
            args![workspace, tenant, object_id],
        )
        .await?;
    Ok(row.map(|row| row.0))
}

/// What a mail server asked for that only a sign-in of the account can bring (a claims challenge, JSON): it stands with the fault of
/// the account, or of a source or outbound that uses it.
pub async fn challenge(db: &Db, account: Uuid) -> Result<Option<String>, StoreError> {
    let faults: Vec<(String,)> = db
        .fetch_all(
            sql!(
                "SELECT fault FROM account WHERE id = $1 AND fault IS NOT NULL
                 UNION ALL SELECT fault FROM source WHERE account_id = $1 AND fault IS NOT NULL AND removed_at IS NULL
                 UNION ALL SELECT fault FROM outbound WHERE account_id = $1 AND fault IS NOT NULL"
            ),
            args![account],
        )
        .await?;
    Ok(faults.iter().find_map(|(fault,)| stored_fault(fault)?.extra?.claims))
}

/// Stores who signed in. The row's id is given, because the tokens are sealed to it; a duplicate is an error of the database.
pub async fn put(tx: &mut Tx, account: SignedIn) -> Result<(), StoreError> {
    let (access, until) = account.access.unzip();
    tx.execute(
        sql!(
            "INSERT INTO account (id, workspace_id, app_registration_id, tenant_id, object_id, username, display_name, scopes,
               refresh_sealed, access_sealed, access_expires_at, signed_in_at, refreshed_at, state, state_since, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, 'online', $12, $12)
             ON CONFLICT (id) DO UPDATE SET app_registration_id = excluded.app_registration_id,
               username = excluded.username, display_name = excluded.display_name, scopes = excluded.scopes,
               refresh_sealed = excluded.refresh_sealed, access_sealed = coalesce(excluded.access_sealed, account.access_sealed),
               access_expires_at = coalesce(excluded.access_expires_at, account.access_expires_at), signed_in_at = excluded.signed_in_at,
               refreshed_at = excluded.refreshed_at, fault = NULL, refresh_lease_until = NULL,
               state_since = CASE WHEN account.state = 'online' THEN account.state_since ELSE excluded.state_since END,
               state = 'online'"
        ),
        args![
            account.id,
            account.workspace,
            account.registration,
            account.tenant,
            account.object_id,
            account.username,
            account.display_name,
            account.scopes,
            account.refresh_sealed,
            access,
            until,
            account.now
        ],
    )
    .await?;
    Ok(())
}

/// Stores who signed in with the basic scopes alone: the token can be watched with, and reads nothing. No access token is kept,
/// lest a mailbox be asked with one that may not.
pub async fn put_basic(tx: &mut Tx, account: SignedIn, wanted: &str, fault: &str) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO account (id, workspace_id, app_registration_id, tenant_id, object_id, username, display_name, scopes,
               refresh_sealed, signed_in_at, refreshed_at, state, state_since, fault, created_at, wanted)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, 'offline', $10, $11, $10, $12)
             ON CONFLICT (id) DO UPDATE SET app_registration_id = excluded.app_registration_id,
               username = excluded.username, display_name = excluded.display_name, scopes = excluded.scopes,
               refresh_sealed = excluded.refresh_sealed, access_sealed = NULL, access_expires_at = NULL,
               signed_in_at = excluded.signed_in_at, refreshed_at = excluded.refreshed_at, fault = excluded.fault,
               refresh_lease_until = NULL, wanted = excluded.wanted,
               state_since = CASE WHEN account.state = 'offline' THEN account.state_since ELSE excluded.state_since END,
               state = 'offline'"
        ),
        args![
            account.id,
            account.workspace,
            account.registration,
            account.tenant,
            account.object_id,
            account.username,
            account.display_name,
            account.scopes,
            account.refresh_sealed,
            account.now,
            fault,
            wanted
        ],
    )
    .await?;
    Ok(())
}

/// An administrator has to approve before the account can be used.
pub async fn wait(
    tx: &mut Tx,
    id: Uuid,
    wanted: &str,
    fault: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(sql!("UPDATE account SET wanted = $1 WHERE id = $2"), args![wanted, id]).await?;
    fail(tx, id, fault, now).await
}

/// The account cannot be used before a person acts.
pub async fn fail(tx: &mut Tx, id: Uuid, fault: &str, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE account SET fault = $1, state_since = CASE WHEN state = 'offline' THEN state_since ELSE $2 END,
               state = 'offline' WHERE id = $3"
        ),
        args![fault, now, id],
    )
    .await?;
    Ok(())
}

/// What an account was asked for; empty where it signed in before that was kept.
pub async fn wanted(db: &Db, id: Uuid) -> Result<String, StoreError> {
    let found: Option<(String,)> =
        db.fetch_optional(sql!("SELECT wanted FROM account WHERE id = $1"), args![id]).await?;
    Ok(found.map(|row| row.0).unwrap_or_default())
}

/// The same within a transaction.
pub async fn wanted_in(tx: &mut Tx, id: Uuid) -> Result<String, StoreError> {
    let found: Option<(String,)> =
        tx.fetch_optional(sql!("SELECT wanted FROM account WHERE id = $1"), args![id]).await?;
    Ok(found.map(|row| row.0).unwrap_or_default())
}

/// Keeps what an account was asked for.
pub async fn set_wanted(tx: &mut Tx, id: Uuid, wanted: &str) -> Result<(), StoreError> {
    tx.execute(sql!("UPDATE account SET wanted = $1 WHERE id = $2"), args![wanted, id]).await?;
    Ok(())
}

/// Keeps what whoever signed in did so for.
pub async fn set_goal(tx: &mut Tx, id: Uuid, goal: &str) -> Result<(), StoreError> {
    tx.execute(sql!("UPDATE account SET goal = $1 WHERE id = $2"), args![goal, id]).await?;
    Ok(())
}

/// Whose consent covers an account: `user`, `admin`, or empty where that is not known.
pub async fn consent(db: &Db, id: Uuid) -> Result<String, StoreError> {
    let found: Option<(String,)> =
        db.fetch_optional(sql!("SELECT consent FROM account WHERE id = $1"), args![id]).await?;
    Ok(found.map(|row| row.0).unwrap_or_default())
}

/// Keeps whose consent covers an account.
pub async fn set_consent(tx: &mut Tx, id: Uuid, whose: &str) -> Result<(), StoreError> {
    tx.execute(sql!("UPDATE account SET consent = $1 WHERE id = $2"), args![whose, id]).await?;
    Ok(())
}

/// Its sources and outbounds are due at once: whoever signed in wants to see them work. A poll that is under way with the sign-in
/// from before loses its claim, so that it cannot put them to sleep with a fault that is over.
pub async fn wake_sources(tx: &mut Tx, account: Uuid, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE source SET next_poll_at = CASE WHEN next_poll_at > $1 THEN $1 ELSE next_poll_at END,
               fence = fence + 1, lease_until = NULL
             WHERE account_id = $2 AND (next_poll_at > $1 OR (lease_until IS NOT NULL AND state <> 'online'))"
        ),
        args![now, account],
    )
    .await?;
    tx.execute(
        sql!("UPDATE outbound SET next_check_at = $1 WHERE account_id = $2 AND next_check_at > $1"),
        args![now, account],
    )
    .await?;
    Ok(())
}

/// Removes an account that no source and no outbound uses, with its tokens. Sources that were removed, and are kept for the mail that came from them,
/// are read by nobody from then on.
pub async fn remove_unused(tx: &mut Tx, workspace: Uuid, id: Uuid) -> Result<bool, StoreError> {
    for statement in [
        sql!("DELETE FROM approval WHERE account_id = $1 OR replaces = $1"),
        sql!("DELETE FROM device_sign_in WHERE account_id = $1"),
        sql!("DELETE FROM app_mailbox WHERE account_id = $1"),
        sql!("DELETE FROM app_fence WHERE account_id = $1"),
        sql!("UPDATE sign_in_link SET account_id = NULL WHERE account_id = $1"),
        sql!("UPDATE source SET account_id = NULL WHERE account_id = $1 AND removed_at IS NOT NULL"),
    ] {
        tx.execute(statement, args![id]).await?;
    }
    let removed = tx
        .execute(
            sql!(
                "DELETE FROM account WHERE workspace_id = $1 AND id = $2
                   AND NOT EXISTS (SELECT 1 FROM source WHERE source.account_id = account.id)
                   AND NOT EXISTS (SELECT 1 FROM outbound WHERE outbound.account_id = account.id)"
            ),
            args![workspace, id],
        )
        .await?;
    Ok(removed == 1)
}
