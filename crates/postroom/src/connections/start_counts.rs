//! How many mails each start point means, asked of the mailbox while the form is filled in.

use fault::Fault;
use jiff::{SignedDuration, Timestamp};
use microsoft::{FolderId, Mailbox};

use super::jira_checks::LIST_WITHIN;
use crate::web::times::counted;

/// Mails of a folder by their age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StartCounts {
    /// Received in the last seven days.
    pub(super) week: u64,
    /// Received in the last thirty days.
    pub(super) month: u64,
    /// Received since the day that was written, where one was.
    pub(super) since: Option<u64>,
}

/// Asks the mailbox, all at once. `None` where it does not tell in time: the form goes without.
pub(super) async fn ask(
    mailbox: &dyn Mailbox,
    folder: &FolderId,
    since: Option<Timestamp>,
    now: Timestamp,
) -> Option<StartCounts> {
    let days =
        |days: i64| now.saturating_sub(SignedDuration::from_hours(days * 24)).unwrap_or(Timestamp::MIN);
    let written = async {
        match since {
            Some(since) => mailbox.count(folder, Some(since)).await.map(Some),
            None => Ok::<_, Fault>(None),
        }
    };
    let asked = async {
        tokio::try_join!(mailbox.count(folder, Some(days(7))), mailbox.count(folder, Some(days(30))), written)
    };
    let (week, month, since) = tokio::time::timeout(LIST_WITHIN, asked).await.ok()?.ok()?;
    Some(StartCounts { week, month, since })
}

/// The counts in a sentence, for the field of the day.
pub(super) fn in_words(counts: Option<&StartCounts>) -> String {
    let Some(counts) = counts else { return String::new() };
    let mails = |count: u64| counted(count, "mail", "mails");
    match counts.since {
        Some(since) => format!(" {} came since that day.", mails(since)),
        None => format!(
            " {} came in the last 7 days, {} in the last 30.",
            mails(counts.week),
            mails(counts.month)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: the form says how many mails a start point means, and nothing where that is not known.
    #[test]
    fn counts_are_said() {
        let counts = StartCounts { week: 12, month: 1_234, since: None };
        assert_eq!(in_words(Some(&counts)), " 12 mails came in the last 7 days, 1,234 mails in the last 30.");
        let since = StartCounts { since: Some(1), ..counts };
        assert_eq!(in_words(Some(&since)), " 1 mail came since that day.");
        assert_eq!(in_words(None), "");
    }
}
