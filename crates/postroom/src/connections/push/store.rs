//! The SQL of push. Whatever the keeper changes it changes under its claim: `fence` is the claim's number.

use jiff::{SignedDuration, Timestamp};
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use url::Url;
use uuid::Uuid;

use super::decide::{Asked, Situation, State, UNHEARD};
use super::possible::{self, Facts, Why};
use crate::connections::ConnectionType;
use crate::connections::routes::time;

/// A source's push, beside what the source is now.
#[derive(Clone, Debug, FromRow)]
pub struct Row {
    /// The source.
    pub source_id: Uuid,
    /// Whose it is.
    pub workspace_id: Uuid,
    /// The account that reads it now.
    pub account_id: Uuid,
    /// `user` or `app`.
    pub account_kind: String,
    /// Whose account it is, in the tenant.
    pub account_object_id: String,
    /// The mailbox in the tenant.
    pub mailbox_native_id: String,
    /// The mailbox's address.
    pub mailbox: String,
    /// The folder that is read now.
    pub folder_id: String,
    /// `graph` or `ews`.
    pub connection_type: String,
    /// When the source was confirmed.
    pub confirmed_at: Option<i64>,
    /// When it was paused.
    pub paused_at: Option<i64>,
    /// When a person turned push off.
    pub switched_off_at: Option<i64>,
    /// See [`State`].
    pub state: String,
    /// Since when, microseconds.
    pub state_since: i64,
    /// See [`Why`].
    pub why: String,
    /// The last fault's record, as JSON.
    pub fault: Option<String>,
    /// Failures in a row.
    pub failures: i64,
    /// When it is renewed or tried again, microseconds.
    pub next_at: i64,
    /// The account that the subscription was made by.
    pub made_by: Option<Uuid>,
    /// The mailbox that it was made for.
    pub made_for_mailbox: String,
    /// The folder that it was made for.
    pub made_for_folder: String,
    /// The public address that it was made with.
    pub base: String,
    /// The hash of its key.
    pub path_hash: Option<Vec<u8>>,
    /// Graph's id of it.
    pub remote_id: Option<String>,
    /// When it was made, microseconds.
    pub made_at: i64,
    /// Its end, microseconds.
    pub expires_at: i64,
    /// See [`Asked`].
    pub asked: String,
    /// The last notice, microseconds.
    pub last_notice_at: Option<i64>,
    /// Notices since it was made.
    pub notices: i64,
    /// New mails in a row that no notice announced.
    pub unheard: i64,
    /// Since when they are too many, microseconds.
    pub unheard_at: Option<i64>,
    /// How often in a row it was found deaf.
    pub times_deaf: i64,
    /// The last claim's number.
    pub fence: i64,
}

impl Row {
    /// The state.
    pub fn state(&self) -> State {
        State::of_word(&self.state)
    }

    /// The reason why there is none.
    pub fn why(&self) -> Why {
        Why::of_word(&self.why)
    }

    /// Whether push is possible for the source as it is now.
    pub fn possible(&self, is_allowed: bool, public_url: &Url, graph_url: &Url) -> Result<(), Why> {
        possible::possible(&Facts {
            is_allowed,
            is_switched_off: self.switched_off_at.is_some(),
            is_confirmed: self.confirmed_at.is_some(),
            is_paused: self.paused_at.is_some(),
            is_graph: ConnectionType::of_word(&self.connection_type) == ConnectionType::Graph,
            is_application: self.account_kind == "app",
            is_own: self.account_object_id == self.mailbox_native_id,
            public_url,
            graph_url,
        })
    }

    /// Laid out for the decision.
    pub fn situation(&self, possible: Result<(), Why>, public_url: &Url) -> Situation {
        Situation {
            possible,
            state: self.state(),
            why: self.why(),
            fits: self.made_by == Some(self.account_id)
                && self.made_for_mailbox == self.mailbox_native_id
                && self.made_for_folder == self.folder_id
                && self.base == public_url.as_str(),
            expires: time(self.expires_at),
            next_at: time(self.next_at),
            asked: Asked::of_word(&self.asked),
            unheard: self.unheard,
            unheard_at: self.unheard_at.map(time),
            times_deaf: self.times_deaf,
        }
    }
}

fn micros(span: SignedDuration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX / 2)
}

/// Gives every source its row.
pub async fn ensure(db: &Db, now: Timestamp) -> Result<(), StoreError> {
    let (missing,): (i64,) = db
        .fetch_one(
            sql!(
                "SELECT count(*) FROM source s WHERE s.removed_at IS NULL
                   AND NOT EXISTS (SELECT 1 FROM push p WHERE p.source_id = s.id)"
            ),
            args![],
        )
        .await?;
    if missing == 0 {
        return Ok(());
    }
    db.execute(
        sql!(
            "INSERT INTO push (source_id, workspace_id, state, state_since, why, failures, next_at, mailbox_native_id, folder_id,
               base, made_at, expires_at, asked, notices, unheard, times_deaf, lease_until, fence)
             SELECT s.id, s.workspace_id, 'off', CAST($1 AS BIGINT), '', 0, 0, '', '', '', 0, 0, '', 0, 0, 0, 0, 0
             FROM source s WHERE s.removed_at IS NULL ON CONFLICT (source_id) DO NOTHING"
        ),
        args![now],
    )
    .await?;
    Ok(())
}

/// Push of all sources that are there.
pub async fn all(db: &Db) -> Result<Vec<Row>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT p.source_id, p.workspace_id, s.account_id, a.kind AS account_kind, a.object_id AS account_object_id,
               m.native_id AS mailbox_native_id, m.address AS mailbox, s.folder_id, s.connection_type, s.confirmed_at, s.paused_at,
               p.switched_off_at, p.state, p.state_since, p.why, p.fault, p.failures, p.next_at, p.account_id AS made_by,
               p.mailbox_native_id AS made_for_mailbox, p.folder_id AS made_for_folder, p.base, p.path_hash, p.remote_id,
               p.made_at, p.expires_at, p.asked, p.last_notice_at, p.notices, p.unheard, p.unheard_at, p.times_deaf, p.fence
             FROM push p JOIN source s ON s.id = p.source_id JOIN account a ON a.id = s.account_id
             JOIN mailbox m ON m.id = s.mailbox_id WHERE s.removed_at IS NULL ORDER BY p.next_at, p.source_id"
        ),
        args![],
    )
    .await
}

/// Push of one source.
pub async fn one(db: &Db, source: Uuid) -> Result<Option<Row>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT p.source_id, p.workspace_id, s.account_id, a.kind AS account_kind, a.object_id AS account_object_id,
               m.native_id AS mailbox_native_id, m.address AS mailbox, s.folder_id, s.connection_type, s.confirmed_at, s.paused_at,
               p.switched_off_at, p.state, p.state_since, p.why, p.fault, p.failures, p.next_at, p.account_id AS made_by,
               p.mailbox_native_id AS made_for_mailbox, p.folder_id AS made_for_folder, p.base, p.path_hash, p.remote_id,
               p.made_at, p.expires_at, p.asked, p.last_notice_at, p.notices, p.unheard, p.unheard_at, p.times_deaf, p.fence
             FROM push p JOIN source s ON s.id = p.source_id JOIN account a ON a.id = s.account_id
             JOIN mailbox m ON m.id = s.mailbox_id WHERE s.removed_at IS NULL AND p.source_id = $1"
        ),
        args![source],
    )
    .await
}

/// Claims a source's push; the claim's number, or none while another node has it.
pub async fn claim(
    db: &Db,
    owner: Uuid,
    source: Uuid,
    now: Timestamp,
    lease: SignedDuration,
) -> Result<Option<i64>, StoreError> {
    let mut tx = db.begin().await?;
    let row: Option<(i64,)> = tx
        .fetch_optional(
            sql!(
                "UPDATE push SET lease_owner = $1, lease_until = $2, fence = fence + 1 WHERE source_id = $3 AND lease_until <= $4
                 RETURNING fence"
            ),
            args![owner, now.as_microsecond() + micros(lease), source, now],
        )
        .await?;
    tx.commit().await?;
    Ok(row.map(|(fence,)| fence))
}

/// Gives a claim back.
pub async fn let_go(db: &Db, source: Uuid, fence: i64) -> Result<(), StoreError> {
    db.execute(
        sql!("UPDATE push SET lease_until = 0 WHERE source_id = $1 AND fence = $2"),
        args![source, fence],
    )
    .await?;
    Ok(())
}

/// The claims of the process before are void: no other process can use this database.
pub async fn release(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute(sql!("UPDATE push SET lease_until = 0, fence = fence + 1 WHERE lease_until > 0"), args![])
        .await?;
    Ok(())
}

/// A subscription that is about to be made.
#[derive(Debug)]
pub struct Making<'a> {
    /// By which account, for which mailbox and folder.
    pub row: &'a Row,
    /// The claim.
    pub fence: i64,
    /// With which public address.
    pub base: &'a str,
    /// The hash of its key.
    pub path_hash: Vec<u8>,
    /// What every notice must carry, sealed.
    pub client_state_sealed: Vec<u8>,
    /// How often in a row one was deaf.
    pub times_deaf: i64,
    /// Now.
    pub now: Timestamp,
    /// Until when Graph may ask for the echo.
    pub until: Timestamp,
}

/// Stores the intent to make a subscription. `false`: the claim is lost.
pub async fn making(tx: &mut Tx, new: &Making<'_>) -> Result<bool, StoreError> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE push SET state = 'making', state_since = $1, why = '', next_at = $2, account_id = $3, mailbox_native_id = $4,
                   folder_id = $5, base = $6, path_hash = $7, client_state_sealed = $8, remote_id = NULL, asked = '',
                   last_notice_at = NULL, notices = 0, unheard = 0, unheard_at = NULL, times_deaf = $9, made_at = $1
                 WHERE source_id = $10 AND fence = $11"
            ),
            args![
                new.now,
                new.until,
                new.row.account_id,
                &new.row.mailbox_native_id,
                &new.row.folder_id,
                new.base,
                new.path_hash.clone(),
                new.client_state_sealed.clone(),
                new.times_deaf,
                new.row.source_id,
                new.fence
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// Graph has made the subscription, or has moved its end. `false`: the claim is lost.
pub async fn is_on(
    tx: &mut Tx,
    source: Uuid,
    fence: i64,
    remote_id: &str,
    (expires, renew_at): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE push SET state_since = CASE WHEN state = 'on' THEN state_since ELSE $1 END, state = 'on', why = '', fault = NULL,
                   failures = 0, remote_id = $2, expires_at = $3, next_at = $4, asked = '' WHERE source_id = $5 AND fence = $6"
            ),
            args![now, remote_id, expires, renew_at, source, fence],
        )
        .await?;
    Ok(changed == 1)
}

/// It is authorised anew, and is not renewed before then.
pub async fn reauthorized(
    db: &Db,
    source: Uuid,
    fence: i64,
    not_before: Timestamp,
) -> Result<(), StoreError> {
    db.execute(
        sql!(
            "UPDATE push SET asked = '', next_at = CASE WHEN next_at < $1 THEN $1 ELSE next_at END
             WHERE source_id = $2 AND fence = $3"
        ),
        args![not_before, source, fence],
    )
    .await?;
    Ok(())
}

/// Something failed and is tried again then; what is there stays.
pub async fn failed(
    db: &Db,
    source: Uuid,
    fence: i64,
    fault: &str,
    next: Timestamp,
) -> Result<(), StoreError> {
    db.execute(
        sql!(
            "UPDATE push SET failures = failures + 1, fault = $1, next_at = $2 WHERE source_id = $3 AND fence = $4"
        ),
        args![fault, next, source, fence],
    )
    .await?;
    Ok(())
}

/// How push stands without a subscription.
#[derive(Clone, Debug)]
pub struct Without {
    /// [`State::Off`] or [`State::Deaf`].
    pub state: State,
    /// The reason.
    pub why: Why,
    /// A fault's record.
    pub fault: Option<String>,
    /// Whether it counts as one more failure in a row.
    pub is_failure: bool,
    /// When it is tried again.
    pub next: Timestamp,
    /// How often in a row it was deaf.
    pub times_deaf: i64,
}

/// There is no subscription. `false`: the claim is lost.
pub async fn is_without(
    tx: &mut Tx,
    source: Uuid,
    fence: i64,
    without: &Without,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE push SET state_since = CASE WHEN state = $1 AND why = $2 THEN state_since ELSE $3 END, state = $1, why = $2,
                   fault = $4, failures = CASE WHEN $5 THEN failures + 1 ELSE 0 END, next_at = $6, path_hash = NULL,
                   client_state_sealed = NULL, remote_id = NULL, asked = '', unheard = 0, unheard_at = NULL, times_deaf = $7
                 WHERE source_id = $8 AND fence = $9"
            ),
            args![
                without.state.word(),
                without.why.word(),
                now,
                without.fault.clone(),
                without.is_failure,
                without.next,
                without.times_deaf,
                source,
                fence
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// The subscription that a row has is not wanted any more: it is ended, and remembered until that is done.
pub async fn leave(tx: &mut Tx, source: Uuid, now: Timestamp) -> Result<(), StoreError> {
    let there: Option<(Uuid, String, String, i64)> = tx
        .fetch_optional(
            sql!(
                "SELECT a.id, p.mailbox_native_id, p.remote_id, p.expires_at FROM push p JOIN account a ON a.id = p.account_id
                 WHERE p.source_id = $1 AND p.remote_id IS NOT NULL"
            ),
            args![source],
        )
        .await?;
    let Some((account, mailbox, remote_id, ends_at)) = there else { return Ok(()) };
    tx.execute(
        sql!(
            "INSERT INTO push_leaving (id, account_id, mailbox_native_id, remote_id, ends_at, attempts, next_at)
             VALUES ($1, $2, $3, $4, $5, 0, $6)"
        ),
        args![Uuid::now_v7(), account, mailbox, remote_id, ends_at, now],
    )
    .await?;
    Ok(())
}

/// The source is removed: its subscription is ended, and its address is not known any more.
pub async fn source_removed(tx: &mut Tx, source: Uuid, now: Timestamp) -> Result<(), StoreError> {
    leave(tx, source, now).await?;
    tx.execute(
        sql!(
            "UPDATE push SET state = 'off', state_since = $1, why = 'paused', fault = NULL, failures = 0, next_at = 0,
               path_hash = NULL, client_state_sealed = NULL, remote_id = NULL, asked = '', unheard = 0, unheard_at = NULL,
               times_deaf = 0, lease_until = 0, fence = fence + 1 WHERE source_id = $2"
        ),
        args![now, source],
    )
    .await?;
    Ok(())
}

/// A subscription that is to be ended.
#[derive(Clone, Debug, FromRow)]
pub struct Leaving {
    /// Row id.
    pub id: Uuid,
    /// The account that it was made by.
    pub account_id: Uuid,
    /// The mailbox that it was made for.
    pub mailbox_native_id: String,
    /// Graph's id of it.
    pub remote_id: String,
    /// When it ends by itself, microseconds.
    pub ends_at: i64,
    /// Attempts so far.
    pub attempts: i64,
}

/// Takes a subscription that is to be ended, until `until`, when it is tried again.
pub async fn take_leaving(db: &Db, now: Timestamp, until: Timestamp) -> Result<Option<Leaving>, StoreError> {
    let due: Option<(Uuid,)> = db
        .fetch_optional(
            sql!("SELECT id FROM push_leaving WHERE next_at <= $1 ORDER BY next_at LIMIT 1"),
            args![now],
        )
        .await?;
    let Some((id,)) = due else { return Ok(None) };
    let mut tx = db.begin().await?;
    let taken = tx
        .fetch_optional(
            sql!(
                "UPDATE push_leaving SET attempts = attempts + 1, next_at = $1 WHERE id = $2 AND next_at <= $3
                 RETURNING id, account_id, mailbox_native_id, remote_id, ends_at, attempts"
            ),
            args![until, id, now],
        )
        .await?;
    tx.commit().await?;
    Ok(taken)
}

/// A subscription has ended.
pub async fn left(db: &Db, id: Uuid) -> Result<(), StoreError> {
    db.execute(sql!("DELETE FROM push_leaving WHERE id = $1"), args![id]).await?;
    Ok(())
}

/// It could not be ended: again then.
pub async fn leaves_later(db: &Db, id: Uuid, next: Timestamp) -> Result<(), StoreError> {
    db.execute(sql!("UPDATE push_leaving SET next_at = $1 WHERE id = $2"), args![next, id]).await?;
    Ok(())
}

/// Whether a key's hash is that of a subscription of ours.
pub async fn is_known(db: &Db, path_hash: &[u8]) -> Result<bool, StoreError> {
    let (count,): (i64,) = db
        .fetch_one(sql!("SELECT count(*) FROM push WHERE path_hash = $1"), args![path_hash.to_vec()])
        .await?;
    Ok(count > 0)
}

/// What an address of ours belongs to.
#[derive(Clone, Debug, FromRow)]
pub struct Addressee {
    /// The source.
    pub source_id: Uuid,
    /// See [`State`].
    pub state: String,
    /// When it was begun to be made, microseconds.
    pub made_at: i64,
    /// What every notice must carry, sealed.
    pub client_state_sealed: Vec<u8>,
    /// Graph's id of it, once it is known.
    pub remote_id: Option<String>,
}

/// What the key with this hash belongs to.
pub async fn addressee(db: &Db, path_hash: Vec<u8>) -> Result<Option<Addressee>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT source_id, state, made_at, client_state_sealed, remote_id FROM push
             WHERE path_hash = $1 AND client_state_sealed IS NOT NULL"
        ),
        args![path_hash],
    )
    .await
}

/// What a source's push was before a notice came.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct Before {
    /// Whose it is.
    pub workspace_id: Uuid,
    /// How often in a row it was deaf.
    pub times_deaf: i64,
}

/// Notices came: so many of new mail, and what Graph asks for. None: the source is not there any more.
pub async fn heard(
    tx: &mut Tx,
    source: Uuid,
    count: i64,
    asked: Option<Asked>,
    now: Timestamp,
) -> Result<Option<Before>, StoreError> {
    let before: Option<Before> = tx
        .fetch_optional(sql!("SELECT workspace_id, times_deaf FROM push WHERE source_id = $1"), args![source])
        .await?;
    tx.execute(
        sql!(
            "UPDATE push SET notices = notices + $1,
               last_notice_at = CASE WHEN $1 > 0 THEN $2 ELSE last_notice_at END,
               unheard = CASE WHEN $1 > 0 THEN 0 ELSE unheard END,
               unheard_at = CASE WHEN $1 > 0 THEN NULL ELSE unheard_at END,
               times_deaf = CASE WHEN $1 > 0 THEN 0 ELSE times_deaf END,
               asked = CASE WHEN $3 = '' OR asked = 'removed' THEN asked ELSE $3 END
             WHERE source_id = $4"
        ),
        args![count, now, asked.map_or("", Asked::word), source],
    )
    .await?;
    Ok(before)
}

/// Has a source polled now. One whose polls fail keeps its own pace: notices must not hammer a mailbox that asked for a pause.
pub async fn wake(tx: &mut Tx, source: Uuid, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "UPDATE source SET wakes = wakes + 1, next_poll_at = CASE WHEN next_poll_at > $1 THEN $1 ELSE next_poll_at END
             WHERE id = $2 AND failures = 0 AND paused_at IS NULL"
        ),
        args![now, source],
    )
    .await?;
    Ok(())
}

/// What a poll needs to know of push.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow)]
pub struct Pulse {
    /// 1 where a subscription is there and can be renewed.
    pub live: i64,
    /// When it was made, microseconds.
    pub made_at: i64,
    /// Its end, microseconds.
    pub expires_at: i64,
    /// Notices since.
    pub notices: i64,
    /// The last one, microseconds.
    pub last_notice_at: Option<i64>,
    /// New mails in a row that no notice announced.
    pub unheard: i64,
}

/// What a poll needs to know of a source's push; the default for one that has none.
pub async fn pulse(db: &Db, source: Uuid) -> Result<Pulse, StoreError> {
    let row: Option<Pulse> = db
        .fetch_optional(
            sql!(
                "SELECT CAST(CASE WHEN state = 'on' AND failures = 0 THEN 1 ELSE 0 END AS BIGINT) AS live, made_at, expires_at, notices, last_notice_at, unheard
                 FROM push WHERE source_id = $1"
            ),
            args![source],
        )
        .await?;
    Ok(row.unwrap_or_default())
}

/// A poll found so many new mails that came since the subscription was made. If no notice came since `since`, they are unheard.
pub async fn found(
    db: &Db,
    source: Uuid,
    count: i64,
    since: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    db.execute(
        sql!(
            "UPDATE push SET unheard = unheard + $1,
               unheard_at = CASE WHEN unheard + $1 >= $2 AND unheard_at IS NULL THEN $3 ELSE unheard_at END
             WHERE source_id = $4 AND state = 'on' AND coalesce(last_notice_at, 0) < $5"
        ),
        args![count, UNHEARD, now, source, since],
    )
    .await?;
    Ok(())
}

/// Turns push of a source off or on. Turned on, it is tried anew whatever came before. `false`: it was off already, or the source is
/// not there.
pub async fn switch(
    tx: &mut Tx,
    workspace: Uuid,
    source: Uuid,
    on: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = if on {
        tx.execute(
            sql!(
                "UPDATE push SET switched_off_at = NULL, times_deaf = CASE WHEN times_deaf > 0 THEN 1 ELSE 0 END, failures = 0, next_at = CASE WHEN state IN ('on', 'making')
                   THEN next_at ELSE 0 END WHERE source_id = $1 AND workspace_id = $2"
            ),
            args![source, workspace],
        )
        .await?
    } else {
        tx.execute(
            sql!(
                "UPDATE push SET switched_off_at = $1 WHERE source_id = $2 AND workspace_id = $3 AND switched_off_at IS NULL"
            ),
            args![now, source, workspace],
        )
        .await?
    };
    Ok(changed == 1)
}

/// A subscription whose renewal has failed.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct Ending {
    /// The source.
    pub source_id: Uuid,
    /// The subscription's end, microseconds.
    pub expires_at: i64,
}

/// The subscriptions whose renewal has failed.
pub async fn ending(db: &Db, workspace: Uuid) -> Result<Vec<Ending>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT source_id, expires_at FROM push WHERE workspace_id = $1 AND state = 'on' AND failures > 0"
        ),
        args![workspace],
    )
    .await
}
