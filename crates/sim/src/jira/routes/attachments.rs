//! Attachments: upload, metadata, download, and the media address that a download redirects to.

use std::sync::Arc;

use axum::extract::multipart::{Field, MultipartRejection};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Query, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::JiraState;
use super::super::answer::{Answer, Refusal, no_content, ok};
use super::super::caller::Caller;
use super::super::site::{Attachment, Change, Sequence};
use super::issues::record;
use super::{Names, Parameters, find, name};

/// Most files of one request, and of one issue.
const FILES_PER_REQUEST: usize = 60;
const FILES_PER_ISSUE: usize = 2_000;

/// `GET attachment/meta`.
pub(crate) async fn settings(State(state): State<Arc<JiraState>>, _caller: Caller) -> Answer {
    Ok(ok(&json!({"enabled": true, "uploadLimit": state.upload_limit})))
}

/// A file that has been read and not yet stored.
struct Upload {
    filename: String,
    mime_type: String,
    content: Bytes,
}

/// `POST issue/{issue}/attachments`: parts named `file`, header `X-Atlassian-Token: no-check`.
pub(crate) async fn upload(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    names: Names,
    mut request: Request,
) -> Answer {
    if request.headers().get("x-atlassian-token").and_then(|token| token.to_str().ok()) != Some("no-check") {
        return Ok((
            StatusCode::FORBIDDEN,
            [(header::CONTENT_TYPE, "text/plain;charset=UTF-8")],
            "XSRF check failed",
        )
            .into_response());
    }
    let issue = find(&state.site(), &names)?;
    request.extensions_mut().remove::<DefaultBodyLimit>();
    let multipart = Multipart::from_request(request, &()).await;
    let files = read(multipart, state.upload_limit).await?;
    if issue.attachments.len() + files.len() > FILES_PER_ISSUE {
        return Err(too_large("The issue has reached the maximum number of attachments."));
    }
    let now = state.now();
    let me = &caller.user.account_id;
    let mut stored = Vec::new();
    let mut site = state.site();
    for file in files {
        let id = site.next_id(Sequence::Attachment);
        let attachment = Arc::new(Attachment {
            id,
            media: state.fresh_id(),
            filename: file.filename,
            mime_type: file.mime_type,
            content: file.content,
            author: me.clone(),
            created: now,
        });
        let own = Arc::clone(&attachment);
        site.write(issue.id, now, |issue| issue.attachments.push(own)).ok_or_else(Refusal::no_issue)?;
        site.note_attachment(id, attachment.media, issue.id);
        stored.push(attachment);
    }
    let changes = stored.iter().map(|attachment| Change {
        field: "Attachment".to_owned(),
        field_id: "attachment".to_owned(),
        to: attachment.id.to_string(),
        to_string: attachment.filename.clone(),
        ..Change::default()
    });
    record(&mut site, issue.id, me, now, changes.collect());
    drop(site);
    let show = caller.show();
    Ok(ok(&stored.iter().map(|attachment| show.attachment(attachment)).collect()))
}

async fn read(multipart: Result<Multipart, MultipartRejection>, limit: u64) -> Result<Vec<Upload>, Refusal> {
    let mut multipart = multipart.map_err(|error| {
        Refusal::message(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type")
            .because(error.to_string())
    })?;
    let broken = |error: axum::extract::multipart::MultipartError| {
        Refusal::bad("The multipart request could not be read.").because(error.to_string())
    };
    let mut files = Vec::new();
    while let Some(field) = multipart.next_field().await.map_err(broken)? {
        if field.name() != Some("file") {
            continue;
        }
        if files.len() >= FILES_PER_REQUEST {
            return Err(too_large("The number of files in the request exceeds the limit of 60."));
        }
        files.push(read_file(field, limit).await?);
    }
    if files.is_empty() {
        return Err(Refusal::bad("The request has no part named 'file'."));
    }
    Ok(files)
}

async fn read_file(mut field: Field<'_>, limit: u64) -> Result<Upload, Refusal> {
    let filename = field.file_name().map(str::to_owned).filter(|name| !name.is_empty());
    let filename = filename.ok_or_else(|| Refusal::bad("The part named 'file' has no file name."))?;
    let given =
        field.content_type().map(|kind| kind.split(';').next().unwrap_or_default().trim().to_lowercase());
    let mime_type =
        given.filter(|kind| kind.contains('/')).unwrap_or_else(|| "application/octet-stream".to_owned());
    let mut content = BytesMut::new();
    loop {
        let chunk = field.chunk().await.map_err(|error| {
            Refusal::bad("The multipart request could not be read.").because(error.to_string())
        })?;
        let Some(chunk) = chunk else { break };
        if u64::try_from(content.len() + chunk.len()).unwrap_or(u64::MAX) > limit {
            return Err(too_large(&format!(
                "The file '{filename}' is larger than the limit of {limit} bytes for attachments."
            )));
        }
        content.extend_from_slice(&chunk);
    }
    Ok(Upload { filename, mime_type, content: content.freeze() })
}

fn too_large(message: &str) -> Refusal {
    Refusal::message(StatusCode::PAYLOAD_TOO_LARGE, message)
}

fn attachment(state: &JiraState, names: &Names) -> Result<(u64, Arc<Attachment>), Refusal> {
    let wanted = name(names, "attachment");
    let site = state.site();
    let found = wanted.parse().ok().and_then(|id| site.attachment(id));
    found.map(|(issue, attachment)| (issue, Arc::clone(attachment))).ok_or_else(|| {
        let message = format!("The attachment with id '{wanted}' does not exist");
        Refusal::message(StatusCode::NOT_FOUND, message)
    })
}

/// `GET attachment/{attachment}`: here the id is a number.
pub(crate) async fn get(State(state): State<Arc<JiraState>>, caller: Caller, names: Names) -> Answer {
    let (_, attachment) = attachment(&state, &names)?;
    let mut shown = caller.show().attachment(&attachment);
    shown["id"] = json!(attachment.id);
    shown["properties"] = Value::Object(serde_json::Map::new());
    Ok(ok(&shown))
}

/// `DELETE attachment/{attachment}`.
pub(crate) async fn delete(State(state): State<Arc<JiraState>>, caller: Caller, names: Names) -> Answer {
    let (issue, attachment) = attachment(&state, &names)?;
    let now = state.now();
    let mut site = state.site();
    site.forget_attachment(attachment.id, attachment.media);
    site.write(issue, now, |issue| issue.attachments.retain(|own| own.id != attachment.id));
    let gone = Change {
        field: "Attachment".to_owned(),
        field_id: "attachment".to_owned(),
        from: attachment.id.to_string(),
        from_string: attachment.filename.clone(),
        ..Change::default()
    };
    record(&mut site, issue, &caller.user.account_id, now, vec![gone]);
    Ok(no_content())
}

/// `GET attachment/content/{attachment}`: 303 to the media address, or the bytes with `redirect=false`.
pub(crate) async fn content(
    State(state): State<Arc<JiraState>>,
    caller: Caller,
    names: Names,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Answer {
    let (_, attachment) = attachment(&state, &names)?;
    if parameters.get("redirect").is_some_and(|redirect| redirect == "false") {
        return Ok(bytes(&attachment, &headers));
    }
    let media = attachment.media;
    let encoded =
        percent_encoding::utf8_percent_encode(&attachment.filename, percent_encoding::NON_ALPHANUMERIC);
    let address = format!(
        "{}/media/file/{media}/binary?token={}&client=simulated&dl=true&name={encoded}",
        caller.base,
        state.media_ticket(media)
    );
    let address = HeaderValue::from_str(&address).map_err(|error| {
        Refusal::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
            .because(error.to_string())
    })?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response())
}

/// The media host: the ticket in the address is all that it asks for.
pub(crate) async fn media(
    State(state): State<Arc<JiraState>>,
    names: Names,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Answer {
    let media = Uuid::parse_str(name(&names, "media"));
    let media = media.map_err(|_| Refusal::message(StatusCode::NOT_FOUND, "No such file."))?;
    if parameters.get("token").map(String::as_str) != Some(state.media_ticket(media).as_str()) {
        return Err(Refusal::message(
            StatusCode::FORBIDDEN,
            "The token of the address is not valid for this file.",
        ));
    }
    let found = state.site().attachment_by_media(media).cloned();
    let attachment = found.ok_or_else(|| Refusal::message(StatusCode::NOT_FOUND, "No such file."))?;
    Ok(bytes(&attachment, &headers))
}

/// The download address of the issue page.
pub(crate) async fn download(
    State(state): State<Arc<JiraState>>,
    names: Names,
    headers: HeaderMap,
) -> Answer {
    Ok(bytes(&attachment(&state, &names)?.1, &headers))
}

/// Whether a page may show the file as a picture.
pub(crate) fn is_picture(mime_type: &str) -> bool {
    matches!(mime_type, "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "image/bmp")
}

/// The file itself: pictures to be shown, all else to be saved; a simple range is honoured.
fn bytes(attachment: &Attachment, headers: &HeaderMap) -> Response {
    let content = &attachment.content;
    let show = is_picture(&attachment.mime_type);
    let encoded =
        percent_encoding::utf8_percent_encode(&attachment.filename, percent_encoding::NON_ALPHANUMERIC);
    let disposition = format!("{}; filename*=UTF-8''{encoded}", if show { "inline" } else { "attachment" });
    let (status, body, range) = match range(headers, content.len()) {
        Some((from, to)) => (
            StatusCode::PARTIAL_CONTENT,
            content.slice(from..to),
            Some(format!("bytes {from}-{}/{}", to - 1, content.len())),
        ),
        None => (StatusCode::OK, content.clone(), None),
    };
    let mut response = (status, body).into_response();
    let out = response.headers_mut();
    let texts = [
        (header::CONTENT_TYPE, attachment.mime_type.clone()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".to_owned()),
    ];
    let texts = texts.into_iter().chain(range.map(|range| (header::CONTENT_RANGE, range)));
    for (name, text) in texts {
        let fallback = HeaderValue::from_static("application/octet-stream");
        out.insert(name, HeaderValue::from_str(&text).unwrap_or(fallback));
    }
    response
}

/// `Range: bytes=from-to`, end exclusive; `None` when there is none or it is not of this kind.
fn range(headers: &HeaderMap, length: usize) -> Option<(usize, usize)> {
    let text = headers.get(header::RANGE)?.to_str().ok()?.strip_prefix("bytes=")?;
    let (from, to) = text.split_once('-')?;
    let from: usize = from.parse().ok()?;
    let to = if to.is_empty() { length } else { to.parse::<usize>().ok()?.checked_add(1)?.min(length) };
    (from < to).then_some((from, to))
}
