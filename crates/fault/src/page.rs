//! Pages of the Azure portal on which an administrator mends things, in the portal of the right cloud.

use serde::{Deserialize, Serialize};

/// A national cloud (Microsoft identity platform, national clouds). GCC is part of the global one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cloud {
    /// login.microsoftonline.com.
    #[default]
    Global,
    /// login.microsoftonline.us: GCC High and DoD, which share login and portal.
    UsGovernment,
    /// login.partner.microsoftonline.cn.
    China,
}

impl Cloud {
    /// The cloud of a login address; the global one for what is not known (a simulator).
    pub fn of_login(login_url: &str) -> Self {
        let host =
            login_url.split("://").last().unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
        if host.ends_with(".microsoftonline.us") {
            Self::UsGovernment
        } else if host.ends_with(".microsoftonline.cn") || host == "login.chinacloudapi.cn" {
            Self::China
        } else {
            Self::Global
        }
    }

    /// The portal's address, without a slash at its end.
    pub fn portal(self) -> &'static str {
        match self {
            Self::Global => "https://portal.azure.com",
            Self::UsGovernment => "https://portal.azure.us",
            Self::China => "https://portal.azure.cn",
        }
    }
}

/// A page of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Page {
    /// Microsoft Entra ID, App registrations.
    AppRegistrations,
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
    /// Enterprise applications, Admin consent requests.
    ConsentRequests,
    /// Users.
    Users,
    /// Licenses.
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
}

impl Page {
    /// As the portal names it.
    pub fn title(self) -> &'static str {
        match self {
            Self::AppRegistrations => "App registrations",
            Self::AppRegistration => "App registration",
            Self::AppCredentials => "Certificates & secrets",
            Self::AppAuthentication => "Authentication",
            Self::AppPermissions => "API permissions",
            Self::EnterpriseApplications => "Enterprise applications",
            Self::ConsentSettings => "Consent and permissions",
            Self::ConsentRequests => "Admin consent requests",
            Self::Users => "Users",
            Self::Licences => "Licenses",
            Self::Devices => "Devices",
            Self::ConditionalAccess => "Conditional Access",
            Self::SignInLog => "Sign-in logs",
            Self::RiskyUsers => "Risky users",
            Self::CrossTenant => "Cross-tenant access settings",
            Self::TenantProperties => "Properties",
        }
    }

    /// Its address. The pages of an app registration need its client id; without one the list of registrations is given.
    pub fn address(self, cloud: Cloud, client_id: Option<&str>) -> String {
        let of_app = |part: &str| match client_id.filter(|id| is_plain(id)) {
            Some(id) => format!("Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/{part}/appId/{id}"),
            None => "Microsoft_AAD_IAM/ActiveDirectoryMenuBlade/~/RegisteredApps".to_owned(),
        };
        let directory = |part: &str| format!("Microsoft_AAD_IAM/ActiveDirectoryMenuBlade/~/{part}");
        let enterprise = |part: &str| format!("Microsoft_AAD_IAM/StartboardApplicationsMenuBlade/~/{part}");
        let view = match self {
            Self::AppRegistrations => directory("RegisteredApps"),
            Self::AppRegistration => of_app("Overview"),
            Self::AppCredentials => of_app("Credentials"),
            Self::AppAuthentication => of_app("Authentication"),
            Self::AppPermissions => of_app("CallAnAPI"),
            Self::EnterpriseApplications => enterprise("AppAppsPreview"),
            Self::ConsentSettings => "Microsoft_AAD_IAM/ConsentPoliciesMenuBlade/~/UserSettings".to_owned(),
            Self::ConsentRequests => enterprise("AccessRequests"),
            Self::Users => "Microsoft_AAD_UsersAndTenants/UserManagementMenuBlade/~/AllUsers".to_owned(),
            Self::Licences => "Microsoft_AAD_IAM/LicensesMenuBlade/~/Products".to_owned(),
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
        };
        format!("{}/#view/{view}", cloud.portal())
    }
}

/// Whether a client id can stand in an address as it is.
fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.len() <= 64 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portal_is_that_of_the_cloud() {
        for (login, cloud) in [
            ("https://login.microsoftonline.com", Cloud::Global),
            ("https://login.microsoftonline.us/", Cloud::UsGovernment),
            ("https://login.partner.microsoftonline.cn", Cloud::China),
            ("https://login.chinacloudapi.cn", Cloud::China),
            ("http://127.0.0.1:4000", Cloud::Global),
            ("", Cloud::Global),
            ("https://evil.test/.microsoftonline.us", Cloud::Global),
        ] {
            assert_eq!(Cloud::of_login(login), cloud, "{login}");
        }
        let address = Page::SignInLog.address(Cloud::UsGovernment, None);
        assert_eq!(
            address,
            "https://portal.azure.us/#view/Microsoft_AAD_IAM/ActiveDirectoryMenuBlade/~/SignIns"
        );
    }

    #[test]
    fn a_page_of_an_app_names_the_app_and_nothing_strange() {
        let id = "11111111-2222-3333-4444-555555555555";
        let address = Page::AppCredentials.address(Cloud::Global, Some(id));
        assert!(address.ends_with(&format!("~/Credentials/appId/{id}")), "{address}");
        for odd in [None, Some(""), Some("a/b"), Some("a b")] {
            assert!(Page::AppCredentials.address(Cloud::China, odd).ends_with("~/RegisteredApps"));
        }
    }
}
