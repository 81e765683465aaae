//! How connections are called where people are told of them.

use sqlx::FromRow;
use store::{StoreError, Tx, args, sql};
use uuid::Uuid;

/// A connection with its name.
#[derive(Clone, Debug, FromRow)]
pub struct Named {
    /// Its row.
    pub id: Uuid,
    /// Whose it is.
    pub workspace_id: Uuid,
    /// As people know it.
    pub name: String,
}

/// A source that is read: its mailbox, and its folder unless that is the Inbox.
pub async fn source(tx: &mut Tx, id: Uuid) -> Result<Option<Named>, StoreError> {
    tx.fetch_optional(
        sql!(
            "SELECT s.id, s.workspace_id,
               m.address || CASE WHEN lower(s.folder_name) = 'inbox' THEN '' ELSE ' (' || s.folder_name || ')' END AS name
             FROM source s JOIN mailbox m ON m.id = s.mailbox_id
             WHERE s.id = $1 AND s.paused_at IS NULL AND s.removed_at IS NULL AND s.confirmed_at IS NOT NULL"
        ),
        args![id],
    )
    .await
}

/// The sources that an account reads.
pub async fn sources_of(tx: &mut Tx, account: Uuid) -> Result<Vec<Named>, StoreError> {
    tx.fetch_all(
        sql!(
            "SELECT s.id, s.workspace_id,
               m.address || CASE WHEN lower(s.folder_name) = 'inbox' THEN '' ELSE ' (' || s.folder_name || ')' END AS name
             FROM source s JOIN mailbox m ON m.id = s.mailbox_id
             WHERE s.account_id = $1 AND s.paused_at IS NULL AND s.removed_at IS NULL AND s.confirmed_at IS NOT NULL
             ORDER BY m.address, s.id"
        ),
        args![account],
    )
    .await
}

/// An outbound in use.
pub async fn outbound(tx: &mut Tx, id: Uuid) -> Result<Option<Named>, StoreError> {
    tx.fetch_optional(
        sql!(
            "SELECT o.id, o.workspace_id, 'Sending from ' || m.address AS name
             FROM outbound o JOIN mailbox m ON m.id = o.mailbox_id WHERE o.id = $1 AND o.paused_at IS NULL"
        ),
        args![id],
    )
    .await
}

/// The outbounds that an account sends from.
pub async fn outbounds_of(tx: &mut Tx, account: Uuid) -> Result<Vec<Named>, StoreError> {
    tx.fetch_all(
        sql!(
            "SELECT o.id, o.workspace_id, 'Sending from ' || m.address AS name
             FROM outbound o JOIN mailbox m ON m.id = o.mailbox_id WHERE o.account_id = $1 AND o.paused_at IS NULL
             ORDER BY m.address, o.id"
        ),
        args![account],
    )
    .await
}

/// An account with its name.
#[derive(Clone, Debug, FromRow)]
pub struct NamedAccount {
    /// Its row.
    pub id: Uuid,
    /// Whose it is.
    pub workspace_id: Uuid,
    /// As people know it.
    pub name: String,
    /// What it was signed in for, as its row keeps it.
    pub goal: String,
}

/// An account.
pub async fn account(tx: &mut Tx, id: Uuid) -> Result<Option<NamedAccount>, StoreError> {
    tx.fetch_optional(
        sql!("SELECT id, workspace_id, username AS name, goal FROM account WHERE id = $1"),
        args![id],
    )
    .await
}

/// A destination in use: the project and its site.
pub async fn destination(tx: &mut Tx, id: Uuid) -> Result<Option<Named>, StoreError> {
    tx.fetch_optional(
        sql!(
            "SELECT d.id, d.workspace_id, 'Project ' || d.project_key || ' in ' || j.name AS name
             FROM destination d JOIN jira_connection j ON j.id = d.jira_connection_id
             WHERE d.id = $1 AND j.paused_at IS NULL"
        ),
        args![id],
    )
    .await
}

/// A Jira connection in use.
pub async fn site(tx: &mut Tx, id: Uuid) -> Result<Option<Named>, StoreError> {
    tx.fetch_optional(
        sql!(
            "SELECT id, workspace_id, 'Jira ' || name AS name FROM jira_connection WHERE id = $1 AND paused_at IS NULL"
        ),
        args![id],
    )
    .await
}

/// The Jira connection that a destination belongs to, while it is in use.
pub async fn site_of(tx: &mut Tx, destination: Uuid) -> Result<Option<Named>, StoreError> {
    tx.fetch_optional(
        sql!(
            "SELECT j.id, j.workspace_id, 'Jira ' || j.name AS name
             FROM destination d JOIN jira_connection j ON j.id = d.jira_connection_id
             WHERE d.id = $1 AND j.paused_at IS NULL"
        ),
        args![destination],
    )
    .await
}

/// Mails that go to a Jira connection and have no end yet, or have one since its trouble was told: those had waited, too.
pub async fn waiting_for_site(tx: &mut Tx, site: Uuid) -> Result<u64, StoreError> {
    let (open,): (i64,) = tx
        .fetch_one(
            sql!(
                "SELECT count(*) FROM message w JOIN source s ON s.id = w.source_id
                 JOIN destination d ON d.id = s.destination_id
                 WHERE d.jira_connection_id = $1 AND w.state IN ('recorded', 'ready', 'acting')"
            ),
            args![site],
        )
        .await?;
    // Mail that was older than a day when the trouble was told is not looked for: the index goes by the time of receipt.
    let (through,): (i64,) = tx
        .fetch_one(
            sql!(
                "SELECT count(*) FROM (SELECT workspace_id, min(raised_at) AS told FROM notice
                   WHERE object_id = $1 AND ended_at IS NULL AND kind IN ('offline', 'degraded') GROUP BY workspace_id) n
                 JOIN message w ON w.workspace_id = n.workspace_id AND w.received_at >= n.told - 86400000000
                 JOIN source s ON s.id = w.source_id JOIN destination d ON d.id = s.destination_id
                 WHERE d.jira_connection_id = $1 AND w.ended_at >= n.told"
            ),
            args![site],
        )
        .await?;
    Ok(u64::try_from(open.saturating_add(through)).unwrap_or(0))
}

/// The same for a destination.
pub async fn waiting_for(tx: &mut Tx, destination: Uuid) -> Result<u64, StoreError> {
    let (open,): (i64,) = tx
        .fetch_one(
            sql!(
                "SELECT count(*) FROM message w JOIN source s ON s.id = w.source_id
                 WHERE s.destination_id = $1 AND w.state IN ('recorded', 'ready', 'acting')"
            ),
            args![destination],
        )
        .await?;
    let (through,): (i64,) = tx
        .fetch_one(
            sql!(
                "SELECT count(*) FROM (SELECT workspace_id, min(raised_at) AS told FROM notice
                   WHERE object_id = $1 AND ended_at IS NULL AND kind IN ('offline', 'degraded') GROUP BY workspace_id) n
                 JOIN message w ON w.workspace_id = n.workspace_id AND w.received_at >= n.told - 86400000000
                 JOIN source s ON s.id = w.source_id WHERE s.destination_id = $1 AND w.ended_at >= n.told"
            ),
            args![destination],
        )
        .await?;
    Ok(u64::try_from(open.saturating_add(through)).unwrap_or(0))
}
