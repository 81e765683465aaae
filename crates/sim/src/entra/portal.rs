//! The administration pages: requests for consent, and enterprise applications, each of the administrator's own tenant.
//!
//! - `GET /portal/requests`; `POST /portal/requests` with `request` and `decision=approve|deny|block`
//! - `GET /portal/applications`; `POST /portal/applications` with `client_id` and `action`: `enable`, `disable`,
//!   `require-assignment`, `free-assignment`, `assign` and `unassign` (with `user`), `withdraw` (with `scope`, of everybody),
//!   `delete`
//!
//! Whoever is not signed in is led through the sign-in pages first. A form is carried out only for the browser session that was
//! given it, told by its `token`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use axum::extract::{Form, State};
use http::{HeaderMap, Response, StatusCode};
use uuid::Uuid;

use super::authorize::{Mode, ReturnTo};
use super::requests::{Decision, Outcome};
use super::scopes::{Asked, words};
use super::sign_in::{Browser, Flow, Purpose};
use super::{Authority, EntraState};
use crate::page::{Page, escape, redirect};
use crate::tenant::{Registration, User};

const SERVICE: &str = "Microsoft Entra admin center";
/// The portal's own client id.
const PORTAL: Uuid = Uuid::from_u128(0xc44b_4083_3bb0_49c1_b47d_974e_53cb_df3c);

/// Who may look, and who may decide.
struct Visitor<'a> {
    user: &'a User,
    may_decide: bool,
    token: String,
}

impl EntraState {
    /// The administrator or reviewer of this browser; otherwise the sign-in, or the page that sends others away.
    fn visitor(&self, headers: &HeaderMap, path: &str) -> Result<Visitor<'_>, Box<Response<Body>>> {
        let browser = self.browser(headers);
        let mut stranger = None;
        for (user, proof) in &browser.signed_in {
            let Some(user) = self.tenant.user_by_oid(*user) else { continue };
            if self.objection(user, *proof).is_some() {
                continue;
            }
            let may_decide = self.tenant.may_consent_for_all(user, false);
            let reviewers = self.policies.of(user.tenant).reviewers;
            if may_decide || reviewers.iter().any(|upn| upn.eq_ignore_ascii_case(&user.upn)) {
                return Ok(Visitor { user, may_decide, token: token_of(headers) });
            }
            stranger = Some(user);
        }
        Err(Box::new(match stranger {
            Some(user) => self.sent_away(user, path, &browser),
            None => self.portal_sign_in(path, &browser),
        }))
    }

    fn portal_sign_in(&self, path: &str, browser: &Browser) -> Response<Body> {
        let flow = Flow {
            authority: Authority::Any("organizations".to_owned()),
            registration: Registration::new(PORTAL, self.tenant.id, SERVICE),
            return_to: ReturnTo { redirect_uri: path.to_owned(), mode: Mode::Query, state: None },
            asked: Asked::default(),
            purpose: Purpose::Portal(path.to_owned()),
            prompt: None,
            user: None,
            proof: None,
            begun: self.core.now(),
        };
        self.start("organizations", &flow, browser)
    }

    fn sent_away(&self, user: &User, path: &str, browser: &Browser) -> Response<Body> {
        tracing::debug!(user = %user.upn, path, "somebody without a role came to the administration pages");
        // Another account can be picked at once.
        self.portal_sign_in(path, browser)
    }
}

/// A text that only the browser session which was given the page can send back.
fn token_of(headers: &HeaderMap) -> String {
    let cookies = headers.get_all(http::header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let all: String = cookies.collect();
    hex::encode(digest(&SHA256, format!("portal form {all}").as_bytes()).as_ref())
}

fn page(title: &str, content: &str) -> Response<Body> {
    let head = "<nav><a href=\"/portal/requests\">Admin consent requests</a> <a href=\"/portal/applications\">Enterprise applications</a></nav>";
    Page { status: StatusCode::OK, service: SERVICE, title, head, narrow: false, content, forms: "" }
        .response()
}

fn refused(words: &str) -> Response<Body> {
    let content = format!(
        "<h1>You cannot do this</h1><p class=\"bad\" role=\"alert\" data-testid=\"error\">{}</p>",
        escape(words)
    );
    Page {
        status: StatusCode::FORBIDDEN,
        service: SERVICE,
        title: "You cannot do this",
        head: "",
        narrow: true,
        content: &content,
        forms: "",
    }
    .response()
}

/// GET /portal.
pub(crate) async fn home() -> Response<Body> {
    redirect("/portal/applications")
}

/// GET /portal/requests.
pub(crate) async fn requests(State(state): State<Arc<EntraState>>, headers: HeaderMap) -> Response<Body> {
    let visitor = match state.visitor(&headers, "/portal/requests") {
        Ok(visitor) => visitor,
        Err(other) => return *other,
    };
    let mut list = String::new();
    for request in state.requests.list(Some(visitor.user.tenant)).iter().rev() {
        let scopes = request.scopes.iter().fold(String::new(), |mut out, scope| {
            let _ = write!(
                out,
                "<li>{} <small class=\"soft\">{}</small></li>",
                escape(words(scope)),
                escape(scope)
            );
            out
        });
        let end = match request.outcome {
            Outcome::Approved => "<p class=\"soft\">Approved</p>".to_owned(),
            Outcome::Denied => "<p class=\"soft\">Denied</p>".to_owned(),
            Outcome::Blocked => "<p class=\"soft\">Blocked</p>".to_owned(),
            Outcome::Pending if !visitor.may_decide => "<p class=\"soft\">Pending. You are a reviewer, but your roles do not let you consent for the organization.</p>".to_owned(),
            Outcome::Pending => format!(
                "<form method=\"post\" action=\"/portal/requests\" data-testid=\"decide\"><input type=\"hidden\" name=\"token\" value=\"{token}\">\
                 <input type=\"hidden\" name=\"request\" value=\"{id}\"><div class=\"buttons\">\
                 <button class=\"go\" type=\"submit\" name=\"decision\" value=\"approve\" data-testid=\"approve\">Review permissions and consent</button>\
                 <button type=\"submit\" name=\"decision\" value=\"deny\" data-testid=\"deny\">Deny</button>\
                 <button type=\"submit\" name=\"decision\" value=\"block\" data-testid=\"block\">Block</button></div></form>",
                token = escape(&visitor.token),
                id = request.id,
            ),
        };
        let _ = write!(
            list,
            "<section data-testid=\"request\"><h2>{app}</h2><p>Asked by {user} at {at}</p><p>{why}</p><ul class=\"scopes\">{scopes}</ul>{end}</section>",
            app = escape(&request.app),
            user = escape(&request.user),
            at = request.at.strftime("%Y-%m-%d %H:%M UTC"),
            why = escape(&request.justification),
        );
    }
    if list.is_empty() {
        list.push_str("<p class=\"soft\" data-testid=\"none\">Nobody has asked for anything.</p>");
    }
    let name = state.tenant.name_of(visitor.user.tenant);
    page("Admin consent requests", &format!("<h1>Admin consent requests of {name}</h1>{list}"))
}

type Fields = Form<HashMap<String, String>>;

fn field<'a>(fields: &'a HashMap<String, String>, name: &str) -> &'a str {
    fields.get(name).map_or("", String::as_str)
}

/// POST /portal/requests.
pub(crate) async fn decide_request(
    State(state): State<Arc<EntraState>>,
    headers: HeaderMap,
    Form(fields): Fields,
) -> Response<Body> {
    let visitor = match state.visitor(&headers, "/portal/requests") {
        Ok(visitor) => visitor,
        Err(other) => return *other,
    };
    if !visitor.may_decide {
        return refused("Your roles do not let you consent for the organization.");
    }
    if field(&fields, "token") != visitor.token {
        return refused("This form belongs to another browser session. Open the page again.");
    }
    let id = field(&fields, "request").parse().unwrap_or(0);
    let own = state.requests.list(Some(visitor.user.tenant)).iter().any(|request| request.id == id);
    let Some(decision) = Decision::read(field(&fields, "decision")).filter(|_| own) else {
        return refused("There is no such request.");
    };
    if !state.decide_request(id, decision) {
        return refused("This request has been decided already.");
    }
    redirect("/portal/requests")
}

/// GET /portal/applications.
pub(crate) async fn applications(State(state): State<Arc<EntraState>>, headers: HeaderMap) -> Response<Body> {
    let visitor = match state.visitor(&headers, "/portal/applications") {
        Ok(visitor) => visitor,
        Err(other) => return *other,
    };
    let tenant = visitor.user.tenant;
    let mut list = String::new();
    for (_, client_id, principal) in state.grants.principals().iter().filter(|(own, ..)| *own == tenant) {
        let name = state
            .tenant
            .registration(client_id)
            .map_or_else(|| client_id.clone(), |registration| registration.name);
        let mut permissions = String::new();
        for (user, scopes) in state.grants.consents(tenant, client_id) {
            let who = user
                .and_then(|user| state.tenant.user_by_oid(user))
                .map_or("Admin consent", |user| user.upn.as_str());
            for scope in scopes {
                let _ = write!(
                    permissions,
                    "<tr><td>{scope}</td><td>Delegated</td><td>{who}</td></tr>",
                    scope = escape(&scope),
                    who = escape(who)
                );
            }
        }
        for role in &principal.roles {
            let _ = write!(
                permissions,
                "<tr><td>{}</td><td>Application</td><td>Admin consent</td></tr>",
                escape(role)
            );
        }
        let assigned: Vec<&str> = principal
            .assigned
            .iter()
            .filter_map(|user| state.tenant.user_by_oid(*user))
            .map(|user| user.upn.as_str())
            .collect();
        let (switch, switch_words) =
            if principal.enabled { ("disable", "Disable sign-in") } else { ("enable", "Enable sign-in") };
        let (assignment, assignment_words) = if principal.assignment_required {
            ("free-assignment", "Let everybody in")
        } else {
            ("require-assignment", "Require assignment")
        };
        let _ = write!(
            list,
            "<section data-testid=\"application\"><h2>{name}</h2><dl><dt>Application ID</dt><dd>{client}</dd><dt>Object ID</dt><dd>{object}</dd>\
             <dt>Enabled for users to sign-in</dt><dd>{enabled}</dd><dt>Assignment required</dt><dd>{required}</dd><dt>Assigned</dt><dd>{assigned}</dd>\
             <dt>Made</dt><dd>{made}</dd></dl>\
             <table data-testid=\"permissions\"><thead><tr><th>Permission</th><th>Type</th><th>Granted through</th></tr></thead><tbody>{permissions}</tbody></table>\
             <form method=\"post\" action=\"/portal/applications\"><input type=\"hidden\" name=\"token\" value=\"{token}\"><input type=\"hidden\" name=\"client_id\" value=\"{client}\">\
             <label>User <input name=\"user\" type=\"email\"></label><label>Permission <input name=\"scope\"></label><div class=\"buttons\">\
             <button type=\"submit\" name=\"action\" value=\"{switch}\" data-testid=\"{switch}\">{switch_words}</button>\
             <button type=\"submit\" name=\"action\" value=\"{assignment}\" data-testid=\"{assignment}\">{assignment_words}</button>\
             <button type=\"submit\" name=\"action\" value=\"assign\" data-testid=\"assign\">Assign user</button>\
             <button type=\"submit\" name=\"action\" value=\"unassign\" data-testid=\"unassign\">Remove user</button>\
             <button type=\"submit\" name=\"action\" value=\"withdraw\" data-testid=\"withdraw\">Revoke permission</button>\
             <button type=\"submit\" name=\"action\" value=\"delete\" data-testid=\"delete\">Delete</button></div></form></section>",
            name = escape(&name),
            client = escape(client_id),
            object = principal.object_id,
            enabled = if principal.enabled { "Yes" } else { "No" },
            required = if principal.assignment_required { "Yes" } else { "No" },
            assigned = if assigned.is_empty() { "nobody".to_owned() } else { escape(&assigned.join(", ")) },
            made = principal.made.strftime("%Y-%m-%d %H:%M UTC"),
            token = escape(&visitor.token),
        );
    }
    if list.is_empty() {
        list.push_str("<p class=\"soft\" data-testid=\"none\">There is none.</p>");
    }
    let name = state.tenant.name_of(tenant);
    page("Enterprise applications", &format!("<h1>Enterprise applications of {name}</h1>{list}"))
}

/// POST /portal/applications.
pub(crate) async fn change_application(
    State(state): State<Arc<EntraState>>,
    headers: HeaderMap,
    Form(fields): Fields,
) -> Response<Body> {
    let visitor = match state.visitor(&headers, "/portal/applications") {
        Ok(visitor) => visitor,
        Err(other) => return *other,
    };
    if !visitor.may_decide {
        return refused("Your roles do not let you change applications.");
    }
    if field(&fields, "token") != visitor.token {
        return refused("This form belongs to another browser session. Open the page again.");
    }
    let (tenant, client_id) = (visitor.user.tenant, field(&fields, "client_id"));
    let user = state.tenant.user(field(&fields, "user")).filter(|user| user.tenant == tenant);
    let change = |change: &dyn Fn(&mut super::grants::Principal)| {
        state.grants.change_principal(tenant, client_id, change)
    };
    let done = match (field(&fields, "action"), user) {
        ("enable", _) => change(&|principal| principal.enabled = true),
        ("disable", _) => change(&|principal| principal.enabled = false),
        ("require-assignment", _) => change(&|principal| principal.assignment_required = true),
        ("free-assignment", _) => change(&|principal| principal.assignment_required = false),
        ("assign", Some(user)) => change(&|principal| {
            principal.assigned.insert(user.oid);
        }),
        ("unassign", Some(user)) => change(&|principal| {
            principal.assigned.remove(&user.oid);
        }),
        ("withdraw", user) => {
            let scope = Some(field(&fields, "scope")).filter(|scope| !scope.is_empty());
            state.grants.withdraw(tenant, user.map(|user| user.oid), client_id, scope);
            true
        }
        ("delete", _) => state.grants.delete_principal(tenant, client_id),
        _ => false,
    };
    if done {
        redirect("/portal/applications")
    } else {
        refused("There is no such application, user or action.")
    }
}
