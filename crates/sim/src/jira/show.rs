//! What the API shows of users, projects, issues and comments: the read side. Shapes follow the published
//! OpenAPI document; texts without a value are left out where it allows no null.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::caller::Version;
use super::document::Document;
use super::settings::{IssueType, JiraProject, JiraUser};
use super::site::{
    Attachment, Comment, CustomValue, Directory, History, Issue, LINK_TYPES, Link, PRIORITIES, RemoteLink,
    Status,
};

/// `2026-11-23T10:15:30.000+0000`, the way Jira writes a moment.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()
}

/// Which fields a reader asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldSet {
    all: bool,
    navigable: bool,
    named: Vec<String>,
    without: Vec<String>,
}

impl FieldSet {
    /// Every field, the default of reading one issue.
    pub(crate) fn all() -> Self {
        Self { all: true, navigable: false, named: Vec::new(), without: Vec::new() }
    }

    /// Reads `*all`, `*navigable`, names and `-names`; an empty list stands for `default`.
    pub(crate) fn read<'a>(names: impl IntoIterator<Item = &'a str>, default: Self) -> Self {
        let mut set = Self { all: false, navigable: false, named: Vec::new(), without: Vec::new() };
        let mut any = false;
        for name in names.into_iter().map(str::trim).filter(|name| !name.is_empty()) {
            any = true;
            match name {
                "*all" => set.all = true,
                "*navigable" => set.navigable = true,
                _ => match name.strip_prefix('-') {
                    Some(name) => set.without.push(name.to_owned()),
                    None => set.named.push(name.to_owned()),
                },
            }
        }
        if !any {
            return default;
        }
        if !set.all && !set.navigable && set.named.is_empty() {
            set.all = true;
        }
        set
    }

    /// Only `id`, the default of the search.
    pub(crate) fn id_only() -> Self {
        Self { all: false, navigable: false, named: vec!["id".to_owned()], without: Vec::new() }
    }

    /// Whether nothing but the id is asked for.
    pub(crate) fn is_id_only(&self) -> bool {
        self.is_key_only() && !self.named.iter().any(|name| matches!(name.as_str(), "key" | "issuekey"))
    }

    /// Whether nothing but id and key is asked for.
    pub(crate) fn is_key_only(&self) -> bool {
        let plain = |name: &String| matches!(name.as_str(), "id" | "key" | "issuekey");
        !self.all && !self.navigable && self.named.iter().all(plain)
    }

    fn has(&self, field: &str) -> bool {
        let asked = self.all
            || (self.navigable && !matches!(field, "comment" | "attachment"))
            || self.named.iter().any(|name| name == field);
        asked && !self.without.iter().any(|name| name == field)
    }
}

/// What one answer is written with.
pub(crate) struct Show<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) base: &'a str,
    pub(crate) version: Version,
    /// Account id of who reads; a hidden address is shown to its owner only.
    pub(crate) viewer: &'a str,
}

impl Show<'_> {
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}/rest/api/{}/{path}", self.base, self.version.number())
    }

    fn avatars(&self, kind: &str) -> Value {
        let at = |size: &str| format!("{}/avatar/{kind}.svg?size={size}", self.base);
        json!({"48x48": at("48"), "24x24": at("24"), "16x16": at("16"), "32x32": at("32")})
    }

    /// A user. `accountId` and `displayName` always, `emailAddress` unless hidden.
    pub(crate) fn user(&self, user: &JiraUser) -> Value {
        let mut shown = json!({
            "self": self.address(&format!("user?accountId={}", user.account_id)),
            "accountId": user.account_id,
            "avatarUrls": self.avatars("user"),
            "displayName": user.display_name,
            "active": true,
            "timeZone": "Etc/UTC",
            "accountType": user.account_type,
        });
        if !user.hides_email || user.account_id == self.viewer {
            shown["emailAddress"] = Value::String(user.email.clone());
        }
        shown
    }

    pub(crate) fn user_by_id(&self, account_id: &str) -> Value {
        self.directory.user(account_id).map_or(Value::Null, |user| self.user(user))
    }

    pub(crate) fn issue_type(&self, kind: &IssueType) -> Value {
        json!({
            "self": self.address(&format!("issuetype/{}", kind.id)),
            "id": kind.id,
            "description": kind.description,
            "iconUrl": format!("{}/avatar/issuetype.svg", self.base),
            "name": kind.name,
            "subtask": kind.subtask,
            "hierarchyLevel": if kind.subtask { -1 } else { 0 },
        })
    }

    /// A project in short, as lists and issues have it.
    pub(crate) fn project(&self, project: &JiraProject) -> Value {
        json!({
            "self": self.address(&format!("project/{}", project.id)),
            "id": project.id.to_string(),
            "key": project.key,
            "name": project.name,
            "projectTypeKey": "software",
            "simplified": false,
            "avatarUrls": self.avatars("project"),
        })
    }

    /// A project with its issue types and lead.
    pub(crate) fn whole_project(&self, project: &JiraProject) -> Value {
        let mut shown = self.project(project);
        let types: Vec<Value> = project.issue_types.iter().map(|kind| self.issue_type(kind)).collect();
        shown["issueTypes"] = Value::Array(types);
        shown["expand"] = json!("description,lead,issueTypes,url,projectKeys,permissions,insight");
        shown["style"] = json!("classic");
        shown["isPrivate"] = json!(false);
        shown["assigneeType"] = json!("UNASSIGNED");
        shown["components"] = json!([]);
        shown["versions"] = json!([]);
        shown["roles"] = json!({});
        shown["properties"] = json!({});
        if !project.email.is_empty() {
            shown["email"] = json!(project.email);
        }
        if let Some(lead) = self.directory.users.first() {
            shown["lead"] = self.user(lead);
        }
        shown
    }

    pub(crate) fn priority(&self, id: &str) -> Value {
        let name = PRIORITIES.iter().find(|(own, _)| *own == id).map_or("Medium", |(_, name)| *name);
        json!({
            "self": self.address(&format!("priority/{id}")),
            "iconUrl": format!("{}/avatar/priority.svg", self.base),
            "name": name,
            "id": id,
        })
    }

    pub(crate) fn status(&self, status: Status) -> Value {
        let (id, key, colour, name) = status.category();
        json!({
            "self": self.address(&format!("status/{}", status.id())),
            "description": "",
            "iconUrl": format!("{}/avatar/status.svg", self.base),
            "name": status.name(),
            "id": status.id(),
            "statusCategory": {
                "self": self.address(&format!("statuscategory/{id}")),
                "id": id, "key": key, "colorName": colour, "name": name,
            },
        })
    }

    /// A rich text in the form of the version.
    pub(crate) fn document(&self, document: Option<&Document>) -> Value {
        match (document, self.version) {
            (None, _) => Value::Null,
            (Some(document), Version::Three) => document.to_adf(),
            (Some(document), Version::Two) => Value::String(document.to_wiki()),
        }
    }

    /// A comment. `rendered` adds `renderedBody`, `with_properties` adds `properties`.
    pub(crate) fn comment(
        &self,
        issue: u64,
        comment: &Comment,
        rendered: Option<String>,
        properties: bool,
    ) -> Value {
        let mut shown = json!({
            "self": self.address(&format!("issue/{issue}/comment/{}", comment.id)),
            "id": comment.id.to_string(),
            "author": self.user_by_id(&comment.author),
            "body": self.document(Some(&comment.body)),
            "updateAuthor": self.user_by_id(&comment.update_author),
            "created": moment(comment.created),
            "updated": moment(comment.updated),
            "jsdPublic": true,
        });
        if let Some(visibility) = &comment.visibility {
            shown["visibility"] = visibility.clone();
        }
        if let Some(html) = rendered {
            shown["renderedBody"] = Value::String(html);
        }
        if properties {
            let all = comment.properties.iter().map(|(key, value)| json!({"key": key, "value": value}));
            shown["properties"] = all.collect();
        }
        shown
    }

    pub(crate) fn attachment(&self, attachment: &Attachment) -> Value {
        let mut shown = json!({
            "self": self.address(&format!("attachment/{}", attachment.id)),
            "id": attachment.id.to_string(),
            "filename": attachment.filename,
            "author": self.user_by_id(&attachment.author),
            "created": moment(attachment.created),
            "size": attachment.content.len(),
            "mimeType": attachment.mime_type,
            "content": self.address(&format!("attachment/content/{}", attachment.id)),
        });
        if attachment.mime_type.starts_with("image/") {
            shown["thumbnail"] =
                Value::String(self.address(&format!("attachment/thumbnail/{}", attachment.id)));
        }
        shown
    }

    pub(crate) fn history(&self, history: &History) -> Value {
        let items: Vec<Value> = history
            .items
            .iter()
            .map(|change| {
                json!({
                    "field": change.field,
                    "fieldtype": if change.custom { "custom" } else { "jira" },
                    "fieldId": change.field_id,
                    "from": change.from,
                    "fromString": change.from_string,
                    "to": change.to,
                    "toString": change.to_string,
                })
            })
            .collect();
        json!({
            "id": history.id.to_string(),
            "author": self.user_by_id(&history.author),
            "created": moment(history.created),
            "items": items,
        })
    }

    pub(crate) fn link_type(&self, position: usize) -> Value {
        let (id, name, inward, outward) = LINK_TYPES[position.min(LINK_TYPES.len() - 1)];
        json!({"id": id, "name": name, "inward": inward, "outward": outward,
            "self": self.address(&format!("issueLinkType/{id}"))})
    }

    fn link(&self, link: &Link, others: &HashMap<u64, Arc<Issue>>) -> Option<Value> {
        let other = others.get(&link.other)?;
        let side = if link.outward { "outwardIssue" } else { "inwardIssue" };
        Some(json!({
            "id": link.id.to_string(),
            "self": self.address(&format!("issueLink/{}", link.id)),
            "type": self.link_type(link.kind),
            side: self.linked_issue(other),
        }))
    }

    /// An issue in short, as links have it.
    pub(crate) fn linked_issue(&self, issue: &Issue) -> Value {
        let kind = self.directory.issue_type(&issue.issue_type).map(|kind| self.issue_type(kind));
        json!({
            "id": issue.id.to_string(),
            "key": issue.key,
            "self": self.address(&format!("issue/{}", issue.id)),
            "fields": {
                "summary": issue.summary,
                "status": self.status(issue.status),
                "priority": self.priority(&issue.priority),
                "issuetype": kind,
            },
        })
    }

    pub(crate) fn remote_link(&self, key: &str, link: &RemoteLink) -> Value {
        let mut shown = link.body.clone();
        shown.insert("id".to_owned(), json!(link.id));
        shown.insert("self".to_owned(), json!(self.address(&format!("issue/{key}/remotelink/{}", link.id))));
        Value::Object(shown)
    }

    fn custom(&self, field: &super::settings::CustomField, value: &CustomValue) -> Value {
        match value {
            CustomValue::Rich(document) => self.document(Some(document)),
            CustomValue::Plain(Value::String(option)) if !field.options().is_empty() => {
                let text = field.options().into_iter().find(|(id, _)| id == option).map(|(_, text)| text);
                json!({"self": self.address(&format!("customFieldOption/{option}")), "value": text, "id": option})
            }
            CustomValue::Plain(value) => value.clone(),
        }
    }

    /// The `fields` of an issue.
    pub(crate) fn fields(
        &self,
        issue: &Issue,
        set: &FieldSet,
        others: &HashMap<u64, Arc<Issue>>,
    ) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut put = |name: &str, value: &dyn Fn() -> Value| {
            if set.has(name) {
                fields.insert(name.to_owned(), value());
            }
        };
        let user = |id: Option<&String>| id.map_or(Value::Null, |id| self.user_by_id(id));
        put("summary", &|| json!(issue.summary));
        put("issuetype", &|| {
            self.directory.issue_type(&issue.issue_type).map_or(Value::Null, |kind| self.issue_type(kind))
        });
        put("project", &|| {
            self.directory
                .project(&issue.project.to_string())
                .map_or(Value::Null, |project| self.project(project))
        });
        put("status", &|| self.status(issue.status));
        put("statusCategory", &|| self.status(issue.status)["statusCategory"].clone());
        put("priority", &|| self.priority(&issue.priority));
        put("labels", &|| json!(issue.labels));
        put("description", &|| self.document(issue.description.as_ref()));
        put("environment", &|| self.document(issue.environment.as_ref()));
        put("creator", &|| self.user_by_id(&issue.creator));
        put("reporter", &|| user(issue.reporter.as_ref()));
        put("assignee", &|| user(issue.assignee.as_ref()));
        put("created", &|| json!(moment(issue.created)));
        put("updated", &|| json!(moment(issue.updated)));
        put("duedate", &|| json!(issue.due));
        put("resolution", &|| {
            issue.resolved.map_or(Value::Null, |_| {
                json!({"self": self.address("resolution/10000"), "id": "10000", "name": "Done",
                    "description": "Work has been completed on this issue."})
            })
        });
        put("resolutiondate", &|| issue.resolved.map_or(Value::Null, |at| json!(moment(at))));
        put("watches", &|| {
            json!({"self": self.address(&format!("issue/{}/watchers", issue.key)),
                "watchCount": issue.watchers.len(),
                "isWatching": issue.watchers.iter().any(|watcher| watcher == self.viewer)})
        });
        put(
            "votes",
            &|| json!({"self": self.address(&format!("issue/{}/votes", issue.key)), "votes": 0, "hasVoted": false}),
        );
        put("issuelinks", &|| issue.links.iter().filter_map(|link| self.link(link, others)).collect());
        put("attachment", &|| {
            issue.attachments.iter().map(|attachment| self.attachment(attachment)).collect()
        });
        put("comment", &|| {
            let all: Vec<Value> =
                issue.comments.iter().map(|comment| self.comment(issue.id, comment, None, false)).collect();
            json!({"comments": all, "self": self.address(&format!("issue/{}/comment", issue.id)),
                "maxResults": issue.comments.len(), "total": issue.comments.len(), "startAt": 0})
        });
        for empty in ["components", "fixVersions", "versions", "subtasks"] {
            put(empty, &|| json!([]));
        }
        let project =
            self.directory.project(&issue.project.to_string()).map_or("", |project| project.key.as_str());
        for field in self.directory.custom_fields.iter().filter(|field| field.is_on(project)) {
            let id = field.id();
            put(&id, &|| issue.custom.get(&id).map_or(Value::Null, |value| self.custom(field, value)));
        }
        fields
    }

    /// An issue with the asked fields and properties.
    pub(crate) fn issue(
        &self,
        issue: &Issue,
        set: &FieldSet,
        properties: &[String],
        others: &HashMap<u64, Arc<Issue>>,
    ) -> Value {
        if set.is_id_only() && properties.is_empty() {
            return json!({"id": issue.id.to_string()});
        }
        let mut shown = json!({
            "expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
            "id": issue.id.to_string(),
            "self": self.address(&format!("issue/{}", issue.id)),
            "key": issue.key,
        });
        if !set.is_key_only() {
            shown["fields"] = Value::Object(self.fields(issue, set, others));
        }
        if !properties.is_empty() {
            shown["properties"] = Value::Object(wanted_properties(issue, properties));
        }
        shown
    }
}

fn wanted_properties(issue: &Issue, names: &[String]) -> Map<String, Value> {
    let all = names.iter().any(|name| name == "*all");
    let wanted = issue.properties.iter().filter(|(key, _)| all || names.contains(key));
    wanted.map(|(key, value)| (key.clone(), value.clone())).collect()
}
