//! What a search means: every word somewhere in subject, sender, issue or state of a mail; where it is wished, also in its text and in the
//! names of its files. Everything is sealed, so mails are opened one after the other, and only so many are read for one page.

use ledger::record::Summary;
use mail::Mail;
use store::StoreError;

use super::opened;
use super::routes::State;
use super::store::Row;
use crate::web::components::MailState;

/// Mails that one page of a search reads.
pub const MOST_READ: usize = 500;
/// Words of a search; what is more is not looked for.
const MOST_WORDS: usize = 8;

/// A search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    words: Vec<String>,
    in_text: bool,
}

impl Search {
    /// The search of what somebody wrote.
    pub fn of(written: &str, in_text: bool) -> Self {
        let words = written.to_lowercase().split_whitespace().take(MOST_WORDS).map(str::to_owned).collect();
        Self { words, in_text }
    }

    /// Whether a mail is one of those. `read` counts the mails that had to be read.
    pub async fn finds(
        &self,
        state: &State,
        row: &Row,
        summary: &Summary,
        read: &mut usize,
    ) -> Result<bool, StoreError> {
        let short = short(row, summary);
        let left: Vec<&String> = self.words.iter().filter(|word| !short.contains(word.as_str())).collect();
        if left.is_empty() || !self.in_text {
            return Ok(left.is_empty());
        }
        *read += 1;
        let (db, ledger) = (&state.connections.db, &state.ledger);
        let content = match opened::content(db, ledger, &state.blobs, row.id, &row.content).await {
            Ok(content) => content,
            // One damaged mail keeps nobody from finding the others.
            Err(StoreError::Corrupt { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        let Some(Ok(mail)) = content.map(|content| content.mail) else { return Ok(false) };
        let text = text(&mail);
        Ok(left.iter().all(|word| text.contains(word.as_str())))
    }
}

/// What lists show of a mail.
fn short(row: &Row, summary: &Summary) -> String {
    let key = row.issue_key.as_deref().unwrap_or_default();
    let state = MailState::of_row(&row.state, row.ending.as_deref()).map_or("", |state| state.badge().word);
    format!("{} {} {} {key} {state}", summary.subject, summary.from, summary.name).to_lowercase()
}

/// What a mail says.
fn text(mail: &Mail) -> String {
    let mut text = mail.rich().to_text();
    // Both bodies: people search for what they have read, wherever they read it.
    text.push('\n');
    text.push_str(mail.text.as_deref().unwrap_or_default());
    for attachment in &mail.attachments {
        text.push('\n');
        text.push_str(&attachment.name);
    }
    text.to_lowercase()
}
