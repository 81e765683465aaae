//! Reading the fields of a create or an edit: each value is checked as Jira checks it, and every complaint
//! is collected, so that one answer names them all.

#![allow(clippy::option_option, reason = "`Some(None)` clears a field, `None` leaves it")]

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::adf;
use super::caller::Version;
use super::document::Document;
use super::settings::{CustomKind, JiraProject};
use super::site::{CustomValue, Directory, Issue, PRIORITIES};

/// Longest summary, in characters.
const SUMMARY_LIMIT: usize = 255;
/// Longest label, in characters.
const LABEL_LIMIT: usize = 255;
const TOO_LONG: &str = "The entered text is too long. It exceeds the allowed limit of 32,767 characters.";
const NO_DOCUMENT: &str = "Operation value must be an Atlassian Document (see the Atlassian Document Format)";

/// What a create or an edit wants to set. An outer `None` leaves the field as it is.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) issue_type: Option<String>,
    pub(crate) summary: Option<String>,
    pub(crate) description: Option<Option<Document>>,
    pub(crate) environment: Option<Option<Document>>,
    pub(crate) priority: Option<String>,
    pub(crate) labels: Option<Vec<String>>,
    pub(crate) reporter: Option<Option<String>>,
    pub(crate) assignee: Option<Option<String>>,
    pub(crate) due: Option<Option<String>>,
    pub(crate) custom: BTreeMap<String, Option<CustomValue>>,
}

/// Reads fields for one project.
pub(crate) struct Reader<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) project: &'a JiraProject,
    pub(crate) version: Version,
    /// Whether the site has a file with this media id.
    pub(crate) has_media: &'a dyn Fn(&str) -> bool,
    /// Complaints so far, by field.
    pub(crate) errors: Map<String, Value>,
    /// What exactly is wrong with a document, for the person at the simulator.
    pub(crate) detail: Option<String>,
}

impl Reader<'_> {
    pub(crate) fn complain(&mut self, field: &str, message: impl Into<String>) {
        self.errors.entry(field.to_owned()).or_insert(Value::String(message.into()));
    }

    /// Sets one field of the draft. `project` is handled by the caller.
    pub(crate) fn set(&mut self, draft: &mut Draft, field: &str, value: &Value) {
        match field {
            "summary" => {
                if let Some(summary) = self.summary(value) {
                    draft.summary = Some(summary);
                }
            }
            "issuetype" => match self.issue_type(value) {
                Some(id) => draft.issue_type = Some(id),
                None => self.complain("issuetype", "Specify a valid issue type"),
            },
            "description" => draft.description = self.document("description", value),
            "environment" => draft.environment = self.document("environment", value),
            "priority" => match priority(value) {
                Some(id) => draft.priority = Some(id),
                None => self.complain("priority", "The priority selected is invalid."),
            },
            "labels" => draft.labels = self.labels("labels", value),
            "reporter" => draft.reporter = self.user("reporter", value),
            "assignee" => draft.assignee = self.user("assignee", value),
            "duedate" => match value {
                Value::Null => draft.due = Some(None),
                Value::String(day) if day.parse::<jiff::civil::Date>().is_ok() => {
                    draft.due = Some(Some(day.clone()));
                }
                _ => self.complain("duedate", "Operation value must be a string in the format yyyy-MM-dd"),
            },
            _ => self.custom(draft, field, value),
        }
    }

    pub(crate) fn unknown(&mut self, field: &str) {
        self.complain(
            field,
            format!("Field '{field}' cannot be set. It is not on the appropriate screen, or unknown."),
        );
    }

    fn summary(&mut self, value: &Value) -> Option<String> {
        let Value::String(text) = value else {
            let missing = value.is_null();
            self.complain(
                "summary",
                if missing {
                    "You must specify a summary of the issue."
                } else {
                    "Operation value must be a string"
                },
            );
            return None;
        };
        if text.trim().is_empty() {
            self.complain("summary", "You must specify a summary of the issue.");
        } else if text.contains(['\n', '\r']) {
            self.complain("summary", "The summary is invalid because it contains newline characters.");
        } else if text.chars().count() > SUMMARY_LIMIT {
            self.complain("summary", "Summary can't exceed 255 characters.");
        } else {
            return Some(text.trim().to_owned());
        }
        None
    }

    /// The issue type of `{"id"}` or `{"name"}` in this project.
    pub(crate) fn issue_type(&self, value: &Value) -> Option<String> {
        let id = id_of(value);
        let name = value.get("name").and_then(Value::as_str);
        let types = &self.project.issue_types;
        types
            .iter()
            .find(|kind| match &id {
                Some(id) => kind.id == *id,
                None => name.is_some_and(|name| kind.name.eq_ignore_ascii_case(name)),
            })
            .map(|kind| kind.id.clone())
    }

    /// Reads a rich text: a valid document in version 3, a text in version 2.
    pub(crate) fn document(&mut self, field: &str, value: &Value) -> Option<Option<Document>> {
        match document(value, self.version, self.has_media) {
            Ok(document) => Some(document),
            Err((message, detail)) => {
                self.complain(field, message);
                self.detail = self.detail.take().or(detail);
                None
            }
        }
    }

    pub(crate) fn labels(&mut self, field: &str, value: &Value) -> Option<Vec<String>> {
        let values = match value {
            Value::Null => &Vec::new(),
            Value::Array(values) => values,
            _ => {
                self.complain(field, "data was not an array");
                return None;
            }
        };
        let mut labels: Vec<String> = Vec::new();
        for (position, value) in values.iter().enumerate() {
            let Some(label) = value.as_str() else {
                self.complain(field, format!("string expected at index {position}"));
                return None;
            };
            if !self.label(field, label) {
                return None;
            }
            if !labels.iter().any(|seen| seen == label) {
                labels.push(label.to_owned());
            }
        }
        Some(labels)
    }

    /// Whether a label is allowed; complains otherwise.
    pub(crate) fn label(&mut self, field: &str, label: &str) -> bool {
        if label.contains(char::is_whitespace) {
            self.complain(field, format!("The label '{label}' contains spaces which is invalid."));
            return false;
        }
        if label.is_empty() || label.chars().count() > LABEL_LIMIT {
            self.complain(field, format!("The label '{label}' must be 1 to {LABEL_LIMIT} characters long."));
            return false;
        }
        true
    }

    fn user(&mut self, field: &str, value: &Value) -> Option<Option<String>> {
        if value.is_null() {
            return Some(None);
        }
        let id = value.get("accountId").and_then(Value::as_str).map(str::to_owned).or_else(|| id_of(value));
        match id {
            Some(id) if field == "assignee" && id == "-1" => Some(None),
            Some(id) if self.directory.user(&id).is_some() => Some(Some(id)),
            Some(id) => {
                self.complain(field, format!("User '{id}' does not exist."));
                None
            }
            None => {
                self.complain(field, "expected Object containing an 'id' or 'accountId' property");
                None
            }
        }
    }

    fn custom(&mut self, draft: &mut Draft, field: &str, value: &Value) {
        let known = self.directory.custom_fields.iter().find(|known| known.id() == field);
        let Some(known) = known.filter(|known| known.is_on(&self.project.key)) else {
            return self.unknown(field);
        };
        if value.is_null() {
            draft.custom.insert(field.to_owned(), None);
            return;
        }
        let read = match &known.kind {
            CustomKind::Text => match value {
                Value::String(text) if text.contains(['\n', '\r']) => {
                    Err("The text is invalid because it contains newline characters.".to_owned())
                }
                Value::String(text) if text.chars().count() > SUMMARY_LIMIT => {
                    Err("The entered text is too long. It exceeds the allowed limit of 255 characters."
                        .to_owned())
                }
                Value::String(text) => Ok(CustomValue::Plain(Value::String(text.clone()))),
                _ => Err("Operation value must be a string".to_owned()),
            },
            CustomKind::TextArea => {
                match self.document(field, value) {
                    Some(Some(document)) => Ok(CustomValue::Rich(document)),
                    // An empty text clears the field; a complaint has been made already otherwise.
                    Some(None) => {
                        draft.custom.insert(field.to_owned(), None);
                        return;
                    }
                    None => return,
                }
            }
            CustomKind::Number => match value {
                Value::Number(_) => Ok(CustomValue::Plain(value.clone())),
                _ => Err("Operation value must be a number".to_owned()),
            },
            CustomKind::Labels => match self.labels(field, value) {
                Some(labels) => Ok(CustomValue::Plain(Value::from(labels))),
                None => return,
            },
            CustomKind::Select(_) => {
                let id = id_of(value);
                let wanted = value.get("value").and_then(Value::as_str);
                let options = known.options();
                let found = options.iter().find(|(option, text)| match &id {
                    Some(id) => option == id,
                    None => wanted == Some(text.as_str()),
                });
                if let Some((option, _)) = found {
                    Ok(CustomValue::Plain(Value::String(option.clone())))
                } else {
                    let shown = id.as_deref().or(wanted).unwrap_or("null");
                    Err(format!("Option value '{shown}' is not valid"))
                }
            }
        };
        match read {
            Ok(value) => {
                draft.custom.insert(field.to_owned(), Some(value));
            }
            Err(message) => self.complain(field, message),
        }
    }

    /// What a create must have: a summary, and the fields that the project requires.
    pub(crate) fn require(&mut self, draft: &Draft) {
        if draft.summary.is_none() {
            self.complain("summary", "You must specify a summary of the issue.");
        }
        let project = &self.project.key;
        let missing: Vec<(String, String)> = self
            .directory
            .custom_fields
            .iter()
            .filter(|field| field.required && field.is_on(project))
            .filter(|field| !matches!(draft.custom.get(&field.id()), Some(Some(_))))
            .map(|field| (field.id(), format!("{} is required.", field.name)))
            .collect();
        for (field, message) in missing {
            self.complain(&field, message);
        }
    }

    /// Applies `update` operations of one field. `current` is the issue being edited, if there is one.
    pub(crate) fn operations(
        &mut self,
        draft: &mut Draft,
        field: &str,
        operations: &Value,
        current: Option<&Issue>,
    ) {
        let Some(operations) = operations.as_array() else {
            return self.complain(field, "data was not an array");
        };
        for operation in operations {
            let Some((name, value)) = operation.as_object().and_then(|object| object.iter().next()) else {
                return self.complain(field, "Operation must be an object with one of set, add, remove");
            };
            match (name.as_str(), field) {
                ("set", _) => self.set(draft, field, value),
                ("add" | "remove", "labels") => {
                    let Some(label) = value.as_str() else {
                        return self.complain(field, "Operation value must be a string");
                    };
                    if !self.label(field, label) {
                        return;
                    }
                    let mut labels = draft
                        .labels
                        .take()
                        .or_else(|| current.map(|issue| issue.labels.clone()))
                        .unwrap_or_default();
                    labels.retain(|seen| seen != label);
                    if name == "add" {
                        labels.push(label.to_owned());
                    }
                    draft.labels = Some(labels);
                }
                _ => {
                    let message = format!("Field '{field}' does not support the operation '{name}'.");
                    return self.complain(field, message);
                }
            }
        }
    }
}

/// Reads a rich text of either version: the message of the refusal, and what exactly is wrong.
pub(crate) fn document(
    value: &Value,
    version: Version,
    has_media: &dyn Fn(&str) -> bool,
) -> Result<Option<Document>, (&'static str, Option<String>)> {
    match (version, value) {
        (_, Value::Null) => Ok(None),
        (Version::Two, Value::String(text)) if text.is_empty() => Ok(None),
        (Version::Two, Value::String(text)) => {
            if text.chars().count() > adf::TEXT_LIMIT {
                return Err((TOO_LONG, None));
            }
            Ok(Some(Document::Wiki(Arc::from(text.as_str()))))
        }
        (Version::Two, _) => Err(("Operation value must be a string", None)),
        (Version::Three, Value::Object(_)) => {
            adf::check(value).map_err(|flaw| (NO_DOCUMENT, Some(flaw.to_string())))?;
            // The longest is counted in characters of the serialised document, the stricter reading.
            if value.to_string().chars().count() > adf::TEXT_LIMIT {
                return Err((TOO_LONG, None));
            }
            if let Some(unknown) = adf::media_ids(value).into_iter().find(|id| !has_media(id)) {
                return Err((
                    "ATTACHMENT_VALIDATION_ERROR",
                    Some(format!("no file with media id {unknown}")),
                ));
            }
            Ok(Some(Document::Adf(Arc::new(value.clone()))))
        }
        (Version::Three, _) => Err((NO_DOCUMENT, Some("the value is not an object".to_owned()))),
    }
}

/// Whether a refusal of [`document`] is about its length.
pub(crate) fn is_too_long(message: &str) -> bool {
    message == TOO_LONG
}

/// `id` of an object, as text or number.
pub(crate) fn id_of(value: &Value) -> Option<String> {
    match value.get("id")? {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

fn priority(value: &Value) -> Option<String> {
    let id = id_of(value);
    let name = value.get("name").and_then(Value::as_str);
    PRIORITIES
        .iter()
        .find(|(own, title)| match &id {
            Some(id) => own == id,
            None => name.is_some_and(|name| title.eq_ignore_ascii_case(name)),
        })
        .map(|(id, _)| (*id).to_owned())
}
