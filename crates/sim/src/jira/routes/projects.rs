//! Projects and what creating or editing an issue in them takes.

use std::sync::Arc;

use axum::extract::{Query, State};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::JiraState;
use super::super::answer::{Answer, Refusal, ok};
use super::super::caller::{Caller, Visitor};
use super::super::settings::{CustomField, CustomKind, JiraProject};
use super::super::show::Show;
use super::super::site::{PRIORITIES, Status};
use super::metadata::{custom_schema, system_schema, tell_sign_in};
use super::{Names, Parameters, expands, find, list, name, page};

/// `GET project`: every project.
pub(crate) async fn all(caller: Caller) -> Answer {
    let show = caller.show();
    Ok(ok(&caller.directory.projects.iter().map(|project| show.project(project)).collect()))
}

/// `GET project/search`. An anonymous visitor, also one with wrong credentials, sees an empty page.
pub(crate) async fn search(visitor: Visitor, Query(parameters): Parameters) -> Answer {
    let (start, most) = page(&parameters, 50, 100)?;
    let viewer = visitor.user.as_ref().map_or("", |user| user.account_id.as_str());
    let show = Show { directory: &visitor.directory, base: &visitor.base, version: visitor.version, viewer };
    let query = parameters.get("query").map(|query| query.to_lowercase()).unwrap_or_default();
    let (keys, ids) = (list(&parameters, "keys"), list(&parameters, "id"));
    let mut fitting: Vec<&JiraProject> = visitor
        .directory
        .projects
        .iter()
        .filter(|project| {
            visitor.user.is_some()
                && (query.is_empty()
                    || project.name.to_lowercase().contains(&query)
                    || project.key.to_lowercase().contains(&query))
                && (keys.is_empty() || keys.contains(&project.key.as_str()))
                && (ids.is_empty() || ids.contains(&project.id.to_string().as_str()))
        })
        .collect();
    fitting.sort_by(|one, other| one.key.cmp(&other.key));
    let total = fitting.len();
    let with_types = expands(&parameters, "issueTypes");
    let values: Vec<Value> = fitting
        .into_iter()
        .skip(start)
        .take(most)
        .map(|project| {
            let mut shown = show.project(project);
            if with_types {
                shown["issueTypes"] = project.issue_types.iter().map(|kind| show.issue_type(kind)).collect();
            }
            shown
        })
        .collect();
    let end = start + values.len();
    let here = |start: usize| show.address(&format!("project/search?maxResults={most}&startAt={start}"));
    let mut body = json!({"self": here(start), "startAt": start, "maxResults": most, "total": total,
        "isLast": end >= total, "values": values});
    if end < total {
        body["nextPage"] = json!(here(end));
    }
    Ok(tell_sign_in(ok(&body), visitor.failed))
}

fn project<'a>(caller: &'a Caller, wanted: &str) -> Result<&'a JiraProject, Refusal> {
    caller.directory.project(wanted).ok_or_else(|| {
        let message = format!("No project could be found with key '{wanted}'.");
        Refusal::message(StatusCode::NOT_FOUND, message)
    })
}

/// `GET project/{project}`.
pub(crate) async fn one(caller: Caller, names: Names) -> Answer {
    Ok(ok(&caller.show().whole_project(project(&caller, name(&names, "project"))?)))
}

/// `GET project/{project}/statuses`: by issue type.
pub(crate) async fn statuses(caller: Caller, names: Names) -> Answer {
    let show = caller.show();
    let statuses: Vec<Value> = Status::ALL.iter().map(|status| show.status(*status)).collect();
    let types = &project(&caller, name(&names, "project"))?.issue_types;
    let shown = types.iter().map(|kind| {
        json!({"self": show.address(&format!("issuetype/{}", kind.id)), "id": kind.id, "name": kind.name,
            "subtask": kind.subtask, "statuses": statuses})
    });
    Ok(ok(&shown.collect()))
}

/// `GET issue/createmeta/{project}/issuetypes`.
pub(crate) async fn issue_types(caller: Caller, names: Names, Query(parameters): Parameters) -> Answer {
    let (start, most) = meta_page(&parameters)?;
    let types = &project(&caller, name(&names, "project"))?.issue_types;
    let show = caller.show();
    let shown: Vec<Value> = types.iter().skip(start).take(most).map(|kind| show.issue_type(kind)).collect();
    Ok(ok(&json!({"startAt": start, "maxResults": most, "total": types.len(), "issueTypes": shown})))
}

/// More than 200 a page is refused here.
fn meta_page(parameters: &std::collections::HashMap<String, String>) -> Result<(usize, usize), Refusal> {
    let (start, most) = page(parameters, 50, usize::MAX)?;
    if most > 200 {
        return Err(Refusal::bad("The maxResults parameter must be between 1 and 200."));
    }
    Ok((start, most))
}

/// `GET issue/createmeta/{project}/issuetypes/{type}`.
pub(crate) async fn create_fields(caller: Caller, names: Names, Query(parameters): Parameters) -> Answer {
    let (start, most) = meta_page(&parameters)?;
    let project = project(&caller, name(&names, "project"))?;
    let wanted = name(&names, "type");
    if !project.issue_types.iter().any(|kind| kind.id == wanted) {
        let message = format!("Issue type with id '{wanted}' does not exist in project '{}'.", project.key);
        return Err(Refusal::message(StatusCode::NOT_FOUND, message));
    }
    let all: Vec<Value> =
        screen(&caller.show(), project, Some(wanted)).into_iter().map(|(_, field)| field).collect();
    let total = all.len();
    let shown: Vec<Value> = all.into_iter().skip(start).take(most).collect();
    Ok(ok(&json!({"startAt": start, "maxResults": most, "total": total, "fields": shown})))
}

/// `GET issue/createmeta`: the older form, one tree.
pub(crate) async fn createmeta(caller: Caller, Query(parameters): Parameters) -> Answer {
    let show = caller.show();
    let (keys, ids) = (list(&parameters, "projectKeys"), list(&parameters, "projectIds"));
    let (types, type_names) = (list(&parameters, "issuetypeIds"), list(&parameters, "issuetypeNames"));
    let with_fields = expands(&parameters, "projects.issuetypes.fields");
    let projects = caller.directory.projects.iter().filter(|project| {
        (keys.is_empty() && ids.is_empty())
            || keys.contains(&project.key.as_str())
            || ids.contains(&project.id.to_string().as_str())
    });
    let shown: Vec<Value> = projects
        .map(|project| {
            let kinds = project.issue_types.iter().filter(|kind| {
                (types.is_empty() || types.contains(&kind.id.as_str()))
                    && (type_names.is_empty() || type_names.contains(&kind.name.as_str()))
            });
            let kinds: Vec<Value> = kinds
                .map(|kind| {
                    let mut shown = show.issue_type(kind);
                    if with_fields {
                        let fields = screen(&show, project, Some(&kind.id)).into_iter();
                        let fields: Map<String, Value> =
                            fields.map(|(id, field)| (id, without_id(field))).collect();
                        shown["fields"] = Value::Object(fields);
                        shown["expand"] = json!("fields");
                    }
                    shown
                })
                .collect();
            let short = show.project(project);
            json!({"self": short["self"], "id": short["id"], "key": short["key"], "name": short["name"],
                "avatarUrls": short["avatarUrls"], "issuetypes": kinds})
        })
        .collect();
    Ok(ok(&json!({"expand": "projects", "projects": shown})))
}

/// `GET issue/{issue}/editmeta`.
pub(crate) async fn editmeta(State(state): State<Arc<JiraState>>, caller: Caller, names: Names) -> Answer {
    let issue = find(&state.site(), &names)?;
    let project = project(&caller, &issue.project.to_string())?;
    let fields: Map<String, Value> = screen(&caller.show(), project, None)
        .into_iter()
        .filter(|(id, _)| id != "project")
        .map(|(id, field)| (id, without_id(field)))
        .collect();
    Ok(ok(&json!({"fields": fields})))
}

fn without_id(mut field: Value) -> Value {
    if let Value::Object(field) = &mut field {
        field.remove("fieldId");
    }
    field
}

/// The fields on the create and edit screens of a project. `kind` is the issue type that is being created.
fn screen(show: &Show<'_>, project: &JiraProject, kind: Option<&str>) -> Vec<(String, Value)> {
    let system = |id: &str, title: &str, required: bool, operations: &[&str]| {
        json!({"fieldId": id, "key": id, "name": title, "required": required, "hasDefaultValue": false,
            "operations": operations, "schema": system_schema(id)})
    };
    let mut project_field = system("project", "Project", true, &["set"]);
    project_field["allowedValues"] = json!([show.project(project)]);
    let mut type_field = system("issuetype", "Issue Type", true, &[]);
    let types = project.issue_types.iter().filter(|own| kind.is_none_or(|kind| own.id == kind));
    type_field["allowedValues"] = types.map(|kind| show.issue_type(kind)).collect();
    let mut priority = system("priority", "Priority", false, &["set"]);
    priority["allowedValues"] = PRIORITIES.iter().map(|(id, _)| show.priority(id)).collect();
    priority["defaultValue"] = show.priority("3");
    priority["hasDefaultValue"] = json!(true);
    let mut fields = vec![
        ("summary".to_owned(), system("summary", "Summary", true, &["set"])),
        ("issuetype".to_owned(), type_field),
        ("project".to_owned(), project_field),
        ("description".to_owned(), system("description", "Description", false, &["set"])),
        ("environment".to_owned(), system("environment", "Environment", false, &["set"])),
        ("priority".to_owned(), priority),
        ("labels".to_owned(), system("labels", "Labels", false, &["add", "set", "remove"])),
        ("reporter".to_owned(), system("reporter", "Reporter", false, &["set"])),
        ("assignee".to_owned(), system("assignee", "Assignee", false, &["set"])),
        ("duedate".to_owned(), system("duedate", "Due date", false, &["set"])),
    ];
    for field in show.directory.custom_fields.iter().filter(|field| field.is_on(&project.key)) {
        fields.push((field.id(), custom_field(show, field)));
    }
    fields
}

fn custom_field(show: &Show<'_>, field: &CustomField) -> Value {
    let mut shown = json!({"fieldId": field.id(), "key": field.id(), "name": field.name, "required": field.required,
        "hasDefaultValue": false, "operations": ["set"], "schema": custom_schema(field)});
    if let CustomKind::Select(_) = field.kind {
        let options = field.options().into_iter().map(|(id, value)| {
            json!({"self": show.address(&format!("customFieldOption/{id}")), "value": value, "id": id})
        });
        shown["allowedValues"] = options.collect();
    }
    shown
}
