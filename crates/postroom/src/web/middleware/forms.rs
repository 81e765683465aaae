//! What every request that changes something must prove: that it comes from a page of ours, and from this session.
//!
//! A browser says where a request comes from in `Sec-Fetch-Site`; one that does not is asked by `Origin`. (Our own
//! `no-referrer` makes browsers write `Origin: null`, which proves nothing and counts as silence.) The token in the
//! form, or in the header `x-csrf-token`, decides in any case.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use url::{Position, form_urlencoded};

use super::{LARGEST_FORM, Visitor};
use crate::web::components::Action;
use crate::web::{Problem, Shell};

/// The name of the field that carries the token.
const FIELD: &str = "csrf";

pub(super) async fn prove(State(shell): State<Shell>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    if !from_here(request.headers(), &shell.public_url[Position::BeforeHost..Position::AfterPort]) {
        return refused("it came from another site");
    }
    let Some(visitor) = request.extensions().get::<Visitor>().cloned() else {
        return Problem::internal("a form without a visitor").into_response();
    };
    let given =
        request.headers().get("x-csrf-token").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (given, request) = match given {
        Some(given) => (Some(given), request),
        None => match from_body(request).await {
            Ok(found) => found,
            Err(status) => return Problem::of_status(status).into_response(),
        },
    };
    match given {
        Some(given) if visitor.accepts(&given) => next.run(request).await,
        // A page that stood open while its session ended: what to do is another thing than with a strange form.
        _ if matches!(visitor.signed_in, Ok(None))
            && !matches!(request.uri().path(), "/sign-in" | "/setup" | "/new-password") =>
        {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "Your session has ended, so nothing was changed.",
                "Sign in, then repeat what you did.",
            )
            .with(Action::go("Sign in", "/sign-in").primary())
            .into_response()
        }
        Some(_) => refused("its token is not the session's"),
        None => refused("it has no token"),
    }
}

fn refused(why: &str) -> Response {
    Problem {
        inside: format!("a form was refused: {why}"),
        ..Problem::new(
            StatusCode::FORBIDDEN,
            "This form is no longer valid, so nothing was changed.",
            "Go back, load the page again and repeat what you did. If cookies are off for this site, allow them.",
        )
    }
    .into_response()
}

/// Whether the browser says that the request comes from our own pages, or says nothing. `own` is the public address's host and port:
/// that the request was made to it was checked before.
fn from_here(headers: &HeaderMap, own: &str) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match text("sec-fetch-site") {
        Some("same-origin") => return true,
        Some(_) => return false,
        None => {}
    }
    match text("origin") {
        None | Some("null") => true,
        Some(origin) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some_and(|host| host.eq_ignore_ascii_case(own))
        }
    }
}

/// Takes the token out of a form's body and gives the request back whole.
async fn from_body(request: Request) -> Result<(Option<String>, Request), StatusCode> {
    let kind =
        request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Ok((None, request));
    }
    let (parts, body) = request.into_parts();
    let bytes = match Limited::new(body, LARGEST_FORM).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        Err(_) => return Err(StatusCode::BAD_REQUEST),
    };
    let given =
        form_urlencoded::parse(&bytes).find(|(name, _)| name == FIELD).map(|(_, value)| value.into_owned());
    Ok((given, Request::from_parts(parts, Body::from(bytes))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    /// Promise: a form of another site is refused whatever token it carries.
    #[test]
    fn other_sites_are_told_apart() {
        let from_here = |pairs| super::from_here(&headers(pairs), "a:1");
        assert!(from_here(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(!from_here(&[("sec-fetch-site", "cross-site"), ("origin", "http://a:1")]));
        assert!(!from_here(&[("sec-fetch-site", "same-site")]));
        assert!(!from_here(&[("origin", "http://b:1")]));
        assert!(!from_here(&[("origin", "http://b:1"), ("host", "b:1"), ("x-forwarded-host", "b:1")]));
        assert!(!from_here(&[("origin", "http://a")]));
        assert!(from_here(&[("origin", "http://a:1")]));
        assert!(from_here(&[("host", "a:1")]));
    }
}
