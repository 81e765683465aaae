//! App registrations and their credentials.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

/// An app registration.
#[derive(Clone, Debug, FromRow)]
pub struct Row {
    /// Row id.
    pub id: Uuid,
    /// What people call it; may be empty.
    pub name: String,
    /// `file` or `console`.
    pub owner: String,
    /// Application (client) id.
    pub client_id: String,
    /// The tenant that sign-ins begin in.
    pub tenant: String,
    /// Whether other tenants may connect: 1 or 0.
    pub multi_tenant: i64,
    /// A word of [`Cloud`](crate::connections::cloud::Cloud).
    pub cloud: String,
    /// Where people sign in.
    pub login_url: String,
    /// Graph; empty: as the settings say.
    pub graph_url: String,
    /// EWS; empty: as the cloud has it.
    pub ews_url: String,
    /// The settings file's secret, sealed.
    pub secret_sealed: Option<Vec<u8>>,
    /// Comes back with an administrator; empty while no link was made.
    pub approval_state: String,
    /// When it was chosen for new sign-ins, microseconds.
    pub preferred_at: i64,
    /// When it or a credential of it was changed last, microseconds.
    pub updated_at: i64,
    /// When the settings file's secret ends, microseconds, where it is known.
    pub secret_expires_at: Option<i64>,
}

/// All of a workspace, the one for new sign-ins first.
pub async fn all(db: &Db, workspace: Uuid) -> Result<Vec<Row>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT id, name, owner, client_id, tenant, multi_tenant, cloud, login_url, graph_url, ews_url, secret_sealed,
               approval_state, preferred_at, updated_at, secret_expires_at
             FROM app_registration WHERE workspace_id = $1 ORDER BY preferred_at DESC, updated_at DESC, id DESC"
        ),
        args![workspace],
    )
    .await
}

/// One of a workspace.
pub async fn one(db: &Db, workspace: Uuid, id: Uuid) -> Result<Option<Row>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT id, name, owner, client_id, tenant, multi_tenant, cloud, login_url, graph_url, ews_url, secret_sealed,
               approval_state, preferred_at, updated_at, secret_expires_at
             FROM app_registration WHERE workspace_id = $1 AND id = $2"
        ),
        args![workspace, id],
    )
    .await
}

/// One, whosever it is.
pub async fn by_id(db: &Db, id: Uuid) -> Result<Option<Row>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT id, name, owner, client_id, tenant, multi_tenant, cloud, login_url, graph_url, ews_url, secret_sealed,
               approval_state, preferred_at, updated_at, secret_expires_at
             FROM app_registration WHERE id = $1"
        ),
        args![id],
    )
    .await
}

/// What the console keeps of a registration.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Row id.
    pub id: Uuid,
    /// Workspace.
    pub workspace: Uuid,
    /// As in [`Row`].
    pub name: String,
    /// As in [`Row`].
    pub client_id: String,
    /// As in [`Row`].
    pub tenant: String,
    /// As in [`Row`].
    pub multi_tenant: bool,
    /// As in [`Row`].
    pub cloud: &'static str,
    /// As in [`Row`].
    pub login_url: String,
    /// As in [`Row`].
    pub graph_url: String,
    /// As in [`Row`].
    pub ews_url: String,
    /// Now.
    pub now: Timestamp,
}

/// The registration with this client id at a sign-in address.
pub async fn of_client(
    tx: &mut Tx,
    workspace: Uuid,
    login_url: &str,
    client_id: &str,
) -> Result<Option<Uuid>, StoreError> {
    let found: Option<(Uuid,)> = tx
        .fetch_optional(
            sql!("SELECT id FROM app_registration WHERE workspace_id = $1 AND login_url = $2 AND client_id = $3"),
            args![workspace, login_url, client_id],
        )
        .await?;
    Ok(found.map(|row| row.0))
}

/// Makes one, which new sign-ins use from then on.
pub async fn insert(tx: &mut Tx, kept: Kept) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO app_registration (id, workspace_id, name, owner, client_id, tenant, multi_tenant, cloud, login_url,
               graph_url, ews_url, created_at, updated_at, preferred_at)
             VALUES ($1, $2, $3, 'console', $4, $5, $6, $7, $8, $9, $10, $11, $11, $11)"
        ),
        args![
            kept.id,
            kept.workspace,
            kept.name,
            kept.client_id,
            kept.tenant,
            i64::from(kept.multi_tenant),
            kept.cloud,
            kept.login_url,
            kept.graph_url,
            kept.ews_url,
            kept.now
        ],
    )
    .await?;
    Ok(())
}

/// Changes one that the console owns.
pub async fn update(tx: &mut Tx, kept: Kept) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE app_registration SET name = $1, client_id = $2, tenant = $3, multi_tenant = $4, cloud = $5, login_url = $6,
               graph_url = $7, ews_url = $8, updated_at = $9 WHERE id = $10 AND owner = 'console'"
        ),
        args![
            kept.name,
            kept.client_id,
            kept.tenant,
            i64::from(kept.multi_tenant),
            kept.cloud,
            kept.login_url,
            kept.graph_url,
            kept.ews_url,
            kept.now,
            kept.id
        ],
    )
    .await?;
    Ok(())
}

/// New sign-ins use it from now on.
pub async fn prefer(tx: &mut Tx, workspace: Uuid, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE app_registration SET preferred_at = $1 WHERE workspace_id = $2 AND id = $3"),
        args![now, workspace, id],
    )
    .await?;
    Ok(())
}

/// The console owns it from now on; the secret of the file is a credential by now.
pub async fn release(tx: &mut Tx, id: Uuid, cloud: &str, graph_url: &str) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE app_registration SET owner = 'console', secret_sealed = NULL, secret_expires_at = NULL, cloud = $1, graph_url = $2,
               multi_tenant = CASE WHEN tenant IN ('organizations', 'common') THEN 1 ELSE 0 END WHERE id = $3"
        ),
        args![cloud, graph_url, id],
    )
    .await?;
    Ok(())
}

/// The settings file owns it from now on: what the console had put in goes.
pub async fn take_over(tx: &mut Tx, id: Uuid) -> Result<(), StoreError> {
    remove_credentials(tx, id).await?;
    Ok(())
}

/// Keeps what comes back with an administrator, if there is none yet; gives the one that holds.
pub async fn approval_state(tx: &mut Tx, id: Uuid, fresh: &str) -> Result<String, StoreError> {
    tx.execute(
        sql!("UPDATE app_registration SET approval_state = $1 WHERE id = $2 AND approval_state = ''"),
        args![fresh, id],
    )
    .await?;
    let (state,): (String,) =
        tx.fetch_one(sql!("SELECT approval_state FROM app_registration WHERE id = $1"), args![id]).await?;
    Ok(state)
}

/// The app is another one from now on, which the directories know under this client id: what was learned of the former one goes, and
/// accounts that are the application itself are the new one.
pub async fn is_another_app(tx: &mut Tx, id: Uuid, client_id: &str) -> Result<(), StoreError> {
    tx.execute(sql!("DELETE FROM enterprise_application WHERE app_registration_id = $1"), args![id]).await?;
    tx.execute(
        sql!(
            "UPDATE account SET object_id = $1
             WHERE app_registration_id = $2 AND kind = 'app'
               AND NOT EXISTS (SELECT 1 FROM account other WHERE other.workspace_id = account.workspace_id
                 AND other.tenant_id = account.tenant_id AND other.object_id = $1)"
        ),
        args![client_id, id],
    )
    .await?;
    Ok(())
}

/// Whatever was signed in with it counts for nothing any more: its client id or cloud is another one. Gives how many people have to
/// sign in again; an application itself needs a credential and nobody.
pub async fn end_sign_ins(tx: &mut Tx, id: Uuid, fault: &str, now: Timestamp) -> Result<u64, StoreError> {
    tx.execute(
        sql!(
            "UPDATE account SET access_sealed = NULL, access_expires_at = NULL
             WHERE app_registration_id = $1 AND kind = 'app'"
        ),
        args![id],
    )
    .await?;
    tx.execute(
        sql!(
            "UPDATE account SET refresh_sealed = NULL, access_sealed = NULL, access_expires_at = NULL, fault = $1,
               state_since = CASE WHEN state = 'offline' THEN state_since ELSE $2 END, state = 'offline'
             WHERE app_registration_id = $3 AND kind <> 'app'"
        ),
        args![fault, now, id],
    )
    .await
}

/// Removes one that no account uses, with its credentials and what is under way with it.
pub async fn remove(tx: &mut Tx, workspace: Uuid, id: Uuid) -> Result<bool, StoreError> {
    let (used,): (i64,) =
        tx.fetch_one(sql!("SELECT count(*) FROM account WHERE app_registration_id = $1"), args![id]).await?;
    if used > 0 {
        return Ok(false);
    }
    for statement in [
        sql!("DELETE FROM credential WHERE app_registration_id = $1"),
        sql!("DELETE FROM sign_in WHERE app_registration_id = $1"),
        sql!("DELETE FROM approval WHERE app_registration_id = $1"),
        sql!("DELETE FROM sign_in_link WHERE app_registration_id = $1"),
        sql!("DELETE FROM device_sign_in WHERE app_registration_id = $1"),
        sql!("DELETE FROM enterprise_application WHERE app_registration_id = $1"),
    ] {
        tx.execute(statement, args![id]).await?;
    }
    let removed = tx
        .execute(
            sql!("DELETE FROM app_registration WHERE workspace_id = $1 AND id = $2 AND owner = 'console'"),
            args![workspace, id],
        )
        .await?;
    Ok(removed == 1)
}

/// An account that belongs to a registration.
#[derive(Clone, Debug, FromRow)]
pub struct Used {
    /// Row id.
    pub id: Uuid,
    /// The person's address, or the application's name.
    pub username: String,
    /// Tenant.
    pub tenant_id: String,
    /// `user` or `app`.
    pub kind: String,
    /// `online`, `degraded` or `offline`.
    pub state: String,
    /// How many sources are read with it.
    pub sources: i64,
    /// How many outbounds send as it.
    pub outbounds: i64,
}

/// The accounts of a registration.
pub async fn accounts(db: &Db, id: Uuid) -> Result<Vec<Used>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT a.id, a.username, a.tenant_id, a.kind, a.state,
               (SELECT count(*) FROM source s WHERE s.account_id = a.id AND s.removed_at IS NULL) AS sources,
               (SELECT count(*) FROM outbound o WHERE o.account_id = a.id) AS outbounds
             FROM account a WHERE a.app_registration_id = $1 ORDER BY a.username, a.id"
        ),
        args![id],
    )
    .await
}

/// A credential of a registration.
#[derive(Clone, Debug, FromRow)]
pub struct Credential {
    /// Row id.
    pub id: Uuid,
    /// `secret` or `certificate`.
    pub kind: String,
    /// The secret's value or the certificate's key, sealed.
    pub sealed: Vec<u8>,
    /// The certificate, PEM; empty for a secret.
    pub certificate: String,
    /// SHA-256 of the certificate, hexadecimal; empty for a secret.
    pub thumbprint: String,
    /// What people wrote beside it.
    pub note: String,
    /// Its end, microseconds, where it is known.
    pub expires_at: Option<i64>,
    /// When it was put in, microseconds.
    pub created_at: i64,
    /// When it was tested last, microseconds.
    pub tested_at: Option<i64>,
    /// What the last test or use said against it: a fault's record, as JSON.
    pub fault: Option<String>,
}

/// The credentials of a registration, the newest first: in this order they are tried.
pub async fn credentials(db: &Db, registration: Uuid) -> Result<Vec<Credential>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT id, kind, sealed, certificate, thumbprint, note, expires_at, created_at, tested_at, fault
             FROM credential WHERE app_registration_id = $1 ORDER BY created_at DESC, id DESC"
        ),
        args![registration],
    )
    .await
}

/// When a credential of an account's registration ends.
#[derive(Clone, Debug, FromRow)]
pub struct EndOfCredential {
    /// The account.
    pub account_id: Uuid,
    /// The registration.
    pub registration_id: Uuid,
    /// `secret` or `certificate`.
    pub kind: String,
    /// Microseconds.
    pub expires_at: i64,
}

/// The ends of all credentials that are known, by the accounts that depend on them; those of the settings file's secrets too.
pub async fn ends_of_credentials(db: &Db, workspace: Uuid) -> Result<Vec<EndOfCredential>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT a.id AS account_id, c.app_registration_id AS registration_id, c.kind, c.expires_at
             FROM account a JOIN credential c ON c.app_registration_id = a.app_registration_id
             WHERE a.workspace_id = $1 AND c.expires_at IS NOT NULL
             UNION ALL
             SELECT a.id, r.id, 'secret', r.secret_expires_at
             FROM account a JOIN app_registration r ON r.id = a.app_registration_id
             WHERE a.workspace_id = $1 AND r.secret_expires_at IS NOT NULL ORDER BY expires_at"
        ),
        args![workspace],
    )
    .await
}

/// A credential that is put in.
#[derive(Debug)]
pub struct NewCredential {
    /// Row id.
    pub id: Uuid,
    /// Workspace.
    pub workspace: Uuid,
    /// Registration.
    pub registration: Uuid,
    /// As in [`Credential`].
    pub kind: &'static str,
    /// As in [`Credential`].
    pub sealed: Vec<u8>,
    /// As in [`Credential`].
    pub certificate: String,
    /// As in [`Credential`].
    pub thumbprint: String,
    /// As in [`Credential`].
    pub note: String,
    /// As in [`Credential`].
    pub expires_at: Option<Timestamp>,
    /// Now.
    pub now: Timestamp,
}

/// Puts a credential in. `false`: there are as many as may live at once.
pub async fn add_credential(tx: &mut Tx, new: NewCredential, most: i64) -> Result<bool, StoreError> {
    // A change of the registration's row makes two who add at once take turns.
    tx.execute(
        sql!("UPDATE app_registration SET updated_at = $1 WHERE id = $2"),
        args![new.now, new.registration],
    )
    .await?;
    let (count,): (i64,) = tx
        .fetch_one(
            sql!("SELECT count(*) FROM credential WHERE app_registration_id = $1"),
            args![new.registration],
        )
        .await?;
    if count >= most {
        return Ok(false);
    }
    tx.execute(
        sql!(
            "INSERT INTO credential (id, workspace_id, app_registration_id, kind, sealed, certificate, thumbprint, note, expires_at,
               created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        ),
        args![
            new.id,
            new.workspace,
            new.registration,
            new.kind,
            new.sealed,
            new.certificate,
            new.thumbprint,
            new.note,
            new.expires_at,
            new.now
        ],
    )
    .await?;
    Ok(true)
}

/// Takes a credential out.
pub async fn remove_credential(
    tx: &mut Tx,
    registration: Uuid,
    id: Uuid,
    now: Timestamp,
) -> Result<bool, StoreError> {
    // By its time, other nodes see that they have to read the credentials anew.
    tx.execute(sql!("UPDATE app_registration SET updated_at = $1 WHERE id = $2"), args![now, registration])
        .await?;
    let removed = tx
        .execute(
            sql!("DELETE FROM credential WHERE app_registration_id = $1 AND id = $2"),
            args![registration, id],
        )
        .await?;
    Ok(removed == 1)
}

/// Keeps when a credential ends.
pub async fn set_end(db: &Db, id: Uuid, at: Timestamp) -> Result<(), StoreError> {
    db.execute(sql!("UPDATE credential SET expires_at = $1 WHERE id = $2"), args![at, id]).await?;
    Ok(())
}

/// Keeps when the settings file's secret ends.
pub async fn set_end_of_file(db: &Db, id: Uuid, at: Timestamp) -> Result<(), StoreError> {
    db.execute(sql!("UPDATE app_registration SET secret_expires_at = $1 WHERE id = $2"), args![at, id])
        .await?;
    Ok(())
}

/// Takes all credentials out; gives how many there were.
pub async fn remove_credentials(tx: &mut Tx, registration: Uuid) -> Result<u64, StoreError> {
    tx.execute(sql!("DELETE FROM credential WHERE app_registration_id = $1"), args![registration]).await
}

/// Takes all client secrets out; gives how many there were. Certificates stay.
pub async fn remove_secrets(tx: &mut Tx, registration: Uuid) -> Result<u64, StoreError> {
    tx.execute(
        sql!("DELETE FROM credential WHERE app_registration_id = $1 AND kind = 'secret'"),
        args![registration],
    )
    .await
}

/// Keeps what a test found.
pub async fn tested(db: &Db, id: Uuid, fault: Option<String>, now: Timestamp) -> Result<(), StoreError> {
    db.execute(sql!("UPDATE credential SET tested_at = $1, fault = $2 WHERE id = $3"), args![now, fault, id])
        .await?;
    Ok(())
}
