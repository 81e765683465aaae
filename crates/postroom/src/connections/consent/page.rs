//! The page of somebody who waits for an administrator: what happened, what to do, the link and the mail for the administrator.

use axum::extract::{Form, Path, State as Shared};
use axum::response::Response;
use fault::{EntraError, Fault};
use serde::Deserialize;
use uuid::Uuid;

use super::begin::{self, Waiting};
use super::words::{Known, words};
use crate::access::{Admin, Role, Viewer, audit};
use crate::connections::goal::Goal;
use crate::connections::health;
use crate::connections::jira_site::stored_fault;
use crate::connections::pages::ApprovalPage;
use crate::connections::routes::{State, flash_to, moment, see_other};
use crate::connections::scopes;
use crate::connections::sign_in::{self, Asked, Purpose, Who, login_url};
use crate::connections::store::accounts::{self, Account};
use crate::connections::store::approvals as rows;
use crate::web::components::{Action, Icon};
use crate::web::{self, Flash, Problem};

/// GET /approvals/{id}
pub async fn show(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let approval = rows::one(&connections.db, viewer.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("wait for an approval"))?;
    let link = begin::link(connections, &approval)
        .await
        .map_err(|fault| Problem::of_fault("The link for the administrator cannot be made.", &fault))?;
    let registration = connections
        .registration(approval.app_registration_id)
        .await
        .map_err(|fault| Problem::of_fault("The app registration cannot be used.", &fault))?;
    let asked: Vec<&str> = approval.scopes.split_ascii_whitespace().collect();
    let (_, asked) = scopes::in_words("", &asked);
    let said = words(&Known {
        code: &approval.code,
        who: &approval.who,
        client_id: &registration.client_id,
        link: link.as_str(),
        asked: &asked,
        is_watched: approval.account_id.is_some(),
        asked_by: &viewer.user().email,
    });
    let admin = viewer.may(Role::Admin);
    let goal = Goal::of_stored(&approval.goal);
    let again = || viewer.post("Sign in again", format!("/approvals/{id}/sign-in"));
    let is_over = approval.ended_at.is_some();
    // Nothing was approved as far as is known: the sign-in that it was watched with has ended.
    let sign_in_ended = is_over && approval.outcome == "ended";
    let approved = (is_over && !sign_in_ended)
        || (approval.returned_at.is_some() && approval.account_id.is_none() && !is_over);
    let next = match approval.account_id {
        _ if !admin => None,
        _ if sign_in_ended => Some(again().with_icon(Icon::Grid).primary()),
        Some(account) if is_over => Some(Action::go(goal.label(), goal.page(account)).primary()),
        None if approved => Some(again().with_icon(Icon::Grid).primary()),
        _ => None,
    };
    let title = match (sign_in_ended, approved) {
        (true, _) => "The sign-in ended before it was approved",
        (_, true) => "An administrator has approved",
        _ => "An administrator has to approve",
    };
    let page = ApprovalPage {
        frame: viewer.frame(goal.section(), title).live("approvals"),
        list: goal.list(),
        code: approval.code.clone(),
        approved,
        sign_in_ended,
        is_over,
        since: moment(&viewer, approval.since),
        watched: approval.watched_at.map(|at| moment(&viewer, at)),
        next_look: (approval.account_id.is_some() && approval.ended_at.is_none())
            .then(|| moment(&viewer, approval.watch_at)),
        returned: approval.returned_at.map(|at| moment(&viewer, at)),
        asked,
        requests: fault::Page::ConsentRequests.address(registration.place().cloud, None),
        mailto: said.mailto(),
        said,
        link: link.to_string(),
        next,
        again: (admin && next_is_open(&approval)).then(again),
        give_up: (admin && approval.ended_at.is_none()).then(|| {
            viewer.post("Give up", format!("/approvals/{id}/give-up")).danger(
                "Postroom no longer looks for this approval, and the line leaves the list. Nothing changes in the tenant.",
            )
        }),
    };
    match login_url(&state, &viewer).await {
        Some(login) => web::page_leading_to(&page, &login),
        None => web::page(&page),
    }
}

fn next_is_open(approval: &rows::Approval) -> bool {
    approval.ended_at.is_none() && (approval.account_id.is_some() || approval.returned_at.is_none())
}

/// POST /approvals/{id}/give-up
pub async fn give_up(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let db = &state.connections.db;
    let approval = rows::one(db, admin.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("wait for an approval"))?;
    let account = match approval.account_id {
        Some(account) => accounts::account(db, admin.workspace(), account).await?,
        None => None,
    };
    let mut tx = db.begin().await?;
    rows::remove(&mut tx, admin.workspace(), id).await?;
    if let Some(account) = &account {
        begin::give_up(&mut tx, account, &approval).await?;
    }
    audit::record(&mut tx, &admin.actor(), "give approval up", &approval.who, &approval.code).await?;
    tx.commit().await?;
    if let Some(account) = &account {
        go_on_with_less(&state, account).await?;
    }
    state.shell.bus.tell("sources");
    let (list, _) = Goal::of_stored(&approval.goal).list();
    Ok(flash_to(&admin, &Flash::done("Postroom no longer waits for this approval."), list))
}

/// An account that was stopped by the wait, and may read mail with what it was granted, goes on with that: Microsoft says whether it may.
async fn go_on_with_less(state: &State, account: &Account) -> Result<(), Problem> {
    let connections = &state.connections;
    let waited =
        account.fault.as_deref().and_then(stored_fault).is_some_and(|fault| super::is_missing(&fault));
    if account.state != "offline" || !waited || !scopes::reads_mail(&account.scopes) {
        return Ok(());
    }
    let asked = scopes::asked_again(&account.scopes);
    let tried = async { connections.tokens(account.id).await?.ask_for(&asked).await };
    let (outcome, now) = (tried.await, connections.clock.now());
    let mut tx = connections.db.begin().await?;
    match outcome {
        Ok(()) => accounts::wake_sources(&mut tx, account.id, now).await?,
        Err(fault) => {
            tracing::info!(account = %account.id, %fault, code = %fault.code, "an account does not work with less either");
            let record = serde_json::to_string(&fault.to_record()).unwrap_or_default();
            accounts::fail(&mut tx, account.id, &record, now).await?;
        }
    }
    tx.commit().await?;
    state.engine.poll.notify_one();
    Ok(())
}

/// POST /approvals/{id}/sign-in: once more, for the same.
pub async fn sign_in(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let db = &state.connections.db;
    let approval = rows::one(db, admin.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("wait for an approval"))?;
    let account = match approval.replaces.or(approval.account_id) {
        Some(account) => accounts::account(db, admin.workspace(), account).await?,
        None => None,
    };
    let who = Some(approval.who).filter(|who| who.contains('@'));
    let (purpose, hint) = match account {
        Some(before) if approval.replaces.is_some() => (Purpose::Replace(before), who),
        Some(account) => (Purpose::Validate(account), None),
        None => (Purpose::New, who),
    };
    let goal = Goal::of_stored(&approval.goal);
    let asked = Asked { scopes: approval.scopes, goal, approval: approval.ended_at.is_none().then_some(id) };
    sign_in::begin(Who::Admin(admin), &state, purpose, asked, hint).await
}

/// What is waited for: what a sign-in asked for, or what a connection needs.
#[derive(Debug, Default, Deserialize)]
pub struct Wish {
    #[serde(default)]
    wanted: String,
    #[serde(default)]
    goal: String,
    /// What Microsoft said to whoever turned back.
    #[serde(default)]
    code: String,
    source: Option<Uuid>,
    outbound: Option<Uuid>,
}

/// A refusal of Microsoft with this code.
fn refused_with(code: &str) -> Fault {
    let number = code.strip_prefix("AADSTS").and_then(|number| number.parse().ok());
    let error = if number.is_some() { String::new() } else { code.to_owned() };
    Fault::entra(&EntraError { error, error_codes: number.into_iter().collect(), ..EntraError::default() })
}

impl Wish {
    /// Where it goes on.
    fn goal(&self) -> Goal {
        match (Goal::of_stored(&self.goal), self.source, self.outbound) {
            (Goal::Account, Some(id), _) => Goal::ValidateSource { id },
            (Goal::Account, None, Some(id)) => Goal::ValidateOutbound { id },
            (goal, ..) => goal,
        }
    }

    async fn scopes(&self, state: &State, admin: &Admin, account: &Account) -> Result<String, Problem> {
        let (connections, workspace) = (&state.connections, admin.workspace());
        let db = &connections.db;
        if let Some(id) = self.source {
            let source = state.source(workspace, id).await?;
            return Ok(sign_in::wanted_to_read(connections, account, &source).await?.join(" "));
        }
        if let Some(id) = self.outbound {
            let outbound = state.outbound(workspace, id).await?;
            return Ok(sign_in::wanted_to_send(connections, account, &outbound).await?.join(" "));
        }
        // A form is anybody's text: only what Postroom itself asks for is waited for.
        let known = scopes::asked_again(&self.wanted);
        if !self.wanted.is_empty() && scopes::are_granted(&known.join(" "), &self.wanted) {
            return Ok(known.join(" "));
        }
        Ok(match accounts::wanted(db, account.id).await? {
            // Signed in before that was kept.
            wanted if wanted.is_empty() => scopes::asked_again(&account.scopes).join(" "),
            wanted => wanted,
        })
    }

    /// What it is waited for: what Microsoft said to whoever turned back, or what stands with the connection or the account.
    async fn fault(&self, state: &State, admin: &Admin, account: &Account) -> Result<Fault, Problem> {
        let workspace = admin.workspace();
        let source = match self.source {
            Some(id) => Some(health::of_source(&state.source(workspace, id).await?)),
            None => None,
        };
        let outbound = match self.outbound {
            Some(id) => Some(health::of_outbound(&state.outbound(workspace, id).await?)),
            None => None,
        };
        let stands = source.into_iter().chain(outbound).flat_map(|standing| standing.troubles);
        let of_account = account.fault.as_deref().and_then(stored_fault);
        let posted = (!self.code.is_empty()).then(|| refused_with(&self.code));
        let mut all = posted.into_iter().chain(stands.map(|trouble| trouble.fault)).chain(of_account);
        let found = all.find(|fault| super::is_missing(fault) || super::is_turned_back(fault));
        let unknown = refused_with("AADSTS65001");
        Ok(match found {
            // Who turned back waits for an administrator all the same, and so does the account.
            Some(fault) if !super::is_missing(&fault) => Fault { code: fault.code, ..unknown },
            Some(fault) => fault,
            None => unknown,
        })
    }
}

/// POST /accounts/{id}/wait: somebody turned back at Microsoft's page, and it is an administrator who has to act.
pub async fn wait(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Form(wish): Form<Wish>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let account = state.account(admin.workspace(), id).await?;
    let wanted = wish.scopes(&state, &admin, &account).await?;
    let fault = wish.fault(&state, &admin, &account).await?;
    let fault = connections.placed(account.app_registration_id, fault).await;
    let mut tx = connections.db.begin().await?;
    let waiting = Waiting {
        workspace: admin.workspace(),
        registration: account.app_registration_id,
        account: Some(id),
        replaces: None,
        who: &account.username,
        tenant: &account.tenant_id,
        wanted: &wanted,
        goal: &wish.goal(),
        fault: &fault,
        of: None,
        stops: account.state == "offline",
        actor: &admin.user().email,
    };
    let approval = begin::begin(&mut tx, connections, &waiting).await?;
    audit::record(&mut tx, &admin.actor(), "wait for approval", &account.username, "").await?;
    tx.commit().await?;
    state.engine.approvals.notify_one();
    state.shell.bus.tell("sources");
    Ok(see_other(&format!("/approvals/{approval}")))
}
