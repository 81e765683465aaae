//! What the tenant must allow, and the links by which its administrator approves.

use fault::Page;
use serde::Serialize;

use super::Where;
use super::permissions::Permission;
use crate::connections::cloud::Cloud;
use crate::connections::scopes;

/// A step with the page where it is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it is about.
    pub title: &'static str,
    /// What to look at or do.
    pub text: String,
    /// The page.
    pub link: String,
}

/// A link for an administrator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// What it approves.
    pub label: &'static str,
    /// The address.
    pub url: String,
}

pub(super) fn prerequisites(cloud: Cloud) -> Vec<Step> {
    vec![
        Step {
            title: "Whether users may consent",
            text: "With the policy that Microsoft manages (the default of new tenants), users may sign in to Postroom and let it send, \
                   but not let it read mail: an administrator approves once. Where users may consent, each mailbox's owner \
                   approves for their own mailbox and no administrator is needed."
                .to_owned(),
            link: Page::ConsentSettings.address(cloud, None),
        },
        Step {
            title: "Whether users may ask for approval, and who reviews it",
            text: "With admin consent requests switched on, the owner of a mailbox sends a request from Microsoft's own page, and the \
                   reviewers named there get it. With them off, send the administrator the consent link."
                .to_owned(),
            link: Page::ConsentRequestSettings.address(cloud, None),
        },
        Step {
            title: "Requests that wait",
            text: "Where a reviewer approves what was asked for.".to_owned(),
            link: Page::ConsentRequests.address(cloud, None),
        },
    ]
}

/// The links by which an administrator approves for the whole tenant: one for each API, since one link names one.
pub(super) fn consent_links(place: &Where, permissions: &[Permission]) -> Vec<Link> {
    let Some(client_id) = &place.client_id else { return Vec::new() };
    let tenant = place.tenant.as_deref().unwrap_or("organizations");
    let state = place.state.as_deref().unwrap_or("approval");
    let whole = permissions.iter().any(|one| one.kind == "application");
    let link = |label, own: &[String]| {
        // All of an API stands alone; named ones go with those that every sign-in asks for.
        let named = scopes::of_openid().filter(|_| !whole);
        let scopes: Vec<&str> = named.chain(own.iter().map(String::as_str)).collect();
        let url = microsoft::signin::admin_consent_address(
            &place.login_url,
            tenant,
            client_id,
            &scopes,
            &place.redirect_uri,
            state,
        );
        Link { label, url: url.to_string() }
    };
    let resource = |api: &str| {
        if api == "Microsoft Graph" {
            place.graph_url.as_str().trim_end_matches('/').to_owned()
        } else {
            let ews = place.ews_url.as_ref().map(|url| url.origin().ascii_serialization());
            ews.unwrap_or_else(|| "https://outlook.office365.com".to_owned())
        }
    };
    let mut links = Vec::new();
    for (label, api) in [
        ("Approve for Microsoft Graph", "Microsoft Graph"),
        ("Approve for Exchange Web Services", "Office 365 Exchange Online"),
    ] {
        let own = permissions.iter().filter(|one| one.api == api && one.name.contains('.'));
        let scopes: Vec<String> = if whole {
            // Application permission is asked for as all that the registration names of an API.
            own.take(1).map(|_| format!("{}/.default", resource(api))).collect()
        } else {
            own.filter(|one| one.kind == "delegated")
                .map(|one| format!("{}/{}", resource(api), one.name))
                .collect()
        };
        if !scopes.is_empty() {
            links.push(link(label, &scopes));
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::super::tests::place;
    use super::super::{Wishes, texts};
    use super::*;

    /// Promise: consent links name the endpoint's tenant, one API each, and `.default` where the app itself is to be let in.
    #[test]
    fn consent_links_are_those_of_the_endpoint() {
        let wishes = Wishes { shared: true, ..Wishes::default() };
        let links = texts(&place(), &wishes).consent_links;
        assert_eq!(links.len(), 1, "{links:?}");
        let url = Url::parse(&links[0].url).expect("an address");
        assert_eq!(url.path(), "/contoso.com/v2.0/adminconsent");
        let scope = url.query_pairs().find(|(name, _)| name == "scope").expect("a scope").1.into_owned();
        assert_eq!(
            scope
                .split(' ')
                .map(|one| one.strip_prefix("https://graph.microsoft.com/").unwrap_or(one))
                .collect::<Vec<_>>(),
            [
                "openid",
                "profile",
                "email",
                "offline_access",
                "User.Read",
                "Mail.ReadWrite",
                "Mail.ReadWrite.Shared",
                "Mail.Send",
                "Mail.Send.Shared"
            ]
        );
        let all = Wishes { ews: true, application: true, ..Wishes::default() };
        let anywhere = Where { tenant: None, ..place() };
        let links = texts(&anywhere, &all).consent_links;
        assert_eq!(links.len(), 2, "{links:?}");
        assert!(
            links.iter().all(|link| link.url.contains("organizations")
                && link.url.contains("%2F.default")
                && !link.url.contains("openid")),
            "{links:?}"
        );
        assert!(texts(&Where { client_id: None, ..place() }, &all).consent_links.is_empty());
        // One application permission is enough: no list of delegated ones would grant it.
        let ends = Wishes { credential_ends: true, ..Wishes::default() };
        let links = texts(&place(), &ends).consent_links;
        assert!(links.len() == 1 && links[0].url.contains("%2F.default"), "{links:?}");
    }
}
