//! The mail itself, in a frame that runs nothing and loads nothing; and its attachments, as downloads only.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ammonia::Builder;
use axum::body::Body;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail::Mail;
use uuid::Uuid;

use super::opened;
use super::routes::State;
use super::store as rows;
use crate::access::Viewer;
use crate::web::{self, Problem};

/// An image inside the mail is shown up to this size …
const LARGEST_IMAGE: usize = 512 << 10;
/// … and all of them together up to this.
const ALL_IMAGES: usize = 4 << 20;
/// The most HTML that is shown.
const LARGEST_HTML: usize = 2 << 20;

/// What a style may say: how text and tables look. Nothing that moves things over others or loads something.
const STYLES: [&str; 26] = [
    "background-color",
    "border",
    "border-bottom",
    "border-collapse",
    "border-color",
    "border-left",
    "border-right",
    "border-style",
    "border-top",
    "border-width",
    "color",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "height",
    "line-height",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-top",
    "padding",
    "text-align",
    "text-decoration",
    "vertical-align",
    "width",
];

/// GET /messages/{id}/mail
pub async fn show(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let mail = mail_of(&state, &viewer, id).await?;
    let cleaned = tokio::task::spawn_blocking(move || cleaned(&mail))
        .await
        .map_err(|error| Problem::internal(format!("a mail could not be cleaned: {error}")))?;
    Ok(web::mail_frame(cleaned))
}

async fn mail_of(state: &State, viewer: &Viewer, id: Uuid) -> Result<Arc<Mail>, Problem> {
    let db = &state.connections.db;
    let message =
        rows::one(db, viewer.workspace(), id).await?.ok_or_else(|| Problem::not_found("message"))?;
    let content = opened::content(db, &state.ledger, &state.blobs, id, &message.content)
        .await?
        .ok_or_else(|| Problem::not_found("content of this message any more"))?;
    content.mail.map_err(|error| {
        Problem::invalid(
            format!("This mail cannot be read: {error}."),
            "Its source is shown on the message's page.",
        )
    })
}

/// A mail's body as HTML that is safe to show.
pub fn cleaned(mail: &Mail) -> String {
    let Some(html) = &mail.html else {
        return format!("<pre>{}</pre>", ammonia::clean_text(mail.text.as_deref().unwrap_or_default()));
    };
    let mut end = html.len().min(LARGEST_HTML);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    clean(&html[..end], &images(mail))
}

/// The mail's own small images, by content id, as addresses that hold them.
fn images(mail: &Mail) -> HashMap<String, String> {
    let mut all = HashMap::new();
    let mut size = 0;
    for attachment in &mail.attachments {
        let Some(cid) = &attachment.content_id else { continue };
        let shown = ["image/png", "image/jpeg", "image/gif", "image/webp"]
            .contains(&attachment.content_type.as_str());
        if shown && attachment.content.len() <= LARGEST_IMAGE && size + attachment.content.len() <= ALL_IMAGES
        {
            size += attachment.content.len();
            let data =
                format!("data:{};base64,{}", attachment.content_type, STANDARD.encode(&attachment.content));
            all.insert(cid.clone(), data);
        }
    }
    all
}

fn clean(html: &str, images: &HashMap<String, String>) -> String {
    let images = images.clone();
    let mut builder = Builder::default();
    builder
        .add_tags(["font", "center", "u"])
        .add_generic_attributes([
            "style", "align", "valign", "width", "height", "bgcolor", "color", "size", "border",
        ])
        .add_generic_attributes(["cellpadding", "cellspacing", "dir"])
        .filter_style_properties(HashSet::from(STYLES))
        .url_schemes(HashSet::from(["http", "https", "mailto", "cid"]))
        .link_rel(Some("noopener noreferrer"))
        .set_tag_attribute_value("a", "target", "_blank")
        .attribute_filter(move |element, attribute, value| match (element, attribute) {
            // What the mail brings along is shown; nothing is fetched.
            ("img", "src") => {
                let cid = value.strip_prefix("cid:").or_else(|| value.strip_prefix("CID:"))?;
                let cid = percent_encoding::percent_decode_str(cid).decode_utf8().ok()?;
                images.get(cid.as_ref()).map(|data| Cow::Owned(data.clone()))
            }
            (_, "src" | "srcset" | "background" | "poster" | "cite" | "data") => None,
            (_, "href") if value.starts_with("cid:") => None,
            _ => Some(Cow::Borrowed(value)),
        });
    builder.clean(html).to_string()
}

/// GET /messages/{id}/attachments/{number}
pub async fn attachment(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Path((id, number)): Path<(Uuid, usize)>,
) -> Result<Response, Problem> {
    let mail = mail_of(&state, &viewer, id).await?;
    let attachment = mail.attachments.get(number).ok_or_else(|| Problem::not_found("attachment"))?;
    // Never a type that a browser would show.
    Ok(web::file(&attachment.name, "application/octet-stream", Body::from(attachment.content.clone())))
}

/// GET /messages/{id}/source: as it came.
pub async fn source(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    source_file(&state, viewer.workspace(), id).await
}

/// A mail as it came, as a file: its MIME, or what the mailbox told of it where no MIME was needed.
pub(crate) async fn source_file(state: &State, workspace: Uuid, id: Uuid) -> Result<Response, Problem> {
    let db = &state.connections.db;
    let message = rows::one(db, workspace, id).await?.ok_or_else(|| Problem::not_found("message"))?;
    let content = opened::content(db, &state.ledger, &state.blobs, id, &message.content)
        .await?
        .ok_or_else(|| Problem::not_found("content of this message any more"))?;
    let (kind, ending) = match content.source.iter().find(|byte| !byte.is_ascii_whitespace()) {
        _ if content.is_mime => ("message/rfc822", "eml"),
        Some(b'{') => ("application/json", "json"),
        _ => ("application/xml", "xml"),
    };
    Ok(web::file(&format!("mail-{id}.{ending}"), kind, Body::from(content.source)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: nothing of a shown mail runs, loads or is sent, whatever it is written like.
    #[test]
    fn shown_mail_does_nothing() {
        let images = HashMap::from([("logo@x".to_owned(), "data:image/png;base64,AA==".to_owned())]);
        let html = "<script>alert(1)</script><img src=cid:logo@x><img src='https://spy.example/p.gif'>\
             <img src=data:image/svg+xml;base64,AA><a href='javascript:alert(1)'>x</a><a href=https://ok.example>y</a>\
             <form action=https://spy.example><input name=a></form><div style='background:url(https://spy.example);color:red;\
             position:fixed' onclick=alert(1)>z</div><link rel=stylesheet href=https://spy.example><style>@import 'x'</style>\
             <iframe src=https://spy.example></iframe><svg onload=alert(1)></svg><base href=https://spy.example>\
             <meta http-equiv=refresh content='0;url=https://spy.example'><table background=https://spy.example><tr><td>q</table>";
        let cleaned = clean(html, &images);
        for bad in [
            "script",
            "spy.example",
            "javascript",
            "onclick",
            "onload",
            "<form",
            "<iframe",
            "position",
            "svg",
            "@import",
        ] {
            assert!(!cleaned.contains(bad), "{bad} in {cleaned}");
        }
        assert!(
            cleaned.contains("data:image/png;base64,AA==") && cleaned.contains("https://ok.example"),
            "{cleaned}"
        );
        assert!(cleaned.contains("color:red") && cleaned.contains("noopener noreferrer"), "{cleaned}");
    }
}
