//! Microsoft Entra ID, version 2.0 of its endpoints: discovery, keys, authorize, token, admin consent.
//!
//! The sign-in pages are plain forms without script, so that a program can walk them as a person does:
//!
//! 1. `GET {login}/{tenant}/oauth2/v2.0/authorize?…` → the **account picker**, a form to `POST /{tenant}/login/account`
//!    with the hidden field `flow` and a button `account=<upn>` for each account (or the field `loginfmt` with
//!    `account=other`). With `login_hint` or one signed-in account it is left out.
//! 2. The **password page**, a form to `POST /{tenant}/login/password` with `flow` and the field `passwd`; only the first
//!    time in a browser session, which the cookie `SIMSESSION` remembers.
//! 3. Only where policies or the person's standing ask for it: the **new password page** (`/{tenant}/login/update`, field
//!    `newpasswd`) and the **second factor** (`/{tenant}/login/mfa`, the buttons `mfa=approve` and `mfa=deny`).
//! 4. The **consent screen**, a form to `POST /{tenant}/login/consent` with `flow`, the buttons `decision=accept` and
//!    `decision=cancel`, and for administrators the checkbox `consent_org=on`; only while consent is missing.
//!    Where a user may not consent, the **approval page** stands in its place: `decision=back` returns without; with
//!    the request workflow on, `decision=request` with `justification` files a request for an administrator.
//! 5. A redirect (or with `response_mode=form_post` a page with a form and a *Continue* button) to the redirect URI.
//!
//! The administration pages are at `/portal`: requests for consent to approve or deny, and enterprise applications.
//!
//! - `authorize` reads the request; `sign_in` walks the pages; `pages` writes them; `token` redeems and refreshes
//! - `device` the device code flow; `certificates` assertions in place of secrets
//! - `policies` what tenants and people's standing ask for; `requests` for consent; `portal` the administration pages
//! - `scopes`, `errors` (AADSTS codes), `keys` (the signing key), `grants` (all that was given out)
//! - `levers` the part of the control address for all this

pub(crate) mod certificates;
pub(crate) mod errors;
pub(crate) mod grants;
pub(crate) mod levers;
pub(crate) mod scopes;

mod authorize;
mod device;
mod keys;
mod pages;
mod policies;
mod portal;
mod requests;
mod sign_in;
mod token;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use http::{Response, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::core::Core;
use crate::page;
use crate::tenant::{Registration, Tenant};
use certificates::Assertions;
use device::Devices;
use errors::{TokenError, Trace, json_response};
use grants::Grants;
use grants::Proof;
use keys::Signer;
use policies::{Cloud, Policies};
use requests::{ConsentRequest, ConsentRequests, Decision};
use scopes::Resource;
use sign_in::Flow;

/// The tenant of personal accounts.
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// The sign-in service.
pub(crate) struct EntraState {
    pub(crate) core: Arc<Core>,
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) grants: Arc<Grants>,
    signer: &'static Signer,
    base: OnceLock<String>,
    own_resources: OnceLock<Vec<(String, Resource)>>,
    flows: Mutex<HashMap<String, Flow>>,
    /// Browser sessions: the accounts signed in, by cookie.
    browsers: Mutex<HashMap<String, Vec<(Uuid, Proof)>>>,
    policies: Policies,
    requests: ConsentRequests,
    loops: token::Loops,
    assertions: Assertions,
    devices: Devices,
    access_seconds: AtomicI64,
    guesses_tenants: AtomicBool,
}

impl EntraState {
    pub(crate) fn new(core: Arc<Core>, tenant: Arc<Tenant>, grants: Arc<Grants>) -> anyhow::Result<Self> {
        // The administrator who made the registration has consented to reading one's own profile for all.
        if let Some(registration) = tenant.first_registration() {
            let (home, client_id) = (registration.home, &registration.client_id);
            grants.consent(home, None, client_id, ["User.Read".to_owned()], core.now());
            grants.change_principal(home, client_id, |principal| principal.roles = registration.roles);
        }
        Ok(Self {
            core,
            tenant,
            grants,
            signer: keys::signer()?,
            base: OnceLock::new(),
            own_resources: OnceLock::new(),
            flows: Mutex::default(),
            browsers: Mutex::default(),
            policies: Policies::default(),
            requests: ConsentRequests::default(),
            loops: token::Loops::default(),
            assertions: Assertions::default(),
            devices: Devices::default(),
            access_seconds: AtomicI64::new(3_599),
            guesses_tenants: AtomicBool::new(false),
        })
    }

    /// Tells the service its own address and those of the resources.
    pub(crate) fn set_addresses(&self, base: &str, graph: &str, ews: &str) {
        self.base.get_or_init(|| base.to_owned());
        let own = vec![(graph.to_owned(), Resource::Graph), (ews.to_owned(), Resource::Exchange)];
        self.own_resources.get_or_init(|| own);
    }

    /// How long access tokens live from now on.
    pub(crate) fn set_access_lifetime(&self, seconds: i64) {
        self.access_seconds.store(seconds.clamp(1, 86_400), Ordering::Relaxed);
    }

    /// Whether an application that names no tenant gets a token of one that is guessed, from now on.
    pub(crate) fn set_guesses_tenants(&self, guesses: bool) {
        self.guesses_tenants.store(guesses, Ordering::Relaxed);
    }

    fn guesses_tenants(&self) -> bool {
        self.guesses_tenants.load(Ordering::Relaxed)
    }

    fn access_lifetime(&self) -> SignedDuration {
        SignedDuration::from_secs(self.access_seconds.load(Ordering::Relaxed))
    }

    fn base(&self) -> &str {
        self.base.get().map_or("https://login.microsoftonline.com", String::as_str)
    }

    fn own_resources(&self) -> &[(String, Resource)] {
        self.own_resources.get().map_or(&[], Vec::as_slice)
    }

    fn issuer(&self, tenant: Uuid) -> String {
        format!("{}/{tenant}/v2.0", self.base())
    }

    fn trace(&self) -> Trace {
        Trace { request: self.core.chance.uuid(), correlation: self.core.chance.uuid(), at: self.core.now() }
    }

    fn flows(&self) -> std::sync::MutexGuard<'_, HashMap<String, Flow>> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn browsers(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<(Uuid, Proof)>>> {
        self.browsers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the tenant of a path.
    fn authority(&self, segment: &str) -> Result<Authority, TokenError> {
        let lower = segment.to_ascii_lowercase();
        match lower.as_str() {
            "common" | "organizations" => Ok(Authority::Any(lower)),
            "consumers" | CONSUMERS => Ok(Authority::Consumers),
            _ => match self.tenant.organization(&lower) {
                Some(organization) => Ok(Authority::Own(organization.id)),
                None => Err(TokenError::of(90_002).saying(&format!(
                    "Tenant '{segment}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
                ))),
            },
        }
    }

    /// The cloud of an authority's tenant.
    fn cloud(&self, authority: &Authority) -> Cloud {
        match authority {
            Authority::Own(tenant) => self.policies.of(*tenant).cloud,
            Authority::Any(_) | Authority::Consumers => Cloud::Global,
        }
    }

    /// Carries out what an administrator decides about a request; false when it is not pending.
    fn decide_request(&self, id: u64, decision: Decision) -> bool {
        let Some(request) = self.requests.decide(id, decision) else { return false };
        let ConsentRequest { tenant, client_id, scopes, .. } = request;
        let now = self.core.now();
        match decision {
            Decision::Approve => self.grants.consent(tenant, None, &client_id, scopes, now),
            Decision::Deny => {}
            Decision::Block => {
                self.grants.enroll(tenant, &client_id, now);
                self.grants.change_principal(tenant, &client_id, |principal| principal.enabled = false);
            }
        }
        true
    }

    /// The registration, if the authority lets it sign in there.
    fn registration(&self, client_id: &str, authority: &Authority) -> Result<Registration, TokenError> {
        let absent = || {
            let directory = match authority {
                Authority::Consumers => "Microsoft Accounts",
                Authority::Own(tenant) => self.tenant.name_of(*tenant),
                Authority::Any(_) => self.tenant.name_of(self.tenant.id),
            };
            TokenError::of(700_016).saying(&format!(
                "Application with identifier '{client_id}' was not found in the directory '{directory}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
            ))
        };
        let registration = self.tenant.registration(client_id).ok_or_else(absent)?;
        match authority {
            Authority::Consumers => return Err(absent()),
            Authority::Own(tenant) if *tenant != registration.home && !registration.multi_tenant => {
                return Err(absent());
            }
            Authority::Any(_) if !registration.multi_tenant => {
                return Err(TokenError::of(50_194).saying(&format!(
                    "Application '{client_id}'({}) is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be multi-tenant.",
                    registration.name
                )));
            }
            Authority::Any(_) | Authority::Own(_) => {}
        }
        if registration.disabled {
            return Err(TokenError::of(7_000_112)
                .saying(&format!("Application '{client_id}'({}) is disabled.", registration.name)));
        }
        Ok(registration)
    }
}

/// What the tenant segment of a path means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Authority {
    /// `common` or `organizations`.
    Any(String),
    Consumers,
    /// A tenant, by id or domain.
    Own(Uuid),
}

/// The service.
pub(crate) fn router(state: Arc<EntraState>) -> Router {
    Router::new()
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(discovery))
        .route("/{tenant}/discovery/v2.0/keys", get(keys_of_tenant))
        .route("/{tenant}/oauth2/v2.0/authorize", get(sign_in::begin))
        .route("/{tenant}/oauth2/v2.0/token", post(token::token))
        .route("/{tenant}/oauth2/v2.0/devicecode", post(device::begin))
        .route("/{tenant}/login/device", post(sign_in::answer_device))
        .route("/devicelogin", get(device::ask).post(device::enter))
        .route("/{tenant}/v2.0/adminconsent", get(sign_in::begin_admin_consent))
        .route("/{tenant}/adminconsent", get(sign_in::begin_first_admin_consent))
        .route("/{tenant}/oauth2/v2.0/logout", get(sign_in::log_out))
        .route("/{tenant}/login/account", post(sign_in::choose_account))
        .route("/{tenant}/login/password", post(sign_in::enter_password))
        .route("/{tenant}/login/update", post(sign_in::choose_password))
        .route("/{tenant}/login/mfa", post(sign_in::give_second_factor))
        .route("/{tenant}/login/consent", post(sign_in::decide))
        .route("/portal", get(portal::home))
        .route("/portal/requests", get(portal::requests).post(portal::decide_request))
        .route("/portal/applications", get(portal::applications).post(portal::change_application))
        .route("/error", get(pages::code_lookup))
        .route(page::STYLE, get(page::style))
        .route("/simulated/icon.svg", get(page::icon))
        .route("/favicon.ico", get(page::icon))
        .route("/", get(pages::welcome))
        .fallback(pages::nowhere)
        .with_state(state)
}

async fn discovery(State(state): State<Arc<EntraState>>, Path(segment): Path<String>) -> Response<Body> {
    let base = state.base();
    let authority = state.authority(&segment);
    let cloud = authority.as_ref().map_or(Cloud::Global, |authority| state.cloud(authority));
    let (issuer, place) = match authority {
        Ok(Authority::Any(name)) => (format!("{base}/{{tenantid}}/v2.0"), name),
        Ok(Authority::Consumers) => (format!("{base}/{CONSUMERS}/v2.0"), "consumers".to_owned()),
        Ok(Authority::Own(tenant)) => (state.issuer(tenant), tenant.to_string()),
        Err(mut error) => {
            "invalid_tenant".clone_into(&mut error.error);
            return error.response(base, &state.trace()).map(Body::from);
        }
    };
    let graph =
        state.own_resources().first().map_or("https://graph.microsoft.com", |(address, _)| address.as_str());
    let host =
        url::Url::parse(graph).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let body: Value = json!({
        "token_endpoint": format!("{base}/{place}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{base}/{place}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "request_uri_parameter_supported": false,
        "userinfo_endpoint": format!("{graph}/oidc/userinfo"),
        "authorization_endpoint": format!("{base}/{place}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{base}/{place}/oauth2/v2.0/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{base}/{place}/oauth2/v2.0/logout"),
        "claims_supported": ["sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name",
            "msgraph_host", "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid",
            "ver", "at_hash", "c_hash", "email"],
        "kerberos_endpoint": format!("{base}/{place}/kerberos"),
        "tenant_region_scope": if cloud == Cloud::UsGovernment { "USG" } else { "EU" },
        "cloud_instance_name": cloud.instance(),
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": host,
        "rbac_url": "https://pas.windows.net",
    });
    json_response(StatusCode::OK, &body).map(Body::from)
}

async fn keys_of_tenant(State(state): State<Arc<EntraState>>, Path(segment): Path<String>) -> Response<Body> {
    match state.authority(&segment) {
        Ok(authority) => {
            let issuer = match authority {
                Authority::Own(tenant) => state.issuer(tenant),
                Authority::Any(_) | Authority::Consumers => format!("{}/{{tenantid}}/v2.0", state.base()),
            };
            json_response(StatusCode::OK, &state.signer.jwks(&issuer)).map(Body::from)
        }
        Err(error) => error.response(state.base(), &state.trace()).map(Body::from),
    }
}
