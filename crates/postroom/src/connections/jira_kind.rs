//! The kinds of Jira connections: what each signs in with, what it takes to make one, and what of it ends.

use jiff::{SignedDuration, Timestamp};

use super::expiry::What;
use super::routes::time;
use super::store::jira::JiraConnection;

/// An API token of Atlassian ends within a year (facts: API tokens, 365 days at most).
pub const LONGEST: SignedDuration = SignedDuration::from_hours(365 * 24);

/// The scopes that a token needs: to read and write issues, and to know whose it is.
pub const SCOPES: [&str; 3] = ["read:jira-work", "write:jira-work", "read:jira-user"];
/// The scope by which Service Management is read.
pub const SERVICE_SCOPE: &str = "read:servicedesk-request";

/// How a Jira is signed in to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JiraKind {
    /// Cloud: a service account with OAuth 2.0 client credentials, through the gateway.
    Service,
    /// Cloud: an API token with scopes, through the gateway.
    Scoped,
    /// Cloud: an API token of a user, at the site.
    Token,
    /// Data Center: a personal access token.
    DataCenter,
}

/// What somebody does before the form can be filled in.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What.
    pub text: &'static str,
    /// Where, if that has an address.
    pub link: Option<(&'static str, &'static str)>,
}

const fn step(text: &'static str) -> Step {
    Step { text, link: None }
}

impl JiraKind {
    /// All of them, the recommended one of each product first.
    pub const ALL: [Self; 4] = [Self::Service, Self::Scoped, Self::Token, Self::DataCenter];

    /// As a row names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Service => "cloud_service",
            Self::Scoped => "cloud_scoped",
            Self::Token => "cloud_token",
            Self::DataCenter => "data_center_token",
        }
    }

    /// The kind of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The kind of a row.
    pub fn of(row: &JiraConnection) -> Self {
        Self::of_word(&row.kind).unwrap_or(Self::Token)
    }

    /// As people know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Service => "Jira Cloud, service account",
            Self::Scoped => "Jira Cloud, scoped API token",
            Self::Token => "Jira Cloud, API token",
            Self::DataCenter => "Jira Data Center, personal access token",
        }
    }

    /// The same where there is little room.
    pub fn short(self) -> &'static str {
        match self {
            Self::Service => "Service account",
            Self::Scoped => "Scoped token",
            Self::Token => "API token",
            Self::DataCenter => "Data Center",
        }
    }

    /// For whom it is.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Service => {
                "Recommended for Cloud. A service account of the organisation with OAuth 2.0 client credentials: it belongs to nobody who \
                 may leave, and its access tokens last an hour."
            }
            Self::Scoped => {
                "A token that may do only what its scopes say, of a service account or of a user, through Atlassian's gateway. It ends \
                 within a year."
            }
            Self::Token => {
                "A user's API token at the site's own address. It may do all that the user may, and ends within a year."
            }
            Self::DataCenter => {
                "A personal access token of Jira 8.14 or later, at your own server. It is tested and watched; mail does not go there yet."
            }
        }
    }

    /// Whether it is reached over Atlassian's gateway.
    pub fn is_behind_gateway(self) -> bool {
        matches!(self, Self::Service | Self::Scoped)
    }

    /// Whether it is Jira Cloud.
    pub fn is_cloud(self) -> bool {
        self != Self::DataCenter
    }

    /// The version of the API that is spoken.
    pub fn api_version(self) -> i64 {
        if self.is_cloud() { 3 } else { 2 }
    }

    /// What its secret is called.
    pub fn secret(self) -> &'static str {
        match self {
            Self::Service => "client secret",
            Self::Scoped | Self::Token => "API token",
            Self::DataCenter => "personal access token",
        }
    }

    /// What somebody does before the form can be filled in, in order.
    pub fn steps(self) -> &'static [Step] {
        const SERVICE: &[Step] = &[
            Step {
                text: "As an organisation administrator: Directory, Service accounts, Create a service account. Give it access to the \
                       Jira site.",
                link: Some(("Atlassian administration", "https://admin.atlassian.com/")),
            },
            step("In Jira: give the account the permissions below in each project that mail goes to."),
            step(
                "At the service account: Create credentials, OAuth 2.0, with the scopes below. Copy client ID and client secret.",
            ),
            step(
                "Enter them here. Postroom finds the site's cloud id by itself, gets a token, and tests what works.",
            ),
        ];
        const SCOPED: &[Step] = &[
            step(
                "Choose who the token belongs to: a service account, or a user made for Postroom. Give it access to the Jira site.",
            ),
            step("In Jira: give the account the permissions below in each project that mail goes to."),
            Step {
                text: "As that user: Create API token with scopes, app Jira, with the scopes below. For a service account: Directory, \
                       Service accounts, Create credentials, API token.",
                link: Some(("API tokens", "https://id.atlassian.com/manage-profile/security/api-tokens")),
            },
            step(
                "Enter the account's address, the token, and the day it ends. Postroom finds the site's cloud id by itself.",
            ),
        ];
        const TOKEN: &[Step] = &[
            step(
                "Make a Jira user for Postroom, and give it the permissions below in each project that mail goes to.",
            ),
            Step {
                text: "As that user: Create API token, without scopes. Choose an end within a year, and note the day.",
                link: Some(("API tokens", "https://id.atlassian.com/manage-profile/security/api-tokens")),
            },
            step("Enter the user's address, the token, and the day it ends."),
        ];
        const DATA_CENTER: &[Step] = &[
            step(
                "Make a Jira user for Postroom, and give it the permissions below in each project that mail goes to.",
            ),
            step("As that user: Profile, Personal Access Tokens, Create token. Note the day it ends."),
            step(
                "Where a sign-in page (single sign-on) stands in front of Jira: let requests to /rest/ past it.",
            ),
            step(
                "Enter the server's address and the token. Where Jira tells when the token ends, Postroom reads it.",
            ),
        ];
        match self {
            Self::Service => SERVICE,
            Self::Scoped => SCOPED,
            Self::Token => TOKEN,
            Self::DataCenter => DATA_CENTER,
        }
    }
}

/// What of a connection ends, and when, as far as that is known. An API token whose day nobody entered has ended a year after it was put
/// in at the latest.
pub fn end_of(row: &JiraConnection) -> Option<(What, Timestamp)> {
    let kind = JiraKind::of(row);
    if let Some(at) = row.secret_ends_at {
        let what = match kind {
            JiraKind::Service => What::ServiceSecret,
            JiraKind::Scoped | JiraKind::Token => What::ApiToken,
            JiraKind::DataCenter => What::PersonalToken,
        };
        return Some((what, time(at)));
    }
    let is_token = matches!(kind, JiraKind::Scoped | JiraKind::Token);
    let latest = time(row.secret_put_at).saturating_add(LONGEST).unwrap_or(Timestamp::MAX);
    is_token.then_some((What::UndatedToken, latest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: JiraKind, put: i64, ends: Option<i64>) -> JiraConnection {
        JiraConnection {
            id: uuid::Uuid::nil(),
            name: String::new(),
            kind: kind.word().to_owned(),
            base_url: String::new(),
            api_version: 3,
            username: String::new(),
            cloud_id: String::new(),
            display_name: None,
            state: "online".to_owned(),
            state_since: 0,
            fault: None,
            checked_at: None,
            upload_limit: None,
            secret_put_at: put,
            secret_ends_at: ends,
            secret_ends_by: String::new(),
            server: String::new(),
            last_success_at: None,
            paused_at: None,
            updated_at: 0,
        }
    }

    /// Promise: an API token without a day is warned of a year after it was put in; of what may last for ever nobody is warned.
    #[test]
    fn a_token_without_a_day_ends_within_a_year() {
        let day = |days: i64| days * 86_400_000_000;
        let at = |days: i64| time(day(days));
        assert_eq!(end_of(&row(JiraKind::Token, day(10), None)), Some((What::UndatedToken, at(375))));
        assert_eq!(end_of(&row(JiraKind::Scoped, day(10), None)), Some((What::UndatedToken, at(375))));
        assert_eq!(end_of(&row(JiraKind::Scoped, day(10), Some(day(20)))), Some((What::ApiToken, at(20))));
        assert_eq!(end_of(&row(JiraKind::DataCenter, day(10), None)), None);
        assert_eq!(end_of(&row(JiraKind::DataCenter, 0, Some(day(9)))), Some((What::PersonalToken, at(9))));
        assert_eq!(end_of(&row(JiraKind::Service, day(10), None)), None);
        assert_eq!(end_of(&row(JiraKind::Service, 0, Some(day(9)))), Some((What::ServiceSecret, at(9))));
    }

    #[test]
    fn words_and_kinds_belong_together() {
        for kind in JiraKind::ALL {
            assert_eq!(JiraKind::of_word(kind.word()), Some(kind));
            assert!(kind.steps().len() >= 3 && !kind.name().is_empty());
        }
        assert_eq!(JiraKind::of_word("basic"), None);
    }
}
