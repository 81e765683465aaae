//! The list of messages: filters and search in the address, pages by place.
//!
//! Summaries are sealed, so a search opens them one after the other, the newest first, and stops after [`MOST_SEARCHED`]: the
//! next page goes on from there. What a search means is in [`super::search`].

use axum::extract::{Query, State as Shared};
use axum::response::Response;
use ledger::record::Summary;
use serde::Deserialize;
use store::StoreError;
use url::form_urlencoded;
use uuid::Uuid;

use super::opened;
use super::pages::{Filter as FilterView, MessageRow, MessagesPage};
use super::routes::State;
use super::search::{MOST_READ, Search};
use super::store::{self as rows, Filter, Place, Row};
use crate::access::{Role, Viewer};
use crate::connections::routes::moment;
use crate::web::components::{Empty, MailState, Pager};
use crate::web::times::{counted, thousands};
use crate::web::{self, Problem, Section};

/// Messages in a page.
const PAGE: u16 = 50;
/// Messages that one search looks at.
pub const MOST_SEARCHED: usize = 5_000;
/// Messages that a search looks at together.
const BATCH: u16 = 500;

/// The address.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    filter: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    before: String,
    #[serde(default)]
    after: String,
}

/// A list that was read.
#[derive(Debug, Default)]
pub struct Found {
    /// The messages, the newest first, with their summaries.
    pub rows: Vec<(Row, Summary)>,
    /// Where older ones begin.
    pub older: Option<Place>,
}

/// GET /messages
pub async fn show(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let filter = Filter::of_word(&asked.filter);
    let source = Uuid::parse_str(&asked.source).ok();
    let workspace = viewer.workspace();
    let search = asked.q.trim();
    let in_text = !asked.text.is_empty();
    let (mut found, mut newer) = (Found::default(), None);
    if let Some(place) = Place::of_word(&asked.after) {
        let rows =
            rows::list_newer(&state.connections.db, workspace, (filter, source), place, PAGE + 1).await?;
        let more = rows.len() > usize::from(PAGE);
        found.rows = open(&state, rows.into_iter().skip(usize::from(more)).collect());
        newer = found.rows.first().filter(|_| more).map(|(row, _)| row.place());
        found.older = found.rows.last().map(|(row, _)| row.place());
        if found.rows.is_empty() {
            found = page(&state, workspace, (filter, source), Place::NEWEST).await?;
        }
    } else {
        let from = Place::of_word(&asked.before);
        let begin = from.unwrap_or(Place::NEWEST);
        found = if search.is_empty() {
            page(&state, workspace, (filter, source), begin).await?
        } else {
            searched(&state, workspace, (filter, source), begin, &Search::of(search, in_text)).await?
        };
        // A search goes on in one direction; its beginning is a press of the filter away.
        if from.is_some() && search.is_empty() {
            newer = found.rows.first().map(|(row, _)| row.place());
        }
    }
    let (held, open) = rows::counts(&state.connections.db, workspace).await?;
    let address = Address { filter, search, in_text, source: &asked.source };
    let filters = Filter::ALL
        .into_iter()
        .map(|each| FilterView {
            label: label(each),
            href: Address { filter: each, ..address }.with(&[]),
            count: match each {
                Filter::Held => Some(held),
                Filter::Open => Some(open),
                _ => None,
            },
            here: each == filter,
        })
        .collect();
    let pager = Pager {
        shown: shown(&found),
        newer: newer.map(|place| address.with(&[("after", &place.word())])),
        older: found.older.map(|place| address.with(&[("before", &place.word())])),
    };
    web::page(&MessagesPage {
        frame: viewer.frame(Section::Messages, "Messages").live("messages"),
        filters,
        search: search.to_owned(),
        in_text,
        source: source.map(|source| source.to_string()).unwrap_or_default(),
        sources: sources(&state, workspace, source).await?,
        filter: filter.word(),
        rows: found.rows.into_iter().map(|(row, summary)| message_row(&viewer, row, summary)).collect(),
        pager,
        choose: choose(&viewer, filter),
        exports: exports(address),
        query: address.with(&[]).split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default(),
        empty: empty(filter, search, in_text),
    })
}

/// The sources to choose from, where there are several: id and words.
async fn sources(
    state: &State,
    workspace: Uuid,
    chosen: Option<Uuid>,
) -> Result<Vec<(String, String)>, StoreError> {
    let all = rows::sources(&state.connections.db, workspace).await?;
    let shown: Vec<_> = all
        .into_iter()
        .filter(|source| source.removed_at.is_none() || Some(source.id) == chosen)
        .map(|source| (source.id.to_string(), format!("{}, {}", source.mailbox, source.folder_name)))
        .collect();
    Ok(if shown.len() > 1 || chosen.is_some() { shown } else { Vec::new() })
}

/// Whether held mails can be ticked, to be decided about together.
fn choose(viewer: &Viewer, filter: Filter) -> bool {
    filter == Filter::Held && viewer.may(Role::Admin)
}

/// The list as files.
fn exports(address: Address<'_>) -> [(&'static str, String); 2] {
    [("CSV", "csv"), ("JSON", "json")].map(|(label, format)| {
        let list = address.with(&[("format", format)]);
        (label, list.replacen("/messages", "/messages/export", 1))
    })
}

fn label(filter: Filter) -> &'static str {
    match filter {
        Filter::All => "All",
        Filter::Open => "Waiting",
        Filter::Held => "Held",
        Filter::Issues => "Issues",
        Filter::Comments => "Comments",
        Filter::Ignored => "Ignored",
    }
}

fn shown(found: &Found) -> String {
    match found.rows.len() {
        0 => String::new(),
        many => counted(many, "mail", "mails"),
    }
}

/// A list's address.
#[derive(Clone, Copy)]
struct Address<'a> {
    filter: Filter,
    search: &'a str,
    in_text: bool,
    source: &'a str,
}

impl Address<'_> {
    fn with(self, more: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("filter", self.filter.word()),
            ("q", self.search),
            ("text", if self.in_text { "yes" } else { "" }),
            ("source", self.source),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.extend_pairs(more);
        let query = query.finish();
        if query.is_empty() { "/messages".to_owned() } else { format!("/messages?{query}") }
    }
}

fn empty(filter: Filter, search: &str, in_text: bool) -> Empty {
    let (title, text) = match (filter, search.is_empty()) {
        (_, false) if in_text => (
            "No mail matches".to_owned(),
            format!(
                "Looked at subject, sender and issue of the newest {} mails, and read the newest {} of them. Look further with Older.",
                thousands(MOST_SEARCHED as u64),
                thousands(MOST_READ as u64)
            ),
        ),
        (_, false) => (
            "No mail matches".to_owned(),
            format!(
                "Looked at the newest {} mails: subject, sender and issue.",
                thousands(MOST_SEARCHED as u64)
            ),
        ),
        (Filter::Held, true) => {
            ("No mail is held".to_owned(), "Mail that needs a person stands here.".to_owned())
        }
        (Filter::All, true) => (
            "No mail yet".to_owned(),
            "Here stands every mail that a source finds, with its one end and the reason.".to_owned(),
        ),
        _ => ("No mail here".to_owned(), "No mail ended in this way so far.".to_owned()),
    };
    Empty { title, text, action: None }
}

fn open(state: &State, rows: Vec<Row>) -> Vec<(Row, Summary)> {
    rows.into_iter()
        .map(|row| {
            let summary = opened::summary(&state.ledger, row.id, &row.summary_sealed);
            (row, summary)
        })
        .collect()
}

async fn page(
    state: &State,
    workspace: Uuid,
    which: (Filter, Option<Uuid>),
    from: Place,
) -> Result<Found, StoreError> {
    let mut rows = rows::list_older(&state.connections.db, workspace, which, from, PAGE + 1).await?;
    let more = rows.len() > usize::from(PAGE);
    rows.truncate(usize::from(PAGE));
    let older = rows.last().filter(|_| more).map(Row::place);
    Ok(Found { rows: open(state, rows), older })
}

async fn searched(
    state: &State,
    workspace: Uuid,
    which: (Filter, Option<Uuid>),
    from: Place,
    search: &Search,
) -> Result<Found, StoreError> {
    let (mut found, mut place, mut seen, mut read) = (Found::default(), from, 0, 0);
    while seen < MOST_SEARCHED && read < MOST_READ {
        let rows = rows::list_older(&state.connections.db, workspace, which, place, BATCH).await?;
        let last = rows.len() < usize::from(BATCH);
        for row in rows {
            if read == MOST_READ {
                break;
            }
            seen += 1;
            place = row.place();
            let summary = opened::summary(&state.ledger, row.id, &row.summary_sealed);
            if search.finds(state, &row, &summary, &mut read).await? {
                found.rows.push((row, summary));
                if found.rows.len() == usize::from(PAGE) {
                    found.older = Some(place);
                    return Ok(found);
                }
            }
        }
        if last && read < MOST_READ {
            return Ok(found);
        }
    }
    found.older = Some(place);
    Ok(found)
}

/// The address of an issue.
pub fn issue_address(base_url: Option<&str>, key: &str) -> String {
    base_url.map_or_else(String::new, |base| format!("{}/browse/{key}", base.trim_end_matches('/')))
}

fn message_row(viewer: &Viewer, row: Row, summary: Summary) -> MessageRow {
    let state = MailState::of_row(&row.state, row.ending.as_deref()).unwrap_or(MailState::Waiting);
    let issue = row.issue_key.clone().unwrap_or_default();
    let why = match state {
        MailState::Held | MailState::Ignored | MailState::Rejected => row.reason.clone().unwrap_or_default(),
        _ => String::new(),
    };
    MessageRow {
        id: row.id.to_string(),
        href: format!("/messages/{}", row.id),
        state,
        from: if summary.name.is_empty() { summary.from } else { summary.name },
        subject: summary.subject,
        issue_href: if issue.is_empty() {
            String::new()
        } else {
            issue_address(row.base_url.as_deref(), &issue)
        },
        issue,
        why,
        source: row.mailbox,
        received: moment(viewer, row.received_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a page's address leads back to the same page.
    #[test]
    fn places_survive_the_address() {
        let place = Place { received_at: 1_790_000_000_000_001, id: Uuid::from_u128(7) };
        assert_eq!(Place::of_word(&place.word()), Some(place));
        for wrong in ["", "1", "x.y", "1.2"] {
            assert_eq!(Place::of_word(wrong), None, "{wrong}");
        }
        let address = Address { filter: Filter::Held, search: "a&b", in_text: false, source: "" };
        assert_eq!(address.with(&[("before", "1.2")]), "/messages?filter=held&q=a%26b&before=1.2");
    }
}
