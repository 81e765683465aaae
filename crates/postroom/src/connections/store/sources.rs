//! Message Sources and their mailboxes.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

/// A source with what stands around it.
#[derive(Clone, Debug, FromRow)]
pub struct Source {
    /// Row id.
    pub id: Uuid,
    /// The account that reads it.
    pub account_id: Uuid,
    /// The account's app registration.
    pub app_registration_id: Uuid,
    /// The account's address.
    pub username: String,
    /// `user` or `app`.
    pub account_kind: String,
    /// The account's state.
    pub account_state: String,
    /// Since when, microseconds.
    pub account_since: i64,
    /// The account's fault.
    pub account_fault: Option<String>,
    /// When somebody signed in last, microseconds.
    pub signed_in_at: i64,
    /// When the token was renewed last, microseconds.
    pub refreshed_at: Option<i64>,
    /// The mailbox's row.
    pub mailbox_id: Uuid,
    /// The mailbox's id in the tenant.
    pub mailbox_native_id: String,
    /// The mailbox's address.
    pub mailbox: String,
    /// `graph` or `ews`.
    pub connection_type: String,
    /// The address of an Exchange server of one's own; empty: that of the app registration.
    pub ews_url: String,
    /// The folder.
    pub folder_id: String,
    /// The folder's name.
    pub folder_name: String,
    /// The destination's row.
    pub destination_id: Option<Uuid>,
    /// The Jira connection.
    pub jira_connection_id: Option<Uuid>,
    /// The project.
    pub project_key: Option<String>,
    /// The project's name.
    pub project_name: Option<String>,
    /// The destination's state.
    pub destination_state: Option<String>,
    /// Since when, microseconds.
    pub destination_since: Option<i64>,
    /// The destination's fault.
    pub destination_fault: Option<String>,
    /// When the destination is tried again, microseconds.
    pub destination_not_before: Option<i64>,
    /// The address that Jira itself sends the project's mail from; empty where it told none.
    pub jira_address: Option<String>,
    /// The Jira connection's name.
    pub jira_name: Option<String>,
    /// Since when that is paused, microseconds.
    pub jira_paused_at: Option<i64>,
    /// The issue type's id.
    pub issue_type_id: String,
    /// The issue type's name.
    pub issue_type_name: String,
    /// `now`, `since` or `everything`.
    pub start_kind: String,
    /// The start point, microseconds.
    pub start_at: i64,
    /// `leave`, `read`, `category` or `move`.
    pub handled: String,
    /// The category's name, or the folder's id.
    pub handled_target: String,
    /// What it is called.
    pub handled_name: String,
    /// When it was confirmed.
    pub confirmed_at: Option<i64>,
    /// When it was paused.
    pub paused_at: Option<i64>,
    /// When it was last taken into use again after a pause.
    pub resumed_at: Option<i64>,
    /// `online`, `degraded` or `offline`.
    pub state: String,
    /// Since when, microseconds.
    pub state_since: i64,
    /// A fault's record, as JSON.
    pub fault: Option<String>,
    /// Failed polls in a row.
    pub failures: i64,
    /// When it is asked next, microseconds.
    pub next_poll_at: i64,
    /// When it was asked last with an answer.
    pub last_success_at: Option<i64>,
    /// When a mail came last.
    pub last_mail_at: Option<i64>,
    /// Since when it is in shadow mode: it decides and writes nothing.
    pub shadow_at: Option<i64>,
    /// The profile that its mail is handled by; none is the standard one.
    pub profile_id: Option<Uuid>,
    /// That profile's name.
    pub profile_name: Option<String>,
    /// The time zone whose midnight it begins with.
    pub start_zone: String,
    /// Whether handled mail can be marked: `online` or `degraded`.
    pub mark_state: String,
    /// Since when it cannot, microseconds.
    pub mark_since: i64,
    /// Why, a fault's record as JSON.
    pub mark_fault: Option<String>,
    /// When marking is tried again, microseconds.
    pub marks_not_before: i64,
    /// Handled mails that stay unmarked for good.
    pub marks_given_up: i64,
    /// Since when its pages carry ids alone, microseconds.
    pub by_ids_since: Option<i64>,
    /// Handled mails that wait for their mark, while the mailbox does not take it.
    pub unmarked: i64,
    /// Mails without an end.
    pub waiting: i64,
}

/// All sources that are not removed, by mailbox.
pub async fn all(db: &Db, workspace: Uuid) -> Result<Vec<Source>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT s.id, s.account_id, a.app_registration_id, a.username, a.kind AS account_kind, a.state AS account_state, a.state_since AS account_since,
               a.fault AS account_fault, a.signed_in_at, a.refreshed_at, s.mailbox_id, m.native_id AS mailbox_native_id,
               m.address AS mailbox, s.connection_type, s.ews_url, s.folder_id, s.folder_name, s.destination_id, d.jira_connection_id, d.project_key,
               d.project_name, d.state AS destination_state, d.state_since AS destination_since,
               d.fault AS destination_fault, d.not_before AS destination_not_before, d.jira_address, j.name AS jira_name, j.paused_at AS jira_paused_at,
               s.issue_type_id, s.issue_type_name,
               s.start_kind, s.start_at, s.handled, s.handled_target, s.handled_name, s.confirmed_at, s.paused_at, s.resumed_at, s.state, s.state_since,
               s.fault, s.failures, s.next_poll_at, s.last_success_at, s.last_mail_at, s.shadow_at, s.profile_id, p.name AS profile_name,
               s.start_zone, s.mark_state, s.mark_since, s.mark_fault, s.marks_not_before, s.marks_given_up, s.by_ids_since,
               CASE WHEN s.mark_state = 'online' THEN CAST(0 AS BIGINT)
                 ELSE (SELECT count(*) FROM message u WHERE u.source_id = s.id AND u.mark = 'due') END AS unmarked,
               (SELECT count(*) FROM message w WHERE w.source_id = s.id AND w.state IN ('recorded', 'ready', 'acting')) AS waiting
             FROM source s JOIN account a ON a.id = s.account_id JOIN mailbox m ON m.id = s.mailbox_id
             LEFT JOIN destination d ON d.id = s.destination_id LEFT JOIN jira_connection j ON j.id = d.jira_connection_id
             LEFT JOIN profile p ON p.id = s.profile_id
             WHERE s.workspace_id = $1 AND s.removed_at IS NULL ORDER BY m.address, s.folder_name, s.id"
        ),
        args![workspace],
    )
    .await
}

/// The same without counting the mails that wait, which a large database takes long for.
pub async fn all_uncounted(db: &Db, workspace: Uuid) -> Result<Vec<Source>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT s.id, s.account_id, a.app_registration_id, a.username, a.kind AS account_kind, a.state AS account_state, a.state_since AS account_since,
               a.fault AS account_fault, a.signed_in_at, a.refreshed_at, s.mailbox_id, m.native_id AS mailbox_native_id,
               m.address AS mailbox, s.connection_type, s.ews_url, s.folder_id, s.folder_name, s.destination_id, d.jira_connection_id, d.project_key,
               d.project_name, d.state AS destination_state, d.state_since AS destination_since,
               d.fault AS destination_fault, d.not_before AS destination_not_before, d.jira_address, j.name AS jira_name, j.paused_at AS jira_paused_at,
               s.issue_type_id, s.issue_type_name,
               s.start_kind, s.start_at, s.handled, s.handled_target, s.handled_name, s.confirmed_at, s.paused_at, s.resumed_at, s.state, s.state_since,
               s.fault, s.failures, s.next_poll_at, s.last_success_at, s.last_mail_at, s.shadow_at, s.profile_id, p.name AS profile_name,
               s.start_zone, s.mark_state, s.mark_since, s.mark_fault, s.marks_not_before, s.marks_given_up, s.by_ids_since,
               CASE WHEN s.mark_state = 'online' THEN CAST(0 AS BIGINT)
                 ELSE (SELECT count(*) FROM message u WHERE u.source_id = s.id AND u.mark = 'due') END AS unmarked,
               CAST(0 AS BIGINT) AS waiting
             FROM source s JOIN account a ON a.id = s.account_id JOIN mailbox m ON m.id = s.mailbox_id
             LEFT JOIN destination d ON d.id = s.destination_id LEFT JOIN jira_connection j ON j.id = d.jira_connection_id
             LEFT JOIN profile p ON p.id = s.profile_id
             WHERE s.workspace_id = $1 AND s.removed_at IS NULL ORDER BY m.address, s.folder_name, s.id"
        ),
        args![workspace],
    )
    .await
}

/// One source that is not removed.
pub async fn one(db: &Db, workspace: Uuid, id: Uuid) -> Result<Option<Source>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT s.id, s.account_id, a.app_registration_id, a.username, a.kind AS account_kind, a.state AS account_state, a.state_since AS account_since,
               a.fault AS account_fault, a.signed_in_at, a.refreshed_at, s.mailbox_id, m.native_id AS mailbox_native_id,
               m.address AS mailbox, s.connection_type, s.ews_url, s.folder_id, s.folder_name, s.destination_id, d.jira_connection_id, d.project_key,
               d.project_name, d.state AS destination_state, d.state_since AS destination_since,
               d.fault AS destination_fault, d.not_before AS destination_not_before, d.jira_address, j.name AS jira_name, j.paused_at AS jira_paused_at,
               s.issue_type_id, s.issue_type_name,
               s.start_kind, s.start_at, s.handled, s.handled_target, s.handled_name, s.confirmed_at, s.paused_at, s.resumed_at, s.state, s.state_since,
               s.fault, s.failures, s.next_poll_at, s.last_success_at, s.last_mail_at, s.shadow_at, s.profile_id, p.name AS profile_name,
               s.start_zone, s.mark_state, s.mark_since, s.mark_fault, s.marks_not_before, s.marks_given_up, s.by_ids_since,
               CASE WHEN s.mark_state = 'online' THEN CAST(0 AS BIGINT)
                 ELSE (SELECT count(*) FROM message u WHERE u.source_id = s.id AND u.mark = 'due') END AS unmarked,
               (SELECT count(*) FROM message w WHERE w.source_id = s.id AND w.state IN ('recorded', 'ready', 'acting')) AS waiting
             FROM source s JOIN account a ON a.id = s.account_id JOIN mailbox m ON m.id = s.mailbox_id
             LEFT JOIN destination d ON d.id = s.destination_id LEFT JOIN jira_connection j ON j.id = d.jira_connection_id
             LEFT JOIN profile p ON p.id = s.profile_id
             WHERE s.workspace_id = $1 AND s.id = $2 AND s.removed_at IS NULL"
        ),
        args![workspace, id],
    )
    .await
}

/// A mailbox that is known.
#[derive(Clone, Debug, FromRow)]
pub struct Mailbox {
    /// Row id.
    pub id: Uuid,
    /// Whose it is.
    pub workspace_id: Uuid,
    /// The id in the tenant, or the address.
    pub native_id: String,
}

/// The mailbox with this id or address in a tenant, of whatever workspace.
pub async fn mailbox(
    tx: &mut Tx,
    tenant: &str,
    native_id: &str,
    address: &str,
) -> Result<Option<Mailbox>, StoreError> {
    tx.fetch_optional(
        sql!(
            "SELECT id, workspace_id, native_id FROM mailbox
             WHERE tenant_id = $1 AND (native_id = $2 OR lower(address) = lower($3)) ORDER BY created_at LIMIT 1"
        ),
        args![tenant, native_id, address],
    )
    .await
}

/// Stores a mailbox.
pub async fn add_mailbox(
    tx: &mut Tx,
    workspace: Uuid,
    tenant: &str,
    native_id: &str,
    address: &str,
    now: Timestamp,
) -> Result<Uuid, StoreError> {
    let id = Uuid::now_v7();
    tx.execute(
        sql!(
            "INSERT INTO mailbox (id, workspace_id, tenant_id, native_id, address, created_at) VALUES ($1, $2, $3, $4, $5, $6)"
        ),
        args![id, workspace, tenant, native_id, address, now],
    )
    .await?;
    Ok(id)
}

/// The mailbox with this id or address, if this workspace has it.
pub async fn known_mailbox(
    db: &Db,
    workspace: Uuid,
    tenant: &str,
    native_id: &str,
    address: &str,
) -> Result<Option<Uuid>, StoreError> {
    let found: Option<(Uuid,)> = db
        .fetch_optional(
            sql!(
                "SELECT id FROM mailbox WHERE workspace_id = $1 AND tenant_id = $2
                   AND (native_id = $3 OR lower(address) = lower($4)) ORDER BY created_at LIMIT 1"
            ),
            args![workspace, tenant, native_id, address],
        )
        .await?;
    Ok(found.map(|row| row.0))
}

/// Addresses in a tenant that are known here: of its mailboxes, and of whoever is signed in.
pub async fn addresses(db: &Db, workspace: Uuid, tenant: &str) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = db
        .fetch_all(
            sql!(
                "SELECT lower(address) AS address FROM mailbox WHERE workspace_id = $1 AND tenant_id = $2
                 UNION SELECT lower(username) FROM account WHERE workspace_id = $1 AND tenant_id = $2 AND kind = 'user'
                 ORDER BY address LIMIT 200"
            ),
            args![workspace, tenant],
        )
        .await?;
    Ok(rows.into_iter().map(|row| row.0).filter(|address| address.contains('@')).collect())
}

/// What a source shall do, as confirmed.
#[derive(Clone, Debug)]
pub struct Confirmed {
    /// Workspace.
    pub workspace: Uuid,
    /// The account that reads it.
    pub account: Uuid,
    /// The mailbox's row.
    pub mailbox: Uuid,
    /// `graph` or `ews`.
    pub connection_type: &'static str,
    /// The address of an Exchange server of one's own, or empty.
    pub ews_url: String,
    /// The folder.
    pub folder_id: String,
    /// Its name.
    pub folder_name: String,
    /// The destination's row.
    pub destination: Uuid,
    /// The issue type.
    pub issue_type_id: String,
    /// Its name.
    pub issue_type_name: String,
    /// `now`, `since` or `everything`.
    pub start_kind: String,
    /// The start point.
    pub start_at: Timestamp,
    /// The time zone whose midnight that is.
    pub start_zone: String,
    /// `leave`, `read`, `category` or `move`.
    pub handled: String,
    /// The category's name, or the folder's id.
    pub handled_target: String,
    /// What it is called.
    pub handled_name: String,
    /// Whether it begins in shadow mode: it decides and writes nothing.
    pub in_shadow: bool,
    /// Now.
    pub now: Timestamp,
}

impl Confirmed {
    /// Since when it is in shadow mode.
    fn shadow_at(&self) -> Option<Timestamp> {
        self.in_shadow.then_some(self.now)
    }
}

/// The source of a folder, also a removed one.
pub async fn of_folder(
    tx: &mut Tx,
    mailbox: Uuid,
    folder_id: &str,
) -> Result<Option<(Uuid, Option<i64>)>, StoreError> {
    tx.fetch_optional(
        sql!("SELECT id, removed_at FROM source WHERE mailbox_id = $1 AND folder_id = $2"),
        args![mailbox, folder_id],
    )
    .await
}

/// The place of a source that begins with a backlog (everything, or since a date): it is listed oldest first, before the first
/// round of the delta.
pub const BACKLOG: &str = "backlog";

fn begins_at(start_kind: &str) -> Option<String> {
    (start_kind != "now").then(|| BACKLOG.to_owned())
}

/// Stores a new source; it is read at once.
pub async fn insert(tx: &mut Tx, id: Uuid, new: Confirmed) -> Result<(), StoreError> {
    let (place, shadow_at) = (begins_at(&new.start_kind), new.shadow_at());
    tx.execute(
        sql!(
            "INSERT INTO source (id, workspace_id, account_id, mailbox_id, folder_id, folder_name, connection_type,
               destination_id, issue_type_id, issue_type_name, start_kind, start_at, handled, handled_target, handled_name, confirmed_at,
               state, state_since, failures, round, next_poll_at, fence, created_at, updated_at, ews_url,
               cursor_value, shadow_at, start_zone)
             VALUES ($1, $2, $3, $4, $5, $6, $16, $7, $8, $9, $10, $11, $12, $13, $15, $14, 'online', $14, 0, 0, $14, 0, $14, $14, $17,
               $18, $19, $20)"
        ),
        args![
            id,
            new.workspace,
            new.account,
            new.mailbox,
            new.folder_id,
            new.folder_name,
            new.destination,
            new.issue_type_id,
            new.issue_type_name,
            new.start_kind,
            new.start_at,
            new.handled,
            new.handled_target,
            new.now,
            new.handled_name,
            new.connection_type,
            new.ews_url,
            place,
            shadow_at,
            new.start_zone
        ],
    )
    .await?;
    Ok(())
}

/// Takes a removed source into use again, with a start point of its own and in shadow mode or not, as it says now. What the ledger knows
/// of its mail stays known.
pub async fn revive(tx: &mut Tx, id: Uuid, new: Confirmed) -> Result<(), StoreError> {
    let (place, shadow_at) = (begins_at(&new.start_kind), new.shadow_at());
    tx.execute(
        sql!(
            "UPDATE source SET removed_at = NULL, paused_at = NULL, account_id = $1, folder_name = $2, destination_id = $3,
               issue_type_id = $4, issue_type_name = $5, start_kind = $6, start_at = $7, handled = $8, handled_target = $9,
               handled_name = $12, connection_type = $13, ews_url = $14, confirmed_at = $10, state = 'online', state_since = $10, fault = NULL, failures = 0, cursor_value = $15, shadow_at = $16,
               round_begun_at = NULL, next_poll_at = $10, lease_until = NULL, fence = fence + 1, updated_at = $10, start_zone = $17,
               by_ids_since = NULL, mark_state = 'online', mark_since = 0, mark_fault = NULL, mark_failures = 0, marks_not_before = 0
             WHERE id = $11"
        ),
        args![
            new.account,
            new.folder_name,
            new.destination,
            new.issue_type_id,
            new.issue_type_name,
            new.start_kind,
            new.start_at,
            new.handled,
            new.handled_target,
            new.now,
            id,
            new.handled_name,
            new.connection_type,
            new.ews_url,
            place,
            shadow_at,
            new.start_zone
        ],
    )
    .await?;
    Ok(())
}

/// Changes where a source's mail goes and what becomes of it when it is handled. Mailbox, folder and start point stay: they
/// are what it has read.
pub async fn update(tx: &mut Tx, id: Uuid, to: &Confirmed) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE source SET destination_id = $1, issue_type_id = $2, issue_type_name = $3, handled = $4,
               handled_target = $5, handled_name = $8, updated_at = $6, next_poll_at = $6, marks_not_before = 0 WHERE id = $7"
        ),
        args![
            to.destination,
            &to.issue_type_id,
            &to.issue_type_name,
            &to.handled,
            &to.handled_target,
            to.now,
            id,
            &to.handled_name
        ],
    )
    .await?;
    Ok(())
}

/// Pauses a source; a poll under way loses its claim. `false`: it was paused already, or is not there.
pub async fn pause(tx: &mut Tx, workspace: Uuid, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE source SET paused_at = $1, lease_until = NULL, fence = fence + 1, updated_at = $1
                 WHERE id = $2 AND workspace_id = $3 AND paused_at IS NULL"
            ),
            args![now, id, workspace],
        )
        .await?;
    Ok(changed == 1)
}

/// Goes on where it stood. `false`: it was not paused, or is not there.
pub async fn resume(tx: &mut Tx, workspace: Uuid, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE source SET paused_at = NULL, resumed_at = $1, next_poll_at = $1, updated_at = $1
                 WHERE id = $2 AND workspace_id = $3 AND paused_at IS NOT NULL AND removed_at IS NULL"
            ),
            args![now, id, workspace],
        )
        .await?;
    Ok(changed == 1)
}

/// Puts a source into shadow mode, or takes it out. `false`: it was so already, or is not there.
pub async fn set_shadow(
    tx: &mut Tx,
    workspace: Uuid,
    id: Uuid,
    shadow: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE source SET shadow_at = CASE WHEN $1 THEN CAST($2 AS BIGINT) ELSE NULL END, updated_at = $2
                 WHERE id = $3 AND workspace_id = $4 AND removed_at IS NULL AND (shadow_at IS NULL) = $1"
            ),
            args![shadow, now, id, workspace],
        )
        .await?;
    Ok(changed == 1)
}

/// Asks a source now rather than when its time comes, and marks its handled mail.
pub async fn poll_now(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE source SET next_poll_at = CASE WHEN next_poll_at > $1 THEN $1 ELSE next_poll_at END, marks_not_before = 0
             WHERE id = $2"
        ),
        args![now, id],
    )
    .await?;
    Ok(())
}

/// Removes a source. What the ledger knows of its mail is kept: a source with mail is only hidden and stopped.
pub async fn remove(tx: &mut Tx, workspace: Uuid, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    let gone = tx
        .execute(
            sql!(
                "DELETE FROM source WHERE id = $1 AND workspace_id = $2
                   AND NOT EXISTS (SELECT 1 FROM message WHERE message.source_id = source.id)"
            ),
            args![id, workspace],
        )
        .await?;
    if gone == 0 {
        tx.execute(
            sql!(
                "UPDATE source SET removed_at = $1, paused_at = coalesce(paused_at, $1), lease_until = NULL,
                   fence = fence + 1, updated_at = $1 WHERE id = $2 AND workspace_id = $3"
            ),
            args![now, id, workspace],
        )
        .await?;
    }
    Ok(())
}

/// Mails in a span of time.
#[derive(Clone, Debug, FromRow)]
pub struct Counted {
    /// The span's number: hours or days since 1970, UTC.
    pub span: i64,
    /// Whether they are held.
    pub held: i64,
    /// How many.
    pub mails: i64,
}

/// Mails of a source since a time, counted by spans of so many microseconds.
pub async fn counted(db: &Db, source: Uuid, since: Timestamp, span: i64) -> Result<Vec<Counted>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT received_at / $1 AS span, CAST(CASE WHEN state = 'held' THEN 1 ELSE 0 END AS BIGINT) AS held, count(*) AS mails
             FROM message WHERE source_id = $2 AND received_at >= $3 GROUP BY 1, 2 ORDER BY 1"
        ),
        args![span, source, since],
    )
    .await
}
