//! The app registration in use: the Entra app that Postroom is, with its endpoints looked up once per tenant.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use fault::Fault;
use microsoft::signin::{self, Application, Credential, Discovery};
use url::Url;
use uuid::Uuid;

/// The app registration. Endpoints come from discovery, per tenant, and are kept.
#[derive(Debug)]
pub struct Registration {
    /// Row id.
    pub id: Uuid,
    /// Application (client) id.
    pub client_id: String,
    /// The tenant that sign-ins begin in: a tenant's id, a domain, `organizations` or `common`.
    pub tenant: String,
    /// For example `https://login.microsoftonline.com`.
    pub login_url: Url,
    /// Where Microsoft sends people back to; registered there, letter for letter.
    pub redirect_uri: Url,
    credential: Credential,
    discovered: Mutex<HashMap<String, Discovery>>,
}

impl Registration {
    /// A registration as its row and the configuration say.
    pub fn new(
        id: Uuid,
        client_id: String,
        tenant: String,
        login_url: Url,
        redirect_uri: Url,
        credential: Credential,
    ) -> Self {
        Self { id, client_id, tenant, login_url, redirect_uri, credential, discovered: Mutex::default() }
    }

    /// Endpoints and application for a tenant.
    pub async fn in_tenant(
        &self,
        http: &reqwest::Client,
        tenant: &str,
    ) -> Result<(Discovery, Application), Fault> {
        let known = self.discovered.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned();
        let discovery = match known {
            Some(discovery) => discovery,
            None => {
                let found = signin::discover(http, &self.login_url, tenant).await?;
                self.discovered
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(tenant.to_owned(), found.clone());
                found
            }
        };
        let application = Application {
            client_id: self.client_id.clone(),
            credential: self.credential.clone(),
            tenant: tenant.to_owned(),
            redirect_uri: self.redirect_uri.clone(),
        };
        Ok((discovery, application))
    }

    /// Endpoints and application where sign-ins begin.
    pub async fn at_home(&self, http: &reqwest::Client) -> Result<(Discovery, Application), Fault> {
        self.in_tenant(http, &self.tenant).await
    }
}
