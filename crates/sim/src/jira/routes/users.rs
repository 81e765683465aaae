//! Users and what they may do.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::JiraState;
use super::super::answer::{Answer, Refusal, ok};
use super::super::caller::{Caller, Entrance};
use super::super::settings::JiraUser;
use super::{Parameters, list, page};

/// Permissions that exist here: key, name, whether it is about a project, whether only administrators have it.
const PERMISSIONS: [(&str, &str, bool, bool); 18] = [
    ("BROWSE_PROJECTS", "Browse Projects", true, false),
    ("CREATE_ISSUES", "Create Issues", true, false),
    ("EDIT_ISSUES", "Edit Issues", true, false),
    ("DELETE_ISSUES", "Delete Issues", true, true),
    ("ASSIGN_ISSUES", "Assign Issues", true, false),
    ("TRANSITION_ISSUES", "Transition Issues", true, false),
    ("MODIFY_REPORTER", "Modify Reporter", true, true),
    ("ADD_COMMENTS", "Add Comments", true, false),
    ("EDIT_ALL_COMMENTS", "Edit All Comments", true, true),
    ("DELETE_ALL_COMMENTS", "Delete All Comments", true, true),
    ("CREATE_ATTACHMENTS", "Create Attachments", true, false),
    ("DELETE_ALL_ATTACHMENTS", "Delete All Attachments", true, true),
    ("LINK_ISSUES", "Link Issues", true, false),
    ("MANAGE_WATCHERS", "Manage Watchers", true, true),
    ("ADMINISTER_PROJECTS", "Administer Projects", true, true),
    ("ADMINISTER", "Administer Jira", false, true),
    ("USER_PICKER", "Browse users and groups", false, false),
    ("BULK_CHANGE", "Bulk Change", false, true),
];

/// `GET myself`.
pub(crate) async fn myself(caller: Caller) -> Answer {
    let mut shown = caller.show().user(&caller.user);
    if caller.entrance == Entrance::DataCenter {
        let name = caller.user.email.split('@').next().unwrap_or_default();
        shown = json!({"self": format!("{}/rest/api/2/user?username={name}", caller.base), "key": name, "name": name,
            "emailAddress": caller.user.email, "displayName": caller.user.display_name, "active": true,
            "timeZone": "Etc/UTC"});
    }
    shown["locale"] = json!("en_US");
    shown["expand"] = json!("groups,applicationRoles");
    Ok(ok(&shown))
}

/// `GET user?accountId=`.
pub(crate) async fn user(caller: Caller, Query(parameters): Parameters) -> Answer {
    let Some(id) = parameters.get("accountId") else {
        return Err(Refusal::bad("The query parameter 'accountId' is required."));
    };
    let found = caller.directory.user(id);
    let missing = || Refusal::message(StatusCode::NOT_FOUND, "The user does not exist.");
    found.map(|user| ok(&caller.show().user(user))).ok_or_else(missing)
}

/// `GET user/search`: by the beginning of a word of name or address; exactly one of the parameters.
pub(crate) async fn search(caller: Caller, Query(parameters): Parameters) -> Answer {
    let given =
        ["query", "accountId", "property"].into_iter().filter(|name| parameters.contains_key(*name)).count();
    if given != 1 {
        return Err(Refusal::bad(
            "Exactly one of the parameters 'query', 'accountId' and 'property' must be given.",
        ));
    }
    found(&caller, &parameters)
}

/// `GET user/assignable/search`.
pub(crate) async fn assignable(caller: Caller, Query(parameters): Parameters) -> Answer {
    found(&caller, &parameters)
}

fn found(caller: &Caller, parameters: &HashMap<String, String>) -> Answer {
    let (start, most) = page(parameters, 50, 1000)?;
    let show = caller.show();
    let fits = |user: &&JiraUser| {
        if let Some(id) = parameters.get("accountId") {
            return user.account_id == *id;
        }
        let query = parameters.get("query").map(|query| query.trim().to_lowercase()).unwrap_or_default();
        let is_shown = !user.hides_email || user.account_id == caller.user.account_id;
        !parameters.contains_key("property")
            && (user.display_name.to_lowercase().starts_with(&query)
                || user.display_name.to_lowercase().split(' ').any(|word| word.starts_with(&query))
                || (is_shown && user.email.to_lowercase().starts_with(&query)))
    };
    let users: Vec<Value> = caller
        .directory
        .users
        .iter()
        .filter(fits)
        .skip(start)
        .take(most)
        .map(|user| show.user(user))
        .collect();
    Ok(ok(&Value::Array(users)))
}

/// `GET mypermissions?permissions=`: the parameter is mandatory, and an unknown key is refused.
pub(crate) async fn permissions(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    Query(parameters): Parameters,
) -> Answer {
    let wanted = list(&parameters, "permissions");
    if wanted.is_empty() {
        return Err(Refusal::bad("The 'permissions' query parameter is required."));
    }
    let project = parameters.get("projectKey").or_else(|| parameters.get("projectId"));
    if let Some(project) = project.filter(|project| caller.directory.project(project).is_none()) {
        let message = format!("No project could be found with key '{project}'.");
        return Err(Refusal::message(StatusCode::NOT_FOUND, message));
    }
    let mut shown = Map::new();
    for key in wanted {
        let Some((position, (_, title, is_project, admin))) =
            PERMISSIONS.iter().enumerate().find(|(_, (own, ..))| *own == key)
        else {
            return Err(Refusal::bad(format!("Unrecognized permission: {key}")));
        };
        shown.insert(
            key.to_owned(),
            json!({"id": (position + 10).to_string(), "key": key, "name": title,
                "type": if *is_project { "PROJECT" } else { "GLOBAL" }, "description": "",
                "havePermission": (caller.user.admin || !admin)
                    && project.is_none_or(|project| !state.gate().has_taken(project, key))}),
        );
    }
    Ok(ok(&json!({"permissions": shown})))
}
