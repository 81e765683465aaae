//! The decision itself.

use std::collections::HashMap;

use mail::{ImageSource, Mail, Reason, Rich, Trust};

use crate::Profile;
use crate::asked::{Asked, ask};
use crate::facts::Facts;
use crate::plan::{Attach, Decision, Outcome, Part, Plan, Step, Trace, TraceLine};
use crate::threads::{self, Thread};

/// Decides what becomes of a mail. `rich` is the mail's body as read by `Mail::rich`.
pub fn decide(mail: &Mail, rich: &Rich, profile: &Profile, facts: &Facts) -> Decision {
    let mail = &*profile.believing(mail);
    let mut trace = Trace { profile: profile.name.clone(), lines: Vec::new() };
    for problem in &mail.problems {
        trace.note("reading", true, format!("{}: {}", problem.place, problem.text));
    }
    sender(&mail.verdicts.trust, &mut trace);
    if let Some(decision) = automatic(mail, &mut trace) {
        return Decision { plan: decision, trace };
    }
    let Thread { outcome, steps: besides, held } = thread(mail, profile, facts, &mut trace);
    let issue = match ask(mail, rich, profile, facts, &outcome, &mut trace) {
        Asked::Ends(outcome) => {
            return Decision { plan: Plan { outcome, steps: Vec::new(), routed: false }, trace };
        }
        Asked::GoesOn(issue) => issue,
    };
    if let Some(reason) = held {
        let plan = Plan { outcome: Outcome::Held { reason }, steps: Vec::new(), routed: false };
        return Decision { plan, trace };
    }
    let routed = issue.project_key != facts.destination.project_key;
    if outcome == Outcome::Issue {
        trace.note(
            "new-issue",
            true,
            format!("becomes a {} in {}", issue.issue_type_name, issue.project_key),
        );
    }
    let mut files = attachments(mail, facts, &mut trace);
    if facts.body_is_cut {
        trace.note(
            "length",
            true,
            "the body is longer than Jira takes; it is cut and the whole is attached".to_owned(),
        );
        files.push(whole_body(mail));
    }
    let mut steps = match &outcome {
        Outcome::Issue => {
            let mut steps = vec![Step::CreateIssue {
                project_key: issue.project_key,
                issue_type_id: issue.issue_type_id,
                summary: issue.summary,
                fields: issue.fields,
            }];
            let shows_images = shows_images(mail, rich, &files);
            steps.extend(files.into_iter().map(Step::Attach));
            if shows_images {
                steps.push(Step::ShowImages);
            }
            steps
        }
        // The comment comes last: it is written once, with the ids of its images.
        _ => files.into_iter().map(Step::Attach).chain([Step::AddComment]).collect(),
    };
    steps.extend(besides);
    let routed = outcome == Outcome::Issue && routed;
    Decision { plan: Plan { outcome, steps, routed }, trace }
}

impl Trace {
    pub(crate) fn note(&mut self, rule: &str, matched: bool, why: String) {
        self.lines.push(TraceLine { rule: rule.to_owned(), matched, why });
    }
}

/// Whether the author is who the mail says.
fn sender(trust: &Trust, trace: &mut Trace) {
    trace.note("sender", trust.class.is_known(), format!("{}: {}", trust.class.name(), trust.why));
    for note in &trust.notes {
        trace.note("sender", false, note.clone());
    }
}

fn automatic(mail: &Mail, trace: &mut Trace) -> Option<Plan> {
    let Some(automatic) = &mail.verdicts.automatic else {
        trace.note("automatic-mail", false, "no sign of an automatic answer, a bounce or a list".to_owned());
        return None;
    };
    let rule = automatic.rule().to_owned();
    let value: String = automatic.evidence.value.chars().take(120).collect();
    let reason = format!("{} ({}: {value})", sentence(automatic.reason), automatic.evidence.name);
    trace.note(&rule, true, format!("{reason}: ignored, so that two robots never talk to each other"));
    Some(Plan { outcome: Outcome::Ignored { rule, reason }, steps: Vec::new(), routed: false })
}

fn sentence(reason: Reason) -> &'static str {
    match reason {
        Reason::OwnMail => "Postroom sent this mail itself",
        Reason::Bounce => "a mail system reports on a delivery",
        Reason::ReadReceipt => "a receipt for a mail that was read or deleted",
        Reason::OutOfOffice => "an absence notice",
        Reason::AutoSubmitted => "the sender's system says that no person sent it",
        Reason::MailingList => "it came through a mailing list",
        Reason::Bulk => "it was sent in bulk",
    }
}

/// Which issue the mail belongs to. Where something was not asked of Jira that should have been, nothing is guessed.
fn thread(mail: &Mail, profile: &Profile, facts: &Facts, trace: &mut Trace) -> Thread {
    let before = trace.lines.len();
    threads::thread(mail, profile, facts, trace).unwrap_or_else(|question| {
        trace.lines.truncate(before);
        Thread::unanswered(&question)
    })
}

fn attachments(mail: &Mail, facts: &Facts, trace: &mut Trace) -> Vec<Attach> {
    let mut seen: HashMap<&str, u32> = HashMap::new();
    let mut files = Vec::new();
    for (index, attachment) in mail.attachments.iter().enumerate() {
        if facts.upload_limit.is_some_and(|limit| attachment.size > limit) {
            let limit = facts.upload_limit.unwrap_or_default();
            trace.note(
                "attachments",
                false,
                format!(
                    "`{}` has {} bytes, Jira takes {limit}: not attached; it stays in the mail",
                    attachment.name, attachment.size
                ),
            );
            continue;
        }
        let n = seen.entry(attachment.sha256.as_str()).or_default();
        files.push(Attach {
            part: Part::Attachment(index),
            hash: attachment.sha256.chars().take(16).collect(),
            n: *n,
            name: attachment.name.clone(),
            content_type: attachment.content_type.clone(),
            size: attachment.size,
        });
        *n += 1;
    }
    files
}

fn whole_body(mail: &Mail) -> Attach {
    let (name, content_type, size) = match (&mail.html, &mail.text) {
        (Some(html), _) => ("mail.html", "text/html", html.len()),
        (None, text) => ("mail.txt", "text/plain", text.as_ref().map_or(0, String::len)),
    };
    Attach {
        part: Part::Body,
        hash: "body".to_owned(),
        n: 0,
        name: name.to_owned(),
        content_type: format!("{content_type}; charset=utf-8"),
        size: size as u64,
    }
}

/// Whether the body refers to an image that is among the files.
fn shows_images(mail: &Mail, rich: &Rich, files: &[Attach]) -> bool {
    rich.images().iter().any(|image| match &image.source {
        ImageSource::Cid(cid) => files.iter().any(|file| match file.part {
            Part::Attachment(index) => mail.attachments[index].content_id.as_deref() == Some(cid),
            Part::Body => false,
        }),
        ImageSource::Remote(_) => false,
    })
}
