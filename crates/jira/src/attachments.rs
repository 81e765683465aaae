//! Files: uploaded one a request, listed, and the media id by which a document shows one inline.

use bytes::Bytes;
use http::Method;
use http::header::LOCATION;
use jiff::Timestamp;
use reqwest::Body;
use reqwest::multipart::{Form, Part};
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use crate::answer::{Asked, CallError};
use crate::client::{Call, Client, Sent};
use crate::wire;

/// A file in Jira.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AttachmentRef {
    /// Numeric id, as text.
    #[serde(deserialize_with = "wire::id")]
    pub id: String,
    /// Its name as Jira keeps it.
    #[serde(default)]
    pub filename: String,
    /// Bytes.
    #[serde(default)]
    pub size: u64,
    /// When it was uploaded; the latest time there is where Jira did not say.
    #[serde(default = "latest", deserialize_with = "wire::time_or_latest")]
    pub created: Timestamp,
    /// Who uploaded it: account id on Cloud, user name on Data Center.
    #[serde(default, deserialize_with = "wire::user_id")]
    pub author: Option<String>,
}

fn latest() -> Timestamp {
    Timestamp::MAX
}

/// A name as it goes over the wire. What the quoting of a multipart header has no sure way to carry (quotes, backslashes,
/// control characters) or what would be read as a path is replaced.
fn wire_name(name: &str) -> String {
    let clean: String = name
        .trim()
        .chars()
        .map(|c| match c {
            '"' => '\'',
            '\\' | '/' => '_',
            c if c.is_control() => '_',
            c => c,
        })
        .collect();
    if clean.is_empty() { "attachment".to_owned() } else { clean }
}

/// Whether a file in Jira bears the name that was sent. Servers differ in what they do to a name: the characters that
/// [`Client::attach`] replaces count as equal, and outside ASCII only what is alike in both counts, since a name may come
/// back composed otherwise or with replacement characters.
pub fn same_file_name(there: &str, ours: &str) -> bool {
    let (there, ours) = (wire_name(there), wire_name(ours));
    if there == ours {
        return true;
    }
    let skeleton =
        |name: &str| name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '.').collect::<String>();
    let damaged = |name: &str| name.contains(['?', '\u{fffd}']) || !name.is_ascii();
    damaged(&there) && !ours.is_ascii() && skeleton(&there) == skeleton(&ours)
}

impl Client {
    /// Uploads one file. A content type that is none is sent as `application/octet-stream`.
    pub async fn attach(
        &self,
        issue: &str,
        name: &str,
        content_type: &str,
        content: Bytes,
    ) -> Result<AttachmentRef, CallError> {
        const OPERATION: &str = "attach file";
        let size = content.len() as u64;
        let part = |content_type: &str| {
            Part::stream_with_length(Body::from(content.clone()), size)
                .file_name(wire_name(name))
                .mime_str(content_type)
        };
        let asked = Asked { operation: OPERATION, writes: false };
        let part = part(content_type)
            .or_else(|_| part("application/octet-stream"))
            .map_err(|error| asked.unsendable(&error.to_string()))?;
        // Names go as UTF-8 in the quoted form: Jira does not read the `filename*` form.
        let form = Form::new().percent_encode_noop().part("file", part);
        let path = format!("issue/{}/attachments", wire::escaped(issue));
        let call = Call {
            sent: Sent::Form(form, size),
            ..Call::write(OPERATION, Method::POST, path, Bytes::new()).on_issue(issue)
        };
        let stored: Vec<AttachmentRef> = self.json(call).await?;
        let asked = Asked { operation: OPERATION, writes: true };
        stored.into_iter().next().ok_or_else(|| asked.unreadable(self.host(), "the answer names no file"))
    }

    /// The files of an issue.
    pub async fn attachments(&self, issue: &str) -> Result<Vec<AttachmentRef>, CallError> {
        #[derive(Deserialize)]
        struct Held {
            #[serde(default)]
            fields: Fields,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Fields {
            attachment: Option<Vec<AttachmentRef>>,
        }
        let path = format!("issue/{}?fields=attachment", wire::escaped(issue));
        Ok(self.json::<Held>(Call::get("get issue", path)).await?.fields.attachment.unwrap_or_default())
    }

    /// The id by which a document shows this file inline. Undocumented: it stands in the address of the media service that
    /// Jira redirects a download to. `None` where it does not. The redirect is not followed, the token stays here.
    pub async fn attachment_media_id(&self, id: &str) -> Result<Option<String>, CallError> {
        let mut call = Call::get("find media id", format!("attachment/content/{}", wire::escaped(id)));
        call.redirect_is_answer = true;
        let answer = self.send(call).await?;
        let location = answer.headers.get(LOCATION).and_then(|location| location.to_str().ok());
        Ok(location.and_then(media_id))
    }
}

/// The first UUID among the path's segments: `https://api.media.atlassian.com/file/<UUID>/binary?…`.
fn media_id(location: &str) -> Option<String> {
    let base = Url::parse("https://relative.invalid/").ok()?;
    let url = base.join(location).ok()?;
    let mut segments = url.path_segments()?;
    segments
        .find_map(|segment| if segment.len() == 36 { Uuid::try_parse(segment).ok() } else { None })
        .map(|id| id.to_string())
}

#[cfg(test)]
mod tests {
    use super::{media_id, same_file_name, wire_name};

    #[test]
    fn finds_the_media_id_only_where_it_is() {
        let id = "2f1e9a4c-0b7d-4a53-9d1e-6c3b8f5a7e21";
        let location = format!("https://api.media.atlassian.com/file/{id}/binary?token=x&client={id}");
        assert_eq!(media_id(&location).as_deref(), Some(id));
        assert_eq!(media_id(&format!("/file/{id}/binary")).as_deref(), Some(id));
        assert_eq!(media_id(&format!("https://elsewhere.example/secure/attachment/1/a.png?id={id}")), None);
        assert_eq!(media_id("https://[broken"), None);
    }

    #[test]
    fn a_name_is_known_again_after_what_servers_do_to_it() {
        assert_eq!(wire_name("a\"b\\c\r\n.txt"), "a'b_c__.txt");
        assert_eq!(wire_name(" \t"), "attachment");
        assert!(same_file_name("a'b.txt", "a\"b.txt"));
        assert!(same_file_name("Übersicht.pdf", "Übersicht.pdf"));
        assert!(same_file_name("?bersicht.pdf", "Übersicht.pdf"));
        assert!(!same_file_name("other.pdf", "Übersicht.pdf"));
        assert!(!same_file_name("a.pdf", "b.pdf"));
    }
}
