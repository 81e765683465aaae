//! The page of somebody who waits for an administrator: what happened, what to do, the link and the mail for the administrator.

use axum::extract::{Form, Path, State as Shared};
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::begin::{self, Waiting};
use super::words::{Known, words};
use crate::access::{Admin, Role, Viewer, audit};
use crate::connections::goal::Goal;
use crate::connections::pages::ApprovalPage;
use crate::connections::routes::{State, flash_to, moment, see_other};
use crate::connections::scopes;
use crate::connections::sign_in::{self, Asked, Purpose, Who, login_url};
use crate::connections::store::accounts::{self, Account};
use crate::connections::store::{approvals as rows, outbounds, sources};
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
    let mut tx = db.begin().await?;
    rows::remove(&mut tx, admin.workspace(), id).await?;
    audit::record(&mut tx, &admin.actor(), "give approval up", &approval.who, &approval.code).await?;
    tx.commit().await?;
    state.shell.bus.tell("sources");
    let (list, _) = Goal::of_stored(&approval.goal).list();
    Ok(flash_to(&admin, &Flash::done("Postroom no longer waits for this approval."), list))
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
    let asked = Asked { scopes: approval.scopes, goal: Goal::of_stored(&approval.goal) };
    sign_in::begin(Who::Admin(admin), &state, purpose, asked, hint).await
}

/// What is waited for: what a sign-in asked for, or what a connection needs.
#[derive(Debug, Default, Deserialize)]
pub struct Wish {
    #[serde(default)]
    wanted: String,
    #[serde(default)]
    goal: String,
    source: Option<Uuid>,
    outbound: Option<Uuid>,
}

impl Wish {
    /// Where it goes on.
    fn goal(&self) -> Goal {
        match (self.source, self.outbound) {
            (Some(id), _) => Goal::ValidateSource { id },
            (None, Some(id)) => Goal::ValidateOutbound { id },
            (None, None) => Goal::of_stored(&self.goal),
        }
    }

    async fn scopes(&self, state: &State, admin: &Admin, account: &Account) -> Result<String, Problem> {
        let (connections, workspace) = (&state.connections, admin.workspace());
        let db = &connections.db;
        if let Some(id) = self.source {
            let source = sources::one(db, workspace, id).await?;
            let source = source.ok_or_else(|| Problem::not_found("Message Source"))?;
            return Ok(sign_in::wanted_to_read(connections, account, &source).await?.join(" "));
        }
        if let Some(id) = self.outbound {
            let outbound = outbounds::one(db, workspace, id).await?;
            let outbound = outbound.ok_or_else(|| Problem::not_found("Message Outbound"))?;
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
}

/// POST /accounts/{id}/wait: somebody turned back at Microsoft's page, and it is an administrator who has to act.
pub async fn wait(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Form(wish): Form<Wish>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let account = accounts::account(&connections.db, admin.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("account"))?;
    let wanted = wish.scopes(&state, &admin, &account).await?;
    let fault = fault::Fault::entra(&fault::EntraError {
        error: "consent_required".to_owned(),
        error_codes: vec![65_001],
        ..fault::EntraError::default()
    });
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
