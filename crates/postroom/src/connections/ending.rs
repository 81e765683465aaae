//! What ends soon, as the lists say it: a line under its row with the button that mends it. The object's own page shows every end
//! that is known; a list only those that somebody should know of now.

use jiff::Timestamp;
use uuid::Uuid;

use super::expiry::{self, Forecast, Known, What};
use super::known_ends::KnownEnds;
use super::pages::Said;
use crate::access::{Role, Viewer};
use crate::web::components::{Action, Tone};

/// The lines that a list shows under a connection of this account; `to_graph` moves it there.
pub fn said(
    viewer: &Viewer,
    ends: &KnownEnds,
    account: Uuid,
    known: &Known,
    to_graph: Option<&Action>,
) -> Vec<Said> {
    let now = viewer.times().now;
    let admin = viewer.may(Role::Admin);
    expiry::forecast(known)
        .iter()
        .filter(|forecast| is_for_lists(forecast, now))
        .map(|forecast| Said {
            tone: tone(forecast, now),
            since: None,
            text: line(forecast, &viewer.times().on(forecast.at).words, now),
            code: String::new(),
            ways: Vec::new(),
            action: match forecast.what {
                _ if !admin => None,
                What::Ews => to_graph.cloned(),
                What::Secret | What::Certificate => ends
                    .registration(account)
                    .map(|id| Action::go("Its credentials", format!("/registrations/{id}"))),
                What::SignIn => Some(viewer.post("Sign in again", format!("/accounts/{account}/sign-in"))),
                // Those of Jira stand at the Jira connection.
                What::Subscription
                | What::ServiceSecret
                | What::ApiToken
                | What::UndatedToken
                | What::PersonalToken => None,
            },
        })
        .collect()
}

/// The nearest end in a few words, for a line of the overview; empty while nothing is near.
pub fn in_short(known: &Known, now: Timestamp) -> String {
    let all = expiry::forecast(known);
    let near = all.iter().find(|one| is_for_lists(one, now) && expiry::step(one.at, now).is_some());
    near.map_or_else(String::new, |forecast| {
        if forecast.at <= now {
            format!("{} has ended", forecast.what.words())
        } else {
            format!("{} ends in {}", forecast.what.words(), expiry::left(forecast.at, now))
        }
    })
}

/// Whether a list says it: the end of EWS always, since moving takes planning; anything else once a warning is due. A subscription is
/// renewed every other day and only ever a help.
fn is_for_lists(forecast: &Forecast, now: Timestamp) -> bool {
    match forecast.what {
        What::Ews => true,
        What::Subscription => false,
        What::Secret
        | What::Certificate
        | What::SignIn
        | What::ServiceSecret
        | What::ApiToken
        | What::UndatedToken
        | What::PersonalToken => expiry::step(forecast.at, now).is_some(),
    }
}

fn tone(forecast: &Forecast, now: Timestamp) -> Tone {
    if expiry::step(forecast.at, now).is_some_and(|days| days <= 1) { Tone::Bad } else { Tone::Warn }
}

fn line(forecast: &Forecast, on: &str, now: Timestamp) -> String {
    let what = forecast.what.words();
    if forecast.at <= now {
        format!("{what} ended on {on}. {}", forecast.what.text())
    } else if forecast.what == What::Ews {
        format!("{what} ends on {on}: {}.", expiry::left(forecast.at, now))
    } else {
        format!("{what} ends on {on}: {}. {}", expiry::left(forecast.at, now), forecast.what.text())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const DAY: i64 = 24 * 3600;

    fn at(days: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + days * DAY).unwrap()
    }

    fn forecast(what: What, days: i64) -> Forecast {
        Forecast { what, at: at(days), needs_person: true }
    }

    /// Promise: a list says what ends within thirty days, the end of EWS always, and never a subscription that renews itself.
    #[rstest]
    #[case(What::Secret, 31, false)]
    #[case(What::Secret, 30, true)]
    #[case(What::Certificate, -2, true)]
    #[case(What::SignIn, 89, false)]
    #[case(What::SignIn, 6, true)]
    #[case(What::Ews, 300, true)]
    #[case(What::Subscription, 2, false)]
    fn lists_say_what_is_near(#[case] what: What, #[case] days: i64, #[case] said: bool) {
        assert_eq!(is_for_lists(&forecast(what, days), at(0)), said);
    }

    /// Promise: the line says what ends and when; the last day and what is over are red.
    #[test]
    fn the_line_says_when() {
        let line = |days| line(&forecast(What::Secret, days), "4 May", at(0));
        assert!(line(6).starts_with("Client secret ends on 4 May: 6 days."), "{}", line(6));
        assert!(line(-1).starts_with("Client secret ended on 4 May."), "{}", line(-1));
        assert_eq!(tone(&forecast(What::Secret, 7), at(0)), Tone::Warn);
        assert_eq!(tone(&forecast(What::Secret, 1), at(0)), Tone::Bad);
        assert_eq!(tone(&forecast(What::Secret, -3), at(0)), Tone::Bad);
    }

    /// Promise: the overview names the nearest end in a few words, and of several secrets the one that lasts longest counts.
    #[test]
    fn the_overview_names_the_nearest_end() {
        let short = |ends: &[i64]| {
            let secrets = ends.iter().map(|days| at(*days).as_microsecond()).collect();
            in_short(&Known { secrets, ..Known::default() }, at(0))
        };
        assert_eq!(short(&[6]), "Client secret ends in 6 days");
        assert_eq!(short(&[6, 400]), "");
        assert_eq!(short(&[-1]), "Client secret has ended");
        assert_eq!(short(&[]), "");
    }
}
