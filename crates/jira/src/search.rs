//! Search by JQL. Its index lags behind by seconds to minutes: what must be certain is read by key or id instead.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::answer::CallError;
use crate::client::{Call, Client};
use crate::issues::{Issue, to_bytes};

/// A search.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Search<'a> {
    /// The query. It must be bounded by a restriction; Jira refuses it otherwise.
    pub jql: &'a str,
    /// Fields to return; none returns ids alone.
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    pub fields: &'a [&'a str],
    /// Issue properties to return; at most 5.
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    pub properties: &'a [&'a str],
    /// Issues in the page, 1 to 5000; Jira's default is 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_results: Option<u32>,
    /// From the page before; good for seven days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<&'a str>,
    /// Numeric ids, at most 50, that must be as fresh as a read.
    #[serde(skip_serializing_if = "<[i64]>::is_empty")]
    pub reconcile_issues: &'a [i64],
}

/// A page of what was found.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Found {
    /// Issues.
    pub issues: Vec<Issue>,
    /// For the next page; missing on the last.
    pub next_page_token: Option<String>,
}

impl Client {
    /// One page of a search.
    pub async fn search(&self, search: &Search<'_>) -> Result<Found, CallError> {
        const OPERATION: &str = "search issues";
        let body = to_bytes(search).map_err(|error| self.unsendable(OPERATION, &error))?;
        self.json(Call::ask(OPERATION, "search/jql".to_owned(), body)).await
    }
}

/// A time back from now as JQL writes it, in whole minutes rounded up: `"-15m"`. Relative, because JQL reads absolute times
/// in the time zone of the account.
pub fn ago(time: Duration) -> String {
    format!("\"-{}m\"", time.as_secs().div_ceil(60).max(1))
}

/// A text as a JQL string, whatever is in it.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ago, quoted};

    #[test]
    fn writes_jql_that_says_what_was_meant() {
        assert_eq!(ago(Duration::from_mins(15)), "\"-15m\"");
        assert_eq!(ago(Duration::from_secs(61)), "\"-2m\"");
        assert_eq!(ago(Duration::ZERO), "\"-1m\"");
        assert_eq!(quoted("a\" OR project = \"X\\"), "\"a\\\" OR project = \\\"X\\\\\"");
    }
}
