//! Upload sessions: a large file goes up in parts, to an address that carries its own token.
//!
//! As *Attach large files to Outlook messages* has it: from 3 MB to 150 MB; parts of at most 4 MB, in order, each answered with 200 and
//! where the next begins; the last with 201 and `Location`, and the session is gone; `GET` says where it stands, `DELETE` ends it. With a
//! person's rights on another's mailbox a session is refused.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{Method, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::call::Call;
use super::{GraphState, SEGMENT, Target, attachments, find};
use crate::exchange::compose::File;
use crate::exchange::ids;

/// The smallest and the largest file, in bytes.
const SIZES: std::ops::RangeInclusive<usize> = 3 * 1024 * 1024..=150 * 1024 * 1024;
/// The largest part.
const LARGEST_PART: usize = 4 * 1024 * 1024;
/// How long a session lasts.
const LASTS: SignedDuration = SignedDuration::from_hours(2);

/// The sessions under way, by their tokens.
#[derive(Default)]
pub(crate) struct Uploads(Mutex<HashMap<String, Upload>>);

struct Upload {
    mailbox: u32,
    key: u64,
    file: File,
    size: usize,
    received: BytesMut,
    expires: Timestamp,
}

impl Uploads {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Upload>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn gone() -> Refusal {
    Refusal::new(404, "ErrorItemNotFound", "The specified object was not found in the store.")
}

fn state(upload: &Upload) -> Value {
    json!({
        "ExpirationDateTime": upload.expires.to_string(),
        "nextExpectedRanges": [upload.received.len().to_string()],
    })
}

/// createUploadSession.
pub(crate) fn begin(target: &Target<'_>, call: &Call, id: &str) -> Outcome {
    if target.caller.is_some_and(|caller| caller.oid != target.mailbox.owner) {
        return Err(Refusal::denied());
    }
    let body = call.object()?;
    let item = body.iter().find(|(name, _)| name.eq_ignore_ascii_case("attachmentItem"));
    let Some((_, Value::Object(item))) = item else {
        return Err(Refusal::new(400, "ErrorInvalidParameter", "The AttachmentItem is missing."));
    };
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    if text("attachmentType") != Some("file") {
        return Err(Refusal::new(400, "ErrorInvalidParameter", "The attachment type must be file."));
    }
    let size = item.get("size").and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok());
    let (Some(name), Some(size)) = (text("name"), size) else {
        return Err(Refusal::new(
            400,
            "ErrorRequiredPropertyMissing",
            "Required property is missing: name, size.",
        ));
    };
    if size < *SIZES.start() {
        return Err(Refusal::new(
            400,
            "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize",
            "The attachment size must not be smaller than the minimum size.",
        ));
    }
    if size > *SIZES.end() {
        return Err(Refusal::new(413, "ErrorAttachmentSizeLimitExceeded", "The attachment is too large."));
    }
    let store = target.mailbox.store();
    let key = find(&store, id)?;
    attachments::draft(&store, key)?;
    let token = target.chance.uuid().simple().to_string();
    let upload = Upload {
        mailbox: store.mailbox,
        key,
        file: File {
            name: name.to_owned(),
            content_type: text("contentType").unwrap_or("application/octet-stream").to_owned(),
            content_id: text("contentId").map(str::to_owned),
            is_inline: item.get("isInline").and_then(Value::as_bool).unwrap_or(false),
            content: Bytes::new(),
        },
        size,
        received: BytesMut::new(),
        expires: target.now.saturating_add(LASTS).unwrap_or(target.now),
    };
    let value = json!({
        "@odata.context": format!("{}/v1.0/$metadata#microsoft.graph.uploadSession", target.base),
        "uploadUrl": format!(
            "{}/api/v2.0/Users('{}')/Messages('{}')/AttachmentSessions('{}')?authtoken={token}",
            target.base,
            target.mailbox.owner,
            percent_encoding::utf8_percent_encode(id, SEGMENT),
            target.chance.uuid().simple()
        ),
        "expirationDateTime": upload.expires.to_string(),
        "nextExpectedRanges": ["0-"],
    });
    target.uploads.lock().insert(token, upload);
    Ok(Answer::value(201, &value))
}

/// Whether a request is to a session's address.
pub(crate) fn is_one(parts: &Parts) -> bool {
    let path = parts.uri.path().to_ascii_lowercase();
    path.starts_with("/api/v2.0/") && path.contains("attachmentsessions")
}

/// First and last byte and the size, as `Content-Range` tells them.
fn range(parts: &Parts) -> Option<(usize, usize, usize)> {
    let text = parts.headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?, size.parse().ok()?))
}

impl GraphState {
    /// What a session's address answers. A token of Graph is none here.
    pub(super) fn upload(&self, parts: &Parts, body: &Bytes) -> Outcome {
        let unauthorized = |message: &str| Refusal::new(401, "InvalidAuthenticationToken", message);
        if parts.headers.contains_key(header::AUTHORIZATION) {
            return Err(unauthorized("The audience claim value is invalid for current resource."));
        }
        let query = parts.uri.query().unwrap_or_default();
        let token = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "authtoken");
        let (_, token) = token.ok_or_else(|| unauthorized("Access token is empty."))?;
        let mut uploads = self.uploads.lock();
        let now = self.now();
        uploads.retain(|_, upload| upload.expires > now);
        let upload = uploads.get_mut(&*token).ok_or_else(gone)?;
        match parts.method {
            Method::GET => return Ok(Answer::value(200, &state(upload))),
            Method::DELETE => {
                uploads.remove(&*token);
                return Ok(Answer::empty(204));
            }
            Method::PUT => {}
            _ => return Err(Refusal::new(405, "Request_BadRequest", "The method is not allowed here.")),
        }
        let (first, last, size) = range(parts)
            .ok_or_else(|| Refusal::new(400, "ErrorInvalidParameter", "Content-Range is missing."))?;
        if body.len() > LARGEST_PART {
            return Err(Refusal::new(413, "RequestEntityTooLarge", "The request body is too large."));
        }
        if first != upload.received.len() {
            return Err(Refusal::new(416, "invalidRange", "The range is not the one that is expected."));
        }
        if size != upload.size || last.checked_sub(first).map(|length| length + 1) != Some(body.len()) {
            return Err(Refusal::new(
                400,
                "ErrorInvalidParameter",
                "Content-Range does not fit the content.",
            ));
        }
        upload.received.extend_from_slice(body);
        if upload.received.len() < upload.size {
            return Ok(Answer::value(200, &state(upload)));
        }
        let Some(upload) = uploads.remove(&*token) else { return Err(gone()) };
        drop(uploads);
        let mailbox = self.exchange.numbered(upload.mailbox).ok_or_else(gone)?;
        let mut store = mailbox.store();
        let file = File { content: upload.received.freeze(), ..upload.file };
        attachments::change_files(now, &mut store, upload.key, |files| files.push(file))?;
        let index = attachments::count(&store, upload.key).saturating_sub(1);
        let id = ids::attachment(store.mailbox, upload.key, u32::try_from(index).unwrap_or(u32::MAX));
        let location = format!("{}{}/Attachments('{id}')", self.base(), parts.uri.path());
        Ok(Answer::empty(201).with("location", location))
    }
}
