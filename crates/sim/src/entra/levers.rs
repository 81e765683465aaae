//! The levers of the control address for sign-in, consent and the directory.
//!
//! - `GET /tenants` the tenants with their people, roles, standing and policies
//! - `POST /policies {"tenant"?, …}` changes what is named of a tenant's policies: `user_consent` (`allowed`, `managed`, `none`),
//!   `consent_requests`, `reviewers` (addresses), `withheld` (scopes a consent leaves out), `conditional_access` (`off`, `block`,
//!   `mfa`, `device`), `security_defaults`, `sign_in_frequency_seconds`, `blocks_device_code`, `cloud` (`global`, `us_government`, `china`)
//! - `POST /consent {"user_consent","tenant"?}` the first of these alone; `DELETE /consents` every consent to the app
//! - `POST /people {"upn", …}` changes what is named: `roles` (as in the portal, `global_administrator` …), `password`, `disabled`
//!   (50057), `password_state` (`good`, `expired` 50055, `expired_on_premises` 50144), `mfa` (`off`, `required` 50076, `enroll` 50079),
//!   `blocked` (53003), `at_risk` (53011), `device_deleted` (700003 for sign-ins until now)
//! - `GET /consent-requests`, `POST /consent-requests {"id","decision":"approve"|"deny"|"block"}`
//! - `GET /enterprise-applications`, `POST /enterprise-applications {"tenant"?,"client_id"?,"enabled"?,"assignment_required"?,
//!   "assign"?,"unassign"?,"roles"?,"withdraw"?,"delete"?}`
//! - `POST /revoke {"upn","access_tokens"?}`, `POST /refuse {"upn"?,"code","error"?,"suberror"?,"claims"?}`,
//!   `POST /challenge {"upn","needs_person"?}` (insufficient_claims for clients that take it), `POST /restore`
//! - `POST /tokens {"lifetime_seconds"?,"expire"?,"loop_after"?,"guesses_tenants"?}` (the last: a token of the application itself at
//!   `common` and `organizations` is one of its own tenant and not 50059); `POST /delegates {"mailbox","user","grant","rights"?}`
//! - `GET /registrations`, `POST /registrations {"client_id"?,"multi_tenant"?,"disabled"?,"public_flows"?,"secrets"?,"roles"?,
//!   "scopes"?,"tells_roles"?}`,
//!   `POST /registrations/new {"name","multi_tenant"?,"tenant"?,"redirect_uris"?}`, `POST /registrations/redirect-uris {"uri"}`,
//!   `POST /registrations/certificates {"client_id"?,"pem"}` adds one, `{"client_id"?,"remove"}` removes one by its key id;
//!   `POST /registrations {"single_assertions": true}` refuses an assertion that was used before
//! - `GET /fences`, `DELETE /fences`, `POST /fences {"tenant"?,"client_id"?,"kind":"rbac"|"restrict_access"|"deny_access","roles"?,
//!   "mailboxes","lag_seconds"?}`: roles as in `Application Mail.ReadWrite`; Exchange itself takes 1800 to 7200 seconds to feel one
//! - `POST /registrations/secrets {"client_id"?,"name"?,"lasts_seconds"?}` adds one, `{"client_id"?,"remove"}` removes one by its key id

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::{delete, get, post};
use bytes::Bytes;
use http::{Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::EntraState;
use super::certificates::Certificate;
use super::errors::TokenError;
use super::grants::Principal;
use super::policies::{Mfa, Password, Policy, UserConsent};
use super::requests::Decision;
use crate::control::{Answer, Refusal, done, json_answer, read, refuse};
use crate::fences::{Fence, Kind};
use crate::tenant::{Registration, Right, Role, Secret, User};

type At = State<Arc<EntraState>>;

/// The routes.
pub(crate) fn router(state: Arc<EntraState>) -> Router {
    Router::new()
        .route("/tenants", get(tenants))
        .route("/policies", post(set_policies))
        .route("/people", post(change_person))
        .route("/consent", post(set_consent))
        .route("/consents", delete(forget_consents))
        .route("/consent-requests", get(consent_requests).post(decide_request))
        .route("/enterprise-applications", get(applications).post(change_application))
        .route("/revoke", post(revoke))
        .route("/refuse", post(refuse_user))
        .route("/challenge", post(challenge))
        .route("/restore", post(restore))
        .route("/tokens", post(set_tokens))
        .route("/delegates", post(delegate))
        .route("/registrations", get(registrations).post(change_registration))
        .route("/registrations/new", post(register))
        .route("/registrations/redirect-uris", post(add_redirect_uri))
        .route("/registrations/secrets", post(change_secrets))
        .route("/registrations/certificates", post(change_certificates))
        .route("/fences", get(fences).post(add_fence).delete(clear_fences))
        .with_state(state)
}

fn list(values: Vec<Value>) -> Response<Body> {
    json_answer(StatusCode::OK, &Value::Array(values))
}

fn user_of<'a>(state: &'a EntraState, upn: &str) -> Result<&'a User, Refusal> {
    match state.tenant.user(upn) {
        Some(user) => Ok(user),
        None => refuse(StatusCode::NOT_FOUND, format!("there is no user {upn}")),
    }
}

fn tenant_of(state: &EntraState, name: Option<&str>) -> Result<Uuid, Refusal> {
    let Some(name) = name else { return Ok(state.tenant.id) };
    match state.tenant.organization(name) {
        Some(organization) => Ok(organization.id),
        None => refuse(StatusCode::NOT_FOUND, format!("there is no tenant {name}")),
    }
}

fn client_of(state: &EntraState, client_id: Option<&str>) -> Result<Registration, Refusal> {
    let found = match client_id {
        Some(id) => state.tenant.registration(id),
        None => state.tenant.first_registration(),
    };
    match found {
        Some(registration) => Ok(registration),
        None => no_registration(),
    }
}

fn no_registration<T>() -> Result<T, Refusal> {
    refuse(StatusCode::NOT_FOUND, "there is no app registration with this client id")
}

async fn tenants(State(state): At) -> Answer {
    let all = state.tenant.organizations().iter().map(|organization| {
        let people: Vec<Value> = state
            .tenant
            .people(organization.id)
            .map(|user| {
                json!({"upn": user.upn, "name": user.name, "oid": user.oid, "password": state.tenant.password(user),
                    "roles": state.tenant.roles(user), "mailbox": user.mailbox, "standing": state.policies.standing(user.oid)})
            })
            .collect();
        json!({"id": organization.id, "name": organization.name, "domain": organization.domain,
            "policies": state.policies.of(organization.id), "people": people})
    });
    Ok(list(all.collect()))
}

async fn set_policies(State(state): At, body: Bytes) -> Answer {
    let mut wish: serde_json::Map<String, Value> = read(&body)?;
    let name = wish.remove("tenant");
    let tenant = tenant_of(&state, name.as_ref().and_then(Value::as_str))?;
    let mut policy = serde_json::to_value(state.policies.of(tenant)).unwrap_or_default();
    if let Some(own) = policy.as_object_mut() {
        own.extend(wish);
    }
    let policy: Policy = match serde_json::from_value(policy) {
        Ok(policy) => policy,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, format!("these are no policies: {error}")),
    };
    for upn in &policy.reviewers {
        user_of(&state, upn)?;
    }
    state.policies.set(tenant, policy);
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Consent {
    tenant: Option<String>,
    user_consent: UserConsent,
}

async fn set_consent(State(state): At, body: Bytes) -> Answer {
    let wish: Consent = read(&body)?;
    let tenant = tenant_of(&state, wish.tenant.as_deref())?;
    let policy = Policy { user_consent: wish.user_consent, ..state.policies.of(tenant) };
    state.policies.set(tenant, policy);
    Ok(done())
}

async fn forget_consents(State(state): At) -> Answer {
    if let Some(registration) = state.tenant.first_registration() {
        state.grants.forget_consents(&registration.client_id);
    }
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    upn: String,
    roles: Option<BTreeSet<Role>>,
    password: Option<String>,
    disabled: Option<bool>,
    password_state: Option<Password>,
    mfa: Option<Mfa>,
    blocked: Option<bool>,
    at_risk: Option<bool>,
    device_deleted: Option<bool>,
}

async fn change_person(State(state): At, body: Bytes) -> Answer {
    let wish: Person = read(&body)?;
    let user = user_of(&state, &wish.upn)?;
    if let Some(roles) = wish.roles {
        state.tenant.set_roles(user, roles);
    }
    if let Some(password) = &wish.password {
        state.tenant.set_password(user, password);
    }
    let mut standing = state.policies.standing(user.oid);
    standing.disabled = wish.disabled.unwrap_or(standing.disabled);
    standing.password = wish.password_state.unwrap_or(standing.password);
    standing.mfa = wish.mfa.unwrap_or(standing.mfa);
    standing.blocked = wish.blocked.unwrap_or(standing.blocked);
    standing.at_risk = wish.at_risk.unwrap_or(standing.at_risk);
    if let Some(deleted) = wish.device_deleted {
        standing.device_deleted_at = deleted.then(|| state.core.now());
    }
    state.policies.set_standing(user.oid, standing);
    Ok(done())
}

async fn consent_requests(State(state): At) -> Answer {
    let all = state.requests.list(None);
    Ok(list(all.iter().map(|request| serde_json::to_value(request).unwrap_or_default()).collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decide {
    id: u64,
    decision: Decision,
}

async fn decide_request(State(state): At, body: Bytes) -> Answer {
    let wish: Decide = read(&body)?;
    if state.decide_request(wish.id, wish.decision) {
        Ok(done())
    } else {
        refuse(StatusCode::NOT_FOUND, format!("there is no pending request {}", wish.id))
    }
}

fn application(state: &EntraState, tenant: Uuid, client_id: &str, principal: &Principal) -> Value {
    let upn = |oid: &Uuid| state.tenant.user_by_oid(*oid).map(|user| user.upn.clone());
    let consents: Vec<Value> = state
        .grants
        .consents(tenant, client_id)
        .iter()
        .map(|(user, scopes)| json!({"user": user.as_ref().and_then(upn), "scopes": scopes}))
        .collect();
    json!({
        "tenant": tenant, "client_id": client_id, "object_id": principal.object_id, "made": principal.made.to_string(),
        "name": state.tenant.registration(client_id).map(|registration| registration.name),
        "enabled": principal.enabled, "assignment_required": principal.assignment_required,
        "assigned": principal.assigned.iter().filter_map(upn).collect::<Vec<_>>(),
        "roles": principal.roles, "consents": consents,
    })
}

async fn applications(State(state): At) -> Answer {
    let all = state.grants.principals();
    Ok(list(
        all.iter()
            .map(|(tenant, client_id, principal)| application(&state, *tenant, client_id, principal))
            .collect(),
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Application {
    tenant: Option<String>,
    client_id: Option<String>,
    enabled: Option<bool>,
    assignment_required: Option<bool>,
    #[serde(default)]
    assign: Vec<String>,
    #[serde(default)]
    unassign: Vec<String>,
    /// Application permissions that are granted, in place of those before.
    roles: Option<BTreeSet<String>>,
    /// Scopes of which every consent is taken back.
    #[serde(default)]
    withdraw: Vec<String>,
    #[serde(default)]
    delete: bool,
}

async fn change_application(State(state): At, body: Bytes) -> Answer {
    let wish: Application = read(&body)?;
    let tenant = tenant_of(&state, wish.tenant.as_deref())?;
    let client_id = client_of(&state, wish.client_id.as_deref())?.client_id;
    let oids = |upns: &[String]| -> Result<Vec<Uuid>, Refusal> {
        upns.iter().map(|upn| user_of(&state, upn).map(|user| user.oid)).collect()
    };
    let (assign, unassign) = (oids(&wish.assign)?, oids(&wish.unassign)?);
    for scope in &wish.withdraw {
        state.grants.withdraw(tenant, None, &client_id, Some(scope));
    }
    let found = if wish.delete {
        state.grants.delete_principal(tenant, &client_id)
    } else {
        state.grants.change_principal(tenant, &client_id, |principal| {
            principal.enabled = wish.enabled.unwrap_or(principal.enabled);
            principal.assignment_required = wish.assignment_required.unwrap_or(principal.assignment_required);
            principal.assigned.extend(assign);
            principal.assigned.retain(|user| !unassign.contains(user));
            if let Some(roles) = wish.roles {
                principal.roles = roles;
            }
        })
    };
    if found {
        Ok(done())
    } else {
        refuse(StatusCode::NOT_FOUND, "the app has no enterprise application in this tenant")
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    upn: String,
    access_tokens: Option<bool>,
}

async fn revoke(State(state): At, body: Bytes) -> Answer {
    let wish: Revoke = read(&body)?;
    let user = user_of(&state, &wish.upn)?;
    state.grants.revoke(user.oid, state.core.now(), wish.access_tokens.unwrap_or(true));
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refuse {
    upn: Option<String>,
    code: u32,
    error: Option<String>,
    suberror: Option<String>,
    claims: Option<String>,
}

async fn refuse_user(State(state): At, body: Bytes) -> Answer {
    let wish: Refuse = read(&body)?;
    let user = wish.upn.as_deref().map(|upn| user_of(&state, upn)).transpose()?.map(|user| user.oid);
    let mut error = TokenError::of(wish.code);
    if let Some(text) = wish.error {
        error.error = text;
    }
    error.suberror = wish.suberror;
    error.claims = wish.claims;
    state.grants.refuse(user, error);
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Challenge {
    upn: String,
    #[serde(default)]
    needs_person: bool,
}

async fn challenge(State(state): At, body: Bytes) -> Answer {
    let wish: Challenge = read(&body)?;
    let user = user_of(&state, &wish.upn)?;
    state.grants.challenge_user(user.oid, wish.needs_person, state.core.now());
    Ok(done())
}

async fn restore(State(state): At) -> Answer {
    state.grants.restore();
    state.grants.free_principals();
    state.policies.restore();
    state.tenant.fences.clear();
    state.tenant.change_registration(None, |registration| registration.disabled = false);
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tokens {
    lifetime_seconds: Option<i64>,
    expire: Option<bool>,
    /// How many requests that look alike are answered within five minutes before 50196.
    loop_after: Option<usize>,
    /// Whether a tenant that an application does not name is guessed.
    guesses_tenants: Option<bool>,
}

async fn set_tokens(State(state): At, body: Bytes) -> Answer {
    let tokens: Tokens = read(&body)?;
    if let Some(seconds) = tokens.lifetime_seconds {
        state.set_access_lifetime(seconds);
    }
    if tokens.expire == Some(true) {
        state.grants.expire_access(state.core.now());
    }
    if let Some(most) = tokens.loop_after {
        state.loops.set_most(most);
    }
    if let Some(guesses) = tokens.guesses_tenants {
        state.set_guesses_tenants(guesses);
    }
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delegate {
    mailbox: String,
    user: String,
    grant: bool,
    /// Full access and *Send As* when absent.
    rights: Option<BTreeSet<Right>>,
}

async fn delegate(State(state): At, body: Bytes) -> Answer {
    let wish: Delegate = read(&body)?;
    let mailbox = user_of(&state, &wish.mailbox)?;
    let user = user_of(&state, &wish.user)?;
    let all = match (&wish.rights, wish.grant) {
        (Some(rights), _) => rights.clone(),
        (None, true) => [Right::FullAccess, Right::SendAs].into(),
        (None, false) => [Right::FullAccess, Right::SendAs, Right::SendOnBehalf].into(),
    };
    state.tenant.delegate(&mailbox.upn, &user.upn, &all, wish.grant);
    Ok(done())
}

fn shown(registration: &Registration) -> Value {
    let secrets: Vec<Value> = registration
        .secrets
        .iter()
        .map(|secret| {
            json!({"key_id": secret.key_id, "name": secret.name, "begins": secret.begins.to_string(),
            "ends": secret.ends.to_string()})
        })
        .collect();
    json!({
        "client_id": registration.client_id, "object_id": registration.object_id, "home": registration.home,
        "name": registration.name, "multi_tenant": registration.multi_tenant, "disabled": registration.disabled,
        "redirect_uris": registration.redirect_uris, "roles": registration.roles, "scopes": registration.scopes,
        "certificates": registration.certificates.iter().map(Certificate::shown).collect::<Vec<_>>(),
        "secrets": secrets, "public_flows": registration.public_flows,
    })
}

async fn registrations(State(state): At) -> Answer {
    Ok(list(state.tenant.registrations().iter().map(shown).collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    client_id: Option<String>,
    multi_tenant: Option<bool>,
    disabled: Option<bool>,
    public_flows: Option<bool>,
    single_assertions: Option<bool>,
    secrets: Option<Vec<String>>,
    roles: Option<BTreeSet<String>>,
    scopes: Option<BTreeSet<String>>,
    tells_roles: Option<bool>,
}

async fn change_registration(State(state): At, body: Bytes) -> Answer {
    let change: Change = read(&body)?;
    let now = state.core.now();
    let roles = change.roles.clone();
    let found = state.tenant.change_registration(change.client_id.as_deref(), |registration| {
        registration.multi_tenant = change.multi_tenant.unwrap_or(registration.multi_tenant);
        registration.disabled = change.disabled.unwrap_or(registration.disabled);
        registration.public_flows = change.public_flows.unwrap_or(registration.public_flows);
        registration.single_assertions = change.single_assertions.unwrap_or(registration.single_assertions);
        if let Some(secrets) = change.secrets {
            registration.secrets = secrets.iter().map(|text| Secret::lasting(text, now)).collect();
        }
        registration.tells_roles = change.tells_roles.unwrap_or(registration.tells_roles);
        registration.roles = change.roles.unwrap_or(std::mem::take(&mut registration.roles));
        registration.scopes = change.scopes.unwrap_or(std::mem::take(&mut registration.scopes));
    });
    if !found {
        return no_registration();
    }
    if let Some(roles) = roles {
        // The administrator of the home tenant grants at once what is configured.
        let registration = client_of(&state, change.client_id.as_deref())?;
        let (home, id) = (registration.home, &registration.client_id);
        state.grants.enroll(home, id, now);
        state.grants.change_principal(home, id, |principal| principal.roles = roles);
    }
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    tenant: Option<String>,
    #[serde(default)]
    multi_tenant: bool,
    #[serde(default)]
    redirect_uris: BTreeSet<String>,
}

/// What a portal gives once: the secret's text.
fn told(registration: &Registration, secret: &Secret) -> Value {
    json!({"client_id": registration.client_id, "key_id": secret.key_id, "client_secret": secret.text,
        "ends": secret.ends.to_string()})
}

async fn register(State(state): At, body: Bytes) -> Answer {
    let wish: New = read(&body)?;
    for uri in &wish.redirect_uris {
        check_redirect_uri(uri)?;
    }
    let home = tenant_of(&state, wish.tenant.as_deref())?;
    let mut registration = Registration::new(state.core.chance.uuid(), home, &wish.name);
    let secret = Secret::lasting(&format!("sim8Q~{}", state.core.chance.secret()), state.core.now());
    registration.secrets.push(secret.clone());
    registration.multi_tenant = wish.multi_tenant;
    registration.redirect_uris = wish.redirect_uris;
    let answer = told(&registration, &secret);
    state.grants.enroll(home, &registration.client_id, state.core.now());
    state.tenant.register(registration);
    Ok(json_answer(StatusCode::CREATED, &answer))
}

fn check_redirect_uri(uri: &str) -> Result<(), Refusal> {
    let Ok(url) = url::Url::parse(uri) else {
        return refuse(StatusCode::BAD_REQUEST, format!("{uri:?} is no address"));
    };
    let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
    if url.scheme() != "https" && !is_local {
        return refuse(StatusCode::BAD_REQUEST, "a redirect URI has https, except on localhost");
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RedirectUri {
    client_id: Option<String>,
    uri: String,
}

async fn add_redirect_uri(State(state): At, body: Bytes) -> Answer {
    let wish: RedirectUri = read(&body)?;
    check_redirect_uri(&wish.uri)?;
    let found = state.tenant.change_registration(wish.client_id.as_deref(), |registration| {
        registration.redirect_uris.insert(wish.uri.clone());
    });
    if found { Ok(done()) } else { no_registration() }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Secrets {
    client_id: Option<String>,
    name: Option<String>,
    /// Two years when absent; one that has ended already with a negative number.
    lasts_seconds: Option<i64>,
    /// Key id of the one to remove.
    remove: Option<Uuid>,
}

async fn change_secrets(State(state): At, body: Bytes) -> Answer {
    let wish: Secrets = read(&body)?;
    let registration = client_of(&state, wish.client_id.as_deref())?;
    if let Some(key_id) = wish.remove {
        state.tenant.change_registration(Some(&registration.client_id), |registration| {
            registration.secrets.retain(|secret| secret.key_id != key_id);
        });
        return Ok(done());
    }
    let now = state.core.now();
    let mut secret = Secret::lasting(&format!("sim8Q~{}", state.core.chance.secret()), now);
    if let Some(name) = wish.name {
        secret.name = name;
    }
    if let Some(seconds) = wish.lasts_seconds {
        secret.ends = ending(now, seconds);
    }
    let answer = told(&registration, &secret);
    state.tenant.change_registration(Some(&registration.client_id), |registration| {
        registration.secrets.push(secret);
    });
    Ok(json_answer(StatusCode::CREATED, &answer))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Certificates {
    client_id: Option<String>,
    /// The certificate to add, without its key.
    pem: Option<String>,
    /// Key id of the one to remove.
    remove: Option<Uuid>,
}

async fn change_certificates(State(state): At, body: Bytes) -> Answer {
    let wish: Certificates = read(&body)?;
    let registration = client_of(&state, wish.client_id.as_deref())?;
    let id = Some(registration.client_id.as_str());
    match (wish.pem, wish.remove) {
        (Some(pem), None) => {
            let certificate = match Certificate::read(&pem) {
                Ok(certificate) => certificate,
                Err(reason) => return refuse(StatusCode::BAD_REQUEST, reason),
            };
            let answer = certificate.shown();
            state.tenant.change_registration(id, |own| own.certificates.push(certificate));
            Ok(json_answer(StatusCode::CREATED, &answer))
        }
        (None, Some(key_id)) => {
            state.tenant.change_registration(id, |own| own.certificates.retain(|own| own.key_id != key_id));
            Ok(done())
        }
        _ => refuse(StatusCode::BAD_REQUEST, "give either pem or remove"),
    }
}

#[derive(Deserialize)]
struct NewFence {
    tenant: Option<String>,
    client_id: Option<String>,
    #[serde(flatten)]
    kind: Kind,
    mailboxes: BTreeSet<String>,
    #[serde(default)]
    lag_seconds: i64,
}

async fn add_fence(State(state): At, body: Bytes) -> Answer {
    let wish: NewFence = read(&body)?;
    for upn in &wish.mailboxes {
        user_of(&state, upn)?;
    }
    let id = state.tenant.fences.add(Fence {
        id: 0,
        tenant: tenant_of(&state, wish.tenant.as_deref())?,
        client_id: client_of(&state, wish.client_id.as_deref())?.client_id,
        kind: wish.kind,
        mailboxes: wish.mailboxes.iter().map(|upn| upn.to_ascii_lowercase()).collect(),
        felt: ending(state.core.now(), wish.lag_seconds),
    });
    Ok(json_answer(StatusCode::CREATED, &json!({"id": id})))
}

async fn fences(State(state): At) -> Answer {
    let all = state.tenant.fences.list();
    Ok(list(all.iter().map(|fence| serde_json::to_value(fence).unwrap_or_default()).collect()))
}

async fn clear_fences(State(state): At) -> Answer {
    state.tenant.fences.clear();
    Ok(done())
}

fn ending(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now)
}
