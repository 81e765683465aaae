//! The walk through the sign-in pages, from the authorize request to the answer.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Form, Path, RawQuery, State};
use http::{HeaderMap, HeaderValue, Response, header};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::authorize::{Fault, Request, ReturnTo, parameters};
use super::device::Stage;
use super::errors::TokenError;
use super::grants::{Code, Proof};
use super::pages::{self, Asking, Place};
use super::policies::{Mfa, Password, mfa_missing, wants_mfa};
use super::requests::{ConsentRequest, Outcome};
use super::scopes::{Asked, Resource, listed, role_resource, user_may_consent};
use super::{Authority, EntraState};
use crate::tenant::{Registration, User};

const COOKIE: &str = "SIMSESSION";
/// How long a sign-in may take.
const FLOW_LIVES: SignedDuration = SignedDuration::from_hours(1);
/// Most sign-ins under way.
const MOST_FLOWS: usize = 5_000;

/// What a sign-in is for.
#[derive(Clone, Debug)]
pub(crate) enum Purpose {
    /// A code for the app.
    Code(Box<Request>),
    /// An administrator's consent for his tenant; the second version of the endpoint tells the scopes when it returns.
    AdminConsent { tells_scopes: bool },
    /// The administration pages, at this path.
    Portal(String),
    /// A device that waits, by its device code.
    Device(String),
}

/// A sign-in under way.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub(crate) authority: Authority,
    pub(crate) registration: Registration,
    pub(crate) return_to: ReturnTo,
    pub(crate) asked: Asked,
    pub(crate) purpose: Purpose,
    pub(crate) prompt: Option<String>,
    pub(crate) user: Option<Uuid>,
    /// What was proved in this flow.
    pub(crate) proof: Option<Proof>,
    pub(crate) begun: Timestamp,
}

impl Flow {
    fn is_for_all(&self) -> bool {
        matches!(self.purpose, Purpose::AdminConsent { .. })
    }

    /// Whether the app sent the claims of a challenge that Conditional Access has to meet.
    fn asks_for_policies(&self) -> bool {
        matches!(&self.purpose, Purpose::Code(request) if request.claims.asks_for_policies)
    }

    fn place<'a>(&'a self, tenant: &'a str, id: &'a str) -> Place<'a> {
        Place {
            tenant,
            flow: id,
            registration: &self.registration,
            redirect_uri: &self.return_to.redirect_uri,
        }
    }
}

/// A browser as its cookie tells it.
pub(crate) struct Browser {
    id: String,
    is_new: bool,
    pub(crate) signed_in: Vec<(Uuid, Proof)>,
}

impl Browser {
    /// What somebody has proved in this browser.
    pub(crate) fn proof(&self, user: Uuid) -> Option<Proof> {
        self.signed_in.iter().find(|(own, _)| *own == user).map(|(_, proof)| *proof)
    }

    pub(crate) fn keep(&self, mut response: Response<Body>) -> Response<Body> {
        if self.is_new
            && let Ok(value) =
                HeaderValue::from_str(&format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Lax", self.id))
        {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
        response
    }
}

impl EntraState {
    pub(crate) fn browser(&self, headers: &HeaderMap) -> Browser {
        let cookie = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
        let browsers = self.browsers();
        match cookie.and_then(|id| browsers.get(id).map(|signed_in| (id, signed_in))) {
            Some((id, signed_in)) => {
                Browser { id: id.to_owned(), is_new: false, signed_in: signed_in.clone() }
            }
            None => Browser { id: self.core.chance.secret(), is_new: true, signed_in: Vec::new() },
        }
    }

    fn remember(&self, browser: &Browser, user: Uuid, proof: Proof) {
        let mut browsers = self.browsers();
        if browsers.len() >= MOST_FLOWS {
            browsers.clear();
        }
        let signed_in = browsers.entry(browser.id.clone()).or_default();
        signed_in.retain(|(own, _)| *own != user);
        signed_in.insert(0, (user, proof));
    }

    pub(crate) fn keep_flow(&self, flow: Flow) -> String {
        let id = self.core.chance.secret();
        let mut flows = self.flows();
        if flows.len() >= MOST_FLOWS {
            let oldest = flow.begun - FLOW_LIVES;
            flows.retain(|_, flow| flow.begun > oldest);
            if flows.len() >= MOST_FLOWS {
                flows.clear();
            }
        }
        flows.insert(id.clone(), flow);
        id
    }

    fn flow(&self, id: &str) -> Option<Flow> {
        let oldest = self.core.now() - FLOW_LIVES;
        self.flows().get(id).filter(|flow| flow.begun > oldest).cloned()
    }

    fn error_back(&self, to: &ReturnTo, error: &TokenError, subcode: Option<&str>) -> Response<Body> {
        let description = error.description(&self.trace());
        let mut all = vec![("error", error.error.as_str()), ("error_description", description.as_str())];
        if let Some(subcode) = subcode {
            all.push(("error_subcode", subcode));
        }
        let uri = format!("{}/error?code={}", self.base(), error.code);
        all.push(("error_uri", uri.as_str()));
        pages::return_to(to, &all)
    }

    /// What a person has proved, if it still counts for this flow.
    fn counting_proof(&self, flow: &Flow, user: &User, browser: &Browser) -> Option<Proof> {
        if flow.proof.is_some() {
            return flow.proof;
        }
        if flow.prompt.as_deref() == Some("login") {
            return None;
        }
        let proof = browser.proof(user.oid)?;
        let longest = self.policies.of(user.tenant).sign_in_frequency_seconds;
        let is_old = longest.is_some_and(|seconds| {
            self.core.now().duration_since(proof.at) > SignedDuration::from_secs(seconds)
        });
        (!is_old && !self.grants.needs_person(user.oid, proof)).then_some(proof)
    }

    /// What speaks against this app in a person's tenant.
    pub(crate) fn app_objection(&self, user: &User, registration: &Registration) -> Option<TokenError> {
        let principal = self.grants.principal(user.tenant, &registration.client_id)?;
        let (id, name) = (&registration.client_id, &registration.name);
        if !principal.enabled {
            return Some(
                TokenError::of(7_000_112).saying(&format!("Application '{id}'({name}) is disabled.")),
            );
        }
        (principal.assignment_required && !principal.assigned.contains(&user.oid)).then(|| {
            TokenError::of(50_105).saying(&format!(
                "Your administrator has configured the application {name} ('{id}') to block users unless they are specifically granted ('assigned') access to the application. The signed in user '{}' is blocked because they are not a direct member of a group with access, nor had access directly assigned by an administrator. Please contact your administrator to assign access to this application.",
                user.upn
            ))
        })
    }

    /// The error of a person from another tenant than the authority's.
    pub(crate) fn foreigner(&self, user: &User, tenant: Uuid) -> TokenError {
        TokenError::of(50_020).saying(&format!(
            "User account '{}' from identity provider 'https://sts.windows.net/{}/' does not exist in tenant '{}' and cannot access the application in that tenant. The account needs to be added as an external user in the tenant first. Sign out and sign in again with a different Azure Active Directory user account.",
            user.upn, user.tenant, self.tenant.name_of(tenant)
        ))
    }

    /// The next page of a flow, or its end.
    pub(crate) fn go_on(&self, tenant: &str, id: &str, flow: &Flow, browser: &Browser) -> Response<Body> {
        let place = flow.place(tenant, id);
        let Some(user) = flow.user.and_then(|user| self.tenant.user_by_oid(user)) else {
            return self.pick(&place, flow, browser, None);
        };
        let Some(proof) = self.counting_proof(flow, user, browser) else {
            return pages::password(&place, user, &self.tenant.password(user), None);
        };
        if let Authority::Own(own) = flow.authority
            && own != user.tenant
        {
            return pages::fault(&self.foreigner(user, own), &self.trace());
        }
        let (policy, standing) = (self.policies.of(user.tenant), self.policies.standing(user.oid));
        if standing.password == Password::Expired && flow.proof.is_some() {
            return pages::new_password(&place, user, None);
        }
        if let Some(error) = self.bar(user) {
            return pages::fault(&error, &self.trace());
        }
        let wanted = wants_mfa(&policy, &standing);
        if !proof.mfa && (wanted != Mfa::Off || flow.asks_for_policies()) {
            return pages::second_factor(&place, user, wanted == Mfa::Enroll);
        }
        if let Some(error) = self.objection(user, proof) {
            return pages::fault(&error, &self.trace());
        }
        if matches!(flow.purpose, Purpose::Device(_)) && policy.blocks_device_code {
            let error = TokenError::of(53_003).suberror("message_only");
            return pages::fault(&error, &self.trace());
        }
        if let Purpose::Portal(path) = &flow.purpose {
            self.flows().remove(id);
            return crate::page::redirect(path);
        }
        if let Some(error) = self.app_objection(user, &flow.registration) {
            return pages::fault(&error, &self.trace());
        }
        self.ask_for_consent(&place, flow, user, proof)
    }

    fn ask_for_consent(&self, place: &Place<'_>, flow: &Flow, user: &User, proof: Proof) -> Response<Body> {
        let policy = self.policies.of(user.tenant);
        let roles = roles_asked(flow);
        let has_graph_roles = roles.iter().any(|role| role_resource(role) == Resource::Graph);
        let may_for_all = self.tenant.may_consent_for_all(user, has_graph_roles);
        let all = flow.asked.names_with(&flow.registration.scopes);
        if flow.is_for_all() {
            let asking = Asking { scopes: &all, roles: &roles, for_all: true, may_for_all };
            return if may_for_all {
                pages::consent(place, user, &asking)
            } else {
                pages::approval(place, user, &all, false, &self.trace())
            };
        }
        let missing = self.missing(flow, user);
        let asks_again = flow.prompt.as_deref() == Some("consent");
        if missing.is_empty() && !asks_again {
            return self.finish(place.flow, flow, user, proof);
        }
        let scopes = if asks_again { all } else { missing };
        if may_for_all || scopes.iter().all(|scope| user_may_consent(scope, policy.user_consent)) {
            let asking = Asking { scopes: &scopes, roles: &BTreeSet::new(), for_all: false, may_for_all };
            pages::consent(place, user, &asking)
        } else {
            pages::approval(place, user, &scopes, policy.consent_requests, &self.trace())
        }
    }

    fn pick(&self, place: &Place<'_>, flow: &Flow, browser: &Browser, fault: Option<&str>) -> Response<Body> {
        let known: Vec<&User> =
            browser.signed_in.iter().filter_map(|(user, _)| self.tenant.user_by_oid(*user)).collect();
        let is_offered = |user: &&User| {
            browser.proof(user.oid).is_none()
                && !matches!(flow.authority, Authority::Own(tenant) if tenant != user.tenant)
        };
        let others: Vec<&User> = self.tenant.users.iter().filter(is_offered).collect();
        pages::picker(place, &known, &others, fault)
    }

    /// The scopes that nobody has consented to yet.
    fn missing(&self, flow: &Flow, user: &User) -> BTreeSet<String> {
        let consented = self.grants.consented(user.tenant, user.oid, &flow.registration.client_id);
        let withheld = self.policies.of(user.tenant).withheld;
        // A resource as a whole means what was consented to; only where that is nothing, what is configured.
        let has_any = |resource| !listed(&consented, resource, true).is_empty();
        let names = if flow.asked.whole.iter().all(|resource| has_any(*resource)) {
            flow.asked.names()
        } else {
            flow.asked.names_with(&flow.registration.scopes)
        };
        names.into_iter().filter(|name| !consented.contains(name) && !withheld.contains(name)).collect()
    }

    /// Gives the code out.
    fn finish(&self, id: &str, flow: &Flow, user: &User, proof: Proof) -> Response<Body> {
        let request = match &flow.purpose {
            Purpose::Code(request) => request,
            // The person is asked once more whether he knows of the device.
            Purpose::Device(_) => return pages::device_question(&flow.place(place_of(flow), id), user),
            Purpose::AdminConsent { .. } | Purpose::Portal(_) => return pages::no_flow(),
        };
        self.flows().remove(id);
        let text = format!("1.{}", self.core.chance.secret());
        let code = Code {
            user: user.oid,
            tenant: user.tenant,
            client_id: flow.registration.client_id.clone(),
            redirect_uri: flow.return_to.redirect_uri.clone(),
            scope: request.scope.clone(),
            nonce: request.nonce.clone(),
            challenge: request.challenge.clone(),
            issued: self.core.now(),
            used: false,
            proof,
            takes_challenges: request.claims.takes_challenges,
        };
        self.grants.keep_code(text.clone(), code);
        let session = self.core.chance.uuid().to_string();
        pages::return_to(&flow.return_to, &[("code", &text), ("session_state", &session)])
    }

    /// Keeps a flow that begins and shows its first page.
    pub(crate) fn start(&self, tenant: &str, flow: &Flow, browser: &Browser) -> Response<Body> {
        let id = self.keep_flow(flow.clone());
        if browser.is_new {
            self.browsers().insert(browser.id.clone(), Vec::new());
        }
        browser.keep(self.go_on(tenant, &id, flow, browser))
    }

    /// Ends a flow without what it was for: the app is told, or the device.
    fn leave(&self, flow: &Flow, error: &TokenError, subcode: Option<&str>) -> Response<Body> {
        if let Purpose::Device(code) = &flow.purpose {
            self.devices.end(code, Stage::Declined);
            return pages::device_over(&flow.registration.name, false);
        }
        self.error_back(&flow.return_to, error, subcode)
    }

    /// Files a request for an administrator's consent.
    fn file_request(&self, flow: &Flow, user: &User, justification: &str) {
        self.requests.file(ConsentRequest {
            id: 0,
            tenant: user.tenant,
            client_id: flow.registration.client_id.clone(),
            app: flow.registration.name.clone(),
            user: user.upn.clone(),
            scopes: flow.asked.names_with(&flow.registration.scopes),
            justification: justification.chars().take(500).collect(),
            at: self.core.now(),
            outcome: Outcome::Pending,
        });
    }
}

/// Application permissions that an administrator is asked for: those configured on the resources asked for as a whole.
fn roles_asked(flow: &Flow) -> BTreeSet<String> {
    if !flow.is_for_all() {
        return BTreeSet::new();
    }
    let roles = flow.registration.roles.iter();
    roles.filter(|role| flow.asked.whole.contains(&role_resource(role))).cloned().collect()
}

/// GET authorize.
pub(crate) async fn begin(
    State(state): State<Arc<EntraState>>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let (authority, request) = match state.request(&tenant, &parameters(&query.unwrap_or_default())) {
        Ok(request) => request,
        Err(Fault::Page(error)) => return pages::fault(&error, &state.trace()),
        Err(Fault::Redirect(told)) => return state.error_back(&told.0, &told.1, None),
    };
    let browser = state.browser(&headers);
    let hinted = request.login_hint.as_deref().and_then(|hint| state.tenant.user(hint));
    let user = match request.prompt.as_deref() {
        Some("select_account") => None,
        Some("login") => hinted.map(|user| user.oid),
        _ => hinted.map(|user| user.oid).or_else(|| match browser.signed_in.as_slice() {
            [(only, _)] if request.login_hint.is_none() => Some(*only),
            _ => None,
        }),
    };
    let is_silent = request.prompt.as_deref() == Some("none");
    let flow = Flow {
        authority,
        registration: request.registration.clone(),
        return_to: request.return_to.clone(),
        asked: request.asked.clone(),
        prompt: request.prompt.clone(),
        user,
        proof: None,
        begun: state.core.now(),
        purpose: Purpose::Code(Box::new(request)),
    };
    if is_silent {
        return state.silent(&flow, &browser);
    }
    state.start(&tenant, &flow, &browser)
}

impl EntraState {
    /// `prompt=none`: the code, or the error in place of the first page.
    fn silent(&self, flow: &Flow, browser: &Browser) -> Response<Body> {
        let back = |error: &TokenError| self.error_back(&flow.return_to, error, None);
        let user = flow.user.and_then(|user| self.tenant.user_by_oid(user));
        let Some((user, proof)) =
            user.and_then(|user| self.counting_proof(flow, user, browser).map(|proof| (user, proof)))
        else {
            return back(&TokenError::of(50_058));
        };
        if let Authority::Own(own) = flow.authority
            && own != user.tenant
        {
            return back(&self.foreigner(user, own));
        }
        let objection = self.objection(user, proof).or_else(|| self.app_objection(user, &flow.registration));
        if let Some(error) = objection {
            return back(&error);
        }
        if flow.asks_for_policies() && !proof.mfa {
            return back(&mfa_missing(Mfa::Required));
        }
        if !self.missing(flow, user).is_empty() {
            let mut error = TokenError::of(65_001);
            "consent_required".clone_into(&mut error.error);
            return back(&error);
        }
        self.finish("", flow, user, proof)
    }

    fn admin_consent(
        &self,
        tenant: &str,
        query: &str,
        headers: &HeaderMap,
        tells_scopes: bool,
    ) -> Response<Body> {
        let parameters = parameters(query);
        let (authority, registration, return_to) = match self.return_to(tenant, &parameters) {
            Ok(found) => found,
            Err(error) => return pages::fault(&error, &self.trace()),
        };
        if authority == Authority::Any("common".to_owned()) {
            return pages::fault(&TokenError::of(90_019), &self.trace());
        }
        let scope = match (tells_scopes, parameters.get("scope")) {
            (true, None) => return self.error_back(&return_to, &TokenError::missing("scope"), None),
            (true, Some(scope)) => scope.as_str(),
            // The first version always means everything that is configured.
            (false, _) => "https://graph.microsoft.com/.default https://outlook.office365.com/.default",
        };
        let asked = match Asked::read(scope, self.own_resources()) {
            Ok(asked) => asked,
            Err(error) => return self.error_back(&return_to, &error, None),
        };
        let browser = self.browser(headers);
        let flow = Flow {
            authority,
            registration,
            return_to,
            asked,
            purpose: Purpose::AdminConsent { tells_scopes },
            prompt: None,
            user: None,
            proof: None,
            begun: self.core.now(),
        };
        self.start(tenant, &flow, &browser)
    }
}

/// GET adminconsent of version 2: named scopes, or `.default`.
pub(crate) async fn begin_admin_consent(
    State(state): State<Arc<EntraState>>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    state.admin_consent(&tenant, &query.unwrap_or_default(), &headers, true)
}

/// GET adminconsent of version 1: everything that is configured for the app.
pub(crate) async fn begin_first_admin_consent(
    State(state): State<Arc<EntraState>>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    state.admin_consent(&tenant, &query.unwrap_or_default(), &headers, false)
}

type Fields = Form<HashMap<String, String>>;

fn field<'a>(fields: &'a HashMap<String, String>, name: &str) -> &'a str {
    fields.get(name).map_or("", String::as_str)
}

/// An account was picked.
pub(crate) async fn choose_account(
    State(state): State<Arc<EntraState>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    Form(fields): Fields,
) -> Response<Body> {
    let id = field(&fields, "flow").to_owned();
    let Some(mut flow) = state.flow(&id) else { return pages::no_flow() };
    let browser = state.browser(&headers);
    let account = match field(&fields, "account") {
        "" | "other" => field(&fields, "loginfmt"),
        account => account,
    };
    let Some(user) = state.tenant.user(account.trim()) else {
        let fault = "We couldn’t find an account with that username. AADSTS50034";
        return browser.keep(state.pick(&flow.place(&tenant, &id), &flow, &browser, Some(fault)));
    };
    flow.user = Some(user.oid);
    flow.proof = None;
    state.flows().insert(id.clone(), flow.clone());
    browser.keep(state.go_on(&tenant, &id, &flow, &browser))
}

/// A password was entered.
pub(crate) async fn enter_password(
    State(state): State<Arc<EntraState>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    Form(fields): Fields,
) -> Response<Body> {
    let id = field(&fields, "flow").to_owned();
    let Some(mut flow) = state.flow(&id) else { return pages::no_flow() };
    let browser = state.browser(&headers);
    let Some(user) = flow.user.and_then(|user| state.tenant.user_by_oid(user)) else {
        return pages::no_flow();
    };
    let password = state.tenant.password(user);
    if field(&fields, "passwd") != password {
        let fault = "Your account or password is incorrect. AADSTS50126";
        return browser.keep(pages::password(&flow.place(&tenant, &id), user, &password, Some(fault)));
    }
    let proof = Proof { at: state.core.now(), mfa: false };
    flow.proof = Some(proof);
    // Who has to choose a new password, or may not come in at all, is not signed in yet.
    if state.policies.standing(user.oid).password == Password::Good && state.bar(user).is_none() {
        state.remember(&browser, user.oid, proof);
    }
    state.flows().insert(id.clone(), flow.clone());
    browser.keep(state.go_on(&tenant, &id, &flow, &browser))
}

/// A new password was chosen in place of the expired one.
pub(crate) async fn choose_password(
    State(state): State<Arc<EntraState>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    Form(fields): Fields,
) -> Response<Body> {
    let id = field(&fields, "flow").to_owned();
    let Some(flow) = state.flow(&id) else { return pages::no_flow() };
    let browser = state.browser(&headers);
    let signed_in = flow.user.zip(flow.proof);
    let Some((user, proof)) =
        signed_in.and_then(|(user, proof)| state.tenant.user_by_oid(user).map(|user| (user, proof)))
    else {
        return pages::no_flow();
    };
    let chosen = field(&fields, "newpasswd");
    if chosen.chars().count() < 8 || chosen == state.tenant.password(user) {
        let fault = "Choose a password of eight characters or more that you have not used before.";
        return browser.keep(pages::new_password(&flow.place(&tenant, &id), user, Some(fault)));
    }
    state.tenant.set_password(user, chosen);
    let mut standing = state.policies.standing(user.oid);
    standing.password = Password::Good;
    state.policies.set_standing(user.oid, standing);
    state.remember(&browser, user.oid, proof);
    browser.keep(state.go_on(&tenant, &id, &flow, &browser))
}

/// The second factor was given.
pub(crate) async fn give_second_factor(
    State(state): State<Arc<EntraState>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    Form(fields): Fields,
) -> Response<Body> {
    let id = field(&fields, "flow").to_owned();
    let Some(mut flow) = state.flow(&id) else { return pages::no_flow() };
    let browser = state.browser(&headers);
    let user = flow.user.and_then(|user| state.tenant.user_by_oid(user));
    let Some((user, proof)) =
        user.and_then(|user| state.counting_proof(&flow, user, &browser).map(|proof| (user, proof)))
    else {
        return pages::no_flow();
    };
    if field(&fields, "mfa") != "approve" {
        state.flows().remove(&id);
        return state.leave(&flow, &TokenError::of(65_004), Some("cancel"));
    }
    let mut standing = state.policies.standing(user.oid);
    if standing.mfa == Mfa::Enroll {
        standing.mfa = Mfa::Required;
        state.policies.set_standing(user.oid, standing);
    }
    let proof = Proof { at: proof.at, mfa: true };
    flow.proof = Some(proof);
    state.remember(&browser, user.oid, proof);
    state.flows().insert(id.clone(), flow.clone());
    browser.keep(state.go_on(&tenant, &id, &flow, &browser))
}

/// The consent screen or the approval page was answered.
pub(crate) async fn decide(
    State(state): State<Arc<EntraState>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    Form(fields): Fields,
) -> Response<Body> {
    let id = field(&fields, "flow").to_owned();
    let Some(mut flow) = state.flow(&id) else { return pages::no_flow() };
    let browser = state.browser(&headers);
    let user = flow.user.and_then(|user| state.tenant.user_by_oid(user));
    let Some((user, proof)) =
        user.and_then(|user| state.counting_proof(&flow, user, &browser).map(|proof| (user, proof)))
    else {
        return pages::no_flow();
    };
    // Whoever does not pass the pages before this one does not get past them with a form made by hand.
    if state.objection(user, proof).or_else(|| state.app_objection(user, &flow.registration)).is_some() {
        return state.go_on(&tenant, &id, &flow, &browser);
    }
    let policy = state.policies.of(user.tenant);
    let for_all = flow.is_for_all();
    match field(&fields, "decision") {
        "accept" => {}
        "switch" => {
            flow.user = None;
            flow.proof = None;
            state.flows().insert(id.clone(), flow.clone());
            return state.go_on(&tenant, &id, &flow, &browser);
        }
        "request" if policy.consent_requests && !for_all => {
            state.file_request(&flow, user, field(&fields, "justification"));
            return pages::request_sent(&flow.place(&tenant, &id), user);
        }
        "back" => {
            state.flows().remove(&id);
            let code = if policy.consent_requests && !for_all { 90_095 } else { 90_094 };
            return state.leave(&flow, &TokenError::of(code), None);
        }
        _ => {
            state.flows().remove(&id);
            return state.leave(&flow, &TokenError::of(65_004), Some("cancel"));
        }
    }
    let roles = roles_asked(&flow);
    let has_graph_roles = roles.iter().any(|role| role_resource(role) == Resource::Graph);
    let may_for_all = state.tenant.may_consent_for_all(user, has_graph_roles);
    let names = flow.asked.names_with(&flow.registration.scopes);
    let may = may_for_all
        || (!for_all && names.iter().all(|scope| user_may_consent(scope, policy.user_consent)))
        || (!for_all
            && state.missing(&flow, user).iter().all(|scope| user_may_consent(scope, policy.user_consent)));
    if !may {
        return state.go_on(&tenant, &id, &flow, &browser);
    }
    let client_id = flow.registration.client_id.clone();
    let on_behalf_of_all = for_all || (may_for_all && field(&fields, "consent_org") == "on");
    let given = names.iter().filter(|name| !policy.withheld.contains(*name)).cloned();
    let whose = (!on_behalf_of_all).then_some(user.oid);
    state.grants.consent(user.tenant, whose, &client_id, given, state.core.now());
    let Purpose::AdminConsent { tells_scopes } = flow.purpose else {
        return state.finish(&id, &flow, user, proof);
    };
    state.grants.change_principal(user.tenant, &client_id, |principal| principal.roles.extend(roles));
    state.flows().remove(&id);
    let tenant = user.tenant.to_string();
    let mut answer = vec![("admin_consent", "True"), ("tenant", tenant.as_str())];
    let scope = told_scopes(&names);
    if tells_scopes {
        answer.push(("scope", &scope));
    }
    pages::return_to(&flow.return_to, &answer)
}

/// The segment of a flow's tenant in paths.
fn place_of(flow: &Flow) -> &str {
    match &flow.authority {
        Authority::Any(name) => name,
        Authority::Own(_) | Authority::Consumers => "organizations",
    }
}

/// Whether the person knows of the device.
pub(crate) async fn answer_device(
    State(state): State<Arc<EntraState>>,
    headers: HeaderMap,
    Form(fields): Fields,
) -> Response<Body> {
    let id = field(&fields, "flow").to_owned();
    let Some(flow) = state.flow(&id) else { return pages::no_flow() };
    let browser = state.browser(&headers);
    let user = flow.user.and_then(|user| state.tenant.user_by_oid(user));
    let proved = user.and_then(|user| state.counting_proof(&flow, user, &browser).map(|proof| (user, proof)));
    let (Some((user, proof)), Purpose::Device(code)) = (proved, &flow.purpose) else {
        return pages::no_flow();
    };
    state.flows().remove(&id);
    let may =
        state.objection(user, proof).or_else(|| state.app_objection(user, &flow.registration)).is_none()
            && state.missing(&flow, user).is_empty()
            && !state.policies.of(user.tenant).blocks_device_code;
    if !may || field(&fields, "decision") != "continue" {
        return state.leave(&flow, &TokenError::of(65_004), None);
    }
    state.devices.end(code, Stage::SignedIn { user: user.oid, proof });
    pages::device_over(&flow.registration.name, true)
}

/// Scopes as the return from an administrator's consent tells them: with their resource.
fn told_scopes(names: &BTreeSet<String>) -> String {
    let resources = [Resource::Graph, Resource::Exchange];
    let lists = resources.map(|resource| listed(names, resource, true));
    lists.iter().filter(|list| !list.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// GET logout.
pub(crate) async fn log_out(
    State(state): State<Arc<EntraState>>,
    Path(_tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let browser = state.browser(&headers);
    state.browsers().remove(&browser.id);
    let parameters = parameters(&query.unwrap_or_default());
    let registration = state.tenant.first_registration();
    match (parameters.get("post_logout_redirect_uri"), registration) {
        (Some(uri), Some(registration)) if super::authorize::is_registered(&registration, uri) => {
            crate::page::redirect(uri)
        }
        _ => pages::signed_out(),
    }
}
