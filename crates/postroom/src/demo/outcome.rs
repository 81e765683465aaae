//! What became of each mail: counted, listed, printed.

use std::collections::BTreeMap;
use std::io::Write as _;

use anyhow::Result;
use comfy_table::{Table, presets};
use ledger::record::Summary;
use serde::Serialize;
use sqlx::FromRow;
use store::{Db, Place, Sealer, args, sql};
use uuid::Uuid;

use crate::cli::table::cell;
use crate::web::times::counted;

/// How far the mails are.
#[derive(Debug)]
pub(super) struct Count {
    /// In the ledger.
    pub(super) found: u64,
    /// With an end.
    pub(super) ended: u64,
}

/// What became of one mail.
#[derive(Debug, Serialize)]
pub(super) struct End {
    /// Its subject.
    pub(super) subject: String,
    /// Its author.
    pub(super) from: String,
    /// Its Message-ID.
    pub(super) message_id: Option<String>,
    /// `issue`, `comment`, `ignored`, `rejected` or `held`; none while it has no end.
    pub(super) end: Option<String>,
    /// The issue it is in.
    pub(super) issue: Option<String>,
    /// Why, in words.
    pub(super) why: String,
}

#[derive(FromRow)]
struct CountRow {
    found: i64,
    ended: i64,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    summary_sealed: Vec<u8>,
    ending: Option<String>,
    ended_by: Option<String>,
    reason: Option<String>,
    issue_key: Option<String>,
}

/// Counts.
pub(super) async fn count(db: &Db) -> Result<Count> {
    let row: CountRow =
        db.fetch_one(sql!("SELECT count(*) AS found, count(ending) AS ended FROM message"), args![]).await?;
    Ok(Count { found: row.found.unsigned_abs(), ended: row.ended.unsigned_abs() })
}

/// Every mail, oldest first.
pub(super) async fn ends(db: &Db, sealer: &Sealer) -> Result<Vec<End>> {
    let rows: Vec<Row> = db
        .fetch_all(
            sql!("SELECT id, summary_sealed, ending, ended_by, reason, issue_key FROM message ORDER BY received_at, id"),
            args![],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            let plain = sealer.open(&Place::new("message", "summary_sealed", row.id), &row.summary_sealed)?;
            let summary: Summary = serde_json::from_slice(&plain)?;
            let why = match (row.ending.as_deref(), row.ended_by, row.reason) {
                (_, Some(by), Some(reason)) => format!("{by}: {reason}"),
                (Some("issue"), ..) => "a new matter".to_owned(),
                (Some("comment"), ..) => "answers a mail that is known".to_owned(),
                (None, ..) => "no end yet".to_owned(),
                (Some(_), by, _) => by.unwrap_or_default(),
            };
            Ok(End {
                subject: summary.subject,
                from: summary.from,
                message_id: summary.message_id,
                end: row.ending,
                issue: row.issue_key,
                why,
            })
        })
        .collect()
}

/// Prints the mails and a summary.
pub(super) fn print(ends: &[End], json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        for end in ends {
            serde_json::to_writer(&mut out, end)?;
            out.write_all(b"\n")?;
        }
        return Ok(out.flush()?);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["Mail", "End", "Issue", "Why"]);
    for end in ends {
        let subject = if end.subject.is_empty() { "(no subject)" } else { &end.subject };
        table.add_row([
            cell(subject, 50),
            end.end.clone().unwrap_or_else(|| "open".to_owned()),
            end.issue.clone().unwrap_or_default(),
            cell(&end.why, 90),
        ]);
    }
    writeln!(out, "{table}")?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for end in ends {
        *counts.entry(end.end.as_deref().unwrap_or("open")).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(end, count)| format!("{count} {end}")).collect();
    writeln!(out, "{}: {}.", counted(ends.len(), "mail", "mails"), counts.join(", "))?;
    Ok(out.flush()?)
}
