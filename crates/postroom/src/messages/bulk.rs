//! What a person decides about several held messages at once: first it is shown what would happen to how many, then it is done. Each is
//! decided as if it were the only one: with its own place in the audit log, and nothing about it is changed where somebody was faster.

use askama::Template;
use axum::extract::State as Shared;
use axum::response::Response;
use store::StoreError;
use url::form_urlencoded;
use uuid::Uuid;

use super::hold::{self, Done};
use super::opened;
use super::routes::State;
use super::search::{MOST_READ, Search};
use super::store::{self as rows, Filter, Place};
use crate::access::{Admin, Viewer, audit};
use crate::connections::routes::{flash_to, see_other};
use crate::web::times::{counted, thousands};
use crate::web::{self, Flash, Frame, Problem, Section};

/// The most messages that one press decides about.
const MOST: usize = 500;
/// Of how many the question names the subjects.
const NAMED: usize = 20;
/// Rows that are read together.
const BATCH: u16 = 200;

/// What is done with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Retry,
    Discard,
}

impl Wanted {
    fn word(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Discard => "discard",
        }
    }
}

/// What came of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Told {
    done: usize,
    not_held: usize,
    in_shadow: usize,
    removed: usize,
}

impl Told {
    fn add(&mut self, done: Done) {
        match done {
            Done::Yes => self.done += 1,
            Done::NotHeld | Done::Nowhere => self.not_held += 1,
            Done::InShadow => self.in_shadow += 1,
            Done::SourceRemoved => self.removed += 1,
        }
    }

    /// The sentences that a person reads.
    fn said(self, wanted: Wanted) -> String {
        let mails = |number: usize| counted(number, "mail", "mails");
        let verb = |number: usize| if number == 1 { "is" } else { "are" };
        let mut said = Vec::new();
        if self.done > 0 {
            let what = match wanted {
                Wanted::Retry => "taken up again",
                Wanted::Discard => "discarded",
            };
            said.push(format!("{} {} {what}.", mails(self.done), verb(self.done)));
        }
        if self.not_held > 0 {
            said.push(format!(
                "{} {} no longer held: somebody was faster, so nothing was changed there.",
                mails(self.not_held),
                verb(self.not_held)
            ));
        }
        if self.in_shadow > 0 {
            said.push(format!(
                "{} of sources in shadow mode {} not retried: end shadow mode on the source's page first.",
                mails(self.in_shadow),
                verb(self.in_shadow)
            ));
        }
        if self.removed > 0 {
            said.push(format!(
                "{} of removed sources {} not retried: connect the folder again, or discard.",
                mails(self.removed),
                verb(self.removed)
            ));
        }
        said.join(" ")
    }
}

/// What a form says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    wanted: Option<Wanted>,
    ids: Vec<Uuid>,
    /// All held mails of the list, beyond its page.
    all: bool,
    /// The list's query.
    back: String,
    /// Whether it was shown what would happen.
    sure: bool,
}

impl Asked {
    fn of(body: &str) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(body.as_bytes()) {
            match (name.as_ref(), value.as_ref()) {
                ("do", "retry") => asked.wanted = Some(Wanted::Retry),
                ("do", "discard") => asked.wanted = Some(Wanted::Discard),
                ("do", "retry-all") => (asked.wanted, asked.all) = (Some(Wanted::Retry), true),
                ("do", "discard-all") => (asked.wanted, asked.all) = (Some(Wanted::Discard), true),
                ("id", id) => asked.ids.extend(Uuid::parse_str(id)),
                ("back", query) => query.clone_into(&mut asked.back),
                ("sure", "yes") => asked.sure = true,
                _ => {}
            }
        }
        asked.ids.sort_unstable();
        asked.ids.dedup();
        asked
    }
}

/// What would happen, asked before it does.
#[derive(Clone, Debug, Template)]
#[template(path = "messages/bulk.html")]
struct SurePage {
    frame: Frame,
    wanted: &'static str,
    sentences: Vec<String>,
    subjects: Vec<String>,
    more: String,
    ids: Vec<Uuid>,
    query: String,
    back: String,
    button: String,
    danger: bool,
}

/// POST /messages/bulk: `do` is `retry` or `discard`, with `-all` for everything that the list would show; `id` stands once for each
/// message, `back` is the list's query. Without `sure` it is asked first.
pub async fn decide(admin: Admin, Shared(state): Shared<State>, body: String) -> Result<Response, Problem> {
    let mut asked = Asked::of(&body);
    let Some(wanted) = asked.wanted else {
        return Err(Problem::invalid(
            "It is not said what to do with the mails.",
            "Choose Retry or Discard below the list.",
        ));
    };
    if asked.ids.len() > MOST {
        return Err(Problem::invalid(
            format!("{} mails are more than are decided about at once.", asked.ids.len()),
            format!("Choose at most {MOST}."),
        ));
    }
    let back = list_address(&asked.back);
    let mut more = false;
    if asked.all && !asked.sure {
        (asked.ids, more) = all_of(&state, admin.workspace(), &asked.back).await?;
    }
    if asked.ids.is_empty() {
        let flash = Flash::failed("No mail was chosen. Tick those that you mean, then press again.");
        return Ok(flash_to(&admin, &flash, &back));
    }
    asked.ids = rows::oldest_first(&state.connections.db, admin.workspace(), asked.ids).await?;
    if !asked.sure {
        return sure(&admin, &state, wanted, asked, more).await;
    }
    let (actor, mut told) = (admin.actor(), Told::default());
    for id in &asked.ids {
        told.add(match wanted {
            Wanted::Retry => hold::retry(&state, &actor, *id).await?,
            Wanted::Discard => hold::discard(&state, &actor, *id).await?,
        });
    }
    let text = told.said(wanted);
    let mut tx = state.connections.db.begin().await?;
    let object = counted(told.done, "held message", "held messages");
    audit::record(&mut tx, &actor, &format!("{} together", wanted.word()), &object, &text).await?;
    tx.commit().await?;
    let flash = if told.done > 0 { Flash::done(&text) } else { Flash::failed(&text) };
    Ok(flash_to(&admin, &flash, &back))
}

/// GET /messages/bulk: the question, loaded again, is not asked anew.
pub async fn back(_: Viewer) -> Response {
    see_other(&list_address("filter=held"))
}

/// The held messages that a list with this query shows on all its pages, the newest first, and whether there are more than are decided
/// about at once.
async fn all_of(state: &State, workspace: Uuid, query: &str) -> Result<(Vec<Uuid>, bool), StoreError> {
    let value = |wanted: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let (source, search) =
        (Uuid::parse_str(&value("source")).ok(), Search::of(&value("q"), !value("text").is_empty()));
    let (mut ids, mut place, mut read) = (Vec::new(), Place::NEWEST, 0);
    loop {
        let found =
            rows::list_older(&state.connections.db, workspace, (Filter::Held, source), place, BATCH).await?;
        let last = found.len() < usize::from(BATCH);
        for row in found {
            place = row.place();
            let summary = opened::summary(&state.ledger, row.id, &row.summary_sealed);
            if !search.finds(state, &row, &summary, &mut read).await? {
                continue;
            }
            if ids.len() == MOST || read > MOST_READ {
                return Ok((ids, true));
            }
            ids.push(row.id);
        }
        if last {
            return Ok((ids, false));
        }
    }
}

/// The page that says what would happen.
async fn sure(
    admin: &Admin,
    state: &State,
    wanted: Wanted,
    asked: Asked,
    more: bool,
) -> Result<Response, Problem> {
    let db = &state.connections.db;
    let (mut told, mut ids, mut subjects, mut written) = (Told::default(), Vec::new(), Vec::new(), 0);
    for id in asked.ids {
        let Some(message) = rows::one(db, admin.workspace(), id).await? else {
            told.add(Done::Nowhere);
            continue;
        };
        let what = hold::possible(state, &message, wanted == Wanted::Retry).await?;
        told.add(what.done);
        if what.done != Done::Yes {
            continue;
        }
        written += usize::from(what.is_written);
        ids.push(id);
        if subjects.len() < NAMED {
            let subject = opened::summary(&state.ledger, id, &message.summary_sealed).subject;
            subjects.push(if subject.is_empty() { "(no subject)".to_owned() } else { subject });
        }
    }
    let back = list_address(&asked.back);
    if ids.is_empty() {
        return Ok(flash_to(admin, &Flash::failed(told.said(wanted)), &back));
    }
    let mails = counted(ids.len(), "mail", "mails");
    let mut sentences = vec![match (wanted, ids.len()) {
        (Wanted::Retry, 1) => "1 mail is taken up again. What is done stays done.".to_owned(),
        (Wanted::Retry, _) => {
            format!("{mails} are taken up again, the oldest first. What is done stays done.")
        }
        (Wanted::Discard, 1) => {
            "1 mail becomes neither issue nor comment. It stays in its mailbox.".to_owned()
        }
        (Wanted::Discard, _) => {
            format!(
                "{mails} become neither issues nor comments. They stay in their mailboxes. This cannot be taken back."
            )
        }
    }];
    if written > 0 {
        sentences.push(match wanted {
            Wanted::Retry => format!(
                "{} in Jira in part already and go on where they stood.",
                counted(written, "is", "are")
            ),
            Wanted::Discard => format!(
                "Of {} something is in Jira already: it stays there.",
                counted(written, "mail", "mails")
            ),
        });
    }
    let left = Told { done: 0, ..told }.said(wanted);
    if !left.is_empty() {
        sentences.push(left);
    }
    if more {
        sentences.push(format!(
            "There are more: at most {} are decided about at once, the newest first.",
            thousands(MOST as u64)
        ));
    }
    let title = match wanted {
        Wanted::Retry => format!("Retry {mails}?"),
        Wanted::Discard => format!("Discard {mails}?"),
    };
    web::page(&SurePage {
        button: title.trim_end_matches('?').to_owned(),
        frame: admin.frame(Section::Messages, title),
        wanted: wanted.word(),
        sentences,
        more: match ids.len() - subjects.len() {
            0 => String::new(),
            more => format!("and {} more", thousands(more as u64)),
        },
        subjects,
        ids,
        query: asked.back,
        back,
        danger: wanted == Wanted::Discard,
    })
}

/// The list that somebody came from: its query is kept, and nothing else of what a form says about where to go.
fn list_address(query: &str) -> String {
    let kept: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| matches!(name.as_ref(), "filter" | "q" | "text" | "source"))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    if kept.is_empty() {
        return "/messages".to_owned();
    }
    format!("/messages?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: after many decisions at once it is said what came of each, and what to do about those that were left.
    #[test]
    fn what_was_left_is_said_with_its_mend() {
        let told = Told { done: 2, not_held: 1, in_shadow: 1, removed: 3 };
        assert_eq!(
            told.said(Wanted::Retry),
            "2 mails are taken up again. 1 mail is no longer held: somebody was faster, so nothing was changed there. 1 mail of \
             sources in shadow mode is not retried: end shadow mode on the source's page first. 3 mails of removed sources are not \
             retried: connect the folder again, or discard."
        );
        assert_eq!(Told { done: 1, ..Told::default() }.said(Wanted::Discard), "1 mail is discarded.");
    }

    /// Promise: a form without the question's answer is asked, and an id that stands twice counts once.
    #[test]
    fn a_form_is_read_as_it_is_meant() {
        let id = Uuid::from_u128(7);
        let asked = Asked::of(&format!("do=discard&id={id}&id={id}&id=x&back=filter%3Dheld"));
        let expected = Asked {
            wanted: Some(Wanted::Discard),
            ids: vec![id],
            back: "filter=held".to_owned(),
            ..Asked::default()
        };
        assert_eq!(asked, expected);
        let all = Asked::of("do=retry-all&sure=yes");
        assert_eq!((all.wanted, all.all, all.sure), (Some(Wanted::Retry), true, true));
    }

    /// Promise: a form leads back to the list and nowhere else.
    #[test]
    fn a_form_leads_back_to_the_list() {
        assert_eq!(list_address("filter=held&q=a%26b"), "/messages?filter=held&q=a%26b");
        assert_eq!(list_address("//evil.example/?x"), "/messages");
        assert_eq!(list_address("https://evil.example/&filter=held"), "/messages?filter=held");
    }
}
