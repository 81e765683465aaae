//! Answers held against the published OpenAPI documents of the platform and of Service Management.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::shared;

pub(super) fn spec() -> Option<&'static Value> {
    static SPEC: OnceLock<Option<Value>> = OnceLock::new();
    SPEC.get_or_init(|| read("specs/jira/jira-openapi.json")).as_ref()
}

fn service_management() -> Option<&'static Value> {
    static SPEC: OnceLock<Option<Value>> = OnceLock::new();
    SPEC.get_or_init(|| read("specs/jira/jsm-openapi.json")).as_ref()
}

fn read(path: &str) -> Option<Value> {
    Some(serde_json::from_str(&shared(path)?).expect("the OpenAPI document is JSON"))
}

/// Panics when the body is not what the document says of this operation and status. Statuses that it does not
/// describe, and bodies without a schema, must be error collections or problem documents when they are errors.
pub(super) fn check(method: &Method, path: &str, status: StatusCode, body: &Value) {
    let is_of_service_management = path.starts_with("/rest/servicedeskapi/");
    let Some(spec) = (if is_of_service_management { service_management() } else { spec() }) else { return };
    let faults = faults(spec, method, path, status, body);
    assert!(faults.is_empty(), "{method} {path} {status}: {faults:#?}\n{body:#}");
}

fn faults(spec: &Value, method: &Method, path: &str, status: StatusCode, body: &Value) -> Vec<String> {
    let schema = operation(spec, method, path)
        .and_then(|operation| operation["responses"].get(status.as_str()))
        .and_then(|response| response.pointer("/content/application~1json/schema"))
        .filter(|schema| schema.is_object());
    let schema = match schema {
        // The document types this list as one object; its own example is a list.
        Some(schema) if path.ends_with("/remotelink") && body.is_array() => {
            json!({"type": "array", "items": schema})
        }
        Some(schema) => schema.clone(),
        None if status.is_client_error() && body.get("type").is_none() && body.get("message").is_none() => {
            json!({"$ref": "#/components/schemas/ErrorCollection"})
        }
        None => return Vec::new(),
    };
    let root = with_components(spec, &schema);
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft4)
        .should_validate_formats(false)
        .build(&root)
        .expect("the schema compiles");
    validator.iter_errors(body).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
}

pub(super) fn operation<'a>(spec: &'a Value, method: &Method, path: &str) -> Option<&'a Value> {
    let wanted: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let parts: Vec<&str> = template.split('/').collect();
        parts.len() == wanted.len()
            && parts.iter().zip(&wanted).all(|(part, wanted)| part.starts_with('{') || part == wanted)
    };
    let paths = spec["paths"].as_object()?;
    let found = paths
        .iter()
        .filter(|(template, _)| fits(template))
        .min_by_key(|(template, _)| template.matches('{').count())?;
    found.1.get(method.as_str().to_ascii_lowercase())
}

/// The schema with the components that it reaches, converted to JSON Schema.
fn with_components(spec: &Value, schema: &Value) -> Value {
    let mut names = BTreeSet::new();
    let mut open = vec![schema.clone()];
    let mut schemas = Map::new();
    while let Some(next) = open.pop() {
        references(&next, &mut |name| {
            if names.insert(name.to_owned()) {
                let component = spec["components"]["schemas"][name].clone();
                schemas.insert(name.to_owned(), convert(component.clone()));
                open.push(component);
            }
        });
    }
    let mut root = convert(schema.clone());
    if let Some(reference) = root.get("$ref").cloned() {
        root = json!({"allOf": [{"$ref": reference}]});
    }
    root["components"] = json!({"schemas": schemas});
    root
}

fn references(value: &Value, found: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(object) => {
            if let Some(name) =
                object.get("$ref").and_then(Value::as_str).and_then(|text| text.rsplit('/').next())
            {
                found(name);
            }
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// From OpenAPI 3.0 to JSON Schema: `nullable` becomes a type.
fn convert(value: Value) -> Value {
    match value {
        Value::Object(mut object) => {
            object.remove("example");
            if object.remove("nullable") == Some(Value::Bool(true))
                && let Some(kind) = object.get("type").cloned()
            {
                object.insert("type".to_owned(), json!([kind, "null"]));
            }
            Value::Object(object.into_iter().map(|(key, value)| (key, convert(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(convert).collect()),
        other => other,
    }
}

/// The check itself finds a wrong body; otherwise it guards nothing.
#[test]
fn a_wrong_answer_is_found() {
    let Some(spec) = spec() else { return };
    let found = |body: &Value| faults(spec, &Method::GET, "/rest/api/3/myself", StatusCode::OK, body);
    assert_eq!(found(&json!({"accountType": "app"})), Vec::<String>::new());
    assert_eq!(found(&json!({"accountType": "robot"})).len(), 1);
    assert_eq!(found(&json!({"invented": 1})).len(), 1);
}
