//! A rendered page as a response.

use askama::Template;
use axum::body::Body;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::{Frame, Problem};

/// Where a page's forms may lead besides Postroom itself; read by the middleware that writes the headers.
#[derive(Clone, Debug)]
pub(super) struct FormsLeadTo(pub(super) String);

/// This response shows mail and has the policy for that.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShowsMail;

/// This response is a file for a person's disk: the policy lets nothing of it run, should a browser show it all the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct IsFile;

/// Bytes that a file name keeps in a header (RFC 8187, `attr-char`).
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How a mail looks that says nothing about it. Mail is written for a light page, so its frame is one in the dark as well.
const MAIL_LOOK: &str = "html{color-scheme:light;background:#fff;color:#1b1d21}body{margin:16px;\
     font:14px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',Arial,sans-serif;overflow-wrap:anywhere}\
     img{max-width:100%;height:auto}table{max-width:100%}pre{white-space:pre-wrap}";

/// Renders a page. It is not kept by caches: it is for one person.
pub fn page(template: &impl Template) -> Result<Response, Problem> {
    let html = template.render()?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Html(html)).into_response())
}

/// Renders a page whose forms lead to another origin in the end (*Sign in with Microsoft*): browsers hold the redirects that
/// follow a form against the page's `form-action`.
pub fn page_leading_to(template: &impl Template, target: &Url) -> Result<Response, Problem> {
    let mut response = page(template)?;
    response.extensions_mut().insert(FormsLeadTo(target.origin().ascii_serialization()));
    Ok(response)
}

/// Shows a mail's HTML, cleaned before, in the frame of a page. It runs no script, sends no form and loads nothing from
/// anywhere; pictures only as `data:`.
pub fn mail_frame(cleaned: String) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let head = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Mail</title><style>{MAIL_LOOK}</style><body>"
    );
    let document = [head, cleaned].concat();
    let mut response = (headers, Html(document)).into_response();
    response.extensions_mut().insert(ShowsMail);
    response
}

/// A file to be kept, never shown: its name may be what a stranger wrote. `kind` is what programs take it for.
pub fn file(name: &str, kind: &'static str, body: Body) -> Response {
    let name = utf8_percent_encode(name, KEPT);
    let disposition = HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{name}"))
        .unwrap_or(HeaderValue::from_static("attachment"));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let mut response = (headers, body).into_response();
    response.extensions_mut().insert(IsFile);
    response
}

/// Leaves for another site by a page that says so: unlike a redirect after a form it is bound to no `form-action`, so
/// that sites which pass the person on to a third one work too.
#[derive(Template)]
#[template(path = "web/leave.html")]
pub struct Leave {
    /// The frame.
    pub frame: Frame,
    /// The address.
    pub to: String,
    /// Whose it is, for example `Microsoft`.
    pub name: String,
}

/// A page in place of one that could not be made.
#[derive(Template)]
#[template(path = "web/problem.html")]
pub struct ProblemPage {
    /// The frame.
    pub frame: Frame,
    /// The status as a number.
    pub status: u16,
    /// The problem.
    pub problem: Problem,
    /// By which the log knows the request.
    pub reference: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a form that leads to Microsoft is let through to there and nowhere else.
    #[test]
    fn forms_lead_where_they_are_said_to() {
        let frame = Frame::outside("Going", super::super::Theme::System);
        let leave =
            Leave { frame, to: "https://login.example.com/x?state=\"><b>".into(), name: "Microsoft".into() };
        let target =
            Url::parse("https://login.example.com/common/oauth2/v2.0/authorize?state=secret").unwrap();
        let response = page_leading_to(&leave, &target).unwrap();
        let origin = response.extensions().get::<FormsLeadTo>().unwrap();
        assert_eq!(origin.0, "https://login.example.com", "the origin alone, no query");
        assert!(!leave.render().unwrap().contains("\"><b>"));
    }

    /// Promise: mail is shown under the policy for mail.
    #[test]
    fn mail_has_its_own_policy() {
        assert!(mail_frame("<p>x</p>".into()).extensions().get::<ShowsMail>().is_some());
    }
}
