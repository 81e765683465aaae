//! Looks at each outbound now and then: the token is renewed and the mailbox answers. Sends nothing.

use jiff::{SignedDuration, Timestamp};
use store::{Db, StoreError};
use uuid::Uuid;

use crate::connections::store::accounts;
use crate::connections::store::outbounds::{self as rows, Outbound};
use crate::connections::store::registrations;
use crate::connections::store::sources::Source;
use crate::connections::{Connections, expiry};
use crate::outbound::send::{self, Used};

/// How often an outbound is looked at.
const EVERY: SignedDuration = SignedDuration::from_mins(10);

/// Looks at those whose time has come; gives how many these were.
pub async fn check_due(connections: &Connections) -> usize {
    let now = connections.clock.now();
    let due = match rows::due(&connections.db, now).await {
        Ok(due) => due,
        Err(error) => {
            tracing::error!(%error, "no outbound can be looked at, trying again");
            return 0;
        }
    };
    let many = due.len();
    for (workspace, id) in due {
        let next = now.saturating_add(EVERY).unwrap_or(Timestamp::MAX);
        let checked = async {
            if !rows::take(&connections.db, id, now, next).await? {
                return Ok(());
            }
            let Some(outbound) = rows::one(&connections.db, workspace, id).await? else { return Ok(()) };
            let answer = async {
                let mailbox = connections.mailbox_of_outbound(&outbound).await?;
                mailbox.folder("drafts").await
            };
            let used = match answer.await {
                Ok(_) => Used::Answered,
                Err(fault) => Used::Unusable(fault),
            };
            send::record(connections, &outbound, used).await
        };
        if let Err(error) = checked.await {
            tracing::error!(%error, outbound = %id, "an outbound could not be looked at, trying again");
        }
    }
    many
}

/// Adds what is known of the ends of an app registration's credentials.
pub async fn with_credentials(
    db: &Db,
    registration: Uuid,
    mut known: expiry::Known,
) -> Result<expiry::Known, StoreError> {
    let of_file = registrations::by_id(db, registration).await?.and_then(|row| row.secret_expires_at);
    known.secrets.extend(of_file);
    for credential in registrations::credentials(db, registration).await? {
        let ends =
            if credential.kind == "certificate" { &mut known.certificates } else { &mut known.secrets };
        ends.extend(credential.expires_at);
    }
    Ok(known)
}

/// The same for the registration that an account belongs to.
pub async fn with_credentials_of(
    db: &Db,
    workspace: Uuid,
    account: Uuid,
    known: expiry::Known,
) -> Result<expiry::Known, StoreError> {
    match accounts::account(db, workspace, account).await? {
        Some(account) => with_credentials(db, account.app_registration_id, known).await,
        None => Ok(known),
    }
}

/// When a sign-in was used last, microseconds; none where the account is the application itself, whose grant has no such end.
fn sign_in_used(account_kind: &str, refreshed_at: Option<i64>, signed_in_at: i64) -> Option<i64> {
    (account_kind != "app").then(|| refreshed_at.unwrap_or(signed_in_at))
}

/// What is known of the ends of a source.
pub fn known_of_source(source: &Source) -> expiry::Known {
    expiry::Known {
        sign_in_used: sign_in_used(&source.account_kind, source.refreshed_at, source.signed_in_at),
        // A server of one's own stays as it is.
        is_ews_online: source.connection_type == "ews" && source.ews_url.is_empty(),
        ..expiry::Known::default()
    }
}

/// What is known of the ends of an outbound.
pub fn known_of_outbound(outbound: &Outbound) -> expiry::Known {
    expiry::Known {
        sign_in_used: sign_in_used(&outbound.account_kind, outbound.refreshed_at, outbound.signed_in_at),
        is_ews_online: outbound.connection_type == "ews" && outbound.ews_url.is_empty(),
        ..expiry::Known::default()
    }
}
