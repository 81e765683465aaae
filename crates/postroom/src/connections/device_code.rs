//! Signing in by a code that is entered on another machine: the last resort, where no browser can come back to Postroom. Many
//! tenants block it (Conditional Access).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Form, Path, State as Shared};
use axum::response::Response;
use fault::{Class, Fault};
use jiff::{SignedDuration, Timestamp};
use microsoft::signin::Tokens;
use microsoft::signin::device::{self, Polled};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use store::{Place, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Connections;
use super::consent;
use super::consent::begin::{self as approval, Waiting};
use super::enterprise;
use super::goal::{Goal, Way};
use super::jira_site::stored_fault;
use super::pages::DevicePage;
use super::routes::{State, see_other, time};
use super::scopes;
use super::sign_in;
use super::store::devices::{self as rows, Device};
use super::store::{accounts, approvals};
use crate::access::{Actor, Admin, Viewer, audit};
use crate::web::components::{Action, FaultView, Icon};
use crate::web::live::Bus;
use crate::web::{self, Problem};

/// The longest that nobody looks into the database.
const LOOK: Duration = Duration::from_secs(60);
/// After a fault of the database.
const PAUSE: Duration = Duration::from_secs(5);

/// Where a code is sealed to.
fn place(id: Uuid) -> Place {
    Place::new("device_sign_in", "code_sealed", id)
}

/// What the button posts.
#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    /// `on`: also mailboxes of others.
    #[serde(default)]
    shared: String,
    /// `on`: to send from the mailbox, not to read it; only of a new one.
    #[serde(default)]
    send: String,
    /// The account that is signed in again.
    account: Option<Uuid>,
}

/// POST /device-sign-ins
pub async fn begin(
    admin: Admin,
    Shared(state): Shared<State>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let account = match wanted.account {
        Some(id) => Some(state.account(admin.workspace(), id).await?),
        None => None,
    };
    let registration = match &account {
        Some(account) => account.app_registration_id,
        None => accounts::registration(&connections.db, admin.workspace())
            .await?
            .ok_or_else(sign_in::no_registration)?,
    };
    let (shared, send) = (wanted.shared == "on", wanted.send == "on");
    let goal = if send && account.is_none() { Goal::Outbound(Way::graph()) } else { Goal::Account };
    let wanted: Vec<String> = match &account {
        Some(account) => sign_in::wanted_again(connections, account).await?,
        None if send => scopes::asked_to_send(shared).into_iter().map(str::to_owned).collect(),
        None => scopes::asked(shared).into_iter().map(str::to_owned).collect(),
    };
    let asked: Vec<&str> = wanted.iter().map(String::as_str).collect();
    // One token for one resource: what the account has beside it is asked for with the same refresh token.
    let asked = scopes::of_one_resource(&asked);
    let tenant = account.as_ref().map(|account| account.tenant_id.clone());
    let waiting = ask(connections, registration, tenant.as_deref(), &asked)
        .await
        .map_err(|fault| Problem::of_fault("Microsoft gave no code.", &fault))?;
    let (id, now) = (Uuid::now_v7(), connections.clock.now());
    let after = |seconds: Duration| {
        now.saturating_add(SignedDuration::try_from(seconds).unwrap_or(SignedDuration::ZERO)).unwrap_or(now)
    };
    let new = Device {
        id,
        workspace_id: admin.workspace(),
        app_registration_id: registration,
        account_id: account.as_ref().map(|account| account.id),
        wanted: asked.join(" "),
        user_code: waiting.user_code.clone(),
        address: waiting.verification_uri.to_string(),
        code_sealed: connections.sealer.seal(&place(id), waiting.device_code.expose_secret().as_bytes()),
        interval_seconds: i64::try_from(waiting.interval.as_secs().max(1)).unwrap_or(5),
        expires_at: after(waiting.expires_in).as_microsecond(),
        state: "waiting".to_owned(),
        fault: None,
        signed_in_account_id: None,
        begun_by: admin.user().email.clone(),
        goal: goal.stored(),
        approval_id: None,
    };
    let mut tx = connections.db.begin().await?;
    rows::insert(&mut tx, &new, now, after(waiting.interval)).await?;
    let object = account.as_ref().map_or("a new mailbox", |account| account.username.as_str());
    audit::record(&mut tx, &admin.actor(), "begin device sign-in", object, "").await?;
    tx.commit().await?;
    state.engine.devices.notify_one();
    Ok(see_other(&format!("/device-sign-ins/{id}")))
}

async fn ask(
    connections: &Connections,
    registration: Uuid,
    tenant: Option<&str>,
    asked: &[&str],
) -> Result<device::Waiting, Fault> {
    let registration = connections.registration(registration).await?;
    let tenant = tenant.unwrap_or(&registration.tenant);
    let mut proof = registration.proof(&connections.http, tenant).await?;
    loop {
        let (discovery, app) = (&proof.discovery, &proof.application);
        match device::begin(&connections.http, discovery, app, asked, connections.clock.now()).await {
            Err(fault) if proof.next(&fault) => {}
            result => return result.map_err(|fault| fault.at(&registration.place())),
        }
    }
}

/// GET /device-sign-ins/{id}
pub async fn show(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let device = rows::one(&connections.db, viewer.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("sign-in by code"))?;
    let signed_in = match device.signed_in_account_id {
        Some(id) => accounts::account(&connections.db, viewer.workspace(), id).await?,
        None => None,
    };
    let goal = Goal::of_stored(&device.goal);
    let approval = match device.approval_id {
        // It may have been given up since.
        Some(id) => approvals::one(&connections.db, viewer.workspace(), id).await?,
        None => None,
    };
    let is_over = !matches!(device.state.as_str(), "waiting" | "signed_in");
    let again = is_over.then(|| again(&viewer, &device));
    let title = match device.state.as_str() {
        "signed_in" => "Signed in",
        "waiting" => "Enter this code",
        _ => "The code is over",
    };
    web::page(&DevicePage {
        frame: viewer.frame(goal.section(), title).live("device-sign-ins"),
        list: goal.list(),
        waits: device.state == "waiting",
        copy: Action::copy("Copy the code", &device.user_code),
        open: Action::leave("Open Microsoft's page", &device.address).primary(),
        address: device.address,
        code: device.user_code,
        until: viewer.times().ago(time(device.expires_at)),
        fault: device.fault.as_deref().and_then(stored_fault).map(|fault| FaultView::of(&fault, None)),
        approval: approval.map(|approval| {
            Action::go("What the administrator has to do", format!("/approvals/{}", approval.id)).primary()
        }),
        next: signed_in.as_ref().map(|account| next(&goal, account.id).primary()),
        username: signed_in.map(|account| account.username).unwrap_or_default(),
        again,
    })
}

/// Where it goes on once somebody has signed in.
fn next(goal: &Goal, account: Uuid) -> Action {
    match goal {
        Goal::Account => Action::go("See what was granted", format!("/accounts/{account}")),
        goal => Action::go(goal.label(), goal.page(account)),
    }
}

/// The button for another code, for the same as the one before.
fn again(viewer: &Viewer, device: &Device) -> Action {
    let mut again = viewer.post("Get a new code", "/device-sign-ins").with_icon(Icon::Retry);
    if let Some(account) = device.account_id {
        again = again.field("account", account.to_string());
    }
    let is_shared = scopes::is_granted(&device.wanted, scopes::SHARED);
    let sends = Goal::of_stored(&device.goal).is_outbound();
    for (name, on) in [("shared", is_shared), ("send", sends)] {
        if on {
            again = again.field(name, "on");
        }
    }
    again
}

/// Whether a code goes on waiting after this.
fn waits(fault: &Fault) -> bool {
    fault.entry.class == Class::Transient && fault.entry.id != "entra.device_code_over"
}

/// Asks Microsoft whether codes were entered.
#[derive(Clone, Debug)]
pub struct DevicePoller {
    /// Mailboxes and Jira.
    pub connections: Arc<Connections>,
    /// Tells open pages.
    pub bus: Bus,
    /// Rung when a code begins to wait.
    pub wake: Arc<Notify>,
    /// Rung when sources should be polled.
    pub poll: Arc<Notify>,
    /// Rung when somebody begins to wait for an approval.
    pub approvals: Arc<Notify>,
}

impl DevicePoller {
    /// Asks until it is stopped.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let pause = match self.once().await {
                Ok(()) => self.until_next().await,
                Err(error) => {
                    tracing::error!(%error, "codes that wait cannot be looked up");
                    PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn until_next(&self) -> Duration {
        let Ok(Some(next)) = rows::next(&self.connections.db).await else { return LOOK };
        let next = Timestamp::from_microsecond(next).unwrap_or(Timestamp::UNIX_EPOCH);
        let pause = Duration::try_from(next.duration_since(self.connections.clock.now()));
        pause.unwrap_or(Duration::ZERO).min(LOOK)
    }

    /// Asks for all whose turn it is.
    pub async fn once(&self) -> Result<(), StoreError> {
        let connections = &self.connections;
        for device in rows::due(&connections.db, connections.clock.now()).await? {
            let now = connections.clock.now();
            // A code can be redeemed once: nobody else asks while an answer may be under way.
            let longest = SignedDuration::try_from(connections.reach.request_timeout * 2).unwrap_or_default();
            let interval = SignedDuration::from_secs(device.interval_seconds);
            let after = |pause: SignedDuration| now.saturating_add(pause).unwrap_or(now);
            if !rows::claim(&connections.db, device.id, now, after(interval.saturating_add(longest))).await? {
                continue;
            }
            let result = self.ask(&device).await;
            if matches!(&result, Ok(Polled::Wait(_))) || matches!(&result, Err(fault) if waits(fault)) {
                let next = connections.clock.now().saturating_add(interval).unwrap_or(now);
                rows::ask_at(&connections.db, device.id, next).await?;
            }
            self.take(&device, result).await?;
        }
        Ok(())
    }

    async fn ask(&self, device: &Device) -> Result<Polled, Fault> {
        let connections = &self.connections;
        let now = connections.clock.now();
        if device.expires_at <= now.as_microsecond() {
            return Err(Fault::own("entra.device_code_over", "nobody entered the code in time"));
        }
        let plain = connections
            .sealer
            .open(&place(device.id), &device.code_sealed)
            .map_err(|error| Fault::own("own.seal", &error.to_string()))?;
        let code = SecretString::from(String::from_utf8_lossy(&plain).into_owned());
        let registration = connections.registration(device.app_registration_id).await?;
        let account = match device.account_id {
            Some(id) => accounts::account(&connections.db, device.workspace_id, id)
                .await
                .map_err(|error| Fault::own("own.store", &error.to_string()))?,
            None => None,
        };
        let tenant = account.map_or_else(|| registration.tenant.clone(), |account| account.tenant_id);
        let mut proof = registration.proof(&connections.http, &tenant).await?;
        let asked: Vec<&str> = device.wanted.split_ascii_whitespace().collect();
        let interval = Duration::from_secs(u64::try_from(device.interval_seconds).unwrap_or(5));
        loop {
            let (discovery, app) = (&proof.discovery, &proof.application);
            match device::poll(&connections.http, discovery, app, &code, interval, &asked, now).await {
                Err(fault) if proof.next(&fault) => {}
                result => return result,
            }
        }
    }

    async fn take(&self, device: &Device, result: Result<Polled, Fault>) -> Result<(), StoreError> {
        let connections = &self.connections;
        let now = connections.clock.now();
        match result {
            Ok(Polled::Wait(interval)) => {
                let seconds = i64::try_from(interval.as_secs()).unwrap_or(device.interval_seconds);
                if seconds > device.interval_seconds {
                    let next = now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
                    rows::slow_down(&connections.db, device.id, seconds, next).await?;
                }
                return Ok(());
            }
            Ok(Polled::SignedIn(tokens)) => self.keep(device, &tokens).await?,
            Err(fault) if waits(&fault) => return Ok(()),
            Err(fault) => self.fail(device, &fault).await?,
        }
        self.bus.tell("device-sign-ins");
        self.bus.tell("sources");
        Ok(())
    }

    async fn keep(&self, device: &Device, tokens: &Tokens) -> Result<(), StoreError> {
        let connections = &self.connections;
        let (Some(claims), Some(_)) = (&tokens.id, &tokens.refresh) else {
            let fault = Fault::own("entra.id_token", "the answer held no id_token or no refresh token");
            return self.fail(device, &fault).await;
        };
        let before = match device.account_id {
            Some(id) => accounts::account(&connections.db, device.workspace_id, id).await?,
            None => None,
        };
        if before.is_some_and(|before| before.object_id != claims.oid || before.tenant_id != claims.tid) {
            let detail = format!(
                "{} entered the code",
                claims.preferred_username.as_deref().unwrap_or("somebody else")
            );
            return self.fail(device, &Fault::own("own.swapped_account", &detail)).await;
        }
        let known = accounts::row_of(&connections.db, device.workspace_id, &claims.tid, &claims.oid).await?;
        let known = sign_in::Known::of(connections, device.workspace_id, known).await?;
        let id = known.id;
        let asked: Vec<&str> = device.wanted.split_ascii_whitespace().collect();
        let registration = device.app_registration_id;
        let Some(row) = sign_in::row(connections, &known, device.workspace_id, registration, tokens, &asked)
        else {
            return Ok(());
        };
        let actor = Actor {
            workspace: device.workspace_id,
            user: None,
            name: device.begun_by.clone(),
            at: connections.clock.now(),
        };
        let mut tx = connections.db.begin().await?;
        if !rows::end(&mut tx, device.id, "signed_in", None, Some(id)).await? {
            return tx.rollback().await;
        }
        let wanted = scopes::merged(&known.wanted, &device.wanted);
        sign_in::record(&mut tx, &actor, row, &wanted).await?;
        if let Some(goal) = Goal::of_stored(&device.goal).kept(device.account_id.is_none()) {
            accounts::set_goal(&mut tx, id, &goal).await?;
        }
        tx.commit().await?;
        connections.forget();
        enterprise::learn(connections, device.workspace_id, id, claims).await?;
        self.poll.notify_one();
        Ok(())
    }

    async fn fail(&self, device: &Device, fault: &Fault) -> Result<(), StoreError> {
        let connections = &self.connections;
        tracing::info!(%fault, code = %fault.code, "a sign-in by code came to nothing");
        let fault = &connections.placed(device.app_registration_id, fault.clone()).await;
        let record = serde_json::to_string(&fault.to_record()).ok();
        let state = if fault.entry.id == "entra.device_code_over" { "ended" } else { "failed" };
        // Only a sign-in that works can be watched with.
        let account = match device.account_id {
            Some(id) => accounts::account(&connections.db, device.workspace_id, id).await?,
            None => None,
        };
        let watched = account.as_ref().filter(|account| account.state == "online");
        let mut tx = connections.db.begin().await?;
        if rows::end(&mut tx, device.id, state, record, None).await? && consent::is_missing(fault) {
            let approval = approval::begin(
                &mut tx,
                connections,
                &Waiting {
                    workspace: device.workspace_id,
                    registration: device.app_registration_id,
                    account: watched.map(|account| account.id),
                    replaces: None,
                    who: account.as_ref().map_or("", |account| account.username.as_str()),
                    tenant: account.as_ref().map_or("", |account| account.tenant_id.as_str()),
                    wanted: &device.wanted,
                    goal: &Goal::of_stored(&device.goal),
                    fault,
                    stops: false,
                    actor: &device.begun_by,
                },
            )
            .await?;
            rows::waits_in(&mut tx, device.id, approval).await?;
            self.approvals.notify_one();
        }
        tx.commit().await
    }
}
