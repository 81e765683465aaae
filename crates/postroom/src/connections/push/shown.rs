//! Push as people read it: on the source's page, in the API and on the command line.

use jiff::Timestamp;

use super::decide::State;
use super::store::Row;
use crate::cli::shapes::Push;
use crate::connections::jira_site::stored_fault;
use crate::connections::routes::time;

/// How push stands, in a line. `exact` writes a time.
pub fn line(row: Option<&Row>, exact: impl Fn(Timestamp) -> String) -> String {
    let Some(row) = row else { return "off: it was not set up yet".to_owned() };
    let fault = row.fault.as_deref().and_then(stored_fault);
    match row.state() {
        State::Making if row.failures == 0 => "being set up".to_owned(),
        State::Making => {
            let cause = fault.map_or_else(String::new, |fault| format!(": {}", fault.entry.cause));
            format!("being set up, which has failed so far{cause}; tried again {}", exact(time(row.next_at)))
        }
        State::On if row.failures > 0 => {
            let cause = fault.map_or_else(String::new, |fault| format!(" ({})", fault.entry.cause));
            format!(
                "on until {}; renewing it has failed so far{cause} and is tried again",
                exact(time(row.expires_at))
            )
        }
        State::On => {
            let last = row.last_notice_at.map_or_else(
                || "no mail announced yet".to_owned(),
                |at| format!("last announcement {}", exact(time(at))),
            );
            format!("on, renewed before {}; {last}", exact(time(row.expires_at)))
        }
        State::Deaf => format!(
            "off: Microsoft kept the subscription and announced nothing, so the folder is polled; tried again {}",
            exact(time(row.next_at))
        ),
        State::Off => {
            let cause = fault.map_or_else(String::new, |fault| format!(" ({})", fault.entry.cause));
            format!("off: {}{cause}", row.why().words())
        }
    }
}

/// The same for the API.
pub fn shape(row: Option<&Row>) -> Push {
    let Some(found) = row else {
        return Push {
            state: State::Off.word().to_owned(),
            text: line(None, |at| at.to_string()),
            ..Push::default()
        };
    };
    let is_on = found.state() == State::On;
    Push {
        state: found.state().word().to_owned(),
        since: Some(time(found.state_since)),
        reason: Some(found.why().word().to_owned()).filter(|why| !why.is_empty()),
        text: line(row, |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string()),
        until: is_on.then(|| time(found.expires_at)),
        last_notice_at: found.last_notice_at.map(time),
        notices: u64::try_from(found.notices).unwrap_or(0),
    }
}
