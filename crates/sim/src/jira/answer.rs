//! How the site says yes and no: the error bodies of Jira's platform API, and reading of JSON bodies.
//! Bodies marked [R] in the facts are given byte for byte.

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::{BodyExt, Limited};
use serde_json::{Map, Value, json};

/// Largest JSON body that is read, in bytes.
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// A refusal: status, body, and for the person at the simulator a header that says more than Jira would.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) body: RefusalBody,
    /// Sent as `X-Sim-Detail`: what exactly the simulator minds.
    pub(crate) detail: Option<String>,
    pub(crate) failed_sign_in: bool,
}

#[derive(Debug)]
pub(crate) enum RefusalBody {
    Json(String),
    Problem(String),
    Text(&'static str),
}

pub(crate) type Answer = Result<Response, Refusal>;

impl Refusal {
    fn json(status: StatusCode, body: &Value) -> Self {
        let body = RefusalBody::Json(body.to_string());
        Self { status, body, detail: None, failed_sign_in: false }
    }

    /// `{"errorMessages":[message],"errors":{}}`.
    pub(crate) fn message(status: StatusCode, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self::json(status, &json!({"errorMessages": [message], "errors": {}}))
    }

    /// 400 with one message.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::message(StatusCode::BAD_REQUEST, message)
    }

    /// 400 `{"errorMessages":[],"errors":{field:message}}`.
    pub(crate) fn field(field: &str, message: impl Into<String>) -> Self {
        let mut errors = Map::new();
        errors.insert(field.to_owned(), Value::String(message.into()));
        Self::fields(&errors)
    }

    /// 400 with a message for each field.
    pub(crate) fn fields(errors: &Map<String, Value>) -> Self {
        Self::json(StatusCode::BAD_REQUEST, &json!({"errorMessages": [], "errors": errors}))
    }

    /// The comment body is no valid document [R].
    pub(crate) fn comment_body(detail: impl Into<String>) -> Self {
        Self::json(StatusCode::BAD_REQUEST, &json!({"errors": {"comment": "Comment body is not valid!"}}))
            .because(detail)
    }

    /// No such issue, or hidden [R].
    pub(crate) fn no_issue() -> Self {
        Self::message(StatusCode::NOT_FOUND, "Issue does not exist or you do not have permission to see it.")
    }

    /// The body is no JSON [R].
    pub(crate) fn no_json() -> Self {
        let message = "There was an error parsing JSON. Check that your request body is valid.";
        Self::json(StatusCode::BAD_REQUEST, &json!({"errorMessages": [message]}))
    }

    /// The body has a member that the operation does not know, or one of the wrong type.
    pub(crate) fn payload(detail: impl Into<String>) -> Self {
        Self::bad("Invalid request payload. Refer to the REST API documentation and try again.")
            .because(detail)
    }

    /// The removed search [R].
    pub(crate) fn removed_search() -> Self {
        Self::message(
            StatusCode::GONE,
            "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full \
             migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046",
        )
    }

    /// No credentials were given.
    pub(crate) fn sign_in_missing() -> Self {
        Self::json(
            StatusCode::UNAUTHORIZED,
            &json!({"message": "Client must be authenticated to access this resource.", "status-code": 401}),
        )
    }

    /// Credentials were given and are not valid.
    pub(crate) fn sign_in_failed() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            body: RefusalBody::Text("Client must be authenticated to access this resource."),
            detail: None,
            failed_sign_in: true,
        }
    }

    /// Wrong path [R].
    pub(crate) fn no_endpoint(method: &Method, uri: &Uri) -> Self {
        let path = uri.path();
        Self::problem(StatusCode::NOT_FOUND, "Not Found", &format!("No endpoint {method} {path}."), path)
    }

    /// Right path, wrong method.
    pub(crate) fn no_method(method: &Method, uri: &Uri) -> Self {
        let detail = format!("Method '{method}' is not supported.");
        Self::problem(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed", &detail, uri.path())
    }

    fn problem(status: StatusCode, title: &str, detail: &str, instance: &str) -> Self {
        // Written by hand: the recorded answer has its members in this order.
        let text = |text: &str| Value::from(text).to_string();
        let body = format!(
            "{{\"type\":\"about:blank\",\"title\":{},\"status\":{},\"detail\":{},\"instance\":{}}}",
            text(title),
            status.as_u16(),
            text(detail),
            text(instance)
        );
        Self { status, body: RefusalBody::Problem(body), detail: None, failed_sign_in: false }
    }

    /// Adds what the simulator minds.
    pub(crate) fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (kind, body) = match self.body {
            RefusalBody::Json(body) => ("application/json;charset=UTF-8", body),
            RefusalBody::Problem(body) => ("application/problem+json", body),
            RefusalBody::Text(body) => ("text/plain;charset=UTF-8", body.to_owned()),
        };
        let mut response = (self.status, [(header::CONTENT_TYPE, kind)], body).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("OAuth realm=\"jira\""));
        }
        if self.failed_sign_in {
            headers.insert("x-seraph-loginreason", HeaderValue::from_static("AUTHENTICATED_FAILED"));
        }
        let detail = self.detail.map(|detail| detail.escape_default().to_string());
        if let Some(detail) = detail.and_then(|detail| HeaderValue::from_str(&detail).ok()) {
            headers.insert("x-sim-detail", detail);
        }
        response
    }
}

/// 200 with a JSON body.
pub(crate) fn ok(body: &Value) -> Response {
    with_status(StatusCode::OK, body)
}

/// Any status with a JSON body.
pub(crate) fn with_status(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json;charset=UTF-8")], body.to_string()).into_response()
}

/// 204.
pub(crate) fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// A JSON body of any shape.
pub(crate) struct JsonBody(pub(crate) Value);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Refusal> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/json")) {
            let detail = format!("Content-Type is {kind:?}, application/json is needed");
            return Err(Refusal::message(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type")
                .because(detail));
        }
        let body = Limited::new(request.into_body(), BODY_LIMIT)
            .collect()
            .await
            .map_err(|_| Refusal::message(StatusCode::PAYLOAD_TOO_LARGE, "The request body is too large."))?;
        serde_json::from_slice(&body.to_bytes())
            .map(Self)
            .map_err(|error| Refusal::no_json().because(error.to_string()))
    }
}

impl JsonBody {
    /// The body as an object that has no other members than these.
    pub(crate) fn object(self, known: &[&str]) -> Result<Map<String, Value>, Refusal> {
        let Value::Object(object) = self.0 else { return Err(Refusal::payload("the body is not an object")) };
        match object.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(Refusal::payload(format!("unknown member {key:?}"))),
            None => Ok(object),
        }
    }

    /// The body as an object with whatever members.
    pub(crate) fn open_object(self) -> Result<Map<String, Value>, Refusal> {
        match self.0 {
            Value::Object(object) => Ok(object),
            _ => Err(Refusal::payload("the body is not an object")),
        }
    }
}

/// Reads a member that is a list of texts; numbers are taken as texts.
pub(crate) fn texts(body: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(values)) => values
            .iter()
            .map(|value| match value {
                Value::String(text) => Ok(text.clone()),
                Value::Number(number) => Ok(number.to_string()),
                _ => Err(Refusal::payload(format!("{name} is a list of texts"))),
            })
            .collect::<Result<_, _>>()
            .map(Some),
        Some(_) => Err(Refusal::payload(format!("{name} is a list of texts"))),
    }
}

/// Reads a member that is a text.
pub(crate) fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::payload(format!("{name} is a text"))),
    }
}

/// Reads a member that is a whole number.
pub(crate) fn number(body: &Map<String, Value>, name: &str) -> Result<Option<i64>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            value.as_i64().map(Some).ok_or_else(|| Refusal::payload(format!("{name} is a whole number")))
        }
    }
}
