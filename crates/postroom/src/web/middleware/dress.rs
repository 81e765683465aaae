//! Errors as pages in the product's look, or as JSON for who asks for that.

use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, header};

use super::{RequestId, Visitor};
use crate::web::frame::Section;
use crate::web::page::ProblemPage;
use crate::web::{Frame, Problem, page};

pub(super) async fn errors(request: Request, next: Next) -> Response {
    let visitor = request.extensions().get::<Visitor>().cloned();
    let reference = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let json = wants_json(request.headers());
    let response = next.run(request).await;
    if !(response.status().is_client_error() || response.status().is_server_error()) || is_dressed(&response)
    {
        return response;
    }
    let problem = response.extensions().get::<Arc<Problem>>().cloned();
    let problem = problem.unwrap_or_else(|| Arc::new(Problem::of_status(response.status())));
    let status = problem.status;
    let mut dressed = if json {
        Json(serde_json::json!({ "what": problem.what, "mend": problem.mend, "reference": reference }))
            .into_response()
    } else {
        let mut frame = match &visitor {
            Some(visitor) => visitor.frame(Section::Outside, title(&problem)),
            None => Frame::outside(title(&problem), crate::web::Theme::System),
        };
        frame.flash = None;
        let template = ProblemPage { frame, status: status.as_u16(), problem: (*problem).clone(), reference };
        page(&template).unwrap_or_else(|_| format!("{} {}\n", problem.what, problem.mend).into_response())
    };
    *dressed.status_mut() = status;
    for name in [header::SET_COOKIE, header::ALLOW, header::RETRY_AFTER] {
        copy(response.headers(), dressed.headers_mut(), &name);
    }
    dressed.extensions_mut().insert(problem);
    dressed
}

fn title(problem: &Problem) -> String {
    problem.what.trim_end_matches('.').to_owned()
}

fn copy(from: &HeaderMap, to: &mut HeaderMap, name: &HeaderName) {
    for value in from.get_all(name) {
        to.append(name.clone(), value.clone());
    }
}

/// Whether a handler wrote the page (a form with its errors) or the document itself.
fn is_dressed(response: &Response) -> bool {
    response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/html") || kind.starts_with("application/json"))
}

fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json") && !accept.contains("text/html"))
}
