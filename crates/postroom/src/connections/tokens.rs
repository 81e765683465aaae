//! Access tokens of an account: kept while they last, refreshed by one at a time, and the rotated refresh token is durable
//! before its access token is used (R1 of design §4).
//!
//! Within the process a mutex lets one refresh run; between nodes it is a lease on the account's row (not an open
//! transaction: the network lies in between).

use std::sync::Arc;
use std::time::Duration;

use fault::{Class, Fault, Retry};
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use microsoft::AccessTokens;
use microsoft::signin;
use secrecy::{ExposeSecret, SecretString};
use sqlx::FromRow;
use store::{Clock, Db, Place, Sealer, StoreError, args, sql};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::jira_site::stored_fault;
use super::patience::Patience;
use super::registration::Registration;
use super::{scopes, tell};

mod exchange;

pub use exchange::ExchangeTokens;

/// A token is renewed this long before it ends.
const EARLY: SignedDuration = SignedDuration::from_mins(5);
/// How long one refresh may take before another node may try.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// The tokens of one account.
#[derive(Debug)]
pub struct AccountTokens {
    db: Db,
    sealer: Sealer,
    clock: Arc<dyn Clock>,
    http: reqwest::Client,
    registration: Arc<Registration>,
    account: Uuid,
    /// When this sign-in was made, microseconds: what belongs to an earlier one is not handed out.
    signed_in_at: i64,
    owner: Uuid,
    turn: Arc<Turn>,
}

/// One at a time refreshes an account's token, and what came of it counts for whoever is next. It outlasts
/// [`AccountTokens`], which are made anew whenever a row was changed.
#[derive(Debug, Default)]
pub struct Turn(Mutex<Now>);

/// What an account's refreshes have come to.
#[derive(Debug, Default)]
struct Now {
    held: Option<Held>,
    patience: Patience,
}

#[derive(Debug)]
struct Held {
    token: SecretString,
    until: Timestamp,
    signed_in_at: i64,
    /// What it was given to: once the registration is another app, or in another cloud, it is worth nothing and goes nowhere.
    app: String,
}

#[derive(FromRow)]
struct Row {
    workspace_id: Uuid,
    tenant_id: String,
    scopes: String,
    refresh_sealed: Option<Vec<u8>>,
    access_sealed: Option<Vec<u8>>,
    access_expires_at: Option<i64>,
    signed_in_at: i64,
    state: String,
    kind: String,
    fault: Option<String>,
}

impl Row {
    /// The fault that stands in the way of asking, if it does. Nobody signs the application itself in: no fault of it waits for
    /// that.
    fn fault(&self) -> Option<Fault> {
        let fault = self.fault.as_deref().and_then(stored_fault);
        fault.filter(|fault| self.kind != "app" || fault.retry() != Retry::AfterSignIn)
    }
}

impl AccountTokens {
    /// Tokens of the account with this row id, as it was signed in at `signed_in_at` (microseconds).
    #[allow(
        clippy::too_many_arguments,
        reason = "the program's means, one by one, as `Connections` has them"
    )]
    pub fn new(
        db: Db,
        sealer: Sealer,
        clock: Arc<dyn Clock>,
        http: reqwest::Client,
        registration: Arc<Registration>,
        account: Uuid,
        signed_in_at: i64,
        owner: Uuid,
        turn: Arc<Turn>,
    ) -> Self {
        Self { db, sealer, clock, http, registration, account, signed_in_at, owner, turn }
    }

    async fn row(&self) -> Result<Row, Fault> {
        self.db
            .fetch_optional(
                sql!(
                    "SELECT workspace_id, tenant_id, scopes, refresh_sealed, access_sealed, access_expires_at,
                       signed_in_at, state, kind, fault
                     FROM account
                     WHERE id = $1"
                ),
                args![self.account],
            )
            .await
            .map_err(|error| from_store(&error))?
            .ok_or_else(|| Fault::own("own.account_gone", "the account was removed"))
    }

    fn stored(&self, row: &Row) -> Option<Held> {
        let until = Timestamp::from_microsecond(row.access_expires_at?).ok()?;
        let plain =
            self.sealer.open(&place("access_sealed", self.account), row.access_sealed.as_deref()?).ok()?;
        let token = SecretString::from(String::from_utf8(plain.to_vec()).ok()?);
        Some(Held { token, until, signed_in_at: row.signed_in_at, app: self.app() })
    }

    /// The app that asks, and where.
    fn app(&self) -> String {
        let about = &self.registration;
        format!("{} {} {}", about.client_id, about.login_url, about.graph_url)
    }

    fn lasts(&self, held: &Held) -> bool {
        held.until.saturating_sub(EARLY).is_ok_and(|until| until > self.clock.now())
    }

    /// The token that lasts, whoever fetched it; else a fresh one. `refused` is a token that the server did not take, `challenge`
    /// what it asks for (JSON).
    async fn token(
        &self,
        refused: Option<&SecretString>,
        challenge: Option<&str>,
    ) -> Result<SecretString, Fault> {
        let not_refused =
            |held: &Held| refused.is_none_or(|r| r.expose_secret() != held.token.expose_secret());
        let mut now = self.turn.0.lock().await;
        if let Some(held) = &now.held
            && held.signed_in_at == self.signed_in_at
            && held.app == self.app()
            && self.lasts(held)
            && not_refused(held)
        {
            return Ok(held.token.clone());
        }
        // Another node may have refreshed meanwhile, or is doing so: wait for it rather than refresh beside it.
        for _ in 0..60 {
            let row = self.row().await?;
            if let Some(held) = self.stored(&row)
                && self.lasts(&held)
                && not_refused(&held)
            {
                let token = held.token.clone();
                now.held = Some(held);
                return Ok(token);
            }
            if let Some(fault) = now.patience.holds_back(row.fault(), self.clock.now()) {
                return Err(fault);
            }
            if self.lease().await.map_err(|error| from_store(&error))? {
                match self.refresh(challenge).await {
                    Ok(Some(held)) => {
                        let token = held.token.clone();
                        *now = Now { held: Some(held), patience: Patience::default() };
                        return Ok(token);
                    }
                    // Somebody has signed in meanwhile: what they brought counts.
                    Ok(None) => continue,
                    Err(fault) => {
                        now.patience.failed(&fault, self.clock.now(), rand::random());
                        return Err(fault);
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Err(Fault::own(
            "own.refresh_busy",
            "another node refreshes this account's token and does not come to an end",
        ))
    }

    /// A person asks for another try now: no pause stands in the way of the next one.
    pub async fn ask_anew(&self) {
        self.turn.0.lock().await.patience.begin_anew();
    }

    async fn lease(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let until = now.saturating_add(LEASE).unwrap_or(Timestamp::MAX);
        let mut tx = self.db.begin().await?;
        let taken = tx
            .execute(
                sql!(
                    "UPDATE account SET refresh_lease_owner = $1, refresh_lease_until = $2
                     WHERE id = $3 AND (refresh_lease_until IS NULL OR refresh_lease_until <= $4 OR refresh_lease_owner = $1)"
                ),
                args![self.owner, until, self.account, now],
            )
            .await?;
        tx.commit().await?;
        Ok(taken == 1)
    }

    /// Refreshes; the lease is ours. `None`: somebody has signed in meanwhile, and what this refresh brought is of no use.
    async fn refresh(&self, challenge: Option<&str>) -> Result<Option<Held>, Fault> {
        // Read under the lease: nobody else rotates the token from here on.
        let row = self.row().await?;
        let result =
            self.refresh_remote(&row, challenge).await.map_err(|fault| fault.at(&self.registration.place()));
        let now = self.clock.now();
        match result {
            Ok(tokens) => {
                let held = held(tokens, row.signed_in_at, self.app(), now);
                let is_kept = self.keep(&row, &held, now).await.map_err(|error| from_store(&error))?;
                Ok(is_kept.then_some(held.held))
            }
            Err(fault) => {
                tracing::warn!(account = %self.account, code = %fault.code, %fault, "the token could not be refreshed");
                match self.failed(&row, &fault, now).await {
                    Ok(true) => {}
                    Ok(false) => return Ok(None),
                    Err(error) => tracing::error!(%error, "the failed refresh could not be stored"),
                }
                Err(fault)
            }
        }
    }

    async fn refresh_remote(&self, row: &Row, challenge: Option<&str>) -> Result<signin::Tokens, Fault> {
        if row.kind == "app" {
            let graph = self.registration.graph_url.as_str().trim_end_matches('/');
            return self.as_application(row, &format!("{graph}/.default"), challenge).await;
        }
        // As at the sign-in: a refresh that asks for less may give less.
        let asked = scopes::to_refresh(&row.scopes);
        self.refresh_with(row, &asked, challenge).await
    }

    /// A token of the application itself: there is nobody to sign in and nothing to refresh with.
    async fn as_application(
        &self,
        row: &Row,
        scope: &str,
        challenge: Option<&str>,
    ) -> Result<signin::Tokens, Fault> {
        let mut proof = self.registration.proof(&self.http, &row.tenant_id).await?;
        loop {
            let (now, app) = (self.clock.now(), &proof.application);
            let answer =
                signin::as_application_with_claims(&self.http, &proof.discovery, app, scope, challenge, now);
            match answer.await {
                Err(fault) if proof.next(&fault) => {}
                // Its answer names no permissions: what stands in for them stays.
                result => return result.map(|tokens| signin::Tokens { scopes: Vec::new(), ..tokens }),
            }
        }
    }

    /// Refreshes with these scopes, which an administrator may have approved meanwhile: one request a resource, and none for what
    /// was granted before. A refusal changes nothing; the caller knows what it waits for.
    pub async fn ask_for(&self, asked: &[&str]) -> Result<(), Fault> {
        let known = self.row().await?.scopes;
        let (ews, graph): (Vec<&str>, Vec<&str>) =
            asked.iter().copied().partition(|scope| scopes::is_ews(scope));
        let lacks = |scope: &&str| !scopes::is_granted(&known, scope);
        let of_graph: Vec<&str> = graph.iter().copied().filter(|scope| scope.contains('.')).collect();
        let mut to_ask: Vec<&str> = ews.iter().copied().filter(lacks).collect();
        if of_graph.iter().any(lacks) || (!of_graph.is_empty() && to_ask.is_empty()) {
            self.ask_graph_for(&graph).await?;
        } else if to_ask.is_empty() {
            to_ask = ews;
        }
        for scope in to_ask {
            self.beside(&[scope, "offline_access"], "", None).await?;
            self.works_with(scope).await.map_err(|error| from_store(&error))?;
        }
        Ok(())
    }

    async fn ask_graph_for(&self, asked: &[&str]) -> Result<(), Fault> {
        let mut turn = self.turn.0.lock().await;
        if !self.lease().await.map_err(|error| from_store(&error))? {
            return Err(Fault::own("own.refresh_busy", "another node refreshes this account's token"));
        }
        let row = self.row().await?;
        let result =
            self.refresh_with(&row, asked, None).await.map_err(|fault| fault.at(&self.registration.place()));
        let now = self.clock.now();
        match result {
            Ok(tokens) => {
                let held = held(tokens, row.signed_in_at, self.app(), now);
                if self.keep(&row, &held, now).await.map_err(|error| from_store(&error))? {
                    *turn = Now { held: Some(held.held), patience: Patience::default() };
                }
                Ok(())
            }
            Err(fault) => {
                self.release().await.map_err(|error| from_store(&error))?;
                Err(fault)
            }
        }
    }

    async fn release(&self) -> Result<(), StoreError> {
        self.db
            .execute(
                sql!(
                    "UPDATE account SET refresh_lease_until = NULL WHERE id = $1 AND refresh_lease_owner = $2"
                ),
                args![self.account, self.owner],
            )
            .await
            .map(drop)
    }

    async fn refresh_with(
        &self,
        row: &Row,
        scopes: &[&str],
        challenge: Option<&str>,
    ) -> Result<signin::Tokens, Fault> {
        let Some(sealed) = &row.refresh_sealed else {
            return Err(Fault::own("own.not_signed_in", "the account has no refresh token"));
        };
        let plain = self
            .sealer
            .open(&place("refresh_sealed", self.account), sealed)
            .map_err(|error| Fault::own("own.seal", &error.to_string()))?;
        let refresh = SecretString::from(String::from_utf8_lossy(&plain).into_owned());
        // After the first sign-in the account's own tenant answers, not `common`.
        let mut proof = self.registration.proof(&self.http, &row.tenant_id).await?;
        loop {
            let (now, app) = (self.clock.now(), &proof.application);
            let answer = signin::refresh_with_claims(
                &self.http,
                &proof.discovery,
                app,
                &refresh,
                scopes,
                challenge,
                now,
            );
            match answer.await {
                Err(fault) if proof.next(&fault) => {}
                result => return result,
            }
        }
    }

    /// The new refresh token is committed before anybody sees the access token. `false`: somebody has signed in meanwhile, and
    /// nothing was changed.
    async fn keep(&self, row: &Row, fresh: &Fresh, now: Timestamp) -> Result<bool, StoreError> {
        let sealed = |column, secret: &SecretString| {
            self.sealer.seal(&place(column, self.account), secret.expose_secret().as_bytes())
        };
        let refresh = fresh.refresh.as_ref().map(|secret| sealed("refresh_sealed", secret));
        let scopes = scopes::merged(&row.scopes, &fresh.scopes.join(" "));
        let access = sealed("access_sealed", &fresh.held.token);
        let mut tx = self.db.begin().await?;
        let kept = tx
            .execute(
                sql!(
                    "UPDATE account SET refresh_sealed = coalesce($1, refresh_sealed), access_sealed = $2, access_expires_at = $3,
                       scopes = $4, refreshed_at = $5, refresh_lease_until = NULL, fault = NULL,
                       state_since = CASE WHEN state = 'online' THEN state_since ELSE $5 END, state = 'online'
                     WHERE id = $6 AND signed_in_at = $7 AND (kind = 'app' OR refresh_sealed IS NOT NULL)"
                ),
                args![refresh, access, fresh.held.until, scopes, now, self.account, row.signed_in_at],
            )
            .await?;
        if kept == 0 {
            tx.rollback().await?;
            self.release().await?;
            return Ok(false);
        }
        if row.state != "online" {
            event(&mut tx, row.workspace_id, self.account, now, "online", "the sign-in works again", None)
                .await?;
            tell::account_works(&mut tx, self.account, now).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// `false`: somebody has signed in meanwhile, and the fault is not theirs.
    async fn failed(&self, row: &Row, fault: &Fault, now: Timestamp) -> Result<bool, StoreError> {
        let state = if fault.entry.class == Class::Transient { "degraded" } else { "offline" };
        let record = serde_json::to_string(&fault.to_record()).unwrap_or_default();
        let mut tx = self.db.begin().await?;
        let stored = tx
            .execute(
                sql!(
                    "UPDATE account SET refresh_lease_until = NULL, fault = $1,
                       state_since = CASE WHEN state = $2 THEN state_since ELSE $3 END, state = $2
                     WHERE id = $4 AND signed_in_at = $5"
                ),
                args![&record, state, now, self.account, row.signed_in_at],
            )
            .await?;
        if stored == 0 {
            tx.rollback().await?;
            self.release().await?;
            return Ok(false);
        }
        if row.state != state {
            event(&mut tx, row.workspace_id, self.account, now, state, &fault.to_string(), Some(record))
                .await?;
        }
        tell::account_fails(&mut tx, self.account, fault, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// What a refresh brought.
struct Fresh {
    held: Held,
    refresh: Option<SecretString>,
    scopes: Vec<String>,
}

fn held(tokens: signin::Tokens, signed_in_at: i64, app: String, now: Timestamp) -> Fresh {
    let lasts = SignedDuration::try_from(tokens.expires_in).unwrap_or(SignedDuration::ZERO);
    let until = now.saturating_add(lasts).unwrap_or(Timestamp::MAX);
    let held = Held { token: tokens.access, until, signed_in_at, app };
    Fresh { held, refresh: tokens.refresh, scopes: tokens.scopes }
}

async fn event(
    tx: &mut store::Tx,
    workspace: Uuid,
    account: Uuid,
    now: Timestamp,
    kind: &str,
    text: &str,
    fault: Option<String>,
) -> Result<(), StoreError> {
    tx.execute(
        sql!(
            "INSERT INTO connection_event (id, workspace_id, object_kind, object_id, at, kind, text, fault)
             VALUES ($1, $2, 'account', $3, $4, $5, $6, $7)"
        ),
        args![Uuid::now_v7(), workspace, account, now, kind, text, fault],
    )
    .await?;
    Ok(())
}

/// Where an account's secret is sealed to.
pub(super) fn place(column: &'static str, account: Uuid) -> Place {
    Place::new("account", column, account)
}

fn from_store(error: &StoreError) -> Fault {
    Fault::own("own.store", &error.to_string())
}

impl AccessTokens for AccountTokens {
    fn get(&self) -> BoxFuture<'_, Result<SecretString, Fault>> {
        Box::pin(self.token(None, None))
    }

    fn refused(&self, token: &SecretString) -> BoxFuture<'_, Result<SecretString, Fault>> {
        let token = token.clone();
        Box::pin(async move { self.token(Some(&token), None).await })
    }

    fn challenged(&self, token: &SecretString, claims: &str) -> BoxFuture<'_, Result<SecretString, Fault>> {
        let (token, claims) = (token.clone(), claims.to_owned());
        Box::pin(async move { self.token(Some(&token), Some(&claims)).await })
    }
}
