//! Jira connections and the projects that mail goes to.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

/// A Jira connection.
#[derive(Clone, Debug, FromRow)]
pub struct JiraConnection {
    /// Row id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its [kind](crate::connections::jira_kind::JiraKind).
    pub kind: String,
    /// The site.
    pub base_url: String,
    /// 2 or 3.
    pub api_version: i64,
    /// Whose token it is, or the client id of a service account; empty on Data Center.
    pub username: String,
    /// The id by which Atlassian's gateway knows the site; empty where it is not needed.
    pub cloud_id: String,
    /// Whom it writes as.
    pub display_name: Option<String>,
    /// `online`, `degraded` or `offline`.
    pub state: String,
    /// Since when, microseconds.
    pub state_since: i64,
    /// A fault's record, as JSON.
    pub fault: Option<String>,
    /// When it was tested last, microseconds.
    pub checked_at: Option<i64>,
    /// The largest file, in bytes.
    pub upload_limit: Option<i64>,
    /// When the secret was put in, microseconds.
    pub secret_put_at: i64,
    /// When it ends, microseconds.
    pub secret_ends_at: Option<i64>,
    /// Who says so: `hand` or `jira`; empty where nobody does.
    pub secret_ends_by: String,
    /// Which Jira it is, as it said last.
    pub server: String,
    /// The last time that it worked, microseconds.
    pub last_success_at: Option<i64>,
    /// Since when it is paused, microseconds.
    pub paused_at: Option<i64>,
    /// When it was changed last, microseconds.
    pub updated_at: i64,
}

/// All of them, by name.
pub async fn all(db: &Db, workspace: Uuid) -> Result<Vec<JiraConnection>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT id, name, kind, base_url, api_version, username, cloud_id, display_name, state, state_since, fault, checked_at,
               upload_limit, secret_put_at, secret_ends_at, secret_ends_by, server, last_success_at, paused_at, updated_at
             FROM jira_connection WHERE workspace_id = $1 ORDER BY name, id"
        ),
        args![workspace],
    )
    .await
}

/// One of them.
pub async fn one(db: &Db, workspace: Uuid, id: Uuid) -> Result<Option<JiraConnection>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT id, name, kind, base_url, api_version, username, cloud_id, display_name, state, state_since, fault, checked_at,
               upload_limit, secret_put_at, secret_ends_at, secret_ends_by, server, last_success_at, paused_at, updated_at
             FROM jira_connection WHERE workspace_id = $1 AND id = $2"
        ),
        args![workspace, id],
    )
    .await
}

/// What a connection is kept as.
#[derive(Debug)]
pub struct Kept {
    /// Row id.
    pub id: Uuid,
    /// Workspace.
    pub workspace: Uuid,
    /// Its name.
    pub name: String,
    /// Its [kind](crate::connections::jira_kind::JiraKind).
    pub kind: &'static str,
    /// The site.
    pub base_url: String,
    /// 2 or 3.
    pub api_version: i64,
    /// Whose token it is.
    pub username: String,
    /// The token, sealed; none keeps the one that is there.
    pub token_sealed: Option<Vec<u8>>,
    /// The Jira account.
    pub account_id: Option<String>,
    /// Its name.
    pub display_name: Option<String>,
    /// The largest file, in bytes.
    pub upload_limit: Option<i64>,
    /// When it was tested, if it was. What was not is due to be tested at once.
    pub tested_at: Option<Timestamp>,
    /// Now.
    pub now: Timestamp,
}

/// Stores a new connection.
pub async fn insert(tx: &mut Tx, new: Kept) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO jira_connection (id, workspace_id, name, kind, base_url, api_version, username, token_sealed, account_id,
               display_name, upload_limit, state, state_since, checked_at, last_success_at, secret_put_at, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'online', $12, $13, $13, $12, $12, $12)"
        ),
        args![
            new.id,
            new.workspace,
            new.name,
            new.kind,
            new.base_url,
            new.api_version,
            new.username,
            new.token_sealed,
            new.account_id,
            new.display_name,
            new.upload_limit,
            new.now,
            new.tested_at
        ],
    )
    .await?;
    Ok(())
}

/// Stores a changed connection. Its projects take mail again.
pub async fn update(tx: &mut Tx, kept: Kept) -> Result<(), StoreError> {
    // Mails and projects before their site, as whoever stops one does: two transactions do not wait for each other.
    release(tx, kept.id).await?;
    tx.execute(
        sql!(
            "UPDATE jira_connection SET name = $1, kind = $2, base_url = $3, api_version = $4, username = $5,
               token_sealed = coalesce($6, token_sealed), account_id = $7, display_name = $8, upload_limit = $9,
               secret_put_at = CASE WHEN $6 IS NULL THEN secret_put_at ELSE $10 END,
               secret_ends_at = CASE WHEN $6 IS NULL THEN secret_ends_at ELSE NULL END,
               secret_ends_by = CASE WHEN $6 IS NULL THEN secret_ends_by ELSE '' END,
               state_since = CASE WHEN state = 'online' OR CAST($13 AS BIGINT) IS NULL THEN state_since ELSE $10 END,
               state = CASE WHEN CAST($13 AS BIGINT) IS NULL THEN state ELSE 'online' END,
               fault = CASE WHEN CAST($13 AS BIGINT) IS NULL THEN fault ELSE NULL END,
               checked_at = CAST($13 AS BIGINT), last_success_at = coalesce(CAST($13 AS BIGINT), last_success_at), updated_at = $10
             WHERE id = $11 AND workspace_id = $12"
        ),
        args![
            kept.name,
            kept.kind,
            kept.base_url,
            kept.api_version,
            kept.username,
            kept.token_sealed,
            kept.account_id,
            kept.display_name,
            kept.upload_limit,
            kept.now,
            kept.id,
            kept.workspace,
            kept.tested_at
        ],
    )
    .await?;
    Ok(())
}

/// What is known of a connection beside how it signs in.
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// The id by which Atlassian's gateway knows the site; empty where it is not needed.
    pub cloud_id: String,
    /// When the secret ends, as a person says; none leaves what Jira told.
    pub ends: Option<Timestamp>,
    /// Which Jira it is.
    pub server: String,
}

/// Keeps what is known of a connection that was kept before.
pub async fn put_details(tx: &mut Tx, id: Uuid, details: Details) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE jira_connection SET cloud_id = $1, server = $2,
               secret_ends_at = CASE WHEN secret_ends_by = 'jira' THEN secret_ends_at ELSE CAST($3 AS BIGINT) END,
               secret_ends_by = CASE WHEN secret_ends_by = 'jira' THEN 'jira' WHEN CAST($3 AS BIGINT) IS NULL THEN '' ELSE 'hand' END
             WHERE id = $4"
        ),
        args![details.cloud_id, details.server, details.ends, id],
    )
    .await?;
    Ok(())
}

/// Jira tells when the secret ends.
pub async fn secret_ends(tx: &mut Tx, id: Uuid, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE jira_connection SET secret_ends_at = $1, secret_ends_by = 'jira' WHERE id = $2"),
        args![at, id],
    )
    .await?;
    Ok(())
}

/// Keeps which Jira it is.
pub async fn put_server(tx: &mut Tx, id: Uuid, server: &str) -> Result<(), StoreError> {
    tx.execute(sql!("UPDATE jira_connection SET server = $1 WHERE id = $2"), args![server, id]).await?;
    Ok(())
}

/// Keeps the address that Jira itself sends a project's mail from.
pub async fn put_address(
    tx: &mut Tx,
    connection: Uuid,
    project: &str,
    address: &str,
) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE destination SET jira_address = $1 WHERE jira_connection_id = $2 AND project_key = $3"),
        args![address, connection, project],
    )
    .await?;
    Ok(())
}

/// Pauses a connection, or has it go on. `false`: it was so already.
pub async fn set_paused(
    tx: &mut Tx,
    workspace: Uuid,
    id: Uuid,
    paused: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = if paused {
        tx.execute(
            sql!(
                "UPDATE jira_connection SET paused_at = $1, updated_at = $1
                 WHERE id = $2 AND workspace_id = $3 AND paused_at IS NULL"
            ),
            args![now, id, workspace],
        )
        .await?
    } else {
        tx.execute(
            sql!(
                "UPDATE jira_connection SET paused_at = NULL, updated_at = $1
                 WHERE id = $2 AND workspace_id = $3 AND paused_at IS NOT NULL"
            ),
            args![now, id, workspace],
        )
        .await?
    };
    Ok(changed == 1)
}

/// A source whose mail goes to a connection.
#[derive(Clone, Debug, FromRow)]
pub struct Writer {
    /// Row id.
    pub id: Uuid,
    /// Its mailbox.
    pub mailbox: String,
    /// Its folder.
    pub folder_name: String,
    /// The project.
    pub project_key: String,
    /// The issue type.
    pub issue_type_name: String,
    /// The address that Jira itself sends the project's mail from.
    pub jira_address: String,
}

/// The sources whose mail goes to a connection.
pub async fn writers(db: &Db, workspace: Uuid, connection: Uuid) -> Result<Vec<Writer>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT s.id, m.address AS mailbox, s.folder_name, d.project_key, s.issue_type_name, d.jira_address
             FROM source s JOIN destination d ON d.id = s.destination_id JOIN mailbox m ON m.id = s.mailbox_id
             WHERE s.workspace_id = $1 AND d.jira_connection_id = $2 AND s.removed_at IS NULL
             ORDER BY m.address, s.folder_name, s.id"
        ),
        args![workspace, connection],
    )
    .await
}

/// The projects of a connection.
pub async fn destinations(tx: &mut Tx, connection: Uuid) -> Result<Vec<Uuid>, StoreError> {
    let rows: Vec<(Uuid,)> = tx
        .fetch_all(
            sql!("SELECT id FROM destination WHERE jira_connection_id = $1 ORDER BY id"),
            args![connection],
        )
        .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Mails that have no end yet and go to a connection.
pub async fn waiting(db: &Db, connection: Uuid) -> Result<i64, StoreError> {
    let (count,): (i64,) = db
        .fetch_one(
            sql!(
                "SELECT count(*) FROM message m JOIN source s ON s.id = m.source_id
                 JOIN destination d ON d.id = coalesce(m.destination_id, s.destination_id)
                 WHERE d.jira_connection_id = $1 AND m.state IN ('recorded', 'ready', 'acting')"
            ),
            args![connection],
        )
        .await?;
    Ok(count)
}

/// Lets the projects of a connection take mail at once. The mails that met what stopped them wait no longer, either: those that were to
/// be tried again no later than their project.
pub async fn release(tx: &mut Tx, connection: Uuid) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE message SET not_before = 0 WHERE state IN ('ready', 'acting') AND not_before > 0
               AND EXISTS (SELECT 1 FROM source s JOIN destination d ON d.id = coalesce(message.destination_id, s.destination_id)
                 WHERE s.id = message.source_id AND d.jira_connection_id = $1 AND d.not_before >= message.not_before)"
        ),
        args![connection],
    )
    .await?;
    tx.execute(
        sql!("UPDATE destination SET not_before = 0 WHERE jira_connection_id = $1 AND not_before > 0"),
        args![connection],
    )
    .await?;
    Ok(())
}

/// The projects of a connection that are stopped: row id, and a fault's record as JSON.
pub async fn stopped(tx: &mut Tx, connection: Uuid) -> Result<Vec<(Uuid, String)>, StoreError> {
    tx.fetch_all(
        sql!("SELECT id, fault FROM destination WHERE jira_connection_id = $1 AND fault IS NOT NULL ORDER BY id"),
        args![connection],
    )
    .await
}

/// What stopped a project is over, if it still is what stopped it.
pub async fn goes_on(tx: &mut Tx, destination: Uuid, fault: &str, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE destination SET state = 'online', fault = NULL, failures = 0,
               state_since = CASE WHEN state = 'online' THEN state_since ELSE $1 END WHERE id = $2 AND fault = $3"
        ),
        args![now, destination, fault],
    )
    .await?;
    Ok(())
}

/// The sealed token.
pub async fn token(db: &Db, id: Uuid) -> Result<Option<Vec<u8>>, StoreError> {
    let row: Option<(Vec<u8>,)> =
        db.fetch_optional(sql!("SELECT token_sealed FROM jira_connection WHERE id = $1"), args![id]).await?;
    Ok(row.map(|row| row.0))
}

/// The connection of a site, if there is one.
pub async fn of_site(db: &Db, workspace: Uuid, base_url: &str) -> Result<Option<Uuid>, StoreError> {
    let row: Option<(Uuid,)> = db
        .fetch_optional(
            sql!("SELECT id FROM jira_connection WHERE workspace_id = $1 AND base_url = $2"),
            args![workspace, base_url],
        )
        .await?;
    Ok(row.map(|row| row.0))
}

/// What a test found: the state that it leaves.
pub async fn checked(
    tx: &mut Tx,
    id: Uuid,
    state: &str,
    fault: Option<String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE jira_connection SET checked_at = $1, fault = $2,
               last_success_at = CASE WHEN $3 = 'online' THEN $1 ELSE last_success_at END,
               state_since = CASE WHEN state = $3 THEN state_since ELSE $1 END, state = $3 WHERE id = $4"
        ),
        args![now, fault, state, id],
    )
    .await?;
    Ok(())
}

/// As [`checked`], unless the connection was changed after that time, in microseconds: then `false`, and what was found is of how it was.
pub async fn checked_as_of(
    tx: &mut Tx,
    (id, changed_at): (Uuid, i64),
    state: &str,
    fault: Option<String>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let written = tx
        .execute(
            sql!(
                "UPDATE jira_connection SET checked_at = $1, fault = $2,
                   last_success_at = CASE WHEN $3 = 'online' THEN $1 ELSE last_success_at END,
                   state_since = CASE WHEN state = $3 THEN state_since ELSE $1 END, state = $3
                 WHERE id = $4 AND updated_at = $5"
            ),
            args![now, fault, state, id, changed_at],
        )
        .await?;
    Ok(written == 1)
}

/// How a connection is, as its row says.
pub async fn state(tx: &mut Tx, id: Uuid) -> Result<Option<String>, StoreError> {
    let row: Option<(String,)> =
        tx.fetch_optional(sql!("SELECT state FROM jira_connection WHERE id = $1"), args![id]).await?;
    Ok(row.map(|row| row.0))
}

/// A write met something that passes by itself: one that was online is degraded. What is known to need a person stays.
pub async fn shakes(tx: &mut Tx, id: Uuid, fault: Option<String>, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE jira_connection SET checked_at = $1, fault = $2,
               state_since = CASE WHEN state = 'degraded' THEN state_since ELSE $1 END, state = 'degraded'
             WHERE id = $3 AND state IN ('online', 'degraded')"
        ),
        args![now, fault, id],
    )
    .await?;
    Ok(())
}

/// Connections that are to be looked at: last tested before `shaky` where that passes by itself, before `usual` otherwise.
pub async fn due(db: &Db, usual: Timestamp, shaky: Timestamp) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT workspace_id, id FROM jira_connection
             WHERE paused_at IS NULL
               AND (checked_at IS NULL OR checked_at <= CASE WHEN state = 'degraded' THEN CAST($2 AS BIGINT) ELSE $1 END)
             ORDER BY checked_at"
        ),
        args![usual, shaky],
    )
    .await
}

/// Takes one of [`due`] before it is looked at. `false`: somebody else did.
pub async fn take(
    db: &Db,
    id: Uuid,
    usual: Timestamp,
    shaky: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let taken = db
        .execute(
            sql!(
                "UPDATE jira_connection SET checked_at = $1 WHERE id = $2
                   AND (checked_at IS NULL OR checked_at <= CASE WHEN state = 'degraded' THEN CAST($4 AS BIGINT) ELSE $3 END)"
            ),
            args![now, id, usual, shaky],
        )
        .await?;
    Ok(taken == 1)
}

/// Keeps what a test found out about a connection: whom it writes as, and the largest file.
pub async fn learned(
    tx: &mut Tx,
    id: Uuid,
    account_id: Option<&str>,
    display_name: &str,
    upload_limit: Option<i64>,
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE jira_connection SET account_id = coalesce($1, account_id), display_name = $2,
               upload_limit = coalesce($3, upload_limit) WHERE id = $4"
        ),
        args![account_id.map(str::to_owned), display_name, upload_limit, id],
    )
    .await?;
    Ok(())
}

/// What came of removing a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is removed, and its projects with it.
    Done,
    /// Sources send mail to it.
    Used,
    /// So many mails have a plan that writes to it and no end.
    Awaited(i64),
    /// There is no such connection.
    Nowhere,
}

/// Removes a connection that neither a source nor a mail under way uses; its projects go with it.
pub async fn remove(tx: &mut Tx, workspace: Uuid, id: Uuid) -> Result<Removal, StoreError> {
    let (used,): (i64,) = tx
        .fetch_one(
            sql!(
                "SELECT count(*) FROM source s JOIN destination d ON d.id = s.destination_id
                 WHERE d.jira_connection_id = $1 AND s.removed_at IS NULL"
            ),
            args![id],
        )
        .await?;
    if used > 0 {
        return Ok(Removal::Used);
    }
    let (awaited,): (i64,) = tx
        .fetch_one(
            sql!(
                "SELECT count(*) FROM message m JOIN destination d ON d.id = m.destination_id
                 WHERE d.jira_connection_id = $1 AND m.state IN ('acting', 'held')"
            ),
            args![id],
        )
        .await?;
    if awaited > 0 {
        return Ok(Removal::Awaited(awaited));
    }
    // A source that was removed stays for its mail's sake; connected again, it gets a project.
    tx.execute(
        sql!(
            "UPDATE source SET destination_id = NULL WHERE removed_at IS NOT NULL
               AND destination_id IN (SELECT id FROM destination WHERE jira_connection_id = $1)"
        ),
        args![id],
    )
    .await?;
    // What was written there keeps its key and has no site any more.
    tx.execute(
        sql!(
            "UPDATE message SET destination_id = NULL
             WHERE destination_id IN (SELECT id FROM destination WHERE jira_connection_id = $1)"
        ),
        args![id],
    )
    .await?;
    tx.execute(
        sql!("DELETE FROM adopted WHERE destination_id IN (SELECT id FROM destination WHERE jira_connection_id = $1)"),
        args![id],
    )
    .await?;
    tx.execute(sql!("DELETE FROM foreign_key WHERE jira_connection_id = $1"), args![id]).await?;
    tx.execute(sql!("DELETE FROM destination WHERE jira_connection_id = $1"), args![id]).await?;
    let removed = tx
        .execute(
            sql!("DELETE FROM jira_connection WHERE id = $1 AND workspace_id = $2"),
            args![id, workspace],
        )
        .await?;
    Ok(if removed == 1 { Removal::Done } else { Removal::Nowhere })
}

/// A project that mail goes to.
#[derive(Clone, Debug, FromRow)]
pub struct Project {
    /// The connection.
    pub jira_connection_id: Uuid,
    /// Its key.
    pub project_key: String,
    /// Its name.
    pub project_name: String,
    /// `online`, `degraded` or `offline`.
    pub state: String,
    /// Since when, microseconds.
    pub state_since: i64,
    /// A fault's record, as JSON.
    pub fault: Option<String>,
    /// When it is tried again, microseconds; 0 while nothing is waited for.
    pub not_before: i64,
    /// The address that Jira itself sends the project's mail from.
    pub jira_address: String,
    /// Sources that send mail to it.
    pub sources: i64,
}

/// The projects of all connections that mail goes to.
pub async fn projects(db: &Db, workspace: Uuid) -> Result<Vec<Project>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT d.jira_connection_id, d.project_key, d.project_name, d.state, d.state_since, d.fault, d.not_before,
               d.jira_address,
               (SELECT count(*) FROM source s WHERE s.destination_id = d.id AND s.removed_at IS NULL) AS sources
             FROM destination d WHERE d.workspace_id = $1 ORDER BY d.project_key"
        ),
        args![workspace],
    )
    .await
}

/// A project as a source's destination.
#[derive(Debug)]
pub struct NewDestination<'a> {
    /// Workspace.
    pub workspace: Uuid,
    /// The connection.
    pub connection: Uuid,
    /// For example `SUP`.
    pub key: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The highest issue number there is.
    pub highest: i64,
    /// Now.
    pub now: Timestamp,
}

/// The destination's row for a project; made if there is none. The highest issue number only grows.
pub async fn destination(tx: &mut Tx, new: &NewDestination<'_>) -> Result<Uuid, StoreError> {
    let (id,): (Uuid,) = tx
        .fetch_one(
            sql!(
                "INSERT INTO destination (id, workspace_id, jira_connection_id, project_key, project_name, highest_key, state,
                   state_since, failures, not_before, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, 'online', $7, 0, 0, $7)
                 ON CONFLICT (jira_connection_id, project_key) DO UPDATE SET project_name = excluded.project_name,
                   highest_key = CASE WHEN destination.highest_key > excluded.highest_key THEN destination.highest_key
                     ELSE excluded.highest_key END
                 RETURNING id"
            ),
            args![Uuid::now_v7(), new.workspace, new.connection, new.key, new.name, new.highest, new.now],
        )
        .await?;
    Ok(id)
}

/// The destination's row for a project, if there is one.
pub async fn destination_of(db: &Db, connection: Uuid, key: &str) -> Result<Option<Uuid>, StoreError> {
    let row: Option<(Uuid,)> = db
        .fetch_optional(
            sql!("SELECT id FROM destination WHERE jira_connection_id = $1 AND project_key = $2"),
            args![connection, key],
        )
        .await?;
    Ok(row.map(|(id,)| id))
}
