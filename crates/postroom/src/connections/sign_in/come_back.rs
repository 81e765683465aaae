//! The way back from Microsoft: the state is taken once, the code redeemed.

use axum::extract::{Query, State as Shared};
use axum::response::Response;
use fault::{EntraError, Fault};
use http::StatusCode;
use microsoft::signin::{self, Tokens};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::keep::{keep, works};
use super::stopped::failed;
use super::{Who, hash, place};
use crate::access::{Admin, audit};
use crate::connections::consent::begin::{self as approval, Waiting};
use crate::connections::consent::{self, return_of_admin};
use crate::connections::goal::Goal;
use crate::connections::pages::ApprovedPage;
use crate::connections::routes::{State, see_other};
use crate::connections::store::accounts::{self as rows, SignIn};
use crate::connections::store::links;
use crate::connections::{scopes, sign_in_link};
use crate::web::{self, Client, Problem};

/// A code to be redeemed: never shown.
#[derive(Deserialize)]
#[serde(from = "String")]
struct Code(SecretString);

impl From<String> for Code {
    fn from(code: String) -> Self {
        Self(SecretString::from(code))
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(…)")
    }
}

/// What Microsoft's redirect brings.
#[derive(Debug, Default, Deserialize)]
pub struct Brought {
    #[serde(default)]
    state: String,
    code: Option<Code>,
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    error_subcode: Option<String>,
    #[serde(default)]
    admin_consent: Option<String>,
    #[serde(default)]
    tenant: Option<String>,
}

/// GET /oauth/callback, and /oauth/admin-consent for those who registered that too.
pub async fn come_back(
    admin: Result<Admin, Response>,
    client: Client,
    Shared(state): Shared<State>,
    Query(brought): Query<Brought>,
) -> Result<Response, Problem> {
    let returned = return_of_admin::Returned {
        state: &brought.state,
        error: &brought.error,
        description: &brought.error_description,
        admin_consent: brought.admin_consent.as_deref(),
        tenant: brought.tenant.as_deref(),
    };
    if let Some(page) = return_of_admin::answer(&state, &client, returned).await? {
        return Ok(page);
    }
    if brought.admin_consent.is_some() && brought.code.is_none() {
        return approved(&client, &brought);
    }
    let connections = &state.connections;
    let state_hash = hash(&brought.state);
    let Some(who) = whose(&state, admin, client, &state_hash).await? else {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "This sign-in came back to another browser, too late, or twice.",
            "Open the link that was sent to you again, in this browser.",
        ));
    };
    let who = match who {
        Ok(who) => who,
        Err(response) => return Ok(response),
    };
    let now = connections.clock.now();
    let browser = who.browser().unwrap_or_default();
    let taken = rows::take(&connections.db, who.workspace(), &state_hash, &browser, now).await?;
    let Some(sign_in) = taken else {
        tracing::warn!(
            "a sign-in came back with a state that is unknown, used, too old or another browser's"
        );
        return failed(&who, &state, &Fault::own("own.state", ""), None).await;
    };
    let Some(code) = brought.code else {
        let fault = Fault::entra(&EntraError {
            error: brought.error,
            error_codes: code_of(&brought.error_description),
            error_description: brought.error_description,
            suberror: brought.error_subcode,
            ..EntraError::default()
        });
        tracing::warn!(%fault, code = %fault.code, "a sign-in was not completed at Microsoft");
        return refused(&who, &state, &sign_in, &fault).await;
    };
    match redeem(&state, &sign_in, &state_hash, &code.0).await {
        Ok(tokens) => keep(who, &state, &sign_in, tokens).await,
        Err(fault) => {
            tracing::warn!(%fault, code = %fault.code, "a sign-in could not be completed");
            refused(&who, &state, &sign_in, &fault).await
        }
    }
}

/// Who comes back: the owner of a mailbox whose link began the sign-in, else a user of the console. `None`: a link's sign-in that is
/// unknown in this browser, and nobody is signed in.
async fn whose(
    state: &State,
    admin: Result<Admin, Response>,
    client: Client,
    state_hash: &[u8],
) -> Result<Option<Result<Who, Response>>, Problem> {
    let db = &state.connections.db;
    if let Some(link) = links::of_sign_in(db, state_hash).await? {
        if client.visit_hash().is_none() {
            return Ok(None);
        }
        return Ok(Some(Ok(Who::Owner { client, link: Box::new(link) })));
    }
    Ok(Some(admin.map(Who::Admin)))
}

/// The code that the description of a redirect's error begins with (`AADSTS90094: …`): a redirect has no list of codes, and
/// `access_denied` alone does not tell a person's *no* from an administrator's approval that is missing.
fn code_of(description: &str) -> Vec<u32> {
    let number = description.trim_start().strip_prefix("AADSTS").and_then(|rest| rest.split_once(':'));
    number.and_then(|(number, _)| number.parse().ok()).into_iter().collect()
}

/// An administrator came back from a link of which nothing is known here: whoever sent it signs in once more.
fn approved(client: &Client, brought: &Brought) -> Result<Response, Problem> {
    if brought.error.is_empty() {
        return web::page(&ApprovedPage {
            frame: client.frame("The approval is given"),
            good: true,
            waiting: 0,
            said: String::new(),
            enterprise: None,
        });
    }
    Err(Problem::invalid(
        "The approval was not given.",
        "Open the link again as an administrator of the tenant, and accept what the page shows.",
    ))
}

/// What a code is redeemed for: a token is for one resource.
pub(super) fn redeemed_scopes(sign_in: &SignIn) -> Vec<&str> {
    let asked: Vec<&str> = sign_in.scopes.split_ascii_whitespace().collect();
    scopes::of_one_resource(&asked)
}

async fn redeem(
    state: &State,
    sign_in: &SignIn,
    state_hash: &[u8],
    code: &SecretString,
) -> Result<Tokens, Fault> {
    let connections = &state.connections;
    let plain = connections
        .sealer
        .open(&place(state_hash), &sign_in.verifier_sealed)
        .map_err(|error| Fault::own("own.seal", &error.to_string()))?;
    let verifier = SecretString::from(String::from_utf8_lossy(&plain).into_owned());
    let registration = connections.registration(sign_in.app_registration_id).await?;
    // Where the sign-in began, its code is redeemed.
    let tenant = if sign_in.tenant.is_empty() { registration.begins_in() } else { &sign_in.tenant };
    let mut proof = registration.proof(&connections.http, tenant).await?;
    let asked = redeemed_scopes(sign_in);
    let (now, code, nonce) = (connections.clock.now(), code.expose_secret(), &sign_in.nonce);
    loop {
        let (discovery, app) = (&proof.discovery, &proof.application);
        match signin::redeem(&connections.http, discovery, app, code, &verifier, nonce, &asked, now).await {
            Err(fault) if proof.next(&fault) => {}
            result => return result,
        }
    }
}

/// Microsoft said no. Where an administrator has to approve, whoever signed in waits for that from here on.
async fn refused(who: &Who, state: &State, sign_in: &SignIn, fault: &Fault) -> Result<Response, Problem> {
    let connections = &state.connections;
    let fault = &connections.placed(sign_in.app_registration_id, fault.clone()).await;
    if !consent::is_missing(fault) {
        return failed(who, state, fault, Some(sign_in)).await;
    }
    // A replacement is known by the account that was, which goes on as it is.
    let account = match sign_in.account_id.filter(|_| sign_in.purpose != "replace") {
        Some(id) => rows::account(&connections.db, who.workspace(), id).await?,
        None => None,
    };
    let (name, owner_of_link) = (who.name(), matches!(who, Who::Owner { .. }));
    let hinted = match who {
        Who::Owner { link, .. } => link.mailbox.clone(),
        Who::Admin(_) => String::new(),
    };
    let mut tx = connections.db.begin().await?;
    let id = approval::begin(
        &mut tx,
        connections,
        &Waiting {
            workspace: who.workspace(),
            registration: sign_in.app_registration_id,
            account: account.as_ref().map(|account| account.id),
            replaces: sign_in.account_id.filter(|_| sign_in.purpose == "replace"),
            who: account.as_ref().map_or(hinted.as_str(), |account| &account.username),
            tenant: account.as_ref().map_or("", |account| &account.tenant_id),
            wanted: &sign_in.wanted,
            goal: &Goal::of_stored(&sign_in.goal),
            fault,
            of: sign_in.approval_id,
            stops: account.as_ref().is_some_and(|account| !works(account)),
            actor: &name,
        },
    )
    .await?;
    let object = account.as_ref().map_or("a new mailbox", |account| account.username.as_str());
    audit::record(&mut tx, &who.actor(), "wait for approval", object, &fault.code).await?;
    tx.commit().await?;
    connections.forget();
    state.engine.approvals.notify_one();
    state.shell.bus.tell("sources");
    if owner_of_link {
        return sign_in_link::waits(who, state, account.as_ref(), id).await;
    }
    Ok(see_other(&format!("/approvals/{id}")))
}
