//! What the app is in a tenant: its Enterprise Application, and whose consent covers it. The directory tells that only to a token
//! that may read it (`Application.Read.All`, `DelegatedPermissionGrant.Read.All`), which reading mail does not take: nothing here is
//! needed for anything, and a refusal is an ordinary answer.

use std::time::Duration;

use fault::Fault;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::{encoded, refusal};
use crate::answer::{self, Unread};
use crate::network;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Answers are small; a tenant of many people has long lists of grants.
const LARGEST: usize = 1 << 20;

/// An Enterprise Application (`servicePrincipal`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnterpriseApplication {
    /// Its id in this tenant. The application id is the same everywhere.
    pub id: String,
    /// As the tenant calls it.
    #[serde(default)]
    pub display_name: String,
}

/// A consent as the directory keeps it (`oAuth2PermissionGrant`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// `AllPrincipals` or `Principal`.
    #[serde(default)]
    pub consent_type: String,
    /// Whose it is; none where it covers everybody.
    #[serde(default)]
    pub principal_id: Option<String>,
    /// The permissions, separated by spaces.
    #[serde(default)]
    pub scope: Option<String>,
}

/// Asks the directory of the token's tenant for the Enterprise Application of a client id.
pub async fn enterprise_application(
    http: &reqwest::Client,
    graph_url: &Url,
    token: &SecretString,
    client_id: &str,
) -> Result<EnterpriseApplication, Fault> {
    let path = format!("servicePrincipals(appId='{}')?$select=id,displayName", encoded(client_id));
    ask(http, graph_url, token, &path).await
}

/// The first page of the consents to an Enterprise Application.
pub async fn grants(
    http: &reqwest::Client,
    graph_url: &Url,
    token: &SecretString,
    application: &EnterpriseApplication,
) -> Result<Vec<Grant>, Fault> {
    #[derive(Deserialize)]
    struct Listing {
        value: Vec<Grant>,
    }
    let path = format!("servicePrincipals/{}/oauth2PermissionGrants", encoded(&application.id));
    ask(http, graph_url, token, &path).await.map(|listing: Listing| listing.value)
}

async fn ask<T: DeserializeOwned>(
    http: &reqwest::Client,
    graph_url: &Url,
    token: &SecretString,
    path: &str,
) -> Result<T, Fault> {
    let host = graph_url.host_str().unwrap_or_default();
    let address = format!("{}/v1.0/{path}", graph_url.as_str().trim_end_matches('/'));
    let request = http.get(address).timeout(PATIENCE).bearer_auth(token.expose_secret());
    let response = request.send().await.map_err(|error| network::failed(&error, host))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = answer::body(response, LARGEST).await.map_err(|unread| match unread {
        Unread::Failed(error) => network::failed(&error, host),
        Unread::TooLarge => network::unreadable(host, "an answer of the directory that is too large"),
    })?;
    if !status.is_success() {
        return Err(refusal::Refused::read(status.as_u16(), &headers, &body, None).fault);
    }
    serde_json::from_slice(&body).map_err(|error| {
        network::no_answer(host, &body, &format!("an answer of the directory that cannot be read: {error}"))
    })
}

/// Whose consent covers what is wanted of an account: an administrator's (`true`), the person's own (`false`), or neither alone.
pub fn is_by_administrator(grants: &[Grant], object_id: &str, wanted: &[&str]) -> Option<bool> {
    let covers = |fits: &dyn Fn(&Grant) -> bool| {
        !wanted.is_empty()
            && wanted.iter().all(|scope| {
                grants.iter().filter(|grant| fits(grant)).any(|grant| {
                    let granted = grant.scope.as_deref().unwrap_or_default();
                    granted.split_ascii_whitespace().any(|own| own.eq_ignore_ascii_case(scope))
                })
            })
    };
    if covers(&|grant| grant.consent_type == "AllPrincipals") {
        Some(true)
    } else if covers(&|grant| {
        grant.principal_id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(object_id))
    }) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(principal: Option<&str>, scope: &str) -> Grant {
        Grant {
            consent_type: if principal.is_some() { "Principal" } else { "AllPrincipals" }.to_owned(),
            principal_id: principal.map(str::to_owned),
            scope: Some(scope.to_owned()),
        }
    }

    /// Promise: an administrator's consent is said only where it covers all that is wanted, the person's own only where theirs does.
    #[test]
    fn the_consent_that_covers_an_account_is_told() {
        let wanted = ["Mail.ReadWrite", "User.Read"];
        let whole = "openid Mail.ReadWrite User.Read";
        let told = |grants: &[Grant]| is_by_administrator(grants, "o-1", &wanted);
        assert_eq!(told(&[grant(None, whole)]), Some(true));
        assert_eq!(told(&[grant(Some("o-1"), whole)]), Some(false));
        assert_eq!(told(&[grant(Some("O-1"), whole), grant(None, "User.Read")]), Some(false));
        assert_eq!(told(&[grant(Some("o-2"), whole)]), None, "somebody else's");
        assert_eq!(
            told(&[grant(None, "Mail.ReadWrite"), grant(Some("o-1"), "User.Read")]),
            None,
            "both in part"
        );
        assert_eq!(told(&[]), None);
        assert_eq!(is_by_administrator(&[grant(None, whole)], "o-1", &[]), None, "nothing is wanted");
    }
}
