//! Files that go along with a draft: in one request where they are small; large ones go up in parts, in an upload session, which goes
//! on where it stood after an answer is lost.
//!
//! Facts: *Attach large files to Outlook messages* (concepts, Microsoft Graph). Below 3 MB Graph refuses a session
//! (`ErrorAttachmentSizeShouldNotBeLessThanMinimumSize`), from there on it takes nothing else. The session's address carries its own
//! token and takes no other. The file is there once its last part has come, all at once; the session is gone then. With a person's
//! rights on another's mailbox Graph refuses sessions (known issues).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fault::{Class, Fault};
use http::Method;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::call::Ask;
use super::refusal::Refused;
use super::{GraphMailbox, User};
use crate::again::Again;
use crate::budget::{Charge, Priority};
use crate::mailbox::{Attached, File, NativeId};
use crate::network;

/// The smallest file, in bytes, that goes up in parts.
const LARGE: usize = 3 << 20;
/// Bytes of a part: below 4 MB, and a multiple of 320 KiB, which Graph's other upload sessions insist on.
const PART: usize = 10 * 320 * 1024;
const _: () = assert!(PART.is_multiple_of(320 * 1024) && PART < 4_000_000);
/// How often an upload is begun.
const BEGINNINGS: u32 = 3;
/// The pause before it is begun again.
const PAUSE: Duration = Duration::from_millis(500);
/// How often it is asked within one of them what has arrived.
const DOUBTS: usize = 5;
/// Files listed at most; Exchange takes 250 in a mail that is sent.
const MOST: usize = 1_000;

#[derive(Deserialize)]
struct Listing {
    value: Vec<Row>,
    #[serde(default, rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    content_type: Option<String>,
    #[serde(default)]
    content_id: Option<String>,
    #[serde(default)]
    is_inline: Option<bool>,
    #[serde(default)]
    size: Option<u64>,
}

#[derive(Deserialize)]
struct Session {
    #[serde(rename = "uploadUrl")]
    url: String,
}

#[derive(Deserialize)]
struct Expected {
    #[serde(default, rename = "nextExpectedRanges")]
    ranges: Vec<String>,
}

/// Why a session came to no end.
enum Broken {
    /// The file is not taken.
    Refused(Fault),
    /// How far it got cannot be told.
    Lost(Fault),
}

/// Where the mailbox wants the next part to begin; `None` where it wants no more.
fn next_of(answer: &[u8]) -> Result<Option<usize>, String> {
    if answer.trim_ascii().is_empty() {
        return Ok(None);
    }
    let expected: Expected = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
    let Some(range) = expected.ranges.first() else { return Ok(None) };
    // As `3276800`, `3276800-` or `3276800-6553599`.
    let begin = range.split('-').next().unwrap_or_default().trim();
    begin.parse().map(Some).map_err(|error| format!("{error}: {begin:?}"))
}

impl GraphMailbox {
    pub(super) async fn list_attachments(&self, id: &NativeId) -> Result<Vec<Attached>, Fault> {
        let query = "$select=name,contentType,size,isInline,microsoft.graph.fileAttachment/contentId";
        let mut url = self.address(&format!("{}/attachments", self.message_path(id)), query)?;
        let mut all = Vec::new();
        loop {
            let body = self.ask(&Ask::get("list attachments", url, Priority::Live)).await?;
            let listing: Listing = serde_json::from_slice(&body).map_err(|error| {
                network::unreadable(
                    self.host(),
                    &format!("a list of attachments that cannot be read: {error}"),
                )
            })?;
            all.extend(listing.value.into_iter().map(|row| Attached {
                name: row.name.unwrap_or_default(),
                content_type: row.content_type,
                content_id: row.content_id.filter(|id| !id.is_empty()),
                is_inline: row.is_inline.unwrap_or(false),
                size: row.size.unwrap_or(0),
            }));
            match listing.next {
                Some(next) if all.len() < MOST => url = self.followed(&next)?,
                _ => return Ok(all),
            }
        }
    }

    pub(super) async fn attach_file(&self, draft: &NativeId, file: &File) -> Result<(), Fault> {
        if file.content.len() >= LARGE {
            return self.upload(draft, file).await;
        }
        let url = self.address(&format!("{}/attachments", self.message_path(draft)), "")?;
        let mut body = json!({
            "@odata.type": "#microsoft.graph.fileAttachment",
            "name": file.name,
            "contentType": file.content_type,
            "isInline": file.content_id.is_some(),
            "contentBytes": STANDARD.encode(&file.content),
        });
        if let Some(id) = &file.content_id {
            body["contentId"] = id.as_str().into();
        }
        let body = Bytes::from(body.to_string());
        let ask = Ask {
            method: Method::POST,
            charge: Charge { upload_bytes: body.len() as u64, ..Charge::ONE },
            body: Some(body),
            again: Again::Never,
            ..Ask::get("attach file", url, Priority::Live)
        };
        self.ask(&ask).await?;
        Ok(())
    }

    async fn upload(&self, draft: &NativeId, file: &File) -> Result<(), Fault> {
        let mut before = None;
        let mut beginnings = 0;
        loop {
            beginnings += 1;
            let session = self.begin_upload(draft, file).await?;
            // Counted only where Graph takes the file, and before any of it goes up.
            let before = match before {
                Some(before) => before,
                None => *before.insert(self.count_named(draft, &file.name).await?),
            };
            let lost = match self.send_parts(&session, file).await {
                Ok(()) => return Ok(()),
                Err(Broken::Refused(fault)) => {
                    self.cancel_upload(&session).await.ok();
                    return Err(fault);
                }
                Err(Broken::Lost(fault)) => fault,
            };
            tracing::info!(fault = %lost, beginnings, "an upload broke off, looking whether it came to its end");
            // A part may be under way still: nothing of it may come to its end later, beside another one.
            if self.cancel_upload(&session).await.is_err() {
                return Err(lost);
            }
            if self.count_named(draft, &file.name).await? > before {
                return Ok(());
            }
            if beginnings >= BEGINNINGS {
                return Err(lost);
            }
            // A draft that was just saved is not known everywhere at once.
            tokio::time::sleep(PAUSE * beginnings).await;
        }
    }

    async fn count_named(&self, draft: &NativeId, name: &str) -> Result<usize, Fault> {
        let all = self.list_attachments(draft).await?;
        Ok(all.iter().filter(|attached| attached.name == name).count())
    }

    /// The address that the parts go to. A session of which nothing comes is forgotten.
    async fn begin_upload(&self, draft: &NativeId, file: &File) -> Result<Url, Fault> {
        let url =
            self.address(&format!("{}/attachments/createUploadSession", self.message_path(draft)), "")?;
        let mut item = json!({
            "attachmentType": "file",
            "name": file.name,
            "size": file.content.len(),
            "contentType": file.content_type,
            "isInline": file.content_id.is_some(),
        });
        if let Some(id) = &file.content_id {
            item["contentId"] = id.as_str().into();
        }
        let ask = Ask {
            method: Method::POST,
            body: Some(Bytes::from(json!({ "AttachmentItem": item }).to_string())),
            ..Ask::get("begin upload", url, Priority::Live)
        };
        let answer = self.ask(&ask).await.map_err(|refused| self.of_upload(refused))?;
        let session: Session = serde_json::from_slice(&answer).map_err(|error| {
            network::unreadable(self.host(), &format!("an upload session that cannot be read: {error}"))
        })?;
        self.uploaded_to(&session.url)
    }

    /// In another's mailbox a right that is missing for an upload alone, where the draft was saved just before, means that Graph takes
    /// none there.
    fn of_upload(&self, refused: Refused) -> Fault {
        let is_shared = matches!(self.user, User::Id(_)) && refused.fault.entry.id == "graph.access_denied";
        match fault::entry("graph.upload_refused") {
            Some(entry) if is_shared => Fault { entry, ..refused.fault },
            _ => refused.fault,
        }
    }

    /// Parts go to another host by design, without our token; but not in the clear where Graph is not asked so either.
    fn uploaded_to(&self, address: &str) -> Result<Url, Fault> {
        let foreign = |detail: &str| self.placed(Fault::own("graph.foreign_link", detail));
        let url: Url = address.parse().map_err(|_| foreign("the address of an upload is none"))?;
        if url.scheme() != "https" && url.scheme() != self.graph_url.scheme() {
            return Err(foreign("the address of an upload is not https"));
        }
        Ok(url)
    }

    async fn send_parts(&self, session: &Url, file: &File) -> Result<(), Broken> {
        let length = file.content.len();
        let (mut begin, mut doubts) = (0, 0);
        for _ in 0..length.div_ceil(PART) + 2 * DOUBTS {
            let end = (begin + PART).min(length);
            let answer = match self.send_part(session, file, begin, end).await {
                Ok(answer) => answer,
                Err(refused) if refused.fault.leaves_doubt() && doubts < DOUBTS => {
                    doubts += 1;
                    let state =
                        Ask { has_token: false, ..Ask::get("ask upload", session.clone(), Priority::Live) };
                    match self.ask(&state).await {
                        Ok(state) => state,
                        // What was answered to nobody says more than that there is no session.
                        Err(_) => return Err(Broken::Lost(refused.fault)),
                    }
                }
                // What is wrong with the session, and not with the file.
                Err(refused)
                    if matches!(refused.fault.status, Some(400 | 401 | 404 | 409 | 410 | 412 | 416)) =>
                {
                    return Err(Broken::Lost(refused.fault));
                }
                Err(refused) if refused.fault.entry.class == Class::Transient => {
                    return Err(Broken::Lost(refused.fault));
                }
                Err(refused) => return Err(Broken::Refused(self.of_upload(refused))),
            };
            match next_of(&answer) {
                Ok(None) if end == length => return Ok(()),
                Ok(Some(next)) if next < length => begin = next,
                Ok(_) => return Err(self.lost("an upload that is not at its end and wants no more")),
                Err(detail) => return Err(self.lost(&format!("an upload that cannot be read: {detail}"))),
            }
        }
        Err(self.lost("an upload that does not get on"))
    }

    fn lost(&self, detail: &str) -> Broken {
        Broken::Lost(self.placed(network::unreadable(self.host(), detail)))
    }

    async fn send_part(
        &self,
        session: &Url,
        file: &File,
        begin: usize,
        end: usize,
    ) -> Result<Vec<u8>, Refused> {
        let ask = Ask {
            method: Method::PUT,
            charge: Charge { upload_bytes: (end - begin) as u64, ..Charge::ONE },
            body: Some(file.content.slice(begin..end)),
            content_type: "application/octet-stream",
            range: Some(format!("bytes {begin}-{}/{}", end - 1, file.content.len())),
            has_token: false,
            again: Again::IfRefused,
            ..Ask::get("upload part", session.clone(), Priority::Live)
        };
        self.ask(&ask).await
    }

    /// Ends a session. One that is not there has ended.
    async fn cancel_upload(&self, session: &Url) -> Result<(), Fault> {
        let ask = Ask {
            method: Method::DELETE,
            has_token: false,
            ..Ask::get("cancel upload", session.clone(), Priority::Live)
        };
        match self.ask(&ask).await {
            Err(refused) if !matches!(refused.fault.status, Some(401 | 404 | 410)) => Err(refused.fault),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_an_upload_goes_on_is_read_in_each_form() {
        let of = |text: &str| next_of(text.as_bytes());
        assert_eq!(of(r#"{"nextExpectedRanges":["3276800"]}"#), Ok(Some(3_276_800)));
        assert_eq!(of(r#"{"nextExpectedRanges":["12-20","30-"]}"#), Ok(Some(12)));
        assert_eq!(of(r#"{"nextExpectedRanges":["0-"]}"#), Ok(Some(0)));
        assert_eq!(of(r#"{"nextExpectedRanges":[]}"#), Ok(None));
        assert_eq!(of(" \r\n"), Ok(None));
        assert!(of("<html>").is_err() && of(r#"{"nextExpectedRanges":["x"]}"#).is_err());
    }
}
