//! The way to Microsoft: which scopes are asked for, in which tenant, and what must come back unchanged.

use axum::extract::{Form, Path, State as Shared};
use axum::response::Response;
use fault::{Fault, Retry};
use jiff::SignedDuration;
use microsoft::signin::{self, Hint};
use secrecy::ExposeSecret;
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use super::asked::{Asked, to_replace, wanted_again, wanted_to_read, wanted_to_send};
use super::stopped::failed;
use super::{Purpose, Who, hash, place};
use crate::access::Admin;
use crate::connections::goal::{Goal, Way};
use crate::connections::jira_site::stored_fault;
use crate::connections::routes::{State, see_other};
use crate::connections::store::accounts::{self as rows, Account, NewSignIn};
use crate::connections::{application, scopes};
use crate::web::components::Action;
use crate::web::{self, Problem};

/// How long a person may take at Microsoft's pages.
const LASTS: SignedDuration = SignedDuration::from_mins(10);

/// What the button posts.
#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    /// `on`: also mailboxes of others.
    #[serde(default)]
    shared: String,
    /// The mailbox's address, where it is known: then no account is picked.
    #[serde(default)]
    hint: String,
}

/// POST /sources/sign-in
pub async fn begin_new(
    admin: Admin,
    Shared(state): Shared<State>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Problem> {
    let asked = Asked::of(&scopes::asked(wanted.shared == "on"));
    begin(Who::Admin(admin), &state, Purpose::New, asked, hint_of(&wanted.hint)).await
}

/// POST /outbounds/sign-in
pub async fn begin_outbound(
    admin: Admin,
    Shared(state): Shared<State>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Problem> {
    let asked = Asked::of(&scopes::asked_to_send(wanted.shared == "on")).to(Goal::Outbound(Way::graph()));
    begin(Who::Admin(admin), &state, Purpose::New, asked, hint_of(&wanted.hint)).await
}

/// POST /outbounds/{id}/sign-in
pub async fn begin_validate_outbound(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let outbound = state.outbound(admin.workspace(), id).await?;
    let account = state.account(admin.workspace(), outbound.account_id).await?;
    let wanted = wanted_to_send(&state.connections, &account, &outbound).await?;
    let asked = Asked::of(&wanted).to(Goal::ValidateOutbound { id });
    begin(Who::Admin(admin), &state, Purpose::Validate(account), asked, None).await
}

/// POST /sources/{id}/sign-in
pub async fn begin_validate_source(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let source = state.source(admin.workspace(), id).await?;
    let account = state.account(admin.workspace(), source.account_id).await?;
    let wanted = wanted_to_read(&state.connections, &account, &source).await?;
    let asked = Asked::of(&wanted).to(Goal::ValidateSource { id });
    begin(Who::Admin(admin), &state, Purpose::Validate(account), asked, None).await
}

/// POST /accounts/{id}/sign-in
pub async fn begin_validate(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Problem> {
    let account = state.account(admin.workspace(), id).await?;
    let mut asked = wanted_again(&state.connections, &account).await?;
    if wanted.shared == "on" && !asked.iter().any(|scope| scope == scopes::SHARED) {
        asked.push(scopes::SHARED.to_owned());
    }
    begin(Who::Admin(admin), &state, Purpose::Validate(account), Asked::of(&asked), None).await
}

/// POST /accounts/{id}/replace
pub async fn begin_replace(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Problem> {
    let account = state.account(admin.workspace(), id).await?;
    let asked = Asked::of(&to_replace(&account));
    begin(Who::Admin(admin), &state, Purpose::Replace(account), asked, hint_of(&wanted.hint)).await
}

fn hint_of(address: &str) -> Option<String> {
    let address = address.trim();
    (address.contains('@') && address.len() <= 254).then(|| address.to_owned())
}

/// Begins a sign-in. `hint` is the address of the person, where it is known; else they choose at Microsoft's page.
pub async fn begin(
    who: Who,
    state: &State,
    purpose: Purpose,
    asked: Asked,
    hint: Option<String>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    if let Purpose::Validate(account) = &purpose
        && application::is_application(connections, account.id).await?
    {
        // Nobody signs in as an application: a fresh token and its check are what validates it.
        return match &who {
            Who::Admin(admin) => {
                super::keep::validate_application(admin, state, account.id, &asked.goal).await
            }
            Who::Owner { .. } => Err(Problem::not_found("sign-in")),
        };
    }
    let registration = match (&who, purpose.account()) {
        (Who::Owner { link, .. }, _) => link.app_registration_id,
        (_, Some(account)) => account.app_registration_id,
        (_, None) => {
            rows::registration(&connections.db, who.workspace()).await?.ok_or_else(no_registration)?
        }
    };
    let (hint, stage) = match &purpose {
        // The old sign-in has ended: where an administrator has to approve anything, there must be a new token to watch with.
        Purpose::Validate(account) if has_ended(account) => {
            (Hint::LoginHint(account.username.clone()), Stage::Basic)
        }
        // Known here: Microsoft is asked for everything at once, and no account is picked.
        Purpose::Validate(account) => (Hint::LoginHint(account.username.clone()), Stage::Whole),
        _ => (hint.map_or(Hint::SelectAccount, Hint::LoginHint), Stage::Basic),
    };
    let leaving = Leaving {
        registration,
        purpose: purpose.word(),
        account: purpose.account().map(|account| account.id),
        tenant: match &purpose {
            Purpose::Validate(account) => Some(account.tenant_id.clone()),
            _ => None,
        },
        wanted: asked.scopes,
        goal: asked.goal,
        approval: asked.approval,
        stage,
        picks: hint == Hint::SelectAccount,
        hint,
        challenge: match &purpose {
            Purpose::Validate(account) => rows::challenge(&connections.db, account.id).await?,
            _ => None,
        },
    };
    let picks = leaving.picks;
    let url = match leave(&who, state, leaving).await? {
        Ok(url) => url,
        Err(fault) => return failed(&who, state, &fault, None).await,
    };
    if picks {
        // The picker is a page of Microsoft's own, which the button's page allows its forms to lead to.
        return Ok(see_other(url.as_str()));
    }
    // With a hint, Microsoft may send the browser on to the company's own sign-in at once. Browsers hold such redirects
    // against the page whose form began them; a page in between begins anew.
    let frame = who.frame("Sign in with Microsoft");
    web::page(&web::Leave { frame, to: url.to_string(), name: "Microsoft".to_owned() })
}

/// Whether nothing is to be had with an account's sign-in any more.
fn has_ended(account: &Account) -> bool {
    let fault = account.fault.as_deref().and_then(stored_fault);
    account.state == "offline" && fault.is_some_and(|fault| fault.retry() == Retry::AfterSignIn)
}

/// Which scopes a sign-in asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The basic ones.
    Basic,
    /// All that are wanted.
    Whole,
}

/// What a browser leaves with.
pub(super) struct Leaving {
    pub(super) registration: Uuid,
    pub(super) purpose: &'static str,
    pub(super) account: Option<Uuid>,
    /// The account's own; none: where sign-ins begin.
    pub(super) tenant: Option<String>,
    pub(super) wanted: String,
    pub(super) goal: Goal,
    /// The wait for an approval that it goes on with.
    pub(super) approval: Option<Uuid>,
    pub(super) stage: Stage,
    pub(super) hint: Hint,
    pub(super) picks: bool,
    /// What a mail server asked for in the middle (a claims challenge, JSON).
    pub(super) challenge: Option<String>,
}

/// Keeps what must come back unchanged; gives the address to go to.
pub(super) async fn leave(who: &Who, state: &State, leaving: Leaving) -> Result<Result<Url, Fault>, Problem> {
    let connections = &state.connections;
    let Some(browser_hash) = who.browser() else {
        return Err(Problem::invalid(
            "This browser keeps no cookies, so the sign-in could not come back to it.",
            "Allow cookies for this site, open the page again and repeat what you did.",
        ));
    };
    let prepared = async {
        let registration = connections.registration(leaving.registration).await?;
        let tenant = leaving.tenant.as_deref().unwrap_or_else(|| registration.begins_in());
        registration.in_tenant(&connections.http, tenant).await
    };
    let (discovery, application) = match prepared.await {
        Ok(prepared) => prepared,
        Err(fault) => return Ok(Err(fault)),
    };
    let asked: Vec<&str> = match leaving.stage {
        Stage::Basic => scopes::BASIC.to_vec(),
        Stage::Whole => leaving.wanted.split_ascii_whitespace().collect(),
    };
    let (hint, challenge) = (Some(leaving.hint), leaving.challenge.as_deref());
    let begun =
        signin::begin_with_claims(&discovery, &application, &asked, hint, challenge, &mut rand::rng());
    let state_hash = hash(&begun.state);
    let now = connections.clock.now();
    let new = NewSignIn {
        workspace: who.workspace(),
        registration: leaving.registration,
        browser_hash,
        verifier_sealed: connections
            .sealer
            .seal(&place(&state_hash), begun.verifier.expose_secret().as_bytes()),
        state_hash,
        nonce: begun.nonce.clone(),
        scopes: asked.join(" "),
        wanted: leaving.wanted,
        stage: if leaving.stage == Stage::Basic { "basic" } else { "whole" },
        purpose: leaving.purpose,
        goal: leaving.goal.stored(),
        account: leaving.account,
        tenant: leaving.tenant.unwrap_or_default(),
        link: match who {
            Who::Admin(_) => None,
            Who::Owner { link, .. } => Some(link.id),
        },
        approval: leaving.approval,
        user: who.user(),
        now,
        until: now.saturating_add(LASTS).unwrap_or(now),
    };
    let mut tx = connections.db.begin().await?;
    rows::begin(&mut tx, new).await?;
    tx.commit().await?;
    Ok(Ok(begun.url))
}

/// There is no app registration to sign in with.
pub fn no_registration() -> Problem {
    Problem::conflict(
        "Postroom is not registered with Microsoft yet, so nobody can sign in.",
        "Make the registration in Entra and enter it here, or set client_id and client_secret under [microsoft] in the settings.",
    )
    .with(Action::go("How to register", "/registrations/set-up").primary())
}
