//! What is known of when connections end, for [`expiry`](super::expiry) to forecast; read once for a whole workspace.
//!
//! EWS ends in Exchange Online alone. Whether a connection is there is told by the address that it is reached at, whoever names that:
//! the connection itself, its app registration, its cloud or the settings.

use std::collections::{HashMap, HashSet};

use store::{Db, StoreError};
use url::Url;
use uuid::Uuid;

use super::Connections;
use super::connection_type::{ConnectionType, is_online};
use super::expiry::Known;
use super::jira_kind;
use super::store::accounts::Account;
use super::store::jira::JiraConnection;
use super::store::outbounds::Outbound;
use super::store::registrations::{self, EndOfCredential};
use super::store::sources::Source;

/// What is known of the ends in a workspace.
#[derive(Debug, Default)]
pub struct KnownEnds {
    /// By account: what its app registration proves itself with.
    credentials: HashMap<Uuid, Vec<EndOfCredential>>,
    /// App registrations whose EWS is Exchange Online's.
    online: HashSet<Uuid>,
}

impl KnownEnds {
    /// Those of all accounts and connections of a workspace.
    pub async fn of(connections: &Connections, workspace: Uuid) -> Result<Self, StoreError> {
        let mut known = Self::default();
        for end in registrations::ends_of_credentials(&connections.db, workspace).await? {
            known.credentials.entry(end.account_id).or_default().push(end);
        }
        for row in registrations::all(&connections.db, workspace).await? {
            // One whose address cannot be read reaches nothing.
            let Ok(about) = connections.about(&row) else { continue };
            // Where nothing else is said, Exchange Online is meant.
            if about.ews_url.as_ref().is_none_or(is_online) {
                known.online.insert(row.id);
            }
        }
        Ok(known)
    }

    /// What is known of a source.
    pub fn of_source(&self, source: &Source) -> Known {
        self.with_credentials(source.account_id, self.of_source_alone(source))
    }

    /// What is known of an outbound.
    pub fn of_outbound(&self, outbound: &Outbound) -> Known {
        self.with_credentials(outbound.account_id, self.of_outbound_alone(outbound))
    }

    /// What is known of an account that nothing uses yet.
    pub fn of_account(&self, account: &Account) -> Known {
        let used = account.refreshed_at.unwrap_or(account.signed_in_at).max(account.signed_in_at);
        // The application itself has no sign-in that ends when it is not used.
        let sign_in_used = (account.kind != "app").then_some(used);
        self.with_credentials(account.id, Known { sign_in_used, ..Known::default() })
    }

    /// What is known of a source, without what is its app registration's.
    pub fn of_source_alone(&self, source: &Source) -> Known {
        Known {
            sign_in_used: sign_in_used(&source.account_kind, source.refreshed_at, source.signed_in_at),
            is_ews_online: self.is_ews_online(
                &source.connection_type,
                &source.ews_url,
                source.app_registration_id,
            ),
            ..Known::default()
        }
    }

    /// What is known of an outbound, without what is its app registration's.
    pub fn of_outbound_alone(&self, outbound: &Outbound) -> Known {
        Known {
            sign_in_used: sign_in_used(&outbound.account_kind, outbound.refreshed_at, outbound.signed_in_at),
            is_ews_online: self.is_ews_online(
                &outbound.connection_type,
                &outbound.ews_url,
                outbound.app_registration_id,
            ),
            ..Known::default()
        }
    }

    /// The app registration of an account, where one of its credentials ends.
    pub fn registration(&self, account: Uuid) -> Option<Uuid> {
        self.credentials.get(&account)?.first().map(|end| end.registration_id)
    }

    fn with_credentials(&self, account: Uuid, mut known: Known) -> Known {
        for end in self.credentials.get(&account).into_iter().flatten() {
            known.add_credential(&end.kind, Some(end.expires_at));
        }
        known
    }

    /// `own` is the address that the connection names itself, or empty.
    fn is_ews_online(&self, connection_type: &str, own: &str, registration: Uuid) -> bool {
        let is_there = match own {
            "" => self.online.contains(&registration),
            own => Url::parse(own).is_ok_and(|url| is_online(&url)),
        };
        ConnectionType::of_word(connection_type) == ConnectionType::Ews && is_there
    }
}

/// What is known of the end of what a Jira connection signs in with.
pub fn of_jira(jira: &JiraConnection) -> Known {
    Known { jira: jira_kind::end_of(jira), ..Known::default() }
}

/// What is known of the ends of an app registration's credentials.
pub async fn of_registration(db: &Db, registration: Uuid) -> Result<Known, StoreError> {
    let mut known = Known::default();
    let of_file = registrations::by_id(db, registration).await?.and_then(|row| row.secret_expires_at);
    known.add_credential("secret", of_file);
    for credential in registrations::credentials(db, registration).await? {
        known.add_credential(&credential.kind, credential.expires_at);
    }
    Ok(known)
}

/// When a sign-in was used last, microseconds; none where the account is the application itself, whose grant has no such end.
fn sign_in_used(account_kind: &str, refreshed_at: Option<i64>, signed_in_at: i64) -> Option<i64> {
    (account_kind != "app").then(|| refreshed_at.unwrap_or(signed_in_at))
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use rstest::rstest;

    use super::*;
    use crate::connections::expiry::{self, What};

    fn at(days: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * (days + 20))
    }

    /// Promise: of several credentials of an account all are known, and by them the registration where they are renewed.
    #[test]
    fn credentials_are_known_by_their_account() {
        let (account, registration) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let end = |kind: &str, at| EndOfCredential {
            account_id: account,
            registration_id: registration,
            kind: kind.to_owned(),
            expires_at: at,
        };
        let ends = vec![end("secret", 5), end("certificate", 7)];
        let known = KnownEnds { credentials: HashMap::from([(account, ends)]), ..KnownEnds::default() };
        let of = |account| known.with_credentials(account, Known::default());
        assert_eq!((of(account).secrets, of(account).certificates), (vec![5], vec![7]));
        assert_eq!(known.registration(account), Some(registration));
        assert!(of(registration).secrets.is_empty() && known.registration(registration).is_none());
    }

    /// Promise: an account that nothing uses loses its sign-in after 90 days, and the application itself, which has none, does not.
    #[rstest]
    #[case("user", Some(85))]
    #[case("app", None)]
    fn the_application_itself_has_no_sign_in_that_ends(#[case] kind: &str, #[case] ends: Option<i64>) {
        let account = Account {
            id: Uuid::nil(),
            app_registration_id: Uuid::nil(),
            tenant_id: String::new(),
            object_id: String::new(),
            username: String::new(),
            display_name: String::new(),
            kind: kind.to_owned(),
            scopes: String::new(),
            signed_in_at: at(-10).as_microsecond(),
            refreshed_at: Some(at(-5).as_microsecond()),
            state: "online".to_owned(),
            state_since: 0,
            fault: None,
            goal: String::new(),
        };
        let forecast = expiry::forecast(&KnownEnds::default().of_account(&account));
        assert_eq!(forecast.first().map(|one| (one.what, one.at)), ends.map(|days| (What::SignIn, at(days))));
    }

    /// Promise: EWS ends where it is Exchange Online's, of whichever cloud, and nowhere else; Graph never does.
    #[test]
    fn ews_ends_in_exchange_online_alone() {
        let (online, own) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let known = KnownEnds { online: HashSet::from([online]), ..KnownEnds::default() };
        for (over, address, registration, ends) in [
            ("ews", "", online, true),
            ("ews", "", own, false),
            ("ews", "https://mail.contoso.test/EWS/Exchange.asmx", online, false),
            ("ews", "https://outlook.office365.us/EWS/Exchange.asmx", own, true),
            ("graph", "", online, false),
        ] {
            assert_eq!(known.is_ews_online(over, address, registration), ends, "{over} {address}");
        }
    }
}
