//! Answers: envelopes, response messages, faults, and what the door answers before SOAP begins.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use super::xml::{ERRORS, MESSAGES, SOAP, TYPES, escape};

/// Why one part of a request was not done: a response message with an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) text: String,
    pub(crate) back_off: Option<u64>,
    /// Further content of `MessageXml`.
    pub(crate) detail: String,
}

impl Refusal {
    pub(crate) fn new(code: &str, text: &str) -> Self {
        Self { code: code.to_owned(), text: text.to_owned(), back_off: None, detail: String::new() }
    }

    pub(crate) fn no_item() -> Self {
        Self::new("ErrorItemNotFound", "The specified object was not found in the store.")
    }

    pub(crate) fn no_folder() -> Self {
        Self::new("ErrorFolderNotFound", "The specified folder could not be found in the store.")
    }

    pub(crate) fn malformed_id() -> Self {
        Self::new("ErrorInvalidIdMalformed", "Id is malformed.")
    }

    pub(crate) fn denied() -> Self {
        Self::new("ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    }

    pub(crate) fn no_mailbox() -> Self {
        Self::new("ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it.")
    }

    fn message_xml(&self) -> String {
        let mut inside = self.detail.clone();
        if let Some(milliseconds) = self.back_off {
            let _ = write!(inside, "<t:Value Name=\"BackOffMilliseconds\">{milliseconds}</t:Value>");
        }
        inside
    }
}

/// Why a request was not done at all: a SOAP fault with status 500.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) Refusal);

impl Fault {
    pub(crate) fn new(code: &str, text: &str) -> Self {
        Self(Refusal::new(code, text))
    }

    /// A breach of the schema, with its place.
    pub(crate) fn schema(what: &str, line: usize, column: usize) -> Self {
        let mut refusal =
            Refusal::new("ErrorSchemaValidation", &format!("The request failed schema validation: {what}"));
        refusal.detail = format!(
            "<t:LineNumber>{line}</t:LineNumber><t:LinePosition>{column}</t:LinePosition><t:Violation>{}</t:Violation>",
            escape(what)
        );
        Self(refusal)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

/// What became of one part: the content of its response message.
pub(crate) type Part = Result<String, Refusal>;

/// What became of an operation.
pub(crate) type Outcome = Result<Vec<Part>, Fault>;

fn document(status: StatusCode, text: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
    response
}

/// The answer of an operation. `empty` is what the schema wants in a message even when it is an error.
pub(crate) fn answer(operation: &str, parts: &[Part], empty: &str) -> Response<Bytes> {
    let mut out = String::with_capacity(1024);
    let _ = write!(
        out,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"{SOAP}\"><s:Header><h:ServerVersionInfo MajorVersion=\"15\" MinorVersion=\"20\" MajorBuildNumber=\"9478\" MinorBuildNumber=\"12\" Version=\"V2018_01_08\" xmlns:h=\"{TYPES}\" xmlns=\"{TYPES}\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"/></s:Header><s:Body xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"><m:{operation}Response xmlns:m=\"{MESSAGES}\" xmlns:t=\"{TYPES}\"><m:ResponseMessages>"
    );
    for part in parts {
        match part {
            Ok(content) => {
                let _ = write!(
                    out,
                    "<m:{operation}ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode>{content}</m:{operation}ResponseMessage>"
                );
            }
            Err(refusal) => {
                let class = if refusal.code == "ErrorBatchProcessingStopped" { "Warning" } else { "Error" };
                let _ = write!(
                    out,
                    "<m:{operation}ResponseMessage ResponseClass=\"{class}\"><m:MessageText>{}</m:MessageText><m:ResponseCode>{}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>",
                    escape(&refusal.text),
                    escape(&refusal.code)
                );
                let inside = refusal.message_xml();
                if !inside.is_empty() {
                    let _ = write!(out, "<m:MessageXml>{inside}</m:MessageXml>");
                }
                let _ = write!(out, "{empty}</m:{operation}ResponseMessage>");
            }
        }
    }
    let _ = write!(out, "</m:ResponseMessages></m:{operation}Response></s:Body></s:Envelope>");
    document(StatusCode::OK, out)
}

/// A SOAP fault.
pub(crate) fn fault(fault: &Fault) -> Response<Bytes> {
    let refusal = &fault.0;
    let inside = refusal.message_xml();
    let xml = if inside.is_empty() {
        String::new()
    } else {
        format!("<t:MessageXml xmlns:t=\"{TYPES}\">{inside}</t:MessageXml>")
    };
    let code = escape(&refusal.code);
    let text = escape(&refusal.text);
    document(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"{SOAP}\"><s:Body><s:Fault><faultcode xmlns:a=\"{TYPES}\">a:{code}</faultcode><faultstring xml:lang=\"en-US\">{text}</faultstring><detail><e:ResponseCode xmlns:e=\"{ERRORS}\">{code}</e:ResponseCode><e:Message xmlns:e=\"{ERRORS}\">{text}</e:Message>{xml}</detail></s:Fault></s:Body></s:Envelope>"
        ),
    )
}

/// An answer without SOAP.
pub(crate) fn plain(status: StatusCode, headers: &[(&'static str, String)]) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    response
}

/// A page in HTML, as the front end answers when it does not reach Exchange.
pub(crate) fn page(status: StatusCode) -> Response<Bytes> {
    let reason = status.canonical_reason().unwrap_or_default();
    let mut response = Response::new(Bytes::from(format!(
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \"http://www.w3.org/TR/html4/strict.dtd\">\r\n<HTML><HEAD><TITLE>{reason}</TITLE></HEAD>\r\n<BODY><h2>{reason}</h2>\r\n<hr><p>HTTP Error {}.</p>\r\n</BODY></HTML>\r\n",
        status.as_u16()
    )));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=us-ascii"));
    response
}
