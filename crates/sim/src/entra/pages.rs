//! The sign-in pages. Words are told as Microsoft does: which app, which account, which permissions.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use axum::body::Body;
use axum::extract::RawQuery;
use http::{Response, StatusCode};
use url::Url;

use super::authorize::{Mode, ReturnTo};
use super::errors::{TokenError, Trace};
use super::scopes::words;
use crate::page::{Page, escape};
use crate::tenant::{DOMAIN, Registration, User};

const SERVICE: &str = "Microsoft sign-in";

fn card(status: StatusCode, title: &str, content: &str, forms: &str) -> Response<Body> {
    let content = format!("<div class=\"card\">{content}</div>");
    Page { status, service: SERVICE, title, head: "", narrow: true, content: &content, forms }.response()
}

/// The origin of the redirect URI, which a form's redirect leads to.
pub(crate) fn origin(redirect_uri: &str) -> String {
    let Ok(url) = Url::parse(redirect_uri) else { return String::new() };
    match (url.scheme(), url.host_str(), url.port()) {
        (scheme @ ("http" | "https"), Some(host), Some(port)) => format!("{scheme}://{host}:{port}"),
        (scheme @ ("http" | "https"), Some(host), None) => format!("{scheme}://{host}"),
        (scheme, ..) => format!("{scheme}:"),
    }
}

/// The account picker.
pub(crate) fn picker(
    place: &Place<'_>,
    known: &[&User],
    others: &[&User],
    fault: Option<&str>,
) -> Response<Body> {
    let mut list = String::new();
    for (users, note) in [(known, "Signed in"), (others, "")] {
        for user in users {
            let _ = write!(
                list,
                "<li><button type=\"submit\" name=\"account\" value=\"{upn}\" data-testid=\"account\">{name}<small>{upn}{note}</small></button></li>",
                upn = escape(&user.upn),
                name = escape(&user.name),
                note = if note.is_empty() { String::new() } else { format!(" - {note}") },
            );
        }
    }
    let fault =
        fault.map(|text| format!("<p class=\"bad\" role=\"alert\">{}</p>", escape(text))).unwrap_or_default();
    let content = format!(
        "<h1>Pick an account</h1><p class=\"soft\">to continue to {app}</p>{fault}\
         <form method=\"post\" action=\"/{tenant}/login/account\" data-testid=\"accounts\"><input type=\"hidden\" name=\"flow\" value=\"{flow}\">\
         <ul class=\"accounts\">{list}</ul></form>\
         <form method=\"post\" action=\"/{tenant}/login/account\" data-testid=\"other-account\"><input type=\"hidden\" name=\"flow\" value=\"{flow}\">\
         <label for=\"loginfmt\">Another account</label><input id=\"loginfmt\" name=\"loginfmt\" type=\"email\" autocomplete=\"username\" \
         placeholder=\"someone@{DOMAIN}\"><div class=\"buttons\"><button type=\"submit\" name=\"account\" value=\"other\">Next</button></div></form>",
        app = escape(&place.registration.name),
        tenant = escape(place.tenant),
        flow = escape(place.flow),
    );
    card(StatusCode::OK, "Pick an account", &content, &place.forms())
}

/// What every page of a flow needs.
pub(crate) struct Place<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) flow: &'a str,
    pub(crate) registration: &'a Registration,
    pub(crate) redirect_uri: &'a str,
}

impl Place<'_> {
    fn forms(&self) -> String {
        origin(self.redirect_uri)
    }
}

/// The password page.
pub(crate) fn password(place: &Place<'_>, user: &User, fault: Option<&str>) -> Response<Body> {
    let fault = fault
        .map(|text| format!("<p class=\"bad\" role=\"alert\" id=\"fault\">{}</p>", escape(text)))
        .unwrap_or_default();
    let content = format!(
        "<p data-testid=\"user\">{upn}</p><h1>Enter password</h1>{fault}\
         <form method=\"post\" action=\"/{tenant}/login/password\" data-testid=\"password\"><input type=\"hidden\" name=\"flow\" value=\"{flow}\">\
         <label for=\"passwd\">Password</label><input id=\"passwd\" name=\"passwd\" type=\"password\" autocomplete=\"current-password\" required>\
         <p class=\"soft\">This is a simulation. The password of this account is <code>{password}</code></p>\
         <div class=\"buttons\"><button class=\"go\" type=\"submit\" data-testid=\"sign-in\">Sign in</button></div></form>",
        upn = escape(&user.upn),
        tenant = escape(place.tenant),
        flow = escape(place.flow),
        password = escape(&user.password),
    );
    card(StatusCode::OK, "Enter password", &content, &place.forms())
}

fn scope_list(scopes: &BTreeSet<String>) -> String {
    scopes.iter().fold(String::new(), |mut out, scope| {
        let _ =
            write!(out, "<li>{} <small class=\"soft\">{}</small></li>", escape(words(scope)), escape(scope));
        out
    })
}

/// The consent screen. `for_all` asks an administrator for the whole tenant.
pub(crate) fn consent(
    place: &Place<'_>,
    user: &User,
    scopes: &BTreeSet<String>,
    for_all: bool,
) -> Response<Body> {
    let organization = if for_all {
        "<p>If you accept, this app will get access to the specified resources for all users in your organization. No one else will be prompted to review these permissions.</p>".to_owned()
    } else if user.admin {
        "<label class=\"check\"><input type=\"checkbox\" name=\"consent_org\" value=\"on\" data-testid=\"consent-org\"> Consent on behalf of your organization</label>".to_owned()
    } else {
        String::new()
    };
    let content = format!(
        "<p data-testid=\"user\">{upn}</p><h1>Permissions requested</h1><p><strong>{app}</strong> <span class=\"soft\">unverified</span></p>\
         <p>{intro}</p><ul class=\"scopes\" data-testid=\"scopes\">{list}</ul>\
         <form method=\"post\" action=\"/{tenant}/login/consent\" data-testid=\"consent\"><input type=\"hidden\" name=\"flow\" value=\"{flow}\">{organization}\
         <p class=\"soft\">Accepting these permissions means that you allow this app to use your data as specified in its terms of service and privacy statement.</p>\
         <div class=\"buttons\"><button class=\"go\" type=\"submit\" name=\"decision\" value=\"accept\" data-testid=\"accept\">Accept</button>\
         <button type=\"submit\" name=\"decision\" value=\"cancel\" data-testid=\"cancel\">Cancel</button></div></form>",
        upn = escape(&user.upn),
        app = escape(&place.registration.name),
        intro = if for_all {
            "This app would like, for your organization, to:"
        } else {
            "This app would like to:"
        },
        list = scope_list(scopes),
        tenant = escape(place.tenant),
        flow = escape(place.flow),
    );
    card(StatusCode::OK, "Permissions requested", &content, &place.forms())
}

/// The page where a user may not consent (AADSTS90094).
pub(crate) fn approval(
    place: &Place<'_>,
    user: &User,
    scopes: &BTreeSet<String>,
    trace: &Trace,
) -> Response<Body> {
    let content = format!(
        "<p data-testid=\"user\">{upn}</p><h1>Need admin approval</h1><p><strong>{app}</strong> needs permission to access resources in your organization that only an admin can grant. Ask an admin to grant permission to this app before you can use it.</p>\
         <ul class=\"scopes\" data-testid=\"scopes\">{list}</ul>\
         <form method=\"post\" action=\"/{tenant}/login/consent\" data-testid=\"approval\"><input type=\"hidden\" name=\"flow\" value=\"{flow}\">\
         <div class=\"buttons\"><button type=\"submit\" name=\"decision\" value=\"switch\">Have an admin account? Sign in with that account</button>\
         <button type=\"submit\" name=\"decision\" value=\"back\" data-testid=\"back\">Return to the application without granting consent</button></div></form>\
         <p class=\"soft\">AADSTS90094. Correlation ID: {correlation}</p>",
        upn = escape(&user.upn),
        app = escape(&place.registration.name),
        list = scope_list(scopes),
        tenant = escape(place.tenant),
        flow = escape(place.flow),
        correlation = trace.correlation,
    );
    card(StatusCode::OK, "Need admin approval", &content, &place.forms())
}

/// A fault that is not told to the app.
pub(crate) fn fault(error: &TokenError, trace: &Trace) -> Response<Body> {
    let content = format!(
        "<h1>Sign in</h1><p>Sorry, but we’re having trouble signing you in.</p><p class=\"bad\" role=\"alert\" data-testid=\"error\">{text}</p>\
         <dl><dt>Request Id</dt><dd>{trace}</dd><dt>Correlation Id</dt><dd>{correlation}</dd><dt>Timestamp</dt><dd>{at}</dd></dl>",
        text = escape(&error.short()),
        trace = trace.request,
        correlation = trace.correlation,
        at = trace.timestamp(),
    );
    card(StatusCode::BAD_REQUEST, "Sign in", &content, "")
}

/// A flow that is over.
pub(crate) fn no_flow() -> Response<Body> {
    let content = "<h1>Sign in</h1><p class=\"bad\" role=\"alert\">This sign-in is over or was never begun. Go back to the app and begin it again.</p>";
    card(StatusCode::BAD_REQUEST, "Sign in", content, "")
}

/// Goes back to the app with these parameters.
pub(crate) fn return_to(to: &ReturnTo, parameters: &[(&str, &str)]) -> Response<Body> {
    let mut all: Vec<(&str, &str)> = parameters.to_vec();
    if let Some(state) = &to.state {
        all.push(("state", state));
    }
    if to.mode == Mode::FormPost {
        let fields = all.iter().fold(String::new(), |mut out, (name, value)| {
            let _ = write!(out, "<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value));
            out
        });
        let content = format!(
            "<h1>Signed in</h1><form method=\"post\" action=\"{action}\" data-testid=\"form-post\">{fields}<div class=\"buttons\"><button class=\"go\" type=\"submit\">Continue</button></div></form>",
            action = escape(&to.redirect_uri),
        );
        return card(StatusCode::OK, "Signed in", &content, &origin(&to.redirect_uri));
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
    let joint = match to.mode {
        Mode::Fragment => "#",
        _ if to.redirect_uri.contains('?') => "&",
        _ => "?",
    };
    crate::page::redirect(&format!("{}{joint}{query}", to.redirect_uri))
}

/// `/error?code=50058`: what a code means, for people.
pub(crate) async fn code_lookup(RawQuery(query): RawQuery) -> Response<Body> {
    let parameters = super::authorize::parameters(&query.unwrap_or_default());
    let code: u32 = parameters.get("code").and_then(|code| code.parse().ok()).unwrap_or(0);
    let content = format!("<h1>Error lookup</h1><p>{}</p>", escape(&TokenError::of(code).short()));
    card(StatusCode::OK, "Error lookup", &content, "")
}

pub(crate) async fn welcome() -> Response<Body> {
    let content = "<h1>Microsoft sign-in, simulated</h1><p>An app sends people here to sign in. There is nothing to see without one.</p>";
    card(StatusCode::OK, "Sign in", content, "")
}

pub(crate) async fn nowhere() -> Response<Body> {
    let content = "<h1>Not found</h1><p>This address is none of the sign-in service.</p>";
    card(StatusCode::NOT_FOUND, "Not found", content, "")
}

/// After a sign-out.
pub(crate) fn signed_out() -> Response<Body> {
    card(
        StatusCode::OK,
        "Signed out",
        "<h1>You signed out of your account</h1><p>It is a good idea to close all browser windows.</p>",
        "",
    )
}
