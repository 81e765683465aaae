//! Access tokens for Exchange Web Services, which are a resource of their own beside Graph. One refresh token serves both, and
//! each request names one of them, so the account's lease and lock order the requests and its rotated refresh token is
//! committed first here too (R1). The access token is kept in memory alone.

use std::sync::Arc;
use std::time::Duration;

use fault::{Fault, Retry};
use futures::future::BoxFuture;
use jiff::Timestamp;
use microsoft::AccessTokens;
use secrecy::{ExposeSecret, SecretString};
use store::{StoreError, args, sql};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{AccountTokens, Held, Patience, Row, event, from_store, held, place};
use crate::connections::{scopes, tell};

/// What the requests have come to.
#[derive(Debug, Default)]
struct Now {
    held: Option<Held>,
    patience: Patience,
    /// The last refusal, and of which sign-in it was.
    fault: Option<(Fault, i64)>,
}

/// The tokens of one account for one Exchange.
#[derive(Debug)]
pub struct ExchangeTokens {
    account: Arc<AccountTokens>,
    /// The permission, with its resource.
    scope: String,
    now: Mutex<Now>,
}

impl ExchangeTokens {
    /// Tokens with this permission, such as `https://outlook.office365.com/EWS.AccessAsUser.All`.
    pub fn new(account: Arc<AccountTokens>, scope: String) -> Self {
        Self { account, scope, now: Mutex::default() }
    }

    async fn token(
        &self,
        refused: Option<&SecretString>,
        challenge: Option<&str>,
    ) -> Result<SecretString, Fault> {
        let mut now = self.now.lock().await;
        if let Some(held) = &now.held
            && self.account.lasts(held)
            && refused.is_none_or(|refused| refused.expose_secret() != held.token.expose_secret())
        {
            return Ok(held.token.clone());
        }
        // The fault is of one sign-in: it is gone once somebody has signed in again, on whichever node.
        let row = self.account.row().await?;
        let fault = now.fault.as_ref().filter(|(_, signed_in_at)| *signed_in_at == row.signed_in_at);
        let fault = fault.map(|(fault, _)| fault.clone()).or_else(|| row.fault());
        if let Some(fault) = now.patience.holds_back(fault, self.account.clock.now()) {
            return Err(fault);
        }
        // An application asks for all that it was granted on the resource.
        let resource = self.scope.rsplit_once('/').map_or(self.scope.as_str(), |(resource, _)| resource);
        let whole = format!("{resource}/.default");
        let asked = [self.scope.as_str(), "offline_access"];
        match self.account.beside(&asked, &whole, challenge).await {
            Ok(held) => {
                let token = held.token.clone();
                *now = Now { held: Some(held), ..Now::default() };
                Ok(token)
            }
            Err(fault) => {
                now.patience.failed(&fault, self.account.clock.now(), rand::random());
                // Nobody signs the application itself in: no fault of it waits for that.
                let counts = row.kind != "app" || fault.retry() != Retry::AfterSignIn;
                now.fault = counts.then(|| (fault.clone(), row.signed_in_at));
                Err(fault)
            }
        }
    }

    /// A person asks for another try now.
    pub async fn ask_anew(&self) {
        let mut now = self.now.lock().await;
        now.patience.begin_anew();
        now.fault = now.fault.take().filter(|(fault, _)| fault.retry() == Retry::AfterSignIn);
    }
}

impl AccountTokens {
    /// A token for another resource than Graph. What the account may do on Graph, and how it is, stay as they are: a refusal is
    /// that of the connection which asked. Where the refresh token itself has ended, all that the account reads and sends has.
    pub(super) async fn beside(
        &self,
        asked: &[&str],
        resource: &str,
        challenge: Option<&str>,
    ) -> Result<Held, Fault> {
        // Nobody refreshes beside it, neither in this process nor on another node.
        let _turn = self.turn.0.lock().await;
        for _ in 0..60 {
            if self.lease().await.map_err(|error| from_store(&error))? {
                let row = self.row().await?;
                let answer = if row.kind == "app" {
                    self.as_application(&row, resource, challenge).await
                } else {
                    self.refresh_with(&row, asked, challenge).await
                };
                let answer = answer.map_err(|fault| fault.at(&self.registration.place()));
                let now = self.clock.now();
                if let Err(fault) = &answer
                    && row.kind != "app"
                    && fault.entry.ends_grant()
                {
                    tracing::warn!(account = %self.account, code = %fault.code, %fault, "the sign-in has ended");
                    if !self.failed(&row, fault, now).await.map_err(|error| from_store(&error))? {
                        // Somebody has signed in meanwhile: what they brought counts.
                        continue;
                    }
                    return Err(fault.clone());
                }
                let learned = match &answer {
                    Ok(tokens) if row.kind != "app" => {
                        Some(scopes::merged(&row.scopes, &scopes::as_asked(&tokens.scopes, asked)))
                    }
                    _ => None,
                };
                let refresh = answer.as_ref().ok().and_then(|tokens| tokens.refresh.as_ref());
                self.keep_refresh(&row, refresh, learned, answer.is_ok(), now)
                    .await
                    .map_err(|error| from_store(&error))?;
                return answer.map(|tokens| held(tokens, row.signed_in_at, self.app(), now).held);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Err(Fault::own(
            "own.refresh_busy",
            "another node refreshes this account's token and does not come to an end",
        ))
    }

    /// Commits the rotated refresh token, if there is one and nobody has signed in meanwhile, with what was learned of scopes, and
    /// ends the lease.
    async fn keep_refresh(
        &self,
        row: &Row,
        refresh: Option<&SecretString>,
        learned: Option<String>,
        refreshed: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sealed = refresh.map(|secret| {
            self.sealer.seal(&place("refresh_sealed", self.account), secret.expose_secret().as_bytes())
        });
        let mut tx = self.db.begin().await?;
        tx.execute(
            sql!(
                "UPDATE account SET refresh_sealed = coalesce($1, refresh_sealed),
                   refreshed_at = CASE WHEN $2 THEN $3 ELSE refreshed_at END, scopes = coalesce($7, scopes)
                 WHERE id = $4 AND refresh_lease_owner = $5 AND signed_in_at = $6 AND (kind = 'app' OR refresh_sealed IS NOT NULL)"
            ),
            args![sealed, refreshed, now, self.account, self.owner, row.signed_in_at, learned],
        )
        .await?;
        tx.commit().await?;
        self.release().await
    }

    /// The account may be used over EWS from now on: what kept it from that is over.
    pub(super) async fn works_with(&self, scope: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let before: Option<(Uuid, String)> = tx
            .fetch_optional(
                sql!("SELECT workspace_id, state FROM account WHERE id = $1"),
                args![self.account],
            )
            .await?;
        let Some((workspace, state)) = before else { return tx.rollback().await };
        if state != "online" {
            tx.execute(
                sql!("UPDATE account SET state = 'online', state_since = $1, fault = NULL WHERE id = $2"),
                args![now, self.account],
            )
            .await?;
            let text = format!("the sign-in works for {scope}");
            event(&mut tx, workspace, self.account, now, "online", &text, None).await?;
            tell::account_works(&mut tx, self.account, now).await?;
        }
        tx.commit().await
    }
}

impl AccessTokens for ExchangeTokens {
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
