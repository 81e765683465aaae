//! The query language: what is read, what is refused and how, and that nothing makes the reader fall over.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;

use super::super::document::Document;
use super::super::settings::JiraSettings;
use super::super::site::{Directory, Issue, Site, Status};
use super::{Scope, candidates, fits, read, resolve, sort};

fn now() -> Timestamp {
    "2026-11-24T10:00:30Z".parse().expect("a moment")
}

/// Three issues: SUP-1 an hour old, SUP-2 two days old and done, BILL-1 just made.
fn site() -> (Directory, Site) {
    let settings = JiraSettings::default();
    let directory = Directory {
        users: settings.users,
        projects: settings.projects,
        custom_fields: settings.custom_fields,
    };
    let mut site = Site::new();
    let rows = [
        (10_000, "SUP-1", 10_000, "Printer on fire", vec!["mid-1", "Urgent"], 3600, Status::ToDo),
        (10_001, "SUP-2", 10_000, "Coffee machine", vec![], 2 * 86_400, Status::Done),
        (10_002, "BILL-1", 10_001, "Invoice 12/34 for the printer", vec!["mid-2"], 0, Status::InProgress),
    ];
    for (id, key, project, summary, labels, age, status) in rows {
        let at = now().checked_sub(jiff::SignedDuration::from_secs(age)).expect("a moment");
        let issue = Issue {
            id,
            key: key.to_owned(),
            project,
            issue_type: if id == 10_001 { "10002" } else { "10001" }.to_owned(),
            summary: summary.to_owned(),
            description: (id == 10_000).then(|| Document::Wiki(Arc::from("It burns, really."))),
            environment: None,
            priority: "3".to_owned(),
            labels: labels.into_iter().map(str::to_owned).collect(),
            creator: directory.users[0].account_id.clone(),
            reporter: Some(directory.users[if id == 10_002 { 2 } else { 0 }].account_id.clone()),
            assignee: None,
            status,
            due: None,
            custom: BTreeMap::new(),
            properties: BTreeMap::new(),
            comments: Vec::new(),
            attachments: Vec::new(),
            watchers: Vec::new(),
            links: Vec::new(),
            remote_links: Vec::new(),
            history: Vec::new(),
            created: at,
            updated: at,
            resolved: (status == Status::Done).then_some(at),
        };
        site.insert(issue, at);
    }
    (directory, site)
}

/// The keys that answer a query, in order, or the complaint.
fn ask(jql: &str) -> Result<Vec<String>, String> {
    let (directory, site) = site();
    let query = read(jql)?;
    let scope = Scope { directory: &directory, site: &site, caller: &directory.users[0], now: now() };
    let condition = query.filter.as_ref().map(|filter| resolve(filter, &scope)).transpose()?;
    let mut found: Vec<Arc<Issue>> = site.all().cloned().collect();
    if let Some(condition) = &condition {
        found.retain(|issue| fits(condition, issue));
        if let Some(ids) = candidates(condition, &site) {
            assert!(
                found.iter().all(|issue| ids.contains(&issue.id)),
                "{jql}: the index must not hide answers"
            );
        }
    }
    sort(&mut found, &query.order, &directory)?;
    Ok(found.iter().map(|issue| issue.key.clone()).collect())
}

#[test]
fn queries_and_their_answers() {
    let cases: [(&str, &[&str]); 38] = [
        ("project = SUP", &["SUP-2", "SUP-1"]),
        ("project = Support ORDER BY key ASC", &["SUP-1", "SUP-2"]),
        ("project in (SUP, 10001) order by created", &["SUP-2", "SUP-1", "BILL-1"]),
        ("project != SUP", &["BILL-1"]),
        ("key = sup-1", &["SUP-1"]),
        ("issuekey in (SUP-1, BILL-1)", &["BILL-1", "SUP-1"]),
        ("id = 10001", &["SUP-2"]),
        ("id >= 10001 AND id < 10002", &["SUP-2"]),
        ("key > SUP-1", &["BILL-1", "SUP-2"]),
        ("labels = \"mid-1\"", &["SUP-1"]),
        ("labels = urgent", &["SUP-1"]),
        ("labels in (mid-1, mid-2)", &["BILL-1", "SUP-1"]),
        ("labels is EMPTY", &["SUP-2"]),
        ("labels is not empty", &["BILL-1", "SUP-1"]),
        ("labels != mid-1", &["BILL-1"]),
        ("summary ~ printer", &["BILL-1", "SUP-1"]),
        ("summary ~ \"print*\"", &["BILL-1", "SUP-1"]),
        ("summary ~ \"\\\"on fire\\\"\"", &["SUP-1"]),
        ("summary ~ \"\\\"fire on\\\"\"", &[]),
        ("summary !~ printer", &["SUP-2"]),
        ("text ~ burns", &["SUP-1"]),
        ("description is empty", &["BILL-1", "SUP-2"]),
        ("reporter = currentUser()", &["SUP-2", "SUP-1"]),
        ("reporter = \"Anna Berger\"", &["BILL-1"]),
        ("reporter = \"anna@contoso.test\"", &["BILL-1"]),
        ("creator in (currentUser()) AND NOT project = SUP", &["BILL-1"]),
        ("assignee is empty AND status = Done", &["SUP-2"]),
        ("statusCategory != Done", &["BILL-1", "SUP-1"]),
        ("resolution = Unresolved", &["BILL-1", "SUP-1"]),
        ("issuetype = Bug OR type = story", &["SUP-2"]),
        ("created >= -15m", &["BILL-1"]),
        ("created >= \"-1d\" AND created < -30m", &["SUP-1"]),
        ("updated > \"-1w 2d\" ORDER BY updated", &["SUP-2", "SUP-1", "BILL-1"]),
        ("created = \"2026-11-24 10:00\"", &["BILL-1"]),
        ("created >= 2026-11-24", &["BILL-1", "SUP-1"]),
        ("created < startOfDay()", &["SUP-2"]),
        ("(project = SUP or project = BILL) && !(labels is empty)", &["BILL-1", "SUP-1"]),
        ("priority = Medium and duedate is empty order by summary desc, key", &["SUP-1", "BILL-1", "SUP-2"]),
    ];
    for (jql, keys) in cases {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        assert_eq!(ask(jql), Ok(keys), "{jql}");
    }
}

#[test]
fn complaints_are_jiras() {
    let cases = [
        ("nonsense = 1", "Field 'nonsense' does not exist or you do not have permission to view it."),
        ("project = NO", "The value 'NO' does not exist for the field 'project'."),
        ("key = SUP-9", "An issue with key 'SUP-9' does not exist for field 'key'."),
        ("project ~ SUP", "The operator '~' is not supported by the 'project' field."),
        ("summary = x", "The operator '=' is not supported by the 'summary' field."),
        (
            "project = SUP x",
            "Error in the JQL Query: Expecting either 'OR' or 'AND' but got 'x'. (line 1, character 15)",
        ),
        (
            "project SUP",
            "Error in the JQL Query: Expecting operator but got 'SUP'. The valid operators are '=', '!=', \
            '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'. (line 1, character 9)",
        ),
        (
            "labels = \"x",
            "Error in the JQL Query: The quoted string has not been completed. (line 1, character 10)",
        ),
        ("reporter = nobody", "The value 'nobody' does not exist for the field 'reporter'."),
        ("reporter = teleport()", "Unable to find JQL function 'teleport()'."),
        (
            "project = SUP ORDER BY nonsense",
            "Field 'nonsense' does not exist or you do not have permission to view it.",
        ),
    ];
    for (jql, complaint) in cases {
        assert_eq!(ask(jql), Err(complaint.to_owned()), "{jql}");
    }
    assert!(ask("created > yesterday").is_err_and(|fault| fault.starts_with("Date value 'yesterday'")));
    assert!(ask(&"(".repeat(100_000)).is_err(), "nesting is bounded");
    assert!(ask(&format!("{}project = SUP", "NOT ".repeat(100_000))).is_ok());
    assert!(ask("a = 1 ORDER BY a, b, c, d, e, f, g, h").is_err());
}

proptest! {
    /// No text makes the reader or the look-up fall over.
    #[test]
    fn any_text_is_answered(text in ".{0,60}") {
        let _ = ask(&text);
    }

    /// Nor does any sequence of the language's own words.
    #[test]
    fn any_words_are_answered(words in prop::collection::vec(prop::sample::select(vec![
        "project", "key", "labels", "created", "summary", "=", "!=", "~", "<", ">=", "in", "not", "is", "empty", "and",
        "or", "(", ")", ",", "SUP", "\"-15m\"", "-9999999999999999w", "currentUser()", "order", "by", "\"", "\\", "!",
        "2026-13-99", "id", "99999999999999999999999", "now(-1d)", "startOfDay(\"99999999999w\")",
    ]), 0..14)) {
        let _ = ask(&words.join(" "));
    }
}
