//! How Postroom is registered in Entra: redirect URI, permissions, scripts, links and the fence, as texts. Pure: the console's
//! page and `postroom setup microsoft` show the same.
//!
//! Begin with [`texts`]: [`permissions`] are what the registration names, `scripts` make it, `approval` is what the tenant's
//! administrator allows, `fence` keeps an application to named mailboxes.
//!
//! Sources: Microsoft Graph permissions reference; admin consent endpoint v2.0; RBAC for Applications in Exchange Online; Manage user
//! consent, managed policy of October 2025.

mod approval;
mod fence;
mod permissions;
mod scripts;

use fault::Page;
use serde::Serialize;
use url::Url;

use super::cloud::{self, Cloud};
use approval::{consent_links, prerequisites};
use scripts::{azure_cli, powershell};

pub use approval::{Link, Step};
pub use fence::{fence, read_mailboxes};
pub use permissions::{Permission, permissions};

/// What Postroom shall be able to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a tick box of its own")]
pub struct Wishes {
    /// Read mail and mark it (Message Sources).
    pub read: bool,
    /// Send mail (Message Outbounds).
    pub send: bool,
    /// Also in mailboxes of others that the account has rights on.
    pub shared: bool,
    /// Over EWS instead of Graph.
    pub ews: bool,
    /// Without a person: application permission.
    pub application: bool,
    /// For application permission: the mailboxes that it is fenced to. None: it reaches every mailbox.
    pub mailboxes: Vec<String>,
    /// Read from the directory when the app's own credentials end.
    pub credential_ends: bool,
}

/// What [`Wishes::credential_ends`] is for.
pub const CREDENTIAL_ENDS: &str = "Postroom reads from Microsoft when its own secrets and certificates end (Application.Read.All, an application \
     permission that an administrator grants); without it you enter a secret's last day by hand.";

impl Default for Wishes {
    fn default() -> Self {
        Self {
            read: true,
            send: true,
            shared: false,
            ews: false,
            application: false,
            mailboxes: Vec::new(),
            credential_ends: false,
        }
    }
}

/// Where and as what Postroom is registered.
#[derive(Clone, Debug)]
pub struct Where {
    /// The cloud.
    pub cloud: Cloud,
    /// Where people sign in.
    pub login_url: Url,
    /// Graph.
    pub graph_url: Url,
    /// EWS; none: as Exchange Online has it.
    pub ews_url: Option<Url>,
    /// Whether other tenants may connect.
    pub multi_tenant: bool,
    /// The registration's name.
    pub name: String,
    /// Where Microsoft sends people back to.
    pub redirect_uri: Url,
    /// The client id, once there is one.
    pub client_id: Option<String>,
    /// The tenant, where one is known.
    pub tenant: Option<String>,
    /// Comes back with an administrator from the consent link.
    pub state: Option<String>,
}

/// Everything that is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Texts {
    /// Where Microsoft sends people back to; platform *Web*.
    pub redirect_uri: String,
    /// What is wrong with it, where Entra would not take it.
    pub redirect_uri_problem: Option<String>,
    /// `AzureADMyOrg` or `AzureADMultipleOrgs`.
    pub audience: &'static str,
    /// The permissions that the registration names.
    pub permissions: Vec<Permission>,
    /// Makes the registration with the Azure CLI.
    pub azure_cli: String,
    /// Makes it with Microsoft Graph PowerShell.
    pub powershell: String,
    /// Where it is made by hand.
    pub portal: String,
    /// What the tenant must allow.
    pub prerequisites: Vec<Step>,
    /// For an administrator, once there is a client id.
    pub consent_links: Vec<Link>,
    /// Fences application permission to the named mailboxes.
    pub fence: Option<String>,
    /// What must be known beforehand.
    pub warnings: Vec<String>,
}

/// All texts.
pub fn texts(place: &Where, wishes: &Wishes) -> Texts {
    let permissions = permissions(wishes);
    Texts {
        redirect_uri: place.redirect_uri.to_string(),
        redirect_uri_problem: redirect_uri_problem(&place.redirect_uri),
        audience: audience(place),
        azure_cli: azure_cli(place, &permissions),
        powershell: powershell(place, &permissions),
        portal: Page::NewAppRegistration.address(cloud::of_portals(place.cloud, &place.login_url), None),
        prerequisites: prerequisites(cloud::of_portals(place.cloud, &place.login_url)),
        consent_links: consent_links(place, &permissions),
        fence: (wishes.application && !wishes.mailboxes.is_empty()).then(|| fence(place, wishes)),
        warnings: warnings(place, wishes),
        permissions,
    }
}

fn audience(place: &Where) -> &'static str {
    if place.multi_tenant { "AzureADMultipleOrgs" } else { "AzureADMyOrg" }
}

/// What Entra would not take (redirect URI restrictions).
fn redirect_uri_problem(uri: &Url) -> Option<String> {
    let is_here = matches!(uri.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if uri.scheme() != "https" && !is_here {
        return Some(
            "Entra takes only https here, except for localhost: set public_url under [server] to the address with https."
                .to_owned(),
        );
    }
    if is_here {
        return Some(
            "This address works in a browser on this machine only. Set public_url under [server] to the address that people use."
                .to_owned(),
        );
    }
    (uri.as_str().len() > 256)
        .then(|| "Entra takes at most 256 characters here: use a shorter public_url.".to_owned())
}

fn warnings(place: &Where, wishes: &Wishes) -> Vec<String> {
    let mut warnings = Vec::new();
    if wishes.ews {
        warnings.push(
            "Exchange Online blocks EWS since 1 October 2026 unless the tenant allows this client id (EwsAllowedAppIDs), and ends \
             it on 1 April 2027. Exchange on your own machines is not affected. Use Graph where you can."
                .to_owned(),
        );
    }
    if wishes.application && wishes.mailboxes.is_empty() {
        warnings.push(
            "Without named mailboxes the application reaches every mailbox of the tenant. Name the mailboxes to get the commands \
             that fence it."
                .to_owned(),
        );
    }
    if wishes.application && !wishes.mailboxes.is_empty() {
        warnings.push(
            "Grant no application permission for mail in Entra beside the fence: the two add up, and the fence would keep nothing \
             out. A change of the fence takes 30 minutes to 2 hours to be seen."
                .to_owned(),
        );
    }
    if place.multi_tenant {
        warnings.push(
            "A further tenant connects by the first sign-in of an administrator of its own, which makes the Enterprise Application \
             there."
                .to_owned(),
        );
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn place() -> Where {
        let url = |text: &str| Url::parse(text).expect("an address");
        Where {
            cloud: Cloud::Global,
            login_url: url(Cloud::Global.login()),
            graph_url: url(Cloud::Global.graph()),
            ews_url: None,
            multi_tenant: false,
            name: "Postroom".to_owned(),
            redirect_uri: url("https://postroom.example.com/oauth/callback"),
            client_id: Some("11111111-2222-3333-4444-555555555555".to_owned()),
            tenant: Some("contoso.com".to_owned()),
            state: None,
        }
    }

    /// Promise: a redirect URI that Entra would refuse is said before.
    #[test]
    fn a_redirect_uri_that_entra_refuses_is_said() {
        for (uri, is_wrong) in [
            ("https://postroom.example.com/oauth/callback", false),
            ("http://postroom.example.com/oauth/callback", true),
            ("http://localhost:8070/oauth/callback", true),
        ] {
            let url = Url::parse(uri).expect("an address");
            assert_eq!(redirect_uri_problem(&url).is_some(), is_wrong, "{uri}");
        }
    }
}
