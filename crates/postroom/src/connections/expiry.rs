//! What will end, and when: credentials, the sign-in's idle limit, a push subscription, EWS itself, a token of Jira. Pure; warnings are due at
//! 30, 7 and 1 days, once each.
//!
//! Facts: a refresh token ends 90 days after its last use (Microsoft identity platform, refresh tokens); Exchange Online
//! turns EWS off for good on 1 April 2027.

use jiff::{SignedDuration, Timestamp};

use super::routes::time;
use crate::web::times::counted;

/// A refresh token that is not used for so long ends.
const IDLE: SignedDuration = SignedDuration::from_hours(90 * 24);
/// EWS in Exchange Online ends: 2027-04-01 00:00 UTC.
const EWS_ENDS: Timestamp = Timestamp::constant(1_806_537_600, 0);
/// So many days before the end people are told.
const STEPS: [i64; 3] = [1, 7, 30];
/// A day in seconds.
const DAY: i64 = 24 * 3600;

/// What ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The app registration's client secret.
    Secret,
    /// The app registration's certificate.
    Certificate,
    /// The sign-in, when it is not used.
    SignIn,
    /// The subscription by which Microsoft tells of new mail.
    Subscription,
    /// EWS in Exchange Online.
    Ews,
    /// The client secret of a service account of Jira.
    ServiceSecret,
    /// An API token of Jira Cloud.
    ApiToken,
    /// One whose day nobody entered.
    UndatedToken,
    /// A personal access token of Jira Data Center.
    PersonalToken,
}

/// An end that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// What ends.
    pub what: What,
    /// When.
    pub at: Timestamp,
    /// Whether nothing happens before somebody acts. A sign-in in use renews itself.
    pub needs_person: bool,
}

/// What is known of a connection.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The last use of the refresh token, microseconds; none for an account that is the app itself.
    pub sign_in_used: Option<i64>,
    /// Ends of live client secrets, microseconds. One of them that lasts is enough.
    pub secrets: Vec<i64>,
    /// Ends of live certificates, microseconds.
    pub certificates: Vec<i64>,
    /// The subscription's end, microseconds.
    pub subscription: Option<i64>,
    /// Whether it is EWS in Exchange Online.
    pub is_ews_online: bool,
    /// What a Jira connection signs in with, and its end.
    pub jira: Option<(What, Timestamp)>,
}

impl Known {
    /// One more live credential, of the kind that its row names, with its end where that is known.
    pub fn add_credential(&mut self, kind: &str, ends: Option<i64>) {
        let of_kind = if kind == "certificate" { &mut self.certificates } else { &mut self.secrets };
        of_kind.extend(ends);
    }
}

impl What {
    /// As a person reads it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Secret => "Client secret",
            Self::Certificate => "Certificate",
            Self::SignIn => "Sign-in",
            Self::Subscription => "Subscription",
            Self::Ews => "EWS in Exchange Online",
            Self::ServiceSecret => "Client secret of the service account",
            Self::ApiToken | Self::UndatedToken => "API token",
            Self::PersonalToken => "Personal access token",
        }
    }

    /// As a dedupe key holds it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Certificate => "certificate",
            Self::SignIn => "sign-in",
            Self::Subscription => "subscription",
            Self::Ews => "ews",
            Self::ServiceSecret => "service-secret",
            Self::ApiToken => "api-token",
            Self::UndatedToken => "undated-token",
            Self::PersonalToken => "personal-token",
        }
    }

    /// What it means, and what to do before.
    pub fn text(self) -> &'static str {
        match self {
            Self::Secret => {
                "Without a valid secret Microsoft refuses every token (AADSTS7000222). Make a new one in the app registration \
                 and add it beside the old one; nothing stands still meanwhile."
            }
            Self::Certificate => {
                "Without a valid certificate Microsoft refuses every token. Add the new one beside the old one before."
            }
            Self::SignIn => {
                "Microsoft ends a sign-in that is not used for 90 days. Postroom uses it all the time: this is the end only if \
                 it stands still until then."
            }
            Self::Subscription => {
                "Postroom could not renew it so far and goes on trying; the source's page says why. When it ends, mail is found by \
                 polling alone: none is lost, it only comes a little later."
            }
            Self::Ews => {
                "Microsoft turns EWS off for good; it has been blocked since 2026-10-01 unless your administrator listed the \
                 app. Move this connection to Graph before: no mail is handled twice."
            }
            Self::ServiceSecret => {
                "Without a valid secret Atlassian gives no token. Make new credentials at the service account and put them in under Jira: \
                 they are tested before they take the old ones' place."
            }
            Self::ApiToken | Self::PersonalToken => {
                "Once it has ended Jira refuses everything: mail waits, and none is lost. Make a new token before and put it in under \
                 Jira: it is tested before it takes the old one's place."
            }
            Self::UndatedToken => {
                "Atlassian lets an API token last a year at most, and nobody entered when this one ends: by that day, a year after it \
                 was put in, it has ended at the latest. Enter its day under Jira, or put a new token in: it is tested before it \
                 takes the old one's place."
            }
        }
    }
}

/// What ends, the nearest first. Of several secrets and certificates the one that lasts longest counts.
pub fn forecast(known: &Known) -> Vec<Forecast> {
    let mut all = Vec::new();
    let mut add = |what, at: Option<Timestamp>, needs_person| {
        all.extend(at.map(|at| Forecast { what, at, needs_person }));
    };
    let secret = known.secrets.iter().max().copied();
    let certificate = known.certificates.iter().max().copied();
    // Either of the two is enough: what ends first is not missed while the other lasts.
    add(What::Secret, secret.filter(|at| certificate.is_none_or(|other| other <= *at)).map(time), true);
    add(What::Certificate, certificate.filter(|at| secret.is_none_or(|other| other < *at)).map(time), true);
    let idle = known.sign_in_used.map(|used| time(used).saturating_add(IDLE).unwrap_or(Timestamp::MAX));
    add(What::SignIn, idle, false);
    add(What::Subscription, known.subscription.map(time), false);
    add(What::Ews, known.is_ews_online.then_some(EWS_ENDS), true);
    if let Some((what, at)) = known.jira {
        add(what, Some(at), true);
    }
    all.sort_by_key(|forecast| (forecast.at, forecast.what));
    all
}

impl Forecast {
    /// Which warning is due. A subscription lives for three days: only its last one is news.
    pub fn step(&self, now: Timestamp) -> Option<i64> {
        step(self.at, now).filter(|days| self.what != What::Subscription || *days == 1)
    }
}

/// Which warning is due: 30, 7 or 1 (days before the end). None while the end is further away. After the end it is 1.
pub fn step(at: Timestamp, now: Timestamp) -> Option<i64> {
    let left = at.duration_since(now).as_secs();
    STEPS.into_iter().find(|days| left <= days * DAY)
}

/// What a warning says in a line.
pub fn headline(what: What, name: &str, at: Timestamp, now: Timestamp) -> String {
    if at <= now {
        format!("{} of {name} has ended", what.words())
    } else {
        format!("{} of {name} ends in {}", what.words(), left(at, now))
    }
}

/// How long it still is, in words.
pub fn left(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.duration_since(now).as_secs();
    match seconds {
        ..=0 => "it is over".to_owned(),
        1..172_800 => counted((seconds + 3599) / 3600, "hour", "hours"),
        _ => counted(seconds / DAY, "day", "days"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn at(days: i64) -> Timestamp {
        Timestamp::from_second(days * DAY).unwrap()
    }

    /// Promise: warnings are due at 30, 7 and 1 days.
    #[rstest]
    #[case(31, None)]
    #[case(30, Some(30))]
    #[case(8, Some(30))]
    #[case(7, Some(7))]
    #[case(2, Some(7))]
    #[case(1, Some(1))]
    #[case(-3, Some(1))]
    fn warnings_have_their_days(#[case] days: i64, #[case] due: Option<i64>) {
        assert_eq!(step(at(100 + days), at(100)), due);
    }

    /// Promise: a warning says how long it still is, and after the end that it is over.
    #[test]
    fn a_warning_is_a_sentence() {
        let says = |left: i64| headline(What::Secret, "Postroom", at(100 + left), at(100));
        assert_eq!(says(7), "Client secret of Postroom ends in 7 days");
        assert_eq!(says(1), "Client secret of Postroom ends in 24 hours");
        let soon = at(100) + SignedDuration::from_mins(59);
        assert_eq!(
            headline(What::Secret, "Postroom", soon, at(100)),
            "Client secret of Postroom ends in 1 hour"
        );
        for over in [0, -3] {
            assert_eq!(says(over), "Client secret of Postroom has ended");
        }
    }

    /// Promise: the end of a subscription, which lives for days, is told on its last day only.
    #[test]
    fn a_subscription_is_told_on_its_last_day() {
        let known = Known { subscription: Some(at(103).as_microsecond()), ..Known::default() };
        let all = forecast(&known);
        assert_eq!(all.len(), 1);
        assert_eq!(
            [at(100), at(101), at(102), at(104)].map(|now| all[0].step(now)),
            [None, None, Some(1), Some(1)]
        );
    }

    /// Promise: a second secret that lasts takes the warning away; EWS ends on its day.
    #[test]
    fn the_longest_credential_counts() {
        let known = Known {
            secrets: vec![at(10).as_microsecond(), at(200).as_microsecond()],
            sign_in_used: Some(at(0).as_microsecond()),
            is_ews_online: true,
            ..Known::default()
        };
        let all = forecast(&known);
        let days: Vec<(What, Timestamp)> = all.iter().map(|one| (one.what, one.at)).collect();
        assert_eq!(
            days,
            [
                (What::SignIn, at(90)),
                (What::Secret, at(200)),
                (What::Ews, "2027-04-01T00:00:00Z".parse().unwrap())
            ]
        );
        assert!(forecast(&Known::default()).is_empty());
        let both = |secret: i64, certificate: i64| {
            let known = Known {
                secrets: vec![at(secret).as_microsecond()],
                certificates: vec![at(certificate).as_microsecond()],
                ..Known::default()
            };
            forecast(&known).iter().map(|one| (one.what, one.at)).collect::<Vec<_>>()
        };
        assert_eq!(both(10, 200), [(What::Certificate, at(200))], "the certificate lasts");
        assert_eq!(both(200, 10), [(What::Secret, at(200))], "the secret lasts");
        assert_eq!(both(10, 10), [(What::Secret, at(10))], "one warning for both");
    }

    proptest! {
        /// Promise: as time passes the warning only becomes more urgent.
        #[test]
        fn urgency_only_grows(days in 0_i64..400, later in 0_i64..60) {
            let end = at(500);
            let now = at(500 - days);
            let then = at(500 - days + later);
            let urgency = |now| step(end, now).unwrap_or(i64::MAX);
            prop_assert!(urgency(then) <= urgency(now));
        }
    }
}
