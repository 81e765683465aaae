//! The clouds of Microsoft 365: their addresses, their portals, and how command-line tools name them. An app is registered in
//! one of them; neither tokens nor portals serve another.
//!
//! Sources: Microsoft identity platform, *National clouds* (sign-in, portals); Microsoft Graph, *National cloud deployments* (Graph; for
//! 21Vianet it names the older sign-in); Exchange Online PowerShell, *Connect-ExchangeOnline* (environments); *Office 365 URLs and IP address
//! ranges* of each cloud and Microsoft's Exchange scripts (EWS); Azure CLI, *az cloud*; Microsoft Graph PowerShell, *Get-MgEnvironment*.

use serde::{Deserialize, Serialize};

/// A cloud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cloud {
    /// The worldwide one, GCC included.
    #[default]
    Global,
    /// US Government, GCC High.
    GccHigh,
    /// US Government, Department of Defense.
    Dod,
    /// China, operated by 21Vianet.
    China,
    /// Addresses of one's own: a proxy, an Exchange on premises, a simulator.
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
    pub fn of_addresses(login: &str, graph: &str) -> Self {
        let (login, graph) = (host(login), host(graph));
        let is = |cloud: &Self| {
            *cloud != Self::Custom && host(cloud.login()) == login && host(cloud.graph()) == graph
        };
        Self::ALL.into_iter().find(is).unwrap_or(Self::Custom)
    }

    /// The cloud whose portal manages the tenants that sign in there, whatever else is reached through a proxy: GCC High stands for
    /// DoD too, with which it shares sign-in and portal.
    pub fn of_login(login: &str) -> Self {
        match host(login).as_str() {
            "login.microsoftonline.com" => Self::Global,
            "login.microsoftonline.us" => Self::GccHigh,
            // The second one is the older name.
            "login.partner.microsoftonline.cn" | "login.chinacloudapi.cn" => Self::China,
            _ => Self::Custom,
        }
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
}

/// The host of an address, in small letters; empty for what is no web address.
fn host(address: &str) -> String {
    let after = address.split_once("://").map_or("", |(_, rest)| rest);
    let authority = after.split(['/', '?', '#']).next().unwrap_or_default();
    let name = authority.rsplit('@').next().unwrap_or_default();
    name.split(':').next().unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clouds_are_known_by_their_addresses_and_anything_else_is_ones_own() {
        for cloud in Cloud::ALL {
            assert_eq!(Cloud::of_word(cloud.word()), Some(cloud));
            let stored = serde_json::to_string(&cloud).expect("a word");
            assert_eq!(stored, format!("\"{}\"", cloud.word()), "one word everywhere");
            assert_eq!(Cloud::of_addresses(cloud.login(), cloud.graph()), cloud);
            if cloud != Cloud::Custom {
                assert!(
                    [cloud.login(), cloud.graph(), cloud.ews()].iter().all(|a| a.starts_with("https://"))
                );
            }
        }
        let shouted =
            Cloud::of_addresses("https://LOGIN.microsoftonline.us/", "https://graph.microsoft.us:443/");
        assert_eq!(shouted, Cloud::GccHigh);
        assert_eq!(Cloud::of_addresses("http://127.0.0.1:4000", "http://127.0.0.1:4000"), Cloud::Custom);
        assert_eq!(Cloud::of_addresses(Cloud::Global.login(), Cloud::China.graph()), Cloud::Custom);
        assert_eq!(Cloud::of_addresses("", ""), Cloud::Custom);
        assert_eq!(Cloud::of_word("moon"), None);
    }

    #[test]
    fn the_portal_follows_the_sign_in() {
        for (login, cloud) in [
            ("https://login.microsoftonline.com", Cloud::Global),
            ("https://login.microsoftonline.us/", Cloud::GccHigh),
            ("https://login.partner.microsoftonline.cn", Cloud::China),
            ("https://login.chinacloudapi.cn", Cloud::China),
            ("http://127.0.0.1:4000", Cloud::Custom),
            ("", Cloud::Custom),
            ("https://evil.test/.microsoftonline.us", Cloud::Custom),
            ("https://login.microsoftonline.us@evil.test/", Cloud::Custom),
            ("https://xlogin.microsoftonline.us", Cloud::Custom),
        ] {
            assert_eq!(Cloud::of_login(login), cloud, "{login}");
        }
    }
}
