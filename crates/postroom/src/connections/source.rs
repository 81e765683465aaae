//! One Message Source: state and timeline on top, then throughput, what will end, settings.

use std::collections::BTreeMap;

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use jiff::Timestamp;
use store::StoreError;
use uuid::Uuid;

use super::connection_type;
use super::jira_site::stored_fault;
use super::known_ends::KnownEnds;
use super::list;
use super::mend::{self, is_mended_by_moving};
use super::pages::{Expiry, MovingToGraph, Setting, SourcePage};
use super::routes::{State, moment, time};
use super::store::conversion::{self, Conversion};
use super::store::events;
use super::store::sources::{self, Counted, Source};
use super::{alarm, expiry, health, push, start_day};
use crate::access::{Role, Viewer};
use crate::web::chart::{Bar, Chart};
use crate::web::components::{Action, Icon, Timeline, TimelineEntry, Tone};
use crate::web::times::{Times, counted, thousands};
use crate::web::{self, Problem, Section};

/// An hour and a day in microseconds.
const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

/// GET /sources/{id}
pub async fn show(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let db = &state.connections.db;
    let source = state.source(viewer.workspace(), id).await?;
    let standing = health::of_source(&source);
    let admin = viewer.may(Role::Admin);
    let mut frame = viewer
        .frame(Section::Sources, &source.mailbox)
        .live(&format!("source-{id} sources"))
        .with(Action::go("Its messages", format!("/messages?source={id}")).with_icon(Icon::Mail));
    if admin {
        frame = frame
            .with(viewer.post("Ping", format!("/sources/{id}/ping")).with_icon(Icon::Ping))
            .with(viewer.post("Validate", format!("/sources/{id}/sign-in")).with_icon(Icon::Validate));
    }
    let waiting = u64::try_from(source.waiting).unwrap_or(0);
    let moving = conversion::of_source(db, id).await?.and_then(|moving| self::moving(&viewer, &moving));
    let mended_by_moving = standing.troubles.iter().any(|trouble| is_mended_by_moving(&trouble.fault));
    let graph_is_offered = mended_by_moving || moving.is_some();
    // What is said of a move has its button.
    let faults = mend::with_mends(&viewer, &standing.troubles, moving.is_some(), |trouble| {
        list::mend(&viewer, &source, trouble)
    });
    let faults = faults.enumerate().map(|(place, (trouble, mends))| {
        // How many mails wait is said once.
        let waiting = if place == 0 { waiting } else { 0 };
        list::fault_view(&viewer, &source, trouble, waiting).with_all(mends)
    });
    let faults = faults.collect();
    let now = viewer.times().now;
    let charts = vec![
        chart(db, id, viewer.times(), now, HOUR, 24).await?,
        chart(db, id, viewer.times(), now, DAY, 30).await?,
    ];
    let pushed = push::store::one(db, id).await?;
    let mut known = KnownEnds::of(&state.connections, viewer.workspace()).await?.of_source(&source);
    known.subscription = pushed
        .as_ref()
        .filter(|row| row.state() == push::decide::State::On && row.failures > 0)
        .map(|row| row.expires_at);
    web::page(&SourcePage {
        frame,
        health: standing.health,
        since: viewer.times().ago(standing.since),
        facts: facts(
            &viewer,
            &source,
            &standing,
            pushed.as_ref(),
            alarm::of(&state, viewer.workspace(), id).await?,
        ),
        last_mail: source.last_mail_at.map(|at| moment(&viewer, at)),
        last_success: source.last_success_at.map(|at| moment(&viewer, at)),
        faults,
        moving,
        ping: None,
        timeline: timeline_of(&state, &viewer, [source.id, source.account_id]).await?,
        charts,
        expires: ends(&viewer, &expiry::forecast(&known)),
        settings: settings(&source),
        edit: admin.then(|| Action::go("Change", format!("/sources/{id}/edit")).with_icon(Icon::Settings)),
        dangers: if admin {
            let alarm = Action::go("Alarm when no mail comes", format!("/sources/{id}/alarm"));
            std::iter::once(alarm.with_icon(Icon::Clock))
                .chain(push::switch::button(&viewer, id, pushed.as_ref()))
                .chain(list::actions(&viewer, &source, graph_is_offered).into_iter().skip(1))
                .collect()
        } else {
            Vec::new()
        },
    })
}

/// A move to Graph, while there is something to be said of it. What came of one that is done stands in the timeline.
pub(super) fn moving(viewer: &Viewer, conversion: &Conversion) -> Option<MovingToGraph> {
    let id = conversion.source_id;
    let button = |label: &str, to: &str| {
        viewer.may(Role::Admin).then(|| viewer.post(label, format!("/sources/{id}/{to}")))
    };
    let number = |number: i64| u64::try_from(number).unwrap_or(0);
    match conversion.state.as_str() {
        "running" => {
            let (done, total) = (number(conversion.done), number(conversion.total));
            let mut text = if total == 0 {
                "Is being moved to Graph.".to_owned()
            } else {
                format!("Is being moved to Graph: {} of {}.", thousands(done), counted(total, "id", "ids"))
            };
            if conversion.what.is_empty() {
                text.push_str(" It is read over EWS until all of them are known.");
            } else {
                let next = viewer.times().ago(time(conversion.not_before)).words;
                text = format!("{text} {} {} Next try {next}.", conversion.what, conversion.mend);
            }
            let action = button("Stay with EWS", "convert/cancel");
            Some(MovingToGraph { progress: Some((done, total.max(1))), text, action })
        }
        "failed" => Some(MovingToGraph {
            progress: None,
            text: format!("It could not be moved to Graph. {} {}", conversion.what, conversion.mend),
            action: button("Move to Graph", "convert"),
        }),
        _ => None,
    }
}

fn facts(
    viewer: &Viewer,
    source: &Source,
    standing: &health::Standing,
    pushed: Option<&push::store::Row>,
    alarm: String,
) -> Vec<(String, String)> {
    let mut facts = vec![("Waiting".to_owned(), thousands(u64::try_from(source.waiting).unwrap_or(0)))];
    if let Some(next) = standing.next() {
        facts.push(("Next try".to_owned(), next.words(viewer.times())));
    }
    if let Some(key) = &source.project_key {
        let name = source.project_name.as_deref().filter(|name| !name.is_empty());
        facts
            .push(("Goes to".to_owned(), name.map_or_else(|| key.clone(), |name| format!("{key} · {name}"))));
    }
    if source.shadow_at.is_some() {
        facts.push(("Shadow mode".to_owned(), "on: nothing is written".to_owned()));
    }
    if source.marks_given_up > 0 {
        let number = thousands(u64::try_from(source.marks_given_up).unwrap_or(0));
        facts.push(("Left unmarked".to_owned(), format!("{number} handled: see what happened, below")));
    }
    if let Some(since) = source.by_ids_since {
        let since = viewer.times().ago(time(since)).words;
        facts.push(("Pages".to_owned(), format!("ids alone since {since}, each mail fetched by itself")));
    }
    if let Some(since) = source.jira_paused_at {
        let name = source.jira_name.as_deref().unwrap_or_default();
        let since = viewer.times().on(time(since)).words;
        facts.push(("Jira".to_owned(), format!("{name} is paused since {since}: mail is read, and waits")));
    }
    if let Some(text) = list::may_be_read_twice(source) {
        facts.push(("Jira's own mail".to_owned(), text));
    }
    facts.push(("Push".to_owned(), push::shown::line(pushed, |at| viewer.times().on(at).exact)));
    facts.push(("Alarm".to_owned(), alarm));
    facts
}

/// What happened to a connection and its account.
pub(super) async fn timeline_of(
    state: &State,
    viewer: &Viewer,
    of: [Uuid; 2],
) -> Result<Timeline, StoreError> {
    let mut lines = events::newest(&state.connections.db, of, 50).await?;
    told_once(&mut lines);
    let entries = lines
        .into_iter()
        .map(|line| {
            let fault = line.fault.as_deref().and_then(stored_fault);
            let tone = match line.kind.as_str() {
                "online" | "signed_in" | "confirmed" | "resumed" | "converted" | "marks_work"
                | "whole_pages" => Tone::Good,
                "conversion_failed" | "degraded" | "marks_fail" | "mark_given_up" | "by_ids" => Tone::Warn,
                "offline" => Tone::Bad,
                _ => Tone::Quiet,
            };
            TimelineEntry {
                at: viewer.times().ago(time(line.at)),
                tone,
                text: begun(line.text),
                who: line.actor,
                detail: fault.map_or_else(String::new, |fault| fault.detail),
            }
        })
        .collect();
    Ok(Timeline { entries, empty: "Nothing has happened yet." })
}

/// The account and what reads or sends with it tell the same of one fault, each when it meets it: until something works again, or something
/// else happens, once is enough. Lines come newest first; the earliest of those that say the same stays.
fn told_once(lines: &mut Vec<events::Line>) {
    let mut standing: Option<(String, String)> = None;
    let mut kept = Vec::with_capacity(lines.len());
    for line in lines.drain(..).rev() {
        let is_trouble = matches!(line.kind.as_str(), "offline" | "degraded") && line.actor.is_empty();
        let said = is_trouble.then(|| (line.kind.clone(), line.text.clone()));
        let is_ping = line.kind == "ping";
        if !is_trouble || said != standing {
            kept.push(line);
        }
        if !is_ping {
            standing = said;
        }
    }
    kept.reverse();
    *lines = kept;
}

/// A sentence as it begins on a line of its own. An address stays as it is written.
fn begun(mut text: String) -> String {
    let is_address = text.split_whitespace().next().is_some_and(|word| word.contains('@'));
    if !is_address && let Some(first) = text.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    text
}

async fn chart(
    db: &store::Db,
    source: Uuid,
    times: &Times,
    now: Timestamp,
    span: i64,
    bars: i64,
) -> Result<Chart, StoreError> {
    let last = now.as_microsecond() / span;
    let first = last - bars + 1;
    let counted: Vec<Counted> = sources::counted(db, source, time(first * span), span).await?;
    let mut by_span: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
    for count in counted {
        let mails = u64::try_from(count.mails).unwrap_or(0);
        let (ended, held) = by_span.entry(count.span).or_default();
        *(if count.held == 1 { held } else { ended }) += mails;
    }
    let label = |at: i64| {
        let zoned = time(at * span).to_zoned_datetime(times.zone.clone());
        if span == HOUR { zoned.strftime("%H:%M").to_string() } else { zoned.strftime("%-d %b").to_string() }
    };
    let bars = (first..=last)
        .map(|at| {
            let (ended, held) = by_span.get(&at).copied().unwrap_or_default();
            Bar { label: label(at), ended, held }
        })
        .collect();
    let (caption, span) = if span == HOUR { ("Last 24 hours", "Hour") } else { ("Last 30 days", "Day") };
    Ok(Chart { caption: caption.to_owned(), span, bars })
}

/// What will end, as a page shows it.
pub(super) fn ends(viewer: &Viewer, forecasts: &[expiry::Forecast]) -> Vec<Expiry> {
    forecasts
        .iter()
        .map(|forecast| Expiry {
            what: forecast.what.words().to_owned(),
            at: Some(viewer.times().on(forecast.at)),
            text: forecast.what.text().to_owned(),
            action: None,
        })
        .collect()
}

/// The page of an account: of a person's, or of the application itself.
pub(super) fn account_page(kind: &str, account: Uuid) -> String {
    if kind == "app" { format!("/applications/{account}") } else { format!("/accounts/{account}") }
}

fn settings(source: &Source) -> Vec<Setting> {
    let start = start_day::in_words(&source.start_kind, time(source.start_at), &source.start_zone);
    let handled = match source.handled.as_str() {
        "read" => "is marked as read".to_owned(),
        "category" => format!("gets the category {}", source.handled_name),
        "move" => format!("is moved to {}", source.handled_name),
        _ => "stays as it is".to_owned(),
    };
    let mut settings = vec![
        Setting::new("Read as", &source.username).at(account_page(&source.account_kind, source.account_id)),
        Setting::new("Mailbox", &source.mailbox),
        Setting::new("Folder", &source.folder_name),
        Setting::new("Connection type", connection_type::in_words(&source.connection_type, &source.ews_url)),
        Setting::new("Starts with", start),
    ];
    if let Some(key) = &source.project_key {
        settings.push(Setting::new("Project", key));
        settings.push(Setting::new("Issue type", &source.issue_type_name));
    }
    settings.push(Setting::new("Handled mail", handled));
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a line of the timeline begins as a sentence does, and an address stays as it is written.
    #[test]
    fn an_address_at_the_beginning_stays_as_it_is() {
        for (told, shown) in [
            ("works again", "Works again"),
            ("anna@contoso.test takes the place of support@contoso.test", "anna@contoso.test takes"),
            ("signed in as anna@contoso.test", "Signed in as anna@contoso.test"),
            ("übertragen", "übertragen"),
            ("", ""),
        ] {
            assert!(begun(told.to_owned()).starts_with(shown), "{told}");
        }
    }
}
