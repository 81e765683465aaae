//! What a rule sets, as Jira takes it: a field found by its name or id, a value found among those it allows.

use serde_json::{Value, json};

use crate::condition::nearest;
use crate::facts::{FieldFacts, FieldKind};
use crate::plan::{FieldValue, SetField};

/// A value for a field of the issue type; `values` has more than one for lists only.
///
/// # Errors
/// What is the matter, and what to write instead, in words.
pub fn set(fields: &[FieldFacts], named: &str, values: &[String]) -> Result<SetField, String> {
    let field = find(fields, named)?;
    let value = value(field, values)?;
    Ok(SetField { id: field.id.clone(), name: field.name.clone(), value })
}

/// The field of this id or name, letter case aside.
///
/// # Errors
/// Where there is none, or several of one name.
pub fn find<'a>(fields: &'a [FieldFacts], named: &str) -> Result<&'a FieldFacts, String> {
    if let Some(field) = fields.iter().find(|field| field.id == named) {
        return Ok(field);
    }
    let wanted = named.to_lowercase();
    let mut found = fields.iter().filter(|field| field.name.to_lowercase() == wanted);
    match (found.next(), found.next()) {
        (Some(field), None) => Ok(field),
        (Some(one), Some(other)) => Err(format!(
            "two fields are called `{named}`; write the id of the one that is meant: `{}` or `{}`",
            one.id, other.id
        )),
        _ => {
            let near = nearest(named, fields.iter().map(|field| field.name.as_str()));
            Err(near.map_or_else(
                || {
                    format!(
                        "there is no field `{named}` on the screen that new issues of this type are made with"
                    )
                },
                |near| format!("there is no field `{named}`; did you mean `{near}`?"),
            ))
        }
    }
}

fn value(field: &FieldFacts, values: &[String]) -> Result<FieldValue, String> {
    let name = &field.name;
    let one = || match values {
        [one] => Ok(one.as_str()),
        _ => Err(format!("`{name}` takes one value, not {}", values.len())),
    };
    Ok(match field.kind {
        FieldKind::Text => FieldValue::Json(Value::from(one()?.replace(['\r', '\n'], " "))),
        FieldKind::Document => FieldValue::Document(one()?.to_owned()),
        FieldKind::Number => {
            let text = one()?;
            let number: f64 = text
                .trim()
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .ok_or_else(|| format!("`{name}` takes a number; `{}` is none", short(text)))?;
            FieldValue::Json(json!(number))
        }
        FieldKind::Date => {
            let text = one()?.trim();
            let date: jiff::civil::Date = text.parse().map_err(|_| {
                format!("`{name}` takes a day such as `2026-11-28`; `{}` is none", short(text))
            })?;
            FieldValue::Json(Value::from(date.to_string()))
        }
        FieldKind::Option => FieldValue::Json(json!({ "id": allowed(field, one()?)? })),
        FieldKind::Options => {
            let ids: Result<Vec<Value>, String> =
                values.iter().map(|value| Ok(json!({ "id": allowed(field, value)? }))).collect();
            FieldValue::Json(Value::Array(ids?))
        }
        FieldKind::Labels => {
            let labels: Result<Vec<Value>, String> = values.iter().map(|value| label(name, value)).collect();
            let mut seen = std::collections::HashSet::new();
            let mut labels = labels?;
            labels.retain(|label| seen.insert(label.to_string()));
            FieldValue::Json(Value::Array(labels))
        }
        FieldKind::Other => {
            return Err(format!("`{name}` is a field of a kind that rules cannot set yet"));
        }
    })
}

/// The id of an allowed value, found by id or name, letter case aside.
fn allowed(field: &FieldFacts, value: &str) -> Result<String, String> {
    let value = value.trim();
    if let Some(found) = field.allowed.iter().find(|allowed| allowed.id == value) {
        return Ok(found.id.clone());
    }
    let wanted = value.to_lowercase();
    if let Some(found) = field.allowed.iter().find(|allowed| allowed.name.to_lowercase() == wanted) {
        return Ok(found.id.clone());
    }
    let names: Vec<String> =
        field.allowed.iter().take(12).map(|allowed| format!("`{}`", allowed.name)).collect();
    let more = if field.allowed.len() > 12 { " and more" } else { "" };
    Err(match nearest(value, field.allowed.iter().map(|allowed| allowed.name.as_str())) {
        Some(near) => format!("`{}` does not take `{}`; did you mean `{near}`?", field.name, short(value)),
        None if names.is_empty() => format!("`{}` takes no value in this project", field.name),
        None => {
            format!("`{}` does not take `{}`; it takes {}{more}", field.name, short(value), names.join(", "))
        }
    })
}

/// A label: Jira takes no white space in it, and at most 255 characters.
fn label(field: &str, value: &str) -> Result<Value, String> {
    let label: String = value.split_whitespace().collect::<Vec<_>>().join("-");
    match label.chars().count() {
        0 => Err(format!("a label of `{field}` is empty")),
        1..=255 => Ok(Value::from(label)),
        more => Err(format!("a label of `{field}` has {more} letters; Jira takes 255")),
    }
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}
