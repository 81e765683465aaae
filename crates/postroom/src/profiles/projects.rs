//! What is known of Jira's projects while rules are decided and saved: issue types, and the fields of their screens. Asked once and
//! believed for some minutes; what Jira refuses is asked anew.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use fault::Fault;
use jira::{Client, CreateField};
use rules::{Allowed, FieldFacts, FieldKind, IssueType, Project};
use serde_json::Value;
use uuid::Uuid;

/// How long an answer is believed.
const FRESH: Duration = Duration::from_mins(10);
/// Values of a field that are kept.
const VALUES: usize = 2_000;

/// A project of a Jira.
type Of = (Uuid, String);

#[derive(Debug, Default)]
struct Kept {
    types: HashMap<Of, (Instant, Vec<jira::IssueType>)>,
    fields: HashMap<(Of, String), (Instant, Vec<FieldFacts>)>,
}

/// What was asked so far. Shared by all of the program.
#[derive(Debug, Default)]
pub struct Projects(Mutex<Kept>);

impl Projects {
    /// A project with its issue types, the fields of one of them filled in: that of this name or id, else that of this other
    /// name or id. `None` where Jira shows no such project.
    ///
    /// # Errors
    /// Jira did not answer, or refused.
    pub async fn known(
        &self,
        client: &Client,
        jira: Uuid,
        key: &str,
        wanted: Option<&str>,
        otherwise: &str,
    ) -> Result<Option<Project>, Fault> {
        let of = (jira, key.to_owned());
        let types = match self.kept(|kept| fresh(kept.types.get(&of))) {
            Some(types) => types,
            None => match client.issue_types(key).await {
                Ok(types) => {
                    let types: Vec<_> = types.into_iter().filter(|kind| !kind.subtask).collect();
                    self.kept(|kept| kept.types.insert(of.clone(), (Instant::now(), types.clone())));
                    types
                }
                // Jira says the same of a project that is not there and of one that is not shown.
                Err(error) if is_of_project(&error.fault) => return Ok(None),
                Err(error) => return Err(error.fault),
            },
        };
        let named = |name: &str| {
            types.iter().find(|kind| kind.id == name || kind.name.to_lowercase() == name.to_lowercase())
        };
        let chosen =
            wanted.and_then(named).or_else(|| named(otherwise)).or(types.first()).map(|kind| kind.id.clone());
        let mut fields = Vec::new();
        if let Some(kind) = &chosen {
            fields = self.fields(client, &of, kind).await?;
        }
        let issue_types = types
            .into_iter()
            .map(|kind| {
                let fields =
                    if Some(&kind.id) == chosen.as_ref() { std::mem::take(&mut fields) } else { Vec::new() };
                IssueType { id: kind.id, name: kind.name, fields }
            })
            .collect();
        Ok(Some(Project { key: key.to_owned(), issue_types }))
    }

    async fn fields(&self, client: &Client, of: &Of, kind: &str) -> Result<Vec<FieldFacts>, Fault> {
        let key = (of.clone(), kind.to_owned());
        if let Some(fields) = self.kept(|kept| fresh(kept.fields.get(&key))) {
            return Ok(fields);
        }
        let fields: Vec<FieldFacts> =
            client.create_fields(&of.1, kind).await.map_err(|error| error.fault)?.iter().map(facts).collect();
        self.kept(|kept| kept.fields.insert(key, (Instant::now(), fields.clone())));
        Ok(fields)
    }

    /// Jira refused what was known of a project: it is asked anew next time.
    pub fn forget(&self, jira: Uuid, key: &str) {
        self.kept(|kept| {
            kept.types.retain(|(of, project), _| !(*of == jira && project == key));
            kept.fields.retain(|((of, project), _), _| !(*of == jira && project == key));
        });
    }

    fn kept<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether Jira says that there is no such project, and not somebody in front of it that there is no Jira.
fn is_of_project(fault: &Fault) -> bool {
    let of_others = ["jira.cloud_id", "jira.client_credentials", "jira.page", "jira.login_page"];
    matches!(fault.status, Some(400 | 404)) && !of_others.contains(&fault.entry.id)
}

fn fresh<T: Clone>(kept: Option<&(Instant, T)>) -> Option<T> {
    kept.filter(|(read, _)| read.elapsed() < FRESH).map(|(_, value)| value.clone())
}

/// A field as rules know it. Source: the create metadata's `schema`, `type`, `items`, `system` and `custom`.
fn facts(field: &CreateField) -> FieldFacts {
    let says = |key: &str| field.schema.get(key).and_then(Value::as_str).unwrap_or_default();
    let (kind, items, custom) = (says("type"), says("items"), says("custom"));
    let allowed: Vec<Allowed> = field.allowed_values.iter().take(VALUES).filter_map(allowed).collect();
    let kind = match (kind, items) {
        ("string", _)
            if custom.ends_with(":textarea") || matches!(says("system"), "description" | "environment") =>
        {
            FieldKind::Document
        }
        ("string", _) if allowed.is_empty() => FieldKind::Text,
        ("number", _) => FieldKind::Number,
        ("date", _) => FieldKind::Date,
        ("array", "string") if allowed.is_empty() => FieldKind::Labels,
        ("option" | "priority" | "securitylevel" | "string", _) => FieldKind::Option,
        ("array", "option" | "component" | "version" | "string") => FieldKind::Options,
        _ => FieldKind::Other,
    };
    FieldFacts {
        id: field.id().to_owned(),
        name: field.name.clone(),
        required: field.required && !field.has_default_value,
        kind,
        allowed,
    }
}

fn allowed(value: &Value) -> Option<Allowed> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let id = text("id").or_else(|| value.get("id").and_then(Value::as_i64).map(|id| id.to_string()))?;
    let name = text("name").or_else(|| text("value")).unwrap_or_else(|| id.clone());
    Some(Allowed { id, name })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Promise: a rule can set what the create screen says it takes; what is unknown is said to be unknown, never guessed.
    #[test]
    fn fields_are_what_jira_says() {
        for (schema, values, kind) in [
            (json!({ "type": "string", "system": "summary" }), json!([]), FieldKind::Text),
            (json!({ "type": "string", "system": "environment" }), json!([]), FieldKind::Document),
            (
                json!({ "type": "string", "custom": "com.atlassian.jira.plugin.system.customfieldtypes:textarea" }),
                json!([]),
                FieldKind::Document,
            ),
            (json!({ "type": "number" }), json!([]), FieldKind::Number),
            (json!({ "type": "date" }), json!([]), FieldKind::Date),
            (json!({ "type": "array", "items": "string", "system": "labels" }), json!([]), FieldKind::Labels),
            (json!({ "type": "priority" }), json!([{ "id": "1", "name": "High" }]), FieldKind::Option),
            (json!({ "type": "option" }), json!([{ "id": 7, "value": "Red" }]), FieldKind::Option),
            (
                json!({ "type": "array", "items": "component" }),
                json!([{ "id": "1", "name": "Web" }]),
                FieldKind::Options,
            ),
            (json!({ "type": "user" }), json!([]), FieldKind::Other),
            (json!(null), json!([]), FieldKind::Other),
        ] {
            let field: CreateField = serde_json::from_value(json!({
                "fieldId": "x", "name": "X", "required": true, "hasDefaultValue": true, "schema": schema, "allowedValues": values,
            }))
            .unwrap();
            let facts = facts(&field);
            assert_eq!(facts.kind, kind, "{schema}");
            assert!(!facts.required);
            assert_eq!(facts.allowed.len(), values.as_array().unwrap().len());
        }
        assert_eq!(
            allowed(&json!({ "id": 7, "value": "Red" })),
            Some(Allowed { id: "7".into(), name: "Red".into() })
        );
    }
}
