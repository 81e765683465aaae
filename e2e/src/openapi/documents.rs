//! The published documents: finding an operation, and JSON Schema of its bodies.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

/// An OpenAPI document.
pub(super) struct Document {
    pub(super) service: &'static str,
    pub(super) root: Value,
    /// Operations by method, as (path segments, path, method member).
    paths: Vec<(Vec<String>, String)>,
    validators: HashMap<String, jsonschema::Validator>,
}

impl Document {
    /// The documents in order of preference: for Graph the newer slices first.
    pub(super) fn all(specs: &Path) -> anyhow::Result<Vec<Self>> {
        let mut documents = vec![Self::read("jira", &specs.join("jira/jira-openapi.json"))?];
        let folder = specs.join("graph");
        let entries =
            std::fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
        let mut files: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        // `msgraph2026-…` before `msgraph-v1.0-…`, and the JSON document of 2022 last.
        files.sort_by_key(|file| {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (!name.starts_with("msgraph2"), file.extension().is_none_or(|kind| kind != "yml"), name)
        });
        for file in
            files.iter().filter(|file| file.extension().is_some_and(|kind| kind == "yml" || kind == "json"))
        {
            documents.push(Self::read("graph", file)?);
        }
        Ok(documents)
    }

    fn read(service: &'static str, file: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let root: Value = if file.extension().is_some_and(|kind| kind == "json") {
            serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))?
        } else {
            serde_saphyr::from_str(&text).with_context(|| format!("{} is not YAML", file.display()))?
        };
        let paths = root.get("paths").and_then(Value::as_object).into_iter().flat_map(Map::keys);
        let paths = paths.map(|path| (segments(path), path.clone())).collect();
        Ok(Self { service, root, paths, validators: HashMap::new() })
    }

    /// The path item that fits, the one with the fewest variables.
    pub(super) fn find(&self, path: &str, method: &str) -> Option<&str> {
        let wanted = segments(path);
        let fits = |template: &[String]| {
            template.len() == wanted.len()
                && template.iter().zip(&wanted).all(|(part, given)| {
                    part.starts_with('{')
                        || part == given
                        || (self.service == "graph" && part.eq_ignore_ascii_case(given))
                })
        };
        self.paths
            .iter()
            .filter(|(template, path)| fits(template) && self.root["paths"][path].get(method).is_some())
            .min_by_key(|(template, _)| template.iter().filter(|part| part.starts_with('{')).count())
            .map(|(_, path)| path.as_str())
    }

    /// Follows a `$ref` to a parameter, a response or a body.
    pub(super) fn follow<'a>(&'a self, value: &'a Value) -> &'a Value {
        let target = value.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
        target.and_then(|pointer| self.root.pointer(pointer)).unwrap_or(value)
    }

    /// Validates a value against a schema of the document. `key` names the schema for keeping.
    pub(super) fn faults(&mut self, key: &str, schema: &Value, value: &Value) -> Vec<(String, String)> {
        if !self.validators.contains_key(key) {
            let root = self.standalone(schema);
            let is_new = self.root["openapi"].as_str().is_some_and(|version| version.starts_with("3.1"));
            let draft = if is_new { jsonschema::Draft::Draft202012 } else { jsonschema::Draft::Draft4 };
            match jsonschema::options().with_draft(draft).should_validate_formats(false).build(&root) {
                Ok(validator) => {
                    self.validators.insert(key.to_owned(), validator);
                }
                Err(error) => {
                    return vec![(String::new(), format!("the schema of {key} cannot be used: {error}"))];
                }
            }
        }
        list_faults(&self.validators[key], value)
    }

    /// The schema with the components that it reaches, as JSON Schema.
    fn standalone(&self, schema: &Value) -> Value {
        let is_open = self.service == "graph";
        let mut names = BTreeSet::new();
        let mut waiting = vec![schema];
        let mut schemas = Map::new();
        while let Some(next) = waiting.pop() {
            let mut found = Vec::new();
            references(next, &mut found);
            for name in found {
                if names.insert(name.to_owned())
                    && let Some(component) =
                        self.root.pointer("/components/schemas").and_then(|all| all.get(name))
                {
                    schemas.insert(name.to_owned(), convert(component, is_open));
                    waiting.push(component);
                }
            }
        }
        json!({"allOf": [convert(schema, is_open)], "components": {"schemas": schemas}})
    }
}

/// Every fault of a value, as (pointer, words).
pub(super) fn list_faults(validator: &jsonschema::Validator, value: &Value) -> Vec<(String, String)> {
    validator
        .iter_errors(value)
        .map(|fault| {
            let mut what = fault.to_string();
            if what.len() > 400 {
                what = what.chars().take(400).chain("…".chars()).collect();
            }
            (fault.instance_path().to_string(), what)
        })
        .collect()
}

/// Segments of a path as documents write them: without the server's part, `delta()` and
/// `microsoft.graph.delta` as `delta`, `messages('x')` as two.
fn segments(path: &str) -> Vec<String> {
    let path = path.strip_prefix("/v1.0").unwrap_or(path);
    let mut segments = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let part = part.strip_prefix("microsoft.graph.").unwrap_or(part);
        if let Some((name, argument)) =
            part.split_once("('").and_then(|(name, rest)| Some((name, rest.strip_suffix("')")?)))
        {
            segments.extend([name.to_owned(), argument.to_owned()]);
        } else {
            segments.push(part.strip_suffix("()").unwrap_or(part).to_owned());
        }
    }
    segments
}

fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(object) => {
            let target = object.get("$ref").and_then(Value::as_str);
            found.extend(target.and_then(|text| text.strip_prefix("#/components/schemas/")));
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// From an OpenAPI schema to JSON Schema. `is_open` allows unknown properties and needs no type annotation.
fn convert(schema: &Value, is_open: bool) -> Value {
    match schema {
        Value::Object(object) => {
            let mut out = Map::new();
            let nullable = object.get("nullable") == Some(&Value::Bool(true));
            for (name, value) in object {
                // Properties that are called like a keyword come through `properties` and are kept.
                match name.as_str() {
                    "nullable" | "example" | "examples" | "discriminator" | "readOnly" | "writeOnly"
                    | "xml" | "deprecated" | "externalDocs" | "description" | "title" | "default" => {}
                    "additionalProperties" if is_open => {}
                    "required" if value.is_array() => {
                        let kept = value.as_array().into_iter().flatten();
                        let kept: Vec<&Value> =
                            kept.filter(|name| !is_open || *name != "@odata.type").collect();
                        if !kept.is_empty() {
                            out.insert(name.clone(), json!(kept));
                        }
                    }
                    "type" if nullable && value.is_string() => {
                        out.insert(name.clone(), json!([value, "null"]));
                    }
                    "enum" if nullable => {
                        let mut values = value.as_array().cloned().unwrap_or_default();
                        values.push(Value::Null);
                        out.insert(name.clone(), Value::Array(values));
                    }
                    "properties" => {
                        let properties = value.as_object().into_iter().flatten();
                        let properties: Map<String, Value> =
                            properties.map(|(name, value)| (name.clone(), convert(value, is_open))).collect();
                        out.insert(name.clone(), Value::Object(properties));
                    }
                    "enum" | "const" => {
                        out.insert(name.clone(), value.clone());
                    }
                    _ => {
                        out.insert(name.clone(), convert(value, is_open));
                    }
                }
            }
            Value::Object(out)
        }
        Value::Array(values) => Value::Array(values.iter().map(|value| convert(value, is_open)).collect()),
        other => other.clone(),
    }
}
