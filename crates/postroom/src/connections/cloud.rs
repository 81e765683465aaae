//! The clouds of Microsoft 365: their addresses, their portals, and how the command-line tools name them. An app is registered
//! in one of them; tokens are not taken in another.
//!
//! Sources: Microsoft identity platform, national clouds; Microsoft Graph, national cloud deployments.

use url::Url;

/// A cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// The worldwide one, GCC included.
    Global,
    /// US Government, GCC High.
    GccHigh,
    /// US Government, Department of Defense.
    Dod,
    /// China, operated by 21Vianet.
    China,
    /// Addresses of one's own: a proxy, an Exchange on premises, the simulator.
    Custom,
}

impl Cloud {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 5] = [Self::Global, Self::GccHigh, Self::Dod, Self::China, Self::Custom];

    /// As a row and a form name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::GccHigh => "gcc_high",
            Self::Dod => "dod",
            Self::China => "china",
            Self::Custom => "custom",
        }
    }

    /// The cloud of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cloud| cloud.word() == word)
    }

    /// The cloud with these addresses. GCC High and DoD share the sign-in; Graph tells them apart.
    pub fn of_addresses(login: &Url, graph: &Url) -> Self {
        let host = |url: &Url| url.host_str().unwrap_or_default().to_ascii_lowercase();
        let (login, graph) = (host(login), host(graph));
        let is = |cloud: &Self| {
            [cloud.login(), cloud.graph()]
                .into_iter()
                .zip([&login, &graph])
                .all(|(own, given)| own.strip_prefix("https://") == Some(given.as_str()))
        };
        Self::ALL.into_iter().find(is).unwrap_or(Self::Custom)
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Global => "Worldwide (also GCC)",
            Self::GccHigh => "US Government GCC High",
            Self::Dod => "US Government DoD",
            Self::China => "China (21Vianet)",
            Self::Custom => "Addresses of your own",
        }
    }

    /// Where people sign in; empty for [`Cloud::Custom`].
    pub fn login(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::GccHigh | Self::Dod => "https://login.microsoftonline.us",
            Self::China => "https://login.partner.microsoftonline.cn",
            Self::Custom => "",
        }
    }

    /// Microsoft Graph; empty for [`Cloud::Custom`].
    pub fn graph(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::GccHigh => "https://graph.microsoft.us",
            Self::Dod => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
            Self::Custom => "",
        }
    }

    /// Exchange Web Services; empty for [`Cloud::Custom`].
    pub fn ews(self) -> &'static str {
        match self {
            Self::Global => "https://outlook.office365.com/EWS/Exchange.asmx",
            Self::GccHigh => "https://outlook.office365.us/EWS/Exchange.asmx",
            Self::Dod => "https://outlook-dod.office365.us/EWS/Exchange.asmx",
            Self::China => "https://partner.outlook.cn/EWS/Exchange.asmx",
            Self::Custom => "",
        }
    }

    /// The portal for people. A cloud with addresses of its own is taken for the worldwide one.
    pub fn portal(self) -> &'static str {
        match self {
            Self::Global | Self::Custom => "https://portal.azure.com",
            Self::GccHigh | Self::Dod => "https://portal.azure.us",
            Self::China => "https://portal.azure.cn",
        }
    }

    /// For `az cloud set --name`.
    pub fn azure_cli(self) -> &'static str {
        match self {
            Self::Global | Self::Custom => "AzureCloud",
            Self::GccHigh | Self::Dod => "AzureUSGovernment",
            Self::China => "AzureChinaCloud",
        }
    }

    /// For `Connect-MgGraph -Environment`.
    pub fn graph_environment(self) -> &'static str {
        match self {
            Self::Global | Self::Custom => "Global",
            Self::GccHigh => "USGov",
            Self::Dod => "USGovDoD",
            Self::China => "China",
        }
    }

    /// For `Connect-ExchangeOnline -ExchangeEnvironmentName`.
    pub fn exchange_environment(self) -> &'static str {
        match self {
            Self::Global | Self::Custom => "O365Default",
            Self::GccHigh => "O365USGovGCCHigh",
            Self::Dod => "O365USGovDoD",
            Self::China => "O365China",
        }
    }

    /// The page of the portal with this path.
    fn page(self, path: &str) -> String {
        format!("{}/#view/{path}", self.portal())
    }

    /// Where an app registration is made by hand.
    pub fn new_registration_page(self) -> String {
        self.page("Microsoft_AAD_RegisteredApps/CreateApplicationBlade")
    }

    /// The registration's secrets and certificates.
    pub fn credentials_page(self, client_id: &str) -> String {
        self.page(&format!(
            "Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Credentials/appId/{client_id}"
        ))
    }

    /// The registration's permissions.
    pub fn registration_permissions_page(self, client_id: &str) -> String {
        self.page(&format!("Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/CallAnAPI/appId/{client_id}"))
    }

    /// The permissions of the Enterprise Application that a consent makes in a tenant. `object_id` where it is known.
    pub fn enterprise_permissions_page(self, client_id: &str, object_id: Option<&str>) -> String {
        let object = object_id.map(|id| format!("/objectId/{id}")).unwrap_or_default();
        self.page(&format!("Microsoft_AAD_IAM/ManagedAppMenuBlade/~/Permissions{object}/appId/{client_id}"))
    }

    /// Whether users of a tenant may consent.
    pub fn user_consent_page(self) -> String {
        self.page("Microsoft_AAD_IAM/ConsentPoliciesMenuBlade/~/UserSettings")
    }

    /// Whether users of a tenant may ask an administrator to consent, and who reviews that.
    pub fn consent_requests_settings_page(self) -> String {
        self.page("Microsoft_AAD_IAM/ConsentPoliciesMenuBlade/~/AdminConsentSettings")
    }

    /// The requests that wait for a reviewer.
    pub fn consent_requests_page(self) -> String {
        self.page("Microsoft_AAD_IAM/StartboardApplicationsMenuBlade/~/AccessRequests")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a cloud is known by its addresses, and anything else is one's own.
    #[test]
    fn clouds_are_known_by_their_addresses() {
        for cloud in Cloud::ALL {
            assert_eq!(Cloud::of_word(cloud.word()), Some(cloud));
            if cloud == Cloud::Custom {
                continue;
            }
            let [login, graph, ews] =
                [cloud.login(), cloud.graph(), cloud.ews()].map(|text| Url::parse(text).expect("an address"));
            assert_eq!(Cloud::of_addresses(&login, &graph), cloud);
            assert_eq!(ews.scheme(), "https");
        }
        let own = Url::parse("http://127.0.0.1:4000").expect("an address");
        assert_eq!(Cloud::of_addresses(&own, &own), Cloud::Custom);
        let mixed = (Url::parse(Cloud::Global.login()), Url::parse(Cloud::China.graph()));
        assert_eq!(Cloud::of_addresses(&mixed.0.expect("one"), &mixed.1.expect("one")), Cloud::Custom);
        assert_eq!(Cloud::of_word("moon"), None);
    }
}
