//! Comments: written, listed newest first, and read by id with their properties.

use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::CallError;
use crate::client::{Call, Client};
use crate::issues::{Property, Text, properties, text, to_bytes};
use crate::wire;

/// Comments in one page of an issue's list.
const PAGE: usize = 100;
/// Ids in one request for comments by id (Jira's OpenAPI document).
const IDS: usize = 1_000;

/// A comment that was written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CommentRef {
    /// Numeric id, as text.
    #[serde(deserialize_with = "wire::id")]
    pub id: String,
}

/// A comment as read.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comment {
    /// Numeric id, as text.
    #[serde(deserialize_with = "wire::id")]
    pub id: String,
    /// When it was written; the latest time there is where Jira did not say.
    #[serde(default = "latest", deserialize_with = "wire::time_or_latest")]
    pub created: Timestamp,
    /// Who wrote it: account id on Cloud, user name on Data Center.
    #[serde(default, deserialize_with = "wire::user_id")]
    pub author: Option<String>,
    /// Its body: an ADF document under version 3, wiki markup under version 2.
    #[serde(default)]
    pub body: Value,
    /// Whether customers see it in the portal; read-only, Jira Service Management.
    #[serde(default)]
    pub jsd_public: Option<bool>,
    /// Properties, where they were asked for: an object from key to value.
    #[serde(default, deserialize_with = "wire::properties")]
    pub properties: Value,
}

fn latest() -> Timestamp {
    Timestamp::MAX
}

#[derive(Serialize)]
struct NewComment<'a> {
    body: Text<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property<'a>>,
}

impl Client {
    /// Writes a comment, its properties in one with it. The body is an ADF document as JSON text under version 3, wiki
    /// markup under version 2.
    pub async fn add_comment(
        &self,
        issue: &str,
        body: &str,
        pairs: &[(&str, Value)],
    ) -> Result<CommentRef, CallError> {
        const OPERATION: &str = "add comment";
        let body = text(body, self.api_version())
            .and_then(|body| to_bytes(&NewComment { body, properties: properties(pairs) }))
            .map_err(|error| self.unsendable(OPERATION, &error))?;
        let path = format!("issue/{}/comment", wire::escaped(issue));
        self.json(Call::write(OPERATION, Method::POST, path, body).on_issue(issue)).await
    }

    /// A page of an issue's comments from `start_at` on, newest first, without their properties; empty after the last.
    pub async fn comments(&self, issue: &str, start_at: usize) -> Result<Vec<Comment>, CallError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            comments: Vec<Comment>,
        }
        let mut path = format!("issue/{}/comment", wire::escaped(issue));
        wire::push_query(&mut path, "startAt", &start_at.to_string());
        wire::push_query(&mut path, "maxResults", &PAGE.to_string());
        wire::push_query(&mut path, "orderBy", "-created");
        Ok(self.json::<Page>(Call::get("list comments", path)).await?.comments)
    }

    /// Comments by id, with their properties. Those that are gone, or not to be seen, are left out.
    pub async fn comments_by_ids<K: AsRef<str>>(&self, ids: &[K]) -> Result<Vec<Comment>, CallError> {
        #[derive(Serialize)]
        struct Request {
            ids: Vec<i64>,
        }
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            values: Vec<Comment>,
        }
        const OPERATION: &str = "get comments by id";
        let mut all = Vec::new();
        let mut numbers: Vec<i64> = ids.iter().filter_map(|id| id.as_ref().parse().ok()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        for chunk in numbers.chunks(IDS) {
            let body = to_bytes(&Request { ids: chunk.to_vec() })
                .map_err(|error| self.unsendable(OPERATION, &error))?;
            let call = Call::ask(OPERATION, "comment/list?expand=properties".to_owned(), body);
            all.extend(self.json::<Page>(call).await?.values);
        }
        Ok(all)
    }
}
