//! What Postroom is in the tenants that it was let into.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

/// An Enterprise Application.
#[derive(Clone, Debug, FromRow)]
pub struct Enterprise {
    /// The tenant.
    pub tenant_id: String,
    /// Its id there; empty where the directory was not to be read.
    pub object_id: String,
    /// As the tenant calls it; empty where the directory was not to be read.
    pub name: String,
    /// Whose sign-in told of it.
    pub signed_in_by: String,
    /// When, microseconds.
    pub seen_at: i64,
}

/// Those of a registration, by tenant.
pub async fn all(db: &Db, registration: Uuid) -> Result<Vec<Enterprise>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT tenant_id, object_id, name, signed_in_by, seen_at FROM enterprise_application
             WHERE app_registration_id = $1 ORDER BY tenant_id"
        ),
        args![registration],
    )
    .await
}

/// The one in a tenant.
pub async fn one(db: &Db, registration: Uuid, tenant: &str) -> Result<Option<Enterprise>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT tenant_id, object_id, name, signed_in_by, seen_at FROM enterprise_application
             WHERE app_registration_id = $1 AND tenant_id = $2"
        ),
        args![registration, tenant],
    )
    .await
}

/// Keeps one; what was learned of it before is not unlearned.
pub async fn put(
    tx: &mut Tx,
    registration: Uuid,
    new: &Enterprise,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO enterprise_application (app_registration_id, tenant_id, object_id, name, signed_in_by, seen_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (app_registration_id, tenant_id) DO UPDATE SET
               object_id = CASE WHEN excluded.object_id = '' THEN enterprise_application.object_id ELSE excluded.object_id END,
               name = CASE WHEN excluded.object_id = '' THEN enterprise_application.name ELSE excluded.name END,
               signed_in_by = excluded.signed_in_by, seen_at = excluded.seen_at"
        ),
        args![registration, &new.tenant_id, &new.object_id, &new.name, &new.signed_in_by, now],
    )
    .await?;
    Ok(())
}

/// Keeps whether an account is an administrator's, as the last id_token said.
pub async fn set_administrator(tx: &mut Tx, account: Uuid, is_one: Option<bool>) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE account SET administrator = $1 WHERE id = $2"),
        args![is_one.map(i64::from), account],
    )
    .await?;
    Ok(())
}

/// Whether an account is an administrator's, where that is known.
pub async fn administrator(db: &Db, account: Uuid) -> Result<Option<bool>, StoreError> {
    let row: Option<(Option<i64>,)> =
        db.fetch_optional(sql!("SELECT administrator FROM account WHERE id = $1"), args![account]).await?;
    Ok(row.and_then(|(is_one,)| is_one).map(|is_one| is_one == 1))
}
