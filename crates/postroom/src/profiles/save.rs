//! Saving a profile: what could not work is refused, with its place and its mend; what is saved becomes a version.

use std::sync::Arc;

use jira::Client;
use rules::profile::Sets;
use rules::template::Template;
use rules::{Profile, Refusal};
use uuid::Uuid;

use super::projects::Projects;

/// Where a profile's mail may go: the project and the issue type of a source that is handled by it, and their Jira.
#[derive(Clone, Debug)]
pub struct Aim {
    /// The source's name, for messages.
    pub source: String,
    /// Its Jira connection.
    pub jira: Uuid,
    /// Its client.
    pub client: Arc<Client>,
    /// Its project's key.
    pub project: String,
    /// The name of its issue type.
    pub issue_type: String,
}

/// Holds what the rules set against what Jira takes, for every source that is handled by the profile. Values that are made from the
/// mail are looked at when it comes. What Jira does not answer now is no refusal.
pub async fn against_jira(projects: &Projects, aims: &[Aim], profile: &Profile) -> Vec<Refusal> {
    let mut refusals: Vec<Refusal> = Vec::new();
    for aim in aims {
        for rule in &profile.rules {
            if let Some(what) = refused(projects, aim, &rule.sets).await {
                let refusal = Refusal {
                    line: rule.line,
                    column: 1,
                    what: format!("rule `{}`, for the source {}: {what}", rule.name, aim.source),
                    mend: "Write what is there, or make it in Jira and save again".to_owned(),
                };
                if !refusals.contains(&refusal) {
                    refusals.push(refusal);
                }
            }
        }
    }
    refusals
}

/// What Jira would not take of what a rule sets, in words.
async fn refused(projects: &Projects, aim: &Aim, sets: &Sets) -> Option<String> {
    if *sets == Sets::default() {
        return None;
    }
    let plain = |value: &Option<Template>| {
        value.as_ref().filter(|value| value.is_plain()).map(|value| value.source().trim().to_owned())
    };
    // Where it goes is known only when the mail comes.
    if sets.project.as_ref().is_some_and(|project| !project.is_plain())
        || sets.issue_type.as_ref().is_some_and(|kind| !kind.is_plain())
    {
        return None;
    }
    let key = plain(&sets.project).map_or_else(|| aim.project.clone(), |key| key.to_uppercase());
    let wanted = plain(&sets.issue_type);
    let known = projects.known(&aim.client, aim.jira, &key, wanted.as_deref(), &aim.issue_type).await.ok()?;
    let Some(project) = known else { return Some(format!("no project `{key}` is open to Postroom")) };
    sets.refused_by(&project, wanted.as_deref(), &aim.issue_type)
}
