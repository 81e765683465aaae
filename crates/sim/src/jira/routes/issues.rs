//! Issues: create, read, edit, delete, fetch many, history.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::JiraState;
use super::super::answer::{Answer, JsonBody, Refusal, no_content, ok, texts, with_status};
use super::super::caller::Caller;
use super::super::fields::{Draft, Reader, id_of};
use super::super::settings::JiraProject;
use super::super::show::{FieldSet, Show};
use super::super::site::{
    Change, CustomValue, Directory, History, Issue, PRIORITIES, Sequence, Site, Status,
};
use super::{Names, Parameters, comments, expands, find, linked, list, page, properties};

/// Members of the body of create, edit and transition. The published document allows others; they are ignored.
pub(crate) struct Update {
    pub(crate) fields: Map<String, Value>,
    pub(crate) operations: Map<String, Value>,
    pub(crate) properties: BTreeMap<String, Value>,
    pub(crate) transition: Option<String>,
}

impl Update {
    pub(crate) fn read(body: JsonBody) -> Result<Self, Refusal> {
        let body = body.open_object()?;
        let object = |name: &str| match body.get(name) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Object(object)) => Ok(object.clone()),
            Some(_) => Err(Refusal::payload(format!("{name} is an object"))),
        };
        let (fields, update) = (object("fields")?, object("update")?);
        if let Some(field) = fields.keys().find(|field| update.contains_key(*field)) {
            return Err(Refusal::field(
                field,
                format!("Field '{field}' cannot be set in both 'fields' and 'update' of the same request."),
            ));
        }
        let properties = properties::read_list(body.get("properties"))?;
        let transition = body.get("transition").and_then(id_of);
        Ok(Self { fields, operations: update, properties, transition })
    }

    /// Takes the comments out of `update`: `{"comment":[{"add":{"body":…}}]}`.
    pub(crate) fn take_comments(&mut self) -> Vec<Value> {
        let Some(Value::Array(operations)) = self.operations.remove("comment") else { return Vec::new() };
        operations.into_iter().filter_map(|mut operation| operation.get_mut("add").map(Value::take)).collect()
    }
}

/// `POST issue`.
pub(crate) async fn create(State(state): State<Arc<JiraState>>, caller: Caller, body: JsonBody) -> Answer {
    let mut update = Update::read(body)?;
    let project = wanted_project(&caller.directory, &update.fields)?.clone();
    if state.gate().has_taken(&project.key, "CREATE_ISSUES") {
        return Err(Refusal::bad("You do not have permission to create issues in this project."));
    }
    let new_comments = comments::read_all(&state, &caller, &update.take_comments())?;
    let draft = match read_draft(&state, &caller, &project, &update) {
        Ok(draft) => draft,
        Err(refusal) => {
            if state.leaves_gaps() {
                state.site().next_number(project.id);
            }
            return Err(refusal);
        }
    };
    let issue_type = draft.issue_type.clone().unwrap_or_default();
    let now = state.now();
    let me = caller.user.account_id.clone();
    let mut site = state.site();
    let id = site.next_id(Sequence::Issue);
    let number = site.next_number(project.id);
    let key = format!("{}-{number}", project.key);
    let mut issue = Issue {
        id,
        key: key.clone(),
        project: project.id,
        issue_type,
        summary: String::new(),
        description: None,
        environment: None,
        priority: "3".to_owned(),
        labels: Vec::new(),
        creator: me.clone(),
        reporter: Some(me.clone()),
        assignee: None,
        status: Status::ToDo,
        due: None,
        custom: BTreeMap::new(),
        properties: update.properties,
        comments: Vec::new(),
        attachments: Vec::new(),
        watchers: vec![me.clone()],
        links: Vec::new(),
        remote_links: Vec::new(),
        history: Vec::new(),
        created: now,
        updated: now,
        resolved: None,
    };
    apply(&mut issue, draft, &caller.directory);
    site.insert(issue, now);
    for comment in new_comments {
        comments::attach(&mut site, id, comment, &me, now);
    }
    drop(site);
    let address = caller.show().address(&format!("issue/{id}"));
    Ok(with_status(StatusCode::CREATED, &json!({"id": id.to_string(), "key": key, "self": address})))
}

/// The project of a create. Jira tells this fault alone, before any other.
fn wanted_project<'a>(
    directory: &'a Directory,
    fields: &Map<String, Value>,
) -> Result<&'a JiraProject, Refusal> {
    let wanted = fields.get("project").and_then(|project| {
        id_of(project).or_else(|| project.get("key").and_then(Value::as_str).map(str::to_owned))
    });
    wanted
        .and_then(|wanted| directory.project(&wanted))
        .ok_or_else(|| Refusal::field("project", "Specify a valid project ID or key"))
}

fn read_draft(
    state: &JiraState,
    caller: &Caller,
    project: &JiraProject,
    update: &Update,
) -> Result<Draft, Refusal> {
    let has_media = |media: &str| state.has_media(media);
    let mut reader = Reader {
        directory: &caller.directory,
        project,
        version: caller.version,
        has_media: &has_media,
        errors: Map::new(),
        detail: None,
    };
    if update.fields.get("issuetype").is_none_or(|kind| kind.is_null() || kind == &json!({})) {
        return Err(Refusal::field("issuetype", "Specify an issue type"));
    }
    let mut draft = Draft::default();
    for (field, value) in update.fields.iter().filter(|(field, _)| *field != "project") {
        reader.set(&mut draft, field, value);
    }
    for (field, operations) in &update.operations {
        reader.operations(&mut draft, field, operations, None);
    }
    reader.require(&draft);
    if let Some(Some(_)) = &draft.reporter
        && !caller.user.admin
    {
        reader.unknown("reporter");
    }
    finish(&reader.errors, reader.detail, draft)
}

fn finish(errors: &Map<String, Value>, detail: Option<String>, draft: Draft) -> Result<Draft, Refusal> {
    if errors.is_empty() {
        return Ok(draft);
    }
    let refusal = Refusal::fields(errors);
    Err(match detail {
        Some(detail) => refusal.because(detail),
        None => refusal,
    })
}

/// Reads the fields of an edit or a transition.
pub(crate) fn read_edit(
    state: &JiraState,
    caller: &Caller,
    issue: &Issue,
    update: &Update,
) -> Result<Draft, Refusal> {
    let has_media = |media: &str| state.has_media(media);
    let project = caller.directory.project(&issue.project.to_string()).ok_or_else(Refusal::no_issue)?;
    let mut reader = Reader {
        directory: &caller.directory,
        project,
        version: caller.version,
        has_media: &has_media,
        errors: Map::new(),
        detail: None,
    };
    let mut draft = Draft::default();
    for (field, value) in &update.fields {
        reader.set(&mut draft, field, value);
    }
    for (field, operations) in &update.operations {
        reader.operations(&mut draft, field, operations, Some(issue));
    }
    finish(&reader.errors, reader.detail, draft)
}

/// Puts a draft into an issue and says what changed.
pub(crate) fn apply(issue: &mut Issue, draft: Draft, directory: &Directory) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut note = |field: &str, from: (String, String), to: (String, String)| {
        if from != to {
            changes.push(Change {
                field: field.to_owned(),
                field_id: field.to_owned(),
                custom: false,
                from: from.0,
                from_string: from.1,
                to: to.0,
                to_string: to.1,
            });
        }
    };
    let plain = |text: &str| (String::new(), text.to_owned());
    if let Some(summary) = draft.summary {
        note("summary", plain(&issue.summary), plain(&summary));
        issue.summary = summary;
    }
    let words = |document: Option<&super::super::document::Document>| {
        (String::new(), document.map(super::super::document::Document::to_text).unwrap_or_default())
    };
    if let Some(description) = draft.description {
        if issue.description.is_some() || description.is_some() {
            note("description", words(issue.description.as_ref()), words(description.as_ref()));
        }
        issue.description = description;
    }
    if let Some(environment) = draft.environment {
        note("environment", words(issue.environment.as_ref()), words(environment.as_ref()));
        issue.environment = environment;
    }
    if let Some(kind) = draft.issue_type {
        let named = |id: &str| {
            (id.to_owned(), directory.issue_type(id).map(|kind| kind.name.clone()).unwrap_or_default())
        };
        note("issuetype", named(&issue.issue_type), named(&kind));
        issue.issue_type = kind;
    }
    if let Some(priority) = draft.priority {
        let named = |id: &str| {
            let title = PRIORITIES.iter().find(|(own, _)| *own == id).map_or("", |(_, title)| *title);
            (id.to_owned(), title.to_owned())
        };
        note("priority", named(&issue.priority), named(&priority));
        issue.priority = priority;
    }
    if let Some(labels) = draft.labels {
        note("labels", plain(&issue.labels.join(" ")), plain(&labels.join(" ")));
        issue.labels = labels;
    }
    let person = |id: Option<&String>| match id {
        Some(id) => {
            (id.clone(), directory.user(id).map(|user| user.display_name.clone()).unwrap_or_default())
        }
        None => (String::new(), String::new()),
    };
    if let Some(reporter) = draft.reporter {
        note("reporter", person(issue.reporter.as_ref()), person(reporter.as_ref()));
        issue.reporter = reporter;
    }
    if let Some(assignee) = draft.assignee {
        note("assignee", person(issue.assignee.as_ref()), person(assignee.as_ref()));
        issue.assignee = assignee;
    }
    if let Some(due) = draft.due {
        let text = |due: Option<&String>| plain(due.map_or("", String::as_str));
        note("duedate", text(issue.due.as_ref()), text(due.as_ref()));
        issue.due = due;
    }
    for (id, value) in draft.custom {
        let before = custom_words(issue.custom.get(&id));
        let after = custom_words(value.as_ref());
        let title =
            directory.custom_fields.iter().find(|field| field.id() == id).map(|field| field.name.clone());
        if before != after {
            changes.push(Change {
                field: title.unwrap_or_default(),
                field_id: id.clone(),
                custom: true,
                from_string: before,
                to_string: after,
                ..Change::default()
            });
        }
        match value {
            Some(value) => {
                issue.custom.insert(id, value);
            }
            None => {
                issue.custom.remove(&id);
            }
        }
    }
    changes
}

fn custom_words(value: Option<&CustomValue>) -> String {
    match value {
        None => String::new(),
        Some(CustomValue::Rich(document)) => document.to_text(),
        Some(CustomValue::Plain(Value::String(text))) => text.clone(),
        Some(CustomValue::Plain(value)) => value.to_string(),
    }
}

/// Writes changes of one user into the history; the issue's `updated` moves.
pub(crate) fn record(site: &mut Site, id: u64, author: &str, now: jiff::Timestamp, items: Vec<Change>) {
    let history = site.next_id(Sequence::History);
    site.write(id, now, |issue| {
        issue.updated = now;
        if !items.is_empty() {
            let entry = History { id: history, author: author.to_owned(), created: now, items };
            issue.history.push(Arc::new(entry));
        }
    });
}

/// `GET issue/{issue}`.
pub(crate) async fn get(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    names: Names,
    Query(parameters): Parameters,
) -> Answer {
    let (issue, others) = {
        let site = state.site();
        let issue = find(&site, &names)?;
        let others = linked(&site, std::slice::from_ref(&issue));
        (issue, others)
    };
    let set = FieldSet::read(list(&parameters, "fields"), FieldSet::all());
    let wanted: Vec<String> = list(&parameters, "properties").into_iter().map(str::to_owned).collect();
    let show = caller.show();
    let mut shown = show.issue(&issue, &set, &wanted, &others);
    if shown.get("key").is_none() {
        shown["key"] = json!(issue.key);
        shown["self"] = json!(show.address(&format!("issue/{}", issue.id)));
    }
    if expands(&parameters, "renderedFields") {
        shown["renderedFields"] = rendered(&state, &show, &issue);
    }
    if expands(&parameters, "changelog") {
        let histories: Vec<Value> = issue.history.iter().rev().map(|entry| show.history(entry)).collect();
        shown["changelog"] = json!({"startAt": 0, "maxResults": histories.len(), "total": histories.len(),
            "histories": histories});
    }
    Ok(ok(&shown))
}

fn rendered(state: &JiraState, show: &Show<'_>, issue: &Issue) -> Value {
    let image = |media: &str| state.image_address(media).map(|path| format!("{}{path}", show.base));
    let html = |document: Option<&super::super::document::Document>| {
        document.map_or(Value::String(String::new()), |document| Value::String(document.to_html(&image)))
    };
    let comments: Vec<Value> = issue
        .comments
        .iter()
        .map(|comment| {
            let mut shown = show.comment(issue.id, comment, None, false);
            shown["body"] = html(Some(&comment.body));
            shown
        })
        .collect();
    let custom = issue.custom.iter().filter_map(|(id, value)| match value {
        CustomValue::Rich(document) => Some((id.clone(), html(Some(document)))),
        CustomValue::Plain(_) => None,
    });
    let mut fields: Map<String, Value> = custom.collect();
    fields.insert("description".to_owned(), html(issue.description.as_ref()));
    fields.insert("environment".to_owned(), html(issue.environment.as_ref()));
    fields.insert(
        "comment".to_owned(),
        json!({"comments": comments, "startAt": 0, "maxResults": comments.len(), "total": comments.len()}),
    );
    Value::Object(fields)
}

/// `PUT issue/{issue}`: 204, or 200 with the issue when `returnIssue=true`.
pub(crate) async fn edit(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    names: Names,
    Query(parameters): Parameters,
    body: JsonBody,
) -> Answer {
    let issue = find(&state.site(), &names)?;
    if parameters.get("notifyUsers").is_some_and(|notify| notify == "false") && !caller.user.admin {
        let message =
            "To discard the user notification either admin or project admin permissions are required.";
        return Err(Refusal::message(StatusCode::FORBIDDEN, message));
    }
    let mut update = Update::read(body)?;
    if update.fields.is_empty() && update.operations.is_empty() && update.properties.is_empty() {
        return Err(Refusal::bad("one of 'fields' or 'update' required"));
    }
    let new_comments = comments::read_all(&state, &caller, &update.take_comments())?;
    let draft = read_edit(&state, &caller, &issue, &update)?;
    let now = state.now();
    let (me, properties) = (&caller.user.account_id, update.properties);
    let edited = {
        let mut site = state.site();
        let changes = site
            .write(issue.id, now, |issue| {
                issue.properties.extend(properties);
                apply(issue, draft, &caller.directory)
            })
            .ok_or_else(Refusal::no_issue)?;
        record(&mut site, issue.id, me, now, changes);
        for comment in new_comments {
            comments::attach(&mut site, issue.id, comment, me, now);
        }
        site.issue(issue.id).cloned()
    };
    match edited {
        Some(issue) if parameters.get("returnIssue").is_some_and(|wanted| wanted == "true") => {
            let others = linked(&state.site(), std::slice::from_ref(&issue));
            Ok(ok(&caller.show().issue(&issue, &FieldSet::all(), &[], &others)))
        }
        _ => Ok(no_content()),
    }
}

/// `PUT issue/{issue}/assignee`.
pub(crate) async fn assign(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    names: Names,
    body: JsonBody,
) -> Answer {
    let issue = find(&state.site(), &names)?;
    let fields = Map::from_iter([(
        "assignee".to_owned(),
        body.0.get("accountId").filter(|id| !id.is_null()).map_or(Value::Null, |id| json!({"accountId": id})),
    )]);
    let update = Update { fields, operations: Map::new(), properties: BTreeMap::new(), transition: None };
    let draft = read_edit(&state, &caller, &issue, &update)?;
    let now = state.now();
    let mut site = state.site();
    let changes = site
        .write(issue.id, now, |issue| apply(issue, draft, &caller.directory))
        .ok_or_else(Refusal::no_issue)?;
    record(&mut site, issue.id, &caller.user.account_id, now, changes);
    Ok(no_content())
}

/// `DELETE issue/{issue}`.
pub(crate) async fn delete(State(state): State<Arc<JiraState>>, caller: Caller, names: Names) -> Answer {
    let now = state.now();
    let mut site = state.site();
    let issue = find(&site, &names)?;
    if !caller.user.admin {
        let message = "You do not have permission to delete issues in this project.";
        return Err(Refusal::message(StatusCode::FORBIDDEN, message));
    }
    site.remove(issue.id, now);
    Ok(no_content())
}

/// Most issues of one `bulkfetch`.
const BULK_LIMIT: usize = 100;

/// `POST issue/bulkfetch`: ascending by id; what does not exist is left out without a word.
pub(crate) async fn bulk_fetch(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    body: JsonBody,
) -> Answer {
    let body = body.object(&["expand", "fields", "fieldsByKeys", "issueIdsOrKeys", "properties"])?;
    let wanted = texts(&body, "issueIdsOrKeys")?.unwrap_or_default();
    if wanted.is_empty() {
        return Err(Refusal::bad("The issueIdsOrKeys parameter must not be empty."));
    }
    if wanted.len() > BULK_LIMIT {
        return Err(Refusal::bad(format!("At most {BULK_LIMIT} issues can be fetched at once.")));
    }
    let names = texts(&body, "fields")?.unwrap_or_default();
    let set =
        FieldSet::read(names.iter().map(String::as_str), FieldSet::read(["*navigable"], FieldSet::all()));
    let properties = texts(&body, "properties")?.unwrap_or_default();
    if properties.len() > 5 {
        return Err(Refusal::bad("At most 5 issue properties can be requested."));
    }
    let (mut issues, others) = {
        let site = state.site();
        let issues: Vec<Arc<Issue>> = wanted.iter().filter_map(|key| site.find(key).cloned()).collect();
        let others = linked(&site, &issues);
        (issues, others)
    };
    issues.sort_by_key(|issue| issue.id);
    issues.dedup_by_key(|issue| issue.id);
    let show = caller.show();
    let shown: Vec<Value> =
        issues.iter().map(|issue| show.issue(issue, &set, &properties, &others)).collect();
    Ok(ok(&json!({"issues": shown, "issueErrors": []})))
}

/// `GET issue/{issue}/changelog`: oldest first.
pub(crate) async fn changelog(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    names: Names,
    Query(parameters): Parameters,
) -> Answer {
    let issue = find(&state.site(), &names)?;
    let (start, most) = page(&parameters, 100, 100)?;
    let show = caller.show();
    let values: Vec<Value> =
        issue.history.iter().skip(start).take(most).map(|entry| show.history(entry)).collect();
    let address = show.address(&format!("issue/{}/changelog?maxResults={most}&startAt={start}", issue.id));
    let is_last = start + values.len() >= issue.history.len();
    Ok(ok(&json!({"self": address, "startAt": start, "maxResults": most, "total": issue.history.len(),
        "isLast": is_last, "values": values})))
}
