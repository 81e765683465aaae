//! What a sign-in asks for, and what for: a new mailbox, an account again, or what one connection needs over Graph or EWS.

use store::StoreError;
use uuid::Uuid;

use crate::connections::connection_type::ConnectionType;
use crate::connections::goal::Goal;
use crate::connections::store::accounts::{self as rows, Account};
use crate::connections::store::outbounds::Outbound;
use crate::connections::store::sources::Source;
use crate::connections::{Connections, scopes};
use crate::web::Problem;

/// What whoever replaces an account is asked for. Their own mailbox is another one: what was read so far is somebody else's to
/// them. (EWS has one permission for all mailboxes.)
pub fn to_replace(account: &Account) -> Vec<&str> {
    let ews = scopes::of_ews(&account.scopes);
    let graph = if scopes::is_granted(&account.scopes, scopes::SEND) {
        scopes::asked_to_send(true)
    } else if ews.is_empty() || scopes::is_granted(&account.scopes, scopes::MAIL) {
        scopes::asked(true)
    } else {
        return scopes::asked_again(&account.scopes);
    };
    graph.into_iter().chain(ews).collect()
}

/// What an account was asked for and is asked for again.
pub async fn wanted_again(connections: &Connections, account: &Account) -> Result<Vec<String>, StoreError> {
    let before = format!("{} {}", rows::wanted(&connections.db, account.id).await?, account.scopes);
    Ok(scopes::asked_again(&before).into_iter().map(str::to_owned).collect())
}

/// What an account is asked for so that it may be used over EWS there.
pub async fn wanted_over_ews(
    connections: &Connections,
    account: Uuid,
    ews_url: &str,
) -> Result<Vec<String>, Problem> {
    let scope = connections.ews_scope_of(account, ews_url).await.map_err(|fault| {
        Problem::conflict(
            format!("The Exchange server cannot be used: {}", fault.sentence()),
            fault.entry.mend,
        )
    })?;
    Ok(scopes::asked_for_ews(&scope).into_iter().map(str::to_owned).collect())
}

/// What a source's account is asked for, to read it.
pub async fn wanted_to_read(
    connections: &Connections,
    account: &Account,
    source: &Source,
) -> Result<Vec<String>, Problem> {
    match ConnectionType::of_word(&source.connection_type) {
        ConnectionType::Ews => wanted_over_ews(connections, account.id, &source.ews_url).await,
        ConnectionType::Graph => Ok(of_graph(connections, account, &scopes::asked(false)).await?),
    }
}

/// What an outbound's account is asked for, to send from it.
pub async fn wanted_to_send(
    connections: &Connections,
    account: &Account,
    outbound: &Outbound,
) -> Result<Vec<String>, Problem> {
    match ConnectionType::of_word(&outbound.connection_type) {
        ConnectionType::Ews => wanted_over_ews(connections, account.id, &outbound.ews_url).await,
        ConnectionType::Graph => {
            let shared = outbound.mailbox_native_id != account.object_id;
            Ok(wanted_to_send_over_graph(connections, account, shared).await?)
        }
    }
}

/// The same over Graph, beside all that the account has of Graph.
pub async fn wanted_to_send_over_graph(
    connections: &Connections,
    account: &Account,
    shared: bool,
) -> Result<Vec<String>, StoreError> {
    of_graph(connections, account, &scopes::asked_to_send(shared)).await
}

/// What is needed of Graph, beside all that the account has of Graph; nothing of EWS, which another approval may stand in the way of.
async fn of_graph(
    connections: &Connections,
    account: &Account,
    needed: &[&'static str],
) -> Result<Vec<String>, StoreError> {
    let before = format!("{} {}", rows::wanted(&connections.db, account.id).await?, account.scopes);
    let more = scopes::to_refresh(&before).into_iter().filter(|scope| !needed.contains(scope));
    Ok(needed.iter().copied().chain(more).map(str::to_owned).collect())
}

/// What a sign-in asks for, and what for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The scopes, separated by spaces.
    pub scopes: String,
    /// Where it goes on.
    pub goal: Goal,
}

impl Asked {
    /// These scopes, to see what was granted.
    pub fn of<S: AsRef<str>>(scopes: &[S]) -> Self {
        let scopes: Vec<&str> = scopes.iter().map(AsRef::as_ref).collect();
        Self { scopes: scopes.join(" "), goal: Goal::Account }
    }

    /// And then there.
    #[must_use]
    pub fn to(self, goal: Goal) -> Self {
        Self { goal, ..self }
    }
}
