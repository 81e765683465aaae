//! The sign-in pages. Words are told as Microsoft does: which app, which account, which permissions.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use axum::body::Body;
use axum::extract::RawQuery;
use http::{Response, StatusCode};
use url::Url;

use super::authorize::{Mode, ReturnTo};
use super::errors::{TokenError, Trace};
use super::scopes::{role_words, words};
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
pub(crate) fn password(
    place: &Place<'_>,
    user: &User,
    password: &str,
    fault: Option<&str>,
) -> Response<Body> {
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
        password = escape(password),
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

/// A password expired: a new one is chosen.
pub(crate) fn new_password(place: &Place<'_>, user: &User, fault: Option<&str>) -> Response<Body> {
    let fault = fault.unwrap_or(
        "You need to update your password because this is the first time you are signing in, or because your password has expired. AADSTS50055",
    );
    let content = format!(
        "<p data-testid=\"user\">{upn}</p><h1>Update your password</h1><p class=\"bad\" role=\"alert\" id=\"fault\">{fault}</p>\
         <form method=\"post\" action=\"/{tenant}/login/update\" data-testid=\"new-password\"><input type=\"hidden\" name=\"flow\" value=\"{flow}\">\
         <label for=\"newpasswd\">New password</label><input id=\"newpasswd\" name=\"newpasswd\" type=\"password\" autocomplete=\"new-password\" required>\
         <div class=\"buttons\"><button class=\"go\" type=\"submit\" data-testid=\"sign-in\">Sign in</button></div></form>",
        upn = escape(&user.upn),
        fault = escape(fault),
        tenant = escape(place.tenant),
        flow = escape(place.flow),
    );
    card(StatusCode::OK, "Update your password", &content, &place.forms())
}

/// The second factor, or with `enrolls` its registration.
pub(crate) fn second_factor(place: &Place<'_>, user: &User, enrolls: bool) -> Response<Body> {
    let (title, words, button) = if enrolls {
        (
            "More information required",
            "Your organization needs more information to keep your account secure. Register the Authenticator app of this simulation.",
            "Register and approve",
        )
    } else {
        (
            "Approve sign in request",
            "Open your Authenticator app, and approve the request to sign in. In this simulation the button is the app.",
            "Approve",
        )
    };
    let content = format!(
        "<p data-testid=\"user\">{upn}</p><h1>{title}</h1><p>{words}</p>\
         <form method=\"post\" action=\"/{tenant}/login/mfa\" data-testid=\"second-factor\"><input type=\"hidden\" name=\"flow\" value=\"{flow}\">\
         <div class=\"buttons\"><button class=\"go\" type=\"submit\" name=\"mfa\" value=\"approve\" data-testid=\"approve\">{button}</button>\
         <button type=\"submit\" name=\"mfa\" value=\"deny\" data-testid=\"deny\">Cancel</button></div></form>",
        upn = escape(&user.upn),
        tenant = escape(place.tenant),
        flow = escape(place.flow),
    );
    card(StatusCode::OK, title, &content, &place.forms())
}

/// What a consent screen asks.
pub(crate) struct Asking<'a> {
    pub(crate) scopes: &'a BTreeSet<String>,
    /// Application permissions.
    pub(crate) roles: &'a BTreeSet<String>,
    /// For the whole tenant.
    pub(crate) for_all: bool,
    /// Whether the person may consent for the whole tenant.
    pub(crate) may_for_all: bool,
}

/// The consent screen.
pub(crate) fn consent(place: &Place<'_>, user: &User, asking: &Asking<'_>) -> Response<Body> {
    let organization = if asking.for_all {
        "<p>If you accept, this app will get access to the specified resources for all users in your organization. No one else will be prompted to review these permissions.</p>".to_owned()
    } else if asking.may_for_all {
        "<label class=\"check\"><input type=\"checkbox\" name=\"consent_org\" value=\"on\" data-testid=\"consent-org\"> Consent on behalf of your organization</label>".to_owned()
    } else {
        String::new()
    };
    let roles = asking.roles.iter().fold(String::new(), |mut out, role| {
        let _ = write!(
            out,
            "<li>{} <small class=\"soft\">{} (application)</small></li>",
            escape(role_words(role)),
            escape(role)
        );
        out
    });
    let content = format!(
        "<p data-testid=\"user\">{upn}</p><h1>Permissions requested</h1><p><strong>{app}</strong> <span class=\"soft\">unverified</span></p>\
         <p>{intro}</p><ul class=\"scopes\" data-testid=\"scopes\">{list}</ul>\
         <form method=\"post\" action=\"/{tenant}/login/consent\" data-testid=\"consent\"><input type=\"hidden\" name=\"flow\" value=\"{flow}\">{organization}\
         <p class=\"soft\">Accepting these permissions means that you allow this app to use your data as specified in its terms of service and privacy statement.</p>\
         <div class=\"buttons\"><button class=\"go\" type=\"submit\" name=\"decision\" value=\"accept\" data-testid=\"accept\">Accept</button>\
         <button type=\"submit\" name=\"decision\" value=\"cancel\" data-testid=\"cancel\">Cancel</button></div></form>",
        upn = escape(&user.upn),
        app = escape(&place.registration.name),
        intro = if asking.for_all {
            "This app would like, for your organization, to:"
        } else {
            "This app would like to:"
        },
        list = scope_list(asking.scopes) + &roles,
        tenant = escape(place.tenant),
        flow = escape(place.flow),
    );
    card(StatusCode::OK, "Permissions requested", &content, &place.forms())
}

/// The page where a user may not consent: AADSTS90094, or with `takes_requests` AADSTS90095 and a form to ask for it.
pub(crate) fn approval(
    place: &Place<'_>,
    user: &User,
    scopes: &BTreeSet<String>,
    takes_requests: bool,
    trace: &Trace,
) -> Response<Body> {
    let (title, words, code) = if takes_requests {
        (
            "Approval required",
            "This app requires your admin's approval to do what is listed here. Ask for it, and say why you need it.",
            90_095,
        )
    } else {
        (
            "Need admin approval",
            "This app needs permission to access resources in your organization that only an admin can grant. Ask an admin to grant permission to this app before you can use it.",
            90_094,
        )
    };
    let request = if takes_requests {
        "<label for=\"justification\">Enter justification for requesting this app</label><textarea id=\"justification\" name=\"justification\" rows=\"3\" maxlength=\"500\"></textarea>\
         <div class=\"buttons\"><button class=\"go\" type=\"submit\" name=\"decision\" value=\"request\" data-testid=\"request\">Request approval</button></div>"
    } else {
        ""
    };
    let content = format!(
        "<p data-testid=\"user\">{upn}</p><h1>{title}</h1><p><strong>{app}</strong></p><p>{words}</p>\
         <ul class=\"scopes\" data-testid=\"scopes\">{list}</ul>\
         <form method=\"post\" action=\"/{tenant}/login/consent\" data-testid=\"approval\"><input type=\"hidden\" name=\"flow\" value=\"{flow}\">{request}\
         <div class=\"buttons\"><button type=\"submit\" name=\"decision\" value=\"switch\" data-testid=\"switch\">Have an admin account? Sign in with that account</button>\
         <button type=\"submit\" name=\"decision\" value=\"back\" data-testid=\"back\">Return to the application without granting consent</button></div></form>\
         <p class=\"soft\">AADSTS{code}. Correlation ID: {correlation}</p>",
        upn = escape(&user.upn),
        app = escape(&place.registration.name),
        list = scope_list(scopes),
        tenant = escape(place.tenant),
        flow = escape(place.flow),
        correlation = trace.correlation,
    );
    card(StatusCode::OK, title, &content, &place.forms())
}

/// A request for an administrator's consent was filed.
pub(crate) fn request_sent(place: &Place<'_>, user: &User) -> Response<Body> {
    let content = format!(
        "<p data-testid=\"user\">{upn}</p><h1>Request sent</h1><p data-testid=\"request-sent\">Your admin will review the request for <strong>{app}</strong>. You will be notified when it is decided.</p>\
         <form method=\"post\" action=\"/{tenant}/login/consent\" data-testid=\"approval\"><input type=\"hidden\" name=\"flow\" value=\"{flow}\">\
         <div class=\"buttons\"><button class=\"go\" type=\"submit\" name=\"decision\" value=\"back\" data-testid=\"back\">Back to app</button></div></form>",
        upn = escape(&user.upn),
        app = escape(&place.registration.name),
        tenant = escape(place.tenant),
        flow = escape(place.flow),
    );
    card(StatusCode::OK, "Request sent", &content, &place.forms())
}

/// The page on which a user code is entered.
pub(crate) fn user_code(fault: Option<&str>) -> Response<Body> {
    let fault = fault
        .map(|text| format!("<p class=\"bad\" role=\"alert\" id=\"fault\">{}</p>", escape(text)))
        .unwrap_or_default();
    let content = format!(
        "<h1>Enter code to allow access</h1><p class=\"soft\">Once you enter the code displayed on your app or device, it will have access to your account.</p>{fault}\
         <form method=\"post\" action=\"/devicelogin\" data-testid=\"user-code\"><label for=\"otc\">Code</label>\
         <input id=\"otc\" name=\"otc\" autocomplete=\"off\" required><div class=\"buttons\"><button class=\"go\" type=\"submit\">Next</button></div></form>"
    );
    card(StatusCode::OK, "Enter code", &content, "")
}

/// Asks whether the person means to sign in on the device.
pub(crate) fn device_question(place: &Place<'_>, user: &User) -> Response<Body> {
    let content = format!(
        "<p data-testid=\"user\">{upn}</p><h1>Are you trying to sign in to {app}?</h1>\
         <p>Only continue if you downloaded the app from a store or website that you trust.</p>\
         <form method=\"post\" action=\"/{tenant}/login/device\" data-testid=\"device\"><input type=\"hidden\" name=\"flow\" value=\"{flow}\">\
         <div class=\"buttons\"><button class=\"go\" type=\"submit\" name=\"decision\" value=\"continue\" data-testid=\"continue\">Continue</button>\
         <button type=\"submit\" name=\"decision\" value=\"cancel\" data-testid=\"cancel\">Cancel</button></div></form>",
        upn = escape(&user.upn),
        app = escape(&place.registration.name),
        tenant = escape(place.tenant),
        flow = escape(place.flow),
    );
    card(StatusCode::OK, "Are you trying to sign in?", &content, "")
}

/// The end of the device code flow in the browser.
pub(crate) fn device_over(app: &str, signed_in: bool) -> Response<Body> {
    let words = if signed_in {
        format!("You have signed in to the {app} application on your device. You may now close this window.")
    } else {
        format!(
            "You have not signed in to the {app} application on your device. You may now close this window."
        )
    };
    let content =
        format!("<h1>{app}</h1><p data-testid=\"device-over\">{}</p>", escape(&words), app = escape(app));
    card(StatusCode::OK, "Device", &content, "")
}

/// A fault that is not told to the app.
pub(crate) fn fault(error: &TokenError, trace: &Trace) -> Response<Body> {
    let (title, words) = match error.code {
        53_000..=53_011 => (
            "You cannot access this right now",
            "Your sign-in was successful but does not meet the criteria to access this resource.",
        ),
        _ => ("Sign in", "Sorry, but we’re having trouble signing you in."),
    };
    let content = format!(
        "<h1>{title}</h1><p>{words}</p><p class=\"bad\" role=\"alert\" data-testid=\"error\">{text}</p>\
         <dl><dt>Request Id</dt><dd>{trace}</dd><dt>Correlation Id</dt><dd>{correlation}</dd><dt>Timestamp</dt><dd>{at}</dd></dl>",
        text = escape(&error.short()),
        trace = trace.request,
        correlation = trace.correlation,
        at = trace.timestamp(),
    );
    card(StatusCode::BAD_REQUEST, title, &content, "")
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
