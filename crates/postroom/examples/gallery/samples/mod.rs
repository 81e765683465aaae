//! Every page in every state worth looking at.

mod access;
mod connections;
mod consent;
mod messages;

use askama::Template;
use postroom::web::components::{Action, Does, FaultView, Health, Tone};
use postroom::web::overview::{Needed, Numbers, OutboundLine, OverviewView, SourceLine};
use postroom::web::times::Times;
use postroom::web::{Flash, Frame, Problem, ProblemPage, Section, Theme};
use store::{Clock, SystemClock};

/// A page with its name.
pub(crate) struct Sample {
    /// The file's name without theme and ending.
    pub(crate) name: &'static str,
    /// The document.
    pub(crate) html: String,
}

pub(crate) fn sample(name: &'static str, template: &impl Template) -> Sample {
    Sample { name, html: template.render().expect("a page renders") }
}

/// All pages in one theme.
pub(crate) fn all(theme: Theme) -> Vec<Sample> {
    let mut all = vec![
        sample("overview-first-run", &overview_first_run(theme)),
        sample("overview-well", &overview(theme, false)),
        sample("overview-fault", &overview(theme, true)),
        sample("problem-404", &problem(theme, Problem::not_found("message"))),
        sample("problem-500", &problem(theme, Problem::internal("inside"))),
    ];
    all.extend(access::all(theme));
    all.extend(connections::all(theme));
    all.extend(consent::all(theme));
    all.extend(messages::all(theme));
    all
}

/// The document in the frame of a message's page.
#[allow(dead_code, reason = "the gallery's only; the tests look at pages alone")]
pub(crate) fn mail_frame() -> &'static str {
    messages::MAIL
}

/// A moment some seconds from now, negative for the past.
pub(crate) fn ago(seconds: i64) -> postroom::web::times::Moment {
    times().ago(at(seconds))
}

pub(crate) fn exact(seconds: i64) -> postroom::web::times::Moment {
    times().exact(at(seconds))
}

pub(crate) fn on(seconds: i64) -> postroom::web::times::Moment {
    times().on(at(seconds))
}

fn at(seconds: i64) -> jiff::Timestamp {
    times().now + jiff::SignedDuration::from_secs(seconds)
}

pub(crate) fn times() -> Times {
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap_or(jiff::tz::TimeZone::UTC);
    // The real time, because the script keeps relative times true.
    Times { now: SystemClock.now(), zone }
}

pub(crate) fn frame(theme: Theme, section: Section, title: &str) -> Frame {
    Frame { section, person: Some("Anna Berg".into()), csrf: "00".repeat(64), ..Frame::outside(title, theme) }
}

pub(crate) fn post(label: &str, to: &str) -> Action {
    Action::new(label, Does::Post { to: to.into(), csrf: "00".repeat(64), fields: Vec::new() })
}

pub(crate) fn password_reset() -> FaultView {
    FaultView {
        tone: Tone::Bad,
        what: "Microsoft ended this sign-in because the password was reset.".into(),
        code: "AADSTS50173".into(),
        since: Some(on(-3600 * 5)),
        who: "The person who signed the mailbox in must act.".into(),
        mend: "Sign in again as legacy@contoso.com.".into(),
        waiting: "41 mails are waiting; none is lost.".into(),
        actions: vec![
            post("Sign in again", "/sources/3/sign-in").primary(),
            Action::copy("Copy link for the mailbox's owner", "https://postroom.example.com/x"),
            Action::leave("Read more", "https://learn.microsoft.com/"),
        ],
        command: String::new(),
        details: vec![
            ("Code".into(), "AADSTS50173".into()),
            ("Trace id".into(), "0f1d5b0e-2c1b-4bb4-8a1b-7d2a1c0f6b00".into()),
            ("Correlation id".into(), "c7a9c4b2-95a6-4b66-b3f7-0f7a2f7e3c11".into()),
            (
                "What the other side said".into(),
                "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might \
                 have changed or reset their password."
                    .into(),
            ),
        ],
    }
}

pub(crate) fn jira_down() -> FaultView {
    FaultView {
        tone: Tone::Warn,
        what: "Jira did not answer in time.".into(),
        code: String::new(),
        since: Some(on(-240)),
        who: "Nobody has to act: Postroom tries again by itself.".into(),
        mend: String::new(),
        waiting: "3 mails are waiting; none is lost.".into(),
        actions: vec![post("Try now", "/jira/1/retry").in_place()],
        command: String::new(),
        details: vec![("HTTP status".into(), "503".into())],
    }
}

fn overview_first_run(theme: Theme) -> OverviewView {
    let mut frame = frame(theme, Section::Overview, "Overview");
    frame.flash = Some(Flash::done("Your account is made, and you are signed in."));
    OverviewView {
        frame,
        first_run: OverviewView::first_steps(true, false, false),
        needed: Vec::new(),
        numbers: Numbers::default(),
        sources: Vec::new(),
        outbounds: Vec::new(),
    }
}

fn overview(theme: Theme, faulty: bool) -> OverviewView {
    let line = |mailbox: &str, health, target: &str, news: &str, today, waiting| SourceLine {
        mailbox: mailbox.into(),
        href: "/sources/1".into(),
        health,
        target: target.into(),
        news: news.into(),
        today,
        waiting,
    };
    let mut sources = vec![
        line("support@contoso.com", Health::Online, "SUP", "last mail 2 min ago", 1_204, 0),
        line("billing@contoso.com", Health::Online, "BILL", "last mail 3 h ago", 12, 0),
    ];
    let mut needed = Vec::new();
    if faulty {
        sources[1].health = Health::Degraded;
        sources[1].news = "retrying in 14 s".into();
        sources.push(line("legacy@contoso.com", Health::Offline, "OPS", "since 09:12", 0, 41));
        sources.push(line("hr@contoso.com", Health::ApprovalNeeded, "", "", 0, 0));
        needed.push(Needed {
            object: "legacy@contoso.com".into(),
            href: "/sources/3".into(),
            fault: password_reset(),
        });
        needed.push(Needed {
            object: "contoso.atlassian.net".into(),
            href: "/jira".into(),
            fault: jira_down(),
        });
    }
    OverviewView {
        frame: frame(theme, Section::Overview, "Overview"),
        first_run: Vec::new(),
        needed,
        numbers: Numbers {
            issues: 1_031,
            comments: 173,
            ignored: 12,
            rejected: 0,
            waiting: if faulty { 44 } else { 0 },
            held: if faulty { 2 } else { 0 },
        },
        sources,
        outbounds: vec![OutboundLine {
            mailbox: "post@contoso.com".into(),
            href: "/outbounds/1".into(),
            health: if faulty { Health::Offline } else { Health::Online },
            account: "anna@contoso.com".into(),
            news: "last mail sent 2 h ago".into(),
        }],
    }
}

fn problem(theme: Theme, problem: Problem) -> ProblemPage {
    let title = problem.what.trim_end_matches('.').to_owned();
    ProblemPage {
        frame: frame(theme, Section::Outside, &title),
        status: problem.status.as_u16(),
        problem,
        reference: "0199f1c2a3b47c5d9e8f7a6b5c4d3e2f".into(),
    }
}
