//! Exchange Web Services of a tenant that has them turned off: every call is refused with the reason in a header.

use axum::Router;
use http::{HeaderValue, Response, StatusCode, header};

/// The service.
pub(crate) fn router() -> Router {
    Router::new().fallback(disabled)
}

async fn disabled() -> Response<axum::body::Body> {
    let mut response = Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::FORBIDDEN;
    let headers = response.headers_mut();
    let reason = HeaderValue::from_static("EWS is disabled for this user or tenant");
    headers.insert("x-ews-policy-reason", reason);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    response
}
