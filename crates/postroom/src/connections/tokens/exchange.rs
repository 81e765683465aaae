//! Access tokens for Exchange Web Services, which are a resource of their own beside Graph. One refresh token serves both, and
//! each request names one of them, so the account's lease and lock order the requests and its rotated refresh token is
//! committed first here too (R1). The access token is kept in memory alone.

use std::sync::Arc;
use std::time::Duration;

use fault::Fault;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use microsoft::{AccessTokens, signin};
use secrecy::{ExposeSecret, SecretString};
use store::{StoreError, args, sql};
use tokio::sync::Mutex;

use super::{AccountTokens, Held, from_store, place};

/// The tokens of one account for one Exchange.
#[derive(Debug)]
pub struct ExchangeTokens {
    account: Arc<AccountTokens>,
    /// The permission, with its resource.
    scope: String,
    now: Mutex<Option<Held>>,
}

impl ExchangeTokens {
    /// Tokens with this permission, such as `https://outlook.office365.com/EWS.AccessAsUser.All`.
    pub fn new(account: Arc<AccountTokens>, scope: String) -> Self {
        Self { account, scope, now: Mutex::new(None) }
    }

    async fn token(&self, refused: Option<&SecretString>) -> Result<SecretString, Fault> {
        let mut now = self.now.lock().await;
        if let Some(held) = now.as_ref()
            && self.account.lasts(held)
            && refused.is_none_or(|refused| refused.expose_secret() != held.token.expose_secret())
        {
            return Ok(held.token.clone());
        }
        // An application asks for all that it was granted on the resource.
        let resource = self.scope.rsplit_once('/').map_or(self.scope.as_str(), |(resource, _)| resource);
        let whole = format!("{resource}/.default");
        let held = self.account.beside(&[self.scope.as_str(), "offline_access"], &whole).await?;
        let token = held.token.clone();
        *now = Some(held);
        Ok(token)
    }
}

impl AccountTokens {
    /// A token for another resource than Graph. What the account may do on Graph, and how it is, stay as they are: a refusal is
    /// that of the connection which asked.
    async fn beside(&self, scopes: &[&str], resource: &str) -> Result<Held, Fault> {
        // Nobody refreshes beside it, neither in this process nor on another node.
        let _turn = self.now.lock().await;
        for _ in 0..60 {
            if self.lease().await.map_err(|error| from_store(&error))? {
                let row = self.row().await?;
                let answer = if row.kind == "app" {
                    self.as_application(&row, resource).await
                } else {
                    self.refresh_with(&row, scopes).await
                };
                let now = self.clock.now();
                let refresh = answer.as_ref().ok().and_then(|tokens| tokens.refresh.as_ref());
                self.keep_refresh(refresh, answer.is_ok(), now).await.map_err(|error| from_store(&error))?;
                return answer.map(|tokens| held(tokens, now));
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Err(Fault::own(
            "own.refresh_busy",
            "another node refreshes this account's token and does not come to an end",
        ))
    }

    /// Commits the rotated refresh token, if there is one, and ends the lease.
    async fn keep_refresh(
        &self,
        refresh: Option<&SecretString>,
        refreshed: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sealed = refresh.map(|secret| {
            self.sealer.seal(&place("refresh_sealed", self.account), secret.expose_secret().as_bytes())
        });
        let mut tx = self.db.begin().await?;
        tx.execute(
            sql!(
                "UPDATE account SET refresh_sealed = coalesce($1, refresh_sealed), refresh_lease_until = NULL,
                   refreshed_at = CASE WHEN $2 THEN $3 ELSE refreshed_at END WHERE id = $4 AND refresh_lease_owner = $5"
            ),
            args![sealed, refreshed, now, self.account, self.owner],
        )
        .await?;
        tx.commit().await
    }
}

fn held(tokens: signin::Tokens, now: Timestamp) -> Held {
    let lasts = SignedDuration::try_from(tokens.expires_in).unwrap_or(SignedDuration::ZERO);
    Held { token: tokens.access, until: now.saturating_add(lasts).unwrap_or(Timestamp::MAX) }
}

impl AccessTokens for ExchangeTokens {
    fn get(&self) -> BoxFuture<'_, Result<SecretString, Fault>> {
        Box::pin(self.token(None))
    }

    fn refused(&self, token: &SecretString) -> BoxFuture<'_, Result<SecretString, Fault>> {
        let token = token.clone();
        Box::pin(async move { self.token(Some(&token)).await })
    }
}
