//! The walk through the sign-in pages, from the authorize request to the answer.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Form, Path, RawQuery, State};
use http::{HeaderMap, HeaderValue, Response, header};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::EntraState;
use super::authorize::{Fault, Request, ReturnTo, parameters};
use super::errors::TokenError;
use super::grants::Code;
use super::pages::{self, Place};
use super::scopes::{Asked, user_may_consent};
use crate::tenant::{Registration, User};

const COOKIE: &str = "SIMSESSION";
/// How long a sign-in may take.
const FLOW_LIVES: SignedDuration = SignedDuration::from_hours(1);
/// Most sign-ins under way.
const MOST_FLOWS: usize = 5_000;

/// A sign-in under way.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    registration: Registration,
    return_to: ReturnTo,
    asked: Asked,
    /// What is needed for a code; none for an administrator's consent.
    code: Option<Request>,
    prompt: Option<String>,
    user: Option<Uuid>,
    /// Whether the password was entered in this flow.
    entered: bool,
    begun: Timestamp,
}

/// A browser as its cookie tells it.
struct Browser {
    id: String,
    is_new: bool,
    signed_in: Vec<Uuid>,
}

impl Browser {
    fn keep(&self, mut response: Response<Body>) -> Response<Body> {
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
    fn browser(&self, headers: &HeaderMap) -> Browser {
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

    fn remember(&self, browser: &Browser, user: Uuid) {
        let mut browsers = self.browsers();
        if browsers.len() >= MOST_FLOWS {
            browsers.clear();
        }
        let signed_in = browsers.entry(browser.id.clone()).or_default();
        signed_in.retain(|own| *own != user);
        signed_in.insert(0, user);
    }

    fn keep_flow(&self, flow: Flow) -> String {
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

    /// The next page of a flow, or its end.
    fn go_on(&self, tenant: &str, id: &str, mut flow: Flow, browser: &Browser) -> Response<Body> {
        let place = Place {
            tenant,
            flow: id,
            registration: &flow.registration,
            redirect_uri: &flow.return_to.redirect_uri,
        };
        let Some(user) = flow.user.and_then(|user| self.tenant.user_by_oid(user)) else {
            return self.pick(&place, browser, None);
        };
        let wants_password = flow.prompt.as_deref() == Some("login");
        let is_signed_in = flow.entered || (browser.signed_in.contains(&user.oid) && !wants_password);
        if !is_signed_in {
            return pages::password(&place, user, None);
        }
        if let Some(error) = self.grants.refusal(user.oid) {
            return pages::fault(&error, &self.trace());
        }
        let for_all = flow.code.is_none();
        if for_all && !user.admin {
            return pages::approval(&place, user, &flow.asked.names(), &self.trace());
        }
        let missing = self.missing(&flow, user);
        let asks_again = flow.prompt.as_deref() == Some("consent");
        if for_all || !missing.is_empty() || asks_again {
            let shown = if asks_again || for_all { flow.asked.names() } else { missing };
            let may = user.admin || shown.iter().all(|scope| user_may_consent(scope, self.bars_consent()));
            return if may {
                pages::consent(&place, user, &shown, for_all)
            } else {
                pages::approval(&place, user, &shown, &self.trace())
            };
        }
        flow.user = Some(user.oid);
        self.finish(id, &flow, user)
    }

    fn pick(&self, place: &Place<'_>, browser: &Browser, fault: Option<&str>) -> Response<Body> {
        let known: Vec<&User> =
            browser.signed_in.iter().filter_map(|user| self.tenant.user_by_oid(*user)).collect();
        let others: Vec<&User> =
            self.tenant.users.iter().filter(|user| !browser.signed_in.contains(&user.oid)).collect();
        pages::picker(place, &known, &others, fault)
    }

    /// The scopes that nobody has consented to yet.
    fn missing(&self, flow: &Flow, user: &User) -> BTreeSet<String> {
        let consented = self.grants.consented(user.oid, &flow.registration.client_id);
        flow.asked.names().into_iter().filter(|name| !consented.contains(name)).collect()
    }

    /// Gives the code out.
    fn finish(&self, id: &str, flow: &Flow, user: &User) -> Response<Body> {
        self.flows().remove(id);
        let Some(request) = &flow.code else { return pages::no_flow() };
        let text = format!("1.{}", self.core.chance.secret());
        let code = Code {
            user: user.oid,
            client_id: flow.registration.client_id.clone(),
            redirect_uri: flow.return_to.redirect_uri.clone(),
            scope: request.scope.clone(),
            nonce: request.nonce.clone(),
            challenge: request.challenge.clone(),
            issued: self.core.now(),
            used: false,
        };
        self.grants.keep_code(text.clone(), code);
        let session = self.core.chance.uuid().to_string();
        pages::return_to(&flow.return_to, &[("code", &text), ("session_state", &session)])
    }
}

/// GET authorize.
pub(crate) async fn begin(
    State(state): State<Arc<EntraState>>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let request = match state.request(&tenant, &parameters(&query.unwrap_or_default())) {
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
            [only] if request.login_hint.is_none() => Some(*only),
            _ => None,
        }),
    };
    let is_silent = request.prompt.as_deref() == Some("none");
    let flow = Flow {
        registration: request.registration.clone(),
        return_to: request.return_to.clone(),
        asked: request.asked.clone(),
        prompt: request.prompt.clone(),
        user,
        entered: false,
        begun: state.core.now(),
        code: Some(request),
    };
    if is_silent {
        let signed_in = user.filter(|user| browser.signed_in.contains(user));
        let Some(user) = signed_in.and_then(|user| state.tenant.user_by_oid(user)) else {
            return state.error_back(&flow.return_to, &TokenError::of(50_058), None);
        };
        if !state.missing(&flow, user).is_empty() {
            let mut error = TokenError::of(65_001);
            "consent_required".clone_into(&mut error.error);
            return state.error_back(&flow.return_to, &error, None);
        }
        return state.finish("", &flow, user);
    }
    let id = state.keep_flow(flow.clone());
    if browser.is_new {
        state.browsers().insert(browser.id.clone(), Vec::new());
    }
    browser.keep(state.go_on(&tenant, &id, flow, &browser))
}

/// GET adminconsent.
pub(crate) async fn begin_admin_consent(
    State(state): State<Arc<EntraState>>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let parameters = parameters(&query.unwrap_or_default());
    let (registration, return_to) = match state.return_to(&tenant, &parameters) {
        Ok(found) => found,
        Err(error) => return pages::fault(&error, &state.trace()),
    };
    let scope = parameters.get("scope").map_or("https://graph.microsoft.com/.default", String::as_str);
    let asked = match Asked::read(scope, state.own_resources()) {
        Ok(asked) => asked,
        Err(error) => return state.error_back(&return_to, &error, None),
    };
    let browser = state.browser(&headers);
    let flow = Flow {
        registration,
        return_to,
        asked,
        code: None,
        prompt: None,
        user: None,
        entered: false,
        begun: state.core.now(),
    };
    let id = state.keep_flow(flow.clone());
    if browser.is_new {
        state.browsers().insert(browser.id.clone(), Vec::new());
    }
    browser.keep(state.go_on(&tenant, &id, flow, &browser))
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
        let place = Place {
            tenant: &tenant,
            flow: &id,
            registration: &flow.registration,
            redirect_uri: &flow.return_to.redirect_uri,
        };
        let fault = "We couldn’t find an account with that username. AADSTS50034";
        return browser.keep(state.pick(&place, &browser, Some(fault)));
    };
    flow.user = Some(user.oid);
    flow.entered = false;
    state.flows().insert(id.clone(), flow.clone());
    browser.keep(state.go_on(&tenant, &id, flow, &browser))
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
    if field(&fields, "passwd") != user.password {
        let place = Place {
            tenant: &tenant,
            flow: &id,
            registration: &flow.registration,
            redirect_uri: &flow.return_to.redirect_uri,
        };
        let fault = "Your account or password is incorrect. AADSTS50126";
        return browser.keep(pages::password(&place, user, Some(fault)));
    }
    flow.entered = true;
    state.remember(&browser, user.oid);
    state.flows().insert(id.clone(), flow.clone());
    browser.keep(state.go_on(&tenant, &id, flow, &browser))
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
    let signed_in = flow.user.filter(|user| flow.entered || browser.signed_in.contains(user));
    let Some(user) = signed_in.and_then(|user| state.tenant.user_by_oid(user)) else {
        return pages::no_flow();
    };
    let for_all = flow.code.is_none();
    let names = flow.asked.names();
    match field(&fields, "decision") {
        "accept" => {}
        "switch" => {
            flow.user = None;
            flow.entered = false;
            state.flows().insert(id.clone(), flow.clone());
            return state.go_on(&tenant, &id, flow, &browser);
        }
        "back" => {
            state.flows().remove(&id);
            return state.error_back(&flow.return_to, &TokenError::of(90_094), None);
        }
        _ => {
            state.flows().remove(&id);
            return state.error_back(&flow.return_to, &TokenError::of(65_004), Some("cancel"));
        }
    }
    let may =
        user.admin || (!for_all && names.iter().all(|scope| user_may_consent(scope, state.bars_consent())));
    if !may {
        return state.go_on(&tenant, &id, flow, &browser);
    }
    let client_id = flow.registration.client_id.clone();
    let on_behalf_of_all = for_all || (user.admin && field(&fields, "consent_org") == "on");
    state.grants.consent((!on_behalf_of_all).then_some(user.oid), &client_id, names.iter().cloned());
    if for_all {
        state.flows().remove(&id);
        let scope = names.into_iter().collect::<Vec<_>>().join(" ");
        let tenant = state.tenant.id.to_string();
        return pages::return_to(
            &flow.return_to,
            &[("admin_consent", "True"), ("tenant", &tenant), ("scope", &scope)],
        );
    }
    state.finish(&id, &flow, user)
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
