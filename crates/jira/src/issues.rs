//! Issues: made, changed, read, moved on, and the properties in them.

use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::answer::{Asked, CallError};
use crate::client::{Call, Client};
use crate::site::ApiVersion;
use crate::wire;

/// The operation whose pace [`Client::ready`] waits for.
pub(crate) const CREATE: &str = "create issue";
/// Issues in one `bulkfetch` (Jira's limit).
const BULK: usize = 100;

/// An issue to be made.
#[derive(Clone, Debug)]
pub struct NewIssue<'a> {
    /// For example `SUP`.
    pub project_key: &'a str,
    /// The issue type's id.
    pub issue_type_id: &'a str,
    /// As [`summary`](crate::summary) writes it.
    pub summary: String,
    /// The body: an ADF document as JSON text under version 3, wiki markup under version 2; empty for none.
    pub description: &'a str,
    /// Written in one with the issue: key and value.
    pub properties: &'a [(&'a str, Value)],
}

/// An issue that was made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Created {
    /// Numeric id, as text.
    #[serde(deserialize_with = "wire::id")]
    pub id: String,
    /// For example `SUP-12`.
    pub key: String,
}

/// An issue as read.
#[derive(Clone, Debug, Deserialize)]
pub struct Issue {
    /// Numeric id, as text.
    #[serde(deserialize_with = "wire::id")]
    pub id: String,
    /// Its key; empty where only ids were asked for.
    #[serde(default)]
    pub key: String,
    /// The fields asked for.
    #[serde(default, deserialize_with = "wire::object")]
    pub fields: Map<String, Value>,
    /// The properties asked for that are there: an object from key to value.
    #[serde(default, deserialize_with = "wire::properties")]
    pub properties: Value,
}

/// A transition that an issue can take now.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Transition {
    /// Id.
    #[serde(deserialize_with = "wire::id")]
    pub id: String,
    /// Name.
    #[serde(default)]
    pub name: String,
    /// The status it leads to.
    #[serde(default)]
    pub to: Status,
}

/// A status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Its category: `new`, `indeterminate` or `done`; empty where Jira does not tell.
    #[serde(rename = "statusCategory", deserialize_with = "category")]
    pub category: String,
}

fn category<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value.get("key").and_then(Value::as_str).unwrap_or_default().to_owned())
}

#[derive(Serialize)]
struct Fields<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<Key<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuetype: Option<Id<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Text<'a>>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    more: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
struct Key<'a> {
    key: &'a str,
}

#[derive(Serialize)]
pub(crate) struct Id<'a> {
    pub(crate) id: &'a str,
}

/// A body: a document that is JSON already, or text.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Text<'a> {
    Document(&'a RawValue),
    Wiki(&'a str),
}

#[derive(Serialize)]
pub(crate) struct Property<'a> {
    key: &'a str,
    value: &'a Value,
}

#[derive(Serialize)]
struct Update<'a> {
    fields: Fields<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property<'a>>,
}

pub(crate) fn properties<'a>(pairs: &'a [(&'a str, Value)]) -> Vec<Property<'a>> {
    pairs.iter().map(|(key, value)| Property { key, value }).collect()
}

/// A body as the API version takes it.
pub(crate) fn text(body: &str, version: ApiVersion) -> Result<Text<'_>, serde_json::Error> {
    Ok(match version {
        ApiVersion::V2 => Text::Wiki(body),
        ApiVersion::V3 => Text::Document(serde_json::from_str(body)?),
    })
}

impl NewIssue<'_> {
    /// The body of the request, for sending it later with [`Client::create_issue_body`]. `more` are further fields.
    /// Fails where the description is no JSON under version 3.
    pub fn body(
        &self,
        version: ApiVersion,
        more: Option<&Map<String, Value>>,
    ) -> Result<Bytes, serde_json::Error> {
        let description =
            if self.description.is_empty() { None } else { Some(text(self.description, version)?) };
        let update = Update {
            fields: Fields {
                project: Some(Key { key: self.project_key }),
                issuetype: Some(Id { id: self.issue_type_id }),
                summary: Some(&self.summary),
                description,
                more,
            },
            properties: properties(self.properties),
        };
        to_bytes(&update)
    }
}

pub(crate) fn to_bytes(value: &impl Serialize) -> Result<Bytes, serde_json::Error> {
    serde_json::to_vec(value).map(Bytes::from)
}

/// Appends the fields and properties asked for. No fields means none: `id` alone is asked for, since leaving the
/// parameter out would bring all of them.
fn asking(mut path: String, fields: &[&str], properties: &[&str]) -> String {
    wire::push_query(
        &mut path,
        "fields",
        &if fields.is_empty() { "id".to_owned() } else { fields.join(",") },
    );
    if !properties.is_empty() {
        wire::push_query(&mut path, "properties", &properties.join(","));
    }
    path
}

impl Client {
    /// A body that this client built could not be: the caller's document is no JSON.
    #[allow(clippy::unused_self, reason = "reads as part of the call that fails")]
    pub(crate) fn unsendable(&self, operation: &'static str, error: &serde_json::Error) -> CallError {
        Asked { operation, writes: false }.unsendable(&format!("the document to be sent is no JSON: {error}"))
    }

    /// Makes an issue, its properties in one with it.
    pub async fn create_issue(&self, issue: &NewIssue<'_>) -> Result<Created, CallError> {
        self.create_issue_with(issue, None).await
    }

    /// Makes an issue with further fields, by field id.
    pub async fn create_issue_with(
        &self,
        issue: &NewIssue<'_>,
        more: Option<&Map<String, Value>>,
    ) -> Result<Created, CallError> {
        let body = issue.body(self.api_version(), more).map_err(|error| self.unsendable(CREATE, &error))?;
        self.create_issue_body(body).await
    }

    /// Makes an issue from a request body that was built before.
    pub async fn create_issue_body(&self, body: Bytes) -> Result<Created, CallError> {
        self.json(Call::write(CREATE, Method::POST, "issue".to_owned(), body)).await
    }

    /// Changes fields of an issue and leaves properties in it.
    pub async fn edit_issue(
        &self,
        issue: &str,
        fields: &Map<String, Value>,
        properties: &[(&str, Value)],
    ) -> Result<(), CallError> {
        let fields =
            Fields { project: None, issuetype: None, summary: None, description: None, more: Some(fields) };
        self.edit(issue, fields, properties).await
    }

    /// Replaces the description; the body as in [`NewIssue::description`].
    pub async fn edit_description(
        &self,
        issue: &str,
        description: &str,
        properties: &[(&str, Value)],
    ) -> Result<(), CallError> {
        let description =
            text(description, self.api_version()).map_err(|error| self.unsendable("edit issue", &error))?;
        let fields = Fields {
            project: None,
            issuetype: None,
            summary: None,
            description: Some(description),
            more: None,
        };
        self.edit(issue, fields, properties).await
    }

    async fn edit(&self, issue: &str, fields: Fields<'_>, pairs: &[(&str, Value)]) -> Result<(), CallError> {
        const OPERATION: &str = "edit issue";
        let body = to_bytes(&Update { fields, properties: properties(pairs) })
            .map_err(|error| self.unsendable(OPERATION, &error))?;
        let path = format!("issue/{}", wire::escaped(issue));
        self.send(Call::write(OPERATION, Method::PUT, path, body).on_issue(issue)).await.map(drop)
    }

    /// Reads an issue by key or id, with these fields and properties. Moved keys resolve.
    pub async fn get_issue(
        &self,
        issue: &str,
        fields: &[&str],
        properties: &[&str],
    ) -> Result<Issue, CallError> {
        let path = asking(format!("issue/{}", wire::escaped(issue)), fields, properties);
        self.json(Call::get("get issue", path)).await
    }

    /// Reads many issues by key or id, a hundred a call. Those that are not there, or not to be seen, are left out;
    /// an issue that Jira could not return for another reason is an error, since it must not pass for one that is missing.
    pub async fn bulk_fetch<K: AsRef<str>>(
        &self,
        keys: &[K],
        fields: &[&str],
        properties: &[&str],
    ) -> Result<Vec<Issue>, CallError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Request<'a> {
            issue_ids_or_keys: Vec<&'a str>,
            fields: &'a [&'a str],
            #[serde(skip_serializing_if = "<[&str]>::is_empty")]
            properties: &'a [&'a str],
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Page {
            #[serde(default)]
            issues: Vec<Issue>,
            #[serde(default)]
            issue_errors: Vec<Value>,
        }
        const OPERATION: &str = "bulk fetch issues";
        let fields = if fields.is_empty() { &["id"] } else { fields };
        let mut all = Vec::new();
        for chunk in keys.chunks(BULK) {
            let request =
                Request { issue_ids_or_keys: chunk.iter().map(AsRef::as_ref).collect(), fields, properties };
            let body = to_bytes(&request).map_err(|error| self.unsendable(OPERATION, &error))?;
            let page: Page = self.json(Call::ask(OPERATION, "issue/bulkfetch".to_owned(), body)).await?;
            if let Some(error) = page.issue_errors.first() {
                let asked = Asked { operation: OPERATION, writes: false };
                return Err(asked.unreadable(self.host(), &format!("Jira left out an issue: {error}")));
            }
            all.extend(page.issues);
        }
        Ok(all)
    }

    /// A property of an issue; `None` where the issue has none of that key, or is not there.
    pub async fn issue_property(&self, issue: &str, key: &str) -> Result<Option<Value>, CallError> {
        #[derive(Deserialize)]
        struct Held {
            #[serde(default)]
            value: Value,
        }
        let path = format!("issue/{}/properties/{}", wire::escaped(issue), wire::escaped(key));
        match self.json::<Held>(Call::get("get issue property", path)).await {
            Ok(held) => Ok(Some(held.value)),
            // Behind the gateway there may be no Jira at all: that tells nothing of an issue.
            Err(error) if error.fault.status == Some(404) && error.fault.entry.id != "jira.cloud_id" => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes a property of an issue.
    pub async fn put_issue_property(&self, issue: &str, key: &str, value: &Value) -> Result<(), CallError> {
        const OPERATION: &str = "put issue property";
        let path = format!("issue/{}/properties/{}", wire::escaped(issue), wire::escaped(key));
        let body = to_bytes(value).map_err(|error| self.unsendable(OPERATION, &error))?;
        self.send(Call::write(OPERATION, Method::PUT, path, body).on_issue(issue)).await.map(drop)
    }

    /// The transitions that an issue can take now.
    pub async fn transitions(&self, issue: &str) -> Result<Vec<Transition>, CallError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            transitions: Vec<Transition>,
        }
        let path = format!("issue/{}/transitions", wire::escaped(issue));
        Ok(self.json::<Page>(Call::get("get transitions", path)).await?.transitions)
    }

    /// Takes a transition, by its id.
    pub async fn transition(
        &self,
        issue: &str,
        id: &str,
        fields: &Map<String, Value>,
    ) -> Result<(), CallError> {
        #[derive(Serialize)]
        struct Request<'a> {
            transition: Id<'a>,
            #[serde(skip_serializing_if = "Map::is_empty")]
            fields: &'a Map<String, Value>,
        }
        const OPERATION: &str = "transition issue";
        let body = to_bytes(&Request { transition: Id { id }, fields })
            .map_err(|error| self.unsendable(OPERATION, &error))?;
        let path = format!("issue/{}/transitions", wire::escaped(issue));
        self.send(Call::write(OPERATION, Method::POST, path, body).on_issue(issue)).await.map(drop)
    }

    /// Takes a transition and leaves properties in the issue.
    pub async fn transition_with(
        &self,
        issue: &str,
        id: &str,
        pairs: &[(&str, Value)],
    ) -> Result<(), CallError> {
        #[derive(Serialize)]
        struct Request<'a> {
            transition: Id<'a>,
            properties: Vec<Property<'a>>,
        }
        const OPERATION: &str = "transition issue";
        let body = to_bytes(&Request { transition: Id { id }, properties: properties(pairs) })
            .map_err(|error| self.unsendable(OPERATION, &error))?;
        let path = format!("issue/{}/transitions", wire::escaped(issue));
        self.send(Call::write(OPERATION, Method::POST, path, body).on_issue(issue)).await.map(drop)
    }
}
