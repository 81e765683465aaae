//! Connections in use: which mailbox a source reads, which project it writes to, each made once and kept until its row
//! changes. Rows are looked at again ([`FRESH`]), since another node may have changed them; [`Connections::forget`] is for
//! changes of this one, which count at once.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fault::{Fault, Place};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use microsoft::signin::{Certificate, Credential};
use microsoft::{AccessTokens, Mailbox};
use secrecy::SecretString;
use sqlx::FromRow;
use store::{Clock, Db, Sealer, StoreError, args, sql};
use url::Url;
use uuid::Uuid;

use super::budgets::Budgets;
use super::cloud::{self, Cloud};
use super::connection_type::{self, ConnectionType};
use super::destination::{self, Destination, Target};
use super::jira_kind::JiraKind;
use super::met::{Noted, Which};
use super::registration::{About, Live, Registration};
use super::store::jira::{self as jira_rows, NewDestination};
use super::store::outbounds::Outbound;
use super::store::registrations;
use super::tell;
use super::tokens::{AccountTokens, ExchangeTokens, Turn};
use crate::profiles::Profiles;

/// For so long a row that was read is believed, whatever another node has changed meanwhile.
const FRESH: Duration = Duration::from_secs(1);

/// Everything that reaches Microsoft and Jira. Shared by all of the program.
#[derive(Debug)]
pub struct Connections {
    /// The database.
    pub db: Db,
    /// Opens secrets.
    pub sealer: Sealer,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The client for Microsoft and Jira (custom CA, time-outs, no redirects).
    pub http: reqwest::Client,
    /// Addresses and limits.
    pub reach: Reach,
    /// This process.
    pub owner: Uuid,
    /// What credentials met and is not kept yet.
    pub(super) met: Noted,
    /// Profiles in use.
    pub profiles: Profiles,
    kept: Mutex<Kept>,
}

/// Addresses and limits, from the configuration.
#[derive(Clone, Debug)]
pub struct Reach {
    /// Graph, where an app registration names none of its own; for example `https://graph.microsoft.com`.
    pub graph_url: Url,
    /// EWS, where an app registration names none of its own; none: where the cloud has it.
    pub ews_url: Option<Url>,
    /// Where Microsoft sends people back to.
    pub redirect_uri: Url,
    /// The longest that one request takes.
    pub request_timeout: Duration,
    /// Whether Microsoft may be asked to announce new mail.
    pub push: bool,
    /// Atlassian's gateway, over which service accounts and tokens with scopes reach a site.
    pub jira_gateway: Url,
    /// Where service accounts get their tokens.
    pub jira_auth: Url,
}

/// How a Jira is reached and signed in to; its secret apart.
#[derive(Clone, Copy, Debug)]
pub struct JiraWay<'a> {
    /// Its kind.
    pub kind: JiraKind,
    /// The site.
    pub base_url: &'a str,
    /// The id by which the gateway knows the site; empty where it is not needed.
    pub cloud_id: &'a str,
    /// 2 or 3.
    pub api_version: i64,
    /// Whose token it is, or the client id of a service account.
    pub username: &'a str,
}

#[derive(Debug, Default)]
struct Kept {
    /// With the time of the row that each was made from.
    registrations: HashMap<Uuid, (i64, Arc<Registration>)>,
    /// The rows that tokens and mailboxes of an account were made from.
    accounts: HashMap<Uuid, AccountRow>,
    tokens: HashMap<Uuid, Arc<AccountTokens>>,
    exchange: HashMap<(Uuid, String), Arc<ExchangeTokens>>,
    turns: HashMap<Uuid, Arc<Turn>>,
    budgets: Budgets,
    mailboxes: HashMap<(Uuid, String), Arc<dyn Mailbox>>,
    clients: HashMap<Uuid, (JiraRow, Arc<jira::Client>)>,
    destinations: HashMap<Uuid, (Instant, DestinationRow, Arc<Destination>)>,
    sources: HashMap<Uuid, (Instant, SourceRow)>,
}

impl Kept {
    /// Whatever was made from an account's row.
    fn forget_account(&mut self, account: Uuid) {
        self.tokens.remove(&account);
        self.exchange.retain(|(of, _), _| *of != account);
        self.mailboxes.retain(|(of, _), _| *of != account);
    }
}

#[derive(Clone, Debug, FromRow)]
struct SourceRow {
    /// None where the source was removed, and then the account.
    account_id: Option<Uuid>,
    mailbox_native_id: String,
    mailbox_address: String,
    connection_type: String,
    ews_url: String,
    destination_id: Option<Uuid>,
    issue_type_id: String,
    issue_type_name: String,
    shadow_at: Option<i64>,
    profile_id: Option<Uuid>,
    folder_name: String,
    time_zone: String,
}

#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
struct AccountRow {
    app_registration_id: Uuid,
    tenant_id: String,
    object_id: String,
    username: String,
    kind: String,
    signed_in_at: i64,
    registration_updated_at: i64,
}

impl AccountRow {
    /// Where faults of a mailbox that it reaches happen.
    fn place(&self, registration: &Registration, mailbox: &str) -> Place {
        let person = (self.kind != "app").then(|| self.username.clone());
        Place { account: person, ..registration.place().with_mailbox(mailbox) }
    }
}

#[derive(Clone, PartialEq, Eq, FromRow)]
struct JiraRow {
    kind: String,
    base_url: String,
    cloud_id: String,
    api_version: i64,
    username: String,
    token_sealed: Vec<u8>,
}

impl std::fmt::Debug for JiraRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JiraRow").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, FromRow)]
struct DestinationRow {
    jira_connection_id: Uuid,
    project_key: String,
    highest_key: i64,
    failures: i64,
    account_id: Option<String>,
    upload_limit: Option<i64>,
}

impl DestinationRow {
    /// Whether a destination made from the other row is still right.
    fn is_as(&self, other: &Self) -> bool {
        self.jira_connection_id == other.jira_connection_id
            && self.project_key == other.project_key
            && self.account_id == other.account_id
            && self.upload_limit == other.upload_limit
    }
}

#[allow(clippy::needless_pass_by_value, reason = "fits `map_err`")]
fn from_store(error: StoreError) -> Fault {
    Fault::own("own.store", &error.to_string())
}

fn gone(what: &str) -> Fault {
    Fault::own("own.connection_gone", &format!("the {what} was removed"))
}

impl Connections {
    /// Nothing is opened yet.
    pub fn new(
        db: Db,
        sealer: Sealer,
        clock: Arc<dyn Clock>,
        http: reqwest::Client,
        reach: Reach,
        owner: Uuid,
    ) -> Self {
        Self {
            db,
            sealer,
            clock,
            http,
            reach,
            owner,
            met: Noted::default(),
            profiles: Profiles::default(),
            kept: Mutex::default(),
        }
    }

    fn kept<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        look(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Rows were changed: whatever is kept is made anew at the next use. Budgets stay, the mailboxes' quotas do too; and so does
    /// whose turn it is to refresh an account's token, with how long it must not be asked for.
    pub fn forget(&self) {
        self.kept(|kept| {
            let (budgets, turns) = (std::mem::take(&mut kept.budgets), std::mem::take(&mut kept.turns));
            // A client of Jira is made anew when its row has changed; until then it knows the limits that the site has told of, and
            // holds the token of a service account.
            let clients = std::mem::take(&mut kept.clients);
            *kept = Kept { turns, budgets, clients, ..Kept::default() };
        });
    }

    /// How many mailboxes have a budget.
    #[cfg(test)]
    pub(super) fn budgets(&self) -> usize {
        self.kept(|kept| kept.budgets.count())
    }

    async fn source(&self, id: Uuid) -> Result<SourceRow, Fault> {
        match self.kept(|kept| kept.sources.get(&id).cloned()) {
            Some((read, row)) if read.elapsed() < FRESH => Ok(row),
            _ => self.source_now(id).await,
        }
    }

    async fn source_now(&self, id: Uuid) -> Result<SourceRow, Fault> {
        let row: SourceRow = self
            .db
            .fetch_optional(
                sql!(
                    "SELECT s.account_id, m.native_id AS mailbox_native_id, m.address AS mailbox_address, s.connection_type, s.ews_url,
                       s.destination_id, s.issue_type_id, s.issue_type_name, s.shadow_at, s.profile_id, s.folder_name,
                       w.time_zone
                     FROM source s JOIN mailbox m ON m.id = s.mailbox_id JOIN workspace w ON w.id = s.workspace_id
                     WHERE s.id = $1"
                ),
                args![id],
            )
            .await
            .map_err(from_store)?
            .ok_or_else(|| gone("source"))?;
        self.kept(|kept| kept.sources.insert(id, (Instant::now(), row.clone())));
        Ok(row)
    }

    /// The app registration with this row id.
    pub async fn registration(&self, id: Uuid) -> Result<Arc<Registration>, Fault> {
        if let Some((_, kept)) = self.kept(|kept| kept.registrations.get(&id).cloned()) {
            return Ok(kept);
        }
        let row = registrations::by_id(&self.db, id)
            .await
            .map_err(from_store)?
            .ok_or_else(|| gone("app registration"))?;
        let mut credentials = Vec::new();
        for credential in registrations::credentials(&self.db, id).await.map_err(from_store)? {
            credentials.push(Live {
                which: Which::Own(credential.id),
                is_refused: AtomicBool::new(credential.fault.is_some()),
                credential: self.credential(&credential)?,
            });
        }
        credentials.extend(self.secret_of_file(&row)?.map(|credential| Live {
            which: Which::OfFile(row.id),
            is_refused: AtomicBool::new(row.secret_fault.is_some()),
            credential,
        }));
        let registration = Arc::new(Registration::new(self.about(&row)?, credentials, self.met.clone()));
        let read = (row.updated_at, registration);
        Ok(self.kept(|kept| Arc::clone(&kept.registrations.entry(id).or_insert(read).1)))
    }

    /// A fault, as it happened to a registration.
    pub async fn placed(&self, registration: Uuid, fault: Fault) -> Fault {
        match self.registration(registration).await {
            Ok(registration) => fault.at(&registration.place()),
            // Without it nobody knows the cloud.
            Err(_) => fault,
        }
    }

    /// What a row of a registration and the settings say together.
    pub fn about(&self, row: &registrations::Row) -> Result<About, Fault> {
        let address = |text: &str| {
            Url::parse(text)
                .map_err(|error| Fault::own("own.configuration", &format!("address `{text}`: {error}")))
        };
        let login_url = address(&row.login_url)?;
        let graph_url = match row.graph_url.as_str() {
            "" => self.reach.graph_url.clone(),
            given => address(given)?,
        };
        // The settings file names addresses, not a cloud.
        let cloud = match Cloud::of_word(&row.cloud) {
            Some(cloud) if row.owner == "console" => cloud,
            _ => cloud::of_addresses(&login_url, &graph_url),
        };
        let ews_url = match row.ews_url.as_str() {
            // The settings name it for registrations that stand in the settings.
            "" if row.owner != "console" && self.reach.ews_url.is_some() => self.reach.ews_url.clone(),
            "" if cloud.ews().is_empty() => self.reach.ews_url.clone(),
            "" => Some(address(cloud.ews())?),
            given => Some(address(given)?),
        };
        Ok(About {
            id: row.id,
            client_id: row.client_id.clone(),
            tenant: row.tenant.clone(),
            multi_tenant: row.multi_tenant == 1,
            cloud,
            login_url,
            graph_url,
            ews_url,
            redirect_uri: self.reach.redirect_uri.clone(),
        })
    }

    /// The settings file's secret, opened; none where the file names none.
    pub fn secret_of_file(&self, row: &registrations::Row) -> Result<Option<Credential>, Fault> {
        let Some(sealed) = &row.secret_sealed else { return Ok(None) };
        let secret = self.open("app_registration", "secret_sealed", row.id, sealed)?;
        Ok(Some(Credential::Secret(secret)))
    }

    /// A stored credential, opened.
    pub fn credential(&self, row: &registrations::Credential) -> Result<Credential, Fault> {
        let secret = self.open("credential", "sealed", row.id, &row.sealed)?;
        if row.kind == "secret" {
            return Ok(Credential::Secret(secret));
        }
        let certificate = Certificate::from_pem(&row.certificate, &secret)
            .map_err(|error| Fault::own("own.configuration", &error.to_string()))?;
        Ok(Credential::Certificate(certificate))
    }

    fn open(
        &self,
        table: &'static str,
        column: &'static str,
        row: Uuid,
        sealed: &[u8],
    ) -> Result<SecretString, Fault> {
        let plain = self
            .sealer
            .open(&store::Place::new(table, column, row), sealed)
            .map_err(|error| Fault::own("own.seal", &error.to_string()))?;
        Ok(SecretString::from(String::from_utf8_lossy(&plain).into_owned()))
    }

    /// The tokens of an account.
    pub async fn tokens(&self, account: Uuid) -> Result<Arc<AccountTokens>, Fault> {
        let row = self.account(account).await?;
        self.tokens_of(account, &row).await
    }

    async fn tokens_of(&self, account: Uuid, row: &AccountRow) -> Result<Arc<AccountTokens>, Fault> {
        if let Some(kept) = self.kept(|kept| kept.tokens.get(&account).cloned()) {
            return Ok(kept);
        }
        let registration = self.registration(row.app_registration_id).await?;
        let turn = self.kept(|kept| Arc::clone(kept.turns.entry(account).or_default()));
        let tokens = Arc::new(AccountTokens::new(
            self.db.clone(),
            self.sealer.clone(),
            Arc::clone(&self.clock),
            self.http.clone(),
            registration,
            account,
            row.signed_in_at,
            self.owner,
            turn,
        ));
        Ok(self.kept(|kept| Arc::clone(kept.tokens.entry(account).or_insert(tokens))))
    }

    /// A person asks for another try now: no pause after an earlier failure stands in the way of the account's sign-in.
    pub async fn ask_anew(&self, account: Uuid) {
        let (tokens, exchange) = self.kept(|kept| {
            let exchange = kept.exchange.iter().filter(|((of, _), _)| *of == account);
            let exchange: Vec<_> = exchange.map(|(_, tokens)| Arc::clone(tokens)).collect();
            (kept.tokens.get(&account).cloned(), exchange)
        });
        if let Some(tokens) = tokens {
            tokens.ask_anew().await;
        }
        for tokens in exchange {
            tokens.ask_anew().await;
        }
    }

    /// Like [`Self::ask_anew`], and no token that is held counts any more: what an application was granted since stands in a new one only.
    pub async fn begin_anew(&self, account: Uuid) {
        self.ask_anew(account).await;
        self.kept(|kept| kept.forget_account(account));
    }

    /// An account's row. Where somebody has signed in anew, or its app registration or a credential was changed, on whichever
    /// node, what was made from the row before is made anew.
    async fn account(&self, id: Uuid) -> Result<AccountRow, Fault> {
        let row: AccountRow = self
            .db
            .fetch_optional(
                sql!(
                    "SELECT a.app_registration_id, a.tenant_id, a.object_id, a.username, a.kind, a.signed_in_at,
                       r.updated_at AS registration_updated_at
                     FROM account a JOIN app_registration r ON r.id = a.app_registration_id WHERE a.id = $1"
                ),
                args![id],
            )
            .await
            .map_err(from_store)?
            .ok_or_else(|| gone("account"))?;
        self.kept(|kept| {
            if kept.accounts.get(&id) == Some(&row) {
                return;
            }
            kept.forget_account(id);
            let registration = row.app_registration_id;
            if kept.registrations.get(&registration).is_some_and(|(at, _)| *at != row.registration_updated_at)
            {
                kept.registrations.remove(&registration);
            }
            kept.accounts.insert(id, row.clone());
        });
        Ok(row)
    }

    /// A mailbox over Graph. `native_id` is its id in the tenant, or its address while only that is known. `name` is what its faults
    /// call it: its address, where that is known.
    async fn kept_graph_mailbox(
        &self,
        account: Uuid,
        native_id: &str,
        name: &str,
    ) -> Result<Arc<dyn Mailbox>, Fault> {
        // Before anything that is kept: it may be of an earlier sign-in.
        self.account(account).await?;
        let key = (account, native_id.to_owned());
        if let Some(kept) = self.kept(|kept| kept.mailboxes.get(&key).cloned()) {
            return Ok(kept);
        }
        let mailbox: Arc<dyn Mailbox> = Arc::new(self.graph_mailbox_named(account, native_id, name).await?);
        Ok(self.kept(|kept| Arc::clone(kept.mailboxes.entry(key).or_insert(mailbox))))
    }

    /// The same for what only Graph can do.
    pub async fn graph_mailbox(
        &self,
        account: Uuid,
        native_id: &str,
    ) -> Result<microsoft::graph::GraphMailbox, Fault> {
        self.graph_mailbox_named(account, native_id, native_id).await
    }

    async fn graph_mailbox_named(
        &self,
        account: Uuid,
        native_id: &str,
        name: &str,
    ) -> Result<microsoft::graph::GraphMailbox, Fault> {
        let row = self.account(account).await?;
        let registration = self.registration(row.app_registration_id).await?;
        let tokens = self.tokens_of(account, &row).await?;
        // One's own mailbox is `me`: it works with the narrower permission.
        let (user, name) = if native_id == row.object_id {
            (microsoft::graph::User::Me, if name == native_id { row.username.as_str() } else { name })
        } else {
            (microsoft::graph::User::Id(native_id.to_owned()), name)
        };
        let budget = self.kept(|kept| {
            let service = (ConnectionType::Graph, registration.cloud);
            kept.budgets.of(service, &row.tenant_id, [name, native_id])
        });
        let place = row.place(&registration, name);
        Ok(microsoft::graph::GraphMailbox::new(
            self.http.clone(),
            registration.graph_url.clone(),
            user,
            tokens,
            budget,
            self.reach.request_timeout,
        )
        .at(place))
    }

    /// Where Graph is for an account.
    pub async fn graph_url(&self, account: Uuid) -> Result<Url, Fault> {
        let row = self.account(account).await?;
        Ok(self.registration(row.app_registration_id).await?.graph_url.clone())
    }

    /// A mailbox through an account, over EWS or Graph. `address` is its primary address; `ews_url` an Exchange server of one's
    /// own, or empty.
    pub async fn mailbox_over(
        &self,
        over: ConnectionType,
        account: Uuid,
        native_id: &str,
        address: &str,
        ews_url: &str,
    ) -> Result<Arc<dyn Mailbox>, Fault> {
        if over == ConnectionType::Graph {
            return self.kept_graph_mailbox(account, native_id, address).await;
        }
        let row = self.account(account).await?;
        // A space stands in no id of Graph.
        let key = (account, format!("ews {address} {ews_url}"));
        if let Some(kept) = self.kept(|kept| kept.mailboxes.get(&key).cloned()) {
            return Ok(kept);
        }
        let ews_url = self.ews_url_of(account, ews_url).await?;
        let tokens = self.exchange_tokens(account, &row, &ews_url).await?;
        let registration = self.registration(row.app_registration_id).await?;
        let budget = self.kept(|kept| {
            let service = (ConnectionType::Ews, registration.cloud);
            kept.budgets.of(service, &row.tenant_id, [address, native_id])
        });
        let place = row.place(&registration, address);
        let address = address.to_owned();
        let whose = if row.kind == "app" {
            microsoft::ews::Whose::Impersonated(address)
        } else if native_id == row.object_id {
            microsoft::ews::Whose::Own(address)
        } else {
            microsoft::ews::Whose::Shared(address)
        };
        let mailbox: Arc<dyn Mailbox> = Arc::new(
            microsoft::ews::EwsMailbox::new(
                self.http.clone(),
                &ews_url,
                whose,
                tokens,
                budget,
                self.reach.request_timeout,
            )
            .at(place),
        );
        Ok(self.kept(|kept| Arc::clone(kept.mailboxes.entry(key).or_insert(mailbox))))
    }

    /// The tokens of an account for the Exchange at this address, shared by all mailboxes that are reached there.
    async fn exchange_tokens(
        &self,
        account: Uuid,
        row: &AccountRow,
        ews_url: &Url,
    ) -> Result<Arc<ExchangeTokens>, Fault> {
        let scope = connection_type::ews_scope(ews_url);
        let of_account = self.tokens_of(account, row).await?;
        Ok(self.kept(|kept| {
            let tokens = kept.exchange.entry((account, scope.clone()));
            Arc::clone(tokens.or_insert_with(|| Arc::new(ExchangeTokens::new(of_account, scope))))
        }))
    }

    /// The tokens with which an account is let in over this.
    pub async fn tokens_over(
        &self,
        over: ConnectionType,
        account: Uuid,
        ews_url: &str,
    ) -> Result<Arc<dyn AccessTokens>, Fault> {
        if over == ConnectionType::Graph {
            return Ok(self.tokens(account).await?);
        }
        let ews_url = self.ews_url_of(account, ews_url).await?;
        let row = self.account(account).await?;
        Ok(self.exchange_tokens(account, &row, &ews_url).await?)
    }

    /// The permission that an account needs to be let in over EWS, with its resource.
    pub async fn ews_scope_of(&self, account: Uuid, ews_url: &str) -> Result<String, Fault> {
        Ok(connection_type::ews_scope(&self.ews_url_of(account, ews_url).await?))
    }

    /// The mailbox that an outbound sends from.
    pub async fn mailbox_of_outbound(&self, outbound: &Outbound) -> Result<Arc<dyn Mailbox>, Fault> {
        let over = ConnectionType::of_word(&outbound.connection_type);
        let (native_id, address) = (&outbound.mailbox_native_id, &outbound.mailbox);
        self.mailbox_over(over, outbound.account_id, native_id, address, &outbound.ews_url).await
    }

    /// Where EWS is for an account: at `own`, unless that is empty.
    pub async fn ews_url_of(&self, account: Uuid, own: &str) -> Result<Url, Fault> {
        let row = self.account(account).await?;
        self.ews_url_at(row.app_registration_id, own).await
    }

    /// Where EWS is for an app registration: at `own`, unless that is empty.
    pub async fn ews_url_at(&self, registration: Uuid, own: &str) -> Result<Url, Fault> {
        let parsed = |text: &str| {
            Url::parse(text)
                .map_err(|error| Fault::own("own.configuration", &format!("EWS address `{text}`: {error}")))
        };
        if !own.is_empty() {
            return parsed(own);
        }
        match &self.registration(registration).await?.ews_url {
            Some(url) => Ok(url.clone()),
            None => parsed(Cloud::Global.ews()),
        }
    }

    /// The mailbox that a source reads.
    pub async fn mailbox_of(&self, source: Uuid) -> Result<Arc<dyn Mailbox>, Fault> {
        // Asked anew: another node may have moved the source to Graph, and ids of one transport mean nothing to the other.
        let row = self.source_now(source).await?;
        let over = ConnectionType::of_word(&row.connection_type);
        let (native_id, address) = (&row.mailbox_native_id, &row.mailbox_address);
        let account = row.account_id.ok_or_else(|| gone("account of this source"))?;
        self.mailbox_over(over, account, native_id, address, &row.ews_url).await
    }

    /// The client of a Jira connection.
    pub async fn jira(&self, id: Uuid) -> Result<Arc<jira::Client>, Fault> {
        let row: JiraRow = self
            .db
            .fetch_optional(
                sql!(
                    "SELECT kind, base_url, cloud_id, api_version, username, token_sealed FROM jira_connection WHERE id = $1"
                ),
                args![id],
            )
            .await
            .map_err(from_store)?
            .ok_or_else(|| gone("Jira connection"))?;
        if let Some((made_from, kept)) = self.kept(|kept| kept.clients.get(&id).cloned())
            && made_from == row
        {
            return Ok(kept);
        }
        let token = self.open("jira_connection", "token_sealed", id, &row.token_sealed)?;
        let way = JiraWay {
            kind: JiraKind::of_word(&row.kind).unwrap_or(JiraKind::Token),
            base_url: &row.base_url,
            cloud_id: &row.cloud_id,
            api_version: row.api_version,
            username: &row.username,
        };
        let client = Arc::new(self.jira_client(way, token)?);
        self.kept(|kept| kept.clients.insert(id, (row, Arc::clone(&client))));
        Ok(client)
    }

    /// The client of a Jira connection that is in use; none before the first call, and after its row has changed. Nothing is asked.
    pub fn jira_in_use(&self, id: Uuid) -> Option<Arc<jira::Client>> {
        self.kept(|kept| kept.clients.get(&id).map(|(_, client)| Arc::clone(client)))
    }

    /// A client for a Jira site that need not be stored yet (the form tests it first).
    pub fn jira_client(&self, way: JiraWay<'_>, secret: SecretString) -> Result<jira::Client, Fault> {
        let address = |text: &str| {
            Url::parse(text)
                .map_err(|error| Fault::own("own.configuration", &format!("Jira address `{text}`: {error}")))
        };
        let base_url = if way.kind.is_behind_gateway() {
            jira::behind_gateway(&self.reach.jira_gateway, way.cloud_id).ok_or_else(|| {
                Fault::own("jira.cloud_id", &format!("the cloud id of {} is not known", way.base_url))
            })?
        } else {
            address(way.base_url)?
        };
        let auth = match way.kind {
            JiraKind::DataCenter => jira::Auth::Bearer(secret),
            JiraKind::Scoped | JiraKind::Token => {
                jira::Auth::Basic { user: way.username.to_owned(), token: secret }
            }
            JiraKind::Service => jira::Auth::Service(jira::ClientCredentials {
                token_url: address(&format!(
                    "{}/oauth/token",
                    self.reach.jira_auth.as_str().trim_end_matches('/')
                ))?,
                client_id: way.username.to_owned(),
                client_secret: secret,
            }),
        };
        let api_version = if way.api_version == 2 { jira::ApiVersion::V2 } else { jira::ApiVersion::V3 };
        Ok(jira::Client::new(
            self.http.clone(),
            jira::Site { base_url, api_version, auth },
            jira::Settings { request_timeout: self.reach.request_timeout, ..jira::Settings::default() },
        ))
    }

    /// The destination that a source writes to now. A plan that was made before writes to its own.
    pub async fn destination_of(&self, source: Uuid) -> Result<Arc<Destination>, Fault> {
        Ok(self.target_of(source).await?.destination)
    }

    /// The destination with this row id.
    pub async fn destination(&self, id: Uuid) -> Result<Arc<Destination>, Fault> {
        let before = self.kept(|kept| kept.destinations.get(&id).cloned());
        if let Some((read, _, kept)) = &before
            && read.elapsed() < FRESH
        {
            return Ok(Arc::clone(kept));
        }
        let row: DestinationRow = self
            .db
            .fetch_optional(
                sql!(
                    "SELECT d.jira_connection_id, d.project_key, d.highest_key, d.failures, j.account_id, j.upload_limit
                     FROM destination d JOIN jira_connection j ON j.id = d.jira_connection_id WHERE d.id = $1"
                ),
                args![id],
            )
            .await
            .map_err(from_store)?
            .ok_or_else(|| gone("destination"))?;
        let client = self.jira(row.jira_connection_id).await?;
        let same =
            before.filter(|(_, made_from, kept)| row.is_as(made_from) && Arc::ptr_eq(&kept.client, &client));
        let destination = match same {
            Some((_, _, kept)) => {
                kept.saw_key(row.highest_key);
                kept.others_failed(row.failures);
                kept
            }
            None => Arc::new(Destination::new(
                self.db.clone(),
                (id, row.jira_connection_id),
                row.project_key.clone(),
                client,
                row.account_id.clone(),
                row.upload_limit.and_then(|limit| u64::try_from(limit).ok()),
                row.highest_key,
            )),
        };
        self.kept(|kept| kept.destinations.insert(id, (Instant::now(), row, Arc::clone(&destination))));
        Ok(destination)
    }

    /// Whether a source is in shadow mode: it decides and writes nothing. Asked anew each time: another node may have begun it.
    pub async fn is_shadow(&self, source: Uuid) -> Result<bool, Fault> {
        Ok(self.source_now(source).await?.shadow_at.is_some())
    }

    /// Where a source's new mail goes, and what new issues are there: both of one reading of its row.
    pub async fn target_of(&self, source: Uuid) -> Result<Target, Fault> {
        let row = self.source(source).await?;
        let id = row.destination_id.ok_or_else(|| gone("destination of this source"))?;
        let destination = self.destination(id).await?;
        let issues = rules::Destination {
            project_key: destination.project_key.clone(),
            issue_type_id: row.issue_type_id,
            issue_type_name: row.issue_type_name,
        };
        let origin = rules::Origin {
            name: format!("{} · {}", row.mailbox_address, row.folder_name),
            mailbox: row.mailbox_address,
            folder: row.folder_name,
        };
        let zone = TimeZone::get(&row.time_zone).unwrap_or(TimeZone::UTC);
        Ok(Target { destination, issues, profile: row.profile_id, origin, zone })
    }

    /// The destination of another project on the same Jira; made where there is none yet, from the highest issue number that is
    /// there.
    pub async fn destination_beside(
        &self,
        beside: &Destination,
        workspace: Uuid,
        project: &str,
    ) -> Result<Arc<Destination>, Fault> {
        let (connection, now) = (beside.jira_connection, self.clock.now());
        let known = jira_rows::destination_of(&self.db, connection, project).await.map_err(from_store)?;
        let id = match known {
            Some(id) => id,
            None => {
                let highest = destination::highest_key(&beside.client, project).await?;
                let stored = async {
                    let mut tx = self.db.begin().await?;
                    let new =
                        NewDestination { workspace, connection, key: project, name: project, highest, now };
                    let id = jira_rows::destination(&mut tx, &new).await?;
                    tx.commit().await?;
                    Ok(id)
                };
                stored.await.map_err(from_store)?
            }
        };
        self.destination(id).await
    }

    /// A destination refused or does not answer: it takes no mail until then, says so, and no mail is held for it.
    pub async fn stop_destination(
        &self,
        destination: &Destination,
        fault: &Fault,
        until: Timestamp,
        needs_person: bool,
    ) {
        let failures = destination.failed();
        let state = if needs_person { "offline" } else { "degraded" };
        let record = serde_json::to_string(&fault.to_record()).unwrap_or_default();
        let now = self.clock.now();
        tracing::warn!(project = %destination.project_key, %fault, code = %fault.code, %until, "the destination is stopped");
        let stored = async {
            let mut tx = self.db.begin().await?;
            tx.execute(
                sql!(
                    "UPDATE destination SET not_before = CASE WHEN not_before > $1 THEN not_before ELSE $1 END, failures = $2,
                       state_since = CASE WHEN state = $3 THEN state_since ELSE $4 END, state = $3, fault = $5 WHERE id = $6"
                ),
                args![until, failures, state, now, record, destination.id],
            )
            .await?;
            tell::destination_fails(&mut tx, destination.id, fault, now).await?;
            tx.commit().await
        };
        let stored: Result<(), StoreError> = stored.await;
        if let Err(error) = stored {
            tracing::error!(%error, "the stop of a destination could not be stored");
        }
    }

    /// A destination took a write: if it was stopped before, it is online again, and `true` comes back.
    pub async fn destination_works(&self, destination: &Destination) -> bool {
        if !destination.worked() {
            return false;
        }
        let now = self.clock.now();
        let stored = async {
            let mut tx = self.db.begin().await?;
            tx.execute(
                sql!(
                    "UPDATE destination SET not_before = 0, failures = 0, state = 'online', fault = NULL,
                       state_since = CASE WHEN state = 'online' THEN state_since ELSE $1 END WHERE id = $2"
                ),
                args![now, destination.id],
            )
            .await?;
            tell::destination_works(&mut tx, destination.id, now).await?;
            tx.commit().await
        };
        let stored: Result<(), StoreError> = stored.await;
        if let Err(error) = stored {
            tracing::error!(%error, "the recovery of a destination could not be stored");
        }
        true
    }
}
