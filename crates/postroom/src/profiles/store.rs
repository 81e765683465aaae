//! Profiles as rows: each with all versions that were ever saved.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

/// A profile with its version in use.
#[derive(Clone, Debug, FromRow)]
pub struct Row {
    /// Its row.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The version in use.
    pub version: i64,
    /// That version's document.
    pub document: String,
    /// Who saved it.
    pub author: String,
    /// What they said of it.
    pub note: String,
    /// When, microseconds.
    pub saved_at: i64,
    /// How many sources are handled by it.
    pub sources: i64,
}

/// A version of a profile.
#[derive(Clone, Debug, FromRow)]
pub struct Version {
    /// 1 for the first.
    pub version: i64,
    /// TOML.
    pub document: String,
    /// Who saved it.
    pub author: String,
    /// What they said of it.
    pub note: String,
    /// When, microseconds.
    pub saved_at: i64,
}

/// All profiles of a workspace by name.
pub async fn all(db: &Db, workspace: Uuid) -> Result<Vec<Row>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT p.id, p.name, p.version, v.document, v.author, v.note, v.saved_at,
               (SELECT count(*) FROM source s WHERE s.profile_id = p.id AND s.account_id IS NOT NULL) AS sources
             FROM profile p JOIN profile_version v ON v.profile_id = p.id AND v.version = p.version
             WHERE p.workspace_id = $1 ORDER BY p.name"
        ),
        args![workspace],
    )
    .await
}

/// One profile.
pub async fn one(db: &Db, workspace: Uuid, id: Uuid) -> Result<Option<Row>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT p.id, p.name, p.version, v.document, v.author, v.note, v.saved_at,
               (SELECT count(*) FROM source s WHERE s.profile_id = p.id AND s.account_id IS NOT NULL) AS sources
             FROM profile p JOIN profile_version v ON v.profile_id = p.id AND v.version = p.version
             WHERE p.workspace_id = $1 AND p.id = $2"
        ),
        args![workspace, id],
    )
    .await
}

/// The document in use, with its version; `None` where the profile was removed.
pub async fn in_use(db: &Db, id: Uuid) -> Result<Option<(i64, String)>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT p.version, v.document FROM profile p
             JOIN profile_version v ON v.profile_id = p.id AND v.version = p.version WHERE p.id = $1"
        ),
        args![id],
    )
    .await
}

/// All versions, the newest first.
pub async fn versions(db: &Db, id: Uuid) -> Result<Vec<Version>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT version, document, author, note, saved_at FROM profile_version
             WHERE profile_id = $1 ORDER BY version DESC"
        ),
        args![id],
    )
    .await
}

/// A version to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewVersion<'a> {
    /// TOML.
    pub document: &'a str,
    /// Who saves it.
    pub author: &'a str,
    /// What they say of it.
    pub note: &'a str,
    /// Now.
    pub now: Timestamp,
}

/// Stores a new profile with its first version.
pub async fn insert(
    tx: &mut Tx,
    workspace: Uuid,
    id: Uuid,
    name: &str,
    new: NewVersion<'_>,
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO profile (id, workspace_id, name, version, created_at, updated_at) VALUES ($1, $2, $3, 1, $4, $4)"
        ),
        args![id, workspace, name, new.now],
    )
    .await?;
    insert_version(tx, id, 1, new).await
}

/// Stores a new version, if `seen` is still the one in use; whether it was.
pub async fn add_version(
    tx: &mut Tx,
    id: Uuid,
    name: &str,
    seen: i64,
    new: NewVersion<'_>,
) -> Result<bool, StoreError> {
    let changed = tx
        .execute(
            sql!("UPDATE profile SET name = $1, version = version + 1, updated_at = $2 WHERE id = $3 AND version = $4"),
            args![name, new.now, id, seen],
        )
        .await?;
    if changed == 0 {
        return Ok(false);
    }
    insert_version(tx, id, seen + 1, new).await?;
    Ok(true)
}

async fn insert_version(tx: &mut Tx, id: Uuid, version: i64, new: NewVersion<'_>) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO profile_version (profile_id, version, document, author, note, saved_at)
             VALUES ($1, $2, $3, $4, $5, $6)"
        ),
        args![id, version, new.document, new.author, new.note, new.now],
    )
    .await?;
    Ok(())
}

/// Removes a profile that no source is handled by; whether it was removed.
pub async fn remove(tx: &mut Tx, workspace: Uuid, id: Uuid) -> Result<bool, StoreError> {
    // A removed source keeps its row; what it was handled by says nothing any more.
    tx.execute(
        sql!("UPDATE source SET profile_id = NULL WHERE profile_id = $1 AND account_id IS NULL"),
        args![id],
    )
    .await?;
    let removed = tx
        .execute(
            sql!(
                "DELETE FROM profile WHERE id = $1 AND workspace_id = $2
                 AND NOT EXISTS (SELECT 1 FROM source s WHERE s.profile_id = $1)"
            ),
            args![id, workspace],
        )
        .await?;
    Ok(removed > 0)
}

/// Gives a source another profile; none is the standard one.
pub async fn give(
    tx: &mut Tx,
    source: Uuid,
    profile: Option<Uuid>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE source SET profile_id = $1, updated_at = $2 WHERE id = $3"),
        args![profile, now, source],
    )
    .await?;
    Ok(())
}
