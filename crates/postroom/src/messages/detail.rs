//! One message: its end, its steps, why, and the mail itself beside what Jira got.

use axum::extract::{Path, Query, State as Shared};
use axum::response::Response;
use ledger::{Slot, Step, StepState};
use mail::Mail;
use rules::{Part, Plan, Trace};
use serde::Deserialize;
use uuid::Uuid;

use super::hold;
use super::list::issue_address;
use super::opened::{self, Content};
use super::pages::{Jira, MessagePage, RuleLine, Shown, StepLine};
use super::routes::State;
use super::store::{self as rows, Sighting, Whole};
use crate::access::{Role, Viewer};
use crate::connections::routes::{moment, time};
use crate::web::components::{FaultView, Icon, MailState, StepState as Badge, Tone};
use crate::web::times::counted;
use crate::web::{self, Problem, Section};

/// The most text that a page shows.
const MOST_TEXT: usize = 256 << 10;

/// `?show=`
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    show: String,
}

/// GET /messages/{id}
pub async fn show(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let db = &state.connections.db;
    let message =
        rows::one(db, viewer.workspace(), id).await?.ok_or_else(|| Problem::not_found("message"))?;
    let summary = opened::summary(&state.ledger, id, &message.summary_sealed);
    let stored = state.ledger.plan(db, id).await?;
    let steps = state.ledger.steps(db, id).await?;
    let times = rows::step_times(db, id).await?;
    let found_again = found_again(&message, rows::sightings(db, id).await?);
    let content = opened::content(db, &state.ledger, &state.blobs, id, &message.content).await?;
    let mail = content.as_ref().and_then(|content| content.mail.as_ref().ok());
    let trace: Trace =
        stored.as_ref().and_then(|plan| serde_json::from_slice(&plan.trace).ok()).unwrap_or_default();
    let plan: Option<Plan> = stored.as_ref().and_then(|plan| serde_json::from_slice(&plan.body).ok());
    let shown = match asked.show.as_str() {
        "text" => Shown::Text,
        "source" => Shown::Source,
        _ => Shown::Mail,
    };
    let key = message.issue_key.clone().unwrap_or_default();
    let issue_href =
        if key.is_empty() { String::new() } else { issue_address(message.base_url.as_deref(), &key) };
    let title = if summary.subject.is_empty() { "(no subject)" } else { &summary.subject };
    let forgotten = stored.is_some() && trace.lines.is_empty() && message.content == "erased";
    let mut problems: Vec<String> = mail.map_or_else(Vec::new, |mail| {
        mail.problems.iter().map(|problem| format!("{}: {}", problem.place, problem.text)).collect()
    });
    if let Some(Err(error)) = content.as_ref().map(|content| &content.mail) {
        problems.push(error.to_string());
    }
    let lines = steps
        .iter()
        .map(|step| {
            let at =
                times.iter().find(|(id, _)| *id == step.id).map(|(_, at)| viewer.times().exact(time(*at)));
            step_line(step, plan.as_ref(), at, &issue_href)
        })
        .collect();
    let page = MessagePage {
        frame: viewer.frame(Section::Messages, title).live("messages"),
        state: MailState::of_row(&message.state, message.ending.as_deref()).unwrap_or(MailState::Waiting),
        end: end(&viewer, &message),
        fault: held(
            &viewer,
            &message,
            &steps,
            hold::has_somebody(&message, hold::take_up(stored.as_ref(), &steps)),
        ),
        actions: Vec::new(),
        facts: facts(&message, &summary, mail.map(AsRef::as_ref)),
        received: moment(&viewer, message.received_at),
        steps: lines,
        rules: trace
            .lines
            .into_iter()
            .map(|line| RuleLine { name: line.rule, matched: line.matched, why: line.why })
            .chain(found_again.into_iter().map(|why| RuleLine {
                name: ledger::ids::KNOWN.to_owned(),
                matched: true,
                why,
            }))
            .collect(),
        reasons: message
            .reason
            .iter()
            .filter(|_| message.state != "held")
            .cloned()
            .chain(forgotten.then(|| "Why it was decided so is no longer kept.".to_owned()))
            .collect(),
        shown,
        href: format!("/messages/{id}"),
        mail_href: mail.map_or_else(String::new, |_| format!("/messages/{id}/mail")),
        source_href: content.as_ref().map_or_else(String::new, |_| format!("/messages/{id}/source")),
        text: text(shown, content.as_ref()),
        jira: mail.filter(|_| !key.is_empty()).map(|mail| Jira {
            title: if message.comment_id.is_some() { format!("comment on {key}") } else { key.clone() },
            href: comment_address(&issue_href, message.comment_id.as_deref()),
            text: shortened(&mail.rich().to_text()),
        }),
        issue: key,
        issue_href,
        headers: mail.map_or_else(Vec::new, |mail| {
            mail.headers.iter().take(500).map(|header| (header.name.clone(), header.value.clone())).collect()
        }),
        attachments: mail.map_or_else(Vec::new, |mail| attachments(id, mail)),
        problems,
    };
    web::page(&page)
}

/// Where else it was found, a line each: the first source that recorded it handles it, and no other.
pub fn found_again(message: &Whole, sightings: Vec<Sighting>) -> Vec<String> {
    sightings
        .into_iter()
        .map(|by| {
            format!(
                "found again by {}, {} on {}: already handled by {}, {}",
                by.mailbox,
                by.folder_name,
                time(by.seen_at).strftime("%Y-%m-%d %H:%M UTC"),
                message.mailbox,
                message.folder_name
            )
        })
        .collect()
}

fn comment_address(issue_href: &str, comment: Option<&str>) -> String {
    match comment {
        Some(comment) if !issue_href.is_empty() => format!("{issue_href}?focusedCommentId={comment}"),
        _ => issue_href.to_owned(),
    }
}

/// What became of it, a sentence.
fn end(viewer: &Viewer, message: &Whole) -> String {
    let key = message.issue_key.as_deref().unwrap_or("an issue");
    let by = message.ended_by.as_deref().unwrap_or("a rule");
    let at =
        message.ended_at.map_or_else(String::new, |at| format!(" {}", viewer.times().ago(time(at)).words));
    match (message.state.as_str(), message.ending.as_deref()) {
        ("ended", Some("issue")) => format!("Became {key}{at}.{}", mark(message)),
        ("ended", Some("comment")) => format!("Became a comment on {key}{at}.{}", mark(message)),
        ("ended", Some("ignored")) if by == "discarded" => {
            format!(
                "{}{at}.",
                message.reason.as_deref().unwrap_or("discarded").replacen("discarded", "Discarded", 1)
            )
        }
        ("ended", Some("ignored")) => format!("Ignored by the rule {by}{at}."),
        ("ended", Some("rejected")) => format!("Rejected by {by}{at}."),
        ("held", _) => format!(
            "Waits for a person{}.",
            message
                .ended_at
                .map_or_else(String::new, |at| { format!(" since {}", viewer.times().on(time(at)).words) })
        ),
        ("recorded", _) => "Recorded; it is handled when the round of its folder is complete.".to_owned(),
        _ if time(message.not_before) > viewer.times().now => {
            format!("Is taken up again {}.", viewer.times().ago(time(message.not_before)).words)
        }
        ("acting", _) => "Its plan is being carried out.".to_owned(),
        _ => "Waits for its turn.".to_owned(),
    }
}

fn mark(message: &Whole) -> &'static str {
    match message.mark.as_str() {
        "gone" => " The mail has left the mailbox since.",
        "failed" => " The mail could not be marked in the mailbox.",
        _ => "",
    }
}

/// Why it is held, with what can be done.
fn held(viewer: &Viewer, message: &Whole, steps: &[Step], has_somebody: bool) -> Option<FaultView> {
    if message.state != "held" {
        return None;
    }
    let id = message.id;
    let fault = steps.iter().rev().find_map(|step| step.fault.as_ref());
    let mut view = match fault {
        Some(fault) => FaultView::of(fault, message.ended_at.map(|at| viewer.times().on(time(at)))),
        None => FaultView {
            tone: Tone::Bad,
            what: String::new(),
            code: String::new(),
            since: message.ended_at.map(|at| viewer.times().on(time(at))),
            who: String::new(),
            mend: String::new(),
            waiting: String::new(),
            actions: Vec::new(),
            command: String::new(),
            details: Vec::new(),
        },
    };
    view.tone = Tone::Bad;
    view.what = message.reason.clone().unwrap_or_else(|| "This mail is held.".to_owned());
    // In lists it stands behind other words.
    let first = view.what.chars().next().map_or(0, char::len_utf8);
    let upper = view.what[..first].to_uppercase();
    view.what.replace_range(..first, &upper);
    if !view.what.ends_with(['.', '?']) {
        view.what.push('.');
    }
    // The reason says what to do already.
    view.mend = match (message.shadow_at, has_somebody) {
        (Some(_), _) => hold::IN_SHADOW.to_owned(),
        (None, false) => hold::SOURCE_REMOVED.to_owned(),
        (None, true) => String::new(),
    };
    "The other mails go on; later mails of the same conversation wait for this one up to 15 minutes."
        .clone_into(&mut view.waiting);
    if viewer.may(Role::Admin) {
        let done = steps.iter().filter(|step| step.state == StepState::Done).count();
        let warning = match done {
            0 => "The mail becomes neither issue nor comment. It stays in the mailbox.".to_owned(),
            many => format!(
                "What was written to Jira ({}) stays there; the rest is not done. The mail stays in the mailbox.",
                counted(many, "step", "steps")
            ),
        };
        view.actions.insert(
            0,
            viewer.post("Discard", format!("/messages/{id}/discard")).with_icon(Icon::Bin).danger(warning),
        );
        if message.shadow_at.is_none() && has_somebody {
            view.actions.insert(
                0,
                viewer.post("Retry", format!("/messages/{id}/retry")).with_icon(Icon::Retry).primary(),
            );
        }
    }
    Some(view)
}

fn facts(message: &Whole, summary: &ledger::record::Summary, mail: Option<&Mail>) -> Vec<(String, String)> {
    let person = |name: Option<&str>, address: &str| match name.filter(|name| !name.is_empty()) {
        Some(name) => format!("{name} <{address}>"),
        None => address.to_owned(),
    };
    let mut facts = Vec::new();
    if !summary.from.is_empty() || !summary.name.is_empty() {
        facts.push(("From".to_owned(), person(Some(&summary.name), &summary.from)));
    }
    if let Some(mail) = mail {
        let to: Vec<String> = mail
            .to
            .iter()
            .chain(&mail.cc)
            .take(20)
            .map(|to| person(to.name.as_deref(), &to.address))
            .collect();
        if !to.is_empty() {
            facts.push(("To".to_owned(), to.join(", ")));
        }
    }
    facts.push(("Source".to_owned(), format!("{}, {}", message.mailbox, message.folder_name)));
    facts
}

fn step_line(step: &Step, plan: Option<&Plan>, at: Option<web::times::Moment>, issue_href: &str) -> StepLine {
    let what = match &step.slot {
        Slot::Issue => "Create issue".to_owned(),
        Slot::Comment => "Add comment".to_owned(),
        Slot::Description => "Show images in the description".to_owned(),
        Slot::Transition => besides(plan, |step| match step {
            rules::Step::Transition { name, status, .. } => {
                Some(format!("Open the issue again: {name}, to {status}"))
            }
            _ => None,
        }),
        Slot::Link => besides(plan, |step| match step {
            rules::Step::Link { link_type, issue_key, .. } => {
                Some(format!("Link with {issue_key} ({link_type})"))
            }
            _ => None,
        }),
        Slot::Attachment { hash, n } => format!("Attach {}", attached(plan, hash, *n)),
    };
    let (result, href) = match (&step.remote, &step.fault) {
        (Some(remote), None) if step.state == StepState::Done => {
            let result = remote.key.clone().unwrap_or_else(|| format!("id {}", remote.id));
            (result, if step.slot == Slot::Issue { issue_href.to_owned() } else { String::new() })
        }
        (_, Some(fault)) => (fault.sentence(), String::new()),
        _ => (String::new(), String::new()),
    };
    StepLine { what, state: badge(step.state), at, result, href }
}

/// What a step that a plan has once is about.
fn besides(plan: Option<&Plan>, said: impl Fn(&rules::Step) -> Option<String>) -> String {
    let steps = plan.map_or(&[][..], |plan| &plan.steps);
    steps.iter().find_map(said).unwrap_or_else(|| "A step of a plan that is not kept".to_owned())
}

fn attached(plan: Option<&Plan>, hash: &str, n: u32) -> String {
    let steps = plan.map_or(&[][..], |plan| &plan.steps);
    let name = steps.iter().find_map(|step| match step {
        rules::Step::Attach(attach) if attach.hash == hash && attach.n == n => Some(match attach.part {
            Part::Body => format!("{} (the whole text)", attach.name),
            Part::Attachment(_) => attach.name.clone(),
        }),
        _ => None,
    });
    name.unwrap_or_else(|| "a file".to_owned())
}

/// A step's state as a page shows it.
fn badge(state: StepState) -> Badge {
    match state {
        StepState::Planned => Badge::Planned,
        StepState::Intent => Badge::Intent,
        StepState::InDoubt { .. } => Badge::InDoubt,
        StepState::Done => Badge::Done,
        StepState::Held => Badge::Held,
    }
}

fn text(shown: Shown, content: Option<&Content>) -> String {
    let Some(content) = content else { return "Its content is no longer kept.".to_owned() };
    match (shown, &content.mail) {
        (Shown::Mail, _) => String::new(),
        (Shown::Text, Ok(mail)) => shortened(&mail.text.clone().unwrap_or_else(|| mail.rich().to_text())),
        (Shown::Text, Err(error)) => error.to_string(),
        (Shown::Source, _) if content.is_mime => {
            let end = content.source.len().min(MOST_TEXT);
            let cut = if end < content.source.len() { "\n\n(cut; the whole is in the download)" } else { "" };
            format!("{}{cut}", String::from_utf8_lossy(&content.source[..end]))
        }
        (Shown::Source, _) => {
            // What the mailbox said, with lines for people.
            let pretty = serde_json::from_slice::<serde_json::Value>(&content.source)
                .ok()
                .and_then(|value| serde_json::to_string_pretty(&value).ok());
            shortened(&pretty.unwrap_or_else(|| String::from_utf8_lossy(&content.source).into_owned()))
        }
    }
}

fn shortened(text: &str) -> String {
    if text.len() <= MOST_TEXT {
        return text.to_owned();
    }
    let mut end = MOST_TEXT;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}\n\n(cut)", &text[..end])
}

fn attachments(id: Uuid, mail: &Mail) -> Vec<(String, String, String)> {
    mail.attachments
        .iter()
        .enumerate()
        .map(|(number, attachment)| {
            let size = match attachment.size {
                bytes @ 0..1024 => format!("{bytes} B"),
                bytes @ 1024..1_048_576 => format!("{} KiB", bytes / 1024),
                bytes => format!("{}.{} MiB", bytes >> 20, ((bytes & 0xf_ffff) * 10) >> 20),
            };
            (attachment.name.clone(), size, format!("/messages/{id}/attachments/{number}"))
        })
        .collect()
}
