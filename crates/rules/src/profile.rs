//! How the mail of a source is handled: ordered rules.
//!
//! A profile is a TOML document. [`Profile::parse`] reads it and refuses what could not work, each refusal with its place and
//! its mend; [`document`] knows the form, [`crate::condition`] and [`crate::template`] what stands in it.

mod against;
mod document;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_threads;
#[cfg(test)]
mod tests_of_trust;
mod threads;
mod trust;

use std::borrow::Cow;
use std::sync::Arc;

use mail::{Mail, Trust, TrustSettings};

use crate::condition::{Condition, Patterns};
use crate::template::Template;
use crate::threads::Threads;

/// How the mail of a source is handled.
#[derive(Debug)]
pub struct Profile {
    /// Its name, as people see it.
    pub name: String,
    /// The rules, in order.
    pub rules: Vec<Rule>,
    /// How mails of a conversation are kept together.
    pub threads: Threads,
    /// What counts as proof of who wrote a mail.
    pub trust: TrustSettings,
    patterns: Arc<Patterns>,
}

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name, unique in the profile.
    pub name: String,
    /// The line at which it begins in the document, from 1.
    pub line: usize,
    /// When it applies; `None`: to every mail.
    pub when: Option<Condition>,
    /// What becomes of the mail, where the rule ends it.
    pub end: Option<End>,
    /// What a new issue gets.
    pub sets: Sets,
    /// Whether no later rule is asked once this one has matched.
    pub stop: bool,
}

/// What becomes of a mail by a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing; the reason goes on record.
    Ignore(Template),
    /// A person looks at it; the reason is shown.
    Hold(Template),
}

/// What a rule sets in a new issue. A later rule's value takes the place of an earlier one's; labels and components add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sets {
    /// The project's key.
    pub project: Option<Template>,
    /// The issue type's name or id.
    pub issue_type: Option<Template>,
    /// The summary.
    pub summary: Option<Template>,
    /// The priority's name or id.
    pub priority: Option<Template>,
    /// The security level's name or id.
    pub security_level: Option<Template>,
    /// Labels.
    pub labels: Vec<Template>,
    /// Names or ids of components.
    pub components: Vec<Template>,
    /// Other fields by name or id, with their values.
    pub fields: Vec<(String, Template)>,
}

/// Why a profile is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("line {line}, column {column}: {what}. {}", self.mend_sentence())]
pub struct Refusal {
    /// The line in the document, from 1.
    pub line: usize,
    /// The column in letters, from 1.
    pub column: usize,
    /// What is the matter.
    pub what: String,
    /// What to write instead.
    pub mend: String,
}

impl Refusal {
    /// What to write instead, with its full stop.
    pub fn mend_sentence(&self) -> String {
        let ended = self.mend.ends_with(['.', '?', '…', '!']);
        if ended { self.mend.clone() } else { format!("{}.", self.mend) }
    }
}

impl Profile {
    /// The profile that every source has until it gets one of its own.
    pub fn standard() -> Self {
        Self {
            name: "standard".to_owned(),
            rules: Vec::new(),
            threads: Threads::default(),
            trust: TrustSettings::default(),
            patterns: Arc::default(),
        }
    }

    /// Reads a profile's document.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order in which it stands there.
    pub fn parse(document: &str) -> Result<Self, Vec<Refusal>> {
        document::read(document)
    }

    /// Whether one of its rules may set this field in a new issue.
    pub fn may_set(&self, id: &str, name: &str) -> bool {
        self.rules.iter().any(|rule| {
            let sets = &rule.sets;
            let own = [
                ("priority", sets.priority.is_some()),
                ("security", sets.security_level.is_some()),
                ("labels", !sets.labels.is_empty()),
                ("components", !sets.components.is_empty()),
            ];
            own.iter().any(|(field, is)| *is && *field == id)
                || sets.fields.iter().any(|(field, _)| field == id || field.eq_ignore_ascii_case(name))
        })
    }

    /// A mail with its author's class by this profile's `[trust]`.
    pub fn believing<'a>(&self, mail: &'a Mail) -> Cow<'a, Mail> {
        if self.trust == TrustSettings::default() {
            return Cow::Borrowed(mail);
        }
        let mut mail = mail.clone();
        mail.verdicts.trust = Trust::of(&mail, &self.trust);
        Cow::Owned(mail)
    }

    /// The regular expressions of its conditions.
    pub(crate) fn patterns(&self) -> &Arc<Patterns> {
        &self.patterns
    }
}
