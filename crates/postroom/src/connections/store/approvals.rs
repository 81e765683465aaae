//! Who waits for an administrator.

use jiff::Timestamp;
use sqlx::FromRow;
use store::{Db, StoreError, Tx, args, sql};
use uuid::Uuid;

use crate::connections::goal::Goal;
use crate::connections::scopes;

/// Somebody who waits.
#[derive(Clone, Debug, FromRow)]
pub struct Approval {
    /// Row id.
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// App registration.
    pub app_registration_id: Uuid,
    /// The account that is watched with; none where not even a basic sign-in was let through.
    pub account_id: Option<Uuid>,
    /// The person's address; empty where it is not known.
    pub who: String,
    /// Their tenant; empty where it is not known.
    pub tenant: String,
    /// What is waited for, separated by spaces.
    pub scopes: String,
    /// Microsoft's code, for example `AADSTS90094`.
    pub code: String,
    /// Comes back with the administrator.
    pub state: String,
    /// Since when, microseconds.
    pub since: i64,
    /// When Microsoft is asked next, microseconds.
    pub watch_at: i64,
    /// When Microsoft was asked last, microseconds.
    pub watched_at: Option<i64>,
    /// When an administrator came back from the consent link, microseconds.
    pub returned_at: Option<i64>,
    /// When it was over, microseconds.
    pub ended_at: Option<i64>,
    /// How: `approved`, or `ended` where the sign-in that it was watched with was over. Empty while it lasts.
    pub outcome: String,
    /// The account that whoever waits is to replace.
    pub replaces: Option<Uuid>,
    /// What the sign-in was for, as its row keeps it.
    pub goal: String,
}

/// Somebody who begins to wait.
#[derive(Debug)]
pub struct NewApproval<'a> {
    /// Workspace.
    pub workspace: Uuid,
    /// App registration.
    pub registration: Uuid,
    /// As in [`Approval`].
    pub account: Option<Uuid>,
    /// As in [`Approval`].
    pub replaces: Option<Uuid>,
    /// As in [`Approval`].
    pub who: &'a str,
    /// As in [`Approval`].
    pub tenant: &'a str,
    /// As in [`Approval`].
    pub scopes: &'a str,
    /// As in [`Approval`].
    pub code: &'a str,
    /// As in [`Approval`].
    pub state: &'a str,
    /// As in [`Approval`].
    pub goal: &'a str,
    /// The wait that the sign-in went on with.
    pub of: Option<Uuid>,
    /// Now.
    pub now: Timestamp,
    /// When Microsoft is asked first.
    pub watch_at: Timestamp,
}

/// What one wait is told from others by, beside whose it is.
#[derive(Debug, FromRow)]
struct Open {
    id: Uuid,
    goal: String,
    scopes: String,
}

/// Whether both are for a connection of the same list, over the same server: then they are one wait. A move to Graph is one of its own.
fn is_same(one: (&str, &str), other: (&str, &str)) -> bool {
    let servers = |scopes| {
        let mut servers = scopes::of_ews(scopes);
        servers.sort_unstable();
        servers
    };
    Goal::of_stored(one.0).waits_as(&Goal::of_stored(other.0)) && servers(one.1) == servers(other.1)
}

/// The wait that goes on: the one whose sign-in went on with it, else the one of the same person for the same.
async fn open_one(tx: &mut Tx, new: &NewApproval<'_>) -> Result<Option<Uuid>, StoreError> {
    if let Some(of) = new.of {
        let open: Option<(Uuid,)> = tx
            .fetch_optional(
                sql!(
                    "SELECT id FROM approval WHERE id = $1 AND app_registration_id = $2 AND ended_at IS NULL"
                ),
                args![of, new.registration],
            )
            .await?;
        if let Some((id,)) = open {
            return Ok(Some(id));
        }
    }
    if new.account.is_none() && new.who.is_empty() {
        // Nobody knows who it is: whoever else waits may be somebody else.
        return Ok(None);
    }
    let open: Vec<Open> = tx
        .fetch_all(
            sql!(
                "SELECT id, goal, scopes FROM approval WHERE app_registration_id = $1 AND ended_at IS NULL AND who = $2
                   AND coalesce(account_id, app_registration_id) = $3 ORDER BY since, id"
            ),
            args![new.registration, new.who, new.account.unwrap_or(new.registration)],
        )
        .await?;
    let same = open.into_iter().find(|open| is_same((&open.goal, &open.scopes), (new.goal, new.scopes)));
    Ok(same.map(|open| open.id))
}

/// Begins to wait, or goes on: who waits already keeps the link that was sent to the administrator. Gives the row.
pub async fn wait(tx: &mut Tx, new: &NewApproval<'_>) -> Result<Uuid, StoreError> {
    if let Some(id) = open_one(tx, new).await? {
        tx.execute(
            sql!(
                "UPDATE approval SET scopes = $1, code = $2, tenant = $3, replaces = $5, goal = $6, account_id = $7, who = $8,
                   returned_at = NULL WHERE id = $4"
            ),
            args![new.scopes, new.code, new.tenant, id, new.replaces, new.goal, new.account, new.who],
        )
        .await?;
        return Ok(id);
    }
    let id = Uuid::now_v7();
    tx.execute(
        sql!(
            "INSERT INTO approval (id, workspace_id, app_registration_id, account_id, who, tenant, scopes, code, state, since,
               watch_at, replaces, goal)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        ),
        args![
            id,
            new.workspace,
            new.registration,
            new.account,
            new.who,
            new.tenant,
            new.scopes,
            new.code,
            new.state,
            new.now,
            new.watch_at,
            new.replaces,
            new.goal
        ],
    )
    .await?;
    Ok(id)
}

/// One of a workspace.
pub async fn one(db: &Db, workspace: Uuid, id: Uuid) -> Result<Option<Approval>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT id, workspace_id, app_registration_id, account_id, who, tenant, scopes, code, state, since, watch_at, watched_at,
               returned_at, ended_at, outcome, replaces, goal FROM approval WHERE workspace_id = $1 AND id = $2"
        ),
        args![workspace, id],
    )
    .await
}

/// All that wait, the oldest first.
pub async fn open(db: &Db, workspace: Uuid) -> Result<Vec<Approval>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT id, workspace_id, app_registration_id, account_id, who, tenant, scopes, code, state, since, watch_at, watched_at,
               returned_at, ended_at, outcome, replaces, goal FROM approval WHERE workspace_id = $1 AND ended_at IS NULL ORDER BY since, id"
        ),
        args![workspace],
    )
    .await
}

/// Those whose turn it is to be asked for; of one account's the one first that was asked for longest ago.
pub async fn due(db: &Db, now: Timestamp) -> Result<Vec<Approval>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT id, workspace_id, app_registration_id, account_id, who, tenant, scopes, code, state, since, watch_at, watched_at,
               returned_at, ended_at, outcome, replaces, goal FROM approval
             WHERE ended_at IS NULL AND account_id IS NOT NULL AND watch_at <= $1
             ORDER BY coalesce(watched_at, 0), watch_at, id LIMIT 50"
        ),
        args![now],
    )
    .await
}

/// When the next one is to be asked for, microseconds.
pub async fn next(db: &Db) -> Result<Option<i64>, StoreError> {
    let (next,): (Option<i64>,) = db
        .fetch_one(
            sql!("SELECT min(watch_at) FROM approval WHERE ended_at IS NULL AND account_id IS NOT NULL"),
            args![],
        )
        .await?;
    Ok(next)
}

/// Takes one's turn: of several nodes one asks, and not again before `until`, for none of what the same account waits for.
pub async fn claim(db: &Db, id: Uuid, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
    let mut tx = db.begin().await?;
    let claimed = tx
        .execute(
            sql!(
                "UPDATE approval SET watch_at = $1, watched_at = $2 WHERE id = $3 AND watch_at <= $2 AND ended_at IS NULL"
            ),
            args![until, now, id],
        )
        .await?;
    if claimed == 0 {
        tx.rollback().await?;
        return Ok(false);
    }
    tx.execute(
        sql!(
            "UPDATE approval SET watch_at = $1
             WHERE ended_at IS NULL AND watch_at < $1 AND id <> $2
               AND account_id = (SELECT account_id FROM approval WHERE id = $2)"
        ),
        args![until, id],
    )
    .await?;
    tx.commit().await?;
    Ok(true)
}

/// Microsoft is not asked before `until`.
pub async fn later(db: &Db, id: Uuid, until: Timestamp) -> Result<(), StoreError> {
    db.execute(
        sql!("UPDATE approval SET watch_at = $1 WHERE id = $2 AND ended_at IS NULL"),
        args![until, id],
    )
    .await?;
    Ok(())
}

/// It is over: `approved`, or `ended`, where there is nothing left to watch with.
pub async fn end(tx: &mut Tx, id: Uuid, outcome: &str, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        sql!("UPDATE approval SET ended_at = $1, outcome = $2 WHERE id = $3 AND ended_at IS NULL"),
        args![now, outcome, id],
    )
    .await?;
    Ok(())
}

/// What an account waits for, one line a wait.
pub async fn waited_for(db: &Db, account: Uuid) -> Result<Vec<String>, StoreError> {
    let open: Vec<(String,)> = db
        .fetch_all(
            sql!("SELECT scopes FROM approval WHERE account_id = $1 AND ended_at IS NULL"),
            args![account],
        )
        .await?;
    Ok(open.into_iter().map(|row| row.0).collect())
}

/// The same within a transaction.
pub async fn waited_for_in(tx: &mut Tx, account: Uuid) -> Result<Vec<String>, StoreError> {
    let open: Vec<(String,)> = tx
        .fetch_all(
            sql!("SELECT scopes FROM approval WHERE account_id = $1 AND ended_at IS NULL"),
            args![account],
        )
        .await?;
    Ok(open.into_iter().map(|row| row.0).collect())
}

#[derive(Debug, FromRow)]
struct Met {
    id: Uuid,
    scopes: String,
    /// Whether nobody knows whose wait it is.
    unknown: i64,
}

/// Who signed in waits no more for what was `granted`; what they wait for beside stays. Of those whose address nobody knows one is over: the
/// one that the sign-in went on with (`of`), else the oldest that an administrator came back for.
pub async fn end_of(
    tx: &mut Tx,
    registration: Uuid,
    account: Uuid,
    (who, tenant): (&str, &str),
    granted: &str,
    of: Option<Uuid>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let waiting: Vec<Met> = tx
        .fetch_all(
            sql!(
                "SELECT id, scopes, CAST(CASE WHEN account_id IS NULL AND who = '' THEN 1 ELSE 0 END AS BIGINT) AS unknown
                 FROM approval WHERE app_registration_id = $1 AND ended_at IS NULL
                   AND (account_id = $2 OR id = $5 OR (account_id IS NULL AND (who = $3
                     OR (who = '' AND (tenant = $4 OR (tenant = '' AND returned_at IS NOT NULL))))))
                 ORDER BY since, id"
            ),
            args![registration, account, who, tenant, of],
        )
        .await?;
    let mut one = of;
    for wait in waiting.iter().filter(|wait| scopes::are_granted(granted, &wait.scopes)) {
        if wait.unknown == 0 || *one.get_or_insert(wait.id) == wait.id {
            end(tx, wait.id, "approved", now).await?;
        }
    }
    Ok(())
}

/// An administrator came back with this state: those that it stands for and that there is a token for are looked at now, but none that
/// was looked at after `not_since`. Gives how many these are; for the others it stands that the administrator was there.
pub async fn returned(
    tx: &mut Tx,
    state: &str,
    now: Timestamp,
    not_since: Timestamp,
) -> Result<i64, StoreError> {
    tx.execute(
        sql!(
            "UPDATE approval SET returned_at = $1 WHERE ended_at IS NULL AND (state = $2 OR app_registration_id IN
               (SELECT id FROM app_registration WHERE approval_state = $2))"
        ),
        args![now, state],
    )
    .await?;
    let (watched,): (i64,) = tx
        .fetch_one(
            sql!(
                "SELECT COUNT(*) FROM approval WHERE ended_at IS NULL AND account_id IS NOT NULL AND (state = $1
                   OR app_registration_id IN (SELECT id FROM app_registration WHERE approval_state = $1))"
            ),
            args![state],
        )
        .await?;
    tx.execute(
        sql!(
            "UPDATE approval SET watch_at = $1 WHERE ended_at IS NULL AND watch_at > $1 AND returned_at = $1
               AND (watched_at IS NULL OR watched_at <= $2)"
        ),
        args![now, not_since],
    )
    .await?;
    Ok(watched)
}

/// The registration whose consent link carries this state.
pub async fn registration_of_state(db: &Db, state: &str) -> Result<Option<Uuid>, StoreError> {
    if state.is_empty() {
        return Ok(None);
    }
    let found: Option<(Uuid,)> = db
        .fetch_optional(
            sql!(
                "SELECT id FROM app_registration WHERE approval_state = $1
                 UNION SELECT app_registration_id FROM approval WHERE state = $1"
            ),
            args![state],
        )
        .await?;
    Ok(found.map(|row| row.0))
}

/// Nobody waits any more: an administrator of the console gave it up.
pub async fn remove(tx: &mut Tx, workspace: Uuid, id: Uuid) -> Result<bool, StoreError> {
    let removed = tx
        .execute(sql!("DELETE FROM approval WHERE workspace_id = $1 AND id = $2"), args![workspace, id])
        .await?;
    Ok(removed == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::goal::Way;

    /// Promise: waits for other things are other waits: a source's is not an outbound's, Graph's not that of EWS, one server's not
    /// another's, and no move that of another connection.
    #[test]
    fn waits_for_other_things_are_kept_apart() {
        let [graph, mail] = ["openid User.Read Mail.ReadWrite", "openid User.Read Mail.ReadWrite Mail.Send"];
        let [online, own] = ["https://outlook.office365.com", "https://mail.contoso.test"]
            .map(|server| format!("openid {server}/EWS.AccessAsUser.All"));
        let [one, other] = [1, 2].map(Uuid::from_u128);
        let waits = [
            (Goal::Account, graph),
            (Goal::Source(Way::ews("")), &online),
            (Goal::Source(Way::ews("https://mail.contoso.test/EWS")), &own),
            (Goal::Outbound(Way::graph()), mail),
            (Goal::Outbound(Way::ews("")), &online),
            (Goal::MoveSource { id: one }, graph),
            (Goal::MoveSource { id: other }, graph),
            (Goal::MoveOutbound { id: one }, mail),
        ];
        for (at, (goal, scopes)) in waits.iter().enumerate() {
            for (beside, (other, others)) in waits.iter().enumerate() {
                let same = is_same((&goal.stored(), scopes), (&other.stored(), others));
                assert_eq!(same, at == beside, "{goal:?} and {other:?}");
            }
        }
        // Asked for once more, with a permission on top: one wait.
        assert!(is_same(
            (&Goal::Account.stored(), graph),
            (&Goal::Source(Way::graph()).stored(), "openid Mail.ReadWrite Mail.ReadWrite.Shared")
        ));
    }
}
