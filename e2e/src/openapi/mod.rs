//! Recorded traffic against the published OpenAPI documents.
//!
//! [`check_recording`] reads what the simulator recorded (one exchange a line), finds the operation of each
//! exchange to Graph and Jira, and validates request and response. Where the documents are known to be too strict,
//! the truth is taken instead: Graph allows unknown properties, a PATCH answers 200 with the entity, `sendMail`
//! and `send` answer 202, MIME is sent as `text/plain`, a page of delta is an object with a `value`; and since the
//! Jira document takes any type for rich text, version 3 texts are held against the document format's own schema.
//! `documents` reads the documents and makes JSON Schema of them.

mod documents;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use documents::{Document, list_faults};

/// What a check found.
#[derive(Debug, Default)]
pub struct Report {
    /// Exchanges whose operation was found and checked, the parts of a batch counted one by one.
    pub checked: usize,
    /// Exchanges with Graph or Jira that no document describes, as `METHOD path`, with their number.
    pub unmatched: BTreeMap<String, usize>,
    /// What does not agree with the documents.
    pub violations: Vec<Violation>,
}

/// One disagreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Line of the recording, from 1.
    pub line: usize,
    /// `METHOD path → status`.
    pub exchange: String,
    /// `request` or `response`, then the JSON pointer of the faulty value.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}: {}", self.line, self.exchange, self.place, self.what)
    }
}

/// Checks a recording. `specs` is the folder with `jira/` and `graph/` in it.
///
/// # Errors
/// When the recording or a document cannot be read.
pub fn check_recording(recording: &Path, specs: &Path) -> anyhow::Result<Report> {
    let file = std::fs::File::open(recording)
        .with_context(|| format!("the recording {} cannot be read", recording.display()))?;
    check(BufReader::new(file), specs)
}

/// Checks one value against a component of Graph's documents, such as `microsoft.graph.user`: what is wrong with it.
///
/// # Errors
/// When a document cannot be read, or none has the component.
pub fn check_component(specs: &Path, name: &str, value: &Value) -> anyhow::Result<Vec<String>> {
    let mut documents = Document::all(specs)?;
    let pointer = format!("/components/schemas/{name}");
    let document = documents
        .iter_mut()
        .find(|document| document.service == "graph" && document.root.pointer(&pointer).is_some())
        .with_context(|| format!("no document has {name}"))?;
    let schema = json!({ "$ref": format!("#{pointer}") });
    let found = document.faults(name, &schema, value);
    Ok(found.into_iter().map(|(place, what)| format!("{place}: {what}")).collect())
}

/// Checks a recording from any source of lines.
///
/// # Errors
/// When a line or a document cannot be read.
pub fn check(recording: impl BufRead, specs: &Path) -> anyhow::Result<Report> {
    let mut checker =
        Checker { documents: Document::all(specs)?, rich_text: rich_text(specs)?, report: Report::default() };
    for (position, line) in recording.lines().enumerate() {
        let line = line.with_context(|| format!("line {} of the recording cannot be read", position + 1))?;
        if line.trim().is_empty() {
            continue;
        }
        let entry: Value = serde_json::from_str(&line)
            .with_context(|| format!("line {} of the recording is not JSON", position + 1))?;
        for exchange in Exchange::read(&entry, position + 1) {
            checker.exchange(&exchange);
        }
    }
    Ok(checker.report)
}

/// One request and its answer.
struct Exchange {
    line: usize,
    service: String,
    method: String,
    path: String,
    query: Vec<String>,
    request_type: String,
    request: Option<Value>,
    has_request: bool,
    /// 0 when the connection was cut.
    status: u16,
    response_type: String,
    response: Option<Value>,
    has_other_response: bool,
}

impl Exchange {
    /// The exchanges of a line: itself, or the parts of a Graph batch.
    fn read(entry: &Value, line: usize) -> Vec<Self> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = |side: &str| content_type(entry.get(side));
        let (path, query) = split(&text("path"));
        let number = entry.get("status").and_then(Value::as_u64).unwrap_or(0);
        let whole = Self {
            line,
            service: text("service"),
            method: text("method"),
            path,
            query,
            request_type: kind("request_headers"),
            request: entry.get("request_body").cloned(),
            has_request: ["request_body", "request_base64", "request_form"]
                .iter()
                .any(|name| entry.get(name).is_some()),
            status: u16::try_from(number).unwrap_or(0),
            response_type: kind("response_headers"),
            response: entry.get("response_body").cloned(),
            has_other_response: entry.get("response_base64").is_some(),
        };
        if whole.service == "graph" && whole.path.ends_with("/$batch") { whole.parts() } else { vec![whole] }
    }

    fn parts(&self) -> Vec<Self> {
        let list = |body: Option<&Value>, name: &str| {
            body.and_then(|body| body.get(name)).and_then(Value::as_array).cloned().unwrap_or_default()
        };
        let answers = list(self.response.as_ref(), "responses");
        list(self.request.as_ref(), "requests")
            .into_iter()
            .map(|request| {
                let answer = answers.iter().find(|answer| answer.get("id") == request.get("id"));
                let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
                let (path, query) = split(text("url"));
                let status =
                    answer.and_then(|answer| answer.get("status")).and_then(Value::as_u64).unwrap_or(0);
                Self {
                    line: self.line,
                    service: self.service.clone(),
                    method: text("method").to_owned(),
                    path: format!("/v1.0/{}", path.trim_start_matches('/')),
                    query,
                    request_type: content_type(request.get("headers")),
                    has_request: request.get("body").is_some(),
                    request: request.get("body").filter(|body| !body.is_string()).cloned(),
                    status: u16::try_from(status).unwrap_or(0),
                    response_type: content_type(answer.and_then(|answer| answer.get("headers"))),
                    response: answer
                        .and_then(|answer| answer.get("body"))
                        .filter(|body| !body.is_string())
                        .cloned(),
                    has_other_response: false,
                }
            })
            .collect()
    }

    fn name(&self) -> String {
        format!("{} {} → {}", self.method, self.path, self.status)
    }
}

fn content_type(headers: Option<&Value>) -> String {
    let headers = headers.and_then(Value::as_object);
    let found = headers
        .and_then(|headers| headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type")));
    let text = found.and_then(|(_, value)| value.as_str()).unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Path and the names of the query parameters.
fn split(address: &str) -> (String, Vec<String>) {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let names = query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty());
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    (path.to_owned(), names.map(decode).collect())
}

/// The schema of the document format.
fn rich_text(specs: &Path) -> anyhow::Result<jsonschema::Validator> {
    let file = specs.join("jira/adf-full.json");
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let schema: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))?;
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft4)
        .build(&schema)
        .map_err(|error| anyhow::anyhow!("{} is no schema: {error}", file.display()))
}

struct Checker {
    documents: Vec<Document>,
    rich_text: jsonschema::Validator,
    report: Report,
}

impl Checker {
    fn exchange(&mut self, exchange: &Exchange) {
        let is_api = match exchange.service.as_str() {
            "jira" => exchange.path.starts_with("/rest/"),
            "graph" => true,
            _ => false,
        };
        if !is_api {
            return;
        }
        let method = exchange.method.to_ascii_lowercase();
        let found = self.documents.iter().position(|document| {
            document.service == exchange.service && document.find(&exchange.path, &method).is_some()
        });
        let Some(position) = found else {
            *self.report.unmatched.entry(format!("{} {}", exchange.method, exchange.path)).or_default() += 1;
            return;
        };
        self.report.checked += 1;
        let document = &self.documents[position];
        let Some(path) = document.find(&exchange.path, &method).map(str::to_owned) else { return };
        let item = document.root["paths"][&path].clone();
        let operation = item[&method].clone();
        self.query(exchange, position, &item, &operation);
        self.request(exchange, position, &path, &operation);
        self.response(exchange, position, &path, &item, &operation);
        if exchange.service == "jira" && exchange.path.starts_with("/rest/api/3/") {
            self.rich_texts(exchange);
        }
    }

    fn violation(&mut self, exchange: &Exchange, place: String, what: impl Into<String>) {
        let violation =
            Violation { line: exchange.line, exchange: exchange.name(), place, what: what.into() };
        self.report.violations.push(violation);
    }

    /// Every query parameter must be known (OData's own, with `$`, always are), and required ones be there.
    fn query(&mut self, exchange: &Exchange, position: usize, item: &Value, operation: &Value) {
        let document = &self.documents[position];
        let all = [item, operation]
            .into_iter()
            .filter_map(|part| part.get("parameters"))
            .filter_map(Value::as_array);
        let known: Vec<(String, bool)> = all
            .flatten()
            .map(|parameter| document.follow(parameter))
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| {
                (parameter["name"].as_str().unwrap_or_default().to_owned(), parameter["required"] == true)
            })
            .collect();
        for name in &exchange.query {
            if !name.starts_with('$') && !known.iter().any(|(known, _)| known == name) {
                self.violation(
                    exchange,
                    format!("request ?{name}"),
                    "the operation has no such query parameter",
                );
            }
        }
        for (name, _) in known.iter().filter(|(_, required)| *required) {
            if !exchange.query.contains(name) {
                self.violation(
                    exchange,
                    format!("request ?{name}"),
                    "the required query parameter is missing",
                );
            }
        }
    }

    fn request(&mut self, exchange: &Exchange, position: usize, path: &str, operation: &Value) {
        let document = &self.documents[position];
        let body = document.follow(&operation["requestBody"]).clone();
        let Some(content) = body.get("content").and_then(Value::as_object) else {
            return;
        };
        if !exchange.has_request {
            // An answer that refuses the request is free to have been given a bad one on purpose.
            if body["required"] == true && exchange.status < 400 {
                self.violation(exchange, "request".to_owned(), "the required body is missing");
            }
            return;
        }
        let is_mime = exchange.service == "graph" && exchange.request_type == "text/plain";
        if exchange.request_type != "application/json" {
            if !content.contains_key(&exchange.request_type) && !is_mime {
                let what = format!(
                    "the body is {:?}, the operation takes {:?}",
                    exchange.request_type,
                    content.keys()
                );
                self.violation(exchange, "request".to_owned(), what);
            }
            return;
        }
        let (Some(schema), Some(value)) =
            (content.get("application/json").and_then(|json| json.get("schema")), &exchange.request)
        else {
            return;
        };
        let key = format!("{} {path} request", exchange.method);
        for (place, what) in self.documents[position].faults(&key, schema, value) {
            self.violation(exchange, format!("request {place}"), what);
        }
    }

    fn response(
        &mut self,
        exchange: &Exchange,
        position: usize,
        path: &str,
        item: &Value,
        operation: &Value,
    ) {
        let status = exchange.status;
        if status == 0 {
            return;
        }
        let document = &self.documents[position];
        let responses = &operation["responses"];
        let class = format!("{}XX", status / 100);
        let exact = [status.to_string(), class].into_iter().find_map(|name| responses.get(name));
        let is_sent = ["/sendmail", "/send"].iter().any(|end| path.to_ascii_lowercase().ends_with(end));
        let described = match exact {
            Some(response) => document.follow(response).clone(),
            None if status >= 400 => {
                responses.get("default").map_or(Value::Null, |other| document.follow(other).clone())
            }
            // The truth where the document is wrong.
            None if exchange.service == "graph" && status == 200 && exchange.method == "PATCH" => {
                document.follow(&item["get"]["responses"]["200"]).clone()
            }
            None if exchange.service == "graph" && status == 202 && is_sent => Value::Null,
            None => {
                return self.violation(
                    exchange,
                    "response".to_owned(),
                    "the operation does not answer this status",
                );
            }
        };
        let is_json = exchange.response_type.is_empty() || exchange.response_type == "application/json";
        let schema = described
            .pointer("/content/application~1json/schema")
            .filter(|schema| schema.is_object())
            .cloned();
        let schema = match (schema, &exchange.response) {
            // The Jira document types this list as one object; its own example is a list.
            (Some(schema), Some(Value::Array(_))) if path.ends_with("/remotelink") => {
                Some(json!({"type": "array", "items": schema}))
            }
            (Some(schema), _) => Some(schema),
            (None, Some(body))
                if exchange.service == "jira" && status >= 400 && body.get("errorMessages").is_some() =>
            {
                Some(json!({"$ref": "#/components/schemas/ErrorCollection"}))
            }
            (None, _) => None,
        };
        let Some(schema) = schema else { return };
        let Some(value) = exchange.response.as_ref().filter(|_| is_json) else {
            if status < 300 && exchange.has_other_response {
                self.violation(exchange, "response".to_owned(), "the answer is not JSON");
            }
            return;
        };
        // The document of 2022 gives a delta page as the bare list.
        let page = value.get("value").filter(|_| exchange.service == "graph" && schema["type"] == "array");
        let value = page.unwrap_or(value);
        // A gateway's or the sign-in's own error shape is not the operation's.
        if status >= 400
            && exchange.service == "jira"
            && value.get("errorMessages").is_none()
            && value.get("errors").is_none()
        {
            return;
        }
        let key = format!("{} {path} {status} {}", exchange.method, value.is_array());
        for (place, what) in self.documents[position].faults(&key, &schema, value) {
            self.violation(exchange, format!("response {place}"), what);
        }
    }

    /// Rich texts of requests that were accepted, and of answers.
    fn rich_texts(&mut self, exchange: &Exchange) {
        let mut found = Vec::new();
        if exchange.status < 400 {
            texts(exchange.request.as_ref(), "request", &exchange.path, &mut found);
        }
        texts(exchange.response.as_ref(), "response", &exchange.path, &mut found);
        for (place, text) in found {
            for (inner, what) in list_faults(&self.rich_text, text) {
                self.violation(exchange, format!("{place}{inner}"), what);
            }
        }
    }
}

/// Descriptions, environments and comment bodies in a body.
fn texts<'a>(body: Option<&'a Value>, side: &str, path: &str, found: &mut Vec<(String, &'a Value)>) {
    let Some(body) = body else { return };
    let mut take = |pointer: &str, from: &'a Value, at: &str| {
        if let Some(text) = from.pointer(pointer).filter(|text| !text.is_null()) {
            found.push((format!("{side} {at}{pointer}"), text));
        }
    };
    if path.contains("/comment") {
        take("/body", body, "");
    }
    for pointer in ["/fields/description", "/fields/environment"] {
        take(pointer, body, "");
    }
    for (list, pointers) in [
        ("issues", &["/fields/description", "/fields/environment"][..]),
        ("comments", &["/body"]),
        ("values", if path.contains("/comment") { &["/body"] } else { &[] }),
    ] {
        for (position, entry) in body.get(list).and_then(Value::as_array).into_iter().flatten().enumerate() {
            for pointer in pointers {
                take(pointer, entry, &format!("/{list}/{position}"));
            }
        }
    }
}
