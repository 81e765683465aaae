//! The frame of the simulator's own pages: one style, no script, a policy that lets nothing else in.

use axum::body::Body;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

pub(crate) use crate::exchange::parts::escape;

/// Where the style sheet is, on every service that has pages.
pub(crate) const STYLE: &str = "/simulated/page.css";

/// The style sheet.
pub(crate) async fn style() -> Response<Body> {
    let mut response = Response::new(Body::from(include_str!("page.css")));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
    response
}

/// A small picture for the browser's tab.
pub(crate) async fn icon() -> Response<Body> {
    const ICON: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\"><rect width=\"16\" height=\"16\" rx=\"3\" fill=\"#0f3d75\"/><path d=\"M3 5h10v7H3zM3 5l5 4 5-4\" fill=\"none\" stroke=\"#fff\"/></svg>";
    let mut response = Response::new(Body::from(ICON));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
    response
}

/// A page to be made.
pub(crate) struct Page<'a> {
    pub(crate) status: StatusCode,
    /// Whose page it is: *Microsoft sign-in*, *Outlook*.
    pub(crate) service: &'a str,
    pub(crate) title: &'a str,
    /// Links and words in the head, as HTML.
    pub(crate) head: &'a str,
    /// `narrow` for a single card.
    pub(crate) narrow: bool,
    /// HTML.
    pub(crate) content: &'a str,
    /// Further places that forms may lead to, as in `form-action`.
    pub(crate) forms: &'a str,
}

impl Page<'_> {
    /// The page with its headers.
    pub(crate) fn response(&self) -> Response<Body> {
        let body = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} - {service}, simulated</title>\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><link rel=\"stylesheet\" href=\"{STYLE}\">\
             <link rel=\"icon\" href=\"/simulated/icon.svg\"></head><body><header><p><span class=\"name\">{service}</span> \
             <strong class=\"mark\">Simulated</strong></p>{head}</header><main{narrow}>{content}</main></body></html>\n",
            title = escape(self.title),
            service = escape(self.service),
            head = self.head,
            narrow = if self.narrow { " class=\"narrow\"" } else { "" },
            content = self.content,
        );
        let policy = format!(
            "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' {}",
            self.forms
        );
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, policy.trim_end()),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CACHE_CONTROL, "no-store"),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// Leads on with GET.
pub(crate) fn redirect(to: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(to) {
        headers.insert(header::LOCATION, value);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
    response
}
