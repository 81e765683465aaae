//! Signing a mailbox in: to Microsoft and back.
//!
//! [`begin`] keeps what must come back unchanged (hashed state, nonce, sealed PKCE verifier, the browser's session) for ten
//! minutes and sends the person on. [`come_back`] takes the state once, redeems the code outside any transaction, and commits
//! the refresh token before the access token is used (R1 of design §4).

use axum::extract::{Form, Path, Query, State as Shared};
use axum::response::Response;
use fault::{EntraError, Fault};
use http::StatusCode;
use jiff::SignedDuration;
use microsoft::signin::{self, Hint, Tokens};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use store::{Place, StoreError};
use url::Url;
use uuid::Uuid;

use super::pages::{SignInFailedPage, SignedInPage};
use super::routes::{State, flash_to, see_other};
use super::scopes;
use super::store::accounts::{self as rows, Account, NewSignIn, SignIn, SignedIn};
use super::store::events::{self, Event, Object};
use super::store::sources;
use super::tokens;
use crate::access::{Admin, Viewer, audit};
use crate::web::components::{Action, FaultView, Icon};
use crate::web::{self, Flash, Frame, Problem, Section};

/// How long a person may take at Microsoft's pages.
const LASTS: SignedDuration = SignedDuration::from_mins(10);

/// What a sign-in is for.
#[derive(Clone, Debug)]
enum Purpose {
    /// A new source.
    New,
    /// The same person again.
    Validate(Account),
    /// Whoever it is reads this account's mailboxes from then on.
    Replace(Account),
}

/// What the button posts.
#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    /// `on`: also mailboxes of others.
    #[serde(default)]
    shared: String,
}

/// POST /sources/sign-in
pub async fn begin_new(
    admin: Admin,
    Shared(state): Shared<State>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Problem> {
    begin(&admin, &state, Purpose::New, wanted.shared == "on").await
}

/// POST /sources/{id}/sign-in
pub async fn begin_validate_source(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let source = sources::one(&state.connections.db, admin.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("Message Source"))?;
    let account = account(&state, &admin, source.account_id).await?;
    let shared = scopes::is_granted(&account.scopes, scopes::SHARED);
    begin(&admin, &state, Purpose::Validate(account), shared).await
}

/// POST /accounts/{id}/sign-in
pub async fn begin_validate(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Problem> {
    let account = account(&state, &admin, id).await?;
    let shared = wanted.shared == "on" || scopes::is_granted(&account.scopes, scopes::SHARED);
    begin(&admin, &state, Purpose::Validate(account), shared).await
}

/// POST /accounts/{id}/replace
pub async fn begin_replace(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let account = account(&state, &admin, id).await?;
    // The new person's own mailbox is another one: what was read so far is somebody else's to them.
    begin(&admin, &state, Purpose::Replace(account), true).await
}

async fn account(state: &State, viewer: &Viewer, id: Uuid) -> Result<Account, Problem> {
    rows::account(&state.connections.db, viewer.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("account"))
}

async fn begin(admin: &Admin, state: &State, purpose: Purpose, shared: bool) -> Result<Response, Problem> {
    let connections = &state.connections;
    let registration = match &purpose {
        Purpose::New => {
            rows::registration(&connections.db, admin.workspace()).await?.ok_or_else(no_registration)?
        }
        Purpose::Validate(account) | Purpose::Replace(account) => account.app_registration_id,
    };
    let begun = async {
        let registration = connections.registration(registration).await?;
        match &purpose {
            Purpose::New | Purpose::Replace(_) => registration.at_home(&connections.http).await,
            Purpose::Validate(account) => registration.in_tenant(&connections.http, &account.tenant_id).await,
        }
    };
    let (discovery, application) = match begun.await {
        Ok(begun) => begun,
        Err(fault) => return failed(admin, state, &fault, None).await,
    };
    let asked = scopes::asked(shared);
    let hint = match &purpose {
        Purpose::Validate(account) => Hint::LoginHint(account.username.clone()),
        Purpose::New | Purpose::Replace(_) => Hint::SelectAccount,
    };
    let picks = hint == Hint::SelectAccount;
    let begun = signin::begin(&discovery, &application, &asked, Some(hint), &mut rand::rng());
    let state_hash = hash(&begun.state);
    let now = connections.clock.now();
    let (word, account) = match &purpose {
        Purpose::New => ("new", None),
        Purpose::Validate(account) => ("validate", Some(account.id)),
        Purpose::Replace(account) => ("replace", Some(account.id)),
    };
    let new = NewSignIn {
        workspace: admin.workspace(),
        registration,
        browser_hash: admin.session_hash().to_vec(),
        verifier_sealed: connections
            .sealer
            .seal(&place(&state_hash), begun.verifier.expose_secret().as_bytes()),
        state_hash,
        nonce: begun.nonce.clone(),
        scopes: asked.join(" "),
        purpose: word,
        account,
        user: admin.user().id,
        now,
        until: now.saturating_add(LASTS).unwrap_or(now),
    };
    let mut tx = connections.db.begin().await?;
    rows::begin(&mut tx, new).await?;
    tx.commit().await?;
    if picks {
        // The picker is a page of Microsoft's own, which the button's page allows its forms to lead to.
        return Ok(see_other(begun.url.as_str()));
    }
    // With a hint, Microsoft may send the browser on to the company's own sign-in at once. Browsers hold such redirects
    // against the page whose form began them; a page in between begins anew.
    let frame = admin.frame(Section::Sources, "Sign in with Microsoft");
    web::page(&web::Leave { frame, to: begun.url.to_string(), name: "Microsoft".to_owned() })
}

fn no_registration() -> Problem {
    Problem::conflict(
        "Postroom is not registered with Microsoft yet, so nobody can sign in.",
        "Make the registration in Entra and enter it here, or set client_id and client_secret under [microsoft] in the settings.",
    )
    .with(Action::go("How to register", "/registrations/set-up").primary())
}

fn hash(state: &str) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, state.as_bytes()).as_ref().to_vec()
}

/// Where a verifier is sealed to.
fn place(state_hash: &[u8]) -> Place {
    Place::new("sign_in", "verifier_sealed", hex::encode(state_hash))
}

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
}

/// GET /oauth/callback
pub async fn come_back(
    admin: Result<Admin, Response>,
    Shared(state): Shared<State>,
    Query(brought): Query<Brought>,
) -> Result<Response, Problem> {
    let admin = match admin {
        Ok(admin) => admin,
        // An administrator comes back from the consent link without an account here. What the address says is not believed;
        // the next sign-in shows what was granted.
        Err(_) if brought.admin_consent.is_some() => return approved(&brought),
        Err(response) => return Ok(response),
    };
    if brought.admin_consent.is_some() && brought.code.is_none() && brought.error.is_empty() {
        let flash = Flash::done(
            "Microsoft says that the approval was given. Sign in with the mailbox's account now.",
        );
        return Ok(flash_to(&admin, &flash, "/sources"));
    }
    let connections = &state.connections;
    let state_hash = hash(&brought.state);
    let now = connections.clock.now();
    let taken =
        rows::take(&connections.db, admin.workspace(), &state_hash, admin.session_hash(), now).await?;
    let Some(sign_in) = taken else {
        tracing::warn!(
            "a sign-in came back with a state that is unknown, used, too old or another browser's"
        );
        return failed(&admin, &state, &Fault::own("own.state", ""), None).await;
    };
    let retry = sign_in.account_id;
    let Some(code) = brought.code else {
        let fault = Fault::entra(&EntraError {
            error: brought.error,
            error_codes: code_of(&brought.error_description),
            error_description: brought.error_description,
            suberror: brought.error_subcode,
            ..EntraError::default()
        });
        tracing::warn!(%fault, code = %fault.code, "a sign-in was not completed at Microsoft");
        let link = consent_link(&state, &sign_in, &fault).await;
        return failed_with(&admin, &state, &fault, retry, link).await;
    };
    let tokens = match redeem(&state, &sign_in, &state_hash, &code.0).await {
        Ok(tokens) => tokens,
        Err(fault) => {
            tracing::warn!(%fault, code = %fault.code, "a sign-in could not be completed");
            let link = consent_link(&state, &sign_in, &fault).await;
            return failed_with(&admin, &state, &fault, retry, link).await;
        }
    };
    keep(&admin, &state, &sign_in, tokens).await
}

/// The code that the description of a redirect's error begins with (`AADSTS90094: …`): a redirect has no list of codes, and
/// `access_denied` alone does not tell a person's *no* from an administrator's approval that is missing.
fn code_of(description: &str) -> Vec<u32> {
    let number = description.trim_start().strip_prefix("AADSTS").and_then(|rest| rest.split_once(':'));
    number.and_then(|(number, _)| number.parse().ok()).into_iter().collect()
}

fn approved(brought: &Brought) -> Result<Response, Problem> {
    if brought.error.is_empty() {
        return Err(Problem::new(
            StatusCode::OK,
            "The approval is given, as far as this page can tell.",
            "Tell whoever sent you the link: they sign in once more, and Postroom sees what was granted.",
        ));
    }
    Err(Problem::invalid(
        "The approval was not given.",
        "Open the link again as an administrator of the tenant, and accept what the page shows.",
    ))
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
    let account = match (sign_in.purpose.as_str(), sign_in.account_id) {
        ("validate", Some(id)) => tenant_of(state, id).await?,
        _ => None,
    };
    // Where the sign-in began, its code is redeemed.
    let tenant = account.as_deref().unwrap_or(&registration.tenant);
    let mut proof = registration.proof(&connections.http, tenant).await?;
    let asked: Vec<&str> = sign_in.scopes.split_ascii_whitespace().collect();
    let (now, code, nonce) = (connections.clock.now(), code.expose_secret(), &sign_in.nonce);
    loop {
        let (discovery, app) = (&proof.discovery, &proof.application);
        match signin::redeem(&connections.http, discovery, app, code, &verifier, nonce, &asked, now).await {
            Err(fault) if proof.next(&fault) => {}
            result => return result,
        }
    }
}

async fn tenant_of(state: &State, account: Uuid) -> Result<Option<String>, Fault> {
    let workspace = state.shell.workspace;
    let account = rows::account(&state.connections.db, workspace, account)
        .await
        .map_err(|error| Fault::own("own.store", &error.to_string()))?;
    Ok(account.map(|account| account.tenant_id))
}

/// Stores who signed in; only then is anything done with the tokens.
async fn keep(admin: &Admin, state: &State, sign_in: &SignIn, tokens: Tokens) -> Result<Response, Problem> {
    let connections = &state.connections;
    let workspace = admin.workspace();
    let (Some(claims), Some(refresh)) = (&tokens.id, &tokens.refresh) else {
        let fault = Fault::own("entra.id_token", "the answer held no id_token or no refresh token");
        return failed(admin, state, &fault, sign_in.account_id).await;
    };
    let before = match sign_in.account_id {
        Some(id) => rows::account(&connections.db, workspace, id).await?,
        None => None,
    };
    if let Some(before) = before.as_ref().filter(|_| sign_in.purpose == "validate")
        && (before.object_id != claims.oid || before.tenant_id != claims.tid)
    {
        return swapped(
            admin,
            state,
            before,
            claims.preferred_username.as_deref().unwrap_or("somebody else"),
        )
        .await;
    }
    let known = rows::row_of(&connections.db, workspace, &claims.tid, &claims.oid).await?;
    let id = known.unwrap_or_else(Uuid::now_v7);
    let now = connections.clock.now();
    let granted = tokens.scopes.join(" ");
    let seal = |column, secret: &SecretString| {
        connections.sealer.seal(&tokens::place(column, id), secret.expose_secret().as_bytes())
    };
    let username = claims.preferred_username.clone().unwrap_or_else(|| claims.oid.clone());
    let lasts = SignedDuration::try_from(tokens.expires_in).unwrap_or(SignedDuration::ZERO);
    let account = SignedIn {
        id,
        workspace,
        registration: sign_in.app_registration_id,
        tenant: claims.tid.clone(),
        object_id: claims.oid.clone(),
        username: username.clone(),
        display_name: claims.name.clone().unwrap_or(username),
        scopes: granted.clone(),
        refresh_sealed: seal("refresh_sealed", refresh),
        access_sealed: seal("access_sealed", &tokens.access),
        access_until: now.saturating_add(lasts).unwrap_or(now),
        now,
    };
    let name = account.username.clone();
    let mut tx = connections.db.begin().await?;
    rows::put(&mut tx, account).await?;
    let text = format!("signed in as {name}");
    let event = Event {
        object: Object::Account,
        id,
        kind: "signed_in",
        text: &text,
        actor: &admin.user().email,
        detail: None,
    };
    events::add(&mut tx, workspace, now, &event).await?;
    audit::record(&mut tx, &admin.actor(), "sign in mailbox", &name, &format!("granted: {granted}")).await?;
    rows::wake_sources(&mut tx, id, now).await?;
    let mut handed = 0;
    if let Some(before) = before.as_ref().filter(|before| sign_in.purpose == "replace" && before.id != id) {
        handed = rows::hand_over(&mut tx, before.id, id, now).await?;
        let text = format!("{name} reads the mailboxes of {} from now on", before.username);
        let event = Event { text: &text, kind: "replaced", ..event };
        events::add(&mut tx, workspace, now, &event).await?;
        audit::record(&mut tx, &admin.actor(), "replace account", &before.username, &name).await?;
    }
    tx.commit().await?;
    connections.forget();
    state.engine.poll.notify_one();
    state.shell.bus.tell("sources");
    if handed > 0 {
        let flash = Flash::done(format!(
            "{name} is signed in and reads {handed} sources. Ping them to see whether they may."
        ));
        return Ok(flash_to(admin, &flash, "/sources"));
    }
    Ok(see_other(&format!("/accounts/{id}")))
}

/// Somebody else came back: nothing was stored. Whoever means it signs in once more to say so.
async fn swapped(admin: &Admin, state: &State, before: &Account, now: &str) -> Result<Response, Problem> {
    let detail = format!("{} before, {now} now", before.username);
    let fault = Fault::own("own.swapped_account", &detail);
    let mut view = FaultView::of(&fault, None);
    view.what = format!(
        "You signed in as {now}, but these mailboxes are read as {}. Nothing was changed.",
        before.username
    );
    view.mend = format!(
        "Sign in as {}, or let {now} read these mailboxes from now on: that takes one more sign-in.",
        before.username
    );
    view = view.with(admin.post("Use the other account", format!("/accounts/{}/replace", before.id))).with(
        admin
            .post(format!("Sign in as {}", before.username), format!("/accounts/{}/sign-in", before.id))
            .primary(),
    );
    failed_page(admin, state, view).await
}

async fn failed(
    admin: &Admin,
    state: &State,
    fault: &Fault,
    account: Option<Uuid>,
) -> Result<Response, Problem> {
    failed_with(admin, state, fault, account, None).await
}

async fn failed_with(
    admin: &Admin,
    state: &State,
    fault: &Fault,
    account: Option<Uuid>,
    link: Option<Url>,
) -> Result<Response, Problem> {
    let again = match account {
        Some(id) => admin.post("Sign in again", format!("/accounts/{id}/sign-in")),
        None => admin.post("Sign in again", "/sources/sign-in"),
    };
    let mut view = FaultView::of(fault, None).with(again.with_icon(Icon::Grid).primary());
    if let Some(link) = link {
        view = view.with(Action::copy("Copy link for the administrator", link.as_str()));
    }
    failed_page(admin, state, view).await
}

async fn failed_page(admin: &Admin, state: &State, fault: FaultView) -> Result<Response, Problem> {
    let frame: Frame = admin.frame(Section::Sources, "The sign-in was not completed");
    let page = SignInFailedPage { frame, fault };
    let mut response = match login_url(state, admin).await {
        Some(login) => web::page_leading_to(&page, &login)?,
        None => web::page(&page)?,
    };
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

/// The page at Microsoft where an administrator approves for the whole tenant, where that is what is missing.
async fn consent_link(state: &State, sign_in: &SignIn, fault: &Fault) -> Option<Url> {
    if !matches!(fault.entry.id, "entra.admin_approval" | "entra.consent_required") {
        return None;
    }
    let registration = state.connections.registration(sign_in.app_registration_id).await.ok()?;
    // Admin consent takes a tenant or `organizations`, never `common`.
    let tenant = if registration.tenant == "common" { "organizations" } else { &registration.tenant };
    let mut url = registration.login_url.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend([tenant, "v2.0", "adminconsent"]);
    let scopes: Vec<String> = sign_in
        .scopes
        .split_ascii_whitespace()
        .filter(|scope| scope.contains('.'))
        .map(|scope| format!("https://graph.microsoft.com/{scope}"))
        .collect();
    url.query_pairs_mut()
        .append_pair("client_id", &registration.client_id)
        .append_pair("redirect_uri", registration.redirect_uri.as_str())
        .append_pair("scope", &scopes.join(" "))
        .append_pair("state", "approval");
    Some(url)
}

/// GET /accounts/{id}
pub async fn signed_in(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let account = account(&state, &viewer, id).await?;
    let used = sources_of(&state, &viewer, id).await?;
    let (granted, mut missing) = scopes::in_words(&account.scopes, &scopes::asked(false));
    missing.extend(scopes::consequences(&account.scopes).into_iter().map(str::to_owned));
    let next = if used == 0 {
        Action::go("Choose folder and project", format!("/sources/new?account={id}")).primary()
    } else {
        Action::go(format!("Back to its {used} sources"), "/sources").primary()
    };
    let frame = viewer.frame(Section::Sources, "Signed in");
    web::page(&SignedInPage {
        frame,
        username: account.username,
        display_name: account.display_name,
        tenant: account.tenant_id,
        granted,
        missing,
        next,
    })
}

async fn sources_of(state: &State, viewer: &Viewer, account: Uuid) -> Result<usize, StoreError> {
    let all = sources::all(&state.connections.db, viewer.workspace()).await?;
    Ok(all.iter().filter(|source| source.account_id == account).count())
}

/// Where Microsoft's pages are, for pages with a sign-in button.
pub async fn login_url(state: &State, viewer: &Viewer) -> Option<Url> {
    let id = rows::registration(&state.connections.db, viewer.workspace()).await.ok()??;
    state.connections.registration(id).await.ok().map(|registration| registration.login_url.clone())
}
