//! The list as a file: what the filters and the search show, as CSV for spreadsheets or as JSON. It is written while it is read, some
//! hundred rows at a time, however long the list is.

use axum::body::{Body, Bytes};
use axum::extract::{Query, State as Shared};
use axum::response::Response;
use futures::stream;
use jiff::Timestamp;
use ledger::record::Summary;
use serde::{Deserialize, Serialize};
use store::StoreError;
use uuid::Uuid;

use super::list::issue_address;
use super::opened;
use super::routes::State;
use super::search::Search;
use super::store::{self as rows, Filter, Place, Row};
use crate::access::{Actor, Viewer, audit};
use crate::connections::routes::time;
use crate::web::{self, Problem};

/// Rows that are read together.
const BATCH: u16 = if cfg!(test) { 7 } else { 500 };

/// The address, of the console's list and of the API's.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    format: String,
    #[serde(default)]
    filter: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    source: String,
}

impl Asked {
    /// What was taken along, for the audit log.
    fn detail(&self, filter: Filter, source: Option<Uuid>) -> String {
        let mut parts = Vec::new();
        if !filter.word().is_empty() {
            parts.push(filter.word().to_owned());
        }
        parts.extend(source.map(|source| format!("source: {source}")));
        match (self.q.trim(), self.text.is_empty()) {
            ("", _) => {}
            (search, true) => parts.push(format!("search: {search}")),
            (search, false) => parts.push(format!("search, in the text, too: {search}")),
        }
        if parts.is_empty() { "all".to_owned() } else { parts.join(", ") }
    }
}

/// A mail, as the file tells it.
#[derive(Debug, Serialize)]
struct Line {
    id: Uuid,
    received: Timestamp,
    source: String,
    from: String,
    name: String,
    subject: String,
    state: String,
    end: String,
    rule: String,
    reason: String,
    issue: String,
    issue_address: String,
}

/// The columns, in the order of [`Line`].
const COLUMNS: [&str; 12] = [
    "id",
    "received",
    "source",
    "from",
    "name",
    "subject",
    "state",
    "end",
    "rule",
    "reason",
    "issue",
    "issue_address",
];

impl Line {
    fn of(row: Row, summary: Summary) -> Self {
        let issue = row.issue_key.unwrap_or_default();
        Self {
            id: row.id,
            received: time(row.received_at),
            source: row.mailbox,
            from: summary.from,
            name: summary.name,
            subject: summary.subject,
            state: row.state,
            end: row.ending.unwrap_or_default(),
            rule: row.ended_by.unwrap_or_default(),
            reason: row.reason.unwrap_or_default(),
            issue_address: if issue.is_empty() {
                String::new()
            } else {
                issue_address(row.base_url.as_deref(), &issue)
            },
            issue,
        }
    }

    fn cells(&self) -> [String; 12] {
        [
            self.id.to_string(),
            self.received.to_string(),
            self.source.clone(),
            self.from.clone(),
            self.name.clone(),
            self.subject.clone(),
            self.state.clone(),
            self.end.clone(),
            self.rule.clone(),
            self.reason.clone(),
            self.issue.clone(),
            self.issue_address.clone(),
        ]
    }
}

/// How the file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    Json,
}

impl Format {
    fn begin(self) -> String {
        match self {
            // Excel takes a file for UTF-8 by this mark only.
            Self::Csv => format!("\u{feff}{}\r\n", COLUMNS.join(",")),
            Self::Json => "[".to_owned(),
        }
    }

    fn write(self, line: &Line, is_first: bool, into: &mut String) {
        match self {
            Self::Csv => {
                for (at, cell) in line.cells().iter().enumerate() {
                    if at > 0 {
                        into.push(',');
                    }
                    push_cell(into, cell);
                }
                into.push_str("\r\n");
            }
            Self::Json => {
                into.push_str(if is_first { "\n" } else { ",\n" });
                into.push_str(&serde_json::to_string(line).unwrap_or_default());
            }
        }
    }

    fn end(self) -> &'static str {
        match self {
            Self::Csv => "",
            Self::Json => "\n]\n",
        }
    }
}

/// What a spreadsheet takes for the beginning of a formula, or of a command.
const FORMULA: [char; 12] =
    ['=', '+', '-', '@', '|', '%', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '\u{feff}', '\u{200b}'];

/// A cell by RFC 4180. A stranger wrote the subject: what a spreadsheet would take for a formula is made a text by an apostrophe, also
/// behind what it may take for the end of a cell or of a line (semicolons in many countries).
fn push_cell(into: &mut String, text: &str) {
    let quoted = text.contains(|c: char| matches!(c, ',' | '"' | ';' | '\'') || c.is_control())
        || text.trim_start().starts_with(FORMULA);
    if quoted {
        into.push('"');
    }
    let mut at_begin = true;
    for c in text.chars() {
        if at_begin && FORMULA.contains(&c) {
            into.push('\'');
        }
        // Behind a separator a quotation mark may begin a cell, too.
        at_begin = matches!(c, ';' | '\t' | '\n' | '\r') || (at_begin && (c.is_whitespace() || c == '"'));
        if c == '"' {
            into.push('"');
        }
        into.push(c);
    }
    if quoted {
        into.push('"');
    }
}

/// What is still to be written.
struct Rest {
    state: State,
    workspace: Uuid,
    which: (Filter, Option<Uuid>),
    search: Search,
    format: Format,
    /// Where it goes on; none where all is read.
    from: Option<Place>,
    begun: bool,
    lines: usize,
}

impl Rest {
    /// The next piece of the file; none at its end.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, StoreError> {
        let mut piece = String::new();
        if !std::mem::replace(&mut self.begun, true) {
            piece.push_str(&self.format.begin());
        }
        let before = piece.len();
        // A search may read much that it does not write; an empty piece would be no piece.
        while piece.len() == before {
            let Some(from) = self.from else { break };
            let rows =
                rows::list_older(&self.state.connections.db, self.workspace, self.which, from, BATCH).await?;
            self.from = (rows.len() == usize::from(BATCH)).then(|| rows.last().map(Row::place)).flatten();
            for row in rows {
                let summary = opened::summary(&self.state.ledger, row.id, &row.summary_sealed);
                if self.search.finds(&self.state, &row, &summary, &mut 0).await? {
                    self.format.write(&Line::of(row, summary), self.lines == 0, &mut piece);
                    self.lines += 1;
                }
            }
            if self.from.is_none() {
                piece.push_str(self.format.end());
            }
        }
        Ok((!piece.is_empty()).then(|| (Bytes::from(piece), self)))
    }
}

/// GET /messages/export?format=csv|json&filter=&q=&source=
pub async fn file(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    of(&state, &viewer.actor(), &asked).await
}

/// The list as a file, for whoever asks. That they took senders and subjects along is on record.
pub async fn of(state: &State, actor: &Actor, asked: &Asked) -> Result<Response, Problem> {
    let (format, name, kind) = match asked.format.as_str() {
        "csv" => (Format::Csv, "messages.csv", "text/csv; charset=utf-8"),
        "json" => (Format::Json, "messages.json", "application/json"),
        _ => {
            return Err(Problem::invalid(
                "There is no such format of a list.",
                "Ask for format=csv or format=json.",
            ));
        }
    };
    let filter = Filter::of_word(&asked.filter);
    if filter == Filter::All && !matches!(asked.filter.as_str(), "" | "all") {
        return Err(Problem::invalid(
            "There is no such filter of the list.",
            "Ask for filter=open, held, issues, comments or ignored, or leave it out.",
        ));
    }
    let source = match asked.source.trim() {
        "" => None,
        given => Some(Uuid::parse_str(given).map_err(|_| {
            Problem::invalid(
                "The source is named by its id, and this is none.",
                "Ask for source=ID, as it stands in the address of the source's page, or leave it out.",
            )
        })?),
    };
    let mut tx = state.connections.db.begin().await?;
    audit::record(&mut tx, actor, "export messages", name, &asked.detail(filter, source)).await?;
    tx.commit().await?;
    let rest = Rest {
        workspace: actor.workspace,
        which: (filter, source),
        search: Search::of(&asked.q, !asked.text.is_empty()),
        format,
        from: Some(Place::NEWEST),
        begun: false,
        lines: 0,
        state: state.clone(),
    };
    Ok(web::file(name, kind, Body::from_stream(stream::try_unfold(rest, Rest::next))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: what a stranger writes into a subject is never a formula in somebody's spreadsheet, and breaks no row.
    #[test]
    fn a_subject_is_no_formula() {
        let cell = |text: &str| {
            let mut cell = String::new();
            push_cell(&mut cell, text);
            cell
        };
        assert_eq!(cell("printer"), "printer");
        assert_eq!(cell("=cmd|' /C calc'!A0"), "\"'=cmd|' /C calc'!A0\"");
        assert_eq!(cell("@SUM(1)"), "\"'@SUM(1)\"");
        assert_eq!(cell("-1"), "\"'-1\"");
        assert_eq!(cell("\u{ff1d}1"), "\"'\u{ff1d}1\"", "a full-width sign is taken for the sign");
        assert_eq!(cell("  =1"), "\"  '=1\"", "spaces before it are trimmed by some");
        assert_eq!(cell("a;=cmd"), "\"a;'=cmd\"", "semicolons separate in many countries");
        assert_eq!(cell("a;\"=1+1"), "\"a;\"\"'=1+1\"", "what stands in quotation marks is a cell, too");
        assert_eq!(cell("\"=1\""), "\"\"\"'=1\"\"\"");
        assert_eq!(cell("a\n@x"), "\"a\n'@x\"");
        assert_eq!(cell("re: 1 + 1 = 2"), "re: 1 + 1 = 2");
        assert_eq!(cell("a, \"b\"\nc"), "\"a, \"\"b\"\"\nc\"");
    }
}
