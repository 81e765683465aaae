//! Pages on which an administrator mends things, in the portals of the right cloud.
//!
//! Sources, as published: the Azure portal's addresses in *National clouds*; the Exchange admin center of GCC High in its release notes
//! (*the new EAC for GCC High*); the Microsoft 365 admin centers of GCC High and DoD in the guides of volume licensing and Defender, that of
//! 21Vianet in the Microsoft 365 documentation; the Defender portals in *Microsoft Defender for US Government customers*, and the path of
//! the list in *Remove blocked users from the Restricted entities page*. DoD and 21Vianet have no address of an Exchange admin center
//! that is published, and 21Vianet none of a Defender portal: the start page of the admin center from which they are reached stands in.
//! The paths behind `#view/` are those to which Microsoft's own articles and tools link; they are the same in every cloud. Since September
//! 2024 licences are assigned in the Microsoft 365 admin center alone (Entra, *licensing change*).

use serde::{Deserialize, Serialize};

use crate::Cloud;

/// A page of a portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Page {
    /// Microsoft Entra ID, App registrations.
    AppRegistrations,
    /// The form for a new app registration.
    NewAppRegistration,
    /// The app registration's overview.
    AppRegistration,
    /// The app registration, Certificates & secrets.
    AppCredentials,
    /// The app registration, Authentication.
    AppAuthentication,
    /// The app registration, API permissions.
    AppPermissions,
    /// Enterprise applications.
    EnterpriseApplications,
    /// Enterprise applications, Consent and permissions.
    ConsentSettings,
    /// Enterprise applications, Consent and permissions, Admin consent settings.
    ConsentRequestSettings,
    /// Enterprise applications, Admin consent requests.
    ConsentRequests,
    /// Users.
    Users,
    /// Microsoft 365 admin center, Licenses.
    Licences,
    /// Devices.
    Devices,
    /// Conditional Access, Policies.
    ConditionalAccess,
    /// Sign-in logs.
    SignInLog,
    /// Risky users.
    RiskyUsers,
    /// External Identities, Cross-tenant access settings.
    CrossTenant,
    /// Microsoft Entra ID, Properties.
    TenantProperties,
    /// Exchange admin center, Mailboxes.
    Mailboxes,
    /// Microsoft Defender, Restricted entities.
    RestrictedEntities,
}

/// A page as it is shown: its name, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageLink {
    /// As the portal names it.
    pub title: String,
    /// Its address.
    pub address: String,
}

impl Page {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::AppRegistrations,
        Self::NewAppRegistration,
        Self::AppRegistration,
        Self::AppCredentials,
        Self::AppAuthentication,
        Self::AppPermissions,
        Self::EnterpriseApplications,
        Self::ConsentSettings,
        Self::ConsentRequestSettings,
        Self::ConsentRequests,
        Self::Users,
        Self::Licences,
        Self::Devices,
        Self::ConditionalAccess,
        Self::SignInLog,
        Self::RiskyUsers,
        Self::CrossTenant,
        Self::TenantProperties,
        Self::Mailboxes,
        Self::RestrictedEntities,
    ];

    /// As the portal names it.
    pub fn title(self) -> &'static str {
        match self {
            Self::AppRegistrations => "App registrations",
            Self::NewAppRegistration => "Register an application",
            Self::AppRegistration => "App registration",
            Self::AppCredentials => "Certificates & secrets",
            Self::AppAuthentication => "Authentication",
            Self::AppPermissions => "API permissions",
            Self::EnterpriseApplications => "Enterprise applications",
            Self::ConsentSettings => "Consent and permissions",
            Self::ConsentRequestSettings => "Admin consent settings",
            Self::ConsentRequests => "Admin consent requests",
            Self::Users => "Users",
            Self::Licences => "Licenses (Microsoft 365 admin center)",
            Self::Devices => "Devices",
            Self::ConditionalAccess => "Conditional Access",
            Self::SignInLog => "Sign-in logs",
            Self::RiskyUsers => "Risky users",
            Self::CrossTenant => "Cross-tenant access settings",
            Self::TenantProperties => "Properties",
            Self::Mailboxes => "Mailboxes (Exchange admin center)",
            Self::RestrictedEntities => "Restricted entities (Microsoft Defender)",
        }
    }

    /// Its address. The pages of an app registration need its client id; without one the list of registrations is given.
    pub fn address(self, cloud: Cloud, client_id: Option<&str>) -> String {
        let of_app = |part: &str| match client_id.filter(|id| is_plain(id)) {
            Some(id) => format!("Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/{part}/appId/{id}"),
            None => directory("RegisteredApps"),
        };
        let view = match self {
            Self::AppRegistrations => directory("RegisteredApps"),
            Self::NewAppRegistration => "Microsoft_AAD_RegisteredApps/CreateApplicationBlade".to_owned(),
            Self::AppRegistration => of_app("Overview"),
            Self::AppCredentials => of_app("Credentials"),
            Self::AppAuthentication => of_app("Authentication"),
            Self::AppPermissions => of_app("CallAnAPI"),
            Self::EnterpriseApplications => enterprise("AppAppsPreview"),
            Self::ConsentSettings => "Microsoft_AAD_IAM/ConsentPoliciesMenuBlade/~/UserSettings".to_owned(),
            Self::ConsentRequestSettings => {
                "Microsoft_AAD_IAM/ConsentPoliciesMenuBlade/~/AdminConsentSettings".to_owned()
            }
            Self::ConsentRequests => enterprise("AccessRequests"),
            Self::Users => "Microsoft_AAD_UsersAndTenants/UserManagementMenuBlade/~/AllUsers".to_owned(),
            Self::Devices => "Microsoft_AAD_Devices/DevicesMenuBlade/~/Devices".to_owned(),
            Self::ConditionalAccess => {
                "Microsoft_AAD_ConditionalAccess/ConditionalAccessBlade/~/Policies".to_owned()
            }
            Self::SignInLog => directory("SignIns"),
            Self::RiskyUsers => "Microsoft_AAD_IAM/SecurityMenuBlade/~/RiskyUsers".to_owned(),
            Self::CrossTenant => {
                "Microsoft_AAD_IAM/CompanyRelationshipsMenuBlade/~/CrossTenantAccessSettings".to_owned()
            }
            Self::TenantProperties => directory("Properties"),
            Self::Licences => return cloud.licences().to_owned(),
            Self::Mailboxes => return cloud.mailboxes().to_owned(),
            Self::RestrictedEntities => return cloud.restricted_entities().to_owned(),
        };
        cloud.view(&view)
    }

    /// With its name.
    pub fn link(self, cloud: Cloud, client_id: Option<&str>) -> PageLink {
        PageLink { title: self.title().to_owned(), address: self.address(cloud, client_id) }
    }
}

impl Cloud {
    /// The Azure portal, without a slash at its end. A cloud with addresses of its own is taken for the worldwide one.
    pub fn portal(self) -> &'static str {
        match self {
            Self::Global | Self::Custom => "https://portal.azure.com",
            Self::GccHigh | Self::Dod => "https://portal.azure.us",
            Self::China => "https://portal.azure.cn",
        }
    }

    /// The clouds whose portals are other ones, each with the region that people know it by.
    pub(crate) fn others(self) -> impl Iterator<Item = (Self, &'static str)> {
        [(Self::Global, "worldwide"), (Self::GccHigh, "US Government"), (Self::China, "China")]
            .into_iter()
            .filter(move |(other, _)| other.portal() != self.portal())
    }

    /// The permissions of the Enterprise Application that a consent has made in a tenant. The page is found by both ids; without the
    /// object's the list of Enterprise Applications is given.
    pub fn enterprise_permissions_page(self, client_id: &str, object_id: Option<&str>) -> String {
        match object_id {
            Some(object) if is_plain(object) && is_plain(client_id) => self.view(&format!(
                "Microsoft_AAD_IAM/ManagedAppMenuBlade/~/Permissions/objectId/{object}/appId/{client_id}"
            )),
            _ => Page::EnterpriseApplications.address(self, None),
        }
    }

    fn view(self, view: &str) -> String {
        format!("{}/#view/{view}", self.portal())
    }

    fn licences(self) -> &'static str {
        match self {
            Self::Global | Self::Custom => "https://admin.microsoft.com/#/licenses",
            Self::GccHigh => "https://portal.office365.us/adminportal/home",
            Self::Dod => "https://portal.apps.mil/adminportal/home",
            Self::China => "https://portal.partner.microsoftonline.cn/adminportal",
        }
    }

    fn mailboxes(self) -> &'static str {
        match self {
            Self::Global | Self::Custom => "https://admin.exchange.microsoft.com/#/mailboxes",
            Self::GccHigh => "https://admin.exchange.office365.us/#/mailboxes",
            Self::Dod | Self::China => self.licences(),
        }
    }

    fn restricted_entities(self) -> &'static str {
        match self {
            Self::Global | Self::Custom => "https://security.microsoft.com/restrictedentities",
            Self::GccHigh => "https://security.microsoft.us/restrictedentities",
            Self::Dod => "https://security.apps.mil/restrictedentities",
            Self::China => self.licences(),
        }
    }
}

fn directory(part: &str) -> String {
    format!("Microsoft_AAD_IAM/ActiveDirectoryMenuBlade/~/{part}")
}

fn enterprise(part: &str) -> String {
    format!("Microsoft_AAD_IAM/StartboardApplicationsMenuBlade/~/{part}")
}

/// Whether an id can stand in an address as it is.
fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.len() <= 64 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "11111111-2222-3333-4444-555555555555";

    #[test]
    fn every_page_lies_in_a_portal_of_its_cloud() {
        for (cloud, hosts) in [
            (
                Cloud::Global,
                &[
                    "portal.azure.com",
                    "admin.microsoft.com",
                    "admin.exchange.microsoft.com",
                    "security.microsoft.com",
                ][..],
            ),
            (
                Cloud::GccHigh,
                &[
                    "portal.azure.us",
                    "portal.office365.us",
                    "admin.exchange.office365.us",
                    "security.microsoft.us",
                ][..],
            ),
            (Cloud::Dod, &["portal.azure.us", "portal.apps.mil", "security.apps.mil"][..]),
            (Cloud::China, &["portal.azure.cn", "portal.partner.microsoftonline.cn"][..]),
        ] {
            let mut seen = std::collections::BTreeSet::new();
            for page in Page::ALL {
                let address = page.address(cloud, Some(ID));
                let host = address.split('/').nth(2).unwrap_or_default().to_owned();
                assert!(hosts.contains(&host.as_str()), "{page:?} of {cloud:?} is at {address}");
                assert!(address.starts_with("https://") && !page.title().is_empty());
                seen.insert(host);
            }
            assert_eq!(seen.len(), hosts.len(), "{cloud:?}: {seen:?}");
        }
        assert_eq!(
            Page::SignInLog.address(Cloud::Dod, None),
            "https://portal.azure.us/#view/Microsoft_AAD_IAM/ActiveDirectoryMenuBlade/~/SignIns"
        );
    }

    #[test]
    fn a_page_of_an_app_names_the_app_and_nothing_strange() {
        let address = Page::AppCredentials.address(Cloud::Global, Some(ID));
        assert!(address.ends_with(&format!("~/Credentials/appId/{ID}")), "{address}");
        for odd in [None, Some(""), Some("a/b"), Some("a b")] {
            assert!(Page::AppCredentials.address(Cloud::China, odd).ends_with("~/RegisteredApps"));
        }
        let known = Cloud::GccHigh.enterprise_permissions_page(ID, Some(ID));
        assert!(known.starts_with("https://portal.azure.us/") && known.contains("/objectId/"), "{known}");
        for odd in [None, Some("a/b")] {
            let list = Cloud::GccHigh.enterprise_permissions_page(ID, odd);
            assert!(list.ends_with("~/AppAppsPreview"), "{list}");
        }
    }
}
