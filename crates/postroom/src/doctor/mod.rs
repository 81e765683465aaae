//! What is wrong with an installation, each finding with its mend.
//!
//! Begin with [`examine`]. It looks at what `serve` would need, in the order in which `serve` would need it, changes
//! nothing, and may run beside a running service: settings, data folder, database, key (`place.rs`), then the servers of
//! Microsoft and Jira and whether their clocks agree with ours (`reach.rs`).

mod place;
mod reach;
#[cfg(test)]
mod tests;

use std::path::Path;

use serde::Serialize;
use store::Clock;

use crate::config::{Config, Environment};

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// As it should be.
    Good,
    /// Worth knowing; works.
    Note,
    /// Does not work, or will not.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, such as `database`.
    pub check: &'static str,
    /// How good it is.
    pub grade: Grade,
    /// What was found.
    pub text: String,
    /// What to do, where there is something to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Finding {
    fn good(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, grade: Grade::Good, text: text.into(), mend: None }
    }

    fn note(check: &'static str, text: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check, grade: Grade::Note, text: text.into(), mend: Some(mend.into()) }
    }

    fn bad(check: &'static str, text: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check, grade: Grade::Bad, text: text.into(), mend: Some(mend.into()) }
    }

    /// An error that names its mend itself, after the last `separator`.
    fn of_error(check: &'static str, error: &dyn std::fmt::Display, separator: &str) -> Self {
        let text = error.to_string();
        match text.rsplit_once(separator) {
            Some((what, mend)) => Self::bad(check, what, mend.trim()),
            None => Self::bad(check, text, "see docs/operating.md"),
        }
    }
}

/// Looks at everything. Nothing is changed; nothing is made.
pub async fn examine(file: Option<&Path>, environment: &Environment, clock: &dyn Clock) -> Vec<Finding> {
    let config = match Config::load(file, environment) {
        Ok(config) => config,
        // Without settings there is nothing else to look at.
        Err(error) => {
            return error
                .faults
                .into_iter()
                .map(|fault| {
                    let mend = fault.mend.clone();
                    let key = if fault.key.is_empty() { String::new() } else { format!("{}: ", fault.key) };
                    Finding::bad("settings", format!("{}: {key}{}", fault.origin, fault.what), mend)
                })
                .collect();
        }
    };
    let mut findings = vec![Finding::good(
        "settings",
        config.file.as_ref().map_or_else(
            || "the defaults; no settings file was found".to_owned(),
            |file| file.display().to_string(),
        ),
    )];
    findings.extend(
        config
            .warnings
            .iter()
            .map(|warning| Finding::note("settings", warning.clone(), "remove it, or mend its name")),
    );
    let jira = place::examine(&config, &mut findings).await;
    reach::examine(&config, jira, clock, &mut findings).await;
    findings
}
