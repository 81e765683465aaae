//! What a person sees in a browser: projects, a project's issues, one issue. Read-only, without sign-in,
//! without scripts; the pages say that they are simulated. Everything that comes from outside goes through
//! [`escape`].

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;

use super::JiraState;
use super::html::{escape, flatten_headings};
use super::routes::{Parameters, page as read_page};
use super::site::{Attachment, CustomValue, Directory, Issue, LINK_TYPES, PRIORITIES};

/// Issues on one page of a project's list.
const PAGE: usize = 50;

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

pub(crate) fn router() -> Router<Arc<JiraState>> {
    Router::new()
        .route("/", get(projects))
        .route("/projects/{key}", get(project))
        .route("/browse/{key}", get(browse))
        .route("/pages/style.css", get(style))
        .route("/avatar/{name}", get(avatar))
        .route("/favicon.ico", get(avatar_icon))
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("pages.css")).into_response()
}

const ICON: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\"><rect width=\"16\" height=\"16\" \
                    rx=\"4\" fill=\"#0c56c4\"/><path d=\"M4 8.5l2.5 2.5L12 5.5\" stroke=\"#fff\" stroke-width=\"2\" \
                    fill=\"none\"/></svg>";

async fn avatar(Path(_name): Path<String>) -> Response {
    avatar_icon().await
}

async fn avatar_icon() -> Response {
    ([(header::CONTENT_TYPE, "image/svg+xml")], ICON).into_response()
}

/// A whole page around its content.
fn page(status: StatusCode, title: &str, content: &str) -> Response {
    let body = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} - Jira, simulated</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <link rel=\"stylesheet\" href=\"/pages/style.css\"><link rel=\"icon\" href=\"/avatar/site.svg\"></head>\
         <body><header><p><a class=\"name\" href=\"/\">Jira</a> <strong>Simulated</strong>. These pages need no \
         sign-in; the API does.</p></header><main>{content}</main></body></html>\n",
        title = escape(title)
    );
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn not_found(what: &str) -> Response {
    let content = format!(
        "<h1>Not found</h1><p>{} does not exist on this site. <a href=\"/\">All projects</a></p>",
        escape(what)
    );
    page(StatusCode::NOT_FOUND, "Not found", &content)
}

/// A moment as people read it.
fn when(at: Timestamp) -> String {
    let machine = at.strftime("%Y-%m-%dT%H:%M:%SZ");
    format!("<time datetime=\"{machine}\">{}</time>", at.strftime("%Y-%m-%d %H:%M:%S UTC"))
}

fn person(directory: &Directory, id: Option<&String>) -> String {
    let name = id.and_then(|id| directory.user(id)).map(|user| user.display_name.as_str());
    name.map_or_else(|| "<span class=\"soft\">nobody</span>".to_owned(), escape)
}

async fn projects(State(state): State<Arc<JiraState>>) -> Response {
    let directory = state.directory();
    let mut rows = String::new();
    for project in &directory.projects {
        let count = state.site().count_in_project(project.id);
        let (key, name) = (escape(&project.key), escape(&project.name));
        let _ = write!(
            rows,
            "<tr><td class=\"key\">{key}</td><td><a href=\"/projects/{key}\">{name}</a></td><td>{count}</td></tr>"
        );
    }
    let content = format!(
        "<h1>Projects</h1><div class=\"scroll\"><table><thead><tr><th scope=\"col\">Key</th>\
         <th scope=\"col\">Name</th><th scope=\"col\">Issues</th></tr></thead><tbody>{rows}</tbody></table></div>\
         <p><a href=\"/\">Reload</a></p>"
    );
    page(StatusCode::OK, "Projects", &content)
}

async fn project(
    State(state): State<Arc<JiraState>>,
    Path(key): Path<String>,
    Query(parameters): Parameters,
) -> Response {
    let directory = state.directory();
    let Some(project) = directory.project(&key) else { return not_found(&format!("Project {key}")) };
    let start = read_page(&parameters, PAGE, PAGE).map_or(0, |(start, _)| start);
    let (issues, total) = {
        let site = state.site();
        let ids = site.ids_in_project(project.id);
        let total = ids.len();
        let shown = ids.into_iter().rev().skip(start).take(PAGE);
        let issues: Vec<Arc<Issue>> = shown.filter_map(|id| site.issue(id).cloned()).collect();
        (issues, total)
    };
    let key = escape(&project.key);
    let mut rows = String::new();
    for issue in &issues {
        let _ = write!(
            rows,
            "<tr><td class=\"key\"><a href=\"/browse/{key}\">{key}</a></td><td>{summary}</td>\
             <td>{status}</td><td class=\"wide\">{comments}</td><td class=\"wide\">{files}</td>\
             <td class=\"wide\">{created}</td></tr>",
            key = escape(&issue.key),
            summary = escape(&issue.summary),
            status = issue.status.name(),
            comments = issue.comments.len(),
            files = issue.attachments.len(),
            created = when(issue.created)
        );
    }
    let list = if issues.is_empty() {
        "<p>No issues yet.</p>".to_owned()
    } else {
        format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Issues\"><table><thead><tr>\
             <th scope=\"col\">Key</th><th scope=\"col\">Summary</th><th scope=\"col\">Status</th>\
             <th scope=\"col\" class=\"wide\">Comments</th><th scope=\"col\" class=\"wide\">Files</th>\
             <th scope=\"col\" class=\"wide\">Created</th></tr></thead><tbody>{rows}</tbody></table></div>"
        )
    };
    let mut turn = String::new();
    if start > 0 {
        let newer = start.saturating_sub(PAGE);
        let _ = write!(turn, " <a href=\"/projects/{key}?startAt={newer}\">Newer</a>");
    }
    if start + issues.len() < total {
        let _ = write!(turn, " <a href=\"/projects/{key}?startAt={}\">Older</a>", start + PAGE);
    }
    let content = format!(
        "<p><a href=\"/\">All projects</a></p><h1>{name} ({key})</h1><p>{total} issues, newest first. \
         <a href=\"/projects/{key}\">Reload</a>{turn}</p>{list}",
        name = escape(&project.name)
    );
    page(StatusCode::OK, &project.name, &content)
}

async fn browse(State(state): State<Arc<JiraState>>, Path(key): Path<String>) -> Response {
    let found = state.site().find(&key).cloned();
    let Some(issue) = found else { return not_found(&format!("Issue {key}")) };
    let directory = state.directory();
    let mut out = String::new();
    let project = directory.project(&issue.project.to_string());
    if let Some(project) = project {
        let _ = write!(
            out,
            "<p><a href=\"/projects/{key}\">{name}</a> / {issue} <a href=\"/browse/{issue}\">Reload</a></p>",
            key = escape(&project.key),
            name = escape(&project.name),
            issue = escape(&issue.key)
        );
    }
    let _ = write!(out, "<h1>{}</h1>", escape(&issue.summary));
    details(&mut out, &issue, &directory);
    out.push_str("<h2>Description</h2>");
    match &issue.description {
        Some(document) => {
            let html = flatten_headings(&document.to_html(&|media| state.image_address(media)), 3);
            let _ = write!(out, "<div class=\"rich\">{html}</div>");
        }
        None => out.push_str("<p class=\"soft\">None.</p>"),
    }
    files(&mut out, &issue);
    links(&mut out, &issue, &state);
    comments(&mut out, &issue, &directory, &state);
    properties(&mut out, &issue);
    history(&mut out, &issue, &directory);
    page(StatusCode::OK, &format!("{} {}", issue.key, issue.summary), &out)
}

fn details(out: &mut String, issue: &Issue, directory: &Directory) {
    let kind = directory.issue_type(&issue.issue_type).map_or("", |kind| kind.name.as_str());
    let priority = PRIORITIES.iter().find(|(id, _)| *id == issue.priority).map_or("", |(_, name)| *name);
    let mut rows = vec![
        ("Type", escape(kind)),
        ("Status", format!("<span class=\"status\">{}</span>", issue.status.name())),
        ("Priority", escape(priority)),
        ("Reporter", person(directory, issue.reporter.as_ref())),
        ("Assignee", person(directory, issue.assignee.as_ref())),
        ("Created", when(issue.created)),
        ("Updated", when(issue.updated)),
    ];
    if !issue.labels.is_empty() {
        let labels: Vec<String> = issue
            .labels
            .iter()
            .map(|label| format!("<span class=\"label\">{}</span>", escape(label)))
            .collect();
        rows.push(("Labels", labels.join(" ")));
    }
    for field in &directory.custom_fields {
        let Some(value) = issue.custom.get(&field.id()) else { continue };
        let words = match value {
            CustomValue::Rich(document) => document.to_text(),
            CustomValue::Plain(serde_json::Value::String(text)) => {
                let option = field.options().into_iter().find(|(id, _)| id == text);
                option.map_or_else(|| text.clone(), |(_, value)| value)
            }
            CustomValue::Plain(value) => value.to_string(),
        };
        rows.push((&field.name, escape(&words)));
    }
    out.push_str("<dl>");
    for (name, html) in rows {
        let _ = write!(out, "<dt>{}</dt><dd>{html}</dd>", escape(name));
    }
    out.push_str("</dl>");
}

fn file_link(file: &Attachment) -> String {
    let name = percent_encoding::utf8_percent_encode(&file.filename, percent_encoding::NON_ALPHANUMERIC);
    format!("<a href=\"/secure/attachment/{}/{name}\">{}</a>", file.id, escape(&file.filename))
}

fn files(out: &mut String, issue: &Issue) {
    if issue.attachments.is_empty() {
        return;
    }
    let _ = write!(out, "<h2>Attachments ({})</h2><ul class=\"files\">", issue.attachments.len());
    for file in &issue.attachments {
        let _ = write!(
            out,
            "<li>{} <span class=\"soft\">{}, {} bytes</span></li>",
            file_link(file),
            escape(&file.mime_type),
            file.content.len()
        );
    }
    out.push_str("</ul>");
}

fn links(out: &mut String, issue: &Issue, state: &JiraState) {
    if issue.links.is_empty() && issue.remote_links.is_empty() {
        return;
    }
    out.push_str("<h2>Links</h2><ul>");
    for link in &issue.links {
        let Some(other) = state.site().issue(link.other).cloned() else { continue };
        let (_, _, inward, outward) = LINK_TYPES[link.kind.min(LINK_TYPES.len() - 1)];
        let _ = write!(
            out,
            "<li>{} <a href=\"/browse/{key}\">{key}</a> {}</li>",
            if link.outward { outward } else { inward },
            escape(&other.summary),
            key = escape(&other.key)
        );
    }
    for link in &issue.remote_links {
        let title = link.body.get("object").and_then(|object| object.get("title"));
        let _ =
            write!(out, "<li>{}</li>", escape(title.and_then(serde_json::Value::as_str).unwrap_or_default()));
    }
    out.push_str("</ul>");
}

fn comments(out: &mut String, issue: &Issue, directory: &Directory, state: &JiraState) {
    let _ = write!(out, "<h2>Comments ({})</h2>", issue.comments.len());
    if issue.comments.is_empty() {
        out.push_str("<p class=\"soft\">None.</p>");
    }
    for comment in &issue.comments {
        let _ = write!(
            out,
            "<article class=\"comment\" id=\"comment-{}\"><h3>{}, {}</h3><div class=\"rich\">{}</div>",
            comment.id,
            person(directory, Some(&comment.author)),
            when(comment.created),
            flatten_headings(&comment.body.to_html(&|media| state.image_address(media)), 4)
        );
        if !comment.properties.is_empty() {
            property_table(out, &comment.properties, "Comment properties");
        }
        out.push_str("</article>");
    }
}

fn properties(out: &mut String, issue: &Issue) {
    if issue.properties.is_empty() {
        return;
    }
    out.push_str("<h2>Properties</h2>");
    property_table(out, &issue.properties, "Issue properties");
}

fn property_table(
    out: &mut String,
    properties: &std::collections::BTreeMap<String, serde_json::Value>,
    caption: &str,
) {
    let _ = write!(out, "<details><summary>{caption} ({})</summary><dl>", properties.len());
    for (key, value) in properties {
        let shown = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
        let _ = write!(out, "<dt>{}</dt><dd><pre class=\"value\">{}</pre></dd>", escape(key), escape(&shown));
    }
    out.push_str("</dl></details>");
}

fn history(out: &mut String, issue: &Issue, directory: &Directory) {
    if issue.history.is_empty() {
        return;
    }
    out.push_str("<h2>History</h2><ul>");
    for entry in issue.history.iter().rev() {
        for change in &entry.items {
            let or_none = |text: &str| {
                if text.is_empty() {
                    "<span class=\"soft\">nothing</span>".to_owned()
                } else {
                    escape(&short(text))
                }
            };
            let _ = write!(
                out,
                "<li>{}: {} changed {} from {} to {}</li>",
                when(entry.created),
                person(directory, Some(&entry.author)),
                escape(&change.field),
                or_none(&change.from_string),
                or_none(&change.to_string)
            );
        }
    }
    out.push_str("</ul>");
}

fn short(text: &str) -> String {
    let mut short: String = text.chars().take(80).collect();
    if text.chars().count() > 80 {
        short.push('…');
    }
    short
}
