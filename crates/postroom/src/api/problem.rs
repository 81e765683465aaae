//! What the API answers instead of what was asked.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use store::StoreError;

use crate::cli::shapes::{ApiProblem, FaultShape};
use crate::web::Problem;

/// A refusal, as JSON.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    problem: ApiProblem,
    inside: String,
}

impl Refused {
    /// A refusal in words.
    pub(super) fn new(status: StatusCode, what: &str, mend: &str) -> Self {
        Self {
            status,
            problem: ApiProblem { what: what.to_owned(), mend: mend.to_owned() },
            inside: String::new(),
        }
    }

    /// There is no such thing.
    pub(super) fn not_found(thing: &str) -> Self {
        Problem::not_found(thing).into()
    }

    /// There is no such address.
    pub(super) fn nothing_here() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "The API has nothing at this address.",
            "Check the address, and that both sides are of the same version.",
        )
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self {
            status: problem.status,
            problem: ApiProblem { what: problem.what, mend: problem.mend },
            inside: problem.inside,
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Problem::from(error).into()
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        if !self.inside.is_empty() {
            tracing::error!(status = self.status.as_u16(), "{}", self.inside);
        }
        (self.status, Json(self.problem)).into_response()
    }
}

/// A fault as the API shows it.
pub(super) fn fault(fault: &fault::Fault) -> FaultShape {
    let code = if fault.code.is_empty() { fault.entry.id.to_owned() } else { fault.code.clone() };
    FaultShape {
        code,
        cause: fault.entry.cause.to_owned(),
        is_guess: fault.is_guess,
        mend: fault.entry.mend.to_owned(),
        who: Some(fault.entry.who.named().to_owned()),
        link: fault.read_more().map(str::to_owned),
        page: fault.page(),
        pages: if fault.page().is_some() { Vec::new() } else { fault.pages() },
        command: fault.command(),
    }
}
