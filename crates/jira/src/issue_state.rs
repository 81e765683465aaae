//! How an issue stands: its status, since when, who takes part in it, and what was changed last.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::answer::CallError;
use crate::client::{Call, Client};
use crate::issues::Status;
use crate::wire;

/// An issue's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Numeric id, as text.
    pub id: String,
    /// Its key now: that of a moved issue is another one than it was asked by.
    pub key: String,
    /// The status.
    pub status: Status,
    /// Since when it is in a status of this category, where Jira tells: Cloud by a field of its own, Data Center by the date of
    /// the resolution.
    pub since: Option<Timestamp>,
    /// When the issue was made.
    pub created: Option<Timestamp>,
}

/// Somebody who takes part in an issue and whose address Jira shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// As what.
    pub role: Role,
    /// The address.
    pub address: String,
}

/// As what somebody takes part in an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reporter.
    Reporter,
    /// Creator.
    Creator,
    /// Assignee.
    Assignee,
    /// Watcher.
    Watcher,
}

impl Role {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reporter => "reporter",
            Self::Creator => "creator",
            Self::Assignee => "assignee",
            Self::Watcher => "watcher",
        }
    }
}

/// A change of a status, from an issue's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusChange {
    /// Who: account id on Cloud, user name on Data Center.
    pub author: Option<String>,
    /// When; the latest time there is where Jira did not say.
    pub at: Timestamp,
    /// The id of the status that it led to.
    pub to: String,
}

fn address(user: &Value) -> Option<String> {
    user.get("emailAddress").and_then(Value::as_str).filter(|text| text.contains('@')).map(str::to_owned)
}

impl Client {
    /// How an issue stands, by key or id. Moved keys resolve.
    pub async fn standing(&self, issue: &str) -> Result<Standing, CallError> {
        let fields = ["status", "statuscategorychangedate", "resolutiondate", "created"];
        let issue = self.get_issue(issue, &fields, &[]).await?;
        let status: Status = issue
            .fields
            .get("status")
            .and_then(|status| serde_json::from_value(status.clone()).ok())
            .unwrap_or_default();
        let time = |name: &str| issue.fields.get(name).and_then(Value::as_str).and_then(wire::timestamp);
        let since = time("statuscategorychangedate").or_else(|| time("resolutiondate"));
        Ok(Standing { since, status, created: time("created"), id: issue.id, key: issue.key })
    }

    /// Who takes part in an issue, as far as Jira shows their addresses. Watchers who may not be listed are left out.
    pub async fn people(&self, issue: &str) -> Result<Vec<Person>, CallError> {
        #[derive(Deserialize)]
        struct Watchers {
            #[serde(default)]
            watchers: Vec<Value>,
        }
        let read = self.get_issue(issue, &["reporter", "creator", "assignee"], &[]).await?;
        let roles = [("reporter", Role::Reporter), ("creator", Role::Creator), ("assignee", Role::Assignee)];
        let mut people: Vec<Person> = roles
            .into_iter()
            .filter_map(|(field, role)| Some(Person { role, address: address(read.fields.get(field)?)? }))
            .collect();
        let path = format!("issue/{}/watchers", wire::escaped(issue));
        match self.json::<Watchers>(Call::get("list watchers", path)).await {
            Ok(Watchers { watchers }) => people.extend(
                watchers
                    .iter()
                    .filter_map(|user| Some(Person { role: Role::Watcher, address: address(user)? })),
            ),
            Err(error) if matches!(error.fault.status, Some(403 | 404)) => {}
            Err(error) => return Err(error),
        }
        Ok(people)
    }

    /// The changes of an issue's status, the newest first: as many of the newest changes as Jira tells in one with the issue.
    pub async fn status_changes(&self, issue: &str) -> Result<Vec<StatusChange>, CallError> {
        #[derive(Deserialize)]
        struct Read {
            #[serde(default)]
            changelog: Changelog,
        }
        #[derive(Default, Deserialize)]
        struct Changelog {
            #[serde(default)]
            histories: Vec<History>,
        }
        #[derive(Deserialize)]
        struct History {
            #[serde(default, deserialize_with = "wire::user_id")]
            author: Option<String>,
            #[serde(default = "latest", deserialize_with = "wire::time_or_latest")]
            created: Timestamp,
            #[serde(default)]
            items: Vec<Item>,
        }
        #[derive(Deserialize)]
        struct Item {
            #[serde(default)]
            field: String,
            #[serde(default)]
            to: Option<String>,
        }
        fn latest() -> Timestamp {
            Timestamp::MAX
        }
        let path = format!("issue/{}?fields=status&expand=changelog", wire::escaped(issue));
        let read: Read = self.json(Call::get("get issue history", path)).await?;
        let mut changes: Vec<StatusChange> = read
            .changelog
            .histories
            .into_iter()
            .flat_map(|History { author, created, items }| {
                items.into_iter().filter(|item| item.field == "status").filter_map(move |item| {
                    Some(StatusChange { author: author.clone(), at: created, to: item.to? })
                })
            })
            .collect();
        changes.sort_by_key(|change| std::cmp::Reverse(change.at));
        Ok(changes)
    }
}
