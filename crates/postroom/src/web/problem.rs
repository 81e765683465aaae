//! What goes wrong while a page is made. The words for the person and the words for the log are different fields.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use store::StoreError;

use super::components::Action;

/// A request that could not be answered as asked. The middleware `dress` turns it into a page.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The status.
    pub status: StatusCode,
    /// What happened, for the person. One sentence.
    pub what: String,
    /// What they can do. One sentence.
    pub mend: String,
    /// A button that does it.
    pub action: Option<Box<Action>>,
    /// For the log only.
    pub inside: String,
}

impl Problem {
    /// A problem with words for the person.
    pub fn new(status: StatusCode, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { status, what: what.into(), mend: mend.into(), action: None, inside: String::new() }
    }

    /// There is no such thing (any more). `thing` as in *message* or *Message Source*.
    pub fn not_found(thing: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            format!("There is no such {thing}."),
            "The address may be mistyped, or it was deleted. Look for it in its list.",
        )
    }

    /// Not allowed in this role.
    pub fn forbidden(needs: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            format!("Your role does not allow this: it needs the role {needs}."),
            "Ask an owner of this installation; Settings shows who they are.",
        )
    }

    /// What was posted cannot be used, for a reason that no field shows.
    pub fn invalid(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, what, mend)
    }

    /// It stands against something that is there.
    pub fn conflict(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, what, mend)
    }

    /// A fault of the catalogue stands against it: who mends it and how, with the portal's page as a button.
    pub fn of_fault(what: &str, fault: &fault::Fault) -> Self {
        let problem = Self::conflict(what, fault.sentence());
        match fault.page() {
            Some(page) => problem.with(Action::leave(page.title, page.address)),
            None => problem,
        }
    }

    /// A fault of the program or of its surroundings; `inside` goes to the log only.
    pub fn internal(inside: impl Into<String>) -> Self {
        Self {
            inside: inside.into(),
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Postroom could not make this page.",
                "Try again. If it stays, send the reference below to whoever runs Postroom: the log says more under it.",
            )
        }
    }

    /// With a button.
    #[must_use]
    pub fn with(self, action: Action) -> Self {
        Self { action: Some(Box::new(action)), ..self }
    }

    /// What a bare status means.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let (what, mend) = match status {
            StatusCode::NOT_FOUND => {
                ("There is no page at this address.", "Check the address, or begin at the overview.")
            }
            StatusCode::METHOD_NOT_ALLOWED => (
                "This address does not take that kind of request.",
                "Go back to the page that you came from and use its buttons.",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => {
                ("What was sent is larger than this page takes.", "Send less at once: up to 1 MiB.")
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT | StatusCode::SERVICE_UNAVAILABLE => (
                "It took too long, so Postroom stopped waiting.",
                "Try again in a minute. What was asked for may have been done: look before you repeat it.",
            ),
            StatusCode::UNAUTHORIZED => ("Nobody is signed in here.", "Sign in, then try again."),
            StatusCode::FORBIDDEN => ("This is not allowed.", "Ask an owner of this installation."),
            StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::BAD_REQUEST
            | StatusCode::UNPROCESSABLE_ENTITY => {
                ("What was sent cannot be read.", "Go back, load the page again and repeat what you did.")
            }
            status if status.is_client_error() => {
                ("This request cannot be answered.", "Go back, load the page again and repeat what you did.")
            }
            _ => return Self { status, ..Self::internal("") },
        };
        Self::new(status, what, mend)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // A plain answer for whoever is not served through `dress`.
        let mut response = (self.status, format!("{} {}\n", self.what, self.mend)).into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let inside = error.to_string();
        let (status, what, mend) = match &error {
            StoreError::DiskFull { .. } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The disk of the database is full, so nothing can be changed.",
                "Make room on it. No mail is lost; Postroom goes on by itself when there is room.",
            ),
            StoreError::Busy { .. } | StoreError::Unreachable { .. } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The database does not answer.",
                "Try again in a minute. If it stays, check that it runs: postroom doctor says more.",
            ),
            StoreError::ReadOnly { .. } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The database cannot be written.",
                "Make the data folder writable for the user that Postroom runs as.",
            ),
            StoreError::Missing { .. } => (
                StatusCode::NOT_FOUND,
                "It is no longer there.",
                "It was deleted meanwhile. Look for it in its list.",
            ),
            StoreError::Conflict { .. } => (
                StatusCode::CONFLICT,
                "Something else stands against this change.",
                "Load the page again to see what is there now, then repeat the change.",
            ),
            _ => return Self::internal(inside),
        };
        Self { inside, ..Self::new(status, what, mend) }
    }
}

impl From<askama::Error> for Problem {
    fn from(error: askama::Error) -> Self {
        Self::internal(format!("a template could not be rendered: {error}"))
    }
}

impl From<fault::Fault> for Problem {
    fn from(fault: fault::Fault) -> Self {
        Self {
            status: StatusCode::BAD_GATEWAY,
            mend: fault.entry.mend.to_owned(),
            inside: format!("{fault}: {}", fault.detail),
            ..Self::of_fault(&format!("{fault}."), &fault)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: every error says what happened and how it is mended, and keeps the inside for the log.
    #[test]
    fn every_status_has_a_mend() {
        for status in (400..=511).filter_map(|status| StatusCode::from_u16(status).ok()) {
            let problem = Problem::of_status(status);
            assert!(problem.what.ends_with('.') && problem.mend.ends_with('.'), "{status}: {problem:?}");
            assert_eq!(problem.status, status);
        }
        let problem = Problem::internal("secret of the inside");
        assert!(!problem.what.contains("inside") && !problem.mend.contains("inside"));
    }
}
