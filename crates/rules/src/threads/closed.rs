//! What becomes of an answer whose issue is closed.

use jiff::Timestamp;

use super::facts::{Issue, Move};
use super::settings::{Closed, Threads};

/// What the profile says of this issue, which is done, with the reason.
pub fn of(threads: &Threads, issue: &Issue, received_at: Option<Timestamp>) -> (Closed, String) {
    let by_status =
        threads.status.iter().find(|(name, _)| name.to_lowercase() == issue.status.to_lowercase());
    if let Some((_, then)) = by_status {
        return (*then, format!("its status is {}", issue.status));
    }
    let days = match (issue.done_at, received_at) {
        (Some(done), Some(received)) => Some(received.duration_since(done).as_hours().div_euclid(24)),
        _ => None,
    };
    match (threads.after_days, days) {
        (Some(after), Some(days)) if days >= i64::from(after) => {
            (threads.after, format!("it was closed {days} days before, the profile says {after}"))
        }
        (Some(_), None) => {
            (threads.closed, format!("its status is {}, Jira does not say since when", issue.status))
        }
        _ => (threads.closed, format!("its status is {}", issue.status)),
    }
}

/// The transition that opens an issue again: the named one (by its own name or that of the status it leads to), else one that leads
/// to something new, else to something under way; of several the first, as Jira lists them.
///
/// # Errors
/// Why there is none, in words.
pub fn reopening<'a>(threads: &Threads, moves: &'a [Move]) -> Result<&'a Move, String> {
    let open = |one: &&Move| one.category != "done";
    let Some(wanted) = &threads.transition else {
        let new = moves.iter().filter(open).find(|one| one.category == "new");
        return new
            .or_else(|| moves.iter().find(open))
            .ok_or_else(|| "none of its transitions leads out of it".to_owned());
    };
    let is = |name: &str| name.to_lowercase() == wanted.to_lowercase();
    let by_name = moves.iter().filter(open).find(|one| is(&one.name));
    by_name.or_else(|| moves.iter().filter(open).find(|one| is(&one.to))).ok_or_else(|| {
        let there: Vec<String> = moves.iter().filter(open).map(|one| format!("`{}`", one.name)).collect();
        if there.is_empty() {
            format!("it has no transition `{wanted}`, and none other leads out of it")
        } else {
            format!("it has no transition `{wanted}` that leads out of it; it has {}", there.join(", "))
        }
    })
}
