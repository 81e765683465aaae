//! Accounts that are the application itself: their mailboxes and their fence.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

/// An account of the application that is made.
#[derive(Debug)]
pub struct NewApplication<'a> {
    /// Row id.
    pub id: Uuid,
    /// Workspace.
    pub workspace: Uuid,
    /// App registration.
    pub registration: Uuid,
    /// The tenant's id.
    pub tenant: &'a str,
    /// The client id: the application is known by it in the tenant.
    pub client_id: &'a str,
    /// For people.
    pub name: &'a str,
    /// What stands in for granted scopes.
    pub scopes: &'a str,
    /// Now.
    pub now: Timestamp,
}

/// Makes an account of the application. `false`: the tenant has one already.
pub async fn insert(tx: &mut Tx, new: &NewApplication<'_>) -> Result<bool, StoreError> {
    let made = tx
        .execute(
            sql!(
                "INSERT INTO account (id, workspace_id, app_registration_id, tenant_id, object_id, username, display_name, scopes,
                   signed_in_at, state, state_since, created_at, kind, wanted, consent)
                 VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, 'online', $8, $8, 'app', $7, 'admin')
                 ON CONFLICT (workspace_id, tenant_id, object_id) DO NOTHING"
            ),
            args![
                new.id,
                new.workspace,
                new.registration,
                new.tenant,
                new.client_id,
                new.name,
                new.scopes,
                new.now
            ],
        )
        .await?;
    Ok(made == 1)
}

/// Keeps which mailboxes it may be used for, and the one outside the fence.
pub async fn put_mailboxes(
    tx: &mut Tx,
    account: Uuid,
    mailboxes: &[String],
    control: &str,
) -> Result<(), StoreError> {
    tx.execute(sql!("DELETE FROM app_mailbox WHERE account_id = $1"), args![account]).await?;
    for address in mailboxes {
        tx.execute(
            sql!("INSERT INTO app_mailbox (account_id, address) VALUES ($1, $2)"),
            args![account, address],
        )
        .await?;
    }
    tx.execute(
        sql!(
            "INSERT INTO app_fence (account_id, control_mailbox, state) VALUES ($1, $2, 'unchecked')
             ON CONFLICT (account_id) DO UPDATE SET control_mailbox = excluded.control_mailbox, state = excluded.state,
               fault = NULL, checked_at = NULL"
        ),
        args![account, control],
    )
    .await?;
    Ok(())
}

/// The mailboxes that it may be used for.
pub async fn mailboxes(db: &Db, account: Uuid) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = db
        .fetch_all(
            sql!("SELECT address FROM app_mailbox WHERE account_id = $1 ORDER BY address"),
            args![account],
        )
        .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// The Exchange servers at which it is used over EWS; an empty one is that of the app registration.
pub async fn ews_servers(db: &Db, account: Uuid) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = db
        .fetch_all(
            sql!(
                "SELECT ews_url FROM source WHERE account_id = $1 AND connection_type = 'ews' AND removed_at IS NULL
                 UNION SELECT ews_url FROM outbound WHERE account_id = $1 AND connection_type = 'ews' ORDER BY ews_url"
            ),
            args![account],
        )
        .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// What the check of the fence found.
#[derive(Clone, Debug, FromRow)]
pub struct Fence {
    /// The mailbox outside; empty where none was named.
    pub control_mailbox: String,
    /// `unchecked`, `holds`, `open` or `unclear`.
    pub state: String,
    /// When, microseconds.
    pub checked_at: Option<i64>,
}

/// The fence of an account.
pub async fn fence(db: &Db, account: Uuid) -> Result<Option<Fence>, StoreError> {
    db.fetch_optional(
        sql!("SELECT control_mailbox, state, checked_at FROM app_fence WHERE account_id = $1"),
        args![account],
    )
    .await
}

/// Keeps what the check found.
pub async fn checked(
    tx: &mut Tx,
    account: Uuid,
    state: &str,
    fault: Option<String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE app_fence SET state = $1, fault = $2, checked_at = $3 WHERE account_id = $4"),
        args![state, fault, now, account],
    )
    .await?;
    Ok(())
}

/// Whether an account is the application itself.
pub async fn is_application(db: &Db, account: Uuid) -> Result<bool, StoreError> {
    let found: Option<(String,)> =
        db.fetch_optional(sql!("SELECT kind FROM account WHERE id = $1"), args![account]).await?;
    Ok(found.is_some_and(|row| row.0 == "app"))
}
