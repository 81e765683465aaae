//! Security headers on every answer.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue, header};

use crate::web::Shell;
use crate::web::page::{FormsLeadTo, IsFile, ShowsMail};

/// A mail's frame: shown by our pages only, no script, no form, nothing from anywhere. Style attributes of the mail are
/// its look and stay; what they could load is cut off by the rest.
const MAIL: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; \
     frame-ancestors 'self'; base-uri 'none'; sandbox allow-popups allow-popups-to-escape-sandbox";

/// A file: a download, whatever a browser makes of it.
const FILE: &str = "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; sandbox";

fn policy(forms_lead_to: Option<&str>) -> String {
    let form_action = forms_lead_to.map(|origin| format!(" {origin}")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         frame-src 'self'; form-action 'self'{form_action}; frame-ancestors 'none'; base-uri 'none'"
    )
}

pub(super) async fn write(State(shell): State<Shell>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let policy = if response.extensions().get::<ShowsMail>().is_some() {
        MAIL.to_owned()
    } else if response.extensions().get::<IsFile>().is_some() {
        FILE.to_owned()
    } else {
        policy(response.extensions().get::<FormsLeadTo>().map(|origin| origin.0.as_str()))
    };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_SECURITY_POLICY, &policy);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    );
    if shell.is_https() {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}
