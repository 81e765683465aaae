//! What the site says of itself: server info, fields, priorities, types, statuses.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::super::JiraState;
use super::super::answer::{Answer, Refusal, ok};
use super::super::caller::{Caller, Entrance, Visitor};
use super::super::settings::{CustomField, CustomKind};
use super::super::show::moment;
use super::super::site::{PRIORITIES, Status};
use super::{Names, Parameters, name, page};

/// `GET serverInfo`: readable by anybody. Wrong credentials are answered 200 as for an anonymous visitor,
/// with a header that tells.
pub(crate) async fn server_info(State(state): State<Arc<JiraState>>, visitor: Visitor) -> Response {
    let mut body = json!({
        "baseUrl": &*visitor.base,
        "displayUrl": &*visitor.base,
        "version": "1001.0.0-SNAPSHOT",
        "versionNumbers": [1001, 0, 0],
        "deploymentType": "Cloud",
        "buildNumber": 100_290,
        "buildDate": "2026-11-20T04:13:27.000+0000",
        "scmInfo": "57a0ca5b00000000000000000000000000000000",
        "serverTitle": state.title,
        "serverTimeZone": "Etc/UTC",
    });
    if visitor.entrance == Entrance::DataCenter {
        body["version"] = json!("10.3.12");
        body["versionNumbers"] = json!([10, 3, 12]);
        body["deploymentType"] = json!("Server");
    }
    if visitor.user.is_some() {
        body["serverTime"] = json!(moment(state.now()));
    }
    tell_sign_in(ok(&body), visitor.failed)
}

/// Puts `X-Seraph-LoginReason` on an anonymous answer to wrong credentials.
pub(crate) fn tell_sign_in(mut response: Response, failed: bool) -> Response {
    if failed {
        response
            .headers_mut()
            .insert("x-seraph-loginreason", HeaderValue::from_static("AUTHENTICATED_FAILED"));
    }
    response
}

/// `GET /_edge/tenant_info`: the cloud id, for anybody.
pub(crate) async fn tenant_info(State(state): State<Arc<JiraState>>) -> Response {
    ok(&json!({"cloudId": state.cloud_id()}))
}

/// A field that every issue has: id, name, JQL names, schema type, items of a list.
type SystemField = (&'static str, &'static str, &'static [&'static str], &'static str, Option<&'static str>);

const SYSTEM_FIELDS: [SystemField; 22] = [
    ("summary", "Summary", &["summary"], "string", None),
    ("issuetype", "Issue Type", &["issuetype", "type"], "issuetype", None),
    ("project", "Project", &["project"], "project", None),
    ("status", "Status", &["status"], "status", None),
    ("statusCategory", "Status Category", &["statusCategory"], "statusCategory", None),
    ("priority", "Priority", &["priority"], "priority", None),
    ("labels", "Labels", &["labels"], "array", Some("string")),
    ("description", "Description", &["description"], "string", None),
    ("environment", "Environment", &["environment"], "string", None),
    ("creator", "Creator", &["creator"], "user", None),
    ("reporter", "Reporter", &["reporter"], "user", None),
    ("assignee", "Assignee", &["assignee"], "user", None),
    ("created", "Created", &["created", "createdDate"], "datetime", None),
    ("updated", "Updated", &["updated", "updatedDate"], "datetime", None),
    ("duedate", "Due date", &["due", "duedate"], "date", None),
    ("resolution", "Resolution", &["resolution"], "resolution", None),
    ("resolutiondate", "Resolved", &["resolutiondate", "resolved"], "datetime", None),
    ("watches", "Watchers", &["watchers"], "watches", None),
    ("votes", "Votes", &["votes"], "votes", None),
    ("issuelinks", "Linked Issues", &["issueLink"], "array", Some("issuelinks")),
    ("attachment", "Attachment", &["attachments"], "array", Some("attachment")),
    ("comment", "Comment", &["comment"], "comments-page", None),
];

/// The schema of a custom field.
pub(crate) fn custom_schema(field: &CustomField) -> Value {
    let (kind, custom) = match field.kind {
        CustomKind::Text => ("string", "textfield"),
        CustomKind::TextArea => ("string", "textarea"),
        CustomKind::Select(_) => ("option", "select"),
        CustomKind::Number => ("number", "float"),
        CustomKind::Labels => ("array", "labels"),
    };
    let custom = format!("com.atlassian.jira.plugin.system.customfieldtypes:{custom}");
    let mut schema = json!({"type": kind, "custom": custom, "customId": field.number});
    if field.kind == CustomKind::Labels {
        schema["items"] = json!("string");
    }
    schema
}

/// The schema of a system field.
pub(crate) fn system_schema(id: &str) -> Value {
    let known = SYSTEM_FIELDS.iter().find(|(own, ..)| *own == id);
    let (kind, items) = known.map_or(("string", None), |(_, _, _, kind, items)| (kind, *items));
    let mut schema = json!({"type": kind, "system": id});
    if let Some(items) = items {
        schema["items"] = json!(items);
    }
    schema
}

/// `GET field`.
pub(crate) async fn fields(caller: Caller) -> Answer {
    let mut all: Vec<Value> = SYSTEM_FIELDS
        .iter()
        .map(|(id, title, clauses, ..)| {
            json!({"id": id, "key": id, "name": title, "custom": false, "orderable": true, "navigable": true,
                "searchable": true, "clauseNames": clauses, "schema": system_schema(id)})
        })
        .collect();
    all.extend(caller.directory.custom_fields.iter().map(|field| {
        json!({"id": field.id(), "key": field.id(), "name": field.name, "custom": true, "orderable": true,
            "navigable": true, "searchable": true, "clauseNames": [format!("cf[{}]", field.number), field.name],
            "schema": custom_schema(field)})
    }));
    Ok(ok(&Value::Array(all)))
}

/// `GET priority`.
pub(crate) async fn priorities(caller: Caller) -> Answer {
    let show = caller.show();
    Ok(ok(&PRIORITIES.iter().map(|(id, _)| show.priority(id)).collect()))
}

/// `GET priority/search`.
pub(crate) async fn priority_search(caller: Caller, Query(parameters): Parameters) -> Answer {
    let (start, most) = page(&parameters, 50, 50)?;
    let show = caller.show();
    let values: Vec<Value> = PRIORITIES
        .iter()
        .skip(start)
        .take(most)
        .map(|(id, _)| {
            let mut priority = show.priority(id);
            priority["isDefault"] = json!(*id == "3");
            priority
        })
        .collect();
    let is_last = start + values.len() >= PRIORITIES.len();
    Ok(ok(&json!({"startAt": start, "maxResults": most, "total": PRIORITIES.len(), "isLast": is_last,
        "values": values})))
}

/// `GET issuetype`: each type once.
pub(crate) async fn issue_types(caller: Caller) -> Answer {
    let show = caller.show();
    let mut seen: Vec<&str> = Vec::new();
    let mut all: Vec<Value> = Vec::new();
    for kind in caller.directory.projects.iter().flat_map(|project| &project.issue_types) {
        if !seen.contains(&kind.id.as_str()) {
            seen.push(&kind.id);
            all.push(show.issue_type(kind));
        }
    }
    Ok(ok(&Value::Array(all)))
}

/// `GET issuetype/{type}`.
pub(crate) async fn issue_type(caller: Caller, names: Names) -> Answer {
    let found = caller.directory.issue_type(name(&names, "type"));
    let missing =
        || Refusal::message(StatusCode::NOT_FOUND, "Issue type not found or you do not have permission.");
    found.map(|kind| ok(&caller.show().issue_type(kind))).ok_or_else(missing)
}

/// `GET status`.
pub(crate) async fn statuses(caller: Caller) -> Answer {
    let show = caller.show();
    Ok(ok(&Status::ALL.iter().map(|status| show.status(*status)).collect()))
}

/// `GET statuscategory`.
pub(crate) async fn status_categories(caller: Caller) -> Answer {
    let show = caller.show();
    Ok(ok(&Status::ALL.iter().map(|status| show.status(*status)["statusCategory"].clone()).collect()))
}

/// `GET resolution`.
pub(crate) async fn resolutions(caller: Caller) -> Answer {
    Ok(ok(&json!([{"self": caller.show().address("resolution/10000"), "id": "10000", "name": "Done",
        "description": "Work has been completed on this issue."}])))
}
