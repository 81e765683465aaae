//! Shadow mode: a source reads and decides, and nothing is written, neither to Jira nor to the mailbox. What would have
//! happened is recorded as the mail's end, with its whole trace. Pure.

use rules::{Decision, Outcome, Plan, Step, TraceLine};

/// The rule that such mail is ignored by.
pub const RULE: &str = "shadow-mode";

/// The same decision without effects. Mail that is ignored anyway keeps its own reason.
pub fn shadowed(decision: Decision) -> Decision {
    let Decision { plan, mut trace } = decision;
    let would = match &plan.outcome {
        Outcome::Ignored { .. } => return Decision { plan, trace },
        Outcome::Issue => {
            let project = plan.steps.iter().find_map(|step| match step {
                Step::CreateIssue { project_key, .. } => Some(project_key.as_str()),
                _ => None,
            });
            project.map_or_else(
                || "it would have become an issue".to_owned(),
                |key| format!("it would have become an issue in {key}"),
            )
        }
        Outcome::Comment { issue_key, .. } => format!("it would have become a comment on {issue_key}"),
        Outcome::Held { reason } => format!("it would have been held: {reason}"),
    };
    let reason = format!("shadow mode: {would}; nothing was written");
    trace.lines.push(TraceLine { rule: RULE.to_owned(), matched: true, why: reason.clone() });
    let outcome = Outcome::Ignored { rule: RULE.to_owned(), reason };
    Decision { plan: Plan { outcome, steps: Vec::new(), routed: false }, trace }
}

#[cfg(test)]
mod tests {
    use rules::Trace;

    use super::*;

    fn of(outcome: Outcome) -> Decision {
        shadowed(Decision {
            plan: Plan { outcome, steps: vec![Step::AddComment], routed: false },
            trace: Trace { profile: "standard".to_owned(), lines: Vec::new() },
        })
    }

    /// Promise: in shadow mode no plan has a step, and the mail's end says what would have happened.
    #[test]
    fn nothing_is_written() {
        let comment = Outcome::Comment { issue_id: "1".to_owned(), issue_key: "SUP-12".to_owned() };
        for (outcome, said) in [
            (Outcome::Issue, "become an issue"),
            (comment, "comment on SUP-12"),
            (Outcome::Held { reason: "odd".to_owned() }, "been held: odd"),
        ] {
            let decision = of(outcome);
            assert!(decision.plan.steps.is_empty());
            let Outcome::Ignored { rule, reason } = &decision.plan.outcome else { panic!("ignored") };
            assert!(rule == RULE && reason.contains(said), "{reason}");
            assert_eq!(decision.trace.lines.last().map(|line| &line.why), Some(reason));
        }
        let ignored = Outcome::Ignored { rule: "automatic".to_owned(), reason: "a bounce".to_owned() };
        let Outcome::Ignored { rule, .. } = of(ignored).plan.outcome else { panic!("ignored") };
        assert_eq!(rule, "automatic");
    }
}
