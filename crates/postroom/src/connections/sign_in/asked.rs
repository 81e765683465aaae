//! What a sign-in asks for, and what for: a new mailbox, an account again, or what one connection needs over Graph or EWS.

use store::StoreError;
use uuid::Uuid;

use crate::connections::connection_type::ConnectionType;
use crate::connections::goal::Goal;
use crate::connections::store::accounts::{self as rows, Account};
use crate::connections::store::approvals;
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

/// What an account is asked for again. One that reads mail is not asked for what it still waits for: that would stand in the way of what
/// it has.
pub async fn wanted_again(connections: &Connections, account: &Account) -> Result<Vec<String>, StoreError> {
    let before = format!("{} {}", rows::wanted(&connections.db, account.id).await?, account.scopes);
    let mut asked = scopes::asked_again(&before);
    if scopes::reads_mail(&account.scopes) {
        let waits = approvals::waited_for(&connections.db, account.id).await?.join(" ");
        let is_missing = |scope: &str| {
            scope.contains('.')
                && scopes::is_granted(&waits, scope)
                && !scopes::is_granted(&account.scopes, scope)
        };
        asked.retain(|scope| !is_missing(scope));
    }
    Ok(asked.into_iter().map(str::to_owned).collect())
}

/// All that an account was ever asked for: what it was granted is held against that.
pub async fn ever_wanted(connections: &Connections, account: &Account) -> Result<Vec<String>, StoreError> {
    let wanted = rows::wanted(&connections.db, account.id).await?;
    let waits = approvals::waited_for(&connections.db, account.id).await?.join(" ");
    let all = format!("{wanted} {} {waits}", account.scopes);
    Ok(scopes::asked_again(&all).into_iter().map(str::to_owned).collect())
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
        ConnectionType::Graph => Ok(of_graph(account, &scopes::asked(false))),
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
            Ok(wanted_to_send_over_graph(account, shared))
        }
    }
}

/// The same over Graph, beside all that the account was granted of Graph.
pub fn wanted_to_send_over_graph(account: &Account, shared: bool) -> Vec<String> {
    of_graph(account, &scopes::asked_to_send(shared))
}

/// What is needed of Graph, beside all that the account was granted of Graph. Nothing of EWS, and nothing that was asked for once and never
/// given: another approval may stand in the way of that.
fn of_graph(account: &Account, needed: &[&'static str]) -> Vec<String> {
    let more = scopes::to_refresh(&account.scopes).into_iter().filter(|scope| !needed.contains(scope));
    needed.iter().copied().chain(more).map(str::to_owned).collect()
}

/// What a sign-in asks for, and what for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The scopes, separated by spaces.
    pub scopes: String,
    /// Where it goes on.
    pub goal: Goal,
    /// The wait for an approval that it goes on with.
    pub approval: Option<Uuid>,
}

impl Asked {
    /// These scopes, to see what was granted.
    pub fn of<S: AsRef<str>>(scopes: &[S]) -> Self {
        let scopes: Vec<&str> = scopes.iter().map(AsRef::as_ref).collect();
        Self { scopes: scopes.join(" "), ..Self::default() }
    }

    /// And then there.
    #[must_use]
    pub fn to(self, goal: Goal) -> Self {
        Self { goal, ..self }
    }
}
