//! Reading mail in the pages, and what can be done with a message.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Form, Path, Query, State};
use http::{HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;

use super::{encoded, fault, find, head, show};
use crate::exchange::Exchange;
use crate::exchange::ids;
use crate::exchange::ingest::Person;
use crate::exchange::mailbox::{DELETED, DRAFTS, Mailbox, Message, RECOVERABLE, ROOT, SENT, Store};
use crate::exchange::parts;
use crate::page::{escape, redirect};

/// Messages on a page.
const PAGE: usize = 50;

type At = State<Arc<Exchange>>;

fn when(at: Timestamp) -> String {
    let machine = at.strftime("%Y-%m-%dT%H:%M:%SZ");
    format!("<time datetime=\"{machine}\">{}</time>", at.strftime("%Y-%m-%d %H:%M UTC"))
}

fn no_mailbox(upn: &str) -> Response<Body> {
    fault(StatusCode::NOT_FOUND, &format!("There is no mailbox {upn}."))
}

fn no_message() -> Response<Body> {
    fault(StatusCode::NOT_FOUND, "This message is no longer there.")
}

/// All mailboxes.
pub(crate) async fn mailboxes(State(exchange): At) -> Response<Body> {
    let mut list = String::new();
    for mailbox in exchange.all() {
        let store = mailbox.store();
        let unread = store.folder("inbox").map_or(0, |folder| folder.unread);
        let _ = write!(
            list,
            "<li><a href=\"/mailboxes/{link}\" data-testid=\"mailbox\"><span class=\"one\">{name}</span><span class=\"one soft\">{upn}</span><span>{unread} unread</span></a></li>",
            link = encoded(&mailbox.upn),
            name = escape(&mailbox.name),
            upn = escape(&mailbox.upn),
        );
    }
    let content = format!(
        "<div class=\"card\"><h1>Mailboxes</h1><p>Everybody’s mail, because nobody here is real. <a href=\"/write\">Write a mail</a> from one of them or as a person outside.</p>\
         <ul class=\"list\">{list}</ul><p><a href=\"/outside\">What was sent to addresses outside</a></p></div>"
    );
    show(StatusCode::OK, "Mailboxes", &head(None), &content, false)
}

pub(crate) async fn inbox(Path(upn): Path<String>) -> Response<Body> {
    redirect(&format!("/mailboxes/{}/folders/inbox", encoded(&upn)))
}

fn folder_links(mailbox: &Mailbox, store: &Store, current: u32) -> String {
    let mut list = String::new();
    for folder in store.folders.values().filter(|folder| folder.parent != 0 && !folder.is_hidden()) {
        let name =
            folder.well_known.map_or_else(|| ids::folder(mailbox.number, folder.number), str::to_owned);
        let mark = if folder.number == current { " aria-current=\"page\"" } else { "" };
        let indent = if folder.parent == ROOT { "" } else { "– " };
        let unread = if folder.unread > 0 { format!(" ({})", folder.unread) } else { String::new() };
        let _ = write!(
            list,
            "<li><a href=\"/mailboxes/{}/folders/{}\"{mark}>{indent}{}{unread}</a></li>",
            encoded(&mailbox.upn),
            encoded(&name),
            escape(&folder.name),
        );
    }
    format!("<nav aria-label=\"Folders\"><ul>{list}</ul></nav>")
}

fn people(people: &[Person]) -> String {
    let shown: Vec<String> = people
        .iter()
        .map(|person| {
            if person.name == person.address {
                escape(&person.address)
            } else {
                format!("{} &lt;{}&gt;", escape(&person.name), escape(&person.address))
            }
        })
        .collect();
    shown.join(", ")
}

/// A folder's messages, newest first.
pub(crate) async fn folder(
    State(exchange): At,
    Path((upn, folder)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Response<Body> {
    let Some(mailbox) = exchange.mailbox(&upn) else { return no_mailbox(&upn) };
    let store = mailbox.store();
    let Some(found) = store.folder(&folder) else {
        return fault(StatusCode::NOT_FOUND, &format!("{upn} has no folder {folder}."));
    };
    let start: usize = query.get("start").and_then(|start| start.parse().ok()).unwrap_or(0);
    let mut list = String::new();
    for message in found.newest_first().skip(start).take(PAGE).filter_map(|key| store.messages.get(&key)) {
        let content = &message.content;
        let who = if found.number == SENT || found.number == DRAFTS {
            content.to.first().map(|to| format!("To {}", to.name))
        } else {
            content.from.as_ref().map(|from| from.name.clone())
        };
        let subject = if content.subject.is_empty() { "(no subject)" } else { &content.subject };
        let _ = write!(
            list,
            "<li><a href=\"/mailboxes/{upn}/messages/{id}\" class=\"{class}\" data-testid=\"message\"><span class=\"one\">{who}</span><span class=\"one\">{subject}{files}{categories}</span><span class=\"soft\">{at}</span></a></li>",
            upn = encoded(&mailbox.upn),
            id = encoded(&message.immutable_id(mailbox.number)),
            class = if message.is_read { "read" } else { "unread" },
            who = escape(&who.unwrap_or_else(|| "(nobody)".to_owned())),
            subject = escape(subject),
            files = if content.has_attachments { " <span class=\"soft\">with files</span>" } else { "" },
            categories = message.categories.iter().fold(String::new(), |mut out, name| {
                let _ = write!(out, " <span class=\"mark\">{}</span>", escape(name));
                out
            }),
            at = when(message.received),
        );
    }
    if list.is_empty() {
        list.push_str("<li><p>Nothing here.</p></li>");
    }
    let mut turn = String::new();
    let here = format!("/mailboxes/{}/folders/{}", encoded(&mailbox.upn), encoded(&folder));
    if start > 0 {
        let _ = write!(turn, "<a href=\"{here}?start={}\">Newer</a> ", start.saturating_sub(PAGE));
    }
    if start + PAGE < found.total() {
        let _ = write!(turn, "<a href=\"{here}?start={}\">Older</a>", start + PAGE);
    }
    let content = format!(
        "<div class=\"columns\">{folders}<section class=\"card\" aria-labelledby=\"title\"><h1 id=\"title\">{name}</h1><p class=\"soft\">{upn}, {total} in this folder, {unread} unread. <a href=\"{here}\">Reload</a></p><ul class=\"list\">{list}</ul><p>{turn}</p></section></div>",
        folders = folder_links(mailbox, &store, found.number),
        name = escape(&found.name),
        upn = escape(&mailbox.upn),
        total = found.total(),
        unread = found.unread,
    );
    show(StatusCode::OK, &found.name, &head(Some(&mailbox.upn)), &content, false)
}

/// One message. Opening it marks it read.
pub(crate) async fn message(
    State(exchange): At,
    Path((upn, id)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Response<Body> {
    let Some(mailbox) = exchange.mailbox(&upn) else { return no_mailbox(&upn) };
    let now = exchange.core.now();
    let mut store = mailbox.store();
    let Some(key) = find(mailbox, &store, &id) else { return no_message() };
    let is_read = store.messages.get(&key).is_some_and(|message| message.is_read);
    if !is_read && !query.contains_key("unread") {
        store.change(key, now, |message| message.is_read = true);
    }
    let Some(message) = store.messages.get(&key) else { return no_message() };
    let page = format!(
        "/mailboxes/{}/messages/{}",
        encoded(&mailbox.upn),
        encoded(&message.immutable_id(mailbox.number))
    );
    let content = format!(
        "<div class=\"columns\">{folders}<article class=\"card\" aria-labelledby=\"title\">{head}{buttons}{body}{files}<p><a href=\"{page}/source\">Source</a></p></article></div>",
        folders = folder_links(mailbox, &store, message.folder),
        head = message_head(message),
        buttons = buttons(mailbox, &store, message, &page),
        body = message_body(message, &page),
        files = files(message, &page),
    );
    let title = if message.content.subject.is_empty() { "(no subject)" } else { &message.content.subject };
    show(StatusCode::OK, title, &head(Some(&mailbox.upn)), &content, false)
}

fn message_head(message: &Message) -> String {
    let content = &message.content;
    let subject = if content.subject.is_empty() { "(no subject)" } else { &content.subject };
    let from = content.from.as_ref().map(|from| people(std::slice::from_ref(from))).unwrap_or_default();
    let mut rows = vec![("From", from), ("To", people(&content.to))];
    if !content.cc.is_empty() {
        rows.push(("Cc", people(&content.cc)));
    }
    rows.push(("Received", when(message.received)));
    if !message.categories.is_empty() {
        rows.push(("Categories", escape(&message.categories.join(", "))));
    }
    for (id, value) in &message.extended {
        rows.push(("Property", format!("{}: {}", escape(id), escape(value))));
    }
    let rows = rows.iter().fold(String::new(), |mut out, (name, value)| {
        let _ = write!(out, "<dt>{name}</dt><dd>{value}</dd>");
        out
    });
    format!("<h1 id=\"title\">{}</h1><dl>{rows}</dl>", escape(subject))
}

fn buttons(mailbox: &Mailbox, store: &Store, message: &Message, page: &str) -> String {
    let options = store
        .folders
        .values()
        .filter(|folder| folder.parent != 0 && !folder.is_hidden() && folder.number != message.folder)
        .fold(String::new(), |mut out, folder| {
            let id = ids::folder(mailbox.number, folder.number);
            let _ = write!(out, "<option value=\"{id}\">{}</option>", escape(&folder.name));
            out
        });
    let reply = format!(
        "/write?from={}&amp;mailbox={}&amp;reply={}",
        encoded(&mailbox.upn),
        encoded(&mailbox.upn),
        encoded(&message.immutable_id(mailbox.number))
    );
    format!(
        "<div class=\"buttons\"><a href=\"{reply}\" data-testid=\"reply\">Reply</a> <a href=\"{reply}&amp;as=sender\" data-testid=\"reply-as-sender\">Write again as the sender</a></div>\
         <form method=\"post\" action=\"{page}/change\" class=\"buttons\"><button type=\"submit\" name=\"what\" value=\"{read}\">Mark as {read}</button>\
         <button type=\"submit\" name=\"what\" value=\"delete\">Delete</button></form>\
         <form method=\"post\" action=\"{page}/change\"><label for=\"folder\">Move to</label><select id=\"folder\" name=\"folder\">{options}</select>\
         <div class=\"buttons\"><button type=\"submit\" name=\"what\" value=\"move\">Move</button></div></form><h2>Message</h2>",
        read = if message.is_read { "unread" } else { "read" },
    )
}

fn message_body(message: &Message, page: &str) -> String {
    if message.content.is_html {
        format!(
            "<iframe src=\"{page}/body\" title=\"Message\" sandbox referrerpolicy=\"no-referrer\"></iframe>"
        )
    } else {
        format!("<pre data-testid=\"body\">{}</pre>", escape(&message.content.body))
    }
}

fn files(message: &Message, page: &str) -> String {
    let all = parts::of_raw(&message.content.raw, &message.content.body);
    if all.is_empty() {
        return String::new();
    }
    let list = all.iter().enumerate().fold(String::new(), |mut out, (number, file)| {
        let _ = write!(
            out,
            "<li><a href=\"{page}/parts/{number}\">{}</a> <span class=\"soft\">{}, {} bytes{}</span></li>",
            escape(&file.name),
            escape(&file.content_type),
            file.size,
            if file.is_inline { ", shown in the message" } else { "" },
        );
        out
    });
    format!("<h2>Files</h2><ul>{list}</ul>")
}

/// The HTML of a message, for a frame that may do nothing.
pub(crate) async fn body(State(exchange): At, Path((upn, id)): Path<(String, String)>) -> Response<Body> {
    let Some(mailbox) = exchange.mailbox(&upn) else { return no_mailbox(&upn) };
    let store = mailbox.store();
    let Some(message) = find(mailbox, &store, &id).and_then(|key| store.messages.get(&key)) else {
        return no_message();
    };
    let mut html = message.content.body.clone();
    let page = format!(
        "/mailboxes/{}/messages/{}",
        encoded(&mailbox.upn),
        encoded(&message.immutable_id(mailbox.number))
    );
    for (number, file) in parts::of_raw(&message.content.raw, &html).iter().enumerate() {
        if let Some(id) = file.content_id.as_deref().filter(|id| !id.is_empty()) {
            html = html.replace(&format!("cid:{id}"), &format!("{page}/parts/{number}"));
        }
    }
    let mut response = Response::new(Body::from(html));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The bytes of a message as text.
pub(crate) async fn source(State(exchange): At, Path((upn, id)): Path<(String, String)>) -> Response<Body> {
    let Some(mailbox) = exchange.mailbox(&upn) else { return no_mailbox(&upn) };
    let store = mailbox.store();
    let Some(message) = find(mailbox, &store, &id).and_then(|key| store.messages.get(&key)) else {
        return no_message();
    };
    let mut response = Response::new(Body::from(message.content.raw.clone()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A file: pictures to be shown, all else as a download.
pub(crate) async fn part(
    State(exchange): At,
    Path((upn, id, number)): Path<(String, String, usize)>,
) -> Response<Body> {
    let Some(mailbox) = exchange.mailbox(&upn) else { return no_mailbox(&upn) };
    let store = mailbox.store();
    let Some(message) = find(mailbox, &store, &id).and_then(|key| store.messages.get(&key)) else {
        return no_message();
    };
    let content = &message.content;
    let all = parts::of_raw(&content.raw, &content.body);
    let Some(file) = all.get(number) else { return no_message() };
    let mut response = Response::new(Body::from(parts::content(&content.raw, file)));
    let headers = response.headers_mut();
    let pictures = ["image/png", "image/jpeg", "image/gif", "image/webp"];
    let picture = pictures.into_iter().find(|kind| file.content_type.eq_ignore_ascii_case(kind));
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(picture.unwrap_or("application/octet-stream")),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    if picture.is_none()
        && let Ok(value) =
            HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{}", encoded(&file.name)))
    {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// Marks, moves or deletes a message.
pub(crate) async fn change(
    State(exchange): At,
    Path((upn, id)): Path<(String, String)>,
    Form(fields): Form<HashMap<String, String>>,
) -> Response<Body> {
    let Some(mailbox) = exchange.mailbox(&upn) else { return no_mailbox(&upn) };
    let now = exchange.core.now();
    let mut store = mailbox.store();
    let Some(key) = find(mailbox, &store, &id) else { return no_message() };
    let folder = store.messages.get(&key).map_or(ROOT, |message| message.folder);
    let back = format!(
        "/mailboxes/{}/folders/{}",
        encoded(&mailbox.upn),
        encoded(&ids::folder(mailbox.number, folder))
    );
    match fields.get("what").map(String::as_str) {
        Some("read") => store.change(key, now, |message| message.is_read = true),
        Some("unread") => store.change(key, now, |message| message.is_read = false),
        Some("delete") if folder == RECOVERABLE => store.remove(key),
        Some("delete") if folder == DELETED => store.relocate(key, RECOVERABLE, now),
        Some("delete") => store.relocate(key, DELETED, now),
        Some("move") => {
            let to = fields.get("folder").and_then(|id| store.folder(id)).map(|folder| folder.number);
            let Some(to) = to else { return fault(StatusCode::BAD_REQUEST, "There is no such folder.") };
            store.relocate(key, to, now);
        }
        _ => return fault(StatusCode::BAD_REQUEST, "It was not said what to do with the message."),
    }
    redirect(&back)
}

/// What left the tenant.
pub(crate) async fn outside(State(exchange): At) -> Response<Body> {
    let mut list = String::new();
    for sent in exchange.sent_outside().iter().rev().take(PAGE) {
        let content = crate::exchange::ingest::read(sent.raw.clone());
        let _ = write!(
            list,
            "<li><p><strong>{}</strong> to {} <span class=\"soft\">{}</span></p><details><summary>Source</summary><pre>{}</pre></details></li>",
            escape(&content.subject),
            escape(&sent.to),
            when(sent.at),
            escape(&String::from_utf8_lossy(&sent.raw)),
        );
    }
    if list.is_empty() {
        list.push_str("<li><p>Nothing has left yet.</p></li>");
    }
    let content =
        format!("<div class=\"card\"><h1>Sent to addresses outside</h1><ul class=\"list\">{list}</ul></div>");
    show(StatusCode::OK, "Sent outside", &head(None), &content, false)
}
