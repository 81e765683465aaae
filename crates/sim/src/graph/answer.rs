//! How Graph answers: JSON with its headers, and errors as `{"error":{"code","message","innerError"}}`.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The content type of Graph's JSON.
pub(crate) const JSON: &str =
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/// An answer before it is put on the wire or into a batch.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(status: u16, body: String) -> Self {
        Self { status, headers: Vec::new(), content_type: JSON, body: Bytes::from(body) }
    }

    pub(crate) fn value(status: u16, body: &Value) -> Self {
        Self::json(status, body.to_string())
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), content_type: "", body: Bytes::new() }
    }

    pub(crate) fn bytes(content_type: &'static str, body: Bytes) -> Self {
        Self { status: 200, headers: Vec::new(), content_type, body }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn into_response(self, ids: &RequestIds) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if !self.content_type.is_empty() {
            put(headers, header::CONTENT_TYPE, self.content_type);
        }
        for (name, value) in &self.headers {
            put(headers, HeaderName::from_static(name), value);
        }
        put(headers, header::CACHE_CONTROL, "private");
        put(headers, HeaderName::from_static("odata-version"), "4.0");
        put(headers, HeaderName::from_static("request-id"), &ids.request);
        put(headers, HeaderName::from_static("client-request-id"), &ids.client);
        put(headers, HeaderName::from_static("strict-transport-security"), "max-age=31536000");
        put(
            headers,
            HeaderName::from_static("x-ms-ags-diagnostic"),
            "{\"ServerInfo\":{\"DataCenter\":\"Simulated\",\"Slice\":\"E\",\"Ring\":\"5\",\"ScaleUnit\":\"000\",\"RoleInstance\":\"SIM0001\"}}",
        );
        response
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The ids of a request: ours, and the caller's, which is ours where there is none.
#[derive(Clone, Debug)]
pub(crate) struct RequestIds {
    pub(crate) request: String,
    pub(crate) client: String,
}

/// A refusal.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) headers: Vec<(&'static str, String)>,
}

pub(crate) type Outcome = Result<Answer, Refusal>;

impl Refusal {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), headers: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A page with an item that cannot be read: with a code that says so, or as it was seen in microsoft-graph-docs issue 2913.
    pub(crate) fn corrupt(is_named: bool) -> Self {
        if is_named {
            Self::new(500, "ErrorCorruptData", "Data is corrupt.")
        } else {
            Self::new(500, "InternalServerError", "Error while processing response.")
        }
    }

    /// An item that cannot be read, asked for alone.
    pub(crate) fn corrupt_item() -> Self {
        let message = "Content conversion failed., Content conversion: Body conversion failed.";
        Self::new(500, "ErrorContentConversionFailed", message)
    }

    pub(crate) fn no_item() -> Self {
        Self::new(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    }

    pub(crate) fn no_folder() -> Self {
        Self::new(404, "ErrorFolderNotFound", "The specified folder could not be found in the store.")
    }

    pub(crate) fn malformed_id() -> Self {
        Self::new(400, "ErrorInvalidIdMalformed", "Id is malformed.")
    }

    pub(crate) fn denied() -> Self {
        Self::new(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    }

    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn no_property(name: &str) -> Self {
        Self::new(
            400,
            "RequestBroker--ParseUri",
            format!("Could not find a property named '{name}' on type 'Microsoft.OutlookServices.Message'."),
        )
    }

    /// The answer with its body.
    pub(crate) fn into_answer(self, ids: &RequestIds, now: Timestamp) -> Answer {
        let date = now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let body = json!({"error": {
            "code": self.code,
            "message": self.message,
            "innerError": {"date": date, "request-id": ids.request, "client-request-id": ids.client},
        }});
        let mut answer = Answer::value(self.status, &body);
        answer.content_type = "application/json";
        answer.headers = self.headers;
        answer
    }
}
