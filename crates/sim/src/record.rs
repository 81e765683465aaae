//! The record of all traffic, one JSON object a line, for checking against published schemas.
//!
//! A line holds `service`, `method`, `path` (with query), `request_headers`, `request_body` or `request_base64`,
//! `status`, `response_headers`, `response_body` or `response_base64`. The value of `Authorization`, cookies and
//! form fields that are secrets are replaced. A connection that was closed without an answer has status 0.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use serde_json::{Map, Value, json};

use crate::faults::Service;

/// Bodies longer than this are cut, unless they are JSON or XML, which is held against schemas as a whole.
const LONGEST_BODY: usize = 256 * 1024;

/// A recording under way.
pub(crate) struct Recorder(Mutex<BufWriter<File>>);

/// One exchange.
pub(crate) struct Exchange<'a> {
    pub(crate) service: Service,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) request_headers: &'a HeaderMap,
    pub(crate) request_body: &'a [u8],
    pub(crate) status: u16,
    pub(crate) response_headers: &'a HeaderMap,
    pub(crate) response_body: &'a [u8],
}

impl Recorder {
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let file =
            File::create(path).with_context(|| format!("the recording {} cannot be made", path.display()))?;
        Ok(Self(Mutex::new(BufWriter::new(file))))
    }

    pub(crate) fn write(&self, exchange: &Exchange<'_>) {
        let mut line = Map::new();
        line.insert("service".to_owned(), exchange.service.name().into());
        line.insert("method".to_owned(), exchange.method.into());
        line.insert("path".to_owned(), exchange.path.into());
        line.insert("request_headers".to_owned(), headers(exchange.request_headers));
        body(&mut line, "request", exchange.request_headers, exchange.request_body);
        line.insert("status".to_owned(), exchange.status.into());
        line.insert("response_headers".to_owned(), headers(exchange.response_headers));
        body(&mut line, "response", exchange.response_headers, exchange.response_body);
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writeln!(file, "{}", Value::Object(line)) {
            tracing::warn!(%error, "the traffic recording cannot be written");
        }
    }

    pub(crate) fn flush(&self) {
        if let Err(error) = self.0.lock().unwrap_or_else(PoisonError::into_inner).flush() {
            tracing::warn!(%error, "the traffic recording cannot be written");
        }
    }
}

fn headers(map: &HeaderMap) -> Value {
    let mut out = Map::new();
    for (name, value) in map {
        let secret = [header::AUTHORIZATION, header::COOKIE, header::SET_COOKIE].contains(name);
        let text = if secret { "replaced".into() } else { String::from_utf8_lossy(value.as_bytes()) };
        match out.get_mut(name.as_str()) {
            Some(Value::String(before)) => *before = format!("{before}, {text}"),
            _ => {
                out.insert(name.as_str().to_owned(), text.into());
            }
        }
    }
    Value::Object(out)
}

fn body(line: &mut Map<String, Value>, side: &str, headers: &HeaderMap, body: &[u8]) {
    if body.is_empty() {
        return;
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.contains("json")
        && let Ok(mut value) = serde_json::from_slice::<Value>(body)
    {
        conceal(&mut value);
        line.insert(format!("{side}_body"), value);
    } else if kind.starts_with("application/x-www-form-urlencoded") {
        let pairs: Map<String, Value> = url::form_urlencoded::parse(body)
            .map(|(name, value)| {
                let value = if is_secret(&name) { "replaced".into() } else { value };
                (name.into_owned(), Value::from(value))
            })
            .collect();
        line.insert(format!("{side}_form"), Value::Object(pairs));
    } else if kind.starts_with("text/xml")
        && let Ok(text) = std::str::from_utf8(body)
    {
        line.insert(format!("{side}_body"), text.into());
    } else {
        let cut = &body[..body.len().min(LONGEST_BODY)];
        line.insert(format!("{side}_base64"), json!(STANDARD.encode(cut)));
    }
}

fn is_secret(name: &str) -> bool {
    [
        "client_secret",
        "client_assertion",
        "refresh_token",
        "access_token",
        "id_token",
        "code",
        "code_verifier",
        "passwd",
    ]
    .contains(&name)
}

/// Replaces tokens in the answer of the token endpoint.
fn conceal(value: &mut Value) {
    if let Value::Object(object) = value {
        for name in ["access_token", "refresh_token", "id_token"] {
            if let Some(secret) = object.get_mut(name) {
                *secret = "replaced".into();
            }
        }
    }
}
