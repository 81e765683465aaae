//! Message Outbounds.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

/// An outbound with what stands around it.
#[derive(Clone, Debug, FromRow)]
pub struct Outbound {
    /// Row id.
    pub id: Uuid,
    /// Whose it is.
    pub workspace_id: Uuid,
    /// The account that sends.
    pub account_id: Uuid,
    /// The account's app registration.
    pub app_registration_id: Uuid,
    /// The account's address.
    pub username: String,
    /// `user` or `app`.
    pub account_kind: String,
    /// What the account was granted.
    pub scopes: String,
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
    /// The name beside the address; empty: none.
    pub from_name: String,
    /// When it was paused.
    pub paused_at: Option<i64>,
    /// `online`, `degraded` or `offline`.
    pub state: String,
    /// Since when, microseconds.
    pub state_since: i64,
    /// A fault's record, as JSON.
    pub fault: Option<String>,
    /// Failed checks in a row.
    pub failures: i64,
    /// When it is looked at next, microseconds.
    pub next_check_at: i64,
    /// When it worked last.
    pub last_success_at: Option<i64>,
    /// When a mail was sent from it last.
    pub last_sent_at: Option<i64>,
    /// Whether it is let send, `online` or `offline`: known from mails alone, whatever else the mailbox answers.
    pub send_state: String,
    /// Since when, microseconds; 0 where it never was otherwise.
    pub send_since: i64,
    /// Why it is not: a fault's record, as JSON.
    pub send_fault: Option<String>,
    /// Refusals in a row.
    pub send_failures: i64,
    /// Before this no mail is tried where another outbound or nobody waits for it, microseconds.
    pub send_next_at: i64,
}

/// All outbounds, by mailbox.
pub async fn all(db: &Db, workspace: Uuid) -> Result<Vec<Outbound>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT o.id, o.workspace_id, o.account_id, a.app_registration_id, a.username, a.kind AS account_kind, a.scopes, a.state AS account_state,
               a.state_since AS account_since, a.fault AS account_fault, a.signed_in_at, a.refreshed_at, o.mailbox_id,
               m.native_id AS mailbox_native_id, m.address AS mailbox, o.connection_type, o.ews_url, o.from_name, o.paused_at, o.state,
               o.state_since, o.fault, o.failures, o.next_check_at, o.last_success_at, o.last_sent_at, o.send_state, o.send_since,
               o.send_fault, o.send_failures, o.send_next_at
             FROM outbound o JOIN account a ON a.id = o.account_id JOIN mailbox m ON m.id = o.mailbox_id
             WHERE o.workspace_id = $1 ORDER BY m.address, o.id"
        ),
        args![workspace],
    )
    .await
}

/// One outbound.
pub async fn one(db: &Db, workspace: Uuid, id: Uuid) -> Result<Option<Outbound>, StoreError> {
    Ok(all(db, workspace).await?.into_iter().find(|outbound| outbound.id == id))
}

/// Those whose time to be looked at has come, of all workspaces.
pub async fn due(db: &Db, now: Timestamp) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    db.fetch_all(
        sql!("SELECT workspace_id, id FROM outbound WHERE paused_at IS NULL AND next_check_at <= $1"),
        args![now],
    )
    .await
}

/// Takes an outbound to be looked at. `false`: another node has.
pub async fn take(db: &Db, id: Uuid, now: Timestamp, next: Timestamp) -> Result<bool, StoreError> {
    let taken = db
        .execute(
            sql!("UPDATE outbound SET next_check_at = $1 WHERE id = $2 AND next_check_at <= $3"),
            args![next, id, now],
        )
        .await?;
    Ok(taken == 1)
}

/// A new outbound.
#[derive(Clone, Debug)]
pub struct NewOutbound {
    /// Row id.
    pub id: Uuid,
    /// Whose it is.
    pub workspace: Uuid,
    /// The account that sends.
    pub account: Uuid,
    /// The mailbox's row.
    pub mailbox: Uuid,
    /// `graph` or `ews`.
    pub connection_type: &'static str,
    /// The address of an Exchange server of one's own, or empty.
    pub ews_url: String,
    /// The name beside the address.
    pub from_name: String,
    /// Now.
    pub now: Timestamp,
}

/// Stores an outbound. `false`: the mailbox has one.
pub async fn insert(tx: &mut Tx, new: &NewOutbound) -> Result<bool, StoreError> {
    let added = tx
        .execute(
            sql!(
                "INSERT INTO outbound (id, workspace_id, account_id, mailbox_id, connection_type, from_name, state, state_since,
                   failures, next_check_at, created_at, updated_at, ews_url)
                 VALUES ($1, $2, $3, $4, $5, $6, 'online', $7, 0, $7, $7, $7, $8) ON CONFLICT (mailbox_id) DO NOTHING"
            ),
            args![
                new.id,
                new.workspace,
                new.account,
                new.mailbox,
                new.connection_type,
                &new.from_name,
                new.now,
                &new.ews_url
            ],
        )
        .await?;
    Ok(added == 1)
}

/// Changes the name beside the address.
pub async fn rename(
    tx: &mut Tx,
    workspace: Uuid,
    id: Uuid,
    from_name: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE outbound SET from_name = $1, updated_at = $2 WHERE id = $3 AND workspace_id = $4"),
        args![from_name, now, id, workspace],
    )
    .await?;
    Ok(())
}

/// Pauses an outbound, or takes it into use again. `false`: it is so already.
pub async fn set_paused(
    tx: &mut Tx,
    workspace: Uuid,
    id: Uuid,
    paused: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE outbound SET paused_at = CASE WHEN $1 THEN CAST($2 AS BIGINT) ELSE NULL END, next_check_at = $2, updated_at = $2
                 WHERE id = $3 AND workspace_id = $4 AND (paused_at IS NULL) = $1"
            ),
            args![paused, now, id, workspace],
        )
        .await?;
    Ok(changed == 1)
}

/// Moves an outbound to Graph; what was wrong with EWS is over. Whether it is let send is known once a mail has gone. `false`: it is not
/// over EWS, or not there.
pub async fn to_graph(tx: &mut Tx, workspace: Uuid, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let moved = tx
        .execute(
            sql!(
                "UPDATE outbound SET connection_type = 'graph', ews_url = '', failures = 0, fault = NULL, last_success_at = $1,
                   state_since = CASE WHEN state = 'online' THEN state_since ELSE $1 END, state = 'online', next_check_at = $1,
                   updated_at = $1
                 WHERE id = $2 AND workspace_id = $3 AND connection_type = 'ews'"
            ),
            args![now, id, workspace],
        )
        .await?;
    Ok(moved == 1)
}

/// Removes an outbound.
pub async fn remove(tx: &mut Tx, workspace: Uuid, id: Uuid) -> Result<(), StoreError> {
    tx.execute(sql!("DELETE FROM outbound WHERE id = $1 AND workspace_id = $2"), args![id, workspace])
        .await?;
    Ok(())
}

/// How an outbound was before something is recorded of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// Its mailbox could not be used.
    pub is_unusable: bool,
    /// It was refused to send.
    pub is_refused: bool,
}

async fn before(tx: &mut Tx, id: Uuid) -> Result<Before, StoreError> {
    let was: Option<(String, String)> =
        tx.fetch_optional(sql!("SELECT state, send_state FROM outbound WHERE id = $1"), args![id]).await?;
    let is_not_well = |state: &str| state != "online";
    Ok(was.map_or(Before { is_unusable: false, is_refused: false }, |(state, send)| Before {
        is_unusable: is_not_well(&state),
        is_refused: is_not_well(&send),
    }))
}

/// Its mailbox answers. Only a mail that went, `sent`, shows that it is let send. Gives how it was before.
pub async fn works(tx: &mut Tx, id: Uuid, sent: bool, now: Timestamp) -> Result<Before, StoreError> {
    let was = before(tx, id).await?;
    tx.execute(
        sql!(
            "UPDATE outbound SET last_success_at = $1, failures = 0, fault = NULL,
               last_sent_at = CASE WHEN $2 THEN $1 ELSE last_sent_at END,
               state_since = CASE WHEN state = 'online' THEN state_since ELSE $1 END, state = 'online' WHERE id = $3"
        ),
        args![now, sent, id],
    )
    .await?;
    if sent {
        tx.execute(
            sql!(
                "UPDATE outbound SET send_state = 'online', send_since = $1, send_fault = NULL, send_failures = 0, send_next_at = 0
                 WHERE id = $2 AND send_state <> 'online'"
            ),
            args![now, id],
        )
        .await?;
    }
    Ok(was)
}

/// Its mailbox answers, and a mail was refused to be sent. Gives whether that is new.
pub async fn refuses_to_send(
    tx: &mut Tx,
    id: Uuid,
    fault: &str,
    next: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let was = works(tx, id, false, now).await?;
    tx.execute(
        sql!(
            "UPDATE outbound SET send_fault = $1, send_failures = send_failures + 1, send_next_at = $2,
               send_since = CASE WHEN send_state = 'offline' THEN send_since ELSE $3 END, send_state = 'offline' WHERE id = $4"
        ),
        args![fault, next, now, id],
    )
    .await?;
    Ok(!was.is_refused)
}

/// It does not work. Gives whether its state is another than before.
pub async fn fails(
    tx: &mut Tx,
    id: Uuid,
    state: &'static str,
    fault: &str,
    next: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let was: Option<(String,)> =
        tx.fetch_optional(sql!("SELECT state FROM outbound WHERE id = $1"), args![id]).await?;
    tx.execute(
        sql!(
            "UPDATE outbound SET failures = failures + 1, fault = $1, next_check_at = $2,
               state_since = CASE WHEN state = $3 THEN state_since ELSE $4 END, state = $3 WHERE id = $5"
        ),
        args![fault, next, state, now, id],
    )
    .await?;
    Ok(was.is_some_and(|(before,)| before != state))
}

/// Looks at an outbound now rather than when its time comes.
pub async fn check_now(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE outbound SET next_check_at = $1 WHERE id = $2 AND next_check_at > $1"),
        args![now, id],
    )
    .await?;
    Ok(())
}
