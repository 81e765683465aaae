//! The rules of a profile, asked in order.

use std::collections::BTreeMap;

use mail::{Mail, Rich};

use crate::condition::Evaluation;
use crate::facts::{Facts, IssueType, Project};
use crate::fields;
use crate::plan::{Outcome, SetField, Trace};
use crate::profile::{End, Profile, Rule, Sets};
use crate::template::Template;
use crate::view::{Origin, Received, View};

/// What the rules say.
pub(crate) enum Asked {
    /// A rule ended the mail.
    Ends(Outcome),
    /// It goes on; a new issue would be this one.
    GoesOn(NewIssue),
}

/// A new issue as rules and the source's own settings make it.
pub(crate) struct NewIssue {
    pub project_key: String,
    pub issue_type_id: String,
    pub issue_type_name: String,
    pub summary: String,
    pub fields: Vec<SetField>,
}

/// What was set so far, each value with the rule that set it.
#[derive(Default)]
struct Set<'a> {
    project: Option<(&'a Rule, &'a Template)>,
    issue_type: Option<(&'a Rule, &'a Template)>,
    summary: Option<(&'a Rule, &'a Template)>,
    fields: Vec<(&'a Rule, String, Vec<&'a Template>)>,
}

/// The project and the issue type that the rules want for a new issue, by what they write: what must be known of Jira before
/// [`crate::decide`] is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The project's key, where it is another one than the source's.
    pub project: Option<String>,
    /// The issue type's name or id, where it is another one than the source's.
    pub issue_type: Option<String>,
}

/// What must be known of Jira before this mail is decided; `None` where no rule sets anything of a new issue. A rule that cannot
/// be answered wants nothing: deciding tells what is wrong with it.
pub fn wanted(mail: &Mail, rich: &Rich, profile: &Profile, facts: &Facts) -> Option<Wanted> {
    if !profile.rules.iter().any(|rule| rule.sets != Sets::default()) {
        return None;
    }
    let view = View::of(&profile.believing(mail), rich, &facts.source, &facts.received, &Outcome::Issue);
    let evaluation = Evaluation::of(&view, profile.patterns());
    let mut set = Set::default();
    for rule in &profile.rules {
        let holds = rule.when.as_ref().is_none_or(|when| when.holds(&evaluation).unwrap_or(false));
        if !holds {
            continue;
        }
        if rule.end.is_some() {
            return None;
        }
        set.add(rule);
        if rule.stop {
            break;
        }
    }
    let filled = |value: Option<(&Rule, &Template)>| {
        value.and_then(|(_, value)| value.fill(&view).ok()).filter(|value| !value.is_empty())
    };
    if set.project.is_none() && set.issue_type.is_none() && set.fields.is_empty() {
        return None;
    }
    Some(Wanted {
        project: filled(set.project)
            .map(|key| key.to_uppercase())
            .filter(|key| *key != facts.destination.project_key),
        issue_type: filled(set.issue_type),
    })
}

/// What the rules alone say of a mail, without Jira: what a team holds its profile to in its own tests.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Said {
    /// The rules that matched, in order.
    pub matched: Vec<String>,
    /// `ignored` or `held`, with the reason; or why a rule could not be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<String>,
    /// What a new issue would get, by the names that the rules use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sets: BTreeMap<String, Vec<String>>,
}

/// Asks the rules about a mail as if it began a new issue.
pub fn said(mail: &Mail, rich: &Rich, profile: &Profile, origin: &Origin, received: &Received) -> Said {
    let view = View::of(&profile.believing(mail), rich, origin, received, &Outcome::Issue);
    let evaluation = Evaluation::of(&view, profile.patterns());
    let (mut said, mut set) = (Said::default(), Set::default());
    for rule in &profile.rules {
        match rule.when.as_ref().map_or(Ok(true), |when| when.holds(&evaluation)) {
            Ok(true) => said.matched.push(rule.name.clone()),
            Ok(false) => continue,
            Err(why) => {
                said.ends = Some(format!("held: rule `{}` cannot be answered: {why}", rule.name));
                return said;
            }
        }
        if let Some(end) = &rule.end {
            let (word, reason) = match end {
                End::Ignore(reason) => ("ignored", reason),
                End::Hold(reason) => ("held", reason),
            };
            let reason = reason.fill(&view).unwrap_or_else(|why| format!("its reason cannot be made: {why}"));
            said.ends = Some(format!("{word}: {reason}"));
            return said;
        }
        set.add(rule);
        if rule.stop {
            break;
        }
    }
    let single = [("project", set.project), ("issue_type", set.issue_type), ("summary", set.summary)];
    let single = single.into_iter().filter_map(|(name, value)| Some((name.to_owned(), vec![value?.1])));
    let all = single.chain(set.fields.into_iter().map(|(_, name, values)| (name, values)));
    for (name, values) in all {
        let made = values
            .into_iter()
            .map(|value| value.fill(&view).unwrap_or_else(|why| format!("(cannot be made: {why})")))
            .filter(|value| !value.is_empty())
            .collect::<Vec<_>>();
        if !made.is_empty() {
            said.sets.insert(name, made);
        }
    }
    said
}

/// Asks the rules about a mail that would become `outcome` without them.
pub(crate) fn ask(
    mail: &Mail,
    rich: &Rich,
    profile: &Profile,
    facts: &Facts,
    outcome: &Outcome,
    trace: &mut Trace,
) -> Asked {
    let mut issue = NewIssue {
        project_key: facts.destination.project_key.clone(),
        issue_type_id: facts.destination.issue_type_id.clone(),
        issue_type_name: facts.destination.issue_type_name.clone(),
        summary: mail.subject.clone(),
        fields: Vec::new(),
    };
    if profile.rules.is_empty() {
        return Asked::GoesOn(issue);
    }
    let view = View::of(mail, rich, &facts.source, &facts.received, outcome);
    let evaluation = Evaluation::of(&view, profile.patterns());
    let mut set = Set::default();
    for rule in &profile.rules {
        let holds = match &rule.when {
            None => Ok(true),
            Some(condition) => condition.holds(&evaluation),
        };
        match holds {
            Err(why) => {
                return broken(profile, rule, &format!("its condition cannot be answered: {why}"), trace);
            }
            Ok(false) => {
                trace.note(&rule.name, false, "its condition does not hold".to_owned());
                continue;
            }
            Ok(true) => {}
        }
        if let Some(end) = &rule.end {
            return ended(profile, rule, end, &view, trace);
        }
        set.add(rule);
        let does = if *outcome == Outcome::Issue {
            told(&rule.sets)
        } else {
            "the mail joins an issue that is there".to_owned()
        };
        let last = if rule.stop { "; no further rule is asked" } else { "" };
        trace.note(&rule.name, true, format!("{does}{last}"));
        if rule.stop {
            break;
        }
    }
    if *outcome != Outcome::Issue {
        return Asked::GoesOn(issue);
    }
    match set.carry_over(&mut issue, facts, &view) {
        Ok(()) => Asked::GoesOn(issue),
        Err((rule, why)) => broken(profile, rule, &why, trace),
    }
}

/// A rule that cannot do its work holds the mail: nothing is guessed, and a person is told where to look.
fn broken(profile: &Profile, rule: &Rule, why: &str, trace: &mut Trace) -> Asked {
    let reason = format!("profile {}, rule `{}` (line {}): {why}", profile.name, rule.name, rule.line);
    trace.note(&rule.name, true, format!("held: {why}"));
    Asked::Ends(Outcome::Held { reason })
}

fn ended(profile: &Profile, rule: &Rule, end: &End, view: &View, trace: &mut Trace) -> Asked {
    let (End::Ignore(reason) | End::Hold(reason)) = end;
    let reason = match reason.fill(view) {
        Ok(reason) => reason,
        Err(why) => return broken(profile, rule, &format!("its reason cannot be made: {why}"), trace),
    };
    match end {
        End::Ignore(_) => {
            trace.note(&rule.name, true, format!("ignored: {reason}"));
            Asked::Ends(Outcome::Ignored { rule: rule.name.clone(), reason })
        }
        End::Hold(_) => {
            trace.note(&rule.name, true, format!("held: {reason}"));
            Asked::Ends(Outcome::Held { reason: format!("rule `{}`: {reason}", rule.name) })
        }
    }
}

/// What a rule sets, for the trace.
fn told(sets: &Sets) -> String {
    let mut names: Vec<&str> = Vec::new();
    let single = [
        ("project", sets.project.is_some()),
        ("issue type", sets.issue_type.is_some()),
        ("summary", sets.summary.is_some()),
        ("priority", sets.priority.is_some()),
        ("security level", sets.security_level.is_some()),
        ("labels", !sets.labels.is_empty()),
        ("components", !sets.components.is_empty()),
    ];
    names.extend(single.iter().filter(|(_, is)| *is).map(|(name, _)| *name));
    names.extend(sets.fields.iter().map(|(name, _)| name.as_str()));
    if names.is_empty() { "holds, and sets nothing".to_owned() } else { format!("sets {}", names.join(", ")) }
}

impl<'a> Set<'a> {
    fn add(&mut self, rule: &'a Rule) {
        let sets = &rule.sets;
        let newer = |before: &mut Option<(&'a Rule, &'a Template)>, value: &'a Option<Template>| {
            if let Some(value) = value {
                *before = Some((rule, value));
            }
        };
        newer(&mut self.project, &sets.project);
        newer(&mut self.issue_type, &sets.issue_type);
        newer(&mut self.summary, &sets.summary);
        let own = [("priority", &sets.priority), ("security", &sets.security_level)];
        for (field, value) in own {
            if let Some(value) = value {
                self.replace(rule, field, vec![value]);
            }
        }
        for (field, value) in &sets.fields {
            self.replace(rule, field, vec![value]);
        }
        for (field, values) in [("labels", &sets.labels), ("components", &sets.components)] {
            if values.is_empty() {
                continue;
            }
            match self.fields.iter_mut().find(|(_, name, _)| name == field) {
                Some((last, _, all)) => {
                    *last = rule;
                    all.extend(values);
                }
                None => self.fields.push((rule, field.to_owned(), values.iter().collect())),
            }
        }
    }

    fn replace(&mut self, rule: &'a Rule, field: &str, values: Vec<&'a Template>) {
        self.fields.retain(|(_, name, _)| !name.eq_ignore_ascii_case(field));
        self.fields.push((rule, field.to_owned(), values));
    }

    /// Puts what was set into the new issue.
    fn carry_over(self, issue: &mut NewIssue, facts: &Facts, view: &View) -> Result<(), (&'a Rule, String)> {
        let filled = |rule: &'a Rule, what: &str, value: &Template| {
            value.fill(view).map_err(|why| (rule, format!("its {what} cannot be made: {why}")))
        };
        if let Some((rule, value)) = self.summary {
            let summary = filled(rule, "summary", value)?;
            if !summary.is_empty() {
                issue.summary = summary;
            }
        }
        let mut in_project = facts.projects.iter().find(|project| project.key == issue.project_key);
        if let Some((rule, value)) = self.project {
            let key = filled(rule, "project", value)?.to_uppercase();
            // An empty value leaves the source's own project, so that `{{ tag }}` may be nothing.
            if !key.is_empty() && key != issue.project_key {
                let project = facts
                    .projects
                    .iter()
                    .find(|project| project.key == key)
                    .ok_or_else(|| (rule, format!("no project `{key}` is open to Postroom")))?;
                issue.project_key.clone_from(&project.key);
                in_project = Some(project);
                let kind = project
                    .issue_types
                    .iter()
                    .find(|kind| kind.name == issue.issue_type_name)
                    .or(project.issue_types.first())
                    .ok_or_else(|| (rule, format!("in `{key}` no issue can be made")))?;
                issue.take(kind);
            }
        }
        if let Some((rule, value)) = self.issue_type {
            let wanted = filled(rule, "issue type", value)?;
            if !wanted.is_empty() {
                issue.take(issue_type(in_project, &wanted).map_err(|why| (rule, why))?);
            }
        }
        let kind = in_project
            .and_then(|project| project.issue_types.iter().find(|kind| kind.id == issue.issue_type_id));
        for (rule, field, values) in self.fields {
            let made: Vec<String> = values
                .into_iter()
                .map(|value| filled(rule, &format!("`{field}`"), value))
                .collect::<Result<Vec<_>, _>>()?
                .into_iter()
                .filter(|value| !value.is_empty())
                .collect();
            if made.is_empty() {
                continue;
            }
            let known = kind.map_or(&[] as &[_], |kind| &kind.fields);
            issue.fields.push(fields::set(known, &field, &made).map_err(|why| (rule, why))?);
        }
        Ok(())
    }
}

impl NewIssue {
    fn take(&mut self, kind: &IssueType) {
        self.issue_type_id.clone_from(&kind.id);
        self.issue_type_name.clone_from(&kind.name);
    }
}

fn issue_type<'a>(project: Option<&'a Project>, wanted: &str) -> Result<&'a IssueType, String> {
    let kinds: &[IssueType] = project.map_or(&[], |project| &project.issue_types);
    kinds
        .iter()
        .find(|kind| kind.id == wanted || kind.name.to_lowercase() == wanted.to_lowercase())
        .ok_or_else(|| {
            let known: Vec<String> = kinds.iter().map(|kind| format!("`{}`", kind.name)).collect();
            if known.is_empty() {
                format!("the issue type `{wanted}` is not known")
            } else {
                format!("there is no issue type `{wanted}`; there are {}", known.join(", "))
            }
        })
}
