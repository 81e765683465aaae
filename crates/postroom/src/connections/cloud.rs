//! The cloud of a connection. The type, its addresses and its portals are those of the fault catalogue, so that what a fault
//! leads to and what the set-up page leads to are the same pages; here is what needs the addresses of a registration.

pub use fault::Cloud;
use url::Url;

/// The cloud with these addresses.
pub fn of_addresses(login: &Url, graph: &Url) -> Cloud {
    Cloud::of_addresses(login.as_str(), graph.as_str())
}

/// The cloud whose portals manage a registration. Addresses of one's own still sign in somewhere.
pub fn of_portals(cloud: Cloud, login: &Url) -> Cloud {
    if cloud == Cloud::Custom { Cloud::of_login(login.as_str()) } else { cloud }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: every address of a cloud is one, and leads back to the cloud.
    #[test]
    fn addresses_of_a_cloud_can_be_used() {
        for cloud in Cloud::ALL.into_iter().filter(|cloud| *cloud != Cloud::Custom) {
            let [login, graph, ews] =
                [cloud.login(), cloud.graph(), cloud.ews()].map(|text| Url::parse(text).expect("an address"));
            assert_eq!(of_addresses(&login, &graph), cloud);
            assert_eq!(ews.scheme(), "https");
        }
    }

    /// Promise: behind a proxy for Graph the portal is still the one of the tenant's cloud.
    #[test]
    fn a_proxy_does_not_change_the_portal() {
        let login = Url::parse("https://login.microsoftonline.us").expect("an address");
        let proxy = Url::parse("https://graph.proxy.test").expect("an address");
        let cloud = of_addresses(&login, &proxy);
        assert_eq!(cloud, Cloud::Custom);
        assert_eq!(of_portals(cloud, &login).portal(), "https://portal.azure.us");
        assert_eq!(of_portals(cloud, &proxy).portal(), "https://portal.azure.com");
    }
}
