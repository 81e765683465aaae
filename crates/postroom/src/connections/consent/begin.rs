//! Somebody begins to wait for an administrator.

use fault::Fault;
use jiff::SignedDuration;
use store::{StoreError, Tx};
use url::Url;
use uuid::Uuid;

use crate::connections::Connections;
use crate::connections::goal::Goal;
use crate::connections::registration_set_up_page::fresh_state;
use crate::connections::scopes;
use crate::connections::store::accounts::{self, Account};
use crate::connections::store::approvals::{self as rows, Approval, NewApproval};
use crate::connections::store::events::{self, Event, Object};

/// Microsoft is asked at most so often whether an approval was given.
pub const EVERY: SignedDuration = SignedDuration::from_secs(60);

/// Who waits, and for what.
#[derive(Debug)]
pub struct Waiting<'a> {
    /// Workspace.
    pub workspace: Uuid,
    /// App registration.
    pub registration: Uuid,
    /// The account that can be watched with.
    pub account: Option<Uuid>,
    /// The account that whoever waits is to replace.
    pub replaces: Option<Uuid>,
    /// The person's address; empty where it is not known.
    pub who: &'a str,
    /// Their tenant; empty where it is not known.
    pub tenant: &'a str,
    /// What is waited for.
    pub wanted: &'a str,
    /// What for.
    pub goal: &'a Goal,
    /// Why.
    pub fault: &'a Fault,
    /// The wait that the sign-in went on with.
    pub of: Option<Uuid>,
    /// Whether the account can do nothing meanwhile. One that works with less goes on with that.
    pub stops: bool,
    /// Who signed in, for the timeline.
    pub actor: &'a str,
}

/// Begins to wait, in the transaction of what led to it. Gives the row.
pub async fn begin(
    tx: &mut Tx,
    connections: &Connections,
    waiting: &Waiting<'_>,
) -> Result<Uuid, StoreError> {
    let now = connections.clock.now();
    let state = fresh_state(&mut rand::rng());
    let id = rows::wait(
        tx,
        &NewApproval {
            workspace: waiting.workspace,
            registration: waiting.registration,
            account: waiting.account,
            replaces: waiting.replaces,
            who: waiting.who,
            tenant: waiting.tenant,
            scopes: waiting.wanted,
            code: &waiting.fault.code,
            state: &state,
            goal: &waiting.goal.stored(),
            of: waiting.of,
            now,
            watch_at: now.saturating_add(EVERY).unwrap_or(now),
        },
    )
    .await?;
    if let Some(account) = waiting.account {
        // One that works asks for no more than before: what is not given yet must not stand in the way of its next sign-in.
        if waiting.stops {
            let record = serde_json::to_string(&waiting.fault.to_record()).unwrap_or_default();
            let before = accounts::wanted_in(tx, account).await?;
            accounts::wait(tx, account, &scopes::merged(&before, waiting.wanted), &record, now).await?;
        }
        let event = Event {
            object: Object::Account,
            id: account,
            kind: "approval_needed",
            text: "waits for an administrator's approval",
            actor: waiting.actor,
            detail: None,
        };
        events::add(tx, waiting.workspace, now, &event).await?;
    }
    Ok(id)
}

/// Nobody waits any more, in the transaction that takes the wait out: what was not given is asked for no more.
pub async fn give_up(tx: &mut Tx, account: &Account, approval: &Approval) -> Result<(), StoreError> {
    let others = rows::waited_for_in(tx, account.id).await?.join(" ");
    let before = accounts::wanted_in(tx, account.id).await?;
    let wanted = scopes::given_up(&before, &approval.scopes, &account.scopes, &others);
    accounts::set_wanted(tx, account.id, &wanted).await
}

/// The link by which an administrator approves what somebody waits for.
pub async fn link(connections: &Connections, approval: &Approval) -> Result<Url, Fault> {
    let registration = connections.registration(approval.app_registration_id).await?;
    let tenant = if approval.tenant.is_empty() { registration.approves_in() } else { &approval.tenant };
    let resource = registration.graph_url.as_str().trim_end_matches('/').to_owned();
    let asked: Vec<String> = scopes::of_resource(&approval.scopes)
        .into_iter()
        // What EWS takes names its own resource.
        .map(|scope| if scopes::is_ews(scope) { scope.to_owned() } else { format!("{resource}/{scope}") })
        .collect();
    let asked: Vec<&str> = scopes::of_openid().chain(asked.iter().map(String::as_str)).collect();
    Ok(microsoft::signin::admin_consent_address(
        &registration.login_url,
        tenant,
        &registration.client_id,
        &asked,
        &registration.redirect_uri,
        &approval.state,
    ))
}
