//! Signing a mailbox in: to Microsoft and back.
//!
//! [`begin`] keeps what must come back unchanged (hashed state, nonce, sealed PKCE verifier, the browser) for ten minutes and sends
//! the person on. [`come_back`] takes the state once, redeems the code outside any transaction, and commits the refresh token before
//! the access token is used (R1 of design §4).
//!
//! A new account signs in twice in a row, mostly without noticing: with the basic scopes first, then with all of them. Whoever is
//! stopped at the second waits for an administrator with a token to watch with (see [`super::consent`]).

use axum::extract::{Form, Path, Query, State as Shared};
use axum::response::Response;
use fault::{EntraError, Fault};
use http::StatusCode;
use jiff::SignedDuration;
use microsoft::signin::{self, Hint, IdClaims, Tokens};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use store::{Place, StoreError, Tx};
use url::Url;
use uuid::Uuid;

use super::Connections;
use super::application;
use super::consent::begin::{self as approval, Waiting};
use super::consent::{self, return_of_admin};
use super::pages::{SignInFailedPage, SignedInPage, SwapPage};
use super::routes::{State, flash_to, see_other};
use super::scopes;
use super::sign_in_link;
use super::store::accounts::{self as rows, Account, NewSignIn, SignIn, SignedIn};
use super::store::events::{self, Event, Object};
use super::store::{approvals, links, outbounds, sources};
use super::tokens;
use crate::access::{Actor, Admin, Viewer, audit};
use crate::web::components::{Action, FaultView, Icon};
use crate::web::{self, Client, Flash, Frame, Problem, Section};

/// How long a person may take at Microsoft's pages.
const LASTS: SignedDuration = SignedDuration::from_mins(10);

/// What a sign-in is for.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// A new source.
    New,
    /// A new outbound.
    Outbound,
    /// The same person again.
    Validate(Account),
    /// Whoever it is reads this account's mailboxes from then on.
    Replace(Account),
}

impl Purpose {
    fn word(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Outbound => "outbound",
            Self::Validate(_) => "validate",
            Self::Replace(_) => "replace",
        }
    }

    fn account(&self) -> Option<&Account> {
        match self {
            Self::New | Self::Outbound => None,
            Self::Validate(account) | Self::Replace(account) => Some(account),
        }
    }
}

/// Who signs in, and in which browser.
#[derive(Clone, Debug)]
pub enum Who {
    /// A user of the console.
    Admin(Admin),
    /// A mailbox's owner with a link, who has no account here.
    Owner {
        /// The browser.
        client: Client,
        /// The link.
        link: Box<links::Link>,
    },
}

impl Who {
    fn workspace(&self) -> Uuid {
        match self {
            Self::Admin(admin) => admin.workspace(),
            Self::Owner { link, .. } => link.workspace_id,
        }
    }

    fn user(&self) -> Option<Uuid> {
        match self {
            Self::Admin(admin) => Some(admin.user().id),
            Self::Owner { .. } => None,
        }
    }

    /// As timeline and audit log name them.
    fn name(&self) -> String {
        match self {
            Self::Admin(admin) => admin.user().email.clone(),
            Self::Owner { link, .. } => format!("sign-in link of {}", link.asked_by),
        }
    }

    fn actor(&self) -> Actor {
        match self {
            Self::Admin(admin) => admin.actor(),
            Self::Owner { client, link } => {
                Actor { workspace: link.workspace_id, user: None, name: self.name(), at: client.now() }
            }
        }
    }

    /// What binds a sign-in to this browser; none where the browser keeps no cookie.
    fn browser(&self) -> Option<Vec<u8>> {
        match self {
            Self::Admin(admin) => Some(admin.session_hash().to_vec()),
            Self::Owner { client, .. } => client.visit_hash(),
        }
    }

    fn frame(&self, title: &str) -> Frame {
        match self {
            Self::Admin(admin) => admin.frame(Section::Sources, title),
            Self::Owner { client, .. } => client.frame(title),
        }
    }
}

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
    let asked = scopes::asked(wanted.shared == "on");
    begin(Who::Admin(admin), &state, Purpose::New, asked, hint_of(&wanted.hint)).await
}

/// POST /outbounds/sign-in
pub async fn begin_outbound(
    admin: Admin,
    Shared(state): Shared<State>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Problem> {
    let asked = scopes::asked_to_send(wanted.shared == "on");
    begin(Who::Admin(admin), &state, Purpose::Outbound, asked, hint_of(&wanted.hint)).await
}

/// POST /outbounds/{id}/sign-in
pub async fn begin_validate_outbound(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let outbound = outbounds::one(&state.connections.db, admin.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("Message Outbound"))?;
    let account = account(&state, &admin, outbound.account_id).await?;
    let shared = scopes::is_granted(&account.scopes, scopes::SHARED);
    let asked = scopes::asked_to_send(shared);
    begin(Who::Admin(admin), &state, Purpose::Validate(account), asked, None).await
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
    let asked = wanted_again(&state, &account).await?;
    begin(Who::Admin(admin), &state, Purpose::Validate(account), asked, None).await
}

/// POST /accounts/{id}/sign-in
pub async fn begin_validate(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Problem> {
    let account = account(&state, &admin, id).await?;
    let mut asked = wanted_again(&state, &account).await?;
    if wanted.shared == "on" && !asked.contains(&scopes::SHARED) {
        asked.push(scopes::SHARED);
    }
    begin(Who::Admin(admin), &state, Purpose::Validate(account), asked, None).await
}

/// POST /accounts/{id}/replace
pub async fn begin_replace(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Problem> {
    let account = account(&state, &admin, id).await?;
    let asked = to_replace(&account);
    begin(Who::Admin(admin), &state, Purpose::Replace(account), asked, hint_of(&wanted.hint)).await
}

/// What whoever replaces an account is asked for. Their own mailbox is another one: what was read so far is somebody else's to
/// them.
pub fn to_replace(account: &Account) -> Vec<&'static str> {
    if scopes::is_granted(&account.scopes, scopes::SEND) {
        scopes::asked_to_send(true)
    } else {
        scopes::asked(true)
    }
}

/// What an account was asked for and is asked for again.
async fn wanted_again(state: &State, account: &Account) -> Result<Vec<&'static str>, StoreError> {
    let wanted = rows::wanted(&state.connections.db, account.id).await?;
    Ok(scopes::asked_again(&format!("{wanted} {}", account.scopes)))
}

fn hint_of(address: &str) -> Option<String> {
    let address = address.trim();
    (address.contains('@') && address.len() <= 254).then(|| address.to_owned())
}

async fn account(state: &State, viewer: &Viewer, id: Uuid) -> Result<Account, Problem> {
    rows::account(&state.connections.db, viewer.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("account"))
}

/// Begins a sign-in. `hint` is the address of the person, where it is known; else they choose at Microsoft's page.
pub async fn begin(
    who: Who,
    state: &State,
    purpose: Purpose,
    asked: Vec<&'static str>,
    hint: Option<String>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    if let Purpose::Validate(account) = &purpose
        && application::is_application(connections, account.id).await?
    {
        // Nobody signs in as an application: its check is what validates it.
        return Ok(see_other(&format!("/applications/{}", account.id)));
    }
    let registration = match (&who, purpose.account()) {
        (Who::Owner { link, .. }, _) => link.app_registration_id,
        (_, Some(account)) => account.app_registration_id,
        (_, None) => {
            rows::registration(&connections.db, who.workspace()).await?.ok_or_else(no_registration)?
        }
    };
    let (hint, stage) = match &purpose {
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
        wanted: asked.join(" "),
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

/// Which scopes a sign-in asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The basic ones.
    Basic,
    /// All that are wanted.
    Whole,
}

/// What a browser leaves with.
struct Leaving {
    registration: Uuid,
    purpose: &'static str,
    account: Option<Uuid>,
    /// The account's own; none: where sign-ins begin.
    tenant: Option<String>,
    wanted: String,
    stage: Stage,
    hint: Hint,
    picks: bool,
    /// What a mail server asked for in the middle (a claims challenge, JSON).
    challenge: Option<String>,
}

/// Keeps what must come back unchanged; gives the address to go to.
async fn leave(who: &Who, state: &State, leaving: Leaving) -> Result<Result<Url, Fault>, Problem> {
    let connections = &state.connections;
    let Some(browser_hash) = who.browser() else {
        return Err(Problem::invalid(
            "This browser keeps no cookies, so the sign-in could not come back to it.",
            "Allow cookies for this site, open the page again and repeat what you did.",
        ));
    };
    let prepared = async {
        let registration = connections.registration(leaving.registration).await?;
        let tenant = leaving.tenant.as_deref().unwrap_or(&registration.tenant);
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
        account: leaving.account,
        tenant: leaving.tenant.unwrap_or_default(),
        link: match who {
            Who::Admin(_) => None,
            Who::Owner { link, .. } => Some(link.id),
        },
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
    };
    if let Some(page) = return_of_admin::answer(&state, &client, returned).await? {
        return Ok(page);
    }
    if brought.admin_consent.is_some() && brought.code.is_none() {
        return approved(&brought);
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
    // Where the sign-in began, its code is redeemed.
    let tenant = if sign_in.tenant.is_empty() { &registration.tenant } else { &sign_in.tenant };
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

/// Microsoft said no. Where an administrator has to approve, whoever signed in waits for that from here on.
async fn refused(who: &Who, state: &State, sign_in: &SignIn, fault: &Fault) -> Result<Response, Problem> {
    let connections = &state.connections;
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
            who: account.as_ref().map_or(hinted.as_str(), |account| &account.username),
            tenant: account.as_ref().map_or("", |account| &account.tenant_id),
            wanted: &sign_in.wanted,
            fault,
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

/// Stores who signed in; only then is anything done with the tokens.
async fn keep(who: Who, state: &State, sign_in: &SignIn, tokens: Tokens) -> Result<Response, Problem> {
    let connections = &state.connections;
    let workspace = who.workspace();
    let (Some(claims), Some(_)) = (&tokens.id, &tokens.refresh) else {
        let fault = Fault::own("entra.id_token", "the answer held no id_token or no refresh token");
        return failed(&who, state, &fault, Some(sign_in)).await;
    };
    let before = match sign_in.account_id {
        Some(id) => rows::account(&connections.db, workspace, id).await?,
        None => None,
    };
    let another =
        before.as_ref().filter(|before| before.object_id != claims.oid || before.tenant_id != claims.tid);
    if let Some(before) = another.filter(|_| sign_in.purpose == "validate") {
        let name = claims.preferred_username.as_deref().unwrap_or("somebody else");
        return swapped(&who, state, before, name).await;
    }
    let granted = tokens.scopes.join(" ");
    let is_whole = sign_in.stage == "whole" || scopes::are_granted(&granted, &sign_in.wanted);
    let known = rows::row_of(&connections.db, workspace, &claims.tid, &claims.oid).await?;
    let id = known.unwrap_or_else(Uuid::now_v7);
    let now = connections.clock.now();
    let Some(account) = row(connections, id, workspace, sign_in.app_registration_id, &tokens) else {
        return failed(&who, state, &Fault::own("entra.id_token", ""), Some(sign_in)).await;
    };
    if !is_whole {
        return go_on(who, state, sign_in, claims, known, account).await;
    }
    let name = account.username.clone();
    let mut tx = connections.db.begin().await?;
    if let Who::Owner { link, .. } = &who
        && !links::spend(&mut tx, link.id, &name, now).await?
    {
        tx.rollback().await?;
        return Err(sign_in_link::no_longer());
    }
    record(&mut tx, &who.actor(), account, &sign_in.wanted).await?;
    let mut handed = 0;
    if let Some(before) = before.as_ref().filter(|before| sign_in.purpose == "replace" && before.id != id) {
        handed = rows::hand_over(&mut tx, before.id, id, now).await?;
        let text = format!("{name} reads the mailboxes of {} from now on", before.username);
        let actor = who.name();
        let event =
            Event { object: Object::Account, id, kind: "replaced", text: &text, actor: &actor, detail: None };
        events::add(&mut tx, workspace, now, &event).await?;
        audit::record(&mut tx, &who.actor(), "replace account", &before.username, &name).await?;
    }
    tx.commit().await?;
    connections.forget();
    state.engine.poll.notify_one();
    state.shell.bus.tell("sources");
    state.shell.bus.tell("registrations");
    let admin = match who {
        Who::Owner { client, link } => return sign_in_link::done(&client, &link, &name),
        Who::Admin(admin) => admin,
    };
    if handed > 0 {
        let flash = Flash::done(format!(
            "{name} is signed in and reads {handed} sources; they go on where they stood. Ping them to see whether it may."
        ));
        return Ok(flash_to(&admin, &flash, "/sources"));
    }
    if sign_in.purpose == "outbound" {
        return Ok(see_other(&format!("/outbounds/new?account={id}")));
    }
    Ok(see_other(&format!("/accounts/{id}")))
}

/// The row of whoever signed in, with its tokens sealed to it. `None`: the answer named nobody, or gave no refresh token.
pub fn row(
    connections: &Connections,
    id: Uuid,
    workspace: Uuid,
    registration: Uuid,
    tokens: &Tokens,
) -> Option<SignedIn> {
    let (claims, refresh) = (tokens.id.as_ref()?, tokens.refresh.as_ref()?);
    let now = connections.clock.now();
    let seal = |column, secret: &SecretString| {
        connections.sealer.seal(&tokens::place(column, id), secret.expose_secret().as_bytes())
    };
    let username = claims.preferred_username.clone().unwrap_or_else(|| claims.oid.clone());
    let lasts = SignedDuration::try_from(tokens.expires_in).unwrap_or(SignedDuration::ZERO);
    Some(SignedIn {
        id,
        workspace,
        registration,
        tenant: claims.tid.clone(),
        object_id: claims.oid.clone(),
        username: username.clone(),
        display_name: claims.name.clone().unwrap_or(username),
        scopes: tokens.scopes.join(" "),
        refresh_sealed: seal("refresh_sealed", refresh),
        access_sealed: seal("access_sealed", &tokens.access),
        access_until: now.saturating_add(lasts).unwrap_or(now),
        now,
    })
}

/// Stores who signed in with all that was wanted, on record; their sources are due, and nobody waits for an approval any more.
pub async fn record(tx: &mut Tx, actor: &Actor, account: SignedIn, wanted: &str) -> Result<(), StoreError> {
    let (id, now, name) = (account.id, account.now, account.username.clone());
    let (registration, granted) = (account.registration, account.scopes.clone());
    rows::put(tx, account).await?;
    rows::set_wanted(tx, id, wanted).await?;
    approvals::end_of(tx, registration, id, &name, now).await?;
    let text = format!("signed in as {name}");
    let event = Event {
        object: Object::Account,
        id,
        kind: "signed_in",
        text: &text,
        actor: &actor.name,
        detail: None,
    };
    events::add(tx, actor.workspace, now, &event).await?;
    audit::record(tx, actor, "sign in mailbox", &name, &format!("granted: {granted}")).await?;
    rows::wake_sources(tx, id, now).await
}

/// Whether an account reads mail as it is.
fn works(account: &Account) -> bool {
    scopes::is_granted(&account.scopes, scopes::MAIL) && account.state != "offline"
}

/// Signed in with the basic scopes: kept, so that there is a token to watch with, and on to the rest. An account that is in use is
/// left as it is meanwhile: what its sources read with is not taken away for a token that may do less.
async fn go_on(
    who: Who,
    state: &State,
    sign_in: &SignIn,
    claims: &IdClaims,
    known: Option<Uuid>,
    account: SignedIn,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let id = account.id;
    let in_use = match known {
        Some(known) => {
            rows::account(&connections.db, who.workspace(), known).await?.is_some_and(|known| works(&known))
        }
        None => false,
    };
    let mut tx = connections.db.begin().await?;
    if !in_use {
        let fault =
            Fault::own("own.not_signed_in", "the sign-in stopped before Microsoft was asked for the mail");
        let record = serde_json::to_string(&fault.to_record()).unwrap_or_default();
        rows::put_basic(&mut tx, account, &sign_in.wanted, &record).await?;
    }
    tx.commit().await?;
    connections.forget();
    let hint = claims.preferred_username.clone().map_or(Hint::SelectAccount, Hint::LoginHint);
    // A replacement stays one of the account that was: the second sign-in finds who it is by itself.
    let account = if sign_in.purpose == "replace" { sign_in.account_id } else { Some(id) };
    let leaving = Leaving {
        registration: sign_in.app_registration_id,
        purpose: match sign_in.purpose.as_str() {
            "outbound" => "outbound",
            "replace" => "replace",
            _ => "new",
        },
        account,
        tenant: Some(claims.tid.clone()),
        wanted: sign_in.wanted.clone(),
        stage: Stage::Whole,
        hint,
        picks: false,
        challenge: None,
    };
    match leave(&who, state, leaving).await? {
        Ok(url) => Ok(see_other(url.as_str())),
        Err(fault) => failed(&who, state, &fault, Some(sign_in)).await,
    }
}

/// Somebody else came back: nothing was stored. Whoever means it signs in once more to say so.
async fn swapped(who: &Who, state: &State, before: &Account, now: &str) -> Result<Response, Problem> {
    let admin = match who {
        Who::Admin(admin) => admin,
        Who::Owner { .. } => {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!(
                    "You signed in as {now}, but the link is for {}. Nothing was changed.",
                    before.username
                ),
                "Open the link again and choose the other account, or tell whoever sent it.",
            ));
        }
    };
    let used = sources_of(state, admin, before.id).await?;
    let replace = format!("/accounts/{}/replace", before.id);
    let page = SwapPage {
        frame: admin.frame(Section::Sources, "Another account signed in"),
        before: before.username.clone(),
        now: now.to_owned(),
        sources: used,
        stay: admin
            .post(format!("Sign in as {}", before.username), format!("/accounts/{}/sign-in", before.id))
            .with_icon(Icon::Grid)
            .primary(),
        replace: admin.post(format!("Let {now} read them from now on"), replace).field("hint", now),
    };
    let mut response = match login_url(state, admin).await {
        Some(login) => web::page_leading_to(&page, &login)?,
        None => web::page(&page)?,
    };
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

async fn failed(
    who: &Who,
    state: &State,
    fault: &Fault,
    sign_in: Option<&SignIn>,
) -> Result<Response, Problem> {
    let mut view = FaultView::of(fault, None);
    let admin = match who {
        Who::Admin(admin) => admin,
        Who::Owner { client, .. } => {
            view.actions.clear();
            let frame = client.frame("The sign-in was not completed");
            let page = SignInFailedPage { frame, fault: view, to_sources: false };
            let mut response = web::page(&page)?;
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(response);
        }
    };
    let account = sign_in.and_then(|sign_in| sign_in.account_id);
    let again = match (account, sign_in.map(|sign_in| sign_in.purpose.as_str())) {
        (Some(id), Some("replace")) => admin.post("Sign in again", format!("/accounts/{id}/replace")),
        (Some(id), _) => admin.post("Sign in again", format!("/accounts/{id}/sign-in")),
        (None, Some("outbound")) => admin.post("Sign in again", "/outbounds/sign-in"),
        (None, _) => admin.post("Sign in again", "/sources/sign-in"),
    };
    if let Some(id) = account.filter(|_| consent::is_turned_back(fault)) {
        // The page for consent and the page for approval are left in the same way: the person knows which of them it was.
        view = view.with(admin.post("An administrator has to approve", format!("/accounts/{id}/wait")));
    }
    view = view.with(again.with_icon(Icon::Grid).primary());
    let frame: Frame = admin.frame(Section::Sources, "The sign-in was not completed");
    let page = SignInFailedPage { frame, fault: view, to_sources: true };
    let mut response = match login_url(state, admin).await {
        Some(login) => web::page_leading_to(&page, &login)?,
        None => web::page(&page)?,
    };
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

/// GET /accounts/{id}
pub async fn signed_in(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let account = account(&state, &viewer, id).await?;
    if application::is_application(connections, id).await? {
        return Ok(see_other(&format!("/applications/{id}")));
    }
    let used = sources_of(&state, &viewer, id).await?;
    let wanted = wanted_again(&state, &account).await?;
    let (granted, missing) = scopes::in_words(&account.scopes, &wanted);
    let lost = scopes::consequences(&account.scopes, &wanted).into_iter().map(str::to_owned).collect();
    let next = if used == 0 {
        Action::go("Choose folder and project", format!("/sources/new?account={id}")).primary()
    } else {
        Action::go(format!("Back to its {used} sources"), "/sources").primary()
    };
    let consent = match rows::consent(&connections.db, id).await?.as_str() {
        "admin" => "An administrator's consent covers it.",
        "user" => "The person's own consent covers it.",
        _ => "Whether the person's own consent or an administrator's covers it, Microsoft does not say.",
    };
    let registration = connections.registration(account.app_registration_id).await.ok();
    let enterprise = registration.map(|registration| {
        let to = registration.cloud.enterprise_permissions_page(&registration.client_id, None);
        (registration.client_id.clone(), Action::leave("Its permissions in the portal", to))
    });
    let links = if viewer.may(crate::access::Role::Admin) {
        vec![
            Action::go("Let its owner sign in by a link", format!("/sign-in-links/new?account={id}")),
            viewer.post("Replace by another account", format!("/accounts/{id}/replace")),
            viewer.post("Sign in by a code", "/device-sign-ins").field("account", id.to_string()),
        ]
    } else {
        Vec::new()
    };
    let frame = viewer.frame(Section::Sources, "Signed in");
    let page = SignedInPage {
        frame,
        username: account.username,
        display_name: account.display_name,
        tenant: account.tenant_id,
        granted,
        missing,
        lost,
        consent,
        enterprise,
        links,
        next,
    };
    match login_url(&state, &viewer).await {
        Some(login) => web::page_leading_to(&page, &login),
        None => web::page(&page),
    }
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
