//! Links between issues.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::CallError;
use crate::client::{Call, Client};
use crate::issues::{Id, to_bytes};
use crate::wire;

/// A link as one of its two issues shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The name of its type, such as `Relates`.
    pub link_type: String,
    /// The numeric id of the other issue, as text.
    pub issue: String,
}

impl Client {
    /// Links an issue with another one, both by their numeric ids. The answer names no link: [`Client::links`] finds it.
    pub async fn link_issues(&self, link_type: &str, issue: &str, with: &str) -> Result<(), CallError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Request<'a> {
            r#type: Name<'a>,
            inward_issue: Id<'a>,
            outward_issue: Id<'a>,
        }
        #[derive(Serialize)]
        struct Name<'a> {
            name: &'a str,
        }
        const OPERATION: &str = "link issues";
        let request = Request {
            r#type: Name { name: link_type },
            inward_issue: Id { id: issue },
            outward_issue: Id { id: with },
        };
        let body = to_bytes(&request).map_err(|error| self.unsendable(OPERATION, &error))?;
        self.send(Call::write(OPERATION, Method::POST, "issueLink".to_owned(), body).on_issue(issue))
            .await
            .map(drop)
    }

    /// The links of an issue.
    pub async fn links(&self, issue: &str) -> Result<Vec<Link>, CallError> {
        #[derive(Deserialize)]
        struct Told {
            #[serde(default, rename = "type")]
            kind: Kind,
            #[serde(default, rename = "inwardIssue")]
            inward: Option<Other>,
            #[serde(default, rename = "outwardIssue")]
            outward: Option<Other>,
        }
        #[derive(Default, Deserialize)]
        struct Kind {
            #[serde(default)]
            name: String,
        }
        #[derive(Deserialize)]
        struct Other {
            #[serde(deserialize_with = "wire::id")]
            id: String,
        }
        let read = self.get_issue(issue, &["issuelinks"], &[]).await?;
        let all = read.fields.get("issuelinks").and_then(Value::as_array).cloned().unwrap_or_default();
        let told = all.into_iter().filter_map(|link| serde_json::from_value::<Told>(link).ok());
        Ok(told
            .filter_map(|link| {
                Some(Link { link_type: link.kind.name, issue: link.outward.or(link.inward)?.id })
            })
            .collect())
    }
}
