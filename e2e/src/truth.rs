//! The ground truth: what is in Jira against what was sent.

use std::collections::HashMap;

use regex::Regex;
use serde_json::Value;

use crate::mails::Sent;

/// Where a mail was found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    issue: String,
    comment: bool,
}

/// What is wrong, each in a sentence; empty when all is well.
pub fn compare(sent: &[Sent], issues: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let number = Regex::new(r"mail number (\d+)\.").expect("valid");
    let mut places: HashMap<usize, Vec<Place>> = HashMap::new();
    let mut found = |text: &str, place: &Place| {
        for hit in number.captures_iter(text) {
            let number: usize = hit[1].parse().expect("digits");
            places.entry(number).or_default().push(place.clone());
        }
    };
    let mut files: HashMap<&str, Vec<(String, u64)>> = HashMap::new();
    for issue in issues {
        let key = issue["key"].as_str().unwrap_or_default();
        found(&issue["description"].to_string(), &Place { issue: key.to_owned(), comment: false });
        for comment in issue["comments"].as_array().into_iter().flatten() {
            found(&comment["body"].to_string(), &Place { issue: key.to_owned(), comment: true });
        }
        let attached = issue["attachments"].as_array().into_iter().flatten();
        files.insert(
            key,
            attached
                .map(|file| {
                    (
                        file["filename"].as_str().unwrap_or_default().to_owned(),
                        file["size"].as_u64().unwrap_or_default(),
                    )
                })
                .collect(),
        );
    }
    let mut expected: HashMap<String, Vec<(String, u64)>> = HashMap::new();
    for mail in sent {
        let Some(at) = places.get(&mail.number) else {
            wrong.push(format!("mail {} is lost", mail.number));
            continue;
        };
        if at.len() > 1 {
            wrong.push(format!("mail {} is there {} times: {at:?}", mail.number, at.len()));
        }
        expected
            .entry(at[0].issue.clone())
            .or_default()
            .extend(mail.files.iter().map(|(name, content)| (name.clone(), content.trim_end().len() as u64)));
        match mail.parent {
            None if at[0].comment => wrong
                .push(format!("mail {} answers nothing but is a comment in {}", mail.number, at[0].issue)),
            Some(parent) => match places.get(&parent) {
                Some(above) if above[0].issue == at[0].issue && at[0].comment => {}
                above => wrong
                    .push(format!("mail {} answers {parent} ({above:?}) but is in {:?}", mail.number, at[0])),
            },
            None => {}
        }
    }
    for (issue, mut names) in expected {
        let mut there = files.get(issue.as_str()).cloned().unwrap_or_default();
        // Line ends may be counted differently; names and their numbers are what can be lost or doubled.
        let mut wanted: Vec<String> = names.drain(..).map(|(name, _)| name).collect();
        let mut have: Vec<String> = there.drain(..).map(|(name, _)| name).collect();
        wanted.sort();
        have.sort();
        if wanted != have {
            wrong.push(format!("{issue} should have the files {wanted:?} and has {have:?}"));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sent(number: usize, parent: Option<usize>) -> Sent {
        Sent { number, message_id: number.to_string(), parent, files: Vec::new(), raw: Vec::new() }
    }

    #[test]
    fn the_comparison_finds_what_is_lost_doubled_or_misplaced() {
        let issue = |key: &str, text: &str, comments: &[&str]| {
            let comments: Vec<Value> = comments.iter().map(|text| json!({ "body": text })).collect();
            json!({ "key": key, "description": text, "comments": comments, "attachments": [] })
        };
        let all = [sent(0, None), sent(1, Some(0)), sent(2, None)];
        let good =
            [issue("SUP-1", "mail number 0.", &["mail number 1."]), issue("SUP-2", "mail number 2.", &[])];
        assert_eq!(compare(&all, &good), Vec::<String>::new());
        let lost = [issue("SUP-1", "mail number 0.", &["mail number 1."])];
        assert_eq!(compare(&all, &lost), ["mail 2 is lost"]);
        let doubled = [good[0].clone(), good[1].clone(), issue("SUP-3", "mail number 2.", &[])];
        assert!(compare(&all, &doubled)[0].contains("mail 2 is there 2 times"));
        let misplaced =
            [issue("SUP-1", "mail number 0.", &[]), issue("SUP-2", "mail number 2.", &["mail number 1."])];
        assert!(compare(&all, &misplaced)[0].contains("mail 1 answers 0"));
    }
}
